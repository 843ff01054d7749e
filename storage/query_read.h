/* storage/query_read.h -- how an operator reads its arguments.
 *
 * Only query*.c and op_*.c include this.
 */
#ifndef YAGURA_STORAGE_QUERY_READ_H
#define YAGURA_STORAGE_QUERY_READ_H

#include "storage/lex.h"
#include "storage/op.h"
#include "storage/query.h"

struct reader {
	struct query *query;
	struct arena *arena;
	struct lex lex;
	const struct query_names *names;
	bool	 names_loaded;
	struct query_error *error;
	bool	 failed;
	struct op *reading;	/* see reader_own */
	size_t	 terms, depth;
	/* Behind a pipe: the columns the operator sees. NULL in front. */
	struct schema *schema;
};

/* Refuses the query at the token; the first one stands. Returns NULL. */
void *reader_fail(struct reader *reader, const struct token *token,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void reader_hint(struct reader *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The next token behind a pipe, without and with taking it. */
struct token reader_peek(struct reader *reader);
struct token reader_next(struct reader *reader);

/* Takes the next token if it is this keyword or this punctuation. */
bool reader_accept(struct reader *reader, const char *word);
bool reader_accept_kind(struct reader *reader, enum lex_kind kind);

/* At a pipe or at the end? */
bool reader_at_end(struct reader *reader);

/* A whole number from 1 to `most`; false after reader_fail. */
bool reader_count(struct reader *reader, uint64_t most, uint64_t *out);

/* The field that a token names, aliases resolved; FIELD_NONE after
 * reader_fail. In a closed schema it must be a column. */
field_t reader_field(struct reader *reader, const struct token *token);

/* Its column in the schema, made if the schema is open; -1 after
 * reader_fail. */
int reader_column(struct reader *reader, const struct token *token);

/* A list of columns separated by commas, up to a keyword, pipe or end. At
 * least one. Returns their number, 0 after reader_fail. */
size_t reader_columns(struct reader *reader, int *cols, size_t room);

/* A name for a new column; FIELD_NONE after reader_fail. */
field_t reader_name(struct reader *reader);

/* The rest up to a pipe as a condition; NULL after reader_fail, or if it is
 * empty or `*` (ask reader->failed). */
struct cond *reader_condition(struct reader *reader);

/* A cleared op of this size whose out is the schema it sees. */
void *reader_op(struct reader *reader, const struct op_class *class,
    size_t bytes);

/* The op holds memory from now on: if the query is refused before the op is
 * complete, its fini is called. */
void reader_own(struct reader *reader, struct op *op);

/* A closed schema without columns; and one more column for it. */
struct schema *reader_schema(struct reader *reader);
bool schema_add(struct schema *schema, field_t field);

/* The place of a field in a schema, renames resolved, or -1. */
int schema_find(const struct schema *schema, field_t field);

#endif
