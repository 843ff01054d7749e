#include "rule_try.h"

static bool
item(const char *text, const char *members)
{
	char detection[1024];

	snprintf(detection, sizeof(detection), "  sel:\n    %s\n"
	    "  condition: sel\n", text);
	return detects(detection, members);
}

static void
plain_values_equal_the_whole_text_without_case(void **state)
{
	(void)state;
	assert_true(item("F: AbC", "\"F\":\"aBc\""));
	assert_false(item("F: AbC", "\"F\":\"abcd\""));
	assert_false(item("F: AbC", ""));
	assert_true(item("F: [x, abc]", "\"F\":[\"q\",\"ABC\"]"));
}

static void
contains_starts_and_ends(void **state)
{
	(void)state;
	assert_true(item("F|contains: bc", "\"F\":\"aBCd\""));
	assert_true(item("F|startswith: ab", "\"F\":\"ABC\""));
	assert_false(item("F|startswith: bc", "\"F\":\"abc\""));
	assert_true(item("F|endswith: '\\x.exe'", "\"F\":\"c:\\\\X.EXE\""));
	assert_false(item("F|endswith: '\\x.exe'", "\"F\":\"x.exe\""));
	assert_true(item("F|endswith: x?.exe", "\"F\":\"c:\\\\ax1.exe\""));
	assert_true(item("F|contains|cased: bC", "\"F\":\"abCd\""));
	assert_false(item("F|contains|cased: bC", "\"F\":\"abcd\""));
}

static void
all_asks_each_value_on_its_own(void **state)
{
	(void)state;
	assert_true(item("F|contains|all: [a, b]", "\"F\":\"xbxa\""));
	assert_false(item("F|contains|all: [a, b]", "\"F\":\"xax\""));
	assert_true(item("F|contains|all: [a, b]", "\"F\":[\"a\",\"b\"]"));
}

static void
null_is_absent_or_null_and_empty_is_empty(void **state)
{
	(void)state;
	assert_true(item("F: null", ""));
	assert_true(item("F:", "\"F\":null"));
	assert_false(item("F: null", "\"F\":\"\""));
	assert_true(item("F: ''", "\"F\":\"\""));
	assert_false(item("F: ''", "\"F\":null"));
	assert_true(item("F: '*'", "\"F\":\"\""));
	assert_false(item("F: '*'", "\"F\":null"));
}

static void
exists_and_neq_ask_for_the_field(void **state)
{
	(void)state;
	assert_true(item("F|exists: true", "\"F\":null"));
	assert_true(item("F|exists: false", ""));
	assert_true(item("F|neq: x", "\"F\":\"y\""));
	assert_false(item("F|neq: x", "\"F\":\"X\""));
	assert_false(item("F|neq: x", ""));
}

static void
numbers_and_booleans_compare_as_such(void **state)
{
	(void)state;
	assert_true(item("F: 4624", "\"F\":4624.0"));
	assert_true(item("F: 4624", "\"F\":\"4624\""));
	assert_true(item("F: '4624'", "\"F\":4624"));
	assert_true(item("F: true", "\"F\":\"TRUE\""));
	assert_true(item("F: 'true'", "\"F\":true"));
	assert_true(item("F|gte: 10", "\"F\":\"10.5\""));
	assert_false(item("F|lt: 10", "\"F\":10"));
	assert_true(item("F|cidr: 10.0.0.0/8", "\"F\":\"10.9.8.7\""));
}

static void
regular_expressions_take_their_text_as_it_is(void **state)
{
	(void)state;
	assert_true(item("F|re: 'a\\*c'", "\"F\":\"xa*cx\""));
	assert_true(item("F|re|i: ^ab$", "\"F\":\"AB\""));
	assert_true(item("F|re|m: ^b$", "\"F\":\"a\\nb\""));
	assert_true(item("F|re|s: a.c", "\"F\":\"a\\nc\""));
}

static void
windash_varies_dashes_before_words(void **state)
{
	(void)state;
	assert_true(item("F|contains|windash: ' -enc '", "\"F\":\"p /enc x\""));
	assert_true(item("F|windash|contains: ' -a -b'",
	    "\"F\":\"p /A \xe2\x80\x93""b\""));
	assert_false(item("F|contains|windash: 'a-b'", "\"F\":\"a/b\""));
	assert_false(item("F|contains|windash: ' - x'", "\"F\":\" / x\""));
}

