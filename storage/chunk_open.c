/* The shapes are read when the chunk is opened, and tell for every field how
 * many values its column must have; nothing else is read before it is asked
 * for.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "storage/chunk_private.h"
#include "storage/codec.h"
#include "storage/pack.h"

#define ARENA_BLOCK ((size_t)256 << 10)

/* Fields of all shapes together: 65,536 events of 32 MB cannot have more, and
 * a hostile table of shapes takes no more memory than this. */
#define SHAPE_FIELDS ((size_t)16 << 20)

int
chunk_damaged(struct chunk *chunk, struct err *err, const char *what)
{
	if (chunk->source.damaged != NULL)
		chunk->source.damaged(chunk->source.context);
	return err_set(err, ERR_DAMAGED, "%s", what);
}

/* --- boxes: packed bytes with their own head ----------------------------- */

struct slice
box_put(const struct boxer *boxer, unsigned format, uint16_t n,
    struct slice raw)
{
	struct strbuf *scratch = boxer->scratch;
	char *head, *p;
	enum codec codec;
	uint32_t crc;

	check(raw.len <= SECTION_BYTES);
	strbuf_clear(scratch);
	strbuf_room(scratch, BOX_HEAD);
	scratch->len = BOX_HEAD;
	codec = packer_run(boxer->packer, raw, scratch);
	head = scratch->ptr;
	head[0] = (char)format;
	head[1] = (char)codec;
	p = put_u16(head + 2, n);
	p = put_u32(p, (uint32_t)raw.len);
	crc = crc32c(0, slice_of(head, 8));
	put_u32(p, crc32c(crc, slice_skip(strbuf_slice(scratch), BOX_HEAD)));
	return arena_dup(boxer->arena, strbuf_slice(scratch));
}

