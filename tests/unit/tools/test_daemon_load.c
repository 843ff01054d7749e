/* What the rows of `listen` and `sources` make of lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/batch.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "tools/daemon_load.h"

static const char text[] =
"timezone: Europe/Berlin\n"
"listen:\n"
"  - {udp: '127.0.0.1:5514', charset: ISO-8859-1}\n"
"  - {tcp: '127.0.0.1:5514', timezone: UTC}\n"
"parsers: []\n"
"rules: []\n"
"sources:\n"
"  - {address: 192.0.2.0/24, program: fortigate, parser: generic_kv,\n"
"     timezone: Asia/Tokyo}\n"
"  - {address: 192.0.2.7, port: 514, charset: Shift_JIS}\n"
"  - {address: '2001:db8::/32', trust_logsource: true}\n";

static struct conf *conf;
static struct loaded *loaded;

static int
begin(void **state)
{
	char path[] = "/tmp/yagura-test-XXXXXX.yaml";
	struct diag *diag = diag_new();
	int fd = mkstemps(path, 5);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	conf = conf_load(path, diag);
	unlink(path);
	assert_non_null(conf);
	loaded = loaded_new(conf, diag, diag, diag);
	diag_print(diag, stderr);
	assert_int_equal(diag_errors(diag), 0);
	diag_free(diag);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	loaded_put(loaded);
	conf_free(conf);
	return 0;
}

/* The options of a line that came by this input, from 1. */
static const struct parser_options *
options_of(uint16_t input, const char *peer, const char *line)
{
	struct batch *batch = batch_new(1, 1);
	struct event *event = batch_add(batch, slice_cstr(line),
	    slice_cstr(peer), 1);
	const struct parser_options *options;

	event->source = input;
	loaded_resolve(loaded, batch);
	assert_true(event->source < loaded->noptions);
	options = &loaded->options[event->source];
	batch_put(batch);
	return options;
}

static void
assert_text(struct slice actual, const char *wanted)
{
	assert_int_equal(actual.len, strlen(wanted));
	assert_memory_equal(actual.ptr, wanted, actual.len);
}

static void
a_source_wins_over_its_input_and_the_general(void **state)
{
	const struct parser_options *o;

	(void)state;
	o = options_of(1, "192.0.2.9:40000",
	    "<13>Nov 20 10:00:00 h fortigate: a=b");
	assert_text(o->def, "generic_kv");
	assert_text(o->zone, "Asia/Tokyo");
	assert_text(o->charset, "ISO-8859-1");
	assert_false(o->trust_logsource);
	o = options_of(2, "192.0.2.7:514", "<13>Nov 20 10:00:00 h other: a");
	assert_text(o->def, "");
	assert_text(o->zone, "UTC");
	assert_text(o->charset, "Shift_JIS");
}

static void
what_no_source_names_is_as_its_input(void **state)
{
	const struct parser_options *o;

	(void)state;
	o = options_of(1, "198.51.100.1:514", "x");
	assert_text(o->zone, "Europe/Berlin");
	assert_text(o->charset, "ISO-8859-1");
	o = options_of(2, "192.0.2.7:515", "x");
	assert_text(o->charset, "");
	o = options_of(0, "/var/log/file", "x");
	assert_text(o->zone, "Europe/Berlin");
}

/* One past the inputs, whatever a row of sources would say of the line. */
static void
what_the_service_says_itself_has_its_own_definition(void **state)
{
	(void)state;
	assert_text(options_of(3, "yagura", "{}")->def, "yagura_health");
	assert_text(options_of(3, "192.0.2.9:1",
	    "<13>Nov 20 10:00:00 h fortigate: a=b")->def, "yagura_health");
}

static void
addresses_may_be_ipv6(void **state)
{
	(void)state;
	assert_true(options_of(2, "[2001:db8::1]:514", "{}")->trust_logsource);
	assert_false(options_of(2, "[2001:db9::1]:514", "{}")
	    ->trust_logsource);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_wins_over_its_input_and_the_general),
		cmocka_unit_test(what_no_source_names_is_as_its_input),
		cmocka_unit_test(
		    what_the_service_says_itself_has_its_own_definition),
		cmocka_unit_test(addresses_may_be_ipv6),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
