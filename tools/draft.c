#include "tools/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/json.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/utf8.h"
#include "parsers/decode_syslog.h"
#include "parsers/parserset.h"
#include "parsers/timetext.h"
#include "tools/cluster.h"
#include "tools/dictionary.h"

#define PREFIX "draft_key."
#define TRY_LINES 200		/* that choose the grammar */
#define BATCH_LINES 64
#define PROGRAMS 5		/* more are no mark */
#define MARKS 3			/* keys or texts in one */
#define MARK_BYTES 80		/* of one text */
#define EXAMPLES 3
#define EXAMPLE_BYTES 8192
#define EXAMPLE_FIELDS 20
#define SHAPES 200		/* templates of a draft, the most frequent */

enum grammar { JSON, CEF, LEEF, KV, CSV, TEXT };

struct key {
	struct slice name;
	size_t	 lines;		/* that have it */
	size_t	 nvalues;
	struct slice values[DRAFT_VALUES];
	bool	 taken;		/* by time */
};

struct draft {
	const struct draft_samples *samples;
	struct dictionary *dictionary;
	struct slice name;
	struct arena *arena;
	struct strbuf *out;
	enum grammar grammar;
	const char *decode;
	struct map *index;
	struct key *keys;
	size_t	 nkeys;
	struct slice programs[PROGRAMS];
	size_t	 nprograms;	/* PROGRAMS + 1: too many, or none somewhere */
	struct clusters *clusters;
	char	 columns[4096];	/* decode of CSV */
};

static void
put_quoted(struct strbuf *out, struct slice text)
{
	json_put_string(out, text);
}

/* --- running a definition over the samples -------------------------------- */

static struct parserset *
load_text(struct slice text, struct diag *diag)
{
	char path[] = "/tmp/yagura-draft-XXXXXX.yml";
	const char *const paths[] = { path };
	int fd = mkstemps(path, 4);
	struct parserset *set;

	if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len)
		diag_error(diag, path, 0, 0, "cannot be written");
	set = parserset_load(paths, 1, diag);
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	return set;
}

typedef void each_event(struct draft *draft, const struct event *event);

/* Every line, or the first few, through the definition of this name; by its
 * own marks only if `chosen`. */
static void
run_lines(struct draft *draft, struct slice text, struct slice name,
    bool chosen, size_t most, each_event *each)
{
	const struct draft_samples *samples = draft->samples;
	struct diag *diag = diag_new();
	struct parserset *set = load_text(text, diag);
	struct parser_lane *lane = parser_lane_new(set);
	struct parser_options options = { .def = chosen ? slice_of("", 0) :
	    name };

	for (size_t at = 0; parserset_has(set, name) && at < samples->n &&
	    at < most; at += BATCH_LINES) {
		struct batch *batch = batch_new(0, 1);

		for (size_t i = at; i < samples->n && i < at + BATCH_LINES &&
		    !batch_full(batch); i++) {
			struct event *event = batch_add(batch,
			    samples->lines[i], slice_of("", 0),
			    samples->now_ns);

			parser_run(lane, &options, event);
			event_seal(event);
			each(draft, event);
		}
		batch_put(batch);
	}
	parser_lane_free(lane);
	parserset_put(set);
	diag_free(diag);
}

static void
run_decoder(struct draft *draft, const char *decode, size_t most,
    each_event *each)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "name: draft\ndecode: %s\nprefix: draft_key\n",
	    decode);
	run_lines(draft, strbuf_slice(&text), SLICE("draft"), false, most,
	    each);
	strbuf_fini(&text);
}

/* --- which grammar -------------------------------------------------------- */

struct cover { size_t bytes, keys, lines; };
static struct cover cover;	/* of the run at hand; one thread */

