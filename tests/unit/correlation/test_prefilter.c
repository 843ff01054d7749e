#include "rule_try.h"

#include <stdlib.h>

#include "correlation/prefilter.h"
#include "engine/arena.h"
#include "engine/cond.h"
#include "engine/pred.h"
#include "engine/strbuf.h"

#define RULES 40

struct fixture {
	struct arena *arena;
	struct pred_scratch *scratch;
	struct batch *batch;
	field_t	 fields[3];
	struct cond *conds[RULES];
	struct prefilter *prefilter;
	uint32_t rules[RULES];
	struct prefilter_memo *memo;
	struct key_sink sink;
};

static int
setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.arena = arena_new(0);
	f.scratch = pred_scratch_new();
	f.batch = batch_new(1, 0);
	f.fields[0] = field_intern(SLICE("pf.a"));
	f.fields[1] = field_intern(SLICE("pf.b"));
	f.fields[2] = field_intern(SLICE("pf.c"));
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	prefilter_free(f->prefilter);
	prefilter_memo_free(f->memo);
	key_sink_fini(&f->sink);
	pred_scratch_free(f->scratch);
	batch_put(f->batch);
	arena_free(f->arena);
	return 0;
}

static struct cond *
like(struct fixture *f, int field, const char *pattern)
{
	struct pred pred = { .nfields = 1, .fields = { f->fields[field] } };
	glob_unit unit[128];

	pred_set_pattern(&pred, f->arena, unit, glob_read(unit,
	    slice_cstr(pattern)));
	return cond_pred(f->arena, pred);
}

static void
build(struct fixture *f, size_t n)
{
	struct prefilter_rule rules[RULES];

	for (size_t i = 0; i < n; i++)
		rules[i] = (struct prefilter_rule){ (uint32_t)i,
		    f->conds[i] };
	f->prefilter = prefilter_build(rules, n, 0);
	key_sink_init(&f->sink, n);
	f->memo = prefilter_memo_new(prefilter_matchers(f->prefilter), n);
}

/* A rule for each of so many fields, and an event that has them all. */
static void
build_many(struct fixture *f, size_t n)
{
	struct prefilter_rule *rules = calloc(n, sizeof(*rules));
	struct event *event = batch_add(f->batch, SLICE(""), SLICE(""), 0);
	uint32_t *found = calloc(n, sizeof(*found));
	field_t field = f->fields[0];

	for (size_t i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "pf.many%zu", i);
		f->fields[0] = field_intern(slice_cstr(name));
		rules[i] = (struct prefilter_rule){ (uint32_t)i,
		    like(f, 0, "*middle*") };
		event_set(event, f->fields[0], value_text(SLICE("a middle b"),
		    TRANSFORM_NONE));
	}
	f->fields[0] = field;
	event_seal(event);
	f->prefilter = prefilter_build(rules, n, 0);
	key_sink_init(&f->sink, n);
	f->memo = prefilter_memo_new(prefilter_matchers(f->prefilter), n);
	pred_scratch_begin(f->scratch, 1);
	prefilter_run(f->prefilter, event, f->scratch, f->memo, &f->sink);
	pred_scratch_end(f->scratch);
	assert_int_equal(key_sink_settle(&f->sink, found), n);
	free(rules);
	free(found);
}

/* A bit for each rule. */
static uint64_t
candidates(struct fixture *f, const struct event *event)
{
	uint64_t found = 0;
	size_t n;

	pred_scratch_begin(f->scratch, 1);
	prefilter_run(f->prefilter, event, f->scratch, f->memo, &f->sink);
	pred_scratch_end(f->scratch);
	n = key_sink_settle(&f->sink, f->rules);
	for (size_t i = 0; i < n; i++) {
		assert_false(found >> f->rules[i] & 1);
		found |= UINT64_C(1) << f->rules[i];
	}
	return found;
}

static bool
is_candidate(struct fixture *f, uint32_t rule, int field, const char *text)
{
	struct event *event = batch_add(f->batch, SLICE(""), SLICE(""), 0);

	event_set(event, f->fields[field], value_text(slice_cstr(text),
	    TRANSFORM_NONE));
	event_seal(event);
	return candidates(f, event) >> rule & 1;
}

