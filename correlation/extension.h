/* correlation/extension.h -- what `yagura:` adds to a correlation.
 *
 * Each changes the type of a correlation that other tools can run as it is
 * written, without the extension.
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

#endif
