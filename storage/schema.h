/* storage/schema.h -- opening SQLite files, and the tables in them.
 *
 * Three kinds of file: a day file, live.db, catalog.db; see yagura-chunk(5).
 * A file of a newer format is refused and not touched.
 *
 * Owner: one thread for a connection.
 */
#ifndef YAGURA_STORAGE_SCHEMA_H
#define YAGURA_STORAGE_SCHEMA_H

#include <sqlite3.h>

#include "engine/slice.h"

struct err;

#define SCHEMA_APPLICATION 0x59475241	/* "YGRA", application_id */
#define SCHEMA_VERSION 2		/* user_version */
#define SCHEMA_OLDEST 1		/* that is read */

enum schema { SCHEMA_DAY, SCHEMA_LIVE, SCHEMA_CATALOG };

/* Opens a file for reading, or for writing with its tables made if need be.
 * NULL and *err: ERR_IO, ERR_FULL, or ERR_DAMAGED if it is no file of ours.
 * *unborn (may be NULL): it is ERR_DAMAGED because there are no tables, as
 * while its writer makes it. */
sqlite3 *db_open_read(const char *path, bool *unborn, struct err *err);
sqlite3 *db_open_write(const char *path, enum schema schema,
    struct err *err);

/* A new file that becomes whole before anybody opens it: no journal, nothing
 * waits for the disk, pages of so many bytes. After a failure it is rubbish. */
sqlite3 *db_open_whole(const char *path, enum schema schema, int page_bytes,
    struct err *err);
void db_close(sqlite3 *db);		/* NULL does nothing */

/* All answer 0, or -1 and *err. */
int db_exec(sqlite3 *db, const char *sql, struct err *err);
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, struct err *err);

/* Steps a statement that gives no rows and resets it. */
int db_run(sqlite3_stmt *stmt, struct err *err);

/* 1: a row, 0: no more, -1: *err. The statement is not reset. */
int db_step(sqlite3_stmt *stmt, struct err *err);

/* First column of the first row of a query, or `otherwise` if there is none or
 * it is NULL. -1 and *err if that cannot be told. */
int db_read_number(sqlite3 *db, const char *sql, int64_t otherwise,
    int64_t *number, struct err *err);

/* The same for what nothing depends on: also `otherwise` if it cannot be
 * told. */
int64_t db_number(sqlite3 *db, const char *sql, int64_t otherwise);

static inline struct slice
db_blob(sqlite3_stmt *stmt, int column)
{
	const void *bytes = sqlite3_column_blob(stmt, column);

	return slice_of(bytes, (size_t)sqlite3_column_bytes(stmt, column));
}

static inline void
db_bind_bytes(sqlite3_stmt *stmt, int at, struct slice s)
{
	sqlite3_bind_blob64(stmt, at, s.len > 0 ? s.ptr : "", s.len,
	    SQLITE_STATIC);
}

static inline void
db_bind_text(sqlite3_stmt *stmt, int at, struct slice s)
{
	sqlite3_bind_text64(stmt, at, s.len > 0 ? s.ptr : "", s.len,
	    SQLITE_STATIC, SQLITE_UTF8);
}

#endif
