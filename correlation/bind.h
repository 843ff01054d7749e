/* correlation/bind.h -- what belonged to what, and when.
 *
 * A table of yagura.bind: a key (an address; an address and a port) is bound
 * to a value (a host, a user, another address) from the time of the event that
 * says so until its lease ends, another event ends it, or the key is bound
 * anew. It is asked as of a time: an event that comes late finds what held
 * when it happened, as far back as BIND_HISTORY bindings of the key.
 *
 * Bounded: past BIND_KEYS keys of a table the one that was bound longest ago
 * is forgotten, which is counted. A key whose last binding ended is forgotten
 * once `keep_ns` have passed.
 *
 * Owner:  the correlate thread.
 * Memory: from the pool of windows, so it counts as they do.
 */
#ifndef YAGURA_CORRELATION_BIND_H
#define YAGURA_CORRELATION_BIND_H

#include "engine/slice.h"

#define BIND_KEYS 100000	/* of one table: 20 to 40 MB */
#define BIND_HISTORY 8		/* bindings of a key */
#define BIND_VALUE_BYTES 255	/* more is cut */

struct binds;
struct reader;
struct strbuf;
struct window_pool;

struct binds *binds_new(struct window_pool *pool, uint64_t seed,
    int64_t keep_ns);
void binds_free(struct binds *binds);	/* NULL does nothing */

/* The key is bound to the value from that time on, until end_ns at most. The
 * same value again only moves the end. */
void binds_learn(struct binds *binds, struct slice key, struct slice value,
    int64_t time_ns, int64_t end_ns);

/* What the key was bound to at that time is bound no more. */
void binds_end(struct binds *binds, struct slice key, int64_t time_ns);

/* Empty if nothing was. Valid until the table changes. */
struct slice binds_find(const struct binds *binds, struct slice key,
    int64_t time_ns);

/* Forgets keys that ended longer than keep_ns before. */
void binds_pass(struct binds *binds, int64_t now_ns);

size_t binds_count(const struct binds *binds);
uint64_t binds_forgotten(const struct binds *binds);	/* for room */

/* For a checkpoint; loads into a fresh table. */
void binds_save(const struct binds *binds, struct strbuf *out);
void binds_load(struct binds *binds, struct reader *r);

#endif
