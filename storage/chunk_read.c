/* Columns and whole events of an open chunk. */
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/logsource.h"
#include "storage/chunk_private.h"

/* --- columns ------------------------------------------------------------- */

/* The shapes promise a column: that there is none is damage. */
struct column *
chunk_own_column(struct chunk *chunk, struct field_of_chunk *field,
    struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	if (field->column != NULL)
		return field->column;
	if (field->tried) {
		err_set(err, ERR_DAMAGED, "column %u: damaged", field->id);
		return NULL;
	}
	field->column = column_open(&chunk->source, field->id, field->stored,
	    chunk->arena, &why);
	if (field->column != NULL)
		return field->column;
	if (why.kind == ERR_NONE)
		chunk_damaged(chunk, &why, "a column is missing");
	field->tried = why.kind == ERR_DAMAGED;
	if (err != NULL)
		*err = why;
	return NULL;
}

static struct field_of_chunk *
field_find_in(const struct chunk *chunk, field_t field)
{
	size_t low = 0, high = chunk->nfields;

	if (field == FIELD_NONE)
		return NULL;
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

	if (found == NULL)
		return NULL;
	return found->stored == found->values ?
	    chunk_own_column(chunk, found, err) :
	    chunk_view(chunk, found, err);
}

const struct column *
chunk_column_head(struct chunk *chunk, field_t field, struct err *err)
{
	struct field_of_chunk *found = field_find_in(chunk, field);

	if (found == NULL)
		return NULL;
	if (found->stored != found->values)
		return chunk_view(chunk, found, err);
	if (found->column != NULL)
		return found->column;
	if (found->head == NULL)
		found->head = column_open_head(&chunk->source, found->id,
		    found->values, chunk->arena, err);
	return found->head;
}

