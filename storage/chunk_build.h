/* storage/chunk_build.h -- events become the packed bytes of a chunk.
 *
 * Owner:  the thread that builds.
 * Memory: chunk_build gives an owned chunk_packed; the events are not needed
 *         after it.
 */
#ifndef YAGURA_STORAGE_CHUNK_BUILD_H
#define YAGURA_STORAGE_CHUNK_BUILD_H

#include "storage/chunk_source.h"

struct arena;
struct event;
struct packer;

#define CHUNK_EVENTS 65536	/* of a chunk; the writer closes it before */

struct packed_block {
	uint16_t id;
	struct block block;
};

struct packed_page {
	uint32_t k, n;		/* its number, rows */
	struct slice data;
};

struct chunk_packed {
	struct arena *arena;
	uint32_t n;
	uint64_t seq0, seq1;
	int64_t	 t_min, t_max;
	uint64_t raw_bytes;
	uint64_t values_dropped;	/* of fields that got no id */
	uint64_t kept_whole;	/* lines that did not come back from parts */
	struct slice fields;		/* the shapes */
	struct packed_block *blocks;	/* rising by id */
	size_t	 nblocks;
	struct packed_page *pages;
	size_t	 npages;
};

/* Gives fields their ids in the file; CHUNK_FIELD_NONE leaves the values of
 * this field out: they are in the raw line. */
struct field_ids {
	unsigned (*id_of)(void *context, field_t field);
	void	*context;
};

/* Builds one chunk after the other and keeps what they have in common: the
 * templates of lines, and memory. The packer is borrowed. */
struct chunk_builder;
struct chunk_builder *chunk_builder_new(struct packer *packer);
void chunk_builder_free(struct chunk_builder *builder);	/* NULL: nothing */

/* Packs n sealed events (1 .. CHUNK_EVENTS), in the order of their sequence.
 * Every raw line is put together again from the packed bytes and compared;
 * lines of a shape of which one differs are kept whole. Never fails. */
struct chunk_packed *chunk_build(struct chunk_builder *builder,
    const struct event *const *events, size_t n,
    const struct field_ids *ids);

/* The same with a builder of its own, for one chunk. */
struct chunk_packed *chunk_build_alone(const struct event *const *events,
    size_t n, const struct field_ids *ids, struct packer *packer);
void chunk_packed_free(struct chunk_packed *packed);

/* Bytes of its blocks and pages. */
uint64_t chunk_packed_bytes(const struct chunk_packed *packed);

/* Reads from packed bytes in memory; `ids` answers as the file would. Both
 * are borrowed until chunk_close. */
struct packed_names {
	field_t	(*field_of)(void *context, unsigned id);
	unsigned (*id_of)(void *context, field_t field);
	void	*context;
};
struct chunk *chunk_open_packed(const struct chunk_packed *packed,
    const struct packed_names *names, struct err *err);

#endif
