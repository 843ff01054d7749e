/* The column of a field that has no column of its own, or not for all rows: it
 * repeats others, or is a stretch of the line. Who asks sees one column.
 *
 * Where all that it comes from has dictionaries we make one dictionary of them,
 * so that counting and comparing cost what they cost elsewhere. Else it is TEXT,
 * and a value is made when it is asked for.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "storage/chunk_private.h"

/* Rows of one template that have the field. */
struct stretch {
	uint32_t value0, rows;
	size_t	 t;
	const struct origin_read *origin;	/* NULL: its own column */
	struct value_place place;	/* own column, or its twin's */
};

struct view {
	struct chunk *chunk;
	struct field_of_chunk *field;
	struct stretch *stretches;	/* by value0 */
	size_t	 n;
};

static const struct origin_read *
origin_of(const struct chunk *chunk, size_t t,
    const struct field_of_chunk *field)
{
	const struct template_read *read = &chunk->templates[t];

	for (size_t i = 0; i < read->norigins; i++)
		if (read->origins[i].field == field)
			return &read->origins[i];
	return NULL;
}

static void
stretch_add(struct view *view, size_t t, uint32_t *value0)
{
	struct chunk *chunk = view->chunk;
	const struct shape_ids *ids = &chunk->shape_ids[t];
	struct stretch *stretch = &view->stretches[view->n];

	for (unsigned k = 0; k < ids->n; k++) {
		if (ids->ids[k] != view->field->id)
			continue;
		*stretch = (struct stretch){ .value0 = *value0,
		    .rows = chunk->shapes[t].rows, .t = t,
		    .place = { view->field, ids->stored0[k] } };
		if (ids->stored0[k] == NOT_STORED) {
			stretch->origin = origin_of(chunk, t, view->field);
			stretch->place = stretch->origin->twin;
		}
		*value0 += stretch->rows;
		view->n++;
		return;
	}
}

static struct view *
view_new(struct chunk *chunk, struct field_of_chunk *field)
{
	struct view *view = arena_zalloc(chunk->arena, sizeof(*view));
	uint32_t value0 = 0;
	size_t n = 0;

	for (size_t t = 0; t < chunk->nshapes; t++)
		for (unsigned k = 0; k < chunk->shape_ids[t].n; k++)
			n += chunk->shape_ids[t].ids[k] == field->id;
	view->chunk = chunk;
	view->field = field;
	view->stretches = arena_zalloc(chunk->arena,
	    n * sizeof(*view->stretches));
	for (size_t t = 0; t < chunk->nshapes; t++)
		stretch_add(view, t, &value0);
	return view;
}

/* --- text by text --------------------------------------------------------- */

static bool
view_value(void *context, uint32_t i, struct value *out, struct err *err)
{
	const struct view *view = context;
	const struct stretch *stretch;
	size_t low = 0, high = view->n;
	struct column *column;
	uint32_t at;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (view->stretches[middle].value0 <= i)
			low = middle;
		else
			high = middle;
	}
	stretch = &view->stretches[low];
	at = i - stretch->value0;
	if (stretch->origin != NULL)
		return chunk_origin_value(view->chunk, stretch->t,
		    stretch->origin, view->chunk->shapes[stretch->t].row0 + at,
		    out, err);
	column = chunk_own_column(view->chunk, view->field, err);
	return column != NULL &&
	    column_value(column, stretch->place.base + at, out, err);
}

/* The one type of all values, as far as their headers tell. */
static unsigned
view_type(struct view *view, struct err *err)
{
	unsigned type = 0;

	for (size_t i = 0; i < view->n; i++) {
		const struct origin_read *origin = view->stretches[i].origin;
		struct column *column;
		unsigned mine;

		if (origin != NULL) {
			mine = origin->origin.type;
		} else {
			column = chunk_own_column(view->chunk, view->field,
			    err);
			if (column == NULL)
				return 0;
			mine = column_type(column) != VALUE_NULL ?
			    column_type(column) : COLUMN_MIXED;
		}
		type = i == 0 || type == mine ? mine : COLUMN_MIXED;
	}
	return type;
}

/* --- one dictionary ------------------------------------------------------- */

/* Entries while they are gathered. */
struct gathering {
	struct arena *arena;
	struct value *entries;
	uint32_t *uses, *codes, *slots;
	uint32_t n, cap;
	size_t	 nslots;
};

static bool
entry_same(const struct value *a, const struct value *b)
{
	char one[VALUE_TEXT_BYTES], two[VALUE_TEXT_BYTES];

	if (!value_same(a, b))
		return false;
	if (a->type == VALUE_LIST) {
		for (uint32_t i = 0; i < a->len; i++)
			if (!entry_same(&a->u.items[i], &b->u.items[i]))
				return false;
		return true;
	}
	return slice_eq(value_as_text(a, one), value_as_text(b, two));
}

static uint64_t
entry_hash(const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];

	return value->type == VALUE_LIST ? value->len :
	    hash64(value_as_text(value, buf));
}

