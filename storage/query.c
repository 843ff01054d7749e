/* From tokens to conditions. By recursive descent:
 *
 *	any   := all { OR all }
 *	all   := one { [AND] one }
 *	one   := (NOT | -) one | ( any ) | field:value | word | "text"
 *	value := word | "text" | /regex/ | > n | ( values )
 */
#include "storage/query.h"

#include <stdarg.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/fold.h"
#include "engine/glob.h"
#include "engine/ip.h"
#include "engine/regex.h"
#include "storage/query_raw.h"
#include "storage/query_read.h"

void *
reader_fail(struct reader *reader, const struct token *token,
    const char *fmt, ...)
{
	va_list args;

	if (reader->failed)
		return NULL;
	reader->failed = true;
	reader->error->at = token->at;
	reader->error->len = token->len;
	va_start(args, fmt);
	vsnprintf(reader->error->text, sizeof(reader->error->text), fmt, args);
	va_end(args);
	return NULL;
}

void
reader_hint(struct reader *reader, const char *fmt, ...)
{
	va_list args;

	if (reader->error->hint[0] != '\0')
		return;
	va_start(args, fmt);
	vsnprintf(reader->error->hint, sizeof(reader->error->hint), fmt, args);
	va_end(args);
}

/* Text of a token for a message, not too long. */
static int
shown(struct slice text)
{
	return text.len > 60 ? 60 : (int)text.len;
}

/* --- fields ------------------------------------------------------------- */

#define NEAREST 3

struct nearest {
	size_t	 n, limit;
	struct { size_t distance; const char *name; } near[NEAREST];
};

static void
nearest_add(struct nearest *nearest, struct slice typed, struct slice name)
{
	size_t distance = diag_distance(typed, name), at;

	if (distance > nearest->limit)
		return;
	for (at = nearest->n; at > 0 &&
	    nearest->near[at - 1].distance > distance; at--)
		if (at < NEAREST)
			nearest->near[at] = nearest->near[at - 1];
	if (at == NEAREST)
		return;
	nearest->near[at].distance = distance;
	nearest->near[at].name = name.ptr;
	nearest->n += nearest->n < NEAREST;
}

/* The names nearest to what was typed, short ones too, as a hint. */
static void
hint_nearest(struct reader *reader, struct slice name)
{
	static const char *const aliases[] = {
#define FIELD_ALIAS(alias, name) alias,
#include "engine/field_alias.def"
#undef FIELD_ALIAS
	};
	struct nearest nearest = { .limit = diag_near_enough(name) };
	bool columns = reader->schema != NULL && !reader->schema->open;

	for (size_t i = 0; i < field_count(); i++)
		if (!columns || schema_find(reader->schema, (field_t)i) >= 0)
			nearest_add(&nearest, name, field_name((field_t)i));
	for (size_t i = 0; !columns &&
	    i < sizeof(aliases) / sizeof(aliases[0]); i++)
		nearest_add(&nearest, name, slice_cstr(aliases[i]));
	if (nearest.n == 1)
		reader_hint(reader, "did you mean %s?", nearest.near[0].name);
	else if (nearest.n == 2)
		reader_hint(reader, "did you mean %s or %s?",
		    nearest.near[0].name, nearest.near[1].name);
	else if (nearest.n == 3)
		reader_hint(reader, "did you mean %s, %s or %s?",
		    nearest.near[0].name, nearest.near[1].name,
		    nearest.near[2].name);
}

/* `stats count` sees columns, not events: say which there are. */
static void
hint_columns(struct reader *reader)
{
	char list[200];
	size_t n = 0;

	list[0] = '\0';
	for (size_t i = 0; i < reader->schema->n && n < 150; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%.*s",
		    i == 0 ? "" : ", ", 40,
		    field_name(reader->schema->cols[i]).ptr);
	reader_hint(reader, "the columns here are %s", list);
}

