#include "parsers/cidrmap.h"

#include <stdlib.h>
#include <string.h>

#include "engine/check.h"
#include "engine/map.h"

#define LENGTHS 129		/* 0 to 128 bits */
#define KEY_BYTES 17		/* the masked address and its length */

struct cidrmap {
	struct map *map;
	size_t	 n;
	uint8_t	 lengths[LENGTHS];	/* that occur, longest first */
};

struct cidrmap *
cidrmap_new(void)
{
	struct cidrmap *map = xcalloc(1, sizeof(*map));

	map->map = map_new();
	return map;
}

void
cidrmap_free(struct cidrmap *map)
{
	if (map == NULL)
		return;
	map_free(map->map);
	free(map);
}

size_t
cidrmap_count(const struct cidrmap *map)
{
	return map_count(map->map);
}

static struct slice
key_of(const uint8_t ip[16], unsigned bits, char key[KEY_BYTES])
{
	size_t whole = bits / 8;

	memset(key, 0, KEY_BYTES);
	memcpy(key, ip, whole);
	if (bits % 8 != 0)
		key[whole] = (char)(ip[whole] & (0xff << (8 - bits % 8)));
	key[16] = (char)bits;
	return slice_of(key, KEY_BYTES);
}

static void
length_add(struct cidrmap *map, unsigned bits)
{
	size_t i = 0;

	while (i < map->n && map->lengths[i] > bits)
		i++;
	if (i < map->n && map->lengths[i] == bits)
		return;
	memmove(map->lengths + i + 1, map->lengths + i, map->n - i);
	map->lengths[i] = (uint8_t)bits;
	map->n++;
}

uint64_t *
cidrmap_add(struct cidrmap *map, const struct cidr *cidr)
{
	char key[KEY_BYTES];

	check(cidr->bits <= 128);
	length_add(map, cidr->bits);
	return &map_get(map->map, key_of(cidr->ip, cidr->bits, key),
	    NULL)->num;
}

bool
cidrmap_next(const struct cidrmap *map, const uint8_t ip[16], size_t *at,
    uint64_t *number)
{
	while (*at < map->n) {
		char key[KEY_BYTES];
		const union map_value *found = map_find(map->map,
		    key_of(ip, map->lengths[(*at)++], key));

		if (found != NULL) {
			*number = found->num;
			return true;
		}
	}
	return false;
}
