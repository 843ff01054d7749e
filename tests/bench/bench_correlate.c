/* What correlation costs.
 *
 *	bench_correlate RULES FILE	events per CPU-second over parsed events:
 *					match, and match + correlate
 *	bench_correlate groups [N]	bytes of N (a million) groups that hold
 *					three events each
 *	bench_correlate flood [N [BYTES]]	N (10 million) groups within a
 *					limit of BYTES (64 MB), and whether an
 *					attack beside them is found
 *
 * Lines are parsed block by block beforehand, and not counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "correlation/checkpoint.h"
#include "correlation/correlate_stage.h"
#include "correlation/match_stage.h"
#include "correlation/ruleset.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "parsers/parse_stage.h"

#define BLOCK 64		/* batches parsed ahead */
#define START INT64_C(1790000000000000000)

static const char count_rules[] =
    "title: one\nid: one\nname: one\nlogsource: {product: test}\n"
    "detection: {sel: {event.action: a}, condition: sel}\n"
    "level: informational\n---\n"
    "title: many\nid: many\nname: many\n"
    "correlation: {type: event_count, rules: [one], timespan: 1h, "
    "group-by: [user.name], condition: {gte: 10}}\nlevel: high\n";

static double
cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static size_t
resident_bytes(void)
{
	FILE *in = fopen("/proc/self/statm", "r");
	unsigned long size = 0, resident = 0;

	if (in == NULL || fscanf(in, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (in != NULL)
		fclose(in);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static struct ruleset *
load_rules(const char *path)
{
	struct diag *diag = diag_new();
	struct ruleset *set = path != NULL ? ruleset_load(&path, 1, diag) :
	    ruleset_parse(slice_cstr(count_rules), "bench", diag);

	diag_print(diag, stderr);
	if (diag_errors(diag) > 0)
		exit(1);
	diag_free(diag);
	return set;
}

/* --- events per second ------------------------------------------------------ */
static bool
fill(FILE *in, struct batch *batch)
{
	static char line[65536];

	while (!batch_full(batch) && fgets(line, sizeof(line), in) != NULL)
		batch_add(batch, slice_head(slice_cstr(line),
		    strcspn(line, "\n")), SLICE("bench"), START);
	return batch->n > 0;
}

static int
bench_file(const char *rules, const char *path)
{
	static const char *const defs[] = { "parsers/defs" };
	struct diag *diag = diag_new();
	struct parserset *parsers = parserset_load(defs, 1, diag);
	struct parse_stage *parse = parse_stage_new(NULL);
	struct parser_options options = { 0 };
	struct ruleset *set = load_rules(rules);
	struct match_stage *match = match_stage_new();
	struct correlator *correlator = correlator_new(NULL);
	struct correlator_figures figures;
	struct batch *batches[BLOCK];
	double parsing = 0, matching = 0, correlating = 0, at, then;
	FILE *in = fopen(path, "r");
	size_t n = 0, hits = 0;
	bool more = in != NULL;

	for (uint64_t seq = 0; more;) {
		size_t count = 0;

		then = cpu_seconds();
		for (; more && count < BLOCK; count++, seq += 4096) {
			batches[count] = batch_new(1, seq);
			more = fill(in, batches[count]);
			parse_stage_run(parse, parsers, NULL, &options, 1,
			    batches[count]);
		}
		parsing += (at = cpu_seconds()) - then;
		for (size_t i = 0; i < count; i++)
			match_stage_run(match, set, batches[i]);
		matching += (then = cpu_seconds()) - at;
		for (size_t i = 0; i < count; i++)
			correlate_stage_run(correlator, batches[i]);
		correlating += cpu_seconds() - then;
		for (size_t i = 0; i < count; i++) {
			n += batches[i]->n;
			for (size_t k = 0; k < batches[i]->n; k++)
				hits += batches[i]->events[k].nhits > 0;
			batch_put(batches[i]);
		}
	}
	if (in != NULL)
		fclose(in);
	correlator_figures(correlator, &figures);
	if (n > 0)
		printf("correlate: %zu events, %zu with hits, %llu alerts; "
		    "events per CPU-second: match %.0f, correlate %.0f, "
		    "match + correlate %.0f, parse + match + correlate %.0f\n",
		    n, hits, (unsigned long long)figures.raised,
		    (double)n / matching, (double)n / correlating,
		    (double)n / (matching + correlating),
		    (double)n / (parsing + matching + correlating));
	correlator_free(correlator);
	match_stage_free(match);
	ruleset_put(set);
	parse_stage_free(parse);
	parserset_put(parsers);
	diag_free(diag);
	return n > 0 ? 0 : 1;
}

/* --- many groups ------------------------------------------------------------ */
struct crowd {
	struct ruleset *set;
	struct correlator *correlator;
	struct batch *batch;
	field_t	 user;
	uint32_t hit;
	uint64_t nbatches, alerts, degraded;
};

static void
crowd_flush(struct crowd *crowd)
{
	struct batch *batch = crowd->batch;
	char buf[VALUE_TEXT_BYTES];

	if (batch == NULL)
		return;
	crowd->batch = NULL;
	batch->phase = BATCH_MATCHED;
	batch->ruleset = ruleset_get(crowd->set);
	correlate_stage_run(crowd->correlator, batch);
	for (size_t i = 0; i < batch->nalerts; i++) {
		bool many = slice_eq(event_text(batch->alerts[i],
		    FIELD_RULE_ID, buf), SLICE("many"));

		crowd->alerts += many;
		crowd->degraded += !many;
	}
	batch_put(batch);
}

static void
crowd_add(struct crowd *crowd, const char *name, int64_t time_ns)
{
	struct event *event;
	struct slice text;

	if (crowd->batch == NULL)
		crowd->batch = batch_new(1, crowd->nbatches++ << 12);
	event = batch_add(crowd->batch, SLICE("."), SLICE("bench"), START);
	event->time_ns = time_ns;
	event->has_time = true;
	text = arena_dup(crowd->batch->arena, slice_cstr(name));
	event_set(event, crowd->user, value_text(text, TRANSFORM_OWNED));
	event_seal(event);
	event->hits = &crowd->hit;
	event->nhits = 1;
	if (batch_full(crowd->batch))
		crowd_flush(crowd);
}

static void
crowd_open(struct crowd *crowd, const struct correlator_limits *limits)
{
	*crowd = (struct crowd){ .set = load_rules(NULL),
	    .correlator = correlator_new(limits),
	    .user = field_intern(SLICE("user.name")) };
}

static void
crowd_close(struct crowd *crowd)
{
	correlator_free(crowd->correlator);
	ruleset_put(crowd->set);
}

static void
print_checkpoint(struct crowd *crowd)
{
	struct batch *batch = batch_new(1, crowd->nbatches << 12);
	struct correlator *again = correlator_new(&(struct correlator_limits){
	    .groups = 10000000, .bytes = (size_t)4 << 30 });
	struct strbuf data = STRBUF_INIT;
	double at = cpu_seconds(), written;
	uint64_t seq;
	bool good = checkpoint_write(crowd->correlator, batch, 1, &data);

	written = cpu_seconds();
	good = good && checkpoint_read(again, crowd->set, strbuf_slice(&data),
	    &seq, NULL);
	printf("checkpoint of these: %s, %.1f MB, written in %.2f, read in "
	    "%.2f CPU-seconds\n", good ? "good" : "too large",
	    (double)data.len / 1e6, written - at, cpu_seconds() - written);
	correlator_free(again);
	strbuf_fini(&data);
	batch_put(batch);
}

static int
bench_groups(size_t n)
{
	const struct correlator_limits limits = { .groups = n + 1,
	    .groups_per_rule = n + 1, .bytes = (size_t)4 << 30 };
	struct correlator_figures figures;
	struct crowd crowd;
	size_t before;
	char name[32];

	crowd_open(&crowd, &limits);
	before = resident_bytes();
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "10.%zu.%zu.%zu",
			    i >> 16 & 255, i >> 8 & 255, i & 255);
			crowd_add(&crowd, name, START + round);
		}
	crowd_flush(&crowd);
	correlator_figures(crowd.correlator, &figures);
	printf("groups: %llu open, three events each: %.0f MB resident, "
	    "%.0f MB of windows, %llu evicted\n",
	    (unsigned long long)figures.groups,
	    (double)(resident_bytes() - before) / 1e6,
	    (double)figures.bytes / 1e6, (unsigned long long)figures.evicted);
	print_checkpoint(&crowd);
	crowd_close(&crowd);
	return figures.groups == n ? 0 : 1;
}

/* One of a thousand events is of ten quiet attackers, who come in turns. */
static int
bench_flood(size_t n, size_t bytes)
{
	const struct correlator_limits limits = { .bytes = bytes };
	struct correlator_figures figures;
	struct crowd crowd;
	size_t before, most = 0;
	char name[48];

	crowd_open(&crowd, &limits);
	before = resident_bytes();
	for (size_t i = 0; i < n; i++) {
		int64_t time_ns = START + (int64_t)i * 50000;

		snprintf(name, sizeof(name), "flood-%zu", i);
		crowd_add(&crowd, name, time_ns);
		if (i % (n / 200) == 0) {
			snprintf(name, sizeof(name), "quiet-%zu",
			    i / (n / 200) % 10);
			crowd_add(&crowd, name, time_ns);
		}
		if (i % (n / 100) == 0 && resident_bytes() - before > most)
			most = resident_bytes() - before;
	}
	crowd_flush(&crowd);
	correlator_figures(crowd.correlator, &figures);
	printf("flood: %zu groups, limit %.0f MB: %.0f MB of windows, "
	    "%.0f MB resident at most; %llu evicted, %llu alerts that "
	    "detection is degraded; %llu of 10 quiet attacks found\n", n,
	    (double)bytes / 1e6, (double)figures.bytes / 1e6,
	    (double)most / 1e6, (unsigned long long)figures.evicted,
	    (unsigned long long)crowd.degraded,
	    (unsigned long long)crowd.alerts);
	crowd_close(&crowd);
	return crowd.alerts == 10 && crowd.degraded > 0 &&
	    figures.bytes <= bytes + bytes / 8 ? 0 : 1;
}

static size_t
number(int argc, char **argv, int at, size_t otherwise)
{
	return argc > at ? (size_t)strtoull(argv[at], NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
	batch_release = match_stage_release;
	if (argc > 1 && strcmp(argv[1], "groups") == 0)
		return bench_groups(number(argc, argv, 2, 1000000));
	if (argc > 1 && strcmp(argv[1], "flood") == 0)
		return bench_flood(number(argc, argv, 2, 10000000),
		    number(argc, argv, 3, (size_t)64 << 20));
	if (argc == 3)
		return bench_file(argv[1], argv[2]);
	fprintf(stderr, "usage: bench_correlate RULES FILE | groups [N] | "
	    "flood [N [BYTES]]\n");
	return 2;
}
