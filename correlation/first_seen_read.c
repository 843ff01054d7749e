#include "correlation/first_seen_read.h"

#include "correlation/sigma_rule.h"
#include "engine/arena.h"
#include "engine/yaml.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

static bool
read_fields(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	const field_t **all;

	if (node == NULL || node->kind != YAML_LIST || node->n < 2 ||
	    node->n > FIRST_SEEN_FIELDS) {
		sigma_refuse(scope, node, "first_seen.fields is a list of 2 "
		    "to %d fields", FIRST_SEEN_FIELDS);
		return false;
	}
	all = arena_alloc(scope->arena, node->n * sizeof(*all));
	for (size_t i = 0; i < node->n; i++) {
		field_t *one = arena_alloc(scope->arena, 2 * sizeof(*one));
		struct slice name = yaml_text(node->items[i], SLICE(""));

		one[0] = name.len == 0 ? FIELD_NONE : field_intern(name);
		one[1] = FIELD_NONE;
		if (one[0] == FIELD_NONE) {
			sigma_refuse(scope, node->items[i],
			    "this is no field name");
			return false;
		}
		all[i] = one;
	}
	rule->first_seen = all;
	rule->nfirst_seen = node->n;
	return true;
}

static bool
read_span(const struct sigma_scope *scope, const struct yaml_node *node,
    int64_t *ns)
{
	if (node == NULL || sigma_read_span(yaml_text(node, SLICE("")), ns))
		return true;
	sigma_refuse(scope, node, "a timespan such as 1h or 30d is wanted");
	return false;
}

bool
first_seen_read(const struct sigma_scope *scope, const struct yaml_node *key,
    const struct yaml_node *node, struct rule *rule)
{
	static const char *const words[] = { "fields", "memory", "learn" };
	bool good = true;

	if (node->kind != YAML_MAP || rule->kind != RULE_DETECTION) {
		sigma_refuse(scope, key, "first_seen belongs to a detection "
		    "and holds fields, memory and learn");
		return false;
	}
	for (size_t i = 0; i < node->n; i++) {
		struct slice word = yaml_text(node->keys[i], SLICE(""));
		char hint[64];

		if (slice_eq(word, SLICE("fields")) ||
		    slice_eq(word, SLICE("memory")) ||
		    slice_eq(word, SLICE("learn")))
			continue;
		sigma_refuse(scope, node->keys[i],
		    "unknown key of first_seen \"%.*s\"%s", (int)word.len,
		    word.ptr, sigma_hint(hint, sizeof(hint), word, words, 3));
		good = false;
	}
	rule->first_seen_memory_ns = 30 * DAY_NS;
	rule->first_seen_learn_ns = DAY_NS;
	good = read_span(scope, yaml_get(node, "memory"),
	    &rule->first_seen_memory_ns) && good;
	good = read_span(scope, yaml_get(node, "learn"),
	    &rule->first_seen_learn_ns) && good;
	return read_fields(scope, yaml_get(node, "fields"), rule) && good;
}
