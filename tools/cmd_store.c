/* yagura store -- what the data folder holds, whether it is whole, and all of
 * it as NDJSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "storage/chunk.h"
#include "storage/sizes.h"
#include "storage/store.h"
#include "storage/verify.h"
#include "tools/ask.h"
#include "tools/cmd.h"

#define DAY_TEXT 10		/* 2026-11-21 */

static int
say(const struct err *err)
{
	fprintf(stderr, "yagura store: %s\n", err->text);
	return err_exit_code(err);
}

/* What could not be read, and the exit code for it. */
static int
say_missing(struct store *store)
{
	struct slice why;
	uint64_t missing = store_missing(store, &why);

	if (why.len == 0)
		return EXIT_DONE;
	fprintf(stderr, "%.*syagura store: %llu events missing\n",
	    (int)why.len, why.ptr, (unsigned long long)missing);
	return EXIT_PARTIAL;
}

/* The days asked for; EXIT_DONE, or the exit code when the ledger cannot be
 * read. A day that cannot be read is among the missing. */
static int
days(struct ask *ask, const struct partition_info **infos, size_t *n)
{
	struct err err = { .kind = ERR_NONE };
	struct slice why;

	*n = store_partitions(ask->store, ask->from_ns, ask->to_ns, false,
	    infos, &err);
	store_missing(ask->store, &why);
	return err.kind == ERR_NONE || why.len > 0 ? EXIT_DONE : say(&err);
}

/* --- stat ---------------------------------------------------------------- */

struct stat_row {
	char	 day[TIME_TEXT_BYTES];
	uint64_t events, tail, chunks, raw, bytes;
	const char *state;
};

static void
put_stat(bool json, const struct stat_row *row)
{
	double ratio = row->bytes > 0 ?
	    (double)row->raw / (double)row->bytes : 0;

	printf(json ? "{\"day\":\"%s\",\"events\":%llu,\"tail\":%llu,"
	    "\"chunks\":%llu,\"raw_bytes\":%llu,\"bytes\":%llu,\"ratio\":%.2f,"
	    "\"state\":\"%s\"}\n" :
	    "%-10s %12llu %10llu %7llu %14llu %14llu %6.1f  %s\n", row->day,
	    (unsigned long long)row->events, (unsigned long long)row->tail,
	    (unsigned long long)row->chunks, (unsigned long long)row->raw,
	    (unsigned long long)row->bytes, ratio, row->state);
}

static void
stat_day(struct store *store, const struct partition_info *info,
    struct stat_row *row)
{
	struct partition *partition = partition_open(store, info, NULL);
	const struct chunk_info *chunks;
	uint64_t chunked = 0;
	char text[TIME_TEXT_BYTES];

	*row = (struct stat_row){ .events = info->events,
	    .raw = info->raw_bytes, .bytes = info->bytes,
	    .state = info->sealed ? "sealed" : "open" };
	snprintf(row->day, sizeof(row->day), "%.*s", DAY_TEXT,
	    time_format_rfc3339(info->day_ns, text).ptr);
	if (partition == NULL)
		return;
	row->chunks = partition_chunks(partition, &chunks);
	for (uint64_t i = 0; i < row->chunks; i++)
		chunked += chunks[i].n;
	row->tail = row->events > chunked ? row->events - chunked : 0;
	partition_close(partition);
}

static int
store_stat(struct ask *ask)
{
	const struct partition_info *infos;
	bool json = ask->format == PRESENT_JSON;
	struct stat_row row, sum = { .day = "all", .state = "" };
	size_t n;
	int result = days(ask, &infos, &n);

	if (result != EXIT_DONE)
		return result;
	if (!json)
		printf("%-10s %12s %10s %7s %14s %14s %6s  %s\n", "day",
		    "events", "in tail", "chunks", "raw bytes", "bytes",
		    "ratio", "state");
	for (size_t i = 0; i < n; i++) {
		stat_day(ask->store, &infos[i], &row);
		put_stat(json, &row);
		sum.events += row.events;
		sum.tail += row.tail;
		sum.chunks += row.chunks;
		sum.raw += row.raw;
		sum.bytes += row.bytes;
	}
	if (!json)
		put_stat(false, &sum);
	return say_missing(ask->store);
}

