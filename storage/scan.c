#include "storage/scan.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/event.h"
#include "storage/chunk.h"
#include "storage/column.h"
#include "storage/plan.h"
#include "storage/query.h"
#include "storage/query_read.h"
#include "storage/scan_bits.h"
#include "storage/store.h"

#define BLOCK_FIRST 64		/* rows made at once: few at first, so that */
#define BLOCK_ROWS 2048		/* `head 10` makes few, then many */
#define OPEN_CHUNKS 4		/* at a time; each may hold its raw pages */
#define RESTARTS 10		/* of one partition, because of sealing */
#define TAIL_SOURCE UINT32_MAX

/* A row that holds, before anything of it is read. */
struct ref {
	int64_t	 time_ns;
	uint64_t seq;
	uint32_t source;	/* chunk of the partition, or TAIL_SOURCE */
	uint32_t row;		/* in it; tail: batch << 12 | place */
};

struct range {
	uint64_t seq0, seq1;
};

struct open_chunk {
	struct chunk *chunk;
	uint64_t used;		/* clock of the last use */
};

struct scan {
	const struct scan_request *request;
	struct scan_result *result;
	struct query *query;
	struct schema *schema;
	struct plan *plan;
	struct op_run run;
	struct op *first;
	bool	 ordered, enough;
	bool	 unmade;	/* an event could not be read behind a row */
	uint64_t total, missing;
	uint32_t node;
	struct arena *arena;	/* of the rows being made */
	struct arena *bits;	/* of bitmaps */
	struct err damage;	/* the first */
	/* the partition in hand */
	struct partition *partition;
	const struct chunk_info *chunks;
	size_t	 nchunks;
	struct open_chunk *open;
	size_t	 nopen;
	uint64_t clock;
	/* what is done of it, if it must be started again */
	size_t	 ndone, done_cap;
	struct range *done;
	bool	 any_out;
	int64_t	 out_time_ns;
	uint64_t out_seq;
	/* rows that hold and wait for their turn */
	size_t	 nrefs, refs_cap;
	struct ref *refs;
	size_t	 block;
};

/* --- the end of the chain ----------------------------------------------- */

struct sink {
	struct op op;
	struct scan *scan;
	uint64_t rows;
};

static enum op_more
sink_row(struct op *op, const struct row *row, struct op_run *run)
{
	struct sink *sink = (struct sink *)(void *)op;
	const struct scan_request *request = sink->scan->request;
	struct row made = *row;

	(void)run;
	if (sink->scan->query->result->open && !request->lines_only) {
		made.event = row_event(row);
		if (made.event == NULL)
			return OP_MORE;	/* counted where it failed */
		made.raw = made.event->raw;
	}
	sink->rows++;
	if (request->row(request->user, &made) == OP_ENOUGH)
		return OP_ENOUGH;
	return sink->rows == request->rows ? OP_ENOUGH : OP_MORE;
}

static void
sink_end(struct op *op, struct op_run *run)
{
	(void)op;
	(void)run;
}

static const struct op_class sink_class = {
	.name = "sink", .row = sink_row, .end = sink_end
};

/* --- rows --------------------------------------------------------------- */

static void
push(struct scan *scan, const struct row *row)
{
	if (scan->first->class->row(scan->first, row, &scan->run) ==
	    OP_ENOUGH)
		scan->enough = true;
}

static struct value
id_value(struct scan *scan, uint64_t seq)
{
	struct batch batch = { .node = scan->node };
	struct event event = { .seq = seq, .batch = &batch };
	char *id = arena_text(scan->arena, EVENT_ID_BYTES);

	event_id(&event, id);
	return value_text(slice_of(id, EVENT_ID_BYTES - 1), TRANSFORM_OWNED);
}

