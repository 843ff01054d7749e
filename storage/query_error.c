/* A mistake with its place: the line, and carets below what is meant. */
#include "storage/query.h"

#include "engine/utf8.h"

#define SHOWN_BYTES 100		/* of the query around the mistake */
#define CONTEXT_BYTES 60	/* of them in front of it */

/* One character as it is printed: control characters become a blank, so that
 * the carets stand below what they mean. */
static size_t
put_point(FILE *out, struct slice rest)
{
	uint32_t point;
	size_t n = utf8_next(rest, &point);

	if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	    (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2066 && point <= 0x2069)) {
		fputc(n == 0 ? '?' : ' ', out);
		return n == 0 ? 1 : n;
	}
	fwrite(rest.ptr, 1, n, out);
	return n;
}

/* Columns that put_point fills. */
static size_t
columns_between(struct slice text, size_t from, size_t to)
{
	size_t n = 0;

	while (from < to && from < text.len) {
		uint32_t point;
		size_t step = utf8_next(slice_skip(text, from), &point);

		n += step > 1 ? utf8_width(point) : 1;
		from += step == 0 ? 1 : step;
	}
	return n;
}

void
query_error_print(FILE *out, struct slice text,
    const struct query_error *error)
{
	size_t at = error->at < text.len ? error->at : text.len;
	size_t from = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;
	size_t to = text.len - from > SHOWN_BYTES ? from + SHOWN_BYTES
	    : text.len;
	size_t marks;

	while (from > 0 && (text.ptr[from] & 0xc0) == 0x80)
		from--;
	fprintf(out, "yagura: %s\n  %s", error->text, from > 0 ? "..." : "");
	for (size_t i = from; i < to;)
		i += put_point(out, slice_skip(text, i));
	fprintf(out, "%s\n  %s", to < text.len ? "..." : "",
	    from > 0 ? "   " : "");
	for (size_t n = columns_between(text, from, at); n > 0; n--)
		fputc(' ', out);
	marks = columns_between(text, at, at + error->len < to
	    ? at + error->len : to);
	for (size_t n = marks > 0 ? marks : 1; n > 0; n--)
		fputc('^', out);
	fputc('\n', out);
	if (error->hint[0] != '\0')
		fprintf(out, "  %s\n", error->hint);
}
