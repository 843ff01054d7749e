/* Records of many lines: what belongs together, when it ends, what it says. */
#include "tests/unit/parsers/lane.h"

#include "engine/check.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "parsers/join.h"
#include "parsers/join_make.h"

#define S INT64_C(1000000000)

static const char definitions[] =
"name: t_audit\n"
"match: {starts: ['type=']}\n"
"decode: regex\n"
"patterns: ['^type=(?<type>\\S+) n=(?<node>\\S+) t=(?<t>\\S+) "
"s=(?<serial>\\S+) ?(?<rest>.*)$']\n"
"prefix: \"\"\n"
"time: [{keys: [t], format: epoch}]\n"
"logsource: {product: linux, service: auditd}\n"
"keys:\n"
"  type: a.type\n"
"  node: host.name\n"
"  serial: a.serial\n"
"  rest: {decode: kv, prefix: a.d}\n"
"  a.d.exe: process.executable\n"
"  a.d.title: process.title\n"
"  a.d.path: file.path\n"
"join:\n"
"  by: [host.name, '@timestamp', a.serial]\n"
"  part: a.type\n"
"  ends: [EOE]\n"
"  collect: [a.type, file.path]\n"
"  make:\n"
"    - {to: process.args, numbered: a.d.a, of: EXECVE}\n"
"    - {to: process.command_line, words: process.args}\n"
"    - {to: process.command_line, hex: process.title, of: TITLE}\n"
"    - {to: destination, sockaddr: a.d.saddr}\n"
"  then:\n"
"    dataset: t.joined\n"
"    when:\n"
"      - if: {a.type: EXECVE}\n"
"        logsource: {category: process_creation, service: ''}\n"
"        set: {event.action: executed}\n"
"---\n"
"name: t_java\n"
"match: {contains: ['|JAVA|']}\n"
"templates: ['{event.severity:int}|JAVA|{message:rest}']\n"
"join:\n"
"  continues: [\"\\t\", '    ', 'Caused by: ']\n"
"  text: error.stack_trace\n"
"  then: {set: {event.action: trace}}\n"
"---\n"
"name: t_starts\n"
"match: {contains: ['#BEGIN']}\n"
"templates: ['{x}#BEGIN{y:rest}']\n"
"join:\n"
"  starts: {regex: '^\\d+#BEGIN'}\n";

static struct joiner *joiner;
static uint64_t number;

static void
next_batch(void)
{
	batch_put(batch);
	batch = batch_new(1, ++number << 12);
	batch->received_ns = batch->formed_ns = 1000 * S;
}

static int
setup(void **state)
{
	(void)state;
	lane_begin(definitions);
	joiner = joiner_new();
	number = 0;
	next_batch();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	joiner_free(joiner);
	lane_end();
	return 0;
}

static void
say(const char *peer, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(const char *peer, const char *fmt, ...)
{
	const struct parser_options options = { .ndjson = false };
	char line[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	lane_run(lane, &options, peer, slice_cstr(line));
}

/* Runs the batch and answers how many records ended. */
static size_t
run(void)
{
	joiner_run(joiner, set, batch);
	for (size_t i = 0; i < batch->njoined; i++)
		event_seal(batch->alerts[i]);
	return batch->njoined;
}

/* The joiner's records when the stream ends here. */
static size_t
run_last(void)
{
	batch->last = true;
	return run();
}

static size_t
open_now(void)
{
	struct joiner_figures figures;

	joiner_figures(joiner, &figures);
	return figures.open;
}

static const char *
joined(size_t i, const char *name)
{
	assert_true(i < batch->njoined);
	return field(batch->alerts[i], name);
}

/* --- by values -------------------------------------------------------- */

static void
lines_of_one_number_make_one_record(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800.5 s=7 exe=/bin/id pid=9");
	say("p", "type=PATH n=a t=1795168800.5 s=7 path=/x");
	say("p", "type=PATH n=a t=1795168800.5 s=7 path=/y");
	say("p", "type=EOE n=a t=1795168800.5 s=7");
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "process.executable"), "/bin/id");
	assert_string_equal(joined(0, "file.path"), "/x|/y");
	assert_string_equal(joined(0, "a.type"), "SYSCALL|PATH|EOE");
	assert_string_equal(joined(0, "event.dataset"), "t.joined");
	assert_string_equal(joined(0, "a.d.pid"), "9");
	assert_string_equal(joined(0, "tags"), "");
	assert_int_equal(open_now(), 0);
}

