#include "correlation/extension.h"

#include "engine/arena.h"
#include "engine/strbuf.h"
#include "engine/yaml.h"

#define SPEED_KMH 900		/* of an airliner */
#define SPEED_LEAST_KM 100	/* databases are that wrong about a place */

static bool
knows_keys(const struct sigma_scope *scope, const struct yaml_node *node,
    const char *what, const char *const *words, size_t n)
{
	bool good = true;

	for (size_t i = 0; i < node->n; i++) {
		struct slice word = yaml_text(node->keys[i], SLICE(""));
		char hint[64];
		size_t k = 0;

		while (k < n && !slice_eq(word, slice_cstr(words[k])))
			k++;
		if (k < n)
			continue;
		good = sigma_refuse(scope, node->keys[i],
		    "unknown key of %s \"%.*s\"%s", what, (int)word.len,
		    word.ptr, sigma_hint(hint, sizeof(hint), word, words, n));
	}
	return good;
}

static bool
read_positive(const struct sigma_scope *scope, const struct yaml_node *node,
    double *out)
{
	if (node == NULL)
		return true;
	if (slice_double(yaml_text(node, SLICE("")), out) && *out > 0 &&
	    *out <= 1e9)
		return true;
	return sigma_refuse(scope, node, "a number above 0 is wanted");
}

static field_t
part_of(struct slice field, const char *part)
{
	struct strbuf name = STRBUF_INIT;
	field_t out;

	strbuf_put(&name, field);
	strbuf_puts(&name, part);
	out = field_intern(strbuf_slice(&name));
	strbuf_fini(&name);
	return out;
}

bool
extension_read_speed(const struct sigma_scope *scope, struct draft *draft)
{
	static const char *const words[] = { "kmh", "least_km", "field" };
	const struct yaml_node *node = yaml_get(yaml_get(draft->root,
	    "yagura"), "speed");
	struct correlation *c = draft->correlation;
	struct slice field;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP)
		return sigma_refuse(scope, node, "speed holds kmh, least_km "
		    "and field: {kmh: 900}");
	if (c->type != CORRELATION_VALUE_COUNT)
		return sigma_refuse(scope, node,
		    "speed belongs to a correlation of type value_count");
	if (!knows_keys(scope, node, "speed", words, 3))
		return false;
	c->speed_kmh = SPEED_KMH;
	c->speed_least_km = SPEED_LEAST_KM;
	if (!read_positive(scope, yaml_get(node, "kmh"), &c->speed_kmh) ||
	    !read_positive(scope, yaml_get(node, "least_km"),
	    &c->speed_least_km))
		return false;
	field = yaml_text(yaml_get(node, "field"),
	    SLICE("source.geo.location"));
	c->speed_lat = part_of(field, ".lat");
	c->speed_lon = part_of(field, ".lon");
	if (field.len == 0 || c->speed_lat == FIELD_NONE ||
	    c->speed_lon == FIELD_NONE)
		return sigma_refuse(scope, yaml_get(node, "field"),
		    "this is no field name");
	c->type = CORRELATION_SPEED;
	return true;
}

static const struct yaml_node *
absent_node(const struct draft *draft)
{
	return yaml_get(yaml_get(draft->root, "yagura"), "absent");
}

const struct yaml_node *
extension_absent_rules(const struct draft *draft)
{
	return yaml_get(absent_node(draft), "rules");
}

bool
extension_read_absent(const struct sigma_scope *scope, struct draft *draft)
{
	static const char *const words[] = { "rules" };
	const struct yaml_node *node = absent_node(draft);
	struct correlation *c = draft->correlation;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP || c->nabsent == 0)
		return sigma_refuse(scope, node, "absent names the rules that "
		    "should follow: {rules: [name]}");
	if (!knows_keys(scope, node, "absent", words, 1))
		return false;
	if (c->type != CORRELATION_EVENT_COUNT || !c->bounds.has_gte ||
	    c->bounds.gte != 1)
		return sigma_refuse(scope, node, "absent belongs to a "
		    "correlation of type event_count with the condition "
		    "{gte: 1}");
	c->type = CORRELATION_ABSENT;
	return true;
}

/* --- bind ------------------------------------------------------------------- */
#define BIND_FOR_NS (INT64_C(86400) * 1000000000)
#define BIND_FIELDS 4		/* of a key */

static const char *const bind_words[] = { "rules", "from", "to", "read",
	"for", "lease", "until" };
#define BIND_WORDS 7

static const struct yaml_node *
bind_node(const struct draft *draft)
{
	return yaml_get(yaml_get(draft->root, "yagura"), "bind");
}

static size_t
names(const struct yaml_node *node)
{
	if (node == NULL || node->kind == YAML_MAP)
		return 0;
	return node->kind == YAML_LIST ? node->n : 1;
}

