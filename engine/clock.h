/* engine/clock.h -- the only place that asks what time it is.
 *
 * Time is an argument everywhere else. Tests, stories and --now fix the wall
 * clock; nothing else may. Any thread.
 */
#ifndef YAGURA_ENGINE_CLOCK_H
#define YAGURA_ENGINE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ns(void);	/* since 1970 UTC, or as fixed */
int64_t clock_mono_ns(void);	/* for spans; never fixed, never set back */
int64_t clock_cpu_ns(void);	/* CPU time of the process, for measuring */

/* From here on clock_now_ns() answers this; 0 lets it run again. */
void clock_fix_ns(int64_t time_ns);

#endif
