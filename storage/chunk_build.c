/* Rows are put in order first (chunk_order.c): those with the same fields whose
 * lines are put together alike stand together, so a field's values are one run
 * for each template, and most values repeat the one before.
 *
 * Then columns are packed one by one (column_build.c), of fields that the lines
 * do not give; and what the lines have beside fields goes to pages of CHUNK_PAGE
 * rows (vars.c). yagura-chunk(5) draws the bytes.
 */
#include "storage/chunk_build.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/logsource.h"
#include "engine/strbuf.h"
#include "storage/chunk.h"
#include "storage/chunk_order.h"
#include "storage/chunk_private.h"
#include "storage/codec.h"
#include "storage/column_build.h"
#include "storage/pack.h"

#define ARENA_BLOCK ((size_t)1 << 20)

struct column_values {
	uint32_t n;
	struct column_sink *sink;	/* kept from chunk to chunk */
};

struct chunk_builder {
	struct packer *packer;
	struct column_builder *packing;
	struct orderer *orderer;
	struct column_values *columns;	/* by id */
	uint16_t *column_of;		/* [FIELD_LIMIT] id, of fields seen */
	bool	*column_known;
	struct value *values;		/* of all columns */
	uint32_t *codes;
	size_t	 values_cap;
	int64_t	*numbers;
	size_t	 numbers_cap;
	struct var_row *var_rows;	/* [CHUNK_PAGE] */
	struct vars_packer vars;
	struct strbuf raw, scratch;
	/* of the chunk in the making */
	const struct chunk_order *order;
	const struct field_ids *ids;
	struct chunk_packed *out;
	size_t	 n;
};

struct chunk_builder *
chunk_builder_new(struct packer *packer)
{
	struct chunk_builder *b = xcalloc(1, sizeof(*b));

	b->packer = packer;
	b->packing = column_builder_new(packer);
	b->orderer = orderer_new();
	b->columns = xcalloc(CHUNK_FIELDS, sizeof(*b->columns));
	b->column_of = xcalloc(FIELD_LIMIT, sizeof(*b->column_of));
	b->column_known = xcalloc(FIELD_LIMIT, sizeof(*b->column_known));
	b->var_rows = xcalloc(CHUNK_PAGE, sizeof(*b->var_rows));
	vars_packer_init(&b->vars);
	strbuf_init(&b->raw);
	strbuf_init(&b->scratch);
	return b;
}

void
chunk_builder_free(struct chunk_builder *b)
{
	if (b == NULL)
		return;
	column_builder_free(b->packing);
	orderer_free(b->orderer);
	vars_packer_fini(&b->vars);
	strbuf_fini(&b->raw);
	strbuf_fini(&b->scratch);
	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		column_sink_free(b->columns[id].sink);
	free(b->columns);
	free(b->column_of);
	free(b->column_known);
	free(b->values);
	free(b->codes);
	free(b->numbers);
	free(b->var_rows);
	free(b);
}

/* --- columns ------------------------------------------------------------- */

static unsigned
id_of(struct chunk_builder *b, field_t field)
{
	unsigned id;

	if (!b->column_known[field]) {
		id = b->ids->id_of(b->ids->context, field);
		check(id < CHUNK_FIELDS);
		b->column_known[field] = true;
		b->column_of[field] = (uint16_t)id;
	}
	return b->column_of[field];
}

static bool
has_id(void *context, field_t field)
{
	return id_of(context, field) != CHUNK_FIELD_NONE;
}

static bool
is_stored(const struct template_known *known, unsigned i)
{
	return known->template->origins[i].role == ROLE_STORED;
}

static void
columns_size(struct chunk_builder *b)
{
	size_t total = 0;

	for (size_t t = 0; t < b->order->ntemplates; t++) {
		const struct template_known *known = b->order->templates[t];

		for (unsigned i = 0; i < known->shape->n; i++)
			if (is_stored(known, i))
				b->columns[id_of(b, known->shape->fields[i])]
				    .n += known->rows;
	}
	b->out->values_dropped = b->columns[CHUNK_FIELD_NONE].n;
	b->columns[CHUNK_FIELD_NONE].n = 0;
	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		total += b->columns[id].n;
	if (total > b->values_cap) {
		free(b->values);
		free(b->codes);
		b->values_cap = total + total / 4;
		b->values = xmalloc(b->values_cap * sizeof(*b->values));
		b->codes = xmalloc(b->values_cap * sizeof(*b->codes));
	}
}

