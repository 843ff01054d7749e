#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "engine/timeparse.h"
#include "parsers/timetext.h"

#define NOW "2026-11-21T00:00:00Z"

/* "time|bytes taken", "-" if there is none. */
static const char *
read_auto(const char *text)
{
	static char out[96];
	struct timetext t;
	char buf[TIME_TEXT_BYTES];
	int64_t now, ns;
	struct slice time;
	size_t n = timetext_read(slice_cstr(text), &t);

	assert_true(time_parse_rfc3339(SLICE(NOW), &now));
	if (n == 0 || !timetext_resolve(&t, now, NULL, &ns))
		return "-";
	time = time_format_rfc3339(ns, buf);
	snprintf(out, sizeof(out), "%.*s|%zu", (int)time.len, time.ptr, n);
	return out;
}

static void
reads_the_forms_that_devices_write(void **state)
{
	static const char *const rows[][2] = {
	{ "2026-11-20T10:00:00.5+09:00", "2026-11-20T01:00:00.500Z|27" },
	{ "2026/11/20 10:00:00", "2026-11-20T10:00:00.000Z|19" },
	{ "20/Nov/2026:10:00:00 +0900", "2026-11-20T01:00:00.000Z|26" },
	{ "20-Nov-2026 10:00:00.123", "2026-11-20T10:00:00.123Z|24" },
	{ "Fri, 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00.000Z|29" },
	{ "Nov 20, 2026 10:00:00 PM", "2026-11-20T22:00:00.000Z|24" },
	{ "Nov 20 2026 12:00:00 AM UTC", "2026-11-20T00:00:00.000Z|27" },
	{ "20.11.2026 10:00:00 x", "2026-11-20T10:00:00.000Z|19" },
	{ "20.11.2026, 10:00:00", "2026-11-20T10:00:00.000Z|20" },
	{ "5/6/2026 3:04:05 PM", "2026-05-06T15:04:05.000Z|19" },
	{ "20/11/2026 10:00:00", "2026-11-20T10:00:00.000Z|19" },
	{ "11/20/2026 10:00:00", "2026-11-20T10:00:00.000Z|19" },
	{ "20261120T100000Z", "2026-11-20T10:00:00.000Z|16" },
	{ "20261120T100000.25+0900", "2026-11-20T01:00:00.250Z|23" },
	{ "@400000006918e8fa075bca00", "2025-11-15T20:56:16.123456Z|25" },
	{ "1763600000", "2025-11-20T00:53:20.000Z|10" },
	{ "1763600000123", "2025-11-20T00:53:20.123Z|13" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(read_auto(rows[i][0]), rows[i][1]);
}

/* Day or month: without a hint it is not for us to say. */
static void
leaves_what_could_be_two_times(void **state)
{
	static const char *const texts[] = { "", "5/6/2026 10:00:00",
	    "31.31.2026 10:00:00", "13/20/2026 1:00:00 AM", "20261120T10000Z",
	    "@400000006918e8fa075bca0", "@400000006918e8fa3b9aca00",
	    "@4000000000000000075bca00", "@4fffffffffffffff00000000",
	    "Nov 20, 2026", "10.1.2.3 10:00:00" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(read_auto(texts[i]), "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_forms_that_devices_write),
		cmocka_unit_test(leaves_what_could_be_two_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
