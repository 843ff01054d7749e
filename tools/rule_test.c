#include "tools/rule_test.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "correlation/correlate_stage.h"
#include "correlation/match_stage.h"
#include "correlation/rule.h"
#include "correlation/sigma.h"
#include "correlation/sigma_rule.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/yaml.h"
#include "tools/detect_input.h"

#define SECOND_NS INT64_C(1000000000)
#define TEST_TIMES 100000	/* repetitions of one line */
#define START_NS (INT64_C(1795168800) * SECOND_NS)	/* 2026-11-20 10:00 */

struct suite {
	struct ruleset *set;
	struct diag *diag;
	struct rule_test_figures *figures;
	struct detect_input *input;
	struct match_stage *match;
	struct match_scratch *scratch;
	uint32_t *routes;	/* of one event */
	/* the present test */
	const char *file;
	struct correlator *correlator;
	struct batch *batch;
	uint64_t nbatches;
	int64_t	 now_ns;
	bool	*fired, *raised, *routed;	/* by rule */
	uint64_t i;		/* the line's repetition, from 0 */
};

static struct slice
rule_word(const struct rule *rule)
{
	return rule->name.len > 0 ? rule->name : rule->id;
}

/* --- a test's stream ------------------------------------------------------- */
static void
note_firing(const struct firing *firing, void *arg)
{
	struct suite *suite = arg;

	suite->fired[firing->rule->number] = true;
}

static void
note_alerts(struct suite *suite, const struct batch *batch)
{
	char text[VALUE_TEXT_BYTES];

	for (size_t i = 0; i < batch->nalerts; i++) {
		const struct rule *rule = ruleset_find(suite->set,
		    event_text(batch->alerts[i], FIELD_RULE_ID, text));

		if (rule != NULL)
			suite->raised[rule->number] = true;
	}
}

/* The detections that looked at an event, whether they hold or not. */
static void
note_routes(struct suite *suite, const struct event *event)
{
	size_t room = ruleset_detections(suite->set);
	size_t n = ruleset_routed(suite->set, event, suite->scratch,
	    suite->routes, room);

	for (size_t i = 0; i < n && i < room; i++)
		suite->routed[suite->routes[i]] = true;
}

/* What the stream leaves behind that should have been followed. */
static void
run_end(struct suite *suite)
{
	struct batch *batch = batch_new(0, suite->nbatches++ << 12);

	correlator_end(suite->correlator, batch);
	note_alerts(suite, batch);
	batch_put(batch);
}

static void
run_batch(struct suite *suite)
{
	struct batch *batch = suite->batch;

	if (batch == NULL)
		return;
	suite->batch = NULL;
	batch->phase = BATCH_PARSED;
	match_stage_run(suite->match, suite->set, batch);
	correlate_stage_run(suite->correlator, batch);
	for (size_t i = 0; i < batch->n; i++) {
		note_routes(suite, &batch->events[i]);
		for (size_t k = 0; k < batch->events[i].nhits; k++)
			suite->fired[batch->events[i].hits[k]] = true;
	}
	note_alerts(suite, batch);
	batch_put(batch);
}

