/* absent: no window of it ever holds, because what matters is what does not
 * come. The entries only remember what came early, for events that come late;
 * absent.c decides.
 */
#include "correlation/window.h"

bool
window_absent_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	(void)group;
	(void)time_ns;
	(void)span;
	return false;
}

bool
window_absent_answered(const struct group *group, int64_t time_ns)
{
	size_t end = group_upper(group, time_plus(time_ns,
	    group_correlation(group)->timespan_ns));

	for (size_t i = group_lower(group, time_ns); i < end; i++)
		if (group_entry(group, i)->u.value != 0)
			return true;
	return false;
}
