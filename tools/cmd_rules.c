/* yagura rules: what is in force, whether it can run, whether it does what its
 * tests say.
 */
#include <stdio.h>
#include <string.h>

#include "correlation/rule.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "tools/cmd.h"
#include "tools/rule_test.h"

#define PATHS 256

struct paths {
	const char *rules[PATHS];	/* where rules are read from */
	const char *tests[PATHS];	/* where tests are */
	size_t	 nrules, ntests;
	char	 folder[4096];	/* of a .test file's rules */
};

static const char *const levels[] = { "informational", "low", "medium", "high",
	"critical" };
static const char *const layers[] = { "filter", "rule", "model" };

/* The rules of tests/x.test are those of the folder above. */
static void
add_test_file(struct paths *paths, const char *path)
{
	char *slash;

	snprintf(paths->folder, sizeof(paths->folder), "%s", path);
	for (int i = 0; i < 2; i++) {
		slash = strrchr(paths->folder, '/');
		if (slash == NULL) {
			snprintf(paths->folder, sizeof(paths->folder), ".%s",
			    i == 0 ? "." : "");
			break;
		}
		*slash = '\0';
	}
	if (paths->nrules == 0)
		paths->rules[paths->nrules++] = paths->folder;
	paths->tests[paths->ntests++] = path;
}

static void
take_paths(struct paths *paths, const struct conf *conf, int argc, char **argv)
{
	size_t n = argc > 0 ? (size_t)argc : conf->nrules;

	for (size_t i = 0; i < n && i < PATHS; i++) {
		const char *path = argc > 0 ? argv[i] : conf->rules[i];

		if (slice_ends(slice_cstr(path), SLICE(".test"))) {
			add_test_file(paths, path);
			continue;
		}
		paths->rules[paths->nrules++] = path;
		paths->tests[paths->ntests++] = path;
	}
}

static int
check_rules(struct ruleset *set, bool json, struct diag *diag)
{
	diag_print(diag, stderr);
	printf(json ? "{\"rules\":%zu,\"mistakes\":%zu,\"warnings\":%zu}\n" :
	    "%zu rules, %zu mistakes, %zu warnings\n", ruleset_count(set),
	    diag_errors(diag), diag_count(diag) - diag_errors(diag));
	return diag_count(diag) > 0 ? EXIT_NOTHING : EXIT_DONE;
}

static int
test_rules(struct ruleset *set, const struct conf *conf,
    const struct paths *paths, bool json, struct diag *diag)
{
	struct rule_test_figures figures;

	rule_test_run(set, conf, paths->tests, paths->ntests, diag, &figures);
	diag_print(diag, stderr);
	printf(json ? "{\"tests\":%zu,\"events\":%zu,\"mistakes\":%zu,"
	    "\"untested\":%zu}\n" : "%zu tests with %zu events, %zu mistakes, "
	    "%zu rules without a test\n", figures.tests, figures.events,
	    diag_errors(diag), figures.untested);
	return diag_errors(diag) > 0 ? EXIT_NOTHING : EXIT_DONE;
}

static void
put_json(struct strbuf *out, const char *key, struct slice text)
{
	strbuf_printf(out, "%c\"%s\":", out->len > 0 ? ',' : '{', key);
	json_put_string(out, text);
}

static void
list_json(const struct rule *rule)
{
	struct strbuf out = STRBUF_INIT;

	put_json(&out, "id", rule->id);
	put_json(&out, "name", rule->name);
	put_json(&out, "title", rule->title);
	put_json(&out, "kind", rule->kind == RULE_CORRELATION ?
	    SLICE("correlation") : SLICE("detection"));
	put_json(&out, "layer", slice_cstr(layers[rule->layer]));
	put_json(&out, "level", slice_cstr(levels[rule->level]));
	put_json(&out, "file", slice_cstr(rule->file));
	strbuf_printf(&out, ",\"line\":%d,\"alerts\":%s}", rule->line,
	    rule->layer != LAYER_FILTER && !rule->silent ? "true" : "false");
	puts(out.ptr);
	strbuf_fini(&out);
}

/* Control characters of a title do not reach the terminal. */
static void
print_title(struct slice title)
{
	for (size_t i = 0; i < title.len; i++) {
		unsigned char c = (unsigned char)title.ptr[i];

		putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
	putchar('\n');
}

static int
list_rules(const struct ruleset *set, bool json)
{
	if (!json)
		printf("%-7s %-13s %-11s %-8s %s\n", "LAYER", "LEVEL", "KIND",
		    "ALERTS", "TITLE");
	for (size_t i = 0; i < ruleset_count(set); i++) {
		const struct rule *rule = ruleset_rule(set, i);

		if (json) {
			list_json(rule);
			continue;
		}
		printf("%-7s %-13s %-11s %-8s ", layers[rule->layer],
		    levels[rule->level], rule->kind == RULE_CORRELATION ?
		    "correlation" : "detection", rule->layer != LAYER_FILTER &&
		    !rule->silent ? "yes" : "no");
		print_title(rule->title);
	}
	return EXIT_DONE;
}

static int
unknown_option(const char *option, struct diag *diag)
{
	static const char *const known[] = { "--json", "--data", "--config",
		"--help" };

	diag_free(diag);
	return cmd_unknown_option("rules", option, known,
	    sizeof(known) / sizeof(known[0]));
}

static int
run(const struct conf *conf, int argc, char **argv)
{
	struct paths paths = { .nrules = 0 };
	struct diag *diag = diag_new();
	struct ruleset *set;
	const char *verb = argv[1];
	bool json = false;
	int first = 2, code;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--json") != 0)
			return unknown_option(argv[first], diag);
		json = true;
	}
	take_paths(&paths, conf, argc - first, argv + first);
	set = ruleset_load(paths.rules, paths.nrules, diag);
	if (strcmp(verb, "check") == 0) {
		code = check_rules(set, json, diag);
	} else if (strcmp(verb, "test") == 0) {
		code = test_rules(set, conf, &paths, json, diag);
	} else {
		diag_print(diag, stderr);
		code = list_rules(set, json);
	}
	ruleset_put(set);
	diag_free(diag);
	return code;
}

int
cmd_rules(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	int code;

	diag_print(diag, stderr);
	if (conf == NULL || argc < 2 || (strcmp(argv[1], "check") != 0 &&
	    strcmp(argv[1], "test") != 0 && strcmp(argv[1], "list") != 0))
		code = cmd_usage("rules");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = run(conf, argc, argv);
	conf_free(conf);
	diag_free(diag);
	return code;
}
