/* Charsets of lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/charset.h"
#include "engine/strbuf.h"

static struct strbuf out;

static bool
read_as(const char *name, struct slice bytes)
{
	struct charset *charset = charset_open(slice_cstr(name));
	bool good;

	assert_non_null(charset);
	strbuf_clear(&out);
	strbuf_puts(&out, "");
	good = charset_read(charset, bytes, &out);
	strbuf_putc(&out, '\0');
	charset_close(charset);
	return good;
}

static int
begin(void **state)
{
	(void)state;
	strbuf_init(&out);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	strbuf_fini(&out);
	return 0;
}

static void
text_of_each_charset_becomes_utf8(void **state)
{
	(void)state;
	assert_true(read_as("Shift_JIS", SLICE("\x83\x8d\x83\x4f")));
	assert_string_equal(out.ptr, "ログ");
	assert_true(read_as("CP932", SLICE("\x87\x40")));
	assert_string_equal(out.ptr, "①");
	assert_true(read_as("EUC-JP", SLICE("\xa5\xed\xa5\xb0 x")));
	assert_string_equal(out.ptr, "ログ x");
	assert_true(read_as("ISO-8859-1", SLICE("caf\xe9")));
	assert_string_equal(out.ptr, "café");
	assert_true(read_as("WINDOWS-1252", SLICE("\x80 5")));
	assert_string_equal(out.ptr, "€ 5");
	assert_true(read_as("UTF-16LE", SLICE("\xff\xfe" "a\0\x42\x30")));
	assert_string_equal(out.ptr, "aあ");
	assert_true(read_as("UTF-16BE", SLICE("\0a\x30\x42")));
	assert_string_equal(out.ptr, "aあ");
}

static void
bytes_that_are_no_character_are_marked_one_by_one(void **state)
{
	(void)state;
	assert_false(read_as("Shift_JIS", SLICE("a\xff\xff" "b\x83")));
	assert_string_equal(out.ptr, "a\357\277\275\357\277\275b\357\277\275");
	assert_false(read_as("UTF-16LE", SLICE("a\0b")));
	assert_string_equal(out.ptr, "a\357\277\275");
}

static void
long_texts_are_read_in_pieces(void **state)
{
	static char bytes[100001];

	(void)state;
	memset(bytes, 0xe9, sizeof(bytes));
	assert_true(read_as("ISO-8859-1", slice_of(bytes, sizeof(bytes))));
	assert_int_equal(out.len, 2 * sizeof(bytes) + 1);
}

static void
ascii_needs_no_reading_where_it_is_the_same(void **state)
{
	struct charset *charset = charset_open(SLICE("EUC-JP"));

	(void)state;
	assert_true(charset_same(charset, SLICE("plain")));
	assert_false(charset_same(charset, SLICE("\xa5\xed")));
	charset_close(charset);
	charset = charset_open(SLICE("UTF-16LE"));
	assert_false(charset_same(charset, SLICE("plain")));
	charset_close(charset);
}

static void
unknown_names_are_refused(void **state)
{
	(void)state;
	assert_true(charset_known(SLICE("EUC-JP")));
	assert_true(charset_known(SLICE("EUC-JP")));
	assert_false(charset_known(SLICE("EUC-JQ")));
	assert_false(charset_known(SLICE("")));
	assert_false(charset_known(SLICE("ASCII//TRANSLIT")));
	assert_null(charset_open(SLICE("no such thing")));
	charset_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_each_charset_becomes_utf8),
		cmocka_unit_test(
		    bytes_that_are_no_character_are_marked_one_by_one),
		cmocka_unit_test(long_texts_are_read_in_pieces),
		cmocka_unit_test(ascii_needs_no_reading_where_it_is_the_same),
		cmocka_unit_test(unknown_names_are_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
