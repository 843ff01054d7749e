#include "storage/scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "storage/query_read.h"
#include "storage/query_set.h"
#include "storage/scan_private.h"

/* --- the end of the chain ----------------------------------------------- */

struct sink {
	struct op op;
	struct scan *scan;
	uint64_t rows;
};

static enum op_more
sink_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct sink *sink = (struct sink *)(void *)op;
	const struct scan_request *request = sink->scan->request;
	struct row made = *row;

	(void)run;
	if (sink->scan->query->result->open && !request->lines_only) {
		made.event = row_event(row);
		if (made.event == NULL)
			return OP_MORE;	/* counted where it failed */
		made.raw = made.event->raw;
	}
	sink->rows++;
	if (request->row(request->user, &made) == OP_ENOUGH)
		return OP_ENOUGH;
	return sink->rows == request->rows ? OP_ENOUGH : OP_MORE;
}

static void
sink_end(struct op *op, struct op_run *run)
{
	(void)op;
	(void)run;
}

static const struct op_class sink_class = {
	.name = "sink", .row = sink_row, .end = sink_end
};

/* --- partitions --------------------------------------------------------- */

static enum scan_outcome
one_partition(struct scan *scan, const struct partition_info *info)
{
	uint64_t before = scan_store_lost(scan);
	struct err err = { ERR_NONE, "" };
	enum scan_outcome outcome;

	if (!scan_open(scan, info, &err)) {
		scan_give_up(scan, info->events, before, &err);
		return SCAN_DONE;
	}
	outcome = scan->ordered ? scan_ordered_partition(scan)
	    : scan_any_partition(scan);
	scan_close(scan);
	return outcome;
}

static void
whole_partition(struct scan *scan, const struct partition_info *info)
{
	struct err err = { ERR_DAMAGED, "sealed again and again" };

	scan->ndone = 0;
	scan->any_out = false;
	if (scan->request->after_seq > 0)
		scan_mark_done(scan, 0, scan->request->after_seq);
	for (int i = 0; i < RESTARTS; i++)
		if (one_partition(scan, info) == SCAN_DONE)
			return;
	scan_give_up(scan, info->events, scan_store_lost(scan),
	    &err);
}

/* A search within a search, when that has read all it reads. */
static void
ask_again(void *user, const struct op_ask *ask)
{
	struct scan *scan = user;
	struct query_error error;
	struct query *query = query_parse(SLICE("*"), 0, NULL, &error);
	struct scan_request request = { .store = scan->request->store,
	    .query = query, .from_ns = ask->from_ns, .to_ns = ask->to_ns,
	    .rows = ask->most, .row = ask->row, .user = ask->user };
	struct query_set *set = query_set_new();
	struct scan_result result;
	struct err err = { ERR_NONE, "" };
	char buf[VALUE_TEXT_BYTES];

	check(query != NULL);
	query_set_add(set, value_as_text(ask->value, buf), 0);
	query->cond = query_set_cond(query, ask->field, set);
	if (scan_run(&request, &result, &err) == 0 && result.partial) {
		if (!scan->run.partial)
			snprintf(scan->run.why, sizeof(scan->run.why),
			    "%.200s", result.why);
		scan->run.partial = true;
	}
	query_free(query);
	query_set_free(set);
}

/* Alerts are events; searches that do not name them leave them out. */
static struct cond *
without_alerts(struct query *query)
{
	struct pred pred = { .op = PRED_EQ, .nfields = 1,
	    .fields = { FIELD_EVENT_MODULE }, .text = SLICE("yagura") };

	if (query->names_yagura)
		return query->cond;
	return cond_and(query->arena, query->cond,
	    cond_not(query->arena, cond_pred(query->arena, pred)));
}

static bool
needs_order(const struct query *query)
{
	for (const struct op *op = query->ops; op != NULL; op = op->next) {
		if (op->class->any_order)
			return false;
		if (!op->class->passes)
			return true;
	}
	return true;
}

void
scan_tell(struct scan *scan)
{
	struct scan_result *result = scan->result;
	struct slice why = { "", 0 };

	result->missing = scan->missing +
	    store_missing(scan->request->store, &why);
	why = slice_trim(why);
	result->partial = scan->run.partial || result->missing > 0 ||
	    scan->damage.kind != ERR_NONE;
	if (scan->run.why[0] != '\0')
		snprintf(result->why, sizeof(result->why), "%s",
		    scan->run.why);
	else if (why.len > 0)	/* names the places and counts */
		snprintf(result->why, sizeof(result->why), "%.*s",
		    (int)slice_head(why, 400).len, why.ptr);
	else if (result->missing > 0)
		snprintf(result->why, sizeof(result->why),
		    "%llu events missing: %.300s",
		    (unsigned long long)result->missing, scan->damage.text);
	else if (scan->damage.kind != ERR_NONE)
		snprintf(result->why, sizeof(result->why), "%s",
		    scan->damage.text);
}

