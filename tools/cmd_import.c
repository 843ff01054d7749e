/* tools/cmd_import.c -- log files through the whole pipeline.
 *
 * Without a daemon on the data folder the pipeline runs here; with one the
 * lines go to it over HTTP, in requests with keys, so that an answer that got
 * lost doubles nothing.
 *
 * A file's lines arrived when its last dated line was written, as far as we
 * know; else when the file was last changed; --now says otherwise.
 */
#include "tools/cmd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "engine/loop.h"
#include "engine/pipeline.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "parsers/parserset.h"
#include "parsers/timetext.h"
#include "tools/client.h"
#include "tools/daemon_load.h"
#include "tools/daemon_stages.h"
#include "tools/infile.h"

#define TAIL_LINES 64		/* of a file, where a dated one is looked for */
#define REQUEST_LINES 10000
#define REQUEST_BYTES (4u << 20)
#define REQUEST_TRIES 30	/* a second apart */
#define PROGRESS_NS INT64_C(2000000000)

struct import {
	struct conf *conf;
	struct diag *diag;
	int64_t	 now_ns;	/* --now; 0: by file */
	struct loaded *loaded;	/* ours, for dates */
	/* one of these two ways */
	struct stages *stages;
	struct pipeline *pipeline;
	struct client *client;
	/* pipeline */
	struct batch *open;
	uint64_t batches;
	struct slice path;	/* in the arena of the open batch */
	/* daemon */
	struct strbuf body;
	size_t	 body_lines;
	char	 run[33];	/* of the keys of this call */
	/* both */
	uint64_t requests, events, bytes, truncated;
	int64_t	 arrival_ns, started_ns, told_ns;
};

/* --- a way to the store --------------------------------------------------- */

/* Does another process write to the folder? */
static bool
folder_held(const char *data)
{
	struct strbuf path = STRBUF_INIT;
	bool held;
	int fd;

	strbuf_printf(&path, "%s/lock", data);
	fd = open(path.ptr, O_RDWR | O_CLOEXEC);
	strbuf_fini(&path);
	held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
	if (fd >= 0)
		close(fd);
	return held;
}

static int
begin_daemon(struct import *import, struct err *err)
{
	uint8_t random[16];

	import->client = client_open(import->conf, err);
	if (import->client == NULL) {
		err_context(err, "%s is held by a daemon",
		    import->conf->data);
		return -1;
	}
	check(getrandom(random, sizeof(random), 0) == sizeof(random));
	hex_encode(random, sizeof(random), import->run);
	return 0;
}

static int
begin_pipeline(struct import *import, struct err *err)
{
	struct pipeline_stages table;

	loaded_get(import->loaded);
	import->stages = stages_open(import->conf, import->loaded, NULL, err);
	if (import->stages == NULL)
		return -1;
	stages_replay(import->stages, err);
	stages_hold(import->stages);
	table = stages_table(import->stages);
	import->pipeline = pipeline_new(&table,
	    (size_t)import->conf->workers, loop_most_in_flight(import->conf));
	pipeline_start(import->pipeline);
	return 0;
}

/* --- the pipeline --------------------------------------------------------- */

/* Reads news until a batch may be submitted; -1 if the store failed. */
static int
await_room(struct import *import, struct err *err)
{
	size_t most = (size_t)import->conf->batches_in_flight;
	struct pollfd fd = { pipeline_fd(import->pipeline), POLLIN, 0 };
	size_t all = loop_most_in_flight(import->conf);

	for (;;) {
		struct news *news = pipeline_news(import->pipeline);
		enum err_kind kind;

		if (news == NULL) {
			if (pipeline_room(import->pipeline) > all - most)
				return 0;
			poll(&fd, 1, -1);
			continue;
		}
		kind = news->kind == NEWS_FULL ? ERR_FULL :
		    news->kind == NEWS_DEAD ? ERR_IO : ERR_NONE;
		if (kind != ERR_NONE)
			err_set(err, kind, "%s", news->text);
		news_free(news);
		if (kind != ERR_NONE)
			return -1;
	}
}

