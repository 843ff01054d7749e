/* storage/tail.h -- whole events in one row of live.db.
 *
 * What is durable but in no chunk yet. A row holds events of one batch and one
 * day, and its own table of field names, so that it reads on its own. Texts
 * that stand in the raw line are kept as places in it.
 *
 * Owner: one thread for a tail_packer; unpacking keeps no state.
 */
#ifndef YAGURA_STORAGE_TAIL_H
#define YAGURA_STORAGE_TAIL_H

#include "engine/slice.h"

struct arena;
struct err;
struct event;
struct packer;
struct strbuf;
struct tail_packer;

struct tail_packer *tail_packer_new(struct packer *packer);
void tail_packer_free(struct tail_packer *tail);

/* The row of n sealed events of one batch. Borrowed until the next call. */
struct slice tail_pack(struct tail_packer *tail,
    const struct event *const *events, size_t n);

/* The events again, sealed, in the arena; NULL and ERR_DAMAGED. */
struct event *tail_unpack(struct slice row, struct arena *arena, size_t *n,
    struct err *err);

/* Raw bytes of the events of a row, from its head alone (TAIL_HEAD bytes); 0
 * if it is none. */
#define TAIL_HEAD 24
uint64_t tail_raw_bytes(struct slice head);

#endif
