#include "correlation/ruleset_parts.h"

#include <stdlib.h>

#include "correlation/mapping.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "engine/prog.h"
#include "engine/yaml.h"

/* --- names --------------------------------------------------------------- */

static void
add_name(struct loader *l, struct draft *draft, struct slice word,
    const struct yaml_node *node)
{
	union map_value *place;
	bool made;

	if (word.len == 0 || node == NULL)
		return;
	place = map_get(l->names, word, &made);
	if (!made && place->ptr != draft) {
		const struct draft *other = place->ptr;

		l->scope.file = draft->rule->file;
		sigma_refuse(&l->scope, node, "\"%.*s\" is already the name "
		    "or id of %s:%d", (int)word.len, word.ptr,
		    other->rule->file, other->rule->line);
		draft->broken = true;
		return;
	}
	place->ptr = draft;
}

static struct draft *
find_draft(void *context, struct slice word)
{
	const struct loader *l = context;
	const union map_value *place = map_find(l->names, word);

	return place != NULL ? place->ptr : NULL;
}

/* --- detections and filters ---------------------------------------------- */

static struct sigma_scope *
scope_for(struct loader *l, const char *file,
    const struct logsource *logsource)
{
	l->scope.file = file;
	l->scope.logsource = logsource;
	return &l->scope;
}

static void
read_detection(struct loader *l, struct draft *draft)
{
	static const char *const none[] = { NULL };

	draft->cond = sigma_read_detection(scope_for(l, draft->rule->file,
	    &draft->rule->logsource), draft->body, none);
	if (draft->cond == NULL)
		draft->broken = true;
}

/* Whether the filter names this rule. */
static bool
filter_names(const struct yaml_node *rules, const struct draft *draft)
{
	size_t n = rules->kind == YAML_LIST ? rules->n : 1;

	if (rules->kind == YAML_SCALAR && slice_eq(rules->text, SLICE("any")))
		return true;
	for (size_t i = 0; i < n; i++) {
		struct slice word = yaml_text(rules->kind == YAML_LIST
		    ? rules->items[i] : rules, SLICE(""));

		if (slice_eq(word, draft->rule->id) ||
		    slice_eq(word, draft->rule->name))
			return true;
	}
	return false;
}

static bool
check_filter(struct loader *l, const struct draft *filter,
    const struct yaml_node *rules)
{
	struct sigma_scope *scope = scope_for(l, filter->rule->file,
	    &filter->rule->logsource);
	bool good = true;

	if (rules == NULL || rules->kind == YAML_MAP)
		return sigma_refuse(scope, filter->body, "the filter names no "
		    "rules: \"rules: [name, ...]\" or \"rules: any\"");
	if (rules->kind == YAML_SCALAR && slice_eq(rules->text, SLICE("any")))
		return true;
	for (size_t i = 0; i < (rules->kind == YAML_LIST ? rules->n : 1);
	    i++) {
		const struct yaml_node *node = rules->kind == YAML_LIST
		    ? rules->items[i] : rules;
		struct slice word = yaml_text(node, SLICE(""));
		const struct draft *found = find_draft(l, word);

		if (found == NULL || found->kind != DRAFT_DETECTION)
			good = sigma_refuse(scope, node, "there is no "
			    "detection with the name or id \"%.*s\"",
			    (int)word.len, word.ptr);
	}
	return good;
}

/* A filter's fields are those of the rule it filters, so it is read once for
 * each; the first reading names its mistakes. */
static void
apply_filter(struct loader *l, struct draft *filter)
{
	static const char *const others[] = { "rules", NULL };
	const struct yaml_node *rules = yaml_get(filter->body, "rules");
	bool read = false;

	if (filter->broken || !check_filter(l, filter, rules)) {
		filter->broken = true;
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];
		struct cond *cond;

		if (draft->kind != DRAFT_DETECTION ||
		    !filter_names(rules, draft) ||
		    !logsource_meets(&draft->rule->logsource,
		    &filter->rule->logsource))
			continue;
		read = true;
		cond = sigma_read_detection(scope_for(l, filter->rule->file,
		    &draft->rule->logsource), filter->body, others);
		if (cond == NULL) {
			filter->broken = true;
			return;
		}
		if (draft->cond != NULL)
			draft->cond = cond_and(l->set->arena, draft->cond,
			    cond);
	}
	if (!read && sigma_read_detection(scope_for(l, filter->rule->file,
	    &filter->rule->logsource), filter->body, others) == NULL)
		filter->broken = true;
}

/* --- correlations -------------------------------------------------------- */

static void
refuse_reference(struct loader *l, struct draft *draft,
    const struct draft *broken)
{
	struct slice title = broken->rule->title;

	draft->broken = true;
	l->scope.file = draft->rule->file;
	sigma_refuse(&l->scope, yaml_get(draft->body, "rules"), "refers to "
	    "\"%.*s\", which has a mistake (%s:%d)", (int)title.len,
	    title.ptr, broken->rule->file, broken->rule->line);
}

