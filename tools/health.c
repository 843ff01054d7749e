#include "tools/health.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "tools/health_source.h"

#define SAVE_NS (15 * HEALTH_MINUTE_NS)
#define MEMO 16			/* pairs of a batch that are known again */
#define PASSER_EVENTS 10
#define GROWTH 60		/* minutes that say how fast the disk fills */

/* A sender has no parser. */
struct row {
	char	*peer, *parser;
	uint64_t total;		/* events since we know it */
	struct health_source source;
};

struct health {
	pthread_mutex_t mutex;
	int64_t	 minute;	/* since 1970, that is under way */
	int64_t	 saved_ns;
	struct map *rows;	/* "peer\tparser" */
	size_t	 nrows;
	uint64_t beyond, beyond_told;
	struct health_service before;
	bool	 has_before;
	uint64_t grown[GROWTH];	/* bytes the store took, by minute */
	size_t	 ngrown;
};

/* --- rows ----------------------------------------------------------------- */

static void
row_free(struct row *row)
{
	free(row->peer);
	free(row->parser);
	free(row);
}

static void
row_key(struct strbuf *key, struct slice peer, struct slice parser)
{
	strbuf_clear(key);
	strbuf_put(key, peer);
	strbuf_putc(key, '\t');
	strbuf_put(key, parser);
}