static void
add_cover(struct draft *draft, const struct event *event)
{
	size_t keys = 0;
	(void)draft;

	for (size_t i = 0; i < event->n; i++) {
		struct slice name = field_name(event->fields[i]);

		if (!slice_starts(name, SLICE(PREFIX)))
			continue;
		keys++;
		cover.bytes += name.len - (sizeof(PREFIX) - 1) + 1;
		for (size_t k = 0; k < value_members(&event->values[i]); k++)
			cover.bytes += value_member(&event->values[i],
			    k)->len + 1;
	}
	cover.keys += keys;
	cover.lines += keys >= 3;
}

static struct slice
body_of(struct slice line)
{
	struct syslog_header header;

	syslog_read(line, &header);
	return slice_trim(header.body);
}

static size_t
lines_with(const struct draft *draft, struct slice text, bool first)
{
	size_t n = 0;

	for (size_t i = 0; i < draft->samples->n; i++) {
		struct slice body = body_of(draft->samples->lines[i]);

		n += first ? slice_starts(body, text) :
		    slice_find(slice_head(body, 128), text) >= 0;
	}
	return n;
}

/* key=value with what stands between; false if fewer than four lines of five
 * have three keys that make half of them. */
static bool
choose_kv(struct draft *draft)
{
	static const char *const ways[] = { "kv",
	    "{type: kv, blanks: true}", "{type: kv, between: \",\"}",
	    "{type: kv, between: \";\"}", "{type: kv, between: \"|\"}",
	    "{type: kv, assign: \":\", between: \",\"}",
	    "{type: kv, assign: \":\", between: \";\"}" };
	size_t best = 0, all = 0, tried = 0;

	for (size_t i = 0; i < draft->samples->n && i < TRY_LINES; i++) {
		all += body_of(draft->samples->lines[i]).len;
		tried++;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		cover = (struct cover){ 0, 0, 0 };
		run_decoder(draft, ways[i], TRY_LINES, add_cover);
		/* Another way must be a good deal better. */
		if (5 * cover.lines < 4 * tried || 2 * cover.bytes < all ||
		    20 * cover.bytes <= 21 * best)
			continue;
		best = cover.bytes;
		draft->decode = ways[i];
	}
	return best > 0;
}

static size_t
count_byte(struct slice text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == c;
	return n;
}

/* Columns: four lines of five have as many of the delimiter. */
static bool
choose_csv(struct draft *draft)
{
	static const char delimiters[] = { '\t', '|', ';', ',' };

	for (size_t d = 0; d < sizeof(delimiters); d++) {
		size_t n = count_byte(body_of(draft->samples->lines[0]),
		    delimiters[d]), same = 0, at;

		for (size_t i = 0; i < draft->samples->n; i++)
			same += count_byte(body_of(draft->samples->lines[i]),
			    delimiters[d]) == n;
		if (n < 4 || n > 400 || 5 * same < 4 * draft->samples->n)
			continue;
		at = (size_t)snprintf(draft->columns, sizeof(draft->columns),
		    "{type: csv, delimiter: \"%s\", columns: [",
		    delimiters[d] == '\t' ? "\\t" :
		    (char[]){ delimiters[d], '\0' });
		for (size_t i = 0; i <= n; i++)
			at += (size_t)snprintf(draft->columns + at,
			    sizeof(draft->columns) - at, "%sc%zu",
			    i > 0 ? ", " : "", i + 1);
		snprintf(draft->columns + at, sizeof(draft->columns) - at,
		    "]}");
		draft->decode = draft->columns;
		return true;
	}
	return false;
}

static void
choose_grammar(struct draft *draft)
{
	size_t most = draft->samples->n * 4 / 5;

	draft->grammar = TEXT;
	draft->decode = "template";
	if (lines_with(draft, SLICE("{"), true) > most) {
		draft->grammar = JSON;
		draft->decode = "json";
	} else if (lines_with(draft, SLICE("CEF:"), false) > most) {
		draft->grammar = CEF;
		draft->decode = "cef";
	} else if (lines_with(draft, SLICE("LEEF:"), false) > most) {
		draft->grammar = LEEF;
		draft->decode = "leef";
	} else if (choose_kv(draft)) {
		draft->grammar = KV;
	} else if (choose_csv(draft)) {
		draft->grammar = CSV;
	}
}

