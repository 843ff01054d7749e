#include "parsers/timetext.h"

#include "engine/timeparse.h"
#include "engine/zone.h"

#define DAY_S 86400
#define AHEAD_NS (36 * 3600 * TIME_S_NS)	/* a day, and the zone */
#define TAI64N_BYTES 25
#define LEAP_YEAR 1972	/* stands for an unknown year: has a 29 February */

/* What was read so far. Every reader moves `p` forward and checks `end`. */
struct reader {
	const char *p, *end;
	int	 year;		/* -1: not said */
	unsigned month, day;
	unsigned hour, minute, second;
	unsigned ns;
	int32_t	 offset_s;
	bool	 has_zone, pm, has_pm;
};

static struct reader
reader_of(struct slice text)
{
	return (struct reader){ .p = text.ptr, .end = text.ptr + text.len,
	    .year = -1, .month = 1, .day = 1 };
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "+0900", "+09:00", "-7" */
static bool
signed_zone(struct slice s, int32_t *seconds)
{
	int32_t digit[4], n = 0, hours, minutes = 0;

	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == ':' && i >= 2)
			continue;
		if (!is_digit(s.ptr[i]) || n == 4)
			return false;
		digit[n++] = s.ptr[i] - '0';
	}
	if (n == 0)
		return false;
	hours = n == 1 || n == 3 ? digit[0] : digit[0] * 10 + digit[1];
	if (n > 2)
		minutes = digit[n - 2] * 10 + digit[n - 1];
	if (hours > 15 || minutes > 59)
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (s.ptr[0] == '-' ? -1 : 1);
	return true;
}

bool
timetext_zone(struct slice text, int32_t *seconds)
{
	if (text.len == 0 || text.len > 9)
		return false;
	if (text.ptr[0] == '+' || text.ptr[0] == '-')
		return signed_zone(text, seconds);
	if (text.len > 4 && (slice_starts(text, SLICE("GMT")) ||
	    slice_starts(text, SLICE("UTC"))))
		return signed_zone(slice_skip(text, 3), seconds);
	return zone_abbreviation(text, NULL, seconds);
}

/* Exactly n digits, or between least and n of them. */
static bool
digits(struct reader *r, unsigned least, unsigned n, unsigned *out)
{
	unsigned value = 0, i;

	for (i = 0; i < n && r->p < r->end && is_digit(*r->p); i++)
		value = value * 10 + (unsigned)(*r->p++ - '0');
	*out = value;
	return i >= least;
}

static bool
literal(struct reader *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static void
blanks(struct reader *r)
{
	while (r->p < r->end && *r->p == ' ')
		r->p++;
}

static bool
month_name(struct reader *r)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	char a, b, c;

	if (r->end - r->p < 3)
		return false;
	a = ascii_lower(r->p[0]);
	b = ascii_lower(r->p[1]);
	c = ascii_lower(r->p[2]);
	for (unsigned i = 0; i < 12; i++)
		if (names[3 * i] == a && names[3 * i + 1] == b &&
		    names[3 * i + 2] == c) {
			r->month = i + 1;
			r->p += 3;
			return true;
		}
	return false;
}

static bool
day_name(struct reader *r)
{
	static const char names[] = "sunmontuewedthufrisat";
	char a, b, c;

	if (r->end - r->p < 4)
		return false;
	a = ascii_lower(r->p[0]);
	b = ascii_lower(r->p[1]);
	c = ascii_lower(r->p[2]);
	for (unsigned i = 0; i < 7; i++)
		if (names[3 * i] == a && names[3 * i + 1] == b &&
		    names[3 * i + 2] == c) {
			r->p += 3;
			return true;
		}
	return false;
}

/* Any number of digits; those past the ninth are left out. */
static bool
fraction(struct reader *r)
{
	unsigned ns = 0, n = 0;

	for (; r->p < r->end && is_digit(*r->p); r->p++, n++)
		if (n < 9)
			ns = ns * 10 + (unsigned)(*r->p - '0');
	if (n == 0)
		return false;
	for (; n < 9; n++)
		ns *= 10;
	r->ns = ns;
	return true;
}

