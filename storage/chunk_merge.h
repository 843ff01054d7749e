/* storage/chunk_merge.h -- small chunks at the end of a day become few.
 *
 * A quiet source fills a chunk in days, but no event waits for longer than a
 * quarter of an hour: so a day ends with many small ones. When it is sealed,
 * those at its end are read and packed again. A day that is damaged is left as
 * it is.
 *
 * Owner: the write thread.
 */
#ifndef YAGURA_STORAGE_CHUNK_MERGE_H
#define YAGURA_STORAGE_CHUNK_MERGE_H

#include "engine/slice.h"

struct dayfile;
struct err;
struct chunk_builder;

struct merge_limits {
	size_t	 events, bytes;		/* of a chunk, raw bytes */
};

/* 0, also if there was nothing to do; -1 and *err, and nothing has changed. */
int chunks_merge(struct dayfile *file, const struct merge_limits *limits,
    struct chunk_builder *builder, struct err *err);

#endif
