/* storage/scan_bits.h -- a condition over a chunk: which rows hold.
 *
 * Answers with a bitmap, or with "all of those you asked about" or "none",
 * which dictionaries often know without looking at a row.
 */
#ifndef YAGURA_STORAGE_SCAN_BITS_H
#define YAGURA_STORAGE_SCAN_BITS_H

#include <stdint.h>

#include "storage/plan.h"

struct arena;
struct chunk;
struct chunk_info;
struct err;

enum bits_state { BITS_NONE, BITS_SOME, BITS_ALL, BITS_BROKEN };

struct bits {
	enum bits_state state;
	uint64_t *words;	/* BITS_SOME; in the arena */
};

struct bits_scan {
	struct plan *plan;
	struct chunk *chunk;
	const struct chunk_info *info;
	uint32_t node;		/* of event.id */
	struct arena *arena;	/* bitmaps; reset by the caller */
	struct err *err;	/* BITS_BROKEN */
	uint32_t rows;
	size_t	 nwords;
};

/* Rows among `candidates` (NULL: all rows) that the plan holds for. */
struct bits bits_plan(struct bits_scan *scan, const uint64_t *candidates);

/* Rows with from <= time <= to. */
struct bits bits_times(struct bits_scan *scan, int64_t from_ns, int64_t to_ns);

uint32_t bits_count(const uint64_t *words, size_t nwords);

static inline bool
bit_is_set(const uint64_t *words, uint32_t i)
{
	return (words[i >> 6] >> (i & 63) & 1) != 0;
}

#endif
