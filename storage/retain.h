/* storage/retain.h -- old days go.
 *
 * Retention unlinks whole day files; nothing is rewritten. Files with names
 * that are not ours are left alone.
 */
#ifndef YAGURA_STORAGE_RETAIN_H
#define YAGURA_STORAGE_RETAIN_H

#include "engine/slice.h"

/* Days whose file stands below the data folder, oldest first, with the length
 * of the file; owned array (free). */
struct day_file {
	int64_t	 day;
	uint64_t bytes;
};
size_t day_files(const char *data, struct day_file **files);

/* The same for what retention counts: with each day the files that SQLite keeps
 * beside its own, and those that were set aside as damaged. */
size_t retain_files(const char *data, struct day_file **files);

/* The days that must go: those that ended before now_ns - keep_ns (0: none by
 * age), then the oldest until all are within keep_bytes (0: no limit), never
 * the newest. Answers how many of the first of `files` go. */
size_t retain_choose(const struct day_file *files, size_t n, int64_t now_ns,
    int64_t keep_ns, uint64_t keep_bytes);

/* Unlinks all files of a day that retain_files counts, and folders that are
 * empty then. */
void retain_unlink(const char *data, int64_t day);

#endif
