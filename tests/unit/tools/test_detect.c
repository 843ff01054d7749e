/* yagura detect as a person calls it: lines in, lines out, exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/cmd.h"

/* Stands in for the one of the program, which needs every command. */
int
cmd_usage(const char *name)
{
	assert_string_equal(name, "detect");
	return EXIT_USAGE;
}

static char folder[] = "/tmp/yagura-detect-XXXXXX";
static char out[1 << 20];

static const char rule[] =
    "title: f\nid: f\nlogsource: {product: test}\n"
    "detection: {s: {action: fail}, condition: s}\n"
    "---\ntitle: c\nid: c\nlevel: high\ncorrelation: {type: event_count, "
    "rules: [f], timespan: 10s, group-by: [User], generate: true, "
    "condition: {gte: 2}}\n";

static const char *
path(const char *name)
{
	static char text[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", folder, name);
	return text[turn];
}

static void
write_file(const char *name, const char *text, size_t len)
{
	FILE *file = fopen(path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static void
write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

/* Runs it with stdout in `out`; stderr goes to a file. */
static int
detect(const char *rules, const char *events, const char *more)
{
	char *argv[16] = { "detect", "-c", "", "--rules", "", };
	char conf[128], given[128], input[128], extra[128];
	int argc = 5, code, old[2];
	FILE *file;
	size_t n;

	snprintf(conf, sizeof(conf), "%s", path("conf.yaml"));
	snprintf(given, sizeof(given), "%s", path(rules));
	snprintf(input, sizeof(input), "%s", path(events));
	argv[2] = conf;
	argv[4] = given;
	snprintf(extra, sizeof(extra), "%s", more);
	for (char *p = strtok(extra, " "); p != NULL; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc++] = input;
	fflush(stdout);
	old[0] = dup(1);
	old[1] = dup(2);
	assert_non_null(freopen(path("out"), "w", stdout));
	assert_non_null(freopen(path("err"), "w", stderr));
	code = cmd_detect(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(old[0], 1);
	dup2(old[1], 2);
	close(old[0]);
	close(old[1]);
	file = fopen(path("out"), "r");
	assert_non_null(file);
	n = fread(out, 1, sizeof(out) - 1, file);
	out[n] = '\0';
	fclose(file);
	return code;
}

#define EVENT(second, rest) "{\"timestamp\":\"2026-03-01T12:00:0" second \
	"Z\",\"_logsource\":{\"product\":\"test\"}," rest "}"
#define FAIL(second) EVENT(second, "\"action\":\"fail\",\"User\":\"u\\n\"")

static void
prints_every_firing_in_the_order_of_lines(void **state)
{
	(void)state;
	write_text("r.yml", rule);
	write_text("e", FAIL("0") "\r\n\nnot json\n" FAIL("1") "\n" FAIL("2"));
	assert_int_equal(detect("r.yml", "e", ""), EXIT_DONE);
	assert_string_equal(out, "{\"event\":0,\"rule\":\"f\"}\n"
	    "{\"event\":3,\"rule\":\"f\"}\n"
	    "{\"event\":3,\"rule\":\"c\",\"group\":{\"User\":\"u\\n\"},"
	    "\"value\":2,\"edge\":true}\n"
	    "{\"event\":4,\"rule\":\"f\"}\n"
	    "{\"event\":4,\"rule\":\"c\",\"group\":{\"User\":\"u\\n\"},"
	    "\"value\":3,\"edge\":false}\n");
}

static void
numbers_lines_over_many_batches_and_reads(void **state)
{
	size_t room = 4 << 20, len = 0;
	char *text = malloc(room), wanted[128];

	(void)state;
	while (len + 200 < room)
		len += (size_t)sprintf(text + len, "%s\n", EVENT("0",
		    "\"action\":\"other\",\"pad\":\"0123456789\""));
	len += (size_t)sprintf(text + len, "%s\n", FAIL("1"));
	write_file("e", text, len);
	write_text("r.yml", rule);
	assert_int_equal(detect("r.yml", "e", ""), EXIT_DONE);
	snprintf(wanted, sizeof(wanted), "{\"event\":%zu,\"rule\":\"f\"}\n",
	    (len - strlen(FAIL("1")) - 1) / (strlen(EVENT("0",
	    "\"action\":\"other\",\"pad\":\"0123456789\"")) + 1));
	assert_string_equal(out, wanted);
	free(text);
}

static void
prints_only_edges_as_alerts(void **state)
{
	(void)state;
	write_text("r.yml", rule);
	write_text("e", FAIL("0") "\n" FAIL("1") "\n" FAIL("2") "\n");
	assert_int_equal(detect("r.yml", "e", "--format alerts"), EXIT_DONE);
	assert_non_null(strstr(out, "\"rule.id\":\"c\""));
	assert_non_null(strstr(out, "\"yagura.count\":2"));
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	assert_int_equal(detect("r.yml", "e", "--format runs"), EXIT_DONE);
	assert_non_null(strstr(out, "\"lines\":[0,1,2]"));
}

static void
goes_on_without_a_refused_detection_unless_strict(void **state)
{
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), "%s---\ntitle: bad\nlogsource: "
	    "{product: test}\ndetection: {s: {a|contain: b}, condition: s}\n",
	    rule);
	write_text("r.yml", text);
	write_text("e", FAIL("0") "\n");
	assert_int_equal(detect("r.yml", "e", ""), EXIT_DONE);
	assert_string_equal(out, "{\"event\":0,\"rule\":\"f\"}\n");
	assert_int_equal(detect("r.yml", "e", "--strict"), EXIT_CONFIG);
	assert_string_equal(out, "");
}

static void
does_not_run_a_set_with_a_refused_correlation(void **state)
{
	(void)state;
	write_text("r.yml", "title: f\nid: f\nlogsource: {product: test}\n"
	    "detection: {s: {action: fail}, condition: s}\n"
	    "---\ntitle: c\nid: c\ncorrelation: {type: event_count, "
	    "rules: [g], timespan: 10s, condition: {gte: 2}}\n");
	write_text("e", FAIL("0") "\n");
	assert_int_equal(detect("r.yml", "e", ""), EXIT_CONFIG);
	assert_string_equal(out, "");
}

static void
says_when_it_cannot_read_or_does_not_understand(void **state)
{
	(void)state;
	write_text("r.yml", rule);
	assert_int_equal(detect("r.yml", "nosuch", ""), EXIT_UNREACHABLE);
	write_text("e", "");
	assert_int_equal(detect("r.yml", "e", "--formt alerts"), EXIT_USAGE);
	assert_int_equal(detect("r.yml", "e", "--format alarms"), EXIT_USAGE);
	assert_int_equal(detect("r.yml", "e", "--now yesterday"), EXIT_USAGE);
	assert_int_equal(detect("r.yml", "e", ""), EXIT_DONE);
	assert_string_equal(out, "");
}

static void
takes_any_bytes(void **state)
{
	char bytes[20000];
	uint64_t random = 3;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		bytes[i] = (char)(random >> 40);
	}
	write_text("r.yml", rule);
	write_file("e", bytes, sizeof(bytes));
	assert_int_equal(detect("r.yml", "e", ""), EXIT_DONE);
	assert_string_equal(out, "");
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	write_text("conf.yaml", "data: ./data\n");
	return 0;
}

static int
tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_every_firing_in_the_order_of_lines),
		cmocka_unit_test(numbers_lines_over_many_batches_and_reads),
		cmocka_unit_test(prints_only_edges_as_alerts),
		cmocka_unit_test(
		    goes_on_without_a_refused_detection_unless_strict),
		cmocka_unit_test(
		    does_not_run_a_set_with_a_refused_correlation),
		cmocka_unit_test(
		    says_when_it_cannot_read_or_does_not_understand),
		cmocka_unit_test(takes_any_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
