/* storage/partition.h -- one day file: its fields, its chunks.
 *
 * Opened for writing by the one writer, for reading by anybody; a reader keeps
 * a connection of its own. Chunks are immutable: a reader needs no transaction
 * beyond the one in which it reads the list.
 *
 * Owner: one thread.
 */
#ifndef YAGURA_STORAGE_PARTITION_H
#define YAGURA_STORAGE_PARTITION_H

#include <sys/types.h>

#include "storage/chunk_build.h"
#include "storage/store.h"

struct dayfile;
struct err;
struct strbuf;

#define DAY_NS INT64_C(86400000000000)
#define SHA_BYTES 32

/* The day of a time, days since 1970. */
static inline int64_t
day_of(int64_t time_ns)
{
	int64_t day = time_ns / DAY_NS;

	return time_ns % DAY_NS < 0 ? day - 1 : day;
}

/* <data>/events/YYYY/MM/YYYY-MM-DD.db; room of PATH_MAX. And the day of such a
 * name (without folder); false if it is none. */
void dayfile_path(const char *data, int64_t day, char *out);
bool dayfile_day(const char *name, int64_t *day);

/* Writing makes the folders and the file. NULL and *err; *unborn (may be NULL)
 * as in db_open_read. */
struct dayfile *dayfile_open_read(const char *path, bool *unborn,
    struct err *err);
struct dayfile *dayfile_open_write(const char *data, int64_t day,
    uint32_t node, struct err *err);
void dayfile_close(struct dayfile *file);	/* NULL does nothing */

/* A file for a day that has none, to be written as a whole: begun beside its
 * place (`raw_bytes` says how much is to come), filled by dayfile_add and ended,
 * which seals it; after dayfiles_settle, which makes durable whatever was done
 * below <data>, dayfile_appear puts it in its place, durable after the next
 * dayfiles_settle. Abandoned, what there is goes. */
struct dayfile *dayfile_begin(const char *data, int64_t day, uint32_t node,
    uint64_t raw_bytes, struct err *err);
int dayfile_end(struct dayfile *file, struct err *err);
int dayfiles_settle(const char *data, struct err *err);
int dayfile_appear(const char *data, int64_t day, struct err *err);
void dayfile_abandon(const char *data, int64_t day);

uint32_t dayfile_node(const struct dayfile *file);
bool dayfile_sealed(const struct dayfile *file);
struct sqlite3 *dayfile_db(struct dayfile *file);

/* Greatest sequence in its chunks, 0 if there are none. */
uint64_t dayfile_seq1(struct dayfile *file);

/* Numbers for the fields of a chunk about to be added. */
struct field_ids dayfile_ids(struct dayfile *file);

/* Adds a chunk in one transaction; durable when it answers 0. */
int dayfile_add(struct dayfile *file, const struct chunk_packed *packed,
    struct err *err);

/* Chunks to put in the place of others: `next` gives one (it is taken) or NULL
 * at the end, `failed` says whether that was the end. */
struct merged {
	struct chunk_packed *(*next)(void *context);
	bool	(*failed)(void *context);
	void	*context;
};

/* Replaces the chunks from `first` to `last`, the newest of the file, in one
 * transaction. */
int dayfile_replace(struct dayfile *file, const struct chunk_info *last,
    int64_t first, const struct merged *merged, struct err *err);

/* Takes away chunks that hold a sequence above `mark`: they were written, but
 * what commits with them was not. 1 if there were any, 0, or -1. */
int dayfile_trim(struct dayfile *file, uint64_t mark, struct err *err);

/* Every name of the file has a number in this process; see FIELD_LIMIT. */
bool dayfile_names_known(const struct dayfile *file);

/* The day is past: one file, no WAL beside it. Busy readers make it fail;
 * then it is tried later. */
int dayfile_seal(struct dayfile *file, struct err *err);

/* The chunks, oldest first; owned array in *infos (free). -1 and *err. */
ssize_t dayfile_chunks(struct dayfile *file, struct chunk_info **infos,
    struct err *err);

/* Opens a chunk; `damaged` with `context` is told when bytes do not check.
 * *gone (may be NULL) is set when the chunk was taken away meanwhile; reading
 * it then gives ERR_IO. */
struct chunk *dayfile_chunk(struct dayfile *file,
    const struct chunk_info *info, void (*damaged)(void *context),
    void *context, bool *gone, struct err *err);

/* Checks every byte of a chunk and its place in the chain: 0, or -1 and *err
 * (ERR_DAMAGED). prev is the digest of the chunk before, and becomes that of
 * this one. */
int dayfile_verify(struct dayfile *file, int64_t chunk,
    uint8_t prev[SHA_BYTES], struct err *err);

#endif
