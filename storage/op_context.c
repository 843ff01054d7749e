/* context: what happened around the rows, on the same host or source.
 *
 * The rows are hits; when all are in, the store is asked again around each of
 * them. What comes out is whole events, newest first, each once, the hits
 * among them.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/timeparse.h"
#include "storage/query_read.h"

#define EVENTS_DEFAULT 5
#define EVENTS_MOST 1000	/* on each side */
#define HITS_MOST 100		/* each costs a search or two */
#define WINDOW_ROWS 20000	/* looked at to find the nearest behind a hit */
#define WINDOW_MOST (24 * 3600 * TIME_S_NS)

struct hit {
	int64_t	 time_ns;
	field_t	 field;
	struct value value;
};

struct context {
	struct op op;
	uint64_t events;	/* on each side; 0: by time */
	int64_t	 span_ns;
	field_t	 by;		/* FIELD_NONE: host, else source address */
	size_t	 nhits;
	struct hit hits[HITS_MOST];
	bool	 capped;
	struct arena *arena;
	struct map *seen;	/* by sequence */
	struct op_run *run;
	size_t	 n, cap;
	struct event const **found;
	/* of one window */
	size_t	 before, window;
	bool	 full;
};

/* --- hits ------------------------------------------------------------------- */

static bool
key_of(struct context *context, const struct event *event, struct hit *hit)
{
	static const field_t usual[] = { FIELD_HOST_NAME, FIELD_SOURCE_IP };
	size_t n = context->by != FIELD_NONE ? 1
	    : sizeof(usual) / sizeof(usual[0]);

	for (size_t i = 0; i < n; i++) {
		struct value value;

		hit->field = context->by != FIELD_NONE ? context->by
		    : usual[i];
		if (event_value(event, hit->field, &value) &&
		    value_members(&value) > 0 &&
		    value_member(&value, 0)->type != VALUE_NULL) {
			hit->value = value_dup(context->arena,
			    value_member(&value, 0));
			return true;
		}
	}
	return false;
}

static enum op_more
context_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct context *context = (struct context *)(void *)op;
	const struct event *event = row_event(row);
	struct hit *hit = &context->hits[context->nhits];

	(void)run;
	if (event == NULL)
		return OP_MORE;
	if (context->nhits == HITS_MOST) {
		context->capped = true;
		return OP_ENOUGH;
	}
	hit->time_ns = event->time_ns;
	if (key_of(context, event, hit))
		context->nhits++;
	return OP_MORE;
}

/* --- around them ------------------------------------------------------------- */

static void
keep(struct context *context, const struct event *event)
{
	struct schema whole = { .open = true };
	struct row row = { .event = event };
	size_t bytes = arena_bytes(context->arena);
	bool made;

	map_get(context->seen, slice_of((const char *)&event->seq,
	    sizeof(event->seq)), &made);
	if (!made)
		return;
	row = row_dup(context->arena, &whole, &row);
	if (!op_take(context->run, arena_bytes(context->arena) - bytes,
	    "some context is missing"))
		return;
	if (context->n == context->cap) {
		context->cap = context->cap == 0 ? 256 : 2 * context->cap;
		context->found = xrealloc(context->found,
		    context->cap * sizeof(struct event *));
	}
	context->found[context->n++] = row.event;
}

static enum op_more
take_row(void *user, const struct row *row)
{
	const struct event *event = row_event(row);

	if (event != NULL)
		keep(user, event);
	return OP_MORE;
}

/* The nearest behind a hit are the last of a window that is read newest first:
 * a ring of times says where they begin. */
struct window {
	struct context *context;
	uint64_t n, most;
	int64_t	 *times;
};

static enum op_more
take_time(void *user, const struct row *row)
{
	struct window *window = user;

	if (row_event(row) != NULL)
		window->times[window->n++ % window->most] =
		    row_event(row)->time_ns;
	return window->n < WINDOW_ROWS ? OP_MORE : OP_ENOUGH;
}

/* Until when the next events behind the hit reach. */
static int64_t
reach_of(struct context *context, const struct hit *hit)
{
	struct window window = { .context = context,
	    .most = context->events + 1 };
	int64_t span, until = hit->time_ns;

	window.times = xcalloc(window.most, sizeof(*window.times));
	for (span = 60 * TIME_S_NS; span <= WINDOW_MOST; span *= 8) {
		struct op_ask ask = { .field = hit->field,
		    .value = &hit->value, .from_ns = hit->time_ns,
		    .to_ns = hit->time_ns + span, .row = take_time,
		    .user = &window };

		window.n = 0;
		context->run->ask(context->run->scan, &ask);
		if (window.n > 0)
			until = window.times[window.n >= window.most
			    ? window.n % window.most : 0];
		if (window.n >= window.most)
			break;
	}
	free(window.times);
	return until;
}

