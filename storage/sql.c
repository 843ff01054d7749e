#include "storage/sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "storage/query.h"
#include "storage/scan.h"

#define CONSTRAINTS 16		/* handed down; SQLite checks the rest */
#define MASK_COLUMNS 63		/* that SQLite names one by one */

/* What SELECT * shows; they come first. */
static const field_t shown[] = { FIELD_TIMESTAMP, FIELD_EVENT_ID,
	FIELD_EVENT_DATASET, FIELD_HOST_NAME, FIELD_USER_NAME, FIELD_SOURCE_IP,
	FIELD_DESTINATION_IP, FIELD_EVENT_ACTION, FIELD_EVENT_OUTCOME,
	FIELD_EVENT_ORIGINAL };

#define SHOWN (sizeof(shown) / sizeof(shown[0]))

struct sql {
	struct store *store;
	int64_t	 now_ns;
	size_t	 n;		/* fields; then raw, json */
	field_t	 fields[SQL_COLUMNS];
};

struct table {
	sqlite3_vtab base;
	struct sql *sql;
	bool	 alerts;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct table *table;
	struct query *query;
	struct scan_request request;
	struct scan_result result;
	int	 failed;
	struct err err;
	/* taking turns */
	ucontext_t caller, scanner;
	char	*stack;
	bool	 running, stop;
	const struct row *row;	/* NULL: no more */
	sqlite3_int64 number;
	/* where the columns of the table stand in a row */
	int	 place[SQL_COLUMNS];
};

/* --- taking turns ------------------------------------------------------- */

static enum op_more
give_row(void *user, const struct row *row)
{
	struct cursor *cursor = user;

	if (cursor->stop)
		return OP_ENOUGH;
	cursor->row = row;
	cursor->number++;
	swapcontext(&cursor->scanner, &cursor->caller);
	return cursor->stop ? OP_ENOUGH : OP_MORE;
}

/* makecontext passes ints only. */
static void
scan_main(unsigned high, unsigned low)
{
	struct cursor *cursor = (struct cursor *)
	    ((uintptr_t)high << 32 | (uintptr_t)low);

	cursor->failed = scan_run(&cursor->request, &cursor->result,
	    &cursor->err);
	cursor->row = NULL;
	cursor->running = false;
	swapcontext(&cursor->scanner, &cursor->caller);
}

static void
resume(struct cursor *cursor)
{
	cursor->row = NULL;
	if (cursor->running)
		swapcontext(&cursor->caller, &cursor->scanner);
}

static void
start(struct cursor *cursor)
{
	uintptr_t self = (uintptr_t)cursor;

	if (cursor->stack == NULL)
		cursor->stack = xmalloc(SQL_STACK);
	check(getcontext(&cursor->scanner) == 0);
	cursor->scanner.uc_stack.ss_sp = cursor->stack;
	cursor->scanner.uc_stack.ss_size = SQL_STACK;
	cursor->scanner.uc_link = NULL;
	cursor->stop = false;
	cursor->running = true;
	makecontext(&cursor->scanner, (void (*)(void))scan_main, 2,
	    (unsigned)((uint64_t)self >> 32), (unsigned)self);
	resume(cursor);
}

static void
finish(struct cursor *cursor)
{
	cursor->stop = true;
	while (cursor->running)
		resume(cursor);
	query_free(cursor->query);
	cursor->query = NULL;
}

/* --- the table ---------------------------------------------------------- */

static void
put_name(struct strbuf *out, struct slice name)
{
	strbuf_putc(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"')
			strbuf_putc(out, '"');
		strbuf_putc(out, name.ptr[i]);
	}
	strbuf_putc(out, '"');
}

static int
table_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
    sqlite3_vtab **out, char **error)
{
	struct sql *sql = aux;
	struct strbuf text = STRBUF_INIT;
	struct table *table;
	int rc;

	(void)error;
	strbuf_puts(&text, "CREATE TABLE t(");
	for (size_t i = 0; i < sql->n; i++) {
		put_name(&text, field_name(sql->fields[i]));
		strbuf_puts(&text, i < SHOWN ? "," : " HIDDEN,");
	}
	strbuf_puts(&text, "raw HIDDEN, json HIDDEN)");
	rc = sqlite3_declare_vtab(db, text.ptr);
	strbuf_fini(&text);
	if (rc != SQLITE_OK)
		return rc;
	table = sqlite3_malloc(sizeof(*table));
	if (table == NULL)
		return SQLITE_NOMEM;
	memset(table, 0, sizeof(*table));
	table->sql = sql;
	table->alerts = argc > 2 && strcmp(argv[2], "alerts") == 0;
	*out = &table->base;
	return SQLITE_OK;
}

