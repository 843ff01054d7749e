#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "engine/ip.h"
#include "engine/pred.h"

struct fixture {
	struct batch *batch;
	struct event *event;
	struct arena *arena;
	struct pred_scratch *scratch;
	field_t	 f, g;
};

static int
setup(void **state)
{
	static struct fixture fixture;

	fixture.batch = batch_new(1, 0);
	fixture.event = batch_add(fixture.batch,
	    SLICE("Jan 1 sshd[7]: Failed password for root_x"), SLICE("p"), 0);
	fixture.arena = arena_new(0);
	fixture.scratch = pred_scratch_new();
	fixture.f = field_intern(SLICE("test.f"));
	fixture.g = field_intern(SLICE("test.g"));
	*state = &fixture;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	batch_put(f->batch);
	arena_free(f->arena);
	pred_scratch_free(f->scratch);
	return 0;
}

static struct value
text(const char *s)
{
	return value_text(slice_cstr(s), TRANSFORM_NONE);
}

static struct pred
pattern(struct fixture *f, const char *s, bool cased)
{
	struct pred pred = { .cased = cased, .nfields = 1,
	    .fields = { f->f } };
	glob_unit unit[128];

	pred_set_pattern(&pred, f->arena, unit,
	    glob_read(unit, slice_cstr(s)));
	return pred;
}

static bool
holds(struct fixture *f, struct pred pred)
{
	return pred_holds(&pred, f->event, f->scratch);
}

static void
a_pattern_takes_the_cheapest_operator(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pattern(f, "ab", false).op, PRED_EQ);
	assert_int_equal(pattern(f, "ab*", false).op, PRED_STARTS);
	assert_int_equal(pattern(f, "*ab", false).op, PRED_ENDS);
	assert_int_equal(pattern(f, "**ab*", false).op, PRED_CONTAINS);
	assert_int_equal(pattern(f, "a*b", false).op, PRED_GLOB);
	assert_int_equal(pattern(f, "*a?", false).op, PRED_GLOB);
	assert_int_equal(pattern(f, "*", false).op, PRED_CONTAINS);
	assert_int_equal(pattern(f, "", false).op, PRED_EQ);
}

static void
text_compares_without_case_unless_told(void **state)
{
	struct fixture *f = *state;

	event_set(f->event, f->f, text("\xc3\x84PFEL Kuchen"));
	event_seal(f->event);
	assert_true(holds(f, pattern(f, "\xc3\xa4pfel kuchen", false)));
	assert_true(holds(f, pattern(f, "*KUCHEN", false)));
	assert_false(holds(f, pattern(f, "*KUCHEN", true)));
	assert_true(holds(f, pattern(f, "*Kuchen", true)));
	assert_true(holds(f, pattern(f, "?pfel*", false)));
}

static void
any_member_of_a_list_will_do(void **state)
{
	struct fixture *f = *state;

	event_append(f->event, f->f, text("one"));
	event_append(f->event, f->f, text("TWO"));
	event_seal(f->event);
	assert_true(holds(f, pattern(f, "two", false)));
	assert_false(holds(f, pattern(f, "three", false)));
}

static void
the_first_field_that_is_there_is_compared(void **state)
{
	struct fixture *f = *state;
	struct pred pred = pattern(f, "x", false);

	pred.nfields = 2;
	pred.fields[1] = f->g;
	event_set(f->event, f->g, text("x"));
	event_seal(f->event);
	assert_true(holds(f, pred));
	pred.fields[0] = f->g;
	pred.fields[1] = f->f;
	assert_true(holds(f, pred));
}

static void
null_is_there_but_equals_nothing(void **state)
{
	struct fixture *f = *state;
	struct pred pred = { .op = PRED_EXISTS, .nfields = 1,
	    .fields = { f->f } };

	event_set(f->event, f->f, (struct value){ .type = VALUE_NULL });
	event_seal(f->event);
	assert_true(holds(f, pred));
	assert_false(holds(f, pattern(f, "*", false)));
	pred.op = PRED_NULL;
	assert_true(holds(f, pred));
	pred.fields[0] = f->g;
	assert_true(holds(f, pred));
	pred.op = PRED_EXISTS;
	assert_false(holds(f, pred));
}

