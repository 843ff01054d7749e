#include "tests/unit/storage/asking.h"

static const char *const lines[] = {
	"user.name=alice source.port=1 source.bytes=100|a",
	"user.name=bob source.port=2 source.bytes=50|b",
	"user.name=alice source.port=3 source.bytes=7|c",
	"source.port=2|d",
	"user.name=carol,bob source.port=2|e",
};

static const char *
ask(const char *query)
{
	return ask_lines(query, lines, sizeof(lines) / sizeof(lines[0]));
}

static void
counts_rows(void **state)
{
	(void)state;
	assert_string_equal(ask("* | stats count"), "5\n");
	assert_string_equal(ask("zzz | stats count"), "0\n");
	assert_string_equal(ask("zzz | stats count by user.name"), "");
	assert_string_equal(ask("* | stats count() as n, count(user) as u"),
	    "5 5\n");
}

static void
counts_each_member_and_drops_rows_without_the_field(void **state)
{
	(void)state;
	assert_string_equal(ask("* | stats count by user.name"),
	    "\"alice\" 2\n\"bob\" 2\n\"carol\" 1\n");
	assert_string_equal(ask("* | stats count by user, sport"),
	    "\"alice\" 1 1\n\"alice\" 3 1\n\"bob\" 2 2\n\"carol\" 2 1\n");
}

static void
adds_up_and_compares(void **state)
{
	(void)state;
	assert_string_equal(ask("* | stats sum(sbytes), avg(sbytes), "
	    "min(sbytes), max(sbytes), dcount(user), dcount(sport)"),
	    "157 52.333333333333336 7 100 3 3\n");
	assert_string_equal(ask("zzz | stats sum(sbytes), avg(sbytes), "
	    "min(sbytes), dcount(user)"), "0 - - 0\n");
	assert_string_equal(ask("* | stats values(user) as v by sport"),
	    "1 [\"alice\"]\n2 [\"bob\",\"carol\"]\n3 [\"alice\"]\n");
	assert_string_equal(ask("* | stats min(@timestamp)"),
	    "\"2026-11-21T10:00:00.000Z\"\n");
}

static void
shows_the_most_and_the_least_frequent(void **state)
{
	(void)state;
	assert_string_equal(ask("* | top 1 sport"), "2 3\n");
	assert_string_equal(ask("* | top sport"), "2 3\n1 1\n3 1\n");
	assert_string_equal(ask("* | rare 2 user.name"),
	    "\"carol\" 1\n\"alice\" 2\n");
	assert_string_equal(ask("* | top 1 sport by user"),
	    "\"alice\" 1 1\n\"bob\" 2 2\n\"carol\" 2 1\n");
}

static void
sorts_and_cuts(void **state)
{
	(void)state;
	assert_string_equal(ask("* | sort -sport"), "c\nb\nd\ne\na\n");
	assert_string_equal(ask("* | sort -sport | head 2"), "c\nb\n");
	assert_string_equal(ask("* | sort sbytes, sport | head 3"),
	    "c\nb\na\n");
	assert_string_equal(ask("* | sort sbytes"), "c\nb\na\nd\ne\n");
	assert_string_equal(ask("* | head 2"), "a\nb\n");
	assert_string_equal(ask("* | tail 2"), "d\ne\n");
	assert_string_equal(ask("* | stats count by user | sort -count, user"
	    " | head 1"), "\"alice\" 2\n");
}

static void
chooses_and_renames_columns(void **state)
{
	(void)state;
	assert_string_equal(ask("alice OR a | fields user, sport"),
	    "\"alice\" 1\n");
	assert_string_equal(ask("d | fields user, sport"), "- 2\n");
	assert_string_equal(ask("* | stats count | rename count as n "
	    "| where n > 3"), "5\n");
	assert_string_equal(ask("a | rename sport as p | fields p"), "1\n");
}

static void
keeps_what_a_condition_lets_through(void **state)
{
	(void)state;
	assert_string_equal(ask("* | stats count by user | where count > 1"),
	    "\"alice\" 2\n\"bob\" 2\n");
	assert_string_equal(ask("* | stats count by user "
	    "| where count:<2 OR user:b*"), "\"bob\" 2\n\"carol\" 1\n");
	assert_string_equal(ask("* | where source.port = 2 | stats count"),
	    "3\n");
	assert_string_equal(ask("* | where sport != 2"), "a\nc\n");
	assert_string_equal(ask("* | where -user:alice b"), "b\n");
	assert_string_equal(ask("* | stats sum(sbytes) by user "
	    "| where sum(source.bytes) >= 50"),
	    "\"alice\" 107\n\"bob\" 50\n");
}

static void
shows_each_combination_once(void **state)
{
	(void)state;
	assert_string_equal(ask("* | dedup sport"), "a\nb\nc\n");
	assert_string_equal(ask("* | uniq sport"), "1\n2\n3\n");
	assert_string_equal(ask("* | fields sport | uniq"), "1\n2\n3\n");
}

static void
counts_by_spans_of_time(void **state)
{
	(void)state;
	assert_string_equal(ask("sport:(1 OR 2) | timechart span=2s count"),
	    "\"2026-11-21T10:00:00.000Z\" 2\n"
	    "\"2026-11-21T10:00:02.000Z\" 1\n"
	    "\"2026-11-21T10:00:04.000Z\" 1\n");
	assert_string_equal(ask("sport:1 OR e | timechart 2s count"),
	    "\"2026-11-21T10:00:00.000Z\" 1\n"
	    "\"2026-11-21T10:00:02.000Z\" 0\n"
	    "\"2026-11-21T10:00:04.000Z\" 1\n");
	assert_string_equal(ask("* | timechart 1h count by sport"),
	    "\"2026-11-21T10:00:00.000Z\" 1 1\n"
	    "\"2026-11-21T10:00:00.000Z\" 2 3\n"
	    "\"2026-11-21T10:00:00.000Z\" 3 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_rows),
		cmocka_unit_test(
		    counts_each_member_and_drops_rows_without_the_field),
		cmocka_unit_test(adds_up_and_compares),
		cmocka_unit_test(shows_the_most_and_the_least_frequent),
		cmocka_unit_test(sorts_and_cuts),
		cmocka_unit_test(chooses_and_renames_columns),
		cmocka_unit_test(keeps_what_a_condition_lets_through),
		cmocka_unit_test(shows_each_combination_once),
		cmocka_unit_test(counts_by_spans_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
