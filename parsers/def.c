/* Reading definitions. Each section of the manual has one function here, in
 * the manual's order; all of them go on after a mistake, so that a person sees
 * every finding at once. A definition with findings is left out.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/def.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/ip.h"
#include "engine/logsource.h"
#include "engine/map.h"
#include "engine/regex.h"
#include "engine/timeparse.h"
#include "engine/yaml.h"
#include "engine/zone.h"
#include "parsers/loosename.h"
#include "parsers/join_spec.h"
#include "parsers/template.h"
#include "parsers/timetext.h"

#define CHAIN 8			/* definitions a definition may stand on */
#define PRIORITY 50
#define EXAMPLE_NOW "2026-11-21T00:00:00Z"
#define MANY 8			/* more entries get a hash */

struct source {
	const struct yaml_node *root;
	const char *file;
	struct slice name;
};

struct loader {
	struct arena *arena;
	struct def_owned *owned;
	struct diag *diag;
	struct source *sources;		/* all there are */
	size_t	 nsources;
	/* The definition in hand and what it stands on, itself first. */
	const struct source *chain[CHAIN];
	size_t	 nchain;
	const char *file;		/* of the node in hand */
	struct def *def;
	struct map *slots;
	struct slice *slot_names;
	size_t	 nslots;
	struct keymap *slot_targets;
	struct map *tables;		/* name -> struct table */
	unsigned depth;
};

/* --- small things -------------------------------------------------------- */
static void complain(struct loader *l, const struct yaml_node *node,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
complain(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(l->diag, l->file, node->line, node->column, "%s", text);
}

static void *
room(struct loader *l, size_t count, size_t bytes)
{
	return arena_zalloc(l->arena, (count == 0 ? 1 : count) * bytes);
}

static struct slice
keep(struct loader *l, struct slice s)
{
	return s.len == 0 ? slice_of("", 0) : arena_dup(l->arena, s);
}

static struct slice
keep_lower(struct loader *l, struct slice s)
{
	char *out = arena_text(l->arena, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		out[i] = ascii_lower(s.ptr[i]);
	return slice_of(out, s.len);
}

static bool
is_text(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_SCALAR;
}

static struct slice
text_at(const struct yaml_node *node, const char *key)
{
	return yaml_text(yaml_get(node, key), slice_of("", 0));
}

/* A key that is not in the list gets a finding with the nearest right one. */
static void
check_keys(struct loader *l, const struct yaml_node *map,
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
			complain(l, map->keys[i], "unknown key \"%.*s\" in "
			    "%s (%s?)", (int)key.len, key.ptr, what, near);
		else
			complain(l, map->keys[i], "unknown key \"%.*s\" in "
			    "%s", (int)key.len, key.ptr, what);
	}
}

static bool
want_map(struct loader *l, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_MAP)
		return true;
	complain(l, node, "%s must be a map", what);
	return false;
}

/* A text or a list of texts. */
static struct words
read_words(struct loader *l, const struct yaml_node *node, bool lower)
{
	struct words words = { NULL, 0, 0 };
	struct slice *at;
	size_t n;

	if (node == NULL || node->kind == YAML_MAP) {
		if (node != NULL)
			complain(l, node, "a text or a list of texts is "
			    "wanted here");
		return words;
	}
	n = node->kind == YAML_LIST ? node->n : 1;
	at = room(l, n, sizeof(*at));
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST
		    ? node->items[i] : node;

		if (!is_text(item)) {
			complain(l, item, "a text is wanted here");
			continue;
		}
		at[words.n++] = lower ? keep_lower(l, item->text)
		    : keep(l, item->text);
		words.lengths |= UINT32_C(1) << (item->text.len < 31
		    ? item->text.len : 31);
	}
	words.at = at;
	return words;
}

static bool
read_flag(struct loader *l, const struct yaml_node *map, const char *key,
    bool otherwise)
{
	const struct yaml_node *node = yaml_get(map, key);
	bool out = otherwise;

	if (node != NULL && !yaml_bool(node, &out))
		complain(l, node, "%s must be true or false", key);
	return out;
}

/* One byte, also written as \t. */
static char
read_char(struct loader *l, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (node == NULL)
		return 0;
	if (is_text(node) && node->text.len == 1)
		return node->text.ptr[0];
	if (is_text(node) && (slice_eq(node->text, SLICE("\\t")) ||
	    slice_eq_nocase(node->text, SLICE("tab"))))
		return '\t';
	complain(l, node, "%s must be one character", key);
	return 0;
}

static void
own_map(struct loader *l, struct map *map)
{
	struct def_owned *o = l->owned;

	o->maps = xrealloc(o->maps, (o->nmaps + 1) * sizeof(*o->maps));
	o->maps[o->nmaps++] = map;
}

static slot_t
slot_of(struct loader *l, struct slice name)
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
		l->slot_names[l->nslots++] = keep(l, name);
	}
	return (slot_t)value->num;
}

static field_t
field_at(struct loader *l, const struct yaml_node *node, struct slice name)
{
	field_t field = field_intern(name);

	if (field == FIELD_NONE)
		complain(l, node, "\"%.*s\" is no name for a field",
		    (int)name.len, name.ptr);
	return field;
}

static field_t
field_part(struct loader *l, const struct yaml_node *node, struct slice head,
    const char *part)
{
	char name[FIELD_NAME_BYTES];
	int n = snprintf(name, sizeof(name), "%.*s%s%s", (int)head.len,
	    head.ptr, head.len > 0 ? "." : "", part);

	if (n < 0 || (size_t)n >= sizeof(name))
		return FIELD_NONE;
	return field_at(l, node, slice_of(name, (size_t)n));
}

/* What a definition or what it stands on says under a key, nearest first. */
static const struct yaml_node *
section(struct loader *l, const char *key)
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

