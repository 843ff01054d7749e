/* Blocks in a chain, newest first; an allocation moves `at` within the newest.
 * What is larger than a quarter of a block gets one of its own behind the
 * newest, so that the room left there is not lost.
 */
#include "engine/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "engine/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(ptr, n) ((void)(ptr), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, n) ((void)(ptr), (void)(n))
#endif

#define BLOCK_BYTES ((size_t)64 << 10)	/* a default that fits small loads */
#define BLOCK_LIMIT ((size_t)1 << 40)	/* no honest caller asks for more */

struct block {
	struct block *next;
	size_t	 bytes;		/* of data */
	alignas(16) char data[];
};

struct arena {
	char	*at, *end;	/* free room of the newest block */
	struct block *blocks;
	size_t	 block_bytes;
	size_t	 taken;		/* from the system */
};

static struct block *
block_new(struct arena *arena, size_t bytes)
{
	struct block *block = xmalloc(sizeof(*block) + bytes);

	block->next = NULL;
	block->bytes = bytes;
	arena->taken += sizeof(*block) + bytes;
	ASAN_POISON_MEMORY_REGION(block->data, bytes);
	return block;
}

static void
block_free(struct arena *arena, struct block *block)
{
	arena->taken -= sizeof(*block) + block->bytes;
	ASAN_UNPOISON_MEMORY_REGION(block->data, block->bytes);
	free(block);
}

struct arena *
arena_new(size_t block_bytes)
{
	struct arena *arena = xcalloc(1, sizeof(*arena));

	arena->block_bytes = block_bytes > 0 ? (block_bytes + 15) & ~(size_t)15
	    : BLOCK_BYTES;
	return arena;
}

void
arena_free(struct arena *arena)
{
	struct block *block, *next;

	if (arena == NULL)
		return;
	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		block_free(arena, block);
	}
	free(arena);
}

/* Keeps the newest block of the usual size: it was used last and is warm. */
void
arena_reset(struct arena *arena)
{
	struct block *block, *next, *keep = NULL;

	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		if (keep == NULL && block->bytes == arena->block_bytes)
			keep = block;
		else
			block_free(arena, block);
	}
	arena->blocks = keep;
	arena->at = arena->end = NULL;
	if (keep != NULL) {
		keep->next = NULL;
		arena->at = keep->data;
		arena->end = keep->data + keep->bytes;
		ASAN_POISON_MEMORY_REGION(keep->data, keep->bytes);
	}
}

static char *
take_slowly(struct arena *arena, size_t bytes)
{
	struct block *block;
	char *at;

	check(bytes < BLOCK_LIMIT);
	if (bytes > arena->block_bytes / 4) {
		block = block_new(arena, bytes);
		if (arena->blocks != NULL) {
			block->next = arena->blocks->next;
			arena->blocks->next = block;
		} else {
			/* Full from the start: at == end. */
			arena->blocks = block;
			arena->at = arena->end = block->data + bytes;
		}
		ASAN_UNPOISON_MEMORY_REGION(block->data, bytes);
		return block->data;
	}
	block = block_new(arena, arena->block_bytes);
	block->next = arena->blocks;
	arena->blocks = block;
	at = block->data;
	arena->at = at + bytes;
	arena->end = block->data + block->bytes;
	ASAN_UNPOISON_MEMORY_REGION(at, bytes);
	return at;
}

void *
arena_alloc(struct arena *arena, size_t bytes)
{
	size_t skip = -(uintptr_t)arena->at & 7;
	char *at;

	if (bytes == 0)
		bytes = 1;
	if ((size_t)(arena->end - arena->at) < skip ||
	    (size_t)(arena->end - arena->at) - skip < bytes)
		return take_slowly(arena, bytes);
	at = arena->at + skip;
	arena->at = at + bytes;
	ASAN_UNPOISON_MEMORY_REGION(at, bytes);
	return at;
}

void *
arena_zalloc(struct arena *arena, size_t bytes)
{
	return memset(arena_alloc(arena, bytes), 0, bytes);
}

char *
arena_text(struct arena *arena, size_t bytes)
{
	char *at = arena->at;

	if (bytes == 0)
		bytes = 1;
	if ((size_t)(arena->end - at) < bytes)
		return take_slowly(arena, bytes);
	arena->at = at + bytes;
	ASAN_UNPOISON_MEMORY_REGION(at, bytes);
	return at;
}

struct slice
arena_dup(struct arena *arena, struct slice s)
{
	char *ptr = arena_text(arena, s.len);

	if (s.len > 0)
		memcpy(ptr, s.ptr, s.len);
	return slice_of(ptr, s.len);
}

char *
arena_cstr(struct arena *arena, struct slice s)
{
	char *ptr = arena_text(arena, s.len + 1);

	if (s.len > 0)
		memcpy(ptr, s.ptr, s.len);
	ptr[s.len] = '\0';
	return ptr;
}

size_t
arena_bytes(const struct arena *arena)
{
	return arena->taken;
}
