#include "tests/unit/storage/asking.h"

static const char *const lines[] = {
	"user.name=alice source.ip=10.0.0.1 source.port=443"
	    "|Accepted password for Alice from 10.0.0.1 port 443",
	"user.name=bob source.ip=192.168.1.9 source.port=80"
	    "|Failed password for bob from 192.168.1.9 port 80",
	"user.name=svc_backup source.ip=2001:db8::5 source.port=8443"
	    "|failed_login svc_backup C:\\Windows\\System32\\cmd.exe",
	"event.action=deny,drop source.ip=10.9.9.9|deny (drop) 50% \"quoted\"",
	"message=x|nothing at all",
};

#define N (sizeof(lines) / sizeof(lines[0]))

/* Which of the lines hold, as digits. */
static const char *
which(const char *query)
{
	static char digits[N + 1];
	const char *out = ask_lines(query, lines, N);
	size_t n = 0;

	if (out[0] >= '0' && out[0] <= '9')	/* refused */
		return out;
	for (size_t i = 0; i < N; i++) {
		const char *raw = strchr(lines[i], '|') + 1;

		if (strstr(out, raw) != NULL)
			digits[n++] = (char)('0' + i);
	}
	digits[n] = '\0';
	return digits;
}

static void
finds_words_whole_and_without_case(void **state)
{
	(void)state;
	assert_string_equal(which("failed"), "1");
	assert_string_equal(which("ALICE"), "0");
	assert_string_equal(which("passwor"), "");
	assert_string_equal(which("10.0.0.1"), "0");
	assert_string_equal(which("0.0.1"), "0");
	assert_string_equal(which("fail*"), "12");
	assert_string_equal(which("*login"), "2");
	assert_string_equal(which("p?rt"), "01");
	assert_string_equal(which("\\(drop\\)"), "3");
	assert_string_equal(which("50%"), "3");
}

static void
finds_quoted_text_anywhere(void **state)
{
	(void)state;
	assert_string_equal(which("\"passwor\""), "01");
	assert_string_equal(which("\"FOR bob\""), "1");
	assert_string_equal(which("\"\\\"quoted\\\"\""), "3");
	assert_string_equal(which("\"C:\\Windows\""), "2");
	assert_string_equal(which("\"p?rt\""), "");
}

static void
compares_fields(void **state)
{
	(void)state;
	assert_string_equal(which("user.name:ALICE"), "0");
	assert_string_equal(which("user:svc_*"), "2");
	assert_string_equal(which("user.name:*"), "012");
	assert_string_equal(which("-user.name:*"), "34");
	assert_string_equal(which("user.name:/^[ab]/"), "01");
	assert_string_equal(which("user.name:(alice OR bob)"), "01");
	assert_string_equal(which("user.name:(NOT alice AND NOT bob)"), "234");
	assert_string_equal(which("event.action:drop"), "3");
	assert_string_equal(which("user.name:\"svc_*\""), "");
}

static void
compares_addresses_and_numbers(void **state)
{
	(void)state;
	assert_string_equal(which("src:10.0.0.0/8"), "03");
	assert_string_equal(which("src:10.0.0.1"), "0");
	assert_string_equal(which("src:2001:DB8:0::5"), "2");
	assert_string_equal(which("src:2001:db8::/32"), "2");
	assert_string_equal(which("src:192.*"), "1");
	assert_string_equal(which("sport:443"), "0");
	assert_string_equal(which("sport:>443"), "2");
	assert_string_equal(which("sport:>=443"), "02");
	assert_string_equal(which("sport:<443"), "1");
	assert_string_equal(which("sport:(80 OR >8000)"), "12");
}

static void
joins_conditions(void **state)
{
	(void)state;
	assert_string_equal(which("password alice"), "0");
	assert_string_equal(which("password AND alice"), "0");
	assert_string_equal(which("alice OR bob"), "01");
	assert_string_equal(which("password -alice"), "1");
	assert_string_equal(which("password NOT alice"), "1");
	assert_string_equal(which("alice OR bob port"), "01");
	assert_string_equal(which("(alice OR bob) 80"), "1");
	assert_string_equal(which("NOT (password OR deny)"), "24");
	assert_string_equal(which("*"), "01234");
	assert_string_equal(which(""), "01234");
	assert_string_equal(which("-*"), "");
	assert_string_equal(which("and"), "");
}

