/* yagura rules: what is in force, whether it can run, whether it does what its
 * tests say, why it holds for an event, and what feeds it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlation/correlate_stage.h"
#include "correlation/match_stage.h"
#include "correlation/rule.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/ask.h"
#include "tools/cmd.h"
#include "tools/detect_input.h"
#include "tools/infile.h"
#include "tools/present.h"
#include "tools/rule_complete.h"
#include "tools/rule_explain.h"
#include "tools/rule_survey.h"
#include "tools/rule_test.h"

#define PATHS 256
#define EXPLAIN_RULES 64	/* one, and what it refers to */
#define EXPLAIN_LINE ((size_t)1 << 20)

struct paths {
	const char *rules[PATHS];	/* where rules are read from */
	const char *tests[PATHS];	/* where tests are */
	size_t	 nrules, ntests;
	char	 folder[4096];	/* of a .test file's rules */
};

struct options {
	bool	 json, store, complete;
	const char *junit;
	int	 argc;		/* what is left */
	char	**argv;
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

/* Rules whose log source no definition gives: mostly those of others, but a
 * slip in `logsource` shows nowhere else. */
static size_t
count_unfed(const struct ruleset *set, const struct conf *conf)
{
	struct diag *diag = diag_new();
	struct parserset *parsers = parserset_load(conf->parsers,
	    conf->nparsers, diag);
	struct survey *survey = survey_new(set, parsers);
	size_t n = survey_unfed(survey);

	survey_free(survey);
	parserset_put(parsers);
	diag_free(diag);
	return n;
}

static int
check_rules(struct ruleset *set, const struct conf *conf, bool json,
    struct diag *diag)
{
	size_t unfed = count_unfed(set, conf);

	diag_print(diag, stderr);
	printf(json ? "{\"rules\":%zu,\"mistakes\":%zu,\"warnings\":%zu,"
	    "\"unfed\":%zu}\n" : "%zu rules, %zu mistakes, %zu warnings; "
	    "%zu without a source (rules coverage)\n", ruleset_count(set),
	    diag_errors(diag), diag_count(diag) - diag_errors(diag), unfed);
	return diag_count(diag) > 0 ? EXIT_NOTHING : EXIT_DONE;
}

static int
test_rules(struct ruleset *set, const struct conf *conf,
    const struct paths *paths, const struct options *options,
    struct diag *diag)
{
	struct rule_test_figures figures;
	int code;

