/* top and rare: how often each value occurs, most and least frequent first. */
#include <stdlib.h>

#include "storage/op_group.h"

#define ROWS_DEFAULT 10

struct top {
	struct op op;
	struct groups groups;
	size_t	 nby;		/* the first key columns: `by` */
	uint64_t rows;		/* of each */
	int	 sign;		/* -1 for rare */
};

static enum op_more
top_row(struct op *op, const struct row *row, struct op_run *run)
{
	groups_row(&((struct top *)(void *)op)->groups, row, run);
	return OP_MORE;
}

static bool
top_chunk(struct op *op, struct chunk_view *view, struct op_run *run)
{
	return groups_chunk(&((struct top *)(void *)op)->groups, op->in, view,
	    run);
}

static int
compare(const void *a, const void *b, void *arg)
{
	const struct top *top = arg;
	const struct group *x = a, *y = b;
	int order;

	for (size_t i = 0; i < top->nby; i++) {
		order = value_order(&x->key[i], &y->key[i]);
		if (order != 0)
			return order;
	}
	if (group_count(x) != group_count(y))
		return group_count(x) > group_count(y) ? -top->sign
		    : top->sign;
	for (size_t i = top->nby; i < top->groups.ncols; i++) {
		order = value_order(&x->key[i], &y->key[i]);
		if (order != 0)
			return order;
	}
	return 0;
}

static bool
same_by(const struct top *top, const struct group *a, const struct group *b)
{
	for (size_t i = 0; i < top->nby; i++)
		if (value_order(&a->key[i], &b->key[i]) != 0)
			return false;
	return true;
}

static void
top_end(struct op *op, struct op_run *run)
{
	struct top *top = (struct top *)(void *)op;
	struct groups *groups = &top->groups;
	uint64_t shown = 0;

	if (groups->n > 1)
		qsort_r(groups->group, groups->n, sizeof(*groups->group),
		    compare, top);
	for (size_t i = 0; i < groups->n; i++) {
		if (i > 0 && !same_by(top, &groups->group[i - 1],
		    &groups->group[i]))
			shown = 0;
		if (shown++ < top->rows && groups_emit(groups,
		    &groups->group[i], op, run) == OP_ENOUGH)
			break;
	}
	op_end(op->next, run);
}

static void
top_fini(struct op *op)
{
	groups_fini(&((struct top *)(void *)op)->groups);
}

static const struct op_class top_class = {
	.name = "top", .any_order = true, .holds = true, .row = top_row,
	.chunk = top_chunk, .end = top_end, .fini = top_fini
};

static bool
read_count(struct reader *reader, struct top *top)
{
	struct token token = reader_peek(reader);
	uint64_t n;

	top->rows = ROWS_DEFAULT;
	if (token.kind != LEX_WORD || !slice_ulong(token.text, &n))
		return true;
	return reader_count(reader, UINT32_MAX, &top->rows);
}

static struct op *
read(struct reader *reader, int sign)
{
	struct top *top = reader_op(reader, &top_class, sizeof(*top));
	struct schema *out = reader_schema(reader);
	struct groups *groups = &top->groups;
	int fields[GROUP_COLUMNS];
	size_t n;

	top->sign = sign;
	if (!read_count(reader, top))
		return NULL;
	n = reader_columns(reader, fields, GROUP_COLUMNS / 2);
	if (n == 0 || !groups_read_by(reader, groups))
		return NULL;
	top->nby = groups->ncols;
	if (top->nby + n > GROUP_COLUMNS) {
		struct token token = reader_peek(reader);

		return reader_fail(reader, &token, "more than %d fields",
		    GROUP_COLUMNS);
	}
	for (size_t i = 0; i < n; i++)
		groups->cols[groups->ncols++] = fields[i];
	groups_count_rows(groups);
	if (!groups_columns(reader, groups, out))
		return NULL;
	top->op.out = out;
	return &top->op;
}

struct op *
op_read_top(struct reader *reader)
{
	return read(reader, 1);
}

struct op *
op_read_rare(struct reader *reader)
{
	return read(reader, -1);
}
