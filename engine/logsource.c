/* The same shape as the table of fields: an array that never moves and slots
 * that are stored last.
 */
#include "engine/logsource.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/check.h"
#include "engine/hash.h"

#define SLOTS (2 * LOGSOURCE_LIMIT)
#define PART_BYTES 128	/* longer parts name no log source that exists */

static struct logsource entries[LOGSOURCE_LIMIT];	/* 0 is the empty one */
static _Atomic uint32_t nentries = 1;
static _Atomic uint16_t slots[SLOTS];	/* number; 0: empty */
static pthread_mutex_t insertion = PTHREAD_MUTEX_INITIALIZER;

static bool
same(const struct logsource *a, const struct logsource *b)
{
	return slice_eq_nocase(a->category, b->category) &&
	    slice_eq_nocase(a->product, b->product) &&
	    slice_eq_nocase(a->service, b->service);
}

static uint64_t
hash_part(struct slice part, uint64_t seed)
{
	char lower[PART_BYTES];

	for (size_t i = 0; i < part.len; i++)
		lower[i] = ascii_lower(part.ptr[i]);
	return hash64_fixed(slice_of(lower, part.len), seed);
}

static uint16_t
lookup(const struct logsource *logsource, uint64_t hash, size_t *at)
{
	uint16_t number;

	for (*at = hash & (SLOTS - 1);; *at = (*at + 1) & (SLOTS - 1)) {
		number = atomic_load_explicit(&slots[*at],
		    memory_order_acquire);
		if (number == 0 || same(&entries[number], logsource))
			return number;
	}
}

static struct slice
lower_copy(struct slice part)
{
	char *copy;

	if (part.len == 0)
		return SLICE("");
	copy = xmalloc(part.len);
	for (size_t i = 0; i < part.len; i++)
		copy[i] = ascii_lower(part.ptr[i]);
	return slice_of(copy, part.len);
}

static uint16_t
insert(const struct logsource *logsource, uint64_t hash)
{
	uint16_t number;
	uint32_t n;
	size_t at;

	check(pthread_mutex_lock(&insertion) == 0);
	number = lookup(logsource, hash, &at);
	n = atomic_load(&nentries);
	if (number == 0 && n < LOGSOURCE_LIMIT) {
		number = (uint16_t)n;
		entries[n] = (struct logsource){
			lower_copy(logsource->category),
			lower_copy(logsource->product),
			lower_copy(logsource->service),
		};
		atomic_store_explicit(&nentries, n + 1, memory_order_release);
		atomic_store_explicit(&slots[at], number,
		    memory_order_release);
	}
	check(pthread_mutex_unlock(&insertion) == 0);
	return number;
}

uint16_t
logsource_intern(struct logsource logsource)
{
	uint64_t hash;
	uint16_t number;
	size_t at;

	if (logsource.category.len == 0 && logsource.product.len == 0 &&
	    logsource.service.len == 0)
		return 0;
	if (logsource.category.len > PART_BYTES ||
	    logsource.product.len > PART_BYTES ||
	    logsource.service.len > PART_BYTES)
		return 0;
	hash = hash_part(logsource.service, hash_part(logsource.product,
	    hash_part(logsource.category, 1)));
	number = lookup(&logsource, hash, &at);
	return number != 0 ? number : insert(&logsource, hash);
}

const struct logsource *
logsource_at(uint16_t number)
{
	check(number < atomic_load_explicit(&nentries, memory_order_acquire));
	return &entries[number];
}
