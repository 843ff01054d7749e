#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/codec.h"
#include "storage/tail.h"
#include "tests/unit/storage/events.h"

static void
round_trip(unsigned n, unsigned most, unsigned pool, enum codec codec)
{
	struct batch *batch = batch_new(9, UINT64_C(3) << 48);
	struct packer *packer = packer_new(codec, 0);
	struct tail_packer *tail = tail_packer_new(packer);
	struct arena *arena = arena_new(0);
	struct err err = { .kind = ERR_NONE };
	const struct event *events[BATCH_EVENTS];
	uint64_t raw_bytes = 0;

	for (unsigned i = 0; i < n; i++) {
		random_event(batch, (int64_t)dice(100 * DAY), most, pool);
		raw_bytes += batch->events[i].raw.len;
	}
	for (unsigned round = 0; round < 2; round++) {
		struct slice row;
		struct event *back;
		unsigned used = 0;
		size_t count;

		/* Not all events of a batch are of one day. */
		for (unsigned i = 0; i < n; i += round + 1)
			events[used++] = &batch->events[i];
		row = tail_pack(tail, events, used);
		arena_reset(arena);
		back = tail_unpack(row, arena, &count, &err);
		assert_non_null(back);
		assert_int_equal(count, used);
		if (round == 0)
			assert_int_equal(tail_raw_bytes(row), raw_bytes);
		for (unsigned i = 0; i < used; i++) {
			assert_true(events_agree(events[i], &back[i]));
			assert_int_equal(back[i].batch->node, 9);
		}
	}
	arena_free(arena);
	tail_packer_free(tail);
	packer_free(packer);
	batch_put(batch);
}

static void
gives_back_whole_events(void **state)
{
	(void)state;
	seed_state = 77;
	round_trip(1, 0, 1, CODEC_ZSTD);
	round_trip(1, 30, 39, CODEC_PLAIN);
	round_trip(1024, 20, 39, CODEC_ZSTD);
	round_trip(300, 20, 39, CODEC_ZLIB);
	round_trip(40, 1200, 1100, CODEC_ZSTD);
}

static void
gives_back_the_fullest_event(void **state)
{
	struct batch *batch = batch_new(9, 4096);
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct tail_packer *tail = tail_packer_new(packer);
	struct arena *arena = arena_new(0);
	struct err err = { .kind = ERR_NONE };
	const struct event *event = fullest_event(batch, DAY);
	struct event *back;
	size_t n;

	(void)state;
	back = tail_unpack(tail_pack(tail, &event, 1), arena, &n, &err);
	assert_non_null(back);
	assert_true(events_agree(event, back));
	arena_free(arena);
	tail_packer_free(tail);
	packer_free(packer);
	batch_put(batch);
}

static void
refuses_rows_that_are_cut(void **state)
{
	struct batch *batch = batch_new(9, 4096);
	struct packer *packer = packer_new(CODEC_PLAIN, 0);
	struct tail_packer *tail = tail_packer_new(packer);
	struct arena *arena = arena_new(0);
	const struct event *events[10];
	struct slice row;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		events[i] = random_event(batch, 5, 10, 39);
	row = tail_pack(tail, events, 10);
	for (size_t cut = 0; cut < row.len; cut++) {
		arena_reset(arena);
		assert_null(tail_unpack(slice_head(row, cut), arena, &n,
		    NULL));
	}
	arena_free(arena);
	tail_packer_free(tail);
	packer_free(packer);
	batch_put(batch);
}

/* A row whose second name is made the first: one field with two values. */
static void
refuse_twins(const char *name, const char *other)
{
	struct batch *batch = batch_new(9, 4096);
	struct packer *packer = packer_new(CODEC_PLAIN, 0);
	struct tail_packer *tail = tail_packer_new(packer);
	struct arena *arena = arena_new(0);
	struct err err = { .kind = ERR_NONE };
	struct event *event = batch_add(batch, SLICE("raw"), SLICE("peer"), 5);
	const struct event *events[] = { event };
	struct slice row;
	ptrdiff_t at;
	char *copy;
	size_t n;

	event->time_ns = 5;
	event_set(event, field_intern(slice_cstr(name)),
	    value_text(SLICE("one"), TRANSFORM_OWNED));
	event_set(event, field_intern(slice_cstr(other)),
	    value_text(SLICE("two"), TRANSFORM_OWNED));
	event_seal(event);
	row = tail_pack(tail, events, 1);
	assert_non_null(tail_unpack(row, arena, &n, &err));
	at = slice_find(row, slice_cstr(other));
	assert_true(at > 0);
	copy = arena_text(arena, row.len);
	memcpy(copy, row.ptr, row.len);
	memcpy(copy + at, name, strlen(name));
	assert_null(tail_unpack(slice_of(copy, row.len), arena, &n, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	arena_free(arena);
	tail_packer_free(tail);
	packer_free(packer);
	batch_put(batch);
}

static void
refuses_a_field_with_two_values(void **state)
{
	(void)state;
	refuse_twins("user.name", "host.name");
	refuse_twins("vendor.twin.a", "vendor.twin.b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_whole_events),
		cmocka_unit_test(gives_back_the_fullest_event),
		cmocka_unit_test(refuses_rows_that_are_cut),
		cmocka_unit_test(refuses_a_field_with_two_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
