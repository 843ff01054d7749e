#include "correlation/window_run.h"

#include <string.h>

#include "correlation/state.h"
#include "correlation/window_pool.h"
#include "correlation/words.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "storage/ledger.h"

_Static_assert(RUN_EVENTS >= 2 * RUN_KEPT, "both ends fit the list");

struct window_run *
window_run_new(struct window_pool *pool)
{
	struct window_run *run = window_pool_get(pool, sizeof(*run));

	memset(run, 0, sizeof(*run));
	run->holders = 1;
	run->pool = pool;
	return run;
}

struct window_run *
window_run_hold(struct window_run *run)
{
	run->holders++;
	return run;
}

static void
lists_put(struct window_run *run)
{
	if (run->cap == 0)
		return;
	window_pool_put(run->pool, run->seqs, run->cap * sizeof(*run->seqs));
	window_pool_put(run->pool, run->times_ns,
	    run->cap * sizeof(*run->times_ns));
}

/* A dirty run waits for the end of its batch: the list of dirty runs holds it
 * too, so it never goes while it is listed. */
void
window_run_drop(struct window_run *run)
{
	if (run == NULL || --run->holders > 0)
		return;
	lists_put(run);
	words_free(run->pool, &run->words);
	window_pool_put(run->pool, run, sizeof(*run));
}

static void
grow(struct window_run *run)
{
	size_t cap = run->cap == 0 ? 8 : run->cap * 2;
	uint64_t *seqs;
	int64_t *times_ns;

	if (cap > RUN_EVENTS)
		cap = RUN_EVENTS;
	seqs = window_pool_get(run->pool, cap * sizeof(*seqs));
	times_ns = window_pool_get(run->pool, cap * sizeof(*times_ns));
	if (run->n > 0) {
		memcpy(seqs, run->seqs, run->n * sizeof(*seqs));
		memcpy(times_ns, run->times_ns, run->n * sizeof(*times_ns));
	}
	lists_put(run);
	run->seqs = seqs;
	run->times_ns = times_ns;
	run->cap = cap;
}

/* Drops the middle; from here on the last RUN_KEPT places are a ring. */
static void
cap_list(struct window_run *run)
{
	size_t last = run->n - RUN_KEPT;

	memmove(run->seqs + RUN_KEPT, run->seqs + last,
	    RUN_KEPT * sizeof(*run->seqs));
	memmove(run->times_ns + RUN_KEPT, run->times_ns + last,
	    RUN_KEPT * sizeof(*run->times_ns));
	run->n = 2 * (size_t)RUN_KEPT;
	run->ring = RUN_KEPT;
	run->capped = true;
}

static bool
add_capped(struct window_run *run, uint64_t seq, int64_t time_ns)
{
	size_t newest = run->ring == RUN_KEPT ? run->n - 1 : run->ring - 1;

	if (seq <= run->seqs[newest])
		return false;
	run->seqs[run->ring] = seq;
	run->times_ns[run->ring] = time_ns;
	if (++run->ring == run->n)
		run->ring = RUN_KEPT;
	return true;
}

/* Events come by rising sequence but for those that an inner run brings. */
static bool
add_sorted(struct window_run *run, uint64_t seq, int64_t time_ns)
{
	size_t low = run->n, high = run->n;

	if (run->n > 0 && run->seqs[run->n - 1] >= seq) {
		low = 0;
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (run->seqs[middle] < seq)
				low = middle + 1;
			else
				high = middle;
		}
		if (run->seqs[low] == seq)
			return false;
	}
	if (run->n == run->cap)
		grow(run);
	memmove(run->seqs + low + 1, run->seqs + low,
	    (run->n - low) * sizeof(*run->seqs));
	memmove(run->times_ns + low + 1, run->times_ns + low,
	    (run->n - low) * sizeof(*run->times_ns));
	run->seqs[low] = seq;
	run->times_ns[low] = time_ns;
	run->n++;
	return true;
}

bool
window_run_add(struct window_run *run, uint64_t seq, int64_t time_ns)
{
	if (!run->capped && run->n == RUN_EVENTS &&
	    run->seqs[run->n - 1] < seq)
		cap_list(run);
	if (run->capped || run->n == RUN_EVENTS) {
		if (!run->capped || !add_capped(run, seq, time_ns))
			return false;
	} else if (!add_sorted(run, seq, time_ns)) {
		return false;
	}
	if (run->count == 0 || time_ns < run->first_ns)
		run->first_ns = time_ns;
	if (run->count == 0 || time_ns > run->last_ns)
		run->last_ns = time_ns;
	run->count++;
	return true;
}

