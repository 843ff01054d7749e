#include "engine/value.h"

#include <stdio.h>

#include "engine/arena.h"
#include "engine/ip.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"

_Static_assert(VALUE_TEXT_BYTES >= TIME_TEXT_BYTES, "a time fits");
_Static_assert(sizeof(struct value) == 24, "values are copied freely");

static bool
parse_bool(struct slice text, int64_t *out)
{
	static const struct slice words[2][3] = {
		{ SLICE_INIT("false"), SLICE_INIT("no"), SLICE_INIT("0") },
		{ SLICE_INIT("true"), SLICE_INIT("yes"), SLICE_INIT("1") },
	};

	for (size_t yes = 0; yes < 2; yes++)
		for (size_t i = 0; i < 3; i++)
			if (slice_eq_nocase(text, words[yes][i])) {
				*out = (int64_t)yes;
				return true;
			}
	return false;
}

/* What a machine that speaks IPv6 writes of one that speaks IPv4, without what
 * it puts in front: everybody else calls it a.b.c.d, and groups compare text. */
static struct slice
without_mapping(struct slice text)
{
	const struct slice mapped = SLICE("::ffff:");
	uint32_t v4;

	return text.len > mapped.len && slice_eq_nocase(slice_head(text,
	    mapped.len), mapped) && ip_parse_v4(slice_skip(text, mapped.len),
	    &v4) ? slice_skip(text, mapped.len) : text;
}

/* IPv4 keeps its 32 bits beside the text, so that comparing does not read the
 * text again; IPv6 keeps -1. */
static bool
parse_ip(struct slice text, int64_t *out)
{
	uint8_t ip[16];
	uint32_t v4;

	if (ip_parse_v4(text, &v4)) {
		*out = v4;
		return true;
	}
	if (!ip_parse(text, ip))
		return false;
	*out = ip_is_v4(ip) ? (int64_t)((uint32_t)ip[12] << 24 |
	    (uint32_t)ip[13] << 16 | (uint32_t)ip[14] << 8 | ip[15]) : -1;
	return true;
}

bool
value_parse(struct slice text, enum transform transform, enum value_type type,
    struct value *out)
{
	struct value value = value_text(text, transform);
	bool fits = false;

	switch (type) {
	case VALUE_TEXT:
		fits = true;
		break;
	case VALUE_LONG:
		fits = slice_long(text, &value.u.num);
		break;
	case VALUE_DOUBLE:
		fits = slice_double(text, &value.u.dbl);
		break;
	case VALUE_IP:
		value = value_text(without_mapping(text), transform);
		fits = parse_ip(text, &value.u.num);
		break;
	case VALUE_TIME:
		fits = time_parse_rfc3339(text, &value.u.num);
		break;
	case VALUE_BOOL:
		fits = parse_bool(text, &value.u.num);
		break;
	case VALUE_NULL:
	case VALUE_LIST:
		break;
	}
	if (fits)
		value.type = (uint8_t)type;
	else
		value = value_text(text, transform);
	*out = value;
	return fits;
}

static struct slice
format_long(int64_t num, char *buf)
{
	uint64_t rest = num < 0 ? 0 - (uint64_t)num : (uint64_t)num;
	char *at = buf + VALUE_TEXT_BYTES;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (num < 0)
		*--at = '-';
	return slice_of(at, (size_t)(buf + VALUE_TEXT_BYTES - at));
}

/* The fewest digits that read back as the same number. The point may follow
 * the locale of the process, which we never set. */
static struct slice
format_double(double dbl, char *buf)
{
	double again;
	int n = 0;

	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(buf, VALUE_TEXT_BYTES, "%.*g", digits, dbl);
		if (slice_double(slice_of(buf, (size_t)n), &again) &&
		    again == dbl)
			break;
	}
	return slice_of(buf, (size_t)n);
}