/* hh:mm:ss with optional fraction. */
static bool
clock_time(struct reader *r)
{
	if (!digits(r, 1, 2, &r->hour) || !literal(r, ':') ||
	    !digits(r, 2, 2, &r->minute) || !literal(r, ':') ||
	    !digits(r, 2, 2, &r->second))
		return false;
	if (r->end - r->p > 1 && (*r->p == '.' || *r->p == ',') &&
	    is_digit(r->p[1])) {
		r->p++;
		fraction(r);
	}
	return true;
}

/* AM or PM behind a blank; nothing is no error. */
static void
half_day(struct reader *r)
{
	char letter;

	if (r->end - r->p < 3 || *r->p != ' ' ||
	    ascii_lower(r->p[2]) != 'm' ||
	    (r->end - r->p > 3 && r->p[3] != ' ' && r->p[3] != '"'))
		return;
	letter = ascii_lower(r->p[1]);
	if (letter != 'a' && letter != 'p')
		return;
	r->pm = letter == 'p';
	r->has_pm = true;
	r->p += 3;
}

/* Z, +09:00, +0900, +09 at once or behind one blank; nothing is no error. */
static void
offset(struct reader *r)
{
	const char *p = r->p, *start;

	if (r->end - p > 1 && *p == ' ' && (p[1] == '+' || p[1] == '-'))
		p++;
	start = p;
	if (p < r->end && (*p == 'Z' || *p == 'z')) {
		r->has_zone = true;
		r->p = p + 1;
		return;
	}
	if (p == r->end || (*p != '+' && *p != '-'))
		return;
	for (p++; p < r->end && (is_digit(*p) || *p == ':'); p++)
		if (p - start >= 6)
			break;
	if (p - start > 1 && p[-1] == ':')
		p--;
	if (p - start < 3 || !timetext_zone(
	    slice_of(start, (size_t)(p - start)), &r->offset_s))
		return;
	r->has_zone = true;
	r->p = p;
}

/* A zone by name behind one blank: CEST, TZ-6; nothing is no error. */
static void
zone_name(struct reader *r)
{
	const char *p = r->p, *start;

	if (r->has_zone || r->end - p < 3 || *p != ' ')
		return;
	start = ++p;
	while (p < r->end && p - start < 6 && *p >= 'A' && *p <= 'Z')
		p++;
	if (p - start == 2 && memcmp(start, "TZ", 2) == 0) {
		start = p;
		while (p < r->end && (is_digit(*p) || *p == '-' || *p == '+' ||
		    *p == ':') && p - start < 6)
			p++;
	}
	if (p - start < 2 || (p < r->end && *p != ' ' && *p != ':'))
		return;
	if (!timetext_zone(slice_of(start, (size_t)(p - start)),
	    &r->offset_s))
		return;
	r->has_zone = true;
	r->p = p;
}

static bool
finish(const struct reader *r, struct timetext *out)
{
	int64_t days, seconds;
	unsigned hour = r->hour;

	if (r->has_pm)
		hour = hour % 12 + (r->pm ? 12 : 0);
	if (r->month < 1 || r->month > 12 || r->day < 1 || r->day > 31 ||
	    hour > 23 || r->minute > 59 || r->second > 60)
		return false;
	if (r->year >= 0 && (r->year < 1970 || r->year > 2261))
		return false;
	days = time_days(r->year < 0 ? LEAP_YEAR : r->year, r->month, r->day);
	seconds = days * DAY_S + hour * 3600 + r->minute * 60 + r->second;
	out->local_ns = seconds * TIME_S_NS + r->ns;
	out->offset_s = r->offset_s;
	out->has_year = r->year >= 0;
	out->has_zone = r->has_zone;
	out->month = (uint8_t)r->month;
	out->day = (uint8_t)r->day;
	return true;
}

static size_t
done(const struct reader *r, struct slice text, struct timetext *out)
{
	return finish(r, out) ? (size_t)(r->p - text.ptr) : 0;
}

