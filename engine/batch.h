/* engine/batch.h -- up to 1024 events that travel together.
 *
 * The unit of passing on, of memory and of writing. Its phase is the
 * permission: values are set while FILLING, hits are added while PARSED, and
 * once MATCHED it is const for all and shared by count.
 *
 *	FILLING -> PARSED -> MATCHED
 *
 * Alerts that the correlator raises on a batch are events of the same batch,
 * behind the received ones: `n` counts the received, `nalerts` the alerts.
 * Records joined of lines stand with them, before any alert (`njoined`).
 * The received stand in one array, `events`, that never moves; alerts stand
 * each on its own. batch_event(batch, i) gives both, i < n + nalerts.
 *
 * Sequence: boot (15 bits), batch number (36), place in the batch (12). It
 * rises in the order in which batches were formed, whatever thread works on
 * them, and leaves room for the alerts.
 */
#ifndef YAGURA_ENGINE_BATCH_H
#define YAGURA_ENGINE_BATCH_H

#include "engine/event.h"

struct arena;

#define BATCH_EVENTS 1024	/* received lines in a batch */
#define BATCH_ALERTS 3072	/* alerts and joined records: 4096 places in all */
#define BATCH_BYTES (4u << 20)	/* raw bytes that close a batch early */

enum batch_phase { BATCH_FILLING, BATCH_PARSED, BATCH_MATCHED };

/* What commits together with the batch, besides its events. */
enum note_kind {
	NOTE_RUN,		/* state of an alert's run, key = alert id */
	NOTE_REQUEST,		/* an Idempotency-Key, key = key, data = answer */
	NOTE_POSITION,		/* read position of a file, key = path */
	NOTE_CHECKPOINT,	/* state of the correlator, key = part */
};

struct note {
	struct note *next;
	enum note_kind kind;
	struct slice key, data;	/* in the arena */
	int64_t	 first_ns, last_ns;	/* NOTE_RUN: of the contributing events */
	uint64_t count;			/* NOTE_RUN: contributing events */
};

struct batch {
	enum batch_phase phase;
	bool	 commit_with_next;	/* same request: one transaction */
	bool	 last;		/* of its streams: what is open ends */
	uint32_t node;		/* of event.id */
	uint64_t seq0;		/* sequence of events[0]; rises by 1 */
	int64_t	 received_ns;	/* arrival of the first line */
	int64_t	 formed_ns;	/* clock of the loop; 0: nobody's */
	size_t	 n, nalerts;
	size_t	 njoined;	/* of the alerts the first: joined records */
	size_t	 raw_bytes;	/* of the n received lines */
	struct arena *arena;
	struct event *events;	/* the n received; never moves */
	struct event **alerts;	/* the nalerts others; events stay in place */
	const void *ruleset;	/* borrowed by count; see match_stage */
	void	*loaded;	/* what values may point into besides the
				 * arena (texts of definitions, of lists), by
				 * count; put by batch_release */
	struct note *notes;	/* last written first */
};

/* A FILLING batch, counted once; owned. */
struct batch *batch_new(uint32_t node, uint64_t seq0);

/* Counted: the last put frees. batch_get returns its argument. Any thread. */
struct batch *batch_get(struct batch *batch);
void batch_put(struct batch *batch);

/* Ends early what a batch holds besides memory; called by the last put. Set
 * once at start by whoever keeps `ruleset`; may be NULL. */
extern void (*batch_release)(struct batch *batch);

bool batch_full(const struct batch *batch);

/* The event at place i of n + nalerts; valid until the batch is gone. */
static inline struct event *
batch_event(const struct batch *batch, size_t i)
{
	return i < batch->n ? &batch->events[i] : batch->alerts[i - batch->n];
}

/* The next event with a copy of the line in the arena. Only while FILLING and
 * not full. The event is valid until the batch is gone. */
struct event *batch_add(struct batch *batch, struct slice raw,
    struct slice peer, int64_t received_ns);

/* The next alert or joined record: empty, with sequence; NULL when all places
 * are taken. Pointers to other events of the batch stay valid. No more lines
 * can be added after the first. */
struct event *batch_add_alert(struct batch *batch);

/* Adds a rule to the hits of events[i]. Only while PARSED. */
void batch_add_hit(struct batch *batch, size_t i, uint32_t rule);

/* A cleared note in the arena, already linked. */
struct note *batch_add_note(struct batch *batch, enum note_kind kind);

#endif