static int
submit(struct import *import, struct err *err)
{
	if (import->open == NULL)
		return 0;
	if (await_room(import, err) < 0)
		return -1;
	pipeline_submit(import->pipeline, import->open, false);
	import->open = NULL;
	import->batches++;
	return 0;
}

static void
open_batch(struct import *import, const char *path)
{
	if (import->open != NULL)
		return;
	import->open = batch_new(stages_node(import->stages),
	    stages_first_seq(import->stages) + import->batches *
	    (BATCH_EVENTS + BATCH_ALERTS));
	import->open->received_ns = import->arrival_ns;
	import->path = arena_dup(import->open->arena, slice_cstr(path));
}

/* The next file arrived at another time, and is another stream: records of
 * many lines end with this one. */
static int
end_file(struct import *import, const char *path, struct err *err)
{
	open_batch(import, path);
	import->open->last = true;
	return submit(import, err);
}

static int
add_to_batch(struct import *import, const char *path, struct slice line,
    bool truncated, struct err *err)
{
	struct event *event;

	if (import->open != NULL && batch_full(import->open) &&
	    submit(import, err) < 0)
		return -1;
	open_batch(import, path);
	event = batch_add(import->open, line, import->path,
	    import->arrival_ns);
	if (truncated)
		event_tag(event, EVENT_TAG_TRUNCATED);
	return 0;
}

/* --- the daemon ----------------------------------------------------------- */

static int
refused(int status, struct slice answer, struct err *err)
{
	return err_set(err, status == 503 || status == 429 ? ERR_FULL : ERR_IO,
	    "the daemon refused the lines: %d %.*s", status,
	    (int)slice_head(answer, 200).len, answer.ptr);
}

/* The same key for every try: what was stored already is only answered. */
static int
post(struct import *import, struct err *err)
{
	char when[TIME_TEXT_BYTES];
	struct strbuf headers = STRBUF_INIT;
	struct slice body = strbuf_slice(&import->body), answer = body;
	struct slice arrival = time_format_rfc3339(import->arrival_ns, when);
	int status = -1;

	if (import->body_lines == 0)
		return 0;
	strbuf_printf(&headers, "Content-Type: text/plain\r\n"
	    "Idempotency-Key: import-%s-%llu\r\nYagura-Arrival: %.*s\r\n",
	    import->run, (unsigned long long)import->requests++,
	    (int)arrival.len, arrival.ptr);
	for (int i = 0; i < REQUEST_TRIES; i++) {
		if (i > 0)
			sleep(1);
		status = client_ask(import->client, "/api/v1/events",
		    headers.ptr, &body, &answer, err);
		if (status > 0 && status != 429 && status != 503)
			break;
	}
	strbuf_fini(&headers);
	strbuf_clear(&import->body);
	import->body_lines = 0;
	if (status == 200)
		return 0;
	return status < 0 ? -1 : refused(status, answer, err);
}

static int
add_to_body(struct import *import, struct slice line, struct err *err)
{
	strbuf_put(&import->body, line);
	strbuf_putc(&import->body, '\n');
	import->body_lines++;
	if (import->body_lines < REQUEST_LINES &&
	    import->body.len < REQUEST_BYTES)
		return 0;
	return post(import, err);
}

/* --- when it arrived ------------------------------------------------------ */

/* The last lines of the file, newest at (n - 1) % TAIL_LINES. */
static size_t
tail_read(struct import *import, const char *path, struct strbuf *lines,
    struct err *err)
{
	struct infile *infile = infile_open(path,
	    (size_t)import->conf->line_bytes, err);
	struct slice line;
	bool truncated;
	size_t n = 0;

	while (infile != NULL &&
	    infile_line(infile, &line, &truncated, err) == 1) {
		struct strbuf *at = &lines[n++ % TAIL_LINES];

		strbuf_clear(at);
		strbuf_put(at, line);
	}
	infile_close(infile);
	return n;
}

/* The time a line states, if a definition reads one. */
static bool
line_time(struct parser_lane *lane, const struct parser_options *options,
    struct slice line, int64_t near_ns, int64_t *time_ns)
{
	struct batch *batch = batch_new(0, 0);
	struct event *event = batch_add(batch, line, SLICE(""), near_ns);
	bool stated;

