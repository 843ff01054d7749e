/* parsers/template_tree.h -- a tree of templates as the matcher walks it.
 *
 * template_finish() lays the nodes out anew, each with its literals and its
 * captures side by side, so that a match reads few lines of memory.
 *
 * Memory: in the arena of the tree; immutable, any thread.
 */
#ifndef YAGURA_PARSERS_TEMPLATE_TREE_H
#define YAGURA_PARSERS_TEMPLATE_TREE_H

#include "engine/slice.h"

#define TEMPLATE_DISCARD UINT16_MAX	/* name of a capture nobody keeps */

/* In the order in which they are tried: narrow before wide. */
enum template_type {
	TYPE_IP, TYPE_MAC, TYPE_TIME, TYPE_INT, TYPE_NUM, TYPE_HEX,
	TYPE_QUOTED, TYPE_KEY, TYPE_HOST, TYPE_WORD, TYPE_TO, TYPE_TEXT,
	TYPE_LAST, TYPE_REST
};
#define TYPE_SPANS TYPE_WORD	/* most of those before it end by their bytes */

struct template_node;

/* A text that must come next; those of a node differ in their first byte. */
struct template_literal {
	struct slice text;
	bool	 blank;		/* there is a blank in it */
	const struct template_node *node;
};

struct template_hole {
	enum template_type type;
	uint16_t name;
	struct slice until;	/* of TYPE_TO */
	const struct template_node *node;
};

struct template_node {
	uint64_t begins[4];	/* bit per byte what follows may begin with */
	const struct template_literal *literals;
	const struct template_hole *holes;	/* by type */
	const uint8_t *by_byte;	/* place of a literal + 1; NULL: few */
	uint16_t nliterals, nholes;
	bool	 blank_next;	/* only a blank may follow */
	int	 number;	/* template that ends here, -1 for none */
	int	 weight;	/* literal bytes on the way to that end */
	int	 best;		/* greatest weight of an end from here on */
};

struct template_tree;
const struct template_node *template_root(const struct template_tree *tree);

#endif
