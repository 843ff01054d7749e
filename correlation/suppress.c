#include "correlation/suppress.h"

#include <stdlib.h>

#include "correlation/state.h"
#include "correlation/window_run.h"
#include "engine/check.h"
#include "engine/map.h"

struct suppress {
	struct map *map;	/* key to struct suppressed */
	int64_t	 newest_ns;
	uint64_t forgotten;
};

struct suppress *
suppress_new(void)
{
	struct suppress *suppress = xcalloc(1, sizeof(*suppress));

	suppress->map = map_new();
	suppress->newest_ns = INT64_MIN;
	return suppress;
}

static void
entry_free(struct suppressed *entry)
{
	window_run_drop(entry->run);
	free(entry);
}

void
suppress_free(struct suppress *suppress)
{
	union map_value value;
	struct slice key;
	size_t at = 0;

	if (suppress == NULL)
		return;
	while (map_next(suppress->map, &at, &key, &value))
		entry_free(value.ptr);
	map_free(suppress->map);
	free(suppress);
}

static int
compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The time that half of the entries were raised before. */
static int64_t
median(const struct suppress *suppress)
{
	size_t n = 0, at = 0, count = map_count(suppress->map);
	int64_t *times = xmalloc(count * sizeof(*times)), out;
	union map_value value;
	struct slice key;

	while (map_next(suppress->map, &at, &key, &value))
		times[n++] = ((struct suppressed *)value.ptr)->raised_ns;
	qsort(times, n, sizeof(*times), compare_times);
	out = times[n / 2];
	free(times);
	return out;
}

/* Keeps what is in force and, if that is too much, its younger half. */
static void
sweep(struct suppress *suppress)
{
	struct map *kept = map_new();
	int64_t least = INT64_MIN;
	union map_value value;
	struct slice key;
	size_t at = 0, live = 0;

	while (map_next(suppress->map, &at, &key, &value)) {
		struct suppressed *entry = value.ptr;

		live += entry->until_ns >= suppress->newest_ns;
	}
	if (live > SUPPRESS_KEYS / 2)
		least = median(suppress);
	at = 0;
	while (map_next(suppress->map, &at, &key, &value)) {
		struct suppressed *entry = value.ptr;

		if (entry->until_ns < suppress->newest_ns) {
			entry_free(entry);
		} else if (entry->raised_ns <= least) {
			suppress->forgotten++;
			entry_free(entry);
		} else {
			map_get(kept, key, NULL)->ptr = entry;
		}
	}
	map_free(suppress->map);
	suppress->map = kept;
}

struct suppressed *
suppress_ask(struct suppress *suppress, struct slice key, int64_t time_ns,
    int64_t span_ns, bool *raise, uint64_t *before)
{
	union map_value *place;
	struct suppressed *entry;
	bool made;

	if (map_count(suppress->map) >= SUPPRESS_KEYS)
		sweep(suppress);
	if (time_ns > suppress->newest_ns)
		suppress->newest_ns = time_ns;
	place = map_get(suppress->map, key, &made);
	if (made)
		place->ptr = xcalloc(1, sizeof(*entry));
	entry = place->ptr;
	/* A late event belongs to the alert too, unless it is so late that
	 * the alert would have held nothing back. */
	*raise = made || time_ns >= entry->until_ns ||
	    entry->raised_ns - time_ns >= span_ns;
	*before = entry->count;
	if (!*raise) {
		entry->count++;
		return entry;
	}
	entry->raised_ns = time_ns;
	if (__builtin_add_overflow(time_ns, span_ns, &entry->until_ns))
		entry->until_ns = INT64_MAX;
	entry->count = 0;
	return entry;
}

void
suppress_put(struct suppressed *entry, struct window_run *run)
{
	window_run_hold(run);
	window_run_drop(entry->run);
	entry->run = run;
}

size_t
suppress_keys(const struct suppress *suppress)
{
	return map_count(suppress->map);
}

uint64_t
suppress_forgotten(const struct suppress *suppress)
{
	return suppress->forgotten;
}

void
suppress_runs(const struct suppress *suppress,
    void (*each)(struct window_run *run, void *arg), void *arg)
{
	union map_value value;
	struct slice key;
	size_t at = 0;

	while (map_next(suppress->map, &at, &key, &value))
		each(((struct suppressed *)value.ptr)->run, arg);
}

void
suppress_save(const struct suppress *suppress, struct strbuf *out)
{
	union map_value value;
	struct slice key;
	size_t at = 0;

	state_put_time(out, suppress->newest_ns, 0);
	state_put(out, map_count(suppress->map));
	while (map_next(suppress->map, &at, &key, &value)) {
		const struct suppressed *entry = value.ptr;

		state_put_bytes(out, key);
		state_put_time(out, entry->raised_ns, 0);
		state_put_time(out, entry->until_ns, entry->raised_ns);
		state_put(out, entry->count);
		state_put(out, entry->run == NULL ? 0 : entry->run->number);
	}
}

void
suppress_load(struct suppress *suppress, struct reader *r,
    struct window_run *const *runs, size_t nruns)
{
	size_t n;

	suppress->newest_ns = state_time(r, 0);
	n = read_count(r, 5);
	for (; n > 0 && !r->bad; n--) {
		struct suppressed *entry = xcalloc(1, sizeof(*entry));
		struct slice key = state_bytes(r);
		union map_value *place;
		uint64_t run;
		bool made;

		entry->raised_ns = state_time(r, 0);
		entry->until_ns = state_time(r, entry->raised_ns);
		entry->count = read_varint(r);
		run = read_varint(r);
		place = map_get(suppress->map, key, &made);
		if (r->bad || !made || run == 0 || run > nruns) {
			r->bad = true;
			if (made)
				map_remove(suppress->map, key);
			free(entry);
			return;
		}
		entry->run = window_run_hold(runs[run - 1]);
		place->ptr = entry;
	}
}