	parser_run(lane, options, event);
	stated = event->has_time;
	*time_ns = event->time_ns;
	batch_put(batch);
	return stated;
}

/* A whole read of the file to see its end: packed files have no other way,
 * and plain ones are read fast. */
static int64_t
last_time(struct import *import, const char *path, int64_t mtime_ns)
{
	struct strbuf *lines = xcalloc(TAIL_LINES, sizeof(*lines));
	struct parser_lane *lane = parser_lane_new(import->loaded->parsers);
	struct parser_options options = import->loaded->options[0];
	int64_t time_ns = mtime_ns;
	struct err ignored;
	size_t n;

	for (size_t i = 0; i < TAIL_LINES; i++)
		strbuf_init(&lines[i]);
	/* How old its lines are is not known before this is. */
	options.retention_ns = 0;
	n = tail_read(import, path, lines, &ignored);
	for (size_t i = 0; i < n && i < TAIL_LINES; i++)
		if (line_time(lane, &options,
		    strbuf_slice(&lines[(n - 1 - i) % TAIL_LINES]), mtime_ns,
		    &time_ns))
			break;
	for (size_t i = 0; i < TAIL_LINES; i++)
		strbuf_fini(&lines[i]);
	free(lines);
	parser_lane_free(lane);
	return time_ns;
}

/* --- files ---------------------------------------------------------------- */

static void
progress(struct import *import, const struct infile *infile, const char *path)
{
	int64_t now_ns = clock_mono_ns();
	uint64_t size = infile_size(infile);

	if (now_ns - import->told_ns < PROGRESS_NS)
		return;
	import->told_ns = now_ns;
	fprintf(stderr, "%s%s: %llu events",
	    isatty(2) ? "\r\033[K" : "", path,
	    (unsigned long long)import->events);
	if (size > 0)
		fprintf(stderr, ", %llu %%", (unsigned long long)
		    (infile_done(infile) * 100 / size));
	fputs(isatty(2) ? "" : "\n", stderr);
}

static int
import_lines(struct import *import, struct infile *infile, const char *path,
    struct err *err)
{
	struct slice line;
	bool truncated;
	int more;

	while ((more = infile_line(infile, &line, &truncated, err)) == 1) {
		if ((import->client != NULL ? add_to_body(import, line, err) :
		    add_to_batch(import, path, line, truncated, err)) < 0)
			return -1;
		import->events++;
		import->bytes += line.len;
		import->truncated += truncated;
		if (import->events % 1024 == 0)
			progress(import, infile, path);
	}
	if ((import->client != NULL ? post(import, err) :
	    end_file(import, path, err)) < 0)
		return -1;
	return more;
}

static int
import_file(struct import *import, const char *path, struct err *err)
{
	struct infile *infile = infile_open(path,
	    (size_t)import->conf->line_bytes, err);
	int status;

	if (infile == NULL)
		return -1;
	if (import->now_ns != 0)
		import->arrival_ns = import->now_ns;
	else if (infile_is_stdin(infile) || infile_size(infile) == 0)
		import->arrival_ns = clock_now_ns();
	else
		import->arrival_ns = last_time(import, path,
		    infile_mtime_ns(infile));
	status = import_lines(import, infile, path, err);
	infile_close(infile);
	return status;
}

/* --- the command ---------------------------------------------------------- */

static int
finish(struct import *import, struct err *err)
{
	int status = 0;

	if (import->pipeline != NULL) {
		struct news *news;

		pipeline_finish(import->pipeline);
		while ((news = pipeline_news(import->pipeline)) != NULL) {
			if (news->kind == NEWS_DEAD ||
			    news->kind == NEWS_FULL)
				status = err_set(err, ERR_IO, "%s",
				    news->text);
			news_free(news);
		}
		pipeline_free(import->pipeline);
	}
	if (import->open != NULL)
		batch_put(import->open);
	if (stages_close(import->stages, err) < 0)
		status = -1;
	client_close(import->client);
	strbuf_fini(&import->body);
	loaded_put(import->loaded);
	return status;
}

