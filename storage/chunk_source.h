/* storage/chunk_source.h -- where the bytes of a chunk come from.
 *
 * A day file or memory; the reader of chunks knows no SQLite. Bytes are asked
 * for when they are needed and not believed: whatever a source gives, the
 * reader answers right rows or ERR_DAMAGED.
 */
#ifndef YAGURA_STORAGE_CHUNK_SOURCE_H
#define YAGURA_STORAGE_CHUNK_SOURCE_H

#include "engine/field.h"
#include "storage/column.h"
#include "storage/column_format.h"

struct arena;
struct chunk;
struct err;

/* Ids of fields in a file, 12 bits. Those below FIRST are the members of
 * struct event, which every row has; FIRST and on have a row in `field`. */
enum chunk_member {
	MEMBER_TIME = 0, MEMBER_INGESTED = 1, MEMBER_SEQ = 2, MEMBER_PEER = 3,
	MEMBER_LOGSOURCE = 4, MEMBER_FLAGS = 5,
	MEMBERS,
	CHUNK_FIELD_FIRST = 16,
	CHUNK_FIELDS = 4096
};
#define CHUNK_FIELD_NONE 0	/* as answer of id_of */
#define FLAG_HAS_TIME 1		/* of MEMBER_FLAGS: the line stated its time */
#define DAY_FIELDS 3500		/* names in a day; more are in the raw line */

/* Parts of a block that are wanted. */
#define BLOCK_HEAD 1u		/* hdr and bloom */
#define BLOCK_DICT 2u
#define BLOCK_DATA 4u

struct chunk_source {
	void	*context;
	uint32_t node;		/* of event ids */

	/* 1 and *out in the arena, only the parts asked for; 0: no such block;
	 * -1 and *err. */
	int	(*block)(void *context, unsigned id, unsigned parts,
		    struct arena *arena, struct block *out, struct err *err);

	/* Page k of the raw lines, the same way. */
	int	(*page)(void *context, uint32_t k, struct arena *arena,
		    uint32_t *n, struct slice *data, struct err *err);

	/* The field of an id, FIELD_NONE if the file does not name it; and the
	 * other way round, CHUNK_FIELD_NONE. */
	field_t	(*field_of)(void *context, unsigned id);
	unsigned (*id_of)(void *context, field_t field);

	/* Says that the chunk is damaged, once at most. May be NULL. */
	void	(*damaged)(void *context);

	/* Gives the context back. May be NULL. */
	void	(*close)(void *context);
};

/* The row of table `chunk`, as far as a reader wants it. */
struct chunk_head {
	uint32_t n;
	uint64_t seq0, seq1;
	int64_t	 t_min, t_max;
	struct slice fields;	/* the shapes; borrowed for the call */
};

/* The source is copied and closed by chunk_close, or at once on failure. */
struct chunk *chunk_open_source(const struct chunk_source *source,
    const struct chunk_head *head, struct err *err);

/* A column of the source; all memory is in the arena. NULL: there is none
 * (*err untouched), or it is damaged. */
struct column *column_open(const struct chunk_source *source, unsigned id,
    uint32_t values, struct arena *arena, struct err *err);

/* Only the head is read. */
struct column *column_open_head(const struct chunk_source *source,
    unsigned id, uint32_t values, struct arena *arena, struct err *err);

/* Columns that are in no file: a dictionary made from others, and one whose
 * values somebody gives one by one. */
struct column_codes {
	uint8_t	 type;			/* or COLUMN_MIXED */
	uint32_t count, n;		/* values, entries */
	struct value *entries;
	uint32_t *uses, *codes;
};
struct column_lender {
	uint8_t	 type;
	uint32_t count;
	bool	(*value)(void *context, uint32_t i, struct value *out,
		    struct err *err);	/* as column_value */
	void	*context;
};
struct column *column_of_codes(const struct chunk_source *source,
    unsigned id, struct column_codes codes, struct arena *arena);
struct column *column_of_lender(const struct chunk_source *source,
    unsigned id, struct column_lender lender, struct arena *arena);

/* What is behind a column, for who asks for many values of it: entries and
 * codes (NULL: all values are entries[0]), or numbers; all NULL: ask
 * column_value. False if it does not read. */
struct column_inside {
	const struct value *entries;
	const uint32_t *codes;
	const int64_t *numbers;
};
bool column_look_inside(struct column *column, struct column_inside *out,
    struct err *err);

/* Sets the bits of event->tags from the words of `tags`. */
struct event;
void event_tags_restore(struct event *event);

/* vblk.data and chunk.fields: 12 bytes, then packed ones. The first byte is the
 * format of a chunk in chunk.fields, else 0; what is packed goes to the arena
 * of the boxer. */
#define BOX_HEAD 12
struct packer;
struct strbuf;
struct boxer {
	struct packer *packer;
	struct strbuf *scratch;
	struct arena *arena;
};
struct slice box_put(const struct boxer *boxer, unsigned format, uint16_t n,
    struct slice raw);

#endif
