#include "engine/pred.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/fold.h"
#include "engine/hash.h"
#include "engine/ip.h"
#include "engine/regex.h"
#include "engine/timeparse.h"

/* Folded values remembered during one event. Few rules look into one event,
 * and they look into few of its values. */
#define FOLDED_SLOTS 128
#define FOLDED_PROBES 8	/* slots looked at; an event with a thousand
				 * values must not pay for all of them */

struct folded {
	const char *ptr;	/* NULL: free */
	size_t	 len;
	struct slice text;
};

/* What an event has at a list of fields. */
struct place {
	uint32_t event;		/* of the scratch's count; else unknown */
	bool	 has_folded;
	const struct value *value;
	struct value member;	/* backs a value that is a struct's member */
	struct slice folded;
};

/* Which fields an event has, and where those of each place are then: the same
 * for all events of a kind. */
#define SHAPES 64
#define SHAPE_FIELDS 256	/* of larger events nothing is remembered */

enum { AT_UNKNOWN = -1, AT_NOWHERE = -2, AT_ASK = -3 };

struct shape {
	uint64_t hash;
	uint16_t n;		/* 0: free */
	field_t	 fields[SHAPE_FIELDS];
	int16_t	*at;		/* by place: index of the value */
	size_t	 nplaces;
};

struct pred_scratch {
	struct regex_scratch *regex;
	char	*buf;		/* folding outside begin and end */
	size_t	 cap;
	char	 formatted[VALUE_TEXT_BYTES];
	struct value member;	/* a value that is a member of the struct */
	bool	 remember;
	size_t	 nfolded;
	struct arena *arena;	/* of remembered texts */
	struct folded folded[FOLDED_SLOTS];
	struct place *places;
	size_t	 nplaces;
	uint32_t event;		/* counts pairs of begin and end */
	struct shape *shapes;
	struct shape *shape;	/* of the event; NULL: not remembered */
};

struct pred_scratch *
pred_scratch_new(void)
{
	struct pred_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->regex = regex_scratch_new();
	scratch->arena = arena_new(0);
	return scratch;
}

void
pred_scratch_free(struct pred_scratch *scratch)
{
	if (scratch == NULL)
		return;
	regex_scratch_free(scratch->regex);
	arena_free(scratch->arena);
	free(scratch->buf);
	free(scratch->places);
	for (size_t i = 0; scratch->shapes != NULL && i < SHAPES; i++)
		free(scratch->shapes[i].at);
	free(scratch->shapes);
	free(scratch);
}

void
pred_scratch_begin(struct pred_scratch *scratch, size_t places)
{
	scratch->remember = true;
	if (places > scratch->nplaces) {
		scratch->places = xrealloc(scratch->places,
		    places * sizeof(*scratch->places));
		scratch->nplaces = places;
		scratch->event = UINT32_MAX;
	}
	if (++scratch->event == 0) {
		memset(scratch->places, 0,
		    scratch->nplaces * sizeof(*scratch->places));
		scratch->event = 1;
	}
}

static void
shape_set(struct shape *shape, const struct event *event, uint64_t hash,
    size_t places)
{
	if (places > shape->nplaces) {
		shape->at = xrealloc(shape->at, places * sizeof(*shape->at));
		shape->nplaces = places;
	}
	shape->hash = hash;
	shape->n = event->n;
	memcpy(shape->fields, event->fields, event->n * sizeof(field_t));
	memset(shape->at, 0xff, shape->nplaces * sizeof(*shape->at));
}

void
pred_scratch_event(struct pred_scratch *scratch, const struct event *event)
{
	struct slice fields = slice_of((const char *)event->fields,
	    event->n * sizeof(field_t));
	struct shape *shape;
	uint64_t hash;

	scratch->shape = NULL;
	if (event->n == 0 || event->n > SHAPE_FIELDS || scratch->nplaces == 0)
		return;
	if (scratch->shapes == NULL)
		scratch->shapes = xcalloc(SHAPES, sizeof(*scratch->shapes));
	hash = hash64(fields);
	shape = &scratch->shapes[hash % SHAPES];
	if (shape->hash != hash || shape->n != event->n ||
	    shape->nplaces < scratch->nplaces || memcmp(shape->fields,
	    event->fields, fields.len) != 0)
		shape_set(shape, event, hash, scratch->nplaces);
	scratch->shape = shape;
}