static field_t
find_known(struct reader *reader, struct slice name)
{
	field_t field = field_find(name);

	if (field != FIELD_NONE || reader->names_loaded ||
	    reader->names == NULL || reader->names->load == NULL)
		return field;
	reader->names_loaded = true;
	reader->names->load(reader->names->user);
	return field_find(name);
}

static void
note_field(struct reader *reader, field_t field)
{
	if (field == FIELD_EVENT_MODULE || field == FIELD_EVENT_DATASET ||
	    slice_starts(field_name(field), SLICE("yagura.")))
		reader->query->names_yagura = true;
}

static field_t
column_field(struct reader *reader, const struct token *token)
{
	struct slice names[2] = { token->text, field_alias(token->text) };

	for (size_t i = 0; i < 2; i++) {
		field_t field = field_find(names[i]);

		if (field != FIELD_NONE &&
		    schema_find(reader->schema, field) >= 0)
			return field;
	}
	reader_fail(reader, token, "there is no column \"%.*s\" here",
	    shown(token->text), token->text.ptr);
	hint_nearest(reader, token->text);
	hint_columns(reader);
	return FIELD_NONE;
}

/* A field that is kept under its own name although it is also an alias stands
 * first: what is in the data is what is meant. */
field_t
reader_field(struct reader *reader, const struct token *token)
{
	field_t field;

	if (reader->schema != NULL && !reader->schema->open)
		return column_field(reader, token);
	field = find_known(reader, field_alias(token->text));
	if (field == FIELD_NONE) {
		reader_fail(reader, token, "unknown field \"%.*s\"",
		    shown(token->text), token->text.ptr);
		hint_nearest(reader, token->text);
		if (token->kind == LEX_FIELD)
			reader_hint(reader, "to search for text with a colon, "
			    "put it in quotes");
		return FIELD_NONE;
	}
	note_field(reader, field);
	return field;
}

/* --- one comparison ----------------------------------------------------- */

static struct query_leaf *
add_leaf(struct reader *reader, const struct cond *cond)
{
	struct query_leaf *leaf = arena_zalloc(reader->arena, sizeof(*leaf));

	leaf->pred = cond->pred;
	leaf->next = (struct query_leaf *)(uintptr_t)reader->query->leaves;
	reader->query->leaves = leaf;
	return leaf;
}

static struct pred
pred_of(field_t field, enum pred_op op, struct slice text)
{
	struct pred pred = { .op = (uint8_t)op, .nfields = 1,
	    .fields = { field }, .text = text };

	return pred;
}

static struct cond *
raw_cond(struct reader *reader, const struct token *token)
{
	struct pred pred = { .op = token->kind == LEX_QUOTED ? PRED_PHRASE
	    : PRED_WORD };
	struct cond *cond;

	if (reader->schema != NULL && !reader->schema->open)
		return reader_fail(reader, token, "there is no raw line here; "
		    "name a column: %s", "NAME:value or NAME > 3");
	if (token->text.len == 0) {
		reader_fail(reader, token, "this text is empty");
		reader_hint(reader, "* finds everything");
		return NULL;
	}
	if (reader->schema != NULL)
		reader->schema->raw = true;
	pred.text = fold_dup(reader->arena, token->text);
	cond = cond_pred(reader->arena, pred);
	add_leaf(reader, cond)->needle = token->kind == LEX_QUOTED
	    ? needle_phrase(reader->arena, token->text)
	    : needle_word(reader->arena, token->pattern);
	return cond;
}

static bool
only_stars(const struct token *token)
{
	for (size_t i = 0; i < token->pattern.len; i++)
		if (token->pattern.ptr[i] != '*')
			return false;
	return token->wild;
}

static struct cond *
glob_cond(struct reader *reader, field_t field, const struct token *token)
{
	struct slice pattern = fold_dup(reader->arena, token->pattern);
	glob_unit *units = arena_alloc(reader->arena,
	    (pattern.len + 1) * sizeof(*units));
	size_t n = glob_read(units, pattern);
	struct pred pred = pred_of(field, PRED_GLOB, pattern);

	pred.glob = glob_build(reader->arena, units, n, false);
	return cond_pred(reader->arena, pred);
}

