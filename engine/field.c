/* Names stand in an array that never moves; a table of twice its size finds
 * them by hash. A slot is one word: 16 bits of the hash and the number of the
 * field plus one. An entry is complete before its slot is stored, so readers
 * need no lock; writers take turns. Nothing is ever removed.
 */
#include "engine/field.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/check.h"
#include "engine/diag.h"
#include "engine/hash.h"
#include "engine/map.h"
#include "engine/metric.h"

#define SLOTS (2 * FIELD_LIMIT)	/* at most half used */

_Static_assert(FIELD_KNOWN < 256, "present has a bit per known field");
_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by mask");

struct entry {
	const char *ptr;	/* ends with NUL */
	uint16_t len;
	uint8_t	 type;
};

static struct entry entries[FIELD_LIMIT];
static _Atomic uint32_t slots[SLOTS];
static _Atomic uint32_t nentries;
static pthread_mutex_t insertion = PTHREAD_MUTEX_INITIALIZER;
static struct map *aliases;

static const char *const helps[] = {
#define FIELD(id, name, type, help) help,
#include "engine/field.def"
#undef FIELD
};

static uint32_t
slot_word(uint64_t hash, field_t field)
{
	return (uint32_t)(hash >> 48) << 16 | (uint32_t)(field + 1);
}

/* The field, or FIELD_NONE with *at the slot where it would go. */
static field_t
lookup(struct slice name, uint64_t hash, size_t *at)
{
	for (*at = hash & (SLOTS - 1);; *at = (*at + 1) & (SLOTS - 1)) {
		uint32_t word = atomic_load_explicit(&slots[*at],
		    memory_order_acquire);
		const struct entry *entry;

		if (word == 0)
			return FIELD_NONE;
		if (word >> 16 != (uint32_t)(hash >> 48))
			continue;
		entry = &entries[(word & 0xffff) - 1];
		if (slice_eq(slice_of(entry->ptr, entry->len), name))
			return (field_t)((word & 0xffff) - 1);
	}
}

/* Under the mutex, or before there are threads. */
static field_t
append(const char *ptr, size_t len, enum value_type type, uint64_t hash,
    size_t at)
{
	uint32_t n = atomic_load_explicit(&nentries, memory_order_relaxed);

	entries[n] = (struct entry){ ptr, (uint16_t)len, (uint8_t)type };
	atomic_store_explicit(&nentries, n + 1, memory_order_release);
	atomic_store_explicit(&slots[at], slot_word(hash, (field_t)n),
	    memory_order_release);
	return (field_t)n;
}

static void
append_known(const char *name, enum value_type type)
{
	struct slice s = slice_cstr(name);
	uint64_t hash = hash64(s);
	size_t at;

	check(lookup(s, hash, &at) == FIELD_NONE);
	append(name, s.len, type, hash, at);
}

/* Before main, so that nobody has to ask whether the table is ready. */
__attribute__((constructor)) static void
fill_known(void)
{
#define FIELD(id, name, type, help) append_known(name, VALUE_##type);
#include "engine/field.def"
#undef FIELD
	aliases = map_new_borrowing();
#define FIELD_ALIAS(alias, name) \
	map_get(aliases, SLICE(alias), NULL)->num = field_find(SLICE(name)); \
	check(field_find(SLICE(name)) != FIELD_NONE);
#include "engine/field_alias.def"
#undef FIELD_ALIAS
}

field_t
field_find(struct slice name)
{
	size_t at;

	return lookup(name, hash64(name), &at);
}

static field_t
insert(struct slice name, uint64_t hash)
{
	field_t field;
	size_t at;
	char *copy;

	check(pthread_mutex_lock(&insertion) == 0);
	field = lookup(name, hash, &at);
	if (field == FIELD_NONE && atomic_load(&nentries) < FIELD_LIMIT) {
		copy = xmalloc(name.len + 1);
		memcpy(copy, name.ptr, name.len);
		copy[name.len] = '\0';
		field = append(copy, name.len, VALUE_TEXT, hash, at);
	}
	check(pthread_mutex_unlock(&insertion) == 0);
	return field;
}

field_t
field_intern(struct slice name)
{
	uint64_t hash = hash64(name);
	size_t at;
	field_t field = lookup(name, hash, &at);

	if (field != FIELD_NONE)
		return field;
	if (name.len > 0 && name.len <= FIELD_NAME_BYTES &&
	    atomic_load_explicit(&nentries, memory_order_relaxed) <
	    FIELD_LIMIT)
		field = insert(name, hash);
	if (field == FIELD_NONE)
		metric_add(METRIC_FIELDS_REFUSED, 1);
	return field;
}

struct slice
field_name(field_t field)
{
	check(field < FIELD_LIMIT);
	return slice_of(entries[field].ptr, entries[field].len);
}

enum value_type
field_type(field_t field)
{
	return field < FIELD_KNOWN ? (enum value_type)entries[field].type
	    : VALUE_TEXT;
}

const char *
field_help(field_t field)
{
	return field < FIELD_KNOWN ? helps[field] : "";
}

size_t
field_count(void)
{
	return atomic_load_explicit(&nentries, memory_order_acquire);
}

struct slice
field_alias(struct slice name)
{
	const union map_value *field = map_find(aliases, name);

	return field == NULL ? name : field_name((field_t)field->num);
}

const char *
field_nearest(struct slice name)
{
	size_t n = field_count(), best = diag_near_enough(name) + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n && best > 0; i++) {
		struct slice seen = field_name((field_t)i);
		size_t distance = diag_distance(name, seen);

		if (distance < best) {
			best = distance;
			nearest = seen.ptr;
		}
	}
	return nearest;
}
