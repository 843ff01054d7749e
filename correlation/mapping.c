#include "correlation/mapping.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/fold.h"
#include "engine/map.h"
#include "engine/prog.h"
#include "engine/yaml.h"

#define CHANNEL_BYTES 160	/* longer channels belong to nothing */
#define ROUTE_LIMIT 1000	/* documents with events */

/* One line of `events`. */
struct clause {
	struct clause *next;	/* same channel and number */
	uint16_t route;
	struct slice channel;	/* folded */
	const struct prog *where;	/* NULL: nothing more is asked */
};

struct document {
	struct logsource logsource;
	unsigned parts;		/* of the log source that are named */
	size_t	 place;		/* in the order of reading */
	const struct yaml_node *fields, *fallback, *names, *also, *events;
	const char *file;
};

struct route {
	struct logsource logsource;
};

struct mapping {
	struct arena *arena;
	struct document *docs;
	size_t	 ndocs, cap_docs;
	struct route routes[ROUTE_LIMIT];
	size_t	 nroutes;
	struct clause *clauses[2 * ROUTE_LIMIT];	/* for service by channel */
	size_t	 nclauses;
	struct map *by_channel;	/* "channel" or "channel\nnumber" */
	struct yaml_doc **yaml;
	size_t	 nyaml;
	field_t	 channel[PRED_FIELDS], number[PRED_FIELDS];
	size_t	 nchannel, nnumber;
};

struct mapping *
mapping_new(void)
{
	struct mapping *mapping = xcalloc(1, sizeof(*mapping));

	mapping->arena = arena_new(0);
	mapping->by_channel = map_new();
	return mapping;
}

void
mapping_free(struct mapping *mapping)
{
	if (mapping == NULL)
		return;
	for (size_t i = 0; i < mapping->nyaml; i++)
		yaml_free(mapping->yaml[i]);
	free(mapping->yaml);
	free(mapping->docs);
	map_free(mapping->by_channel);
	arena_free(mapping->arena);
	free(mapping);
}

bool
logsource_meets(const struct logsource *has, const struct logsource *wanted)
{
	return (wanted->product.len == 0 ||
	    slice_eq(wanted->product, has->product)) &&
	    (wanted->category.len == 0 ||
	    slice_eq(wanted->category, has->category)) &&
	    (wanted->service.len == 0 ||
	    slice_eq(wanted->service, has->service));
}

/* --- reading ------------------------------------------------------------- */

/* Calls for a scalar once, for a list for each member. */
static size_t
node_members(const struct yaml_node *node)
{
	return node == NULL ? 0 : node->kind == YAML_LIST ? node->n : 1;
}

static const struct yaml_node *
node_member(const struct yaml_node *node, size_t i)
{
	return node->kind == YAML_LIST ? node->items[i] : node;
}

static void
refuse(struct diag *diag, const char *file, const struct yaml_node *node,
    const char *text)
{
	diag_error(diag, file, node->line, node->column, "%s", text);
}

static void
read_logsource(struct mapping *mapping, struct document *doc,
    const struct yaml_node *node, struct diag *diag)
{
	static const char *const words[] = { "product", "category",
	    "service" };
	struct slice *parts[] = { &doc->logsource.product,
	    &doc->logsource.category, &doc->logsource.service };

	for (size_t i = 0; i < node->n; i++) {
		struct slice key = yaml_text(node->keys[i], SLICE(""));
		size_t k = 0;

		while (k < 3 && !slice_eq(key, slice_cstr(words[k])))
			k++;
		if (k == 3 || node->items[i]->kind != YAML_SCALAR) {
			refuse(diag, doc->file, node->keys[i],
			    "a log source has product, category and service");
			continue;
		}
		*parts[k] = fold_dup(mapping->arena, node->items[i]->text);
		doc->parts++;
	}
}

static void
read_places(const struct yaml_node *node, field_t *out, size_t *n)
{
	for (size_t i = 0; i < node_members(node) && *n < PRED_FIELDS; i++)
		out[(*n)++] = field_intern(yaml_text(node_member(node, i),
		    SLICE("")));
}