/* --- keys and their values ------------------------------------------------ */

static struct key *
key_at(struct draft *draft, struct slice name)
{
	union map_value *place = map_find(draft->index, name);

	if (place != NULL)
		return &draft->keys[place->num];
	if (draft->nkeys == DRAFT_KEYS)
		return NULL;
	map_get(draft->index, name, NULL)->num = draft->nkeys;
	draft->keys[draft->nkeys] = (struct key){
	    .name = arena_dup(draft->arena, name) };
	return &draft->keys[draft->nkeys++];
}

static void
add_value(struct draft *draft, struct key *key, struct slice text)
{
	size_t i = 0;

	while (i < key->nvalues && !slice_eq(key->values[i], text))
		i++;
	if (i == key->nvalues && i < DRAFT_VALUES && text.len > 0)
		key->values[key->nvalues++] = arena_dup(draft->arena,
		    slice_head(text, 256));
}

static void
note_program(struct draft *draft, const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice program = event_text(event, FIELD_LOG_SYSLOG_APPNAME,
	    buf);
	size_t i = 0;

	while (i < draft->nprograms && i < PROGRAMS &&
	    !slice_eq(draft->programs[i], program))
		i++;
	if (program.len == 0 || i == PROGRAMS)
		draft->nprograms = PROGRAMS + 1;
	else if (i == draft->nprograms)
		draft->programs[draft->nprograms++] = arena_dup(draft->arena,
		    program);
}

static void
add_keys(struct draft *draft, const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];

	note_program(draft, event);
	for (size_t i = 0; i < event->n; i++) {
		struct slice name = field_name(event->fields[i]);
		const struct value *value = &event->values[i];
		struct key *key;

		if (!slice_starts(name, SLICE(PREFIX)))
			continue;
		key = key_at(draft, slice_skip(name, sizeof(PREFIX) - 1));
		if (key == NULL)
			continue;
		key->lines++;
		for (size_t k = 0; k < value_members(value); k++)
			add_value(draft, key, value_as_text(value_member(value,
			    k), buf));
	}
}

static void
add_shape(struct draft *draft, const struct event *event)
{
	note_program(draft, event);
	if (body_of(event->raw).len > 0)
		clusters_add(draft->clusters, slice_of("", 0), SLICE("-"),
		    body_of(event->raw));
}

/* --- what is written ------------------------------------------------------ */

static void
put_head(struct draft *draft)
{
	struct strbuf *out = draft->out;
	ptrdiff_t bar = slice_find_byte(draft->name, '_');
	struct slice vendor = bar > 0 ? slice_head(draft->name, (size_t)bar) :
	    draft->name;
	struct slice product = bar > 0 ? slice_skip(draft->name,
	    (size_t)bar + 1) : draft->name;

	strbuf_printf(out, "# Drafted from %zu lines. To do: a field of "
	    "yagura-fields(7) for each ?,\n# description, log source, "
	    "event.category; then yagura parsers test FILE.\nname: %.*s\n"
	    "description: Lines of %.*s %.*s\nlogsource: {product: %.*s}\n"
	    "observer: {vendor: %.*s, product: %.*s}\n", draft->samples->n,
	    (int)draft->name.len, draft->name.ptr, (int)vendor.len,
	    vendor.ptr, (int)product.len, product.ptr, (int)product.len,
	    product.ptr, (int)vendor.len, vendor.ptr, (int)product.len,
	    product.ptr);
}

/* In four lines of five at least; a mark need not be in odd ones. */
static bool
in_most_bodies(const struct draft *draft, struct slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < draft->samples->n; i++)
		n += slice_find(slice_head(body_of(draft->samples->lines[i]),
		    1024), text) >= 0;
	return 5 * n >= 4 * draft->samples->n;
}

/* What more lines have, then the longer name. */
static bool
says_more(const struct key *a, const struct key *b)
{
	return a->lines != b->lines ? a->lines > b->lines :
	    a->name.len > b->name.len;
}

