/* parsers/mapping.h -- how the parts of mapping know each other.
 *
 * mapping.c runs a definition over the slots; mapping_target.c brings the value
 * of a key where it belongs, mapping_split.c its parts; mapping_value.c changes
 * values and sets fields, mapping_cond.c asks about them.
 */
#ifndef YAGURA_PARSERS_MAPPING_H
#define YAGURA_PARSERS_MAPPING_H

#include "parsers/decode.h"

#define LOWER_BYTES 256	/* longest value a table or list of words knows */

/* --- mapping_value.c ----------------------------------------------------- */

/* The value as text; of a list the first member. */
struct slice mapping_text(const struct value *value,
    char buf[VALUE_TEXT_BYTES]);
struct slice mapping_lowered(struct slice text, char buf[LOWER_BYTES]);

/* A part of the value, which keeps its transform only if it still is bytes of
 * the line. */
struct value mapping_part(const struct value *value, struct slice text);

/* Slow halves of in_words, means_nothing and fits. */
bool mapping_find_word(const struct words *words, struct slice text);
bool mapping_nothing(const struct reading *r, const struct words *skip,
    const struct value *value);
bool mapping_fit(struct value *value, enum value_type type);

/* False: the value does not fit the field. */
bool mapping_set_typed(struct reading *r, field_t field, struct value value,
    enum value_type type);
bool mapping_set(struct reading *r, field_t field, struct value value);

/* What the table has for the text, or NULL; *same: the text as it is. */
const struct value *mapping_table(const struct table *table,
    struct slice text, bool *same);

struct slice mapping_take(const struct target *target, struct slice s);
struct slice mapping_change_case(struct reading *r, struct slice s, bool up);

/* False: nothing is left of it. */
bool mapping_change(struct reading *r, const struct target *target,
    struct value *value);

/* --- mapping_split.c ----------------------------------------------------- */
bool mapping_is_host_name(struct slice s);
void mapping_split(struct reading *r, const struct target *t, slot_t slot,
    struct value value);

/* --- mapping_target.c ---------------------------------------------------- */
void mapping_target(struct reading *r, const struct target *target,
    slot_t slot, struct value value);
void mapping_keymap(struct reading *r, const struct keymap *map);

/* All slots that are there and not done yet. */
void mapping_slots(struct reading *r);

/* --- mapping_cond.c ------------------------------------------------------ */
bool mapping_holds(struct reading *r, const struct condition *cond);

/* --- asked for every value ----------------------------------------------- */
/* Most texts have a length that none of the words has. */
static inline bool
in_words(const struct words *words, struct slice text)
{
	return (words->lengths >> (text.len < 31 ? text.len : 31) & 1) != 0 &&
	    mapping_find_word(words, text);
}

/* Few texts have the length of a word that means nothing. */
static inline bool
means_nothing(const struct reading *r, const struct words *skip,
    const struct value *value)
{
	uint32_t lengths = r->def->skip.lengths | 1 |
	    (skip != NULL ? skip->lengths : 0);

	if (value->text != NULL && value->type != VALUE_LIST &&
	    value->type != VALUE_NULL &&
	    (lengths >> (value->len < 31 ? value->len : 31) & 1) == 0)
		return false;
	return mapping_nothing(r, skip, value);
}

static inline bool
fits(struct value *value, enum value_type type)
{
	return value->type == type || mapping_fit(value, type);
}

static inline bool
has_field(const struct reading *r, field_t field)
{
	return event_has(r->event, field);
}

/* The key of the line if it is there, or else the field. */
static inline const struct value *
value_at(struct reading *r, slot_t slot, field_t field)
{
	const struct value *value = reading_slot(r, slot);

	if (value == NULL) {
		if (event_lacks(r->event, field))
			return NULL;
		value = event_get(r->event, field);
	}
	if (value != NULL && means_nothing(r, NULL, value))
		return NULL;
	return value;
}

#endif