static void
add_clause(struct mapping *mapping, struct clause model, struct slice number)
{
	struct clause *clause = arena_alloc(mapping->arena, sizeof(model));
	char key[2 * CHANNEL_BYTES];
	size_t len = model.channel.len;
	union map_value *place;

	*clause = model;
	memcpy(key, model.channel.ptr, len);
	if (number.len > 0) {
		key[len++] = '\n';
		memcpy(key + len, number.ptr, number.len);
		len += number.len;
	}
	place = map_get(mapping->by_channel, slice_of(key, len), NULL);
	clause->next = place->ptr;
	place->ptr = clause;
	if (mapping->nclauses < sizeof(mapping->clauses) /
	    sizeof(mapping->clauses[0]))
		mapping->clauses[mapping->nclauses++] = clause;
}

/* `where`: each field equals one of its values. */
static const struct prog *
read_where(struct mapping *mapping, const struct document *doc,
    const struct yaml_node *node)
{
	struct cond *all = NULL;

	if (node == NULL || node->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < node->n; i++) {
		struct cond *any = NULL;
		struct pred pred = { .op = PRED_EQ };

		pred.nfields = (uint8_t)mapping_resolve(mapping,
		    &doc->logsource, yaml_text(node->keys[i], SLICE("")),
		    pred.fields);
		for (size_t k = 0; k < node_members(node->items[i]); k++) {
			pred.text = fold_dup(mapping->arena, yaml_text(
			    node_member(node->items[i], k), SLICE("")));
			any = cond_or(mapping->arena, any,
			    cond_pred(mapping->arena, pred));
		}
		all = cond_and(mapping->arena, all, any);
	}
	return cond_compile(mapping->arena, all);
}

static void
read_event(struct mapping *mapping, const struct document *doc,
    const struct yaml_node *node, struct diag *diag)
{
	struct slice channel = yaml_text(yaml_get(node, "channel"), SLICE(""));
	const struct yaml_node *number = yaml_get(node, "number");
	struct clause clause = { .route = (uint16_t)mapping->nroutes };

	if (channel.len == 0 || channel.len > CHANNEL_BYTES / 2) {
		refuse(diag, doc->file, node, "an event needs a channel of "
		    "at most 80 bytes: {channel: Security, number: 4688}");
		return;
	}
	clause.channel = fold_dup(mapping->arena, channel);
	clause.where = read_where(mapping, doc, yaml_get(node, "where"));
	if (number == NULL)
		add_clause(mapping, clause, SLICE(""));
	for (size_t i = 0; i < node_members(number); i++) {
		const struct yaml_node *one = node_member(number, i);
		int64_t value;

		if (!yaml_long(one, &value) || one->text.len > 20)
			refuse(diag, doc->file, one, "not an event number");
		else
			add_clause(mapping, clause, one->text);
	}
}

static void
check_keys(const struct yaml_node *root, const char *file, struct diag *diag)
{
	static const char *const words[] = { "logsource", "fields", "names",
	    "also", "fallback", "events", "channel", "number" };
	const size_t n = sizeof(words) / sizeof(words[0]);

	for (size_t i = 0; i < root->n; i++) {
		struct slice key = yaml_text(root->keys[i], SLICE(""));
		const char *near;
		size_t k = 0;

		while (k < n && !slice_eq(key, slice_cstr(words[k])))
			k++;
		if (k < n)
			continue;
		near = diag_nearest(key, words, n);
		diag_error(diag, file, root->keys[i]->line,
		    root->keys[i]->column, "unknown key \"%.*s\"%s%s%s",
		    (int)key.len, key.ptr, near ? " (" : "",
		    near ? near : "", near ? "?)" : "");
	}
}

static void
add_document(struct mapping *mapping, const char *file,
    const struct yaml_node *root, struct diag *diag)
{
	const struct yaml_node *logsource = yaml_get(root, "logsource");
	struct document *doc;

	if (logsource == NULL || logsource->kind != YAML_MAP) {
		refuse(diag, file, root, "a mapping needs a logsource: "
		    "{product: ..., category: ..., service: ...}");
		return;
	}
	check_keys(root, file, diag);
	if (mapping->ndocs == mapping->cap_docs) {
		mapping->cap_docs = mapping->cap_docs * 2 + 32;
		mapping->docs = xrealloc(mapping->docs, mapping->cap_docs *
		    sizeof(*mapping->docs));
	}
	doc = &mapping->docs[mapping->ndocs++];
	*doc = (struct document){
		.place = mapping->ndocs,
		.file = arena_cstr(mapping->arena, slice_cstr(file)),
		.fields = yaml_get(root, "fields"),
		.fallback = yaml_get(root, "fallback"),
		.names = yaml_get(root, "names"),
		.also = yaml_get(root, "also"),
		.events = yaml_get(root, "events"),
	};
	read_logsource(mapping, doc, logsource, diag);
	read_places(yaml_get(root, "channel"), mapping->channel,
	    &mapping->nchannel);
	read_places(yaml_get(root, "number"), mapping->number,
	    &mapping->nnumber);
}

