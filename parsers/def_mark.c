/* How a line of the definition is recognised, and how its keys are renamed. */
#include "parsers/def_read.h"

#include <stdlib.h>

#define PRIORITY 50

static void
read_vendor(struct loader *l, struct marks *marks,
    const struct yaml_node *node)
{
	static const char *const known[] = { "vendor", "product", NULL };

	if (!def_want_map(l, node, "cef"))
		return;
	def_check_keys(l, node, known, "cef and leef");
	if (yaml_get(node, "vendor") != NULL)
		marks->vendor = def_read_words(
		    l, yaml_get(node, "vendor"), true);
	if (yaml_get(node, "product") != NULL)
		marks->product = def_read_words(l, yaml_get(node, "product"),
		    true);
}

static void
read_value_marks(struct loader *l, struct marks *marks,
    const struct yaml_node *node)
{
	struct value_mark *values;

	if (!def_want_map(l, node, "values"))
		return;
	values = def_room(l, node->n, sizeof(*values));
	for (size_t i = 0; i < node->n; i++) {
		values[i].key = def_keep(l, node->keys[i]->text);
		values[i].values = def_read_words(l, node->items[i], true);
	}
	marks->values = values;
	marks->nvalues = node->n;
}

static void
read_marks(struct loader *l, const struct yaml_node *node,
    struct marks *marks)
{
	static const char *const known[] = { "program", "contains", "starts",
	    "keys", "values", "cef", "leef", "header", "priority", "sure",
	    NULL };
	const struct yaml_node *sub;
	int64_t priority;
	size_t others;

	marks->priority = PRIORITY;
	if (!def_want_map(l, node, "match"))
		return;
	def_check_keys(l, node, known, "match");
	if ((sub = yaml_get(node, "program")) != NULL)
		marks->programs = def_read_words(l, sub, true);
	if ((sub = yaml_get(node, "contains")) != NULL)
		marks->contains = def_read_words(l, sub, false);
	if ((sub = yaml_get(node, "starts")) != NULL)
		marks->starts = def_read_words(l, sub, false);
	if ((sub = yaml_get(node, "keys")) != NULL)
		marks->keys = def_read_words(l, sub, false);
	if ((sub = yaml_get(node, "values")) != NULL)
		read_value_marks(l, marks, sub);
	if ((sub = yaml_get(node, "cef")) != NULL) {
		marks->cef = true;
		read_vendor(l, marks, sub);
	}
	if ((sub = yaml_get(node, "leef")) != NULL) {
		marks->leef = true;
		read_vendor(l, marks, sub);
	}
	if ((sub = yaml_get(node, "header")) != NULL)
		marks->header = def_read_words(l, sub, false);
	if ((sub = yaml_get(node, "priority")) != NULL) {
		if (!yaml_long(sub, &priority) || priority < 0 ||
		    priority > 100)
			def_complain(l, sub, "priority must be 0 to 100");
		else
			marks->priority = (int)priority;
	}
	marks->sure = def_read_flag(l, node, "sure", true);
	for (size_t i = 0; i < marks->contains.n; i++)
		if (marks->contains.at[i].len < 3)
			def_complain(l, yaml_get(node, "contains"),
			    "a mark has at least 3 bytes");
	others = marks->programs.n + marks->contains.n + marks->starts.n +
	    marks->keys.n + marks->nvalues + marks->cef + marks->leef;
	if (others + marks->header.n == 0)
		def_complain(l, node, "match without a mark takes no line");
	if (others > 0 && marks->header.n > 0)
		def_complain(l, yaml_get(node, "header"), "header stands in a "
		    "block of its own");
}

void
def_read_match(struct loader *l)
{
	const struct yaml_node *node = yaml_get(l->chain[0]->root, "match");
	size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
	struct marks *marks = def_room(l, n, sizeof(*marks));

	l->file = l->chain[0]->file;
	for (size_t i = 0; i < n; i++)
		read_marks(l, node->kind == YAML_LIST ? node->items[i]
		    : node, &marks[i]);
	l->def->marks = marks;
	l->def->nmarks = n;
}

static int
by_rule(const void *a, const void *b)
{
	const struct rename_rule *x = a, *y = b;

	if (x->star != y->star)
		return x->star - y->star;
	return x->from.len < y->from.len ? 1 : x->from.len > y->from.len
	    ? -1 : 0;
}

static void
read_rename(struct loader *l, const struct yaml_node *key,
    const struct yaml_node *node, struct rename_rule *rule)
{
	static const char *const known[] = { "to", "first", NULL };
	const struct yaml_node *to = node;
	struct slice first, from = key->text;

	rule->star = slice_ends(from, SLICE("*"));
	if (rule->star)
		from.len--;
	rule->from = def_keep(l, from);
	if (node->kind == YAML_MAP) {
		def_check_keys(l, node, known, "rename");
		first = def_text_at(node, "first");
		if (slice_eq(first, SLICE("upper")))
			rule->first = 'u';
		else if (slice_eq(first, SLICE("lower")))
			rule->first = 'l';
		else if (first.len > 0)
			def_complain(l, yaml_get(node, "first"),
			    "first must be upper or lower");
		to = yaml_get(node, "to");
	}
	if (!def_is_text(to)) {
		def_complain(l, node, "rename needs the new name");
		return;
	}
	rule->to = to->text;
	if (rule->star && slice_ends(rule->to, SLICE("*")))
		rule->to.len--;
	else if (rule->star)
		def_complain(l, to, "the new name must end in * too");
	rule->to = def_keep(l, rule->to);
}

void
def_read_renames(struct loader *l)
{
	struct rename_rule *rules;
	size_t n = 0, k = 0;

	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "rename");

		n += node != NULL && node->kind == YAML_MAP ? node->n : 0;
	}
	rules = def_room(l, n, sizeof(*rules));
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "rename");

		l->file = l->chain[c]->file;
		if (node == NULL || !def_want_map(l, node, "rename"))
			continue;
		for (size_t i = 0; i < node->n; i++)
			read_rename(l, node->keys[i], node->items[i],
			    &rules[k++]);
	}
	qsort(rules, k, sizeof(*rules), by_rule);
	l->def->renames = rules;
	l->def->nrenames = k;
}
