/* Header lines, and columns beneath them. */
#include "tests/unit/parsers/lane.h"

#include "engine/strbuf.h"
#include "parsers/streams.h"

static const char zeek[] =
"name: net_any\n"
"match: [{header: ['#fields']}]\n"
"decode: {type: tsv, columns: {'3': [one, two, three]}}\n"
"prefix: z\n"
"keys: {id.orig_h: source.ip}\n";

static const char web[] =
"name: web_iis\n"
"match: [{header: ['#Software: Acme', '#Fields:']}, {contains: ['/known']}]\n"
"decode: {type: w3c, columns: [date, time, cs-uri-stem]}\n"
"prefix: w\n"
"time: [{keys: [date, time], zone: UTC}]\n"
"keys: {c-ip: source.ip}\n";

static int
begin_none(void **state)
{
	(void)state;
	lane_begin("name: nothing\n");
	return 0;
}

static int
begin_zeek(void **state)
{
	(void)state;
	lane_begin(zeek);
	return 0;
}

static int
begin_web(void **state)
{
	(void)state;
	lane_begin(web);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	lane_end();
	return 0;
}

static void
zeek_columns_are_named_by_their_header(void **state)
{
	const struct event *event;

	(void)state;
	event = lane_line("#separator \\x09");
	assert_string_equal(field(event, "event.action"), "log-header");
	assert_string_equal(field(event, "tags"), "");
	lane_line("#set_separator\t,");
	lane_line("#empty_field\t(empty)");
	lane_line("#unset_field\t-");
	lane_line("#path\tdns");
	event = lane_line("#fields\tts\tid.orig_h\tanswers\tgone\tnone");
	assert_string_equal(field(event, "yagura.parser"), "net_any");
	lane_line("#types\ttime\taddr\tset[string]\tstring\tstring");
	event = lane_line("1795168800.5\t192.0.2.1\ta\\x2cb,c\t-\t(empty)");
	assert_string_equal(field(event, "yagura.parser"), "net_any");
	assert_string_equal(field(event, "source.ip"), "192.0.2.1");
	assert_string_equal(field(event, "z.answers"), "a,b|c");
	assert_string_equal(field(event, "z._path"), "dns");
	assert_string_equal(field(event, "z.gone"), "");
	assert_string_equal(field(event, "z.none"), "");
	event = lane_line("#close\t2026-11-20-10-00-00");
	assert_string_equal(field(event, "event.action"), "log-header");
}

static void
a_line_of_other_width_is_none_of_the_stream(void **state)
{
	const struct event *event;

	(void)state;
	lane_line("#fields\ta\tb\tc");
	assert_string_equal(field(lane_line("1\t2\t3"), "z.b"), "2");
	event = lane_line("1\t2");
	assert_string_equal(field(event, "tags"), "unparsed|time_missing");
	event = lane_line("1\t2\t3\t4");
	assert_string_equal(field(event, "tags"), "unparsed|time_missing");
	assert_string_equal(field(lane_line("1\t\t3"), "z.c"), "3");
}

static void
a_new_header_counts_from_its_line_on(void **state)
{
	(void)state;
	lane_line("#fields\ta\tb");
	assert_string_equal(field(lane_line("1\t2"), "z.a"), "1");
	lane_line("#fields\tx\ty");
	assert_string_equal(field(lane_line("1\t2"), "z.x"), "1");
	lane_line("#fields\tid.orig_h\tb\tc");
	assert_string_equal(field(lane_line("192.0.2.3\t2\t3"), "source.ip"),
	    "192.0.2.3");
}