/* --- tables -------------------------------------------------------------- */
static struct value
read_value(struct loader *l, const struct yaml_node *node)
{
	struct value *items;

	if (node->kind == YAML_LIST) {
		items = room(l, node->n, sizeof(*items));
		for (size_t i = 0; i < node->n; i++) {
			if (!is_text(node->items[i]))
				complain(l, node->items[i],
				    "a text is wanted here");
			items[i] = value_text(keep(l, yaml_text(
			    node->items[i], slice_of("", 0))),
			    TRANSFORM_OWNED);
		}
		return value_list(items, node->n);
	}
	if (node->kind == YAML_MAP)
		complain(l, node, "a text or a list is wanted here");
	return value_text(keep(l, yaml_text(node, slice_of("", 0))),
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
	struct table *table = room(l, 1, sizeof(*table));
	struct table_row *exact = room(l, node->n, sizeof(*exact));
	struct table_row *starts = room(l, node->n, sizeof(*starts));

	for (size_t i = 0; i < node->n; i++) {
		struct slice from = yaml_text(node->keys[i],
		    slice_of("", 0));
		const struct yaml_node *to = node->items[i];

		if (slice_eq(from, SLICE("*"))) {
			table->has_other = true;
			table->same = is_text(to) &&
			    slice_eq(to->text, SLICE("*"));
			table->other = read_value(l, to);
		} else if (slice_ends(from, SLICE("*"))) {
			starts[table->nstarts].from = keep_lower(l,
			    slice_head(from, from.len - 1));
			starts[table->nstarts++].to = read_value(l, to);
		} else {
			exact[table->nexact].from = keep_lower(l, from);
			exact[table->nexact++].to = read_value(l, to);
		}
	}
	qsort(starts, table->nstarts, sizeof(*starts), longer_first);
	table->exact = exact;
	table->starts = starts;
	if (table->nexact > MANY) {
		struct map *index = map_new_borrowing();

		for (size_t i = 0; i < table->nexact; i++)
			map_get(index, exact[i].from, NULL)->num = i;
		own_map(l, index);
		table->index = index;
	}
	return table;
}

static void
read_tables(struct loader *l)
{
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "tables");

		l->file = l->chain[c]->file;
		if (node == NULL || !want_map(l, node, "tables"))
			continue;
		for (size_t i = 0; i < node->n; i++) {
			union map_value *place;
			bool made;

			if (!want_map(l, node->items[i], "a table"))
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
	if (!is_text(node)) {
		complain(l, node, "a table or its name is wanted here");
		return NULL;
	}
	value = map_find(l->tables, node->text);
	if (value != NULL)
		return value->ptr;
	while (n < 64 && map_next(l->tables, &at, &key, &each))
		names[n++] = arena_cstr(l->arena, key);
	near = diag_nearest(node->text, names, n);
	complain(l, node, "there is no table \"%.*s\"%s%s%s",
	    (int)node->text.len, node->text.ptr, near != NULL ? " (" : "",
	    near != NULL ? near : "", near != NULL ? "?)" : "");
	return NULL;
}

/* --- decoders ------------------------------------------------------------ */
static const char *const decoder_names[] = {
#define DECODER(id, name, run) name,
#include "parsers/decode.def"
#undef DECODER
};

static void read_pattern_list(struct loader *l, struct decoder *decoder,
    const struct yaml_node *node);

static const struct slice *
read_column_names(struct loader *l, const struct yaml_node *list, size_t *n)
{
	struct slice *names = room(l, list->n, sizeof(*names));

	for (size_t i = 0; i < list->n; i++)
		if (!yaml_is_null(list->items[i]))
			names[i] = keep(l, yaml_text(list->items[i],
			    slice_of("", 0)));
	*n = list->n;
	return names;
}

static void
read_columns(struct loader *l, struct decoder *d,
    const struct yaml_node *node)
{
	struct csv_columns *columns;

	if (node == NULL)
		return;
	if (node->kind == YAML_LIST) {
		columns = room(l, 1, sizeof(*columns));
		columns->names = read_column_names(l, node, &columns->n);
		d->columns = columns;
		d->ncolumns = 1;
		return;
	}
	if (node->kind != YAML_MAP) {
		complain(l, node, "columns must be a list, or a map of lists");
		return;
	}
	columns = room(l, node->n, sizeof(*columns));
	for (size_t i = 0; i < node->n; i++) {
		columns[i].value = keep(l, node->keys[i]->text);
		if (node->items[i]->kind != YAML_LIST)
			complain(l, node->items[i], "a list of columns is "
			    "wanted here");
		else
			columns[i].names = read_column_names(l,
			    node->items[i], &columns[i].n);
	}
	d->columns = columns;
	d->ncolumns = node->n;
}

static enum decoder_kind
decoder_by_name(struct loader *l, const struct yaml_node *node)
{
	const char *near;

	for (size_t i = 0; i < DECODERS; i++)
		if (is_text(node) && slice_eq(node->text,
		    slice_cstr(decoder_names[i])))
			return (enum decoder_kind)i;
	if (!is_text(node)) {
		complain(l, node, "the name of a decoder is wanted here");
		return DECODER_NONE;
	}
	near = diag_nearest(node->text, decoder_names, DECODERS);
	complain(l, node, "unknown decoder \"%.*s\" (%s?)",
	    (int)node->text.len, node->text.ptr,
	    near != NULL ? near : "json, kv, cef, leef, csv, tsv, w3c, xml, "
	    "regex, template, none");
	return DECODER_NONE;
}

static const struct decoder *
read_decoder(struct loader *l, const struct yaml_node *node)
{
	static const char *const known[] = { "type", "assign", "between",
	    "quote", "escape", "blanks", "after", "words", "twice",
	    "columns", "delimiter", "by", "patterns", NULL };
	struct decoder *d = room(l, 1, sizeof(*d));
	const struct yaml_node *sub;
	struct slice twice;
	int64_t by = 0;

	d->assign = '=';
	d->escape = true;
	if (node->kind != YAML_MAP) {
		d->kind = decoder_by_name(l, node);
		return d;
	}
	check_keys(l, node, known, "a decoder");
	sub = yaml_get(node, "type");
	if (sub == NULL)
		complain(l, node, "a decoder needs a type");
	else
		d->kind = decoder_by_name(l, sub);
	if (yaml_get(node, "assign") != NULL)
		d->assign = read_char(l, node, "assign");
	d->between = read_char(l, node, "between");
	d->quote = read_char(l, node, "quote");
	d->delimiter = read_char(l, node, "delimiter");
	d->escape = read_flag(l, node, "escape", true);
	d->blanks = read_flag(l, node, "blanks", false);
	d->words = read_flag(l, node, "words", false);
	d->after = keep(l, text_at(node, "after"));
	twice = text_at(node, "twice");
	d->twice_first = slice_eq(twice, SLICE("first"));
	d->twice_last = slice_eq(twice, SLICE("last"));
	if (twice.len > 0 && !d->twice_first && !d->twice_last &&
	    !slice_eq(twice, SLICE("list")))
		complain(l, yaml_get(node, "twice"),
		    "twice must be first, last or list");
	sub = yaml_get(node, "by");
	if (sub != NULL && (!yaml_long(sub, &by) || by < 1 || by > 512))
		complain(l, sub, "by must be the number of a column, from 1");
	d->by = (size_t)by;
	read_columns(l, d, yaml_get(node, "columns"));
	sub = yaml_get(node, "patterns");
	if (sub != NULL)
		read_pattern_list(l, d, sub);
	return d;
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
		if (is_text(node) && slice_eq(node->text,
		    slice_cstr(names[i])))
			return i;
	near = is_text(node) ? diag_nearest(node->text, names + 1, n - 1)
	    : NULL;
	complain(l, node, "unknown %s \"%.*s\"%s%s%s", key,
	    is_text(node) ? (int)node->text.len : 0,
	    is_text(node) ? node->text.ptr : "", near != NULL ? " (" : "",
	    near != NULL ? near : "", near != NULL ? "?)" : "");
	return 0;
}

static void
target_fields(struct loader *l, struct target *t,
    const struct yaml_node *node, struct slice to)
{
	static const char *const ends[] = { "ip" };

	(void)ends;
	if (t->split != SPLIT_NO && t->split != SPLIT_LIST) {
		for (size_t i = 0; i < TARGET_PARTS &&
		    split_parts[t->split][i] != NULL; i++)
			t->field[i] = field_part(l, node, to,
			    split_parts[t->split][i]);
		return;
	}
	t->field[0] = field_at(l, node, to);
	if (!t->typed && t->field[0] != FIELD_NONE)
		t->type = (uint8_t)field_type(t->field[0]);
	if (slice_ends(to, SLICE(".ip")) && t->type == VALUE_IP)
		t->domain = field_part(l, node, slice_head(to, to.len - 3),
		    "domain");
}

static struct target
target_blank(void)
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

	check_keys(l, node, known, "a target");
	t->split = (uint8_t)choice(l, node, "split", split_names, 8);
	t->take = (uint8_t)choice(l, node, "take", take_names, 10);
	type = choice(l, node, "type", type_names, 7);
	t->typed = type > 0;
	t->type = types[type];
	t->lower = read_flag(l, node, "lower", false);
	t->upper = read_flag(l, node, "upper", false);
	t->trim = read_flag(l, node, "trim", false);
	t->hex = read_flag(l, node, "hex", false);
	t->add = read_flag(l, node, "add", false);
	t->force = read_flag(l, node, "force", false);
	t->keep = read_flag(l, node, "keep", false);
	t->by = keep(l, text_at(node, "by"));
	if (t->by.len == 0 && t->split == SPLIT_LIST)
		t->by = SLICE(",");
	if (t->by.len == 0 && t->take >= TAKE_BEFORE)
		complain(l, node, "take: %s needs `by`",
		    take_names[t->take]);
	t->format = keep(l, text_at(node, "format"));
	if (slice_eq(t->format, SLICE("auto")))
		t->format = slice_of("", 0);
	wrong = timetext_check_format(t->format);
	if (wrong != NULL)
		complain(l, yaml_get(node, "format"), "the format %s", wrong);
	sub = yaml_get(node, "times");
	if (sub != NULL && (!is_text(sub) ||
	    !slice_double(sub->text, &t->times)))
		complain(l, sub, "times must be a number");
	sub = yaml_get(node, "table");
	if (sub != NULL)
		t->table = find_table(l, sub);
	sub = yaml_get(node, "skip");
	if (sub != NULL)
		t->skip = read_words(l, sub, false);
	sub = yaml_get(node, "decode");
	if (sub != NULL) {
		t->decode = read_decoder(l, sub);
		if (t->decode->kind == DECODER_TEMPLATE)
			complain(l, sub, "a value is decoded by json, kv, "
			    "cef, leef, csv or regex");
	}
	sub = yaml_get(node, "pair");
	if (sub != NULL && !is_text(sub)) {
		complain(l, sub, "pair must be the key of the values");
	} else if (sub != NULL) {
		t->pair = slot_of(l, sub->text);
		t->paired = true;
	}
	t->decode_own_name = yaml_get(node, "prefix") == NULL;
	t->decode_prefix = keep(l, text_at(node, "prefix"));
}

