#include "tools/infile.h"

#include "engine/check.h"
#include "engine/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PACKED_BYTES (256u << 10)
#define READ_BYTES (512u << 10)

enum packing { PACKING_UNKNOWN, PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct infile {
	const char *path;
	int	 fd;
	enum packing packing;
	struct stat st;
	uint64_t done;
	bool	 packed_end;	/* nothing more in the file */
	char	*packed;
	size_t	 packed_at, packed_len;
	z_stream gzip;
	bool	 gzip_open;	/* inside a member */
	ZSTD_DStream *zstd;
	size_t	 zstd_left;	/* 0: between frames */
	/* lines[at .. len) is read and not yet given */
	char	*lines;
	size_t	 at, len, cap, limit;
	bool	 end, skipping;
};

struct infile *
infile_open(const char *path, size_t line_bytes, struct err *err)
{
	struct infile *infile = xcalloc(1, sizeof(*infile));

	infile->path = path;
	infile->fd = strcmp(path, "-") == 0 ? 0 :
	    open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (infile->fd < 0 || fstat(infile->fd, &infile->st) < 0 ||
	    (S_ISDIR(infile->st.st_mode) && (errno = EISDIR) != 0)) {
		err_errno(err, ERR_IO, "%s", path);
		infile_close(infile);
		return NULL;
	}
	infile->limit = line_bytes;
	infile->cap = line_bytes + READ_BYTES;
	infile->lines = xmalloc(infile->cap);
	infile->packed = xmalloc(PACKED_BYTES);
	return infile;
}

void
infile_close(struct infile *infile)
{
	if (infile == NULL)
		return;
	if (infile->fd > 0)
		close(infile->fd);
	if (infile->packing == PACKING_GZIP)
		inflateEnd(&infile->gzip);
	ZSTD_freeDStream(infile->zstd);
	free(infile->packed);
	free(infile->lines);
	free(infile);
}

static int
damaged(const struct infile *infile, struct err *err, const char *what)
{
	return err_set(err, ERR_DAMAGED, "%s: %s after %llu bytes",
	    infile->path, what, (unsigned long long)infile->done);
}

static int
read_packed(struct infile *infile, struct err *err)
{
	ssize_t n;

	do
		n = read(infile->fd, infile->packed, PACKED_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, ERR_IO, "%s", infile->path);
	infile->packed_at = 0;
	infile->packed_len = (size_t)n;
	infile->packed_end = n == 0;
	infile->done += (uint64_t)n;
	return 0;
}

static void
find_packing(struct infile *infile)
{
	struct slice head = slice_of(infile->packed, infile->packed_len);

	infile->packing = PACKING_NONE;
	if (slice_starts(head, SLICE("\x1f\x8b")) &&
	    inflateInit2(&infile->gzip, 15 + 16) == Z_OK)
		infile->packing = PACKING_GZIP;
	if (slice_starts(head, SLICE("\x28\xb5\x2f\xfd"))) {
		infile->packing = PACKING_ZSTD;
		infile->zstd = ZSTD_createDStream();
		check(infile->zstd != NULL);
	}
}

static int
unpack_none(struct infile *infile, char *out, size_t room, size_t *made)
{
	size_t n = infile->packed_len - infile->packed_at;

	*made = n < room ? n : room;
	memcpy(out, infile->packed + infile->packed_at, *made);
	infile->packed_at += *made;
	return 0;
}

static int
unpack_gzip(struct infile *infile, char *out, size_t room, size_t *made,
    struct err *err)
{
	z_stream *gzip = &infile->gzip;
	int status;

