/* The shapes are read when the chunk is opened, and tell for every field how
 * many values its column must have; nothing else is read before it is asked
 * for.
 */
#include "storage/chunk.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "engine/logsource.h"
#include "engine/strbuf.h"
#include "storage/chunk_source.h"
#include "storage/codec.h"
#include "storage/pack.h"

#define ARENA_BLOCK ((size_t)256 << 10)

/* Fields of all shapes together: 65,536 events of 32 MB cannot have more, and
 * a hostile table of shapes takes no more memory than this. */
#define SHAPE_FIELDS ((size_t)16 << 20)

struct field_of_chunk {
	field_t	 field;
	uint16_t id;
	bool	 tried;		/* opened, or found to be unreadable */
	uint32_t values;
	struct column *column, *head;
};

struct raw_page {
	const char *bytes;	/* NULL until read */
	uint32_t *offsets;
};

struct chunk {
	struct chunk_source source;
	struct arena *arena;
	uint32_t n;
	uint64_t seq0, seq1;
	struct shape *shapes;
	size_t	 nshapes;
	struct field_of_chunk *fields;	/* rising by field */
	size_t	 nfields;
	struct field_of_chunk members[MEMBERS];
	struct raw_page *pages;
};

static int
damaged(struct chunk *chunk, struct err *err, const char *what)
{
	if (chunk->source.damaged != NULL)
		chunk->source.damaged(chunk->source.context);
	return err_set(err, ERR_DAMAGED, "%s", what);
}

/* --- boxes: packed bytes with their own head ----------------------------- */

struct slice
box_put(struct packer *packer, struct slice raw, uint16_t n,
    struct strbuf *scratch, struct arena *arena)
{
	char *head, *p;
	enum codec codec;
	uint32_t crc;

	check(raw.len <= SECTION_BYTES);
	strbuf_clear(scratch);
	strbuf_room(scratch, BOX_HEAD);
	scratch->len = BOX_HEAD;
	codec = packer_run(packer, raw, scratch);
	head = scratch->ptr;
	head[0] = 0;
	head[1] = (char)codec;
	p = put_u16(head + 2, n);
	p = put_u32(p, (uint32_t)raw.len);
	crc = crc32c(0, slice_of(head, 8));
	put_u32(p, crc32c(crc, slice_skip(strbuf_slice(scratch), BOX_HEAD)));
	return arena_dup(arena, strbuf_slice(scratch));
}

static bool
box_get(struct slice box, uint16_t n, struct arena *arena, struct slice *raw)
{
	struct slice packed;
	uint32_t bytes, crc;
	char *room;

	if (box.len < BOX_HEAD || box.ptr[0] != 0 || get_u16(box.ptr + 2) != n)
		return false;
	packed = slice_skip(box, BOX_HEAD);
	bytes = get_u32(box.ptr + 4);
	crc = crc32c(0, slice_head(box, 8));
	if (crc32c(crc, packed) != get_u32(box.ptr + 8) ||
	    bytes > SECTION_BYTES)
		return false;
	room = arena_text(arena, bytes);
	if (!codec_unpack((uint8_t)box.ptr[1], packed, room, bytes))
		return false;
	*raw = slice_of(room, bytes);
	return true;
}

/* --- opening ------------------------------------------------------------- */

/* What the table of shapes says about each id of the file. */
struct reading {
	uint32_t values[CHUNK_FIELDS];	/* so far */
	field_t	 fields[CHUNK_FIELDS];	/* FIELD_NONE: no name, not shown */
	bool	 known[CHUNK_FIELDS];
	size_t	 total;			/* fields of all shapes */
};

static field_t
field_of_id(struct chunk *chunk, struct reading *reading, unsigned id)
{
	if (!reading->known[id]) {
		reading->known[id] = true;
		reading->fields[id] = chunk->source.field_of(
		    chunk->source.context, id);
	}
	return reading->fields[id];
}

struct place {
	field_t	 field;
	uint32_t value0;
};

