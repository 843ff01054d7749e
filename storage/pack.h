/* storage/pack.h -- numbers as bytes of files: little-endian and varint.
 *
 * A varint is unsigned LEB128: seven bits a byte, the least first, the top bit
 * says that more follow; signed numbers are zigzag-coded before. A reader
 * moves forward and remembers that it ran out: one question at the end
 * instead of one at every number. After that it gives zeros.
 */
#ifndef YAGURA_STORAGE_PACK_H
#define YAGURA_STORAGE_PACK_H

#include "engine/slice.h"

#define VARINT_BYTES 10		/* of 64 bits at most */

static inline uint64_t
zigzag(int64_t n)
{
	return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static inline int64_t
unzigzag(uint64_t n)
{
	return (int64_t)(n >> 1 ^ (0 - (n & 1)));
}

/* Writers put at `out`, which has room, and answer what is behind. */
static inline char *
put_u16(char *out, uint16_t n)
{
	out[0] = (char)n;
	out[1] = (char)(n >> 8);
	return out + 2;
}

static inline char *
put_u32(char *out, uint32_t n)
{
	out = put_u16(out, (uint16_t)n);
	return put_u16(out, (uint16_t)(n >> 16));
}

static inline char *
put_u64(char *out, uint64_t n)
{
	out = put_u32(out, (uint32_t)n);
	return put_u32(out, (uint32_t)(n >> 32));
}

static inline char *
put_varint(char *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		*out++ = (char)(n | 0x80);
	*out++ = (char)n;
	return out;
}

static inline uint16_t
get_u16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] | (uint16_t)(uint8_t)p[1] << 8);
}

static inline uint32_t
get_u32(const char *p)
{
	return get_u16(p) | (uint32_t)get_u16(p + 2) << 16;
}

static inline uint64_t
get_u64(const char *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

/* memcmp(a, b, n) == 0, for texts of a few bytes: most are. */
static inline bool
bytes_same(const char *a, const char *b, size_t n)
{
	uint64_t one, two;
	uint32_t left, right;

	if (n > 16)
		return memcmp(a, b, n) == 0;
	if (n >= 8) {
		memcpy(&one, a, 8);
		memcpy(&two, b, 8);
		if (one != two)
			return false;
		memcpy(&one, a + n - 8, 8);
		memcpy(&two, b + n - 8, 8);
		return one == two;
	}
	if (n >= 4) {
		memcpy(&left, a, 4);
		memcpy(&right, b, 4);
		if (left != right)
			return false;
		memcpy(&left, a + n - 4, 4);
		memcpy(&right, b + n - 4, 4);
		return left == right;
	}
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

struct reader {
	const char *at, *end;
	bool	 bad;		/* ran out, or a number was too long */
};

static inline struct reader
reader_of(struct slice s)
{
	return (struct reader){ s.ptr, s.ptr + s.len, false };
}

static inline size_t
reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static inline uint64_t
read_varint_slowly(struct reader *r)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		uint8_t byte = (uint8_t)*r->at++;

		if (shift == 63 && byte > 1)
			break;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
	r->bad = true;
	r->at = r->end;
	return 0;
}

static inline uint64_t
read_varint(struct reader *r)
{
	if (r->at < r->end && (uint8_t)*r->at < 0x80)
		return (uint8_t)*r->at++;
	return read_varint_slowly(r);
}

/* A varint that says how many things follow, each of `least` bytes or more:
 * what cannot be there is not believed. */
static inline size_t
read_count(struct reader *r, size_t least)
{
	uint64_t n = read_varint(r);

	if (n > reader_left(r) / least) {
		r->bad = true;
		r->at = r->end;
		return 0;
	}
	return (size_t)n;
}

static inline struct slice
read_bytes(struct reader *r, uint64_t n)
{
	struct slice s;

	if (n > reader_left(r)) {
		r->bad = true;
		r->at = r->end;
		return slice_of("", 0);
	}
	s = slice_of(r->at, (size_t)n);
	r->at += n;
	return s;
}

static inline uint8_t
read_u8(struct reader *r)
{
	if (r->at == r->end) {
		r->bad = true;
		return 0;
	}
	return (uint8_t)*r->at++;
}

static inline uint64_t
read_u64(struct reader *r)
{
	struct slice s = read_bytes(r, 8);

	return s.len == 8 ? get_u64(s.ptr) : 0;
}

#endif
