/* The reader is a machine of six states and one bit per open level that says
 * whether it is an array. Long strings are searched 16 bytes at a time for
 * their quote or a backslash; nearly all the time is spent there.
 */
#include "engine/json.h"

#include "engine/arena.h"
#include "engine/strbuf.h"
#include "engine/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
	WANT_VALUE,
	WANT_KEY_OR_END,	/* just behind '{' */
	WANT_KEY,		/* behind ',' in an object */
	WANT_VALUE_OR_END,	/* just behind '[' */
	WANT_COMMA_OR_END,	/* behind a value */
	DONE,
	FAILED,
};

_Static_assert(JSON_DEPTH <= 64, "arrays has a bit per level");

void
json_start(struct json *json, struct slice text)
{
	*json = (struct json){ .start = text.ptr, .at = text.ptr };
	if (text.len == 0) {
		json->state = FAILED;
		return;
	}
	json->end = text.ptr + text.len;
	json->state = WANT_VALUE;
}

static enum json_token
fail(struct json *json)
{
	json->state = FAILED;
	return JSON_ERROR;
}

static inline void
skip_blanks(struct json *json)
{
	while (json->at < json->end && (*json->at == ' ' ||
	    *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
		json->at++;
}

/* The next quote or backslash, or the end. */
static inline const char *
find_quote(const char *p, const char *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i back = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		int mask = _mm_movemask_epi8(_mm_or_si128(
		    _mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));

		if (mask != 0)
			return p + __builtin_ctz((unsigned)mask);
	}
#endif
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* at stands on the opening quote. */
static bool
take_string(struct json *json)
{
	const char *p = json->at + 1;

	json->escaped = false;
	for (;;) {
		p = find_quote(p, json->end);
		if (p == json->end)
			return false;
		if (*p == '"')
			break;
		json->escaped = true;
		if (json->end - p < 2)
			return false;
		p += 2;
	}
	json->text = slice_of(json->at + 1, (size_t)(p - json->at - 1));
	json->at = p + 1;
	return true;
}

static inline bool
is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static const char *
skip_digits(const char *p, const char *end)
{
	while (is_digit(p, end))
		p++;
	return p;
}

static bool
take_number(struct json *json)
{
	const char *p = json->at, *end = json->end;

	json->whole = true;
	if (*p == '-')
		p++;
	if (!is_digit(p, end))
		return false;
	p = *p == '0' ? p + 1 : skip_digits(p, end);
	if (p < end && *p == '.') {
		json->whole = false;
		if (!is_digit(++p, end))
			return false;
		p = skip_digits(p, end);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		json->whole = false;
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!is_digit(p, end))
			return false;
		p = skip_digits(p, end);
	}
	json->text = slice_of(json->at, (size_t)(p - json->at));
	json->at = p;
	return true;
}

static enum json_token
take_word(struct json *json, struct slice word, enum json_token token)
{
	struct slice rest = slice_of(json->at,
	    (size_t)(json->end - json->at));

	if (!slice_starts(rest, word))
		return fail(json);
	json->text = slice_head(rest, word.len);
	json->at += word.len;
	return token;
}

static bool
in_array(const struct json *json)
{
	return (json->arrays >> (json->depth - 1) & 1) != 0;
}

static enum json_token
open_level(struct json *json, bool array)
{
	if (json->depth == JSON_DEPTH)
		return fail(json);
	json->text = slice_of(json->at, 1);
	json->at++;
	if (array)
		json->arrays |= UINT64_C(1) << json->depth;
	else
		json->arrays &= ~(UINT64_C(1) << json->depth);
	json->depth++;
	json->state = array ? WANT_VALUE_OR_END : WANT_KEY_OR_END;
	return array ? JSON_ARRAY : JSON_OBJECT;
}

static enum json_token
close_level(struct json *json)
{
	bool array = in_array(json);

	json->text = slice_of(json->at, 1);
	json->at++;
	json->depth--;
	json->state = WANT_COMMA_OR_END;
	return array ? JSON_ARRAY_END : JSON_OBJECT_END;
}

static enum json_token
next_value(struct json *json)
{
	json->state = WANT_COMMA_OR_END;
	switch (*json->at) {
	case '"':
		return take_string(json) ? JSON_STRING : fail(json);
	case '{':
		return open_level(json, false);
	case '[':
		return open_level(json, true);
	case 't':
		return take_word(json, SLICE("true"), JSON_TRUE);
	case 'f':
		return take_word(json, SLICE("false"), JSON_FALSE);
	case 'n':
		return take_word(json, SLICE("null"), JSON_NULL);
	default:
		return take_number(json) ? JSON_NUMBER : fail(json);
	}
}

static enum json_token
next_key(struct json *json)
{
	const char *after;
	struct slice key;

	if (*json->at != '"' || !take_string(json))
		return fail(json);
	key = json->text;
	skip_blanks(json);
	after = json->at;
	if (after == json->end || *after != ':')
		return fail(json);
	json->at++;
	json->text = key;
	json->state = WANT_VALUE;
	return JSON_KEY;
}

enum json_token
json_next(struct json *json)
{
	if (json->state == FAILED)
		return JSON_ERROR;
	skip_blanks(json);
	if (json->state == WANT_COMMA_OR_END && json->depth == 0) {
		if (json->at != json->end)
			return fail(json);
		json->state = DONE;
	}
	if (json->state == DONE)
		return JSON_END;
	if (json->at == json->end)
		return fail(json);
	if (json->state == WANT_COMMA_OR_END) {
		if (*json->at == (in_array(json) ? ']' : '}'))
			return close_level(json);
		if (*json->at != ',')
			return fail(json);
		json->at++;
		skip_blanks(json);
		if (json->at == json->end)
			return fail(json);
		json->state = in_array(json) ? WANT_VALUE : WANT_KEY;
	}
	switch (json->state) {
	case WANT_KEY_OR_END:
		if (*json->at == '}')
			return close_level(json);
		return next_key(json);
	case WANT_KEY:
		return next_key(json);
	case WANT_VALUE_OR_END:
		if (*json->at == ']')
			return close_level(json);
		return next_value(json);
	default:
		return next_value(json);
	}
}

bool
json_skip(struct json *json)
{
	const char *start = json->at - 1;
	unsigned above = json->depth - 1;

	while (json->depth > above)
		if (json_next(json) == JSON_ERROR)
			return false;
	json->text = slice_of(start, (size_t)(json->at - start));
	return true;
}

static bool
take_hex4(struct slice s, uint32_t *out)
{
	uint32_t n = 0;

	if (s.len < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		char c = ascii_lower(s.ptr[i]);

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = n;
	return true;
}

/* s begins behind "\u". The bytes read there, or 0. A high half takes the low
 * half that follows; alone, utf8_put makes it U+FFFD. */
static size_t
take_point(struct slice s, uint32_t *point)
{
	uint32_t low;

	if (!take_hex4(s, point))
		return 0;
	if (*point < 0xd800 || *point >= 0xdc00 || s.len < 10 ||
	    s.ptr[4] != '\\' || s.ptr[5] != 'u')
		return 4;
	if (!take_hex4(slice_skip(s, 6), &low) || low < 0xdc00 ||
	    low >= 0xe000)
		return 4;
	*point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
	return 10;
}

/* What an escape of two bytes stands for; 0: it is none. */
static char
plain_escape(char c)
{
	static const char plain[256] = { ['"'] = '"', ['\\'] = '\\',
	    ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n',
	    ['r'] = '\r', ['t'] = '\t' };

	return plain[(unsigned char)c];
}

/* Copies up to the next backslash, answers how many bytes. `out` has room for
 * all of the text; what lies behind the answer is written over later. */
static size_t
copy_plain(char *out, struct slice text)
{
	size_t n = 0;

#if defined(__SSE2__)
	const __m128i back = _mm_set1_epi8('\\');

	for (; text.len - n >= 16; n += 16) {
		__m128i v = _mm_loadu_si128(
		    (const __m128i *)(const void *)(text.ptr + n));
		unsigned mask = (unsigned)_mm_movemask_epi8(
		    _mm_cmpeq_epi8(v, back));

		_mm_storeu_si128((__m128i *)(void *)(out + n), v);
		if (mask != 0)
			return n + (unsigned)__builtin_ctz(mask);
	}
#endif
	for (; n < text.len && text.ptr[n] != '\\'; n++)
		out[n] = text.ptr[n];
	return n;
}

/* Never longer than what was escaped: \uNNNN is six bytes, its text at most
 * three, a pair is twelve, its text four. */
struct slice
json_unescape(struct arena *arena, struct slice text)
{
	char *out = arena_text(arena, text.len), *at = out;

	while (text.len > 0) {
		size_t n = copy_plain(at, text);
		uint32_t point;
		char c;

		at += n;
		text = slice_skip(text, n);
		if (text.len < 2) {
			if (text.len == 1)
				*at++ = '\\';
			break;
		}
		c = plain_escape(text.ptr[1]);
		if (c != '\0') {
			*at++ = c;
			text = slice_skip(text, 2);
		} else if (text.ptr[1] == 'u' &&
		    (n = take_point(slice_skip(text, 2), &point)) > 0) {
			at += utf8_put(at, point);
			text = slice_skip(text, 2 + n);
		} else {
			*at++ = '\\';
			text = slice_skip(text, 1);
		}
	}
	return slice_of(out, (size_t)(at - out));
}

/* Bytes that a string may hold as they are: no quote, backslash, control, and
 * nothing above ASCII, which has to be looked at. */
static size_t
plain_bytes(struct slice s)
{
	size_t n = 0;

#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i back = _mm_set1_epi8('\\');
	const __m128i blank = _mm_set1_epi8(0x20);
	const __m128i del = _mm_set1_epi8(0x7f);

	/* Signed: bytes above 0x7f are below 0x20 as well. */
	for (; s.len - n >= 16; n += 16) {
		__m128i v = _mm_loadu_si128(
		    (const __m128i *)(const void *)(s.ptr + n));
		int mask = _mm_movemask_epi8(_mm_or_si128(
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote),
		    _mm_cmpeq_epi8(v, back)),
		    _mm_or_si128(_mm_cmplt_epi8(v, blank),
		    _mm_cmpeq_epi8(v, del))));

		if (mask != 0)
			return n + (size_t)__builtin_ctz((unsigned)mask);
	}
#endif
	while (n < s.len) {
		unsigned char c = (unsigned char)s.ptr[n];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
			break;
		n++;
	}
	return n;
}

