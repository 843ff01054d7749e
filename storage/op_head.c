/* head, tail: the first rows, the last rows. */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "storage/query_read.h"

#define ROWS_DEFAULT 10
#define TAIL_ROWS 100000	/* they are kept in memory until the end */

struct head {
	struct op op;
	uint64_t left;
};

static enum op_more
head_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct head *head = (struct head *)(void *)op;

	if (head->left == 0)
		return OP_ENOUGH;
	head->left--;
	if (op_emit(op, row, run) == OP_ENOUGH)
		return OP_ENOUGH;
	return head->left == 0 ? OP_ENOUGH : OP_MORE;
}

static void
head_end(struct op *op, struct op_run *run)
{
	op_end(op->next, run);
}

static const struct op_class head_class = {
	.name = "head", .row = head_row, .end = head_end
};

struct op *
op_read_head(struct reader *reader)
{
	struct head *head = reader_op(reader, &head_class, sizeof(*head));

	head->left = ROWS_DEFAULT;
	if (!reader_at_end(reader) &&
	    !reader_count(reader, UINT32_MAX, &head->left))
		return NULL;
	return &head->op;
}

/* A ring of the last rows, each with an arena of its own. */
struct tail {
	struct op op;
	uint64_t n, seen;
	struct row *rows;
	struct arena **arenas;
};

static enum op_more
tail_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct tail *tail = (struct tail *)(void *)op;
	size_t at = tail->seen % tail->n;

	(void)run;
	if (tail->rows == NULL) {
		tail->rows = xcalloc(tail->n, sizeof(*tail->rows));
		tail->arenas = xcalloc(tail->n, sizeof(*tail->arenas));
	}
	if (tail->arenas[at] == NULL)
		tail->arenas[at] = arena_new(1024);
	else
		arena_reset(tail->arenas[at]);
	tail->rows[at] = row_dup(tail->arenas[at], op->in, row);
	tail->seen++;
	return OP_MORE;
}

static void
tail_end(struct op *op, struct op_run *run)
{
	struct tail *tail = (struct tail *)(void *)op;
	uint64_t from = tail->seen > tail->n ? tail->seen - tail->n : 0;

	for (uint64_t i = from; i < tail->seen; i++)
		if (op_emit(op, &tail->rows[i % tail->n], run) == OP_ENOUGH)
			break;
	op_end(op->next, run);
}

static void
tail_fini(struct op *op)
{
	struct tail *tail = (struct tail *)(void *)op;

	for (uint64_t i = 0; tail->arenas != NULL && i < tail->n; i++)
		arena_free(tail->arenas[i]);
	free(tail->arenas);
	free(tail->rows);
}

static const struct op_class tail_class = {
	.name = "tail", .holds = true, .row = tail_row, .end = tail_end,
	.fini = tail_fini
};

struct op *
op_read_tail(struct reader *reader)
{
	struct tail *tail = reader_op(reader, &tail_class, sizeof(*tail));

	tail->n = ROWS_DEFAULT;
	if (!reader_at_end(reader) &&
	    !reader_count(reader, TAIL_ROWS, &tail->n))
		return NULL;
	return &tail->op;
}
