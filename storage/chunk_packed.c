/* A chunk that is read from memory: what the builder gave, before or without a
 * file.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "storage/chunk_build.h"

struct memory {
	const struct chunk_packed *packed;
	const struct packed_names *names;
};

static int
memory_block(void *context, unsigned id, unsigned parts, struct arena *arena,
    struct block *out, struct err *err)
{
	const struct memory *memory = context;

	(void)arena;
	(void)err;
	for (size_t i = 0; i < memory->packed->nblocks; i++) {
		const struct packed_block *block = &memory->packed->blocks[i];

		if (block->id != id)
			continue;
		*out = (struct block){ .hdr = { NULL, 0 } };
		if ((parts & BLOCK_HEAD) != 0) {
			out->hdr = block->block.hdr;
			out->bloom = block->block.bloom;
		}
		if ((parts & BLOCK_DICT) != 0)
			out->dict = block->block.dict;
		if ((parts & BLOCK_DATA) != 0)
			out->data = block->block.data;
		return 1;
	}
	return 0;
}

static int
memory_page(void *context, uint32_t k, struct arena *arena, uint32_t *n,
    struct slice *data, struct err *err)
{
	const struct memory *memory = context;

	(void)arena;
	(void)err;
	for (size_t i = 0; i < memory->packed->npages; i++) {
		const struct packed_page *page = &memory->packed->pages[i];

		if (page->k != k)
			continue;
		*n = page->n;
		*data = page->data;
		return 1;
	}
	return 0;
}

static field_t
memory_field_of(void *context, unsigned id)
{
	const struct memory *memory = context;

	return memory->names->field_of(memory->names->context, id);
}

static unsigned
memory_id_of(void *context, field_t field)
{
	const struct memory *memory = context;

	return memory->names->id_of(memory->names->context, field);
}

struct chunk *
chunk_open_packed(const struct chunk_packed *packed,
    const struct packed_names *names, struct err *err)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));
	struct chunk_source source = { .context = memory,
	    .block = memory_block, .page = memory_page,
	    .field_of = memory_field_of, .id_of = memory_id_of,
	    .close = free };
	struct chunk_head head = { .n = packed->n, .seq0 = packed->seq0,
	    .seq1 = packed->seq1, .t_min = packed->t_min,
	    .t_max = packed->t_max, .fields = packed->fields };

	memory->packed = packed;
	memory->names = names;
	return chunk_open_source(&source, &head, err);
}
