/* parsers/csvfile.h -- tables that people and programs leave in files.
 *
 * RFC 4180: quoted cells, doubled quotes, line ends of any kind also within
 * quotes. Beyond it: a byte order mark and lines that begin with '#' are
 * skipped, empty lines too; the separator is the comma, else the semicolon or
 * the tab if only that stands in the first line. Every complaint names file
 * and line; the row it is about is left out and the next one is read.
 *
 * Owner:  one thread.
 * Memory: csvfile_open gives an owned file, read whole; cells are borrowed
 *         until csvfile_close.
 */
#ifndef YAGURA_PARSERS_CSVFILE_H
#define YAGURA_PARSERS_CSVFILE_H

#include "engine/slice.h"

struct csvfile;
struct diag;

#define CSVFILE_BYTES (256u << 20)	/* larger files are refused */
#define CSVFILE_CELLS 64	/* columns of a row; more are a finding */

/* NULL with a finding if it cannot be read. */
struct csvfile *csvfile_open(const char *path, struct diag *diag);

/* The same over bytes, which are copied; `name` stands in findings. */
struct csvfile *csvfile_parse(struct slice bytes, const char *name,
    struct diag *diag);
void csvfile_close(struct csvfile *file);	/* NULL does nothing */

/* The next row: its cells without blanks around them. 0 at the end. */
size_t csvfile_next(struct csvfile *file, struct slice cells[CSVFILE_CELLS]);

const char *csvfile_name(const struct csvfile *file);
int csvfile_line(const struct csvfile *file);	/* of the row last given */

#endif
