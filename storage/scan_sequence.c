/* Events in the order in which they were committed.
 *
 * Chunks of all days are taken by their least sequence. What a chunk holds
 * beyond the least sequence of those that follow must wait for them, so the
 * caller is told with each row how far the past is complete. Days overlap only
 * where events came late; elsewhere a chunk is all that waits.
 */
#include "storage/scan_private.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "storage/op.h"

struct place {
	struct chunk_info info;
	const struct partition_info *partition;
	uint32_t source;
};

struct walk {
	struct scan *scan;
	size_t	 n, cap;
	struct place *places;
	const struct partition_info *in_hand;
};

static void
add_places(struct walk *walk, const struct partition_info *partition)
{
	struct scan *scan = walk->scan;

	for (uint32_t i = 0; i < scan->nchunks; i++) {
		if (scan_skips_chunk(scan, &scan->chunks[i]))
			continue;
		if (walk->n == walk->cap) {
			walk->cap = walk->cap > 0 ? 2 * walk->cap : 256;
			walk->places = xrealloc(walk->places,
			    walk->cap * sizeof(*walk->places));
		}
		walk->places[walk->n++] = (struct place){ scan->chunks[i],
		    partition, i };
	}
}

static int
by_sequence(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->info.seq0 > y->info.seq0) - (x->info.seq0 < y->info.seq0);
}

/* The partition of the place, opened if it is another than before. */
static bool
take_in_hand(struct walk *walk, const struct partition_info *partition,
    struct err *err)
{
	if (walk->in_hand == partition)
		return true;
	if (walk->in_hand != NULL)
		scan_close(walk->scan);
	walk->in_hand = NULL;
	if (!scan_open(walk->scan, partition, err))
		return false;
	walk->in_hand = partition;
	return true;
}

/* The chunk may have gone into another since its place was noted: by its
 * sequences it is found again. */
static const struct chunk_info *
find_chunk(struct scan *scan, const struct place *place, uint32_t *source)
{
	for (uint32_t i = 0; i < scan->nchunks; i++)
		if (scan->chunks[i].seq0 <= place->info.seq0 &&
		    scan->chunks[i].seq1 >= place->info.seq1) {
			*source = i;
			return &scan->chunks[i];
		}
	return NULL;
}

static bool
give_rows(struct scan *scan, struct chunk *chunk, const struct bits *found,
    const struct place *place, struct err *err)
{
	const uint64_t *seqs = chunk_seqs(chunk, err);
	uint32_t n = chunk_rows(chunk), made = 0;
	struct row row;

	if (seqs == NULL)
		return false;
	arena_reset(scan->arena);
	for (uint32_t r = 0; r < n && !scan->enough; r++) {
		if ((found->state == BITS_SOME &&
		    !bit_is_set(found->words, r)) ||
		    seqs[r] < place->info.seq0 || seqs[r] > place->info.seq1)
			continue;
		if (!scan_row_of_chunk(scan, chunk, r, &row, err))
			return false;
		scan->result->matched++;
		scan_push(scan, &row);
		scan->missing += scan->unmade;
		scan->unmade = false;
		if (++made % 64 == 0)
			arena_reset(scan->arena);
	}
	return true;
}

static void
one_place(struct walk *walk, const struct place *place)
{
	struct scan *scan = walk->scan;
	uint64_t before = scan_store_lost(scan);
	struct err err = { ERR_NONE, "" };
	const struct chunk_info *info = NULL;
	struct bits found = { BITS_BROKEN, NULL };
	struct chunk *chunk = NULL;
	uint32_t source = 0;

	for (int i = 0; i < RESTARTS && found.state == BITS_BROKEN; i++) {
		if (!take_in_hand(walk, place->partition, &err))
			break;
		info = find_chunk(scan, place, &source);
		chunk = info == NULL ? NULL
		    : scan_chunk_at(scan, source, &err);
		if (chunk != NULL)
			found = scan_find_rows(scan, chunk, info, &err);
		if (found.state != BITS_BROKEN ||
		    !partition_stale(scan->partition))
			break;
		scan_close(scan);
		walk->in_hand = NULL;
	}
	if (found.state == BITS_BROKEN || (found.state != BITS_NONE &&
	    !give_rows(scan, chunk, &found, place, &err)))
		scan_give_up(scan, place->info.n, before, &err);
	if (walk->in_hand != NULL && chunk != NULL)
		scan_close_chunk(scan, source);
	scan_progress(scan, place->info.n);
}