static struct cond *
regex_cond(struct reader *reader, field_t field, const struct token *token)
{
	struct regex_list *own;
	struct err err = { ERR_NONE, "" };
	struct pred pred = pred_of(field, PRED_RE, token->text);
	struct regex *regex = regex_new(token->text, 0, &err);

	if (regex == NULL)
		return reader_fail(reader, token,
		    "no regular expression: %.200s", err.text);
	own = arena_alloc(reader->arena, sizeof(*own));
	own->regex = regex;
	own->next = reader->query->regexes;
	reader->query->regexes = own;
	pred.regex = regex;
	pred.cased = true;
	return cond_pred(reader->arena, pred);
}

static struct cond *
cidr_cond(struct reader *reader, field_t field, struct slice text,
    const struct cidr *cidr)
{
	struct cidr *copy = arena_alloc(reader->arena, sizeof(*copy));
	struct pred pred = pred_of(field, PRED_CIDR, text);

	*copy = *cidr;
	pred.cidr = copy;
	return cond_pred(reader->arena, pred);
}

static struct cond *
time_cond(struct reader *reader, field_t field, enum pred_op op,
    const struct token *token)
{
	struct query_leaf *leaf;
	struct cond *cond;
	int64_t from, to;

	if (!query_time(token->text, reader->query->now_ns, &from, &to)) {
		reader_fail(reader, token, "%s holds times; \"%.*s\" is none",
		    field_name(field).ptr, shown(token->text),
		    token->text.ptr);
		reader_hint(reader, "write 2026-11-21, \"2026-11-21T10:00:00Z\""
		    " or -24h");
		return NULL;
	}
	cond = cond_pred(reader->arena, pred_of(field, op, token->text));
	leaf = add_leaf(reader, cond);
	leaf->is_time = true;
	/* After a day means after its end; up to a day includes it. */
	leaf->time_ns = op == PRED_GT || op == PRED_LE ? to : from;
	leaf->until_ns = to;
	return cond;
}

static struct cond *
number_cond(struct reader *reader, field_t field, enum pred_op op,
    const struct token *token)
{
	struct pred pred = pred_of(field, op, token->text);

	if (!slice_double(token->text, &pred.number))
		return reader_fail(reader, token,
		    "\"%.*s\" is no number", shown(token->text),
		    token->text.ptr);
	pred.has_number = true;
	return cond_pred(reader->arena, pred);
}

static struct cond *
ordered_cond(struct reader *reader, field_t field, const struct token *sign,
    const struct token *token)
{
	enum pred_op op = sign->text.ptr[0] == '>'
	    ? sign->len == 2 ? PRED_GE : PRED_GT
	    : sign->len == 2 ? PRED_LE : PRED_LT;

	if (token->kind != LEX_WORD && token->kind != LEX_QUOTED)
		return reader_fail(reader, token, "a number belongs here");
	if (field_type(field) == VALUE_TIME)
		return time_cond(reader, field, op, token);
	return number_cond(reader, field, op, token);
}

static struct cond *
refuse_type(struct reader *reader, field_t field, const struct token *token,
    const char *holds)
{
	reader_fail(reader, token, "%s holds %s; \"%.*s\" is none",
	    field_name(field).ptr, holds, shown(token->text),
	    token->text.ptr);
	reader_hint(reader, "%s:* finds every value", field_name(field).ptr);
	return NULL;
}

