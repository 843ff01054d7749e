/* storage/op.h -- operators behind the pipes: rows in, rows out.
 *
 * The first operator gets the rows of the scan, the last one hands its rows to
 * a sink. Each is a file op_x.c and a row of op.def. What it needs to know
 * about columns it learns while the query is read: a schema flows from left to
 * right. The schema of the scan is open: every field anybody names becomes a
 * column of it, and where it stays open to the end the whole event is wanted.
 * stats, top or fields close it.
 *
 * Memory: an op lives in the arena of its query; what it holds on the heap
 *         goes with `fini`. A row and its values are borrowed until the call
 *         returns; what is kept is copied with row_dup.
 * Owner:  the thread that runs the query.
 */
#ifndef YAGURA_STORAGE_OP_H
#define YAGURA_STORAGE_OP_H

#include "engine/field.h"
#include "engine/slice.h"
#include "engine/value.h"

struct arena;
struct chunk_view;
struct event;
struct op;
struct reader;

#define SCHEMA_COLUMNS 256	/* columns of one table */

struct rename { field_t from, to; };

struct schema {
	bool	 open;		/* takes further fields; rows are events */
	bool	 raw;		/* somebody reads the raw line */
	bool	 whole;		/* rows carry their event */
	size_t	 n;
	field_t	 cols[SCHEMA_COLUMNS];
	size_t	 nrenames;	/* open only: how names are shown */
	struct rename renames[32];
};

/* A cell that is not there; null is something else. */
#define CELL_ABSENT UINT16_MAX

static inline struct value
cell_absent(void)
{
	return (struct value){ .type = VALUE_NULL, .reserved = CELL_ABSENT };
}

static inline bool
cell_is_absent(const struct value *cell)
{
	return cell->type == VALUE_NULL && cell->reserved == CELL_ABSENT;
}

/* Most rows of a search that sorts or drops duplicates never need their
 * event: `make` reads it when somebody does, see row_event. */
struct row {
	const struct value *cells;	/* one for each column of the schema */
	const struct event *event;	/* NULL: ask row_event */
	struct slice raw;		/* if the schema is raw */
	const struct event *(*make)(const struct row *row);
	void	*maker, *chunk;		/* of make */
	uint32_t at;
};

/* The event of a row, if its schema is whole; NULL if it cannot be read. It
 * lives as long as the row. */
const struct event *row_event(const struct row *row);

enum op_more { OP_MORE, OP_ENOUGH };

/* A question of an operator to the store: events whose field has this value,
 * between the times, newest first. */
struct op_ask {
	field_t	 field;
	const struct value *value;
	int64_t	 from_ns, to_ns;
	uint64_t most;			/* 0: all */
	enum op_more (*row)(void *user, const struct row *row);
	void	*user;
};

/* What one run may use and how it went. */
struct op_run {
	/* Only when all rows are in; NULL over events in memory. */
	void	(*ask)(void *scan, const struct op_ask *ask);
	void	*scan;
	int64_t	 from_ns, to_ns;	/* times of what is searched */
	size_t	 limit_bytes;		/* of all ops together */
	size_t	 used_bytes;
	bool	 partial;		/* something was left out */
	char	 why[256];		/* what, for people */
};

struct op_class {
	const char *name;
	/* Is its answer independent of the order of rows? Then the scan does
	 * not sort. */
	bool	 any_order;
	/* Does it hand on each row by itself? Then what follows decides. */
	bool	 passes;
	/* Does it answer only when all rows are in? */
	bool	 holds;
	enum op_more (*row)(struct op *op, const struct row *row,
	    struct op_run *run);
	/* Rows of a chunk at once, without making rows; false if it cannot.
	 * Optional. */
	bool	(*chunk)(struct op *op, struct chunk_view *view,
	    struct op_run *run);
	/* All rows are in: emits what it holds, then op_end() of the next. */
	void	(*end)(struct op *op, struct op_run *run);
	void	(*fini)(struct op *op);
};

struct op {
	const struct op_class *class;
	struct op *next;
	const struct schema *in, *out;
	bool	 enough;	/* the next one takes no more */
};

/* One reader per row of op.def: takes the arguments up to the next pipe. NULL
 * after reader_fail. */
#define OP(name, usage, help) struct op *op_read_##name(struct reader *reader);
#include "storage/op.def"
#undef OP

/* Hands a row to the next op. */
enum op_more op_emit(struct op *op, const struct row *row,
    struct op_run *run);
void op_end(struct op *op, struct op_run *run);

/* Counts bytes an op is about to keep; false if that passes the limit: the
 * answer is partial then and `what` says what is missing. */
bool op_take(struct op_run *run, size_t bytes, const char *what);

/* A copy with everything it points to, in the arena. */
struct row row_dup(struct arena *arena, const struct schema *schema,
    const struct row *row);

/* Orders values for sort, min and max: absent and null first, then numbers and
 * times, addresses, text without case. */
int value_order(const struct value *a, const struct value *b);

/* Appends bytes that are equal exactly if the values are the same to people:
 * text by bytes, numbers by number. For group keys. */
struct strbuf;
void value_key(struct strbuf *key, const struct value *value);

/* --- a chunk offered whole to the first op ------------------------------ */

struct chunk;
struct err;
struct column;

/* Rows that the condition holds for: all, or those whose bit is set. */
struct chunk_view {
	struct chunk *chunk;
	uint32_t rows;
	bool	 all;
	const uint64_t *bits;	/* unless all */
	uint32_t count;		/* rows that hold */
	int64_t	 t_min, t_max;	/* of all rows of the chunk */
	struct err *err;	/* set by the op if a column is damaged */
};

#endif
