/* The correlator against a second implementation that is too simple to be
 * wrong: it keeps every event for ever, looks at all of them each time, and
 * asks each window from the beginning.
 *
 *	ORACLE_SEEDS=10000 test_oracle	random rule sets and streams (500)
 *
 * Groups, lists, aliases of inner correlations, chains, late, doubled and
 * shuffled events and equal times: see random_stream.h.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "correlation/absent.h"
#include "correlation/window.h"
#include "random_stream.h"

#define EVENTS 150
#define MOST 64			/* firings of one event, of all rules */
#define ROWS 8192
#define KEY 128

/* What has entered a group, of any rule. */
struct row {
	uint32_t rule;
	char	 key[KEY];
	int64_t	 time_ns;
	uint64_t steps;		/* temporal; absent: 1 is an answer */
	char	 value[32];	/* value_count */
	double	 number;
	size_t	 item;		/* of the present event: which brought it */
	bool	 firing, present, late;
};

struct fact {			/* of a group, of any rule */
	uint32_t rule;
	char	 key[KEY];
	int64_t	 newest_ns, fired_ns;
	bool	 fired, held;
};

/* What a rule is told of: the event, or a firing of an inner one. */
struct told {
	uint32_t rule;		/* who tells */
	int64_t	 time_ns;
	const struct told *below;	/* what fired it */
	const struct correlation *c;	/* of a firing; NULL: the event */
	char	 key[KEY];
};

struct open {
	uint32_t rule;
	char	 key[KEY];
	int64_t	 due_ns;
	const struct event *event;
	const struct told *told;
	bool	 done;
};

struct oracle {
	struct ruleset *set;
	struct row *rows;
	size_t	 nrows;
	struct fact facts[2048];
	size_t	 nfacts;
	struct told *told[ROWS];	/* all of them, freed at the end */
	size_t	 ntold, now_told;	/* from there on: of the present event */
	struct open open[1024];
	size_t	 nopen;
	int64_t	 clock[EVENTS], now_ns;
	size_t	 nclock;
	const struct event *event;
	size_t	 event_number;
	struct strbuf *out;
	uint64_t now_seq;
};

static struct fact *
fact_of(struct oracle *o, uint32_t rule, const char *key)
{
	for (size_t i = 0; i < o->nfacts; i++)
		if (o->facts[i].rule == rule &&
		    strcmp(o->facts[i].key, key) == 0)
			return &o->facts[i];
	assert_true(o->nfacts < 2048);
	o->facts[o->nfacts] = (struct fact){ .rule = rule,
	    .newest_ns = INT64_MIN };
	snprintf(o->facts[o->nfacts].key, KEY, "%s", key);
	return &o->facts[o->nfacts++];
}

/* --- windows ---------------------------------------------------------------- */
static bool
in_window(const struct oracle *o, const struct row *of, size_t i, int64_t from,
    int64_t to)
{
	const struct row *row = &o->rows[i];

	return row->rule == of->rule && !row->late &&
	    strcmp(row->key, of->key) == 0 && row->time_ns >= from &&
	    row->time_ns <= to;
}

/* The most steps that are met in their order, from a time and a step on. */
static size_t
chain(const struct oracle *o, const struct row *of, int64_t from, int64_t to,
    size_t step, size_t steps, bool all)
{
	size_t best = 0;

	for (; step < steps; step++) {
		int64_t first = INT64_MAX;

		/* The earliest leaves most room for the others. */
		for (size_t i = 0; i < o->nrows; i++)
			if (in_window(o, of, i, from, to) &&
			    (o->rows[i].steps >> step & 1) != 0 &&
			    o->rows[i].time_ns < first)
				first = o->rows[i].time_ns;
		if (first != INT64_MAX) {
			size_t with = 1 + chain(o, of, first, to, step + 1,
			    steps, all);

			if (with > best)
				best = with;
		}
		if (all)
			break;
	}
	return best;
}

static int
by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
rank(double *numbers, size_t n, double percent)
{
	double at = percent / 100 * (double)(n - 1);
	size_t low = (size_t)floor(at), high = (size_t)ceil(at);

	qsort(numbers, n, sizeof(*numbers), by_number);
	return numbers[low] + (at - (double)low) *
	    (numbers[high] - numbers[low]);
}

