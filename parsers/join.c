#include "parsers/join.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/regex.h"
#include "engine/strbuf.h"
#include "parsers/decode_syslog.h"
#include "parsers/join_record.h"
#include "parsers/parserset.h"

#define POOL 64			/* records kept for the next */
#define KEY_PART_BYTES 128	/* of a value in a key; longer ones are cut */

/* A stream with open records: a peer, and with records by values also who
 * speaks there, the first of the values. A relay has a stream for each node. */
struct place {
	struct slice key;
	struct record *first, *last;	/* by last line */
	size_t	 n, nlines;		/* nlines: by continuation */
	char	 name[];
};

struct joiner {
	struct parserset *set;		/* counted; that of the records */
	struct parser_lane *lane;	/* made when it is needed */
	struct regex_scratch *scratch;
	struct map *records;		/* key -> struct record */
	struct map *places;		/* peer -> struct place */
	struct record *oldest, *newest;
	struct record *ended, **ended_last;
	struct record *pool;
	size_t	 npool, nended;
	size_t	 nlines;		/* open by continuation */
	size_t	 bytes;
	int64_t	 now_ns;
	struct strbuf key, speaker;
	struct slice def_name;		/* of the line before */
	const struct def *def;
	struct joiner_figures figures;
};

struct joiner *
joiner_new(void)
{
	struct joiner *joiner = xcalloc(1, sizeof(*joiner));

	joiner->records = map_new();
	joiner->places = map_new();
	joiner->scratch = regex_scratch_new();
	joiner->ended_last = &joiner->ended;
	strbuf_init(&joiner->key);
	strbuf_init(&joiner->speaker);
	return joiner;
}

/* --- records and places ----------------------------------------------- */

static struct record *
record_get(struct joiner *joiner)
{
	struct record *record = joiner->pool;

	if (record == NULL)
		return record_new();
	joiner->pool = record->newer;
	joiner->npool--;
	record->newer = NULL;
	return record;
}

/* A record that took much memory does not come back. */
static void
record_give(struct joiner *joiner, struct record *record)
{
	if (joiner->npool == POOL || record_bytes(record) > JOIN_BYTES / 4) {
		record_free(record);
		return;
	}
	record_clear(record);
	record->newer = joiner->pool;
	joiner->pool = record;
	joiner->npool++;
}

static void
place_join(struct joiner *joiner, struct record *record, struct slice key)
{
	union map_value *at = map_get(joiner->places, key, NULL);
	struct place *place = at->ptr;

	if (place == NULL) {
		place = xcalloc(1, sizeof(*place) + key.len + 1);
		if (key.len > 0)
			memcpy(place->name, key.ptr, key.len);
		place->key = slice_of(place->name, key.len);
		at->ptr = place;
	}
	record->place = place;
	place->n++;
	place->nlines += record->by_lines;
}

static void
unlink_record(struct joiner *joiner, struct record *record)
{
	struct place *place = record->place;

	*(record->older != NULL ? &record->older->newer : &joiner->oldest) =
	    record->newer;
	*(record->newer != NULL ? &record->newer->older : &joiner->newest) =
	    record->older;
	*(record->before != NULL ? &record->before->after : &place->first) =
	    record->after;
	*(record->after != NULL ? &record->after->before : &place->last) =
	    record->before;
	record->older = record->newer = record->before = record->after = NULL;
}

/* Behind all others: its last line is the latest. */
static void
link_record(struct joiner *joiner, struct record *record)
{
	struct place *place = record->place;

	record->older = joiner->newest;
	*(record->older != NULL ? &record->older->newer : &joiner->oldest) =
	    record;
	joiner->newest = record;
	record->before = place->last;
	*(record->before != NULL ? &record->before->after : &place->first) =
	    record;
	place->last = record;
}

/* The record is open no more. One line alone is an event already. */
static void
end_record(struct joiner *joiner, struct record *record, enum join_end end)
{
	struct place *place = record->place;

	unlink_record(joiner, record);
	map_remove(joiner->records, record->key);
	joiner->bytes -= record_bytes(record);
	joiner->nlines -= record->by_lines;
	place->nlines -= record->by_lines;
	if (--place->n == 0) {
		map_remove(joiner->places, place->key);
		free(place);
	}
	record->place = NULL;
	if (record->lines < 2) {
		record_give(joiner, record);
		return;
	}
	record->end = end;
	*joiner->ended_last = record;
	joiner->ended_last = &record->newer;
	joiner->nended++;
}

