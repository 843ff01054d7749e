/* Columns by name, in any order: network, country, country_name, city,
 * latitude, longitude, as_number, organization. A row says of its network
 * what it says and nothing else: an inner network inherits nothing. */
#include "parsers/enrich_place.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/ip.h"
#include "parsers/cidrmap.h"
#include "parsers/csvfile.h"

#define NETWORKS 2000000	/* rows; a GeoLite2 city list has fewer */

struct network {
	struct arena *arena;	/* places and their texts */
	struct cidrmap *map;	/* network -> 1 + index of a place */
	struct place *places;
	size_t	 n, cap;
};

enum column { NETWORK, COUNTRY, COUNTRY_NAME, CITY, LATITUDE, LONGITUDE,
	AS_NUMBER, ORGANIZATION, COLUMNS };

static const char *const names[COLUMNS] = { "network", "country",
	"country_name", "city", "latitude", "longitude", "as_number",
	"organization" };

struct columns {
	size_t	 at[COLUMNS];	/* 1 + place of the column; 0: none */
};

static bool
columns_read(struct csvfile *file, struct diag *diag, struct columns *columns)
{
	struct slice cells[CSVFILE_CELLS];
	size_t n = csvfile_next(file, cells);

	*columns = (struct columns){ 0 };
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < COLUMNS; c++)
			if (slice_eq_nocase(cells[i], slice_cstr(names[c])))
				columns->at[c] = i + 1;
	if (n > 0 && columns->at[NETWORK] == 0) {
		diag_error(diag, csvfile_name(file), csvfile_line(file), 0,
		    "the first line names no column \"network\" (network,"
		    "country,city,latitude,longitude)");
		return false;
	}
	return n > 0;
}

static struct slice
cell(const struct slice *cells, size_t n, const struct columns *columns,
    enum column c)
{
	size_t at = columns->at[c];

	return at > 0 && at <= n ? cells[at - 1] : slice_of("", 0);
}

static bool
location(struct slice latitude, struct slice longitude, struct place *place)
{
	if (!slice_double(latitude, &place->latitude) ||
	    !slice_double(longitude, &place->longitude))
		return false;
	return place->latitude >= -90 && place->latitude <= 90 &&
	    place->longitude >= -180 && place->longitude <= 180;
}

/* False with a finding if the row says something that cannot be. */
static bool
place_read(struct network *network, const struct slice *cells, size_t n,
    const struct columns *columns, struct place *place)
{
	struct slice country = cell(cells, n, columns, COUNTRY);
	struct slice latitude = cell(cells, n, columns, LATITUDE);
	struct slice longitude = cell(cells, n, columns, LONGITUDE);
	struct slice number = cell(cells, n, columns, AS_NUMBER);
	uint64_t as = 0;

	*place = (struct place){ 0 };
	if (country.len == 2)
		place->country_iso = arena_dup(network->arena, country);
	else
		place->country = arena_dup(network->arena, country);
	if (cell(cells, n, columns, COUNTRY_NAME).len > 0)
		place->country = arena_dup(network->arena,
		    cell(cells, n, columns, COUNTRY_NAME));
	place->city = arena_dup(network->arena,
	    cell(cells, n, columns, CITY));
	place->organization = arena_dup(network->arena,
	    cell(cells, n, columns, ORGANIZATION));
	if (latitude.len > 0 || longitude.len > 0) {
		if (!location(latitude, longitude, place))
			return false;
		place->has_location = true;
	}
	if (slice_starts(number, SLICE("AS")))
		number = slice_skip(number, 2);
	if (number.len > 0 &&
	    (!slice_ulong(number, &as) || as > UINT32_MAX))
		return false;
	place->as_number = (uint32_t)as;
	place->known = place->has_location || place->city.len > 0 ||
	    country.len > 0 || place->country.len > 0;
	return true;
}

static size_t
place_append(struct network *network, const struct place *place)
{
	if (network->n == network->cap) {
		network->cap = network->cap == 0 ? 64 : 2 * network->cap;
		network->places = xrealloc(network->places,
		    network->cap * sizeof(*network->places));
	}
	network->places[network->n] = *place;
	return ++network->n;
}

static void
file_read(struct network *network, const char *path, struct diag *diag)
{
	struct csvfile *file = csvfile_open(path, diag);
	struct slice cells[CSVFILE_CELLS];
	struct columns columns;
	size_t n;

	if (file == NULL)
		return;
	if (!columns_read(file, diag, &columns))
		goto done;
	while ((n = csvfile_next(file, cells)) > 0) {
		struct slice text = cell(cells, n, &columns, NETWORK);
		struct cidr cidr;
		struct place place;
		uint64_t *number;

		if (!cidr_parse(text, &cidr)) {
			diag_error(diag, path, csvfile_line(file), 0,
			    "\"%.*s\" is no network (10.0.0.0/8)",
			    (int)text.len, text.ptr);
			continue;
		}
		if (!place_read(network, cells, n, &columns, &place)) {
			diag_error(diag, path, csvfile_line(file), 0,
			    "latitude, longitude or as_number is out of "
			    "range or no number");
			continue;
		}
		if (network->n == NETWORKS) {
			diag_error(diag, path, csvfile_line(file), 0,
			    "more than %d networks; the rest is left out",
			    NETWORKS);
			break;
		}
		number = cidrmap_add(network->map, &cidr);
		if (*number != 0)
			diag_warning(diag, path, csvfile_line(file), 0,
			    "\"%.*s\" was given before; this one counts",
			    (int)text.len, text.ptr);
		*number = place_append(network, &place);
	}
done:
	csvfile_close(file);
}

struct network *
network_load(const struct enrich_conf *conf, struct diag *diag)
{
	struct network *network;

	if (conf->nnetworks == 0)
		return NULL;
	network = xcalloc(1, sizeof(*network));
	network->arena = arena_new(0);
	network->map = cidrmap_new();
	for (size_t i = 0; i < conf->nnetworks; i++)
		file_read(network, conf->networks[i], diag);
	if (network->n == 0) {
		network_free(network);
		return NULL;
	}
	return network;
}

void
network_free(struct network *network)
{
	if (network == NULL)
		return;
	cidrmap_free(network->map);
	arena_free(network->arena);
	free(network->places);
	free(network);
}

void
network_find(const struct network *network, const uint8_t ip[16],
    struct place *place)
{
	uint64_t number;
	size_t at = 0;

	if (cidrmap_next(network->map, ip, &at, &number))
		*place = network->places[number - 1];
}
