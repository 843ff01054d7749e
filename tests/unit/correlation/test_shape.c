#include "rule_try.h"

#include "engine/strbuf.h"
#include "engine/timeparse.h"

static struct batch *batch;

static void
renew_batch(void)
{
	if (batch != NULL)
		batch_put(batch);
	batch = batch_new(1, 0);
}

static struct event *
shaped(const char *json)
{
	struct event *event;

	renew_batch();
	event = batch_add(batch, slice_cstr(json), SLICE("p"), 0);
	assert_true(shape_event(event));
	return event;
}

static const char *
text_at(const struct event *event, const char *name)
{
	static char out[256];
	char buf[VALUE_TEXT_BYTES];
	struct slice text = event_text(event, field_find(slice_cstr(name)),
	    buf);

	snprintf(out, sizeof(out), "%.*s", (int)text.len, text.ptr);
	return out;
}

static void
objects_become_dotted_names_and_arrays_lists(void **state)
{
	const struct event *event = shaped("{\"_logsource\":{\"product\":"
	    "\"P\"},\"a\":{\"b\":[{\"c\":\"y\"},{\"c\":\"x\"}]},"
	    "\"d\":[1,2],\"e\":null,\"f\\u0041\":\"\\u00e4\"}");
	const struct value *list = event_get(event,
	    field_find(SLICE("a.b.c")));

	(void)state;
	assert_true(slice_eq(logsource_at(event->logsource)->product,
	    SLICE("p")));
	assert_int_equal(list->type, VALUE_LIST);
	assert_int_equal(list->len, 2);
	assert_int_equal(event_get(event, field_find(SLICE("d")))->len, 2);
	assert_int_equal(event_get(event, field_find(SLICE("e")))->type,
	    VALUE_NULL);
	assert_string_equal(text_at(event, "fA"), "\xc3\xa4");
}

static void
evtx_events_are_named_as_shippers_name_them(void **state)
{
	const struct event *event = shaped("{\"Event\":{\"System\":{"
	    "\"Provider\":{\"#attributes\":{\"Name\":\"N\"}},\"EventID\":{"
	    "\"#text\":11},\"TimeCreated\":{\"#attributes\":{\"SystemTime\":"
	    "\"2026-01-02T03:04:05.5Z\"}},\"Channel\":\"C\",\"Security\":{"
	    "\"#attributes\":{\"UserID\":\"S-1\"}}},\"EventData\":{"
	    "\"Threat Name\":\"T\",\"Data\":[\"x\",\"y\"]}}}");
	char buf[TIME_TEXT_BYTES];

	(void)state;
	assert_true(slice_eq(logsource_at(event->logsource)->product,
	    SLICE("windows")));
	assert_string_equal(text_at(event, "winlog.provider_name"), "N");
	assert_string_equal(text_at(event, "winlog.event_id"), "11");
	assert_string_equal(text_at(event, "winlog.channel"), "C");
	assert_string_equal(text_at(event, "Security_UserID"), "S-1");
	assert_string_equal(text_at(event, "winlog.event_data.ThreatName"),
	    "T");
	assert_string_equal(text_at(event, "winlog.event_data.Data"), "x");
	assert_true(event->has_time);
	assert_true(slice_eq(time_format_rfc3339(event->time_ns, buf),
	    SLICE("2026-01-02T03:04:05.500Z")));
}

static void
the_best_time_is_taken_and_bad_ones_are_not(void **state)
{
	char buf[TIME_TEXT_BYTES];
	const struct event *event = shaped("{\"UtcTime\":"
	    "\"2026-01-02 03:04:05.123\",\"timestamp\":\"soon\"}");

	(void)state;
	assert_true(slice_eq(time_format_rfc3339(event->time_ns, buf),
	    SLICE("2026-01-02T03:04:05.123Z")));
	event = shaped("{\"timestamp\":\"2026-01-02T03:04:06Z\","
	    "\"@timestamp\":\"2026-01-02T03:04:07Z\"}");
	assert_true(slice_eq(time_format_rfc3339(event->time_ns, buf),
	    SLICE("2026-01-02T03:04:07.000Z")));
	event = shaped("{\"ts\":1767323046.5}");
	assert_true(slice_eq(time_format_rfc3339(event->time_ns, buf),
	    SLICE("2026-01-02T03:04:06.500Z")));
	event = shaped("{\"timestamp\":\"soon\"}");
	assert_false(event->has_time);
}

static void
what_is_no_object_has_no_values(void **state)
{
	static const char *const lines[] = { "", "[1]", "7", "{\"a\":",
	    "{\"a\":1} x", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct event *event;

		renew_batch();
		event = batch_add(batch, slice_cstr(lines[i]), SLICE("p"), 0);
		assert_false(shape_event(event));
		assert_true(event->sealed);
		assert_int_equal(event->logsource, 0);
	}
}

/* Remembered names change nothing: the second reading finds them. */
static void
names_that_are_remembered_mean_the_same(void **state)
{
	static const char *const lines[] = {
		"{\"Channel\":\"Security\",\"EventID\":1,\"a\":[1,{\"b\":2},3]}",
		"{\"Event\":{\"System\":{\"Channel\":\"X\"},\"EventData\":"
		"{\"Threat Name\":\"t\"}},\"Channel\":\"c\"}",
		"{\"winlog\":{\"event_data\":{\"A\":\"1\"}},\"Event\":\"e\"}",
		"{\"Event\":{\"EventData\":{\"Data\":[\"x\",\"y\"]}}}",
		"{\"a\":{\"\":{\"b\":1}},\"a.b\":2,\"\":{\"c\":3},"
		"\"\\u0061\":{\"d\":null},\"_logsource\":{\"product\":\"p\"}}",
		"{\"UtcTime\":\"2026-01-02 03:04:05.6\",\"a\":1,\"a\":2}",
	};
	struct shape_names *names = shape_names_new();
	struct strbuf plain = STRBUF_INIT, named = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(lines) / sizeof(lines[0]); i++) {
		const char *line = lines[i % (sizeof(lines) /
		    sizeof(lines[0]))];
		struct event *event = shaped(line);
		uint16_t logsource = event->logsource;

		strbuf_clear(&plain);
		strbuf_clear(&named);
		event_json(&plain, event, false);
		renew_batch();
		event = batch_add(batch, slice_cstr(line), SLICE("p"), 0);
		assert_true(shape_event_named(names, event));
		event_json(&named, event, false);
		assert_string_equal(plain.ptr, named.ptr);
		assert_int_equal(logsource, event->logsource);
	}
	strbuf_fini(&plain);
	strbuf_fini(&named);
	shape_names_free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_become_dotted_names_and_arrays_lists),
		cmocka_unit_test(evtx_events_are_named_as_shippers_name_them),
		cmocka_unit_test(the_best_time_is_taken_and_bad_ones_are_not),
		cmocka_unit_test(what_is_no_object_has_no_values),
		cmocka_unit_test(names_that_are_remembered_mean_the_same),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	batch_put(batch);
	return failed;
}
