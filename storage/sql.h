/* storage/sql.h -- a store as SQL tables, for what pipes cannot say.
 *
 *	events   every event but alerts
 *	alerts   alerts
 *
 * Columns are the fields, under their names, in double quotes because of the
 * dots: "source.ip". SELECT * gives ten of them; all others, of known fields
 * and of those the store has seen, are there by name. `raw` is the line,
 * `json` the whole event. Lists are JSON arrays, times RFC 3339 text.
 *
 * Comparisons of "@timestamp" with a time, and = on other fields, reach the
 * chunks' zone maps and dictionaries; everything else is SQLite's, row by row:
 * counting belongs to yagura search.
 *
 * The connection may only read: an authorizer refuses the rest.
 *
 * SQLite asks for rows, a scan gives them; so each cursor runs its scan on a
 * stack of its own and the two take turns.
 */
#ifndef YAGURA_STORAGE_SQL_H
#define YAGURA_STORAGE_SQL_H

#include <stdint.h>

struct err;
struct sqlite3;
struct store;

#define SQL_STACK ((size_t)1 << 20)	/* bytes of a cursor's stack */
#define SQL_COLUMNS 1900		/* SQLite takes 2000 */

/* A connection in memory with the tables; the store is borrowed until
 * sqlite3_close. NULL and *err if SQLite refuses. */
struct sqlite3 *sql_open(struct store *store, int64_t now_ns,
    struct err *err);


#endif
