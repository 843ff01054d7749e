#include "storage/query_read.h"

#include "engine/arena.h"

struct token
reader_peek(struct reader *reader)
{
	struct lex before = reader->lex;
	struct token token = lex_pipe(&reader->lex);

	reader->lex = before;
	return token;
}

struct token
reader_next(struct reader *reader)
{
	return lex_pipe(&reader->lex);
}

bool
reader_accept(struct reader *reader, const char *word)
{
	struct token token = reader_peek(reader);

	if (!token_is(&token, word))
		return false;
	reader_next(reader);
	return true;
}

bool
reader_accept_kind(struct reader *reader, enum lex_kind kind)
{
	if (reader_peek(reader).kind != kind)
		return false;
	reader_next(reader);
	return true;
}

bool
reader_at_end(struct reader *reader)
{
	struct token token = reader_peek(reader);

	return token.kind == LEX_END || token.kind == LEX_PIPE;
}

bool
reader_count(struct reader *reader, uint64_t most, uint64_t *out)
{
	struct token token = reader_next(reader);
	uint64_t n;

	if (token.kind == LEX_WORD && slice_ulong(token.text, &n) && n >= 1 &&
	    n <= most) {
		*out = n;
		return true;
	}
	reader_fail(reader, &token, "a whole number from 1 to %llu belongs "
	    "here", (unsigned long long)most);
	return false;
}

/* Behind stats a column may be called dcount(source.ip): the parentheses are
 * part of the name then. */
static void
take_parentheses(struct reader *reader, struct token *token)
{
	struct lex *lex = &reader->lex;
	ptrdiff_t close;

	if (token->kind != LEX_WORD || reader->schema->open ||
	    lex->at >= lex->query.len || lex->query.ptr[lex->at] != '(')
		return;
	close = slice_find_byte(slice_skip(lex->query, lex->at), ')');
	if (close < 0)
		return;
	lex->at += (size_t)close + 1;
	token->len = lex->at - token->at;
	token->text = slice_of(lex->query.ptr + token->at, token->len);
}

int
reader_column(struct reader *reader, const struct token *token)
{
	struct token name = *token;
	field_t field;
	int at;

	if (token->kind == LEX_BROKEN) {
		reader_fail(reader, token, "%.*s", (int)token->text.len,
		    token->text.ptr);
		return -1;
	}
	if (token->kind != LEX_WORD && token->kind != LEX_QUOTED) {
		reader_fail(reader, token, "the name of a field belongs here");
		return -1;
	}
	take_parentheses(reader, &name);
	field = reader_field(reader, &name);
	if (field == FIELD_NONE)
		return -1;
	at = schema_find(reader->schema, field);
	if (at >= 0)
		return at;
	if (!schema_add(reader->schema, field)) {
		reader_fail(reader, &name, "more than %d columns",
		    SCHEMA_COLUMNS);
		return -1;
	}
	return (int)reader->schema->n - 1;
}

size_t
reader_columns(struct reader *reader, int *cols, size_t room)
{
	size_t n = 0;

	do {
		struct token token = reader_next(reader);

		if (n == room) {
			reader_fail(reader, &token, "more than %zu fields",
			    room);
			return 0;
		}
		cols[n] = reader_column(reader, &token);
		if (cols[n++] < 0)
			return 0;
	} while (reader_accept_kind(reader, LEX_COMMA));
	return n;
}

field_t
reader_name(struct reader *reader)
{
	struct token token = reader_next(reader);
	field_t field = FIELD_NONE;

	if ((token.kind == LEX_WORD && !token.wild) ||
	    token.kind == LEX_QUOTED)
		field = field_intern(token.text);
	if (field == FIELD_NONE)
		reader_fail(reader, &token, "a name belongs here");
	return field;
}

void *
reader_op(struct reader *reader, const struct op_class *class, size_t bytes)
{
	struct op *op = arena_zalloc(reader->arena, bytes);

	op->class = class;
	op->in = op->out = reader->schema;
	return op;
}

void
reader_own(struct reader *reader, struct op *op)
{
	reader->reading = op;
}

struct schema *
reader_schema(struct reader *reader)
{
	return arena_zalloc(reader->arena, sizeof(struct schema));
}

bool
schema_add(struct schema *schema, field_t field)
{
	if (schema->n == SCHEMA_COLUMNS)
		return false;
	schema->cols[schema->n++] = field;
	return true;
}

int
schema_find(const struct schema *schema, field_t field)
{
	for (size_t i = 0; i < schema->nrenames; i++)
		if (schema->renames[i].to == field)
			field = schema->renames[i].from;
	for (size_t i = 0; i < schema->n; i++)
		if (schema->cols[i] == field)
			return (int)i;
	return -1;
}
