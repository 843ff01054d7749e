/* correlation/checkpoint.h -- all that a correlator knows, as bytes, and back.
 *
 * Written with the batch after which it stands, into the ledger; read at a
 * start, before the events behind it are replayed. A correlator that was read
 * goes on exactly as the one that was written would have: also what it gives
 * up next for lack of room.
 *
 * Rules are known by id and by a hash of what they say. What belongs to a rule
 * that says something else now is left out.
 *
 *	 0  4  "YGCP"		16  4  unpacked bytes
 *	 4  2  format		20  4  crc32c of all but this
 *	 6  2  codec		24  .. packed; see checkpoint.c
 *	 8  8  sequence
 *
 * A format of another number is not read: the windows are then rebuilt from
 * stored events as far back as the rules reach.
 */
#ifndef YAGURA_CORRELATION_CHECKPOINT_H
#define YAGURA_CORRELATION_CHECKPOINT_H

#include "correlation/correlate_stage.h"

struct err;
struct strbuf;

#define CHECKPOINT_FORMAT 1
#define CHECKPOINT_PART "correlator"	/* its key in the ledger */

/* Unpacked bytes of a checkpoint, as a share of the windows' memory: half of
 * it. What is larger is not written. */
#define CHECKPOINT_SHARE 2
#define CHECKPOINT_LEAST ((size_t)64 << 10)

/* Appends to `out`: all events up to this sequence are in it. Between two
 * batches; the batch is the last one. False if alerts still wait for a place,
 * or it would be too large. */
bool checkpoint_write(struct correlator *correlator, struct batch *batch,
    uint64_t seq, struct strbuf *out);

/* Reads it into a fresh correlator. False and *err if it is damaged or of
 * another format; the correlator is fresh then, too. */
bool checkpoint_read(struct correlator *correlator, struct ruleset *set,
    struct slice data, uint64_t *seq, struct err *err);

#endif
