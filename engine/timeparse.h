/* engine/timeparse.h -- times as text, both ways.
 *
 * Times are ns since 1970 UTC. What lies outside the years 1970 to 2261 is
 * refused, because it does not fit. Nothing here asks what time it is: what a
 * text leaves out comes from a hint.
 */
#ifndef YAGURA_ENGINE_TIMEPARSE_H
#define YAGURA_ENGINE_TIMEPARSE_H

#include "engine/slice.h"

struct err;
struct zone;

#define TIME_S_NS INT64_C(1000000000)
#define TIME_TEXT_BYTES 36

/* What to assume. A text without year gets the year that puts it nearest to
 * arrival; without zone, this zone (NULL: UTC). */
struct time_hint {
	int64_t	 arrival_ns;
	const struct zone *zone;
};

/* "2026-11-21T10:00:00.123Z": three digits of fraction, or six or nine when
 * they are needed to be exact. The slice is borrowed from buf. */
struct slice time_format_rfc3339(int64_t time_ns, char buf[TIME_TEXT_BYTES]);

/* Days since 1970-01-01 of a date of the Gregorian calendar; month 1..12. */
int64_t time_days(int64_t year, unsigned month, unsigned day);

/* The date of a day since 1970-01-01. */
void time_date(int64_t days, int64_t *year, unsigned *month, unsigned *day);

/* RFC 3339 with its zone, the whole slice: date, 'T' 't' or blank, time, any
 * fraction, 'Z' or an offset. A leap second counts as the second after. */
bool time_parse_rfc3339(struct slice text, int64_t *time_ns);

/* A time at the head of a slice: how many bytes it takes, 0 if there is none.
 *
 * iso:    2026-11-21T10:00:00, 2026/11/21 10:00:00; between them 'T', 't',
 *         '_', ':' or blanks; fraction behind '.' or ','; a zone or none ("Z",
 *         "+0900", "+09:00", " +0900"). 20261121T100000Z too.
 * syslog: Nov 21 10:00:00, Nov 21 2026 10:00:00, Nov 21 10:00:00 2026; a '*',
 *         '.' or ':' before it (Cisco), a fraction, a zone's abbreviation if
 *         a ':' follows or it ends there.
 * text:   21/Nov/2026:10:00:00 +0900, 21-Nov-2026 10:00:00.123,
 *         Sat Nov 21 10:00:00 2026, Sat, 21 Nov 2026 10:00:00 +0900. */
size_t time_take_any(struct slice head, const struct time_hint *hint,
    int64_t *time_ns);

/* Any of these; or seconds, ms, us or ns since 1970, told by the digits before
 * the point: up to 10, 11 to 13, 14 to 16, 17 to 19. The whole slice but for
 * blanks around it. */
bool time_parse(struct slice text, const struct time_hint *hint,
    int64_t *time_ns);

/* A pattern in the manner of strptime, see yagura-parser(5): %Y %y %m %d %e %b
 * %B %h %a %A %H %I %k %l %p %M %S %f %L %N %z %Z %j %s %F %T %R %D %%; a
 * blank stands for one or more blanks. `epoch` and `auto` are patterns too.
 * Memory: owned. NULL and *err if it is no pattern. */
struct timefmt;
struct timefmt *timefmt_compile(struct slice pattern, struct err *err);
void timefmt_free(struct timefmt *fmt);		/* NULL does nothing */

/* The whole slice but for blanks around it. */
bool timefmt_read(const struct timefmt *fmt, struct slice text,
    const struct time_hint *hint, int64_t *time_ns);

#endif
