#include "tools/daemon.h"

#include "correlation/output.h"
#include "correlation/ruleset.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/control.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/json.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/metric.h"
#include "engine/pipeline.h"
#include "engine/sandbox.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/daemon_health.h"
#include "tools/daemon_load.h"
#include "tools/daemon_stages.h"
#include "tools/daemon_status.h"
#include "tools/health.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define OUTPUT_LAST_MS 3000	/* alerts still going out at the end */

struct daemon {
	const struct conf *conf;
	struct diag *missing;	/* context that could not be read */
	struct diag *refused;	/* definitions that were left out */
	struct outputs *outputs;
	struct stages *stages;
	struct pipeline *pipeline;
	struct loop *loop;
	struct health *health;
	struct strbuf reload;	/* what the last one said */
	int64_t	 started_ns;
	int64_t	 watchdog_ns, watched_ns;
	uint64_t replayed;
};

/* --- findings ------------------------------------------------------------- */

static void
log_findings(const struct diag *diag, const char *what)
{
	for (size_t i = 0; i < diag_count(diag); i++) {
		const struct diag_finding *finding = diag_at(diag, i);

		log_line(NULL, LOG_LEVEL_WARN, "%s: %s:%d: %s", what,
		    finding->file, finding->line, finding->text);
	}
}

void
daemon_check(const struct conf *conf, struct diag *diag)
{
	loaded_put(loaded_new(conf, diag, diag, diag));
}

/* --- hooks of the loop ---------------------------------------------------- */

static struct status_view
view_of(struct daemon *daemon)
{
	return (struct status_view){ .conf = daemon->conf,
	    .loop = daemon->loop, .pipeline = daemon->pipeline,
	    .stages = daemon->stages, .health = daemon->health,
	    .missing = daemon->missing,
	    .refused = daemon->refused,
	    .reload = daemon->reload.ptr, .started_ns = daemon->started_ns,
	    .replayed = daemon->replayed };
}

/* Counters kept elsewhere: a metric gets what was added there since. */
static void
counter_to(enum metric metric, uint64_t value)
{
	uint64_t now = metric_get(metric);

	if (value > now)
		metric_add(metric, value - now);
}

static void
sync_inputs(struct daemon *daemon)
{
	static const enum metric reasons[INPUT_REJECTS] = {
		[INPUT_CUT] = METRIC_REJECTED_SHUTDOWN,
		[INPUT_NOT_NDJSON] = METRIC_REJECTED_JSON,
		[INPUT_LOST] = METRIC_REJECTED_STORE };
	_Static_assert(INPUT_REJECTS == 3, "each reason has its counter");
	static const enum metric vias[] = { METRIC_RECEIVED_UDP,
	    METRIC_RECEIVED_TCP, METRIC_RECEIVED_UNIX, METRIC_RECEIVED_HTTP };
	static const char *const names[] = { "udp", "tcp", "unix", "http" };
	uint64_t via[4] = { 0 }, stored = 0, bytes = 0, drops = 0, open = 0,
	    received = 0, turned = 0, rejected[INPUT_REJECTS] = { 0 },
	    refused = 0;
	const struct input *inputs;
	size_t n;

	inputs = loop_inputs(daemon->loop, &n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < 4; k++)
			if (strcmp(inputs[i].kind->name, names[k]) == 0)
				via[k] += inputs[i].received;
		received += inputs[i].received;
		stored += inputs[i].stored;
		bytes += inputs[i].bytes;
		drops += inputs[i].kernel_drops;
		open += inputs[i].connections;
		turned += inputs[i].turned_away;
		for (int k = 0; k < INPUT_REJECTS; k++)
			rejected[k] += inputs[i].rejected[k];
	}
	for (size_t k = 0; k < 4; k++)
		counter_to(vias[k], via[k]);
	counter_to(METRIC_RECEIVED_BYTES, bytes);
	counter_to(METRIC_KERNEL_DROPS, drops);
	counter_to(METRIC_CONNECTIONS_REFUSED, turned);
	metric_set(METRIC_CONNECTIONS, (int64_t)open);
	counter_to(METRIC_STORED, stored);
	for (int k = 0; k < INPUT_REJECTS; k++) {
		counter_to(reasons[k], rejected[k]);
		refused += rejected[k];
	}
	metric_set(METRIC_IN_FLIGHT, (int64_t)(received - stored - refused));
}

