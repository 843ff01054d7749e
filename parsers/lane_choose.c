/* Which definition reads the line: candidates by program, key, vendor and
 * text, in the order of their rank. */
#include "parsers/lane.h"

#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/check.h"

/* Whether "EF:" stands in it, as in every header of CEF and LEEF. */
static bool
has_ef(struct slice head)
{
	const char *p = head.ptr, *end = p + head.len;

#if defined(__SSE2__)
	const __m128i e = _mm_set1_epi8('E'), f = _mm_set1_epi8('F'),
	    colon = _mm_set1_epi8(':');

	for (; end - p >= 18; p += 16) {
		__m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i b = _mm_loadu_si128(
		    (const __m128i *)(const void *)(p + 1));
		__m128i c = _mm_loadu_si128(
		    (const __m128i *)(const void *)(p + 2));

		if (_mm_movemask_epi8(_mm_and_si128(_mm_and_si128(
		    _mm_cmpeq_epi8(a, e), _mm_cmpeq_epi8(b, f)),
		    _mm_cmpeq_epi8(c, colon))) != 0)
			return true;
	}
#endif
	for (; end - p >= 3; p++)
		if (p[0] == 'E' && p[1] == 'F' && p[2] == ':')
			return true;
	return false;
}

void
lane_classify(struct parser_lane *lane, struct line *line)
{
	struct reading *r = &lane->reading;
	struct slice body = line->header.body, rest;

	while (body.len > 0 && (body.ptr[0] == ' ' || body.ptr[0] == '\t'))
		body = slice_skip(body, 1);
	line->kind = BODY_TEXT;
	line->tape = r->ntape;
	if (body.len == 0)
		return;
	if (body.ptr[0] == '{') {
		line->json = json_read(r, body, KEYTREE_ROOT);
		if (line->json)
			line->kind = BODY_JSON;
		return;
	}
	if (body.ptr[1 < body.len] != '|' && !has_ef(slice_head(body, 96)))
		return;
	line->ncolumns = cef_header(slice_head(body, 4096), line->columns, 7,
	    &rest);
	if (line->ncolumns >= 5) {
		line->kind = BODY_CEF;
		return;
	}
	line->ncolumns = leef_header(slice_head(body, 4096), line->columns, 7,
	    &rest);
	if (line->ncolumns == 5)
		line->kind = BODY_LEEF;
	else
		line->ncolumns = 0;
}

static struct node_marks *
node_marks(struct parser_lane *lane, uint32_t node)
{
	size_t more;

	if (node >= lane->nnodes) {
		more = lane->nnodes == 0 ? 256 : lane->nnodes * 2;
		while (more <= node)
			more *= 2;
		lane->nodes = xrealloc(lane->nodes, more *
		    sizeof(*lane->nodes));
		memset(lane->nodes + lane->nnodes, 0, (more - lane->nnodes) *
		    sizeof(*lane->nodes));
		lane->nnodes = more;
	}
	if (!lane->nodes[node].known) {
		lane->nodes[node].list = markindex_key(lane->set->index,
		    keytree_name(lane->reading.tree, node));
		lane->nodes[node].known = true;
	}
	return &lane->nodes[node];
}

static void
candidates_by_program(struct parser_lane *lane, struct slice program,
    struct candidates *out)
{
	size_t at;

	out->n = 0;
	if (program.len == 0)
		return;
	if (program.len > PROGRAM_BYTES) {
		markindex_program(lane->set->index, program, out);
		return;
	}
	at = (program.len * 31 + (unsigned char)program.ptr[0] * 7u +
	    (unsigned char)program.ptr[program.len / 2] * 3u +
	    (unsigned char)program.ptr[program.len - 1]) % PROGRAMS;
	if (lane->programs[at].len != program.len ||
	    memcmp(lane->programs[at].name, program.ptr, program.len) != 0) {
		memcpy(lane->programs[at].name, program.ptr, program.len);
		lane->programs[at].len = program.len;
		lane->programs[at].found.n = 0;
		markindex_program(lane->set->index, program,
		    &lane->programs[at].found);
	}
	out->n = lane->programs[at].found.n;
	memcpy(out->at, lane->programs[at].found.at, out->n *
	    sizeof(out->at[0]));
}

static void
candidates_by_key(struct parser_lane *lane, const struct line *line,
    struct candidates *out)
{
	struct reading *r = &lane->reading;

	for (size_t i = line->tape; i < r->ntape; i++) {
		struct node_marks *marks;

		if (r->tape[i].node == KEYTREE_NONE)
			continue;
		marks = node_marks(lane, r->tape[i].node);
		if (marks->list != NULL)
			markindex_add(marks->list, out);
	}
}