/* Appends the targets that one node stands for; answers how many. */
static size_t
read_target(struct loader *l, const struct yaml_node *node,
    struct target *out, size_t cap)
{
	struct target t = target_blank();
	const struct yaml_node *to;
	size_t n = 0;

	if (cap == 0) {
		complain(l, node, "more than 64 targets for one key");
		return 0;
	}
	if (yaml_is_null(node)) {
		t.drop = true;
		*out = t;
		return 1;
	}
	if (is_text(node)) {
		target_fields(l, &t, node, node->text);
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
			complain(l, node, "a target needs `to`, `decode` or "
			    "`pair`");
		*out = t;
		return 1;
	}
	if (is_text(to)) {
		target_fields(l, &t, to, to->text);
		*out = t;
		return 1;
	}
	if (to->kind != YAML_LIST) {
		complain(l, to, "`to` is a field or a list of fields");
		return 0;
	}
	for (size_t i = 0; i < to->n && n < cap; i++) {
		struct target each = t;

		if (!is_text(to->items[i])) {
			complain(l, to->items[i], "a field is wanted here");
			continue;
		}
		target_fields(l, &each, to->items[i], to->items[i]->text);
		out[n++] = each;
	}
	return n;
}

/* Most targets only name a field, and take a shorter way. */
static bool
is_plain(const struct target *t)
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
		vendor = l->def->prefix.len > 0 ? field_part(l, node,
		    l->def->prefix, arena_cstr(l->arena, name))
		    : field_find(name);
	kept = room(l, n, sizeof(*kept));
	for (size_t i = 0; i < n; i++) {
		kept[i] = at[i];
		kept[i].vendor = vendor;
		kept[i].plain = is_plain(&kept[i]);
	}
	return (struct keymap){ slot, kept, n };
}

static void
read_keys(struct loader *l)
{
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "keys");

		l->file = l->chain[c]->file;
		if (node == NULL || !want_map(l, node, "keys"))
			continue;
		for (size_t i = 0; i < node->n; i++) {
			slot_t slot = slot_of(l, node->keys[i]->text);

			if (slot == SLOT_NONE) {
				complain(l, node->keys[i],
				    "more than 4096 keys");
				return;
			}
			if (l->slot_targets[slot].n == 0)
				l->slot_targets[slot] = read_keymap(l, slot,
				    node->items[i]);
		}
	}
}

static const struct keymap *
read_block_keys(struct loader *l, const struct yaml_node *node, size_t *n)
{
	struct keymap *keys;

	*n = 0;
	if (node == NULL || !want_map(l, node, "keys"))
		return NULL;
	keys = room(l, node->n, sizeof(*keys));
	for (size_t i = 0; i < node->n; i++) {
		slot_t slot = slot_of(l, node->keys[i]->text);

		if (slot == SLOT_NONE)
			complain(l, node->keys[i], "more than 4096 keys");
		else
			keys[(*n)++] = read_keymap(l, slot, node->items[i]);
	}
	return keys;
}

/* --- constants ----------------------------------------------------------- */
#define PIECES 16
static void
read_pieces(struct loader *l, struct setting *set,
    const struct yaml_node *node)
{
	struct piece *pieces = room(l, PIECES, sizeof(*pieces));
	struct slice s = node->text;
	size_t n = 0;

	while (s.len > 0) {
		ptrdiff_t open = slice_find_byte(s, '{'), close;
		struct slice name;

		if (n + 2 > PIECES) {
			complain(l, node, "more than 16 parts in one text");
			return;
		}
		if (open != 0) {
			size_t len = open < 0 ? s.len : (size_t)open;

			pieces[n++] = (struct piece){ keep(l, slice_head(s,
			    len)), SLOT_NONE, FIELD_NONE };
			s = slice_skip(s, len);
			continue;
		}
		close = slice_find_byte(s, '}');
		if (close < 2) {
			complain(l, node, "{ without a name and }");
			return;
		}
		name = slice_of(s.ptr + 1, (size_t)close - 1);
		pieces[n++] = (struct piece){ slice_of("", 0),
		    slot_of(l, name), field_intern(name) };
		s = slice_skip(s, (size_t)close + 1);
	}
	set->pieces = pieces;
	set->npieces = n;
}

static struct value
constant(struct loader *l, const struct yaml_node *node, field_t field)
{
	struct value value = read_value(l, node);
	bool fits = true;

	if (field == FIELD_NONE)
		return value;
	if (value.type == VALUE_TEXT && field_type(field) != VALUE_TEXT)
		fits = value_parse(slice_of(value.text, value.len),
		    TRANSFORM_OWNED, field_type(field), &value);
	if (!fits)
		complain(l, node, "\"%.*s\" does not fit the type of %.*s",
		    (int)value.len, value.text, (int)field_name(field).len,
		    field_name(field).ptr);
	return value;
}

static const struct setting *
read_sets(struct loader *l, const struct yaml_node *node, size_t *n)
{
	struct setting *sets;

	*n = 0;
	if (node == NULL || !want_map(l, node, "set"))
		return NULL;
	sets = room(l, node->n, sizeof(*sets));
	for (size_t i = 0; i < node->n; i++) {
		struct setting *set = &sets[(*n)++];
		const struct yaml_node *to = node->items[i];

		set->field = field_at(l, node->keys[i], node->keys[i]->text);
		if (yaml_is_null(to))
			set->remove = true;
		else if (is_text(to) && slice_find_byte(to->text, '{') >= 0)
			read_pieces(l, set, to);
		else
			set->value = constant(l, to, set->field);
	}
	return sets;
}

/* --- conditions ---------------------------------------------------------- */
static bool read_conditions(struct loader *l, const struct yaml_node *node,
    struct condition *out);

static void
index_words(struct loader *l, struct condition *cond)
{
	struct map *index;

	if (cond->words.n <= MANY)
		return;
	index = map_new_borrowing();
	for (size_t i = 0; i < cond->words.n; i++)
		map_get(index, cond->words.at[i], NULL)->num = i;
	own_map(l, index);
	cond->index = index;
}

static void
read_regexes(struct loader *l, struct condition *cond,
    const struct yaml_node *node)
{
	struct regex **regexes = room(l, cond->words.n, sizeof(*regexes));
	struct def_owned *o = l->owned;
	struct err err;

	for (size_t i = 0; i < cond->words.n; i++) {
		regexes[i] = regex_new(cond->words.at[i], REGEX_NOCASE, &err);
		if (regexes[i] == NULL) {
			complain(l, node, "%s", err.text);
			cond->words.n = i;
			break;
		}
		o->regexes = xrealloc(o->regexes, (o->nregexes + 1) *
		    sizeof(*o->regexes));
		o->regexes[o->nregexes++] = regexes[i];
	}
	cond->regexes = regexes;
}

static void
read_nets(struct loader *l, struct condition *cond,
    const struct yaml_node *node)
{
	struct cidr *nets = room(l, cond->words.n, sizeof(*nets));

	for (size_t i = 0; i < cond->words.n; i++)
		if (!cidr_parse(cond->words.at[i], &nets[i]))
			complain(l, node, "\"%.*s\" is no network",
			    (int)cond->words.at[i].len, cond->words.at[i].ptr);
	cond->nets = nets;
}

