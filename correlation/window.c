/* Groups of a window stand in a dense list in the order they were made, found
 * through a table of their places. The list is what eviction draws from: the
 * draw depends on what came before, never on addresses or keys of hashes, so
 * that the same stream gives the same result.
 */
#include "correlation/window.h"

#include <stdlib.h>
#include <string.h>

#include "correlation/ghosts.h"
#include "correlation/window_index.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"
#include "correlation/words.h"
#include "engine/check.h"
#include "engine/hash.h"

#define SECOND_ENTRIES 3	/* room of a group: 1, 3, 6, 12 ... */
#define GHOSTS_SHARE 16		/* ghosts take this part of the memory */
#define LARGE_ENTRIES 256	/* of a group that may halve for room */
#define CANDIDATES 16		/* groups looked at to find one to evict */

/* Groups given up for a new one, and for one that grows. Few: where a large
 * group holds the memory, all small ones together would not make up for it. */
#define EVICTIONS 4
#define EVICTIONS_GROWTH 32

/* Entries of a window that are looked at to tell which stand in a chain: it
 * costs their number for each firing. In a longer one all are said to. */
#define REASON_ENTRIES 1024

static bool (*const tests[])(struct group *, int64_t,
    struct window_span *) = {
#define WINDOW(id, name, family) [CORRELATION_##id] = family##_test,
#include "correlation/window.def"
#undef WINDOW
};

/* --- time ------------------------------------------------------------------ */
int64_t
time_less(int64_t time_ns, int64_t span_ns)
{
	int64_t out;

	return __builtin_sub_overflow(time_ns, span_ns, &out) ? INT64_MIN : out;
}

int64_t
time_plus(int64_t time_ns, int64_t span_ns)
{
	int64_t out;

	return __builtin_add_overflow(time_ns, span_ns, &out) ? INT64_MAX : out;
}

/* --- making and forgetting ------------------------------------------------- */
void
window_shared_init(struct window_shared *shared)
{
	*shared = (struct window_shared){
	    .pool = window_pool_new(), .wheel = wheel_new(),
	    .distinct = distinct_scratch_new(), .random = 1,
	    .seed = hash64(SLICE("windows")), .entering_ns = INT64_MAX };
}

void
window_shared_fini(struct window_shared *shared)
{
	distinct_scratch_free(shared->distinct);
	ghosts_free(shared->ghosts);
	free(shared->numbers);
	wheel_free(shared->wheel);
	window_pool_free(shared->pool);
}

void
window_index_groups(struct window *window, size_t size)
{
	free(window->table);
	window->table = xmalloc(size * sizeof(*window->table));
	window->mask = size - 1;
	memset(window->table, 0xff, size * sizeof(*window->table));
	for (size_t i = 0; i < window->n; i++) {
		size_t at = window->groups[i]->hash & window->mask;

		while (window->table[at] != NO_PLACE)
			at = (at + 1) & window->mask;
		window->table[at] = (uint32_t)i;
	}
}

struct window *
window_new(struct window_shared *shared, const struct correlation *correlation,
    struct slice id)
{
	struct window *window = xcalloc(1, sizeof(*window));

	window->shared = shared;
	window->correlation = correlation;
	window->salt = hash64_fixed(id, 0);
	window_index_groups(window, 16);
	return window;
}

static void
entries_drop(struct group *group, size_t n)
{
	window_index_dropping(group, n);
	for (size_t i = 0; i < n; i++)
		window_run_drop(group->entries[group->first + i].run);
	group->first += (uint32_t)n;
	group->n -= (uint32_t)n;
}

/* What lies where a group's place should be, in the table. */
static size_t
table_at(const struct window *window, const struct group *group)
{
	size_t at = group->hash & window->mask;

	while (window->table[at] != group->place)
		at = (at + 1) & window->mask;
	return at;
}

/* Backward shift: no tombstones, so a window that turns over for months does
 * not slow down. */
static void
table_remove(struct window *window, size_t hole)
{
	size_t at = hole;

	for (;;) {
		size_t home;

		at = (at + 1) & window->mask;
		if (window->table[at] == NO_PLACE)
			break;
		home = window->groups[window->table[at]]->hash & window->mask;
		if (((at - home) & window->mask) < ((at - hole) & window->mask))
			continue;
		window->table[hole] = window->table[at];
		hole = at;
	}
	window->table[hole] = NO_PLACE;
}

void
window_forget(struct group *group)
{
	struct window *window = group->window;
	struct window_pool *pool = window->shared->pool;
	struct group *last = window->groups[window->n - 1];

	wheel_remove(&group->node);
	table_remove(window, table_at(window, group));
	if (last != group) {
		window->table[table_at(window, last)] = group->place;
		last->place = group->place;
		window->groups[last->place] = last;
	}
	window->n--;
	window->shared->groups--;
	window_index_free(group);
	entries_drop(group, group->n);
	window_run_drop(group->run);
	words_free(pool, &group->words);
	if (group->cap > 0)
		window_pool_put(pool, group->entries,
		    group->cap * sizeof(*group->entries));
	window_pool_put(pool, group, sizeof(*group) + group->key_len);
}

