/* Patterns that would run for ever end, are counted, and lose no line. */
#include "tests/unit/parsers/lane.h"

#include "engine/metric.h"

static const char text[] =
"name: evil\n"
"match: {program: evil}\n"
"decode: regex\n"
"patterns: ['^(?<who>(a+)+)$']\n"
"keys: {who: user.name}\n"
"---\n"
"name: second\n"
"match: {program: second}\n"
"decode: regex\n"
"patterns: ['^(?<who>(a+)+)$', '^a+ (?<what>b+)$']\n"
"keys: {what: event.action}\n"
"---\n"
"name: asking\n"
"match: {program: asking}\n"
"templates: ['say {what:rest}']\n"
"when:\n"
"  - if: {what: {regex: '^(a|aa)+$'}}\n"
"    set: {event.outcome: success}\n";

#define AS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int
begin(void **state)
{
	(void)state;
	lane_begin(text);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	lane_end();
	return 0;
}

static void
a_runaway_is_counted_and_the_line_unknown(void **state)
{
	uint64_t before = metric_get(METRIC_REGEX_LIMIT);
	const struct event *e = lane_line("Nov 20 10:00:00 h evil: " AS "b");

	(void)state;
	assert_string_equal(field(e, "yagura.parser"), "");
	assert_string_equal(field(e, "tags"), "unparsed");
	assert_string_equal(field(e, "host.name"), "h");
	assert_string_equal(field(e, "message"), AS "b");
	assert_int_equal(metric_get(METRIC_REGEX_LIMIT), before + 1);
	/* The next line is read as ever. */
	e = lane_line("Nov 20 10:00:00 h evil: aaa");
	assert_string_equal(field(e, "user.name"), "aaa");
	assert_int_equal(metric_get(METRIC_REGEX_LIMIT), before + 1);
	/* A line that just does not match is known in part. */
	e = lane_line("Nov 20 10:00:00 h evil: zzz");
	assert_string_equal(field(e, "tags"), "parse_partial");
}

static void
another_pattern_may_still_read_the_line(void **state)
{
	uint64_t before = metric_get(METRIC_REGEX_LIMIT);
	const struct event *e = lane_line("Nov 20 10:00:00 h second: " AS
	    " bb");

	(void)state;
	assert_string_equal(field(e, "yagura.parser"), "second");
	assert_string_equal(field(e, "event.action"), "bb");
	assert_int_equal(metric_get(METRIC_REGEX_LIMIT), before + 1);
}

static void
a_runaway_of_a_condition_is_counted(void **state)
{
	uint64_t before = metric_get(METRIC_REGEX_LIMIT);
	const struct event *e = lane_line("Nov 20 10:00:00 h asking: say " AS
	    AS "b");

	(void)state;
	assert_string_equal(field(e, "yagura.parser"), "asking");
	assert_string_equal(field(e, "event.outcome"), "");
	assert_int_equal(metric_get(METRIC_REGEX_LIMIT), before + 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_runaway_is_counted_and_the_line_unknown),
		TEST(another_pattern_may_still_read_the_line),
		TEST(a_runaway_of_a_condition_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
