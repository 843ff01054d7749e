#include "correlation/window_index.h"

#include <string.h>

#include "correlation/state.h"
#include "correlation/window.h"
#include "correlation/window_pool.h"

#define FIRST_CELLS 256

struct cell {
	uint64_t value;
	uint32_t count;
	bool	 used;
};

struct group_index {
	/* value_count: entries lo .. n-1 of the group are counted */
	struct cell *cells;
	size_t	 size, used, different, lo;
	/* temporal: when each step was last met. temporal_ordered: begun */
	int64_t	 steps_ns[WINDOW_STEPS];
	uint64_t block_steps;	/* of all entries with the newest time */
	int64_t	 block_ns;
	bool	 stale;		/* a late entry came: begun anew when asked */
};

/* --- values ---------------------------------------------------------------- */
static struct cell *
find(struct group_index *index, uint64_t value)
{
	size_t at = value & (index->size - 1);

	while (index->cells[at].used && index->cells[at].value != value)
		at = (at + 1) & (index->size - 1);
	return &index->cells[at];
}

/* Room for another value; cells of values that are gone are left behind. */
static void
make_room(struct window_pool *pool, struct group_index *index)
{
	struct cell *old = index->cells;
	size_t n = index->size;

	if (2 * index->used < n)
		return;
	while (index->size < 4 * index->different || index->size < FIRST_CELLS)
		index->size = index->size == 0 ? FIRST_CELLS :
		    2 * index->size;
	index->cells = window_pool_get(pool, index->size *
	    sizeof(*index->cells));
	memset(index->cells, 0, index->size * sizeof(*index->cells));
	index->used = 0;
	for (size_t i = 0; i < n; i++) {
		if (old[i].count == 0)
			continue;
		*find(index, old[i].value) = old[i];
		index->used++;
	}
	if (n > 0)
		window_pool_put(pool, old, n * sizeof(*old));
}

static void
count(struct window_pool *pool, struct group_index *index, uint64_t value)
{
	struct cell *cell;

	make_room(pool, index);
	cell = find(index, value);
	if (!cell->used) {
		*cell = (struct cell){ .value = value, .used = true };
		index->used++;
	}
	index->different += cell->count++ == 0;
}

static void
uncount(struct group_index *index, uint64_t value)
{
	struct cell *cell = find(index, value);

	index->different -= --cell->count == 0;
}

double
window_index_distinct(struct group *group)
{
	struct group_index *index = group->index;
	int64_t least = time_less(group->newest_ns,
	    group_correlation(group)->timespan_ns);

	for (; index->lo < group->n &&
	    group_entry(group, index->lo)->time_ns < least; index->lo++)
		uncount(index, group_entry(group, index->lo)->u.value);
	return (double)index->different;
}

/* --- steps ----------------------------------------------------------------- */
/* As in window_sequence.c, one block of equal times at a time. */
static void
chain_add(struct group_index *index, const struct window_entry *entry)
{
	uint64_t steps;

	if (entry->time_ns != index->block_ns) {
		index->block_ns = entry->time_ns;
		index->block_steps = 0;
	}
	index->block_steps |= entry->u.steps;
	for (steps = index->block_steps; steps != 0; steps &= steps - 1) {
		unsigned i = (unsigned)__builtin_ctzll(steps);
		int64_t from = i == 0 ? entry->time_ns :
		    index->steps_ns[i - 1];

		if (from > index->steps_ns[i])
			index->steps_ns[i] = from;
	}
}

static void
steps_clear(struct group_index *index)
{
	for (size_t i = 0; i < WINDOW_STEPS; i++)
		index->steps_ns[i] = INT64_MIN;
	index->block_ns = INT64_MIN;
	index->block_steps = 0;
}

bool
window_index_chain(struct group *group)
{
	const struct correlation *c = group_correlation(group);
	struct group_index *index = group->index;
	int64_t least = time_less(group->newest_ns, c->timespan_ns), begun;

	if (index->stale) {
		steps_clear(index);
		for (size_t i = group_lower(group, least); i < group->n; i++)
			chain_add(index, group_entry(group, i));
		index->stale = false;
	}
	begun = index->steps_ns[c->nrefer - 1];
	return begun != INT64_MIN && begun >= least;
}

unsigned long long
window_index_steps(struct group *group)
{
	const struct group_index *index = group->index;
	int64_t least = time_less(group->newest_ns,
	    group_correlation(group)->timespan_ns);
	unsigned long long steps = 0;

	for (size_t i = 0; i < WINDOW_STEPS; i++)
		if (index->steps_ns[i] != INT64_MIN &&
		    index->steps_ns[i] >= least)
			steps |= 1ull << i;
	return steps;
}

