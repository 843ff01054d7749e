#include "engine/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/batch.h"
#include "engine/strbuf.h"

static int
make_batch(void **state)
{
	*state = batch_new(7, 1000);
	return 0;
}

static int
put_batch(void **state)
{
	batch_put(*state);
	return 0;
}

static struct event *
an_event(struct batch *batch)
{
	return batch_add(batch, SLICE("a line"), SLICE("192.0.2.1:514"),
	    INT64_C(1700000000000000000));
}

static void
last_value_wins_and_order_does_not_matter(void **state)
{
	struct event *event = an_event(*state);
	field_t own = field_intern(SLICE("acme.zeta"));
	char buf[VALUE_TEXT_BYTES];

	assert_true(event_set(event, own, value_long(1)));
	assert_true(event_set(event, FIELD_USER_NAME,
	    value_text(SLICE("eve"), TRANSFORM_NONE)));
	assert_true(event_set_text(event, FIELD_SOURCE_IP,
	    SLICE("192.0.2.9"), TRANSFORM_NONE));
	assert_true(event_set(event, FIELD_USER_NAME,
	    value_text(SLICE("bob"), TRANSFORM_NONE)));
	assert_int_equal(event->n, 3);
	for (int pass = 0; pass < 2; pass++) {
		assert_true(slice_eq(event_text(event, FIELD_USER_NAME, buf),
		    SLICE("bob")));
		assert_int_equal(event_get(event, own)->u.num, 1);
		assert_int_equal(event_get(event, FIELD_SOURCE_IP)->u.num,
		    0xc0000209);
		assert_null(event_get(event, FIELD_DESTINATION_IP));
		if (pass == 0)
			event_seal(event);
	}
	for (unsigned i = 1; i < event->n; i++)
		assert_true(event->fields[i - 1] < event->fields[i]);
}

static void
text_that_does_not_fit_is_refused(void **state)
{
	struct event *event = an_event(*state);

	assert_false(event_set_text(event, FIELD_SOURCE_IP,
	    SLICE("example.com"), TRANSFORM_NONE));
	assert_false(event_set_text(event, FIELD_SOURCE_PORT, SLICE(""),
	    TRANSFORM_NONE));
	assert_int_equal(event->n, 0);
}

static void
lists_keep_equal_members_once(void **state)
{
	struct event *event = an_event(*state);
	const struct value *list;

	for (int i = 0; i < 50; i++)
		assert_true(event_append(event, FIELD_DNS_ANSWERS_DATA,
		    value_long(i % 20)));
	list = event_get(event, FIELD_DNS_ANSWERS_DATA);
	assert_int_equal(list->type, VALUE_LIST);
	assert_int_equal(list->len, 20);
	assert_int_equal(list->u.items[19].u.num, 19);
	event_set(event, FIELD_USER_NAME,
	    value_text(SLICE("a"), TRANSFORM_NONE));
	event_append(event, FIELD_USER_NAME,
	    value_text(SLICE("b"), TRANSFORM_NONE));
	assert_int_equal(event_get(event, FIELD_USER_NAME)->len, 2);
}

static void
a_full_event_is_tagged_and_still_answers(void **state)
{
	struct event *event = an_event(*state);
	char name[32];
	int set = 0;

	for (int i = 1199; i >= 0; i--) {
		int n = snprintf(name, sizeof(name), "many.f%d", i);

		set += event_set(event,
		    field_intern(slice_of(name, (size_t)n)), value_long(i));
	}
	assert_int_equal(set, EVENT_FIELDS);
	assert_true((event->tags >> EVENT_TAG_FIELDS_CAPPED & 1) != 0);
	event_unset(event, field_find(SLICE("many.f1199")));
	assert_null(event_get(event, field_find(SLICE("many.f1199"))));
	event_seal(event);
	for (int i = 1198; i > 1199 - EVENT_FIELDS; i--) {
		int n = snprintf(name, sizeof(name), "many.f%d", i);

		assert_int_equal(event_get(event, field_find(
		    slice_of(name, (size_t)n)))->u.num, i);
	}
	assert_non_null(event_get(event, FIELD_TAGS));
	assert_false(event_get(event, FIELD_TAGS)->u.items == NULL);
}

static struct event *
fill(struct event *event, int n)
{
	char name[32];

	for (int i = 0; i < n; i++) {
		int len = snprintf(name, sizeof(name), "full.f%d", i);

		event_set(event, field_intern(slice_of(name, (size_t)len)),
		    value_long(i));
	}
	return event;
}