static struct record *
find_record(struct joiner *joiner, struct slice key)
{
	union map_value *at = map_find(joiner->records, key);

	return at == NULL ? NULL : at->ptr;
}

/* Under the joiner's key, at the stream's place. */
static struct record *
open_record(struct joiner *joiner, const struct def *def, struct slice place,
    const struct event *event)
{
	struct record *record;

	while (map_count(joiner->records) >= JOIN_OPEN ||
	    (joiner->bytes > JOIN_OPEN_BYTES && joiner->oldest != NULL))
		end_record(joiner, joiner->oldest, JOIN_CUT);
	record = record_get(joiner);
	record->def = def;
	record->key = arena_dup(record->arena, strbuf_slice(&joiner->key));
	record->peer = arena_dup(record->arena, event->peer);
	record->by_lines = def->join->nby == 0;
	record->time_ns = record->last_ns = event->time_ns;
	record->has_time = event->has_time;
	record->logsource = event->logsource;
	record->source = event->source;
	map_get(joiner->records, record->key, NULL)->ptr = record;
	place_join(joiner, record, place);
	link_record(joiner, record);
	joiner->nlines += record->by_lines;
	joiner->bytes += record_bytes(record);
	return record;
}

static void
add_line(struct joiner *joiner, struct record *record,
    const struct event *event, struct slice body, struct slice part)
{
	joiner->bytes -= record_bytes(record);
	record_take(record, event, body, part);
	record->seen_ns = joiner->now_ns;
	joiner->bytes += record_bytes(record);
	if (record->lines > 1) {
		unlink_record(joiner, record);
		link_record(joiner, record);
	}
	if (record->lines == JOIN_LINES || record->raw.len > JOIN_BYTES ||
	    record->pieces.capped)
		end_record(joiner, record, JOIN_CUT);
}

/* --- records by values ------------------------------------------------ */

static void
key_put(struct strbuf *key, struct slice part)
{
	strbuf_put(key, slice_head(part, KEY_PART_BYTES));
	strbuf_putc(key, '\0');
}

/* False if the line has none of the values. */
static bool
values_key(struct joiner *joiner, const struct def *def,
    const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	bool any = false;

	strbuf_clear(&joiner->key);
	strbuf_putc(&joiner->key, 'v');
	key_put(&joiner->key, def->name);
	key_put(&joiner->key, event->peer);
	for (size_t i = 0; i < def->join->nby; i++) {
		field_t field = def->join->by[i];

		if (field == FIELD_TIMESTAMP) {
			strbuf_putlong(&joiner->key, event->time_ns);
		} else {
			struct slice text = event_text(event, field, buf);

			any = any || text.len > 0;
			key_put(&joiner->key, text);
		}
	}
	return any;
}

static struct slice
speaker(struct joiner *joiner, const struct def *def,
    const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];

	strbuf_clear(&joiner->speaker);
	key_put(&joiner->speaker, event->peer);
	if (def->join->nby > 1 && def->join->by[0] != FIELD_TIMESTAMP)
		key_put(&joiner->speaker, event_text(event,
		    def->join->by[0], buf));
	return strbuf_slice(&joiner->speaker);
}

/* Lines of this stream are past what these waited for. */
static void
end_waited(struct joiner *joiner, struct slice stream,
    const struct event *event)
{
	union map_value *at = map_find(joiner->places, stream);
	struct place *place = at == NULL ? NULL : at->ptr;
	struct record *next, *record = place == NULL ? NULL : place->first;

	for (; record != NULL; record = next) {
		next = record->after;
		if (record->last_ns >= event->time_ns ||
		    event->time_ns - record->last_ns <=
		    record->def->join->wait_ns)
			break;
		/* The last one takes the place with it. */
		end_record(joiner, record, JOIN_WAITED);
	}
}

static bool
is_end(const struct join_spec *spec, struct slice part)
{
	for (size_t i = 0; i < spec->nends; i++)
		if (slice_eq_nocase(spec->ends[i], part))
			return true;
	return false;
}

