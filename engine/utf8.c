#include "engine/utf8.h"

#include "engine/strbuf.h"

/* Bytes at the head of s that are ASCII, eight at a time. */
static size_t
ascii_bytes(struct slice s)
{
	size_t n = 0;
	uint64_t eight;

	for (; s.len - n >= 8; n += 8) {
		memcpy(&eight, s.ptr + n, 8);
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (n < s.len && (unsigned char)s.ptr[n] < 0x80)
		n++;
	return n;
}

bool
utf8_valid(struct slice s)
{
	uint32_t point;
	size_t n;

	for (;;) {
		s = slice_skip(s, ascii_bytes(s));
		if (s.len == 0)
			return true;
		while (s.len > 0 && (unsigned char)s.ptr[0] >= 0x80) {
			n = utf8_next(s, &point);
			if (n == 0)
				return false;
			s = slice_skip(s, n);
		}
	}
}

static bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t
utf8_next(struct slice s, uint32_t *point)
{
	const unsigned char *p = (const unsigned char *)s.ptr;

	if (s.len == 0)
		return 0;
	if (p[0] < 0x80) {
		*point = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4 || s.len < 2 || !is_tail(p[1]))
		return 0;
	if (p[0] < 0xe0) {
		*point = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if (s.len < 3 || !is_tail(p[2]))
		return 0;
	if (p[0] < 0xf0) {
		*point = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 |
		    (p[2] & 0x3fu);
		return *point < 0x800 ||
		    (*point >= 0xd800 && *point < 0xe000) ? 0 : 3;
	}
	if (s.len < 4 || !is_tail(p[3]))
		return 0;
	*point = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 |
	    (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	return *point < 0x10000 || *point > 0x10ffff ? 0 : 4;
}

size_t
utf8_put(char out[UTF8_BYTES], uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
		point = 0xfffd;
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* Marks that turn writing round, join or hide, and line separators: what can
 * make a line look like another. */
static bool
is_treacherous(uint32_t point)
{
	return point == 0xad || point == 0x61c || point == 0x180e ||
	    (point >= 0x200b && point <= 0x200f) ||
	    (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
	    (point >= 0xfff9 && point <= 0xfffb) ||
	    (point >= 0xe0000 && point <= 0xe007f);
}

static size_t
safe_bytes(struct slice s)
{
	size_t n = 0;

	while (n < s.len && ((s.ptr[n] >= 0x20 && s.ptr[n] < 0x7f) ||
	    s.ptr[n] == '\t'))
		n++;
	return n;
}

void
utf8_safe_terminal(struct strbuf *buf, struct slice text)
{
	while (text.len > 0) {
		size_t n = safe_bytes(text);
		uint32_t point;

		strbuf_put(buf, slice_head(text, n));
		text = slice_skip(text, n);
		if (text.len == 0)
			break;
		n = utf8_next(text, &point);
		if (n == 0 || point < 0xa0) {
			/* A C1 control is shown by its number, not its two
			 * bytes. */
			strbuf_printf(buf, "\\x%02x", n == 0 ?
			    (unsigned char)text.ptr[0] : (unsigned)point);
			n = n == 0 ? 1 : n;
		} else if (is_treacherous(point)) {
			strbuf_printf(buf, "\\u{%x}", (unsigned)point);
		} else {
			strbuf_put(buf, slice_head(text, n));
		}
		text = slice_skip(text, n);
	}
}

size_t
utf8_width(uint32_t p)
{
	if ((p >= 0x300 && p <= 0x36f) || (p >= 0xfe00 && p <= 0xfe0f))
		return 0;
	if ((p >= 0x1100 && p <= 0x115f) || (p >= 0x2e80 && p <= 0x303e) ||
	    (p >= 0x3041 && p <= 0x33ff) || (p >= 0x3400 && p <= 0x4dbf) ||
	    (p >= 0x4e00 && p <= 0xa4cf) || (p >= 0xac00 && p <= 0xd7a3) ||
	    (p >= 0xf900 && p <= 0xfaff) || (p >= 0xfe30 && p <= 0xfe6f) ||
	    (p >= 0xff00 && p <= 0xff60) || (p >= 0xffe0 && p <= 0xffe6) ||
	    (p >= 0x1f300 && p <= 0x1f64f) || (p >= 0x1f900 && p <= 0x1f9ff) ||
	    (p >= 0x20000 && p <= 0x3fffd))
		return 2;
	return 1;
}
