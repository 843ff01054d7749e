/* A zone is a list of moments and the offset from each on. What a TZif file
 * does not list it says by a rule in its last line ("CET-1CEST,M3.5.0,M10.5.0
 * /3"); we write the rule out up to the last year that we can hold, so that
 * looking up is one binary search whatever the file was like.
 */
#include "engine/zone.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/check.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"

#define DAY_S 86400
#define FIRST_YEAR 1970
#define LAST_YEAR 2262
#define FILE_BYTES (256u << 10)		/* the largest is about 4 KB */
#define NAME_BYTES 64
#define OFFSET_LIMIT 100000		/* seconds; more is no zone on earth */

struct moment {
	int64_t	 utc_s;
	int32_t	 offset_s;	/* from here on */
};

struct named {
	char	 name[8];	/* an abbreviation the zone uses */
	int32_t	 offset_s;
};

struct zone {
	int32_t	 first_s;	/* before the first moment */
	size_t	 n, cap;
	struct moment *moments;	/* rising */
	size_t	 nnamed;
	struct named named[16];
};

static pthread_mutex_t zones_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct map *zones;

/* --- the file -------------------------------------------------------------*/

static uint32_t
be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 |
	    (uint32_t)u[2] << 8 | u[3];
}

static int64_t
be64(const char *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool
add_moment(struct zone *zone, int64_t utc_s, int32_t offset_s)
{
	if (zone->n > 0 && zone->moments[zone->n - 1].utc_s >= utc_s)
		return false;
	if (zone->n == zone->cap) {
		zone->cap = zone->cap > 0 ? zone->cap * 2 : 64;
		zone->moments = xrealloc(zone->moments,
		    zone->cap * sizeof(*zone->moments));
	}
	zone->moments[zone->n++] = (struct moment){ utc_s, offset_s };
	return true;
}

static void
add_name(struct zone *zone, struct slice name, int32_t offset_s)
{
	struct named *named = &zone->named[zone->nnamed];

	if (name.len == 0 || name.len >= sizeof(named->name) ||
	    zone->nnamed == sizeof(zone->named) / sizeof(zone->named[0]))
		return;
	memcpy(named->name, name.ptr, name.len);
	named->name[name.len] = '\0';
	named->offset_s = offset_s;
	zone->nnamed++;
}

/* The counts of a TZif header, in the order of the file. */
struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

/*  0  4  "TZif"      5 15  reserved
 *  4  1  version    20 24  six counts of 4 bytes, big-endian
 * then, `wide` bytes a time: times, their types (1 byte each), types (6 bytes:
 * offset, is daylight, place of the name), names, leap seconds, indicators */
static bool
take_header(struct slice *s, struct counts *c)
{
	const char *p = s->ptr;

	if (s->len < 44 || memcmp(p, "TZif", 4) != 0)
		return false;
	*c = (struct counts){ be32(p + 20), be32(p + 24), be32(p + 28),
	    be32(p + 32), be32(p + 36), be32(p + 40) };
	*s = slice_skip(*s, 44);
	return c->isut <= FILE_BYTES && c->isstd <= FILE_BYTES &&
	    c->leap <= FILE_BYTES && c->time <= FILE_BYTES &&
	    c->type >= 1 && c->type <= 256 && c->chars <= FILE_BYTES;
}

static size_t
body_bytes(const struct counts *c, size_t wide)
{
	return c->time * (wide + 1) + c->type * 6 + c->chars +
	    c->leap * (wide + 4) + c->isstd + c->isut;
}

static bool
read_types(struct zone *zone, const struct counts *c, const char *types,
    int32_t offsets[256])
{
	const char *names = types + c->type * 6;

	for (uint32_t i = 0; i < c->type; i++) {
		uint32_t at = (unsigned char)types[i * 6 + 5];

		offsets[i] = (int32_t)be32(types + i * 6);
		if (offsets[i] > OFFSET_LIMIT || offsets[i] < -OFFSET_LIMIT ||
		    at >= c->chars)
			return false;
		add_name(zone, slice_of(names + at,
		    strnlen(names + at, c->chars - at)), offsets[i]);
	}
	return true;
}

static bool
read_body(struct zone *zone, const struct counts *c, const char *p)
{
	const char *kinds = p + c->time * 8;
	int32_t offsets[256];

	if (!read_types(zone, c, kinds + c->time, offsets))
		return false;
	zone->first_s = offsets[0];
	for (uint32_t i = 0; i < c->time; i++) {
		unsigned kind = (unsigned char)kinds[i];

		if (kind >= c->type || !add_moment(zone, be64(p + i * 8),
		    offsets[kind]))
			return false;
	}
	return true;
}

/* --- the rule -------------------------------------------------------------*/

/* On the week-th (5: last) weekday of month, seconds after midnight. */
struct change {
	unsigned month, week, weekday;
	int32_t	 second;
};

static bool
rule_number(struct slice *s, unsigned limit, unsigned *out)
{
	unsigned n = 0;
	size_t i = 0;

	for (; i < s->len && i < 4 && s->ptr[i] >= '0' && s->ptr[i] <= '9';
	    i++)
		n = n * 10 + (unsigned)(s->ptr[i] - '0');
	*s = slice_skip(*s, i);
	*out = n;
	return i > 0 && n <= limit;
}

static bool
rule_byte(struct slice *s, char c)
{
	if (s->len == 0 || s->ptr[0] != c)
		return false;
	*s = slice_skip(*s, 1);
	return true;
}

/* [+-]hh[:mm[:ss]]; up to 167 hours. */
static bool
rule_time(struct slice *s, int32_t *out)
{
	bool minus = rule_byte(s, '-');
	unsigned h, m = 0, sec = 0;

	if (!minus)
		(void)rule_byte(s, '+');
	if (!rule_number(s, 167, &h))
		return false;
	if (rule_byte(s, ':') && !rule_number(s, 59, &m))
		return false;
	if (rule_byte(s, ':') && !rule_number(s, 59, &sec))
		return false;
	*out = (int32_t)(h * 3600 + m * 60 + sec);
	if (minus)
		*out = -*out;
	return true;
}

static bool
rule_name(struct slice *s)
{
	size_t i = 0;

	if (rule_byte(s, '<')) {
		ptrdiff_t end = slice_find_byte(*s, '>');

		if (end < 0)
			return false;
		*s = slice_skip(*s, (size_t)end + 1);
		return true;
	}
	while (i < s->len && ascii_lower(s->ptr[i]) >= 'a' &&
	    ascii_lower(s->ptr[i]) <= 'z')
		i++;
	*s = slice_skip(*s, i);
	return i >= 3;
}

static bool
rule_change(struct slice *s, struct change *change)
{
	change->second = 7200;
	if (!rule_byte(s, ',') || !rule_byte(s, 'M') ||
	    !rule_number(s, 12, &change->month) || change->month == 0 ||
	    !rule_byte(s, '.') || !rule_number(s, 5, &change->week) ||
	    change->week == 0 || !rule_byte(s, '.') ||
	    !rule_number(s, 6, &change->weekday))
		return false;
	return !rule_byte(s, '/') || rule_time(s, &change->second);
}

/* On the clocks of that day, as seconds since 1970. */
static int64_t
change_local(const struct change *change, int64_t year)
{
	int64_t first = time_days(year, change->month, 1);
	int64_t next = change->month == 12 ? time_days(year + 1, 1, 1) :
	    time_days(year, change->month + 1, 1);
	int64_t weekday = (first + 4) % 7;	/* 1970-01-01: a Thursday */
	int64_t day = first + ((int64_t)change->weekday - weekday + 7) % 7 +
	    ((int64_t)change->week - 1) * 7;

	while (day >= next)
		day -= 7;
	return day * DAY_S + change->second;
}

/* A rule with days counted otherwise (Jn) is left out: no zone has had one
 * since 1970 that its file does not list. */
static void
read_rule(struct zone *zone, struct slice rule)
{
	int32_t standard, daylight;
	struct change into, back;
	int64_t last = zone->n > 0 ? zone->moments[zone->n - 1].utc_s :
	    INT64_MIN;

	if (!rule_name(&rule) || !rule_time(&rule, &standard))
		return;
	standard = -standard;
	if (zone->n == 0)
		zone->first_s = standard;
	if (rule.len == 0 || !rule_name(&rule))
		return;
	daylight = standard + 3600;
	if (rule.len > 0 && rule.ptr[0] != ',') {
		if (!rule_time(&rule, &daylight))
			return;
		daylight = -daylight;
	}
	if (!rule_change(&rule, &into) || !rule_change(&rule, &back))
		return;
	for (int64_t year = FIRST_YEAR; year <= LAST_YEAR; year++) {
		struct moment a = { change_local(&into, year) - standard,
		    daylight };
		struct moment b = { change_local(&back, year) - daylight,
		    standard };
		struct moment swap = a;

		if (b.utc_s < a.utc_s) {	/* south of the equator */
			a = b;
			b = swap;
		}
		if (a.utc_s > last)
			add_moment(zone, a.utc_s, a.offset_s);
		if (b.utc_s > last)
			add_moment(zone, b.utc_s, b.offset_s);
	}
}

/* --- finding --------------------------------------------------------------*/

static bool
read_zone(struct zone *zone, struct slice s)
{
	struct counts c;
	ptrdiff_t end;
	char version = s.len > 4 ? s.ptr[4] : '\0';

	if (version < '2' || !take_header(&s, &c) ||
	    body_bytes(&c, 4) > s.len)
		return false;
	s = slice_skip(s, body_bytes(&c, 4));
	if (!take_header(&s, &c) || body_bytes(&c, 8) > s.len ||
	    !read_body(zone, &c, s.ptr))
		return false;
	s = slice_skip(s, body_bytes(&c, 8));
	if (!rule_byte(&s, '\n'))
		return true;
	end = slice_find_byte(s, '\n');
	if (end > 0)
		read_rule(zone, slice_head(s, (size_t)end));
	return true;
}

static struct zone *
load_zone(const char *path)
{
	struct strbuf buf = STRBUF_INIT;
	struct zone *zone = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return NULL;
	while (buf.len < FILE_BYTES &&
	    (got = read(fd, strbuf_room(&buf, 8192), 8192)) > 0)
		buf.len += (size_t)got;
	close(fd);
	zone = xcalloc(1, sizeof(*zone));
	if (!read_zone(zone, strbuf_slice(&buf))) {
		free(zone->moments);
		free(zone);
		zone = NULL;
	}
	strbuf_fini(&buf);
	return zone;
}

static bool
is_path_name(struct slice name)
{
	if (name.len == 0 || name.len > NAME_BYTES || name.ptr[0] == '/')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-' && c != '+' && c != '/')
			return false;	/* no dot: nothing leads upward */
	}
	return true;
}

