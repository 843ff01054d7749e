#include "parsers/mmdb_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One node of 24-bit records; the left points at the map { "a": 1.0 }, the
 * right at nothing. */
#define NODE "\0\0\x11" "\0\0\x01"
#define SEPARATOR "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define DATA "\xe1\x41" "a" "\x68\x3f\xf0\0\0\0\0\0\0"
#define MARKER "\xab\xcd\xefMaxMind.com"
#define META(count) "\xe5" \
	"\x4a" "node_count" "\xc1" count \
	"\x4b" "record_size" "\xa1\x18" \
	"\x4a" "ip_version" "\xa1\x04" \
	"\x5b" "binary_format_major_version" "\xa1\x02" \
	"\x4d" "database_type" "\x44" "City"

#define CHECK(bytes) mmdb_check(slice_of(bytes, sizeof(bytes) - 1))

static void
small_sound_file_is_taken(void **state)
{
	(void)state;
	assert_null(CHECK(NODE SEPARATOR DATA MARKER META("\x01")));
}

static void
every_shorter_file_is_refused(void **state)
{
	static const char bytes[] = NODE SEPARATOR DATA MARKER META("\x01");

	(void)state;
	for (size_t n = 0; n < sizeof(bytes) - 1; n++)
		assert_non_null(mmdb_check(slice_of(bytes, n)));
}

static void
more_nodes_than_bytes_are_refused(void **state)
{
	(void)state;
	assert_non_null(CHECK(NODE SEPARATOR DATA MARKER META("\xff")));
}

static void
record_into_the_separator_is_refused(void **state)
{
	(void)state;
	assert_non_null(CHECK("\0\0\x02" "\0\0\x01" SEPARATOR DATA MARKER
	    META("\x01")));
}

static void
record_behind_the_data_is_refused(void **state)
{
	(void)state;
	assert_non_null(CHECK("\0\0\x7f" "\0\0\x01" SEPARATOR DATA MARKER
	    META("\x01")));
}

static void
double_of_four_bytes_is_refused(void **state)
{
	(void)state;
	assert_non_null(CHECK(NODE SEPARATOR "\xe1\x41" "a" "\x64\x3f\xf0\0\0"
	    MARKER META("\x01")));
}

static void
map_that_holds_itself_is_refused(void **state)
{
	(void)state;
	assert_non_null(CHECK(NODE SEPARATOR "\xe2\x41" "a" "\x20\0\x41" "b"
	    "\x20\0" MARKER META("\x01")));
}

static void
maps_deeper_than_real_ones_are_refused(void **state)
{
	char bytes[256];
	size_t n = 0;

	(void)state;
#define PUT(text) memcpy(bytes + n, text, sizeof(text) - 1); \
	n += sizeof(text) - 1
	PUT(NODE SEPARATOR);
	for (int i = 0; i < 20; i++) {
		PUT("\xe1\x41" "a");
	}
	PUT("\x41" "z" MARKER META("\x01"));
	assert_non_null(mmdb_check(slice_of(bytes, n)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_sound_file_is_taken),
		cmocka_unit_test(every_shorter_file_is_refused),
		cmocka_unit_test(more_nodes_than_bytes_are_refused),
		cmocka_unit_test(record_into_the_separator_is_refused),
		cmocka_unit_test(record_behind_the_data_is_refused),
		cmocka_unit_test(double_of_four_bytes_is_refused),
		cmocka_unit_test(map_that_holds_itself_is_refused),
		cmocka_unit_test(maps_deeper_than_real_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
