/* Keys in buckets, and in a list by when they were bound last. The bindings of
 * a key stand newest first; each ends at its own end or where the next begins.
 */
#include "correlation/bind.h"

#include <stdlib.h>
#include <string.h>

#include "correlation/state.h"
#include "correlation/window.h"
#include "correlation/window_pool.h"
#include "engine/check.h"
#include "engine/hash.h"

#define FIRST_BUCKETS 64
#define PASSED 2		/* keys forgotten at a time, at most */

struct binding {
	struct binding *older;
	int64_t	 time_ns, end_ns;
	uint8_t	 len;
	char	 value[];
};

struct bound {
	struct bound *next;		/* of its bucket */
	struct bound *before, *after;	/* bound before, after this one */
	struct binding *newest;
	uint64_t hash;
	uint16_t key_len;
	char	 key[];
};

struct binds {
	struct window_pool *pool;
	uint64_t seed;
	int64_t	 keep_ns;
	struct bound **buckets;
	size_t	 n, mask;
	struct bound *oldest, *newest;
	uint64_t forgotten;
};

struct binds *
binds_new(struct window_pool *pool, uint64_t seed, int64_t keep_ns)
{
	struct binds *binds = xcalloc(1, sizeof(*binds));

	binds->pool = pool;
	binds->seed = seed;
	binds->keep_ns = keep_ns;
	binds->mask = FIRST_BUCKETS - 1;
	binds->buckets = xcalloc(FIRST_BUCKETS, sizeof(*binds->buckets));
	return binds;
}

static void
drop_binding(struct binds *binds, struct binding *binding)
{
	window_pool_put(binds->pool, binding, sizeof(*binding) + binding->len);
}

static void
unlink_age(struct binds *binds, struct bound *bound)
{
	*(bound->before != NULL ? &bound->before->after : &binds->oldest) =
	    bound->after;
	*(bound->after != NULL ? &bound->after->before : &binds->newest) =
	    bound->before;
}

static void
link_newest(struct binds *binds, struct bound *bound)
{
	bound->before = binds->newest;
	bound->after = NULL;
	*(binds->newest != NULL ? &binds->newest->after : &binds->oldest) =
	    bound;
	binds->newest = bound;
}

static void
forget(struct binds *binds, struct bound *bound)
{
	struct bound **link = &binds->buckets[bound->hash & binds->mask];
	struct binding *binding;

	while (*link != bound)
		link = &(*link)->next;
	*link = bound->next;
	unlink_age(binds, bound);
	while ((binding = bound->newest) != NULL) {
		bound->newest = binding->older;
		drop_binding(binds, binding);
	}
	window_pool_put(binds->pool, bound, sizeof(*bound) + bound->key_len);
	binds->n--;
}

void
binds_free(struct binds *binds)
{
	if (binds == NULL)
		return;
	while (binds->oldest != NULL)
		forget(binds, binds->oldest);
	free(binds->buckets);
	free(binds);
}

static struct bound *
find(const struct binds *binds, struct slice key, uint64_t hash)
{
	struct bound *bound = binds->buckets[hash & binds->mask];

	while (bound != NULL && (bound->hash != hash ||
	    !slice_eq(slice_of(bound->key, bound->key_len), key)))
		bound = bound->next;
	return bound;
}

static void
grow(struct binds *binds)
{
	size_t mask = 2 * binds->mask + 1;
	struct bound **buckets;

	if (binds->n <= binds->mask)
		return;
	buckets = xcalloc(mask + 1, sizeof(*buckets));
	for (struct bound *bound = binds->oldest; bound != NULL;
	    bound = bound->after) {
		bound->next = buckets[bound->hash & mask];
		buckets[bound->hash & mask] = bound;
	}
	free(binds->buckets);
	binds->buckets = buckets;
	binds->mask = mask;
}

static struct bound *
get(struct binds *binds, struct slice key)
{
	uint64_t hash = hash64_fixed(key, binds->seed);
	struct bound *bound = find(binds, key, hash), **bucket;

	if (bound != NULL) {
		unlink_age(binds, bound);
		link_newest(binds, bound);
		return bound;
	}
	if (binds->n >= BIND_KEYS) {
		forget(binds, binds->oldest);
		binds->forgotten++;
	}
	check(key.len <= UINT16_MAX);
	bound = window_pool_get(binds->pool, sizeof(*bound) + key.len);
	bound->newest = NULL;
	bound->hash = hash;
	bound->key_len = (uint16_t)key.len;
	memcpy(bound->key, key.ptr, key.len);
	bucket = &binds->buckets[hash & binds->mask];
	bound->next = *bucket;
	*bucket = bound;
	link_newest(binds, bound);
	binds->n++;
	grow(binds);
	return bound;
}

static void
cap_history(struct binds *binds, struct bound *bound)
{
	struct binding **link = &bound->newest;

	for (int i = 0; *link != NULL && i < BIND_HISTORY; i++)
		link = &(*link)->older;
	if (*link != NULL) {
		drop_binding(binds, *link);
		*link = NULL;
	}
}

