/* For each event with hits:
 *
 *	1. hits that first_seen holds back are dropped
 *	2. hits that alert by themselves do so
 *	3. each correlation that refers to a hit is run, in the order of their
 *	   numbers, so that what a correlation refers to is run before it:
 *	     collect   which groups does the event enter, as which step
 *	     enter     put it there
 *	     test      is there a window that holds it and whose condition holds
 *	     fire      list what contributes, raise, hand on to outer ones
 *
 * At the end of a batch the runs that grew are noted.
 */
#include "correlation/correlate_stage.h"

#include <stdlib.h>

#include "correlation/absent.h"
#include "correlation/alert.h"
#include "correlation/degraded.h"
#include "correlation/first_seen.h"
#include "correlation/groupkey.h"
#include "correlation/suppress.h"
#include "correlation/window.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"
#include "correlation/words.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/hash.h"
#include "engine/map.h"
#include "storage/ledger.h"

#define DEFAULT_GROUPS 1000000
#define DEFAULT_BYTES ((size_t)256 << 20)
#define VALUE_MEMBERS 64	/* values of one event in one value_count */
#define VISITS 1024		/* entries of one event in one correlation */
#define WAITING_BATCHES 64	/* of alerts that found no place: 196,608 */

/* The clock that forgetting goes by is the middle time of this many entries:
 * one host whose clock is a day ahead does not move it. */
#define CLOCK_SAMPLES 1024

/* A rule that refers to this one, and as which of its rules. */
struct feed {
	uint32_t correlation;	/* its number */
	uint32_t place;		/* in refer[] */
};

struct rule_state {
	const struct rule *rule;
	const struct feed *feeds;
	size_t	 nfeeds;
	bool	 raises;
	struct window *window;		/* correlations */
	struct first_seen *first_seen;
	field_t	 wanted[WORDS_FIELDS + 1];	/* by sentences, outer ones too */
	uint8_t	 content[SHA256_BYTES];
	int64_t	 reach_ns;
};

/* What a correlation is to look at for the present event. */
struct item {
	struct item *next;
	uint32_t place;		/* in refer[] */
	int64_t	 time_ns;
	const struct overlay *overlay;
	struct window_run *run;	/* of an inner firing */
};

/* Runs that items carry: a group may be forgotten before they are used. */
struct carried {
	struct carried *next;
	struct window_run *run;
};

struct todo {
	struct item *first, **last;
	bool	 waits;		/* is in the list of what is to be run */
};

/* An event's entry into one group, before the group is looked up. */
struct visit {
	struct slice key;
	const struct item *item;
	struct window_entry entry;
	bool	 done;
};

struct correlator {
	struct correlator_limits limits;
	struct ruleset *set;	/* held; NULL before the first batch */
	struct arena *set_arena;	/* of feeds */
	struct rule_state *rules;
	size_t	 nrules;
	struct window_shared shared;
	struct suppress *suppress;
	struct absences *absences;
	/* the present batch and event */
	struct batch *batch;
	struct event *event;
	bool	 replaying;
	struct arena *scratch;	/* lives for one event */
	struct todo *todo;	/* by number of correlation */
	uint32_t *order;	/* heap of correlations to run, least first */
	size_t	 norder;
	struct visit *visits;
	size_t	 nvisits;
	struct carried *carried;
	struct groupkeys keys;
	struct strbuf key;	/* of a suppression */
	struct window_run *dirty;
	/* alerts that wait for a place in a batch */
	struct batch *waiting[WAITING_BATCHES];
	size_t	 nwaiting;
	int64_t	 samples[CLOCK_SAMPLES];
	size_t	 nsamples;
	void	(*fired)(const struct firing *firing, void *arg);
	void	*fired_arg;
	uint64_t raised, runs, suppressed, lost;
	uint64_t unremembered;	/* pairs that first_seen gave up */
	struct degraded degraded;
};

/* --- making ---------------------------------------------------------------- */
struct correlator *
correlator_new(const struct correlator_limits *limits)
{
	struct correlator *c = xcalloc(1, sizeof(*c));

	if (limits != NULL)
		c->limits = *limits;
	window_shared_init(&c->shared);
	c->shared.groups_limit = c->limits.groups > 0 ? c->limits.groups :
	    DEFAULT_GROUPS;
	c->shared.groups_per_rule = c->limits.groups_per_rule > 0 ?
	    c->limits.groups_per_rule : (c->shared.groups_limit + 1) / 2;
	c->shared.bytes_limit = c->limits.bytes > 0 ? c->limits.bytes :
	    DEFAULT_BYTES;
	c->suppress = suppress_new();
	c->absences = absences_new();
	c->set_arena = arena_new(0);
	c->scratch = arena_new(0);
	c->visits = xcalloc(VISITS, sizeof(*c->visits));
	groupkeys_init(&c->keys);
	strbuf_init(&c->key);
	return c;
}

static void
rule_states_free(struct rule_state *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		window_free(rules[i].window);
		first_seen_free(rules[i].first_seen);
	}
	free(rules);
}

void
correlator_free(struct correlator *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nwaiting; i++)
		batch_put(c->waiting[i]);
	rule_states_free(c->rules, c->nrules);
	suppress_free(c->suppress);
	absences_free(c->absences);
	window_shared_fini(&c->shared);
	if (c->set != NULL)
		ruleset_put(c->set);
	arena_free(c->set_arena);
	arena_free(c->scratch);
	groupkeys_fini(&c->keys);
	strbuf_fini(&c->key);
	free(c->todo);
	free(c->order);
	free(c->visits);
	free(c);
}

