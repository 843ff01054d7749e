/* where: a condition over rows, in the same words as a search. */
#include "storage/plan.h"
#include "storage/query_read.h"

struct where {
	struct op op;
	struct plan *plan;
	const struct cond *cond;
	struct query *query;
};

/* The plan waits for the first row: columns are complete only when the whole
 * query is read. */
static enum op_more
where_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct where *where = (struct where *)(void *)op;

	if (where->plan == NULL)
		where->plan = plan_new(where->query->arena, where->cond,
		    where->query->leaves, op->in);
	if (!plan_row_holds(where->plan, row))
		return OP_MORE;
	return op_emit(op, row, run);
}

static void
where_end(struct op *op, struct op_run *run)
{
	op_end(op->next, run);
}

static void
where_fini(struct op *op)
{
	plan_free(((struct where *)(void *)op)->plan);
}

static const struct op_class where_class = {
	.name = "where", .passes = true, .row = where_row,
	.end = where_end, .fini = where_fini
};

/* Every field of the condition becomes a column. */
static bool
add_columns(struct schema *schema, const struct cond *cond)
{
	for (size_t i = 0; i < cond->n; i++)
		if (!add_columns(schema, cond->child[i]))
			return false;
	return cond->kind != COND_PRED || cond->pred->nfields == 0 ||
	    schema_find(schema, cond->pred->fields[0]) >= 0 ||
	    schema_add(schema, cond->pred->fields[0]);
}

struct op *
op_read_where(struct reader *reader)
{
	struct where *where = reader_op(reader, &where_class, sizeof(*where));
	struct token token = reader_peek(reader);

	where->query = reader->query;
	where->cond = reader_condition(reader);
	if (where->cond == NULL)
		return reader_fail(reader, &token,
		    "a condition belongs here");
	if (reader->schema->open &&
	    !add_columns(reader->schema, where->cond))
		return reader_fail(reader, &token, "more than %d columns",
		    SCHEMA_COLUMNS);
	return &where->op;
}