/* The longest of them is \u001f, six bytes; an invalid byte takes five. */
#define ESCAPE_BYTES 6

static char *
put_escaped(char *at, unsigned char c)
{
	static const char short_form[256] = { ['"'] = '"', ['\\'] = '\\',
		['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };

	*at++ = '\\';
	if (short_form[c] != '\0') {
		*at++ = short_form[c];
		return at;
	}
	memcpy(at, "u00", 3);
	at[3] = "0123456789abcdef"[c >> 4];
	at[4] = "0123456789abcdef"[c & 15];
	return at + 5;
}

static char *
put_invalid(char *at, unsigned char c)
{
	memcpy(at, "\\\\x", 3);
	at[3] = "0123456789abcdef"[c >> 4];
	at[4] = "0123456789abcdef"[c & 15];
	return at + 5;
}

/* What acts on a terminal or turns the direction of writing: C1 controls and
 * the marks of bidirectional text. */
static bool
is_active(uint32_t point)
{
	return (point >= 0x80 && point < 0xa0) || point == 0x61c ||
	    point == 0x200e || point == 0x200f ||
	    (point >= 0x202a && point <= 0x202e) ||
	    (point >= 0x2066 && point <= 0x2069);
}

static char *
put_point(char *at, uint32_t point)
{
	*at++ = '\\';
	*at++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[point >> shift & 15];
	return at;
}

#if defined(__SSE2__)
/* Whether none of the 16 bytes wants escaping. Signed: bytes above 0x7f are
 * below 0x20 as well. */
static inline bool
all_plain(__m128i v)
{
	return _mm_movemask_epi8(_mm_or_si128(
	    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
	    _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
	    _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))))) == 0;
}

