#include "parsers/streams.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "parsers/decode_syslog.h"

#define SEEN_BYTES 256		/* where the body of a line begins, at most */

struct wording {
	struct strbuf text;
	uint64_t from, last;	/* sequence of its first and last line */
	uint64_t version;
};

struct header {
	struct wording at[STREAM_VERSIONS];	/* oldest first */
	size_t	 n;
	struct slice place;	/* the map's copy */
};

struct streams {
	_Atomic unsigned count;
	_Atomic uint64_t version;
	bool	 ordered;	/* else there is but one wording of each */
	pthread_mutex_t mutex;
	struct map *headers;	/* place -> struct header */
};

struct streams *
streams_new(void)
{
	struct streams *streams = xcalloc(1, sizeof(*streams));

	atomic_init(&streams->count, 1);
	atomic_init(&streams->version, 0);
	check(pthread_mutex_init(&streams->mutex, NULL) == 0);
	streams->headers = map_new();
	return streams;
}

struct streams *
streams_get(struct streams *streams)
{
	atomic_fetch_add_explicit(&streams->count, 1, memory_order_relaxed);
	return streams;
}

static void
header_free(struct header *header)
{
	for (size_t i = 0; i < header->n; i++)
		strbuf_fini(&header->at[i].text);
	free(header);
}

void
streams_put(struct streams *streams)
{
	union map_value value;
	struct slice place;
	size_t at = 0;

	if (streams == NULL || atomic_fetch_sub_explicit(&streams->count, 1,
	    memory_order_acq_rel) != 1)
		return;
	while (map_next(streams->headers, &at, &place, &value))
		header_free(value.ptr);
	map_free(streams->headers);
	pthread_mutex_destroy(&streams->mutex);
	free(streams);
}

uint64_t
streams_version(const struct streams *streams)
{
	return atomic_load_explicit(&streams->version, memory_order_acquire);
}

/* --- lines of a header --------------------------------------------------- */
struct directive {
	struct slice name;
	enum header_kind kind;
	bool	 dated;
};

