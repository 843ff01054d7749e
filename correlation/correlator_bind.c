/* Rules that bind feed the tables of a correlation; its events are looked up
 * there before they enter a group.
 */
#include "correlation/correlator.h"

#include "engine/arena.h"
#include "engine/event.h"

#define SECOND_NS 1000000000.0

/* The values of these fields as a key; false if one is missing. Of a list the
 * first value counts. */
static bool
read_key(struct correlator *c, const struct view *view, const field_t *fields)
{
	char text[VALUE_TEXT_BYTES];

	strbuf_clear(&c->key);
	for (; *fields != FIELD_NONE; fields++) {
		const field_t one[2] = { *fields, FIELD_NONE };
		struct value value;

		if (!view_get(view, field_name(*fields), one, &value))
			return false;
		groupkey_put(&c->key, value_as_text(value_member(&value, 0),
		    text));
	}
	return true;
}

static int64_t
lease_end(const struct bind_rule *bind, const struct event *event)
{
	const struct value *value = bind->lease == FIELD_NONE ? NULL :
	    event_get(event, bind->lease);
	double seconds;

	if (value != NULL && value_as_double(value, &seconds) &&
	    seconds > 0 && seconds < (double)bind->for_ns / SECOND_NS)
		return time_plus(event->time_ns,
		    (int64_t)(seconds * SECOND_NS));
	return time_plus(event->time_ns, bind->for_ns);
}

static void
learn(struct correlator *c, struct binds *table, const struct bind_rule *bind,
    const struct event *event)
{
	const struct value *value = event_get(event, bind->to);
	char text[VALUE_TEXT_BYTES];
	struct slice to;

	if (value == NULL || value_members(value) == 0 ||
	    value_member(value, 0)->type == VALUE_NULL)
		return;
	to = value_as_text(value_member(value, 0), text);
	if (to.len > 0)
		binds_learn(table, strbuf_slice(&c->key), to, event->time_ns,
		    lease_end(bind, event));
}

void
correlator_bind(struct correlator *c, const struct rule_state *state,
    const struct item *item)
{
	const struct correlation *k = state->rule->correlation;
	struct view view = { .event = c->event };

	for (size_t i = 0; i < k->nbinds; i++) {
		const struct bind_rule *bind = &k->binds[i];
		uint64_t forgotten = binds_forgotten(state->binds[i]);

		if (item->place < bind->first || item->place >= bind->first +
		    bind->nlearn + bind->nuntil)
			continue;
		if (!read_key(c, &view, bind->from))
			continue;
		if (item->place >= bind->first + bind->nlearn)
			binds_end(state->binds[i], strbuf_slice(&c->key),
			    c->event->time_ns);
		else
			learn(c, state->binds[i], bind, c->event);
		binds_pass(state->binds[i], wheel_now(c->shared.wheel));
		c->unremembered += binds_forgotten(state->binds[i]) -
		    forgotten;
	}
}

const struct slice *
correlator_bound(struct correlator *c, const struct rule_state *state,
    const struct view *view, int64_t time_ns)
{
	const struct correlation *k = state->rule->correlation;
	struct slice *bound;

	if (k->nbinds == 0)
		return NULL;
	bound = arena_zalloc(c->scratch, k->ngroup * sizeof(*bound));
	for (size_t i = 0; i < k->nbinds; i++) {
		const struct bind_rule *bind = &k->binds[i];

		if (bind->column >= k->ngroup ||
		    view_overlaid(view, k->group[bind->column].name) ||
		    !read_key(c, view, bind->read))
			continue;
		bound[bind->column] = arena_dup(c->scratch, binds_find(
		    state->binds[i], strbuf_slice(&c->key), time_ns));
	}
	return bound;
}