static void
streams_of_peers_and_programs_are_apart(void **state)
{
	const struct parser_options options = { .ndjson = false };
	const struct event *event;

	(void)state;
	lane_run(lane, &options, "192.0.2.1:1", SLICE("#fields\ta\tb"));
	lane_run(lane, &options, "192.0.2.2:1", SLICE("#fields\tc\td"));
	lane_run(lane, &options, "192.0.2.1:1",
	    SLICE("<13>Nov 20 10:00:00 h zeek: #fields#011e#011f"));
	event = lane_run(lane, &options, "192.0.2.1:1", SLICE("1\t2"));
	assert_string_equal(field(event, "z.a"), "1");
	event = lane_run(lane, &options, "192.0.2.2:1", SLICE("1\t2"));
	assert_string_equal(field(event, "z.c"), "1");
	event = lane_run(lane, &options, "192.0.2.1:1",
	    SLICE("<13>Nov 20 10:00:00 h zeek: 1#0112"));
	assert_string_equal(field(event, "z.f"), "2");
	assert_string_equal(field(event, "host.name"), "h");
	event = lane_run(lane, &options, "192.0.2.3:1", SLICE("1\t2"));
	assert_string_equal(field(event, "z.a"), "");
}

static void
lanes_that_share_know_the_same_headers(void **state)
{
	const struct parser_options options = { .ndjson = false };
	struct streams *streams = streams_new();
	struct parser_lane *other = parser_lane_new(set);

	(void)state;
	parser_lane_share(lane, streams);
	parser_lane_share(other, streams);
	streams_put(streams);
	lane_run(lane, &options, "p", SLICE("#fields\ta\tb"));
	assert_string_equal(field(lane_run(other, &options, "p",
	    SLICE("1\t2")), "z.b"), "2");
	lane_run(other, &options, "p", SLICE("#fields\ta\tB"));
	assert_string_equal(field(lane_run(lane, &options, "p",
	    SLICE("1\t2")), "z.B"), "2");
	parser_lane_share(other, NULL);
	assert_string_equal(field(lane_run(other, &options, "p",
	    SLICE("1\t2")), "z.B"), "");
	parser_lane_free(other);
}

static void
w3c_columns_are_in_utc_and_blanks_come_back(void **state)
{
	const struct parser_options options = { .zone =
	    SLICE_INIT("Asia/Tokyo") };
	const struct event *event;

	(void)state;
	lane_line("#Software: Acme Web 1");
	lane_line("#Version: 1.0");
	lane_line("#Date: 2026-11-20 10:00:00");
	lane_line("#Fields: date time c-ip cs-uri-stem cs(User-Agent) x-note");
	event = lane_run(lane, &options, "", SLICE("2026-11-20 10:00:00 "
	    "192.0.2.1 /a+b Mozilla/5.0+(X) \"two words\""));
	assert_string_equal(field(event, "yagura.parser"), "web_iis");
	assert_string_equal(field(event, "source.ip"), "192.0.2.1");
	assert_string_equal(field(event, "w.cs-uri-stem"), "/a+b");
	assert_string_equal(field(event, "w.cs(User-Agent)"),
	    "Mozilla/5.0 (X)");
	assert_string_equal(field(event, "w.x-note"), "two words");
	assert_int_equal(event->time_ns / 1000000000, 1795168800);
	event = lane_line("2026-11-20 10:00:01 192.0.2.1 - - \"half quoted");
	assert_string_equal(field(event, "yagura.parser"), "");
}

static void
the_header_chooses_the_definition(void **state)
{
	(void)state;
	lane_line("#Fields: date time c-ip");
	assert_string_equal(field(lane_line("2026-11-20 10:00:00 192.0.2.1"),
	    "yagura.parser"), "generic_w3c");
	lane_line("#Software: Acme Web 1");
	assert_string_equal(field(lane_line("2026-11-20 10:00:00 192.0.2.1"),
	    "yagura.parser"), "web_iis");
}

static void
a_definition_may_know_columns_without_a_header(void **state)
{
	const struct event *event;

	(void)state;
	event = lane_line("2026-11-20 10:00:00 /known");
	assert_string_equal(field(event, "w.cs-uri-stem"), "/known");
	event = lane_line("2026-11-20 10:00:00 /known more");
	assert_string_equal(field(event, "tags"), "parse_partial");
}

