/* What the service says about itself, and who it is that it follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/batch.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "tools/health.h"
#include "tools/health_source.h"

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1795132800) * SECOND)

static struct health *health;
static struct strbuf said;

static int
begin(void **state)
{
	(void)state;
	health = health_new(START, SLICE(""));
	strbuf_init(&said);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	health_free(health);
	strbuf_fini(&said);
	return 0;
}

static void
note(const char *peer, const char *parser, int n, int64_t at)
{
	struct batch *batch = batch_new(1, 0);

	for (int i = 0; i < n; i++) {
		struct event *event = batch_add(batch, SLICE("a line"),
		    slice_cstr(peer), at);

		if (parser != NULL)
			event_set(event, FIELD_YAGURA_PARSER, value_text(
			    slice_cstr(parser), TRANSFORM_OWNED));
		else
			event_tag(event, EVENT_TAG_UNPARSED);
		event_seal(event);
	}
	health_note(health, batch);
	batch_put(batch);
}

static void
keep(void *user, struct slice line)
{
	(void)user;
	strbuf_put(&said, line);
	strbuf_putc(&said, '\n');
}

static void
minute(int64_t at, const struct health_service *service)
{
	static const struct health_service none = { .full = false };

	strbuf_clear(&said);
	health_minute(health, at, service != NULL ? service : &none, keep,
	    NULL);
}

static bool
says(const char *text)
{
	return strstr(said.ptr, text) != NULL;
}

static int
lines(void)
{
	int n = 0;

	for (size_t i = 0; i < said.len; i++)
		n += said.ptr[i] == '\n';
	return n;
}

static void
a_sender_and_each_of_its_formats_have_a_line(void **state)
{
	(void)state;
	note("192.0.2.1:514", "linux_sshd", 3, START);
	note("192.0.2.1:9999", "linux_sudo", 2, START);
	note("[2001:db8::1]:514", "isc_bind", 1, START);
	note("192.0.2.1:514", NULL, 4, START);
	minute(START + HEALTH_MINUTE_NS, NULL);
	assert_int_equal(lines(), 6);
	assert_true(says("\"kind\":\"sender\",\"peer\":\"192.0.2.1\","
	    "\"events\":9,"));
	assert_true(says("\"unparsed\":4"));
	assert_true(says("\"kind\":\"source\",\"peer\":\"192.0.2.1\","
	    "\"events\":3,\"bytes\":18,"));
	assert_true(says("\"parser\":\"linux_sudo\""));
	assert_true(says("\"peer\":\"2001:db8::1\",\"events\":1"));
	assert_true(says("\"kind\":\"service\""));
}

static void
what_we_say_ourselves_is_no_source(void **state)
{
	(void)state;
	note("yagura", HEALTH_DEF, 3, START);
	minute(START + HEALTH_MINUTE_NS, NULL);
	assert_int_equal(lines(), 1);
}

static void
a_minute_is_due_once(void **state)
{
	(void)state;
	assert_false(health_due(health, START + 59 * SECOND));
	assert_true(health_due(health, START + 60 * SECOND));
	minute(START + 60 * SECOND, NULL);
	assert_false(health_due(health, START + 61 * SECOND));
	assert_true(health_due(health, START + 120 * SECOND));
}

static void
counters_are_told_as_what_was_added(void **state)
{
	struct health_service service = { .received = 100, .disk_free = 25,
	    .disk_size = 100 };

	(void)state;
	minute(START + HEALTH_MINUTE_NS, &service);
	assert_true(says("\"received\":0,"));
	service.received = 130;
	service.kernel_drops = 7;
	service.full = true;
	minute(START + 2 * HEALTH_MINUTE_NS, &service);
	assert_true(says("\"received\":30,"));
	assert_true(says("\"kernel_drops\":7,"));
	assert_true(says("\"disk_free_percent\":25.00"));
	assert_true(says("\"state\":\"full\""));
	assert_false(says("disk_days_left"));
}

static void
a_disk_that_fills_has_days_left(void **state)
{
	struct health_service service = { .disk_free = 144 * 1000,
	    .disk_size = 1000000 };

	(void)state;
	for (int i = 1; i <= 61; i++) {
		service.disk_used += 50;
		minute(START + i * HEALTH_MINUTE_NS, &service);
	}
	/* 3,000 bytes an hour, 144,000 free: two days. */
	assert_true(says("\"disk_days_left\":2.00"));
}

static void
newcomers_past_the_limit_are_counted(void **state)
{
	uint64_t rows, beyond;
	char peer[32];

	(void)state;
	for (int i = 0; i < HEALTH_SOURCES; i++) {
		snprintf(peer, sizeof(peer), "10.%d.%d.1:514", i / 250,
		    i % 250);
		note(peer, NULL, 1, START);
	}
	note("192.0.2.1:514", "linux_sshd", 5, START);
	health_rows(health, &rows, &beyond);
	assert_int_equal(rows, HEALTH_SOURCES);
	assert_int_equal(beyond, 5);
	minute(START + HEALTH_MINUTE_NS, NULL);
	assert_true(says("\"sources_beyond\":5"));
	/* Those seen in passing make room in time. */
	minute(START + 2 * HEALTH_HOUR_NS, NULL);
	note("192.0.2.1:514", "linux_sshd", 5, START + 2 * HEALTH_HOUR_NS);
	health_rows(health, &rows, &beyond);
	assert_int_equal(rows, HEALTH_SOURCES / 2 + 2);
	assert_int_equal(beyond, 5);
}

static void
a_restart_knows_the_sources(void **state)
{
	struct strbuf saved = STRBUF_INIT;

	(void)state;
	note("192.0.2.1:514", "linux_sshd", 3, START);
	minute(START + HEALTH_MINUTE_NS, NULL);
	assert_false(health_save(health, START + HEALTH_MINUTE_NS, &saved));
	assert_true(health_save(health, START + HEALTH_HOUR_NS, &saved));
	health_free(health);
	strbuf_puts(&saved, "no row\nnor\tthis\tone\n");
	health = health_new(START + 2 * HEALTH_HOUR_NS, strbuf_slice(&saved));
	minute(START + 3 * HEALTH_HOUR_NS, NULL);
	assert_int_equal(lines(), 3);
	assert_true(says("\"known_s\":10800,\"silence_s\":3600,"
	    "\"parser\":\"linux_sshd\""));
	strbuf_fini(&saved);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(a_sender_and_each_of_its_formats_have_a_line),
		T(what_we_say_ourselves_is_no_source),
		T(a_minute_is_due_once),
		T(counters_are_told_as_what_was_added),
		T(a_disk_that_fills_has_days_left),
		T(newcomers_past_the_limit_are_counted),
		T(a_restart_knows_the_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
