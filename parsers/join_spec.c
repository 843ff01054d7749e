#include "parsers/join_spec.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/regex.h"
#include "engine/yaml.h"

#define WAIT_S 2

struct spec_reader {
	struct arena *arena;
	struct def_owned *owned;
	struct diag *diag;
	const char *file;
	struct join_spec *spec;
};

static void complain(struct spec_reader *r, const struct yaml_node *node,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
complain(struct spec_reader *r, const struct yaml_node *node,
    const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(r->diag, r->file, node->line, node->column, "%s", text);
}

static void
check_keys(struct spec_reader *r, const struct yaml_node *map,
    const char *const *known, size_t n)
{
	for (size_t i = 0; i < map->n; i++) {
		struct slice key = map->keys[i]->text;
		const char *near;
		size_t k = 0;

		while (k < n && !slice_eq(key, slice_cstr(known[k])))
			k++;
		if (k < n)
			continue;
		near = diag_nearest(key, known, n);
		complain(r, map->keys[i], "unknown key \"%.*s\" in join%s%s%s",
		    (int)slice_head(key, 60).len, key.ptr,
		    near != NULL ? " (" : "", near != NULL ? near : "",
		    near != NULL ? "?)" : "");
	}
}

/* The n texts of a text or a list, each given to `take` with its node. */
static void
each_text(struct spec_reader *r, const struct yaml_node *node, size_t most,
    void (*take)(struct spec_reader *, const struct yaml_node *))
{
	size_t n = node->kind == YAML_LIST ? node->n : 1;

	if (n > most) {
		complain(r, node, "more than %zu entries", most);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ?
		    node->items[i] : node;

		if (item->kind != YAML_SCALAR || item->text.len == 0)
			complain(r, item, "a text is wanted here");
		else
			take(r, item);
	}
}

static field_t
field_of(struct spec_reader *r, const struct yaml_node *node,
    struct slice name)
{
	field_t field = field_intern(name);

	if (field == FIELD_NONE)
		complain(r, node, "\"%.*s\" cannot be the name of a field",
		    (int)slice_head(name, 60).len, name.ptr);
	return field;
}

static field_t
field_below(struct spec_reader *r, const struct yaml_node *node,
    const char *below)
{
	char name[FIELD_NAME_BYTES + 1];
	int n = snprintf(name, sizeof(name), "%.*s.%s",
	    (int)slice_head(node->text, FIELD_NAME_BYTES).len,
	    node->text.ptr, below);

	return field_of(r, node, slice_of(name,
	    n > 0 && (size_t)n < sizeof(name) ? (size_t)n : 0));
}

static void
take_by(struct spec_reader *r, const struct yaml_node *node)
{
	r->spec->by[r->spec->nby++] = field_of(r, node, node->text);
}

static void
take_collect(struct spec_reader *r, const struct yaml_node *node)
{
	r->spec->collect[r->spec->ncollect++] = field_of(r, node, node->text);
}

static void
take_end(struct spec_reader *r, const struct yaml_node *node)
{
	r->spec->ends[r->spec->nends++] = arena_dup(r->arena, node->text);
}

/* --- texts and patterns -------------------------------------------------- */

static void
take_text(struct spec_reader *r, const struct yaml_node *node)
{
	r->spec->texts[r->spec->ntexts++] = arena_dup(r->arena, node->text);
}

static void
take_regex(struct spec_reader *r, const struct yaml_node *node)
{
	struct def_owned *o = r->owned;
	struct err err = { 0 };
	struct regex *regex = regex_new(node->text, 0, &err);

	if (regex == NULL) {
		complain(r, node, "%s", err.text);
		return;
	}
	o->regexes = xrealloc(o->regexes, (o->nregexes + 1) *
	    sizeof(*o->regexes));
	o->regexes[o->nregexes++] = regex;
	r->spec->regexes[r->spec->nregexes++] = regex;
}

/* A text, a list of texts, or {regex: a text or a list}. */
static void
read_texts(struct spec_reader *r, const struct yaml_node *node)
{
	static const char *const known[] = { "regex" };
	const struct yaml_node *regex;

	if (node->kind != YAML_MAP) {
		r->spec->texts = arena_zalloc(r->arena, JOIN_TEXTS *
		    sizeof(struct slice));
		each_text(r, node, JOIN_TEXTS, take_text);
		return;
	}
	check_keys(r, node, known, 1);
	regex = yaml_get(node, "regex");
	r->spec->regexes = arena_zalloc(r->arena, JOIN_TEXTS *
	    sizeof(struct regex *));
	if (regex != NULL)
		each_text(r, regex, JOIN_TEXTS, take_regex);
}

/* --- what is made of the parts ------------------------------------------- */

static bool
read_source(struct spec_reader *r, const struct yaml_node *node,
    struct join_make *make)
{
	static const struct { const char *key; enum join_make_kind kind; }
	    kinds[] = { { "numbered", JOIN_NUMBERED }, { "hex", JOIN_HEX },
	    { "words", JOIN_WORDS }, { "sockaddr", JOIN_SOCKADDR } };
	size_t found = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct yaml_node *from = yaml_get(node, kinds[i].key);

		if (from == NULL)
			continue;
		found++;
		make->kind = kinds[i].kind;
		if (from->kind != YAML_SCALAR || from->text.len == 0) {
			complain(r, from, "the name of a field is wanted "
			    "here");
			return false;
		}
		if (make->kind == JOIN_NUMBERED)
			make->before = arena_dup(r->arena, from->text);
		else
			make->from = field_of(r, from, from->text);
	}
	if (found != 1)
		complain(r, node, "exactly one of numbered, hex, words and "
		    "sockaddr is wanted");
	return found == 1;
}

