/* engine/glob.h -- patterns with * and ?.
 *
 * What people wrote becomes units first: a byte, "any run" or "one
 * character". Readers of rules work on units, because a modifier may add
 * wildcards around text that holds the same characters literally.
 *
 * '*' spans everything, line feeds too; '?' is one character of UTF-8, or one
 * byte where the text is not UTF-8. Matching is linear in text times pattern
 * and allocates nothing.
 */
#ifndef YAGURA_ENGINE_GLOB_H
#define YAGURA_ENGINE_GLOB_H

#include "engine/slice.h"

struct arena;
struct glob;

typedef uint16_t glob_unit;	/* a byte, or one of these */
#define GLOB_STAR 0x100
#define GLOB_ONE 0x101

/* Escapes undone: a backslash before backslash, * or ? makes that one plain;
 * any other backslash is itself. `out` has room for s.len units. */
size_t glob_read(glob_unit *out, struct slice s);

/* A pattern in the arena; folded unless cased. Adjacent stars become one. */
const struct glob *glob_build(struct arena *arena, const glob_unit *unit,
    size_t n, bool cased);

/* Whether the whole text, folded by the caller as the pattern was, matches. */
bool glob_match(const struct glob *glob, struct slice text);

/* The longest stretch that stands in every matching text; may be empty. */
struct slice glob_literal(const struct glob *glob);

#endif
