/* tools/report_gather.c -- asks the store for the figures of a month.
 *
 * Every figure is the answer to a query that anybody can type; the texts of
 * the queries stand in this file and nowhere else. Alerts are read one by one:
 * they are few beside the events.
 */
#include "tools/report.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "correlation/rule.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/timeparse.h"
#include "storage/ledger.h"
#include "storage/query.h"
#include "storage/scan.h"
#include "storage/store.h"

#define DAY_NS (86400 * INT64_C(1000000000))
#define ALERTS_MAX 100000	/* alerts of a month that a report tells of */
#define ROWS_MAX 1000		/* rows of a list that are compared */

struct gather {
	struct report *report;
	struct store *store;
	const char *data;	/* its folder */
	const struct ruleset *rules;	/* in force now: titles of hits */
	bool	 japanese;
	int64_t	 previous_ns;	/* first of the month before */
	struct err *err;
	bool	 failed;
};

/* --- asking ---------------------------------------------------------------- */

struct ask {
	struct gather *gather;
	void	(*row)(void *user, const struct value *cells, size_t n,
	    const struct event *event);
	void	*user;
	size_t	 n;
};

static enum op_more
hand_row(void *user, const struct row *row)
{
	struct ask *ask = user;

	ask->row(ask->user, row->cells, ask->n, row->event);
	return OP_MORE;
}

/* Runs a query over from <= time < to; rows go to `row`. */
static void
ask(struct gather *gather, const char *text, int64_t from_ns, int64_t to_ns,
    void (*row)(void *, const struct value *, size_t, const struct event *),
    void *user)
{
	struct query_error error;
	struct query *query = query_parse(slice_cstr(text),
	    gather->report->made_ns, NULL, &error);
	struct ask asked = { gather, row, user, 0 };
	struct scan_request request = { .store = gather->store,
	    .query = query, .from_ns = from_ns, .to_ns = to_ns - 1,
	    .row = hand_row, .user = &asked };
	struct scan_result result;

	/* A query of ours that is refused is a bug, not bad input. */
	check(query != NULL);
	asked.n = query->result->n;
	if (!gather->failed &&
	    scan_run(&request, &result, gather->err) < 0)
		gather->failed = true;
	else if (!gather->failed && result.missing > gather->report->missing)
		gather->report->missing = result.missing;
	query_free(query);
}

static struct slice
keep_text(struct gather *gather, const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];

	if (value->type == VALUE_LIST || cell_is_absent(value))
		return SLICE("");
	return arena_dup(gather->report->arena, value_as_text(value, buf));
}

static uint64_t
as_count(const struct value *value)
{
	double number;

	return value_as_double(value, &number) && number > 0 ?
	    (uint64_t)number : 0;
}

/* --- one number ------------------------------------------------------------ */

static void
take_number(void *user, const struct value *cells, size_t n,
    const struct event *event)
{
	(void)event;
	if (n > 0)
		*(uint64_t *)user = as_count(&cells[0]);
}

static uint64_t
ask_number(struct gather *gather, const char *text, int64_t from_ns,
    int64_t to_ns)
{
	uint64_t number = 0;

	ask(gather, text, from_ns, to_ns, take_number, &number);
	return number;
}

/* --- lists of name and count ----------------------------------------------- */

struct rows {
	struct gather *gather;
	struct report_row *row;
	size_t	 n, room;
};

/* Queries of lists end in `stats count by X`: the columns are X and count in
 * either order. */
static void
take_row(void *user, const struct value *cells, size_t n,
    const struct event *event)
{
	struct rows *rows = user;
	size_t name = n > 1 && cells[0].type == VALUE_LONG &&
	    cells[1].type != VALUE_LONG ? 1 : 0;

	(void)event;
	if (n < 2 || rows->n == rows->room)
		return;
	rows->row[rows->n++] = (struct report_row){
		.name = keep_text(rows->gather, &cells[name]),
		.n = as_count(&cells[1 - name]) };
}

static int
by_count(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return slice_cmp(x->name, y->name);
}

static struct rows
ask_rows(struct gather *gather, const char *text, int64_t from_ns,
    int64_t to_ns)
{
	struct rows rows = { .gather = gather, .room = ROWS_MAX };

	rows.row = arena_zalloc(gather->report->arena,
	    ROWS_MAX * sizeof *rows.row);
	ask(gather, text, from_ns, to_ns, take_row, &rows);
	qsort(rows.row, rows.n, sizeof *rows.row, by_count);
	return rows;
}

