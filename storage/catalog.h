/* storage/catalog.h -- what sealed days hold, without opening them.
 *
 * catalog.db can be deleted at any time: the writer makes it again as days are
 * sealed, and readers look into the files meanwhile.
 */
#ifndef YAGURA_STORAGE_CATALOG_H
#define YAGURA_STORAGE_CATALOG_H

#include "engine/slice.h"

struct dayfile;
struct err;
struct sqlite3;

struct catalog_row {
	int64_t	 t_min, t_max;
	uint64_t events, bytes, raw_bytes, chunks;
	uint8_t	 head[32];	/* digest of the newest chunk */
};

/* The row of a sealed day; `bytes` is the length its file had then. */
bool catalog_find(struct sqlite3 *catalog, int64_t day,
    struct catalog_row *row);

/* Notes a day that was just sealed. path: its file. */
int catalog_put(struct sqlite3 *catalog, int64_t day, struct dayfile *file,
    const char *path, struct err *err);

/* The day is open again, or gone. */
int catalog_drop(struct sqlite3 *catalog, int64_t day, struct err *err);

#endif
