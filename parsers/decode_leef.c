/* LEEF:1.0|vendor|product|version|id|k=v<tab>k=v
 * LEEF:2.0|vendor|product|version|id|delimiter|k^v...
 *
 * The delimiter of 2.0 is a character or its code (x5E, 0x5E); some senders
 * leave the column out. Relays turn tabs into "#011".
 */
#include "parsers/decode.h"

static const char *const leef_names[] = { "leef.version", "leef.vendor",
    "leef.product", "leef.product_version", "leef.id" };

size_t
leef_header(struct slice body, struct slice *columns, size_t max,
    struct slice *rest)
{
	ptrdiff_t at = slice_find(slice_head(body, 256), SLICE("LEEF:"));
	size_t n = 0;

	if (at < 0)
		return 0;
	body = slice_skip(body, (size_t)at + 5);
	while (n < max && n < 5) {
		ptrdiff_t bar = slice_find_byte(body, '|');

		if (bar < 0)
			return 0;
		columns[n++] = slice_head(body, (size_t)bar);
		body = slice_skip(body, (size_t)bar + 1);
	}
	*rest = body;
	return n;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The delimiter column, if there is one; *rest moves behind it. */
static char
read_delimiter(struct slice *rest)
{
	ptrdiff_t bar = slice_find_byte(slice_head(*rest, 6), '|');
	struct slice column;
	int code = 0;

	if (bar < 0)
		return '\t';
	column = slice_head(*rest, (size_t)bar);
	if (column.len > 1 && column.ptr[0] == '0')
		column = slice_skip(column, 1);
	if (column.len == 1) {
		code = (unsigned char)column.ptr[0];
	} else if (column.len >= 2 && ascii_lower(column.ptr[0]) == 'x') {
		for (size_t i = 1; i < column.len; i++) {
			int digit = hex_digit(column.ptr[i]);

			if (digit < 0)
				return '\t';
			code = (code << 4 | digit) & 0xff;
		}
	} else if (column.len > 0) {
		return '\t';
	}
	*rest = slice_skip(*rest, (size_t)bar + 1);
	return code == 0 ? '\t' : (char)code;
}

bool
decode_leef(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	struct slice columns[5], rest, pair;
	char delimiter = '\t';
	size_t n = leef_header(body, columns, 5, &rest);

	(void)parent;
	if (n < 5)
		return false;
	if (slice_starts(columns[0], SLICE("2")))
		delimiter = read_delimiter(&rest);
	if (decoder->delimiter != 0)
		delimiter = decoder->delimiter;
	for (size_t i = 0; i < n; i++)
		reading_put(reading, KEYTREE_ROOT, slice_cstr(leef_names[i]),
		    reading_text(reading, columns[i]));
	while (rest.len > 0) {
		ptrdiff_t end = slice_find_byte(rest, delimiter), sign;
		size_t skip = 1;

		if (end < 0 && delimiter == '\t') {
			end = slice_find(rest, SLICE("#011"));
			skip = 4;
		}
		if (end < 0) {
			end = (ptrdiff_t)rest.len;
			skip = 0;
		}
		pair = slice_head(rest, (size_t)end);
		rest = slice_skip(rest, (size_t)end + skip);
		sign = slice_find_byte(pair, '=');
		if (sign <= 0)
			continue;
		reading_put(reading, KEYTREE_ROOT,
		    slice_trim(slice_head(pair, (size_t)sign)),
		    reading_text(reading, slice_trim(slice_skip(pair,
		    (size_t)sign + 1))));
	}
	return true;
}
