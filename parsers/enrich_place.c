/* The same addresses come again and again, and a lookup in a MaxMind file
 * walks up to 128 nodes and then decodes a map for every text we want. Each
 * thread therefore keeps the places of the addresses it saw last. The cache
 * is told apart by the stamp of the part it was filled from, which is drawn
 * at random, so that a reload needs nobody's consent.
 *
 * Addresses of private use have no place in MaxMind's sense and are not
 * looked up there; the organisation's own networks may well name them.
 */
#include "parsers/enrich_place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "engine/check.h"
#include "engine/hash.h"
#include "engine/ip.h"

#define CACHED 1024		/* places a thread remembers; a power of two */

struct place_part {
	struct network *network;	/* may be NULL */
	struct geoip *geoip;		/* may be NULL */
	uint64_t stamp;			/* never 0 */
};

struct slot {
	uint64_t stamp;		/* 0: empty */
	uint8_t	 ip[16];
	struct place place;
};

static _Thread_local struct slot cache[CACHED];

struct end_fields {
	field_t	 ip, country_iso, country, city, latitude, longitude;
	field_t	 as_number, organization, lists;
};

static const struct end_fields ends[] = {
	{ FIELD_SOURCE_IP, FIELD_SOURCE_GEO_COUNTRY_ISO_CODE,
	    FIELD_SOURCE_GEO_COUNTRY_NAME, FIELD_SOURCE_GEO_CITY_NAME,
	    FIELD_SOURCE_GEO_LOCATION_LAT, FIELD_SOURCE_GEO_LOCATION_LON,
	    FIELD_SOURCE_AS_NUMBER, FIELD_SOURCE_AS_ORGANIZATION_NAME,
	    FIELD_YAGURA_LISTS_SOURCE },
	{ FIELD_DESTINATION_IP, FIELD_DESTINATION_GEO_COUNTRY_ISO_CODE,
	    FIELD_DESTINATION_GEO_COUNTRY_NAME,
	    FIELD_DESTINATION_GEO_CITY_NAME,
	    FIELD_DESTINATION_GEO_LOCATION_LAT,
	    FIELD_DESTINATION_GEO_LOCATION_LON,
	    FIELD_DESTINATION_AS_NUMBER,
	    FIELD_DESTINATION_AS_ORGANIZATION_NAME,
	    FIELD_YAGURA_LISTS_DESTINATION },
};

/* In the order of the bits. A Tor exit is called what lists of Tor exits are
 * called, so that one rule serves both. */
static const struct slice flag_names[PLACE_FLAGS] = {
	{ "anonymous", 9 }, { "anonymous.vpn", 13 },
	{ "anonymous.hosting", 17 }, { "anonymous.proxy", 15 },
	{ "tor_exit", 8 }, { "anonymous.residential", 21 },
};

static void
part_free(void *ptr)
{
	struct place_part *part = ptr;

	network_free(part->network);
	geoip_free(part->geoip);
	free(part);
}

static void *
part_load(const struct enrich_conf *conf, struct diag *diag)
{
	struct place_part *part = xcalloc(1, sizeof(*part));

	part->network = network_load(conf, diag);
	part->geoip = geoip_load(conf, diag);
	if (part->network == NULL && part->geoip == NULL) {
		free(part);
		return NULL;
	}
	while (part->stamp == 0)
		check(getrandom(&part->stamp, sizeof(part->stamp), 0) ==
		    sizeof(part->stamp));
	return part;
}

/* Private use, loopback, link-local, unspecified. What is set aside for other
 * ends (documentation, benchmarks, carriers' NAT) is looked up: files of
 * one's own may hold it. */
static bool
is_private(const uint8_t ip[16])
{
	const uint8_t *v4 = ip + 12;

	if (!ip_is_v4(ip)) {
		static const uint8_t zero[15];

		if (memcmp(ip, zero, 15) == 0)
			return ip[15] <= 1;
		return (ip[0] & 0xfe) == 0xfc ||
		    (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
	}
	return v4[0] == 10 || v4[0] == 127 || v4[0] == 0 ||
	    (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
	    (v4[0] == 192 && v4[1] == 168) ||
	    (v4[0] == 169 && v4[1] == 254);
}

static const struct place *
place_find(const struct place_part *part, const uint8_t ip[16])
{
	uint64_t hash = hash64(slice_of((const char *)ip, 16));
	struct slot *slot = &cache[hash & (CACHED - 1)];

	if (slot->stamp == part->stamp && memcmp(slot->ip, ip, 16) == 0)
		return &slot->place;
	slot->stamp = part->stamp;
	memcpy(slot->ip, ip, 16);
	slot->place = (struct place){ 0 };
	if (part->network != NULL)
		network_find(part->network, ip, &slot->place);
	if (part->geoip != NULL && !is_private(ip))
		geoip_find(part->geoip, ip, &slot->place);
	return &slot->place;
}

/* A line that names another country than we would knows better: then its own
 * word stands alone. City and location go together or not at all. */
static void
geo_set(struct event *event, const struct end_fields *end,
    const struct place *place)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice said = event_text(event, end->country_iso, buf);

	if (said.len > 0 && !slice_eq_nocase(said, place->country_iso))
		return;
	enrich_set(event, end->country_iso, place->country_iso);
	enrich_set(event, end->country, place->country);
	if (event_get(event, end->city) != NULL ||
	    event_get(event, end->latitude) != NULL)
		return;
	enrich_set(event, end->city, place->city);
	if (place->has_location) {
		event_set(event, end->latitude,
		    value_double(place->latitude));
		event_set(event, end->longitude,
		    value_double(place->longitude));
	}
}

static void
place_set(struct event *event, const struct end_fields *end,
    const struct place *place)
{
	if (place->known)
		geo_set(event, end, place);
	if (place->as_number != 0 &&
	    event_get(event, end->as_number) == NULL)
		event_set(event, end->as_number,
		    value_long(place->as_number));
	enrich_set(event, end->organization, place->organization);
	for (size_t i = 0; i < PLACE_FLAGS; i++)
		if (place->flags & 1u << i)
			event_append(event, end->lists,
			    value_text(flag_names[i], TRANSFORM_OWNED));
}

static void
part_run(const void *ptr, struct event *event)
{
	const struct place_part *part = ptr;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct value *value = event_get(event, ends[i].ip);
		uint8_t ip[16];

		if (value != NULL && value_members(value) > 0 &&
		    value_as_ip(value_member(value, 0), ip))
			place_set(event, &ends[i], place_find(part, ip));
	}
}

const struct enricher enricher_place = { part_load, part_run, part_free };
