/* The way of one line: header, candidates, decoder, mapping, time. */
#include "parsers/lane.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/charset.h"
#include "engine/logsource.h"
#include "engine/metric.h"
#include "engine/regex.h"
#include "engine/timeparse.h"
#include "engine/utf8.h"
#include "engine/zone.h"
#include "parsers/join_spec.h"

#define AHEAD_NS (24 * 3600 * TIME_S_NS)	/* a clock further off lies */
#define SKEW_NS (2 * TIME_S_NS)	/* as far ahead is rounding */
#define LEAST_PAIRS 3		/* that make a text key=value */
#define KEY_BYTES 40		/* of a key between signs */

static const char *const body_names[] = { "text", "JSON", "CEF", "LEEF" };

/* --- the header ---------------------------------------------------------- */
static void
set_slice(struct reading *r, field_t field, struct slice text)
{
	if (text.len > 0) {
		struct value value = reading_text(r, text);

		event_put(r->event, field, &value);
	}
}

static void
put_long(struct event *event, field_t field, int64_t number)
{
	struct value value = value_long(number);

	event_put(event, field, &value);
}

static void
put_structured_data(struct reading *r, struct slice data)
{
	struct syslog_param param;
	char name[FIELD_NAME_BYTES + 1];

	while (syslog_next_param(&data, &param)) {
		int n = snprintf(name, sizeof(name),
		    "log.syslog.structured_data.%.*s.%.*s",
		    (int)(param.id.len < 64 ? param.id.len : 64),
		    param.id.ptr, (int)(param.name.len < 64
		    ? param.name.len : 64), param.name.ptr);

		if (n > 0 && (size_t)n < sizeof(name))
			event_set(r->event, field_intern(slice_of(name,
			    (size_t)n)), unescape_text(r, param.value,
			    TRANSFORM_OWNED));
	}
}

/* Lines come in runs of the same second. */
static bool
resolve_header(struct reading *r, const struct timetext *time)
{
	struct resolved *last = &r->last_header;

	if (last->known && last->zone == r->zone &&
	    last->now_ns == r->event->ingested_ns &&
	    last->time.local_ns == time->local_ns &&
	    last->time.offset_s == time->offset_s &&
	    last->time.has_year == time->has_year &&
	    last->time.has_zone == time->has_zone &&
	    last->time.month == time->month && last->time.day == time->day) {
		r->header_ns = last->ns;
		return true;
	}
	last->known = timetext_resolve(time, r->event->ingested_ns, r->zone,
	    &r->header_ns);
	last->time = *time;
	last->zone = r->zone;
	last->now_ns = r->event->ingested_ns;
	last->ns = r->header_ns;
	return last->known;
}

static void
put_header(struct reading *r, const struct syslog_header *h)
{
	struct event *event = r->event;

	if (h->priority >= 0) {
		put_long(event, FIELD_LOG_SYSLOG_FACILITY_CODE,
		    h->priority / 8);
		put_long(event, FIELD_LOG_SYSLOG_SEVERITY_CODE,
		    h->priority % 8);
		put_long(event, FIELD_LOG_SYSLOG_PRIORITY, h->priority);
	}
	set_slice(r, FIELD_LOG_SYSLOG_HOSTNAME, h->hostname);
	set_slice(r, FIELD_LOG_SYSLOG_APPNAME, h->appname);
	set_slice(r, FIELD_LOG_SYSLOG_PROCID, h->procid);
	set_slice(r, FIELD_LOG_SYSLOG_MSGID, h->msgid);
	set_slice(r, FIELD_LOG_SYSLOG_VERSION, h->version);
	if (h->data.len > 0)
		put_structured_data(r, h->data);
	r->has_header_time = h->has_time && resolve_header(r, &h->time);
}

/* --- lines that no definition knows -------------------------------------- */
static size_t
count_pairs(struct slice body)
{
	size_t n = 0;

	for (size_t i = 1; i + 1 < body.len && n < LEAST_PAIRS; i++) {
		char before = body.ptr[i - 1], after = body.ptr[i + 1];

		if (body.ptr[i] == '=' && before > ' ' && before != '=' &&
		    after != '=' && after != ' ')
			n++;
	}
	return n;
}

