#include "tools/hunt.h"

#include <stdlib.h>

#include "correlation/correlate_stage.h"
#include "correlation/match_stage.h"
#include "correlation/rule.h"
#include "correlation/rule_columns.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/conf.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "storage/store.h"

#define HITS 4096		/* of one event */

/* What a chunk gave: freed when all of it went to the correlator. */
struct piece {
	struct piece *next;
	struct arena *arena;
	uint64_t seq1;		/* greatest in it */
};

struct hunt {
	struct ask *ask;
	struct ruleset *set;
	const bool *only;	/* by rule; NULL: all */
	bool	*asked;		/* by rule: detections that are needed */
	struct match_scratch *scratch;
	struct correlator *correlator;
	size_t	 n, cap;	/* events that wait for lower sequences */
	struct event **events;
	struct piece *pieces, **last_piece;
	size_t	 bytes;		/* of all pieces but the last */
	bool	 capped;
	uint64_t found;
	/* what was raised */
	struct arena *raised;
	struct map *runs;	/* alert id to struct alert */
	size_t	 nalerts, alerts_cap;
	struct alert **alerts;
};

/* --- which detections are needed ------------------------------------------- */

/* Referred rules have lower numbers, so one pass from above marks them all. */
static void
mark_asked(struct hunt *hunt)
{
	size_t n = ruleset_count(hunt->set);

	hunt->asked = xcalloc(n + 1, sizeof(*hunt->asked));
	for (size_t i = n; i-- > 0;) {
		const struct rule *rule = ruleset_rule(hunt->set, i);
		const struct correlation *c = rule->correlation;

		if (hunt->only == NULL || hunt->only[i])
			hunt->asked[i] = true;
		for (size_t k = 0; hunt->asked[i] && c != NULL &&
		    k < c->nrefer; k++)
			hunt->asked[c->refer[k]] = true;
	}
}

/* --- from rules to one condition ------------------------------------------- */

static bool
part_meets(struct slice has, struct slice wanted)
{
	return wanted.len == 0 || slice_eq(has, wanted);
}

/* Windows events also belong to log sources by channel and number, which only
 * the event itself knows. */
static bool
may_meet(const void *user, uint16_t number)
{
	const struct logsource *wanted = &((const struct rule *)user)->logsource;
	const struct logsource *has = logsource_at(number);

	if (number == 0)
		return false;
	if (slice_eq(has->product, SLICE("windows")))
		return part_meets(has->product, wanted->product);
	return part_meets(has->category, wanted->category) &&
	    part_meets(has->product, wanted->product) &&
	    part_meets(has->service, wanted->service);
}

/* Any of the detections, each in its log sources. */
static struct cond *
any_of(struct hunt *hunt, struct query *query)
{
	size_t n = ruleset_detections(hunt->set), used = 0;
	struct cond **all = arena_alloc(query->arena,
	    (n + 1) * sizeof(struct cond *));

	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = ruleset_rule(hunt->set, i);
		struct rule_columns columns;

		if (!hunt->asked[i])
			continue;
		columns = rule_columns_build(query->arena, rule->cond);
		all[used++] = cond_and(query->arena, query_source_cond(query,
		    may_meet, rule), columns.cond);
	}
	return cond_list(query->arena, COND_OR, all, used);
}

/* --- events that match ------------------------------------------------------ */

/* Values that the line brought, as the decoder would have marked them: keyword
 * rules look into those only. An escaped value does not stand in the line as
 * it is. */
static void
mark_own(struct event *event)
{
	bool escaped = slice_find_byte(event->raw, '\\') >= 0 ||
	    slice_find_byte(event->raw, '&') >= 0;

	for (size_t i = 0; i < event->n; i++) {
		struct value *value = &event->values[i];
		struct slice text = slice_of(value->text, value->len);

		if (value->type == VALUE_TEXT && text.len > 0 &&
		    memmem(event->raw.ptr, event->raw.len, text.ptr,
		    text.len) != NULL)
			value->transform = TRANSFORM_NONE;
		else if (value->type == VALUE_TEXT && escaped &&
		    !slice_starts(field_name(event->fields[i]),
		    SLICE("yagura.")))
			value->transform = TRANSFORM_JSON;
	}
}

