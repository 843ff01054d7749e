/* storage/column_format.h -- the bytes of a column, for those who write and
 * read them; yagura-chunk(5) specifies them.
 *
 *	hdr, 68 bytes:
 *	 0 u8  format, 1		20 u32 dict crc32c
 *	 1 u8  kind			24 u32 data bytes unpacked
 *	 2 u8  type, or MIXED		28 u32 data crc32c
 *	 3 u8  packing			32 u32 bloom crc32c
 *	 4 u8  flags			36 u32 bits a number (FRAME)
 *	 5 u8  codec of dict		40 i64 least
 *	 6 u8  codec of data		48 i64 greatest
 *	 7 u8  0			56 i64 step
 *	 8 u32 values			64 u32 crc32c of bytes 0..63
 *	12 u32 entries, or pages
 *	16 u32 dict bytes unpacked
 */
#ifndef YAGURA_STORAGE_COLUMN_FORMAT_H
#define YAGURA_STORAGE_COLUMN_FORMAT_H

#include "engine/slice.h"
#include "engine/value.h"

struct arena;
struct strbuf;

#define COLUMN_FORMAT 1
#define COLUMN_HDR 68
#define COLUMN_MIXED 255	/* type: entries are tagged */
#define COLUMN_RANGE 1		/* flag: least and greatest are valid */
#define COLUMN_V4 2		/* flag: every address is a dotted IPv4 one */
#define COLUMN_PAGE 2048	/* values of a page of TEXT */
#define COLUMN_DIR 12		/* bytes of a page's row in the directory */
#define COLUMN_VALUES (1u << 20)	/* a chunk has 65,536 rows */

enum column_packing { COLUMN_FRAME, COLUMN_DELTA };

/* hdr, taken apart. */
struct column_hdr {
	uint8_t	 kind, type, packing, flags, dict_codec, data_codec;
	uint32_t count, entries;
	uint32_t dict_raw, dict_crc, data_raw, data_crc, bloom_crc;
	uint32_t bits;
	int64_t	 min, max, step;
};

void column_hdr_put(const struct column_hdr *hdr, char out[COLUMN_HDR]);

/* False if the bytes are no header that this version reads. */
bool column_hdr_get(struct slice bytes, struct column_hdr *hdr);

/* The four parts of a block, as they stand in the file. */
struct block {
	struct slice hdr, bloom, dict, data;
};

/* One value with its type before it, and back. A number that is the plain
 * decimal of itself loses its text, which reads the same. */
struct reader;
void tagged_put(struct strbuf *out, const struct value *value);
void tagged_get(struct reader *r, struct arena *arena, struct value *out);

/* Is the text of a LONG nothing but the number in decimal? */
bool value_is_plain(const struct value *value);

/* `n` numbers of `bits` bits each, the first in the lowest bits of the first
 * byte. bits: 0..64. */
#define PACKED_BYTES(n, bits) (((size_t)(n) * (bits) + 7) / 8)
void bits_pack(const uint64_t *numbers, size_t n, unsigned bits, char *out);
void bits_unpack(const char *in, size_t n, unsigned bits, uint64_t *numbers);

#endif
