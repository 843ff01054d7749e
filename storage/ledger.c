#include "storage/ledger.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/strbuf.h"
#include "storage/ledger_write.h"
#include "storage/pack.h"
#include "storage/schema.h"
#include "storage/store.h"

#define RUN_EVENT_BYTES 16	/* sequence and time */

enum statement { PUT_RUN, PUT_REQUEST, PUT_POSITION, PUT_CHECKPOINT,
	GET_REQUEST, DROP_REQUESTS, DROP_RUNS, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[PUT_RUN] = "INSERT OR REPLACE INTO run(alert, first_ns, last_ns, "
	    "count, data) VALUES(?, ?, ?, ?, ?)",
	[PUT_REQUEST] = "INSERT OR REPLACE INTO request(key, at_ns, answer) "
	    "VALUES(?, ?, ?)",
	[PUT_POSITION] =
	    "INSERT OR REPLACE INTO position(path, data) VALUES(?, ?)",
	[PUT_CHECKPOINT] =
	    "INSERT OR REPLACE INTO checkpoint(part, data) VALUES(?, ?)",
	[GET_REQUEST] =
	    "SELECT answer FROM request WHERE key = ? AND at_ns >= ?",
	[DROP_REQUESTS] = "DELETE FROM request WHERE at_ns < ?",
	[DROP_RUNS] = "DELETE FROM run WHERE last_ns < ?",
};

struct ledger_writer {
	sqlite3_stmt *stmts[STATEMENTS];
	struct strbuf answer;
};

struct ledger_writer *
ledger_writer_new(struct sqlite3 *live, struct err *err)
{
	struct ledger_writer *ledger = xcalloc(1, sizeof(*ledger));

	strbuf_init(&ledger->answer);
	for (unsigned i = 0; i < STATEMENTS; i++) {
		ledger->stmts[i] = db_prepare(live, sql[i], err);
		if (ledger->stmts[i] == NULL) {
			ledger_writer_free(ledger);
			return NULL;
		}
	}
	return ledger;
}

void
ledger_writer_free(struct ledger_writer *ledger)
{
	if (ledger == NULL)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(ledger->stmts[i]);
	strbuf_fini(&ledger->answer);
	free(ledger);
}

static int
put_note(struct ledger_writer *ledger, const struct batch *batch,
    const struct note *note, struct err *err)
{
	sqlite3_stmt *stmt = NULL;

	switch (note->kind) {
	case NOTE_RUN:
		stmt = ledger->stmts[PUT_RUN];
		sqlite3_bind_int64(stmt, 2, note->first_ns);
		sqlite3_bind_int64(stmt, 3, note->last_ns);
		sqlite3_bind_int64(stmt, 4, (int64_t)note->count);
		db_bind_bytes(stmt, 5, note->data);
		break;
	case NOTE_REQUEST:
		stmt = ledger->stmts[PUT_REQUEST];
		sqlite3_bind_int64(stmt, 2, batch->received_ns);
		db_bind_bytes(stmt, 3, note->data);
		break;
	case NOTE_POSITION:
		stmt = ledger->stmts[PUT_POSITION];
		db_bind_bytes(stmt, 2, note->data);
		break;
	case NOTE_CHECKPOINT:
		stmt = ledger->stmts[PUT_CHECKPOINT];
		db_bind_bytes(stmt, 2, note->data);
		break;
	}
	db_bind_text(stmt, 1, note->key);
	return db_run(stmt, err);
}

/* The list of a batch has the newest first, and the newest must win. */
int
ledger_put(struct ledger_writer *ledger, const struct batch *batch,
    struct err *err)
{
	const struct note **notes;
	size_t n = 0, at;
	int result = 0;

	for (const struct note *note = batch->notes; note != NULL;
	    note = note->next)
		n++;
	if (n == 0)
		return 0;
	notes = xcalloc(n, sizeof(*notes));
	at = n;
	for (const struct note *note = batch->notes; note != NULL;
	    note = note->next)
		notes[--at] = note;
	for (at = 0; at < n && result == 0; at++)
		result = put_note(ledger, batch, notes[at], err);
	free(notes);
	return result;
}

