/* Reading. The head and dictionary come when the column is opened, codes and
 * numbers when they are first asked for, texts page by page. Bytes are checked
 * by their crc before they are unpacked, and by their own lengths after.
 */
#include "storage/column.h"

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "storage/bloom.h"
#include "storage/chunk_source.h"
#include "storage/codec.h"
#include "storage/pack.h"

struct text_page {
	struct slice packed;
	uint32_t raw, crc;
	struct slice *texts;	/* NULL until read */
};

struct column {
	const struct chunk_source *source;
	unsigned id;
	struct arena *arena;
	struct column_hdr hdr;
	struct slice bloom;
	struct value *dict;
	uint32_t *uses;
	bool	 loaded;	/* data */
	bool	 damaged;	/* data cannot be read; said once */
	uint32_t *codes;
	int64_t	*numbers;
	struct text_page *pages;
	struct column_lender lender;	/* TEXT: instead of pages */
};

static int
damaged(const struct column *column, struct err *err, const char *what)
{
	if (column->source->damaged != NULL)
		column->source->damaged(column->source->context);
	return err_set(err, ERR_DAMAGED, "column %u: %s", column->id, what);
}

/* Unpacks a section; the reader is over its bytes. */
static int
section_open(struct column *column, struct slice packed, unsigned codec,
    uint32_t raw, uint32_t crc, struct reader *r, struct err *err)
{
	char *room;

	if (raw > SECTION_BYTES || crc32c(0, packed) != crc)
		return damaged(column, err, "checksum does not match");
	if (codec == CODEC_PLAIN && packed.len == raw) {
		*r = reader_of(packed);
		return 0;
	}
	room = arena_text(column->arena, raw);
	if (!codec_unpack(codec, packed, room, raw))
		return damaged(column, err, "does not unpack");
	*r = reader_of(slice_of(room, raw));
	return 0;
}

static bool
type_known(const struct column_hdr *hdr)
{
	switch (hdr->kind) {
	case COLUMN_INT:
		return hdr->type == VALUE_LONG || hdr->type == VALUE_TIME ||
		    hdr->type == VALUE_BOOL;
	case COLUMN_TEXT:
		return hdr->type == VALUE_TEXT || hdr->type == VALUE_IP;
	default:
		return hdr->type == COLUMN_MIXED ||
		    (hdr->type > VALUE_NULL && hdr->type < VALUE_LIST &&
		    hdr->type != VALUE_DOUBLE);
	}
}

static bool
is_text(unsigned type)
{
	return type == VALUE_TEXT || type == VALUE_IP;
}

static void
entries_get(struct column *column, struct reader *r)
{
	const struct column_hdr *hdr = &column->hdr;
	uint64_t length;

	for (uint32_t i = 0; i < hdr->entries; i++) {
		struct value *value = &column->dict[i];

		if (hdr->type == COLUMN_MIXED) {
			tagged_get(r, column->arena, value);
			continue;
		}
		*value = (struct value){ .type = hdr->type,
		    .transform = TRANSFORM_OWNED };
		if (is_text(hdr->type)) {
			length = read_varint(r);
			r->bad = r->bad || length > UINT32_MAX;
			value->len = (uint32_t)length;
		} else {
			value->u.num = unzigzag(read_varint(r));
		}
	}
	/* An address is read when somebody asks for it: see entry_value. */
	for (uint32_t i = 0; i < hdr->entries && is_text(hdr->type); i++)
		column->dict[i].text = read_bytes(r, column->dict[i].len).ptr;
}

static void
entry_value(const struct column *column, uint32_t code, struct value *out)
{
	const struct value *entry = &column->dict[code];

	if (entry->type == VALUE_IP && column->hdr.type == VALUE_IP)
		value_parse(slice_of(entry->text, entry->len),
		    TRANSFORM_OWNED, VALUE_IP, out);
	else
		*out = *entry;
}

/* Uses must add up to the values: a count query answers from them. */
static int
dict_open(struct column *column, struct slice packed, struct err *err)
{
	const struct column_hdr *hdr = &column->hdr;
	uint64_t uses, sum = 0;
	struct reader r;

	if (hdr->entries == 0 || hdr->entries > hdr->count ||
	    (hdr->kind == COLUMN_CONST) != (hdr->entries == 1))
		return damaged(column, err, "impossible dictionary");
	if (section_open(column, packed, hdr->dict_codec, hdr->dict_raw,
	    hdr->dict_crc, &r, err) < 0)
		return -1;
	if (reader_left(&r) / 2 < hdr->entries)
		return damaged(column, err, "dictionary is cut");
	column->uses = arena_alloc(column->arena,
	    hdr->entries * sizeof(*column->uses));
	column->dict = arena_zalloc(column->arena,
	    hdr->entries * sizeof(*column->dict));
	for (uint32_t i = 0; i < hdr->entries; i++) {
		uses = read_varint(&r);
		sum += uses <= hdr->count ? uses : hdr->count + 1;
		column->uses[i] = (uint32_t)uses;
	}
	entries_get(column, &r);
	if (r.bad || r.at != r.end || sum != hdr->count)
		return damaged(column, err, "dictionary does not add up");
	return 0;
}

