/* Runs and alerts: what a firing says, to whom, and what holds it back. */
#include "correlation/correlator.h"

#include "correlation/suppress.h"
#include "correlation/window_run.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "storage/ledger.h"

void
correlator_run_touched(struct correlator *c, struct window_run *run)
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

void
correlator_note_runs(struct correlator *c)
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
void
correlator_place_waiting(struct correlator *c)
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
bool
correlator_raise(struct correlator *c, struct alert *alert, struct window_run *run)
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
	correlator_run_touched(c, run);
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
struct window_run *
correlator_raise_or_join(struct correlator *c, struct alert *alert,
    struct window_run *run, int64_t time_ns)
{
	struct suppressed *entry;
	bool yes;

	alert->run = run;
	if (alert->rule->suppress_ns == 0) {
		correlator_raise(c, alert, run);
		return run;
	}
	suppress_key(c, alert);
	entry = suppress_ask(c->suppress, strbuf_slice(&c->key), time_ns,
	    alert->rule->suppress_ns, &yes, &alert->suppressed);
	if (yes) {
		correlator_raise(c, alert, run);
		suppress_put(entry, run);
		return run;
	}
	c->suppressed++;
	window_run_merge(entry->run, run, &(struct window_run_range){
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .upto = UINT64_MAX });
	correlator_run_touched(c, entry->run);
	window_run_drop(run);
	return window_run_hold(entry->run);
}

void
correlator_alert_hit(struct correlator *c, const struct rule_state *state)
{
	struct alert alert = { .rule = state->rule,
	    .view = { .event = c->event } };
	struct window_run *run = window_run_new(c->shared.pool);

	window_run_add(run, c->event->seq, c->event->time_ns);
	run = correlator_raise_or_join(c, &alert, run, c->event->time_ns);
	window_run_drop(run);
}
