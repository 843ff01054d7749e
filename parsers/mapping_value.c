/* Values on their way: what they mean, how they change, where they fit. */
#include "parsers/mapping.h"

#include "engine/arena.h"
#include "engine/map.h"
#include "parsers/timetext.h"

struct slice
mapping_text(const struct value *value, char buf[VALUE_TEXT_BYTES])
{
	if (value->type == VALUE_LIST)
		return value->len > 0 ? value_as_text(&value->u.items[0], buf)
		    : slice_of("", 0);
	return value_as_text(value, buf);
}

bool
mapping_find_word(const struct words *words, struct slice text)
{
	for (size_t i = 0; i < words->n; i++)
		if (words->at[i].len == text.len && (text.len == 0 ||
		    ascii_lower(words->at[i].ptr[0]) ==
		    ascii_lower(text.ptr[0])) &&
		    slice_eq_nocase(words->at[i], text))
			return true;
	return false;
}

struct slice
mapping_lowered(struct slice text, char buf[LOWER_BYTES])
{
	for (size_t i = 0; i < text.len; i++)
		buf[i] = ascii_lower(text.ptr[i]);
	return slice_of(buf, text.len);
}

bool
mapping_nothing(const struct reading *r, const struct words *skip,
    const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text;

	if (value->type == VALUE_NULL)
		return true;
	if (value->type == VALUE_LIST)
		return value->len == 0;
	if (value->text != NULL)
		text = slice_of(value->text, value->len);
	else
		text = value_as_text(value, buf);
	return text.len == 0 || in_words(&r->def->skip, text) ||
	    (skip != NULL && in_words(skip, text));
}

/* A part of a value keeps its transform only if it still is bytes of the
 * line. */
struct value
mapping_part(const struct value *value, struct slice text)
{
	return value_text(text, value->transform == TRANSFORM_NONE
	    ? TRANSFORM_NONE : TRANSFORM_OWNED);
}

/* --- setting a field ----------------------------------------------------- */
bool
mapping_fit(struct value *value, enum value_type type)
{
	char buf[VALUE_TEXT_BYTES];
	struct value typed;

	if (value->type == VALUE_NULL)
		return true;
	if (type == VALUE_TEXT) {
		if (value->text == NULL)
			return true;	/* a number of ours stays one */
		value->type = VALUE_TEXT;
		return true;
	}
	if (type == VALUE_DOUBLE && value->type == VALUE_LONG) {
		value->u.dbl = (double)value->u.num;
		value->type = VALUE_DOUBLE;
		return true;
	}
	if (value->type == VALUE_LIST)
		return false;
	if (value->text == NULL || !value_parse(value_as_text(value, buf),
	    value->transform, type, &typed))
		return false;
	*value = typed;
	return true;
}

bool
mapping_set_typed(struct reading *r, field_t field, struct value value,
    enum value_type type)
{
	if (value.type == VALUE_LIST) {
		bool any = false;

		for (size_t i = 0; i < value.len; i++) {
			struct value item = value.u.items[i];

			if (item.type != VALUE_NULL &&
			    fits(&item, type) &&
			    event_append(r->event, field, item))
				any = true;
		}
		return any;
	}
	return fits(&value, type) && event_put(r->event, field, &value);
}

bool
mapping_set(struct reading *r, field_t field, struct value value)
{
	if (field == FIELD_NONE)
		return false;
	if (field == FIELD_TIMESTAMP) {
		struct timetext time;
		char buf[VALUE_TEXT_BYTES];
		struct slice text = mapping_text(&value, buf);

		if (value.type == VALUE_TIME)
			r->event->time_ns = value.u.num;
		else if (timetext_read(text, &time) == 0 ||
		    !timetext_resolve(&time, r->event->ingested_ns, r->zone,
		    &r->event->time_ns))
			return false;
		r->event->has_time = true;
		return true;
	}
	return mapping_set_typed(r, field, value, field_type(field));
}

/* --- tables -------------------------------------------------------------- */
const struct value *
mapping_table(const struct table *table, struct slice text, bool *same)
{
	char buf[LOWER_BYTES];
	struct slice low;
	const union map_value *found;

	*same = false;
	if (text.len <= sizeof(buf)) {
		low = mapping_lowered(text, buf);
		if (table->index != NULL) {
			found = map_find(table->index, low);
			if (found != NULL)
				return &table->exact[found->num].to;
		} else {
			for (size_t i = 0; i < table->nexact; i++)
				if (slice_eq(table->exact[i].from, low))
					return &table->exact[i].to;
		}
		for (size_t i = 0; i < table->nstarts; i++)
			if (slice_starts(low, table->starts[i].from))
				return &table->starts[i].to;
	}
	*same = table->same;
	return table->has_other ? &table->other : NULL;
}

