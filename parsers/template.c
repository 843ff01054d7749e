/* A node of the tree stands for "the line matched up to here". Its children
 * are literals (text that must come next) and captures (a type and a name).
 * Literals of a node differ in their first byte, as in a radix tree.
 */
#include "parsers/template.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/ip.h"
#include "parsers/timetext.h"

#define DISCARD UINT16_MAX
#define UNFOLD_DEPTH 16

/* In the order in which they are tried: narrow before wide. */
enum type {
	TYPE_IP, TYPE_MAC, TYPE_TIME, TYPE_INT, TYPE_NUM, TYPE_HEX,
	TYPE_QUOTED, TYPE_KEY, TYPE_HOST, TYPE_WORD, TYPE_TO, TYPE_TEXT,
	TYPE_LAST, TYPE_REST
};

static const struct {
	const char *name;
	enum type type;
} types[] = {
	{ "text", TYPE_TEXT }, { "last", TYPE_LAST }, { "word", TYPE_WORD },
	{ "int", TYPE_INT }, { "num", TYPE_NUM }, { "hex", TYPE_HEX },
	{ "ip", TYPE_IP }, { "host", TYPE_HOST }, { "mac", TYPE_MAC },
	{ "quoted", TYPE_QUOTED }, { "time", TYPE_TIME },
	{ "key", TYPE_KEY }, { "rest", TYPE_REST },
};

struct literal {
	struct slice text;
	struct node *node;
	struct literal *next;
};

struct capture {
	enum type type;
	uint16_t name;
	struct slice until;	/* of TYPE_TO */
	struct node *node;
	struct capture *next;
};

#define MANY 4		/* more literals get a table by their first byte */

struct node {
	struct literal *literals;
	struct literal **by_byte;	/* 256 of them, or NULL */
	struct capture *captures;	/* by type */
	unsigned first[8];	/* bit per byte a literal begins with */
	int	 number;	/* template that ends here, -1 for none */
	int	 weight;	/* literal bytes on the way to that end */
	int	 best;		/* greatest weight of an end from here on */
};

struct template_tree {
	struct arena *arena;
	struct node *root;
};

static struct node *
node_new(struct arena *arena)
{
	struct node *node = arena_zalloc(arena, sizeof(*node));

	node->number = -1;
	node->best = -1;
	return node;
}

struct template_tree *
template_tree_new(struct arena *arena)
{
	struct template_tree *tree = arena_zalloc(arena, sizeof(*tree));

	tree->arena = arena;
	tree->root = node_new(arena);
	return tree;
}

/* --- reading a template --------------------------------------------------
 * A template is a list of parts; an optional part and alternatives hold lists
 * of their own. */
enum part_kind { PART_LITERAL, PART_CAPTURE, PART_CHOICE };

struct part {
	enum part_kind kind;
	struct slice text;	/* literal; `until` of a capture */
	enum type type;
	uint16_t name;
	struct part *choices[16];	/* heads of lists; NULL: nothing */
	size_t	 nchoices;
	struct part *next;
};

struct parse {
	struct template_tree *tree;
	struct slice text;
	size_t	 at;
	template_name_fn *name;
	void	*arg;
	const char *wrong;
	unsigned depth;
};

static bool
ahead(const struct parse *p, char a, char b)
{
	return p->at + 1 < p->text.len && p->text.ptr[p->at] == a &&
	    p->text.ptr[p->at + 1] == b;
}

static struct part *
part_new(struct parse *p, enum part_kind kind)
{
	struct part *part = arena_zalloc(p->tree->arena, sizeof(*part));

	part->kind = kind;
	return part;
}

static struct part *parse_list(struct parse *p, bool in_choice);

static struct part *
parse_capture(struct parse *p)
{
	struct part *part = part_new(p, PART_CAPTURE);
	struct slice rest = slice_skip(p->text, p->at + 1), name, type;
	ptrdiff_t end = slice_find_byte(rest, '}'), colon;

	part->type = TYPE_TEXT;
	if (end < 0) {
		p->wrong = "{ without }";
		return part;
	}
	name = slice_head(rest, (size_t)end);
	colon = slice_find_byte(name, ':');
	if (colon >= 0) {
		type = slice_skip(name, (size_t)colon + 1);
		name = slice_head(name, (size_t)colon);
		part->type = TYPE_REST + 1;
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
			if (slice_eq(type, slice_cstr(types[i].name)))
				part->type = types[i].type;
		if (slice_starts(type, SLICE("to(")) && type.len > 4 &&
		    slice_ends(type, SLICE(")"))) {
			part->type = TYPE_TO;
			part->text = arena_dup(p->tree->arena,
			    slice_of(type.ptr + 3, type.len - 4));
		}
		if (part->type > TYPE_REST)
			p->wrong = "unknown type (text, last, word, int, num, "
			    "hex, ip, host, mac, quoted, time, key, rest, "
			    "to(...))";
	}
	if (name.len == 0)
		p->wrong = "capture without a name ({_} throws away)";
	else if (p->wrong == NULL)
		part->name = slice_eq(name, SLICE("_")) ? DISCARD
		    : p->name(p->arg, name);
	p->at += (size_t)end + 2;
	return part;
}

