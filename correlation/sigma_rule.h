/* correlation/sigma_rule.h -- documents of Sigma, before they are linked.
 *
 * A draft is one document: a detection, a correlation or a filter. What it
 * refers to is known only when all files are read; the rule set links drafts
 * and keeps their rules.
 *
 * Memory: drafts live in the arena of the reader; nodes in its documents.
 */
#ifndef YAGURA_CORRELATION_SIGMA_RULE_H
#define YAGURA_CORRELATION_SIGMA_RULE_H

#include "correlation/rule.h"
#include "correlation/sigma.h"

enum draft_kind { DRAFT_DETECTION, DRAFT_CORRELATION, DRAFT_FILTER };

struct draft {
	enum draft_kind kind;
	const struct yaml_node *root;
	const struct yaml_node *body;	/* detection, correlation or filter */
	const struct yaml_node *id;	/* for findings; may be NULL */
	struct rule *rule;
	struct cond *cond;		/* detection */
	bool	 broken;
	/* correlation */
	struct correlation *correlation;
	struct draft **refer;		/* nall of the correlation */
	const struct yaml_node *aliases;
	bool	 generate;
	enum { DRAFT_NEW, DRAFT_OPEN, DRAFT_DONE } visit;
};

/* Reads what is above the body: title, id, level, log source, `yagura`. NULL
 * if the document is none of the three. A broken draft has findings. */
struct draft *sigma_read_draft(struct sigma_scope *scope,
    const struct yaml_node *root);

/* Finds a draft by id or name. */
typedef struct draft *sigma_find(void *context, struct slice word);

/* Reads the body of a correlation and resolves what it names. False after a
 * mistake. The drafts it refers to must have their log source. */
bool sigma_link_correlation(const struct sigma_scope *scope,
    struct draft *draft, sigma_find *find, void *context);

/* Fields, which needs every reference of the chain linked. */
void sigma_resolve_correlation(const struct sigma_scope *scope,
    struct draft *draft);

/* "90s" as ns; s m h d w. False if it is none. */
bool sigma_read_span(struct slice text, int64_t *ns);

#endif
