/* Definitions of our own, in a file of their own, and what lines become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/logsource.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "parsers/parserset.h"

static const char definitions[] =
"name: acme_wall\n"
"logsource: {category: firewall, product: acme}\n"
"match: {contains: ['wall_id=', 'act=']}\n"
"decode: kv\n"
"prefix: acme.wall\n"
"skip: ['-', N/A]\n"
"time: [{keys: [date, time], zone: tz}, epoch]\n"
"keys:\n"
"  src: source.ip\n"
"  srcname: source.ip\n"
"  sport: source.port\n"
"  user: {split: user, to: user}\n"
"  url: {split: url, to: url}\n"
"  hashes: {split: hashes, to: file.hash}\n"
"  peer: {split: endpoint, to: destination}\n"
"  dur: {to: event.duration, times: 1000000000}\n"
"  act: [event.action, {to: event.outcome, table: outcome}]\n"
"  inner: {decode: json, prefix: in}\n"
"  asked: {to: dns.question.name, take: labels}\n"
"tables: {outcome: {deny: failure, 'pass*': success, '*': unknown}}\n"
"set: {event.kind: event, event.category: [network]}\n"
"when:\n"
"  - if: {act: [deny, drop]}\n"
"    set: {event.type: [connection, denied], message: 'no {src}'}\n"
"    else: {set: {event.type: [connection, allowed]}}\n"
"  - switch: kind\n"
"    cases:\n"
"      '1, 2': {logsource: {service: traffic}}\n"
"copy: {source.address: source.ip}\n"
"---\n"
"name: acme_json\n"
"match: {keys: [acme.type], values: {v: ['1', '2']}}\n"
"decode: json\n"
"rename: {'acme.*': {to: 'acme.data.*', first: upper}}\n"
"keys:\n"
"  acme.data.Src: {to: source.ip, keep: true}\n"
"  shown.what: {pair: shown.is, prefix: pair}\n"
"  pair.file: file.name\n"
"  pair.user: user.name\n"
"---\n"
"name: acme_journal\n"
"match: {keys: [acme_text]}\n"
"decode: json\n"
"unwrap: true\n"
"keys: {acme_host: host.name, who: user.name}\n"
"set: {message: 'acmed[7]: {acme_text}'}\n"
"---\n"
"name: acme_cef\n"
"match: {cef: {vendor: Acme, product: 'Fire*'}}\n"
"decode: cef\n"
"prefix: cef.ext\n"
"keys: {src: source.ip, Where: host.name}\n"
"---\n"
"name: acme_csv\n"
"match: {starts: ['ACME,']}\n"
"decode: {type: csv, columns: [~, source.ip, what]}\n"
"keys: {source.ip: source.ip}\n"
"---\n"
"name: acme_text\n"
"match: {program: [acmed, 'acme-*']}\n"
"templates:\n"
"  - line: 'login of {user.name:last} from {source.ip:ip}'\n"
"    set: {event.outcome: success}\n"
"---\n"
"name: acme_regex\n"
"match: {program: acmex}\n"
"decode: regex\n"
"patterns: ['^job (?<job>\\d+) by (?<who>\\w+)$']\n"
"keys: {who: user.name}\n"
"---\n"
"name: low\n"
"match: {contains: ['-7-'], priority: 30}\n"
"decode: none\n"
"---\n"
"name: high\n"
"match:\n"
"  - {contains: ['#high#'], priority: 70, sure: false}\n"
"  - {contains: ['-also-'], priority: 20}\n"
"templates: ['{_:text} #high# {n:int}']\n"
"---\n"
"name: middle\n"
"match: {contains: ['ddle#']}\n"
"decode: none\n";

static struct parserset *set;
static struct parser_lane *lane;
static struct batch *batch;
static struct event *event;
static char path[] = "/tmp/yagura-test-XXXXXX.yml";

static int
begin(void **state)
{
	struct diag *diag = diag_new();
	const char *const paths[] = { path };
	int fd = mkstemps(path, 4);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, definitions, sizeof(definitions) - 1),
	    sizeof(definitions) - 1);
	close(fd);
	set = parserset_load(paths, 1, diag);
	diag_print(diag, stderr);
	assert_int_equal(diag_errors(diag), 0);
	diag_free(diag);
	unlink(path);
	lane = parser_lane_new(set);
	batch = batch_new(1, 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	batch_put(batch);
	parser_lane_free(lane);
	parserset_put(set);
	return 0;
}

static void
read_with(struct slice line, const struct parser_options *options)
{
	int64_t now;

	assert_true(time_parse_rfc3339(SLICE("2026-11-21T00:00:00Z"), &now));
	event = batch_add(batch, line, SLICE("192.0.2.7:514"), now);
	parser_run(lane, options, event);
	event_seal(event);
}

static void
read_line(const char *line)
{
	const struct parser_options options = { .ndjson = true };

	read_with(slice_cstr(line), &options);
}

/* The field as text, members of a list joined by commas; "" if absent. */
static const char *
field(const char *name)
{
	static char out[4096];
	char buf[VALUE_TEXT_BYTES];
	struct value value;
	field_t number = field_find(slice_cstr(name));
	size_t n = 0;

	out[0] = '\0';
	if (number == FIELD_NONE || !event_value(event, number, &value))
		return out;
	for (size_t i = 0; i < value_members(&value); i++) {
		struct slice text = value_as_text(value_member(&value, i),
		    buf);

		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s",
		    i > 0 ? "," : "", (int)text.len, text.ptr);
	}
	return out;
}

