/* tools/dictionary.h -- what the definitions in force make of a key.
 *
 * Many products call an address src or srcip. The `keys` of all definitions
 * together say what a key of an unseen product may mean; the most frequent
 * meaning that suits its values is proposed.
 *
 * Memory: owned until dictionary_free.
 * Owner:  one thread.
 */
#ifndef YAGURA_TOOLS_DICTIONARY_H
#define YAGURA_TOOLS_DICTIONARY_H

#include "engine/slice.h"

struct dictionary;

/* Definitions of files and folders; what cannot be read has no say. */
struct dictionary *dictionary_load(const char *const *paths, size_t n);
void dictionary_free(struct dictionary *dictionary);	/* NULL does nothing */

/* The target for a key with these values, as a definition writes it
 * ("source.ip", "{split: user, to: user}"); the empty slice if nobody knows
 * one. Case and punctuation of the key do not matter; of a dotted key the last
 * part alone is asked for, too. */
struct slice dictionary_find(struct dictionary *dictionary, struct slice key,
    const struct slice *values, size_t n);

#endif
