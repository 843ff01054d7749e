/* CEF:version|vendor|product|device version|id|name|severity|extension
 *
 * In the header \| is a bar. In the extension a key begins only behind white
 * space, and its value goes on to the next key: values hold blanks and, in
 * URLs, assign signs. Labelled keys (cs1 and cs1Label) are renamed when the
 * label is known, before or behind the value.
 */
#include "parsers/decode.h"

#include "engine/arena.h"

#define PAIRS 256	/* of an extension; more stay in the raw line */
#define LABEL_BYTES 64

static const char *const cef_names[] = { "cef.version", "cef.vendor",
    "cef.product", "cef.device_version", "cef.id", "cef.name",
    "cef.severity" };

struct pair {
	struct slice key, value;
};

/* Columns up to a bar that is not escaped. */
static size_t
columns_of(struct slice s, struct slice *columns, size_t max,
    struct slice *rest)
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i < s.len && n < max; i++) {
		if (s.ptr[i] == '\\') {
			i++;
			continue;
		}
		if (s.ptr[i] != '|')
			continue;
		columns[n++] = slice_of(s.ptr + start, i - start);
		start = i + 1;
	}
	*rest = slice_skip(s, start);
	return n;
}

size_t
cef_header(struct slice body, struct slice *columns, size_t max,
    struct slice *rest)
{
	ptrdiff_t at = slice_find(slice_head(body, 256), SLICE("CEF:"));
	size_t n;

	/* A relay may have taken "CEF:" for the program: "0|Vendor|..." */
	if (at < 0 && body.len > 2 && body.ptr[1] == '|' &&
	    (body.ptr[0] == '0' || body.ptr[0] == '1')) {
		n = columns_of(body, columns, max < 7 ? max : 7, rest);
		return n == 7 ? n : 0;
	}
	if (at < 0)
		return 0;
	body = slice_skip(body, (size_t)at + 4);
	/* "CEF: 0", and twice by those who put it in front themselves. */
	while (body.len > 0 && (body.ptr[0] == ' ' || body.ptr[0] == 'C'))
		body = slice_skip(body, slice_starts(body, SLICE("CEF:"))
		    ? 4 : body.ptr[0] == ' ' ? 1 : body.len);
	if (body.len == 0 || body.ptr[0] < '0' || body.ptr[0] > '9')
		return 0;
	n = columns_of(body, columns, max < 7 ? max : 7, rest);
	/* Six bars are enough: some leave out the last one. */
	if (n == 6 && max > 6) {
		columns[n++] = *rest;
		*rest = slice_of("", 0);
	}
	return n;
}

static bool
is_key_byte(char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' &&
	    ascii_lower(c) <= 'z') || c == '_' || c == '.' || c == '-' ||
	    c == '[' || c == ']' || c == ':' || c == '@';
}

/* From the right of each assign sign back to white space is a key; the value
 * before it ends there. */
static size_t
read_pairs(struct slice s, struct pair *pairs)
{
	size_t n = 0, value = 0, i = 0;

	while (i < s.len) {
		const char *sign = memchr(s.ptr + i, '=', s.len - i);
		size_t at, key;

		if (sign == NULL)
			break;
		at = (size_t)(sign - s.ptr);
		i = at + 1;
		for (key = at; key > value && is_key_byte(s.ptr[key - 1]); )
			key--;
		if (key == at || (key > 0 && s.ptr[key - 1] != ' ' &&
		    s.ptr[key - 1] != '\t' && s.ptr[key - 1] != '|' &&
		    s.ptr[key - 1] != '\n'))
			continue;
		if (n > 0)
			pairs[n - 1].value = slice_trim(slice_of(
			    s.ptr + value, key - value));
		else if (key > 0 && slice_trim(slice_head(s, key)).len > 0)
			continue;
		if (n == PAIRS)
			return n;
		pairs[n++] = (struct pair){
		    .key = slice_of(s.ptr + key, at - key) };
		value = i;
	}
	if (n > 0)
		pairs[n - 1].value = slice_trim(slice_skip(s, value));
	return n;
}

static bool
is_label_of(struct slice label, struct slice key)
{
	return label.len == key.len + 5 &&
	    slice_ends(label, SLICE("Label")) && slice_starts(label, key);
}

/* The label as a key: blanks become underscores. */
static struct slice
label_key(struct reading *reading, struct slice label)
{
	char *text;

	if (label.len == 0 || label.len > LABEL_BYTES)
		return slice_of("", 0);
	text = arena_text(reading->arena, label.len);
	for (size_t i = 0; i < label.len; i++)
		text[i] = label.ptr[i] == ' ' || label.ptr[i] == '='
		    ? '_' : label.ptr[i];
	return slice_of(text, label.len);
}

static bool
may_have_label(struct slice key)
{
	return key.len >= 3 && key.len <= 22 &&
	    key.ptr[key.len - 1] >= '0' && key.ptr[key.len - 1] <= '9' &&
	    (slice_starts(key, SLICE("cs")) || slice_starts(key, SLICE("cn"))
	    || slice_starts(key, SLICE("cfp")) ||
	    slice_starts(key, SLICE("c6a")) ||
	    slice_starts(key, SLICE("flex")) ||
	    slice_starts(key, SLICE("deviceCustom")));
}

static void
put_pair(struct reading *reading, const struct pair *pairs, size_t n,
    size_t i)
{
	const struct pair *pair = &pairs[i];
	struct value value = unescape_text(reading, pair->value,
	    TRANSFORM_CEF);

	reading_put(reading, KEYTREE_ROOT, pair->key, value);
	if (!may_have_label(pair->key))
		return;
	for (size_t k = 0; k < n; k++) {
		struct slice label;

		if (!is_label_of(pairs[k].key, pair->key))
			continue;
		label = label_key(reading, pairs[k].value);
		if (label.len > 0)
			reading_put(reading, KEYTREE_ROOT, label, value);
		return;
	}
}

bool
decode_cef(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	struct slice columns[7], rest;
	size_t n = cef_header(body, columns, 7, &rest);
	struct pair pairs[PAIRS];

	(void)decoder;
	(void)parent;
	if (n < 5)
		return false;
	for (size_t i = 0; i < n; i++)
		reading_put(reading, KEYTREE_ROOT, slice_cstr(cef_names[i]),
		    unescape_text(reading, columns[i], TRANSFORM_CEF));
	n = read_pairs(rest, pairs);
	for (size_t i = 0; i < n; i++)
		put_pair(reading, pairs, n, i);
	return true;
}
