#include "storage/chunk_merge.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/event.h"
#include "storage/chunk.h"
#include "storage/chunk_build.h"
#include "storage/partition.h"
#include "storage/schema.h"

#define ARENA_BLOCK ((size_t)1 << 20)
#define COMPACT_BYTES (INT64_C(64) << 20)

struct merging {
	struct dayfile *file;
	const struct merge_limits *limits;
	struct chunk_builder *builder;
	const struct chunk_info *at, *end;	/* not merged yet */
	bool	 failed;
};

static bool
is_small(const struct chunk_info *info, const struct merge_limits *limits)
{
	return info->n < limits->events / 2 &&
	    info->raw_bytes < limits->bytes / 2;
}

static int
by_seq(const void *a, const void *b)
{
	const struct event *const *left = a, *const *right = b;

	return ((*left)->seq > (*right)->seq) - ((*left)->seq < (*right)->seq);
}

/* All events of a chunk, in the arena. */
static bool
chunk_load(struct merging *m, const struct chunk_info *info,
    struct arena *arena, const struct event **into)
{
	struct chunk *chunk = dayfile_chunk(m->file, info, NULL, NULL, NULL,
	    NULL);
	struct event *events;
	bool good = chunk != NULL;

	events = arena_alloc(arena, info->n * sizeof(*events));
	for (uint32_t row = 0; good && row < info->n; row++) {
		good = chunk_event(chunk, row, arena, &events[row], NULL);
		into[row] = &events[row];
	}
	chunk_close(chunk);
	return good;
}

/* The next chunks that fit together, as one. What comes out must have as many
 * events and raw bytes as what went in. */
static struct chunk_packed *
merge_next(void *context)
{
	struct merging *m = context;
	const struct chunk_info *first = m->at;
	const struct event **events;
	struct chunk_packed *packed = NULL;
	struct field_ids ids = dayfile_ids(m->file);
	struct arena *arena;
	uint64_t raw_bytes = 0;
	size_t n = 0, used = 0;

	for (; m->at < m->end && (n == 0 ||
	    (n + m->at->n <= m->limits->events &&
	    raw_bytes + m->at->raw_bytes <= m->limits->bytes)); m->at++) {
		n += m->at->n;
		raw_bytes += m->at->raw_bytes;
	}
	if (n == 0)
		return NULL;
	arena = arena_new(ARENA_BLOCK);
	events = xcalloc(n, sizeof(*events));
	for (; first < m->at && !m->failed; first++) {
		m->failed = !chunk_load(m, first, arena, events + used);
		used += first->n;
	}
	if (!m->failed) {
		qsort(events, n, sizeof(*events), by_seq);
		packed = chunk_build(m->builder, events, n, &ids);
		m->failed = packed->n != n || packed->raw_bytes != raw_bytes ||
		    packed->values_dropped > 0;
	}
	if (m->failed) {
		chunk_packed_free(packed);
		packed = NULL;
	}
	free(events);
	arena_free(arena);
	return packed;
}

static bool
merge_failed(void *context)
{
	const struct merging *m = context;

	return m->failed;
}

/* Gives back what the small chunks took; a large file keeps its free pages for
 * chunks to come, because it would be written as a whole. */
static void
compact(struct dayfile *file)
{
	struct sqlite3 *db = dayfile_db(file);
	int64_t pages = db_number(db, "PRAGMA page_count", 0);
	int64_t size = db_number(db, "PRAGMA page_size", 0);
	int64_t unused = db_number(db, "PRAGMA freelist_count", 0);

	if (unused > pages / 8 && pages * size <= COMPACT_BYTES)
		db_exec(db, "VACUUM", NULL);
}

int
chunks_merge(struct dayfile *file, const struct merge_limits *limits,
    struct chunk_builder *builder, struct err *err)
{
	struct merging m = { .file = file, .limits = limits,
	    .builder = builder };
	struct merged merged = { merge_next, merge_failed, &m };
	struct chunk_info *chunks = NULL;
	ssize_t n = dayfile_chunks(file, &chunks, err), first;
	int result = 0;

	if (n < 0)
		return -1;
	/* Values of names that we cannot number would be lost. */
	for (first = n; first > 0 && is_small(&chunks[first - 1], limits);)
		first--;
	if (n - first >= 2 && dayfile_names_known(file)) {
		m.at = chunks + first;
		m.end = chunks + n;
		result = dayfile_replace(file, &chunks[n - 1],
		    chunks[first].id, &merged, err);
		if (result == 0)
			compact(file);
	}
	free(chunks);
	return result;
}
