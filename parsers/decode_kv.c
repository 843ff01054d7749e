/* key=value, in one pass. A key is what stands before the assign sign back to
 * the last separator; a quoted value ends at its quote, a bare one at the
 * separator or, where values may hold blanks, where the next key begins.
 */
#include "parsers/decode.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define KEY_BYTES 128		/* a longer "key" is text */

struct pairs {
	const struct decoder *decoder;
	const char *p, *end;
	bool	 expect;	/* a key that is a word may be expected */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_between(const struct decoder *decoder, char c)
{
	return decoder->between == 0 ? is_blank(c) : c == decoder->between;
}

/* 1: may stand in a key. Blanks, quotes and brackets do not. */
static const unsigned char key_bytes[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

static void
skip_after_sign(struct pairs *s)
{
	if (s->decoder->between != 0 && !s->decoder->blanks)
		while (s->p < s->end && *s->p == ' ')
			s->p++;
}

/* The key at p and the place behind the assign sign; false: a word. Where
 * something else than blanks stands between, "NAS IP Address" is a key. */
static bool
read_key(struct pairs *s, struct slice *key)
{
	const char *start = s->p, *q = start;
	bool blanks = s->decoder->between != 0 && !s->decoder->blanks;

	while (q < s->end && *q != s->decoder->assign &&
	    (key_bytes[(unsigned char)*q] != 0 || (*q == ' ' && blanks)) &&
	    *q != s->decoder->between)
		q++;
	if (q - start > KEY_BYTES)
		return false;
	if (q == s->end || *q != s->decoder->assign || q == start)
		return false;
	*key = slice_trim(slice_of(start, (size_t)(q - start)));
	s->p = q + 1;
	skip_after_sign(s);
	return true;
}

/* The first of two bytes from p on, or end. */
static const char *
find_either(const char *p, const char *end, char a, char b)
{
#if defined(__SSE2__)
	const __m128i as = _mm_set1_epi8(a), bs = _mm_set1_epi8(b);

	while (end - p >= 16) {
		__m128i text = _mm_loadu_si128(
		    (const __m128i *)(const void *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(
		    _mm_cmpeq_epi8(text, as), _mm_cmpeq_epi8(text, bs)));

		if (mask != 0)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

/* p stands on the quote. Quotes that are doubled at both ends are one. */
static bool
read_quoted(struct pairs *s, struct slice *value, bool *escaped)
{
	char quote = *s->p;
	const char *start = s->p + 1, *q = start;

	*escaped = false;
	if (s->end - q >= 2 && *q == quote && !is_between(s->decoder, q[1])) {
		const char *close;
		char two[2] = { quote, quote };
		ptrdiff_t at;

		start = ++q;
		at = slice_find(slice_of(q, (size_t)(s->end - q)),
		    slice_of(two, 2));
		close = at < 0 ? NULL : q + at;
		if (close != NULL) {
			*value = slice_of(start, (size_t)(close - start));
			s->p = close + 2;
			return true;
		}
		return false;
	}
	for (;;) {
		q = find_either(q, s->end, quote,
		    s->decoder->escape ? '\\' : quote);
		if (q == s->end)
			return false;
		if (*q == '\\' && s->decoder->escape && s->end - q > 1) {
			/* A backslash before the closing quote of a Windows
			 * path is no escape: the value ends there if a
			 * separator follows. */
			if (q[1] == quote && (q + 2 == s->end ||
			    is_between(s->decoder, q[2])) &&
			    (q == start || q[-1] != '\\')) {
				const char *more = memchr(q + 2, quote,
				    (size_t)(s->end - q - 2));

				if (more == NULL || more[-1] ==
				    s->decoder->assign) {
					q++;
					break;
				}
			}
			*escaped = true;
			q += 2;
			continue;
		}
		if (*q == quote)
			break;
		q++;
	}
	if (q >= s->end)
		return false;
	*value = slice_of(start, (size_t)(q - start));
	s->p = q + 1;
	return true;
}

/* Whether a key and an assign sign stand at p. */
static bool
key_begins(const struct pairs *s, const char *p)
{
	struct pairs probe = *s;
	struct slice key;

	probe.p = p;
	return read_key(&probe, &key);
}

static struct slice
read_bare(struct pairs *s)
{
	const char *start = s->p, *q = start;

	for (;;) {
		if (s->decoder->between == 0)
			while (q < s->end && (*(const unsigned char *)q > ' ' ||
			    !is_blank(*q)))
				q++;
		else
			while (q < s->end && *q != s->decoder->between)
				q++;
		if (q == s->end || !s->decoder->blanks)
			break;
		{
			const char *next = q;

			while (next < s->end && is_between(s->decoder, *next))
				next++;
			if (next == s->end || key_begins(s, next))
				break;
			q = next;
		}
	}
	s->p = q;
	return slice_of(start, (size_t)(q - start));
}

static void
skip_between(struct pairs *s)
{
	while (s->p < s->end && (is_between(s->decoder, *s->p) ||
	    is_blank(*s->p)))
		s->p++;
}

static void
skip_word(struct pairs *s)
{
	while (s->p < s->end && !is_between(s->decoder, *s->p))
		s->p++;
}

static bool
is_quote(const struct decoder *decoder, char c)
{
	return decoder->quote == 0 ? c == '"' || c == '\''
	    : c == decoder->quote;
}

/* Where signs that end a key cannot stand in a word, a word with the sign
 * behind it is a key, and need not be read byte by byte. */
static bool
words_are_keys(const struct decoder *decoder)
{
	char signs[2] = { ascii_lower(decoder->assign),
	    ascii_lower(decoder->between) };

	for (size_t i = 0; i < 2; i++)
		if ((signs[i] >= 'a' && signs[i] <= 'z') || signs[i] == '_' ||
		    signs[i] == '-' || (signs[i] >= '0' && signs[i] <= '9'))
			return false;
	return true;
}

/* The node of the key at p, which moves behind the sign; false: no key. */
static bool
next_key(struct pairs *s, struct reading *reading, uint32_t parent,
    uint32_t *node)
{
	struct slice key;

	if (s->expect) {
		*node = keytree_expect(reading->tree, parent, s->p, s->end,
		    s->decoder->assign);
		if (*node != KEYTREE_NONE) {
			s->p += reading->tree->nodes[*node].len + 1;
			skip_after_sign(s);
			return true;
		}
	}
	if (!read_key(s, &key))
		return false;
	*node = keytree_child(reading->tree, parent, key);
	return true;
}

bool
decode_kv(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	struct pairs s = { decoder, body.ptr, body.ptr + body.len,
	    words_are_keys(decoder) };
	size_t pairs = 0;

	while (skip_between(&s), s.p < s.end) {
		struct slice text;
		struct value value;
		const char *start = s.p;
		bool escaped = false;
		uint32_t node;

		if (!next_key(&s, reading, parent, &node)) {
			s.p = start;
			skip_word(&s);
			if (decoder->words)
				reading_put(reading, parent, SLICE("words"),
				    reading_text(reading, slice_of(start,
				    (size_t)(s.p - start))));
			continue;
		}
		if (s.p < s.end && is_quote(decoder, *s.p) &&
		    read_quoted(&s, &text, &escaped))
			;
		else
			text = read_bare(&s);
		if (decoder->between != 0)
			text = slice_trim(text);
		value = escaped ? unescape_text(reading, text, TRANSFORM_OWNED)
		    : reading_text(reading, text);
		reading_put_node(reading, node, &value);
		pairs++;
	}
	return pairs > 0;
}
