/* tools/daemon_replay.c -- windows as they were before the last end.
 *
 * Correlations look at detections only, and what a detection found is stored
 * with its event. So a start takes the correlator's last checkpoint from the
 * ledger, reads back the events that have hits and came after it, and gives
 * them to the correlator in the order in which they were committed. Nothing is
 * raised twice: an alert is committed with the event that raised it.
 *
 * Without a checkpoint that reads, events are read back as far as the longest
 * timespan reaches.
 */
#include "tools/daemon_stages.h"

#include "correlation/checkpoint.h"
#include "correlation/ruleset.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/log.h"
#include "storage/chunk.h"
#include "storage/ledger.h"
#include "storage/store.h"
#include "tools/daemon_load.h"

#include <stdlib.h>

/* What a start may read back: more memory than this would take is better
 * spent on taking lines. Windows then begin anew for the oldest. */
#define REPLAY_EVENTS 1000000
#define REPLAY_BYTES ((size_t)512 << 20)

struct replay {
	struct store *store;
	struct arena *arena;
	int64_t	 from_ns;
	uint64_t after;		/* sequence of the checkpoint; 0: none */
	struct event *events;
	size_t	 n, cap;
	bool	 capped;
	struct err *err;
};

static void
keep(struct replay *replay, const struct event *event)
{
	if (event->time_ns < replay->from_ns || event->seq <= replay->after ||
	    event_get(event, FIELD_YAGURA_HITS) == NULL)
		return;
	if (replay->n == REPLAY_EVENTS ||
	    arena_bytes(replay->arena) > REPLAY_BYTES) {
		replay->capped = true;
		return;
	}
	if (replay->n == replay->cap) {
		replay->cap = replay->cap > 0 ? replay->cap * 2 : 1024;
		replay->events = xrealloc(replay->events,
		    replay->cap * sizeof(*replay->events));
	}
	replay->events[replay->n++] = *event;
}

static bool
shape_has_hits(const struct shape *shape)
{
	for (uint16_t i = 0; i < shape->n; i++)
		if (shape->fields[i] == FIELD_YAGURA_HITS)
			return true;
	return false;
}

static void
read_shape(struct replay *replay, struct chunk *chunk,
    const struct shape *shape, const int64_t *times)
{
	if (!shape_has_hits(shape))
		return;
	for (uint32_t row = shape->row0; row < shape->row0 + shape->rows;
	    row++) {
		struct event event;

		if (times[row] >= replay->from_ns && !replay->capped &&
		    chunk_event(chunk, row, replay->arena, &event,
		    replay->err))
			keep(replay, &event);
	}
}

static void
read_chunk(struct replay *replay, struct partition *partition,
    const struct chunk_info *info)
{
	struct chunk *chunk;
	const struct shape *shapes;
	const int64_t *times;
	size_t n;

	if (info->t_max < replay->from_ns || info->seq1 <= replay->after)
		return;
	chunk = chunk_open(partition, info, replay->err);
	if (chunk == NULL)
		return;
	times = chunk_times(chunk, replay->err);
	n = chunk_shapes(chunk, &shapes);
	for (size_t i = 0; times != NULL && i < n; i++)
		read_shape(replay, chunk, &shapes[i], times);
	chunk_close(chunk);
}

static void
read_partition(struct replay *replay, const struct partition_info *info)
{
	struct partition *partition = partition_open(replay->store, info,
	    replay->err);
	const struct chunk_info *chunks;
	size_t n;

	if (partition == NULL)
		return;
	/* Newest first, should we be capped: the tail, then the chunks. */
	n = partition_tail_count(partition);
	for (size_t i = n; i > 0 && !replay->capped; i--) {
		size_t nevents;
		struct event *events = partition_tail(partition, i - 1,
		    replay->arena, &nevents, replay->err);

		for (size_t k = 0; events != NULL && k < nevents; k++)
			keep(replay, &events[k]);
	}
	n = partition_chunks(partition, &chunks);
	for (size_t i = n; i > 0 && !replay->capped; i--)
		read_chunk(replay, partition, &chunks[i - 1]);
	partition_close(partition);
}

static int
by_sequence(const void *a, const void *b)
{
	const struct event *left = a, *right = b;

	return (left->seq > right->seq) - (left->seq < right->seq);
}

static void
give(struct replay *replay, struct stages *stages)
{
	struct loaded *loaded = stages_loaded(stages);

	if (replay->n > 0)
		qsort(replay->events, replay->n, sizeof(*replay->events),
		    by_sequence);
	for (size_t at = 0; at < replay->n; at += BATCH_EVENTS) {
		struct batch *batch = batch_new(stages_node(stages), 0);
		struct event *own = batch->events;
		size_t n = replay->n - at < BATCH_EVENTS ? replay->n - at :
		    BATCH_EVENTS;

		for (size_t i = 0; i < n; i++)
			replay->events[at + i].batch = batch;
		batch->events = replay->events + at;
		batch->n = n;
		batch->phase = BATCH_MATCHED;
		correlator_replay(stages_correlator(stages), loaded->rules,
		    batch);
		batch->events = own;
		batch->n = 0;
		batch_put(batch);
	}
	loaded_put(loaded);
}

/* The newest event's time, not the clock's: a replayed month is as good as
 * last night. */
static int64_t
newest(struct store *store, struct err *err)
{
	const struct partition_info *infos;
	size_t n = store_partitions(store, INT64_MIN, INT64_MAX, true, &infos,
	    err);
	int64_t t_max = INT64_MIN;

	for (size_t i = 0; i < n; i++)
		if (infos[i].t_max > t_max)
			t_max = infos[i].t_max;
	return t_max;
}

static int64_t
reach(struct stages *stages)
{
	struct loaded *loaded = stages_loaded(stages);
	int64_t reach_ns = ruleset_reach_ns(loaded->rules);

	loaded_put(loaded);
	return reach_ns;
}

/* False: there is none, or none that reads. */
static bool
take_checkpoint(struct replay *replay, struct stages *stages)
{
	struct loaded *loaded = stages_loaded(stages);
	struct arena *arena = arena_new(0);
	struct slice data = ledger_checkpoint(replay->store,
	    SLICE(CHECKPOINT_PART), arena);
	struct err err = { 0 };
	bool good = data.len > 0 && checkpoint_read(stages_correlator(stages),
	    loaded->rules, data, &replay->after, &err);

	if (err.kind != ERR_NONE)
		log_warn("windows: %s; they are rebuilt from stored events",
		    err.text);
	arena_free(arena);
	loaded_put(loaded);
	return good;
}

uint64_t
stages_replay(struct stages *stages, struct err *err)
{
	struct replay replay = { .err = err };
	const struct partition_info *infos;
	int64_t t_max, reach_ns = reach(stages);
	size_t n;

	replay.store = store_open(stages_conf(stages)->data, err);
	if (replay.store == NULL)
		return 0;
	t_max = newest(replay.store, err);
	replay.from_ns = take_checkpoint(&replay, stages) ||
	    t_max < INT64_MIN + reach_ns ? INT64_MIN : t_max - reach_ns;
	replay.arena = arena_new(0);
	n = store_partitions(replay.store, replay.from_ns, INT64_MAX, true,
	    &infos, err);
	for (size_t i = 0; t_max != INT64_MIN && i < n; i++)
		read_partition(&replay, &infos[i]);
	give(&replay, stages);
	stages_keep_state(stages);
	if (replay.capped)
		log_warn("windows: only the newest %zu of the stored events "
		    "with hits were read back", replay.n);
	store_close(replay.store);
	arena_free(replay.arena);
	free(replay.events);
	return replay.n;
}