/* Whether pairs stand between signs: "a=1, b c=2", "a=1;b=2". A key behind the
 * sign has letters, digits, blanks and _ . - and ends at the assign sign. */
static bool
parted_by(struct slice body, char sign)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < body.len && n + 1 < LEAST_PAIRS; i++) {
		size_t k = i + 1;

		quoted ^= body.ptr[i] == '"';
		if (body.ptr[i] != sign || quoted)
			continue;
		while (k < body.len && k - i < KEY_BYTES &&
		    body.ptr[k] != '=' && body.ptr[k] != sign &&
		    body.ptr[k] != '"' && body.ptr[k] != ':' &&
		    body.ptr[k] != '/')
			k++;
		n += k < body.len && body.ptr[k] == '=' && k > i + 1;
	}
	return n + 1 >= LEAST_PAIRS;
}

static const struct def *
pairs_def(const struct parserset *set, struct slice body)
{
	if (set->kv_comma != NULL && parted_by(body, ','))
		return set->kv_comma;
	if (set->kv_semicolon != NULL && parted_by(body, ';'))
		return set->kv_semicolon;
	return count_pairs(body) == LEAST_PAIRS ? set->kv : NULL;
}

static void run_body(struct parser_lane *lane,
    const struct parser_options *options, struct slice text);

/* NDJSON whose `message` is a log line of its own: the record around it has
 * given its fields, and the line gives the rest. */
static void
unwrap_message(struct parser_lane *lane, const struct parser_options *options)
{
	struct reading *r = &lane->reading;
	const struct value *message = event_get(r->event, FIELD_MESSAGE);
	struct slice text, rest, columns[7];
	bool owned = r->owned, told = r->def != NULL && r->def->unwrap;

	if (message == NULL || message->type != VALUE_TEXT ||
	    lane->depth > 0)
		return;
	text = slice_of(message->text, message->len);
	if (!told && !syslog_is_header(text) &&
	    !slice_starts(text, SLICE("<Event")) &&
	    !(text.len > 2 && text.ptr[0] == '{') &&
	    cef_header(text, columns, 7, &rest) < 5 &&
	    leef_header(text, columns, 7, &rest) < 5)
		return;
	lane->depth++;
	if (!owned && message->transform != TRANSFORM_NONE) {
		r->owned = true;
		r->made_by = TRANSFORM_OWNED;
	}
	event_unset(r->event, FIELD_MESSAGE);
	run_body(lane, options, text);
	r->owned = owned;
	lane->depth--;
}

static bool
run_generic(struct parser_lane *lane, const struct line *line)
{
	const struct def *def = NULL;

	if (line->kind == BODY_JSON)
		def = lane->set->json;
	else if (line->kind == BODY_CEF)
		def = lane->set->cef;
	else if (line->kind == BODY_LEEF)
		def = lane->set->leef;
	else
		def = pairs_def(lane->set, line->header.body);
	if (def == NULL || !lane_try_def(lane, def, line))
		return false;
	lane_explain(lane, "%.*s: no definition takes the line",
	    (int)def->name.len, def->name.ptr);
	if (def->decoder.kind == DECODER_KV)
		lane_put_message(&lane->reading, line->header.body);
	lane_finish_def(lane, line);
	return true;
}

/* ECS names say themselves where a record comes from. */
static void
guess_logsource(struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice channel = event_text(event, FIELD_WINLOG_CHANNEL, buf);
	struct logsource ls = { .product = event_text(event,
	    FIELD_EVENT_MODULE, buf) };

	if (channel.len > 0) {
		ls.product = SLICE("windows");
		if (slice_find(channel, SLICE("Sysmon")) >= 0)
			ls.service = SLICE("sysmon");
		else if (slice_find(channel, SLICE("PowerShell/")) >= 0)
			ls.service = SLICE("powershell");
		else if (channel.len < 32)
			ls.service = channel;
	} else if (slice_eq(ls.product, SLICE("generic"))) {
		return;
	}
	event->logsource = logsource_intern(ls);
}

