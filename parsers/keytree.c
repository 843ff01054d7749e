#include "parsers/keytree.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/hash.h"

#define PLACES (KEYTREE_NODES * 2)	/* a power of two, at most half full */

struct node {
	const char *key;	/* the last part of the name */
	uint32_t len, parent;
	uint32_t next;		/* the node that followed last time */
	uint32_t hash;
	struct slice name;
};

struct keytree {
	struct arena *arena;
	uint32_t n;
	uint32_t last;		/* node found last; root at the beginning */
	bool	 full;
	struct node nodes[KEYTREE_NODES];
	uint32_t places[PLACES];	/* node number + 1; 0 is free */
};

struct keytree *
keytree_new(void)
{
	struct keytree *tree = xcalloc(1, sizeof(*tree));

	tree->arena = arena_new(65536);
	tree->n = 1;
	return tree;
}

void
keytree_free(struct keytree *tree)
{
	if (tree == NULL)
		return;
	arena_free(tree->arena);
	free(tree);
}

void
keytree_clear(struct keytree *tree)
{
	arena_reset(tree->arena);
	memset(tree->places, 0, sizeof(tree->places));
	memset(&tree->nodes[0], 0, sizeof(tree->nodes[0]));
	tree->n = 1;
	tree->last = 0;
	tree->full = false;
}

void
keytree_rewind(struct keytree *tree)
{
	tree->last = KEYTREE_ROOT;
}

/* Keys are short; two overlapping loads are less than a call. */
static inline bool
same_bytes(const char *a, const char *b, size_t n)
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

static inline bool
is_key(const struct node *node, uint32_t parent, struct slice key)
{
	return node->parent == parent && node->len == key.len &&
	    same_bytes(node->key, key.ptr, key.len);
}

static uint32_t
add(struct keytree *tree, uint32_t parent, struct slice key, uint32_t hash)
{
	struct slice above = tree->nodes[parent].name;
	size_t len = above.len + (above.len > 0) + key.len;
	struct node *node;
	char *name;

	if (len > KEYTREE_NAME_BYTES)
		return KEYTREE_NONE;
	if (tree->n == KEYTREE_NODES) {
		tree->full = true;
		return KEYTREE_NONE;
	}
	name = arena_text(tree->arena, len + 1);
	if (above.len > 0) {
		memcpy(name, above.ptr, above.len);
		name[above.len] = '.';
	}
	if (key.len > 0)
		memcpy(name + len - key.len, key.ptr, key.len);
	node = &tree->nodes[tree->n];
	*node = (struct node){ .key = name + len - key.len,
	    .len = (uint32_t)key.len, .parent = parent, .hash = hash,
	    .name = slice_of(name, len) };
	return tree->n++;
}

static uint32_t
find(struct keytree *tree, uint32_t parent, struct slice key)
{
	uint32_t hash = (uint32_t)hash64(key) + parent * 0x9e3779b1u;
	uint32_t at = hash & (PLACES - 1), number;

	while ((number = tree->places[at]) != 0) {
		if (tree->nodes[number - 1].hash == hash &&
		    is_key(&tree->nodes[number - 1], parent, key))
			return number - 1;
		at = (at + 1) & (PLACES - 1);
	}
	number = add(tree, parent, key, hash);
	if (number != KEYTREE_NONE)
		tree->places[at] = number + 1;
	return number;
}

uint32_t
keytree_child(struct keytree *tree, uint32_t parent, struct slice key)
{
	uint32_t guess = tree->nodes[tree->last].next;

	if (parent == KEYTREE_NONE || key.len > KEYTREE_NAME_BYTES)
		return KEYTREE_NONE;
	if (guess != 0 && is_key(&tree->nodes[guess], parent, key)) {
		tree->last = guess;
		return guess;
	}
	guess = find(tree, parent, key);
	if (guess == KEYTREE_NONE)
		return guess;
	tree->nodes[tree->last].next = guess;
	tree->last = guess;
	return guess;
}

struct slice
keytree_name(const struct keytree *tree, uint32_t node)
{
	check(node < tree->n);
	return tree->nodes[node].name;
}

bool
keytree_full(const struct keytree *tree)
{
	return tree->full;
}
