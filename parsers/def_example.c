/* Example lines and what they have to give. */
#include "parsers/def_read.h"

#include "engine/timeparse.h"

#define EXAMPLE_NOW "2026-11-21T00:00:00Z"

static void
read_expect(struct loader *l, struct example *example,
    const struct yaml_node *node)
{
	struct example_field *fields;

	if (!def_want_map(l, node, "expect"))
		return;
	fields = def_room(l, node->n, sizeof(*fields));
	for (size_t i = 0; i < node->n; i++) {
		struct example_field *field = &fields[i];
		struct words values;

		field->name = def_keep(l, node->keys[i]->text);
		field->line = node->keys[i]->line;
		field->column = node->keys[i]->column;
		if (yaml_is_null(node->items[i])) {
			field->absent = true;
			continue;
		}
		values = def_read_words(l, node->items[i], false);
		field->values = values.at;
		field->n = values.n;
	}
	example->expect = fields;
	example->nexpect = node->n;
}

void
def_read_examples(struct loader *l)
{
	static const char *const known[] = { "line", "header", "now", "zone",
	    "expect", "note", NULL };
	const struct yaml_node *node =
	    yaml_get(l->chain[0]->root, "examples");
	struct example *examples;

	l->file = l->chain[0]->file;
	if (node == NULL)
		return;
	if (node->kind != YAML_LIST) {
		def_complain(l, node, "examples must be a list");
		return;
	}
	examples = def_room(l, node->n, sizeof(*examples));
	for (size_t i = 0; i < node->n; i++) {
		const struct yaml_node *item = node->items[i];
		struct slice now = def_text_at(item, "now");

		if (!def_want_map(l, item, "an example"))
			continue;
		def_check_keys(l, item, known, "an example");
		examples[i].line_number = item->line;
		examples[i].line = def_keep(l, def_text_at(item, "line"));
		if (slice_ends(examples[i].line, SLICE("\n")))
			examples[i].line.len--;
		if (examples[i].line.len == 0)
			def_complain(l, item, "an example needs a line");
		if (yaml_get(item, "header") != NULL)
			examples[i].header = def_read_words(l, yaml_get(item,
			    "header"), false);
		examples[i].zone = def_keep(l, def_text_at(item, "zone"));
		if (now.len == 0)
			now = SLICE(EXAMPLE_NOW);
		if (!time_parse_rfc3339(now, &examples[i].now_ns))
			def_complain(l, yaml_get(item, "now"),
			    "now must be a time as in RFC 3339");
		if (yaml_get(item, "expect") != NULL)
			read_expect(l, &examples[i],
			    yaml_get(item, "expect"));
	}
	l->def->examples = examples;
	l->def->nexamples = node->n;
}
