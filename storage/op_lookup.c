/* lookup: columns of a list beside the rows whose field stands in it.
 *
 * The list's key column holds texts, addresses or networks; every other column
 * becomes a field `list.column`. Rows that are not in the list stay as they
 * are.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "storage/query_read.h"
#include "storage/query_set.h"

#define LOOKUP_COLUMNS 64

struct lookup {
	struct op op;
	struct query_list list;
	struct query_set *set;		/* key to row */
	size_t	 key;			/* column of the list */
	int	 col;			/* what is looked up */
	size_t	 nout;
	field_t	 fields[LOOKUP_COLUMNS];
	size_t	 from[LOOKUP_COLUMNS];	/* column of the list */
	int	 cols[LOOKUP_COLUMNS];	/* of the rows that go on */
	struct arena *arena;		/* of one row */
};

static ptrdiff_t
find_row(struct lookup *lookup, const struct value *cell)
{
	for (size_t i = 0; !cell_is_absent(cell) && i < value_members(cell);
	    i++) {
		ptrdiff_t row = query_set_find(lookup->set,
		    value_member(cell, i));

		if (row >= 0)
			return row;
	}
	return -1;
}

static struct value
list_value(const struct lookup *lookup, size_t row, size_t i)
{
	struct slice cell = lookup->list.cells[row * lookup->list.ncols +
	    lookup->from[i]];

	return cell.len == 0 ? cell_absent()
	    : value_text(cell, TRANSFORM_OWNED);
}

static void
put_value(struct event *event, field_t field, struct value value)
{
	uint16_t at = event->n;

	while (at > 0 && event->fields[at - 1] > field) {
		event->fields[at] = event->fields[at - 1];
		event->values[at] = event->values[at - 1];
		at--;
	}
	event->fields[at] = field;
	event->values[at] = value;
	event->n++;
	if (field < 256)
		event->present[field >> 6] |= UINT64_C(1) << (field & 63);
}

/* The event with the columns of the list, for who prints whole events. */
static const struct event *
widen(struct lookup *lookup, const struct event *event, size_t row)
{
	struct event *copy = arena_alloc(lookup->arena, sizeof(*copy));
	size_t room = event->n + lookup->nout;

	*copy = *event;
	/* event_get reads whole vectors of fields. */
	copy->fields = arena_zalloc(lookup->arena,
	    (room + 8) * sizeof(*copy->fields));
	copy->values = arena_alloc(lookup->arena,
	    (room + 1) * sizeof(*copy->values));
	memcpy(copy->fields, event->fields,
	    event->n * sizeof(*copy->fields));
	memcpy(copy->values, event->values,
	    event->n * sizeof(*copy->values));
	for (size_t i = 0; i < lookup->nout; i++) {
		struct value value = list_value(lookup, row, i);

		if (!cell_is_absent(&value) &&
		    event_get(event, lookup->fields[i]) == NULL)
			put_value(copy, lookup->fields[i], value);
	}
	return copy;
}

static enum op_more
lookup_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct lookup *lookup = (struct lookup *)(void *)op;
	ptrdiff_t found = find_row(lookup, &row->cells[lookup->col]);
	struct value cells[SCHEMA_COLUMNS];
	struct row out = *row;
	size_t n = op->out->n;

	for (size_t i = 0; i < n; i++)
		cells[i] = !op->out->open && i >= op->in->n ? cell_absent()
		    : row->cells[i];
	for (size_t i = 0; i < lookup->nout; i++)
		cells[lookup->cols[i]] = found < 0 ? cell_absent()
		    : list_value(lookup, (size_t)found, i);
	out.cells = cells;
	if (op->out->open && op->out->whole && found >= 0) {
		const struct event *event = row_event(row);

		if (event == NULL)
			return OP_MORE;	/* counted where it failed */
		arena_reset(lookup->arena);
		out.event = widen(lookup, event, (size_t)found);
	}
	return op_emit(op, &out, run);
}