static void
the_record_names_its_lines_and_holds_them(void **state)
{
	char first[EVENT_ID_BYTES], ids[2 * EVENT_ID_BYTES];

	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800.5 s=7 exe=/bin/id");
	say("p", "type=EOE n=a t=1795168800.5 s=7");
	assert_int_equal(run(), 1);
	event_id(&batch->events[0], first);
	event_id(&batch->events[1], ids + EVENT_ID_BYTES);
	memcpy(ids, first, EVENT_ID_BYTES - 1);
	ids[EVENT_ID_BYTES - 1] = '|';
	assert_string_equal(joined(0, "yagura.joined"), ids);
	assert_true(slice_eq(batch->alerts[0]->raw, SLICE(
	    "type=SYSCALL n=a t=1795168800.5 s=7 exe=/bin/id\n"
	    "type=EOE n=a t=1795168800.5 s=7")));
	assert_int_equal(batch->alerts[0]->time_ns, 1795168800500000000);
	assert_true(batch->alerts[0]->seq > batch->events[1].seq);
}

static void
numbers_that_interleave_stay_apart(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800.5 s=7 exe=/bin/seven");
	say("p", "type=SYSCALL n=a t=1795168800.5 s=8 exe=/bin/eight");
	say("p", "type=PATH n=a t=1795168800.5 s=8 path=/8");
	say("p", "type=PATH n=a t=1795168800.5 s=7 path=/7");
	say("p", "type=EOE n=a t=1795168800.5 s=8");
	say("p", "type=EOE n=a t=1795168800.5 s=7");
	assert_int_equal(run(), 2);
	assert_string_equal(joined(0, "process.executable"), "/bin/eight");
	assert_string_equal(joined(0, "file.path"), "/8");
	assert_string_equal(joined(1, "process.executable"), "/bin/seven");
	assert_string_equal(joined(1, "file.path"), "/7");
}

static void
nodes_and_peers_and_times_of_the_same_number_stay_apart(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800.5 s=7 exe=/a");
	say("p", "type=SYSCALL n=b t=1795168800.5 s=7 exe=/b");
	say("q", "type=SYSCALL n=a t=1795168800.5 s=7 exe=/c");
	say("p", "type=SYSCALL n=a t=1795168800.6 s=7 exe=/d");
	say("p", "type=PATH n=a t=1795168800.5 s=7 path=/a");
	say("p", "type=PATH n=b t=1795168800.5 s=7 path=/b");
	say("q", "type=PATH n=a t=1795168800.5 s=7 path=/c");
	say("p", "type=PATH n=a t=1795168800.6 s=7 path=/d");
	assert_int_equal(run_last(), 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(joined(i, "process.executable"),
		    joined(i, "file.path"));
}

static void
a_record_goes_on_in_later_batches(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800.5 s=7 exe=/bin/id");
	assert_int_equal(run(), 0);
	assert_int_equal(open_now(), 1);
	next_batch();
	say("p", "type=PATH n=a t=1795168800.5 s=7 path=/x");
	assert_int_equal(run(), 0);
	next_batch();
	say("p", "type=EOE n=a t=1795168800.5 s=7");
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "process.executable"), "/bin/id");
	assert_string_equal(joined(0, "file.path"), "/x");
}

