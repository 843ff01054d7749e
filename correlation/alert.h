/* correlation/alert.h -- an alert is an event: what it says about itself.
 *
 * The stored alert is the raising and never changes. Its identity is a hash of
 * the rule, the group's values and the event that raised it, so raising it
 * again, after a restart or a replay, gives the same one.
 */
#ifndef YAGURA_CORRELATION_ALERT_H
#define YAGURA_CORRELATION_ALERT_H

#include "correlation/groupkey.h"

struct event;
struct window_run;

#define ALERT_ID_BYTES 33	/* 32 hex and NUL */
#define ALERT_EVENTS 100	/* contributing ids in the alert itself */

struct alert {
	const struct rule *rule;
	struct view view;	/* what raised it */
	size_t	 referred;	/* met by this referred rule */
	struct slice key;	/* of the group; empty for a detection */
	const struct window_run *run;
	uint64_t suppressed;	/* earlier alerts held back */
	bool	 own;		/* about yagura: the event is only when */
};

void alert_id(const struct alert *alert, char out[ALERT_ID_BYTES]);

/* Fills an empty event from batch_add_alert() and seals it. */
void alert_fill(const struct alert *alert, struct event *out);

#endif