static struct event *
keep(struct hunt *hunt, const struct event *found)
{
	struct schema none = { .n = 0, .open = true };
	struct piece *piece = *hunt->last_piece;
	struct row row = { .event = found };
	struct event *event = arena_alloc(piece->arena, sizeof(*event));

	row = row_dup(piece->arena, &none, &row);
	*event = *row.event;
	if (hunt->n == hunt->cap) {
		hunt->cap = hunt->cap > 0 ? hunt->cap * 2 : 1024;
		hunt->events = xrealloc(hunt->events,
		    hunt->cap * sizeof(struct event *));
	}
	hunt->events[hunt->n++] = event;
	if (event->seq > piece->seq1)
		piece->seq1 = event->seq;
	return event;
}

static enum op_more
take_row(void *user, const struct row *row)
{
	struct hunt *hunt = user;
	struct piece *piece = *hunt->last_piece;
	struct event found = *row->event, *event;
	uint32_t hits[HITS];
	size_t n;

	mark_own(&found);
	n = ruleset_match(hunt->set, &found, hunt->scratch, hits, HITS);
	if (n == 0)
		return OP_MORE;	/* the condition was wider than the rule */
	if (hunt->bytes + arena_bytes(piece->arena) > HUNT_BYTES) {
		hunt->capped = true;
		return OP_ENOUGH;
	}
	event = keep(hunt, &found);
	event->nhits = (uint32_t)(n < HITS ? n : HITS);
	event->hits = arena_alloc(piece->arena,
	    event->nhits * sizeof(*event->hits));
	memcpy(event->hits, hits, event->nhits * sizeof(*hits));
	hunt->found++;
	return OP_MORE;
}

/* --- what they raise -------------------------------------------------------- */

static bool
is_told(const struct hunt *hunt, const struct event *alert)
{
	char buf[VALUE_TEXT_BYTES];
	const struct rule *rule;

	if (hunt->only == NULL)
		return true;
	rule = ruleset_find(hunt->set, event_text(alert, FIELD_RULE_ID, buf));
	return rule != NULL && hunt->only[rule->number];
}

static void
keep_alert(struct hunt *hunt, const struct event *event)
{
	struct schema none = { .n = 0, .open = true };
	struct row row = { .event = event };
	struct alert *alert;
	char buf[VALUE_TEXT_BYTES];

	if (!is_told(hunt, event))
		return;
	row = row_dup(hunt->raised, &none, &row);
	alert = arena_zalloc(hunt->raised, sizeof(*alert));
	ask_alert(hunt->ask, row.event, hunt->raised, alert);
	alert->event = row.event;
	if (hunt->nalerts == hunt->alerts_cap) {
		hunt->alerts_cap = hunt->alerts_cap > 0
		    ? 2 * hunt->alerts_cap : 256;
		hunt->alerts = xrealloc(hunt->alerts,
		    hunt->alerts_cap * sizeof(struct alert *));
	}
	hunt->alerts[hunt->nalerts++] = alert;
	map_get(hunt->runs, event_text(event, FIELD_EVENT_ID, buf),
	    NULL)->ptr = alert;
}

static uint64_t
little64(const char *p)
{
	uint64_t out = 0;

	for (int i = 7; i >= 0; i--)
		out = out << 8 | (uint8_t)p[i];
	return out;
}

/* Notes are values: the last one of a run holds all. */
static void
keep_run(struct hunt *hunt, const struct note *note)
{
	union map_value *place = map_find(hunt->runs, note->key);
	struct alert *alert;

	if (place == NULL || note->kind != NOTE_RUN)
		return;
	alert = place->ptr;
	alert->first_ns = note->first_ns;
	alert->last_ns = note->last_ns;
	alert->count = note->count;
	alert->nevents = note->data.len / 16;
	alert->events = arena_zalloc(hunt->raised,
	    (alert->nevents + 1) * sizeof(*alert->events));
	for (size_t i = 0; i < alert->nevents; i++) {
		alert->events[i].seq = little64(note->data.ptr + 16 * i);
		alert->events[i].time_ns = (int64_t)little64(
		    note->data.ptr + 16 * i + 8);
	}
}