static int
table_disconnect(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

/* One letter for what is handed down: the operator, and its column. */
static char
handed_down(const struct sql *sql, const struct sqlite3_index_constraint *c)
{
	bool time = c->iColumn >= 0 && (size_t)c->iColumn < sql->n &&
	    sql->fields[c->iColumn] == FIELD_TIMESTAMP;

	if (!c->usable || c->iColumn < 0 || (size_t)c->iColumn >= sql->n)
		return 0;
	switch (c->op) {
	case SQLITE_INDEX_CONSTRAINT_EQ:
		return '=';
	case SQLITE_INDEX_CONSTRAINT_GT:
		return time ? '>' : 0;
	case SQLITE_INDEX_CONSTRAINT_GE:
		return time ? 'g' : 0;
	case SQLITE_INDEX_CONSTRAINT_LT:
		return time ? '<' : 0;
	case SQLITE_INDEX_CONSTRAINT_LE:
		return time ? 'l' : 0;
	default:
		return 0;
	}
}

/* The plan as text: "mask;=12;g0;": columns used, then operator and column of
 * each argument. */
static int
table_best(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	const struct sql *sql = ((struct table *)(void *)vtab)->sql;
	char plan[32 + CONSTRAINTS * 8];
	double cost = 1e8, rows = 1e7;
	int n = 0, at;

	at = snprintf(plan, sizeof(plan), "%llx;",
	    (unsigned long long)info->colUsed);
	for (int i = 0; i < info->nConstraint && n < CONSTRAINTS; i++) {
		const struct sqlite3_index_constraint *c =
		    &info->aConstraint[i];
		char op = handed_down(sql, c);
		bool time;

		if (op == 0)
			continue;
		time = sql->fields[c->iColumn] == FIELD_TIMESTAMP;
		info->aConstraintUsage[i].argvIndex = ++n;
		info->aConstraintUsage[i].omit = time;
		at += snprintf(plan + at, sizeof(plan) - (size_t)at, "%c%d;",
		    op, c->iColumn);
		cost /= op == '=' ? 100 : 3;
		rows /= op == '=' ? 100 : 3;
	}
	info->idxStr = sqlite3_mprintf("%s", plan);
	if (info->idxStr == NULL)
		return SQLITE_NOMEM;
	info->needToFreeIdxStr = 1;
	info->estimatedCost = cost + 1;
	info->estimatedRows = (sqlite3_int64)rows + 1;
	return SQLITE_OK;
}

static int
table_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct cursor *cursor = xcalloc(1, sizeof(*cursor));

	cursor->table = (struct table *)(void *)vtab;
	*out = &cursor->base;
	return SQLITE_OK;
}

static int
cursor_close(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)(void *)base;

	finish(cursor);
	free(cursor->stack);
	free(cursor);
	return SQLITE_OK;
}

/* --- from constraints to a query ---------------------------------------- */

/* A bound on the time: text of query_time, or whole ns. False: no time. */
static bool
bound_time(struct cursor *cursor, char op, sqlite3_value *value)
{
	int64_t from, to;

	if (sqlite3_value_type(value) == SQLITE_INTEGER) {
		from = to = sqlite3_value_int64(value);
	} else {
		const unsigned char *text = sqlite3_value_text(value);

		if (text == NULL || !query_time(slice_of((const char *)text,
		    (size_t)sqlite3_value_bytes(value)),
		    cursor->table->sql->now_ns, &from, &to))
			return false;
	}
	if (op == '>')
		from = to < INT64_MAX ? to + 1 : to;
	else if (op == '<')
		to = from > INT64_MIN ? from - 1 : from;
	if (strchr("=>g", op) != NULL && from > cursor->request.from_ns)
		cursor->request.from_ns = from;
	if (strchr("=<l", op) != NULL && to < cursor->request.to_ns)
		cursor->request.to_ns = to;
	return true;
}

/* name:"value"; a search finds at least what SQL's = finds. Lists are JSON to
 * SQL, so what looks like one is left to SQLite. */
static void
put_equal(struct strbuf *text, struct slice name, sqlite3_value *value)
{
	const char *bytes = (const char *)sqlite3_value_text(value);
	size_t n = (size_t)sqlite3_value_bytes(value);

	if (bytes == NULL || n == 0 || bytes[0] == '[' || n > 10000 ||
	    sqlite3_value_type(value) == SQLITE_FLOAT ||
	    memchr(bytes, '\0', n) != NULL)
		return;
	strbuf_putc(text, ' ');
	strbuf_put(text, name);
	strbuf_puts(text, ":\"");
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			strbuf_putc(text, '\\');
		strbuf_putc(text, bytes[i]);
	}
	strbuf_putc(text, '"');
}

