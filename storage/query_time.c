/* Times as people give them on a command line or in a query. */
#include "storage/query.h"

#include "engine/timeparse.h"

#define MINUTE_NS (60 * TIME_S_NS)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

static int64_t
unit_ns(char unit)
{
	switch (unit) {
	case 's':
		return TIME_S_NS;
	case 'm':
		return MINUTE_NS;
	case 'h':
		return HOUR_NS;
	case 'd':
		return DAY_NS;
	case 'w':
		return 7 * DAY_NS;
	default:
		return 0;
	}
}

bool
query_span(struct slice text, int64_t *span_ns)
{
	uint64_t n;
	int64_t unit;

	if (text.len < 2)
		return false;
	unit = unit_ns(text.ptr[text.len - 1]);
	if (unit == 0 || !slice_ulong(slice_head(text, text.len - 1), &n) ||
	    n == 0 || n > (uint64_t)(INT64_MAX / unit))
		return false;
	*span_ns = (int64_t)n * unit;
	return true;
}

static unsigned
days_of_month(int64_t year, unsigned month)
{
	int64_t first = time_days(year, month, 1);

	return (unsigned)((month == 12 ? time_days(year + 1, 1, 1)
	    : time_days(year, month + 1, 1)) - first);
}

/* "2026", "2026-11", "2026-11-21". */
static bool
calendar(struct slice text, int64_t *from_ns, int64_t *to_ns)
{
	uint64_t year, month = 1, day = 1;
	int64_t first, days;

	if (text.len != 4 && text.len != 7 && text.len != 10)
		return false;
	if (!slice_ulong(slice_head(text, 4), &year) || year < 1970 ||
	    year > 2261)
		return false;
	if (text.len >= 7 && (text.ptr[4] != '-' ||
	    !slice_ulong(slice_of(text.ptr + 5, 2), &month) ||
	    month < 1 || month > 12))
		return false;
	if (text.len == 10 && (text.ptr[7] != '-' ||
	    !slice_ulong(slice_of(text.ptr + 8, 2), &day) || day < 1 ||
	    day > days_of_month((int64_t)year, (unsigned)month)))
		return false;
	first = time_days((int64_t)year, (unsigned)month, (unsigned)day);
	if (text.len == 4)
		days = time_days((int64_t)year + 1, 1, 1) - first;
	else if (text.len == 7)
		days = days_of_month((int64_t)year, (unsigned)month);
	else
		days = 1;
	*from_ns = first * DAY_NS;
	*to_ns = (first + days) * DAY_NS - 1;
	return true;
}

/* RFC 3339, also without zone (UTC) and without seconds. */
static bool
moment(struct slice text, int64_t *time_ns, int64_t *unit)
{
	char full[48];
	size_t n = text.len;
	struct slice last = slice_of(text.ptr + (n > 0 ? n - 1 : 0), 1);

	*unit = slice_find_byte(text, '.') < 0 ? TIME_S_NS : 1;
	if (time_parse_rfc3339(text, time_ns))
		return true;
	if (n < 16 || n > 30 || slice_eq_nocase(last, SLICE("z")))
		return false;
	memcpy(full, text.ptr, n);
	if (n == 16) {
		memcpy(full + n, ":00", 3);
		n += 3;
		*unit = MINUTE_NS;
	}
	full[n++] = 'Z';
	return time_parse_rfc3339(slice_of(full, n), time_ns);
}

bool
query_time(struct slice text, int64_t now_ns, int64_t *from_ns, int64_t *to_ns)
{
	int64_t span, unit;

	if (slice_eq(text, SLICE("now"))) {
		*from_ns = *to_ns = now_ns;
		return true;
	}
	if (text.len > 1 && text.ptr[0] == '-') {
		if (!query_span(slice_skip(text, 1), &span))
			return false;
		*from_ns = *to_ns = span > now_ns ? 0 : now_ns - span;
		return true;
	}
	if (calendar(text, from_ns, to_ns))
		return true;
	if (!moment(text, from_ns, &unit))
		return false;
	*to_ns = *from_ns > INT64_MAX - unit ? INT64_MAX : *from_ns + unit - 1;
	return true;
}
