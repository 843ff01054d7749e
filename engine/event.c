/* Fields and values stand in two arrays side by side, in the order they were
 * set until event_seal() sorts them. `present` says at once whether a field
 * below 256 is there; when sealed it also says where: such fields come first,
 * so a field's place is the number of bits below its own.
 */
#include "engine/event.h"

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define SCAN_FIELDS 96	/* fewer are looked through faster than halved */
#define LEAST_FIELDS 16	/* room at first; a multiple of 8 for the scan */
#define FIRST_FIELDS 96	/* as many at most, if the last events had them */

/* About how many values the events of this thread have, so that most fit at
 * once and few leave room. */
static _Thread_local unsigned usual_fields = 32;

static const char *const tag_names[] = {
#define EVENT_TAG(id, name, help) name,
#include "engine/event_tag.def"
#undef EVENT_TAG
};

_Static_assert(EVENT_TAGS <= 32, "tags has a bit per tag");

void
event_init(struct event *event, struct batch *batch)
{
	memset(event, 0, sizeof(*event));
	event->batch = batch;
}

static bool
has_bit(const struct event *event, field_t field)
{
	return (event->present[field >> 6] >> (field & 63) & 1) != 0;
}

/* Where the field stands, or -1. The room behind n up to a multiple of 8 is
 * ours, so whole vectors are read and what lies behind n is masked out. */
static int
scan(const struct event *event, field_t field)
{
#if defined(__SSE2__)
	__m128i wanted = _mm_set1_epi16((short)field);

	for (unsigned i = 0; i < event->n; i += 8) {
		__m128i eight = _mm_loadu_si128(
		    (const __m128i *)(const void *)(event->fields + i));
		unsigned mask = (unsigned)_mm_movemask_epi8(
		    _mm_cmpeq_epi16(eight, wanted));
		unsigned left = event->n - i;

		if (left < 8)
			mask &= (1u << 2 * left) - 1;
		if (mask != 0)
			return (int)(i + (unsigned)__builtin_ctz(mask) / 2);
	}
#else
	for (unsigned i = 0; i < event->n; i++)
		if (event->fields[i] == field)
			return (int)i;
#endif
	return -1;
}

/* Without the instruction, which not every processor has, the compiler calls a
 * function. */
static inline unsigned
bits_of(uint64_t word)
{
	word -= word >> 1 & 0x5555555555555555u;
	word = (word & 0x3333333333333333u) + (word >> 2 &
	    0x3333333333333333u);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (unsigned)(word * 0x0101010101010101u >> 56);
}

static unsigned
bits_below(const struct event *event, unsigned field)
{
	unsigned n = 0, word;

	for (word = 0; word < field >> 6; word++)
		n += bits_of(event->present[word]);
	if ((field & 63) != 0)
		n += bits_of(event->present[word] &
		    ((UINT64_C(1) << (field & 63)) - 1));
	return n;
}

static int
search_sealed(const struct event *event, field_t field)
{
	unsigned low, high = event->n;

	if (field < 256)
		return (int)bits_below(event, field);
	if (high <= SCAN_FIELDS)
		return scan(event, field);
	low = bits_below(event, 255) + has_bit(event, 255);
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (event->fields[middle] < field)
			low = middle + 1;
		else
			high = middle;
	}
	return low < event->n && event->fields[low] == field ? (int)low : -1;
}

/* A bit says so; not for sealed events. */
static inline bool
is_new(const struct event *event, field_t field)
{
	return field < 256 ? !has_bit(event, field)
	    : (event->others >> (field & 63) & 1) == 0;
}

static inline void
mark(struct event *event, field_t field)
{
	if (field < 256)
		event->present[field >> 6] |= UINT64_C(1) << (field & 63);
	else
		event->others |= UINT64_C(1) << (field & 63);
}

static int
place_of(const struct event *event, field_t field)
{
	if ((field < 256 || !event->sealed) && is_new(event, field))
		return -1;
	return event->sealed ? search_sealed(event, field)
	    : scan(event, field);
}

