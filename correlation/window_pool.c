/* Sizes are 32, 48, 64, then four a doubling: 80, 96, 112, 128, 160 ... : at
 * most a fifth of a piece is wasted. Pieces past SLAB_MAX come from malloc
 * each.
 */
#include "correlation/window_pool.h"

#include <stdint.h>
#include <stdlib.h>

#include "engine/check.h"

#define CLASSES 39		/* 32 .. 32768 bytes */
#define SLAB_MAX 32768
#define SLAB_BYTES 131072

struct piece {
	struct piece *next;
};

struct slab {
	struct slab *next;
	size_t	 fill;		/* keeps what follows aligned to 16 */
};

struct window_pool {
	struct piece *spare[CLASSES];
	struct slab *slabs;
	char	*at, *end;	/* of the slab being cut */
	size_t	 used;
};

struct window_pool *
window_pool_new(void)
{
	return xcalloc(1, sizeof(struct window_pool));
}

void
window_pool_free(struct window_pool *pool)
{
	struct slab *next;

	if (pool == NULL)
		return;
	for (struct slab *slab = pool->slabs; slab != NULL; slab = next) {
		next = slab->next;
		free(slab);
	}
	free(pool);
}

/* Classes 0 to 2 are 32, 48 and 64 bytes; then class 3 + 4d + i is 64 << d and
 * i + 1 quarters of that. */
static unsigned
class_of(size_t bytes)
{
	unsigned doubling;
	size_t base;

	if (bytes <= 64)
		return bytes <= 32 ? 0 : (unsigned)((bytes + 15) / 16 - 2);
	doubling = 63 - (unsigned)__builtin_clzll(bytes - 1);	/* >= 6 */
	base = (size_t)1 << doubling;
	return 3 + 4 * (doubling - 6) +
	    (unsigned)((bytes - 1 - base) / (base / 4));
}

static size_t
class_size(unsigned class)
{
	size_t base;

	if (class < 3)
		return 32 + 16 * (size_t)class;
	base = (size_t)64 << (class - 3) / 4;
	return base + ((class - 3) % 4 + 1) * (base / 4);
}

size_t
window_pool_size(size_t bytes)
{
	return bytes > SLAB_MAX ? bytes : class_size(class_of(bytes));
}

static void *
cut(struct window_pool *pool, size_t size)
{
	struct slab *slab;
	void *piece;

	if ((size_t)(pool->end - pool->at) < size) {
		slab = xmalloc(SLAB_BYTES);
		slab->next = pool->slabs;
		pool->slabs = slab;
		pool->at = (char *)(slab + 1);
		pool->end = (char *)slab + SLAB_BYTES;
	}
	piece = pool->at;
	pool->at += size;
	return piece;
}

void *
window_pool_get(struct window_pool *pool, size_t bytes)
{
	unsigned class;
	struct piece *piece;

	pool->used += window_pool_size(bytes);
	if (bytes > SLAB_MAX)
		return xmalloc(bytes);
	class = class_of(bytes);
	piece = pool->spare[class];
	if (piece == NULL)
		return cut(pool, class_size(class));
	pool->spare[class] = piece->next;
	return piece;
}

void
window_pool_put(struct window_pool *pool, void *memory, size_t bytes)
{
	struct piece *piece = memory;
	unsigned class;

	if (memory == NULL)
		return;
	pool->used -= window_pool_size(bytes);
	if (bytes > SLAB_MAX) {
		free(memory);
		return;
	}
	class = class_of(bytes);
	piece->next = pool->spare[class];
	pool->spare[class] = piece;
}

size_t
window_pool_used(const struct window_pool *pool)
{
	return pool->used;
}