void
window_free(struct window *window)
{
	if (window == NULL)
		return;
	while (window->n > 0)
		window_forget(window->groups[window->n - 1]);
	if (window->shared->largest == window)
		window->shared->largest = NULL;
	free(window->groups);
	free(window->table);
	free(window);
}

void
window_move(struct window *window, const struct correlation *correlation)
{
	window->correlation = correlation;
}

const struct correlation *
window_correlation(const struct window *window)
{
	return window->correlation;
}

size_t
window_groups(const struct window *window)
{
	return window->n;
}

struct window_shared *
window_shared_of(const struct group *group)
{
	return group->window->shared;
}

const struct correlation *
group_correlation(const struct group *group)
{
	return group->window->correlation;
}

/* --- limits ---------------------------------------------------------------- */
/* A run that is open is worth more than any number of entries. */
static uint64_t
worth(const struct group *group)
{
	return group->run != NULL ? UINT64_C(1) << 32 :
	    (uint64_t)group->n + group->before;
}

static bool
is_worth_less(const struct group *a, const struct group *b)
{
	if (worth(a) != worth(b))
		return worth(a) < worth(b);
	return a->newest_ns < b->newest_ns;
}

static uint64_t
draw(struct window_shared *shared)
{
	shared->random = shared->random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return shared->random >> 33;
}

static bool
is_over_bytes(const struct window_shared *shared)
{
	return shared->bytes_limit > 0 &&
	    window_pool_used(shared->pool) + ghosts_bytes(shared->ghosts) >=
	    shared->bytes_limit;
}

static void
give_up(struct group *group)
{
	struct window *window = group->window;
	struct window_shared *shared = window->shared;

	if (shared->ghosts == NULL)
		shared->ghosts = ghosts_new(shared->bytes_limit /
		    GHOSTS_SHARE);
	ghosts_put(shared->ghosts, hash64_fixed(group_key(group),
	    window->salt), worth(group));
	window_forget(group);
	shared->evicted++;
}

/* Forgets the older half, and gives its memory back. */
static void
halve(struct group *group)
{
	struct window_pool *pool = group->window->shared->pool;
	struct window_entry *entries;
	size_t cap;

	entries_drop(group, group->n / 2);
	cap = window_pool_size(group->n * sizeof(*entries)) / sizeof(*entries);
	entries = window_pool_get(pool, cap * sizeof(*entries));
	memcpy(entries, group->entries + group->first,
	    group->n * sizeof(*entries));
	window_pool_put(pool, group->entries, group->cap * sizeof(*entries));
	group->entries = entries;
	group->first = 0;
	group->cap = (uint32_t)cap;
	group->window->shared->entries_capped++;
}

/* False if there is none to give up but the one to keep. A large one is not
 * given up but halved. */
static bool
evict_one(struct window *window, const struct group *keep)
{
	struct group *least = NULL;

	for (int i = 0; window->n > 0 && i < CANDIDATES; i++) {
		struct group *group =
		    window->groups[draw(window->shared) % window->n];

		if (group != keep &&
		    (least == NULL || is_worth_less(group, least)))
			least = group;
	}
	if (least == NULL)
		return false;
	if (least->n >= LARGE_ENTRIES && is_over_bytes(window->shared)) {
		halve(least);
		return true;
	}
	give_up(least);
	return true;
}

/* Who gives up: a window past its own share, else the one with most groups. A
 * scan that opens groups without end is soon that one, so it pushes out its
 * own and not those of other rules. */
static struct window *
giver(struct window *window)
{
	struct window_shared *shared = window->shared;

	if (shared->largest == NULL || window->n > shared->largest->n)
		shared->largest = window;
	if (shared->groups_per_rule > 0 &&
	    window->n >= shared->groups_per_rule)
		return window;
	if ((shared->groups_limit > 0 &&
	    shared->groups >= shared->groups_limit) || is_over_bytes(shared))
		return shared->largest;
	return NULL;
}

static void
make_room(struct window *window)
{
	struct window *from;

	for (int i = 0; i < EVICTIONS; i++) {
		from = giver(window);
		if (from == NULL || !evict_one(from, NULL))
			return;
	}
}

