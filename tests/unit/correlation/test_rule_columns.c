#include "rule_try.h"

#include <stdlib.h>
#include <unistd.h>

#include "correlation/rule_columns.h"
#include "engine/arena.h"
#include "engine/cond.h"
#include "engine/err.h"
#include "engine/prog.h"
#include "engine/strbuf.h"
#include "storage/plan.h"
#include "storage/query.h"
#include "storage/scan.h"
#include "storage/store.h"
#include "storage/write_stage.h"

#define FIELDS 4

struct fixture {
	struct arena *arena;
	struct pred_scratch *scratch;
	struct batch *batch;
	field_t	 fields[FIELDS];
	int	 kinds;		/* of comparisons: 6, with 7 also of two
				 * fields, with 8 also keywords */
};

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .arena = arena_new(0),
	    .scratch = pred_scratch_new(), .batch = batch_new(1, 0), .kinds = 6 };
	f.fields[0] = field_intern(SLICE("rc.a"));
	f.fields[1] = field_intern(SLICE("rc.b"));
	f.fields[2] = field_intern(SLICE("rc.c"));
	f.fields[3] = FIELD_USER_NAME;
	srand(23);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	pred_scratch_free(f->scratch);
	batch_put(f->batch);
	arena_free(f->arena);
	return 0;
}

static struct cond *
random_pred(struct fixture *f)
{
	static const char *const patterns[] = { "a", "b*", "*a", "*b*", "a?",
		"ab", "*" };
	struct pred pred = { .op = PRED_EXISTS };
	size_t first = (size_t)rand() % FIELDS;
	glob_unit unit[8];

	pred.nfields = (uint8_t)(1 + rand() % 3);
	for (size_t i = 0; i < pred.nfields; i++)
		pred.fields[i] = f->fields[(first + i) % FIELDS];
	switch (rand() % f->kinds) {
	case 0:
		break;
	case 1:
		pred.op = PRED_NULL;
		break;
	case 6:
		pred.op = PRED_FIELDREF;
		pred.nothers = 1;
		pred.others[0] = f->fields[rand() % FIELDS];
		break;
	case 7:
		pred.nfields = 0;
		pred.op = PRED_CONTAINS;
		pred.text = SLICE("a");
		break;
	default:
		pred_set_pattern(&pred, f->arena, unit, glob_read(unit,
		    slice_cstr(patterns[rand() % 7])));
	}
	return cond_pred(f->arena, pred);
}

static struct cond *
random_cond(struct fixture *f, int depth)
{
	struct cond *parts[5];
	size_t n = 2 + (size_t)rand() % 4;

	if (depth == 0 || rand() % 4 == 0)
		return random_pred(f);
	if (rand() % 4 == 0)
		return cond_not(f->arena, random_cond(f, depth - 1));
	for (size_t i = 0; i < n; i++)
		parts[i] = random_cond(f, depth - 1);
	return cond_list(f->arena, rand() % 2 ? COND_AND : COND_OR, parts, n);
}

static struct value
random_scalar(void)
{
	static const char *const texts[] = { "a", "b", "ab", "ba", "A", "",
		"bab" };

	if (rand() % 6 == 0)
		return (struct value){ .type = VALUE_NULL };
	return value_text(slice_cstr(texts[rand() % 7]), TRANSFORM_NONE);
}

static struct event *
random_event_in(const struct fixture *f, struct batch *batch,
    struct slice raw)
{
	struct event *event = batch_add(batch, raw, SLICE(""), 0);

	for (size_t i = 0; i < FIELDS; i++) {
		if (rand() % 2)
			event_set(event, f->fields[i], random_scalar());
		if (rand() % 6 == 0)
			event_append(event, f->fields[i], random_scalar());
	}
	event_seal(event);
	return event;
}

static struct event *
random_event(struct fixture *f)
{
	return random_event_in(f, f->batch, SLICE(""));
}

/* Counts how often the condition over columns lets through what the rule does
 * not hold for; fails when it loses what the rule holds for. */
static size_t
count_surplus(struct fixture *f, int rounds, bool *exact)
{
	size_t surplus = 0;

	*exact = true;
	for (int i = 0; i < rounds; i++) {
		struct cond *cond = random_cond(f, 3);
		struct prog *prog = cond_compile(f->arena, cond);
		struct rule_columns columns = rule_columns_build(f->arena,
		    cond);
		struct plan *plan = plan_new(f->arena, columns.cond, NULL,
		    NULL);

		for (int k = 0; k < 20; k++) {
			struct event *event = random_event(f);
			bool over_event, over_columns;

			over_event = prog_run(prog, event, f->scratch);
			over_columns = plan_event_holds(plan, event);
			assert_false(over_event && !over_columns);
			assert_false(columns.exact && over_event !=
			    over_columns);
			surplus += over_columns && !over_event;
		}
		*exact = *exact && columns.exact;
		plan_free(plan);
		batch_put(f->batch);
		f->batch = batch_new(1, 0);
	}
	return surplus;
}

static void
columns_say_the_same_as_the_rule(void **state)
{
	bool exact;

	assert_int_equal(count_surplus(*state, 600, &exact), 0);
	assert_true(exact);
}

static void
what_columns_cannot_compare_loses_no_event(void **state)
{
	struct fixture *f = *state;
	bool exact;

	f->kinds = 8;
	assert_true(count_surplus(f, 600, &exact) > 0);
	assert_false(exact);
}