void
pred_scratch_end(struct pred_scratch *scratch)
{
	scratch->remember = false;
	scratch->shape = NULL;
	if (scratch->nfolded == 0)
		return;
	memset(scratch->folded, 0, sizeof(scratch->folded));
	scratch->nfolded = 0;
	arena_reset(scratch->arena);
}

uint64_t
pred_runaways(const struct pred_scratch *scratch)
{
	return regex_runaways(scratch->regex);
}

/* The slot of a text, or a free one near to it; NULL if there is none. */
static struct folded *
folded_slot(struct pred_scratch *scratch, struct slice text)
{
	size_t at = ((uintptr_t)text.ptr * 0x9e3779b97f4a7c15u) >> 57;

	for (size_t i = 0; i < FOLDED_PROBES; i++, at++) {
		struct folded *slot =
		    &scratch->folded[at % FOLDED_SLOTS];

		if (slot->ptr == NULL ||
		    (slot->ptr == text.ptr && slot->len == text.len))
			return slot;
	}
	return NULL;
}

struct slice
pred_fold(struct pred_scratch *scratch, struct slice text)
{
	struct folded *slot;

	if (scratch->remember && text.len > 0 &&
	    (slot = folded_slot(scratch, text)) != NULL) {
		if (slot->ptr == NULL) {
			slot->ptr = text.ptr;
			slot->len = text.len;
			slot->text = fold_dup(scratch->arena, text);
			scratch->nfolded++;
		}
		return slot->text;
	}
	if (FOLD_ROOM(text.len) > scratch->cap) {
		scratch->cap = 2 * FOLD_ROOM(text.len);
		scratch->buf = xrealloc(scratch->buf, scratch->cap);
	}
	return slice_of(scratch->buf, fold_put(scratch->buf, text));
}

/* What was formatted into a buffer of the caller must not be remembered by its
 * address. It is short, and ASCII. */
struct slice
pred_fold_value(struct pred_scratch *scratch, const struct value *value,
    struct slice text)
{
	if (value->text != NULL)
		return pred_fold(scratch, text);
	check(text.len <= VALUE_TEXT_BYTES);
	for (size_t i = 0; i < text.len; i++)
		scratch->formatted[i] = ascii_lower(text.ptr[i]);
	return slice_of(scratch->formatted, text.len);
}

/* --- making a pred ------------------------------------------------------- */

static bool
all_plain(const glob_unit *unit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (unit[i] >= GLOB_STAR)
			return false;
	return true;
}

static struct slice
plain_text(struct arena *arena, const glob_unit *unit, size_t n, bool cased)
{
	char *text = arena_text(arena, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)unit[i];
	return cased ? slice_of(text, n) : fold_dup(arena, slice_of(text, n));
}

void
pred_set_pattern(struct pred *pred, struct arena *arena,
    const glob_unit *unit, size_t n)
{
	bool head = false, tail = false;
	const glob_unit *at = unit;
	size_t left = n;

	while (left > 0 && at[0] == GLOB_STAR) {
		head = true;
		at++;
		left--;
	}
	while (left > 0 && at[left - 1] == GLOB_STAR) {
		tail = true;
		left--;
	}
	if (!all_plain(at, left)) {
		pred->op = PRED_GLOB;
		pred->glob = glob_build(arena, unit, n, pred->cased);
		return;
	}
	pred->text = plain_text(arena, at, left, pred->cased);
	if (head && (tail || left == 0))
		pred->op = PRED_CONTAINS;
	else if (head)
		pred->op = PRED_ENDS;
	else
		pred->op = tail ? PRED_STARTS : PRED_EQ;
}

/* --- times --------------------------------------------------------------- */

struct moment {
	unsigned year, month, day, hour, minute;
};

