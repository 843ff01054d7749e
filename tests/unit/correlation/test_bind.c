/* Joins where the key changes: leases, address translation, tunnels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "correlation/bind.h"
#include "correlation/state.h"
#include "correlation/window_pool.h"
#include "stream.h"

/* Two alarms on one device, whatever address it has, within an hour. */
#define LEASES \
	DETECT("ack", "ack") "level: informational\n" NEXT \
	DETECT("release", "release") "level: informational\n" NEXT \
	DETECT("alarm", "alarm") "level: informational\n" NEXT \
	CORRELATE("device", "event_count", "alarm", "1h", "host.name", \
	    ", condition: {gte: 2}") \
	"yagura:\n  bind:\n    host.name: {rules: [ack], until: [release], " \
	"from: client.ip, to: client.name, read: source.ip, lease: ttl, " \
	"for: 30m}\n"
#define ACK(ip, name) "\"action\":\"ack\",\"client.ip\":\"" ip \
	"\",\"client.name\":\"" name "\""
#define RELEASE(ip) "\"action\":\"release\",\"client.ip\":\"" ip "\""
#define ALARM(ip) "\"action\":\"alarm\",\"source.ip\":\"" ip "\""

static void
joins_a_device_over_a_change_of_address(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, LEASES, NULL);
	stream_send(&s, 0, ACK("192.0.2.1", "pc1"));
	stream_send(&s, 10, ALARM("192.0.2.1"));
	stream_send(&s, 20, ACK("192.0.2.2", "pc1"));
	stream_send(&s, 25, ACK("192.0.2.1", "pc2"));
	stream_send(&s, 30, ALARM("192.0.2.1"));
	assert_string_equal(s.alerts, "");
	stream_send(&s, 40, ALARM("192.0.2.2"));
	assert_string_equal(s.alerts, "device:2 ");
	assert_non_null(strstr(s.last, "\"host.name=pc1\""));
	stream_close(&s);
}

static void
asks_what_held_when_a_late_event_happened(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, LEASES, NULL);
	stream_send(&s, 0, ACK("192.0.2.1", "pc1"));
	stream_send(&s, 100, ACK("192.0.2.1", "pc2"));
	stream_send(&s, 110, ALARM("192.0.2.1"));
	stream_send(&s, 50, ALARM("192.0.2.1"));
	assert_string_equal(s.alerts, "");
	stream_send(&s, 60, ALARM("192.0.2.1"));
	assert_string_equal(s.alerts, "device:2 ");
	assert_non_null(strstr(s.last, "\"host.name=pc1\""));
	stream_close(&s);
}

/* Nothing bound: the event's own value counts; without one it has no part. */
static void
ends_with_the_lease_or_the_release(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, LEASES, NULL);
	stream_send(&s, 0, ACK("192.0.2.1", "pc1") ",\"ttl\":60");
	stream_send(&s, 10, ALARM("192.0.2.1"));
	stream_send(&s, 61, ALARM("192.0.2.1"));
	assert_string_equal(s.alerts, "");
	stream_send(&s, 62, ALARM("192.0.2.1") ",\"host.name\":\"pc1\"");
	assert_string_equal(s.alerts, "device:2 ");
	stream_send(&s, 5000, ACK("192.0.2.7", "pc7"));
	stream_send(&s, 5001, ALARM("192.0.2.7"));
	stream_send(&s, 5002, RELEASE("192.0.2.7"));
	stream_send(&s, 5003, ALARM("192.0.2.7"));
	assert_string_equal(s.alerts, "device:2 ");
	/* ... and 30 minutes after the last word at the latest. */
	stream_send(&s, 10000, ACK("192.0.2.8", "pc8"));
	stream_send(&s, 10001, ALARM("192.0.2.8"));
	stream_send(&s, 11801, ALARM("192.0.2.8"));
	assert_string_equal(s.alerts, "device:2 ");
	stream_send(&s, 11700, ALARM("192.0.2.8"));
	assert_string_equal(s.alerts, "device:2 device:2 ");
	stream_close(&s);
}

/* Outside, a sensor sees the firewall's address and port. */
static const char translated[] =
    DETECT("nat", "nat") "level: informational\n" NEXT
    DETECT("hit", "hit") "level: informational\n" NEXT
    DETECT("proxy", "proxy") "level: informational\n" NEXT
    CORRELATE("both", "temporal", "hit, proxy", "10m", "source.ip", "")
    "yagura: {bind: {source.ip: {rules: [nat], from: [out.ip, out.port], "
    "to: in.ip, read: [source.ip, source.port], for: 5m}}}\n";

static void
looks_through_address_translation_by_address_and_port(void **state)
{
	struct stream s;

	(void)state;
	stream_open(&s, translated, NULL);
	stream_send(&s, 0, "\"action\":\"nat\",\"out.ip\":\"203.0.113.1\","
	    "\"out.port\":5001,\"in.ip\":\"10.0.0.5\"");
	stream_send(&s, 0, "\"action\":\"nat\",\"out.ip\":\"203.0.113.1\","
	    "\"out.port\":5002,\"in.ip\":\"10.0.0.6\"");
	stream_send(&s, 1, "\"action\":\"proxy\",\"source.ip\":\"10.0.0.5\"");
	stream_send(&s, 2, "\"action\":\"hit\",\"source.port\":5002,"
	    "\"source.ip\":\"203.0.113.1\"");
	assert_string_equal(s.alerts, "");
	stream_send(&s, 3, "\"action\":\"hit\",\"source.port\":5001,"
	    "\"source.ip\":\"203.0.113.1\"");
	assert_string_equal(s.alerts, "both:2 ");
	assert_non_null(strstr(s.last, "\"source.ip=10.0.0.5\""));
	stream_close(&s);
}