static void
columns_begin(struct chunk_builder *b)
{
	struct value *values = b->values;
	uint32_t *codes = b->codes;

	for (unsigned id = 0; id < CHUNK_FIELDS; id++) {
		struct column_values *column = &b->columns[id];

		if (column->n == 0)
			continue;
		if (column->sink == NULL)
			column->sink = column_sink_new();
		column_begin(column->sink, values, codes, column->n);
		values += column->n;
		codes += column->n;
	}
}

static void
event_fetch(const struct event *event)
{
	fetch_bytes(event->raw.ptr, event->raw.len);
	fetch_bytes(event->values, event->n * sizeof(*event->values));
}

/* Row by row: what the values of a row point to is near each other. */
static void
template_fill(struct chunk_builder *b, const struct template_known *known)
{
	struct column_sink *into[EVENT_FIELDS_MOST];
	uint16_t from[EVENT_FIELDS_MOST];
	const struct row *rows = b->order->rows + known->row0;
	unsigned n = 0;

	check(known->shape->n <= EVENT_FIELDS_MOST);
	for (unsigned i = 0; i < known->shape->n; i++) {
		unsigned id = id_of(b, known->shape->fields[i]);

		if (is_stored(known, i) && id != CHUNK_FIELD_NONE) {
			into[n] = b->columns[id].sink;
			from[n++] = (uint16_t)i;
		}
	}
	for (uint32_t r = 0; r < known->rows; r++) {
		const struct value *values = rows[r].event->values;

		if (r + FETCH_EVENT < known->rows)
			__builtin_prefetch(rows[r + FETCH_EVENT].event);
		if (r + FETCH_BYTES < known->rows)
			event_fetch(rows[r + FETCH_BYTES].event);
		for (unsigned j = 0; j < n; j++)
			column_add(into[j], &values[from[j]]);
	}
}

static struct packed_block *
block_next(struct chunk_builder *b, unsigned id)
{
	struct packed_block *block = &b->out->blocks[b->out->nblocks++];

	block->id = (uint16_t)id;
	return block;
}

static void
columns_pack(struct chunk_builder *b)
{
	columns_begin(b);
	for (size_t t = 0; t < b->order->ntemplates; t++)
		template_fill(b, b->order->templates[t]);
	for (unsigned id = CHUNK_FIELD_FIRST; id < CHUNK_FIELDS; id++)
		if (b->columns[id].n > 0)
			column_end(b->packing, b->columns[id].sink,
			    b->out->arena, &block_next(b, id)->block);
}

/* --- members of struct event --------------------------------------------- */

static const struct event *
event_at(const struct chunk_builder *b, size_t row)
{
	return b->order->rows[row].event;
}

static struct value
member_logsource(struct chunk_builder *b, const struct event *event)
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
values_pack(struct chunk_builder *b, enum chunk_member member,
    struct value *values)
{
	column_build(b->packing, values, (uint32_t)b->n, b->out->arena,
	    &block_next(b, member)->block);
}

static void
texts_pack(struct chunk_builder *b)
{
	struct value *values = xcalloc(b->n, sizeof(*values));

	for (size_t i = 0; i < b->n; i++)
		values[i] = value_text(event_at(b, i)->peer, TRANSFORM_OWNED);
	values_pack(b, MEMBER_PEER, values);
	for (size_t i = 0; i < b->n; i++) {
		if (i > 0 && event_at(b, i)->logsource ==
		    event_at(b, i - 1)->logsource)
			values[i] = values[i - 1];
		else
			values[i] = member_logsource(b, event_at(b, i));
	}
	values_pack(b, MEMBER_LOGSOURCE, values);
	for (size_t i = 0; i < b->n; i++)
		values[i] = value_long(event_at(b, i)->has_time ?
		    FLAG_HAS_TIME : 0);
	values_pack(b, MEMBER_FLAGS, values);
	free(values);
}

static void
numbers_pack(struct chunk_builder *b, enum chunk_member member)
{
	column_build_numbers(b->packing, b->numbers, (uint32_t)b->n,
	    member == MEMBER_SEQ ? VALUE_LONG : VALUE_TIME, b->out->arena,
	    &block_next(b, member)->block);
}