static void
every_event_meets_a_rule_without_condition(void **state)
{
	struct fixture *f = *state;
	struct rule_columns columns = rule_columns_build(f->arena, NULL);

	assert_null(columns.cond);
	assert_true(columns.exact);
}

static void
log_sources_are_asked_apart(void **state)
{
	struct ruleset *set = rules_of("title: a\n"
	    "logsource: {product: p, service: s}\n"
	    "detection: {x: {k: v}, condition: x}\n---\ntitle: b\n"
	    "logsource: {product: windows, category: process_creation}\n"
	    "detection: {x: {k: v}, condition: x}\n");
	struct match_scratch *scratch = match_scratch_new(set);
	struct fixture *f = *state;
	struct event *own = batch_add(f->batch, SLICE("{\"_logsource\":"
	    "{\"product\":\"p\",\"service\":\"s\"}}"), SLICE(""), 0);
	struct event *sysmon = batch_add(f->batch, SLICE("{\"Channel\":"
	    "\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1}"),
	    SLICE(""), 0);

	assert_true(shape_event(own) && shape_event(sysmon));
	assert_true(ruleset_meets(set, 0, own, scratch));
	assert_false(ruleset_meets(set, 1, own, scratch));
	assert_false(ruleset_meets(set, 0, sysmon, scratch));
	assert_true(ruleset_meets(set, 1, sysmon, scratch));
	match_scratch_free(scratch);
	ruleset_put(set);
}

/* --- a store, most of it in chunks --------------------------------------- */

#define STORED 1000
#define CHUNK 300

struct look {
	struct rule_columns columns;
	const struct prog *prog;
	struct pred_scratch *scratch;
	bool	 found[STORED];
};

static enum op_more
look_at(void *user, const struct row *row)
{
	struct look *look = user;
	uint64_t number;

	assert_true(slice_ulong(row->event->raw, &number));
	assert_true(number < STORED && !look->found[number]);
	look->found[number] = look->columns.exact || prog_run(look->prog,
	    row->event, look->scratch);
	return OP_MORE;
}

/* Events whose raw line is their number, in a store. */
static struct batch *
store_events(struct fixture *f, const char *folder)
{
	struct writer_conf conf = { .data = folder, .chunk_events = CHUNK };
	struct err err = { ERR_NONE, "" };
	struct writer *writer = writer_open(&conf, &err);
	struct batch *batch;

	assert_non_null(writer);
	batch = batch_new(writer_node(writer), writer_first_seq(writer));
	for (size_t i = 0; i < STORED; i++) {
		char raw[24];
		int n = snprintf(raw, sizeof(raw), "%zu", i);
		struct event *event = random_event_in(f, batch, slice_of(raw,
		    (size_t)n));

		event->time_ns = INT64_C(1795255200000000000) + (int64_t)i;
	}
	batch->phase = BATCH_MATCHED;
	writer_add(writer, batch);
	assert_int_equal(writer_commit(writer, &err), 0);
	assert_int_equal(writer_close(writer, false, &err), 0);
	return batch;
}

static void
check_event(struct fixture *f, const struct look *look,
    const struct cond *cond, size_t i, const struct event *event)
{
	bool holds = prog_run(look->prog, event, f->scratch);
	struct strbuf text = STRBUF_INIT;

	if (look->found[i] == holds)
		return;
	event_json(&text, event, false);
	strbuf_puts(&text, "\n");
	cond_print(&text, cond);
	fail_msg("found %d, should be %d: %s", look->found[i], holds,
	    text.ptr);
}

static void
look_through(struct fixture *f, struct store *store,
    const struct batch *batch, struct look *look)
{
	struct cond *cond = random_cond(f, 3);
	struct query_error error;
	struct err err = { ERR_NONE, "" };
	struct scan_result result;
	struct scan_request request = { .store = store,
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .row = look_at,
	    .user = look };

	look->prog = cond_compile(f->arena, cond);
	look->columns = rule_columns_build(f->arena, cond);
	memset(look->found, 0, sizeof(look->found));
	request.query = query_parse(SLICE("*"), 0, NULL, &error);
	assert_non_null(request.query);
	request.query->cond = look->columns.cond;
	assert_int_equal(scan_run(&request, &result, &err), 0);
	assert_false(result.partial);
	for (size_t i = 0; i < STORED; i++)
		check_event(f, look, cond, i, &batch->events[i]);
	query_free(request.query);
}

static void
chunks_say_the_same_as_the_rule(void **state)
{
	char folder[] = "/tmp/yagura-test-columns-XXXXXX", command[128];
	struct fixture *f = *state;
	struct err err = { ERR_NONE, "" };
	struct look *look = calloc(1, sizeof(*look));
	struct store *store;
	struct batch *batch;

	/* Keywords look into values of the line; these are not. */
	f->kinds = 7;
	assert_non_null(mkdtemp(folder));
	batch = store_events(f, folder);
	store = store_open(folder, &err);
	assert_non_null(store);
	look->scratch = f->scratch;
	for (int i = 0; i < 80; i++)
		look_through(f, store, batch, look);
	store_close(store);
	batch_put(batch);
	free(look);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(columns_say_the_same_as_the_rule),
		TEST(what_columns_cannot_compare_loses_no_event),
		TEST(every_event_meets_a_rule_without_condition),
		TEST(log_sources_are_asked_apart),
		TEST(chunks_say_the_same_as_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