size_t
timetext_read_iso(struct slice text, struct timetext *out)
{
	struct reader r = reader_of(text);
	unsigned year;
	char between;

	if (text.len < 19 || !digits(&r, 4, 4, &year) || r.p == r.end)
		return 0;
	r.year = (int)year;
	between = *r.p;
	if (between != '-' && between != '/')
		return 0;
	r.p++;
	if (!digits(&r, 1, 2, &r.month) || !literal(&r, between) ||
	    !digits(&r, 1, 2, &r.day) || r.p == r.end)
		return 0;
	if (*r.p != 'T' && *r.p != 't' && *r.p != ' ' && *r.p != '-' &&
	    *r.p != '_')
		return 0;
	r.p++;
	blanks(&r);
	if (!clock_time(&r))
		return 0;
	offset(&r);
	return done(&r, text, out);
}

/* Letters that the names of months and days begin with, and go on with. */
static bool
may_be_name(char first, char second)
{
	static const char firsts[256] = { ['j'] = 1, ['f'] = 1, ['m'] = 1,
	    ['a'] = 1, ['s'] = 1, ['o'] = 1, ['n'] = 1, ['d'] = 1,
	    ['t'] = 1, ['w'] = 1 };
	static const char seconds[256] = { ['a'] = 1, ['e'] = 1, ['p'] = 1,
	    ['u'] = 1, ['c'] = 1, ['o'] = 1, ['h'] = 1, ['r'] = 1 };

	return firsts[(unsigned char)ascii_lower(first)] != 0 &&
	    seconds[(unsigned char)ascii_lower(second)] != 0;
}

/* "Nov 21 10:00:00 host": at these places, and what stands behind can be no
 * more of a time, because it begins with a small letter. The day is that of
 * the last line, more often than not. False: read it the long way. */
static bool
read_bsd_plain(struct slice text, struct timetext *out)
{
	static _Thread_local struct {
		char	 text[7];
		struct timetext midnight;	/* month 0: none yet */
	} last;
	const char *p = text.ptr;
	unsigned hour, minute, second;
	struct reader r;

	if (text.len < 18 || p[6] != ' ' || p[9] != ':' || p[12] != ':' ||
	    p[15] != ' ' || p[16] < 'a' || p[16] > 'z' || p[17] == 'm' ||
	    p[17] == 'M' || !is_digit(p[7]) || !is_digit(p[8]) ||
	    !is_digit(p[10]) || !is_digit(p[11]) || !is_digit(p[13]) ||
	    !is_digit(p[14]))
		return false;
	hour = (unsigned)(p[7] - '0') * 10 + (unsigned)(p[8] - '0');
	minute = (unsigned)(p[10] - '0') * 10 + (unsigned)(p[11] - '0');
	second = (unsigned)(p[13] - '0') * 10 + (unsigned)(p[14] - '0');
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	if (last.midnight.month == 0 || memcmp(last.text, p, 7) != 0) {
		r = reader_of(slice_head(text, 7));
		last.midnight.month = 0;
		if (!month_name(&r) || !literal(&r, ' '))
			return false;
		blanks(&r);
		if (!digits(&r, 1, 2, &r.day) || !literal(&r, ' ') ||
		    r.p != r.end || !finish(&r, &last.midnight)) {
			last.midnight.month = 0;
			return false;
		}
		memcpy(last.text, p, 7);
	}
	*out = last.midnight;
	out->local_ns += (int64_t)(hour * 3600 + minute * 60 + second) *
	    TIME_S_NS;
	return true;
}

