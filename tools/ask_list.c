#include "tools/ask_list.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/strbuf.h"
#include "parsers/csvfile.h"
#include "storage/store.h"
#include "tools/ask.h"

/* --- lists -------------------------------------------------------------------- */

struct cells {
	struct arena *arena;
	struct slice *cell;
	size_t	 n, cap;
};

static void
add_row(struct cells *cells, const struct slice *row, size_t n, size_t ncols)
{
	if (cells->n + ncols > cells->cap) {
		cells->cap = cells->cap == 0 ? 1024 : 2 * cells->cap;
		cells->cap = cells->cap < cells->n + ncols
		    ? cells->n + ncols : cells->cap;
		cells->cell = xrealloc(cells->cell,
		    cells->cap * sizeof(*cells->cell));
	}
	for (size_t i = 0; i < ncols; i++)
		cells->cell[cells->n++] = i < n
		    ? arena_dup(cells->arena, row[i]) : slice_of("", 0);
}

static const char *
path_of(const struct ask *ask, const char *name)
{
	for (size_t i = 0; i < ask->conf->nlists; i++)
		if (strcmp(ask->conf->lists[i].name, name) == 0)
			return ask->conf->lists[i].file;
	return access(name, R_OK) == 0 ? name : NULL;
}

bool
ask_list(void *user, struct slice name, struct arena *arena,
    struct query_list *out, char why[256])
{
	const char *path = path_of(user, arena_cstr(arena, name));
	struct cells cells = { .arena = arena };
	struct slice row[CSVFILE_CELLS], *copy;
	struct diag *diag;
	struct csvfile *file;
	size_t n;

	if (path == NULL) {
		snprintf(why, 256, "there is no list and no file \"%.*s\"",
		    (int)slice_head(name, 100).len, name.ptr);
		return false;
	}
	diag = diag_new();
	file = csvfile_open(path, diag);
	diag_print(diag, stderr);
	diag_free(diag);
	snprintf(why, 256, "%.100s has no columns", path);
	out->ncols = file == NULL ? 0 : csvfile_next(file, row);
	if (out->ncols == 0) {
		csvfile_close(file);
		return false;
	}
	add_row(&cells, row, out->ncols, out->ncols);
	while (cells.n <= LIST_CELLS && (n = csvfile_next(file, row)) > 0)
		add_row(&cells, row, n, out->ncols);
	csvfile_close(file);
	copy = arena_alloc(arena, cells.n * sizeof(*copy));
	memcpy(copy, cells.cell, cells.n * sizeof(*copy));
	free(cells.cell);
	out->names = copy;
	out->cells = copy + out->ncols;
	out->nrows = cells.n / out->ncols - 1;
	snprintf(why, 256, "%.100s has more than %d cells", path, LIST_CELLS);
	return cells.n <= LIST_CELLS;
}

/* --- saved queries -------------------------------------------------------------- */

static bool
is_name_byte(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static void
read_file(const char *path, struct strbuf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	while (fd >= 0 && out->len < ((size_t)1 << 20) &&
	    (n = read(fd, strbuf_room(out, 4096), 4096)) > 0)
		out->len += (size_t)n;
	if (fd >= 0)
		close(fd);
	strbuf_putc(out, '\n');
}

/* All files one after the other, the first wins. */
static void
read_saved(const struct ask *ask, struct strbuf *out)
{
	char path[PATH_MAX];
	const char *conf = ask->conf->file[0] != '\0' ? ask->conf->file
	    : CONF_FILE;
	const char *end = strrchr(conf, '/');

	snprintf(path, sizeof(path), "%s/searches", ask->conf->data);
	read_file(path, out);
	snprintf(path, sizeof(path), "%.*s/searches",
	    end == NULL ? 1 : (int)(end - conf), end == NULL ? "." : conf);
	read_file(path, out);
}

/* The next "name = query" of the text; false at its end. */
static bool
next_saved(struct slice *text, struct slice *name, struct slice *query)
{
	while (text->len > 0) {
		ptrdiff_t end = slice_find_byte(*text, '\n'), equals;
		struct slice line = end < 0 ? *text
		    : slice_head(*text, (size_t)end);

		*text = end < 0 ? slice_of("", 0)
		    : slice_skip(*text, (size_t)end + 1);
		line = slice_trim(line);
		equals = slice_find_byte(line, '=');
		if (line.len == 0 || line.ptr[0] == '#' || equals <= 0)
			continue;
		*name = slice_trim(slice_head(line, (size_t)equals));
		*query = slice_trim(slice_skip(line, (size_t)equals + 1));
		return true;
	}
	return false;
}

static bool
find_saved(struct slice all, struct slice wanted, struct slice *query)
{
	struct slice name;

	while (next_saved(&all, &name, query))
		if (slice_eq(name, wanted))
			return true;
	return false;
}

/* "@timestamp:..." is a field. */
static bool
names_saved(struct slice query)
{
	size_t n = 1;

	if (query.len == 0 || query.ptr[0] != '@')
		return false;
	while (n < query.len && is_name_byte(query.ptr[n]))
		n++;
	return n == query.len || query.ptr[n] != ':';
}

bool
ask_saved(const struct ask *ask, struct slice text, struct strbuf *out)
{
	struct strbuf all = STRBUF_INIT, rest = STRBUF_INIT;
	struct slice query = text;
	bool good = true;

	if (names_saved(text))
		read_saved(ask, &all);
	for (int i = 0; good && names_saved(query); i++) {
		size_t n = 1;
		struct slice name, behind;
		struct strbuf before = STRBUF_INIT;

		while (n < query.len && is_name_byte(query.ptr[n]))
			n++;
		name = slice_of(query.ptr + 1, n - 1);
		behind = slice_skip(query, n);
		strbuf_put(&before, behind);
		strbuf_put(&before, strbuf_slice(&rest));
		strbuf_fini(&rest);
		rest = before;
		good = i < SAVED_DEPTH &&
		    find_saved(strbuf_slice(&all), name, &query);
		if (!good)
			fprintf(stderr, "yagura %s: there is no saved query "
			    "\"%.*s\"%s; they stand in %s/searches\n",
			    ask->name, (int)name.len, name.ptr,
			    i < SAVED_DEPTH ? "" : " (it names itself)",
			    ask->conf->data);
	}
	if (good) {
		strbuf_put(out, query);
		strbuf_put(out, strbuf_slice(&rest));
	}
	strbuf_fini(&all);
	strbuf_fini(&rest);
	return good;
}

void
ask_saved_names(const struct ask *ask, struct slice prefix,
    struct strbuf *out)
{
	struct strbuf all = STRBUF_INIT;
	struct slice text, name, query;

	read_saved(ask, &all);
	text = strbuf_slice(&all);
	while (next_saved(&text, &name, &query))
		if (slice_starts(name, prefix))
			strbuf_printf(out, "@%.*s\n", (int)name.len,
			    name.ptr);
	strbuf_fini(&all);
}
