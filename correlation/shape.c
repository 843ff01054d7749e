#include "correlation/shape.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/logsource.h"
#include "engine/timeparse.h"

#define NAME_BYTES 1024		/* longer names are cut: FIELD_NONE anyway */

enum shape { SHAPE_PLAIN, SHAPE_EVTX, SHAPE_WINLOG };

struct shaper {
	struct event *event;
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

static void
offer_time(struct shaper *s, struct slice name, struct slice text, bool number)
{
	int64_t time_ns;

	for (unsigned rank = 1; rank <= TIMES; rank++) {
		if (!slice_eq(name, slice_cstr(time_names[rank - 1])))
			continue;
		if (s->time_rank != 0 && s->time_rank <= rank)
			return;
		if (!(number ? read_epoch(text, &time_ns)
		    : read_time(text, &time_ns)))
			return;
		s->time_rank = rank;
		s->event->time_ns = time_ns;
		s->event->has_time = true;
		return;
	}
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
time_name(const struct shaper *s, struct slice path)
{
	size_t at = path.len;

	while (s->shape != SHAPE_PLAIN && at > 0 && path.ptr[at - 1] != '.')
		at--;
	return s->shape == SHAPE_PLAIN ? path : slice_skip(path, at);
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
take_value(struct shaper *s, size_t len, enum json_token token, bool listed)
{
	struct slice path = slice_of(s->name, len), name = path;
	struct value value = read_value(s, token);
	struct slice text = slice_of(value.text, value.len);
	char buf[NAME_BYTES];
	field_t field;

	if (slice_starts(path, SLICE("_logsource."))) {
		take_logsource(s, path, text);
		return;
	}
	if (token == JSON_STRING || token == JSON_NUMBER)
		offer_time(s, time_name(s, path), text, token == JSON_NUMBER);
	if (s->shape == SHAPE_EVTX)
		name = evtx_name(buf, path);
	else if (s->shape == SHAPE_WINLOG)
		name = winlog_name(buf, path);
	if (name.len == 0 || (field = field_intern(name)) == FIELD_NONE)
		return;
	if (listed || event_get(s->event, field) != NULL)
		event_append(s->event, field, value);
	else
		event_set(s->event, field, value);
}

static void
note_key(struct shaper *s, size_t len)
{
	struct slice path = slice_of(s->name, len);

	if (slice_eq(path, SLICE("Event.System")) ||
	    slice_eq(path, SLICE("Event.EventData")) ||
	    slice_eq(path, SLICE("Event.UserData"))) {
		s->shape = SHAPE_EVTX;
		s->windows = true;
	} else if (slice_eq(path, SLICE("winlog"))) {
		s->shape = SHAPE_WINLOG;
		s->windows = true;
	} else if (slice_eq(path, SLICE("Channel"))) {
		s->windows = true;
	}
}

/* Reads the whole object; `ends` keeps the length of the name at each level.
 * Members of arrays bear the name of the array. */
static bool
read_object(struct shaper *s)
{
	size_t ends[JSON_DEPTH + 1] = { 0 }, len = 0;
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
			ends[++depth] = len;
			break;
		case JSON_OBJECT_END:
		case JSON_ARRAY_END:
			len = ends[depth--];
			arrays >>= 1;
			break;
		case JSON_KEY:
			len = ends[depth];
			if (len > 0)
				len = put_name(s->name, len, SLICE("."));
			len = put_name(s->name, len, s->json.escaped
			    ? json_unescape(s->arena, s->json.text)
			    : s->json.text);
			note_key(s, len);
			break;
		default:
			if (depth == 0)
				return false;
			take_value(s, len, token, (arrays & 1) != 0);
		}
	}
}

bool
shape_event(struct event *event)
{
	struct shaper *s = arena_zalloc(event->batch->arena, sizeof(*s));
	bool good;

	s->event = event;
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
