#include "engine/timeparse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/zone.h"

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

/* Local time, as if it were UTC, in the zone. */
static void
expect_utc(const struct zone *zone, const char *local, const char *wanted)
{
	int64_t ns;

	assert_true(time_parse_rfc3339(slice_cstr(local), &ns));
	expect(true, zone_to_utc(zone, ns / TIME_S_NS) * TIME_S_NS, local,
	    wanted);
}

static void
zones_know_their_summers(void **state)
{
	const struct zone *zone = zone_find(SLICE("Europe/Berlin"));
	int32_t offset_s;

	(void)state;
	if (zone == NULL)
		skip();
	failures = 0;
	expect_utc(zone, "2026-07-01T12:00:00Z", "2026-07-01T10:00:00.000Z");
	expect_utc(zone, "2026-12-01T12:00:00Z", "2026-12-01T11:00:00.000Z");
	/* Past the last transition of the file: the rule at its end. */
	expect_utc(zone, "2101-07-01T12:00:00Z", "2101-07-01T10:00:00.000Z");
	expect_utc(zone, "2101-01-01T12:00:00Z", "2101-01-01T11:00:00.000Z");
	/* Twice: the first. Skipped: on from before the gap. */
	expect_utc(zone, "2026-10-25T02:30:00Z", "2026-10-25T00:30:00.000Z");
	expect_utc(zone, "2026-03-29T02:30:00Z", "2026-03-29T01:30:00.000Z");
	assert_ptr_equal(zone_find(SLICE("Europe/Berlin")), zone);
	zone = zone_find(SLICE("Australia/Sydney"));
	expect_utc(zone, "2101-01-01T12:00:00Z", "2101-01-01T01:00:00.000Z");
	expect_utc(zone, "2101-07-01T12:00:00Z", "2101-07-01T02:00:00.000Z");
	assert_int_equal(failures, 0);
	/* The same letters, by the zone they are read in. */
	assert_true(zone_abbreviation(SLICE("IST"), zone_find(
	    SLICE("Asia/Kolkata")), &offset_s));
	assert_int_equal(offset_s, 19800);
	assert_true(zone_abbreviation(SLICE("IST"), zone_find(
	    SLICE("Asia/Jerusalem")), &offset_s));
	assert_int_equal(offset_s, 7200);
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
		cmocka_unit_test(zones_know_their_summers),
		cmocka_unit_test(zone_names_cannot_leave_their_folder),
		cmocka_unit_test(days_and_dates_are_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