struct slice
value_format(const struct value *value, char buf[VALUE_TEXT_BYTES])
{
	switch (value->type) {
	case VALUE_LONG:
		return format_long(value->u.num, buf);
	case VALUE_DOUBLE:
		return format_double(value->u.dbl, buf);
	case VALUE_TIME:
		return time_format_rfc3339(value->u.num, buf);
	case VALUE_BOOL:
		return value->u.num != 0 ? SLICE("true") : SLICE("false");
	default:
		return slice_of("", 0);
	}
}

bool
value_as_double(const struct value *value, double *out)
{
	switch (value->type) {
	case VALUE_LONG:
	case VALUE_TIME:
	case VALUE_BOOL:
		*out = (double)value->u.num;
		return true;
	case VALUE_DOUBLE:
		*out = value->u.dbl;
		return true;
	case VALUE_TEXT:
		return slice_double(slice_of(value->text, value->len), out);
	default:
		return false;
	}
}

bool
value_as_ip(const struct value *value, uint8_t out[16])
{
	struct slice text = slice_of(value->text, value->len);

	if (value->type == VALUE_IP && value->u.num >= 0) {
		memset(out, 0, 10);
		out[10] = out[11] = 0xff;
		out[12] = (uint8_t)(value->u.num >> 24);
		out[13] = (uint8_t)(value->u.num >> 16);
		out[14] = (uint8_t)(value->u.num >> 8);
		out[15] = (uint8_t)value->u.num;
		return true;
	}
	if (value->type != VALUE_IP && value->type != VALUE_TEXT)
		return false;
	return ip_parse(text, out);
}

bool
value_same(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_NULL:
		return true;
	case VALUE_TEXT:
	case VALUE_IP:
		return slice_eq(slice_of(a->text, a->len),
		    slice_of(b->text, b->len));
	case VALUE_DOUBLE:
		return memcmp(&a->u.dbl, &b->u.dbl, sizeof(a->u.dbl)) == 0;
	case VALUE_LIST:
		if (a->len != b->len)
			return false;
		for (size_t i = 0; i < a->len; i++)
			if (!value_same(&a->u.items[i], &b->u.items[i]))
				return false;
		return true;
	default:
		return a->u.num == b->u.num;
	}
}

struct value
value_dup(struct arena *arena, const struct value *value)
{
	struct value copy = *value;
	struct value *items;

	if (value->type == VALUE_LIST) {
		items = arena_alloc(arena, value->len * sizeof(*items));
		for (size_t i = 0; i < value->len; i++)
			items[i] = value_dup(arena, &value->u.items[i]);
		copy.u.items = items;
		copy.reserved = 0;
	} else if (value->text != NULL) {
		copy.text = arena_dup(arena,
		    slice_of(value->text, value->len)).ptr;
	}
	return copy;
}

void
value_json(struct strbuf *buf, const struct value *value)
{
	char text[VALUE_TEXT_BYTES];

	switch (value->type) {
	case VALUE_NULL:
		strbuf_put(buf, SLICE("null"));
		break;
	case VALUE_LONG:
		strbuf_putlong(buf, value->u.num);
		break;
	case VALUE_DOUBLE:
		if (value->u.dbl - value->u.dbl != 0)	/* no inf in JSON */
			strbuf_put(buf, SLICE("null"));
		else
			strbuf_put(buf, format_double(value->u.dbl, text));
		break;
	case VALUE_BOOL:
		strbuf_put(buf, value->u.num != 0 ? SLICE("true") :
		    SLICE("false"));
		break;
	case VALUE_TIME:
		strbuf_putc(buf, '"');
		strbuf_put(buf, time_format_rfc3339(value->u.num, text));
		strbuf_putc(buf, '"');
		break;
	case VALUE_LIST:
		strbuf_putc(buf, '[');
		for (size_t i = 0; i < value->len; i++) {
			if (i > 0)
				strbuf_putc(buf, ',');
			value_json(buf, &value->u.items[i]);
		}
		strbuf_putc(buf, ']');
		break;
	default:
		json_put_string(buf, slice_of(value->text, value->len));
		break;
	}
}
