#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/chunk_source.h"
#include "storage/codec.h"
#include "storage/column.h"
#include "storage/column_build.h"
#include "tests/unit/storage/events.h"

#define N 20000

static struct block block;
static unsigned said_damaged;

static int
give(void *context, unsigned id, unsigned parts, struct arena *arena,
    struct block *out, struct err *err)
{
	(void)context;
	(void)id;
	(void)arena;
	(void)err;
	*out = (struct block){ .hdr = { NULL, 0 } };
	if ((parts & BLOCK_HEAD) != 0) {
		out->hdr = block.hdr;
		out->bloom = block.bloom;
	}
	if ((parts & BLOCK_DICT) != 0)
		out->dict = block.dict;
	if ((parts & BLOCK_DATA) != 0)
		out->data = block.data;
	return 1;
}

static void
count_damage(void *context)
{
	(void)context;
	said_damaged++;
}

static const struct chunk_source source = { .block = give,
    .damaged = count_damage };
static struct arena *arena;
static struct value values[N];

static struct column *
build(uint32_t n)
{
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct column_builder *builder = column_builder_new(packer);
	struct err err = { .kind = ERR_NONE };
	struct value *copy = calloc(n, sizeof(*copy)), value;
	struct column *column;

	memcpy(copy, values, n * sizeof(*copy));
	column_build(builder, copy, n, arena, &block);
	free(copy);
	column_builder_free(builder);
	packer_free(packer);
	column = column_open(&source, 16, n, arena, &err);
	assert_non_null(column);
	assert_int_equal(column_count(column), n);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(column_value(column, i, &value, &err));
		assert_true(values_agree(&values[i], &value));
	}
	return column;
}

static void
keeps_one_value_once(void **state)
{
	struct column *column;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		values[i] = value_text(SLICE("same"), TRANSFORM_OWNED);
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_CONST);
	assert_int_equal(column_type(column), VALUE_TEXT);
	assert_int_equal(column_dict_count(column), 1);
	assert_int_equal(column_dict_uses(column, 0), N);
	assert_true(block.dict.len < 20);
	assert_int_equal(block.data.len, 0);
}

static void
makes_a_dictionary_of_few_values(void **state)
{
	static const unsigned sizes[] = { 2, 3, 5, 17, 300, 1000 };

	(void)state;
	for (size_t s = 0; s < 6; s++) {
		struct column *column;
		const uint32_t *codes;
		uint32_t uses = 0;

		for (unsigned i = 0; i < N; i++)
			values[i] = value_text(text_of(arena, "v",
			    i % sizes[s]), TRANSFORM_OWNED);
		column = build(N);
		assert_int_equal(column_kind(column), COLUMN_DICT);
		assert_int_equal(column_dict_count(column), sizes[s]);
		codes = column_codes(column);
		assert_non_null(codes);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(codes[i], i % sizes[s]);
		for (unsigned i = 0; i < sizes[s]; i++)
			uses += column_dict_uses(column, i);
		assert_int_equal(uses, N);
	}
}

static void
keeps_many_texts_in_pages_behind_a_bloom(void **state)
{
	struct column *column;
	unsigned wrong = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		values[i] = value_text(text_of(arena, "Text", i),
		    TRANSFORM_OWNED);
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_TEXT);
	assert_int_equal(column_type(column), VALUE_TEXT);
	for (unsigned i = 0; i < N; i += 17)
		assert_true(column_may_hold(column,
		    text_of(arena, "text", i)));
	for (unsigned i = N; i < N + 1000; i++)
		wrong += column_may_hold(column, text_of(arena, "text", i));
	assert_true(wrong < 50);
}

static void
keeps_many_addresses_with_their_type(void **state)
{
	struct column *column;
	struct value value;
	uint8_t ip[16];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "10.%u.%u.7", i >> 8,
		    i & 255);

		assert_true(value_parse(arena_dup(arena,
		    slice_of(text, (size_t)n)), TRANSFORM_OWNED, VALUE_IP,
		    &values[i]));
	}
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_TEXT);
	assert_int_equal(column_type(column), VALUE_IP);
	assert_true(column_value(column, 300, &value, NULL));
	assert_int_equal(value.u.num, values[300].u.num);
	assert_true(value_as_ip(&value, ip));
	assert_int_equal(ip[13], 1);
}

static void
packs_numbers_by_frame_or_difference(void **state)
{
	struct column *column;
	int64_t min, max;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		values[i] = value_time(INT64_C(1790000000) * 1000000000 +
		    (int64_t)i * 1000000000);
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_INT);
	assert_int_equal(column_type(column), VALUE_TIME);
	assert_true(column_range(column, &min, &max));
	assert_int_equal(max - min, INT64_C(1000000000) * (N - 1));
	assert_true(block.data.len < 200);

	for (unsigned i = 0; i < N; i++)
		values[i] = value_long((int64_t)dice(60000) - 30000);
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_INT);
	assert_true(block.data.len <= N * 2);

	for (unsigned i = 0; i < N; i++)
		values[i] = value_long(i % 2 == 0 ? INT64_MIN + i :
		    INT64_MAX - i);
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_INT);
	assert_true(column_range(column, &min, &max));
	assert_true(min == INT64_MIN && max == INT64_MAX - 1);
}

static void
keeps_numbers_written_in_an_odd_way(void **state)
{
	struct column *column;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		assert_true(value_parse(text_of(arena, "000", i),
		    TRANSFORM_OWNED, VALUE_LONG, &values[i]));
	column = build(N);
	assert_int_equal(column_kind(column), COLUMN_DICT);
	assert_int_equal(column_type(column), VALUE_NULL);
}

static void
keeps_types_and_lists_that_are_mixed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N; i++)
		values[i] = random_value(arena, (unsigned)dice(13));
	assert_int_equal(column_kind(build(N)), COLUMN_DICT);
}

static void
says_once_that_data_is_damaged(void **state)
{
	struct err err = { .kind = ERR_NONE };
	struct column *column;
	struct value value;
	char *data;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		values[i] = value_long(i % 50);
	build(N);
	data = arena_text(arena, block.data.len);
	memcpy(data, block.data.ptr, block.data.len);
	data[3] ^= 1;
	block.data.ptr = data;
	said_damaged = 0;
	column = column_open(&source, 16, N, arena, &err);
	assert_non_null(column);	/* the dictionary is good */
	assert_int_equal(column_dict_count(column), 50);
	assert_null(column_codes(column));
	assert_null(column_codes(column));
	assert_false(column_value(column, 7, &value, &err));
	assert_int_equal(err.kind, ERR_DAMAGED);
	assert_int_equal(said_damaged, 1);
	/* A column that should have more values is another one. */
	assert_null(column_open(&source, 16, N + 1, arena, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_one_value_once),
		cmocka_unit_test(makes_a_dictionary_of_few_values),
		cmocka_unit_test(keeps_many_texts_in_pages_behind_a_bloom),
		cmocka_unit_test(keeps_many_addresses_with_their_type),
		cmocka_unit_test(packs_numbers_by_frame_or_difference),
		cmocka_unit_test(keeps_numbers_written_in_an_odd_way),
		cmocka_unit_test(keeps_types_and_lists_that_are_mixed),
		cmocka_unit_test(says_once_that_data_is_damaged),
	};
	int failed;

	arena = arena_new(0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
