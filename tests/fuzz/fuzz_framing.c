/* Bytes of a stream, whole and cut in two: same records, nothing out of
 * bounds, and always an end. The first byte says where to cut. */
#include "engine/check.h"
#include "engine/framing.h"
#include "engine/strbuf.h"

#include <stdlib.h>

#define LIMIT 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
feed(struct framing *framing, struct strbuf *held, struct slice part,
    enum framing_end end, struct strbuf *out)
{
	struct strbuf rest = STRBUF_INIT;
	struct slice bytes;
	struct frame frame;

	strbuf_put(held, part);
	bytes = strbuf_slice(held);
	while (framing_next(framing, &bytes, LIMIT, end, &frame)) {
		check(frame.record.len > 0 && frame.record.len <= LIMIT);
		strbuf_putc(out, frame.truncated ? '!' : '.');
		strbuf_put(out, frame.record);
	}
	check(bytes.len <= LIMIT + FRAMING_SLACK);
	strbuf_put(&rest, bytes);
	strbuf_fini(held);
	*held = rest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size);
	size_t cut = size > 0 ? data[0] % size : 0;
	struct framing one = { 0 }, two = { 0 };
	struct strbuf held = STRBUF_INIT, whole = STRBUF_INIT,
	    parts = STRBUF_INIT;

	feed(&one, &held, all, FRAMING_OPEN, &whole);
	feed(&one, &held, SLICE(""), FRAMING_CLOSED, &whole);
	strbuf_clear(&held);
	feed(&two, &held, slice_head(all, cut), FRAMING_OPEN, &parts);
	feed(&two, &held, slice_skip(all, cut), FRAMING_OPEN, &parts);
	feed(&two, &held, SLICE(""), FRAMING_CLOSED, &parts);
	check(slice_eq(strbuf_slice(&whole), strbuf_slice(&parts)));
	strbuf_fini(&held);
	strbuf_fini(&whole);
	strbuf_fini(&parts);
	return 0;
}