static void
encodings_are_applied_in_the_order_written(void **state)
{
	(void)state;
	assert_true(item("F|base64|contains: foobar", "\"F\":\"xxZm9vYmFy\""));
	assert_true(item("F|base64: foob", "\"F\":\"Zm9vYg==\""));
	assert_true(item("F|base64offset|contains: /bin/bash",
	    "\"F\":\"cS9iaW4vYmFzaHp6\""));
	assert_true(item("F|wide|base64offset|contains: ping",
	    "\"F\":\"eABwAGkAbgBnACAAeQA=\""));
	assert_true(item("F|utf16be|base64|contains: abc",
	    "\"F\":\"AGEAYgBj\""));
	assert_true(item("F|utf16|base64: a", "\"F\":\"//5hAA==\""));
}

static void
keywords_look_into_every_value(void **state)
{
	(void)state;
	assert_true(detects("  k: [evil one, 'BAD*thing']\n  condition: k\n",
	    "\"m\":{\"n\":[\"x\",\"some EVIL ONE\"]}"));
	assert_true(detects("  k: [evil one, 'BAD*thing']\n  condition: k\n",
	    "\"m\":\"a bad small thing!\""));
	assert_false(detects("  k: [evil]\n  condition: k\n",
	    "\"evil\":\"x\""));
	assert_true(detects("  k:\n    '|all': [aa, bb]\n  condition: k\n",
	    "\"m\":\"aa\",\"n\":\"bb\""));
	assert_true(detects("  k:\n    '|re': 'a{3}'\n  condition: k\n",
	    "\"m\":\"xaaa\""));
	assert_true(detects("  k: evil\n  condition: k\n",
	    "\"m\":\"devilish\""));
}

static void
fields_are_compared_with_fields(void **state)
{
	(void)state;
	assert_true(item("F|fieldref: G", "\"F\":\"aB\",\"G\":\"Ab\""));
	assert_false(item("F|fieldref: G", "\"F\":\"aB\""));
	assert_false(item("F|fieldref|cased: G",
	    "\"F\":\"aB\",\"G\":\"Ab\""));
	assert_true(item("F|fieldref|startswith: G",
	    "\"F\":\"C:\\\\a\\\\b\",\"G\":\"c:\\\\A\""));
	assert_false(item("F|fieldref|startswith: G",
	    "\"F\":\"xab\",\"G\":\"ab\""));
	assert_true(item("F|endswith|fieldref: G",
	    "\"F\":\"xaB\",\"G\":\"ab\""));
	assert_false(item("F|fieldref|endswith: G",
	    "\"F\":\"abx\",\"G\":\"ab\""));
	assert_true(item("F|fieldref|contains: G",
	    "\"F\":\"x4711y\",\"G\":4711"));
	assert_false(item("F|fieldref|contains|cased: G",
	    "\"F\":\"xABy\",\"G\":\"ab\""));
	assert_true(item("F|fieldref|neq: G",
	    "\"F\":\"a\",\"G\":\"b\""));
	assert_false(item("F|fieldref|neq: G",
	    "\"F\":\"a\",\"G\":\"A\""));
}

static void
wildcards_stay_in_wide_text(void **state)
{
	(void)state;
	assert_true(item("F|wide|contains: 'a*b'",
	    "\"F\":\"xa\\u0000yyb\\u0000\""));
	assert_false(item("F|wide: 'a*b'",
	    "\"F\":\"xa\\u0000yyb\\u0000\""));
	assert_true(item("F|wide: 'a\\*b'",
	    "\"F\":\"a\\u0000*\\u0000b\\u0000\""));
}

static void
flags_of_expressions_have_longer_names(void **state)
{
	(void)state;
	assert_true(item("F|re|ignorecase: ^ab$", "\"F\":\"AB\""));
	assert_true(item("F|re|multiline: ^b$", "\"F\":\"a\\nb\""));
	assert_true(item("F|re|dotall: a.c", "\"F\":\"a\\nc\""));
}

