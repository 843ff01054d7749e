/* storage/sealer.h -- a thread that makes chunks while the writer goes on.
 *
 * To build a chunk takes as long as dozens of commits. The writer hands over
 * events that are durable in the tail, with the file of their day, and goes on;
 * the sealer packs them and adds the chunk to the file. As all of it is below
 * the high-water mark, a chunk counts from the moment it is in its file, and a
 * crash at any moment leaves the tail, or both, which readers tell apart.
 *
 * Owner:  the write thread; the sealer's own thread begins with the first job.
 * Memory: a job is the caller's. Until it is back, its file and the events of
 *         its pieces are the sealer's to use and nobody else's to change.
 */
#ifndef YAGURA_STORAGE_SEALER_H
#define YAGURA_STORAGE_SEALER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct chunk_builder;
struct dayfile;
struct event;
struct sealer;

/* Events of one tail row. */
struct seal_piece {
	uint64_t seq;		/* key of the row */
	uint32_t n;
	const struct event *const *events;	/* NULL: read from the tail */
};

struct seal_job {
	struct seal_job *next;		/* the sealer's */
	struct dayfile *file;
	struct seal_piece *pieces;	/* in the order of their sequences */
	size_t	 npieces, n;		/* n: their events */
	uint64_t raw_bytes;
	void	*context;
	/* what became of it */
	int	 result;		/* 0, or -1 and err */
	struct err err;
	uint64_t chunks, values_dropped, bytes_stored;
	uint64_t damaged;		/* events of the tail that do not read */
};

#define SEAL_JOBS 3	/* one in the making, two that wait */

/* The builder is borrowed and in use while sealer_busy(). `live`: path of
 * live.db. */
struct sealer *sealer_new(const char *live, struct chunk_builder *builder);

/* Ends the thread after the job in the making; those that wait are dropped. */
void sealer_free(struct sealer *sealer);	/* NULL does nothing */

/* Jobs that were put and not taken back. */
unsigned sealer_busy(const struct sealer *sealer);

/* At most SEAL_JOBS at a time; done in this order. */
void sealer_put(struct sealer *sealer, struct seal_job *job);

/* A job that is done; NULL if there is none, with `wait` only when none is
 * under way either. */
struct seal_job *sealer_take(struct sealer *sealer, bool wait);

/* Does a job here and now; the sealer must not be busy. */
void seal_run(struct sealer *sealer, struct seal_job *job);

#endif