static const struct directive directives[] = {
	{ SLICE_INIT("separator"), HEADER_TSV, false },
	{ SLICE_INIT("set_separator"), HEADER_TSV, false },
	{ SLICE_INIT("empty_field"), HEADER_TSV, false },
	{ SLICE_INIT("unset_field"), HEADER_TSV, false },
	{ SLICE_INIT("path"), HEADER_TSV, false },
	{ SLICE_INIT("fields"), HEADER_TSV, false },
	{ SLICE_INIT("types"), HEADER_TSV, false },
	{ SLICE_INIT("open"), HEADER_TSV, true },
	{ SLICE_INIT("close"), HEADER_TSV, true },
	{ SLICE_INIT("Software:"), HEADER_W3C, false },
	{ SLICE_INIT("Version:"), HEADER_W3C, false },
	{ SLICE_INIT("Fields:"), HEADER_W3C, false },
	{ SLICE_INIT("System-ID:"), HEADER_W3C, false },
	{ SLICE_INIT("Date:"), HEADER_W3C, true },
	{ SLICE_INIT("Start-Date:"), HEADER_W3C, true },
	{ SLICE_INIT("End-Date:"), HEADER_W3C, true },
	{ SLICE_INIT("Remark:"), HEADER_W3C, true },
	{ SLICE_INIT("Log-type:"), HEADER_W3C, false },
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* A word of Zeek's ends where something else than a letter stands: a tab, as
 * a rule, but also "#011", which is how rsyslog writes a tab. */
static const struct directive *
find_directive(struct slice line)
{
	if (line.len < 2 || line.ptr[0] != '#')
		return NULL;
	line = slice_skip(line, 1);
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
	{
		const struct directive *d = &directives[i];

		if (slice_starts(line, d->name) && (d->kind == HEADER_W3C ||
		    line.len == d->name.len ||
		    !is_letter(line.ptr[d->name.len])))
			return d;
	}
	return NULL;
}

enum header_kind
header_line(struct slice line, bool *dated)
{
	const struct directive *d = find_directive(line);

	*dated = d != NULL && d->dated;
	return d == NULL ? HEADER_NONE : d->kind;
}

static struct slice
next_line(struct slice *rest)
{
	ptrdiff_t end = slice_find_byte(*rest, '\n');
	struct slice line = slice_head(*rest, end < 0 ? rest->len
	    : (size_t)end);

	*rest = slice_skip(*rest, end < 0 ? rest->len : (size_t)end + 1);
	return line;
}

/* --- headers of places ---------------------------------------------------- */
static uint64_t
newest_version(const struct header *header)
{
	return header->n == 0 ? 0 : header->at[header->n - 1].version;
}

static void
forget_oldest(struct streams *streams)
{
	struct header *oldest = NULL;
	union map_value value;
	struct slice place;
	size_t at = 0;

	while (map_next(streams->headers, &at, &place, &value)) {
		struct header *header = value.ptr;

		if (oldest == NULL || newest_version(header) <
		    newest_version(oldest)) {
			oldest = header;
			oldest->place = place;
		}
	}
	if (oldest == NULL)
		return;
	map_remove(streams->headers, oldest->place);
	header_free(oldest);
}

static struct header *
header_at(struct streams *streams, struct slice place)
{
	union map_value *at = map_find(streams->headers, place);

	if (at != NULL)
		return at->ptr;
	if (map_count(streams->headers) >= STREAMS)
		forget_oldest(streams);
	at = map_get(streams->headers, place, NULL);
	at->ptr = xcalloc(1, sizeof(struct header));
	return at->ptr;
}

/* The header with the line in place of the one of its kind and without those
 * of another format; false if that is what it was. */
static bool
replace_line(struct slice rest, struct slice line,
    const struct directive *kind, struct strbuf *out)
{
	bool same = false;

	while (rest.len > 0) {
		struct slice old = next_line(&rest);

		const struct directive *was = find_directive(old);

		same = same || slice_eq(old, line);
		if (was == NULL || was == kind || was->kind != kind->kind)
			continue;
		strbuf_put(out, old);
		strbuf_putc(out, '\n');
	}
	strbuf_put(out, line);
	strbuf_putc(out, '\n');
	return !same;
}

/* The wording in force for a line of this sequence, or NULL. */
static struct wording *
wording_at(struct header *header, uint64_t seq)
{
	size_t i = header->n;

	while (i > 0 && header->at[i - 1].from > seq)
		i--;
	return i == 0 ? NULL : &header->at[i - 1];
}

static bool
has_line(const struct wording *wording, struct slice line)
{
	struct slice rest = wording == NULL ? SLICE("")
	    : strbuf_slice(&wording->text);

	while (rest.len > 0)
		if (slice_eq(next_line(&rest), line))
			return true;
	return false;
}

/* Room for one more. The oldest that is left then stands for all before it. */
static struct wording *
add_wording(struct header *header, uint64_t seq)
{
	struct wording *wording;

	if (header->n == STREAM_VERSIONS) {
		strbuf_fini(&header->at[0].text);
		header->n--;
		memmove(header->at, header->at + 1, header->n *
		    sizeof(*header->at));
		header->at[0].from = 0;
	}
	wording = &header->at[header->n++];
	*wording = (struct wording){ .from = seq };
	strbuf_init(&wording->text);
	return wording;
}

/* Lines that follow each other make one wording, and so do all where nobody
 * keeps the order. */
static void
change_header(struct streams *streams, struct header *header, uint64_t seq,
    const struct strbuf *text)
{
	struct wording *newest = header->n == 0 ? NULL :
	    &header->at[header->n - 1];

	if (newest == NULL || (streams->ordered && newest->last + 1 != seq))
		newest = add_wording(header, seq);
	strbuf_clear(&newest->text);
	strbuf_put(&newest->text, strbuf_slice(text));
	newest->last = seq;
	newest->version = atomic_fetch_add_explicit(&streams->version, 1,
	    memory_order_acq_rel) + 1;
}

void
streams_add(struct streams *streams, struct slice place, uint64_t seq,
    struct slice line)
{
	const struct directive *kind = find_directive(line);
	struct strbuf text = STRBUF_INIT;
	struct header *header;
	struct slice before;

	if (kind == NULL || kind->dated || line.len >= STREAM_HEADER_BYTES ||
	    slice_find_byte(line, '\n') >= 0)
		return;
	if (!streams->ordered)
		seq = 0;
	check(pthread_mutex_lock(&streams->mutex) == 0);
	header = header_at(streams, place);
	if (!has_line(wording_at(header, seq), line)) {
		before = header->n == 0 ? SLICE("")
		    : strbuf_slice(&header->at[header->n - 1].text);
		if (replace_line(before, line, kind, &text) &&
		    text.len <= STREAM_HEADER_BYTES)
			change_header(streams, header, seq, &text);
	} else if (header->at[header->n - 1].last + 1 == seq) {
		header->at[header->n - 1].last = seq;
	}
	check(pthread_mutex_unlock(&streams->mutex) == 0);
	strbuf_fini(&text);
}

struct stream_span
streams_find(struct streams *streams, struct slice place, uint64_t seq,
    struct strbuf *header)
{
	struct stream_span span = { 0, 0, UINT64_MAX };
	union map_value *at;

	if (!streams->ordered)
		seq = 0;
	check(pthread_mutex_lock(&streams->mutex) == 0);
	at = map_find(streams->headers, place);
	if (at != NULL) {
		struct header *found = at->ptr;
		struct wording *wording = wording_at(found, seq);
		size_t next = wording == NULL ? 0 :
		    (size_t)(wording - found->at) + 1;

		if (wording != NULL) {
			strbuf_put(header, strbuf_slice(&wording->text));
			span.version = wording->version;
			span.from = wording->from;
		}
		if (next < found->n)
			span.upto = found->at[next].from - 1;
	}
	check(pthread_mutex_unlock(&streams->mutex) == 0);
	return span;
}

/* --- lines in order ------------------------------------------------------- */
struct slice
stream_place(const struct event *event, struct slice program,
    char buf[STREAM_PLACE_BYTES])
{
	struct slice peer = slice_head(event->peer, STREAM_PLACE_BYTES / 2);

	program = slice_head(program, STREAM_PLACE_BYTES / 2 - 1);
	if (peer.len > 0)
		memcpy(buf, peer.ptr, peer.len);
	buf[peer.len] = '\0';
	if (program.len > 0)
		memcpy(buf + peer.len + 1, program.ptr, program.len);
	return slice_of(buf, peer.len + 1 + program.len);
}

void
streams_order(struct streams *streams)
{
	streams->ordered = true;
}

static void
see_line(struct streams *streams, const struct event *event,
    struct slice program, struct slice body)
{
	char buf[STREAM_PLACE_BYTES];

	body = slice_trim(body);
	if (find_directive(body) != NULL)
		streams_add(streams, stream_place(event, program, buf),
		    event->seq, body);
}

/* A directive stands at the beginning of the line or, behind a header, after
 * a blank. What is in another charset or inside of JSON is not seen here; the
 * lane that reads it adds it then. */
void
streams_see(struct streams *streams, const struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		const struct event *event = &batch->events[i];
		struct slice head = slice_head(event->raw, SEEN_BYTES);
		ptrdiff_t at = slice_find_byte(head, '#');
		struct syslog_header header;

		if (at < 0)
			continue;
		if (slice_trim(head).ptr[0] == '#') {
			see_line(streams, event, SLICE(""), event->raw);
		} else if (slice_find(head, SLICE(" #")) >= 0) {
			syslog_read(event->raw, &header);
			see_line(streams, event, header.appname, header.body);
		}
	}
}

