/* tools/infile.h -- a log file, plain, .gz or .zst, or standard input.
 *
 * What it is is told by its first bytes, not by its name. Lines come out
 * without LF or CRLF; a longer one than the limit is cut, marked, and the next
 * one is intact.
 *
 * Memory: owned; a line is borrowed until the next call.
 */
#ifndef YAGURA_TOOLS_INFILE_H
#define YAGURA_TOOLS_INFILE_H

#include "engine/slice.h"

struct err;
struct infile;

/* "-" is standard input. NULL and *err if it cannot be opened. */
struct infile *infile_open(const char *path, size_t line_bytes,
    struct err *err);
void infile_close(struct infile *infile);	/* NULL does nothing */

/* 1: a line, not empty; 0: the end; -1 and *err: it cannot be read on. */
int infile_line(struct infile *infile, struct slice *line, bool *truncated,
    struct err *err);

/* Bytes read of the file as it lies on disk, and its size; 0 if unknown. */
uint64_t infile_done(const struct infile *infile);
uint64_t infile_size(const struct infile *infile);

int64_t infile_mtime_ns(const struct infile *infile);
bool infile_is_stdin(const struct infile *infile);

#endif