/* The list of this month, with count and rank of the month before. */
static void
compare_rows(struct gather *gather, const char *text,
    struct report_row **out, size_t *n, size_t most)
{
	struct report *report = gather->report;
	struct rows now = ask_rows(gather, text, report->from_ns,
	    report->to_ns);
	struct rows before = ask_rows(gather, text, gather->previous_ns,
	    report->from_ns);
	struct map *places = map_new_borrowing();

	for (size_t i = 0; i < before.n; i++)
		map_get(places, before.row[i].name, NULL)->num = i + 1;
	for (size_t i = 0; i < now.n; i++) {
		const union map_value *place = map_find(places,
		    now.row[i].name);

		if (place == NULL)
			continue;
		now.row[i].rank_previous = (unsigned)place->num;
		now.row[i].previous = before.row[place->num - 1].n;
	}
	map_free(places);
	*out = now.row;
	*n = now.n < most ? now.n : most;
}

static bool
shows_technique(const struct rule *rule)
{
	for (size_t i = 0; i < rule->ntags; i++)
		if (slice_starts(rule->tags[i], SLICE("attack.")))
			return true;
	return false;
}

/* Hits of rules that name a technique, by title. Other detections only pick
 * events for correlations: that many connections were allowed is no finding.
 * Rules that are gone since are told by their id. */
static void
gather_hits(struct gather *gather)
{
	struct report *report = gather->report;
	struct strbuf query = STRBUF_INIT;
	size_t kept = 0;

	compare_rows(gather, "yagura.hits:* | stats count by yagura.hits"
	    " | sort -count | head 1000", &report->hits, &report->nhits,
	    ROWS_MAX);
	for (size_t i = 0; i < report->nhits; i++) {
		struct report_row row = report->hits[i];
		const struct rule *rule = ruleset_find(gather->rules,
		    row.name);

		if (rule != NULL && !shows_technique(rule))
			continue;
		strbuf_puts(&query, kept > 0 ? " OR \"" :
		    "yagura.hits:(\"");
		for (size_t k = 0; k < row.name.len; k++) {
			if (memchr("\"\\", row.name.ptr[k], 2) != NULL)
				strbuf_putc(&query, '\\');
			strbuf_putc(&query, row.name.ptr[k]);
		}
		strbuf_putc(&query, '"');
		if (rule != NULL)
			row.name = arena_dup(report->arena, rule->title);
		report->hits[kept++] = row;
	}
	if (kept > 0) {
		strbuf_puts(&query, ") | stats count");
		report->matched = ask_number(gather, query.ptr,
		    report->from_ns, report->to_ns);
	}
	report->nhits = kept < 2 * REPORT_TOP ? kept : 2 * REPORT_TOP;
	strbuf_fini(&query);
}

static void
gather_lists(struct gather *gather)
{
	static const struct {
		const char *id, *query;
	} lists[] = {
		{ "refused", "yagura.blocked:true source.ip:*"
		    " | stats count by source.ip | sort -count | head 1000" },
		{ "targets", "source.ip:* destination.ip:*"
		    " | stats count by destination.ip | sort -count"
		    " | head 1000" },
		{ "failed_users", "event.category:authentication"
		    " event.outcome:failure | stats count by user.name"
		    " | sort -count | head 1000" },
		{ "ips", "event.category:intrusion_detection"
		    " | stats count by rule.name | sort -count | head 1000" },
		{ "names", "dns.question.name:*"
		    " | stats count by dns.question.name | sort -count"
		    " | head 1000" },
		{ "hosts", "event.dataset:yagura.alert"
		    " | stats count by host.name | sort -count | head 1000" },
	};
	struct report *report = gather->report;

	report->nlists = sizeof lists / sizeof lists[0];
	report->lists = arena_zalloc(report->arena,
	    report->nlists * sizeof *report->lists);
	for (size_t i = 0; i < report->nlists; i++) {
		report->lists[i].id = lists[i].id;
		compare_rows(gather, lists[i].query, &report->lists[i].rows,
		    &report->lists[i].n, REPORT_TOP);
	}
	gather_hits(gather);
	compare_rows(gather, "event.dataset:yagura.alert"
	    " | stats count by rule.name | sort -count | head 1000",
	    &report->rules, &report->nrules, 2 * REPORT_TOP);
	compare_rows(gather, "event.dataset:yagura.alert"
	    " | stats count by threat.tactic.name | sort -count | head 1000",
	    &report->tactics, &report->ntactics, ROWS_MAX);
}

