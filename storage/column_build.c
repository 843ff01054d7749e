/* Values come one by one, row after row, so that what they point to is read
 * once, while the row is at hand. Each different value gets a number, until a
 * dictionary is not worth it. Values that repeat the one before, as most do in
 * rows ordered by template and time, cost one comparison.
 */
#include "storage/column_build.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/strbuf.h"
#include "storage/bloom.h"
#include "storage/codec.h"
#include "storage/column.h"
#include "storage/pack.h"

/* A dictionary beyond these is given up for TEXT or INT. Texts: it pays while
 * at least every other value repeats, and its use in searches (one comparison
 * for many rows) ends where reading it costs as much as the rows. Numbers pack
 * well by themselves, so theirs must be small. */
#define TEXT_ENTRIES 32768
#define TEXT_SURE 1024		/* entries before the share is looked at */
#define NUMBER_ENTRIES 2048
#define NUMBER_SURE 64
#define NUMBER_SHARE 16		/* values an entry, at least */

#define FIRST_SLOTS 256

struct entry {
	uint64_t hash;
	struct value value;
	uint32_t uses;
};

struct column_sink {
	struct value *values;	/* [n], borrowed; filled when gave_up */
	uint32_t *codes;	/* [n], borrowed; filled until then */
	uint32_t n, filled;
	unsigned types;		/* bit per type seen */
	bool	 texts;		/* a number with a text of its own */
	bool	 gave_up;	/* no dictionary */
	uint32_t last;		/* code of the value before */
	uint32_t *slots;	/* 1 + entry; 0 empty; nslots a power of two */
	size_t	 nslots, slots_cap;
	struct entry *entries;
	uint32_t nentries;
	size_t	 entries_cap;
};

struct column_builder {
	struct packer *packer;
	struct strbuf raw, packed;
	uint64_t *numbers;
	size_t	 numbers_cap;
	struct column_sink *alone;	/* of column_build */
	uint32_t *codes;
	size_t	 codes_cap;
};

struct column_builder *
column_builder_new(struct packer *packer)
{
	struct column_builder *builder = xcalloc(1, sizeof(*builder));

	builder->packer = packer;
	strbuf_init(&builder->raw);
	strbuf_init(&builder->packed);
	return builder;
}

void
column_builder_free(struct column_builder *builder)
{
	if (builder == NULL)
		return;
	strbuf_fini(&builder->raw);
	strbuf_fini(&builder->packed);
	free(builder->codes);
	free(builder->numbers);
	column_sink_free(builder->alone);
	free(builder);
}

/* --- the same value? ----------------------------------------------------- */

static bool
has_text(const struct value *value)
{
	return value->text != NULL && !value_is_plain(value);
}

static bool
texts_same(const struct value *a, const struct value *b)
{
	return a->len == b->len && (a->text == b->text ||
	    bytes_same(a->text, b->text, a->len));
}

/* Exactly: a number's own text counts. */
static bool
scalar_same(const struct value *a, const struct value *b)
{
	bool text;

	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_NULL:
		return true;
	case VALUE_TEXT:
	case VALUE_IP:
		return texts_same(a, b);
	default:
		text = has_text(a);
		return a->u.num == b->u.num && text == has_text(b) &&
		    (!text || texts_same(a, b));
	}
}

static bool
same(const struct value *a, const struct value *b)
{
	if (a->type != VALUE_LIST || b->type != VALUE_LIST)
		return scalar_same(a, b);
	if (a->len != b->len)
		return false;
	if (a->u.items == b->u.items)
		return true;
	for (uint32_t i = 0; i < a->len; i++)
		if (!scalar_same(&a->u.items[i], &b->u.items[i]))
			return false;
	return true;
}

static uint64_t
scalar_hash(const struct value *value)
{
	struct slice bytes;

	switch (value->type) {
	case VALUE_NULL:
		return 0;
	case VALUE_TEXT:
	case VALUE_IP:
		bytes = slice_of(value->text, value->len);
		break;
	default:
		bytes = slice_of((const char *)&value->u.num,
		    sizeof(value->u.num));
		break;
	}
	return hash64(bytes) + value->type;
}

