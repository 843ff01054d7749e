/* Windows, alerts and runs through real rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "correlation/absent.h"
#include "correlation/ruleset.h"
#include "stream.h"

#define COUNT3 CORRELATE("c", "event_count", "f", "10s", "User", \
	", condition: {gte: 3}") NEXT DETECT("f", "fail")
#define FAIL "\"action\":\"fail\",\"User\":\"u\""
#define OK "\"action\":\"ok\",\"User\":\"u\""

static void
raises_once_per_run_and_notes_its_growth(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3, NULL);
	for (int i = 0; i < 6; i++)
		stream_send(&s, i, FAIL);
	assert_string_equal(s.fired, "c@3! c@4 c@5 c@6 ");
	assert_string_equal(s.alerts, "c:3 ");
	assert_int_equal(s.nnotes, 4);
	assert_int_equal(s.run_count, 6);
	assert_string_equal(s.run_id, s.alert_id);
	assert_int_equal(ruleset_tally(s.set, 0).hits, 6);
	assert_int_equal(ruleset_tally(s.set, 1).hits, 4);
	stream_close(&s);
}

static void
notes_a_run_once_per_batch(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3, NULL);
	for (int i = 0; i < 100; i++)
		stream_add(&s, i * 0.05, FAIL);
	stream_flush(&s);
	assert_int_equal(s.nnotes, 1);
	assert_int_equal(s.run_count, 100);
	stream_close(&s);
}

static void
begins_a_new_run_after_a_timespan_of_silence(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3, NULL);
	for (int i = 0; i < 3; i++)
		stream_send(&s, i, FAIL);
	/* The condition was last met at 2; at 12 it may go on, at 12.1 not. */
	for (int i = 0; i < 3; i++)
		stream_send(&s, 12.1 + i, FAIL);
	assert_string_equal(s.alerts, "c:3 c:3 ");
	stream_close(&s);
}

static void
keeps_the_run_over_a_short_pause(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3, NULL);
	for (int i = 0; i < 3; i++)
		stream_send(&s, i, FAIL);
	stream_send(&s, 11, FAIL);	/* only 1, 2 and 11: goes on */
	stream_send(&s, 12.5, FAIL);	/* 11, 12.5: not met */
	stream_send(&s, 13, FAIL);	/* met again, an edge, the same run */
	assert_string_equal(s.fired, "c@3! c@3 c@3! ");
	assert_string_equal(s.alerts, "c:3 ");
	assert_int_equal(s.run_count, 6);
	stream_close(&s);
}

static void
gives_the_same_whatever_the_batches(void **state)
{
	struct stream one, many;

	(void)state;
	stream_open(&one, COUNT3, NULL);
	stream_open(&many, COUNT3, NULL);
	for (int i = 0; i < 60; i++) {
		double at = i * 1.7 - (i % 7 == 3 ? 4 : 0);

		stream_send(&one, at + 5, FAIL);
		stream_add(&many, at + 5, FAIL);
	}
	stream_flush(&many);
	assert_string_equal(one.fired, many.fired);
	stream_close(&one);
	stream_close(&many);
}

static void
says_what_happened_in_the_alert(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, "title: Many\nid: c\ndescription: too many\n"
	    "correlation: {type: event_count, rules: [f], timespan: 10s, "
	    "group-by: [user.name], condition: {gte: 2}}\nlevel: critical\n"
	    "tags: [attack.t1110.001, attack.credential-access, cve.2026-1]\n"
	    "yagura:\n  layer: model\n"
	    "  text: {en: '{user.name} failed {count} times on {host}, {x}', "
	    "ja: '{user.name}が{count}回'}\n  advice: {en: Ask., ja: 確認}\n"
	    NEXT DETECT("f", "fail"), NULL);
	stream_send(&s, 0, "\"action\":\"fail\",\"user.name\":\"eve\"");
	stream_send(&s, 1, "\"action\":\"fail\",\"user.name\":\"eve\","
	    "\"host.name\":\"h1\",\"source.ip\":\"192.0.2.1\"");
	assert_non_null(strstr(s.last, "\"event.kind\":\"alert\""));
	assert_non_null(strstr(s.last, "\"event.dataset\":\"yagura.alert\""));
	assert_non_null(strstr(s.last, "\"rule.name\":\"Many\""));
	assert_non_null(strstr(s.last, "eve failed 2 times on h1, -"));
	assert_non_null(strstr(s.last, "eveが2回"));
	assert_non_null(strstr(s.last, "\"yagura.level\":\"critical\""));
	assert_non_null(strstr(s.last, "\"yagura.layer\":\"model\""));
	assert_non_null(strstr(s.last, "\"event.severity\":90"));
	assert_non_null(strstr(s.last, "\"T1110.001\""));
	assert_non_null(strstr(s.last, "\"Credential Access\""));
	assert_null(strstr(s.last, "cve"));
	assert_non_null(strstr(s.last, "\"user.name=eve\""));
	assert_non_null(strstr(s.last, "\"host.name\":\"h1\""));
	assert_non_null(strstr(s.last, "\"source.ip\":\"192.0.2.1\""));
	assert_non_null(strstr(s.last, "\"yagura.count\":2"));
	assert_non_null(strstr(s.last, "\"000000070000000000000000\","
	    "\"000000070000000000001000\""));
	stream_close(&s);
}

