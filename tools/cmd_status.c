/* tools/cmd_status.c -- what the daemon does, or what the store holds.
 *
 * The daemon is asked over HTTP; where none answers, the store is read. The
 * answer of either is one JSON object, shown as it is with --json, else as a
 * page for people.
 */
#include "tools/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/yaml.h"
#include "storage/store.h"
#include "tools/client.h"
#include "tools/present.h"

#define BUSIEST_SHOWN 15

/* --- the store alone ------------------------------------------------------ */

static void
put_day(struct strbuf *out, const struct partition_info *info, bool first)
{
	char day[TIME_TEXT_BYTES];

	time_format_rfc3339(info->day_ns, day);
	strbuf_printf(out, "%s{\"day\":\"%.10s\",\"events\":%llu,"
	    "\"bytes\":%llu,\"raw_bytes\":%llu,\"sealed\":%s}",
	    first ? "" : ",", day, (unsigned long long)info->events,
	    (unsigned long long)info->bytes,
	    (unsigned long long)info->raw_bytes,
	    info->sealed ? "true" : "false");
}

/* {"state":"no daemon","store":{...}}; false if there is no store either. */
static bool
store_status(const struct conf *conf, struct strbuf *out, struct err *err)
{
	struct store *store = store_open(conf->data, err);
	const struct partition_info *infos;
	uint64_t events = 0, bytes = 0, raw = 0;
	size_t n;

	if (store == NULL)
		return false;
	n = store_partitions(store, INT64_MIN, INT64_MAX, true, &infos, err);
	for (size_t i = 0; i < n; i++) {
		events += infos[i].events;
		bytes += infos[i].bytes;
		raw += infos[i].raw_bytes;
	}
	strbuf_puts(out, "{\"state\":\"no daemon\",\"store\":{\"data\":");
	json_put_string(out, slice_cstr(conf->data));
	strbuf_printf(out, ",\"stored\":%llu,\"bytes_stored\":%llu,"
	    "\"bytes_raw\":%llu,\"missing\":%llu,\"days\":[",
	    (unsigned long long)events, (unsigned long long)bytes,
	    (unsigned long long)raw,
	    (unsigned long long)store_missing(store, NULL));
	for (size_t i = 0; i < n; i++)
		put_day(out, &infos[i], i == 0);
	strbuf_puts(out, "]}}\n");
	store_close(store);
	return true;
}

/* --- for people ----------------------------------------------------------- */

static struct slice
word(const struct yaml_node *map, const char *key)
{
	return yaml_text(yaml_get(map, key), SLICE("-"));
}

/* Text from outside (addresses, paths, findings) is escaped. */
static void
print_text(struct slice text)
{
	struct strbuf safe = STRBUF_INIT;

	present_text(&safe, text);
	fwrite(safe.ptr, 1, safe.len, stdout);
	strbuf_fini(&safe);
}

static void
print_words(const struct yaml_node *map, const char *title)
{
	if (map == NULL || map->n == 0)
		return;
	printf("%-12s", title);
	for (size_t i = 0; i < map->n; i++) {
		if (map->items[i]->kind != YAML_SCALAR)
			continue;
		printf("%s%.*s ", i > 0 ? "  " : "",
		    (int)map->keys[i]->text.len, map->keys[i]->text.ptr);
		print_text(map->items[i]->text);
	}
	putchar('\n');
}

static void
print_inputs(const struct yaml_node *inputs)
{
	static const char *const columns[] = { "received", "stored",
	    "rejected", "in_flight", "truncated", "kernel_drops",
	    "connections", "turned_away" };
	size_t n = sizeof(columns) / sizeof(columns[0]);

	if (inputs == NULL)
		return;
	printf("\n%-28s", "input");
	for (size_t k = 0; k < n; k++)
		printf(" %12s", columns[k]);
	putchar('\n');
	for (size_t i = 0; i < inputs->n; i++) {
		struct strbuf name = STRBUF_INIT;
		struct slice kind = word(inputs->items[i], "kind");

		strbuf_put(&name, kind);
		strbuf_putc(&name, ' ');
		present_text(&name, word(inputs->items[i], "address"));
		printf("%-28s", name.ptr);
		for (size_t k = 0; k < n; k++) {
			struct slice text = word(inputs->items[i], columns[k]);

			printf(" %12.*s", (int)text.len, text.ptr);
		}
		putchar('\n');
		strbuf_fini(&name);
	}
	putchar('\n');
}

