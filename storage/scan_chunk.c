/* A chunk of the partition in hand: opened, asked, left out. */
#include "storage/scan_private.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"

bool
scan_open(struct scan *scan, const struct partition_info *info,
    struct err *err)
{
	scan->partition = partition_open(scan->request->store, info, err);
	if (scan->partition == NULL)
		return false;
	scan->nchunks = partition_chunks(scan->partition, &scan->chunks);
	scan->open = xcalloc(scan->nchunks + 1, sizeof(*scan->open));
	scan->nopen = 0;
	return true;
}

void
scan_close(struct scan *scan)
{
	for (uint32_t i = 0; i < scan->nchunks; i++)
		scan_close_chunk(scan, i);
	free(scan->open);
	partition_close(scan->partition);
	scan->partition = NULL;
}

struct chunk *
scan_chunk_at(struct scan *scan, uint32_t source, struct err *err)
{
	struct open_chunk *open = &scan->open[source];

	if (open->chunk != NULL) {
		open->used = ++scan->clock;
		return open->chunk;
	}
	if (scan->nopen >= OPEN_CHUNKS) {
		struct open_chunk *oldest = NULL;

		for (size_t i = 0; i < scan->nchunks; i++)
			if (scan->open[i].chunk != NULL && (oldest == NULL ||
			    scan->open[i].used < oldest->used))
				oldest = &scan->open[i];
		chunk_close(oldest->chunk);
		oldest->chunk = NULL;
		scan->nopen--;
	}
	open->chunk = chunk_open(scan->partition, &scan->chunks[source], err);
	if (open->chunk == NULL)
		return NULL;
	open->used = ++scan->clock;
	scan->nopen++;
	return open->chunk;
}

void
scan_close_chunk(struct scan *scan, uint32_t source)
{
	if (scan->open[source].chunk == NULL)
		return;
	chunk_close(scan->open[source].chunk);
	scan->open[source].chunk = NULL;
	scan->nopen--;
}

bool
scan_is_done(const struct scan *scan, uint64_t seq)
{
	for (size_t i = 0; i < scan->ndone; i++)
		if (seq >= scan->done[i].seq0 && seq <= scan->done[i].seq1)
			return true;
	return false;
}

void
scan_mark_done(struct scan *scan, uint64_t seq0, uint64_t seq1)
{
	if (scan->ndone == scan->done_cap) {
		scan->done_cap = scan->done_cap == 0 ? 16
		    : 2 * scan->done_cap;
		scan->done = xrealloc(scan->done,
		    scan->done_cap * sizeof(*scan->done));
	}
	scan->done[scan->ndone++] = (struct range){ seq0, seq1 };
}

static bool
overlaps_done(const struct scan *scan, const struct chunk_info *info)
{
	for (size_t i = 0; i < scan->ndone; i++)
		if (info->seq0 <= scan->done[i].seq1 &&
		    info->seq1 >= scan->done[i].seq0)
			return true;
	return false;
}

/* Clears the bits of rows that went out before the partition was started
 * again. */
static bool
drop_done(struct scan *scan, struct bits_scan *bits, struct bits *found)
{
	const uint64_t *seqs;
	uint64_t *words;

	if (scan->ordered || found->state == BITS_NONE ||
	    !overlaps_done(scan, bits->info))
		return true;
	seqs = chunk_seqs(bits->chunk, bits->err);
	if (seqs == NULL)
		return false;
	words = arena_zalloc(scan->bits, bits->nwords * sizeof(*words));
	for (uint32_t r = 0; r < bits->rows; r++)
		if ((found->state == BITS_ALL ||
		    bit_is_set(found->words, r)) && !scan_is_done(scan, seqs[r]))
			words[r >> 6] |= UINT64_C(1) << (r & 63);
	*found = (struct bits){ BITS_SOME, words };
	return true;
}

struct bits
scan_find_rows(struct scan *scan, struct chunk *chunk,
    const struct chunk_info *info, struct err *err)
{
	struct bits_scan bits = { .plan = scan->plan, .chunk = chunk,
	    .info = info, .node = scan->node, .arena = scan->bits,
	    .err = err, .rows = chunk_rows(chunk) };
	struct bits in_time = { BITS_ALL, NULL }, found;

	arena_reset(scan->bits);
	bits.nwords = (bits.rows + 63) / 64;
	if (info->t_min < scan->request->from_ns ||
	    info->t_max > scan->request->to_ns)
		in_time = bits_times(&bits, scan->request->from_ns,
		    scan->request->to_ns);
	if (in_time.state == BITS_NONE || in_time.state == BITS_BROKEN)
		return in_time;
	found = bits_plan(&bits, in_time.words);
	if (found.state == BITS_ALL && in_time.state == BITS_SOME)
		found = in_time;
	if (found.state != BITS_BROKEN && !drop_done(scan, &bits, &found))
		found.state = BITS_BROKEN;
	return found;
}

bool
scan_out_of_time(const struct scan *scan, int64_t t_min, int64_t t_max)
{
	return t_max < scan->request->from_ns || t_min > scan->request->to_ns;
}

bool
scan_skips_chunk(const struct scan *scan, const struct chunk_info *info)
{
	return scan_out_of_time(scan, info->t_min, info->t_max) ||
	    (scan->request->after_seq > 0 &&
	    info->seq1 <= scan->request->after_seq);
}

void
scan_saw_seq(struct scan *scan, uint64_t seq)
{
	if (seq > scan->result->last_seq)
		scan->result->last_seq = seq;
}

void
scan_progress(struct scan *scan, uint64_t events)
{
	scan->result->searched += events;
	if (scan->request->progress != NULL && !scan->request->progress(
	    scan->request->user, scan->result->searched, scan->total))
		scan->enough = true;
}