static void
a_number_equals_its_decimal_text_and_large_ones_stay_exact(void **state)
{
	struct fixture *f = *state;
	struct pred pred = { .op = PRED_EQ, .has_number = true,
	    .number = 4624, .text = SLICE("4624") };
	struct value value = text("4624");

	assert_true(pred_value_holds(&pred, &value, f->scratch));
	value = value_double(4624.0);
	assert_true(pred_value_holds(&pred, &value, f->scratch));
	value = text("4624x");
	assert_false(pred_value_holds(&pred, &value, f->scratch));
	pred.number = 9007199254740993.0;
	pred.text = SLICE("9007199254740993");
	value = text("9007199254740992");
	assert_false(pred_value_holds(&pred, &value, f->scratch));
}

static void
orders_numbers_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct pred pred = { .op = PRED_GT, .has_number = true, .number = 10 };
	struct value value = text("10.5");

	assert_true(pred_value_holds(&pred, &value, f->scratch));
	value = value_long(10);
	assert_false(pred_value_holds(&pred, &value, f->scratch));
	pred.op = PRED_GE;
	assert_true(pred_value_holds(&pred, &value, f->scratch));
	pred.op = PRED_LT;
	value = text("ten");
	assert_false(pred_value_holds(&pred, &value, f->scratch));
}

static void
networks_hold_addresses_of_both_kinds(void **state)
{
	struct fixture *f = *state;
	struct cidr cidr;
	struct pred pred = { .op = PRED_CIDR, .cidr = &cidr };
	struct value value = text("10.255.0.1");

	assert_true(cidr_parse(SLICE("10.0.0.0/8"), &cidr));
	assert_true(pred_value_holds(&pred, &value, f->scratch));
	value = text("fe80::1");
	assert_false(pred_value_holds(&pred, &value, f->scratch));
	assert_true(cidr_parse(SLICE("fe80::/10"), &cidr));
	assert_true(pred_value_holds(&pred, &value, f->scratch));
	value = text("x");
	assert_false(pred_value_holds(&pred, &value, f->scratch));
}

static void
keywords_look_into_own_values_only(void **state)
{
	struct fixture *f = *state;
	struct pred pred = pattern(f, "*needle*", false);

	pred.nfields = 0;
	event_set(f->event, f->f, value_text(SLICE("a needle"),
	    TRANSFORM_OWNED));
	event_append(f->event, f->g, text("hay"));
	assert_false(pred_holds(&pred, f->event, f->scratch));
	event_append(f->event, f->g, text("NEEDLES"));
	event_seal(f->event);
	assert_true(pred_holds(&pred, f->event, f->scratch));
}

static void
words_end_at_their_edges_and_phrases_do_not(void **state)
{
	struct fixture *f = *state;
	struct pred pred = { .op = PRED_WORD, .text = SLICE("PASSWORD") };

	assert_true(holds(f, pred));
	pred.text = SLICE("root");
	assert_false(holds(f, pred));
	pred.text = SLICE("root_x");
	assert_true(holds(f, pred));
	pred.op = PRED_PHRASE;
	pred.text = SLICE("word for ROOT");
	assert_true(holds(f, pred));
}

static void
a_word_may_have_wildcards(void **state)
{
	struct fixture *f = *state;
	glob_unit unit[16];
	struct pred pred = { .op = PRED_WORD };

	pred.glob = glob_build(f->arena, unit, glob_read(unit,
	    SLICE("root*")), true);
	assert_true(holds(f, pred));
	pred.glob = glob_build(f->arena, unit, glob_read(unit,
	    SLICE("ass*")), true);
	assert_false(holds(f, pred));
}

static void
parts_of_times_are_taken_as_written(void **state)
{
	struct fixture *f = *state;
	struct pred pred = { .op = PRED_EQ, .part = PART_HOUR,
	    .has_number = true, .number = 22, .text = SLICE("22") };
	struct value value = text("2026-03-01T22:10:00+09:00");

	assert_true(pred_value_holds(&pred, &value, f->scratch));
	pred.part = PART_WEEK;
	pred.number = 53;
	value = text("2027-01-03 00:00:00");
	assert_true(pred_value_holds(&pred, &value, f->scratch));
	pred.part = PART_YEAR;
	pred.number = 1970;
	value = value_time(0);
	assert_true(pred_value_holds(&pred, &value, f->scratch));
	value = text("soon");
	assert_false(pred_value_holds(&pred, &value, f->scratch));
}

