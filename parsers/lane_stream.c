/* Lines beneath a header, and header lines. */
#include "parsers/lane.h"

#include <stdlib.h>

#include "engine/check.h"
#include "engine/map.h"
#include "parsers/streams.h"

static bool
reads_columns(const struct def *def, enum header_kind kind)
{
	return def->decoder.kind == (kind == HEADER_TSV ? DECODER_TSV
	    : DECODER_W3C);
}

static const struct def *
def_of_header(const struct parserset *set, struct slice header,
    enum header_kind kind)
{
	for (size_t i = 0; i < set->nheaded; i++) {
		const struct words *texts = &set->headed[i].marks->header;
		size_t k = 0;

		while (k < texts->n && slice_find(header, texts->at[k]) >= 0)
			k++;
		if (k == texts->n && reads_columns(set->headed[i].def, kind))
			return set->headed[i].def;
	}
	return NULL;
}

/* What is known of the place for the line in hand; NULL if there is no
 * header. */
static struct stream *
stream_at(struct parser_lane *lane, struct slice place)
{
	uint64_t now = streams_version(lane->streams);
	uint64_t seq = lane->reading.event->seq;
	struct stream_span span;
	struct strbuf header = STRBUF_INIT;
	union map_value *at;
	struct stream *stream;

	if (now == 0)
		return NULL;
	if (map_count(lane->known) >= STREAMS)
		lane_forget_streams(lane);
	at = map_get(lane->known, place, NULL);
	if (at->ptr == NULL)
		at->ptr = xcalloc(1, sizeof(*stream));
	stream = at->ptr;
	if (stream->checked != now || seq < stream->span.from ||
	    seq > stream->span.upto) {
		span = streams_find(lane->streams, place, seq, &header);
		if (span.version != stream->span.version) {
			stream_fini(stream);
			stream_read(stream, strbuf_slice(&header));
			stream->def = def_of_header(lane->set,
			    strbuf_slice(&header), stream->kind);
		}
		stream->span = span;
		stream->checked = now;
		strbuf_fini(&header);
	}
	return stream->span.version == 0 ? NULL : stream;
}

/* A line of a header is an event that says nothing but itself. */
static void
keep_header(struct parser_lane *lane, const struct def *def,
    const struct line *line)
{
	struct reading *r = &lane->reading;

	lane->heading = true;
	if (def != NULL) {
		event_set(r->event, FIELD_EVENT_MODULE,
		    value_text(def->module, TRANSFORM_OWNED));
		event_set(r->event, FIELD_EVENT_DATASET,
		    value_text(def->dataset, TRANSFORM_OWNED));
		event_set(r->event, FIELD_YAGURA_PARSER,
		    value_text(def->name, TRANSFORM_OWNED));
	}
	event_set(r->event, FIELD_EVENT_ACTION,
	    value_text(SLICE("log-header"), TRANSFORM_OWNED));
	lane_put_message(r, line->header.body);
	lane_put_host(r, def == NULL ? HOST_IS_HOST : def->host);
	lane_explain(lane, "a line of the header of a stream");
}

bool
lane_run_stream(struct parser_lane *lane, const struct line *line,
    const struct def *forced)
{
	struct reading *r = &lane->reading;
	char buf[STREAM_PLACE_BYTES];
	struct slice body = slice_trim(line->header.body), place;
	const struct def *def;
	struct stream *stream;
	enum header_kind kind;
	bool dated, taken;

	kind = header_line(body, &dated);
	if (kind == HEADER_NONE && streams_version(lane->streams) == 0)
		return false;
	if (forced != NULL && forced->decoder.kind != DECODER_TSV &&
	    forced->decoder.kind != DECODER_W3C)
		return false;
	place = stream_place(r->event, line->header.appname, buf);
	if (kind != HEADER_NONE && !dated)
		streams_add(lane->streams, place, r->event->seq, body);
	stream = stream_at(lane, place);
	def = stream == NULL ? NULL : forced != NULL ? forced : stream->def;
	if (kind != HEADER_NONE) {
		keep_header(lane, def, line);
		return true;
	}
	if (def == NULL || stream->n == 0)
		return false;
	r->stream = stream;
	taken = lane_try_def(lane, def, line);
	if (taken) {
		lane_explain(lane, "%.*s: takes the line, beneath its header",
		    (int)def->name.len, def->name.ptr);
		lane_finish_def(lane, line);
	}
	r->stream = NULL;
	return taken;
}
