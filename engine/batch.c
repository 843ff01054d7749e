/* A batch that is no longer needed keeps its arena and its array of events in
 * a small pool, so that a steady stream takes nothing from malloc.
 */
#include "engine/batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"

#define ARENA_BLOCK ((size_t)2 << 20)	/* a full batch of common lines */
#define POOL 16		/* batches kept: about what is in flight */

/* What the header does not show. */
struct kept {
	struct batch batch;
	_Atomic unsigned count;
	size_t	 alerts_cap;
	struct kept *next;	/* in the pool */
	struct event events[BATCH_EVENTS];
};

void (*batch_release)(struct batch *batch);

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct kept *pool;
static unsigned npool;

static struct kept *
kept_of(struct batch *batch)
{
	return (struct kept *)(void *)batch;	/* its first member */
}

static struct kept *
pool_take(void)
{
	struct kept *kept;

	check(pthread_mutex_lock(&pool_mutex) == 0);
	kept = pool;
	if (kept != NULL) {
		pool = kept->next;
		npool--;
	}
	check(pthread_mutex_unlock(&pool_mutex) == 0);
	return kept;
}

static bool
pool_give(struct kept *kept)
{
	bool room;

	check(pthread_mutex_lock(&pool_mutex) == 0);
	room = npool < POOL;
	if (room) {
		kept->next = pool;
		pool = kept;
		npool++;
	}
	check(pthread_mutex_unlock(&pool_mutex) == 0);
	return room;
}

struct batch *
batch_new(uint32_t node, uint64_t seq0)
{
	struct kept *kept = pool_take();
	struct arena *arena;

	if (kept == NULL) {
		kept = xmalloc(sizeof(*kept));
		arena = arena_new(ARENA_BLOCK);
	} else {
		arena = kept->batch.arena;
	}
	kept->batch = (struct batch){ .phase = BATCH_FILLING, .node = node,
	    .seq0 = seq0, .arena = arena, .events = kept->events };
	kept->alerts_cap = 0;
	kept->next = NULL;
	atomic_init(&kept->count, 1);
	return &kept->batch;
}

struct batch *
batch_get(struct batch *batch)
{
	atomic_fetch_add_explicit(&kept_of(batch)->count, 1,
	    memory_order_relaxed);
	return batch;
}

void
batch_put(struct batch *batch)
{
	struct kept *kept = kept_of(batch);

	if (atomic_fetch_sub_explicit(&kept->count, 1,
	    memory_order_acq_rel) != 1)
		return;
	if (batch_release != NULL)
		batch_release(batch);
	arena_reset(batch->arena);
	if (pool_give(kept))
		return;
	arena_free(batch->arena);
	free(kept);
}

bool
batch_full(const struct batch *batch)
{
	return batch->n == BATCH_EVENTS || batch->raw_bytes >= BATCH_BYTES;
}

struct event *
batch_add(struct batch *batch, struct slice raw, struct slice peer,
    int64_t received_ns)
{
	struct event *event;

	check(batch->phase == BATCH_FILLING && !batch_full(batch));
	check(batch->nalerts == 0);
	event = &batch->events[batch->n];
	event_init(event, batch);
	event->raw = arena_dup(batch->arena, raw);
	/* Lines come in runs from the same peer. */
	if (batch->n > 0 && slice_eq(event[-1].peer, peer))
		event->peer = event[-1].peer;
	else
		event->peer = arena_dup(batch->arena, peer);
	event->seq = batch->seq0 + batch->n;
	event->time_ns = event->ingested_ns = received_ns;
	if (batch->n == 0)
		batch->received_ns = received_ns;
	batch->n++;
	batch->raw_bytes += raw.len;
	return event;
}

struct event *
batch_add_alert(struct batch *batch)
{
	struct kept *kept = kept_of(batch);
	struct event *event, **alerts;

	if (batch->nalerts == BATCH_ALERTS)
		return NULL;
	if (batch->nalerts == kept->alerts_cap) {
		kept->alerts_cap = kept->alerts_cap > 0 ?
		    kept->alerts_cap * 2 : 8;
		alerts = arena_alloc(batch->arena,
		    kept->alerts_cap * sizeof(struct event *));
		if (batch->nalerts > 0)
			memcpy(alerts, batch->alerts,
			    batch->nalerts * sizeof(struct event *));
		batch->alerts = alerts;
	}
	event = arena_alloc(batch->arena, sizeof(*event));
	event_init(event, batch);
	event->seq = batch->seq0 + batch->n + batch->nalerts;
	batch->alerts[batch->nalerts++] = event;
	return event;
}

/* Room doubles at each power of two, so it need not be stored. */
void
batch_add_hit(struct batch *batch, size_t i, uint32_t rule)
{
	struct event *event;
	uint32_t *hits;
	size_t room;

	check(batch->phase == BATCH_PARSED && i < batch->n);
	event = &batch->events[i];
	if (event->nhits == 0 || (event->nhits >= 4 &&
	    (event->nhits & (event->nhits - 1)) == 0)) {
		room = event->nhits == 0 ? 4 : (size_t)event->nhits * 2;
		hits = arena_alloc(batch->arena, room * sizeof(*hits));
		if (event->nhits > 0)
			memcpy(hits, event->hits,
			    event->nhits * sizeof(*hits));
		event->hits = hits;
	}
	event->hits[event->nhits++] = rule;
}

struct note *
batch_add_note(struct batch *batch, enum note_kind kind)
{
	struct note *note = arena_zalloc(batch->arena, sizeof(*note));

	note->kind = kind;
	note->next = batch->notes;
	batch->notes = note;
	return note;
}