	rule_test_run(set, conf, paths->tests, paths->ntests, diag, &figures);
	if (options->complete)
		rule_complete(set, &figures, diag);
	diag_print(diag, stderr);
	if (figures.tests == 0)
		fprintf(stderr, "yagura rules: no tests: they stand in "
		    "tests/*.test beside the rules, see yagura-rule(5)\n");
	printf(options->json ? "{\"tests\":%zu,\"events\":%zu,\"mistakes\":%zu,"
	    "\"untested\":%zu}\n" : "%zu tests with %zu events, %zu mistakes, "
	    "%zu rules without a test\n", figures.tests, figures.events,
	    diag_errors(diag), figures.untested);
	code = diag_errors(diag) > 0 ? EXIT_NOTHING : EXIT_DONE;
	if (options->junit != NULL &&
	    !rule_test_junit(&figures, diag, options->junit)) {
		fprintf(stderr, "yagura: rules: %s: %s\n", options->junit,
		    strerror(errno));
		code = EXIT_UNREACHABLE;
	}
	rule_test_figures_free(&figures);
	return code;
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

/* --- why ----------------------------------------------------------------- */
static void
find_rules(const struct ruleset *set, struct slice word,
    const struct rule **out, size_t *n)
{
	for (size_t i = 0; i < ruleset_count(set) && *n < EXPLAIN_RULES; i++) {
		const struct rule *rule = ruleset_rule(set, i);

		if (slice_eq(rule->id, word) || slice_eq(rule->name, word) ||
		    slice_eq(rule->title, word))
			out[(*n)++] = rule;
	}
}

/* What a correlation refers to instead of itself: it sees no events. */
static void
unfold(const struct ruleset *set, const struct rule **rules, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		const struct correlation *c = rules[i]->correlation;

		if (rules[i]->kind == RULE_DETECTION)
			continue;
		for (size_t k = 0; k < c->nrefer && *n < EXPLAIN_RULES; k++)
			rules[(*n)++] = ruleset_rule(set, c->refer[k]);
	}
}

static bool
explain_event(const struct ruleset *set, const struct rule *rule,
    const struct event *event, uint64_t line, struct match_scratch *scratch,
    bool json)
{
	struct strbuf out = STRBUF_INIT;
	bool held;

	strbuf_printf(&out, json ? "{\"event\":%" PRIu64 "," :
	    "event %" PRIu64 ": ", line);
	held = rule_explain(set, rule, event, scratch, json, &out);
	if (json)
		strbuf_puts(&out, "}\n");
	fwrite(out.ptr, 1, out.len, stdout);
	strbuf_fini(&out);
	return held;
}

/* Whether correlations held over the whole file. */
struct windows {
	struct match_stage *match;
	struct correlator *correlator;
	uint64_t *fired;	/* by rule: events for which it held */
	uint64_t nbatches;
};

static void
note_firing(const struct firing *firing, void *arg)
{
	struct windows *windows = arg;

	windows->fired[firing->rule->number]++;
}

static void
windows_begin(struct windows *windows, const struct ruleset *set)
{
	const struct correlator_limits limits = { 0 };

	batch_release = match_stage_release;
	*windows = (struct windows){ .match = match_stage_new(),
	    .correlator = correlator_new(&limits),
	    .fired = xcalloc(ruleset_count(set) + 1, sizeof(uint64_t)) };
	correlator_watch(windows->correlator, note_firing, windows);
}

static void
windows_run(struct windows *windows, struct ruleset *set, struct batch *batch)
{
	batch->phase = BATCH_PARSED;
	match_stage_run(windows->match, set, batch);
	correlate_stage_run(windows->correlator, batch);
}

/* What is absent is decided when the stream has ended. */
static void
windows_end(struct windows *windows)
{
	struct batch *batch = batch_new(0, windows->nbatches << 12);

	correlator_end(windows->correlator, batch);
	batch_put(batch);
}

static void
windows_free(struct windows *windows)
{
	correlator_free(windows->correlator);
	match_stage_free(windows->match);
	free(windows->fired);
}

static void
put_windows(const struct windows *windows, const struct rule *const *rules,
    size_t nrules, bool json)
{
	for (size_t i = 0; i < nrules; i++) {
		struct strbuf out = STRBUF_INIT;
		uint64_t n = windows->fired[rules[i]->number];

		if (rules[i]->kind != RULE_CORRELATION)
			continue;
		if (json) {
			put_json(&out, "rule", rules[i]->id);
			strbuf_printf(&out, ",\"held\":%" PRIu64 "}", n);
		} else {
			present_text(&out, rules[i]->title);
			strbuf_printf(&out, n > 0 ? ": held for %" PRIu64
			    " of these events" : ": did not hold for any of "
			    "these events", n);
		}
		puts(out.ptr);
		strbuf_fini(&out);
	}
}

/* Every line of the file against every rule; true if one held. */
static int
explain_file(struct ruleset *set, const struct conf *conf,
    const struct rule *const *rules, size_t nrules, const char *path,
    bool json)
{
	struct detect_input *input = detect_input_new(conf);
	struct match_scratch *scratch = match_scratch_new(set);
	struct infile *file;
	bool truncated, held = false;
	struct windows windows;
	uint64_t lines = 0;
	struct slice line;
	struct err err;
	int got = -1;

	err_clear(&err);
	windows_begin(&windows, set);
	file = infile_open(path, EXPLAIN_LINE, &err);
	while (file != NULL &&
	    (got = infile_line(file, &line, &truncated, &err)) > 0) {
		struct batch *batch = batch_new(0, windows.nbatches++ << 12);
		struct event *event = batch_add(batch, line, SLICE(""),
		    clock_now_ns());

		detect_input_read(input, event);
		for (size_t i = 0; i < nrules; i++)
			held |= rules[i]->kind == RULE_DETECTION &&
			    explain_event(set, rules[i], event, lines, scratch,
			    json);
		windows_run(&windows, set, batch);
		lines++;
		batch_put(batch);
	}
	windows_end(&windows);
	put_windows(&windows, rules, nrules, json);
	windows_free(&windows);
	if (got < 0)
		fprintf(stderr, "yagura: rules: %s: %s\n", path, err.text);
	diag_print(detect_input_findings(input), stderr);
	infile_close(file);
	match_scratch_free(scratch);
	detect_input_free(input);
	return got < 0 ? EXIT_UNREACHABLE : held ? EXIT_DONE : EXIT_NOTHING;
}

static int
explain_rules(struct ruleset *set, const struct conf *conf, int argc,
    char **argv, bool json)
{
	const struct rule *rules[EXPLAIN_RULES];
	size_t n = 0;

	find_rules(set, slice_cstr(argv[0]), rules, &n);
	if (n == 0) {
		fprintf(stderr, "yagura: rules: there is no rule with the id, "
		    "name or title \"%s\"\n", argv[0]);
		return EXIT_CONFIG;
	}
	unfold(set, rules, &n);
	return explain_file(set, conf, rules, n, argc > 1 ? argv[1] : "-",
	    json);
}

/* --- what feeds what ----------------------------------------------------- */
static enum op_more
keep_def(void *user, const struct row *row)
{
	char buf[VALUE_TEXT_BYTES];

	if (!cell_is_absent(&row->cells[0]) &&
	    row->cells[0].type != VALUE_LIST)
		survey_keep(user, value_as_text(&row->cells[0], buf));
	return OP_MORE;
}

/* Only the definitions whose events are in the store. */
static int
keep_stored(struct survey *survey, const struct conf *conf)
{
	char data[4096];
	char *argv[] = { data, data + 8, data + 16 };
	struct scan_result result;
	struct query *query;
	struct ask ask;
	int code;

	memcpy(data, "rules\0\0\0--data\0\0", 16);
	snprintf(data + 16, sizeof(data) - 16, "%s", conf->data);
	code = ask_begin(&ask, 3, argv, 0);
	if (code >= 0)
		return code;
	survey_keep(survey, SLICE(""));
	query = ask_parse(&ask, SLICE("* | stats count by yagura.parser "
	    "| fields yagura.parser"));
	code = query == NULL ? EXIT_USAGE :
	    ask_run(&ask, query, keep_def, survey, &result);
	query_free(query);
	ask_end(&ask);
	return code;
}

static int
survey_rules(struct ruleset *set, const struct conf *conf,
    const struct options *options, bool fields)
{
	struct diag *diag = diag_new();
	struct parserset *parsers = parserset_load(conf->parsers,
	    conf->nparsers, diag);
	struct survey *survey = survey_new(set, parsers);
	int code = EXIT_DONE;

	diag_print(diag, stderr);
	if (options->store)
		code = keep_stored(survey, conf);
	if (code == EXIT_DONE || code == EXIT_PARTIAL) {
		if (!fields)
			survey_coverage(survey, options->json, stdout);
		else if (survey_fields(survey, options->json, stdout) > 0 &&
		    code == EXIT_DONE)
			code = EXIT_NOTHING;
	}
	survey_free(survey);
	parserset_put(parsers);
	diag_free(diag);
	return code;
}

/* --- the command --------------------------------------------------------- */
/* Takes options out of argv; what is left are paths. -1: a mistake. */
static int
read_options(struct options *o, struct paths *paths, int argc, char **argv)
{
	static const char *const known[] = { "--json", "--store", "--junit",
	    "--complete", "--rules", "--data", "--config", "--help" };
	int n = 0;

	for (int i = 2; i < argc; i++) {
		bool value = i + 1 < argc;

		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[n++] = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(argv[i], "--store") == 0) {
			o->store = true;
		} else if (strcmp(argv[i], "--complete") == 0) {
			o->complete = true;
		} else if (strcmp(argv[i], "--junit") == 0 && value) {
			o->junit = argv[++i];
		} else if (strcmp(argv[i], "--rules") == 0 && value) {
			if (paths->nrules < PATHS)
				paths->rules[paths->nrules++] = argv[++i];
		} else {
			cmd_unknown_option("rules", argv[i], known,
			    sizeof(known) / sizeof(known[0]));
			return -1;
		}
	}
	return n;
}

