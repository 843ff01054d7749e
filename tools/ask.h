/* tools/ask.h -- what the commands that ask a store have in common.
 *
 * Options, the data folder, running one query, progress, and exit codes.
 */
#ifndef YAGURA_TOOLS_ASK_H
#define YAGURA_TOOLS_ASK_H

#include "storage/query.h"
#include "storage/scan.h"
#include "tools/cmd.h"
#include "tools/present.h"

struct arena;
struct conf;
struct event;
struct store;

enum ask_option {		/* which options a command takes */
	ASK_TIMES = 1,		/* --since --until */
	ASK_FORMAT = 2,		/* --format */
	ASK_JSON = 4,		/* --json */
	ASK_ROWS = 8,		/* -n */
	ASK_FOLLOW = 16,	/* -f */
	ASK_LANG = 32,		/* --lang */
	ASK_LIST = 64,		/* --ioc --column */
};

struct ask {
	const char *name;	/* of the command */
	struct conf *conf;
	struct store *store;
	int64_t	 now_ns, from_ns, to_ns;
	enum present_format format;
	uint64_t rows;
	bool	 follow, since_given;
	bool	 any_order;	/* of rows; set by the command */
	const char *lang;	/* "en" or "ja" */
	const char *list, *column;	/* --ioc, --column; NULL: not given */
	int	 argc;		/* what is left: arguments */
	char	**argv;
};

/* Reads options and opens the store. -1: go on; else the exit code, and what
 * was wrong has been said. */
int ask_begin(struct ask *ask, int argc, char **argv, unsigned options);
void ask_end(struct ask *ask);

/* Parses; on a mistake prints it with its place and answers NULL. */
struct query *ask_parse(struct ask *ask, struct slice text);

/* Runs with progress on stderr; says what is missing. Answers EXIT_DONE,
 * EXIT_PARTIAL or EXIT_UNREACHABLE. */
int ask_run(struct ask *ask, struct query *query,
    enum op_more (*row)(void *user, const struct row *row), void *user,
    struct scan_result *result);

/* The same in the order in which events were committed, see scan_sequence. */
int ask_sequence(struct ask *ask, struct query *query,
    enum op_more (*row)(void *user, const struct row *row),
    void (*complete)(void *user, uint64_t seq), void *user,
    struct scan_result *result);

/* --- alerts ------------------------------------------------------------- */

struct alert {
	struct slice id;
	const struct event *event;
	int64_t	 first_ns, last_ns;
	uint64_t count;
	size_t	 nevents;
	struct alert_event {
		uint64_t seq;
		int64_t	 time_ns;
		struct slice id;	/* if only that is known */
	} *events;
};

/* The alert as it stands: the growing run of the ledger, or what the raising
 * says where there is none. In the arena. */
void ask_alert(struct ask *ask, const struct event *event,
    struct arena *arena, struct alert *out);

/* One contributing event; false if it is gone. */
bool ask_alert_event(struct ask *ask, const struct alert_event *at,
    struct arena *arena, struct event *out);

/* The JSON object of `yagura alerts --json`, no line feed. */
void ask_alert_json(struct ask *ask, const struct alert *alert,
    struct strbuf *out);

#endif