static void
a_field_may_equal_another(void **state)
{
	struct fixture *f = *state;
	struct pred pred = { .op = PRED_FIELDREF, .nfields = 1,
	    .fields = { f->f }, .nothers = 1, .others = { f->g } };

	event_set(f->event, f->f, text("\xc3\x84"));
	assert_false(holds(f, pred));
	event_set(f->event, f->g, text("\xc3\xa4"));
	assert_true(holds(f, pred));
	pred.cased = true;
	assert_false(holds(f, pred));
}

static void
remembered_foldings_are_forgotten_at_the_end(void **state)
{
	struct fixture *f = *state;
	char bytes[] = "AAAA";
	struct slice folded;

	pred_scratch_begin(f->scratch, 0);
	folded = pred_fold(f->scratch, slice_of(bytes, 4));
	assert_ptr_equal(pred_fold(f->scratch, slice_of(bytes, 4)).ptr,
	    folded.ptr);
	for (int i = 0; i < 300; i++)	/* more than are remembered */
		(void)pred_fold(f->scratch, slice_of("B", 1));
	pred_scratch_end(f->scratch);
	bytes[0] = 'B';
	folded = pred_fold(f->scratch, slice_of(bytes, 4));
	assert_true(slice_eq(folded, SLICE("baaa")));
}

static void
what_was_picked_is_remembered_for_one_event(void **state)
{
	struct fixture *f = *state;
	struct pred pred = pattern(f, "*ERST*", false);
	struct event *other = batch_add(f->batch, SLICE(""), SLICE(""), 0);

	pred.place = 1;
	event_set(f->event, f->f, text("First"));
	event_seal(f->event);
	event_set(other, f->f, text("Second"));
	event_seal(other);
	for (int i = 0; i < 3; i++) {
		pred_scratch_begin(f->scratch, 2);
		assert_false(holds(f, pred));
		pred_scratch_end(f->scratch);
		pred.text = SLICE("irst");
		pred_scratch_begin(f->scratch, 2);
		assert_true(holds(f, pred));
		assert_true(holds(f, pred));
		pred_scratch_end(f->scratch);
		pred_scratch_begin(f->scratch, 2);
		assert_false(pred_holds(&pred, other, f->scratch));
		pred_scratch_end(f->scratch);
		pred.text = SLICE("erst");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void
numbers_without_text_are_not_mistaken_for_each_other(void **state)
{
	struct fixture *f = *state;
	struct pred a = pattern(f, "*11*", false);
	struct pred b = pattern(f, "*22*", false);

	b.fields[0] = f->g;
	event_set(f->event, f->f, value_long(111));
	event_set(f->event, f->g, value_long(222));
	pred_scratch_begin(f->scratch, 1);
	assert_true(pred_holds(&a, f->event, f->scratch));
	assert_true(pred_holds(&b, f->event, f->scratch));
	pred_scratch_end(f->scratch);
}

static void
times_compare_without_case_too(void **state)
{
	struct fixture *f = *state;
	struct pred pred = pattern(f, "*T00:00:01*", false);

	event_set(f->event, f->f, value_time(1000000000));
	assert_true(pred_holds(&pred, f->event, f->scratch));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pattern_takes_the_cheapest_operator),
		TEST(text_compares_without_case_unless_told),
		TEST(any_member_of_a_list_will_do),
		TEST(the_first_field_that_is_there_is_compared),
		TEST(null_is_there_but_equals_nothing),
		TEST(a_number_equals_its_decimal_text_and_large_ones_stay_exact),
		TEST(orders_numbers_and_nothing_else),
		TEST(networks_hold_addresses_of_both_kinds),
		TEST(keywords_look_into_own_values_only),
		TEST(words_end_at_their_edges_and_phrases_do_not),
		TEST(a_word_may_have_wildcards),
		TEST(parts_of_times_are_taken_as_written),
		TEST(a_field_may_equal_another),
		TEST(what_was_picked_is_remembered_for_one_event),
		TEST(remembered_foldings_are_forgotten_at_the_end),
		TEST(numbers_without_text_are_not_mistaken_for_each_other),
		TEST(times_compare_without_case_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
