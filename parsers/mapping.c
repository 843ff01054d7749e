/* From slots to fields, in the order that yagura-parser(5) gives: targets of
 * keys, constants, time, blocks, copies.
 */
#include "parsers/decode.h"

#include "engine/arena.h"
#include "engine/ip.h"
#include "engine/logsource.h"
#include "engine/map.h"
#include "engine/regex.h"
#include "parsers/timetext.h"

#define LOWER_BYTES 256		/* longest value a table or list of words knows */

static void run_target(struct reading *r, const struct target *target,
    slot_t slot, struct value value);

/* --- small things -------------------------------------------------------- */
static struct slice
text_of(const struct value *value, char buf[VALUE_TEXT_BYTES])
{
	if (value->type == VALUE_LIST)
		return value->len > 0 ? value_as_text(&value->u.items[0], buf)
		    : slice_of("", 0);
	return value_as_text(value, buf);
}

static bool
find_word(const struct words *words, struct slice text)
{
	for (size_t i = 0; i < words->n; i++)
		if (words->at[i].len == text.len && (text.len == 0 ||
		    ascii_lower(words->at[i].ptr[0]) ==
		    ascii_lower(text.ptr[0])) &&
		    slice_eq_nocase(words->at[i], text))
			return true;
	return false;
}

/* Most texts have a length that none of the words has. */
static inline bool
in_words(const struct words *words, struct slice text)
{
	return (words->lengths >> (text.len < 31 ? text.len : 31) & 1) != 0 &&
	    find_word(words, text);
}

static struct slice
lowered(struct slice text, char buf[LOWER_BYTES])
{
	for (size_t i = 0; i < text.len; i++)
		buf[i] = ascii_lower(text.ptr[i]);
	return slice_of(buf, text.len);
}

