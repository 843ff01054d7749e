#include "parsers/cidrmap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
add(struct cidrmap *map, const char *network, uint64_t number)
{
	struct cidr cidr;

	assert_true(cidr_parse(slice_cstr(network), &cidr));
	*cidrmap_add(map, &cidr) = number;
}

/* The numbers of all networks that hold it, as decimal digits in order. */
static uint64_t
all(const struct cidrmap *map, const char *address)
{
	uint64_t number, digits = 0;
	uint8_t ip[16];
	size_t at = 0;

	assert_true(ip_parse(slice_cstr(address), ip));
	while (cidrmap_next(map, ip, &at, &number))
		digits = 10 * digits + number;
	return digits;
}

static void
longest_network_comes_first(void **state)
{
	struct cidrmap *map = cidrmap_new();

	(void)state;
	add(map, "10.0.0.0/8", 1);
	add(map, "10.1.2.3", 4);
	add(map, "10.1.0.0/16", 2);
	add(map, "10.1.2.0/25", 3);
	assert_int_equal(all(map, "10.1.2.3"), 4321);
	assert_int_equal(all(map, "10.1.2.200"), 21);
	assert_int_equal(all(map, "10.1.2.127"), 321);
	assert_int_equal(all(map, "11.0.0.1"), 0);
	cidrmap_free(map);
}

static void
networks_of_six_and_four_keep_apart(void **state)
{
	struct cidrmap *map = cidrmap_new();

	(void)state;
	add(map, "2001:db8::/33", 1);
	add(map, "::/0", 2);
	add(map, "0.0.0.0/0", 3);
	assert_int_equal(all(map, "2001:db8:7fff::1"), 12);
	assert_int_equal(all(map, "2001:db8:8000::1"), 2);
	assert_int_equal(all(map, "192.0.2.1"), 32);
	cidrmap_free(map);
}

static void
same_network_is_kept_once(void **state)
{
	struct cidrmap *map = cidrmap_new();

	(void)state;
	add(map, "10.1.2.3/8", 1);
	add(map, "10.0.0.0/8", 2);
	assert_int_equal(cidrmap_count(map), 1);
	assert_int_equal(all(map, "10.9.9.9"), 2);
	cidrmap_free(map);
}

static void
empty_map_holds_nothing(void **state)
{
	struct cidrmap *map = cidrmap_new();

	(void)state;
	assert_int_equal(all(map, "10.0.0.1"), 0);
	cidrmap_free(map);
	cidrmap_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_network_comes_first),
		cmocka_unit_test(networks_of_six_and_four_keep_apart),
		cmocka_unit_test(same_network_is_kept_once),
		cmocka_unit_test(empty_map_holds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
