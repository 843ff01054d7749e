/* Lists of what is known: CSV with a head, or one value a line. A value is
 * told by its look: an address, a network, a page, a hash, a domain, else a
 * user; the name of its column decides where the look does not (john.doe may
 * be a user or a domain). "[.]", "(.)", "[:]" and hxxp, with which people
 * take the sting out of addresses, are undone.
 *
 * A domain holds for the names below it. A page is compared without scheme,
 * default port, fragment and closing slash, with the host in lower case.
 */
#include "parsers/enrich_part.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/ip.h"
#include "engine/map.h"
#include "parsers/cidrmap.h"
#include "parsers/csvfile.h"

#define VALUES 5000000		/* of all lists */
#define VALUE_BYTES 2048	/* longer values are left out */
#define DOMAIN_BYTES 255
#define PARENTS 16		/* names above a name that are looked up */
#define COMPLAINTS 20		/* of one list; one more says how many */

enum kind { KIND_GUESS, KIND_IP, KIND_DOMAIN, KIND_URL, KIND_HASH, KIND_USER,
	KINDS };

/* What an event gets where a value is found: a chain of names. */
struct mark {
	struct slice name, category;	/* "tor", "" or "intel", "intel.c2" */
	uint32_t next;			/* 1 + index; 0: end */
};

struct intel {
	struct arena *arena;
	struct mark *marks;
	size_t	 n, cap;
	size_t	 values;
	struct cidrmap *networks;	/* also single addresses of lists */
	struct map *texts[KINDS];	/* value -> 1 + mark; NULL: no value */
};

/* --- loading --- */

static bool
name_is(struct slice name, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_find_nocase(name, slice_cstr(*words)) >= 0)
			return true;
	return false;
}

static enum kind
kind_of_column(struct slice name)
{
	static const char *const users[] = { "user", "account", "mail",
		"login", NULL };
	static const char *const hashes[] = { "hash", "md5", "sha1", "sha256",
		NULL };
	static const char *const domains[] = { "domain", "host", "fqdn",
		"dns", NULL };

	if (name_is(name, users))
		return KIND_USER;
	if (name_is(name, hashes))
		return KIND_HASH;
	if (name_is(name, domains))
		return KIND_DOMAIN;
	if (slice_find_nocase(name, SLICE("url")) >= 0)
		return KIND_URL;
	return KIND_GUESS;
}

/* Into buf, which has room for as many bytes as text has. */
static struct slice
refang(struct slice text, char *buf)
{
	static const struct { struct slice from; char to; } stings[] = {
		{ { "[.]", 3 }, '.' }, { { "(.)", 3 }, '.' },
		{ { "{.}", 3 }, '.' }, { { "[:]", 3 }, ':' },
		{ { "[@]", 3 }, '@' }, { { "[dot]", 5 }, '.' },
		{ { "[at]", 4 }, '@' },
	};
	size_t n = 0;

	for (size_t i = 0; i < text.len;) {
		size_t s = 0;

		while (s < sizeof(stings) / sizeof(stings[0]) &&
		    !slice_starts(slice_skip(text, i), stings[s].from))
			s++;
		if (s < sizeof(stings) / sizeof(stings[0])) {
			buf[n++] = stings[s].to;
			i += stings[s].from.len;
		} else {
			buf[n++] = text.ptr[i++];
		}
	}
	if (n >= 4 && slice_eq_nocase(slice_of(buf, 4), SLICE("hxxp")))
		buf[1] = buf[2] = 't';
	return slice_of(buf, n);
}

static bool
is_hash(struct slice text)
{
	if (text.len != 32 && text.len != 40 && text.len != 64 &&
	    text.len != 128)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

static bool
is_domain(struct slice text)
{
	bool dot = false;

	if (text.len == 0 || text.len > DOMAIN_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.ptr[i]);

		if (c == '.')
			dot = true;
		else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    c == '-' || c == '_' || (unsigned char)c >= 0x80))
			return false;
	}
	return dot;
}

