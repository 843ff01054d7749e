/* yagura sources: who sends what, when last, how much of it no definition knew
 * and how far its clock is off; with --unparsed the lines that no definition
 * knew, as templates.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "tools/ask.h"
#include "tools/cluster.h"

#define SOURCES 100000		/* shown; further ones are counted together */
#define SKEWS 64		/* kept of a source, evenly spread */
#define SAMPLE_COLUMNS 200	/* of a sample on a terminal or in a file */

struct source {
	struct value dataset, peer;
	uint64_t events, unparsed, partial;
	int64_t	 first_ns, last_ns;
	uint64_t timed, stride;	/* events with a time; each stride-th kept */
	size_t	 nskews;
	int64_t	 skews[SKEWS];	/* arrival minus time */
};

struct counting {
	struct arena *arena;
	struct map *map;
	struct strbuf key;
	size_t	 n, cap;
	struct source *sources;
	const struct schema *schema;
};

/* "192.0.2.7:51423": the port changes with every connection. */
static struct slice
address_of(struct slice peer)
{
	size_t n = peer.len;

	while (n > 0 && peer.ptr[n - 1] >= '0' && peer.ptr[n - 1] <= '9')
		n--;
	if (n == 0 || n == peer.len || peer.ptr[n - 1] != ':')
		return peer;
	/* Without brackets an IPv6 address has colons of its own. */
	if (peer.ptr[0] != '[' && slice_find_byte(peer, ':') !=
	    (ptrdiff_t)n - 1)
		return peer;
	return slice_head(peer, n - 1);
}

static struct source *
source_at(struct counting *counting, struct slice dataset, struct slice peer)
{
	union map_value *place;
	bool made;

	strbuf_clear(&counting->key);
	strbuf_put(&counting->key, dataset);
	strbuf_putc(&counting->key, '\0');
	strbuf_put(&counting->key, peer);
	place = map_find(counting->map, strbuf_slice(&counting->key));
	if (place != NULL)
		return &counting->sources[place->num];
	if (counting->n == SOURCES)
		return &counting->sources[SOURCES - 1];
	place = map_get(counting->map, strbuf_slice(&counting->key), &made);
	if (counting->n == counting->cap) {
		counting->cap = counting->cap == 0 ? 64 : 2 * counting->cap;
		counting->sources = xrealloc(counting->sources,
		    counting->cap * sizeof(*counting->sources));
	}
	place->num = counting->n;
	counting->sources[counting->n] = (struct source){
	    .dataset = value_text(arena_dup(counting->arena, dataset),
	    TRANSFORM_OWNED),
	    .peer = value_text(arena_dup(counting->arena, peer),
	    TRANSFORM_OWNED),
	    .first_ns = INT64_MAX, .last_ns = INT64_MIN, .stride = 1 };
	return &counting->sources[counting->n++];
}

static bool
has_tag(const struct value *tags, struct slice name)
{
	for (size_t i = 0; !cell_is_absent(tags) && i < value_members(tags);
	    i++) {
		const struct value *tag = value_member(tags, i);

		if (tag->type == VALUE_TEXT && slice_eq(slice_of(tag->text,
		    tag->len), name))
			return true;
	}
	return false;
}

/* Every stride-th; when there is no room every second of them goes. */
static void
add_skew(struct source *source, int64_t skew_ns)
{
	if (source->timed++ % source->stride != 0)
		return;
	if (source->nskews == SKEWS) {
		source->nskews = 0;
		for (size_t i = 0; i < SKEWS; i += 2)
			source->skews[source->nskews++] = source->skews[i];
		source->stride *= 2;
	}
	source->skews[source->nskews++] = skew_ns;
}

static int
by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct value
median_skew(struct source *source)
{
	if (source->nskews == 0)
		return cell_absent();
	qsort(source->skews, source->nskews, sizeof(source->skews[0]),
	    by_number);
	return value_double((double)(source->skews[source->nskews / 2] /
	    (TIME_S_NS / 1000)) / 1000.0);
}

static struct slice
text_or(const struct value *cell, char buf[VALUE_TEXT_BYTES],
    struct slice otherwise)
{
	if (cell_is_absent(cell) || value_members(cell) == 0)
		return otherwise;
	return value_as_text(value_member(cell, 0), buf);
}