/* Names that four lines of five have, at least. */
static size_t
common_keys(struct draft *draft, const struct key *out[MARKS])
{
	size_t n = 0;

	for (size_t i = 0; i < draft->nkeys; i++) {
		const struct key *key = &draft->keys[i];
		struct strbuf text = STRBUF_INIT;
		size_t at = n;
		bool all = 5 * key->lines >= 4 * draft->samples->n;

		strbuf_put(&text, key->name);
		strbuf_puts(&text, "=");
		if (draft->grammar == KV)
			all = text.len >= 3 && in_most_bodies(draft,
			    strbuf_slice(&text));
		strbuf_fini(&text);
		if (!all)
			continue;
		while (at > 0 && says_more(key, out[at - 1]))
			at--;
		if (at == MARKS)
			continue;
		n += n < MARKS;
		memmove(out + at + 1, out + at, (n - at - 1) *
		    sizeof(out[0]));
		out[at] = key;
	}
	return n;
}

static void
put_header_mark(struct draft *draft)
{
	const char *kind = draft->grammar == CEF ? "cef" : "leef";
	char name[32];

	strbuf_printf(draft->out, "match: {%s: {", kind);
	for (int i = 0; i < 2; i++) {
		const union map_value *place;
		const char *part = i == 0 ? "vendor" : "product";
		const struct key *key;

		snprintf(name, sizeof(name), "%s.%s", kind, part);
		place = map_find(draft->index, slice_cstr(name));
		if (place == NULL)
			continue;
		key = &draft->keys[place->num];
		strbuf_printf(draft->out, "%s%s: [", i > 0 ? ", " : "", part);
		for (size_t k = 0; k < key->nvalues; k++) {
			strbuf_puts(draft->out, k > 0 ? ", " : "");
			put_quoted(draft->out, key->values[k]);
		}
		strbuf_putc(draft->out, ']');
	}
	strbuf_puts(draft->out, "}}\n");
}

static const char no_match[] = "# match: ?\t# nothing is in all lines: program, "
    "starts or contains must be said\n";

/* The longest text between two holes, of at least three bytes. */
static struct slice
longest_text(struct draft *draft, const struct cluster *cluster)
{
	struct strbuf text = STRBUF_INIT;
	struct slice best = slice_of("", 0);

	for (size_t i = 0; i <= cluster->natoms; i++) {
		if (i < cluster->natoms && !cluster->atoms[i].hole &&
		    !(cluster->atoms[i].kind == ATOM_MARK &&
		    cluster->atoms[i].text.ptr[0] == ' ' && text.len == 0)) {
			strbuf_put(&text, cluster->atoms[i].text);
			continue;
		}
		if (slice_trim(strbuf_slice(&text)).len > best.len)
			best = arena_dup(draft->arena, slice_trim(
			    strbuf_slice(&text)));
		strbuf_clear(&text);
	}
	strbuf_fini(&text);
	return best;
}

static void
put_text_marks(struct draft *draft)
{
	struct cluster *const *list;
	size_t n;

	size_t begin = draft->out->len, head;

	list = clusters_list(draft->clusters, &n);
	strbuf_puts(draft->out, "match:\n");
	head = draft->out->len;
	for (size_t i = 0; i < n && i < SHAPES; i++) {
		struct slice text = longest_text(draft, list[i]);

		if (text.len > MARK_BYTES) {	/* between two characters */
			text.len = MARK_BYTES;
			while ((text.ptr[text.len] & 0xc0) == 0x80)
				text.len--;
		}
		if (text.len < 3)
			continue;
		strbuf_puts(draft->out, "  - {contains: [");
		put_quoted(draft->out, text);
		strbuf_puts(draft->out, "], sure: false}\n");
	}
	if (draft->out->len == head) {
		draft->out->len = begin;
		strbuf_puts(draft->out, no_match);
	}
}

