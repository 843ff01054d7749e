#include "engine/ip.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void
agrees_with_the_system(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "192.0.2.1",
		"255.255.255.255", "::", "::1", "1::", "2001:db8::1",
		"2001:DB8:0:0:1:0:0:1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
		"1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "fe80::", "1::8",
		"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "0:0:0:1::",
		"1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04",
		"1.2.3.4 ", " 1.2.3.4", "1..3.4", "", ":", ":::", "1:::2",
		"1::2::3", "12345::", "g::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3", "1.2.3.4::", "fe80::1%eth0", "1:", ":1", "1::2:",
		"::ffff:1.2.3.4.5", "::00001" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint8_t got[16], wanted[16] = { [10] = 0xff, [11] = 0xff };
		bool valid = inet_pton(AF_INET, texts[i], wanted + 12) == 1 ||
		    inet_pton(AF_INET6, texts[i], wanted) == 1;

		if (ip_parse(slice_cstr(texts[i]), got) != valid)
			fail_msg("%s", texts[i]);
		if (valid)
			assert_memory_equal(got, wanted, 16);
	}
}

static void
writes_what_it_reads(void **state)
{
	static const char *const texts[] = { "192.0.2.1", "::", "::1",
		"2001:db8::1", "2001:db8:0:1::", "1:0:0:2::3",
		"1:2:3:4:5:6:7:8", "1:0:2:0:3:0:4:0",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	char buf[IP_TEXT_BYTES];
	uint8_t ip[16];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(ip_parse(slice_cstr(texts[i]), ip));
		if (!slice_eq(ip_format(ip, buf), slice_cstr(texts[i])))
			fail_msg("%s became %s", texts[i], buf);
	}
}

static bool
holds(const char *net, const char *address)
{
	struct cidr cidr;
	uint8_t ip[16];

	assert_true(cidr_parse(slice_cstr(net), &cidr));
	assert_true(ip_parse(slice_cstr(address), ip));
	return cidr_holds(&cidr, ip);
}

static void
a_net_holds_its_addresses(void **state)
{
	struct cidr cidr;

	(void)state;
	assert_true(holds("10.0.0.0/8", "10.255.255.255"));
	assert_false(holds("10.0.0.0/8", "11.0.0.0"));
	assert_true(holds("10.1.2.3/8", "10.0.0.0"));
	assert_true(holds("192.0.2.128/25", "192.0.2.129"));
	assert_false(holds("192.0.2.128/25", "192.0.2.1"));
	assert_true(holds("0.0.0.0/0", "1.2.3.4"));
	assert_false(holds("0.0.0.0/0", "::1"));
	assert_true(holds("::/0", "::1"));
	assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(holds("192.0.2.1", "192.0.2.1"));
	assert_false(cidr_parse(SLICE("10.0.0.0/33"), &cidr));
	assert_false(cidr_parse(SLICE("10.0.0.0/"), &cidr));
	assert_false(cidr_parse(SLICE("10.0.0/8"), &cidr));
	assert_false(cidr_parse(SLICE("::/129"), &cidr));
	assert_false(cidr_parse(SLICE("/8"), &cidr));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_system),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(a_net_holds_its_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
