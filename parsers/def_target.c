/* Value tables, and what happens to a value between its key and its field. */
#include "parsers/def_read.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "parsers/timetext.h"

/* --- tables -------------------------------------------------------------- */
struct value
def_read_value(struct loader *l, const struct yaml_node *node)
{
	struct value *items;

	if (node->kind == YAML_LIST) {
		items = def_room(l, node->n, sizeof(*items));
		for (size_t i = 0; i < node->n; i++) {
			if (!def_is_text(node->items[i]))
				def_complain(l, node->items[i],
				    "a text is wanted here");
			items[i] = value_text(def_keep(l, yaml_text(
			    node->items[i], slice_of("", 0))),
			    TRANSFORM_OWNED);
		}
		return value_list(items, node->n);
	}
	if (node->kind == YAML_MAP)
		def_complain(l, node, "a text or a list is wanted here");
	return value_text(def_keep(l, yaml_text(node, slice_of("", 0))),
	    TRANSFORM_OWNED);
}

static int
longer_first(const void *a, const void *b)
{
	const struct table_row *x = a, *y = b;

	return x->from.len < y->from.len ? 1 : x->from.len > y->from.len
	    ? -1 : 0;
}

static const struct table *
read_table(struct loader *l, const struct yaml_node *node)
{
	struct table *table = def_room(l, 1, sizeof(*table));
	struct table_row *exact = def_room(l, node->n, sizeof(*exact));
	struct table_row *starts = def_room(l, node->n, sizeof(*starts));

	for (size_t i = 0; i < node->n; i++) {
		struct slice from = yaml_text(node->keys[i],
		    slice_of("", 0));
		const struct yaml_node *to = node->items[i];

		if (slice_eq(from, SLICE("*"))) {
			table->has_other = true;
			table->same = def_is_text(to) &&
			    slice_eq(to->text, SLICE("*"));
			table->other = def_read_value(l, to);
		} else if (slice_ends(from, SLICE("*"))) {
			starts[table->nstarts].from = def_keep_lower(l,
			    slice_head(from, from.len - 1));
			starts[table->nstarts++].to = def_read_value(l, to);
		} else {
			exact[table->nexact].from = def_keep_lower(l, from);
			exact[table->nexact++].to = def_read_value(l, to);
		}
	}
	qsort(starts, table->nstarts, sizeof(*starts), longer_first);
	table->exact = exact;
	table->starts = starts;
	if (table->nexact > DEF_MANY) {
		struct map *index = map_new_borrowing();

		for (size_t i = 0; i < table->nexact; i++)
			map_get(index, exact[i].from, NULL)->num = i;
		def_own_map(l, index);
		table->index = index;
	}
	return table;
}

void
def_read_tables(struct loader *l)
{
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "tables");

		l->file = l->chain[c]->file;
		if (node == NULL || !def_want_map(l, node, "tables"))
			continue;
		for (size_t i = 0; i < node->n; i++) {
			union map_value *place;
			bool made;

			if (!def_want_map(l, node->items[i], "a table"))
				continue;
			place = map_get(l->tables, node->keys[i]->text,
			    &made);
			if (made) {
				union { const struct table *in; void *out; }
				    table = { .in = read_table(l,
				    node->items[i]) };

				place->ptr = table.out;
			}
		}
	}
}

static const struct table *
find_table(struct loader *l, const struct yaml_node *node)
{
	const union map_value *value;
	struct slice key;
	union map_value each;
	const char *names[64];
	size_t n = 0, at = 0;
	const char *near;

	if (node->kind == YAML_MAP)
		return read_table(l, node);
	if (!def_is_text(node)) {
		def_complain(l, node, "a table or its name is wanted here");
		return NULL;
	}
	value = map_find(l->tables, node->text);
	if (value != NULL)
		return value->ptr;
	while (n < 64 && map_next(l->tables, &at, &key, &each))
		names[n++] = arena_cstr(l->arena, key);
	near = diag_nearest(node->text, names, n);
	def_complain(l, node, "there is no table \"%.*s\"%s%s%s",
	    (int)node->text.len, node->text.ptr, near != NULL ? " (" : "",
	    near != NULL ? near : "", near != NULL ? "?)" : "");
	return NULL;
}

/* --- targets ------------------------------------------------------------- */
static const char *const split_names[] = { "", "user", "endpoint", "url",
    "hashes", "path", "email", "list" };
static const char *const take_names[] = { "", "basename", "dirname",
    "extension", "first_word", "labels", "before", "after", "before_last",
    "after_last" };
static const char *const type_names[] = { "", "text", "long", "double", "ip",
    "time", "bool" };
