/* correlation/ghosts.h -- who was given up for room, in four bytes each.
 *
 * A flood of keys pushes groups out before their second event comes; a quiet
 * attack beside it would be pushed out each time. So what a group was worth is
 * remembered a while after it went, and adds to its worth when it comes back:
 * those of the flood never do.
 *
 * A table of fingerprints, the newer one wins its cell. It forgets by chance
 * and is wrong once in millions: it only decides who goes next.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_GHOSTS_H
#define YAGURA_CORRELATION_GHOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GHOSTS_WORTH 255	/* more is remembered as this */

struct ghosts;

struct ghosts *ghosts_new(size_t bytes);	/* at most; owned */
void ghosts_free(struct ghosts *ghosts);
size_t ghosts_bytes(const struct ghosts *ghosts);

void ghosts_put(struct ghosts *ghosts, uint64_t hash, uint64_t worth);

/* What it was worth; 0 if it is not known (any more). */
unsigned ghosts_take(struct ghosts *ghosts, uint64_t hash);

/* The cells, for a checkpoint: n of them, 0 is free. */
uint32_t *ghosts_cells(struct ghosts *ghosts, size_t *n);

#endif