static void
add_file(struct mapping *mapping, const char *path, struct diag *diag)
{
	struct yaml_doc *yaml = yaml_load(path, diag);

	if (yaml == NULL)
		return;
	mapping->yaml = xrealloc(mapping->yaml, (mapping->nyaml + 1) *
	    sizeof(*mapping->yaml));
	mapping->yaml[mapping->nyaml++] = yaml;
	for (size_t i = 0; i < yaml_count(yaml); i++)
		add_document(mapping, path, yaml_root(yaml, i), diag);
}

static int
is_yaml(const struct dirent *entry)
{
	struct slice name = slice_cstr(entry->d_name);

	return name.ptr[0] != '.' && (slice_ends(name, SLICE(".yml")) ||
	    slice_ends(name, SLICE(".yaml")));
}

void
mapping_add(struct mapping *mapping, const char *folder, struct diag *diag)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_yaml, alphasort);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(folder) + strlen(entries[i]->d_name) + 2;
		char *path = xmalloc(len);

		snprintf(path, len, "%s/%s", folder, entries[i]->d_name);
		add_file(mapping, path, diag);
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Those that name more come first; else the order of files. */
static int
by_parts(const void *a, const void *b)
{
	const struct document *x = a, *y = b;

	if (x->parts != y->parts)
		return x->parts > y->parts ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static void
seal_events(struct mapping *mapping, const struct document *doc,
    struct diag *diag)
{
	for (size_t i = 0; i < node_members(doc->events); i++)
		read_event(mapping, doc, node_member(doc->events, i), diag);
	mapping->routes[mapping->nroutes++].logsource = doc->logsource;
}

void
mapping_seal(struct mapping *mapping, struct diag *diag)
{
	if (mapping->ndocs > 1)
		qsort(mapping->docs, mapping->ndocs, sizeof(*mapping->docs),
		    by_parts);
	for (size_t i = 0; i < mapping->ndocs; i++)
		if (mapping->docs[i].events != NULL &&
		    mapping->nroutes < ROUTE_LIMIT)
			seal_events(mapping, &mapping->docs[i], diag);
}

/* --- fields -------------------------------------------------------------- */

struct places {
	field_t	*out;
	size_t	 n;
};

static void
put_place(struct places *places, struct slice name)
{
	field_t field = field_intern(name);

	if (field == FIELD_NONE || places->n == PRED_FIELDS)
		return;
	for (size_t i = 0; i < places->n; i++)
		if (places->out[i] == field)
			return;
	places->out[places->n++] = field;
}

static const struct yaml_node *
find_key(const struct yaml_node *map, struct slice name)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (slice_eq(yaml_text(map->keys[i], SLICE("")), name))
			return map->items[i];
	return NULL;
}

static void
put_listed(struct places *places, const struct yaml_node *map,
    struct slice name)
{
	const struct yaml_node *node = find_key(map, name);

	for (size_t i = 0; i < node_members(node); i++)
		put_place(places, yaml_text(node_member(node, i), SLICE("")));
}

/* "{}" in a pattern is the name. */
static void
put_pattern(struct places *places, struct slice pattern, struct slice name)
{
	char text[FIELD_NAME_BYTES];
	ptrdiff_t at = slice_find(pattern, SLICE("{}"));
	int n;

	if (at < 0)
		return;
	n = snprintf(text, sizeof(text), "%.*s%.*s%.*s", (int)at, pattern.ptr,
	    (int)name.len, name.ptr, (int)(pattern.len - (size_t)at - 2),
	    pattern.ptr + at + 2);
	if (n > 0 && (size_t)n < sizeof(text))
		put_place(places, slice_of(text, (size_t)n));
}

static void
put_names(struct places *places, const struct yaml_node *names,
    struct slice name)
{
	for (size_t i = 0; i < node_members(names); i++)
		put_pattern(places, yaml_text(node_member(names, i),
		    SLICE("")), name);
	if (names == NULL)
		put_place(places, name);
}

