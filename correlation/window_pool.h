/* correlation/window_pool.h -- memory of windows, counted to the byte.
 *
 * Groups come and go by the million while the correlator runs, in few sizes.
 * Freed pieces wait in a list of their size and malloc sees whole slabs only.
 * What a limit on memory is compared with is what is in use here.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_WINDOW_POOL_H
#define YAGURA_CORRELATION_WINDOW_POOL_H

#include <stddef.h>

struct window_pool;

struct window_pool *window_pool_new(void);	/* owned */
void window_pool_free(struct window_pool *pool);	/* and all pieces */

/* Not cleared, aligned to 16; never NULL. The same size goes to the putter. */
void *window_pool_get(struct window_pool *pool, size_t bytes);
void window_pool_put(struct window_pool *pool, void *piece, size_t bytes);

/* The size that a piece of this many bytes really has: room to use. */
size_t window_pool_size(size_t bytes);

size_t window_pool_used(const struct window_pool *pool);	/* bytes */

#endif
