/* parsers/markindex.h -- which definitions may know a line.
 *
 * Each block of marks is filed under one of them, its anchor: a program, a
 * vendor, a JSON key, or a piece of text. Finding the anchors in a line costs
 * a look-up each, and for texts one pass over the head of the body
 * (marktexts.h): no more for a thousand definitions than for one. What is
 * found is a candidate only; its other marks are verified then.
 *
 * Memory: in the arena of the set; immutable, any thread.
 */
#ifndef YAGURA_PARSERS_MARKINDEX_H
#define YAGURA_PARSERS_MARKINDEX_H

#include "engine/slice.h"
#include "parsers/def.h"

#define MARK_BYTES 1024		/* of the body, in which marks are looked for */
#define MARK_TIERS 4		/* of priorities: past 60, 50, 35, and less */
#define MARK_TIER_ALL 1		/* holds what the tier before it does, too */
#define CANDIDATES 32		/* for one line; more are not tried */

struct arena;
struct markindex;

/* A definition and the marks by which it would take the line. Entries are
 * numbered by rank: the lower is tried first. */
struct mark_entry {
	const struct def *def;
	const struct marks *marks;
	bool	 has_program;
};

struct candidates {
	size_t	 n;
	uint32_t at[CANDIDATES];	/* numbers of entries, rising */
};

/* In its place; of more than there is room for, the highest are left out. */
void candidates_add(struct candidates *out, uint32_t entry);

struct markindex *markindex_build(struct arena *arena,
    struct def *const *defs, size_t n);
void markindex_free(struct markindex *index);

const struct mark_entry *markindex_entry(const struct markindex *index,
    uint32_t number);

/* Each adds to the candidates. Programs, as a rule, have a priority of 60, so
 * few texts are looked for before they are tried; where there is nothing to
 * try, looking begins with MARK_TIER_ALL. */
void markindex_program(const struct markindex *index, struct slice program,
    struct candidates *out);
void markindex_text(const struct markindex *index, unsigned tier,
    struct slice body, struct candidates *out);
void markindex_vendor(const struct markindex *index, bool leef,
    struct slice vendor, struct candidates *out);

/* The entries filed under a JSON key; NULL if there are none. */
struct mark_list;
const struct mark_list *markindex_key(const struct markindex *index,
    struct slice key);
void markindex_add(const struct mark_list *list, struct candidates *out);

/* The number of the text in `contains` by which markindex_text has found these
 * marks, so that it is there; contains.n if it was not by a text. */
size_t markindex_anchor(const struct marks *marks);

/* The lowest number of an entry that is filed under a text of this tier or one
 * behind it; UINT32_MAX if there is none. */
uint32_t markindex_first_text(const struct markindex *index, unsigned tier);

/* "name", or "begin*": whether the word is one of them. All lower case. */
bool marks_word(const struct words *words, struct slice word);

#endif
