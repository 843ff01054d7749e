/* A row:
 *
 *	 0 u8  format, 1	 8 u32 node of event ids
 *	 1 u8  codec		12 u32 events
 *	 2 u16 0		16 u32 where the names begin, unpacked
 *	 4 u32 unpacked bytes	20 u32 bytes of all raw lines
 *	24 .. packed: events, then the names: count, each length and bytes
 *
 * An event: flags, differences of time, arrival and sequence to the event
 * before it, [peer], [log source], raw line, number of values, values: number
 * of the name, tag, value. All numbers are varints.
 */
#include "storage/tail.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/logsource.h"
#include "engine/strbuf.h"
#include "storage/chunk_source.h"
#include "storage/codec.h"
#include "storage/pack.h"

#define FORMAT 1
#define EVENT_LEAST 6	/* bytes of an event at least */

/* Flags of an event. */
#define HAS_TIME 1u
#define SAME_PEER 2u
#define SAME_LOGSOURCE 4u

/* Beside the type in the tag of a value. */
#define TEXT_FOLLOWS 0x80u	/* of a number: its own text */
#define TEXT_IN_RAW 0x40u	/* place and length instead of bytes */

struct tail_packer {
	struct packer *packer;
	struct strbuf body, row;
	uint16_t number_of[FIELD_LIMIT];	/* 1 + number in this row */
	field_t	 names[FIELD_LIMIT];
	unsigned nnames;
};

struct tail_packer *
tail_packer_new(struct packer *packer)
{
	struct tail_packer *tail = xcalloc(1, sizeof(*tail));

	tail->packer = packer;
	strbuf_init(&tail->body);
	strbuf_init(&tail->row);
	return tail;
}

void
tail_packer_free(struct tail_packer *tail)
{
	if (tail == NULL)
		return;
	strbuf_fini(&tail->body);
	strbuf_fini(&tail->row);
	free(tail);
}

/* --- packing ------------------------------------------------------------- */

static char *
copy(char *at, const char *text, size_t n)
{
	at = put_varint(at, n);
	if (n > 0)
		memcpy(at, text, n);
	return at + n;
}

/* Room for any scalar: tag, number, length, text. */
#define SCALAR_BYTES(value) (1 + 2 * VARINT_BYTES + (size_t)(value)->len)

static char *
put_scalar(char *at, const struct value *value, struct slice raw)
{
	uintptr_t place = (uintptr_t)value->text - (uintptr_t)raw.ptr;
	bool is_text = value->type == VALUE_TEXT || value->type == VALUE_IP;
	bool in_raw = value->text != NULL && value->len > 2 &&
	    place < raw.len && value->len <= raw.len - place;
	unsigned tag = value->type | (in_raw ? TEXT_IN_RAW : 0);

	if (!is_text && value->text != NULL)
		tag |= TEXT_FOLLOWS;
	*at++ = (char)tag;
	switch (value->type) {
	case VALUE_LONG:
	case VALUE_TIME:
	case VALUE_BOOL:
		at = put_varint(at, zigzag(value->u.num));
		break;
	case VALUE_DOUBLE:
		at = put_u64(at, (uint64_t)value->u.num);
		break;
	case VALUE_TEXT:
	case VALUE_IP:
		break;
	default:
		at[-1] = VALUE_NULL;
		return at;
	}
	if (!is_text && value->text == NULL)
		return at;
	if (in_raw)
		return put_varint(put_varint(at, place), value->len);
	return copy(at, value->text, value->len);
}

static void
put_value(struct strbuf *body, const struct value *value, struct slice raw)
{
	char *at;

	if (value->type != VALUE_LIST) {
		at = strbuf_room(body, SCALAR_BYTES(value));
		body->len = (size_t)(put_scalar(at, value, raw) - body->ptr);
		return;
	}
	at = strbuf_room(body, 1 + VARINT_BYTES);
	*at++ = VALUE_LIST;
	body->len = (size_t)(put_varint(at, value->len) - body->ptr);
	for (uint32_t i = 0; i < value->len; i++) {
		const struct value *item = &value->u.items[i];

		at = strbuf_room(body, SCALAR_BYTES(item));
		body->len = (size_t)(put_scalar(at, item, raw) - body->ptr);
	}
}