static bool
nothing_by_words(const struct reading *r, const struct words *skip,
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

/* Few texts have the length of a word that means nothing. */
static inline bool
means_nothing(const struct reading *r, const struct words *skip,
    const struct value *value)
{
	uint32_t lengths = r->def->skip.lengths | 1 |
	    (skip != NULL ? skip->lengths : 0);

	if (value->text != NULL && value->type != VALUE_LIST &&
	    value->type != VALUE_NULL &&
	    (lengths >> (value->len < 31 ? value->len : 31) & 1) == 0)
		return false;
	return nothing_by_words(r, skip, value);
}

/* A part of a value keeps its transform only if it still is bytes of the
 * line. */
static struct value
part_of(const struct value *value, struct slice text)
{
	return value_text(text, value->transform == TRANSFORM_NONE
	    ? TRANSFORM_NONE : TRANSFORM_OWNED);
}

/* --- setting a field ----------------------------------------------------- */
static bool
fits_changed(struct value *value, enum value_type type)
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

static inline bool
fits(struct value *value, enum value_type type)
{
	return value->type == type || fits_changed(value, type);
}

static bool
set_typed(struct reading *r, field_t field, struct value value,
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

static bool
mapping_set(struct reading *r, field_t field, struct value value)
{
	if (field == FIELD_NONE)
		return false;
	if (field == FIELD_TIMESTAMP) {
		struct timetext time;
		char buf[VALUE_TEXT_BYTES];
		struct slice text = text_of(&value, buf);

		if (value.type == VALUE_TIME)
			r->event->time_ns = value.u.num;
		else if (timetext_read(text, &time) == 0 ||
		    !timetext_resolve(&time, r->event->ingested_ns, r->zone,
		    &r->event->time_ns))
			return false;
		r->event->has_time = true;
		return true;
	}
	return set_typed(r, field, value, field_type(field));
}

static bool
has_field(const struct reading *r, field_t field)
{
	return event_has(r->event, field);
}

/* --- tables -------------------------------------------------------------- */
static const struct value *
table_find(const struct table *table, struct slice text, bool *same)
{
	char buf[LOWER_BYTES];
	struct slice low;
	const union map_value *found;

	*same = false;
	if (text.len <= sizeof(buf)) {
		low = lowered(text, buf);
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
static struct slice
take_part(const struct target *target, struct slice s)
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

static struct slice
change_case(struct reading *r, struct slice s, bool up)
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
static bool
change(struct reading *r, const struct target *target, struct value *value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text = text_of(value, buf), was = text;
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
		text = take_part(target, text);
	if (target->lower || target->upper) {
		struct slice other = change_case(r, text, target->upper);

		if (other.ptr != text.ptr) {
			*value = value_text(other, TRANSFORM_OWNED);
			return other.len > 0;
		}
	}
	if (text.ptr != was.ptr || text.len != was.len) {
		*value = part_of(value, text);
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

/* --- splits --------------------------------------------------------------
 * Part i of a split goes to target->field[i]. */
static void
set_part(struct reading *r, const struct target *target, size_t i,
    const struct value *whole, struct slice text)
{
	field_t field = target->field[i];

	if (text.len == 0 || field == FIELD_NONE)
		return;
	if (!target->force && !target->add && has_field(r, field))
		return;
	if (target->lower)
		text = change_case(r, text, false);
	mapping_set(r, field, part_of(whole, text));
}

enum { USER_DOMAIN, USER_NAME };

static void
split_user(struct reading *r, const struct target *t, const struct value *v,
    struct slice s)
{
	ptrdiff_t at = slice_find_byte(s, '\\');
	size_t skip = 1;

	if (at >= 0 && (size_t)at + 1 < s.len &&
	    s.ptr[at + 1] == '\\')
		skip = 2;
	if (at > 0) {
		set_part(r, t, USER_DOMAIN, v, slice_head(s, (size_t)at));
		set_part(r, t, USER_NAME, v, slice_skip(s,
		    (size_t)at + skip));
		return;
	}
	at = slice_find_byte(s, '@');
	if (at > 0 && (size_t)at + 1 < s.len) {
		set_part(r, t, USER_DOMAIN, v, slice_skip(s,
		    (size_t)at + 1));
		set_part(r, t, USER_NAME, v, slice_head(s, (size_t)at));
		return;
	}
	set_part(r, t, USER_NAME, v, s);
}

enum { END_ADDRESS, END_IP, END_DOMAIN, END_PORT };

static bool
is_ip(struct slice s)
{
	uint8_t ip[16];

	return ip_parse(s, ip);
}

static bool
is_host_name(struct slice s)
{
	if (s.len == 0 || s.len > 255)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '.' && c != '-' && c != '_' &&
		    (unsigned char)c < 0x80)
			return false;
	}
	return true;
}

/* Host and port; *port is empty if there is none. */
static struct slice
cut_port(struct slice s, struct slice *port)
{
	size_t i = s.len;
	char sign;

	*port = slice_of("", 0);
	if (is_ip(s))
		return s;
	if (s.len > 2 && s.ptr[0] == '[') {
		ptrdiff_t close = slice_find_byte(s, ']');

		if (close > 0) {
			if ((size_t)close + 2 < s.len)
				*port = slice_skip(s, (size_t)close + 2);
			return slice_of(s.ptr + 1, (size_t)close - 1);
		}
	}
	while (i > 0 && s.ptr[i - 1] >= '0' && s.ptr[i - 1] <= '9')
		i--;
	if (i == s.len || i < 2)
		return s;
	sign = s.ptr[i - 1];
	if (sign != ':' && sign != '#' && sign != '/' && sign != '.')
		return s;
	if (sign == '.' && !is_ip(slice_head(s, i - 1)))
		return s;
	*port = slice_skip(s, i);
	return slice_head(s, i - 1);
}

static void
split_endpoint(struct reading *r, const struct target *t,
    const struct value *v, struct slice s)
{
	struct slice port, host = cut_port(s, &port);
	ptrdiff_t zone;

	set_part(r, t, END_PORT, v, port);
	zone = slice_find_byte(host, '%');
	if (zone > 0 && is_ip(slice_head(host, (size_t)zone)))
		host = slice_head(host, (size_t)zone);
	if (is_ip(host)) {
		set_part(r, t, END_IP, v, host);
		set_part(r, t, END_ADDRESS, v, host);
	} else if (is_host_name(host)) {
		set_part(r, t, END_DOMAIN, v, host);
		set_part(r, t, END_ADDRESS, v, host);
	}
}

enum {
	URL_ORIGINAL, URL_FULL, URL_SCHEME, URL_DOMAIN, URL_PORT, URL_PATH,
	URL_QUERY, URL_FRAGMENT, URL_USERNAME
};

static void
split_url_path(struct reading *r, const struct target *t,
    const struct value *v, struct slice s)
{
	ptrdiff_t at = slice_find_byte(s, '#');

	if (at >= 0) {
		set_part(r, t, URL_FRAGMENT, v, slice_skip(s,
		    (size_t)at + 1));
		s = slice_head(s, (size_t)at);
	}
	at = slice_find_byte(s, '?');
	if (at >= 0) {
		set_part(r, t, URL_QUERY, v, slice_skip(s, (size_t)at + 1));
		s = slice_head(s, (size_t)at);
	}
	set_part(r, t, URL_PATH, v, s);
}

static void
split_url(struct reading *r, const struct target *t, const struct value *v,
    struct slice s)
{
	ptrdiff_t at = slice_find(s, SLICE("://"));
	struct slice port, host;
	size_t n = 0;

	set_part(r, t, URL_ORIGINAL, v, s);
	if (s.len > 0 && s.ptr[0] == '/') {
		split_url_path(r, t, v, s);
		return;
	}
	if (at > 0 && at < 16) {
		set_part(r, t, URL_FULL, v, s);
		set_part(r, t, URL_SCHEME, v, slice_head(s, (size_t)at));
		s = slice_skip(s, (size_t)at + 3);
	}
	while (n < s.len && s.ptr[n] != '/' && s.ptr[n] != '?' &&
	    s.ptr[n] != '#')
		n++;
	host = slice_head(s, n);
	at = slice_find_byte(host, '@');
	if (at >= 0) {
		struct slice user = slice_head(host, (size_t)at);
		ptrdiff_t colon = slice_find_byte(user, ':');

		set_part(r, t, URL_USERNAME, v, colon < 0 ? user
		    : slice_head(user, (size_t)colon));
		host = slice_skip(host, (size_t)at + 1);
	}
	host = cut_port(host, &port);
	if (is_ip(host) || is_host_name(host)) {
		set_part(r, t, URL_DOMAIN, v, host);
		set_part(r, t, URL_PORT, v, port);
	}
	if (n < s.len)
		split_url_path(r, t, v, slice_skip(s, n));
}

enum { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_IMPHASH };

static void
set_hash(struct reading *r, const struct target *t, const struct value *v,
    size_t part, struct slice text)
{
	struct slice low = change_case(r, text, false);
	struct value value;

	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return;
	}
	value = low.ptr == text.ptr ? part_of(v, low)
	    : value_text(low, TRANSFORM_OWNED);
	if (text.len > 0 && t->field[part] != FIELD_NONE &&
	    !has_field(r, t->field[part]))
		mapping_set(r, t->field[part], value);
}

static void
split_hashes(struct reading *r, const struct target *t, const struct value *v,
    struct slice s)
{
	static const char *const names[] = { "MD5", "SHA1", "SHA256",
	    "IMPHASH" };

	while (s.len > 0) {
		ptrdiff_t end = slice_find_byte(s, ','), sign;
		struct slice item = end < 0 ? s : slice_head(s, (size_t)end);

		s = end < 0 ? slice_of("", 0) : slice_skip(s,
		    (size_t)end + 1);
		item = slice_trim(item);
		sign = slice_find_byte(item, '=');
		if (sign < 0) {
			if (item.len == 32)
				set_hash(r, t, v, HASH_MD5, item);
			else if (item.len == 40)
				set_hash(r, t, v, HASH_SHA1, item);
			else if (item.len == 64)
				set_hash(r, t, v, HASH_SHA256, item);
			continue;
		}
		for (size_t i = 0; i < 4; i++)
			if (slice_eq_nocase(slice_head(item, (size_t)sign),
			    slice_cstr(names[i])))
				set_hash(r, t, v, i, slice_skip(item,
				    (size_t)sign + 1));
	}
}

static void
split_path(struct reading *r, const struct target *t, const struct value *v,
    struct slice s)
{
	static const uint8_t takes[] = { TAKE_ALL, TAKE_BASENAME,
	    TAKE_DIRNAME, TAKE_EXTENSION };

	for (size_t i = 0; i < 4; i++) {
		struct target part = { .take = takes[i] };

		set_part(r, t, i, v, take_part(&part, s));
	}
}

static void
split_email(struct reading *r, const struct target *t, const struct value *v,
    struct slice s)
{
	ptrdiff_t at;

	s = slice_trim(s);
	if (s.len > 2 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>')
		s = slice_of(s.ptr + 1, s.len - 2);
	at = slice_find_byte(s, '@');
	set_part(r, t, 0, v, s);
	if (at < 0)
		return;
	set_part(r, t, 1, v, slice_head(s, (size_t)at));
	set_part(r, t, 2, v, slice_skip(s, (size_t)at + 1));
}

static void
split_list(struct reading *r, const struct target *t, slot_t slot,
    const struct value *v, struct slice s)
{
	struct target item = *t;
	bool more = true;

	item.split = SPLIT_NO;
	item.add = true;
	if (!t->add && !t->force && has_field(r, t->field[0]))
		return;
	if (t->force)
		event_unset(r->event, t->field[0]);
	while (more) {
		ptrdiff_t end = slice_find(s, t->by);
		struct slice text = end < 0 ? s : slice_head(s, (size_t)end);

		more = end >= 0;
		if (more)
			s = slice_skip(s, (size_t)end + t->by.len);
		text = slice_trim(text);
		if (text.len > 0)
			run_target(r, &item, slot, part_of(v, text));
	}
}

static void
run_split(struct reading *r, const struct target *t, slot_t slot,
    struct value value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice s = text_of(&value, buf);

	if (value.text == NULL && value.type != VALUE_LIST)
		return;
	switch (t->split) {
	case SPLIT_USER:	split_user(r, t, &value, s); break;
	case SPLIT_ENDPOINT:	split_endpoint(r, t, &value, s); break;
	case SPLIT_URL:		split_url(r, t, &value, s); break;
	case SPLIT_HASHES:	split_hashes(r, t, &value, s); break;
	case SPLIT_PATH:	split_path(r, t, &value, s); break;
	case SPLIT_EMAIL:	split_email(r, t, &value, s); break;
	case SPLIT_LIST:	split_list(r, t, slot, &value, s); break;
	default:		break;
	}
}

/* --- one target ---------------------------------------------------------- */
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
	struct slice text = text_of(&value, buf);

	if (target->domain != FIELD_NONE && is_host_name(text)) {
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
	struct slice text = slice_trim(text_of(&value, buf));
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
		if (fits_changed(&typed, target->type) &&
		    event_put(r->event, field, &typed))
			return;
	}
	keep_misfit(r, target, typed);
}

static void
run_target(struct reading *r, const struct target *target, slot_t slot,
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
			run_target(r, &item, slot, value.u.items[i]);
		}
		return;
	}
	if (!change(r, target, &value))
		return;
	if (target->decode != NULL) {
		run_inner(r, target, slot, &value);
		return;
	}
	if (target->split != SPLIT_NO) {
		run_split(r, target, slot, value);
		return;
	}
	if (field == FIELD_NONE || (!target->add && !target->force &&
	    has_field(r, field)))
		return;
	if (target->table != NULL) {
		bool same;
		const struct value *to = table_find(target->table,
		    text_of(&value, buf), &same);

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
			set_typed(r, field, value, target->type);
		else if (fits(&value, target->type))
			event_append(r->event, field, value);
		else
			keep_misfit(r, target, value);
		return;
	}
	if (target->force && value.type == VALUE_LIST)
		event_unset(r->event, field);
	if (field == FIELD_TIMESTAMP ? !mapping_set(r, field, value)
	    : !set_typed(r, field, value, target->type))
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
			run_target(r, target, map->slot, *value);
	}
}