static int
by_field(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	return (left->field > right->field) - (left->field < right->field);
}

/* One shape. Ids rise in the file, fields must rise in memory. */
static bool
shape_get(struct chunk *chunk, struct reading *reading, struct reader *r,
    struct place *places, struct shape *shape)
{
	uint64_t rows = read_varint(r), id = 0, skip;
	size_t n = read_count(r, 1), used = 0;
	bool sorted = true;
	field_t *fields;
	uint32_t *value0;

	if (r->bad || rows == 0 || rows > chunk->n - shape->row0 ||
	    n > EVENT_FIELDS_MOST || (reading->total += n) > SHAPE_FIELDS)
		return false;
	shape->rows = (uint32_t)rows;
	for (size_t i = 0; i < n; i++) {
		skip = read_varint(r);
		id += skip;
		if (skip == 0 || skip >= CHUNK_FIELDS || id >= CHUNK_FIELDS ||
		    id < CHUNK_FIELD_FIRST)
			return false;
		places[used].field = field_of_id(chunk, reading, (unsigned)id);
		places[used].value0 = reading->values[id];
		reading->values[id] += shape->rows;
		if (places[used].field == FIELD_NONE)
			continue;
		sorted = sorted && (used == 0 ||
		    places[used - 1].field < places[used].field);
		used++;
	}
	if (!sorted)
		qsort(places, used, sizeof(*places), by_field);
	fields = arena_alloc(chunk->arena, used * sizeof(*fields));
	value0 = arena_alloc(chunk->arena, used * sizeof(*value0));
	for (size_t i = 0; i < used; i++) {
		/* Two ids of one name would give a field twice. */
		if (i > 0 && places[i].field == places[i - 1].field)
			return false;
		fields[i] = places[i].field;
		value0[i] = places[i].value0;
	}
	shape->n = (uint16_t)used;
	shape->fields = fields;
	shape->value0 = value0;
	return true;
}

static int
field_order(const void *a, const void *b)
{
	const struct field_of_chunk *left = a, *right = b;

	return (left->field > right->field) - (left->field < right->field);
}

static void
fields_list(struct chunk *chunk, const struct reading *reading)
{
	size_t n = 0;

	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		n += reading->values[id] > 0;
	chunk->fields = arena_zalloc(chunk->arena,
	    n * sizeof(*chunk->fields));
	for (unsigned id = 0; id < CHUNK_FIELDS; id++) {
		if (reading->values[id] == 0 ||
		    reading->fields[id] == FIELD_NONE)
			continue;
		chunk->fields[chunk->nfields++] = (struct field_of_chunk){
		    .field = reading->fields[id], .id = (uint16_t)id,
		    .values = reading->values[id] };
	}
	qsort(chunk->fields, chunk->nfields, sizeof(*chunk->fields),
	    field_order);
}

static bool
shapes_read(struct chunk *chunk, struct reading *reading, struct slice raw)
{
	struct reader r = reader_of(raw);
	struct place places[EVENT_FIELDS_MOST];
	uint32_t row = 0;
	size_t n = read_count(&r, 2);

	if (n == 0 || n > chunk->n)
		return false;
	chunk->shapes = arena_zalloc(chunk->arena, n * sizeof(*chunk->shapes));
	for (size_t i = 0; i < n; i++) {
		chunk->shapes[i].row0 = row;
		if (!shape_get(chunk, reading, &r, places, &chunk->shapes[i]))
			return false;
		row += chunk->shapes[i].rows;
	}
	chunk->nshapes = n;
	return !r.bad && r.at == r.end && row == chunk->n;
}

