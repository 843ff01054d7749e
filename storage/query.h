/* storage/query.h -- what somebody asks, read.
 *
 * A condition and a list of operators behind pipes; yagura-query(7) is the
 * language. Reports, rule tests and searches read it here.
 *
 *	lex      characters to tokens
 *	query    tokens to a cond and a chain of ops, names resolved
 *	plan     the cond ready to run, over rows or over columns
 *	scan     a store, its partitions, chunks and tail, newest first
 *	op_*     one operator each: rows in, rows out
 *
 * Owner:  one thread.
 * Memory: query_parse gives an owned query; everything in it lives until
 *         query_free.
 */
#ifndef YAGURA_STORAGE_QUERY_H
#define YAGURA_STORAGE_QUERY_H

#include <stdio.h>

#include "engine/field.h"
#include "engine/slice.h"
#include "storage/op.h"

struct arena;
struct cond;
struct needle;
struct pred;
struct query_set;
struct regex;

#define QUERY_BYTES 65536	/* longer queries are refused */
#define QUERY_DEPTH 100		/* parentheses */
#define QUERY_TERMS 10000

/* What a pred cannot say: how to look into the raw line, and times exactly. */
struct query_leaf {
	struct query_leaf *next;
	const struct pred *pred;
	const struct needle *needle;	/* WORD and PHRASE */
	struct query_set *set;		/* EQ: one of these, not pred->text */
	/* TRUE: only events of a log source of which this says so */
	bool	 (*source)(const void *user, uint16_t logsource);
	const void *user;
	bool	 is_time;		/* LT LE GT GE EQ of a TIME field */
	int64_t	 time_ns;
	int64_t	 until_ns;		/* EQ: time_ns <= value < until_ns */
};

struct query {
	struct arena *arena;
	struct slice text;
	struct cond *cond;	/* NULL: everything */
	const struct query_leaf *leaves;
	bool	 names_yagura;	/* alerts are asked for */
	struct schema *source;	/* what the ops need of each event */
	struct schema *result;	/* what comes out of the last op */
	struct op *ops;		/* the first, or NULL */
	struct op *last;
	int64_t	 now_ns;
	struct regex_list { struct regex_list *next; struct regex *regex; }
	    *regexes;
};

/* Where and why a query is refused. */
struct query_error {
	size_t	 at, len;	/* in the query, bytes */
	char	 text[256];
	char	 hint[256];	/* what to write instead; may be empty */
};

/* A table: names of its columns, and its cells row by row. */
struct query_list {
	size_t	 ncols, nrows;
	const struct slice *names, *cells;
};

/* Names of fields that are not known by number: `load` is called once before
 * a name is refused and interns what the store has seen. May be NULL. */
struct query_names {
	void	*user;
	void	(*load)(void *user);
	/* The list, or CSV file, that lookup names; everything in the arena.
	 * False and why. May be NULL: there are none. */
	bool	(*list)(void *user, struct slice name, struct arena *arena,
		    struct query_list *out, char why[256]);
};

/* NULL and *error if it is no query. now_ns is what -24h counts from. */
struct query *query_parse(struct slice text, int64_t now_ns,
    const struct query_names *names, struct query_error *error);
void query_free(struct query *query);		/* NULL does nothing */

/* A condition of the query that asks for log sources: see query_leaf. */
struct cond *query_source_cond(struct query *query,
    bool (*source)(const void *user, uint16_t logsource), const void *user);

/* The error as people see it:
 *
 *	yagura: unknown field "sorce.ip"
 *	  sorce.ip:10.0.0.1 | head
 *	  ^~~~~~~~
 *	  did you mean source.ip?
 */
void query_error_print(FILE *out, struct slice text,
    const struct query_error *error);

/* "now", -24h (s m h d w), a year, month or day, or RFC 3339. *from is the
 * first ns it names and *to the last: they differ for "2026-11". Times without
 * zone are UTC. */
bool query_time(struct slice text, int64_t now_ns, int64_t *from_ns,
    int64_t *to_ns);

/* "5m", "1h", "30s", "2d", "1w". */
bool query_span(struct slice text, int64_t *span_ns);

#endif