/* --- finding and entering -------------------------------------------------- */
static struct group *
group_new(struct window *window, struct slice key, uint64_t hash)
{
	struct group *group;

	make_room(window);
	if (window->n == window->cap) {
		window->cap = window->cap == 0 ? 16 : window->cap * 2;
		window->groups = xrealloc(window->groups,
		    window->cap * sizeof(struct group *));
	}
	if (2 * (window->n + 1) > window->mask + 1)
		window_index_groups(window, 2 * (window->mask + 1));
	group = window_pool_get(window->shared->pool,
	    sizeof(*group) + key.len);
	memset(group, 0, sizeof(*group));
	group->window = window;
	group->hash = hash;
	group->key_len = (uint16_t)key.len;
	if (window->shared->ghosts != NULL)
		group->before = (uint8_t)ghosts_take(window->shared->ghosts,
		    hash64_fixed(key, window->salt));
	memcpy(group->key, key.ptr, key.len);
	group->place = (uint32_t)window->n;
	window->groups[window->n++] = group;
	window->shared->groups++;
	return group;
}

struct group *
window_group(struct window *window, struct slice key)
{
	uint64_t hash = hash64_fixed(key, window->shared->seed);
	size_t at = hash & window->mask;
	struct group *group;

	check(key.len <= UINT16_MAX);
	for (; window->table[at] != NO_PLACE; at = (at + 1) & window->mask) {
		group = window->groups[window->table[at]];
		if (group->hash == hash && slice_eq(group_key(group), key))
			return group;
	}
	group = group_new(window, key, hash);
	at = hash & window->mask;
	while (window->table[at] != NO_PLACE)
		at = (at + 1) & window->mask;
	window->table[at] = group->place;
	return group;
}