size_t
mapping_resolve(const struct mapping *mapping,
    const struct logsource *logsource, struct slice name,
    field_t out[PRED_FIELDS])
{
	const struct yaml_node *names = NULL;
	struct places places = { out, 0 };

	for (size_t i = 0; i < mapping->ndocs; i++) {
		const struct document *doc = &mapping->docs[i];

		if (!logsource_meets(logsource, &doc->logsource))
			continue;
		put_listed(&places, doc->fields, name);
		if (names == NULL)
			names = doc->names;
	}
	put_names(&places, names, name);
	for (size_t i = 0; i < mapping->ndocs; i++) {
		const struct document *doc = &mapping->docs[i];
		const struct yaml_node *also;

		if (logsource_meets(logsource, &doc->logsource) &&
		    (also = find_key(doc->also, name)) != NULL)
			put_names(&places, names, yaml_text(also, SLICE("")));
	}
	for (size_t i = 0; i < mapping->ndocs; i++)
		if (logsource_meets(logsource, &mapping->docs[i].logsource))
			put_listed(&places, mapping->docs[i].fallback, name);
	put_place(&places, name);
	if (places.n == 0)
		out[places.n++] = FIELD_NONE;
	return places.n;
}

/* --- routes -------------------------------------------------------------- */

size_t
mapping_routes(const struct mapping *mapping)
{
	return mapping->nroutes;
}

/* Whether some document of that service has a channel of this route. */
static bool
shares_channel(const struct mapping *mapping, size_t route,
    const struct logsource *wanted)
{
	for (size_t i = 0; i < mapping->nclauses; i++) {
		const struct clause *mine = mapping->clauses[i];

		if (mine->route != route)
			continue;
		for (size_t k = 0; k < mapping->nclauses; k++) {
			const struct clause *other = mapping->clauses[k];

			if (slice_eq(mapping->routes[other->route]
			    .logsource.service, wanted->service) &&
			    slice_eq(mine->channel, other->channel))
				return true;
		}
	}
	return false;
}

bool
mapping_route_meets(const struct mapping *mapping, size_t route,
    const struct logsource *wanted)
{
	struct logsource has = mapping->routes[route].logsource;

	if (logsource_meets(&has, wanted))
		return true;
	if (wanted->category.len == 0 || wanted->service.len == 0 ||
	    !shares_channel(mapping, route, wanted))
		return false;
	has.service = wanted->service;
	return logsource_meets(&has, wanted);
}

static size_t
put_routes(const struct clause *clause, const struct event *event,
    struct pred_scratch *scratch, uint16_t *out, size_t n)
{
	for (; clause != NULL && n < MAPPING_ROUTES; clause = clause->next) {
		size_t at = n;

		if (clause->where != NULL &&
		    !prog_run(clause->where, event, scratch))
			continue;
		while (at > 0 && out[at - 1] > clause->route)
			at--;
		if (at > 0 && out[at - 1] == clause->route)
			continue;
		memmove(out + at + 1, out + at, (n - at) * sizeof(*out));
		out[at] = clause->route;
		n++;
	}
	return n;
}

static struct slice
text_of(const struct event *event, const field_t *fields, size_t nfields,
    struct pred_scratch *scratch, char buf[VALUE_TEXT_BYTES])
{
	const struct value *value = pred_pick(fields, nfields, event, scratch);

	if (value == NULL || value->type == VALUE_LIST)
		return SLICE("");
	return value_as_text(value, buf);
}

size_t
mapping_find_routes(const struct mapping *mapping, const struct event *event,
    struct pred_scratch *scratch, uint16_t out[MAPPING_ROUTES])
{
	char key[2 * CHANNEL_BYTES], buf[VALUE_TEXT_BYTES];
	struct slice channel = text_of(event, mapping->channel,
	    mapping->nchannel, scratch, buf);
	const union map_value *place;
	struct slice number;
	size_t len, n = 0;

	if (channel.len == 0 || channel.len > CHANNEL_BYTES / 2)
		return 0;
	len = fold_put(key, channel);
	place = map_find(mapping->by_channel, slice_of(key, len));
	if (place != NULL)
		n = put_routes(place->ptr, event, scratch, out, n);
	number = text_of(event, mapping->number, mapping->nnumber, scratch,
	    buf);
	if (number.len == 0 || number.len > 20)
		return n;
	key[len++] = '\n';
	memcpy(key + len, number.ptr, number.len);
	place = map_find(mapping->by_channel, slice_of(key, len +
	    number.len));
	if (place != NULL)
		n = put_routes(place->ptr, event, scratch, out, n);
	return n;
}
