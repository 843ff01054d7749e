#include "correlation/rule_columns.h"

#include <string.h>

#include "engine/arena.h"
#include "engine/cond.h"

struct builder {
	struct arena *arena;
	bool	 exact;
};

static struct cond *
constant(struct builder *b, bool holds)
{
	return cond_list(b->arena, holds ? COND_AND : COND_OR, NULL, 0);
}

static struct cond *
exists(struct builder *b, field_t field)
{
	return cond_pred(b->arena, (struct pred){ .op = PRED_EXISTS,
	    .nfields = 1, .fields = { field } });
}

static struct cond *
at_field(struct builder *b, const struct pred *pred, field_t field)
{
	struct pred one = *pred;

	one.nfields = 1;
	one.fields[0] = field;
	one.place = 0;
	return cond_pred(b->arena, one);
}

static bool
same_fields(const struct cond *a, const struct cond *b)
{
	return b->kind == COND_PRED && a->pred->nfields == b->pred->nfields &&
	    memcmp(a->pred->fields, b->pred->fields, a->pred->nfields *
	    sizeof(field_t)) == 0;
}

/* Whether the comparisons hold when none of the fields is there: only "null"
 * does. */
static bool
holds_nowhere(enum cond_kind join, struct cond *const *preds, size_t n)
{
	size_t nulls = 0;

	for (size_t k = 0; k < n; k++)
		nulls += preds[k]->pred->op == PRED_NULL;
	return nulls == n || (join == COND_OR && nulls > 0);
}

/* Comparisons of the same fields, joined, at the field that the event has.
 * Only one of the branches can be met, so that it does not matter whether
 * they are joined before or after the field is chosen. */
static struct cond *
choose_field(struct builder *b, enum cond_kind join,
    struct cond *const *preds, size_t n)
{
	const struct pred *model = preds[0]->pred;
	struct cond *any = NULL, *absent = NULL, **joined;

	joined = arena_alloc(b->arena, n * sizeof(*joined));
	for (size_t i = 0; i < model->nfields; i++) {
		struct cond *here = exists(b, model->fields[i]);

		for (size_t k = 0; k < n; k++)
			joined[k] = at_field(b, preds[k]->pred,
			    model->fields[i]);
		any = cond_or(b->arena, any, cond_and(b->arena, absent,
		    cond_and(b->arena, here, cond_list(b->arena, join, joined,
		    n))));
		absent = cond_and(b->arena, absent, cond_not(b->arena,
		    exists(b, model->fields[i])));
	}
	return holds_nowhere(join, preds, n) ? cond_or(b->arena, any, absent)
	    : any;
}

/* What cannot be said holds, where it stands under a "not" it does not. */
static bool
is_sayable(const struct cond *cond)
{
	return cond->pred->op == PRED_TRUE || (cond->pred->nfields > 0 &&
	    cond->pred->op != PRED_FIELDREF);
}

static struct cond *
build_preds(struct builder *b, enum cond_kind join,
    struct cond *const *preds, size_t n, bool negated)
{
	if (!is_sayable(preds[0])) {
		b->exact = false;
		return constant(b, !negated);
	}
	if (preds[0]->pred->op == PRED_TRUE)
		return constant(b, true);
	if (preds[0]->pred->nfields == 1 && n == 1)
		return at_field(b, preds[0]->pred, preds[0]->pred->fields[0]);
	return choose_field(b, join, preds, n);
}

/* How many children from `at` on may share one choice of the field. */
static size_t
run_of(const struct cond *cond, size_t at)
{
	size_t n = 1;

	if (!is_sayable(cond->child[at]) ||
	    cond->child[at]->pred->nfields < 2)
		return 1;
	while (at + n < cond->n && same_fields(cond->child[at],
	    cond->child[at + n]) && is_sayable(cond->child[at + n]))
		n++;
	return n;
}

static struct cond *
build(struct builder *b, const struct cond *cond, bool negated)
{
	struct cond **parts, *one;
	size_t n = 0, run;

	if (cond->kind == COND_NOT)
		return cond_not(b->arena, build(b, cond->child[0], !negated));
	if (cond->kind == COND_PRED) {
		one = cond_pred(b->arena, *cond->pred);
		return build_preds(b, COND_AND, &one, 1, negated);
	}
	parts = arena_alloc(b->arena, (cond->n + 1) * sizeof(*parts));
	for (size_t i = 0; i < cond->n; i += run) {
		run = 1;
		if (cond->child[i]->kind != COND_PRED) {
			parts[n++] = build(b, cond->child[i], negated);
			continue;
		}
		run = run_of(cond, i);
		parts[n++] = build_preds(b, cond->kind, cond->child + i, run,
		    negated);
	}
	return cond_list(b->arena, cond->kind, parts, n);
}

struct rule_columns
rule_columns_build(struct arena *arena, const struct cond *cond)
{
	struct builder b = { arena, true };
	struct rule_columns columns = { NULL, true };

	if (cond != NULL)
		columns.cond = build(&b, cond, false);
	columns.exact = b.exact;
	return columns;
}