static void
escaped_percent_signs_are_no_placeholders(void **state)
{
	(void)state;
	assert_true(item("F|expand: 'a\\%b\\%c'", "\"F\":\"a%b%c\""));
	assert_true(item("F|expand: '50% of\\*'", "\"F\":\"50% of*\""));
	assert_true(item("F|expand: 'c:\\a\\\\*'",
	    "\"F\":\"c:\\\\a\\\\b\""));
}

#define BODY "detection: {x: {a: b}, condition: x}\n"

static void
log_sources_may_have_further_parts(void **state)
{
	struct ruleset *set = rules_of("title: t\nlogsource: {product: p, "
	    "collector: x9, definition: [a, b]}\n" BODY);

	(void)state;
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"product\":"
	    "\"p\"},\"a\":\"b\"}"), 1);
	ruleset_put(set);
	assert_string_equal(finding_of("title: t\nlogsource: {product: p, "
	    "servise: x}\n" BODY, 0), "try.yml:2:25: unknown part of a log "
	    "source \"servise\" (service?)");
}

static void
every_mistake_is_named_with_its_place(void **state)
{
#define RULE "title: t\nlogsource: {product: p}\ndetection:\n  sel:\n"
#define END "\n  condition: sel\n"
	(void)state;
	assert_string_equal(finding_of(RULE "    F|contain: x" END, 0),
	    "try.yml:5:5: unknown modifier \"contain\" (contains?)");
	assert_string_equal(finding_of(RULE "    F|re: 'a(b'" END, 0),
	    "try.yml:5:11: regular expression: missing closing parenthesis "
	    "at character 4");
	assert_string_equal(finding_of(RULE "    F|gt: ten" END, 0),
	    "try.yml:5:11: \"ten\" is no number");
	assert_string_equal(finding_of(RULE "    F|exists: x" END, 0),
	    "try.yml:5:15: exists takes true or false");
	assert_string_equal(finding_of(RULE "    F|i: x" END, 0),
	    "try.yml:5:5: modifier \"i\" is for regular expressions: write "
	    "|re|i");
	assert_string_equal(finding_of(RULE "    F|re|contains: x" END, 0),
	    "try.yml:5:5: modifiers \"contains\" and \"re\" cannot both "
	    "decide the comparison");
	assert_string_equal(finding_of(RULE "    F: []" END, 0),
	    "try.yml:5:8: an empty list of values");
	assert_string_equal(finding_of(RULE "    F: {a: b}" END, 0),
	    "try.yml:5:8: a value is text, a number, true, false or null, "
	    "not a list or a map");
	assert_string_equal(finding_of(RULE "    F|expand: '%admins%'" END,
	    0), "try.yml:5:15: placeholder %admins% has no value; put values "
	    "into lists/admins.txt beside the rules");
	assert_string_equal(finding_of(RULE "    F|cidr: 10.0.0.0/40" END, 0),
	    "try.yml:5:13: \"10.0.0.0/40\" is no network; write 10.0.0.0/8 "
	    "or 2001:db8::/32");
	assert_string_equal(finding_of(RULE "    F|base64: a*" END, 0),
	    "try.yml:5:15: base64: the value may not hold * or ?; write \\* "
	    "for the character");
	assert_non_null(strstr(finding_of(RULE "    F|windash: ' -a -b -c -d "
	    "-e -f -g'" END, 0), "windash: the value becomes too many"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_values_equal_the_whole_text_without_case),
		cmocka_unit_test(contains_starts_and_ends),
		cmocka_unit_test(all_asks_each_value_on_its_own),
		cmocka_unit_test(null_is_absent_or_null_and_empty_is_empty),
		cmocka_unit_test(exists_and_neq_ask_for_the_field),
		cmocka_unit_test(numbers_and_booleans_compare_as_such),
		cmocka_unit_test(regular_expressions_take_their_text_as_it_is),
		cmocka_unit_test(windash_varies_dashes_before_words),
		cmocka_unit_test(encodings_are_applied_in_the_order_written),
		cmocka_unit_test(keywords_look_into_every_value),
		cmocka_unit_test(fields_are_compared_with_fields),
		cmocka_unit_test(wildcards_stay_in_wide_text),
		cmocka_unit_test(flags_of_expressions_have_longer_names),
		cmocka_unit_test(escaped_percent_signs_are_no_placeholders),
		cmocka_unit_test(log_sources_may_have_further_parts),
		cmocka_unit_test(every_mistake_is_named_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
