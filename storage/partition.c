/* A chunk's digest is SHA-256 over the digest before it, the row of `chunk`,
 * and for every block its id, the name of its field, its header and the
 * SHA-256 of each of its sections; then the same for the raw pages. Names are
 * in it because a field renamed is a changed event.
 */
#include "storage/partition.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "engine/strbuf.h"
#include "storage/chunk.h"
#include "storage/pack.h"
#include "storage/schema.h"

#define BLOCK_SHIFT 12		/* block.id = chunk << 12 | field */
#define PAGE_SHIFT 16		/* vblk.id = chunk << 16 | page */
#define CHUNK_ID_MAX (INT64_MAX >> PAGE_SHIFT)

struct dayfile {
	sqlite3 *db;
	bool	 writing, sealed;
	uint32_t node;
	field_t	 field_of[CHUNK_FIELDS];
	uint16_t id_of[FIELD_LIMIT];
	struct arena *names;		/* holds `others`; NULL until needed */
	struct slice *others;		/* names that field_intern refused */
	unsigned next_id;		/* of a new field */
	unsigned saved_id;		/* rows below are in the file */
	sqlite3_stmt *block_all, *block_head, *block_dict, *block_data, *page;
};

/* --- names --------------------------------------------------------------- */

void
dayfile_path(const char *data, int64_t day, char *out)
{
	time_t seconds = (time_t)(day * (DAY_NS / 1000000000));
	struct tm tm;

	check(gmtime_r(&seconds, &tm) != NULL);
	snprintf(out, PATH_MAX, "%s/events/%04d/%02d/%04d-%02d-%02d.db", data,
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday);
}

bool
dayfile_day(const char *name, int64_t *day)
{
	struct tm tm = { .tm_isdst = 0 };
	int year, month, mday, end = 0;
	time_t seconds;

	if (sscanf(name, "%4d-%2d-%2d.db%n", &year, &month, &mday, &end) != 3 ||
	    end != 13 || name[end] != '\0')
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = mday;
	seconds = timegm(&tm);
	if (tm.tm_mday != mday || tm.tm_mon != month - 1)
		return false;
	*day = day_of((int64_t)seconds * 1000000000);
	return true;
}

static int
folder_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0) {
		err_errno(err, ERR_IO, "%s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

/* Makes the folders that hold the file, each durable in the one above. */
static int
folders_make(const char *path, struct err *err)
{
	char folder[PATH_MAX], *slash = folder, *above;

	snprintf(folder, sizeof(folder), "%s", path);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(folder, 0750) == 0) {
			above = strrchr(folder, '/');
			if (above != NULL && above != folder) {
				*above = '\0';
				if (folder_sync(folder, err) < 0)
					return -1;
				*above = '/';
			}
		} else if (errno != EEXIST) {
			return err_errno(err, errno == ENOSPC ? ERR_FULL :
			    ERR_IO, "%s", folder);
		}
		*slash = '/';
	}
	return 0;
}

/* --- opening ------------------------------------------------------------- */

/* Past FIELD_LIMIT a name has no number here: its values are not shown, but it
 * still counts for checksums. */
static void
keep_name(struct dayfile *file, int64_t id, struct slice name)
{
	if (file->names == NULL) {
		file->names = arena_new(0);
		file->others = arena_zalloc(file->names,
		    CHUNK_FIELDS * sizeof(*file->others));
	}
	file->others[id] = arena_dup(file->names, name);
}

static struct slice
name_of_id(const struct dayfile *file, unsigned id)
{
	if (file->field_of[id] != FIELD_NONE)
		return field_name(file->field_of[id]);
	return file->others != NULL ? file->others[id] : slice_of("", 0);
}

/* Reads field names that were added since. */
static int
dayfile_fields(struct dayfile *file, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db,
	    "SELECT id, name FROM field WHERE id >= ?", err);
	int step;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int(stmt, 1, (int)file->next_id);
	while ((step = db_step(stmt, err)) == 1) {
		int64_t id = sqlite3_column_int64(stmt, 0);
		struct slice name = db_blob(stmt, 1);
		field_t field;

		if (id < CHUNK_FIELD_FIRST || id >= CHUNK_FIELDS)
			continue;
		field = field_intern(name);
		file->field_of[id] = field;
		if (field == FIELD_NONE)
			keep_name(file, id, name);
		/* The first of two rows with one name counts; see the reader
		 * of shapes. */
		if (field != FIELD_NONE && file->id_of[field] == 0)
			file->id_of[field] = (uint16_t)id;
		if (id >= file->next_id)
			file->next_id = (unsigned)id + 1;
	}
	sqlite3_finalize(stmt);
	file->saved_id = file->next_id;
	return step;
}

