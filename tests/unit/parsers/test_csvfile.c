#include "parsers/csvfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/diag.h"

struct fixture {
	struct diag *diag;
	struct csvfile *file;
	struct slice cells[CSVFILE_CELLS];
};

static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	f.diag = diag_new();
	f.file = NULL;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	csvfile_close(f.file);
	diag_free(f.diag);
	return 0;
}

static void
parse(struct slice text)
{
	f.file = csvfile_parse(text, "t.csv", f.diag);
}

/* The next row, cells joined by a bar; "end" behind the last. */
static const char *
row(void)
{
	static char text[512];
	size_t n = csvfile_next(f.file, f.cells), len = 0;

	if (n == 0)
		return "end";
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%.*s", i > 0 ? "|" : "", (int)f.cells[i].len,
		    f.cells[i].ptr);
	return text;
}

static void
rows_end_in_any_manner(void **state)
{
	(void)state;
	parse(SLICE("a,b\r\nc,d\re,f\n\n\ng,h"));
	assert_string_equal(row(), "a|b");
	assert_string_equal(row(), "c|d");
	assert_string_equal(row(), "e|f");
	assert_string_equal(row(), "g|h");
	assert_int_equal(csvfile_line(f.file), 6);
	assert_string_equal(row(), "end");
	assert_string_equal(row(), "end");
}

static void
quotes_hold_commas_quotes_and_line_ends(void **state)
{
	(void)state;
	parse(SLICE("\"a,b\", \"say \"\"no\"\"\" ,\"x\ny\"\nz,,\n"));
	assert_string_equal(row(), "a,b|say \"no\"|x\ny");
	assert_string_equal(row(), "z||");
	assert_int_equal(csvfile_line(f.file), 3);
}

static void
marks_and_remarks_are_skipped(void **state)
{
	(void)state;
	parse(SLICE("\xef\xbb\xbf# made, by hand\na;b\n  # x\n1;2\n"));
	assert_string_equal(row(), "a|b");
	assert_string_equal(row(), "1|2");
	assert_string_equal(row(), "end");
}

static void
tabs_separate_where_nothing_else_does(void **state)
{
	(void)state;
	parse(SLICE("a\tb c\n\t2\n"));
	assert_string_equal(row(), "a|b c");
	assert_string_equal(row(), "|2");
}

static void
open_quote_is_a_finding_at_its_line(void **state)
{
	(void)state;
	parse(SLICE("a,b\n\"c,d\ne,f\n"));
	assert_string_equal(row(), "a|b");
	assert_string_equal(row(), "end");
	assert_int_equal(diag_count(f.diag), 1);
	assert_int_equal(diag_at(f.diag, 0)->line, 2);
}

static void
text_behind_a_quote_loses_its_row_only(void **state)
{
	(void)state;
	parse(SLICE("\"a\"b,c\nd,e\n"));
	assert_string_equal(row(), "d|e");
	assert_int_equal(diag_count(f.diag), 1);
}

static void
too_many_columns_lose_their_row_only(void **state)
{
	char text[2 * CSVFILE_CELLS + 8];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < CSVFILE_CELLS + 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "x,");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\na\n");
	parse(slice_of(text, n));
	assert_string_equal(row(), "a");
	assert_int_equal(diag_count(f.diag), 1);
}

static void
empty_files_have_no_rows(void **state)
{
	(void)state;
	parse(SLICE(""));
	assert_string_equal(row(), "end");
}

static void
missing_and_wrong_files_are_findings(void **state)
{
	(void)state;
	assert_null(csvfile_open("/nonexistent/x.csv", f.diag));
	assert_null(csvfile_open("/", f.diag));
	assert_int_equal(diag_errors(f.diag), 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_end_in_any_manner),
		TEST(quotes_hold_commas_quotes_and_line_ends),
		TEST(marks_and_remarks_are_skipped),
		TEST(tabs_separate_where_nothing_else_does),
		TEST(open_quote_is_a_finding_at_its_line),
		TEST(text_behind_a_quote_loses_its_row_only),
		TEST(too_many_columns_lose_their_row_only),
		TEST(empty_files_have_no_rows),
		TEST(missing_and_wrong_files_are_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
