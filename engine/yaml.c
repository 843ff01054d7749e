/* libyaml's events become nodes on a stack of open lists and maps. An alias
 * shares the node it names, so memory stays small whatever a file unfolds to;
 * what counts against YAML_NODES and YAML_DEPTH is the unfolded tree, because
 * that is what readers walk.
 */
#include "engine/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "engine/strbuf.h"

#define FEW_KEYS 8	/* up to here a duplicate is found by looking */

/* What the header does not show. */
struct whole {
	struct yaml_node node;
	size_t	 size;		/* nodes it unfolds to */
	unsigned height;	/* levels below it */
};

struct yaml_doc {
	struct arena *arena;
	const char *file;
	struct yaml_node **roots;
	size_t	 n, cap;
};

/* A list or map that is still open. */
struct frame {
	struct whole *whole;
	const char *anchor;
	struct yaml_node *key;	/* of a map: waits for its value */
	bool	 drop;		/* the value belongs to a refused key */
	struct yaml_node **items, **keys;
	size_t	 n, cap;
	struct map *seen;	/* keys, once there are more than few */
};

struct build {
	struct yaml_doc *doc;
	struct diag *diag;
	struct map *anchors;
	size_t	 total;
	unsigned depth;
	bool	 failed;
	struct frame frames[YAML_DEPTH];
};

static void
complain(struct build *build, const yaml_mark_t *mark, const char *text)
{
	diag_error(build->diag, build->doc->file, (int)mark->line + 1,
	    (int)mark->column + 1, "%s", text);
	build->failed = true;
}

static struct whole *
node_new(struct build *build, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct whole *whole = arena_zalloc(build->doc->arena, sizeof(*whole));

	whole->node.kind = kind;
	whole->node.line = (int)mark->line + 1;
	whole->node.column = (int)mark->column + 1;
	whole->node.text = slice_of("", 0);
	whole->size = 1;
	return whole;
}

static void
name_anchor(struct build *build, const char *anchor, struct whole *whole)
{
	if (anchor != NULL)
		map_get(build->anchors, slice_cstr(anchor), NULL)->ptr = whole;
}

static bool
key_seen(struct frame *frame, struct slice key)
{
	bool made;

	if (frame->n < FEW_KEYS) {
		for (size_t i = 0; i < frame->n; i++)
			if (slice_eq(frame->keys[i]->text, key))
				return true;
		return false;
	}
	if (frame->seen == NULL) {
		frame->seen = map_new_borrowing();
		for (size_t i = 0; i < frame->n; i++)
			map_get(frame->seen, frame->keys[i]->text, NULL);
	}
	map_get(frame->seen, key, &made);
	return !made;
}

static void
frame_append(struct frame *frame, struct yaml_node *key,
    struct yaml_node *item)
{
	if (frame->n == frame->cap) {
		frame->cap = frame->cap > 0 ? frame->cap * 2 : 8;
		frame->items = xrealloc(frame->items,
		    frame->cap * sizeof(struct yaml_node *));
		frame->keys = xrealloc(frame->keys,
		    frame->cap * sizeof(struct yaml_node *));
	}
	frame->keys[frame->n] = key;
	frame->items[frame->n++] = item;
}

/* The first half of a pair. A key that is refused still swallows its value. */
static void
take_key(struct build *build, struct frame *frame, struct whole *whole)
{
	struct yaml_node *key = &whole->node;

	frame->key = key;
	frame->drop = true;
	if (key->kind != YAML_SCALAR) {
		diag_error(build->diag, build->doc->file, key->line,
		    key->column, "a key must be plain text");
		return;
	}
	if (key_seen(frame, key->text)) {
		diag_error(build->diag, build->doc->file, key->line,
		    key->column, "key \"%.*s\" is given twice",
		    (int)(key->text.len < 80 ? key->text.len : 80),
		    key->text.ptr);
		return;
	}
	frame->drop = false;
}

