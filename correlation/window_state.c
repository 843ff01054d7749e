/* What a window holds, as bytes of a checkpoint and back.
 *
 * Groups stand in the order of the window's list and rooms are kept as large
 * as they were: which group goes next for lack of room hangs on both, and a
 * restart must change nothing of that.
 *
 * A group: key, what it was worth before, flags, times, steps, run, rooms,
 * entries, words, index if it has one, when it is due. An entry: time since
 * the one before, sequence, value as eight bytes, run.
 */
#include "correlation/window.h"

#include <stdlib.h>
#include <string.h>

#include "correlation/state.h"
#include "correlation/window_index.h"
#include "correlation/window_pool.h"
#include "correlation/window_run.h"
#include "correlation/words.h"
#include "engine/check.h"
#include "engine/hash.h"

#define FIRED 1u
#define HELD 2u
#define INDEXED 4u
#define GROUP_LEAST 12		/* bytes of a group at least */
#define ENTRY_LEAST 11
#define KEY_MOST UINT16_MAX

void
window_runs(const struct window *window,
    void (*each)(struct window_run *run, void *arg), void *arg)
{
	for (size_t i = 0; i < window->n; i++) {
		const struct group *group = window->groups[i];

		if (group->run != NULL)
			each(group->run, arg);
		for (size_t k = 0; k < group->n; k++)
			if (group_entry(group, k)->run != NULL)
				each(group_entry(group, k)->run, arg);
	}
}

static uint64_t
number_of(const struct window_run *run)
{
	return run == NULL ? 0 : run->number;
}

static void
save_entries(const struct group *group, struct strbuf *out)
{
	int64_t last_ns = group->newest_ns;
	uint64_t last = 0;

	state_put(out, group->cap);
	state_put(out, group->first);
	state_put(out, group->n);
	for (size_t i = 0; i < group->n; i++) {
		const struct window_entry *entry = group_entry(group, i);

		state_put_time(out, entry->time_ns, last_ns);
		state_put(out, zigzag((int64_t)(entry_seq(entry) - last)));
		state_put_bits(out, entry->u.value);
		state_put(out, 2 * number_of(entry->run) +
		    ((entry->seq & ENTRY_LISTED) != 0));
		last_ns = entry->time_ns;
		last = entry_seq(entry);
	}
}

void
window_save(const struct window *window, struct strbuf *out)
{
	state_put(out, window->n);
	for (size_t i = 0; i < window->n; i++) {
		const struct group *group = window->groups[i];

		state_put_bytes(out, group_key(group));
		state_put(out, group->before);
		state_put(out, (group->fired ? FIRED : 0) |
		    (group->held ? HELD : 0) |
		    (group->index != NULL ? INDEXED : 0));
		state_put_time(out, group->newest_ns, 0);
		state_put_time(out, group->fired_ns, group->newest_ns);
		state_put(out, group->steps_seen);
		state_put(out, number_of(group->run));
		save_entries(group, out);
		words_save(group->words, out);
		if (group->index != NULL)
			window_index_save(group, out);
		state_put_time(out, group->node.due_ns, group->newest_ns);
	}
}

/* --- reading --------------------------------------------------------------- */
struct runs {
	struct window_run *const *all;
	size_t	 n;
};

static struct window_run *
run_at(struct reader *r, const struct runs *runs, uint64_t number)
{
	if (number > runs->n)
		r->bad = true;
	if (r->bad || number == 0)
		return NULL;
	return window_run_hold(runs->all[number - 1]);
}

static void
load_entries(struct group *group, struct reader *r, const struct runs *runs)
{
	int64_t last_ns = group->newest_ns;
	uint64_t last = 0;
	uint64_t cap = read_varint(r), first = read_varint(r);
	size_t n = read_count(r, ENTRY_LEAST);

	if (cap > 2 * (uint64_t)GROUP_ENTRIES || n > GROUP_ENTRIES ||
	    first > cap || n > cap - first)
		r->bad = true;
	if (r->bad || cap == 0)
		return;
	group->entries = window_pool_get(window_shared_of(group)->pool,
	    (size_t)cap * sizeof(*group->entries));
	group->cap = (uint32_t)cap;
	group->first = (uint32_t)first;
	for (; group->n < n && !r->bad; group->n++) {
		struct window_entry *entry = &group->entries[first + group->n];
		uint64_t number;

		entry->time_ns = state_time(r, last_ns);
		last += (uint64_t)unzigzag(read_varint(r));
		entry->u.value = read_u64(r);
		number = read_varint(r);
		entry->run = run_at(r, runs, number / 2);
		entry->seq = number % 2 != 0 ? last | ENTRY_LISTED : last;
		/* Searched by halves, so they must rise. */
		if (group->n > 0 && entry->time_ns < last_ns)
			r->bad = true;
		last_ns = entry->time_ns;
	}
}

static struct group *
load_group(struct window *window, struct slice key, struct reader *r,
    const struct runs *runs)
{
	struct window_pool *pool = window->shared->pool;
	struct group *group = window_pool_get(pool, sizeof(*group) + key.len);
	uint64_t flags;

	memset(group, 0, sizeof(*group));
	group->window = window;
	group->hash = hash64_fixed(key, window->shared->seed);
	group->key_len = (uint16_t)key.len;
	memcpy(group->key, key.ptr, key.len);
	group->before = (uint8_t)read_varint(r);
	flags = read_varint(r);
	group->fired = (flags & FIRED) != 0;
	group->held = (flags & HELD) != 0;
	group->newest_ns = state_time(r, 0);
	group->fired_ns = state_time(r, group->newest_ns);
	group->steps_seen = read_varint(r);
	group->run = run_at(r, runs, read_varint(r));
	load_entries(group, r, runs);
	words_load(pool, &group->words, r);
	if ((flags & INDEXED) != 0 && !r->bad)
		window_index_load(group, r);
	group->node.due_ns = state_time(r, group->newest_ns);
	return group;
}

void
window_load(struct window *window, struct reader *r,
    struct window_run *const *all, size_t nruns)
{
	const struct runs runs = { all, nruns };
	size_t n = read_count(r, GROUP_LEAST), size = window->mask + 1;

	check(window->n == 0);
	while (size < 2 * n)
		size *= 2;
	free(window->groups);
	window->cap = n < 16 ? 16 : n;
	window->groups = xcalloc(window->cap, sizeof(*window->groups));
	for (; window->n < n && !r->bad; window->n++) {
		struct slice key = state_bytes(r);

		if (key.len > KEY_MOST)
			r->bad = true;
		if (r->bad)
			break;
		window->groups[window->n] = load_group(window, key, r, &runs);
		window->groups[window->n]->place = (uint32_t)window->n;
	}
	window->shared->groups += window->n;
	window_index_groups(window, size);
}