static void
report(const struct import *import, bool json)
{
	double seconds = (double)(clock_mono_ns() - import->started_ns) / 1e9;

	if (isatty(2) && import->told_ns != import->started_ns)
		fputs("\r\033[K", stderr);
	if (json)
		printf("{\"events\":%llu,\"bytes\":%llu,\"truncated\":%llu,"
		    "\"seconds\":%.3f,\"cpu_s\":%.3f}\n",
		    (unsigned long long)import->events,
		    (unsigned long long)import->bytes,
		    (unsigned long long)import->truncated, seconds,
		    (double)clock_cpu_ns() / 1e9);
	else
		printf("%llu events, %llu bytes in %.1f s%s\n",
		    (unsigned long long)import->events,
		    (unsigned long long)import->bytes, seconds,
		    import->client != NULL ? " through the daemon" : "");
}

/* A definition or a context that cannot be read is left out; rules are taken
 * whole. */
static bool
load(struct import *import)
{
	struct diag *lost = diag_new();

	import->loaded = loaded_new(import->conf, import->diag, lost, lost);
	diag_print(lost, stderr);
	diag_print(import->diag, stderr);
	diag_free(lost);
	if (diag_errors(import->diag) == 0)
		return true;
	fprintf(stderr, "yagura import: nothing was read; %zu mistakes in "
	    "paths and rules\n", diag_errors(import->diag));
	return false;
}

static int
run(struct import *import, char **files, int nfiles, bool json)
{
	struct err err = { 0 };
	int status;

	import->started_ns = import->told_ns = clock_mono_ns();
	if (!load(import)) {
		loaded_put(import->loaded);
		strbuf_fini(&import->body);
		return EXIT_CONFIG;
	}
	status = folder_held(import->conf->data) ?
	    begin_daemon(import, &err) : begin_pipeline(import, &err);
	for (int i = 0; status == 0 && i < nfiles; i++)
		status = import_file(import, files[i], &err);
	if (finish(import, &err) < 0)
		status = -1;
	if (status == 0) {
		report(import, json);
		return EXIT_DONE;
	}
	fprintf(stderr, "yagura import: %s\n", err.text);
	if (import->events > 0)
		fprintf(stderr, "yagura import: %llu events were read before "
		    "that\n", (unsigned long long)import->events);
	return err_exit_code(&err);
}

/* In any form that a line may state; in UTC if it names no zone. */
static bool
read_now(struct slice text, int64_t *now_ns)
{
	struct timetext time;

	return timetext_read(text, &time) == text.len && text.len > 0 &&
	    timetext_resolve(&time, clock_now_ns(), NULL, now_ns);
}

/* Options in front of the files; -1: wrong. */
static int
options(struct import *import, int argc, char **argv, bool *json)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
		if (strcmp(argv[i], "--json") == 0) {
			*json = true;
		} else if (strcmp(argv[i], "--") == 0) {
			return i + 1;
		} else if (strcmp(argv[i], "--now") == 0 && i + 1 < argc) {
			if (!read_now(slice_cstr(argv[++i]),
			    &import->now_ns)) {
				fprintf(stderr, "yagura import: --now: \"%s\" "
				    "is no time\n", argv[i]);
				return -1;
			}
		} else {
			fprintf(stderr, strcmp(argv[i], "--now") == 0 ?
			    "yagura import: %s needs a value\n" :
			    "yagura import: unknown option \"%s\"\n",
			    argv[i]);
			return -1;
		}
		i++;
	}
	return i;
}

int
cmd_import(int argc, char **argv)
{
	struct import import = { .diag = diag_new() };
	bool json = false;
	int code = EXIT_USAGE, first;

	signal(SIGPIPE, SIG_IGN);
	strbuf_init(&import.body);
	import.conf = conf_for_command(&argc, argv, import.diag);
	first = import.conf != NULL ? options(&import, argc, argv, &json) : -1;
	if (import.conf != NULL && diag_errors(import.diag) > 0) {
		diag_print(import.diag, stderr);
		code = EXIT_CONFIG;
	} else if (first < 0 || first >= argc) {
		diag_print(import.diag, stderr);
		code = cmd_usage("import");
	} else {
		code = run(&import, argv + first, argc - first, json);
	}
	conf_free(import.conf);
	diag_free(import.diag);
	return code;
}
