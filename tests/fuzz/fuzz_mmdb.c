/* MaxMind files: what the check believes, the library must be able to read
 * without harm. */
#include <maxminddb.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parsers/mmdb_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const MMDB_s *db)
{
	static const char *const addresses[] = { "81.2.69.142", "0.0.0.0",
		"255.255.255.255", "2001:218::", "::", "128.0.0.1" };
	const char *const path[] = { "country", "iso_code", NULL };
	const char *const names[] = { "city", "names", "en", NULL };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		int gai, error;
		MMDB_entry_data_s found;
		MMDB_lookup_result_s result = MMDB_lookup_string(db,
		    addresses[i], &gai, &error);

		if (gai != 0 || error != MMDB_SUCCESS || !result.found_entry)
			continue;
		MMDB_aget_value(&result.entry, &found, path);
		MMDB_aget_value(&result.entry, &found, names);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	MMDB_s db;
	int fd;

	if (mmdb_check(slice_of((const char *)data, size)) != NULL)
		return 0;
	fd = memfd_create("mmdb", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (MMDB_open(path, MMDB_MODE_MMAP, &db) == MMDB_SUCCESS) {
		look(&db);
		MMDB_close(&db);
	}
	close(fd);
	return 0;
}
