/* Times in lines are near the event's own time, in the same form from line to
 * line: what is kept of one is its form, once, and how far it is away, mostly
 * nothing.
 *
 * A form is a pattern, of which the fraction of a second may have any number of
 * digits. Forms are part of the file format: new ones go to the end.
 */
#include "storage/line_template.h"

#include <stdio.h>

#define SECOND INT64_C(1000000000)
#define DAY_SECONDS 86400
#define PATTERNS 16
#define NEAR_SECONDS (INT64_C(2) * 86400)
#define AWAY_MOST (INT64_C(1) << 62)

/* Y m d H M S: digits of fixed width; e: day of the month with a blank before;
 * b: Jan .. Dec; f: the fraction, if any; s: seconds since 1970. */
static const char *const patterns[PATTERNS] = {
	"b e H:M:S", "b d H:M:S", "Y-m-dTH:M:S.f", "Y-m-d H:M:S.f",
	"Y-m-d H:M:S,f", "Y/m/d H:M:S.f", "d/b/Y:H:M:S", "d-b-Y H:M:S.f",
	"m/d-H:M:S.f", "s.f", "sf", "Y-m-d", "H:M:S", "Y/m/d", "b e Y H:M:S",
	"m/d/Y H:M:S",
};

/* Digits of a fraction that a form can have; a form's number is pattern * 4 +
 * its place here. */
static const uint8_t fractions[4] = { 0, 3, 6, 9 };

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static const int64_t powers[10] = { 1, 10, 100, 1000, 10000, 100000, 1000000,
	10000000, 100000000, 1000000000 };

struct civil {
	int64_t	 year;
	unsigned month, day;	/* 1 .. */
	int64_t	 second;	/* of the day, or since 1970 */
	int64_t	 fraction;
	bool	 has_year, has_date, has_time, epoch;
};

/* Days since 1970 of a date, and back: Howard Hinnant's algorithms. */
static int64_t
days_of(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 +
	    day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

static void
date_of(int64_t days, struct civil *out)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t of = (of_era - of_era / 1460 + of_era / 36524 -
	    of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * of + of / 4 - of / 100);
	int64_t mp = (5 * of_year + 2) / 153;

	out->day = (unsigned)(of_year - (153 * mp + 2) / 5 + 1);
	out->month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	out->year = of + era * 400 + (out->month <= 2);
}

