/* From slots to fields, in the order that yagura-parser(5) gives: targets of
 * keys, constants, time, blocks, copies.
 */
#include "parsers/mapping.h"

#include "engine/arena.h"
#include "engine/logsource.h"
#include "engine/map.h"
#include "parsers/timetext.h"

/* --- constants, blocks, copies ------------------------------------------- */
static __attribute__((noinline)) bool
fill_in(struct reading *r, const struct setting *set, struct value *out)
{
	char bufs[16][VALUE_TEXT_BYTES];
	struct slice parts[16];
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < set->npieces; i++) {
		const struct piece *piece = &set->pieces[i];
		const struct value *value;

		parts[i] = piece->literal;
		if (piece->slot != SLOT_NONE || piece->field != FIELD_NONE) {
			value = value_at(r, piece->slot, piece->field);
			if (value == NULL)
				return false;
			parts[i] = mapping_text(value, bufs[i]);
		}
		len += parts[i].len;
	}
	text = arena_text(r->arena, len + 1);
	len = 0;
	for (size_t i = 0; i < set->npieces; i++) {
		if (parts[i].len > 0)
			memcpy(text + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	*out = value_text(slice_of(text, len), TRANSFORM_OWNED);
	return true;
}

static void
run_sets(struct reading *r, const struct block *block, bool replace)
{
	for (size_t i = 0; i < block->nsets; i++) {
		const struct setting *set = &block->sets[i];
		struct value value;

		if (!replace && has_field(r, set->field))
			continue;
		if (set->remove)
			event_unset(r->event, set->field);
		else if (set->npieces == 0)
			event_put(r->event, set->field, &set->value);
		else if (fill_in(r, set, &value))
			mapping_set(r, set->field, value);
	}
}

static void
run_copies(struct reading *r, const struct copy *copies, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct copy *copy = &copies[i];

		if (has_field(r, copy->to))
			continue;
		for (size_t k = 0; k < copy->n; k++) {
			const struct value *from = event_get(r->event,
			    copy->from[k]);

			if (from != NULL && !means_nothing(r, NULL, from)) {
				mapping_set(r, copy->to, *from);
				break;
			}
		}
	}
}

static void run_block(struct reading *r, const struct block *block);

static void
run_when(struct reading *r, const struct block *block)
{
	for (size_t i = 0; i < block->nwhen; i++)
		run_block(r, block->when[i]);
}

static const struct block *
find_case(struct reading *r, const struct block *block)
{
	const struct value *value = value_at(r, block->switch_slot,
	    block->switch_field);
	char buf[VALUE_TEXT_BYTES], low[LOWER_BYTES];
	const union map_value *found;
	struct slice text;

	if (value == NULL)
		return block->otherwise;
	text = mapping_text(value, buf);
	if (text.len > sizeof(low))
		return block->otherwise;
	text = mapping_lowered(text, low);
	found = map_find(block->case_index, text);
	return found != NULL ? block->cases[found->num].block
	    : block->otherwise;
}

/* The same blocks change the same log sources line after line. */
static void
change_logsource(struct reading *r, const struct block *block)
{
	const struct logsource *own, *now;
	struct logsource ls;
	size_t at = ((uintptr_t)block >> 4) % 8;
	uint16_t from = r->event->logsource;

	if (r->logsources[at].block != block ||
	    r->logsources[at].from != from) {
		own = logsource_at(block->logsource);
		now = logsource_at(from);
		ls.category = (block->logsource_parts & 1) != 0
		    ? own->category : now->category;
		ls.product = (block->logsource_parts & 2) != 0
		    ? own->product : now->product;
		ls.service = (block->logsource_parts & 4) != 0
		    ? own->service : now->service;
		r->logsources[at].block = block;
		r->logsources[at].from = from;
		r->logsources[at].to = logsource_intern(ls);
	}
	r->event->logsource = r->logsources[at].to;
}

static void
run_block(struct reading *r, const struct block *block)
{
	if (block->case_index != NULL) {
		block = find_case(r, block);
		if (block != NULL)
			run_block(r, block);
		return;
	}
	if (block->cond != NULL && !mapping_holds(r, block->cond)) {
		if (block->otherwise != NULL)
			run_block(r, block->otherwise);
		return;
	}
	run_sets(r, block, true);
	for (size_t i = 0; i < block->nkeys; i++)
		mapping_keymap(r, &block->keys[i]);
	if (block->nkeys > 0)
		mapping_slots(r);	/* what they decoded further */
	if (block->logsource_parts != 0)
		change_logsource(r, block);
	if (block->dataset.len > 0)
		event_set(r->event, FIELD_EVENT_DATASET,
		    value_text(block->dataset, TRANSFORM_OWNED));
	run_when(r, block);
	run_copies(r, block->copies, block->ncopies);
	for (size_t i = 0; i < block->ndrops; i++)
		event_unset(r->event, block->drops[i]);
}

