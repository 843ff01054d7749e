/* From what an event or a firing says to a rule to the firings of those that
 * refer to it.
 */
#include "correlation/correlator.h"

#include <stdlib.h>

#include "correlation/ruleset.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"
#include "engine/arena.h"
#include "engine/clock.h"
#include "engine/event.h"

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

void
correlator_feed(struct correlator *c, const struct rule_state *state,
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
			    hash64_fixed(value_as_text(member, text),
			    c->shared.seed);
		else
			n += value_as_double(member, &entries[n].u.number);
	}
	return n;
}

static void
collect(struct correlator *c, const struct rule_state *state,
    const struct item *item)
{
	const struct correlation *k = state->rule->correlation;
	struct view view = { .event = c->event, .overlay = item->overlay };
	struct window_entry entries[VALUE_MEMBERS];
	size_t nkeys, n, others = c->nvisits;

	view.bound = correlator_bound(c, state, &view, item->time_ns);
	nkeys = groupkeys_build(&c->keys, k, item->place, &view);
	n = nkeys == 0 ? 0 : read_values(c, k, item, &view, entries);
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

void
correlator_carry(struct correlator *c, struct window_run *run)
{
	struct carried *carried = arena_alloc(c->scratch, sizeof(*carried));

	carried->run = window_run_hold(run);
	carried->next = c->carried;
	c->carried = carried;
}

void
correlator_carried_drop(struct correlator *c)
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
			correlator_run_touched(c, group->run);
	}
	if (!group->fired || span->end_ns > group->fired_ns)
		group->fired_ns = span->end_ns;
	group->fired = true;
	group->held = true;
	if (!c->replaying)
		ruleset_tally_add(c->set, state->rule->number,
		    (struct rule_tally){ .hits = 1 });
	if (begins && state->raises) {
		struct alert alert = { .rule = state->rule,
		    .view = { c->event, visit->item->overlay },
		    .referred = visit->item->place, .key = visit->key };

		group->run = correlator_raise_or_join(c, &alert, group->run,
		    c->event->time_ns);
	}
	if (c->fired != NULL && !c->replaying)
		c->fired(&(struct firing){ .event = c->event,
		    .rule = state->rule, .key = visit->key,
		    .value = span->value, .edge = edge }, c->fired_arg);
	if (state->nfeeds == 0)
		return;
	correlator_carry(c, group->run);
	overlay = arena_alloc(c->scratch, sizeof(*overlay));
	*overlay = (struct overlay){ visit->item->overlay,
	    state->rule->correlation, visit->key };
	correlator_feed(c, state, &(struct item){ .time_ns = span->end_ns,
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

static int64_t
earliest(const struct correlator *c, size_t first)
{
	int64_t time_ns = INT64_MAX;

	for (size_t i = first; i < c->nvisits; i++)
		if (c->visits[i].entry.time_ns < time_ns &&
		    slice_eq(c->visits[i].key, c->visits[first].key))
			time_ns = c->visits[i].entry.time_ns;
	return time_ns;
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

	c->shared.entering_ns = earliest(c, first);
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
			correlator_watch_for(c, state, other, group);
	}
	c->shared.entering_ns = INT64_MAX;
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
		if (item->place >= k->nrefer)
			correlator_bind(c, state, item);
	for (const struct item *item = todo->first; item != NULL;
	    item = item->next)
		if (item->place < k->nrefer)
			collect(c, state, item);
	for (size_t i = 0; i < c->nvisits; i++)
		if (!c->visits[i].done)
			visit_group(c, state, i);
	if (c->nvisits > 0)
		sample_clock(c, c->event->time_ns);
}

static void
run_timed(struct correlator *c, uint32_t number)
{
	int64_t start_ns = clock_mono_ns();

	run_correlation(c, number);
	ruleset_tally_add(c->set, number, (struct rule_tally){ .cost_ns =
	    (uint64_t)(clock_mono_ns() - start_ns) * RULE_SAMPLE });
}

void
correlator_run_fed(struct correlator *c)
{
	while (c->norder > 0) {
		uint32_t number = order_take(c);

		if (++c->asked % RULE_SAMPLE == 0)
			run_timed(c, number);
		else
			run_correlation(c, number);
	}
}
