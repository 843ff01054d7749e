/* Every reader fills a stamp, the parts of a time as they are written, and
 * resolve() makes a moment of it with what the hint adds.
 */
#include "engine/timeparse.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/err.h"
#include "engine/zone.h"

#define DAY_S 86400
#define NEAR_NS ((uint64_t)180 * DAY_S * TIME_S_NS)	/* under half a year */
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
	bool	 has_year, has_offset, has_epoch;
	int64_t	 offset_s;	/* east of UTC */
	int64_t	 epoch_ns;	/* instead of all else */
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

/* --- from a stamp to a moment ---------------------------------------------*/

static bool
resolve_dated(const struct stamp *t, const struct time_hint *hint,
    int64_t *time_ns)
{
	int64_t seconds;

	if (!stamp_seconds(t, &seconds))
		return false;
	if (t->has_offset)
		seconds -= t->offset_s;
	else
		seconds = zone_to_utc(hint->zone, seconds);
	return seconds_ns(seconds, t->ns, time_ns);
}

static uint64_t
distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static bool
resolve(const struct stamp *t, const struct time_hint *hint, int64_t *time_ns)
{
	struct stamp dated = *t;
	int64_t year, at, best = 0;
	unsigned month, day;
	bool found = false;

	if (t->has_epoch) {
		*time_ns = t->epoch_ns;
		return true;
	}
	if (t->has_year)
		return resolve_dated(t, hint, time_ns);
	time_date(hint->arrival_ns / TIME_S_NS / DAY_S, &year, &month, &day);
	/* Nearly always the year of arrival; no other can be nearer then. */
	dated.year = (unsigned)year;
	if (resolve_dated(&dated, hint, &at) &&
	    distance(at, hint->arrival_ns) < NEAR_NS) {
		*time_ns = at;
		return true;
	}
	for (int64_t y = year - 1; y <= year + 1; y++) {
		dated.year = (unsigned)y;
		if (!resolve_dated(&dated, hint, &at))
			continue;
		if (!found || distance(at, hint->arrival_ns) <
		    distance(best, hint->arrival_ns))
			best = at;
		found = true;
	}
	*time_ns = best;
	return found;
}

/* --- pieces of text -------------------------------------------------------*/

static size_t
take_blanks(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && (s->ptr[n] == ' ' || s->ptr[n] == '\t'))
		n++;
	*s = slice_skip(*s, n);
	return n;
}

/* One to `width` digits. */
static bool
take_few_digits(struct slice *s, size_t width, unsigned *out)
{
	unsigned n = 0;
	size_t i = 0;

	for (; i < s->len && i < width; i++) {
		unsigned digit = (unsigned)(unsigned char)s->ptr[i] - '0';

		if (digit > 9)
			break;
		n = n * 10 + digit;
	}
	*s = slice_skip(*s, i);
	*out = n;
	return i > 0;
}

static bool
starts_with_digit(struct slice s)
{
	return s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

static bool
is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static size_t
letters(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_letter(s.ptr[n]))
		n++;
	return n;
}

/* The number from 1 of a name in the list, in full or by its first three
 * letters; 0 if it is none. */
static unsigned
take_name(struct slice *s, const char *const *names, unsigned n)
{
	size_t len = letters(*s);

	for (unsigned i = 0; len >= 3 && i < n; i++) {
		struct slice name = slice_cstr(names[i]);

		if (slice_eq_nocase(slice_head(*s, len), name) ||
		    (len == 3 && slice_eq_nocase(slice_head(*s, 3),
		    slice_head(name, 3)))) {
			*s = slice_skip(*s, len);
			return i + 1;
		}
	}
	return 0;
}

