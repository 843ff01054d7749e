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
#define KEYTREE_WORD_BYTES 64	/* longer ones are not expected */
#define KEYTREE_ROOT 0
#define KEYTREE_NONE UINT32_MAX

struct arena;

struct keytree_node {
	const char *key;	/* the last part of the name */
	uint32_t len, parent;
	uint32_t next;		/* the node that followed last time */
	uint32_t hash;
	bool	 word;		/* the key is letters, digits, _ and - only */
	struct slice name;
};

/* Open for the two functions below that the compiler puts into the decoders;
 * the rest of its members are the tree's own. */
struct keytree {
	struct arena *arena;
	uint32_t n;
	uint32_t last;		/* node found last; root at the beginning */
	bool	 full;
	struct keytree_node *nodes;	/* KEYTREE_NODES of them */
	uint32_t *places;
};

struct keytree *keytree_new(void);
void keytree_free(struct keytree *tree);
void keytree_clear(struct keytree *tree);

/* The node of a key below a node, made if need be. */
uint32_t keytree_search(struct keytree *tree, uint32_t parent,
    struct slice key);

/* Keys are short; two overlapping loads are less than a call. */
static inline bool
keytree_same(const char *a, const char *b, size_t n)
{
	uint64_t x[2], y[2];
	uint32_t p[2], q[2];

	if (n > 16)
		return memcmp(a, b, n) == 0;
	if (n >= 8) {
		memcpy(&x[0], a, 8);
		memcpy(&x[1], a + n - 8, 8);
		memcpy(&y[0], b, 8);
		memcpy(&y[1], b + n - 8, 8);
		return x[0] == y[0] && x[1] == y[1];
	}
	if (n >= 4) {
		memcpy(&p[0], a, 4);
		memcpy(&p[1], a + n - 4, 4);
		memcpy(&q[0], b, 4);
		memcpy(&q[1], b + n - 4, 4);
		return p[0] == q[0] && p[1] == q[1];
	}
	while (n-- > 0)
		if (a[n] != b[n])
			return false;
	return true;
}

static inline uint32_t
keytree_child(struct keytree *tree, uint32_t parent, struct slice key)
{
	uint32_t guess = tree->nodes[tree->last].next;
	const struct keytree_node *node = &tree->nodes[guess];

	if (guess != 0 && node->parent == parent && node->len == key.len &&
	    keytree_same(node->key, key.ptr, key.len)) {
		tree->last = guess;
		return guess;
	}
	return keytree_search(tree, parent, key);
}

/* The key below `parent` that followed last time, if it is a word and stands
 * at p with `assign` behind it: for decoders whose keys end at such a sign,
 * who need not look for it then. KEYTREE_NONE if not. */
static inline uint32_t
keytree_expect(struct keytree *tree, uint32_t parent, const char *p,
    const char *end, char assign)
{
	uint32_t guess = tree->nodes[tree->last].next;
	const struct keytree_node *node = &tree->nodes[guess];

	if (guess == 0 || node->parent != parent || !node->word ||
	    (size_t)(end - p) <= node->len || p[node->len] != assign ||
	    !keytree_same(node->key, p, node->len))
		return KEYTREE_NONE;
	tree->last = guess;
	return guess;
}

/* The next key asked for is the first of a line. */
void keytree_rewind(struct keytree *tree);

/* "alert.signature"; borrowed until keytree_clear. */
struct slice keytree_name(const struct keytree *tree, uint32_t node);

bool keytree_full(const struct keytree *tree);

#endif