static uint64_t
hash_of(const struct value *value)
{
	uint64_t hash = VALUE_LIST;

	if (value->type != VALUE_LIST)
		return scalar_hash(value);
	for (uint32_t i = 0; i < value->len; i++)
		hash = (hash ^ scalar_hash(&value->u.items[i])) *
		    UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* --- the dictionary ------------------------------------------------------ */

enum uniform { UNIFORM_TEXT, UNIFORM_NUMBER, UNIFORM_NO };

static void
slots_clear(struct column_sink *sink, size_t n)
{
	if (n > sink->slots_cap) {
		free(sink->slots);
		sink->slots = xmalloc(n * sizeof(*sink->slots));
		sink->slots_cap = n;
	}
	memset(sink->slots, 0, n * sizeof(*sink->slots));
	sink->nslots = n;
}

static void
slots_grow(struct column_sink *sink)
{
	slots_clear(sink, sink->nslots * 4);
	for (uint32_t i = 0; i < sink->nentries; i++) {
		size_t at = sink->entries[i].hash & (sink->nslots - 1);

		while (sink->slots[at] != 0)
			at = (at + 1) & (sink->nslots - 1);
		sink->slots[at] = i + 1;
	}
}

static uint32_t
entry_new(struct column_sink *sink, uint64_t hash, const struct value *value)
{
	if (sink->nentries == sink->entries_cap) {
		sink->entries_cap = sink->entries_cap > 0 ?
		    sink->entries_cap * 2 : FIRST_SLOTS / 4;
		sink->entries = xrealloc(sink->entries,
		    sink->entries_cap * sizeof(*sink->entries));
	}
	sink->entries[sink->nentries] =
	    (struct entry){ .hash = hash, .value = *value };
	return sink->nentries++;
}

/* The entry of a value, made if need be. */
static uint32_t
entry_of(struct column_sink *sink, const struct value *value)
{
	uint64_t hash = hash_of(value);
	size_t at = hash & (sink->nslots - 1);
	uint32_t code;

	while (sink->slots[at] != 0) {
		code = sink->slots[at] - 1;
		if (sink->entries[code].hash == hash &&
		    same(&sink->entries[code].value, value))
			return code;
		at = (at + 1) & (sink->nslots - 1);
	}
	code = entry_new(sink, hash, value);
	sink->slots[at] = code + 1;
	if ((size_t)sink->nentries * 2 > sink->nslots)
		slots_grow(sink);
	return code;
}

static bool
worth_it(enum uniform uniform, uint32_t entries, uint32_t values)
{
	switch (uniform) {
	case UNIFORM_TEXT:
		return entries <= TEXT_SURE ||
		    (entries <= TEXT_ENTRIES && entries * 2 <= values);
	case UNIFORM_NUMBER:
		return entries <= NUMBER_SURE || (entries <= NUMBER_ENTRIES &&
		    entries * NUMBER_SHARE <= values);
	default:
		return true;
	}
}

/* The one type of all values so far, or COLUMN_MIXED. */
static uint8_t
type_of(const struct column_sink *sink)
{
	switch (sink->types) {
	case 1u << VALUE_TEXT:
		return VALUE_TEXT;
	case 1u << VALUE_IP:
		return VALUE_IP;
	case 1u << VALUE_LONG:
		return sink->texts ? COLUMN_MIXED : VALUE_LONG;
	case 1u << VALUE_TIME:
		return sink->texts ? COLUMN_MIXED : VALUE_TIME;
	case 1u << VALUE_BOOL:
		return sink->texts ? COLUMN_MIXED : VALUE_BOOL;
	default:
		return COLUMN_MIXED;
	}
}

static enum uniform
uniform_of(uint8_t type)
{
	switch (type) {
	case VALUE_TEXT:
	case VALUE_IP:
		return UNIFORM_TEXT;
	case COLUMN_MIXED:
		return UNIFORM_NO;
	default:
		return UNIFORM_NUMBER;
	}
}

/* --- filling --------------------------------------------------------------- */

struct column_sink *
column_sink_new(void)
{
	return xcalloc(1, sizeof(struct column_sink));
}

void
column_sink_free(struct column_sink *sink)
{
	if (sink == NULL)
		return;
	free(sink->slots);
	free(sink->entries);
	free(sink);
}

void
column_begin(struct column_sink *sink, struct value *values, uint32_t *codes,
    uint32_t n)
{
	sink->values = values;
	sink->codes = codes;
	sink->n = n;
	sink->filled = sink->nentries = 0;
	sink->types = 0;
	sink->texts = sink->gave_up = false;
	slots_clear(sink, FIRST_SLOTS);
}

/* What has codes so far gets values. */
static void
give_up(struct column_sink *sink, uint32_t filled)
{
	for (uint32_t i = 0; i < filled; i++)
		sink->values[i] = sink->entries[sink->codes[i]].value;
	sink->gave_up = true;
}

/* The code of value i; false if it makes the dictionary one that is not worth
 * it, and `limited` says that this matters. */
static bool
code_add(struct column_sink *sink, uint32_t i, const struct value *value,
    bool limited)
{
	if (i == 0 || !same(&sink->entries[sink->last].value, value)) {
		sink->last = entry_of(sink, value);
		if (limited && sink->entries[sink->last].uses == 0 &&
		    !worth_it(uniform_of(type_of(sink)), sink->nentries, i))
			return false;
	}
	sink->entries[sink->last].uses++;
	sink->codes[i] = sink->last;
	return true;
}

void
column_add(struct column_sink *sink, const struct value *from)
{
	uint32_t i = sink->filled++;
	struct value value = *from;

	sink->types |= 1u << value.type;
	if (value.text != NULL && (value.type == VALUE_LONG ||
	    value.type == VALUE_TIME || value.type == VALUE_BOOL)) {
		/* Plain numbers lose their text, any other makes it mixed. */
		if (value_is_plain(&value)) {
			value.text = NULL;
			value.len = 0;
		} else {
			sink->texts = true;
		}
	}
	if (!sink->gave_up && !code_add(sink, i, &value, true))
		give_up(sink, i);
	if (sink->gave_up)
		sink->values[i] = value;
}

/* Mixed after all: there is nothing but a dictionary for it. */
static void
codes_again(struct column_sink *sink)
{
	sink->nentries = 0;
	sink->gave_up = false;
	slots_clear(sink, FIRST_SLOTS);
	for (uint32_t i = 0; i < sink->filled; i++)
		code_add(sink, i, &sink->values[i], false);
}

/* --- writing ------------------------------------------------------------- */

static void
raw_varint(struct column_builder *builder, uint64_t n)
{
	char *at = strbuf_room(&builder->raw, VARINT_BYTES);

	builder->raw.len += (size_t)(put_varint(at, n) - at);
}

/* Packs `raw` as it stands; the bytes go to the arena. */
static struct slice
section(struct column_builder *builder, struct arena *arena, uint8_t *codec,
    uint32_t *raw_bytes, uint32_t *crc)
{
	struct slice packed;

	check(builder->raw.len <= SECTION_BYTES);
	strbuf_clear(&builder->packed);
	*codec = (uint8_t)packer_run(builder->packer,
	    strbuf_slice(&builder->raw), &builder->packed);
	packed = arena_dup(arena, strbuf_slice(&builder->packed));
	*raw_bytes = (uint32_t)builder->raw.len;
	*crc = crc32c(0, packed);
	return packed;
}

static void
hdr_finish(const struct column_hdr *hdr, struct arena *arena,
    struct block *out)
{
	char *bytes = arena_text(arena, COLUMN_HDR);

	column_hdr_put(hdr, bytes);
	out->hdr = slice_of(bytes, COLUMN_HDR);
}

static void
put_entries(struct column_builder *builder, const struct column_sink *sink,
    uint8_t type)
{
	const struct value *value;

	strbuf_clear(&builder->raw);
	for (uint32_t i = 0; i < sink->nentries; i++)
		raw_varint(builder, sink->entries[i].uses);
	if (type == COLUMN_MIXED) {
		for (uint32_t i = 0; i < sink->nentries; i++)
			tagged_put(&builder->raw, &sink->entries[i].value);
		return;
	}
	for (uint32_t i = 0; i < sink->nentries; i++) {
		value = &sink->entries[i].value;
		if (type == VALUE_TEXT || type == VALUE_IP)
			raw_varint(builder, value->len);
		else
			raw_varint(builder, zigzag(value->u.num));
	}
	if (type != VALUE_TEXT && type != VALUE_IP)
		return;
	for (uint32_t i = 0; i < sink->nentries; i++) {
		value = &sink->entries[i].value;
		strbuf_put(&builder->raw, slice_of(value->text, value->len));
	}
}

static unsigned
code_bits(uint32_t entries)
{
	unsigned bits = 1;

	while (bits < 32 && (UINT64_C(1) << bits) < entries)
		bits *= 2;
	return bits;
}

static void
put_codes(struct column_builder *builder, const struct column_sink *sink,
    unsigned bits)
{
	uint32_t n = sink->n;
	size_t bytes = PACKED_BYTES(n, bits);
	char *out;

	strbuf_clear(&builder->raw);
	out = strbuf_room(&builder->raw, bytes);
	memset(out, 0, bytes);
	builder->raw.len = bytes;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t code = sink->codes[i];

		if (bits == 8)
			out[i] = (char)code;
		else if (bits == 16)
			put_u16(out + (size_t)i * 2, (uint16_t)code);
		else if (bits == 32)
			put_u32(out + (size_t)i * 4, code);
		else
			out[(size_t)i * bits / 8] = (char)
			    (out[(size_t)i * bits / 8] |
			    code << (i * bits) % 8);
	}
}