/* Three letters, lower case, as one number. */
#define LETTERS(a, b, c) \
	((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static unsigned
short_month(const char *p)
{
	uint32_t word = LETTERS((unsigned char)p[0], (unsigned char)p[1],
	    (unsigned char)p[2]) | 0x202020;

	switch (word) {
	case LETTERS('j', 'a', 'n'): return 1;
	case LETTERS('f', 'e', 'b'): return 2;
	case LETTERS('m', 'a', 'r'): return 3;
	case LETTERS('a', 'p', 'r'): return 4;
	case LETTERS('m', 'a', 'y'): return 5;
	case LETTERS('j', 'u', 'n'): return 6;
	case LETTERS('j', 'u', 'l'): return 7;
	case LETTERS('a', 'u', 'g'): return 8;
	case LETTERS('s', 'e', 'p'): return 9;
	case LETTERS('o', 'c', 't'): return 10;
	case LETTERS('n', 'o', 'v'): return 11;
	case LETTERS('d', 'e', 'c'): return 12;
	default: return 0;
	}
}

/* Jan or January, and Sept. */
static bool
take_month_name(struct slice *s, unsigned *month)
{
	static const char *const names[] = { "january", "february", "march",
		"april", "may", "june", "july", "august", "september",
		"october", "november", "december" };
	size_t len;
	unsigned n;

	if (s->len < 3 || (n = short_month(s->ptr)) == 0)
		return false;
	len = s->len > 3 && is_letter(s->ptr[3]) ? letters(*s) : 3;
	if (len > 3 && !slice_eq_nocase(slice_head(*s, len),
	    slice_cstr(names[n - 1])) &&
	    !slice_eq_nocase(slice_head(*s, len), SLICE("sept")))
		return false;
	*s = slice_skip(*s, len);
	*month = n;
	return true;
}

static bool
take_weekday(struct slice *s)
{
	static const char *const names[] = { "sunday", "monday", "tuesday",
		"wednesday", "thursday", "friday", "saturday" };

	return take_name(s, names, 7) > 0;
}

/* hh:mm:ss with a fraction behind '.' or ',', if a digit follows. */
static bool
take_clock(struct slice *s, struct stamp *t)
{
	if (!take_few_digits(s, 2, &t->hour) || !take_byte(s, ':') ||
	    !take_digits(s, 2, &t->minute) || !take_byte(s, ':') ||
	    !take_digits(s, 2, &t->second))
		return false;
	if (starts_with_digit(*s))
		return false;
	if (s->len > 1 && (s->ptr[0] == '.' || s->ptr[0] == ',') &&
	    starts_with_digit(slice_skip(*s, 1))) {
		*s = slice_skip(*s, 1);
		(void)take_fraction(s, &t->ns);
	}
	return true;
}

static bool
take_year(struct slice *s, struct stamp *t)
{
	if (!take_digits(s, 4, &t->year))
		return false;
	t->has_year = true;
	return true;
}

/* A name for a zone that we know, in capitals. */
static bool
take_zone_name(struct slice *s, const struct time_hint *hint, struct stamp *t)
{
	size_t n = letters(*s);
	int32_t offset_s;

	if (n < 2 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s->ptr[i] >= 'a')
			return false;
	if (n < s->len && starts_with_digit(slice_skip(*s, n)))
		return false;
	if (!zone_abbreviation(slice_head(*s, n), hint->zone, &offset_s))
		return false;
	t->has_offset = true;
	t->offset_s = offset_s;
	*s = slice_skip(*s, n);
	return true;
}

/* Z, an offset, or a name, all of them also behind a blank; nothing is taken
 * if it is none. */
static void
take_zone(struct slice *s, const struct time_hint *hint, struct stamp *t)
{
	struct slice at = *s;
	size_t blanks = take_blanks(&at);

	if (blanks == 0 && at.len > 0 && (at.ptr[0] == 'Z' ||
	    at.ptr[0] == 'z') && letters(at) == 1) {
		at = slice_skip(at, 1);
		t->has_offset = true;
		t->offset_s = 0;
	} else if (take_offset(&at, &t->offset_s)) {
		if (starts_with_digit(at))
			return;
		t->has_offset = true;
	} else if (!take_zone_name(&at, hint, t)) {
		return;
	}
	*s = at;
}

static size_t
finish(struct slice head, struct slice rest, const struct stamp *t,
    const struct time_hint *hint, int64_t *time_ns)
{
	return resolve(t, hint, time_ns) ? head.len - rest.len : 0;
}

/* --- times at the head of a slice -----------------------------------------*/

static bool
take_iso_date(struct slice *s, struct stamp *t)
{
	char sep;

	if (!take_year(s, t) || s->len == 0)
		return false;
	sep = s->ptr[0];
	if (starts_with_digit(*s))
		return take_digits(s, 2, &t->month) &&
		    take_digits(s, 2, &t->day);
	if (sep != '-' && sep != '/' && sep != '.')
		return false;
	return take_byte(s, sep) && take_few_digits(s, 2, &t->month) &&
	    take_byte(s, sep) && take_few_digits(s, 2, &t->day);
}

static bool
take_compact_clock(struct slice *s, struct stamp *t)
{
	if (!take_digits(s, 2, &t->hour) || !take_digits(s, 2, &t->minute) ||
	    !take_digits(s, 2, &t->second) || starts_with_digit(*s))
		return false;
	if (s->len > 1 && s->ptr[0] == '.' &&
	    starts_with_digit(slice_skip(*s, 1))) {
		*s = slice_skip(*s, 1);
		(void)take_fraction(s, &t->ns);
	}
	return true;
}

static size_t
time_take_iso(struct slice head, const struct time_hint *hint,
    int64_t *time_ns)
{
	struct stamp t = { 0 };
	struct slice s = head;

	if (!starts_with_digit(s) || !take_iso_date(&s, &t))
		return 0;
	if (!take_byte(&s, 'T') && !take_byte(&s, 't') &&
	    !take_byte(&s, '_') && !take_byte(&s, ':') &&
	    take_blanks(&s) == 0 &&
	    !starts_with_digit(s))
		return 0;
	if (s.len > 2 && starts_with_digit(slice_skip(s, 1)) &&
	    starts_with_digit(slice_skip(s, 2))) {
		if (!take_compact_clock(&s, &t))
			return 0;
	} else if (!take_clock(&s, &t)) {
		return 0;
	}
	take_zone(&s, hint, &t);
	return finish(head, s, &t, hint, time_ns);
}

/* " 2026" behind the time, if nothing but a boundary follows. */
static bool
take_year_behind(struct slice *s, struct stamp *t)
{
	struct slice at = *s;
	unsigned year;

	if (t->has_year || take_blanks(&at) == 0 ||
	    !take_digits(&at, 4, &year) || year < 1970 || year > LAST_YEAR)
		return false;
	if (at.len > 0 && (starts_with_digit(at) || is_letter(at.ptr[0]) ||
	    at.ptr[0] == '.' || at.ptr[0] == '-'))
		return false;
	t->year = year;
	t->has_year = true;
	*s = at;
	return true;
}

/* The host follows here, so a zone's name counts only where none can. */
static void
take_zone_guarded(struct slice *s, const struct time_hint *hint,
    struct stamp *t)
{
	struct slice at = *s;
	struct stamp with = *t;

	take_zone(&at, hint, &with);
	if (!with.has_offset)
		return;
	if (at.len == 0 || at.ptr[0] == ':' || s->ptr[0] != ' ' ||
	    take_year_behind(&at, &with) || at.ptr[-1] <= '9') {
		*t = with;
		*s = at;
	}
}

/* Mmm dd [yyyy] hh:mm:ss[.f] [zone] [yyyy] */
static size_t
take_month_first(struct slice head, const struct time_hint *hint,
    int64_t *time_ns)
{
	struct stamp t = { 0 };
	struct slice s = head, behind;

	if (!take_month_name(&s, &t.month) || take_blanks(&s) == 0 ||
	    !take_few_digits(&s, 2, &t.day))
		return 0;
	(void)take_byte(&s, ',');
	if (take_blanks(&s) == 0)
		return 0;
	behind = s;
	if (take_year(&behind, &t) && take_blanks(&behind) > 0)
		s = behind;
	else
		t.has_year = false;
	if (!take_clock(&s, &t))
		return 0;
	if (!take_year_behind(&s, &t) || s.len > 0)
		take_zone_guarded(&s, hint, &t);
	return finish(head, s, &t, hint, time_ns);
}

static size_t
time_take_syslog(struct slice head, const struct time_hint *hint,
    int64_t *time_ns)
{
	size_t mark = head.len > 0 && (head.ptr[0] == '*' ||
	    head.ptr[0] == '.' || head.ptr[0] == ':'), n;

	n = take_month_first(slice_skip(head, mark), hint, time_ns);
	return n > 0 ? n + mark : 0;
}

/* dd/Mmm/yyyy:hh:mm:ss, with '/', '-' or blanks. */
static size_t
take_day_first(struct slice head, const struct time_hint *hint,
    int64_t *time_ns)
{
	struct stamp t = { 0 };
	struct slice s = head;
	size_t before;
	char sep;

	if (!take_few_digits(&s, 2, &t.day) || s.len == 0)
		return 0;
	sep = s.ptr[0];
	if ((sep != '/' && sep != '-' && sep != ' ') || !take_byte(&s, sep) ||
	    !take_month_name(&s, &t.month) || !take_byte(&s, sep))
		return 0;
	before = s.len;
	if (!take_few_digits(&s, 4, &t.year))
		return 0;
	if (before - s.len == 2)
		t.year += t.year < 69 ? 2000 : 1900;
	t.has_year = true;
	if (!take_byte(&s, ':') && !take_byte(&s, 'T') && take_blanks(&s) == 0)
		return 0;
	if (!take_clock(&s, &t))
		return 0;
	take_zone(&s, hint, &t);
	return finish(head, s, &t, hint, time_ns);
}

static size_t
time_take_text(struct slice head, const struct time_hint *hint,
    int64_t *time_ns)
{
	struct slice s = head;
	size_t n;

	if (take_weekday(&s)) {
		(void)take_byte(&s, ',');
		if (take_blanks(&s) == 0)
			return 0;
	}
	n = starts_with_digit(s) ? take_day_first(s, hint, time_ns) :
	    s.len < head.len ? take_month_first(s, hint, time_ns) : 0;
	return n > 0 ? n + (head.len - s.len) : 0;
}

size_t
time_take_any(struct slice head, const struct time_hint *hint,
    int64_t *time_ns)
{
	size_t n = time_take_iso(head, hint, time_ns);

	if (n == 0)
		n = time_take_syslog(head, hint, time_ns);
	if (n == 0)
		n = time_take_text(head, hint, time_ns);
	return n;
}

/* Takes digits and a fraction of their unit. */
static bool
take_epoch(struct slice *s, int64_t *time_ns)
{
	static const int64_t unit_ns[] = { 1000000000, 1000000, 1000, 1 };
	struct slice at = *s;
	uint64_t n = 0, unit;
	unsigned fraction = 0;
	size_t digits = 0;

	while (digits < at.len && at.ptr[digits] >= '0' &&
	    at.ptr[digits] <= '9')
		digits++;
	if (digits == 0 || digits > 19 ||
	    !slice_ulong(slice_head(at, digits), &n))
		return false;
	unit = (uint64_t)unit_ns[digits <= 10 ? 0 : (digits - 8) / 3];
	at = slice_skip(at, digits);
	if (at.len > 1 && at.ptr[0] == '.' &&
	    starts_with_digit(slice_skip(at, 1))) {
		at = slice_skip(at, 1);
		(void)take_fraction(&at, &fraction);
	}
	if (n / (1000000000 / unit) >= (uint64_t)END_S)
		return false;
	*time_ns = (int64_t)(n * unit + fraction * unit / 1000000000);
	*s = at;
	return true;
}

static bool
time_parse_epoch(struct slice text, int64_t *time_ns)
{
	return take_epoch(&text, time_ns) && text.len == 0;
}

static bool
looks_epoch(struct slice s)
{
	size_t digits = 0;

	while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
		digits++;
	/* Fewer digits are a number of something; 14 are a date. */
	return digits >= 9 && digits != 14 &&
	    (digits == s.len || s.ptr[digits] == '.');
}

bool
time_parse(struct slice text, const struct time_hint *hint, int64_t *time_ns)
{
	size_t n;

	text = slice_trim(text);
	if (looks_epoch(text))
		return time_parse_epoch(text, time_ns);
	n = time_take_any(text, hint, time_ns);
	return n > 0 && n == text.len;
}

/* --- patterns -------------------------------------------------------------*/

#define PATTERN_OPS 64	/* no honest pattern comes near */

enum kind { KIND_PATTERN, KIND_AUTO, KIND_EPOCH };

struct timefmt {
	enum kind kind;
	size_t	 n;
	/* A letter of the pattern; 0: the literal byte; ' ': blanks. */
	struct { char letter, literal; } ops[PATTERN_OPS];
};

static bool
add_op(struct timefmt *fmt, char letter, char literal)
{
	if (fmt->n == PATTERN_OPS)
		return false;
	fmt->ops[fmt->n].letter = letter;
	fmt->ops[fmt->n].literal = literal;
	fmt->n++;
	return true;
}

/* What a letter stands for in others; NULL if it is read as it is. */
static const char *
expansion(char letter)
{
	switch (letter) {
	case 'F':
		return "%Y-%m-%d";
	case 'T':
		return "%H:%M:%S";
	case 'R':
		return "%H:%M";
	case 'D':
		return "%m/%d/%y";
	case 'r':
		return "%I:%M:%S %p";
	case 'c':
		return "%a %b %e %H:%M:%S %Y";
	default:
		return NULL;
	}
}

static int
compile_ops(struct timefmt *fmt, struct slice pattern, struct err *err)
{
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];
		const char *more;
		bool fits;

		if (c == ' ' || c == '\t') {
			fits = add_op(fmt, ' ', ' ');
			while (i + 1 < pattern.len &&
			    pattern.ptr[i + 1] == ' ')
				i++;
		} else if (c != '%') {
			fits = add_op(fmt, '\0', c);
		} else if (++i == pattern.len) {
			return err_set(err, ERR_CONFIG,
			    "%% at the end of a time pattern");
		} else if (pattern.ptr[i] == '%') {
			fits = add_op(fmt, '\0', '%');
		} else if ((more = expansion(pattern.ptr[i])) != NULL) {
			if (compile_ops(fmt, slice_cstr(more), err) < 0)
				return -1;
			fits = true;
		} else if (pattern.ptr[i] != '\0' &&
		    strchr("YymdeHIklMSfLNzZjsbBhaAp", pattern.ptr[i])) {
			fits = add_op(fmt, pattern.ptr[i], '\0');
		} else {
			return err_set(err, ERR_CONFIG,
			    "unknown %%%c in a time pattern", pattern.ptr[i]);
		}
		if (!fits)
			return err_set(err, ERR_CONFIG,
			    "time pattern of more than %d parts", PATTERN_OPS);
	}
	return 0;
}