/* A field of a row of a chunk. Members of the event have no column. */
static bool
chunk_cell(struct scan *scan, struct chunk *chunk, field_t field,
    uint32_t row, struct value *out, struct err *err)
{
	int64_t i = chunk_value_index(chunk, field, row);
	const struct column *column;
	const int64_t *times;
	const uint64_t *seqs;
	struct slice raw;

	if (i >= 0) {
		column = chunk_column(chunk, field, err);
		return column != NULL &&
		    column_value(column, (uint32_t)i, out, err);
	}
	*out = cell_absent();
	switch (field) {
	case FIELD_TIMESTAMP:
	case FIELD_EVENT_INGESTED:
		times = field == FIELD_TIMESTAMP ? chunk_times(chunk, err)
		    : chunk_ingested(chunk, err);
		if (times == NULL)
			return false;
		*out = value_time(times[row]);
		return true;
	case FIELD_EVENT_ID:
		seqs = chunk_seqs(chunk, err);
		if (seqs == NULL)
			return false;
		*out = id_value(scan, seqs[row]);
		return true;
	case FIELD_EVENT_ORIGINAL:
		if (!chunk_raw(chunk, row, &raw, err))
			return false;
		*out = value_text(raw, TRANSFORM_NONE);
		return true;
	default:
		return true;
	}
}

static const struct event *
make_event(const struct row *row)
{
	struct scan *scan = row->maker;
	struct event *event = arena_alloc(scan->arena, sizeof(*event));
	struct err err = { ERR_NONE, "" };

	if (chunk_event(row->chunk, row->at, scan->arena, event, &err))
		return event;
	scan->unmade = true;
	if (scan->damage.kind == ERR_NONE)
		scan->damage = err;
	return NULL;
}

static bool
row_of_chunk(struct scan *scan, struct chunk *chunk, uint32_t at,
    struct row *row, struct err *err)
{
	const struct schema *schema = scan->schema;
	struct value *cells = arena_alloc(scan->arena,
	    (schema->n + 1) * sizeof(*cells));

	*row = (struct row){ .cells = cells, .make = make_event,
	    .maker = scan, .chunk = chunk, .at = at };
	for (size_t i = 0; i < schema->n; i++)
		if (!chunk_cell(scan, chunk, schema->cols[i], at, &cells[i],
		    err))
			return false;
	return !schema->raw || chunk_raw(chunk, at, &row->raw, err);
}

static void
row_of_event(struct scan *scan, const struct event *event, struct row *row)
{
	const struct schema *schema = scan->schema;
	struct value *cells = arena_alloc(scan->arena,
	    (schema->n + 1) * sizeof(*cells));

	for (size_t i = 0; i < schema->n; i++)
		if (!event_value(event, schema->cols[i], &cells[i]))
			cells[i] = cell_absent();
	*row = (struct row){ .cells = cells, .event = event,
	    .raw = event->raw };
}

/* --- damage ------------------------------------------------------------- */

static uint64_t
store_lost(const struct scan *scan)
{
	struct slice why;

	return store_missing(scan->request->store, &why);
}

/* A chunk that cannot be read is left out and counted, once: the store counts
 * what it finds by itself. */
static void
give_up(struct scan *scan, uint64_t events, uint64_t missing_before,
    const struct err *err)
{
	if (store_lost(scan) == missing_before)
		scan->missing += events;
	if (scan->damage.kind == ERR_NONE)
		scan->damage = *err;
}

/* --- chunks ------------------------------------------------------------- */

enum outcome { DONE, STALE };

static struct chunk *
chunk_at(struct scan *scan, uint32_t source, struct err *err)
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

static void
close_chunk(struct scan *scan, uint32_t source)
{
	if (scan->open[source].chunk == NULL)
		return;
	chunk_close(scan->open[source].chunk);
	scan->open[source].chunk = NULL;
	scan->nopen--;
}

static bool
is_done(const struct scan *scan, uint64_t seq)
{
	for (size_t i = 0; i < scan->ndone; i++)
		if (seq >= scan->done[i].seq0 && seq <= scan->done[i].seq1)
			return true;
	return false;
}

static void
mark_done(struct scan *scan, uint64_t seq0, uint64_t seq1)
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
		    bit_is_set(found->words, r)) && !is_done(scan, seqs[r]))
			words[r >> 6] |= UINT64_C(1) << (r & 63);
	*found = (struct bits){ BITS_SOME, words };
	return true;
}

