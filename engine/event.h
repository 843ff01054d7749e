/* engine/event.h -- one thing that happened.
 *
 * Time, source, raw line and values. Fields are set in any order while the
 * batch is FILLING; event_seal() sorts them by field, and from then on the
 * event is read only, apart from its hits until MATCHED.
 *
 * Owner:  whoever holds the batch.
 * Memory: values, lists and hits live in the arena of the batch.
 */
#ifndef YAGURA_ENGINE_EVENT_H
#define YAGURA_ENGINE_EVENT_H

#include "engine/field.h"
#include "engine/slice.h"
#include "engine/value.h"

struct arena;
struct batch;
struct strbuf;

#define EVENT_FIELDS 1024	/* fields of an event; more stay raw only */
#define EVENT_FIELDS_MOST (EVENT_FIELDS + 2)	/* and `tags`, yagura.hits */
#define EVENT_ITEMS 1024	/* members event_append keeps in one list */

/* What is odd about an event. The names of event_tag.def go into `tags`. */
enum event_tag {
#define EVENT_TAG(id, name, help) EVENT_TAG_##id,
#include "engine/event_tag.def"
#undef EVENT_TAG
	EVENT_TAGS
};

struct event {
	int64_t	 time_ns;	/* @timestamp */
	int64_t	 ingested_ns;	/* event.ingested: arrival */
	uint64_t seq;		/* of event.id; see event_id() */
	struct slice raw;	/* event.original, exactly; in the arena */
	struct slice peer;	/* "address:port" of the sender, or a path */
	struct batch *batch;	/* whose arena holds all of this */
	uint32_t tags;		/* bit per enum event_tag */
	uint16_t logsource;	/* see logsource.h; 0: none */
	uint16_t source;	/* row of the source table in force; 0: none */
	uint16_t n, cap;	/* values */
	bool	 sealed, has_time;	/* has_time: the line stated it */
	bool	 joins;		/* may be part of a record of many lines */
	uint64_t present[4];	/* bit per field below 256 */
	uint64_t others;	/* until sealed: bit per field % 64 of the rest */
	field_t	*fields;
	struct value *values;
	uint32_t *hits;		/* numbers of rules in the ruleset in force */
	uint32_t nhits;
	void	*user;		/* of the stage that holds it; NULL between */
};

_Static_assert(FIELD_KNOWN <= 256, "present has a bit per known field");

/* libevent exports an event_init and an event_set too, and calls event_add of
 * its own (which is why ours is event_append): symbols of other names keep
 * the two apart. A file may include this and <event2/event.h>. */
#define EVENT_SYMBOL(name) __asm__("yagura_" #name)

/* Starts an empty event of this batch. */
void event_init(struct event *event, struct batch *batch)
    EVENT_SYMBOL(event_init);

/* Sets a value; the last one wins. False if the event is full: then it is
 * tagged FIELDS_CAPPED. Not after event_seal(). FIELD_NONE counts as full. */
bool event_set(struct event *event, field_t field, struct value value)
    EVENT_SYMBOL(event_set);

/* As event_set for a value that most likely is the first of its field: the
 * caller pays for a test and a copy, and a call only where they do not do. */
static inline bool
event_put(struct event *event, field_t field, const struct value *value)
{
	uint64_t *word = field < 256 ? &event->present[field >> 6]
	    : &event->others;
	uint64_t bit = UINT64_C(1) << (field & 63);

	if ((*word & bit) != 0 || event->n >= event->cap ||
	    event->n >= EVENT_FIELDS || event->sealed || field == FIELD_NONE)
		return event_set(event, field, *value);
	*word |= bit;
	event->fields[event->n] = field;
	event->values[event->n++] = *value;
	return true;
}

/* Sets text as the field's type wants it. If it does not fit, nothing is set
 * and false is answered: the caller keeps it under the vendor's name. */
bool event_set_text(struct event *event, field_t field, struct slice text,
    enum transform transform);

/* Makes the field a list and appends; a value already there becomes the first
 * member; equal members are kept once. The value is a scalar. False as in
 * event_set, also when the list is full. */
bool event_append(struct event *event, field_t field, struct value value);

/* Sets the value; where there is one already, appends. For decoders that meet
 * each name once, mostly: it costs no more than setting. */
bool event_join(struct event *event, field_t field, struct value value);

void event_unset(struct event *event, field_t field);

/* The value, or NULL; before and after event_seal(). @timestamp,
 * event.ingested, event.original and event.id are members of the struct and
 * not found here unless somebody set them; see event_value(). */
const struct value *event_get(const struct event *event, field_t field);

/* True: event_get would find nothing; false: it may. */
static inline bool
event_lacks(const struct event *event, field_t field)
{
	if (field < 256)
		return (event->present[field >> 6] >> (field & 63) & 1) == 0;
	return field == FIELD_NONE || (!event->sealed &&
	    (event->others >> (field & 63) & 1) == 0);
}

/* Whether event_get would find it; cheaper. */
static inline bool
event_has(const struct event *event, field_t field)
{
	return field < 256 ? (event->present[field >> 6] >> (field & 63) & 1)
	    != 0 : event_get(event, field) != NULL;
}

/* As event_get, and the members of the struct too: event.id is formatted into
 * the arena of the batch, `tags` is a list. Returns false if absent. */
bool event_value(const struct event *event, field_t field, struct value *out);

/* Text of a scalar or of the first member; the empty slice if absent. buf
 * backs numbers. */
struct slice event_text(const struct event *event, field_t field,
    char buf[VALUE_TEXT_BYTES]);

void event_tag(struct event *event, enum event_tag tag);
const char *event_tag_name(enum event_tag tag);

/* Sorts the values by field, puts the tags into `tags`, also in a full event.
 * Once. */
void event_seal(struct event *event);

/* Sets a field of the table (below FIELD_KNOWN) after event_seal(), also in a
 * full event, where there is room for one: what matching finds out belongs to
 * the event. Only while its batch is PARSED; values found before may have
 * moved. */
void event_set_sealed(struct event *event, field_t field, struct value value);

/* event.id as text: node (8 hex) and sequence (16 hex). 25 bytes with NUL. An
 * event that carries event.id as a value keeps that one (alerts). */
#define EVENT_ID_BYTES 25
void event_id(const struct event *event, char out[EVENT_ID_BYTES]);

/* One flat JSON object, no line feed: @timestamp first, then by field name
 * order of the table; `raw` adds event.original. */
void event_json(struct strbuf *buf, const struct event *event, bool raw);

#endif