size_t
timetext_read_bsd(struct slice text, struct timetext *out)
{
	struct reader r;
	unsigned year;

	if (text.len < 2 || !may_be_name(text.ptr[0], text.ptr[1]))
		return 0;
	if (read_bsd_plain(text, out))
		return 15;
	r = reader_of(text);
	if (day_name(&r)) {
		literal(&r, ',');
		blanks(&r);
	}
	if (r.end - r.p < 14 || !month_name(&r) || !literal(&r, ' '))
		return 0;
	blanks(&r);
	if (!digits(&r, 1, 2, &r.day))
		return 0;
	literal(&r, ',');
	if (!literal(&r, ' '))
		return 0;
	blanks(&r);
	if (r.end - r.p > 5 && is_digit(r.p[0]) && is_digit(r.p[1]) &&
	    is_digit(r.p[2]) && is_digit(r.p[3]) && r.p[4] == ' ') {
		digits(&r, 4, 4, &year);
		r.year = (int)year;
		blanks(&r);
	}
	if (!clock_time(&r))
		return 0;
	half_day(&r);
	offset(&r);
	zone_name(&r);
	/* The year behind, as the C library's asctime() has it. */
	if (r.year < 0 && r.end - r.p >= 5 && r.p[0] == ' ' &&
	    is_digit(r.p[1]) && is_digit(r.p[2]) && is_digit(r.p[3]) &&
	    is_digit(r.p[4]) && (r.end - r.p == 5 || r.p[5] == ' ' ||
	    r.p[5] == ':')) {
		const char *back = r.p++;

		digits(&r, 4, 4, &year);
		if (year >= 1970 && year <= 2261)
			r.year = (int)year;
		else
			r.p = back;
	}
	return done(&r, text, out);
}

/* 21/Nov/2026:10:00:00 +0900, 21-Nov-2026 10:00:00.123, 21 Nov 2026 10:00:00 */
static size_t
read_day_first(struct slice text, struct timetext *out)
{
	struct reader r = reader_of(text);
	unsigned year;
	char between;

	if (day_name(&r)) {
		literal(&r, ',');
		blanks(&r);
	}
	if (!digits(&r, 1, 2, &r.day) || r.p == r.end)
		return 0;
	between = *r.p++;
	if (between != '/' && between != '-' && between != ' ')
		return 0;
	if (!month_name(&r) || !literal(&r, between) ||
	    !digits(&r, 4, 4, &year))
		return 0;
	r.year = (int)year;
	if (!literal(&r, ':') && !literal(&r, ' '))
		return 0;
	blanks(&r);
	if (!clock_time(&r))
		return 0;
	offset(&r);
	zone_name(&r);
	return done(&r, text, out);
}

/* 20.11.2026 10:00:00, and 11/20/2026 10:00:00 AM: who writes AM writes the
 * month first. Without it nobody can tell, unless one of them is over 12. */
static size_t
read_numbers(struct slice text, struct timetext *out)
{
	struct reader r = reader_of(text);
	unsigned a, b, year;
	char between;

	if (!digits(&r, 1, 2, &a) || r.p == r.end)
		return 0;
	between = *r.p;
	if ((between != '.' && between != '/') || !literal(&r, between) ||
	    !digits(&r, 1, 2, &b) || !literal(&r, between) ||
	    !digits(&r, 4, 4, &year))
		return 0;
	literal(&r, ',');
	if (!literal(&r, ' '))
		return 0;
	blanks(&r);
	if (!clock_time(&r))
		return 0;
	half_day(&r);
	if (between == '/' && !r.has_pm && a <= 12 && b <= 12 && a != b)
		return 0;
	r.year = (int)year;
	r.month = between == '/' && (r.has_pm || b > 12) ? a : b;
	r.day = between == '/' && (r.has_pm || b > 12) ? b : a;
	offset(&r);
	zone_name(&r);
	return done(&r, text, out);
}

/* 20261120T100000Z, with or without a fraction. */
static size_t
read_basic(struct slice text, struct timetext *out)
{
	struct reader r = reader_of(text);
	unsigned year;

	if (!digits(&r, 4, 4, &year) || !digits(&r, 2, 2, &r.month) ||
	    !digits(&r, 2, 2, &r.day) || !literal(&r, 'T') ||
	    !digits(&r, 2, 2, &r.hour) || !digits(&r, 2, 2, &r.minute) ||
	    !digits(&r, 2, 2, &r.second))
		return 0;
	r.year = (int)year;
	if (r.end - r.p > 1 && *r.p == '.' && is_digit(r.p[1])) {
		r.p++;
		fraction(&r);
	}
	offset(&r);
	return done(&r, text, out);
}

/* @400000004c91b044077a9e94: seconds and nanoseconds of multilog, which counts
 * from ten seconds after 1970 and knows no leap seconds. */
