/* tools/health.h -- what the service says about itself, once a minute.
 *
 * Every source and every sender (health_source.h) and the service as a whole
 * become one event a minute, of event.module yagura and event.dataset
 * yagura.health. They are lines as any other, in the format that
 * parsers/builtin.c calls yagura_health: so they are matched, correlated and
 * stored, rules about the service are plain rules with their thresholds in
 * the open, and a replay gives what there was. Only the daemon may say them:
 * no line from outside is taken for one.
 *
 *	correlate thread   health_note     batches, as they pass
 *	loop thread        health_minute   lines, once a minute
 *
 * Bounded: HEALTH_SOURCES rows. A newcomer past them is counted, not
 * followed; rows go when they were silent for HEALTH_FORGET, and passers-by
 * (few events, an hour of silence) when room gets scarce.
 *
 * Owner: any thread; a mutex inside.
 */
#ifndef YAGURA_TOOLS_HEALTH_H
#define YAGURA_TOOLS_HEALTH_H

#include "engine/slice.h"

struct batch;
struct health;
struct strbuf;

#define HEALTH_SOURCES 4096	/* sources and senders together */
#define HEALTH_FORGET_NS (14 * 24 * INT64_C(3600000000000))
#define HEALTH_DEF "yagura_health"	/* its format in parsers/builtin.c */

/* Figures of the service. Counters only rise; the line has what was added
 * since the minute before. */
#define HEALTH_COUNTERS \
	X(received) X(stored) X(rejected) X(kernel_drops) X(turned_away) \
	X(unparsed) X(no_logsource) X(evicted) X(capped) X(forgotten) \
	X(late) X(alerts) X(alerts_lost) X(regex_limit) X(outputs_failed) \
	X(reloads_refused) X(commit_failures) X(damaged) X(values_dropped) \
	X(cpu_ms) X(disk_used)

struct health_service {
#define X(name) uint64_t name;
	HEALTH_COUNTERS
#undef X
	/* as it is now */
	uint64_t in_flight, outputs_queued, groups;
	uint64_t disk_free, disk_size;	/* bytes; size 0: not known */
	bool	 full;
};

/* Begins at this time; `saved` is what health_save() wrote, or empty. */
struct health *health_new(int64_t now_ns, struct slice saved);
void health_free(struct health *health);	/* NULL does nothing */

/* Takes note of the received events of a batch, which is MATCHED. */
void health_note(struct health *health, const struct batch *batch);

/* Is a minute over? Then the lines follow one by one. */
bool health_due(struct health *health, int64_t now_ns);
void health_minute(struct health *health, int64_t now_ns,
    const struct health_service *service,
    void (*line)(void *user, struct slice line), void *user);

/* True once in a quarter of an hour: *out is what a restart should know. */
bool health_save(struct health *health, int64_t now_ns, struct strbuf *out);

/* Rows that are followed, and events of newcomers that are not. */
void health_rows(struct health *health, uint64_t *rows, uint64_t *beyond);

#endif
