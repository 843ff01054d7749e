/* storage/scan.h -- a query over a store.
 *
 * Partitions by time, newest first; in each the chunks, whose times, zone
 * maps and dictionaries leave out what cannot match; then the condition,
 * cheapest comparison first, over whole columns into a bitmap; then only the
 * rows that hold, and of those only the fields that somebody named. Rows that
 * are not yet in a chunk are events and are asked one by one.
 *
 * Where order matters rows come newest first by time, then by sequence. Rows
 * of chunks whose times overlap are merged by looking at all of them before
 * the first goes out.
 *
 * If sealing takes a chunk away while we read, the partition is started again
 * and rows that went out already are left out.
 *
 * Owner: one thread, which opened the store.
 */
#ifndef YAGURA_STORAGE_SCAN_H
#define YAGURA_STORAGE_SCAN_H

#include "engine/slice.h"
#include "storage/op.h"

struct err;
struct query;
struct query_names;
struct store;

#define SCAN_MEMORY ((size_t)64 << 20)	/* of all operators together */

struct scan_request {
	struct store *store;
	struct query *query;	/* may be run once */
	int64_t	 from_ns, to_ns;	/* both included */
	uint64_t rows;		/* at most; 0: all */
	bool	 any_order;	/* the caller does not mind */
	bool	 lines_only;	/* of whole events the caller reads raw */
	uint64_t after_seq;	/* only events behind this one; 0: all */
	size_t	 limit_bytes;	/* 0: SCAN_MEMORY */
	/* A row of the result; borrowed until it returns. */
	enum op_more (*row)(void *user, const struct row *row);
	void	*user;
	/* Now and then; NULL: nobody asks. False ends the search. */
	bool	(*progress)(void *user, uint64_t events, uint64_t of);
};

struct scan_result {
	uint64_t searched;	/* events looked at */
	uint64_t matched;	/* of them the condition held for; stops
				 * counting when the operators had enough */
	uint64_t missing;	/* events that could not be read */
	uint64_t last_seq;	/* greatest sequence seen; for following */
	bool	 partial;	/* missing, or a limit was reached */
	char	 why[512];
};

/* 0, or -1 and *err if the store cannot be searched at all. */
int scan_run(const struct scan_request *request, struct scan_result *result,
    struct err *err);

/* The same in the order in which events were committed, for those who replay.
 * Rows come chunk by chunk; `complete` says before each chunk, and at the end,
 * that every event with a lower sequence has been given. The query has no
 * operators. */
int scan_sequence(const struct scan_request *request,
    void (*complete)(void *user, uint64_t seq), struct scan_result *result,
    struct err *err);

/* The same over events in memory, in the order given; request->store is not
 * used. For tests, also those of rules. */
struct event;
void scan_events(const struct scan_request *request,
    const struct event *events, size_t n, struct scan_result *result);

/* Makes the names that the store has seen known: for query_parse. */
void scan_load_names(struct store *store);

/* The event with this id, in the arena; false if there is none. */
struct arena;
bool scan_find_event(struct store *store, struct slice id,
    struct arena *arena, struct event *out, struct err *err);

#endif