size_t
timetext_read_tai64n(struct slice text, struct timetext *out)
{
	uint64_t n[2] = { 0, 0 };

	if (text.len < TAI64N_BYTES || !slice_starts(text, SLICE("@4")))
		return 0;
	for (size_t i = 1; i < TAI64N_BYTES; i++) {
		char c = ascii_lower(text.ptr[i]);
		bool letter = c >= 'a' && c <= 'f';

		if (!letter && !is_digit(c))
			return 0;
		n[i > 16] = n[i > 16] << 4 |
		    (uint64_t)(letter ? c - 'a' + 10 : c - '0');
	}
	n[0] -= ((uint64_t)1 << 62) + 10;
	if (n[0] > INT64_MAX / TIME_S_NS - 1 || n[1] >= TIME_S_NS)
		return 0;
	*out = (struct timetext){ .has_year = true, .has_zone = true,
	    .local_ns = (int64_t)n[0] * TIME_S_NS + (int64_t)n[1] };
	return TAI64N_BYTES;
}

bool
timetext_read_epoch(struct slice text, struct timetext *out)
{
	static const int64_t scale[] = { 1000000000, 1000000, 1000, 1 };
	ptrdiff_t point = slice_find_byte(text, '.');
	struct slice whole = point < 0 ? text
	    : slice_head(text, (size_t)point);
	struct reader r;
	uint64_t n;
	unsigned step;

	if (whole.len < 9 || whole.len > 19 || !slice_ulong(whole, &n))
		return false;
	/* 9 or 10 digits are seconds, then three more for each step. */
	step = whole.len <= 11 ? 0 : whole.len <= 14 ? 1 :
	    whole.len <= 17 ? 2 : 3;
	if (n > (uint64_t)INT64_MAX / (uint64_t)scale[step])
		return false;
	*out = (struct timetext){ .has_year = true, .has_zone = true,
	    .local_ns = (int64_t)n * scale[step] };
	if (point < 0)
		return true;
	r = reader_of(slice_skip(text, (size_t)point + 1));
	if (!fraction(&r) || r.p != r.end)
		return false;
	if (step == 0)
		out->local_ns += r.ns;
	return true;
}

size_t
timetext_read(struct slice text, struct timetext *out)
{
	size_t n;

	if (text.len < 9)
		return 0;
	if (text.ptr[0] == '@')
		return timetext_read_tai64n(text, out);
	if (!is_digit(text.ptr[0])) {
		n = timetext_read_bsd(text, out);
		return n > 0 ? n : read_day_first(text, out);
	}
	n = timetext_read_iso(text, out);
	if (n == 0)
		n = read_day_first(text, out);
	if (n == 0)
		n = read_numbers(text, out);
	if (n == 0)
		n = read_basic(text, out);
	if (n == 0 && timetext_read_epoch(text, out))
		n = text.len;
	return n;
}

static bool
read_letter(struct reader *r, char letter, struct timetext *epoch)
{
	const char *start;
	unsigned n;

	switch (letter) {
	case 'Y':
		if (!digits(r, 4, 4, &n))
			return false;
		r->year = (int)n;
		return true;
	case 'y':
		if (!digits(r, 2, 2, &n))
			return false;
		r->year = (int)(n < 70 ? 2000 + n : 1900 + n);
		return true;
	case 'm':
		return digits(r, 1, 2, &r->month);
	case 'd':
	case 'e':
		blanks(r);
		return digits(r, 1, 2, &r->day);
	case 'b':
		return month_name(r);
	case 'a':
		return day_name(r);
	case 'H':
	case 'I':
		return digits(r, 1, 2, &r->hour);
	case 'M':
		return digits(r, 1, 2, &r->minute);
	case 'S':
		return digits(r, 1, 2, &r->second);
	case 'f':
		return fraction(r);
	case 'p':
		if (r->end - r->p < 2 || ascii_lower(r->p[1]) != 'm')
			return false;
		r->pm = ascii_lower(*r->p) == 'p';
		r->has_pm = true;
		r->p += 2;
		return true;
	case 'j':
		if (!digits(r, 1, 3, &n) || n < 1 || n > 366 || r->year < 0)
			return false;
		{
			int64_t year;

			time_date(time_days(r->year, 1, 1) + n - 1, &year,
			    &r->month, &r->day);
		}
		return true;
	case 'z':
	case 'Z':
		start = r->p;
		while (r->p < r->end && *r->p != ' ' && *r->p != ']' &&
		    *r->p != ')' && r->p - start < 9)
			r->p++;
		r->has_zone = timetext_zone(
		    slice_of(start, (size_t)(r->p - start)), &r->offset_s);
		return r->has_zone || letter == 'Z';
	case 's':
		start = r->p;
		while (r->p < r->end && is_digit(*r->p))
			r->p++;
		if (!timetext_read_epoch(slice_of(start,
		    (size_t)(r->p - start)), epoch))
			return false;
		return true;
	case '%':
		return literal(r, '%');
	default:
		return false;
	}
}

