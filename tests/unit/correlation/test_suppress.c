#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "correlation/first_seen.h"
#include "correlation/suppress.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"

static bool
ask(struct suppress *suppress, const char *key, int64_t time_ns,
    uint64_t *before)
{
	uint64_t ignored;
	bool yes;

	suppress_ask(suppress, slice_cstr(key), time_ns, 100, &yes,
	    before != NULL ? before : &ignored);
	return yes;
}

static void
raises_once_in_a_span(void **state)
{
	struct suppress *suppress = suppress_new();
	uint64_t before = 99;

	(void)state;
	assert_true(ask(suppress, "a", 1000, &before));
	assert_int_equal(before, 0);
	assert_false(ask(suppress, "a", 1050, NULL));
	assert_false(ask(suppress, "a", 1099, NULL));
	assert_true(ask(suppress, "b", 1050, NULL));
	assert_true(ask(suppress, "a", 1100, &before));
	assert_int_equal(before, 2);
	suppress_free(suppress);
}

static void
takes_a_late_event_for_part_of_the_alert(void **state)
{
	struct suppress *suppress = suppress_new();

	(void)state;
	assert_true(ask(suppress, "a", 1000, NULL));
	assert_false(ask(suppress, "a", 950, NULL));
	assert_true(ask(suppress, "a", 900, NULL));
	suppress_free(suppress);
}

static void
holds_the_run_of_what_was_raised(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct window_run *run = window_run_new(pool);
	struct suppress *suppress = suppress_new();
	struct suppressed *entry;
	uint64_t before;
	bool yes;

	(void)state;
	entry = suppress_ask(suppress, SLICE("a"), 1, 10, &yes, &before);
	suppress_put(entry, run);
	window_run_drop(run);
	entry = suppress_ask(suppress, SLICE("a"), 2, 10, &yes, &before);
	assert_false(yes);
	assert_ptr_equal(entry->run, run);
	suppress_free(suppress);
	assert_int_equal(window_pool_used(pool), 0);
	window_pool_free(pool);
}

static void
forgets_what_is_past_before_what_is_in_force(void **state)
{
	struct suppress *suppress = suppress_new();
	char key[32];

	(void)state;
	for (int i = 0; i < 3 * SUPPRESS_KEYS; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ask(suppress, key, i, NULL);
	}
	assert_true(suppress_keys(suppress) <= SUPPRESS_KEYS);
	assert_int_equal(suppress_forgotten(suppress), 0);
	assert_false(ask(suppress, key, 3 * SUPPRESS_KEYS, NULL));
	suppress_free(suppress);
}

static void
gives_up_the_older_half_when_all_are_in_force(void **state)
{
	struct suppress *suppress = suppress_new();
	char key[32];

	(void)state;
	for (int i = 0; i < SUPPRESS_KEYS + 1; i++) {
		uint64_t before;
		bool yes;

		snprintf(key, sizeof(key), "k%d", i);
		suppress_ask(suppress, slice_cstr(key), i, 1 << 30, &yes,
		    &before);
	}
	assert_true(suppress_keys(suppress) <= SUPPRESS_KEYS / 2 + 1);
	assert_true(suppress_forgotten(suppress) >= SUPPRESS_KEYS / 2);
	suppress_free(suppress);
}

/* --- first_seen ------------------------------------------------------------ */
static void
learns_a_subject_before_it_calls_anything_new(void **state)
{
	struct first_seen *seen = first_seen_new(1000, 100);

	(void)state;
	assert_false(first_seen_test(seen, 1, 11, 0));
	assert_false(first_seen_test(seen, 1, 21, 99));
	assert_true(first_seen_test(seen, 1, 31, 100));
	assert_false(first_seen_test(seen, 1, 31, 101));
	assert_false(first_seen_test(seen, 2, 41, 101));
	first_seen_free(seen);
}

static void
forgets_pairs_after_its_memory(void **state)
{
	struct first_seen *seen = first_seen_new(1000, 100);

	(void)state;
	first_seen_test(seen, 1, 11, 0);
	for (int64_t t = 100; t <= 1100; t += 100)
		first_seen_test(seen, 1, 21, t);	/* stays known */
	assert_true(first_seen_test(seen, 1, 11, 1101));
	assert_false(first_seen_test(seen, 1, 21, 1101));
	first_seen_free(seen);
}

static void
stays_bounded(void **state)
{
	struct first_seen *seen = first_seen_new(INT64_C(1) << 60, 0);
	uint64_t random = 7;

	(void)state;
	for (int64_t i = 0; i < 3 * (int64_t)FIRST_SEEN_CELLS; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		first_seen_test(seen, 1, random, i);
	}
	assert_true(first_seen_bytes(seen) <= 24 * (size_t)FIRST_SEEN_CELLS);
	assert_true(first_seen_forgotten(seen) > FIRST_SEEN_CELLS);
	first_seen_free(seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raises_once_in_a_span),
		cmocka_unit_test(takes_a_late_event_for_part_of_the_alert),
		cmocka_unit_test(holds_the_run_of_what_was_raised),
		cmocka_unit_test(forgets_what_is_past_before_what_is_in_force),
		cmocka_unit_test(
		    gives_up_the_older_half_when_all_are_in_force),
		cmocka_unit_test(
		    learns_a_subject_before_it_calls_anything_new),
		cmocka_unit_test(forgets_pairs_after_its_memory),
		cmocka_unit_test(stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