static void
put_match(struct draft *draft)
{
	struct strbuf *out = draft->out;
	const struct key *common[MARKS + 1];
	size_t n = common_keys(draft, common);

	if (draft->grammar == CEF || draft->grammar == LEEF) {
		put_header_mark(draft);
	} else if (draft->nprograms > 0 && draft->nprograms <= PROGRAMS &&
	    draft->grammar != JSON) {
		strbuf_puts(out, "match: {program: [");
		for (size_t i = 0; i < draft->nprograms; i++) {
			strbuf_puts(out, i > 0 ? ", " : "");
			put_quoted(out, draft->programs[i]);
		}
		strbuf_puts(out, "]}\n");
	} else if (draft->grammar == TEXT) {
		put_text_marks(draft);
	} else if (n == 0 || draft->grammar == CSV) {
		strbuf_puts(out, no_match);
	} else {
		strbuf_puts(out, draft->grammar == JSON ? "match: {keys: [" :
		    "match: {contains: [");
		for (size_t i = 0; i < n; i++) {
			struct strbuf text = STRBUF_INIT;

			strbuf_puts(out, i > 0 ? ", " : "");
			strbuf_put(&text, common[i]->name);
			strbuf_puts(&text, draft->grammar == KV ? "=" : "");
			put_quoted(out, strbuf_slice(&text));
			strbuf_fini(&text);
		}
		strbuf_puts(out, "]}\n");
	}
}

/* --- time ----------------------------------------------------------------- */

static struct key *
find_key(struct draft *draft, const char *name)
{
	for (size_t i = 0; i < draft->nkeys; i++)
		if (slice_eq_nocase(draft->keys[i].name, slice_cstr(name)))
			return &draft->keys[i];
	return NULL;
}

/* 't': all values are times; 'e': epochs; 0: neither. */
static char
time_kind(const struct key *key)
{
	size_t times = 0, epochs = 0;
	struct timetext time;
	uint64_t number;

	for (size_t i = 0; i < key->nvalues; i++) {
		struct slice text = key->values[i];
		bool digits = slice_ulong(text, &number);

		times += !digits && text.len >= 14 &&
		    timetext_read(text, &time) == text.len;
		epochs += timetext_read_epoch(text, &time) && text.len >= 10 &&
		    (digits || slice_find_byte(text, '.') == 10);
	}
	return key->nvalues == 0 ? 0 : times == key->nvalues ? 't' :
	    epochs == key->nvalues && (slice_find_nocase(key->name,
	    SLICE("time")) >= 0 || slice_find_nocase(key->name,
	    SLICE("ts")) >= 0 || slice_find_nocase(key->name,
	    SLICE("date")) >= 0 || slice_eq(key->name, SLICE("rt"))) ? 'e' : 0;
}

static void
put_time_key(struct draft *draft, struct key *key, char kind)
{
	strbuf_puts(draft->out, "  - {keys: [");
	put_quoted(draft->out, key->name);
	strbuf_puts(draft->out, kind == 'e' ? "], format: epoch}\n" : "]}\n");
	key->taken = true;
}

static void
put_time(struct draft *draft)
{
	static const char *const first[] = { "@timestamp", "timestamp",
	    "eventtime", "event_time", "rt", "devTime", "time", "ts", "date" };
	static const char *const zones[] = { "tz", "timezone", "zone" };
	struct key *date = find_key(draft, "date"),
	    *time = find_key(draft, "time");
	size_t begin = draft->out->len, head;

	strbuf_puts(draft->out, "time:\n");
	head = draft->out->len;
	if (date != NULL && time != NULL && time_kind(date) == 0 &&
	    time_kind(time) == 0) {
		strbuf_puts(draft->out, "  - {keys: [");
		put_quoted(draft->out, date->name);
		strbuf_puts(draft->out, ", ");
		put_quoted(draft->out, time->name);
		strbuf_puts(draft->out, "]");
		for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
			if (find_key(draft, zones[i]) != NULL) {
				strbuf_printf(draft->out, ", zone: %s",
				    zones[i]);
				break;
			}
		strbuf_puts(draft->out, "}\n");
		date->taken = time->taken = true;
	}
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		struct key *key = find_key(draft, first[i]);

		if (key != NULL && !key->taken && time_kind(key) != 0)
			put_time_key(draft, key, time_kind(key));
	}
	for (size_t i = 0; i < draft->nkeys && draft->out->len == head; i++)
		if (time_kind(&draft->keys[i]) != 0)
			put_time_key(draft, &draft->keys[i],
			    time_kind(&draft->keys[i]));
	if (draft->out->len == head) {
		draft->out->len = begin;
		draft->out->ptr[begin] = '\0';
	}
}