static bool
ask_window(const struct oracle *o, const struct correlation *c,
    const struct row *of, int64_t end, double *value)
{
	int64_t from = end - c->timespan_ns;
	double numbers[512], sum = 0;
	uint64_t steps = 0;
	size_t n = 0, different = 0;

	for (size_t i = 0; i < o->nrows; i++) {
		bool known = false;

		if (!in_window(o, of, i, from, end))
			continue;
		steps |= o->rows[i].steps;
		assert_true(n < 512);
		numbers[n++] = o->rows[i].number;
		sum += o->rows[i].number;
		for (size_t k = 0; k < i; k++)
			known = known || (in_window(o, of, k, from, end) &&
			    strcmp(o->rows[k].value, o->rows[i].value) == 0);
		different += !known;
	}
	switch (c->type) {
	case CORRELATION_EVENT_COUNT:
		*value = (double)n;
		break;
	case CORRELATION_VALUE_COUNT:
		*value = (double)different;
		break;
	case CORRELATION_TEMPORAL:
		*value = __builtin_popcountll(steps);
		if (!c->bounds_given)
			return *value == (double)c->nrefer;
		break;
	case CORRELATION_TEMPORAL_ORDERED:
		*value = (double)chain(o, of, from, end, 0, c->nrefer,
		    !c->bounds_given);
		if (!c->bounds_given)
			return *value == (double)c->nrefer;
		break;
	case CORRELATION_VALUE_SUM:
		*value = sum;
		break;
	case CORRELATION_VALUE_AVG:
		*value = sum / (double)n;
		break;
	case CORRELATION_VALUE_PERCENTILE:
		*value = rank(numbers, n, c->percentile);
		break;
	case CORRELATION_VALUE_MEDIAN:
		*value = rank(numbers, n, 50);
		break;
	default:
		return false;
	}
	return bounds_hold(&c->bounds, *value);
}

/* Of the windows that hold the row, the one that ends first and holds. */
static bool
ask(const struct oracle *o, const struct correlation *c,
    const struct row *row, int64_t *end, double *value)
{
	bool found = false;

	for (size_t i = 0; i < o->nrows; i++) {
		int64_t time_ns = o->rows[i].time_ns;
		double v = 0;

		if (!in_window(o, row, i, row->time_ns,
		    row->time_ns + c->timespan_ns) ||
		    (found && time_ns >= *end) ||
		    !ask_window(o, c, row, time_ns, &v))
			continue;
		found = true;
		*end = time_ns;
		*value = v;
	}
	return found;
}

/* --- what an event says ----------------------------------------------------- */
/* Texts of a field as a rule sees it: inner group-by values come first. */
static size_t
texts_of(const struct oracle *o, const struct told *told, struct slice name,
    char out[][32])
{
	const struct value *value;
	char buf[VALUE_TEXT_BYTES];
	size_t n = 0;

	for (; told->c != NULL; told = told->below) {
		const char *at = told->key;

		for (size_t i = 0; i < told->c->ngroup; i++) {
			size_t len = strcspn(at, "|");

			if (slice_eq(told->c->group[i].name, name)) {
				snprintf(out[0], 32, "%.*s", (int)len, at);
				return 1;
			}
			at += len + 1;
		}
	}
	value = event_get(o->event, field_find(name));
	for (size_t i = 0; value != NULL && value->type != VALUE_NULL &&
	    i < value_members(value); i++) {
		struct slice text = value_as_text(value_member(value, i), buf);

		if (value_member(value, i)->type != VALUE_NULL)
			snprintf(out[n++], 32, "%.*s", (int)text.len,
			    text.ptr);
	}
	return n;
}

