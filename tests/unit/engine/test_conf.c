/* A configuration is read whole or refused with every mistake named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/conf.h"
#include "engine/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char	 path[64];
	struct diag *diag;
	struct conf *conf;
};

static void
write_file(struct folder *folder, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct conf *
load(struct folder *folder, const char *text)
{
	char path[128];

	write_file(folder, "yagura.yaml", text);
	snprintf(path, sizeof(path), "%s/yagura.yaml", folder->path);
	folder->conf = conf_load(path, folder->diag);
	return folder->conf;
}

static int
setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	snprintf(folder->path, sizeof(folder->path), "/tmp/yagura-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->diag = diag_new();
	*state = folder;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "yagura.yaml", "conf.d/10.yaml",
	    "conf.d/20.yaml", "conf.d" };
	struct folder *folder = *state;
	char path[128];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		remove(path);
	}
	rmdir(folder->path);
	conf_free(folder->conf);
	diag_free(folder->diag);
	free(folder);
	return 0;
}

static void
listens_on_loopback_when_nothing_is_said(void **state)
{
	struct folder *folder = *state;
	struct conf *conf = load(folder, "");

	assert_int_equal(diag_errors(folder->diag), 0);
	assert_int_equal(conf->nlisten, 3);
	assert_string_equal(conf->listen[0].kind, "udp");
	assert_string_equal(conf->listen[2].name, "127.0.0.1:6680");
	assert_string_equal(conf->data, "./yagura-data");
	assert_int_equal(conf->line_bytes, 65536);
	assert_int_equal(conf->workers, 1);
	assert_int_equal(conf->retention_ns, 0);
	assert_true(conf->shipped_rules);
}

static void
reads_every_section(void **state)
{
	struct folder *folder = *state;
	struct conf *conf = load(folder,
	    "data: data\n"
	    "listen:\n"
	    "  - udp: 127.0.0.1:5514\n"
	    "  - http: '[::1]:6680'\n"
	    "    trust_logsource: true\n"
	    "  - unix: log.sock\n"
	    "context:\n"
	    "  geoip: city.mmdb\n"
	    "  lists:\n"
	    "    - {name: tor, file: tor.csv, key: address}\n"
	    "sources:\n"
	    "  - {address: 10.0.0.0/8, program: fw, timezone: Asia/Tokyo}\n"
	    "outputs:\n"
	    "  - {file: alerts.ndjson, min_level: low}\n"
	    "  - {syslog: '127.0.0.1:514', tcp: true}\n"
	    "  - {command: [/bin/notify, --json], timeout: 5s}\n"
	    "limits: {line_bytes: 16K}\n"
	    "retention: {days: 400, bytes: 2G}\n");
	char path[128];

	diag_print(folder->diag, stderr);
	assert_int_equal(diag_errors(folder->diag), 0);
	snprintf(path, sizeof(path), "%s/data", folder->path);
	assert_string_equal(conf->data, path);
	assert_int_equal(conf->nlisten, 3);
	assert_true(conf->listen[1].trust_logsource);
	assert_int_equal(conf->listen[1].address.ss_family, AF_INET6);
	assert_int_equal(conf->ngeoip, 1);
	assert_int_equal(conf->nlists, 1);
	assert_string_equal(conf->lists[0].key, "address");
	assert_null(conf->lists[0].category);
	assert_int_equal(conf->nsources, 1);
	assert_int_equal(conf->noutputs, 3);
	assert_int_equal(conf->outputs[0].min_level, CONF_LOW);
	assert_true(conf->outputs[1].tcp);
	assert_string_equal(conf->outputs[2].argv[1], "--json");
	assert_int_equal(conf->line_bytes, 16384);
	assert_int_equal(conf->retention_ns / 86400, 400 * INT64_C(1000000000));
	assert_int_equal(conf->retention_bytes, INT64_C(2) << 30);
}

static void
names_all_mistakes_at_once(void **state)
{
	struct folder *folder = *state;

	load(folder,
	    "wokers: 2\n"
	    "listen:\n"
	    "  - udp: localhost:514\n"
	    "  - udpp: 127.0.0.1:514\n"
	    "limits: {line_bytes: 12, body_bytes: many}\n"
	    "retention: {days: soon}\n"
	    "outputs:\n"
	    "  - {file: a, min_level: hihg}\n"
	    "  - {command: [notify]}\n");
	assert_int_equal(diag_errors(folder->diag), 9);
	assert_int_equal(diag_at(folder->diag, 0)->line, 1);
	assert_string_equal(diag_at(folder->diag, 0)->text,
	    "unknown key \"wokers\" (workers?)");
	assert_non_null(strstr(diag_at(folder->diag, 2)->text, "(udp?)"));
}

static void
merges_the_folder_beside_it(void **state)
{
	struct folder *folder = *state;
	char path[128];
	struct conf *conf;

	snprintf(path, sizeof(path), "%s/conf.d", folder->path);
	mkdir(path, 0700);
	write_file(folder, "conf.d/10.yaml", "workers: 3\nrules: [a]\n");
	write_file(folder, "conf.d/20.yaml", "workers: 4\nrules: [b]\n");
	conf = load(folder, "workers: 2\nshipped_rules: false\nrules: c\n");
	assert_int_equal(diag_errors(folder->diag), 0);
	assert_int_equal(conf->workers, 4);
	assert_int_equal(conf->nrules, 3);
	assert_non_null(strstr(conf->rules[0], "/c"));
	assert_non_null(strstr(conf->rules[2], "/conf.d/b"));
}

static void
a_missing_file_is_a_mistake(void **state)
{
	struct folder *folder = *state;

	folder->conf = conf_load("/nonexistent/yagura.yaml", folder->diag);
	assert_int_equal(diag_errors(folder->diag), 1);
}

static void
takes_common_options_out_of_the_words(void **state)
{
	struct folder *folder = *state;
	char *argv[] = { (char[]){"search"}, (char[]){"--data=/x"},
	    (char[]){"-n"}, (char[]){"5"}, (char[]){"--"}, (char[]){"-c"},
	    NULL };
	int argc = 6;

	folder->conf = conf_for_command(&argc, argv, folder->diag);
	assert_non_null(folder->conf);
	assert_string_equal(folder->conf->data, "/x");
	assert_int_equal(argc, 5);
	assert_string_equal(argv[1], "-n");
	assert_string_equal(argv[4], "-c");
}

static void
reads_sizes_and_durations(void **state)
{
	int64_t n;

	(void)state;
	assert_true(conf_size(SLICE("64K"), &n) && n == 65536);
	assert_true(conf_size(SLICE("2MiB"), &n) && n == 2097152);
	assert_true(conf_size(SLICE("7"), &n) && n == 7);
	assert_false(conf_size(SLICE("K"), &n));
	assert_false(conf_size(SLICE("9999999999T"), &n));
	assert_false(conf_size(SLICE(""), &n));
	assert_true(conf_duration(SLICE("400d"), &n));
	assert_int_equal(n, 400 * INT64_C(86400000000000));
	assert_true(conf_duration(SLICE("20ms"), &n) && n == 20000000);
	assert_false(conf_duration(SLICE("d"), &n));
	assert_false(conf_duration(SLICE("999999999999d"), &n));
}

static void
refuses_addresses_that_are_none(void **state)
{
	struct sockaddr_storage address;
	socklen_t len;

	(void)state;
	assert_true(conf_address(SLICE("*:514"), &address, &len));
	assert_true(conf_address(SLICE("[::1]:1"), &address, &len));
	assert_false(conf_address(SLICE("::1:514"), &address, &len));
	assert_false(conf_address(SLICE("127.0.0.1"), &address, &len));
	assert_false(conf_address(SLICE("127.0.0.1:65536"), &address, &len));
	assert_false(conf_address(SLICE("256.0.0.1:1"), &address, &len));
	assert_false(conf_address(SLICE("[:1"), &address, &len));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(listens_on_loopback_when_nothing_is_said),
		TEST(reads_every_section),
		TEST(names_all_mistakes_at_once),
		TEST(merges_the_folder_beside_it),
		TEST(a_missing_file_is_a_mistake),
		TEST(takes_common_options_out_of_the_words),
		TEST(reads_sizes_and_durations),
		TEST(refuses_addresses_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
