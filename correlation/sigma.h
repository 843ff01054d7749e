/* correlation/sigma.h -- detections of Sigma as conditions.
 *
 * The three readers of a detection: an item is "field|modifier: values", a
 * section joins items, the condition joins sections. Each adds a finding for
 * every mistake and goes on.
 *
 * Memory: conditions live in the arena of the scope.
 */
#ifndef YAGURA_CORRELATION_SIGMA_H
#define YAGURA_CORRELATION_SIGMA_H

#include "engine/cond.h"
#include "engine/logsource.h"

struct arena;
struct diag;
struct mapping;
struct regex;
struct sigma_lists;
struct yaml_node;

#define SIGMA_EXPANSIONS 4096	/* texts that one value may become */

#define SIGMA_VALUE_BYTES 65536		/* of one value */
#define SIGMA_CONDITION_BYTES 65536	/* of one condition */
#define SIGMA_CONDITIONS 64		/* in the list of one rule */
#define SIGMA_REGEXES 20000		/* in a rule set */
#define SIGMA_PREDS 250000		/* comparisons in a rule set */

/* Regular expressions of a rule set, freed with it; and how much it has grown
 * to, so that a small file cannot become a large set. */
struct sigma_regexes {
	struct regex **at;
	size_t	 n, cap;
	size_t	 preds, rule_preds;	/* in all, and in the present rule */
};

struct sigma_scope {
	struct arena *arena;
	struct diag *diag;
	const char *file;
	const struct mapping *mapping;
	const struct logsource *logsource;	/* of the rule */
	struct sigma_regexes *regexes;
	const struct sigma_lists *lists;	/* NULL: none */
};

/* A finding at the node, which may be NULL. Always answers NULL. */
void *sigma_refuse(const struct sigma_scope *scope,
    const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The place of the node's word in a list of n words; -1 and a finding that
 * says what it should be if it is none. */
int sigma_word(const struct sigma_scope *scope, const struct yaml_node *node,
    const char *what, const char *const *words, size_t n);

/* " (word?)" if a candidate is near to what was written, else "". */
const char *sigma_hint(char *buf, size_t size, struct slice word,
    const char *const *candidates, size_t n);

/* One item; `key` may be NULL for keywords. NULL after a mistake. */
struct cond *sigma_read_item(const struct sigma_scope *scope,
    const struct yaml_node *key, const struct yaml_node *value);

/* `detection` or `filter`: sections and a condition. Keys that are no section
 * are given in `others`, ended by NULL. NULL after a mistake. */
struct cond *sigma_read_detection(const struct sigma_scope *scope,
    const struct yaml_node *detection, const char *const *others);

/* The sections that a condition may name. */
struct sigma_section {
	struct slice name;
	struct cond *cond;
};

/* "1 of sel* and not (a or b)". NULL after a mistake. */
struct cond *sigma_read_condition(const struct sigma_scope *scope,
    const struct yaml_node *node, const struct sigma_section *sections,
    size_t n);

#endif
