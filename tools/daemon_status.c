#include "tools/daemon_status.h"

#include "correlation/rule.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/listen.h"
#include "engine/loop.h"
#include "engine/metric.h"
#include "engine/pipeline.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/daemon_load.h"
#include "tools/daemon_stages.h"
#include "tools/health.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BUSIEST 100		/* rules told of by their hits */

static void
put_key(struct strbuf *out, const char *key)
{
	char last = out->len > 0 ? out->ptr[out->len - 1] : '{';

	if (last != '{' && last != '[')
		strbuf_putc(out, ',');
	json_put_string(out, slice_cstr(key));
	strbuf_putc(out, ':');
}

static void
put_number(struct strbuf *out, const char *key, uint64_t n)
{
	put_key(out, key);
	strbuf_putlong(out, (int64_t)n);
}

static void
put_text(struct strbuf *out, const char *key, const char *text)
{
	put_key(out, key);
	json_put_string(out, slice_cstr(text));
}

static uint64_t
rejected_all(const struct input *input)
{
	uint64_t n = 0;

	for (int i = 0; i < INPUT_REJECTS; i++)
		n += input->rejected[i];
	return n;
}

static uint64_t
in_flight(const struct input *input)
{
	return input->received - input->stored - rejected_all(input);
}

static void
put_input(struct strbuf *out, const struct input *input)
{
	strbuf_puts(out, out->ptr[out->len - 1] == '[' ? "{" : ",{");
	put_text(out, "kind", input->kind->name);
	put_text(out, "address", input->conf->name);
	put_number(out, "port", input->port);
	put_number(out, "received", input->received);
	put_number(out, "stored", input->stored);
	put_number(out, "rejected", rejected_all(input));
	put_number(out, "in_flight", in_flight(input));
	put_number(out, "bytes", input->bytes);
	put_number(out, "truncated", input->truncated);
	put_number(out, "kernel_drops", input->kernel_drops);
	put_number(out, "connections", input->connections);
	put_number(out, "accepted", input->accepted);
	put_number(out, "turned_away", input->turned_away);
	put_number(out, "paused", input->paused);
	put_key(out, "reasons");
	strbuf_putc(out, '{');
	for (int i = 0; i < INPUT_REJECTS; i++)
		put_number(out, input_reject_name((enum input_reject)i),
		    input->rejected[i]);
	strbuf_puts(out, "}}");
}

static void
put_ledger(struct strbuf *out, const struct input *inputs, size_t n)
{
	uint64_t received = 0, stored = 0, rejected = 0, flying = 0;

	for (size_t i = 0; i < n; i++) {
		received += inputs[i].received;
		stored += inputs[i].stored;
		rejected += rejected_all(&inputs[i]);
		flying += in_flight(&inputs[i]);
	}
	put_key(out, "ledger");
	strbuf_putc(out, '{');
	put_number(out, "received", received);
	put_number(out, "stored", stored);
	put_number(out, "rejected", rejected);
	put_number(out, "in_flight", flying);
	strbuf_putc(out, '}');
}

static void
put_tags(struct strbuf *out)
{
	put_key(out, "tags");
	strbuf_putc(out, '{');
	for (int i = 0; i < EVENT_TAGS; i++)
		put_number(out, event_tag_name((enum event_tag)i),
		    metric_get((enum metric)((int)METRIC_TAG_UNPARSED + i)));
	strbuf_putc(out, '}');
}

static void
put_joins(struct strbuf *out)
{
	put_key(out, "joins");
	strbuf_putc(out, '{');
	put_number(out, "joined", metric_get(METRIC_JOINED));
	put_number(out, "cut", metric_get(METRIC_JOINED_CUT));
	put_number(out, "open", metric_get(METRIC_JOINS_OPEN));
	strbuf_putc(out, '}');
}

static void
put_store(struct strbuf *out, const struct status_view *view,
    const struct stages_figures *figures)
{
	struct statvfs disk;

	put_key(out, "store");
	strbuf_putc(out, '{');
	put_text(out, "data", view->conf->data);
	put_number(out, "stored", figures->writer.stored);
	put_number(out, "alerts", figures->writer.alerts);
	put_number(out, "commits", figures->writer.commits);
	put_number(out, "chunks", figures->writer.chunks);
	put_number(out, "tail_events", figures->writer.tail_events);
	put_number(out, "bytes_raw", figures->writer.bytes_raw);
	put_number(out, "bytes_stored", figures->writer.bytes_stored);
	put_number(out, "days_open", figures->writer.days_open);
	put_number(out, "values_dropped", figures->writer.values_dropped);
	put_number(out, "tail_damaged", figures->writer.damaged);
	put_number(out, "days_dropped", figures->writer.days_dropped);
	put_number(out, "set_aside", figures->writer.set_aside);
	if (statvfs(view->conf->data, &disk) == 0) {
		put_number(out, "disk_free",
		    (uint64_t)disk.f_bavail * disk.f_frsize);
		put_number(out, "disk_size",
		    (uint64_t)disk.f_blocks * disk.f_frsize);
	}
	put_key(out, "full");
	strbuf_puts(out, loop_full(view->loop) ? "true" : "false");
	strbuf_putc(out, '}');
}