static void
read_operator(struct loader *l, struct condition *cond, struct slice name,
    const struct yaml_node *node, const struct yaml_node *key)
{
	static const char *const names[] = { "exists", "in", "startswith",
	    "endswith", "contains", "regex", "gt", "ge", "lt", "le", "cidr" };
	static const enum cond_kind kinds[] = { COND_EXISTS, COND_EQUALS,
	    COND_STARTS, COND_ENDS, COND_CONTAINS, COND_REGEX, COND_GT,
	    COND_GE, COND_LT, COND_LE, COND_CIDR };
	bool yes = true;
	size_t i = 0;

	while (i < 11 && !slice_eq(name, slice_cstr(names[i])))
		i++;
	if (i == 11) {
		const char *near = diag_nearest(name, names, 11);

		complain(l, key, "unknown operator \"%.*s\"%s%s%s",
		    (int)name.len, name.ptr, near != NULL ? " (" : "",
		    near != NULL ? near : "", near != NULL ? "?)" : "");
		return;
	}
	cond->kind = kinds[i];
	if (cond->kind == COND_EXISTS) {
		if (!yaml_bool(node, &yes))
			complain(l, node, "exists must be true or false");
		cond->kind = yes ? COND_EXISTS : COND_ABSENT;
		return;
	}
	if (cond->kind >= COND_GT && cond->kind <= COND_LE) {
		if (!is_text(node) || !slice_double(node->text,
		    &cond->number))
			complain(l, node, "a number is wanted here");
		return;
	}
	cond->words = read_words(l, node, cond->kind == COND_EQUALS);
	if (cond->kind == COND_REGEX)
		read_regexes(l, cond, node);
	else if (cond->kind == COND_CIDR)
		read_nets(l, cond, node);
	else
		index_words(l, cond);
}

/* One name and what it must be: a text, a list, or a map of operators. */
static void
read_test(struct loader *l, struct condition *out, struct slice name,
    const struct yaml_node *node)
{
	struct condition blank = { .kind = COND_EQUALS,
	    .slot = slot_of(l, name), .field = field_intern(name) };
	struct condition *kids;

	*out = blank;
	if (node->kind != YAML_MAP) {
		if (yaml_is_null(node)) {
			out->kind = COND_ABSENT;
			return;
		}
		out->words = read_words(l, node, true);
		index_words(l, out);
		return;
	}
	kids = room(l, node->n, sizeof(*kids));
	for (size_t i = 0; i < node->n; i++) {
		kids[i] = blank;
		if (slice_eq(node->keys[i]->text, SLICE("not"))) {
			struct condition *inner = room(l, 1, sizeof(*inner));

			read_test(l, inner, name, node->items[i]);
			kids[i] = (struct condition){ .kind = COND_NOT,
			    .kids = inner, .nkids = 1 };
			continue;
		}
		read_operator(l, &kids[i], node->keys[i]->text,
		    node->items[i], node->keys[i]);
	}
	if (node->n == 1) {
		*out = kids[0];
		return;
	}
	*out = (struct condition){ .kind = COND_ALL, .kids = kids,
	    .nkids = node->n };
}

static bool
read_condition_list(struct loader *l, const struct yaml_node *node,
    enum cond_kind kind, struct condition *out)
{
	struct condition *kids;

	if (node->kind != YAML_LIST) {
		complain(l, node, "a list of conditions is wanted here");
		return false;
	}
	kids = room(l, node->n, sizeof(*kids));
	for (size_t i = 0; i < node->n; i++)
		read_conditions(l, node->items[i], &kids[i]);
	*out = (struct condition){ .kind = kind, .kids = kids,
	    .nkids = node->n };
	return true;
}

static bool
read_conditions(struct loader *l, const struct yaml_node *node,
    struct condition *out)
{
	struct condition *kids;

	*out = (struct condition){ .kind = COND_ALL };
	if (++l->depth > 4 * DEF_NESTING) {
		complain(l, node, "conditions nested too deeply");
		l->depth--;
		return false;
	}
	if (!want_map(l, node, "a condition")) {
		l->depth--;
		return false;
	}
	kids = room(l, node->n, sizeof(*kids));
	for (size_t i = 0; i < node->n; i++) {
		struct slice key = node->keys[i]->text;

		if (slice_eq(key, SLICE("any"))) {
			read_condition_list(l, node->items[i], COND_ANY,
			    &kids[i]);
		} else if (slice_eq(key, SLICE("all"))) {
			read_condition_list(l, node->items[i], COND_ALL,
			    &kids[i]);
		} else if (slice_eq(key, SLICE("not"))) {
			struct condition *inner = room(l, 1, sizeof(*inner));

			read_conditions(l, node->items[i], inner);
			kids[i] = (struct condition){ .kind = COND_NOT,
			    .kids = inner, .nkids = 1 };
		} else {
			read_test(l, &kids[i], key, node->items[i]);
		}
	}
	*out = (struct condition){ .kind = COND_ALL, .kids = kids,
	    .nkids = node->n };
	l->depth--;
	return true;
}

/* --- blocks -------------------------------------------------------------- */
static const char *const block_keys[] = { "if", "any", "all", "not", "set",
    "keys", "logsource", "dataset", "when", "copy", "drop", "else",
    "switch", "cases", "line", "pattern", NULL };

static struct block *read_block(struct loader *l,
    const struct yaml_node *node);

static const struct copy *
read_copies(struct loader *l, const struct yaml_node *node, size_t *n)
{
	struct copy *copies;

	*n = 0;
	if (node == NULL || !want_map(l, node, "copy"))
		return NULL;
	copies = room(l, node->n, sizeof(*copies));
	for (size_t i = 0; i < node->n; i++) {
		struct words from = read_words(l, node->items[i], false);
		field_t *fields = room(l, from.n, sizeof(*fields));

		for (size_t k = 0; k < from.n; k++)
			fields[k] = field_at(l, node->items[i], from.at[k]);
		copies[(*n)++] = (struct copy){ field_at(l, node->keys[i],
		    node->keys[i]->text), fields, from.n };
	}
	return copies;
}

static const struct block *const *
read_when(struct loader *l, const struct yaml_node *node, size_t *n)
{
	const struct block **blocks;

	*n = 0;
	if (node == NULL)
		return NULL;
	if (node->kind != YAML_LIST) {
		complain(l, node, "when must be a list of blocks");
		return NULL;
	}
	blocks = room(l, node->n, sizeof(*blocks));
	for (size_t i = 0; i < node->n; i++)
		blocks[(*n)++] = read_block(l, node->items[i]);
	return blocks;
}

/* What is said replaces, the rest stays the definition's own. */
static uint16_t
read_logsource(struct loader *l, const struct yaml_node *node, uint16_t base)
{
	static const char *const known[] = { "category", "product",
	    "service", NULL };
	struct logsource ls = *logsource_at(base);

	if (!want_map(l, node, "logsource"))
		return base;
	check_keys(l, node, known, "logsource");
	if (yaml_get(node, "category") != NULL)
		ls.category = text_at(node, "category");
	if (yaml_get(node, "product") != NULL)
		ls.product = text_at(node, "product");
	if (yaml_get(node, "service") != NULL)
		ls.service = text_at(node, "service");
	return logsource_intern(ls);
}

static void
read_switch(struct loader *l, struct block *block,
    const struct yaml_node *node)
{
	const struct yaml_node *name = yaml_get(node, "switch");
	const struct yaml_node *cases = yaml_get(node, "cases");
	struct map *index = map_new();
	struct switch_case *rows;

	own_map(l, index);
	block->case_index = index;
	if (!is_text(name)) {
		complain(l, name, "switch needs the name of a key");
		return;
	}
	block->switch_slot = slot_of(l, name->text);
	block->switch_field = field_intern(name->text);
	if (cases == NULL || cases->kind != YAML_MAP) {
		complain(l, node, "switch needs cases, a map");
		return;
	}
	rows = room(l, cases->n, sizeof(*rows));
	for (size_t i = 0; i < cases->n; i++) {
		struct slice values = cases->keys[i]->text;
		bool more = true;

		rows[i].block = read_block(l, cases->items[i]);
		while (more) {
			ptrdiff_t comma = slice_find_byte(values, ',');
			struct slice one = comma < 0 ? values
			    : slice_head(values, (size_t)comma);

			more = comma >= 0;
			if (more)
				values = slice_skip(values,
				    (size_t)comma + 1);
			one = slice_trim(one);
			map_get(index, keep_lower(l, one), NULL)->num = i;
		}
	}
	block->cases = rows;
	block->ncases = cases->n;
}