void
correlator_watch(struct correlator *c,
    void (*fired)(const struct firing *firing, void *arg), void *arg)
{
	c->fired = fired;
	c->fired_arg = arg;
}

/* --- a new set of rules ---------------------------------------------------- */
static void
put_fields(struct strbuf *text, const field_t *fields)
{
	for (; fields != NULL && *fields != FIELD_NONE; fields++) {
		strbuf_put(text, field_name(*fields));
		strbuf_putc(text, ' ');
	}
	strbuf_putc(text, '\n');
}

static void
put_correlation(struct strbuf *text, const struct ruleset *set,
    const struct correlation *c)
{
	const struct correlation_bounds *b = &c->bounds;

	strbuf_printf(text, "%d %lld %d %.17g\n", (int)c->type,
	    (long long)c->timespan_ns, c->bounds_given, c->percentile);
	strbuf_printf(text, "%d%.17g %d%.17g %d%.17g %d%.17g %d%.17g %d%.17g\n",
	    b->has_gt, b->gt, b->has_gte, b->gte, b->has_lt, b->lt,
	    b->has_lte, b->lte, b->has_eq, b->eq, b->has_neq, b->neq);
	strbuf_printf(text, "%zu %u %u %.17g %.17g\n", c->nabsent,
	    (unsigned)c->speed_lat, (unsigned)c->speed_lon, c->speed_kmh, c->speed_least_km);
	for (size_t i = 0; i < c->nrefer; i++) {
		strbuf_put(text, ruleset_rule(set, c->refer[i])->id);
		strbuf_putc(text, '\n');
		for (size_t k = 0; k < c->ngroup; k++)
			put_fields(text, c->group[k].fields[i]);
	}
	for (size_t k = 0; k < c->ngroup; k++) {
		strbuf_put(text, c->group[k].name);
		strbuf_putc(text, '\n');
	}
	put_fields(text, c->value_fields);
}

/* What a window's entries mean hangs on all of this; texts and levels may
 * change under it. */
static void
hash_content(struct correlator *c, const struct ruleset *set,
    struct rule_state *state)
{
	struct strbuf text = STRBUF_INIT;
	const struct rule *rule = state->rule;

	if (rule->correlation != NULL)
		put_correlation(&text, set, rule->correlation);
	else if (rule->cond != NULL)
		cond_print(&text, rule->cond);
	for (size_t i = 0; i < rule->nfirst_seen; i++)
		put_fields(&text, rule->first_seen[i]);
	strbuf_printf(&text, "%lld %lld\n",
	    (long long)rule->first_seen_memory_ns,
	    (long long)rule->first_seen_learn_ns);
	/* What a correlation refers to comes before it. */
	if (rule->correlation != NULL)
		for (size_t i = 0; i < rule->correlation->nrefer; i++)
			strbuf_put(&text, slice_of((const char *)
			    c->rules[rule->correlation->refer[i]].content,
			    SHA256_BYTES));
	sha256(strbuf_slice(&text), state->content);
	strbuf_fini(&text);
}

static bool
raises(const struct rule *rule)
{
	return rule->layer != LAYER_FILTER && !rule->silent;
}

static bool
refers_back(const struct rule *rule)
{
	for (size_t i = 0; i < rule->correlation->nrefer; i++)
		if (rule->correlation->refer[i] >= rule->number)
			return false;
	return true;
}

static void
build_feeds(struct correlator *c)
{
	size_t *n = xcalloc(c->nrules + 1, sizeof(*n));
	struct feed *feeds;

	for (size_t i = 0; i < c->nrules; i++) {
		const struct correlation *k = c->rules[i].rule->correlation;

		for (size_t j = 0; k != NULL && j < k->nrefer; j++)
			n[k->refer[j]]++;
	}
	for (size_t i = 0; i < c->nrules; i++) {
		c->rules[i].feeds = arena_alloc(c->set_arena,
		    (n[i] + 1) * sizeof(*feeds));
		c->rules[i].nfeeds = 0;
	}
	for (size_t i = 0; i < c->nrules; i++) {
		const struct correlation *k = c->rules[i].rule->correlation;

		for (size_t j = 0; k != NULL && j < k->nrefer; j++) {
			struct rule_state *to = &c->rules[k->refer[j]];
			union { const struct feed *in; struct feed *out; } at =
			    { .in = to->feeds };

			at.out[to->nfeeds++] = (struct feed){ (uint32_t)i,
			    (uint32_t)j };
		}
	}
	free(n);
}

/* A rule's sentences, and those of rules that it has a part in; these have
 * greater numbers. */
static void
want_words(struct correlator *c)
{
	for (size_t i = c->nrules; i-- > 0;) {
		struct rule_state *state = &c->rules[i];

		state->wanted[0] = FIELD_NONE;
		if (state->raises)
			words_wanted(state->rule, state->wanted);
		for (size_t k = 0; k < state->nfeeds; k++)
			for (const field_t *field = c->rules[state->feeds[k].
			    correlation].wanted; *field != FIELD_NONE; field++)
				words_want(state->wanted, *field);
	}
}

