/* The way of one line: header, candidates, decoder, mapping, time. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "parsers/parserset.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/charset.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/logsource.h"
#include "engine/map.h"
#include "engine/metric.h"
#include "engine/regex.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/utf8.h"
#include "engine/zone.h"
#include "parsers/builtin.h"
#include "parsers/decode.h"
#include "parsers/join_spec.h"
#include "parsers/markindex.h"
#include "parsers/streams.h"

#define AHEAD_NS (24 * 3600 * TIME_S_NS)	/* a clock further off lies */
#define SKEW_NS (2 * TIME_S_NS)	/* as far ahead is rounding */
#define CHARSETS 4		/* that a lane keeps ready */
#define PROGRAMS 64		/* whose candidates a lane remembers */
#define PROGRAM_BYTES 40	/* longer names are looked up each time */
#define LEAST_PAIRS 3		/* that make a text key=value */
#define KEY_BYTES 40		/* of a key between signs */

struct parserset {
	_Atomic unsigned count;
	struct arena *arena;
	struct def_owned owned;
	struct def **defs;
	size_t	 ndefs;
	struct map *names;
	struct markindex *index;
	/* For unknown lines. */
	const struct def *json, *kv, *kv_comma, *kv_semicolon, *cef, *leef;
	struct mark_entry *headed;	/* marks of headers, by rank */
	size_t	 nheaded;
	size_t	 nslots;	/* most of any definition */
};

/* A node of the tree that marks ask for. */
struct node_marks {
	const struct mark_list *list;
	bool	 known;
	uint32_t seen;		/* number of the line that had it last */
};

struct parser_lane {
	struct parserset *set;
	struct reading reading;
	struct node_marks *nodes;
	size_t	 nnodes;
	uint32_t line;		/* counts lines, for node_marks.seen */
	char	 zone_name[64];
	size_t	 zone_len;
	const struct zone *zone;
	struct strbuf *explain;	/* NULL: nobody asks */
	unsigned depth;		/* of records inside records */
	struct streams *streams;	/* counted */
	struct map *known;	/* place -> struct stream, as last asked */
	bool	 heading;	/* the line is one of a header */
	uint64_t runaways;	/* of conditions, counted so far */
	struct {
		char	 name[PROGRAM_BYTES];
		size_t	 len;
		struct candidates found;
	} programs[PROGRAMS];	/* by hash; the set says the same as long as
				 * the lane lives */
	struct {
		char	 name[40];
		size_t	 len;
		struct charset *charset;	/* NULL: no such one */
	} charsets[CHARSETS];
	unsigned next_charset;
	struct strbuf text;	/* of the line, in UTF-8 */
};

/* --- loading ------------------------------------------------------------- */
struct paths {
	char	**at;
	size_t	 n;
};

static void
add_path(struct paths *paths, const char *path)
{
	paths->at = xrealloc(paths->at, (paths->n + 1) * sizeof(char *));
	paths->at[paths->n++] = xstrdup(path);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static bool
is_yaml(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && ((n > 4 && strcmp(name + n - 4, ".yml") == 0)
	    || (n > 5 && strcmp(name + n - 5, ".yaml") == 0));
}

static void
add_folder(struct paths *paths, const char *path, struct diag *diag)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t first = paths->n;
	char name[4096];

	if (dir == NULL) {
		diag_error(diag, path, 0, 0, "cannot be read");
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!is_yaml(entry->d_name))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		add_path(paths, name);
	}
	closedir(dir);
	qsort(paths->at + first, paths->n - first, sizeof(char *), by_text);
}

static struct paths
find_files(const char *const *names, size_t n, struct diag *diag)
{
	struct paths paths = { NULL, 0 };
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (stat(names[i], &st) != 0)
			diag_error(diag, names[i], 0, 0, "is not there");
		else if (S_ISDIR(st.st_mode))
			add_folder(&paths, names[i], diag);
		else
			add_path(&paths, names[i]);
	}
	return paths;
}

