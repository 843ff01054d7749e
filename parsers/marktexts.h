/* parsers/marktexts.h -- many texts looked for in one pass over a line.
 *
 * A text is filed under the rarest three bytes that follow each other in it.
 * One pass asks of every place of a line whether one of these could begin
 * there: with AVX2 of 32 places at once (tables of sixteen rows, one for each
 * half of a byte, in which groups of texts have a bit), elsewhere of one after
 * the other with a table of bits. Only where it could are texts
 * compared, so a thousand cost what ten cost.
 *
 * Memory: in the arena; immutable once marktexts_ready() was called.
 */
#ifndef YAGURA_PARSERS_MARKTEXTS_H
#define YAGURA_PARSERS_MARKTEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/slice.h"

#define MARK_TEXT_BYTES 3	/* the least that may stand anywhere */

struct arena;
struct candidates;
struct marktexts;

struct marktexts *marktexts_new(struct arena *arena);

/* A text (borrowed) that stands anywhere in the line, or at its start; the
 * former has MARK_TEXT_BYTES at least. `entry` is what finding it gives. */
void marktexts_add(struct marktexts *texts, struct slice text,
    uint32_t entry);
void marktexts_add_start(struct marktexts *texts, struct slice text,
    uint32_t entry);
void marktexts_ready(struct marktexts *texts);

/* Adds the entries of all texts that are there. */
void marktexts_find(const struct marktexts *texts, struct slice body,
    struct candidates *out);

#endif
