/* yagura parsers: the definitions themselves.
 *
 *	list [PATH...]	names and descriptions
 *	test [PATH...]	every example line, and what came out otherwise
 *
 * Without a path the shipped and the local ones.
 */
#include <stdio.h>
#include <string.h>

#include "engine/conf.h"
#include "engine/diag.h"
#include "parsers/parserset.h"
#include "tools/cmd.h"

static struct parserset *
load(int argc, char **argv, struct diag *diag)
{
	struct parserset *set = NULL;
	struct conf *conf;

	if (argc > 0)
		return parserset_load((const char *const *)argv,
		    (size_t)argc, diag);
	conf = conf_load(NULL, diag);
	if (conf != NULL)
		set = parserset_load(conf->parsers, conf->nparsers, diag);
	conf_free(conf);
	return set;
}

static void
list(const struct parserset *set)
{
	for (size_t i = 0; i < parserset_count(set); i++) {
		struct slice name = parserset_name(set, i);
		struct slice text = parserset_description(set, i);

		printf("%-24.*s %.*s\n", (int)name.len, name.ptr,
		    (int)text.len, text.ptr);
	}
}

int
cmd_parsers(int argc, char **argv)
{
	struct diag *diag;
	struct parserset *set;
	bool test;
	size_t n = 0;
	int code = EXIT_DONE;

	if (argc < 2 || (strcmp(argv[1], "list") != 0 &&
	    strcmp(argv[1], "test") != 0))
		return cmd_usage("parsers");
	test = strcmp(argv[1], "test") == 0;
	diag = diag_new();
	set = load(argc - 2, argv + 2, diag);
	if (set != NULL && test)
		n = parserset_test(set, diag);
	else if (set != NULL)
		list(set);
	diag_print(diag, stderr);
	if (test)
		printf("%zu definitions, %zu examples, %zu findings\n",
		    set != NULL ? parserset_count(set) : 0, n,
		    diag_errors(diag));
	if (diag_errors(diag) > 0)
		code = test ? EXIT_NOTHING : EXIT_CONFIG;
	parserset_put(set);
	diag_free(diag);
	return code;
}
