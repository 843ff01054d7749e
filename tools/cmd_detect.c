/* yagura detect: rules over files, nothing stored.
 *
 * Lines become batches, and batches go through the same stages as in the
 * daemon: match, then correlate. What comes out is printed in the order of
 * the lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "correlation/correlate_stage.h"
#include "correlation/groupkey.h"
#include "correlation/match_stage.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/json.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/yaml.h"
#include "tools/cmd.h"
#include "tools/detect_input.h"

#define READ_BYTES ((size_t)1 << 20)
#define OUT_BYTES ((size_t)1 << 18)	/* output is written in such pieces */
#define LINE_BYTES ((size_t)64 << 20)	/* a longer line is cut there */
#define RULE_PATHS 256
#define BATCH_RAW ((size_t)192 << 10)	/* bytes that close a batch: what was
				 * parsed is still in the cache for matching */

enum format { FORMAT_MATCHES, FORMAT_ALERTS, FORMAT_RUNS };

/* An alert that was raised, for --format runs. */
struct raised {
	struct slice id, rule, title, layer;
	int64_t	 time_ns;
	size_t	 nlines;
	uint64_t *lines;
};

struct detect {
	const char *rules[RULE_PATHS];
	size_t	 nrules;
	enum format format;
	bool	 strict, failed;
	int64_t	 now_ns;
	struct conf *conf;
	struct ruleset *set;
	struct match_stage *match;
	struct correlator *correlator;
	struct detect_input *input;
	struct batch *batch;
	size_t	 printed;	/* events of the batch whose hits are out */
	uint64_t *first_line;	/* by number of batch */
	uint64_t nbatches;
	uint64_t lines;
	struct strbuf out;
	struct slice *quoted;	/* {"event":, by rule: what follows the line */
	struct map *raised;	/* id to place in all */
	struct raised *all;
	size_t	 nall;
};

/* --- options --------------------------------------------------------------- */

static const char *const option_names[] = { "--strict", "--rules", "--now",
	"--format", "--json", "--data", "--config", "--help" };
#define NAMES (sizeof(option_names) / sizeof(option_names[0]))

static bool
known_option(const char *option)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strcmp(option, option_names[i]) == 0)
			return true;
	return false;
}

static bool
read_option(struct detect *d, int *at, int argc, char **argv)
{
	const char *option = argv[*at], *value = NULL;

	if (strcmp(option, "--strict") == 0) {
		d->strict = true;
		return true;
	}
	if (strcmp(option, "--json") == 0)
		return true;	/* it is what we always write */
	if (*at + 1 < argc)
		value = argv[*at + 1];
	if (value == NULL)
		return false;
	(*at)++;
	if (strcmp(option, "--rules") == 0 && d->nrules < RULE_PATHS) {
		d->rules[d->nrules++] = value;
		return true;
	}
	if (strcmp(option, "--now") == 0)
		return time_parse_rfc3339(slice_cstr(value), &d->now_ns);
	if (strcmp(option, "--format") != 0)
		return false;
	if (strcmp(value, "matches") == 0)
		d->format = FORMAT_MATCHES;
	else if (strcmp(value, "alerts") == 0)
		d->format = FORMAT_ALERTS;
	else if (strcmp(value, "runs") == 0)
		d->format = FORMAT_RUNS;
	else
		return false;
	return true;
}

/* How many arguments are options; -1: usage. */
static int
read_options(struct detect *d, int argc, char **argv)
{
	const char *option;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (!known_option(argv[i])) {
			cmd_unknown_option("detect", argv[i], option_names,
			    NAMES);
			return -1;
		}
		option = argv[i];
		if (!read_option(d, &i, argc, argv)) {
			fprintf(stderr, argv[i] == option ?
			    "yagura detect: %s needs a value\n" :
			    "yagura detect: %s: \"%s\" is none\n", option,
			    argv[i]);
			cmd_usage("detect");
			return -1;
		}
	}
	return i;
}