static void
does_not_take_the_reporting_device_for_the_host(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, DETECT("f", "fail") "level: high\n", NULL);
	stream_send(&s, 0, "\"action\":\"fail\",\"host.name\":\"ids-1\","
	    "\"log.syslog.hostname\":\"ids-1\","
	    "\"observer.type\":\"ids\"");
	assert_null(strstr(s.last, "\"host.name\""));
	stream_send(&s, 1, "\"action\":\"fail\",\"host.name\":\"ids-2\","
	    "\"log.syslog.hostname\":\"ids-2\","
	    "\"observer.type\":\"ids\",\"source.asset.host\":\"pc-7\"");
	assert_non_null(strstr(s.last, "\"host.name\":\"pc-7\""));
	stream_send(&s, 2, "\"action\":\"fail\",\"host.name\":\"pc-8\","
	    "\"log.syslog.hostname\":\"fw-1\","
	    "\"observer.type\":\"firewall\"");
	assert_non_null(strstr(s.last, "\"host.name\":\"pc-8\""));
	stream_close(&s);
}

static void
gives_the_same_id_when_raised_again(void **state)
{
	struct stream a, b;

	(void)state;
	stream_open(&a, COUNT3, NULL);
	stream_open(&b, COUNT3, NULL);
	for (int i = 0; i < 3; i++) {
		stream_send(&a, i, FAIL);
		stream_send(&b, i, FAIL);
	}
	assert_int_equal(strlen(a.alert_id), 32);
	assert_string_equal(a.alert_id, b.alert_id);
	stream_close(&a);
	stream_close(&b);
}

static void
carries_events_of_an_inner_correlation_along(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("o", "temporal_ordered", "c, k", "60s",
	    "User", "") NEXT COUNT3 NEXT DETECT("k", "ok"), NULL);
	stream_send(&s, 0, OK);		/* before: is no part of it */
	for (int i = 1; i < 6; i++)
		stream_send(&s, i, FAIL);
	stream_send(&s, 7, OK);
	assert_string_equal(s.alerts, "o:6 ");
	/* What the sequence cannot hold is not in its run. */
	stream_send(&s, 8, FAIL);
	assert_int_equal(s.run_count, 6);
	stream_send(&s, 9, OK);
	assert_int_equal(s.run_count, 8);
	stream_close(&s);
}

static void
leaves_unrelated_steps_out_of_a_sequence(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("o", "temporal_ordered", "f, k", "60s",
	    "User", "") NEXT DETECT("f", "fail") NEXT DETECT("k", "ok"), NULL);
	stream_send(&s, 0, OK);
	stream_send(&s, 1, OK);
	stream_send(&s, 2, FAIL);
	stream_send(&s, 3, OK);
	assert_string_equal(s.alerts, "o:2 ");
	stream_close(&s);
}

static void
counts_an_event_in_every_group_of_a_list(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("c", "event_count", "f", "10s", "User",
	    ", condition: {gte: 2}") NEXT DETECT("f", "fail"), NULL);
	stream_send(&s, 0, "\"action\":\"fail\",\"User\":[\"a\",\"b\"]");
	stream_send(&s, 1, "\"action\":\"fail\",\"User\":\"b\"");
	stream_send(&s, 2, "\"action\":\"fail\",\"User\":\"a\"");
	assert_string_equal(s.alerts, "c:2 c:2 ");
	stream_close(&s);
}

