/* tests/unit/storage/events.h -- events of every kind, made from a seed. */
#ifndef TESTS_STORAGE_EVENTS_H
#define TESTS_STORAGE_EVENTS_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "engine/logsource.h"

#define DAY INT64_C(86400000000000)

static uint64_t seed_state = 1;

static __attribute__((unused)) uint64_t
dice(uint64_t n)
{
	seed_state ^= seed_state << 13;
	seed_state ^= seed_state >> 7;
	seed_state ^= seed_state << 17;
	return n > 0 ? (seed_state >> 11) % n : 0;
}

static struct slice
random_text(struct arena *arena, size_t most)
{
	size_t n = dice(most + 1);
	char *text = arena_text(arena, n);
	bool binary = dice(8) == 0;

	for (size_t i = 0; i < n; i++)
		text[i] = binary ? (char)dice(256) : (char)('a' + dice(26));
	return slice_of(text, n);
}

static struct slice
text_of(struct arena *arena, const char *format, uint64_t n)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s%llu", format,
	    (unsigned long long)n);

	return arena_dup(arena, slice_of(text, (size_t)len));
}

/* `kind` is fixed for a field, so that columns of one type come about. */
static struct value
random_scalar(struct arena *arena, unsigned kind)
{
	struct value value;

	switch (kind % 10) {
	case 0:
		return value_text(text_of(arena, "word", dice(5)),
		    TRANSFORM_OWNED);
	case 1:
		return value_text(random_text(arena, 40), TRANSFORM_OWNED);
	case 2:
		return value_long((int64_t)dice(1000));
	case 3:
		return value_long((int64_t)(seed_state * dice(99)));
	case 4:
		value_parse(text_of(arena, dice(3) == 0 ? "00" : "",
		    dice(100000)), TRANSFORM_OWNED, VALUE_LONG, &value);
		return value;
	case 5:
		return value_time((int64_t)dice(UINT64_C(1) << 60));
	case 6:
		return value_double((double)dice(1000) / 7);
	case 7:
		value_parse(text_of(arena, "10.0.0.", dice(256)),
		    TRANSFORM_OWNED, VALUE_IP, &value);
		return value;
	case 8:
		return value_bool(dice(2));
	default:
		return (struct value){ .type = VALUE_NULL,
		    .transform = TRANSFORM_OWNED };
	}
}

static __attribute__((unused)) struct value
random_value(struct arena *arena, unsigned kind)
{
	struct value *items;
	size_t n;

	if (kind % 13 == 12)
		kind = (unsigned)dice(13);
	if (kind % 13 < 11)
		return random_scalar(arena, kind % 13);
	n = dice(5);
	items = arena_alloc(arena, n * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = random_scalar(arena, (unsigned)dice(10));
	return value_list(items, n);
}

/* The next event: a raw line, up to `most` fields of a pool of `pool`. */
static __attribute__((unused)) struct event *
random_event(struct batch *batch, int64_t time_ns, unsigned most,
    unsigned pool)
{
	struct arena *arena = batch->arena;
	struct event *event = batch_add(batch, random_text(arena, 300),
	    SLICE("192.0.2.1:514"), time_ns + 5);
	unsigned n = (unsigned)dice(most + 1);

	event->time_ns = time_ns;
	event->has_time = dice(2) != 0;
	event->logsource = logsource_intern((struct logsource){
	    SLICE("firewall"), dice(2) != 0 ? SLICE("x") : SLICE(""),
	    SLICE("") });
	event_set(event, FIELD_EVENT_DATASET, value_text(
	    text_of(arena, "set", dice(3)), TRANSFORM_OWNED));
	if (event->raw.len > 20)
		event_set(event, FIELD_MESSAGE, value_text(
		    slice_head(slice_skip(event->raw, 7), 10),
		    TRANSFORM_NONE));
	for (unsigned i = 0; i < n; i++) {
		unsigned kind = (unsigned)dice(pool);
		char name[32];
		int len = snprintf(name, sizeof(name), "test.f%u", kind);

		event_set(event, field_intern(slice_of(name, (size_t)len)),
		    random_value(arena, kind));
	}
	if (dice(10) == 0)
		event_tag(event, EVENT_TAG_PARSE_PARTIAL);
	event_seal(event);
	return event;
}

/* As many fields as an event can come to have: full when it is sealed, then
 * with tags and hits. The batch has no other. */
static __attribute__((unused)) struct event *
fullest_event(struct batch *batch, int64_t time_ns)
{
	struct event *event = batch_add(batch, SLICE("full"),
	    SLICE("192.0.2.1:514"), time_ns);
	char name[32];

	for (int i = 0; i <= EVENT_FIELDS; i++) {
		int len = snprintf(name, sizeof(name), "full.f%d", i);

		event_set(event, field_intern(slice_of(name, (size_t)len)),
		    value_long(i));
	}
	event_seal(event);
	batch->phase = BATCH_PARSED;
	event_set_sealed(event, FIELD_YAGURA_HITS, value_long(1));
	return event;
}

/* The same to whoever looks: text of a number counts. */
static __attribute__((unused)) bool
values_agree(const struct value *a, const struct value *b)
{
	char one[VALUE_TEXT_BYTES], two[VALUE_TEXT_BYTES];

	if (!value_same(a, b))
		return false;
	if (a->type != VALUE_LIST)
		return slice_eq(value_as_text(a, one), value_as_text(b, two));
	for (size_t i = 0; i < a->len; i++)
		if (!values_agree(&a->u.items[i], &b->u.items[i]))
			return false;
	return true;
}

static __attribute__((unused)) bool
events_agree(const struct event *a, const struct event *b)
{
	if (a->time_ns != b->time_ns || a->ingested_ns != b->ingested_ns ||
	    a->seq != b->seq || !slice_eq(a->raw, b->raw) ||
	    !slice_eq(a->peer, b->peer) || a->tags != b->tags ||
	    a->logsource != b->logsource || a->has_time != b->has_time ||
	    a->n != b->n || memcmp(a->present, b->present,
	    sizeof(a->present)) != 0)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->fields[i] != b->fields[i] ||
		    !values_agree(&a->values[i], &b->values[i]))
			return false;
	return true;
}

#endif