	if (!infile->gzip_open && infile->packed_at == infile->packed_len)
		return 0;	/* between members, nothing more yet */
	if (!infile->gzip_open)
		inflateReset(gzip);
	gzip->next_in = (Bytef *)infile->packed + infile->packed_at;
	gzip->avail_in = (uInt)(infile->packed_len - infile->packed_at);
	gzip->next_out = (Bytef *)out;
	gzip->avail_out = (uInt)room;
	status = inflate(gzip, Z_NO_FLUSH);
	infile->packed_at = infile->packed_len - gzip->avail_in;
	*made = room - gzip->avail_out;
	infile->gzip_open = status != Z_STREAM_END;
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return damaged(infile, err, "not whole gzip");
	return 0;
}

static int
unpack_zstd(struct infile *infile, char *out, size_t room, size_t *made,
    struct err *err)
{
	ZSTD_inBuffer in = { infile->packed, infile->packed_len,
	    infile->packed_at };
	ZSTD_outBuffer to = { out, room, 0 };

	if (infile->zstd_left == 0 && in.pos == in.size)
		return 0;	/* between frames */
	infile->zstd_left = ZSTD_decompressStream(infile->zstd, &to, &in);
	infile->packed_at = in.pos;
	*made = to.pos;
	if (ZSTD_isError(infile->zstd_left))
		return damaged(infile, err, "not whole zstd");
	return 0;
}

/* More lines behind what there is; infile->end when there are none. */
static int
fill(struct infile *infile, struct err *err)
{
	size_t room, made = 0;
	char *out;
	int status;

	memmove(infile->lines, infile->lines + infile->at,
	    infile->len - infile->at);
	infile->len -= infile->at;
	infile->at = 0;
	if (infile->packed_at == infile->packed_len && !infile->packed_end &&
	    read_packed(infile, err) < 0)
		return -1;
	if (infile->packing == PACKING_UNKNOWN)
		find_packing(infile);
	out = infile->lines + infile->len;
	room = infile->cap - infile->len;
	status = infile->packing == PACKING_GZIP ?
	    unpack_gzip(infile, out, room, &made, err) :
	    infile->packing == PACKING_ZSTD ?
	    unpack_zstd(infile, out, room, &made, err) :
	    unpack_none(infile, out, room, &made);
	if (status < 0)
		return -1;
	infile->len += made;
	infile->end = infile->packed_end && made == 0;
	if (infile->end && (infile->gzip_open || infile->zstd_left > 0))
		return damaged(infile, err, "the file ends too early");
	return 0;
}

static bool
cut_line(struct infile *infile, struct slice *line, bool *truncated)
{
	struct slice rest = slice_of(infile->lines + infile->at,
	    infile->len - infile->at);
	ptrdiff_t feed = slice_find_byte(rest, '\n');

	if (feed < 0 && !infile->end && rest.len <= infile->limit + 1)
		return false;
	*line = slice_head(rest, feed >= 0 ? (size_t)feed : rest.len);
	infile->at += line->len + (feed >= 0 ? 1 : 0);
	if (feed >= 0 && slice_ends(*line, SLICE("\r")))
		line->len--;
	*truncated = line->len > infile->limit;
	line->len = *truncated ? infile->limit : line->len;
	if (infile->skipping)
		line->len = 0;	/* the rest of one given before */
	infile->skipping = feed < 0;
	return true;
}

int
infile_line(struct infile *infile, struct slice *line, bool *truncated,
    struct err *err)
{
	for (;;) {
		if (infile->at < infile->len &&
		    cut_line(infile, line, truncated)) {
			if (line->len > 0)
				return 1;
			continue;
		}
		if (infile->end)
			return 0;
		if (fill(infile, err) < 0)
			return -1;
	}
}

uint64_t
infile_done(const struct infile *infile)
{
	return infile->done;
}

uint64_t
infile_size(const struct infile *infile)
{
	return S_ISREG(infile->st.st_mode) ? (uint64_t)infile->st.st_size : 0;
}

int64_t
infile_mtime_ns(const struct infile *infile)
{
	return (int64_t)infile->st.st_mtim.tv_sec * 1000000000 +
	    infile->st.st_mtim.tv_nsec;
}

bool
infile_is_stdin(const struct infile *infile)
{
	return infile->fd == 0;
}
