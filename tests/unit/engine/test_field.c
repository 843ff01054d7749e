/* field and logsource: tables that only grow. */
#include "engine/field.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/logsource.h"
#include "engine/metric.h"

static void
known_names_have_their_number_and_type(void **state)
{
	(void)state;
	assert_int_equal(field_find(SLICE("source.ip")), FIELD_SOURCE_IP);
	assert_int_equal(field_intern(SLICE("source.ip")), FIELD_SOURCE_IP);
	assert_int_equal(field_type(FIELD_SOURCE_IP), VALUE_IP);
	assert_int_equal(field_find(SLICE("Source.IP")), FIELD_NONE);
	for (field_t i = 0; i < FIELD_KNOWN; i++) {
		assert_int_equal(field_find(field_name(i)), i);
		assert_true(field_help(i)[0] != '\0');
	}
}

static void
new_names_get_one_number_each(void **state)
{
	field_t field;
	char name[FIELD_NAME_BYTES + 1];

	(void)state;
	assert_int_equal(field_find(SLICE("acme.one")), FIELD_NONE);
	field = field_intern(SLICE("acme.one"));
	assert_true(field >= FIELD_KNOWN);
	assert_int_equal(field_intern(SLICE("acme.one")), field);
	assert_int_equal(field_find(SLICE("acme.one")), field);
	assert_int_equal(field_type(field), VALUE_TEXT);
	assert_string_equal(field_help(field), "");
	memset(name, 'x', sizeof(name));
	assert_int_equal(field_intern(slice_of(name, sizeof(name))),
	    FIELD_NONE);
	assert_int_equal(field_intern(SLICE("")), FIELD_NONE);
	assert_true(metric_get(METRIC_FIELDS_REFUSED) >= 2);
}

static void
short_names_and_near_names_are_found(void **state)
{
	(void)state;
	assert_true(slice_eq(field_alias(SLICE("src")), SLICE("source.ip")));
	assert_true(slice_eq(field_alias(SLICE("acme")), SLICE("acme")));
	assert_string_equal(field_nearest(SLICE("sorce.ip")), "source.ip");
	assert_null(field_nearest(SLICE("qqqqqqqqqqqqqqqqqqqq")));
}

static void *
intern_many(void *arg)
{
	field_t *out = arg;
	char name[32];

	for (int i = 0; i < 3000; i++) {
		int n = snprintf(name, sizeof(name), "race.f%d", i);

		out[i] = field_intern(slice_of(name, (size_t)n));
	}
	return NULL;
}

static void
threads_agree_on_numbers(void **state)
{
	static field_t seen[4][3000];
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    intern_many, seen[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < 4; i++)
		assert_memory_equal(seen[0], seen[i], sizeof(seen[0]));
}

static void
the_table_refuses_what_is_past_its_limit(void **state)
{
	char name[32];
	field_t last = 0;

	(void)state;
	for (int i = 0; i < FIELD_LIMIT + 10; i++) {
		int n = snprintf(name, sizeof(name), "flood.f%d", i);

		last = field_intern(slice_of(name, (size_t)n));
	}
	assert_int_equal(last, FIELD_NONE);
	assert_int_equal(field_count(), FIELD_LIMIT);
	assert_int_equal(field_find(SLICE("source.ip")), FIELD_SOURCE_IP);
	assert_int_equal(field_find(SLICE("no.such")), FIELD_NONE);
}

static void
log_sources_are_folded_and_shared(void **state)
{
	struct logsource one = { SLICE_INIT("Process_Creation"),
		SLICE_INIT("windows"), { "", 0 } };
	struct logsource same = { SLICE_INIT("process_creation"),
		SLICE_INIT("Windows"), { "", 0 } };
	struct logsource other = { SLICE_INIT("process_creation"),
		SLICE_INIT("linux"), { "", 0 } };
	uint16_t number = logsource_intern(one);

	(void)state;
	assert_true(number > 0);
	assert_int_equal(logsource_intern(same), number);
	assert_true(logsource_intern(other) != number);
	assert_true(slice_eq(logsource_at(number)->category,
	    SLICE("process_creation")));
	assert_int_equal(logsource_intern((struct logsource){ { "", 0 },
	    { "", 0 }, { "", 0 } }), 0);
	assert_int_equal(logsource_at(0)->product.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_names_have_their_number_and_type),
		cmocka_unit_test(new_names_get_one_number_each),
		cmocka_unit_test(short_names_and_near_names_are_found),
		cmocka_unit_test(threads_agree_on_numbers),
		cmocka_unit_test(the_table_refuses_what_is_past_its_limit),
		cmocka_unit_test(log_sources_are_folded_and_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