static bool
digits(struct slice s, size_t at, size_t n, unsigned *out)
{
	uint64_t number;

	if (at + n > s.len || !slice_ulong(slice_of(s.ptr + at, n), &number))
		return false;
	*out = (unsigned)number;
	return true;
}

/* "2026-03-01T22:10:00Z" and the like, as written: no zone is applied. */
static bool
moment_read(struct slice s, struct moment *m)
{
	return s.len >= 16 && digits(s, 0, 4, &m->year) && s.ptr[4] == '-' &&
	    digits(s, 5, 2, &m->month) && s.ptr[7] == '-' &&
	    digits(s, 8, 2, &m->day) &&
	    (s.ptr[10] == 'T' || s.ptr[10] == ' ' || s.ptr[10] == 't') &&
	    digits(s, 11, 2, &m->hour) && s.ptr[13] == ':' &&
	    digits(s, 14, 2, &m->minute) && m->month >= 1 && m->month <= 12 &&
	    m->day >= 1 && m->day <= 31 && m->hour < 24 && m->minute < 60;
}

static struct moment
moment_of(int64_t time_ns)
{
	int64_t day_ns = INT64_C(86400) * TIME_S_NS;
	int64_t days = time_ns / day_ns, rest = time_ns % day_ns, year;
	struct moment m;

	if (rest < 0) {
		rest += day_ns;
		days--;
	}
	time_date(days, &year, &m.month, &m.day);
	m.year = (unsigned)year;
	m.hour = (unsigned)(rest / (3600 * TIME_S_NS));
	m.minute = (unsigned)(rest / (60 * TIME_S_NS) % 60);
	return m;
}

/* The week of ISO 8601: that of its Thursday. */
static unsigned
week_of(const struct moment *m)
{
	int64_t days = time_days(m->year, m->month, m->day);
	int64_t thursday = days - (days + 3) % 7 + 3, year;
	unsigned month, day;

	time_date(thursday, &year, &month, &day);
	return (unsigned)((thursday - time_days(year, 1, 1)) / 7 + 1);
}

static bool
part_of(const struct value *value, unsigned part, double *out)
{
	char buf[VALUE_TEXT_BYTES];
	struct moment m;

	if (value->type == VALUE_TIME && value->len == 0)
		m = moment_of(value->u.num);
	else if (!moment_read(value_as_text(value, buf), &m))
		return false;
	switch (part) {
	case PART_MINUTE: *out = m.minute; return true;
	case PART_HOUR: *out = m.hour; return true;
	case PART_DAY: *out = m.day; return true;
	case PART_WEEK: *out = week_of(&m); return true;
	case PART_MONTH: *out = m.month; return true;
	case PART_YEAR: *out = m.year; return true;
	}
	return false;
}

/* --- comparing one scalar ------------------------------------------------ */

/* What a comparison looks at: the value and its text. */
struct subject {
	const struct value *value;
	struct slice text;	/* folded unless the pred is cased */
	struct slice plain;	/* as it came */
};

static bool
number_of(const struct pred *pred, const struct subject *s, double *out)
{
	if (pred->part != PART_NONE)
		return part_of(s->value, pred->part, out);
	/* true is no 1 */
	return s->value->type != VALUE_BOOL && value_as_double(s->value, out);
}

static bool
holds_eq(const struct pred *pred, const struct subject *s)
{
	int64_t a, b;
	double number;

	if (!pred->has_number)
		return slice_eq(s->text, pred->text);
	/* Beyond 2^53 a double would call neighbours equal. */
	if (pred->part == PART_NONE && slice_long(s->text, &a) &&
	    slice_long(pred->text, &b))
		return a == b;
	return number_of(pred, s, &number) && number == pred->number;
}

static bool
holds_contains(const struct pred *pred, const struct subject *s)
{
	return slice_find(s->text, pred->text) >= 0;
}

static bool
holds_starts(const struct pred *pred, const struct subject *s)
{
	return slice_starts(s->text, pred->text);
}

static bool
holds_ends(const struct pred *pred, const struct subject *s)
{
	return slice_ends(s->text, pred->text);
}