/* --- columns ------------------------------------------------------------- */

static void
put_size(bool json, const struct sizes *sizes, const struct size_row *row)
{
	uint64_t bytes = row->dict + row->data + row->bloom;
	double each = sizes->events > 0 ?
	    (double)bytes / (double)sizes->events : 0;

	/* Names came in with events, and may hold anything. */
	if (json) {
		struct strbuf name = STRBUF_INIT;
		struct value text = value_text(slice_cstr(row->name),
		    TRANSFORM_OWNED);

		value_json(&name, &text);
		printf("{\"field\":%s,\"values\":%llu,\"bytes\":%llu,"
		    "\"bytes_event\":%.2f,\"dict\":%llu,\"data\":%llu,"
		    "\"bloom\":%llu}\n", name.ptr,
		    (unsigned long long)row->values,
		    (unsigned long long)bytes, each,
		    (unsigned long long)row->dict,
		    (unsigned long long)row->data,
		    (unsigned long long)row->bloom);
		strbuf_fini(&name);
		return;
	}
	for (const char *p = row->name; *p != '\0'; p++)
		putchar((unsigned char)*p < 32 || *p == 127 ? '?' : *p);
	printf("%*s %10llu %12llu %7.2f %12llu %12llu %12llu\n",
	    (int)(strlen(row->name) < 40 ? 40 - strlen(row->name) : 0), "",
	    (unsigned long long)row->values, (unsigned long long)bytes, each,
	    (unsigned long long)row->dict, (unsigned long long)row->data,
	    (unsigned long long)row->bloom);
}

static int
store_columns(struct ask *ask)
{
	const struct partition_info *infos;
	bool json = ask->format == PRESENT_JSON;
	struct sizes sizes = { .n = 0 };
	struct err err = { .kind = ERR_NONE };
	size_t n;
	int result = days(ask, &infos, &n), bad_days = 0;

	if (result != EXIT_DONE)
		return result;
	for (size_t i = 0; i < n; i++)
		if (infos[i].bytes > 0 &&
		    sizes_add(&sizes, infos[i].path, &err) < 0)
			bad_days = say(&err);
	sizes_sort(&sizes);
	if (!json)
		printf("%-40s %10s %12s %7s %12s %12s %12s\n", "field",
		    "values", "bytes", "b/event", "dict", "data", "bloom");
	for (size_t i = 0; i < sizes.n; i++)
		put_size(json, &sizes, &sizes.rows[i]);
	sizes_fini(&sizes);
	result = say_missing(ask->store);
	return bad_days != 0 ? bad_days : result;
}

/* --- verify -------------------------------------------------------------- */

static void
bad(void *user, const char *where, const char *why)
{
	(void)user;
	printf("%s: %s\n", where, why);
}

static void
look_at(void *user, const char *path)
{
	(void)user;
	if (present_is_terminal(stderr))
		fprintf(stderr, "\r%s", path);
}

static int
store_check(struct ask *ask)
{
	struct verify verify = { .bad = bad, .day = look_at };
	const struct partition_info *infos;
	struct err err = { .kind = ERR_NONE };
	bool json = ask->format == PRESENT_JSON;
	int result = store_verify(ask->store, &verify, &err);

	if (present_is_terminal(stderr))
		fprintf(stderr, "\n");
	if (result < 0)
		return say(&err);
	printf(json ? "{\"days\":%llu,\"chunks\":%llu,\"events\":%llu,"
	    "\"findings\":%llu,\"missing\":%llu}\n" :
	    "%llu days, %llu chunks, %llu events: %llu findings, "
	    "%llu events missing\n", (unsigned long long)verify.days,
	    (unsigned long long)verify.chunks,
	    (unsigned long long)verify.events,
	    (unsigned long long)verify.findings,
	    (unsigned long long)verify.missing);
	/* Days that were set aside before are findings too. */
	store_partitions(ask->store, INT64_MIN, INT64_MAX, false, &infos,
	    NULL);
	result = say_missing(ask->store);
	return verify.findings > 0 ? EXIT_PARTIAL : result;
}

/* --- export -------------------------------------------------------------- */

struct exporting {
	struct ask *ask;
	struct arena *arena;
	struct strbuf line;
	bool	 gone;		/* the output */
	bool	 stale;		/* chunks were merged while we read */
};

