/* Where consistency comes from: live.db is read first, in one transaction, and
 * the chunk list of the day file after it. A chunk is committed to its day file
 * before its rows leave the tail, so what we miss in one we find in the other;
 * and what we find in both, the sequences tell: tail rows at or below the
 * highest chunked sequence of their day are in a chunk. A chunk above the high-
 * water mark that we read belongs to a commit that is not finished, and is
 * left to later readers.
 */
#include "storage/store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/hash.h"
#include "engine/strbuf.h"
#include "storage/catalog.h"
#include "storage/chunk.h"
#include "storage/ledger.h"
#include "storage/partition.h"
#include "storage/schema.h"
#include "storage/tail.h"

struct tail_row {
	uint64_t seq;
	int64_t	 t_min, t_max;
	uint32_t n;
	uint32_t crc;
	struct slice data;	/* owned by the partition's arena */
};

struct lost {			/* counted once */
	struct lost *next;
	char	*what;
};

struct store {
	char	*data;
	sqlite3	*live, *catalog;
	uint32_t node;
	struct partition_info *infos;
	size_t	 ninfos, infos_cap;
	uint64_t missing;
	struct strbuf why;
	struct lost *lost;
	struct partition *kept;		/* of store_event */
	struct chunk *kept_chunk;
	int64_t	 kept_day, kept_id;
};

struct partition {
	struct store *store;
	struct arena *arena;
	char	*path;
	struct dayfile *file;		/* NULL: tail only */
	struct chunk_info *chunks;
	size_t	 nchunks;
	struct tail_row *rows;
	size_t	 nrows, rows_cap;
	bool	 stale;
	struct told *told;
};

/* What an open chunk needs to say that it is damaged. */
struct told {
	struct told *next;
	struct partition *partition;
	int64_t	 id;
	uint32_t n;
};

/* --- missing ------------------------------------------------------------- */

static void
lose(struct store *store, const char *what, uint64_t events, const char *why)
{
	struct lost *lost;

	for (lost = store->lost; lost != NULL; lost = lost->next)
		if (strcmp(lost->what, what) == 0)
			return;
	lost = xcalloc(1, sizeof(*lost));
	lost->what = xstrdup(what);
	lost->next = store->lost;
	store->lost = lost;
	store->missing += events;
	strbuf_printf(&store->why, "%s: %s; %llu events missing\n", what, why,
	    (unsigned long long)events);
}

uint64_t
store_missing(const struct store *store, struct slice *why)
{
	if (why != NULL)
		*why = strbuf_slice(&store->why);
	return store->missing;
}

/* --- opening ------------------------------------------------------------- */

struct store *
store_open(const char *data, struct err *err)
{
	struct store *store = xcalloc(1, sizeof(*store));
	char path[PATH_MAX];
	struct stat st;

	store->data = xstrdup(data);
	strbuf_init(&store->why);
	snprintf(path, sizeof(path), "%s/live.db", data);
	if (stat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			err_set(err, ERR_IO, "%s is no store: it has no "
			    "live.db", data);
		else
			err_errno(err, ERR_IO, "%s", path);
		goto fail;
	}
	store->live = db_open_read(path, NULL, err);
	if (store->live == NULL) {
		err_context(err, "%s", path);
		/* Nothing can be answered without the ledger. */
		if (err != NULL && (err->kind == ERR_FULL ||
		    err->kind == ERR_LIMIT))
			err->kind = ERR_IO;
		goto fail;
	}
	store->node = (uint32_t)db_number(store->live,
	    "SELECT v FROM mark WHERE k = 'node'", 0);
	snprintf(path, sizeof(path), "%s/catalog.db", data);
	/* The catalog can be made again and is not needed to answer. */
	if (stat(path, &st) == 0)
		store->catalog = db_open_read(path, NULL, NULL);
	return store;

fail:
	store_close(store);
	return NULL;
}

static void
kept_drop(struct store *store)
{
	chunk_close(store->kept_chunk);
	partition_close(store->kept);
	store->kept_chunk = NULL;
	store->kept = NULL;
}