/* Columns: @timestamp, event.dataset, log.source.address, tags,
 * event.ingested. */
static enum op_more
count_row(void *user, const struct row *row)
{
	struct counting *counting = user;
	char a[VALUE_TEXT_BYTES], b[VALUE_TEXT_BYTES];
	const struct value *tags = &row->cells[3], *arrival = &row->cells[4];
	struct source *source = source_at(counting,
	    text_or(&row->cells[1], a, SLICE("-")),
	    address_of(text_or(&row->cells[2], b, SLICE("-"))));
	int64_t time_ns = row->cells[0].u.num;

	source->events++;
	source->unparsed += has_tag(tags, SLICE("unparsed"));
	source->partial += has_tag(tags, SLICE("parse_partial"));
	if (arrival->type == VALUE_TIME && !has_tag(tags,
	    SLICE("time_missing")))
		add_skew(source, arrival->u.num - time_ns);
	if (time_ns > source->last_ns)
		source->last_ns = time_ns;
	if (time_ns < source->first_ns)
		source->first_ns = time_ns;
	return OP_MORE;
}

static int
most_first(const void *a, const void *b)
{
	const struct source *x = a, *y = b;

	if (x->events != y->events)
		return x->events > y->events ? -1 : 1;
	return value_order(&x->dataset, &y->dataset);
}

static void
print(struct ask *ask, struct counting *counting)
{
	static const char *const names[] = { "event.dataset", "peer",
		"events", "first", "last", "unparsed", "partial",
		"failed_share", "skew_s" };
	enum { COLUMNS = sizeof(names) / sizeof(names[0]) };
	struct schema schema = { .open = false };
	struct present *present;

	for (size_t i = 0; i < COLUMNS; i++)
		schema.cols[schema.n++] =
		    field_intern(slice_cstr(names[i]));
	if (counting->n > 1)
		qsort(counting->sources, counting->n,
		    sizeof(*counting->sources), most_first);
	present = present_new(stdout, ask->format, &schema);
	for (size_t i = 0; i < counting->n; i++) {
		struct source *s = &counting->sources[i];
		uint64_t failed = s->unparsed + s->partial;
		struct value cells[COLUMNS] = { s->dataset, s->peer,
			value_long((int64_t)s->events),
			value_time(s->first_ns), value_time(s->last_ns),
			value_long((int64_t)s->unparsed),
			value_long((int64_t)s->partial),
			value_double((double)(failed * 10000 / s->events) /
			10000.0), median_skew(s) };
		struct row row = { .cells = cells };

		if (!present_row(present, &row))
			break;
	}
	present_end(present);
}

/* --- lines that nobody knows ---------------------------------------------- */

static struct slice
cell_text(const struct value *cell, char buf[VALUE_TEXT_BYTES])
{
	return text_or(cell, buf, slice_of("", 0));
}

/* Columns: message, event.original, log.syslog.appname, log.source.address. */
static enum op_more
cluster_row(void *user, const struct row *row)
{
	struct clusters *clusters = user;
	char a[VALUE_TEXT_BYTES], b[VALUE_TEXT_BYTES], c[VALUE_TEXT_BYTES];
	struct slice line = cell_text(&row->cells[0], a);

	if (line.len == 0)
		line = cell_text(&row->cells[1], a);
	clusters_add(clusters, cell_text(&row->cells[2], b),
	    address_of(text_or(&row->cells[3], c, SLICE("-"))), line);
	return OP_MORE;
}

static void
put_texts(struct strbuf *out, const char *key, const struct slice *texts,
    size_t n)
{
	strbuf_printf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			strbuf_putc(out, ',');
		json_put_string(out, texts[i]);
	}
	strbuf_putc(out, ']');
}

static void
cluster_json(const struct cluster *cluster, struct slice template,
    struct strbuf *out)
{
	strbuf_printf(out, "{\"events\":%llu,\"program\":",
	    (unsigned long long)cluster->count);
	json_put_string(out, cluster->group);
	strbuf_puts(out, ",\"template\":");
	json_put_string(out, template);
	put_texts(out, "sources", cluster->sources, cluster->nsources);
	put_texts(out, "samples", cluster->samples, cluster->nsamples);
	strbuf_puts(out, "}\n");
}

