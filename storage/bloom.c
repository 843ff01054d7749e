#include "storage/bloom.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/hash.h"

#define PROBES 7
#define SEED UINT64_C(0x79616775726121)	/* "yagura!" */
#define SHORT 512		/* longer texts are folded on the heap */

size_t
bloom_bytes(size_t n)
{
	size_t bytes = (n * BLOOM_BITS + 7) / 8;

	return bytes < 8 ? 8 : bytes;
}

uint64_t
bloom_hash(struct slice folded)
{
	return hash64_fixed(folded, SEED);
}

static uint64_t
hash_into(char *room, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		room[i] = ascii_lower(text.ptr[i]);
	return bloom_hash(slice_of(room, text.len));
}

uint64_t
bloom_hash_fold(struct slice text)
{
	char room[SHORT], *heap;
	uint64_t hash;

	if (text.len <= SHORT)
		return hash_into(room, text);
	heap = xmalloc(text.len);
	hash = hash_into(heap, text);
	free(heap);
	return hash;
}

/* Probe i is at (a + i * b) of the bits, a and b the halves of the hash, scaled
 * by multiplication instead of a division. */
static size_t
probe(uint64_t hash, unsigned i, size_t bytes)
{
	uint32_t at = (uint32_t)hash + i * ((uint32_t)(hash >> 32) | 1);

	return (size_t)((uint64_t)at * (bytes * 8) >> 32);
}

void
bloom_add(char *bits, size_t bytes, uint64_t hash)
{
	for (unsigned i = 0; i < PROBES; i++) {
		size_t at = probe(hash, i, bytes);

		bits[at / 8] = (char)(bits[at / 8] | 1 << at % 8);
	}
}

bool
bloom_may(const char *bits, size_t bytes, uint64_t hash)
{
	if (bytes == 0)
		return true;
	for (unsigned i = 0; i < PROBES; i++) {
		size_t at = probe(hash, i, bytes);

		if ((bits[at / 8] >> at % 8 & 1) == 0)
			return false;
	}
	return true;
}