/* Puts a finished node where it belongs. */
static void
place(struct build *build, struct whole *whole)
{
	struct yaml_doc *doc = build->doc;
	struct frame *frame;

	if (build->depth == 0) {
		if (doc->n == doc->cap) {
			doc->cap = doc->cap > 0 ? doc->cap * 2 : 4;
			doc->roots = xrealloc(doc->roots,
			    doc->cap * sizeof(struct yaml_node *));
		}
		doc->roots[doc->n++] = &whole->node;
		return;
	}
	frame = &build->frames[build->depth - 1];
	frame->whole->size += whole->size;
	if (whole->height + 1 > frame->whole->height)
		frame->whole->height = whole->height + 1;
	if (frame->whole->node.kind == YAML_LIST) {
		frame_append(frame, NULL, &whole->node);
	} else if (frame->key == NULL) {
		take_key(build, frame, whole);
	} else {
		if (!frame->drop)
			frame_append(frame, frame->key, &whole->node);
		frame->key = NULL;
	}
}

static bool
count_nodes(struct build *build, size_t n, const yaml_mark_t *mark)
{
	build->total += n;
	if (build->total <= YAML_NODES)
		return true;
	complain(build, mark, "the file unfolds to too many nodes");
	return false;
}

static bool
is_text_tag(const yaml_char_t *tag)
{
	return tag != NULL && strcmp((const char *)tag, YAML_STR_TAG) == 0;
}

static void
on_scalar(struct build *build, const yaml_event_t *event)
{
	struct whole *whole;

	if (!count_nodes(build, 1, &event->start_mark))
		return;
	whole = node_new(build, YAML_SCALAR, &event->start_mark);
	whole->node.text = arena_dup(build->doc->arena,
	    slice_of((const char *)event->data.scalar.value,
	    event->data.scalar.length));
	whole->node.quoted =
	    event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
	    is_text_tag(event->data.scalar.tag);
	name_anchor(build, (const char *)event->data.scalar.anchor, whole);
	place(build, whole);
}

static void
on_alias(struct build *build, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	union map_value *found = map_find(build->anchors, slice_cstr(name));
	struct whole *whole;

	if (found == NULL) {
		complain(build, &event->start_mark,
		    "the alias names nothing before it");
		return;
	}
	whole = found->ptr;
	if (build->depth + whole->height >= YAML_DEPTH) {
		complain(build, &event->start_mark, "nested too deep");
		return;
	}
	if (count_nodes(build, whole->size, &event->start_mark))
		place(build, whole);
}

static void
on_start(struct build *build, enum yaml_kind kind, const yaml_char_t *anchor,
    const yaml_mark_t *mark)
{
	struct frame *frame;

	if (!count_nodes(build, 1, mark))
		return;
	if (build->depth == YAML_DEPTH) {
		complain(build, mark, "nested too deep");
		return;
	}
	frame = &build->frames[build->depth++];
	*frame = (struct frame){ .whole = node_new(build, kind, mark) };
	if (anchor != NULL)
		frame->anchor = arena_cstr(build->doc->arena,
		    slice_cstr((const char *)anchor));
}

static void
frame_fini(struct frame *frame)
{
	free(frame->items);
	free(frame->keys);
	map_free(frame->seen);
}

static struct yaml_node **
nodes_copy(struct build *build, struct yaml_node **nodes, size_t n)
{
	size_t bytes = n * sizeof(struct yaml_node *);

	if (n == 0)
		return NULL;
	return memcpy(arena_alloc(build->doc->arena, bytes), nodes, bytes);
}

static void
on_end(struct build *build)
{
	struct frame *frame = &build->frames[--build->depth];
	struct whole *whole = frame->whole;

	whole->node.n = frame->n;
	whole->node.items = nodes_copy(build, frame->items, frame->n);
	if (whole->node.kind == YAML_MAP)
		whole->node.keys = nodes_copy(build, frame->keys, frame->n);
	name_anchor(build, frame->anchor, whole);
	frame_fini(frame);
	place(build, whole);
}

