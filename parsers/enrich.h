/* parsers/enrich.h -- what the organisation knows about the values in a line.
 *
 * Country, city and AS of addresses (libmaxminddb), assets, networks and
 * lists of indicators from CSV. Built from configuration, immutable, swapped
 * whole. Every file that cannot be read is a finding; what it would have
 * filled stays empty and the daemon goes on (status says so).
 *
 *	geoip      source.geo.*, source.as.*, destination.* of public addresses;
 *	           what an anonymity file says goes to yagura.lists: tor_exit,
 *	           anonymous, anonymous.vpn, .hosting, .proxy, .residential
 *	networks   the same from CSV, and before geoip: network, country, city,
 *	           latitude, longitude, country_name, as_number, organization;
 *	           may name private networks
 *	assets     host, address, valid_from, valid_to and any other columns:
 *	           {source,destination,host}.asset.COLUMN; where the line has
 *	           none, too: source.domain and destination.domain by address,
 *	           host.name by host.ip, host.ip by host.name
 *	lists      yagura.lists.{source,destination,dns,url,file,user}: names of
 *	           the lists that hold the value; "name" and, where the file has
 *	           a category, "name.category"
 *
 * Memory and threads: as parserset.
 */
#ifndef YAGURA_PARSERS_ENRICH_H
#define YAGURA_PARSERS_ENRICH_H

#include "engine/slice.h"

struct diag;
struct event;
struct enrich;

struct enrich_list_conf {
	const char *name, *file;
	const char *key;	/* column; NULL: the first */
	const char *category;	/* column; NULL: none */
};

struct enrich_conf {
	const char *const *geoip;	/* .mmdb files */
	size_t	 ngeoip;
	const char *const *networks;	/* CSV files */
	size_t	 nnetworks;
	const char *const *assets;
	size_t	 nassets;
	const struct enrich_list_conf *lists;
	size_t	 nlists;
};

/* Never NULL; an empty configuration enriches nothing. */
struct enrich *enrich_load(const struct enrich_conf *conf, struct diag *diag);
struct enrich *enrich_get(struct enrich *enrich);
void enrich_put(struct enrich *enrich);

/* Adds to a decoded, unsealed event. Values the line itself states are never
 * replaced. */
void enrich_run(const struct enrich *enrich, struct event *event);

#endif