static void
take_part(struct joiner *joiner, const struct def *def,
    const struct event *event)
{
	const struct join_spec *spec = def->join;
	char buf[VALUE_TEXT_BYTES];
	struct slice part = SLICE(""), stream = speaker(joiner, def, event);
	struct record *record;
	bool end;

	end_waited(joiner, stream, event);
	if (!values_key(joiner, def, event))
		return;
	if (spec->part != FIELD_NONE)
		part = event_text(event, spec->part, buf);
	end = is_end(spec, part);
	record = find_record(joiner, strbuf_slice(&joiner->key));
	if (record == NULL && end)
		return;
	if (record == NULL)
		record = open_record(joiner, def, stream, event);
	add_line(joiner, record, event, event->raw, part);
	/* It may have ended for its size. */
	record = end ? find_record(joiner, strbuf_slice(&joiner->key)) : NULL;
	if (record != NULL)
		end_record(joiner, record, JOIN_WHOLE);
}

/* --- records by continuation ------------------------------------------ */

struct body {
	struct slice host, program, text;
};

/* Only what has a whole header has one: "Caused by: x" is no program. */
static struct body
body_of(const struct event *event)
{
	struct syslog_header header;

	syslog_read(event->raw, &header);
	if (header.priority < 0 && !header.has_time)
		return (struct body){ .text = event->raw };
	return (struct body){ header.hostname, header.appname, header.body };
}

static void
lines_key(struct joiner *joiner, const struct event *event,
    const struct body *body)
{
	strbuf_clear(&joiner->key);
	strbuf_putc(&joiner->key, 'l');
	key_put(&joiner->key, event->peer);
	key_put(&joiner->key, body->host);
	key_put(&joiner->key, body->program);
}

static bool
continues(struct joiner *joiner, const struct join_spec *spec,
    struct slice text)
{
	bool found = false;

	for (size_t i = 0; i < spec->ntexts && !found; i++)
		found = slice_starts(text, spec->texts[i]);
	for (size_t i = 0; i < spec->nregexes && !found; i++)
		found = regex_match(spec->regexes[i], text, joiner->scratch);
	return found != spec->starts;
}

/* `def` reads the line and joins by continuation, or is NULL. */
static void
take_below(struct joiner *joiner, const struct def *def,
    const struct event *event)
{
	struct body body = body_of(event);
	struct record *record;

	lines_key(joiner, event, &body);
	record = find_record(joiner, strbuf_slice(&joiner->key));
	if (record != NULL) {
		if (continues(joiner, record->def->join, body.text)) {
			add_line(joiner, record, event, body.text, SLICE(""));
			return;
		}
		end_record(joiner, record, JOIN_WHOLE);
	}
	if (def == NULL || continues(joiner, def->join, body.text))
		return;
	record = open_record(joiner, def, event->peer, event);
	add_line(joiner, record, event, body.text, SLICE(""));
}

static bool
has_lines(struct joiner *joiner, const struct event *event)
{
	union map_value *at = map_find(joiner->places, event->peer);

	return at != NULL && ((struct place *)at->ptr)->nlines > 0;
}

/* --- ended records as events ------------------------------------------ */

static void
make_event(struct joiner *joiner, const struct record *record,
    struct event *out)
{
	record_event(record, out);
	if (record->def->join->then == NULL)
		return;
	if (joiner->lane == NULL)
		joiner->lane = parser_lane_new(joiner->set);
	parser_joined(joiner->lane, record->def, out);
}

/* Texts of a set that is left: the batch holds the new one only. */
static void
detach(struct event *out)
{
	for (size_t i = 0; i < out->n; i++)
		out->values[i] = value_dup(out->batch->arena,
		    &out->values[i]);
}

static void
give_ended(struct joiner *joiner, struct batch *batch, bool leave)
{
	while (joiner->ended != NULL && batch->njoined < JOIN_BATCH) {
		struct record *record = joiner->ended;
		struct event *out = batch_add_alert(batch);

		if (out == NULL)
			break;
		batch->njoined++;
		make_event(joiner, record, out);
		if (leave)
			detach(out);
		joiner->figures.joined++;
		joiner->figures.cut += record->end == JOIN_CUT;
		joiner->ended = record->newer;
		joiner->nended--;
		record_give(joiner, record);
	}
	if (joiner->ended == NULL)
		joiner->ended_last = &joiner->ended;
}

