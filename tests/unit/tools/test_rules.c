/* The shipped rules do what the tests beside them say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "correlation/ruleset.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "tools/rule_test.h"

static void
run(const char *path, struct diag *diag, struct rule_test_figures *figures)
{
	struct conf *conf = conf_load(NULL, diag);
	struct ruleset *set = ruleset_load(&path, 1, diag);

	rule_test_run(set, conf, &path, 1, diag, figures);
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
	diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 0);
	assert_true(figures.tests >= 40);
	assert_int_equal(figures.untested, 0);
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

/* A test that expects the wrong thing is told so, each way. */
static void
says_what_did_not_come_true(void **state)
{
	char folder[] = "/tmp/yagura-rules-XXXXXX", tests[64];
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
	/* b silent, a raised, a matched, no rule nosuch, key wrong; and that
	 * nothing makes b alert */
	assert_int_equal(diag_errors(diag), 5);
	assert_int_equal(diag_count(diag), 6);
	assert_int_equal(figures.tests, 2);
	diag_free(diag);
	snprintf(tests, sizeof(tests), "rm -r %s", folder);
	assert_int_equal(system(tests), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_rules_pass_their_tests),
		cmocka_unit_test(says_what_did_not_come_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