size_t
extension_bind_lists(const struct draft *draft)
{
	const struct yaml_node *node = bind_node(draft);

	if (node == NULL || node->kind != YAML_MAP ||
	    node->n > EXTENSION_BINDS)
		return 0;
	return 2 * node->n;
}

size_t
extension_bind_rules(const struct draft *draft,
    const struct yaml_node **lists)
{
	const struct yaml_node *node = bind_node(draft);
	size_t n = extension_bind_lists(draft), count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *list = yaml_get(node->items[i / 2],
		    i % 2 == 0 ? "rules" : "until");

		count += names(list);
		if (lists != NULL)
			lists[i] = names(list) > 0 ? list : NULL;
	}
	return count;
}

static bool
read_field(const struct sigma_scope *scope, const struct yaml_node *node,
    field_t *out)
{
	struct slice name = yaml_text(node, SLICE(""));

	*out = name.len > 0 ? field_intern(name) : FIELD_NONE;
	return *out != FIELD_NONE ||
	    sigma_refuse(scope, node, "this is no field name");
}

/* One field, or a list of them; ended by FIELD_NONE. */
static const field_t *
read_fields(const struct sigma_scope *scope, const struct yaml_node *node)
{
	size_t n = names(node);
	field_t *out = arena_alloc(scope->arena, (n + 1) * sizeof(*out));

	if (n == 0 || n > BIND_FIELDS)
		return sigma_refuse(scope, node, "one field is wanted, or a "
		    "list of at most %d", BIND_FIELDS);
	for (size_t i = 0; i < n; i++)
		if (!read_field(scope, node->kind == YAML_LIST ?
		    node->items[i] : node, &out[i]))
			return NULL;
	out[n] = FIELD_NONE;
	return out;
}

static bool
find_column(const struct sigma_scope *scope, const struct correlation *c,
    const struct yaml_node *key, size_t *out)
{
	for (size_t i = 0; i < c->ngroup; i++)
		if (slice_eq(c->group[i].name, yaml_text(key, SLICE("")))) {
			*out = i;
			return true;
		}
	return sigma_refuse(scope, key, "the correlation does not group by "
	    "this");
}

static bool
read_bind(const struct sigma_scope *scope, const struct correlation *c,
    const struct yaml_node *key, const struct yaml_node *node,
    struct bind_rule *bind)
{
	const struct yaml_node *span = yaml_get(node, "for");
	const struct yaml_node *read = yaml_get(node, "read");

	if (node->kind != YAML_MAP || names(yaml_get(node, "rules")) == 0 ||
	    yaml_get(node, "from") == NULL || yaml_get(node, "to") == NULL)
		return sigma_refuse(scope, node, "what is bound is said by "
		    "{rules: [name], from: field, to: field}");
	if (!knows_keys(scope, node, "bind", bind_words, BIND_WORDS) ||
	    !find_column(scope, c, key, &bind->column) ||
	    !read_field(scope, yaml_get(node, "to"), &bind->to))
		return false;
	bind->lease = FIELD_NONE;
	if (yaml_get(node, "lease") != NULL &&
	    !read_field(scope, yaml_get(node, "lease"), &bind->lease))
		return false;
	bind->for_ns = BIND_FOR_NS;
	if (span != NULL && !sigma_read_span(yaml_text(span, SLICE("")),
	    &bind->for_ns))
		return sigma_refuse(scope, span, "this is no timespan: a "
		    "number and s, m, h, d or w");
	bind->from = read_fields(scope, yaml_get(node, "from"));
	bind->read = read == NULL ? bind->from : read_fields(scope, read);
	if (bind->from == NULL || bind->read == NULL)
		return false;
	bind->nlearn = names(yaml_get(node, "rules"));
	bind->nuntil = names(yaml_get(node, "until"));
	if (read != NULL && names(read) != names(yaml_get(node, "from")))
		return sigma_refuse(scope, read,
		    "read has as many fields as from");
	return true;
}

bool
extension_read_bind(const struct sigma_scope *scope, struct draft *draft)
{
	const struct yaml_node *node = bind_node(draft);
	struct correlation *c = draft->correlation;
	struct bind_rule *binds;
	size_t at = c->nrefer;
	bool good = true;

	if (node == NULL)
		return true;
	if (node->kind != YAML_MAP || node->n == 0 ||
	    node->n > EXTENSION_BINDS)
		return sigma_refuse(scope, node, "bind has 1 to %d group-by "
		    "names, each a map: {host.name: {rules: [lease], from: "
		    "source.ip, to: host.name}}", EXTENSION_BINDS);
	binds = arena_zalloc(scope->arena, node->n * sizeof(*binds));
	for (size_t i = 0; i < node->n; i++) {
		good = read_bind(scope, c, node->keys[i], node->items[i],
		    &binds[i]) && good;
		binds[i].first = at;
		at += binds[i].nlearn + binds[i].nuntil;
	}
	c->nbinds = node->n;
	c->binds = binds;
	return good;
}
