#include "storage/plan.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/event.h"
#include "storage/query.h"
#include "storage/query_raw.h"
#include "storage/query_read.h"
#include "storage/query_set.h"

struct plan {
	struct plan_node *root;
	struct pred_scratch *scratch;
};

bool
plan_leaf_is_raw(const struct plan_node *leaf)
{
	return leaf->leaf != NULL && leaf->leaf->needle != NULL;
}

static enum plan_cost
leaf_cost(const struct plan_node *node)
{
	if (plan_leaf_is_raw(node) || node->field == FIELD_EVENT_ORIGINAL)
		return COST_RAW;
	switch (node->pred->op) {
	case PRED_TRUE:
	case PRED_EXISTS:
	case PRED_NULL:
		return COST_FREE;
	case PRED_RE:
		return COST_REGEX;
	default:
		return node->leaf != NULL && node->leaf->is_time ? COST_TIME
		    : COST_VALUE;
	}
}

static int
by_cost(const void *a, const void *b)
{
	const struct plan_node *x = *(const struct plan_node *const *)a;
	const struct plan_node *y = *(const struct plan_node *const *)b;

	return ((int)x->cost > (int)y->cost) - ((int)x->cost < (int)y->cost);
}

/* A needle for a WORD or PHRASE that came from elsewhere than a query. */
static const struct query_leaf *
raw_leaf(struct arena *arena, const struct pred *pred)
{
	struct query_leaf *leaf = arena_zalloc(arena, sizeof(*leaf));

	leaf->pred = pred;
	leaf->needle = pred->op == PRED_PHRASE
	    ? needle_phrase(arena, pred->text)
	    : needle_word(arena, pred->text);
	return leaf;
}

static void
fill_leaf(struct arena *arena, struct plan_node *node,
    const struct query_leaf *leaves, const struct schema *schema)
{
	const struct pred *pred = node->pred;

	node->field = pred->nfields > 0 ? pred->fields[0] : FIELD_NONE;
	node->column = -1;
	if (schema != NULL && pred->nfields > 0)
		node->column = schema_find(schema, node->field);
	for (; leaves != NULL && node->leaf == NULL; leaves = leaves->next)
		if (leaves->pred == pred)
			node->leaf = leaves;
	if (node->leaf == NULL && pred->nfields == 0 &&
	    (pred->op == PRED_WORD || pred->op == PRED_PHRASE))
		node->leaf = raw_leaf(arena, pred);
	node->cost = leaf_cost(node);
}

static struct plan_node *
build(struct arena *arena, const struct cond *cond,
    const struct query_leaf *leaves, const struct schema *schema)
{
	struct plan_node *node = arena_zalloc(arena, sizeof(*node));

	node->kind = cond->kind;
	if (cond->kind == COND_PRED) {
		node->pred = cond->pred;
		fill_leaf(arena, node, leaves, schema);
		return node;
	}
	node->n = cond->n;
	node->child = arena_alloc(arena, cond->n * sizeof(*node->child));
	for (size_t i = 0; i < cond->n; i++) {
		node->child[i] = build(arena, cond->child[i], leaves, schema);
		if (node->child[i]->cost > node->cost)
			node->cost = node->child[i]->cost;
	}
	qsort(node->child, node->n, sizeof(*node->child), by_cost);
	return node;
}

struct plan *
plan_new(struct arena *arena, const struct cond *cond,
    const struct query_leaf *leaves, const struct schema *schema)
{
	struct plan *plan = arena_zalloc(arena, sizeof(*plan));

	plan->scratch = pred_scratch_new();
	if (cond != NULL)
		plan->root = build(arena, cond, leaves, schema);
	return plan;
}

void
plan_free(struct plan *plan)
{
	if (plan != NULL)
		pred_scratch_free(plan->scratch);
}

const struct plan_node *
plan_root(const struct plan *plan)
{
	return plan->root;
}

/* --- leaves ------------------------------------------------------------- */

