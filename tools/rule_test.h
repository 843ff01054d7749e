/* tools/rule_test.h -- events that must fire a rule, and near misses.
 *
 * A test stands in tests/<name>.test beside the rules, YAML again, one test a
 * document; yagura-rule(5) says what may be in it. Each is run through
 * definitions, rules and windows as a stream of its own.
 */
#ifndef YAGURA_TOOLS_RULE_TEST_H
#define YAGURA_TOOLS_RULE_TEST_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct diag;
struct ruleset;

struct rule_test_figures {
	size_t	 tests, events;
	size_t	 untested;	/* rules that alert and no test expects */
};

/* Runs the tests of all paths (folders with rules, or .test files). A finding
 * for each expectation that is not met, and a warning for each rule that no
 * test makes alert. */
void rule_test_run(struct ruleset *set, const struct conf *conf,
    const char *const *paths, size_t n, struct diag *diag,
    struct rule_test_figures *figures);

#endif