bool
box_get(struct slice box, uint16_t n, struct arena *arena, struct slice *raw)
{
	struct slice packed;
	uint32_t bytes, crc;
	char *room;

	if (box.len < BOX_HEAD || get_u16(box.ptr + 2) != n)
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

/* Formats: 0 as in version 1 of the files, 2 with templates. */
static unsigned
box_format(struct slice box)
{
	return box.len > 0 ? (uint8_t)box.ptr[0] : 0;
}

/* --- opening ------------------------------------------------------------- */

/* What the table of shapes says about each id of the file. */
struct reading {
	uint32_t values[CHUNK_FIELDS];	/* so far */
	uint32_t stored[CHUNK_FIELDS];
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

/* Ids that rise, each as the difference to the one before. */
static bool
ids_get(struct reader *r, uint16_t *ids, size_t n)
{
	uint64_t id = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t skip = read_varint(r);

		id += skip;
		if (skip == 0 || skip >= CHUNK_FIELDS || id >= CHUNK_FIELDS ||
		    id < CHUNK_FIELD_FIRST)
			return false;
		ids[i] = (uint16_t)id;
	}
	return !r->bad;
}

/* The ids of a shape; a shape of format 2 may have those of the one before, and
 * names the ids that have no column. */
static bool
shape_ids_get(struct chunk *chunk, struct reading *reading, struct reader *r,
    size_t s, uint32_t rows, bool repeated)
{
	struct shape_ids *shape = &chunk->shape_ids[s];
	uint16_t *ids, without[EVENT_FIELDS_MOST];
	size_t n, nwithout = 0, k = 0;
	uint32_t *stored0;

	if (repeated) {
		if (s == 0)
			return false;
		n = shape[-1].n;
		shape->ids = shape[-1].ids;
	} else {
		n = read_count(r, 1);
		if (r->bad || n > EVENT_FIELDS_MOST)
			return false;
		ids = arena_alloc(chunk->arena, n * sizeof(*ids));
		if (!ids_get(r, ids, n))
			return false;
		shape->ids = ids;
	}
	if ((reading->total += n) > SHAPE_FIELDS)
		return false;
	shape->n = (uint16_t)n;
	if (chunk->format == 2) {
		nwithout = read_count(r, 1);
		if (nwithout > n || !ids_get(r, without, nwithout))
			return false;
	}
	stored0 = arena_alloc(chunk->arena, n * sizeof(*stored0));
	shape->stored0 = stored0;
	for (size_t i = 0; i < n; i++) {
		unsigned id = shape->ids[i];

		stored0[i] = NOT_STORED;
		if (k < nwithout && without[k] == id) {
			k++;
			continue;
		}
		stored0[i] = reading->stored[id];
		reading->stored[id] += rows;
	}
	return k == nwithout;
}

/* One shape. Ids rise in the file, fields must rise in memory. */
static bool
shape_get(struct chunk *chunk, struct reading *reading, struct reader *r,
    struct place *places, size_t s)
{
	struct shape *shape = &chunk->shapes[s];
	uint64_t rows = read_varint(r);
	bool sorted = true, repeated = false;
	size_t used = 0;
	field_t *fields;
	uint32_t *value0;

	if (chunk->format == 2) {
		repeated = (rows & 1) != 0;
		rows >>= 1;
	}
	if (r->bad || rows == 0 || rows > chunk->n - shape->row0 ||
	    !shape_ids_get(chunk, reading, r, s, (uint32_t)rows, repeated))
		return false;
	shape->rows = (uint32_t)rows;
	for (size_t i = 0; i < chunk->shape_ids[s].n; i++) {
		unsigned id = chunk->shape_ids[s].ids[i];

		places[used].field = field_of_id(chunk, reading, id);
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

/* Fields of no name here stand at the end: raw lines may need them. */
static void
fields_list(struct chunk *chunk, const struct reading *reading)
{
	size_t n = 0;

	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		n += reading->values[id] > 0;
	chunk->fields = arena_zalloc(chunk->arena,
	    n * sizeof(*chunk->fields));
	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		if (reading->values[id] > 0)
			chunk->fields[chunk->nfields++] =
			    (struct field_of_chunk){
			    .field = reading->fields[id], .id = (uint16_t)id,
			    .values = reading->values[id],
			    .stored = reading->stored[id] };
	qsort(chunk->fields, chunk->nfields, sizeof(*chunk->fields),
	    field_order);
	chunk->at_id = arena_zalloc(chunk->arena,
	    CHUNK_FIELDS * sizeof(*chunk->at_id));
	for (size_t i = 0; i < chunk->nfields; i++)
		chunk->at_id[chunk->fields[i].id] = (uint16_t)(i + 1);
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
	chunk->shape_ids = arena_zalloc(chunk->arena,
	    n * sizeof(*chunk->shape_ids));
	for (size_t i = 0; i < n; i++) {
		chunk->shapes[i].row0 = row;
		if (!shape_get(chunk, reading, &r, places, i))
			return false;
		row += chunk->shapes[i].rows;
	}
	chunk->nshapes = n;
	return !r.bad && r.at == r.end && row == chunk->n;
}

static bool
format_known(struct chunk *chunk, struct slice box)
{
	switch (box_format(box)) {
	case 0:
		chunk->format = 1;
		return true;
	case 2:
		chunk->format = 2;
		return true;
	default:
		return false;
	}
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
	strbuf_init(&chunk->line);
	for (unsigned i = 0; i < MEMBERS; i++)
		chunk->members[i] = (struct field_of_chunk){
		    .field = FIELD_NONE, .id = (uint16_t)i,
		    .values = head->n, .stored = head->n };
	if (head->n == 0 || head->n > COLUMN_VALUES ||
	    !format_known(chunk, head->fields) ||
	    !box_get(head->fields, 0, chunk->arena, &raw) ||
	    !shapes_read(chunk, reading, raw)) {
		chunk_damaged(chunk, err, "shapes do not check");
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
	strbuf_fini(&chunk->line);
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