const struct value *
lane_json_value(const struct reading *r, const struct line *line,
    struct slice key, bool *there)
{
	*there = false;
	for (size_t i = line->tape; i < r->ntape; i++) {
		struct slice name;

		if (r->tape[i].node == KEYTREE_NONE)
			continue;
		name = keytree_name(r->tree, r->tape[i].node);
		if (!slice_starts(name, key))
			continue;
		if (name.len == key.len) {
			*there = true;
			return &r->tape[i].value;
		}
		if (name.ptr[key.len] == '.')
			*there = true;
	}
	return NULL;
}

static bool
keys_hold(const struct reading *r, const struct line *line,
    const struct marks *marks)
{
	char buf[VALUE_TEXT_BYTES];
	bool there;

	if (!line->json)
		return false;
	for (size_t i = 0; i < marks->keys.n; i++) {
		lane_json_value(r, line, marks->keys.at[i], &there);
		if (!there)
			return false;
	}
	for (size_t i = 0; i < marks->nvalues; i++) {
		const struct value *value = lane_json_value(r, line,
		    marks->values[i].key, &there);

		if (value == NULL || !marks_word(&marks->values[i].values,
		    value_as_text(value, buf)))
			return false;
	}
	return true;
}

static bool
marks_hold(const struct reading *r, const struct line *line,
    const struct marks *marks)
{
	struct slice head = slice_head(line->header.body, MARK_BYTES);
	bool starts = marks->starts.n == 0;
	size_t found;

	if (marks->programs.n > 0 && !marks_word(&marks->programs,
	    line->header.appname))
		return false;
	if (marks->cef && line->kind != BODY_CEF)
		return false;
	if (marks->leef && line->kind != BODY_LEEF)
		return false;
	if (marks->vendor.n > 0 && (line->ncolumns < 3 ||
	    !marks_word(&marks->vendor, line->columns[1])))
		return false;
	if (marks->product.n > 0 && (line->ncolumns < 3 ||
	    !marks_word(&marks->product, line->columns[2])))
		return false;
	found = markindex_anchor(marks);
	for (size_t i = 0; i < marks->contains.n; i++)
		if (i != found && slice_find(head, marks->contains.at[i]) < 0)
			return false;
	for (size_t i = 0; i < marks->starts.n; i++)
		starts = starts || slice_starts(line->header.body,
		    marks->starts.at[i]);
	if (!starts)
		return false;
	return marks->keys.n + marks->nvalues == 0 ||
	    keys_hold(r, line, marks);
}

struct search {
	struct candidates found;
	uint32_t next;		/* entries below it have been tried */
	const struct def *first;	/* whose marks held */
};

/* Tries the candidates below `limit` that have not been tried yet. */
static bool
try_candidates(struct parser_lane *lane, const struct line *line,
    struct search *search, uint32_t limit)
{
	struct reading *r = &lane->reading;
	uint32_t next = search->next;

	search->next = limit;
	for (size_t i = 0; i < search->found.n; i++) {
		uint32_t number = search->found.at[i];
		const struct mark_entry *entry = markindex_entry(
		    lane->set->index, number);

		if (number < next || number >= limit)
			continue;
		if (!lane_suits(entry->def, line) ||
		    !marks_hold(r, line, entry->marks)) {
			lane_explain(lane, "%.*s: its marks do not all hold",
			    (int)entry->def->name.len, entry->def->name.ptr);
			continue;
		}
		if (search->first == NULL && entry->marks->sure)
			search->first = entry->def;
		if (lane_try_def(lane, entry->def, line)) {
			lane_explain(lane, "%.*s: takes the line",
			    (int)entry->def->name.len, entry->def->name.ptr);
			lane_finish_def(lane, line);
			return true;
		}
		lane_explain(lane, "%.*s: its marks hold, but it cannot read "
		    "the body", (int)entry->def->name.len,
		    entry->def->name.ptr);
	}
	return false;
}

/* Texts of a tier are looked for only when what ranks before them has passed
 * the line on. */
bool
lane_choose(struct parser_lane *lane, const struct line *line)
{
	const struct markindex *index = lane->set->index;
	struct search search;

	search.next = 0;
	search.first = NULL;
	candidates_by_program(lane, line->header.appname, &search.found);
	if (line->kind == BODY_JSON)
		candidates_by_key(lane, line, &search.found);
	else if (line->kind != BODY_TEXT)
		markindex_vendor(index, line->kind == BODY_LEEF,
		    line->columns[1], &search.found);
	for (unsigned tier = search.found.n == 0 ? MARK_TIER_ALL : 0;
	    tier <= MARK_TIERS; tier++) {
		if (search.found.n > 0 && try_candidates(lane, line, &search,
		    markindex_first_text(index, tier)))
			return true;
		if (tier < MARK_TIERS)
			markindex_text(index, tier, line->header.body,
			    &search.found);
	}
	if (lane->reading.runaway) {
		lane_explain(lane, "a pattern was given up for its cost");
	} else if (search.first != NULL && line->kind == BODY_TEXT) {
		lane_keep_partial(lane, search.first, line);
		return true;
	}
	return false;
}
