/* engine/diag.h -- mistakes in what people wrote, all of them.
 *
 * A loader of rules, definitions or configuration goes on after a mistake and
 * adds one finding each; its caller prints them and refuses. A message names
 * the thing and the remedy:
 *
 *	rules.d/ssh.yml:14:7: unknown modifier "contain" (contains?)
 */
#ifndef YAGURA_ENGINE_DIAG_H
#define YAGURA_ENGINE_DIAG_H

#include <stdio.h>

#include "engine/slice.h"

enum diag_level { DIAG_WARNING, DIAG_ERROR };

struct diag_finding {
	enum diag_level level;
	const char *file;	/* "" if there is none */
	int	 line, column;	/* from 1; 0 if unknown */
	const char *text;
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *diag);	/* NULL does nothing */

/* line and column from 1, 0 if unknown. The text is copied. At most 10,000
 * findings are kept; more are counted only. */
void diag_error(struct diag *diag, const char *file, int line, int column,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void diag_warning(struct diag *diag, const char *file, int line, int column,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

size_t diag_errors(const struct diag *diag);
size_t diag_count(const struct diag *diag);
const struct diag_finding *diag_at(const struct diag *diag, size_t i);

/* One line each; warnings carry the word "warning:". */
void diag_print(const struct diag *diag, FILE *out);

/* The candidate nearest to word by edit distance, or NULL if none is near
 * enough to be what was meant. */
const char *diag_nearest(struct slice word, const char *const *candidates,
    size_t n);

/* What diag_nearest compares by: letters to add, drop or change, without
 * case; SIZE_MAX if one is longer than 255 bytes. And the greatest distance at
 * which a candidate for this word is still near enough. */
size_t diag_distance(struct slice a, struct slice b);
size_t diag_near_enough(struct slice word);

#endif