static const struct def *
find_def(const struct parserset *set, struct slice name)
{
	const union map_value *found = map_find(set->names, name);

	return found == NULL ? NULL : set->defs[found->num];
}

static int
by_header(const void *a, const void *b)
{
	const struct mark_entry *x = a, *y = b;

	if (x->marks->priority != y->marks->priority)
		return x->marks->priority < y->marks->priority ? 1 : -1;
	if (x->marks->header.n != y->marks->header.n)
		return x->marks->header.n < y->marks->header.n ? 1 : -1;
	return slice_cmp(x->def->name, y->def->name);
}

static void
list_headed(struct parserset *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->ndefs; i++)
		n += set->defs[i]->nmarks;
	set->headed = arena_zalloc(set->arena, (n + 1) *
	    sizeof(*set->headed));
	for (size_t i = 0; i < set->ndefs; i++)
		for (size_t k = 0; k < set->defs[i]->nmarks; k++)
			if (set->defs[i]->marks[k].header.n > 0)
				set->headed[set->nheaded++] =
				    (struct mark_entry){ set->defs[i],
				    &set->defs[i]->marks[k], false };
	qsort(set->headed, set->nheaded, sizeof(*set->headed), by_header);
}

struct parserset *
parserset_load(const char *const *names, size_t n, struct diag *diag)
{
	return parserset_load_rest(names, n, diag, diag);
}

struct parserset *
parserset_load_rest(const char *const *names, size_t n, struct diag *diag,
    struct diag *refused)
{
	struct parserset *set = xcalloc(1, sizeof(*set));
	struct paths paths = find_files(names, n, diag);

	atomic_init(&set->count, 1);
	set->arena = arena_new(0);
	set->names = map_new();
	set->ndefs = def_load((const char *const *)paths.at, paths.n,
	    builtin_definitions, set->arena, &set->owned,
	    &set->defs, refused);
	for (size_t i = 0; i < set->ndefs; i++) {
		struct def *def = set->defs[i];

		def->number = (unsigned)i;
		map_get(set->names, def->name, NULL)->num = i;
		if (def->nslots > set->nslots)
			set->nslots = def->nslots;
	}
	set->index = markindex_build(set->arena, set->defs, set->ndefs);
	set->json = find_def(set, SLICE("generic_json"));
	set->kv = find_def(set, SLICE("generic_kv"));
	set->kv_comma = find_def(set, SLICE("generic_kv_comma"));
	set->kv_semicolon = find_def(set, SLICE("generic_kv_semicolon"));
	set->cef = find_def(set, SLICE("generic_cef"));
	set->leef = find_def(set, SLICE("generic_leef"));
	list_headed(set);
	for (size_t i = 0; i < paths.n; i++)
		free(paths.at[i]);
	free(paths.at);
	return set;
}

struct parserset *
parserset_get(struct parserset *set)
{
	atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
	return set;
}

void
parserset_put(struct parserset *set)
{
	if (set == NULL || atomic_fetch_sub_explicit(&set->count, 1,
	    memory_order_acq_rel) != 1)
		return;
	markindex_free(set->index);
	def_owned_free(&set->owned);
	map_free(set->names);
	free(set->defs);
	arena_free(set->arena);
	free(set);
}

size_t
parserset_count(const struct parserset *set)
{
	return set->ndefs;
}

struct slice
parserset_name(const struct parserset *set, size_t i)
{
	check(i < set->ndefs);
	return set->defs[i]->name;
}

struct slice
parserset_description(const struct parserset *set, size_t i)
{
	check(i < set->ndefs);
	return set->defs[i]->description;
}

bool
parserset_has(const struct parserset *set, struct slice name)
{
	return find_def(set, name) != NULL;
}

const struct def *
parserset_def(const struct parserset *set, struct slice name)
{
	return find_def(set, name);
}

/* --- lanes --------------------------------------------------------------- */
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

static void
forget_streams(struct parser_lane *lane)
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
	forget_streams(lane);
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
	forget_streams(lane);
	map_free(lane->known);
	streams_put(lane->streams);
	for (size_t i = 0; i < CHARSETS; i++)
		charset_close(lane->charsets[i].charset);
	strbuf_fini(&lane->text);
	parserset_put(lane->set);
	free(lane);
}