static void
reach(struct rule_state *rules, struct rule_state *state)
{
	const struct correlation *k = state->rule->correlation;
	int64_t longest = 0;

	if (k == NULL)
		return;
	for (size_t i = 0; i < k->nrefer; i++)
		if (rules[k->refer[i]].reach_ns > longest)
			longest = rules[k->refer[i]].reach_ns;
	state->reach_ns = time_plus(longest, k->timespan_ns);
}

/* Windows and memories of rules that say the same go over to the new set. */
static void
inherit(struct correlator *c, struct rule_state *old, size_t nold)
{
	struct map *ids = map_new_borrowing();
	uint32_t *numbers = xmalloc((nold + 1) * sizeof(*numbers));

	for (size_t i = 0; i < nold; i++)
		map_get(ids, old[i].rule->id, NULL)->num = i;
	memset(numbers, 0xff, (nold + 1) * sizeof(*numbers));
	for (size_t i = 0; i < c->nrules; i++) {
		struct rule_state *state = &c->rules[i], *from;
		const union map_value *at = map_find(ids, state->rule->id);

		from = at == NULL ? NULL : &old[at->num];
		if (from != NULL && memcmp(from->content, state->content,
		    SHA256_BYTES) == 0) {
			state->window = from->window;
			state->first_seen = from->first_seen;
			from->window = NULL;
			from->first_seen = NULL;
			numbers[at->num] = (uint32_t)i;
		}
		if (state->window != NULL)
			window_move(state->window, state->rule->correlation);
		else if (state->rule->correlation != NULL)
			state->window = window_new(&c->shared,
			    state->rule->correlation);
		if (state->first_seen == NULL && state->rule->nfirst_seen > 0)
			state->first_seen = first_seen_new(
			    state->rule->first_seen_memory_ns,
			    state->rule->first_seen_learn_ns);
	}
	absences_renumber(c->absences, numbers, nold);
	free(numbers);
	map_free(ids);
}

static void
take_set(struct correlator *c, struct ruleset *set)
{
	struct rule_state *old = c->rules;
	struct ruleset *old_set = c->set;
	size_t nold = c->nrules;

	if (set == c->set)
		return;
	c->set = set == NULL ? NULL : ruleset_get(set);
	c->nrules = set == NULL ? 0 : ruleset_count(set);
	c->rules = xcalloc(c->nrules + 1, sizeof(*c->rules));
	arena_reset(c->set_arena);
	for (size_t i = 0; i < c->nrules; i++) {
		struct rule_state *state = &c->rules[i];

		state->rule = ruleset_rule(set, i);
		check(state->rule->correlation == NULL ||
		    refers_back(state->rule));
		state->raises = raises(state->rule);
		hash_content(c, set, state);
		reach(c->rules, state);
	}
	build_feeds(c);
	want_words(c);
	inherit(c, old, nold);
	rule_states_free(old, nold);
	if (old_set != NULL)
		ruleset_put(old_set);
	free(c->todo);
	free(c->order);
	c->todo = xcalloc(c->nrules + 1, sizeof(*c->todo));
	c->order = xcalloc(c->nrules + 1, sizeof(*c->order));
	c->norder = 0;
}

int64_t
ruleset_reach_ns(const struct ruleset *set)
{
	size_t n = ruleset_count(set);
	struct rule_state *rules = xcalloc(n + 1, sizeof(*rules));
	int64_t longest = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t back;

		rules[i].rule = ruleset_rule(set, i);
		reach(rules, &rules[i]);
		back = rules[i].reach_ns;
		if (raises(rules[i].rule))
			back = time_plus(back, rules[i].rule->suppress_ns);
		if (back > longest)
			longest = back;
	}
	free(rules);
	return longest;
}

