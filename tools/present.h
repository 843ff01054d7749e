/* tools/present.h -- rows for people and for programs.
 *
 *	table	columns that fit their content; events as time, source, line
 *	json	NDJSON: one object a row, keys in column order, nothing after
 *	csv	RFC 4180; text that a spreadsheet would take for a formula
 *		gets an apostrophe in front
 *	raw	the lines themselves: exact bytes and LF, escaped on a terminal
 *
 * Event text never reaches a terminal as it is: control characters, bytes
 * that are not UTF-8 and characters that change the direction of writing
 * become \xNN and \u{NNNN}.
 *
 * Memory: owned until present_end, which prints what waits and frees.
 */
#ifndef YAGURA_TOOLS_PRESENT_H
#define YAGURA_TOOLS_PRESENT_H

#include <stdio.h>

#include "engine/slice.h"
#include "storage/op.h"

struct present;
struct strbuf;
struct value;

enum present_format { PRESENT_TABLE, PRESENT_JSON, PRESENT_CSV, PRESENT_RAW };

/* False if it is none of table json csv raw. */
bool present_format(const char *name, enum present_format *out);

/* The schema is borrowed until present_end. */
struct present *present_new(FILE *out, enum present_format format,
    const struct schema *schema);

/* False if the output is gone: then stop. */
bool present_row(struct present *present, const struct row *row);

/* Shows what waits for widths; later rows take the widths of these. */
void present_flush(struct present *present);

/* Rows printed. */
uint64_t present_end(struct present *present);

/* Text as it may be shown: see above. */
void present_text(struct strbuf *buf, struct slice text);

/* The columns a text takes on a terminal. */
size_t present_width(struct slice text);

/* At most `width` columns of it, "…" at the end if something is missing. */
void present_fit(struct strbuf *buf, struct slice text, size_t width);

/* Any value as text for people; lists with commas. */
void present_value(struct strbuf *buf, const struct value *value);

/* Is the output a terminal? Are colours welcome on it (NO_COLOR)? Its
 * columns, or 0 if it is none. */
bool present_is_terminal(FILE *out);
bool present_has_colour(FILE *out);
size_t present_columns(FILE *out);

#endif