static void
a_full_event_keeps_its_tags_and_its_hits(void **state)
{
	struct event *event = fill(an_event(*state), EVENT_FIELDS + 1);
	const struct value *tags;

	event_seal(event);
	tags = event_get(event, FIELD_TAGS);
	assert_non_null(tags);
	assert_int_equal(tags->len, 1);
	event->batch->phase = BATCH_PARSED;
	event_set_sealed(event, FIELD_YAGURA_HITS, value_long(1));
	assert_int_equal(event->n, EVENT_FIELDS_MOST);
	assert_int_equal(event_get(event, FIELD_YAGURA_HITS)->u.num, 1);
	assert_int_equal(event_get(event,
	    field_find(SLICE("full.f1023")))->u.num, 1023);
}

static void
writes_json_with_time_first(void **state)
{
	struct event *event = an_event(*state);
	struct strbuf buf = STRBUF_INIT;

	event->raw = SLICE("quote \" and \xff");
	event_set(event, FIELD_USER_NAME,
	    value_text(SLICE("eve\n"), TRANSFORM_NONE));
	event_set(event, FIELD_EVENT_KIND,
	    value_text(SLICE("event"), TRANSFORM_OWNED));
	event_tag(event, EVENT_TAG_UNPARSED);
	event_seal(event);
	event_json(&buf, event, true);
	assert_string_equal(buf.ptr,
	    "{\"@timestamp\":\"2023-11-14T22:13:20.000Z\","
	    "\"event.ingested\":\"2023-11-14T22:13:20.000Z\","
	    "\"event.id\":\"0000000700000000000003e8\","
	    "\"event.original\":\"quote \\\" and \\\\xff\","
	    "\"event.kind\":\"event\",\"tags\":[\"unparsed\"],"
	    "\"user.name\":\"eve\\n\"}");
	strbuf_fini(&buf);
}

static void
members_of_the_struct_are_values_too(void **state)
{
	struct event *event = an_event(*state);
	struct value value;

	assert_true(event_value(event, FIELD_TIMESTAMP, &value));
	assert_int_equal(value.type, VALUE_TIME);
	assert_true(event_value(event, FIELD_EVENT_ORIGINAL, &value));
	assert_int_equal(value.len, 6);
	assert_true(event_value(event, FIELD_EVENT_ID, &value));
	assert_int_equal(value.len, 24);
	assert_false(event_value(event, FIELD_TAGS, &value));
	event_tag(event, EVENT_TAG_PARSE_PARTIAL);
	assert_true(event_value(event, FIELD_TAGS, &value));
	assert_int_equal(value.len, 1);
}

/* Two kinds that look alike where the memory of orders looks: only the first
 * field differs. */
static void
the_order_of_one_kind_is_not_taken_for_that_of_another(void **state)
{
	const field_t tails[] = { FIELD_USER_NAME, FIELD_EVENT_CODE,
	    FIELD_SOURCE_IP, FIELD_EVENT_ACTION, FIELD_HOST_NAME };
	const field_t firsts[] = { FIELD_MESSAGE, FIELD_URL_PATH };

	for (int i = 0; i < 6; i++) {
		struct event *event = an_event(*state);

		event_set(event, firsts[i % 2], value_long(firsts[i % 2]));
		for (size_t k = 0; k < 5; k++)
			event_set(event, tails[k], value_long(tails[k]));
		event_seal(event);
		assert_int_equal(event->n, 6);
		for (unsigned k = 0; k < event->n; k++) {
			assert_true(k == 0 ||
			    event->fields[k - 1] < event->fields[k]);
			assert_int_equal(event->values[k].u.num,
			    event->fields[k]);
		}
		assert_null(event_get(event, firsts[(i + 1) % 2]));
	}
}

/* More than the memory of orders holds. */
static void
long_events_are_sorted_too(void **state)
{
	struct event *event = an_event(*state);
	char name[24];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "acme.long%d", i * 37 % 200);
		event_set(event, field_intern(slice_cstr(name)),
		    value_long(i));
	}
	event_set(event, FIELD_MESSAGE, value_long(-1));
	event_seal(event);
	assert_int_equal(event->n, 201);
	for (unsigned i = 1; i < event->n; i++)
		assert_true(event->fields[i - 1] < event->fields[i]);
	assert_int_equal(event_get(event, FIELD_MESSAGE)->u.num, -1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_batch, put_batch)
	const struct CMUnitTest tests[] = {
		TEST(last_value_wins_and_order_does_not_matter),
		TEST(text_that_does_not_fit_is_refused),
		TEST(lists_keep_equal_members_once),
		TEST(a_full_event_is_tagged_and_still_answers),
		TEST(a_full_event_keeps_its_tags_and_its_hits),
		TEST(writes_json_with_time_first),
		TEST(members_of_the_struct_are_values_too),
		TEST(the_order_of_one_kind_is_not_taken_for_that_of_another),
		TEST(long_events_are_sorted_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
