/* slice, strbuf, arena, hash, map, err: too small for a file each. */
#include "engine/slice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "engine/map.h"
#include "engine/strbuf.h"

static void
numbers_are_read_whole_or_not_at_all(void **state)
{
	uint64_t u = 7;
	int64_t n = 7;
	double d = 7;

	(void)state;
	assert_true(slice_ulong(SLICE("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	u = 7;
	assert_false(slice_ulong(SLICE("18446744073709551616"), &u));
	assert_false(slice_ulong(SLICE("184467440737095516150"), &u));
	assert_false(slice_ulong(SLICE(""), &u));
	assert_false(slice_ulong(SLICE("+1"), &u));
	assert_false(slice_ulong(SLICE("1 "), &u));
	assert_int_equal(u, 7);
	assert_true(slice_long(SLICE("-9223372036854775808"), &n));
	assert_true(n == INT64_MIN);
	assert_false(slice_long(SLICE("9223372036854775808"), &n));
	assert_false(slice_long(SLICE("-"), &n));
	assert_false(slice_long(SLICE("--1"), &n));
	assert_true(slice_double(SLICE("-1.5e3"), &d));
	assert_true(d == -1500);
	assert_true(slice_double(SLICE(".5"), &d) && d == 0.5);
	assert_true(slice_double(SLICE("5."), &d) && d == 5);
	assert_false(slice_double(SLICE("0x10"), &d));
	assert_false(slice_double(SLICE("inf"), &d));
	assert_false(slice_double(SLICE("nan"), &d));
	assert_false(slice_double(SLICE("1e999"), &d));
	assert_false(slice_double(SLICE(" 1"), &d));
	assert_false(slice_double(SLICE("1e"), &d));
	assert_false(slice_double(SLICE("."), &d));
	assert_false(slice_double(SLICE(""), &d));
}

static void
slices_are_searched_and_compared(void **state)
{
	struct slice s = SLICE("Failed password for Root");

	(void)state;
	assert_int_equal(slice_find(s, SLICE("password")), 7);
	assert_int_equal(slice_find(s, SLICE("Password")), -1);
	assert_int_equal(slice_find_nocase(s, SLICE("PASSWORD")), 7);
	assert_int_equal(slice_find_nocase(s, SLICE("root")), 20);
	assert_int_equal(slice_find_nocase(s, SLICE("rooty")), -1);
	assert_int_equal(slice_find(s, SLICE("")), 0);
	assert_int_equal(slice_find(SLICE(""), SLICE("x")), -1);
	assert_int_equal(slice_find_byte(s, 'R'), 20);
	assert_true(slice_cmp(SLICE("ab"), SLICE("abc")) < 0);
	assert_true(slice_cmp(SLICE("b"), SLICE("abc")) > 0);
	assert_int_equal(slice_cmp(SLICE(""), slice_of(NULL, 0)), 0);
	assert_true(slice_eq_nocase(SLICE("aBc"), SLICE("AbC")));
	assert_false(slice_eq_nocase(SLICE("abc"), SLICE("abd")));
	assert_true(slice_eq(slice_trim(SLICE(" \t a b\r\n")), SLICE("a b")));
	assert_int_equal(slice_trim(SLICE(" \n")).len, 0);
}

static void
text_grows_and_always_ends(void **state)
{
	struct strbuf buf = STRBUF_INIT;

	(void)state;
	assert_string_equal(buf.ptr, "");
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&buf, "%d,", i);
	assert_int_equal(buf.len, 3890);
	assert_int_equal(strlen(buf.ptr), 3890);
	strbuf_clear(&buf);
	strbuf_putlong(&buf, INT64_MIN);
	strbuf_putc(&buf, ' ');
	strbuf_putlong(&buf, 0);
	strbuf_put(&buf, slice_of(NULL, 0));
	assert_string_equal(buf.ptr, "-9223372036854775808 0");
	strbuf_fini(&buf);
	strbuf_fini(&buf);
}

static void
arena_memory_is_apart_and_aligned(void **state)
{
	struct arena *arena = arena_new(4096);
	unsigned char *parts[500];
	size_t taken;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 500; i++) {
			parts[i] = i % 3 == 0 ?
			    (unsigned char *)arena_text(arena, i * 7) :
			    arena_alloc(arena, i * 7);
			if (i % 3 != 0)
				assert_int_equal((uintptr_t)parts[i] & 7, 0);
			memset(parts[i], (int)i & 0xff, i * 7);
		}
		for (size_t i = 0; i < 500; i++)
			for (size_t j = 0; j < i * 7; j++)
				assert_int_equal(parts[i][j], i & 0xff);
		arena_reset(arena);
	}
	taken = arena_bytes(arena);
	assert_true(taken <= 4096 + 64);
	assert_string_equal(arena_cstr(arena, SLICE("abc")), "abc");
	assert_int_equal(arena_dup(arena, slice_of(NULL, 0)).len, 0);
	arena_free(arena);
	arena_free(NULL);
}

