/* Making a template from an event. This is done once for lines that are cut
 * alike, so it may look around: which fields stand where, which of them hold
 * others, and what the rest looks like.
 *
 * The longest text of a field wins, except where it is nearly made up of other
 * fields (a URL of its host and path) or is free text with fields in it: then
 * the inner ones stand for the line, and the outer one is a stretch of it.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "storage/line_template.h"

#define FOUND_MOST 256		/* texts of fields in a line that are looked at */
#define LOOSE_BYTES 8		/* of an outer field that no inner one has */
#define ESCAPED_LEAST 3		/* bytes of a text that is searched for */
#define OWNED_LEAST 6
#define HEX_LEAST 4		/* letters a..f alone that may be a number */

struct found {
	uint32_t at, len;	/* in the raw line */
	uint16_t value;
	uint8_t	 how;
	bool	 outer, leaf, is_time;
	uint32_t rank;		/* of two with the same place, the lower one */
};

struct cutting {
	const struct event *event;
	struct arena *arena;
	struct found found[FOUND_MOST];
	size_t	 nfound;
	const struct found *leaves[FOUND_MOST];	/* by place */
	size_t	 nleaves;
	uint32_t cuts[2 * FOUND_MOST];	/* no variable goes over these */
	size_t	 ncuts;
	struct part parts[TEMPLATE_PARTS];
	uint32_t begins[TEMPLATE_PARTS + 1];
	unsigned nparts, nvars;
	uint32_t text_from;	/* literal text that is no part yet */
	bool	 full;
	struct origin origins[EVENT_FIELDS_MOST];
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- where fields stand --------------------------------------------------- */

/* Of fields with the same text, names that only repeat others come last. */
static uint32_t
rank_of(field_t field)
{
	static const struct slice late[] = { SLICE_INIT(".address"),
		SLICE_INIT("source.user.name"), SLICE_INIT("source.domain"),
		SLICE_INIT("destination.user.name") };
	struct slice name = field_name(field);

	if (slice_starts(name, SLICE("log.syslog.")))
		return field + 2u * FIELD_LIMIT;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		if (slice_ends(name, late[i]))
			return field + 1u * FIELD_LIMIT;
	return field;
}

/* Looks for what was unescaped, or made by us, in the line. */
static bool
text_find(const struct cutting *c, const struct value *value,
    struct found *found)
{
	struct slice text = slice_of(value->text, value->len);
	struct strbuf line;
	ptrdiff_t at;

