/* correlation/value_memo.h -- what a value led to, the last time.
 *
 * The same programs, keys and names come in event after event. What an index
 * found for a value of a field is kept under its bytes, and a value that comes
 * again costs a hash and a comparison of bytes. Each value has one place, the
 * next one with that place takes it; a value is kept when it is met for the
 * second time, so that those met once push nobody out. Where hardly any value
 * comes again (identifiers, times), we stop asking for a while.
 *
 * Owner:  one thread.
 * Memory: the caller's, and VALUE_MEMO_SLOTS of some 350 bytes until
 *         value_memo_fini.
 */
#ifndef YAGURA_CORRELATION_VALUE_MEMO_H
#define YAGURA_CORRELATION_VALUE_MEMO_H

#include <stdint.h>

#include "engine/slice.h"

#define VALUE_MEMO_SLOTS 512
#define VALUE_MEMO_BYTES 170	/* longer values are not kept */
#define VALUE_MEMO_KEYS 44	/* nor those that lead to more */

struct value_memo_table;

/* Cleared to begin with; the table is made when the first value is met. Many
 * of these stand side by side and are looked at for each event. */
struct value_memo {
	struct value_memo_table *table;
	uint32_t asked, known, rest;
};

void value_memo_fini(struct value_memo *memo);

/* Bytes of a table. */
size_t value_memo_bytes(void);

/* Whether it is worth asking; *hash is for the questions that follow. The
 * memory they need is called for, so that it is at hand a little later. */
bool value_memo_begin(struct value_memo *memo, struct slice text,
    uint64_t *hash);

enum value_memo_answer {
	MEMO_UNKNOWN,		/* and not worth keeping yet */
	MEMO_WANTED,		/* unknown: value_memo_put would keep it */
	MEMO_KNOWN,
};

/* `type` tells values apart whose text is the same. On MEMO_KNOWN *keys and
 * *n, valid until the next put. */
enum value_memo_answer value_memo_find(struct value_memo *memo,
    struct slice text, uint8_t type, uint64_t hash, const uint32_t **keys,
    size_t *n);

void value_memo_put(struct value_memo *memo, struct slice text, uint8_t type,
    uint64_t hash, const uint32_t *keys, size_t n);

#endif