static struct column *
open_parts(const struct chunk_source *source, unsigned id, uint32_t values,
    unsigned parts, struct arena *arena, struct err *err)
{
	struct column *column;
	struct block block = { .hdr = { NULL, 0 } };

	if (source->block(source->context, id, parts, arena, &block,
	    err) <= 0)
		return NULL;
	column = arena_zalloc(arena, sizeof(*column));
	column->source = source;
	column->id = id;
	column->arena = arena;
	if (!column_hdr_get(block.hdr, &column->hdr) ||
	    !type_known(&column->hdr) || column->hdr.count != values) {
		damaged(column, err, "header does not check");
		return NULL;
	}
	if (crc32c(0, block.bloom) != column->hdr.bloom_crc) {
		damaged(column, err, "bloom does not check");
		return NULL;
	}
	column->bloom = block.bloom;
	if ((parts & BLOCK_DICT) != 0 && column->hdr.kind <= COLUMN_DICT &&
	    dict_open(column, block.dict, err) < 0)
		return NULL;
	return column;
}

struct column *
column_open(const struct chunk_source *source, unsigned id, uint32_t values,
    struct arena *arena, struct err *err)
{
	return open_parts(source, id, values, BLOCK_HEAD | BLOCK_DICT, arena,
	    err);
}

struct column *
column_open_head(const struct chunk_source *source, unsigned id,
    uint32_t values, struct arena *arena, struct err *err)
{
	return open_parts(source, id, values, BLOCK_HEAD, arena, err);
}

/* --- made up from other columns ----------------------------------------- */

struct column *
column_of_codes(const struct chunk_source *source, unsigned id,
    struct column_codes codes, struct arena *arena)
{
	struct column *column = arena_zalloc(arena, sizeof(*column));

	column->source = source;
	column->id = id;
	column->arena = arena;
	column->hdr = (struct column_hdr){ .count = codes.count,
	    .kind = codes.n == 1 ? COLUMN_CONST : COLUMN_DICT,
	    .type = codes.type, .entries = codes.n };
	column->dict = codes.entries;
	column->uses = codes.uses;
	column->codes = codes.codes;
	column->loaded = true;
	return column;
}

struct column *
column_of_lender(const struct chunk_source *source, unsigned id,
    struct column_lender lender, struct arena *arena)
{
	struct column *column = arena_zalloc(arena, sizeof(*column));

	column->source = source;
	column->id = id;
	column->arena = arena;
	column->hdr = (struct column_hdr){ .count = lender.count,
	    .kind = COLUMN_TEXT, .type = lender.type };
	column->lender = lender;
	column->loaded = true;
	return column;
}

/* --- data, when first asked for ------------------------------------------ */

static int
codes_open(struct column *column, struct slice packed, struct err *err)
{
	const struct column_hdr *hdr = &column->hdr;
	unsigned bits = hdr->packing;
	uint32_t *codes, *seen, worst = 0;
	struct reader r;

	if (section_open(column, packed, hdr->data_codec, hdr->data_raw,
	    hdr->data_crc, &r, err) < 0)
		return -1;
	if (bits == 0 || bits > 32 || (bits & (bits - 1)) != 0 ||
	    reader_left(&r) != PACKED_BYTES(hdr->count, bits))
		return damaged(column, err, "codes do not fit");
	codes = arena_alloc(column->arena, hdr->count * sizeof(*codes));
	for (uint32_t i = 0; i < hdr->count; i++) {
		if (bits == 8)
			codes[i] = (uint8_t)r.at[i];
		else if (bits == 16)
			codes[i] = get_u16(r.at + (size_t)i * 2);
		else if (bits == 32)
			codes[i] = get_u32(r.at + (size_t)i * 4);
		else
			codes[i] = (uint32_t)(uint8_t)r.at[(size_t)i * bits /
			    8] >> (i * bits) % 8 & ((1u << bits) - 1);
		worst = codes[i] > worst ? codes[i] : worst;
	}
	if (worst >= hdr->entries)
		return damaged(column, err, "code without an entry");
	seen = arena_zalloc(column->arena, hdr->entries * sizeof(*seen));
	for (uint32_t i = 0; i < hdr->count; i++)
		seen[codes[i]]++;
	if (memcmp(seen, column->uses, hdr->entries * sizeof(*seen)) != 0)
		return damaged(column, err, "codes and uses differ");
	column->codes = codes;
	return 0;
}

