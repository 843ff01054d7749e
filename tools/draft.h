/* tools/draft.h -- a definition drafted from sample lines.
 *
 *	grammar     JSON, CEF, LEEF, key=value, columns, else templates: what
 *	            reads most of the lines
 *	keys        what the decoder finds, with values; fields by dictionary.h
 *	match       program, header or names of keys that all lines share
 *	examples    three of the lines with what the draft makes of them
 *
 * What it does not know stands there as a comment with values of the lines.
 *
 * Owner: one thread.
 */
#ifndef YAGURA_TOOLS_DRAFT_H
#define YAGURA_TOOLS_DRAFT_H

#include "engine/slice.h"

#define DRAFT_LINES 10000	/* read of the samples; further ones are not */
#define DRAFT_KEYS 1000		/* kept, in the order of the lines */
#define DRAFT_VALUES 8		/* kept of a key, different ones */

struct diag;
struct dictionary;
struct strbuf;

struct draft_samples {
	const struct slice *lines;
	size_t	 n;
	int64_t	 now_ns;	/* arrival */
};

/* Appends the definition. Findings of its own examples go into diag. */
void draft_write(const struct draft_samples *samples, struct slice name,
    struct dictionary *dictionary, struct strbuf *out, struct diag *diag);

#endif
