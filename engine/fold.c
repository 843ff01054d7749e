#include "engine/fold.h"

#include "engine/arena.h"
#include "engine/utf8.h"

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

/* Nothing but ASCII: a loop that the compiler turns into vectors. */
static size_t
fold_put_ascii(char *restrict out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		out[i] = (char)(c + (((unsigned)c - 'A' < 26u) << 5));
	}
	return s.len;
}

size_t
fold_put(char *out, struct slice s)
{
	size_t len = 0;

	if (fold_is_ascii(s))
		return fold_put_ascii(out, s);
	while (s.len > 0) {
		unsigned char c = (unsigned char)s.ptr[0];
		uint32_t point;
		size_t n;

		if (c < 0x80 || (n = utf8_next(s, &point)) == 0) {
			out[len++] = (char)fold_ascii[c];
			s = slice_skip(s, 1);
			continue;
		}
		len += utf8_put(out + len, fold_point(point));
		s = slice_skip(s, n);
	}
	return len;
}

struct slice
fold_dup(struct arena *arena, struct slice s)
{
	char *text = arena_text(arena, FOLD_ROOM(s.len));

	return slice_of(text, fold_put(text, s));
}