static void
suppresses_by_key_and_says_how_often(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, DETECT("f", "fail")
	    "level: high\nyagura: {suppress: {for: 60s, by: [User]}}\n", NULL);
	stream_send(&s, 0, FAIL);
	stream_send(&s, 10, FAIL);
	stream_send(&s, 20, "\"action\":\"fail\",\"User\":\"v\"");
	stream_send(&s, 59, FAIL);
	assert_string_equal(s.alerts, "f:1 f:1 ");
	assert_int_equal(s.run_count, 3);	/* the first alert's run */
	stream_send(&s, 60, FAIL);
	assert_string_equal(s.alerts, "f:1 f:1 f:1 ");
	assert_non_null(strstr(s.last, "\"yagura.suppressed\":2"));
	stream_close(&s);
}

static void
holds_a_correlation_back_by_its_group(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("c", "event_count", "f", "10s", "User",
	    ", condition: {gte: 2}") "yagura: {suppress: 1h}\n"
	    NEXT DETECT("f", "fail"), NULL);
	for (int i = 0; i < 10; i++) {
		stream_send(&s, 100 * i, FAIL);
		stream_send(&s, 100 * i + 1, FAIL);
	}
	assert_string_equal(s.alerts, "c:2 ");
	assert_int_equal(s.run_count, 20);
	stream_close(&s);
}

static void
does_not_alert_by_itself_when_silent_or_a_filter(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3 "level: high\n" NEXT DETECT("x", "other"),
	    NULL);
	stream_send(&s, 0, FAIL);
	stream_send(&s, 0, "\"action\":\"other\"");
	assert_string_equal(s.alerts, "");
	stream_close(&s);
}

/* A thousand events each of which raises for sixty groups: more than the
 * places of a batch. */
static void
never_loses_alerts_that_find_no_place(void **state)
{
	struct correlator_figures figures;
	struct stream s;
	char fields[1000];

	(void)state;
	stream_open(&s, CORRELATE("c", "event_count", "f", "10s", "User",
	    ", condition: {gte: 1}") NEXT DETECT("f", "fail"), NULL);
	for (int i = 0; i < 100; i++) {
		size_t at = (size_t)snprintf(fields, sizeof(fields),
		    "\"action\":\"fail\",\"User\":[");

		for (int k = 0; k < 60; k++)
			at += (size_t)snprintf(fields + at,
			    sizeof(fields) - at, "%s\"%d\"", k > 0 ? "," : "",
			    i * 60 + k);
		snprintf(fields + at, sizeof(fields) - at, "]");
		stream_add(&s, i * 0.01, fields);
	}
	stream_flush(&s);
	assert_int_equal(s.nalerts, BATCH_ALERTS);
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.waiting, 6000 - BATCH_ALERTS);
	stream_flush(&s);
	assert_int_equal(s.nalerts, 6000);
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.waiting, 0);
	assert_int_equal(figures.lost, 0);
	stream_close(&s);
}

static void
keeps_windows_of_rules_that_did_not_change(void **state)
{
	struct ruleset *old;
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3, NULL);
	stream_send(&s, 0, FAIL);
	stream_send(&s, 1, FAIL);
	old = s.set;
	s.set = stream_rules(DETECT("a", "first") NEXT COUNT3);
	ruleset_put(old);
	stream_send(&s, 2, FAIL);
	assert_string_equal(s.fired, "c@3! ");
	stream_close(&s);
}

static void
forgets_windows_of_rules_that_changed(void **state)
{
	struct ruleset *old;
	struct stream s;

	(void)state;
	stream_open(&s, COUNT3, NULL);
	stream_send(&s, 0, FAIL);
	stream_send(&s, 1, FAIL);
	old = s.set;
	s.set = stream_rules(CORRELATE("c", "event_count", "f", "11s", "User",
	    ", condition: {gte: 3}") NEXT DETECT("f", "fail"));
	ruleset_put(old);
	stream_send(&s, 2, FAIL);
	assert_string_equal(s.fired, "");
	stream_close(&s);
}

