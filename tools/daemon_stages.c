#include "tools/daemon_stages.h"

#include "correlation/checkpoint.h"
#include "correlation/match_stage.h"
#include "correlation/output.h"
#include "correlation/ruleset.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/log.h"
#include "engine/metric.h"
#include "engine/snapshot.h"
#include "engine/strbuf.h"
#include "parsers/parse_stage.h"
#include "parsers/streams.h"
#include "tools/daemon_join.h"
#include "tools/daemon_load.h"
#include "tools/health.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#define TOLD_NS (INT64_C(60) * 1000000000)	/* between lines about losses */

/* The state of the correlator is written after this many events with hits,
 * which a start reads back in a second, or after a minute in which there were
 * any, but takes at most one part in CHECKPOINT_COST of the time. */
#define CHECKPOINT_EVENTS 200000
#define CHECKPOINT_NS (INT64_C(60) * 1000000000)
#define CHECKPOINT_COST 50

struct lane {
	struct parse_stage *parse;
	struct match_stage *match;
};

/* A batch with alerts, kept until its commit. */
struct raised {
	struct raised *next;
	struct batch *batch;
};

struct stages {
	const struct conf *conf;
	struct snapshot *loaded;
	struct outputs *outputs;
	struct streams *streams;	/* for all lanes */
	field_t	 level;		/* yagura.level */
	/* correlate thread */
	struct record_stage *records;
	struct correlator *correlator;
	struct health *health;		/* NULL: nobody asks */
	uint64_t told_evicted;
	int64_t	 told_ns;
	bool	 keeps_state;
	uint64_t hits;		/* events with hits since the last checkpoint */
	const void *ruleset;	/* of the last batch; only compared */
	uint64_t correlated;	/* seq0 of the last batch, plus 1; 0: none */
	int64_t	 kept_ns, keep_again_ns;
	struct strbuf state;
	/* write thread */
	struct writer *writer;
	struct raised *raised, **raised_last;
	uint64_t added;		/* as `correlated` */
	/* Two figures that other threads ask for now and then. */
	pthread_mutex_t mutex;
	struct stages_figures figures;
};

/* --- loop ----------------------------------------------------------------- */

static void
stage_submitted(void *user, const struct batch *batch)
{
	struct stages *stages = user;

	streams_see(stages->streams, batch);
}

/* --- workers -------------------------------------------------------------- */

static void *
stage_lane_new(void *user)
{
	struct stages *stages = user;
	struct lane *lane = xcalloc(1, sizeof(*lane));

	lane->parse = parse_stage_new(stages->streams);
	lane->match = match_stage_new();
	return lane;
}

static void
stage_lane_free(void *user, void *arg)
{
	struct lane *lane = arg;

	(void)user;
	parse_stage_free(lane->parse);
	match_stage_free(lane->match);
	free(lane);
}

/* Values point into texts of definitions and lists: these stay as long as the
 * batch does, also when a reload has replaced them. */
static void
release(struct batch *batch)
{
	match_stage_release(batch);
	loaded_put(batch->loaded);
}

static void
count_tags(const struct batch *batch)
{
	uint64_t counts[EVENT_TAGS] = { 0 };

	for (size_t i = 0; i < batch->n; i++)
		for (uint32_t tags = batch->events[i].tags; tags != 0;
		    tags &= tags - 1)
			counts[__builtin_ctz(tags)]++;
	for (int i = 0; i < EVENT_TAGS; i++)
		if (counts[i] > 0)
			metric_add((enum metric)((int)METRIC_TAG_UNPARSED + i),
			    counts[i]);
	metric_add(METRIC_PARSED_UNKNOWN, counts[EVENT_TAG_UNPARSED]);
	metric_add(METRIC_PARSED_KNOWN,
	    batch->n - counts[EVENT_TAG_UNPARSED]);
}

static void
stage_work(void *user, void *arg, struct batch *batch)
{
	struct stages *stages = user;
	struct lane *lane = arg;
	struct loaded *loaded = snapshot_get(stages->loaded);

	loaded_resolve(loaded, batch);
	parse_stage_run(lane->parse, loaded->parsers, loaded->enrich,
	    loaded->options, loaded->noptions, batch);
	count_tags(batch);
	match_stage_run(lane->match, loaded->rules, batch);
	batch->loaded = loaded;
}

/* --- correlate ------------------------------------------------------------ */

/* The alert about it waits an hour; whoever reads the log sees it sooner. */
static void
tell_evicted(struct stages *stages, const struct correlator_figures *figures)
{
	int64_t now_ns = clock_mono_ns();

	if (figures->evicted == stages->told_evicted || (stages->told_ns != 0 &&
	    now_ns - stages->told_ns < TOLD_NS))
		return;
	log_warn("correlation: %" PRIu64 " groups given up for room, "
	    "%" PRIu64 " open: detection is degraded",
	    figures->evicted - stages->told_evicted, figures->groups);
	stages->told_evicted = figures->evicted;
	stages->told_ns = now_ns;
}