size_t
group_lower(const struct group *group, int64_t time_ns)
{
	size_t low = 0, high = group->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (group_entry(group, middle)->time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
group_upper(const struct group *group, int64_t time_ns)
{
	size_t low = 0, high = group->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (group_entry(group, middle)->time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Before a group grows: others go for it. Where that is not enough, a large
 * one forgets its older half instead of growing. */
static void
make_room_for(struct group *group)
{
	struct window_shared *shared = group->window->shared;

	if (group->cap == 0)
		return;
	for (int i = 0; i < EVICTIONS_GROWTH && is_over_bytes(shared); i++)
		if (shared->largest == NULL ||
		    !evict_one(shared->largest, group))
			break;
	if (!is_over_bytes(shared) || group->n < LARGE_ENTRIES)
		return;
	halve(group);
}

/* Room for one more behind the last: what was dropped in front is used again
 * once it is half of all, so each entry is moved once at most. */
static void
make_place(struct group *group)
{
	struct window_pool *pool = group->window->shared->pool;
	struct window_entry *entries;
	size_t bytes, cap;

	if (group->first + group->n < group->cap)
		return;
	if (group->first > 0 && group->first >= group->cap / 2) {
		memmove(group->entries, group->entries + group->first,
		    group->n * sizeof(*entries));
		group->first = 0;
		return;
	}
	make_room_for(group);
	if (group->first + group->n < group->cap)
		return;
	cap = group->cap == 0 ? 1 : group->cap < SECOND_ENTRIES ?
	    SECOND_ENTRIES : 2 * (size_t)group->cap;
	bytes = window_pool_size(cap * sizeof(*entries));
	cap = bytes / sizeof(*entries);
	entries = window_pool_get(pool, cap * sizeof(*entries));
	if (group->cap > 0) {
		memcpy(entries, group->entries + group->first,
		    group->n * sizeof(*entries));
		window_pool_put(pool, group->entries,
		    group->cap * sizeof(*entries));
	}
	group->entries = entries;
	group->first = 0;
	group->cap = (uint32_t)cap;
}

static void
insert(struct group *group, const struct window_entry *entry)
{
	struct window_entry *entries;
	size_t at;

	make_place(group);
	at = group->n;
	entries = group->entries + group->first;
	if (at > 0 && entries[at - 1].time_ns > entry->time_ns) {
		at = group_upper(group, entry->time_ns);
		memmove(entries + at + 1, entries + at,
		    (group->n - at) * sizeof(*entries));
	}
	entries[at] = *entry;
	group->n++;
	if (entry->run != NULL)
		window_run_hold(entry->run);
	window_index_added(group, at);
}

static void
trim(struct group *group)
{
	int64_t span = group->window->correlation->timespan_ns;
	int64_t least = time_less(time_less(group->newest_ns, span), span);
	int64_t asked = time_less(group->window->shared->entering_ns, span);
	size_t gone = 0;

	if (asked < least)
		least = asked;
	while (gone < group->n && group_entry(group, gone)->time_ns < least)
		gone++;
	if (gone > 0)
		entries_drop(group, gone);
	if (group->n >= GROUP_ENTRIES) {
		entries_drop(group, group->n - GROUP_ENTRIES + 1);
		group->window->shared->entries_capped++;
	}
	if (group->n == 0) {
		window_index_free(group);
		group->first = 0;
		group->steps_seen = 0;
	}
}

/* Two spans past the newest entry nothing of the group can matter to a stream
 * in order. Where a stream is behind the clock (an old file is read), the span
 * is counted from the clock instead. */
static int64_t
due(const struct group *group)
{
	int64_t span = group->window->correlation->timespan_ns;
	int64_t now = wheel_now(group->window->shared->wheel);
	int64_t from = group->newest_ns > now ? group->newest_ns : now;

	return time_plus(time_plus(from, span), span);
}

/* We do not move a group at each event: it is looked at when its first time
 * comes, and put back if it was used since. */
static void
keep(struct group *group)
{
	if (group->node.link == NULL)
		wheel_add(group->window->shared->wheel, &group->node,
		    due(group));
	else
		group->node.due_ns = due(group);
}

bool
window_enter(struct group *group, const struct window_entry *entry)
{
	int64_t span = group->window->correlation->timespan_ns;
	bool fresh = group->node.link == NULL;	/* never entered */

	if (!fresh && entry->time_ns < time_less(group->newest_ns, span)) {
		group->window->shared->late++;
		return false;
	}
	if (fresh || entry->time_ns > group->newest_ns)
		group->newest_ns = entry->time_ns;
	trim(group);
	insert(group, entry);
	switch (group->window->correlation->type) {
	case CORRELATION_TEMPORAL:
	case CORRELATION_TEMPORAL_ORDERED:
		group->steps_seen |= entry->u.steps;
		break;
	default:
		break;
	}
	keep(group);
	return true;
}

/* --- testing --------------------------------------------------------------- */
bool
bounds_hold(const struct correlation_bounds *bounds, double value)
{
	return (!bounds->has_gt || value > bounds->gt) &&
	    (!bounds->has_gte || value >= bounds->gte) &&
	    (!bounds->has_lt || value < bounds->lt) &&
	    (!bounds->has_lte || value <= bounds->lte) &&
	    (!bounds->has_eq || value == bounds->eq) &&
	    (!bounds->has_neq || value != bounds->neq);
}

bool
window_test(struct group *group, int64_t time_ns, struct window_span *span)
{
	return tests[group->window->correlation->type](group, time_ns, span);
}

bool
group_next_end(const struct group *group, int64_t time_ns, int64_t *end_ns)
{
	int64_t last = time_plus(time_ns,
	    group->window->correlation->timespan_ns);
	size_t at;

	if (*end_ns == INT64_MIN) {
		*end_ns = time_ns;
		return true;
	}
	at = group_upper(group, *end_ns);
	if (at == group->n || group_entry(group, at)->time_ns > last)
		return false;
	*end_ns = group_entry(group, at)->time_ns;
	return true;
}

void
group_span(const struct group *group, int64_t end_ns, struct window_span *span)
{
	span->end_ns = end_ns;
	span->lo = group_lower(group, time_less(end_ns,
	    group->window->correlation->timespan_ns));
	span->hi = group_upper(group, end_ns);
}

/* Step i may stand no earlier than the earliest step i-1, and no later than
 * the latest step i+1; equal times are in order. */
void
window_reason(const struct group *group, const struct window_span *span,
    struct window_reason *reason)
{
	const struct correlation *c = group->window->correlation;
	size_t steps = c->nrefer < WINDOW_STEPS ? c->nrefer : WINDOW_STEPS;

	reason->chained = c->type == CORRELATION_TEMPORAL_ORDERED &&
	    !c->bounds_given && span->hi - span->lo <= REASON_ENTRIES;
	reason->steps = steps;
	if (!reason->chained)
		return;
	for (size_t i = 0; i < steps; i++) {
		size_t at = span->lo;

		while (at < span->hi &&
		    ((group_entry(group, at)->u.steps >> i & 1) == 0 ||
		    (i > 0 && group_entry(group, at)->time_ns <
		    reason->earliest_ns[i - 1])))
			at++;
		reason->earliest_ns[i] = at < span->hi ?
		    group_entry(group, at)->time_ns : INT64_MAX;
	}
	for (size_t i = steps; i-- > 0;) {
		size_t at = span->hi;

		while (at > span->lo &&
		    ((group_entry(group, at - 1)->u.steps >> i & 1) == 0 ||
		    (i + 1 < steps && group_entry(group, at - 1)->time_ns >
		    reason->latest_ns[i + 1])))
			at--;
		reason->latest_ns[i] = at > span->lo ?
		    group_entry(group, at - 1)->time_ns : INT64_MIN;
	}
}

bool
window_contributes(const struct window_reason *reason,
    const struct window_entry *entry)
{
	if (!reason->chained)
		return true;
	for (size_t i = 0; i < reason->steps; i++)
		if ((entry->u.steps >> i & 1) != 0 &&
		    entry->time_ns >= reason->earliest_ns[i] &&
		    entry->time_ns <= reason->latest_ns[i])
			return true;
	return false;
}
