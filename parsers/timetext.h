/* parsers/timetext.h -- times as devices write them.
 *
 * Devices leave out the year, the zone or both; what the text says and what
 * it leaves open are kept apart until timetext_resolve() fills in the rest
 * from the arrival time and the source's zone.
 */
#ifndef YAGURA_PARSERS_TIMETEXT_H
#define YAGURA_PARSERS_TIMETEXT_H

#include "engine/slice.h"

struct zone;

struct timetext {
	int64_t	 local_ns;	/* as if it were UTC; year 1972 if unknown */
	int32_t	 offset_s;	/* if has_zone */
	bool	 has_year, has_zone;
	uint8_t	 month, day;	/* if the year is not known */
};

/* Reads a time at the beginning of text in any of the forms that the manual
 * lists under "auto"; answers the bytes it took, 0 if there is none. Epochs
 * are read only if they are the whole text. */
size_t timetext_read(struct slice text, struct timetext *out);

/* "Nov 21 10:00:00" with its variants (year between or behind, fraction),
 * the form of RFC 3164; 0 if there is none. */
size_t timetext_read_bsd(struct slice text, struct timetext *out);

/* "2026-11-21T10:00:00.1+09:00" with its variants; 0 if there is none. */
size_t timetext_read_iso(struct slice text, struct timetext *out);

/* "@400000004c91b044077a9e94", as multilog writes it; 0 if there is none. */
size_t timetext_read_tai64n(struct slice text, struct timetext *out);

/* Seconds with or without fraction, milli-, micro- or nanoseconds, told by
 * the number of digits; the whole text. */
bool timetext_read_epoch(struct slice text, struct timetext *out);

/* By a pattern of %Y %y %m %d %e %b %H %I %p %M %S %f %z %Z %j %a %s %%; the
 * whole text. */
bool timetext_read_format(struct slice text, struct slice format,
    struct timetext *out);

/* "Z", "+0900", "+09:00", "-7", "UTC+2" or an abbreviation (CEST, JST). */
bool timetext_zone(struct slice text, int32_t *seconds);

/* NULL, or what is wrong with the pattern. */
const char *timetext_check_format(struct slice format);

/* The instant: nearest year to now, zone if none was said. False if it does
 * not fit into an int64 of ns. */
bool timetext_resolve(const struct timetext *time, int64_t now_ns,
    const struct zone *zone, int64_t *time_ns);

#endif
