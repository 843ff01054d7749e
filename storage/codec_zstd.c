/* One frame with its size in the header, no checksum of its own: a section has
 * a crc32c already.
 */
#include <stdlib.h>
#include <zstd.h>

#include "engine/check.h"
#include "storage/codec.h"

/* The library's level 1 unpacks fast and leaves little to gain: level 3 costs
 * half as much again for a twentieth of the bytes. */
#define ZSTD_LEVEL 1

struct zstd_state {
	ZSTD_CCtx *context;
};

struct zstd_state *
zstd_new(int level)
{
	struct zstd_state *zstd = xcalloc(1, sizeof(*zstd));

	zstd->context = ZSTD_createCCtx();
	check(zstd->context != NULL);
	ZSTD_CCtx_setParameter(zstd->context, ZSTD_c_compressionLevel,
	    level != 0 ? level : ZSTD_LEVEL);
	return zstd;
}

void
zstd_free(struct zstd_state *zstd)
{
	if (zstd == NULL)
		return;
	ZSTD_freeCCtx(zstd->context);
	free(zstd);
}

size_t
zstd_pack(struct zstd_state *zstd, struct slice in, char *out, size_t room)
{
	size_t n = ZSTD_compress2(zstd->context, out, room, in.ptr, in.len);

	return ZSTD_isError(n) ? 0 : n;
}

bool
zstd_unpack(struct slice packed, char *out, size_t raw)
{
	return ZSTD_decompress(out, raw, packed.ptr, packed.len) == raw;
}
