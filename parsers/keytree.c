#include "parsers/keytree.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/hash.h"

#define PLACES (KEYTREE_NODES * 2)	/* a power of two, at most half full */

struct keytree *
keytree_new(void)
{
	struct keytree *tree = xcalloc(1, sizeof(*tree));

	tree->nodes = xcalloc(KEYTREE_NODES, sizeof(*tree->nodes));
	tree->places = xcalloc(PLACES, sizeof(*tree->places));
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
	free(tree->nodes);
	free(tree->places);
	free(tree);
}

void
keytree_clear(struct keytree *tree)
{
	arena_reset(tree->arena);
	memset(tree->places, 0, PLACES * sizeof(*tree->places));
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

static inline bool
is_key(const struct keytree_node *node, uint32_t parent, struct slice key)
{
	return node->parent == parent && node->len == key.len &&
	    keytree_same(node->key, key.ptr, key.len);
}

static bool
is_word(struct slice key)
{
	for (size_t i = 0; i < key.len; i++) {
		char c = ascii_lower(key.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return key.len > 0 && key.len <= KEYTREE_WORD_BYTES;
}

static uint32_t
add(struct keytree *tree, uint32_t parent, struct slice key, uint32_t hash)
{
	struct slice above = tree->nodes[parent].name;
	size_t len = above.len + (above.len > 0) + key.len;
	struct keytree_node *node;
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
	*node = (struct keytree_node){ .key = name + len - key.len,
	    .len = (uint32_t)key.len, .parent = parent, .hash = hash,
	    .word = is_word(key), .name = slice_of(name, len) };
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
keytree_search(struct keytree *tree, uint32_t parent, struct slice key)
{
	uint32_t node;

	if (parent == KEYTREE_NONE || key.len > KEYTREE_NAME_BYTES)
		return KEYTREE_NONE;
	node = find(tree, parent, key);
	if (node == KEYTREE_NONE)
		return node;
	tree->nodes[tree->last].next = node;
	tree->last = node;
	return node;
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
