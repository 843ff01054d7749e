#include "storage/schema.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/err.h"

#define BUSY_MS 10000	/* another process holds the file for moments only */

/* The writer does not wait for readers of a day: its events can stay in the
 * tail, and a commit must not be late. */
#define BUSY_DAY_MS 200

static const char *const tables[] = {
	[SCHEMA_DAY] =
	    "CREATE TABLE meta(k PRIMARY KEY, v) WITHOUT ROWID;"
	    "CREATE TABLE field(id INTEGER PRIMARY KEY, name, type);"
	    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, seq0, seq1, n, t_min,"
	    " t_max, raw_bytes, fields, sha256, prev);"
	    "CREATE TABLE block(id INTEGER PRIMARY KEY, hdr, bloom, dict,"
	    " data);"
	    "CREATE TABLE vblk(id INTEGER PRIMARY KEY, n, data);"
	    "CREATE TABLE pbloom(field INTEGER PRIMARY KEY, data);",
	[SCHEMA_LIVE] =
	    "CREATE TABLE mark(k PRIMARY KEY, v) WITHOUT ROWID;"
	    "CREATE TABLE tail(seq INTEGER PRIMARY KEY, day, t_min, t_max, n,"
	    " crc, data);"
	    "CREATE TABLE open_day(day INTEGER PRIMARY KEY);"
	    "CREATE TABLE run(alert PRIMARY KEY, rule, first_ns, last_ns,"
	    " count, data) WITHOUT ROWID;"
	    "CREATE TABLE request(key PRIMARY KEY, at_ns, answer)"
	    " WITHOUT ROWID;"
	    "CREATE TABLE position(path PRIMARY KEY, data) WITHOUT ROWID;"
	    "CREATE TABLE checkpoint(part PRIMARY KEY, data) WITHOUT ROWID;"
	    "CREATE TABLE outbox(id INTEGER PRIMARY KEY, output, alert, tries,"
	    " next_ns);",
	[SCHEMA_CATALOG] =
	    ("CREATE TABLE part(day INTEGER PRIMARY KEY, t_min, t_max, events,"
	    " bytes, raw_bytes, chunks, head);"),
};

/* WAL before the tables: a crash in between leaves an empty file, which the
 * next opening completes. Deleted tail rows need not be wiped. */
static const char settings[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;"
    "PRAGMA wal_autocheckpoint=4000;";

static bool
errno_is_full(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* SQLite takes only ENOSPC for a full disk; a quota and a limit on the size of
 * files are the same to us. It keeps the errno with the file, which may be the
 * WAL. */
static bool
write_found_no_room(sqlite3 *db)
{
	sqlite3_file *journal = NULL;
	int number = 0;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO,
	    &number) == SQLITE_OK && errno_is_full(number))
		return true;
	number = 0;
	return sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
	    &journal) == SQLITE_OK && journal != NULL &&
	    journal->pMethods != NULL && journal->pMethods->xFileControl(
	    journal, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK &&
	    errno_is_full(number);
}

/* Fills *err from the last failure of the connection; always -1. Without room
 * ERR_FULL, bytes that do not check ERR_DAMAGED, else ERR_IO. */
static int
db_fail(sqlite3 *db, struct err *err)
{
	int code = db != NULL ? sqlite3_errcode(db) : SQLITE_NOMEM;
	int extended = db != NULL ? sqlite3_extended_errcode(db) : code;
	int system = db != NULL ? sqlite3_system_errno(db) : 0;
	const char *text = db != NULL ? sqlite3_errmsg(db) : "out of memory";
	enum err_kind kind = ERR_IO;

	switch (code & 0xff) {
	case SQLITE_FULL:
		kind = ERR_FULL;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		kind = ERR_DAMAGED;
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (errno_is_full(system) || (extended ==
		    SQLITE_IOERR_WRITE && write_found_no_room(db)))
			kind = ERR_FULL;
		else if (extended == SQLITE_IOERR_SHORT_READ)
			kind = ERR_DAMAGED;
		break;
	default:
		break;
	}
	return err_set(err, kind, "%s", text);
}

int
db_exec(sqlite3 *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 :
	    db_fail(db, err);
}

sqlite3_stmt *
db_prepare(sqlite3 *db, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt,
	    NULL) != SQLITE_OK) {
		db_fail(db, err);
		return NULL;
	}
	return stmt;
}

int
db_step(sqlite3_stmt *stmt, struct err *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return db_fail(sqlite3_db_handle(stmt), err);
	}
}

int
db_run(sqlite3_stmt *stmt, struct err *err)
{
	int result = db_step(stmt, err);

	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return result < 0 ? -1 : 0;
}

int
db_read_number(sqlite3 *db, const char *sql, int64_t otherwise,
    int64_t *number, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(db, sql, err);
	int step;

	*number = otherwise;
	if (stmt == NULL)
		return -1;
	step = db_step(stmt, err);
	if (step == 1 && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return step < 0 ? -1 : 0;
}

int64_t
db_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
	int64_t number;

	db_read_number(db, sql, otherwise, &number, NULL);
	return number;
}

void
db_close(sqlite3 *db)
{
	sqlite3_close_v2(db);
}

/* 0 if the file is ours and of a format that we know. An empty one gives 0
 * too, with *fresh. */
