#include "correlation/first_seen.h"

#include <stdlib.h>

#include "correlation/state.h"
#include "engine/check.h"

#define FIRST_CELLS 1024
#define NEIGHBOURS 16		/* cells looked at for one hash */

struct cell {
	uint64_t hash;		/* 0: free */
	int64_t	 first_ns, last_ns;
};

struct first_seen {
	struct cell *cells;
	size_t	 size, used;
	int64_t	 memory_ns, learn_ns;
	uint64_t forgotten;
};

struct first_seen *
first_seen_new(int64_t memory_ns, int64_t learn_ns)
{
	struct first_seen *seen = xcalloc(1, sizeof(*seen));

	seen->size = FIRST_CELLS;
	seen->cells = xcalloc(seen->size, sizeof(*seen->cells));
	seen->memory_ns = memory_ns;
	seen->learn_ns = learn_ns;
	return seen;
}

void
first_seen_free(struct first_seen *seen)
{
	if (seen == NULL)
		return;
	free(seen->cells);
	free(seen);
}

/* The hash's cell, or a free one, or the longest unseen of those it may be
 * in. */
static struct cell *
cell_of(struct first_seen *seen, uint64_t hash)
{
	struct cell *oldest = NULL;

	for (size_t i = 0; i < NEIGHBOURS; i++) {
		struct cell *cell =
		    &seen->cells[(hash + i) & (seen->size - 1)];

		if (cell->hash == hash || cell->hash == 0)
			return cell;
		if (oldest == NULL || cell->last_ns < oldest->last_ns)
			oldest = cell;
	}
	return oldest;
}

static void
put(struct first_seen *seen, const struct cell *fresh)
{
	struct cell *cell = cell_of(seen, fresh->hash);

	if (cell->hash == 0)
		seen->used++;
	else
		seen->forgotten++;
	*cell = *fresh;
}

static void
grow(struct first_seen *seen)
{
	struct cell *old = seen->cells;
	size_t n = seen->size;

	if (2 * seen->used < n || n >= FIRST_SEEN_CELLS)
		return;
	seen->size = 2 * n;
	seen->cells = xcalloc(seen->size, sizeof(*seen->cells));
	seen->used = 0;
	for (size_t i = 0; i < n; i++)
		if (old[i].hash != 0)
			put(seen, &old[i]);
	free(old);
}

/* When was this first seen, before now? time_ns if never. */
static int64_t
meet(struct first_seen *seen, uint64_t hash, int64_t time_ns)
{
	struct cell *cell;
	int64_t first_ns;

	hash |= 1;
	cell = cell_of(seen, hash);
	if (cell->hash != hash) {
		grow(seen);
		put(seen, &(struct cell){ hash, time_ns, time_ns });
		return time_ns;
	}
	if (cell->last_ns < time_ns - seen->memory_ns)
		cell->first_ns = time_ns;
	first_ns = cell->first_ns;
	if (time_ns < cell->first_ns)
		cell->first_ns = time_ns;
	if (time_ns > cell->last_ns)
		cell->last_ns = time_ns;
	return first_ns;
}

bool
first_seen_test(struct first_seen *seen, uint64_t subject, uint64_t pair,
    int64_t time_ns)
{
	int64_t subject_ns = meet(seen, subject, time_ns);
	struct cell *cell = cell_of(seen, pair | 1);
	bool known = cell->hash == (pair | 1) &&
	    cell->last_ns >= time_ns - seen->memory_ns;

	meet(seen, pair, time_ns);
	return !known && subject_ns <= time_ns - seen->learn_ns;
}

size_t
first_seen_bytes(const struct first_seen *seen)
{
	return seen->size * sizeof(*seen->cells);
}

uint64_t
first_seen_forgotten(const struct first_seen *seen)
{
	return seen->forgotten;
}

void
first_seen_save(const struct first_seen *seen, struct strbuf *out)
{
	size_t last = 0, n = 0;

	for (size_t i = 0; i < seen->size; i++)
		n += seen->cells[i].hash != 0;
	state_put(out, seen->size);
	state_put(out, n);
	for (size_t i = 0; i < seen->size; i++) {
		const struct cell *cell = &seen->cells[i];

		if (cell->hash == 0)
			continue;
		state_put(out, i - last);
		state_put_bits(out, cell->hash);
		state_put_time(out, cell->first_ns, 0);
		state_put_time(out, cell->last_ns, cell->first_ns);
		last = i;
	}
}

void
first_seen_load(struct first_seen *seen, struct reader *r)
{
	uint64_t size = read_varint(r);
	size_t n = read_count(r, 11), at = 0;

	if (size < FIRST_CELLS || size > FIRST_SEEN_CELLS ||
	    (size & (size - 1)) != 0 || n > size)
		r->bad = true;
	if (r->bad)
		return;
	free(seen->cells);
	seen->size = (size_t)size;
	seen->cells = xcalloc(seen->size, sizeof(*seen->cells));
	seen->used = n;
	for (; n > 0; n--) {
		struct cell cell;
		uint64_t step = read_varint(r);

		cell.hash = read_u64(r);
		cell.first_ns = state_time(r, 0);
		cell.last_ns = state_time(r, cell.first_ns);
		if (r->bad || step >= seen->size - at) {
			r->bad = true;
			return;
		}
		at += (size_t)step;
		seen->cells[at] = cell;
	}
}
