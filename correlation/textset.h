/* correlation/textset.h -- which of many texts stand in a value.
 *
 * Exact values are found by a hash; every other text by three bytes of it, the
 * rarest, which a sieve of bits lets through wherever a value has them. Cost
 * follows the bytes of the value, not the number of texts.
 *
 * (An automaton over the same texts needs 55 MB for 3,700 rules and waits for
 * memory at each byte; the sieves have 1 to 32 KB, and no place waits for the
 * one before.)
 *
 * Texts are folded, and so must be the values.
 *
 * Memory: textset_init fills the caller's; everything else is in the arena or
 *         freed by textset_fini.
 * Owner:  immutable after textset_seal; any thread may read.
 */
#ifndef YAGURA_CORRELATION_TEXTSET_H
#define YAGURA_CORRELATION_TEXTSET_H

#include <stddef.h>
#include <stdint.h>

#include "engine/slice.h"

struct arena;
struct map;
struct nibble;
struct value;

#define TEXTSET_GRAM 3		/* bytes that a text is recognised by */

enum text_kind { TEXT_CONTAINS, TEXT_STARTS, TEXT_ENDS, TEXT_EXACT };

struct textset {
	struct arena *arena;
	bool	 numbers;	/* some exact text is a number */
	bool	 high;		/* some text is not ASCII */
	struct map *exact;	/* folded text to keys; NULL: none */
	struct map *known;	/* while building: kind and text to text */
	struct text **texts;	/* while building */
	size_t	 n, cap;
	struct text *shorts;	/* texts of fewer bytes than a gram, ASCII */
	struct text *high_shorts;	/* and those that are not */
	uint64_t *sieve;	/* bit per hash of a gram that is in a text */
	unsigned shift;		/* 32 less log2 of its bits; NULL: no grams */
	struct gram *grams;	/* open addressing */
	uint32_t mask;
	const struct nibble *nibble;	/* for few texts, instead of the
					 * sieve; NULL: none */
};

/* A rule may wait for two texts. What waits is a key: of a rule that waits for
 * one text the only key, else the first or the second. */
#define KEY_ONLY(rule) ((uint32_t)(rule) << 2)
#define KEY_FIRST(rule) ((uint32_t)(rule) << 2 | 2)
#define KEY_SECOND(rule) ((uint32_t)(rule) << 2 | 3)
#define KEYS_OF_RULE 4		/* numbers a rule takes up */

/* Where keys go whose texts were found, each once. */
struct key_sink {
	uint64_t *seen;		/* bit per key; cleared by the owner */
	uint32_t *key;		/* room for every key */
	size_t	 n;
};

static inline bool
key_is_seen(const struct key_sink *sink, uint32_t key)
{
	return (sink->seen[key >> 6] >> (key & 63) & 1) != 0;
}

static inline void
key_offer(struct key_sink *sink, uint32_t key)
{
	if (key_is_seen(sink, key))
		return;
	sink->seen[key >> 6] |= UINT64_C(1) << (key & 63);
	sink->key[sink->n++] = key;
}

static inline void
key_forget(struct key_sink *sink, uint32_t key)
{
	sink->seen[key >> 6] &= ~(UINT64_C(1) << (key & 63));
}

void textset_init(struct textset *set, struct arena *arena);
void textset_fini(struct textset *set);

/* `key` waits for the text; keys are added one after the other. */
void textset_add(struct textset *set, struct slice text, enum text_kind kind,
    uint32_t key);

/* `key` waits for a number, however it is written: below 10^15. */
void textset_add_number(struct textset *set, double number, uint32_t key);
void textset_seal(struct textset *set);

/* The value is a scalar, not null; `folded` is its text folded. */
void textset_find(const struct textset *set, const struct value *value,
    struct slice folded, struct key_sink *sink);

/* Whether textset_may_find is there for this set: it has a few longer texts
 * and no others. */
bool textset_is_few(const struct textset *set);

/* False if no text of the set stands in these bytes, which are not folded. */
bool textset_may_find(const struct textset *set, struct slice bytes);

/* Bytes of the tables. */
size_t textset_bytes(const struct textset *set);

#endif
