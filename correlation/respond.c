#include "correlation/respond.h"

#include "correlation/rule.h"
#include "correlation/sigma.h"
#include "correlation/sigma_rule.h"
#include "engine/arena.h"
#include "engine/field.h"
#include "engine/yaml.h"

static const char *const names[RESPOND_ACTIONS] = {
#define RESPOND(name, help) #name,
#include "correlation/respond.def"
#undef RESPOND
};

const char *
respond_name(enum respond_action action)
{
	return names[action];
}

enum { KEY_ACTION, KEY_TARGET, KEY_FOR, KEYS };

static struct slice
keep(const struct sigma_scope *scope, const struct yaml_node *node)
{
	return arena_dup(scope->arena, slice_trim(yaml_text(node,
	    SLICE(""))));
}

/* What is empty, or too long for a name, is no field. */
static bool
read_target(const struct sigma_scope *scope, const struct yaml_node *node,
    struct response *out)
{
	out->target = keep(scope, node);
	if (out->target.len > 0 && out->target.len <= FIELD_NAME_BYTES)
		return true;
	return sigma_refuse(scope, node, "target is a field or a name of "
	    "group-by whose value the action is done to");
}

static bool
read_span(const struct sigma_scope *scope, const struct yaml_node *node,
    struct response *out)
{
	int64_t ns;

	out->span = keep(scope, node);
	if (sigma_read_span(out->span, &ns))
		return true;
	return sigma_refuse(scope, node,
	    "for takes a timespan such as 30m or 1d");
}

static bool
read_one(const struct sigma_scope *scope, const struct yaml_node *node,
    struct response *out)
{
	static const char *const keys[KEYS] = { "action", "target", "for" };
	int action = -1;
	bool good = true;

	if (node->kind != YAML_MAP)
		return sigma_refuse(scope, node, "a response is a map: "
		    "{action: block_ip, target: source.ip, for: 1d}");
	for (size_t i = 0; i < node->n; i++) {
		int key = sigma_word(scope, node->keys[i], "key of a response",
		    keys, KEYS);

		if (key == KEY_ACTION) {
			action = sigma_word(scope, node->items[i], "action",
			    names, RESPOND_ACTIONS);
			good = action >= 0 && good;
		} else if (key == KEY_TARGET) {
			good = read_target(scope, node->items[i], out) &&
			    good;
		} else {
			good = key == KEY_FOR &&
			    read_span(scope, node->items[i], out) && good;
		}
	}
	if (good && action < 0)
		return sigma_refuse(scope, node,
		    "a response without an action");
	out->action = action >= 0 ? (enum respond_action)action : 0;
	return good;
}

bool
respond_read(const struct sigma_scope *scope, const struct yaml_node *node,
    struct rule *rule)
{
	size_t n = node->kind == YAML_LIST ? node->n : 1;
	struct response *all;
	bool good = true;

	if (n == 0 || n > RESPONSES)
		return sigma_refuse(scope, node,
		    "respond holds 1 to %d responses", RESPONSES);
	all = arena_zalloc(scope->arena, n * sizeof(*all));
	for (size_t i = 0; i < n; i++)
		good = read_one(scope, node->kind == YAML_LIST ?
		    node->items[i] : node, &all[i]) && good;
	rule->responses = all;
	rule->nresponses = n;
	return good;
}