/* --- changing one value -------------------------------------------------- */
struct slice
mapping_take(const struct target *target, struct slice s)
{
	ptrdiff_t at = -1;
	size_t i;

	switch (target->take) {
	case TAKE_BASENAME:
	case TAKE_DIRNAME:
		for (i = s.len; i > 0; i--)
			if (s.ptr[i - 1] == '/' || s.ptr[i - 1] == '\\')
				break;
		if (target->take == TAKE_BASENAME)
			return slice_skip(s, i);
		return slice_head(s, i > 1 ? i - 1 : i);
	case TAKE_EXTENSION:
		for (i = s.len; i > 1; i--) {
			if (s.ptr[i - 1] == '.')
				return slice_skip(s, i);
			if (s.ptr[i - 1] == '/' || s.ptr[i - 1] == '\\')
				break;
		}
		return slice_of("", 0);
	case TAKE_FIRST_WORD:
		s = slice_trim(s);
		if (s.len > 1 && s.ptr[0] == '"') {
			s = slice_skip(s, 1);
			at = slice_find_byte(s, '"');
		} else {
			at = slice_find_byte(s, ' ');
		}
		return at < 0 ? s : slice_head(s, (size_t)at);
	case TAKE_BEFORE:
		at = slice_find(s, target->by);
		return at < 0 ? s : slice_head(s, (size_t)at);
	case TAKE_AFTER:
		at = slice_find(s, target->by);
		return at < 0 ? slice_of("", 0)
		    : slice_skip(s, (size_t)at + target->by.len);
	case TAKE_BEFORE_LAST:
	case TAKE_AFTER_LAST:
		for (i = s.len; i >= target->by.len && i > 0; i--)
			if (slice_ends(slice_head(s, i), target->by)) {
				at = (ptrdiff_t)(i - target->by.len);
				break;
			}
		if (target->take == TAKE_BEFORE_LAST)
			return at < 0 ? s : slice_head(s, (size_t)at);
		return at < 0 ? slice_of("", 0)
		    : slice_skip(s, (size_t)at + target->by.len);
	default:
		return s;
	}
}

/* "(3)www(7)example(3)org(0)", as Microsoft's DNS server writes names, with
 * points between; the text itself if it is none of these. */
static struct slice
join_labels(struct reading *r, struct slice s)
{
	char *out = arena_text(r->arena, s.len);
	struct slice rest = s;
	size_t n = 0;

	while (rest.len > 0) {
		size_t len = 0, i = 1;

		if (rest.ptr[0] != '(')
			return s;
		for (; i < rest.len && i < 4 && rest.ptr[i] >= '0' &&
		    rest.ptr[i] <= '9'; i++)
			len = len * 10 + (size_t)(rest.ptr[i] - '0');
		if (i == 1 || i == rest.len || rest.ptr[i] != ')')
			return s;
		rest = slice_skip(rest, i + 1);
		/* Bytes that were rewritten make the count wrong. */
		if (len > rest.len ||
		    (len < rest.len && rest.ptr[len] != '(')) {
			ptrdiff_t end = slice_find_byte(rest, '(');

			len = end < 0 ? rest.len : (size_t)end;
		}
		if (len > 0 && n > 0)
			out[n++] = '.';
		memcpy(out + n, rest.ptr, len);
		n += len;
		rest = slice_skip(rest, len);
	}
	return slice_of(out, n);
}

struct slice
mapping_change_case(struct reading *r, struct slice s, bool up)
{
	char *out;
	size_t i = 0;

	while (i < s.len && !(up ? s.ptr[i] >= 'a' && s.ptr[i] <= 'z'
	    : s.ptr[i] >= 'A' && s.ptr[i] <= 'Z'))
		i++;
	if (i == s.len)
		return s;
	out = arena_text(r->arena, s.len);
	for (i = 0; i < s.len; i++)
		out[i] = !up ? ascii_lower(s.ptr[i]) :
		    s.ptr[i] >= 'a' && s.ptr[i] <= 'z'
		    ? (char)(s.ptr[i] - 32) : s.ptr[i];
	return slice_of(out, s.len);
}

static bool
read_hex(struct slice s, int64_t *out)
{
	uint64_t n = 0;

	if (s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] == 'x' ||
	    s.ptr[1] == 'X'))
		s = slice_skip(s, 2);
	if (s.len == 0 || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.ptr[i]);

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	if (n > INT64_MAX)
		return false;
	*out = (int64_t)n;
	return true;
}

/* False: nothing is left of it. */
bool
mapping_change(struct reading *r, const struct target *target,
    struct value *value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text = mapping_text(value, buf), was = text;
	double dbl;
	int64_t num;

	if (target->trim)
		text = slice_trim(text);
	if (target->take == TAKE_LABELS) {
		*value = value_text(join_labels(r, text), TRANSFORM_OWNED);
		text = was = slice_of(value->text, value->len);
		if (text.len == 0)
			return false;
	} else if (target->take != TAKE_ALL)
		text = mapping_take(target, text);
	if (target->lower || target->upper) {
		struct slice other = mapping_change_case(r, text,
		    target->upper);

		if (other.ptr != text.ptr) {
			*value = value_text(other, TRANSFORM_OWNED);
			return other.len > 0;
		}
	}
	if (text.ptr != was.ptr || text.len != was.len) {
		*value = mapping_part(value, text);
		if (text.len == 0)
			return false;
	}
	if (target->hex && read_hex(text, &num)) {
		value->type = VALUE_LONG;
		value->u.num = num;
		value->text = NULL;
		value->len = 0;
		value->transform = TRANSFORM_OWNED;
	}
	if (target->times != 0) {
		if (!value_as_double(value, &dbl))
			return false;
		dbl *= target->times;
		if (dbl > 9e18 || dbl < -9e18)
			return false;
		*value = value_long((int64_t)(dbl < 0 ? dbl - 0.5
		    : dbl + 0.5));
	}
	return true;
}
