#include "engine/fold.h"

#include "engine/arena.h"
#include "engine/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define ROW4(b) (b), (b) + 1, (b) + 2, (b) + 3
#define ROW16(b) ROW4(b), ROW4((b) + 4), ROW4((b) + 8), ROW4((b) + 12)

const unsigned char fold_ascii[256] = {
	ROW16(0x00), ROW16(0x10), ROW16(0x20), ROW16(0x30),
	'@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
	'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
	'[', '\\', ']', '^', '_',
	ROW16(0x60), ROW16(0x70), ROW16(0x80), ROW16(0x90), ROW16(0xa0),
	ROW16(0xb0), ROW16(0xc0), ROW16(0xd0), ROW16(0xe0), ROW16(0xf0),
};

struct fold_range {
	uint32_t first, last;
	uint8_t	 stride;
	int32_t	 delta;
};

static const struct fold_range ranges[] = {
#define FOLD(first, last, stride, delta) { first, last, stride, delta },
#include "engine/fold.def"
#undef FOLD
};

uint32_t
fold_point(uint32_t point)
{
	size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);

	if (point < 0x80)
		return fold_ascii[point];
	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct fold_range *range = &ranges[mid];

		if (point > range->last)
			low = mid + 1;
		else if (point < range->first)
			high = mid;
		else
			return (point - range->first) % range->stride == 0
			    ? (uint32_t)((int32_t)point + range->delta) : point;
	}
	return point;
}

bool
fold_is_ascii(struct slice s)
{
	uint64_t word, seen = 0;
	size_t at = 0;

	for (; at + 8 <= s.len; at += 8) {
		memcpy(&word, s.ptr + at, 8);
		seen |= word;
	}
	for (; at < s.len; at++)
		seen |= (unsigned char)s.ptr[at];
	return (seen & 0x8080808080808080u) == 0;
}

bool
fold_hides_ascii(struct slice s)
{
	return slice_find(s, SLICE("\xe2\x84\xaa")) >= 0 ||
	    slice_find(s, SLICE("\xc5\xbf")) >= 0;
}

/* Folds up to the first byte that is not ASCII, answers how many there were.
 * Compared as signed, such bytes are less than any letter. */
static size_t
fold_run(char *restrict out, struct slice s)
{
	size_t at = 0;

#if defined(__SSE2__)
	const __m128i before = _mm_set1_epi8('A' - 1);
	const __m128i after = _mm_set1_epi8('Z' + 1);
	const __m128i bit = _mm_set1_epi8(0x20);

	for (; at + 16 <= s.len; at += 16) {
		__m128i v = _mm_loadu_si128(
		    (const __m128i *)(const void *)(s.ptr + at));
		__m128i upper = _mm_and_si128(_mm_cmpgt_epi8(v, before),
		    _mm_cmpgt_epi8(after, v));

		if (_mm_movemask_epi8(v) != 0)
			break;
		_mm_storeu_si128((__m128i *)(void *)(out + at),
		    _mm_or_si128(v, _mm_and_si128(upper, bit)));
	}
#endif
	for (; at < s.len && (unsigned char)s.ptr[at] < 0x80; at++)
		out[at] = (char)fold_ascii[(unsigned char)s.ptr[at]];
	return at;
}

size_t
fold_put(char *out, struct slice s)
{
	size_t len = 0;

	for (;;) {
		size_t n = fold_run(out + len, s);
		uint32_t point;

		len += n;
		s = slice_skip(s, n);
		if (s.len == 0)
			return len;
		n = utf8_next(s, &point);
		if (n == 0) {
			out[len++] = s.ptr[0];
			s = slice_skip(s, 1);
			continue;
		}
		len += utf8_put(out + len, fold_point(point));
		s = slice_skip(s, n);
	}
}

struct slice
fold_dup(struct arena *arena, struct slice s)
{
	char *text = arena_text(arena, FOLD_ROOM(s.len));

	return slice_of(text, fold_put(text, s));
}
