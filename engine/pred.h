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
#include "engine/slice.h"

struct event;
struct regex;
struct glob;
struct cidr;
struct err;

enum pred_op {
#define PRED(id, name, help) PRED_##id,
#include "engine/pred.def"
#undef PRED
	PRED_OPS
};

#define PRED_FIELDS 6

struct pred {
	uint8_t	 op;		/* enum pred_op */
	bool	 cased;		/* compare bytes; else folded, Unicode */
	uint8_t	 nfields;	/* 0: keyword, looks into every own value */
	field_t	 fields[PRED_FIELDS];
	struct slice text;	/* the literal; folded unless cased */
	double	 number;	/* LT LE GT GE, and EQ of a number */
	bool	 has_number;
	const struct glob *glob;
	const struct regex *regex;
	const struct cidr *cidr;
	field_t	 other;		/* FIELDREF */
};

/* What one thread needs to compare: folding buffers, regex match data. */
struct pred_scratch;
struct pred_scratch *pred_scratch_new(void);
void pred_scratch_free(struct pred_scratch *scratch);

bool pred_holds(const struct pred *pred, const struct event *event,
    struct pred_scratch *scratch);

/* The comparison alone, for one scalar: searches run it over dictionary
 * entries instead of events. Not for EXISTS, NULL, FIELDREF, keywords. */
bool pred_value_holds(const struct pred *pred, const struct value *value,
    struct pred_scratch *scratch);

#endif
