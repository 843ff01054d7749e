/* Rows are put in order first: events with the same fields and dataset are one
 * shape, shapes of one dataset stand together, and within a shape rows go by
 * time. So a field's values are one run for each shape, lines that look alike
 * are neighbours, and most values repeat the one before.
 *
 * Then every value is copied once to the array of its column, and columns are
 * packed one by one; see column_build.c. The raw lines go to pages of
 * CHUNK_PAGE rows. yagura-chunk(5) draws the bytes.
 */
#include "storage/chunk_build.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/hash.h"
#include "engine/logsource.h"
#include "engine/strbuf.h"
#include "storage/chunk.h"
#include "storage/codec.h"
#include "storage/column_build.h"
#include "storage/pack.h"

#define ARENA_BLOCK ((size_t)1 << 20)

struct shape_built {
	const struct event *first;	/* gives fields and dataset */
	struct slice dataset;
	uint64_t hash;
	uint32_t rows, row0;
	uint32_t seen;		/* in this order */
	uint32_t filled;	/* while rows are placed */
};

struct column_values {
	unsigned id;
	uint32_t n, filled;
	struct value *values;
};

struct builder {
	const struct event *const *events;
	size_t	 n;
	const struct event **rows;	/* in their order in the chunk */
	struct shape_built *shapes;
	size_t	 nshapes, shapes_cap;
	uint32_t *shape_of;		/* [n] of events[i] */
	uint32_t *slots;		/* 1 + shape */
	size_t	 nslots;
	struct column_values *columns;	/* by id */
	uint16_t *column_of;		/* [FIELD_LIMIT] id, of fields seen */
	bool	*column_known;
	struct packer *packer;
	struct column_builder *packing;
	struct chunk_packed *out;
	struct strbuf scratch;
};

/* --- shapes -------------------------------------------------------------- */

static struct slice
dataset_of(const struct event *event)
{
	const struct value *value = event_get(event, FIELD_EVENT_DATASET);

	return value != NULL && value->type == VALUE_TEXT ?
	    slice_of(value->text, value->len) : slice_of("", 0);
}

static struct slice
fields_bytes(const struct event *event)
{
	return slice_of((const char *)event->fields,
	    event->n * sizeof(*event->fields));
}

static bool
fits_shape(const struct shape_built *shape, const struct event *event,
    struct slice dataset)
{
	return shape->first->n == event->n &&
	    slice_eq(fields_bytes(shape->first), fields_bytes(event)) &&
	    slice_eq(shape->dataset, dataset);
}

static void
slots_fill(struct builder *b)
{
	free(b->slots);
	b->nslots = b->nslots > 0 ? b->nslots * 4 : 256;
	b->slots = xcalloc(b->nslots, sizeof(*b->slots));
	for (uint32_t i = 0; i < b->nshapes; i++) {
		size_t at = b->shapes[i].hash & (b->nslots - 1);

		while (b->slots[at] != 0)
			at = (at + 1) & (b->nslots - 1);
		b->slots[at] = i + 1;
	}
}

static uint32_t
shape_new(struct builder *b, const struct event *event, struct slice dataset,
    uint64_t hash)
{
	if (b->nshapes == b->shapes_cap) {
		b->shapes_cap = b->shapes_cap > 0 ? b->shapes_cap * 2 : 256;
		b->shapes = xrealloc(b->shapes,
		    b->shapes_cap * sizeof(*b->shapes));
	}
	b->shapes[b->nshapes] = (struct shape_built){ .first = event,
	    .dataset = dataset, .hash = hash, .seen = (uint32_t)b->nshapes };
	return (uint32_t)b->nshapes++;
}

static uint32_t
shape_find(struct builder *b, const struct event *event)
{
	struct slice dataset = dataset_of(event);
	uint64_t hash = hash64(fields_bytes(event)) ^ hash64(dataset);
	size_t at;
	uint32_t shape;

	if (b->nshapes * 2 >= b->nslots)
		slots_fill(b);
	at = hash & (b->nslots - 1);
	for (; b->slots[at] != 0; at = (at + 1) & (b->nslots - 1)) {
		shape = b->slots[at] - 1;
		if (b->shapes[shape].hash == hash &&
		    fits_shape(&b->shapes[shape], event, dataset))
			return shape;
	}
	shape = shape_new(b, event, dataset, hash);
	b->slots[at] = shape + 1;
	return shape;
}