/* One {hole} of a line. */
static void
put_hole(struct suite *suite, struct strbuf *out, struct slice hole)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t seconds = suite->now_ns / SECOND_NS, year;
	int ms = (int)(suite->now_ns % SECOND_NS / 1000000);
	int second = (int)(seconds % 86400);
	unsigned month, day;

	time_date(seconds / 86400, &year, &month, &day);
	if (slice_eq(hole, SLICE("3164")))
		strbuf_printf(out, "%.3s %2u %02d:%02d:%02d",
		    months + 3 * (month - 1), day, second / 3600,
		    second / 60 % 60, second % 60);
	else if (slice_eq(hole, SLICE("iso")))
		strbuf_printf(out, "%04" PRId64 "-%02u-%02uT%02d:%02d:%02d.%03dZ",
		    year, month, day, second / 3600, second / 60 % 60,
		    second % 60, ms);
	else if (slice_eq(hole, SLICE("date")))
		strbuf_printf(out, "%04" PRId64 "-%02u-%02u", year, month,
		    day);
	else if (slice_eq(hole, SLICE("clock")))
		strbuf_printf(out, "%02d:%02d:%02d", second / 3600,
		    second / 60 % 60, second % 60);
	else if (slice_eq(hole, SLICE("clf")))
		strbuf_printf(out, "%02u/%.3s/%04" PRId64
		    ":%02d:%02d:%02d +0000", day, months + 3 * (month - 1),
		    year, second / 3600, second / 60 % 60, second % 60);
	else if (slice_eq(hole, SLICE("bind")))
		strbuf_printf(out, "%02u-%.3s-%04" PRId64
		    " %02d:%02d:%02d.%03d", day, months + 3 * (month - 1),
		    year, second / 3600, second / 60 % 60, second % 60, ms);
	else if (slice_eq(hole, SLICE("epoch")))
		strbuf_printf(out, "%" PRId64 ".%03d", seconds, ms);
	else if (slice_eq(hole, SLICE("epoch_ns")))
		strbuf_printf(out, "%" PRId64, suite->now_ns);
	else if (slice_eq(hole, SLICE("i")))
		strbuf_printf(out, "%" PRIu64, suite->i);
	else if (slice_eq(hole, SLICE("word")))
		strbuf_printf(out, "%016" PRIx64, (suite->i + 1) *
		    UINT64_C(0x9e3779b97f4a7c15));
	else
		strbuf_printf(out, "{%.*s}", (int)hole.len, hole.ptr);
}

/* Braces that hold none of our words stay: JSON lines are full of them. */
static void
put_line(struct suite *suite, struct strbuf *out, struct slice line)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz_0123456789";

	while (line.len > 0) {
		size_t n = 1;

		while (line.ptr[0] == '{' && n < line.len &&
		    memchr(word, line.ptr[n], sizeof(word) - 1) != NULL)
			n++;
		if (n > 1 && n < line.len && line.ptr[n] == '}') {
			put_hole(suite, out, slice_of(line.ptr + 1, n - 1));
			line = slice_skip(line, n + 1);
			continue;
		}
		strbuf_putc(out, line.ptr[0]);
		line = slice_skip(line, 1);
	}
}

static void
set_fields(struct event *event, const struct yaml_node *fields)
{
	struct arena *arena = event->batch->arena;

	for (size_t i = 0; fields != NULL && i < fields->n; i++) {
		const struct yaml_node *value = fields->items[i];
		field_t field = field_intern(yaml_text(fields->keys[i],
		    SLICE("")));

		if (value->kind == YAML_SCALAR) {
			event_set_text(event, field, arena_dup(arena,
			    value->text), TRANSFORM_OWNED);
			continue;
		}
		for (size_t k = 0; k < value->n; k++)
			event_append(event, field, value_text(arena_dup(arena,
			    yaml_text(value->items[k], SLICE(""))),
			    TRANSFORM_OWNED));
	}
}

static void
take_line(struct suite *suite, const struct yaml_node *item,
    struct slice line)
{
	struct strbuf text = STRBUF_INIT;
	const struct yaml_node *fields = yaml_get(item, "fields");
	struct event *event;

	if (suite->batch == NULL)
		suite->batch = batch_new(0, suite->nbatches++ << 12);
	put_line(suite, &text, line);
	event = batch_add(suite->batch, strbuf_slice(&text),
	    SLICE("192.0.2.1:514"), suite->now_ns);
	detect_input_parse(suite->input, event,
	    yaml_text(yaml_get(item, "definition"), SLICE("")));
	set_fields(event, fields);
	event_seal(event);
	suite->figures->events++;
	strbuf_fini(&text);
	if (batch_full(suite->batch))
		run_batch(suite);
}

static bool
read_span(struct suite *suite, const struct yaml_node *item, const char *key,
    int64_t *ns)
{
	const struct yaml_node *node = yaml_get(item, key);

	if (node == NULL || sigma_read_span(yaml_text(node, SLICE("")), ns))
		return true;
	diag_error(suite->diag, suite->file, node->line, node->column,
	    "%s takes a timespan such as 3s or 5m", key);
	return false;
}

