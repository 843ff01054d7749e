/* The file is read into memory of our own and not mapped: whoever rewrites it
 * in place while we read would take the pages away under us. Cells are cut
 * where they stand; a doubled quote is the only thing that moves bytes.
 */
#include "parsers/csvfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/check.h"
#include "engine/diag.h"

struct csvfile {
	char	*name;
	char	*bytes;
	size_t	 len, at;
	int	 line;		/* of `at` */
	int	 row_line;	/* of the row last given */
	char	 separator;
	struct diag *diag;
};

static struct csvfile *
file_make(char *bytes, size_t len, const char *name, struct diag *diag)
{
	struct csvfile *file = xcalloc(1, sizeof(*file));
	struct slice first;
	ptrdiff_t end;

	file->name = xstrdup(name);
	file->bytes = bytes;
	file->len = len;
	file->line = 1;
	file->diag = diag;
	file->separator = ',';
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		file->at = 3;
	first = slice_of(bytes + file->at, len - file->at);
	while ((end = slice_find_byte(first, '\n')) >= 0) {
		if (end > 0 && first.ptr[0] != '#') {
			first = slice_head(first, (size_t)end);
			break;
		}
		first = slice_skip(first, (size_t)end + 1);
	}
	if (slice_find_byte(first, ',') < 0) {
		if (slice_find_byte(first, ';') >= 0)
			file->separator = ';';
		else if (slice_find_byte(first, '\t') >= 0)
			file->separator = '\t';
	}
	return file;
}

struct csvfile *
csvfile_parse(struct slice bytes, const char *name, struct diag *diag)
{
	char *copy = xmalloc(bytes.len + 1);

	if (bytes.len > 0)
		memcpy(copy, bytes.ptr, bytes.len);
	return file_make(copy, bytes.len, name, diag);
}

/* Reads until size bytes or the end; the answer is what was read, or -1. */
static ssize_t
read_all(int fd, char *bytes, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

struct csvfile *
csvfile_open(const char *path, struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *bytes = NULL;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0) {
		diag_error(diag, path, 0, 0, "cannot be read: %s",
		    strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		diag_error(diag, path, 0, 0, "is no file");
		goto fail;
	}
	if (st.st_size > CSVFILE_BYTES) {
		diag_error(diag, path, 0, 0,
		    "has %lld bytes; more than %u are not read",
		    (long long)st.st_size, CSVFILE_BYTES);
		goto fail;
	}
	bytes = xmalloc((size_t)st.st_size + 1);
	len = read_all(fd, bytes, (size_t)st.st_size);
	if (len < 0) {
		diag_error(diag, path, 0, 0, "cannot be read: %s",
		    strerror(errno));
		goto fail;
	}
	close(fd);
	return file_make(bytes, (size_t)len, path, diag);

fail:
	free(bytes);
	if (fd >= 0)
		close(fd);
	return NULL;
}

void
csvfile_close(struct csvfile *file)
{
	if (file == NULL)
		return;
	free(file->name);
	free(file->bytes);
	free(file);
}

const char *
csvfile_name(const struct csvfile *file)
{
	return file->name;
}

int
csvfile_line(const struct csvfile *file)
{
	return file->row_line;
}

/* --- rows --- */

static bool
at_line_end(const struct csvfile *file)
{
	return file->at >= file->len || file->bytes[file->at] == '\n' ||
	    file->bytes[file->at] == '\r';
}

/* Moves behind the line end we stand at: LF, CR LF or CR. */
static void
line_end(struct csvfile *file)
{
	if (file->at >= file->len)
		return;
	if (file->bytes[file->at] == '\r') {
		file->at++;
		if (file->at < file->len && file->bytes[file->at] == '\n')
			file->at++;
	} else {
		file->at++;
	}
	if (file->line < INT_MAX)
		file->line++;
}

static void
skip_line(struct csvfile *file)
{
	while (!at_line_end(file))
		file->at++;
	line_end(file);
}

static void
skip_blanks(struct csvfile *file)
{
	while (file->at < file->len && file->bytes[file->at] != file->separator
	    && (file->bytes[file->at] == ' ' || file->bytes[file->at] == '\t'))
		file->at++;
}

/* Behind the opening quote. False if it never closes. */
static bool
quoted_cell(struct csvfile *file, struct slice *cell)
{
	size_t start = file->at, out = file->at;

	for (; file->at < file->len; file->at++) {
		char c = file->bytes[file->at];

		if (c == '"') {
			if (file->at + 1 >= file->len ||
			    file->bytes[file->at + 1] != '"') {
				file->at++;
				*cell = slice_of(file->bytes + start,
				    out - start);
				return true;
			}
			file->at++;
		} else if (c == '\n' && file->line < INT_MAX) {
			file->line++;
		}
		file->bytes[out++] = c;
	}
	return false;
}

static struct slice
plain_cell(struct csvfile *file)
{
	size_t start = file->at;

	while (!at_line_end(file) && file->bytes[file->at] != file->separator)
		file->at++;
	return slice_trim(slice_of(file->bytes + start, file->at - start));
}

/* One row; 0 if it was complained about. */
static size_t
row(struct csvfile *file, struct slice *cells)
{
	size_t n = 0;

	for (;;) {
		struct slice cell;

		skip_blanks(file);
		if (file->at < file->len && file->bytes[file->at] == '"') {
			file->at++;
			if (!quoted_cell(file, &cell)) {
				diag_error(file->diag, file->name,
				    file->row_line, 0,
				    "a quote is opened and never closed");
				return 0;
			}
			skip_blanks(file);
		} else {
			cell = plain_cell(file);
		}
		if (n == CSVFILE_CELLS) {
			diag_error(file->diag, file->name, file->row_line, 0,
			    "more than %d columns; row left out",
			    CSVFILE_CELLS);
			skip_line(file);
			return 0;
		}
		cells[n++] = cell;
		if (at_line_end(file)) {
			line_end(file);
			return n;
		}
		if (file->bytes[file->at] != file->separator) {
			diag_error(file->diag, file->name, file->row_line, 0,
			    "text behind a closing quote (write \"\" for a "
			    "quote); row left out");
			skip_line(file);
			return 0;
		}
		file->at++;
	}
}

size_t
csvfile_next(struct csvfile *file, struct slice cells[CSVFILE_CELLS])
{
	while (file->at < file->len) {
		size_t n;

		file->row_line = file->line;
		skip_blanks(file);
		if (at_line_end(file)) {
			line_end(file);
			continue;
		}
		if (file->bytes[file->at] == '#') {
			skip_line(file);
			continue;
		}
		n = row(file, cells);
		if (n > 0)
			return n;
	}
	return 0;
}