static bool
holds_glob(const struct pred *pred, const struct subject *s)
{
	return glob_match(pred->glob, s->text);
}

static bool
holds_cidr(const struct pred *pred, const struct subject *s)
{
	uint8_t ip[16];

	return value_as_ip(s->value, ip) && cidr_holds(pred->cidr, ip);
}

static bool
holds_lt(const struct pred *pred, const struct subject *s)
{
	double number;

	return number_of(pred, s, &number) && number < pred->number;
}

static bool
holds_le(const struct pred *pred, const struct subject *s)
{
	double number;

	return number_of(pred, s, &number) && number <= pred->number;
}

static bool
holds_gt(const struct pred *pred, const struct subject *s)
{
	double number;

	return number_of(pred, s, &number) && number > pred->number;
}

static bool
holds_ge(const struct pred *pred, const struct subject *s)
{
	double number;

	return number_of(pred, s, &number) && number >= pred->number;
}

static bool
holds_part(const struct pred *pred, const struct subject *s)
{
	double number;

	return part_of(s->value, pred->part, &number) &&
	    number == pred->number;
}

static bool
is_word_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

/* Whether a word begins or ends between the two bytes around `at`. */
static bool
is_edge(struct slice s, size_t at)
{
	if (at == 0 || at == s.len)
		return true;
	return !is_word_byte((unsigned char)s.ptr[at - 1]) ||
	    !is_word_byte((unsigned char)s.ptr[at]);
}

/* A pattern within one run of text without blanks, from edge to edge. */
static bool
glob_word(const struct glob *glob, struct slice s, size_t from)
{
	size_t end = from;

	while (end < s.len && (unsigned char)s.ptr[end] > ' ')
		end++;
	for (; end > from; end--)
		if (is_edge(s, end) && glob_match(glob,
		    slice_of(s.ptr + from, end - from)))
			return true;
	return false;
}

static bool
word_in(const struct pred *pred, struct slice text)
{
	struct slice rest = text;
	ptrdiff_t found;

	if (pred->glob != NULL) {
		for (size_t at = 0; at < text.len; at++)
			if (is_edge(text, at) &&
			    glob_word(pred->glob, text, at))
				return true;
		return false;
	}
	if (pred->text.len == 0)
		return true;
	while ((found = slice_find_nocase(rest, pred->text)) >= 0) {
		size_t at = (size_t)(rest.ptr - text.ptr) + (size_t)found;

		if (is_edge(text, at) && is_edge(text, at + pred->text.len))
			return true;
		rest = slice_skip(text, at + 1);
	}
	return false;
}

static bool
phrase_in(const struct pred *pred, struct slice text)
{
	return slice_find_nocase(text, pred->text) >= 0;
}

static bool
holds_word(const struct pred *pred, const struct subject *s)
{
	return word_in(pred, s->text);
}

static bool
holds_phrase(const struct pred *pred, const struct subject *s)
{
	return phrase_in(pred, s->text);
}

static bool
holds_true(const struct pred *pred, const struct subject *s)
{
	(void)pred;
	(void)s;
	return true;
}

/* Which function compares, and whether it wants the folded text. RE has its
 * own scratch; EXISTS, NULL and FIELDREF ask about fields, not values. */
static const struct {
	bool (*holds)(const struct pred *pred, const struct subject *s);
	bool	 folds;
} ops[PRED_OPS] = {
	[PRED_EQ] = { holds_eq, true },
	[PRED_CONTAINS] = { holds_contains, true },
	[PRED_STARTS] = { holds_starts, true },
	[PRED_ENDS] = { holds_ends, true },
	[PRED_GLOB] = { holds_glob, true },
	[PRED_CIDR] = { holds_cidr, false },
	[PRED_LT] = { holds_lt, false },
	[PRED_LE] = { holds_le, false },
	[PRED_GT] = { holds_gt, false },
	[PRED_GE] = { holds_ge, false },
	[PRED_WORD] = { holds_word, false },
	[PRED_PHRASE] = { holds_phrase, false },
	[PRED_TIME_PART] = { holds_part, false },
	[PRED_TRUE] = { holds_true, false },
};