/* Of the notes for one run the newest stands first. */
static void
keep_raised(struct hunt *hunt, const struct batch *batch)
{
	struct map *seen = map_new();

	for (size_t i = 0; i < batch->nalerts; i++)
		keep_alert(hunt, batch->alerts[i]);
	for (const struct note *note = batch->notes; note != NULL;
	    note = note->next) {
		bool made;

		map_get(seen, note->key, &made);
		if (made)
			keep_run(hunt, note);
	}
	map_free(seen);
}

static int
by_sequence(const void *a, const void *b)
{
	const struct event *left = *(const struct event *const *)a;
	const struct event *right = *(const struct event *const *)b;

	return (left->seq > right->seq) - (left->seq < right->seq);
}

static struct batch *
batch_open(struct hunt *hunt, uint64_t seq0)
{
	struct batch *batch = batch_new(store_node(hunt->ask->store), seq0);

	batch->ruleset = ruleset_get(hunt->set);
	batch->phase = BATCH_MATCHED;
	return batch;
}

static void
correlate(struct hunt *hunt, size_t at, size_t n)
{
	struct batch *batch = batch_open(hunt, hunt->events[at]->seq);
	struct event *own = batch->events;

	batch->events = arena_alloc(batch->arena, n * sizeof(*own));
	for (size_t i = 0; i < n; i++) {
		batch->events[i] = *hunt->events[at + i];
		batch->events[i].batch = batch;
	}
	batch->n = n;
	batch->received_ns = hunt->events[at + n - 1]->ingested_ns;
	correlate_stage_run(hunt->correlator, batch);
	keep_raised(hunt, batch);
	batch->events = own;
	batch->n = 0;
	batch_put(batch);
}

/* Alerts that found no place are in the next batch. */
static void
correlate_end(struct hunt *hunt)
{
	struct correlator_figures figures;
	struct batch *batch = batch_open(hunt, 0);

	correlator_end(hunt->correlator, batch);
	keep_raised(hunt, batch);
	batch_put(batch);
	for (;;) {
		correlator_figures(hunt->correlator, &figures);
		if (figures.waiting == 0)
			return;
		batch = batch_open(hunt, 0);
		correlate_stage_run(hunt->correlator, batch);
		keep_raised(hunt, batch);
		batch_put(batch);
	}
}

/* The arenas of chunks of which everything went. */
static void
drop_pieces(struct hunt *hunt, uint64_t seq)
{
	struct piece **at = &hunt->pieces;

	while (*at != NULL) {
		struct piece *piece = *at;

		if (piece->seq1 >= seq) {
			at = &piece->next;
			continue;
		}
		*at = piece->next;
		arena_free(piece->arena);
		free(piece);
	}
	hunt->last_piece = at;
	hunt->bytes = 0;
	for (const struct piece *piece = hunt->pieces; piece != NULL;
	    piece = piece->next)
		hunt->bytes += arena_bytes(piece->arena);
}

static void
new_piece(struct hunt *hunt)
{
	struct piece *piece = xcalloc(1, sizeof(*piece));

	piece->arena = arena_new((size_t)64 << 10);
	*hunt->last_piece = piece;
}

/* Every event below this sequence is here: as it was live, in the order in
 * which events were committed, and in pieces that arrived together. */
static void
complete(void *user, uint64_t seq)
{
	struct hunt *hunt = user;
	size_t at = 0, n, end;

	if (hunt->n > 1)
		qsort(hunt->events, hunt->n, sizeof(struct event *),
		    by_sequence);
	for (end = 0; end < hunt->n && hunt->events[end]->seq < seq; end++)
		continue;
	for (; at < end; at += n) {
		for (n = 1; n < BATCH_EVENTS && at + n < end &&
		    hunt->events[at + n]->seq >> 12 ==
		    hunt->events[at]->seq >> 12; n++)
			continue;
		correlate(hunt, at, n);
	}
	if (end > 0)
		memmove(hunt->events, hunt->events + end,
		    (hunt->n - end) * sizeof(struct event *));
	hunt->n -= end;
	drop_pieces(hunt, seq);
	new_piece(hunt);
}

