/* Rows newest first: all of what overlaps in time is looked at before the
 * first row goes out. */
#include "storage/scan_private.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "storage/op.h"

static void
add_ref(struct scan *scan, int64_t time_ns, uint64_t seq, uint32_t source,
    uint32_t row)
{
	if (seq <= scan->request->after_seq && scan->request->after_seq > 0)
		return;
	/* Started again: what went out is what is newer than the last. */
	if (scan->any_out && (time_ns > scan->out_time_ns ||
	    (time_ns == scan->out_time_ns && seq >= scan->out_seq)))
		return;
	if (scan->nrefs == scan->refs_cap) {
		scan->refs_cap = scan->refs_cap == 0 ? 4096
		    : 2 * scan->refs_cap;
		scan->refs = xrealloc(scan->refs,
		    scan->refs_cap * sizeof(*scan->refs));
	}
	scan->refs[scan->nrefs++] = (struct ref){ time_ns, seq, source, row };
}

/* Oldest first, so that the newest are taken off the end. */
static int
by_time(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int
by_place(const void *a, const void *b)
{
	const struct ref *x = *(const struct ref *const *)a;
	const struct ref *y = *(const struct ref *const *)b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static bool
row_at(struct scan *scan, const struct ref *ref, struct event **batch,
    uint32_t *batch_at, size_t *nbatch, struct row *row, struct err *err)
{
	struct chunk *chunk;

	if (ref->source != TAIL_SOURCE) {
		chunk = scan_chunk_at(scan, ref->source, err);
		return chunk != NULL &&
		    scan_row_of_chunk(scan, chunk, ref->row, row, err);
	}
	if (*batch == NULL || *batch_at != ref->row >> 12) {
		*batch_at = ref->row >> 12;
		*batch = partition_tail(scan->partition, *batch_at,
		    scan->arena, nbatch, err);
	}
	if (*batch == NULL || (ref->row & 4095) >= *nbatch)
		return false;
	scan_row_of_event(scan, &(*batch)[ref->row & 4095], row);
	return true;
}

/* Makes the n refs in the order of their places, because pages and batches are
 * then read once, and hands them on in the order of time. Cells borrow from
 * their chunk, so a block touches at most OPEN_CHUNKS of them. */
static enum scan_outcome
out_block(struct scan *scan, size_t n)
{
	const struct ref *from = scan->refs + scan->nrefs - n;
	const struct ref *places[BLOCK_ROWS];
	struct row *rows;
	bool *made;
	struct event *batch = NULL;
	uint32_t batch_at = 0;
	size_t nbatch = 0;

	arena_reset(scan->arena);
	rows = arena_alloc(scan->arena, n * sizeof(*rows));
	made = arena_zalloc(scan->arena, n * sizeof(*made));
	for (size_t i = 0; i < n; i++)
		places[i] = &from[i];
	qsort(places, n, sizeof(places[0]), by_place);
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)(places[i] - from);
		uint64_t before = scan_store_lost(scan);
		struct err err = { ERR_NONE, "" };

		made[at] = row_at(scan, places[i], &batch, &batch_at, &nbatch,
		    &rows[at], &err);
		if (made[at])
			continue;
		if (partition_stale(scan->partition))
			return SCAN_STALE;
		scan_give_up(scan, 1, before, &err);
	}
	for (size_t i = n; i-- > 0 && !scan->enough;) {
		uint64_t before = scan_store_lost(scan);

		if (!made[i])
			continue;
		scan->unmade = false;
		scan_push(scan, &rows[i]);
		if (scan->unmade && partition_stale(scan->partition))
			return SCAN_STALE;
		/* The store counts a chunk that does not check as a whole. */
		if (scan->unmade && before == 0)
			scan_give_up(scan, 1, before, &scan->damage);
		scan->any_out = true;
		scan->out_time_ns = from[i].time_ns;
		scan->out_seq = from[i].seq;
	}
	return SCAN_DONE;
}

/* How many of the last refs make a block. */
static size_t
block_of(struct scan *scan, size_t ready)
{
	uint32_t sources[OPEN_CHUNKS];
	size_t n = 0, nsources = 0;

	while (n < ready && n < scan->block) {
		uint32_t source = scan->refs[scan->nrefs - 1 - n].source;
		size_t s = 0;

		while (s < nsources && sources[s] != source)
			s++;
		if (s == OPEN_CHUNKS)
			break;
		if (s == nsources)
			sources[nsources++] = source;
		n++;
	}
	return n;
}