static void
records_that_ended_leave_nothing_to_those_that_follow(void **state)
{
	(void)state;
	for (int round = 0; round < 4; round++) {
		int n = 4 - round;

		for (int i = 0; i < n; i++)
			say("p", "type=SYSCALL n=a t=1795168800 s=%d exe=/%d "
			    "r%d=1", i, i, round);
		for (int i = 0; i < n; i++)
			say("p", "type=EOE n=a t=1795168800 s=%d", i);
		assert_int_equal(run(), n);
		assert_int_equal(open_now(), 0);
		for (int i = 0; i < n; i++) {
			assert_string_equal(joined((size_t)i, "a.d.r0"),
			    round == 0 ? "1" : "");
			assert_int_equal(joined((size_t)i,
			    "process.executable")[1], '0' + i);
		}
		next_batch();
	}
}

static void
a_line_alone_makes_no_record(void **state)
{
	(void)state;
	say("p", "type=USER n=a t=1795168800.5 s=7 exe=/bin/id");
	say("p", "type=EOE n=a t=1795168800.5 s=8");
	say("p", "no line of any definition");
	assert_int_equal(run_last(), 0);
	assert_int_equal(open_now(), 0);
}

static void
the_time_of_a_later_line_ends_a_record(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/id");
	say("p", "type=PATH n=a t=1795168800 s=7 path=/x");
	say("q", "type=USER n=a t=1795168890 s=1 x=y");
	say("p", "type=USER n=a t=1795168802 s=8 x=y");
	assert_int_equal(run(), 0);
	next_batch();
	say("p", "type=USER n=a t=1795168803 s=9 x=y");
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "file.path"), "/x");
	assert_string_equal(joined(0, "tags"), "");
}

static void
the_clock_ends_a_record_in_a_batch_without_lines(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/id");
	say("p", "type=PATH n=a t=1795168800 s=7 path=/x");
	run();
	next_batch();
	batch->formed_ns = 1002 * S;
	assert_int_equal(run(), 0);
	next_batch();
	batch->formed_ns = 1002 * S + 1;
	assert_int_equal(run(), 1);
	assert_int_equal(open_now(), 0);
}

static void
without_a_clock_only_lines_and_the_end_count(void **state)
{
	(void)state;
	batch->formed_ns = 0;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/id");
	say("p", "type=PATH n=a t=1795168800 s=7 path=/x");
	run();
	next_batch();
	batch->formed_ns = 0;
	batch->received_ns = 99999 * S;
	assert_int_equal(run(), 0);
	next_batch();
	batch->formed_ns = 0;
	assert_int_equal(run_last(), 1);
	assert_string_equal(joined(0, "tags"), "");
}

static void
the_end_of_the_daemon_cuts_records_off(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/id");
	say("p", "type=PATH n=a t=1795168800 s=7 path=/x");
	assert_int_equal(run_last(), 1);
	assert_string_equal(joined(0, "tags"), "join_cut");
}

static void
nodes_behind_a_relay_have_their_own_clocks(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/id");
	say("p", "type=SYSCALL n=b t=1795168900 s=7 exe=/bin/ls");
	say("p", "type=PATH n=a t=1795168800 s=7 path=/x");
	say("p", "type=EOE n=a t=1795168800 s=7");
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "process.executable"), "/bin/id");
	assert_string_equal(joined(0, "file.path"), "/x");
}

static void
a_record_has_so_many_lines_and_no_more(void **state)
{
	struct joiner_figures figures;

	(void)state;
	for (int i = 0; i < JOIN_LINES; i++)
		say("p", "type=PATH n=a t=1795168800 s=7 path=/%d", i);
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "tags"),
	    "fields_capped|join_cut");
	joiner_figures(joiner, &figures);
	assert_int_equal(figures.cut, 1);
	assert_int_equal(figures.open, 0);
}

