/* engine/timeparse.h -- times of RFC 3339, both ways, and days.
 *
 * Times are ns since 1970 UTC. What lies outside the years 1970 to 2261 is
 * refused, because it does not fit. How devices write times is known to the
 * parsers: timetext.h.
 */
#ifndef YAGURA_ENGINE_TIMEPARSE_H
#define YAGURA_ENGINE_TIMEPARSE_H

#include "engine/slice.h"

#define TIME_S_NS INT64_C(1000000000)
#define TIME_TEXT_BYTES 36

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

#endif