static unsigned
first_room(void)
{
	unsigned room = (usual_fields + 7) & ~7u;

	return room < LEAST_FIELDS ? LEAST_FIELDS
	    : room > FIRST_FIELDS ? FIRST_FIELDS : room;
}

static void
grow(struct event *event)
{
	struct arena *arena = event->batch->arena;
	unsigned cap = event->cap > 0 ? event->cap * 2u : first_room();
	field_t *fields = arena_alloc(arena, cap * sizeof(*fields));
	struct value *values = arena_alloc(arena, cap * sizeof(*values));

	if (event->n > 0) {
		memcpy(fields, event->fields, event->n * sizeof(*fields));
		memcpy(values, event->values, event->n * sizeof(*values));
	}
	/* The scan reads whole vectors; let it read something defined. */
	memset(fields + event->n, 0, (cap - event->n) * sizeof(*fields));
	event->fields = fields;
	event->values = values;
	event->cap = (uint16_t)cap;
}

/* The place for the field's value, made if need be; NULL if there is none. */
static struct value *
place_for(struct event *event, field_t field)
{
	int at;

	check(!event->sealed);
	if (field == FIELD_NONE)
		goto full;
	at = place_of(event, field);
	if (at >= 0)
		return &event->values[at];
	/* That it is full is told by a tag, for which there is always room. */
	if (event->n >= EVENT_FIELDS && field != FIELD_TAGS)
		goto full;
	if (event->n == event->cap)
		grow(event);
	mark(event, field);
	event->fields[event->n] = field;
	event->values[event->n] = (struct value){ .type = VALUE_NULL };
	return &event->values[event->n++];

full:
	event_tag(event, EVENT_TAG_FIELDS_CAPPED);
	return NULL;
}

bool
event_set(struct event *event, field_t field, struct value value)
{
	struct value *place;

	/* Most fields are new, and there is room. */
	if (event->n < event->cap && event->n < EVENT_FIELDS &&
	    field != FIELD_NONE && !event->sealed && is_new(event, field)) {
		mark(event, field);
		event->fields[event->n] = field;
		event->values[event->n++] = value;
		return true;
	}
	place = place_for(event, field);
	if (place == NULL)
		return false;
	*place = value;
	return true;
}

bool
event_set_text(struct event *event, field_t field, struct slice text,
    enum transform transform)
{
	struct value value;

	if (field == FIELD_NONE) {
		event_tag(event, EVENT_TAG_FIELDS_CAPPED);
		return false;
	}
	if (!value_parse(text, transform, field_type(field), &value))
		return false;
	return event_set(event, field, value);
}

/* `reserved` of a list that we grow is its capacity; lists made elsewhere have
 * 0 and are copied before the first append. */
static bool
list_append(struct event *event, struct value *list, struct value item)
{
	struct value *items;
	unsigned cap;

	for (size_t i = 0; i < list->len; i++)
		if (value_same(&list->u.items[i], &item))
			return true;
	if (list->len >= EVENT_ITEMS) {
		event_tag(event, EVENT_TAG_FIELDS_CAPPED);
		return false;
	}
	if (list->len >= list->reserved) {
		cap = list->len < 4 ? 4 : list->len * 2;
		items = arena_alloc(event->batch->arena,
		    cap * sizeof(*items));
		if (list->len > 0)
			memcpy(items, list->u.items,
			    list->len * sizeof(*items));
		items[list->len] = item;
		list->u.items = items;
		list->reserved = (uint16_t)cap;
	} else {
		union { const struct value *in; struct value *out; } room =
		    { .in = list->u.items };

		room.out[list->len] = item;
	}
	list->len++;
	return true;
}

bool
event_append(struct event *event, field_t field, struct value value)
{
	bool fresh = field == FIELD_NONE || place_of(event, field) < 0;
	struct value *place = place_for(event, field), first;

	if (place == NULL)
		return false;
	if (place->type != VALUE_LIST) {
		first = *place;
		*place = value_list(NULL, 0);
		if (!fresh)
			list_append(event, place, first);
	}
	return list_append(event, place, value);
}