static void explain(struct parser_lane *lane, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
explain(struct parser_lane *lane, const char *fmt, ...)
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
static void
forget_keys(struct parser_lane *lane)
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

static void
begin_def(struct reading *r, const struct def *def)
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

static void
put_host(struct reading *r, enum host_field host)
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

/* --- candidates ---------------------------------------------------------- */
enum body_kind { BODY_TEXT, BODY_JSON, BODY_CEF, BODY_LEEF };
static const char *const body_names[] = { "text", "JSON", "CEF", "LEEF" };

struct line {
	struct syslog_header header;
	enum body_kind kind;
	struct slice columns[7];	/* of a CEF or LEEF header */
	size_t	 ncolumns;
	size_t	 tape;		/* where the JSON of this body begins */
	bool	 json;		/* it was read */
};

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

static void
classify(struct parser_lane *lane, struct line *line)
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

/* The value of a dotted key of the JSON in hand, or NULL. An object is there
 * if anything below it is. */
static const struct value *
json_value(const struct reading *r, const struct line *line,
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
		json_value(r, line, marks->keys.at[i], &there);
		if (!there)
			return false;
	}
	for (size_t i = 0; i < marks->nvalues; i++) {
		const struct value *value = json_value(r, line,
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

static bool
suits(const struct def *def, const struct line *line)
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

static bool
try_def(struct parser_lane *lane, const struct def *def,
    const struct line *line)
{
	struct reading *r = &lane->reading;
	uint32_t tags = r->event->tags;

	begin_def(r, def);
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

static void
put_message(struct reading *r, struct slice body)
{
	body = slice_trim(body);
	if (body.len > 0 && event_get(r->event, FIELD_MESSAGE) == NULL)
		event_set(r->event, FIELD_MESSAGE, reading_text(r, body));
}

static void
finish_def(struct parser_lane *lane, const struct line *line)
{
	struct reading *r = &lane->reading;

	mapping_run(r);
	if (by_text_decoder(r->def))
		put_message(r, line->header.body);
	put_host(r, r->def->host);
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
		if (!suits(entry->def, line) ||
		    !marks_hold(r, line, entry->marks)) {
			explain(lane, "%.*s: its marks do not all hold",
			    (int)entry->def->name.len, entry->def->name.ptr);
			continue;
		}
		if (search->first == NULL && entry->marks->sure)
			search->first = entry->def;
		if (try_def(lane, entry->def, line)) {
			explain(lane, "%.*s: takes the line",
			    (int)entry->def->name.len, entry->def->name.ptr);
			finish_def(lane, line);
			return true;
		}
		explain(lane, "%.*s: its marks hold, but it cannot read the "
		    "body", (int)entry->def->name.len, entry->def->name.ptr);
	}
	return false;
}

/* A definition that knows whose line it is, but not this line. */
static void
keep_partial(struct parser_lane *lane, const struct def *def,
    const struct line *line)
{
	struct reading *r = &lane->reading;

	begin_def(r, def);
	mapping_run(r);
	event_tag(r->event, EVENT_TAG_PARSE_PARTIAL);
	put_message(r, line->header.body);
	put_host(r, def->host);
	explain(lane, "%.*s: keeps the line, in part", (int)def->name.len,
	    def->name.ptr);
}

/* Texts of a tier are looked for only when what ranks before them has passed
 * the line on. */
static bool
choose(struct parser_lane *lane, const struct line *line)
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
		explain(lane, "a pattern was given up for its cost");
	} else if (search.first != NULL && line->kind == BODY_TEXT) {
		keep_partial(lane, search.first, line);
		return true;
	}
	return false;
}

/* --- lines beneath a header ---------------------------------------------- */
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
		forget_streams(lane);
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
	put_message(r, line->header.body);
	put_host(r, def == NULL ? HOST_IS_HOST : def->host);
	explain(lane, "a line of the header of a stream");
}

