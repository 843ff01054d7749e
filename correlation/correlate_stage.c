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

#include "correlation/correlator.h"
#include "correlation/first_seen.h"
#include "correlation/ghosts.h"
#include "correlation/suppress.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"

#define DEFAULT_GROUPS 1000000
#define DEFAULT_BYTES ((size_t)256 << 20)

/* --- making ---------------------------------------------------------------- */
static void
begin(struct correlator *c)
{
	window_shared_init(&c->shared);
	c->shared.groups_limit = c->limits.groups > 0 ? c->limits.groups :
	    DEFAULT_GROUPS;
	c->shared.groups_per_rule = c->limits.groups_per_rule > 0 ?
	    c->limits.groups_per_rule : (c->shared.groups_limit + 1) / 2;
	c->shared.bytes_limit = c->limits.bytes > 0 ? c->limits.bytes :
	    DEFAULT_BYTES;
	c->suppress = suppress_new();
	c->absences = absences_new();
}

struct correlator *
correlator_new(const struct correlator_limits *limits)
{
	struct correlator *c = xcalloc(1, sizeof(*c));

	if (limits != NULL)
		c->limits = *limits;
	begin(c);
	c->set_arena = arena_new(0);
	c->scratch = arena_new(0);
	c->visits = xcalloc(VISITS, sizeof(*c->visits));
	groupkeys_init(&c->keys);
	strbuf_init(&c->key);
	return c;
}

static void
end(struct correlator *c)
{
	rule_states_free(c->rules, c->nrules);
	suppress_free(c->suppress);
	absences_free(c->absences);
	window_shared_fini(&c->shared);
	if (c->set != NULL)
		ruleset_put(c->set);
}

void
correlator_reset(struct correlator *c)
{
	end(c);
	c->rules = NULL;
	c->nrules = 0;
	c->set = NULL;
	c->nsamples = 0;
	c->degraded = (struct degraded){ .has_told = false };
	begin(c);
}

void
correlator_free(struct correlator *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nwaiting; i++)
		batch_put(c->waiting[i]);
	end(c);
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
			subject = hash64_fixed(strbuf_slice(&c->key),
			    c->shared.seed);
	}
	forgotten = first_seen_forgotten(state->first_seen);
	is = first_seen_test(state->first_seen, subject,
	    hash64_fixed(strbuf_slice(&c->key), c->shared.seed) +
	    0x9e3779b97f4a7c15,
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
	if (state->raises && !c->limits.hits_only)
		correlator_alert_hit(c, state);
	if (state->nfeeds > 0)
		correlator_feed(c, state,
		    &(struct item){ .time_ns = c->event->time_ns });
}

struct losses
correlator_losses(const struct correlator *c)
{
	return (struct losses){ .groups = c->shared.evicted,
	    .entries = c->shared.entries_capped,
	    .keys = suppress_forgotten(c->suppress) + c->unremembered,
	    .alerts = c->lost, .late = c->shared.late };
}

static void
tell_losses(struct correlator *c)
{
	struct losses now = correlator_losses(c);
	struct strbuf en = STRBUF_INIT, ja = STRBUF_INIT;
	struct window_run *run;
	struct rule rule;

	if (!degraded_asks(&c->degraded, &now, c->event->time_ns))
		return;
	if (c->replaying) {
		degraded_told(&c->degraded, &now, c->event->time_ns);
		return;
	}
	rule = degraded_rule(&c->degraded, &now, &en, &ja);
	run = window_run_new(c->shared.pool);
	window_run_add(run, c->event->seq, c->event->time_ns);
	if (correlator_raise(c, &(struct alert){ .rule = &rule, .run = run, .own = true,
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
	if (c->limits.arrival_decides)
		absences_wall(c->absences, c->event->ingested_ns);
	absences_clock(c->absences, c->event->time_ns);
	correlator_decide_absences(c);
	for (size_t i = 0; i < n; i++)
		take_hit(c, hits[i]);
	correlator_run_fed(c);
	tell_losses(c);
	correlator_carried_drop(c);
	arena_reset(c->scratch);
}

void
correlate_stage_run(struct correlator *c, struct batch *batch)
{
	union { const void *in; void *out; } set = { .in = batch->ruleset };
	size_t received = batch->n + batch->njoined;	/* and no alerts */

	correlator_take_set(c, set.out);
	c->batch = batch;
	correlator_place_waiting(c);
	for (size_t i = 0; i < received; i++) {
		c->event = batch_event(batch, i);
		if (c->event->nhits > 0)
			run_event(c, c->event->hits, c->event->nhits);
	}
	if (batch->n == 0 && c->limits.arrival_decides) {
		absences_wall(c->absences, batch->received_ns);
		correlator_decide_absences(c);
	}
	correlator_note_runs(c);
	c->batch = NULL;
	c->event = NULL;
}

void
correlator_end(struct correlator *c, struct batch *batch)
{
	c->batch = batch;
	c->event = batch->n > 0 ? &batch->events[batch->n - 1] : NULL;
	absences_end(c->absences);
	correlator_decide_absences(c);
	correlator_note_runs(c);
	c->batch = NULL;
	c->event = NULL;
}

/* --- after a start --------------------------------------------------------- */
static void
replay_event(struct correlator *c, struct ruleset *set)
{
	const struct value *ids = event_get(c->event, FIELD_YAGURA_HITS);
	uint32_t hits[EVENT_ITEMS];
	size_t n = 0;
	char text[VALUE_TEXT_BYTES];

	if (ids == NULL)
		return;
	for (size_t i = 0; i < value_members(ids) && n < EVENT_ITEMS; i++) {
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
	correlator_take_set(c, set);
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
	size_t bytes = window_pool_used(c->shared.pool) +
	    ghosts_bytes(c->shared.ghosts) + absences_bytes(c->absences);

	*figures = (struct correlator_figures){ .groups = c->shared.groups,
	    .evicted = c->shared.evicted, .late = c->shared.late,
	    .raised = c->raised, .runs = c->runs,
	    .suppressed = c->suppressed,
	    .entries_capped = c->shared.entries_capped,
	    .forgotten = suppress_forgotten(c->suppress), .lost = c->lost };
	for (size_t i = 0; i < c->nrules; i++) {
		const struct first_seen *seen = c->rules[i].first_seen;

		for (size_t k = 0; k < c->rules[i].nbinds; k++) {
			figures->bound += binds_count(c->rules[i].binds[k]);
			figures->forgotten +=
			    binds_forgotten(c->rules[i].binds[k]);
		}
		if (seen == NULL)
			continue;
		bytes += first_seen_bytes(seen);
		figures->forgotten += first_seen_forgotten(seen);
	}
	for (size_t i = 0; i < c->nwaiting; i++)
		figures->waiting += c->waiting[i]->nalerts -
		    c->waiting[i]->seq0;
	figures->watched = absences_count(c->absences);
	figures->wall_due_ns = absences_wall_due(c->absences);
	figures->bytes = bytes;
}