static bool
tagged(enum event_tag tag)
{
	return (event->tags >> tag & 1) != 0;
}

#define LINE "date=2026-11-20 time=10:00:00 tz=+0900 wall_id=7 "

static void
maps_keys_to_fields(void **state)
{
	(void)state;
	read_line(LINE "act=deny src=192.0.2.1 sport=40 user=CORP\\hana "
	    "dur=1.5 kind=2");
	assert_string_equal(field("yagura.parser"), "acme_wall");
	assert_string_equal(field("event.module"), "acme");
	assert_string_equal(field("@timestamp"), "2026-11-20T01:00:00.000Z");
	assert_string_equal(field("source.ip"), "192.0.2.1");
	assert_string_equal(field("source.address"), "192.0.2.1");
	assert_string_equal(field("source.port"), "40");
	assert_string_equal(field("user.name"), "hana");
	assert_string_equal(field("user.domain"), "CORP");
	assert_string_equal(field("event.duration"), "1500000000");
	assert_string_equal(field("event.outcome"), "failure");
	assert_string_equal(field("event.type"), "connection,denied");
	assert_string_equal(field("message"), "no 192.0.2.1");
	assert_string_equal(field("acme.wall.wall_id"), "7");
	assert_string_equal(field("acme.wall.src"), "");
	assert_string_equal(field("log.source.address"), "192.0.2.7:514");
	assert_true(slice_eq(logsource_at(event->logsource)->service,
	    SLICE("traffic")));
	assert_true(slice_eq(logsource_at(event->logsource)->category,
	    SLICE("firewall")));
}

static void
values_are_slices_of_the_line(void **state)
{
	const struct value *value;

	(void)state;
	read_line(LINE "act=pass src=192.0.2.1");
	value = event_get(event, FIELD_SOURCE_IP);
	assert_non_null(value);
	assert_int_equal(value->transform, TRANSFORM_NONE);
	assert_true(value->text >= event->raw.ptr && value->text + value->len
	    <= event->raw.ptr + event->raw.len);
}

static void
lets_the_first_key_win_and_keeps_what_does_not_fit(void **state)
{
	(void)state;
	read_line(LINE "act=pass src=- srcname=192.0.2.5");
	assert_string_equal(field("source.ip"), "192.0.2.5");
	read_line(LINE "act=pass src=web.example sport=many");
	assert_string_equal(field("source.ip"), "");
	assert_string_equal(field("source.domain"), "web.example");
	assert_string_equal(field("acme.wall.sport"), "many");
	assert_true(tagged(EVENT_TAG_TYPE_MISMATCH));
}

static void
splits_urls_hashes_and_endpoints(void **state)
{
	(void)state;
	read_line(LINE "act=x url=\"http://u@web.example:8080/a/b?q=1#f\" "
	    "peer=[2001:db8::1]:443 hashes=\"SHA1=0123456789ABCDEF0123456789"
	    "ABCDEF01234567,MD5=00112233445566778899AABBCCDDEEFF\"");
	assert_string_equal(field("url.scheme"), "http");
	assert_string_equal(field("url.domain"), "web.example");
	assert_string_equal(field("url.port"), "8080");
	assert_string_equal(field("url.path"), "/a/b");
	assert_string_equal(field("url.query"), "q=1");
	assert_string_equal(field("destination.ip"), "2001:db8::1");
	assert_string_equal(field("destination.port"), "443");
	assert_string_equal(field("file.hash.md5"),
	    "00112233445566778899aabbccddeeff");
	assert_string_equal(field("event.outcome"), "unknown");
}