/* Copies a text of 4 to 15 bytes, as two halves that overlap. */
static inline bool
copy_short(char *at, const char *p, size_t n)
{
	uint64_t a, b;
	uint32_t c, d;

	if (n >= 8) {
		memcpy(&a, p, 8);
		memcpy(&b, p + n - 8, 8);
		memcpy(at, &a, 8);
		memcpy(at + n - 8, &b, 8);
	} else {
		memcpy(&c, p, 4);
		memcpy(&d, p + n - 4, 4);
		memcpy(at, &c, 4);
		memcpy(at + n - 4, &d, 4);
		a = b = (uint64_t)d << 32 | c;
	}
	return all_plain(_mm_set_epi64x((int64_t)a, (int64_t)b));
}
#endif

char *
json_copy_plain(char *at, struct slice text)
{
	const char *p = text.ptr;
	size_t n = 0;

#if defined(__SSE2__)
	if (text.len >= 4 && text.len < 16)
		return copy_short(at, p, text.len) ? at + text.len : NULL;
	while (text.len >= 16 && n < text.len) {
		__m128i v;

		if (text.len - n < 16)
			n = text.len - 16;	/* some bytes twice */
		v = _mm_loadu_si128((const __m128i *)(const void *)(p + n));
		if (!all_plain(v))
			return NULL;
		_mm_storeu_si128((__m128i *)(void *)(at + n), v);
		n += 16;
	}
#endif
	for (; n < text.len; n++) {
		unsigned char c = (unsigned char)p[n];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
			return NULL;
		at[n] = p[n];
	}
	return at + n;
}

