#include "parsers/join_record.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"

#define ARENA_BYTES 4096	/* most records are small */

struct record *
record_new(void)
{
	struct record *record = xcalloc(1, sizeof(*record));

	record->arena = arena_new(ARENA_BYTES);
	strbuf_init(&record->raw);
	strbuf_init(&record->text);
	strbuf_init(&record->ids);
	return record;
}

void
record_free(struct record *record)
{
	arena_free(record->arena);
	strbuf_fini(&record->raw);
	strbuf_fini(&record->text);
	strbuf_fini(&record->ids);
	free(record->pieces.at);
	free(record->held);
	free(record);
}

void
record_clear(struct record *record)
{
	struct record clean = { .arena = record->arena,
	    .held = record->held, .held_cap = record->held_cap,
	    .raw = record->raw, .text = record->text, .ids = record->ids,
	    .pieces = { .at = record->pieces.at,
	    .cap = record->pieces.cap } };

	arena_reset(clean.arena);
	strbuf_clear(&clean.raw);
	strbuf_clear(&clean.text);
	strbuf_clear(&clean.ids);
	*record = clean;
}

size_t
record_bytes(const struct record *record)
{
	return arena_bytes(record->arena) + record->raw.len +
	    record->text.len + record->ids.len +
	    record->pieces.cap * sizeof(*record->pieces.at) +
	    record->held_cap * sizeof(*record->held);
}

/* --- what a line gives -------------------------------------------------- */

static struct held *
find_held(struct record *record, field_t field)
{
	for (size_t i = 0; i < record->nheld; i++)
		if (record->held[i].field == field)
			return &record->held[i];
	return NULL;
}

static bool
is_collected(const struct join_spec *spec, field_t field)
{
	for (size_t i = 0; i < spec->ncollect; i++)
		if (spec->collect[i] == field)
			return true;
	return false;
}

/* A copy that is a slice of no line. */
static struct value
own_value(struct arena *arena, const struct value *value)
{
	struct value copy = value_dup(arena, value);
	struct value *items;

	copy.transform = TRANSFORM_OWNED;
	if (copy.type != VALUE_LIST || copy.len == 0)
		return copy;
	items = arena_alloc(arena, copy.len * sizeof(*items));
	memcpy(items, copy.u.items, copy.len * sizeof(*items));
	for (uint32_t i = 0; i < copy.len; i++)
		items[i].transform = TRANSFORM_OWNED;
	return value_list(items, copy.len);
}

static void
collect(struct record *record, struct held *held, const struct value *item)
{
	struct value *items;

	for (uint32_t i = 0; i < held->n; i++)
		if (value_same(&held->items[i], item))
			return;
	if (held->n == RECORD_COLLECTED) {
		record->tags |= 1u << EVENT_TAG_FIELDS_CAPPED;
		return;
	}
	if (held->n == held->cap) {
		held->cap = held->cap > 0 ? held->cap * 2 : 4;
		items = arena_alloc(record->arena, held->cap *
		    sizeof(*items));
		if (held->n > 0)
			memcpy(items, held->items, held->n * sizeof(*items));
		held->items = items;
	}
	held->items[held->n++] = own_value(record->arena, item);
}

/* These say something about the line, not about what happened. */
static bool
is_of_line(field_t field)
{
	return field == FIELD_TAGS || field == FIELD_YAGURA_HITS ||
	    field == FIELD_EVENT_ID || field == FIELD_YAGURA_SKEW_MS;
}

static struct held *
add_held(struct record *record, field_t field)
{
	struct held *held;

	if (record->nheld == RECORD_FIELDS)
		return NULL;
	if (record->nheld == record->held_cap) {
		record->held_cap = record->held_cap > 0 ?
		    record->held_cap * 2 : 32;
		record->held = xrealloc(record->held, record->held_cap *
		    sizeof(*record->held));
	}
	held = &record->held[record->nheld++];
	*held = (struct held){ .field = field };
	return held;
}

