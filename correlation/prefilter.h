/* correlation/prefilter.h -- which rules can match at all.
 *
 * Of every rule we look for texts of which one must be there for the rule to
 * match, the rarest set of them. Exact values are found by a hash; every other
 * text by three bytes of it, the rarest, which a sieve of bits lets through
 * wherever a value has them. A rule becomes a candidate when one of its texts
 * is seen; a rule without such texts always is one. Cost follows the bytes of
 * the values, not the number of rules.
 *
 * (An automaton over the same texts needs 55 MB for 3,700 rules and waits for
 * memory at each byte; the sieves have 1 to 32 KB, and no place waits for the
 * one before.)
 *
 * Memory: prefilter_build gives an owned prefilter.
 * Owner:  immutable; any thread may read. The sink is one thread's.
 */
#ifndef YAGURA_CORRELATION_PREFILTER_H
#define YAGURA_CORRELATION_PREFILTER_H

#include <stddef.h>
#include <stdint.h>

struct cond;
struct event;
struct pred_scratch;
struct prefilter;

#define PREFILTER_ATOMS 32768	/* texts one rule may wait for */

struct prefilter_rule {
	uint32_t number;
	const struct cond *cond;
};

struct prefilter *prefilter_build(const struct prefilter_rule *rules,
    size_t n);
void prefilter_free(struct prefilter *prefilter);	/* NULL does nothing */

/* Candidates, each once, in no order. */
struct prefilter_sink {
	uint64_t *seen;		/* bit per rule number; cleared by the owner */
	uint32_t *rule;		/* room for every rule */
	size_t	 n;
};

void prefilter_run(const struct prefilter *prefilter,
    const struct event *event, struct pred_scratch *scratch,
    struct prefilter_sink *sink);

/* For tests: rules that are always candidates, texts, bytes. */
struct prefilter_figures {
	size_t	 rules, always, matchers, texts, bytes;
};
void prefilter_figures(const struct prefilter *prefilter,
    struct prefilter_figures *figures);

#endif
