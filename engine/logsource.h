/* engine/logsource.h -- category, product and service of an event.
 *
 * The log source of Sigma, as a small number. A definition declares it; a rule
 * names the parts that it wants. The table only grows.
 *
 * Owner: all threads. Reading takes no lock: triples are appended, never moved
 * nor removed. One mutex orders those who add; logsource_intern takes it only
 * for a triple that is new.
 */
#ifndef YAGURA_ENGINE_LOGSOURCE_H
#define YAGURA_ENGINE_LOGSOURCE_H

#include "engine/slice.h"

#define LOGSOURCE_LIMIT 4096

struct logsource {
	struct slice category, product, service;	/* empty: not said */
};

/* The number of a triple, made if need be; 0 if all three are empty or the
 * table is full. Letters are folded to lower case. */
uint16_t logsource_intern(struct logsource logsource);

/* The triple of a number; lives for ever. 0 gives three empty slices. */
const struct logsource *logsource_at(uint16_t number);

#endif
