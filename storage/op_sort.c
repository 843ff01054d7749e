/* sort: by value. Rows are kept until all are in; where a head follows, only
 * as many as it lets through, in a heap whose worst row is on top. Rows that
 * compare equal keep the order in which they came. */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "storage/query_read.h"

#define SORT_KEYS 16

struct sorted {
	struct row row;
	uint64_t number;	/* order of arrival */
	struct arena *arena;	/* its own while in a heap */
};

struct sort {
	struct op op;
	size_t	 nkeys;
	int	 cols[SORT_KEYS];
	bool	 down[SORT_KEYS];
	size_t	 n, cap;
	struct sorted *rows;
	uint64_t seen, keep;	/* keep: 0 for all */
	struct arena *arena;
};

static int
compare(const struct sorted *a, const struct sorted *b, const struct sort *sort)
{
	for (size_t i = 0; i < sort->nkeys; i++) {
		const struct value *x = &a->row.cells[sort->cols[i]];
		const struct value *y = &b->row.cells[sort->cols[i]];
		bool no_x = cell_is_absent(x), no_y = cell_is_absent(y);
		int order;

		if (no_x != no_y)	/* what is not there comes last */
			return no_x ? 1 : -1;
		order = value_order(x, y);
		if (order != 0)
			return sort->down[i] ? -order : order;
	}
	return (a->number > b->number) - (a->number < b->number);
}

static int
compare_rows(const void *a, const void *b, void *sort)
{
	return compare(a, b, sort);
}

static void
sift_down(struct sort *sort, size_t at)
{
	for (;;) {
		size_t worst = at, left = 2 * at + 1;
		struct sorted swap;

		for (size_t c = left; c < left + 2 && c < sort->n; c++)
			if (compare(&sort->rows[c], &sort->rows[worst],
			    sort) > 0)
				worst = c;
		if (worst == at)
			return;
		swap = sort->rows[at];
		sort->rows[at] = sort->rows[worst];
		sort->rows[worst] = swap;
		at = worst;
	}
}

/* The heap is full: the row replaces the worst one or goes. */
static void
heap_row(struct sort *sort, const struct row *row)
{
	struct sorted *worst = &sort->rows[0];
	struct sorted candidate = { .row = *row, .number = sort->seen++ };

	if (compare(&candidate, worst, sort) >= 0)
		return;
	arena_reset(worst->arena);
	worst->row = row_dup(worst->arena, sort->op.in, row);
	worst->number = candidate.number;
	sift_down(sort, 0);
}

static enum op_more
sort_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct sort *sort = (struct sort *)(void *)op;
	struct sorted *at;
	struct arena *arena;
	size_t before;

	if (sort->keep > 0 && sort->n == sort->keep) {
		heap_row(sort, row);
		return OP_MORE;
	}
	if (sort->arena == NULL)
		sort->arena = arena_new(0);
	if (run->partial && run->used_bytes >= run->limit_bytes)
		return OP_MORE;
	if (sort->n == sort->cap) {
		sort->cap = sort->cap == 0 ? 1024 : 2 * sort->cap;
		sort->rows = xrealloc(sort->rows,
		    sort->cap * sizeof(*sort->rows));
	}
	arena = sort->keep > 0 ? arena_new(1024) : sort->arena;
	at = &sort->rows[sort->n++];
	before = arena_bytes(arena);
	at->row = row_dup(arena, op->in, row);
	at->number = sort->seen++;
	at->arena = sort->keep > 0 ? arena : NULL;
	if (!op_take(run, arena_bytes(arena) - before + sizeof(*at),
	    "not all rows were sorted; put head behind sort, or stats before"))
		run->used_bytes = run->limit_bytes;
	if (sort->keep > 0 && sort->n == sort->keep)
		for (size_t i = sort->n; i-- > 0;)
			sift_down(sort, i);
	return OP_MORE;
}

static void
sort_end(struct op *op, struct op_run *run)
{
	struct sort *sort = (struct sort *)(void *)op;

	if (sort->n > 0)
		qsort_r(sort->rows, sort->n, sizeof(*sort->rows),
		    compare_rows, sort);
	for (size_t i = 0; i < sort->n; i++)
		if (op_emit(op, &sort->rows[i].row, run) == OP_ENOUGH)
			break;
	op_end(op->next, run);
}

static void
sort_fini(struct op *op)
{
	struct sort *sort = (struct sort *)(void *)op;

	for (size_t i = 0; i < sort->n; i++)
		arena_free(sort->rows[i].arena);
	free(sort->rows);
	arena_free(sort->arena);
}

static const struct op_class sort_class = {
	.name = "sort", .holds = true, .row = sort_row, .end = sort_end,
	.fini = sort_fini
};

static bool
read_key(struct reader *reader, struct sort *sort)
{
	bool down = reader_accept_kind(reader, LEX_MINUS);
	struct token token = reader_next(reader);
	int col;

	if (sort->nkeys == SORT_KEYS) {
		reader_fail(reader, &token, "more than %d keys", SORT_KEYS);
		return false;
	}
	if (!down && token.kind == LEX_WORD && token.text.len > 1 &&
	    token.text.ptr[0] == '+')
		token.text = slice_skip(token.text, 1);
	col = reader_column(reader, &token);
	if (col < 0)
		return false;
	if (reader_accept(reader, "desc"))
		down = true;
	else
		reader_accept(reader, "asc");
	sort->cols[sort->nkeys] = col;
	sort->down[sort->nkeys++] = down;
	return true;
}

/* Looks ahead for "| head N": then N rows are all that is needed. */
static uint64_t
head_behind(struct reader *reader)
{
	struct lex before = reader->lex;
	uint64_t n = 0;

	if (reader_accept_kind(reader, LEX_PIPE) &&
	    reader_accept(reader, "head")) {
		struct token token = reader_peek(reader);

		if (token.kind == LEX_PIPE || token.kind == LEX_END)
			n = 10;
		else if (token.kind != LEX_WORD ||
		    !slice_ulong(token.text, &n) || n > 100000)
			n = 0;
	}
	reader->lex = before;
	return n;
}

struct op *
op_read_sort(struct reader *reader)
{
	struct sort *sort = reader_op(reader, &sort_class, sizeof(*sort));

	do {
		if (!read_key(reader, sort))
			return NULL;
	} while (reader_accept_kind(reader, LEX_COMMA));
	sort->keep = head_behind(reader);
	return &sort->op;
}
