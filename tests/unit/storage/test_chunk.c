#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/chunk.h"
#include "storage/chunk_build.h"
#include "storage/codec.h"
#include "tests/unit/storage/events.h"

#define MOST 70000

/* Ids in the order of asking, as a day file gives them. */
static field_t names[CHUNK_FIELDS];
static unsigned nnames;

static unsigned
id_of(void *context, field_t field)
{
	(void)context;
	for (unsigned i = CHUNK_FIELD_FIRST; i < nnames; i++)
		if (names[i] == field)
			return i;
	if (nnames == DAY_FIELDS)
		return CHUNK_FIELD_NONE;
	names[nnames] = field;
	return nnames++;
}

static field_t
field_of(void *context, unsigned id)
{
	(void)context;
	return id < nnames ? names[id] : FIELD_NONE;
}

static const struct field_ids ids = { id_of, NULL };
static const struct packed_names back = { field_of, id_of, NULL };

struct bundle {
	struct batch *batches[MOST / BATCH_EVENTS + 1];
	size_t	 nbatches, n;
	const struct event *events[MOST];
};

static struct bundle *
bundle_make(size_t n, unsigned most, unsigned pool)
{
	struct bundle *bundle = calloc(1, sizeof(*bundle));
	struct batch *batch = NULL;
	int64_t time = 20000 * DAY;

	for (size_t i = 0; i < n; i++) {
		if (batch == NULL || batch_full(batch)) {
			batch = batch_new(7, bundle->nbatches << 12);
			bundle->batches[bundle->nbatches++] = batch;
		}
		time += (int64_t)dice(2000000000) - 500000000;
		bundle->events[bundle->n++] = random_event(batch, time, most,
		    pool);
	}
	return bundle;
}

static void
bundle_free(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->nbatches; i++)
		batch_put(bundle->batches[i]);
	free(bundle);
}

static const struct event *
event_of_seq(const struct bundle *bundle, uint64_t seq)
{
	return &bundle->batches[seq >> 12]->events[seq & 4095];
}

/* Every event comes back as it was, once. */
static void
check_same(struct chunk *chunk, const struct bundle *bundle)
{
	struct arena *arena = arena_new(0);
	struct err err = { .kind = ERR_NONE };
	char *seen = calloc(bundle->n, 1);
	struct event event;

	assert_int_equal(chunk_rows(chunk), bundle->n);
	for (uint32_t row = 0; row < bundle->n; row++) {
		size_t i;

		arena_reset(arena);
		if (!chunk_event(chunk, row, arena, &event, &err))
			fail_msg("row %u: %s", row, err.text);
		i = (event.seq >> 12) * BATCH_EVENTS + (event.seq & 4095);
		assert_true(i < bundle->n && seen[i] == 0);
		seen[i] = 1;
		assert_true(events_agree(&event,
		    event_of_seq(bundle, event.seq)));
	}
	free(seen);
	arena_free(arena);
}

static void
round_trip(size_t n, unsigned most, unsigned pool, enum codec codec)
{
	struct bundle *bundle = bundle_make(n, most, pool);
	struct packer *packer = packer_new(codec, 0);
	struct chunk_packed *packed = chunk_build_alone(bundle->events, bundle->n,
	    &ids, packer);
	struct err err = { .kind = ERR_NONE };
	struct chunk *chunk = chunk_open_packed(packed, &back, &err);

	assert_non_null(chunk);
	check_same(chunk, bundle);
	chunk_close(chunk);
	chunk_packed_free(packed);
	packer_free(packer);
	bundle_free(bundle);
}

static void
gives_back_every_event_as_it_was(void **state)
{
	(void)state;
	seed_state = 42;
	round_trip(1, 5, 20, CODEC_ZSTD);
	round_trip(100, 12, 26, CODEC_ZSTD);
	round_trip(5000, 12, 13, CODEC_ZSTD);
	round_trip(5000, 12, 39, CODEC_ZLIB);
	round_trip(3000, 12, 39, CODEC_PLAIN);
}

static void
keeps_events_without_any_field(void **state)
{
	(void)state;
	round_trip(3, 0, 1, CODEC_ZSTD);
}

static void
keeps_events_with_a_thousand_fields(void **state)
{
	(void)state;
	round_trip(20, 1200, 1100, CODEC_ZSTD);
}

static void
keeps_the_fullest_event(void **state)
{
	struct batch *batch = batch_new(7, 4096);
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	const struct event *event = fullest_event(batch, DAY);
	struct chunk_packed *packed = chunk_build_alone(&event, 1, &ids, packer);
	struct arena *arena = arena_new(0);
	struct err err = { .kind = ERR_NONE };
	struct chunk *chunk = chunk_open_packed(packed, &back, &err);
	struct event found;

	(void)state;
	assert_non_null(chunk);
	assert_true(chunk_event(chunk, 0, arena, &found, &err));
	assert_true(events_agree(event, &found));
	chunk_close(chunk);
	chunk_packed_free(packed);
	packer_free(packer);
	arena_free(arena);
	batch_put(batch);
}