static int
shape_order(const void *a, const void *b)
{
	const struct shape_built *left = a, *right = b;
	int order = slice_cmp(left->dataset, right->dataset);

	if (order == 0)
		order = (left->seen > right->seen) - (left->seen < right->seen);
	return order;
}

/* Merges by time; equal times keep their order, which is that of arrival. */
static void
sort_by_time(const struct event **rows, const struct event **room, size_t n)
{
	size_t half = n / 2, i = 0, j = half, at = 0;
	bool sorted = true;

	for (size_t k = 1; k < n && sorted; k++)
		sorted = rows[k - 1]->time_ns <= rows[k]->time_ns;
	if (sorted)
		return;
	sort_by_time(rows, room, half);
	sort_by_time(rows + half, room, n - half);
	memcpy(room, rows, n * sizeof(const struct event *));
	while (i < half && j < n)
		rows[at++] = room[j]->time_ns < room[i]->time_ns ?
		    room[j++] : room[i++];
	while (i < half)
		rows[at++] = room[i++];
	while (j < n)
		rows[at++] = room[j++];
}

static void
rows_order(struct builder *b)
{
	const struct event **room = xcalloc(b->n, sizeof(*room));
	uint32_t *place = xcalloc(b->n, sizeof(*place));
	uint32_t row = 0;

	for (size_t i = 0; i < b->n; i++) {
		b->shape_of[i] = shape_find(b, b->events[i]);
		b->shapes[b->shape_of[i]].rows++;
	}
	qsort(b->shapes, b->nshapes, sizeof(*b->shapes), shape_order);
	for (uint32_t i = 0; i < b->nshapes; i++) {
		place[b->shapes[i].seen] = i;
		b->shapes[i].row0 = row;
		row += b->shapes[i].rows;
	}
	for (size_t i = 0; i < b->n; i++) {
		struct shape_built *shape = &b->shapes[place[b->shape_of[i]]];

		b->rows[shape->row0 + shape->filled++] = b->events[i];
	}
	for (size_t i = 0; i < b->nshapes; i++)
		sort_by_time(b->rows + b->shapes[i].row0, room,
		    b->shapes[i].rows);
	free(place);
	free(room);
}

/* --- columns ------------------------------------------------------------- */

static unsigned
id_of(struct builder *b, const struct field_ids *ids, field_t field)
{
	unsigned id;

	if (!b->column_known[field]) {
		id = ids->id_of(ids->context, field);
		check(id < CHUNK_FIELDS);
		b->column_known[field] = true;
		b->column_of[field] = (uint16_t)id;
		b->columns[id].id = id;
	}
	return b->column_of[field];
}

static void
columns_size(struct builder *b, const struct field_ids *ids)
{
	struct column_values *column;
	size_t total = 0;
	struct value *values;

	for (size_t i = 0; i < b->nshapes; i++) {
		const struct shape_built *shape = &b->shapes[i];

		for (unsigned j = 0; j < shape->first->n; j++)
			b->columns[id_of(b, ids,
			    shape->first->fields[j])].n += shape->rows;
	}
	b->out->values_dropped = b->columns[CHUNK_FIELD_NONE].n;
	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		total += b->columns[id].n;
	values = xmalloc(total * sizeof(*values) + 1);
	for (unsigned id = 0; id < CHUNK_FIELDS; id++) {
		column = &b->columns[id];
		column->values = values;
		values += column->n;
	}
}

static void
columns_fill(struct builder *b)
{
	struct column_values *into[EVENT_FIELDS_MOST];

	for (size_t i = 0; i < b->nshapes; i++) {
		const struct shape_built *shape = &b->shapes[i];
		unsigned n = shape->first->n;

		check(n <= EVENT_FIELDS_MOST);
		for (unsigned j = 0; j < n; j++)
			into[j] = &b->columns[b->column_of[
			    shape->first->fields[j]]];
		for (uint32_t k = 0; k < shape->rows; k++) {
			const struct event *event = b->rows[shape->row0 + k];

			for (unsigned j = 0; j < n; j++)
				into[j]->values[into[j]->filled++] =
				    event->values[j];
		}
	}
}

