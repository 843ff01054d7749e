/* correlation/literal.h -- texts of which a condition needs one.
 *
 * Of all the sets of comparisons of which one must hold for a condition to
 * hold, the two that are met most rarely, by rule of thumb.
 *
 * Memory: the sets live in the arena of the struct literals.
 * Owner:  one thread, while an index is built.
 */
#ifndef YAGURA_CORRELATION_LITERAL_H
#define YAGURA_CORRELATION_LITERAL_H

#include "engine/regex.h"
#include "engine/slice.h"

struct cond;
struct literals;
struct pred;

#define LITERAL_COMMON "etaoinsr \\./:-_cdl"	/* bytes that are everywhere */

/* Preds of which one must hold; pred_literal says what text each looks for. */
struct need {
	const struct pred **pred;
	size_t	 n;
	double	 score;		/* the least of them; below 0: there is none */
};

/* Two sets that must both be met; there may be no second one. */
struct needs {
	struct need first, second;
};

struct literals *literals_new(void);
void literals_free(struct literals *literals);

/* A text that many rules look for counts as common: tell all conditions
 * before the first is asked about. */
void literals_count(struct literals *literals, const struct cond *cond);

struct needs literals_choose(const struct literals *literals,
    const struct cond *cond);

/* The text that stands in a value for which the pred holds; `buf` backs that
 * of a regular expression. False if there is none, or only a short one. */
bool pred_literal(const struct pred *pred, struct slice *text,
    char buf[REGEX_LITERAL_BYTES]);

#endif