/* "[[ x ]]" chooses between x and nothing, "((a|b))" between its members. */
static struct part *
parse_choice(struct parse *p, char open)
{
	struct part *part = part_new(p, PART_CHOICE);
	char close = open == '[' ? ']' : ')';

	p->at += 2;
	if (++p->depth > UNFOLD_DEPTH) {
		p->wrong = "nested too deeply";
		return part;
	}
	for (;;) {
		if (part->nchoices == 15) {
			p->wrong = "more than 15 alternatives";
			return part;
		}
		part->choices[part->nchoices++] =
		    parse_list(p, open == '(');
		if (p->wrong != NULL)
			return part;
		if (open == '(' && p->at < p->text.len &&
		    p->text.ptr[p->at] == '|') {
			p->at++;
			continue;
		}
		break;
	}
	if (!ahead(p, close, close)) {
		p->wrong = open == '[' ? "[[ without ]]" : "(( without ))";
		return part;
	}
	/* "]]]" closes behind the bracket that belongs to the text; parse_list
	 * has taken that one. */
	p->at += 2;
	p->depth--;
	if (open == '[')
		part->choices[part->nchoices++] = NULL;
	return part;
}

static bool
at_close(const struct parse *p, char c)
{
	return ahead(p, c, c) && !(p->at + 2 < p->text.len &&
	    p->text.ptr[p->at + 2] == c);
}

static struct part *
parse_literal(struct parse *p, bool in_choice)
{
	struct part *part = part_new(p, PART_LITERAL);
	char *text = arena_text(p->tree->arena, p->text.len - p->at + 1);
	size_t n = 0;

	while (p->at < p->text.len) {
		char c = p->text.ptr[p->at];

		if (ahead(p, '{', '{') || ahead(p, '}', '}')) {
			text[n++] = c;
			p->at += 2;
			continue;
		}
		if (c == '{' || ahead(p, '[', '[') || ahead(p, '(', '(') ||
		    at_close(p, ']') || at_close(p, ')') ||
		    (in_choice && c == '|'))
			break;
		p->at++;
		/* One blank stands for any number of them. */
		if (c == '\t')
			c = ' ';
		if (c == ' ' && n > 0 && text[n - 1] == ' ')
			continue;
		text[n++] = c;
	}
	part->text = slice_of(text, n);
	return part;
}

static struct part *
parse_list(struct parse *p, bool in_choice)
{
	struct part *head = NULL, **tail = &head;

	while (p->at < p->text.len && p->wrong == NULL) {
		if (at_close(p, ']') || at_close(p, ')') ||
		    (in_choice && p->text.ptr[p->at] == '|'))
			break;
		if (ahead(p, '{', '{'))
			*tail = parse_literal(p, in_choice);
		else if (p->text.ptr[p->at] == '{')
			*tail = parse_capture(p);
		else if (ahead(p, '[', '['))
			*tail = parse_choice(p, '[');
		else if (ahead(p, '(', '('))
			*tail = parse_choice(p, '(');
		else
			*tail = parse_literal(p, in_choice);
		tail = &(*tail)->next;
	}
	return head;
}

/* --- unfolding into the tree ---------------------------------------------
 * A form under construction: literals that meet are joined. */
struct item {
	bool	 is_literal;
	char	*text;		/* literal */
	size_t	 len;
	const struct part *capture;
};

struct form {
	struct item items[2 * TEMPLATE_CAPTURES + 2];
	size_t	 n, ncaptures;
};

struct unfold {
	struct template_tree *tree;
	unsigned number, forms;
	const char *wrong;
};

/* What comes after the list in hand, when that list is inside a choice. */
struct after {
	const struct part *part;
	const struct after *next;
};

