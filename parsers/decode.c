#include "parsers/decode.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/map.h"
#include "parsers/loosename.h"

#define LIST_ITEMS 512	/* members of one list; more stay in the raw line */

decode_fn *const runners[] = {
#define DECODER(id, name, run) run,
#include "parsers/decode.def"
#undef DECODER
};

bool
decode_run(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	reading->decoder = decoder;
	if (decoder->after.len > 0) {
		ptrdiff_t at = slice_find(body, decoder->after);

		if (at < 0)
			return false;
		body = slice_skip(body, (size_t)at + decoder->after.len);
	}
	return runners[decoder->kind](reading, decoder, body, parent);
}

bool
decode_none(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	(void)decoder;
	if (reading->def->nslots > 0)
		reading_put(reading, parent, SLICE("body"),
		    reading_text(reading, body));
	return true;
}

/* `reserved` of a list under construction is its capacity. */
static void
append(struct reading *reading, struct value *list, struct value item)
{
	struct value *items;
	unsigned cap;

	if (list->type != VALUE_LIST) {
		items = arena_alloc(reading->arena, 4 * sizeof(*items));
		items[0] = *list;
		*list = value_list(items, 1);
		list->reserved = 4;
	}
	if (list->len >= LIST_ITEMS)
		return;
	if (list->len >= list->reserved) {
		cap = list->len < 4 ? 4 : list->len * 2;
		items = arena_alloc(reading->arena, cap * sizeof(*items));
		if (list->len > 0)
			memcpy(items, list->u.items,
			    list->len * sizeof(*items));
		list->u.items = items;
		list->reserved = (uint16_t)cap;
	}
	{
		union { const struct value *in; struct value *out; } room =
		    { .in = list->u.items };

		room.out[list->len++] = item;
	}
}

static inline void
put_slot(struct reading *reading, slot_t slot, const struct value *value)
{
	uint64_t bit = UINT64_C(1) << (slot & 63);

	if ((reading->present[slot >> 6] & bit) == 0) {
		reading->present[slot >> 6] |= bit;
		reading->slots[slot] = *value;
	} else if (reading->decoder->twice_last) {
		reading->slots[slot] = *value;
	} else if (!reading->decoder->twice_first) {
		append(reading, &reading->slots[slot], *value);
	}
}

void
reading_put_slot(struct reading *reading, slot_t slot,
    const struct value *value)
{
	put_slot(reading, slot, value);
}

/* --- what a key means ---------------------------------------------------- */
static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* The name after the definition's renaming, in buf or as it was. */
static struct slice
renamed(const struct def *def, struct slice name, char *buf, bool *changed)
{
	*changed = false;
	for (size_t i = 0; i < def->nrenames; i++) {
		const struct rename_rule *rule = &def->renames[i];
		struct slice rest;

		if (rule->star ? !slice_starts(name, rule->from)
		    : !slice_eq(name, rule->from))
			continue;
		*changed = true;
		if (!rule->star)
			return rule->to;
		rest = slice_skip(name, rule->from.len);
		if (rule->to.len + rest.len > FIELD_NAME_BYTES)
			return name;
		memcpy(buf, rule->to.ptr, rule->to.len);
		if (rest.len > 0)
			memcpy(buf + rule->to.len, rest.ptr, rest.len);
		if (rest.len > 0 && rule->first == 'u')
			buf[rule->to.len] = upper(buf[rule->to.len]);
		else if (rest.len > 0 && rule->first == 'l')
			buf[rule->to.len] = ascii_lower(buf[rule->to.len]);
		return slice_of(buf, rule->to.len + rest.len);
	}
	return name;
}

/* Names that only we give: whoever could send them would forge alerts, or the
 * id of somebody else's event. */
static bool
name_is_ours(struct slice name)
{
	return slice_eq_nocase(name, SLICE("event.id")) ||
	    (name.len > 7 && slice_eq_nocase(slice_head(name, 7),
	    SLICE("yagura.")));
}

static field_t
kept_under(struct slice prefix, struct slice name)
{
	char buf[FIELD_NAME_BYTES];

	if (prefix.len + 1 + name.len > FIELD_NAME_BYTES)
		return FIELD_NONE;
	memcpy(buf, prefix.ptr, prefix.len);
	buf[prefix.len] = '.';
	memcpy(buf + prefix.len + 1, name.ptr, name.len);
	return field_intern(slice_of(buf, prefix.len + 1 + name.len));
}

static field_t
kept_field(const struct def *def, struct slice name, bool as_is)
{
	if (!def->keep_unmapped || name.len == 0)
		return FIELD_NONE;
	if (as_is || def->prefix.len == 0)
		return name_is_ours(name) ? kept_under(SLICE("sender"),
		    name) : field_intern(name);
	return kept_under(def->prefix, name);
}