static void
goes_on_after_a_replay_without_raising_again(void **state)
{
	struct stream s, after;
	struct batch *batch;
	struct event *event;
	struct value id = value_text(SLICE("f"), TRANSFORM_OWNED);

	(void)state;
	stream_open(&s, COUNT3, NULL);
	stream_open(&after, COUNT3, NULL);
	batch = batch_new(7, 0);
	for (int i = 0; i < 3; i++) {
		stream_add(&s, i, FAIL);
		event = batch_add(batch, s.batch->events[i].raw,
		    SLICE("test"), 1);
		assert_true(shape_event(event));
	}
	stream_flush(&s);
	batch->phase = BATCH_PARSED;
	for (size_t i = 0; i < batch->n; i++)
		event_set_sealed(&batch->events[i], FIELD_YAGURA_HITS, id);
	batch->phase = BATCH_MATCHED;
	correlator_replay(after.correlator, after.set, batch);
	assert_int_equal(batch->nalerts, 0);
	assert_null(batch->notes);
	batch_put(batch);
	after.nbatches = 1;
	stream_send(&after, 3, FAIL);
	assert_string_equal(after.fired, "c@4 ");
	assert_string_equal(after.alerts, "");
	assert_string_equal(after.run_id, s.alert_id);
	assert_int_equal(after.run_count, 4);
	stream_close(&s);
	stream_close(&after);
}

static void
gives_up_the_least_valuable_groups(void **state)
{
	const struct correlator_limits limits = { .groups = 100 };
	struct correlator_figures figures;
	struct stream s;
	char fields[100];

	(void)state;
	stream_open(&s, COUNT3, &limits);
	for (int i = 0; i < 3; i++)
		stream_send(&s, 0.1 * i, FAIL);
	for (int i = 0; i < 5000; i++) {
		snprintf(fields, sizeof(fields),
		    "\"action\":\"fail\",\"User\":\"v%d\"", i);
		stream_add(&s, 1 + i * 0.001, fields);
	}
	stream_send(&s, 9, FAIL);	/* its run is still open */
	assert_string_equal(s.alerts, "c:3 yagura-detection-degraded:1 ");
	assert_int_equal(s.run_count, 4);
	correlator_figures(s.correlator, &figures);
	assert_true(figures.groups <= 100);
	assert_true(figures.evicted >= 4900);
	stream_close(&s);
}

static void
forgets_groups_whose_time_is_past(void **state)
{
	struct correlator_figures figures;
	struct stream s;
	char fields[100];

	(void)state;
	stream_open(&s, COUNT3, NULL);
	for (int i = 0; i < 20000; i++) {
		snprintf(fields, sizeof(fields),
		    "\"action\":\"fail\",\"User\":\"v%d\"", i);
		stream_add(&s, i * 0.1, fields);
	}
	stream_flush(&s);
	correlator_figures(s.correlator, &figures);
	/* 20 s of 10 a second, and what came since the clock last moved. */
	assert_true(figures.groups < 200 + 2048 + 50);
	assert_int_equal(figures.evicted, 0);
	stream_close(&s);
}

static void
is_not_silenced_by_one_clock_in_the_future(void **state)
{
	struct stream s;
	char fields[100];

	(void)state;
	stream_open(&s, COUNT3, NULL);
	stream_send(&s, 0, FAIL);
	for (int i = 0; i < 3000; i++) {
		bool ahead = i % 3 == 0;

		snprintf(fields, sizeof(fields),
		    "\"action\":\"fail\",\"User\":\"%s%d\"",
		    ahead ? "ahead" : "v", i);
		stream_add(&s, ahead ? 7200 : 0.001 * i, fields);
	}
	stream_send(&s, 5, FAIL);
	stream_send(&s, 6, FAIL);
	assert_string_equal(s.fired, "c@3! ");
	stream_close(&s);
}