static void
put_dictionary(struct column_builder *builder,
    const struct column_sink *sink, struct column_hdr *hdr,
    struct arena *arena, struct block *out)
{
	hdr->kind = sink->nentries == 1 ? COLUMN_CONST : COLUMN_DICT;
	hdr->entries = sink->nentries;
	put_entries(builder, sink, hdr->type);
	out->dict = section(builder, arena, &hdr->dict_codec, &hdr->dict_raw,
	    &hdr->dict_crc);
	if (hdr->kind == COLUMN_CONST)
		return;
	hdr->packing = (uint8_t)code_bits(sink->nentries);
	put_codes(builder, sink, hdr->packing);
	out->data = section(builder, arena, &hdr->data_codec, &hdr->data_raw,
	    &hdr->data_crc);
}

/* A page: the lengths, then the bytes. The directory says where it is; its
 * codec is that of the header, or PLAIN if the two lengths are the same. */
static void
put_page(struct column_builder *builder, const struct value *values,
    uint32_t n, char *row, bool *plain)
{
	size_t before = builder->packed.len;
	enum codec codec;

	strbuf_clear(&builder->raw);
	for (uint32_t i = 0; i < n; i++)
		raw_varint(builder, values[i].len);
	for (uint32_t i = 0; i < n; i++)
		strbuf_put(&builder->raw,
		    slice_of(values[i].text, values[i].len));
	check(builder->raw.len <= SECTION_BYTES);
	codec = packer_run(builder->packer, strbuf_slice(&builder->raw),
	    &builder->packed);
	*plain = codec == CODEC_PLAIN;
	row = put_u32(row, (uint32_t)builder->raw.len);
	row = put_u32(row, (uint32_t)(builder->packed.len - before));
	put_u32(row, crc32c(0, slice_of(builder->packed.ptr + before,
	    builder->packed.len - before)));
}

