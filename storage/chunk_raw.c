/* Raw lines. In format 1 a page holds them as they are; in format 2 it holds
 * variables, and a line is put together from its template, the columns of the
 * fields that stand in it and those.
 *
 * A page of format 2 is two boxes, the first after its length: numbers and
 * texts of all runs of rows with one template.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "storage/chunk_private.h"
#include "storage/codec.h"
#include "storage/pack.h"

/* --- templates ------------------------------------------------------------ */

static struct field_of_chunk *
field_at_id(struct chunk *chunk, uint64_t id)
{
	if (id >= CHUNK_FIELDS || chunk->at_id[id] == 0)
		return NULL;
	return &chunk->fields[chunk->at_id[id] - 1];
}

/* Where the values of an id are in the rows of template t; false if it has no
 * column of its own there. */
static bool
place_of(struct chunk *chunk, size_t t, uint64_t id, struct value_place *out)
{
	const struct shape_ids *shape = &chunk->shape_ids[t];

	for (unsigned i = 0; i < shape->n; i++)
		if (shape->ids[i] == id) {
			out->field = field_at_id(chunk, id);
			out->base = shape->stored0[i];
			return out->base != NOT_STORED;
		}
	return false;
}

static bool
has_no_column(const struct chunk *chunk, size_t t, uint64_t id)
{
	const struct shape_ids *shape = &chunk->shape_ids[t];

	for (unsigned i = 0; i < shape->n; i++)
		if (shape->ids[i] == id)
			return shape->stored0[i] == NOT_STORED;
	return false;
}

static bool
part_get(struct chunk *chunk, size_t t, struct reader *r, struct part *part)
{
	struct template_read *read = &chunk->templates[t];
	uint64_t id;

	part->kind = read_u8(r);
	switch (part->kind) {
	case PART_TEXT:
		part->text = read_bytes(r, read_varint(r));
		break;
	case PART_FIELD:
		part->how = read_u8(r);
		id = read_varint(r);
		if (part->how > HOW_XML || !place_of(chunk, t, id,
		    &read->places[part->value]))
			return false;
		break;
	case PART_TIME:
		part->how = read_u8(r);
		if (part->how >= TIME_FORMS)
			return false;
		break;
	case PART_WORD:
		part->how = read_u8(r);
		break;
	case PART_REST:
		break;
	default:
		return false;
	}
	return !r->bad;
}

static bool
origin_get(struct chunk *chunk, size_t t, struct reader *r,
    struct origin_read *out)
{
	const struct line_template *template = &chunk->templates[t].template;
	struct origin *origin = &out->origin;
	uint64_t id = read_varint(r), from, to, from_at, to_at;

	out->field = field_at_id(chunk, id);
	origin->role = read_u8(r);
	origin->type = read_u8(r);
	if (r->bad || out->field == NULL || !has_no_column(chunk, t, id) ||
	    (origin->type != VALUE_TEXT && origin->type != VALUE_IP &&
	    origin->type != VALUE_LONG))
		return false;
	if (origin->role == ROLE_SAME)
		return place_of(chunk, t, read_varint(r), &out->twin) &&
		    !r->bad;
	origin->how = read_u8(r);
	from = read_varint(r);
	from_at = read_varint(r);
	to = read_varint(r);
	to_at = read_varint(r);
	if (r->bad || origin->role != ROLE_RANGE ||
	    origin->how > HOW_LOWER || from > to || to > template->nparts ||
	    from_at > SECTION_BYTES || to_at > SECTION_BYTES)
		return false;
	origin->from = (uint16_t)from;
	origin->to = (uint16_t)to;
	origin->from_at = (uint32_t)from_at;
	origin->to_at = (uint32_t)to_at;
	return true;
}

static bool
origins_get(struct chunk *chunk, size_t t, struct reader *r)
{
	struct template_read *read = &chunk->templates[t];
	const struct shape_ids *shape = &chunk->shape_ids[t];
	size_t n = read_count(r, 4), without = 0;

	for (unsigned i = 0; i < shape->n; i++)
		without += shape->stored0[i] == NOT_STORED;
	if (r->bad || n != without)
		return false;
	read->origins = arena_zalloc(chunk->arena, n * sizeof(*read->origins));
	read->norigins = n;
	for (size_t i = 0; i < n; i++) {
		if (!origin_get(chunk, t, r, &read->origins[i]))
			return false;
		for (size_t k = 0; k < i; k++)
			if (read->origins[k].field == read->origins[i].field)
				return false;
	}
	return true;
}