void
store_close(struct store *store)
{
	struct lost *lost;

	if (store == NULL)
		return;
	kept_drop(store);
	while ((lost = store->lost) != NULL) {
		store->lost = lost->next;
		free(lost->what);
		free(lost);
	}
	for (size_t i = 0; i < store->ninfos; i++) {
		union { const char *in; char *out; } path =
		    { .in = store->infos[i].path };

		free(path.out);
	}
	free(store->infos);
	strbuf_fini(&store->why);
	db_close(store->live);
	db_close(store->catalog);
	free(store->data);
	free(store);
}

struct sqlite3 *
store_live(struct store *store)
{
	return store->live;
}

const char *
store_data(const struct store *store)
{
	return store->data;
}

struct sqlite3 *
store_catalog(struct store *store)
{
	return store->catalog;
}

uint32_t
store_node(const struct store *store)
{
	return store->node;
}

/* --- which days there are ------------------------------------------------ */

static struct partition_info *
info_new(struct store *store, int64_t day)
{
	struct partition_info *info;
	char path[PATH_MAX];

	if (store->ninfos == store->infos_cap) {
		store->infos_cap = store->infos_cap > 0 ?
		    store->infos_cap * 2 : 64;
		store->infos = xrealloc(store->infos,
		    store->infos_cap * sizeof(*store->infos));
	}
	dayfile_path(store->data, day, path);
	info = &store->infos[store->ninfos++];
	*info = (struct partition_info){ .day_ns = day * DAY_NS,
	    .t_min = INT64_MAX, .t_max = INT64_MIN, .path = xstrdup(path) };
	return info;
}

static void
infos_clear(struct store *store)
{
	for (size_t i = 0; i < store->ninfos; i++) {
		union { const char *in; char *out; } path =
		    { .in = store->infos[i].path };

		free(path.out);
	}
	store->ninfos = 0;
}

/* A file that the writer found damaged is not read, and not kept quiet about:
 * YYYY-MM-DD.db.damaged, and a number behind it from the second on. */
static void
scan_aside(struct store *store, const char *folder, const char *name,
    int64_t from, int64_t to)
{
	char path[PATH_MAX], plain[14];
	int64_t day;

	snprintf(plain, sizeof(plain), "%.13s", name);
	if (strlen(name) <= 13 || strncmp(name + 13, ".damaged", 8) != 0 ||
	    strchr(name + 13, '-') != NULL || !dayfile_day(plain, &day) ||
	    day < from || day > to)
		return;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) <
	    (int)sizeof(path))
		lose(store, path, 0, "set aside");
}

/* A folder that is not there has no days. */
static void
scan_month(struct store *store, const char *folder, int64_t from, int64_t to)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int64_t day;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		scan_aside(store, folder, entry->d_name, from, to);
		if (dayfile_day(entry->d_name, &day) && day >= from &&
		    day <= to)
			info_new(store, day);
	}
	closedir(dir);
}

static bool
all_digits(const char *name, size_t n)
{
	return strlen(name) == n && strspn(name, "0123456789") == n;
}

static void
scan_year(struct store *store, const char *folder, int64_t from, int64_t to)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (!all_digits(entry->d_name, 2))
			continue;
		if (snprintf(path, sizeof(path), "%s/%.2s", folder,
		    entry->d_name) < (int)sizeof(path))
			scan_month(store, path, from, to);
	}
	closedir(dir);
}

static void
scan_days(struct store *store, int64_t from, int64_t to)
{
	char path[PATH_MAX], folder[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (snprintf(folder, sizeof(folder), "%s/events", store->data) >=
	    (int)sizeof(folder))
		return;
	dir = opendir(folder);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (!all_digits(entry->d_name, 4))
			continue;
		if (snprintf(path, sizeof(path), "%s/%.4s", folder,
		    entry->d_name) < (int)sizeof(path))
			scan_year(store, path, from, to);
	}
	closedir(dir);
}

static struct partition_info *
info_of_day(struct store *store, int64_t day)
{
	for (size_t i = 0; i < store->ninfos; i++)
		if (store->infos[i].day_ns == day * DAY_NS)
			return &store->infos[i];
	return NULL;
}