static void
texts_count_only_where_they_stand(void **state)
{
	struct fixture *f = *state;

	f->conds[0] = like(f, 0, "*middle*");
	f->conds[1] = like(f, 0, "head*");
	f->conds[2] = like(f, 0, "*tail");
	f->conds[3] = like(f, 0, "whole");
	build(f, 4);
	assert_true(is_candidate(f, 0, 0, "a MIDDLE b"));
	assert_false(is_candidate(f, 0, 1, "a middle b"));
	assert_true(is_candidate(f, 1, 0, "Header"));
	assert_false(is_candidate(f, 1, 0, "a head"));
	assert_true(is_candidate(f, 2, 0, "retail"));
	assert_false(is_candidate(f, 2, 0, "tails"));
	assert_true(is_candidate(f, 3, 0, "WHOLE"));
	assert_false(is_candidate(f, 3, 0, "wholes"));
}

static void
short_texts_are_found_too(void **state)
{
	struct fixture *f = *state;

	f->conds[0] = like(f, 0, "*&*");
	f->conds[1] = like(f, 0, "-e*");
	f->conds[2] = like(f, 0, "*\xd0\xb0*");
	build(f, 3);
	assert_true(is_candidate(f, 0, 0, "a&b"));
	assert_true(is_candidate(f, 1, 0, "-Enc"));
	assert_false(is_candidate(f, 1, 0, "x-enc"));
	assert_true(is_candidate(f, 2, 0, "b\xd0\x90"));
	assert_false(is_candidate(f, 2, 0, "ba"));
}

static void
two_texts_of_a_conjunction_must_be_there(void **state)
{
	struct fixture *f = *state;
	struct event *event;
	struct prefilter_figures figures;

	f->conds[0] = cond_and(f->arena, like(f, 0, "*.exe"),
	    like(f, 1, "*veryraretext*"));
	build(f, 1);
	prefilter_figures(f->prefilter, &figures);
	assert_int_equal(figures.texts, 2);
	assert_false(is_candidate(f, 0, 1, "a veryraretext b"));
	assert_false(is_candidate(f, 0, 0, "a.exe"));
	event = batch_add(f->batch, SLICE(""), SLICE(""), 0);
	event_set(event, f->fields[0], value_text(SLICE("b.exe"),
	    TRANSFORM_NONE));
	event_set(event, f->fields[1], value_text(SLICE("veryraretext"),
	    TRANSFORM_NONE));
	event_seal(event);
	assert_true(candidates(f, event) & 1);
}

static void
what_is_negated_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct prefilter_figures figures;

	f->conds[0] = cond_not(f->arena, like(f, 0, "*abc*"));
	f->conds[1] = cond_or(f->arena, like(f, 0, "*abc*"),
	    cond_not(f->arena, like(f, 1, "*def*")));
	/* not (not a or not b) is a and b */
	f->conds[2] = cond_not(f->arena, cond_or(f->arena,
	    cond_not(f->arena, like(f, 0, "*abc*")),
	    cond_not(f->arena, like(f, 1, "*defghi*"))));
	build(f, 3);
	prefilter_figures(f->prefilter, &figures);
	assert_int_equal(figures.always, 1);
	assert_int_equal(figures.asking, 1);
	assert_true(is_candidate(f, 0, 0, "xyz"));
	assert_false(is_candidate(f, 0, 0, "xabcx"));
	assert_true(is_candidate(f, 0, 1, "xabcx"));
	assert_false(is_candidate(f, 2, 0, "abc"));
}

static void
numbers_are_found_however_they_are_written(void **state)
{
	struct fixture *f = *state;

	f->conds[0] = cond_pred(f->arena, (struct pred){ .op = PRED_EQ,
	    .nfields = 1, .fields = { f->fields[0] }, .has_number = true,
	    .number = 4624, .text = SLICE("4624") });
	f->conds[1] = cond_pred(f->arena, (struct pred){ .op = PRED_EQ,
	    .nfields = 1, .fields = { f->fields[0] }, .has_number = true,
	    .number = 1e17, .text = SLICE("100000000000000000") });
	build(f, 2);
	assert_true(is_candidate(f, 0, 0, "4624"));
	assert_true(is_candidate(f, 0, 0, "4624.0"));
	assert_false(is_candidate(f, 0, 0, "4625"));
	assert_true(is_candidate(f, 1, 0, "1e17"));
}