static const char *const split_parts[][TARGET_PARTS] = {
	[SPLIT_USER] = { "domain", "name" },
	[SPLIT_ENDPOINT] = { "address", "ip", "domain", "port" },
	[SPLIT_URL] = { "original", "full", "scheme", "domain", "port",
	    "path", "query", "fragment", "username" },
	[SPLIT_HASHES] = { "md5", "sha1", "sha256", "imphash" },
	[SPLIT_PATH] = { "path", "name", "directory", "extension" },
	[SPLIT_EMAIL] = { "address", "local_part", "domain" },
	[SPLIT_LIST] = { NULL },
};

/* The place of a word in a list of names; 0 if it is not given or wrong. */
static unsigned
choice(struct loader *l, const struct yaml_node *map, const char *key,
    const char *const *names, size_t n)
{
	const struct yaml_node *node = yaml_get(map, key);
	const char *near;

	if (node == NULL)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if (def_is_text(node) && slice_eq(node->text,
		    slice_cstr(names[i])))
			return i;
	near = def_is_text(node) ? diag_nearest(node->text, names + 1, n - 1)
	    : NULL;
	def_complain(l, node, "unknown %s \"%.*s\"%s%s%s", key,
	    def_is_text(node) ? (int)node->text.len : 0,
	    def_is_text(node) ? node->text.ptr : "", near != NULL ? " (" : "",
	    near != NULL ? near : "", near != NULL ? "?)" : "");
	return 0;
}

void
def_target_fields(struct loader *l, struct target *t,
    const struct yaml_node *node, struct slice to)
{
	static const char *const ends[] = { "ip" };

	(void)ends;
	if (t->split != SPLIT_NO && t->split != SPLIT_LIST) {
		for (size_t i = 0; i < TARGET_PARTS &&
		    split_parts[t->split][i] != NULL; i++)
			t->field[i] = def_field_part(l, node, to,
			    split_parts[t->split][i]);
		return;
	}
	t->field[0] = def_field_at(l, node, to);
	if (!t->typed && t->field[0] != FIELD_NONE)
		t->type = (uint8_t)field_type(t->field[0]);
	if (slice_ends(to, SLICE(".ip")) && t->type == VALUE_IP)
		t->domain = def_field_part(l, node, slice_head(to, to.len - 3),
		    "domain");
}

struct target
def_target_blank(void)
{
	struct target t = { .type = VALUE_TEXT, .domain = FIELD_NONE,
	    .vendor = FIELD_NONE };

	for (size_t i = 0; i < TARGET_PARTS; i++)
		t.field[i] = FIELD_NONE;
	return t;
}

static void
target_options(struct loader *l, struct target *t,
    const struct yaml_node *node)
{
	static const char *const known[] = { "to", "table", "lower", "upper",
	    "trim", "take", "by", "split", "type", "format", "times", "hex",
	    "skip", "keep", "decode", "pair", "prefix", "add", "force",
	    NULL };
	static const uint8_t types[] = { VALUE_TEXT, VALUE_TEXT, VALUE_LONG,
	    VALUE_DOUBLE, VALUE_IP, VALUE_TIME, VALUE_BOOL };
	const struct yaml_node *sub;
	const char *wrong;
	unsigned type;

	def_check_keys(l, node, known, "a target");
	t->split = (uint8_t)choice(l, node, "split", split_names, 8);
	t->take = (uint8_t)choice(l, node, "take", take_names, 10);
	type = choice(l, node, "type", type_names, 7);
	t->typed = type > 0;
	t->type = types[type];
	t->lower = def_read_flag(l, node, "lower", false);
	t->upper = def_read_flag(l, node, "upper", false);
	t->trim = def_read_flag(l, node, "trim", false);
	t->hex = def_read_flag(l, node, "hex", false);
	t->add = def_read_flag(l, node, "add", false);
	t->force = def_read_flag(l, node, "force", false);
	t->keep = def_read_flag(l, node, "keep", false);
	t->by = def_keep(l, def_text_at(node, "by"));
	if (t->by.len == 0 && t->split == SPLIT_LIST)
		t->by = SLICE(",");
	if (t->by.len == 0 && t->take >= TAKE_BEFORE)
		def_complain(l, node, "take: %s needs `by`",
		    take_names[t->take]);
	t->format = def_keep(l, def_text_at(node, "format"));
	if (slice_eq(t->format, SLICE("auto")))
		t->format = slice_of("", 0);
	wrong = timetext_check_format(t->format);
	if (wrong != NULL)
		def_complain(
		    l, yaml_get(node, "format"), "the format %s", wrong);
	sub = yaml_get(node, "times");
	if (sub != NULL && (!def_is_text(sub) ||
	    !slice_double(sub->text, &t->times)))
		def_complain(l, sub, "times must be a number");
	sub = yaml_get(node, "table");
	if (sub != NULL)
		t->table = find_table(l, sub);
	sub = yaml_get(node, "skip");
	if (sub != NULL)
		t->skip = def_read_words(l, sub, false);
	sub = yaml_get(node, "decode");
	if (sub != NULL) {
		t->decode = def_read_decoder(l, sub);
		if (t->decode->kind == DECODER_TEMPLATE)
			def_complain(l, sub, "a value is decoded by json, kv, "
			    "cef, leef, csv or regex");
	}
	sub = yaml_get(node, "pair");
	if (sub != NULL && !def_is_text(sub)) {
		def_complain(l, sub, "pair must be the key of the values");
	} else if (sub != NULL) {
		t->pair = def_slot_of(l, sub->text);
		t->paired = true;
	}
	t->decode_own_name = yaml_get(node, "prefix") == NULL;
	t->decode_prefix = def_keep(l, def_text_at(node, "prefix"));
}

