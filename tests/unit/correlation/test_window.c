/* Groups: their memory, their limits, their place in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "correlation/window.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"
#include "engine/arena.h"

static const struct correlation two_in_ten = {
	.type = CORRELATION_EVENT_COUNT, .timespan_ns = 10,
	.bounds_given = true, .bounds = { .has_gte = true, .gte = 2 } };

static bool
enter(struct window *window, const char *key, int64_t time_ns)
{
	struct group *group = window_group(window, slice_cstr(key));
	struct window_entry entry = { .time_ns = time_ns, .seq = 1 };
	struct window_span span;

	return window_enter(group, &entry) &&
	    window_test(group, time_ns, &span);
}

static void
includes_both_ends(void **state)
{
	struct window_shared shared;
	struct window *window;

	(void)state;
	window_shared_init(&shared);
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	assert_false(enter(window, "a", 0));
	assert_true(enter(window, "a", 10));
	assert_false(enter(window, "b", 0));
	assert_false(enter(window, "b", 11));
	window_free(window);
	window_shared_fini(&shared);
}

static void
compares_lateness_within_the_group_only(void **state)
{
	struct window_shared shared;
	struct window *window;

	(void)state;
	window_shared_init(&shared);
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	assert_false(enter(window, "ahead", 1000000));
	assert_false(enter(window, "b", 20));
	assert_true(enter(window, "b", 10));	/* exactly one span behind */
	assert_false(enter(window, "b", 9));
	assert_int_equal(shared.late, 1);
	window_free(window);
	window_shared_fini(&shared);
}

static void
bears_times_at_the_ends_of_what_there_is(void **state)
{
	struct window_shared shared;
	struct window *window;

	(void)state;
	window_shared_init(&shared);
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	assert_false(enter(window, "a", INT64_MAX));
	assert_true(enter(window, "a", INT64_MAX - 3));
	assert_false(enter(window, "b", INT64_MIN + 1));
	assert_true(enter(window, "b", INT64_MIN + 2));
	window_free(window);
	window_shared_fini(&shared);
}

static void
keeps_groups_apart_while_many_come_and_go(void **state)
{
	struct window_shared shared;
	struct window *window;
	char key[32];

	(void)state;
	window_shared_init(&shared);
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_false(enter(window, key, i));
	}
	assert_int_equal(window_groups(window), 20000);
	for (int i = 0; i < 20000; i += 2) {
		snprintf(key, sizeof(key), "k%d", i);
		window_forget(window_group(window, slice_cstr(key)));
	}
	assert_int_equal(window_groups(window), 10000);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(enter(window, key, i + 1), i % 2 == 1);
	}
	window_free(window);
	assert_int_equal(shared.groups, 0);
	assert_int_equal(window_pool_used(shared.pool), 0);
	window_shared_fini(&shared);
}

static void
evicts_small_and_quiet_groups_first(void **state)
{
	struct window_shared shared;
	struct window *window;
	char key[32];

	(void)state;
	window_shared_init(&shared);
	shared.groups_per_rule = 64;
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	for (int i = 0; i < 5; i++)
		enter(window, "busy", i);
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		enter(window, key, 5);
	}
	assert_true(enter(window, "busy", 6));
	assert_true(window_groups(window) <= 64);
	assert_true(shared.evicted >= 9900);
	window_free(window);
	window_shared_fini(&shared);
}

static void
stays_within_its_bytes(void **state)
{
	struct window_shared shared;
	struct window *window;
	char key[32];

	(void)state;
	window_shared_init(&shared);
	shared.bytes_limit = 1 << 20;
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	for (int i = 0; i < 50000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		enter(window, key, i / 1000);
		assert_true(window_pool_used(shared.pool) < (1 << 20) + 4096);
	}
	window_free(window);
	window_shared_fini(&shared);
}

/* Groups that grow, too: a thousand of them would want a hundred times this. */
static void
stays_within_its_bytes_when_groups_grow(void **state)
{
	struct window_shared shared;
	struct window *window;
	char key[32];

	(void)state;
	window_shared_init(&shared);
	shared.bytes_limit = 1 << 20;
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	for (int i = 0; i < 1000000; i++) {
		snprintf(key, sizeof(key), "k%d", i % 7 == 0 ? i % 1000 : 3);
		enter(window, key, i / 100000);
		assert_true(window_pool_used(shared.pool) < (3 << 20));
	}
	assert_true(shared.evicted > 0);
	assert_true(shared.entries_capped > 0);
	window_free(window);
	window_shared_fini(&shared);
}

