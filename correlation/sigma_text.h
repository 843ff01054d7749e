/* correlation/sigma_text.h -- what modifiers make of a text.
 *
 * A text starts as one pattern; windash and base64offset make several of it,
 * any of which may match. Encoders take no wildcards: they answer why not,
 * NULL if all went well.
 *
 * Memory: the arena's.
 */
#ifndef YAGURA_CORRELATION_SIGMA_TEXT_H
#define YAGURA_CORRELATION_SIGMA_TEXT_H

#include "engine/glob.h"

struct arena;

struct sigma_text {
	glob_unit *unit;
	size_t	 n;
};

struct sigma_texts {
	struct sigma_text *at;
	size_t	 n;
};

/* One text, escapes undone. */
void sigma_texts_init(struct arena *arena, struct sigma_texts *texts,
    struct slice text);

const char *sigma_windash(struct arena *arena, struct sigma_texts *texts);
const char *sigma_base64(struct arena *arena, struct sigma_texts *texts);
const char *sigma_base64offset(struct arena *arena, struct sigma_texts *texts);
const char *sigma_utf16(struct arena *arena, struct sigma_texts *texts,
    bool high_first, bool mark);

#endif
