/* Every reader fills a stamp, the parts of a time as they are written, and
 * resolve() makes a moment of it with what the hint adds.
 */
#include "engine/timeparse.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/err.h"
#include "engine/zone.h"

#define DAY_S 86400
#define LAST_YEAR 2261	/* the last whole year that int64 ns can hold */
#define END_S INT64_C(9214646400)	/* 2262-01-01 */

int64_t
time_days(int64_t year, unsigned month, unsigned day)
{
	/* Years begin in March here, so that the leap day comes last; then
	 * month m begins on day (153 m + 2) / 5 of its year. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t m = month > 2 ? month - 3 : month + 9;
	int64_t of_year = (153 * m + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

void
time_date(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 -
	    of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
	*month = (unsigned)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

static char *
put_digits(char *at, unsigned n, unsigned width)
{
	for (unsigned i = width; i-- > 0; n /= 10)
		at[i] = (char)('0' + n % 10);
	return at + width;
}

struct slice
time_format_rfc3339(int64_t time_ns, char buf[TIME_TEXT_BYTES])
{
	int64_t s = time_ns / TIME_S_NS, ns = time_ns % TIME_S_NS;
	int64_t days, year;
	unsigned month, day, of_day;
	char *at = buf;

	if (ns < 0) {
		ns += TIME_S_NS;
		s--;
	}
	days = s / DAY_S;
	if (s % DAY_S < 0)
		days--;
	of_day = (unsigned)(s - days * DAY_S);
	time_date(days, &year, &month, &day);
	at = put_digits(at, (unsigned)year, 4);
	*at++ = '-';
	at = put_digits(at, month, 2);
	*at++ = '-';
	at = put_digits(at, day, 2);
	*at++ = 'T';
	at = put_digits(at, of_day / 3600, 2);
	*at++ = ':';
	at = put_digits(at, of_day / 60 % 60, 2);
	*at++ = ':';
	at = put_digits(at, of_day % 60, 2);
	*at++ = '.';
	if (ns % 1000000 == 0)
		at = put_digits(at, (unsigned)(ns / 1000000), 3);
	else if (ns % 1000 == 0)
		at = put_digits(at, (unsigned)(ns / 1000), 6);
	else
		at = put_digits(at, (unsigned)ns, 9);
	*at++ = 'Z';
	return slice_of(buf, (size_t)(at - buf));
}

/* Takes exactly `width` digits from the head. */
static bool
take_digits(struct slice *s, size_t width, unsigned *out)
{
	unsigned n = 0;

	if (s->len < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		unsigned digit = (unsigned)(unsigned char)s->ptr[i] - '0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	*s = slice_skip(*s, width);
	*out = n;
	return true;
}

static bool
take_byte(struct slice *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = slice_skip(*s, 1);
	return true;
}

/* Digits behind the point, at least one; those past the ninth are dropped. */
static bool
take_fraction(struct slice *s, unsigned *ns)
{
	unsigned n = 0, scale = 100000000, digit;
	size_t i = 0;

	for (; i < s->len; i++) {
		digit = (unsigned)(unsigned char)s->ptr[i] - '0';
		if (digit > 9)
			break;
		n += digit * scale;
		scale /= 10;
	}
	*s = slice_skip(*s, i);
	*ns = n;
	return i > 0;
}

static unsigned
days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

struct stamp {
	unsigned year, month, day, hour, minute, second, ns;
};

/* Seconds since 1970 as if in UTC; false if there is no such date. */
static bool
stamp_seconds(const struct stamp *t, int64_t *seconds)
{
	if (t->year < 1970 || t->year > LAST_YEAR)
		return false;
	if (t->month < 1 || t->month > 12 || t->day < 1 ||
	    t->day > days_in_month(t->year, t->month))
		return false;
	if (t->hour > 23 || t->minute > 59 || t->second > 60)
		return false;
	*seconds = time_days(t->year, t->month, t->day) * DAY_S +
	    t->hour * 3600 + t->minute * 60 + t->second;
	return true;
}

static bool
seconds_ns(int64_t seconds, unsigned ns, int64_t *time_ns)
{
	if (seconds < 0 || seconds >= END_S)
		return false;
	*time_ns = seconds * TIME_S_NS + ns;
	return true;
}

/* +hh:mm, +hhmm or +hh. Nothing is taken if it is none. */
static bool
take_offset(struct slice *s, int64_t *offset_s)
{
	struct slice at = *s;
	unsigned hours, minutes = 0;
	bool west;

	if (at.len == 0 || (at.ptr[0] != '+' && at.ptr[0] != '-'))
		return false;
	west = at.ptr[0] == '-';
	at = slice_skip(at, 1);
	if (!take_digits(&at, 2, &hours))
		return false;
	if (take_byte(&at, ':')) {
		if (!take_digits(&at, 2, &minutes))
			return false;
	} else {
		(void)take_digits(&at, 2, &minutes);
	}
	if (hours > 23 || minutes > 59)
		return false;
	*offset_s = (int64_t)hours * 3600 + minutes * 60;
	if (west)
		*offset_s = -*offset_s;
	*s = at;
	return true;
}

bool
time_parse_rfc3339(struct slice s, int64_t *time_ns)
{
	struct stamp t = { 0 };
	int64_t seconds, offset_s = 0;

	if (!take_digits(&s, 4, &t.year) || !take_byte(&s, '-') ||
	    !take_digits(&s, 2, &t.month) || !take_byte(&s, '-') ||
	    !take_digits(&s, 2, &t.day))
		return false;
	if (!take_byte(&s, 'T') && !take_byte(&s, ' ') && !take_byte(&s, 't'))
		return false;
	if (!take_digits(&s, 2, &t.hour) || !take_byte(&s, ':') ||
	    !take_digits(&s, 2, &t.minute) || !take_byte(&s, ':') ||
	    !take_digits(&s, 2, &t.second))
		return false;
	if (take_byte(&s, '.') && !take_fraction(&s, &t.ns))
		return false;
	if (!take_byte(&s, 'Z') && !take_byte(&s, 'z') &&
	    !take_offset(&s, &offset_s))
		return false;
	return s.len == 0 && stamp_seconds(&t, &seconds) &&
	    seconds_ns(seconds - offset_s, t.ns, time_ns);
}
