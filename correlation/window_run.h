/* correlation/window_run.h -- which events a firing stands for, as it grows.
 *
 * A run begins when a correlation's condition first holds for a group and ends
 * when it has been false for a timespan. It lists its contributing events by
 * sequence and time, rising by sequence: all up to RUN_EVENTS (ledger.h), then
 * the first and the last RUN_KEPT.
 *
 * A firing that enters another correlation's window carries its run along, and
 * the outer run lists what the inner one does.
 *
 * Owner: the correlate thread. Counted: groups, entries and suppressions hold
 * a run each.
 */
#ifndef YAGURA_CORRELATION_WINDOW_RUN_H
#define YAGURA_CORRELATION_WINDOW_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct reader;
struct strbuf;
struct window_pool;
struct word;

#define RUN_KEPT 1000	/* at each end, once there are too many */

struct window_run {
	unsigned holders;
	uint32_t number;	/* 1 + place in the checkpoint being written */
	bool	 raised;	/* has an alert, so its growth is noted */
	bool	 dirty;		/* grew since the last note */
	struct window_run *next_dirty;
	char	 alert[33];	/* event.id of the alert */
	int64_t	 first_ns, last_ns;
	uint64_t count;		/* contributing events, listed or not */
	int64_t	 reach_ns;	/* how far before a firing its events may lie */
	uint64_t *seqs;
	int64_t	*times_ns;
	size_t	 n, cap;
	size_t	 ring;		/* capped: where the oldest of the last is */
	bool	 capped;
	struct word *words;	/* of contributing events, words.h */
	struct window_pool *pool;
};

struct window_run *window_run_new(struct window_pool *pool);
struct window_run *window_run_hold(struct window_run *run);
void window_run_drop(struct window_run *run);	/* NULL does nothing */

/* Adds an event once; false if it was there. */
bool window_run_add(struct window_run *run, uint64_t seq, int64_t time_ns);

/* Adds what `from` lists between two times, sequences above `after` and not
 * above `upto`. Returns how many were new. */
struct window_run_range {
	int64_t	 from_ns, to_ns;
	uint64_t after, upto;
};
size_t window_run_merge(struct window_run *run, const struct window_run *from,
    const struct window_run_range *range);

void window_run_save(const struct window_run *run, struct strbuf *out);

/* Held once; the reader is bad if it is none. */
struct window_run *window_run_load(struct window_pool *pool, struct reader *r);

/* The list in order, copied to the arena. */
size_t window_run_list(const struct window_run *run, struct arena *arena,
    const uint64_t **seqs, const int64_t **times_ns);

#endif
