/* temporal_ordered: the referred rules met in their order; equal times are in
 * order, because many logs have whole seconds only, and one event may be
 * several steps.
 *
 * One pass over the entries keeps, for each step, the latest time at which a
 * chain up to that step can have begun. The window ending now holds a chain
 * exactly when the one that reaches the last step began within a timespan.
 *
 * With a condition, the number of rules met in their order (some may be left
 * out) is compared: that needs a pass for each window.
 */
#include "correlation/window.h"
#include "correlation/window_index.h"

/* Steps of all entries with the time of entry *at, which is moved past them. */
static uint64_t
next_steps(const struct group *group, size_t *at, size_t end)
{
	int64_t time_ns = group_entry(group, *at)->time_ns;
	uint64_t steps = 0;

	while (*at < end && group_entry(group, *at)->time_ns == time_ns)
		steps |= group_entry(group, (*at)++)->u.steps;
	return steps;
}

static bool
chain_test(struct group *group, int64_t time_ns, struct window_span *span)
{
	const struct correlation *c = group_correlation(group);
	int64_t begun[WINDOW_STEPS], now, least;
	size_t at, end;

	if (c->nrefer > WINDOW_STEPS || c->nrefer == 0)
		return false;
	if (group->index != NULL && time_ns == group->newest_ns) {
		group_span(group, time_ns, span);
		span->value = (double)c->nrefer;
		return window_index_chain(group);
	}
	for (size_t i = 0; i < c->nrefer; i++)
		begun[i] = INT64_MIN;
	at = group_lower(group, time_less(time_ns, c->timespan_ns));
	end = group_upper(group, time_plus(time_ns, c->timespan_ns));
	while (at < end) {
		uint64_t steps;

		now = group_entry(group, at)->time_ns;
		steps = next_steps(group, &at, end);
		for (; steps != 0; steps &= steps - 1) {
			unsigned i = (unsigned)__builtin_ctzll(steps);
			int64_t from = i == 0 ? now : begun[i - 1];

			if (from > begun[i])
				begun[i] = from;
		}
		least = time_less(now, c->timespan_ns);
		if (now < time_ns || begun[c->nrefer - 1] == INT64_MIN ||
		    begun[c->nrefer - 1] < least)
			continue;
		group_span(group, now, span);
		span->value = (double)c->nrefer;
		return true;
	}
	return false;
}

/* The greatest number of steps in their order, at most one each. */
static size_t
longest(const struct group *group, const struct window_span *span)
{
	size_t length[WINDOW_STEPS + 1] = { 0 };	/* chains up to step i */
	size_t at = span->lo, best = 0;

	while (at < span->hi) {
		uint64_t steps = next_steps(group, &at, span->hi);

		for (; steps != 0; steps &= steps - 1) {
			unsigned i = (unsigned)__builtin_ctzll(steps);
			size_t before = 0;

			for (unsigned k = 0; k < i; k++)
				if (length[k] > before)
					before = length[k];
			if (before + 1 > length[i])
				length[i] = before + 1;
			if (length[i] > best)
				best = length[i];
		}
	}
	return best;
}

bool
window_sequence_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	const struct correlation *c = group_correlation(group);
	int64_t end_ns = INT64_MIN;

	if (!c->bounds_given)
		return chain_test(group, time_ns, span);
	while (group_next_end(group, time_ns, &end_ns)) {
		group_span(group, end_ns, span);
		span->value = (double)longest(group, span);
		if (bounds_hold(&c->bounds, span->value))
			return true;
	}
	return false;
}
