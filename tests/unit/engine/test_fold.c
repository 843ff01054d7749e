#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "engine/fold.h"
#include "engine/utf8.h"

static void
assert_folds(const char *from, const char *to)
{
	struct arena *arena = arena_new(0);
	struct slice got = fold_dup(arena, slice_cstr(from));

	assert_int_equal(got.len, strlen(to));
	assert_memory_equal(got.ptr, to, got.len);
	arena_free(arena);
}

static void
folds_letters_of_every_script(void **state)
{
	(void)state;
	assert_folds("AbC [\\]^_ 09", "abc [\\]^_ 09");
	assert_folds("\xc3\x84\xc3\x96", "\xc3\xa4\xc3\xb6");
	assert_folds("\xd0\x90\xd0\x94\xd0\x9c", "\xd0\xb0\xd0\xb4\xd0\xbc");
	assert_folds("\xe2\x84\xaa", "k");	/* the Kelvin sign */
	assert_folds("\xe6\x97\xa5", "\xe6\x97\xa5");
}

static void
keeps_bytes_that_are_not_utf8(void **state)
{
	(void)state;
	assert_folds("A\xff\xc3", "a\xff\xc3");
}

static void
folding_twice_changes_nothing_and_stays_in_its_room(void **state)
{
	(void)state;
	for (uint32_t point = 0x80; point < 0x20000; point++) {
		char in[UTF8_BYTES], out[UTF8_BYTES];
		uint32_t folded = fold_point(point);

		if (point >= 0xd800 && point < 0xe000)
			continue;
		assert_int_equal(fold_point(folded), folded);
		assert_true(utf8_put(out, folded) <=
		    utf8_put(in, point) * 3 / 2);
	}
}

static void
sees_one_high_byte_among_many(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = '\x80';
		assert_false(fold_is_ascii(slice_of(text, sizeof(text))));
		text[i] = 'a';
		assert_true(fold_is_ascii(slice_of(text, sizeof(text))));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_letters_of_every_script),
		cmocka_unit_test(keeps_bytes_that_are_not_utf8),
		cmocka_unit_test(folding_twice_changes_nothing_and_stays_in_its_room),
		cmocka_unit_test(sees_one_high_byte_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