size_t
window_run_merge(struct window_run *run, const struct window_run *from,
    const struct window_run_range *range)
{
	size_t added = 0, i = 0;

	/* What was merged before is skipped without a look. */
	if (!from->capped) {
		size_t high = from->n;

		while (i < high) {
			size_t middle = i + (high - i) / 2;

			if (from->seqs[middle] <= range->after)
				i = middle + 1;
			else
				high = middle;
		}
	}
	for (; i < from->n; i++) {
		uint64_t seq = from->seqs[i];
		int64_t time_ns = from->times_ns[i];

		if (seq <= range->after || seq > range->upto ||
		    time_ns < range->from_ns || time_ns > range->to_ns)
			continue;
		added += window_run_add(run, seq, time_ns);
	}
	return added;
}

size_t
window_run_list(const struct window_run *run, struct arena *arena,
    const uint64_t **seqs, const int64_t **times_ns)
{
	uint64_t *s = arena_alloc(arena, (run->n + 1) * sizeof(*s));
	int64_t *t = arena_alloc(arena, (run->n + 1) * sizeof(*t));
	size_t at = run->capped ? run->ring : 0;

	for (size_t i = 0; i < run->n; i++) {
		size_t from = i;

		if (run->capped && i >= RUN_KEPT) {
			from = at++;
			if (at == run->n)
				at = RUN_KEPT;
		}
		s[i] = run->seqs[from];
		t[i] = run->times_ns[from];
	}
	*seqs = s;
	*times_ns = t;
	return run->n;
}

void
window_run_save(const struct window_run *run, struct strbuf *out)
{
	state_put(out, (run->raised ? 1u : 0) | (run->capped ? 2u : 0));
	if (run->raised)
		strbuf_put(out, slice_of(run->alert, 32));
	state_put_time(out, run->first_ns, 0);
	state_put_time(out, run->last_ns, run->first_ns);
	state_put_time(out, run->reach_ns, 0);
	state_put(out, run->count);
	state_put(out, run->ring);
	state_put(out, run->cap);
	state_put(out, run->n);
	for (size_t i = 0; i < run->n; i++) {
		state_put(out, run->seqs[i] - (i > 0 ? run->seqs[i - 1] : 0));
		state_put_time(out, run->times_ns[i], i > 0 ?
		    run->times_ns[i - 1] : run->first_ns);
	}
	words_save(run->words, out);
}

static void
load_lists(struct window_run *run, struct reader *r)
{
	size_t cap = (size_t)read_varint(r), n = read_count(r, 2);

	if (cap > RUN_EVENTS || n > cap || run->ring > n)
		r->bad = true;
	if (r->bad || cap == 0)
		return;
	run->seqs = window_pool_get(run->pool, cap * sizeof(*run->seqs));
	run->times_ns = window_pool_get(run->pool,
	    cap * sizeof(*run->times_ns));
	run->cap = cap;
	run->n = n;
	for (size_t i = 0; i < n; i++) {
		run->seqs[i] = read_varint(r) + (i > 0 ? run->seqs[i - 1] : 0);
		run->times_ns[i] = state_time(r, i > 0 ?
		    run->times_ns[i - 1] : run->first_ns);
	}
}

struct window_run *
window_run_load(struct window_pool *pool, struct reader *r)
{
	struct window_run *run = window_run_new(pool);
	uint64_t flags = read_varint(r);
	struct slice alert;

	run->raised = (flags & 1) != 0;
	run->capped = (flags & 2) != 0;
	if (run->raised) {
		alert = read_bytes(r, 32);
		memcpy(run->alert, alert.ptr, alert.len);
	}
	run->first_ns = state_time(r, 0);
	run->last_ns = state_time(r, run->first_ns);
	run->reach_ns = state_time(r, 0);
	run->count = read_varint(r);
	run->ring = (size_t)read_varint(r);
	load_lists(run, r);
	/* The ring of a capped list is its last RUN_KEPT places. */
	if (run->capped && (run->n != 2 * (size_t)RUN_KEPT ||
	    run->ring < RUN_KEPT || run->ring >= run->n))
		r->bad = true;
	words_load(pool, &run->words, r);
	return run;
}