static enum kind
kind_of_value(struct slice text)
{
	struct cidr cidr;

	if (cidr_parse(text, &cidr))
		return KIND_IP;
	if (slice_find(text, SLICE("://")) >= 0)
		return KIND_URL;
	if (is_hash(text))
		return KIND_HASH;
	if (is_domain(text))
		return KIND_DOMAIN;
	if (slice_find_byte(text, '/') > 0)
		return KIND_URL;
	return KIND_USER;
}

/* The lower-case name without the dot at its end and a wildcard in front. */
static struct slice
domain_normal(struct slice name, char buf[DOMAIN_BYTES])
{
	if (slice_starts(name, SLICE("*.")))
		name = slice_skip(name, 2);
	else if (name.len > 0 && name.ptr[0] == '.')
		name = slice_skip(name, 1);
	if (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len > DOMAIN_BYTES)
		return slice_of("", 0);
	for (size_t i = 0; i < name.len; i++)
		buf[i] = ascii_lower(name.ptr[i]);
	return slice_of(buf, name.len);
}

static struct slice
lower(struct slice text, char buf[VALUE_BYTES])
{
	if (text.len > VALUE_BYTES)
		return slice_of("", 0);
	for (size_t i = 0; i < text.len; i++)
		buf[i] = ascii_lower(text.ptr[i]);
	return slice_of(buf, text.len);
}

static struct slice
url_normal(struct slice url, char buf[VALUE_BYTES])
{
	ptrdiff_t at = slice_find(url, SLICE("://"));
	bool tls = slice_find_nocase(slice_head(url, 5), SLICE("https")) == 0;
	struct slice host, rest;

	if (at >= 0)
		url = slice_skip(url, (size_t)at + 3);
	at = slice_find_byte(url, '#');
	if (at >= 0)
		url = slice_head(url, (size_t)at);
	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	if (url.len > VALUE_BYTES)
		return slice_of("", 0);
	at = slice_find_byte(url, '/');
	host = at >= 0 ? slice_head(url, (size_t)at) : url;
	rest = slice_skip(url, host.len);
	if (slice_ends(host, tls ? SLICE(":443") : SLICE(":80")))
		host.len -= tls ? 4 : 3;
	for (size_t i = 0; i < host.len; i++)
		buf[i] = ascii_lower(host.ptr[i]);
	if (rest.len > 0)
		memcpy(buf + host.len, rest.ptr, rest.len);
	return slice_of(buf, host.len + rest.len);
}

/* A new mark in front of the chain that begins at first. */
static uint64_t
mark_add(struct intel *intel, struct slice name, struct slice category,
    uint64_t first)
{
	if (intel->n == intel->cap) {
		intel->cap = intel->cap == 0 ? 64 : 2 * intel->cap;
		intel->marks = xrealloc(intel->marks,
		    intel->cap * sizeof(*intel->marks));
	}
	intel->marks[intel->n] = (struct mark){ .name = name,
	    .category = category, .next = (uint32_t)first };
	return ++intel->n;
}

/* Values of one list and category share a mark unless some value is already
 * in another list, so a list of a million addresses has a handful. */
struct list {
	struct intel *intel;
	struct slice name;
	struct map *categories;	/* text -> 1 + index of a mark without next */
	size_t	 key, category;	/* columns; category: 1 + place, 0: none */
	enum kind kind;
	size_t	 complaints;
};

static uint64_t
list_mark(struct list *list, struct slice category)
{
	union map_value *place = map_get(list->categories, category, NULL);
	struct slice full = { "", 0 };

	if (place->num != 0)
		return place->num;
	if (category.len > 0) {
		char *text = arena_text(list->intel->arena,
		    list->name.len + 1 + category.len);

		memcpy(text, list->name.ptr, list->name.len);
		text[list->name.len] = '.';
		memcpy(text + list->name.len + 1, category.ptr, category.len);
		full = slice_of(text, list->name.len + 1 + category.len);
	}
	place->num = mark_add(list->intel, list->name, full, 0);
	return place->num;
}

static void
place_mark(struct intel *intel, uint64_t *place, uint64_t mark)
{
	for (uint64_t at = *place; at != 0; at = intel->marks[at - 1].next)
		if (slice_eq(intel->marks[at - 1].name,
		    intel->marks[mark - 1].name) &&
		    slice_eq(intel->marks[at - 1].category,
		    intel->marks[mark - 1].category))
			return;
	if (*place == 0)
		*place = mark;
	else
		*place = mark_add(intel, intel->marks[mark - 1].name,
		    intel->marks[mark - 1].category, *place);
}

