#include "correlation/sigma.h"

#include "engine/arena.h"
#include "engine/cond.h"
#include "engine/yaml.h"

/* A map: every item must hold. */
static struct cond *
read_map(const struct sigma_scope *scope, const struct yaml_node *map)
{
	struct cond **conds = arena_alloc(scope->arena,
	    (map->n + 1) * sizeof(*conds));
	bool good = true;

	if (map->n == 0)
		return sigma_refuse(scope, map, "an empty section");
	for (size_t i = 0; i < map->n; i++) {
		conds[i] = sigma_read_item(scope, map->keys[i],
		    map->items[i]);
		good = good && conds[i] != NULL;
	}
	return good ? cond_list(scope->arena, COND_AND, conds, map->n) : NULL;
}

/* A list: any of its maps or keywords. */
static struct cond *
read_list(const struct sigma_scope *scope, const struct yaml_node *list)
{
	struct cond **conds = arena_alloc(scope->arena,
	    (list->n + 1) * sizeof(*conds));
	bool good = true;

	if (list->n == 0)
		return sigma_refuse(scope, list, "an empty section");
	for (size_t i = 0; i < list->n; i++) {
		const struct yaml_node *one = list->items[i];

		if (one->kind == YAML_LIST)
			conds[i] = sigma_refuse(scope, one,
			    "a list within a list");
		else if (one->kind == YAML_MAP)
			conds[i] = read_map(scope, one);
		else
			conds[i] = sigma_read_item(scope, NULL, one);
		good = good && conds[i] != NULL;
	}
	return good ? cond_list(scope->arena, COND_OR, conds, list->n) : NULL;
}

static struct cond *
read_section(const struct sigma_scope *scope, const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_MAP:
		return read_map(scope, node);
	case YAML_LIST:
		return read_list(scope, node);
	default:
		return sigma_read_item(scope, NULL, node);
	}
}

static bool
is_other(struct slice name, const char *const *others)
{
	for (; *others != NULL; others++)
		if (slice_eq(name, slice_cstr(*others)))
			return true;
	return false;
}

/* One condition, or any of a list of them. */
static struct cond *
read_conditions(const struct sigma_scope *scope, const struct yaml_node *node,
    const struct sigma_section *sections, size_t n)
{
	struct cond **conds;
	bool good = true;

	if (node->kind == YAML_SCALAR)
		return sigma_read_condition(scope, node, sections, n);
	if (node->kind == YAML_MAP || node->n == 0)
		return sigma_refuse(scope, node, "a condition is text: "
		    "\"selection and not filter\"");
	if (node->n > SIGMA_CONDITIONS)
		return sigma_refuse(scope, node, "more than %d conditions",
		    SIGMA_CONDITIONS);
	conds = arena_alloc(scope->arena, node->n * sizeof(*conds));
	for (size_t i = 0; i < node->n; i++) {
		conds[i] = node->items[i]->kind != YAML_SCALAR
		    ? sigma_refuse(scope, node->items[i], "a condition is text")
		    : sigma_read_condition(scope, node->items[i], sections, n);
		good = good && conds[i] != NULL;
	}
	return good ? cond_list(scope->arena, COND_OR, conds, node->n) : NULL;
}

struct cond *
sigma_read_detection(const struct sigma_scope *scope,
    const struct yaml_node *detection, const char *const *others)
{
	struct sigma_section *sections;
	const struct yaml_node *condition = yaml_get(detection, "condition");
	struct cond *cond;
	size_t n = 0;
	bool good = true;

	scope->regexes->rule_preds = 0;
	if (detection->kind != YAML_MAP)
		return sigma_refuse(scope, detection, "a detection is a map "
		    "of sections and a condition");
	sections = arena_alloc(scope->arena,
	    (detection->n + 1) * sizeof(*sections));
	for (size_t i = 0; i < detection->n; i++) {
		struct slice name = yaml_text(detection->keys[i], SLICE(""));

		if (slice_eq(name, SLICE("condition")) ||
		    is_other(name, others))
			continue;
		if (slice_eq(name, SLICE("timeframe"))) {
			sigma_refuse(scope, detection->keys[i], "\"timeframe\" "
			    "is of old rules; write a correlation rule with "
			    "a timespan");
			good = false;
			continue;
		}
		sections[n].name = name;
		sections[n].cond = read_section(scope, detection->items[i]);
		if (sections[n].cond == NULL) {
			/* Stands in, so that the condition is read, too. */
			good = false;
			sections[n].cond = cond_list(scope->arena, COND_OR,
			    NULL, 0);
		}
		n++;
	}
	if (condition == NULL)
		return sigma_refuse(scope, detection, "the detection has no "
		    "condition; add \"condition: selection\"");
	if (n == 0)
		return sigma_refuse(scope, detection, "the detection has no "
		    "section beside its condition");
	cond = read_conditions(scope, condition, sections, n);
	return good ? cond : NULL;
}
