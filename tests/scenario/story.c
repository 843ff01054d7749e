/* tests/scenario/story.c -- plays a story through the whole path.
 *
 *	story FILE.story
 *
 * Lines go through parse, match, correlate and write stages as in the daemon,
 * with the story's clock; the store is asked by the program `yagura` (in
 * $YAGURA). One statement a line, # begins a comment:
 *
 *	day 2026-11-20
 *	at 10:00:00 udp 10.0.0.7 "<38>sshd[1]: Failed ..." x5 every 2s
 *	live			from here on the service tells of its sources
 *				once a minute, as the daemon does
 *	until 10:20:00		nobody says anything until then
 *	restart
 *	expect alert rule=ssh-bruteforce source.ip=192.0.2.9 count=1
 *	expect no alert rule=ssh-bruteforce
 *	expect search "event.dataset:sshd | stats count by host.name" rows=1
 *
 * In a line \" and \\ are escapes. Between statements a batch ends where the
 * time changes, so windows see what they would see live.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "correlation/correlate_stage.h"
#include "correlation/match_stage.h"
#include "correlation/ruleset.h"
#include "engine/batch.h"
#include "engine/clock.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "parsers/parse_stage.h"
#include "storage/write_stage.h"
#include "tools/health.h"
#include "tools/health_source.h"

#define SECOND_NS INT64_C(1000000000)

struct story {
	const char *file;
	int	 line, expectations;
	char	 data[64];
	int64_t	 day_ns, now_ns;
	struct parserset *parsers;
	struct ruleset *rules;
	struct parse_stage *parse;
	struct match_stage *match;
	struct correlator *correlator;
	struct writer *writer;
	struct batch *batch;
	uint64_t next_seq;
	struct health *health;	/* NULL: not live */
	int64_t	 minute_ns;	/* told last */
};

static void
fail(const struct story *story, const char *why, const char *what)
{
	fprintf(stderr, "%s:%d: %s: %s\n", story->file, story->line, why,
	    what);
	exit(1);
}

static void
begin(struct story *story)
{
	struct writer_conf conf = { .data = story->data };
	struct correlator_limits limits = { 0 };
	struct err err;

	story->writer = writer_open(&conf, &err);
	if (story->writer == NULL)
		fail(story, "store", err.text);
	story->next_seq = writer_first_seq(story->writer);
	story->correlator = correlator_new(&limits);
}

/* Sends what was collected through the stages; what comes from outside has row
 * 0 of the options, what the service says row 1. */
static void
run_batch(struct story *story)
{
	struct parser_options options[2] = { { .ndjson = false },
	    { .def = SLICE(HEALTH_DEF) } };
	struct batch *batch = story->batch;

	if (batch == NULL)
		return;
	parse_stage_run(story->parse, story->parsers, NULL, options, 2,
	    batch);
	match_stage_run(story->match, story->rules, batch);
	if (story->health != NULL)
		health_note(story->health, batch);
	correlate_stage_run(story->correlator, batch);
	writer_add(story->writer, batch);
	batch_put(batch);
	story->batch = NULL;
}

/* The same, and makes it durable. */
static void
flush(struct story *story)
{
	struct err err;

	run_batch(story);
	if (writer_commit(story->writer, &err) < 0)
		fail(story, "commit", err.text);
}

static void
end(struct story *story)
{
	struct err err;

	flush(story);
	correlator_free(story->correlator);
	story->correlator = NULL;
	if (writer_close(story->writer, false, &err) < 0)
		fail(story, "close", err.text);
}

/* The next word of the statement; ends it with NUL. NULL at the end. A word in
 * quotes may hold blanks. */
static char *
word(struct story *story, char **rest)
{
	char *at = *rest, *begin_word, *to;

	while (isspace((unsigned char)*at))
		at++;
	if (*at == '\0' || *at == '#')
		return NULL;
	if (*at != '"') {
		begin_word = at;
		while (*at != '\0' && !isspace((unsigned char)*at))
			at++;
		if (*at != '\0')
			*at++ = '\0';
		*rest = at;
		return begin_word;
	}
	begin_word = to = ++at;
	while (*at != '"') {
		if (*at == '\\' && at[1] != '\0')
			at++;
		if (*at == '\0')
			fail(story, "no closing quote", begin_word);
		*to++ = *at++;
	}
	*to = '\0';
	*rest = at + 1;
	return begin_word;
}