static void
hashes_answer_known_vectors(void **state)
{
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1], zeros[32] = { 0 };

	(void)state;
	/* RFC 3720 B.4 */
	assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283);
	assert_int_equal(crc32c(0, slice_of(zeros, 32)), 0x8a9136aa);
	assert_int_equal(crc32c(crc32c(0, SLICE("12345")), SLICE("6789")),
	    0xe3069283);
	assert_int_equal(crc32c(0, SLICE("")), 0);
	sha256(SLICE("abc"), digest);
	hex_encode(digest, SHA256_BYTES, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	/* Part of file formats. */
	assert_true(hash64_fixed(SLICE(""), 0) ==
	    UINT64_C(0x1d7166dfe00d063f));
	assert_true(hash64_fixed(SLICE("source.ip"), 1) ==
	    UINT64_C(0xfccaadbc484b3856));
	assert_true(hash64_fixed(SLICE("a text of more than sixteen bytes"),
	    2) == UINT64_C(0x4f3afa2652313de5));
	assert_true(hash64(SLICE("a")) != hash64(SLICE("b")));
	assert_true(hash64(SLICE("a")) == hash64(SLICE("a")));
}

static void
maps_find_what_was_put_and_not_what_was_removed(void **state)
{
	struct map *map = map_new();
	char key[16];
	struct slice seen;
	union map_value value;
	size_t at = 0, n = 0;
	bool made;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		int len = snprintf(key, sizeof(key), "key%u", i);

		map_get(map, slice_of(key, (size_t)len), &made)->num = i;
		assert_true(made);
	}
	for (unsigned i = 0; i < 5000; i += 3) {
		int len = snprintf(key, sizeof(key), "key%u", i);

		assert_true(map_remove(map, slice_of(key, (size_t)len)));
		assert_false(map_remove(map, slice_of(key, (size_t)len)));
	}
	for (unsigned i = 0; i < 5000; i++) {
		int len = snprintf(key, sizeof(key), "key%u", i);
		union map_value *found = map_find(map,
		    slice_of(key, (size_t)len));

		if (i % 3 == 0)
			assert_null(found);
		else
			assert_int_equal(found->num, i);
	}
	while (map_next(map, &at, &seen, &value))
		n += value.num % 3 != 0 && seen.len > 3;
	assert_int_equal(n, map_count(map));
	assert_int_equal(n, 5000 - 1667);
	map_get(map, SLICE(""), &made);
	assert_true(made);
	assert_non_null(map_find(map, slice_of(NULL, 0)));
	map_free(map);
	map_free(NULL);
}

static void
failures_carry_their_context(void **state)
{
	struct err err;
	char longer[600];

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&err, ERR_IO, "open %s", "x"), -1);
	err_context(&err, "store %s", "/data");
	assert_string_equal(err.text,
	    "store /data: open x: No such file or directory");
	assert_int_equal(err_exit_code(&err), 4);
	memset(longer, 'c', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_context(&err, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err_set(NULL, ERR_USAGE, "nobody asks"), -1);
	err_clear(&err);
	assert_int_equal(err_exit_code(&err), 0);
}

/* Few letters, so that beginnings and ends of the needle come often; every
 * length around the steps of sixteen. */
static void
a_text_is_found_where_it_first_stands(void **state)
{
	char text[100], needle[8];

	(void)state;
	srand(3);
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % sizeof(text);
		size_t n = (size_t)rand() % (sizeof(needle) + 1);
		const char *at;
		ptrdiff_t found;

		for (size_t i = 0; i < len; i++)
			text[i] = "ab"[rand() % 9 == 0];
		for (size_t i = 0; i < n; i++)
			needle[i] = "ab"[rand() % 3 == 0];
		at = memmem(text, len, needle, n);
		found = slice_find(slice_of(text, len), slice_of(needle, n));
		assert_int_equal(found, at == NULL ? -1 : at - text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
		cmocka_unit_test(slices_are_searched_and_compared),
		cmocka_unit_test(text_grows_and_always_ends),
		cmocka_unit_test(arena_memory_is_apart_and_aligned),
		cmocka_unit_test(hashes_answer_known_vectors),
		cmocka_unit_test(maps_find_what_was_put_and_not_what_was_removed),
		cmocka_unit_test(failures_carry_their_context),
		cmocka_unit_test(a_text_is_found_where_it_first_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
