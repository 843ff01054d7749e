/* dedup: the first row of each combination of values. uniq: the combinations
 * themselves. */
#include "engine/arena.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "storage/query_read.h"

#define KEY_COLUMNS 32
#define KEY_COST 64	/* bytes of the map for a key, besides its own */

struct dedup {
	struct op op;
	size_t	 n;
	int	 cols[KEY_COLUMNS];
	bool	 all;		/* uniq without fields: whole rows */
	bool	 project;	/* uniq with fields */
	struct map *seen;
	struct strbuf key;
};

static bool
is_new(struct dedup *dedup, const struct row *row, struct op_run *run)
{
	size_t n = dedup->all ? dedup->op.in->n : dedup->n;
	bool made;

	if (dedup->seen == NULL)
		dedup->seen = map_new();
	strbuf_clear(&dedup->key);
	for (size_t i = 0; i < n; i++)
		value_key(&dedup->key,
		    &row->cells[dedup->all ? (int)i : dedup->cols[i]]);
	if (map_find(dedup->seen, strbuf_slice(&dedup->key)) != NULL)
		return false;
	/* Past the limit a row is let through: twice is better than never. */
	if (!op_take(run, dedup->key.len + KEY_COST,
	    "some rows may be shown twice: too many different values"))
		return true;
	map_get(dedup->seen, strbuf_slice(&dedup->key), &made);
	return true;
}

static enum op_more
dedup_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct dedup *dedup = (struct dedup *)(void *)op;
	struct value cells[KEY_COLUMNS];
	struct row out = { .cells = cells };
	bool any = false;

	for (size_t i = 0; i < dedup->n && !any; i++)
		any = !cell_is_absent(&row->cells[dedup->cols[i]]);
	if (!dedup->all && !any)
		return OP_MORE;
	if (!is_new(dedup, row, run))
		return OP_MORE;
	if (!dedup->project)
		return op_emit(op, row, run);
	for (size_t i = 0; i < dedup->n; i++)
		cells[i] = row->cells[dedup->cols[i]];
	return op_emit(op, &out, run);
}

static void
dedup_end(struct op *op, struct op_run *run)
{
	op_end(op->next, run);
}

static void
dedup_fini(struct op *op)
{
	struct dedup *dedup = (struct dedup *)(void *)op;

	map_free(dedup->seen);
	strbuf_fini(&dedup->key);
}

static const struct op_class dedup_class = {
	.name = "dedup", .row = dedup_row, .end = dedup_end,
	.fini = dedup_fini
};

struct op *
op_read_dedup(struct reader *reader)
{
	struct dedup *dedup = reader_op(reader, &dedup_class, sizeof(*dedup));

	strbuf_init(&dedup->key);
	dedup->n = reader_columns(reader, dedup->cols, KEY_COLUMNS);
	return dedup->n == 0 ? NULL : &dedup->op;
}

struct op *
op_read_uniq(struct reader *reader)
{
	struct dedup *dedup = reader_op(reader, &dedup_class, sizeof(*dedup));
	struct token token = reader_peek(reader);
	struct schema *out;

	strbuf_init(&dedup->key);
	if (reader_at_end(reader)) {
		if (reader->schema->open)
			return reader_fail(reader, &token,
			    "the fields of uniq belong here");
		dedup->all = true;
		return &dedup->op;
	}
	dedup->n = reader_columns(reader, dedup->cols, KEY_COLUMNS);
	if (dedup->n == 0)
		return NULL;
	dedup->project = true;
	out = reader_schema(reader);
	for (size_t i = 0; i < dedup->n; i++)
		schema_add(out, reader->schema->cols[dedup->cols[i]]);
	dedup->op.out = out;
	return &dedup->op;
}