static void
put_correlation(struct strbuf *out, const struct stages_figures *figures)
{
	put_key(out, "correlation");
	strbuf_putc(out, '{');
	put_number(out, "groups", figures->correlator.groups);
	put_number(out, "bytes", figures->correlator.bytes);
	put_number(out, "evicted", figures->correlator.evicted);
	put_number(out, "late", figures->correlator.late);
	put_number(out, "raised", figures->correlator.raised);
	put_number(out, "runs", figures->correlator.runs);
	put_number(out, "suppressed", figures->correlator.suppressed);
	put_number(out, "capped", figures->correlator.entries_capped);
	put_number(out, "forgotten", figures->correlator.forgotten);
	put_number(out, "waiting", figures->correlator.waiting);
	put_number(out, "lost", figures->correlator.lost);
	put_number(out, "watched", figures->correlator.watched);
	put_number(out, "bound", figures->correlator.bound);
	put_number(out, "checkpoints", figures->checkpoints);
	put_number(out, "checkpoints_skipped", figures->checkpoints_skipped);
	put_number(out, "checkpoint_bytes", figures->checkpoint_bytes);
	strbuf_putc(out, '}');
}

static void
put_health(struct strbuf *out, struct health *health)
{
	uint64_t rows = 0, beyond = 0;

	if (health != NULL)
		health_rows(health, &rows, &beyond);
	put_key(out, "health");
	strbuf_putc(out, '{');
	put_number(out, "events", metric_get(METRIC_HEALTH_EVENTS));
	put_number(out, "sources", rows);
	put_number(out, "beyond", beyond);
	strbuf_putc(out, '}');
}

static void
put_findings(struct strbuf *out, const char *key, const struct diag *diag)
{
	put_key(out, key);
	strbuf_putc(out, '[');
	for (size_t i = 0; i < diag_count(diag); i++) {
		const struct diag_finding *finding = diag_at(diag, i);
		struct strbuf text = STRBUF_INIT;

		strbuf_puts(&text, finding->file);
		if (finding->line > 0)
			strbuf_printf(&text, ":%d", finding->line);
		strbuf_printf(&text, ": %s", finding->text);
		if (i > 0)
			strbuf_putc(out, ',');
		json_put_string(out, strbuf_slice(&text));
		strbuf_fini(&text);
	}
	strbuf_putc(out, ']');
}

/* Of these rules those that matched or fired most, and what they cost. */
static void
put_busiest(struct strbuf *out, const char *key, const struct ruleset *set,
    size_t from, size_t to)
{
	struct { size_t rule; struct rule_tally tally; } top[BUSIEST];
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		struct rule_tally tally = ruleset_tally(set, i);
		size_t at = n;

		if (tally.hits == 0 && tally.cost_ns == 0)
			continue;
		while (at > 0 && (top[at - 1].tally.hits < tally.hits ||
		    (top[at - 1].tally.hits == tally.hits &&
		    top[at - 1].tally.cost_ns < tally.cost_ns)))
			at--;
		if (at == BUSIEST)
			continue;
		n += n < BUSIEST;
		memmove(top + at + 1, top + at,
		    (n - 1 - at) * sizeof(top[0]));
		top[at].rule = i;
		top[at].tally = tally;
	}
	put_key(out, key);
	strbuf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(out, i > 0 ? ",{\"rule\":" : "{\"rule\":");
		json_put_string(out, ruleset_rule(set, top[i].rule)->id);
		put_key(out, "title");
		json_put_string(out, ruleset_rule(set, top[i].rule)->title);
		put_number(out, "hits", top[i].tally.hits);
		put_number(out, "cost_ns", top[i].tally.cost_ns);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
}

static void
put_loaded(struct strbuf *out, const struct status_view *view)
{
	struct loaded *loaded = stages_loaded(view->stages);

	put_key(out, "loaded");
	strbuf_putc(out, '{');
	put_number(out, "definitions", parserset_count(loaded->parsers));
	put_number(out, "rules", ruleset_count(loaded->rules));
	put_number(out, "detections", ruleset_detections(loaded->rules));
	put_busiest(out, "busiest", loaded->rules, 0,
	    ruleset_detections(loaded->rules));
	put_busiest(out, "firing", loaded->rules,
	    ruleset_detections(loaded->rules), ruleset_count(loaded->rules));
	put_text(out, "reload", view->reload);
	put_findings(out, "missing", view->missing);
	put_findings(out, "refused", view->refused);
	strbuf_putc(out, '}');
	loaded_put(loaded);
}