static void
read_make(struct spec_reader *r, const struct yaml_node *node)
{
	static const char *const known[] = { "to", "of", "numbered", "hex",
	    "words", "sockaddr" };
	struct join_make *make = &r->spec->makes[r->spec->nmakes];
	const struct yaml_node *to = yaml_get(node, "to");

	if (node->kind != YAML_MAP) {
		complain(r, node, "what is to be made is a map");
		return;
	}
	check_keys(r, node, known, sizeof(known) / sizeof(known[0]));
	*make = (struct join_make){ .to = FIELD_NONE, .from = FIELD_NONE,
	    .ip = FIELD_NONE, .port = FIELD_NONE, .address = FIELD_NONE };
	if (to == NULL || to->kind != YAML_SCALAR || to->text.len == 0) {
		complain(r, node, "to, the name of a field, is missing");
		return;
	}
	if (!read_source(r, node, make))
		return;
	if (make->kind == JOIN_SOCKADDR) {
		make->ip = field_below(r, to, "ip");
		make->port = field_below(r, to, "port");
		make->address = field_below(r, to, "address");
	} else {
		make->to = field_of(r, to, to->text);
	}
	make->of = arena_dup(r->arena, yaml_text(yaml_get(node, "of"),
	    SLICE("")));
	r->spec->nmakes++;
}

static void
read_makes(struct spec_reader *r, const struct yaml_node *node)
{
	if (node->kind != YAML_LIST || node->n > JOIN_MAKES) {
		complain(r, node, "make must be a list of at most %d maps",
		    JOIN_MAKES);
		return;
	}
	r->spec->makes = arena_zalloc(r->arena, (node->n + 1) *
	    sizeof(struct join_make));
	for (size_t i = 0; i < node->n; i++)
		read_make(r, node->items[i]);
}

/* --- the whole ------------------------------------------------------------ */

/* "2s": whole seconds. */
static void
read_wait(struct spec_reader *r, const struct yaml_node *node)
{
	struct slice text = slice_trim(yaml_text(node, SLICE("")));
	int64_t seconds = 0;

	if (slice_ends(text, SLICE("s")))
		text.len--;
	if (!slice_long(text, &seconds) || seconds < 1 ||
	    seconds > JOIN_WAIT_S) {
		complain(r, node, "wait must be from 1s to %ds", JOIN_WAIT_S);
		return;
	}
	r->spec->wait_ns = seconds * INT64_C(1000000000);
}

static void
read_named(struct spec_reader *r, const struct yaml_node *node)
{
	const struct yaml_node *sub;

	sub = yaml_get(node, "wait");
	if (sub != NULL)
		read_wait(r, sub);
	sub = yaml_get(node, "collect");
	if (sub != NULL) {
		r->spec->collect = arena_zalloc(r->arena, JOIN_COLLECT *
		    sizeof(field_t));
		each_text(r, sub, JOIN_COLLECT, take_collect);
	}
	sub = yaml_get(node, "ends");
	if (sub != NULL) {
		r->spec->ends = arena_zalloc(r->arena, JOIN_TEXTS *
		    sizeof(struct slice));
		each_text(r, sub, JOIN_TEXTS, take_end);
	}
	sub = yaml_get(node, "make");
	if (sub != NULL)
		read_makes(r, sub);
	sub = yaml_get(node, "part");
	if (sub != NULL)
		r->spec->part = field_of(r, sub, yaml_text(sub, SLICE("")));
	sub = yaml_get(node, "text");
	if (sub != NULL)
		r->spec->text = field_of(r, sub, yaml_text(sub, SLICE("")));
}

static void
check_whole(struct spec_reader *r, const struct yaml_node *node)
{
	const struct join_spec *spec = r->spec;

	if (spec->nby == 0 && (spec->part != FIELD_NONE ||
	    spec->nmakes > 0 || spec->ncollect > 0))
		complain(r, node, "part, collect and make belong to by");
	if (spec->part != FIELD_NONE)
		return;
	if (spec->nends > 0)
		complain(r, node, "ends needs part");
	for (size_t i = 0; i < spec->nmakes; i++)
		if (spec->makes[i].of.len > 0) {
			complain(r, node, "of needs part");
			return;
		}
}

struct join_spec *
join_spec_read(const struct yaml_node *node, const char *file,
    struct arena *arena, struct def_owned *owned, struct diag *diag)
{
	static const char *const known[] = { "by", "continues", "starts",
	    "part", "ends", "wait", "collect", "make", "text", "then" };
	struct spec_reader r = { .arena = arena, .owned = owned,
	    .diag = diag, .file = file,
	    .spec = arena_zalloc(arena, sizeof(struct join_spec)) };
	const struct yaml_node *by, *continues, *starts;

	r.spec->part = FIELD_NONE;
	r.spec->text = FIELD_MESSAGE;
	r.spec->wait_ns = WAIT_S * INT64_C(1000000000);
	if (node->kind != YAML_MAP) {
		complain(&r, node, "join must be a map");
		return r.spec;
	}
	check_keys(&r, node, known, sizeof(known) / sizeof(known[0]));
	by = yaml_get(node, "by");
	continues = yaml_get(node, "continues");
	starts = yaml_get(node, "starts");
	if ((by != NULL) + (continues != NULL) + (starts != NULL) != 1) {
		complain(&r, node, "exactly one of by, continues and starts "
		    "is wanted");
		return r.spec;
	}
	if (by != NULL) {
		r.spec->text = FIELD_NONE;
		r.spec->by = arena_zalloc(arena, JOIN_BY * sizeof(field_t));
		each_text(&r, by, JOIN_BY, take_by);
	} else {
		r.spec->starts = starts != NULL;
		read_texts(&r, starts != NULL ? starts : continues);
	}
	read_named(&r, node);
	check_whole(&r, node);
	return r.spec;
}
