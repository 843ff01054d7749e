#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/prog.h"
#include "engine/strbuf.h"

#define FIELDS 6

struct fixture {
	struct arena *arena;
	struct batch *batch;
	struct pred_scratch *scratch;
	field_t	 fields[FIELDS];
};

static int
setup(void **state)
{
	static struct fixture f;

	f.arena = arena_new(0);
	f.batch = batch_new(1, 0);
	f.scratch = pred_scratch_new();
	for (int i = 0; i < FIELDS; i++) {
		char name[] = "cond.a";

		name[5] = (char)('a' + i);
		f.fields[i] = field_intern(slice_cstr(name));
	}
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	batch_put(f->batch);
	pred_scratch_free(f->scratch);
	return 0;
}

static struct cond *
has(struct fixture *f, int i)
{
	return cond_pred(f->arena, (struct pred){ .op = PRED_EXISTS,
	    .nfields = 1, .fields = { f->fields[i] } });
}

static struct event *
event_with(struct fixture *f, unsigned bits)
{
	struct event *event;

	if (batch_full(f->batch)) {
		batch_put(f->batch);
		f->batch = batch_new(1, 0);
	}
	event = batch_add(f->batch, SLICE(""), SLICE(""), 0);
	for (int i = 0; i < FIELDS; i++)
		if (bits >> i & 1)
			event_set(event, f->fields[i], value_long(1));
	event_seal(event);
	return event;
}

/* The obvious way, to compare with. */
static bool
evaluate(struct fixture *f, const struct cond *cond, unsigned bits)
{
	switch (cond->kind) {
	case COND_NOT:
		return !evaluate(f, cond->child[0], bits);
	case COND_AND:
		for (size_t i = 0; i < cond->n; i++)
			if (!evaluate(f, cond->child[i], bits))
				return false;
		return true;
	case COND_OR:
		for (size_t i = 0; i < cond->n; i++)
			if (evaluate(f, cond->child[i], bits))
				return true;
		return false;
	case COND_PRED:
		break;
	}
	if (cond->pred->op == PRED_TRUE)
		return true;
	for (int i = 0; i < FIELDS; i++)
		if (cond->pred->fields[0] == f->fields[i])
			return bits >> i & 1;
	return false;
}

static struct cond *
random_cond(struct fixture *f, int depth)
{
	int kind = depth == 0 ? 3 : rand() % 5;
	struct cond *children[4];
	size_t n = (size_t)rand() % 4;

	if (kind >= 3)
		return has(f, rand() % FIELDS);
	if (kind == 2)
		return cond_not(f->arena, random_cond(f, depth - 1));
	for (size_t i = 0; i < n; i++)
		children[i] = random_cond(f, depth - 1);
	return cond_list(f->arena, kind == 0 ? COND_AND : COND_OR, children,
	    n);
}

static void
a_program_says_what_the_tree_says(void **state)
{
	struct fixture *f = *state;

	srand(1);
	for (int round = 0; round < 500; round++) {
		struct cond *cond = random_cond(f, 5);
		struct prog *prog = cond_compile(f->arena, cond);

		for (unsigned bits = 0; bits < 1u << FIELDS; bits += 5)
			assert_int_equal(prog_run(prog, event_with(f, bits),
			    f->scratch), evaluate(f, cond, bits));
	}
}

static void
a_program_only_jumps_forward(void **state)
{
	struct fixture *f = *state;

	srand(2);
	for (int round = 0; round < 200; round++) {
		struct prog *prog = cond_compile(f->arena, random_cond(f, 6));

		for (uint16_t i = 0; i < prog->len; i++) {
			assert_true(prog->insn[i].yes > i);
			assert_true(prog->insn[i].no > i);
		}
	}
}

static void
cheap_comparisons_come_first(void **state)
{
	struct fixture *f = *state;
	struct cond *dear = cond_pred(f->arena, (struct pred){
	    .op = PRED_CONTAINS, .nfields = 1, .text = SLICE("x") });
	struct prog *prog = cond_compile(f->arena, cond_and(f->arena, dear,
	    has(f, 0)));

	assert_int_equal(prog->insn[0].pred.op, PRED_EXISTS);
}

static void
no_condition_always_holds(void **state)
{
	struct fixture *f = *state;

	assert_true(prog_run(cond_compile(f->arena, NULL), event_with(f, 0),
	    f->scratch));
	assert_true(prog_run(cond_compile(f->arena, cond_list(f->arena,
	    COND_AND, NULL, 0)), event_with(f, 0), f->scratch));
	assert_false(prog_run(cond_compile(f->arena, cond_list(f->arena,
	    COND_OR, NULL, 0)), event_with(f, 0), f->scratch));
	assert_ptr_equal(cond_and(f->arena, NULL, NULL), NULL);
}

static void
too_many_comparisons_are_refused(void **state)
{
	struct fixture *f = *state;
	struct cond *one = has(f, 0), *many;
	struct cond **children = calloc(COND_PREDS + 1, sizeof(*children));

	for (size_t i = 0; i <= COND_PREDS; i++)
		children[i] = one;
	many = cond_list(f->arena, COND_OR, children, COND_PREDS + 1);
	assert_null(cond_compile(f->arena, many));
	many = cond_list(f->arena, COND_OR, children, COND_PREDS);
	assert_true(prog_run(cond_compile(f->arena, many), event_with(f, 1),
	    f->scratch));
	free(children);
}

static void
a_tree_prints_as_text(void **state)
{
	struct fixture *f = *state;
	struct strbuf buf;

	strbuf_init(&buf);
	cond_print(&buf, cond_and(f->arena, has(f, 0), cond_not(f->arena,
	    cond_or(f->arena, has(f, 1), has(f, 2)))));
	assert_string_equal(buf.ptr,
	    "(cond.a exists and not (cond.b exists or cond.c exists))");
	strbuf_fini(&buf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_program_says_what_the_tree_says),
		TEST(a_program_only_jumps_forward),
		TEST(cheap_comparisons_come_first),
		TEST(no_condition_always_holds),
		TEST(too_many_comparisons_are_refused),
		TEST(a_tree_prints_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
