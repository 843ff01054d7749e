/* value_count: how many different values.
 *
 * Values are known by a 64-bit keyed hash of their text: two of a window's
 * 65,536 values meet once in 10^10 windows.
 *
 * The values of a window are counted anew for each event, while the group is
 * small; a window too short to reach the threshold is not looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "correlation/window.h"
#include "correlation/window_index.h"
#include "engine/check.h"

struct cell {
	uint64_t value;
	uint32_t turn, count;
};

/* A table that is emptied by starting the next turn. */
struct distinct_scratch {
	struct cell *cells;
	size_t	 mask, different;
	uint32_t turn;
};

struct distinct_scratch *
distinct_scratch_new(void)
{
	struct distinct_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->mask = 255;
	scratch->cells = xcalloc(256, sizeof(*scratch->cells));
	return scratch;
}

void
distinct_scratch_free(struct distinct_scratch *scratch)
{
	if (scratch == NULL)
		return;
	free(scratch->cells);
	free(scratch);
}

/* Empties it and gives it room for n values at half load. */
static void
start(struct distinct_scratch *scratch, size_t n)
{
	size_t size = scratch->mask + 1;

	while (size < 2 * n)
		size *= 2;
	if (size > scratch->mask + 1 || scratch->turn == UINT32_MAX) {
		free(scratch->cells);
		scratch->cells = xcalloc(size, sizeof(*scratch->cells));
		scratch->mask = size - 1;
		scratch->turn = 0;
	}
	scratch->turn++;
	scratch->different = 0;
}

static struct cell *
find(struct distinct_scratch *scratch, uint64_t value)
{
	size_t at = value & scratch->mask;
	struct cell *cell;

	for (;; at = (at + 1) & scratch->mask) {
		cell = &scratch->cells[at];
		if (cell->turn != scratch->turn) {
			*cell = (struct cell){ .value = value,
			    .turn = scratch->turn };
			return cell;
		}
		if (cell->value == value)
			return cell;
	}
}

static void
add(struct distinct_scratch *scratch, uint64_t value)
{
	if (find(scratch, value)->count++ == 0)
		scratch->different++;
}

static void
take(struct distinct_scratch *scratch, uint64_t value)
{
	if (--find(scratch, value)->count == 0)
		scratch->different--;
}

/* More values than entries there cannot be. */
static bool
is_out_of_reach(const struct correlation_bounds *bounds, size_t n)
{
	return (bounds->has_gte && (double)n < bounds->gte) ||
	    (bounds->has_gt && (double)n <= bounds->gt) ||
	    (bounds->has_eq && (double)n < bounds->eq);
}

bool
window_distinct_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	const struct correlation *c = group_correlation(group);
	struct distinct_scratch *scratch = window_shared_of(group)->distinct;
	int64_t end_ns = INT64_MIN;
	size_t lo, hi;

	if (group->index != NULL && time_ns == group->newest_ns) {
		group_span(group, time_ns, span);
		span->value = window_index_distinct(group);
		return bounds_hold(&c->bounds, span->value);
	}
	group_span(group, time_plus(time_ns, c->timespan_ns), span);
	lo = group_lower(group, time_less(time_ns, c->timespan_ns));
	if (is_out_of_reach(&c->bounds, span->hi - lo))
		return false;
	start(scratch, span->hi - lo);
	hi = lo;
	while (group_next_end(group, time_ns, &end_ns)) {
		group_span(group, end_ns, span);
		for (; hi < span->hi; hi++)
			add(scratch, group_entry(group, hi)->u.value);
		for (; lo < span->lo; lo++)
			take(scratch, group_entry(group, lo)->u.value);
		span->value = (double)scratch->different;
		if (bounds_hold(&c->bounds, span->value))
			return true;
	}
	return false;
}
