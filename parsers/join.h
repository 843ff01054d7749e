/* parsers/join.h -- one more event of the lines that make one record.
 *
 * auditd writes one thing that happened as several lines with one number;
 * a Java trace is a line and those beneath it. Every line stays an event of
 * its own; when a record is whole, its joined event is added to the batch in
 * hand: fields of all parts, their lines as raw, their ids in
 * `yagura.joined`. What belongs together is data: `join` in yagura-parser(5).
 *
 * It stands behind the workers, where batches come one by one in the order of
 * their numbers: so a stream's lines are seen in order however many lanes
 * parsed them, and the same lines make the same records. A record ends by a
 * line that says so, by the time that a later line of its stream states, or
 * by the clock of the loop (batch->formed_ns), which ticks with batches that
 * hold no lines as long as records are open. A record that a crash cut off is
 * lost as a record; its lines are not.
 *
 * Bounded: JOIN_OPEN records, JOIN_OPEN_BYTES in all; the one that waits
 * longest goes first. JOIN_LINES and JOIN_BYTES for one. What ends early is
 * counted and tagged `join_cut`.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_PARSERS_JOIN_H
#define YAGURA_PARSERS_JOIN_H

#include "engine/slice.h"

struct batch;
struct joiner;
struct parserset;

#define JOIN_OPEN 4096
#define JOIN_OPEN_BYTES ((size_t)64 << 20)
#define JOIN_LINES 512
#define JOIN_BYTES ((size_t)256 << 10)
#define JOIN_BATCH 1024		/* added to one batch; more wait for the next */

struct joiner *joiner_new(void);
void joiner_free(struct joiner *joiner);	/* NULL does nothing */

/* Looks at the lines of a batch, PARSED or later, of this set, and adds the
 * records that ended: the first batch->njoined of its alerts, not sealed, so
 * that enrichment can follow. If batch->last is set, all that is open ends;
 * past JOIN_BATCH it waits for a next batch. */
void joiner_run(struct joiner *joiner, struct parserset *set,
    struct batch *batch);

struct joiner_figures {
	uint64_t joined, cut;	/* records; those of them that ended early */
	size_t	 open;
};
void joiner_figures(const struct joiner *joiner,
    struct joiner_figures *figures);

#endif