/* Visits what the correlation refers to first; appends it to `order`. */
static void
visit(struct loader *l, struct draft *draft, struct draft **order, size_t *n,
    unsigned depth)
{
	draft->visit = DRAFT_OPEN;
	for (size_t i = 0; !draft->broken && i < draft->correlation->nall;
	    i++) {
		struct draft *inner = draft->refer[i];

		if (inner->kind == DRAFT_CORRELATION &&
		    (inner->visit == DRAFT_OPEN || depth > 60)) {
			l->scope.file = draft->rule->file;
			sigma_refuse(&l->scope, yaml_get(draft->body,
			    "rules"), "correlations refer to each other: "
			    "\"%.*s\"", (int)inner->rule->title.len,
			    inner->rule->title.ptr);
			draft->broken = true;
			break;
		}
		if (inner->kind == DRAFT_CORRELATION &&
		    inner->visit == DRAFT_NEW)
			visit(l, inner, order, n, depth + 1);
		if (inner->broken)
			refuse_reference(l, draft, inner);
	}
	draft->visit = DRAFT_DONE;
	if (!draft->broken)
		order[(*n)++] = draft;
}

static void
link_correlations(struct loader *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];

		if (draft->kind == DRAFT_CORRELATION &&
		    !sigma_link_correlation(scope_for(l, draft->rule->file,
		    &draft->rule->logsource), draft, find_draft, l))
			draft->broken = true;
	}
}

/* A rule that is referred to speaks for itself only if some correlation that
 * refers to it says generate. */
static void
settle_silence(struct draft *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < order[i]->correlation->nall; k++) {
			order[i]->refer[k]->rule->referred = true;
			order[i]->refer[k]->rule->silent = true;
		}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; order[i]->generate &&
		    k < order[i]->correlation->nrefer; k++)
			order[i]->refer[k]->rule->silent = false;
}

/* --- numbering and compiling --------------------------------------------- */

static void
add_rule(struct ruleset *set, struct rule *rule)
{
	rule->number = (uint32_t)set->n;
	set->rules[set->n++] = rule;
	map_get(set->by_id, rule->id, NULL)->ptr = rule;
}

/* Numbers the lists of fields that preds share, so that a list is looked for
 * in an event only once. */
static void
assign_places(struct loader *l, const struct cond *cond)
{
	struct pred *pred = cond->pred;
	union map_value *place;
	bool made;

	for (size_t i = 0; i < cond->n; i++)
		assign_places(l, cond->child[i]);
	if (cond->kind != COND_PRED || pred->nfields == 0)
		return;
	place = map_get(l->places, slice_of((const char *)pred->fields,
	    pred->nfields * sizeof(field_t)), &made);
	if (made && l->set->nplaces < PRED_PLACES)
		place->num = l->set->nplaces++;
	pred->place = (uint16_t)place->num;
}

static void
number_detections(struct loader *l)
{
	struct ruleset *set = l->set;

	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];

		if (draft->kind != DRAFT_DETECTION || draft->broken)
			continue;
		assign_places(l, draft->cond);
		draft->rule->cond = draft->cond;
		draft->rule->prog = cond_compile(set->arena, draft->cond);
		if (draft->rule->prog == NULL) {
			l->scope.file = draft->rule->file;
			sigma_refuse(&l->scope, draft->body,
			    "more than %d comparisons", COND_PREDS);
			draft->broken = true;
			continue;
		}
		add_rule(set, draft->rule);
	}
	set->ndetections = set->n;
}

static void
number_correlations(struct loader *l, struct draft *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct draft *draft = order[i];
		uint32_t *refer = arena_alloc(l->set->arena,
		    draft->correlation->nall * sizeof(*refer));

		for (size_t k = 0; k < draft->correlation->nall; k++)
			refer[k] = draft->refer[k]->rule->number;
		draft->correlation->refer = refer;
		sigma_resolve_correlation(scope_for(l, draft->rule->file,
		    &draft->rule->logsource), draft);
		add_rule(l->set, draft->rule);
	}
}

void
ruleset_link(struct loader *l)
{
	struct draft **order;
	size_t norder = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];
		const struct yaml_node *name = yaml_get(draft->root, "name");

		add_name(l, draft, draft->rule->id, draft->id);
		add_name(l, draft, draft->rule->name, name);
	}
	for (size_t i = 0; i < l->n; i++)
		if (l->drafts[i]->kind == DRAFT_DETECTION)
			read_detection(l, l->drafts[i]);
	for (size_t i = 0; i < l->n; i++)
		if (l->drafts[i]->kind == DRAFT_FILTER)
			apply_filter(l, l->drafts[i]);
	link_correlations(l);
	l->set->rules = arena_alloc(l->set->arena, (l->n + 1) *
	    sizeof(*l->set->rules));
	number_detections(l);
	order = xcalloc(l->n + 1, sizeof(*order));
	for (size_t i = 0; i < l->n; i++)
		if (l->drafts[i]->kind == DRAFT_CORRELATION &&
		    l->drafts[i]->visit == DRAFT_NEW)
			visit(l, l->drafts[i], order, &norder, 0);
	settle_silence(order, norder);
	number_correlations(l, order, norder);
	free(order);
}
