/* storage/write_stage.h -- batches become durable.
 *
 * A batch is added, a commit makes all added ones durable in one transaction
 * of live.db (rows by day, alerts, notes, high-water mark). Full chunks go into
 * day files, made by a thread beside (sealer.h), or at the commit if nobody
 * waits. An event is never lost between the two and never seen twice.
 *
 * Owner: the write thread.
 */
#ifndef YAGURA_STORAGE_WRITE_STAGE_H
#define YAGURA_STORAGE_WRITE_STAGE_H

#include "engine/slice.h"

struct batch;
struct err;
struct writer;

struct writer_conf {
	const char *data;
	size_t	 chunk_events;	/* 0: 65536 */
	size_t	 chunk_bytes;	/* 0: 32 MB of raw */
	int64_t	 chunk_age_ms;	/* 0: 15 minutes */
	size_t	 open_bytes;	/* open chunks together; 0: 256 MB */
	bool	 zlib;		/* codec of new sections; else zstd */
	int64_t	 retention_ns;	/* 0: keep for ever */
	uint64_t retention_bytes;	/* 0: no limit */
};

/* Takes the lock, recovers, gives the next boot number and commits it. NULL
 * and ERR_IO if another writer holds the folder. */
struct writer *writer_open(const struct writer_conf *conf, struct err *err);

/* Commits, turns what is left into chunks if `final`, gives back the lock. */
int writer_close(struct writer *writer, bool final, struct err *err);

uint32_t writer_node(const struct writer *writer);

/* seq0 of the first batch of this boot; the next one's is 4096 higher. */
uint64_t writer_first_seq(const struct writer *writer);

/* Takes a count of a MATCHED batch. Never fails; durable after the commit. */
void writer_add(struct writer *writer, struct batch *batch);

/* Bytes waiting for a commit. */
size_t writer_pending(const struct writer *writer);

/* Nobody waits for an answer from now on, as when files are imported: a commit
 * may leave what was added in memory until a chunk is full, so that nothing of
 * it goes through the tail. Closing commits all. */
void writer_hold(struct writer *writer);

/* Makes everything added durable. ERR_FULL: no room; what was added stays
 * pending and the call may be tried again when room comes. Other errors are
 * final: the writer must be closed. */
int writer_commit(struct writer *writer, struct err *err);

/* Waits for the chunks that are in the making beside us, and commits that they
 * are made. */
int writer_settle(struct writer *writer, struct err *err);

/* Chunks by age, sealing of days past, retention. Called when idle, at least
 * every few seconds. Lack of room is no error: it is tried again. */
int writer_tend(struct writer *writer, int64_t now_ns, struct err *err);

/* Was this Idempotency-Key answered within 10 minutes? The answer is copied to
 * *answer, borrowed until the next call. */
bool writer_request_seen(struct writer *writer, struct slice key,
    int64_t now_ns, struct slice *answer);

struct writer_figures {
	uint64_t stored, alerts, commits, chunks, tail_events, bytes_raw,
	    bytes_stored, days_open;
	uint64_t values_dropped;	/* past the names of a day */
	uint64_t damaged;	/* events of the tail that do not read */
	uint64_t days_dropped;	/* by retention */
	uint64_t set_aside;	/* day files found damaged */
};
void writer_figures(const struct writer *writer, struct writer_figures *out);

/* For tests: called at each step that a crash may separate from the next, with
 * its name; by the thread that makes chunks, too. */
extern void (*writer_at)(const char *point);

#endif
