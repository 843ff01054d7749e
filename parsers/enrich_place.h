/* parsers/enrich_place.h -- where an address is and whose network it is in.
 *
 * Two suppliers: the organisation's own networks (CSV) and MaxMind files. Both
 * fill a place; texts are borrowed from the supplier.
 */
#ifndef YAGURA_PARSERS_ENRICH_PLACE_H
#define YAGURA_PARSERS_ENRICH_PLACE_H

#include "parsers/enrich_part.h"

/* What an anonymity file says; names in enrich_place.c. */
enum place_flag {
	PLACE_ANONYMOUS = 1,
	PLACE_VPN = 2,
	PLACE_HOSTING = 4,
	PLACE_PROXY = 8,
	PLACE_TOR_EXIT = 16,
	PLACE_RESIDENTIAL = 32,
};
#define PLACE_FLAGS 6

struct place {
	struct slice country_iso, country, city, organization;
	double	 latitude, longitude;
	bool	 known;		/* somebody said where it is */
	bool	 has_location;
	uint8_t	 flags;
	uint32_t as_number;	/* 0: not known */
};

struct network;
struct geoip;

/* NULL if there is nothing configured or readable. */
struct network *network_load(const struct enrich_conf *conf, struct diag *diag);
void network_free(struct network *network);
void network_find(const struct network *network, const uint8_t ip[16],
    struct place *place);

/* Files that are damaged are refused by opening them and by a walk through
 * their tree; see enrich_geoip.c. */
struct geoip *geoip_load(const struct enrich_conf *conf, struct diag *diag);
void geoip_free(struct geoip *geoip);

/* Leaves the place alone where it is known, and adds the rest. */
void geoip_find(const struct geoip *geoip, const uint8_t ip[16],
    struct place *place);

#endif
