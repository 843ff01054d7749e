/* yagura search: a question over the store, see yagura-query(7). */
#include <stdlib.h>
#include <time.h>

#include <sqlite3.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/err.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "storage/store.h"
#include "tools/ask.h"
#include "tools/ask_list.h"

#define POLL_NS (TIME_S_NS / 4)		/* -f: how often live.db is looked at */
#define FOLLOW_ROWS 10000		/* shown of one look */

static enum op_more
print_row(void *user, const struct row *row)
{
	return present_row(user, row) ? OP_MORE : OP_ENOUGH;
}

/* --- -f ----------------------------------------------------------------- */

struct latest {
	struct arena *arena;
	const struct schema *schema;
	size_t	 n;
	struct row rows[FOLLOW_ROWS];
};

static enum op_more
keep_row(void *user, const struct row *row)
{
	struct latest *latest = user;

	latest->rows[latest->n++] = row_dup(latest->arena, latest->schema,
	    row);
	return latest->n == FOLLOW_ROWS ? OP_ENOUGH : OP_MORE;
}

static int64_t
data_version(struct ask *ask)
{
	sqlite3 *db = store_live(ask->store);
	sqlite3_stmt *stmt;
	int64_t version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA data_version", -1, &stmt, NULL) !=
	    SQLITE_OK)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return version;
}

static enum op_more
no_row(void *user, const struct row *row)
{
	(void)user;
	(void)row;
	return OP_MORE;
}

/* Where the store ends now: all chunks and tails are listed, no row of them is
 * behind the greatest sequence there is. */
static int
last_seq(struct ask *ask, uint64_t *seq)
{
	struct query *query = ask_parse(ask, SLICE("* | head 1"));
	struct scan_result result;
	struct scan_request request = { .store = ask->store, .query = query,
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX,
	    .after_seq = UINT64_MAX, .row = no_row };
	struct err err = { ERR_NONE, "" };
	int failed = scan_run(&request, &result, &err);

	if (failed < 0)
		fprintf(stderr, "yagura search: %s\n", err.text);
	query_free(query);
	*seq = result.last_seq;
	return failed;
}

static bool
only_passes(const struct query *query)
{
	for (const struct op *op = query->ops; op != NULL; op = op->next)
		if (!op->class->passes)
			return false;
	return true;
}

/* Prints what came since, oldest first. False if the output is gone. */
static bool
follow_once(struct ask *ask, struct slice text, struct present *present,
    struct latest *latest, uint64_t *seq)
{
	struct query *query = ask_parse(ask, text);
	struct scan_result result;
	struct scan_request request = { .store = ask->store, .query = query,
	    .from_ns = ask->from_ns, .to_ns = ask->to_ns, .after_seq = *seq,
	    .row = keep_row, .user = latest };
	struct err err;
	bool ok = true;

	if (query == NULL)
		return true;
	latest->n = 0;
	latest->schema = query->result;
	arena_reset(latest->arena);
	if (scan_run(&request, &result, &err) == 0 && result.last_seq > *seq)
		*seq = result.last_seq;
	while (ok && latest->n > 0)
		ok = present_row(present, &latest->rows[--latest->n]);
	present_flush(present);
	query_free(query);
	return ok;
}

static int
follow(struct ask *ask, struct slice text, struct query *query)
{
	struct latest *latest;
	struct present *present;
	int64_t version = -1;
	uint64_t seq = 0;

	if (!only_passes(query)) {
		fprintf(stderr, "yagura search: -f can show events as they "
		    "come, with where, fields and rename; not counts, sorted "
		    "or limited rows\n");
		return EXIT_USAGE;
	}
	if (!ask->since_given && last_seq(ask, &seq) < 0)
		return EXIT_UNREACHABLE;
	latest = xcalloc(1, sizeof(*latest));
	latest->arena = arena_new(0);
	present = present_new(stdout, ask->format, query->result);
	for (;;) {
		int64_t now = data_version(ask), began = clock_mono_ns();
		struct timespec pause = { .tv_nsec = POLL_NS };

		if (now != version && !follow_once(ask, text, present, latest,
		    &seq))
			break;
		version = now;
		/* A look that takes long is not taken more often. */
		if (clock_mono_ns() - began > POLL_NS)
			pause.tv_sec = 1;
		nanosleep(&pause, NULL);
	}
	present_end(present);
	arena_free(latest->arena);
	free(latest);
	return EXIT_DONE;
}

/* --- the command -------------------------------------------------------- */

/* Several arguments are one query, as typed without quotes. */
static void
join(const struct ask *ask, struct strbuf *text)
{
	for (int i = 0; i < ask->argc; i++) {
		if (i > 0)
			strbuf_putc(text, ' ');
		strbuf_puts(text, ask->argv[i]);
	}
}

static int
search(struct ask *ask, struct slice text, struct query *query)
{
	struct present *present;
	struct scan_result result;
	uint64_t rows;
	int code;

	if (ask->format == PRESENT_RAW && !query->result->open) {
		fprintf(stderr, "yagura search: --format raw shows lines; "
		    "behind stats or fields there are none\n");
		return EXIT_USAGE;
	}
	if (ask->follow)
		return follow(ask, text, query);
	present = present_new(stdout, ask->format, query->result);
	code = ask_run(ask, query, print_row, present, &result);
	rows = present_end(present);
	if (code == EXIT_DONE && rows == 0)
		code = EXIT_NOTHING;
	return code;
}

int
cmd_search(int argc, char **argv)
{
	struct strbuf typed = STRBUF_INIT, text = STRBUF_INIT;
	struct query *query = NULL;
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_FORMAT |
	    ASK_JSON | ASK_ROWS | ASK_FOLLOW);

	if (code >= 0)
		return code;
	if (ask.argc == 0) {
		ask_end(&ask);
		return cmd_usage("search");
	}
	join(&ask, &typed);
	if (ask_saved(&ask, strbuf_slice(&typed), &text))
		query = ask_parse(&ask, strbuf_slice(&text));
	code = query == NULL ? EXIT_USAGE
	    : search(&ask, strbuf_slice(&text), query);
	query_free(query);
	strbuf_fini(&typed);
	strbuf_fini(&text);
	ask_end(&ask);
	return code;
}