static void
put_event(struct exporting *x, const struct event *event)
{
	if (event->time_ns < x->ask->from_ns || event->time_ns > x->ask->to_ns)
		return;
	strbuf_clear(&x->line);
	event_json(&x->line, event, true);
	strbuf_putc(&x->line, '\n');
	if (fwrite(x->line.ptr, 1, x->line.len, stdout) != x->line.len)
		x->gone = true;
}

struct order {
	int64_t	 time_ns;
	uint32_t row;
};

static int
by_time(const void *a, const void *b)
{
	const struct order *left = a, *right = b;
	int order = (left->time_ns > right->time_ns) -
	    (left->time_ns < right->time_ns);

	return order != 0 ? order :
	    (left->row > right->row) - (left->row < right->row);
}

/* A chunk is written whole or, when damage shows, up to it; what is missing is
 * said at the end. */
static void
export_chunk(struct exporting *x, struct chunk *chunk)
{
	uint32_t n = chunk_rows(chunk);
	const int64_t *times = chunk_times(chunk, NULL);
	struct order *order;
	struct event event;

	if (times == NULL)
		return;
	order = calloc(n, sizeof(*order));
	for (uint32_t i = 0; order != NULL && i < n; i++)
		order[i] = (struct order){ times[i], i };
	if (order != NULL)
		qsort(order, n, sizeof(*order), by_time);
	for (uint32_t i = 0; order != NULL && i < n && !x->gone; i++) {
		arena_reset(x->arena);
		if (!chunk_event(chunk, order[i].row, x->arena, &event, NULL))
			break;
		put_event(x, &event);
	}
	free(order);
}

static void
export_day(struct exporting *x, struct partition *partition)
{
	const struct chunk_info *chunks;
	size_t nchunks = partition_chunks(partition, &chunks);
	size_t rows = partition_tail_count(partition);

	for (size_t i = 0; i < nchunks && !x->gone; i++) {
		struct chunk *chunk;

		if (chunks[i].t_min > x->ask->to_ns ||
		    chunks[i].t_max < x->ask->from_ns)
			continue;
		chunk = chunk_open(partition, &chunks[i], NULL);
		if (chunk != NULL)
			export_chunk(x, chunk);
		chunk_close(chunk);
	}
	for (size_t i = 0; i < rows && !x->gone; i++) {
		struct event *events;
		size_t n;

		arena_reset(x->arena);
		events = partition_tail(partition, i, x->arena, &n, NULL);
		for (size_t k = 0; events != NULL && k < n; k++)
			put_event(x, &events[k]);
	}
}

static int
store_export(struct ask *ask)
{
	struct exporting x = { .ask = ask };
	const struct partition_info *infos;
	size_t n;
	int result = days(ask, &infos, &n);

	if (result != EXIT_DONE)
		return result;
	x.arena = arena_new(1 << 20);
	strbuf_init(&x.line);
	for (size_t i = 0; i < n && !x.gone; i++) {
		struct partition *partition = partition_open(ask->store,
		    &infos[i], NULL);

		if (partition == NULL)
			continue;
		export_day(&x, partition);
		x.stale |= partition_stale(partition);
		partition_close(partition);
	}
	if (fflush(stdout) != 0)
		x.gone = true;
	strbuf_fini(&x.line);
	arena_free(x.arena);
	if (x.stale)
		fprintf(stderr, "yagura store: a day was rewritten by its "
		    "writer while it was read: events of it are missing; run "
		    "this again\n");
	result = say_missing(ask->store);
	return x.stale ? EXIT_PARTIAL : result;
}

int
cmd_store(int argc, char **argv)
{
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_JSON);

	if (code >= 0)
		return code;
	if (ask.argc != 1)
		code = cmd_usage("store");
	else if (strcmp(ask.argv[0], "stat") == 0)
		code = store_stat(&ask);
	else if (strcmp(ask.argv[0], "columns") == 0)
		code = store_columns(&ask);
	else if (strcmp(ask.argv[0], "verify") == 0)
		code = store_check(&ask);
	else if (strcmp(ask.argv[0], "export") == 0)
		code = store_export(&ask);
	else
		code = cmd_usage("store");
	ask_end(&ask);
	return code;
}