/* The exact comparison of a time with what was meant: a day is a range. */
static bool
time_holds(const struct plan_node *leaf, const struct value *value)
{
	int64_t time_ns = value->u.num;

	if (value->type != VALUE_TIME)
		return false;
	switch (leaf->pred->op) {
	case PRED_LT:
		return time_ns < leaf->leaf->time_ns;
	case PRED_LE:
		return time_ns <= leaf->leaf->time_ns;
	case PRED_GT:
		return time_ns > leaf->leaf->time_ns;
	case PRED_GE:
		return time_ns >= leaf->leaf->time_ns;
	default:
		return time_ns >= leaf->leaf->time_ns &&
		    time_ns <= leaf->leaf->until_ns;
	}
}

bool
plan_value_holds(struct plan *plan, const struct plan_node *leaf,
    const struct value *value)
{
	bool is_time = leaf->leaf != NULL && leaf->leaf->is_time;
	struct query_set *set = leaf->leaf == NULL ? NULL : leaf->leaf->set;

	for (size_t i = 0; i < value_members(value); i++) {
		const struct value *member = value_member(value, i);

		if (set != NULL ? query_set_find(set, member) >= 0
		    : is_time ? time_holds(leaf, member)
		    : pred_value_holds(leaf->pred, member, plan->scratch))
			return true;
	}
	return false;
}

static bool
has_null(const struct value *value)
{
	for (size_t i = 0; i < value_members(value); i++)
		if (value_member(value, i)->type == VALUE_NULL)
			return true;
	return false;
}

/* value is NULL if it is absent. */
static bool
leaf_holds(struct plan *plan, const struct plan_node *leaf,
    const struct value *value)
{
	switch (leaf->pred->op) {
	case PRED_TRUE:
		return true;
	case PRED_EXISTS:
		return value != NULL;
	case PRED_NULL:
		return value == NULL || has_null(value);
	default:
		return value != NULL && plan_value_holds(plan, leaf, value);
	}
}

/* --- trees -------------------------------------------------------------- */

struct subject {
	const struct event *event;
	const struct row *row;
};

static bool
subject_leaf(struct plan *plan, const struct plan_node *leaf,
    const struct subject *subject)
{
	const struct value *cell;
	struct value value;

	if (leaf->leaf != NULL && leaf->leaf->source != NULL)
		return subject->event == NULL || leaf->leaf->source(
		    leaf->leaf->user, subject->event->logsource);
	if (plan_leaf_is_raw(leaf))
		return needle_in(leaf->leaf->needle, subject->event != NULL
		    ? subject->event->raw : subject->row->raw);
	if (subject->event != NULL) {
		bool there = leaf->field != FIELD_NONE &&
		    event_value(subject->event, leaf->field, &value);

		return leaf_holds(plan, leaf, there ? &value : NULL);
	}
	cell = leaf->column < 0 ? NULL : &subject->row->cells[leaf->column];
	if (cell != NULL && cell_is_absent(cell))
		cell = NULL;
	return leaf_holds(plan, leaf, cell);
}

static bool
holds(struct plan *plan, const struct plan_node *node,
    const struct subject *subject)
{
	switch (node->kind) {
	case COND_AND:
		for (size_t i = 0; i < node->n; i++)
			if (!holds(plan, node->child[i], subject))
				return false;
		return true;
	case COND_OR:
		for (size_t i = 0; i < node->n; i++)
			if (holds(plan, node->child[i], subject))
				return true;
		return false;
	case COND_NOT:
		return !holds(plan, node->child[0], subject);
	case COND_PRED:
		return subject_leaf(plan, node, subject);
	}
	return false;
}

bool
plan_event_holds(struct plan *plan, const struct event *event)
{
	struct subject subject = { .event = event };

	return plan->root == NULL || holds(plan, plan->root, &subject);
}

bool
plan_row_holds(struct plan *plan, const struct row *row)
{
	struct subject subject = { .row = row };

	return plan->root == NULL || holds(plan, plan->root, &subject);
}
