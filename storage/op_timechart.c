/* timechart: stats for each span of time. Spans without rows are shown with
 * nothing in them where there are no groups, so that a gap is seen. */
#include "engine/timeparse.h"
#include "storage/op_group.h"

#define SPANS_WANTED 60		/* that a chart of unknown span aims at */
#define SPANS_FILLED 100000

struct timechart {
	struct op op;
	struct groups groups;
	int64_t	 span_ns;	/* 0: chosen from the times searched */
};

static int64_t
choose_span(const struct op_run *run)
{
	static const int64_t seconds[] = { 1, 5, 10, 30, 60, 300, 600, 1800,
	    3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400 };
	size_t n = sizeof(seconds) / sizeof(seconds[0]);
	uint64_t range = (uint64_t)run->to_ns - (uint64_t)run->from_ns;

	for (size_t i = 0; i < n; i++)
		if (range / (uint64_t)(seconds[i] * TIME_S_NS) <= SPANS_WANTED)
			return seconds[i] * TIME_S_NS;
	return (range / (uint64_t)(7 * 86400 * TIME_S_NS) <= SPANS_WANTED
	    ? 7 : 30) * 86400 * TIME_S_NS;
}

static enum op_more
timechart_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct timechart *chart = (struct timechart *)(void *)op;

	if (chart->groups.span_ns == 0)
		chart->groups.span_ns = chart->span_ns > 0 ? chart->span_ns
		    : choose_span(run);
	groups_row(&chart->groups, row, run);
	return OP_MORE;
}

static bool
timechart_chunk(struct op *op, struct chunk_view *view, struct op_run *run)
{
	struct timechart *chart = (struct timechart *)(void *)op;

	if (chart->groups.span_ns == 0)
		chart->groups.span_ns = chart->span_ns > 0 ? chart->span_ns
		    : choose_span(run);
	return groups_chunk(&chart->groups, op->in, view, run);
}

/* Adds the empty spans between the first and the last. */
static void
fill(struct groups *groups, struct op_run *run)
{
	int64_t from = groups->group[0].key[0].u.num;
	int64_t to = groups->group[groups->n - 1].key[0].u.num;

	if ((to - from) / groups->span_ns > SPANS_FILLED)
		return;
	for (int64_t at = from; at < to; at += groups->span_ns) {
		struct value key = value_time(at);

		groups_at(groups, &key, run);
	}
	groups_sort(groups);
}

static void
timechart_end(struct op *op, struct op_run *run)
{
	struct groups *groups = &((struct timechart *)(void *)op)->groups;

	groups_sort(groups);
	if (groups->ncols == 1 && groups->n > 1)
		fill(groups, run);
	for (size_t i = 0; i < groups->n; i++)
		if (groups_emit(groups, &groups->group[i], op, run) ==
		    OP_ENOUGH)
			break;
	op_end(op->next, run);
}

static void
timechart_fini(struct op *op)
{
	groups_fini(&((struct timechart *)(void *)op)->groups);
}

static const struct op_class timechart_class = {
	.name = "timechart", .any_order = true, .holds = true,
	.row = timechart_row, .chunk = timechart_chunk, .end = timechart_end, .fini = timechart_fini
};

/* "span=1h" or "1h" or nothing. */
static bool
read_span(struct reader *reader, struct timechart *chart)
{
	struct token token;

	if (reader_accept(reader, "span")) {
		token = reader_next(reader);
		if (token.kind != LEX_COMPARE || token.len != 1 ||
		    token.text.ptr[0] != '=') {
			reader_fail(reader, &token, "= belongs here");
			return false;
		}
		token = reader_next(reader);
	} else {
		token = reader_peek(reader);
		if (token.kind != LEX_WORD || token.text.ptr[0] < '0' ||
		    token.text.ptr[0] > '9')
			return true;
		reader_next(reader);
	}
	if (token.kind == LEX_WORD && query_span(token.text, &chart->span_ns))
		return true;
	reader_fail(reader, &token, "a span of time belongs here");
	reader_hint(reader, "5m, 1h or 1d");
	return false;
}

struct op *
op_read_timechart(struct reader *reader)
{
	struct timechart *chart = reader_op(reader, &timechart_class,
	    sizeof(*chart));
	struct schema *out = reader_schema(reader);
	struct groups *groups = &chart->groups;
	struct token time = { .kind = LEX_QUOTED, .at = reader->lex.at,
	    .text = SLICE("@timestamp") };

	if (!read_span(reader, chart))
		return NULL;
	groups->cols[0] = reader_column(reader, &time);
	if (groups->cols[0] < 0)
		return NULL;
	groups->ncols = 1;
	if (!groups_read_aggregates(reader, groups) ||
	    !groups_read_by(reader, groups) ||
	    !groups_columns(reader, groups, out))
		return NULL;
	chart->op.out = out;
	return &chart->op;
}
