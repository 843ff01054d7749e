/* storage/column_build.h -- values of one field become one block.
 *
 * Chooses among the kinds of column.h by looking at all values: few different
 * ones make a dictionary, many of one type TEXT or INT, and what is mixed or
 * holds lists goes into a tagged dictionary of any size.
 *
 * Owner: the thread that builds.
 */
#ifndef YAGURA_STORAGE_COLUMN_BUILD_H
#define YAGURA_STORAGE_COLUMN_BUILD_H

#include "storage/column_format.h"

struct arena;
struct packer;

/* Memory used again from column to column. */
struct column_builder;
struct column_builder *column_builder_new(struct packer *packer);
void column_builder_free(struct column_builder *builder);

/* Packs n (1 .. COLUMN_VALUES) values; the parts of *out are in the arena. The
 * values may be changed: plain numbers lose their text. */
void column_build(struct column_builder *builder, struct value *values,
    uint32_t n, struct arena *arena, struct block *out);

/* The same for bare numbers, always INT. */
void column_build_numbers(struct column_builder *builder,
    const int64_t *numbers, uint32_t n, enum value_type type,
    struct arena *arena, struct block *out);

/* The same for many columns at once, row after row: each has a sink, which is
 * begun with room for its n values and codes, and ended when it has all. */
struct column_sink;
struct column_sink *column_sink_new(void);
void column_sink_free(struct column_sink *sink);	/* NULL: nothing */
void column_begin(struct column_sink *sink, struct value *values,
    uint32_t *codes, uint32_t n);
void column_add(struct column_sink *sink, const struct value *value);
void column_end(struct column_builder *builder, struct column_sink *sink,
    struct arena *arena, struct block *out);

#endif
