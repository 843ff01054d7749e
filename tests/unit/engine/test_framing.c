/* The same records come out however the bytes were cut into reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/framing.h"
#include "engine/strbuf.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT 20

/* All records of the parts, each as "[text]", "!" in front if truncated. */
struct stream {
	struct framing framing;
	struct strbuf held, out;
};

static void
stream_read(struct stream *stream, struct slice part, enum framing_end end)
{
	struct strbuf rest = STRBUF_INIT;
	struct slice bytes;
	struct frame frame;

	strbuf_put(&stream->held, part);
	bytes = strbuf_slice(&stream->held);
	while (framing_next(&stream->framing, &bytes, LIMIT, end, &frame)) {
		assert_true(frame.record.len > 0);
		assert_true(frame.record.len <= LIMIT);
		strbuf_puts(&stream->out, frame.truncated ? "![" : "[");
		strbuf_put(&stream->out, frame.record);
		strbuf_putc(&stream->out, ']');
	}
	assert_true(bytes.len <= LIMIT + FRAMING_SLACK);
	strbuf_put(&rest, bytes);
	strbuf_fini(&stream->held);
	stream->held = rest;
}

static void
stream_fini(struct stream *stream)
{
	strbuf_fini(&stream->held);
	strbuf_fini(&stream->out);
}

static void
assert_records(struct slice want, struct stream *stream)
{
	if (!slice_eq(strbuf_slice(&stream->out), want))
		fprintf(stderr, "got %s\n", stream->out.ptr);
	assert_true(slice_eq(strbuf_slice(&stream->out), want));
}

/* Whole, cut at every byte, and byte by byte. */
static void
expect(struct slice input, struct slice want)
{
	for (size_t cut = 0; cut <= input.len; cut++) {
		struct stream stream = { .held = STRBUF_INIT,
		    .out = STRBUF_INIT };

		stream_read(&stream, slice_head(input, cut), FRAMING_OPEN);
		stream_read(&stream, slice_skip(input, cut), FRAMING_OPEN);
		stream_read(&stream, SLICE(""), FRAMING_CLOSED);
		assert_records(want, &stream);
		stream_fini(&stream);
	}
	struct stream stream = { .held = STRBUF_INIT, .out = STRBUF_INIT };

	for (size_t i = 0; i < input.len; i++)
		stream_read(&stream, slice_of(input.ptr + i, 1), FRAMING_OPEN);
	stream_read(&stream, SLICE(""), FRAMING_CLOSED);
	assert_records(want, &stream);
	stream_fini(&stream);
}

static void
lines_end_with_lf_crlf_or_nul(void **state)
{
	(void)state;
	expect(SLICE("<1>a\n<2>b\r\n<3>c"), SLICE("[<1>a][<2>b][<3>c]"));
	expect(SLICE("<1>a\0<2>b\0"), SLICE("[<1>a][<2>b]"));
	expect(SLICE("{1}\0{2}\0\n\n\r\n"), SLICE("[{1}][{2}]"));
	expect(SLICE(""), SLICE(""));
	expect(SLICE("\n\n"), SLICE(""));
}

static void
a_nul_inside_a_line_is_a_byte(void **state)
{
	(void)state;
	expect(SLICE("<1>a\0b\nc\n"), SLICE("[<1>a\0b][c]"));
	expect(SLICE("\0\0x\n"), SLICE("[\0\0x]"));
}

static void
counts_and_lines_may_alternate(void **state)
{
	(void)state;
	expect(SLICE("5 <1>ab<2>c\n4 <3>d5 <4>e\n6 <5>f\ng<6>h\n"),
	    SLICE("[<1>ab][<2>c][<3>d][<4>e][<5>f\ng][<6>h]"));
	expect(SLICE("4 <1>a\n4 <2>b\n"), SLICE("[<1>a][<2>b]"));
}

static void
what_is_no_count_is_a_line(void **state)
{
	(void)state;
	expect(SLICE("0 a\n"), SLICE("[0 a]"));
	expect(SLICE("05 abcde\n"), SLICE("[05 abcde]"));
	expect(SLICE("5\n"), SLICE("[5]"));
	expect(SLICE("2026-11-21 x\n"), SLICE("[2026-11-21 x]"));
	expect(SLICE("1763712000 line\n"), SLICE("[1763712000 line]"));
	expect(SLICE("12345678901 a\nb\n"), SLICE("[12345678901 a][b]"));
	expect(SLICE("-5 a\n"), SLICE("[-5 a]"));
	expect(SLICE("77"), SLICE("[77]"));
}