/* --- what is to be run ----------------------------------------------------- */
/* A heap: few correlations wait at a time, mostly one. */
static void
order_put(struct correlator *c, uint32_t number)
{
	size_t at = c->norder++;

	while (at > 0 && c->order[(at - 1) / 2] > number) {
		c->order[at] = c->order[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	c->order[at] = number;
}

static uint32_t
order_take(struct correlator *c)
{
	uint32_t least = c->order[0], last = c->order[--c->norder];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < c->norder) {
		if (child + 1 < c->norder &&
		    c->order[child + 1] < c->order[child])
			child++;
		if (c->order[child] >= last)
			break;
		c->order[at] = c->order[child];
		at = child;
	}
	c->order[at] = last;
	return least;
}

static void
feed_all(struct correlator *c, const struct rule_state *state,
    const struct item *from)
{
	for (size_t i = 0; i < state->nfeeds; i++) {
		struct todo *todo = &c->todo[state->feeds[i].correlation];
		struct item *item = arena_alloc(c->scratch, sizeof(*item));

		*item = *from;
		item->place = state->feeds[i].place;
		item->next = NULL;
		if (!todo->waits) {
			todo->waits = true;
			todo->first = NULL;
			todo->last = &todo->first;
			order_put(c, state->feeds[i].correlation);
		}
		*todo->last = item;
		todo->last = &item->next;
	}
}

/* --- runs and alerts ------------------------------------------------------- */
static void
run_touched(struct correlator *c, struct window_run *run)
{
	if (!run->raised || run->dirty || c->replaying)
		return;
	run->dirty = true;
	run->next_dirty = c->dirty;
	c->dirty = window_run_hold(run);
}

static void
note_run(struct batch *batch, const struct window_run *run)
{
	struct note *note = batch_add_note(batch, NOTE_RUN);
	const uint64_t *seqs;
	const int64_t *times_ns;
	size_t n = window_run_list(run, batch->arena, &seqs, &times_ns);

	note->key = arena_dup(batch->arena, slice_of(run->alert, 32));
	note->data = run_pack(batch->arena, seqs, times_ns, n);
	note->first_ns = run->first_ns;
	note->last_ns = run->last_ns;
	note->count = run->count;
}

static void
note_runs(struct correlator *c)
{
	struct window_run *run;

	while ((run = c->dirty) != NULL) {
		c->dirty = run->next_dirty;
		run->dirty = false;
		note_run(c->batch, run);
		window_run_drop(run);
	}
}

/* A place in this batch, else in one of ours that waits for the next. */
static struct event *
alert_place(struct correlator *c)
{
	struct event *place = NULL;

	if (c->nwaiting == 0)
		place = batch_add_alert(c->batch);
	else
		place = batch_add_alert(c->waiting[c->nwaiting - 1]);
	if (place != NULL || c->nwaiting == WAITING_BATCHES)
		return place;
	c->waiting[c->nwaiting++] = batch_new(c->batch->node, 0);
	return batch_add_alert(c->waiting[c->nwaiting - 1]);
}

static void
copy_alert(const struct event *from, struct event *to)
{
	struct arena *arena = to->batch->arena;

	to->time_ns = from->time_ns;
	to->ingested_ns = from->ingested_ns;
	to->has_time = from->has_time;
	to->raw = arena_dup(arena, from->raw);
	for (size_t i = 0; i < from->n; i++)
		event_set(to, from->fields[i],
		    value_dup(arena, &from->values[i]));
	event_seal(to);
}

/* Alerts that waited come first, in the order in which they were raised. */
static void
place_waiting(struct correlator *c)
{
	size_t done = 0;

	for (; done < c->nwaiting; done++) {
		struct batch *from = c->waiting[done];
		struct event *to = NULL;
		size_t i;

		/* The place where we stopped is kept in seq0. */
		for (i = from->seq0; i < from->nalerts; i++) {
			to = batch_add_alert(c->batch);
			if (to == NULL)
				break;
			copy_alert(from->alerts[i], to);
		}
		from->seq0 = i;
		if (i < from->nalerts)
			break;
		batch_put(from);
	}
	memmove(c->waiting, c->waiting + done,
	    (c->nwaiting - done) * sizeof(*c->waiting));
	c->nwaiting -= done;
}

/* False if there was no place for it. */
static bool
raise(struct correlator *c, struct alert *alert, struct window_run *run)
{
	struct event *place;

	alert_id(alert, run->alert);
	run->raised = true;
	if (c->replaying)
		return true;
	place = alert_place(c);
	if (place == NULL) {
		c->lost++;
		return false;
	}
	alert_fill(alert, place);
	c->raised++;
	run_touched(c, run);
	return true;
}

/* A group-by value, else what the event has; empty if neither. */
static struct slice
suppress_value(const struct alert *alert, field_t field, struct value *value,
    char text[VALUE_TEXT_BYTES])
{
	const struct correlation *k = alert->rule->correlation;
	field_t fields[2] = { field, FIELD_NONE };
	struct slice name = field_name(field);

	for (size_t i = 0; k != NULL && i < k->ngroup; i++)
		if (slice_eq(k->group[i].name, name))
			return groupkey_value(alert->key, i);
	if (!view_get(&alert->view, name, fields, value))
		return SLICE("");
	return value_as_text(value_member(value, 0), text);
}

/* A suppression goes by rule and values; without fields of its own a
 * correlation's is its group. */
static void
suppress_key(struct correlator *c, const struct alert *alert)
{
	const struct rule *rule = alert->rule;
	char text[VALUE_TEXT_BYTES];
	struct value value;

	strbuf_clear(&c->key);
	groupkey_put(&c->key, rule->id);
	if (rule->nsuppress == 0)
		strbuf_put(&c->key, alert->key);
	for (size_t i = 0; i < rule->nsuppress; i++)
		groupkey_put(&c->key, suppress_value(alert, rule->suppress[i],
		    &value, text));
}

/* Raises an alert for the run, or hands the run's events to an alert that
 * holds it back. Answers the run that goes on; held for the caller. */
static struct window_run *
raise_or_join(struct correlator *c, struct alert *alert,
    struct window_run *run, int64_t time_ns)
{
	struct suppressed *entry;
	bool yes;

	alert->run = run;
	if (alert->rule->suppress_ns == 0) {
		raise(c, alert, run);
		return run;
	}
	suppress_key(c, alert);
	entry = suppress_ask(c->suppress, strbuf_slice(&c->key), time_ns,
	    alert->rule->suppress_ns, &yes, &alert->suppressed);
	if (yes) {
		raise(c, alert, run);
		suppress_put(entry, run);
		return run;
	}
	c->suppressed++;
	window_run_merge(entry->run, run, &(struct window_run_range){
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .upto = UINT64_MAX });
	run_touched(c, entry->run);
	window_run_drop(run);
	return window_run_hold(entry->run);
}

static void
detection_alert(struct correlator *c, const struct rule_state *state)
{
	struct alert alert = { .rule = state->rule,
	    .view = { .event = c->event } };
	struct window_run *run = window_run_new(c->shared.pool);

	window_run_add(run, c->event->seq, c->event->time_ns);
	run = raise_or_join(c, &alert, run, c->event->time_ns);
	window_run_drop(run);
}

/* --- one correlation ------------------------------------------------------- */
static bool
is_temporal(const struct correlation *k)
{
	return k->type == CORRELATION_TEMPORAL ||
	    k->type == CORRELATION_TEMPORAL_ORDERED;
}

/* The event, met by another of the rules too, is still one event. A firing is
 * an event of its own. */
static bool
merge_visit(struct correlator *c, const struct correlation *k, size_t others,
    const struct visit *visit)
{
	for (size_t i = 0; i < others; i++) {
		struct visit *other = &c->visits[i];

		if (other->entry.run != NULL || visit->entry.run != NULL ||
		    !slice_eq(other->key, visit->key))
			continue;
		if (is_temporal(k))
			other->entry.u.steps |= visit->entry.u.steps;
		else if (other->entry.u.value != visit->entry.u.value)
			continue;
		return true;
	}
	return false;
}

static bool
read_number(const struct view *view, field_t field, double *out)
{
	field_t fields[2] = { field, FIELD_NONE };
	struct value value;

	return view_get(view, field_name(field), fields, &value) &&
	    value_as_double(value_member(&value, 0), out);
}

/* The members of value_field, as entries hold them; 1 without meaning for
 * types that look at no value. */
static size_t
read_values(struct correlator *c, const struct correlation *k,
    const struct item *item, const struct view *view,
    struct window_entry *entries)
{
	struct slice name = SLICE("");
	struct value value;
	char text[VALUE_TEXT_BYTES];
	size_t n = 0;

	if (k->type == CORRELATION_EVENT_COUNT) {
		entries[0].u.value = 0;
		return 1;
	}
	if (k->type == CORRELATION_ABSENT) {
		entries[0].u.value = item->place >= k->nrefer - k->nabsent;
		return 1;
	}
	if (is_temporal(k)) {
		entries[0].u.steps = item->place < WINDOW_STEPS ?
		    UINT64_C(1) << item->place : 0;
		return 1;
	}
	if (k->type == CORRELATION_SPEED) {
		double lat, lon;

		return read_number(view, k->speed_lat, &lat) &&
		    read_number(view, k->speed_lon, &lon) &&
		    place_pack(lat, lon, &entries[0].u.value);
	}
	if (k->value_fields != NULL && *k->value_fields != FIELD_NONE)
		name = field_name(*k->value_fields);
	if (!view_get(view, name, k->value_fields, &value))
		return 0;
	for (size_t i = 0; i < value_members(&value); i++) {
		const struct value *member = value_member(&value, i);

		if (member->type == VALUE_NULL)
			continue;
		if (n == VALUE_MEMBERS) {
			c->shared.entries_capped++;
			break;
		}
		if (k->type == CORRELATION_VALUE_COUNT)
			entries[n++].u.value =
			    hash64(value_as_text(member, text));
		else
			n += value_as_double(member, &entries[n].u.number);
	}
	return n;
}

static void
collect(struct correlator *c, const struct correlation *k,
    const struct item *item)
{
	struct view view = { .event = c->event, .overlay = item->overlay };
	struct window_entry entries[VALUE_MEMBERS];
	size_t nkeys = groupkeys_build(&c->keys, k, item->place, &view);
	size_t n = nkeys == 0 ? 0 : read_values(c, k, item, &view, entries);
	size_t others = c->nvisits;

	for (size_t i = 0; n > 0 && i < nkeys; i++) {
		struct slice key = arena_dup(c->scratch,
		    groupkeys_at(&c->keys, i));

		for (size_t j = 0; j < n; j++) {
			struct visit visit = { .key = key, .item = item,
			    .entry = entries[j] };

			visit.entry.time_ns = item->time_ns;
			visit.entry.seq = c->event->seq;
			visit.entry.run = item->run;
			if (merge_visit(c, k, others, &visit))
				continue;
			if (c->nvisits == VISITS) {
				c->shared.entries_capped++;
				return;
			}
			c->visits[c->nvisits++] = visit;
		}
	}
}

/* The newest sequence of an inner run that the group's run lists already. */
static uint64_t
merged_upto(const struct group *group, size_t at)
{
	const struct window_entry *entry = group_entry(group, at);

	for (size_t i = at, n = 0; i-- > 0 && n < 16; n++) {
		const struct window_entry *other = group_entry(group, i);

		if (other->run == entry->run &&
		    (other->seq & ENTRY_LISTED) != 0)
			return entry_seq(other);
	}
	return 0;
}

static void
list_entry(struct group *group, size_t at, struct window_run *run)
{
	struct window_entry *entry = &group->entries[group->first + at];

	if (entry->run == NULL) {
		window_run_add(run, entry->seq & ~ENTRY_LISTED,
		    entry->time_ns);
	} else if (entry->run != run) {
		window_run_merge(run, entry->run, &(struct window_run_range){
		    .from_ns = time_less(entry->time_ns, entry->run->reach_ns),
		    .to_ns = INT64_MAX,
		    .after = merged_upto(group, at),
		    .upto = entry_seq(entry) });
	}
	entry->seq |= ENTRY_LISTED;
}

/* A run that begins lists all that contributes; one that goes on, what came
 * since. */
static void
list_span(struct group *group, const struct window_span *span, bool begins,
    int64_t time_ns)
{
	struct window_reason reason;
	size_t late = group_lower(group, time_ns);

	window_reason(group, span, &reason);
	if (begins) {
		for (size_t i = span->lo; i < span->hi; i++)
			if (window_contributes(&reason, group_entry(group, i)))
				list_entry(group, i, group->run);
		return;
	}
	for (size_t i = span->hi; i-- > span->lo;) {
		if ((group_entry(group, i)->seq & ENTRY_LISTED) != 0)
			break;
		if (window_contributes(&reason, group_entry(group, i)))
			list_entry(group, i, group->run);
	}
	/* What entered late stands behind entries that are listed. */
	for (size_t i = late; i < span->hi &&
	    group_entry(group, i)->time_ns == time_ns; i++)
		if ((group_entry(group, i)->seq & ENTRY_LISTED) == 0 &&
		    window_contributes(&reason, group_entry(group, i)))
			list_entry(group, i, group->run);
}

static void
carry(struct correlator *c, struct window_run *run)
{
	struct carried *carried = arena_alloc(c->scratch, sizeof(*carried));

	carried->run = window_run_hold(run);
	carried->next = c->carried;
	c->carried = carried;
}

static void
carried_drop(struct correlator *c)
{
	for (; c->carried != NULL; c->carried = c->carried->next)
		window_run_drop(c->carried->run);
}

static void
fire(struct correlator *c, const struct rule_state *state,
    const struct visit *visit, struct group *group, struct window_span *span)
{
	int64_t timespan = state->rule->correlation->timespan_ns;
	bool recent = group->fired && span->end_ns <=
	    time_plus(group->fired_ns, timespan);
	bool edge = !(recent && group->held);
	bool begins = !recent || group->run == NULL;
	bool wanted = state->raises || state->nfeeds > 0;
	struct overlay *overlay;

	if (begins) {
		window_run_drop(group->run);
		group->run = NULL;
	}
	if (begins && wanted) {
		group->run = window_run_new(c->shared.pool);
		group->run->reach_ns = state->reach_ns;
		c->runs++;
	}
	if (wanted) {
		struct view view = { .event = c->event };

		words_merge(c->shared.pool, &group->run->words, state->wanted,
		    group->words, time_less(span->end_ns, state->reach_ns));
		words_learn(c->shared.pool, &group->run->words, state->wanted,
		    &view, c->event->time_ns);
		list_span(group, span, begins,
		    visit->entry.time_ns);
		if (!begins)
			run_touched(c, group->run);
	}
	if (!group->fired || span->end_ns > group->fired_ns)
		group->fired_ns = span->end_ns;
	group->fired = true;
	group->held = true;
	if (begins && state->raises) {
		struct alert alert = { .rule = state->rule,
		    .view = { c->event, visit->item->overlay },
		    .referred = visit->item->place, .key = visit->key };

		group->run = raise_or_join(c, &alert, group->run,
		    c->event->time_ns);
	}
	if (c->fired != NULL && !c->replaying)
		c->fired(&(struct firing){ .event = c->event,
		    .rule = state->rule, .key = visit->key,
		    .value = span->value, .edge = edge }, c->fired_arg);
	if (state->nfeeds == 0)
		return;
	carry(c, group->run);
	overlay = arena_alloc(c->scratch, sizeof(*overlay));
	*overlay = (struct overlay){ visit->item->overlay,
	    state->rule->correlation, visit->key };
	feed_all(c, state, &(struct item){ .time_ns = span->end_ns,
	    .overlay = overlay, .run = group->run });
}

static int
compare_int64(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
group_due(struct wheel_node *node, void *arg)
{
	struct correlator *c = arg;
	struct group *group = (struct group *)(void *)node;

	(void)c;
	window_forget(group);
}

static void
sample_clock(struct correlator *c, int64_t time_ns)
{
	c->samples[c->nsamples++] = time_ns;
	if (c->nsamples < CLOCK_SAMPLES)
		return;
	c->nsamples = 0;
	qsort(c->samples, CLOCK_SAMPLES, sizeof(*c->samples), compare_int64);
	wheel_advance(c->shared.wheel, c->samples[CLOCK_SAMPLES / 2],
	    group_due, c);
}

/* Only where steps differ does the last one lack what others had. */
static void
learn_words(struct correlator *c, const struct rule_state *state,
    struct group *group, const struct visit *visit)
{
	struct view view = { .event = c->event };

	if (!is_temporal(state->rule->correlation) ||
	    state->wanted[0] == FIELD_NONE)
		return;
	if (visit->entry.run != NULL)
		words_merge(c->shared.pool, &group->words, state->wanted,
		    visit->entry.run->words, INT64_MIN);
	else
		words_learn(c->shared.pool, &group->words, state->wanted,
		    &view, c->event->time_ns);
}

/* --- what did not follow --------------------------------------------------- */
static void
watch_for(struct correlator *c, const struct rule_state *state,
    const struct visit *visit, const struct group *group)
{
	int64_t timespan = state->rule->correlation->timespan_ns;
	int64_t time_ns = visit->entry.time_ns;
	struct absence absence = { .number = state->rule->number,
	    .place = visit->item->place, .key = visit->key,
	    .due_ns = time_plus(time_ns, timespan),
	    .wall_due_ns = time_plus(time_plus(c->event->ingested_ns,
	    timespan), ABSENT_GRACE_NS), .event = *c->event };

	absence.event.time_ns = time_ns;
	if (visit->entry.u.value != 0)
		absences_answer(c->absences, absence.number, visit->key,
		    time_ns);
	else if (!window_absent_answered(group, time_ns) &&
	    !absences_open(c->absences, &absence))
		c->shared.evicted++;
}

/* As fire(), for a window that ends where nothing came. */
static void
fire_absence(struct correlator *c, struct absence *absence)
{
	const struct rule_state *state = &c->rules[absence->number];
	struct view view = { .event = &absence->event };
	struct group *group = window_group(state->window, absence->key);
	struct window_run *run;
	struct overlay *overlay;
	bool begins = group->run == NULL || !group->fired ||
	    absence->due_ns > time_plus(group->fired_ns,
	    state->rule->correlation->timespan_ns);

	if (group->node.link == NULL)	/* forgotten meanwhile */
		window_enter(group, &(struct window_entry){
		    .time_ns = absence->event.time_ns,
		    .seq = absence->event.seq });
	if (begins) {
		window_run_drop(group->run);
		group->run = window_run_new(c->shared.pool);
		group->run->reach_ns = state->reach_ns;
		c->runs++;
	}
	run = group->run;
	window_run_add(run, absence->event.seq, absence->event.time_ns);
	words_learn(c->shared.pool, &run->words, state->wanted, &view,
	    absence->event.time_ns);
	group->fired = true;
	group->fired_ns = absence->due_ns;
	if (!begins)
		run_touched(c, run);
	else if (state->raises)
		group->run = raise_or_join(c, &(struct alert){
		    .rule = state->rule, .view = view,
		    .referred = absence->place, .key = absence->key }, run,
		    absence->event.time_ns);
	if (c->fired != NULL && c->batch->n > 0 && !c->replaying)
		c->fired(&(struct firing){ .event = c->event,
		    .rule = state->rule, .key = absence->key, .value = 0,
		    .edge = begins }, c->fired_arg);
	if (state->nfeeds == 0)
		return;
	carry(c, group->run);
	overlay = arena_alloc(c->scratch, sizeof(*overlay));
	*overlay = (struct overlay){ NULL, state->rule->correlation,
	    absence->key };
	feed_all(c, state, &(struct item){ .time_ns = absence->due_ns,
	    .overlay = overlay, .run = group->run });
}

static void run_correlation(struct correlator *c, uint32_t number);

static void
decide_absences(struct correlator *c)
{
	struct event *event = c->event;
	struct absence *absence;

	while ((absence = absences_next(c->absences)) != NULL) {
		absence->event.batch = c->batch;
		if (event == NULL)
			c->event = &absence->event;
		fire_absence(c, absence);
		c->event = &absence->event;
		while (c->norder > 0)
			run_correlation(c, order_take(c));
		c->event = event;
		carried_drop(c);
		arena_reset(c->scratch);
		absence_free(absence);
	}
}

/* All visits to one group: enter, then test. Several times can only come from
 * inner firings of a late event. */
static void
visit_group(struct correlator *c, const struct rule_state *state,
    size_t first)
{
	struct visit *visit = &c->visits[first];
	struct group *group = window_group(state->window, visit->key);
	struct window_span span;
	bool entered = false, tested = false;

	for (size_t i = first; i < c->nvisits; i++) {
		struct visit *other = &c->visits[i];

		if (other->done || !slice_eq(other->key, visit->key))
			continue;
		other->done = true;
		if (!window_enter(group, &other->entry)) {
			other->item = NULL;
			continue;
		}
		entered = true;
		learn_words(c, state, group, other);
		if (state->rule->correlation->type == CORRELATION_ABSENT)
			watch_for(c, state, other, group);
	}
	if (!entered)
		return;
	for (size_t i = first; i < c->nvisits && !tested; i++) {
		struct visit *other = &c->visits[i];

		if (other->item == NULL ||
		    !slice_eq(other->key, visit->key))
			continue;
		tested = window_test(group, other->entry.time_ns, &span);
		if (tested)
			fire(c, state, other, group, &span);
	}
	if (!tested)
		group->held = false;
}

static void
run_correlation(struct correlator *c, uint32_t number)
{
	const struct rule_state *state = &c->rules[number];
	const struct correlation *k = state->rule->correlation;
	struct todo *todo = &c->todo[number];

	todo->waits = false;
	c->nvisits = 0;
	for (const struct item *item = todo->first; item != NULL;
	    item = item->next)
		collect(c, k, item);
	for (size_t i = 0; i < c->nvisits; i++)
		if (!c->visits[i].done)
			visit_group(c, state, i);
	if (c->nvisits > 0)
		sample_clock(c, c->event->time_ns);
}

/* --- one event ------------------------------------------------------------- */
static bool
is_new(struct correlator *c, const struct rule_state *state)
{
	const struct rule *rule = state->rule;
	struct view view = { .event = c->event };
	struct value value;
	char text[VALUE_TEXT_BYTES];
	uint64_t subject = 0, forgotten;
	bool is;

	strbuf_clear(&c->key);
	for (size_t i = 0; i < rule->nfirst_seen; i++) {
		if (!view_get(&view, SLICE(""), rule->first_seen[i], &value))
			return false;
		groupkey_put(&c->key, value_as_text(value_member(&value, 0),
		    text));
		if (i == 0)
			subject = hash64(strbuf_slice(&c->key));
	}
	forgotten = first_seen_forgotten(state->first_seen);
	is = first_seen_test(state->first_seen, subject,
	    hash64(strbuf_slice(&c->key)) + 0x9e3779b97f4a7c15,
	    c->event->time_ns);
	c->unremembered += first_seen_forgotten(state->first_seen) - forgotten;
	return is;
}

static void
take_hit(struct correlator *c, uint32_t number)
{
	const struct rule_state *state;

	if (number >= c->nrules)
		return;
	state = &c->rules[number];
	if (state->first_seen != NULL && !is_new(c, state))
		return;
	if (state->raises)
		detection_alert(c, state);
	if (state->nfeeds > 0)
		feed_all(c, state,
		    &(struct item){ .time_ns = c->event->time_ns });
}

static void
tell_losses(struct correlator *c)
{
	struct losses now = { .groups = c->shared.evicted,
	    .entries = c->shared.entries_capped,
	    .keys = suppress_forgotten(c->suppress) + c->unremembered,
	    .alerts = c->lost, .late = c->shared.late };
	struct strbuf en = STRBUF_INIT, ja = STRBUF_INIT;
	struct window_run *run;
	struct rule rule;

	if (c->replaying) {
		c->degraded.told = now;
		return;
	}
	if (!degraded_asks(&c->degraded, &now, c->event->time_ns))
		return;
	rule = degraded_rule(&c->degraded, &now, &en, &ja);
	run = window_run_new(c->shared.pool);
	window_run_add(run, c->event->seq, c->event->time_ns);
	if (raise(c, &(struct alert){ .rule = &rule, .run = run, .own = true,
	    .view = { .event = c->event } }, run))
		degraded_told(&c->degraded, &now, c->event->time_ns);
	window_run_drop(run);
	strbuf_fini(&en);
	strbuf_fini(&ja);
}

static void
run_event(struct correlator *c, const uint32_t *hits, size_t n)
{
	if (c->limits.stated_times_only && !c->event->has_time)
		return;
	absences_clock(c->absences, c->event->time_ns);
	decide_absences(c);
	for (size_t i = 0; i < n; i++)
		take_hit(c, hits[i]);
	while (c->norder > 0)
		run_correlation(c, order_take(c));
	tell_losses(c);
	carried_drop(c);
	arena_reset(c->scratch);
}

void
correlate_stage_run(struct correlator *c, struct batch *batch)
{
	union { const void *in; void *out; } set = { .in = batch->ruleset };

	take_set(c, set.out);
	c->batch = batch;
	place_waiting(c);
	for (size_t i = 0; i < batch->n; i++) {
		c->event = &batch->events[i];
		if (c->event->nhits > 0)
			run_event(c, c->event->hits, c->event->nhits);
	}
	if (batch->n > 0)
		decide_absences(c);
	note_runs(c);
	c->batch = NULL;
	c->event = NULL;
}

void
correlator_wall(struct correlator *c, int64_t wall_ns)
{
	absences_wall(c->absences, wall_ns);
}

void
correlator_end(struct correlator *c, struct batch *batch)
{
	c->batch = batch;
	c->event = batch->n > 0 ? &batch->events[batch->n - 1] : NULL;
	absences_end(c->absences);
	decide_absences(c);
	note_runs(c);
	c->batch = NULL;
	c->event = NULL;
}

/* --- after a start --------------------------------------------------------- */
static void
replay_event(struct correlator *c, struct ruleset *set)
{
	const struct value *ids = event_get(c->event, FIELD_YAGURA_HITS);
	uint32_t hits[256];
	size_t n = 0;
	char text[VALUE_TEXT_BYTES];

	if (ids == NULL)
		return;
	for (size_t i = 0; i < value_members(ids) && n < 256; i++) {
		const struct rule *rule = ruleset_find(set,
		    value_as_text(value_member(ids, i), text));

		if (rule != NULL && rule->kind == RULE_DETECTION)
			hits[n++] = rule->number;
	}
	run_event(c, hits, n);
}

void
correlator_replay(struct correlator *c, struct ruleset *set,
    struct batch *batch)
{
	take_set(c, set);
	c->batch = batch;
	c->replaying = true;
	for (size_t i = 0; i < batch->n; i++) {
		c->event = &batch->events[i];
		replay_event(c, set);
	}
	c->replaying = false;
	c->batch = NULL;
	c->event = NULL;
}

void
correlator_figures(const struct correlator *c,
    struct correlator_figures *figures)
{
	size_t bytes = window_pool_used(c->shared.pool);

	*figures = (struct correlator_figures){ .groups = c->shared.groups,
	    .evicted = c->shared.evicted, .late = c->shared.late,
	    .raised = c->raised, .runs = c->runs,
	    .suppressed = c->suppressed,
	    .entries_capped = c->shared.entries_capped,
	    .forgotten = suppress_forgotten(c->suppress), .lost = c->lost };
	for (size_t i = 0; i < c->nrules; i++) {
		const struct first_seen *seen = c->rules[i].first_seen;

		if (seen == NULL)
			continue;
		bytes += first_seen_bytes(seen);
		figures->forgotten += first_seen_forgotten(seen);
	}
	for (size_t i = 0; i < c->nwaiting; i++)
		figures->waiting += c->waiting[i]->nalerts -
		    c->waiting[i]->seq0;
	figures->watched = absences_count(c->absences);
	figures->bytes = bytes;
}
