/* Sets of values that a comparison asks for at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "engine/value.h"
#include "storage/query_set.h"

static ptrdiff_t
row_of(struct query_set *set, const char *text, enum value_type type)
{
	struct value value;

	value_parse(slice_cstr(text), TRANSFORM_OWNED, type, &value);
	assert_int_equal(value.type, type);
	return query_set_find(set, &value);
}

static void
texts_are_found_without_the_case_of_letters(void **state)
{
	struct query_set *set = query_set_new();

	(void)state;
	assert_true(query_set_add(set, SLICE("Alice"), 3));
	assert_true(query_set_add(set, SLICE("bob"), 4));
	assert_int_equal(row_of(set, "ALICE", VALUE_TEXT), 3);
	assert_int_equal(row_of(set, "bob", VALUE_TEXT), 4);
	assert_int_equal(row_of(set, "bo", VALUE_TEXT), -1);
	assert_int_equal(row_of(set, "bobby", VALUE_TEXT), -1);
	query_set_free(set);
}

static void
the_first_row_of_a_value_stands(void **state)
{
	struct query_set *set = query_set_new();

	(void)state;
	assert_true(query_set_add(set, SLICE("alice"), 1));
	assert_true(query_set_add(set, SLICE("ALICE"), 2));
	assert_int_equal(row_of(set, "alice", VALUE_TEXT), 1);
	query_set_free(set);
}

static void
an_empty_value_is_refused_and_null_is_in_no_set(void **state)
{
	struct query_set *set = query_set_new();
	struct value null = { .type = VALUE_NULL };

	(void)state;
	assert_false(query_set_add(set, slice_of("", 0), 0));
	assert_int_equal(query_set_find(set, &null), -1);
	query_set_free(set);
}

static void
addresses_are_found_in_any_spelling(void **state)
{
	struct query_set *set = query_set_new();

	(void)state;
	assert_true(query_set_add(set, SLICE("2001:db8::1"), 5));
	assert_true(query_set_add(set, SLICE("192.0.2.7"), 6));
	assert_int_equal(row_of(set, "2001:0DB8:0:0::0001", VALUE_IP), 5);
	assert_int_equal(row_of(set, "::ffff:192.0.2.7", VALUE_IP), 6);
	assert_int_equal(row_of(set, "192.0.2.7", VALUE_TEXT), 6);
	assert_int_equal(row_of(set, "192.0.2.8", VALUE_IP), -1);
	query_set_free(set);
}

static void
networks_hold_their_addresses_up_to_a_limit(void **state)
{
	struct query_set *set = query_set_new();
	char text[32];

	(void)state;
	assert_true(query_set_add(set, SLICE("10.1.0.0/16"), 9));
	assert_int_equal(row_of(set, "10.1.255.255", VALUE_IP), 9);
	assert_int_equal(row_of(set, "10.2.0.0", VALUE_IP), -1);
	for (unsigned i = 1; i < QUERY_SET_NETWORKS; i++) {
		snprintf(text, sizeof(text), "172.%u.%u.0/24", i >> 8,
		    i & 255);
		assert_true(query_set_add(set, slice_cstr(text), i));
	}
	assert_false(query_set_add(set, SLICE("198.51.100.0/24"), 1));
	query_set_free(set);
}

static void
many_values_are_all_found(void **state)
{
	struct query_set *set = query_set_new();
	char text[32];

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "value-%zu", i);
		assert_true(query_set_add(set, slice_cstr(text), i));
	}
	for (size_t i = 0; i < 20000; i += 7) {
		snprintf(text, sizeof(text), "Value-%zu", i);
		assert_int_equal(row_of(set, text, VALUE_TEXT), i);
	}
	assert_int_equal(row_of(set, "value-20000", VALUE_TEXT), -1);
	query_set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_found_without_the_case_of_letters),
		cmocka_unit_test(the_first_row_of_a_value_stands),
		cmocka_unit_test(
		    an_empty_value_is_refused_and_null_is_in_no_set),
		cmocka_unit_test(addresses_are_found_in_any_spelling),
		cmocka_unit_test(networks_hold_their_addresses_up_to_a_limit),
		cmocka_unit_test(many_values_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