struct chunk *
chunk_open_source(const struct chunk_source *source,
    const struct chunk_head *head, struct err *err)
{
	struct chunk *chunk = xcalloc(1, sizeof(*chunk));
	struct reading *reading = xcalloc(1, sizeof(*reading));
	struct slice raw;

	chunk->source = *source;
	chunk->arena = arena_new(ARENA_BLOCK);
	chunk->n = head->n;
	chunk->seq0 = head->seq0;
	chunk->seq1 = head->seq1;
	for (unsigned i = 0; i < MEMBERS; i++)
		chunk->members[i] = (struct field_of_chunk){
		    .field = FIELD_NONE, .id = (uint16_t)i,
		    .values = head->n };
	if (head->n == 0 || head->n > COLUMN_VALUES ||
	    !box_get(head->fields, 0, chunk->arena, &raw) ||
	    !shapes_read(chunk, reading, raw)) {
		damaged(chunk, err, "shapes do not check");
		goto fail;
	}
	fields_list(chunk, reading);
	chunk->pages = arena_zalloc(chunk->arena,
	    (chunk->n / CHUNK_PAGE + 1) * sizeof(*chunk->pages));
	free(reading);
	return chunk;

fail:
	free(reading);
	chunk_close(chunk);
	return NULL;
}

void
chunk_close(struct chunk *chunk)
{
	if (chunk == NULL)
		return;
	if (chunk->source.close != NULL)
		chunk->source.close(chunk->source.context);
	arena_free(chunk->arena);
	free(chunk);
}

uint32_t
chunk_rows(const struct chunk *chunk)
{
	return chunk->n;
}

size_t
chunk_shapes(const struct chunk *chunk, const struct shape **shapes)
{
	*shapes = chunk->shapes;
	return chunk->nshapes;
}

/* --- columns ------------------------------------------------------------- */

/* The shapes promise a column: that there is none is damage. */
static const struct column *
column_load(struct chunk *chunk, struct field_of_chunk *field,
    struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	if (field->column != NULL)
		return field->column;
	if (field->tried) {
		err_set(err, ERR_DAMAGED, "column %u: damaged", field->id);
		return NULL;
	}
	field->column = column_open(&chunk->source, field->id, field->values,
	    chunk->arena, &why);
	if (field->column != NULL)
		return field->column;
	if (why.kind == ERR_NONE)
		damaged(chunk, &why, "a column is missing");
	field->tried = why.kind == ERR_DAMAGED;
	if (err != NULL)
		*err = why;
	return NULL;
}

static struct field_of_chunk *
field_find_in(const struct chunk *chunk, field_t field)
{
	size_t low = 0, high = chunk->nfields;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (chunk->fields[middle].field < field)
			low = middle + 1;
		else
			high = middle;
	}
	return low < chunk->nfields && chunk->fields[low].field == field ?
	    &chunk->fields[low] : NULL;
}

const struct column *
chunk_column(struct chunk *chunk, field_t field, struct err *err)
{
	struct field_of_chunk *found = field_find_in(chunk, field);

	return found != NULL ? column_load(chunk, found, err) : NULL;
}

const struct column *
chunk_column_head(struct chunk *chunk, field_t field, struct err *err)
{
	struct field_of_chunk *found = field_find_in(chunk, field);

	if (found == NULL)
		return NULL;
	if (found->column != NULL)
		return found->column;
	if (found->head == NULL)
		found->head = column_open_head(&chunk->source, found->id,
		    found->values, chunk->arena, err);
	return found->head;
}

uint32_t
chunk_values(const struct chunk *chunk, field_t field)
{
	const struct field_of_chunk *found = field_find_in(chunk, field);

	return found != NULL ? found->values : 0;
}

static const int64_t *
member_numbers(struct chunk *chunk, enum chunk_member member, struct err *err)
{
	const struct column *column = column_load(chunk,
	    &chunk->members[member], err);
	const int64_t *numbers;

	if (column == NULL)
		return NULL;
	if (column_kind(column) != COLUMN_INT) {
		damaged(chunk, err, "a time or sequence is no number");
		return NULL;
	}
	numbers = column_numbers(column);
	if (numbers == NULL)
		err_set(err, ERR_DAMAGED, "column %u: damaged", member);
	return numbers;
}

