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
