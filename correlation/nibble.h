/* correlation/nibble.h -- where one of a few triples of bytes may stand.
 *
 * Sixteen places are asked at once: each byte of a triple is known by its two
 * halves, and a table of sixteen entries per half says in which of eight sets
 * of triples such a byte occurs. A place remains if some set allows all three
 * bytes. Upper and lower case of ASCII are the same, so that text need not be
 * folded before. (Known as Teddy, from Hyperscan.)
 *
 * Needs SSSE3, which is asked for when the program runs.
 *
 * Owner:  immutable once all triples are added; any thread may read.
 */
#ifndef YAGURA_CORRELATION_NIBBLE_H
#define YAGURA_CORRELATION_NIBBLE_H

#include "engine/slice.h"

#define NIBBLE_BYTES 3
#define NIBBLE_SETS 8
#define NIBBLE_MOST 64		/* triples; with more too many places remain */

struct nibble {
	uint8_t low[NIBBLE_BYTES][16], high[NIBBLE_BYTES][16];
};

bool nibble_usable(void);	/* whether this processor can */

/* `set` is below NIBBLE_SETS; ASCII letters in lower case. */
void nibble_add(struct nibble *nibble, const char triple[NIBBLE_BYTES],
    unsigned set);

/* The first place at or behind `from` where a triple may begin, or in.len. A
 * byte above 0x7f that was passed sets *high; some behind may do so too. Only
 * if nibble_usable(), `from` at most in.len. */
size_t nibble_find(const struct nibble *nibble, struct slice in, size_t from,
    bool *high);

#endif