static void
add_row(struct oracle *o, const struct correlation *c, struct row *row)
{
	for (size_t i = 0; i < o->nrows; i++) {
		struct row *other = &o->rows[i];

		if (!other->present || other->rule != row->rule ||
		    other->item == row->item || other->firing || row->firing ||
		    strcmp(other->key, row->key) != 0)
			continue;
		if (c->type == CORRELATION_TEMPORAL ||
		    c->type == CORRELATION_TEMPORAL_ORDERED)
			other->steps |= row->steps;
		else if (other->steps != row->steps ||
		    strcmp(other->value, row->value) != 0 ||
		    other->number != row->number)
			continue;
		return;
	}
	assert_true(o->nrows < ROWS);
	o->rows[o->nrows++] = *row;
}

static void
add_values(struct oracle *o, const struct correlation *c,
    const struct told *told, size_t place, struct row *row)
{
	char texts[8][32];
	size_t n;

	row->steps = 0;
	switch (c->type) {
	case CORRELATION_TEMPORAL:
	case CORRELATION_TEMPORAL_ORDERED:
		row->steps = UINT64_C(1) << place;
		break;
	case CORRELATION_ABSENT:
		row->steps = place >= c->nrefer - c->nabsent;
		break;
	case CORRELATION_EVENT_COUNT:
		break;
	default:
		n = texts_of(o, told, field_name(*c->value_fields), texts);
		for (size_t i = 0; i < n; i++) {
			char *end;

			if (c->type == CORRELATION_VALUE_COUNT) {
				snprintf(row->value, 32, "%.31s", texts[i]);
			} else {
				row->number = strtod(texts[i], &end);
				if (end == texts[i] || *end != '\0')
					continue;
			}
			add_row(o, c, row);
		}
		return;
	}
	add_row(o, c, row);
}

static void
add_keys(struct oracle *o, const struct correlation *c,
    const struct told *told, size_t place, struct row *row)
{
	char one[8][32], two[8][32];
	size_t n = c->ngroup > 0 ? texts_of(o, told, c->group[0].name, one) :
	    1;
	size_t m = c->ngroup > 1 ? texts_of(o, told, c->group[1].name, two) :
	    1;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++) {
			snprintf(row->key, KEY, "%s%s%s%s",
			    c->ngroup > 0 ? one[i] : "",
			    c->ngroup > 0 ? "|" : "",
			    c->ngroup > 1 ? two[k] : "",
			    c->ngroup > 1 ? "|" : "");
			add_values(o, c, told, place, row);
		}
}

/* --- rules ------------------------------------------------------------------ */
static void
tell(struct oracle *o, uint32_t rule, int64_t time_ns,
    const struct told *below, const char *key)
{
	struct told *told = calloc(1, sizeof(*told));

	assert_true(o->ntold < ROWS);
	told->rule = rule;
	told->time_ns = time_ns;
	told->below = below;
	told->c = ruleset_rule(o->set, rule)->correlation;
	if (key != NULL)
		snprintf(told->key, KEY, "%s", key);
	o->told[o->ntold++] = told;
}

static void
say(struct oracle *o, uint64_t seq, uint32_t rule, const char *key,
    double value, bool edge)
{
	strbuf_printf(o->out, "%llu %.2s %s %.6g%s\n",
	    (unsigned long long)seq, ruleset_rule(o->set, rule)->id.ptr, key,
	    value, edge ? "!" : "");
}

static void
watch(struct oracle *o, const struct correlation *c, const struct row *row,
    const struct told *told)
{
	bool answered = false;

	if (row->steps != 0) {
		for (size_t i = 0; i < o->nopen; i++) {
			struct open *open = &o->open[i];

			if (open->rule == row->rule && !open->done &&
			    strcmp(open->key, row->key) == 0 &&
			    row->time_ns <= open->due_ns && row->time_ns >=
			    open->due_ns - c->timespan_ns)
				open->done = true;
		}
		return;
	}
	for (size_t i = 0; i < o->nrows; i++)
		answered = answered || (&o->rows[i] <= row &&
		    in_window(o, row, i, row->time_ns, row->time_ns +
		    c->timespan_ns) && o->rows[i].steps != 0);
	if (answered)
		return;
	assert_true(o->nopen < 1024);
	o->open[o->nopen] = (struct open){ .rule = row->rule,
	    .due_ns = row->time_ns + c->timespan_ns, .event = o->event,
	    .told = told };
	snprintf(o->open[o->nopen++].key, KEY, "%s", row->key);
}

