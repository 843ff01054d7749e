/* yagura sql: one SELECT over the tables events and alerts. */
#include <sqlite3.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "engine/event.h"
#include "storage/sql.h"
#include "storage/store.h"
#include "tools/ask.h"

static struct value
column_value_of(sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return value_long(sqlite3_column_int64(stmt, i));
	case SQLITE_FLOAT:
		return value_double(sqlite3_column_double(stmt, i));
	case SQLITE_NULL:
		return (struct value){ .type = VALUE_NULL };
	default:
		return value_text(slice_of(sqlite3_column_blob(stmt, i),
		    (size_t)sqlite3_column_bytes(stmt, i)), TRANSFORM_OWNED);
	}
}

/* The columns of the statement; names past the limits of names get none. */
static bool
schema_of(sqlite3_stmt *stmt, struct schema *schema)
{
	int n = sqlite3_column_count(stmt);

	*schema = (struct schema){ .open = false };
	if (n > SCHEMA_COLUMNS) {
		fprintf(stderr, "yagura sql: %d columns; at most %d can be "
		    "shown\n", n, SCHEMA_COLUMNS);
		return false;
	}
	for (int i = 0; i < n; i++) {
		struct slice name = slice_cstr(sqlite3_column_name(stmt, i));
		field_t field = field_intern(slice_head(name,
		    FIELD_NAME_BYTES));

		schema->cols[schema->n++] = field == FIELD_NONE
		    ? field_intern(SLICE("column")) : field;
	}
	return true;
}

static int
run(struct ask *ask, sqlite3 *db, sqlite3_stmt *stmt)
{
	struct value cells[SCHEMA_COLUMNS];
	struct row row = { .cells = cells };
	struct present *present;
	struct schema schema;
	struct slice why;
	uint64_t rows;
	int rc;

	if (!schema_of(stmt, &schema))
		return EXIT_USAGE;
	present = present_new(stdout, ask->format, &schema);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (size_t i = 0; i < schema.n; i++)
			cells[i] = column_value_of(stmt, (int)i);
		if (!present_row(present, &row))
			break;
	}
	rows = present_end(present);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		fprintf(stderr, "yagura sql: %s\n", sqlite3_errmsg(db));
		return EXIT_USAGE;
	}
	if (store_missing(ask->store, &why) > 0) {
		fprintf(stderr, "yagura sql: partial answer: %llu events "
		    "missing: %.*s\n", (unsigned long long)
		    store_missing(ask->store, &why),
		    (int)slice_trim(why).len, slice_trim(why).ptr);
		return EXIT_PARTIAL;
	}
	return rows == 0 ? EXIT_NOTHING : EXIT_DONE;
}

static int
prepare_and_run(struct ask *ask, sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	const char *tail = "";
	int code;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, &tail) != SQLITE_OK) {
		fprintf(stderr, "yagura sql: %s\n  tables: events, alerts; "
		    "columns are fields in double quotes: \"source.ip\"\n",
		    sqlite3_errmsg(db));
		return EXIT_USAGE;
	}
	if (stmt == NULL || slice_trim(slice_cstr(tail)).len > 0) {
		fprintf(stderr, "yagura sql: one statement, please\n");
		code = EXIT_USAGE;
	} else {
		code = run(ask, db, stmt);
	}
	sqlite3_finalize(stmt);
	return code;
}

int
cmd_sql(int argc, char **argv)
{
	struct err err = { ERR_NONE, "" };
	struct ask ask;
	sqlite3 *db;
	int code = ask_begin(&ask, argc, argv, ASK_FORMAT | ASK_JSON);

	if (code >= 0)
		return code;
	if (ask.argc != 1 || ask.format == PRESENT_RAW) {
		ask_end(&ask);
		return cmd_usage("sql");
	}
	db = sql_open(ask.store, ask.now_ns, &err);
	if (db == NULL) {
		fprintf(stderr, "yagura sql: %s\n", err.text);
		code = EXIT_UNREACHABLE;
	} else {
		code = prepare_and_run(&ask, db, ask.argv[0]);
	}
	sqlite3_close(db);
	ask_end(&ask);
	return code;
}