static uint32_t
entry_of(struct gathering *g, const struct value *value)
{
	size_t at = entry_hash(value) & (g->nslots - 1);

	for (; g->slots[at] != 0; at = (at + 1) & (g->nslots - 1))
		if (entry_same(&g->entries[g->slots[at] - 1], value))
			return g->slots[at] - 1;
	check(g->n < g->cap);
	g->entries[g->n] = *value;
	g->slots[at] = ++g->n;
	return g->n - 1;
}

/* The codes of a stretch: each entry of its column is translated once. */
static bool
stretch_gather(struct gathering *g, const struct stretch *stretch,
    const struct column *column)
{
	bool constant = column_kind(column) == COLUMN_CONST;
	const uint32_t *codes = constant ? NULL : column_codes(column);
	uint32_t n = column_dict_count(column);
	uint32_t *known = xcalloc(n, sizeof(*known));

	for (uint32_t i = 0; i < stretch->rows && (constant ||
	    codes != NULL); i++) {
		uint32_t code = constant ? 0 :
		    codes[stretch->place.base + i];

		if (known[code] == 0) {
			char buf[VALUE_TEXT_BYTES];
			struct value value;
			struct slice text;

			column_dict_value(column, code, &value);
			if (stretch->origin != NULL) {
				text = value_as_text(&value, buf);
				if (value.text == NULL)
					text = arena_dup(g->arena, text);
				value_parse(text, TRANSFORM_OWNED,
				    stretch->origin->origin.type, &value);
			}
			known[code] = entry_of(g, &value) + 1;
		}
		g->codes[stretch->value0 + i] = known[code] - 1;
		g->uses[known[code] - 1]++;
	}
	free(known);
	return constant || codes != NULL;
}

/* The entries that the columns of all stretches can have together; 0 if one has
 * no dictionary, -1 if one does not read. */
static int64_t
entries_most(struct view *view, struct err *err)
{
	const struct field_of_chunk *last = NULL;
	unsigned last_type = 0;
	int64_t most = 0;

	for (size_t i = 0; i < view->n; i++) {
		struct stretch *stretch = &view->stretches[i];
		unsigned type = stretch->origin != NULL ?
		    stretch->origin->origin.type : 0;
		struct column *column;

		if (stretch->origin != NULL &&
		    stretch->origin->origin.role != ROLE_SAME)
			return 0;
		column = chunk_own_column(view->chunk, stretch->place.field,
		    err);
		if (column == NULL)
			return -1;
		if (column_kind(column) != COLUMN_CONST &&
		    column_kind(column) != COLUMN_DICT)
			return 0;
		if (stretch->place.field != last || type != last_type)
			most += column_dict_count(column);
		last = stretch->place.field;
		last_type = type;
	}
	return most < view->field->values ? most : view->field->values;
}

static struct column *
dictionary_make(struct view *view, uint32_t most, unsigned type,
    struct err *err)
{
	struct arena *arena = view->chunk->arena;
	struct gathering g = { .arena = arena, .cap = most, .nslots = 16 };
	bool good = true;

	while (g.nslots < (size_t)most * 2)
		g.nslots *= 2;
	g.slots = xcalloc(g.nslots, sizeof(*g.slots));
	g.entries = arena_zalloc(arena, most * sizeof(*g.entries));
	g.uses = arena_zalloc(arena, most * sizeof(*g.uses));
	g.codes = arena_alloc(arena, view->field->values * sizeof(*g.codes));
	for (size_t i = 0; i < view->n && good; i++)
		good = stretch_gather(&g, &view->stretches[i],
		    chunk_own_column(view->chunk,
		    view->stretches[i].place.field, err));
	free(g.slots);
	if (!good) {
		err_set(err, ERR_DAMAGED, "column %u: damaged",
		    view->field->id);
		return NULL;
	}
	return column_of_codes(&view->chunk->source, view->field->id,
	    (struct column_codes){ .type = (uint8_t)type,
	    .count = view->field->values, .n = g.n, .entries = g.entries,
	    .uses = g.uses, .codes = g.codes }, arena);
}

struct column *
chunk_view(struct chunk *chunk, struct field_of_chunk *field,
    struct err *err)
{
	struct view *view;
	struct err why = { .kind = ERR_NONE };
	unsigned type;
	int64_t most;

	if (field->view != NULL)
		return field->view;
	if (!chunk_templates(chunk, err))
		return NULL;
	view = view_new(chunk, field);
	type = view_type(view, &why);
	most = why.kind == ERR_NONE ? entries_most(view, &why) : -1;
	if (most > 0)
		field->view = dictionary_make(view, (uint32_t)most, type,
		    &why);
	else if (most == 0)
		field->view = column_of_lender(&chunk->source, field->id,
		    (struct column_lender){ .type = (uint8_t)type,
		    .count = field->values, .value = view_value,
		    .context = view }, chunk->arena);
	if (field->view == NULL && err != NULL)
		*err = why;
	return field->view;
}