static void
put_pages(struct column_builder *builder, const struct value *values,
    uint32_t n, struct column_hdr *hdr, struct arena *arena,
    struct block *out)
{
	uint32_t pages = (n + COLUMN_PAGE - 1) / COLUMN_PAGE;
	size_t dir_bytes = (size_t)pages * COLUMN_DIR;
	char *dir = arena_text(arena, dir_bytes), *data;

	hdr->kind = COLUMN_TEXT;
	hdr->entries = pages;
	hdr->data_codec = CODEC_PLAIN;
	strbuf_clear(&builder->packed);
	for (uint32_t page = 0; page < pages; page++) {
		uint32_t at = page * COLUMN_PAGE;
		bool plain;

		put_page(builder, values + at,
		    n - at < COLUMN_PAGE ? n - at : COLUMN_PAGE,
		    dir + (size_t)page * COLUMN_DIR, &plain);
		if (!plain)
			hdr->data_codec = (uint8_t)packer_codec(
			    builder->packer);
	}
	data = arena_text(arena, dir_bytes + builder->packed.len);
	memcpy(data, dir, dir_bytes);
	memcpy(data + dir_bytes, builder->packed.ptr, builder->packed.len);
	out->data = slice_of(data, dir_bytes + builder->packed.len);
	hdr->data_raw = (uint32_t)out->data.len;
	hdr->data_crc = crc32c(0, slice_of(dir, dir_bytes));
}