/* --- sources --------------------------------------------------------------- */

struct last_seen {
	struct gather *gather;
	struct map *map;	/* dataset -> ns */
};

static void
take_last(void *user, const struct value *cells, size_t n,
    const struct event *event)
{
	struct last_seen *last = user;
	size_t name = n > 1 && cells[0].type == VALUE_TIME ? 1 : 0;

	(void)event;
	if (n < 2 || cells[1 - name].type != VALUE_TIME)
		return;
	map_get(last->map, keep_text(last->gather, &cells[name]), NULL)->num =
	    (uint64_t)cells[1 - name].u.num;
}

/* What came this month, and what came only the month before: that source fell
 * silent. */
static void
gather_sources(struct gather *gather)
{
	static const char count[] = "-event.dataset:yagura.alert"
	    " | stats count by event.dataset";
	struct report *report = gather->report;
	struct rows now = ask_rows(gather, count, report->from_ns,
	    report->to_ns);
	struct rows before = ask_rows(gather, count, gather->previous_ns,
	    report->from_ns);
	struct last_seen last = { gather, map_new_borrowing() };
	struct map *here = map_new_borrowing();

	ask(gather, "-event.dataset:yagura.alert"
	    " | stats max(@timestamp) as last by event.dataset",
	    report->from_ns, report->to_ns, take_last, &last);
	report->sources = arena_zalloc(report->arena,
	    (now.n + before.n) * sizeof *report->sources);
	for (size_t i = 0; i < now.n; i++) {
		struct report_source *source =
		    &report->sources[report->nsources++];
		const union map_value *seen = map_find(last.map,
		    now.row[i].name);

		source->dataset = now.row[i].name;
		source->events = now.row[i].n;
		source->last_ns = seen != NULL ? (int64_t)seen->num : 0;
		map_get(here, source->dataset, NULL)->ptr = source;
	}
	for (size_t i = 0; i < before.n; i++) {
		union map_value *place = map_find(here, before.row[i].name);
		struct report_source *source = place != NULL ? place->ptr :
		    &report->sources[report->nsources++];

		source->dataset = before.row[i].name;
		source->previous = before.row[i].n;
	}
	map_free(last.map);
	map_free(here);
}

/* --- alerts ---------------------------------------------------------------- */

static struct slice
field_text(struct gather *gather, const struct event *event,
    const char *name)
{
	field_t field = field_find(slice_cstr(name));
	char buf[VALUE_TEXT_BYTES];

	if (field == FIELD_NONE)
		return SLICE("");
	return arena_dup(gather->report->arena,
	    event_text(event, field, buf));
}

static int
word_index(struct slice word, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (slice_eq(word, slice_cstr(words[i])))
			return i;
	return 0;
}

static struct slice *
field_texts(struct gather *gather, const struct event *event,
    const char *name, size_t *n)
{
	field_t field = field_find(slice_cstr(name));
	struct value value;
	struct slice *texts;

	*n = 0;
	if (field == FIELD_NONE || !event_value(event, field, &value))
		return NULL;
	texts = arena_alloc(gather->report->arena,
	    (value_members(&value) + 1) * sizeof *texts);
	for (size_t i = 0; i < value_members(&value); i++)
		texts[(*n)++] = keep_text(gather, value_member(&value, i));
	return texts;
}

static int64_t
field_time(const struct event *event, const char *name, int64_t otherwise)
{
	field_t field = field_find(slice_cstr(name));
	struct value value;

	if (field == FIELD_NONE || !event_value(event, field, &value) ||
	    value.type != VALUE_TIME)
		return otherwise;
	return value.u.num;
}

static double
field_number(const struct event *event, const char *name)
{
	field_t field = field_find(slice_cstr(name));
	struct value value;
	double number;

	if (field == FIELD_NONE || !event_value(event, field, &value) ||
	    !value_as_double(&value, &number))
		return 0;
	return number;
}

static struct slice
join_texts(struct gather *gather, const struct slice *texts, size_t n)
{
	struct strbuf all = STRBUF_INIT;
	struct slice kept;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			strbuf_puts(&all, ", ");
		strbuf_put(&all, texts[i]);
	}
	kept = arena_dup(gather->report->arena, strbuf_slice(&all));
	strbuf_fini(&all);
	return kept;
}

