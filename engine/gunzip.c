#include "engine/gunzip.h"

#include "engine/strbuf.h"

#include <limits.h>
#include <zlib.h>

#define STEP_BYTES (64u << 10)
#define GZIP_WINDOW (15 + 16)	/* gzip header wanted, largest window */

static bool
too_large(size_t packed, size_t unpacked, size_t limit)
{
	return unpacked > limit || (unpacked > GUNZIP_FREE &&
	    unpacked / GUNZIP_RATIO > packed);
}

/* One member; *out grows and stream->next_in moves on. */
static enum gunzip_answer
member(z_stream *stream, size_t packed, size_t limit, struct strbuf *out)
{
	int status = Z_OK;

	while (status != Z_STREAM_END) {
		uInt before;

		stream->next_out = (Bytef *)strbuf_room(out, STEP_BYTES);
		stream->avail_out = STEP_BYTES;
		before = stream->avail_in;
		status = inflate(stream, Z_NO_FLUSH);
		out->len += STEP_BYTES - stream->avail_out;
		if (too_large(packed, out->len, limit))
			return GUNZIP_LARGE;
		if (status != Z_OK && status != Z_STREAM_END)
			return GUNZIP_DAMAGED;
		if (status == Z_OK && stream->avail_in == before &&
		    stream->avail_out == STEP_BYTES)
			return GUNZIP_DAMAGED;	/* it ends too early */
	}
	return GUNZIP_DONE;
}

enum gunzip_answer
gunzip(struct slice packed, size_t limit, struct strbuf *out)
{
	union { const char *in; Bytef *out; } bytes = { .in = packed.ptr };
	enum gunzip_answer answer = GUNZIP_DONE;
	z_stream stream = { 0 };

	if (packed.len > UINT_MAX)
		return GUNZIP_LARGE;
	if (packed.len == 0 || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return GUNZIP_DAMAGED;
	stream.next_in = bytes.out;
	stream.avail_in = (uInt)packed.len;
	while (answer == GUNZIP_DONE && stream.avail_in > 0) {
		inflateReset(&stream);
		answer = member(&stream, packed.len, limit, out);
	}
	inflateEnd(&stream);
	out->ptr[out->len] = '\0';
	return answer;
}