static void
read_drops(struct loader *l, struct block *block,
    const struct yaml_node *node)
{
	struct words names = read_words(l, node, false);
	field_t *fields = room(l, names.n, sizeof(*fields));

	for (size_t i = 0; i < names.n; i++)
		fields[i] = field_at(l, node, names.at[i]);
	block->drops = fields;
	block->ndrops = names.n;
}

static const struct condition *
read_block_condition(struct loader *l, const struct yaml_node *node)
{
	const struct yaml_node *plain = yaml_get(node, "if");
	const struct yaml_node *any = yaml_get(node, "any");
	const struct yaml_node *all = yaml_get(node, "all");
	const struct yaml_node *not = yaml_get(node, "not");
	struct condition *kids = room(l, 4, sizeof(*kids)), *cond;
	size_t n = 0;

	if (plain != NULL)
		read_conditions(l, plain, &kids[n++]);
	if (any != NULL)
		read_condition_list(l, any, COND_ANY, &kids[n++]);
	if (all != NULL)
		read_condition_list(l, all, COND_ALL, &kids[n++]);
	if (not != NULL) {
		struct condition *inner = room(l, 1, sizeof(*inner));

		read_conditions(l, not, inner);
		kids[n++] = (struct condition){ .kind = COND_NOT,
		    .kids = inner, .nkids = 1 };
	}
	if (n == 0)
		return NULL;
	cond = room(l, 1, sizeof(*cond));
	*cond = (struct condition){ .kind = COND_ALL, .kids = kids,
	    .nkids = n };
	return cond;
}

static void
fill_block(struct loader *l, struct block *block,
    const struct yaml_node *node)
{
	const struct yaml_node *sub;

	block->sets = read_sets(l, yaml_get(node, "set"), &block->nsets);
	block->keys = read_block_keys(l, yaml_get(node, "keys"),
	    &block->nkeys);
	block->copies = read_copies(l, yaml_get(node, "copy"),
	    &block->ncopies);
	block->dataset = keep(l, text_at(node, "dataset"));
	sub = yaml_get(node, "drop");
	if (sub != NULL)
		read_drops(l, block, sub);
	sub = yaml_get(node, "logsource");
	if (sub != NULL) {
		block->logsource = read_logsource(l, sub, 0);
		block->logsource_parts =
		    (yaml_get(sub, "category") != NULL ? 1u : 0) |
		    (yaml_get(sub, "product") != NULL ? 2u : 0) |
		    (yaml_get(sub, "service") != NULL ? 4u : 0);
	}
	block->when = read_when(l, yaml_get(node, "when"), &block->nwhen);
}

static struct block *
read_block(struct loader *l, const struct yaml_node *node)
{
	struct block *block = room(l, 1, sizeof(*block));
	const struct yaml_node *sub;

	block->switch_slot = SLOT_NONE;
	block->switch_field = FIELD_NONE;
	if (yaml_is_null(node))
		return block;
	if (++l->depth > DEF_NESTING) {
		complain(l, node, "blocks nested more than %d deep",
		    DEF_NESTING);
		l->depth--;
		return block;
	}
	if (want_map(l, node, "a block")) {
		check_keys(l, node, block_keys, "a block");
		if (yaml_get(node, "switch") != NULL)
			read_switch(l, block, node);
		else
			block->cond = read_block_condition(l, node);
		fill_block(l, block, node);
		sub = yaml_get(node, "else");
		if (sub != NULL)
			block->otherwise = read_block(l, sub);
	}
	l->depth--;
	return block;
}

/* --- templates and patterns ---------------------------------------------- */
static uint16_t
capture_slot(void *arg, struct slice name)
{
	struct loader *l = arg;

	return slot_of(l, name);
}

static bool
has_block(const struct yaml_node *node)
{
	return node->kind == YAML_MAP && node->n > 1;
}

static void
add_template(struct loader *l, struct template_tree *tree,
    const struct yaml_node *node, unsigned number)
{
	const char *wrong;
	size_t at;

	if (!is_text(node)) {
		complain(l, node, "a template is a text");
		return;
	}
	if (node->text.len > 4096) {
		complain(l, node, "a template has at most 4096 bytes");
		return;
	}
	wrong = template_add(tree, keep(l, node->text), number, capture_slot,
	    l, &at);
	if (wrong != NULL)
		complain(l, node, "template: %s, at \"%.*s\"", wrong,
		    (int)(node->text.len - at < 20 ? node->text.len - at
		    : 20), node->text.ptr + at);
}

static size_t
count_items(struct loader *l, const char *key)
{
	size_t n = 0;

	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, key);

		if (node != NULL && node->kind == YAML_LIST)
			n += node->n;
	}
	return n;
}

static void
read_template(struct loader *l, struct template_tree *tree,
    const struct yaml_node *node, unsigned number,
    const struct block **block)
{
	const struct yaml_node *line;

	if (node->kind != YAML_MAP) {
		add_template(l, tree, node, number);
		return;
	}
	line = yaml_get(node, "line");
	if (line == NULL) {
		complain(l, node, "a template needs `line`");
		return;
	}
	if (line->kind == YAML_LIST)
		for (size_t i = 0; i < line->n; i++)
			add_template(l, tree, line->items[i], number);
	else
		add_template(l, tree, line, number);
	if (has_block(node))
		*block = read_block(l, node);
}

/* What a definition stands on comes first. */
static void
read_templates(struct loader *l, struct decoder *decoder)
{
	size_t n = count_items(l, "templates"), k = 0;
	const struct block **blocks = room(l, n, sizeof(*blocks));
	struct template_tree *tree = template_tree_new(l->arena);

	for (size_t c = l->nchain; c-- > 0; ) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "templates");

		l->file = l->chain[c]->file;
		if (node == NULL)
			continue;
		if (node->kind != YAML_LIST) {
			complain(l, node, "templates must be a list");
			continue;
		}
		for (size_t i = 0; i < node->n; i++, k++) {
			if (k == DEF_TEMPLATES) {
				complain(l, node, "more than %d templates",
				    DEF_TEMPLATES);
				break;
			}
			read_template(l, tree, node->items[i], (unsigned)k,
			    &blocks[k]);
		}
	}
	l->file = l->chain[0]->file;
	if (n == 0)
		complain(l, l->chain[0]->root,
		    "decode: template needs templates");
	template_finish(tree);
	l->def->template_blocks = blocks;
	decoder->templates = tree;
}

static void
name_groups(struct loader *l, struct pattern *pattern)
{
	uint32_t count = 0, names = 0, size = 0;
	PCRE2_SPTR table = NULL;
	slot_t *groups;
	struct slice *group_names;

	pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &count);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &names);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &table);
	groups = room(l, count + 1, sizeof(*groups));
	group_names = room(l, count + 1, sizeof(*group_names));
	for (uint32_t i = 0; i <= count; i++)
		groups[i] = SLOT_NONE;
	for (uint32_t i = 0; i < names; i++) {
		const unsigned char *row = table + i * size;
		unsigned group = (unsigned)row[0] << 8 | row[1];

		if (group > count)
			continue;
		group_names[group] = keep(l, slice_cstr(
		    (const char *)row + 2));
		groups[group] = slot_of(l, group_names[group]);
	}
	pattern->groups = groups;
	pattern->names = group_names;
	pattern->ngroups = count + 1;
}

static void
read_pattern(struct loader *l, const struct yaml_node *node,
    struct pattern *pattern)
{
	const struct yaml_node *text = node->kind == YAML_MAP
	    ? yaml_get(node, "pattern") : node;
	struct def_owned *o = l->owned;
	PCRE2_UCHAR message[128];
	PCRE2_SIZE at;
	int code;

