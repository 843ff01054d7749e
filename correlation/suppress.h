/* correlation/suppress.h -- one alert for a key in a span.
 *
 * The first raises; those that follow within the span are counted, and their
 * events join the run of the one that was raised. The next that raises says
 * how many were suppressed. Time is event time.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_SUPPRESS_H
#define YAGURA_CORRELATION_SUPPRESS_H

#include "engine/slice.h"

struct reader;
struct strbuf;
struct window_run;

#define SUPPRESS_KEYS 100000	/* then the older half is forgotten */

struct suppressed {
	struct window_run *run;	/* of the alert that was raised; held */
	int64_t	 raised_ns, until_ns;
	uint64_t count;		/* since */
};

struct suppress;

struct suppress *suppress_new(void);
void suppress_free(struct suppress *suppress);

/* The key's entry, valid until the next call. *raise: nothing holds it back;
 * *before is then what was suppressed since the last one, and the caller puts
 * the new run. Otherwise it has been counted. */
struct suppressed *suppress_ask(struct suppress *suppress, struct slice key,
    int64_t time_ns, int64_t span_ns, bool *raise, uint64_t *before);

/* Puts the run of an alert just raised. */
void suppress_put(struct suppressed *entry, struct window_run *run);

/* For a checkpoint: runs are known by their numbers (window_run.h). `each` is
 * told of every run first. */
void suppress_runs(const struct suppress *suppress,
    void (*each)(struct window_run *run, void *arg), void *arg);
void suppress_save(const struct suppress *suppress, struct strbuf *out);
void suppress_load(struct suppress *suppress, struct reader *r,
    struct window_run *const *runs, size_t nruns);

size_t suppress_keys(const struct suppress *suppress);
uint64_t suppress_forgotten(const struct suppress *suppress);

#endif