static void
around(struct context *context, const struct hit *hit)
{
	struct op_ask ask = { .field = hit->field, .value = &hit->value,
	    .row = take_row, .user = context };

	if (context->events == 0) {
		ask.from_ns = hit->time_ns - context->span_ns;
		ask.to_ns = hit->time_ns + context->span_ns;
		ask.most = WINDOW_ROWS;
		context->run->ask(context->run->scan, &ask);
		return;
	}
	ask.from_ns = INT64_MIN;
	ask.to_ns = hit->time_ns;
	ask.most = context->events + 1;
	context->run->ask(context->run->scan, &ask);
	ask.from_ns = hit->time_ns;
	ask.to_ns = reach_of(context, hit);
	ask.most = 0;
	context->run->ask(context->run->scan, &ask);
}

static int
newest_first(const void *a, const void *b)
{
	const struct event *x = *(const struct event *const *)a;
	const struct event *y = *(const struct event *const *)b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? 1 : -1;
	return (x->seq < y->seq) - (x->seq > y->seq);
}

static void
emit(struct context *context, const struct event *event)
{
	const struct schema *schema = context->op.in;
	struct value cells[SCHEMA_COLUMNS];
	struct row row = { .cells = cells, .event = event,
	    .raw = event->raw };

	for (size_t i = 0; i < schema->n; i++)
		if (!event_value(event, schema->cols[i], &cells[i]))
			cells[i] = cell_absent();
	op_emit(&context->op, &row, context->run);
}

static void
context_end(struct op *op, struct op_run *run)
{
	struct context *context = (struct context *)(void *)op;

	context->run = run;
	if (context->capped) {
		if (!run->partial)
			snprintf(run->why, sizeof(run->why), "context of the "
			    "newest %d hits only", HITS_MOST);
		run->partial = true;
	}
	for (size_t i = 0; i < context->nhits && run->ask != NULL; i++)
		around(context, &context->hits[i]);
	if (context->n > 1)
		qsort(context->found, context->n, sizeof(struct event *),
		    newest_first);
	for (size_t i = 0; i < context->n && !op->enough; i++)
		emit(context, context->found[i]);
	op_end(op->next, run);
}

static void
context_fini(struct op *op)
{
	struct context *context = (struct context *)(void *)op;

	map_free(context->seen);
	arena_free(context->arena);
	free(context->found);
}

static const struct op_class context_class = {
	.name = "context", .holds = true, .row = context_row,
	.end = context_end, .fini = context_fini
};

/* --- reading ------------------------------------------------------------------- */

static bool
read_size(struct reader *reader, struct context *context)
{
	struct token token = reader_peek(reader);
	uint64_t n;

	context->events = EVENTS_DEFAULT;
	if (token.kind != LEX_WORD || token.text.ptr[0] < '0' ||
	    token.text.ptr[0] > '9')
		return true;
	if (slice_ulong(token.text, &n))
		return reader_count(reader, EVENTS_MOST, &context->events);
	reader_next(reader);
	context->events = 0;
	if (query_span(token.text, &context->span_ns))
		return true;
	reader_fail(reader, &token, "a number of events or a span of time "
	    "belongs here");
	reader_hint(reader, "context 5, or context 10m");
	return false;
}

struct op *
op_read_context(struct reader *reader)
{
	struct context *context = reader_op(reader, &context_class,
	    sizeof(*context));
	struct token token = reader_peek(reader);

	context->by = FIELD_NONE;
	context->arena = arena_new(0);
	context->seen = map_new();
	reader_own(reader, &context->op);
	if (!reader->schema->open)
		return reader_fail(reader, &token, "context stands before "
		    "fields, stats and the like: it shows whole events");
	if (!read_size(reader, context))
		return NULL;
	if (reader_accept(reader, "by")) {
		token = reader_next(reader);
		context->by = reader_field(reader, &token);
		if (context->by == FIELD_NONE)
			return NULL;
	}
	reader->schema->whole = true;
	return &context->op;
}
