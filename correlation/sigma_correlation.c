#include "correlation/extension.h"
#include "correlation/mapping.h"
#include "correlation/sigma_rule.h"
#include "correlation/window.h"
#include "engine/arena.h"
#include "engine/yaml.h"

#define GROUP_FIELDS 16		/* columns of a key; more is a mistake */
#define REFER_LIMIT 256		/* rules one correlation may refer to */
#define CHAIN_LIMIT 64		/* correlations of correlations */

static const char *const type_words[] = { "event_count", "value_count",
	"temporal", "temporal_ordered", "value_sum", "value_avg",
	"value_percentile", "value_median" };
#define TYPES (sizeof(type_words) / sizeof(type_words[0]))

enum { KEY_TYPE, KEY_RULES, KEY_GROUP, KEY_TIMESPAN, KEY_CONDITION,
	KEY_ALIASES, KEY_GENERATE, KEYS };
static const char *const key_words[KEYS] = { "type", "rules", "group-by",
	"timespan", "condition", "aliases", "generate" };

struct linker {
	const struct sigma_scope *scope;
	struct draft *draft;
	struct correlation *correlation;
	sigma_find *find;
	void	*context;
	const struct yaml_node *value_field;
};

static size_t
members(const struct yaml_node *node)
{
	return node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
}

static const struct yaml_node *
member(const struct yaml_node *node, size_t i)
{
	return node->kind == YAML_LIST ? node->items[i] : node;
}

static bool
is_value_type(enum correlation_type type)
{
	return type != CORRELATION_EVENT_COUNT &&
	    type != CORRELATION_TEMPORAL &&
	    type != CORRELATION_TEMPORAL_ORDERED;
}

static bool
read_type(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "type");
	int type;

	if (node == NULL)
		return sigma_refuse(l->scope, l->draft->body, "the "
		    "correlation has no type: event_count, value_count, "
		    "temporal, ...");
	type = sigma_word(l->scope, node, "type of correlation", type_words,
	    TYPES);
	if (type < 0)
		return false;
	l->correlation->type = (enum correlation_type)type;
	return true;
}

/* Rules of one list, from this place on. */
static bool
find_rules(struct linker *l, const struct yaml_node *node, size_t at)
{
	bool good = true;

	for (size_t i = 0; i < members(node); i++) {
		struct slice word = yaml_text(member(node, i), SLICE(""));
		struct draft *found = l->find(l->context, word);

		if (found == NULL || found->kind == DRAFT_FILTER)
			good = sigma_refuse(l->scope, member(node, i),
			    "there is no rule with the name or id \"%.*s\"",
			    (int)word.len, word.ptr);
		l->draft->refer[at + i] = found;
	}
	return good;
}

static bool
find_bind_rules(struct linker *l, size_t at)
{
	const struct yaml_node *lists[2 * EXTENSION_BINDS];
	size_t n;
	bool good = true;

	extension_bind_rules(l->draft, lists);
	n = extension_bind_lists(l->draft);
	for (size_t i = 0; i < n; i++) {
		good = find_rules(l, lists[i], at) && good;
		for (size_t k = 0; k < members(lists[i]); k++, at++)
			if (l->draft->refer[at] != NULL &&
			    l->draft->refer[at]->kind != DRAFT_DETECTION)
				good = sigma_refuse(l->scope,
				    member(lists[i], k), "only matches of "
				    "detections bind");
	}
	return good;
}

static bool
read_rules(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "rules");
	const struct yaml_node *absent = extension_absent_rules(l->draft);
	size_t n = members(node), more = members(absent);
	size_t binds = extension_bind_rules(l->draft, NULL);
	bool good;

	if (n == 0 || n + more + binds > REFER_LIMIT || node->kind == YAML_MAP ||
	    (absent != NULL && absent->kind == YAML_MAP))
		return sigma_refuse(l->scope, node != NULL ? node
		    : l->draft->body, "a correlation names 1 to %d rules: "
		    "\"rules: [name, ...]\"", REFER_LIMIT);
	if (n > WINDOW_STEPS && (l->correlation->type == CORRELATION_TEMPORAL ||
	    l->correlation->type == CORRELATION_TEMPORAL_ORDERED))
		return sigma_refuse(l->scope, node, "a temporal correlation "
		    "names at most %d rules", WINDOW_STEPS);
	l->draft->refer = arena_alloc(l->scope->arena,
	    (n + more + binds) * sizeof(*l->draft->refer));
	good = find_rules(l, node, 0);
	good = find_rules(l, absent, n) && good;
	l->correlation->nrefer = n + more;
	l->correlation->nabsent = more;
	l->correlation->nall = n + more + binds;
	return find_bind_rules(l, n + more) && good;
}

