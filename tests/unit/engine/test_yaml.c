#include "engine/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/diag.h"
#include "engine/strbuf.h"

static struct yaml_doc *
parsed(const char *text, struct diag *diag)
{
	return yaml_parse(slice_cstr(text), "t.yml", diag);
}

#define assert_slice(s, text) do { \
	struct slice s_ = (s); \
	assert_int_equal(s_.len, strlen(text)); \
	assert_memory_equal(s_.ptr, text, s_.len); \
} while (0)

static void
keeps_scalars_as_written_with_their_place(void **state)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = parsed("a: 007\nb:\n  - \"yes\"\n  - ~\n", diag);
	const struct yaml_node *root, *b;
	int64_t n;

	(void)state;
	assert_non_null(doc);
	assert_int_equal(yaml_count(doc), 1);
	root = yaml_root(doc, 0);
	assert_int_equal(root->kind, YAML_MAP);
	assert_slice(yaml_text(yaml_get(root, "a"), SLICE("")), "007");
	assert_true(yaml_long(yaml_get(root, "a"), &n));
	assert_int_equal(n, 7);
	b = yaml_get(root, "b");
	assert_int_equal(b->kind, YAML_LIST);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->items[0]->line, 3);
	assert_int_equal(b->items[0]->column, 5);
	assert_true(b->items[0]->quoted);
	assert_true(yaml_is_null(b->items[1]));
	assert_null(yaml_get(root, "c"));
	assert_null(yaml_get(NULL, "c"));
	yaml_free(doc);
	diag_free(diag);
}

static void
names_a_key_given_twice_and_keeps_the_first(void **state)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = parsed("a: 1\nb: 2\na: {x: [1, 2]}\n", diag);

	(void)state;
	assert_non_null(doc);
	assert_int_equal(diag_errors(diag), 1);
	assert_int_equal(diag_at(diag, 0)->line, 3);
	assert_slice(yaml_text(yaml_get(yaml_root(doc, 0), "a"),
	    SLICE("")), "1");
	yaml_free(doc);
	diag_free(diag);
}

static void
finds_a_duplicate_among_many_keys(void **state)
{
	struct strbuf buf = STRBUF_INIT;
	struct diag *diag = diag_new();
	struct yaml_doc *doc;

	(void)state;
	for (int i = 0; i < 500; i++)
		strbuf_printf(&buf, "k%d: %d\n", i % 499, i);
	doc = yaml_parse(strbuf_slice(&buf), "t.yml", diag);
	assert_non_null(doc);
	assert_int_equal(diag_errors(diag), 1);
	assert_int_equal(diag_at(diag, 0)->line, 500);
	yaml_free(doc);
	diag_free(diag);
	strbuf_fini(&buf);
}

static void
reads_several_documents(void **state)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = parsed("a: 1\n---\na: 2\n---\n", diag);

	(void)state;
	assert_non_null(doc);
	assert_int_equal(yaml_count(doc), 3);
	assert_true(yaml_is_null(yaml_root(doc, 2)));
	yaml_free(doc);
	doc = parsed("", diag);
	assert_non_null(doc);
	assert_int_equal(yaml_count(doc), 0);
	yaml_free(doc);
	diag_free(diag);
}

static void
follows_aliases(void **state)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = parsed("a: &x [1, 2]\nb: *x\n", diag);

	(void)state;
	assert_non_null(doc);
	assert_int_equal(yaml_get(yaml_root(doc, 0), "b")->n, 2);
	yaml_free(doc);
	assert_null(parsed("a: *nothing\n", diag));
	assert_null(parsed("a: &x [*x]\n", diag));
	assert_int_equal(diag_errors(diag), 2);
	diag_free(diag);
}

static void
refuses_billion_laughs_and_deep_nests(void **state)
{
	struct strbuf buf = STRBUF_INIT;
	struct diag *diag = diag_new();

	(void)state;
	strbuf_puts(&buf, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++) {
		strbuf_printf(&buf, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			strbuf_printf(&buf, "%s*a%d", j > 0 ? ", " : "", i - 1);
		strbuf_puts(&buf, "]\n");
	}
	assert_null(yaml_parse(strbuf_slice(&buf), "t.yml", diag));
	assert_int_equal(diag_errors(diag), 1);
	strbuf_clear(&buf);
	for (int i = 0; i < 100; i++)
		strbuf_putc(&buf, '[');
	assert_null(yaml_parse(strbuf_slice(&buf), "t.yml", diag));
	assert_int_equal(diag_errors(diag), 2);
	strbuf_fini(&buf);
	diag_free(diag);
}

static void
says_where_it_is_no_yaml(void **state)
{
	struct diag *diag = diag_new();

	(void)state;
	assert_null(parsed("a: 1\nb: [1, 2\nc: 3\n", diag));
	assert_int_equal(diag_errors(diag), 1);
	assert_true(diag_at(diag, 0)->line >= 2);
	assert_null(yaml_load("/nonexistent/file.yml", diag));
	assert_int_equal(diag_errors(diag), 2);
	assert_null(yaml_parse(SLICE("a: \xff\xfe"), "t.yml", diag));
	diag_free(diag);
}

static void
tells_booleans_from_text(void **state)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = parsed("[true, False, yes, \"true\"]", diag);
	const struct yaml_node *list = yaml_root(doc, 0);
	bool yes;

	(void)state;
	assert_true(yaml_bool(list->items[0], &yes) && yes);
	assert_true(yaml_bool(list->items[1], &yes) && !yes);
	assert_false(yaml_bool(list->items[2], &yes));
	assert_false(yaml_bool(list->items[3], &yes));
	yaml_free(doc);
	diag_free(diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_scalars_as_written_with_their_place),
		cmocka_unit_test(names_a_key_given_twice_and_keeps_the_first),
		cmocka_unit_test(finds_a_duplicate_among_many_keys),
		cmocka_unit_test(reads_several_documents),
		cmocka_unit_test(follows_aliases),
		cmocka_unit_test(refuses_billion_laughs_and_deep_nests),
		cmocka_unit_test(says_where_it_is_no_yaml),
		cmocka_unit_test(tells_booleans_from_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