const int64_t *
chunk_times(struct chunk *chunk, struct err *err)
{
	return member_numbers(chunk, MEMBER_TIME, err);
}

const int64_t *
chunk_ingested(struct chunk *chunk, struct err *err)
{
	return member_numbers(chunk, MEMBER_INGESTED, err);
}

const uint64_t *
chunk_seqs(struct chunk *chunk, struct err *err)
{
	return (const uint64_t *)(const void *)
	    member_numbers(chunk, MEMBER_SEQ, err);
}

static const struct shape *
shape_of(const struct chunk *chunk, uint32_t row)
{
	size_t low = 0, high = chunk->nshapes;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (chunk->shapes[middle].row0 <= row)
			low = middle;
		else
			high = middle;
	}
	return &chunk->shapes[low];
}

int64_t
chunk_value_index(const struct chunk *chunk, field_t field, uint32_t row)
{
	const struct shape *shape;
	size_t low = 0, high;

	check(row < chunk->n);
	shape = shape_of(chunk, row);
	high = shape->n;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (shape->fields[middle] < field)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == shape->n || shape->fields[low] != field)
		return -1;
	return (int64_t)shape->value0[low] + (row - shape->row0);
}

/* --- raw lines ----------------------------------------------------------- */

/* A page: the lengths, then the bytes. */
static bool
page_read(struct chunk *chunk, uint32_t k, uint32_t rows, struct err *err)
{
	struct raw_page *page = &chunk->pages[k];
	struct slice data, raw;
	uint32_t n, *offsets;
	uint64_t at = 0;
	struct reader r;
	int found;

	found = chunk->source.page(chunk->source.context, k, chunk->arena, &n,
	    &data, err);
	if (found < 0)
		return false;
	if (found == 0 || n != rows ||
	    !box_get(data, (uint16_t)n, chunk->arena, &raw)) {
		damaged(chunk, err, "a page of raw lines does not check");
		return false;
	}
	r = reader_of(raw);
	offsets = arena_alloc(chunk->arena, (n + 1) * sizeof(*offsets));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t length = read_varint(&r);

		offsets[i] = (uint32_t)at;
		at += length <= SECTION_BYTES ? length : SECTION_BYTES + 1;
		if (at > SECTION_BYTES)
			r.bad = true;
	}
	offsets[n] = (uint32_t)at;
	if (r.bad || at != reader_left(&r)) {
		damaged(chunk, err, "raw lines do not fit their page");
		return false;
	}
	page->bytes = r.at;
	page->offsets = offsets;
	return true;
}

bool
chunk_raw_page(struct chunk *chunk, uint32_t page, const char **bytes,
    const uint32_t **offsets, uint32_t *rows, struct err *err)
{
	uint32_t left;

	check(page <= (chunk->n - 1) / CHUNK_PAGE);
	left = chunk->n - page * CHUNK_PAGE;
	*rows = left < CHUNK_PAGE ? left : CHUNK_PAGE;
	if (chunk->pages[page].bytes == NULL &&
	    !page_read(chunk, page, *rows, err))
		return false;
	*bytes = chunk->pages[page].bytes;
	*offsets = chunk->pages[page].offsets;
	return true;
}

bool
chunk_raw(struct chunk *chunk, uint32_t row, struct slice *out,
    struct err *err)
{
	uint32_t i = row % CHUNK_PAGE, rows;
	const uint32_t *offsets;
	const char *bytes;

	check(row < chunk->n);
	if (!chunk_raw_page(chunk, row / CHUNK_PAGE, &bytes, &offsets, &rows,
	    err))
		return false;
	*out = slice_of(bytes + offsets[i], offsets[i + 1] - offsets[i]);
	return true;
}

/* --- whole events -------------------------------------------------------- */

static bool
member_value(struct chunk *chunk, enum chunk_member member, uint32_t row,
    struct value *out, struct err *err)
{
	const struct column *column = column_load(chunk,
	    &chunk->members[member], err);

