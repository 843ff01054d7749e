/* yagura sources: who sends what, when last, and how much of it no definition
 * knew. */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "tools/ask.h"

#define SOURCES 100000		/* shown; further ones are counted together */

struct source {
	struct value dataset, peer;
	uint64_t events, unparsed;
	int64_t	 first_ns, last_ns;
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
	    .first_ns = INT64_MAX, .last_ns = INT64_MIN };
	return &counting->sources[counting->n++];
}

static bool
is_unparsed(const struct value *tags)
{
	for (size_t i = 0; !cell_is_absent(tags) && i < value_members(tags);
	    i++) {
		const struct value *tag = value_member(tags, i);

		if (tag->type == VALUE_TEXT && slice_eq(slice_of(tag->text,
		    tag->len), SLICE("unparsed")))
			return true;
	}
	return false;
}

static struct slice
text_or(const struct value *cell, char buf[VALUE_TEXT_BYTES],
    struct slice otherwise)
{
	if (cell_is_absent(cell) || value_members(cell) == 0)
		return otherwise;
	return value_as_text(value_member(cell, 0), buf);
}

/* Columns: @timestamp, event.dataset, log.source.address, tags. */
static enum op_more
count_row(void *user, const struct row *row)
{
	struct counting *counting = user;
	char a[VALUE_TEXT_BYTES], b[VALUE_TEXT_BYTES];
	struct source *source = source_at(counting,
	    text_or(&row->cells[1], a, SLICE("-")),
	    address_of(text_or(&row->cells[2], b, SLICE("-"))));
	int64_t time_ns = row->cells[0].u.num;

	source->events++;
	source->unparsed += is_unparsed(&row->cells[3]);
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
		"events", "first", "last", "unparsed" };
	struct schema schema = { .open = false };
	struct present *present;

	for (size_t i = 0; i < 6; i++)
		schema.cols[schema.n++] =
		    field_intern(slice_cstr(names[i]));
	if (counting->n > 1)
		qsort(counting->sources, counting->n,
		    sizeof(*counting->sources), most_first);
	present = present_new(stdout, ask->format, &schema);
	for (size_t i = 0; i < counting->n; i++) {
		const struct source *s = &counting->sources[i];
		struct value cells[6] = { s->dataset, s->peer,
			value_long((int64_t)s->events),
			value_time(s->first_ns), value_time(s->last_ns),
			value_long((int64_t)s->unparsed) };
		struct row row = { .cells = cells };

		if (!present_row(present, &row))
			break;
	}
	present_end(present);
}

int
cmd_sources(int argc, char **argv)
{
	struct counting counting = { .n = 0 };
	struct scan_result result;
	struct query *query;
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_FORMAT |
	    ASK_JSON);

	if (code >= 0)
		return code;
	if (ask.argc > 0 || ask.format == PRESENT_RAW) {
		ask_end(&ask);
		return cmd_usage("sources");
	}
	ask.any_order = true;
	query = ask_parse(&ask, SLICE("-event.dataset:yagura.alert "
	    "| fields @timestamp, event.dataset, log.source.address, tags"));
	counting.arena = arena_new(0);
	counting.map = map_new();
	strbuf_init(&counting.key);
	code = ask_run(&ask, query, count_row, &counting, &result);
	print(&ask, &counting);
	if (code == EXIT_DONE && counting.n == 0)
		code = EXIT_NOTHING;
	map_free(counting.map);
	arena_free(counting.arena);
	strbuf_fini(&counting.key);
	free(counting.sources);
	query_free(query);
	ask_end(&ask);
	return code;
}