static void
take_item(struct suite *suite, const struct yaml_node *item)
{
	struct slice line = yaml_text(item, SLICE(""));
	int64_t every = SECOND_NS, wait = SECOND_NS, times = 1;

	if (item->kind == YAML_MAP)
		line = yaml_text(yaml_get(item, "line"), SLICE(""));
	if (item->kind == YAML_MAP &&
	    (!read_span(suite, item, "every", &every) ||
	    !read_span(suite, item, "wait", &wait)))
		return;
	if (item->kind == YAML_MAP && yaml_get(item, "times") != NULL &&
	    (!yaml_long(yaml_get(item, "times"), &times) || times < 0 ||
	    times > TEST_TIMES)) {
		diag_error(suite->diag, suite->file, item->line, item->column,
		    "times is a number up to %d", TEST_TIMES);
		return;
	}
	suite->now_ns += wait;
	for (int64_t i = 0; line.len > 0 && i < times; i++) {
		suite->i = (uint64_t)i;
		if (i > 0)
			suite->now_ns += every;
		take_line(suite, item, line);
	}
}

/* --- what was expected ----------------------------------------------------- */
/* By id or by name. */
static const struct rule *
find_rule(const struct suite *suite, struct slice word)
{
	const struct rule *rule = ruleset_find(suite->set, word);

	for (size_t i = 0; rule == NULL && i < ruleset_count(suite->set); i++)
		if (slice_eq(ruleset_rule(suite->set, i)->name, word))
			rule = ruleset_rule(suite->set, i);
	return rule;
}

static void
expect_word(struct suite *suite, const struct yaml_node *node,
    const bool *happened, bool *wanted, const char *what)
{
	struct slice word = yaml_text(node, SLICE(""));
	const struct rule *rule = find_rule(suite, word);

	if (rule == NULL) {
		diag_error(suite->diag, suite->file, node->line, node->column,
		    "there is no rule with the name or id \"%.*s\"",
		    (int)word.len, word.ptr);
		return;
	}
	wanted[rule->number] = true;
	if (!happened[rule->number])
		diag_error(suite->diag, suite->file, node->line, node->column,
		    "%.*s should have %s", (int)word.len, word.ptr, what);
}

static void
expect_words(struct suite *suite, const struct yaml_node *list,
    const bool *happened, bool *wanted, const char *what)
{
	if (list == NULL || yaml_is_null(list))
		return;
	if (list->kind == YAML_SCALAR)
		expect_word(suite, list, happened, wanted, what);
	for (size_t i = 0; list->kind == YAML_LIST && i < list->n; i++)
		expect_word(suite, list->items[i], happened, wanted, what);
}

/* It was looked at, or a part of it held, and it did not hold itself. */
static bool
is_near_miss(const struct suite *suite, size_t i)
{
	const struct correlation *c = ruleset_rule(suite->set, i)->correlation;
	bool near = c == NULL && suite->routed[i];

	for (size_t k = 0; c != NULL && k < c->nrefer; k++)
		near = near || suite->fired[c->refer[k]];
	return near && !suite->fired[i];
}

static void
judge(struct suite *suite, const struct yaml_node *test)
{
	size_t n = ruleset_count(suite->set);
	bool *alerts = xcalloc(n + 1, sizeof(*alerts));
	bool *matches = xcalloc(n + 1, sizeof(*matches));
	const struct yaml_node *quiet = yaml_get(test, "quiet");
	struct slice name = yaml_text(yaml_get(test, "test"), SLICE("?"));

	expect_words(suite, yaml_get(test, "alerts"), suite->raised, alerts,
	    "alerted");
	expect_words(suite, yaml_get(test, "matches"), suite->fired, matches,
	    "matched");
	for (size_t i = 0; quiet != NULL && i < quiet->n; i++) {
		struct slice word = yaml_text(quiet->items[i], SLICE(""));
		const struct rule *rule = find_rule(suite, word);

		if (rule == NULL || suite->fired[rule->number])
			diag_error(suite->diag, suite->file,
			    quiet->items[i]->line, 0, rule == NULL ?
			    "there is no rule \"%.*s\"" :
			    "%.*s should not have matched", (int)word.len,
			    word.ptr);
	}
	for (size_t i = 0; i < n; i++) {
		struct slice word = rule_word(ruleset_rule(suite->set, i));

		if (suite->raised[i] && !alerts[i])
			diag_error(suite->diag, suite->file, test->line, 0,
			    "\"%.*s\": %.*s should not have alerted",
			    (int)name.len, name.ptr, (int)word.len, word.ptr);
		suite->figures->fires[i] |= suite->raised[i];
		suite->figures->spares[i] |= is_near_miss(suite, i);
	}
	free(alerts);
	free(matches);
}

