/* A line is read with a place in a tree of names: the same members come in
 * every line, so what a path means (its field, whether it is a time) is worked
 * out once and found again by the name of the member and where it stands.
 */
#include "correlation/shape.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/logsource.h"
#include "engine/timeparse.h"

#define NAME_BYTES 1024		/* longer names are cut: FIELD_NONE anyway */

#define NAMES 4096		/* remembered: a sender invents no more */
#define NAME_SLOTS (4 * NAMES)
#define PATH_BYTES 256		/* of one that is remembered */

enum shape { SHAPE_PLAIN, SHAPE_EVTX, SHAPE_WINLOG, SHAPES };

/* What the member itself says, apart from its value. */
enum name_note { NOTE_NOTHING, NOTE_EVTX, NOTE_WINLOG, NOTE_CHANNEL,
	NOTE_LOGSOURCE };

/* A path: the member of this name in that one. */
struct name {
	const struct name *parent;
	struct slice key, path;
	enum name_note note;
	bool	 known[SHAPES];
	field_t	 field[SHAPES];	/* FIELD_NONE: no data */
	uint8_t	 rank[SHAPES];	/* as a time; 0: none */
};

struct shape_names {
	struct arena *arena;
	size_t	 n;
	struct name root;
	struct name *slots[NAME_SLOTS];
};

/* Where the reader stands: at a remembered name, or at the first `len` bytes
 * of shaper->name. */
struct level {
	struct name *name;
	size_t	 len;
};

struct shaper {
	struct event *event;
	struct shape_names *names;
	struct json json;
	struct arena *arena;
	enum shape shape;
	struct logsource logsource;
	bool	 stated;	/* _logsource was there */
	bool	 windows;
	unsigned time_rank;	/* of the time found so far; 0: none */
	char	 name[NAME_BYTES];
};

/* Where a time is looked for, the most trustworthy first. */
static const char *const time_names[] = { "@timestamp", "timestamp",
	"UtcTime", "TimeCreated", "EventTime", "SystemTime", "time",
	"eventTime", "ts" };
#define TIMES (sizeof(time_names) / sizeof(time_names[0]))

/* RFC 3339, or "2026-03-01 12:00:00.000" which is UTC. */
static bool
read_time(struct slice text, int64_t *time_ns)
{
	char buf[TIME_TEXT_BYTES + 8];

	if (time_parse_rfc3339(text, time_ns))
		return true;
	if (text.len < 19 || text.len > TIME_TEXT_BYTES)
		return false;
	memcpy(buf, text.ptr, text.len);
	buf[text.len] = 'Z';
	return time_parse_rfc3339(slice_of(buf, text.len + 1), time_ns);
}

/* Seconds, ms, us or ns since 1970, by their size. */
static bool
read_epoch(struct slice text, int64_t *time_ns)
{
	double number;

	if (!slice_double(text, &number) || number < 1e8 || number > 4e18)
		return false;
	while (number < 1e17)
		number *= number < 1e11 ? 1e9 : 1e3;
	*time_ns = (int64_t)number;
	return true;
}

/* The rank of a time by its name; 0 if it is none. */
static uint8_t
time_rank(struct slice name)
{
	for (unsigned i = 0; i < TIMES; i++)
		if (slice_eq(name, slice_cstr(time_names[i])))
			return (uint8_t)(i + 1);
	return 0;
}

static void
offer_time(struct shaper *s, uint8_t rank, struct slice text, bool number)
{
	int64_t time_ns;

	if (rank == 0 || (s->time_rank != 0 && s->time_rank <= rank) ||
	    !(number ? read_epoch(text, &time_ns)
	    : read_time(text, &time_ns)))
		return;
	s->time_rank = rank;
	s->event->time_ns = time_ns;
	s->event->has_time = true;
}

/* --- names --------------------------------------------------------------- */

static size_t
put_name(char *out, size_t len, struct slice s)
{
	size_t n = s.len < NAME_BYTES - len ? s.len : NAME_BYTES - len;

	if (n > 0)
		memcpy(out + len, s.ptr, n);
	return len + n;
}

