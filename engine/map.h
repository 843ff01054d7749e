/* engine/map.h -- from bytes to a number or a pointer.
 *
 * Open addressing, keyed hash. Keys are copied unless the map was made with
 * map_new_borrowing, whose keys must outlive it.
 *
 * Owner: one thread; a map that nobody changes may be read by all.
 */
#ifndef YAGURA_ENGINE_MAP_H
#define YAGURA_ENGINE_MAP_H

#include "engine/slice.h"

union map_value {
	void	*ptr;
	uint64_t num;
};

struct map;

struct map *map_new(void);
struct map *map_new_borrowing(void);
void map_free(struct map *map);			/* NULL does nothing */

/* The value's place, valid until the map changes; NULL if there is none. */
union map_value *map_find(const struct map *map, struct slice key);

/* The value's place; made and cleared if there was none, *made says so (may
 * be NULL). */
union map_value *map_get(struct map *map, struct slice key, bool *made);

/* False if there was none. */
bool map_remove(struct map *map, struct slice key);

size_t map_count(const struct map *map);

/* All entries in no order: start with *at = 0; false at the end. The map must
 * not change meanwhile. */
bool map_next(const struct map *map, size_t *at, struct slice *key,
    union map_value *value);

#endif
