#include "tools/daemon_health.h"

#include <sys/statvfs.h>

#include "engine/arena.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/log.h"
#include "engine/loop.h"
#include "engine/metric.h"
#include "engine/strbuf.h"
#include "storage/ledger.h"
#include "storage/store.h"
#include "tools/daemon_stages.h"
#include "tools/health.h"

static void
say(void *user, struct slice line)
{
	loop_say(user, line);
}

static struct health_service
service_now(const struct loop *loop, struct stages *stages)
{
	struct stages_figures figures;
	struct statvfs disk;
	struct health_service service = {
	    .stored = metric_get(METRIC_STORED),
	    .rejected = metric_get(METRIC_REJECTED_SHUTDOWN) +
		metric_get(METRIC_REJECTED_JSON) +
		metric_get(METRIC_REJECTED_STORE),
	    .kernel_drops = metric_get(METRIC_KERNEL_DROPS),
	    .turned_away = metric_get(METRIC_CONNECTIONS_REFUSED),
	    .unparsed = metric_get(METRIC_PARSED_UNKNOWN),
	    .no_logsource = metric_get(METRIC_NO_LOGSOURCE),
	    .regex_limit = metric_get(METRIC_REGEX_LIMIT),
	    .outputs_failed = metric_get(METRIC_OUTPUTS_FAILED),
	    .outputs_queued = metric_get(METRIC_OUTPUTS_QUEUED),
	    .reloads_refused = metric_get(METRIC_RELOADS_REFUSED),
	    .commit_failures = metric_get(METRIC_COMMIT_FAILURES),
	    .in_flight = metric_get(METRIC_IN_FLIGHT),
	    .cpu_ms = (uint64_t)(clock_cpu_ns() / 1000000),
	    .full = loop_full(loop) };

	stages_figures(stages, &figures);
	service.received = service.stored + service.rejected +
	    service.in_flight;
	service.evicted = figures.correlator.evicted;
	service.capped = figures.correlator.entries_capped;
	service.forgotten = figures.correlator.forgotten;
	service.late = figures.correlator.late;
	service.alerts = figures.correlator.raised;
	service.alerts_lost = figures.correlator.lost;
	service.groups = figures.correlator.groups;
	service.damaged = figures.writer.damaged + figures.writer.set_aside;
	service.values_dropped = figures.writer.values_dropped;
	service.disk_used = figures.writer.bytes_stored;
	if (statvfs(stages_conf(stages)->data, &disk) == 0) {
		service.disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
		service.disk_size = (uint64_t)disk.f_blocks * disk.f_frsize;
	}
	return service;
}

/* While intake stands still we are as quiet as everybody: the minute is told
 * when there is room again. */
void
daemon_health_tick(struct health *health, struct loop *loop,
    struct stages *stages)
{
	int64_t now_ns = clock_now_ns();
	struct health_service service;
	struct strbuf saved = STRBUF_INIT;

	if (!health_due(health, now_ns) || !loop_ready(loop))
		return;
	service = service_now(loop, stages);
	health_minute(health, now_ns, &service, say, loop);
	if (health_save(health, now_ns, &saved))
		loop_keep(loop, SLICE("health"), strbuf_slice(&saved));
	strbuf_fini(&saved);
}

struct health *
daemon_health_begin(struct stages *stages)
{
	struct arena *arena = arena_new(0);
	struct err err = { 0 };
	struct store *store = store_open(stages_conf(stages)->data, &err);
	struct slice saved = SLICE("");
	struct health *health;

	if (store != NULL)
		saved = ledger_checkpoint(store, SLICE("health"), arena);
	else
		log_warn("what was usual of the sources is learned anew: %s",
		    err.text);
	health = health_new(clock_now_ns(), saved);
	stages_health(stages, health);
	store_close(store);
	arena_free(arena);
	return health;
}