static void
count_in(struct partition_info *info, uint64_t events, int64_t t_min,
    int64_t t_max)
{
	info->events += events;
	info->t_min = t_min < info->t_min ? t_min : info->t_min;
	info->t_max = t_max > info->t_max ? t_max : info->t_max;
}

static bool
chunk_committed(const struct dayfile *file, const struct chunk_info *chunk,
    uint32_t node, uint64_t mark)
{
	return dayfile_sealed(file) || dayfile_node(file) != node ||
	    chunk->seq1 <= mark;
}

/* The writer lists a day before it makes its file: a file without tables is
 * being made, or was when the writer crashed. */
static bool
day_in_making(struct store *store, int64_t day)
{
	sqlite3_stmt *stmt = db_prepare(store->live,
	    "SELECT 1 FROM open_day WHERE day = ?", NULL);
	bool listed;

	if (stmt == NULL)
		return false;
	sqlite3_bind_int64(stmt, 1, day);
	listed = db_step(stmt, NULL) == 1;
	sqlite3_finalize(stmt);
	return listed;
}

/* Looks into the file. -1 and *err. `seq1` is the highest sequence chunked. */
static int
info_from_file(struct store *store, struct partition_info *info,
    uint64_t mark, uint64_t *seq1, struct err *err)
{
	bool unborn = false;
	struct dayfile *file = dayfile_open_read(info->path, &unborn, err);
	struct chunk_info *chunks = NULL;
	ssize_t n;

	if (file == NULL)
		return unborn && day_in_making(store, day_of(info->day_ns)) ?
		    0 : -1;
	info->sealed = dayfile_sealed(file);
	n = dayfile_chunks(file, &chunks, err);
	for (ssize_t i = 0; i < n; i++) {
		if (!chunk_committed(file, &chunks[i], store->node, mark))
			continue;
		count_in(info, chunks[i].n, chunks[i].t_min, chunks[i].t_max);
		info->raw_bytes += chunks[i].raw_bytes;
		*seq1 = chunks[i].seq1 > *seq1 ? chunks[i].seq1 : *seq1;
	}
	free(chunks);
	dayfile_close(file);
	return n < 0 ? -1 : 0;
}