bool
timetext_read_format(struct slice text, struct slice format,
    struct timetext *out)
{
	struct reader r = reader_of(text);
	struct timetext epoch = { 0 };
	bool is_epoch = false;

	for (size_t i = 0; i < format.len; i++) {
		char c = format.ptr[i];

		if (c == ' ') {
			if (!literal(&r, ' '))
				return false;
			blanks(&r);
		} else if (c != '%' || i + 1 == format.len) {
			if (!literal(&r, c))
				return false;
		} else {
			c = format.ptr[++i];
			if (!read_letter(&r, c, &epoch))
				return false;
			is_epoch = is_epoch || c == 's';
		}
	}
	if (r.p != r.end)
		return false;
	if (!is_epoch)
		return finish(&r, out);
	*out = epoch;
	out->local_ns += r.ns;
	return true;
}

const char *
timetext_check_format(struct slice format)
{
	for (size_t i = 0; i < format.len; i++) {
		if (format.ptr[i] != '%')
			continue;
		if (++i == format.len)
			return "ends with a single %";
		if (strchr("YymdebaHIpMSfzZjs%", format.ptr[i]) == NULL)
			return "has a letter behind % that is not known";
	}
	return NULL;
}

static int64_t
distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* Day and time in the year that puts them nearest to now; a year in which they
 * would be more than a day ahead is not believed, because then the time would
 * not be either. A 29 February only fits leap years, and is looked for up to
 * four years away. */
static int64_t
nearest_year(const struct timetext *time, int64_t now_ns)
{
	int64_t day_ns = time->local_ns % (DAY_S * TIME_S_NS), best = 0;
	int64_t now_year;
	unsigned now_month, now_day, reach;
	bool found = false;

	time_date(now_ns / TIME_S_NS / DAY_S, &now_year, &now_month, &now_day);
	/* What arrives is of today, more often than not. */
	if (time->month == now_month && time->day <= now_day &&
	    (time->month != 2 || time->day < 29))
		return time_days(now_year, time->month, time->day) * DAY_S *
		    TIME_S_NS + day_ns;
	reach = time->month == 2 && time->day == 29 ? 4 : 1;
	for (int64_t y = now_year - reach; y <= now_year + reach; y++) {
		int64_t back, ns;
		unsigned m, d;

		if (y < 1970 || y > 2261)
			continue;
		time_date(time_days(y, time->month, time->day), &back, &m,
		    &d);
		if (m != time->month)
			continue;
		ns = time_days(y, time->month, time->day) * DAY_S *
		    TIME_S_NS + day_ns;
		if (ns > now_ns + AHEAD_NS && (found || y > now_year - reach))
			continue;
		if (!found || distance(ns, now_ns) < distance(best, now_ns))
			best = ns;
		found = true;
	}
	return found ? best : now_ns;
}

bool
timetext_resolve(const struct timetext *time, int64_t now_ns,
    const struct zone *zone, int64_t *time_ns)
{
	int64_t local = time->local_ns, ns;
	int32_t offset_s = time->offset_s;

	if (!time->has_year)
		local = nearest_year(time, now_ns);
	if (!time->has_zone && zone != NULL)
		offset_s = (int32_t)(local / TIME_S_NS -
		    zone_to_utc(zone, local / TIME_S_NS));
	if (__builtin_sub_overflow(local, offset_s * TIME_S_NS, &ns) || ns < 0)
		return false;
	*time_ns = ns;
	return true;
}