/* Random conditions over few letters meet random values often. */
static const char *
random_pattern(void)
{
	static char text[16];
	size_t n = 1 + (size_t)rand() % 5, len = 0;

	if (rand() % 2)
		text[len++] = '*';
	for (size_t i = 0; i < n; i++)
		text[len++] = "abcAB*?"[rand() % 7];
	if (rand() % 2)
		text[len++] = '*';
	text[len] = '\0';
	return text;
}

static struct cond *
random_cond(struct fixture *f, int depth)
{
	struct cond *a, *b;

	if (depth == 0 || rand() % 3 == 0)
		return like(f, rand() % 3, random_pattern());
	a = random_cond(f, depth - 1);
	if (rand() % 4 == 0)
		return cond_not(f->arena, a);
	b = random_cond(f, depth - 1);
	return rand() % 2 ? cond_and(f->arena, a, b)
	    : cond_or(f->arena, a, b);
}

static bool
holds(struct fixture *f, const struct cond *cond, const struct event *event)
{
	if (cond->kind == COND_PRED)
		return pred_holds(cond->pred, event, f->scratch);
	if (cond->kind == COND_NOT)
		return !holds(f, cond->child[0], event);
	for (size_t i = 0; i < cond->n; i++)
		if (holds(f, cond->child[i], event) ==
		    (cond->kind == COND_OR))
			return cond->kind == COND_OR;
	return cond->kind == COND_AND;
}

static struct event *
time_event(struct fixture *f, const char *text, int64_t time_ns)
{
	struct event *event = batch_add(f->batch, SLICE(""), SLICE(""), 0);
	struct value value = value_text(slice_cstr(text), TRANSFORM_NONE);

	value.type = VALUE_TIME;
	value.u.num = time_ns;
	event_set(event, f->fields[0], value);
	event_seal(event);
	return event;
}

static void
a_time_is_not_remembered_by_its_text(void **state)
{
	struct fixture *f = *state;
	struct pred later = { .op = PRED_GT, .nfields = 1,
	    .fields = { f->fields[0] }, .has_number = true, .number = 1000 };

	f->conds[0] = cond_pred(f->arena, later);
	build(f, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(candidates(f,
		    time_event(f, "Jan  5 10:00:00", 7)), 0);
	assert_int_equal(candidates(f,
	    time_event(f, "Jan  5 10:00:00", 7000)), 1);
}

static void
what_is_remembered_is_counted_and_bounded(void **state)
{
	struct fixture *f = *state;
	struct prefilter_memo_figures figures;
	size_t table;

	f->conds[0] = like(f, 0, "*middle*");
	build(f, 1);
	for (int i = 0; i < 4; i++)
		is_candidate(f, 0, 0, "a middle b");
	figures = prefilter_memo_figures(f->memo);
	assert_int_equal(figures.unknown, 2);
	assert_int_equal(figures.known, 2);
	table = figures.bytes;
	prefilter_free(f->prefilter);
	prefilter_memo_free(f->memo);
	key_sink_fini(&f->sink);
	build_many(f, PREFILTER_TABLES + 10);
	figures = prefilter_memo_figures(f->memo);
	assert_int_equal(figures.bytes, PREFILTER_TABLES * table);
}

static void
no_rule_that_matches_is_left_out(void **state)
{
	struct fixture *f = *state;

	srand(7);
	for (size_t i = 0; i < RULES; i++)
		f->conds[i] = random_cond(f, 3);
	build(f, RULES);
	for (int round = 0; round < 900; round++) {
		struct event *event = batch_add(f->batch, SLICE(""),
		    SLICE(""), 0);
		char text[3][12];
		uint64_t found;

		for (int i = 0; i < 3; i++) {
			size_t len = (size_t)rand() % 10;

			for (size_t k = 0; k < len; k++)
				text[i][k] = "abcABd"[rand() % 6];
			event_set(event, f->fields[i], value_text(slice_of(
			    text[i], len), TRANSFORM_NONE));
		}
		event_seal(event);
		found = candidates(f, event);
		for (size_t i = 0; i < RULES; i++)
			if (holds(f, f->conds[i], event))
				assert_true(found >> i & 1);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(texts_count_only_where_they_stand),
		TEST(short_texts_are_found_too),
		TEST(two_texts_of_a_conjunction_must_be_there),
		TEST(what_is_negated_is_not_waited_for),
		TEST(numbers_are_found_however_they_are_written),
		TEST(a_time_is_not_remembered_by_its_text),
		TEST(what_is_remembered_is_counted_and_bounded),
		TEST(no_rule_that_matches_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