static uint64_t
wal_bytes(const char *path)
{
	char wal[PATH_MAX + 8];
	struct stat st;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	return stat(wal, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Finds what a file holds: from the catalog if it is sealed and as long as it
 * was then, else by looking. */
static void
info_fill(struct store *store, struct partition_info *info, uint64_t mark,
    uint64_t *seq1, struct err *err)
{
	int64_t day = day_of(info->day_ns);
	struct catalog_row row;
	bool listed = store->catalog != NULL &&
	    catalog_find(store->catalog, day, &row);
	struct err why = { .kind = ERR_NONE };
	struct stat st;

	if (stat(info->path, &st) < 0)
		return;		/* only in the tail, or just gone */
	info->bytes = (uint64_t)st.st_size;
	if (listed && row.bytes == info->bytes) {
		info->sealed = true;
		count_in(info, row.events, row.t_min, row.t_max);
		info->raw_bytes = row.raw_bytes;
		return;
	}
	info->bytes += wal_bytes(info->path);
	if (info_from_file(store, info, mark, seq1, &why) < 0) {
		info->bytes = 0;
		info->day_ns = INT64_MIN;	/* left out */
		lose(store, info->path, listed ? row.events : 0, why.text);
		if (err != NULL)
			*err = why;
	}
}

/* Rows of the tail of each day that are in no chunk. */
static void
tail_count(struct store *store, int64_t from, int64_t to,
    const uint64_t *seq1, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(store->live, "SELECT day, seq, n, "
	    "t_min, t_max, substr(data, 1, 24) FROM tail WHERE day BETWEEN "
	    "? AND ?", err);
	struct partition_info *info;

	if (stmt == NULL)
		return;
	sqlite3_bind_int64(stmt, 1, from);
	sqlite3_bind_int64(stmt, 2, to);
	while (db_step(stmt, err) == 1) {
		info = info_of_day(store, sqlite3_column_int64(stmt, 0));
		if (info == NULL || (uint64_t)sqlite3_column_int64(stmt, 1) <=
		    seq1[info - store->infos])
			continue;
		count_in(info, (uint64_t)sqlite3_column_int64(stmt, 2),
		    sqlite3_column_int64(stmt, 3),
		    sqlite3_column_int64(stmt, 4));
		info->raw_bytes += tail_raw_bytes(db_blob(stmt, 5));
	}
	sqlite3_finalize(stmt);
}

/* Days that have a tail and no file yet. */
static void
tail_days(struct store *store, int64_t from, int64_t to, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(store->live, "SELECT DISTINCT day FROM "
	    "tail WHERE day BETWEEN ? AND ?", err);

	if (stmt == NULL)
		return;
	sqlite3_bind_int64(stmt, 1, from);
	sqlite3_bind_int64(stmt, 2, to);
	while (db_step(stmt, err) == 1)
		if (info_of_day(store, sqlite3_column_int64(stmt, 0)) == NULL)
			info_new(store, sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(stmt);
}

static int
oldest_first(const void *a, const void *b)
{
	const struct partition_info *left = a, *right = b;

	return (left->day_ns > right->day_ns) - (left->day_ns < right->day_ns);
}

static int
newest_day_first(const void *a, const void *b)
{
	return oldest_first(b, a);
}

/* Leaves out what is empty, damaged or outside the times. */
static void
infos_choose(struct store *store, int64_t from_ns, int64_t to_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < store->ninfos; i++) {
		struct partition_info info = store->infos[i];

		if (info.events > 0 && info.t_min <= to_ns &&
		    info.t_max >= from_ns && info.day_ns != INT64_MIN) {
			store->infos[i] = store->infos[n];
			store->infos[n++] = info;
		}
	}
	for (size_t i = n; i < store->ninfos; i++) {
		union { const char *in; char *out; } path =
		    { .in = store->infos[i].path };

		free(path.out);
	}
	store->ninfos = n;
}

/* A mark that cannot be read must not pass for 0: chunks above it are left
 * out. */
static int
mark_read(struct store *store, uint64_t *mark, struct err *err)
{
	int64_t seq;
	int result = db_read_number(store->live,
	    "SELECT v FROM mark WHERE k = 'seq'", 0, &seq, err);

	*mark = (uint64_t)seq;
	return result;
}

size_t
store_partitions(struct store *store, int64_t from_ns, int64_t to_ns,
    bool newest_first, const struct partition_info **infos, struct err *err)
{
	int64_t from = day_of(from_ns), to = day_of(to_ns);
	uint64_t *seq1, mark;

	infos_clear(store);
	if (db_exec(store->live, "SAVEPOINT days", err) < 0)
		return 0;
	if (mark_read(store, &mark, err) < 0) {
		db_exec(store->live, "RELEASE days", NULL);
		return 0;
	}
	scan_days(store, from, to);
	tail_days(store, from, to, err);
	seq1 = xcalloc(store->ninfos + 1, sizeof(*seq1));
	for (size_t i = 0; i < store->ninfos; i++)
		info_fill(store, &store->infos[i], mark, &seq1[i], err);
	tail_count(store, from, to, seq1, err);
	db_exec(store->live, "RELEASE days", NULL);
	free(seq1);
	infos_choose(store, from_ns, to_ns);
	if (store->ninfos > 0)
		qsort(store->infos, store->ninfos, sizeof(*store->infos),
		    newest_first ? newest_day_first : oldest_first);
	*infos = store->infos;
	return store->ninfos;
}

/* --- one day ------------------------------------------------------------- */

static int
tail_read(struct partition *partition, int64_t day, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(partition->store->live, "SELECT seq, "
	    "t_min, t_max, n, crc, data FROM tail WHERE day = ? ORDER BY seq",
	    err);
	int step;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, day);
	while ((step = db_step(stmt, err)) == 1) {
		if (partition->nrows == partition->rows_cap) {
			partition->rows_cap = partition->rows_cap > 0 ?
			    partition->rows_cap * 2 : 64;
			partition->rows = xrealloc(partition->rows,
			    partition->rows_cap * sizeof(*partition->rows));
		}
		partition->rows[partition->nrows++] = (struct tail_row){
		    .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
		    .t_min = sqlite3_column_int64(stmt, 1),
		    .t_max = sqlite3_column_int64(stmt, 2),
		    .n = (uint32_t)sqlite3_column_int64(stmt, 3),
		    .crc = (uint32_t)sqlite3_column_int64(stmt, 4),
		    .data = arena_dup(partition->arena, db_blob(stmt, 5)) };
	}
	sqlite3_finalize(stmt);
	return step;
}

static int
chunks_read(struct partition *partition, int64_t day, uint64_t mark,
    struct err *err)
{
	struct store *store = partition->store;
	bool unborn = false;
	uint64_t seq1 = 0;
	size_t used = 0;
	struct stat st;
	ssize_t n;

	if (stat(partition->path, &st) < 0 && errno == ENOENT)
		return 0;
	partition->file = dayfile_open_read(partition->path, &unborn, err);
	if (partition->file == NULL)
		return unborn && day_in_making(store, day) ? 0 : -1;
	n = dayfile_chunks(partition->file, &partition->chunks, err);
	if (n < 0)
		return -1;
	for (ssize_t i = 0; i < n; i++)
		if (chunk_committed(partition->file, &partition->chunks[i],
		    store->node, mark)) {
			partition->chunks[used] = partition->chunks[i];
			seq1 = partition->chunks[used].seq1 > seq1 ?
			    partition->chunks[used].seq1 : seq1;
			used++;
		}
	partition->nchunks = used;
	used = 0;
	/* Sequences of another node say nothing about our tail. */
	if (dayfile_node(partition->file) != store->node)
		seq1 = 0;
	for (size_t i = 0; i < partition->nrows; i++)
		if (partition->rows[i].seq > seq1)
			partition->rows[used++] = partition->rows[i];
	partition->nrows = used;
	return 0;
}

struct partition *
partition_open(struct store *store, const struct partition_info *info,
    struct err *err)
{
	struct partition *partition = xcalloc(1, sizeof(*partition));
	struct err why = { .kind = ERR_NONE };
	int result;

	partition->store = store;
	partition->path = xstrdup(info->path);
	partition->arena = arena_new((size_t)1 << 20);
	result = db_exec(store->live, "SAVEPOINT day", &why);
	if (result == 0) {
		int64_t day = day_of(info->day_ns);
		uint64_t mark;

		result = mark_read(store, &mark, &why);
		if (result == 0)
			result = tail_read(partition, day, &why);
		if (result == 0)
			result = chunks_read(partition, day, mark, &why);
		db_exec(store->live, "RELEASE day", NULL);
	}
	if (result == 0)
		return partition;
	/* Of a version to come: the rest is answered without it. */
	if (why.kind == ERR_LIMIT)
		why.kind = ERR_DAMAGED;
	if (why.kind == ERR_DAMAGED)
		lose(store, info->path, info->events, why.text);
	if (err != NULL)
		*err = why;
	partition_close(partition);
	return NULL;
}

void
partition_close(struct partition *partition)
{
	struct told *told;

	if (partition == NULL)
		return;
	while ((told = partition->told) != NULL) {
		partition->told = told->next;
		free(told);
	}
	dayfile_close(partition->file);
	free(partition->chunks);
	free(partition->rows);
	free(partition->path);
	arena_free(partition->arena);
	free(partition);
}

bool
partition_stale(const struct partition *partition)
{
	return partition->stale;
}

size_t
partition_chunks(const struct partition *partition,
    const struct chunk_info **infos)
{
	*infos = partition->chunks;
	return partition->nchunks;
}

size_t
partition_tail_count(const struct partition *partition)
{
	return partition->nrows;
}

struct event *
partition_tail(struct partition *partition, size_t i, struct arena *arena,
    size_t *nevents, struct err *err)
{
	struct tail_row *row = &partition->rows[i];
	struct event *events = NULL;
	char what[64];

	check(i < partition->nrows);
	*nevents = 0;
	if (crc32c(0, row->data) == row->crc)
		events = tail_unpack(row->data, arena, nevents, err);
	else
		err_set(err, ERR_DAMAGED, "a row of the tail does not check");
	if (events == NULL) {
		snprintf(what, sizeof(what), "tail row %llu",
		    (unsigned long long)row->seq);
		lose(partition->store, what, row->n, "does not check");
	}
	return events;
}

static void
chunk_lost(const struct told *told, const char *why)
{
	char what[PATH_MAX + 32];

	snprintf(what, sizeof(what), "%s: chunk %lld", told->partition->path,
	    (long long)told->id);
	lose(told->partition->store, what, told->n, why);
}

static void
chunk_damaged(void *context)
{
	chunk_lost(context, "bytes do not check");
}

/* Only a chunk that was taken away makes the day stale: to begin again after
 * any other failure would meet the same. */
struct chunk *
chunk_open(struct partition *partition, const struct chunk_info *info,
    struct err *err)
{
	struct err why = { .kind = ERR_NONE };
	struct told *told = xcalloc(1, sizeof(*told));
	bool stale = partition->stale;
	struct chunk *chunk;

	*told = (struct told){ .next = partition->told,
	    .partition = partition, .id = info->id, .n = info->n };
	partition->told = told;
	partition->stale = false;
	chunk = dayfile_chunk(partition->file, info, chunk_damaged, told,
	    &partition->stale, &why);
	if (chunk == NULL && !partition->stale)
		chunk_lost(told, why.text);
	partition->stale |= stale;
	if (chunk == NULL) {
		err_context(&why, "%s: chunk %lld", partition->path,
		    (long long)info->id);
		if (err != NULL)
			*err = why;
	}
	return chunk;
}

/* --- one event ----------------------------------------------------------- */

static bool
find_in_chunks(struct store *store, uint64_t seq, int64_t time_ns,
    struct arena *arena, struct event *out, struct err *err)
{
	struct partition *partition = store->kept;

	for (size_t i = 0; i < partition->nchunks; i++) {
		const struct chunk_info *info = &partition->chunks[i];
		const uint64_t *seqs;

		if (seq < info->seq0 || seq > info->seq1 ||
		    time_ns < info->t_min || time_ns > info->t_max)
			continue;
		if (store->kept_chunk == NULL || store->kept_id != info->id) {
			chunk_close(store->kept_chunk);
			store->kept_chunk = chunk_open(partition, info, err);
			store->kept_id = info->id;
		}
		if (store->kept_chunk == NULL)
			return false;
		seqs = chunk_seqs(store->kept_chunk, err);
		if (seqs == NULL)
			return false;
		for (uint32_t row = 0; row < info->n; row++)
			if (seqs[row] == seq)
				return chunk_event(store->kept_chunk, row,
				    arena, out, err);
	}
	return false;
}

static bool
find_in_tail(struct partition *partition, uint64_t seq, int64_t time_ns,
    struct arena *arena, struct event *out, struct err *err)
{
	for (size_t i = partition->nrows; i-- > 0;) {
		const struct tail_row *row = &partition->rows[i];
		struct event *events;
		size_t n;

		if (row->seq > seq || time_ns < row->t_min ||
		    time_ns > row->t_max || seq - row->seq > 4096)
			continue;
		events = partition_tail(partition, i, arena, &n, err);
		for (size_t k = 0; events != NULL && k < n; k++)
			if (events[k].seq == seq) {
				*out = events[k];
				return true;
			}
	}
	return false;
}

/* Contributing events of an alert lie together: the day and the chunk of the
 * last answer are kept open. */
bool
store_event(struct store *store, uint64_t seq, int64_t time_ns,
    struct arena *arena, struct event *out, struct err *err)
{
	int64_t day = day_of(time_ns);

	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (store->kept == NULL || store->kept_day != day ||
		    attempt > 0) {
			struct partition_info info =
			    { .day_ns = day * DAY_NS };
			char path[PATH_MAX];

			kept_drop(store);
			dayfile_path(store->data, day, path);
			info.path = path;
			store->kept = partition_open(store, &info, err);
			store->kept_day = day;
			attempt++;
		}
		if (store->kept == NULL)
			return false;
		if (find_in_chunks(store, seq, time_ns, arena, out, err) ||
		    find_in_tail(store->kept, seq, time_ns, arena, out, err))
			return true;
	}
	return false;
}