static void
commas_between_names_stand_between_values(void **state)
{
	(void)state;
	lane_line("#Fields: date-time,client-ip,note");
	assert_string_equal(field(lane_line(
	    "2026-11-20T10:00:00.000Z,192.0.2.1,\"a, b+c\""), "w3c.note"),
	    "a, b+c");
}

static void
headers_are_bounded_and_replaced_by_kind(void **state)
{
	struct streams *streams = streams_new();
	struct strbuf text = STRBUF_INIT, line = STRBUF_INIT;
	char place[32];
	uint64_t version;

	(void)state;
	assert_int_equal(streams_version(streams), 0);
	streams_add(streams, SLICE("p"), 0, SLICE("#fields\ta"));
	streams_add(streams, SLICE("p"), 0, SLICE("#path\tx"));
	version = streams_version(streams);
	streams_add(streams, SLICE("p"), 0, SLICE("#fields\ta"));
	streams_add(streams, SLICE("p"), 0, SLICE("#open\tnow"));
	streams_add(streams, SLICE("p"), 0, SLICE("#nothing known"));
	assert_int_equal(streams_version(streams), version);
	streams_add(streams, SLICE("p"), 0, SLICE("#fields\tb"));
	assert_int_equal(streams_find(streams, SLICE("p"), 0, &text).version,
	    streams_version(streams));
	assert_string_equal(text.ptr, "#path\tx\n#fields\tb\n");
	strbuf_puts(&line, "#types\t");
	while (line.len < STREAM_HEADER_BYTES)
		strbuf_puts(&line, "type\t");
	version = streams_version(streams);
	streams_add(streams, SLICE("p"), 0, strbuf_slice(&line));
	assert_int_equal(streams_version(streams), version);
	streams_add(streams, SLICE("p"), 0, SLICE("#Fields: x"));
	strbuf_clear(&text);
	streams_find(streams, SLICE("p"), 0, &text);
	assert_string_equal(text.ptr, "#Fields: x\n");
	for (int i = 0; i < STREAMS; i++) {
		snprintf(place, sizeof(place), "%d", i);
		streams_add(streams, slice_cstr(place), 0, SLICE("#fields\ta"));
	}
	strbuf_clear(&text);
	assert_int_equal(streams_find(streams, SLICE("p"), 0, &text).version,
	    0);
	assert_true(streams_find(streams, SLICE("0"), 0, &text).version > 0);
	strbuf_fini(&text);
	strbuf_fini(&line);
	streams_put(streams);
}

static struct batch *
numbered_batch(uint64_t number, const char *const *lines, size_t n)
{
	struct batch *made = batch_new(1, number << 12);

	for (size_t i = 0; i < n; i++)
		batch_add(made, slice_cstr(lines[i]), SLICE("p"), 1);
	return made;
}

/* Reads a batch in a lane and answers the value of a field in its line i. */
static const char *
read_batch(struct parser_lane *by, struct batch *lines, size_t i,
    const char *name)
{
	const struct parser_options options = { .ndjson = false };

	for (size_t k = 0; k < lines->n; k++) {
		parser_run(by, &options, &lines->events[k]);
		event_seal(&lines->events[k]);
	}
	return field(&lines->events[i], name);
}

