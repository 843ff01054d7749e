/* A lane, and what it does with one definition. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/lane.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/charset.h"
#include "engine/check.h"
#include "engine/map.h"
#include "engine/regex.h"
#include "parsers/streams.h"

struct parser_lane *
parser_lane_new(struct parserset *set)
{
	struct parser_lane *lane = xcalloc(1, sizeof(*lane));
	struct reading *r = &lane->reading;

	lane->set = parserset_get(set);
	lane->streams = streams_new();
	lane->known = map_new();
	strbuf_init(&lane->text);
	r->tree = keytree_new();
	r->bindings = xcalloc(set->ndefs + 1, sizeof(*r->bindings));
	r->nbindings = xcalloc(set->ndefs + 1, sizeof(*r->nbindings));
	r->slots = xcalloc(set->nslots + 1, sizeof(*r->slots));
	r->extras = xcalloc(EVENT_FIELDS, sizeof(*r->extras));
	r->scratch = regex_scratch_new();
	r->match_context = pcre2_match_context_create(NULL);
	r->match_data = pcre2_match_data_create(128, NULL);
	check(r->match_context != NULL && r->match_data != NULL);
	pcre2_set_match_limit(r->match_context, REGEX_STEPS);
	pcre2_set_depth_limit(r->match_context, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(r->match_context, REGEX_HEAP_KIB);
	return lane;
}

void
lane_forget_streams(struct parser_lane *lane)
{
	union map_value value;
	struct slice place;
	size_t at = 0;

	while (map_next(lane->known, &at, &place, &value)) {
		stream_fini(value.ptr);
		free(value.ptr);
	}
	map_free(lane->known);
	lane->known = map_new();
}

void
parser_lane_share(struct parser_lane *lane, struct streams *streams)
{
	lane_forget_streams(lane);
	streams_put(lane->streams);
	lane->streams = streams == NULL ? streams_new()
	    : streams_get(streams);
}

void
parser_lane_free(struct parser_lane *lane)
{
	struct reading *r;

	if (lane == NULL)
		return;
	r = &lane->reading;
	keytree_free(r->tree);
	for (size_t i = 0; i < lane->set->ndefs; i++)
		free(r->bindings[i]);
	free(r->bindings);
	free(r->nbindings);
	free(r->slots);
	free(r->extras);
	free(r->tape);
	regex_scratch_free(r->scratch);
	pcre2_match_context_free(r->match_context);
	pcre2_match_data_free(r->match_data);
	free(lane->nodes);
	lane_forget_streams(lane);
	map_free(lane->known);
	streams_put(lane->streams);
	for (size_t i = 0; i < CHARSETS; i++)
		charset_close(lane->charsets[i].charset);
	strbuf_fini(&lane->text);
	parserset_put(lane->set);
	free(lane);
}

void
lane_explain(struct parser_lane *lane, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (lane->explain == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_puts(lane->explain, text);
	strbuf_putc(lane->explain, '\n');
}

/* A tree that is full is forgotten between two lines, with all that was known
 * about its nodes. */
void
lane_forget_keys(struct parser_lane *lane)
{
	struct reading *r = &lane->reading;

	keytree_clear(r->tree);
	for (size_t i = 0; i < lane->set->ndefs; i++)
		if (r->nbindings[i] > 0)
			memset(r->bindings[i], 0, r->nbindings[i] *
			    sizeof(*r->bindings[i]));
	if (lane->nnodes > 0)
		memset(lane->nodes, 0, lane->nnodes * sizeof(*lane->nodes));
}

void
lane_begin_def(struct reading *r, const struct def *def)
{
	r->def = def;
	r->rows = r->bindings[def->number];
	r->nrows = r->nbindings[def->number];
	r->words = (def->nslots + 63) / 64;
	memset(r->present, 0, r->words * sizeof(r->present[0]));
	memset(r->done, 0, r->words * sizeof(r->done[0]));
	r->nextras = 0;
	r->nblocks = 0;
	r->depth = 0;
	r->decoder = &def->decoder;
	r->attempt++;
	keytree_rewind(r->tree);
}

/* --- one definition ------------------------------------------------------ */
void
lane_put_host(struct reading *r, enum host_field host)
{
	const struct value *name;

	if (host == HOST_IS_NONE)
		return;
	name = event_get(r->event, FIELD_LOG_SYSLOG_HOSTNAME);
	if (name == NULL)
		return;
	if (host == HOST_IS_OBSERVER &&
	    event_get(r->event, FIELD_OBSERVER_NAME) == NULL)
		event_set(r->event, FIELD_OBSERVER_NAME, *name);
	else if (host == HOST_IS_HOST &&
	    event_get(r->event, FIELD_HOST_NAME) == NULL &&
	    event_get(r->event, FIELD_OBSERVER_NAME) == NULL)
		event_set(r->event, FIELD_HOST_NAME, *name);
}

bool
lane_suits(const struct def *def, const struct line *line)
{
	switch (def->decoder.kind) {
	case DECODER_JSON:
		return line->json || def->decoder.after.len > 0;
	case DECODER_CEF:
		return line->kind == BODY_CEF;
	case DECODER_LEEF:
		return line->kind == BODY_LEEF;
	case DECODER_NONE:
		return true;
	default:
		/* Their marks may stand in a string of the object, which is
		 * read as a line of its own. */
		return line->kind != BODY_JSON;
	}
}

bool
lane_try_def(struct parser_lane *lane, const struct def *def,
    const struct line *line)
{
	struct reading *r = &lane->reading;
	uint32_t tags = r->event->tags;

	lane_begin_def(r, def);
	if (def->decoder.kind == DECODER_JSON && line->json &&
	    def->decoder.after.len == 0) {
		json_emit(r, line->tape);
		return true;
	}
	if (decode_run(r, &def->decoder, line->header.body, KEYTREE_ROOT))
		return true;
	r->event->tags = tags;
	return false;
}

static bool
by_text_decoder(const struct def *def)
{
	return def->decoder.kind == DECODER_TEMPLATE ||
	    def->decoder.kind == DECODER_REGEX ||
	    def->decoder.kind == DECODER_NONE;
}

void
lane_put_message(struct reading *r, struct slice body)
{
	body = slice_trim(body);
	if (body.len > 0 && event_get(r->event, FIELD_MESSAGE) == NULL)
		event_set(r->event, FIELD_MESSAGE, reading_text(r, body));
}

void
lane_finish_def(struct parser_lane *lane, const struct line *line)
{
	struct reading *r = &lane->reading;

	mapping_run(r);
	if (by_text_decoder(r->def))
		lane_put_message(r, line->header.body);
	lane_put_host(r, r->def->host);
}

/* A definition that knows whose line it is, but not this line. */
void
lane_keep_partial(struct parser_lane *lane, const struct def *def,
    const struct line *line)
{
	struct reading *r = &lane->reading;

	lane_begin_def(r, def);
	mapping_run(r);
	event_tag(r->event, EVENT_TAG_PARSE_PARTIAL);
	lane_put_message(r, line->header.body);
	lane_put_host(r, def->host);
	lane_explain(lane, "%.*s: keeps the line, in part", (int)def->name.len,
	    def->name.ptr);
}