/* Called once all templates are in the tree, and again if more come. */
static void
index_literals(struct arena *arena, struct node *node)
{
	size_t n = 0;

	for (struct literal *lit = node->literals; lit != NULL;
	    lit = lit->next) {
		index_literals(arena, lit->node);
		n++;
	}
	for (struct capture *capture = node->captures; capture != NULL;
	    capture = capture->next)
		index_literals(arena, capture->node);
	if (n <= MANY)
		return;
	if (node->by_byte == NULL)
		node->by_byte = arena_alloc(arena, 256 *
		    sizeof(*node->by_byte));
	memset(node->by_byte, 0, 256 * sizeof(*node->by_byte));
	for (struct literal *lit = node->literals; lit != NULL;
	    lit = lit->next)
		node->by_byte[(unsigned char)lit->text.ptr[0]] = lit;
}

void
template_finish(struct template_tree *tree)
{
	index_literals(tree->arena, tree->root);
}

static void
reach(struct node *node, int weight)
{
	if (weight > node->best)
		node->best = weight;
}

static struct node *
insert_literal(struct arena *arena, struct node *node, struct slice text,
    int weight)
{
	struct literal *lit;
	unsigned char c;
	size_t n;

	while (text.len > 0) {
		c = (unsigned char)text.ptr[0];
		for (lit = node->literals; lit != NULL; lit = lit->next)
			if ((unsigned char)lit->text.ptr[0] == c)
				break;
		if (lit == NULL) {
			lit = arena_zalloc(arena, sizeof(*lit));
			lit->text = text;
			lit->node = node_new(arena);
			lit->next = node->literals;
			node->literals = lit;
			node->first[c >> 5] |= 1u << (c & 31);
			reach(lit->node, weight);
			return lit->node;
		}
		for (n = 1; n < text.len && n < lit->text.len; n++)
			if (text.ptr[n] != lit->text.ptr[n])
				break;
		if (n < lit->text.len) {
			struct node *middle = node_new(arena);
			struct literal *tail = arena_zalloc(arena,
			    sizeof(*tail));

			tail->text = slice_skip(lit->text, n);
			tail->node = lit->node;
			c = (unsigned char)tail->text.ptr[0];
			middle->literals = tail;
			middle->best = lit->node->best;
			middle->first[c >> 5] |= 1u << (c & 31);
			lit->text = slice_head(lit->text, n);
			lit->node = middle;
		}
		node = lit->node;
		reach(node, weight);
		text = slice_skip(text, n);
	}
	return node;
}

static struct node *
insert_capture(struct arena *arena, struct node *node, const struct part *part,
    int weight)
{
	struct capture **at = &node->captures, *capture;

	for (; *at != NULL && (*at)->type <= part->type; at = &(*at)->next)
		if ((*at)->type == part->type && (*at)->name == part->name &&
		    slice_eq((*at)->until, part->text)) {
			reach((*at)->node, weight);
			return (*at)->node;
		}
	capture = arena_zalloc(arena, sizeof(*capture));
	capture->type = part->type;
	capture->name = part->name;
	capture->until = part->text;
	capture->node = node_new(arena);
	reach(capture->node, weight);
	capture->next = *at;
	*at = capture;
	return capture->node;
}

static void
insert_form(struct unfold *u, struct form *form)
{
	struct node *node = u->tree->root;
	int weight = 0;

	if (++u->forms > TEMPLATE_FORMS) {
		u->wrong = "unfolds to more than 256 forms";
		return;
	}
	/* Blanks at the end do not matter in the line, so not here either. */
	if (form->n > 0 && form->items[form->n - 1].is_literal) {
		struct item *last = &form->items[form->n - 1];

		while (last->len > 0 && last->text[last->len - 1] == ' ')
			last->len--;
	}
	for (size_t i = 0; i < form->n; i++)
		if (form->items[i].is_literal)
			weight += (int)form->items[i].len;
	reach(node, weight);
	for (size_t i = 0; i < form->n; i++) {
		const struct item *item = &form->items[i];

		if (item->is_literal)
			node = insert_literal(u->tree->arena, node,
			    arena_dup(u->tree->arena,
			    slice_of(item->text, item->len)), weight);
		else
			node = insert_capture(u->tree->arena, node,
			    item->capture, weight);
	}
	if (node->number < 0) {
		node->number = (int)u->number;
		node->weight = weight;
	}
}

