/* storage/verify.h -- is every byte still as it was written?
 *
 * Checks the chain of digests of each day file, what the catalog remembers of
 * sealed days, and the rows of the tail. Reads everything, writes nothing.
 */
#ifndef YAGURA_STORAGE_VERIFY_H
#define YAGURA_STORAGE_VERIFY_H

#include "engine/slice.h"

struct err;
struct store;

struct verify {
	/* Told of each finding, in order; first the file, or "tail". */
	void	(*bad)(void *user, const char *where, const char *why);
	/* Told before each day; may be NULL. */
	void	(*day)(void *user, const char *path);
	void	*user;

	uint64_t days, chunks, events;		/* looked at */
	uint64_t findings, missing;		/* missing: events in them */
};

/* 0 if all was read, whatever was found; -1 and *err if it could not be. */
int store_verify(struct store *store, struct verify *verify, struct err *err);

#endif
