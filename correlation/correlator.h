/* correlation/correlator.h -- the parts of the correlate stage.
 *
 * Open to the correlator_*.c files and the stage only:
 *
 *	correlator_rules	a new set: which windows go on
 *	correlator_windows	entries, tests, firings
 *	correlator_alerts	runs, alerts, suppression
 *	correlator_absent	what did not follow
 *	correlator_bind		what a key was bound to
 *	checkpoint		all of it as bytes, and back
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_CORRELATOR_H
#define YAGURA_CORRELATION_CORRELATOR_H

#include "correlation/absent.h"
#include "correlation/alert.h"
#include "correlation/bind.h"
#include "correlation/correlate_stage.h"
#include "correlation/degraded.h"
#include "correlation/groupkey.h"
#include "correlation/window.h"
#include "correlation/words.h"
#include "engine/hash.h"

struct arena;
struct first_seen;
struct suppress;

#define VALUE_MEMBERS 64	/* values of one event in one value_count */
#define VISITS 1024		/* entries of one event in one correlation */
#define WAITING_BATCHES 64	/* of alerts that found no place: 196,608 */

/* The clock that forgetting goes by is the middle time of this many entries:
 * one host whose clock is a day ahead does not move it. */
#define CLOCK_SAMPLES 1024

/* A rule that refers to this one, and as which of its rules. */
struct feed {
	uint32_t correlation;	/* its number */
	uint32_t place;		/* in refer[] */
};

struct rule_state {
	const struct rule *rule;
	const struct feed *feeds;
	size_t	 nfeeds;
	bool	 raises;
	struct window *window;		/* correlations */
	struct binds **binds;		/* nbinds of the correlation */
	size_t	 nbinds;
	struct first_seen *first_seen;
	field_t	 wanted[WORDS_FIELDS + 1];	/* by sentences, outer ones too */
	uint8_t	 content[SHA256_BYTES];
	int64_t	 reach_ns;
};

/* What a correlation is to look at for the present event. */
struct item {
	struct item *next;
	uint32_t place;		/* in refer[] */
	int64_t	 time_ns;
	const struct overlay *overlay;
	struct window_run *run;	/* of an inner firing */
};

/* Runs that items carry: a group may be forgotten before they are used. */
struct carried {
	struct carried *next;
	struct window_run *run;
};

struct todo {
	struct item *first, **last;
	bool	 waits;		/* is in the list of what is to be run */
};

/* An event's entry into one group, before the group is looked up. */
struct visit {
	struct slice key;
	const struct item *item;
	struct window_entry entry;
	bool	 done;
};

struct correlator {
	struct correlator_limits limits;
	struct ruleset *set;	/* held; NULL before the first batch */
	struct arena *set_arena;	/* of feeds */
	struct rule_state *rules;
	size_t	 nrules;
	struct window_shared shared;
	struct suppress *suppress;
	struct absences *absences;
	/* the present batch and event */
	struct batch *batch;
	struct event *event;
	bool	 replaying;
	struct arena *scratch;	/* lives for one event */
	struct todo *todo;	/* by number of correlation */
	uint32_t *order;	/* heap of correlations to run, least first */
	size_t	 norder;
	struct visit *visits;
	size_t	 nvisits;
	struct carried *carried;
	struct groupkeys keys;
	struct strbuf key;	/* of a suppression */
	struct window_run *dirty;
	/* alerts that wait for a place in a batch */
	struct batch *waiting[WAITING_BATCHES];
	size_t	 nwaiting;
	int64_t	 samples[CLOCK_SAMPLES];
	size_t	 nsamples;
	void	(*fired)(const struct firing *firing, void *arg);
	void	*fired_arg;
	uint64_t raised, runs, suppressed, lost;
	uint64_t asked;		/* correlations run; one in some is timed */
	uint64_t unremembered;	/* pairs of first_seen, keys of bind given up */
	struct degraded degraded;
};

/* As fresh: all that was learned is forgotten, the limits stay. */
void correlator_reset(struct correlator *c);
struct losses correlator_losses(const struct correlator *c);

/* --- correlator_rules.c ---------------------------------------------------- */
/* Windows and memories of rules that say the same go on, the others go. */
void correlator_take_set(struct correlator *c, struct ruleset *set);
void rule_states_free(struct rule_state *rules, size_t n);

/* --- correlator_windows.c -------------------------------------------------- */
/* What the item says has happened to all that refer to the rule. */
void correlator_feed(struct correlator *c, const struct rule_state *state,
    const struct item *from);

/* Runs what was fed, and what that feeds. */
void correlator_run_fed(struct correlator *c);

/* Holds the run until the present event is done. */
void correlator_carry(struct correlator *c, struct window_run *run);
void correlator_carried_drop(struct correlator *c);

/* --- correlator_bind.c ----------------------------------------------------- */
/* The item is of a rule that binds, or ends what was bound. */
void correlator_bind(struct correlator *c, const struct rule_state *state,
    const struct item *item);

/* What the columns are bound to, in the arena of the event; NULL: the rule
 * binds none. */
const struct slice *correlator_bound(struct correlator *c,
    const struct rule_state *state, const struct view *view,
    int64_t time_ns);

/* --- correlator_alerts.c --------------------------------------------------- */
/* Alerts that waited for a place come first. */
void correlator_place_waiting(struct correlator *c);

/* False if there was no place for it. */
bool correlator_raise(struct correlator *c, struct alert *alert,
    struct window_run *run);

/* Raises an alert for the run, or hands the run's events to an alert that
 * holds it back. Answers the run that goes on; held for the caller. */
struct window_run *correlator_raise_or_join(struct correlator *c,
    struct alert *alert, struct window_run *run, int64_t time_ns);
void correlator_alert_hit(struct correlator *c,
    const struct rule_state *state);

/* The run grew: it is noted at the end of the batch. */
void correlator_run_touched(struct correlator *c, struct window_run *run);
void correlator_note_runs(struct correlator *c);

/* --- correlator_absent.c --------------------------------------------------- */
void correlator_watch_for(struct correlator *c,
    const struct rule_state *state, const struct visit *visit,
    const struct group *group);
void correlator_decide_absences(struct correlator *c);

#endif
