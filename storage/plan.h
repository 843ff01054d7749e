/* storage/plan.h -- a condition ready to run, over rows or over columns.
 *
 * The tree of the query, children in order of their cost, with everything
 * looked up that can be: needles for raw lines, exact times, columns of a
 * table. An event and a column give the same answers, because both end in
 * plan_value_holds.
 *
 * Memory: the plan lives in the arena; pred_scratch belongs to it.
 */
#ifndef YAGURA_STORAGE_PLAN_H
#define YAGURA_STORAGE_PLAN_H

#include "engine/cond.h"
#include "engine/slice.h"

struct event;
struct query_leaf;
struct row;
struct schema;

enum plan_cost {		/* of a leaf, cheapest first */
	COST_FREE,		/* true, exists */
	COST_TIME,		/* a member of the event */
	COST_VALUE,		/* a column */
	COST_REGEX,
	COST_RAW,		/* every raw line */
};

struct plan_node {
	enum cond_kind kind;
	size_t	 n;
	struct plan_node **child;
	enum plan_cost cost;
	/* COND_PRED */
	const struct pred *pred;
	const struct query_leaf *leaf;	/* or NULL */
	field_t	 field;
	int	 column;		/* in a table; -1: not there */
};

struct plan;

/* cond may be NULL: holds always. The schema is that of the rows it will see,
 * NULL for events. */
struct plan *plan_new(struct arena *arena, const struct cond *cond,
    const struct query_leaf *leaves, const struct schema *schema);
void plan_free(struct plan *plan);		/* NULL does nothing */

/* NULL: holds always. */
const struct plan_node *plan_root(const struct plan *plan);

bool plan_event_holds(struct plan *plan, const struct event *event);
bool plan_row_holds(struct plan *plan, const struct row *row);

/* One leaf, one value or list. Not for raw leaves, EXISTS, NULL, TRUE. */
bool plan_value_holds(struct plan *plan, const struct plan_node *leaf,
    const struct value *value);

/* Is the leaf about the raw line? */
bool plan_leaf_is_raw(const struct plan_node *leaf);

#endif