static bool
append_literal(struct unfold *u, struct form *form, struct slice text)
{
	struct item *last = form->n > 0 ? &form->items[form->n - 1] : NULL;
	char *joined;

	if (last != NULL && last->is_literal) {
		/* Two blanks that meet are one. */
		if (last->len > 0 && last->text[last->len - 1] == ' ' &&
		    text.len > 0 && text.ptr[0] == ' ')
			text = slice_skip(text, 1);
		joined = arena_text(u->tree->arena,
		    last->len + text.len + 1);
		memcpy(joined, last->text, last->len);
		if (text.len > 0)
			memcpy(joined + last->len, text.ptr, text.len);
		last->text = joined;
		last->len += text.len;
		return true;
	}
	if (form->n == 2 * TEMPLATE_CAPTURES + 2)
		return false;
	form->items[form->n++] = (struct item){ .is_literal = true,
	    .text = arena_cstr(u->tree->arena, text), .len = text.len };
	return true;
}

static void
unfold(struct unfold *u, const struct part *part, const struct after *after,
    const struct form *before)
{
	struct form *form;

	while (part == NULL && after != NULL) {
		part = after->part;
		after = after->next;
	}
	if (u->wrong != NULL)
		return;
	form = malloc(sizeof(*form));
	check(form != NULL);
	*form = *before;
	for (; part != NULL; ) {
		if (part->kind == PART_CHOICE) {
			struct after rest = { part->next, after };

			for (size_t i = 0; i < part->nchoices; i++)
				unfold(u, part->choices[i], &rest, form);
			free(form);
			return;
		}
		if (part->kind == PART_LITERAL) {
			if (!append_literal(u, form, part->text))
				u->wrong = "too long";
		} else if (form->ncaptures == TEMPLATE_CAPTURES ||
		    form->n >= 2 * TEMPLATE_CAPTURES + 2) {
			u->wrong = "more than 48 captures";
		} else {
			form->items[form->n++] = (struct item){
			    .capture = part };
			form->ncaptures++;
		}
		if (u->wrong != NULL)
			break;
		part = part->next;
		while (part == NULL && after != NULL) {
			part = after->part;
			after = after->next;
		}
	}
	if (u->wrong == NULL)
		insert_form(u, form);
	free(form);
}

const char *
template_add(struct template_tree *tree, struct slice text, unsigned number,
    template_name_fn *name, void *arg, size_t *at)
{
	struct parse p = { .tree = tree, .text = text, .name = name,
	    .arg = arg };
	struct unfold u = { .tree = tree, .number = number };
	struct form *empty;
	struct part *list;

	while (p.at < text.len && text.ptr[p.at] == ' ')
		p.at++;
	list = parse_list(&p, false);
	if (p.wrong == NULL && p.at < text.len)
		p.wrong = "closes what is not open";
	*at = p.at;
	if (p.wrong != NULL)
		return p.wrong;
	empty = calloc(1, sizeof(*empty));
	check(empty != NULL);
	unfold(&u, list, NULL, empty);
	free(empty);
	*at = 0;
	return u.wrong;
}

/* --- matching ------------------------------------------------------------
 * All ways to the end are tried as far as they can still beat the one found:
 * a node knows the most literal text that any end below it has. The first of
 * equals wins, which is the narrow type before the wide one. */
struct run {
	const char *end;
	struct template_match *match;	/* the best so far */
	int	 best;		/* its literal bytes, -1: none yet */
	size_t	 n;		/* captures on the way in hand */
	struct template_capture captures[TEMPLATE_CAPTURES];
	unsigned steps;		/* nodes visited */
	size_t	 bytes;		/* looked at by captures without an end */
};

static void run_node(struct run *run, const struct node *node, const char *p);

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_name(char c)
{
	return is_digit(c) || (ascii_lower(c) >= 'a' &&
	    ascii_lower(c) <= 'z') || c == '.' || c == '_' || c == '-';
}

static size_t
span_ip(const char *p, const char *end, size_t *skip)
{
	const char *q = p;
	uint8_t ip[16];
	bool colon = false;

	while (q < end && q - p < 46 && (is_hex(*q) || *q == '.' ||
	    *q == ':')) {
		colon = colon || *q == ':';
		q++;
	}
	/* A colon or a point behind an address belongs to the text; IPv4 with
	 * ":port" behind ends at the colon. */
	while (q > p && !ip_parse(slice_of(p, (size_t)(q - p)), ip)) {
		const char *cut = q - 1;

		while (cut > p && *cut != ':' && *cut != '.')
			cut--;
		if (cut == p)
			return 0;
		q = cut;
	}
	if (q == p)
		return 0;
	*skip = 0;
	if (colon && q < end && *q == '%') {
		const char *zone = q + 1;

		while (zone < end && (is_name(*zone)))
			zone++;
		*skip = (size_t)(zone - q);
	}
	return (size_t)(q - p);
}