static void
sync_writer(const struct writer_figures *writer)
{
	counter_to(METRIC_STORED_BYTES, writer->bytes_raw);
	counter_to(METRIC_COMMITS, writer->commits);
	counter_to(METRIC_CHUNKS_SEALED, writer->chunks);
	counter_to(METRIC_CHUNK_BYTES, writer->bytes_stored);
	counter_to(METRIC_VALUES_DROPPED, writer->values_dropped);
	counter_to(METRIC_TAIL_DAMAGED, writer->damaged);
	counter_to(METRIC_PARTITIONS_DELETED, writer->days_dropped);
	counter_to(METRIC_PARTITIONS_DAMAGED, writer->set_aside);
}

static void
sync_correlator(const struct correlator_figures *correlator)
{
	counter_to(METRIC_ALERTS_RAISED, correlator->raised);
	counter_to(METRIC_ALERTS_SUPPRESSED, correlator->suppressed);
	metric_set(METRIC_ALERTS_WAITING, (int64_t)correlator->waiting);
	counter_to(METRIC_ALERTS_DROPPED, correlator->lost);
	metric_set(METRIC_CORRELATION_GROUPS, (int64_t)correlator->groups);
	counter_to(METRIC_CORRELATION_EVICTIONS, correlator->evicted);
	counter_to(METRIC_CORRELATION_CAPPED, correlator->entries_capped);
	counter_to(METRIC_CORRELATION_FORGOTTEN, correlator->forgotten);
	counter_to(METRIC_CORRELATION_LATE, correlator->late);
}

static void
sync_metrics(struct daemon *daemon)
{
	struct stages_figures figures;

	sync_inputs(daemon);
	stages_figures(daemon->stages, &figures);
	sync_writer(&figures.writer);
	sync_correlator(&figures.correlator);
	counter_to(METRIC_CHECKPOINTS, figures.checkpoints);
	counter_to(METRIC_CHECKPOINTS_SKIPPED, figures.checkpoints_skipped);
}

static void
on_metrics(void *user, struct strbuf *out)
{
	struct status_view view = view_of(user);

	sync_metrics(user);
	status_metrics(&view, out);
}

static void
on_status(void *user, struct strbuf *out)
{
	struct status_view view = view_of(user);

	status_write(&view, out);
}

/* What a quiet stream leaves open is decided by the time of day. */
static void
pass_time(struct daemon *daemon)
{
	struct stages_figures figures;

	stages_figures(daemon->stages, &figures);
	if (figures.correlator.wall_due_ns < clock_now_ns() ||
	    metric_get(METRIC_JOINS_OPEN) > 0)
		loop_pass(daemon->loop);
}

static void
on_tick(void *user)
{
	struct daemon *daemon = user;
	int64_t now_ns = clock_mono_ns();

	sync_metrics(daemon);
	pass_time(daemon);
	daemon_health_tick(daemon->health, daemon->loop, daemon->stages);
	if (daemon->watchdog_ns == 0 ||
	    now_ns - daemon->watched_ns < daemon->watchdog_ns)
		return;
	daemon->watched_ns = now_ns;
	control_notify("WATCHDOG=1");
}