static void
an_over_long_line_is_cut_and_the_next_is_intact(void **state)
{
	(void)state;
	expect(SLICE("12345678901234567890\nb\n"),
	    SLICE("[12345678901234567890][b]"));
	expect(SLICE("abcdefghijklmnopqrst\nb\n"),
	    SLICE("[abcdefghijklmnopqrst][b]"));
	expect(SLICE("abcdefghijklmnopqrst\r\nb\n"),
	    SLICE("[abcdefghijklmnopqrst][b]"));
	expect(SLICE("abcdefghijklmnopqrstu\nb\n"),
	    SLICE("![abcdefghijklmnopqrst][b]"));
	expect(SLICE("abcdefghijklmnopqrstuvwxyz0123456789\r\n<1>b\n"),
	    SLICE("![abcdefghijklmnopqrst][<1>b]"));
	expect(SLICE("abcdefghijklmnopqrstu\0<1>b\n"),
	    SLICE("![abcdefghijklmnopqrst][<1>b]"));
	expect(SLICE("abcdefghijklmnopqrstuvwxyz\0<1>b\n"),
	    SLICE("![abcdefghijklmnopqrst][<1>b]"));
	expect(SLICE("abcdefghijklmnopqrstuvwxyz"),
	    SLICE("![abcdefghijklmnopqrst]"));
}

static void
an_over_long_count_is_cut_and_the_next_is_intact(void **state)
{
	(void)state;
	expect(SLICE("20 abcdefghijklmnopqrst3 <1>"),
	    SLICE("[abcdefghijklmnopqrst][<1>]"));
	expect(SLICE("26 abcdefghijklmnopqrstuvwxyz4 <1>b"),
	    SLICE("![abcdefghijklmnopqrst][<1>b]"));
}

static void
a_count_the_sender_did_not_keep_is_marked(void **state)
{
	(void)state;
	expect(SLICE("9 <1>ab"), SLICE("![<1>ab]"));
	expect(SLICE("9 "), SLICE(""));
}

static void
a_last_nul_ends_a_record_when_the_line_is_quiet(void **state)
{
	struct stream stream = { .held = STRBUF_INIT, .out = STRBUF_INIT };

	(void)state;
	stream_read(&stream, SLICE("<1>a\0"), FRAMING_OPEN);
	assert_records(SLICE(""), &stream);
	stream_read(&stream, SLICE(""), FRAMING_IDLE);
	assert_records(SLICE("[<1>a]"), &stream);
	stream_read(&stream, SLICE("<2>b"), FRAMING_IDLE);
	assert_records(SLICE("[<1>a]"), &stream);
	stream_fini(&stream);
}

/* Noise from a fixed seed: whole and byte by byte agree. */
static void
noise_is_framed_the_same_however_it_is_cut(void **state)
{
	static const char letters[] = "0125 <{\n\r\0ab";
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct stream whole = { .held = STRBUF_INIT,
		    .out = STRBUF_INIT };
		char text[64];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);

		for (size_t i = 0; i < n; i++)
			text[i] = letters[(size_t)rand_r(&seed) %
			    (sizeof(letters) - 1)];
		stream_read(&whole, slice_of(text, n), FRAMING_OPEN);
		stream_read(&whole, SLICE(""), FRAMING_CLOSED);
		expect(slice_of(text, n), strbuf_slice(&whole.out));
		stream_fini(&whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_with_lf_crlf_or_nul),
		cmocka_unit_test(a_nul_inside_a_line_is_a_byte),
		cmocka_unit_test(counts_and_lines_may_alternate),
		cmocka_unit_test(what_is_no_count_is_a_line),
		cmocka_unit_test(
		    an_over_long_line_is_cut_and_the_next_is_intact),
		cmocka_unit_test(
		    an_over_long_count_is_cut_and_the_next_is_intact),
		cmocka_unit_test(a_count_the_sender_did_not_keep_is_marked),
		cmocka_unit_test(
		    a_last_nul_ends_a_record_when_the_line_is_quiet),
		cmocka_unit_test(noise_is_framed_the_same_however_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