static int64_t
time_of_day(struct story *story, const char *text)
{
	int hour, minute;
	double second;

	if (sscanf(text, "%d:%d:%lf", &hour, &minute, &second) != 3)
		fail(story, "not a time of day", text);
	return (hour * 3600 + minute * 60) * SECOND_NS +
	    (int64_t)(second * 1e9);
}

static void
add_line(struct story *story, const char *peer, struct slice text,
    uint16_t source)
{
	struct event *event;

	if (story->batch == NULL) {
		story->batch = batch_new(writer_node(story->writer),
		    story->next_seq);
		story->next_seq += BATCH_EVENTS + BATCH_ALERTS;
	}
	event = batch_add(story->batch, text, slice_cstr(peer),
	    story->now_ns);
	event->source = source;
	if (batch_full(story->batch))
		run_batch(story);
}

static void
say_own(void *user, struct slice line)
{
	add_line(user, "yagura", line, 1);
}

/* Each minute that ends until then is told. */
static void
pass_minutes(struct story *story, int64_t to_ns)
{
	static const struct health_service service = { .disk_free = 50,
	    .disk_size = 100 };

	while (story->health != NULL &&
	    story->minute_ns + HEALTH_MINUTE_NS <= to_ns) {
		run_batch(story);
		story->minute_ns += HEALTH_MINUTE_NS;
		story->now_ns = story->minute_ns;
		clock_fix_ns(story->now_ns);
		health_minute(story->health, story->now_ns, &service,
		    say_own, story);
		run_batch(story);
	}
}

static void
play_live(struct story *story)
{
	if (story->health != NULL)
		fail(story, "live", "it is already");
	story->minute_ns = story->day_ns;
	story->health = health_new(story->day_ns, SLICE(""));
}

static void
play_until(struct story *story, char *rest)
{
	char *when = word(story, &rest);

	if (when == NULL)
		fail(story, "expected", "until TIME");
	pass_minutes(story, story->day_ns + time_of_day(story, when));
	flush(story);
}

static void
play_at(struct story *story, char *rest)
{
	char *when = word(story, &rest), *input = word(story, &rest);
	char *peer = word(story, &rest), *text = word(story, &rest), *more;
	int64_t every_ns = 0;
	int times = 1;

	if (text == NULL || strcmp(input, "udp") != 0)
		fail(story, "expected", "at TIME udp ADDRESS \"LINE\"");
	while ((more = word(story, &rest)) != NULL) {
		if (more[0] == 'x')
			times = atoi(more + 1);
		else if (strcmp(more, "every") == 0 &&
		    (more = word(story, &rest)) != NULL)
			every_ns = (int64_t)(atof(more) * 1e9);
		else
			fail(story, "unknown word", more);
	}
	story->now_ns = story->day_ns + time_of_day(story, when);
	for (int i = 0; i < times; i++) {
		int64_t at_ns = story->now_ns;

		pass_minutes(story, at_ns);
		story->now_ns = at_ns;
		clock_fix_ns(at_ns);
		add_line(story, peer, slice_cstr(text), 0);
		story->now_ns += every_ns;
	}
	flush(story);
}