	if (!is_text(text)) {
		complain(l, node, "a pattern is a text");
		return;
	}
	pattern->code = pcre2_compile((PCRE2_SPTR)text->text.ptr,
	    text->text.len, PCRE2_DUPNAMES | PCRE2_DOTALL |
	    PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
	if (pattern->code == NULL) {
		pcre2_get_error_message(code, message, sizeof(message));
		complain(l, text, "pattern: %s, at byte %zu",
		    (const char *)message, (size_t)at);
		return;
	}
	o->codes = xrealloc(o->codes, (o->ncodes + 1) * sizeof(*o->codes));
	o->codes[o->ncodes++] = pattern->code;
	/* Without machine code it is slower, not wrong. */
	pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
	name_groups(l, pattern);
	if (has_block(node))
		pattern->block = read_block(l, node);
}

static void
read_pattern_list(struct loader *l, struct decoder *decoder,
    const struct yaml_node *node)
{
	struct pattern *patterns;

	if (node->kind != YAML_LIST || node->n == 0) {
		complain(l, node, "decode: regex needs patterns, a list");
		return;
	}
	patterns = room(l, node->n, sizeof(*patterns));
	for (size_t i = 0; i < node->n; i++)
		read_pattern(l, node->items[i], &patterns[i]);
	decoder->patterns = patterns;
	decoder->npatterns = node->n;
}

static void
read_patterns(struct loader *l, struct decoder *decoder)
{
	const struct yaml_node *node = section(l, "patterns");

	if (node != NULL)
		read_pattern_list(l, decoder, node);
	else if (decoder->npatterns == 0)
		complain(l, l->chain[0]->root,
		    "decode: regex needs patterns, a list");
}

static void
read_decode(struct loader *l)
{
	const struct yaml_node *node = section(l, "decode");
	struct decoder *decoder = &l->def->decoder;

	if (node == NULL) {
		/* Templates speak for themselves. */
		decoder->kind = count_items(l, "templates") > 0
		    ? DECODER_TEMPLATE : count_items(l, "patterns") > 0
		    ? DECODER_REGEX : DECODER_NONE;
		if (decoder->kind == DECODER_NONE &&
		    yaml_get(l->chain[0]->root, "match") != NULL)
			complain(l, l->chain[0]->root, "`decode` is missing");
	} else {
		*decoder = *read_decoder(l, node);
		if (decoder->kind == DECODER_CSV && decoder->ncolumns == 0)
			complain(l, node, "decode: csv needs columns");
	}
	if (decoder->kind == DECODER_TEMPLATE)
		read_templates(l, decoder);
	else if (decoder->kind == DECODER_REGEX)
		read_patterns(l, decoder);
	else if (count_items(l, "templates") > 0)
		complain(l, l->chain[0]->root, "templates need "
		    "`decode: template`");
}

/* --- time ---------------------------------------------------------------- */
static void
read_zone(struct loader *l, struct timeway *way,
    const struct yaml_node *node)
{
	if (!is_text(node)) {
		complain(l, node, "zone is a key or the name of a zone");
		return;
	}
	way->zone_slot = slot_of(l, node->text);
	way->zone = zone_find(node->text);
}

static void
read_way(struct loader *l, const struct yaml_node *node, struct timeway *way)
{
	static const char *const known[] = { "keys", "format", "zone", "to",
	    NULL };
	const struct yaml_node *sub;
	struct words keys;
	const char *wrong;

	*way = (struct timeway){ .zone_slot = SLOT_NONE,
	    .to = FIELD_TIMESTAMP };
	if (node->kind == YAML_MAP) {
		check_keys(l, node, known, "a way to the time");
		sub = yaml_get(node, "keys");
		if (sub == NULL) {
			complain(l, node, "a way to the time needs keys");
			return;
		}
		keys = read_words(l, sub, false);
		way->format = keep(l, text_at(node, "format"));
		if (yaml_get(node, "zone") != NULL)
			read_zone(l, way, yaml_get(node, "zone"));
		if (yaml_get(node, "to") != NULL)
			way->to = field_at(l, yaml_get(node, "to"),
			    text_at(node, "to"));
	} else {
		keys = read_words(l, node, false);
	}
	if (slice_eq(way->format, SLICE("epoch")))
		way->epoch = true;
	if (way->epoch || slice_eq(way->format, SLICE("auto")))
		way->format = slice_of("", 0);
	wrong = timetext_check_format(way->format);
	if (wrong != NULL)
		complain(l, yaml_get(node, "format"), "the format %s", wrong);
	if (keys.n == 0 || keys.n > TIMEWAY_KEYS) {
		complain(l, node, "1 to %d keys are joined to a time",
		    TIMEWAY_KEYS);
		return;
	}
	for (size_t i = 0; i < keys.n; i++)
		way->slots[i] = slot_of(l, keys.at[i]);
	way->n = keys.n;
}

static void
read_times(struct loader *l)
{
	const struct yaml_node *node = section(l, "time");
	bool captured = map_find(l->slots, SLICE("@timestamp")) != NULL;
	size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
	struct timeway *ways = room(l, n + 1, sizeof(*ways));
	size_t k = 0;

	/* A capture or key of that name is a way by itself. */
	if (captured) {
		slot_t slot = slot_of(l, SLICE("@timestamp"));

		ways[k++] = (struct timeway){ .slots = { slot }, .n = 1,
		    .zone_slot = SLOT_NONE, .to = FIELD_TIMESTAMP };
	}
	for (size_t i = 0; i < n; i++)
		read_way(l, node->kind == YAML_LIST ? node->items[i] : node,
		    &ways[k++]);
	l->def->times = ways;
	l->def->ntimes = k;
}

/* --- recognition --------------------------------------------------------- */
static void
read_vendor(struct loader *l, struct marks *marks,
    const struct yaml_node *node)
{
	static const char *const known[] = { "vendor", "product", NULL };

	if (!want_map(l, node, "cef"))
		return;
	check_keys(l, node, known, "cef and leef");
	if (yaml_get(node, "vendor") != NULL)
		marks->vendor = read_words(l, yaml_get(node, "vendor"), true);
	if (yaml_get(node, "product") != NULL)
		marks->product = read_words(l, yaml_get(node, "product"),
		    true);
}

static void
read_value_marks(struct loader *l, struct marks *marks,
    const struct yaml_node *node)
{
	struct value_mark *values;

	if (!want_map(l, node, "values"))
		return;
	values = room(l, node->n, sizeof(*values));
	for (size_t i = 0; i < node->n; i++) {
		values[i].key = keep(l, node->keys[i]->text);
		values[i].values = read_words(l, node->items[i], true);
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
	if (!want_map(l, node, "match"))
		return;
	check_keys(l, node, known, "match");
	if ((sub = yaml_get(node, "program")) != NULL)
		marks->programs = read_words(l, sub, true);
	if ((sub = yaml_get(node, "contains")) != NULL)
		marks->contains = read_words(l, sub, false);
	if ((sub = yaml_get(node, "starts")) != NULL)
		marks->starts = read_words(l, sub, false);
	if ((sub = yaml_get(node, "keys")) != NULL)
		marks->keys = read_words(l, sub, false);
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
		marks->header = read_words(l, sub, false);
	if ((sub = yaml_get(node, "priority")) != NULL) {
		if (!yaml_long(sub, &priority) || priority < 0 ||
		    priority > 100)
			complain(l, sub, "priority must be 0 to 100");
		else
			marks->priority = (int)priority;
	}
	marks->sure = read_flag(l, node, "sure", true);
	for (size_t i = 0; i < marks->contains.n; i++)
		if (marks->contains.at[i].len < 3)
			complain(l, yaml_get(node, "contains"),
			    "a mark has at least 3 bytes");
	others = marks->programs.n + marks->contains.n + marks->starts.n +
	    marks->keys.n + marks->nvalues + marks->cef + marks->leef;
	if (others + marks->header.n == 0)
		complain(l, node, "match without a mark takes no line");
	if (others > 0 && marks->header.n > 0)
		complain(l, yaml_get(node, "header"), "header stands in a "
		    "block of its own");
}

static void
read_match(struct loader *l)
{
	const struct yaml_node *node = yaml_get(l->chain[0]->root, "match");
	size_t n = node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
	struct marks *marks = room(l, n, sizeof(*marks));

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
	rule->from = keep(l, from);
	if (node->kind == YAML_MAP) {
		check_keys(l, node, known, "rename");
		first = text_at(node, "first");
		if (slice_eq(first, SLICE("upper")))
			rule->first = 'u';
		else if (slice_eq(first, SLICE("lower")))
			rule->first = 'l';
		else if (first.len > 0)
			complain(l, yaml_get(node, "first"),
			    "first must be upper or lower");
		to = yaml_get(node, "to");
	}
	if (!is_text(to)) {
		complain(l, node, "rename needs the new name");
		return;
	}
	rule->to = to->text;
	if (rule->star && slice_ends(rule->to, SLICE("*")))
		rule->to.len--;
	else if (rule->star)
		complain(l, to, "the new name must end in * too");
	rule->to = keep(l, rule->to);
}

static void
read_renames(struct loader *l)
{
	struct rename_rule *rules;
	size_t n = 0, k = 0;

	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "rename");

		n += node != NULL && node->kind == YAML_MAP ? node->n : 0;
	}
	rules = room(l, n, sizeof(*rules));
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *node =
		    yaml_get(l->chain[c]->root, "rename");