/* --- keys ----------------------------------------------------------------- */

static void
put_comment(struct draft *draft, const struct key *key)
{
	strbuf_printf(draft->out, "\t# in %zu:", key->lines);
	for (size_t i = 0; i < key->nvalues && i < 3; i++) {
		strbuf_puts(draft->out, i > 0 ? ", " : " ");
		put_quoted(draft->out, slice_head(key->values[i], 60));
	}
	strbuf_putc(draft->out, '\n');
}

/* "192.0.2.1:443" for an address is address and port. */
static bool
put_endpoint(struct draft *draft, const struct key *key)
{
	static const char *const names[][2] = { { "src", "source" },
	    { "source", "source" }, { "client", "source" },
	    { "dst", "destination" }, { "dest", "destination" },
	    { "server", "destination" } };
	struct slice value = key->nvalues > 0 ? key->values[0] :
	    slice_of("", 0);
	ptrdiff_t colon = slice_find_byte(value, ':');
	struct value out;

	if (colon <= 0 || !value_parse(slice_head(value, (size_t)colon),
	    TRANSFORM_NONE, VALUE_IP, &out))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_find_nocase(key->name, slice_cstr(names[i][0])) ==
		    0) {
			strbuf_printf(draft->out, "{split: endpoint, to: %s}",
			    names[i][1]);
			return true;
		}
	return false;
}

static void
put_keys(struct draft *draft)
{
	size_t known = 0;

	for (size_t i = 0; i < draft->nkeys; i++) {
		struct key *key = &draft->keys[i];

		if (!key->taken && dictionary_find(draft->dictionary,
		    key->name, key->values, key->nvalues).len > 0)
			known++;
	}
	strbuf_puts(draft->out, known > 0 ? "keys:\n" : "# keys:\n");
	for (size_t i = 0; i < draft->nkeys; i++) {
		struct key *key = &draft->keys[i];
		struct slice target = dictionary_find(draft->dictionary,
		    key->name, key->values, key->nvalues);

		if (key->taken)
			continue;
		strbuf_puts(draft->out, target.len > 0 ? "  " : "  # ");
		put_quoted(draft->out, key->name);
		strbuf_puts(draft->out, ": ");
		if (target.len == 0)
			strbuf_putc(draft->out, '?');
		else if (!put_endpoint(draft, key))
			strbuf_put(draft->out, target);
		put_comment(draft, key);
	}
}

/* --- templates ------------------------------------------------------------ */

struct naming {
	struct draft *draft;
	struct slice used[CLUSTER_ATOMS + 1];
	size_t	 n;
	const char *side;	/* of the address before: "source" */
};

static bool
is_used(const struct naming *naming, struct slice name)
{
	for (size_t i = 0; i < naming->n; i++)
		if (slice_eq(naming->used[i], name))
			return true;
	return false;
}

static bool
one_of(struct slice word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_eq_nocase(word, slice_cstr(*words)))
			return true;
	return false;
}