/* --- a header, read ------------------------------------------------------- */
static int
hex_digit(char c)
{
	c = ascii_lower(c);
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x09" in Zeek's own notation, written over itself. */
static struct slice
unescape_hex(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && len - i >= 4 && text[i + 1] == 'x' &&
		    hex_digit(text[i + 2]) >= 0 &&
		    hex_digit(text[i + 3]) >= 0) {
			text[n++] = (char)(hex_digit(text[i + 2]) * 16 +
			    hex_digit(text[i + 3]));
			i += 3;
		} else {
			text[n++] = text[i];
		}
	}
	return slice_of(text, n);
}

/* The value of a directive, or the empty slice. */
static struct slice
directive_value(struct slice header, const char *name)
{
	while (header.len > 0) {
		struct slice line = next_line(&header);
		const struct directive *d = find_directive(line);

		if (d != NULL && slice_eq(d->name, slice_cstr(name)))
			return slice_skip(line, 1 + d->name.len);
	}
	return slice_of("", 0);
}

struct slice
column_next(struct slice *rest, struct slice between, bool *more)
{
	struct slice column;
	ptrdiff_t end = between.len == 1 ? slice_find_byte(*rest,
	    between.ptr[0]) : slice_find(*rest, between);

	column = slice_head(*rest, end < 0 ? rest->len : (size_t)end);
	*rest = slice_skip(*rest, end < 0 ? rest->len
	    : (size_t)end + between.len);
	*more = end >= 0;
	return column;
}

