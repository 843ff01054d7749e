/* engine/value.h -- one value of one field.
 *
 * A scalar, null, or a list of scalars. A scalar that came from the line keeps
 * its text as a slice of the raw line with the transform that undoes its
 * escaping; a number or an address keeps that text and its typed form beside
 * it. Numbers we computed have no text (len 0, text NULL).
 *
 * Open struct, 24 bytes, copied freely. Everything it points to lives in the
 * raw line or the arena of its batch.
 */
#ifndef YAGURA_ENGINE_VALUE_H
#define YAGURA_ENGINE_VALUE_H

#include "engine/slice.h"

struct arena;
struct strbuf;

enum value_type {
	VALUE_NULL,
	VALUE_TEXT,
	VALUE_LONG,	/* u.num */
	VALUE_DOUBLE,	/* u.dbl */
	VALUE_IP,	/* the text; u.num: the IPv4 address, or -1 (IPv6) */
	VALUE_TIME,	/* u.num, ns since 1970 UTC */
	VALUE_BOOL,	/* u.num 0 or 1 */
	VALUE_LIST,	/* u.items, len of them, scalars only */
};

/* How the text became what it is from the bytes of the raw line. */
enum transform {
	TRANSFORM_NONE,		/* text is a slice of the raw line */
	TRANSFORM_JSON,		/* unescaped, RFC 8259 */
	TRANSFORM_CEF,
	TRANSFORM_XML,
	TRANSFORM_CHARSET,
	TRANSFORM_OWNED,	/* made by us; not in the line as such */
};

struct value {
	uint8_t	 type;		/* enum value_type */
	uint8_t	 transform;	/* enum transform */
	uint16_t reserved;	/* 0; for lists that event_append grows */
	uint32_t len;		/* bytes of text, or items of a list */
	const char *text;
	union {
		int64_t	 num;
		double	 dbl;
		const struct value *items;
	} u;
};

static inline struct value
value_text(struct slice text, enum transform transform)
{
	return (struct value){ .type = VALUE_TEXT, .transform = transform,
	    .len = (uint32_t)text.len, .text = text.ptr };
}

static inline struct value
value_long(int64_t num)
{
	return (struct value){ .type = VALUE_LONG,
	    .transform = TRANSFORM_OWNED, .u.num = num };
}

static inline struct value
value_time(int64_t time_ns)
{
	return (struct value){ .type = VALUE_TIME,
	    .transform = TRANSFORM_OWNED, .u.num = time_ns };
}

static inline struct value
value_bool(bool yes)
{
	return (struct value){ .type = VALUE_BOOL,
	    .transform = TRANSFORM_OWNED, .u.num = yes };
}

static inline struct value
value_double(double dbl)
{
	return (struct value){ .type = VALUE_DOUBLE,
	    .transform = TRANSFORM_OWNED, .u.dbl = dbl };
}

/* items are borrowed until the list is gone. */
static inline struct value
value_list(const struct value *items, size_t n)
{
	return (struct value){ .type = VALUE_LIST,
	    .transform = TRANSFORM_OWNED, .len = (uint32_t)n,
	    .u.items = items };
}

/* Reads text as the type wants it: true and *out typed, text kept. False if
 * it does not fit; *out is then plain text. Types: all scalars but NULL. TIME
 * wants RFC 3339. */
bool value_parse(struct slice text, enum transform transform,
    enum value_type type, struct value *out);

/* A scalar as text: its own text if it has one, else formatted into buf. An
 * address is given as written. Null gives the empty slice; not for lists. */
#define VALUE_TEXT_BYTES 48
struct slice value_format(const struct value *value,
    char buf[VALUE_TEXT_BYTES]);	/* of what has no text */
static inline struct slice
value_as_text(const struct value *value, char buf[VALUE_TEXT_BYTES])
{
	if (value->text != NULL && value->type != VALUE_LIST)
		return slice_of(value->text, value->len);
	return value_format(value, buf);
}

/* As number, if it is one or its text is one. */
bool value_as_double(const struct value *value, double *out);

/* The 16 bytes of an address, IPv4 mapped as ::ffff:a.b.c.d; false if the
 * value is no address. */
bool value_as_ip(const struct value *value, uint8_t out[16]);

/* Same type and same bytes, members in order. */
bool value_same(const struct value *a, const struct value *b);

/* Copies the value and all that it points to. */
struct value value_dup(struct arena *arena, const struct value *value);

/* JSON of any value. Invalid UTF-8 is written as \\xNN text, so the output is
 * always valid JSON. */
void value_json(struct strbuf *buf, const struct value *value);

/* Members of a list, or the scalar itself once: the way every comparison
 * walks. `i` from 0 while i < value_members(v). */
static inline size_t
value_members(const struct value *value)
{
	return value->type == VALUE_LIST ? value->len : 1;
}

static inline const struct value *
value_member(const struct value *value, size_t i)
{
	return value->type == VALUE_LIST ? &value->u.items[i] : value;
}

#endif