static void
lanes_find_the_header_of_their_lines_in_any_order(void **state)
{
	static const char *const first[] = { "#fields\ta\tb", "1\t2" };
	static const char *const second[] = { "3\t4", "#fields\tx\ty",
		"5\t6", "<13>Nov 21 10:00:00 h prog: #fields\tm\tn" };
	static const char *const third[] = { "7\t8",
		"<13>Nov 21 10:00:00 h prog: 9\t10" };
	struct streams *streams = streams_new();
	struct parser_lane *ahead = parser_lane_new(set);
	struct batch *batches[3] = { numbered_batch(1, first, 2),
		numbered_batch(2, second, 4), numbered_batch(3, third, 2) };

	(void)state;
	streams_order(streams);
	parser_lane_share(lane, streams);
	parser_lane_share(ahead, streams);
	for (size_t i = 0; i < 3; i++)
		streams_see(streams, batches[i]);
	/* One lane reads the last batch before the other has begun. */
	assert_string_equal(read_batch(ahead, batches[2], 0, "z.x"), "7");
	assert_string_equal(field(&batches[2]->events[1], "z.m"), "9");
	assert_string_equal(read_batch(lane, batches[0], 1, "z.a"), "1");
	assert_string_equal(read_batch(ahead, batches[1], 0, "z.a"), "3");
	assert_string_equal(field(&batches[1]->events[2], "z.x"), "5");
	assert_string_equal(field(&batches[1]->events[1], "event.action"),
	    "log-header");
	for (size_t i = 0; i < 3; i++)
		batch_put(batches[i]);
	parser_lane_free(ahead);
	streams_put(streams);
}

static void
old_wordings_of_a_header_give_way(void **state)
{
	struct streams *streams = streams_new();
	struct strbuf text = STRBUF_INIT;
	struct stream_span span;
	char line[32];

	(void)state;
	streams_order(streams);
	for (uint64_t i = 1; i <= STREAM_VERSIONS + 2; i++) {
		snprintf(line, sizeof(line), "#fields\t%d", (int)i);
		streams_add(streams, SLICE("p"), i * 100, slice_cstr(line));
	}
	span = streams_find(streams, SLICE("p"), 5, &text);
	assert_string_equal(text.ptr, "#fields\t3\n");
	assert_int_equal(span.from, 0);
	assert_int_equal(span.upto, 399);
	strbuf_clear(&text);
	span = streams_find(streams, SLICE("p"), 10000, &text);
	assert_string_equal(text.ptr, "#fields\t6\n");
	assert_int_equal(span.from, 600);
	assert_true(span.upto == UINT64_MAX);
	/* Said again by a lane that lies behind: it is known. */
	streams_add(streams, SLICE("p"), 400, SLICE("#fields\t4"));
	assert_int_equal(span.version, streams_version(streams));
	strbuf_fini(&text);
	streams_put(streams);
}

static void
too_many_columns_are_none(void **state)
{
	struct strbuf line = STRBUF_INIT;

	(void)state;
	strbuf_puts(&line, "#fields");
	for (int i = 0; i <= STREAM_COLUMNS; i++)
		strbuf_puts(&line, "\ta");
	lane_line(line.ptr);
	assert_string_equal(field(lane_line(line.ptr + 8), "z.a"), "");
	strbuf_fini(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    zeek_columns_are_named_by_their_header, begin_zeek, end),
		cmocka_unit_test_setup_teardown(
		    a_line_of_other_width_is_none_of_the_stream, begin_zeek,
		    end),
		cmocka_unit_test_setup_teardown(
		    a_new_header_counts_from_its_line_on, begin_zeek, end),
		cmocka_unit_test_setup_teardown(
		    streams_of_peers_and_programs_are_apart, begin_zeek, end),
		cmocka_unit_test_setup_teardown(
		    lanes_that_share_know_the_same_headers, begin_zeek, end),
		cmocka_unit_test_setup_teardown(
		    w3c_columns_are_in_utc_and_blanks_come_back, begin_web,
		    end),
		cmocka_unit_test_setup_teardown(
		    the_header_chooses_the_definition, begin_web, end),
		cmocka_unit_test_setup_teardown(
		    a_definition_may_know_columns_without_a_header, begin_web,
		    end),
		cmocka_unit_test_setup_teardown(
		    commas_between_names_stand_between_values, begin_none,
		    end),
		cmocka_unit_test_setup_teardown(
		    lanes_find_the_header_of_their_lines_in_any_order,
		    begin_zeek, end),
		cmocka_unit_test(old_wordings_of_a_header_give_way),
		cmocka_unit_test_setup_teardown(too_many_columns_are_none,
		    begin_zeek, end),
		cmocka_unit_test(headers_are_bounded_and_replaced_by_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