static bool
value_add(struct list *list, struct slice text, struct slice category)
{
	struct intel *intel = list->intel;
	enum kind kind = kind_of_value(text);
	uint64_t mark;
	char buf[VALUE_BYTES];
	struct slice key;
	struct cidr cidr;

	if (kind != KIND_IP && list->kind != KIND_GUESS &&
	    !(kind == KIND_URL && list->kind == KIND_DOMAIN))
		kind = list->kind;
	mark = list_mark(list, category);
	if (kind == KIND_IP) {
		if (!cidr_parse(text, &cidr))
			return false;
		place_mark(intel, cidrmap_add(intel->networks, &cidr), mark);
		return true;
	}
	if (kind == KIND_HASH && !is_hash(text))
		return false;
	key = kind == KIND_DOMAIN ? domain_normal(text, buf)
	    : kind == KIND_URL ? url_normal(text, buf) : lower(text, buf);
	if (key.len == 0)
		return false;
	if (intel->texts[kind] == NULL)
		intel->texts[kind] = map_new();
	place_mark(intel, &map_get(intel->texts[kind], key, NULL)->num, mark);
	return true;
}

/* The column of this name, 1 + place; 0 if there is none. */
static size_t
column_find(const struct slice *cells, size_t n, const char *name)
{
	for (size_t i = 0; name != NULL && i < n; i++)
		if (slice_eq_nocase(cells[i], slice_cstr(name)))
			return i + 1;
	return 0;
}

/* Is the first row a head? It is if it holds the key's name, or if its first
 * cell is a plain word while nothing was asked for. */
static bool
head_read(struct list *list, const struct enrich_list_conf *conf,
    const struct slice *cells, size_t n, struct diag *diag)
{
	static const char *const heads[] = { "address", "ip", "domain",
		"hostname", "host", "url", "hash", "md5", "sha1", "sha256",
		"user", "username", "account", "email", "indicator", "value",
		"ioc", "network", "cidr", "fqdn", "name" };
	size_t key = column_find(cells, n, conf->key);
	bool head = key != 0;

	list->category = column_find(cells, n, conf->category);
	for (size_t i = 0; !head && i < sizeof(heads) / sizeof(heads[0]); i++)
		head = slice_eq_nocase(cells[0], slice_cstr(heads[i]));
	if (list->category != 0)
		head = true;
	if (conf->category != NULL && list->category == 0)
		diag_error(diag, conf->file, 1, 0,
		    "list %s: no column \"%s\"", conf->name, conf->category);
	if (key == 0 && conf->key != NULL && (head || n > 1))
		diag_error(diag, conf->file, 1, 0,
		    "list %s: no column \"%s\"; the first is taken",
		    conf->name, conf->key);
	list->key = key != 0 ? key - 1 : 0;
	list->kind = head ? kind_of_column(cells[list->key])
	    : conf->key != NULL ? kind_of_column(slice_cstr(conf->key))
	    : KIND_GUESS;
	return head;
}

static void
complain(struct list *list, const char *file, int line, struct slice text,
    struct diag *diag)
{
	if (list->complaints++ < COMPLAINTS)
		diag_warning(diag, file, line, 0,
		    "\"%.*s\" is no value of this list; left out",
		    (int)(text.len < 80 ? text.len : 80), text.ptr);
}

/* Without what follows a blank, which is a remark in plain lists. */
static struct slice
first_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == ' ' || text.ptr[i] == '\t')
			return slice_head(text, i);
	return text;
}

static void
row_read(struct list *list, const struct slice *cells, size_t n,
    struct csvfile *file, struct diag *diag)
{
	struct slice text = list->key < n ? cells[list->key] : slice_of("", 0);
	struct slice category = { "", 0 };
	char buf[VALUE_BYTES];

	if (list->category > 0 && list->category <= n)
		category = cells[list->category - 1];
	if (list->kind != KIND_USER)
		text = first_word(text);
	if (text.len == 0 || text.len > sizeof(buf) ||
	    !value_add(list, refang(text, buf), category))
		complain(list, csvfile_name(file), csvfile_line(file), text,
		    diag);
	else
		list->intel->values++;
}

