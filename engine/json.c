#include "engine/json.h"

#include "engine/strbuf.h"
#include "engine/utf8.h"

/* What a string may not hold as it is: quote, backslash, controls; and bytes
 * above ASCII, which have to be looked at. */
static size_t
plain_bytes(struct slice s)
{
	size_t n = 0;

	while (n < s.len) {
		unsigned char c = (unsigned char)s.ptr[n];

		if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f)
			break;
		n++;
	}
	return n;
}

static void
put_escaped(struct strbuf *buf, unsigned char c)
{
	switch (c) {
	case '"':	strbuf_puts(buf, "\\\""); break;
	case '\\':	strbuf_puts(buf, "\\\\"); break;
	case '\n':	strbuf_puts(buf, "\\n"); break;
	case '\r':	strbuf_puts(buf, "\\r"); break;
	case '\t':	strbuf_puts(buf, "\\t"); break;
	case '\b':	strbuf_puts(buf, "\\b"); break;
	case '\f':	strbuf_puts(buf, "\\f"); break;
	default:	strbuf_printf(buf, "\\u%04x", c); break;
	}
}

void
json_put_string(struct strbuf *buf, struct slice text)
{
	strbuf_putc(buf, '"');
	while (text.len > 0) {
		size_t n = plain_bytes(text);
		uint32_t point;

		strbuf_put(buf, slice_head(text, n));
		text = slice_skip(text, n);
		if (text.len == 0)
			break;
		n = 1;
		if ((unsigned char)text.ptr[0] < 0x80)
			put_escaped(buf, (unsigned char)text.ptr[0]);
		else if ((n = utf8_next(text, &point)) > 0)
			strbuf_put(buf, slice_head(text, n));
		else
			strbuf_printf(buf, "\\\\x%02x",
			    (unsigned char)text.ptr[0]);
		text = slice_skip(text, n > 0 ? n : 1);
	}
	strbuf_putc(buf, '"');
}
