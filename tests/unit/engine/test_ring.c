/* Queues between threads, and the restored order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/ring.h"
#include "engine/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#define ITEMS 20000

static void
gives_what_was_put_in_order(void **state)
{
	struct ring *ring = ring_new(2);
	int a, b, c;
	void *item;

	(void)state;
	assert_true(ring_put(ring, &a));
	assert_true(ring_try_put(ring, &b));
	assert_false(ring_try_put(ring, &c));
	assert_int_equal(ring_count(ring), 2);
	assert_int_equal(ring_take(ring, &item, 0), RING_ITEM);
	assert_ptr_equal(item, &a);
	assert_int_equal(ring_take(ring, &item, -1), RING_ITEM);
	assert_ptr_equal(item, &b);
	assert_int_equal(ring_take(ring, &item, 0), RING_TIMEOUT);
	assert_int_equal(ring_take(ring, &item, 5), RING_TIMEOUT);
	ring_free(ring);
}

static void
closing_lets_the_rest_be_taken(void **state)
{
	struct ring *ring = ring_new(4);
	int a;
	void *item;

	(void)state;
	assert_true(ring_put(ring, &a));
	ring_close(ring);
	assert_false(ring_put(ring, &a));
	assert_int_equal(ring_take(ring, &item, -1), RING_ITEM);
	assert_int_equal(ring_take(ring, &item, -1), RING_CLOSED);
	ring_wait_closed(ring, 1000);
	ring_free(ring);
}

struct lane {
	struct ring *ring;
	uint64_t first;
};

static void *
put_every_third(void *arg)
{
	struct lane *lane = arg;

	for (uint64_t i = lane->first; i < ITEMS; i += 3)
		ring_put_at(lane->ring, i, (char *)0 + i + 1);
	return NULL;
}

static void
numbers_restore_the_order_of_many_threads(void **state)
{
	struct ring *ring = ring_new(5);
	struct lane lanes[3];
	pthread_t threads[3];
	void *item;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		lanes[i] = (struct lane){ ring, i };
		pthread_create(&threads[i], NULL, put_every_third, &lanes[i]);
	}
	for (uint64_t i = 0; i < ITEMS; i++) {
		assert_int_equal(ring_take(ring, &item, -1), RING_ITEM);
		assert_int_equal((uintptr_t)item, i + 1);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ring_free(ring);
}

static void *
count_up(void *item)
{
	(*(int *)item)++;
	return item;
}

static void
count_down(void *item)
{
	(*(int *)item)--;
}

static void
a_snapshot_lives_as_long_as_somebody_holds_it(void **state)
{
	int one = 1, two = 1;
	struct snapshot *snapshot = snapshot_new(&one, count_up, count_down);
	void *held = snapshot_get(snapshot);

	(void)state;
	snapshot_swap(snapshot, &two);
	assert_int_equal(one, 1);
	count_down(held);
	assert_int_equal(one, 0);
	assert_ptr_equal(snapshot_get(snapshot), &two);
	snapshot_free(snapshot);
	assert_int_equal(two, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_what_was_put_in_order),
		cmocka_unit_test(closing_lets_the_rest_be_taken),
		cmocka_unit_test(numbers_restore_the_order_of_many_threads),
		cmocka_unit_test(
		    a_snapshot_lives_as_long_as_somebody_holds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