static int
identity_check(sqlite3 *db, bool *fresh, struct err *err)
{
	int64_t id, version;

	/* One transaction, or a writer that makes the tables meanwhile shows us
	 * a file without a name but with tables. The first look at the file
	 * tells whether it is one at all. */
	if (db_exec(db, "BEGIN; SELECT count(*) FROM sqlite_schema", err) < 0) {
		db_exec(db, "ROLLBACK", NULL);
		return -1;
	}
	id = db_number(db, "PRAGMA application_id", -1);
	version = db_number(db, "PRAGMA user_version", -1);
	*fresh = id == 0 && version == 0 && db_number(db,
	    "SELECT count(*) FROM sqlite_schema", 1) == 0;
	db_exec(db, "COMMIT", NULL);
	if (*fresh)
		return 0;
	if (id != SCHEMA_APPLICATION)
		return err_set(err, ERR_DAMAGED, "not a file of yagura");
	if (version < SCHEMA_OLDEST || version > SCHEMA_VERSION)
		return err_set(err, ERR_LIMIT, "format %lld, this version reads "
		    "%d to %d", (long long)version, SCHEMA_OLDEST,
		    SCHEMA_VERSION);
	return 0;
}

/* Whether SQLite left a WAL with something in it beside the file. */
static bool
has_wal(const char *path)
{
	char wal[PATH_MAX + 8];
	struct stat st;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	return stat(wal, &st) == 0 && st.st_size > 0;
}

static sqlite3 *
open_reading(const char *path, int flags, bool *fresh, struct err *err)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		db_fail(db, err);
		goto fail;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	if (db_exec(db, "PRAGMA temp_store=MEMORY", err) < 0 ||
	    identity_check(db, fresh, err) < 0)
		goto fail;
	return db;

fail:
	db_close(db);
	return NULL;
}

/* Where we may not write, SQLite cannot make the shared memory of a WAL. If
 * there is no WAL, nobody is writing and the file may be taken as it is. */
static sqlite3 *
open_immutable(const char *path, bool *fresh, struct err *err)
{
	static const char hex[] = "0123456789ABCDEF";
	char uri[3 * PATH_MAX + 32] = "file:", *at = uri + 5;

	for (; *path != '\0' && at < uri + 3 * PATH_MAX; path++) {
		if (strchr("%?#", *path) == NULL) {
			*at++ = *path;
			continue;
		}
		*at++ = '%';
		*at++ = hex[(uint8_t)*path >> 4];
		*at++ = hex[*path & 15];
	}
	snprintf(at, 16, "?immutable=1");
	return open_reading(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_URI, fresh, err);
}

sqlite3 *
db_open_read(const char *path, bool *unborn, struct err *err)
{
	struct err why = { .kind = ERR_NONE };
	bool fresh = false;
	sqlite3 *db = open_reading(path, SQLITE_OPEN_READONLY |
	    SQLITE_OPEN_NOMUTEX, &fresh, &why);

	if (db == NULL && why.kind == ERR_IO && access(path, R_OK) == 0 &&
	    access(path, W_OK) < 0) {
		if (!has_wal(path))
			db = open_immutable(path, &fresh, &why);
		else
			err_set(&why, ERR_IO, "its writer crashed, and "
			    "putting it in order needs write access");
	}
	if (db != NULL && fresh) {
		err_set(&why, ERR_DAMAGED, "empty");
		db_close(db);
		db = NULL;
	}
	if (unborn != NULL)
		*unborn = fresh;
	if (db == NULL && err != NULL)
		*err = why;
	return db;
}

static int
tables_make(sqlite3 *db, enum schema schema, struct err *err)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "PRAGMA application_id=%d;"
	    "PRAGMA user_version=%d;", SCHEMA_APPLICATION, SCHEMA_VERSION);
	if (db_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (db_exec(db, tables[schema], err) < 0 || db_exec(db, sql, err) < 0 ||
	    db_exec(db, "COMMIT", err) < 0) {
		db_exec(db, "ROLLBACK", NULL);
		return -1;
	}
	return 0;
}

/* What we write an older program does not read. */
static int
version_raise(sqlite3 *db, struct err *err)
{
	char sql[64];

	if (db_number(db, "PRAGMA user_version", 0) >= SCHEMA_VERSION)
		return 0;
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", SCHEMA_VERSION);
	return db_exec(db, sql, err);
}

sqlite3 *
db_open_write(const char *path, enum schema schema, struct err *err)
{
	sqlite3 *db = NULL;
	bool fresh = false;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		db_fail(db, err);
		goto fail;
	}
	sqlite3_busy_timeout(db, schema == SCHEMA_LIVE ? BUSY_MS :
	    BUSY_DAY_MS);
	if (identity_check(db, &fresh, err) < 0 ||
	    db_exec(db, settings, err) < 0)
		goto fail;
	if (schema == SCHEMA_CATALOG &&
	    db_exec(db, "PRAGMA synchronous=NORMAL", err) < 0)
		goto fail;
	if (fresh && tables_make(db, schema, err) < 0)
		goto fail;
	if (!fresh && version_raise(db, err) < 0)
		goto fail;
	return db;

fail:
	db_close(db);
	return NULL;
}

sqlite3 *
db_open_whole(const char *path, enum schema schema, int page_bytes,
    struct err *err)
{
	sqlite3 *db = NULL;
	char sql[160];

	snprintf(sql, sizeof(sql), "PRAGMA page_size=%d; PRAGMA "
	    "journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA "
	    "locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY", page_bytes);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		db_fail(db, err);
		goto fail;
	}
	if (db_exec(db, sql, err) == 0 && tables_make(db, schema, err) == 0)
		return db;
fail:
	db_close(db);
	return NULL;
}
