#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/strbuf.h"
#include "storage/bloom.h"
#include "storage/codec.h"
#include "storage/column_format.h"
#include "storage/pack.h"
#include "tests/unit/storage/events.h"

static const enum codec codecs[] = { CODEC_PLAIN, CODEC_ZSTD, CODEC_ZLIB };

static void
gives_back_what_it_packed(void **state)
{
	struct strbuf raw, packed;
	char *out;

	(void)state;
	strbuf_init(&raw);
	strbuf_init(&packed);
	for (unsigned i = 0; i < 20000; i++)
		strbuf_printf(&raw, "%u ", i % 300);
	out = malloc(raw.len);
	for (size_t c = 0; c < 3; c++) {
		struct packer *packer = packer_new(codecs[c], 0);

		for (size_t n = 0; n <= raw.len; n += 1 + n * 2) {
			enum codec used;

			strbuf_clear(&packed);
			used = packer_run(packer, slice_of(raw.ptr, n),
			    &packed);
			assert_true(used == codecs[c] || packed.len == n);
			assert_true(codec_unpack(used, strbuf_slice(&packed),
			    out, n));
			assert_memory_equal(out, raw.ptr, n);
		}
		packer_free(packer);
	}
	free(out);
	strbuf_fini(&raw);
	strbuf_fini(&packed);
}

static void
keeps_what_does_not_shrink_plain(void **state)
{
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct strbuf packed;
	char noise[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)dice(256);
	strbuf_init(&packed);
	strbuf_puts(&packed, "before");
	assert_int_equal(packer_run(packer, slice_of(noise, sizeof(noise)),
	    &packed), CODEC_PLAIN);
	assert_int_equal(packed.len, 6 + sizeof(noise));
	assert_memory_equal(packed.ptr, "before", 6);
	assert_memory_equal(packed.ptr + 6, noise, sizeof(noise));
	strbuf_fini(&packed);
	packer_free(packer);
}

static void
refuses_a_wrong_length_and_an_unknown_codec(void **state)
{
	struct packer *packer = packer_new(CODEC_ZLIB, 0);
	static const char zeros[5000];
	struct strbuf packed;
	char out[5001];

	(void)state;
	strbuf_init(&packed);
	assert_int_equal(packer_run(packer, slice_of(zeros, sizeof(zeros)),
	    &packed), CODEC_ZLIB);
	assert_true(codec_unpack(CODEC_ZLIB, strbuf_slice(&packed), out,
	    5000));
	assert_false(codec_unpack(CODEC_ZLIB, strbuf_slice(&packed), out,
	    4999));
	assert_false(codec_unpack(CODEC_ZLIB, strbuf_slice(&packed), out,
	    5001));
	assert_false(codec_unpack(CODEC_ZSTD, strbuf_slice(&packed), out,
	    5000));
	assert_false(codec_unpack(CODEC_PLAIN, strbuf_slice(&packed), out,
	    5000));
	assert_false(codec_unpack(77, strbuf_slice(&packed), out, 5000));
	strbuf_fini(&packed);
	packer_free(packer);
}

static void
reads_numbers_as_they_were_written(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 16383, 16384,
	    UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX };
	char bytes[VARINT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char *end = put_varint(bytes, numbers[i]);
		struct reader r = reader_of(slice_of(bytes,
		    (size_t)(end - bytes)));

		assert_true(read_varint(&r) == numbers[i]);
		assert_false(r.bad);
		assert_true(r.at == r.end);
		/* One byte less is noticed. */
		r = reader_of(slice_of(bytes, (size_t)(end - bytes) - 1));
		read_varint(&r);
		assert_true(r.bad);
		assert_true(unzigzag(zigzag((int64_t)numbers[i])) ==
		    (int64_t)numbers[i]);
	}
	memset(bytes, 0xff, sizeof(bytes));	/* more than 64 bits */
	struct reader r = reader_of(slice_of(bytes, sizeof(bytes)));
	read_varint(&r);
	assert_true(r.bad);
}

static void
packs_numbers_of_every_width(void **state)
{
	uint64_t numbers[100], back[100];
	char bytes[100 * 8 + 8];

	(void)state;
	for (unsigned bits = 0; bits <= 64; bits++) {
		for (unsigned i = 0; i < 100; i++)
			numbers[i] = bits == 0 ? 0 :
			    (dice(UINT64_MAX) << 20 ^ dice(UINT64_MAX)) >>
			    (64 - bits);
		bits_pack(numbers, 100, bits, bytes);
		bits_unpack(bytes, 100, bits, back);
		assert_memory_equal(numbers, back, sizeof(numbers));
	}
}

static void
finds_every_key_and_few_others(void **state)
{
	size_t bytes = bloom_bytes(1000);
	char *bits = calloc(bytes, 1);
	unsigned wrong = 0;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		int n = snprintf(text, sizeof(text), "Key-%u", i);

		bloom_add(bits, bytes, bloom_hash_fold(
		    slice_of(text, (size_t)n)));
	}
	for (unsigned i = 0; i < 11000; i++) {
		int n = snprintf(text, sizeof(text), "key-%u", i);
		bool may = bloom_may(bits, bytes, bloom_hash(
		    slice_of(text, (size_t)n)));

		assert_true(may || i >= 1000);
		wrong += may && i >= 1000;
	}
	assert_true(wrong < 200);
	assert_true(bloom_may(bits, 0, 1));
	free(bits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_it_packed),
		cmocka_unit_test(keeps_what_does_not_shrink_plain),
		cmocka_unit_test(refuses_a_wrong_length_and_an_unknown_codec),
		cmocka_unit_test(reads_numbers_as_they_were_written),
		cmocka_unit_test(packs_numbers_of_every_width),
		cmocka_unit_test(finds_every_key_and_few_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