static void
take_alert(void *user, const struct value *cells, size_t n,
    const struct event *event)
{
	struct gather *gather = user;
	struct report *report = gather->report;
	struct report_alert *alert;
	struct slice *group;
	size_t ngroup;
	int64_t day;

	(void)cells;
	(void)n;
	check(event != NULL);
	if (report->nalerts == ALERTS_MAX)
		return;
	alert = &report->alerts[report->nalerts++];
	alert->time_ns = event->time_ns;
	alert->id = field_text(gather, event, "event.id");
	alert->rule_id = field_text(gather, event, "rule.id");
	alert->rule = field_text(gather, event, "rule.name");
	alert->sentence = field_text(gather, event,
	    gather->japanese ? "yagura.text_ja" : "message");
	if (alert->sentence.len == 0)
		alert->sentence = field_text(gather, event, "message");
	alert->advice = field_text(gather, event,
	    gather->japanese ? "yagura.advice_ja" : "yagura.advice");
	alert->level = word_index(field_text(gather, event, "yagura.level"),
	    report_level_names, REPORT_LEVELS);
	alert->layer = word_index(field_text(gather, event, "yagura.layer"),
	    report_layer_names, REPORT_LAYERS);
	alert->score = field_number(event, "yagura.score");
	alert->count = (uint64_t)field_number(event, "yagura.count");
	alert->first_ns = field_time(event, "yagura.first", event->time_ns);
	alert->last_ns = field_time(event, "yagura.last", event->time_ns);
	group = field_texts(gather, event, "yagura.group", &ngroup);
	alert->group = join_texts(gather, group, ngroup);
	alert->tactics = field_texts(gather, event, "threat.tactic.name",
	    &alert->ntactics);
	alert->techniques = field_texts(gather, event, "threat.technique.id",
	    &alert->ntechniques);
	alert->responses = field_texts(gather, event, "yagura.response",
	    &alert->nresponses);

	report->levels[alert->level]++;
	report->layers[alert->layer]++;
	day = (alert->time_ns - report->from_ns) / DAY_NS;
	if (day >= 0 && day < 31)
		report->day_levels[day][alert->level]++;
	/* 1970-01-01 was a Thursday. */
	report->week[(alert->time_ns / DAY_NS + 3) % 7]
	    [alert->time_ns % DAY_NS / (DAY_NS / 24)]++;
}