static void
check_keys(struct suite *suite, const struct yaml_node *map,
    const char *const *keys, size_t n)
{
	for (size_t i = 0; map->kind == YAML_MAP && i < map->n; i++) {
		struct slice key = yaml_text(map->keys[i], SLICE(""));
		char hint[64];
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known = known || slice_eq(key, slice_cstr(keys[k]));
		if (!known)
			diag_error(suite->diag, suite->file,
			    map->keys[i]->line, map->keys[i]->column,
			    "unknown key \"%.*s\"%s", (int)key.len, key.ptr,
			    sigma_hint(hint, sizeof(hint), key, keys, n));
	}
}

static bool
check_test(struct suite *suite, const struct yaml_node *test)
{
	static const char *const keys[] = { "test", "start", "lines",
	    "alerts", "matches", "quiet" };
	static const char *const line_keys[] = { "line", "times", "every",
	    "wait", "fields", "definition" };
	const struct yaml_node *lines = yaml_get(test, "lines");
	bool good = test->kind == YAML_MAP && lines != NULL &&
	    lines->kind == YAML_LIST;

	if (!good)
		diag_error(suite->diag, suite->file, test->line, 0,
		    "a test is a map with test, lines and alerts");
	check_keys(suite, test, keys, sizeof(keys) / sizeof(*keys));
	for (size_t i = 0; good && i < lines->n; i++)
		check_keys(suite, lines->items[i], line_keys,
		    sizeof(line_keys) / sizeof(*line_keys));
	return good;
}

static void
run_test(struct suite *suite, const struct yaml_node *test)
{
	const struct correlator_limits limits = { 0 };
	size_t n = ruleset_count(suite->set);
	const struct yaml_node *lines = yaml_get(test, "lines");

	if (!check_test(suite, test))
		return;
	suite->figures->tests++;
	suite->now_ns = START_NS;
	time_parse_rfc3339(yaml_text(yaml_get(test, "start"), SLICE("")),
	    &suite->now_ns);
	suite->fired = xcalloc(n + 1, sizeof(bool));
	suite->raised = xcalloc(n + 1, sizeof(bool));
	suite->routed = xcalloc(n + 1, sizeof(bool));
	suite->correlator = correlator_new(&limits);
	correlator_watch(suite->correlator, note_firing, suite);
	for (size_t i = 0; i < lines->n; i++)
		take_item(suite, lines->items[i]);
	run_batch(suite);
	run_end(suite);
	judge(suite, test);
	correlator_free(suite->correlator);
	free(suite->fired);
	free(suite->routed);
	free(suite->raised);
}

/* Runs the test and keeps which findings are its own. */
static void
note_test(struct suite *suite, const struct yaml_node *test)
{
	struct rule_test_figures *f = suite->figures;
	struct slice name = yaml_text(yaml_get(test, "test"), SLICE("?"));
	struct rule_test_result *result;
	int64_t start_ns = clock_mono_ns();
	size_t first = diag_count(suite->diag);

	run_test(suite, test);
	f->results = xrealloc(f->results, (f->nresults + 1) *
	    sizeof(*f->results));
	result = &f->results[f->nresults++];
	*result = (struct rule_test_result){ .file = xstrdup(suite->file),
	    .line = test->line, .first = first,
	    .last = diag_count(suite->diag),
	    .took_ns = clock_mono_ns() - start_ns };
	result->name = xmalloc(name.len + 1);
	memcpy(result->name, name.ptr, name.len);
	result->name[name.len] = '\0';
}

void
rule_test_figures_free(struct rule_test_figures *figures)
{
	for (size_t i = 0; i < figures->nresults; i++) {
		free(figures->results[i].name);
		free(figures->results[i].file);
	}
	free(figures->results);
	free(figures->fires);
	free(figures->spares);
	*figures = (struct rule_test_figures){ 0 };
}

