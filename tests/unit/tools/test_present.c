#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/strbuf.h"
#include "tools/present.h"

static struct schema schema;

static int
begin(void **state)
{
	static const char *const names[] = { "name", "n" };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		schema.cols[schema.n++] =
		    field_intern(slice_cstr(names[i]));
	return 0;
}

/* Two rows: the text with 1, nothing with -2. */
static const char *
shown(enum present_format format, struct slice text)
{
	static char *out;
	size_t n;
	FILE *file;
	struct present *present;
	struct value one[2] = { value_text(text, TRANSFORM_OWNED),
		value_long(1) };
	struct value two[2] = { cell_absent(), value_long(-2) };
	struct row row = { .cells = one };

	free(out);
	file = tmpfile();
	assert_non_null(file);
	present = present_new(file, format, &schema);
	assert_true(present_row(present, &row));
	row.cells = two;
	assert_true(present_row(present, &row));
	assert_int_equal(present_end(present), 2);
	n = (size_t)ftell(file);
	out = calloc(n + 1, 1);
	rewind(file);
	assert_int_equal(fread(out, 1, n, file), n);
	fclose(file);
	return out;
}

static void
a_table_has_columns_that_fit(void **state)
{
	(void)state;
	assert_string_equal(shown(PRESENT_TABLE, SLICE("alice")),
	    "name    n\nalice   1\n       -2\n");
	assert_string_equal(shown(PRESENT_TABLE, SLICE("\xe6\xbc\xa2\xe5\xad"
	    "\x97")), "name   n\n\xe6\xbc\xa2\xe5\xad\x97   1\n      -2\n");
}

static void
json_is_one_object_a_row_without_absent_keys(void **state)
{
	(void)state;
	assert_string_equal(shown(PRESENT_JSON, SLICE("a\"b\xff")),
	    "{\"name\":\"a\\\"b\\\\xff\",\"n\":1}\n{\"n\":-2}\n");
}

static void
csv_quotes_and_guards_against_formulas(void **state)
{
	(void)state;
	assert_string_equal(shown(PRESENT_CSV, SLICE("a")),
	    "name,n\r\na,1\r\n,-2\r\n");
	assert_string_equal(shown(PRESENT_CSV, SLICE("a,\"b\"")),
	    "name,n\r\n\"a,\"\"b\"\"\",1\r\n,-2\r\n");
	assert_string_equal(shown(PRESENT_CSV, SLICE("=1+1")),
	    "name,n\r\n\"'=1+1\",1\r\n,-2\r\n");
	assert_string_equal(shown(PRESENT_CSV, SLICE("two\nlines")),
	    "name,n\r\n\"two\nlines\",1\r\n,-2\r\n");
}

static void
assert_text(const char *in, const char *out)
{
	struct strbuf buf = STRBUF_INIT;

	present_text(&buf, slice_cstr(in));
	assert_string_equal(buf.ptr, out);
	strbuf_fini(&buf);
}

static void
nothing_reaches_a_terminal_unescaped(void **state)
{
	(void)state;
	assert_text("plain", "plain");
	assert_text("\033[31mred", "\\x1b[31mred");
	assert_text("a\nb\rc\td\177", "a\\x0ab\\x0dc d\\x7f");
	assert_text("\xff\xc3", "\\xff\\xc3");
	assert_text("\xc2\x9b" "31m", "\\u{9b}31m");	/* C1: CSI */
	assert_text("a\xe2\x80\xae" "exe.txt", "a\\u{202e}exe.txt");
	assert_text("\xe6\xbc\xa2", "\xe6\xbc\xa2");
}

static void
long_text_is_cut_by_columns(void **state)
{
	struct strbuf buf = STRBUF_INIT;

	(void)state;
	present_fit(&buf, SLICE("abcdef"), 4);
	assert_string_equal(buf.ptr, "abc\xe2\x80\xa6");
	strbuf_clear(&buf);
	present_fit(&buf, SLICE("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"), 4);
	assert_string_equal(buf.ptr, "\xe6\xbc\xa2\xe2\x80\xa6");
	strbuf_clear(&buf);
	present_fit(&buf, SLICE("abc"), 3);
	assert_string_equal(buf.ptr, "abc");
	strbuf_fini(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_has_columns_that_fit),
		cmocka_unit_test(json_is_one_object_a_row_without_absent_keys),
		cmocka_unit_test(csv_quotes_and_guards_against_formulas),
		cmocka_unit_test(nothing_reaches_a_terminal_unescaped),
		cmocka_unit_test(long_text_is_cut_by_columns),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