/* `folded` is the text of the value folded, or without pointer. */
static bool
value_holds(const struct pred *pred, const struct value *value,
    struct slice folded, struct pred_scratch *scratch)
{
	char buf[VALUE_TEXT_BYTES];
	struct subject s = { .value = value };

	if (pred->op == PRED_TRUE)
		return true;
	if (value->type == VALUE_NULL || value->type == VALUE_LIST)
		return false;
	s.text = value_as_text(value, buf);
	if (pred->op == PRED_RE)
		return regex_match(pred->regex, s.text, scratch->regex);
	check(pred->op < PRED_OPS && ops[pred->op].holds != NULL);
	if (ops[pred->op].folds && !pred->cased && !pred->has_number)
		s.text = folded.ptr != NULL ? folded
		    : pred_fold_value(scratch, value, s.text);
	return ops[pred->op].holds(pred, &s);
}

bool
pred_value_holds(const struct pred *pred, const struct value *value,
    struct pred_scratch *scratch)
{
	return value_holds(pred, value, slice_of(NULL, 0), scratch);
}

/* --- over an event ------------------------------------------------------- */

static bool
any_member(const struct pred *pred, const struct value *value,
    struct pred_scratch *scratch)
{
	for (size_t i = 0; i < value_members(value); i++)
		if (pred_value_holds(pred, value_member(value, i), scratch))
			return true;
	return false;
}

/* The time, the raw line and the like are members of the struct. */
static bool
is_member_field(field_t field)
{
	return field == FIELD_TIMESTAMP || field == FIELD_EVENT_INGESTED ||
	    field == FIELD_EVENT_ID || field == FIELD_EVENT_ORIGINAL ||
	    field == FIELD_TAGS;
}

const struct value *
pred_pick(const field_t *fields, size_t n, const struct event *event,
    struct pred_scratch *scratch)
{
	for (size_t i = 0; i < n; i++) {
		const struct value *value = event_get(event, fields[i]);

		if (value != NULL)
			return value;
		if (is_member_field(fields[i]) &&
		    event_value(event, fields[i], &scratch->member))
			return &scratch->member;
	}
	return NULL;
}

/* Where the event has the first of the fields. */
static int16_t
find_at(const field_t *fields, size_t n, const struct event *event)
{
	for (size_t i = 0; i < n; i++) {
		const struct value *value = event_get(event, fields[i]);

		if (value != NULL)
			return (int16_t)(value - event->values);
		if (is_member_field(fields[i]))
			return AT_ASK;
	}
	return AT_NOWHERE;
}

static const struct value *
pick_by_shape(struct pred_scratch *scratch, uint16_t place,
    const field_t *fields, size_t n, const struct event *event)
{
	int16_t *at;

	if (scratch->shape == NULL)
		return pred_pick(fields, n, event, scratch);
	at = &scratch->shape->at[place];
	if (*at == AT_UNKNOWN)
		*at = find_at(fields, n, event);
	if (*at == AT_ASK)
		return pred_pick(fields, n, event, scratch);
	return *at == AT_NOWHERE ? NULL : &event->values[*at];
}

const struct value *
pred_pick_place(uint16_t at, const field_t *fields, size_t n,
    const struct event *event, struct pred_scratch *scratch,
    struct slice *folded)
{
	struct place *place;

	if (folded != NULL)
		*folded = slice_of(NULL, 0);
	if (!scratch->remember || at == 0 || at >= scratch->nplaces)
		return pred_pick(fields, n, event, scratch);
	place = &scratch->places[at];
	if (place->event != scratch->event) {
		place->event = scratch->event;
		place->has_folded = false;
		place->value = pick_by_shape(scratch, at, fields, n, event);
		if (place->value == &scratch->member) {
			place->member = scratch->member;
			place->value = &place->member;
		}
	}
	if (folded == NULL || place->value == NULL ||
	    place->value->type == VALUE_LIST || place->value->len == 0)
		return place->value;
	if (!place->has_folded) {
		place->has_folded = true;
		place->folded = pred_fold(scratch, slice_of(
		    place->value->text, place->value->len));
		/* Out of slots, the text is in a buffer that changes. */
		if (place->folded.ptr == scratch->buf)
			place->has_folded = false;
	}
	*folded = place->folded;
	return place->value;
}

