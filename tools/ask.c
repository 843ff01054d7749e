#include "tools/ask.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "storage/ledger.h"
#include "storage/store.h"
#include "tools/ask_list.h"

#define PROGRESS_AFTER_NS (2 * TIME_S_NS)	/* silence until then */
#define PROGRESS_EVERY_NS (TIME_S_NS / 4)

/* --- options ------------------------------------------------------------ */

static const char *const option_names[] = { "--since", "--until", "--format",
	"--json", "--lang", "--ioc", "--column", "--data", "--config",
	"--help" };

/* "--since X" or "--since=X". NULL if this is not the option; *i moves. */
static const char *
option_value(const struct ask *ask, char **argv, int *i, const char *name)
{
	size_t n = strlen(name);
	(void)ask;

	if (strncmp(argv[*i], name, n) != 0)
		return NULL;
	if (argv[*i][n] == '=')
		return argv[*i] + n + 1;
	if (argv[*i][n] != '\0')
		return NULL;
	if (argv[*i + 1] == NULL)
		return "";
	return argv[++*i];
}

static bool
take_time(struct ask *ask, const char *option, const char *text)
{
	int64_t from, to;

	if (!query_time(slice_cstr(text), ask->now_ns, &from, &to)) {
		fprintf(stderr, "yagura %s: %s: \"%s\" is no time; write "
		    "-24h, 2026-11, 2026-11-21 or 2026-11-21T10:00:00Z\n",
		    ask->name, option, text);
		return false;
	}
	if (option[2] == 's') {
		ask->from_ns = from;
		ask->since_given = true;
	} else {
		ask->to_ns = to;
	}
	return true;
}

static bool
take_rows(struct ask *ask, const char *text)
{
	if (slice_ulong(slice_cstr(text), &ask->rows) && ask->rows > 0)
		return true;
	fprintf(stderr, "yagura %s: -n wants a whole number from 1, not "
	    "\"%s\"\n", ask->name, text);
	return false;
}

/* One option at argv[*i]. -1: it was one; -2: it is an argument; else the
 * exit code. */
static int
take_option(struct ask *ask, char **argv, int *i, unsigned options)
{
	const char *value, *arg = argv[*i];

	if (options & ASK_TIMES) {
		if ((value = option_value(ask, argv, i, "--since")) != NULL)
			return take_time(ask, "--since", value) ? -1
			    : EXIT_USAGE;
		if ((value = option_value(ask, argv, i, "--until")) != NULL)
			return take_time(ask, "--until", value) ? -1
			    : EXIT_USAGE;
	}
	if ((options & ASK_FORMAT) &&
	    (value = option_value(ask, argv, i, "--format")) != NULL) {
		if (present_format(value, &ask->format))
			return -1;
		fprintf(stderr, "yagura %s: unknown format \"%s\" (table, "
		    "json, csv or raw)\n", ask->name, value);
		return EXIT_USAGE;
	}
	if ((options & ASK_JSON) && strcmp(arg, "--json") == 0) {
		ask->format = PRESENT_JSON;
		return -1;
	}
	if ((options & ASK_LANG) &&
	    (value = option_value(ask, argv, i, "--lang")) != NULL) {
		if (strcmp(value, "en") == 0 || strcmp(value, "ja") == 0) {
			ask->lang = value;
			return -1;
		}
		fprintf(stderr, "yagura %s: unknown language \"%s\" (en or "
		    "ja)\n", ask->name, value);
		return EXIT_USAGE;
	}
	if ((options & ASK_LIST) &&
	    (value = option_value(ask, argv, i, "--ioc")) != NULL) {
		ask->list = value;
		return -1;
	}
	if ((options & ASK_LIST) &&
	    (value = option_value(ask, argv, i, "--column")) != NULL) {
		ask->column = value;
		return -1;
	}
	if ((options & ASK_FOLLOW) && (strcmp(arg, "-f") == 0 ||
	    strcmp(arg, "--follow") == 0)) {
		ask->follow = true;
		return -1;
	}
	if ((options & ASK_ROWS) && strncmp(arg, "-n", 2) == 0 &&
	    (arg[2] == '\0' || (arg[2] >= '0' && arg[2] <= '9'))) {
		value = arg[2] != '\0' ? arg + 2
		    : argv[*i + 1] == NULL ? "" : argv[++*i];
		return take_rows(ask, value) ? -1 : EXIT_USAGE;
	}
	if (arg[0] == '-' && arg[1] == '-')
		return cmd_unknown_option(ask->name, arg, option_names,
		    sizeof(option_names) / sizeof(option_names[0]));
	return -2;
}

