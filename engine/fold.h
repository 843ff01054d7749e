/* engine/fold.h -- letters without case, for comparing.
 *
 * Simple case folding of Unicode: one character becomes one character, so
 * that a wildcard for one character means the same before and after. Bytes
 * that are not UTF-8 stay as they are.
 */
#ifndef YAGURA_ENGINE_FOLD_H
#define YAGURA_ENGINE_FOLD_H

#include "engine/slice.h"

struct arena;
struct strbuf;

/* Lower case of ASCII, every other byte as it is. */
extern const unsigned char fold_ascii[256];

uint32_t fold_point(uint32_t point);

/* No byte above 0x7f. */
bool fold_is_ascii(struct slice s);

/* Whether some character that is not ASCII becomes ASCII: the Kelvin sign and
 * the long s do. */
bool fold_hides_ascii(struct slice s);

/* Folding grows text by at most half: a character of two bytes may become one
 * of three. */
#define FOLD_ROOM(len) ((len) + (len) / 2 + 4)

/* Writes the folded text, answers its bytes. `out` has FOLD_ROOM(s.len). */
size_t fold_put(char *out, struct slice s);

/* A folded copy in the arena. */
struct slice fold_dup(struct arena *arena, struct slice s);

#endif