/* One rule's flood leaves other rules their room. */
static void
takes_room_from_the_window_with_most_groups(void **state)
{
	struct window_shared shared;
	struct window *flood, *quiet;
	char key[32];

	(void)state;
	window_shared_init(&shared);
	shared.groups_limit = 1000;
	flood = window_new(&shared, &two_in_ten, SLICE("r"));
	quiet = window_new(&shared, &two_in_ten, SLICE("r"));
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "f%d", i);
		enter(flood, key, 5);
	}
	for (int i = 0; i < 400; i++) {
		snprintf(key, sizeof(key), "q%d", i);
		enter(quiet, key, 5);
	}
	assert_int_equal(window_groups(quiet), 400);
	assert_true(window_groups(flood) + 400 <= 1000);
	window_free(flood);
	window_free(quiet);
	window_shared_fini(&shared);
}

static void
caps_the_entries_of_a_group(void **state)
{
	struct window_shared shared;
	struct window *window;
	struct group *group;

	(void)state;
	window_shared_init(&shared);
	window = window_new(&shared, &two_in_ten, SLICE("r"));
	for (int i = 0; i < GROUP_ENTRIES + 100; i++)
		enter(window, "a", 7);
	group = window_group(window, SLICE("a"));
	assert_int_equal(group->n, GROUP_ENTRIES);
	assert_int_equal(shared.entries_capped, 100);
	window_free(window);
	window_shared_fini(&shared);
}

/* --- runs ------------------------------------------------------------------ */
static void
lists_events_once_and_in_order(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct window_run *run = window_run_new(pool);
	struct arena *arena = arena_new(0);
	const uint64_t *seqs;
	const int64_t *times;

	(void)state;
	assert_true(window_run_add(run, 5, 50));
	assert_true(window_run_add(run, 9, 40));
	assert_true(window_run_add(run, 7, 60));
	assert_false(window_run_add(run, 5, 50));
	assert_int_equal(window_run_list(run, arena, &seqs, &times), 3);
	assert_int_equal(seqs[0], 5);
	assert_int_equal(seqs[1], 7);
	assert_int_equal(seqs[2], 9);
	assert_int_equal(times[1], 60);
	assert_int_equal(run->first_ns, 40);
	assert_int_equal(run->last_ns, 60);
	arena_free(arena);
	window_run_drop(run);
	assert_int_equal(window_pool_used(pool), 0);
	window_pool_free(pool);
}

static void
keeps_the_first_and_last_thousand_of_many(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct window_run *run = window_run_new(pool);
	struct arena *arena = arena_new(0);
	const uint64_t *seqs;
	const int64_t *times;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		window_run_add(run, i, (int64_t)i);
	assert_int_equal(window_run_list(run, arena, &seqs, &times), 10000);
	for (uint64_t i = 10000; i < 23456; i++)
		window_run_add(run, i, (int64_t)i);
	assert_int_equal(window_run_list(run, arena, &seqs, &times), 2000);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(seqs[i], i);
		assert_int_equal(seqs[1000 + i], 22456 + i);
		assert_int_equal(times[1000 + i], 22456 + i);
	}
	assert_int_equal(run->count, 23456);
	assert_true(run->capped);
	arena_free(arena);
	window_run_drop(run);
	window_pool_free(pool);
}

static void
merges_what_is_new_within_a_range(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct window_run *inner = window_run_new(pool);
	struct window_run *outer = window_run_new(pool);

	(void)state;
	for (uint64_t i = 1; i <= 10; i++)
		window_run_add(inner, i, (int64_t)(10 * i));
	assert_int_equal(window_run_merge(outer, inner,
	    &(struct window_run_range){ 30, 80, 0, 7 }), 5);
	assert_int_equal(window_run_merge(outer, inner,
	    &(struct window_run_range){ 30, 80, 7, 10 }), 1);
	assert_int_equal(outer->count, 6);
	window_run_drop(inner);
	window_run_drop(outer);
	window_pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_both_ends),
		cmocka_unit_test(compares_lateness_within_the_group_only),
		cmocka_unit_test(bears_times_at_the_ends_of_what_there_is),
		cmocka_unit_test(keeps_groups_apart_while_many_come_and_go),
		cmocka_unit_test(evicts_small_and_quiet_groups_first),
		cmocka_unit_test(stays_within_its_bytes),
		cmocka_unit_test(stays_within_its_bytes_when_groups_grow),
		cmocka_unit_test(takes_room_from_the_window_with_most_groups),
		cmocka_unit_test(caps_the_entries_of_a_group),
		cmocka_unit_test(lists_events_once_and_in_order),
		cmocka_unit_test(keeps_the_first_and_last_thousand_of_many),
		cmocka_unit_test(merges_what_is_new_within_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