static bool
read_timespan(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "timespan");
	struct slice text = yaml_text(node, SLICE(""));

	if (node == NULL)
		return sigma_refuse(l->scope, l->draft->body,
		    "the correlation has no timespan, such as 10m");
	if (!sigma_read_span(text, &l->correlation->timespan_ns))
		return sigma_refuse(l->scope, node, "\"%.*s\" is no timespan: "
		    "a number and s, m, h, d or w", (int)text.len, text.ptr);
	return true;
}

static bool
read_bound(struct linker *l, int which, const struct yaml_node *node)
{
	struct correlation_bounds *b = &l->correlation->bounds;
	bool *const has[] = { &b->has_gt, &b->has_gte, &b->has_lt,
	    &b->has_lte, &b->has_eq, &b->has_neq };
	double *const bound[] = { &b->gt, &b->gte, &b->lt, &b->lte, &b->eq,
	    &b->neq };

	if (!slice_double(yaml_text(node, SLICE("")), bound[which]))
		return sigma_refuse(l->scope, node, "a bound is a number");
	*has[which] = true;
	l->correlation->bounds_given = true;
	return true;
}

static bool
read_condition_key(struct linker *l, const struct yaml_node *key,
    const struct yaml_node *node)
{
	static const char *const words[] = { "gt", "gte", "lt", "lte", "eq",
	    "neq", "field", "percentile" };
	int k = sigma_word(l->scope, key, "part of a condition", words, 8);

	if (k < 0)
		return false;
	if (k < 6)
		return read_bound(l, k, node);
	if (k == 6) {
		l->value_field = node;
		if (node->kind == YAML_SCALAR && node->text.len > 0)
			return true;
		return sigma_refuse(l->scope, node, "this version counts the "
		    "values of one field; name one");
	}
	if (slice_double(yaml_text(node, SLICE("")),
	    &l->correlation->percentile) && l->correlation->percentile >= 0 &&
	    l->correlation->percentile <= 100)
		return true;
	return sigma_refuse(l->scope, node,
	    "a percentile is a number from 0 to 100");
}

static bool
read_condition(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "condition");
	enum correlation_type type = l->correlation->type;
	bool temporal = type == CORRELATION_TEMPORAL ||
	    type == CORRELATION_TEMPORAL_ORDERED;
	bool good = true;

	l->correlation->percentile = 50;
	if (node != NULL && node->kind != YAML_MAP)
		return sigma_refuse(l->scope, node, "the condition of a "
		    "correlation is a map: {gte: 10}");
	for (size_t i = 0; node != NULL && i < node->n; i++)
		good = read_condition_key(l, node->keys[i], node->items[i]) &&
		    good;
	if (!good)
		return false;
	if (!temporal && !l->correlation->bounds_given)
		return sigma_refuse(l->scope, node != NULL ? node
		    : l->draft->body, "the correlation needs a bound: "
		    "\"condition: {gte: 10}\"");
	if (is_value_type(type) && l->value_field == NULL)
		return sigma_refuse(l->scope, node, "%s needs a field: "
		    "\"condition: {field: user.name, gte: 10}\"",
		    type_words[type]);
	return true;
}

static bool
read_generate(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "generate");

	if (node == NULL)
		node = yaml_get(l->draft->root, "generate");
	if (node == NULL || yaml_bool(node, &l->draft->generate))
		return true;
	return sigma_refuse(l->scope, node, "generate takes true or false");
}

static bool
read_group(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "group-by");
	struct group_column *columns;
	size_t n = members(node);

	if (n > GROUP_FIELDS)
		return sigma_refuse(l->scope, node, "more than %d group-by "
		    "fields", GROUP_FIELDS);
	columns = arena_zalloc(l->scope->arena, (n + 1) * sizeof(*columns));
	for (size_t i = 0; i < n; i++) {
		columns[i].name = arena_dup(l->scope->arena,
		    yaml_text(member(node, i), SLICE("")));
		if (columns[i].name.len == 0)
			return sigma_refuse(l->scope, member(node, i),
			    "a group-by field is a name");
	}
	l->correlation->ngroup = n;
	l->correlation->group = columns;
	return true;
}

static bool
names_rule(const struct draft *draft, struct slice word)
{
	return slice_eq(word, draft->rule->id) ||
	    slice_eq(word, draft->rule->name);
}

/* aliases: {name: {rule: field}}; every rule must be one that is referred
 * to, every alias must be used. */
static bool
read_alias(struct linker *l, const struct yaml_node *map)
{
	bool good = true;

	if (map->kind != YAML_MAP)
		return sigma_refuse(l->scope, map,
		    "an alias is a map of rule to field");
	for (size_t i = 0; i < map->n; i++) {
		struct slice word = yaml_text(map->keys[i], SLICE(""));
		bool found = false;

		for (size_t k = 0; k < l->correlation->nrefer; k++)
			found = found || names_rule(l->draft->refer[k], word);
		if (!found)
			good = sigma_refuse(l->scope, map->keys[i], "the "
			    "correlation does not refer to \"%.*s\"",
			    (int)word.len, word.ptr);
	}
	return good;
}