static void
put_findings(struct strbuf *out, const struct diag *diag)
{
	strbuf_putc(out, '[');
	for (size_t i = 0; i < diag_count(diag); i++) {
		const struct diag_finding *finding = diag_at(diag, i);
		struct strbuf text = STRBUF_INIT;

		strbuf_printf(&text, "%s:%d:%d: %s", finding->file,
		    finding->line, finding->column, finding->text);
		strbuf_puts(out, i > 0 ? "," : "");
		json_put_string(out, strbuf_slice(&text));
		strbuf_fini(&text);
	}
	strbuf_putc(out, ']');
}

/* {"reloaded":true,...} or {"reloaded":false,"errors":[...]}; "refused" has
 * the definitions that are left out, in both. */
static void
reload_answer(const struct diag *diag, const struct diag *refused,
    const struct loaded *loaded, struct strbuf *out)
{
	if (diag_errors(diag) == 0) {
		strbuf_printf(out, "{\"reloaded\":true,\"definitions\":%zu,"
		    "\"rules\":%zu", parserset_count(loaded->parsers),
		    ruleset_count(loaded->rules));
	} else {
		strbuf_puts(out, "{\"reloaded\":false,\"errors\":");
		put_findings(out, diag);
	}
	strbuf_puts(out, ",\"refused\":");
	put_findings(out, refused);
	strbuf_puts(out, "}\n");
}

static void
reload_done(struct daemon *daemon, struct loaded *loaded,
    struct diag **refused, struct diag **missing)
{
	stages_swap(daemon->stages, loaded);
	diag_free(daemon->refused);
	diag_free(daemon->missing);
	daemon->refused = *refused;
	daemon->missing = *missing;
	*refused = *missing = NULL;
	log_findings(daemon->refused, "definition left out");
	log_findings(daemon->missing, "context");
	strbuf_puts(&daemon->reload, "done");
	if (diag_errors(daemon->refused) > 0)
		strbuf_printf(&daemon->reload, ", %zu mistakes in definitions "
		    "that are left out", diag_errors(daemon->refused));
	log_info("reloaded: %zu definitions, %zu rules",
	    parserset_count(loaded->parsers), ruleset_count(loaded->rules));
	metric_add(METRIC_RELOADS_DONE, 1);
}

static void
reload_refused(struct daemon *daemon, struct loaded *loaded,
    const struct diag *diag)
{
	log_findings(diag, "reload");
	strbuf_printf(&daemon->reload, "refused, %zu mistakes",
	    diag_errors(diag));
	log_error("reload refused, nothing is changed: %zu mistakes",
	    diag_errors(diag));
	metric_add(METRIC_RELOADS_REFUSED, 1);
	loaded_put(loaded);
}

/* Rules, definitions and lists are read again; the configuration itself stays
 * until a restart. */
static bool
on_reload(void *user, struct strbuf *out)
{
	struct daemon *daemon = user;
	struct diag *diag = diag_new(), *refused = diag_new(),
	    *missing = diag_new();
	struct loaded *loaded;
	bool good;

	control_notify_reloading();
	loaded = loaded_new(daemon->conf, diag, refused, missing);
	good = diag_errors(diag) == 0;
	strbuf_clear(&daemon->reload);
	reload_answer(diag, refused, loaded, out);
	if (good)
		reload_done(daemon, loaded, &refused, &missing);
	else
		reload_refused(daemon, loaded, diag);
	control_notify("READY=1");
	diag_free(diag);
	diag_free(refused);
	diag_free(missing);
	return good;
}

/* --- start and end -------------------------------------------------------- */

/* Definitions, rules and context; NULL if a mistake forbids to start. */
static struct loaded *
load(struct daemon *daemon, struct diag *diag, struct err *err)
{
	struct loaded *loaded = loaded_new(daemon->conf, diag,
	    daemon->refused, daemon->missing);

	log_findings(daemon->refused, "definition left out");
	log_findings(daemon->missing, "context");
	if (diag_errors(diag) == 0)
		return loaded;
	loaded_put(loaded);
	err_set(err, ERR_CONFIG, "%zu mistakes in paths and rules",
	    diag_errors(diag));
	return NULL;
}

