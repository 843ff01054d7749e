/* Rows that hold, made of chunks and of events; what is lost on the way. */
#include "storage/scan_private.h"

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "storage/column.h"
#include "storage/op.h"

void
scan_push(struct scan *scan, const struct row *row)
{
	if (scan->first->class->row(scan->first, row, &scan->run) ==
	    OP_ENOUGH)
		scan->enough = true;
}

static struct value
id_value(struct scan *scan, uint64_t seq)
{
	struct batch batch = { .node = scan->node };
	struct event event = { .seq = seq, .batch = &batch };
	char *id = arena_text(scan->arena, EVENT_ID_BYTES);

	event_id(&event, id);
	return value_text(slice_of(id, EVENT_ID_BYTES - 1), TRANSFORM_OWNED);
}

/* A field of a row of a chunk. Members of the event have no column. */
static bool
chunk_cell(struct scan *scan, struct chunk *chunk, field_t field,
    uint32_t row, struct value *out, struct err *err)
{
	int64_t i = chunk_value_index(chunk, field, row);
	const struct column *column;
	const int64_t *times;
	const uint64_t *seqs;
	struct slice raw;

	if (i >= 0) {
		column = chunk_column(chunk, field, err);
		return column != NULL &&
		    column_value(column, (uint32_t)i, out, err);
	}
	*out = cell_absent();
	switch (field) {
	case FIELD_TIMESTAMP:
	case FIELD_EVENT_INGESTED:
		times = field == FIELD_TIMESTAMP ? chunk_times(chunk, err)
		    : chunk_ingested(chunk, err);
		if (times == NULL)
			return false;
		*out = value_time(times[row]);
		return true;
	case FIELD_EVENT_ID:
		seqs = chunk_seqs(chunk, err);
		if (seqs == NULL)
			return false;
		*out = id_value(scan, seqs[row]);
		return true;
	case FIELD_EVENT_ORIGINAL:
		if (!chunk_raw(chunk, row, &raw, err))
			return false;
		*out = value_text(raw, TRANSFORM_NONE);
		return true;
	default:
		return true;
	}
}

static const struct event *
make_event(const struct row *row)
{
	struct scan *scan = row->maker;
	struct event *event = arena_alloc(scan->arena, sizeof(*event));
	struct err err = { ERR_NONE, "" };

	if (chunk_event(row->chunk, row->at, scan->arena, event, &err))
		return event;
	scan->unmade = true;
	if (scan->damage.kind == ERR_NONE)
		scan->damage = err;
	return NULL;
}

bool
scan_row_of_chunk(struct scan *scan, struct chunk *chunk, uint32_t at,
    struct row *row, struct err *err)
{
	const struct schema *schema = scan->schema;
	struct value *cells = arena_alloc(scan->arena,
	    (schema->n + 1) * sizeof(*cells));

	*row = (struct row){ .cells = cells, .make = make_event,
	    .maker = scan, .chunk = chunk, .at = at };
	for (size_t i = 0; i < schema->n; i++)
		if (!chunk_cell(scan, chunk, schema->cols[i], at, &cells[i],
		    err))
			return false;
	return !schema->raw || chunk_raw(chunk, at, &row->raw, err);
}

void
scan_row_of_event(struct scan *scan, const struct event *event, struct row *row)
{
	const struct schema *schema = scan->schema;
	struct value *cells = arena_alloc(scan->arena,
	    (schema->n + 1) * sizeof(*cells));

	for (size_t i = 0; i < schema->n; i++)
		if (!event_value(event, schema->cols[i], &cells[i]))
			cells[i] = cell_absent();
	*row = (struct row){ .cells = cells, .event = event,
	    .raw = event->raw };
}

/* --- damage ------------------------------------------------------------- */

uint64_t
scan_store_lost(const struct scan *scan)
{
	struct slice why;

	return store_missing(scan->request->store, &why);
}

void
scan_give_up(struct scan *scan, uint64_t events, uint64_t missing_before,
    const struct err *err)
{
	if (scan_store_lost(scan) == missing_before)
		scan->missing += events;
	if (scan->damage.kind == ERR_NONE)
		scan->damage = *err;
}

