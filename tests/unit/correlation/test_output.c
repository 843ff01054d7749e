/* Alerts reach their receivers; one that is away keeps nobody waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "correlation/output.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/log.h"
#include "engine/metric.h"
#include "engine/strbuf.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct desk {
	char	 folder[64];
	struct diag *diag;
	struct conf *conf;
	struct outputs *outputs;
	int	 fd;
	uint16_t port;
	uint64_t sent, failed;
};

static int
setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	snprintf(desk->folder, sizeof(desk->folder), "/tmp/yagura-XXXXXX");
	assert_non_null(mkdtemp(desk->folder));
	desk->diag = diag_new();
	desk->fd = -1;
	metric_reset();
	log_set_fd(open("/dev/null", O_WRONLY));
	*state = desk;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "y.yaml", "out", "copy", "run" };
	struct desk *desk = *state;
	char path[128];

	outputs_free(desk->outputs, 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", desk->folder, names[i]);
		remove(path);
	}
	rmdir(desk->folder);
	if (desk->fd >= 0)
		close(desk->fd);
	conf_free(desk->conf);
	diag_free(desk->diag);
	free(desk);
	return 0;
}

static void
begin(struct desk *desk, const char *outputs)
{
	struct err err = { 0 };
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/y.yaml", desk->folder);
	f = fopen(path, "w");
	fprintf(f, "outputs:\n%s", outputs);
	fclose(f);
	desk->conf = conf_load(path, desk->diag);
	diag_print(desk->diag, stderr);
	assert_int_equal(diag_errors(desk->diag), 0);
	desk->outputs = outputs_start(desk->conf, &err);
	assert_non_null(desk->outputs);
}

/* Pumps until so many were sent and failed, or ten seconds are over. */
static void
await(struct desk *desk, uint64_t sent, uint64_t failed)
{
	for (int i = 0; i < 1000; i++) {
		outputs_pump(desk->outputs);
		if (metric_get(METRIC_OUTPUTS_SENT) == sent &&
		    metric_get(METRIC_OUTPUTS_FAILED) == failed)
			return;
		poll(NULL, 0, 10);
	}
	assert_int_equal(metric_get(METRIC_OUTPUTS_SENT), sent);
	assert_int_equal(metric_get(METRIC_OUTPUTS_FAILED), failed);
}

static void
assert_file(struct desk *desk, const char *name, const char *want)
{
	char path[128], text[4096] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", desk->folder, name);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(text, want);
}

static void
a_file_gets_one_line_for_each_alert(void **state)
{
	struct desk *desk = *state;

	begin(desk, "  - {file: out, min_level: medium}\n");
	outputs_send(desk->outputs, SLICE("{\"n\":1}"), CONF_HIGH, 0);
	outputs_send(desk->outputs, SLICE("{\"n\":2}"), CONF_LOW, 0);
	outputs_send(desk->outputs, SLICE("{\"n\":3}"), CONF_MEDIUM, 0);
	await(desk, 2, 0);
	assert_file(desk, "out", "{\"n\":1}\n{\"n\":3}\n");
}

static int
receiver(struct desk *desk, int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	desk->port = ntohs(at.sin_port);
	return fd;
}

static void
assert_message(const char *text)
{
	assert_non_null(strstr(text, "<107>1 2026-11-21T10:00:00.000000Z "));
	assert_non_null(strstr(text, " yagura "));
	assert_non_null(strstr(text, " alert - {\"n\":1}"));
}

#define TEN_O_CLOCK (INT64_C(1795255200) * 1000000000)

static void
syslog_over_udp_is_rfc_5424(void **state)
{
	struct desk *desk = *state;
	char text[512], line[64];
	ssize_t n;

	desk->fd = receiver(desk, SOCK_DGRAM);
	snprintf(line, sizeof(line), "  - {syslog: '127.0.0.1:%u'}\n",
	    desk->port);
	begin(desk, line);
	outputs_send(desk->outputs, SLICE("{\"n\":1}"), CONF_HIGH,
	    TEN_O_CLOCK);
	await(desk, 1, 0);
	n = recv(desk->fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_message(text);
}

static void
syslog_over_tcp_waits_for_its_receiver(void **state)
{
	struct desk *desk = *state;
	char text[512], line[64];
	ssize_t n;
	int fd;

	desk->fd = receiver(desk, SOCK_STREAM);
	snprintf(line, sizeof(line), "  - {syslog: '127.0.0.1:%u', tcp: true}"
	    "\n  - {file: out}\n", desk->port);
	begin(desk, line);
	/* Nobody listens yet: refused, tried again; the file goes on. */
	outputs_send(desk->outputs, SLICE("{\"n\":1}"), CONF_HIGH,
	    TEN_O_CLOCK);
	for (int i = 0; i < 50; i++) {
		outputs_pump(desk->outputs);
		poll(NULL, 0, 10);
	}
	assert_file(desk, "out", "{\"n\":1}\n");
	assert_int_equal(metric_get(METRIC_OUTPUTS_SENT), 0);
	assert_int_equal(listen(desk->fd, 1), 0);
	await(desk, 2, 0);
	fd = accept(desk->fd, NULL, NULL);
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(atoi(text), strlen(strchr(text, ' ') + 1));
	assert_message(text);
	close(fd);
}

static void
write_program(struct desk *desk, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/run", desk->folder);
	f = fopen(path, "w");
	fprintf(f, "#!/bin/sh\n%s", text);
	fclose(f);
	chmod(path, 0700);
}

static void
a_command_reads_the_alert_and_gets_its_words(void **state)
{
	struct desk *desk = *state;
	char line[256];

	write_program(desk, "{ echo \"$1\"; cat; } > \"$2\"\n");
	snprintf(line, sizeof(line), "  - {command: [%s/run, 'a $(id) b', "
	    "%s/copy]}\n", desk->folder, desk->folder);
	begin(desk, line);
	outputs_send(desk->outputs, SLICE("{\"n\":1}"), CONF_HIGH, 0);
	await(desk, 1, 0);
	assert_file(desk, "copy", "a $(id) b\n{\"n\":1}\n");
}

static void
a_command_that_says_75_is_run_again(void **state)
{
	struct desk *desk = *state;
	char line[256];

	write_program(desk, "test -e \"$1\" || { : > \"$1\"; exit 75; }\n"
	    "exit 3\n");
	snprintf(line, sizeof(line), "  - {command: [%s/run, %s/copy]}\n",
	    desk->folder, desk->folder);
	begin(desk, line);
	outputs_send(desk->outputs, SLICE("{\"n\":1}"), CONF_HIGH, 0);
	await(desk, 0, 1);	/* again after a second, then given up */
	assert_file(desk, "copy", "");
}

/* The supervisor ignores the signals that are for the daemon. */
static void
a_command_can_be_ended_by_a_signal(void **state)
{
	struct desk *desk = *state;
	char line[256];

	write_program(desk, "kill -TERM $$\n: > \"$1\"\n");
	snprintf(line, sizeof(line), "  - {command: [%s/run, %s/copy]}\n",
	    desk->folder, desk->folder);
	begin(desk, line);
	outputs_send(desk->outputs, SLICE("{\"n\":1}"), CONF_HIGH, 0);
	await(desk, 0, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_gets_one_line_for_each_alert),
		TEST(syslog_over_udp_is_rfc_5424),
		TEST(syslog_over_tcp_waits_for_its_receiver),
		TEST(a_command_reads_the_alert_and_gets_its_words),
		TEST(a_command_that_says_75_is_run_again),
		TEST(a_command_can_be_ended_by_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