/* Known fields are what their names say, and nothing else. */
static bool
find_slot(const struct def *def, struct slice name, struct binding *binding)
{
	const union map_value *exact = def->slots == NULL ? NULL
	    : map_find(def->slots, name);
	unsigned slot;

	if (exact != NULL) {
		binding->slot = (slot_t)exact->num;
		return true;
	}
	if (def->loose == NULL || (def->prefix.len == 0 &&
	    field_find(name) < FIELD_KNOWN) ||
	    !loosename_find(def->loose, name, &slot))
		return false;
	binding->slot = (slot_t)slot;
	binding->loose = true;
	return true;
}

static struct binding
binding_make(const struct def *def, struct slice name)
{
	struct binding binding = { .slot = SLOT_NONE, .keep = FIELD_NONE,
	    .known = true };
	char buf[FIELD_NAME_BYTES];
	bool changed, mapped = false, keep = def->keep, drop = false;

	name = renamed(def, name, buf, &changed);
	if (find_slot(def, name, &binding)) {
		const struct keymap *map =
		    &def->slot_targets[binding.slot];

		mapped = map->n > 0;
		for (size_t i = 0; i < map->n; i++) {
			keep = keep || map->targets[i].keep;
			drop = drop || map->targets[i].drop;
		}
	}
	if (!drop && (!mapped || keep))
		binding.keep = kept_field(def, name, changed);
	return binding;
}

/* Fills in the row of a node that the definition meets for the first time. */
static struct binding *
binding_meet(struct reading *reading, uint32_t node)
{
	unsigned number = reading->def->number;
	size_t n = reading->nbindings[number], more;
	struct binding *rows = reading->bindings[number];

	if (node >= n) {
		more = n == 0 ? 64 : n * 2;
		while (more <= node)
			more *= 2;
		rows = xrealloc(rows, more * sizeof(*rows));
		memset(rows + n, 0, (more - n) * sizeof(*rows));
		reading->rows = reading->bindings[number] = rows;
		reading->nrows = reading->nbindings[number] = more;
	}
	if (!rows[node].known)
		rows[node] = binding_make(reading->def,
		    keytree_name(reading->tree, node));
	return &rows[node];
}

void
reading_put_node(struct reading *reading, uint32_t node,
    const struct value *value)
{
	struct binding *binding = NULL;

	if (node < reading->nrows)
		binding = &reading->rows[node];
	if (binding == NULL || !binding->known) {
		if (node == KEYTREE_NONE) {
			event_tag(reading->event, EVENT_TAG_FIELDS_CAPPED);
			return;
		}
		binding = binding_meet(reading, node);
	}
	if (binding->slot != SLOT_NONE && (!binding->loose ||
	    binding->filled == reading->attempt ||
	    reading_slot(reading, binding->slot) == NULL)) {
		put_slot(reading, binding->slot, value);
		binding->filled = reading->attempt;
	}
	if (binding->keep == FIELD_NONE)
		return;
	if (reading->nextras == EVENT_FIELDS) {
		event_tag(reading->event, EVENT_TAG_FIELDS_CAPPED);
		return;
	}
	reading->extras[reading->nextras++] = (struct extra){ binding->keep,
	    binding->seen == reading->attempt, *value };
	binding->seen = reading->attempt;
}

void
reading_put(struct reading *reading, uint32_t parent, struct slice key,
    struct value value)
{
	reading_put_node(reading, keytree_child(reading->tree, parent, key),
	    &value);
}

struct value
unescape_text(struct reading *reading, struct slice text,
    enum transform transform)
{
	const char *slash = text.len == 0 ? NULL
	    : memchr(text.ptr, '\\', text.len);
	char *out;
	size_t n;

	if (slash == NULL)
		return reading_text(reading, text);
	out = arena_text(reading->arena, text.len);
	n = (size_t)(slash - text.ptr);
	memcpy(out, text.ptr, n);
	for (size_t i = n; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\' && i + 1 < text.len) {
			char next = text.ptr[i + 1];

			/* Only what the format escapes; "C:\new" stays. */
			if (next == '\\' || next == '=' || next == '|' ||
			    next == '"' || next == '\'' || next == ']') {
				c = next;
				i++;
			} else if (transform == TRANSFORM_CEF &&
			    (next == 'n' || next == 'r')) {
				c = next == 'n' ? '\n' : '\r';
				i++;
			}
		}
		out[n++] = c;
	}
	return value_text(slice_of(out, n), reading->owned
	    ? TRANSFORM_OWNED : transform);
}
