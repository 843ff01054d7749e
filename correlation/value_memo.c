#include "correlation/value_memo.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/hash.h"

/* After so many questions we look how many were answered; with fewer than one
 * in sixteen we rest for a while. */
#define ROUND 4096
#define LEAST (ROUND / 16)
#define REST (8 * ROUND)

/* The text comes first: it is what is looked at most. */
struct entry {
	uint16_t len;
	uint8_t	 type, n;
	char	 text[VALUE_MEMO_BYTES];
	uint32_t keys[VALUE_MEMO_KEYS];
};

/* Looked at first, and mostly alone. */
struct mark {
	uint32_t kept;		/* hash of the value in this place; 0: none */
	uint32_t met;		/* hash of one that was met once */
};

struct value_memo_table {
	struct mark marks[VALUE_MEMO_SLOTS];
	struct entry entries[VALUE_MEMO_SLOTS];
};

void
value_memo_fini(struct value_memo *memo)
{
	free(memo->table);
	memo->table = NULL;
}

size_t
value_memo_bytes(void)
{
	return sizeof(struct value_memo_table);
}

static bool
is_resting(struct value_memo *memo)
{
	if (memo->rest > 0) {
		memo->rest--;
		return true;
	}
	if (++memo->asked == ROUND) {
		if (memo->known < LEAST)
			memo->rest = REST;
		memo->asked = memo->known = 0;
	}
	return false;
}

static size_t
slot_of(uint64_t hash)
{
	return (hash >> 32) % VALUE_MEMO_SLOTS;
}

bool
value_memo_begin(struct value_memo *memo, struct slice text, uint64_t *hash)
{
	size_t at;

	if (text.len > VALUE_MEMO_BYTES || is_resting(memo))
		return false;
	if (memo->table == NULL)
		memo->table = xcalloc(1, sizeof(*memo->table));
	*hash = hash64(text) | 1;
	at = slot_of(*hash);
	__builtin_prefetch(&memo->table->marks[at]);
	__builtin_prefetch(&memo->table->entries[at]);
	__builtin_prefetch(memo->table->entries[at].text + text.len);
	return true;
}

enum value_memo_answer
value_memo_find(struct value_memo *memo, struct slice text, uint8_t type,
    uint64_t hash, const uint32_t **keys, size_t *n)
{
	size_t at = slot_of(hash);
	const struct entry *entry = &memo->table->entries[at];
	struct mark *mark = &memo->table->marks[at];

	if (mark->kept == (uint32_t)hash && entry->type == type &&
	    slice_eq(slice_of(entry->text, entry->len), text)) {
		memo->known++;
		*keys = entry->keys;
		*n = entry->n;
		return MEMO_KNOWN;
	}
	if (mark->met == (uint32_t)hash)
		return MEMO_WANTED;
	mark->met = (uint32_t)hash;
	return MEMO_UNKNOWN;
}

void
value_memo_put(struct value_memo *memo, struct slice text, uint8_t type,
    uint64_t hash, const uint32_t *keys, size_t n)
{
	size_t at = slot_of(hash);
	struct entry *entry = &memo->table->entries[at];

	if (n > VALUE_MEMO_KEYS || text.len > VALUE_MEMO_BYTES)
		return;
	memo->table->marks[at].kept = (uint32_t)hash;
	entry->type = type;
	entry->len = (uint16_t)text.len;
	entry->n = (uint8_t)n;
	if (n > 0)
		memcpy(entry->keys, keys, n * sizeof(*keys));
	if (text.len > 0)
		memcpy(entry->text, text.ptr, text.len);
}
