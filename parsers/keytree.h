/* parsers/keytree.h -- the names of keys that a lane has met.
 *
 * A key is a node below the node of the object that holds it; the names of
 * nested keys are never put together while a line is read. A line's keys come
 * in much the same order as the last line's, so each node remembers which one
 * followed it, and most keys are found with one comparison.
 *
 * Bounded: past KEYTREE_NODES keytree_child answers KEYTREE_NONE, and the lane
 * forgets the whole tree before the next line, so a sender of random keys
 * costs time and no memory.
 *
 * Owner: one lane.
 */
#ifndef YAGURA_PARSERS_KEYTREE_H
#define YAGURA_PARSERS_KEYTREE_H

#include "engine/slice.h"

#define KEYTREE_NODES 16384
#define KEYTREE_NAME_BYTES 200	/* longer names stay in the raw line */
#define KEYTREE_ROOT 0
#define KEYTREE_NONE UINT32_MAX

struct keytree;

struct keytree *keytree_new(void);
void keytree_free(struct keytree *tree);
void keytree_clear(struct keytree *tree);

/* The node of a key below a node, made if need be. */
uint32_t keytree_child(struct keytree *tree, uint32_t parent,
    struct slice key);

/* The next key asked for is the first of a line. */
void keytree_rewind(struct keytree *tree);

/* "alert.signature"; borrowed until keytree_clear. */
struct slice keytree_name(const struct keytree *tree, uint32_t node);

bool keytree_full(const struct keytree *tree);

#endif