struct timefmt *
timefmt_compile(struct slice pattern, struct err *err)
{
	struct timefmt *fmt = xcalloc(1, sizeof(*fmt));

	if (slice_eq(pattern, SLICE("auto"))) {
		fmt->kind = KIND_AUTO;
		return fmt;
	}
	if (slice_eq(pattern, SLICE("epoch"))) {
		fmt->kind = KIND_EPOCH;
		return fmt;
	}
	if (compile_ops(fmt, pattern, err) < 0)
		goto fail;
	if (fmt->n == 0) {
		err_set(err, ERR_CONFIG, "empty time pattern");
		goto fail;
	}
	return fmt;

fail:
	free(fmt);
	return NULL;
}

void
timefmt_free(struct timefmt *fmt)
{
	free(fmt);
}

/* What a pattern reads besides the stamp itself. */
struct reading {
	struct stamp t;
	const struct time_hint *hint;
	bool	 has_half, afternoon;	/* %p */
	unsigned day_of_year;		/* %j; 0: none */
};

static bool
read_half(struct slice *s, struct reading *r)
{
	struct slice two = slice_head(*s, 2);

	if (slice_eq_nocase(two, SLICE("am")))
		r->afternoon = false;
	else if (slice_eq_nocase(two, SLICE("pm")))
		r->afternoon = true;
	else
		return false;
	r->has_half = true;
	*s = slice_skip(*s, 2);
	return true;
}

