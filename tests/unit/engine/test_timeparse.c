#include "engine/timeparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/err.h"
#include "engine/zone.h"

/* 2026-11-21T10:00:00Z */
#define NOW INT64_C(1795255200000000000)

static const struct time_hint utc = { NOW, NULL };

static int failures;

static void
expect(bool read, int64_t time_ns, const char *text, const char *wanted)
{
	char buf[TIME_TEXT_BYTES];
	struct slice got = read ? time_format_rfc3339(time_ns, buf) :
	    SLICE("none");

	if (slice_eq(got, slice_cstr(wanted)))
		return;
	print_error("%s: got %.*s, wanted %s\n", text, (int)got.len, got.ptr,
	    wanted);
	failures++;
}

static void
expect_parsed(const char *text, const struct time_hint *hint, const char *wanted)
{
	int64_t ns = 0;
	bool read = time_parse(slice_cstr(text), hint, &ns);

	expect(read, ns, text, wanted);
}

static void
expect_pattern(const char *format, const char *text, const char *wanted)
{
	struct err err;
	struct timefmt *fmt = timefmt_compile(slice_cstr(format), &err);
	int64_t ns = 0;
	bool read;

	assert_non_null(fmt);
	read = timefmt_read(fmt, slice_cstr(text), &utc, &ns);
	expect(read, ns, text, wanted);
	timefmt_free(fmt);
}

static void
reads_rfc3339_strictly(void **state)
{
	static const struct { const char *text, *wanted; } cases[] = {
		{ "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000Z" },
		{ "2026-11-21t10:00:00z", "2026-11-21T10:00:00.000Z" },
		{ "2026-11-21 10:00:00+09:00", "2026-11-21T01:00:00.000Z" },
		{ "2026-11-21T10:00:00.1-0130", "2026-11-21T11:30:00.100Z" },
		{ "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z" },
		{ "1970-01-01T00:00:00+01:00", "none" },
		{ "2262-01-01T00:00:00Z", "none" },
		{ "2026-02-29T00:00:00Z", "none" },
		{ "2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z" },
		{ "2026-11-21T23:59:60Z", "2026-11-22T00:00:00.000Z" },
		{ "2026-11-21T24:00:00Z", "none" },
		{ "2026-11-21T10:00:00", "none" },
		{ "2026-11-21T10:00:00.Z", "none" },
		{ "2026-11-21T10:00:00Z ", "none" },
		{ "2026-11-21T10:00:00.123456789123Z",
		  "2026-11-21T10:00:00.123456789Z" },
		{ "", "none" }, { "2026", "none" },
	};
	int64_t ns = 0;

	(void)state;
	failures = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool read = time_parse_rfc3339(slice_cstr(cases[i].text), &ns);

		expect(read, ns, cases[i].text, cases[i].wanted);
	}
	assert_int_equal(failures, 0);
}