static void
joins_the_labels_of_dns_names(void **state)
{
	static const char *const names[][2] = {
		{ "(3)www(7)example(3)org(0)", "www.example.org" },
		{ "(4)a(b)(3)org(0)", "a(b).org" },
		{ "(0)", "" },
		/* a count that is wrong, one too long, no end, no name */
		{ "(8)www(2)org(0)", "www.org" },
		{ "(99999)x(0)", "(99999)x(0)" },
		{ "(3)www(", "(3)www(" },
		{ "(200)www", "www" },
		{ "www.example.org", "www.example.org" },
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line),
		    "wall_id=7 act=deny src=192.0.2.1 asked=%s", names[i][0]);
		read_line(line);
		assert_string_equal(field("dns.question.name"), names[i][1]);
	}
}

static void
decodes_json_inside_a_value(void **state)
{
	(void)state;
	read_line(LINE "act=x inner=\"{\\\"a\\\": {\\\"b\\\": [1, 2]}}\"");
	assert_string_equal(field("acme.wall.in.a.b"), "1,2");
}

static void
reads_key_value_with_quotes_and_empty_values(void **state)
{
	(void)state;
	read_line(LINE "act=x a=\"one two\" b= c='x=1 y' d=\"q \\\" r\" e");
	assert_string_equal(field("acme.wall.a"), "one two");
	assert_string_equal(field("acme.wall.c"), "x=1 y");
	assert_string_equal(field("acme.wall.d"), "q \" r");
}

static void
reads_structured_data_as_the_body_if_there_is_no_message(void **state)
{
	(void)state;
	read_line("<134>1 2026-11-20T10:00:00Z fw-a wall - - [x@1 "
	    "tz=\"UTC\" wall_id=\"7\" act=\"deny\" src=\"192.0.2.1\"]");
	assert_string_equal(field("yagura.parser"), "acme_wall");
	assert_string_equal(field("source.ip"), "192.0.2.1");
}

static void
pairs_names_with_values(void **state)
{
	(void)state;
	read_line("{\"acme\":{\"type\":\"t\"},\"v\":1,\"shown\":["
	    "{\"what\":\"user\",\"is\":\"hana\"},"
	    "{\"what\":\"file\",\"is\":\"a.exe\"}]}");
	assert_string_equal(field("user.name"), "hana");
	assert_string_equal(field("file.name"), "a.exe");
	/* Which belongs to which cannot be told if one lacks its value. */
	read_line("{\"acme\":{\"type\":\"t\"},\"v\":1,\"shown\":["
	    "{\"what\":\"user\"},{\"what\":\"file\",\"is\":\"a.exe\"}]}");
	assert_string_equal(field("user.name"), "");
	assert_string_equal(field("file.name"), "");
}

static void
recognises_json_by_keys_and_values(void **state)
{
	(void)state;
	read_line("{\"acme\":{\"type\":\"t\",\"src\":\"192.0.2.2\","
	    "\"esc\":\"a\\u0041\\n\"},\"v\":2}");
	assert_string_equal(field("yagura.parser"), "acme_json");
	assert_string_equal(field("source.ip"), "192.0.2.2");
	assert_string_equal(field("acme.data.Src"), "192.0.2.2");
	assert_string_equal(field("acme.data.Esc"), "aA\n");
	read_line("{\"acme\":{\"type\":\"t\"},\"v\":3}");
	assert_string_equal(field("yagura.parser"), "generic_json");
	assert_string_equal(field("acme.type"), "t");
}

