/* One value in parts. */
#include "parsers/mapping.h"

#include "engine/ip.h"

/* Part i of a split goes to target->field[i]. */
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
		text = mapping_change_case(r, text, false);
	mapping_set(r, field, mapping_part(whole, text));
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

bool
mapping_is_host_name(struct slice s)
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
	} else if (mapping_is_host_name(host)) {
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
	if (is_ip(host) || mapping_is_host_name(host)) {
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
	struct slice low = mapping_change_case(r, text, false);
	struct value value;

	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return;
	}
	value = low.ptr == text.ptr ? mapping_part(v, low)
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

		set_part(r, t, i, v, mapping_take(&part, s));
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
			mapping_target(r, &item, slot, mapping_part(v, text));
	}
}

void
mapping_split(struct reading *r, const struct target *t, slot_t slot,
    struct value value)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice s = mapping_text(&value, buf);

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
