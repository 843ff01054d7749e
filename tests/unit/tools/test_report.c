/* The report: figures made by hand, rendered, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/json.h"
#include "engine/yaml.h"
#include "tools/report.h"

static const char *const payloads[] = {
	"<script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"' onmouseover='x",
	"</style><style>body{display:none}",
	"javascript:alert(1)",
	"<svg/onload=alert(1)>",
	"&lt;b&gt;",
	"\x1b[31mred\x1b[0m",
	"\xe2\x80\xae" "gpj.exe",
	"bad \xff utf-8 \xc0\xaf",
	"=cmd|' /C calc'!A0",
	"line\r\nbreak",
};
#define PAYLOADS (sizeof payloads / sizeof payloads[0])

static struct report_texts *
texts(const char *lang)
{
	struct diag *diag = diag_new();
	struct report_texts *found;
	char path[64];

	snprintf(path, sizeof path, "tools/report/%s.yml", lang);
	found = report_texts_load(path, diag);
	assert_non_null(found);
	assert_int_equal(diag_errors(diag), 0);
	diag_free(diag);
	return found;
}

static struct report
november(void)
{
	return (struct report){ .year = 2026, .month = 11, .days = 30,
	    .from_ns = INT64_C(1793491200000000000),
	    .to_ns = INT64_C(1796083200000000000),
	    .made_ns = INT64_C(1796083201000000000) };
}

/* A report with the text wherever text from outside can stand. */
static void
fill(struct report *report, struct slice text, struct report_alert *alert,
    struct report_step *step, struct report_row *row,
    struct report_list *list, struct report_source *source)
{
	*step = (struct report_step){ .dataset = text, .text = text };
	*alert = (struct report_alert){ .id = text, .rule_id = text,
	    .rule = text, .group = text, .sentence = text, .advice = text,
	    .level = 4, .layer = 2, .tactics = &step->text, .ntactics = 1,
	    .techniques = &step->text, .ntechniques = 1, .nsteps = 1,
	    .steps = step };
	*row = (struct report_row){ .name = text, .n = 3 };
	*list = (struct report_list){ .id = "ips", .n = 1, .rows = row };
	*source = (struct report_source){ .dataset = text };
	report->nalerts = 1;
	report->alerts = alert;
	report->levels[4] = 1;
	report->nrules = report->nhits = report->ntactics = 1;
	report->rules = report->hits = report->tactics = row;
	report->nlists = 1;
	report->lists = list;
	report->nsources = 1;
	report->sources = source;
}

/* Elements of the page, attributes included. */
static size_t
count_tags(const struct strbuf *page)
{
	size_t n = 0;

	for (size_t i = 0; i < page->len; i++)
		n += page->ptr[i] == '<';
	return n;
}

static void
text_from_events_adds_no_element(void **state)
{
	struct report_texts *words = texts("en");
	struct report_alert alert;
	struct report_step step;
	struct report_row row;
	struct report_list list;
	struct report_source source;
	struct strbuf page = STRBUF_INIT;
	struct report report = november();
	size_t plain;

	(void)state;
	fill(&report, SLICE("plain"), &alert, &step, &row, &list, &source);
	report_html(&page, &report, words);
	plain = count_tags(&page);
	for (size_t i = 0; i < PAYLOADS; i++) {
		report = november();
		fill(&report, slice_cstr(payloads[i]), &alert, &step, &row,
		    &list, &source);
		strbuf_clear(&page);
		report_html(&page, &report, words);
		assert_int_equal(count_tags(&page), plain);
		assert_int_equal(slice_find(strbuf_slice(&page),
		    SLICE("\x1b")), -1);
		assert_int_equal(slice_find(strbuf_slice(&page),
		    SLICE("\xff")), -1);
	}
	strbuf_fini(&page);
	report_texts_free(words);
}

static void
page_forbids_scripts_and_outside_references(void **state)
{
	struct report_texts *words = texts("ja");
	struct report report = november();
	struct strbuf page = STRBUF_INIT;

	(void)state;
	report_html(&page, &report, words);
	assert_true(slice_find(strbuf_slice(&page),
	    SLICE("default-src 'none'")) > 0);
	assert_int_equal(slice_find(strbuf_slice(&page), SLICE("http://")),
	    -1);
	assert_int_equal(slice_find(strbuf_slice(&page), SLICE("https://")),
	    -1);
	assert_int_equal(slice_find(strbuf_slice(&page), SLICE("<script")),
	    -1);
	strbuf_fini(&page);
	report_texts_free(words);
}