bool
event_join(struct event *event, field_t field, struct value value)
{
	unsigned before = event->n;
	struct value *place = place_for(event, field);

	if (place == NULL)
		return false;
	if (event->n == before)
		return event_append(event, field, value);
	*place = value;
	return true;
}

void
event_unset(struct event *event, field_t field)
{
	int at;

	check(!event->sealed);
	if (field == FIELD_NONE)
		return;
	at = place_of(event, field);
	if (at < 0)
		return;
	event->n--;
	event->fields[at] = event->fields[event->n];
	event->values[at] = event->values[event->n];
	if (field < 256)
		event->present[field >> 6] &= ~(UINT64_C(1) << (field & 63));
}

const struct value *
event_get(const struct event *event, field_t field)
{
	int at = field == FIELD_NONE ? -1 : place_of(event, field);

	return at < 0 ? NULL : &event->values[at];
}

static struct value
tags_as_list(const struct event *event)
{
	struct value *items = arena_alloc(event->batch->arena,
	    EVENT_TAGS * sizeof(*items));
	size_t n = 0;

	for (unsigned tag = 0; tag < EVENT_TAGS; tag++)
		if ((event->tags >> tag & 1) != 0)
			items[n++] = value_text(slice_cstr(tag_names[tag]),
			    TRANSFORM_OWNED);
	return value_list(items, n);
}

bool
event_value(const struct event *event, field_t field, struct value *out)
{
	const struct value *value = event_get(event, field);
	char *id;

	if (value != NULL) {
		*out = *value;
		return true;
	}
	switch (field) {
	case FIELD_TIMESTAMP:
		*out = value_time(event->time_ns);
		return true;
	case FIELD_EVENT_INGESTED:
		*out = value_time(event->ingested_ns);
		return true;
	case FIELD_EVENT_ORIGINAL:
		*out = value_text(event->raw, TRANSFORM_NONE);
		return true;
	case FIELD_EVENT_ID:
		id = arena_text(event->batch->arena, EVENT_ID_BYTES);
		event_id(event, id);
		*out = value_text(slice_of(id, EVENT_ID_BYTES - 1),
		    TRANSFORM_OWNED);
		return true;
	case FIELD_TAGS:
		if (event->tags == 0)
			return false;
		*out = tags_as_list(event);
		return true;
	default:
		return false;
	}
}

struct slice
event_text(const struct event *event, field_t field,
    char buf[VALUE_TEXT_BYTES])
{
	const struct value *value = event_get(event, field);

	if (value == NULL || value_members(value) == 0)
		return slice_of("", 0);
	return value_as_text(value_member(value, 0), buf);
}

void
event_tag(struct event *event, enum event_tag tag)
{
	event->tags |= UINT32_C(1) << tag;
}

const char *
event_tag_name(enum event_tag tag)
{
	check(tag < EVENT_TAGS);
	return tag_names[tag];
}

/* Decoders meet fields in much the same order as the table or in runs of it;
 * insertion is then next to free. A long event in bad order is left to a
 * Shell sort, whose worst case a sender cannot make hurt. */
static void
sort_keys(uint32_t *keys, unsigned n)
{
	static const unsigned gaps[] = { 301, 132, 57, 23, 10, 4, 1 };

	for (unsigned g = n > 48 ? 0 : 6; g < 7; g++) {
		unsigned gap = gaps[g];

		for (unsigned i = gap; i < n; i++) {
			uint32_t key = keys[i];
			unsigned j = i;

			for (; j >= gap && keys[j - gap] > key; j -= gap)
				keys[j] = keys[j - gap];
			keys[j] = key;
		}
	}
}

/* Where each field below 256 comes to stand: they come first, in the order of
 * their bits. Answers how many there are. */
static unsigned
rank_known(const struct event *event, uint8_t rank[256])
{
	unsigned n = 0;

	for (unsigned word = 0; word < 4; word++)
		for (uint64_t left = event->present[word]; left != 0;
		    left &= left - 1)
			rank[word * 64 + (unsigned)__builtin_ctzll(left)] =
			    (uint8_t)n++;
	return n;
}

/* Events of one kind set the same fields in the same order, so the order in
 * which they come to stand is kept for a few kinds by each thread. */
