/* parsers/template.h -- lines written with holes, compiled to one tree.
 *
 * "Failed password for {user.name:last} from {source.ip:ip} port {p:int}":
 * optional parts and alternatives unfold to plain sequences of literals and
 * captures; the sequences of all templates share their beginnings in one
 * tree, so matching costs what the line is long, not how many there are.
 * At a node literals are tried before captures, narrow types before wide
 * ones; what fails is taken back, at most TEMPLATE_STEPS times. Of several
 * templates that match, the one with the most literal text wins.
 *
 * Memory: the tree lives in the arena it was built in; immutable, any thread.
 */
#ifndef YAGURA_PARSERS_TEMPLATE_H
#define YAGURA_PARSERS_TEMPLATE_H

#include "engine/slice.h"

#define TEMPLATE_FORMS 256	/* that one template may unfold to */
#define TEMPLATE_CAPTURES 48	/* in one form */
#define TEMPLATE_STEPS 20000	/* nodes visited for one line */
#define TEMPLATE_BYTES 2000000	/* bytes tried as the end of a capture */

struct arena;
struct template_tree;

/* The name of a capture as a number; answers UINT16_MAX for "throw away". */
typedef uint16_t template_name_fn(void *arg, struct slice name);

struct template_tree *template_tree_new(struct arena *arena);

/* Adds a template under a number that template_match gives back. NULL, or
 * what is wrong with it and *at, the byte where. */
const char *template_add(struct template_tree *tree, struct slice text,
    unsigned number, template_name_fn *name, void *arg, size_t *at);

/* After the last template and before the first match; again if more come. */
void template_finish(struct template_tree *tree);

struct template_capture {
	uint16_t name;
	struct slice text;
};

struct template_match {
	unsigned number;
	size_t	 n;
	struct template_capture captures[TEMPLATE_CAPTURES];
};

bool template_match(const struct template_tree *tree, struct slice text,
    struct template_match *match);

#endif