static void
reads_cef_with_labels_and_assign_signs_in_values(void **state)
{
	(void)state;
	read_line("<13>Nov 20 10:00:00 h CEF:0|Acme|FireBox|1|9|a\\|b|5|"
	    "src=192.0.2.3 request=http://x/?a=b&c=d msg=two words "
	    "cs1=tower cs1Label=Where duser= x=y\\=z");
	assert_string_equal(field("yagura.parser"), "acme_cef");
	assert_string_equal(field("source.ip"), "192.0.2.3");
	assert_string_equal(field("host.name"), "tower");
	assert_string_equal(field("cef.ext.request"), "http://x/?a=b&c=d");
	assert_string_equal(field("cef.ext.msg"), "two words");
	assert_string_equal(field("cef.ext.x"), "y=z");
	assert_string_equal(field("cef.ext.cef.name"), "a|b");
	read_line("CEF:0|Other|Thing|1|9|n|5|src=192.0.2.3 suser=eve");
	assert_string_equal(field("yagura.parser"), "generic_cef");
	assert_string_equal(field("user.name"), "eve");
	assert_string_equal(field("observer.vendor"), "Other");
}

static void
reads_leef_of_both_versions(void **state)
{
	(void)state;
	read_line("LEEF:1.0|V|P|1|id|src=192.0.2.4\tusrName=bo b\tproto=6");
	assert_string_equal(field("source.ip"), "192.0.2.4");
	assert_string_equal(field("user.name"), "bo b");
	assert_string_equal(field("network.transport"), "tcp");
	read_line("LEEF:2.0|V|P|1|id|0x5E|src=192.0.2.4^srcPort=7");
	assert_string_equal(field("source.port"), "7");
}

static void
reads_csv_patterns_and_templates(void **state)
{
	(void)state;
	read_line("ACME,192.0.2.6,\"a, \"\"b\"\"\",z");
	assert_string_equal(field("source.ip"), "192.0.2.6");
	assert_string_equal(field("acme.what"), "a, \"b\"");
	read_line("Nov 20 10:00:00 h acmex: job 12 by ann");
	assert_string_equal(field("user.name"), "ann");
	assert_string_equal(field("acme.job"), "12");
	read_line("<38>Nov 20 10:00:00 h acme-d[3]: login of eve from "
	    "192.0.2.8");
	assert_string_equal(field("user.name"), "eve");
	assert_string_equal(field("host.name"), "h");
	assert_string_equal(field("log.syslog.procid"), "3");
	assert_string_equal(field("log.syslog.facility.code"), "4");
	assert_string_equal(field("event.outcome"), "success");
	read_line("Nov 20 10:00:00 h acmed: something else");
	assert_string_equal(field("yagura.parser"), "acme_text");
	assert_true(tagged(EVENT_TAG_PARSE_PARTIAL));
}

static void
keeps_what_nobody_knows(void **state)
{
	(void)state;
	read_line("Nov 20 10:00:00 h prog[1]: just text");
	assert_true(tagged(EVENT_TAG_UNPARSED));
	assert_string_equal(field("message"), "just text");
	assert_string_equal(field("host.name"), "h");
	assert_string_equal(field("log.syslog.appname"), "prog");
	read_line("alpha=1 beta=two gamma=\"three\" src=192.0.2.3");
	assert_string_equal(field("yagura.parser"), "generic_kv");
	assert_string_equal(field("kv.beta"), "two");
	assert_string_equal(field("source.ip"), "192.0.2.3");
}

static void
takes_a_time_at_the_beginning_that_nobody_else_read(void **state)
{
	static const char *const rows[][2] = {
	{ "2026-11-20T10:00:00.123Z INFO [x] alpha=1 beta=2 gamma=3",
	  "2026-11-20T10:00:00.123Z" },
	{ "[20/Nov/2026:10:00:00 +0900] something", "2026-11-20T01:00:00.000Z" },
	{ "<13>20.11.2026 10:00:00 | SRV | text", "2026-11-20T10:00:00.000Z" },
	{ "2026-11-20 10:00:00,192.0.2.9,x", "2026-11-20T10:00:00.000Z" },
	};
	char buf[TIME_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice text;

		read_line(rows[i][0]);
		text = time_format_rfc3339(event->time_ns, buf);
		assert_true(slice_eq(text, slice_cstr(rows[i][1])));
		assert_false(tagged(EVENT_TAG_TIME_MISSING));
	}
	read_line("job 7 began at 2026-11-20 10:00:00");
	assert_true(tagged(EVENT_TAG_TIME_MISSING));
}

static void
unwraps_a_line_in_a_message(void **state)
{
	(void)state;
	read_line("{\"agent\":\"x\",\"message\":\"<38>Nov 20 10:00:00 h "
	    "acmed: login of eve from 192.0.2.8\"}");
	assert_string_equal(field("agent"), "x");
	assert_string_equal(field("user.name"), "eve");
}