		l->file = l->chain[c]->file;
		if (node == NULL || !want_map(l, node, "rename"))
			continue;
		for (size_t i = 0; i < node->n; i++)
			read_rename(l, node->keys[i], node->items[i],
			    &rules[k++]);
	}
	qsort(rules, k, sizeof(*rules), by_rule);
	l->def->renames = rules;
	l->def->nrenames = k;
}

/* --- examples ------------------------------------------------------------ */
static void
read_expect(struct loader *l, struct example *example,
    const struct yaml_node *node)
{
	struct example_field *fields;

	if (!want_map(l, node, "expect"))
		return;
	fields = room(l, node->n, sizeof(*fields));
	for (size_t i = 0; i < node->n; i++) {
		struct example_field *field = &fields[i];
		struct words values;

		field->name = keep(l, node->keys[i]->text);
		field->line = node->keys[i]->line;
		field->column = node->keys[i]->column;
		if (yaml_is_null(node->items[i])) {
			field->absent = true;
			continue;
		}
		values = read_words(l, node->items[i], false);
		field->values = values.at;
		field->n = values.n;
	}
	example->expect = fields;
	example->nexpect = node->n;
}

static void
read_examples(struct loader *l)
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
		complain(l, node, "examples must be a list");
		return;
	}
	examples = room(l, node->n, sizeof(*examples));
	for (size_t i = 0; i < node->n; i++) {
		const struct yaml_node *item = node->items[i];
		struct slice now = text_at(item, "now");

		if (!want_map(l, item, "an example"))
			continue;
		check_keys(l, item, known, "an example");
		examples[i].line_number = item->line;
		examples[i].line = keep(l, text_at(item, "line"));
		if (slice_ends(examples[i].line, SLICE("\n")))
			examples[i].line.len--;
		if (examples[i].line.len == 0)
			complain(l, item, "an example needs a line");
		if (yaml_get(item, "header") != NULL)
			examples[i].header = read_words(l, yaml_get(item,
			    "header"), false);
		examples[i].zone = keep(l, text_at(item, "zone"));
		if (now.len == 0)
			now = SLICE(EXAMPLE_NOW);
		if (!time_parse_rfc3339(now, &examples[i].now_ns))
			complain(l, yaml_get(item, "now"),
			    "now must be a time as in RFC 3339");
		if (yaml_get(item, "expect") != NULL)
			read_expect(l, &examples[i],
			    yaml_get(item, "expect"));
	}
	l->def->examples = examples;
	l->def->nexamples = node->n;
}

/* --- the whole ----------------------------------------------------------- */
/* The top of a definition in the form of a block; sets of what it stands on
 * come behind its own, so that its own win. */
static void
read_body(struct loader *l)
{
	struct block *body = &l->def->body;
	struct setting *sets;
	struct copy *copies;
	const struct block **when;
	size_t nsets = 0, ncopies = 0, nwhen = 0;
	size_t maxsets = 0, maxcopies = 0;

	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *set =
		    yaml_get(l->chain[c]->root, "set");
		const struct yaml_node *copy =
		    yaml_get(l->chain[c]->root, "copy");

		maxsets += set != NULL ? set->n : 0;
		maxcopies += copy != NULL ? copy->n : 0;
	}
	sets = room(l, maxsets + 8, sizeof(*sets));
	copies = room(l, maxcopies, sizeof(*copies));
	when = room(l, count_items(l, "when"), sizeof(*when));
	for (size_t c = 0; c < l->nchain; c++) {
		const struct yaml_node *root = l->chain[c]->root;
		const struct setting *s;
		const struct copy *p;
		size_t n;

		l->file = l->chain[c]->file;
		s = read_sets(l, yaml_get(root, "set"), &n);
		if (n > 0)
			memcpy(sets + nsets, s, n * sizeof(*s));
		nsets += n;
		p = read_copies(l, yaml_get(root, "copy"), &n);
		if (n > 0)
			memcpy(copies + ncopies, p, n * sizeof(*p));
		ncopies += n;
	}
	for (size_t c = l->nchain; c-- > 0; ) {
		const struct block *const *blocks;
		size_t n;

		l->file = l->chain[c]->file;
		blocks = read_when(l, yaml_get(l->chain[c]->root, "when"),
		    &n);
		for (size_t i = 0; i < n; i++)
			when[nwhen++] = blocks[i];
	}
	{
		static const char *const parts[] = { "vendor", "product",
		    "type", "name", NULL };
		const struct yaml_node *node = section(l, "observer");

		if (node != NULL && want_map(l, node, "observer")) {
			check_keys(l, node, parts, "observer");
			for (size_t i = 0; i < 4; i++) {
				struct slice text = text_at(node, parts[i]);

				if (text.len > 0)
					sets[nsets++] = (struct setting){
					    .field = field_part(l, node,
					    SLICE("observer"), parts[i]),
					    .value = value_text(keep(l, text),
					    TRANSFORM_OWNED) };
			}
		}
	}
	body->switch_slot = SLOT_NONE;
	body->switch_field = FIELD_NONE;
	body->sets = sets;
	body->nsets = nsets;
	body->copies = copies;
	body->ncopies = ncopies;
	body->when = when;
	body->nwhen = nwhen;
}

static void
read_head(struct loader *l)
{
	struct def *def = l->def;
	const struct yaml_node *node;
	ptrdiff_t bar;

	def->name = keep(l, l->chain[0]->name);
	def->file = slice_cstr(arena_cstr(l->arena,
	    slice_cstr(l->chain[0]->file)));
	def->description = keep(l, yaml_text(section(l, "description"),
	    slice_of("", 0)));
	bar = slice_find_byte(def->name, '_');
	def->module = keep(l, yaml_text(section(l, "module"), bar > 0
	    ? slice_head(def->name, (size_t)bar) : def->name));
	def->dataset = keep(l, yaml_text(section(l, "dataset"), def->name));
	node = section(l, "logsource");
	if (node != NULL)
		def->logsource = read_logsource(l, node, 0);
	node = section(l, "prefix");
	def->keep_unmapped = node == NULL || !yaml_is_null(node) ||
	    node->quoted;
	def->prefix = node == NULL ? def->module : keep(l, yaml_text(node,
	    slice_of("", 0)));
	if (slice_ends(def->prefix, SLICE(".")))
		def->prefix.len--;
	node = section(l, "keep");
	if (node != NULL && !yaml_bool(node, &def->keep))
		complain(l, node, "keep must be true or false");
	node = section(l, "unwrap");
	if (node != NULL && !yaml_bool(node, &def->unwrap))
		complain(l, node, "unwrap must be true or false");
	node = section(l, "skip");
	if (node != NULL)
		def->skip = read_words(l, node, false);
	node = section(l, "host");
	if (node != NULL) {
		struct slice host = yaml_text(node, slice_of("", 0));

		if (slice_eq(host, SLICE("observer")))
			def->host = HOST_IS_OBSERVER;
		else if (slice_eq(host, SLICE("none")))
			def->host = HOST_IS_NONE;
		else if (!slice_eq(host, SLICE("host")))
			complain(l, node, "host must be host, observer or "
			    "none");
	}
}