static void
lookup_end(struct op *op, struct op_run *run)
{
	op_end(op->next, run);
}

static void
lookup_fini(struct op *op)
{
	struct lookup *lookup = (struct lookup *)(void *)op;

	query_set_free(lookup->set);
	arena_free(lookup->arena);
}

static const struct op_class lookup_class = {
	.name = "lookup", .passes = true, .row = lookup_row,
	.end = lookup_end, .fini = lookup_fini
};

/* The list's name in the names of its columns: no folder, no ending. */
static struct slice
short_name(struct slice name)
{
	for (size_t i = name.len; i-- > 0;)
		if (name.ptr[i] == '/') {
			name = slice_skip(name, i + 1);
			break;
		}
	for (size_t i = name.len; i-- > 1;)
		if (name.ptr[i] == '.')
			return slice_head(name, i);
	return name;
}

static bool
read_key(struct reader *reader, struct lookup *lookup)
{
	struct token token;

	if (!reader_accept(reader, "as"))
		return true;
	token = reader_next(reader);
	for (size_t i = 0; i < lookup->list.ncols; i++)
		if (slice_eq_nocase(lookup->list.names[i], token.text)) {
			lookup->key = i;
			return true;
		}
	reader_fail(reader, &token, "the list has no column \"%.*s\"",
	    (int)slice_head(token.text, 60).len, token.text.ptr);
	return false;
}

static bool
add_columns(struct reader *reader, struct lookup *lookup, struct slice name,
    struct schema *out)
{
	struct strbuf text = STRBUF_INIT;
	struct token here = reader_peek(reader);
	bool good = true;

	for (size_t i = 0; i < lookup->list.ncols && good; i++) {
		field_t field;
		int at;

		if (i == lookup->key || lookup->nout == LOOKUP_COLUMNS)
			continue;
		strbuf_clear(&text);
		strbuf_put(&text, name);
		strbuf_putc(&text, '.');
		strbuf_put(&text, lookup->list.names[i]);
		field = field_intern(strbuf_slice(&text));
		at = field == FIELD_NONE ? -1 : schema_find(out, field);
		if (field == FIELD_NONE || (at < 0 &&
		    !schema_add(out, field))) {
			reader_fail(reader, &here, "more than %d columns",
			    SCHEMA_COLUMNS);
			good = false;
			break;
		}
		lookup->fields[lookup->nout] = field;
		lookup->from[lookup->nout] = i;
		lookup->cols[lookup->nout++] = at >= 0 ? at
		    : (int)out->n - 1;
	}
	strbuf_fini(&text);
	return good;
}

struct op *
op_read_lookup(struct reader *reader)
{
	struct lookup *lookup = reader_op(reader, &lookup_class,
	    sizeof(*lookup));
	struct token name = reader_next(reader), field;
	struct schema *out = reader->schema;
	char why[256] = "there are no lists here";

	lookup->set = query_set_new();
	lookup->arena = arena_new(0);
	reader_own(reader, &lookup->op);
	if (name.kind != LEX_WORD && name.kind != LEX_QUOTED)
		return reader_fail(reader, &name, "the name of a list, or of "
		    "a CSV file, belongs here");
	if (reader->names == NULL || reader->names->list == NULL ||
	    !reader->names->list(reader->names->user, name.text,
	    reader->arena, &lookup->list, why))
		return reader_fail(reader, &name, "%.200s", why);
	field = reader_next(reader);
	lookup->col = reader_column(reader, &field);
	if (lookup->col < 0 || !read_key(reader, lookup))
		return NULL;
	if (!out->open) {
		out = reader_schema(reader);
		*out = *reader->schema;
	}
	if (!add_columns(reader, lookup, short_name(name.text), out))
		return NULL;
	for (size_t row = 0; row < lookup->list.nrows; row++)
		query_set_add(lookup->set, lookup->list.cells[
		    row * lookup->list.ncols + lookup->key], row);
	lookup->op.out = out;
	return &lookup->op;
}