/* Appends the targets that one node stands for; answers how many. */
static size_t
read_target(struct loader *l, const struct yaml_node *node,
    struct target *out, size_t cap)
{
	struct target t = def_target_blank();
	const struct yaml_node *to;
	size_t n = 0;

	if (cap == 0) {
		def_complain(l, node, "more than 64 targets for one key");
		return 0;
	}
	if (yaml_is_null(node)) {
		t.drop = true;
		*out = t;
		return 1;
	}
	if (def_is_text(node)) {
		def_target_fields(l, &t, node, node->text);
		*out = t;
		return 1;
	}
	if (node->kind == YAML_LIST) {
		for (size_t i = 0; i < node->n; i++)
			n += read_target(l, node->items[i], out + n, cap - n);
		return n;
	}
	target_options(l, &t, node);
	to = yaml_get(node, "to");
	if (to == NULL || yaml_is_null(to)) {
		if (t.decode == NULL && !t.paired && !t.keep)
			def_complain(l, node,
			    "a target needs `to`, `decode` or "
			    "`pair`");
		*out = t;
		return 1;
	}
	if (def_is_text(to)) {
		def_target_fields(l, &t, to, to->text);
		*out = t;
		return 1;
	}
	if (to->kind != YAML_LIST) {
		def_complain(l, to, "`to` is a field or a list of fields");
		return 0;
	}
	for (size_t i = 0; i < to->n && n < cap; i++) {
		struct target each = t;

		if (!def_is_text(to->items[i])) {
			def_complain(l, to->items[i], "a field is wanted here");
			continue;
		}
		def_target_fields(l, &each, to->items[i], to->items[i]->text);
		out[n++] = each;
	}
	return n;
}

/* Most targets only name a field, and take a shorter way. */
bool
def_is_plain(const struct target *t)
{
	return t->split == SPLIT_NO && t->take == TAKE_ALL && !t->lower &&
	    !t->upper && !t->trim && !t->hex && !t->add && !t->force &&
	    !t->drop && t->times == 0 && t->table == NULL &&
	    t->decode == NULL && !t->paired && t->type != VALUE_TIME &&
	    t->field[0] != FIELD_NONE && t->field[0] != FIELD_TIMESTAMP;
}

#define TARGETS 64
static struct keymap
read_keymap(struct loader *l, slot_t slot, const struct yaml_node *node)
{
	struct target at[TARGETS], *kept;
	size_t n = read_target(l, node, at, TARGETS);
	struct slice name = l->slot_names[slot];
	field_t vendor = FIELD_NONE;

	if (l->def->keep_unmapped)
		vendor = l->def->prefix.len > 0 ? def_field_part(l, node,
		    l->def->prefix, arena_cstr(l->arena, name))
		    : field_find(name);
	kept = def_room(l, n, sizeof(*kept));
	for (size_t i = 0; i < n; i++) {
		kept[i] = at[i];
		kept[i].vendor = vendor;
		kept[i].plain = def_is_plain(&kept[i]);
	}
	return (struct keymap){ slot, kept, n };
}

void
def_read_keys(struct loader *l)
{
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "keys");

		l->file = l->chain[c]->file;
		if (node == NULL || !def_want_map(l, node, "keys"))
			continue;
		for (size_t i = 0; i < node->n; i++) {
			slot_t slot = def_slot_of(l, node->keys[i]->text);

			if (slot == SLOT_NONE) {
				def_complain(l, node->keys[i],
				    "more than 4096 keys");
				return;
			}
			if (l->slot_targets[slot].n == 0)
				l->slot_targets[slot] = read_keymap(l, slot,
				    node->items[i]);
		}
	}
}

const struct keymap *
def_read_block_keys(struct loader *l, const struct yaml_node *node, size_t *n)
{
	struct keymap *keys;

	*n = 0;
	if (node == NULL || !def_want_map(l, node, "keys"))
		return NULL;
	keys = def_room(l, node->n, sizeof(*keys));
	for (size_t i = 0; i < node->n; i++) {
		slot_t slot = def_slot_of(l, node->keys[i]->text);

		if (slot == SLOT_NONE)
			def_complain(l, node->keys[i], "more than 4096 keys");
		else
			keys[(*n)++] = read_keymap(l, slot, node->items[i]);
	}
	return keys;
}
