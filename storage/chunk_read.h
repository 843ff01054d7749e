/* storage/chunk_read.h -- the raw lines of a chunk before they are rebuilt.
 *
 * A chunk of format 2 keeps no line whole: template t covers the rows of shape
 * t (see chunk_shapes: the two run side by side), and a line is the template's
 * parts one after the other. What a line cannot hold is seen on templates,
 * dictionaries and pages of variables, without putting one together.
 *
 * In a chunk of format 1 every template is one PART_REST: it may hold
 * anything, and all below works.
 *
 * Owner:  the thread of the chunk.
 * Memory: all is borrowed until chunk_close, but for texts of chunk_raw_put.
 */
#ifndef YAGURA_STORAGE_CHUNK_READ_H
#define YAGURA_STORAGE_CHUNK_READ_H

#include <sys/types.h>

#include "storage/chunk.h"
#include "storage/line_template.h"

struct strbuf;

/* One part of template t, in the order of the line. */
struct chunk_part {
	enum part_kind kind;
	enum part_how how;	/* FIELD: how the line writes it */
	struct slice text;	/* TEXT: the literal */
	field_t	 field;		/* FIELD; FIELD_NONE: of no name here */
};

/* The parts of template t < number of shapes; their number, or -1 and *err
 * (ERR_DAMAGED). Reads one small block when first asked for. */
ssize_t chunk_template(struct chunk *chunk, size_t t,
    const struct chunk_part **parts, struct err *err);

/* False in format 1. */
bool chunk_has_templates(const struct chunk *chunk);

/* What a template says about a text that is searched for in raw lines. */
enum chunk_may {
	CHUNK_NEVER,	/* in no row of it */
	CHUNK_MAYBE,	/* rows must be looked at */
	CHUNK_ALWAYS,	/* within its literal text: in every row */
	CHUNK_BROKEN	/* *err */
};

/* Can a line of template t hold the text? `folded` is in ASCII lower case and
 * case does not count. Literal text is compared; fields that stand in the line
 * are asked by their dictionary, times and words by what they can be made of;
 * no page of variables is read. */
enum chunk_may chunk_template_may(struct chunk *chunk, size_t t,
    struct slice folded, struct err *err);

/* Appends the raw line of a row: reads its page of variables and the columns
 * of the fields that stand in it, nothing else. False and *err. */
bool chunk_raw_put(struct chunk *chunk, uint32_t row, struct strbuf *line,
    struct err *err);

/* Is the field's column one of its own? A field that only repeats another, or
 * is a stretch of the line (`message`), has none: chunk_column makes one up
 * from what it comes from, as DICT if that has dictionaries, else as TEXT
 * without bloom, whose values cost as much as their raw lines. */
bool chunk_is_stored(const struct chunk *chunk, field_t field);

#endif