/* Chunks that were made while we read, of what was a tail when the partition
 * was listed. */
static void
new_chunks_of(struct walk *walk, const struct partition_info *info)
{
	struct scan *scan = walk->scan;
	struct place *fresh;
	uint64_t last = 0;
	size_t n = 0;

	for (size_t i = 0; i < walk->n; i++)
		if (walk->places[i].partition == info &&
		    walk->places[i].info.seq1 > last)
			last = walk->places[i].info.seq1;
	fresh = xcalloc(scan->nchunks + 1, sizeof(*fresh));
	for (uint32_t i = 0; i < scan->nchunks; i++)
		if (!scan_skips_chunk(scan, &scan->chunks[i]) &&
		    (last == 0 || scan->chunks[i].seq0 > last))
			fresh[n++] = (struct place){ scan->chunks[i], info,
			    i };
	for (size_t i = 0; i < n && !scan->enough; i++)
		one_place(walk, &fresh[i]);
	free(fresh);
}

static int
event_order(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Tails come last: what is in them has no chunk yet. */
static void
tail_of(struct walk *walk, const struct partition_info *info)
{
	struct scan *scan = walk->scan;
	struct err err = { ERR_NONE, "" };
	size_t n;

	if (!take_in_hand(walk, info, &err))
		return;
	new_chunks_of(walk, info);
	if (!take_in_hand(walk, info, &err))
		return;
	n = partition_tail_count(scan->partition);
	for (size_t i = 0; i < n && !scan->enough; i++) {
		uint64_t before = scan_store_lost(scan);
		struct event *events;
		struct row row;
		size_t nevents;

		arena_reset(scan->arena);
		events = partition_tail(scan->partition, i, scan->arena,
		    &nevents, &err);
		if (events == NULL) {
			if (err.kind != ERR_NONE)
				scan_give_up(scan, 0, before, &err);
			continue;
		}
		if (nevents > 1)
			qsort(events, nevents, sizeof(*events), event_order);
		for (size_t k = 0; k < nevents && !scan->enough; k++) {
			if (scan_out_of_time(scan, events[k].time_ns,
			    events[k].time_ns) ||
			    !plan_event_holds(scan->plan, &events[k]))
				continue;
			scan->result->matched++;
			scan_row_of_event(scan, &events[k], &row);
			scan_push(scan, &row);
		}
		scan_progress(scan, nevents);
	}
}

static void
walk_all(struct walk *walk, const struct partition_info *infos, size_t n,
    void (*complete)(void *user, uint64_t seq))
{
	struct scan *scan = walk->scan;
	void *user = scan->request->user;
	struct err err = { ERR_NONE, "" };

	for (size_t i = 0; i < n; i++) {
		uint64_t before = scan_store_lost(scan);

		scan->total += infos[i].events;
		if (take_in_hand(walk, &infos[i], &err))
			add_places(walk, &infos[i]);
		else
			scan_give_up(scan, infos[i].events, before, &err);
	}
	if (walk->n > 1)
		qsort(walk->places, walk->n, sizeof(*walk->places),
		    by_sequence);
	for (size_t i = 0; i < walk->n && !scan->enough; i++) {
		complete(user, walk->places[i].info.seq0);
		one_place(walk, &walk->places[i]);
	}
	for (size_t i = 0; i < n && !scan->enough; i++)
		tail_of(walk, &infos[i]);
	complete(user, UINT64_MAX);
	if (walk->in_hand != NULL)
		scan_close(scan);
	free(walk->places);
}

int
scan_sequence(const struct scan_request *request,
    void (*complete)(void *user, uint64_t seq), struct scan_result *result,
    struct err *err)
{
	struct scan scan;
	struct walk walk = { .scan = &scan };
	struct partition_info *infos;
	size_t n;

	scan_begin(&scan, request, result);
	scan.node = store_node(request->store);
	scan.ordered = true;	/* nothing goes out twice: see one_place */
	err_clear(err);
	infos = scan_partitions(request->store, request->from_ns,
	    request->to_ns, &n, err);
	scan.damage = *err;
	err_clear(err);
	walk_all(&walk, infos, n, complete);
	op_end(scan.first, &scan.run);
	scan_tell(&scan);
	free(infos);
	scan_finish(&scan);
	return 0;
}