static void
put_xml(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '&': fputs("&amp;", out); break;
		case '"': fputs("&quot;", out); break;
		default:
			/* XML has no way to write the others. */
			putc((unsigned char)*text < 0x20 ? ' ' : *text, out);
		}
}

static void
put_case(FILE *out, const struct rule_test_result *result,
    const struct diag *diag)
{
	fputs("  <testcase classname=\"", out);
	put_xml(out, result->file);
	fputs("\" name=\"", out);
	put_xml(out, result->name);
	fprintf(out, "\" line=\"%d\" time=\"%.6f\">\n", result->line,
	    (double)result->took_ns / 1e9);
	for (size_t i = result->first; i < result->last; i++) {
		const struct diag_finding *finding = diag_at(diag, i);

		fputs("    <failure message=\"", out);
		put_xml(out, finding->text);
		fprintf(out, "\">line %d</failure>\n", finding->line);
	}
	fputs("  </testcase>\n", out);
}

bool
rule_test_junit(const struct rule_test_figures *figures,
    const struct diag *diag, const char *path)
{
	FILE *out = fopen(path, "w");
	size_t failed = 0;
	bool good;

	if (out == NULL)
		return false;
	for (size_t i = 0; i < figures->nresults; i++)
		failed += figures->results[i].last > figures->results[i].first;
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuite name=\"yagura rules\" tests=\"%zu\" "
	    "failures=\"%zu\" errors=\"0\">\n", figures->nresults, failed);
	for (size_t i = 0; i < figures->nresults; i++)
		put_case(out, &figures->results[i], diag);
	fputs("</testsuite>\n", out);
	good = !ferror(out);
	return fclose(out) == 0 && good;
}

/* --- files ----------------------------------------------------------------- */
static void
run_file(struct suite *suite, const char *path)
{
	struct yaml_doc *doc = yaml_load(path, suite->diag);

	suite->file = path;
	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++)
		if (!yaml_is_null(yaml_root(doc, i)))
			note_test(suite, yaml_root(doc, i));
	yaml_free(doc);
}

static int
is_test(const struct dirent *entry)
{
	return slice_ends(slice_cstr(entry->d_name), SLICE(".test"));
}

static void
run_path(struct suite *suite, const char *path)
{
	struct dirent **names = NULL;
	char folder[4096], file[8192];
	int n;

	if (slice_ends(slice_cstr(path), SLICE(".test"))) {
		run_file(suite, path);
		return;
	}
	snprintf(folder, sizeof(folder), "%s/tests", path);
	n = scandir(folder, &names, is_test, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", folder,
		    names[i]->d_name);
		run_file(suite, file);
		free(names[i]);
	}
	free(names);
}

static void
warn_untested(struct suite *suite)
{
	for (size_t i = 0; i < ruleset_count(suite->set); i++) {
		const struct rule *rule = ruleset_rule(suite->set, i);

		if (rule->layer == LAYER_FILTER || rule->silent ||
		    suite->figures->fires[i])
			continue;
		suite->figures->untested++;
		diag_warning(suite->diag, rule->file, rule->line, 0,
		    "no test makes \"%.*s\" alert", (int)rule->title.len,
		    rule->title.ptr);
	}
}

void
rule_test_run(struct ruleset *set, const struct conf *conf,
    const char *const *paths, size_t n, struct diag *diag,
    struct rule_test_figures *figures)
{
	struct suite suite = { .set = set, .diag = diag, .figures = figures };

	*figures = (struct rule_test_figures){ 0 };
	batch_release = match_stage_release;
	suite.input = detect_input_new(conf);
	suite.match = match_stage_new();
	figures->fires = xcalloc(ruleset_count(set) + 1, sizeof(bool));
	figures->spares = xcalloc(ruleset_count(set) + 1, sizeof(bool));
	suite.scratch = match_scratch_new(set);
	suite.routes = xcalloc(ruleset_detections(set) + 1,
	    sizeof(*suite.routes));
	for (size_t i = 0; i < n; i++)
		run_path(&suite, paths[i]);
	if (figures->tests > 0)
		warn_untested(&suite);
	free(suite.routes);
	match_scratch_free(suite.scratch);
	match_stage_free(suite.match);
	detect_input_free(suite.input);
}