static struct packed_block *
block_next(struct builder *b, unsigned id)
{
	struct packed_block *block = &b->out->blocks[b->out->nblocks++];

	block->id = (uint16_t)id;
	return block;
}

static void
columns_pack(struct builder *b)
{
	for (unsigned id = CHUNK_FIELD_FIRST; id < CHUNK_FIELDS; id++)
		if (b->columns[id].n > 0)
			column_build(b->packing, b->columns[id].values,
			    b->columns[id].n, b->out->arena,
			    &block_next(b, id)->block);
}

/* --- members of struct event --------------------------------------------- */

static struct value
member_logsource(struct builder *b, const struct event *event)
{
	const struct logsource *logsource = logsource_at(event->logsource);
	char *text, *at;
	size_t n;

	if (event->logsource == 0)
		return value_text(slice_of("", 0), TRANSFORM_OWNED);
	n = logsource->category.len + logsource->product.len +
	    logsource->service.len + 2;
	at = text = arena_text(b->out->arena, n);
	if (logsource->category.len > 0)
		at = mempcpy(at, logsource->category.ptr,
		    logsource->category.len);
	*at++ = '\t';
	if (logsource->product.len > 0)
		at = mempcpy(at, logsource->product.ptr,
		    logsource->product.len);
	*at++ = '\t';
	if (logsource->service.len > 0)
		memcpy(at, logsource->service.ptr, logsource->service.len);
	return value_text(slice_of(text, n), TRANSFORM_OWNED);
}

static void
values_pack(struct builder *b, enum chunk_member member, struct value *values)
{
	column_build(b->packing, values, (uint32_t)b->n, b->out->arena,
	    &block_next(b, member)->block);
}

static void
texts_pack(struct builder *b)
{
	struct value *values = xcalloc(b->n, sizeof(*values));

	for (size_t i = 0; i < b->n; i++)
		values[i] = value_text(b->rows[i]->peer, TRANSFORM_OWNED);
	values_pack(b, MEMBER_PEER, values);
	for (size_t i = 0; i < b->n; i++) {
		if (i > 0 && b->rows[i]->logsource ==
		    b->rows[i - 1]->logsource)
			values[i] = values[i - 1];
		else
			values[i] = member_logsource(b, b->rows[i]);
	}
	values_pack(b, MEMBER_LOGSOURCE, values);
	for (size_t i = 0; i < b->n; i++)
		values[i] = value_long(b->rows[i]->has_time ?
		    FLAG_HAS_TIME : 0);
	values_pack(b, MEMBER_FLAGS, values);
	free(values);
}

static void
numbers_pack(struct builder *b, enum chunk_member member,
    const int64_t *numbers)
{
	column_build_numbers(b->packing, numbers, (uint32_t)b->n,
	    member == MEMBER_SEQ ? VALUE_LONG : VALUE_TIME, b->out->arena,
	    &block_next(b, member)->block);
}

static void
members_pack(struct builder *b)
{
	int64_t *numbers = xcalloc(b->n, sizeof(*numbers));
	struct chunk_packed *out = b->out;

	out->t_min = INT64_MAX;
	out->t_max = INT64_MIN;
	out->seq0 = UINT64_MAX;
	for (size_t i = 0; i < b->n; i++) {
		int64_t time = b->rows[i]->time_ns;

		numbers[i] = time;
		out->t_min = time < out->t_min ? time : out->t_min;
		out->t_max = time > out->t_max ? time : out->t_max;
	}
	numbers_pack(b, MEMBER_TIME, numbers);
	for (size_t i = 0; i < b->n; i++)
		numbers[i] = b->rows[i]->ingested_ns;
	numbers_pack(b, MEMBER_INGESTED, numbers);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t seq = b->rows[i]->seq;

		numbers[i] = (int64_t)seq;
		out->seq0 = seq < out->seq0 ? seq : out->seq0;
		out->seq1 = seq > out->seq1 ? seq : out->seq1;
	}
	numbers_pack(b, MEMBER_SEQ, numbers);
	free(numbers);
	texts_pack(b);
}

/* --- shapes and raw lines ------------------------------------------------ */

static void
scratch_varint(struct strbuf *raw, uint64_t n)
{
	char *at = strbuf_room(raw, VARINT_BYTES);

	raw->len += (size_t)(put_varint(at, n) - at);
}