static void
find_places(struct cursor *cursor)
{
	const struct sql *sql = cursor->table->sql;
	const struct schema *result = cursor->query->result;

	for (size_t i = 0; i < sql->n; i++) {
		cursor->place[i] = -1;
		for (size_t c = 0; !result->open && c < result->n; c++)
			if (result->cols[c] == sql->fields[i])
				cursor->place[i] = (int)c;
	}
}

/* Only the columns that are used, where SQLite says which. */
static void
put_columns(struct cursor *cursor, struct strbuf *text,
    unsigned long long mask)
{
	const struct sql *sql = cursor->table->sql;

	if (mask >> MASK_COLUMNS != 0)
		return;
	strbuf_puts(text, " | fields @timestamp");
	for (size_t i = 0; i < sql->n && i < MASK_COLUMNS; i++)
		if (mask >> i & 1) {
			strbuf_puts(text, ", \"");
			strbuf_put(text, field_name(sql->fields[i]));
			strbuf_putc(text, '"');
		}
}

static struct query *
parse_plan(struct cursor *cursor, const char *plan, sqlite3_value **values,
    bool equals, char **error)
{
	const struct table *table = cursor->table;
	struct strbuf text = STRBUF_INIT;
	struct query_error query_error;
	struct query *query;
	char *at;
	unsigned long long mask = strtoull(plan, &at, 16);

	strbuf_puts(&text, table->alerts ? "event.dataset:yagura.alert"
	    : "-event.module:yagura");
	for (int i = 0; *at == ';' && at[1] != '\0'; i++) {
		char op = at[1];
		long column = strtol(at + 2, &at, 10);
		field_t field = table->sql->fields[column];

		if (field == FIELD_TIMESTAMP) {
			if (!bound_time(cursor, op, values[i])) {
				*error = sqlite3_mprintf("\"@timestamp\" is "
				    "compared with what is no time; write "
				    "'2026-11-21' or "
				    "'2026-11-21T10:00:00Z'");
				strbuf_fini(&text);
				return NULL;
			}
		} else if (equals) {
			put_equal(&text, field_name(field), values[i]);
		}
	}
	put_columns(cursor, &text, mask);
	query = query_parse(strbuf_slice(&text), table->sql->now_ns, NULL,
	    &query_error);
	strbuf_fini(&text);
	return query;
}

static int
cursor_filter(sqlite3_vtab_cursor *base, int number, const char *plan,
    int argc, sqlite3_value **values)
{
	struct cursor *cursor = (struct cursor *)(void *)base;
	char *error = NULL;

	(void)number;
	finish(cursor);
	for (int i = 0; i < argc; i++)
		if (sqlite3_value_type(values[i]) == SQLITE_NULL) {
			cursor->row = NULL;	/* = NULL holds never */
			return SQLITE_OK;
		}
	cursor->request = (struct scan_request){
	    .store = cursor->table->sql->store, .from_ns = INT64_MIN,
	    .to_ns = INT64_MAX, .row = give_row, .user = cursor };
	/* A value that a field of its type cannot have is refused by the
	 * query language; SQL just compares it. */
	cursor->query = parse_plan(cursor, plan, values, true, &error);
	if (cursor->query == NULL && error == NULL)
		cursor->query = parse_plan(cursor, plan, values, false,
		    &error);
	if (cursor->query == NULL) {
		cursor->table->base.zErrMsg = error;
		return SQLITE_ERROR;
	}
	cursor->query->names_yagura = true;
	cursor->request.query = cursor->query;
	cursor->number = 0;
	find_places(cursor);
	start(cursor);
	return SQLITE_OK;
}

static int
cursor_next(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)(void *)base;

	resume(cursor);
	return SQLITE_OK;
}

static int
cursor_eof(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)(void *)base;

	return cursor->row == NULL;
}

static void
result_value(sqlite3_context *context, const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];
	struct strbuf text = STRBUF_INIT;
	struct slice s;

	if (cell_is_absent(value))
		return;
	switch (value->type) {
	case VALUE_NULL:
		return;
	case VALUE_LONG:
	case VALUE_BOOL:
		sqlite3_result_int64(context, value->u.num);
		return;
	case VALUE_DOUBLE:
		sqlite3_result_double(context, value->u.dbl);
		return;
	case VALUE_LIST:
		value_json(&text, value);
		sqlite3_result_text(context, text.ptr, (int)text.len,
		    SQLITE_TRANSIENT);
		strbuf_fini(&text);
		return;
	case VALUE_TIME:
		s = time_format_rfc3339(value->u.num, buf);
		break;
	default:
		s = value_as_text(value, buf);
		break;
	}
	sqlite3_result_text(context, s.ptr, (int)s.len, SQLITE_TRANSIENT);
}

