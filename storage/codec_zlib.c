/* zlib is everywhere: a folder written with it needs no library that an old
 * system lacks.
 */
#include <zlib.h>

#include "storage/codec.h"

size_t
zlib_pack(int level, struct slice in, char *out, size_t room)
{
	uLongf n = room;

	if (compress2((Bytef *)out, &n, (const Bytef *)in.ptr, in.len,
	    level) != Z_OK)
		return 0;
	return n;
}

bool
zlib_unpack(struct slice packed, char *out, size_t raw)
{
	uLongf n = raw;
	Bytef none;

	/* zlib refuses a NULL or empty room in some versions. */
	return uncompress(raw > 0 ? (Bytef *)out : &none, &n,
	    (const Bytef *)packed.ptr, packed.len) == Z_OK && n == raw;
}
