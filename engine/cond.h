/* engine/cond.h -- a condition as people wrote it: a tree of preds.
 *
 * Readers of rules and of queries build it; cond_compile flattens it into a
 * prog. The tree lives in the arena it was built in.
 */
#ifndef YAGURA_ENGINE_COND_H
#define YAGURA_ENGINE_COND_H

#include "engine/pred.h"

struct arena;
struct prog;

enum cond_kind { COND_AND, COND_OR, COND_NOT, COND_PRED };

struct cond {
	enum cond_kind kind;
	size_t	 n;		/* children; NOT has one */
	struct cond **child;
	struct pred *pred;	/* COND_PRED */
};

struct cond *cond_pred(struct arena *arena, struct pred pred);
struct cond *cond_not(struct arena *arena, struct cond *child);

/* Either may be NULL: then the other is the answer. Nested ANDs and ORs of
 * the same kind become one. */
struct cond *cond_and(struct arena *arena, struct cond *a, struct cond *b);
struct cond *cond_or(struct arena *arena, struct cond *a, struct cond *b);

/* Many at once: joining one by one copies the list each time. An AND of
 * nothing holds, an OR of nothing does not. */
struct cond *cond_list(struct arena *arena, enum cond_kind kind,
    struct cond *const *children, size_t n);

/* Deeper trees are a mistake of whoever wrote them; readers refuse them. */
#define COND_DEPTH 100
#define COND_PREDS 60000	/* a jump has 16 bits */

/* Flattens; cheapest preds first where the order is free. Preds are copied;
 * what they point to must outlive the prog, which lives in the arena. NULL if
 * the tree has more than COND_PREDS. A NULL cond always holds. */
struct prog *cond_compile(struct arena *arena, const struct cond *cond);

/* The tree as text, for explain and for tests. */
struct strbuf;
void cond_print(struct strbuf *buf, const struct cond *cond);

#endif