static void
keeps_a_full_chunk(void **state)
{
	(void)state;
	round_trip(CHUNK_EVENTS, 2, 39, CODEC_ZSTD);
}

static void
leaves_out_fields_that_get_no_number(void **state)
{
	struct bundle *bundle;
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct err err = { .kind = ERR_NONE };
	struct chunk_packed *packed;
	struct arena *arena = arena_new(0);
	struct chunk *chunk;
	struct event event;

	(void)state;
	bundle = bundle_make(50, 20, 39);
	nnames = DAY_FIELDS;	/* full: ids of names seen before stay */
	memset(names, 0xff, sizeof(names));
	packed = chunk_build_alone(bundle->events, bundle->n, &ids, packer);
	assert_true(packed->values_dropped > 0);
	chunk = chunk_open_packed(packed, &back, &err);
	assert_non_null(chunk);
	assert_true(chunk_event(chunk, 0, arena, &event, &err));
	assert_int_equal(event.n, 0);
	chunk_close(chunk);
	chunk_packed_free(packed);
	packer_free(packer);
	arena_free(arena);
	bundle_free(bundle);
	nnames = CHUNK_FIELD_FIRST;
}

static void
orders_rows_by_shape_and_time(void **state)
{
	struct bundle *bundle = bundle_make(3000, 3, 5);
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct chunk_packed *packed = chunk_build_alone(bundle->events, bundle->n,
	    &ids, packer);
	struct err err = { .kind = ERR_NONE };
	struct chunk *chunk = chunk_open_packed(packed, &back, &err);
	const struct shape *shapes;
	const int64_t *times;
	size_t n;

	(void)state;
	assert_non_null(chunk);
	n = chunk_shapes(chunk, &shapes);
	times = chunk_times(chunk, &err);
	assert_non_null(times);
	assert_true(n > 1);
	for (size_t i = 0; i < n; i++)
		for (uint32_t row = shapes[i].row0 + 1;
		    row < shapes[i].row0 + shapes[i].rows; row++)
			assert_true(times[row - 1] <= times[row]);
	chunk_close(chunk);
	chunk_packed_free(packed);
	packer_free(packer);
	bundle_free(bundle);
}

/* --- damage -------------------------------------------------------------- */

static struct slice *
part_of(struct chunk_packed *packed, size_t pick)
{
	struct packed_block *block;

	if (pick == 0)
		return &packed->fields;
	if (pick <= packed->npages)
		return &packed->pages[pick - 1].data;
	pick -= packed->npages + 1;
	block = &packed->blocks[pick / 4 % packed->nblocks];
	switch (pick % 4) {
	case 0:
		return &block->block.hdr;
	case 1:
		return &block->block.bloom;
	case 2:
		return &block->block.dict;
	default:
		return &block->block.data;
	}
}

static void
read_damaged(struct chunk_packed *packed, const struct bundle *bundle)
{
	struct err err = { .kind = ERR_NONE };
	struct chunk *chunk = chunk_open_packed(packed, &back, &err);
	struct arena *arena = arena_new(0);
	struct event event;

	for (uint32_t row = 0; chunk != NULL && row < bundle->n; row += 7) {
		arena_reset(arena);
		if (!chunk_event(chunk, row, arena, &event, &err)) {
			assert_int_equal(err.kind, ERR_DAMAGED);
			break;
		}
		assert_true(events_agree(&event,
		    event_of_seq(bundle, event.seq)));
	}
	arena_free(arena);
	chunk_close(chunk);
}

static void
never_gives_a_wrong_row_for_damaged_bytes(void **state)
{
	struct bundle *bundle;
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct chunk_packed *packed;
	size_t parts;

	(void)state;
	seed_state = 4711;
	bundle = bundle_make(300, 12, 39);
	packed = chunk_build_alone(bundle->events, bundle->n, &ids, packer);
	parts = 1 + packed->npages + 4 * packed->nblocks;
	for (unsigned round = 0; round < 1500; round++) {
		struct slice *part = part_of(packed, dice(parts));
		struct slice before = *part;
		union { const char *in; char *out; } bytes =
		    { .in = part->ptr };
		size_t at;
		char was;

		if (part->len == 0)
			continue;
		at = dice(part->len);
		was = bytes.out[at];
		if (dice(5) == 0)
			part->len = at;		/* cut */
		else
			bytes.out[at] = (char)(was ^ 1 << dice(8));
		read_damaged(packed, bundle);
		bytes.out[at] = was;
		*part = before;
	}
	chunk_packed_free(packed);
	packer_free(packer);
	bundle_free(bundle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_every_event_as_it_was),
		cmocka_unit_test(keeps_events_without_any_field),
		cmocka_unit_test(keeps_events_with_a_thousand_fields),
		cmocka_unit_test(keeps_the_fullest_event),
		cmocka_unit_test(keeps_a_full_chunk),
		cmocka_unit_test(orders_rows_by_shape_and_time),
		cmocka_unit_test(never_gives_a_wrong_row_for_damaged_bytes),
		cmocka_unit_test(leaves_out_fields_that_get_no_number),
	};

	nnames = CHUNK_FIELD_FIRST;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
