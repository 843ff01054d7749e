/* storage/chunk_order.h -- which template each event has, and the order of rows.
 *
 * Templates are found once and kept from chunk to chunk, as long as there are
 * not too many.
 *
 * Owner: the thread that builds.
 */
#ifndef YAGURA_STORAGE_CHUNK_ORDER_H
#define YAGURA_STORAGE_CHUNK_ORDER_H

#include "storage/chunk_build.h"
#include "storage/line_template.h"

/* Events with the same fields and dataset, and the ways in which their lines
 * were cut so far. */
struct shape_known {
	uint64_t hash;
	uint16_t n;
	const field_t *fields;
	struct slice dataset;
	uint32_t number;	/* in the order of being seen */
	struct template_known **templates;	/* most likely first */
	uint16_t ntemplates, templates_cap;
	uint16_t nfields_cut;	/* of them, cut by fields only */
	struct template_known *whole;
	struct shape_known *next;	/* in the table of hashes */
	uint32_t chunk;		/* in which `ids_known` was found out */
	bool	 ids_known;	/* every field has an id */
	bool	 kept_whole;	/* its lines did not come back as they were */
};

struct template_known {
	const struct line_template *template;
	struct shape_known *shape;
	uint32_t number;
	/* of the chunk being built */
	uint32_t chunk, rows, row0, filled;
	uint8_t	*classes;	/* [nvars] what its words are made of */
};

struct row {
	const struct event *event;
	struct template_known *template;
	const union var *vars;
};

struct chunk_order {
	struct row *rows;		/* [n] in their order */
	struct template_known **templates;	/* of the rows, in order */
	size_t	 n, ntemplates;
};

/* Events to come are fetched while others are worked on: a chunk is larger than
 * any cache. First the struct, then what it points to. */
#define FETCH_EVENT 12
#define FETCH_BYTES 5
static inline void
fetch_bytes(const void *at, size_t bytes)
{
	const char *byte = at;

	for (size_t i = 0; i < bytes && i < 640; i += 64)
		__builtin_prefetch(byte + i);
}

struct orderer;
struct orderer *orderer_new(void);
void orderer_free(struct orderer *orderer);

/* Borrowed until the next call. `known` says whether a field has an id in the
 * file: lines are put together only from such. */
const struct chunk_order *orderer_run(struct orderer *orderer,
    const struct event *const *events, size_t n,
    bool (*known)(void *context, field_t field), void *context);

#endif