static bool
read_two_digit_year(struct slice *s, struct stamp *t)
{
	if (!take_digits(s, 2, &t->year))
		return false;
	t->year += t->year < 69 ? 2000 : 1900;
	t->has_year = true;
	return true;
}

static bool
read_zone(struct slice *s, struct reading *r)
{
	take_zone(s, r->hint, &r->t);
	return r->t.has_offset;
}

static bool
read_zone_word(struct slice *s, struct reading *r)
{
	const struct zone *zone;
	struct slice word = *s;
	int64_t local;
	size_t n = 0;

	if (read_zone(s, r))
		return true;
	/* Asia/Tokyo: the offset depends on the date, read before it. */
	while (n < s->len && n < 64 && (is_letter(s->ptr[n]) ||
	    s->ptr[n] == '/' || s->ptr[n] == '_' || s->ptr[n] == '-'))
		n++;
	word.len = n;
	zone = n > 0 ? zone_find(word) : NULL;
	if (zone == NULL || !stamp_seconds(&r->t, &local))
		return false;
	r->t.offset_s = local - zone_to_utc(zone, local);
	r->t.has_offset = true;
	*s = slice_skip(*s, n);
	return true;
}

/* A switch of one-line cases. */
static bool
read_letter(char letter, struct slice *s, struct reading *r)
{
	struct stamp *t = &r->t;

	switch (letter) {
	case 'Y':
		return take_year(s, t);
	case 'y':
		return read_two_digit_year(s, t);
	case 'm':
		return take_few_digits(s, 2, &t->month);
	case 'd': case 'e':
		(void)take_blanks(s);
		return take_few_digits(s, 2, &t->day);
	case 'H': case 'I': case 'k': case 'l':
		(void)take_blanks(s);
		return take_few_digits(s, 2, &t->hour);
	case 'M':
		return take_digits(s, 2, &t->minute);
	case 'S':
		return take_digits(s, 2, &t->second);
	case 'f': case 'L': case 'N':
		return take_fraction(s, &t->ns);
	case 'b': case 'B': case 'h':
		return take_month_name(s, &t->month);
	case 'a': case 'A':
		return take_weekday(s);
	case 'p':
		return read_half(s, r);
	case 'j':
		return take_few_digits(s, 3, &r->day_of_year) &&
		    r->day_of_year > 0;
	case 'z':
		return read_zone(s, r);
	case 'Z':
		return read_zone_word(s, r);
	case 's':
		t->has_epoch = take_epoch(s, &t->epoch_ns);
		return t->has_epoch;
	default:
		return false;
	}
}