	return column != NULL && column_value(column, row, out, err);
}

/* category, product and service, a TAB between. */
static uint16_t
logsource_of(struct slice text)
{
	struct logsource logsource;
	ptrdiff_t tab = slice_find_byte(text, '\t');

	if (tab < 0)
		return 0;
	logsource.category = slice_head(text, (size_t)tab);
	text = slice_skip(text, (size_t)tab + 1);
	tab = slice_find_byte(text, '\t');
	if (tab < 0)
		return 0;
	logsource.product = slice_head(text, (size_t)tab);
	logsource.service = slice_skip(text, (size_t)tab + 1);
	return logsource_intern(logsource);
}

static bool
members_get(struct chunk *chunk, uint32_t row, struct arena *arena,
    struct event *out, struct err *err)
{
	const int64_t *times = chunk_times(chunk, err);
	const int64_t *ingested = chunk_ingested(chunk, err);
	const uint64_t *seqs = chunk_seqs(chunk, err);
	struct value value;

	if (times == NULL || ingested == NULL || seqs == NULL)
		return false;
	out->time_ns = times[row];
	out->ingested_ns = ingested[row];
	out->seq = seqs[row];
	if (!member_value(chunk, MEMBER_PEER, row, &value, err))
		return false;
	if (value.type == VALUE_TEXT)
		out->peer = arena_dup(arena, slice_of(value.text, value.len));
	if (!member_value(chunk, MEMBER_LOGSOURCE, row, &value, err))
		return false;
	if (value.type == VALUE_TEXT)
		out->logsource = logsource_of(slice_of(value.text, value.len));
	if (!member_value(chunk, MEMBER_FLAGS, row, &value, err))
		return false;
	out->has_time = value.type == VALUE_LONG &&
	    (value.u.num & FLAG_HAS_TIME) != 0;
	return true;
}

/* The bits of event->tags from the words in `tags`. */
void
event_tags_restore(struct event *event)
{
	const struct value *tags = event_get(event, FIELD_TAGS);

	for (size_t i = 0; tags != NULL && i < value_members(tags); i++) {
		const struct value *word = value_member(tags, i);

		for (unsigned tag = 0; word->type == VALUE_TEXT &&
		    tag < EVENT_TAGS; tag++)
			if (slice_eq(slice_of(word->text, word->len),
			    slice_cstr(event_tag_name(tag))))
				event_tag(event, tag);
	}
}

bool
chunk_event(struct chunk *chunk, uint32_t row, struct arena *arena,
    struct event *out, struct err *err)
{
	const struct shape *shape;
	const struct column *column;
	struct value value;
	struct batch *batch;
	struct slice raw;

	check(row < chunk->n);
	shape = shape_of(chunk, row);
	batch = arena_zalloc(arena, sizeof(*batch));
	batch->phase = BATCH_MATCHED;
	batch->node = chunk->source.node;
	batch->arena = arena;
	event_init(out, batch);
	if (!members_get(chunk, row, arena, out, err) ||
	    !chunk_raw(chunk, row, &raw, err))
		return false;
	out->raw = arena_dup(arena, raw);
	/* event_get reads whole vectors of fields. */
	out->fields = arena_zalloc(arena,
	    ((size_t)shape->n + 8) * sizeof(*out->fields));
	out->values = arena_alloc(arena, shape->n * sizeof(*out->values));
	for (unsigned i = 0; i < shape->n; i++) {
		field_t field = shape->fields[i];

		column = chunk_column(chunk, field, err);
		if (column == NULL || !column_value(column,
		    shape->value0[i] + (row - shape->row0), &value, err))
			return false;
		out->fields[i] = field;
		out->values[i] = value_dup(arena, &value);
		if (field < 256)
			out->present[field >> 6] |= UINT64_C(1) <<
			    (field & 63);
	}
	out->n = out->cap = shape->n;
	out->sealed = true;
	event_tags_restore(out);
	return true;
}