/* Which rows of the chunk hold. */
static struct bits
find_rows(struct scan *scan, struct chunk *chunk,
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

static bool
out_of_time(const struct scan *scan, int64_t t_min, int64_t t_max)
{
	return t_max < scan->request->from_ns || t_min > scan->request->to_ns;
}

/* Nothing in it can be asked for. */
static bool
skips_chunk(const struct scan *scan, const struct chunk_info *info)
{
	return out_of_time(scan, info->t_min, info->t_max) ||
	    (scan->request->after_seq > 0 &&
	    info->seq1 <= scan->request->after_seq);
}

static void
saw_seq(struct scan *scan, uint64_t seq)
{
	if (seq > scan->result->last_seq)
		scan->result->last_seq = seq;
}

static void
progress(struct scan *scan, uint64_t events)
{
	scan->result->searched += events;
	if (scan->request->progress != NULL && !scan->request->progress(
	    scan->request->user, scan->result->searched, scan->total))
		scan->enough = true;
}

/* --- rows in any order -------------------------------------------------- */

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
			mark_done(scan, seqs[r], seqs[r]);
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
		if (!row_of_chunk(scan, chunk, r, &row, err)) {
			mark_pushed(scan, chunk, found, r);
			return false;
		}
		push(scan, &row);
		scan->missing += scan->unmade;
		scan->unmade = false;
		if (++made % BLOCK_ROWS == 0)
			arena_reset(scan->arena);
	}
	return true;
}

static enum outcome
any_chunk(struct scan *scan, uint32_t source)
{
	const struct chunk_info *info = &scan->chunks[source];
	uint64_t before = store_lost(scan);
	struct err err = { ERR_NONE, "" };
	struct chunk *chunk = chunk_at(scan, source, &err);
	struct bits found = { BITS_BROKEN, NULL };
	struct chunk_view view;
	bool ok = false;

	if (chunk != NULL)
		found = find_rows(scan, chunk, info, &err);
	if (found.state == BITS_NONE)
		ok = true;
	else if (found.state != BITS_BROKEN) {
		view = (struct chunk_view){ .chunk = chunk,
		    .rows = chunk_rows(chunk),
		    .all = found.state == BITS_ALL, .bits = found.words,
		    .err = &err };
		view.count = view.all ? view.rows : bits_count(found.words,
		    (view.rows + 63) / 64);
		scan->result->matched += view.count;
		ok = (scan->first->class->chunk != NULL &&
		    scan->first->class->chunk(scan->first, &view,
		    &scan->run)) || (err.kind == ERR_NONE &&
		    push_rows(scan, chunk, &found, &err));
	}
	close_chunk(scan, source);
	if (!ok && partition_stale(scan->partition))
		return STALE;
	if (!ok)
		give_up(scan, info->n, before, &err);
	mark_done(scan, info->seq0, info->seq1);
	progress(scan, info->n);
	return DONE;
}

static void
any_tail(struct scan *scan)
{
	size_t n = partition_tail_count(scan->partition);

	for (size_t i = 0; i < n && !scan->enough; i++) {
		uint64_t before = store_lost(scan);
		struct err err = { ERR_NONE, "" };
		struct event *events;
		size_t nevents;

		arena_reset(scan->arena);
		events = partition_tail(scan->partition, i, scan->arena,
		    &nevents, &err);
		if (events == NULL) {
			if (err.kind != ERR_NONE)
				give_up(scan, 0, before, &err);
			continue;
		}
		for (size_t k = 0; k < nevents && !scan->enough; k++) {
			struct row row;

			if (out_of_time(scan, events[k].time_ns,
			    events[k].time_ns) ||
			    is_done(scan, events[k].seq) ||
			    !plan_event_holds(scan->plan, &events[k]))
				continue;
			scan->result->matched++;
			row_of_event(scan, &events[k], &row);
			push(scan, &row);
		}
		progress(scan, nevents);
	}
}