static struct cond *
equal_cond(struct reader *reader, field_t field, const struct token *token)
{
	struct slice text = token->text;
	struct pred pred = pred_of(field, PRED_EQ,
	    fold_dup(reader->arena, text));
	struct cidr cidr;

	switch (field_type(field)) {
	case VALUE_TIME:
		return time_cond(reader, field, PRED_EQ, token);
	case VALUE_IP:
		if (!cidr_parse(text, &cidr))
			return refuse_type(reader, field, token, "addresses");
		return cidr_cond(reader, field, text, &cidr);
	case VALUE_LONG:
	case VALUE_DOUBLE:
		if (!slice_double(text, &pred.number))
			return refuse_type(reader, field, token, "numbers");
		pred.has_number = true;
		break;
	default:
		/* A vendor's own address field is text to us. */
		if (token->kind == LEX_WORD &&
		    slice_find_byte(text, '/') > 0 && cidr_parse(text, &cidr))
			return cond_or(reader->arena,
			    cond_pred(reader->arena, pred),
			    cidr_cond(reader, field, text, &cidr));
		break;	/* text: 007 is not 7 */
	}
	return cond_pred(reader->arena, pred);
}

static struct cond *read_values(struct reader *reader, field_t field);

static struct cond *
value_cond(struct reader *reader, field_t field, const struct token *token)
{
	struct token operand;

	if (++reader->terms > QUERY_TERMS)
		return reader_fail(reader, token, "more than %d terms",
		    QUERY_TERMS);
	switch (token->kind) {
	case LEX_QUOTED:
		return equal_cond(reader, field, token);
	case LEX_WORD:
		if (only_stars(token))
			return cond_pred(reader->arena,
			    pred_of(field, PRED_EXISTS, token->text));
		if (token->wild)
			return glob_cond(reader, field, token);
		return equal_cond(reader, field, token);
	case LEX_REGEX:
		return regex_cond(reader, field, token);
	case LEX_COMPARE:
		operand = lex_value(&reader->lex);
		return ordered_cond(reader, field, token, &operand);
	case LEX_OPEN:
		return read_values(reader, field);
	case LEX_BROKEN:
		return reader_fail(reader, token, "%.*s",
		    (int)token->text.len, token->text.ptr);
	default:
		reader_fail(reader, token, "a value belongs here");
		reader_hint(reader, "%s:* finds every value",
		    field_name(field).ptr);
		return NULL;
	}
}

/* --- field:( ... ) ------------------------------------------------------ */

static bool
enter(struct reader *reader, const struct token *token)
{
	if (++reader->depth > QUERY_DEPTH)
		reader_fail(reader, token, "more than %d parentheses deep",
		    QUERY_DEPTH);
	return !reader->failed;
}

static struct cond *
read_value_one(struct reader *reader, field_t field)
{
	struct token token;
	struct cond *cond;

	while (reader->lex.at < reader->lex.query.len &&
	    strchr(" \t\r\n", reader->lex.query.ptr[reader->lex.at]) != NULL &&
	    reader->lex.query.ptr[reader->lex.at] != '\0')
		reader->lex.at++;
	token = lex_value(&reader->lex);
	if (token_is(&token, "NOT") || (token.kind == LEX_WORD &&
	    !token.escaped && token.text.len > 0 &&
	    token.text.ptr[0] == '-' && field_type(field) != VALUE_LONG &&
	    field_type(field) != VALUE_DOUBLE &&
	    field_type(field) != VALUE_TIME)) {
		if (!enter(reader, &token))
			return NULL;
		if (token.text.ptr[0] == '-')
			reader->lex.at = token.at + 1;
		cond = read_value_one(reader, field);
		reader->depth--;
		return cond == NULL ? NULL : cond_not(reader->arena, cond);
	}
	if (token_is(&token, "AND") || token_is(&token, "OR"))
		return reader_fail(reader, &token,
		    "a value belongs before this word");
	return value_cond(reader, field, &token);
}

static struct cond *
read_values_all(struct reader *reader, field_t field)
{
	struct cond *cond = read_value_one(reader, field);
	struct lex before;
	struct token token;

	while (!reader->failed) {
		before = reader->lex;
		token = lex_term(&reader->lex);
		if (!token_is(&token, "AND")) {
			reader->lex = before;
			return cond;
		}
		cond = cond_and(reader->arena, cond,
		    read_value_one(reader, field));
	}
	return NULL;
}

