#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "correlation/wheel.h"

#define SECOND INT64_C(1000000000)
#define TICK (INT64_C(1) << 30)

struct mark {
	struct wheel_node node;
	int64_t	 at_ns;		/* when it came due; 0: not yet */
};

static struct wheel *wheel;

static void
mark_due(struct wheel_node *node, void *arg)
{
	struct mark *mark = (struct mark *)(void *)node;

	(void)arg;
	mark->at_ns = wheel_now(wheel);
}

static void
comes_due_within_two_ticks_and_never_early(void **state)
{
	enum { N = 3000 };
	static struct mark marks[N];
	int64_t start = INT64_C(1795168800) * SECOND;
	uint64_t random = 1;

	(void)state;
	wheel = wheel_new();
	wheel_advance(wheel, start, mark_due, NULL);
	for (int i = 0; i < N; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		marks[i].at_ns = 0;
		wheel_add(wheel, &marks[i].node, start + (int64_t)(random >>
		    (i % 3 == 0 ? 20 : 30)) % (90000 * SECOND));
	}
	for (int64_t now = start; now < start + 100000 * SECOND;
	    now += SECOND / 2)
		wheel_advance(wheel, now, mark_due, NULL);
	for (int i = 0; i < N; i++) {
		assert_true(marks[i].at_ns >= marks[i].node.due_ns);
		assert_true(marks[i].at_ns - marks[i].node.due_ns <= 3 * TICK);
	}
	wheel_free(wheel);
}

static void
survives_jumps_and_never_goes_back(void **state)
{
	struct mark near = { .at_ns = 0 }, far = { .at_ns = 0 };
	int64_t year = 365 * 86400 * SECOND;

	(void)state;
	wheel = wheel_new();
	wheel_add(wheel, &near.node, 10 * year);
	wheel_add(wheel, &far.node, 30 * year);
	wheel_advance(wheel, 5 * year, mark_due, NULL);
	assert_int_equal(near.at_ns, 0);
	wheel_advance(wheel, 11 * year, mark_due, NULL);
	assert_int_not_equal(near.at_ns, 0);
	wheel_advance(wheel, 1 * year, mark_due, NULL);
	assert_int_equal(wheel_now(wheel), 11 * year);
	assert_int_equal(far.at_ns, 0);
	wheel_advance(wheel, 31 * year, mark_due, NULL);
	assert_int_not_equal(far.at_ns, 0);
	wheel_free(wheel);
}

static void
forgets_what_is_removed(void **state)
{
	struct mark a = { .at_ns = 0 }, b = { .at_ns = 0 }, c = { .at_ns = 0 };

	(void)state;
	wheel = wheel_new();
	wheel_advance(wheel, SECOND, mark_due, NULL);
	wheel_add(wheel, &a.node, 50 * SECOND);
	wheel_add(wheel, &b.node, 50 * SECOND);
	wheel_add(wheel, &c.node, 50 * SECOND);
	wheel_remove(&b.node);
	wheel_remove(&b.node);
	wheel_advance(wheel, 100 * SECOND, mark_due, NULL);
	assert_int_not_equal(a.at_ns, 0);
	assert_int_equal(b.at_ns, 0);
	assert_int_not_equal(c.at_ns, 0);
	wheel_free(wheel);
}

static void
waits_when_the_time_was_put_off(void **state)
{
	struct mark a = { .at_ns = 0 };

	(void)state;
	wheel = wheel_new();
	wheel_advance(wheel, SECOND, mark_due, NULL);
	wheel_add(wheel, &a.node, 50 * SECOND);
	a.node.due_ns = 500 * SECOND;	/* used since */
	wheel_advance(wheel, 400 * SECOND, mark_due, NULL);
	assert_int_equal(a.at_ns, 0);
	wheel_advance(wheel, 600 * SECOND, mark_due, NULL);
	assert_int_not_equal(a.at_ns, 0);
	wheel_free(wheel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_due_within_two_ticks_and_never_early),
		cmocka_unit_test(survives_jumps_and_never_goes_back),
		cmocka_unit_test(forgets_what_is_removed),
		cmocka_unit_test(waits_when_the_time_was_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
