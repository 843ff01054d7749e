/* Five wheels of 64 slots; a slot of the next wheel is a turn of this one. A
 * node waits on the wheel whose slots are as wide as its distance asks and
 * moves down when that slot comes round.
 */
#include "correlation/wheel.h"

#include <stdlib.h>

#include "engine/check.h"

#define TICK_BITS 30		/* 2^30 ns: 1.07 s */
#define SLOT_BITS 6
#define SLOTS (1u << SLOT_BITS)
#define LEVELS 5		/* 64^5 ticks: 36 years */

/* A jump past this many ticks (two weeks) is not walked: all is placed anew. */
#define WALK_TICKS (INT64_C(1) << 20)

struct wheel {
	int64_t	 now_ns, tick;
	struct wheel_node *slot[LEVELS][SLOTS];
};

struct wheel *
wheel_new(void)
{
	struct wheel *wheel = xcalloc(1, sizeof(*wheel));

	wheel->now_ns = INT64_MIN;
	return wheel;
}

void
wheel_free(struct wheel *wheel)
{
	free(wheel);
}

static void
link_first(struct wheel_node **slot, struct wheel_node *node)
{
	node->next = *slot;
	node->link = slot;
	if (*slot != NULL)
		(*slot)->link = &node->next;
	*slot = node;
}

static void
place(struct wheel *wheel, struct wheel_node *node)
{
	int64_t due = (node->due_ns >> TICK_BITS) + 1;
	int64_t ahead = due - wheel->tick;
	unsigned level = 0;

	if (ahead < 1) {
		ahead = 1;
		due = wheel->tick + 1;
	}
	while (level < LEVELS - 1 &&
	    ahead >> SLOT_BITS * (level + 1) != 0)
		level++;
	/* Past the last wheel's reach: its farthest slot, then again. */
	if (ahead >> SLOT_BITS * LEVELS != 0)
		due = wheel->tick + (INT64_C(1) << SLOT_BITS * LEVELS) - 1;
	link_first(&wheel->slot[level][(uint64_t)due >> SLOT_BITS * level &
	    (SLOTS - 1)], node);
}

void
wheel_add(struct wheel *wheel, struct wheel_node *node, int64_t due_ns)
{
	node->due_ns = due_ns;
	place(wheel, node);
}

void
wheel_remove(struct wheel_node *node)
{
	if (node->link == NULL)
		return;
	*node->link = node->next;
	if (node->next != NULL)
		node->next->link = node->link;
	node->link = NULL;
	node->next = NULL;
}

/* Takes a slot's nodes; those not yet due go back, further down. */
static void
turn(struct wheel *wheel, struct wheel_node **slot,
    void (*due)(struct wheel_node *, void *), void *arg)
{
	struct wheel_node *all = *slot, *node;

	if (all == NULL)
		return;
	all->link = &all;
	*slot = NULL;
	while ((node = all) != NULL) {
		wheel_remove(node);
		if (node->due_ns >> TICK_BITS < wheel->tick)
			due(node, arg);
		else
			place(wheel, node);
	}
}

static void
jump(struct wheel *wheel, int64_t tick,
    void (*due)(struct wheel_node *, void *), void *arg)
{
	struct wheel_node *all = NULL, *node;

	for (unsigned level = 0; level < LEVELS; level++) {
		for (unsigned i = 0; i < SLOTS; i++) {
			while ((node = wheel->slot[level][i]) != NULL) {
				wheel_remove(node);
				node->next = all;
				all = node;
			}
		}
	}
	wheel->tick = tick;
	while ((node = all) != NULL) {
		all = node->next;
		node->next = NULL;
		if (node->due_ns >> TICK_BITS < tick)
			due(node, arg);
		else
			place(wheel, node);
	}
}

void
wheel_advance(struct wheel *wheel, int64_t now_ns,
    void (*due)(struct wheel_node *node, void *arg), void *arg)
{
	int64_t to = now_ns >> TICK_BITS;

	if (wheel->now_ns != INT64_MIN && now_ns <= wheel->now_ns)
		return;
	if (wheel->now_ns == INT64_MIN || to - wheel->tick > WALK_TICKS) {
		wheel->now_ns = now_ns;
		jump(wheel, to, due, arg);
		return;
	}
	wheel->now_ns = now_ns;
	while (wheel->tick < to) {
		wheel->tick++;
		for (unsigned level = LEVELS; level-- > 0;) {
			uint64_t tick = (uint64_t)wheel->tick;
			uint64_t below =
			    (UINT64_C(1) << SLOT_BITS * level) - 1;

			if ((tick & below) == 0)
				turn(wheel, &wheel->slot[level][tick >>
				    SLOT_BITS * level & (SLOTS - 1)],
				    due, arg);
		}
	}
}

/* Last first: the way back is found through `link`, which for the first of a
 * slot leads to the slot itself. */
void
wheel_each(struct wheel *wheel, void (*each)(const struct wheel_node *node,
    unsigned slot, void *arg), void *arg)
{
	for (unsigned i = 0; i < LEVELS * SLOTS; i++) {
		struct wheel_node **slot = &wheel->slot[i / SLOTS][i % SLOTS];
		struct wheel_node *node = *slot;

		while (node != NULL && node->next != NULL)
			node = node->next;
		while (node != NULL) {
			each(node, i, arg);
			/* `next` is the first member of what link is in. */
			node = node->link == slot ? NULL :
			    (struct wheel_node *)(void *)node->link;
		}
	}
}

bool
wheel_put_back(struct wheel *wheel, struct wheel_node *node, uint64_t slot)
{
	if (slot >= LEVELS * SLOTS)
		return false;
	link_first(&wheel->slot[slot / SLOTS][slot % SLOTS], node);
	return true;
}

void
wheel_set(struct wheel *wheel, int64_t now_ns)
{
	wheel->now_ns = now_ns;
	wheel->tick = now_ns == INT64_MIN ? 0 : now_ns >> TICK_BITS;
}

int64_t
wheel_now(const struct wheel *wheel)
{
	return wheel->now_ns;
}