/* --- time ---------------------------------------------------------------- */
static bool
way_text(struct reading *r, const struct timeway *way, struct slice *out)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice parts[TIMEWAY_KEYS];
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < way->n; i++) {
		const struct value *value = reading_slot(r, way->slots[i]);

		if (value == NULL || means_nothing(r, NULL, value))
			return false;
		parts[i] = mapping_text(value, buf);
		/* A number of ours has no bytes of its own. */
		if (parts[i].ptr >= buf && parts[i].ptr < buf + sizeof(buf))
			parts[i] = arena_dup(r->arena, parts[i]);
		len += parts[i].len + 1;
	}
	if (way->n == 1) {
		*out = slice_trim(parts[0]);
		return true;
	}
	text = arena_text(r->arena, len);
	len = 0;
	for (size_t i = 0; i < way->n; i++) {
		if (i > 0)
			text[len++] = ' ';
		memcpy(text + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	*out = slice_of(text, len);
	return true;
}

static bool
run_timeway(struct reading *r, const struct timeway *way)
{
	const struct value *named;
	struct timetext time;
	struct slice text;
	char buf[VALUE_TEXT_BYTES];
	int64_t ns;
	bool ok;

	if (!way_text(r, way, &text) || text.len == 0)
		return false;
	if (way->epoch)
		ok = timetext_read_epoch(text, &time);
	else if (way->format.len > 0)
		ok = timetext_read_format(text, way->format, &time);
	else
		ok = timetext_read(text, &time) > 0;
	if (!ok)
		return false;
	named = reading_slot(r, way->zone_slot);
	if (!time.has_zone && named != NULL)
		time.has_zone = timetext_zone(slice_trim(mapping_text(named,
		    buf)), &time.offset_s);
	if (!timetext_resolve(&time, r->event->ingested_ns,
	    way->zone != NULL ? way->zone : r->zone, &ns))
		return false;
	if (way->to != FIELD_TIMESTAMP) {
		if (!has_field(r, way->to))
			event_set(r->event, way->to, value_time(ns));
		return false;	/* the event's own time is still wanted */
	}
	r->event->time_ns = ns;
	r->event->has_time = true;
	return true;
}

/* Ways to other fields are always tried, those to the event's time until one
 * succeeds. */
static void
run_times(struct reading *r)
{
	bool found = false;

	for (size_t i = 0; i < r->def->ntimes; i++) {
		const struct timeway *way = &r->def->times[i];

		if (!found || way->to != FIELD_TIMESTAMP)
			found = run_timeway(r, way) || found;
	}
}

/* --- the whole ----------------------------------------------------------- */
/* Only our own events are of module yagura: searches leave them out, and as
 * alerts they are believed. */
static bool
poses_as_ours(field_t field, const struct value *value)
{
	const struct slice own = SLICE("yagura");
	char buf[VALUE_TEXT_BYTES];

	if (field != FIELD_EVENT_MODULE && field != FIELD_EVENT_DATASET)
		return false;
	for (size_t i = 0; i < value_members(value); i++) {
		struct slice text = value_as_text(value_member(value, i), buf);

		if (text.len >= own.len && slice_eq_nocase(slice_head(text,
		    own.len), own))
			return true;
	}
	return false;
}

static void
put_extras(struct reading *r)
{
	for (size_t i = 0; i < r->nextras; i++) {
		const struct extra *extra = &r->extras[i];
		struct value value = extra->value;

		if (extra->field < FIELD_KNOWN) {
			if (extra->field == FIELD_TIMESTAMP ||
			    extra->field == FIELD_EVENT_INGESTED ||
			    extra->field == FIELD_EVENT_ORIGINAL ||
			    poses_as_ours(extra->field, &extra->value) ||
			    !fits(&value, field_type(extra->field)))
				continue;
		}
		if (extra->again && event_get(r->event, extra->field) != NULL)
			event_append(r->event, extra->field, value);
		else
			event_put(r->event, extra->field, &value);
	}
	r->nextras = 0;
}

static void
put_own(struct event *event, field_t field, struct slice text)
{
	struct value value = value_text(text, TRANSFORM_OWNED);

	event_put(event, field, &value);
}

/* Records that already speak ECS and belong to no definition keep the names
 * that they give themselves. */
static void
put_names(struct reading *r)
{
	const struct def *def = r->def;
	bool theirs = def->nmarks == 0;

	if (!theirs || !has_field(r, FIELD_EVENT_MODULE))
		put_own(r->event, FIELD_EVENT_MODULE, def->module);
	if (!theirs || !has_field(r, FIELD_EVENT_DATASET))
		put_own(r->event, FIELD_EVENT_DATASET, def->dataset);
	put_own(r->event, FIELD_YAGURA_PARSER, def->name);
	r->event->logsource = def->logsource;
}

void
mapping_run_block(struct reading *r, const struct block *block)
{
	run_block(r, block);
}

void
mapping_run(struct reading *r)
{
	const struct def *def = r->def;

	put_extras(r);
	put_names(r);
	mapping_slots(r);
	put_extras(r);
	run_sets(r, &def->body, false);
	run_times(r);
	for (size_t i = 0; i < r->nblocks; i++)
		run_block(r, r->blocks[i]);
	run_when(r, &def->body);
	put_extras(r);
	run_copies(r, def->body.copies, def->body.ncopies);
}