static enum outcome
any_partition(struct scan *scan)
{
	for (uint32_t i = 0; i < scan->nchunks && !scan->enough; i++) {
		saw_seq(scan, scan->chunks[i].seq1);
		if (skips_chunk(scan, &scan->chunks[i]))
			continue;
		if (any_chunk(scan, i) == STALE)
			return STALE;
	}
	any_tail(scan);
	return DONE;
}

/* --- rows newest first -------------------------------------------------- */

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
		chunk = chunk_at(scan, ref->source, err);
		return chunk != NULL &&
		    row_of_chunk(scan, chunk, ref->row, row, err);
	}
	if (*batch == NULL || *batch_at != ref->row >> 12) {
		*batch_at = ref->row >> 12;
		*batch = partition_tail(scan->partition, *batch_at,
		    scan->arena, nbatch, err);
	}
	if (*batch == NULL || (ref->row & 4095) >= *nbatch)
		return false;
	row_of_event(scan, &(*batch)[ref->row & 4095], row);
	return true;
}

/* Makes the n refs in the order of their places, because pages and batches are
 * then read once, and hands them on in the order of time. Cells borrow from
 * their chunk, so a block touches at most OPEN_CHUNKS of them. */
static enum outcome
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
		uint64_t before = store_lost(scan);
		struct err err = { ERR_NONE, "" };

		made[at] = row_at(scan, places[i], &batch, &batch_at, &nbatch,
		    &rows[at], &err);
		if (made[at])
			continue;
		if (partition_stale(scan->partition))
			return STALE;
		give_up(scan, 1, before, &err);
	}
	for (size_t i = n; i-- > 0 && !scan->enough;) {
		uint64_t before = store_lost(scan);

		if (!made[i])
			continue;
		scan->unmade = false;
		push(scan, &rows[i]);
		if (scan->unmade && partition_stale(scan->partition))
			return STALE;
		/* The store counts a chunk that does not check as a whole. */
		if (scan->unmade && before == 0)
			give_up(scan, 1, before, &scan->damage);
		scan->any_out = true;
		scan->out_time_ns = from[i].time_ns;
		scan->out_seq = from[i].seq;
	}
	return DONE;
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
static enum outcome
flush(struct scan *scan, int64_t newer_than_ns)
{
	if (scan->nrefs == 0)
		return DONE;
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
		if (out_block(scan, n) == STALE)
			return STALE;
		scan->nrefs -= n;
		if (scan->block < BLOCK_ROWS)
			scan->block *= 2;
	}
	return DONE;
}

static enum outcome
ref_chunk(struct scan *scan, uint32_t source)
{
	const struct chunk_info *info = &scan->chunks[source];
	uint64_t before = store_lost(scan);
	struct err err = { ERR_NONE, "" };
	struct chunk *chunk = chunk_at(scan, source, &err);
	struct bits found = { BITS_BROKEN, NULL };
	const int64_t *times = NULL;
	const uint64_t *seqs = NULL;

	if (chunk != NULL)
		found = find_rows(scan, chunk, info, &err);
	if (found.state == BITS_SOME || found.state == BITS_ALL) {
		times = chunk_times(chunk, &err);
		seqs = times == NULL ? NULL : chunk_seqs(chunk, &err);
		if (seqs == NULL)
			found.state = BITS_BROKEN;
	}
	if (found.state == BITS_BROKEN) {
		if (partition_stale(scan->partition))
			return STALE;
		give_up(scan, info->n, before, &err);
		close_chunk(scan, source);
	} else if (found.state == BITS_NONE) {
		close_chunk(scan, source);
	} else {
		for (uint32_t r = 0; r < info->n; r++)
			if (found.state == BITS_ALL ||
			    bit_is_set(found.words, r))
				add_ref(scan, times[r], seqs[r], source, r);
	}
	progress(scan, info->n);
	return DONE;
}