static int
delta_get(struct column *column, struct reader *r, struct err *err)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < column->hdr.count; i++) {
		at += (uint64_t)unzigzag(read_varint(r));
		column->numbers[i] = (int64_t)at;
	}
	if (r->bad || r->at != r->end)
		return damaged(column, err, "differences do not fit");
	return 0;
}

static int
numbers_open(struct column *column, struct slice packed, struct err *err)
{
	const struct column_hdr *hdr = &column->hdr;
	uint64_t *scaled;
	struct reader r;

	if (section_open(column, packed, hdr->data_codec, hdr->data_raw,
	    hdr->data_crc, &r, err) < 0)
		return -1;
	column->numbers = arena_alloc(column->arena,
	    hdr->count * sizeof(*column->numbers));
	scaled = (uint64_t *)(void *)column->numbers;
	if (hdr->packing == COLUMN_DELTA) {
		if (delta_get(column, &r, err) < 0)
			goto fail;
	} else {
		if (hdr->packing != COLUMN_FRAME || hdr->bits > 64 ||
		    reader_left(&r) != PACKED_BYTES(hdr->count, hdr->bits)) {
			damaged(column, err, "numbers do not fit");
			goto fail;
		}
		bits_unpack(r.at, hdr->count, hdr->bits, scaled);
	}
	for (uint32_t i = 0; i < hdr->count; i++) {
		scaled[i] = (uint64_t)hdr->min +
		    scaled[i] * (uint64_t)hdr->step;
		if (column->numbers[i] < hdr->min ||
		    column->numbers[i] > hdr->max) {
			damaged(column, err, "number outside its zone");
			goto fail;
		}
	}
	return 0;

fail:
	column->numbers = NULL;
	return -1;
}

static int
pages_open(struct column *column, struct slice data, struct err *err)
{
	const struct column_hdr *hdr = &column->hdr;
	size_t dir = (size_t)hdr->entries * COLUMN_DIR;
	struct text_page *pages;
	struct slice rest;

	if (hdr->entries != (hdr->count + COLUMN_PAGE - 1) / COLUMN_PAGE ||
	    data.len != hdr->data_raw || data.len < dir ||
	    crc32c(0, slice_head(data, dir)) != hdr->data_crc)
		return damaged(column, err, "directory does not check");
	pages = arena_zalloc(column->arena, hdr->entries * sizeof(*pages));
	rest = slice_skip(data, dir);
	for (uint32_t i = 0; i < hdr->entries; i++) {
		const char *row = data.ptr + (size_t)i * COLUMN_DIR;
		uint32_t length = get_u32(row + 4);

		if (length > rest.len)
			return damaged(column, err, "page is cut");
		pages[i].raw = get_u32(row);
		pages[i].crc = get_u32(row + 8);
		pages[i].packed = slice_head(rest, length);
		rest = slice_skip(rest, length);
	}
	if (rest.len > 0)
		return damaged(column, err, "bytes behind the pages");
	column->pages = pages;
	return 0;
}

static int
data_load(struct column *column, struct err *err)
{
	struct block block = { .hdr = { NULL, 0 } };
	int found, result = -1;

	if (column->loaded)
		return 0;
	if (column->damaged)
		return err_set(err, ERR_DAMAGED, "column %u: damaged",
		    column->id);
	found = column->source->block(column->source->context, column->id,
	    BLOCK_DATA, column->arena, &block, err);
	if (found < 0)
		return -1;	/* the world; it may be asked again */
	switch (column->hdr.kind) {
	case COLUMN_CONST:
		result = 0;
		break;
	case COLUMN_DICT:
		result = codes_open(column, block.data, err);
		break;
	case COLUMN_INT:
		result = numbers_open(column, block.data, err);
		break;
	case COLUMN_TEXT:
		result = pages_open(column, block.data, err);
		break;
	}
	column->loaded = result == 0;
	column->damaged = result < 0;
	return result;
}

static int
page_texts(struct column *column, struct text_page *page, uint32_t n,
    struct err *err)
{
	struct slice *texts;
	struct reader r;
	unsigned codec = page->packed.len == page->raw ? CODEC_PLAIN :
	    column->hdr.data_codec;

	if (section_open(column, page->packed, codec, page->raw, page->crc,
	    &r, err) < 0)
		return -1;
	texts = arena_alloc(column->arena, n * sizeof(*texts));
	for (uint32_t i = 0; i < n; i++)
		texts[i].len = (size_t)read_varint(&r);
	for (uint32_t i = 0; i < n; i++)
		texts[i] = read_bytes(&r, texts[i].len);
	if (r.bad || r.at != r.end)
		return damaged(column, err, "texts do not fit their page");
	page->texts = texts;
	return 0;
}

