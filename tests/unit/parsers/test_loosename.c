#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/map.h"
#include "parsers/loosename.h"

static struct map *map;

static int
found(const char *name)
{
	unsigned slot;

	return loosename_find(map, slice_cstr(name), &slot) ? (int)slot : -1;
}

static void
knows_a_key_in_many_spellings_and_at_the_end_of_names(void **state)
{
	static const char *const spellings[] = { "srcip", "src_ip", "SrcIP",
	    "src-ip", "src ip", "src.ip", "data.srcIp", "a.b.src.ip",
	    "entries[].src_ip" };

	(void)state;
	map = map_new();
	loosename_add(map, SLICE("srcip"), 7, true);
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		assert_int_equal(found(spellings[i]), 7);
	assert_int_equal(found("xsrcip"), -1);
	assert_int_equal(found("srcip.x"), -1);
	assert_int_equal(found(""), -1);
	assert_int_equal(found("..."), -1);
	map_free(map);
}

static void
takes_the_longest_end_and_whole_names_only_where_told(void **state)
{
	char name[LOOSENAME_BYTES + 2], buf[LOOSENAME_BYTES];

	(void)state;
	map = map_new();
	loosename_add(map, SLICE("ip"), 1, true);
	loosename_add(map, SLICE("client_ip"), 2, true);
	loosename_add(map, SLICE("clientip"), 3, true);
	loosename_add(map, SLICE("time"), 4, false);
	loosename_add(map, SLICE("-"), 5, true);
	assert_int_equal(found("a.client.ip"), 2);
	assert_int_equal(found("a.server.ip"), 1);
	assert_int_equal(found("Time"), 4);
	assert_int_equal(found("a.time"), -1);
	memset(name, 'a', sizeof(name));
	assert_int_equal(loosename(slice_of(name, sizeof(name)), buf).len, 0);
	memcpy(name + sizeof(name) - 3, ".ip", 3);
	{
		unsigned slot;

		assert_true(loosename_find(map, slice_of(name, sizeof(name)),
		    &slot));
		assert_int_equal(slot, 1);
	}
	map_free(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    knows_a_key_in_many_spellings_and_at_the_end_of_names),
		cmocka_unit_test(
		    takes_the_longest_end_and_whole_names_only_where_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
