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
#include "engine/json.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/cmd.h"

static struct parserset *
load(const struct conf *conf, int argc, char **argv, struct diag *diag)
{
	if (argc > 0)
		return parserset_load((const char *const *)argv,
		    (size_t)argc, diag);
	return parserset_load(conf->parsers, conf->nparsers, diag);
}

static void
list_json(struct slice name, struct slice text)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_puts(&out, "{\"name\":");
	json_put_string(&out, name);
	strbuf_puts(&out, ",\"description\":");
	json_put_string(&out, text);
	strbuf_putc(&out, '}');
	puts(out.ptr);
	strbuf_fini(&out);
}

static int
list(const struct parserset *set, bool json, struct diag *diag)
{
	for (size_t i = 0; set != NULL && i < parserset_count(set); i++) {
		struct slice name = parserset_name(set, i);
		struct slice text = parserset_description(set, i);

		if (json)
			list_json(name, text);
		else
			printf("%-24.*s %.*s\n", (int)name.len, name.ptr,
			    (int)text.len, text.ptr);
	}
	diag_print(diag, stderr);
	return diag_errors(diag) > 0 ? EXIT_CONFIG : EXIT_DONE;
}

static int
test(struct parserset *set, bool json, struct diag *diag)
{
	size_t n = set != NULL ? parserset_test(set, diag) : 0;

	diag_print(diag, stderr);
	printf(json ? "{\"definitions\":%zu,\"examples\":%zu,"
	    "\"findings\":%zu}\n" :
	    "%zu definitions, %zu examples, %zu findings\n",
	    set != NULL ? parserset_count(set) : 0, n, diag_errors(diag));
	return diag_errors(diag) > 0 ? EXIT_NOTHING : EXIT_DONE;
}

static int
run(const struct conf *conf, int argc, char **argv)
{
	static const char *const known[] = { "--json", "--data", "--config",
		"--help" };
	struct diag *diag;
	struct parserset *set;
	bool json = false;
	int first = 2, code;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--json") != 0)
			return cmd_unknown_option("parsers", argv[first],
			    known, sizeof(known) / sizeof(known[0]));
		json = true;
	}
	diag = diag_new();
	set = load(conf, argc - first, argv + first, diag);
	code = strcmp(argv[1], "test") == 0 ? test(set, json, diag) :
	    list(set, json, diag);
	parserset_put(set);
	diag_free(diag);
	return code;
}

int
cmd_parsers(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	int code;

	diag_print(diag, stderr);
	if (conf == NULL || argc < 2 || (strcmp(argv[1], "list") != 0 &&
	    strcmp(argv[1], "test") != 0))
		code = cmd_usage("parsers");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = run(conf, argc, argv);
	conf_free(conf);
	diag_free(diag);
	return code;
}