static void
past_the_limit_the_record_that_waits_longest_goes(void **state)
{
	size_t ended = 0, cut = 0;

	(void)state;
	for (int i = 0; i < JOIN_OPEN + 10; i++) {
		if (batch->n > 1000) {
			ended += run();
			next_batch();
		}
		say("p", "type=SYSCALL n=n t=1795168800 s=%d exe=/%d", i, i);
		say("p", "type=PATH n=n t=1795168800 s=%d path=/%d", i, i);
	}
	ended += run();
	assert_int_equal(ended, 10);
	assert_int_equal(open_now(), JOIN_OPEN);
	for (size_t i = 0; i < batch->njoined; i++)
		cut += strcmp(joined(i, "tags"), "join_cut") == 0;
	assert_int_equal(cut, batch->njoined);
	assert_string_equal(joined(0, "process.executable"), "/0");
}

static void
more_records_than_a_batch_holds_wait_for_the_next(void **state)
{
	size_t ended;

	(void)state;
	for (int i = 0; i < JOIN_BATCH + 100; i++) {
		if (batch->n > 1000) {
			assert_int_equal(run(), 0);
			next_batch();
		}
		say("p", "type=SYSCALL n=n t=1795168800 s=%d exe=/%d", i, i);
		say("p", "type=PATH n=n t=1795168800 s=%d path=/%d", i, i);
	}
	ended = run_last();
	assert_int_equal(ended, JOIN_BATCH);
	assert_int_equal(open_now(), 100);
	next_batch();
	assert_int_equal(run(), 100);
	assert_int_equal(open_now(), 0);
}

static void
hostile_numbers_and_nodes_are_only_texts(void **state)
{
	char node[1500];

	(void)state;
	memset(node, 'n', sizeof(node));
	node[sizeof(node) - 1] = '\0';
	for (int i = 0; i < 2; i++)
		say("p", "type=PATH n=%s t=1795168800 s=%s path=/x%d", node,
		    node, i);
	for (int i = 0; i < 2; i++)
		say("p", "type=PATH n=\x01\xff t=1795168800 s=1e999 path=/z%d",
		    i);
	for (int i = 0; i < 2; i++)
		say("p", "type=PATH n=%%s t=9999999999999 s=-1 path=/y%d", i);
	for (int i = 0; i < 2; i++)
		say("", "type=PATH n=a t=x s=99999999999999999999 path=/w%d",
		    i);
	assert_int_equal(run_last(), 4);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(strchr(joined(i, "file.path"), '|'));
}

static void
a_reload_ends_what_is_open(void **state)
{
	struct parserset *other;
	struct diag *diag = diag_new();

	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/id");
	say("p", "type=EXECVE n=a t=1795168800 s=7 a0=\"id\"");
	run();
	next_batch();
	other = parserset_load(NULL, 0, diag);
	joiner_run(joiner, other, batch);
	parserset_put(other);
	assert_int_equal(batch->njoined, 1);
	event_seal(batch->alerts[0]);
	assert_string_equal(joined(0, "event.action"), "executed");
	assert_string_equal(joined(0, "tags"), "join_cut");
	diag_free(diag);
}

/* --- what is made ----------------------------------------------------- */

static void
numbered_arguments_come_in_order_with_hex_undone(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 a0=55 a1=AB exe=/bin/sh");
	say("p", "type=EXECVE n=a t=1795168800 s=7 argc=12 a0=\"sh\" "
	    "a10=\"ten\" a2=6120622063 a1=\"4142\" a3[1]=6C6C a3[0]=6865");
	say("p", "type=EXECVE n=a t=1795168800 s=7 a3[2]=6F a11=\"end\" "
	    "a3_len=5 a4x=\"no\"");
	say("p", "type=EOE n=a t=1795168800 s=7");
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "process.args"),
	    "sh|4142|a b c|hello|ten|end");
	assert_string_equal(joined(0, "process.command_line"),
	    "sh 4142 a b c hello ten end");
	assert_string_equal(joined(0, "a.d.a0"), "55");
	assert_string_equal(joined(0, "event.action"), "executed");
}