static int
open_store(struct ask *ask)
{
	struct err err = { ERR_NONE, "" };

	ask->store = store_open(ask->conf->data, &err);
	if (ask->store != NULL)
		return -1;
	fprintf(stderr, "yagura %s: %s\n", ask->name, err.text);
	return EXIT_UNREACHABLE;
}

int
ask_begin(struct ask *ask, int argc, char **argv, unsigned options)
{
	struct diag *diag = diag_new();
	bool only_arguments = false;
	int code = -1, kept = 0;

	*ask = (struct ask){ .name = argv[0], .now_ns = clock_now_ns(),
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .lang = "en" };
	ask->conf = conf_for_command(&argc, argv, diag);
	if (ask->conf == NULL || diag_errors(diag) > 0) {
		diag_print(diag, stderr);
		code = ask->conf == NULL ? EXIT_USAGE : EXIT_CONFIG;
	}
	diag_free(diag);
	ask->argv = xcalloc((size_t)argc + 1, sizeof(*ask->argv));
	for (int i = 1; code < 0 && i < argc; i++) {
		int taken = -2;

		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = true;
			continue;
		}
		if (!only_arguments)
			taken = take_option(ask, argv, &i, options);
		if (taken >= 0)
			code = taken;
		else if (taken == -2)
			ask->argv[kept++] = argv[i];
	}
	ask->argc = kept;
	if (code < 0)
		code = open_store(ask);
	if (code >= 0)
		ask_end(ask);
	return code;
}

void
ask_end(struct ask *ask)
{
	if (ask->store != NULL)
		store_close(ask->store);
	conf_free(ask->conf);
	free(ask->argv);
	*ask = (struct ask){ .name = ask->name };
}

/* --- running ------------------------------------------------------------ */

static void
load_names(void *user)
{
	scan_load_names(((struct ask *)user)->store);
}

struct query *
ask_parse(struct ask *ask, struct slice text)
{
	struct query_names names = { .user = ask, .load = load_names,
	    .list = ask_list };
	struct query_error error;
	struct query *query = query_parse(text, ask->now_ns, &names, &error);

	if (query == NULL)
		query_error_print(stderr, text, &error);
	return query;
}

struct running {
	enum op_more (*row)(void *user, const struct row *row);
	void	(*complete)(void *user, uint64_t seq);
	void	*user;
	int64_t	 began_ns, told_ns;
	bool	 told, asks;
};

static enum op_more
running_row(void *user, const struct row *row)
{
	struct running *running = user;

	if (running->told)
		fprintf(stderr, "\r\033[K");
	running->told = false;
	return running->row(running->user, row);
}

static bool
running_progress(void *user, uint64_t events, uint64_t of)
{
	struct running *running = user;
	int64_t now = clock_mono_ns();

	if (!running->asks || now - running->began_ns < PROGRESS_AFTER_NS ||
	    now - running->told_ns < PROGRESS_EVERY_NS)
		return true;
	running->told_ns = now;
	running->told = true;
	fprintf(stderr, "\r\033[Ksearched %llu of %llu events (%u %%)",
	    (unsigned long long)events, (unsigned long long)of,
	    of == 0 ? 100 : (unsigned)(events * 100 / of));
	return true;
}

/* Says how it went. */
static int
told(const struct ask *ask, int failed, const struct scan_result *result,
    const struct err *err)
{
	if (failed < 0) {
		fprintf(stderr, "yagura %s: %s\n", ask->name, err->text);
		return EXIT_UNREACHABLE;
	}
	if (result->why[0] != '\0')
		fprintf(stderr, "yagura %s: %s%s\n", ask->name,
		    result->partial ? "partial answer: " : "", result->why);
	return result->partial ? EXIT_PARTIAL : EXIT_DONE;
}