static void
alerts_only_for_what_was_never_seen_before(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, DETECT("f", "out") "level: high\nyagura:\n"
	    "  suppress: none\n  first_seen: {fields: [source.ip, "
	    "destination.ip], memory: 1h, learn: 10s}\n", NULL);
	stream_send(&s, 0, "\"action\":\"out\",\"source.ip\":\"10.0.0.1\","
	    "\"destination.ip\":\"192.0.2.1\"");
	stream_send(&s, 9, "\"action\":\"out\",\"source.ip\":\"10.0.0.1\","
	    "\"destination.ip\":\"192.0.2.2\"");
	assert_string_equal(s.alerts, "");	/* still learning */
	stream_send(&s, 20, "\"action\":\"out\",\"source.ip\":\"10.0.0.1\","
	    "\"destination.ip\":\"192.0.2.2\"");
	assert_string_equal(s.alerts, "");	/* known */
	stream_send(&s, 30, "\"action\":\"out\",\"source.ip\":\"10.0.0.1\","
	    "\"destination.ip\":\"192.0.2.3\"");
	assert_string_equal(s.alerts, "f:1 ");
	stream_send(&s, 31, "\"action\":\"out\",\"source.ip\":\"10.0.0.1\","
	    "\"destination.ip\":\"192.0.2.3\"");
	assert_string_equal(s.alerts, "f:1 ");
	stream_close(&s);
}

static void
reaches_back_as_far_as_the_longest_chain(void **state)
{
	struct ruleset *set = stream_rules(CORRELATE("o", "temporal", "c, k",
	    "60s", "User", "") NEXT COUNT3 NEXT DETECT("k", "ok"));

	(void)state;
	assert_int_equal(ruleset_reach_ns(set), 70 * INT64_C(1000000000));
	ruleset_put(set);
}

static void
lists_the_first_and_last_of_very_many(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("c", "event_count", "f", "1h", "User",
	    ", condition: {gte: 3}") NEXT DETECT("f", "fail"), NULL);
	for (int i = 0; i < 12000; i++)
		stream_add(&s, i * 0.1, FAIL);
	stream_flush(&s);
	assert_string_equal(s.alerts, "c:3 ");
	assert_int_equal(s.run_count, 12000);
	stream_close(&s);
}

static void
counts_values_of_one_event_that_are_too_many(void **state)
{
	struct correlator_figures figures;
	char event[1024];
	struct stream s;
	int len;

	(void)state;
	stream_open(&s, CORRELATE("v", "value_count", "f", "1h", "User",
	    ", condition: {field: x, gte: 1000}") NEXT DETECT("f", "fail"),
	    NULL);
	stream_send(&s, 0, FAIL ",\"x\":[\"1\",\"2\"]");
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.entries_capped, 0);
	len = snprintf(event, sizeof(event), FAIL ",\"x\":[\"0\"");
	for (int i = 1; i < 100; i++)
		len += snprintf(event + len, sizeof(event) - (size_t)len,
		    ",\"%d\"", i);
	snprintf(event + len, sizeof(event) - (size_t)len, "]");
	stream_send(&s, 1, event);
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.entries_capped, 1);
	stream_close(&s);
}

/* --- speed ----------------------------------------------------------------- */
#define TRAVEL CORRELATE("v", "value_count", "f", "2h", "User", \
	", condition: {field: country, gte: 2}") \
	"yagura: {speed: {kmh: 900, least_km: 100}}\n" NEXT DETECT("f", "in")
#define AT(lat, lon) "\"action\":\"in\",\"User\":\"u\"," \
	"\"source.geo.location.lat\":" lat ",\"source.geo.location.lon\":" lon
#define TOKYO AT("35.68", "139.69")
#define YOKOHAMA AT("35.44", "139.64")
#define LONDON AT("51.51", "-0.13")
#define OSAKA AT("34.69", "135.50")

static void
tells_who_is_at_two_places_at_once(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, TRAVEL, NULL);
	stream_send(&s, 0, TOKYO);
	stream_send(&s, 60, YOKOHAMA);	/* 27 km: the same place */
	stream_send(&s, 1860, OSAKA);	/* 380 km in half an hour */
	assert_string_equal(s.alerts, "");
	stream_send(&s, 3600, LONDON);
	assert_string_equal(s.alerts, "v:2 ");
	stream_close(&s);
}

static void
asks_both_neighbours_of_a_late_place(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, TRAVEL, NULL);
	stream_send(&s, 0, TOKYO);
	stream_send(&s, 3000, TOKYO);
	stream_send(&s, 2000, LONDON);
	assert_string_equal(s.alerts, "v:2 ");
	stream_close(&s);
	/* Places alone at the same second, and none at all. */
	stream_open(&s, TRAVEL, NULL);
	stream_send(&s, 5, AT("\"?\"", "1"));
	stream_send(&s, 5, AT("91", "1"));
	stream_send(&s, 5, TOKYO);
	stream_send(&s, 5, LONDON);
	assert_string_equal(s.alerts, "v:2 ");
	stream_close(&s);
}