static void
cluster_page(const struct cluster *cluster, struct slice template,
    struct strbuf *out)
{
	strbuf_printf(out, "%8llu  ", (unsigned long long)cluster->count);
	present_text(out, template);
	strbuf_puts(out, "\n          from ");
	present_text(out, cluster->group.len > 0 ? cluster->group :
	    SLICE("no program"));
	for (size_t i = 0; i < cluster->nsources; i++) {
		strbuf_puts(out, i == 0 ? " at " : ", ");
		present_text(out, cluster->sources[i]);
	}
	strbuf_puts(out, cluster->more_sources ? " and others\n" : "\n");
	for (size_t i = 0; i < cluster->nsamples; i++) {
		strbuf_puts(out, "          | ");
		present_fit(out, cluster->samples[i], SAMPLE_COLUMNS);
		strbuf_putc(out, '\n');
	}
}

static size_t
print_clusters(struct clusters *clusters, bool json)
{
	struct strbuf out = STRBUF_INIT, template = STRBUF_INIT;
	struct cluster *const *list;
	size_t n;

	list = clusters_list(clusters, &n);
	for (size_t i = 0; i < n; i++) {
		strbuf_clear(&out);
		strbuf_clear(&template);
		cluster_template(list[i], NULL, NULL, &template);
		if (json)
			cluster_json(list[i], strbuf_slice(&template), &out);
		else
			cluster_page(list[i], strbuf_slice(&template), &out);
		if (fwrite(out.ptr, 1, out.len, stdout) != out.len)
			break;
	}
	strbuf_fini(&template);
	strbuf_fini(&out);
	return n;
}

static int
unparsed(struct ask *ask)
{
	struct clusters *clusters = clusters_new();
	struct scan_result result;
	struct query *query = ask_parse(ask, SLICE("tags:unparsed | fields "
	    "message, event.original, log.syslog.appname, "
	    "log.source.address"));
	int code = ask_run(ask, query, cluster_row, clusters, &result);
	size_t n = print_clusters(clusters, ask->format == PRESENT_JSON);

	if (clusters_left_out(clusters) > 0)
		fprintf(stderr, "yagura sources: %llu lines of further shapes "
		    "are not shown; narrow it with --since\n",
		    (unsigned long long)clusters_left_out(clusters));
	clusters_free(clusters);
	query_free(query);
	return code == EXIT_DONE && n == 0 ? EXIT_NOTHING : code;
}

/* --- the command ---------------------------------------------------------- */

static int
sources(struct ask *ask)
{
	struct counting counting = { .n = 0 };
	struct scan_result result;
	struct query *query = ask_parse(ask, SLICE(
	    "-event.dataset:yagura.alert | fields @timestamp, event.dataset, "
	    "log.source.address, tags, event.ingested"));
	int code;

	counting.arena = arena_new(0);
	counting.map = map_new();
	strbuf_init(&counting.key);
	code = ask_run(ask, query, count_row, &counting, &result);
	print(ask, &counting);
	if (code == EXIT_DONE && counting.n == 0)
		code = EXIT_NOTHING;
	map_free(counting.map);
	arena_free(counting.arena);
	strbuf_fini(&counting.key);
	free(counting.sources);
	query_free(query);
	return code;
}

/* Takes --unparsed out of the arguments. */
static bool
take_unparsed(int *argc, char **argv)
{
	bool found = false;
	int n = 0;

	for (int i = 0; i < *argc; i++)
		if (strcmp(argv[i], "--unparsed") == 0)
			found = true;
		else
			argv[n++] = argv[i];
	argv[n] = NULL;
	*argc = n;
	return found;
}

int
cmd_sources(int argc, char **argv)
{
	bool lines = take_unparsed(&argc, argv);
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_FORMAT |
	    ASK_JSON);

	if (code >= 0)
		return code;
	if (ask.argc > 0 || ask.format == PRESENT_RAW ||
	    (lines && ask.format == PRESENT_CSV)) {
		code = cmd_usage("sources");
	} else {
		ask.any_order = true;
		code = lines ? unparsed(&ask) : sources(&ask);
	}
	ask_end(&ask);
	return code;
}
