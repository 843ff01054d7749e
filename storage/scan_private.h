/* storage/scan_private.h -- a search as it runs, for the files that run it.
 *
 *	scan.c		partitions, newest first; the end of the chain
 *	scan_rows.c	rows that hold, made of chunks and events
 *	scan_chunk.c	a chunk: opened, asked, left out
 *	scan_any.c	rows as they lie
 *	scan_ordered.c	rows newest first
 *	scan_sequence.c	events in the order in which they were committed
 *	scan_names.c	names of fields, one event by its id
 *
 * Only scan*.c include this.
 */
#ifndef YAGURA_STORAGE_SCAN_PRIVATE_H
#define YAGURA_STORAGE_SCAN_PRIVATE_H

#include "engine/err.h"
#include "storage/chunk.h"
#include "storage/plan.h"
#include "storage/query.h"
#include "storage/scan.h"
#include "storage/scan_bits.h"
#include "storage/store.h"

struct arena;
struct event;

#define BLOCK_FIRST 64		/* rows made at once: few at first, so that */
#define BLOCK_ROWS 2048		/* `head 10` makes few, then many */
#define OPEN_CHUNKS 4		/* at a time; each may hold its raw pages */
#define RESTARTS 10		/* of one partition, because of sealing */
#define TAIL_SOURCE UINT32_MAX

/* A row that holds, before anything of it is read. */
struct ref {
	int64_t	 time_ns;
	uint64_t seq;
	uint32_t source;	/* chunk of the partition, or TAIL_SOURCE */
	uint32_t row;		/* in it; tail: batch << 12 | place */
};

struct range {
	uint64_t seq0, seq1;
};

struct open_chunk {
	struct chunk *chunk;
	uint64_t used;		/* clock of the last use */
};

struct scan {
	const struct scan_request *request;
	struct scan_result *result;
	struct query *query;
	struct schema *schema;
	struct plan *plan;
	struct op_run run;
	struct op *first;
	bool	 ordered, enough;
	bool	 unmade;	/* an event could not be read behind a row */
	uint64_t total, missing;
	uint32_t node;
	struct arena *arena;	/* of the rows being made */
	struct arena *bits;	/* of bitmaps */
	struct err damage;	/* the first */
	/* the partition in hand */
	struct partition *partition;
	const struct chunk_info *chunks;
	size_t	 nchunks;
	struct open_chunk *open;
	size_t	 nopen;
	uint64_t clock;
	/* what is done of it, if it must be started again */
	size_t	 ndone, done_cap;
	struct range *done;
	bool	 any_out;
	int64_t	 out_time_ns;
	uint64_t out_seq;
	/* rows that hold and wait for their turn */
	size_t	 nrefs, refs_cap;
	struct ref *refs;
	size_t	 block;
};


enum scan_outcome { SCAN_DONE, SCAN_STALE };

/* Joins plan, operators and sink; and gives back what they held. */
void scan_begin(struct scan *scan, const struct scan_request *request,
    struct scan_result *result);
void scan_finish(struct scan *scan);

/* What is missing, and why, into the result. */
void scan_tell(struct scan *scan);

/* A copy of the list, which the store may change meanwhile; owned. */
struct partition_info *scan_partitions(struct store *store, int64_t from_ns,
    int64_t to_ns, size_t *n, struct err *err);

/* --- rows ---------------------------------------------------------------- */

/* Hands a row to the first operator. */
void scan_push(struct scan *scan, const struct row *row);
bool scan_row_of_chunk(struct scan *scan, struct chunk *chunk, uint32_t at,
    struct row *row, struct err *err);
void scan_row_of_event(struct scan *scan, const struct event *event,
    struct row *row);

/* Events the store has found to be lost so far. */
uint64_t scan_store_lost(const struct scan *scan);

/* A chunk that cannot be read is left out and counted, once: the store counts
 * what it finds by itself. */
void scan_give_up(struct scan *scan, uint64_t events,
    uint64_t missing_before, const struct err *err);

/* --- chunks of the partition in hand ------------------------------------- */

/* Takes a partition in hand: its lists, no chunk yet. False and *err. */
bool scan_open(struct scan *scan, const struct partition_info *info,
    struct err *err);
void scan_close(struct scan *scan);

struct chunk *scan_chunk_at(struct scan *scan, uint32_t source,
    struct err *err);
void scan_close_chunk(struct scan *scan, uint32_t source);

/* Which rows of the chunk hold. */
struct bits scan_find_rows(struct scan *scan, struct chunk *chunk,
    const struct chunk_info *info, struct err *err);

/* Rows that went out before their partition was started again. */
bool scan_is_done(const struct scan *scan, uint64_t seq);
void scan_mark_done(struct scan *scan, uint64_t seq0, uint64_t seq1);

bool scan_out_of_time(const struct scan *scan, int64_t t_min, int64_t t_max);

/* Nothing in it can be asked for. */
bool scan_skips_chunk(const struct scan *scan, const struct chunk_info *info);
void scan_saw_seq(struct scan *scan, uint64_t seq);

/* So many more events were looked at. */
void scan_progress(struct scan *scan, uint64_t events);

/* --- the ways through a partition ---------------------------------------- */

enum scan_outcome scan_any_partition(struct scan *scan);
enum scan_outcome scan_ordered_partition(struct scan *scan);

#endif