/* The statement is reset at once: one that is left in its row keeps the WAL
 * from being emptied. */
bool
ledger_request(struct ledger_writer *ledger, struct slice key,
    int64_t now_ns, struct slice *answer)
{
	sqlite3_stmt *stmt = ledger->stmts[GET_REQUEST];
	bool found;

	db_bind_text(stmt, 1, key);
	sqlite3_bind_int64(stmt, 2, now_ns - REQUEST_KEPT_NS);
	found = db_step(stmt, NULL) == 1;
	if (found) {
		strbuf_clear(&ledger->answer);
		strbuf_put(&ledger->answer, db_blob(stmt, 0));
		*answer = strbuf_slice(&ledger->answer);
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return found;
}

int
ledger_tend(struct ledger_writer *ledger, int64_t now_ns, struct err *err)
{
	sqlite3_stmt *stmt = ledger->stmts[DROP_REQUESTS];

	sqlite3_bind_int64(stmt, 1, now_ns - REQUEST_KEPT_NS);
	return db_run(stmt, err);
}

int
ledger_drop_runs(struct ledger_writer *ledger, int64_t before_ns,
    struct err *err)
{
	sqlite3_stmt *stmt = ledger->stmts[DROP_RUNS];

	sqlite3_bind_int64(stmt, 1, before_ns);
	return db_run(stmt, err);
}

/* --- reading ------------------------------------------------------------- */

struct slice
run_pack(struct arena *arena, const uint64_t *seqs, const int64_t *times_ns,
    size_t n)
{
	char *bytes = arena_text(arena, n * RUN_EVENT_BYTES), *at = bytes;

	for (size_t i = 0; i < n; i++) {
		at = put_u64(at, seqs[i]);
		at = put_u64(at, (uint64_t)times_ns[i]);
	}
	return slice_of(bytes, n * RUN_EVENT_BYTES);
}

static void
run_unpack(struct arena *arena, struct slice data, struct run *out)
{
	size_t n = data.len / RUN_EVENT_BYTES;
	uint64_t *seqs = arena_alloc(arena, n * sizeof(*seqs));
	int64_t *times = arena_alloc(arena, n * sizeof(*times));

	for (size_t i = 0; i < n; i++) {
		seqs[i] = get_u64(data.ptr + i * RUN_EVENT_BYTES);
		times[i] = (int64_t)get_u64(data.ptr +
		    i * RUN_EVENT_BYTES + 8);
	}
	out->n = n;
	out->seqs = seqs;
	out->times_ns = times;
}

bool
ledger_run(struct store *store, struct slice alert, struct arena *arena,
    struct run *out)
{
	sqlite3_stmt *stmt = db_prepare(store_live(store), "SELECT first_ns, "
	    "last_ns, count, data FROM run WHERE alert = ?", NULL);
	bool found = false;

	if (stmt == NULL)
		return false;
	db_bind_text(stmt, 1, alert);
	if (db_step(stmt, NULL) == 1) {
		found = true;
		out->alert = arena_dup(arena, alert);
		out->first_ns = sqlite3_column_int64(stmt, 0);
		out->last_ns = sqlite3_column_int64(stmt, 1);
		out->count = (uint64_t)sqlite3_column_int64(stmt, 2);
		run_unpack(arena, db_blob(stmt, 3), out);
	}
	sqlite3_finalize(stmt);
	return found;
}

struct slice
ledger_checkpoint(struct store *store, struct slice part, struct arena *arena)
{
	sqlite3_stmt *stmt = db_prepare(store_live(store),
	    "SELECT data FROM checkpoint WHERE part = ?", NULL);
	struct slice data = SLICE("");

	if (stmt == NULL)
		return data;
	db_bind_text(stmt, 1, part);
	if (db_step(stmt, NULL) == 1)
		data = arena_dup(arena, db_blob(stmt, 0));
	sqlite3_finalize(stmt);
	return data;
}