static void
members_pack(struct chunk_builder *b)
{
	struct chunk_packed *out = b->out;

	if (b->n > b->numbers_cap) {
		b->numbers_cap = b->n;
		b->numbers = xrealloc(b->numbers,
		    b->n * sizeof(*b->numbers));
	}
	out->t_min = INT64_MAX;
	out->t_max = INT64_MIN;
	out->seq0 = UINT64_MAX;
	for (size_t i = 0; i < b->n; i++) {
		int64_t time = event_at(b, i)->time_ns;

		b->numbers[i] = time;
		out->t_min = time < out->t_min ? time : out->t_min;
		out->t_max = time > out->t_max ? time : out->t_max;
	}
	numbers_pack(b, MEMBER_TIME);
	for (size_t i = 0; i < b->n; i++)
		b->numbers[i] = event_at(b, i)->ingested_ns;
	numbers_pack(b, MEMBER_INGESTED);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t seq = event_at(b, i)->seq;

		b->numbers[i] = (int64_t)seq;
		out->seq0 = seq < out->seq0 ? seq : out->seq0;
		out->seq1 = seq > out->seq1 ? seq : out->seq1;
	}
	numbers_pack(b, MEMBER_SEQ);
	texts_pack(b);
}

/* --- shapes --------------------------------------------------------------- */

static void
put_number(struct strbuf *raw, uint64_t n)
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
ids_put(struct strbuf *raw, uint16_t *ids, size_t n)
{
	uint16_t last = 0;

	qsort(ids, n, sizeof(*ids), id_order);
	put_number(raw, n);
	for (size_t i = 0; i < n; i++) {
		put_number(raw, (unsigned)(ids[i] - last));
		last = ids[i];
	}
}

static void
shape_put(struct chunk_builder *b, size_t t, struct strbuf *raw)
{
	const struct template_known *known = b->order->templates[t];
	uint16_t ids[EVENT_FIELDS_MOST], without[EVENT_FIELDS_MOST];
	bool repeated = t > 0 &&
	    b->order->templates[t - 1]->shape == known->shape;
	size_t n = 0, nwithout = 0;

	for (unsigned i = 0; i < known->shape->n; i++) {
		uint16_t id = (uint16_t)id_of(b, known->shape->fields[i]);

		if (id == CHUNK_FIELD_NONE)
			continue;
		ids[n++] = id;
		if (!is_stored(known, i))
			without[nwithout++] = id;
	}
	put_number(raw, (uint64_t)known->rows << 1 | repeated);
	if (!repeated)
		ids_put(raw, ids, n);
	ids_put(raw, without, nwithout);
}

static void
shapes_pack(struct chunk_builder *b, const struct boxer *boxer)
{
	strbuf_clear(&b->raw);
	put_number(&b->raw, b->order->ntemplates);
	for (size_t t = 0; t < b->order->ntemplates; t++)
		shape_put(b, t, &b->raw);
	b->out->fields = box_put(boxer, 2, 0, strbuf_slice(&b->raw));
}

/* --- templates and pages -------------------------------------------------- */

static void
part_put(struct chunk_builder *b, const struct template_known *known,
    const struct part *part, unsigned var)
{
	struct strbuf *raw = &b->raw;

	strbuf_putc(raw, (char)part->kind);
	switch (part->kind) {
	case PART_TEXT:
		put_number(raw, part->text.len);
		strbuf_put(raw, part->text);
		break;
	case PART_FIELD:
		strbuf_putc(raw, (char)part->how);
		put_number(raw, id_of(b, known->shape->fields[part->value]));
		break;
	case PART_TIME:
		strbuf_putc(raw, (char)part->how);
		break;
	case PART_WORD:
		strbuf_putc(raw, (char)known->classes[var]);
		break;
	default:
		break;
	}
}

static void
origin_put(struct chunk_builder *b, const struct template_known *known,
    unsigned i)
{
	const struct origin *origin = &known->template->origins[i];
	struct strbuf *raw = &b->raw;

	put_number(raw, id_of(b, known->shape->fields[i]));
	strbuf_putc(raw, (char)origin->role);
	strbuf_putc(raw, (char)origin->type);
	if (origin->role == ROLE_SAME) {
		put_number(raw, id_of(b, known->shape->fields[origin->from]));
		return;
	}
	strbuf_putc(raw, (char)origin->how);
	put_number(raw, origin->from);
	put_number(raw, origin->from_at);
	put_number(raw, origin->to);
	put_number(raw, origin->to_at);
}