/* Behind the opening parenthesis. */
static struct cond *
read_values(struct reader *reader, field_t field)
{
	struct token open = { .at = reader->lex.at - 1, .len = 1 };
	struct token token;
	struct cond *cond;

	if (!enter(reader, &open))
		return NULL;
	cond = read_values_all(reader, field);
	while (!reader->failed) {
		token = lex_term(&reader->lex);
		if (token.kind == LEX_CLOSE) {
			reader->depth--;
			return cond;
		}
		if (token.kind == LEX_END || token.kind == LEX_PIPE)
			return reader_fail(reader, &open,
			    "this parenthesis is never closed");
		if (!token_is(&token, "OR")) {
			reader_fail(reader, &token,
			    "OR or AND belongs between values");
			reader_hint(reader, "%s:(a OR b)",
			    field_name(field).ptr);
			return NULL;
		}
		cond = cond_or(reader->arena, cond,
		    read_values_all(reader, field));
	}
	return NULL;
}

/* --- conditions --------------------------------------------------------- */

static struct cond *read_any(struct reader *reader);

static struct cond *
true_cond(struct reader *reader)
{
	struct pred pred = { .op = PRED_TRUE };

	return cond_pred(reader->arena, pred);
}

/* `where` also takes count > 10, as one writes it elsewhere. *found says
 * whether it was that. */
static struct cond *
read_comparison(struct reader *reader, bool *found)
{
	struct lex before = reader->lex;
	struct token name = lex_pipe(&reader->lex), sign, value;
	struct cond *cond;
	field_t field;

	*found = false;
	if (name.kind == LEX_WORD || name.kind == LEX_QUOTED) {
		/* count>10, dcount(x) > 3: parentheses belong to a name. */
		if (reader->lex.at < reader->lex.query.len &&
		    reader->lex.query.ptr[reader->lex.at] == '(') {
			ptrdiff_t close = slice_find_byte(slice_skip(
			    reader->lex.query, reader->lex.at), ')');

			if (close > 0) {
				reader->lex.at += (size_t)close + 1;
				name.len = reader->lex.at - name.at;
				name.text = slice_of(reader->lex.query.ptr +
				    name.at, name.len);
			}
		}
		sign = lex_pipe(&reader->lex);
		*found = sign.kind == LEX_COMPARE &&
		    !slice_ends(name.text, SLICE(":"));
	}
	if (!*found) {
		reader->lex = before;
		return NULL;
	}
	field = reader_field(reader, &name);
	if (field == FIELD_NONE)
		return NULL;
	value = lex_pipe(&reader->lex);
	if (value.kind == LEX_MINUS) {	/* a negative number */
		size_t at = value.at;

		value = lex_pipe(&reader->lex);
		value.text = slice_of(reader->lex.query.ptr + at,
		    reader->lex.at - at);
	}
	if (sign.text.ptr[0] == '<' || sign.text.ptr[0] == '>')
		return ordered_cond(reader, field, &sign, &value);
	cond = value_cond(reader, field, &value);
	if (cond == NULL || sign.text.ptr[0] != '!')
		return cond;
	return cond_not(reader->arena, cond);
}

