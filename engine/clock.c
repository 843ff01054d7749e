#include "engine/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t fixed_ns;

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t
clock_now_ns(void)
{
	int64_t fixed = atomic_load_explicit(&fixed_ns, memory_order_relaxed);

	return fixed != 0 ? fixed : read_clock(CLOCK_REALTIME);
}

int64_t
clock_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void
clock_fix_ns(int64_t time_ns)
{
	atomic_store_explicit(&fixed_ns, time_ns, memory_order_relaxed);
}
