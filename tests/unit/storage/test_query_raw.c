#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "storage/query_raw.h"

static struct arena *arena;

static int
begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static bool
word(const char *pattern, const char *line)
{
	return needle_in(needle_word(arena, slice_cstr(pattern)),
	    slice_cstr(line));
}

static bool
phrase(const char *text, const char *line)
{
	return needle_in(needle_phrase(arena, slice_cstr(text)),
	    slice_cstr(line));
}

static void
a_phrase_is_found_anywhere_without_case(void **state)
{
	(void)state;
	assert_true(phrase("AbC", "xxaBcxx"));
	assert_true(phrase("a", "A"));
	assert_true(phrase("a*b", "xA*Bx"));
	assert_false(phrase("a*b", "axb"));
	assert_false(phrase("abc", "ab"));
	assert_false(phrase("abc", ""));
	assert_true(phrase("@[`{", "@[`{"));
	assert_false(phrase("@", "`"));	/* 32 apart, but no letters */
	assert_true(phrase("\xc3\xa4", "x\xc3\xa4x"));
}

static void
a_word_ends_where_words_end(void **state)
{
	(void)state;
	assert_true(word("root", "for root from"));
	assert_true(word("root", "root"));
	assert_true(word("root", "user=root,"));
	assert_false(word("root", "rootkit"));
	assert_false(word("root", "chroot"));
	assert_false(word("root", "ro_root"));
	assert_false(word("root", "root\xc3\xa4"));
	assert_true(word("root", "chroot root"));
	assert_true(word("10.0.0.1", "src=10.0.0.1:80"));
	assert_false(word("10.0.0.1", "110.0.0.1"));
	assert_false(word("10.0.0.1", "10.0.0.12"));
	assert_true(word("[12]", "sshd[12]:"));
}

static void
wildcards_stay_within_blanks(void **state)
{
	(void)state;
	assert_true(word("fail*", "login failed"));
	assert_true(word("fail*", "fail"));
	assert_false(word("fail*", "unfailing"));
	assert_true(word("*ing", "unfailing"));
	assert_true(word("*fail*", "unfailing"));
	assert_true(word("a*z", "abc-xyz end"));
	assert_false(word("a*z", "abc xyz"));
	assert_true(word("r??t", "r\xc3\xa4ot"));
	assert_false(word("r?t", "r t"));
	assert_true(word("a*b*c", "a1b2b3c"));
	assert_false(word("a*b*c", "a1b2b3cd"));
	assert_true(word("a*b*c", "a1b2b3cd a-bc"));
	assert_true(word("a\\*b", "x a*b y"));
	assert_false(word("a\\*b", "axb"));
}

/* The same by trying every place and every split. */
static bool
slow_glob(const char *p, const char *pend, const char *s, const char *send)
{
	if (p == pend)
		return s == send;
	if (*p == '*')
		return slow_glob(p + 1, pend, s, send) || (s < send &&
		    *s != ' ' && slow_glob(p, pend, s + 1, send));
	return s < send && (*p == '?' ? *s != ' ' : *p == *s) &&
	    slow_glob(p + 1, pend, s + 1, send);
}

static bool
slow_word(const char *pattern, size_t n, const char *line)
{
	size_t len = strlen(line);
	bool free_start = pattern[0] == '*', free_end = pattern[n - 1] == '*';

	for (size_t from = 0; from <= len; from++)
		for (size_t to = from; to <= len; to++) {
			bool start = free_start || from == 0 || from == len ||
			    line[from] == '.' || line[from] == ' ' ||
			    line[from - 1] == '.' || line[from - 1] == ' ';
			bool stop = free_end || to == len || to == 0 ||
			    line[to] == '.' || line[to] == ' ' ||
			    line[to - 1] == '.' || line[to - 1] == ' ';

			if (start && stop && slow_glob(pattern, pattern + n,
			    line + from, line + to))
				return true;
		}
	return false;
}

static void
agrees_with_trying_everything(void **state)
{
	uint64_t seed = 12345;
	unsigned found = 0;

	(void)state;
	for (int i = 0; i < 30000; i++) {
		char pattern[8], line[16];
		size_t n = 1 + (size_t)(seed >> 60) % 5, m;

		for (size_t k = 0; k < n; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			pattern[k] = "aab*?."[(seed >> 33) % 6];
		}
		pattern[n] = '\0';
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		m = (size_t)(seed >> 40) % 12;
		for (size_t k = 0; k < m; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			line[k] = "aaabb. "[(seed >> 33) % 7];
		}
		line[m] = '\0';
		if (strspn(pattern, "*") == n)
			continue;	/* finds everything: no word */
		if (word(pattern, line) != slow_word(pattern, n, line))
			fail_msg("%s in \"%s\": %d", pattern, line,
			    word(pattern, line));
		found += word(pattern, line);
	}
	assert_true(found > 3000);
}

static void
a_hostile_line_costs_little(void **state)
{
	static char line[65536];
	struct needle *needle = needle_word(arena, SLICE("a*a*a*b"));

	(void)state;
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 'b';
	line[sizeof(line) - 2] = ' ';
	for (int i = 0; i < 20; i++)
		assert_false(needle_in(needle, slice_of(line, sizeof(line))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phrase_is_found_anywhere_without_case),
		cmocka_unit_test(a_word_ends_where_words_end),
		cmocka_unit_test(wildcards_stay_within_blanks),
		cmocka_unit_test(agrees_with_trying_everything),
		cmocka_unit_test(a_hostile_line_costs_little),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
