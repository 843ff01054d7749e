/* correlation/correlate_stage.h -- windows over hits; alerts are events.
 *
 * Takes batches in the order of their numbers. Raises alerts into the batch
 * (batch_add_alert), keeps the run of each alert up to date (NOTE_RUN), and
 * hands nothing else on. Time is event time; nothing here asks a clock.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_CORRELATE_STAGE_H
#define YAGURA_CORRELATION_CORRELATE_STAGE_H

#include "engine/slice.h"

struct batch;
struct correlator;
struct event;
struct rule;
struct ruleset;

struct correlator_limits {
	size_t	 groups;	/* in all; 0: default, a million */
	size_t	 groups_per_rule;	/* 0: half of all */
	size_t	 bytes;		/* memory of all windows; 0: 256 MB */
	bool	 stated_times_only;	/* arrival does not stand in for a time */
	bool	 hits_only;	/* nobody reads the alerts of detections */
	bool	 arrival_decides;	/* absences, too; see absent.h */
};

struct correlator *correlator_new(const struct correlator_limits *limits);
void correlator_free(struct correlator *correlator);

/* Runs one MATCHED batch. One without events says what time of day it is
 * (received_ns), if arrival decides. Its ruleset (batch->ruleset) may differ from the
 * last one's: windows of unchanged rules are kept, the others go. */
void correlate_stage_run(struct correlator *correlator, struct batch *batch);

/* The stream has ended: what its newest event leaves behind is decided, as if
 * all had passed that time. Alerts go into the batch, which may be empty. */
void correlator_end(struct correlator *correlator, struct batch *batch);

/* Replays a stored event to rebuild windows after a start: hits by rule id,
 * nothing is raised that the ledger already has. */
void correlator_replay(struct correlator *correlator, struct ruleset *set,
    struct batch *batch);

/* The longest timespan of any rule, chained ones and the suppression added up:
 * how far back a rebuild must read. */
int64_t ruleset_reach_ns(const struct ruleset *set);

/* Tells of every firing of a correlation, silent ones too, in the order of the
 * events whose arrival completed them. Nothing in it lives past the call. */
struct firing {
	const struct event *event;
	const struct rule *rule;
	struct slice key;	/* of the group; groupkey_value() reads it */
	double	 value;
	bool	 edge;		/* the condition did not hold just before */
};
void correlator_watch(struct correlator *correlator,
    void (*fired)(const struct firing *firing, void *arg), void *arg);

/* evicted: groups given up for room. entries_capped: times that a group held
 * more events than it may, or one event brought more values or groups than
 * are looked at. waiting: alerts that found no place yet; lost: alerts past
 * what may wait. forgotten: keys of suppression, of first_seen and of bind
 * given up for room; bound: keys that are bound. watched: open absences;
 * wall_due_ns: when the time of day decides the first, INT64_MAX if there is
 * none. */
struct correlator_figures {
	uint64_t groups, bytes, evicted, late, raised, runs;
	uint64_t suppressed, entries_capped, waiting, forgotten, lost;
	uint64_t watched, bound;
	int64_t	 wall_due_ns;
};
void correlator_figures(const struct correlator *correlator,
    struct correlator_figures *figures);

#endif
