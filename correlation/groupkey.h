/* correlation/groupkey.h -- the values a group is known by.
 *
 * What enters a window is an event, or the firing of another correlation: the
 * event that raised it, overlaid by that correlation's group-by values. Both
 * are seen through a view.
 *
 * A key is the values' text, one after the other, each behind its length in
 * two bytes: exact, with case, 7 and "7" the same. A value longer than
 * GROUPKEY_VALUE_BYTES is cut and ends with a hash of all of it.
 *
 * A field with several values puts the event into a group for each of them.
 */
#ifndef YAGURA_CORRELATION_GROUPKEY_H
#define YAGURA_CORRELATION_GROUPKEY_H

#include "correlation/rule.h"
#include "engine/strbuf.h"

struct event;

#define GROUPKEY_VALUE_BYTES 512	/* of a value in a key */
#define GROUPKEY_COMBINATIONS 64	/* groups one event may enter at once */
#define GROUPKEY_COLUMNS 16		/* more group-by fields are not used */

/* Group-by values of a correlation that fired, over what fired it. */
struct overlay {
	const struct overlay *below;	/* NULL: the event itself */
	const struct correlation *correlation;
	struct slice key;
};

struct view {
	const struct event *event;
	const struct overlay *overlay;	/* NULL: none */
	/* Of each column what it was bound to; empty: nothing. NULL: no
	 * column is looked up. */
	const struct slice *bound;
};

/* Whether an inner correlation has grouped by this. */
bool view_overlaid(const struct view *view, struct slice name);

/* The value of the first of the fields that is there (a list ending with
 * FIELD_NONE); `name` is how the rule wrote it, and what overlays go by.
 * False if absent or null. */
bool view_get(const struct view *view, struct slice name,
    const field_t *fields, struct value *out);

/* Keys of all groups that a view, met by the referred rule at this place,
 * belongs to. */
struct groupkeys {
	struct strbuf bytes;
	size_t	 n;
	size_t	 start[GROUPKEY_COMBINATIONS + 1];	/* key i ends at i + 1 */
};

void groupkeys_init(struct groupkeys *keys);
void groupkeys_fini(struct groupkeys *keys);

/* How many; 0 if a field is missing. Without group-by there is one, empty. */
size_t groupkeys_build(struct groupkeys *keys, const struct correlation *c,
    size_t referred, const struct view *view);

static inline struct slice
groupkeys_at(const struct groupkeys *keys, size_t i)
{
	return slice_of(keys->bytes.ptr + keys->start[i],
	    keys->start[i + 1] - keys->start[i]);
}

/* The text of one column of a key. */
struct slice groupkey_value(struct slice key, size_t column);

/* Appends a value's text as keys hold it. */
void groupkey_put(struct strbuf *bytes, struct slice text);

#endif
