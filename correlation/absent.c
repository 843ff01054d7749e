/* Two heaps of what is open, by event time and by time of day, and buckets by
 * group. An absence knows its places in all three, so what is answered goes at
 * once.
 */
#include "correlation/absent.h"

#include <stdlib.h>
#include <string.h>

#include "correlation/state.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "storage/codec.h"
#include "storage/tail.h"

#define BUCKETS 4096
#define SCANNED 16		/* fields are looked at by so many at once */
#define ABSENCE_BYTES 2048	/* of an event, about */

enum order { BY_EVENT, BY_DAY, ORDERS };

struct absences {
	struct absence *buckets[BUCKETS];
	struct absence **heap[ORDERS];
	size_t	 n, cap, bytes;
	int64_t	 ring[ABSENT_CLOCK];	/* by arrival */
	int64_t	 sorted[ABSENT_CLOCK];
	size_t	 nring, at;
	int64_t	 newest_ns, now_ns, wall_ns;
};

struct absences *
absences_new(void)
{
	struct absences *a = xcalloc(1, sizeof(*a));

	a->newest_ns = a->now_ns = a->wall_ns = INT64_MIN;
	return a;
}

static size_t
bytes_of(const struct absence *absence)
{
	return sizeof(*absence) + arena_bytes(absence->arena);
}

void
absence_free(struct absence *absence)
{
	if (absence == NULL)
		return;
	arena_free(absence->arena);
	free(absence);
}

void
absences_free(struct absences *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n; i++)
		absence_free(a->heap[BY_EVENT][i]);
	free(a->heap[BY_EVENT]);
	free(a->heap[BY_DAY]);
	free(a);
}

/* --- heaps ----------------------------------------------------------------- */
static int64_t
due(const struct absence *absence, enum order order)
{
	return order == BY_EVENT ? absence->due_ns : absence->wall_due_ns;
}

/* Never equal: an event has one absence in a group of a rule. */
static bool
is_before(const struct absence *a, const struct absence *b, enum order order)
{
	if (due(a, order) != due(b, order))
		return due(a, order) < due(b, order);
	if (a->event.seq != b->event.seq)
		return a->event.seq < b->event.seq;
	if (a->number != b->number)
		return a->number < b->number;
	return slice_cmp(a->key, b->key) < 0;
}

static void
set(struct absences *a, enum order order, size_t at, struct absence *absence)
{
	a->heap[order][at] = absence;
	absence->at[order] = (uint32_t)at;
}

static void
rise(struct absences *a, enum order order, size_t at, struct absence *absence)
{
	struct absence **heap = a->heap[order];

	for (; at > 0 && is_before(absence, heap[(at - 1) / 2], order);
	    at = (at - 1) / 2)
		set(a, order, at, heap[(at - 1) / 2]);
	set(a, order, at, absence);
}

static void
heap_put(struct absences *a, struct absence *absence)
{
	if (a->n == a->cap) {
		a->cap = a->cap == 0 ? 64 : 2 * a->cap;
		for (int i = 0; i < ORDERS; i++)
			a->heap[i] = xrealloc(a->heap[i],
			    a->cap * sizeof(**a->heap));
	}
	for (int i = 0; i < ORDERS; i++)
		rise(a, (enum order)i, a->n, absence);
	a->n++;
}

/* The last one takes the place, then moves up or down from there. */
static void
heap_drop(struct absences *a, enum order order, size_t at)
{
	struct absence **heap = a->heap[order], *last = heap[a->n - 1];
	size_t n = a->n - 1, child;

	if (at == n)
		return;
	while ((child = 2 * at + 1) < n) {
		if (child + 1 < n &&
		    is_before(heap[child + 1], heap[child], order))
			child++;
		if (!is_before(heap[child], last, order))
			break;
		set(a, order, at, heap[child]);
		at = child;
	}
	rise(a, order, at, last);
}

static uint64_t
hash_of(uint32_t number, struct slice key)
{
	return hash64(key) ^ number * UINT64_C(0x9e3779b97f4a7c15);
}

static void
bucket_put(struct absences *a, struct absence *absence)
{
	struct absence **bucket;

	absence->hash = hash_of(absence->number, absence->key);
	bucket = &a->buckets[absence->hash % BUCKETS];
	absence->next = *bucket;
	*bucket = absence;
}