void
scan_begin(struct scan *scan, const struct scan_request *request,
    struct scan_result *result)
{
	struct query *query = request->query;
	struct sink *sink = arena_zalloc(query->arena, sizeof(*sink));

	memset(result, 0, sizeof(*result));
	*scan = (struct scan){ .request = request, .result = result,
	    .query = query, .schema = query->source, .block = BLOCK_FIRST,
	    .ordered = !request->any_order && needs_order(query) };
	if (request->lines_only)
		query->source->raw = true;
	sink->op.class = &sink_class;
	sink->scan = scan;
	scan->first = query->ops != NULL ? query->ops : &sink->op;
	if (query->last != NULL)
		query->last->next = &sink->op;
	scan->plan = plan_new(query->arena, without_alerts(query),
	    query->leaves, NULL);
	scan->arena = arena_new(0);
	scan->bits = arena_new(0);
	scan->run.limit_bytes = request->limit_bytes > 0
	    ? request->limit_bytes : SCAN_MEMORY;
	scan->run.from_ns = INT64_MAX;
	scan->run.to_ns = INT64_MIN;
}

void
scan_finish(struct scan *scan)
{
	plan_free(scan->plan);
	arena_free(scan->arena);
	arena_free(scan->bits);
	free(scan->refs);
	free(scan->done);
}

/* The times that a chart without a span goes by. */
static void
note_times(struct scan *scan, int64_t from_ns, int64_t to_ns)
{
	if (from_ns < scan->request->from_ns)
		from_ns = scan->request->from_ns;
	if (to_ns > scan->request->to_ns)
		to_ns = scan->request->to_ns;
	if (from_ns < scan->run.from_ns)
		scan->run.from_ns = from_ns;
	if (to_ns > scan->run.to_ns)
		scan->run.to_ns = to_ns;
}

struct partition_info *
scan_partitions(struct store *store, int64_t from_ns, int64_t to_ns,
    size_t *n, struct err *err)
{
	const struct partition_info *listed;
	struct partition_info *infos;

	*n = store_partitions(store, from_ns, to_ns, true, &listed, err);
	infos = xmalloc((*n + 1) * sizeof(*infos));
	if (*n > 0)
		memcpy(infos, listed, *n * sizeof(*infos));
	return infos;
}

int
scan_run(const struct scan_request *request, struct scan_result *result,
    struct err *err)
{
	struct scan scan;
	struct partition_info *infos;
	size_t n;

	scan_begin(&scan, request, result);
	scan.node = store_node(request->store);
	err_clear(err);
	infos = scan_partitions(request->store, request->from_ns,
	    request->to_ns, &n, err);
	scan.damage = *err;
	err_clear(err);
	for (size_t i = 0; i < n; i++) {
		scan.total += infos[i].events;
		note_times(&scan, infos[i].t_min, infos[i].t_max);
	}
	for (size_t i = 0; i < n && !scan.enough; i++)
		whole_partition(&scan, &infos[i]);
	scan.run.ask = ask_again;
	scan.run.scan = &scan;
	op_end(scan.first, &scan.run);
	scan_tell(&scan);
	free(infos);
	scan_finish(&scan);
	return 0;
}

void
scan_events(const struct scan_request *request, const struct event *events,
    size_t n, struct scan_result *result)
{
	struct scan scan;

	scan_begin(&scan, request, result);
	for (size_t i = 0; i < n; i++)
		note_times(&scan, events[i].time_ns, events[i].time_ns);
	for (size_t i = 0; i < n && !scan.enough; i++) {
		struct row row;

		result->searched++;
		if (scan_out_of_time(&scan, events[i].time_ns, events[i].time_ns) ||
		    !plan_event_holds(scan.plan, &events[i]))
			continue;
		result->matched++;
		arena_reset(scan.arena);
		scan_row_of_event(&scan, &events[i], &row);
		scan_push(&scan, &row);
	}
	op_end(scan.first, &scan.run);
	result->partial = scan.run.partial;
	snprintf(result->why, sizeof(result->why), "%s", scan.run.why);
	scan_finish(&scan);
}