/* --- output ---------------------------------------------------------------- */
static void
flush(struct detect *d)
{
	size_t at = 0;

	while (at < d->out.len) {
		ssize_t n = write(STDOUT_FILENO, d->out.ptr + at,
		    d->out.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			d->failed = true;
			break;
		}
		at += (size_t)n;
	}
	strbuf_clear(&d->out);
}

static void
line_end(struct detect *d)
{
	strbuf_putc(&d->out, '\n');
	if (d->out.len >= OUT_BYTES)
		flush(d);
}

static uint64_t
line_of(const struct detect *d, uint64_t seq)
{
	return d->first_line[seq >> 12] + (seq & 4095);
}

static void
put_rule(struct detect *d, const struct event *event, uint32_t rule)
{
	strbuf_puts(&d->out, "{\"event\":");
	strbuf_putlong(&d->out, (int64_t)line_of(d, event->seq));
	strbuf_put(&d->out, d->quoted[rule]);
}

static void
print_hits(struct detect *d, const struct event *event)
{
	for (size_t i = 0; i < event->nhits; i++) {
		if (ruleset_rule(d->set, event->hits[i])->silent)
			continue;
		put_rule(d, event, event->hits[i]);
		strbuf_putc(&d->out, '}');
		line_end(d);
	}
}

/* Hits up to and with this event, which come before its firings. */
static void
print_hits_until(struct detect *d, size_t end)
{
	for (; d->printed < end; d->printed++)
		print_hits(d, &d->batch->events[d->printed]);
}

static void
put_number(struct strbuf *out, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		strbuf_printf(out, "%.0f", value);
	else
		strbuf_printf(out, "%.15g", value);
}

static void
print_firing(const struct firing *firing, void *arg)
{
	struct detect *d = arg;
	const struct correlation *c = firing->rule->correlation;
	size_t place = (size_t)(firing->event - d->batch->events);

	if (firing->rule->silent)
		return;
	print_hits_until(d, place + 1);
	put_rule(d, firing->event, firing->rule->number);
	strbuf_puts(&d->out, ",\"group\":{");
	for (size_t i = 0; i < c->ngroup && i < GROUPKEY_COLUMNS; i++) {
		if (i > 0)
			strbuf_putc(&d->out, ',');
		json_put_string(&d->out, c->group[i].name);
		strbuf_putc(&d->out, ':');
		json_put_string(&d->out, groupkey_value(firing->key, i));
	}
	strbuf_puts(&d->out, "},\"value\":");
	put_number(&d->out, firing->value);
	strbuf_puts(&d->out, firing->edge ? ",\"edge\":true}" :
	    ",\"edge\":false}");
	line_end(d);
}

/* ,"rule":"id" of every rule, escaped once. */
static void
quote_rules(struct detect *d)
{
	struct strbuf text = STRBUF_INIT;
	size_t n = ruleset_count(d->set);

	d->quoted = xcalloc(n + 1, sizeof(*d->quoted));
	for (size_t i = 0; i < n; i++) {
		strbuf_clear(&text);
		strbuf_puts(&text, ",\"rule\":");
		json_put_string(&text, ruleset_rule(d->set, i)->id);
		d->quoted[i] = slice_of(xstrdup(text.ptr), text.len);
	}
	strbuf_fini(&text);
}

static void
quoted_free(struct detect *d)
{
	union { const char *in; char *out; } text;

	for (size_t i = 0; d->quoted != NULL && i < ruleset_count(d->set);
	    i++) {
		text.in = d->quoted[i].ptr;
		free(text.out);
	}
	free(d->quoted);
}