/* Out of the heaps; who calls takes it out of its bucket. */
static void
heaps_drop(struct absences *a, const struct absence *absence)
{
	for (int i = 0; i < ORDERS; i++)
		heap_drop(a, (enum order)i, absence->at[i]);
	a->n--;
	a->bytes -= bytes_of(absence);
}

/* The line itself is not kept: sentences are made of values. */
static void
copy_event(struct absence *to, const struct event *from)
{
	to->event = *from;
	to->event.raw = to->event.peer = SLICE("");
	to->event.hits = NULL;
	to->event.nhits = 0;
	to->event.cap = from->n;
	to->event.fields = arena_zalloc(to->arena,
	    (from->n + (size_t)SCANNED) * sizeof(*from->fields));
	to->event.values = arena_alloc(to->arena,
	    (from->n + 1u) * sizeof(*from->values));
	for (size_t i = 0; i < from->n; i++) {
		to->event.fields[i] = from->fields[i];
		to->event.values[i] = value_dup(to->arena, &from->values[i]);
	}
}

bool
absences_open(struct absences *a, const struct absence *from)
{
	struct absence *absence;

	if (a->n >= ABSENT_MOST || a->bytes >= ABSENT_BYTES)
		return false;
	absence = xcalloc(1, sizeof(*absence));
	*absence = *from;
	absence->arena = arena_new(ABSENCE_BYTES);
	absence->key = arena_dup(absence->arena, from->key);
	copy_event(absence, &from->event);
	a->bytes += bytes_of(absence);
	bucket_put(a, absence);
	heap_put(a, absence);
	return true;
}

void
absences_answer(struct absences *a, uint32_t number, struct slice key,
    int64_t time_ns)
{
	uint64_t hash = hash_of(number, key);
	struct absence **link = &a->buckets[hash % BUCKETS], *absence;

	while ((absence = *link) != NULL) {
		if (absence->hash != hash || absence->number != number ||
		    time_ns < absence->event.time_ns ||
		    time_ns > absence->due_ns ||
		    !slice_eq(absence->key, key)) {
			link = &absence->next;
			continue;
		}
		*link = absence->next;
		heaps_drop(a, absence);
		absence_free(absence);
	}
}

void
absences_clock(struct absences *a, int64_t time_ns)
{
	size_t at = a->nring;

	if (time_ns > a->newest_ns)
		a->newest_ns = time_ns;
	if (a->nring == ABSENT_CLOCK) {
		int64_t oldest = a->ring[a->at];

		for (at = 0; a->sorted[at] != oldest; at++)
			;
		memmove(a->sorted + at, a->sorted + at + 1,
		    (ABSENT_CLOCK - 1 - at) * sizeof(*a->sorted));
		at = ABSENT_CLOCK - 1;
	} else {
		a->nring++;
	}
	a->ring[a->at] = time_ns;
	a->at = (a->at + 1) % ABSENT_CLOCK;
	for (; at > 0 && a->sorted[at - 1] > time_ns; at--)
		a->sorted[at] = a->sorted[at - 1];
	a->sorted[at] = time_ns;
	if (a->nring == ABSENT_CLOCK &&
	    a->sorted[ABSENT_CLOCK / 2] > a->now_ns)
		a->now_ns = a->sorted[ABSENT_CLOCK / 2];
}

void
absences_wall(struct absences *a, int64_t wall_ns)
{
	if (wall_ns > a->wall_ns)
		a->wall_ns = wall_ns;
}

int64_t
absences_wall_due(const struct absences *a)
{
	return a->n > 0 ? a->heap[BY_DAY][0]->wall_due_ns : INT64_MAX;
}

void
absences_end(struct absences *a)
{
	if (a->newest_ns > a->now_ns)
		a->now_ns = a->newest_ns;
}

/* What the time of day decides comes first: in a live stream a tick has done
 * it before the event that moves event time on. */
struct absence *
absences_next(struct absences *a)
{
	struct absence *first, **link;

	if (a->n == 0)
		return NULL;
	first = a->heap[BY_DAY][0];
	if (first->wall_due_ns >= a->wall_ns) {
		first = a->heap[BY_EVENT][0];
		if (first->due_ns >= a->now_ns)
			return NULL;
	}
	heaps_drop(a, first);
	link = &a->buckets[first->hash % BUCKETS];
	while (*link != first)
		link = &(*link)->next;
	*link = first->next;
	return first;
}