static void
stated_logsource(struct parser_lane *lane, const struct line *line)
{
	static const struct slice names[3] = {
		{ "_logsource.category", 19 }, { "_logsource.product", 18 },
		{ "_logsource.service", 18 } };
	struct slice parts[3];
	char buf[3][VALUE_TEXT_BYTES];
	bool there, any = false;

	for (size_t i = 0; i < 3; i++) {
		const struct value *value = lane_json_value(&lane->reading,
		    line, names[i], &there);

		parts[i] = value == NULL || value->type == VALUE_NULL
		    ? slice_of("", 0) : value_as_text(value, buf[i]);
		any = any || parts[i].len > 0;
	}
	if (any)
		lane->reading.event->logsource = logsource_intern(
		    (struct logsource){ parts[0], parts[1], parts[2] });
}

/* --- one line ------------------------------------------------------------ */
/* Junos and Check Point say all in the structured data; the words behind it
 * that Junos adds for flows ("session denied") are its title. */
static void
use_data(struct syslog_header *h)
{
	if (h->data.len == 0)
		return;
	if (h->body.len == 0)
		h->body = h->data;
	else if (slice_starts(h->data, SLICE("[junos@")) &&
	    slice_starts(h->appname, SLICE("RT_")) &&
	    h->body.ptr > h->data.ptr)
		h->body = slice_of(h->data.ptr, (size_t)(h->body.ptr -
		    h->data.ptr) + h->body.len);
}

static void
run_body(struct parser_lane *lane, const struct parser_options *options,
    struct slice text)
{
	struct reading *r = &lane->reading;
	const struct def *forced = NULL;
	struct line line;
	size_t tape = r->ntape;
	bool known;

	line.ncolumns = 0;
	line.json = false;
	line.kind = BODY_TEXT;
	line.header = (struct syslog_header){ .priority = -1, .body = text };
	if (options->def.len > 0)
		forced = parserset_def(lane->set, options->def);
	/* A file's columns may look like a header of syslog. */
	if (text.len > 0 && text.ptr[0] != '{' && text.ptr[0] != '<' &&
	    lane_run_stream(lane, &line, forced))
		return;
	if (text.len == 0 || text.ptr[0] != '{') {
		syslog_read(text, &line.header);
		put_header(r, &line.header);
		use_data(&line.header);
	}
	if (slice_starts(line.header.body, SLICE("message repeated ")) &&
	    slice_ends(slice_trim(line.header.body), SLICE("]"))) {
		ptrdiff_t at = slice_find(line.header.body, SLICE(": [ "));

		if (at > 0) {
			line.header.body = slice_trim(slice_skip(
			    line.header.body, (size_t)at + 4));
			line.header.body.len--;
		}
	}
	if (line.header.body.len < text.len &&
	    lane_run_stream(lane, &line, forced))
		return;
	lane_classify(lane, &line);
	lane_explain(lane, "header: host \"%.*s\", program \"%.*s\", %s time; "
	    "body: %s", (int)line.header.hostname.len,
	    line.header.hostname.ptr, (int)line.header.appname.len,
	    line.header.appname.ptr, line.header.has_time ? "a" : "no",
	    body_names[line.kind]);
	if (forced != NULL) {
		known = lane_suits(forced, &line) &&
		    lane_try_def(lane, forced, &line);
		if (known)
			lane_finish_def(lane, &line);
		else if (!r->runaway)
			lane_keep_partial(lane, forced, &line);
		known = known || !r->runaway;
	} else {
		known = lane_choose(lane, &line);
	}
	if (!known)
		known = run_generic(lane, &line);
	if (!known) {
		lane_explain(lane, "no definition knows the line");
		event_tag(r->event, EVENT_TAG_UNPARSED);
		lane_put_message(r, line.header.body);
		lane_put_host(r, HOST_IS_HOST);
	}
	if (line.json && r->def == lane->set->json)
		guess_logsource(r->event);
	if (options->trust_logsource && line.json)
		stated_logsource(lane, &line);
	if (known && line.json && r->def != NULL &&
	    (r->def == lane->set->json || r->def->unwrap))
		unwrap_message(lane, options);
	r->ntape = tape;
}