static void
list_read(struct intel *intel, const struct enrich_list_conf *conf,
    struct diag *diag)
{
	struct csvfile *file = csvfile_open(conf->file, diag);
	struct list list = { .intel = intel };
	struct slice cells[CSVFILE_CELLS];
	bool first = true;
	size_t n;

	if (file == NULL)
		return;
	list.name = arena_dup(intel->arena, slice_cstr(conf->name));
	list.categories = map_new();
	while ((n = csvfile_next(file, cells)) > 0) {
		if (first) {
			first = false;
			if (head_read(&list, conf, cells, n, diag))
				continue;
		}
		if (intel->values == VALUES) {
			diag_error(diag, conf->file, csvfile_line(file), 0,
			    "more than %d values in all lists; the rest is "
			    "left out", VALUES);
			break;
		}
		row_read(&list, cells, n, file, diag);
	}
	if (list.complaints > COMPLAINTS)
		diag_warning(diag, conf->file, 0, 0,
		    "%zu values left out in all", list.complaints);
	map_free(list.categories);
	csvfile_close(file);
}

static void
part_free(void *ptr)
{
	struct intel *intel = ptr;

	for (size_t i = 0; i < KINDS; i++)
		map_free(intel->texts[i]);
	cidrmap_free(intel->networks);
	arena_free(intel->arena);
	free(intel->marks);
	free(intel);
}

static void *
part_load(const struct enrich_conf *conf, struct diag *diag)
{
	struct intel *intel;

	if (conf->nlists == 0)
		return NULL;
	intel = xcalloc(1, sizeof(*intel));
	intel->arena = arena_new(0);
	intel->networks = cidrmap_new();
	for (size_t i = 0; i < conf->nlists; i++)
		list_read(intel, &conf->lists[i], diag);
	if (intel->values == 0) {
		part_free(intel);
		return NULL;
	}
	return intel;
}

/* --- events --- */

static void
name_add(struct event *event, field_t to, struct slice name)
{
	if (name.len > 0)
		event_append(event, to, value_text(
		    arena_dup(event->batch->arena, name), TRANSFORM_OWNED));
}

static void
marks_add(const struct intel *intel, struct event *event, field_t to,
    uint64_t at)
{
	for (; at != 0; at = intel->marks[at - 1].next) {
		name_add(event, to, intel->marks[at - 1].name);
		name_add(event, to, intel->marks[at - 1].category);
	}
}

static void
key_run(const struct intel *intel, struct event *event, enum kind kind,
    field_t to, struct slice key)
{
	const union map_value *found = map_find(intel->texts[kind], key);

	if (found != NULL)
		marks_add(intel, event, to, found->num);
}

static void
ip_run(const struct intel *intel, struct event *event, field_t to,
    const struct value *value)
{
	uint64_t mark;
	uint8_t ip[16];
	size_t at = 0;

	if (!value_as_ip(value, ip))
		return;
	while (cidrmap_next(intel->networks, ip, &at, &mark))
		marks_add(intel, event, to, mark);
}

static void
domain_run(const struct intel *intel, struct event *event, field_t to,
    struct slice text)
{
	char buf[DOMAIN_BYTES];
	struct slice name = domain_normal(text, buf);

	for (size_t i = 0; i < PARENTS && name.len > 0; i++) {
		ptrdiff_t dot;

		key_run(intel, event, KIND_DOMAIN, to, name);
		dot = slice_find_byte(name, '.');
		if (dot < 0)
			return;
		name = slice_skip(name, (size_t)dot + 1);
	}
}

/* The whole page, and the page without its query. */
static void
url_run(const struct intel *intel, struct event *event, field_t to,
    struct slice text)
{
	char buf[VALUE_BYTES];
	struct slice url = url_normal(text, buf);
	ptrdiff_t query = slice_find_byte(url, '?');

	if (url.len == 0)
		return;
	key_run(intel, event, KIND_URL, to, url);
	if (query > 0)
		key_run(intel, event, KIND_URL, to,
		    slice_head(url, (size_t)query));
}