static bool
template_get(struct chunk *chunk, size_t t, struct reader *r)
{
	struct template_read *read = &chunk->templates[t];
	size_t n = read_count(r, 1), fields = 0;
	struct part *parts;

	if (r->bad || n > TEMPLATE_PARTS)
		return false;
	parts = arena_zalloc(chunk->arena, n * sizeof(*parts));
	read->places = arena_zalloc(chunk->arena, n * sizeof(*read->places));
	read->template.parts = parts;
	read->template.nparts = (uint16_t)n;
	for (size_t i = 0; i < n; i++) {
		parts[i].value = (uint16_t)fields;
		if (!part_get(chunk, t, r, &parts[i]))
			return false;
		fields += parts[i].kind == PART_FIELD;
		read->template.nvars += part_is_var(&parts[i]);
	}
	return origins_get(chunk, t, r);
}

/* Format 1: every line is a rest. */
static void
templates_plain(struct chunk *chunk)
{
	static const struct part rest = { .kind = PART_REST };

	for (size_t t = 0; t < chunk->nshapes; t++)
		chunk->templates[t].template = (struct line_template){
		    .nparts = 1, .nvars = 1, .parts = &rest };
}

bool
chunk_templates(struct chunk *chunk, struct err *err)
{
	struct slice data, raw;
	struct reader r;
	uint32_t n;
	int found;

	if (chunk->templates != NULL)
		return true;
	if (chunk->templates_bad) {
		err_set(err, ERR_DAMAGED, "templates: damaged");
		return false;
	}
	if (chunk->format == 2) {
		found = chunk->source.page(chunk->source.context,
		    PAGE_TEMPLATES, chunk->arena, &n, &data, err);
		if (found < 0)
			return false;
		if (found == 0 || n != 0 ||
		    !box_get(data, 0, chunk->arena, &raw))
			goto damaged;
		r = reader_of(raw);
	}
	chunk->templates = arena_zalloc(chunk->arena,
	    chunk->nshapes * sizeof(*chunk->templates));
	if (chunk->format != 2) {
		templates_plain(chunk);
		return true;
	}
	for (size_t t = 0; t < chunk->nshapes; t++)
		if (!template_get(chunk, t, &r))
			goto damaged;
	if (!r.bad && r.at == r.end)
		return true;
damaged:
	chunk->templates = NULL;
	chunk->templates_bad = true;
	chunk_damaged(chunk, err, "templates do not check");
	return false;
}

/* --- pages ---------------------------------------------------------------- */

/* Format 1: the lengths, then the bytes. */
static bool
lines_get(struct raw_page *page, uint32_t n, struct slice raw,
    struct arena *arena)
{
	struct reader r = reader_of(raw);
	uint32_t *offsets;
	uint64_t at = 0;

	offsets = arena_alloc(arena, (n + 1) * sizeof(*offsets));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t length = read_varint(&r);

		offsets[i] = (uint32_t)at;
		at += length <= SECTION_BYTES ? length : SECTION_BYTES + 1;
		if (at > SECTION_BYTES)
			r.bad = true;
	}
	offsets[n] = (uint32_t)at;
	if (r.bad || at != reader_left(&r))
		return false;
	page->bytes = r.at;
	page->offsets = offsets;
	return true;
}

static bool
runs_get(struct chunk *chunk, struct raw_page *page, uint32_t row,
    uint32_t rows, struct reader numbers, struct reader texts)
{
	size_t t = chunk_shape_at(chunk, row), last, n;
	struct page_run *runs;

	last = chunk_shape_at(chunk, row + rows - 1);
	n = last - t + 1;
	runs = arena_zalloc(chunk->arena, n * sizeof(*runs));
	for (size_t i = 0; i < n; i++, t++) {
		const struct line_template *template =
		    &chunk->templates[t].template;
		const struct shape *shape = &chunk->shapes[t];
		uint32_t end = shape->row0 + shape->rows;

		runs[i].t = t;
		runs[i].row0 = row > shape->row0 ? row : shape->row0;
		runs[i].rows = (end < row + rows ? end : row + rows) -
		    runs[i].row0;
		runs[i].columns = arena_alloc(chunk->arena,
		    template->nvars * sizeof(*runs[i].columns));
		if (!vars_get(&numbers, &texts, template, runs[i].rows,
		    chunk->arena, runs[i].columns))
			return false;
	}
	page->nruns = n;
	page->runs = runs;
	return numbers.at == numbers.end && texts.at == texts.end;
}