/* Of several that begin at one time the last that came holds. */
void
binds_learn(struct binds *binds, struct slice key, struct slice value,
    int64_t time_ns, int64_t end_ns)
{
	struct bound *bound = get(binds, key);
	struct binding **link = &bound->newest, *old, *binding;

	value = slice_head(value, value.len < BIND_VALUE_BYTES ? value.len :
	    BIND_VALUE_BYTES);
	while (*link != NULL && (*link)->time_ns > time_ns)
		link = &(*link)->older;
	old = *link;
	if (old != NULL && slice_eq(slice_of(old->value, old->len), value) &&
	    old->end_ns >= time_ns) {
		if (end_ns > old->end_ns)
			old->end_ns = end_ns;
		return;
	}
	binding = window_pool_get(binds->pool, sizeof(*binding) + value.len);
	binding->time_ns = time_ns;
	binding->end_ns = end_ns;
	binding->len = (uint8_t)value.len;
	memcpy(binding->value, value.ptr, value.len);
	binding->older = old;
	*link = binding;
	cap_history(binds, bound);
}

/* The binding in force at that time. */
static struct binding *
at(const struct bound *bound, int64_t time_ns)
{
	struct binding *binding = bound->newest;

	while (binding != NULL && binding->time_ns > time_ns)
		binding = binding->older;
	return binding != NULL && binding->end_ns >= time_ns ? binding : NULL;
}

void
binds_end(struct binds *binds, struct slice key, int64_t time_ns)
{
	struct bound *bound = find(binds, key, hash64_fixed(key,
	    binds->seed));
	struct binding *binding = bound == NULL ? NULL : at(bound, time_ns);

	if (binding != NULL)
		binding->end_ns = time_ns;
}

struct slice
binds_find(const struct binds *binds, struct slice key, int64_t time_ns)
{
	const struct bound *bound = find(binds, key, hash64_fixed(key,
	    binds->seed));
	const struct binding *binding = bound == NULL ? NULL :
	    at(bound, time_ns);

	return binding == NULL ? SLICE("") :
	    slice_of(binding->value, binding->len);
}

void
binds_pass(struct binds *binds, int64_t now_ns)
{
	int64_t least = time_less(now_ns, binds->keep_ns);

	for (int i = 0; i < PASSED && binds->oldest != NULL; i++) {
		if (binds->oldest->newest != NULL &&
		    binds->oldest->newest->end_ns >= least)
			return;
		forget(binds, binds->oldest);
	}
}

size_t
binds_count(const struct binds *binds)
{
	return binds->n;
}

uint64_t
binds_forgotten(const struct binds *binds)
{
	return binds->forgotten;
}

/* --- checkpoints ------------------------------------------------------------ */
void
binds_save(const struct binds *binds, struct strbuf *out)
{
	state_put(out, binds->n);
	for (const struct bound *bound = binds->oldest; bound != NULL;
	    bound = bound->after) {
		size_t n = 0;

		state_put_bytes(out, slice_of(bound->key, bound->key_len));
		for (const struct binding *b = bound->newest; b != NULL;
		    b = b->older)
			n++;
		state_put(out, n);
		for (const struct binding *b = bound->newest; b != NULL;
		    b = b->older) {
			state_put_time(out, b->time_ns, 0);
			state_put_time(out, b->end_ns, b->time_ns);
			state_put_bytes(out, slice_of(b->value, b->len));
		}
	}
}

static void
load_binding(struct binds *binds, struct reader *r, struct binding ***link)
{
	int64_t time_ns = state_time(r, 0), end_ns = state_time(r, time_ns);
	struct slice value = state_bytes(r);
	struct binding *binding;

	if (value.len > BIND_VALUE_BYTES)
		r->bad = true;
	if (r->bad)
		return;
	binding = window_pool_get(binds->pool, sizeof(*binding) + value.len);
	binding->older = NULL;
	binding->time_ns = time_ns;
	binding->end_ns = end_ns;
	binding->len = (uint8_t)value.len;
	memcpy(binding->value, value.ptr, value.len);
	**link = binding;
	*link = &binding->older;
}

void
binds_load(struct binds *binds, struct reader *r)
{
	size_t n = read_count(r, 2);

	if (n > BIND_KEYS)
		r->bad = true;
	for (; n > 0 && !r->bad; n--) {
		struct slice key = state_bytes(r);
		size_t count = read_count(r, 3);
		struct bound *bound;
		struct binding **link;

		if (key.len > UINT16_MAX || count > BIND_HISTORY)
			r->bad = true;
		if (r->bad)
			return;
		bound = get(binds, key);
		link = &bound->newest;
		if (*link != NULL)	/* twice the same key */
			r->bad = true;
		for (; count > 0 && !r->bad; count--)
			load_binding(binds, r, &link);
	}
}