/* NUL and other controls; a tab, line feed and return are text. Bytes above
 * ASCII are looked at one by one only if there are any. */
static void
tag_bytes(struct event *event, struct slice text)
{
	const char *p = text.ptr, *end = p + text.len;
	bool high = false;

#if defined(__SSE2__)
	const __m128i space = _mm_set1_epi8(0x20);

	while (end - p >= 16) {
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)p);
		unsigned mask = (unsigned)_mm_movemask_epi8(b);
		unsigned low = (unsigned)_mm_movemask_epi8(
		    _mm_cmplt_epi8(b, space)) & ~mask;

		high = high || mask != 0;
		if (low != 0)
			break;
		p += 16;
	}
#endif
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x80)
			high = true;
		else if (c < 0x20 && c != '\t' && c != '\n' && c != '\r' &&
		    c != 0x1b)
			event->tags |= 1u << EVENT_TAG_BINARY;
	}
	if (high && !utf8_valid(text))
		event_tag(event, EVENT_TAG_INVALID_UTF8);
}

/* A line that lies behind may have been long on its way; one from the future,
 * or one that is not believed, has a clock that is wrong. */
static void
note_skew(struct event *event, const struct parser_options *options)
{
	int64_t skew_ns = event->ingested_ns - event->time_ns;

	if (skew_ns < -SKEW_NS || (options->retention_ns > 0 &&
	    skew_ns > options->retention_ns))
		event_set(event, FIELD_YAGURA_SKEW_MS,
		    value_long(skew_ns / (TIME_S_NS / 1000)));
}

/* A time at the very beginning of a line of which neither the header nor the
 * definition said one: most programs' own files begin so. */
static bool
leading_time(struct reading *r, struct slice text)
{
	struct timetext time;
	int64_t ns;
	ptrdiff_t end;
	size_t n;

	if (text.len > 0 && text.ptr[0] == '<') {
		end = slice_find_byte(slice_head(text, 5), '>');
		text = slice_skip(text, end < 0 ? 0 : (size_t)end + 1);
	}
	text = slice_trim(text);
	if (text.len > 0 && (text.ptr[0] == '[' || text.ptr[0] == '"'))
		text = slice_skip(text, 1);
	n = timetext_read(text, &time);
	/* "10:00:00,10.1.2.3": the comma parts columns, not the second. */
	end = n < text.len && n > 0 && text.ptr[n] == '.'
	    ? slice_find_byte(slice_head(text, n), ',') : -1;
	if (end > 0)
		n = timetext_read(slice_head(text, (size_t)end), &time);
	if (n == 0 || !timetext_resolve(&time, r->event->ingested_ns,
	    r->zone, &ns))
		return false;
	r->event->time_ns = ns;
	return true;
}

static void
take_time(struct reading *r, const struct parser_options *options,
    struct slice text, bool heading)
{
	struct event *event = r->event;

	if (!event->has_time && r->has_header_time) {
		event->time_ns = r->header_ns;
		event->has_time = true;
	}
	if (!event->has_time && !heading)
		event->has_time = leading_time(r, text);
	if (!event->has_time) {
		if (!heading)
			event_tag(event, EVENT_TAG_TIME_MISSING);
		event->time_ns = event->ingested_ns;
		return;
	}
	note_skew(event, options);
	if (event->time_ns > event->ingested_ns + AHEAD_NS) {
		event_tag(event, EVENT_TAG_TIME_FUTURE);
		event->time_ns = event->ingested_ns;
	} else if (options->retention_ns > 0 && event->time_ns <
	    event->ingested_ns - options->retention_ns) {
		event_tag(event, EVENT_TAG_TIME_OLD);
		event->time_ns = event->ingested_ns;
	}
}

