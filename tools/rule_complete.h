/* tools/rule_complete.h -- is there all that whoever reads an alert asks for?
 *
 * A rule that raises alerts should say, in English and Japanese, what it is,
 * what happened and what to do; where it stands in ATT&CK, what else it may
 * be, what to propose; and have a test that fires it and one that nearly does.
 * For the shipped rules that is a condition, for others a habit.
 */
#ifndef YAGURA_TOOLS_RULE_COMPLETE_H
#define YAGURA_TOOLS_RULE_COMPLETE_H

struct diag;
struct rule_test_figures;
struct ruleset;

/* An error for each rule that lacks something, naming all it lacks. */
void rule_complete(const struct ruleset *set,
    const struct rule_test_figures *figures, struct diag *diag);

#endif