/* Names of event data have no blanks: "Threat Name" is ThreatName. */
static size_t
put_without_blanks(char *out, size_t len, struct slice s)
{
	for (size_t i = 0; i < s.len && len < NAME_BYTES; i++)
		if (s.ptr[i] != ' ')
			out[len++] = s.ptr[i];
	return len;
}

static const struct {
	const char *from, *to;
} headers[] = {
	{ "Channel", "winlog.channel" },
	{ "EventID", "winlog.event_id" },
	{ "EventID.#text", "winlog.event_id" },
	{ "Computer", "winlog.computer_name" },
	{ "EventRecordID", "winlog.record_id" },
	{ "Provider.#attributes.Name", "winlog.provider_name" },
};

/* System.Security.#attributes.UserID is Security_UserID. */
static struct slice
header_name(char out[NAME_BYTES], struct slice path)
{
	ptrdiff_t attr = slice_find(path, SLICE(".#attributes."));
	size_t len;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (slice_eq(path, slice_cstr(headers[i].from)))
			return slice_cstr(headers[i].to);
	if (attr < 0)
		return path;
	len = put_name(out, 0, slice_head(path, (size_t)attr));
	len = put_name(out, len, SLICE("_"));
	len = put_name(out, len, slice_skip(path, (size_t)attr + 13));
	return slice_of(out, len);
}

/* The field of a path in an EVTX event; empty if the value is no data. */
static struct slice
evtx_name(char out[NAME_BYTES], struct slice path)
{
	struct slice head = SLICE("Event.");
	size_t len;

	if (!slice_starts(path, head))
		return path;
	path = slice_skip(path, head.len);
	if (slice_starts(path, SLICE("System.")))
		return header_name(out, slice_skip(path, 7));
	if (slice_starts(path, SLICE("EventData.")))
		path = slice_skip(path, 10);
	else if (slice_starts(path, SLICE("UserData."))) {
		ptrdiff_t dot;

		path = slice_skip(path, 9);
		dot = slice_find_byte(path, '.');
		if (dot >= 0)
			path = slice_skip(path, (size_t)dot + 1);
	}
	if (slice_find(path, SLICE("#attributes")) >= 0)
		return SLICE("");
	if (slice_ends(path, SLICE(".#text")))
		path = slice_head(path, path.len - 6);
	len = put_name(out, 0, SLICE("winlog.event_data."));
	return slice_of(out, put_without_blanks(out, len, path));
}

static struct slice
winlog_name(char out[NAME_BYTES], struct slice path)
{
	struct slice head = SLICE("winlog.event_data.");
	size_t len;

	if (slice_starts(path, SLICE("winlog.user_data.")))
		path = slice_skip(path, 17);
	else if (slice_starts(path, head))
		path = slice_skip(path, head.len);
	else
		return path;
	len = put_name(out, 0, head);
	return slice_of(out, put_without_blanks(out, len, path));
}

/* What a time is known by: the whole name, in a Windows event its last part. */
static struct slice
time_name(enum shape shape, struct slice path)
{
	size_t at = path.len;

	while (shape != SHAPE_PLAIN && at > 0 && path.ptr[at - 1] != '.')
		at--;
	return shape == SHAPE_PLAIN ? path : slice_skip(path, at);
}

static field_t
path_field(enum shape shape, struct slice path)
{
	char buf[NAME_BYTES];
	struct slice name = path;

	if (shape == SHAPE_EVTX)
		name = evtx_name(buf, path);
	else if (shape == SHAPE_WINLOG)
		name = winlog_name(buf, path);
	return name.len > 0 ? field_intern(name) : FIELD_NONE;
}

static enum name_note
path_note(struct slice path)
{
	if (slice_eq(path, SLICE("Event.System")) ||
	    slice_eq(path, SLICE("Event.EventData")) ||
	    slice_eq(path, SLICE("Event.UserData")))
		return NOTE_EVTX;
	if (slice_eq(path, SLICE("winlog")))
		return NOTE_WINLOG;
	if (slice_eq(path, SLICE("Channel")))
		return NOTE_CHANNEL;
	return slice_starts(path, SLICE("_logsource.")) ? NOTE_LOGSOURCE
	    : NOTE_NOTHING;
}