static int
cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	struct cursor *cursor = (struct cursor *)(void *)base;
	const struct sql *sql = cursor->table->sql;
	const struct row *row = cursor->row;
	struct strbuf text = STRBUF_INIT;
	struct value value;

	if ((size_t)column < sql->n) {
		if (cursor->place[column] >= 0)
			result_value(context,
			    &row->cells[cursor->place[column]]);
		else if (row->event != NULL && event_value(row->event,
		    sql->fields[column], &value))
			result_value(context, &value);
	} else if (row->event != NULL && (size_t)column == sql->n) {
		sqlite3_result_text(context, row->event->raw.ptr,
		    (int)row->event->raw.len, SQLITE_TRANSIENT);
	} else if (row->event != NULL) {
		event_json(&text, row->event, true);
		sqlite3_result_text(context, text.ptr, (int)text.len,
		    SQLITE_TRANSIENT);
		strbuf_fini(&text);
	}
	return SQLITE_OK;
}

static int
cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((struct cursor *)(void *)base)->number;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 0, .xCreate = table_connect, .xConnect = table_connect,
	.xBestIndex = table_best, .xDisconnect = table_disconnect,
	.xDestroy = table_disconnect, .xOpen = table_open,
	.xClose = cursor_close, .xFilter = cursor_filter,
	.xNext = cursor_next, .xEof = cursor_eof, .xColumn = cursor_column,
	.xRowid = cursor_rowid
};

/* --- the connection ----------------------------------------------------- */

static int
authorize(void *user, int action, const char *a, const char *b, const char *c,
    const char *d)
{
	(void)user;
	(void)a;
	(void)c;
	(void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b != NULL && (sqlite3_stricmp(b, "load_extension") == 0
		    || sqlite3_stricmp(b, "writefile") == 0 ||
		    sqlite3_stricmp(b, "readfile") == 0) ? SQLITE_DENY
		    : SQLITE_OK;
	default:
		return SQLITE_DENY;
	}
}

static bool
is_shown(field_t field)
{
	for (size_t i = 0; i < SHOWN; i++)
		if (shown[i] == field)
			return true;
	return false;
}

/* SQLite takes names without regard to case: of two that differ only in it,
 * the second has no column. Nor has a name with a NUL: the statement that
 * declares the columns would end there. */
static bool
is_taken(const struct sql *sql, field_t field)
{
	for (size_t i = field < FIELD_KNOWN ? 0 : FIELD_KNOWN; i < sql->n; i++)
		if (slice_eq_nocase(field_name(sql->fields[i]),
		    field_name(field)))
			return true;
	if (slice_find_byte(field_name(field), '\0') >= 0)
		return true;
	return slice_eq_nocase(field_name(field), SLICE("raw")) ||
	    slice_eq_nocase(field_name(field), SLICE("json"));
}

static void
list_columns(struct sql *sql)
{
	for (size_t i = 0; i < SHOWN; i++)
		sql->fields[sql->n++] = shown[i];
	for (size_t i = 0; i < field_count() && sql->n < SQL_COLUMNS; i++)
		if (!is_shown((field_t)i) && (i < FIELD_KNOWN ||
		    !is_taken(sql, (field_t)i)))
			sql->fields[sql->n++] = (field_t)i;
}

static void
sql_free(void *sql)
{
	free(sql);
}

struct sqlite3 *
sql_open(struct store *store, int64_t now_ns, struct err *err)
{
	struct sql *sql = xcalloc(1, sizeof(*sql));
	sqlite3 *db = NULL;

	sql->store = store;
	sql->now_ns = now_ns;
	scan_load_names(store);
	list_columns(sql);
	if (sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		free(sql);
		goto fail;
	}
	/* From here on the module owns sql, also when it is refused. */
	if (sqlite3_create_module_v2(db, "yagura", &module, sql, sql_free) !=
	    SQLITE_OK || sqlite3_exec(db, "CREATE VIRTUAL TABLE events USING "
	    "yagura; CREATE VIRTUAL TABLE alerts USING yagura", NULL, NULL,
	    NULL) != SQLITE_OK)
		goto fail;
	sqlite3_set_authorizer(db, authorize, NULL);
	return db;

fail:
	err_set(err, ERR_IO, "SQL: %s", db == NULL ? "no memory"
	    : sqlite3_errmsg(db));
	sqlite3_close(db);
	return NULL;
}