static void
put_bloom(const struct value *values, uint32_t n, struct column_hdr *hdr,
    struct arena *arena, struct block *out)
{
	size_t bytes = bloom_bytes(n);
	char *bits = arena_text(arena, bytes);

	memset(bits, 0, bytes);
	if (hdr->type == VALUE_IP)
		hdr->flags |= COLUMN_V4;
	for (uint32_t i = 0; i < n; i++) {
		if (hdr->type == VALUE_IP && (values[i].u.num < 0 ||
		    memchr(values[i].text, ':', values[i].len) != NULL))
			hdr->flags &= (uint8_t)~COLUMN_V4;
		if (i == 0 || !texts_same(&values[i], &values[i - 1]))
			bloom_add(bits, bytes, bloom_hash_fold(
			    slice_of(values[i].text, values[i].len)));
	}
	out->bloom = slice_of(bits, bytes);
	hdr->bloom_crc = crc32c(0, out->bloom);
}

/* --- numbers ------------------------------------------------------------- */

/* Times come in whole seconds, milli- or microseconds: the zeros need no bits.
 * Only these steps are tried; a true divisor would cost more than it saves. */
static uint64_t
common_step(const int64_t *numbers, uint32_t n, int64_t min)
{
	static const uint64_t steps[] = { 1000000000, 1000000, 1000 };

	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		uint32_t i = 0;

		while (i < n && ((uint64_t)numbers[i] - (uint64_t)min) %
		    steps[s] == 0)
			i++;
		if (i == n)
			return steps[s];
	}
	return 1;
}

static unsigned
varint_bytes(uint64_t n)
{
	return n == 0 ? 1 : (unsigned)(70 - __builtin_clzll(n)) / 7;
}

/* Differences from one to the next, or 0 if they would be longer than `limit`
 * bytes. */
static bool
delta_fits(const uint64_t *numbers, uint32_t n, size_t limit)
{
	uint64_t last = 0;
	size_t bytes = 0;

	for (uint32_t i = 0; i < n && bytes < limit; i++) {
		bytes += varint_bytes(zigzag((int64_t)(numbers[i] - last)));
		last = numbers[i];
	}
	return bytes < limit;
}

static void
put_delta(struct column_builder *builder, const uint64_t *numbers, uint32_t n)
{
	uint64_t last = 0;
	char *at;

	strbuf_clear(&builder->raw);
	at = strbuf_room(&builder->raw, (size_t)n * VARINT_BYTES);
	for (uint32_t i = 0; i < n; i++) {
		at = put_varint(at, zigzag((int64_t)(numbers[i] - last)));
		last = numbers[i];
	}
	builder->raw.len = (size_t)(at - builder->raw.ptr);
}

static uint64_t *
numbers_room(struct column_builder *builder, uint32_t n)
{
	if (n > builder->numbers_cap) {
		builder->numbers_cap = n;
		builder->numbers = xrealloc(builder->numbers,
		    n * sizeof(*builder->numbers));
	}
	return builder->numbers;
}

