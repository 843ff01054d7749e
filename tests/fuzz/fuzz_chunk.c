/* Hostile blobs under the readers of chunks and tail rows. The input is cut
 * into the parts of a small chunk: shapes, one raw page, and blocks; a part
 * that is not given is that of an honest chunk. Checksums are put right, so
 * that the fuzzer gets behind them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/hash.h"
#include "storage/chunk.h"
#include "storage/chunk_build.h"
#include "storage/codec.h"
#include "storage/pack.h"
#include "storage/tail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS 40

static field_t names[CHUNK_FIELDS];
static unsigned nnames = CHUNK_FIELD_FIRST;
static struct chunk_packed *honest;

static unsigned
id_of(void *context, field_t field)
{
	(void)context;
	for (unsigned i = CHUNK_FIELD_FIRST; i < nnames; i++)
		if (names[i] == field)
			return i;
	names[nnames] = field;
	return nnames++;
}

static field_t
field_of(void *context, unsigned id)
{
	(void)context;
	return id < nnames ? names[id] : FIELD_NONE;
}

/* One column of every kind. */
static void
honest_make(void)
{
	static const struct field_ids ids = { id_of, NULL };
	struct batch *batch = batch_new(1, 4096);
	const struct event *events[EVENTS];
	struct packer *packer = packer_new(CODEC_PLAIN, 0);
	struct value items[2] = { value_long(1),
	    value_text(SLICE("two"), TRANSFORM_OWNED) };

	for (unsigned i = 0; i < EVENTS; i++) {
		struct event *event = batch_add(batch,
		    SLICE("a line with words"), SLICE("peer"), 1000 + i);

		event_set(event, FIELD_EVENT_MODULE,
		    value_text(SLICE("const"), TRANSFORM_OWNED));
		event_set(event, FIELD_EVENT_CODE, value_text(
		    slice_of(&"0123456789"[i % 10], 1), TRANSFORM_OWNED));
		event_set(event, FIELD_MESSAGE, i % 3 == 0 ?
		    value_list(items, 2) : value_double(i));
		if (i % 2 == 0)
			event_set_text(event, FIELD_SOURCE_IP,
			    SLICE("192.0.2.1"), TRANSFORM_OWNED);
		event_seal(event);
		events[i] = event;
	}
	honest = chunk_build_alone(events, EVENTS, &ids, packer);
	packer_free(packer);
	batch_put(batch);
}

static void
use_column(const struct column *column)
{
	struct value value;
	int64_t min, max;

	for (uint32_t i = 0; i < column_dict_count(column); i++) {
		column_dict_value(column, i, &value);
		(void)column_dict_uses(column, i);
	}
	column_range(column, &min, &max);
	column_may_hold(column, SLICE("word"));
	if (column_kind(column) == COLUMN_DICT)
		(void)column_codes(column);
	if (column_kind(column) == COLUMN_INT)
		(void)column_numbers(column);
	for (uint32_t i = 0; i < column_count(column); i++)
		if (!column_value(column, i, &value, NULL))
			break;
}

static void
read_all(const struct chunk_packed *packed)
{
	static const struct packed_names back = { field_of, id_of, NULL };
	struct err err = { .kind = ERR_NONE };
	struct chunk *chunk = chunk_open_packed(packed, &back, &err);
	struct arena *arena = arena_new(0);
	struct event event;

	if (chunk != NULL) {
		for (unsigned i = CHUNK_FIELD_FIRST; i < nnames; i++) {
			const struct column *column =
			    chunk_column_head(chunk, names[i], &err);

			if (column != NULL)
				column_may_hold(column, SLICE("x"));
			column = chunk_column(chunk, names[i], &err);
			if (column != NULL)
				use_column(column);
		}
		for (uint32_t row = 0; row < chunk_rows(chunk) && row < 64;
		    row++) {
			arena_reset(arena);
			if (chunk_event(chunk, row, arena, &event, &err))
				(void)event_get(&event, FIELD_SOURCE_IP);
		}
	}
	chunk_close(chunk);
	arena_free(arena);
}

/* A part of the input: a length, then bytes; "" when there are none left. */
static struct slice
part(struct reader *r)
{
	uint64_t n = read_varint(r);

	return read_bytes(r, n < reader_left(r) ? n : reader_left(r));
}