/* --- remembered names ---------------------------------------------------- */

struct shape_names *
shape_names_new(void)
{
	struct shape_names *names = xcalloc(1, sizeof(*names));

	names->arena = arena_new(0);
	return names;
}

void
shape_names_free(struct shape_names *names)
{
	if (names == NULL)
		return;
	arena_free(names->arena);
	free(names);
}

/* Length, and the first and the last eight bytes: names differ there. Who
 * makes them alike on purpose makes his own lines slow, and only until the
 * table is full. */
static size_t
name_hash(const struct name *parent, struct slice key)
{
	uint64_t first = 0, last = 0;

	if (key.len >= 8) {
		memcpy(&first, key.ptr, 8);
		memcpy(&last, key.ptr + key.len - 8, 8);
	} else {
		for (size_t i = 0; i < key.len; i++)
			first = first << 8 | (unsigned char)key.ptr[i];
	}
	first = (first ^ (uintptr_t)parent) * 0x9e3779b97f4a7c15u;
	first ^= first >> 32;
	return (size_t)((first ^ last ^ key.len) * 0x9e3779b97f4a7c15u >> 40);
}

#define PROBES 32		/* slots looked at for one name */

/* The name, made if need be; NULL if it is not remembered. */
static struct name *
name_get(struct shape_names *names, const struct name *parent,
    struct slice key)
{
	size_t at = name_hash(parent, key);
	struct name *name = NULL;
	char *path;

	for (size_t i = 0; i < PROBES; i++, at++) {
		name = names->slots[at % NAME_SLOTS];
		if (name == NULL || (name->parent == parent &&
		    slice_eq(name->key, key)))
			break;
	}
	if (name != NULL)
		return name->parent == parent && slice_eq(name->key, key) ?
		    name : NULL;
	if (names->n == NAMES || parent->path.len + 1 + key.len > PATH_BYTES)
		return NULL;
	name = arena_zalloc(names->arena, sizeof(*name));
	path = arena_text(names->arena, PATH_BYTES);
	name->parent = parent;
	name->path = slice_of(path, put_name(path, 0, parent->path));
	if (parent->path.len > 0)
		name->path.len = put_name(path, name->path.len, SLICE("."));
	name->key = slice_of(path + name->path.len, key.len);
	name->path.len = put_name(path, name->path.len, key);
	name->note = path_note(name->path);
	names->n++;
	names->slots[at % NAME_SLOTS] = name;
	return name;
}

static void
name_know(struct name *name, enum shape shape)
{
	if (name->known[shape])
		return;
	name->known[shape] = true;
	name->field[shape] = path_field(shape, name->path);
	name->rank[shape] = time_rank(time_name(shape, name->path));
}

/* --- values -------------------------------------------------------------- */

static struct value
read_value(struct shaper *s, enum json_token token)
{
	struct slice text = s->json.text;
	struct value value;
	int64_t number;

	switch (token) {
	case JSON_STRING:
		if (!s->json.escaped)
			return value_text(text, TRANSFORM_NONE);
		return value_text(json_unescape(s->arena, text),
		    TRANSFORM_JSON);
	case JSON_NUMBER:
		value = value_text(text, TRANSFORM_NONE);
		if (s->json.whole && slice_long(text, &number)) {
			value.type = VALUE_LONG;
			value.u.num = number;
		} else if (slice_double(text, &value.u.dbl)) {
			value.type = VALUE_DOUBLE;
		}
		return value;
	case JSON_TRUE:
	case JSON_FALSE:
		value = value_text(text, TRANSFORM_NONE);
		value.type = VALUE_BOOL;
		value.u.num = token == JSON_TRUE;
		return value;
	default:
		return (struct value){ .type = VALUE_NULL };
	}
}

