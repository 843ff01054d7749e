/* The shipped rules do what the tests beside them say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "correlation/ruleset.h"
#include "correlation/shape.h"
#include "engine/batch.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/rule_complete.h"
#include "tools/rule_explain.h"
#include "tools/rule_survey.h"
#include "tools/rule_test.h"

static void
run(const char *path, struct diag *diag, struct rule_test_figures *figures)
{
	struct conf *conf = conf_load(NULL, diag);
	struct ruleset *set = ruleset_load(&path, 1, diag);

	rule_test_run(set, conf, &path, 1, diag, figures);
	rule_complete(set, figures, diag);
	ruleset_put(set);
	conf_free(conf);
}

static void
shipped_rules_pass_their_tests(void **state)
{
	struct diag *diag = diag_new();
	struct rule_test_figures figures;

	(void)state;
	run("rules.d", diag, &figures);
	assert_int_equal(figures.nresults, figures.tests);
	diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 0);
	assert_true(figures.tests >= 40);
	assert_int_equal(figures.untested, 0);
	rule_test_figures_free(&figures);
	diag_free(diag);
}

static void
write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void
read_file(const char *path, char *text, size_t room)
{
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	n = fread(text, 1, room - 1, in);
	text[n] = '\0';
	fclose(in);
}

/* A test that expects the wrong thing is told so, each way. */
static void
says_what_did_not_come_true(void **state)
{
	char folder[] = "/tmp/yagura-rules-XXXXXX", tests[64], text[4096];
	struct diag *diag = diag_new();
	struct rule_test_figures figures;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(tests, sizeof(tests), "mkdir %s/tests", folder);
	assert_int_equal(system(tests), 0);
	write_file(folder, "a.yml", "title: A\nname: a\nlevel: high\n"
	    "logsource: {product: linux, service: sshd}\ndetection: "
	    "{s: {event.action: logon-failed}, condition: s}\n"
	    "---\ntitle: B\nname: b\nlevel: high\n"
	    "logsource: {product: linux, service: sshd}\ndetection: "
	    "{s: {event.action: never}, condition: s}\n");
	write_file(folder, "tests/a.test",
	    "test: one\nlines:\n  - '<86>{3164} h sshd[1]: Failed password "
	    "for u from 192.0.2.1 port 1 ssh2'\nalerts: [b]\nquiet: [a]\n"
	    "---\ntest: two\nlines: []\nalerts: [nosuch]\nwrong: 1\n");
	run(folder, diag, &figures);
	/* b silent, a raised, a matched, no rule nosuch, key wrong, a and b
	 * lack most things; and that nothing makes b alert */
	assert_int_equal(diag_errors(diag), 7);
	assert_int_equal(diag_count(diag), 8);
	assert_string_equal(diag_at(diag, 6)->text, "\"A\" lacks a "
	    "description, a Japanese title, a sentence in English, a sentence "
	    "in Japanese, advice in English, advice in Japanese, "
	    "falsepositives, a tag of ATT&CK, a response, a near miss");
	assert_non_null(strstr(diag_at(diag, 7)->text, "a response, a test "
	    "that fires it"));
	assert_int_equal(figures.tests, 2);
	snprintf(tests, sizeof(tests), "%s/junit.xml", folder);
	assert_true(rule_test_junit(&figures, diag, tests));
	read_file(tests, text, sizeof(text));
	assert_non_null(strstr(text, "tests=\"2\" failures=\"2\""));
	assert_non_null(strstr(text, "b should have alerted"));
	assert_non_null(strstr(text, "unknown key &quot;wrong&quot;"));
	assert_false(rule_test_junit(&figures, diag, "/nonexistent/x"));
	rule_test_figures_free(&figures);
	diag_free(diag);
	snprintf(tests, sizeof(tests), "rm -r %s", folder);
	assert_int_equal(system(tests), 0);
}

static struct ruleset *
parse(const char *text)
{
	struct diag *diag = diag_new();
	struct ruleset *set = ruleset_parse(slice_cstr(text), "t", diag);

	diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 0);
	diag_free(diag);
	return set;
}

static void
explain(const struct ruleset *set, const char *line, bool json,
    struct strbuf *out)
{
	struct match_scratch *scratch = match_scratch_new(set);
	struct batch *batch = batch_new(0, 1);
	struct event *event = batch_add(batch, slice_cstr(line), SLICE(""), 1);
	uint32_t hits[4];
	bool held;

