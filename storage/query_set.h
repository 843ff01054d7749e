/* storage/query_set.h -- many values that one comparison asks for at once.
 *
 * Addresses in any spelling, networks, and texts without the case of letters.
 * A search asks it of every entry of a dictionary, so it costs one look-up
 * whatever the number of values; networks are asked one after the other.
 *
 * Owner:  one thread.
 * Memory: owned until query_set_free.
 */
#ifndef YAGURA_STORAGE_QUERY_SET_H
#define YAGURA_STORAGE_QUERY_SET_H

#include "engine/field.h"
#include "engine/slice.h"

struct cond;
struct query;
struct query_set;
struct value;

#define QUERY_SET_NETWORKS 4096	/* more are refused: each costs a comparison */

struct query_set *query_set_new(void);
void query_set_free(struct query_set *set);	/* NULL does nothing */

/* A value with the row it came from. False if it is empty, or one network too
 * many. The first row of a value stands. */
bool query_set_add(struct query_set *set, struct slice text, size_t row);

/* The row of the value, or -1. A scalar; null is in no set. */
ptrdiff_t query_set_find(struct query_set *set, const struct value *value);

/* A condition of the query: the field has a value of the set, which must live
 * as long as the query. */
struct cond *query_set_cond(struct query *query, field_t field,
    struct query_set *set);

#endif
