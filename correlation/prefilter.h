/* correlation/prefilter.h -- which rules can match at all.
 *
 * Of every rule we look for texts of which one must be there for the rule to
 * match, the rarest set of them and, if there is one, a second (literal.h);
 * they are looked for in values all at once (textset.h). A rule becomes a
 * candidate when a text of each set is seen. Of a rule without such texts we
 * ask what it says of one field alone (probe.h); if that is nothing either, it
 * always is a candidate. What a value led to is remembered (value_memo.h).
 * Cost follows the bytes of the values that are new, not the number of rules.
 *
 * Memory: prefilter_build gives an owned prefilter.
 * Owner:  immutable; any thread may read. The memo and the sink are one
 *         thread's.
 */
#ifndef YAGURA_CORRELATION_PREFILTER_H
#define YAGURA_CORRELATION_PREFILTER_H

#include <stddef.h>
#include <stdint.h>

#include "correlation/textset.h"

struct cond;
struct event;
struct pred_scratch;
struct prefilter;

#define PREFILTER_ATOMS 32768	/* texts one rule may wait for */

struct prefilter_rule {
	uint32_t number;
	const struct cond *cond;
};

/* Its matchers have the numbers from `first` on, so that the memos of many
 * prefilters fit into one. */
struct prefilter *prefilter_build(const struct prefilter_rule *rules,
    size_t n, size_t first);
void prefilter_free(struct prefilter *prefilter);	/* NULL does nothing */
size_t prefilter_matchers(const struct prefilter *prefilter);

#define PREFILTER_SHORT 6	/* values of fewer bytes are not remembered:
				 * looking is as fast */
#define PREFILTER_TABLES 256	/* matchers of which values are remembered by
				 * one thread, the first that meet any: 47 MB */

/* What one thread remembers about matchers below `matchers`, rule numbers
 * being below `rules`. Owned. */
struct prefilter_memo;
struct prefilter_memo *prefilter_memo_new(size_t matchers, size_t rules);
void prefilter_memo_free(struct prefilter_memo *memo);	/* NULL: nothing */

/* Values asked about: those that were known, and those that were not. */
struct prefilter_memo_figures {
	uint64_t known, unknown;
	size_t	 bytes;
};
struct prefilter_memo_figures prefilter_memo_figures(
    const struct prefilter_memo *memo);

/* Offers keys in no order; key_sink_settle makes candidates of them. Between
 * pred_scratch_begin and its end; memo may be NULL. */
void prefilter_run(const struct prefilter *prefilter,
    const struct event *event, struct pred_scratch *scratch,
    struct prefilter_memo *memo, struct key_sink *sink);

/* A sink for rule numbers below `rules`. */
void key_sink_init(struct key_sink *sink, size_t rules);
void key_sink_fini(struct key_sink *sink);

/* Empties the sink: writes the rules whose keys are complete, each once, and
 * answers how many. `rules` has room for every rule. */
size_t key_sink_settle(struct key_sink *sink, uint32_t *rules);

/* For tests: rules that are always candidates, rules that ask what is no
 * text, texts, bytes. */
struct prefilter_figures {
	size_t	 rules, always, asking, matchers, texts, bytes;
};
void prefilter_figures(const struct prefilter *prefilter,
    struct prefilter_figures *figures);

#endif