/* Rows that `yagura search` answers, counted. */
static long
search_rows(struct story *story, const char *query)
{
	int out[2];
	pid_t pid;
	long rows = 0;
	char buf[4096];
	ssize_t n;
	int status;

	if (pipe(out) < 0 || (pid = fork()) < 0)
		fail(story, "cannot run", "yagura");
	if (pid == 0) {
		const char *program = getenv("YAGURA");

		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execlp(program != NULL ? program : "build/yagura", "yagura",
		    "search", "--data", story->data, "--json", "--", query,
		    (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++)
			rows += buf[i] == '\n';
	close(out[0]);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		fail(story, "search failed", query);
	return rows;
}

/* rule=X field=value ... count=N: alerts whose fields are so. */
static void
expect_alert(struct story *story, char *rest, bool none)
{
	struct strbuf query = STRBUF_INIT;
	long want = none ? 0 : -1, got;
	char *pair;

	strbuf_puts(&query, "event.dataset:yagura.alert");
	while ((pair = word(story, &rest)) != NULL) {
		char *value = strchr(pair, '=');

		if (value == NULL)
			fail(story, "not name=value", pair);
		*value++ = '\0';
		if (strcmp(pair, "count") == 0)
			want = atol(value);
		else
			strbuf_printf(&query, " %s:\"%s\"",
			    strcmp(pair, "rule") == 0 ? "rule.id" : pair,
			    value);
	}
	got = search_rows(story, query.ptr);
	if (want >= 0 ? got != want : got == 0) {
		fprintf(stderr, "%s:%d: %ld alerts for %s\n", story->file,
		    story->line, got, query.ptr);
		exit(1);
	}
	strbuf_fini(&query);
	story->expectations++;
}

static void
expect_search(struct story *story, char *rest)
{
	char *query = word(story, &rest), *rows = word(story, &rest);
	long got;

	if (rows == NULL || strncmp(rows, "rows=", 5) != 0)
		fail(story, "expected", "expect search \"QUERY\" rows=N");
	got = search_rows(story, query);
	if (got != atol(rows + 5)) {
		fprintf(stderr, "%s:%d: %ld rows, not %s, for %s\n",
		    story->file, story->line, got, rows + 5, query);
		exit(1);
	}
	story->expectations++;
}

static void
play(struct story *story, char *line)
{
	char *rest = line, *verb = word(story, &rest), *what;

	if (verb == NULL)
		return;
	if (strcmp(verb, "day") == 0) {
		char text[32];

		what = word(story, &rest);
		snprintf(text, sizeof text, "%sT00:00:00Z",
		    what != NULL ? what : "");
		if (!time_parse_rfc3339(slice_cstr(text), &story->day_ns))
			fail(story, "not a day", text);
	} else if (strcmp(verb, "at") == 0) {
		play_at(story, rest);
	} else if (strcmp(verb, "live") == 0) {
		play_live(story);
	} else if (strcmp(verb, "until") == 0) {
		play_until(story, rest);
	} else if (strcmp(verb, "restart") == 0) {
		end(story);
		begin(story);
	} else if (strcmp(verb, "expect") == 0) {
		what = word(story, &rest);
		if (what != NULL && strcmp(what, "no") == 0) {
			word(story, &rest);
			expect_alert(story, rest, true);
		} else if (what != NULL && strcmp(what, "alert") == 0) {
			expect_alert(story, rest, false);
		} else {
			expect_search(story, rest);
		}
	} else {
		fail(story, "unknown statement", verb);
	}
}

int
main(int argc, char **argv)
{
	static const char *const defs[] = { "parsers/defs" };
	static const char *const rules[] = { "rules.d" };
	struct story story = { .file = argc > 1 ? argv[1] : "" };
	struct diag *diag = diag_new();
	char line[65536];
	FILE *file = fopen(story.file, "r");

	if (file == NULL) {
		perror(story.file);
		return 2;
	}
	snprintf(story.data, sizeof story.data,
	    "/tmp/yagura-story.XXXXXX");
	if (mkdtemp(story.data) == NULL) {
		perror(story.data);
		return 2;
	}
	batch_release = match_stage_release;
	story.parsers = parserset_load(defs, 1, diag);
	story.rules = ruleset_load(rules, 1, diag);
	diag_print(diag, stderr);
	story.parse = parse_stage_new(NULL);
	story.match = match_stage_new();
	begin(&story);
	while (fgets(line, sizeof line, file) != NULL) {
		story.line++;
		play(&story, line);
	}
	fclose(file);
	end(&story);
	health_free(story.health);
	parse_stage_free(story.parse);
	match_stage_free(story.match);
	parserset_put(story.parsers);
	ruleset_put(story.rules);
	diag_free(diag);
	printf("%s: %d expectations held\n", story.file, story.expectations);
	return story.expectations > 0 ? 0 : 1;
}
