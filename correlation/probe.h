/* correlation/probe.h -- what a rule without rare texts says of one field.
 *
 * Some rules ask for no text that an index could wait for: regular
 * expressions without one, numbers in a range, "not one of these". Of what
 * all has to hold for such a rule we take the part that speaks of one field
 * alone and answer it value by value, so that the answer can be kept for
 * values that come again.
 *
 * Memory: the probe is in the arena; preds are borrowed from the rule.
 */
#ifndef YAGURA_CORRELATION_PROBE_H
#define YAGURA_CORRELATION_PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct cond;
struct pred;
struct pred_scratch;
struct value;

struct probe {
	const struct pred *field;	/* any of its preds: where it looks */
	size_t	 n;		/* parts that all must hold */
	const struct cond **part;
	bool	*negated;
};

/* The best of the parts of a condition. False if no part speaks of one field
 * alone. */
bool probe_choose(struct arena *arena, const struct cond *cond,
    struct probe *probe);

/* Whether the parts hold for the value that the event has there, a scalar or
 * null; NULL: it has none. */
bool probe_holds(const struct probe *probe, const struct value *value,
    struct pred_scratch *scratch);

#endif
