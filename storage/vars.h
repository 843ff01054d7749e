/* storage/vars.h -- the variables of CHUNK_PAGE raw lines, column by column.
 *
 * Rows of a page that follow each other with one template are a run; a run has
 * a column for each variable of its template. What is digits is packed as
 * numbers, hexadecimal digits as half bytes, the rest as text; numbers and
 * texts are packed apart, because they compress apart. yagura-chunk(5) draws
 * the bytes.
 *
 * Owner: one thread.
 */
#ifndef YAGURA_STORAGE_VARS_H
#define YAGURA_STORAGE_VARS_H

#include "engine/strbuf.h"
#include "storage/line_template.h"

struct arena;
struct reader;

/* A row of a run: its line, and its variables. */
struct var_row {
	const char *raw;
	const union var *vars;
};

/* Appends the columns of a run; sets WORD_ bits in classes[] by what
 * is in each variable. `scratch` is reused. */
struct vars_packer {
	struct strbuf numbers, texts;
	uint64_t *scratch;
	size_t	 scratch_cap;
};
void vars_packer_init(struct vars_packer *packer);
void vars_packer_fini(struct vars_packer *packer);
void vars_put(struct vars_packer *packer, const struct line_template *template,
    const struct var_row *rows, uint32_t n, uint8_t *classes);

/* One column, read. */
struct var_column {
	uint8_t	 kind, width;	/* width: digits of each value, or 0 */
	uint32_t n;
	struct slice prefix;	/* before each text */
	const uint64_t *numbers;
	const struct slice *texts;
	struct slice packed;	/* half bytes */
};

/* Reads the columns of a run of n rows; false if the bytes do not fit. */
bool vars_get(struct reader *numbers, struct reader *texts,
    const struct line_template *template, uint32_t n, struct arena *arena,
    struct var_column *columns);

/* Value i as text, appended; as the distance of a time. */
void var_put_text(const struct var_column *column, uint32_t i,
    struct strbuf *line);

/* A number in decimal, with zeros before it up to `width` (18 at most). */
void decimal_put(struct strbuf *line, uint64_t number, unsigned width);

int64_t var_away(const struct var_column *column, uint32_t i);

#endif