/* --- absent ---------------------------------------------------------------- */
#define ABSENT CORRELATE("m", "event_count", "f", "60s", "User", \
	", condition: {gte: 1}") "yagura: {absent: {rules: [k]}, text: " \
	"{en: '{User} alone[ on {host.name}]'}}\n" \
	NEXT DETECT("f", "fail") NEXT DETECT("k", "ok") NEXT DETECT("t", "tick")

/* Time passes for others. */
static void
tick(struct stream *s, double from, int n)
{
	for (int i = 0; i < n; i++)
		stream_add(s, from + i * 0.1, "\"action\":\"tick\"");
	stream_flush(s);
}

static void
tells_what_did_not_follow(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, ABSENT, NULL);
	stream_send(&s, 0, FAIL ",\"host.name\":\"h1\"");
	tick(&s, 30, 40);
	assert_string_equal(s.alerts, "");
	tick(&s, 60.1, 40);
	assert_string_equal(s.alerts, "m:1 ");
	assert_int_equal(ruleset_tally(s.set, 3).hits, 1);
	assert_non_null(strstr(s.last, "\"u alone on h1\""));
	assert_non_null(strstr(s.last, "12:00:00.000Z"));
	stream_close(&s);
}

static void
is_content_when_it_followed_even_late(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, ABSENT, NULL);
	stream_send(&s, 0, FAIL);
	stream_send(&s, 60, OK);
	/* In the wrong order of arrival, and at the same time. */
	stream_send(&s, 100, OK);
	stream_send(&s, 95, FAIL);
	stream_send(&s, 100, FAIL);
	tick(&s, 300, 40);
	assert_string_equal(s.alerts, "");
	/* Before is not after, and others do not answer. */
	stream_send(&s, 400, OK);
	stream_send(&s, 401, FAIL);
	stream_send(&s, 402, "\"action\":\"ok\",\"User\":\"v\"");
	tick(&s, 500, 40);
	assert_string_equal(s.alerts, "m:1 ");
	stream_close(&s);
}

static void
one_clock_ahead_does_not_decide_but_the_end_does(void **state)
{
	struct stream s;
	struct batch *batch;

	(void)state;
	stream_open(&s, ABSENT, NULL);
	stream_send(&s, 0, FAIL);
	tick(&s, 1, 40);
	stream_send(&s, 30000, "\"action\":\"tick\"");
	tick(&s, 5, 40);
	assert_string_equal(s.alerts, "");
	batch = batch_new(7, UINT64_C(1) << 20);
	correlator_end(s.correlator, batch);
	assert_int_equal(batch->nalerts, 1);
	batch_put(batch);
	stream_close(&s);
}

/* A batch without events that says what time it is. */
static void
say_time(struct stream *s, int64_t wall_ns)
{
	s->batch = batch_new(7, s->nbatches++ << 12);
	s->batch->received_ns = wall_ns;
	stream_flush(s);
}

static void
the_time_of_day_decides_for_quiet_streams(void **state)
{
	const struct correlator_limits limits = { .arrival_decides = true };
	struct correlator_figures figures;
	struct stream s;

	(void)state;
	stream_open(&s, ABSENT, &limits);
	stream_send(&s, 0, FAIL);
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.wall_due_ns, 1 + 120 * INT64_C(1000000000));
	say_time(&s, 1 + 120 * INT64_C(1000000000));
	assert_string_equal(s.alerts, "");
	say_time(&s, 2 + 120 * INT64_C(1000000000));
	assert_string_equal(s.alerts, "m:1 ");
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.wall_due_ns, INT64_MAX);
	stream_close(&s);
}

/* What lies far ahead by its own clock does not stand before the others. */
static void
the_time_of_day_decides_in_the_order_of_arrival(void **state)
{
	const struct correlator_limits limits = { .arrival_decides = true };
	struct stream s;

	(void)state;
	stream_open(&s, ABSENT, &limits);
	stream_send(&s, 30000, "\"action\":\"fail\",\"User\":\"ahead\"");
	stream_send(&s, 0, FAIL);
	say_time(&s, 1);
	assert_string_equal(s.alerts, "");
	say_time(&s, 2 + 120 * INT64_C(1000000000));
	assert_string_equal(s.alerts, "m:1 m:1 ");
	stream_close(&s);
}

