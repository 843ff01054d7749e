#include "engine/pacing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A belt that makes one batch durable every batch_ns, commits after half of
 * the window, and whose sender never stops. Answers what the last batch
 * took. */
static int64_t
run_belt(struct pacing *pacing, int64_t batch_ns, uint64_t batches)
{
	static int64_t submitted_ns[4096];
	uint64_t submitted = 0, committed = 0;
	int64_t now_ns = 0, took_ns = 0;

	while (committed < batches) {
		uint64_t part = (pacing->window + 1) / 2;

		for (; submitted - committed < pacing->window; submitted++)
			submitted_ns[submitted % 4096] = now_ns;
		now_ns += (int64_t)part * batch_ns;
		took_ns = now_ns - submitted_ns[committed % 4096];
		committed += part;
		pacing_done(pacing, committed - 1, took_ns, true, submitted);
	}
	return took_ns;
}

static void
a_slow_belt_holds_little(void **state)
{
	struct pacing pacing;

	(void)state;
	pacing_init(&pacing, 1024);
	pacing.window = 1024;
	assert_true(run_belt(&pacing, 10000000, 20000) <= 2 * PACING_NS);
	assert_in_range(pacing.window, PACING_LEAST, 20);
}

static void
a_fast_belt_holds_much(void **state)
{
	struct pacing pacing;

	(void)state;
	pacing_init(&pacing, 1024);
	assert_true(run_belt(&pacing, 100000, 200000) <= 2 * PACING_NS);
	assert_true(pacing.window > 500);
}

static void
the_window_stays_within_its_limits(void **state)
{
	struct pacing pacing;

	(void)state;
	pacing_init(&pacing, 64);
	run_belt(&pacing, 1000, 100000);
	assert_int_equal(pacing.window, 64);
	run_belt(&pacing, 1000000000, 1000);
	assert_int_equal(pacing.window, PACING_LEAST);
}

static void
one_stall_cuts_once(void **state)
{
	struct pacing pacing;

	(void)state;
	pacing_init(&pacing, 64);
	pacing.window = 64;
	/* Everything that was in flight during the stall is late. */
	for (uint64_t number = 0; number < 64; number++)
		pacing_done(&pacing, number, 5 * PACING_NS, true, 64);
	assert_int_equal(pacing.window, 48);
}

static void
an_idle_belt_does_not_grow(void **state)
{
	struct pacing pacing;
	uint64_t before;

	(void)state;
	pacing_init(&pacing, 64);
	before = pacing.window;
	for (uint64_t number = 0; number < 100; number++)
		pacing_done(&pacing, number, 1000, false, number + 1);
	assert_int_equal(pacing.window, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_belt_holds_little),
		cmocka_unit_test(a_fast_belt_holds_much),
		cmocka_unit_test(the_window_stays_within_its_limits),
		cmocka_unit_test(one_stall_cuts_once),
		cmocka_unit_test(an_idle_belt_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