static void
print_list(const struct yaml_node *list, const char *title)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		printf("%-12s", title);
		if (list->items[i]->kind == YAML_MAP)
			print_words(list->items[i], "");
		else {
			print_text(list->items[i]->text);
			putchar('\n');
		}
	}
}

/* The detections that match most and what running each takes. */
static void
print_busiest(const struct yaml_node *list, const char *what)
{
	if (list == NULL || list->n == 0)
		return;
	printf("\n%12s %12s  %s\n", "hits", "cost_ms", what);
	for (size_t i = 0; i < list->n && i < BUSIEST_SHOWN; i++) {
		struct slice hits = word(list->items[i], "hits");
		int64_t cost_ns = 0;

		slice_long(word(list->items[i], "cost_ns"), &cost_ns);
		printf("%12.*s %12.1f  ", (int)hits.len, hits.ptr,
		    (double)cost_ns / 1e6);
		print_text(word(list->items[i], "title"));
		putchar('\n');
	}
	putchar('\n');
}

static void
print_page(const struct yaml_node *root)
{
	printf("%-12s", "state");
	print_text(word(root, "state"));
	if (yaml_get(root, "pid") != NULL) {
		struct slice pid = word(root, "pid");
		struct slice uptime = word(root, "uptime_s");

		printf("  pid %.*s  up %.*s s", (int)pid.len, pid.ptr,
		    (int)uptime.len, uptime.ptr);
	}
	putchar('\n');
	print_inputs(yaml_get(root, "inputs"));
	print_words(yaml_get(root, "ledger"), "ledger");
	print_words(yaml_get(root, "pipeline"), "pipeline");
	print_words(yaml_get(root, "tags"), "tags");
	print_words(yaml_get(root, "joins"), "joins");
	if (yaml_get(root, "unknown_lines") != NULL) {
		struct slice unknown = word(root, "unknown_lines");
		struct slice homeless = word(root, "no_logsource");

		printf("%-12sof no known format %.*s  without log source "
		    "%.*s\n", "lines", (int)unknown.len, unknown.ptr,
		    (int)homeless.len, homeless.ptr);
	}
	print_words(yaml_get(root, "correlation"), "correlation");
	print_words(yaml_get(root, "health"), "health");
	print_words(yaml_get(root, "outputs"), "outputs");
	print_words(yaml_get(root, "loaded"), "loaded");
	print_list(yaml_get(yaml_get(root, "loaded"), "missing"), "missing");
	print_list(yaml_get(yaml_get(root, "loaded"), "refused"), "refused");
	print_busiest(yaml_get(yaml_get(root, "loaded"), "busiest"), "rule");
	print_busiest(yaml_get(yaml_get(root, "loaded"), "firing"),
	    "correlation");
	print_words(yaml_get(root, "store"), "store");
	print_list(yaml_get(yaml_get(root, "store"), "days"), "day");
}

static void
show(struct slice answer, bool json)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc;

	if (json) {
		fwrite(answer.ptr, 1, answer.len, stdout);
	} else {
		/* JSON is YAML. */
		doc = yaml_parse(answer, "status", diag);
		if (doc != NULL && yaml_count(doc) > 0)
			print_page(yaml_root(doc, 0));
		yaml_free(doc);
	}
	diag_free(diag);
}

/* --- the command ---------------------------------------------------------- */

static bool
daemon_status(const struct conf *conf, bool json, struct err *err)
{
	struct client *client = client_open(conf, err);
	struct slice answer;
	bool done = client != NULL && client_ask(client, "/api/v1/status",
	    "", NULL, &answer, err) == 200;

	if (done)
		show(answer, json);
	client_close(client);
	return done;
}

static int
status(const struct conf *conf, bool json)
{
	struct err daemon = { 0 }, err = { 0 };
	struct strbuf answer = STRBUF_INIT;
	int code = EXIT_DONE;

	if (daemon_status(conf, json, &daemon))
		return EXIT_DONE;
	if (store_status(conf, &answer, &err)) {
		show(strbuf_slice(&answer), json);
	} else {
		fprintf(stderr, "yagura status: %s; %s\n", daemon.text,
		    err.text);
		code = EXIT_UNREACHABLE;
	}
	strbuf_fini(&answer);
	return code;
}

int
cmd_status(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	int code;

	diag_print(diag, stderr);
	if (conf == NULL || argc > 2 || (argc == 2 && !json))
		code = cmd_usage("status");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = status(conf, json);
	conf_free(conf);
	diag_free(diag);
	return code;
}