static size_t
span_number(const char *p, const char *end, bool with_fraction)
{
	const char *q = p;

	if (q < end && (*q == '-' || *q == '+'))
		q++;
	if (q == end || !is_digit(*q))
		return 0;
	while (q < end && is_digit(*q))
		q++;
	if (with_fraction && end - q > 1 && *q == '.' && is_digit(q[1]))
		for (q++; q < end && is_digit(*q); q++)
			;
	return (size_t)(q - p);
}

static size_t
span_mac(const char *p, const char *end)
{
	if (end - p < 17)
		return 0;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? p[i] != ':' && p[i] != '-' : !is_hex(p[i]))
			return 0;
	return 17;
}

/* The bytes that a capture of a type with a natural end takes; 0 if none. */
static size_t
span_of(enum type type, const char *p, const char *end, size_t *skip)
{
	struct timetext time;
	const char *q = p;

	*skip = 0;
	switch (type) {
	case TYPE_IP:
		return span_ip(p, end, skip);
	case TYPE_MAC:
		return span_mac(p, end);
	case TYPE_INT:
		return span_number(p, end, false);
	case TYPE_NUM:
		return span_number(p, end, true);
	case TYPE_HEX:
		if (end - p > 2 && p[0] == '0' && (p[1] == 'x' ||
		    p[1] == 'X') && is_hex(p[2]))
			q += 2;
		while (q < end && is_hex(*q))
			q++;
		return (size_t)(q - p);
	case TYPE_KEY:
		while (q < end && is_name(*q))
			q++;
		return (size_t)(q - p);
	case TYPE_HOST:
		while (q < end && (is_name(*q) || *q == ':' || *q == '%'))
			q++;
		return (size_t)(q - p);
	case TYPE_TIME:
		if (end - p > 64)
			end = p + 64;
		{
			size_t n = timetext_read(slice_of(p,
			    (size_t)(end - p)), &time);

			/* An epoch ends where its digits do. */
			if (n == 0 && is_digit(*p)) {
				n = span_number(p, end, true);
				if (!timetext_read_epoch(slice_of(p, n),
				    &time))
					n = 0;
			}
			return n;
		}
	default:
		return 0;
	}
}

/* Whether nothing better can be found behind this node. */
static bool
settled(const struct run *run, const struct node *node)
{
	return run->best >= node->best || run->steps > TEMPLATE_STEPS ||
	    run->bytes > TEMPLATE_BYTES;
}

static void
go_on(struct run *run, const struct capture *capture, struct slice text,
    const char *p)
{
	size_t n = run->n;

	if (capture->name != DISCARD) {
		if (n == TEMPLATE_CAPTURES)
			return;
		run->captures[n].name = capture->name;
		run->captures[n].text = text;
		run->n++;
	}
	run_node(run, capture->node, p);
	run->n = n;
}

/* Whether what follows the capture can begin at p. */
static bool
may_begin(const struct node *node, const char *p, const char *end)
{
	unsigned char c;

	if (node->captures != NULL)
		return true;
	if (p == end)
		return node->number >= 0;
	c = (unsigned char)*p;
	if (c == '\t')
		c = ' ';
	if ((node->first[c >> 5] >> (c & 31) & 1) != 0)
		return true;
	return node->number >= 0 && is_blank((char)c);
}

static void
run_shortest(struct run *run, const struct capture *capture, const char *p,
    bool word)
{
	for (const char *q = p + 1; q <= run->end; q++) {
		if (word && is_blank(q[-1]))
			return;
		run->bytes++;
		if (may_begin(capture->node, q, run->end))
			go_on(run, capture, slice_of(p, (size_t)(q - p)), q);
		if (settled(run, capture->node))
			return;
	}
}

static void
run_longest(struct run *run, const struct capture *capture, const char *p)
{
	for (const char *q = run->end; q > p; q--) {
		run->bytes++;
		if (may_begin(capture->node, q, run->end))
			go_on(run, capture, slice_of(p, (size_t)(q - p)), q);
		if (settled(run, capture->node))
			return;
	}
}

static void
run_quoted(struct run *run, const struct capture *capture, const char *p)
{
	const char *q = p + 1;

	if (p == run->end || (*p != '"' && *p != '\''))
		return;
	while (q < run->end && *q != *p)
		q += *q == '\\' && run->end - q > 1 ? 2 : 1;
	if (q < run->end)
		go_on(run, capture, slice_of(p + 1, (size_t)(q - p - 1)),
		    q + 1);
}