/* Hands on what is newer than everything still to come. */
static enum scan_outcome
flush(struct scan *scan, int64_t newer_than_ns)
{
	if (scan->nrefs == 0)
		return SCAN_DONE;
	qsort(scan->refs, scan->nrefs, sizeof(*scan->refs), by_time);
	while (scan->nrefs > 0 && !scan->enough) {
		size_t ready = 0, n;

		while (ready < scan->nrefs && ready < BLOCK_ROWS &&
		    (newer_than_ns == INT64_MIN ||
		    scan->refs[scan->nrefs - 1 - ready].time_ns >
		    newer_than_ns))
			ready++;
		n = block_of(scan, ready);
		if (n == 0)
			break;
		if (out_block(scan, n) == SCAN_STALE)
			return SCAN_STALE;
		scan->nrefs -= n;
		if (scan->block < BLOCK_ROWS)
			scan->block *= 2;
	}
	return SCAN_DONE;
}

static enum scan_outcome
ref_chunk(struct scan *scan, uint32_t source)
{
	const struct chunk_info *info = &scan->chunks[source];
	uint64_t before = scan_store_lost(scan);
	struct err err = { ERR_NONE, "" };
	struct chunk *chunk = scan_chunk_at(scan, source, &err);
	struct bits found = { BITS_BROKEN, NULL };
	const int64_t *times = NULL;
	const uint64_t *seqs = NULL;

	if (chunk != NULL)
		found = scan_find_rows(scan, chunk, info, &err);
	if (found.state == BITS_SOME || found.state == BITS_ALL) {
		times = chunk_times(chunk, &err);
		seqs = times == NULL ? NULL : chunk_seqs(chunk, &err);
		if (seqs == NULL)
			found.state = BITS_BROKEN;
	}
	if (found.state == BITS_BROKEN) {
		if (partition_stale(scan->partition))
			return SCAN_STALE;
		scan_give_up(scan, info->n, before, &err);
		scan_close_chunk(scan, source);
	} else if (found.state == BITS_NONE) {
		scan_close_chunk(scan, source);
	} else {
		for (uint32_t r = 0; r < info->n; r++)
			if (found.state == BITS_ALL ||
			    bit_is_set(found.words, r))
				add_ref(scan, times[r], seqs[r], source, r);
	}
	scan_progress(scan, info->n);
	return SCAN_DONE;
}

static void
ref_tail(struct scan *scan)
{
	size_t n = partition_tail_count(scan->partition);

	for (size_t i = 0; i < n; i++) {
		uint64_t before = scan_store_lost(scan);
		struct err err = { ERR_NONE, "" };
		struct event *events;
		size_t nevents;

		arena_reset(scan->arena);
		events = partition_tail(scan->partition, i, scan->arena,
		    &nevents, &err);
		if (events == NULL) {
			if (err.kind != ERR_NONE)
				scan_give_up(scan, 0, before, &err);
			continue;
		}
		for (size_t k = 0; k < nevents && k < 4096; k++) {
			scan_saw_seq(scan, events[k].seq);
			if (!scan_out_of_time(scan, events[k].time_ns,
			    events[k].time_ns) &&
			    plan_event_holds(scan->plan, &events[k]))
				add_ref(scan, events[k].time_ns,
				    events[k].seq, TAIL_SOURCE,
				    (uint32_t)(i << 12 | k));
		}
		scan_progress(scan, nevents);
	}
}

static int
by_t_max(const void *a, const void *b, void *chunks)
{
	const struct chunk_info *x = &((const struct chunk_info *)chunks)
	    [*(const uint32_t *)a];
	const struct chunk_info *y = &((const struct chunk_info *)chunks)
	    [*(const uint32_t *)b];

	return (x->t_max < y->t_max) - (x->t_max > y->t_max);
}

enum scan_outcome
scan_ordered_partition(struct scan *scan)
{
	uint32_t *order = xmalloc((scan->nchunks + 1) * sizeof(*order));
	enum scan_outcome outcome = SCAN_DONE;
	size_t n = 0;

	scan->nrefs = 0;
	for (uint32_t i = 0; i < scan->nchunks; i++) {
		scan_saw_seq(scan, scan->chunks[i].seq1);
		if (!scan_skips_chunk(scan, &scan->chunks[i]))
			order[n++] = i;
	}
	if (n > 1)
		qsort_r(order, n, sizeof(*order), by_t_max,
		    (void *)(uintptr_t)scan->chunks);
	ref_tail(scan);
	for (size_t i = 0; i < n && outcome == SCAN_DONE && !scan->enough; i++) {
		outcome = flush(scan, scan->chunks[order[i]].t_max);
		if (outcome == SCAN_DONE && !scan->enough)
			outcome = ref_chunk(scan, order[i]);
	}
	if (outcome == SCAN_DONE && !scan->enough)
		outcome = flush(scan, INT64_MIN);
	free(order);
	return outcome;
}

