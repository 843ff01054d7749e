/* correlation/extension.h -- what `yagura:` adds to a correlation.
 *
 * Each changes a correlation that other tools can run as it is written, without
 * the extension.
 */
#ifndef YAGURA_CORRELATION_EXTENSION_H
#define YAGURA_CORRELATION_EXTENSION_H

#include "correlation/sigma_rule.h"

/* `speed`: a value_count of places becomes a test of speed. False after a
 * mistake. Does nothing without it. */
bool extension_read_speed(const struct sigma_scope *scope,
    struct draft *draft);

/* `absent`: the rules that should follow, or NULL; and, once they are linked,
 * what else must be so. */
const struct yaml_node *extension_absent_rules(const struct draft *draft);
bool extension_read_absent(const struct sigma_scope *scope,
    struct draft *draft);

/* `bind`: group-by columns that are looked up. The lists of rules that bind
 * and that end it, two for each column in the order they are written (missing
 * ones NULL), into `lists` unless that is NULL; answers how many rules they
 * name in all. extension_bind_lists: how many lists. */
#define EXTENSION_BINDS 8
size_t extension_bind_rules(const struct draft *draft,
    const struct yaml_node **lists);
size_t extension_bind_lists(const struct draft *draft);
bool extension_read_bind(const struct sigma_scope *scope,
    struct draft *draft);

#endif