static struct dayfile *
dayfile_of(sqlite3 *db, bool writing, struct err *err)
{
	struct dayfile *file = xcalloc(1, sizeof(*file));

	file->db = db;
	file->writing = writing;
	file->next_id = CHUNK_FIELD_FIRST;
	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		file->field_of[id] = FIELD_NONE;
	file->node = (uint32_t)db_number(db,
	    "SELECT v FROM meta WHERE k = 'node'", 0);
	file->sealed = db_number(db,
	    "SELECT v FROM meta WHERE k = 'sealed'", 0) != 0;
	if (dayfile_fields(file, err) < 0) {
		dayfile_close(file);
		return NULL;
	}
	return file;
}

struct dayfile *
dayfile_open_read(const char *path, bool *unborn, struct err *err)
{
	sqlite3 *db = db_open_read(path, unborn, err);
	struct dayfile *file = db != NULL ? dayfile_of(db, false, err) : NULL;

	if (file == NULL)
		err_context(err, "%s", path);
	return file;
}

static int
meta_put(sqlite3 *db, const char *key, int64_t value, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(db,
	    "INSERT OR REPLACE INTO meta(k, v) VALUES(?, ?)", err);
	int result;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, value);
	result = db_run(stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

static int
meta_fill(sqlite3 *db, const char *path, uint32_t node, struct err *err)
{
	const char *name = strrchr(path, '/') + 1;
	sqlite3_stmt *stmt;
	int result;

	if (db_number(db, "SELECT count(*) FROM meta", 0) > 0)
		return 0;
	stmt = db_prepare(db, "INSERT INTO meta(k, v) VALUES('interval', ?), "
	    "('format', 2), ('node', ?), ('sealed', 0)", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, name, (int)strlen(name) - 3, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, node);
	result = db_run(stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

struct dayfile *
dayfile_open_write(const char *data, int64_t day, uint32_t node,
    struct err *err)
{
	struct chunk_info *chunks = NULL;
	struct dayfile *file = NULL;
	char path[PATH_MAX];
	sqlite3 *db;

	dayfile_path(data, day, path);
	if (folders_make(path, err) < 0)
		return NULL;
	db = db_open_write(path, SCHEMA_DAY, err);
	if (db == NULL)
		goto fail;
	if (meta_fill(db, path, node, err) < 0) {
		db_close(db);
		goto fail;
	}
	file = dayfile_of(db, true, err);
	/* Adding to a damaged index would put its checksum right. */
	if (file != NULL && dayfile_chunks(file, &chunks, err) < 0) {
		dayfile_close(file);
		file = NULL;
	}
	free(chunks);
fail:
	if (file == NULL)
		err_context(err, "%s", path);
	return file;
}

/* --- a file as a whole ----------------------------------------------------- */

#define SMALL_RAW ((uint64_t)512 << 10)	/* of a day with small pages */
#define SMALL_PAGE 512
#define LARGE_PAGE 4096

static void
path_beside(const char *path, char *out)
{
	snprintf(out, PATH_MAX + 8, "%s.new", path);
}

/* A file has eight pages at least, most of them nearly empty: with small ones
 * it takes a sixth. */
struct dayfile *
dayfile_begin(const char *data, int64_t day, uint32_t node,
    uint64_t raw_bytes, struct err *err)
{
	char path[PATH_MAX], beside[PATH_MAX + 8];
	struct dayfile *file = NULL;
	sqlite3 *db;

	dayfile_path(data, day, path);
	if (folders_make(path, err) < 0)
		return NULL;
	path_beside(path, beside);
	unlink(beside);
	db = db_open_whole(beside, SCHEMA_DAY, raw_bytes < SMALL_RAW ?
	    SMALL_PAGE : LARGE_PAGE, err);
	if (db != NULL && meta_fill(db, path, node, err) == 0)
		file = dayfile_of(db, true, err);
	else
		db_close(db);
	if (file == NULL)
		err_context(err, "%s", beside);
	return file;
}

int
dayfile_end(struct dayfile *file, struct err *err)
{
	file->sealed = true;
	return meta_put(file->db, "sealed", 1, err);
}

int
dayfiles_settle(const char *data, struct err *err)
{
	int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd >= 0 ? syncfs(fd) : -1;

	if (result < 0)
		err_errno(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "%s", data);
	if (fd >= 0)
		close(fd);
	return result;
}

int
dayfile_appear(const char *data, int64_t day, struct err *err)
{
	char path[PATH_MAX], beside[PATH_MAX + 8];

	dayfile_path(data, day, path);
	path_beside(path, beside);
	return rename(beside, path) == 0 ? 0 :
	    err_errno(err, ERR_IO, "%s", beside);
}

void
dayfile_abandon(const char *data, int64_t day)
{
	char path[PATH_MAX], beside[PATH_MAX + 8];

	dayfile_path(data, day, path);
	path_beside(path, beside);
	unlink(beside);
}

void
dayfile_close(struct dayfile *file)
{
	if (file == NULL)
		return;
	sqlite3_finalize(file->block_all);
	sqlite3_finalize(file->block_head);
	sqlite3_finalize(file->block_dict);
	sqlite3_finalize(file->block_data);
	sqlite3_finalize(file->page);
	db_close(file->db);
	arena_free(file->names);
	free(file);
}

uint32_t
dayfile_node(const struct dayfile *file)
{
	return file->node;
}

bool
dayfile_sealed(const struct dayfile *file)
{
	return file->sealed;
}

bool
dayfile_names_known(const struct dayfile *file)
{
	return file->others == NULL;
}

struct sqlite3 *
dayfile_db(struct dayfile *file)
{
	return file->db;
}

uint64_t
dayfile_seq1(struct dayfile *file)
{
	return (uint64_t)db_number(file->db, "SELECT max(seq1) FROM chunk", 0);
}

/* --- fields -------------------------------------------------------------- */

static unsigned
assign_id(void *context, field_t field)
{
	struct dayfile *file = context;

	if (file->id_of[field] == 0 &&
	    file->next_id < CHUNK_FIELD_FIRST + DAY_FIELDS) {
		file->field_of[file->next_id] = field;
		file->id_of[field] = (uint16_t)file->next_id++;
	}
	return file->id_of[field];
}

struct field_ids
dayfile_ids(struct dayfile *file)
{
	check(file->writing);
	return (struct field_ids){ assign_id, file };
}

static int
fields_save(struct dayfile *file, struct err *err)
{
	static const char *const words[] = { "null", "text", "long", "double",
	    "ip", "time", "bool", "list" };
	sqlite3_stmt *stmt;
	int result = 0;

	if (file->saved_id == file->next_id)
		return 0;
	stmt = db_prepare(file->db, "INSERT OR REPLACE INTO "
	    "field(id, name, type) VALUES(?, ?, ?)", err);
	if (stmt == NULL)
		return -1;
	for (unsigned id = file->saved_id; id < file->next_id && result == 0;
	    id++) {
		field_t field = file->field_of[id];

		sqlite3_bind_int(stmt, 1, (int)id);
		db_bind_text(stmt, 2, field_name(field));
		sqlite3_bind_text(stmt, 3, words[field_type(field)], -1,
		    SQLITE_STATIC);
		result = db_run(stmt, err);
	}
	sqlite3_finalize(stmt);
	return result;
}

/* --- the index ----------------------------------------------------------- */

static uint32_t
crc_number(uint32_t crc, uint64_t n)
{
	char bytes[8];

	put_u64(bytes, n);
	return crc32c(crc, slice_of(bytes, sizeof(bytes)));
}

/* Over what says which chunks and fields there are: node, names, rows of
 * `chunk`. A search that skips by it must be able to believe it without reading
 * the chunks. */
static uint32_t
index_crc(const struct dayfile *file, const struct chunk_info *chunks,
    size_t n)
{
	uint32_t crc = crc_number(0, file->node);

	for (unsigned id = CHUNK_FIELD_FIRST; id < file->next_id; id++) {
		crc = crc_number(crc, id);
		crc = crc32c(crc, name_of_id(file, id));
	}
	for (size_t i = 0; i < n; i++) {
		crc = crc_number(crc, (uint64_t)chunks[i].id);
		crc = crc_number(crc, chunks[i].seq0);
		crc = crc_number(crc, chunks[i].seq1);
		crc = crc_number(crc, (uint64_t)chunks[i].t_min);
		crc = crc_number(crc, (uint64_t)chunks[i].t_max);
		crc = crc_number(crc, chunks[i].n);
		crc = crc_number(crc, chunks[i].raw_bytes);
	}
	return crc;
}

static ssize_t chunks_list(struct dayfile *file, struct chunk_info **infos,
    struct err *err);

/* Inside the transaction that changes chunks or fields. */
static int
index_save(struct dayfile *file, struct err *err)
{
	struct chunk_info *chunks = NULL;
	ssize_t n = chunks_list(file, &chunks, err);
	int result = -1;

	if (n >= 0)
		result = meta_put(file->db, "crc",
		    index_crc(file, chunks, (size_t)n), err);
	free(chunks);
	return result;
}

/* --- digests ------------------------------------------------------------- */

struct digest {
	struct strbuf bytes;
};

static void
digest_u64(struct digest *digest, uint64_t n)
{
	put_u64(strbuf_room(&digest->bytes, 8), n);
	digest->bytes.len += 8;
}

static void
digest_section(struct digest *digest, struct slice bytes)
{
	uint8_t sha[SHA_BYTES];

	digest_u64(digest, bytes.len);
	sha256(bytes, sha);
	strbuf_put(&digest->bytes, slice_of((const char *)sha, SHA_BYTES));
}

static void
digest_begin(struct digest *digest, const uint8_t prev[SHA_BYTES], int64_t id,
    const struct chunk_packed *head)
{
	strbuf_init(&digest->bytes);
	strbuf_put(&digest->bytes, slice_of((const char *)prev, SHA_BYTES));
	digest_u64(digest, (uint64_t)id);
	digest_u64(digest, head->seq0);
	digest_u64(digest, head->seq1);
	digest_u64(digest, head->n);
	digest_u64(digest, (uint64_t)head->t_min);
	digest_u64(digest, (uint64_t)head->t_max);
	digest_u64(digest, head->raw_bytes);
	digest_section(digest, head->fields);
}

static void
digest_block(struct digest *digest, unsigned id, struct slice name,
    const struct block *block)
{
	digest_u64(digest, id);
	digest_section(digest, name);
	digest_section(digest, block->hdr);
	digest_section(digest, block->bloom);
	digest_section(digest, block->dict);
	digest_section(digest, block->data);
}

static void
digest_page(struct digest *digest, uint32_t k, uint32_t n, struct slice data)
{
	digest_u64(digest, k);
	digest_u64(digest, n);
	digest_section(digest, data);
}

static void
digest_end(struct digest *digest, uint8_t out[SHA_BYTES])
{
	sha256(strbuf_slice(&digest->bytes), out);
	strbuf_fini(&digest->bytes);
}

/* --- adding -------------------------------------------------------------- */

/* Id and digest of the newest chunk below an id; 0 and zeros if there is
 * none. */
static int
newest(struct dayfile *file, int64_t below, int64_t *id,
    uint8_t sha[SHA_BYTES], struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "SELECT id, sha256 FROM chunk"
	    " WHERE id < ? ORDER BY id DESC LIMIT 1", err);
	struct slice bytes;
	int step;

	*id = 0;
	memset(sha, 0, SHA_BYTES);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, below);
	step = db_step(stmt, err);
	if (step == 1) {
		*id = sqlite3_column_int64(stmt, 0);
		bytes = db_blob(stmt, 1);
		if (bytes.len != SHA_BYTES || *id < 1 || *id >= CHUNK_ID_MAX)
			step = err_set(err, ERR_DAMAGED, "chunk %lld: no "
			    "digest", (long long)*id);
		else
			memcpy(sha, bytes.ptr, SHA_BYTES);
	}
	sqlite3_finalize(stmt);
	return step < 0 ? -1 : 0;
}

static int
blocks_add(struct dayfile *file, const struct chunk_packed *packed, int64_t id,
    struct digest *digest, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "INSERT INTO "
	    "block(id, hdr, bloom, dict, data) VALUES(?, ?, ?, ?, ?)", err);
	int result = stmt != NULL ? 0 : -1;

	for (size_t i = 0; i < packed->nblocks && result == 0; i++) {
		const struct packed_block *block = &packed->blocks[i];

		digest_block(digest, block->id, name_of_id(file, block->id),
		    &block->block);
		sqlite3_bind_int64(stmt, 1, id << BLOCK_SHIFT | block->id);
		db_bind_bytes(stmt, 2, block->block.hdr);
		db_bind_bytes(stmt, 3, block->block.bloom);
		db_bind_bytes(stmt, 4, block->block.dict);
		db_bind_bytes(stmt, 5, block->block.data);
		result = db_run(stmt, err);
	}
	sqlite3_finalize(stmt);
	return result;
}

