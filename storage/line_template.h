/* storage/line_template.h -- how the raw line of an event is put together from its
 * fields.
 *
 * A line is cut into literal text, the texts of fields that stand in it, times
 * in known formats, and the rest: variables. Lines that are cut alike share a
 * template; what differs between them is in the columns of the fields and in
 * the variables. Fields whose text is only a stretch of the line, like
 * `message`, or that repeats another field, have an origin instead of a
 * column.
 *
 * A template matches an event if it gives exactly its raw line and exactly the
 * fields that have an origin: a match is the proof.
 *
 * Owner:  the thread that builds or reads a chunk.
 * Memory: templates live in the arena they are made in.
 */
#ifndef YAGURA_STORAGE_LINE_TEMPLATE_H
#define YAGURA_STORAGE_LINE_TEMPLATE_H

#include "engine/field.h"
#include "engine/slice.h"
#include "engine/value.h"

struct arena;
struct event;
struct strbuf;

/* In files: never renumber. */
enum part_kind {
	PART_TEXT = 0,		/* text */
	PART_FIELD = 1,		/* text of a field, see enum part_how */
	PART_WORD = 2,		/* variable: letters and digits, maybe none */
	PART_REST = 3,		/* variable: any bytes */
	PART_TIME = 4,		/* a time in form `how`; variable: how far it is
				 * from @timestamp, in units of its last digit */
};

/* What a WORD has in a chunk: bits of its `how`. */
#define WORD_DIGITS 1
#define WORD_HEX 2		/* a to f, in either case */
#define WORD_LETTERS 4		/* all letters */
#define WORD_ANY 7

enum part_how {
	HOW_PLAIN = 0,
	HOW_JSON = 1,		/* the line has it with JSON's escapes */
	HOW_XML = 2,
	HOW_LOWER = 3,		/* the field is the line's text in lower case */
};

struct part {
	uint8_t	 kind;
	uint8_t	 how;		/* enum part_how; of a time its form */
	uint16_t value;		/* FIELD: place among the event's values */
	struct slice text;	/* TEXT */
};

static inline bool
part_is_var(const struct part *part)
{
	return part->kind == PART_WORD || part->kind == PART_REST ||
	    part->kind == PART_TIME;
}

enum role {
	ROLE_STORED = 0,	/* in its column */
	ROLE_SAME = 1,		/* has the text of value `from` */
	ROLE_RANGE = 2,		/* is the line from a place to a place */
};

/* A place in a line: so many bytes behind the beginning of a part; part nparts
 * begins where the line ends. */
struct origin {
	uint8_t	 role, how;
	uint8_t	 type;		/* enum value_type: TEXT, IP or LONG */
	uint16_t from, to;	/* parts; SAME: from is the value */
	uint32_t from_at, to_at;
};

#define TEMPLATE_PARTS 1024	/* of a line; longer ones are kept whole */

struct line_template {
	uint16_t n;		/* values of its events */
	uint16_t nparts, nvars;
	const struct part *parts;
	const struct origin *origins;	/* [n] */
};

/* A variable of a line: bytes of the raw line, or how far a time is away. */
union var {
	struct { uint32_t at, len; } word;
	int64_t	 away;
};

/* Does it give this event? Then *vars has its variables, in order. */
bool line_match(const struct line_template *template,
    const struct event *event, union var *vars);

/* Ways to cut an event, best first: by words, by fields only, not at all.
 * `usable` says which values may stand for text of the line: those with a
 * column. The template is in the arena and matches the event, or NULL. */
enum cut { CUT_WORDS, CUT_FIELDS, CUT_WHOLE };
const struct line_template *line_cut(const struct event *event, enum cut cut,
    struct arena *arena);

/* The text of a field as it stands in the line. Answers what it appended. */
void how_put(struct strbuf *line, enum part_how how, struct slice text);

/* And back: false if no line of ours has this. May shrink in place. */
bool how_undo(enum part_how how, char *text, size_t *len);

/* --- times in lines ------------------------------------------------------ */

#define TIME_FORMS 64
#define TIME_FORM_BYTES 40

/* Reads a time in this form at the beginning of the line: its bytes, or 0. Only
 * what time_form_put would write is taken. */
size_t time_form_get(unsigned form, struct slice line, int64_t time_ns,
    int64_t *away);

/* Writes it; 0 if there is no such form or time. */
size_t time_form_put(unsigned form, int64_t time_ns, int64_t away,
    char out[TIME_FORM_BYTES]);

/* The form of what stands at the beginning of the line, or -1. */
int time_form_find(struct slice line, int64_t time_ns);

/* Can a time in this form have the character, in lower case? */
bool time_form_holds(unsigned form, char c);

#endif
