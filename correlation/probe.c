#include "correlation/probe.h"

#include <string.h>

#include "engine/arena.h"
#include "engine/cond.h"
#include "engine/value.h"

#define PARTS 64		/* of a rule that are looked at */

struct parts {
	const struct cond *at[PARTS];
	bool	 negated[PARTS];
	const struct pred *field[PARTS];	/* NULL: of several */
	size_t	 n;
};

static bool
same_fields(const struct pred *a, const struct pred *b)
{
	return a->nfields == b->nfields && memcmp(a->fields, b->fields,
	    a->nfields * sizeof(field_t)) == 0;
}

/* Whether the comparison can be made with the value alone. */
static bool
is_of_value(const struct pred *pred)
{
	return pred->nfields > 0 && pred->op != PRED_FIELDREF &&
	    pred->op != PRED_WORD && pred->op != PRED_PHRASE &&
	    pred->op != PRED_TRUE;
}

/* The field that all of the condition speaks of; NULL if there is none. */
static const struct pred *
field_of(const struct cond *cond)
{
	const struct pred *first = NULL, *next;

	if (cond->kind == COND_PRED)
		return is_of_value(cond->pred) ? cond->pred : NULL;
	for (size_t i = 0; i < cond->n; i++) {
		next = field_of(cond->child[i]);
		if (next == NULL || (first != NULL &&
		    !same_fields(first, next)))
			return NULL;
		first = next;
	}
	return first;
}

/* Everything that has to hold, "not (a or b)" being "not a and not b". */
static void
collect(struct parts *parts, const struct cond *cond, bool negated)
{
	if (cond->kind == COND_NOT) {
		collect(parts, cond->child[0], !negated);
		return;
	}
	if (cond->kind == (negated ? COND_OR : COND_AND)) {
		for (size_t i = 0; i < cond->n; i++)
			collect(parts, cond->child[i], negated);
		return;
	}
	if (parts->n == PARTS)
		return;
	parts->at[parts->n] = cond;
	parts->negated[parts->n] = negated;
	parts->field[parts->n++] = field_of(cond);
}

/* How much a part is likely to rule out: what has to be there says more than
 * what must not. */
static unsigned
worth(const struct cond *cond, bool negated)
{
	if (cond->kind != COND_PRED)
		return negated ? 2 : 8;
	switch (cond->pred->op) {
	case PRED_EXISTS:
		return negated ? 3 : 1;
	case PRED_NULL:
		return negated ? 1 : 3;
	case PRED_CONTAINS:
	case PRED_STARTS:
	case PRED_ENDS:
		/* "not contains ''" holds nowhere; "ends with .exe" nearly
		 * everywhere. */
		return negated ? 4 : 6;
	case PRED_EQ:
		return negated ? 1 : 8;
	}
	return negated ? 2 : 16;
}

bool
probe_choose(struct arena *arena, const struct cond *cond,
    struct probe *probe)
{
	struct parts parts = { .n = 0 };
	const struct pred *best = NULL;
	unsigned most = 0;

	collect(&parts, cond, false);
	for (size_t i = 0; i < parts.n; i++) {
		unsigned sum = 0;

		for (size_t k = i; parts.field[i] != NULL && k < parts.n; k++)
			if (parts.field[k] != NULL && same_fields(
			    parts.field[i], parts.field[k]))
				sum += worth(parts.at[k], parts.negated[k]);
		if (sum > most) {
			most = sum;
			best = parts.field[i];
		}
	}
	if (best == NULL)
		return false;
	*probe = (struct probe){ .field = best,
	    .part = arena_alloc(arena, parts.n * sizeof(*probe->part)),
	    .negated = arena_alloc(arena, parts.n * sizeof(bool)) };
	for (size_t i = 0; i < parts.n; i++)
		if (parts.field[i] != NULL && same_fields(best,
		    parts.field[i])) {
			probe->part[probe->n] = parts.at[i];
			probe->negated[probe->n++] = parts.negated[i];
		}
	return true;
}

static bool
holds(const struct cond *cond, const struct value *value,
    struct pred_scratch *scratch)
{
	switch (cond->kind) {
	case COND_NOT:
		return !holds(cond->child[0], value, scratch);
	case COND_AND:
	case COND_OR:
		for (size_t i = 0; i < cond->n; i++)
			if (holds(cond->child[i], value, scratch) ==
			    (cond->kind == COND_OR))
				return cond->kind == COND_OR;
		return cond->kind == COND_AND;
	case COND_PRED:
		break;
	}
	if (cond->pred->op == PRED_EXISTS)
		return value != NULL;
	if (cond->pred->op == PRED_NULL)
		return value == NULL || value->type == VALUE_NULL;
	return value != NULL && pred_value_holds(cond->pred, value, scratch);
}

bool
probe_holds(const struct probe *probe, const struct value *value,
    struct pred_scratch *scratch)
{
	for (size_t i = 0; i < probe->n; i++)
		if (holds(probe->part[i], value, scratch) ==
		    probe->negated[i])
			return false;
	return true;
}