static bool
checkpoint_due(const struct stages *stages, const struct batch *batch)
{
	int64_t now_ns = clock_mono_ns();

	if (!stages->keeps_state)
		return false;
	if (stages->kept_ns == 0 || stages->ruleset != batch->ruleset)
		return true;
	return stages->hits > 0 && now_ns >= stages->keep_again_ns &&
	    (stages->hits >= CHECKPOINT_EVENTS ||
	    now_ns - stages->kept_ns >= CHECKPOINT_NS);
}

/* The batch carries the state after it: both are committed, or neither. */
static void
keep_state(struct stages *stages, struct batch *batch)
{
	int64_t from_ns = clock_mono_ns();
	uint64_t seq = batch->seq0 + BATCH_EVENTS + BATCH_ALERTS - 1;
	struct note *note;
	bool good;

	strbuf_clear(&stages->state);
	good = checkpoint_write(stages->correlator, batch, seq,
	    &stages->state);
	if (good) {
		note = batch_add_note(batch, NOTE_CHECKPOINT);
		note->key = SLICE(CHECKPOINT_PART);
		note->data = arena_dup(batch->arena,
		    strbuf_slice(&stages->state));
		stages->hits = 0;
	}
	stages->ruleset = batch->ruleset;
	stages->kept_ns = clock_mono_ns();
	stages->keep_again_ns = stages->kept_ns +
	    CHECKPOINT_COST * (stages->kept_ns - from_ns);
	check(pthread_mutex_lock(&stages->mutex) == 0);
	if (good) {
		stages->figures.checkpoints++;
		stages->figures.checkpoint_bytes = stages->state.len;
	} else {
		stages->figures.checkpoints_skipped++;
	}
	check(pthread_mutex_unlock(&stages->mutex) == 0);
	strbuf_fini(&stages->state);
	strbuf_init(&stages->state);
}

static void
count_hits(struct stages *stages, const struct batch *batch)
{
	stages->correlated = batch->seq0 + 1;
	for (size_t i = 0; i < batch->n; i++)
		stages->hits += batch->events[i].nhits > 0;
}

static void
stage_correlate(void *user, struct batch *batch)
{
	struct stages *stages = user;
	struct correlator_figures figures;

	if (stages->health != NULL)
		health_note(stages->health, batch);
	record_stage_run(stages->records, batch->loaded, batch);
	correlate_stage_run(stages->correlator, batch);
	correlator_figures(stages->correlator, &figures);
	tell_evicted(stages, &figures);
	count_hits(stages, batch);
	if (checkpoint_due(stages, batch))
		keep_state(stages, batch);
	check(pthread_mutex_lock(&stages->mutex) == 0);
	stages->figures.correlator = figures;
	check(pthread_mutex_unlock(&stages->mutex) == 0);
}

/* --- write ---------------------------------------------------------------- */

static void
stage_add(void *user, struct batch *batch)
{
	struct stages *stages = user;
	struct raised *raised;

	writer_add(stages->writer, batch);
	stages->added = batch->seq0 + 1;
	if (batch->nalerts == 0 || stages->outputs == NULL)
		return;
	raised = xcalloc(1, sizeof(*raised));
	raised->batch = batch_get(batch);
	*stages->raised_last = raised;
	stages->raised_last = &raised->next;
}

void
stages_hold(struct stages *stages)
{
	writer_hold(stages->writer);
}

static int
stage_commit(void *user, struct err *err)
{
	struct stages *stages = user;
	int status = writer_commit(stages->writer, err);

	if (status < 0)
		metric_add(METRIC_COMMIT_FAILURES, 1);
	return status;
}

/* Only alerts of ours go out; joined records stand behind the received ones,
 * too, and may say that they are alerts. Nobody else is of module yagura. */
static bool
is_alert(const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];

	return slice_eq(event_text(event, FIELD_EVENT_KIND, buf),
	    SLICE("alert")) && slice_eq(event_text(event, FIELD_EVENT_MODULE,
	    buf), SLICE("yagura"));
}

static void
send_alert(struct stages *stages, const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	struct strbuf json = STRBUF_INIT;
	int level = conf_level(event_text(event, stages->level, buf));

	event_json(&json, event, false);
	outputs_send(stages->outputs, strbuf_slice(&json),
	    level >= 0 ? (enum conf_level)level : CONF_HIGH, event->time_ns);
	strbuf_fini(&json);
}

static void
send_raised(struct stages *stages)
{
	while (stages->raised != NULL) {
		struct raised *raised = stages->raised;
		struct batch *batch = raised->batch;

		for (size_t i = 0; i < batch->nalerts; i++)
			if (is_alert(batch->alerts[i]))
				send_alert(stages, batch->alerts[i]);
		batch_put(batch);
		stages->raised = raised->next;
		free(raised);
	}
	stages->raised_last = &stages->raised;
}

static void
take_figures(struct stages *stages)
{
	struct writer_figures figures;

	writer_figures(stages->writer, &figures);
	check(pthread_mutex_lock(&stages->mutex) == 0);
	stages->figures.writer = figures;
	check(pthread_mutex_unlock(&stages->mutex) == 0);
}

