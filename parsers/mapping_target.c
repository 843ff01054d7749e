/* The value of a key, to where it belongs. */
#include "parsers/mapping.h"

#include "parsers/timetext.h"

static void
run_inner(struct reading *r, const struct target *target, slot_t slot,
    const struct value *value)
{
	struct slice name = target->decode_own_name
	    ? r->def->slot_names[slot] : target->decode_prefix;
	uint32_t parent = KEYTREE_ROOT;
	bool owned = r->owned;

	if (value->type != VALUE_TEXT || r->depth >= DEF_NESTING)
		return;
	if (name.len > 0)
		parent = keytree_child(r->tree, KEYTREE_ROOT, name);
	r->depth++;
	r->owned = owned || value->transform != TRANSFORM_NONE;
	decode_run(r, target->decode, slice_of(value->text, value->len),
	    parent);
	r->owned = owned;
	r->depth--;
}

/* Names in one list, values in another of the same length: each pair becomes
 * a key. */
static void
run_pairs(struct reading *r, const struct target *target, slot_t slot,
    const struct value *names)
{
	const struct value *values = reading_slot(r, target->pair);
	struct slice name = target->decode_own_name
	    ? r->def->slot_names[slot] : target->decode_prefix;
	uint32_t parent = KEYTREE_ROOT;
	size_t n = value_members(names);
	struct value held;

	if (values == NULL || value_members(values) != n)
		return;
	held = *values;
	if (name.len > 0)
		parent = keytree_child(r->tree, KEYTREE_ROOT, name);
	for (size_t i = 0; i < n; i++) {
		const struct value *key = value_member(names, i);

		if (key->type == VALUE_TEXT && key->len > 0)
			reading_put(r, parent, slice_of(key->text, key->len),
			    *value_member(&held, i));
	}
}

static void
keep_misfit(struct reading *r, const struct target *target,
    struct value value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text = mapping_text(&value, buf);

	if (target->domain != FIELD_NONE && mapping_is_host_name(text)) {
		if (!has_field(r, target->domain))
			mapping_set(r, target->domain, value);
		return;
	}
	event_tag(r->event, EVENT_TAG_TYPE_MISMATCH);
	if (target->vendor != FIELD_NONE && !has_field(r, target->vendor)) {
		value.type = value.text != NULL ? VALUE_TEXT : value.type;
		event_set(r->event, target->vendor, value);
	}
}

static void
set_time_field(struct reading *r, const struct target *target,
    struct value value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text = slice_trim(mapping_text(&value, buf));
	struct timetext time;
	int64_t ns;
	bool ok;

	if (slice_eq(target->format, SLICE("epoch")))
		ok = timetext_read_epoch(text, &time);
	else if (target->format.len > 0)
		ok = timetext_read_format(text, target->format, &time);
	else
		ok = timetext_read(text, &time) == text.len && text.len > 0;
	if (!ok || !timetext_resolve(&time, r->event->ingested_ns, r->zone,
	    &ns)) {
		keep_misfit(r, target, value);
		return;
	}
	if (target->field[0] == FIELD_TIMESTAMP) {
		r->event->time_ns = ns;
		r->event->has_time = true;
		return;
	}
	value.type = VALUE_TIME;
	value.u.num = ns;
	event_put(r->event, target->field[0], &value);
}

/* The value goes as it is into the one field. */
static inline void
run_plain(struct reading *r, const struct target *target,
    const struct value *value)
{
	field_t field = target->field[0];
	struct value typed;

	if (means_nothing(r, &target->skip, value) || has_field(r, field))
		return;
	if (value->type == target->type) {
		if (event_put(r->event, field, value))
			return;
		typed = *value;
	} else {
		typed = *value;
		if (mapping_fit(&typed, target->type) &&
		    event_put(r->event, field, &typed))
			return;
	}
	keep_misfit(r, target, typed);
}

void
mapping_target(struct reading *r, const struct target *target, slot_t slot,
    struct value value)
{
	field_t field = target->field[0];
	char buf[VALUE_TEXT_BYTES];

	if (target->drop || means_nothing(r, &target->skip, &value))
		return;
	if (target->paired) {
		run_pairs(r, target, slot, &value);
		return;
	}
	if (value.type == VALUE_LIST && !(target->decode != NULL)) {
		struct target item = *target;

		/* The first member obeys "first wins", the rest joins it. */
		for (size_t i = 0; i < value.len; i++) {
			if (i == 0 && !item.add && !item.force &&
			    target->split == SPLIT_NO && field != FIELD_NONE &&
			    has_field(r, field))
				return;
			if (i == 0 && item.force && field != FIELD_NONE)
				event_unset(r->event, field);
			item.add = item.add || value.len > 1;
			if (value.u.items[i].type == VALUE_LIST)
				continue;
			mapping_target(r, &item, slot, value.u.items[i]);
		}
		return;
	}
	if (!mapping_change(r, target, &value))
		return;
	if (target->decode != NULL) {
		run_inner(r, target, slot, &value);
		return;
	}
	if (target->split != SPLIT_NO) {
		mapping_split(r, target, slot, value);
		return;
	}
	if (field == FIELD_NONE || (!target->add && !target->force &&
	    has_field(r, field)))
		return;
	if (target->table != NULL) {
		bool same;
		const struct value *to = mapping_table(target->table,
		    mapping_text(&value, buf), &same);

		if (!same && to == NULL)
			return;
		if (!same)
			value = *to;
	}
	if (target->type == VALUE_TIME && value.type != VALUE_TIME) {
		set_time_field(r, target, value);
		return;
	}
	if (target->add) {
		if (value.type == VALUE_LIST)
			mapping_set_typed(r, field, value, target->type);
		else if (fits(&value, target->type))
			event_append(r->event, field, value);
		else
			keep_misfit(r, target, value);
		return;
	}
	if (target->force && value.type == VALUE_LIST)
		event_unset(r->event, field);
	if (field == FIELD_TIMESTAMP ? !mapping_set(r, field, value)
	    : !mapping_set_typed(r, field, value, target->type))
		keep_misfit(r, target, value);
}

static void
run_value(struct reading *r, const struct keymap *map,
    const struct value *value)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct target *target = &map->targets[i];

		if (target->plain && value->type != VALUE_LIST)
			run_plain(r, target, value);
		else
			mapping_target(r, target, map->slot, *value);
	}
}

void
mapping_keymap(struct reading *r, const struct keymap *map)
{
	const struct value *value = reading_slot(r, map->slot);

	if (value != NULL)
		run_value(r, map, value);
}

/* Slots in the order of the file. Decoding inside decoding fills further
 * slots, also earlier ones, so we go on until no new one is there. */
void
mapping_slots(struct reading *r)
{
	const struct def *def = r->def;
	bool again = true;

	while (again) {
		again = false;
		for (size_t w = 0; w < r->words; w++) {
			uint64_t left;

			while ((left = r->present[w] & ~r->done[w]) != 0) {
				unsigned bit = (unsigned)__builtin_ctzll(left);

				r->done[w] |= UINT64_C(1) << bit;
				run_value(r, &def->slot_targets[w * 64 +
				    bit], &r->slots[w * 64 + bit]);
				again = true;
			}
		}
	}
}