static struct scan_request
request_of(const struct ask *ask, struct query *query,
    struct running *running)
{
	return (struct scan_request){ .store = ask->store, .query = query,
	    .from_ns = ask->from_ns, .to_ns = ask->to_ns, .rows = ask->rows,
	    .any_order = ask->any_order,
	    .lines_only = ask->format == PRESENT_RAW, .row = running_row,
	    .user = running, .progress = running_progress };
}

/* Questions give way to the daemon beside them. Memory of one chunk serves
 * the next: it is not given back in between. */
static void
give_way(void)
{
	struct err err = { ERR_NONE, "" };

	if (nice(5) < 0)
		err_clear(&err);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 48 << 20);
}

int
ask_run(struct ask *ask, struct query *query,
    enum op_more (*row)(void *user, const struct row *row), void *user,
    struct scan_result *result)
{
	struct running running = { .row = row, .user = user,
	    .began_ns = clock_mono_ns(), .asks = isatty(STDERR_FILENO) };
	struct scan_request request = request_of(ask, query, &running);
	struct err err = { ERR_NONE, "" };
	int failed;

	give_way();
	failed = scan_run(&request, result, &err);
	if (running.told)
		fprintf(stderr, "\r\033[K");
	return told(ask, failed, result, &err);
}

static void
running_complete(void *user, uint64_t seq)
{
	struct running *running = user;

	running->complete(running->user, seq);
}

int
ask_sequence(struct ask *ask, struct query *query,
    enum op_more (*row)(void *user, const struct row *row),
    void (*complete)(void *user, uint64_t seq), void *user,
    struct scan_result *result)
{
	struct running running = { .row = row, .complete = complete,
	    .user = user, .began_ns = clock_mono_ns(),
	    .asks = isatty(STDERR_FILENO) };
	struct scan_request request = request_of(ask, query, &running);
	struct err err = { ERR_NONE, "" };
	int failed;

	give_way();
	request.rows = 0;
	failed = scan_sequence(&request, running_complete, result, &err);
	if (running.told)
		fprintf(stderr, "\r\033[K");
	return told(ask, failed, result, &err);
}

/* --- alerts ------------------------------------------------------------- */

static int64_t
long_of(const struct event *event, field_t field, int64_t otherwise)
{
	const struct value *value = event_get(event, field);

	if (value == NULL || (value->type != VALUE_LONG &&
	    value->type != VALUE_TIME))
		return otherwise;
	return value->u.num;
}

/* Without a run there are the ids that the raising names. */
static void
events_of_raising(const struct event *event, struct arena *arena,
    struct alert *out)
{
	const struct value *ids = event_get(event, FIELD_YAGURA_EVENTS);
	size_t n = ids == NULL ? 0 : value_members(ids);

	out->events = arena_zalloc(arena, (n + 1) * sizeof(*out->events));
	for (size_t i = 0; i < n; i++) {
		const struct value *id = value_member(ids, i);

		if (id->type == VALUE_TEXT)
			out->events[out->nevents++].id =
			    slice_of(id->text, id->len);
	}
}

void
ask_alert(struct ask *ask, const struct event *event, struct arena *arena,
    struct alert *out)
{
	struct value id;
	struct run run;

	*out = (struct alert){ .event = event };
	if (event_value(event, FIELD_EVENT_ID, &id))
		out->id = slice_of(id.text, id.len);
	out->first_ns = long_of(event, FIELD_YAGURA_FIRST, event->time_ns);
	out->last_ns = long_of(event, FIELD_YAGURA_LAST, event->time_ns);
	out->count = (uint64_t)long_of(event, FIELD_YAGURA_COUNT, 1);
	if (!ledger_run(ask->store, out->id, arena, &run) || run.n == 0) {
		events_of_raising(event, arena, out);
		return;
	}
	out->first_ns = run.first_ns;
	out->last_ns = run.last_ns;
	out->count = run.count;
	out->nevents = run.n;
	out->events = arena_zalloc(arena, run.n * sizeof(*out->events));
	for (size_t i = 0; i < run.n; i++) {
		out->events[i].seq = run.seqs[i];
		out->events[i].time_ns = run.times_ns[i];
	}
}

