/* storage/chunk.h -- the events of many batches, turned on their side.
 *
 * Column by column a search reads only what it asks about. Rows are ordered
 * by shape (the set of fields an event has, in the order of their templates),
 * then by time: every shape is one run of rows, so the place of a row's value
 * in a column is an addition, and there are no null maps. yagura-chunk(5)
 * draws the bytes.
 *
 * Owner:  one thread for an open chunk (columns load lazily).
 * Memory: chunk_open gives an owned chunk; all it hands out is borrowed until
 *         chunk_close.
 */
#ifndef YAGURA_STORAGE_CHUNK_H
#define YAGURA_STORAGE_CHUNK_H

#include "engine/field.h"
#include "engine/slice.h"
#include "engine/value.h"

struct arena;
struct chunk;
struct column;
struct err;
struct event;

/* Rows of `rows` events from `row0` on that have the same fields. */
struct shape {
	uint32_t row0, rows;
	uint16_t n;		/* fields */
	const field_t *fields;	/* rising */
	const uint32_t *value0;	/* [n] index of row0's value in its column */
};

void chunk_close(struct chunk *chunk);	/* NULL does nothing */
uint32_t chunk_rows(const struct chunk *chunk);
size_t chunk_shapes(const struct chunk *chunk, const struct shape **shapes);

/* The columns of the struct's members, one value for every row. */
const int64_t *chunk_times(struct chunk *chunk, struct err *err);
const int64_t *chunk_ingested(struct chunk *chunk, struct err *err);
const uint64_t *chunk_seqs(struct chunk *chunk, struct err *err);

/* Category, product and service of every row as one text, a TAB between; a
 * value of another type: none. NULL and *err. */
const struct column *chunk_logsources(struct chunk *chunk, struct err *err);

/* The column of a field, or NULL: no row has it (err untouched) or it cannot
 * be read (err set). Header and dictionary are read, codes and numbers when
 * first asked for. */
const struct column *chunk_column(struct chunk *chunk, field_t field,
    struct err *err);

/* As chunk_column, but only the header is read: enough for column_kind, _type,
 * _count, _range and _may_hold, and for nothing else. */
const struct column *chunk_column_head(struct chunk *chunk, field_t field,
    struct err *err);

/* How many values the field's column has: rows that have the field. Reads
 * nothing. */
uint32_t chunk_values(const struct chunk *chunk, field_t field);

/* Index of the row's value in the field's column, or -1. */
int64_t chunk_value_index(const struct chunk *chunk, field_t field,
    uint32_t row);

/* The raw line; reads only the page that holds it. */
bool chunk_raw(struct chunk *chunk, uint32_t row, struct slice *out,
    struct err *err);

/* All raw lines of a page of CHUNK_PAGE rows one after the other: page k holds
 * rows k * CHUNK_PAGE and on; offsets[i] .. offsets[i + 1] is row i of it. */
#define CHUNK_PAGE 2048
bool chunk_raw_page(struct chunk *chunk, uint32_t page, const char **bytes,
    const uint32_t **offsets, uint32_t *rows, struct err *err);

/* The whole event, sealed, in the arena. */
bool chunk_event(struct chunk *chunk, uint32_t row, struct arena *arena,
    struct event *out, struct err *err);

#endif