static void
a_title_in_hex_is_a_command_where_no_arguments_are(void **state)
{
	(void)state;
	say("p", "type=SYSCALL n=a t=1795168800 s=7 exe=/bin/sh");
	say("p", "type=TITLE n=a t=1795168800 s=7 title=2F62696E2F7368002D63"
	    "00");
	say("p", "type=EOE n=a t=1795168800 s=7");
	say("p", "type=SYSCALL n=a t=1795168800 s=8 exe=/bin/sh");
	say("p", "type=TITLE n=a t=1795168800 s=8 title=\"2F62\"");
	say("p", "type=EOE n=a t=1795168800 s=8");
	assert_int_equal(run(), 2);
	assert_string_equal(joined(0, "process.command_line"), "/bin/sh -c");
	assert_string_equal(joined(1, "process.command_line"), "2F62");
}

static void
addresses_of_sockets_are_read(void **state)
{
	static const struct { const char *saddr, *address, *ip, *port; }
	    cases[] = {
		{ "02000050CB0071090000000000000000", "203.0.113.9",
		    "203.0.113.9", "80" },
		{ "0A0001BB0000000020010DB8000000000000000000000001"
		    "00000000", "2001:0db8:0000:0000:0000:0000:0000:0001",
		    "2001:0db8:0000:0000:0000:0000:0000:0001", "443" },
		{ "01002F72756E2F7800", "/run/x", "", "" },
		{ "0200", "", "", "" },
		{ "0200005", "", "", "" },
		{ "020000", "", "", "" },
		{ "FFFF0050CB007109", "", "", "" },
		{ "0A0001BB00000000", "", "", "" },
		{ "zz", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say("p", "type=SYSCALL n=a t=1795168800 s=%zu exe=/x", i);
		say("p", "type=SOCKADDR n=a t=1795168800 s=%zu saddr=%s", i,
		    cases[i].saddr);
		say("p", "type=EOE n=a t=1795168800 s=%zu", i);
	}
	assert_int_equal(run(), sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(joined(i, "destination.address"),
		    cases[i].address);
		assert_string_equal(joined(i, "destination.ip"), cases[i].ip);
		assert_string_equal(joined(i, "destination.port"),
		    cases[i].port);
	}
}

static void
thousands_of_pieces_end_the_record(void **state)
{
	char line[60000];
	int n = snprintf(line, sizeof(line),
	    "type=EXECVE n=a t=1795168800 s=7");

	(void)state;
	for (int i = 0; i < 900; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
		    " a%d=\"x\"", i);
	for (int i = 0; i < 4; i++) {
		const struct parser_options options = { .ndjson = false };

		lane_run(lane, &options, "p", slice_of(line, (size_t)n));
	}
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "tags"),
	    "fields_capped|join_cut");
}

/* --- by continuation -------------------------------------------------- */

static void
lines_beneath_belong_to_the_line_above(void **state)
{
	(void)state;
	say("f", "3|JAVA|it failed");
	say("f", "java.lang.Error: x");
	say("f", "4|JAVA|it failed");
	say("f", "\tat com.example.A(A.java:1)");
	say("f", "    at com.example.B(B.java:2)");
	say("f", "Caused by: java.lang.Error: y");
	say("f", "5|JAVA|next");
	assert_int_equal(run(), 1);
	assert_string_equal(joined(0, "error.stack_trace"),
	    "4|JAVA|it failed\n\tat com.example.A(A.java:1)\n"
	    "    at com.example.B(B.java:2)\nCaused by: java.lang.Error: y");
	assert_string_equal(joined(0, "message"), "it failed");
	assert_string_equal(joined(0, "event.severity"), "4");
	assert_string_equal(joined(0, "event.action"), "trace");
	assert_int_equal(open_now(), 1);
	next_batch();
	assert_int_equal(run_last(), 0);
}

static void
programs_of_one_peer_have_their_own_traces(void **state)
{
	(void)state;
	say("p", "<13>Nov 21 00:00:00 h one: 1|JAVA|a");
	say("p", "<13>Nov 21 00:00:00 h two: 2|JAVA|b");
	say("p", "<13>Nov 21 00:00:00 h one: \tat one");
	say("p", "<13>Nov 21 00:00:00 h two: \tat two");
	say("q", "<13>Nov 21 00:00:00 h two: \tat nobody");
	assert_int_equal(run_last(), 2);
	assert_string_equal(joined(0, "error.stack_trace"),
	    "1|JAVA|a\n\tat one");
	assert_string_equal(joined(1, "error.stack_trace"),
	    "2|JAVA|b\n\tat two");
}