static const struct zone *
find_zone(struct parser_lane *lane, struct slice name)
{
	if (name.len == 0 || name.len > sizeof(lane->zone_name))
		return NULL;
	if (name.len != lane->zone_len || memcmp(name.ptr, lane->zone_name,
	    name.len) != 0) {
		memcpy(lane->zone_name, name.ptr, name.len);
		lane->zone_len = name.len;
		lane->zone = zone_find(name);
	}
	return lane->zone;
}

static struct charset *
find_charset(struct parser_lane *lane, struct slice name)
{
	size_t i = 0;

	while (i < CHARSETS && (lane->charsets[i].len != name.len ||
	    memcmp(lane->charsets[i].name, name.ptr, name.len) != 0))
		i++;
	if (i < CHARSETS)
		return lane->charsets[i].charset;
	if (name.len > sizeof(lane->charsets[0].name))
		return NULL;
	i = lane->next_charset++ % CHARSETS;
	charset_close(lane->charsets[i].charset);
	lane->charsets[i].charset = charset_open(name);
	memcpy(lane->charsets[i].name, name.ptr, name.len);
	lane->charsets[i].len = name.len;
	return lane->charsets[i].charset;
}

/* The line in UTF-8, if its source says that it is in something else; the
 * bytes stay what they were. */
static struct slice
line_text(struct parser_lane *lane, const struct parser_options *options,
    struct event *event)
{
	struct reading *r = &lane->reading;
	struct charset *charset;

	if (options->charset.len == 0)
		return event->raw;
	charset = find_charset(lane, options->charset);
	if (charset == NULL || charset_same(charset, event->raw))
		return event->raw;
	strbuf_clear(&lane->text);
	if (!charset_read(charset, event->raw, &lane->text))
		event_tag(event, EVENT_TAG_INVALID_UTF8);
	r->owned = true;
	r->made_by = TRANSFORM_CHARSET;
	event_set(event, FIELD_YAGURA_CHARSET, value_text(arena_dup(r->arena,
	    options->charset), TRANSFORM_OWNED));
	return arena_dup(r->arena, strbuf_slice(&lane->text));
}

void
parser_run(struct parser_lane *lane, const struct parser_options *options,
    struct event *event)
{
	struct reading *r = &lane->reading;
	struct slice text;

	if (keytree_full(r->tree))
		lane_forget_keys(lane);
	r->event = event;
	r->arena = event->batch->arena;
	r->zone = find_zone(lane, options->zone);
	r->has_header_time = false;
	r->owned = false;
	r->made_by = TRANSFORM_OWNED;
	r->ntape = 0;
	r->def = NULL;
	r->runaway = false;
	lane->heading = false;
	lane->line++;
	keytree_rewind(r->tree);
	text = line_text(lane, options, event);
	if (text.len == 0)
		text = SLICE("");	/* and not NULL */
	tag_bytes(event, text);
	if (event->peer.len > 0)
		event_set(event, FIELD_LOG_SOURCE_ADDRESS,
		    value_text(event->peer, TRANSFORM_OWNED));
	run_body(lane, options, text);
	event->joins = r->def != NULL && r->def->join != NULL;
	take_time(r, options, text, lane->heading);
	if (regex_runaways(r->scratch) != lane->runaways) {
		metric_add(METRIC_REGEX_LIMIT, regex_runaways(r->scratch) -
		    lane->runaways);
		lane->runaways = regex_runaways(r->scratch);
	}
}

void
parser_joined(struct parser_lane *lane, const struct def *def,
    struct event *event)
{
	struct reading *r = &lane->reading;

	r->event = event;
	r->arena = event->batch->arena;
	r->zone = NULL;
	r->ntape = 0;
	r->runaway = false;
	lane_begin_def(r, def);
	mapping_run_block(r, def->join->then);
}

void
parser_explain(struct parser_lane *lane, const struct parser_options *options,
    struct event *event, struct strbuf *out)
{
	lane->explain = out;
	parser_run(lane, options, event);
	lane->explain = NULL;
}
