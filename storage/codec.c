#include "storage/codec.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/strbuf.h"

#define ZLIB_LEVEL 4
#define WORTH_BYTES 64	/* shorter sections stay plain */

struct packer {
	enum codec codec;
	int	 level;
	struct zstd_state *zstd;
};

struct packer *
packer_new(enum codec codec, int level)
{
	struct packer *packer = xcalloc(1, sizeof(*packer));

	packer->codec = codec;
	packer->level = level != 0 ? level : ZLIB_LEVEL;
	if (codec == CODEC_ZSTD)
		packer->zstd = zstd_new(level);
	return packer;
}

void
packer_free(struct packer *packer)
{
	if (packer == NULL)
		return;
	zstd_free(packer->zstd);
	free(packer);
}

enum codec
packer_codec(const struct packer *packer)
{
	return packer->codec;
}

enum codec
packer_run(struct packer *packer, struct slice in, struct strbuf *out)
{
	size_t room = in.len - in.len / 16, n = 0;

	if (in.len < WORTH_BYTES || packer->codec == CODEC_PLAIN) {
		strbuf_put(out, in);
		return CODEC_PLAIN;
	}
	if (packer->codec == CODEC_ZSTD)
		n = zstd_pack(packer->zstd, in, strbuf_room(out, room), room);
	else
		n = zlib_pack(packer->level, in, strbuf_room(out, room), room);
	if (n == 0) {
		strbuf_put(out, in);
		return CODEC_PLAIN;
	}
	out->len += n;
	return packer->codec;
}

bool
codec_unpack(unsigned codec, struct slice packed, char *out, size_t raw)
{
	switch (codec) {
	case CODEC_PLAIN:
		if (packed.len != raw)
			return false;
		if (raw > 0)
			memcpy(out, packed.ptr, raw);
		return true;
	case CODEC_ZSTD:
		return zstd_unpack(packed, out, raw);
	case CODEC_ZLIB:
		return zlib_unpack(packed, out, raw);
	default:
		return false;
	}
}