bool
chunk_is_stored(const struct chunk *chunk, field_t field)
{
	const struct field_of_chunk *found = field_find_in(chunk, field);

	return found != NULL && found->stored == found->values;
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
	const struct column *column = chunk_own_column(chunk,
	    &chunk->members[member], err);
	const int64_t *numbers;

	if (column == NULL)
		return NULL;
	if (column_kind(column) != COLUMN_INT) {
		chunk_damaged(chunk, err, "a time or sequence is no number");
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

const struct column *
chunk_logsources(struct chunk *chunk, struct err *err)
{
	return chunk_own_column(chunk, &chunk->members[MEMBER_LOGSOURCE],
	    err);
}

size_t
chunk_shape_at(const struct chunk *chunk, uint32_t row)
{
	size_t low = 0, high = chunk->nshapes;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (chunk->shapes[middle].row0 <= row)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int64_t
chunk_value_index(const struct chunk *chunk, field_t field, uint32_t row)
{
	const struct shape *shape;
	size_t low = 0, high;

	check(row < chunk->n);
	shape = &chunk->shapes[chunk_shape_at(chunk, row)];
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

/* --- whole events -------------------------------------------------------- */

static bool
member_value(struct chunk *chunk, enum chunk_member member, uint32_t row,
    struct value *out, struct err *err)
{
	const struct column *column = chunk_own_column(chunk,
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

/* The line of a row and where its parts begin. A line that is kept whole has
 * none. */
static bool
line_get(struct chunk *chunk, size_t t, uint32_t row, struct arena *arena,
    struct slice *raw, uint32_t *begins, struct err *err)
{
	if (!chunk_templates(chunk, err))
		return false;
	if (chunk->format == 1) {
		if (!chunk_raw(chunk, row, raw, err))
			return false;
		*raw = arena_dup(arena, *raw);
		return true;
	}
	strbuf_clear(&chunk->line);
	if (!chunk_parts_put(chunk, t, row, 0,
	    chunk->templates[t].template.nparts, &chunk->line, begins, err))
		return false;
	*raw = arena_dup(arena, strbuf_slice(&chunk->line));
	return true;
}

static struct value *
value_of(const struct shape *shape, const struct field_of_chunk *field,
    struct event *event)
{
	for (unsigned i = 0; i < shape->n; i++)
		if (shape->fields[i] == field->field)
			return &event->values[i];
	return NULL;
}

/* A text that stands in the line is the line's, as when the event came. */
static void
fields_of_parts(struct chunk *chunk, size_t t, struct event *event,
    const uint32_t *begins)
{
	const struct template_read *read = &chunk->templates[t];

	for (unsigned p = 0; p < read->template.nparts; p++) {
		const struct part *part = &read->template.parts[p];
		struct value *value;

		if (part->kind != PART_FIELD || part->how != HOW_PLAIN)
			continue;
		value = value_of(&chunk->shapes[t],
		    read->places[part->value].field, event);
		if (value == NULL || value->type == VALUE_LIST)
			continue;
		value->text = event->raw.ptr + begins[p];
		value->len = begins[p + 1] - begins[p];
		value->transform = TRANSFORM_NONE;
	}
}

static bool
field_of_origin(struct chunk *chunk, size_t t,
    const struct origin_read *origin, struct event *event,
    const uint32_t *begins, struct err *err)
{
	const struct shape *shape = &chunk->shapes[t];
	struct value *value = value_of(shape, origin->field, event), *twin;
	char buf[VALUE_TEXT_BYTES];
	struct slice text;
	size_t from, to;

	if (value == NULL)
		return true;
	if (origin->origin.role == ROLE_SAME) {
		twin = value_of(shape, origin->twin.field, event);
		if (twin == NULL)
			return true;	/* of no name here: as it was read */
		text = value_as_text(twin, buf);
		if (twin->text == NULL)
			text = arena_dup(event->batch->arena, text);
		value_parse(text, twin->transform, origin->origin.type,
		    value);
		return true;
	}
	from = (size_t)begins[origin->origin.from] + origin->origin.from_at;
	to = (size_t)begins[origin->origin.to] + origin->origin.to_at;
	if (from > to || to > event->raw.len) {
		chunk_damaged(chunk, err, "a field is outside its line");
		return false;
	}
	text = slice_of(event->raw.ptr + from, to - from);
	if (origin->origin.how != HOW_PLAIN) {
		union { const char *in; char *out; } room =
		    { .in = arena_dup(event->batch->arena, text).ptr };

		if (!how_undo(origin->origin.how, room.out, &text.len)) {
			chunk_damaged(chunk, err,
			    "a field in a line does not check");
			return false;
		}
		text.ptr = room.in;
	}
	value_parse(text, origin->origin.how == HOW_PLAIN ? TRANSFORM_NONE :
	    origin->origin.how == HOW_JSON ? TRANSFORM_JSON :
	    TRANSFORM_OWNED, origin->origin.type, value);
	return true;
}

/* All values; those of fields with an origin from the line that was just put
 * together. */
static bool
values_get(struct chunk *chunk, size_t t, uint32_t row, struct event *out,
    const uint32_t *begins, struct err *err)
{
	const struct template_read *read = &chunk->templates[t];
	const struct shape *shape = &chunk->shapes[t];
	const struct shape_ids *ids = &chunk->shape_ids[t];

	for (unsigned k = 0; k < ids->n; k++) {
		struct field_of_chunk *field =
		    &chunk->fields[chunk->at_id[ids->ids[k]] - 1];
		struct value *to = value_of(shape, field, out), value;
		struct column *column;

		if (to == NULL || ids->stored0[k] == NOT_STORED)
			continue;
		column = chunk_own_column(chunk, field, err);
		if (column == NULL || !column_value(column, ids->stored0[k] +
		    (row - shape->row0), &value, err))
			return false;
		*to = value_dup(out->batch->arena, &value);
	}
	fields_of_parts(chunk, t, out, begins);
	for (size_t i = 0; i < read->norigins; i++) {
		const struct origin_read *origin = &read->origins[i];
		struct value value, *to = value_of(shape, origin->field, out);

		if (to != NULL && origin->origin.role == ROLE_SAME &&
		    origin->twin.field->field == FIELD_NONE) {
			if (!chunk_origin_value(chunk, t, origin, row, &value,
			    err))
				return false;
			*to = value_dup(out->batch->arena, &value);
		} else if (!field_of_origin(chunk, t, origin, out, begins,
		    err)) {
			return false;
		}
	}
	return true;
}

bool
chunk_event(struct chunk *chunk, uint32_t row, struct arena *arena,
    struct event *out, struct err *err)
{
	uint32_t begins[TEMPLATE_PARTS + 1] = { 0 };
	size_t t = chunk_shape_at(chunk, row);
	const struct shape *shape = &chunk->shapes[t];
	struct batch *batch;

	check(row < chunk->n);
	batch = arena_zalloc(arena, sizeof(*batch));
	batch->phase = BATCH_MATCHED;
	batch->node = chunk->source.node;
	batch->arena = arena;
	event_init(out, batch);
	/* event_get reads whole vectors of fields. */
	out->fields = arena_zalloc(arena,
	    ((size_t)shape->n + 8) * sizeof(*out->fields));
	out->values = arena_zalloc(arena, shape->n * sizeof(*out->values));
	if (!members_get(chunk, row, arena, out, err) ||
	    !line_get(chunk, t, row, arena, &out->raw, begins, err) ||
	    !values_get(chunk, t, row, out, begins, err))
		return false;
	for (unsigned i = 0; i < shape->n; i++) {
		field_t field = shape->fields[i];

		out->fields[i] = field;
		if (field < 256)
			out->present[field >> 6] |= UINT64_C(1) <<
			    (field & 63);
	}
	out->n = out->cap = shape->n;
	out->sealed = true;
	event_tags_restore(out);
	return true;
}
