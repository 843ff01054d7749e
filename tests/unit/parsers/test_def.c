/* Mistakes in definitions: each is named with its place and the right word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/diag.h"
#include "parsers/parserset.h"

/* The built-in definitions are always there. */
static struct diag *diag;
static size_t ndefs;

static void
load(const char *text)
{
	char path[] = "/tmp/yagura-test-XXXXXX.yml";
	const char *const paths[] = { path };
	struct parserset *set;
	size_t builtin;
	int fd = mkstemps(path, 4);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	diag_free(diag);
	diag = diag_new();
	set = parserset_load(NULL, 0, diag);
	builtin = parserset_count(set);
	parserset_put(set);
	set = parserset_load(paths, 1, diag);
	ndefs = parserset_count(set) - builtin;
	parserset_test(set, diag);
	parserset_put(set);
	unlink(path);
}

static bool
finds(int line, const char *words)
{
	for (size_t i = 0; i < diag_count(diag); i++) {
		const struct diag_finding *f = diag_at(diag, i);

		if ((line == 0 || f->line == line) &&
		    strstr(f->text, words) != NULL)
			return true;
	}
	diag_print(diag, stderr);
	return false;
}

static void
names_the_nearest_right_word(void **state)
{
	(void)state;
	load("name: a\nmatch: {progam: x}\ndecode: jsn\n"
	    "keys:\n  k: {to: source.ip, splt: user}\n"
	    "when:\n  - iff: {k: 1}\n"
	    "  - if: {k: {startwith: x}}\n");
	assert_true(finds(2, "(program?)"));
	assert_true(finds(3, "(json?)"));
	assert_true(finds(5, "(split?)"));
	assert_true(finds(7, "(if?)"));
	assert_true(finds(8, "(startswith?)"));
	assert_int_equal(ndefs, 0);
}

static void
finds_tables_and_bases_that_are_not_there(void **state)
{
	(void)state;
	load("name: a\nmatch: {program: x}\ndecode: kv\n"
	    "keys: {k: {to: source.ip, table: actons}}\n"
	    "tables: {actions: {a: b}}\n"
	    "---\nname: b\nbase: nobody\nmatch: {program: y}\n");
	assert_true(finds(4, "(actions?)"));
	assert_true(finds(8, "no definition of that name"));
}

static void
finds_circles(void **state)
{
	(void)state;
	load("name: a\nbase: b\ndecode: kv\nmatch: {program: x}\n"
	    "---\nname: b\nbase: a\ndecode: kv\n");
	assert_true(finds(0, "circle"));
}

static void
finds_bad_templates_patterns_and_formats(void **state)
{
	(void)state;
	load("name: a\nmatch: {program: x}\n"
	    "templates: ['{a:wrd} b', 'c [[ d']\n"
	    "---\nname: b\nmatch: {program: y}\ndecode: regex\n"
	    "patterns: ['(a']\n"
	    "---\nname: c\nmatch: {program: z}\ndecode: kv\n"
	    "time: [{keys: [t], format: '%Q'}]\n");
	assert_true(finds(3, "unknown type"));
	assert_true(finds(3, "[[ without ]]"));
	assert_true(finds(8, "pattern:"));
	assert_true(finds(13, "not known"));
}

static void
leaves_out_only_the_definition_with_a_mistake(void **state)
{
	(void)state;
	load("name: good\nmatch: {program: x}\ndecode: kv\n"
	    "---\nname: bad\nmatch: {program: y}\ndecode: kw\n");
	assert_int_equal(ndefs, 1);
}

static void
takes_a_definition_over(void **state)
{
	(void)state;
	load("name: under\ndecode: kv\nkeys: {s: source.ip, u: user.name}\n"
	    "set: {event.kind: event}\n"
	    "---\nname: over\nbase: under\nmatch: {contains: ['k=v']}\n"
	    "keys: {u: user.id}\n"
	    "examples:\n  - line: k=v s=192.0.2.1 u=7\n"
	    "    expect: {source.ip: 192.0.2.1, user.id: '7',\n"
	    "      user.name: ~, event.kind: event}\n");
	diag_print(diag, stderr);
	assert_int_equal(diag_errors(diag), 0);
	assert_int_equal(ndefs, 2);
}

static void
says_what_an_example_gave_instead(void **state)
{
	(void)state;
	load("name: a\nmatch: {contains: ['k=v']}\ndecode: kv\n"
	    "keys: {s: source.ip}\nexamples:\n"
	    "  - line: k=v s=192.0.2.1\n"
	    "    expect: {source.ip: 192.0.2.2, user.name: x}\n"
	    "  - line: nothing of ours\n");
	assert_true(finds(7, "is \"192.0.2.1\""));
	assert_true(finds(7, "is absent"));
	assert_true(finds(8, "no definition"));
}

static void
survives_what_is_no_definition(void **state)
{
	static const char *const texts[] = { "", "[]", "a", "name: 7",
	    "name: A b", "name: a\nkeys: x\nwhen: y\nset: z\nmatch: w\n",
	    "name: a\nmatch: [1, {}]\ndecode: {}\ntemplates: {}\n",
	    "name: a\nmatch: {program: p}\ndecode: template\ntemplates: [[]]\n",
	    "name: a\nmatch: {program: p}\ndecode: kv\nwhen: [{switch: [], "
	    "cases: []}]\nexamples: [1, {line: []}]\ntime: [{}, []]\n",
	    "name: [unclosed" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		load(texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_nearest_right_word),
		cmocka_unit_test(finds_tables_and_bases_that_are_not_there),
		cmocka_unit_test(finds_circles),
		cmocka_unit_test(finds_bad_templates_patterns_and_formats),
		cmocka_unit_test(
		    leaves_out_only_the_definition_with_a_mistake),
		cmocka_unit_test(takes_a_definition_over),
		cmocka_unit_test(says_what_an_example_gave_instead),
		cmocka_unit_test(survives_what_is_no_definition),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	diag_free(diag);
	return failed;
}
