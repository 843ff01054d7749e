#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "correlation/nibble.h"
#include "engine/fold.h"

static bool
is_one(const char *triples, size_t n, const char *at)
{
	for (size_t i = 0; i < n; i++) {
		bool same = true;

		for (size_t k = 0; k < NIBBLE_BYTES; k++)
			same = same && (char)fold_ascii[(unsigned char)at[k]]
			    == triples[i * NIBBLE_BYTES + k];
		if (same)
			return true;
	}
	return false;
}

/* No place that has a triple is passed over, whatever the length. */
static void
every_place_with_a_triple_is_found_at_every_length(void **state)
{
	static const char letters[] = "abcDEF:\\\xc3\xa9";
	unsigned seed = 7;

	(void)state;
	if (!nibble_usable()) {
		printf("skipped: this processor has no SSSE3\n");
		return;
	}
	for (int round = 0; round < 3000; round++) {
		struct nibble nibble = { 0 };
		char triples[20 * NIBBLE_BYTES], text[70];
		size_t n = (size_t)(rand_r(&seed) % 20) + 1;
		size_t len = (size_t)(rand_r(&seed) % (int)sizeof(text));
		bool high = false, has_high = false;
		char *in;

		for (size_t i = 0; i < n * NIBBLE_BYTES; i++)
			triples[i] = (char)fold_ascii[(unsigned char)
			    letters[rand_r(&seed) % 10]];
		for (size_t i = 0; i < n; i++)
			nibble_add(&nibble, triples + i * NIBBLE_BYTES,
			    (unsigned)i % NIBBLE_SETS);
		/* From the heap: reading behind it is found out. */
		in = malloc(len + 1);
		for (size_t i = 0; i < len; i++) {
			in[i] = letters[rand_r(&seed) % 10];
			has_high = has_high || (unsigned char)in[i] > 0x7f;
		}
		in = realloc(in, len > 0 ? len : 1);
		for (size_t at = 0, from = 0; from <= len; from = at + 1) {
			at = nibble_find(&nibble, slice_of(in, len), from,
			    &high);
			assert_true(at >= from && at <= len);
			for (size_t i = from; i < at && i + NIBBLE_BYTES <= len;
			    i++)
				assert_false(is_one(triples, n, in + i));
			if (at == len)
				break;
		}
		assert_true(high == has_high);
		free(in);
	}
}

static void
only_two_characters_become_ascii(void **state)
{
	(void)state;
	for (uint32_t point = 0x80; point < 0x110000; point++)
		assert_true((fold_point(point) < 0x80) ==
		    (point == 0x212a || point == 0x17f));
	assert_true(fold_hides_ascii(SLICE("a\xe2\x84\xaa")));
	assert_true(fold_hides_ascii(SLICE("\xc5\xbf")));
	assert_false(fold_hides_ascii(SLICE("k\xc3\xa9s")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_place_with_a_triple_is_found_at_every_length),
		cmocka_unit_test(only_two_characters_become_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