static void
run_keymap(struct reading *r, const struct keymap *map)
{
	const struct value *value = reading_slot(r, map->slot);

	if (value != NULL)
		run_value(r, map, value);
}

/* Slots in the order of the file. Decoding inside decoding fills further
 * slots, also earlier ones, so we go on until no new one is there. */
static void
run_slots(struct reading *r)
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

/* --- conditions ---------------------------------------------------------- */
static bool
holds_for(const struct condition *cond, struct slice text, struct reading *r)
{
	const struct words *words = &cond->words;
	char buf[LOWER_BYTES];
	uint8_t ip[16];
	double dbl;

	switch (cond->kind) {
	case COND_EQUALS:
		if (cond->index != NULL)
			return text.len <= sizeof(buf) && map_find(
			    cond->index, lowered(text, buf)) != NULL;
		return in_words(words, text);
	case COND_STARTS:
		for (size_t i = 0; i < words->n; i++)
			if (text.len >= words->at[i].len && slice_eq_nocase(
			    slice_head(text, words->at[i].len), words->at[i]))
				return true;
		return false;
	case COND_ENDS:
		for (size_t i = 0; i < words->n; i++)
			if (text.len >= words->at[i].len && slice_eq_nocase(
			    slice_skip(text, text.len - words->at[i].len),
			    words->at[i]))
				return true;
		return false;
	case COND_CONTAINS:
		for (size_t i = 0; i < words->n; i++)
			if (slice_find_nocase(text, words->at[i]) >= 0)
				return true;
		return false;
	case COND_REGEX:
		for (size_t i = 0; i < words->n; i++)
			if (regex_match(cond->regexes[i], text, r->scratch))
				return true;
		return false;
	case COND_GT:
		return slice_double(text, &dbl) && dbl > cond->number;
	case COND_GE:
		return slice_double(text, &dbl) && dbl >= cond->number;
	case COND_LT:
		return slice_double(text, &dbl) && dbl < cond->number;
	case COND_LE:
		return slice_double(text, &dbl) && dbl <= cond->number;
	case COND_CIDR:
		if (!ip_parse(text, ip))
			return false;
		for (size_t i = 0; i < words->n; i++)
			if (cidr_holds(&cond->nets[i], ip))
				return true;
		return false;
	default:
		return false;
	}
}

