#include "storage/catalog.h"

#include <sys/stat.h>

#include "engine/err.h"
#include "storage/partition.h"
#include "storage/schema.h"

bool
catalog_find(struct sqlite3 *catalog, int64_t day, struct catalog_row *row)
{
	sqlite3_stmt *stmt = db_prepare(catalog, "SELECT t_min, t_max, events,"
	    " bytes, raw_bytes, chunks, head FROM part WHERE day = ?", NULL);
	bool found = false;
	struct slice head;

	if (stmt == NULL)
		return false;
	sqlite3_bind_int64(stmt, 1, day);
	if (db_step(stmt, NULL) == 1) {
		head = db_blob(stmt, 6);
		found = head.len == sizeof(row->head);
		row->t_min = sqlite3_column_int64(stmt, 0);
		row->t_max = sqlite3_column_int64(stmt, 1);
		row->events = (uint64_t)sqlite3_column_int64(stmt, 2);
		row->bytes = (uint64_t)sqlite3_column_int64(stmt, 3);
		row->raw_bytes = (uint64_t)sqlite3_column_int64(stmt, 4);
		row->chunks = (uint64_t)sqlite3_column_int64(stmt, 5);
		if (found)
			memcpy(row->head, head.ptr, sizeof(row->head));
	}
	sqlite3_finalize(stmt);
	return found;
}

/* Sums over the chunks of the file, in one statement of its own connection. */
static int
row_from(struct dayfile *file, struct catalog_row *row, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(dayfile_db(file), "SELECT min(t_min), "
	    "max(t_max), coalesce(sum(n), 0), coalesce(sum(raw_bytes), 0), "
	    "count(*), (SELECT sha256 FROM chunk ORDER BY id DESC LIMIT 1) "
	    "FROM chunk", err);
	struct slice head;
	int step;

	if (stmt == NULL)
		return -1;
	step = db_step(stmt, err);
	if (step == 1) {
		row->t_min = sqlite3_column_int64(stmt, 0);
		row->t_max = sqlite3_column_int64(stmt, 1);
		row->events = (uint64_t)sqlite3_column_int64(stmt, 2);
		row->raw_bytes = (uint64_t)sqlite3_column_int64(stmt, 3);
		row->chunks = (uint64_t)sqlite3_column_int64(stmt, 4);
		head = db_blob(stmt, 5);
		if (head.len == sizeof(row->head))
			memcpy(row->head, head.ptr, sizeof(row->head));
	}
	sqlite3_finalize(stmt);
	return step == 1 ? 0 : -1;
}

int
catalog_put(struct sqlite3 *catalog, int64_t day, struct dayfile *file,
    const char *path, struct err *err)
{
	struct catalog_row row = { .t_min = 0 };
	sqlite3_stmt *stmt;
	struct stat st;
	int result;

	if (row_from(file, &row, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_errno(err, ERR_IO, "%s", path);
	stmt = db_prepare(catalog, "INSERT OR REPLACE INTO part(day, t_min, "
	    "t_max, events, bytes, raw_bytes, chunks, head) "
	    "VALUES(?, ?, ?, ?, ?, ?, ?, ?)", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, day);
	sqlite3_bind_int64(stmt, 2, row.t_min);
	sqlite3_bind_int64(stmt, 3, row.t_max);
	sqlite3_bind_int64(stmt, 4, (int64_t)row.events);
	sqlite3_bind_int64(stmt, 5, st.st_size);
	sqlite3_bind_int64(stmt, 6, (int64_t)row.raw_bytes);
	sqlite3_bind_int64(stmt, 7, (int64_t)row.chunks);
	db_bind_bytes(stmt, 8, slice_of((const char *)row.head,
	    sizeof(row.head)));
	result = db_run(stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

int
catalog_drop(struct sqlite3 *catalog, int64_t day, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(catalog,
	    "DELETE FROM part WHERE day = ?", err);
	int result;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, day);
	result = db_run(stmt, err);
	sqlite3_finalize(stmt);
	return result;
}