static char *
copy_text(struct slice text)
{
	char *copy = xmalloc(text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

/* NULL: there are too many. */
static struct row *
row_get(struct health *health, struct slice peer, struct slice parser,
    int64_t now_ns)
{
	struct strbuf key = STRBUF_INIT;
	union map_value *place;
	struct row *row = NULL;

	row_key(&key, peer, parser);
	place = map_find(health->rows, strbuf_slice(&key));
	if (place != NULL) {
		row = place->ptr;
	} else if (health->nrows < HEALTH_SOURCES) {
		row = xcalloc(1, sizeof(*row));
		row->peer = copy_text(peer);
		row->parser = copy_text(parser);
		health_source_init(&row->source, now_ns);
		map_get(health->rows, strbuf_slice(&key), NULL)->ptr = row;
		health->nrows++;
	}
	strbuf_fini(&key);
	return row;
}

/* Silent for long; or seen in passing, when there is little room. */
static bool
row_is_stale(const struct health *health, const struct row *row,
    int64_t now_ns)
{
	int64_t quiet_ns = now_ns - row->source.last_ns;

	return quiet_ns > HEALTH_FORGET_NS ||
	    (health->nrows > HEALTH_SOURCES / 2 && quiet_ns > HEALTH_HOUR_NS &&
	    row->total < PASSER_EVENTS);
}

static struct row **
all_rows(const struct health *health, size_t *n)
{
	struct row **rows = xcalloc(health->nrows + 1, sizeof(*rows));
	union map_value value;
	struct slice key;
	size_t at = 0;

	*n = 0;
	while (map_next(health->rows, &at, &key, &value))
		rows[(*n)++] = value.ptr;
	return rows;
}

static void
drop_stale(struct health *health, int64_t now_ns)
{
	struct strbuf key = STRBUF_INIT;
	size_t n;
	struct row **rows = all_rows(health, &n);

	for (size_t i = 0; i < n; i++) {
		if (!row_is_stale(health, rows[i], now_ns))
			continue;
		row_key(&key, slice_cstr(rows[i]->peer),
		    slice_cstr(rows[i]->parser));
		map_remove(health->rows, strbuf_slice(&key));
		row_free(rows[i]);
		health->nrows--;
	}
	free(rows);
	strbuf_fini(&key);
}

static int
by_name(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a;
	const struct row *y = *(struct row *const *)b;
	int order = strcmp(x->peer, y->peer);

	return order != 0 ? order : strcmp(x->parser, y->parser);
}

/* --- life ----------------------------------------------------------------- */

/* A line each: peer, parser, total, what health_source_save() wrote; tabs
 * between. A line that is damaged is a source that is new to us. */
static void
load_row(struct health *health, struct slice line, int64_t now_ns)
{
	struct slice part[3];
	uint64_t total;
	struct row *row;

	for (int i = 0; i < 3; i++) {
		ptrdiff_t tab = slice_find_byte(line, '\t');

		if (tab < 0)
			return;
		part[i] = slice_head(line, (size_t)tab);
		line = slice_skip(line, (size_t)tab + 1);
	}
	if (part[0].len == 0 || !slice_ulong(part[2], &total))
		return;
	row = row_get(health, part[0], part[1], now_ns);
	if (row == NULL)
		return;
	row->total = total;
	if (!health_source_load(&row->source, line, now_ns))
		health_source_init(&row->source, now_ns);
}

struct health *
health_new(int64_t now_ns, struct slice saved)
{
	struct health *health = xcalloc(1, sizeof(*health));

	check(pthread_mutex_init(&health->mutex, NULL) == 0);
	health->rows = map_new();
	health->minute = now_ns / HEALTH_MINUTE_NS;
	health->saved_ns = now_ns;
	while (saved.len > 0) {
		ptrdiff_t end = slice_find_byte(saved, '\n');
		size_t n = end < 0 ? saved.len : (size_t)end;

		load_row(health, slice_head(saved, n), now_ns);
		saved = slice_skip(saved, end < 0 ? n : n + 1);
	}
	return health;
}

void
health_free(struct health *health)
{
	struct row **rows;
	size_t n;

	if (health == NULL)
		return;
	rows = all_rows(health, &n);
	for (size_t i = 0; i < n; i++)
		row_free(rows[i]);
	free(rows);
	map_free(health->rows);
	pthread_mutex_destroy(&health->mutex);
	free(health);
}

/* --- events --------------------------------------------------------------- */

/* "10.0.0.7:514" and "[::1]:514" without the port; a path as it is. Tabs and
 * line feeds of a path would end what is saved. */
static struct slice
peer_address(struct slice peer)
{
	size_t n = peer.len;

	while (n > 0 && peer.ptr[n - 1] >= '0' && peer.ptr[n - 1] <= '9')
		n--;
	if (n > 1 && n < peer.len && peer.ptr[n - 1] == ':')
		peer = slice_head(peer, n - 1);
	if (peer.len > 2 && peer.ptr[0] == '[' &&
	    peer.ptr[peer.len - 1] == ']')
		peer = slice_of(peer.ptr + 1, peer.len - 2);
	for (size_t i = 0; i < peer.len; i++)
		if ((unsigned char)peer.ptr[i] < ' ')
			return slice_head(peer, i);
	return peer;
}

/* Lines of one peer stand together and share the slice of its name, those of
 * one definition that of the definition's. */
struct memo {
	const char *peer, *parser;
	struct row *sender, *source;
	bool	 known;
};

static struct memo *
memo_of(struct health *health, struct memo memo[MEMO],
    const struct event *event, struct slice parser)
{
	size_t at = (((uintptr_t)event->peer.ptr >> 4) ^
	    ((uintptr_t)parser.ptr >> 4)) % MEMO;
	struct memo *known = &memo[at];
	struct slice address;

	if (known->known && known->peer == event->peer.ptr &&
	    known->parser == parser.ptr)
		return known;
	address = peer_address(event->peer);
	*known = (struct memo){ .peer = event->peer.ptr,
	    .parser = parser.ptr, .known = true };
	if (address.len == 0)
		return known;
	known->sender = row_get(health, address, SLICE(""),
	    event->ingested_ns);
	if (parser.len > 0)
		known->source = row_get(health, address, parser,
		    event->ingested_ns);
	return known;
}

/* What the line itself says, also if it was not believed; 0: nothing. */
static int64_t
stated_ns(const struct event *event)
{
	const struct value *skew = event_get(event, FIELD_YAGURA_SKEW_MS);

	if (skew != NULL && skew->type == VALUE_LONG)
		return event->ingested_ns - skew->u.num * 1000000;
	return event->has_time ? event->time_ns : 0;
}

static void
note_event(struct health *health, struct memo memo[MEMO],
    const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	bool unparsed = (event->tags >> EVENT_TAG_UNPARSED & 1) != 0;
	struct slice parser = event_text(event, FIELD_YAGURA_PARSER, buf);
	struct memo *known;

	if (parser.ptr == buf)	/* no text: no definition's name */
		parser = SLICE("");
	if (slice_eq(parser, SLICE(HEALTH_DEF)))
		return;
	known = memo_of(health, memo, event, parser);
	if (known->sender != NULL) {
		known->sender->total++;
		health_source_note(&known->sender->source, event->ingested_ns,
		    0, event->raw.len, unparsed);
	} else {
		health->beyond++;
	}
	if (known->source == NULL)
		return;
	known->source->total++;
	health_source_note(&known->source->source, event->ingested_ns,
	    stated_ns(event), event->raw.len, unparsed);
}

void
health_note(struct health *health, const struct batch *batch)
{
	struct memo memo[MEMO] = { { .known = false } };

	check(pthread_mutex_lock(&health->mutex) == 0);
	for (size_t i = 0; i < batch->n; i++)
		note_event(health, memo, &batch->events[i]);
	check(pthread_mutex_unlock(&health->mutex) == 0);
}

/* --- lines ---------------------------------------------------------------- */

static void
put_key(struct strbuf *out, const char *key)
{
	strbuf_printf(out, ",\"%s\":", key);
}

static void
put_number(struct strbuf *out, const char *key, int64_t n)
{
	put_key(out, key);
	strbuf_putlong(out, n);
}

/* Two digits are plenty; below 0: not known, left out. */
static void
put_decimal(struct strbuf *out, const char *key, double n)
{
	if (n < 0)
		return;
	put_key(out, key);
	strbuf_printf(out, "%.2f", n);
}

static void
put_text(struct strbuf *out, const char *key, const char *text)
{
	put_key(out, key);
	json_put_string(out, slice_cstr(text));
}

static void
put_head(struct strbuf *out, int64_t now_ns, const char *kind)
{
	char time[TIME_TEXT_BYTES];

	time_format_rfc3339(now_ns, time);
	strbuf_clear(out);
	strbuf_printf(out, "{\"@timestamp\":\"%s\"", time);
	put_text(out, "kind", kind);
}

static void
put_sender(struct strbuf *out, const struct health_figures *f)
{
	put_number(out, "unparsed", (int64_t)f->unparsed);
	put_decimal(out, "unparsed_share", f->unparsed_share);
	put_decimal(out, "unparsed_usual", f->unparsed_usual);
	if (f->has_jump)
		put_decimal(out, "unparsed_jump", f->unparsed_jump > 0 ?
		    f->unparsed_jump : 0);
}

static void
put_source(struct strbuf *out, const struct row *row,
    const struct health_figures *f)
{
	put_text(out, "parser", row->parser);
	put_decimal(out, "silence_ratio", f->silence_ratio);
	put_decimal(out, "volume_usual", f->volume_usual);
	put_decimal(out, "volume_ratio", f->volume_ratio);
	if (f->has_skew)
		put_number(out, "skew_s", f->skew_s);
}

static void
put_row(struct strbuf *out, const struct row *row,
    const struct health_figures *f, int64_t now_ns)
{
	bool sender = row->parser[0] == '\0';

	put_head(out, now_ns, sender ? "sender" : "source");
	put_text(out, "peer", row->peer);
	put_number(out, "events", (int64_t)f->events);
	put_number(out, "bytes", (int64_t)f->bytes);
	put_number(out, "volume", (int64_t)f->volume);
	put_number(out, "known_s", f->known_s);
	put_number(out, "silence_s", f->silence_s);
	if (sender)
		put_sender(out, f);
	else
		put_source(out, row, f);
	strbuf_putc(out, '}');
}

/* Days until nothing is free, if it goes on like the last hour; below 0: it
 * does not grow, or we do not know yet. */
static double
days_left(struct health *health, uint64_t grown, uint64_t free)
{
	double sum = 0;

	health->grown[health->ngrown++ % GROWTH] = grown;
	if (health->ngrown < GROWTH)
		return -1;
	for (size_t i = 0; i < GROWTH; i++)
		sum += (double)health->grown[i];
	return sum > 0 ? (double)free / sum / 24 : -1;
}

static void
put_service(struct health *health, struct strbuf *out, int64_t now_ns,
    const struct health_service *now)
{
	const struct health_service *before = &health->before;
	uint64_t grown = health->has_before &&
	    now->disk_used > before->disk_used ?
	    now->disk_used - before->disk_used : 0;
	double days = days_left(health, grown, now->disk_free);

	put_head(out, now_ns, "service");
#define X(name) put_number(out, #name, health->has_before && \
	    now->name > before->name ? (int64_t)(now->name - before->name) : 0);
	HEALTH_COUNTERS
#undef X
	put_number(out, "in_flight", (int64_t)now->in_flight);
	put_number(out, "outputs_queued", (int64_t)now->outputs_queued);
	put_number(out, "groups", (int64_t)now->groups);
	put_number(out, "sources", (int64_t)health->nrows);
	put_number(out, "sources_beyond",
	    (int64_t)(health->beyond - health->beyond_told));
	if (now->disk_size > 0) {
		put_number(out, "disk_free", (int64_t)now->disk_free);
		put_decimal(out, "disk_free_percent",
		    100.0 * (double)now->disk_free / (double)now->disk_size);
	}
	put_decimal(out, "disk_days_left", days);
	put_text(out, "state", now->full ? "full" : "running");
	strbuf_putc(out, '}');
	health->beyond_told = health->beyond;
	health->before = *now;
	health->has_before = true;
}

bool
health_due(struct health *health, int64_t now_ns)
{
	bool due;

	check(pthread_mutex_lock(&health->mutex) == 0);
	due = now_ns / HEALTH_MINUTE_NS != health->minute;
	check(pthread_mutex_unlock(&health->mutex) == 0);
	return due;
}

void
health_minute(struct health *health, int64_t now_ns,
    const struct health_service *service,
    void (*line)(void *user, struct slice line), void *user)
{
	struct strbuf out = STRBUF_INIT;
	struct row **rows;
	size_t n;

	check(pthread_mutex_lock(&health->mutex) == 0);
	health->minute = now_ns / HEALTH_MINUTE_NS;
	drop_stale(health, now_ns);
	rows = all_rows(health, &n);
	if (n > 1)
		qsort(rows, n, sizeof(*rows), by_name);
	for (size_t i = 0; i < n; i++) {
		struct health_figures figures;

		health_source_close(&rows[i]->source,
		    health->minute * HEALTH_MINUTE_NS, &figures);
		put_row(&out, rows[i], &figures, now_ns);
		line(user, strbuf_slice(&out));
	}
	free(rows);
	put_service(health, &out, now_ns, service);
	line(user, strbuf_slice(&out));
	check(pthread_mutex_unlock(&health->mutex) == 0);
	strbuf_fini(&out);
}

/* --- over a restart ------------------------------------------------------- */

bool
health_save(struct health *health, int64_t now_ns, struct strbuf *out)
{
	struct row **rows;
	size_t n;

	if (now_ns - health->saved_ns < SAVE_NS &&
	    now_ns >= health->saved_ns)
		return false;
	health->saved_ns = now_ns;
	check(pthread_mutex_lock(&health->mutex) == 0);
	rows = all_rows(health, &n);
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(out, "%s\t%s\t%llu\t", rows[i]->peer,
		    rows[i]->parser, (unsigned long long)rows[i]->total);
		health_source_save(&rows[i]->source, out);
		strbuf_putc(out, '\n');
	}
	free(rows);
	check(pthread_mutex_unlock(&health->mutex) == 0);
	return true;
}

void
health_rows(struct health *health, uint64_t *rows, uint64_t *beyond)
{
	check(pthread_mutex_lock(&health->mutex) == 0);
	*rows = health->nrows;
	*beyond = health->beyond;
	check(pthread_mutex_unlock(&health->mutex) == 0);
}