static void
read_join(struct loader *l)
{
	const struct yaml_node *node = section(l, "join");
	struct join_spec *spec;

	if (node == NULL || yaml_is_null(node))
		return;
	spec = join_spec_read(node, l->file, l->arena, l->owned, l->diag);
	if (yaml_get(node, "then") != NULL)
		spec->then = read_block(l, yaml_get(node, "then"));
	l->def->join = spec;
}

/* A capture that no rule names is the field of its name. */
static void
finish_slots(struct loader *l)
{
	struct def *def = l->def;
	bool captures = def->decoder.kind == DECODER_TEMPLATE ||
	    def->decoder.kind == DECODER_REGEX;

	for (size_t i = 0; captures && i < l->nslots; i++) {
		struct slice name = l->slot_names[i];
		struct keymap *map = &l->slot_targets[i];
		struct target *t;
		field_t field;

		if (map->n > 0 || slice_eq(name, SLICE("@timestamp")))
			continue;
		field = slice_find_byte(name, '.') > 0 || field_find(name) <
		    FIELD_KNOWN ? field_intern(name) : !def->keep_unmapped
		    ? FIELD_NONE : def->prefix.len > 0 ? field_part(l,
		    l->chain[0]->root, def->prefix,
		    arena_cstr(l->arena, name)) : field_intern(name);
		if (field == FIELD_NONE)
			continue;
		t = room(l, 1, sizeof(*t));
		*t = target_blank();
		target_fields(l, t, l->chain[0]->root, field_name(field));
		t->plain = is_plain(t);
		*map = (struct keymap){ (slot_t)i, t, 1 };
	}
	def->slots = l->slots;
	def->slot_names = l->slot_names;
	def->slot_targets = l->slot_targets;
	def->nslots = l->nslots;
	for (size_t i = 0; i < l->nslots; i++)
		l->slot_targets[i].slot = (slot_t)i;
}

/* A key with targets is known at the end of longer names too; what only a
 * condition or a time asks for is known by its whole name. */
static void
read_names(struct loader *l)
{
	const struct yaml_node *node = section(l, "names");
	struct slice word = yaml_text(node, SLICE("exact"));
	struct map *loose;

	if (!slice_eq(word, SLICE("exact")) &&
	    !slice_eq(word, SLICE("loose")))
		complain(l, node, "names are exact or loose");
	if (!slice_eq(word, SLICE("loose")))
		return;
	loose = map_new();
	own_map(l, loose);
	for (size_t i = 0; i < l->nslots; i++)
		loosename_add(loose, l->slot_names[i], (unsigned)i,
		    l->slot_targets[i].n > 0);
	l->def->loose = loose;
}

static const char *const top_keys[] = { "name", "description", "base",
    "module", "dataset", "logsource", "observer", "match", "decode",
    "prefix", "rename", "keep", "skip", "keys", "tables", "set", "time",
    "when", "copy", "templates", "patterns", "examples", "host",
    "unwrap", "join", "names", NULL };

static const struct source *
find_source(const struct loader *l, struct slice name)
{
	for (size_t i = l->nsources; i-- > 0; )
		if (slice_eq(l->sources[i].name, name))
			return &l->sources[i];
	return NULL;
}

static bool
read_chain(struct loader *l, const struct source *source)
{
	l->nchain = 0;
	for (;;) {
		const struct yaml_node *base = yaml_get(source->root, "base");

		l->chain[l->nchain++] = source;
		l->file = source->file;
		check_keys(l, source->root, top_keys, "a definition");
		if (base == NULL)
			return true;
		source = find_source(l, yaml_text(base, slice_of("", 0)));
		if (source == NULL || l->nchain == CHAIN) {
			complain(l, base, source == NULL
			    ? "there is no definition of that name"
			    : "definitions stand on each other in a circle");
			return false;
		}
	}
}

static struct def *
read_def(struct loader *l, const struct source *source)
{
	size_t errors = diag_errors(l->diag);
	struct map *slots = map_new();

	own_map(l, slots);
	l->def = room(l, 1, sizeof(*l->def));
	l->slots = slots;
	l->nslots = 0;
	l->slot_names = xcalloc(DEF_SLOTS, sizeof(*l->slot_names));
	l->slot_targets = xcalloc(DEF_SLOTS, sizeof(*l->slot_targets));
	l->tables = map_new();
	l->depth = 0;
	if (read_chain(l, source)) {
		struct slice *names;
		struct keymap *targets;

		read_head(l);
		read_tables(l);
		read_renames(l);
		read_keys(l);
		read_decode(l);
		read_body(l);
		read_times(l);
		read_join(l);
		read_match(l);
		read_examples(l);
		/* What was made with the most room now gets its own. */
		names = room(l, l->nslots, sizeof(*names));
		targets = room(l, (l->nslots + 63) / 64 * 64,
		    sizeof(*targets));
		memcpy(names, l->slot_names, l->nslots * sizeof(*names));
		memcpy(targets, l->slot_targets, l->nslots *
		    sizeof(*targets));
		free(l->slot_names);
		free(l->slot_targets);
		l->slot_names = names;
		l->slot_targets = targets;
		read_names(l);
		finish_slots(l);
	} else {
		free(l->slot_names);
		free(l->slot_targets);
	}
	map_free(l->tables);
	return diag_errors(l->diag) > errors ? NULL : l->def;
}

static bool
is_def_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return name.len > 0 && name.len <= 100;
}

static void
collect(struct loader *l, const struct yaml_doc *doc)
{
	for (size_t i = 0; i < yaml_count(doc); i++) {
		const struct yaml_node *root = yaml_root(doc, i);
		struct slice name = text_at(root, "name");

		l->file = yaml_file(doc);
		if (root->kind != YAML_MAP) {
			complain(l, root, "a definition is a map");
			continue;
		}
		if (!is_def_name(name)) {
			complain(l, root, "a definition needs a name of "
			    "lower-case letters, digits and underscores");
			continue;
		}
		if (l->nsources == DEF_LIMIT) {
			complain(l, root, "more than %d definitions",
			    DEF_LIMIT);
			return;
		}
		l->sources = xrealloc(l->sources, (l->nsources + 1) *
		    sizeof(*l->sources));
		l->sources[l->nsources++] = (struct source){ root,
		    yaml_file(doc), name };
	}
}

#define BUILTIN 16
size_t
def_load(const char *const *files, size_t nfiles,
    const char *const *builtin, struct arena *arena,
    struct def_owned *owned, struct def ***defs, struct diag *diag)
{
	struct loader l = { .arena = arena, .owned = owned, .diag = diag };
	struct yaml_doc **docs = xcalloc(nfiles + BUILTIN,
	    sizeof(struct yaml_doc *));
	size_t n = 0, ndocs = 0;

	for (; builtin[ndocs] != NULL && ndocs < BUILTIN; ndocs++)
		docs[ndocs] = yaml_parse(slice_cstr(builtin[ndocs]),
		    "(built in)", diag);
	for (size_t i = 0; i < nfiles; i++)
		docs[ndocs++] = yaml_load(files[i], diag);
	for (size_t i = 0; i < ndocs; i++)
		if (docs[i] != NULL)
			collect(&l, docs[i]);
	*defs = xcalloc(l.nsources + 1, sizeof(struct def *));
	for (size_t i = 0; i < l.nsources; i++) {
		struct def *def;

		if (find_source(&l, l.sources[i].name) != &l.sources[i])
			continue;	/* a later one replaces it */
		def = read_def(&l, &l.sources[i]);
		if (def != NULL)
			(*defs)[n++] = def;
	}
	for (size_t i = 0; i < ndocs; i++)
		yaml_free(docs[i]);
	free(docs);
	free(l.sources);
	return n;
}

void
def_owned_free(struct def_owned *owned)
{
	for (size_t i = 0; i < owned->nmaps; i++)
		map_free(owned->maps[i]);
	for (size_t i = 0; i < owned->nregexes; i++)
		regex_free(owned->regexes[i]);
	for (size_t i = 0; i < owned->ncodes; i++)
		pcre2_code_free(owned->codes[i]);
	free(owned->maps);
	free(owned->regexes);
	free(owned->codes);
}