/* Room is taken for a piece at a time, as if all of it had to be escaped. */
#define PIECE_BYTES 1024

static void
put_escaping(struct strbuf *buf, struct slice text)
{
	char *at = strbuf_room(buf, 2);

	*at++ = '"';
	for (;;) {
		size_t n = plain_bytes(slice_head(text, PIECE_BYTES));
		uint32_t point;

		buf->len = (size_t)(at - buf->ptr);
		at = strbuf_room(buf, PIECE_BYTES + ESCAPE_BYTES + 1);
		if (n > 0)
			memcpy(at, text.ptr, n);
		at += n;
		text = slice_skip(text, n);
		if (text.len == 0)
			break;
		if (n == PIECE_BYTES)
			continue;
		n = 1;
		if ((unsigned char)text.ptr[0] < 0x80) {
			at = put_escaped(at, (unsigned char)text.ptr[0]);
		} else if ((n = utf8_next(text, &point)) > 0 &&
		    is_active(point)) {
			at = put_point(at, point);
		} else if (n > 0) {
			memcpy(at, text.ptr, n);
			at += n;
		} else {
			at = put_invalid(at, (unsigned char)text.ptr[0]);
			n = 1;
		}
		text = slice_skip(text, n);
	}
	*at++ = '"';
	*at = '\0';
	buf->len = (size_t)(at - buf->ptr);
}

void
json_put_string(struct strbuf *buf, struct slice text)
{
	char *at = strbuf_room(buf, text.len + 2), *end;

	at[0] = '"';
	end = json_copy_plain(at + 1, text);
	if (end == NULL) {
		put_escaping(buf, text);
		return;
	}
	end[0] = '"';
	end[1] = '\0';
	buf->len += text.len + 2;
}
