#include "correlation/groupkey.h"

#include "engine/event.h"
#include "engine/hash.h"

static bool
name_is(struct slice name, const field_t *fields, struct slice wanted)
{
	if (slice_eq(name, wanted))
		return true;
	for (; fields != NULL && *fields != FIELD_NONE; fields++)
		if (slice_eq(field_name(*fields), wanted))
			return true;
	return false;
}

static bool
overlay_get(const struct overlay *overlay, struct slice name,
    const field_t *fields, struct value *out)
{
	const struct correlation *c = overlay->correlation;

	for (size_t i = 0; i < c->ngroup && i < GROUPKEY_COLUMNS; i++) {
		if (!name_is(name, fields, c->group[i].name))
			continue;
		*out = value_text(groupkey_value(overlay->key, i),
		    TRANSFORM_OWNED);
		return true;
	}
	return false;
}

bool
view_overlaid(const struct view *view, struct slice name)
{
	struct value value;

	for (const struct overlay *o = view->overlay; o != NULL; o = o->below)
		if (overlay_get(o, name, NULL, &value))
			return true;
	return false;
}

bool
view_get(const struct view *view, struct slice name, const field_t *fields,
    struct value *out)
{
	for (const struct overlay *o = view->overlay; o != NULL; o = o->below)
		if (overlay_get(o, name, fields, out))
			return true;
	if (fields == NULL)
		return false;
	for (; *fields != FIELD_NONE; fields++) {
		const struct value *value = event_get(view->event, *fields);

		if (value == NULL)
			continue;
		*out = *value;
		return value->type != VALUE_NULL &&
		    value_members(value) > 0;
	}
	return false;
}

void
groupkeys_init(struct groupkeys *keys)
{
	strbuf_init(&keys->bytes);
	keys->n = 0;
}

void
groupkeys_fini(struct groupkeys *keys)
{
	strbuf_fini(&keys->bytes);
}

void
groupkey_put(struct strbuf *bytes, struct slice text)
{
	uint8_t digest[SHA256_BYTES];
	char hex[2 * 8 + 1];
	size_t len = text.len, keep = GROUPKEY_VALUE_BYTES - 17;
	bool cut = len > GROUPKEY_VALUE_BYTES;

	if (cut)
		len = GROUPKEY_VALUE_BYTES;
	strbuf_putc(bytes, (char)(len & 0xff));
	strbuf_putc(bytes, (char)(len >> 8));
	if (!cut) {
		strbuf_put(bytes, text);
		return;
	}
	sha256(text, digest);
	hex_encode(digest, 8, hex);
	strbuf_put(bytes, slice_head(text, keep));
	strbuf_putc(bytes, '#');
	strbuf_puts(bytes, hex);
}

/* One key: from column i on, member m[i] of each value. */
static bool
put_key(struct groupkeys *keys, const struct value *values, const size_t *m,
    size_t n)
{
	size_t start = keys->bytes.len;
	char buf[VALUE_TEXT_BYTES];

	for (size_t i = 0; i < n; i++) {
		const struct value *value = value_member(&values[i], m[i]);

		if (value->type == VALUE_NULL) {
			keys->bytes.len = start;
			return false;
		}
		groupkey_put(&keys->bytes, value_as_text(value, buf));
	}
	return true;
}

/* The next combination of members; false after the last. */
static bool
advance(const struct value *values, size_t *m, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		if (++m[i] < value_members(&values[i]))
			return true;
		m[i] = 0;
	}
	return false;
}

size_t
groupkeys_build(struct groupkeys *keys, const struct correlation *c,
    size_t referred, const struct view *view)
{
	struct value values[GROUPKEY_COLUMNS];
	size_t m[GROUPKEY_COLUMNS] = { 0 };
	size_t n = c->ngroup < GROUPKEY_COLUMNS ? c->ngroup : GROUPKEY_COLUMNS;

	strbuf_clear(&keys->bytes);
	keys->n = 0;
	keys->start[0] = 0;
	for (size_t i = 0; i < n; i++)
		if (view->bound != NULL && view->bound[i].len > 0)
			values[i] = value_text(view->bound[i],
			    TRANSFORM_OWNED);
		else if (!view_get(view, c->group[i].name,
		    c->group[i].fields[referred], &values[i]))
			return 0;
	do {
		if (put_key(keys, values, m, n))
			keys->start[++keys->n] = keys->bytes.len;
	} while (keys->n < GROUPKEY_COMBINATIONS && advance(values, m, n));
	return keys->n;
}

struct slice
groupkey_value(struct slice key, size_t column)
{
	size_t len;

	for (;;) {
		if (key.len < 2)
			return slice_of("", 0);
		len = (size_t)(uint8_t)key.ptr[0] |
		    (size_t)(uint8_t)key.ptr[1] << 8;
		key = slice_skip(key, 2);
		if (len > key.len)
			return slice_of("", 0);
		if (column-- == 0)
			return slice_head(key, len);
		key = slice_skip(key, len);
	}
}
