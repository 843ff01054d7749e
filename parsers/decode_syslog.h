/* parsers/decode_syslog.h -- the header in front of a message.
 *
 * RFC 5424, and RFC 3164 in the disguises that devices give it. Nothing here
 * fails: what is no header is body.
 */
#ifndef YAGURA_PARSERS_DECODE_SYSLOG_H
#define YAGURA_PARSERS_DECODE_SYSLOG_H

#include "engine/slice.h"
#include "parsers/timetext.h"

struct syslog_header {
	int	 priority;	/* facility * 8 + severity, -1 if not said */
	bool	 has_time;
	struct timetext time;
	struct slice version;	/* of RFC 5424; empty otherwise */
	struct slice hostname, appname, procid, msgid;
	struct slice data;	/* structured data with its brackets */
	struct slice body;
};

/* All slices are of the line. */
void syslog_read(struct slice line, struct syslog_header *out);

/* Whether a line begins with a header that no other text would begin with: a
 * priority, or a time and then a program with its process number. */
bool syslog_is_header(struct slice line);

/* The next parameter of structured data: *data moves forward. False at the
 * end. The value may hold escapes (a backslash). */
struct syslog_param {
	struct slice id, name, value;
};
bool syslog_next_param(struct slice *data, struct syslog_param *param);

#endif