static void
quiet_month_has_every_chapter_and_says_so(void **state)
{
	static const char *const chapters[] = { "cover", "summary", "counts",
		"funnel", "daily", "trend", "incidents", "tactics", "top",
		"response", "tuning", "sla", "coverage", "retention",
		"advisories", "proposals", "qa", "appendix" };
	struct report_texts *words = texts("ja");
	struct report report = november();
	struct strbuf page = STRBUF_INIT, id = STRBUF_INIT;

	(void)state;
	report_html(&page, &report, words);
	for (size_t i = 0; i < sizeof chapters / sizeof chapters[0]; i++) {
		strbuf_clear(&id);
		strbuf_printf(&id, "<section id=\"%s\">", chapters[i]);
		assert_true(slice_find(strbuf_slice(&page),
		    strbuf_slice(&id)) >= 0);
	}
	assert_true(slice_find(strbuf_slice(&page), slice_cstr(
	    "当月、該当する検知はありませんでした。")) > 0);
	strbuf_fini(&page);
	strbuf_fini(&id);
	report_texts_free(words);
}

static void
json_reads_back(void **state)
{
	struct report_alert alert;
	struct report_step step;
	struct report_row row;
	struct report_list list;
	struct report_source source;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < PAYLOADS; i++) {
		struct report report = november();
		enum json_token token;
		struct json json;

		fill(&report, slice_cstr(payloads[i]), &alert, &step, &row,
		    &list, &source);
		strbuf_clear(&out);
		report_json(&out, &report);
		json_start(&json, strbuf_slice(&out));
		do {
			token = json_next(&json);
		} while (token > JSON_END);
		assert_int_equal(token, JSON_END);
	}
	strbuf_fini(&out);
}

static bool
no_formula(void *arg, const char *name, struct slice bytes)
{
	(void)name;
	++*(int *)arg;
	assert_true(slice_starts(bytes, SLICE("\xef\xbb\xbf")));
	assert_int_equal(slice_find(bytes, SLICE(",=cmd")), -1);
	assert_int_equal(slice_find(bytes, SLICE("\n=cmd")), -1);
	assert_true(slice_ends(bytes, SLICE("\r\n")));
	return true;
}

static void
csv_holds_no_formula(void **state)
{
	struct report report = november();
	struct report_alert alert;
	struct report_step step;
	struct report_row row;
	struct report_list list;
	struct report_source source;
	int sheets = 0;

	(void)state;
	fill(&report, SLICE("=cmd|' /C calc'!A0"), &alert, &step, &row, &list,
	    &source);
	assert_true(report_csv(&report, no_formula, &sheets));
	assert_int_equal(sheets, 5);
}

static void
both_languages_have_the_same_texts(void **state)
{
	struct diag *diag = diag_new();
	struct yaml_doc *en = yaml_load("tools/report/en.yml", diag);
	struct yaml_doc *ja = yaml_load("tools/report/ja.yml", diag);
	const struct yaml_node *a = yaml_root(en, 0), *b = yaml_root(ja, 0);

	(void)state;
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_true(slice_eq(a->keys[i]->text, b->keys[i]->text));
	yaml_free(en);
	yaml_free(ja);
	diag_free(diag);
}

static void
numbers_and_changes_are_written_for_people(void **state)
{
	struct report_texts *words = texts("en");
	struct strbuf out = STRBUF_INIT;

	(void)state;
	report_put_number(&out, 1234567);
	assert_string_equal(out.ptr, "1,234,567");
	strbuf_clear(&out);
	report_put_change(&out, words, 9, 8);
	assert_string_equal(out.ptr, "\u25b2 +12.5% up");
	strbuf_clear(&out);
	report_put_change(&out, words, 0, 4);
	assert_string_equal(out.ptr, "\u25bc -100.0% down");
	strbuf_clear(&out);
	report_put_month(&out, words, 2026, 11);
	assert_string_equal(out.ptr, "November 2026");
	strbuf_fini(&out);
	report_texts_free(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_from_events_adds_no_element),
		cmocka_unit_test(page_forbids_scripts_and_outside_references),
		cmocka_unit_test(quiet_month_has_every_chapter_and_says_so),
		cmocka_unit_test(json_reads_back),
		cmocka_unit_test(csv_holds_no_formula),
		cmocka_unit_test(both_languages_have_the_same_texts),
		cmocka_unit_test(numbers_and_changes_are_written_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