static void
stage_committed(void *user)
{
	struct stages *stages = user;

	if (stages->outputs != NULL) {
		send_raised(stages);
		outputs_pump(stages->outputs);
	}
	take_figures(stages);
}

static int
stage_tend(void *user, struct err *err)
{
	struct stages *stages = user;
	int status = writer_tend(stages->writer, clock_now_ns(), err);

	if (stages->outputs != NULL)
		outputs_pump(stages->outputs);
	take_figures(stages);
	return status;
}

static bool
stage_seen(void *user, struct slice key, struct strbuf *answer)
{
	struct stages *stages = user;
	struct slice stored;

	if (!writer_request_seen(stages->writer, key, clock_now_ns(), &stored))
		return false;
	strbuf_put(answer, stored);
	return true;
}

struct pipeline_stages
stages_table(struct stages *stages)
{
	return (struct pipeline_stages){ .user = stages,
	    .submitted = stage_submitted,
	    .lane_new = stage_lane_new, .lane_free = stage_lane_free,
	    .work = stage_work, .correlate = stage_correlate,
	    .add = stage_add, .commit = stage_commit,
	    .committed = stage_committed, .tend = stage_tend,
	    .seen = stage_seen };
}

/* --- life ----------------------------------------------------------------- */

/* Batches and chunks come and go without pause: what one gives back the next
 * takes, and the kernel need not clear it in between. */
static void
keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

struct stages *
stages_open(const struct conf *conf, struct loaded *loaded,
    struct outputs *outputs, struct err *err)
{
	struct writer_conf writer = { .data = conf->data,
	    .open_bytes = (size_t)conf->open_chunk_bytes,
	    .retention_ns = conf->retention_ns,
	    .retention_bytes = (uint64_t)conf->retention_bytes };
	struct correlator_limits limits = {
	    .groups = (size_t)conf->correlation_groups,
	    .groups_per_rule = (size_t)conf->correlation_groups_per_rule,
	    .bytes = (size_t)conf->correlation_bytes,
	    .arrival_decides = true };
	struct stages *stages = xcalloc(1, sizeof(*stages));

	stages->writer = writer_open(&writer, err);
	if (stages->writer == NULL) {
		loaded_put(loaded);
		free(stages);
		return NULL;
	}
	keep_memory();
	batch_release = release;
	stages->conf = conf;
	stages->outputs = outputs;
	stages->streams = streams_new();
	streams_order(stages->streams);
	stages->level = field_intern(SLICE("yagura.level"));
	stages->raised_last = &stages->raised;
	strbuf_init(&stages->state);
	stages->loaded = snapshot_new(loaded, loaded_get, loaded_put);
	stages->records = record_stage_new();
	stages->correlator = correlator_new(&limits);
	stages->figures.correlator.wall_due_ns = INT64_MAX;
	check(pthread_mutex_init(&stages->mutex, NULL) == 0);
	take_figures(stages);
	return stages;
}

/* The last of it, in an empty batch of its own; not where the write thread
 * gave up before it had all that was correlated. */
static void
keep_last_state(struct stages *stages)
{
	struct batch *batch;

	if (!stages->keeps_state || stages->correlated == 0 ||
	    stages->correlated != stages->added)
		return;
	batch = batch_new(writer_node(stages->writer),
	    stages->correlated - 1 + BATCH_EVENTS + BATCH_ALERTS);
	batch->phase = BATCH_MATCHED;
	keep_state(stages, batch);
	writer_add(stages->writer, batch);
	batch_put(batch);
}

void
stages_keep_state(struct stages *stages)
{
	stages->keeps_state = true;
}

int
stages_close(struct stages *stages, struct err *err)
{
	int status;

	if (stages == NULL)
		return 0;
	keep_last_state(stages);
	status = writer_close(stages->writer, true, err);
	send_raised(stages);
	record_stage_free(stages->records);
	correlator_free(stages->correlator);
	strbuf_fini(&stages->state);
	snapshot_free(stages->loaded);
	pthread_mutex_destroy(&stages->mutex);
	streams_put(stages->streams);
	free(stages);
	return status;
}

void
stages_health(struct stages *stages, struct health *health)
{
	stages->health = health;
}

uint32_t
stages_node(const struct stages *stages)
{
	return writer_node(stages->writer);
}

uint64_t
stages_first_seq(const struct stages *stages)
{
	return writer_first_seq(stages->writer);
}

struct correlator *
stages_correlator(struct stages *stages)
{
	return stages->correlator;
}

const struct conf *
stages_conf(const struct stages *stages)
{
	return stages->conf;
}

void
stages_swap(struct stages *stages, struct loaded *loaded)
{
	snapshot_swap(stages->loaded, loaded);
}

struct loaded *
stages_loaded(struct stages *stages)
{
	return snapshot_get(stages->loaded);
}

void
stages_figures(struct stages *stages, struct stages_figures *figures)
{
	check(pthread_mutex_lock(&stages->mutex) == 0);
	*figures = stages->figures;
	check(pthread_mutex_unlock(&stages->mutex) == 0);
}
