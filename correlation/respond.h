/* correlation/respond.h -- what a rule proposes to do: yagura.respond.
 *
 *	respond:
 *	  - {action: block_ip, target: source.ip, for: 1d}
 *	  - {action: disable_user, target: user.name}
 *
 * A proposal, for people and for programs behind an output: the alert has
 * "block_ip 192.0.2.9 for 1d" in yagura.response. Nothing is done by us.
 */
#ifndef YAGURA_CORRELATION_RESPOND_H
#define YAGURA_CORRELATION_RESPOND_H

#include "engine/slice.h"

struct sigma_scope;
struct rule;
struct strbuf;
struct yaml_node;

#define RESPONSES 8		/* of a rule */

enum respond_action {
#define RESPOND(name, help) RESPOND_##name,
#include "correlation/respond.def"
#undef RESPOND
	RESPOND_ACTIONS
};

struct response {
	enum respond_action action;
	struct slice target;	/* field or group-by name; empty: none */
	struct slice span;	/* as written; empty: not said */
};

/* False and findings after a mistake. */
bool respond_read(const struct sigma_scope *scope,
    const struct yaml_node *node, struct rule *rule);

const char *respond_name(enum respond_action action);

#endif