/* +hh, +hhmm, +hh:mm. */
static bool
read_offset(struct slice name, int32_t *offset_s)
{
	unsigned hours, minutes = 0;
	bool west = name.len > 0 && name.ptr[0] == '-';
	struct slice s = name;

	if (!rule_byte(&s, west ? '-' : '+') || s.len < 1)
		return false;
	if (s.len == 4 && slice_find_byte(s, ':') < 0) {
		struct slice h = slice_head(s, 2), m = slice_skip(s, 2);

		if (!rule_number(&h, 23, &hours) ||
		    !rule_number(&m, 59, &minutes) || h.len + m.len > 0)
			return false;
		s.len = 0;
	} else {
		if (!rule_number(&s, 23, &hours))
			return false;
		if (rule_byte(&s, ':') && !rule_number(&s, 59, &minutes))
			return false;
	}
	*offset_s = (int32_t)(hours * 3600 + minutes * 60);
	if (west)
		*offset_s = -*offset_s;
	return s.len == 0;
}

static struct zone *
fixed_zone(int32_t offset_s)
{
	struct zone *zone = xcalloc(1, sizeof(*zone));

	zone->first_s = offset_s;
	return zone;
}

static struct zone *
make_zone(struct slice name)
{
	static const char folder[] = "/usr/share/zoneinfo/";
	char path[sizeof(folder) + NAME_BYTES];
	const char *own = getenv("TZ");
	struct zone *zone;
	int32_t offset_s;

	if (name.len == 0 || slice_eq_nocase(name, SLICE("utc")) ||
	    slice_eq_nocase(name, SLICE("z")))
		return fixed_zone(0);
	if (read_offset(name, &offset_s))
		return fixed_zone(offset_s);
	if (slice_eq(name, SLICE("local"))) {
		if (own == NULL || own[0] == '\0')
			return load_zone("/etc/localtime");
		name = slice_cstr(own + (own[0] == ':'));
	}
	/* Before the files: some of them (EST, MST) are there for history. */
	if (zone_abbreviation(name, NULL, &offset_s))
		return fixed_zone(offset_s);
	if (!is_path_name(name))
		return NULL;
	snprintf(path, sizeof(path), "%s%.*s", folder, (int)name.len,
	    name.ptr);
	zone = load_zone(path);
	return zone;
}

