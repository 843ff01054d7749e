/* engine/snapshot.h -- one shared thing that is replaced while in use.
 *
 * Rules, definitions and lists are built beside the running ones and swapped
 * in whole. Who takes the one in force holds a count of it, for one batch.
 *
 * Owner: any thread.
 */
#ifndef YAGURA_ENGINE_SNAPSHOT_H
#define YAGURA_ENGINE_SNAPSHOT_H

struct snapshot;

/* Takes the caller's count of item. `get` adds a count and answers the item,
 * `put` drops one. */
struct snapshot *snapshot_new(void *item, void *(*get)(void *),
    void (*put)(void *));
void snapshot_free(struct snapshot *snapshot);	/* NULL does nothing */

/* The item in force, with a count for the caller. */
void *snapshot_get(struct snapshot *snapshot);

/* From now on this one; takes the caller's count. */
void snapshot_swap(struct snapshot *snapshot, void *item);

#endif
