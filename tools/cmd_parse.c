/* yagura parse: lines in, one flat JSON object per line out, in order.
 *
 * The same code as the daemon's, with nothing behind it. Input is read in big
 * blocks and lines are borrowed from them until the batch is decoded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/zone.h"
#include "parsers/parserset.h"
#include "tools/cmd.h"

#define READ_BYTES ((size_t)4 << 20)
#define LINE_BYTES ((size_t)1 << 20)	/* of a longer line the first part */
#define BATCH_LINES 64	/* what they become stays in the second cache */
#define WRITE_BYTES ((size_t)1 << 20)

struct parse {
	struct parserset *set;
	struct parser_lane *lane;
	struct parser_options options;
	bool	 raw, quiet, explain;
	int64_t	 now_ns;	/* 0: when a block was read */
	int64_t	 read_ns;
	struct batch *batch;
	struct strbuf out;
	uint64_t lines;
	bool	 failed;	/* nobody reads our output any more */
};

static void
flush(struct parse *p)
{
	size_t done = 0;

	while (done < p->out.len && !p->failed) {
		ssize_t n = write(STDOUT_FILENO, p->out.ptr + done,
		    p->out.len - done);

		if (n < 0 && errno != EINTR)
			p->failed = true;
		else if (n > 0)
			done += (size_t)n;
	}
	strbuf_clear(&p->out);
}

static void
put_event(struct parse *p, struct event *event, bool truncated)
{
	if (truncated)
		event_tag(event, EVENT_TAG_TRUNCATED);
	if (p->explain) {
		struct strbuf why = STRBUF_INIT;

		parser_explain(p->lane, &p->options, event, &why);
		fprintf(stderr, "line %llu:\n%s",
		    (unsigned long long)p->lines, why.ptr);
		strbuf_fini(&why);
	} else {
		parser_run(p->lane, &p->options, event);
	}
	event_seal(event);
	if (p->quiet)
		return;
	event_json(&p->out, event, p->raw);
	strbuf_putc(&p->out, '\n');
	if (p->out.len >= WRITE_BYTES)
		flush(p);
}

static void
put_line(struct parse *p, struct slice line)
{
	bool truncated = line.len > LINE_BYTES;

	if (p->batch->n == BATCH_LINES || batch_full(p->batch)) {
		uint64_t seq = p->batch->seq0 + 4096;

		batch_put(p->batch);
		p->batch = batch_new(0, seq);
	}
	p->lines++;
	put_event(p, batch_add(p->batch, slice_head(line, LINE_BYTES),
	    slice_of("", 0), p->now_ns != 0 ? p->now_ns : p->read_ns),
	    truncated);
}

/* All whole lines of the block; answers the bytes they took. A line longer
 * than the block is cut there, and the rest up to its end is skipped. */
static size_t
put_lines(struct parse *p, const char *block, size_t n)
{
	size_t at = 0;

	while (at < n && !p->failed) {
		const char *end = memchr(block + at, '\n', n - at);
		size_t len;

		if (end == NULL)
			break;
		len = (size_t)(end - block) - at;
		if (len > 0 && end[-1] == '\r')
			put_line(p, slice_of(block + at, len - 1));
		else
			put_line(p, slice_of(block + at, len));
		at += len + 1;
	}
	return at;
}

static int
run_fd(struct parse *p, int fd, const char *name)
{
	char *block = xmalloc(READ_BYTES);
	size_t have = 0;
	bool skipping = false;
	ssize_t n;

	parser_lane_share(p->lane, NULL);	/* a header is its file's */
	for (;;) {
		size_t used;

		n = read(fd, block + have, READ_BYTES - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || p->failed)
			break;
		have += (size_t)n;
		p->read_ns = clock_now_ns();
		if (skipping) {
			char *end = memchr(block, '\n', have);
			size_t drop = end == NULL ? have
			    : (size_t)(end - block) + 1;

			memmove(block, block + drop, have - drop);
			have -= drop;
			skipping = end == NULL;
			if (skipping)
				continue;
		}
		used = put_lines(p, block, have);
		memmove(block, block + used, have - used);
		have -= used;
		if (have == READ_BYTES) {
			put_line(p, slice_of(block, have));
			skipping = true;
			have = 0;
		}
	}
	if (n < 0)
		fprintf(stderr, "yagura parse: %s: %s\n", name,
		    strerror(errno));
	if (have > 0 && !skipping)
		put_line(p, slice_of(block, have));
	free(block);
	return n < 0 ? EXIT_UNREACHABLE : EXIT_DONE;
}

