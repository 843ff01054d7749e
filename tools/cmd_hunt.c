/* yagura hunt: rules and lists of indicators over what is stored. */
#include <stdlib.h>
#include <unistd.h>

#include "correlation/rule.h"
#include "correlation/ruleset.h"
#include "engine/check.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "tools/hunt.h"

/* Arguments that are no files name rules of the configuration. */
static bool
all_files(const struct ask *ask)
{
	for (int i = 0; i < ask->argc; i++)
		if (access(ask->argv[i], R_OK) < 0)
			return false;
	return true;
}

/* Marks the rules with this id or name. */
static bool
choose(const struct ruleset *set, const char *what, bool *only)
{
	struct slice text = slice_cstr(what);
	bool found = false;

	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *rule = ruleset_rule(set, i);

		if (slice_eq_nocase(rule->id, text) ||
		    slice_eq_nocase(rule->name, text) ||
		    slice_eq_nocase(rule->title, text))
			found = only[i] = true;
	}
	if (!found)
		fprintf(stderr, "yagura hunt: there is no file and no rule "
		    "\"%s\"; yagura rules list shows the rules\n", what);
	return found;
}

static struct ruleset *
load(const struct ask *ask, bool files)
{
	struct diag *diag = diag_new();
	struct ruleset *set = files
	    ? ruleset_load((const char *const *)(void *)ask->argv,
	    (size_t)ask->argc, diag)
	    : ruleset_load((const char *const *)ask->conf->rules,
	    ask->conf->nrules, diag);

	diag_print(diag, stderr);
	diag_free(diag);
	return set;
}

static int
hunt(struct ask *ask)
{
	bool files = all_files(ask), *only = NULL;
	struct ruleset *set = load(ask, files);
	int code = EXIT_DONE;

	if (ruleset_count(set) == 0)
		code = EXIT_CONFIG;
	if (!files)
		only = xcalloc(ruleset_count(set) + 1, sizeof(*only));
	for (int i = 0; !files && i < ask->argc && code == EXIT_DONE; i++)
		if (!choose(set, ask->argv[i], only))
			code = EXIT_USAGE;
	if (code == EXIT_DONE)
		code = hunt_rules(ask, set, only);
	free(only);
	ruleset_put(set);
	return code;
}

int
cmd_hunt(int argc, char **argv)
{
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_JSON |
	    ASK_ROWS | ASK_LIST);

	if (code >= 0)
		return code;
	if ((ask.list != NULL) == (ask.argc > 0))
		code = cmd_usage("hunt");
	else if (ask.list != NULL)
		code = hunt_list(&ask, ask.list, ask.column);
	else
		code = hunt(&ask);
	ask_end(&ask);
	return code;
}
