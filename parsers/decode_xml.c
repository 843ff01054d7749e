/* Elements and attributes as dotted names below the root.
 *
 * As much XML as event records need, and nothing that grows: no DTD, so no
 * entities of the sender's making; depth, names and the number of values are
 * bounded. A document that breaks off is kept as far as it goes.
 */
#include "parsers/decode.h"

#include "engine/arena.h"
#include "engine/utf8.h"

#define XML_DEPTH 32
#define XML_VALUES 4096		/* of one document; more stay raw */
#define ENTITY_BYTES 10		/* of "&#1114111;" */

struct xml {
	const char *p, *end;
	struct reading *reading;
	unsigned values;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
	    c == ':' || (unsigned char)c >= 0x80;
}

static void
skip_space(struct xml *x)
{
	while (x->p < x->end && is_space(*x->p))
		x->p++;
}

static bool
ahead(const struct xml *x, const char *text, size_t n)
{
	return (size_t)(x->end - x->p) >= n && memcmp(x->p, text, n) == 0;
}

/* To behind the text; to the end if it does not come. */
static bool
skip_behind(struct xml *x, struct slice text)
{
	ptrdiff_t at = slice_find(slice_of(x->p, (size_t)(x->end - x->p)),
	    text);

	x->p = at < 0 ? x->end : x->p + at + text.len;
	return at >= 0;
}

/* --- texts --------------------------------------------------------------- */
static const struct {
	struct slice name;
	char	 byte;
} entities[] = {
	{ SLICE_INIT("&lt;"), '<' }, { SLICE_INIT("&gt;"), '>' },
	{ SLICE_INIT("&amp;"), '&' }, { SLICE_INIT("&quot;"), '"' },
	{ SLICE_INIT("&apos;"), '\'' },
};

/* Of a number in decimal or "x" and hexadecimal; 0 if it is none. */
static uint32_t
read_point(struct slice digits)
{
	bool hex = digits.len > 1 && (digits.ptr[0] | 32) == 'x';
	uint32_t point = 0;

	if (digits.len == 0)
		return 0;
	for (size_t i = hex; i < digits.len; i++) {
		char c = ascii_lower(digits.ptr[i]);

		if (c >= '0' && c <= '9')
			point = point * (hex ? 16 : 10) + (uint32_t)(c - '0');
		else if (hex && c >= 'a' && c <= 'f')
			point = point * 16 + (uint32_t)(c - 'a' + 10);
		else
			return 0;
		if (point > 0x10ffff)
			return 0;
	}
	return point;
}

/* Bytes read, 0 if that is no entity; then '&' stands for itself. */
static size_t
read_entity(struct slice s, char *out, size_t *n)
{
	ptrdiff_t semicolon;
	uint32_t point;

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (slice_starts(s, entities[i].name)) {
			out[(*n)++] = entities[i].byte;
			return entities[i].name.len;
		}
	if (!slice_starts(s, SLICE("&#")))
		return 0;
	semicolon = slice_find_byte(slice_head(s, ENTITY_BYTES), ';');
	if (semicolon < 0)
		return 0;
	point = read_point(slice_of(s.ptr + 2, (size_t)semicolon - 2));
	if (point == 0)
		return 0;
	*n += utf8_put(out + *n, point);
	return (size_t)semicolon + 1;
}

/* An entity is never shorter than the bytes it stands for. */
static struct value
text_value(struct reading *reading, struct slice text)
{
	const char *first = text.len == 0 ? NULL
	    : memchr(text.ptr, '&', text.len);
	size_t i, n;
	char *out;

	if (first == NULL)
		return reading_text(reading, text);
	out = arena_text(reading->arena, text.len + 4);
	i = n = (size_t)(first - text.ptr);
	memcpy(out, text.ptr, n);
	while (i < text.len) {
		size_t used = text.ptr[i] == '&' ? read_entity(
		    slice_skip(text, i), out, &n) : 0;

		if (used == 0)
			out[n++] = text.ptr[i++];
		i += used;
	}
	return value_text(slice_of(out, n), reading->owned ? TRANSFORM_OWNED
	    : TRANSFORM_XML);
}

static void
put(struct xml *x, uint32_t node, struct value value)
{
	if (x->values++ >= XML_VALUES)
		event_tag(x->reading->event, EVENT_TAG_FIELDS_CAPPED);
	else
		reading_put_node(x->reading, node, &value);
}

/* --- elements ------------------------------------------------------------ */
static struct slice
read_name(struct xml *x)
{
	const char *start = x->p;

	while (x->p < x->end && is_name(*x->p))
		x->p++;
	return slice_of(start, (size_t)(x->p - start));
}

/* Without the prefix of a namespace. */
static struct slice
local_name(struct slice name)
{
	ptrdiff_t colon = slice_find_byte(name, ':');

	return colon < 0 ? name : slice_skip(name, (size_t)colon + 1);
}