/* What the word before an address, a port or a word says that it is. */
static struct slice
guess(struct naming *naming, const struct cluster *cluster, size_t i)
{
	static const char *const there[] = { "to", "dst", "dest",
	    "destination", "server", "remote", NULL };
	static const char *const users[] = { "user", "for", "login", "account",
	    "username", "User", NULL };
	const struct atom *atom = &cluster->atoms[i];
	struct slice word = slice_of("", 0), mark = slice_of("", 0);
	size_t k = i;

	while (k > 0 && cluster->atoms[k - 1].kind == ATOM_MARK)
		k--;
	if (k > 0 && !cluster->atoms[k - 1].hole)
		word = cluster->atoms[k - 1].text;
	if (i > 0 && cluster->atoms[i - 1].kind == ATOM_MARK)
		mark = cluster->atoms[i - 1].text;
	if (slice_eq(mark, SLICE("=")) && word.len > 0)
		return dictionary_find(naming->draft->dictionary, word,
		    &atom->text, 1);
	if (atom->kind == ATOM_IP) {
		naming->side = one_of(word, there) || is_used(naming,
		    SLICE("source.ip")) ? "destination" : "source";
		return naming->side[0] == 's' ? SLICE("source.ip") :
		    SLICE("destination.ip");
	}
	if (atom->kind == ATOM_INT && naming->side != NULL &&
	    (slice_eq_nocase(word, SLICE("port")) || (k + 1 == i && k > 0 &&
	    cluster->atoms[k - 1].kind == ATOM_IP)))
		return naming->side[0] == 's' ? SLICE("source.port") :
		    SLICE("destination.port");
	if (atom->kind == ATOM_INT && slice_eq_nocase(word, SLICE("pid")))
		return SLICE("process.pid");
	if (atom->kind == ATOM_TIME && !is_used(naming, SLICE("@timestamp")))
		return SLICE("@timestamp");
	if ((atom->kind == ATOM_WORD || atom->kind == ATOM_QUOTED) &&
	    one_of(word, users))
		return SLICE("user.name");
	return slice_of("", 0);
}

static void
name_hole(void *arg, const struct cluster *cluster, size_t i,
    struct strbuf *out)
{
	struct naming *naming = arg;
	struct slice name = guess(naming, cluster, i);

	if (name.len == 0 || name.ptr[0] == '{' || is_used(naming, name)) {
		strbuf_printf(out, "%s%zu", atom_type(cluster->atoms[i].kind),
		    i);
		return;
	}
	naming->used[naming->n++] = name;
	strbuf_put(out, name);
}

static void
put_templates(struct draft *draft)
{
	struct cluster *const *list;
	size_t n;

	list = clusters_list(draft->clusters, &n);
	strbuf_puts(draft->out, n > 0 ? "templates:\n" :
	    "# templates: ?\n");
	for (size_t i = 0; i < n && i < SHAPES; i++) {
		struct naming naming = { .draft = draft };
		struct strbuf text = STRBUF_INIT;

		cluster_template(list[i], name_hole, &naming, &text);
		strbuf_printf(draft->out, "  # %llu: ",
		    (unsigned long long)list[i]->count);
		put_quoted(draft->out, slice_head(list[i]->samples[0], 200));
		strbuf_puts(draft->out, "\n  - ");
		put_quoted(draft->out, strbuf_slice(&text));
		strbuf_putc(draft->out, '\n');
		strbuf_fini(&text);
	}
}

/* --- examples ------------------------------------------------------------- */

struct picking { size_t n, seen, every; };
static struct picking picking;	/* of the run at hand; one thread */

static bool
is_shown(field_t field)
{
	return field < FIELD_KNOWN && field != FIELD_MESSAGE &&
	    !slice_starts(field_name(field), SLICE("log.")) &&
	    !slice_starts(field_name(field), SLICE("yagura.")) &&
	    !slice_starts(field_name(field), SLICE("event.module")) &&
	    !slice_starts(field_name(field), SLICE("event.dataset")) &&
	    !slice_starts(field_name(field), SLICE("tags"));
}

static void
put_expected(struct strbuf *out, const struct value *value)
{
	char buf[VALUE_TEXT_BYTES], time[TIME_TEXT_BYTES];

	if (value->type == VALUE_LIST)
		strbuf_putc(out, '[');
	for (size_t i = 0; i < value_members(value); i++) {
		const struct value *member = value_member(value, i);

		strbuf_puts(out, i > 0 ? ", " : "");
		put_quoted(out, member->type == VALUE_TIME ?
		    time_format_rfc3339(member->u.num, time) :
		    value_as_text(member, buf));
	}
	if (value->type == VALUE_LIST)
		strbuf_putc(out, ']');
}

