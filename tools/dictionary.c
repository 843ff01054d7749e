#include "tools/dictionary.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/field.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/value.h"
#include "engine/yaml.h"

#define KEY_BYTES 128		/* longer keys mean nothing to anybody */
#define DEPTH 16		/* of a definition */

struct meaning {
	struct slice target;	/* as written */
	struct slice field;	/* the first field, with {split} the beginning */
	bool	 split;
	unsigned votes;
	struct meaning *next;
};

struct dictionary {
	struct arena *arena;
	struct map *keys;	/* simple name -> struct meaning, a list */
};

/* "Src_IP" and "srcip" are one. */
static struct slice
simple(struct slice key, char buf[KEY_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < key.len && n < KEY_BYTES; i++) {
		char c = ascii_lower(key.ptr[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buf[n++] = c;
	}
	return slice_of(buf, n);
}

static void
vote(struct dictionary *d, struct slice key, struct slice target,
    struct slice field, bool split)
{
	char buf[KEY_BYTES];
	union map_value *place;
	struct meaning *m;

	key = simple(key, buf);
	if (key.len == 0 || field.len == 0 || field.ptr[0] == '@' ||
	    (!split && field_find(field) >= FIELD_KNOWN))
		return;		/* times have a section of their own */
	place = map_get(d->keys, key, NULL);
	for (m = place->ptr; m != NULL; m = m->next)
		if (slice_eq(m->target, target)) {
			m->votes++;
			return;
		}
	m = arena_zalloc(d->arena, sizeof(*m));
	*m = (struct meaning){ arena_dup(d->arena, target),
	    arena_dup(d->arena, field), split, 1, place->ptr };
	place->ptr = m;
}

/* A map: only what stands for itself outside its definition. A table does
 * not, but the transport's is everybody's. */
static void
read_map(struct dictionary *d, struct slice key, const struct yaml_node *map)
{
	static const char *const plain[] = { "lower", "upper", "trim", "type",
	    "format", "times", "take", "by" };
	const struct yaml_node *to = yaml_get(map, "to");
	struct slice field = yaml_text(to, slice_of("", 0));
	struct slice split = yaml_text(yaml_get(map, "split"),
	    slice_of("", 0));
	struct strbuf text = STRBUF_INIT;
	bool table = yaml_get(map, "table") != NULL;

	if (to != NULL && to->kind == YAML_LIST && to->n > 0)
		field = yaml_text(to->items[0], slice_of("", 0));
	if (field.len == 0 || yaml_get(map, "decode") != NULL ||
	    yaml_get(map, "hex") != NULL || (table && !slice_eq(field,
	    SLICE("network.transport"))))
		return;
	strbuf_puts(&text, "{");
	if (split.len > 0)
		strbuf_printf(&text, "split: %.*s, ", (int)split.len,
		    split.ptr);
	strbuf_printf(&text, "to: %.*s", (int)field.len, field.ptr);
	if (table)
		strbuf_puts(&text, ", lower: true");
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct slice value = yaml_text(yaml_get(map, plain[i]),
		    slice_of("", 0));

		if (value.len > 0 && !(table && i == 0))
			strbuf_printf(&text, slice_eq(value, SLICE("true")) ?
			    ", %s: %.*s" : ", %s: \"%.*s\"", plain[i],
			    (int)value.len, value.ptr);
	}
	strbuf_putc(&text, '}');
	if (slice_find_byte(slice_skip(strbuf_slice(&text), 1), ',') < 0)
		vote(d, key, field, field, false);
	else
		vote(d, key, strbuf_slice(&text), field, split.len > 0);
	strbuf_fini(&text);
}

static void
read_target(struct dictionary *d, struct slice key,
    const struct yaml_node *target)
{
	if (target->kind == YAML_LIST) {
		for (size_t i = 0; i < target->n; i++)
			if (target->items[i]->kind != YAML_LIST)
				read_target(d, key, target->items[i]);
	} else if (target->kind == YAML_MAP) {
		read_map(d, key, target);
	} else if (!yaml_is_null(target)) {
		vote(d, key, target->text, target->text, false);
	}
}

/* Every `keys` map, also those in blocks. */
static void
walk(struct dictionary *d, const struct yaml_node *node, unsigned depth)
{
	if (depth == DEPTH || node->kind == YAML_SCALAR)
		return;
	for (size_t i = 0; i < node->n; i++) {
		const struct yaml_node *item = node->items[i];

		if (node->kind == YAML_MAP && item->kind == YAML_MAP &&
		    slice_eq(node->keys[i]->text, SLICE("keys")))
			for (size_t k = 0; k < item->n; k++)
				read_target(d, item->keys[k]->text,
				    item->items[k]);
		else
			walk(d, item, depth + 1);
	}
}

static void
read_file(struct dictionary *d, const char *path)
{
	struct diag *ignored = diag_new();
	struct yaml_doc *doc = yaml_load(path, ignored);

	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++)
		walk(d, yaml_root(doc, i), 0);
	yaml_free(doc);
	diag_free(ignored);
}

