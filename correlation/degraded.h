/* correlation/degraded.h -- when windows had to give something up, say so.
 *
 * Limits keep memory bounded; past them detection is worse than the rules say.
 * That is an alert of its own: rule id yagura-detection-degraded, raised by the
 * event that made a figure grow, at most once in an hour of event time, with
 * what was given up since the one before.
 *
 * Late events alone are common where devices buffer, and a memory of a million
 * values loses one now and then; these count once there are many of them.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_CORRELATION_DEGRADED_H
#define YAGURA_CORRELATION_DEGRADED_H

#include "correlation/rule.h"
#include "engine/strbuf.h"

#define DEGRADED_LATE 1000
#define DEGRADED_KEYS 1000
#define DEGRADED_EVERY_NS (3600 * INT64_C(1000000000))

struct losses {
	uint64_t groups;	/* evicted */
	uint64_t entries;	/* times a group forgot its oldest events */
	uint64_t keys;		/* of suppression and first_seen */
	uint64_t alerts;	/* that found no place */
	uint64_t late;
};

struct degraded {
	struct losses told;
	int64_t	 told_ns;
	bool	 has_told;
};

/* Is there something to tell, and is it time to? */
bool degraded_asks(const struct degraded *degraded, const struct losses *now,
    int64_t time_ns);

/* The rule of such an alert; its texts are put into `en` and `ja`. */
struct rule degraded_rule(const struct degraded *degraded,
    const struct losses *now, struct strbuf *en, struct strbuf *ja);

void degraded_told(struct degraded *degraded, const struct losses *now,
    int64_t time_ns);

#endif