static void
reads_the_message_of_a_wrapper_as_a_line(void **state)
{
	(void)state;
	read_line("{\"acme_text\":\"login of hana from 192.0.2.9\","
	    "\"acme_host\":\"web-a\",\"who\":\"erin\"}");
	assert_string_equal(field("yagura.parser"), "acme_text");
	assert_string_equal(field("source.ip"), "192.0.2.9");
	assert_string_equal(field("user.name"), "erin");
	assert_string_equal(field("host.name"), "web-a");
	assert_string_equal(field("log.syslog.procid"), "7");
	read_line("{\"acme_text\":\"{\\\"acme_text\\\":\\\"x\\\"}\"}");
	assert_string_equal(field("yagura.parser"), "acme_journal");
	read_line("{\"acme_text\":\"\"}");
	assert_string_equal(field("yagura.parser"), "acme_journal");
}

static void
believes_a_log_source_only_if_told_to(void **state)
{
	struct parser_options options = { .ndjson = true };
	struct slice line = SLICE("{\"a\":1,\"_logsource\":"
	    "{\"product\":\"windows\",\"service\":\"security\"}}");

	(void)state;
	read_with(line, &options);
	assert_int_equal(event->logsource, 0);
	options.trust_logsource = true;
	read_with(line, &options);
	assert_true(slice_eq(logsource_at(event->logsource)->product,
	    SLICE("windows")));
}

static void
marks_bytes_and_times_that_are_odd(void **state)
{
	(void)state;
	read_line("Nov 20 10:00:00 h p: caf\xe9");
	assert_true(tagged(EVENT_TAG_INVALID_UTF8));
	read_line("Nov 20 10:00:00 h p: caf\xc3\xa9");
	assert_false(tagged(EVENT_TAG_INVALID_UTF8));
	read_line("a \x01 b");
	assert_true(tagged(EVENT_TAG_BINARY));
	assert_true(tagged(EVENT_TAG_TIME_MISSING));
	read_line("2027-05-01T00:00:00Z h p[1]: x");
	assert_true(tagged(EVENT_TAG_TIME_FUTURE));
	assert_string_equal(field("@timestamp"), "2026-11-21T00:00:00.000Z");
	assert_string_equal(field("yagura.skew_ms"), "-13910400000");
	read_line("2026-11-21T00:00:01Z h p[1]: x");
	assert_string_equal(field("yagura.skew_ms"), "");
	read_line("2026-11-21T00:01:00Z h p[1]: x");
	assert_string_equal(field("yagura.skew_ms"), "-60000");
	assert_string_equal(field("@timestamp"), "2026-11-21T00:01:00.000Z");
	read_line("");
	assert_true(tagged(EVENT_TAG_UNPARSED));
}

static void
tries_the_higher_priority_first(void **state)
{
	(void)state;
	read_line("a -7- b");
	assert_string_equal(field("yagura.parser"), "low");
	read_line("a -7- middle# b");
	assert_string_equal(field("yagura.parser"), "middle");
	read_line("a -7- middle# #high# 7");
	assert_string_equal(field("yagura.parser"), "high");
	/* What it cannot read it passes on. */
	read_line("a -7- middle# #high# x");
	assert_string_equal(field("yagura.parser"), "middle");
	read_line("a -7- #high# x");
	assert_string_equal(field("yagura.parser"), "low");
	/* Every block of marks has its own priority, and its own say in who
	 * keeps what it cannot read. */
	read_line("a -7- -also- b");
	assert_string_equal(field("yagura.parser"), "low");
	read_line("a -also- b");
	assert_string_equal(field("yagura.parser"), "high");
	assert_true(tagged(EVENT_TAG_PARSE_PARTIAL));
	read_line("a #high# b");
	assert_true(tagged(EVENT_TAG_UNPARSED));
}

