/* Records in XML. */
#include "tests/unit/parsers/lane.h"

#include "engine/strbuf.h"

static const char definitions[] =
"name: acme_xml\n"
"match: {contains: ['<rec']}\n"
"decode: xml\n"
"prefix: ''\n"
"keys: {nested.key: {to: nested.key, decode: xml, prefix: inner}}\n";

static const char in_json[] =
"name: acme_json\n"
"match: {keys: [acme]}\n"
"decode: json\n"
"prefix: j\n"
"keys: {acme: {decode: xml, prefix: x}}\n";

static int
begin(void **state)
{
	(void)state;
	lane_begin(definitions);
	return 0;
}

static int
begin_json(void **state)
{
	(void)state;
	lane_begin(in_json);
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
names_come_from_elements_and_attributes(void **state)
{
	const struct event *e;

	(void)state;
	e = lane_line("<?xml version='1.0'?><!-- a < b --><rec kind='k'>"
	    "<n:a b=\"c\" xmlns:n='urn:x'>d</n:a><e><f/><g>1</g>\n <g>2</g>"
	    "</e></rec>");
	assert_string_equal(field(e, "yagura.parser"), "acme_xml");
	assert_string_equal(field(e, "kind"), "k");
	assert_string_equal(field(e, "a"), "d");
	assert_string_equal(field(e, "a.b"), "c");
	assert_string_equal(field(e, "e.g"), "1|2");
	assert_string_equal(field(e, "e.f"), "");
	assert_string_equal(field(e, "tags"), "time_missing");
}

static void
data_elements_are_called_by_their_name(void **state)
{
	const struct event *e = lane_line("<13>Nov 20 10:00:00 h p: <rec><D>"
	    "<Data Name='X'>1</Data><Data>2</Data><Data Name=''>3</Data>"
	    "<ComplexData Name='Y'>4</ComplexData></D></rec>");

	(void)state;
	assert_string_equal(field(e, "D.X"), "1");
	assert_string_equal(field(e, "D.Data"), "2|3");
	assert_string_equal(field(e, "D.Y"), "4");
	assert_string_equal(field(e, "host.name"), "h");
}

static void
entities_are_undone_once_and_only_known_ones(void **state)
{
	const struct event *e = lane_line("<rec><a>&lt;&amp;lt;&quot;&apos;"
	    "&#65;&#x3042;</a><b>&bomb; &#0; &#x110000; & &#</b>"
	    "<c x='&gt;'/><d><![CDATA[<&amp;>]]></d></rec>");
	const struct value *value = event_get(e, field_find(SLICE("a")));

	(void)state;
	assert_string_equal(field(e, "a"), "<&lt;\"'A\343\201\202");
	assert_int_equal(value->transform, TRANSFORM_XML);
	assert_string_equal(field(e, "b"), "&bomb; &#0; &#x110000; & &#");
	assert_string_equal(field(e, "c.x"), ">");
	assert_string_equal(field(e, "d"), "<&amp;>");
}

static void
a_dtd_is_not_read(void **state)
{
	const struct event *e = lane_line("<!DOCTYPE rec [<!ENTITY a 'b'>]>"
	    "<rec><a>&a;</a></rec>");

	(void)state;
	assert_string_equal(field(e, "a"), "");
	assert_string_equal(field(e, "tags"), "time_missing|parse_partial");
}

static void
what_breaks_off_is_kept_as_far_as_it_goes(void **state)
{
	static const char *const broken[] = { "<rec><a>1</a><b", "<rec><a>1"
	    "</a><b>2", "<rec><a>1</a><b c=", "<rec><a>1</a><b c='",
	    "<rec><a>1</a><!--", "<rec><a>1</a><![CDATA[x", "<rec><a>1</a>",
	    "<rec><a>1</a><?", "<rec><a>1</a></rec" };

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		const struct event *e = lane_line(broken[i]);

		assert_string_equal(field(e, "a"), "1");
		assert_string_equal(field(e, "tags"),
		    "time_missing|parse_partial");
	}
	assert_string_equal(field(lane_line("<rec"), "tags"),
	    "time_missing|parse_partial");
}

static void
depth_and_values_are_bounded(void **state)
{
	struct strbuf line = STRBUF_INIT;
	const struct event *e;

	(void)state;
	strbuf_puts(&line, "<rec><k>1</k>");
	for (int i = 0; i < 100; i++)
		strbuf_puts(&line, "<a>");
	e = lane_line(line.ptr);
	assert_string_equal(field(e, "k"), "1");
	assert_string_equal(field(e, "tags"), "time_missing|parse_partial");
	strbuf_clear(&line);
	strbuf_puts(&line, "<rec>");
	for (int i = 0; i < 5000; i++)
		strbuf_puts(&line, "<a>1</a>");
	strbuf_puts(&line, "</rec>");
	e = lane_line(line.ptr);
	assert_string_equal(field(e, "tags"), "time_missing|fields_capped");
	strbuf_fini(&line);
}

static void
xml_in_json_is_decoded_further(void **state)
{
	const struct event *e = lane_line("{\"acme\":\"<r><a b=\\\"c\\\">"
	    "d &amp; e</a></r>\"}");

	(void)state;
	assert_string_equal(field(e, "yagura.parser"), "acme_json");
	assert_string_equal(field(e, "j.x.a"), "d & e");
	assert_string_equal(field(e, "j.x.a.b"), "c");
	assert_int_equal(event_get(e, field_find(SLICE("j.x.a")))->transform,
	    TRANSFORM_OWNED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    names_come_from_elements_and_attributes, begin, end),
		cmocka_unit_test_setup_teardown(
		    data_elements_are_called_by_their_name, begin, end),
		cmocka_unit_test_setup_teardown(
		    entities_are_undone_once_and_only_known_ones, begin, end),
		cmocka_unit_test_setup_teardown(a_dtd_is_not_read, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    what_breaks_off_is_kept_as_far_as_it_goes, begin, end),
		cmocka_unit_test_setup_teardown(depth_and_values_are_bounded,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    xml_in_json_is_decoded_further, begin_json, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