static unsigned
number_of(struct tail_packer *tail, field_t field)
{
	if (tail->number_of[field] == 0) {
		tail->names[tail->nnames++] = field;
		tail->number_of[field] = (uint16_t)tail->nnames;
	}
	return tail->number_of[field] - 1u;
}

static char *
put_logsource(char *at, uint16_t number)
{
	const struct logsource *logsource = logsource_at(number);

	at = copy(at, logsource->category.ptr, logsource->category.len);
	at = copy(at, logsource->product.ptr, logsource->product.len);
	return copy(at, logsource->service.ptr, logsource->service.len);
}

static size_t
logsource_bytes(uint16_t number)
{
	const struct logsource *logsource = logsource_at(number);

	return logsource->category.len + logsource->product.len +
	    logsource->service.len;
}

static void
put_event(struct tail_packer *tail, const struct event *event,
    const struct event *last)
{
	struct strbuf *body = &tail->body;
	unsigned flags = event->has_time ? HAS_TIME : 0;
	char *at;

	if (slice_eq(event->peer, last->peer))
		flags |= SAME_PEER;
	if (event->logsource == last->logsource)
		flags |= SAME_LOGSOURCE;
	at = strbuf_room(body, 10 * VARINT_BYTES + event->peer.len +
	    logsource_bytes(event->logsource) + event->raw.len);
	at = put_varint(at, flags);
	at = put_varint(at, zigzag((int64_t)((uint64_t)event->time_ns -
	    (uint64_t)last->time_ns)));
	at = put_varint(at, zigzag((int64_t)((uint64_t)event->ingested_ns -
	    (uint64_t)last->ingested_ns)));
	at = put_varint(at, event->seq - last->seq);
	if ((flags & SAME_PEER) == 0)
		at = copy(at, event->peer.ptr, event->peer.len);
	if ((flags & SAME_LOGSOURCE) == 0)
		at = put_logsource(at, event->logsource);
	at = copy(at, event->raw.ptr, event->raw.len);
	at = put_varint(at, event->n);
	body->len = (size_t)(at - body->ptr);
	for (unsigned i = 0; i < event->n; i++) {
		at = strbuf_room(body, VARINT_BYTES);
		body->len = (size_t)(put_varint(at, number_of(tail,
		    event->fields[i])) - body->ptr);
		put_value(body, &event->values[i], event->raw);
	}
}

static void
put_names(struct tail_packer *tail)
{
	struct strbuf *body = &tail->body;
	char *at = strbuf_room(body, VARINT_BYTES);

	body->len = (size_t)(put_varint(at, tail->nnames) - body->ptr);
	for (unsigned i = 0; i < tail->nnames; i++) {
		struct slice name = field_name(tail->names[i]);

		at = strbuf_room(body, VARINT_BYTES + name.len);
		body->len = (size_t)(copy(at, name.ptr, name.len) - body->ptr);
		tail->number_of[tail->names[i]] = 0;
	}
	tail->nnames = 0;
}

struct slice
tail_pack(struct tail_packer *tail, const struct event *const *events,
    size_t n)
{
	static const struct event before;
	size_t names_at, raw_bytes = 0;
	enum codec codec;
	char *at;

	check(n > 0);
	strbuf_clear(&tail->body);
	for (size_t i = 0; i < n; i++) {
		put_event(tail, events[i], i > 0 ? events[i - 1] : &before);
		raw_bytes += events[i]->raw.len;
	}
	names_at = tail->body.len;
	put_names(tail);
	check(tail->body.len <= SECTION_BYTES);

	strbuf_clear(&tail->row);
	strbuf_room(&tail->row, TAIL_HEAD);
	tail->row.len = TAIL_HEAD;
	codec = packer_run(tail->packer, strbuf_slice(&tail->body),
	    &tail->row);
	at = tail->row.ptr;
	*at++ = FORMAT;
	*at++ = (char)codec;
	at = put_u16(at, 0);
	at = put_u32(at, (uint32_t)tail->body.len);
	at = put_u32(at, events[0]->batch->node);
	at = put_u32(at, (uint32_t)n);
	at = put_u32(at, (uint32_t)names_at);
	put_u32(at, (uint32_t)raw_bytes);
	return strbuf_slice(&tail->row);
}

