/* engine/field.h -- names of fields as small numbers.
 *
 * Known fields (field.def) have fixed numbers below FIELD_KNOWN and a type;
 * every other name gets the next number when it is first seen. Numbers live
 * in memory only; files carry names.
 *
 * The table only grows, up to FIELD_LIMIT; a name past it gets FIELD_NONE and
 * is counted, and its value is searchable in the raw line only.
 *
 * Owner: all threads. Reading takes no lock: names are appended, never moved
 * nor removed, and found by a table whose slots are published when the name is
 * complete. One mutex orders those who add.
 */
#ifndef YAGURA_ENGINE_FIELD_H
#define YAGURA_ENGINE_FIELD_H

#include "engine/slice.h"
#include "engine/value.h"

#define FIELD_LIMIT 32768	/* names in one process: 2 bytes a number */
#define FIELD_NAME_BYTES 256	/* longer names are refused */
#define FIELD_NONE UINT16_MAX

enum field {
#define FIELD(id, name, type, help) FIELD_##id,
#include "engine/field.def"
#undef FIELD
	FIELD_KNOWN
};

typedef uint16_t field_t;	/* a number of this table */

/* The number of a name; FIELD_NONE if nobody has used it yet. */
field_t field_find(struct slice name);

/* The number of a name, made if need be; FIELD_NONE past the limits, counted
 * as fields_refused. The name is copied. */
field_t field_intern(struct slice name);

struct slice field_name(field_t field);	/* lives for ever */
enum value_type field_type(field_t field);	/* VALUE_TEXT if not known */
const char *field_help(field_t field);	/* "" if not known */
size_t field_count(void);

/* The short name that people type (src, dst, user, ...), or the name itself:
 * aliases of yagura-query(7) resolved. */
struct slice field_alias(struct slice name);

/* The known or seen name nearest to what was typed, or NULL. Owned by the
 * table. */
const char *field_nearest(struct slice name);

#endif