static bool
read_attribute(struct xml *x, struct slice *name, struct slice *value)
{
	const char *end;
	char quote;

	*name = read_name(x);
	skip_space(x);
	if (name->len == 0 || x->p == x->end || *x->p != '=')
		return false;
	x->p++;
	skip_space(x);
	if (x->p == x->end || (*x->p != '"' && *x->p != '\''))
		return false;
	quote = *x->p++;
	end = memchr(x->p, quote, (size_t)(x->end - x->p));
	if (end == NULL)
		return false;
	*value = slice_of(x->p, (size_t)(end - x->p));
	x->p = end + 1;
	return true;
}

static bool
is_namespace(struct slice name)
{
	return slice_eq(name, SLICE("xmlns")) ||
	    slice_starts(name, SLICE("xmlns:")) ||
	    slice_starts(name, SLICE("xsi:")) ||
	    slice_starts(name, SLICE("xml:"));
}

static bool
is_data(struct slice element)
{
	return slice_eq(element, SLICE("Data")) ||
	    slice_eq(element, SLICE("ComplexData"));
}

static bool read_content(struct xml *x, uint32_t node, unsigned depth,
    bool root);

/* p stands behind '<'. The root gives its children no name. */
static bool
read_element(struct xml *x, uint32_t parent, unsigned depth, bool root)
{
	struct keytree *tree = x->reading->tree;
	struct slice name = local_name(read_name(x)), key, value;
	uint32_t node;

	if (name.len == 0)
		return false;
	node = root ? parent : keytree_child(tree, parent, name);
	for (;;) {
		skip_space(x);
		if (x->p == x->end)
			return false;
		if (*x->p == '/' || *x->p == '>')
			break;
		if (!read_attribute(x, &key, &value))
			return false;
		if (is_namespace(key))
			continue;
		if (is_data(name) && slice_eq(key, SLICE("Name"))) {
			if (value.len > 0)
				node = keytree_child(tree, parent, value);
			continue;
		}
		put(x, keytree_child(tree, node, local_name(key)),
		    text_value(x->reading, value));
	}
	if (*x->p == '/') {
		x->p++;
		if (x->p == x->end || *x->p != '>')
			return false;
		x->p++;
		return true;
	}
	x->p++;
	return depth < XML_DEPTH && read_content(x, node, depth, root);
}

/* What stands between two tags: text, or else white space between elements. */
static void
put_text(struct xml *x, uint32_t node, const char *start, bool root)
{
	struct slice text = slice_trim(slice_of(start,
	    (size_t)(x->p - start)));

	if (text.len > 0 && !root)
		put(x, node, text_value(x->reading, text));
}

static bool
read_cdata(struct xml *x, uint32_t node)
{
	const char *start = x->p += 9;

	if (!skip_behind(x, SLICE("]]>")))
		return false;
	if (x->p - 3 > start)
		put(x, node, reading_text(x->reading, slice_of(start,
		    (size_t)(x->p - 3 - start))));
	return true;
}

/* Up to and with the closing tag, whose name nobody needs. */
static bool
read_content(struct xml *x, uint32_t node, unsigned depth, bool root)
{
	for (;;) {
		const char *start = x->p, *tag = memchr(start, '<',
		    (size_t)(x->end - start));

		x->p = tag == NULL ? x->end : tag;
		put_text(x, node, start, root);
		if (tag == NULL)
			return false;
		if (ahead(x, "<!--", 4)) {
			if (!skip_behind(x, SLICE("-->")))
				return false;
		} else if (ahead(x, "<![CDATA[", 9)) {
			if (!read_cdata(x, node))
				return false;
		} else if (ahead(x, "<?", 2)) {
			if (!skip_behind(x, SLICE("?>")))
				return false;
		} else if (ahead(x, "</", 2)) {
			return skip_behind(x, SLICE(">"));
		} else {
			x->p++;
			if (!read_element(x, node, depth + 1, false))
				return false;
		}
	}
}

/* To the first element; false if there is a DTD or no element. */
static bool
find_root(struct xml *x)
{
	for (;;) {
		const char *tag = memchr(x->p, '<', (size_t)(x->end - x->p));

		if (tag == NULL || x->end - tag < 2)
			return false;
		x->p = tag;
		if (ahead(x, "<!--", 4)) {
			if (!skip_behind(x, SLICE("-->")))
				return false;
		} else if (ahead(x, "<?", 2)) {
			if (!skip_behind(x, SLICE("?>")))
				return false;
		} else {
			x->p++;
			return is_name(*x->p);
		}
	}
}

bool
decode_xml(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	struct xml x = { body.ptr, body.ptr + body.len, reading, 0 };

	(void)decoder;
	if (body.len == 0 || !find_root(&x))
		return false;
	if (!read_element(&x, parent, 0, true)) {
		if (x.values == 0)
			return false;
		event_tag(reading->event, EVENT_TAG_PARSE_PARTIAL);
	}
	return true;
}