/* --- unpacking ----------------------------------------------------------- */

struct unpacking {
	struct arena *arena;
	struct reader r;		/* events */
	struct batch *batch;
	field_t	*names;
	size_t	 nnames;
};

static struct slice
get_text(struct reader *r, unsigned tag, struct slice raw)
{
	uint64_t place, length;

	if ((tag & TEXT_IN_RAW) == 0)
		return read_bytes(r, read_varint(r));
	place = read_varint(r);
	length = read_varint(r);
	if (place > raw.len || length > raw.len - place) {
		r->bad = true;
		return slice_of("", 0);
	}
	return slice_of(raw.ptr + place, (size_t)length);
}

static void
get_scalar(struct reader *r, unsigned tag, struct slice raw,
    struct value *out)
{
	enum transform transform = (tag & TEXT_IN_RAW) != 0 ? TRANSFORM_NONE :
	    TRANSFORM_OWNED;
	unsigned type = tag & 0x3f;
	struct slice text;

	*out = (struct value){ .type = VALUE_NULL,
	    .transform = (uint8_t)transform };
	switch (type) {
	case VALUE_NULL:
		return;
	case VALUE_TEXT:
	case VALUE_IP:
		value_parse(get_text(r, tag, raw), transform, type, out);
		return;
	case VALUE_LONG:
	case VALUE_TIME:
	case VALUE_BOOL:
		out->u.num = unzigzag(read_varint(r));
		break;
	case VALUE_DOUBLE:
		out->u.num = (int64_t)read_u64(r);
		break;
	default:
		r->bad = true;
		return;
	}
	out->type = (uint8_t)type;
	if ((tag & TEXT_FOLLOWS) != 0) {
		text = get_text(r, tag, raw);
		out->text = text.ptr;
		out->len = (uint32_t)text.len;
	}
}