	found->how = value->transform == TRANSFORM_XML ? HOW_XML : HOW_JSON;
	strbuf_init(&line);
	if (value->transform == TRANSFORM_JSON ||
	    value->transform == TRANSFORM_XML) {
		how_put(&line, found->how, text);
		found->len = (uint32_t)line.len;
		at = text.len < ESCAPED_LEAST ? -1 :
		    slice_find(c->event->raw, strbuf_slice(&line));
	} else {
		bool digit = false;

		for (size_t i = 0; i < text.len; i++)
			digit = digit || is_digit(text.ptr[i]);
		found->how = HOW_PLAIN;
		found->len = value->len;
		at = text.len < OWNED_LEAST || !digit ? -1 :
		    slice_find_nocase(c->event->raw, text);
		if (at >= 0 && memcmp(c->event->raw.ptr + at, text.ptr,
		    text.len) != 0)
			found->how = HOW_LOWER;
	}
	strbuf_fini(&line);
	found->at = at >= 0 ? (uint32_t)at : 0;
	return at >= 0;
}

static bool
value_find(const struct cutting *c, unsigned i, struct found *found)
{
	const struct value *value = &c->event->values[i];
	struct slice raw = c->event->raw;
	uintptr_t place;

	*found = (struct found){ .value = (uint16_t)i,
	    .rank = rank_of(c->event->fields[i]) };
	if (value->type == VALUE_LIST || value->type == VALUE_NULL ||
	    value->text == NULL || value->len == 0)
		return false;
	place = (uintptr_t)value->text - (uintptr_t)raw.ptr;
	if (place < raw.len && value->len <= raw.len - place) {
		found->at = (uint32_t)place;
		found->len = value->len;
		return true;
	}
	return value->type == VALUE_TEXT && text_find(c, value, found);
}

/* Longest first. */
static int
by_length(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	if (left->len != right->len)
		return left->len < right->len ? 1 : -1;
	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	return (left->rank > right->rank) - (left->rank < right->rank);
}

static void
values_find(struct cutting *c)
{
	const struct event *event = c->event;

	for (unsigned i = 0; i < event->n && c->nfound < FOUND_MOST; i++) {
		struct found *found = &c->found[c->nfound];
		struct slice text;
		int form;

		if (!value_find(c, i, found))
			continue;
		text = slice_of(event->raw.ptr + found->at, found->len);
		form = found->how == HOW_PLAIN ?
		    time_form_find(text, event->time_ns) : -1;
		if (form >= 0) {
			int64_t away;

			found->is_time = time_form_get((unsigned)form, text,
			    event->time_ns, &away) == text.len;
		}
		c->nfound++;
	}
	qsort(c->found, c->nfound, sizeof(c->found[0]), by_length);
}

static bool
inside(const struct found *inner, const struct found *outer)
{
	return inner->at >= outer->at && inner->len < outer->len &&
	    inner->at + inner->len <= outer->at + outer->len;
}

/* How much of it no other field has; later ones in the list are no longer. */
static uint32_t
loose_bytes(const struct cutting *c, const struct found *outer)
{
	uint32_t end = outer->at, loose = 0;

	for (;;) {
		const struct found *next = NULL;

		for (const struct found *f = outer + 1;
		    f < c->found + c->nfound; f++)
			if (inside(f, outer) && f->at >= end &&
			    f->how != HOW_LOWER &&
			    (next == NULL || f->at < next->at))
				next = f;
		if (next == NULL)
			break;
		loose += next->at - end;
		end = next->at + next->len;
	}
	return end == outer->at ? UINT32_MAX :
	    loose + outer->at + outer->len - end;
}

static bool
can_have_origin(const struct cutting *c, unsigned value)
{
	const struct value *v = &c->event->values[value];

	return v->type == VALUE_TEXT || v->type == VALUE_IP ||
	    v->type == VALUE_LONG;
}

/* The leaf over these bytes: the same place, or one that is in the way. */
static const struct found *
leaf_over(const struct cutting *c, const struct found *found)
{
	for (size_t i = 0; i < c->nleaves; i++) {
		const struct found *leaf = c->leaves[i];

		if (leaf->at < found->at + found->len &&
		    found->at < leaf->at + leaf->len)
			return leaf;
	}
	return NULL;
}

static void
same_as(struct cutting *c, const struct found *found,
    const struct found *leaf)
{
	if (can_have_origin(c, found->value) && found->at == leaf->at &&
	    found->len == leaf->len && found->how == leaf->how)
		c->origins[found->value] = (struct origin){ .role = ROLE_SAME,
		    .from = leaf->value,
		    .type = c->event->values[found->value].type };
}

static int
by_place(const void *a, const void *b)
{
	const struct found *const *left = a, *const *right = b;

	return ((*left)->at > (*right)->at) - ((*left)->at < (*right)->at);
}

static void
leaves_choose(struct cutting *c)
{
	for (size_t i = 0; i < c->nfound; i++) {
		struct found *found = &c->found[i];
		field_t field = c->event->fields[found->value];
		const struct found *leaf = leaf_over(c, found);

		if (leaf != NULL) {
			same_as(c, found, leaf);
			continue;
		}
		found->outer = found->is_time || field == FIELD_MESSAGE ||
		    found->how == HOW_LOWER ||
		    loose_bytes(c, found) <= LOOSE_BYTES;
		if (found->outer && !can_have_origin(c, found->value))
			found->outer = false;
		else if (found->outer) {
			c->cuts[c->ncuts++] = found->at;
			c->cuts[c->ncuts++] = found->at + found->len;
			continue;
		}
		if (!found->is_time)
			c->leaves[c->nleaves++] = found;
	}
	qsort(c->leaves, c->nleaves, sizeof(const struct found *), by_place);
}

/* --- parts ---------------------------------------------------------------- */

static struct part *
part_add(struct cutting *c, enum part_kind kind, uint32_t at)
{
	struct part *part;

	if (c->nparts >= TEMPLATE_PARTS) {
		c->full = true;
		return &c->parts[0];
	}
	part = &c->parts[c->nparts];
	*part = (struct part){ .kind = (uint8_t)kind };
	c->begins[c->nparts++] = at;
	c->nvars += kind == PART_WORD || kind == PART_REST ||
	    kind == PART_TIME;
	return part;
}

static void
text_end(struct cutting *c, uint32_t at)
{
	if (at > c->text_from)
		part_add(c, PART_TEXT, c->text_from)->text = arena_dup(
		    c->arena, slice_of(c->event->raw.ptr + c->text_from,
		    at - c->text_from));
	c->text_from = at;
}

/* The next place that nothing goes over, behind `at`. */
static uint32_t
next_cut(const struct cutting *c, uint32_t at, uint32_t end)
{
	for (size_t i = 0; i < c->ncuts; i++)
		if (c->cuts[i] > at && c->cuts[i] < end)
			end = c->cuts[i];
	return end;
}

static uint32_t
time_cut(struct cutting *c, uint32_t at, uint32_t end)
{
	const struct event *event = c->event;
	struct slice rest = slice_of(event->raw.ptr + at, end - at);
	int form = time_form_find(rest, event->time_ns);
	int64_t away;
	uint32_t n;

	if (form < 0)
		return at;
	n = (uint32_t)time_form_get((unsigned)form, rest, event->time_ns,
	    &away);
	text_end(c, at);
	part_add(c, PART_TIME, at)->how = (uint8_t)form;
	c->text_from = at + n;
	return at + n;
}

/* Letters and digits up to `end`: a variable if it looks like a number. */
static uint32_t
word_cut(struct cutting *c, uint32_t at, uint32_t end)
{
	const char *raw = c->event->raw.ptr;
	bool digits = false, letters = true;
	uint32_t to = at;

	for (; to < end && is_word(raw[to]); to++) {
		digits = digits || is_digit(raw[to]);
		letters = letters && ascii_lower(raw[to]) >= 'a' &&
		    ascii_lower(raw[to]) <= 'f';
	}
	if (!digits && (!letters || to - at < HEX_LEAST))
		return to;
	text_end(c, at);
	part_add(c, PART_WORD, at);
	c->text_from = to;
	return to;
}

/* Between two fields. */
static void
gap_cut(struct cutting *c, uint32_t at, uint32_t end)
{
	const char *raw = c->event->raw.ptr;

	c->text_from = at;
	while (at < end && !c->full) {
		uint32_t to = next_cut(c, at, end), past;

		if (!is_word(raw[at])) {
			at++;
			continue;
		}
		past = time_cut(c, at, to);
		at = past > at ? past : word_cut(c, at, to);
	}
	text_end(c, end);
}

static void
parts_cut(struct cutting *c, enum cut cut)
{
	uint32_t at = 0, end = (uint32_t)c->event->raw.len;

	for (size_t i = 0; i <= c->nleaves && !c->full; i++) {
		uint32_t to = i < c->nleaves ? c->leaves[i]->at : end;
		struct part *part;

		if (cut == CUT_WORDS)
			gap_cut(c, at, to);
		else
			part_add(c, PART_REST, at);
		if (i == c->nleaves)
			break;
		part = part_add(c, PART_FIELD, to);
		part->how = c->leaves[i]->how;
		part->value = c->leaves[i]->value;
		at = to + c->leaves[i]->len;
	}
	c->begins[c->nparts] = end;
}

/* --- fields that are stretches of the line ---------------------------------- */

static bool
place_find(const struct cutting *c, uint32_t at, uint16_t *part,
    uint32_t *offset)
{
	unsigned i = 0;

	while (i < c->nparts && c->begins[i] < at && c->begins[i + 1] <= at)
		i++;
	*part = (uint16_t)i;
	*offset = at - c->begins[i];
	return *offset == 0 || c->parts[i].kind == PART_TEXT ||
	    c->parts[i].kind == PART_REST;
}

static void
ranges_make(struct cutting *c)
{
	for (size_t i = 0; i < c->nfound; i++) {
		const struct found *found = &c->found[i];
		struct origin *origin = &c->origins[found->value];

		if (!found->outer)
			continue;
		*origin = (struct origin){ .role = ROLE_RANGE,
		    .how = found->how,
		    .type = c->event->values[found->value].type };
		if (!place_find(c, found->at, &origin->from,
		    &origin->from_at) || !place_find(c, found->at +
		    found->len, &origin->to, &origin->to_at))
			*origin = (struct origin){ .role = ROLE_STORED };
	}
}

static const struct line_template *
line_template_make(struct cutting *c)
{
	struct line_template *template = arena_zalloc(c->arena, sizeof(*template));
	union var vars[TEMPLATE_PARTS];
	struct origin *origins;
	struct part *parts;

	template->n = c->event->n;
	template->nparts = (uint16_t)c->nparts;
	template->nvars = (uint16_t)c->nvars;
	parts = arena_alloc(c->arena, c->nparts * sizeof(*parts));
	memcpy(parts, c->parts, c->nparts * sizeof(*parts));
	origins = arena_alloc(c->arena, c->event->n * sizeof(*origins));
	memcpy(origins, c->origins, c->event->n * sizeof(*origins));
	template->parts = parts;
	template->origins = origins;
	return line_match(template, c->event, vars) ? template : NULL;
}

const struct line_template *
line_cut(const struct event *event, enum cut cut, struct arena *arena)
{
	struct cutting *c = calloc(1, sizeof(*c));
	const struct line_template *template = NULL;

	if (c == NULL)
		return NULL;
	c->event = event;
	c->arena = arena;
	if (cut != CUT_WHOLE) {
		values_find(c);
		leaves_choose(c);
	}
	parts_cut(c, cut);
	ranges_make(c);
	if (!c->full)
		template = line_template_make(c);
	free(c);
	return template;
}