static bool
variables_get(struct chunk *chunk, struct raw_page *page, uint32_t k,
    uint32_t n, struct slice data)
{
	struct slice numbers, texts;
	uint32_t length;

	if (data.len < 4)
		return false;
	length = get_u32(data.ptr);
	data = slice_skip(data, 4);
	return length <= data.len &&
	    box_get(slice_head(data, length), (uint16_t)n, chunk->arena,
	    &numbers) && box_get(slice_skip(data, length), (uint16_t)n,
	    chunk->arena, &texts) && runs_get(chunk, page, k * CHUNK_PAGE, n,
	    reader_of(numbers), reader_of(texts));
}

static bool
page_read(struct chunk *chunk, uint32_t k, uint32_t rows, struct err *err)
{
	struct raw_page page = { .runs = NULL };
	struct slice data, raw;
	bool good;
	uint32_t n;
	int found;

	found = chunk->source.page(chunk->source.context, k, chunk->arena, &n,
	    &data, err);
	if (found < 0)
		return false;
	good = found > 0 && n == rows;
	if (good && chunk->format == 1)
		good = box_get(data, (uint16_t)n, chunk->arena, &raw) &&
		    lines_get(&page, n, raw, chunk->arena);
	else if (good)
		good = variables_get(chunk, &page, k, n, data);
	if (!good) {
		chunk_damaged(chunk, err, "a page of raw lines does not check");
		return false;
	}
	chunk->pages[k] = page;
	return true;
}

/* The page's variables (format 2) or lines (format 1). */
static struct raw_page *
page_at(struct chunk *chunk, uint32_t k, uint32_t *rows, struct err *err)
{
	uint32_t left = chunk->n - k * CHUNK_PAGE;
	struct raw_page *page = &chunk->pages[k];

	*rows = left < CHUNK_PAGE ? left : CHUNK_PAGE;
	if (page->bytes == NULL && page->runs == NULL &&
	    (!chunk_templates(chunk, err) ||
	    !page_read(chunk, k, *rows, err)))
		return NULL;
	return page;
}

const struct raw_page *
chunk_runs(struct chunk *chunk, uint32_t k, struct err *err)
{
	uint32_t rows;

	return page_at(chunk, k, &rows, err);
}

/* --- lines ---------------------------------------------------------------- */

static bool
field_put(struct chunk *chunk, const struct value_place *place,
    enum part_how how, uint32_t i, struct strbuf *line, struct err *err)
{
	struct column *column = chunk_own_column(chunk, place->field, err);
	char buf[VALUE_TEXT_BYTES];
	struct value value;

	if (column == NULL ||
	    !column_value(column, place->base + i, &value, err))
		return false;
	how_put(line, how, value_as_text(&value, buf));
	return true;
}

static bool
time_put(struct chunk *chunk, unsigned form, uint32_t row, int64_t away,
    struct strbuf *line, struct err *err)
{
	const int64_t *times = chunk_times(chunk, err);
	char *at = strbuf_room(line, TIME_FORM_BYTES);
	size_t n;

	if (times == NULL)
		return false;
	n = time_form_put(form, times[row], away, at);
	if (n == 0) {
		chunk_damaged(chunk, err, "a time in a line does not check");
		return false;
	}
	line->len += n;
	return true;
}

bool
chunk_parts_put(struct chunk *chunk, size_t t, uint32_t row, unsigned from,
    unsigned to, struct strbuf *line, uint32_t *begins, struct err *err)
{
	const struct template_read *read = &chunk->templates[t];
	uint32_t rows, i = row - chunk->shapes[t].row0;
	const struct var_column *column = NULL;
	const struct page_run *run = NULL;
	size_t start = line->len;

	if (read->template.nvars > 0) {
		struct raw_page *page = page_at(chunk, row / CHUNK_PAGE,
		    &rows, err);

		if (page == NULL)
			return false;
		run = &page->runs[t - page->runs[0].t];
		column = run->columns;
	}
	for (unsigned p = 0; p < to; p++) {
		const struct part *part = &read->template.parts[p];
		const struct var_column *mine = column;

		column += part_is_var(part);
		if (p < from)
			continue;
		if (begins != NULL)
			begins[p] = (uint32_t)(line->len - start);
		if (line->len - start > SECTION_BYTES) {
			chunk_damaged(chunk, err, "a line is too long");
			return false;
		}
		if (part->kind == PART_TEXT)
			strbuf_put(line, part->text);
		else if (part->kind == PART_FIELD) {
			if (!field_put(chunk, &read->places[part->value],
			    part->how, i, line, err))
				return false;
		} else if (part->kind == PART_TIME) {
			if (!time_put(chunk, part->how, row,
			    var_away(mine, row - run->row0), line, err))
				return false;
		} else {
			var_put_text(mine, row - run->row0, line);
		}
	}
	if (begins != NULL)
		begins[to] = (uint32_t)(line->len - start);
	return true;
}

