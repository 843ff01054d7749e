/* correlation/wheel.h -- what is to be forgotten, by when.
 *
 * A hierarchical timing wheel over event time. Adding and removing cost the
 * same however many wait. Something may come due up to a tick (about a second)
 * later than asked, never earlier.
 *
 * Owner: the correlate thread. Nodes are embedded in what they stand for.
 */
#ifndef YAGURA_CORRELATION_WHEEL_H
#define YAGURA_CORRELATION_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wheel_node {
	struct wheel_node *next, **link;	/* link NULL: not on the wheel */
	int64_t	 due_ns;
};

struct wheel;

struct wheel *wheel_new(void);		/* owned; its clock is not set */
void wheel_free(struct wheel *wheel);	/* nodes are the caller's */

void wheel_add(struct wheel *wheel, struct wheel_node *node, int64_t due_ns);
void wheel_remove(struct wheel_node *node);	/* nothing if not on it */

/* Moves the clock, never back, and takes what is due off the wheel, calling
 * `due` for each; `due` may add it again, or others. */
void wheel_advance(struct wheel *wheel, int64_t now_ns,
    void (*due)(struct wheel_node *node, void *arg), void *arg);

/* For a checkpoint. A slot's nodes come last first, and are put back in that
 * order: then each slot is as it was, and so is all that follows. */
void wheel_each(struct wheel *wheel, void (*each)(const struct wheel_node *node,
    unsigned slot, void *arg), void *arg);
bool wheel_put_back(struct wheel *wheel, struct wheel_node *node,
    uint64_t slot);	/* false: no such slot */
void wheel_set(struct wheel *wheel, int64_t now_ns);	/* while it is empty */

int64_t wheel_now(const struct wheel *wheel);	/* INT64_MIN if not set */

#endif
