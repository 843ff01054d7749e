/* storage/ledger.h -- what live.db keeps besides events.
 *
 *	run(alert PRIMARY KEY, rule, first_ns, last_ns, count, data)
 *	request(key PRIMARY KEY, at_ns, answer)
 *	position(path PRIMARY KEY, data)
 *	checkpoint(part PRIMARY KEY, data)
 *	outbox(id INTEGER PRIMARY KEY, output, alert, tries, next_ns)
 *
 * `data` of a run is the list of contributing events: pairs of sequence and
 * time, 8 bytes each, little-endian, see run_events(). Rows come from the
 * notes of batches, so that they commit together with what they speak of.
 */
#ifndef YAGURA_STORAGE_LEDGER_H
#define YAGURA_STORAGE_LEDGER_H

#include "engine/slice.h"

struct arena;
struct err;
struct event;
struct store;

#define RUN_EVENTS 10000	/* ids kept in full; then first and last 1000 */

struct run {
	struct slice alert;	/* event.id of the alert */
	int64_t	 first_ns, last_ns;
	uint64_t count;		/* contributing events */
	size_t	 n;		/* listed */
	const uint64_t *seqs;
	const int64_t *times_ns;
};

/* The run of an alert; false if there is none. Lives in the arena. */
bool ledger_run(struct store *store, struct slice alert, struct arena *arena,
    struct run *out);

/* The data of a checkpoint as it was committed last; empty if there is none.
 * Lives in the arena. */
struct slice ledger_checkpoint(struct store *store, struct slice part,
    struct arena *arena);

/* Packs and unpacks `data`. */
struct slice run_pack(struct arena *arena, const uint64_t *seqs,
    const int64_t *times_ns, size_t n);

/* The stored event with this sequence and time; false if it is gone (retention)
 * or damaged (*err set). In the arena. */
bool store_event(struct store *store, uint64_t seq, int64_t time_ns,
    struct arena *arena, struct event *out, struct err *err);

#endif
