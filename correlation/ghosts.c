/* A cell: fingerprint in the upper 24 bits, worth in the lower 8. A worth of 0
 * is a free cell.
 */
#include "correlation/ghosts.h"

#include <stdlib.h>

#include "engine/check.h"

#define LEAST_CELLS 1024

struct ghosts {
	uint32_t *cells;
	size_t	 mask;
};

struct ghosts *
ghosts_new(size_t bytes)
{
	struct ghosts *ghosts = xcalloc(1, sizeof(*ghosts));
	size_t n = LEAST_CELLS;

	while (2 * n <= bytes / sizeof(*ghosts->cells))
		n *= 2;
	ghosts->cells = xcalloc(n, sizeof(*ghosts->cells));
	ghosts->mask = n - 1;
	return ghosts;
}

void
ghosts_free(struct ghosts *ghosts)
{
	if (ghosts == NULL)
		return;
	free(ghosts->cells);
	free(ghosts);
}

size_t
ghosts_bytes(const struct ghosts *ghosts)
{
	return ghosts == NULL ? 0 :
	    (ghosts->mask + 1) * sizeof(*ghosts->cells);
}

static uint32_t
fingerprint(uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~(uint32_t)GHOSTS_WORTH;
}

void
ghosts_put(struct ghosts *ghosts, uint64_t hash, uint64_t worth)
{
	ghosts->cells[hash & ghosts->mask] = fingerprint(hash) |
	    (uint32_t)(worth < GHOSTS_WORTH ? worth : GHOSTS_WORTH);
}

unsigned
ghosts_take(struct ghosts *ghosts, uint64_t hash)
{
	uint32_t *cell = &ghosts->cells[hash & ghosts->mask];
	unsigned worth;

	if ((*cell & ~(uint32_t)GHOSTS_WORTH) != fingerprint(hash))
		return 0;
	worth = *cell & GHOSTS_WORTH;
	*cell = 0;
	return worth;
}

uint32_t *
ghosts_cells(struct ghosts *ghosts, size_t *n)
{
	*n = ghosts->mask + 1;
	return ghosts->cells;
}
