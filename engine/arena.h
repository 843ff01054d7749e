/* engine/arena.h -- memory that is taken piece by piece and freed at once.
 *
 * A batch has one; so has every load of definitions or rules. An allocation
 * costs a few instructions and no allocation per event reaches malloc.
 *
 * Owner: one thread at a time, whoever holds the batch.
 */
#ifndef YAGURA_ENGINE_ARENA_H
#define YAGURA_ENGINE_ARENA_H

#include <stddef.h>

#include "engine/slice.h"

struct arena;

struct arena *arena_new(size_t block_bytes);	/* owned; 0 for the default */
void arena_free(struct arena *arena);		/* NULL does nothing */

/* Forgets everything, keeps up to one block for what comes next. */
void arena_reset(struct arena *arena);

/* Never NULL; aligned to 8 bytes; not cleared. Memory lives until reset or
 * free. arena_zalloc clears it. */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_zalloc(struct arena *arena, size_t bytes);

/* Unaligned room for text. */
char *arena_text(struct arena *arena, size_t bytes);

/* A copy of the bytes; arena_cstr adds a NUL. */
struct slice arena_dup(struct arena *arena, struct slice s);
char *arena_cstr(struct arena *arena, struct slice s);

/* Bytes taken from the system; for limits and for the bench. */
size_t arena_bytes(const struct arena *arena);

#endif