#define ORDERS 32		/* kinds; a power of two */
#define ORDER_FIELDS 80		/* of longer events it is found each time */
struct order {
	uint16_t n;
	field_t	 from[ORDER_FIELDS], to[ORDER_FIELDS];
	uint8_t	 at[ORDER_FIELDS];	/* place in `from` of each in `to` */
};

static struct order *
order_for(const struct event *event)
{
	static _Thread_local struct order orders[ORDERS];
	uint32_t hash = event->n, n = event->n;

	hash = hash * 31 + event->fields[n - 1];
	hash = hash * 31 + event->fields[n / 2];
	hash = hash * 31 + event->fields[n * 3 / 4];
	hash *= 2654435769u;
	return &orders[hash >> 27];
}

_Static_assert(ORDERS == 1 << (32 - 27), "five bits of the hash");

/* Only the fields past 255 have to be compared with each other. */
static void
order_find(struct order *order, const struct event *event)
{
	uint32_t keys[ORDER_FIELDS];
	uint8_t rank[256];
	unsigned known = rank_known(event, rank), n = 0;

	for (unsigned i = 0; i < event->n; i++) {
		field_t field = event->fields[i];

		order->from[i] = field;
		if (field < 256)
			order->at[rank[field]] = (uint8_t)i;
		else
			keys[n++] = (uint32_t)field << 16 | i;
	}
	sort_keys(keys, n);
	for (unsigned i = 0; i < n; i++)
		order->at[known + i] = (uint8_t)(keys[i] & 0xffff);
	for (unsigned i = 0; i < event->n; i++)
		order->to[i] = event->fields[order->at[i]];
	order->n = event->n;
}

static void
sort_few(struct event *event, struct value *values)
{
	struct order *order = order_for(event);
	const struct value *from = event->values;
	size_t bytes = event->n * sizeof(event->fields[0]);

	if (order->n != event->n || memcmp(order->from, event->fields,
	    bytes) != 0)
		order_find(order, event);
	for (unsigned i = 0; i < event->n; i++)
		values[i] = from[order->at[i]];
	memcpy(event->fields, order->to, bytes);
}

static void
sort_many(struct event *event, struct value *values)
{
	uint32_t keys[EVENT_FIELDS_MOST];

	for (unsigned i = 0; i < event->n; i++)
		keys[i] = (uint32_t)event->fields[i] << 16 | i;
	sort_keys(keys, event->n);
	for (unsigned i = 0; i < event->n; i++) {
		values[i] = event->values[keys[i] & 0xffff];
		event->fields[i] = (field_t)(keys[i] >> 16);
	}
}

static void
sort_values(struct event *event)
{
	struct value *values = arena_alloc(event->batch->arena,
	    event->cap * sizeof(*values));

	if (event->n <= ORDER_FIELDS)
		sort_few(event, values);
	else
		sort_many(event, values);
	event->values = values;
}

void
event_seal(struct event *event)
{
	check(!event->sealed);
	for (unsigned tag = 0; tag < EVENT_TAGS && event->tags >> tag != 0;
	    tag++)
		if ((event->tags >> tag & 1) != 0)
			event_append(event, FIELD_TAGS, value_text(
			    slice_cstr(tag_names[tag]), TRANSFORM_OWNED));
	if (event->n > 0)
		sort_values(event);
	usual_fields = event->n >= usual_fields ? event->n
	    : usual_fields - (usual_fields - event->n) / 8;
	event->sealed = true;
}

void
event_set_sealed(struct event *event, field_t field, struct value value)
{
	unsigned at;

	check(event->sealed && field < FIELD_KNOWN);
	check(event->batch->phase == BATCH_PARSED);
	at = bits_below(event, field);
	if (has_bit(event, field)) {
		event->values[at] = value;
		return;
	}
	check(event->n < EVENT_FIELDS_MOST);
	if (event->n == event->cap)
		grow(event);
	memmove(event->fields + at + 1, event->fields + at,
	    (event->n - at) * sizeof(*event->fields));
	memmove(event->values + at + 1, event->values + at,
	    (event->n - at) * sizeof(*event->values));
	event->fields[at] = field;
	event->values[at] = value;
	event->present[field >> 6] |= UINT64_C(1) << (field & 63);
	event->n++;
}

