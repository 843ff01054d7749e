/* Absences are opened by what should be followed, and fire once it is sure
 * that nothing did.
 */
#include "correlation/correlator.h"

#include "correlation/ruleset.h"
#include "correlation/window_run.h"
#include "engine/arena.h"
#include "engine/batch.h"

void
correlator_watch_for(struct correlator *c, const struct rule_state *state,
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
	if (!c->replaying)
		ruleset_tally_add(c->set, absence->number,
		    (struct rule_tally){ .hits = 1 });
	if (!begins)
		correlator_run_touched(c, run);
	else if (state->raises)
		group->run = correlator_raise_or_join(c, &(struct alert){
		    .rule = state->rule, .view = view,
		    .referred = absence->place, .key = absence->key }, run,
		    absence->event.time_ns);
	if (c->fired != NULL && c->batch->n > 0 && !c->replaying)
		c->fired(&(struct firing){ .event = c->event,
		    .rule = state->rule, .key = absence->key, .value = 0,
		    .edge = begins }, c->fired_arg);
	if (state->nfeeds == 0)
		return;
	correlator_carry(c, group->run);
	overlay = arena_alloc(c->scratch, sizeof(*overlay));
	*overlay = (struct overlay){ NULL, state->rule->correlation,
	    absence->key };
	correlator_feed(c, state, &(struct item){ .time_ns = absence->due_ns,
	    .overlay = overlay, .run = group->run });
}

void
correlator_decide_absences(struct correlator *c)
{
	struct event *event = c->event;
	struct absence *absence;

	while ((absence = absences_next(c->absences)) != NULL) {
		absence->event.batch = c->batch;
		if (event == NULL)
			c->event = &absence->event;
		fire_absence(c, absence);
		c->event = &absence->event;
		correlator_run_fed(c);
		c->event = event;
		correlator_carried_drop(c);
		arena_reset(c->scratch);
		absence_free(absence);
	}
}