static struct packed_page *
page_next(struct chunk_builder *b, uint32_t k, uint32_t n)
{
	struct packed_page *page = &b->out->pages[b->out->npages++];

	page->k = k;
	page->n = n;
	return page;
}

static void
templates_pack(struct chunk_builder *b, const struct boxer *boxer)
{
	strbuf_clear(&b->raw);
	for (size_t t = 0; t < b->order->ntemplates; t++) {
		const struct template_known *known = b->order->templates[t];
		unsigned origins = 0, var = 0;

		put_number(&b->raw, known->template->nparts);
		for (unsigned i = 0; i < known->template->nparts; i++) {
			const struct part *part =
			    &known->template->parts[i];

			part_put(b, known, part, var);
			var += part_is_var(part);
		}
		for (unsigned i = 0; i < known->shape->n; i++)
			origins += !is_stored(known, i);
		put_number(&b->raw, origins);
		for (unsigned i = 0; i < known->shape->n; i++)
			if (!is_stored(known, i))
				origin_put(b, known, i);
	}
	page_next(b, PAGE_TEMPLATES, 0)->data = box_put(boxer, 0, 0,
	    strbuf_slice(&b->raw));
}

/* Rows of one template among rows `row` to `end`. */
static uint32_t
run_pack(struct chunk_builder *b, uint32_t row, uint32_t end)
{
	struct template_known *known = b->order->rows[row].template;
	uint32_t n = 0;

	for (; row < end && b->order->rows[row].template == known; row++)
		b->var_rows[n++] = (struct var_row){
		    .raw = b->order->rows[row].event->raw.ptr,
		    .vars = b->order->rows[row].vars };
	vars_put(&b->vars, known->template, b->var_rows, n, known->classes);
	return row;
}

static void
page_pack(struct chunk_builder *b, uint32_t k, const struct boxer *boxer)
{
	uint32_t row = k * CHUNK_PAGE, n = (uint32_t)b->n - row, end;
	struct slice numbers, texts;
	char *at;

	if (n > CHUNK_PAGE)
		n = CHUNK_PAGE;
	end = row + n;
	strbuf_clear(&b->vars.numbers);
	strbuf_clear(&b->vars.texts);
	while (row < end)
		row = run_pack(b, row, end);
	numbers = box_put(boxer, 0, (uint16_t)n,
	    strbuf_slice(&b->vars.numbers));
	texts = box_put(boxer, 0, (uint16_t)n, strbuf_slice(&b->vars.texts));
	at = arena_text(b->out->arena, 4 + numbers.len + texts.len);
	page_next(b, k, n)->data = slice_of(at, 4 + numbers.len + texts.len);
	at = put_u32(at, (uint32_t)numbers.len);
	at = mempcpy(at, numbers.ptr, numbers.len);
	memcpy(at, texts.ptr, texts.len);
}

static void
pages_pack(struct chunk_builder *b, const struct boxer *boxer)
{
	uint32_t pages = (uint32_t)((b->n + CHUNK_PAGE - 1) / CHUNK_PAGE);

	b->out->pages = arena_alloc(b->out->arena,
	    (pages + 1) * sizeof(*b->out->pages));
	for (uint32_t k = 0; k < pages; k++)
		page_pack(b, k, boxer);
	templates_pack(b, boxer);
	for (size_t i = 0; i < b->n; i++)
		b->out->raw_bytes += event_at(b, i)->raw.len;
}

/* ------------------------------------------------------------------------- */

static size_t
columns_count(const struct chunk_builder *b)
{
	size_t n = MEMBERS;

	for (unsigned id = CHUNK_FIELD_FIRST; id < CHUNK_FIELDS; id++)
		n += b->columns[id].n > 0;
	return n;
}

