/* storage/query_raw.h -- looking for text in raw lines.
 *
 * Letters are folded as ASCII only. A phrase is found anywhere; a word only
 * where no letter, digit, underscore or byte above 127 touches its ends (an
 * end that is itself none of these touches freely). In a word * stands for any
 * characters but blanks, ? for one; a word that begins or ends with * is free
 * at that end.
 *
 * A search looks for the byte of the literal that is rarest in logs with
 * memchr, both cases, and compares around it.
 *
 * Memory: a needle lives in the arena it was built in; immutable.
 */
#ifndef YAGURA_STORAGE_QUERY_RAW_H
#define YAGURA_STORAGE_QUERY_RAW_H

#include "engine/slice.h"

struct arena;
struct needle;

struct needle *needle_phrase(struct arena *arena, struct slice text);

/* The pattern has \ before every * ? \ that is plain. */
struct needle *needle_word(struct arena *arena, struct slice pattern);

/* Is it in this line? */
bool needle_in(const struct needle *needle, struct slice line);

/* Nothing but its literal, anywhere; or the literal as a whole word. */
bool needle_is_phrase(const struct needle *needle);
bool needle_is_word(const struct needle *needle);

/* Is it in this text, whatever may stand before and behind it? */
bool needle_is_inside(const struct needle *needle, struct slice text);

/* The longest text that a line must have, in ASCII lower case; may be empty. */
struct slice needle_literal(const struct needle *needle);

/* Where in bytes the next line that may hold it has the literal, from `from`
 * on; -1: nowhere. For scanning a page of many lines at once; a hit must be
 * confirmed by needle_in. A needle without literal answers `from`. */
ptrdiff_t needle_next(const struct needle *needle, struct slice bytes,
    size_t from);

#endif