/* The key of the line if it is there, or else the field. */
static inline const struct value *
value_at(struct reading *r, slot_t slot, field_t field)
{
	const struct value *value = reading_slot(r, slot);

	if (value == NULL) {
		if (event_lacks(r->event, field))
			return NULL;
		value = event_get(r->event, field);
	}
	if (value != NULL && means_nothing(r, NULL, value))
		return NULL;
	return value;
}

static bool
holds_for_any(struct reading *r, const struct condition *cond,
    const struct value *value)
{
	char buf[VALUE_TEXT_BYTES];

	for (size_t i = 0; i < value_members(value); i++)
		if (holds_for(cond, value_as_text(value_member(value, i),
		    buf), r))
			return true;
	return false;
}

static bool
leaf_holds(struct reading *r, const struct condition *cond)
{
	const struct value *value = value_at(r, cond->slot, cond->field);

	if (cond->kind == COND_ABSENT)
		return value == NULL;
	if (value == NULL || cond->kind == COND_EXISTS)
		return value != NULL;
	if (cond->kind == COND_EQUALS && cond->index == NULL &&
	    value->type != VALUE_LIST && value->text != NULL)
		return in_words(&cond->words, slice_of(value->text,
		    value->len));
	return holds_for_any(r, cond, value);
}

static bool
mapping_holds(struct reading *r, const struct condition *cond)
{
	bool any;

	if (cond->kind == COND_NOT)
		return !mapping_holds(r, &cond->kids[0]);
	if (cond->kind != COND_ALL && cond->kind != COND_ANY)
		return leaf_holds(r, cond);
	any = cond->kind == COND_ANY;
	for (size_t i = 0; i < cond->nkids; i++)
		if (mapping_holds(r, &cond->kids[i]) == any)
			return any;
	return !any;
}

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
			parts[i] = text_of(value, bufs[i]);
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
	text = text_of(value, buf);
	if (text.len > sizeof(low))
		return block->otherwise;
	text = lowered(text, low);
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
		run_keymap(r, &block->keys[i]);
	if (block->nkeys > 0)
		run_slots(r);	/* what they decoded further */
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
		parts[i] = text_of(value, buf);
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
		time.has_zone = timetext_zone(slice_trim(text_of(named,
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
	run_slots(r);
	put_extras(r);
	run_sets(r, &def->body, false);
	run_times(r);
	for (size_t i = 0; i < r->nblocks; i++)
		run_block(r, r->blocks[i]);
	run_when(r, &def->body);
	put_extras(r);
	run_copies(r, def->body.copies, def->body.ncopies);
}
