/* Matching is a walk along the line: at each part what stands there is compared
 * with what the part gives, and at the end the fields that have an origin with
 * what it gives. No part looks ahead, so a line is read once.
 */
#include "storage/line_template.h"

#include "engine/arena.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "storage/column_format.h"
#include "storage/pack.h"

/* --- ways to write a text ------------------------------------------------- */

static const char hex[] = "0123456789abcdef";

static size_t
json_escape(uint8_t c, char out[8])
{
	static const char shorts[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *at = c != 0 ? strchr(shorts, c) : NULL;

	if (at != NULL) {
		out[0] = '\\';
		out[1] = names[at - shorts];
		return 2;
	}
	if (c >= 0x20) {
		out[0] = (char)c;
		return 1;
	}
	memcpy(out, "\\u00", 4);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	return 6;
}

static size_t
xml_escape(uint8_t c, char out[8])
{
	switch (c) {
	case '&':
		memcpy(out, "&amp;", 5);
		return 5;
	case '<':
		memcpy(out, "&lt;", 4);
		return 4;
	case '>':
		memcpy(out, "&gt;", 4);
		return 4;
	default:
		out[0] = (char)c;
		return 1;
	}
}

static size_t
escape(enum part_how how, uint8_t c, char out[8])
{
	return how == HOW_JSON ? json_escape(c, out) : xml_escape(c, out);
}

void
how_put(struct strbuf *line, enum part_how how, struct slice text)
{
	char *at;

	if (how != HOW_JSON && how != HOW_XML) {
		strbuf_put(line, text);
		return;
	}
	at = strbuf_room(line, text.len * 6 + 8);
	for (size_t i = 0; i < text.len; i++)
		at += escape(how, (uint8_t)text.ptr[i], at);
	line->len = (size_t)(at - line->ptr);
}

static inline bool
begins_with(struct slice line, struct slice text)
{
	return line.len >= text.len &&
	    bytes_same(line.ptr, text.ptr, text.len);
}

/* Bytes at the beginning of `line` that are `text` written that way, or -1. */
static ptrdiff_t
how_match(enum part_how how, struct slice text, struct slice line)
{
	size_t at = 0;
	char out[8];

	if (how != HOW_JSON && how != HOW_XML)
		return begins_with(line, text) ? (ptrdiff_t)text.len : -1;
	for (size_t i = 0; i < text.len; i++) {
		size_t n = escape(how, (uint8_t)text.ptr[i], out);

		if (n > line.len - at || memcmp(line.ptr + at, out, n) != 0)
			return -1;
		at += n;
	}
	return (ptrdiff_t)at;
}

/* What one escape at the beginning of the line stands for; its bytes, or 0. */
static size_t
unescape(enum part_how how, struct slice line, uint8_t *c)
{
	char out[8];
	size_t n;

	for (unsigned i = 0; i < 128; i++) {
		n = escape(how, (uint8_t)i, out);
		if (n > 1 && n <= line.len && memcmp(line.ptr, out, n) == 0) {
			*c = (uint8_t)i;
			return n;
		}
	}
	return 0;
}

bool
how_undo(enum part_how how, char *text, size_t *len)
{
	char mark = how == HOW_JSON ? '\\' : '&';
	size_t to = 0;

	if (how == HOW_LOWER) {
		for (size_t i = 0; i < *len; i++)
			text[i] = ascii_lower(text[i]);
		return true;
	}
	if (how != HOW_JSON && how != HOW_XML)
		return true;
	for (size_t i = 0; i < *len;) {
		uint8_t c = (uint8_t)text[i];
		size_t n = 1;

		if (text[i] == mark) {
			n = unescape(how, slice_of(text + i, *len - i), &c);
			if (n == 0)
				return false;
		}
		text[to++] = (char)c;
		i += n;
	}
	*len = to;
	return true;
}

/* --- matching ------------------------------------------------------------- */

static inline bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c >= 'A' && c <= 'Z');
}

/* Where the fields after a variable say that it ends, else `end`. */
static const char *
next_field(const struct line_template *template, unsigned i,
    const struct event *event, const char *at, const char *end)
{
	const struct part *next = &template->parts[i + 1];
	const char *text;

	if (i + 1u >= template->nparts || next->kind != PART_FIELD ||
	    next->how != HOW_PLAIN)
		return end;
	text = event->values[next->value].text;
	return text >= at && text <= end ? text : end;
}