static struct cond *
read_one(struct reader *reader)
{
	struct token token, value;
	struct cond *cond;
	field_t field;
	bool found;

	if (reader->failed)
		return NULL;
	if (reader->schema != NULL) {
		cond = read_comparison(reader, &found);
		if (found)
			return cond;
	}
	token = lex_term(&reader->lex);
	if (token.kind == LEX_MINUS || token_is(&token, "NOT")) {
		if (!enter(reader, &token))
			return NULL;
		cond = read_one(reader);
		reader->depth--;
		return cond == NULL ? NULL : cond_not(reader->arena, cond);
	}
	switch (token.kind) {
	case LEX_OPEN:
		if (!enter(reader, &token))
			return NULL;
		cond = read_any(reader);
		value = lex_term(&reader->lex);
		if (value.kind != LEX_CLOSE)
			return reader_fail(reader, &token,
			    "this parenthesis is never closed");
		reader->depth--;
		return cond;
	case LEX_FIELD:
		field = reader_field(reader, &token);
		if (field == FIELD_NONE)
			return NULL;
		value = lex_value(&reader->lex);
		if (value.kind == LEX_END) {
			value.at = token.at;
			value.len = token.len + 1;
		}
		return value_cond(reader, field, &value);
	case LEX_WORD:
		if (token_is(&token, "AND") || token_is(&token, "OR"))
			return reader_fail(reader, &token,
			    "a condition belongs before this word");
		if (only_stars(&token))
			return true_cond(reader);
		/* fall through */
	case LEX_QUOTED:
		if (++reader->terms > QUERY_TERMS)
			return reader_fail(reader, &token,
			    "more than %d terms", QUERY_TERMS);
		return raw_cond(reader, &token);
	case LEX_BROKEN:
		return reader_fail(reader, &token, "%.*s",
		    (int)token.text.len, token.text.ptr);
	case LEX_CLOSE:
		return reader_fail(reader, &token,
		    "this parenthesis was never opened");
	default:
		return reader_fail(reader, &token, "a condition belongs here");
	}
}

static struct cond *
read_all(struct reader *reader)
{
	struct cond *cond = read_one(reader);
	struct lex before;
	struct token token;

	while (!reader->failed) {
		before = reader->lex;
		token = lex_term(&reader->lex);
		if (!token_is(&token, "AND"))
			reader->lex = before;
		if (token.kind == LEX_END || token.kind == LEX_PIPE ||
		    token.kind == LEX_CLOSE || token_is(&token, "OR"))
			return cond;
		cond = cond_and(reader->arena, cond, read_one(reader));
	}
	return NULL;
}

static struct cond *
read_any(struct reader *reader)
{
	struct cond *cond = read_all(reader);
	struct lex before;
	struct token token;

	while (!reader->failed) {
		before = reader->lex;
		token = lex_term(&reader->lex);
		if (!token_is(&token, "OR")) {
			reader->lex = before;
			return cond;
		}
		cond = cond_or(reader->arena, cond, read_all(reader));
	}
	return NULL;
}

struct cond *
reader_condition(struct reader *reader)
{
	struct lex before = reader->lex;
	struct token token = lex_term(&reader->lex);
	struct cond *cond;

	if (token.kind == LEX_END || token.kind == LEX_PIPE) {
		reader->lex = before;
		return NULL;
	}
	reader->lex = before;
	cond = read_any(reader);
	if (reader->failed)
		return NULL;
	before = reader->lex;
	token = lex_term(&reader->lex);
	reader->lex = before;
	if (token.kind == LEX_CLOSE)
		return reader_fail(reader, &token,
		    "this parenthesis was never opened");
	return cond;
}

/* --- the whole ---------------------------------------------------------- */

struct op_row {
	const char *name, *usage;
	struct op *(*read)(struct reader *reader);
};

static const struct op_row op_rows[] = {
#define OP(name, usage, help) { #name, usage, op_read_##name },
#include "storage/op.def"
#undef OP
};

#define OP_ROWS (sizeof(op_rows) / sizeof(op_rows[0]))

static struct op *
unknown_op(struct reader *reader, const struct token *name)
{
	const char *names[OP_ROWS], *nearest;

	for (size_t i = 0; i < OP_ROWS; i++)
		names[i] = op_rows[i].name;
	if (name->kind != LEX_WORD)
		reader_fail(reader, name, "an operator belongs here");
	else
		reader_fail(reader, name, "unknown operator \"%.*s\"",
		    shown(name->text), name->text.ptr);
	nearest = diag_nearest(name->text, names, OP_ROWS);
	if (nearest != NULL)
		reader_hint(reader, "did you mean %s?", nearest);
	reader_hint(reader, "operators: where fields rename stats timechart "
	    "top rare uniq dedup sort head tail lookup context");
	return NULL;
}