bool
column_look_inside(struct column *column, struct column_inside *out,
    struct err *err)
{
	*out = (struct column_inside){ .entries = NULL };
	if (column->lender.value != NULL || column->hdr.kind == COLUMN_TEXT)
		return true;
	if (column->hdr.kind != COLUMN_CONST && data_load(column, err) < 0)
		return false;
	if (column->hdr.kind == COLUMN_INT) {
		/* Others are written in their own way. */
		if (column->hdr.type == VALUE_LONG)
			out->numbers = column->numbers;
		return true;
	}
	out->entries = column->dict;
	out->codes = column->codes;
	return true;
}

/* --- asking -------------------------------------------------------------- */

/* A column is const to those who ask and loads behind their back; its chunk
 * belongs to one thread. */
static struct column *
changing(const struct column *column)
{
	union { const struct column *in; struct column *out; } ptr =
	    { .in = column };

	return ptr.out;
}

enum column_kind
column_kind(const struct column *column)
{
	return column->hdr.kind;
}

enum value_type
column_type(const struct column *column)
{
	return column->hdr.type == COLUMN_MIXED ? VALUE_NULL :
	    column->hdr.type;
}

uint32_t
column_count(const struct column *column)
{
	return column->hdr.count;
}

uint32_t
column_dict_count(const struct column *column)
{
	return column->dict != NULL ? column->hdr.entries : 0;
}

void
column_dict_value(const struct column *column, uint32_t code,
    struct value *out)
{
	check(column->dict != NULL && code < column->hdr.entries);
	entry_value(column, code, out);
}

struct slice
column_dict_text(const struct column *column, uint32_t code)
{
	check(column->dict != NULL && code < column->hdr.entries);
	return slice_of(column->dict[code].text, column->dict[code].len);
}

uint32_t
column_dict_uses(const struct column *column, uint32_t code)
{
	check(column->dict != NULL && code < column->hdr.entries);
	return column->uses[code];
}

const uint32_t *
column_codes(const struct column *column)
{
	check(column->hdr.kind == COLUMN_DICT);
	return data_load(changing(column), NULL) < 0 ? NULL : column->codes;
}

const int64_t *
column_numbers(const struct column *column)
{
	check(column->hdr.kind == COLUMN_INT);
	return data_load(changing(column), NULL) < 0 ? NULL : column->numbers;
}

bool
column_range(const struct column *column, int64_t *min, int64_t *max)
{
	if (column->hdr.kind != COLUMN_INT ||
	    (column->hdr.flags & COLUMN_RANGE) == 0)
		return false;
	*min = column->hdr.min;
	*max = column->hdr.max;
	return true;
}

bool
column_is_v4(const struct column *column)
{
	return column->hdr.type == VALUE_IP &&
	    (column->hdr.flags & COLUMN_V4) != 0;
}

bool
column_may_hold(const struct column *column, struct slice folded)
{
	return bloom_may(column->bloom.ptr, column->bloom.len,
	    bloom_hash(folded));
}

uint32_t
column_texts(const struct column *column, uint32_t i,
    const struct slice **texts, struct err *err)
{
	struct column *mine = changing(column);
	struct text_page *page;
	uint32_t at = i % COLUMN_PAGE, left;

	check(i < column->hdr.count);
	if (column->hdr.kind != COLUMN_TEXT || column->lender.value != NULL ||
	    data_load(mine, err) < 0)
		return 0;
	page = &mine->pages[i / COLUMN_PAGE];
	left = column->hdr.count - (i - at);
	left = left < COLUMN_PAGE ? left : COLUMN_PAGE;
	if (page->texts == NULL && page_texts(mine, page, left, err) < 0)
		return 0;
	*texts = page->texts + at;
	return left - at;
}

bool
column_value(const struct column *column, uint32_t i, struct value *out,
    struct err *err)
{
	const struct slice *text;

	check(i < column->hdr.count);
	if (column->lender.value != NULL)
		return column->lender.value(column->lender.context, i, out,
		    err);
	if (column->hdr.kind == COLUMN_CONST) {
		entry_value(column, 0, out);
		return true;
	}
	if (!column->loaded && data_load(changing(column), err) < 0)
		return false;
	switch (column->hdr.kind) {
	case COLUMN_DICT:
		entry_value(column, column->codes[i], out);
		return true;
	case COLUMN_INT:
		*out = (struct value){ .type = column->hdr.type,
		    .transform = TRANSFORM_OWNED,
		    .u.num = column->numbers[i] };
		return true;
	default:
		break;
	}
	if (column_texts(column, i, &text, err) == 0)
		return false;
	value_parse(*text, TRANSFORM_OWNED, column->hdr.type, out);
	return true;
}
