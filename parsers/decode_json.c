/* JSON onto the tape: one item per scalar, with the node of its key. Arrays
 * give several items of one node. A document that breaks off is kept as far
 * as it goes.
 */
#include "parsers/decode.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/utf8.h"

struct json {
	const char *p, *end;
	struct reading *reading;
	bool	 broken;
};

static void
skip_space(struct json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' ||
	    *j->p == '\t' || *j->p == '\r'))
		j->p++;
}

/* The first quote or backslash from p on. */
static const char *
find_quote(const char *p, const char *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');

	while (end - p >= 16) {
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(
		    _mm_cmpeq_epi8(b, quote), _mm_cmpeq_epi8(b, slash)));

		if (mask != 0)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

static int
hex4(const char *p)
{
	int n = 0;

	for (int i = 0; i < 4; i++) {
		char c = ascii_lower(p[i]);

		if (c >= '0' && c <= '9')
			n = n << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return n;
}

static size_t
put_unicode(const char **p, const char *end, char *out)
{
	int low, point = end - *p >= 4 ? hex4(*p) : -1;

	if (point < 0) {
		out[0] = '\\';
		out[1] = 'u';
		return 2;
	}
	*p += 4;
	if (point >= 0xd800 && point < 0xdc00 && end - *p >= 6 &&
	    (*p)[0] == '\\' && (*p)[1] == 'u') {
		low = hex4(*p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			point = 0x10000 + ((point - 0xd800) << 10) +
			    (low - 0xdc00);
			*p += 6;
		}
	}
	return utf8_put(out, (uint32_t)point);
}

/* The text between p and end, without its escapes. */
static struct slice
unescape(struct arena *arena, const char *p, const char *end)
{
	char *out = arena_text(arena, (size_t)(end - p) + 4);
	size_t n = 0;

	while (p < end) {
		const char *stop = memchr(p, '\\', (size_t)(end - p));

		if (stop == NULL)
			stop = end;
		memcpy(out + n, p, (size_t)(stop - p));
		n += (size_t)(stop - p);
		p = stop;
		if (end - p < 2) {
			if (p < end)
				out[n++] = *p;
			break;
		}
		p += 2;
		switch (p[-1]) {
		case 'n':	out[n++] = '\n'; break;
		case 't':	out[n++] = '\t'; break;
		case 'r':	out[n++] = '\r'; break;
		case 'b':	out[n++] = '\b'; break;
		case 'f':	out[n++] = '\f'; break;
		case 'u':	n += put_unicode(&p, end, out + n); break;
		case '"':
		case '\\':
		case '/':	out[n++] = p[-1]; break;
		default:
			out[n++] = '\\';
			out[n++] = p[-1];
		}
	}
	return slice_of(out, n);
}

/* p stands behind the opening quote; false if the string does not end. */
static bool
read_string(struct json *j, struct slice *text, bool *escaped)
{
	const char *start = j->p, *q = find_quote(start, j->end);

	*escaped = false;
	while (q < j->end && *q == '\\') {
		*escaped = true;
		if (j->end - q < 2)
			return false;
		q = find_quote(q + 2, j->end);
	}
	if (q >= j->end)
		return false;
	j->p = q + 1;
	*text = slice_of(start, (size_t)(q - start));
	if (*escaped)
		*text = unescape(j->reading->arena, start, q);
	return true;
}

static void
push(struct json *j, uint32_t node, struct value value)
{
	struct reading *r = j->reading;

	if (r->ntape == r->tape_cap) {
		if (r->tape_cap >= TAPE_ITEMS) {
			event_tag(r->event, EVENT_TAG_FIELDS_CAPPED);
			return;
		}
		r->tape_cap = r->tape_cap == 0 ? 256 : r->tape_cap * 2;
		r->tape = xrealloc(r->tape, r->tape_cap * sizeof(*r->tape));
	}
	r->tape[r->ntape].node = node;
	r->tape[r->ntape++].value = value;
}

static bool
read_number(struct json *j, struct value *out)
{
	const char *start = j->p, *q = start;
	enum value_type type = VALUE_LONG;
	struct slice text;
	uint64_t n = 0;

	if (q < j->end && *q == '-')
		q++;
	while (q < j->end && *q >= '0' && *q <= '9')
		n = n * 10 + (uint64_t)(*q++ - '0');
	while (q < j->end && ((*q >= '0' && *q <= '9') || *q == '.' ||
	    *q == 'e' || *q == 'E' || *q == '+' || *q == '-')) {
		type = VALUE_DOUBLE;
		q++;
	}
	if (q == start || (q == start + 1 && *start == '-'))
		return false;
	text = slice_of(start, (size_t)(q - start));
	j->p = q;
	*out = reading_text(j->reading, text);
	if (type == VALUE_LONG && text.len < 19) {
		out->type = VALUE_LONG;
		out->u.num = *start == '-' ? -(int64_t)n : (int64_t)n;
		return true;
	}
	if (type == VALUE_LONG && slice_long(text, &out->u.num))
		out->type = VALUE_LONG;
	else if (type == VALUE_DOUBLE && slice_double(text, &out->u.dbl))
		out->type = VALUE_DOUBLE;
	return true;	/* or text: a number that we cannot hold */
}

static bool
read_word(struct json *j, struct value *out)
{
	size_t left = (size_t)(j->end - j->p);

	if (left >= 4 && memcmp(j->p, "true", 4) == 0) {
		*out = reading_text(j->reading, slice_of(j->p, 4));
		out->type = VALUE_BOOL;
		out->u.num = 1;
		j->p += 4;
	} else if (left >= 5 && memcmp(j->p, "false", 5) == 0) {
		*out = reading_text(j->reading, slice_of(j->p, 5));
		out->type = VALUE_BOOL;
		out->u.num = 0;
		j->p += 5;
	} else if (left >= 4 && memcmp(j->p, "null", 4) == 0) {
		*out = (struct value){ .type = VALUE_NULL };
		j->p += 4;
	} else {
		return read_number(j, out);
	}
	return true;
}

static bool
read_scalar(struct json *j, struct value *out)
{
	struct slice text;
	bool escaped;

	if (*j->p != '"')
		return read_word(j, out);
	j->p++;
	if (!read_string(j, &text, &escaped))
		return false;
	*out = reading_text(j->reading, text);
	if (escaped && !j->reading->owned)
		out->transform = TRANSFORM_JSON;
	return true;
}

static bool read_value(struct json *j, uint32_t node, unsigned depth);

static bool
read_object(struct json *j, uint32_t node, unsigned depth)
{
	struct slice key;
	bool escaped;

	for (;;) {
		skip_space(j);
		if (j->p < j->end && *j->p == '}') {
			j->p++;
			return true;
		}
		if (j->p == j->end || *j->p != '"')
			return false;
		j->p++;
		if (!read_string(j, &key, &escaped))
			return false;
		skip_space(j);
		if (j->p == j->end || *j->p != ':')
			return false;
		j->p++;
		if (!read_value(j, keytree_child(j->reading->tree, node, key),
		    depth))
			return false;
		skip_space(j);
		if (j->p == j->end)
			return false;
		if (*j->p == ',')
			j->p++;
		else if (*j->p != '}')
			return false;
	}
}

static bool
read_array(struct json *j, uint32_t node, unsigned depth)
{
	for (;;) {
		skip_space(j);
		if (j->p < j->end && *j->p == ']') {
			j->p++;
			return true;
		}
		if (!read_value(j, node, depth))
			return false;
		skip_space(j);
		if (j->p == j->end)
			return false;
		if (*j->p == ',')
			j->p++;
		else if (*j->p != ']')
			return false;
	}
}

static bool
read_value(struct json *j, uint32_t node, unsigned depth)
{
	struct value value;

	skip_space(j);
	if (j->p == j->end)
		return false;
	if (*j->p == '{' || *j->p == '[') {
		if (depth >= JSON_DEPTH)
			return false;
		return *j->p++ == '{' ? read_object(j, node, depth + 1)
		    : read_array(j, node, depth + 1);
	}
	if (!read_scalar(j, &value))
		return false;
	push(j, node, value);
	return true;
}

bool
json_read(struct reading *reading, struct slice body, uint32_t parent)
{
	struct json j = { body.ptr, body.ptr + body.len, reading, false };
	size_t from = reading->ntape;

	skip_space(&j);
	if (j.p == j.end || (*j.p != '{' && *j.p != '['))
		return false;
	if (read_value(&j, parent, 0)) {
		skip_space(&j);
		if (j.p < j.end)
			event_tag(reading->event, EVENT_TAG_PARSE_PARTIAL);
		return true;
	}
	if (reading->ntape - from < 2) {
		reading->ntape = from;
		return false;
	}
	event_tag(reading->event, EVENT_TAG_PARSE_PARTIAL);
	return true;
}

void
json_emit(struct reading *reading, size_t from)
{
	for (size_t i = from; i < reading->ntape; i++)
		reading_put_node(reading, reading->tape[i].node,
		    &reading->tape[i].value);
}

bool
decode_json(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	size_t from = reading->ntape;

	(void)decoder;
	if (!json_read(reading, body, parent))
		return false;
	json_emit(reading, from);
	reading->ntape = from;
	return true;
}