static struct op *
read_op_named(struct reader *reader)
{
	struct token name = reader_next(reader), rest;

	for (size_t i = 0; i < OP_ROWS; i++) {
		struct op *op;

		if (!token_is(&name, op_rows[i].name))
			continue;
		op = op_rows[i].read(reader);
		if (op == NULL || reader->failed) {
			reader_hint(reader, "usage: %s", op_rows[i].usage);
			return NULL;
		}
		rest = reader_peek(reader);
		if (rest.kind == LEX_PIPE || rest.kind == LEX_END)
			return op;
		if (rest.kind == LEX_BROKEN)
			reader_fail(reader, &rest, "%.*s",
			    (int)rest.text.len, rest.text.ptr);
		reader_fail(reader, &rest, "this does not belong to %s",
		    op_rows[i].name);
		reader_hint(reader, "usage: %s", op_rows[i].usage);
		return NULL;
	}
	return unknown_op(reader, &name);
}

static struct op *
read_op(struct reader *reader)
{
	struct op *op;

	reader->reading = NULL;
	op = read_op_named(reader);
	if (op == NULL && reader->reading != NULL)
		reader->reading->class->fini(reader->reading);
	return op;
}

static void
read_pipes(struct reader *reader)
{
	struct query *query = reader->query;

	reader->schema = query->source;
	while (!reader->failed && reader_accept_kind(reader, LEX_PIPE)) {
		struct op *op = read_op(reader);

		if (op == NULL)
			break;
		if (query->last == NULL)
			query->ops = op;
		else
			query->last->next = op;
		query->last = op;
		reader->schema = (struct schema *)(uintptr_t)op->out;
	}
	query->result = reader->schema;
	if (query->result->open)
		query->source->whole = true;
}

struct query *
query_parse(struct slice text, int64_t now_ns,
    const struct query_names *names, struct query_error *error)
{
	struct arena *arena = arena_new(0);
	struct query *query = arena_zalloc(arena, sizeof(*query));
	struct reader reader = { .query = query, .arena = arena,
	    .names = names, .error = error };
	struct token token;

	memset(error, 0, sizeof(*error));
	query->arena = arena;
	query->text = arena_dup(arena, text);
	query->now_ns = now_ns;
	query->source = reader_schema(&reader);
	query->source->open = true;
	lex_init(&reader.lex, query->text, arena);
	if (text.len > QUERY_BYTES) {
		reader_fail(&reader, &(struct token){ .at = QUERY_BYTES },
		    "the query is longer than %d bytes", QUERY_BYTES);
	} else {
		query->cond = reader_condition(&reader);
		if (!reader.failed)
			read_pipes(&reader);
	}
	if (!reader.failed) {
		token = lex_term(&reader.lex);
		if (token.kind != LEX_END)
			reader_fail(&reader, &token, "this does not belong "
			    "here");
	}
	if (!reader.failed)
		return query;
	query_free(query);
	return NULL;
}

struct cond *
query_source_cond(struct query *query,
    bool (*source)(const void *user, uint16_t logsource), const void *user)
{
	struct pred pred = { .op = PRED_TRUE };
	struct query_leaf *leaf = arena_zalloc(query->arena, sizeof(*leaf));
	struct cond *cond = cond_pred(query->arena, pred);

	leaf->pred = cond->pred;
	leaf->source = source;
	leaf->user = user;
	leaf->next = (struct query_leaf *)(uintptr_t)query->leaves;
	query->leaves = leaf;
	return cond;
}

void
query_free(struct query *query)
{
	if (query == NULL)
		return;
	for (struct op *op = query->ops; op != NULL; op = op->next)
		if (op->class->fini != NULL)
			op->class->fini(op);
	for (struct regex_list *own = query->regexes; own != NULL;
	    own = own->next)
		regex_free(own->regex);
	arena_free(query->arena);
}