static struct chunk_packed *
build_once(struct chunk_builder *b, const struct event *const *events,
    size_t n)
{
	struct chunk_packed *out = xcalloc(1, sizeof(*out));
	struct boxer boxer = { b->packer, &b->scratch, NULL };

	out->arena = boxer.arena = arena_new(ARENA_BLOCK);
	out->n = (uint32_t)n;
	b->out = out;
	for (unsigned id = 0; id < CHUNK_FIELDS; id++)
		b->columns[id].n = 0;
	b->order = orderer_run(b->orderer, events, n, has_id, b);
	columns_size(b);
	out->blocks = arena_zalloc(out->arena,
	    columns_count(b) * sizeof(*out->blocks));
	members_pack(b);
	columns_pack(b);
	shapes_pack(b, &boxer);
	pages_pack(b, &boxer);
	return out;
}

/* --- proof ----------------------------------------------------------------- */

static field_t
no_field(void *context, unsigned id)
{
	(void)context;
	(void)id;
	return FIELD_NONE;
}

static unsigned
no_id(void *context, field_t field)
{
	(void)context;
	(void)field;
	return CHUNK_FIELD_NONE;
}

static bool
page_proves(struct chunk_builder *b, struct chunk *chunk, uint32_t k)
{
	const struct row *is = &b->order->rows[k * CHUNK_PAGE];
	const uint32_t *offsets;
	const char *bytes;
	bool good = true;
	uint32_t rows;

	if (!chunk_raw_page(chunk, k, &bytes, &offsets, &rows, NULL))
		rows = 0;
	for (uint32_t i = 0; k * CHUNK_PAGE + i < b->n && i < CHUNK_PAGE;
	    i++) {
		if (i + FETCH_EVENT < rows)
			__builtin_prefetch(is[i + FETCH_EVENT].event);
		if (i + FETCH_BYTES < rows)
			fetch_bytes(is[i + FETCH_BYTES].event->raw.ptr,
			    is[i + FETCH_BYTES].event->raw.len);
		if (i < rows && slice_eq(slice_of(bytes + offsets[i],
		    offsets[i + 1] - offsets[i]), is[i].event->raw))
			continue;
		is[i].template->shape->kept_whole = true;
		good = false;
	}
	return good;
}

/* Reads the lines of the packed bytes; rows that differ say so in their shape.
 * False if there were any. */
static bool
lines_prove(struct chunk_builder *b)
{
	static const struct packed_names nameless = { no_field, no_id, NULL };
	struct chunk *chunk = chunk_open_packed(b->out, &nameless, NULL);
	bool good = chunk != NULL;

	for (uint32_t k = 0; chunk != NULL && k * CHUNK_PAGE < b->n; k++)
		good = page_proves(b, chunk, k) && good;
	chunk_close(chunk);
	return good;
}

/* That lines differ would be a mistake in a template; then nothing is lost by
 * it. A line that is kept whole comes back. */
struct chunk_packed *
chunk_build(struct chunk_builder *b, const struct event *const *events,
    size_t n, const struct field_ids *ids)
{
	struct chunk_packed *out;

	check(n > 0 && n <= COLUMN_VALUES);
	b->n = n;
	b->ids = ids;
	memset(b->column_known, 0, FIELD_LIMIT * sizeof(*b->column_known));
	out = build_once(b, events, n);
	if (lines_prove(b))
		return out;
	chunk_packed_free(out);
	out = build_once(b, events, n);
	check(lines_prove(b));
	for (size_t i = 0; i < n; i++)
		out->kept_whole +=
		    b->order->rows[i].template->shape->kept_whole;
	return out;
}

struct chunk_packed *
chunk_build_alone(const struct event *const *events, size_t n,
    const struct field_ids *ids, struct packer *packer)
{
	struct chunk_builder *builder = chunk_builder_new(packer);
	struct chunk_packed *packed = chunk_build(builder, events, n, ids);

	chunk_builder_free(builder);
	return packed;
}

void
chunk_packed_free(struct chunk_packed *packed)
{
	if (packed == NULL)
		return;
	arena_free(packed->arena);
	free(packed);
}

uint64_t
chunk_packed_bytes(const struct chunk_packed *packed)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < packed->nblocks; i++) {
		const struct block *block = &packed->blocks[i].block;

		bytes += block->bloom.len + block->dict.len + block->data.len;
	}
	for (size_t i = 0; i < packed->npages; i++)
		bytes += packed->pages[i].data.len;
	return bytes;
}
