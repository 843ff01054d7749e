/* temporal: all referred rules met, in any order; with a condition, that many
 * different ones.
 */
#include "correlation/window.h"
#include "correlation/window_index.h"

static uint64_t
all_steps(const struct correlation *c)
{
	return c->nrefer >= WINDOW_STEPS ? UINT64_MAX :
	    (UINT64_C(1) << c->nrefer) - 1;
}

static bool
holds(const struct correlation *c, uint64_t steps, struct window_span *span)
{
	span->value = __builtin_popcountll(steps);
	if (c->bounds_given)
		return bounds_hold(&c->bounds, span->value);
	return steps == all_steps(c) && c->nrefer <= WINDOW_STEPS;
}

/* Newest first: what completes a window mostly does so with its neighbours. */
static uint64_t
steps_of(const struct group *group, const struct window_span *span,
    uint64_t enough)
{
	uint64_t steps = 0;

	for (size_t i = span->hi; i-- > span->lo && steps != enough;)
		steps |= group_entry(group, i)->u.steps;
	return steps;
}

/* Counts of each step, so that the window may slide. */
static uint64_t
slide(const struct group *group, size_t from, size_t to, int by,
    uint32_t counts[WINDOW_STEPS], uint64_t steps)
{
	for (size_t i = from; i < to; i++) {
		uint64_t left = group_entry(group, i)->u.steps;

		for (; left != 0; left &= left - 1) {
			unsigned step = (unsigned)__builtin_ctzll(left);

			counts[step] += (uint32_t)by;
			if (counts[step] == 0)
				steps &= ~(UINT64_C(1) << step);
			else
				steps |= UINT64_C(1) << step;
		}
	}
	return steps;
}

bool
window_together_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	const struct correlation *c = group_correlation(group);
	uint32_t counts[WINDOW_STEPS] = { 0 };
	uint64_t enough = all_steps(c), steps = 0;
	int64_t end_ns = INT64_MIN;
	size_t lo, hi;

	if (!c->bounds_given && group->steps_seen != enough)
		return false;
	group_span(group, time_ns, span);
	if (group->index != NULL && time_ns == group->newest_ns)
		return holds(c, window_index_steps(group), span);
	if (holds(c, steps_of(group, span, enough), span))
		return true;
	if (span->hi == group->n)
		return false;
	lo = hi = span->lo;
	while (group_next_end(group, time_ns, &end_ns)) {
		group_span(group, end_ns, span);
		steps = slide(group, hi, span->hi, 1, counts, steps);
		steps = slide(group, lo, span->lo, -1, counts, steps);
		hi = span->hi;
		lo = span->lo;
		if (holds(c, steps, span))
			return true;
	}
	return false;
}
