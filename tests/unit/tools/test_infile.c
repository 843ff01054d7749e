/* Plain and packed files give the same lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/err.h"
#include "engine/strbuf.h"
#include "tools/infile.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define LIMIT 20

struct file {
	char	 path[64];
	struct strbuf lines;	/* "[line]", "!" in front if truncated */
	struct err err;
};

static int
setup(void **state)
{
	struct file *file = calloc(1, sizeof(*file));

	snprintf(file->path, sizeof(file->path), "/tmp/yagura-XXXXXX");
	close(mkstemp(file->path));
	strbuf_init(&file->lines);
	*state = file;
	return 0;
}

static int
teardown(void **state)
{
	struct file *file = *state;

	unlink(file->path);
	strbuf_fini(&file->lines);
	free(file);
	return 0;
}

static void
write_bytes(struct file *file, const void *bytes, size_t n, const char *mode)
{
	FILE *f = fopen(file->path, mode);

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* Answers as infile_line did at last. */
static int
read_lines(struct file *file)
{
	struct infile *infile = infile_open(file->path, LIMIT, &file->err);
	struct slice line;
	bool truncated;
	int more;

	assert_non_null(infile);
	strbuf_clear(&file->lines);
	while ((more = infile_line(infile, &line, &truncated,
	    &file->err)) == 1) {
		strbuf_puts(&file->lines, truncated ? "![" : "[");
		strbuf_put(&file->lines, line);
		strbuf_putc(&file->lines, ']');
	}
	infile_close(infile);
	return more;
}

static void
lines_come_without_their_ends(void **state)
{
	struct file *file = *state;

	write_bytes(file, "a\r\n\nb\nc", 7, "w");
	assert_int_equal(read_lines(file), 0);
	assert_string_equal(file->lines.ptr, "[a][b][c]");
}

static void
a_long_line_is_cut_and_the_next_is_intact(void **state)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz\nb\n"
	    "abcdefghijklmnopqrst\r\nc\n";
	struct file *file = *state;

	write_bytes(file, text, sizeof(text) - 1, "w");
	assert_int_equal(read_lines(file), 0);
	assert_string_equal(file->lines.ptr,
	    "![abcdefghijklmnopqrst][b][abcdefghijklmnopqrst][c]");
}

static void
gz_put(struct file *file, const char *text, const char *mode)
{
	gzFile gz = gzopen(file->path, mode);

	assert_true(gzputs(gz, text) > 0);
	gzclose(gz);
}

static void
gzip_of_several_members_is_one_file(void **state)
{
	struct file *file = *state;

	gz_put(file, "a\nb", "wb");
	gz_put(file, "b\nc\n", "ab");
	assert_int_equal(read_lines(file), 0);
	assert_string_equal(file->lines.ptr, "[a][bb][c]");
}

static void
a_cut_gzip_file_is_damaged(void **state)
{
	struct file *file = *state;

	gz_put(file, "a\nb\nc\n", "wb");
	assert_int_equal(truncate(file->path, 20), 0);
	assert_int_equal(read_lines(file), -1);
	assert_int_equal(file->err.kind, ERR_DAMAGED);
}

static void
zstd_frames_are_one_file(void **state)
{
	struct file *file = *state;
	char out[256];
	size_t n = ZSTD_compress(out, sizeof(out), "a\nb", 3, 1);

	write_bytes(file, out, n, "w");
	n = ZSTD_compress(out, sizeof(out), "b\n", 2, 1);
	write_bytes(file, out, n, "a");
	assert_int_equal(read_lines(file), 0);
	assert_string_equal(file->lines.ptr, "[a][bb]");
	assert_int_equal(truncate(file->path, 15), 0);
	assert_int_equal(read_lines(file), -1);
}

static void
what_is_not_there_is_named(void **state)
{
	struct file *file = *state;

	assert_null(infile_open("/nonexistent/x", LIMIT, &file->err));
	assert_string_equal(file->err.text,
	    "/nonexistent/x: No such file or directory");
	assert_null(infile_open("/tmp", LIMIT, &file->err));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lines_come_without_their_ends),
		TEST(a_long_line_is_cut_and_the_next_is_intact),
		TEST(gzip_of_several_members_is_one_file),
		TEST(a_cut_gzip_file_is_damaged),
		TEST(zstd_frames_are_one_file),
		TEST(what_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