/* "10.0.0.1." and "host:": the last point or colon may belong to the text,
 * and so may a port. */
static void
run_span(struct run *run, const struct capture *capture, const char *p)
{
	struct slice left = slice_of(p, (size_t)(run->end - p));
	size_t n, skip;

	if (p == run->end)
		return;
	n = span_of(capture->type, p, run->end, &skip);
	if (n == 0)
		return;
	go_on(run, capture, slice_head(left, n), p + n + skip);
	if (settled(run, capture->node) || (capture->type != TYPE_HOST &&
	    capture->type != TYPE_KEY))
		return;
	if (n > 1 && (p[n - 1] == '.' || p[n - 1] == ':' || p[n - 1] == '-'))
		go_on(run, capture, slice_head(left, n - 1), p + n - 1);
	if (settled(run, capture->node) || capture->type != TYPE_HOST)
		return;
	while (n > 1 && p[n - 1] != ':')
		n--;
	if (n > 1)
		go_on(run, capture, slice_head(left, n - 1), p + n - 1);
}

static void
run_capture(struct run *run, const struct capture *capture, const char *p)
{
	struct slice left = slice_of(p, (size_t)(run->end - p));
	ptrdiff_t found;

	switch (capture->type) {
	case TYPE_WORD:
		run_shortest(run, capture, p, true);
		break;
	case TYPE_TEXT:
		run_shortest(run, capture, p, false);
		break;
	case TYPE_LAST:
		run_longest(run, capture, p);
		break;
	case TYPE_REST:
		go_on(run, capture, left, run->end);
		break;
	case TYPE_QUOTED:
		run_quoted(run, capture, p);
		break;
	case TYPE_TO:
		found = slice_find(left, capture->until);
		if (found >= 0)
			go_on(run, capture, slice_head(left, (size_t)found),
			    p + found);
		break;
	default:
		run_span(run, capture, p);
	}
}

/* A blank in the literal takes all blanks of the line. NULL: no match. */
static const char *
match_literal(struct slice literal, const char *p, const char *end)
{
	size_t i = 0;

	while (i < literal.len) {
		char c = literal.ptr[i];

		if (p == end)
			return NULL;
		if (c == ' ') {
			if (!is_blank(*p))
				return NULL;
			while (p < end && is_blank(*p))
				p++;
			i++;
		} else if (*p != c) {
			return NULL;
		} else {
			p++;
			i++;
		}
	}
	return p;
}

static void
run_literals(struct run *run, const struct node *node, const char *p)
{
	unsigned char c = (unsigned char)(*p == '\t' ? ' ' : *p);
	const struct literal *lit = node->literals;
	const char *next;

	if ((node->first[c >> 5] >> (c & 31) & 1) == 0)
		return;
	if (node->by_byte != NULL)
		lit = node->by_byte[c];
	else
		while ((unsigned char)lit->text.ptr[0] != c)
			lit = lit->next;
	if (settled(run, lit->node))
		return;
	next = match_literal(lit->text, p, run->end);
	if (next != NULL)
		run_node(run, lit->node, next);
}

static void
run_node(struct run *run, const struct node *node, const char *p)
{
	run->steps++;
	if (settled(run, node))
		return;
	if (p < run->end)
		run_literals(run, node, p);
	if (p == run->end && node->number >= 0 && node->weight > run->best) {
		run->best = node->weight;
		run->match->number = (unsigned)node->number;
		run->match->n = run->n;
		memcpy(run->match->captures, run->captures,
		    run->n * sizeof(run->captures[0]));
	}
	for (const struct capture *capture = node->captures; capture != NULL;
	    capture = capture->next)
		if (!settled(run, capture->node))
			run_capture(run, capture, p);
}

bool
template_match(const struct template_tree *tree, struct slice text,
    struct template_match *match)
{
	struct run run;

	while (text.len > 0 && (is_blank(text.ptr[text.len - 1]) ||
	    text.ptr[text.len - 1] == '\r' || text.ptr[text.len - 1] == '\n'))
		text.len--;
	while (text.len > 0 && is_blank(text.ptr[0]))
		text = slice_skip(text, 1);
	if (text.ptr == NULL)
		return false;
	run.end = text.ptr + text.len;
	run.match = match;
	run.best = -1;
	run.steps = 0;
	run.bytes = run.n = 0;
	run_node(&run, tree->root, text.ptr);
	return run.best >= 0;
}
