/* storage/scan_text.h -- which raw lines of a chunk hold a text, before any is
 * put together.
 *
 * A line is literal text of its template, fields and variables. A text that
 * is looked for stands within one of these, or goes over a border; where the
 * templates say that it cannot go over one, only the column of each part is
 * asked, and the lines themselves are never made.
 */
#ifndef YAGURA_STORAGE_SCAN_TEXT_H
#define YAGURA_STORAGE_SCAN_TEXT_H

#include "storage/scan_bits.h"

struct needle;

struct text_find {
	struct bits_scan *scan;
	const uint64_t *candidates;	/* NULL: all rows */
	/* What a line must hold, in ASCII lower case: the whole or a part of
	 * what is asked. */
	struct slice literal;
	/* A word, asked of texts that stand free on both sides; NULL: lines
	 * that hold the literal are only candidates, unless `anywhere`: the
	 * literal is all that is asked. */
	const struct needle *needle;
	bool	 anywhere;
	uint64_t *sure, *maybe;		/* of nwords each, cleared */
};

/* Sets the bits of rows that hold the needle for sure, and of those that must
 * be looked at; all others do not hold it. False: damaged (scan->err). */
bool text_find(struct text_find *find);

#endif