static void
compares_times(void **state)
{
	(void)state;
	assert_string_equal(which("@timestamp:2026-11-21"), "01234");
	assert_string_equal(which("@timestamp:>2026-11-21"), "");
	assert_string_equal(which("time:>=\"2026-11-21T10:00:02Z\""), "234");
	assert_string_equal(which("time:<\"2026-11-21T10:00:02Z\""), "01");
	assert_string_equal(which("time:>-1h"), "01234");
}

static void
leaves_alerts_out_unless_they_are_named(void **state)
{
	static const char *const both[] = {
		"event.module=yagura event.dataset=yagura.alert|an alert",
		"event.module=sshd|a line",
	};

	(void)state;
	assert_string_equal(ask_lines("*", both, 2), "a line\n");
	assert_string_equal(ask_lines("event.module:*", both, 2),
	    "an alert\na line\n");
	assert_string_equal(ask_lines("event.dataset:yagura.alert", both, 2),
	    "an alert\n");
	assert_string_equal(ask_lines("* | stats count", both, 2), "1\n");
}

static void
points_at_mistakes(void **state)
{
	(void)state;
	assert_string_equal(which("sorce.ip:1"),
	    "0+8: unknown field \"sorce.ip\"");
	assert_string_equal(which("a (b"),
	    "2+1: this parenthesis is never closed");
	assert_string_equal(which("a b)"),
	    "3+1: this parenthesis was never opened");
	assert_string_equal(which("a OR"), "4+0: a condition belongs here");
	assert_string_equal(which("a \"b"),
	    "2+1: this quote is never closed");
	assert_string_equal(which("user.name:"),
	    "0+10: a value belongs here");
	assert_string_equal(which("sport:http"),
	    "6+4: source.port holds numbers; \"http\" is none");
	assert_string_equal(which("src:host"),
	    "4+4: source.ip holds addresses; \"host\" is none");
	assert_string_equal(which("user.name:(a b)"),
	    "13+1: OR or AND belongs between values");
	assert_string_equal(which("\"\""), "0+2: this text is empty");
	assert_string_equal(which("* | stat count"),
	    "4+4: unknown operator \"stat\"");
	assert_string_equal(which("* | stats count | where bytes > 1"),
	    "24+5: there is no column \"bytes\" here");
	assert_string_equal(which("* | lookup tor src"),
	    "11+3: there are no lists here");
}

static void
reads_times_of_the_command_line(void **state)
{
	int64_t from, to;
	int64_t hour = INT64_C(3600000000000);

	(void)state;
	assert_true(query_time(SLICE("-24h"), T0, &from, &to));
	assert_true(from == T0 - 24 * hour && to == from);
	assert_true(query_time(SLICE("2026-11-21"), T0, &from, &to));
	assert_true(from == T0 - 10 * hour && to == from + 24 * hour - 1);
	assert_true(query_time(SLICE("2026-02"), T0, &from, &to));
	assert_true(to - from == 28 * 24 * hour - 1);
	assert_true(query_time(SLICE("2028"), T0, &from, &to));
	assert_true(to - from == 366 * 24 * hour - 1);
	assert_true(query_time(SLICE("2026-11-21T10:00:00Z"), 0, &from, &to));
	assert_true(from == T0);
	assert_true(query_time(SLICE("2026-11-21T19:00:00+09:00"), 0, &from,
	    &to));
	assert_true(from == T0);
	assert_true(query_time(SLICE("2026-11-21T10:00"), 0, &from, &to));
	assert_true(from == T0 && to == T0 + INT64_C(60000000000) - 1);
	assert_true(query_time(SLICE("now"), T0, &from, &to));
	assert_true(from == T0);
	assert_false(query_time(SLICE("2026-13"), 0, &from, &to));
	assert_false(query_time(SLICE("2026-02-29"), 0, &from, &to));
	assert_false(query_time(SLICE("-24"), 0, &from, &to));
	assert_false(query_time(SLICE("yesterday"), 0, &from, &to));
	assert_false(query_time(SLICE(""), 0, &from, &to));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_words_whole_and_without_case),
		cmocka_unit_test(finds_quoted_text_anywhere),
		cmocka_unit_test(compares_fields),
		cmocka_unit_test(compares_addresses_and_numbers),
		cmocka_unit_test(joins_conditions),
		cmocka_unit_test(compares_times),
		cmocka_unit_test(leaves_alerts_out_unless_they_are_named),
		cmocka_unit_test(points_at_mistakes),
		cmocka_unit_test(reads_times_of_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
