/* storage/sizes.h -- where the bytes of day files go.
 *
 * Owner: one thread.
 */
#ifndef YAGURA_STORAGE_SIZES_H
#define YAGURA_STORAGE_SIZES_H

#include "engine/slice.h"

struct err;

/* What one field takes in a day file, or what is no field: "(lines)" for what
 * raw lines have beside fields, "(time)" and so on for members of events. */
struct size_row {
	char	*name;
	uint64_t values;	/* in its column */
	uint64_t dict, data, bloom;	/* bytes; headers count as data */
};

struct sizes {
	struct size_row *rows;
	size_t	 n;
	uint64_t events, raw_bytes;
};

/* Adds up one file after the other; -1 and *err. sizes starts as {0}. */
int sizes_add(struct sizes *sizes, const char *path, struct err *err);

/* Largest first. */
void sizes_sort(struct sizes *sizes);
void sizes_fini(struct sizes *sizes);

#endif