/* --- telling ---------------------------------------------------------------- */

static int
newest_first(const void *a, const void *b)
{
	const struct alert *x = *(const struct alert *const *)a;
	const struct alert *y = *(const struct alert *const *)b;

	return (x->event->time_ns < y->event->time_ns) -
	    (x->event->time_ns > y->event->time_ns);
}

static void
put_row(const struct alert *alert, struct strbuf *line)
{
	char time[TIME_TEXT_BYTES], buf[VALUE_TEXT_BYTES];
	struct value group;

	strbuf_put(line, time_format_rfc3339(alert->event->time_ns, time));
	strbuf_printf(line, " %6llu  ", (unsigned long long)alert->count);
	present_text(line, event_text(alert->event, FIELD_RULE_NAME, buf));
	if (event_value(alert->event, FIELD_YAGURA_GROUP, &group)) {
		struct strbuf text = STRBUF_INIT;

		present_value(&text, &group);
		strbuf_printf(line, " (%.*s)", (int)text.len, text.ptr);
		strbuf_fini(&text);
	}
}

static void
tell(struct hunt *hunt)
{
	struct strbuf line = STRBUF_INIT;
	uint64_t rows = hunt->ask->rows;

	if (hunt->nalerts > 1)
		qsort(hunt->alerts, hunt->nalerts, sizeof(struct alert *),
		    newest_first);
	for (size_t i = 0; i < hunt->nalerts && (rows == 0 || i < rows);
	    i++) {
		strbuf_clear(&line);
		if (hunt->ask->format == PRESENT_JSON)
			ask_alert_json(hunt->ask, hunt->alerts[i], &line);
		else
			put_row(hunt->alerts[i], &line);
		strbuf_putc(&line, '\n');
		if (fwrite(line.ptr, 1, line.len, stdout) != line.len)
			break;
	}
	strbuf_fini(&line);
}

static int
run(struct hunt *hunt, struct query *query)
{
	struct correlator_limits limits = {
	    .groups = (size_t)hunt->ask->conf->correlation_groups,
	    .groups_per_rule =
	    (size_t)hunt->ask->conf->correlation_groups_per_rule,
	    .bytes = (size_t)hunt->ask->conf->correlation_bytes,
	    .arrival_decides = true };
	struct scan_result result;
	int code;

	query->cond = any_of(hunt, query);
	hunt->correlator = correlator_new(&limits);
	code = ask_sequence(hunt->ask, query, take_row, complete, hunt,
	    &result);
	if (code == EXIT_DONE || code == EXIT_PARTIAL) {
		correlate_end(hunt);
		tell(hunt);
	}
	correlator_free(hunt->correlator);
	if (hunt->capped) {
		fprintf(stderr, "yagura hunt: partial answer: %llu events "
		    "match, and more than %zu MB of them arrived at one time; "
		    "hunt with fewer rules\n",
		    (unsigned long long)hunt->found, HUNT_BYTES >> 20);
		return EXIT_PARTIAL;
	}
	return code == EXIT_DONE && hunt->nalerts == 0 ? EXIT_NOTHING : code;
}

int
hunt_rules(struct ask *ask, struct ruleset *set, const bool *only)
{
	struct hunt hunt = { .ask = ask, .set = set, .only = only };
	struct query *query;
	int code;

	batch_release = match_stage_release;
	hunt.scratch = match_scratch_new(set);
	hunt.last_piece = &hunt.pieces;
	new_piece(&hunt);
	hunt.raised = arena_new(0);
	hunt.runs = map_new();
	mark_asked(&hunt);
	query = ask_parse(ask, SLICE("*"));
	check(query != NULL);
	code = run(&hunt, query);
	query_free(query);
	map_free(hunt.runs);
	arena_free(hunt.raised);
	while (hunt.pieces != NULL) {
		struct piece *piece = hunt.pieces;

		hunt.pieces = piece->next;
		arena_free(piece->arena);
		free(piece);
	}
	match_scratch_free(hunt.scratch);
	free(hunt.asked);
	free(hunt.alerts);
	free(hunt.events);
	return code;
}