static void
reads_what_devices_write(void **state)
{
	static const struct { const char *text, *wanted; } cases[] = {
		{ "2026-11-21 10:00:00", "2026-11-21T10:00:00.000Z" },
		{ "2026-11-21T10:00:00,123", "2026-11-21T10:00:00.123Z" },
		{ "2026/11/21 10:00:00", "2026-11-21T10:00:00.000Z" },
		{ "2026/11/21:10:00:00", "2026-11-21T10:00:00.000Z" },
		{ "2026/1/5 9:05:01", "2026-01-05T09:05:01.000Z" },
		{ "2026-11-21 10:00:00 +0900", "2026-11-21T01:00:00.000Z" },
		{ "2026-11-21 10:00:00 JST", "2026-11-21T01:00:00.000Z" },
		{ "2026-11-21_10:00:00", "2026-11-21T10:00:00.000Z" },
		{ "20261121T100000Z", "2026-11-21T10:00:00.000Z" },
		{ "20261121100000", "2026-11-21T10:00:00.000Z" },
		{ "Nov 21 10:00:00", "2026-11-21T10:00:00.000Z" },
		{ "Nov  1 10:00:00", "2026-11-01T10:00:00.000Z" },
		{ "nov 01 10:00:00.5", "2026-11-01T10:00:00.500Z" },
		{ "Nov 21 2025 10:00:00", "2025-11-21T10:00:00.000Z" },
		{ "Nov 21 10:00:00 2025", "2025-11-21T10:00:00.000Z" },
		{ "*Nov 21 10:00:00.311 CDT", "2026-11-21T15:00:00.311Z" },
		{ "Sat Nov 21 10:00:00 2026", "2026-11-21T10:00:00.000Z" },
		{ "Sat Nov 21 10:00:00 CET 2026", "2026-11-21T09:00:00.000Z" },
		{ "Sat, 21 Nov 2026 10:00:00 GMT", "2026-11-21T10:00:00.000Z" },
		{ "21/Nov/2026:10:00:00 +0900", "2026-11-21T01:00:00.000Z" },
		{ "21-Nov-2026 10:00:00.123", "2026-11-21T10:00:00.123Z" },
		{ "1795255200", "2026-11-21T10:00:00.000Z" },
		{ "1795255200.25", "2026-11-21T10:00:00.250Z" },
		{ "1795255200123", "2026-11-21T10:00:00.123Z" },
		{ "1795255200123456", "2026-11-21T10:00:00.123456Z" },
		{ "1795255200123456789", "2026-11-21T10:00:00.123456789Z" },
		{ " 1795255200 ", "2026-11-21T10:00:00.000Z" },
		{ "9214646399", "2261-12-31T23:59:59.000Z" },
		{ "9214646400", "none" }, { "9214646400000", "none" },
		{ "9999999999", "none" }, { "12345", "none" },
		{ "99999999999999999999", "none" },
		{ "Nov 31 10:00:00", "none" }, { "Nov 21", "none" },
		{ "Nov 21 25:00:00", "none" }, { "Nov2110:00:00", "none" },
		{ "Novice 21 10:00:00", "none" }, { "", "none" },
		{ "2026-13-01 00:00:00", "none" },
		{ "2026-11-21 10:00:00 and more", "none" },
	};

	(void)state;
	failures = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_parsed(cases[i].text, &utc, cases[i].wanted);
	assert_int_equal(failures, 0);
}

static void
a_head_leaves_the_rest(void **state)
{
	static const struct { const char *text; size_t taken; } cases[] = {
		{ "Nov 21 10:00:00 host sshd: x", 15 },
		{ "Nov 21 10:00:00 2026 host", 20 },
		{ "Nov 21 10:00:00.123 host", 19 },
		{ "Nov 21 10:00:00 EST host", 15 },
		{ "Nov 21 10:00:00 EST: host", 19 },
		{ "2026-11-21T10:00:00+09:00 host", 25 },
		{ "2026-11-21 10:00:00 host", 19 },
		{ "2026-11-21 10:00:00,5 host", 21 },
		{ "Now 21 10:00:00 host", 0 },
	};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(time_take_any(slice_cstr(cases[i].text),
		    &utc, &ns), cases[i].taken);
}

static void
a_date_without_year_is_near_its_arrival(void **state)
{
	struct time_hint january = { 0, NULL }, leap = { 0, NULL };

	(void)state;
	failures = 0;
	assert_true(time_parse_rfc3339(SLICE("2027-01-01T00:10:00Z"),
	    &january.arrival_ns));
	expect_parsed("Dec 31 23:59:00", &january, "2026-12-31T23:59:00.000Z");
	expect_parsed("Jan  1 00:09:00", &january, "2027-01-01T00:09:00.000Z");
	expect_parsed("Jan  1 00:09:00", &utc, "2027-01-01T00:09:00.000Z");
	assert_true(time_parse_rfc3339(SLICE("2027-12-01T00:00:00Z"),
	    &leap.arrival_ns));
	expect_parsed("Feb 29 12:00:00", &leap, "2028-02-29T12:00:00.000Z");
	expect_parsed("Feb 29 12:00:00", &utc, "none");
	assert_int_equal(failures, 0);
}

static void
zones_know_their_summers(void **state)
{
	const struct zone *berlin = zone_find(SLICE("Europe/Berlin"));
	struct time_hint hint = { NOW, berlin };

	(void)state;
	if (berlin == NULL)
		skip();
	failures = 0;
	expect_parsed("2026-07-01 12:00:00", &hint, "2026-07-01T10:00:00.000Z");
	expect_parsed("2026-12-01 12:00:00", &hint, "2026-12-01T11:00:00.000Z");
	/* Past the last transition of the file: the rule at its end. */
	expect_parsed("2101-07-01 12:00:00", &hint, "2101-07-01T10:00:00.000Z");
	expect_parsed("2101-01-01 12:00:00", &hint, "2101-01-01T11:00:00.000Z");
	/* Twice: the first. Skipped: on from before the gap. */
	expect_parsed("2026-10-25 02:30:00", &hint, "2026-10-25T00:30:00.000Z");
	expect_parsed("2026-03-29 02:30:00", &hint, "2026-03-29T01:30:00.000Z");
	assert_ptr_equal(zone_find(SLICE("Europe/Berlin")), berlin);
	hint.zone = zone_find(SLICE("Australia/Sydney"));
	expect_parsed("2101-01-01 12:00:00", &hint, "2101-01-01T01:00:00.000Z");
	expect_parsed("2101-07-01 12:00:00", &hint, "2101-07-01T02:00:00.000Z");
	hint.zone = zone_find(SLICE("Asia/Kolkata"));
	expect_parsed("2026-01-01 12:00:00 IST", &hint,
	    "2026-01-01T06:30:00.000Z");
	hint.zone = zone_find(SLICE("Asia/Jerusalem"));
	expect_parsed("2026-01-01 12:00:00 IST", &hint,
	    "2026-01-01T10:00:00.000Z");
	assert_int_equal(failures, 0);
}