static void
hold_value(struct record *record, const struct join_spec *spec,
    field_t field, const struct value *value)
{
	struct held *held = find_held(record, field);
	bool collected = is_collected(spec, field);

	if (held != NULL && !collected)
		return;		/* the first that has it gives it */
	if (held == NULL) {
		held = add_held(record, field);
		if (held == NULL) {
			record->tags |= 1u << EVENT_TAG_FIELDS_CAPPED;
			return;
		}
		if (!collected)
			held->value = own_value(record->arena, value);
	}
	for (size_t i = 0; collected && i < value_members(value); i++)
		collect(record, held, value_member(value, i));
}

static void
put_line(struct strbuf *to, struct slice line, bool first)
{
	if (!first)
		strbuf_putc(to, '\n');
	strbuf_put(to, line);
}

void
record_take(struct record *record, const struct event *event,
    struct slice body, struct slice part)
{
	const struct join_spec *spec = record->def->join;
	char id[EVENT_ID_BYTES];
	bool first = record->lines == 0;

	event_id(event, id);
	strbuf_put(&record->ids, slice_of(id, EVENT_ID_BYTES - 1));
	put_line(&record->raw, event->raw, first);
	if (record->by_lines)
		put_line(&record->text, body, first);
	for (size_t i = 0; i < event->n && (first || !record->by_lines); i++)
		if (!is_of_line(event->fields[i]))
			hold_value(record, spec, event->fields[i],
			    &event->values[i]);
	join_pieces_take(&record->pieces, record->arena, spec, event, part);
	record->lines++;
	record->tags |= event->tags & (1u << EVENT_TAG_TRUNCATED |
	    1u << EVENT_TAG_INVALID_UTF8 | 1u << EVENT_TAG_BINARY |
	    1u << EVENT_TAG_TIME_FUTURE | 1u << EVENT_TAG_TIME_OLD |
	    1u << EVENT_TAG_FIELDS_CAPPED);
	if (event->time_ns > record->last_ns)
		record->last_ns = event->time_ns;
	record->arrived_ns = event->ingested_ns;
}

/* --- as an event -------------------------------------------------------- */

static void
set_ids(const struct record *record, struct event *out)
{
	struct arena *arena = out->batch->arena;
	struct slice ids = arena_dup(arena, strbuf_slice(&record->ids));
	struct value *items = arena_alloc(arena, record->lines *
	    sizeof(*items));

	for (size_t i = 0; i < record->lines; i++)
		items[i] = value_text(slice_of(ids.ptr +
		    i * (EVENT_ID_BYTES - 1), EVENT_ID_BYTES - 1),
		    TRANSFORM_OWNED);
	event_set(out, FIELD_YAGURA_JOINED, value_list(items,
	    record->lines));
}

static void
set_held(const struct record *record, struct event *out)
{
	struct arena *arena = out->batch->arena;

	for (size_t i = 0; i < record->nheld; i++) {
		const struct held *held = &record->held[i];
		struct value list = value_list(held->items, held->n);
		struct value value = value_dup(arena, held->n == 0 ?
		    &held->value : held->n == 1 ? &held->items[0] : &list);

		event_set(out, held->field, value);
	}
}

void
record_event(const struct record *record, struct event *out)
{
	const struct join_spec *spec = record->def->join;
	struct arena *arena = out->batch->arena;
	struct join_pieces pieces = record->pieces;

	out->time_ns = record->time_ns;
	out->has_time = record->has_time;
	out->ingested_ns = record->arrived_ns;
	out->raw = arena_dup(arena, strbuf_slice(&record->raw));
	out->peer = arena_dup(arena, record->peer);
	out->logsource = record->logsource;
	out->source = record->source;
	out->tags = record->tags;
	if (record->end == JOIN_CUT)
		event_tag(out, EVENT_TAG_JOIN_CUT);
	set_held(record, out);
	set_ids(record, out);
	join_pieces_run(&pieces, spec, out);
	if (record->by_lines && spec->text != FIELD_NONE)
		event_set(out, spec->text, value_text(arena_dup(arena,
		    strbuf_slice(&record->text)), TRANSFORM_OWNED));
}
