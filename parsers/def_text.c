/* What every section of a definition needs: texts, names, findings. */
#include "parsers/def_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/map.h"

void
def_complain(
    struct loader *l, const struct yaml_node *node, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(l->diag, l->file, node->line, node->column, "%s", text);
}

void *
def_room(struct loader *l, size_t count, size_t bytes)
{
	return arena_zalloc(l->arena, (count == 0 ? 1 : count) * bytes);
}

struct slice
def_keep(struct loader *l, struct slice s)
{
	return s.len == 0 ? slice_of("", 0) : arena_dup(l->arena, s);
}

struct slice
def_keep_lower(struct loader *l, struct slice s)
{
	char *out = arena_text(l->arena, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		out[i] = ascii_lower(s.ptr[i]);
	return slice_of(out, s.len);
}

bool
def_is_text(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_SCALAR;
}

struct slice
def_text_at(const struct yaml_node *node, const char *key)
{
	return yaml_text(yaml_get(node, key), slice_of("", 0));
}

/* A key that is not in the list gets a finding with the nearest right one. */
void
def_check_keys(struct loader *l, const struct yaml_node *map,
    const char *const *known, const char *what)
{
	size_t n = 0;

	while (known[n] != NULL)
		n++;
	for (size_t i = 0; i < map->n; i++) {
		struct slice key = yaml_text(map->keys[i], slice_of("", 0));
		const char *near;
		bool found = false;

		for (size_t k = 0; k < n && !found; k++)
			found = slice_eq(key, slice_cstr(known[k]));
		if (found)
			continue;
		near = diag_nearest(key, known, n);
		if (near != NULL)
			def_complain(l, map->keys[i], "unknown key \"%.*s\" in "
			    "%s (%s?)", (int)key.len, key.ptr, what, near);
		else
			def_complain(l, map->keys[i], "unknown key \"%.*s\" in "
			    "%s", (int)key.len, key.ptr, what);
	}
}

bool
def_want_map(struct loader *l, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_MAP)
		return true;
	def_complain(l, node, "%s must be a map", what);
	return false;
}

/* A text or a list of texts. */
struct words
def_read_words(struct loader *l, const struct yaml_node *node, bool lower)
{
	struct words words = { NULL, 0, 0 };
	struct slice *at;
	size_t n;

	if (node == NULL || node->kind == YAML_MAP) {
		if (node != NULL)
			def_complain(l, node, "a text or a list of texts is "
			    "wanted here");
		return words;
	}
	n = node->kind == YAML_LIST ? node->n : 1;
	at = def_room(l, n, sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST
		    ? node->items[i] : node;

		if (!def_is_text(item)) {
			def_complain(l, item, "a text is wanted here");
			continue;
		}
		at[words.n++] = lower ? def_keep_lower(l, item->text)
		    : def_keep(l, item->text);
		words.lengths |= UINT32_C(1) << (item->text.len < 31
		    ? item->text.len : 31);
	}
	words.at = at;
	return words;
}

bool
def_read_flag(struct loader *l, const struct yaml_node *map, const char *key,
    bool otherwise)
{
	const struct yaml_node *node = yaml_get(map, key);
	bool out = otherwise;

	if (node != NULL && !yaml_bool(node, &out))
		def_complain(l, node, "%s must be true or false", key);
	return out;
}

/* One byte, also written as \t. */
char
def_read_char(struct loader *l, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (node == NULL)
		return 0;
	if (def_is_text(node) && node->text.len == 1)
		return node->text.ptr[0];
	if (def_is_text(node) && (slice_eq(node->text, SLICE("\\t")) ||
	    slice_eq_nocase(node->text, SLICE("tab"))))
		return '\t';
	def_complain(l, node, "%s must be one character", key);
	return 0;
}

void
def_own_map(struct loader *l, struct map *map)
{
	struct def_owned *o = l->owned;

	o->maps = xrealloc(o->maps, (o->nmaps + 1) * sizeof(*o->maps));
	o->maps[o->nmaps++] = map;
}

slot_t
def_slot_of(struct loader *l, struct slice name)
{
	union map_value *value;
	bool made;

	if (l->nslots == DEF_SLOTS) {
		value = map_find(l->slots, name);
		return value == NULL ? SLOT_NONE : (slot_t)value->num;
	}
	value = map_get(l->slots, name, &made);
	if (made) {
		value->num = l->nslots;
		l->slot_names[l->nslots++] = def_keep(l, name);
	}
	return (slot_t)value->num;
}

field_t
def_field_at(struct loader *l, const struct yaml_node *node, struct slice name)
{
	field_t field = field_intern(name);

	if (field == FIELD_NONE)
		def_complain(l, node, "\"%.*s\" is no name for a field",
		    (int)name.len, name.ptr);
	return field;
}

field_t
def_field_part(struct loader *l, const struct yaml_node *node,
    struct slice head, const char *part)
{
	char name[FIELD_NAME_BYTES];
	int n = snprintf(name, sizeof(name), "%.*s%s%s", (int)head.len,
	    head.ptr, head.len > 0 ? "." : "", part);

	if (n < 0 || (size_t)n >= sizeof(name))
		return FIELD_NONE;
	return def_field_at(l, node, slice_of(name, (size_t)n));
}

/* What a definition or what it stands on says under a key, nearest first. */
const struct yaml_node *
def_section(struct loader *l, const char *key)
{
	for (size_t i = 0; i < l->nchain; i++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[i]->root, key);

		if (node != NULL) {
			l->file = l->chain[i]->file;
			return node;
		}
	}
	l->file = l->chain[0]->file;
	return NULL;
}