bool
ask_alert_event(struct ask *ask, const struct alert_event *at,
    struct arena *arena, struct event *out)
{
	struct err err = { ERR_NONE, "" };

	if (at->id.len > 0)
		return scan_find_event(ask->store, at->id, arena, out, &err);
	return store_event(ask->store, at->seq, at->time_ns, arena, out, &err);
}

static void
put_key(struct strbuf *out, const char *key)
{
	strbuf_putc(out, out->len > 0 && out->ptr[out->len - 1] == '{' ? '"'
	    : ',');
	if (out->ptr[out->len - 1] == ',')
		strbuf_putc(out, '"');
	strbuf_puts(out, key);
	strbuf_puts(out, "\":");
}

static void
put_field(struct strbuf *out, const struct event *event, field_t field)
{
	struct value value = { .type = VALUE_NULL };

	event_value(event, field, &value);
	put_key(out, field_name(field).ptr);
	value_json(out, &value);
}

static void
put_time(struct strbuf *out, const char *key, int64_t time_ns)
{
	char text[TIME_TEXT_BYTES];

	put_key(out, key);
	strbuf_putc(out, '"');
	strbuf_put(out, time_format_rfc3339(time_ns, text));
	strbuf_putc(out, '"');
}

/* "field=value" texts as an object; a field that occurs twice is a list in
 * truth, but groups have one value each. */
static void
put_group(struct strbuf *out, const struct event *event)
{
	const struct value *group = event_get(event, FIELD_YAGURA_GROUP);
	size_t n = group == NULL ? 0 : value_members(group);
	bool first = true;

	put_key(out, "yagura.group");
	strbuf_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		const struct value *item = value_member(group, i);
		struct slice text = slice_of(item->text, item->len);
		ptrdiff_t equals;

		if (item->type != VALUE_TEXT)
			continue;
		equals = slice_find_byte(text, '=');
		if (equals < 0)
			continue;
		if (!first)
			strbuf_putc(out, ',');
		first = false;
		json_put_string(out, slice_head(text, (size_t)equals));
		strbuf_putc(out, ':');
		json_put_string(out, slice_skip(text, (size_t)equals + 1));
	}
	strbuf_putc(out, '}');
}

static void
put_events(struct ask *ask, struct strbuf *out, const struct alert *alert)
{
	struct arena *arena = arena_new(0);
	bool first = true;

	put_key(out, "events");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < alert->nevents; i++) {
		struct event event;
		struct value id;

		arena_reset(arena);
		if (!ask_alert_event(ask, &alert->events[i], arena, &event))
			continue;
		if (!first)
			strbuf_putc(out, ',');
		first = false;
		strbuf_puts(out, "{\"event.id\":");
		if (event_value(&event, FIELD_EVENT_ID, &id))
			value_json(out, &id);
		else
			strbuf_puts(out, "null");
		strbuf_puts(out, ",\"event.original\":");
		json_put_string(out, event.raw);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
	arena_free(arena);
}

void
ask_alert_json(struct ask *ask, const struct alert *alert, struct strbuf *out)
{
	const struct event *event = alert->event;

	strbuf_putc(out, '{');
	put_field(out, event, FIELD_EVENT_ID);
	put_time(out, "@timestamp", event->time_ns);
	put_field(out, event, FIELD_RULE_ID);
	put_field(out, event, FIELD_RULE_NAME);
	put_field(out, event, FIELD_YAGURA_LAYER);
	put_group(out, event);
	put_time(out, "first", alert->first_ns);
	put_time(out, "last", alert->last_ns);
	put_key(out, "count");
	strbuf_putlong(out, (int64_t)alert->count);
	put_events(ask, out, alert);
	strbuf_putc(out, '}');
}