static int
by_score(const void *a, const void *b)
{
	const struct report_alert *x = a, *y = b;

	if (x->layer != y->layer)
		return y->layer - x->layer;
	if (x->score < y->score || x->score > y->score)
		return x->score < y->score ? 1 : -1;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* The first and last contributing events: how it began and where it stands. */
static void
gather_steps(struct gather *gather, struct report_alert *alert)
{
	struct report *report = gather->report;
	struct arena *arena = arena_new(0);
	struct run run;
	size_t half = REPORT_STEPS / 2;

	if (!ledger_run(gather->store, alert->id, arena, &run)) {
		arena_free(arena);
		return;
	}
	alert->count = run.count;
	alert->first_ns = run.first_ns;
	alert->last_ns = run.last_ns;
	alert->steps = arena_zalloc(report->arena,
	    REPORT_STEPS * sizeof *alert->steps);
	for (size_t i = 0; i < run.n; i++) {
		struct event event;
		struct report_step *step;
		struct err err;
		char buf[VALUE_TEXT_BYTES];

		if (run.n > REPORT_STEPS && i >= half && i < run.n - half)
			continue;
		if (!store_event(gather->store, run.seqs[i],
		    run.times_ns[i], arena, &event, &err))
			continue;
		step = &alert->steps[alert->nsteps++];
		step->time_ns = event.time_ns;
		step->dataset = arena_dup(report->arena, event_text(&event,
		    FIELD_EVENT_DATASET, buf));
		step->text = arena_dup(report->arena,
		    slice_head(event.raw, 200));
	}
	arena_free(arena);
}

/* Counts per level of the months before; index is the level's word. */
static void
gather_levels_before(struct gather *gather)
{
	static const char query[] =
	    "event.dataset:yagura.alert | stats count by yagura.level";
	struct report *report = gather->report;
	int64_t to_ns = report->from_ns;

	for (int back = 1; back <= 3; back++) {
		int month = report->month - back, year = report->year;
		int64_t from_ns;
		struct rows rows;

		if (month < 1) {
			month += 12;
			year--;
		}
		from_ns = time_days(year, (unsigned)month, 1) * DAY_NS;
		rows = ask_rows(gather, query, from_ns, to_ns);
		for (size_t i = 0; i < rows.n; i++) {
			int level = word_index(rows.row[i].name,
			    report_level_names, REPORT_LEVELS);

			report->levels_mean[level] +=
			    (double)rows.row[i].n / 3;
			if (back > 1)
				continue;
			report->levels_previous[level] += rows.row[i].n;
			report->nalerts_previous += rows.row[i].n;
		}
		to_ns = from_ns;
	}
}

static void
gather_alerts(struct gather *gather)
{
	struct report *report = gather->report;

	report->alerts = xcalloc(ALERTS_MAX, sizeof *report->alerts);
	ask(gather, "event.dataset:yagura.alert", report->from_ns,
	    report->to_ns, take_alert, gather);
	qsort(report->alerts, report->nalerts, sizeof *report->alerts,
	    by_score);
	for (size_t i = 0; i < report->nalerts && i < REPORT_ALERTS; i++)
		gather_steps(gather, &report->alerts[i]);
	gather_levels_before(gather);
}

/* --- days and the whole store ---------------------------------------------- */

static void
take_day(void *user, const struct value *cells, size_t n,
    const struct event *event)
{
	struct gather *gather = user;
	size_t time = n > 1 && cells[1].type == VALUE_TIME ? 1 : 0;
	int64_t day;

	(void)event;
	if (n < 2 || cells[time].type != VALUE_TIME)
		return;
	day = (cells[time].u.num - gather->report->from_ns) / DAY_NS;
	if (day >= 0 && day < 31)
		gather->report->day_events[day] = as_count(&cells[1 - time]);
}

static void
gather_volume(struct gather *gather)
{
	struct report *report = gather->report;
	const struct partition_info *infos;
	struct statvfs disk;
	struct slice why;
	struct err err;
	size_t n;

	report->events = ask_number(gather, "* | stats count",
	    report->from_ns, report->to_ns);
	report->events_previous = ask_number(gather, "* | stats count",
	    gather->previous_ns, report->from_ns);
	report->unparsed = ask_number(gather, "tags:unparsed | stats count",
	    report->from_ns, report->to_ns);
	ask(gather, "* | timechart 1d count", report->from_ns, report->to_ns,
	    take_day, gather);

	err_clear(&err);
	n = store_partitions(gather->store, INT64_MIN, INT64_MAX, false,
	    &infos, &err);
	report->partitions = n;
	for (size_t i = 0; i < n; i++) {
		if (i == 0)
			report->oldest_ns = infos[i].day_ns;
		report->newest_ns = infos[i].day_ns;
		report->kept_events += infos[i].events;
		report->kept_bytes += infos[i].bytes;
		report->kept_raw_bytes += infos[i].raw_bytes;
	}
	if (store_missing(gather->store, &why) > report->missing)
		report->missing = store_missing(gather->store, &why);
	if (statvfs(gather->data, &disk) == 0)
		report->free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
}

struct report *
report_gather(struct store *store, const char *data,
    const struct ruleset *rules, int year, int month, const char *lang,
    struct err *err)
{
	struct report *report = xcalloc(1, sizeof *report);
	struct gather gather = { .report = report, .store = store,
	    .data = data, .rules = rules, .japanese = lang[0] == 'j', .err = err };
	int next_year = month == 12 ? year + 1 : year;
	unsigned next = month == 12 ? 1 : (unsigned)month + 1;
	int last_year = month == 1 ? year - 1 : year;
	unsigned last = month == 1 ? 12 : (unsigned)month - 1;

	report->arena = arena_new(0);
	report->year = year;
	report->month = month;
	report->made_ns = clock_now_ns();
	report->from_ns = time_days(year, (unsigned)month, 1) * DAY_NS;
	report->to_ns = time_days(next_year, next, 1) * DAY_NS;
	report->days = (int)((report->to_ns - report->from_ns) / DAY_NS);
	gather.previous_ns = time_days(last_year, last, 1) * DAY_NS;
	scan_load_names(store);
	gather_volume(&gather);
	gather_alerts(&gather);
	gather_lists(&gather);
	gather_sources(&gather);
	if (gather.failed) {
		report_free(report);
		return NULL;
	}
	return report;
}

void
report_free(struct report *report)
{
	if (report == NULL)
		return;
	free(report->alerts);
	arena_free(report->arena);
	free(report);
}