static void
take_logsource(struct shaper *s, struct slice path, struct slice text)
{
	s->stated = true;
	if (slice_eq(path, SLICE("_logsource.product")))
		s->logsource.product = text;
	else if (slice_eq(path, SLICE("_logsource.category")))
		s->logsource.category = text;
	else if (slice_eq(path, SLICE("_logsource.service")))
		s->logsource.service = text;
}

static void
take_value(struct shaper *s, struct level at, enum json_token token,
    bool listed)
{
	struct slice path = slice_of(s->name, at.len);
	struct value value = read_value(s, token);
	struct slice text = slice_of(value.text, value.len);
	bool number = token == JSON_NUMBER;
	uint8_t rank;
	field_t field;

	if (at.name != NULL) {
		path = at.name->path;
		name_know(at.name, s->shape);
		field = at.name->field[s->shape];
		rank = at.name->rank[s->shape];
	} else {
		field = path_field(s->shape, path);
		rank = time_rank(time_name(s->shape, path));
	}
	if (at.name != NULL ? at.name->note == NOTE_LOGSOURCE
	    : slice_starts(path, SLICE("_logsource."))) {
		take_logsource(s, path, text);
		return;
	}
	if (token == JSON_STRING || number)
		offer_time(s, rank, text, number);
	if (field == FIELD_NONE)
		return;
	if (listed)
		event_append(s->event, field, value);
	else
		event_join(s->event, field, value);
}

static struct level
take_key(struct shaper *s, struct level above)
{
	struct slice key = s->json.escaped ? json_unescape(s->arena,
	    s->json.text) : s->json.text;
	struct level at = { NULL, above.len };
	enum name_note note;

	if (above.name != NULL)
		at.name = name_get(s->names, above.name, key);
	if (at.name != NULL) {
		note = at.name->note;
	} else {
		if (above.name != NULL)
			at.len = put_name(s->name, 0, above.name->path);
		if (at.len > 0)
			at.len = put_name(s->name, at.len, SLICE("."));
		at.len = put_name(s->name, at.len, key);
		note = path_note(slice_of(s->name, at.len));
	}
	if (note == NOTE_EVTX || note == NOTE_WINLOG)
		s->shape = note == NOTE_EVTX ? SHAPE_EVTX : SHAPE_WINLOG;
	if (note == NOTE_EVTX || note == NOTE_WINLOG || note == NOTE_CHANNEL)
		s->windows = true;
	return at;
}

/* Reads the whole object; `levels` keeps where each level stands. Members of
 * arrays bear the name of the array. */
static bool
read_object(struct shaper *s)
{
	struct level levels[JSON_DEPTH + 1];
	struct level at = { s->names != NULL ? &s->names->root : NULL, 0 };
	uint64_t arrays = 0;
	unsigned depth = 0;

	for (;;) {
		enum json_token token = json_next(&s->json);

		switch (token) {
		case JSON_ERROR:
			return false;
		case JSON_END:
			return true;
		case JSON_OBJECT:
		case JSON_ARRAY:
			if (depth == 0 && token == JSON_ARRAY)
				return false;
			arrays = arrays << 1 | (token == JSON_ARRAY);
			levels[++depth] = at;
			break;
		case JSON_OBJECT_END:
		case JSON_ARRAY_END:
			at = levels[depth--];
			arrays >>= 1;
			break;
		case JSON_KEY:
			at = take_key(s, levels[depth]);
			break;
		default:
			if (depth == 0)
				return false;
			take_value(s, at, token, (arrays & 1) != 0);
		}
	}
}

bool
shape_event_named(struct shape_names *names, struct event *event)
{
	struct shaper *s = arena_zalloc(event->batch->arena, sizeof(*s));
	bool good;

	s->event = event;
	s->names = names;
	s->arena = event->batch->arena;
	json_start(&s->json, event->raw);
	good = read_object(s);
	if (s->stated)
		event->logsource = logsource_intern(s->logsource);
	else if (s->windows)
		event->logsource = logsource_intern((struct logsource){
		    .product = SLICE("windows") });
	event_seal(event);
	return good;
}

bool
shape_event(struct event *event)
{
	return shape_event_named(NULL, event);
}
