#include "engine/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/strbuf.h"

static void
tells_utf8_from_other_bytes(void **state)
{
	static const struct { const char *text; bool valid; } cases[] = {
		{ "", true }, { "plain ascii of some length", true },
		{ "\xc3\xa9", true }, { "\xe3\x81\x82", true },
		{ "\xf0\x9f\x98\x80", true }, { "12345678\xc3\xa9", true },
		{ "\xc3", false }, { "\xa9", false }, { "\xc0\x80", false },
		{ "\xc1\xbf", false }, { "\xe0\x80\x80", false },
		{ "\xed\xa0\x80", false }, { "\xed\x9f\xbf", true },
		{ "\xf0\x80\x80\x80", false }, { "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false },
		{ "\xe3\x81", false }, { "\xe3\x81" "a", false },
		{ "12345678\xff", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (utf8_valid(slice_cstr(cases[i].text)) != cases[i].valid)
			fail_msg("case %zu", i);
}

static void
writes_what_it_reads(void **state)
{
	char out[UTF8_BYTES];
	uint32_t point;

	(void)state;
	for (uint32_t p = 0; p <= 0x10ffff; p += 13) {
		size_t n = utf8_put(out, p);

		assert_int_equal(utf8_next(slice_of(out, n), &point), n);
		if (p < 0xd800 || p >= 0xe000)
			assert_int_equal(point, p);
		else
			assert_int_equal(point, 0xfffd);
	}
}

static void
nothing_acts_on_the_terminal(void **state)
{
	struct strbuf buf = STRBUF_INIT;

	(void)state;
	utf8_safe_terminal(&buf, SLICE("a\x1b[31m\x07\r\n\tb\0\x7f"));
	assert_string_equal(buf.ptr,
	    "a\\x1b[31m\\x07\\x0d\\x0a\tb\\x00\\x7f");
	strbuf_clear(&buf);
	utf8_safe_terminal(&buf, SLICE("\xc2\x9b" "31m \xff \xe2\x80\xae "
	    "\xe6\x97\xa5"));
	assert_string_equal(buf.ptr,
	    "\\x9b31m \\xff \\u{202e} \xe6\x97\xa5");
	strbuf_fini(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_utf8_from_other_bytes),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(nothing_acts_on_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