static void
run_group(struct oracle *o, uint32_t rule, size_t first,
    const struct told *const *by)
{
	const struct correlation *c = ruleset_rule(o->set, rule)->correlation;
	struct row *of = &o->rows[first];
	struct fact *fact = fact_of(o, rule, of->key);
	bool entered = false;

	for (size_t i = first; i < o->nrows; i++) {
		struct row *row = &o->rows[i];

		if (strcmp(row->key, of->key) != 0)
			continue;
		row->present = false;
		if (fact->newest_ns != INT64_MIN && row->time_ns <
		    fact->newest_ns - c->timespan_ns)
			continue;
		row->late = false;
		entered = true;
		if (row->time_ns > fact->newest_ns)
			fact->newest_ns = row->time_ns;
		if (c->type == CORRELATION_ABSENT)
			watch(o, c, row, by[row->item]);
	}
	for (size_t i = first; i < o->nrows; i++) {
		struct row *row = &o->rows[i];
		int64_t end = 0;
		double value = 0;
		bool recent;

		if (row->late || strcmp(row->key, of->key) != 0 ||
		    !ask(o, c, row, &end, &value))
			continue;
		recent = fact->fired && end <= fact->fired_ns + c->timespan_ns;
		say(o, o->event->seq, rule, row->key, value,
		    !(recent && fact->held));
		if (!fact->fired || end > fact->fired_ns)
			fact->fired_ns = end;
		fact->fired = fact->held = true;
		tell(o, rule, end, by[row->item], row->key);
		return;
	}
	if (entered)
		fact->held = false;
}

static void
run_rule(struct oracle *o, uint32_t rule)
{
	const struct correlation *c = ruleset_rule(o->set, rule)->correlation;
	const struct told *by[MOST * 4];
	size_t first = o->nrows, items = 0, told = o->ntold;

	for (size_t i = o->now_told; i < told; i++)
		for (size_t place = 0; place < c->nrefer; place++) {
			struct row row = { .rule = rule, .item = items,
			    .time_ns = o->told[i]->time_ns, .present = true,
			    .late = true, .firing = o->told[i]->c != NULL };

			if (c->refer[place] != o->told[i]->rule)
				continue;
			assert_true(items < MOST * 4);
			by[items] = o->told[i];
			add_keys(o, c, o->told[i], place, &row);
			items++;
		}
	for (size_t i = first; i < o->nrows; i++)
		if (o->rows[i].present)
			run_group(o, rule, i, by);
}

static void
run_rules(struct oracle *o)
{
	for (uint32_t rule = (uint32_t)ruleset_detections(o->set);
	    rule < ruleset_count(o->set); rule++)
		run_rule(o, rule);
}

static int
by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
is_before(const struct open *a, const struct open *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	if (a->event->seq != b->event->seq)
		return a->event->seq < b->event->seq;
	if (a->rule != b->rule)
		return a->rule < b->rule;
	return strcmp(a->key, b->key) < 0;
}

static void
decide(struct oracle *o)
{
	for (;;) {
		const struct event *event = o->event;
		struct open *next = NULL;
		const struct correlation *c;
		struct fact *fact;
		bool edge;

		for (size_t i = 0; i < o->nopen; i++)
			if (!o->open[i].done && o->open[i].due_ns < o->now_ns &&
			    (next == NULL || is_before(&o->open[i], next)))
				next = &o->open[i];
		if (next == NULL)
			return;
		next->done = true;
		c = ruleset_rule(o->set, next->rule)->correlation;
		fact = fact_of(o, next->rule, next->key);
		edge = !fact->fired || next->due_ns > fact->fired_ns +
		    c->timespan_ns;
		say(o, event->seq, next->rule, next->key, 0, edge);
		fact->fired = true;
		fact->fired_ns = next->due_ns;
		o->now_told = o->ntold;
		o->event = next->event;
		tell(o, next->rule, next->due_ns, next->told, next->key);
		/* The absence's event is seen without what lay over it. */
		o->told[o->ntold - 1]->below = o->told[0];
		run_rules(o);
		o->event = event;
	}
}

