/* diag, log, metric: how the program speaks. */
#include "engine/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/clock.h"
#include "engine/log.h"
#include "engine/metric.h"
#include "engine/strbuf.h"

static void
findings_are_kept_in_order_and_bounded(void **state)
{
	struct diag *diag = diag_new();
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	diag_error(diag, "a.yml", 14, 7, "unknown modifier \"%s\"", "contain");
	diag_warning(diag, "b\x1b.yml", 2, 0, "odd");
	diag_error(diag, NULL, 0, 0, "no file");
	assert_int_equal(diag_errors(diag), 2);
	assert_int_equal(diag_count(diag), 3);
	diag_print(diag, out);
	fclose(out);
	assert_string_equal(text, "a.yml:14:7: unknown modifier \"contain\"\n"
	    "b\\x1b.yml:2: warning: odd\nno file\n");
	for (int i = 0; i < 12000; i++)
		diag_error(diag, "c.yml", i, 1, "again");
	assert_int_equal(diag_count(diag), 10000);
	assert_int_equal(diag_errors(diag), 12002);
	diag_free(diag);
}

static void
the_nearest_word_is_near(void **state)
{
	static const char *const words[] = { "contains", "startswith", "re" };

	(void)state;
	assert_string_equal(diag_nearest(SLICE("contain"), words, 3),
	    "contains");
	assert_string_equal(diag_nearest(SLICE("StartWith"), words, 3),
	    "startswith");
	assert_null(diag_nearest(SLICE("windash"), words, 3));
	assert_null(diag_nearest(SLICE("x"), words, 3));
	assert_int_equal(diag_distance(SLICE("kitten"), SLICE("sitting")), 3);
}

/* What was logged since the pipe was made. */
static size_t
logged(int fd, char *text, size_t bytes)
{
	ssize_t n = read(fd, text, bytes - 1);

	n = n < 0 ? 0 : n;
	text[n] = '\0';
	return (size_t)n;
}

static void
a_place_that_floods_is_held_back(void **state)
{
	char text[8192];
	int fds[2], lines = 0;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log_set_fd(fds[1]);
	setenv("JOURNAL_STREAM", "1:2", 1);
	metric_reset();
	for (int i = 0; i < 50; i++)
		log_warn("peer %s: \x1b[31m%d", "192.0.2.1", i);
	logged(fds[0], text, sizeof(text));
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 10);
	assert_int_equal(metric_get(METRIC_LOG_HELD), 40);
	assert_true(strncmp(text, "<4>peer 192.0.2.1: \\x1b[31m0\n", 29) ==
	    0);
	log_debug("not at this level");
	log_error("the last");
	logged(fds[0], text, sizeof(text));
	assert_string_equal(text, "<3>the last\n");
	log_set_fd(2);
	unsetenv("JOURNAL_STREAM");
	close(fds[0]);
	close(fds[1]);
}

static void *
count_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++)
		metric_add(METRIC_RECEIVED_UDP, 1);
	return NULL;
}

static void
counters_add_up_over_threads(void **state)
{
	pthread_t threads[4];
	struct strbuf buf = STRBUF_INIT;

	(void)state;
	metric_reset();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many,
		    NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	metric_add(METRIC_TAG_PARSE_PARTIAL, 2);
	metric_set(METRIC_CONNECTIONS, 3);
	metric_set(METRIC_CONNECTIONS, 2);
	assert_int_equal(metric_get(METRIC_RECEIVED_UDP), 40000);
	metric_write(&buf);
	assert_non_null(strstr(buf.ptr,
	    "# TYPE yagura_received_lines_total counter\n"
	    "yagura_received_lines_total{via=\"udp\"} 40000\n"
	    "yagura_received_lines_total{via=\"tcp\"} 0\n"));
	assert_non_null(strstr(buf.ptr,
	    "yagura_tagged_events_total{tag=\"parse_partial\"} 2\n"));
	assert_non_null(strstr(buf.ptr, "\nyagura_connections 2\n"));
	strbuf_fini(&buf);
}

static void
the_clock_can_be_fixed(void **state)
{
	int64_t mono = clock_mono_ns();

	(void)state;
	clock_fix_ns(5);
	assert_int_equal(clock_now_ns(), 5);
	assert_true(clock_mono_ns() >= mono);
	clock_fix_ns(0);
	assert_true(clock_now_ns() > INT64_C(1600000000000000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_are_kept_in_order_and_bounded),
		cmocka_unit_test(the_nearest_word_is_near),
		cmocka_unit_test(a_place_that_floods_is_held_back),
		cmocka_unit_test(counters_add_up_over_threads),
		cmocka_unit_test(the_clock_can_be_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
