#include "engine/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/arena.h"
#include "engine/strbuf.h"

static bool
fits(const char *text, enum value_type type, struct value *out)
{
	return value_parse(slice_cstr(text), TRANSFORM_NONE, type, out);
}

static void
text_takes_its_type_or_stays_text(void **state)
{
	struct value value;

	(void)state;
	assert_true(fits("443", VALUE_LONG, &value));
	assert_int_equal(value.type, VALUE_LONG);
	assert_int_equal(value.u.num, 443);
	assert_false(fits("443/tcp", VALUE_LONG, &value));
	assert_int_equal(value.type, VALUE_TEXT);
	assert_int_equal(value.len, 7);
	assert_true(fits("192.0.2.1", VALUE_IP, &value));
	assert_int_equal(value.u.num, 0xc0000201);
	assert_true(fits("::FFFF:192.0.2.1", VALUE_IP, &value));
	assert_int_equal(value.u.num, 0xc0000201);
	assert_int_equal(value.len, 9);	/* as everybody else writes it */
	assert_true(fits("2001:db8::1", VALUE_IP, &value));
	assert_int_equal(value.u.num, -1);
	assert_false(fits("-", VALUE_IP, &value));
	assert_true(fits("YES", VALUE_BOOL, &value));
	assert_int_equal(value.u.num, 1);
	assert_true(fits("1e3", VALUE_DOUBLE, &value));
	assert_true(fits("2026-11-21T10:00:00Z", VALUE_TIME, &value));
	assert_false(fits("yesterday", VALUE_TIME, &value));
	assert_false(fits("", VALUE_NULL, &value));
}

static void
values_are_written_as_json(void **state)
{
	struct value items[] = { value_long(-5), value_bool(true),
		value_double(0.1), value_time(0),
		value_text(SLICE("a\"b"), TRANSFORM_NONE), { 0 },
		value_double(1e300 * 1e300) };
	struct value list = value_list(items, 7);
	struct strbuf buf = STRBUF_INIT;

	(void)state;
	value_json(&buf, &list);
	assert_string_equal(buf.ptr, "[-5,true,0.1,"
	    "\"1970-01-01T00:00:00.000Z\",\"a\\\"b\",null,null]");
	strbuf_fini(&buf);
}

static void
numbers_keep_the_text_they_came_as(void **state)
{
	char buf[VALUE_TEXT_BYTES];
	struct value value;

	(void)state;
	assert_true(fits("007", VALUE_LONG, &value));
	assert_true(slice_eq(value_as_text(&value, buf), SLICE("007")));
	value = value_long(INT64_MIN);
	assert_true(slice_eq(value_as_text(&value, buf),
	    SLICE("-9223372036854775808")));
	value = value_double(1.0 / 3);
	assert_true(slice_eq(value_as_text(&value, buf),
	    SLICE("0.3333333333333333")));
	value = value_bool(false);
	assert_true(slice_eq(value_as_text(&value, buf), SLICE("false")));
}

static void
copies_stand_alone(void **state)
{
	struct arena *arena = arena_new(0);
	char text[] = "abc";
	struct value items[2] = { value_text(slice_cstr(text),
	    TRANSFORM_NONE), value_long(7) };
	struct value list = value_list(items, 2);
	struct value copy = value_dup(arena, &list);

	(void)state;
	assert_true(value_same(&copy, &list));
	text[0] = 'x';
	assert_false(value_same(&copy, &list));
	assert_memory_equal(copy.u.items[0].text, "abc", 3);
	assert_int_equal(value_members(&copy), 2);
	assert_ptr_equal(value_member(items, 0), items);
	arena_free(arena);
}

static void
addresses_answer_their_bytes(void **state)
{
	struct value value;
	uint8_t ip[16];

	(void)state;
	assert_true(fits("192.0.2.1", VALUE_IP, &value));
	assert_true(value_as_ip(&value, ip));
	assert_int_equal(ip[10], 0xff);
	assert_int_equal(ip[12], 192);
	assert_int_equal(ip[15], 1);
	assert_true(fits("2001:db8::1", VALUE_IP, &value));
	assert_true(value_as_ip(&value, ip));
	assert_int_equal(ip[0], 0x20);
	value = value_long(5);
	assert_false(value_as_ip(&value, ip));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_takes_its_type_or_stays_text),
		cmocka_unit_test(values_are_written_as_json),
		cmocka_unit_test(numbers_keep_the_text_they_came_as),
		cmocka_unit_test(copies_stand_alone),
		cmocka_unit_test(addresses_answer_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