/* --- entries come and go --------------------------------------------------- */
static void
take_entry(struct group *group, size_t at)
{
	struct group_index *index = group->index;
	const struct window_entry *entry = group_entry(group, at);
	uint64_t steps;

	switch (group_correlation(group)->type) {
	case CORRELATION_VALUE_COUNT:
		if (at < index->lo)
			index->lo++;
		else
			count(window_shared_of(group)->pool, index,
			    entry->u.value);
		break;
	case CORRELATION_TEMPORAL:
		for (steps = entry->u.steps; steps != 0; steps &= steps - 1) {
			unsigned i = (unsigned)__builtin_ctzll(steps);

			if (entry->time_ns > index->steps_ns[i])
				index->steps_ns[i] = entry->time_ns;
		}
		break;
	default:
		if (at + 1 < group->n)
			index->stale = true;
		else
			chain_add(index, entry);
		break;
	}
}

static bool
is_worth_it(const struct group *group)
{
	const struct correlation *c = group_correlation(group);

	if (group->n < INDEX_ENTRIES)
		return false;
	return c->type == CORRELATION_VALUE_COUNT ||
	    ((c->type == CORRELATION_TEMPORAL ||
	    (c->type == CORRELATION_TEMPORAL_ORDERED && !c->bounds_given)) &&
	    c->nrefer > 0 && c->nrefer <= WINDOW_STEPS);
}

void
window_index_added(struct group *group, size_t at)
{
	struct window_pool *pool;

	if (group->index != NULL) {
		take_entry(group, at);
		return;
	}
	if (!is_worth_it(group))
		return;
	pool = window_shared_of(group)->pool;
	group->index = window_pool_get(pool, sizeof(*group->index));
	memset(group->index, 0, sizeof(*group->index));
	steps_clear(group->index);
	for (size_t i = 0; i < group->n; i++)
		take_entry(group, i);
	/* Built in order, whatever came when. */
	group->index->stale = group_correlation(group)->type ==
	    CORRELATION_TEMPORAL_ORDERED;
}

void
window_index_dropping(struct group *group, size_t n)
{
	struct group_index *index = group->index;

	if (index == NULL ||
	    group_correlation(group)->type != CORRELATION_VALUE_COUNT)
		return;
	for (size_t i = index->lo; i < n; i++)
		uncount(index, group_entry(group, i)->u.value);
	index->lo = index->lo > n ? index->lo - n : 0;
}

void
window_index_free(struct group *group)
{
	struct group_index *index = group->index;
	struct window_pool *pool;

	if (index == NULL)
		return;
	pool = window_shared_of(group)->pool;
	if (index->size > 0)
		window_pool_put(pool, index->cells,
		    index->size * sizeof(*index->cells));
	window_pool_put(pool, index, sizeof(*index));
	group->index = NULL;
}

/* --- checkpoints ----------------------------------------------------------- */
/* Cells as they lie, those of values that are gone too: when the table grows
 * next hangs on them. */
void
window_index_save(const struct group *group, struct strbuf *out)
{
	const struct group_index *index = group->index;

	state_put(out, index->stale);
	state_put(out, index->lo);
	state_put(out, index->size);
	for (size_t i = 0; i < index->size; i++) {
		const struct cell *cell = &index->cells[i];

		state_put(out, cell->used ? (uint64_t)cell->count + 1 : 0);
		if (cell->used)
			state_put_bits(out, cell->value);
	}
	for (size_t i = 0; i < WINDOW_STEPS; i++)
		state_put_time(out, index->steps_ns[i], INT64_MIN);
	state_put(out, index->block_steps);
	state_put_time(out, index->block_ns, INT64_MIN);
}

static void
load_cells(struct group_index *index, struct reader *r)
{
	for (size_t i = 0; i < index->size; i++) {
		uint64_t count = read_varint(r);

		if (count == 0)
			continue;
		index->cells[i] = (struct cell){ .value = read_u64(r),
		    .count = (uint32_t)(count - 1), .used = true };
		index->used++;
		index->different += count > 1;
	}
}

void
window_index_load(struct group *group, struct reader *r)
{
	struct window_pool *pool = window_shared_of(group)->pool;
	struct group_index *index = window_pool_get(pool, sizeof(*index));
	size_t size;

	memset(index, 0, sizeof(*index));
	group->index = index;
	index->stale = read_varint(r) != 0;
	index->lo = (size_t)read_varint(r);
	size = read_count(r, 1);
	if (index->lo > group->n || (size & (size - 1)) != 0 ||
	    size > 8 * (size_t)GROUP_ENTRIES)
		r->bad = true;
	if (r->bad)
		return;
	if (size > 0) {
		index->cells = window_pool_get(pool,
		    size * sizeof(*index->cells));
		memset(index->cells, 0, size * sizeof(*index->cells));
		index->size = size;
		load_cells(index, r);
	}
	/* Looking for a value ends at a free cell. */
	if (index->used == size && size > 0)
		r->bad = true;
	for (size_t i = 0; i < WINDOW_STEPS; i++)
		index->steps_ns[i] = state_time(r, INT64_MIN);
	index->block_steps = read_varint(r);
	index->block_ns = state_time(r, INT64_MIN);
}