static bool
says(const char *bind, const char *finding)
{
	struct diag *diag = diag_new();
	char text[2048];
	struct ruleset *set;
	bool found = false;

	snprintf(text, sizeof(text), "%s%s%s\n", DETECT("d", "d") NEXT
	    CORRELATE("c", "event_count", "d", "1h", "user",
	    ", condition: {gte: 2}") NEXT
	    CORRELATE("b", "event_count", "d", "1h", "user",
	    ", condition: {gte: 2}"), "yagura: ", bind);
	set = ruleset_parse(slice_cstr(text), "rules", diag);
	for (size_t i = 0; i < diag_count(diag); i++)
		found = found || strstr(diag_at(diag, i)->text, finding) !=
		    NULL;
	if (!found)
		diag_print(diag, stderr);
	ruleset_put(set);
	diag_free(diag);
	return found;
}

static void
refuses_by_name_what_it_cannot_bind(void **state)
{
	(void)state;
	assert_true(says("{bind: [x]}", "bind has 1 to 8 group-by names"));
	assert_true(says("{bind: {host: {rules: [d], from: a, to: b}}}",
	    "does not group by"));
	assert_true(says("{bind: {user: {from: a, to: b}}}",
	    "what is bound is said by"));
	assert_true(says("{bind: {user: {rules: [nope], from: a, to: b}}}",
	    "no rule with the name or id \"nope\""));
	assert_true(says("{bind: {user: {rules: [c], from: a, to: b}}}",
	    "only matches of detections bind"));
	assert_true(says("{bind: {user: {rules: [d], from: [a, e], to: b, "
	    "read: x}}}", "as many fields"));
	assert_true(says("{bind: {user: {rules: [d], from: a, to: b, for: 3}}}",
	    "no timespan"));
	assert_true(says("{bind: {user: {rules: [d], from: a, too: b, to: b}}}",
	    "unknown key of bind \"too\""));
}

/* --- the table -------------------------------------------------------------- */
static bool
is(const struct binds *binds, const char *key, int64_t time_ns,
    const char *value)
{
	return slice_eq(binds_find(binds, slice_cstr(key), time_ns),
	    slice_cstr(value));
}

static void
keeps_the_last_bindings_of_a_key_only(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct binds *binds = binds_new(pool, 1, 100);
	char name[16];

	(void)state;
	for (int i = 1; i <= BIND_HISTORY + 2; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		binds_learn(binds, SLICE("k"), slice_cstr(name), i * 10,
		    i * 10 + 5);
	}
	assert_true(is(binds, "k", 25, ""));
	assert_true(is(binds, "k", 30, "v3"));
	assert_true(is(binds, "k", 36, ""));
	assert_true(is(binds, "k", 105, "v10"));
	assert_true(is(binds, "other", 105, ""));
	/* The same again is no new one. */
	binds_learn(binds, SLICE("k"), SLICE("v10"), 104, 120);
	assert_true(is(binds, "k", 30, "v3"));
	assert_true(is(binds, "k", 120, "v10"));
	binds_free(binds);
	assert_int_equal(window_pool_used(pool), 0);
	window_pool_free(pool);
}

static void
forgets_what_ended_long_ago_and_what_is_too_much(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct binds *binds = binds_new(pool, 1, 100);
	char key[32];

	(void)state;
	for (int i = 0; i < BIND_KEYS + 10; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		binds_learn(binds, slice_cstr(key), SLICE("v"), i, i + 50);
	}
	assert_int_equal(binds_count(binds), BIND_KEYS);
	assert_int_equal(binds_forgotten(binds), 10);
	assert_true(is(binds, "k9", 9, ""));
	assert_true(is(binds, "k10", 10, "v"));
	binds_pass(binds, 10 + 50 + 100);
	assert_int_equal(binds_count(binds), BIND_KEYS);
	binds_pass(binds, 11 + 50 + 100);
	assert_int_equal(binds_count(binds), BIND_KEYS - 1);
	binds_free(binds);
	assert_int_equal(window_pool_used(pool), 0);
	window_pool_free(pool);
}

static void
comes_back_from_its_bytes(void **state)
{
	struct window_pool *pool = window_pool_new();
	struct binds *a = binds_new(pool, 1, 100), *b = binds_new(pool, 2,
	    100);
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	struct reader r;

	(void)state;
	binds_learn(a, SLICE("k"), SLICE("v1"), 10, 50);
	binds_learn(a, SLICE("k"), SLICE("v2"), 30, 90);
	binds_learn(a, SLICE("l"), SLICE("w"), 20, 90);
	binds_end(a, SLICE("l"), 40);
	binds_save(a, &first);
	r = reader_of(strbuf_slice(&first));
	binds_load(b, &r);
	assert_false(r.bad);
	assert_true(r.at == r.end);
	binds_save(b, &second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.ptr, second.ptr, first.len);
	assert_true(is(b, "k", 29, "v1") && is(b, "k", 30, "v2") &&
	    is(b, "l", 40, "w") && is(b, "l", 41, ""));
	binds_free(a);
	binds_free(b);
	strbuf_fini(&first);
	strbuf_fini(&second);
	window_pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_a_device_over_a_change_of_address),
		cmocka_unit_test(asks_what_held_when_a_late_event_happened),
		cmocka_unit_test(ends_with_the_lease_or_the_release),
		cmocka_unit_test(
		    looks_through_address_translation_by_address_and_port),
		cmocka_unit_test(refuses_by_name_what_it_cannot_bind),
		cmocka_unit_test(keeps_the_last_bindings_of_a_key_only),
		cmocka_unit_test(
		    forgets_what_ended_long_ago_and_what_is_too_much),
		cmocka_unit_test(comes_back_from_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