static void
all_lines_until_the_next_beginning(void **state)
{
	(void)state;
	say("f", "1#BEGIN a");
	say("f", "anything");
	say("f", "x#BEGIN no number in front");
	say("f", "2#BEGIN b");
	say("f", "more");
	assert_int_equal(run_last(), 2);
	assert_string_equal(joined(0, "message"),
	    "1#BEGIN a\nanything\nx#BEGIN no number in front");
	assert_string_equal(joined(1, "message"), "2#BEGIN b\nmore");
}

/* --- definitions ------------------------------------------------------ */

static void
mistakes_are_named(void **state)
{
	static const char *const wrong[] = { "join: x", "join: {}",
		"join: {by: a, starts: b}", "join: {by: [[a]]}",
		"join: {by: a, ends: x}", "join: {by: a, wait: 0s}",
		"join: {by: a, wait: 601}", "join: {by: a, wat: 1s}",
		"join: {by: a, make: x}", "join: {by: a, make: [{to: b}]}",
		"join: {by: a, make: [{to: b, hex: c, words: d}]}",
		"join: {by: a, make: [{hex: c}]}",
		"join: {by: a, make: [{to: b, hex: c, of: d}]}",
		"join: {starts: {regex: '('}}", "join: {starts: {x: y}}",
		"join: {continues: x, collect: y}",
		"join: {by: [a,b,c,d,e,f,g,h,i]}",
		"join: {by: a, then: {nope: 1}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char path[] = "/tmp/yagura-test-XXXXXX.yml";
		const char *const paths[] = { path };
		struct diag *diag = diag_new();
		int fd = mkstemps(path, 4);
		size_t n;

		assert_true(dprintf(fd, "name: w\nmatch: {starts: ['abc']}\n"
		    "decode: kv\n%s\n", wrong[i]) > 0);
		close(fd);
		parserset_put(parserset_load(paths, 1, diag));
		n = diag_errors(diag);
		if (n == 0)
			print_error("no finding: %s\n", wrong[i]);
		assert_true(n > 0);
		diag_free(diag);
		unlink(path);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_of_one_number_make_one_record),
		TEST(the_record_names_its_lines_and_holds_them),
		TEST(numbers_that_interleave_stay_apart),
		TEST(nodes_and_peers_and_times_of_the_same_number_stay_apart),
		TEST(a_record_goes_on_in_later_batches),
		TEST(records_that_ended_leave_nothing_to_those_that_follow),
		TEST(a_line_alone_makes_no_record),
		TEST(the_time_of_a_later_line_ends_a_record),
		TEST(the_clock_ends_a_record_in_a_batch_without_lines),
		TEST(without_a_clock_only_lines_and_the_end_count),
		TEST(the_end_of_the_daemon_cuts_records_off),
		TEST(nodes_behind_a_relay_have_their_own_clocks),
		TEST(a_record_has_so_many_lines_and_no_more),
		TEST(past_the_limit_the_record_that_waits_longest_goes),
		TEST(more_records_than_a_batch_holds_wait_for_the_next),
		TEST(hostile_numbers_and_nodes_are_only_texts),
		TEST(a_reload_ends_what_is_open),
		TEST(numbered_arguments_come_in_order_with_hex_undone),
		TEST(a_title_in_hex_is_a_command_where_no_arguments_are),
		TEST(addresses_of_sockets_are_read),
		TEST(thousands_of_pieces_end_the_record),
		TEST(lines_beneath_belong_to_the_line_above),
		TEST(programs_of_one_peer_have_their_own_traces),
		TEST(all_lines_until_the_next_beginning),
		TEST(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