static void
read_names(struct stream *stream, struct slice list)
{
	size_t n = 0;
	bool more = list.len > 0;

	stream->names = xcalloc(STREAM_COLUMNS, sizeof(*stream->names));
	stream->sets = xcalloc(STREAM_COLUMNS, sizeof(*stream->sets));
	while (more && n < STREAM_COLUMNS) {
		struct slice name = slice_trim(column_next(&list,
		    stream->between, &more));

		if (name.len > 0 || stream->kind == HEADER_TSV)
			stream->names[n++] = name;
	}
	stream->n = more ? 0 : n;	/* too many: none */
}

static void
read_types(struct stream *stream, struct slice list)
{
	bool more = true;

	for (size_t i = 0; i < stream->n && more; i++) {
		struct slice type = column_next(&list, stream->between,
		    &more);

		stream->sets[i] = slice_starts(type, SLICE("set[")) ||
		    slice_starts(type, SLICE("vector["));
	}
}

/* The value behind the sign that stands between columns. */
static struct slice
plain_value(const struct stream *stream, struct slice header,
    const char *name, const char *standard)
{
	struct slice value = directive_value(header, name);

	if (!slice_starts(value, stream->between))
		return slice_cstr(standard);
	value = slice_skip(value, stream->between.len);
	return value.len == 0 ? slice_cstr(standard) : value;
}

static void
read_tsv(struct stream *stream, struct slice header)
{
	struct slice separator = slice_trim(directive_value(header,
	    "separator"));
	struct slice fields = directive_value(header, "fields");
	size_t at = separator.len == 0 ? 0
	    : (size_t)(separator.ptr - stream->text);

	stream->between = separator.len == 0 ? SLICE("\t")
	    : unescape_hex(stream->text + at, separator.len);
	if (slice_starts(fields, SLICE("#011")))
		stream->between = SLICE("#011");
	if (stream->between.len == 0 || !slice_starts(fields,
	    stream->between))
		return;
	stream->unset = plain_value(stream, header, "unset_field", "-");
	stream->empty = plain_value(stream, header, "empty_field", "(empty)");
	stream->between_members = plain_value(stream, header,
	    "set_separator", ",");
	stream->path = plain_value(stream, header, "path", "");
	read_names(stream, slice_skip(fields, stream->between.len));
	read_types(stream, plain_value(stream, header, "types", ""));
}

/* Blanks by the book; tabs and commas by Exchange and others. */
static struct slice
find_between(struct slice names)
{
	if (slice_find_byte(names, '\t') >= 0)
		return SLICE("\t");
	return slice_find_byte(names, ' ') < 0 &&
	    slice_find_byte(names, ',') >= 0 ? SLICE(",") : SLICE(" ");
}

void
stream_read(struct stream *stream, struct slice header)
{
	struct slice copy;
	bool dated;

	*stream = (struct stream){ .kind = header_line(header, &dated) };
	if (stream->kind == HEADER_NONE)
		return;
	stream->text = xmalloc(header.len + 1);
	memcpy(stream->text, header.ptr, header.len);
	stream->text[header.len] = '\0';
	copy = slice_of(stream->text, header.len);
	if (stream->kind == HEADER_TSV) {
		read_tsv(stream, copy);
	} else {
		copy = slice_trim(directive_value(copy, "Fields:"));
		stream->between = find_between(copy);
		stream->unset = SLICE("-");
		read_names(stream, copy);
	}
}

void
stream_fini(struct stream *stream)
{
	free(stream->names);
	free(stream->sets);
	free(stream->text);
	*stream = (struct stream){ .n = 0 };
}
