/* parsers/decode.h -- one line while it is being read.
 *
 * The lane owns one `reading` and uses it again for every line. A decoder
 * gives each key and value it finds to reading_put(), which knows from the
 * definition whether the key has a slot, is kept under the vendor's name, or
 * both. When the decoder is done, mapping_run() turns slots into fields.
 *
 * Owner: one lane.
 * Memory: values point into the line or into the arena of the event's batch.
 */
#ifndef YAGURA_PARSERS_DECODE_H
#define YAGURA_PARSERS_DECODE_H

#include "engine/event.h"
#include "parsers/def.h"
#include "parsers/decode_syslog.h"
#include "parsers/keytree.h"
#include "parsers/template.h"

#define TAPE_ITEMS 16384	/* values of one JSON line; more stay raw */
#define JSON_DEPTH 64
#define REGEX_STEPS 100000

struct arena;
struct pcre2_real_match_context_8;
struct pcre2_real_match_data_8;
struct regex_scratch;
struct stream;

/* What a key means to a definition; made when the lane first meets it. */
struct binding {
	slot_t	 slot;		/* SLOT_NONE: no rule names it */
	field_t	 keep;		/* FIELD_NONE: not kept */
	bool	 known;		/* this row is filled in */
	bool	 loose;		/* gives way to a key that came before */
	uint32_t seen;		/* number of the try that put the key last */
	uint32_t filled;	/* and of that in which it filled the slot */
};

struct tape_item {
	uint32_t node;
	struct value value;
};

struct extra {
	field_t	 field;
	bool	 again;		/* the key came before in this line */
	struct value value;
};

#define SLOT_WORDS (DEF_SLOTS / 64)

/* A time in a header, and what it came to. */
struct resolved {
	bool	 known;
	struct timetext time;
	const struct zone *zone;
	int64_t	 now_ns, ns;
};

struct reading {
	struct event *event;
	bool	 runaway;	/* a pattern was given up for its cost */
	struct arena *arena;
	const struct def *def;
	struct keytree *tree;
	struct binding **bindings;	/* by definition, rows by node */
	size_t	*nbindings;		/* rows there are */
	struct binding *rows;		/* those of def, for nodes < nrows */
	size_t	 nrows;
	struct value *slots;
	uint64_t present[SLOT_WORDS], done[SLOT_WORDS];
	size_t	 words;			/* of present that def can use */
	struct extra *extras;
	size_t	 nextras;
	struct tape_item *tape;
	size_t	 ntape, tape_cap;
	const struct block *const *blocks;	/* of the template that matched */
	size_t	 nblocks;
	const struct zone *zone;
	int64_t	 header_ns;
	struct resolved last_header;
	bool	 has_header_time, owned;	/* owned: body is not the line */
	enum transform made_by;	/* of what is owned */
	unsigned depth;			/* of decoding inside decoding */
	uint32_t attempt;		/* counts definitions tried */
	const struct decoder *decoder;	/* at work */
	const struct stream *stream;	/* the line stands beneath its header */
	/* The last log source that a block changed, and what it became. */
	struct {
		const struct block *block;
		uint16_t from, to;
	} logsources[8];
	struct regex_scratch *scratch;
	struct pcre2_real_match_context_8 *match_context;
	struct pcre2_real_match_data_8 *match_data;
	struct template_match match;
};

/* Gives a key below `parent` and its value to the definition. */
void reading_put(struct reading *reading, uint32_t parent, struct slice key,
    struct value value);
void reading_put_node(struct reading *reading, uint32_t node,
    const struct value *value);
void reading_put_slot(struct reading *reading, slot_t slot,
    const struct value *value);

/* The value in a slot, or NULL. */
static inline const struct value *
reading_slot(const struct reading *reading, slot_t slot)
{
	if (slot == SLOT_NONE ||
	    (reading->present[slot >> 6] >> (slot & 63) & 1) == 0)
		return NULL;
	return &reading->slots[slot];
}

/* Text of the body as a value; knows whether the body is the line. */
static inline struct value
reading_text(const struct reading *reading, struct slice text)
{
	return value_text(text, reading->owned ? reading->made_by
	    : TRANSFORM_NONE);
}

/* True if the body was read, or enough of it. Keys go below `parent`. */
typedef bool decode_fn(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent);
#define DECODER(id, name, run) decode_fn run;
#include "parsers/decode.def"
#undef DECODER

bool decode_run(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent);

/* JSON in two steps, because its keys choose the definition: onto the tape
 * from reading->ntape on, then from the tape to the definition. */
bool json_read(struct reading *reading, struct slice body, uint32_t parent);
void json_emit(struct reading *reading, size_t from);

/* Vendor, product and so on of a CEF or LEEF header: n columns of up to max,
 * 0 if it is none. *rest is what follows. */
size_t cef_header(struct slice body, struct slice *columns, size_t max,
    struct slice *rest);
size_t leef_header(struct slice body, struct slice *columns, size_t max,
    struct slice *rest);

/* Undoes backslash escapes; the text itself if there are none. */
struct value unescape_text(struct reading *reading, struct slice text,
    enum transform transform);

/* --- mapping.c: from slots to fields ------------------------------------- */
void mapping_run(struct reading *reading);

/* One block over the fields of the event, apart from any line. */
void mapping_run_block(struct reading *reading, const struct block *block);

#endif
