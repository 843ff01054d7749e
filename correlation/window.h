/* correlation/window.h -- what one group did during a span, for all groups of
 * one correlation.
 *
 * Windows slide in event time and include both ends. An event that comes late
 * may complete any window that contains it; one more than a timespan behind
 * the newest event of its own group is ignored and counted. So a group keeps
 * two timespans of entries, and nothing here depends on any other group.
 *
 *	    newest - 2 span         newest - span           newest
 *	    |...........................|......................|
 *	    kept for late ones          may still enter
 *
 * A group is forgotten once the correlator's clock has moved two spans past
 * its newest entry (wheel), or when a limit asks for room: then the least
 * valuable of a few groups goes, which is counted.
 *
 * Owner:  the correlate thread.
 * Memory: groups and entries come from the pool of the shared state.
 */
#ifndef YAGURA_CORRELATION_WINDOW_H
#define YAGURA_CORRELATION_WINDOW_H

#include "correlation/rule.h"
#include "correlation/wheel.h"

struct ghosts;
struct window;
struct window_pool;
struct window_run;
struct word;

#define GROUP_ENTRIES 65536	/* entries of a group; then the oldest go */
#define WINDOW_STEPS 64		/* referred rules of a temporal correlation */

/* One event in a group, or the firing of an inner correlation. */
struct window_entry {
	int64_t	 time_ns;	/* of the event; of the end of the window */
	uint64_t seq;		/* ENTRY_LISTED: is in the group's run */
	union {
		uint64_t steps;	/* temporal: bit per referred rule it meets */
		uint64_t value;	/* value_count: hash of the value */
		double	 number;	/* value_sum ... */
	} u;
	struct window_run *run;	/* a firing: what it stands for; held */
};

#define ENTRY_LISTED (UINT64_C(1) << 63)
#define entry_seq(entry) ((entry)->seq & ~ENTRY_LISTED)

/* Open to the window_*.c files only. Entries are sorted by time, then by
 * arrival, and stand at entries[first .. first + n). */
struct group {
	struct wheel_node node;	/* first member */
	struct window *window;
	struct window_run *run;	/* of the last firing, until it ends */
	struct window_entry *entries;
	struct group_index *index;	/* of a busy group; window_index.h */
	struct word *words;	/* of its entries, words.h */
	uint64_t hash;
	uint64_t steps_seen;	/* union over entries, perhaps of gone ones */
	int64_t	 newest_ns;
	int64_t	 fired_ns;	/* end of the last window that held */
	uint32_t first, n, cap;
	uint32_t place;		/* in the window's list of groups */
	uint16_t key_len;
	uint8_t	 before;	/* what it was worth when it was given up */
	bool	 fired;		/* fired_ns is set */
	bool	 held;		/* the condition held at the last test */
	char	 key[];
};

/* What all windows of a correlator share. */
struct window_shared {
	struct window_pool *pool;
	struct wheel *wheel;
	struct distinct_scratch *distinct;	/* of window_distinct.c */
	double	*numbers;	/* of window_number.c: GROUP_ENTRIES */
	size_t	 groups, groups_limit, groups_per_rule, bytes_limit;
	struct window *largest;	/* about: the one with most groups */
	uint64_t evicted, late, entries_capped;
	uint64_t random;	/* state of the choice of candidates */
	struct ghosts *ghosts;	/* made when a group is given up first */
	uint64_t seed;		/* of all hashes of keys and values */
	/* Of what enters a group at once, the earliest time: one event may
	 * enter as itself and as firings that end far later. */
	int64_t	 entering_ns;	/* INT64_MAX: nothing does */
};

void window_shared_init(struct window_shared *shared);
void window_shared_fini(struct window_shared *shared);

/* The correlation is borrowed until window_free or window_move; `id` is its
 * rule's. */
struct window *window_new(struct window_shared *shared,
    const struct correlation *correlation, struct slice id);
void window_free(struct window *window);

/* The same correlation, read anew. */
void window_move(struct window *window, const struct correlation *correlation);

const struct correlation *window_correlation(const struct window *window);
size_t window_groups(const struct window *window);

