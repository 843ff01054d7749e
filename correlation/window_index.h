/* correlation/window_index.h -- what a busy group knows without looking.
 *
 * A small group is asked by looking at its entries. One that holds many would
 * make every event pay for all before it, so from INDEX_ENTRIES on it keeps,
 * for the window that ends with its newest entry:
 *
 *	value_count		how often each value is in it
 *	temporal		when each step was last met
 *	temporal_ordered	when a chain up to each step began at the latest
 *
 * Late events ask the entries, as in a small group.
 *
 * Owner: the group. Memory: the pool's and malloc's, counted in the pool.
 */
#ifndef YAGURA_CORRELATION_WINDOW_INDEX_H
#define YAGURA_CORRELATION_WINDOW_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#define INDEX_ENTRIES 64

struct group;

/* After an entry was put at a place of the group. */
void window_index_added(struct group *group, size_t at);

/* Before the first n entries go. */
void window_index_dropping(struct group *group, size_t n);

void window_index_free(struct group *group);

/* For a checkpoint, of a group that has one. */
struct reader;
struct strbuf;
void window_index_save(const struct group *group, struct strbuf *out);
void window_index_load(struct group *group, struct reader *r);

/* The value of the window that ends with the newest entry: different values,
 * steps met. */
double window_index_distinct(struct group *group);
unsigned long long window_index_steps(struct group *group);

/* Whether that window holds a whole chain. */
bool window_index_chain(struct group *group);

#endif