static int
id_order(const void *a, const void *b)
{
	const uint16_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void
shape_put(struct builder *b, const struct shape_built *shape,
    struct strbuf *raw)
{
	uint16_t ids[EVENT_FIELDS_MOST], last = 0;
	size_t n = 0;

	for (unsigned j = 0; j < shape->first->n; j++) {
		uint16_t id = b->column_of[shape->first->fields[j]];

		if (id != CHUNK_FIELD_NONE)
			ids[n++] = id;
	}
	qsort(ids, n, sizeof(*ids), id_order);
	scratch_varint(raw, shape->rows);
	scratch_varint(raw, n);
	for (size_t j = 0; j < n; j++) {
		scratch_varint(raw, (unsigned)(ids[j] - last));
		last = ids[j];
	}
}

static void
shapes_pack(struct builder *b)
{
	struct strbuf raw;

	strbuf_init(&raw);
	scratch_varint(&raw, b->nshapes);
	for (size_t i = 0; i < b->nshapes; i++)
		shape_put(b, &b->shapes[i], &raw);
	b->out->fields = box_put(b->packer, strbuf_slice(&raw), 0,
	    &b->scratch, b->out->arena);
	strbuf_fini(&raw);
}

static void
pages_pack(struct builder *b)
{
	struct chunk_packed *out = b->out;
	struct strbuf raw;

	strbuf_init(&raw);
	out->pages = arena_alloc(out->arena,
	    (b->n / CHUNK_PAGE + 1) * sizeof(*out->pages));
	for (size_t at = 0; at < b->n; at += CHUNK_PAGE) {
		size_t n = b->n - at < CHUNK_PAGE ? b->n - at : CHUNK_PAGE;

		strbuf_clear(&raw);
		for (size_t i = at; i < at + n; i++)
			scratch_varint(&raw, b->rows[i]->raw.len);
		for (size_t i = at; i < at + n; i++) {
			strbuf_put(&raw, b->rows[i]->raw);
			out->raw_bytes += b->rows[i]->raw.len;
		}
		out->pages[out->npages++] = (struct packed_page){
		    .n = (uint32_t)n, .data = box_put(b->packer,
		    strbuf_slice(&raw), (uint16_t)n, &b->scratch,
		    out->arena) };
	}
	strbuf_fini(&raw);
}

/* ------------------------------------------------------------------------- */

static size_t
columns_count(const struct builder *b)
{
	size_t n = MEMBERS;

	for (unsigned id = CHUNK_FIELD_FIRST; id < CHUNK_FIELDS; id++)
		n += b->columns[id].n > 0;
	return n;
}

struct chunk_packed *
chunk_build(const struct event *const *events, size_t n,
    const struct field_ids *ids, struct packer *packer)
{
	struct chunk_packed *out = xcalloc(1, sizeof(*out));
	struct builder b = { .events = events, .n = n, .packer = packer,
	    .out = out };

	check(n > 0 && n <= COLUMN_VALUES);
	out->arena = arena_new(ARENA_BLOCK);
	out->n = (uint32_t)n;
	strbuf_init(&b.scratch);
	b.rows = xcalloc(n, sizeof(*b.rows));
	b.shape_of = xcalloc(n, sizeof(*b.shape_of));
	b.columns = xcalloc(CHUNK_FIELDS, sizeof(*b.columns));
	b.column_of = xcalloc(FIELD_LIMIT, sizeof(*b.column_of));
	b.column_known = xcalloc(FIELD_LIMIT, sizeof(*b.column_known));
	b.packing = column_builder_new(packer);

	rows_order(&b);
	columns_size(&b, ids);
	columns_fill(&b);
	out->blocks = arena_zalloc(out->arena,
	    columns_count(&b) * sizeof(*out->blocks));
	members_pack(&b);
	columns_pack(&b);
	shapes_pack(&b);
	pages_pack(&b);

	column_builder_free(b.packing);
	free(b.columns[0].values);
	free(b.column_known);
	free(b.column_of);
	free(b.columns);
	free(b.shape_of);
	free(b.shapes);
	free(b.slots);
	free(b.rows);
	strbuf_fini(&b.scratch);
	return out;
}

void
chunk_packed_free(struct chunk_packed *packed)
{
	if (packed == NULL)
		return;
	arena_free(packed->arena);
	free(packed);
}