static void
forgets_random_keys_and_goes_on(void **state)
{
	char line[256];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		int n = snprintf(line, sizeof(line), "{\"k%d\":1,\"l%d\":2,"
		    "\"m%d\":{\"a%d\":3,\"b%d\":4},\"n%d\":5}", i, i, i, i,
		    i, i);

		if (batch_full(batch)) {
			batch_put(batch);
			batch = batch_new(1, 1);
		}
		read_with(slice_of(line, (size_t)n),
		    &(const struct parser_options){ .ndjson = true });
	}
	batch_put(batch);
	batch = batch_new(1, 1);
	read_line("{\"acme\":{\"type\":\"t\",\"src\":\"192.0.2.2\"},\"v\":1}");
	assert_string_equal(field("source.ip"), "192.0.2.2");
}

static void
keeps_a_document_that_breaks_off(void **state)
{
	(void)state;
	read_line("{\"acme\":{\"type\":\"t\",\"src\":\"192.0.2.2\"},\"v\":1,"
	    "\"more\":\"and th");
	assert_string_equal(field("source.ip"), "192.0.2.2");
	assert_true(tagged(EVENT_TAG_PARSE_PARTIAL));
}

static void
a_source_may_have_its_own_charset(void **state)
{
	const struct parser_options options = { .charset =
	    SLICE_INIT("Shift_JIS") };

	(void)state;
	read_with(SLICE("<13>Nov 20 10:00:00 h p: a=\x83\x8d b=2 c=3"),
	    &options);
	assert_string_equal(field("kv.a"), "\343\203\255");
	assert_string_equal(field("yagura.charset"), "Shift_JIS");
	assert_string_equal(field("tags"), "");
	assert_true(slice_find(event->raw, SLICE("\x83\x8d")) > 0);
	assert_int_equal(event_get(event, field_find(SLICE("kv.a")))
	    ->transform, TRANSFORM_CHARSET);
	read_with(SLICE("<13>Nov 20 10:00:00 h p: a=1 b=2 c=3"), &options);
	assert_string_equal(field("yagura.charset"), "");
	read_with(SLICE("<13>Nov 20 10:00:00 h p: a=\xff b=2 c=3"), &options);
	assert_string_equal(field("tags"), "invalid_utf8");
}

static void
nobody_sends_what_only_we_may_say(void **state)
{
	(void)state;
	read_line("{\"event\":{\"id\":\"forged\",\"module\":\"yagur\\u0061\","
	    "\"dataset\":[\"x\",\"Yagura.alert\"]},\"yagura.level\":\"high\","
	    "\"Yagura\":{\"hits\":\"r\"},\"rule.name\":\"n\"}");
	assert_int_equal(strlen(field("event.id")), EVENT_ID_BYTES - 1);
	assert_string_equal(field("sender.event.id"), "forged");
	assert_string_equal(field("event.module"), "generic");
	assert_null(strstr(field("event.dataset"), "agura"));
	assert_string_equal(field("yagura.level"), "");
	assert_string_equal(field("sender.yagura.level"), "high");
	assert_string_equal(field("yagura.hits"), "");
	assert_string_equal(field("Yagura.hits"), "");
	assert_string_equal(field("rule.name"), "n");
	read_line("{\"event\":{\"module\":\"acme\",\"dataset\":\"acme.x\"}}");
	assert_string_equal(field("event.module"), "acme");
	assert_string_equal(field("event.dataset"), "acme.x");
}

int
main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(maps_keys_to_fields),
		T(values_are_slices_of_the_line),
		T(lets_the_first_key_win_and_keeps_what_does_not_fit),
		T(splits_urls_hashes_and_endpoints),
		T(joins_the_labels_of_dns_names),
		T(decodes_json_inside_a_value),
		T(reads_key_value_with_quotes_and_empty_values),
		T(reads_structured_data_as_the_body_if_there_is_no_message),
		T(recognises_json_by_keys_and_values),
		T(pairs_names_with_values),
		T(reads_cef_with_labels_and_assign_signs_in_values),
		T(reads_leef_of_both_versions),
		T(reads_csv_patterns_and_templates),
		T(keeps_what_nobody_knows),
		T(takes_a_time_at_the_beginning_that_nobody_else_read),
		T(unwraps_a_line_in_a_message),
		T(reads_the_message_of_a_wrapper_as_a_line),
		T(believes_a_log_source_only_if_told_to),
		T(marks_bytes_and_times_that_are_odd),
		T(keeps_a_document_that_breaks_off),
		T(tries_the_higher_priority_first),
		T(forgets_random_keys_and_goes_on),
		T(a_source_may_have_its_own_charset),
		T(nobody_sends_what_only_we_may_say),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