static void
zone_names_cannot_leave_their_folder(void **state)
{
	(void)state;
	assert_null(zone_find(SLICE("../../../etc/passwd")));
	assert_null(zone_find(SLICE("/etc/localtime")));
	assert_null(zone_find(SLICE("Nowhere/City")));
	assert_null(zone_find(SLICE("zone.tab")));
	assert_non_null(zone_find(SLICE("+09:00")));
	assert_non_null(zone_find(SLICE("-0330")));
	assert_int_equal(zone_offset_at(zone_find(SLICE("-0330")), 0), -12600);
	assert_null(zone_find(SLICE("+25:00")));
}

static void
patterns_read_what_they_say(void **state)
{
	(void)state;
	failures = 0;
	expect_pattern("%Y-%m-%d %H:%M:%S.%f", "2026-11-21 10:00:00.5",
	    "2026-11-21T10:00:00.500Z");
	expect_pattern("%d/%b/%Y:%T %z", "21/Nov/2026:10:00:00 -0500",
	    "2026-11-21T15:00:00.000Z");
	expect_pattern("%m/%d/%y %I:%M:%S %p", "11/21/26 12:00:01 AM",
	    "2026-11-21T00:00:01.000Z");
	expect_pattern("%m/%d/%y %I:%M:%S %p", "11/21/26 01:00:01 PM",
	    "2026-11-21T13:00:01.000Z");
	expect_pattern("%A, %d %B %Y %R %Z", "Saturday, 21 November 2026 "
	    "10:00 CEST", "2026-11-21T08:00:00.000Z");
	expect_pattern("%Y %j %T", "2026 325 10:00:00",
	    "2026-11-21T10:00:00.000Z");
	expect_pattern("%s.%f", "1795255200.125", "2026-11-21T10:00:00.125Z");
	expect_pattern("%b %e %T", "Nov  1 10:00:00",
	    "2026-11-01T10:00:00.000Z");
	expect_pattern("%F  %T", "2026-11-21     10:00:00",
	    "2026-11-21T10:00:00.000Z");
	expect_pattern("100%% %F %T", "100% 2026-11-21 10:00:00",
	    "2026-11-21T10:00:00.000Z");
	expect_pattern("epoch", "1795255200", "2026-11-21T10:00:00.000Z");
	expect_pattern("auto", "Nov 21 10:00:00", "2026-11-21T10:00:00.000Z");
	expect_pattern("%F %T", "2026-11-21 10:00:00 tail", "none");
	expect_pattern("%I:%M:%S %p %F", "13:00:00 PM 2026-11-21", "none");
	assert_null(timefmt_compile(SLICE("%Q"), NULL));
	assert_null(timefmt_compile(SLICE("abc%"), NULL));
	assert_null(timefmt_compile(SLICE(""), NULL));
	assert_int_equal(failures, 0);
}

static void
days_and_dates_are_inverse(void **state)
{
	int64_t year;
	unsigned month, day;

	(void)state;
	assert_int_equal(time_days(1970, 1, 1), 0);
	assert_int_equal(time_days(2000, 3, 1), 11017);
	for (int64_t d = -200000; d < 200000; d += 17) {
		time_date(d, &year, &month, &day);
		assert_int_equal(time_days(year, month, day), d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rfc3339_strictly),
		cmocka_unit_test(reads_what_devices_write),
		cmocka_unit_test(a_head_leaves_the_rest),
		cmocka_unit_test(a_date_without_year_is_near_its_arrival),
		cmocka_unit_test(zones_know_their_summers),
		cmocka_unit_test(zone_names_cannot_leave_their_folder),
		cmocka_unit_test(patterns_read_what_they_say),
		cmocka_unit_test(days_and_dates_are_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
