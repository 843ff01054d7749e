#include "storage/verify.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/err.h"
#include "engine/hash.h"
#include "storage/catalog.h"
#include "storage/partition.h"
#include "storage/retain.h"
#include "storage/schema.h"

static void
find(struct verify *verify, const char *where, const char *why,
    uint64_t missing)
{
	verify->findings++;
	verify->missing += missing;
	verify->bad(verify->user, where, why);
}

/* After a chunk that is bad in itself the chain goes on with what it claims, or
 * every later one would be named too. */
static void
chain_skip(struct dayfile *file, int64_t id, uint8_t prev[SHA_BYTES])
{
	sqlite3_stmt *stmt = db_prepare(dayfile_db(file),
	    "SELECT sha256 FROM chunk WHERE id = ?", NULL);
	struct slice sha;

	if (stmt == NULL)
		return;
	sqlite3_bind_int64(stmt, 1, id);
	if (db_step(stmt, NULL) == 1) {
		sha = db_blob(stmt, 0);
		if (sha.len == SHA_BYTES)
			memcpy(prev, sha.ptr, SHA_BYTES);
	}
	sqlite3_finalize(stmt);
}

static void
verify_chunks(struct verify *verify, struct dayfile *file, const char *path,
    const struct chunk_info *chunks, size_t n, uint8_t prev[SHA_BYTES])
{
	for (size_t i = 0; i < n; i++) {
		struct err why = { .kind = ERR_NONE };
		char text[600];

		verify->chunks++;
		verify->events += chunks[i].n;
		if (dayfile_verify(file, chunks[i].id, prev, &why) == 0)
			continue;
		snprintf(text, sizeof(text), "chunk %lld (%lu events): %s",
		    (long long)chunks[i].id, (unsigned long)chunks[i].n,
		    why.text);
		find(verify, path, text, chunks[i].n);
		chain_skip(file, chunks[i].id, prev);
	}
}

/* A sealed day ends with the chunk that the catalog remembers: this finds what
 * was cut off at the end. */
static void
verify_catalog(struct store *store, struct verify *verify, int64_t day,
    const char *path, size_t chunks, const uint8_t head[SHA_BYTES])
{
	struct sqlite3 *catalog = store_catalog(store);
	struct catalog_row row;
	char text[128];

	if (catalog == NULL || !catalog_find(catalog, day, &row) ||
	    (row.chunks == chunks &&
	    memcmp(row.head, head, SHA_BYTES) == 0))
		return;
	snprintf(text, sizeof(text), "sealed with %llu chunks, has %zu, or its"
	    " last one is another", (unsigned long long)row.chunks, chunks);
	find(verify, path, text, 0);
}

static void
verify_day(struct store *store, struct verify *verify, int64_t day,
    const char *path)
{
	struct err why = { .kind = ERR_NONE };
	struct dayfile *file = dayfile_open_read(path, NULL, &why);
	uint8_t prev[SHA_BYTES] = { 0 };
	struct chunk_info *chunks = NULL;
	ssize_t n;

	verify->days++;
	if (file == NULL) {
		find(verify, path, why.text, 0);
		return;
	}
	n = dayfile_chunks(file, &chunks, &why);
	if (n < 0) {
		find(verify, path, why.text, 0);
	} else {
		verify_chunks(verify, file, path, chunks, (size_t)n, prev);
		verify_catalog(store, verify, day, path, (size_t)n, prev);
	}
	free(chunks);
	dayfile_close(file);
}

static int
verify_tail(struct store *store, struct verify *verify, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(store_live(store),
	    "SELECT seq, n, crc, data FROM tail ORDER BY seq", err);
	char text[64];
	int step;

	if (stmt == NULL)
		return -1;
	while ((step = db_step(stmt, err)) == 1) {
		verify->events += (uint64_t)sqlite3_column_int64(stmt, 1);
		if (crc32c(0, db_blob(stmt, 3)) ==
		    (uint32_t)sqlite3_column_int64(stmt, 2))
			continue;
		snprintf(text, sizeof(text), "row %lld does not check",
		    (long long)sqlite3_column_int64(stmt, 0));
		find(verify, "tail", text,
		    (uint64_t)sqlite3_column_int64(stmt, 1));
	}
	sqlite3_finalize(stmt);
	return step;
}

int
store_verify(struct store *store, struct verify *verify, struct err *err)
{
	struct day_file *files;
	size_t n = day_files(store_data(store), &files);
	char path[PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		dayfile_path(store_data(store), files[i].day, path);
		if (verify->day != NULL)
			verify->day(verify->user, path);
		verify_day(store, verify, files[i].day, path);
	}
	free(files);
	return verify_tail(store, verify, err);
}