static void
put_outputs(struct strbuf *out)
{
	put_key(out, "outputs");
	strbuf_putc(out, '{');
	put_number(out, "sent", metric_get(METRIC_OUTPUTS_SENT));
	put_number(out, "failed", metric_get(METRIC_OUTPUTS_FAILED));
	put_number(out, "queued", metric_get(METRIC_OUTPUTS_QUEUED));
	strbuf_putc(out, '}');
}

static void
put_pipeline(struct strbuf *out, const struct status_view *view)
{
	struct pipeline_figures figures;

	pipeline_figures(view->pipeline, &figures);
	put_key(out, "pipeline");
	strbuf_putc(out, '{');
	put_number(out, "submitted", figures.submitted);
	put_number(out, "committed", figures.committed);
	put_number(out, "waiting_work", figures.waiting_work);
	put_number(out, "waiting_correlate", figures.waiting_correlate);
	put_number(out, "waiting_write", figures.waiting_write);
	strbuf_putc(out, '}');
}

void
status_write(const struct status_view *view, struct strbuf *out)
{
	struct stages_figures figures;
	const struct input *inputs;
	size_t n;

	inputs = loop_inputs(view->loop, &n);
	stages_figures(view->stages, &figures);
	strbuf_putc(out, '{');
	put_text(out, "version", YAGURA_VERSION);
	put_number(out, "pid", (uint64_t)getpid());
	put_number(out, "uptime_s",
	    (uint64_t)((clock_mono_ns() - view->started_ns) / 1000000000));
	put_number(out, "cpu_ms", (uint64_t)(clock_cpu_ns() / 1000000));
	put_text(out, "state", loop_stopping(view->loop) ? "stopping" :
	    loop_full(view->loop) ? "full" : "running");
	put_key(out, "inputs");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < n; i++)
		put_input(out, &inputs[i]);
	strbuf_putc(out, ']');
	put_ledger(out, inputs, n);
	put_pipeline(out, view);
	put_tags(out);
	put_joins(out);
	put_number(out, "unknown_lines", metric_get(METRIC_PARSED_UNKNOWN));
	put_number(out, "no_logsource", metric_get(METRIC_NO_LOGSOURCE));
	put_store(out, view, &figures);
	put_correlation(out, &figures);
	put_number(out, "replayed", view->replayed);
	put_health(out, view->health);
	put_loaded(out, view);
	put_outputs(out);
	strbuf_puts(out, "}\n");
}

/* --- Prometheus ----------------------------------------------------------- */

struct family {
	const char *name, *type, *help;
	uint64_t (*read)(const struct input *input);
};

static uint64_t
read_received(const struct input *input)
{
	return input->received;
}

static uint64_t
read_stored(const struct input *input)
{
	return input->stored;
}

static uint64_t
read_drops(const struct input *input)
{
	return input->kernel_drops;
}

static uint64_t
read_turned_away(const struct input *input)
{
	return input->turned_away;
}

static uint64_t
read_connections(const struct input *input)
{
	return input->connections;
}

static const struct family families[] = {
	{ "input_received_total", "counter", "lines received", read_received },
	{ "input_stored_total", "counter", "of them durable", read_stored },
	{ "input_rejected_total", "counter", "of them refused", rejected_all },
	{ "input_in_flight", "gauge", "of them on the way", in_flight },
	{ "input_kernel_drops_total", "counter",
	    "datagrams the kernel had no room for", read_drops },
	{ "input_turned_away_total", "counter",
	    "connections and requests past a limit", read_turned_away },
	{ "input_connections", "gauge", "open now", read_connections },
};

static void
put_label(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			strbuf_putc(out, '\\');
		strbuf_putc(out, *text == '\n' ? ' ' : *text);
	}
}

void
status_metrics(const struct status_view *view, struct strbuf *out)
{
	const struct input *inputs;
	size_t n;

	inputs = loop_inputs(view->loop, &n);
	metric_write(out);
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		const struct family *family = &families[f];

		strbuf_printf(out, "# HELP yagura_%s %s\n# TYPE yagura_%s %s\n",
		    family->name, family->help, family->name, family->type);
		for (size_t i = 0; i < n; i++) {
			strbuf_printf(out, "yagura_%s{input=\"%s ",
			    family->name, inputs[i].kind->name);
			put_label(out, inputs[i].conf->name);
			strbuf_printf(out, "\"} %llu\n",
			    (unsigned long long)family->read(&inputs[i]));
		}
	}
}
