/* correlation/rule_columns.h -- a rule as a condition over stored columns.
 *
 * The condition of a rule speaks of events: a comparison names several fields
 * and looks at the first that the event has. Columns know one field at a time.
 * rule_columns_build says the same in comparisons of one field each, so that
 * plan.h can run it over chunks, leave out what dictionaries and zone maps
 * rule out, and take the cheapest column first:
 *
 *	Image/process.executable endswith "\a.exe"
 *	    (Image exists and Image endswith ..) or
 *	    (not Image exists and process.executable exists and ..)
 *
 * Two kinds of comparison cannot be said so: keywords, which look into every
 * value, and comparisons of two fields. They are left out in the direction
 * that loses no event, and `exact` is false: then what the condition lets
 * through has to be asked once more, with prog_run(rule->prog, ...).
 *
 * The log source of the rule is no part of the condition; a stored event does
 * not know it by number. Set event->logsource from the definition that
 * event.dataset names, and ask ruleset_meets.
 *
 * To look for rules in a store:
 *
 *	columns = rule_columns_build(arena, rule->cond);
 *	rows    = those that plan_new(arena, columns.cond, NULL, NULL) holds for
 *	event   = a row with its log source, sealed
 *	match   = ruleset_meets(set, rule, event, scratch) &&
 *	    (columns.exact || prog_run(rule->prog, event, pred_scratch))
 *
 * Memory: everything is in the arena; the texts stay those of the rule set.
 */
#ifndef YAGURA_CORRELATION_RULE_COLUMNS_H
#define YAGURA_CORRELATION_RULE_COLUMNS_H

#include <stdbool.h>

struct arena;
struct cond;

struct rule_columns {
	struct cond *cond;	/* NULL: every event may match */
	bool	 exact;		/* holds if and only if the rule does */
};

/* `cond` is that of a rule, or NULL, which always holds. */
struct rule_columns rule_columns_build(struct arena *arena,
    const struct cond *cond);

#endif
