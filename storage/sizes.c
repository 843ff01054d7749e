#include "storage/sizes.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/err.h"
#include "storage/column_format.h"
#include "storage/partition.h"
#include "storage/schema.h"

static const char query[] =
    "SELECT coalesce(CAST(f.name AS TEXT), CASE b.id & 4095 WHEN 0 THEN "
    "'(time)' WHEN 1 THEN '(arrival)' WHEN 2 THEN '(sequence)' WHEN 3 THEN "
    "'(peer)' WHEN 4 THEN '(log source)' WHEN 5 THEN '(flags)' ELSE "
    "'(unknown)' END), b.hdr, length(b.dict), length(b.data) + "
    "length(b.hdr), length(b.bloom) FROM block b LEFT JOIN field f ON "
    "f.id = b.id & 4095 UNION ALL SELECT '(lines)', NULL, 0, length(data), 0 "
    "FROM vblk";

static struct size_row *
row_of(struct sizes *sizes, const char *name)
{
	for (size_t i = 0; i < sizes->n; i++)
		if (strcmp(sizes->rows[i].name, name) == 0)
			return &sizes->rows[i];
	if ((sizes->n & (sizes->n - 1)) == 0)
		sizes->rows = xrealloc(sizes->rows, (sizes->n > 0 ?
		    sizes->n * 2 : 1) * sizeof(*sizes->rows));
	sizes->rows[sizes->n] = (struct size_row){ .name = xstrdup(name) };
	return &sizes->rows[sizes->n++];
}

static int
rows_add(struct sizes *sizes, struct dayfile *file, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(dayfile_db(file), query, err);
	int step;

	if (stmt == NULL)
		return -1;
	while ((step = db_step(stmt, err)) == 1) {
		const char *name =
		    (const char *)sqlite3_column_text(stmt, 0);
		struct size_row *row = row_of(sizes, name != NULL ? name :
		    "(unknown)");
		struct column_hdr hdr;

		if (column_hdr_get(db_blob(stmt, 1), &hdr))
			row->values += hdr.count;
		row->dict += (uint64_t)sqlite3_column_int64(stmt, 2);
		row->data += (uint64_t)sqlite3_column_int64(stmt, 3);
		row->bloom += (uint64_t)sqlite3_column_int64(stmt, 4);
	}
	sqlite3_finalize(stmt);
	return step;
}

int
sizes_add(struct sizes *sizes, const char *path, struct err *err)
{
	struct dayfile *file = dayfile_open_read(path, NULL, err);
	struct chunk_info *chunks = NULL;
	ssize_t n;
	int result;

	if (file == NULL)
		return -1;
	n = dayfile_chunks(file, &chunks, err);
	for (ssize_t i = 0; i < n; i++) {
		sizes->events += chunks[i].n;
		sizes->raw_bytes += chunks[i].raw_bytes;
	}
	result = n < 0 ? -1 : rows_add(sizes, file, err);
	free(chunks);
	dayfile_close(file);
	return result;
}

static uint64_t
bytes_of(const struct size_row *row)
{
	return row->dict + row->data + row->bloom;
}

static int
larger_first(const void *a, const void *b)
{
	uint64_t left = bytes_of(a), right = bytes_of(b);

	return (left < right) - (left > right);
}

void
sizes_sort(struct sizes *sizes)
{
	if (sizes->n > 0)
		qsort(sizes->rows, sizes->n, sizeof(*sizes->rows),
		    larger_first);
}

void
sizes_fini(struct sizes *sizes)
{
	for (size_t i = 0; i < sizes->n; i++)
		free(sizes->rows[i].name);
	free(sizes->rows);
}
