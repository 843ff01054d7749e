/* From keys to fields: what becomes of a key that holds several values. */
#include "tests/unit/parsers/lane.h"

static const char definitions[] =
"name: box_json\n"
"match: {keys: [box]}\n"
"decode: json\n"
"prefix: box\n"
"keys: {tag: rule.name, ip: source.ip, low: {to: user.name, lower: true}}\n"
"---\n"
"name: box_kv\n"
"match: {contains: ['box=']}\n"
"decode: kv\n"
"prefix: box\n"
"keys: {tag: rule.name, user: {to: user.name}}\n"
"set: {event.action: x}\n"
"copy: {rule.category: rule.name}\n";

static int
begin(void **state)
{
	(void)state;
	lane_begin(definitions);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	lane_end();
	return 0;
}

static const struct value *
value_of(const char *line, const char *name)
{
	return event_get(lane_line(line), field_find(slice_cstr(name)));
}

static void
members_are(const struct value *value, const char *const *want, size_t n)
{
	char buf[VALUE_TEXT_BYTES];

	assert_non_null(value);
	assert_int_equal(value_members(value), n);
	for (size_t i = 0; i < n; i++)
		assert_true(slice_eq(value_as_text(value_member(value, i),
		    buf), slice_cstr(want[i])));
}

static void
a_field_takes_all_members_of_a_list(void **state)
{
	static const char *const tags[] = { "one", "two", "three" };
	static const char *const ips[] = { "192.0.2.1", "192.0.2.2" };

	(void)state;
	members_are(value_of("{\"box\":1,\"tag\":[\"one\",\"two\",\"three\"]}",
	    "rule.name"), tags, 3);
	members_are(value_of("{\"box\":1,\"ip\":[\"192.0.2.1\",\"-\","
	    "\"192.0.2.2\"]}", "source.ip"), ips, 2);
	members_are(value_of("box=1 tag=one tag=two tag=three", "rule.name"),
	    tags, 3);
	members_are(value_of("box=1 tag=one tag=two tag=three",
	    "rule.category"), tags, 3);
}

static void
one_member_alone_is_no_list(void **state)
{
	(void)state;
	assert_int_equal(value_of("{\"box\":1,\"tag\":[\"one\"]}",
	    "rule.name")->type, VALUE_TEXT);
	assert_int_equal(value_of("box=1 tag=one", "rule.name")->type,
	    VALUE_TEXT);
}

static void
what_is_changed_member_by_member_keeps_all(void **state)
{
	static const char *const users[] = { "ana", "eve" };

	(void)state;
	members_are(value_of("{\"box\":1,\"low\":[\"Ana\",\"EVE\"]}",
	    "user.name"), users, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_takes_all_members_of_a_list),
		cmocka_unit_test(one_member_alone_is_no_list),
		cmocka_unit_test(what_is_changed_member_by_member_keeps_all),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