static struct slice
boxed(struct slice raw, unsigned format, uint16_t n, char *room)
{
	char *p = room;

	*p++ = (char)format;
	*p++ = CODEC_PLAIN;
	p = put_u16(p, n);
	p = put_u32(p, (uint32_t)raw.len);
	put_u32(p, crc32c(crc32c(0, slice_of(room, 8)), raw));
	if (raw.len > 0)
		memcpy(room + BOX_HEAD, raw.ptr, raw.len);
	return slice_of(room, BOX_HEAD + raw.len);
}

static void
hdr_fix(char *hdr, const struct block *block, bool text)
{
	size_t dir = (size_t)get_u32(hdr + 12) * COLUMN_DIR;

	hdr[0] = COLUMN_FORMAT;
	put_u32(hdr + 20, crc32c(0, block->dict));
	put_u32(hdr + 28, crc32c(0, text && dir <= block->data.len ?
	    slice_head(block->data, dir) : block->data));
	put_u32(hdr + 32, crc32c(0, block->bloom));
	put_u32(hdr + 64, crc32c(0, slice_of(hdr, COLUMN_HDR - 4)));
}

static void
block_from(struct reader *r, struct block *block, char *hdr)
{
	struct slice head = part(r);

	if (head.len == 0)
		return;
	memcpy(hdr, block->hdr.ptr, COLUMN_HDR);
	memcpy(hdr, head.ptr, head.len < COLUMN_HDR ? head.len : COLUMN_HDR);
	block->dict = part(r);
	block->data = part(r);
	block->bloom = part(r);
	hdr_fix(hdr, block, hdr[1] == COLUMN_TEXT);
	block->hdr = slice_of(hdr, COLUMN_HDR);
}

/* Pages of both formats: lines; or variables in two boxes, and templates. */
static void
pages_from(struct reader *r, unsigned format, struct packed_page pages[2],
    char *room)
{
	struct slice bytes = part(r), first;
	char *at = room;

	if (bytes.len > 0 && format == 1)
		pages[0].data = boxed(bytes, 0, EVENTS, at);
	if (format == 1)
		return;
	if (bytes.len > 0) {
		first = boxed(bytes, 0, EVENTS, at + 4);
		put_u32(at, (uint32_t)first.len);
		bytes = boxed(part(r), 0, EVENTS, at + 4 + first.len);
		pages[0].data = slice_of(at, 4 + first.len + bytes.len);
		at += pages[0].data.len;
	}
	bytes = part(r);
	if (bytes.len > 0)
		pages[1].data = boxed(bytes, 0, 0, at);
}

static void
fuzz_chunk(struct slice input, unsigned format)
{
	struct chunk_packed packed = *honest;
	struct packed_block blocks[32];
	struct packed_page pages[2] = { honest->pages[0], honest->pages[1] };
	struct reader r = reader_of(input);
	char *fields = malloc(input.len + BOX_HEAD);
	char *raw = malloc(input.len + 4 * BOX_HEAD);
	char hdrs[32][COLUMN_HDR];
	struct slice bytes = part(&r);

	if (bytes.len > 0)
		packed.fields = boxed(bytes, format == 1 ? 0 : 2, 0, fields);
	pages_from(&r, format, pages, raw);
	packed.pages = pages;
	packed.npages = 2;
	for (size_t i = 0; i < packed.nblocks && i < 32; i++) {
		blocks[i] = honest->blocks[i];
		block_from(&r, &blocks[i].block, hdrs[i]);
	}
	packed.blocks = blocks;
	read_all(&packed);
	free(fields);
	free(raw);
}

static void
fuzz_tail(struct slice input)
{
	struct arena *arena = arena_new(0);
	size_t n;

	(void)tail_unpack(input, arena, &n, NULL);
	(void)tail_raw_bytes(input);
	arena_free(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of((const char *)data, size);

	if (honest == NULL)
		honest_make();
	if (size == 0)
		return 0;
	if (data[0] == 'T')
		fuzz_tail(slice_skip(input, 1));
	else
		fuzz_chunk(slice_skip(input, 1), data[0] == '2' ? 2 : 1);
	return 0;
}