static void
read_folder(struct dictionary *d, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[4096];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!slice_ends(slice_cstr(entry->d_name), SLICE(".yml")))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		read_file(d, name);
	}
	if (dir != NULL)
		closedir(dir);
}

struct dictionary *
dictionary_load(const char *const *paths, size_t n)
{
	struct dictionary *d = xcalloc(1, sizeof(*d));
	struct stat st;

	d->arena = arena_new(0);
	d->keys = map_new();
	for (size_t i = 0; i < n; i++) {
		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			read_folder(d, paths[i]);
		else
			read_file(d, paths[i]);
	}
	return d;
}

void
dictionary_free(struct dictionary *d)
{
	if (d == NULL)
		return;
	map_free(d->keys);
	arena_free(d->arena);
	free(d);
}

/* Half of the values must be what the field wants. */
static bool
suits(const struct meaning *m, const struct slice *values, size_t n)
{
	field_t field = field_find(m->field);
	size_t good = 0;
	struct value out;

	if (m->split || field == FIELD_NONE)
		return m->split;
	for (size_t i = 0; i < n; i++)
		good += value_parse(values[i], TRANSFORM_NONE,
		    field_type(field), &out);
	return n == 0 ? field_type(field) == VALUE_TEXT : 2 * good >= n;
}

static struct slice
ask(const struct dictionary *d, struct slice key, const struct slice *values,
    size_t n)
{
	char buf[KEY_BYTES];
	const union map_value *place = map_find(d->keys, simple(key, buf));
	const struct meaning *best = NULL;

	for (const struct meaning *m = place == NULL ? NULL : place->ptr;
	    m != NULL; m = m->next)
		if (suits(m, values, n) && (best == NULL || m->votes >
		    best->votes || (m->votes == best->votes &&
		    slice_cmp(m->target, best->target) < 0)))
			best = m;
	return best == NULL ? slice_of("", 0) : best->target;
}

/* A name of the schema, or one of its short forms. */
static struct slice
ask_schema(struct slice key, const struct slice *values, size_t n)
{
	struct slice name = field_alias(key);
	struct meaning m = { .field = name };

	if (name.len == 0 || name.ptr[0] == '@' ||
	    field_find(name) >= FIELD_KNOWN || !suits(&m, values, n))
		return slice_of("", 0);
	return name;
}

struct slice
dictionary_find(struct dictionary *d, struct slice key,
    const struct slice *values, size_t n)
{
	struct slice found = slice_of("", 0), last = key;

	if (slice_find_byte(key, '.') > 0)
		found = ask_schema(key, values, n);
	if (found.len == 0)
		found = ask(d, key, values, n);
	if (found.len == 0)
		found = ask_schema(key, values, n);
	for (ptrdiff_t dot; (dot = slice_find_byte(last, '.')) >= 0; )
		last = slice_skip(last, (size_t)dot + 1);
	if (found.len == 0 && last.len < key.len)
		found = ask(d, last, values, n);
	return found;
}