/* True if the line belongs to a stream with a header. */
static bool
run_stream(struct parser_lane *lane, const struct line *line,
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
	taken = try_def(lane, def, line);
	if (taken) {
		explain(lane, "%.*s: takes the line, beneath its header",
		    (int)def->name.len, def->name.ptr);
		finish_def(lane, line);
	}
	r->stream = NULL;
	return taken;
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
	if (def == NULL || !try_def(lane, def, line))
		return false;
	explain(lane, "%.*s: no definition takes the line",
	    (int)def->name.len, def->name.ptr);
	if (def->decoder.kind == DECODER_KV)
		put_message(&lane->reading, line->header.body);
	finish_def(lane, line);
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
		const struct value *value = json_value(&lane->reading, line,
		    names[i], &there);

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
		forced = find_def(lane->set, options->def);
	/* A file's columns may look like a header of syslog. */
	if (text.len > 0 && text.ptr[0] != '{' && text.ptr[0] != '<' &&
	    run_stream(lane, &line, forced))
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
	    run_stream(lane, &line, forced))
		return;
	classify(lane, &line);
	explain(lane, "header: host \"%.*s\", program \"%.*s\", %s time; "
	    "body: %s", (int)line.header.hostname.len,
	    line.header.hostname.ptr, (int)line.header.appname.len,
	    line.header.appname.ptr, line.header.has_time ? "a" : "no",
	    body_names[line.kind]);
	if (forced != NULL) {
		known = suits(forced, &line) && try_def(lane, forced, &line);
		if (known)
			finish_def(lane, &line);
		else if (!r->runaway)
			keep_partial(lane, forced, &line);
		known = known || !r->runaway;
	} else {
		known = choose(lane, &line);
	}
	if (!known)
		known = run_generic(lane, &line);
	if (!known) {
		explain(lane, "no definition knows the line");
		event_tag(r->event, EVENT_TAG_UNPARSED);
		put_message(r, line.header.body);
		put_host(r, HOST_IS_HOST);
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
		forget_keys(lane);
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
	begin_def(r, def);
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

/* --- examples ------------------------------------------------------------ */
static void
put_actual(struct strbuf *buf, const struct event *event,
    const struct example_field *field)
{
	struct value value;
	field_t number = field_find(field->name);

	if (slice_eq(field->name, SLICE("logsource"))) {
		const struct logsource *ls = logsource_at(event->logsource);

		strbuf_put(buf, ls->category);
		strbuf_putc(buf, '/');
		strbuf_put(buf, ls->product);
		strbuf_putc(buf, '/');
		strbuf_put(buf, ls->service);
		while (buf->len > 0 && buf->ptr[buf->len - 1] == '/')
			buf->ptr[--buf->len] = '\0';
		return;
	}
	if (number == FIELD_NONE || !event_value(event, number, &value))
		return;
	for (size_t i = 0; i < value_members(&value); i++) {
		char text[VALUE_TEXT_BYTES], time[TIME_TEXT_BYTES];
		const struct value *member = value_member(&value, i);

		if (i > 0)
			strbuf_putc(buf, '\n');
		strbuf_put(buf, member->type == VALUE_TIME ?
		    time_format_rfc3339(member->u.num, time) :
		    value_as_text(member, text));
	}
}

static void
put_expected(struct strbuf *buf, const struct example_field *field)
{
	int64_t ns;
	char text[TIME_TEXT_BYTES];

	for (size_t i = 0; i < field->n; i++) {
		if (i > 0)
			strbuf_putc(buf, '\n');
		/* Times compare as instants. */
		if ((slice_eq(field->name, SLICE("@timestamp")) ||
		    (field_find(field->name) != FIELD_NONE && field_type(
		    field_find(field->name)) == VALUE_TIME)) &&
		    time_parse_rfc3339(field->values[i], &ns))
			strbuf_put(buf, time_format_rfc3339(ns, text));
		else
			strbuf_put(buf, field->values[i]);
	}
	/* Parts of a log source that are not said may be left out. */
	if (slice_eq(field->name, SLICE("logsource")))
		while (buf->len > 0 && buf->ptr[buf->len - 1] == '/')
			buf->ptr[--buf->len] = '\0';
}

static void
check_field(const struct def *def, const struct event *event,
    const struct example_field *field, struct diag *diag)
{
	struct strbuf actual = STRBUF_INIT, expected = STRBUF_INIT;

	put_actual(&actual, event, field);
	put_expected(&expected, field);
	if (field->absent && actual.len > 0)
		diag_error(diag, def->file.ptr, field->line, field->column,
		    "%.*s should be absent, is \"%s\"",
		    (int)field->name.len, field->name.ptr, actual.ptr);
	else if (!field->absent && !slice_eq(strbuf_slice(&actual),
	    strbuf_slice(&expected)))
		diag_error(diag, def->file.ptr, field->line, field->column,
		    "%.*s should be \"%s\", is %s%s%s",
		    (int)field->name.len, field->name.ptr, expected.ptr,
		    actual.len > 0 ? "\"" : "absent",
		    actual.len > 0 ? actual.ptr : "",
		    actual.len > 0 ? "\"" : "");
	strbuf_fini(&actual);
	strbuf_fini(&expected);
}

/* The line as it is read beneath its header lines. A definition without marks
 * is one that somebody has to name. */
static struct event *
example_event(struct parser_lane *lane, const struct def *def,
    struct batch *batch, const struct example *example)
{
	struct parser_options options = { .zone = example->zone,
	    .def = def->nmarks == 0 ? def->name : SLICE("") };
	struct event *event;

	parser_lane_share(lane, NULL);
	for (size_t i = 0; i < example->header.n; i++)
		parser_run(lane, &options, batch_add(batch,
		    example->header.at[i], slice_of("", 0),
		    example->now_ns));
	event = batch_add(batch, example->line, slice_of("", 0),
	    example->now_ns);
	parser_run(lane, &options, event);
	return event;
}

static void
run_example(struct parser_lane *lane, const struct def *def,
    const struct example *example, struct diag *diag)
{
	struct batch *batch = batch_new(0, 1);
	struct event *event = example_event(lane, def, batch, example);
	const struct value *name;
	char buf[VALUE_TEXT_BYTES];

	name = event_get(event, FIELD_YAGURA_PARSER);
	if (name == NULL || !slice_eq(value_as_text(name, buf), def->name))
		diag_error(diag, def->file.ptr, example->line_number, 1,
		    "example: the line was taken by %s%.*s%s, not by %.*s",
		    name == NULL ? "no definition" : "\"",
		    name == NULL ? 0 : (int)name->len,
		    name == NULL ? "" : name->text, name == NULL ? "" : "\"",
		    (int)def->name.len, def->name.ptr);
	for (size_t i = 0; i < example->nexpect; i++)
		check_field(def, event, &example->expect[i], diag);
	batch_put(batch);
}

size_t
parserset_test(struct parserset *set, struct diag *diag)
{
	struct parser_lane *lane = parser_lane_new(set);
	size_t n = 0;

	for (size_t i = 0; i < set->ndefs; i++)
		for (size_t k = 0; k < set->defs[i]->nexamples; k++) {
			run_example(lane, set->defs[i],
			    &set->defs[i]->examples[k], diag);
			/* What nobody wrote is run, and not counted. */
			n += set->defs[i]->nmarks > 0;
		}
	parser_lane_free(lane);
	return n;
}

void
parserset_examples(struct parserset *set, void (*visit)(struct slice name,
    const struct event *event, void *arg), void *arg)
{
	struct parser_lane *lane = parser_lane_new(set);

	for (size_t i = 0; i < set->ndefs; i++)
		for (size_t k = 0; k < set->defs[i]->nexamples; k++) {
			struct batch *batch = batch_new(0, 1);

			visit(set->defs[i]->name, example_event(lane,
			    set->defs[i], batch,
			    &set->defs[i]->examples[k]), arg);
			batch_put(batch);
		}
	parser_lane_free(lane);
}
