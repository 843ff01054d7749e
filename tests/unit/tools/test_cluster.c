/* Lines that look alike become templates that read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "engine/strbuf.h"
#include "parsers/template.h"
#include "tools/cluster.h"

static struct clusters *clusters;
static struct strbuf text;

static int
begin(void **state)
{
	(void)state;
	clusters = clusters_new();
	strbuf_init(&text);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	clusters_free(clusters);
	strbuf_fini(&text);
	return 0;
}

static void
add(const char *line)
{
	clusters_add(clusters, SLICE("gate"), SLICE("192.0.2.9"),
	    slice_cstr(line));
}

static const struct cluster *
at(size_t i)
{
	size_t n;
	struct cluster *const *list = clusters_list(clusters, &n);

	assert_true(i < n);
	strbuf_clear(&text);
	cluster_template(list[i], NULL, NULL, &text);
	return list[i];
}

static void
words_that_differ_become_holes_of_their_type(void **state)
{
	(void)state;
	add("user mika opened door 17 at 192.0.2.1");
	add("user rei opened door 18 at 2001:db8::7");
	assert_int_equal(at(0)->count, 2);
	assert_string_equal(text.ptr,
	    "user {word2:word} opened door {int8:int} at {ip12:ip}");
}

static void
lines_of_other_words_stay_apart(void **state)
{
	(void)state;
	add("door opened by mika");
	add("fire reported in hall");
	assert_int_equal(at(0)->count, 1);
	assert_string_equal(text.ptr, "door opened by mika");
	assert_string_equal((at(1), text.ptr), "fire reported in hall");
}

static uint16_t
any_name(void *arg, struct slice name)
{
	(void)arg;
	(void)name;
	return 1;
}

static void
every_template_reads_its_samples(void **state)
{
	static const char *const lines[] = {
		"battery low: 3.5 V {x} ((deep)) [[a]]",
		"battery low: 4 V {x} ((deep)) [[a]]",
		"took 2026-11-21T10:00:00Z id=0xdeadbeef \"GET /a b\" -5",
		"took 2026-11-21T10:00:01Z id=0xdeadbee0 \"GET /b c\" 6",
		"Nov 21 10:00:00 at [192.0.2.1]:80, 10:00", "x|y||z", "{}",
		"tab\tand   blanks", "caf\xc3\xa9 \xff\xfe", "\"\" \"open",
		"1.2.3.4.5 ::1 fe80::1%eth0 1:2 -- .", "a->b 100% #7" };
	struct arena *arena = arena_new(0);
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		add(lines[i]);
	clusters_list(clusters, &n);
	for (size_t i = 0; i < n; i++) {
		struct template_tree *tree = template_tree_new(arena);
		const struct cluster *cluster = at(i);
		struct template_match match;
		size_t where;
		const char *wrong = template_add(tree, strbuf_slice(&text), 0,
		    any_name, NULL, &where);

		if (wrong != NULL)
			print_message("%s: %s\n", text.ptr, wrong);
		assert_null(wrong);
		template_finish(tree);
		for (size_t k = 0; k < cluster->nsamples; k++) {
			if (!template_match(tree, cluster->samples[k], &match))
				fail_msg("%s does not read %.*s", text.ptr,
				    (int)cluster->samples[k].len,
				    cluster->samples[k].ptr);
		}
	}
	arena_free(arena);
}

static void
shapes_past_the_limit_are_counted(void **state)
{
	char line[64];

	(void)state;
	for (int i = 0; i < CLUSTERS + 10; i++) {
		size_t n = 0;

		for (int bit = 0; bit < 12; bit++)
			line[n++] = (i >> bit & 1) != 0 ? ',' : ';';
		line[n] = '\0';
		add(line);
	}
	assert_int_equal(clusters_left_out(clusters), 10);
	assert_int_equal(at(0)->count, 1);
}

static void
a_line_without_end_is_cut_into_so_many_parts(void **state)
{
	char line[4000];

	(void)state;
	for (size_t i = 0; i < sizeof(line); i += 2) {
		line[i] = 'a';
		line[i + 1] = ',';
	}
	line[sizeof(line) - 1] = '\0';
	add(line);
	assert_int_equal(at(0)->natoms, CLUSTER_ATOMS + 1);
	assert_true(slice_ends(strbuf_slice(&text), SLICE(":rest}")));
	assert_int_equal(at(0)->samples[0].len, CLUSTER_SAMPLE_BYTES);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(words_that_differ_become_holes_of_their_type),
		TEST(lines_of_other_words_stay_apart),
		TEST(every_template_reads_its_samples),
		TEST(shapes_past_the_limit_are_counted),
		TEST(a_line_without_end_is_cut_into_so_many_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