/* A fraction read behind %s adds to it; %p turns the hour; %j is a date. */
static bool
settle(struct reading *r)
{
	struct stamp *t = &r->t;
	int64_t year;

	if (r->has_half) {
		if (t->hour < 1 || t->hour > 12)
			return false;
		t->hour = t->hour % 12 + (r->afternoon ? 12 : 0);
	}
	if (r->day_of_year > 0) {
		if (!t->has_year || t->year < 1970 || t->year > LAST_YEAR ||
		    r->day_of_year > 366)
			return false;
		time_date(time_days(t->year, 1, 1) + r->day_of_year - 1,
		    &year, &t->month, &t->day);
		return year == t->year;
	}
	return true;
}

/* %s takes its fraction itself; what the pattern says of it is passed over. */
static size_t
behind_epoch(const struct timefmt *fmt, size_t i)
{
	if (i + 2 < fmt->n && fmt->ops[i + 1].literal == '.' &&
	    fmt->ops[i + 2].letter != '\0' &&
	    strchr("fLN", fmt->ops[i + 2].letter) != NULL)
		return i + 2;
	return i;
}

/* The bytes taken from the head, 0 if it does not match. */
static size_t
timefmt_take(const struct timefmt *fmt, struct slice head,
    const struct time_hint *hint, int64_t *time_ns)
{
	struct reading r = { .hint = hint };
	struct slice s = head;
	bool fits;

	if (fmt->kind == KIND_AUTO)
		return time_take_any(head, hint, time_ns);
	if (fmt->kind == KIND_EPOCH)
		return take_epoch(&s, time_ns) ? head.len - s.len : 0;
	for (size_t i = 0; i < fmt->n; i++) {
		char letter = fmt->ops[i].letter;

		if (letter == '\0')
			fits = take_byte(&s, fmt->ops[i].literal);
		else if (letter == ' ')
			fits = take_blanks(&s) > 0;
		else
			fits = read_letter(letter, &s, &r);
		if (!fits)
			return 0;
		if (letter == 's')
			i = behind_epoch(fmt, i);
	}
	return settle(&r) ? finish(head, s, &r.t, hint, time_ns) : 0;
}

bool
timefmt_read(const struct timefmt *fmt, struct slice text,
    const struct time_hint *hint, int64_t *time_ns)
{
	size_t n;

	text = slice_trim(text);
	if (fmt->kind == KIND_AUTO)
		return time_parse(text, hint, time_ns);
	n = timefmt_take(fmt, text, hint, time_ns);
	return n > 0 && n == text.len;
}