	assert_true(shape_event(event));
	strbuf_clear(out);
	held = rule_explain(set, ruleset_rule(set, 0), event, scratch, json,
	    out);
	assert_true(held == (ruleset_match(set, event, scratch, hits, 4) > 0));
	batch_put(batch);
	match_scratch_free(scratch);
}

static void
explaining_says_which_part_held_and_what_was_seen(void **state)
{
	struct ruleset *set = parse("title: T\nid: r\nlogsource: {product: p}"
	    "\ndetection: {a: {f: [x, y]}, b: {g|contains: z}, "
	    "c: {h|re: '^q'}, condition: a and b and not c}\n");
	struct strbuf out = STRBUF_INIT;

	(void)state;
	explain(set, "{\"_logsource\":{\"product\":\"p\"},\"f\":\"y\","
	    "\"g\":\"-z-\"}", false, &out);
	assert_non_null(strstr(out.ptr, "matches T"));
	assert_null(strstr(out.ptr, "equals \"x\""));
	explain(set, "{\"_logsource\":{\"product\":\"p\"},\"f\":\"n\","
	    "\"h\":\"\\u001b[2Jq\"}", false, &out);
	assert_non_null(strstr(out.ptr, "does not match T"));
	assert_non_null(strstr(out.ptr, "is in f: n"));
	assert_non_null(strstr(out.ptr, "no such field"));
	assert_null(strchr(out.ptr, '\033'));
	explain(set, "{\"_logsource\":{\"product\":\"q\"},\"f\":\"y\","
	    "\"g\":\"z\"}", true, &out);
	assert_non_null(strstr(out.ptr, "\"logsource\":{\"holds\":false,"
	    "\"wanted\":\"product: p\",\"seen\":\"product: q\"}"));
	strbuf_fini(&out);
	ruleset_put(set);
}

static void
print_survey(struct survey *survey, bool fields, bool json, char *text,
    size_t room)
{
	FILE *out = fmemopen(text, room, "w");

	assert_non_null(out);
	if (fields)
		survey_fields(survey, json, out);
	else
		survey_coverage(survey, json, out);
	fclose(out);
}

static void
a_survey_knows_what_feeds_a_rule_and_what_nobody_gives(void **state)
{
	struct ruleset *set = parse("title: A\nname: a\ntags: [attack.t1110."
	    "001]\nlogsource: {product: linux, service: sshd}\ndetection: "
	    "{s: {event.action: x, never.given: y}, condition: s}\n---\n"
	    "title: B\nname: b\ntags: [attack.t1110.001]\nlogsource: "
	    "{product: nobody}\ndetection: {s: {a: b}, condition: s}\n---\n"
	    "title: C\nname: c\ncorrelation: {type: temporal, rules: [a, b], "
	    "timespan: 5m}\n");
	struct diag *diag = diag_new();
	struct conf *conf = conf_load(NULL, diag);
	struct parserset *parsers = parserset_load(conf->parsers,
	    conf->nparsers, diag);
	struct survey *survey = survey_new(set, parsers);
	static char text[65536];

	(void)state;
	print_survey(survey, false, true, text, sizeof(text));
	assert_non_null(strstr(text, "\"layer\":\"4.5\""));
	assert_non_null(strstr(text, "{\"techniqueID\":\"T1110.001\","
	    "\"score\":1,\"enabled\":true,\"comment\":\"2 rules, 1 of"));
	assert_non_null(strstr(text, "{\"name\":\"B\",\"value\":"
	    "\"no source\"}"));
	print_survey(survey, false, false, text, sizeof(text));
	assert_non_null(strstr(text, "1 of 3 rules have a source"));
	assert_non_null(strstr(text, " + no source"));
	print_survey(survey, true, true, text, sizeof(text));
	assert_non_null(strstr(text, "{\"field\":\"never.given\""));
	assert_null(strstr(text, "event.action"));
	survey_keep(survey, SLICE("nosuch"));
	print_survey(survey, false, false, text, sizeof(text));
	assert_non_null(strstr(text, "0 of 3 rules have a source"));
	survey_free(survey);
	parserset_put(parsers);
	conf_free(conf);
	diag_free(diag);
	ruleset_put(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_rules_pass_their_tests),
		cmocka_unit_test(says_what_did_not_come_true),
		cmocka_unit_test(
		    explaining_says_which_part_held_and_what_was_seen),
		cmocka_unit_test(
		    a_survey_knows_what_feeds_a_rule_and_what_nobody_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
