/* tests/unit/correlation/stream.h -- a small correlator to send events to.
 *
 * Events are JSON objects as Sigma's own test data has them; rules are text.
 * What fired and what was raised is kept in the order it happened.
 */
#ifndef YAGURA_TEST_STREAM_H
#define YAGURA_TEST_STREAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correlation/correlate_stage.h"
#include "correlation/groupkey.h"
#include "correlation/match_stage.h"
#include "correlation/rule.h"
#include "correlation/shape.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/event.h"

#define STREAM_SAID 4096

struct stream {
	struct ruleset *set;
	struct correlator *correlator;
	struct match_stage *match;
	struct batch *batch;
	uint64_t nbatches;
	char	 fired[STREAM_SAID];	/* "rule@value[!] " ... */
	char	 alerts[STREAM_SAID];	/* "rule:count " ... */
	char	 last[8 * STREAM_SAID];	/* JSON of the last alert */
	size_t	 nalerts, nnotes;
	uint64_t run_count;		/* of the last note */
	char	 run_id[64], alert_id[64];
};

static inline void
stream_fired(const struct firing *firing, void *arg)
{
	struct stream *s = arg;
	size_t at = strlen(s->fired);

	snprintf(s->fired + at, sizeof(s->fired) - at, "%.*s@%g%s ",
	    (int)firing->rule->id.len, firing->rule->id.ptr, firing->value,
	    firing->edge ? "!" : "");
}

static inline struct ruleset *
stream_rules(const char *text)
{
	struct diag *diag = diag_new();
	struct ruleset *set = ruleset_parse(slice_cstr(text), "rules", diag);

	if (diag_errors(diag) > 0) {
		diag_print(diag, stderr);
		abort();
	}
	diag_free(diag);
	return set;
}

static inline void
stream_open(struct stream *s, const char *rules,
    const struct correlator_limits *limits)
{
	memset(s, 0, sizeof(*s));
	batch_release = match_stage_release;
	s->set = stream_rules(rules);
	s->correlator = correlator_new(limits);
	s->match = match_stage_new();
	correlator_watch(s->correlator, stream_fired, s);
}

static inline void
stream_note(struct stream *s, const struct batch *batch)
{
	char buf[VALUE_TEXT_BYTES];
	struct strbuf json = STRBUF_INIT;

	for (size_t i = 0; i < batch->nalerts; i++) {
		const struct event *alert = batch->alerts[i];
		struct slice id = event_text(alert, FIELD_RULE_ID, buf);
		const struct value *count = event_get(alert,
		    FIELD_YAGURA_COUNT);
		size_t at = strlen(s->alerts);

		if (at + 64 < sizeof(s->alerts))
			snprintf(s->alerts + at, sizeof(s->alerts) - at,
			    "%.*s:%lld ", (int)id.len, id.ptr,
			    (long long)count->u.num);
		id = event_text(alert, FIELD_EVENT_ID, buf);
		snprintf(s->alert_id, sizeof(s->alert_id), "%.*s",
		    (int)id.len, id.ptr);
		s->nalerts++;
		strbuf_clear(&json);
		event_json(&json, alert, true);
		snprintf(s->last, sizeof(s->last), "%s", json.ptr);
	}
	strbuf_fini(&json);
	for (const struct note *n = batch->notes; n != NULL; n = n->next) {
		if (n->kind != NOTE_RUN)
			continue;
		s->nnotes++;
		s->run_count = n->count;
		snprintf(s->run_id, sizeof(s->run_id), "%.*s",
		    (int)n->key.len, n->key.ptr);
	}
}

static inline void
stream_flush(struct stream *s)
{
	struct batch *batch = s->batch;

	if (batch == NULL)
		batch = batch_new(7, s->nbatches++ << 12);
	s->batch = NULL;
	batch->phase = BATCH_PARSED;
	match_stage_run(s->match, s->set, batch);
	correlate_stage_run(s->correlator, batch);
	stream_note(s, batch);
	batch_put(batch);
}

/* An event at a second after 12:00; `fields` are more members. */
static inline void
stream_add(struct stream *s, double at, const char *fields)
{
	char line[65536];
	struct event *event;

	snprintf(line, sizeof(line), "{\"timestamp\":\"2026-03-01T%02d:%02d:"
	    "%06.3fZ\",\"_logsource\":{\"product\":\"test\"},%s}",
	    12 + (int)at / 3600, (int)at / 60 % 60,
	    at - 60 * (double)((int)at / 60), fields);
	if (s->batch == NULL)
		s->batch = batch_new(7, s->nbatches++ << 12);
	event = batch_add(s->batch, slice_cstr(line), SLICE("test"), 1);
	if (!shape_event(event) || !event->has_time)
		abort();
	if (batch_full(s->batch))
		stream_flush(s);
}

/* The same as a batch of its own. */
static inline void
stream_send(struct stream *s, double at, const char *fields)
{
	stream_add(s, at, fields);
	if (s->batch != NULL)
		stream_flush(s);
}

static inline void
stream_close(struct stream *s)
{
	if (s->batch != NULL)
		stream_flush(s);
	correlator_free(s->correlator);
	match_stage_free(s->match);
	ruleset_put(s->set);
}

/* Parts of rules. */
#define DETECT(id, action) \
	"title: " id "\nid: " id "\nname: " id "\n" \
	"logsource: {product: test}\n" \
	"detection: {sel: {action: " action "}, condition: sel}\n"
#define CORRELATE(id, type, rules, span, by, more) \
	"title: " id "\nid: " id "\nname: " id "\n" \
	"correlation: {type: " type ", rules: [" rules "], timespan: " span \
	", group-by: [" by "]" more "}\nlevel: high\n"
#define NEXT "---\n"

#endif
