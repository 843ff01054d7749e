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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_anywhere_and_minds_case_unless_told),
		cmocka_unit_test(lines_and_dots_follow_their_flags),
		cmocka_unit_test(takes_subjects_that_are_not_utf8),
		cmocka_unit_test(says_where_a_pattern_is_wrong),
		cmocka_unit_test(gives_up_and_counts_what_would_run_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
