/* engine/ring.h -- how pointers go from one thread to the next.
 *
 * A bounded queue: who puts waits for room, who takes waits for something.
 * With ring_put_at() it also restores an order: items come out by their
 * numbers, whoever brings them first.
 *
 * Closing lets what is inside be taken, then says RING_CLOSED for ever.
 *
 * Owner: any thread. One ring uses either ring_put or ring_put_at.
 */
#ifndef YAGURA_ENGINE_RING_H
#define YAGURA_ENGINE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

enum ring_answer { RING_ITEM, RING_TIMEOUT, RING_CLOSED };

struct ring *ring_new(size_t capacity);		/* owned; at least 1 */

/* What is still inside is forgotten; nobody may be waiting. */
void ring_free(struct ring *ring);		/* NULL does nothing */

/* Waits for room. False if closed: the item stays with the caller. */
bool ring_put(struct ring *ring, void *item);

/* Does not wait: false if full or closed. */
bool ring_try_put(struct ring *ring, void *item);

/* Puts the item with this number, counted from 0; each number comes once.
 * Waits while it is further ahead than the ring is large. */
bool ring_put_at(struct ring *ring, uint64_t number, void *item);

/* The next item. timeout_ms < 0 waits for ever, 0 does not wait. */
enum ring_answer ring_take(struct ring *ring, void **item, int timeout_ms);

size_t ring_count(struct ring *ring);		/* items inside right now */

void ring_close(struct ring *ring);
bool ring_closed(struct ring *ring);

/* Returns when the ring is closed or the time is over. */
void ring_wait_closed(struct ring *ring, int timeout_ms);

#endif