static void
on_event(struct build *build, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		map_free(build->anchors);
		build->anchors = map_new();
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(build, event);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(build, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_start(build, YAML_LIST, event->data.sequence_start.anchor,
		    &event->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		on_start(build, YAML_MAP, event->data.mapping_start.anchor,
		    &event->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(build);
		break;
	default:
		break;
	}
}

static void
complain_parser(struct build *build, const yaml_parser_t *parser)
{
	bool placed = parser->error == YAML_SCANNER_ERROR ||
	    parser->error == YAML_PARSER_ERROR;

	diag_error(build->diag, build->doc->file,
	    placed ? (int)parser->problem_mark.line + 1 : 0,
	    placed ? (int)parser->problem_mark.column + 1 : 0,
	    "not YAML: %s", parser->problem != NULL ? parser->problem :
	    "unreadable");
	build->failed = true;
}

static void
run_parser(struct build *build, struct slice bytes)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool done = false;

	check(yaml_parser_initialize(&parser) != 0);
	yaml_parser_set_input_string(&parser,
	    (const unsigned char *)bytes.ptr, bytes.len);
	while (!done && !build->failed) {
		if (yaml_parser_parse(&parser, &event) == 0) {
			complain_parser(build, &parser);
			break;
		}
		done = event.type == YAML_STREAM_END_EVENT;
		on_event(build, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

struct yaml_doc *
yaml_parse(struct slice bytes, const char *file, struct diag *diag)
{
	struct build build = { .diag = diag };
	struct yaml_doc *doc;

	if (bytes.len > YAML_BYTES) {
		diag_error(diag, file, 0, 0, "larger than %u bytes",
		    YAML_BYTES);
		return NULL;
	}
	doc = xcalloc(1, sizeof(*doc));
	doc->arena = arena_new(0);
	doc->file = arena_cstr(doc->arena, slice_cstr(file));
	build.doc = doc;
	build.anchors = map_new();
	run_parser(&build, bytes.ptr != NULL ? bytes : slice_of("", 0));
	while (build.depth > 0)
		frame_fini(&build.frames[--build.depth]);
	map_free(build.anchors);
	if (build.failed) {
		yaml_free(doc);
		return NULL;
	}
	return doc;
}

/* Reads to the end, whatever stat says: it may be a pipe. */
static bool
read_file(const char *file, struct strbuf *buf, struct diag *diag)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (fd >= 0 && buf->len <= YAML_BYTES) {
		got = read(fd, strbuf_room(buf, 65536), 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		buf->len += (size_t)got;
	}
	if (got < 0)
		diag_error(diag, file, 0, 0, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return got >= 0;
}

struct yaml_doc *
yaml_load(const char *file, struct diag *diag)
{
	struct strbuf buf = STRBUF_INIT;
	struct yaml_doc *doc = NULL;

	if (read_file(file, &buf, diag))
		doc = yaml_parse(strbuf_slice(&buf), file, diag);
	strbuf_fini(&buf);
	return doc;
}

void
yaml_free(struct yaml_doc *doc)
{
	if (doc == NULL)
		return;
	arena_free(doc->arena);
	free(doc->roots);
	free(doc);
}

const char *
yaml_file(const struct yaml_doc *doc)
{
	return doc->file;
}

size_t
yaml_count(const struct yaml_doc *doc)
{
	return doc->n;
}

const struct yaml_node *
yaml_root(const struct yaml_doc *doc, size_t i)
{
	check(i < doc->n);
	return doc->roots[i];
}

const struct yaml_node *
yaml_get(const struct yaml_node *node, const char *key)
{
	struct slice wanted = slice_cstr(key);

	if (node == NULL || node->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < node->n; i++)
		if (slice_eq(node->keys[i]->text, wanted))
			return node->items[i];
	return NULL;
}

bool
yaml_is_null(const struct yaml_node *node)
{
	if (node == NULL || node->kind != YAML_SCALAR || node->quoted)
		return false;
	return node->text.len == 0 || slice_eq(node->text, SLICE("~")) ||
	    slice_eq(node->text, SLICE("null")) ||
	    slice_eq(node->text, SLICE("Null")) ||
	    slice_eq(node->text, SLICE("NULL"));
}

bool
yaml_bool(const struct yaml_node *node, bool *out)
{
	if (node == NULL || node->kind != YAML_SCALAR || node->quoted)
		return false;
	if (slice_eq_nocase(node->text, SLICE("true")))
		*out = true;
	else if (slice_eq_nocase(node->text, SLICE("false")))
		*out = false;
	else
		return false;
	return true;
}

bool
yaml_long(const struct yaml_node *node, int64_t *out)
{
	if (node == NULL || node->kind != YAML_SCALAR || node->quoted)
		return false;
	return slice_long(node->text, out);
}

struct slice
yaml_text(const struct yaml_node *node, struct slice otherwise)
{
	return node == NULL || node->kind != YAML_SCALAR ? otherwise
	    : node->text;
}
