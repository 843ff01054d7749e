#include "storage/column_format.h"

#include "engine/arena.h"
#include "engine/hash.h"
#include "engine/strbuf.h"
#include "storage/column.h"
#include "storage/pack.h"

#define TAG_TEXT 0x80	/* beside the type: a number's own text follows */

void
column_hdr_put(const struct column_hdr *hdr, char out[COLUMN_HDR])
{
	char *p = out;

	*p++ = COLUMN_FORMAT;
	*p++ = (char)hdr->kind;
	*p++ = (char)hdr->type;
	*p++ = (char)hdr->packing;
	*p++ = (char)hdr->flags;
	*p++ = (char)hdr->dict_codec;
	*p++ = (char)hdr->data_codec;
	*p++ = 0;
	p = put_u32(p, hdr->count);
	p = put_u32(p, hdr->entries);
	p = put_u32(p, hdr->dict_raw);
	p = put_u32(p, hdr->dict_crc);
	p = put_u32(p, hdr->data_raw);
	p = put_u32(p, hdr->data_crc);
	p = put_u32(p, hdr->bloom_crc);
	p = put_u32(p, hdr->bits);
	p = put_u64(p, (uint64_t)hdr->min);
	p = put_u64(p, (uint64_t)hdr->max);
	p = put_u64(p, (uint64_t)hdr->step);
	put_u32(p, crc32c(0, slice_of(out, COLUMN_HDR - 4)));
}

bool
column_hdr_get(struct slice bytes, struct column_hdr *hdr)
{
	const char *p = bytes.ptr;

	if (bytes.len != COLUMN_HDR || p[0] != COLUMN_FORMAT ||
	    get_u32(p + 64) != crc32c(0, slice_of(p, COLUMN_HDR - 4)))
		return false;
	*hdr = (struct column_hdr){
		.kind = (uint8_t)p[1], .type = (uint8_t)p[2],
		.packing = (uint8_t)p[3], .flags = (uint8_t)p[4],
		.dict_codec = (uint8_t)p[5], .data_codec = (uint8_t)p[6],
		.count = get_u32(p + 8), .entries = get_u32(p + 12),
		.dict_raw = get_u32(p + 16), .dict_crc = get_u32(p + 20),
		.data_raw = get_u32(p + 24), .data_crc = get_u32(p + 28),
		.bloom_crc = get_u32(p + 32), .bits = get_u32(p + 36),
		.min = (int64_t)get_u64(p + 40),
		.max = (int64_t)get_u64(p + 48),
		.step = (int64_t)get_u64(p + 56),
	};
	return hdr->kind <= COLUMN_TEXT && hdr->count <= COLUMN_VALUES &&
	    hdr->count > 0;
}

bool
value_is_plain(const struct value *value)
{
	const char *p = value->text;
	uint32_t n = value->len;
	uint64_t number = 0;
	bool minus = n > 1 && p[0] == '-';

	if (value->type != VALUE_LONG)
		return false;
	if (minus) {
		p++;
		n--;
	}
	if (n == 0 || n > 18 || (p[0] == '0' && (n > 1 || minus)))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)(uint8_t)p[i] - '0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	return (minus ? -(int64_t)number : (int64_t)number) == value->u.num;
}

static void
put_text(struct strbuf *out, const struct value *value)
{
	char *at = strbuf_room(out, VARINT_BYTES + value->len);
	char *end = put_varint(at, value->len);

	if (value->len > 0)
		memcpy(end, value->text, value->len);
	out->len += (size_t)(end - at) + value->len;
}

static void
put_number(struct strbuf *out, uint64_t n)
{
	char *at = strbuf_room(out, VARINT_BYTES);

	out->len += (size_t)(put_varint(at, n) - at);
}

static void
scalar_put(struct strbuf *out, const struct value *value)
{
	bool text = value->text != NULL && !value_is_plain(value);

	switch (value->type) {
	case VALUE_TEXT:
	case VALUE_IP:
		strbuf_putc(out, (char)value->type);
		put_text(out, value);
		return;
	case VALUE_LONG:
	case VALUE_TIME:
	case VALUE_BOOL:
		strbuf_putc(out, (char)(value->type | (text ? TAG_TEXT : 0)));
		put_number(out, zigzag(value->u.num));
		break;
	case VALUE_DOUBLE:
		strbuf_putc(out, (char)(value->type | (text ? TAG_TEXT : 0)));
		put_u64(strbuf_room(out, 8), (uint64_t)value->u.num);
		out->len += 8;
		break;
	default:
		strbuf_putc(out, VALUE_NULL);
		return;
	}
	if (text)
		put_text(out, value);
}