static bool
read_aliases(struct linker *l)
{
	const struct yaml_node *node = yaml_get(l->draft->body, "aliases");
	bool good = true;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return sigma_refuse(l->scope, node,
		    "aliases: {name: {rule: field}}");
	for (size_t i = 0; i < node->n; i++)
		good = read_alias(l, node->items[i]) && good;
	l->draft->aliases = node;
	return good;
}

bool
sigma_link_correlation(const struct sigma_scope *scope, struct draft *draft,
    sigma_find *find, void *context)
{
	struct linker l = { .scope = scope, .draft = draft, .find = find,
	    .context = context };
	bool good = true;

	l.correlation = arena_zalloc(scope->arena, sizeof(*l.correlation));
	draft->correlation = l.correlation;
	draft->rule->correlation = l.correlation;
	if (draft->body->kind != YAML_MAP)
		return sigma_refuse(scope, draft->body,
		    "correlation: holds a map");
	for (size_t i = 0; i < draft->body->n; i++)
		good = sigma_word(l.scope, draft->body->keys[i],
		    "part of a correlation", key_words, KEYS) >= 0 && good;
	if (!read_type(&l)) {
		/* Stands in: the type that asks for least. */
		l.correlation->type = CORRELATION_TEMPORAL;
		good = false;
	}
	good = read_timespan(&l) && good;
	good = read_condition(&l) && good;
	good = read_generate(&l) && good;
	good = read_group(&l) && good;
	return read_rules(&l) && read_aliases(&l) && good &&
	    extension_read_speed(scope, draft) &&
	    extension_read_absent(scope, draft) &&
	    extension_read_bind(scope, draft);
}

/* --- fields -------------------------------------------------------------- */

/* A firing of an inner correlation carries the fields of the event that
 * completed it: the log source is that of its first detection. */
static const struct logsource *
leaf_logsource(const struct draft *draft)
{
	for (int i = 0; i < CHAIN_LIMIT && draft->kind == DRAFT_CORRELATION &&
	    draft->correlation != NULL && draft->correlation->nrefer > 0; i++)
		draft = draft->refer[0];
	return &draft->rule->logsource;
}

/* The field that an alias stands for in this rule, else the name itself. */
static struct slice
aliased(const struct draft *draft, const struct draft *rule,
    struct slice name)
{
	const struct yaml_node *aliases = draft->aliases;

	for (size_t i = 0; aliases != NULL && i < aliases->n; i++) {
		const struct yaml_node *map = aliases->items[i];

		if (!slice_eq(yaml_text(aliases->keys[i], SLICE("")), name))
			continue;
		for (size_t k = 0; k < map->n; k++)
			if (names_rule(rule, yaml_text(map->keys[k],
			    SLICE(""))))
				return yaml_text(map->items[k], name);
	}
	return name;
}

/* Adds the places of a field, each once, and ends the list. */
static size_t
add_places(const struct sigma_scope *scope, const struct draft *rule,
    struct slice name, field_t *out, size_t n)
{
	field_t fields[PRED_FIELDS];
	size_t nfields = mapping_resolve(scope->mapping,
	    leaf_logsource(rule), name, fields);

	for (size_t i = 0; i < nfields; i++) {
		size_t k = 0;

		while (k < n && out[k] != fields[i])
			k++;
		if (k == n)
			out[n++] = fields[i];
	}
	out[n] = FIELD_NONE;
	return n;
}

void
sigma_resolve_correlation(const struct sigma_scope *scope,
    struct draft *draft)
{
	struct correlation *c = draft->correlation;
	const struct yaml_node *condition = yaml_get(draft->body, "condition");
	struct slice value = yaml_text(yaml_get(condition, "field"),
	    SLICE(""));
	field_t *values = arena_alloc(scope->arena, (c->nrefer * PRED_FIELDS +
	    1) * sizeof(*values));
	size_t n = 0;

	for (size_t i = 0; i < c->ngroup; i++) {
		struct group_column *column =
		    (struct group_column *)(uintptr_t)&c->group[i];
		const field_t **fields = arena_alloc(scope->arena,
		    c->nrefer * sizeof(*fields));

		for (size_t k = 0; k < c->nrefer; k++) {
			field_t *places = arena_alloc(scope->arena,
			    (PRED_FIELDS + 1) * sizeof(*places));

			add_places(scope, draft->refer[k], aliased(draft,
			    draft->refer[k], column->name), places, 0);
			fields[k] = places;
		}
		column->fields = fields;
	}
	values[0] = FIELD_NONE;
	for (size_t k = 0; value.len > 0 && k < c->nrefer; k++)
		n = add_places(scope, draft->refer[k], value, values, n);
	c->value_fields = values;
}
