/* storage/codec.h -- packs one section of bytes and unpacks it.
 *
 * Each section of a file carries the number of its codec. What gains nothing
 * is kept plain. The family: codec.c chooses, codec_zstd.c and codec_zlib.c
 * do; rows are in codec.def.
 *
 * Owner: a packer belongs to one thread; unpacking keeps no state.
 */
#ifndef YAGURA_STORAGE_CODEC_H
#define YAGURA_STORAGE_CODEC_H

#include "engine/slice.h"

struct packer;
struct strbuf;

enum codec {
#define CODEC(id, number, name, help) CODEC_##id = number,
#include "storage/codec.def"
#undef CODEC
};

/* No honest section is longer: a chunk has 32 MB of raw lines and one line may
 * have 16 MB more. A claim above is not believed. */
#define SECTION_BYTES ((size_t)256 << 20)

/* Packs with this codec and level (of its library; 0: default). Owned. */
struct packer *packer_new(enum codec codec, int level);
void packer_free(struct packer *packer);	/* NULL does nothing */
enum codec packer_codec(const struct packer *packer);

/* Appends the packed bytes to out and answers the codec used: PLAIN if packing
 * saves less than a sixteenth. */
enum codec packer_run(struct packer *packer, struct slice in,
    struct strbuf *out);

/* Unpacks into exactly `raw` bytes at out. False if the codec is unknown or
 * the bytes do not give exactly that many. */
bool codec_unpack(unsigned codec, struct slice packed, char *out, size_t raw);

/* Of the rows: at most `room` bytes to out, 0 if it does not fit. */
struct zstd_state;
struct zstd_state *zstd_new(int level);
void zstd_free(struct zstd_state *zstd);
size_t zstd_pack(struct zstd_state *zstd, struct slice in, char *out,
    size_t room);
bool zstd_unpack(struct slice packed, char *out, size_t raw);
size_t zlib_pack(int level, struct slice in, char *out, size_t room);
bool zlib_unpack(struct slice packed, char *out, size_t raw);

#endif
