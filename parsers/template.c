/* A node of the tree stands for "the line matched up to here". Its children
 * are literals (text that must come next) and captures (a type and a name).
 * Literals of a node differ in their first byte, as in a radix tree.
 */
#include "parsers/template.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "parsers/template_tree.h"

#define UNFOLD_DEPTH 16

static const struct {
	const char *name;
	enum template_type type;
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
	enum template_type type;
	uint16_t name;
	struct slice until;	/* of TYPE_TO */
	struct node *node;
	struct capture *next;
};

struct node {
	struct literal *literals;
	struct capture *captures;	/* by type */
	unsigned first[8];	/* bit per byte a literal begins with */
	int	 number;	/* template that ends here, -1 for none */
	int	 weight;	/* literal bytes on the way to that end */
	int	 best;		/* greatest weight of an end from here on */
};

struct template_tree {
	struct arena *arena;
	struct node *root;
	const struct template_node *finished;	/* NULL: not yet */
};

const struct template_node *
template_root(const struct template_tree *tree)
{
	check(tree->finished != NULL);
	return tree->finished;
}

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
	enum template_type type;
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
		part->name = slice_eq(name, SLICE("_")) ? TEMPLATE_DISCARD
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

/* --- the tree as it is walked ---------------------------------------------- */
#define MANY 4		/* more literals get a table by their first byte */

static void lay_out(struct arena *arena, const struct node *node,
    struct template_node *out);

static void
lay_literals(struct arena *arena, const struct node *node,
    struct template_node *out)
{
	struct template_literal *literals;
	struct template_node *below;
	uint8_t *by_byte;
	size_t n = 0;

	for (struct literal *lit = node->literals; lit != NULL;
	    lit = lit->next)
		n++;
	literals = arena_zalloc(arena, (n + 1) * sizeof(*literals));
	below = arena_zalloc(arena, (n + 1) * sizeof(*below));
	by_byte = n > MANY ? arena_zalloc(arena, 256) : NULL;
	out->literals = literals;
	out->by_byte = by_byte;
	out->nliterals = (uint16_t)n;
	n = 0;
	for (struct literal *lit = node->literals; lit != NULL;
	    lit = lit->next, n++) {
		unsigned char c = (unsigned char)lit->text.ptr[0];

		literals[n].text = lit->text;
		literals[n].blank = slice_find_byte(lit->text, ' ') >= 0;
		literals[n].node = &below[n];
		if (by_byte != NULL)
			by_byte[c] = (uint8_t)(n + 1);
		lay_out(arena, lit->node, &below[n]);
	}
}

static void
lay_holes(struct arena *arena, const struct node *node,
    struct template_node *out)
{
	struct template_hole *holes;
	struct template_node *below;
	size_t n = 0;

	for (struct capture *capture = node->captures; capture != NULL;
	    capture = capture->next)
		n++;
	holes = arena_zalloc(arena, (n + 1) * sizeof(*holes));
	below = arena_zalloc(arena, (n + 1) * sizeof(*below));
	out->holes = holes;
	out->nholes = (uint16_t)n;
	n = 0;
	for (struct capture *capture = node->captures; capture != NULL;
	    capture = capture->next, n++) {
		holes[n] = (struct template_hole){ .type = capture->type,
		    .name = capture->name, .until = capture->until,
		    .node = &below[n] };
		lay_out(arena, capture->node, &below[n]);
	}
}

static void
add_byte(struct template_node *node, unsigned char c)
{
	node->begins[c >> 6] |= UINT64_C(1) << (c & 63);
}

/* A blank in a template stands for tabs too, and at the end of a line for
 * nothing: who ends here may be followed by one. */
static void
lay_out(struct arena *arena, const struct node *node,
    struct template_node *out)
{
	out->number = node->number;
	out->weight = node->weight;
	out->best = node->best;
	lay_literals(arena, node, out);
	lay_holes(arena, node, out);
	for (size_t i = 0; i < out->nliterals; i++)
		add_byte(out, (unsigned char)out->literals[i].text.ptr[0]);
	if (node->number >= 0)
		add_byte(out, ' ');
	if ((out->begins[0] >> ' ' & 1) != 0)
		add_byte(out, '\t');
	out->blank_next = out->nholes == 0 && out->begins[1] == 0 &&
	    out->begins[2] == 0 && out->begins[3] == 0 && (out->begins[0] &
	    ~(UINT64_C(1) << ' ' | UINT64_C(1) << '\t')) == 0;
	if (out->nholes > 0)
		memset(out->begins, 0xff, sizeof(out->begins));
}

void
template_finish(struct template_tree *tree)
{
	struct template_node *root = arena_zalloc(tree->arena, sizeof(*root));

	lay_out(tree->arena, tree->root, root);
	tree->finished = root;
}
