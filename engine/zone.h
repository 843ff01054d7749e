/* engine/zone.h -- time zones by name, offset or abbreviation.
 *
 * Rules come from the TZif files of the system (/usr/share/zoneinfo), read by
 * us, because libc knows one zone at a time. A zone is immutable and lives for
 * ever; at most ZONE_LIMIT of them are kept.
 *
 * Owner: all threads. zone_find takes a lock; keep what it gives.
 */
#ifndef YAGURA_ENGINE_ZONE_H
#define YAGURA_ENGINE_ZONE_H

#include "engine/slice.h"

#define ZONE_LIMIT 1024

struct zone;

/* "Asia/Tokyo", "+09:00", "UTC", "JST", "local" (the system's), "" (UTC); NULL
 * if there is no such zone. Abbreviations are those of zone_abbreviation. */
const struct zone *zone_find(struct slice name);

/* Seconds east of UTC at this moment. A NULL zone is UTC. */
int32_t zone_offset_at(const struct zone *zone, int64_t utc_s);

/* Seconds since 1970 of a time on the zone's clocks. Of a time that comes
 * twice, the first; a time that is skipped counts on from before the gap. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_s);

/* What JST, CEST and the like mean; false if it is none that we know. Where
 * one means several (IST, CST), the zone says, if it uses it; zone may be
 * NULL. */
bool zone_abbreviation(struct slice name, const struct zone *zone,
    int32_t *offset_s);

#endif
