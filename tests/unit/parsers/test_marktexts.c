/* Texts found in one pass are those that a search for each would find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/arena.h"
#include "parsers/markindex.h"
#include "parsers/marktexts.h"

#define LINE_BYTES 200

static void
has_exactly(const struct candidates *found, const uint32_t *want, size_t n)
{
	assert_int_equal(found->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(found->at[i], want[i]);
}

/* Each length of line has its text at every place, so that it meets both ends
 * and every border between the blocks that are looked at together. */
static void
a_text_is_found_wherever_it_stands(void **state)
{
	static const char *const all[] = { "%AB", "key=", "(long text)" };
	struct arena *arena = arena_new(0);
	struct marktexts *texts = marktexts_new(arena);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		marktexts_add(texts, slice_cstr(all[i]), i);
	marktexts_ready(texts);
	for (uint32_t t = 0; t < 3; t++) {
		size_t len = strlen(all[t]);

		for (size_t n = len; n < LINE_BYTES; n++)
			for (size_t at = 0; at + len <= n; at++) {
				struct candidates found = { .n = 0 };
				char *line = malloc(n);

				memset(line, 'k', n);
				memcpy(line + at, all[t], len);
				marktexts_find(texts, slice_of(line, n),
				    &found);
				has_exactly(&found, &t, 1);
				free(line);
			}
	}
	arena_free(arena);
}

static uint32_t
next_number(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Letters are few, so that texts overlap and share their grams. */
static size_t
make_text(char *out, size_t least, size_t most, uint32_t *seed)
{
	static const char letters[] = "ab=% \xc3";
	size_t n = least + next_number(seed) % (most - least + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = letters[next_number(seed) % 6];
	return n;
}

static void
many_texts_give_what_a_search_for_each_gives(void **state)
{
	char texts[24][8], line[LINE_BYTES];
	size_t lens[24];
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct arena *arena = arena_new(0);
		struct marktexts *all = marktexts_new(arena);

		for (uint32_t i = 0; i < 24; i++) {
			lens[i] = make_text(texts[i], i % 3 == 0 ? 0 : 3, 8,
			    &seed);
			if (i % 3 == 0)
				marktexts_add_start(all, slice_of(texts[i],
				    lens[i]), i);
			else
				marktexts_add(all, slice_of(texts[i], lens[i]),
				    i);
		}
		marktexts_ready(all);
		for (int k = 0; k < 20; k++) {
			struct slice body = slice_of(line, make_text(line, 0,
			    LINE_BYTES, &seed));
			struct candidates found = { .n = 0 };
			uint32_t want[24];
			size_t n = 0;

			for (uint32_t i = 0; i < 24; i++) {
				struct slice text = slice_of(texts[i],
				    lens[i]);

				if (i % 3 == 0 ? slice_starts(body, text)
				    : slice_find(body, text) >= 0)
					want[n++] = i;
			}
			marktexts_find(all, body, &found);
			has_exactly(&found, want, n);
		}
		arena_free(arena);
	}
}

/* More than CROWD texts with one gram: others of theirs are taken. */
static void
texts_that_begin_alike_are_all_found(void **state)
{
	struct arena *arena = arena_new(0);
	struct marktexts *texts = marktexts_new(arena);
	char text[300][16];

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		snprintf(text[i], sizeof(text[i]), "%%MARK-%u-", i);
		marktexts_add(texts, slice_cstr(text[i]), i);
	}
	marktexts_ready(texts);
	for (uint32_t i = 0; i < 300; i++) {
		struct candidates found = { .n = 0 };

		marktexts_find(texts, slice_cstr(text[i]), &found);
		has_exactly(&found, &i, 1);
	}
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_found_wherever_it_stands),
		cmocka_unit_test(many_texts_give_what_a_search_for_each_gives),
		cmocka_unit_test(texts_that_begin_alike_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
