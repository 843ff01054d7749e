#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "engine/glob.h"

static bool
like(const char *pattern, const char *text)
{
	struct arena *arena = arena_new(0);
	glob_unit unit[256];
	size_t n = glob_read(unit, slice_cstr(pattern));
	bool yes = glob_match(glob_build(arena, unit, n, true),
	    slice_cstr(text));

	arena_free(arena);
	return yes;
}

static void
without_wildcards_the_whole_text_must_be_equal(void **state)
{
	(void)state;
	assert_true(like("abc", "abc"));
	assert_false(like("abc", "abcd"));
	assert_false(like("abc", "ab"));
	assert_true(like("", ""));
	assert_false(like("", "a"));
}

static void
a_star_stands_for_anything_line_feeds_too(void **state)
{
	(void)state;
	assert_true(like("a*c", "ac"));
	assert_true(like("a*c", "a\nb\nc"));
	assert_true(like("*", ""));
	assert_true(like("**a**", "bab"));
	assert_false(like("a*c", "acd"));
	assert_true(like("*ab*ab", "ababxab"));
	assert_false(like("*ab*abc", "ababxab"));
}

static void
a_question_mark_is_one_character_not_one_byte(void **state)
{
	(void)state;
	assert_true(like("a?c", "abc"));
	assert_true(like("a?c", "a\xc3\xa4""c"));
	assert_false(like("a?c", "ac"));
	assert_false(like("a??c", "a\xc3\xa4""c"));
	assert_true(like("?", "\xff"));
	assert_true(like("*?", "\xe6\x97\xa5"));
}

static void
a_backslash_escapes_only_what_is_special(void **state)
{
	(void)state;
	assert_true(like("a\\*c", "a*c"));
	assert_false(like("a\\*c", "abc"));
	assert_true(like("C:\\Windows", "C:\\Windows"));
	assert_true(like("C:\\\\Windows", "C:\\Windows"));
	assert_true(like("a\\\\*", "a\\xyz"));
	assert_true(like("dir\\", "dir\\"));
}

static void
knows_the_longest_text_that_must_be_there(void **state)
{
	struct arena *arena = arena_new(0);
	glob_unit unit[64];
	size_t n = glob_read(unit, SLICE("*ab?CDE*f"));

	(void)state;
	assert_true(slice_eq(glob_literal(glob_build(arena, unit, n, false)),
	    SLICE("cde")));
	assert_true(slice_eq(glob_literal(glob_build(arena, unit, n, true)),
	    SLICE("CDE")));
	arena_free(arena);
}

/* What hostile text could make slow: many stars over many equal letters. */
static void
many_stars_over_long_text_end_soon(void **state)
{
	char text[4001];

	(void)state;
	memset(text, 'a', 4000);
	text[4000] = '\0';
	assert_false(like("*a*a*a*a*a*a*a*a*a*a*b", text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_wildcards_the_whole_text_must_be_equal),
		cmocka_unit_test(a_star_stands_for_anything_line_feeds_too),
		cmocka_unit_test(a_question_mark_is_one_character_not_one_byte),
		cmocka_unit_test(a_backslash_escapes_only_what_is_special),
		cmocka_unit_test(knows_the_longest_text_that_must_be_there),
		cmocka_unit_test(many_stars_over_long_text_end_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