static ptrdiff_t
field_match(const struct part *part, const struct event *event,
    struct slice line)
{
	const struct value *value = &event->values[part->value];
	char buf[VALUE_TEXT_BYTES];
	struct slice text;

	if (value->type == VALUE_LIST || value->type == VALUE_NULL)
		return -1;
	if (value->text == line.ptr && part->how == HOW_PLAIN)
		return value->len <= line.len ? (ptrdiff_t)value->len : -1;
	text = value_as_text(value, buf);
	return how_match(part->how, text, line);
}

/* Bytes of the line that the part takes, or -1. */
static inline ptrdiff_t
part_match(const struct line_template *template, unsigned i,
    const struct event *event, struct slice line, union var **var)
{
	const struct part *part = &template->parts[i];
	const char *end = line.ptr + line.len, *at = line.ptr;
	size_t n;

	switch (part->kind) {
	case PART_TEXT:
		return begins_with(line, part->text) ?
		    (ptrdiff_t)part->text.len : -1;
	case PART_FIELD:
		return field_match(part, event, line);
	case PART_WORD:
		end = next_field(template, i, event, at, end);
		while (at < end && is_word(*at))
			at++;
		break;
	case PART_REST:
		at = next_field(template, i, event, at, end);
		break;
	case PART_TIME:
		n = time_form_get(part->how, line, event->time_ns,
		    &(*var)->away);
		++*var;
		return n > 0 ? (ptrdiff_t)n : -1;
	default:
		return -1;
	}
	n = (size_t)(at - line.ptr);
	(*var)->word.at = (uint32_t)(line.ptr - event->raw.ptr);
	(*var)->word.len = (uint32_t)n;
	++*var;
	return (ptrdiff_t)n;
}

static bool
lower_same(struct slice text, struct slice line)
{
	if (text.len != line.len)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != ascii_lower(line.ptr[i]))
			return false;
	return true;
}

static bool
range_match(const struct origin *origin, const struct value *value,
    struct slice raw, const uint32_t *begins)
{
	size_t from = (size_t)begins[origin->from] + origin->from_at;
	size_t to = (size_t)begins[origin->to] + origin->to_at;
	struct slice line, text = slice_of(value->text, value->len);

	if (from > to || to > raw.len || value->text == NULL)
		return false;
	line = slice_of(raw.ptr + from, to - from);
	if (origin->how == HOW_LOWER)
		return lower_same(text, line);
	return how_match(origin->how, text, line) == (ptrdiff_t)line.len &&
	    (origin->how != HOW_PLAIN || text.len == line.len);
}

/* The number in a LONG is what its text says, or it would not come back. */
static bool
origin_matches(const struct line_template *template, unsigned i,
    const struct event *event, const uint32_t *begins)
{
	const struct origin *origin = &template->origins[i];
	const struct value *value = &event->values[i], *twin;
	char buf[VALUE_TEXT_BYTES];

	if (value->type != origin->type ||
	    (value->type == VALUE_LONG && !value_is_plain(value)))
		return false;
	if (origin->role == ROLE_RANGE)
		return range_match(origin, value, event->raw, begins);
	twin = &event->values[origin->from];
	if (twin->type == VALUE_LIST || twin->type == VALUE_NULL)
		return false;
	return slice_eq(slice_of(value->text, value->len),
	    value_as_text(twin, buf));
}

bool
line_match(const struct line_template *template, const struct event *event,
    union var *vars)
{
	uint32_t begins[TEMPLATE_PARTS + 1];
	struct slice line = event->raw;

	if (template->n != event->n)
		return false;
	for (unsigned i = 0; i < template->nparts; i++) {
		ptrdiff_t n = part_match(template, i, event, line, &vars);

		if (n < 0)
			return false;
		begins[i] = (uint32_t)(line.ptr - event->raw.ptr);
		line = slice_skip(line, (size_t)n);
	}
	if (line.len > 0)
		return false;
	begins[template->nparts] = (uint32_t)event->raw.len;
	for (unsigned i = 0; i < template->n; i++)
		if (template->origins[i].role != ROLE_STORED &&
		    !origin_matches(template, i, event, begins))
			return false;
	return true;
}
