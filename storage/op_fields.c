/* fields: these columns and no others. rename: other names. */
#include "engine/arena.h"
#include "storage/query_read.h"

struct fields {
	struct op op;
	size_t	 n;
	int	 cols[SCHEMA_COLUMNS];
};

static enum op_more
fields_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct fields *fields = (struct fields *)(void *)op;
	struct value cells[SCHEMA_COLUMNS];
	struct row out = { .cells = cells, .raw = row->raw };

	for (size_t i = 0; i < fields->n; i++)
		cells[i] = row->cells[fields->cols[i]];
	return op_emit(op, &out, run);
}

static void
pass_end(struct op *op, struct op_run *run)
{
	op_end(op->next, run);
}

static const struct op_class fields_class = {
	.name = "fields", .passes = true, .row = fields_row, .end = pass_end
};

/* The name under which a column of the schema is shown. */
static field_t
shown_as(const struct schema *schema, int col)
{
	field_t field = schema->cols[col];

	for (size_t i = 0; i < schema->nrenames; i++)
		if (schema->renames[i].from == field)
			return schema->renames[i].to;
	return field;
}

struct op *
op_read_fields(struct reader *reader)
{
	struct fields *fields = reader_op(reader, &fields_class,
	    sizeof(*fields));
	struct schema *out = reader_schema(reader);

	if (reader_accept_kind(reader, LEX_MINUS)) {
		struct token token = reader_peek(reader);

		reader_fail(reader, &token, "fields names the columns to "
		    "keep; it cannot take some away");
		return NULL;
	}
	fields->n = reader_columns(reader, fields->cols, SCHEMA_COLUMNS);
	if (fields->n == 0)
		return NULL;
	for (size_t i = 0; i < fields->n; i++)
		schema_add(out, shown_as(reader->schema, fields->cols[i]));
	fields->op.out = out;
	return &fields->op;
}

struct op_rename {
	struct op op;
};

static enum op_more
rename_row(struct op *op, const struct row *row, struct op_run *run)
{
	return op_emit(op, row, run);
}

static const struct op_class rename_class = {
	.name = "rename", .passes = true, .row = rename_row, .end = pass_end
};

static bool
read_rename(struct reader *reader, struct schema *out)
{
	struct token from = reader_next(reader);
	int col = reader_column(reader, &from);
	struct token as;
	field_t to;

	if (col < 0)
		return false;
	as = reader_next(reader);
	if (!token_is(&as, "as")) {
		reader_fail(reader, &as, "the word \"as\" belongs here");
		return false;
	}
	to = reader_name(reader);
	if (to == FIELD_NONE)
		return false;
	if (!out->open) {
		out->cols[col] = to;
		return true;
	}
	if (out->nrenames == sizeof(out->renames) / sizeof(out->renames[0])) {
		reader_fail(reader, &from, "more than %zu renamed fields",
		    out->nrenames);
		return false;
	}
	out->renames[out->nrenames++] =
	    (struct rename){ out->cols[col], to };
	return true;
}

/* An open schema is the one of the scan and keeps its columns: only the names
 * change with which rows are shown. A closed one is copied. */
struct op *
op_read_rename(struct reader *reader)
{
	struct op *op = reader_op(reader, &rename_class,
	    sizeof(struct op_rename));
	struct schema *out = reader->schema;

	if (!out->open) {
		out = reader_schema(reader);
		*out = *reader->schema;
	}
	do {
		if (!read_rename(reader, out))
			return NULL;
	} while (reader_accept_kind(reader, LEX_COMMA));
	op->out = out;
	return op;
}