static bool
line_put(struct chunk *chunk, uint32_t row, struct strbuf *line,
    struct err *err)
{
	size_t t;

	if (!chunk_templates(chunk, err))
		return false;
	t = chunk_shape_at(chunk, row);
	return chunk_parts_put(chunk, t, row, 0,
	    chunk->templates[t].template.nparts, line, NULL, err);
}

/* A field of a template, ready to be asked for many rows. */
struct field_ready {
	struct column *column;
	struct column_inside inside;
	uint32_t base;
	enum part_how how;
};

static bool
fields_ready(struct chunk *chunk, const struct template_read *read,
    struct field_ready *ready, struct err *err)
{
	for (unsigned p = 0; p < read->template.nparts; p++) {
		const struct part *part = &read->template.parts[p];
		const struct value_place *place = &read->places[part->value];

		if (part->kind != PART_FIELD)
			continue;
		*ready = (struct field_ready){ .column = chunk_own_column(
		    chunk, place->field, err), .base = place->base,
		    .how = part->how };
		if (ready->column == NULL || !column_look_inside(
		    ready->column, &ready->inside, err))
			return false;
		ready++;
	}
	return true;
}

static bool
ready_put(const struct field_ready *ready, uint32_t i, struct strbuf *line,
    struct err *err)
{
	const struct column_inside *inside = &ready->inside;
	char buf[VALUE_TEXT_BYTES];
	const struct value *at;
	struct value value;

	if (inside->entries != NULL) {
		at = &inside->entries[inside->codes != NULL ?
		    inside->codes[ready->base + i] : 0];
	} else if (inside->numbers != NULL) {
		if (inside->numbers[ready->base + i] >= 0) {
			decimal_put(line, (uint64_t)
			    inside->numbers[ready->base + i], 0);
			return true;
		}
		value = value_long(inside->numbers[ready->base + i]);
		at = &value;
	} else if (column_value(ready->column, ready->base + i, &value,
	    err)) {
		at = &value;
	} else {
		return false;
	}
	how_put(line, ready->how, value_as_text(at, buf));
	return true;
}

/* The lines of a run one after the other; offsets[] of its first row on. */
static bool
run_lines(struct chunk *chunk, const struct page_run *run,
    struct strbuf *line, uint32_t *offsets, struct err *err)
{
	const struct template_read *read = &chunk->templates[run->t];
	const struct line_template *template = &read->template;
	uint32_t from = run->row0 - chunk->shapes[run->t].row0;
	struct field_ready ready[TEMPLATE_PARTS];

	if (!fields_ready(chunk, read, ready, err))
		return false;
	for (uint32_t i = 0; i < run->rows; i++) {
		const struct var_column *column = run->columns;
		const struct field_ready *field = ready;

		offsets[i] = (uint32_t)line->len;
		for (unsigned p = 0; p < template->nparts; p++) {
			const struct part *part = &template->parts[p];
			bool good = true;

			if (part->kind == PART_TEXT)
				strbuf_put(line, part->text);
			else if (part->kind == PART_FIELD)
				good = ready_put(field++, from + i, line,
				    err);
			else if (part->kind == PART_TIME)
				good = time_put(chunk, part->how,
				    run->row0 + i, var_away(column++, i),
				    line, err);
			else
				var_put_text(column++, i, line);
			if (!good)
				return false;
		}
		if (line->len > SECTION_BYTES) {
			chunk_damaged(chunk, err, "lines are too long");
			return false;
		}
	}
	return true;
}

/* All lines of a page one after the other. */
static bool
page_lines(struct chunk *chunk, struct raw_page *page, uint32_t row,
    uint32_t rows, struct err *err)
{
	struct strbuf *line = &chunk->line;
	uint32_t *offsets;

	offsets = arena_alloc(chunk->arena, (rows + 1) * sizeof(*offsets));
	strbuf_clear(line);
	for (size_t r = 0; r < page->nruns; r++)
		if (!run_lines(chunk, &page->runs[r], line,
		    offsets + (page->runs[r].row0 - row), err))
			return false;
	offsets[rows] = (uint32_t)line->len;
	page->bytes = arena_dup(chunk->arena, strbuf_slice(line)).ptr;
	page->offsets = offsets;
	return true;
}

