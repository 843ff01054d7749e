/* engine/pacing.h -- how much may be in flight so that nothing waits long.
 *
 * A belt that always holds as much as it may makes every event wait for all
 * that is before it: at 64 batches an acknowledged sender beside a saturated
 * connection waited two seconds. So what may be in flight follows how long it
 * takes (additive increase, multiplicative decrease, RFC 5681's rule for the
 * same question): a batch that took longer than PACING_NS takes a quarter of
 * the window away, once for all that is in flight then; one that did not, in
 * a belt that was full, adds one.
 *
 * Owner: the loop's thread.
 */
#ifndef YAGURA_ENGINE_PACING_H
#define YAGURA_ENGINE_PACING_H

#include <stdbool.h>
#include <stdint.h>

#define PACING_NS INT64_C(100000000)	/* from submit to durable */
#define PACING_LEAST 8			/* batches: every stage has work */

struct pacing {
	uint64_t window;	/* batches that may be in flight */
	uint64_t most;
	uint64_t next_cut;	/* number of the batch that may cut again */
};

/* `most` >= PACING_LEAST: the configured limit. */
void pacing_init(struct pacing *pacing, uint64_t most);

/* Batches up to `number` are durable, the first of them after took_ns.
 * `full`: senders were slowed. `submitted`: number of the next batch. */
void pacing_done(struct pacing *pacing, uint64_t number, int64_t took_ns,
    bool full, uint64_t submitted);

#endif