/* Large events are refused long before there are many. */
static void
what_is_watched_for_takes_so_much_memory_at_most(void **state)
{
	enum { LARGE = 60000, SENT = 1500 };
	static char text[LARGE + 64];
	struct correlator_figures figures;
	struct stream s;

	(void)state;
	stream_open(&s, ABSENT, NULL);
	for (int i = 0; i < SENT; i++) {
		int n = snprintf(text, sizeof(text),
		    "\"action\":\"fail\",\"User\":\"u%d\",\"x\":\"", i);

		memset(text + n, 'x', LARGE);
		strcpy(text + n + LARGE, "\"");
		stream_send(&s, 0, text);
	}
	correlator_figures(s.correlator, &figures);
	assert_in_range(figures.watched, 500, SENT - 1);
	assert_int_equal(figures.evicted, SENT - figures.watched);
	assert_in_range(figures.bytes, ABSENT_BYTES,
	    ABSENT_BYTES + ABSENT_BYTES / 2);
	tick(&s, 61, 40);
	correlator_figures(s.correlator, &figures);
	assert_int_equal(figures.watched, 0);
	assert_in_range(figures.bytes, 0, ABSENT_BYTES / 2);
	stream_close(&s);
}

static void
an_absence_keeps_its_id_over_a_reload(void **state)
{
	struct stream a, b;
	struct ruleset *again;

	(void)state;
	stream_open(&a, ABSENT, NULL);
	stream_open(&b, ABSENT, NULL);
	stream_send(&a, 0, FAIL);
	stream_send(&b, 0, FAIL);
	/* One more rule before it: other numbers, the same meaning. */
	again = stream_rules(DETECT("a0", "other") NEXT ABSENT);
	ruleset_put(b.set);
	b.set = again;
	tick(&b, 1, 1);
	tick(&a, 1, 1);
	tick(&a, 90, 40);
	tick(&b, 90, 40);
	assert_string_equal(a.alerts, "m:1 ");
	assert_string_equal(b.alerts, "m:1 ");
	assert_string_equal(a.alert_id, b.alert_id);
	stream_close(&a);
	stream_close(&b);
}

static void
an_absence_is_found_again_by_a_replay(void **state)
{
	struct stream s, after;
	struct value id = value_text(SLICE("f"), TRANSFORM_OWNED);
	struct batch *batch = batch_new(7, 0);

	(void)state;
	stream_open(&s, ABSENT, NULL);
	stream_open(&after, ABSENT, NULL);
	stream_add(&s, 0, FAIL);
	assert_true(shape_event(batch_add(batch, s.batch->events[0].raw,
	    SLICE("test"), 1)));
	stream_flush(&s);
	batch->phase = BATCH_PARSED;
	event_set_sealed(&batch->events[0], FIELD_YAGURA_HITS, id);
	batch->phase = BATCH_MATCHED;
	correlator_replay(after.correlator, after.set, batch);
	assert_int_equal(batch->nalerts, 0);
	batch_put(batch);
	after.nbatches = 1;
	tick(&s, 90, 40);
	tick(&after, 90, 40);
	assert_string_equal(s.alerts, "m:1 ");
	assert_string_equal(after.alerts, "m:1 ");
	assert_string_equal(s.alert_id, after.alert_id);
	stream_close(&s);
	stream_close(&after);
}

static void
feeds_what_refers_to_an_absence(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("o", "temporal_ordered", "m, t", "60s",
	    "User", "") NEXT ABSENT, NULL);
	tick(&s, 0, 1);
	stream_send(&s, 0, FAIL);
	tick(&s, 61, 40);
	stream_send(&s, 65, "\"action\":\"tick\",\"User\":\"u\"");
	assert_string_equal(s.alerts, "o:2 ");
	stream_close(&s);
}

/* --- words ----------------------------------------------------------------- */
static void
says_what_an_earlier_event_had(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, CORRELATE("o", "temporal_ordered", "a, b", "60s",
	    "User", "") "yagura: {text: {en: 'hit by {rule.name}[ in "
	    "{file.path}] {last}'}}\n"
	    NEXT CORRELATE("a", "event_count", "f", "10s", "User",
	    ", condition: {gte: 1}") NEXT DETECT("f", "fail")
	    NEXT DETECT("b", "ok"), NULL);
	stream_send(&s, 0, FAIL ",\"rule.name\":\"worm\"");
	stream_send(&s, 1, OK);
	assert_non_null(strstr(s.last, "\"hit by worm -\""));
	/* Long ago is not this time. */
	stream_send(&s, 200, FAIL);
	stream_send(&s, 201, OK ",\"file.path\":\"/tmp/x\"");
	assert_non_null(strstr(s.last, "\"hit by - in /tmp/x -\""));
	stream_close(&s);
}

