/* correlation/first_seen_read.h -- yagura.first_seen of a rule. */
#ifndef YAGURA_CORRELATION_FIRST_SEEN_READ_H
#define YAGURA_CORRELATION_FIRST_SEEN_READ_H

#include "correlation/rule.h"
#include "correlation/sigma.h"

#define FIRST_SEEN_FIELDS 8

/* {fields: [source.ip, destination.ip], memory: 30d, learn: 1h}. False and
 * findings after a mistake. */
bool first_seen_read(const struct sigma_scope *scope,
    const struct yaml_node *key, const struct yaml_node *node,
    struct rule *rule);

#endif
