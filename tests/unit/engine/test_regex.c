#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/err.h"
#include "engine/regex.h"

static bool
found(const char *pattern, unsigned flags, struct slice text)
{
	struct err err;
	struct regex *regex = regex_new(slice_cstr(pattern), flags, &err);
	struct regex_scratch *scratch = regex_scratch_new();
	bool yes;

	assert_non_null(regex);
	yes = regex_match(regex, text, scratch);
	regex_scratch_free(scratch);
	regex_free(regex);
	return yes;
}

static void
finds_anywhere_and_minds_case_unless_told(void **state)
{
	(void)state;
	assert_true(found("b[0-9]{2}", 0, SLICE("ab12c")));
	assert_false(found("b[0-9]{2}", 0, SLICE("aB12c")));
	assert_true(found("b[0-9]{2}", REGEX_NOCASE, SLICE("aB12c")));
	assert_true(found("", 0, SLICE("")));
}

static void
lines_and_dots_follow_their_flags(void **state)
{
	(void)state;
	assert_false(found("^b$", 0, SLICE("a\nb\nc")));
	assert_true(found("^b$", REGEX_LINES, SLICE("a\nb\nc")));
	assert_false(found("a.c", 0, SLICE("a\nc")));
	assert_true(found("a.c", REGEX_DOTALL, SLICE("a\nc")));
}

static void
takes_subjects_that_are_not_utf8(void **state)
{
	(void)state;
	assert_true(found("ab", 0, SLICE("\xff\xfe ab \xc3")));
	assert_false(found("ab", 0, SLICE("\xff\xfe\xc3")));
	assert_true(found("^.$", 0, SLICE("\xe6\x97\xa5")));
}

static void
says_where_a_pattern_is_wrong(void **state)
{
	struct err err;

	(void)state;
	assert_null(regex_new(SLICE("ab(c"), 0, &err));
	assert_non_null(strstr(err.text, "at character 5"));
	assert_null(regex_new(SLICE("a\\Cb"), 0, &err));
}

static void
gives_up_and_counts_what_would_run_for_ever(void **state)
{
	struct err err;
	struct regex *regex = regex_new(SLICE("^(a+)+$"), 0, &err);
	struct regex_scratch *scratch = regex_scratch_new();
	char text[64];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[63] = 'b';
	assert_false(regex_match(regex, slice_of(text, sizeof(text)),
	    scratch));
	assert_int_equal(regex_runaways(scratch), 1);
	assert_true(regex_match(regex, SLICE("aaa"), scratch));
	assert_int_equal(regex_runaways(scratch), 1);
	regex_scratch_free(scratch);
	regex_free(regex);
}

static void
assert_literal(const char *pattern, const char *want)
{
	char out[REGEX_LITERAL_BYTES];
	size_t n = regex_literal(slice_cstr(pattern), out);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
}

static void
sees_what_must_be_there(void **state)
{
	(void)state;
	assert_literal("cmd.{0,5}(?:/c|/r).+PowerShell.+x", "powershell");
	assert_literal("(?i)set.*&&\\s?set.*(?:a|b)", "set");
	assert_literal("\\$PSHome\\[\\d", "$pshome[");
	assert_literal("abcd?ef", "abc");
	assert_literal("ab+cd", "ab");
	assert_literal("[]x]abc[^]y]", "abc");
	assert_literal("a{2}bcd", "bcd");
}

static void
sees_nothing_where_it_is_not_sure(void **state)
{
	static const char *const patterns[] = { "abc|def", "(?x)a b c",
	    "abc(*ACCEPT)def", "\\Qabc|\\E", "\\x41bc", "(abc)?",
	    "a*", "abc(?#(x)", "[[:alpha:]]abc", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		assert_literal(patterns[i], "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_anywhere_and_minds_case_unless_told),
		cmocka_unit_test(lines_and_dots_follow_their_flags),
		cmocka_unit_test(takes_subjects_that_are_not_utf8),
		cmocka_unit_test(says_where_a_pattern_is_wrong),
		cmocka_unit_test(sees_what_must_be_there),
		cmocka_unit_test(sees_nothing_where_it_is_not_sure),
		cmocka_unit_test(gives_up_and_counts_what_would_run_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