void
absences_renumber(struct absences *a, const uint32_t *numbers, size_t n)
{
	struct absence **all = a->heap[BY_EVENT];
	size_t count = a->n;

	memset(a->buckets, 0, sizeof(a->buckets));
	a->heap[BY_EVENT] = xmalloc((a->cap + 1) * sizeof(*all));
	a->n = 0;
	for (size_t i = 0; i < count; i++) {
		if (all[i]->number >= n ||
		    numbers[all[i]->number] == UINT32_MAX) {
			a->bytes -= bytes_of(all[i]);
			absence_free(all[i]);
			continue;
		}
		all[i]->number = numbers[all[i]->number];
		bucket_put(a, all[i]);
		heap_put(a, all[i]);
	}
	free(all);
}

size_t
absences_count(const struct absences *a)
{
	return a->n;
}

size_t
absences_bytes(const struct absences *a)
{
	return a->bytes;
}

/* --- checkpoints ----------------------------------------------------------- */
static void
save_events(struct absences *a, struct batch *batch, struct strbuf *out)
{
	const struct event **events = xcalloc(a->n, sizeof(*events));
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct tail_packer *tail = tail_packer_new(packer);

	for (size_t i = 0; i < a->n; i++) {
		a->heap[BY_EVENT][i]->event.batch = batch;
		events[i] = &a->heap[BY_EVENT][i]->event;
	}
	state_put_bytes(out, tail_pack(tail, events, a->n));
	tail_packer_free(tail);
	packer_free(packer);
	free(events);
}

void
absences_save(struct absences *a, struct batch *batch, struct strbuf *out)
{
	state_put_time(out, a->newest_ns, 0);
	state_put_time(out, a->now_ns, 0);
	state_put_time(out, a->wall_ns, 0);
	state_put(out, a->at);
	state_put(out, a->nring);
	for (size_t i = 0; i < a->nring; i++)
		state_put_time(out, a->ring[i], a->newest_ns);
	state_put(out, a->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct absence *absence = a->heap[BY_EVENT][i];

		state_put(out, absence->number);
		state_put(out, absence->place);
		state_put_bytes(out, absence->key);
		state_put_time(out, absence->due_ns, 0);
		state_put_time(out, absence->wall_due_ns, 0);
	}
	if (a->n > 0)
		save_events(a, batch, out);
}

static int
compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
load_clock(struct absences *a, struct reader *r)
{
	a->newest_ns = state_time(r, 0);
	a->now_ns = state_time(r, 0);
	a->wall_ns = state_time(r, 0);
	a->at = (size_t)read_varint(r);
	a->nring = (size_t)read_varint(r);
	if (a->at >= ABSENT_CLOCK || a->nring > ABSENT_CLOCK ||
	    (a->nring < ABSENT_CLOCK && a->at != a->nring)) {
		a->at = a->nring = 0;
		r->bad = true;
	}
	for (size_t i = 0; i < a->nring; i++)
		a->ring[i] = a->sorted[i] = state_time(r, a->newest_ns);
	qsort(a->sorted, a->nring, sizeof(*a->sorted), compare_times);
}

void
absences_load(struct absences *a, struct reader *r, const uint32_t *numbers,
    size_t n)
{
	struct absence *all;
	struct arena *arena = arena_new(0);
	struct event *events = NULL;
	size_t count, nevents = 0;

	load_clock(a, r);
	count = read_count(r, 5);
	if (count > ABSENT_MOST)
		r->bad = true;
	all = xcalloc(count + 1, sizeof(*all));
	for (size_t i = 0; i < count && !r->bad; i++) {
		all[i].number = (uint32_t)read_varint(r);
		all[i].place = (uint32_t)read_varint(r);
		all[i].key = state_bytes(r);
		all[i].due_ns = state_time(r, 0);
		all[i].wall_due_ns = state_time(r, 0);
	}
	if (count > 0 && !r->bad)
		events = tail_unpack(state_bytes(r), arena, &nevents, NULL);
	if (count != nevents)
		r->bad = true;
	for (size_t i = 0; i < count && !r->bad; i++) {
		if (all[i].number >= n ||
		    numbers[all[i].number] == UINT32_MAX)
			continue;
		all[i].number = numbers[all[i].number];
		all[i].event = events[i];
		absences_open(a, &all[i]);
	}
	free(all);
	arena_free(arena);
}
