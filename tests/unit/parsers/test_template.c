#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "parsers/template.h"

/* Names are numbered in the order in which they are first met. */
struct names {
	struct slice at[64];
	uint16_t n;
};

static struct arena *arena;
static struct names names;
static struct template_tree *tree;
static struct template_match match;

static uint16_t
number_of(void *arg, struct slice name)
{
	struct names *all = arg;

	for (uint16_t i = 0; i < all->n; i++)
		if (slice_eq(all->at[i], name))
			return i;
	all->at[all->n] = arena_dup(arena, name);
	return all->n++;
}

static int
begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	names.n = 0;
	tree = template_tree_new(arena);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const char *
add(const char *text, unsigned number)
{
	size_t at;

	return template_add(tree, slice_cstr(text), number, number_of, &names,
	    &at);
}

static bool
matches(const char *line)
{
	template_finish(tree);
	return template_match(tree, slice_cstr(line), &match);
}

/* The last capture of that name, as text. */
static const char *
captured(const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < match.n; i++)
		if (slice_eq(names.at[match.captures[i].name],
		    slice_cstr(name)))
			found = arena_cstr(arena, match.captures[i].text);
	return found;
}

static void
takes_what_stands_between_the_literals(void **state)
{
	(void)state;
	assert_null(add("Accepted {how:word} for {user} from {ip:ip} "
	    "port {port:int} ssh2", 7));
	assert_true(matches("Accepted publickey for hana from 192.0.2.1 "
	    "port 22 ssh2"));
	assert_int_equal(match.number, 7);
	assert_string_equal(captured("how"), "publickey");
	assert_string_equal(captured("user"), "hana");
	assert_string_equal(captured("ip"), "192.0.2.1");
	assert_string_equal(captured("port"), "22");
	assert_false(matches("Accepted publickey for hana from nowhere "
	    "port 22 ssh2"));
}

static void
reads_an_attackers_name_from_the_right(void **state)
{
	(void)state;
	assert_null(add("Failed password for {user:last} from {ip:ip} "
	    "port {port:int} ssh2", 1));
	assert_true(matches("Failed password for x from 10.0.0.1 port 1 ssh2 "
	    "from 192.0.2.9 port 40 ssh2"));
	assert_string_equal(captured("ip"), "192.0.2.9");
	assert_string_equal(captured("user"),
	    "x from 10.0.0.1 port 1 ssh2");
}

static void
leaves_out_optional_parts(void **state)
{
	(void)state;
	assert_null(add("Invalid user {user:last} from {ip:ip}"
	    "[[ port {port:int}]]", 1));
	assert_true(matches("Invalid user bob from 192.0.2.9"));
	assert_null(captured("port"));
	assert_true(matches("Invalid user bob from 192.0.2.9 port 7"));
	assert_string_equal(captured("port"), "7");
}

static void
chooses_among_alternatives(void **state)
{
	(void)state;
	assert_null(add("session ((opened|closed)) for {user:word}", 1));
	assert_true(matches("session opened for root"));
	assert_true(matches("session closed for root"));
	assert_false(matches("session lost for root"));
}

static void
prefers_the_template_that_says_more(void **state)
{
	(void)state;
	assert_null(add("User {user:last} not allowed because {why:rest}", 1));
	assert_null(add("User {user:last} from {ip:ip} not allowed because "
	    "{why:rest}", 2));
	assert_null(add("{all:rest}", 3));
	assert_true(matches("User bob from 192.0.2.1 not allowed because no"));
	assert_int_equal(match.number, 2);
	assert_true(matches("User bob not allowed because no"));
	assert_int_equal(match.number, 1);
	assert_true(matches("something else"));
	assert_int_equal(match.number, 3);
}

static void
takes_any_number_of_blanks_for_one(void **state)
{
	(void)state;
	assert_null(add("{user:text} : TTY={tty}", 1));
	assert_true(matches("    mike   : \t TTY=pts/0   "));
	assert_string_equal(captured("user"), "mike");
	assert_string_equal(captured("tty"), "pts/0");
}

static void
reads_addresses_of_both_families(void **state)
{
	(void)state;
	assert_null(add("from {ip:ip}:{port:int}", 1));
	assert_null(add("from {ip:ip}", 2));
	assert_true(matches("from 192.0.2.1:80"));
	assert_string_equal(captured("ip"), "192.0.2.1");
	assert_true(matches("from 2001:db8::1"));
	assert_string_equal(captured("ip"), "2001:db8::1");
	assert_true(matches("from fe80::1%eth0"));
	assert_string_equal(captured("ip"), "fe80::1");
}

static void
reads_quotes_numbers_and_braces(void **state)
{
	(void)state;
	assert_null(add("{{{n:num}}} {q:quoted} {h:hex} {m:mac}", 1));
	assert_true(matches("{-1.5} \"a \\\" b\" 0x3e7 00:11:22:aa:bb:cc"));
	assert_string_equal(captured("n"), "-1.5");
	assert_string_equal(captured("q"), "a \\\" b");
	assert_string_equal(captured("h"), "0x3e7");
}

static void
names_what_is_wrong(void **state)
{
	(void)state;
	assert_non_null(add("{user:wrod}", 1));
	assert_non_null(add("{user", 1));
	assert_non_null(add("a [[ b", 1));
	assert_non_null(add("a (( b | c", 1));
	assert_non_null(add("{}", 1));
	assert_non_null(add("[[a]][[b]][[c]][[d]][[e]][[f]][[g]][[h]][[i]]",
	    1));
}

static void
ends_on_lines_made_to_be_slow(void **state)
{
	char *line = malloc(60001);

	(void)state;
	assert_non_null(line);
	assert_null(add("{a} x {b} x {c} x {d} x {e} x {f} y", 1));
	for (size_t i = 0; i < 60000; i++)
		line[i] = i % 2 == 0 ? ' ' : 'x';
	line[60000] = '\0';
	assert_false(matches(line));
	free(line);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(takes_what_stands_between_the_literals),
		T(reads_an_attackers_name_from_the_right),
		T(leaves_out_optional_parts),
		T(chooses_among_alternatives),
		T(prefers_the_template_that_says_more),
		T(takes_any_number_of_blanks_for_one),
		T(reads_addresses_of_both_families),
		T(reads_quotes_numbers_and_braces),
		T(names_what_is_wrong),
		T(ends_on_lines_made_to_be_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
