/* Rows as they lie. */
#include "storage/scan_private.h"

#include "engine/arena.h"
#include "engine/event.h"
#include "storage/op.h"

/* A chunk failed in the middle: the rows that went out must not come again if
 * it only was taken away and its partition is started again. */
static void
mark_pushed(struct scan *scan, struct chunk *chunk, const struct bits *found,
    uint32_t rows)
{
	struct err ignored = { ERR_NONE, "" };
	const uint64_t *seqs = chunk_seqs(chunk, &ignored);

	for (uint32_t r = 0; seqs != NULL && r < rows; r++)
		if (found->state == BITS_ALL || bit_is_set(found->words, r))
			scan_mark_done(scan, seqs[r], seqs[r]);
}

static bool
push_rows(struct scan *scan, struct chunk *chunk, const struct bits *found,
    struct err *err)
{
	uint32_t n = chunk_rows(chunk), made = 0;
	struct row row;

	arena_reset(scan->arena);
	for (uint32_t r = 0; r < n && !scan->enough; r++) {
		if (found->state == BITS_SOME && !bit_is_set(found->words, r))
			continue;
		if (!scan_row_of_chunk(scan, chunk, r, &row, err)) {
			mark_pushed(scan, chunk, found, r);
			return false;
		}
		scan_push(scan, &row);
		scan->missing += scan->unmade;
		scan->unmade = false;
		if (++made % BLOCK_ROWS == 0)
			arena_reset(scan->arena);
	}
	return true;
}

static enum scan_outcome
any_chunk(struct scan *scan, uint32_t source)
{
	const struct chunk_info *info = &scan->chunks[source];
	uint64_t before = scan_store_lost(scan);
	struct err err = { ERR_NONE, "" };
	struct chunk *chunk = scan_chunk_at(scan, source, &err);
	struct bits found = { BITS_BROKEN, NULL };
	struct chunk_view view;
	bool ok = false;

	if (chunk != NULL)
		found = scan_find_rows(scan, chunk, info, &err);
	if (found.state == BITS_NONE)
		ok = true;
	else if (found.state != BITS_BROKEN) {
		view = (struct chunk_view){ .chunk = chunk,
		    .rows = chunk_rows(chunk),
		    .all = found.state == BITS_ALL, .bits = found.words,
		    .t_min = info->t_min, .t_max = info->t_max,
		    .err = &err };
		view.count = view.all ? view.rows : bits_count(found.words,
		    (view.rows + 63) / 64);
		scan->result->matched += view.count;
		ok = (scan->first->class->chunk != NULL &&
		    scan->first->class->chunk(scan->first, &view,
		    &scan->run)) || (err.kind == ERR_NONE &&
		    push_rows(scan, chunk, &found, &err));
	}
	scan_close_chunk(scan, source);
	if (!ok && partition_stale(scan->partition))
		return SCAN_STALE;
	if (!ok)
		scan_give_up(scan, info->n, before, &err);
	scan_mark_done(scan, info->seq0, info->seq1);
	scan_progress(scan, info->n);
	return SCAN_DONE;
}

static void
any_tail(struct scan *scan)
{
	size_t n = partition_tail_count(scan->partition);

	for (size_t i = 0; i < n && !scan->enough; i++) {
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
		for (size_t k = 0; k < nevents && !scan->enough; k++) {
			struct row row;

			if (scan_out_of_time(scan, events[k].time_ns,
			    events[k].time_ns) ||
			    scan_is_done(scan, events[k].seq) ||
			    !plan_event_holds(scan->plan, &events[k]))
				continue;
			scan->result->matched++;
			scan_row_of_event(scan, &events[k], &row);
			scan_push(scan, &row);
		}
		scan_progress(scan, nevents);
	}
}

enum scan_outcome
scan_any_partition(struct scan *scan)
{
	for (uint32_t i = 0; i < scan->nchunks && !scan->enough; i++) {
		scan_saw_seq(scan, scan->chunks[i].seq1);
		if (scan_skips_chunk(scan, &scan->chunks[i]))
			continue;
		if (any_chunk(scan, i) == SCAN_STALE)
			return SCAN_STALE;
	}
	any_tail(scan);
	return SCAN_DONE;
}

