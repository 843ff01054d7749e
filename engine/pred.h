/* engine/pred.h -- one comparison of a field with what somebody wrote.
 *
 * Rules and searches share it: a comparison is written once. The operators
 * are rows of pred.def. A comparison holds when any member of a list meets it
 * (`all` asks each needle on its own, which the reader of the condition turns
 * into several preds).
 *
 * A pred may name several fields: the first that the event has is compared
 * (the mapped ECS field, else the field under its own name).
 *
 * Memory: preds belong to the prog that holds them.
 */
#ifndef YAGURA_ENGINE_PRED_H
#define YAGURA_ENGINE_PRED_H

#include "engine/field.h"
#include "engine/glob.h"
#include "engine/slice.h"

struct arena;
struct event;
struct regex;
struct cidr;
struct value;

enum pred_op {
#define PRED(id, name, help) PRED_##id,
#include "engine/pred.def"
#undef PRED
	PRED_OPS
};

#define PRED_FIELDS 8

/* A part of a time, compared instead of the value. */
enum pred_part {
	PART_NONE, PART_MINUTE, PART_HOUR, PART_DAY, PART_WEEK, PART_MONTH,
	PART_YEAR,
};

struct pred {
	uint8_t	 op;		/* enum pred_op */
	uint8_t	 part;		/* enum pred_part; with EQ LT LE GT GE */
	bool	 cased;		/* compare bytes; else folded, Unicode */
	uint8_t	 nfields;	/* 0: keyword, looks into every own value */
	field_t	 fields[PRED_FIELDS];
	uint16_t place;		/* number of the list of fields; 0: none */
	uint8_t	 how;		/* FIELDREF: 0 equals, or STARTS ENDS
				 * CONTAINS */
	uint8_t	 nothers;
	field_t	 others[PRED_FIELDS];	/* FIELDREF: the first there is */
	struct slice text;	/* the literal; folded unless cased */
	double	 number;	/* LT LE GT GE, and EQ of a number */
	bool	 has_number;
	const struct glob *glob;
	const struct regex *regex;	/* freed by whoever made it */
	const struct cidr *cidr;
};

/* Sets op, text and glob for a pattern that must match the whole value: the
 * cheapest operator that says the same (equals, startswith, contains ...).
 * Folds unless pred->cased. */
void pred_set_pattern(struct pred *pred, struct arena *arena,
    const glob_unit *unit, size_t n);

/* What one thread needs to compare: folding buffers, regex match data. */
struct pred_scratch;
struct pred_scratch *pred_scratch_new(void);
void pred_scratch_free(struct pred_scratch *scratch);

/* Between the two, what was picked and folded is remembered: for many preds
 * over one event, which must not change meanwhile. Lists of fields that many
 * preds share have a place below `places`. */
void pred_scratch_begin(struct pred_scratch *scratch, size_t places);
void pred_scratch_end(struct pred_scratch *scratch);

/* After begin, for an event that is sealed: events of a kind have the same
 * fields, so that where they are is found out once. */
void pred_scratch_event(struct pred_scratch *scratch,
    const struct event *event);

/* Room for places in one scratch; further lists have place 0. */
#define PRED_PLACES 8192

/* The text folded; valid until the next call, between begin and end until
 * the end. */
struct slice pred_fold(struct pred_scratch *scratch, struct slice text);

/* The same for what value_as_text gave; if the value had no text of its own,
 * valid until the next call. */
struct slice pred_fold_value(struct pred_scratch *scratch,
    const struct value *value, struct slice text);

/* Values on which a regular expression ran into its limits. */
uint64_t pred_runaways(const struct pred_scratch *scratch);

/* The value to compare: of the first of the fields that the event has, null
 * included. NULL if it has none. */
const struct value *pred_pick(const field_t *fields, size_t n,
    const struct event *event, struct pred_scratch *scratch);

/* The same for the fields of a pred, remembered by its place. *folded is the
 * value's text folded, if it is a scalar with text; NULL if not wanted. */
const struct value *pred_pick_place(uint16_t place, const field_t *fields,
    size_t n, const struct event *event, struct pred_scratch *scratch,
    struct slice *folded);

/* Whether the value came with the event; not so what yagura added. */
bool pred_is_own(const struct value *value);

bool pred_holds(const struct pred *pred, const struct event *event,
    struct pred_scratch *scratch);

/* The comparison alone, for one scalar: searches run it over dictionary
 * entries instead of events. Not for EXISTS, NULL, FIELDREF, keywords. */
bool pred_value_holds(const struct pred *pred, const struct value *value,
    struct pred_scratch *scratch);

#endif