bool
chunk_raw_page(struct chunk *chunk, uint32_t k, const char **bytes,
    const uint32_t **offsets, uint32_t *rows, struct err *err)
{
	struct raw_page *page;

	check(k <= (chunk->n - 1) / CHUNK_PAGE);
	page = page_at(chunk, k, rows, err);
	if (page == NULL || (page->bytes == NULL &&
	    !page_lines(chunk, page, k * CHUNK_PAGE, *rows, err)))
		return false;
	*bytes = page->bytes;
	*offsets = page->offsets;
	return true;
}

bool
chunk_raw_put(struct chunk *chunk, uint32_t row, struct strbuf *line,
    struct err *err)
{
	uint32_t i = row % CHUNK_PAGE, rows;
	const struct raw_page *page;

	check(row < chunk->n);
	page = page_at(chunk, row / CHUNK_PAGE, &rows, err);
	if (page == NULL)
		return false;
	if (page->bytes == NULL)
		return line_put(chunk, row, line, err);
	strbuf_put(line, slice_of(page->bytes + page->offsets[i],
	    page->offsets[i + 1] - page->offsets[i]));
	return true;
}

bool
chunk_raw(struct chunk *chunk, uint32_t row, struct slice *out,
    struct err *err)
{
	uint32_t i = row % CHUNK_PAGE, rows;
	const struct raw_page *page;

	check(row < chunk->n);
	page = page_at(chunk, row / CHUNK_PAGE, &rows, err);
	if (page == NULL)
		return false;
	if (page->bytes != NULL) {
		*out = slice_of(page->bytes + page->offsets[i],
		    page->offsets[i + 1] - page->offsets[i]);
		return true;
	}
	strbuf_clear(&chunk->line);
	if (!line_put(chunk, row, &chunk->line, err))
		return false;
	*out = arena_dup(chunk->arena, strbuf_slice(&chunk->line));
	return true;
}

/* --- fields from lines ------------------------------------------------------ */

static bool
range_value(struct chunk *chunk, size_t t, const struct origin *origin,
    uint32_t row, struct slice *text, struct err *err)
{
	uint32_t begins[TEMPLATE_PARTS + 1];
	unsigned to = origin->to, nparts = chunk->templates[t].template.nparts;
	struct strbuf *line = &chunk->line;
	size_t from, end, len;
	char *room;

	/* What the last offset goes into is needed too. */
	if (origin->to_at > 0 && to < nparts)
		to++;
	strbuf_clear(line);
	if (!chunk_parts_put(chunk, t, row, origin->from, to, line, begins,
	    err))
		return false;
	from = origin->from_at;
	end = (size_t)begins[origin->to] + origin->to_at;
	if (from > end || end > line->len) {
		chunk_damaged(chunk, err, "a field is outside its line");
		return false;
	}
	len = end - from;
	room = arena_text(chunk->arena, len);
	if (len > 0)
		memcpy(room, line->ptr + from, len);
	if (!how_undo(origin->how, room, &len)) {
		chunk_damaged(chunk, err, "a field in a line does not check");
		return false;
	}
	*text = slice_of(room, len);
	return true;
}

bool
chunk_origin_value(struct chunk *chunk, size_t t,
    const struct origin_read *origin, uint32_t row, struct value *out,
    struct err *err)
{
	uint32_t i = row - chunk->shapes[t].row0;
	char buf[VALUE_TEXT_BYTES];
	struct column *column;
	struct slice text;
	struct value twin;

	if (origin->origin.role == ROLE_RANGE) {
		if (!range_value(chunk, t, &origin->origin, row, &text, err))
			return false;
	} else {
		column = chunk_own_column(chunk, origin->twin.field, err);
		if (column == NULL || !column_value(column,
		    origin->twin.base + i, &twin, err))
			return false;
		text = value_as_text(&twin, buf);
		if (text.ptr == buf || (text.ptr > buf &&
		    text.ptr < buf + sizeof(buf)))
			text = arena_dup(chunk->arena, text);
	}
	value_parse(text, TRANSFORM_OWNED, origin->origin.type, out);
	return true;
}