static void
put_hex(char *out, uint64_t n, unsigned digits)
{
	while (digits-- > 0) {
		out[digits] = "0123456789abcdef"[n & 15];
		n >>= 4;
	}
}

void
event_id(const struct event *event, char out[EVENT_ID_BYTES])
{
	const struct value *id = event_get(event, FIELD_EVENT_ID);

	if (id != NULL && id->type == VALUE_TEXT &&
	    id->len < EVENT_ID_BYTES) {
		memcpy(out, id->text, id->len);
		out[id->len] = '\0';
		return;
	}
	put_hex(out, event->batch->node, 8);
	put_hex(out + 8, event->seq, 16);
	out[24] = '\0';
}

/* `,"name":`, and the value at once if it is a text without anything to
 * escape, as nearly all are. */
static void
put_member(struct strbuf *buf, field_t field, const struct value *value)
{
	struct slice name = field_name(field);
	bool text = value->type == VALUE_TEXT || value->type == VALUE_IP;
	char *at = strbuf_room(buf, name.len + 6 + (text ? value->len : 0));
	char *start = at, *end;

	at[0] = ',';
	at[1] = '"';
	/* Names of our own table need no escaping. */
	end = json_copy_plain(at + 2, name);
	if (end != NULL) {
		end[0] = '"';
		at = end + 1;
	} else {
		buf->len++;
		json_put_string(buf, name);
		start = strbuf_room(buf, 3 + (text ? value->len : 0));
		at = start;
	}
	*at++ = ':';
	if (text) {
		at[0] = '"';
		end = json_copy_plain(at + 1, slice_of(value->text,
		    value->len));
		if (end != NULL) {
			end[0] = '"';
			end[1] = '\0';
			buf->len += (size_t)(end + 1 - start);
			return;
		}
	}
	buf->len += (size_t)(at - start);
	value_json(buf, value);
}

/* Arrival is the same for all lines of a block. */
static struct slice
time_as_text(int64_t time_ns, char buf[VALUE_TEXT_BYTES])
{
	static _Thread_local struct {
		int64_t	 ns;
		uint8_t	 len;
		char	 text[VALUE_TEXT_BYTES];
	} last;
	struct slice text;

	if (last.len == 0 || last.ns != time_ns) {
		text = time_format_rfc3339(time_ns, buf);
		memcpy(last.text, text.ptr, text.len);
		last.len = (uint8_t)text.len;
		last.ns = time_ns;
	}
	return slice_of(last.text, last.len);
}

static bool
is_struct_member(field_t field)
{
	return field == FIELD_TIMESTAMP || field == FIELD_EVENT_INGESTED ||
	    field == FIELD_EVENT_ID || field == FIELD_EVENT_ORIGINAL;
}

void
event_json(struct strbuf *buf, const struct event *event, bool raw)
{
	size_t start = buf->len;
	const struct value *own = event_get(event, FIELD_EVENT_ID);
	struct value value;
	char id[EVENT_ID_BYTES], arrival[VALUE_TEXT_BYTES];

	event_id(event, id);
	value = value_time(event->time_ns);
	put_member(buf, FIELD_TIMESTAMP, &value);
	buf->ptr[start] = '{';
	value = value_text(time_as_text(event->ingested_ns, arrival),
	    TRANSFORM_OWNED);
	put_member(buf, FIELD_EVENT_INGESTED, &value);
	/* An alert's own id is longer than a sequence. */
	value = value_text(slice_cstr(id), TRANSFORM_OWNED);
	put_member(buf, FIELD_EVENT_ID, own != NULL ? own : &value);
	if (raw) {
		value = value_text(event->raw, TRANSFORM_NONE);
		put_member(buf, FIELD_EVENT_ORIGINAL, &value);
	}
	for (unsigned i = 0; i < event->n; i++)
		if (!is_struct_member(event->fields[i]))
			put_member(buf, event->fields[i], &event->values[i]);
	strbuf_putc(buf, '}');
}
