/* storage/bloom.h -- may this text be among many?
 *
 * 10 bits a key and 7 probes: 1 in 120 says yes wrongly, none says no wrongly.
 * Keys are ASCII-folded whole values. Part of the file format: the hash and
 * the probes never change.
 */
#ifndef YAGURA_STORAGE_BLOOM_H
#define YAGURA_STORAGE_BLOOM_H

#include "engine/slice.h"

#define BLOOM_BITS 10		/* a key */

/* Bytes of a bloom for n keys: at least 8. */
size_t bloom_bytes(size_t n);

/* Of the text as it is: folded already. */
uint64_t bloom_hash(struct slice folded);

/* Folds, then hashes. */
uint64_t bloom_hash_fold(struct slice text);

void bloom_add(char *bits, size_t bytes, uint64_t hash);
bool bloom_may(const char *bits, size_t bytes, uint64_t hash);

#endif