bool
pred_is_own(const struct value *value)
{
	return value->transform != TRANSFORM_OWNED;
}

static bool
holds_keyword(const struct pred *pred, const struct event *event,
    struct pred_scratch *scratch)
{
	for (size_t i = 0; i < event->n; i++) {
		const struct value *value = &event->values[i];

		for (size_t k = 0; k < value_members(value); k++) {
			const struct value *member = value_member(value, k);

			if (pred_is_own(member) &&
			    pred_value_holds(pred, member, scratch))
				return true;
		}
	}
	return false;
}

static bool
holds_null(const struct value *value)
{
	if (value == NULL)
		return true;
	for (size_t i = 0; i < value_members(value); i++)
		if (value_member(value, i)->type == VALUE_NULL)
			return true;
	return false;
}

static bool
texts_meet(uint8_t how, struct slice a, struct slice b)
{
	switch (how) {
	case PRED_STARTS:
		return slice_starts(a, b);
	case PRED_ENDS:
		return slice_ends(a, b);
	case PRED_CONTAINS:
		return slice_find(a, b) >= 0;
	}
	return slice_eq(a, b);
}

static bool
values_meet(const struct pred *pred, const struct value *a,
    const struct value *b, struct pred_scratch *scratch)
{
	char abuf[VALUE_TEXT_BYTES], bbuf[VALUE_TEXT_BYTES];
	struct slice left, right;
	char *copy;
	bool meet;

	if (a->type == VALUE_NULL || b->type == VALUE_NULL)
		return false;
	left = value_as_text(a, abuf);
	right = value_as_text(b, bbuf);
	if (pred->cased || slice_eq(left, right))
		return texts_meet(pred->how, left, right);
	copy = xmalloc(FOLD_ROOM(left.len));
	left = slice_of(copy, fold_put(copy, left));
	meet = texts_meet(pred->how, left, pred_fold_value(scratch, b, right));
	free(copy);
	return meet;
}

static bool
holds_fieldref(const struct pred *pred, const struct event *event,
    struct pred_scratch *scratch)
{
	const struct value *a = pred_pick(pred->fields, pred->nfields, event,
	    scratch);
	const struct value *b = pred_pick(pred->others, pred->nothers, event,
	    scratch);

	if (a == NULL || b == NULL)
		return false;
	for (size_t i = 0; i < value_members(a); i++)
		for (size_t k = 0; k < value_members(b); k++)
			if (values_meet(pred, value_member(a, i),
			    value_member(b, k), scratch))
				return true;
	return false;
}

bool
pred_holds(const struct pred *pred, const struct event *event,
    struct pred_scratch *scratch)
{
	const struct value *value;
	struct slice folded;

	switch (pred->op) {
	case PRED_TRUE:
		return true;
	case PRED_WORD:
		if (pred->nfields == 0)
			return word_in(pred, event->raw);
		break;
	case PRED_PHRASE:
		if (pred->nfields == 0)
			return phrase_in(pred, event->raw);
		break;
	case PRED_FIELDREF:
		return holds_fieldref(pred, event, scratch);
	}
	if (pred->nfields == 0)
		return holds_keyword(pred, event, scratch);
	value = pred_pick_place(pred->place, pred->fields, pred->nfields,
	    event, scratch, pred->cased || pred->has_number ? NULL : &folded);
	if (pred->op == PRED_EXISTS)
		return value != NULL;
	if (pred->op == PRED_NULL)
		return holds_null(value);
	if (value == NULL)
		return false;
	if (value->type == VALUE_LIST)
		return any_member(pred, value, scratch);
	return value_holds(pred, value, pred->cased || pred->has_number
	    ? slice_of(NULL, 0) : folded, scratch);
}