static const char *const verbs[] = { "check", "test", "list", "explain",
	"coverage", "fields" };
enum verb { VERB_CHECK, VERB_TEST, VERB_LIST, VERB_EXPLAIN, VERB_COVERAGE,
	VERB_FIELDS, VERBS };

static int
do_verb(enum verb verb, struct ruleset *set, const struct conf *conf,
    const struct paths *paths, const struct options *options,
    struct diag *diag)
{
	if (verb == VERB_CHECK)
		return check_rules(set, conf, options->json, diag);
	if (verb == VERB_TEST)
		return test_rules(set, conf, paths, options, diag);
	diag_print(diag, stderr);
	if (verb == VERB_EXPLAIN)
		return explain_rules(set, conf, options->argc, options->argv,
		    options->json);
	if (verb == VERB_LIST)
		return list_rules(set, options->json);
	return survey_rules(set, conf, options, verb == VERB_FIELDS);
}

static int
run(const struct conf *conf, enum verb verb, int argc, char **argv)
{
	struct paths paths = { .nrules = 0 };
	struct options options = { .json = false };
	int left = read_options(&options, &paths, argc, argv), code;
	struct diag *diag;
	struct ruleset *set;

	if (left < 0)
		return EXIT_USAGE;
	if (verb == VERB_EXPLAIN && (left == 0 || left > 2))
		return cmd_usage("rules");
	options.argc = left;
	options.argv = argv;
	if (paths.nrules == 0)
		take_paths(&paths, conf, verb == VERB_EXPLAIN ? 0 : left, argv);
	diag = diag_new();
	set = ruleset_load(paths.rules, paths.nrules, diag);
	code = do_verb(verb, set, conf, &paths, &options, diag);
	ruleset_put(set);
	diag_free(diag);
	return code;
}

int
cmd_rules(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	enum verb verb = 0;
	int code;

	while (argc > 1 && verb < VERBS && strcmp(argv[1], verbs[verb]) != 0)
		verb++;
	diag_print(diag, stderr);
	if (conf == NULL || argc < 2 || verb == VERBS)
		code = cmd_usage("rules");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = run(conf, verb, argc, argv);
	conf_free(conf);
	diag_free(diag);
	return code;
}
