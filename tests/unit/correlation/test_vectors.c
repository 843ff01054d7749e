/* The correlation vectors that every engine of Sigma can be held against, with
 * group, value and edge. They are found below YAGURA_SHARED.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream.h"

static char folder[4096];

struct vector {
	struct batch *batch;
	char	*out;		/* "event rule value edge group\n" ... */
	size_t	 len;
	bool	 silent_hits;
};

static void
say(struct vector *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct vector *v, const char *fmt, ...)
{
	va_list args;
	char line[1024];
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	v->out = realloc(v->out, v->len + (size_t)n + 1);
	memcpy(v->out + v->len, line, (size_t)n + 1);
	v->len += (size_t)n;
}

static void
note(const struct firing *firing, void *arg)
{
	const struct rule *rule = firing->rule;
	struct vector *v = arg;
	double value = round(firing->value * 1000) / 1000;

	if (rule->silent)
		return;
	say(v, "%zu %.*s %g %s", (size_t)(firing->event - v->batch->events),
	    (int)rule->id.len, rule->id.ptr, value,
	    firing->edge ? "edge" : "again");
	for (size_t i = 0; i < rule->correlation->ngroup; i++) {
		struct slice text = groupkey_value(firing->key, i);

		say(v, " %.*s=%.*s", (int)rule->correlation->group[i].name.len,
		    rule->correlation->group[i].name.ptr, (int)text.len,
		    text.ptr);
	}
	say(v, "\n");
}

static char *
read_file(const char *name, const char *ending)
{
	char path[8192], *text = calloc(1, 1 << 20);
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 20) - 1, in) < (1 << 20) - 1);
	fclose(in);
	return text;
}

static const char *
after(const char *line, const char *mark)
{
	const char *at = strstr(line, mark);

	return at == NULL ? NULL : at + strlen(mark);
}

/* One expected line in our words. */
static void
expect(struct vector *v, char *line)
{
	const char *rule = after(line, "\"rule\": \"");
	const char *value = after(line, "\"value\": ");
	const char *group = after(line, "\"group\": {");

	say(v, "%ld %.*s", strtol(after(line, "\"event\": "), NULL, 10),
	    (int)strcspn(rule, "\""), rule);
	if (value != NULL) {
		say(v, " %g %s", round(strtod(value, NULL) * 1000) / 1000,
		    strstr(line, "\"edge\": true") ? "edge" : "again");
		while (*group == '"') {
			size_t n = strcspn(group + 1, "\"");
			const char *text = group + 1 + n + 4;
			size_t m = strcspn(text, "\"");

			say(v, " %.*s=%.*s", (int)n, group + 1, (int)m, text);
			group = text + m + 1;
			group += strspn(group, ", ");
		}
	}
	say(v, "\n");
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines sorted: hits and firings of an event are told apart in time only. */
static void
sort_lines(char *text)
{
	char *lines[512], *copy = strdup(text), *at = text;
	size_t n = 0;

	for (char *p = strtok(copy, "\n"); p != NULL && n < 512;
	    p = strtok(NULL, "\n"))
		lines[n++] = p;
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s\n", lines[i]);
	free(copy);
}

static void
run(struct vector *v, struct ruleset *set, char *events)
{
	const struct correlator_limits limits = { .stated_times_only = true };
	struct correlator *correlator = correlator_new(&limits);
	struct match_stage *match = match_stage_new();
	struct batch *batch = v->batch = batch_new(0, 0);

	for (char *p = strtok(events, "\n"); p != NULL; p = strtok(NULL, "\n"))
		shape_event(batch_add(batch, slice_cstr(p), SLICE(""), 1));
	correlator_watch(correlator, note, v);
	batch->phase = BATCH_PARSED;
	match_stage_run(match, set, batch);
	for (size_t i = 0; i < batch->n; i++)
		for (size_t k = 0; k < batch->events[i].nhits; k++) {
			const struct rule *rule = ruleset_rule(set,
			    batch->events[i].hits[k]);

			if (!rule->silent)
				say(v, "%zu %.*s\n", i, (int)rule->id.len,
				    rule->id.ptr);
		}
	correlate_stage_run(correlator, batch);
	batch_put(batch);
	match_stage_free(match);
	correlator_free(correlator);
}

static bool
passes(const char *name)
{
	struct vector mine = { .out = calloc(1, 1) };
	struct vector theirs = { .out = calloc(1, 1) };
	struct diag *diag = diag_new();
	char *rules = read_file(name, ".yml");
	char *events = read_file(name, ".events.jsonl");
	char *expected = read_file(name, ".expected.jsonl");
	struct ruleset *set = ruleset_parse(slice_cstr(rules), name, diag);
	bool good;

	if (strstr(expected, "\"error\"") != NULL) {
		good = diag_errors(diag) > 0;
	} else {
		for (char *p = strtok(expected, "\n"); p != NULL;
		    p = strtok(NULL, "\n"))
			expect(&theirs, p);
		run(&mine, set, events);
		sort_lines(mine.out);
		sort_lines(theirs.out);
		good = diag_errors(diag) == 0 &&
		    strcmp(mine.out, theirs.out) == 0;
	}
	if (!good)
		fprintf(stderr, "%s:\n--- expected\n%s--- got\n%s", name,
		    theirs.out, mine.out);
	ruleset_put(set);
	diag_free(diag);
	free(rules);
	free(events);
	free(expected);
	free(mine.out);
	free(theirs.out);
	return good;
}

static int
is_rule(const struct dirent *entry)
{
	return strstr(entry->d_name, ".yml") != NULL;
}

static void
gives_what_the_vectors_expect(void **state)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_rule, alphasort), bad = 0;

	(void)state;
	if (n <= 0) {
		assert_null(getenv("CI"));
		printf("skipped: no vectors at %s\n", folder);
		skip();
	}
	for (int i = 0; i < n; i++) {
		*strstr(names[i]->d_name, ".yml") = '\0';
		bad += !passes(names[i]->d_name);
		free(names[i]);
	}
	free(names);
	assert_int_equal(bad, 0);
	assert_true(n >= 59);
}

int
main(void)
{
	const char *shared = getenv("YAGURA_SHARED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_what_the_vectors_expect),
	};

	snprintf(folder, sizeof(folder), "%s/sigma/correlation",
	    shared != NULL ? shared : "../shared");
	batch_release = match_stage_release;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
