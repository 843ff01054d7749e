/* storage/ledger_write.h -- notes of batches become rows of live.db.
 *
 * Owner: the write thread, inside its transaction.
 */
#ifndef YAGURA_STORAGE_LEDGER_WRITE_H
#define YAGURA_STORAGE_LEDGER_WRITE_H

#include "engine/slice.h"

struct batch;
struct err;
struct ledger_writer;
struct sqlite3;

#define REQUEST_KEPT_NS INT64_C(600000000000)	/* 10 minutes */

/* NULL and *err. The connection is borrowed until ledger_writer_free. */
struct ledger_writer *ledger_writer_new(struct sqlite3 *live, struct err *err);
void ledger_writer_free(struct ledger_writer *ledger);

/* Writes the notes of a batch in the order they were made. 0, or -1. */
int ledger_put(struct ledger_writer *ledger, const struct batch *batch,
    struct err *err);

/* The answer of a request not older than REQUEST_KEPT_NS; borrowed until the
 * next call. */
bool ledger_request(struct ledger_writer *ledger, struct slice key,
    int64_t now_ns, struct slice *answer);

/* Forgets requests older than that. */
int ledger_tend(struct ledger_writer *ledger, int64_t now_ns,
    struct err *err);

/* Forgets the runs of alerts whose last event was before that. Reads all of
 * them: for once a day. */
int ledger_drop_runs(struct ledger_writer *ledger, int64_t before_ns,
    struct err *err);

#endif