/* Which field is looked up as what, and where the answer goes. */
static const struct look {
	field_t	 from;
	enum kind kind;
	field_t	 to;
} looks[] = {
	{ FIELD_SOURCE_IP, KIND_IP, FIELD_YAGURA_LISTS_SOURCE },
	{ FIELD_SOURCE_DOMAIN, KIND_DOMAIN, FIELD_YAGURA_LISTS_SOURCE },
	{ FIELD_DESTINATION_IP, KIND_IP, FIELD_YAGURA_LISTS_DESTINATION },
	{ FIELD_DESTINATION_DOMAIN, KIND_DOMAIN,
	    FIELD_YAGURA_LISTS_DESTINATION },
	{ FIELD_TLS_CLIENT_SERVER_NAME, KIND_DOMAIN,
	    FIELD_YAGURA_LISTS_DESTINATION },
	{ FIELD_DNS_QUESTION_NAME, KIND_DOMAIN, FIELD_YAGURA_LISTS_DNS },
	{ FIELD_DNS_RESOLVED_IP, KIND_IP, FIELD_YAGURA_LISTS_DNS },
	{ FIELD_URL_FULL, KIND_URL, FIELD_YAGURA_LISTS_URL },
	{ FIELD_URL_ORIGINAL, KIND_URL, FIELD_YAGURA_LISTS_URL },
	{ FIELD_URL_DOMAIN, KIND_DOMAIN, FIELD_YAGURA_LISTS_URL },
	{ FIELD_FILE_HASH_MD5, KIND_HASH, FIELD_YAGURA_LISTS_FILE },
	{ FIELD_FILE_HASH_SHA1, KIND_HASH, FIELD_YAGURA_LISTS_FILE },
	{ FIELD_FILE_HASH_SHA256, KIND_HASH, FIELD_YAGURA_LISTS_FILE },
	{ FIELD_PROCESS_HASH_MD5, KIND_HASH, FIELD_YAGURA_LISTS_FILE },
	{ FIELD_PROCESS_HASH_SHA1, KIND_HASH, FIELD_YAGURA_LISTS_FILE },
	{ FIELD_PROCESS_HASH_SHA256, KIND_HASH, FIELD_YAGURA_LISTS_FILE },
	{ FIELD_USER_NAME, KIND_USER, FIELD_YAGURA_LISTS_USER },
	{ FIELD_USER_EMAIL, KIND_USER, FIELD_YAGURA_LISTS_USER },
	{ FIELD_USER_TARGET_NAME, KIND_USER, FIELD_YAGURA_LISTS_USER },
	{ FIELD_SOURCE_USER_NAME, KIND_USER, FIELD_YAGURA_LISTS_USER },
	{ FIELD_EMAIL_FROM_ADDRESS, KIND_USER, FIELD_YAGURA_LISTS_USER },
};

static void
value_run(const struct intel *intel, struct event *event,
    const struct look *look, const struct value *value)
{
	char number[VALUE_TEXT_BYTES], buf[VALUE_BYTES];
	struct slice text = value_as_text(value, number);

	switch (look->kind) {
	case KIND_DOMAIN:
		domain_run(intel, event, look->to, text);
		break;
	case KIND_URL:
		url_run(intel, event, look->to, text);
		break;
	default:
		text = lower(text, buf);
		if (text.len > 0)
			key_run(intel, event, look->kind, look->to, text);
	}
}

static void
part_run(const void *ptr, struct event *event)
{
	const struct intel *intel = ptr;

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		const struct look *look = &looks[i];
		const struct value *found;
		struct value value;

		if (look->kind == KIND_IP ? cidrmap_count(intel->networks) == 0
		    : intel->texts[look->kind] == NULL)
			continue;
		found = event_get(event, look->from);
		if (found == NULL)
			continue;
		value = *found;		/* setting fields moves the values */
		for (size_t m = 0; m < value_members(&value); m++) {
			const struct value *member = value_member(&value, m);

			if (look->kind == KIND_IP)
				ip_run(intel, event, look->to, member);
			else if (member->type != VALUE_NULL)
				value_run(intel, event, look, member);
		}
	}
}

const struct enricher enricher_intel = { part_load, part_run, part_free };
