#include "rule_try.h"

/* Sections a, b, d hold when the member of that name is 1; _e too. */
static bool
condition(const char *text, const char *members)
{
	char detection[1024];

	snprintf(detection, sizeof(detection), "  a: {A: 1}\n  b: {B: 1}\n"
	    "  d: {D: 1}\n  _e: {E: 1}\n  s_1: {A: 1}\n  s_2: {B: 1}\n"
	    "  condition: %s\n", text);
	return detects(detection, members);
}

static void
not_binds_before_and_before_or(void **state)
{
	(void)state;
	assert_true(condition("a or b and d", "\"A\":1"));
	assert_false(condition("a or b and d", "\"B\":1"));
	assert_true(condition("not a and b", "\"B\":1"));
	assert_false(condition("not a and b", ""));
	assert_false(condition("(a or b) and d", "\"A\":1"));
	assert_true(condition("not not a", "\"A\":1"));
	assert_true(condition("NOT (a AND b)", "\"A\":1"));
}

static void
of_joins_what_a_pattern_names(void **state)
{
	(void)state;
	assert_true(condition("1 of s_*", "\"B\":1"));
	assert_false(condition("all of s_*", "\"B\":1"));
	assert_true(condition("all of s_*", "\"A\":1,\"B\":1"));
	assert_true(condition("any of s_? and not 1 of d", "\"A\":1"));
	assert_false(condition("1 of them", "\"E\":1"));
	assert_true(condition("1 of them", "\"D\":1"));
	assert_true(condition("1 of _*", "\"E\":1"));
}

static void
several_conditions_are_alternatives(void **state)
{
	(void)state;
	assert_true(condition("[a and b, d]", "\"D\":1"));
	assert_false(condition("[a and b, d]", "\"A\":1"));
}

static const char *
mistake(const char *text)
{
	char rule[1024];

	snprintf(rule, sizeof(rule), "title: t\nlogsource: {product: p}\n"
	    "detection:\n  selection: {A: 1}\n  condition: %s\n", text);
	return finding_of(rule, 0);
}

static void
mistakes_are_named_with_their_column(void **state)
{
	(void)state;
	assert_string_equal(mistake("selction and x"), "try.yml:5:14: "
	    "condition: there is no section \"selction\" (selection?)");
	assert_string_equal(mistake("selection and"), "try.yml:5:27: "
	    "condition: expected a section instead of at the end");
	assert_string_equal(mistake("1 of filter*"), "try.yml:5:19: "
	    "condition: no section is named like \"filter*\"");
	assert_string_equal(mistake("(selection"), "try.yml:5:24: "
	    "condition: expected \")\" instead of at the end");
	assert_string_equal(mistake("selection selection"), "try.yml:5:24: "
	    "condition: expected \"and\", \"or\" or the end instead of "
	    "\"selection\"");
	assert_string_equal(mistake("2 of selection"), "try.yml:5:14: "
	    "condition: only \"1 of\", \"any of\" and \"all of\" are known, "
	    "not \"2\"");
	assert_string_equal(mistake("selection | count() > 5"),
	    "try.yml:5:24: condition: aggregations are of old rules; write a "
	    "correlation rule instead of \"|\"");
}

static void
deep_nesting_is_refused(void **state)
{
	char text[1000];

	(void)state;
	memset(text, '(', 900);
	text[900] = '\0';
	assert_non_null(strstr(mistake(text), "too many levels"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_binds_before_and_before_or),
		cmocka_unit_test(of_joins_what_a_pattern_names),
		cmocka_unit_test(several_conditions_are_alternatives),
		cmocka_unit_test(mistakes_are_named_with_their_column),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