/* --- the way of a batch ----------------------------------------------- */

static void
end_all(struct joiner *joiner, enum join_end end)
{
	while (joiner->oldest != NULL)
		end_record(joiner, joiner->oldest, end);
}

/* Past this batch's room they are lost as records. */
static void
drop_ended(struct joiner *joiner)
{
	while (joiner->ended != NULL) {
		struct record *record = joiner->ended;

		joiner->ended = record->newer;
		joiner->nended--;
		joiner->figures.cut++;
		record_give(joiner, record);
	}
	joiner->ended_last = &joiner->ended;
}

/* Definitions changed: what is open belongs to those before. */
static void
use_set(struct joiner *joiner, struct parserset *set, struct batch *batch)
{
	if (joiner->set == set)
		return;
	end_all(joiner, JOIN_CUT);
	give_ended(joiner, batch, true);
	drop_ended(joiner);
	parser_lane_free(joiner->lane);
	parserset_put(joiner->set);
	joiner->lane = NULL;
	joiner->set = parserset_get(set);
	joiner->def_name = SLICE("");
	joiner->def = NULL;
}

/* Who read the line, if it joins. Lines come in runs of one definition. */
static const struct def *
joining_def(struct joiner *joiner, const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice name;

	if (!event->joins)
		return NULL;
	name = event_text(event, FIELD_YAGURA_PARSER, buf);
	if (name.len == 0)
		return NULL;
	if (joiner->def == NULL || !slice_eq(name, joiner->def_name)) {
		joiner->def = parserset_def(joiner->set, name);
		joiner->def_name = joiner->def == NULL ? SLICE("") :
		    joiner->def->name;
	}
	return joiner->def == NULL || joiner->def->join == NULL ? NULL :
	    joiner->def;
}

static void
take_event(struct joiner *joiner, const struct event *event)
{
	const struct def *def = joining_def(joiner, event);

	if (def != NULL && def->join->nby > 0) {
		take_part(joiner, def, event);
		def = NULL;
	}
	if (def != NULL || (joiner->nlines > 0 && has_lines(joiner, event)))
		take_below(joiner, def, event);
}

/* By the loop's clock, where a stream says no more. Without one (import) only
 * lines and the end of the file end a record. */
static void
end_silent(struct joiner *joiner)
{
	struct record *record, *newer;

	for (record = joiner->oldest; record != NULL; record = newer) {
		int64_t silent_ns = joiner->now_ns - record->seen_ns;

		newer = record->newer;
		if (silent_ns > record->def->join->wait_ns)
			end_record(joiner, record, JOIN_WAITED);
		else if (silent_ns <= JOIN_WAIT_LEAST_NS)
			break;
	}
}

void
joiner_run(struct joiner *joiner, struct parserset *set, struct batch *batch)
{
	check(batch->nalerts == 0 && batch->njoined == 0);
	use_set(joiner, set, batch);
	joiner->now_ns = batch->formed_ns;
	for (size_t i = 0; i < batch->n; i++)
		if (batch->events[i].joins || joiner->nlines > 0)
			take_event(joiner, &batch->events[i]);
	if (batch->formed_ns != 0)
		end_silent(joiner);
	/* A file's end is that of its records; the daemon's cuts them off. */
	if (batch->last)
		end_all(joiner, batch->formed_ns == 0 ? JOIN_WAITED :
		    JOIN_CUT);
	give_ended(joiner, batch, false);
	joiner->figures.open = map_count(joiner->records) + joiner->nended;
}

void
joiner_figures(const struct joiner *joiner, struct joiner_figures *figures)
{
	*figures = joiner->figures;
}

void
joiner_free(struct joiner *joiner)
{
	if (joiner == NULL)
		return;
	end_all(joiner, JOIN_CUT);
	drop_ended(joiner);
	while (joiner->pool != NULL) {
		struct record *record = joiner->pool;

		joiner->pool = record->newer;
		record_free(record);
	}
	parser_lane_free(joiner->lane);
	parserset_put(joiner->set);
	regex_scratch_free(joiner->scratch);
	map_free(joiner->records);
	map_free(joiner->places);
	strbuf_fini(&joiner->key);
	strbuf_fini(&joiner->speaker);
	free(joiner);
}