/* The helper is begun first: it must not inherit what we open. */
static int
begin(struct daemon *daemon, struct diag *diag, struct err *err)
{
	struct loaded *loaded = load(daemon, diag, err);

	if (loaded == NULL)
		return -1;
	daemon->outputs = outputs_start(daemon->conf, err);
	if (daemon->outputs == NULL && daemon->conf->noutputs > 0) {
		loaded_put(loaded);
		return -1;
	}
	daemon->stages = stages_open(daemon->conf, loaded, daemon->outputs,
	    err);
	return daemon->stages != NULL ? 0 : -1;
}

static void
make_loop(struct daemon *daemon)
{
	struct pipeline_stages table = stages_table(daemon->stages);
	struct loop_hooks hooks = { .user = daemon, .metrics = on_metrics,
	    .status = on_status, .reload = on_reload, .tick = on_tick };

	daemon->pipeline = pipeline_new(&table,
	    (size_t)daemon->conf->workers, loop_most_in_flight(daemon->conf));
	daemon->loop = loop_new(daemon->conf, daemon->pipeline, &hooks,
	    stages_node(daemon->stages), stages_first_seq(daemon->stages));
}

static void
replay(struct daemon *daemon)
{
	struct err err = { 0 };

	daemon->replayed = stages_replay(daemon->stages, &err);
	if (err.kind != ERR_NONE)
		log_warn("windows were not rebuilt whole: %s", err.text);
}

static void
announce(const struct daemon *daemon)
{
	const struct input *inputs;
	struct loaded *loaded = stages_loaded(daemon->stages);
	size_t n;

	inputs = loop_inputs(daemon->loop, &n);
	for (size_t i = 0; i < n; i++)
		log_line(NULL, LOG_LEVEL_INFO, "listening: %s %s",
		    inputs[i].kind->name, inputs[i].conf->name);
	log_info("yagurad " YAGURA_VERSION ": %zu definitions, %zu rules, "
	    "data in %s", parserset_count(loaded->parsers),
	    ruleset_count(loaded->rules), daemon->conf->data);
	loaded_put(loaded);
	control_notify("READY=1");
}

/* Ten thousand connections need as many descriptors. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
run(struct daemon *daemon, struct err *err)
{
	make_loop(daemon);
	if (loop_listen(daemon->loop, err) < 0)
		return -1;
	if (sandbox_enter(daemon->conf, err) < 0)
		return -1;
	replay(daemon);
	daemon->health = daemon_health_begin(daemon->stages);
	pipeline_start(daemon->pipeline);
	announce(daemon);
	return loop_run(daemon->loop, err);
}

/* The first failure counts; later ones are in the log. */
static int
end(struct daemon *daemon, int status, struct err *err)
{
	struct err late = { 0 };

	control_notify("STOPPING=1");
	if (daemon->loop != NULL)
		loop_free(daemon->loop);
	pipeline_free(daemon->pipeline);
	if (stages_close(daemon->stages, &late) < 0) {
		log_error("at the end: %s", late.text);
		if (status == 0)
			*err = late;
		status = -1;
	}
	health_free(daemon->health);
	outputs_free(daemon->outputs, OUTPUT_LAST_MS);
	diag_free(daemon->refused);
	diag_free(daemon->missing);
	strbuf_fini(&daemon->reload);
	return status;
}

int
daemon_run(const struct conf *conf, struct diag *diag, struct err *err)
{
	struct daemon daemon = { .conf = conf, .missing = diag_new(),
	    .refused = diag_new(),
	    .started_ns = clock_mono_ns(),
	    .watchdog_ns = control_watchdog_ns() };
	int status;

	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	strbuf_init(&daemon.reload);
	metric_set(METRIC_START_TIME, clock_now_ns() / 1000000000);
	status = begin(&daemon, diag, err);
	if (status == 0)
		status = run(&daemon, err);
	return end(&daemon, status, err);
}