static unsigned
days_in(int64_t year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
digits_get(const char **at, const char *end, unsigned n, int64_t *out)
{
	int64_t number = 0;

	if ((size_t)(end - *at) < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		unsigned digit = (unsigned)(uint8_t)(*at)[i] - '0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	*at += n;
	*out = number;
	return true;
}

static bool
month_get(const char **at, const char *end, unsigned *out)
{
	if (end - *at < 3)
		return false;
	for (unsigned i = 0; i < 12; i++)
		if (memcmp(*at, months[i], 3) == 0) {
			*at += 3;
			*out = i + 1;
			return true;
		}
	return false;
}

static bool
day_get(const char **at, const char *end, unsigned *out)
{
	int64_t number;

	if (end - *at >= 2 && **at == ' ') {
		++*at;
		if (!digits_get(at, end, 1, &number))
			return false;
	} else if (!digits_get(at, end, 2, &number) || number < 10) {
		return false;
	}
	*out = (unsigned)number;
	return true;
}

/* One letter of a pattern. */
static bool
letter_get(char letter, unsigned fraction, const char **at, const char *end,
    struct civil *civil)
{
	int64_t number = 0;

	switch (letter) {
	case 'b':
		return month_get(at, end, &civil->month);
	case 'e':
		civil->has_date = true;
		return day_get(at, end, &civil->day);
	case 'Y':
		civil->has_year = true;
		return digits_get(at, end, 4, &civil->year) &&
		    civil->year >= 1970;
	case 'm':
		if (!digits_get(at, end, 2, &number))
			return false;
		civil->month = (unsigned)number;
		return true;
	case 'd':
		civil->has_date = true;
		if (!digits_get(at, end, 2, &number))
			return false;
		civil->day = (unsigned)number;
		return true;
	case 'H':
		civil->has_time = true;
		if (!digits_get(at, end, 2, &number) || number > 23)
			return false;
		civil->second = number * 3600;
		return true;
	case 'M':
		if (!digits_get(at, end, 2, &number) || number > 59)
			return false;
		civil->second += number * 60;
		return true;
	case 'S':
		if (!digits_get(at, end, 2, &number) || number > 59)
			return false;
		civil->second += number;
		return true;
	case 's':
		civil->epoch = civil->has_time = true;
		return digits_get(at, end, 10, &civil->second) &&
		    civil->second >= SECOND;
	case 'f':
		return digits_get(at, end, fraction, &civil->fraction);
	default:
		return *at < end && *(*at)++ == letter;
	}
}

/* With no fraction the mark before it is not there either. */
static bool
pattern_ends(const char *p, unsigned fraction)
{
	return *p == '\0' || (fraction == 0 && (*p == 'f' ||
	    ((*p == '.' || *p == ',') && p[1] == 'f')));
}

/* Units since 1970 (or since midnight, for a time without a date) near time_ns:
 * the year, if there is none, is the one that is nearest. */
static int64_t
units_of(struct civil *civil, unsigned fraction, int64_t seconds)
{
	int64_t at = civil->second;

	if (civil->has_date) {
		if (!civil->has_year) {
			struct civil now;
			int64_t days = seconds / DAY_SECONDS;

			date_of(days, &now);
			civil->year = now.year;
			if (civil->month >= now.month + 7)
				civil->year--;
			else if (civil->month + 6 < now.month)
				civil->year++;
		}
		if (!civil->has_time)
			return days_of(civil->year, civil->month, civil->day);
		at += days_of(civil->year, civil->month, civil->day) *
		    DAY_SECONDS;
	}
	return at * powers[fraction] + civil->fraction;
}

/* What the event's own time is in the units of a form. */
static int64_t
base_of(const char *pattern, unsigned fraction, int64_t time_ns)
{
	int64_t units = time_ns / powers[9 - fraction];

	if (pattern[0] == 'H')
		return units % DAY_SECONDS;
	if (strchr(pattern, 'H') == NULL && pattern[0] != 's')
		return units / DAY_SECONDS;
	return units;
}

size_t
time_form_get(unsigned form, struct slice line, int64_t time_ns,
    int64_t *away)
{
	const char *pattern, *at = line.ptr, *end = line.ptr + line.len;
	struct civil civil = { .year = 1970, .month = 1, .day = 1 };
	unsigned fraction = fractions[form % 4];

	if (form >= TIME_FORMS || time_ns < 0)
		return 0;
	pattern = patterns[form / 4];
	for (const char *p = pattern; !pattern_ends(p, fraction); p++)
		if (!letter_get(*p, fraction, &at, end, &civil))
			return 0;
	if (civil.has_date && (civil.month < 1 || civil.month > 12 ||
	    civil.day < 1))
		return 0;
	*away = units_of(&civil, fraction, time_ns / SECOND) -
	    base_of(pattern, fraction, time_ns);
	/* A year that was guessed may not have this day. */
	if (civil.has_date && civil.day > days_in(civil.year, civil.month))
		return 0;
	return (size_t)(at - line.ptr);
}

static char *
digits_put(char *out, int64_t number, unsigned n)
{
	for (unsigned i = n; i-- > 0; number /= 10)
		out[i] = (char)('0' + number % 10);
	return out + n;
}

static char *
letter_put(char letter, unsigned fraction, const struct civil *civil,
    char *out)
{
	switch (letter) {
	case 'b':
		return mempcpy(out, months[civil->month - 1], 3);
	case 'e':
		digits_put(out, civil->day, 2);
		if (out[0] == '0')
			out[0] = ' ';
		return out + 2;
	case 'Y':
		return digits_put(out, civil->year, 4);
	case 'm':
		return digits_put(out, civil->month, 2);
	case 'd':
		return digits_put(out, civil->day, 2);
	case 'H':
		return digits_put(out, civil->second / 3600, 2);
	case 'M':
		return digits_put(out, civil->second / 60 % 60, 2);
	case 'S':
		return digits_put(out, civil->second % 60, 2);
	case 's':
		return digits_put(out, civil->second, 10);
	case 'f':
		return digits_put(out, civil->fraction, fraction);
	default:
		*out = letter;
		return out + 1;
	}
}

size_t
time_form_put(unsigned form, int64_t time_ns, int64_t away,
    char out[TIME_FORM_BYTES])
{
	unsigned fraction = fractions[form % 4];
	const char *pattern;
	struct civil civil;
	char *at = out;
	int64_t units;

	if (form >= TIME_FORMS || time_ns < 0 || away > AWAY_MOST ||
	    away < -AWAY_MOST)
		return 0;
	pattern = patterns[form / 4];
	units = base_of(pattern, fraction, time_ns) + away;
	if (units < 0)
		return 0;
	civil.fraction = units % powers[fraction];
	civil.second = units / powers[fraction];
	if (pattern[0] == 's') {
		if (civil.second < SECOND || civil.second >= 10 * SECOND)
			return 0;
	} else {
		int64_t days = strchr(pattern, 'H') != NULL ?
		    civil.second / DAY_SECONDS : civil.second;

		if (days > 2932896)	/* the year 9999 */
			return 0;
		date_of(days, &civil);
		civil.second %= DAY_SECONDS;
	}
	for (const char *p = pattern; !pattern_ends(p, fraction); p++)
		at = letter_put(*p, fraction, &civil, at);
	return (size_t)(at - out);
}

/* The longest form that fits, and a date or time alone only where no digit
 * follows. */
int
time_form_find(struct slice line, int64_t time_ns)
{
	size_t most = 0;
	int found = -1;

	for (unsigned form = 0; form < TIME_FORMS; form++) {
		char again[TIME_FORM_BYTES];
		int64_t away;
		size_t n = time_form_get(form, line, time_ns, &away);
		bool epoch = patterns[form / 4][0] == 's';
		int64_t near = NEAR_SECONDS * powers[fractions[form % 4]];

		/* Any ten digits are seconds since 1970. */
		if (epoch && (away > near || away < -near))
			continue;
		if (n <= most || (n < line.len && line.ptr[n] >= '0' &&
		    line.ptr[n] <= '9'))
			continue;
		if (time_form_put(form, time_ns, away, again) == n &&
		    memcmp(again, line.ptr, n) == 0) {
			most = n;
			found = (int)form;
		}
	}
	return found;
}

bool
time_form_holds(unsigned form, char c)
{
	const char *pattern = patterns[form / 4];

	if (c >= '0' && c <= '9')
		return true;
	for (const char *p = pattern; !pattern_ends(p, fractions[form % 4]);
	    p++)
		switch (*p) {
		case 'b':
			if (c != '\0' && strchr("janfebmrpyulgsoctvd", c) != NULL)
				return true;
			break;
		case 'e':
			if (c == ' ')
				return true;
			break;
		case 'Y': case 'm': case 'd': case 'H': case 'M': case 'S':
		case 's': case 'f':
			break;
		default:
			if (c == ascii_lower(*p))
				return true;
			break;
		}
	return false;
}