const struct zone *
zone_find(struct slice name)
{
	union map_value *known;
	struct zone *zone = NULL;

	check(pthread_mutex_lock(&zones_mutex) == 0);
	if (zones == NULL)
		zones = map_new();
	known = map_find(zones, name);
	if (known != NULL) {
		zone = known->ptr;
	} else if (map_count(zones) < ZONE_LIMIT) {
		/* Names that are none are not kept: a sender may choose them. */
		zone = make_zone(name);
		if (zone != NULL)
			map_get(zones, name, NULL)->ptr = zone;
	}
	check(pthread_mutex_unlock(&zones_mutex) == 0);
	return zone;
}

int32_t
zone_offset_at(const struct zone *zone, int64_t utc_s)
{
	size_t low = 0, high;

	if (zone == NULL)
		return 0;
	high = zone->n;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (zone->moments[middle].utc_s <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? zone->first_s : zone->moments[low - 1].offset_s;
}

int64_t
zone_to_utc(const struct zone *zone, int64_t local_s)
{
	int32_t before, after;

	if (zone == NULL || zone->n == 0)
		return local_s - (zone == NULL ? 0 : zone->first_s);
	/* No zone changes twice in two days. */
	before = zone_offset_at(zone, local_s - DAY_S);
	after = zone_offset_at(zone, local_s + DAY_S);
	if (before == after ||
	    zone_offset_at(zone, local_s - before) == before)
		return local_s - before;
	if (zone_offset_at(zone, local_s - after) == after)
		return local_s - after;
	return local_s - before;
}

bool
zone_abbreviation(struct slice name, const struct zone *zone,
    int32_t *offset_s)
{
	static const struct { char name[6]; int16_t minutes; } known[] = {
		{ "UTC", 0 }, { "GMT", 0 }, { "Z", 0 }, { "WET", 0 },
		{ "WEST", 60 }, { "BST", 60 }, { "IST", 330 },
		{ "CET", 60 }, { "CEST", 120 }, { "MET", 60 },
		{ "MEST", 120 }, { "MEZ", 60 }, { "MESZ", 120 },
		{ "EET", 120 }, { "EEST", 180 }, { "MSK", 180 },
		{ "SAST", 120 }, { "CAT", 120 }, { "EAT", 180 },
		{ "WAT", 60 }, { "TRT", 180 }, { "GST", 240 },
		{ "PKT", 300 }, { "NPT", 345 }, { "ICT", 420 },
		{ "WIB", 420 }, { "WITA", 480 }, { "WIT", 540 },
		{ "HKT", 480 }, { "SGT", 480 }, { "MYT", 480 },
		{ "PHT", 480 }, { "AWST", 480 }, { "JST", 540 },
		{ "KST", 540 }, { "ACST", 570 }, { "ACDT", 630 },
		{ "AEST", 600 }, { "AEDT", 660 }, { "NZST", 720 },
		{ "NZDT", 780 }, { "EST", -300 }, { "EDT", -240 },
		{ "CST", -360 }, { "CDT", -300 }, { "MST", -420 },
		{ "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
		{ "AKST", -540 }, { "AKDT", -480 }, { "HST", -600 },
		{ "AST", -240 }, { "ADT", -180 }, { "NST", -210 },
		{ "NDT", -150 }, { "BRT", -180 }, { "BRST", -120 },
		{ "ART", -180 }, { "CLT", -240 }, { "CLST", -180 },
		{ "COT", -300 }, { "PET", -300 }, { "VET", -240 },
	};

	for (size_t i = 0; zone != NULL && i < zone->nnamed; i++)
		if (slice_eq_nocase(name, slice_cstr(zone->named[i].name))) {
			*offset_s = zone->named[i].offset_s;
			return true;
		}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_eq_nocase(name, slice_cstr(known[i].name))) {
			*offset_s = known[i].minutes * 60;
			return true;
		}
	return false;
}
