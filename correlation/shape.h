/* correlation/shape.h -- one line of NDJSON as an event, without definitions.
 *
 * For `yagura detect`, where events come from other programs in shapes that
 * Sigma users know:
 *
 *	{"Event": {"System": ..., "EventData": ...}}	a Windows event, EVTX
 *	{"winlog": {"channel": ..., "event_data": ...}}	the same, Winlogbeat
 *	{"Channel": ..., "EventID": ..., ...}		the same, flat
 *	{"_logsource": {"product": ...}, ...}		anything
 *
 * The first three have the log source {product: windows}; what they are in
 * detail follows from channel and number. A line that is none of these has no
 * log source. Objects become dotted names, arrays of objects lists.
 */
#ifndef YAGURA_CORRELATION_SHAPE_H
#define YAGURA_CORRELATION_SHAPE_H

#include "engine/slice.h"

struct event;
struct shape_names;

/* What names of members mean, remembered from line to line: at most 4096, then
 * each is worked out anew. One thread's. */
struct shape_names *shape_names_new(void);
void shape_names_free(struct shape_names *names);	/* NULL: nothing */

/* Fills the FILLING event, whose raw line is `event->raw`, and seals it. False
 * if the line is no JSON object: then it is sealed without values. has_time
 * says whether a readable time was found. */
bool shape_event(struct event *event);

/* The same, faster for many lines. */
bool shape_event_named(struct shape_names *names, struct event *event);

#endif
