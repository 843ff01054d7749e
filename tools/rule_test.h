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
#include <stdint.h>

struct conf;
struct diag;
struct ruleset;

/* One test: its findings in the diag are first .. last-1. */
struct rule_test_result {
	char	*name, *file;
	int	 line;
	size_t	 first, last;
	int64_t	 took_ns;
};

struct rule_test_figures {
	size_t	 tests, events;
	size_t	 untested;	/* rules that alert and no test expects */
	size_t	 nresults;
	struct rule_test_result *results;
	bool	*fires;		/* by rule: some test makes it alert */
	bool	*spares;	/* by rule: some test is a near miss of it: an
				 * event of its log source, or one that met a
				 * rule it refers to, and it did not hold */
};

/* Runs the tests of all paths (folders with rules, or .test files). A finding
 * for each expectation that is not met, and a warning for each rule that no
 * test makes alert. */
void rule_test_run(struct ruleset *set, const struct conf *conf,
    const char *const *paths, size_t n, struct diag *diag,
    struct rule_test_figures *figures);
void rule_test_figures_free(struct rule_test_figures *figures);

/* The results in the XML of JUnit, as build servers read it. False and errno
 * if the file cannot be written. */
bool rule_test_junit(const struct rule_test_figures *figures,
    const struct diag *diag, const char *path);

#endif