static int
pages_add(struct dayfile *file, const struct chunk_packed *packed, int64_t id,
    struct digest *digest, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db,
	    "INSERT INTO vblk(id, n, data) VALUES(?, ?, ?)", err);
	int result = stmt != NULL ? 0 : -1;

	for (size_t k = 0; k < packed->npages && result == 0; k++) {
		const struct packed_page *page = &packed->pages[k];

		digest_page(digest, page->k, page->n, page->data);
		sqlite3_bind_int64(stmt, 1, id << PAGE_SHIFT | page->k);
		sqlite3_bind_int64(stmt, 2, page->n);
		db_bind_bytes(stmt, 3, page->data);
		result = db_run(stmt, err);
	}
	sqlite3_finalize(stmt);
	return result;
}

static int
row_add(struct dayfile *file, const struct chunk_packed *packed, int64_t id,
    const uint8_t sha[SHA_BYTES], const uint8_t prev[SHA_BYTES],
    struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "INSERT INTO chunk(id, seq0,"
	    " seq1, n, t_min, t_max, raw_bytes, fields, sha256, prev) "
	    "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", err);
	int result;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, (int64_t)packed->seq0);
	sqlite3_bind_int64(stmt, 3, (int64_t)packed->seq1);
	sqlite3_bind_int64(stmt, 4, packed->n);
	sqlite3_bind_int64(stmt, 5, packed->t_min);
	sqlite3_bind_int64(stmt, 6, packed->t_max);
	sqlite3_bind_int64(stmt, 7, (int64_t)packed->raw_bytes);
	db_bind_bytes(stmt, 8, packed->fields);
	db_bind_bytes(stmt, 9, slice_of((const char *)sha, SHA_BYTES));
	db_bind_bytes(stmt, 10, slice_of((const char *)prev, SHA_BYTES));
	result = db_run(stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

/* As chunk `id` behind the one whose digest is prev; prev becomes its own. */
static int
add_rows(struct dayfile *file, const struct chunk_packed *packed, int64_t id,
    uint8_t prev[SHA_BYTES], struct err *err)
{
	uint8_t sha[SHA_BYTES];
	struct digest digest;
	int result;

	if (file->sealed && meta_put(file->db, "sealed", 0, err) < 0)
		return -1;
	digest_begin(&digest, prev, id, packed);
	result = fields_save(file, err) < 0 ||
	    blocks_add(file, packed, id, &digest, err) < 0 ||
	    pages_add(file, packed, id, &digest, err) < 0 ? -1 : 0;
	digest_end(&digest, sha);
	if (result < 0 || row_add(file, packed, id, sha, prev, err) < 0)
		return -1;
	memcpy(prev, sha, SHA_BYTES);
	return 0;
}

int
dayfile_add(struct dayfile *file, const struct chunk_packed *packed,
    struct err *err)
{
	uint8_t prev[SHA_BYTES];
	int64_t id;

	check(file->writing);
	if (db_exec(file->db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (newest(file, INT64_MAX, &id, prev, err) < 0 ||
	    add_rows(file, packed, id + 1, prev, err) < 0 ||
	    index_save(file, err) < 0 ||
	    db_exec(file->db, "COMMIT", err) < 0) {
		db_exec(file->db, "ROLLBACK", NULL);
		return -1;
	}
	file->saved_id = file->next_id;
	file->sealed = false;
	return 0;
}

static int
delete_between(struct dayfile *file, int64_t from, int64_t to,
    struct err *err)
{
	static const char *const steps[] = {
		"DELETE FROM block WHERE id BETWEEN ?1 << 12 AND "
		    "(?2 << 12) + 4095",
		"DELETE FROM vblk WHERE id BETWEEN ?1 << 16 AND "
		    "(?2 << 16) + 65535",
		"DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2",
	};
	int result = 0;

	for (size_t i = 0; i < 3 && result == 0; i++) {
		sqlite3_stmt *stmt = db_prepare(file->db, steps[i], err);

		if (stmt == NULL)
			return -1;
		sqlite3_bind_int64(stmt, 1, from);
		sqlite3_bind_int64(stmt, 2, to);
		result = db_run(stmt, err);
		sqlite3_finalize(stmt);
	}
	return result;
}

/* The new ones get ids that none had: who reads an old one finds it gone, and
 * never the blocks of another. */
static int
replace_rows(struct dayfile *file, const struct chunk_info *last,
    int64_t first, const struct merged *merged, struct err *err)
{
	uint8_t prev[SHA_BYTES];
	int64_t id = last->id, before;

	if (newest(file, first, &before, prev, err) < 0)
		return -1;
	for (struct chunk_packed *packed;
	    (packed = merged->next(merged->context)) != NULL;) {
		int result = add_rows(file, packed, ++id, prev, err);

		chunk_packed_free(packed);
		if (result < 0)
			return -1;
	}
	if (merged->failed(merged->context))
		return err_set(err, ERR_DAMAGED, "small chunks do not merge");
	if (delete_between(file, first, last->id, err) < 0)
		return -1;
	return index_save(file, err);
}

int
dayfile_replace(struct dayfile *file, const struct chunk_info *last,
    int64_t first, const struct merged *merged, struct err *err)
{
	check(file->writing);
	if (db_exec(file->db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (replace_rows(file, last, first, merged, err) < 0 ||
	    db_exec(file->db, "COMMIT", err) < 0) {
		db_exec(file->db, "ROLLBACK", NULL);
		return -1;
	}
	return 0;
}

int
dayfile_trim(struct dayfile *file, uint64_t mark, struct err *err)
{
	static const char *const steps[] = {
		"DELETE FROM block WHERE EXISTS (SELECT 1 FROM chunk WHERE "
		    "seq1 > ?1 AND chunk.id = block.id >> 12)",
		"DELETE FROM vblk WHERE EXISTS (SELECT 1 FROM chunk WHERE "
		    "seq1 > ?1 AND chunk.id = vblk.id >> 16)",
		"DELETE FROM chunk WHERE seq1 > ?1",
	};
	sqlite3_stmt *stmt;
	int result = 0;

	check(file->writing);
	/* Nearly always there is nothing to do: no write for that. */
	if (dayfile_seq1(file) <= mark)
		return 0;
	if (db_exec(file->db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (size_t i = 0; i < 3 && result == 0; i++) {
		stmt = db_prepare(file->db, steps[i], err);
		if (stmt == NULL) {
			result = -1;
			break;
		}
		sqlite3_bind_int64(stmt, 1, (int64_t)mark);
		result = db_run(stmt, err);
		sqlite3_finalize(stmt);
	}
	if (result == 0 && index_save(file, err) == 0 &&
	    db_exec(file->db, "COMMIT", err) == 0)
		return 1;
	db_exec(file->db, "ROLLBACK", NULL);
	return -1;
}

int
dayfile_seal(struct dayfile *file, struct err *err)
{
	check(file->writing);
	if (meta_put(file->db, "sealed", 1, err) < 0)
		return -1;
	file->sealed = true;
	if (db_exec(file->db, "PRAGMA wal_checkpoint(TRUNCATE)", err) < 0)
		return -1;
	return db_exec(file->db, "PRAGMA journal_mode=DELETE", err);
}

/* --- reading ------------------------------------------------------------- */

static ssize_t
chunks_list(struct dayfile *file, struct chunk_info **infos,
    struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "SELECT id, seq0, seq1, n, "
	    "t_min, t_max, raw_bytes FROM chunk ORDER BY id", err);
	struct chunk_info *list = NULL;
	size_t n = 0, cap = 0;
	int step;

	if (stmt == NULL)
		return -1;
	while ((step = db_step(stmt, err)) == 1) {
		int64_t rows = sqlite3_column_int64(stmt, 3);

		if (n == cap) {
			cap = cap > 0 ? cap * 2 : 16;
			list = xrealloc(list, cap * sizeof(*list));
		}
		list[n++] = (struct chunk_info){
		    .id = sqlite3_column_int64(stmt, 0),
		    .seq0 = (uint64_t)sqlite3_column_int64(stmt, 1),
		    .seq1 = (uint64_t)sqlite3_column_int64(stmt, 2),
		    .n = rows > 0 && rows <= (int64_t)COLUMN_VALUES ?
		    (uint32_t)rows : 0,
		    .t_min = sqlite3_column_int64(stmt, 4),
		    .t_max = sqlite3_column_int64(stmt, 5),
		    .raw_bytes = (uint64_t)sqlite3_column_int64(stmt, 6) };
	}
	sqlite3_finalize(stmt);
	if (step < 0) {
		free(list);
		return -1;
	}
	*infos = list;
	return (ssize_t)n;
}

/* In one transaction: the writer may be adding a chunk. */
ssize_t
dayfile_chunks(struct dayfile *file, struct chunk_info **infos,
    struct err *err)
{
	int64_t claimed = -1;
	ssize_t n = -1;

	if (db_exec(file->db, "BEGIN", err) < 0)
		return -1;
	if (dayfile_fields(file, err) == 0) {
		n = chunks_list(file, infos, err);
		if (n >= 0 && db_read_number(file->db,
		    "SELECT v FROM meta WHERE k = 'crc'", -1, &claimed,
		    err) < 0) {
			free(*infos);
			*infos = NULL;
			n = -1;
		}
	}
	db_exec(file->db, "COMMIT", NULL);
	if (n >= 0 && (n > 0 || claimed >= 0) &&
	    index_crc(file, *infos, (size_t)n) != claimed) {
		free(*infos);
		*infos = NULL;
		return err_set(err, ERR_DAMAGED,
		    "the list of chunks does not check");
	}
	return n;
}

/* What a chunk_source of a file needs. */
struct open_chunk {
	struct dayfile *file;
	int64_t	 id;
	void	(*damaged)(void *context);
	void	*context;
	bool	*gone;
	bool	 told;
};

static sqlite3_stmt *
block_stmt(struct dayfile *file, unsigned parts, struct err *err)
{
	sqlite3_stmt **stmt;
	const char *sql;

	if (parts == BLOCK_HEAD) {
		stmt = &file->block_head;
		sql = "SELECT hdr, bloom FROM block WHERE id = ?";
	} else if (parts == (BLOCK_HEAD | BLOCK_DICT)) {
		stmt = &file->block_dict;
		sql = "SELECT hdr, bloom, dict FROM block WHERE id = ?";
	} else if (parts == BLOCK_DATA) {
		stmt = &file->block_data;
		sql = "SELECT data FROM block WHERE id = ?";
	} else {
		stmt = &file->block_all;
		sql = "SELECT hdr, bloom, dict, data FROM block WHERE id = ?";
	}
	if (*stmt == NULL)
		*stmt = db_prepare(file->db, sql, err);
	return *stmt;
}

/* SQLite's own finding that the file is broken is damage of this chunk too. */
static int
step_chunk(struct open_chunk *chunk, sqlite3_stmt *stmt, struct err *err)
{
	struct err why = { .kind = ERR_NONE };
	int step = db_step(stmt, &why);

	if (step < 0 && why.kind == ERR_DAMAGED && chunk->damaged != NULL &&
	    !chunk->told) {
		chunk->told = true;
		chunk->damaged(chunk->context);
	}
	if (step < 0 && err != NULL)
		*err = why;
	return step;
}

/* Nothing where the chunk promises something: damage, unless the whole chunk
 * was taken away by a merge meanwhile. */
static int
missing(struct open_chunk *chunk, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(chunk->file->db,
	    "SELECT 1 FROM chunk WHERE id = ?", err);
	int step;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, chunk->id);
	step = step_chunk(chunk, stmt, err);
	sqlite3_finalize(stmt);
	if (step != 0)
		return step < 0 ? -1 : 0;
	if (chunk->gone != NULL)
		*chunk->gone = true;
	return err_set(err, ERR_IO, "chunk %lld is gone",
	    (long long)chunk->id);
}

static int
file_block(void *context, unsigned id, unsigned parts, struct arena *arena,
    struct block *out, struct err *err)
{
	struct open_chunk *chunk = context;
	sqlite3_stmt *stmt = block_stmt(chunk->file, parts, err);
	int step, at = 0;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, chunk->id << BLOCK_SHIFT | id);
	step = step_chunk(chunk, stmt, err);
	if (step == 1) {
		*out = (struct block){ .hdr = { NULL, 0 } };
		if ((parts & BLOCK_HEAD) != 0) {
			out->hdr = arena_dup(arena, db_blob(stmt, at++));
			out->bloom = arena_dup(arena, db_blob(stmt, at++));
		}
		if ((parts & BLOCK_DICT) != 0)
			out->dict = arena_dup(arena, db_blob(stmt, at++));
		if ((parts & BLOCK_DATA) != 0)
			out->data = arena_dup(arena, db_blob(stmt, at));
	}
	sqlite3_reset(stmt);
	return step == 0 ? missing(chunk, err) : step;
}

static int
file_page(void *context, uint32_t k, struct arena *arena, uint32_t *n,
    struct slice *data, struct err *err)
{
	struct open_chunk *chunk = context;
	struct dayfile *file = chunk->file;
	int step;

	if (file->page == NULL)
		file->page = db_prepare(file->db,
		    "SELECT n, data FROM vblk WHERE id = ?", err);
	if (file->page == NULL)
		return -1;
	sqlite3_bind_int64(file->page, 1, chunk->id << PAGE_SHIFT | k);
	step = step_chunk(chunk, file->page, err);
	if (step == 1) {
		*n = (uint32_t)sqlite3_column_int64(file->page, 0);
		*data = arena_dup(arena, db_blob(file->page, 1));
	}
	sqlite3_reset(file->page);
	return step == 0 ? missing(chunk, err) : step;
}

static field_t
file_field_of(void *context, unsigned id)
{
	const struct open_chunk *chunk = context;

	return id < CHUNK_FIELDS ? chunk->file->field_of[id] : FIELD_NONE;
}

static unsigned
file_id_of(void *context, field_t field)
{
	const struct open_chunk *chunk = context;

	return field < FIELD_LIMIT ? chunk->file->id_of[field] : 0;
}

static void
file_damaged(void *context)
{
	struct open_chunk *chunk = context;

	if (chunk->told)
		return;
	chunk->told = true;
	if (chunk->damaged != NULL)
		chunk->damaged(chunk->context);
}

struct chunk *
dayfile_chunk(struct dayfile *file, const struct chunk_info *info,
    void (*damaged)(void *context), void *context, bool *gone,
    struct err *err)
{
	struct open_chunk *open_one = xcalloc(1, sizeof(*open_one));
	struct chunk_source source = { .context = open_one,
	    .node = file->node, .block = file_block, .page = file_page,
	    .field_of = file_field_of, .id_of = file_id_of,
	    .damaged = file_damaged, .close = free };
	struct chunk_head head = { .n = info->n, .seq0 = info->seq0,
	    .seq1 = info->seq1, .t_min = info->t_min, .t_max = info->t_max };
	sqlite3_stmt *stmt = db_prepare(file->db,
	    "SELECT fields FROM chunk WHERE id = ?", err);
	struct chunk *chunk = NULL;
	int step;

	*open_one = (struct open_chunk){ .file = file, .id = info->id,
	    .damaged = damaged, .context = context, .gone = gone };
	if (stmt == NULL)
		goto fail;
	sqlite3_bind_int64(stmt, 1, info->id);
	step = step_chunk(open_one, stmt, err);
	if (step == 0 && gone != NULL)
		*gone = true;
	if (step == 0)
		err_set(err, ERR_IO, "chunk %lld is gone",
		    (long long)info->id);
	if (step <= 0)
		goto fail;
	head.fields = db_blob(stmt, 0);
	chunk = chunk_open_source(&source, &head, err);
	sqlite3_finalize(stmt);
	return chunk;

fail:
	sqlite3_finalize(stmt);
	free(open_one);
	return NULL;
}

/* --- verifying ----------------------------------------------------------- */

static int
verify_blocks(struct dayfile *file, int64_t id, struct digest *digest,
    struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "SELECT id, hdr, bloom, dict,"
	    " data FROM block WHERE id >= ?1 << 12 AND id < (?1 + 1) << 12 "
	    "ORDER BY id", err);
	int step;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	while ((step = db_step(stmt, err)) == 1) {
		unsigned field = (unsigned)sqlite3_column_int64(stmt, 0) &
		    (CHUNK_FIELDS - 1);
		struct block block = { db_blob(stmt, 1), db_blob(stmt, 2),
		    db_blob(stmt, 3), db_blob(stmt, 4) };

		digest_block(digest, field, name_of_id(file, field), &block);
	}
	sqlite3_finalize(stmt);
	return step;
}

static int
verify_pages(struct dayfile *file, int64_t id, struct digest *digest,
    struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "SELECT id, n, data FROM vblk"
	    " WHERE id >= ?1 << 16 AND id < (?1 + 1) << 16 ORDER BY id", err);
	int step;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	while ((step = db_step(stmt, err)) == 1)
		digest_page(digest, (uint32_t)sqlite3_column_int64(stmt, 0) &
		    0xffff, (uint32_t)sqlite3_column_int64(stmt, 1),
		    db_blob(stmt, 2));
	sqlite3_finalize(stmt);
	return step;
}

/* The row: its chain, its digest; digest_begin() over what it says. */
static int
verify_head(struct dayfile *file, int64_t id, const uint8_t prev[SHA_BYTES],
    uint8_t claimed[SHA_BYTES], struct digest *digest, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(file->db, "SELECT seq0, seq1, n, "
	    "t_min, t_max, raw_bytes, fields, sha256, prev FROM chunk WHERE "
	    "id = ?", err);
	struct chunk_packed head = { .n = 0 };
	struct slice sha, chain;
	int result = -1;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	switch (db_step(stmt, err)) {
	case 0:
		err_set(err, ERR_IO, "gone");
		break;
	case 1:
		head.seq0 = (uint64_t)sqlite3_column_int64(stmt, 0);
		head.seq1 = (uint64_t)sqlite3_column_int64(stmt, 1);
		head.n = (uint32_t)sqlite3_column_int64(stmt, 2);
		head.t_min = sqlite3_column_int64(stmt, 3);
		head.t_max = sqlite3_column_int64(stmt, 4);
		head.raw_bytes = (uint64_t)sqlite3_column_int64(stmt, 5);
		head.fields = db_blob(stmt, 6);
		sha = db_blob(stmt, 7);
		chain = db_blob(stmt, 8);
		if (sha.len != SHA_BYTES || !slice_eq(chain,
		    slice_of((const char *)prev, SHA_BYTES))) {
			err_set(err, ERR_DAMAGED,
			    "does not follow the chunk before it");
			break;
		}
		memcpy(claimed, sha.ptr, SHA_BYTES);
		digest_begin(digest, prev, id, &head);
		result = 0;
		break;
	default:
		break;
	}
	sqlite3_finalize(stmt);
	return result;
}

int
dayfile_verify(struct dayfile *file, int64_t chunk, uint8_t prev[SHA_BYTES],
    struct err *err)
{
	uint8_t claimed[SHA_BYTES], found[SHA_BYTES];
	struct digest digest;
	int result;

	if (verify_head(file, chunk, prev, claimed, &digest, err) < 0)
		return -1;
	result = verify_blocks(file, chunk, &digest, err);
	if (result == 0)
		result = verify_pages(file, chunk, &digest, err);
	digest_end(&digest, found);
	if (result < 0)
		return -1;
	if (memcmp(claimed, found, SHA_BYTES) != 0)
		return err_set(err, ERR_DAMAGED,
		    "bytes are not those that were written");
	memcpy(prev, found, SHA_BYTES);
	return 0;
}