static void
take(struct oracle *o, const struct event *event)
{
	int64_t last[ABSENT_CLOCK];

	if (event->nhits == 0)
		return;
	o->event = event;
	o->clock[o->nclock++] = event->time_ns;
	if (o->nclock >= ABSENT_CLOCK) {
		memcpy(last, o->clock + o->nclock - ABSENT_CLOCK,
		    sizeof(last));
		qsort(last, ABSENT_CLOCK, sizeof(*last), by_time);
		if (last[ABSENT_CLOCK / 2] > o->now_ns)
			o->now_ns = last[ABSENT_CLOCK / 2];
	}
	decide(o);
	o->now_told = o->ntold;
	for (uint32_t i = 0; i < event->nhits; i++)
		tell(o, event->hits[i], event->time_ns, NULL, NULL);
	run_rules(o);
}

/* --- both ------------------------------------------------------------------- */
static void
say_firing(const struct firing *firing, void *arg)
{
	struct strbuf *out = arg;

	strbuf_printf(out, "%llu %.2s ",
	    (unsigned long long)firing->event->seq, firing->rule->id.ptr);
	for (size_t i = 0; i < firing->rule->correlation->ngroup; i++) {
		struct slice text = groupkey_value(firing->key, i);

		strbuf_printf(out, "%.*s|", (int)text.len, text.ptr);
	}
	strbuf_printf(out, " %.6g%s\n", firing->value,
	    firing->edge ? "!" : "");
}

static size_t
compare(uint64_t seed)
{
	struct strbuf mine = STRBUF_INIT, theirs = STRBUF_INIT;
	struct oracle *o = calloc(1, sizeof(*o));
	struct chance chances;
	struct stream s;
	struct batch *batches[EVENTS];
	size_t nbatches = 0, len;

	chance_begin(&chances, seed, false);
	stream_open(&s, chances.rules, NULL);
	correlator_watch(s.correlator, say_firing, &mine);
	*o = (struct oracle){ .set = s.set, .out = &theirs,
	    .rows = calloc(ROWS, sizeof(struct row)), .now_ns = INT64_MIN };
	tell(o, 0, 0, NULL, NULL);
	for (int i = 0; i < EVENTS; i++) {
		char fields[512];
		double at = chance_event(&chances, fields, sizeof(fields));

		stream_add(&s, at, fields);
		if (chance(&chances, 5) > 0 && i + 1 < EVENTS)
			continue;
		batches[nbatches++] = batch_get(s.batch);
		stream_flush(&s);
		for (size_t k = 0; k < batches[nbatches - 1]->n; k++)
			take(o, &batches[nbatches - 1]->events[k]);
	}
	if (strcmp(mine.ptr, theirs.ptr) != 0) {
		size_t at = 0;

		while (mine.ptr[at] == theirs.ptr[at])
			at++;
		while (at > 0 && mine.ptr[at - 1] != '\n')
			at--;
		fail_msg("seed %llu\n%s\n--- correlator\n%.400s\n--- oracle\n"
		    "%.400s", (unsigned long long)seed, chances.rules,
		    mine.ptr + at, theirs.ptr + at);
	}
	len = mine.len;
	stream_close(&s);
	for (size_t i = 0; i < nbatches; i++)
		batch_put(batches[i]);
	for (size_t i = 0; i < o->ntold; i++)
		free(o->told[i]);
	free(o->rows);
	free(o);
	strbuf_fini(&mine);
	strbuf_fini(&theirs);
	return len;
}

static void
agrees_with_the_oracle_on_random_rules_and_streams(void **state)
{
	const char *text = getenv("ORACLE_SEEDS");
	unsigned long seeds = text != NULL ? strtoul(text, NULL, 10) : 500;
	size_t said = 0;

	(void)state;
	for (unsigned long seed = 1; seed <= seeds; seed++)
		said += compare(seed) > 0;
	/* Silence would agree with anything. */
	assert_true(said > seeds / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    agrees_with_the_oracle_on_random_rules_and_streams),
	};

	batch_release = match_stage_release;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