void
tagged_put(struct strbuf *out, const struct value *value)
{
	if (value->type != VALUE_LIST) {
		scalar_put(out, value);
		return;
	}
	strbuf_putc(out, VALUE_LIST);
	put_number(out, value->len);
	for (uint32_t i = 0; i < value->len; i++)
		scalar_put(out, &value->u.items[i]);
}

static void
scalar_get(struct reader *r, unsigned tag, struct value *out)
{
	struct slice text;

	*out = (struct value){ .type = VALUE_NULL,
	    .transform = TRANSFORM_OWNED };
	switch (tag & ~(unsigned)TAG_TEXT) {
	case VALUE_NULL:
		return;
	case VALUE_TEXT:
	case VALUE_IP:
		text = read_bytes(r, read_varint(r));
		value_parse(text, TRANSFORM_OWNED, tag & 0x7f, out);
		return;
	case VALUE_LONG:
	case VALUE_TIME:
	case VALUE_BOOL:
		out->type = (uint8_t)(tag & 0x7f);
		out->u.num = unzigzag(read_varint(r));
		break;
	case VALUE_DOUBLE:
		out->type = VALUE_DOUBLE;
		out->u.num = (int64_t)read_u64(r);
		break;
	default:
		r->bad = true;
		return;
	}
	if ((tag & TAG_TEXT) != 0) {
		text = read_bytes(r, read_varint(r));
		out->text = text.ptr;
		out->len = (uint32_t)text.len;
	}
}

void
tagged_get(struct reader *r, struct arena *arena, struct value *out)
{
	unsigned tag = read_u8(r);
	struct value *items;
	size_t n;

	if (tag != VALUE_LIST) {
		scalar_get(r, tag, out);
		return;
	}
	n = read_count(r, 1);
	items = arena_alloc(arena, n * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		scalar_get(r, read_u8(r), &items[i]);
	*out = value_list(items, n);
}

/* Whole bytes are the common case: our writer takes 8, 16 or 32 bits for codes
 * past four, because they pack better behind. */
void
bits_pack(const uint64_t *numbers, size_t n, unsigned bits, char *out)
{
	uint64_t held = 0;
	unsigned nheld = 0;

	for (size_t i = 0; i < n && bits > 0; i++) {
		uint64_t number = numbers[i];

		held |= number << nheld;
		if (nheld + bits >= 64) {
			out = put_u64(out, held);
			held = nheld > 0 ? number >> (64 - nheld) : 0;
			nheld = nheld + bits - 64;
		} else {
			nheld += bits;
		}
	}
	for (; nheld > 0; nheld = nheld > 8 ? nheld - 8 : 0, held >>= 8)
		*out++ = (char)held;
}

static uint64_t
bits_at(const char *in, size_t bytes, size_t bit, unsigned bits)
{
	size_t at = bit / 8;
	unsigned shift = bit % 8;
	uint64_t low = 0, mask = bits < 64 ? (UINT64_C(1) << bits) - 1
	    : UINT64_MAX;

	if (at + 8 <= bytes) {
		low = get_u64(in + at);
	} else {
		for (size_t i = at; i < bytes; i++)
			low |= (uint64_t)(uint8_t)in[i] << 8 * (i - at);
	}
	low >>= shift;
	if (shift + bits > 64)
		low |= (uint64_t)(uint8_t)in[at + 8] << (64 - shift);
	return low & mask;
}

void
bits_unpack(const char *in, size_t n, unsigned bits, uint64_t *numbers)
{
	size_t bytes = PACKED_BYTES(n, bits);

	if (bits == 0) {
		memset(numbers, 0, n * sizeof(*numbers));
		return;
	}
	for (size_t i = 0; i < n; i++)
		numbers[i] = bits_at(in, bytes, i * bits, bits);
}