static void
get_value(struct unpacking *u, struct slice raw, struct value *out)
{
	unsigned tag = read_u8(&u->r);
	struct value *items;
	size_t n;

	if (tag != VALUE_LIST) {
		get_scalar(&u->r, tag, raw, out);
		return;
	}
	n = read_count(&u->r, 1);
	items = arena_alloc(u->arena, n * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		get_scalar(&u->r, read_u8(&u->r), raw, &items[i]);
	*out = value_list(items, n);
}

static uint16_t
get_logsource(struct reader *r)
{
	struct logsource logsource;

	logsource.category = read_bytes(r, read_varint(r));
	logsource.product = read_bytes(r, read_varint(r));
	logsource.service = read_bytes(r, read_varint(r));
	return logsource_intern(logsource);
}

/* Names may have other numbers in this process than where the row was made:
 * sealing sorts them again. */
static void
get_values(struct unpacking *u, struct event *event)
{
	size_t n = read_count(&u->r, 2);

	if (n > EVENT_FIELDS_MOST)
		u->r.bad = true;
	if (u->r.bad)
		return;
	event->fields = arena_zalloc(u->arena,
	    (n + 8) * sizeof(*event->fields));
	event->values = arena_alloc(u->arena, n * sizeof(*event->values));
	event->cap = (uint16_t)n;
	for (size_t i = 0; i < n && !u->r.bad; i++) {
		uint64_t number = read_varint(&u->r);
		struct value value;
		field_t field;

		get_value(u, event->raw, &value);
		if (number >= u->nnames) {
			u->r.bad = true;
			return;
		}
		field = u->names[number];
		if (field == FIELD_NONE)
			continue;
		event->fields[event->n] = field;
		event->values[event->n++] = value;
		if (field >= 256)
			continue;
		/* Sealing takes each field for one value. */
		if ((event->present[field >> 6] >> (field & 63) & 1) != 0)
			u->r.bad = true;
		event->present[field >> 6] |= UINT64_C(1) << (field & 63);
	}
}

/* Names beyond the first 256 stand beside each other when they are sorted. */
static bool
has_twins(const struct event *event)
{
	for (size_t i = 1; i < event->n; i++)
		if (event->fields[i - 1] == event->fields[i])
			return true;
	return false;
}

static void
get_event(struct unpacking *u, struct event *event, const struct event *last)
{
	struct reader *r = &u->r;
	uint64_t flags;

	event_init(event, u->batch);
	flags = read_varint(r);
	event->has_time = (flags & HAS_TIME) != 0;
	event->time_ns = (int64_t)((uint64_t)last->time_ns +
	    (uint64_t)unzigzag(read_varint(r)));
	event->ingested_ns = (int64_t)((uint64_t)last->ingested_ns +
	    (uint64_t)unzigzag(read_varint(r)));
	event->seq = last->seq + read_varint(r);
	event->peer = (flags & SAME_PEER) != 0 ? last->peer :
	    read_bytes(r, read_varint(r));
	event->logsource = (flags & SAME_LOGSOURCE) != 0 ? last->logsource :
	    get_logsource(r);
	event->raw = read_bytes(r, read_varint(r));
	get_values(u, event);
	if (r->bad)
		return;
	event_seal(event);
	if (has_twins(event)) {
		r->bad = true;
		return;
	}
	event_tags_restore(event);
}

static void
get_names(struct unpacking *u, struct slice bytes)
{
	struct reader r = reader_of(bytes);
	size_t n = read_count(&r, 1);

	if (n > FIELD_LIMIT)
		r.bad = true;
	u->names = arena_alloc(u->arena, n * sizeof(*u->names));
	for (size_t i = 0; i < n && !r.bad; i++)
		u->names[i] = field_intern(read_bytes(&r, read_varint(&r)));
	u->nnames = n;
	u->r.bad = u->r.bad || r.bad || r.at != r.end;
}

struct event *
tail_unpack(struct slice row, struct arena *arena, size_t *n, struct err *err)
{
	static const struct event before;
	struct unpacking u = { .arena = arena };
	struct event *events;
	uint32_t bytes, names_at, count;
	char *body;

	if (row.len < TAIL_HEAD || row.ptr[0] != FORMAT)
		goto damaged;
	bytes = get_u32(row.ptr + 4);
	count = get_u32(row.ptr + 12);
	names_at = get_u32(row.ptr + 16);
	if (bytes > SECTION_BYTES || names_at > bytes || count == 0 ||
	    count > names_at / EVENT_LEAST)
		goto damaged;
	body = arena_text(arena, bytes);
	if (!codec_unpack((uint8_t)row.ptr[1], slice_skip(row, TAIL_HEAD),
	    body, bytes))
		goto damaged;
	u.batch = arena_zalloc(arena, sizeof(*u.batch));
	u.batch->phase = BATCH_MATCHED;
	u.batch->node = get_u32(row.ptr + 8);
	u.batch->arena = arena;
	u.r = reader_of(slice_of(body, names_at));
	get_names(&u, slice_of(body + names_at, bytes - names_at));
	events = arena_alloc(arena, count * sizeof(*events));
	for (uint32_t i = 0; i < count && !u.r.bad; i++)
		get_event(&u, &events[i], i > 0 ? &events[i - 1] : &before);
	if (u.r.bad || u.r.at != u.r.end)
		goto damaged;
	*n = count;
	return events;

damaged:
	err_set(err, ERR_DAMAGED, "a row of the tail does not check");
	return NULL;
}

uint64_t
tail_raw_bytes(struct slice head)
{
	return head.len < TAIL_HEAD || head.ptr[0] != FORMAT ? 0 :
	    get_u32(head.ptr + 20);
}