/* --- alerts and their runs ------------------------------------------------- */
static struct slice
keep(struct slice text)
{
	char *copy = xmalloc(text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	return slice_of(copy, text.len);
}

static void
keep_alert(struct detect *d, const struct event *alert)
{
	char buf[VALUE_TEXT_BYTES];
	struct raised *raised;

	if ((d->nall & (d->nall - 1)) == 0)
		d->all = xrealloc(d->all, (d->nall == 0 ? 1 : 2 * d->nall) *
		    sizeof(*d->all));
	raised = &d->all[d->nall];
	*raised = (struct raised){ .time_ns = alert->time_ns,
	    .id = keep(event_text(alert, FIELD_EVENT_ID, buf)),
	    .rule = keep(event_text(alert, FIELD_RULE_ID, buf)),
	    .title = keep(event_text(alert, FIELD_RULE_NAME, buf)),
	    .layer = keep(event_text(alert, FIELD_YAGURA_LAYER, buf)) };
	map_get(d->raised, raised->id, NULL)->num = d->nall++;
}

static uint64_t
little64(const char *p)
{
	uint64_t out = 0;

	for (int i = 7; i >= 0; i--)
		out = out << 8 | (uint8_t)p[i];
	return out;
}

/* Notes of a run are values: the last one holds all. */
static void
keep_run(struct detect *d, const struct note *note)
{
	const union map_value *at = map_find(d->raised, note->key);
	struct raised *raised;
	size_t n = note->data.len / 16;

	if (at == NULL || note->kind != NOTE_RUN)
		return;
	raised = &d->all[at->num];
	raised->lines = xrealloc(raised->lines, (n + 1) * sizeof(uint64_t));
	raised->nlines = n;
	for (size_t i = 0; i < n; i++)
		raised->lines[i] = line_of(d,
		    little64(note->data.ptr + 16 * i));
}

static void
print_alerts(struct detect *d, const struct batch *batch)
{
	for (size_t i = 0; i < batch->nalerts; i++) {
		if (d->format == FORMAT_RUNS) {
			keep_alert(d, batch->alerts[i]);
			continue;
		}
		event_json(&d->out, batch->alerts[i], false);
		line_end(d);
	}
	if (d->format == FORMAT_RUNS)
		for (const struct note *note = batch->notes; note != NULL;
		    note = note->next)
			keep_run(d, note);
}

static void
print_runs(struct detect *d)
{
	char text[TIME_TEXT_BYTES];

	for (size_t i = 0; i < d->nall; i++) {
		const struct raised *raised = &d->all[i];

		strbuf_puts(&d->out, "{\"@timestamp\":");
		json_put_string(&d->out,
		    time_format_rfc3339(raised->time_ns, text));
		strbuf_puts(&d->out, ",\"event.id\":");
		json_put_string(&d->out, raised->id);
		strbuf_puts(&d->out, ",\"rule.id\":");
		json_put_string(&d->out, raised->rule);
		strbuf_puts(&d->out, ",\"rule.name\":");
		json_put_string(&d->out, raised->title);
		strbuf_puts(&d->out, ",\"yagura.layer\":");
		json_put_string(&d->out, raised->layer);
		strbuf_puts(&d->out, ",\"lines\":[");
		for (size_t k = 0; k < raised->nlines; k++) {
			if (k > 0)
				strbuf_putc(&d->out, ',');
			strbuf_putlong(&d->out, (int64_t)raised->lines[k]);
		}
		strbuf_puts(&d->out, "]}");
		line_end(d);
	}
}

static void
raised_free(struct detect *d)
{
	for (size_t i = 0; i < d->nall; i++) {
		union { const char *in; char *out; } text[4] = {
		    { d->all[i].id.ptr }, { d->all[i].rule.ptr },
		    { d->all[i].title.ptr }, { d->all[i].layer.ptr } };

		for (int k = 0; k < 4; k++)
			free(text[k].out);
		free(d->all[i].lines);
	}
	free(d->all);
	map_free(d->raised);
}

/* --- lines to batches ------------------------------------------------------ */
static void
batch_open(struct detect *d)
{
	if ((d->nbatches & (d->nbatches - 1)) == 0)
		d->first_line = xrealloc(d->first_line, (d->nbatches == 0 ? 1 :
		    2 * d->nbatches) * sizeof(*d->first_line));
	d->first_line[d->nbatches] = d->lines;
	d->batch = batch_new(0, d->nbatches++ << 12);
	d->printed = 0;
}

static void
batch_close(struct detect *d)
{
	struct batch *batch = d->batch;

	if (batch == NULL)
		return;
	batch->phase = BATCH_PARSED;
	match_stage_run(d->match, d->set, batch);
	correlate_stage_run(d->correlator, batch);
	if (d->format == FORMAT_MATCHES)
		print_hits_until(d, batch->n);
	else
		print_alerts(d, batch);
	d->batch = NULL;
	batch_put(batch);
}

static void
take_line(struct detect *d, struct slice line)
{
	struct event *event;

	if (d->batch == NULL)
		batch_open(d);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	event = batch_add(d->batch, line, SLICE(""), d->now_ns);
	detect_input_read(d->input, event);
	d->lines++;
	if (batch_full(d->batch) || d->batch->raw_bytes >= BATCH_RAW)
		batch_close(d);
}

static int
read_lines(struct detect *d, int fd, const char *name)
{
	struct strbuf buf = STRBUF_INIT;
	size_t start = 0, seen = 0;
	ssize_t n;

	for (;;) {
		char *room = strbuf_room(&buf, READ_BYTES), *end;

		n = read(fd, room, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf.len += (size_t)n;
		while ((end = memchr(buf.ptr + seen, '\n', buf.len - seen))
		    != NULL) {
			seen = (size_t)(end - buf.ptr) + 1;
			take_line(d, slice_of(buf.ptr + start,
			    seen - 1 - start));
			start = seen;
		}
		memmove(buf.ptr, buf.ptr + start, buf.len - start);
		buf.len -= start;
		start = 0;
		seen = buf.len;
		if (buf.len >= LINE_BYTES) {
			take_line(d, strbuf_slice(&buf));
			d->lines--;	/* the rest is no line of its own */
			buf.len = seen = 0;
		}
	}
	if (buf.len > 0)
		take_line(d, strbuf_slice(&buf));
	strbuf_fini(&buf);
	if (n == 0)
		return EXIT_DONE;
	fprintf(stderr, "yagura: detect: %s: %s\n", name, strerror(errno));
	return EXIT_UNREACHABLE;
}

static int
read_files(struct detect *d, int argc, char **argv)
{
	int worst = EXIT_DONE;

	if (argc == 0)
		return read_lines(d, STDIN_FILENO, "stdin");
	for (int i = 0; i < argc; i++) {
		int fd = strcmp(argv[i], "-") == 0 ? STDIN_FILENO :
		    open(argv[i], O_RDONLY | O_CLOEXEC), code;

		if (fd < 0) {
			fprintf(stderr, "yagura: detect: %s: %s\n", argv[i],
			    strerror(errno));
			return EXIT_UNREACHABLE;
		}
		code = read_lines(d, fd, argv[i]);
		if (fd != STDIN_FILENO)
			close(fd);
		if (code != EXIT_DONE)
			worst = code;
	}
	return worst;
}

/* --- rules ----------------------------------------------------------------- */
/* Is the finding in a document that is a correlation? */
static bool
is_in_correlation(const struct diag_finding *finding)
{
	struct diag *ignored = diag_new();
	struct yaml_doc *doc = yaml_load(finding->file, ignored);
	const struct yaml_node *last = NULL;
	bool yes;

	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++) {
		const struct yaml_node *root = yaml_root(doc, i);

		if (root->line <= finding->line)
			last = root;
	}
	yes = yaml_get(last, "correlation") != NULL;
	yaml_free(doc);
	diag_free(ignored);
	return yes;
}

/* A detection that is refused is one question less. A correlation that is
 * refused leaves its parts without their meaning (those it silenced would
 * speak), so the set is not run. */
static bool
is_usable(const struct detect *d, const struct diag *diag)
{
	if (diag_errors(diag) == 0)
		return true;
	if (d->strict || ruleset_count(d->set) == 0)
		return false;
	for (size_t i = 0; i < diag_count(diag); i++)
		if (diag_at(diag, i)->level == DIAG_ERROR &&
		    is_in_correlation(diag_at(diag, i)))
			return false;
	return true;
}

static bool
load_rules(struct detect *d)
{
	struct diag *diag = diag_new();
	bool good;

	d->set = ruleset_load(d->rules, d->nrules, diag);
	diag_print(diag, stderr);
	good = is_usable(d, diag);
	if (!good)
		fprintf(stderr, "yagura: detect: the rules are not run; "
		    "%zu mistakes\n", diag_errors(diag));
	diag_free(diag);
	return good;
}

/* What the stream leaves behind that nothing followed. */
static void
finish(struct detect *d)
{
	batch_open(d);
	correlator_end(d->correlator, d->batch);
	if (d->format != FORMAT_MATCHES)
		print_alerts(d, d->batch);
	batch_put(d->batch);
	d->batch = NULL;
}

/* Alerts that found no place are in the next batch; there may be none. */
static void
drain(struct detect *d)
{
	struct correlator_figures figures;

	for (;;) {
		correlator_figures(d->correlator, &figures);
		if (figures.waiting == 0)
			return;
		batch_open(d);
		batch_close(d);
	}
}

static int
detect(struct detect *d, int argc, char **argv)
{
	struct correlator_limits limits = {
	    .groups = (size_t)d->conf->correlation_groups,
	    .groups_per_rule = (size_t)d->conf->correlation_groups_per_rule,
	    .bytes = (size_t)d->conf->correlation_bytes,
	    .stated_times_only = true,
	    .hits_only = d->format == FORMAT_MATCHES };
	int code;

	batch_release = match_stage_release;
	quote_rules(d);
	d->match = match_stage_new();
	d->correlator = correlator_new(&limits);
	d->input = detect_input_new(d->conf);
	d->raised = map_new();
	if (d->format == FORMAT_MATCHES)
		correlator_watch(d->correlator, print_firing, d);
	code = read_files(d, argc, argv);
	batch_close(d);
	finish(d);
	drain(d);
	print_runs(d);
	flush(d);
	diag_print(detect_input_findings(d->input), stderr);
	detect_input_free(d->input);
	correlator_free(d->correlator);
	match_stage_free(d->match);
	raised_free(d);
	free(d->first_line);
	strbuf_fini(&d->out);
	quoted_free(d);
	return d->failed && code == EXIT_DONE ? EXIT_UNREACHABLE : code;
}

static int
configured(struct detect *d, int argc, char **argv)
{
	int options = read_options(d, argc, argv), code;

	if (options < 0)
		return EXIT_USAGE;
	if (d->nrules == 0)
		for (; d->nrules < d->conf->nrules && d->nrules < RULE_PATHS;
		    d->nrules++)
			d->rules[d->nrules] = d->conf->rules[d->nrules];
	code = EXIT_CONFIG;
	if (load_rules(d))
		code = detect(d, argc - options, argv + options);
	ruleset_put(d->set);
	return code;
}

int
cmd_detect(int argc, char **argv)
{
	struct detect d = { .out = STRBUF_INIT, .now_ns = clock_now_ns() };
	struct diag *diag = diag_new();
	int code;

	d.conf = conf_for_command(&argc, argv, diag);
	diag_print(diag, stderr);
	if (d.conf == NULL)
		code = EXIT_USAGE;
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = configured(&d, argc, argv);
	conf_free(d.conf);
	diag_free(diag);
	return code;
}