/* --- degraded -------------------------------------------------------------- */
static void
says_once_an_hour_that_it_gave_up_something(void **state)
{
	struct correlator_limits limits = { .groups = 4 };
	struct stream s;
	char fields[128];

	(void)state;
	stream_open(&s, COUNT3, &limits);
	for (int i = 0; i < 20; i++) {
		snprintf(fields, sizeof(fields),
		    "\"action\":\"fail\",\"User\":\"u%d\"", i);
		stream_send(&s, i, fields);
	}
	assert_string_equal(s.alerts, "yagura-detection-degraded:1 ");
	assert_non_null(strstr(s.last, "Detection is degraded: "));
	for (int i = 0; i < 20; i++) {
		snprintf(fields, sizeof(fields),
		    "\"action\":\"fail\",\"User\":\"v%d\"", i);
		stream_send(&s, 3700 + i, fields);
	}
	assert_int_equal(s.nalerts, 2);
	stream_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_values_of_one_event_that_are_too_many),
		cmocka_unit_test(tells_who_is_at_two_places_at_once),
		cmocka_unit_test(asks_both_neighbours_of_a_late_place),
		cmocka_unit_test(tells_what_did_not_follow),
		cmocka_unit_test(is_content_when_it_followed_even_late),
		cmocka_unit_test(
		    one_clock_ahead_does_not_decide_but_the_end_does),
		cmocka_unit_test(the_time_of_day_decides_for_quiet_streams),
		cmocka_unit_test(
		    the_time_of_day_decides_in_the_order_of_arrival),
		cmocka_unit_test(
		    what_is_watched_for_takes_so_much_memory_at_most),
		cmocka_unit_test(an_absence_keeps_its_id_over_a_reload),
		cmocka_unit_test(an_absence_is_found_again_by_a_replay),
		cmocka_unit_test(feeds_what_refers_to_an_absence),
		cmocka_unit_test(says_what_an_earlier_event_had),
		cmocka_unit_test(says_once_an_hour_that_it_gave_up_something),
		cmocka_unit_test(raises_once_per_run_and_notes_its_growth),
		cmocka_unit_test(notes_a_run_once_per_batch),
		cmocka_unit_test(begins_a_new_run_after_a_timespan_of_silence),
		cmocka_unit_test(keeps_the_run_over_a_short_pause),
		cmocka_unit_test(gives_the_same_whatever_the_batches),
		cmocka_unit_test(says_what_happened_in_the_alert),
		cmocka_unit_test(
		    does_not_take_the_reporting_device_for_the_host),
		cmocka_unit_test(gives_the_same_id_when_raised_again),
		cmocka_unit_test(carries_events_of_an_inner_correlation_along),
		cmocka_unit_test(leaves_unrelated_steps_out_of_a_sequence),
		cmocka_unit_test(counts_an_event_in_every_group_of_a_list),
		cmocka_unit_test(suppresses_by_key_and_says_how_often),
		cmocka_unit_test(holds_a_correlation_back_by_its_group),
		cmocka_unit_test(
		    does_not_alert_by_itself_when_silent_or_a_filter),
		cmocka_unit_test(never_loses_alerts_that_find_no_place),
		cmocka_unit_test(keeps_windows_of_rules_that_did_not_change),
		cmocka_unit_test(forgets_windows_of_rules_that_changed),
		cmocka_unit_test(goes_on_after_a_replay_without_raising_again),
		cmocka_unit_test(gives_up_the_least_valuable_groups),
		cmocka_unit_test(forgets_groups_whose_time_is_past),
		cmocka_unit_test(is_not_silenced_by_one_clock_in_the_future),
		cmocka_unit_test(alerts_only_for_what_was_never_seen_before),
		cmocka_unit_test(reaches_back_as_far_as_the_longest_chain),
		cmocka_unit_test(lists_the_first_and_last_of_very_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
