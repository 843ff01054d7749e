/* Columns whose names stand in a header: Zeek's and W3C's. A line that has
 * more or fewer of them than the header names is not one of that stream. */
#include "parsers/decode.h"

#include "engine/arena.h"
#include "parsers/streams.h"

static const struct stream standards[] = {
	[HEADER_TSV] = { .kind = HEADER_TSV, .between = SLICE_INIT("\t"),
	    .unset = SLICE_INIT("-"), .empty = SLICE_INIT("(empty)"),
	    .between_members = SLICE_INIT(",") },
	[HEADER_W3C] = { .kind = HEADER_W3C, .between = SLICE_INIT(" "),
	    .unset = SLICE_INIT("-") },
};

/* A value in quotes ends with the quote before what stands between. */
static struct slice
quoted_column(struct slice *rest, struct slice between, bool *more)
{
	struct slice s = slice_skip(*rest, 1), after;
	ptrdiff_t end;
	size_t at = 0;

	while ((end = slice_find_byte(slice_skip(s, at), '"')) >= 0) {
		at += (size_t)end + 1;
		after = slice_skip(s, at);
		*more = slice_starts(after, between);
		if (*more || after.len == 0) {
			*rest = *more ? slice_skip(after, between.len)
			    : after;
			return slice_head(s, at - 1);
		}
	}
	return column_next(rest, between, more);	/* only half quoted */
}

/* How many there are, or more than STREAM_COLUMNS. */
static size_t
split_columns(struct slice body, const struct stream *stream,
    struct slice columns[STREAM_COLUMNS])
{
	size_t n = 0;
	bool more = true;

	while (more && n < STREAM_COLUMNS)
		columns[n++] = stream->kind == HEADER_W3C && body.len > 1 &&
		    body.ptr[0] == '"'
		    ? quoted_column(&body, stream->between, &more)
		    : column_next(&body, stream->between, &more);
	return more ? STREAM_COLUMNS + 1 : n;
}

static bool
means_nothing(const struct stream *stream, struct slice column)
{
	return column.len == 0 || slice_eq(column, stream->unset) ||
	    (stream->empty.len > 0 && slice_eq(column, stream->empty));
}

/* Zeek writes bytes that would disturb the columns as \xNN. */
static int
hex_digit(char c)
{
	c = ascii_lower(c);
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct value
zeek_text(struct reading *reading, struct slice text)
{
	char *out;
	size_t n = 0;

	if (slice_find(text, SLICE("\\x")) < 0)
		return reading_text(reading, text);
	out = arena_text(reading->arena, text.len);
	for (size_t i = 0; i < text.len; i++) {
		const char *p = text.ptr + i;

		if (*p == '\\' && text.len - i >= 4 && p[1] == 'x' &&
		    hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
			out[n++] = (char)(hex_digit(p[2]) * 16 +
			    hex_digit(p[3]));
			i += 3;
		} else {
			out[n++] = *p;
		}
	}
	return value_text(slice_of(out, n), TRANSFORM_OWNED);
}

static void
put_members(struct reading *reading, const struct stream *stream,
    uint32_t node, struct slice list)
{
	bool more = true;

	while (more) {
		struct value value = zeek_text(reading, column_next(&list,
		    stream->between_members, &more));

		reading_put_node(reading, node, &value);
	}
}

/* In addresses of pages a plus is a plus. */
static struct value
w3c_text(struct reading *reading, struct slice name, struct slice text)
{
	char *out;

	if (slice_find_byte(text, '+') < 0 ||
	    slice_find(name, SLICE("-uri")) >= 0)
		return reading_text(reading, text);
	out = arena_text(reading->arena, text.len);
	for (size_t i = 0; i < text.len; i++)
		out[i] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
	return value_text(slice_of(out, text.len), TRANSFORM_OWNED);
}

/* The columns that the definition itself names for lines of this length. */
static const struct csv_columns *
own_columns(const struct decoder *decoder, size_t n)
{
	for (size_t i = 0; i < decoder->ncolumns; i++) {
		uint64_t wanted = decoder->columns[i].n;

		if (decoder->columns[i].value.len > 0 &&
		    !slice_ulong(decoder->columns[i].value, &wanted))
			continue;
		if (wanted == n)
			return &decoder->columns[i];
	}
	return NULL;
}

static bool
put_columns(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent, enum header_kind kind)
{
	const struct stream *stream = reading->stream;
	const struct csv_columns *own = NULL;
	struct slice columns[STREAM_COLUMNS], sign;
	struct stream plain;
	size_t n;

	if (body.len == 0)
		return false;
	if (stream == NULL || stream->kind != kind || reading->depth > 0) {
		plain = standards[kind];
		sign = slice_of(&decoder->delimiter, 1);
		if (decoder->delimiter != '\0')
			plain.between = sign;
		stream = &plain;
	}
	n = split_columns(body, stream, columns);
	if (n > STREAM_COLUMNS)
		return false;
	if (stream == &plain)
		own = own_columns(decoder, n);
	if (stream == &plain ? own == NULL : n != stream->n)
		return false;
	if (stream->path.len > 0)
		reading_put(reading, parent, SLICE("_path"),
		    value_text(stream->path, TRANSFORM_OWNED));
	for (size_t i = 0; i < n; i++) {
		struct slice name = own == NULL ? stream->names[i]
		    : i < own->n ? own->names[i] : slice_of("", 0);
		struct value value;
		uint32_t node;

		if (name.len == 0 || means_nothing(stream, columns[i]))
			continue;
		node = keytree_child(reading->tree, parent, name);
		if (stream != &plain && stream->sets[i]) {
			put_members(reading, stream, node, columns[i]);
			continue;
		}
		value = kind == HEADER_TSV ? zeek_text(reading, columns[i]) :
		    stream->between.ptr[0] == ' ' ? w3c_text(reading, name,
		    columns[i]) : reading_text(reading, columns[i]);
		reading_put_node(reading, node, &value);
	}
	return true;
}

bool
decode_tsv(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	while (body.len > 0 && (body.ptr[body.len - 1] == '\r' ||
	    body.ptr[body.len - 1] == '\n'))
		body.len--;
	return put_columns(reading, decoder, body, parent, HEADER_TSV);
}

bool
decode_w3c(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	return put_columns(reading, decoder, slice_trim(body), parent,
	    HEADER_W3C);
}
