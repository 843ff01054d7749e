/* A heap by the time at which each is decided, and buckets by group. What was
 * answered stays in the heap, without its event, until its time comes. */
#include "correlation/absent.h"

#include <stdlib.h>
#include <string.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/hash.h"

#define BUCKETS 4096
#define SCANNED 16		/* fields are looked at by so many at once */
#define ABSENCE_BYTES 2048	/* of an event, about */

struct absences {
	struct absence *buckets[BUCKETS];
	struct absence **heap;
	size_t	 n, cap;
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
		absence_free(a->heap[i]);
	free(a->heap);
	free(a);
}

static bool
is_before(const struct absence *a, const struct absence *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns :
	    a->event.seq < b->event.seq;
}

static void
heap_put(struct absences *a, struct absence *absence)
{
	size_t at = a->n++;

	if (at == a->cap) {
		a->cap = a->cap == 0 ? 64 : 2 * a->cap;
		a->heap = xrealloc(a->heap, a->cap * sizeof(*a->heap));
	}
	for (; at > 0 && is_before(absence, a->heap[(at - 1) / 2]);
	    at = (at - 1) / 2)
		a->heap[at] = a->heap[(at - 1) / 2];
	a->heap[at] = absence;
}

static void
heap_drop_first(struct absences *a)
{
	struct absence *last = a->heap[--a->n];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < a->n) {
		if (child + 1 < a->n &&
		    is_before(a->heap[child + 1], a->heap[child]))
			child++;
		if (!is_before(a->heap[child], last))
			break;
		a->heap[at] = a->heap[child];
		at = child;
	}
	a->heap[at] = last;
}

static uint64_t
hash_of(uint32_t number, struct slice key)
{
	return hash64(key) ^ number * UINT64_C(0x9e3779b97f4a7c15);
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

	if (a->n >= ABSENT_MOST)
		return false;
	absence = xcalloc(1, sizeof(*absence));
	*absence = *from;
	absence->arena = arena_new(ABSENCE_BYTES);
	absence->key = arena_dup(absence->arena, from->key);
	absence->hash = hash_of(from->number, from->key);
	copy_event(absence, &from->event);
	absence->next = a->buckets[absence->hash % BUCKETS];
	a->buckets[absence->hash % BUCKETS] = absence;
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
		arena_free(absence->arena);
		absence->arena = NULL;
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
	a->wall_ns = wall_ns;
}

void
absences_end(struct absences *a)
{
	if (a->newest_ns > a->now_ns)
		a->now_ns = a->newest_ns;
}

struct absence *
absences_next(struct absences *a)
{
	while (a->n > 0) {
		struct absence *first = a->heap[0], **link;

		if (first->due_ns >= a->now_ns &&
		    first->wall_due_ns >= a->wall_ns)
			return NULL;
		heap_drop_first(a);
		if (first->arena == NULL) {
			absence_free(first);
			continue;
		}
		link = &a->buckets[first->hash % BUCKETS];
		while (*link != first)
			link = &(*link)->next;
		*link = first->next;
		return first;
	}
	return NULL;
}

void
absences_renumber(struct absences *a, const uint32_t *numbers, size_t n)
{
	memset(a->buckets, 0, sizeof(a->buckets));
	for (size_t i = 0; i < a->n; i++) {
		struct absence *absence = a->heap[i], **bucket;

		if (absence->arena == NULL)
			continue;
		if (absence->number >= n ||
		    numbers[absence->number] == UINT32_MAX) {
			arena_free(absence->arena);
			absence->arena = NULL;
			continue;
		}
		absence->number = numbers[absence->number];
		absence->hash = hash_of(absence->number, absence->key);
		bucket = &a->buckets[absence->hash % BUCKETS];
		absence->next = *bucket;
		*bucket = absence;
	}
}

size_t
absences_count(const struct absences *a)
{
	return a->n;
}
