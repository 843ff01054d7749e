/* storage/store.h -- a data folder: day files, live.db, catalog.
 *
 *	<data>/events/YYYY/MM/YYYY-MM-DD.db   one day UTC, chunks
 *	<data>/live.db                        tail of all days, and the ledger
 *	<data>/catalog.db                     rebuildable
 *	<data>/lock                           held by the one writer
 *
 * A reader needs no daemon. The layout of the files is in yagura-chunk(5).
 */
#ifndef YAGURA_STORAGE_STORE_H
#define YAGURA_STORAGE_STORE_H

#include "engine/slice.h"

struct arena;
struct chunk;
struct err;
struct event;
struct partition;
struct sqlite3;
struct store;

/* Opens for reading. NULL and ERR_IO if the folder is no store, or the store
 * crashed and we may not write its WAL. */
struct store *store_open(const char *data, struct err *err);
void store_close(struct store *store);

/* Read-only connection to live.db, for the ledger's readers. Borrowed. */
struct sqlite3 *store_live(struct store *store);
uint32_t store_node(const struct store *store);
const char *store_data(const struct store *store);	/* the folder */
struct sqlite3 *store_catalog(struct store *store);	/* NULL: none */

/* The days that have events between the two times, both included; newest
 * first if `newest_first`. A partition that is damaged is named in *err's
 * text, left out, and counted by store_missing(). Borrowed until the next
 * call. */
struct partition_info {
	int64_t	 day_ns;	/* 00:00 UTC */
	int64_t	 t_min, t_max;	/* of its events, tail rows included */
	uint64_t events, bytes;	/* stored; bytes of the file */
	uint64_t raw_bytes;
	bool	 sealed;
	const char *path;
};
size_t store_partitions(struct store *store, int64_t from_ns, int64_t to_ns,
    bool newest_first, const struct partition_info **infos, struct err *err);

/* Events that could not be answered for, because of damage, and why (a line
 * each). */
uint64_t store_missing(const struct store *store, struct slice *why);

/* One day in a consistent state: its chunk list and its tail, read in one
 * short transaction. If sealing takes a chunk away meanwhile, chunk_open
 * answers ERR_IO with partition_stale() true: close and start this one
 * again. A chunk that cannot be read for another reason is missing. */
struct partition *partition_open(struct store *store,
    const struct partition_info *info, struct err *err);
void partition_close(struct partition *partition);
bool partition_stale(const struct partition *partition);

struct chunk_info {
	int64_t	 id;
	uint64_t seq0, seq1;	/* least and greatest sequence */
	int64_t	 t_min, t_max;
	uint32_t n;
	uint64_t raw_bytes;
};
size_t partition_chunks(const struct partition *partition,
    const struct chunk_info **infos);	/* oldest first */

/* The tail: rows not yet in a chunk, as batches of whole events, each decoded
 * when asked for. The events live until the arena is reset. */
size_t partition_tail_count(const struct partition *partition);
struct event *partition_tail(struct partition *partition, size_t i,
    struct arena *arena, size_t *nevents, struct err *err);

/* Opens one chunk: shapes only; columns are read when asked for. */
struct chunk *chunk_open(struct partition *partition,
    const struct chunk_info *info, struct err *err);

#endif