/* The group, made if need be. Valid until the next window_group. */
struct group *window_group(struct window *window, struct slice key);

/* Ends a group, which the wheel has just taken off. */
void window_forget(struct group *group);

static inline struct slice
group_key(const struct group *group)
{
	return slice_of(group->key, group->key_len);
}

/* Puts the entry into its place and holds its run. False: late, ignored. */
bool window_enter(struct group *group, const struct window_entry *entry);

/* A window for which the condition holds: entries lo .. hi - 1 of the group,
 * counted from group->first. */
struct window_span {
	size_t	 lo, hi;
	int64_t	 end_ns;
	double	 value;		/* what the bounds were asked about */
};

/* Of the windows that hold an entry with this time, the one that ends first
 * and whose condition holds; false if there is none. */
bool window_test(struct group *group, int64_t time_ns,
    struct window_span *span);

/* Which entries of the span are the reason for it. In a sequence those that
 * stand in no chain are not; otherwise all are. */
struct window_reason {
	bool	 chained;	/* the arrays are used, `steps` of each */
	size_t	 steps;
	int64_t	 earliest_ns[WINDOW_STEPS];	/* step i, others before it */
	int64_t	 latest_ns[WINDOW_STEPS];	/* step i, others after it */
};

void window_reason(const struct group *group, const struct window_span *span,
    struct window_reason *reason);
bool window_contributes(const struct window_reason *reason,
    const struct window_entry *entry);

/* For a checkpoint: what the window holds, runs by their numbers. Loads into
 * a window that is empty; window_state.c. */
struct reader;
void window_runs(const struct window *window,
    void (*each)(struct window_run *run, void *arg), void *arg);
void window_save(const struct window *window, struct strbuf *out);
void window_load(struct window *window, struct reader *r,
    struct window_run *const *runs, size_t nruns);

/* --- for the window_*.c files --------------------------------------------- */
#define NO_PLACE UINT32_MAX

struct window {
	struct window_shared *shared;
	const struct correlation *correlation;
	struct group **groups;
	uint32_t *table;	/* places; NO_PLACE: free */
	size_t	 n, cap, mask;
	uint64_t salt;		/* of its ghosts: the same in every run */
	uint32_t number;	/* of the rule, while a checkpoint is written */
};

/* Builds the table of the window's groups anew, with `size` (a power of two)
 * places. */
void window_index_groups(struct window *window, size_t size);

#define WINDOW(id, name, family) bool family##_test(struct group *group, \
    int64_t time_ns, struct window_span *span);
#include "correlation/window.def"
#undef WINDOW

static inline const struct window_entry *
group_entry(const struct group *group, size_t i)
{
	return &group->entries[group->first + i];
}

bool bounds_hold(const struct correlation_bounds *bounds, double value);
struct window_shared *window_shared_of(const struct group *group);
const struct correlation *group_correlation(const struct group *group);

/* The first entry whose time is not before / is after this one. */
size_t group_lower(const struct group *group, int64_t time_ns);
size_t group_upper(const struct group *group, int64_t time_ns);

/* a - b and a + b of times, held at the ends of what a time can be. */
int64_t time_less(int64_t time_ns, int64_t span_ns);
int64_t time_plus(int64_t time_ns, int64_t span_ns);

/* The ends of windows that hold a time: times of entries from that one on, up
 * to a timespan later, each once. Start with *end_ns before the first, that is
 * INT64_MIN; false after the last. */
bool group_next_end(const struct group *group, int64_t time_ns,
    int64_t *end_ns);
void group_span(const struct group *group, int64_t end_ns,
    struct window_span *span);

/* Is there an entry, within a timespan of that time, that answers it? */
bool window_absent_answered(const struct group *group, int64_t time_ns);

/* A place on earth in the value of an entry; false if it is none. */
bool place_pack(double lat, double lon, uint64_t *out);
double place_km(uint64_t a, uint64_t b);

struct distinct_scratch *distinct_scratch_new(void);
void distinct_scratch_free(struct distinct_scratch *scratch);

#endif
