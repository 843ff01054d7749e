/* event_count: how many events. */
#include "correlation/window.h"

bool
window_count_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	const struct correlation_bounds *bounds =
	    &group_correlation(group)->bounds;
	int64_t end_ns = INT64_MIN;

	while (group_next_end(group, time_ns, &end_ns)) {
		group_span(group, end_ns, span);
		span->value = (double)(span->hi - span->lo);
		if (bounds_hold(bounds, span->value))
			return true;
	}
	return false;
}