/* numbers[] may be builder->numbers itself. */
static void
put_int(struct column_builder *builder, const int64_t *numbers, uint32_t n,
    struct column_hdr *hdr, struct arena *arena, struct block *out)
{
	int64_t min = numbers[0], max = numbers[0];
	uint64_t *scaled, step, span;
	size_t frame;

	for (uint32_t i = 1; i < n; i++) {
		min = numbers[i] < min ? numbers[i] : min;
		max = numbers[i] > max ? numbers[i] : max;
	}
	step = common_step(numbers, n, min);
	scaled = numbers_room(builder, n);
	for (uint32_t i = 0; i < n; i++) {
		scaled[i] = (uint64_t)numbers[i] - (uint64_t)min;
		if (step > 1)
			scaled[i] /= step;
	}
	span = ((uint64_t)max - (uint64_t)min) / step;
	*hdr = (struct column_hdr){ .kind = COLUMN_INT, .type = hdr->type,
	    .count = n, .flags = COLUMN_RANGE, .min = min, .max = max,
	    .step = (int64_t)step,
	    .bits = span == 0 ? 0 : 64 - (unsigned)__builtin_clzll(span) };
	frame = PACKED_BYTES(n, hdr->bits);
	if (delta_fits(scaled, n, frame)) {
		hdr->packing = COLUMN_DELTA;
		put_delta(builder, scaled, n);
	} else {
		hdr->packing = COLUMN_FRAME;
		strbuf_clear(&builder->raw);
		bits_pack(scaled, n, hdr->bits,
		    strbuf_room(&builder->raw, frame + 8));
		builder->raw.len = frame;
	}
	out->data = section(builder, arena, &hdr->data_codec, &hdr->data_raw,
	    &hdr->data_crc);
}

void
column_build_numbers(struct column_builder *builder, const int64_t *numbers,
    uint32_t n, enum value_type type, struct arena *arena, struct block *out)
{
	struct column_hdr hdr = { .type = (uint8_t)type };

	check(n > 0 && n <= COLUMN_VALUES);
	*out = (struct block){ .hdr = { NULL, 0 } };
	put_int(builder, numbers, n, &hdr, arena, out);
	hdr_finish(&hdr, arena, out);
}

/* --- choosing ------------------------------------------------------------ */

void
column_end(struct column_builder *builder, struct column_sink *sink,
    struct arena *arena, struct block *out)
{
	struct column_hdr hdr = { .count = sink->n, .type = type_of(sink) };
	enum uniform uniform = uniform_of(hdr.type);
	const struct value *values = sink->values;
	int64_t *numbers;

	check(sink->n > 0 && sink->n <= COLUMN_VALUES &&
	    sink->filled == sink->n);
	*out = (struct block){ .hdr = { NULL, 0 } };
	if (sink->gave_up && uniform == UNIFORM_NO)
		codes_again(sink);
	if (!sink->gave_up) {
		put_dictionary(builder, sink, &hdr, arena, out);
	} else if (uniform == UNIFORM_TEXT) {
		put_pages(builder, values, sink->n, &hdr, arena, out);
		put_bloom(values, sink->n, &hdr, arena, out);
	} else {
		numbers = (int64_t *)(void *)numbers_room(builder, sink->n);
		for (uint32_t i = 0; i < sink->n; i++)
			numbers[i] = values[i].u.num;
		put_int(builder, numbers, sink->n, &hdr, arena, out);
	}
	hdr_finish(&hdr, arena, out);
}

void
column_build(struct column_builder *builder, struct value *values, uint32_t n,
    struct arena *arena, struct block *out)
{
	if (builder->alone == NULL)
		builder->alone = column_sink_new();
	if (n > builder->codes_cap) {
		builder->codes_cap = n;
		builder->codes = xrealloc(builder->codes,
		    n * sizeof(*builder->codes));
	}
	column_begin(builder->alone, values, builder->codes, n);
	for (uint32_t i = 0; i < n; i++)
		column_add(builder->alone, &values[i]);
	column_end(builder, builder->alone, arena, out);
}