static void
put_example(struct draft *draft, const struct event *event)
{
	struct strbuf *out = draft->out;
	char text[TIME_TEXT_BYTES], name[VALUE_TEXT_BYTES];
	struct slice parser = event_text(event, FIELD_YAGURA_PARSER, name);
	size_t shown = 0;

	if (!slice_eq(parser, draft->name))
		return;
	if (picking.seen++ % picking.every != 0 || picking.n == EXAMPLES ||
	    event->raw.len > EXAMPLE_BYTES || event->raw.len == 0 ||
	    (event->tags & ~(1u << EVENT_TAG_TIME_MISSING)) != 0 ||
	    !utf8_valid(event->raw))
		return;
	picking.n++;
	strbuf_puts(out, "  - line: ");
	put_quoted(out, event->raw);
	strbuf_puts(out, "\n    now: ");
	strbuf_put(out, time_format_rfc3339(event->ingested_ns, text));
	strbuf_puts(out, "\n    expect:\n");
	if (event->has_time) {
		strbuf_puts(out, "      '@timestamp': ");
		strbuf_put(out, time_format_rfc3339(event->time_ns, text));
		strbuf_putc(out, '\n');
	}
	for (size_t i = 0; i < event->n && shown < EXAMPLE_FIELDS; i++) {
		if (!is_shown(event->fields[i]) ||
		    event->values[i].type == VALUE_NULL)
			continue;
		strbuf_printf(out, "      %.*s: ",
		    (int)field_name(event->fields[i]).len,
		    field_name(event->fields[i]).ptr);
		put_expected(out, &event->values[i]);
		strbuf_putc(out, '\n');
		shown++;
	}
}

static void
put_examples(struct draft *draft)
{
	struct slice text = arena_dup(draft->arena, strbuf_slice(draft->out));
	size_t n = draft->samples->n, before = draft->out->len;

	picking = (struct picking){ 0, 0, n / EXAMPLES > 0 ? n / EXAMPLES :
	    1 };
	strbuf_puts(draft->out, "examples:\n");
	run_lines(draft, text, draft->name, true, SIZE_MAX, put_example);
	if (picking.n > 0)
		return;
	draft->out->len = before;
	draft->out->ptr[before] = '\0';
}

static bool
is_empty(struct clusters *clusters)
{
	size_t n;

	clusters_list(clusters, &n);
	return n == 0;
}

void
draft_write(const struct draft_samples *samples, struct slice name,
    struct dictionary *dictionary, struct strbuf *out, struct diag *diag)
{
	struct draft draft = { .samples = samples, .name = name,
	    .dictionary = dictionary, .out = out };
	size_t begin = out->len;
	struct parserset *set;

	if (samples->n == 0)
		return;
	draft.arena = arena_new(0);
	draft.index = map_new();
	draft.clusters = clusters_new();
	draft.keys = xcalloc(DRAFT_KEYS, sizeof(*draft.keys));
	choose_grammar(&draft);
	if (draft.grammar == TEXT)
		run_decoder(&draft, "none", SIZE_MAX, add_shape);
	else
		run_decoder(&draft, draft.decode, SIZE_MAX, add_keys);
	put_head(&draft);
	put_match(&draft);
	strbuf_printf(out, "decode: %s\nset: {event.kind: event}\n",
	    draft.grammar == TEXT && is_empty(draft.clusters) ?
	    "none" : draft.decode);
	if (draft.grammar == TEXT) {
		put_templates(&draft);
	} else {
		put_time(&draft);
		put_keys(&draft);
	}
	put_examples(&draft);
	set = load_text(slice_skip(strbuf_slice(out), begin), diag);
	parserset_test(set, diag);
	parserset_put(set);
	free(draft.keys);
	clusters_free(draft.clusters);
	map_free(draft.index);
	arena_free(draft.arena);
}
