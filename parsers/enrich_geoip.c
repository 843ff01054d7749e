/* MaxMind's City, Country, ASN (or ISP) and Anonymous files; others of that
 * format with such a type serve too. Each is checked whole before the library
 * sees it. The library maps it: replace a file by rename, as geoipupdate
 * does, never by writing into it.
 */
#include "parsers/enrich_place.h"

#include <maxminddb.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/check.h"
#include "engine/diag.h"
#include "engine/ip.h"
#include "parsers/mmdb_check.h"

#define FILES 16		/* of .mmdb; more are a finding */

enum kind { KIND_NONE, KIND_GEO, KIND_AS, KIND_ANONYMOUS };

struct geoip {
	size_t	 n;
	struct {
		MMDB_s	 db;
		enum kind kind;
	} files[FILES];
};

static enum kind
kind_of(const char *type)
{
	static const struct {
		const char *word;
		enum kind kind;
	} kinds[] = {
		{ "Anonymous", KIND_ANONYMOUS }, { "City", KIND_GEO },
		{ "Country", KIND_GEO }, { "Enterprise", KIND_GEO },
		{ "ASN", KIND_AS }, { "ISP", KIND_AS },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strstr(type, kinds[i].word) != NULL)
			return kinds[i].kind;
	return KIND_NONE;
}

/* Maps the file only to look at it; NULL if it is sound, else why not. */
static const char *
file_check(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *answer;
	struct stat st;
	void *bytes;

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		close(fd);
		return "is no file or is empty";
	}
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	answer = bytes == MAP_FAILED ? strerror(errno)
	    : mmdb_check(slice_of(bytes, (size_t)st.st_size));
	if (bytes != MAP_FAILED)
		munmap(bytes, (size_t)st.st_size);
	close(fd);
	return answer;
}

static void
file_open(struct geoip *geoip, const char *path, struct diag *diag)
{
	const char *why = file_check(path);
	MMDB_s *db = &geoip->files[geoip->n].db;
	int rc;

	if (why != NULL) {
		diag_error(diag, path, 0, 0, "GeoIP file not used: %s", why);
		return;
	}
	rc = MMDB_open(path, MMDB_MODE_MMAP, db);
	if (rc != MMDB_SUCCESS) {
		diag_error(diag, path, 0, 0, "GeoIP file not used: %s",
		    rc == MMDB_IO_ERROR ? strerror(errno)
		    : MMDB_strerror(rc));
		return;
	}
	geoip->files[geoip->n].kind = kind_of(db->metadata.database_type);
	if (geoip->files[geoip->n].kind == KIND_NONE) {
		diag_error(diag, path, 0, 0, "GeoIP file not used: type "
		    "\"%s\" is none of City, Country, ASN, ISP, Anonymous",
		    db->metadata.database_type);
		MMDB_close(db);
		return;
	}
	geoip->n++;
}

struct geoip *
geoip_load(const struct enrich_conf *conf, struct diag *diag)
{
	struct geoip *geoip;

	if (conf->ngeoip == 0)
		return NULL;
	geoip = xcalloc(1, sizeof(*geoip));
	for (size_t i = 0; i < conf->ngeoip; i++) {
		if (geoip->n == FILES) {
			diag_error(diag, conf->geoip[i], 0, 0,
			    "more than %d GeoIP files", FILES);
			break;
		}
		file_open(geoip, conf->geoip[i], diag);
	}
	if (geoip->n == 0) {
		free(geoip);
		return NULL;
	}
	return geoip;
}

void
geoip_free(struct geoip *geoip)
{
	if (geoip == NULL)
		return;
	for (size_t i = 0; i < geoip->n; i++)
		MMDB_close(&geoip->files[i].db);
	free(geoip);
}

/* --- lookups --- */

static bool
lookup(const MMDB_s *db, const uint8_t ip[16], MMDB_entry_s *entry)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { 0 };
	MMDB_lookup_result_s result;
	int error = MMDB_SUCCESS;

	if (ip_is_v4(ip)) {
		address.v4.sin_family = AF_INET;
		memcpy(&address.v4.sin_addr, ip + 12, 4);
	} else {
		address.v6.sin6_family = AF_INET6;
		memcpy(&address.v6.sin6_addr, ip, 16);
	}
	result = MMDB_lookup_sockaddr(db, &address.any, &error);
	*entry = result.entry;
	return error == MMDB_SUCCESS && result.found_entry;
}

static bool
find(MMDB_entry_s *entry, uint32_t type, const char *const *path,
    MMDB_entry_data_s *data)
{
	return MMDB_aget_value(entry, data, path) == MMDB_SUCCESS &&
	    data->has_data && data->type == type;
}

#define PATH(...) (const char *const[]){ __VA_ARGS__, NULL }

static struct slice
text(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (!find(entry, MMDB_DATA_TYPE_UTF8_STRING, path, &data))
		return slice_of("", 0);
	return slice_of(data.utf8_string, data.data_size);
}

static bool
number(MMDB_entry_s *entry, const char *const *path, double *out)
{
	MMDB_entry_data_s data;

	if (!find(entry, MMDB_DATA_TYPE_DOUBLE, path, &data))
		return false;
	*out = data.double_value;
	return true;
}

static void
geo_find(MMDB_entry_s *entry, struct place *place)
{
	place->country_iso = text(entry, PATH("country", "iso_code"));
	place->country = text(entry, PATH("country", "names", "en"));
	place->city = text(entry, PATH("city", "names", "en"));
	place->has_location =
	    number(entry, PATH("location", "latitude"), &place->latitude) &&
	    number(entry, PATH("location", "longitude"), &place->longitude);
	place->known = place->country_iso.len > 0 || place->has_location;
}

static void
as_find(MMDB_entry_s *entry, struct place *place)
{
	MMDB_entry_data_s data;

	if (place->as_number == 0 && find(entry, MMDB_DATA_TYPE_UINT32,
	    PATH("autonomous_system_number"), &data))
		place->as_number = data.uint32;
	if (place->organization.len == 0)
		place->organization = text(entry,
		    PATH("autonomous_system_organization"));
}

static void
anonymous_find(MMDB_entry_s *entry, struct place *place)
{
	static const struct {
		const char *key;
		enum place_flag flag;
	} flags[] = {
		{ "is_anonymous", PLACE_ANONYMOUS },
		{ "is_anonymous_vpn", PLACE_VPN },
		{ "is_hosting_provider", PLACE_HOSTING },
		{ "is_public_proxy", PLACE_PROXY },
		{ "is_tor_exit_node", PLACE_TOR_EXIT },
		{ "is_residential_proxy", PLACE_RESIDENTIAL },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		MMDB_entry_data_s data;

		if (find(entry, MMDB_DATA_TYPE_BOOLEAN, PATH(flags[i].key),
		    &data) && data.boolean)
			place->flags |= (uint8_t)flags[i].flag;
	}
}

void
geoip_find(const struct geoip *geoip, const uint8_t ip[16],
    struct place *place)
{
	for (size_t i = 0; i < geoip->n; i++) {
		MMDB_entry_s entry;

		if (!lookup(&geoip->files[i].db, ip, &entry))
			continue;
		switch (geoip->files[i].kind) {
		case KIND_GEO:
			if (!place->known)
				geo_find(&entry, place);
			break;
		case KIND_AS:
			as_find(&entry, place);
			break;
		case KIND_ANONYMOUS:
			anonymous_find(&entry, place);
			break;
		case KIND_NONE:
			break;
		}
	}
}
