/* storage/chunk_private.h -- an open chunk, for the files that read it.
 *
 * Owner: the thread of the chunk.
 */
#ifndef YAGURA_STORAGE_CHUNK_PRIVATE_H
#define YAGURA_STORAGE_CHUNK_PRIVATE_H

#include "storage/chunk_read.h"
#include "storage/chunk_source.h"
#include "storage/vars.h"

struct field_of_chunk {
	field_t	 field;		/* FIELD_NONE: of no name in this process */
	uint16_t id;
	bool	 tried;		/* opened, or found to be unreadable */
	uint32_t values;	/* rows that have it */
	uint32_t stored;	/* of them, in its own column */
	struct column *column, *head;	/* its own */
	struct column *view;	/* over what it comes from; see column_view */
};

/* Where a template finds the value of a row: `column`'s value base + row of
 * the template. */
struct value_place {
	struct field_of_chunk *field;
	uint32_t base;
};

/* A field of a template that has no column of its own there. */
struct origin_read {
	struct field_of_chunk *field;
	struct origin origin;
	struct value_place twin;	/* ROLE_SAME */
};

struct template_read {
	struct line_template template;	/* FIELD: value is a row of places */
	struct value_place *places;
	struct origin_read *origins;
	size_t	 norigins;
	struct chunk_part *parts;	/* for others */
};

/* Rows of a page that follow each other with one template. */
struct page_run {
	uint32_t row0, rows;
	size_t	 t;
	struct var_column *columns;
};

struct raw_page {
	struct page_run *runs;	/* NULL until read */
	size_t	 nruns;
	const char *bytes;	/* all lines, NULL until put together */
	uint32_t *offsets;
};

/* The fields of a shape by their ids, those of no name too. */
struct shape_ids {
	uint16_t n;
	const uint16_t *ids;		/* rising */
	const uint32_t *stored0;	/* of row0 in the field's own column,
					 * or NOT_STORED */
};

struct chunk {
	struct chunk_source source;
	struct arena *arena;
	unsigned format;	/* 1 or 2 */
	uint32_t n;
	uint64_t seq0, seq1;
	struct shape *shapes;
	struct shape_ids *shape_ids;
	size_t	 nshapes;
	struct field_of_chunk *fields;	/* rising by field */
	size_t	 nfields;
	uint16_t *at_id;	/* [CHUNK_FIELDS] 1 + place in fields */
	struct field_of_chunk members[MEMBERS];
	struct raw_page *pages;
	struct template_read *templates;	/* [nshapes], NULL until read */
	bool	 templates_bad;
	struct strbuf line;	/* scratch */
};

#define NOT_STORED UINT32_MAX
#define PAGE_TEMPLATES 0xffffu	/* the page with the templates */

int chunk_damaged(struct chunk *chunk, struct err *err, const char *what);

/* The column in which the field's own values are. */
struct column *chunk_own_column(struct chunk *chunk,
    struct field_of_chunk *field, struct err *err);

/* The column that a field shows where not all its values are in its own. */
struct column *chunk_view(struct chunk *chunk, struct field_of_chunk *field,
    struct err *err);

/* The templates, read when first asked for. */
bool chunk_templates(struct chunk *chunk, struct err *err);

/* Page k with the variables of its runs (format 2); no line is put together. */
const struct raw_page *chunk_runs(struct chunk *chunk, uint32_t k,
    struct err *err);

/* Parts `from` to `to` of the line of a row of template t, appended; begins[i]
 * is where part i begins in what was appended. */
bool chunk_parts_put(struct chunk *chunk, size_t t, uint32_t row,
    unsigned from, unsigned to, struct strbuf *line, uint32_t *begins,
    struct err *err);

/* The shape, and template, of a row. */
size_t chunk_shape_at(const struct chunk *chunk, uint32_t row);

/* The value of a field from its origin, in the chunk's arena. */
bool chunk_origin_value(struct chunk *chunk, size_t t,
    const struct origin_read *origin, uint32_t row, struct value *out,
    struct err *err);

/* What a part that is no literal can be made of; c in lower case. */
bool chunk_part_can_hold(const struct part *part, char c);

/* Unpacks a box; see chunk_source.h. */
bool box_get(struct slice box, uint16_t n, struct arena *arena,
    struct slice *raw);

#endif
