/* Small files that would become large rule sets are refused, and soon. */
#include "rule_try.h"

#include "engine/clock.h"
#include "engine/strbuf.h"

static void
refuses(const struct strbuf *text, const char *why)
{
	struct diag *diag = diag_new();
	int64_t start_ns = clock_cpu_ns();
	struct ruleset *set = ruleset_parse(strbuf_slice(text), "t", diag);
	bool found = false;

	for (size_t i = 0; i < diag_count(diag); i++)
		found = found || strstr(diag_at(diag, i)->text, why) != NULL;
	if (!found)
		fail_msg("nothing says \"%s\"", why);
	assert_true(clock_cpu_ns() - start_ns < INT64_C(20000000000));
	ruleset_put(set);
	diag_free(diag);
}

#define HEAD "title: A\nlogsource: {product: p}\ndetection:\n"

static void
a_condition_of_many_words_is_refused(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_puts(&text, HEAD);
	for (int i = 0; i < 200; i++)
		strbuf_printf(&text, "  s%d: {f: [a%d, b, c, d, e, f]}\n", i,
		    i);
	strbuf_puts(&text, "  condition: 1 of s*");
	for (int i = 0; i < 4000; i++)
		strbuf_puts(&text, " or 1 of s*");
	refuses(&text, "it becomes too large");
	for (int i = 0; i < 4000; i++)
		strbuf_puts(&text, " or 1 of s*");
	refuses(&text, "a condition has at most 65536 bytes");
	strbuf_fini(&text);
}

static void
a_value_and_what_it_becomes_are_bounded(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_puts(&text, HEAD "  s: {f: '");
	for (int i = 0; i < 40000; i++)
		strbuf_puts(&text, "y*");
	strbuf_puts(&text, "'}\n  condition: s\n");
	refuses(&text, "a value has at most 65536 bytes");
	strbuf_clear(&text);
	strbuf_puts(&text, HEAD "  s:\n    f|windash:\n");
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&text, "    - 'x -a%d -b -c -d'\n", i);
	strbuf_puts(&text, "  condition: s\n");
	refuses(&text, "more than 60000 comparisons");
	strbuf_fini(&text);
}

/* Ten megabytes each: values, sections, a condition, brackets. */
static void
large_files_are_refused(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_puts(&text, HEAD "  s:\n    f|contains:\n");
	for (int i = 0; text.len < 10000000; i++)
		strbuf_printf(&text, "      - 'value %d'\n", i);
	strbuf_puts(&text, "  condition: s\n");
	refuses(&text, "more than 60000 comparisons");
	strbuf_clear(&text);
	strbuf_puts(&text, HEAD);
	for (int i = 0; text.len < 10000000; i++)
		strbuf_printf(&text, "  s%d: {a%d: v, b: w}\n", i, i);
	strbuf_puts(&text, "  condition: 1 of them\n");
	refuses(&text, "unfolds to too many nodes");
	strbuf_clear(&text);
	strbuf_puts(&text, HEAD "  s: {f: v}\n  condition: s");
	while (text.len < 10000000)
		strbuf_puts(&text, " or not (s and s)");
	refuses(&text, "a condition has at most 65536 bytes");
	strbuf_clear(&text);
	while (text.len < 10000000)
		strbuf_puts(&text, "[{a: ");
	refuses(&text, "nested too deep");
	strbuf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_of_many_words_is_refused),
		cmocka_unit_test(a_value_and_what_it_becomes_are_bounded),
		cmocka_unit_test(large_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
