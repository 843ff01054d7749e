#include "engine/framing.h"

#define COUNT_DIGITS 10

enum count_state { COUNT_NONE, COUNT_UNSURE, COUNT_READ };

/* "123 " in front: its number and how many bytes it takes. */
static enum count_state
count_read(struct slice bytes, enum framing_end end, uint64_t *n, size_t *head)
{
	uint64_t count = 0;
	size_t i = 0;

	if (bytes.len > 0 && (bytes.ptr[0] < '1' || bytes.ptr[0] > '9'))
		return COUNT_NONE;
	while (i < bytes.len && i <= COUNT_DIGITS && bytes.ptr[i] >= '0' &&
	    bytes.ptr[i] <= '9')
		count = count * 10 + (uint64_t)(bytes.ptr[i++] - '0');
	if (i > COUNT_DIGITS)
		return COUNT_NONE;
	if (i == bytes.len)
		return end == FRAMING_CLOSED ? COUNT_NONE : COUNT_UNSURE;
	if (bytes.ptr[i] != ' ' || count > FRAMING_COUNT_MOST)
		return COUNT_NONE;
	*n = count;
	*head = i + 1;
	return COUNT_READ;
}

/* Is the NUL at i a trailer? -1: the byte behind it must be seen first. */
static int
nul_ends(struct slice bytes, size_t i, enum framing_end end)
{
	if (i + 1 == bytes.len)
		return end == FRAMING_OPEN ? -1 : 1;
	return bytes.ptr[i + 1] == '<' || bytes.ptr[i + 1] == '{' ||
	    bytes.ptr[i + 1] == '\n';
}

#define NO_END (-1)
#define UNSURE_END (-2)		/* the last byte is a NUL */

/* Where the trailer of the line stands. */
static ptrdiff_t
line_end(struct slice bytes, enum framing_end end)
{
	ptrdiff_t feed = slice_find_byte(bytes, '\n');
	size_t stop = feed >= 0 ? (size_t)feed : bytes.len;
	size_t at = 0;

	while (at < stop) {
		const char *nul = memchr(bytes.ptr + at, '\0', stop - at);
		int ends;

		if (nul == NULL)
			break;
		at = (size_t)(nul - bytes.ptr);
		ends = nul_ends(bytes, at, end);
		if (ends != 0)
			return ends > 0 ? (ptrdiff_t)at : UNSURE_END;
		at++;
	}
	return feed >= 0 ? feed : NO_END;
}

/* Without one trailer at the end. */
static struct slice
trailer_cut(struct slice record)
{
	if (slice_ends(record, SLICE("\n")))
		record.len--;
	if (slice_ends(record, SLICE("\r")) || slice_ends(record, SLICE("\0")))
		record.len--;
	return record;
}

static bool
give(struct frame *frame, struct slice record, size_t limit, bool counted)
{
	frame->truncated = record.len > limit;
	frame->record = slice_head(record, limit);
	frame->counted = counted;
	return true;
}

/* Passes over what is left of an over-long record; false if it goes on. */
static bool
skip_rest(struct framing *framing, struct slice *bytes, enum framing_end end)
{
	size_t n = framing->skip < bytes->len ? (size_t)framing->skip :
	    bytes->len;
	ptrdiff_t stop;

	*bytes = slice_skip(*bytes, n);
	framing->skip -= n;
	if (framing->skip > 0)
		return false;
	if (!framing->skip_line)
		return true;
	stop = line_end(*bytes, end);
	if (stop < 0) {
		*bytes = slice_skip(*bytes,
		    bytes->len - (stop == UNSURE_END ? 1 : 0));
		return false;
	}
	*bytes = slice_skip(*bytes, (size_t)stop + 1);
	framing->skip_line = false;
	return true;
}

enum take { TAKE_RECORD, TAKE_EMPTY, TAKE_MORE };

static enum take
take_counted(struct framing *framing, struct slice *bytes, size_t limit,
    enum framing_end end, uint64_t n, size_t head, struct frame *frame)
{
	struct slice rest = slice_skip(*bytes, head);

	if (n > limit && rest.len >= limit) {
		framing->skip = n - limit;
		*bytes = slice_skip(rest, limit);
		give(frame, slice_head(rest, limit), limit, true);
		frame->truncated = true;
		return TAKE_RECORD;
	}
	if (n <= limit && rest.len >= n) {
		*bytes = slice_skip(rest, (size_t)n);
		give(frame, trailer_cut(slice_head(rest, (size_t)n)), limit,
		    true);
		return frame->record.len > 0 ? TAKE_RECORD : TAKE_EMPTY;
	}
	if (end != FRAMING_CLOSED)
		return TAKE_MORE;
	*bytes = slice_skip(rest, rest.len);
	give(frame, rest, limit, true);
	frame->truncated = true;	/* the connection ended inside it */
	return rest.len > 0 ? TAKE_RECORD : TAKE_EMPTY;
}

static enum take
take_line(struct framing *framing, struct slice *bytes, size_t limit,
    enum framing_end end, struct frame *frame)
{
	/* A line of `limit` bytes, CR and LF: what lies behind these does not
	 * change the answer. */
	struct slice window = slice_head(*bytes, limit + 2);
	bool whole = window.len == limit + 2;
	ptrdiff_t stop = line_end(window, end);

	if (stop >= 0 && !(whole && (size_t)stop == limit + 1 &&
	    window.ptr[stop] == '\0')) {
		*bytes = slice_skip(*bytes, (size_t)stop + 1);
		window.len = (size_t)stop;
		if (slice_ends(window, SLICE("\r")))
			window.len--;
		give(frame, window, limit, false);
		return window.len > 0 ? TAKE_RECORD : TAKE_EMPTY;
	}
	if (whole) {
		*bytes = slice_skip(*bytes, limit);
		framing->skip_line = true;
		return give(frame, window, limit, false) ? TAKE_RECORD :
		    TAKE_EMPTY;
	}
	if (end != FRAMING_CLOSED)
		return TAKE_MORE;
	*bytes = slice_skip(*bytes, bytes->len);
	give(frame, trailer_cut(window), limit, false);
	return frame->record.len > 0 ? TAKE_RECORD : TAKE_EMPTY;
}

bool
framing_next(struct framing *framing, struct slice *bytes, size_t limit,
    enum framing_end end, struct frame *frame)
{
	enum take took = TAKE_EMPTY;

	while (took == TAKE_EMPTY) {
		uint64_t n = 0;
		size_t head = 0;
		enum count_state count;

		if (!skip_rest(framing, bytes, end) || bytes->len == 0)
			return false;
		count = count_read(*bytes, end, &n, &head);
		if (count == COUNT_UNSURE)
			return false;
		took = count == COUNT_READ ?
		    take_counted(framing, bytes, limit, end, n, head, frame) :
		    take_line(framing, bytes, limit, end, frame);
	}
	return took == TAKE_RECORD;
}
