/* stats: functions over all rows, or over the rows of each group. */
#include "storage/op_group.h"

struct stats {
	struct op op;
	struct groups groups;
};

static enum op_more
stats_row(struct op *op, const struct row *row, struct op_run *run)
{
	groups_row(&((struct stats *)(void *)op)->groups, row, run);
	return OP_MORE;
}

static bool
stats_chunk(struct op *op, struct chunk_view *view, struct op_run *run)
{
	return groups_chunk(&((struct stats *)(void *)op)->groups, op->in,
	    view, run);
}

/* Without `by` there is one row, over nothing too. */
static void
stats_end(struct op *op, struct op_run *run)
{
	struct groups *groups = &((struct stats *)(void *)op)->groups;

	if (groups->ncols == 0)
		groups_at(groups, NULL, run);
	groups_sort(groups);
	for (size_t i = 0; i < groups->n; i++)
		if (groups_emit(groups, &groups->group[i], op, run) ==
		    OP_ENOUGH)
			break;
	op_end(op->next, run);
}

static void
stats_fini(struct op *op)
{
	groups_fini(&((struct stats *)(void *)op)->groups);
}

static const struct op_class stats_class = {
	.name = "stats", .any_order = true, .holds = true, .row = stats_row,
	.chunk = stats_chunk, .end = stats_end, .fini = stats_fini
};

struct op *
op_read_stats(struct reader *reader)
{
	struct stats *stats = reader_op(reader, &stats_class, sizeof(*stats));
	struct schema *out = reader_schema(reader);

	if (!groups_read_aggregates(reader, &stats->groups) ||
	    !groups_read_by(reader, &stats->groups) ||
	    !groups_columns(reader, &stats->groups, out))
		return NULL;
	stats->op.out = out;
	return &stats->op;
}
