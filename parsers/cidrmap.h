/* parsers/cidrmap.h -- from networks to numbers, longest match first.
 *
 * One hash lookup for each length of prefix that occurs, which in tables that
 * people keep are few. Immutable after the last cidrmap_add; then any thread
 * may read.
 */
#ifndef YAGURA_PARSERS_CIDRMAP_H
#define YAGURA_PARSERS_CIDRMAP_H

#include "engine/ip.h"

struct cidrmap;

struct cidrmap *cidrmap_new(void);
void cidrmap_free(struct cidrmap *map);		/* NULL does nothing */

/* The number's place, 0 if the network is new. Valid until the next add. */
uint64_t *cidrmap_add(struct cidrmap *map, const struct cidr *cidr);

size_t cidrmap_count(const struct cidrmap *map);

/* The networks that hold the address, longest first: start with *at = 0;
 * false when there is no further one. */
bool cidrmap_next(const struct cidrmap *map, const uint8_t ip[16], size_t *at,
    uint64_t *number);

#endif
