/* Entries stand in a dense array in the order they came; a table of indexes
 * with linear probing finds them. Removing puts the last entry in the gap and
 * shifts the probe run back, so that no tombstones pile up.
 */
#include "engine/map.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/hash.h"

#define FIRST_SLOTS 16

struct entry {
	uint64_t hash;
	struct slice key;
	union map_value value;
};

struct map {
	struct entry *entries;
	uint32_t *slots;	/* 1 + index of an entry; 0: empty */
	size_t	 n, cap;	/* entries */
	size_t	 nslots;	/* a power of two, at most 3/4 used */
	bool	 borrowing;
};

static struct map *
map_make(bool borrowing)
{
	struct map *map = xcalloc(1, sizeof(*map));

	map->borrowing = borrowing;
	map->nslots = FIRST_SLOTS;
	map->slots = xcalloc(map->nslots, sizeof(*map->slots));
	return map;
}

struct map *
map_new(void)
{
	return map_make(false);
}

struct map *
map_new_borrowing(void)
{
	return map_make(true);
}

static void
key_free(const struct map *map, struct slice key)
{
	union { const char *in; char *out; } ptr = { .in = key.ptr };

	if (!map->borrowing)
		free(ptr.out);
}

void
map_free(struct map *map)
{
	if (map == NULL)
		return;
	for (size_t i = 0; i < map->n; i++)
		key_free(map, map->entries[i].key);
	free(map->entries);
	free(map->slots);
	free(map);
}

/* The slot that holds the key, or the empty one where it would go. */
static size_t
slot_of(const struct map *map, uint64_t hash, struct slice key)
{
	size_t mask = map->nslots - 1, at = hash & mask;

	for (; map->slots[at] != 0; at = (at + 1) & mask) {
		const struct entry *entry = &map->entries[map->slots[at] - 1];

		if (entry->hash == hash && slice_eq(entry->key, key))
			break;
	}
	return at;
}

/* The slot that names this entry; it must be there. */
static size_t
slot_naming(const struct map *map, size_t index)
{
	size_t mask = map->nslots - 1;
	size_t at = map->entries[index].hash & mask;

	while (map->slots[at] != index + 1)
		at = (at + 1) & mask;
	return at;
}

static void
grow_slots(struct map *map)
{
	free(map->slots);
	map->nslots *= 2;
	map->slots = xcalloc(map->nslots, sizeof(*map->slots));
	for (size_t i = 0; i < map->n; i++) {
		size_t mask = map->nslots - 1;
		size_t at = map->entries[i].hash & mask;

		while (map->slots[at] != 0)
			at = (at + 1) & mask;
		map->slots[at] = (uint32_t)i + 1;
	}
}

union map_value *
map_find(const struct map *map, struct slice key)
{
	size_t at = slot_of(map, hash64(key), key);

	if (map->slots[at] == 0)
		return NULL;
	return &map->entries[map->slots[at] - 1].value;
}

static struct slice
key_copy(struct slice key)
{
	char *ptr = xmalloc(key.len);

	if (key.len > 0)
		memcpy(ptr, key.ptr, key.len);
	return slice_of(ptr, key.len);
}

union map_value *
map_get(struct map *map, struct slice key, bool *made)
{
	uint64_t hash = hash64(key);
	size_t at = slot_of(map, hash, key);
	struct entry *entry;

	if (made != NULL)
		*made = map->slots[at] == 0;
	if (map->slots[at] != 0)
		return &map->entries[map->slots[at] - 1].value;
	check(map->n < UINT32_MAX - 1);
	if ((map->n + 1) * 4 > map->nslots * 3) {
		grow_slots(map);
		at = slot_of(map, hash, key);
	}
	if (map->n == map->cap) {
		map->cap = map->cap > 0 ? map->cap * 2 : FIRST_SLOTS;
		map->entries = xrealloc(map->entries,
		    map->cap * sizeof(*map->entries));
	}
	entry = &map->entries[map->n++];
	entry->hash = hash;
	entry->key = map->borrowing ? key : key_copy(key);
	entry->value = (union map_value){ .num = 0 };
	map->slots[at] = (uint32_t)map->n;
	return &entry->value;
}

/* Moves later members of the probe run into the hole at `gap` whenever their
 * home does not lie between the two. */
static void
close_gap(struct map *map, size_t gap)
{
	size_t mask = map->nslots - 1;

	for (size_t at = (gap + 1) & mask; map->slots[at] != 0;
	    at = (at + 1) & mask) {
		size_t home = map->entries[map->slots[at] - 1].hash & mask;

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			map->slots[gap] = map->slots[at];
			gap = at;
		}
	}
	map->slots[gap] = 0;
}

bool
map_remove(struct map *map, struct slice key)
{
	size_t at = slot_of(map, hash64(key), key), index, last;

	if (map->slots[at] == 0)
		return false;
	index = map->slots[at] - 1;
	close_gap(map, at);
	key_free(map, map->entries[index].key);
	last = map->n - 1;
	if (index != last) {
		map->slots[slot_naming(map, last)] = (uint32_t)index + 1;
		map->entries[index] = map->entries[last];
	}
	map->n--;
	return true;
}

size_t
map_count(const struct map *map)
{
	return map->n;
}

bool
map_next(const struct map *map, size_t *at, struct slice *key,
    union map_value *value)
{
	if (*at >= map->n)
		return false;
	if (key != NULL)
		*key = map->entries[*at].key;
	if (value != NULL)
		*value = map->entries[*at].value;
	++*at;
	return true;
}
