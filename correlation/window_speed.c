/* speed: two places of one group that lie further apart than anybody travels
 * in the time between.
 *
 * Only neighbours in time are compared. Where each hop is slow enough, so is
 * every longer way: no pair is missed but those made of hops below the least
 * distance, which mostly are one place, told apart by a database.
 */
#include "correlation/window.h"

#include <math.h>

#define EARTH_KM 6371.0
#define DEGREE 0.017453292519943295
#define UNIT 1e6		/* of a degree */

bool
place_pack(double lat, double lon, uint64_t *out)
{
	if (!(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180))
		return false;
	*out = (uint64_t)(uint32_t)(int32_t)lrint(lat * UNIT) << 32 |
	    (uint32_t)(int32_t)lrint(lon * UNIT);
	return true;
}

/* The haversine of great circles: exact where places are near. */
double
place_km(uint64_t a, uint64_t b)
{
	double lat1 = (int32_t)(uint32_t)(a >> 32) / UNIT * DEGREE;
	double lat2 = (int32_t)(uint32_t)(b >> 32) / UNIT * DEGREE;
	double lon1 = (int32_t)(uint32_t)a / UNIT * DEGREE;
	double lon2 = (int32_t)(uint32_t)b / UNIT * DEGREE;
	double up = sin((lat2 - lat1) / 2), along = sin((lon2 - lon1) / 2);
	double h = up * up + cos(lat1) * cos(lat2) * along * along;

	return 2 * EARTH_KM * asin(sqrt(h < 1 ? h : 1));
}

static bool
too_fast(const struct group *group, size_t at, struct window_span *span)
{
	const struct correlation *c = group_correlation(group);
	const struct window_entry *a = group_entry(group, at);
	const struct window_entry *b = group_entry(group, at + 1);
	double km = place_km(a->u.value, b->u.value);
	double hours = (double)(b->time_ns - a->time_ns) / 3600e9;

	if (km < c->speed_least_km ||
	    b->time_ns > time_plus(a->time_ns, c->timespan_ns) ||
	    km <= c->speed_kmh * hours)
		return false;
	*span = (struct window_span){ .lo = at, .hi = at + 2,
	    .end_ns = b->time_ns, .value = km };
	return true;
}

bool
window_speed_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	size_t from = group_lower(group, time_ns);
	size_t to = group_upper(group, time_ns);

	for (size_t at = from > 0 ? from - 1 : 0; at < to && at + 1 < group->n;
	    at++)
		if (too_fast(group, at, span))
			return true;
	return false;
}
