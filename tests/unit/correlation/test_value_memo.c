#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "correlation/value_memo.h"

static const uint32_t *keys;
static size_t n;

/* Asks for a value as an index would, and puts its length when asked to. */
static enum value_memo_answer
meet(struct value_memo *memo, const char *text, uint8_t type)
{
	struct slice s = slice_cstr(text);
	enum value_memo_answer answer;
	uint32_t key = (uint32_t)s.len;
	uint64_t hash;

	if (!value_memo_begin(memo, s, &hash))
		return MEMO_UNKNOWN;
	answer = value_memo_find(memo, s, type, hash, &keys, &n);
	if (answer == MEMO_WANTED)
		value_memo_put(memo, s, type, hash, &key, 1);
	return answer;
}

static void
a_value_is_kept_when_it_comes_again(void **state)
{
	struct value_memo memo = { 0 };

	(void)state;
	assert_int_equal(meet(&memo, "C:\\a.exe", 1), MEMO_UNKNOWN);
	assert_int_equal(meet(&memo, "C:\\a.exe", 1), MEMO_WANTED);
	assert_int_equal(meet(&memo, "C:\\a.exe", 1), MEMO_KNOWN);
	assert_int_equal(n, 1);
	assert_int_equal(keys[0], 8);
	assert_int_not_equal(meet(&memo, "C:\\a.exe", 2), MEMO_KNOWN);
	assert_int_not_equal(meet(&memo, "C:\\b.exe", 1), MEMO_KNOWN);
	value_memo_fini(&memo);
}

static void
values_that_are_long_or_lead_far_are_not_kept(void **state)
{
	uint32_t many[VALUE_MEMO_KEYS + 1] = { 0 };
	char text[VALUE_MEMO_BYTES + 2];
	struct value_memo memo = { 0 };
	struct slice s = SLICE("value");
	uint64_t hash;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 3; i++)
		assert_int_equal(meet(&memo, text, 1), MEMO_UNKNOWN);
	assert_true(value_memo_begin(&memo, s, &hash));
	value_memo_find(&memo, s, 1, hash, &keys, &n);
	value_memo_put(&memo, s, 1, hash, many, VALUE_MEMO_KEYS + 1);
	assert_int_equal(meet(&memo, "value", 1), MEMO_WANTED);
	value_memo_fini(&memo);
}

/* Any answer is that of the value itself, however many there are, and values
 * that come often are found among many that come once. */
static void
answers_are_those_of_the_value(void **state)
{
	struct value_memo memo = { 0 };
	size_t known = 0;
	char text[32];

	(void)state;
	srand(1);
	for (int i = 0; i < 40000; i++) {
		snprintf(text, sizeof(text), "%0*d", 1 + rand() % 20,
		    rand() % 3 == 0 ? i : rand() % 50);
		if (meet(&memo, text, 1) == MEMO_KNOWN) {
			assert_int_equal(keys[0], strlen(text));
			known++;
		}
	}
	assert_true(known > 10000);
	value_memo_fini(&memo);
}

static void
where_nothing_comes_again_we_stop_asking(void **state)
{
	struct value_memo memo = { 0 };
	size_t asked = 0;
	uint64_t hash;
	char text[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "value %d", i);
		asked += value_memo_begin(&memo, slice_cstr(text), &hash);
	}
	assert_true(asked < 8000);
	for (int i = 0; i < 60000; i++)
		meet(&memo, "always the same", 1);
	assert_int_equal(meet(&memo, "always the same", 1), MEMO_KNOWN);
	value_memo_fini(&memo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_kept_when_it_comes_again),
		cmocka_unit_test(values_that_are_long_or_lead_far_are_not_kept),
		cmocka_unit_test(answers_are_those_of_the_value),
		cmocka_unit_test(where_nothing_comes_again_we_stop_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