static void
ref_tail(struct scan *scan)
{
	size_t n = partition_tail_count(scan->partition);

	for (size_t i = 0; i < n; i++) {
		uint64_t before = store_lost(scan);
		struct err err = { ERR_NONE, "" };
		struct event *events;
		size_t nevents;

		arena_reset(scan->arena);
		events = partition_tail(scan->partition, i, scan->arena,
		    &nevents, &err);
		if (events == NULL) {
			if (err.kind != ERR_NONE)
				give_up(scan, 0, before, &err);
			continue;
		}
		for (size_t k = 0; k < nevents && k < 4096; k++) {
			saw_seq(scan, events[k].seq);
			if (!out_of_time(scan, events[k].time_ns,
			    events[k].time_ns) &&
			    plan_event_holds(scan->plan, &events[k]))
				add_ref(scan, events[k].time_ns,
				    events[k].seq, TAIL_SOURCE,
				    (uint32_t)(i << 12 | k));
		}
		progress(scan, nevents);
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

static enum outcome
ordered_partition(struct scan *scan)
{
	uint32_t *order = xmalloc((scan->nchunks + 1) * sizeof(*order));
	enum outcome outcome = DONE;
	size_t n = 0;

	scan->nrefs = 0;
	for (uint32_t i = 0; i < scan->nchunks; i++) {
		saw_seq(scan, scan->chunks[i].seq1);
		if (!skips_chunk(scan, &scan->chunks[i]))
			order[n++] = i;
	}
	if (n > 1)
		qsort_r(order, n, sizeof(*order), by_t_max,
		    (void *)(uintptr_t)scan->chunks);
	ref_tail(scan);
	for (size_t i = 0; i < n && outcome == DONE && !scan->enough; i++) {
		outcome = flush(scan, scan->chunks[order[i]].t_max);
		if (outcome == DONE && !scan->enough)
			outcome = ref_chunk(scan, order[i]);
	}
	if (outcome == DONE && !scan->enough)
		outcome = flush(scan, INT64_MIN);
	free(order);
	return outcome;
}

/* --- partitions --------------------------------------------------------- */

static enum outcome
one_partition(struct scan *scan, const struct partition_info *info)
{
	uint64_t before = store_lost(scan);
	struct err err = { ERR_NONE, "" };
	enum outcome outcome;

	scan->partition = partition_open(scan->request->store, info, &err);
	if (scan->partition == NULL) {
		give_up(scan, info->events, before, &err);
		return DONE;
	}
	scan->nchunks = partition_chunks(scan->partition, &scan->chunks);
	scan->open = xcalloc(scan->nchunks + 1, sizeof(*scan->open));
	scan->nopen = 0;
	outcome = scan->ordered ? ordered_partition(scan)
	    : any_partition(scan);
	for (uint32_t i = 0; i < scan->nchunks; i++)
		close_chunk(scan, i);
	free(scan->open);
	partition_close(scan->partition);
	return outcome;
}

static void
whole_partition(struct scan *scan, const struct partition_info *info)
{
	struct err err = { ERR_DAMAGED, "sealed again and again" };

	scan->ndone = 0;
	scan->any_out = false;
	if (scan->request->after_seq > 0)
		mark_done(scan, 0, scan->request->after_seq);
	for (int i = 0; i < RESTARTS; i++)
		if (one_partition(scan, info) == DONE)
			return;
	give_up(scan, info->events, store_lost(scan),
	    &err);
}

/* Alerts are events; searches that do not name them leave them out. */
static struct cond *
without_alerts(struct query *query)
{
	struct pred pred = { .op = PRED_EQ, .nfields = 1,
	    .fields = { FIELD_EVENT_MODULE }, .text = SLICE("yagura") };

	if (query->names_yagura)
		return query->cond;
	return cond_and(query->arena, query->cond,
	    cond_not(query->arena, cond_pred(query->arena, pred)));
}

static bool
needs_order(const struct query *query)
{
	for (const struct op *op = query->ops; op != NULL; op = op->next) {
		if (op->class->any_order)
			return false;
		if (!op->class->passes)
			return true;
	}
	return true;
}

static void
tell(struct scan *scan)
{
	struct scan_result *result = scan->result;
	struct slice why = { "", 0 };

	result->missing = scan->missing +
	    store_missing(scan->request->store, &why);
	why = slice_trim(why);
	result->partial = scan->run.partial || result->missing > 0 ||
	    scan->damage.kind != ERR_NONE;
	if (scan->run.why[0] != '\0')
		snprintf(result->why, sizeof(result->why), "%s",
		    scan->run.why);
	else if (why.len > 0)	/* names the places and counts */
		snprintf(result->why, sizeof(result->why), "%.*s",
		    (int)slice_head(why, 400).len, why.ptr);
	else if (result->missing > 0)
		snprintf(result->why, sizeof(result->why),
		    "%llu events missing: %.300s",
		    (unsigned long long)result->missing, scan->damage.text);
	else if (scan->damage.kind != ERR_NONE)
		snprintf(result->why, sizeof(result->why), "%s",
		    scan->damage.text);
}

/* Joins plan, operators and sink. */
static void
begin(struct scan *scan, const struct scan_request *request,
    struct scan_result *result)
{
	struct query *query = request->query;
	struct sink *sink = arena_zalloc(query->arena, sizeof(*sink));

	memset(result, 0, sizeof(*result));
	*scan = (struct scan){ .request = request, .result = result,
	    .query = query, .schema = query->source, .block = BLOCK_FIRST,
	    .ordered = !request->any_order && needs_order(query) };
	if (request->lines_only)
		query->source->raw = true;
	sink->op.class = &sink_class;
	sink->scan = scan;
	scan->first = query->ops != NULL ? query->ops : &sink->op;
	if (query->last != NULL)
		query->last->next = &sink->op;
	scan->plan = plan_new(query->arena, without_alerts(query),
	    query->leaves, NULL);
	scan->arena = arena_new(0);
	scan->bits = arena_new(0);
	scan->run.limit_bytes = request->limit_bytes > 0
	    ? request->limit_bytes : SCAN_MEMORY;
	scan->run.from_ns = INT64_MAX;
	scan->run.to_ns = INT64_MIN;
}

static void
finish(struct scan *scan)
{
	plan_free(scan->plan);
	arena_free(scan->arena);
	arena_free(scan->bits);
	free(scan->refs);
	free(scan->done);
}

/* The times that a chart without a span goes by. */
static void
note_times(struct scan *scan, int64_t from_ns, int64_t to_ns)
{
	if (from_ns < scan->request->from_ns)
		from_ns = scan->request->from_ns;
	if (to_ns > scan->request->to_ns)
		to_ns = scan->request->to_ns;
	if (from_ns < scan->run.from_ns)
		scan->run.from_ns = from_ns;
	if (to_ns > scan->run.to_ns)
		scan->run.to_ns = to_ns;
}

/* A copy of the list, which the store may change meanwhile. */
static struct partition_info *
list_partitions(struct store *store, int64_t from_ns, int64_t to_ns,
    size_t *n, struct err *err)
{
	const struct partition_info *listed;
	struct partition_info *infos;

	*n = store_partitions(store, from_ns, to_ns, true, &listed, err);
	infos = xmalloc((*n + 1) * sizeof(*infos));
	if (*n > 0)
		memcpy(infos, listed, *n * sizeof(*infos));
	return infos;
}

int
scan_run(const struct scan_request *request, struct scan_result *result,
    struct err *err)
{
	struct scan scan;
	struct partition_info *infos;
	size_t n;

	begin(&scan, request, result);
	scan.node = store_node(request->store);
	err_clear(err);
	infos = list_partitions(request->store, request->from_ns,
	    request->to_ns, &n, err);
	scan.damage = *err;
	err_clear(err);
	for (size_t i = 0; i < n; i++) {
		scan.total += infos[i].events;
		note_times(&scan, infos[i].t_min, infos[i].t_max);
	}
	for (size_t i = 0; i < n && !scan.enough; i++)
		whole_partition(&scan, &infos[i]);
	op_end(scan.first, &scan.run);
	tell(&scan);
	free(infos);
	finish(&scan);
	return 0;
}

void
scan_events(const struct scan_request *request, const struct event *events,
    size_t n, struct scan_result *result)
{
	struct scan scan;

	begin(&scan, request, result);
	for (size_t i = 0; i < n; i++)
		note_times(&scan, events[i].time_ns, events[i].time_ns);
	for (size_t i = 0; i < n && !scan.enough; i++) {
		struct row row;

		result->searched++;
		if (out_of_time(&scan, events[i].time_ns, events[i].time_ns) ||
		    !plan_event_holds(scan.plan, &events[i]))
			continue;
		result->matched++;
		arena_reset(scan.arena);
		row_of_event(&scan, &events[i], &row);
		push(&scan, &row);
	}
	op_end(scan.first, &scan.run);
	result->partial = scan.run.partial;
	snprintf(result->why, sizeof(result->why), "%s", scan.run.why);
	finish(&scan);
}

/* --- names -------------------------------------------------------------- */

static void
load_names_of(const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
	    SQLITE_OK && sqlite3_prepare_v2(db, "SELECT name FROM field", -1,
	    &stmt, NULL) == SQLITE_OK)
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const void *name = sqlite3_column_blob(stmt, 0);
			int len = sqlite3_column_bytes(stmt, 0);

			if (name != NULL && len > 0)
				field_intern(slice_of(name, (size_t)len));
		}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* Names in the tail become known when its events are read. */
static void
load_names_of_tail(struct store *store, const struct partition_info *info,
    struct arena *arena)
{
	struct err err = { ERR_NONE, "" };
	struct partition *partition = partition_open(store, info, &err);
	size_t nevents;

	if (partition == NULL)
		return;
	for (size_t i = 0; i < partition_tail_count(partition); i++) {
		arena_reset(arena);
		partition_tail(partition, i, arena, &nevents, &err);
	}
	partition_close(partition);
}

void
scan_load_names(struct store *store)
{
	struct err err = { ERR_NONE, "" };
	struct arena *arena = arena_new(0);
	size_t n;
	struct partition_info *infos = list_partitions(store, INT64_MIN,
	    INT64_MAX, &n, &err);

	for (size_t i = 0; i < n; i++) {
		if (infos[i].path != NULL)
			load_names_of(infos[i].path);
		load_names_of_tail(store, &infos[i], arena);
	}
	free(infos);
	arena_free(arena);
}

/* --- one event ---------------------------------------------------------- */

struct found {
	struct arena *arena;
	struct event *event;
	bool	 found;
};

static enum op_more
found_row(void *user, const struct row *row)
{
	struct found *found = user;
	struct schema none = { .n = 0 };
	struct row copy = row_dup(found->arena, &none, row);

	*found->event = *copy.event;
	found->found = true;
	return OP_ENOUGH;
}

bool
scan_find_event(struct store *store, struct slice id, struct arena *arena,
    struct event *out, struct err *err)
{
	struct found found = { .arena = arena, .event = out };
	struct query_error error;
	struct scan_result result;
	struct scan_request request = { .store = store, .from_ns = INT64_MIN,
	    .to_ns = INT64_MAX, .rows = 1, .row = found_row, .user = &found };
	char text[128];

	if (id.len == 0 || id.len > 64)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (id.ptr[i] < '0' || (id.ptr[i] > '9' &&
		    (ascii_lower(id.ptr[i]) < 'a' ||
		    ascii_lower(id.ptr[i]) > 'z')))
			return false;
	snprintf(text, sizeof(text), "event.id:\"%.*s\"", (int)id.len,
	    id.ptr);
	request.query = query_parse(slice_cstr(text), 0, NULL, &error);
	check(request.query != NULL);
	request.query->names_yagura = true;
	if (scan_run(&request, &result, err) < 0)
		found.found = false;
	else if (!found.found && result.partial)
		err_set(err, ERR_DAMAGED, "%s", result.why);
	query_free(request.query);
	return found.found;
}