static int
run_files(struct parse *p, int argc, char **argv)
{
	int worst = EXIT_DONE;

	if (argc == 0)
		return run_fd(p, STDIN_FILENO, "standard input");
	for (int i = 0; i < argc; i++) {
		int fd = strcmp(argv[i], "-") == 0 ? dup(STDIN_FILENO)
		    : open(argv[i], O_RDONLY | O_CLOEXEC), code;

		if (fd < 0) {
			fprintf(stderr, "yagura parse: %s: %s\n", argv[i],
			    strerror(errno));
			worst = EXIT_UNREACHABLE;
			continue;
		}
		code = run_fd(p, fd, argv[i]);
		if (code != EXIT_DONE)
			worst = code;
		close(fd);
	}
	return worst;
}

/* Shipped definitions, then the local ones; one with a mistake is left out.
 * Answers the exit code. */
static int
load(struct parse *p, const struct conf *conf)
{
	struct diag *diag = diag_new(), *refused = diag_new();
	bool ok;

	p->set = parserset_load_rest(conf->parsers, conf->nparsers, diag,
	    refused);
	diag_print(refused, stderr);
	diag_print(diag, stderr);
	ok = diag_errors(diag) == 0;
	diag_free(refused);
	diag_free(diag);
	if (!ok)
		return EXIT_CONFIG;
	if (p->options.def.len == 0 || parserset_has(p->set, p->options.def))
		return EXIT_DONE;
	fprintf(stderr, "yagura parse: there is no definition \"%s\"; "
	    "`yagura parsers list` names them\n", p->options.def.ptr);
	return EXIT_CONFIG;
}

static bool
take_zone(struct parse *p, const char *name)
{
	p->options.zone = slice_cstr(name);
	if (zone_find(p->options.zone) != NULL)
		return true;
	fprintf(stderr, "yagura parse: --tz: there is no time zone \"%s\"\n",
	    name);
	return false;
}

static bool
take_now(struct parse *p, const char *text)
{
	if (time_parse_rfc3339(slice_cstr(text), &p->now_ns))
		return true;
	fprintf(stderr, "yagura parse: --now: \"%s\" is no time; write "
	    "2026-11-21T10:00:00Z\n", text);
	return false;
}

static const char *const flag_names[] = { "--raw", "--null", "--explain",
	"--json", "--def", "--tz", "--now", "--data", "--config", "--help" };
#define FLAGS 4		/* the first ones take no value */
#define WITH_VALUE 7	/* up to here */

static bool
take_flag(struct parse *p, const char *option)
{
	if (strcmp(option, "--raw") == 0)
		p->raw = true;
	else if (strcmp(option, "--null") == 0)
		p->quiet = true;
	else if (strcmp(option, "--explain") == 0)
		p->explain = true;
	else	/* --json is what we always write */
		return strcmp(option, "--json") == 0;
	return true;
}

/* An option at argv[*i], which moves; false: said what is wrong with it. */
static bool
take_option(struct parse *p, char **argv, int *i)
{
	const char *option = argv[*i], *value;
	size_t n = FLAGS;

	if (take_flag(p, option))
		return true;
	while (n < WITH_VALUE && strcmp(option, flag_names[n]) != 0)
		n++;
	if (n == WITH_VALUE) {
		cmd_unknown_option("parse", option, flag_names,
		    sizeof(flag_names) / sizeof(flag_names[0]));
		return false;
	}
	value = argv[*i + 1];
	if (value == NULL) {
		fprintf(stderr, "yagura parse: %s needs a value\n", option);
		cmd_usage("parse");
		return false;
	}
	(*i)++;
	if (strcmp(option, "--tz") == 0)
		return take_zone(p, value);
	if (strcmp(option, "--now") == 0)
		return take_now(p, value);
	p->options.def = slice_cstr(value);
	return true;
}

/* Where the files begin; -1: said what is wrong. */
static int
read_options(struct parse *p, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (!take_option(p, argv, &i))
			return -1;
	}
	return i;
}

static int
parse_files(struct parse *p, int nfiles, char **files)
{
	int code;

	strbuf_init(&p->out);
	p->lane = parser_lane_new(p->set);
	p->batch = batch_new(0, 1);
	code = run_files(p, nfiles, files);
	flush(p);
	strbuf_fini(&p->out);
	batch_put(p->batch);
	parser_lane_free(p->lane);
	return p->failed ? EXIT_UNREACHABLE : code;
}

static int
configured(struct parse *p, const struct conf *conf, int argc, char **argv)
{
	int first, code;

	p->options.zone = slice_cstr(conf->timezone);
	first = read_options(p, argc, argv);
	if (first < 0)
		return EXIT_USAGE;
	code = load(p, conf);
	if (code == EXIT_DONE)
		code = parse_files(p, argc - first, argv + first);
	parserset_put(p->set);
	return code;
}

int
cmd_parse(int argc, char **argv)
{
	struct parse p = { .options = { .ndjson = true } };
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	int code;

	diag_print(diag, stderr);
	if (conf == NULL)
		code = cmd_usage("parse");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = configured(&p, conf, argc, argv);
	conf_free(conf);
	diag_free(diag);
	return code;
}
