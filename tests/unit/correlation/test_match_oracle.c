/* A second, deliberately simple evaluator of detections, and random rules and
 * events on which it and the engine have to agree, with the index and without.
 * Nothing is shared with the engine but the text of rules and events.
 *
 * MATCH_ORACLE_ROUNDS sets how many sets of rules are tried (default 40).
 */
#include "rule_try.h"

#include <locale.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define RULES 25		/* in one set */
#define EVENTS 40		/* for one set */
#define TEXT 48
#define VALUES 3
#define ITEMS 3
#define SECTIONS 4
#define FIELDS 5

static const char *const field_names[FIELDS] = { "F", "G", "N.x", "a b",
	"L.y" };
static const char *const section_names[SECTIONS] = { "sel_a", "sel_b",
	"flt_a", "_hid" };

enum type { ABSENT, NOTHING, TEXT_VALUE, NUMBER, BOOLEAN };

struct scalar {
	enum type type;
	char	 text[TEXT];	/* as text, whatever the type */
};

struct field_value {
	size_t	 n;		/* 0: absent */
	bool	 list;
	struct scalar items[VALUES];
};

struct happening {
	struct field_value fields[FIELDS];
};

enum op { EQUALS, CONTAINS, STARTS, ENDS, RE, CIDR, LT, LTE, GT, GTE, EXISTS,
	REF, REF_STARTS, REF_ENDS, REF_CONTAINS, BASE64, WINDASH, OPS };

static const char *const op_words[OPS] = { "", "|contains", "|startswith",
	"|endswith", "|re", "|cidr", "|lt", "|lte", "|gt", "|gte", "|exists",
	"|fieldref", "|fieldref|startswith", "|endswith|fieldref",
	"|fieldref|contains", "|base64|contains", "|windash|contains" };

struct item {
	int	 field;		/* -1: keyword */
	enum op	 op;
	bool	 all, cased, neq, nocase;
	size_t	 n;
	struct scalar values[VALUES];
};

struct section {
	bool	 keywords, maps;	/* maps: any item holds, not all */
	size_t	 n;
	struct item items[ITEMS];
};

enum node_kind { NAME, NOT, AND, OR, ONE_OF, ALL_OF };

struct node {
	enum node_kind kind;
	int	 section;	/* NAME */
	int	 pattern;	/* ONE_OF, ALL_OF */
	const struct node *a, *b;
};

static const char *const patterns[] = { "them", "sel_*", "*_a", "flt*",
	"_hi*", "s?l_b" };
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

struct sigma {
	struct section sections[SECTIONS];
	struct node nodes[32];
	size_t	 nnodes;
	const struct node *root;
};

static unsigned
upto(unsigned n)
{
	return (unsigned)rand() % n;
}

static bool
one_in(unsigned n)
{
	return upto(n) == 0;
}

/* --- drawing ------------------------------------------------------------- */

static void
draw_text(char *out, bool rule)
{
	static const char *const plain[] = { "a", "b", "A", "B", "c", "-", "/",
		" ", "1", "2", "\xc3\xa9", "\xc3\x89", "\xcf\x83", "\xce\xa3",
		"\xcf\x82", "\xe2\x84\xaa", "k", "\\", "ab", "abc", "bca",
		"\xe2\x80\x93", "." };
	static const char *const special[] = { "*", "?", "\\*", "\\?", "\\\\",
		"\\\\*", "\\\\\\*", "\\" };
	size_t n = upto(6);

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		strcat(out, rule && one_in(5) ? special[upto(8)]
		    : !rule && one_in(12) ? (one_in(2) ? "*" : "?")
		    : plain[upto(23)]);
}

static struct scalar
draw_scalar(bool rule)
{
	static const char *const numbers[] = { "1", "2", "12", "-1", "1.5",
		"0", "21" };
	struct scalar s = { .type = TEXT_VALUE };

	switch (upto(9)) {
	case 0:
		s.type = NOTHING;
		strcpy(s.text, "null");
		return s;
	case 1:
	case 2:
		s.type = NUMBER;
		strcpy(s.text, numbers[upto(7)]);
		return s;
	case 3:
		s.type = BOOLEAN;
		strcpy(s.text, one_in(2) ? "true" : "false");
		return s;
	case 4:
		strcpy(s.text, rule || one_in(2) ? "10.1.2.3" : "10.2.0.1");
		return s;
	case 5:
		strcpy(s.text, numbers[upto(7)]);
		return s;
	}
	draw_text(s.text, rule);
	if (!rule && one_in(10))
		strcpy(s.text, one_in(2) ? "xYWJj" : "x -ab");
	return s;
}

static void
draw_event(struct happening *h)
{
	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < FIELDS; i++) {
		struct field_value *f = &h->fields[i];

		if (one_in(3))
			continue;
		f->list = one_in(4);
		f->n = f->list ? 1 + upto(VALUES) : 1;
		for (size_t k = 0; k < f->n; k++)
			f->items[k] = draw_scalar(false);
	}
}

static void
draw_values(struct item *item)
{
	static const char *const expressions[] = { "ab", "^a", "b$", "a.c",
		"[12]+", "a|b", "^(ab|ca)", "c?b" };
	static const char *const nets[] = { "10.0.0.0/8", "10.1.0.0/16",
		"10.1.2.3/32", "::/0" };

	item->n = 1 + (one_in(3) ? upto(VALUES) : 0);
	for (size_t i = 0; i < item->n; i++) {
		struct scalar *s = &item->values[i];

		*s = draw_scalar(true);
		if (item->op == RE)
			strcpy(s->text, expressions[upto(8)]);
		else if (item->op == CIDR)
			strcpy(s->text, nets[upto(4)]);
		else if (item->op >= REF && item->op <= REF_CONTAINS)
			strcpy(s->text, field_names[upto(FIELDS)]);
		else if (item->op == BASE64)
			strcpy(s->text, one_in(2) ? "abc" : "a");
		else if (item->op == WINDASH)
			strcpy(s->text, one_in(2) ? " -ab" : "/a b-c");
		else if (item->op == EXISTS)
			strcpy(s->text, one_in(2) ? "true" : "false");
		else if (item->op >= LT && item->op <= GTE)
			strcpy(s->text, one_in(2) ? "1.5" : "2");
		if (item->op >= RE)
			s->type = item->op >= LT && item->op <= GTE ? NUMBER
			    : item->op == EXISTS ? BOOLEAN : TEXT_VALUE;
		/* What is no text is compared as such only as a whole. */
		if (item->op >= CONTAINS && item->op <= ENDS &&
		    s->type == NOTHING)
			s->type = TEXT_VALUE;
	}
	if (item->op == EXISTS)
		item->n = 1;
}

static void
draw_item(struct item *item, bool keyword)
{
	*item = (struct item){ .field = keyword ? -1 : (int)upto(FIELDS) };
	item->op = keyword ? (one_in(5) ? RE : EQUALS)
	    : (enum op)(one_in(2) ? upto(4) : upto(OPS));
	item->cased = !keyword && item->op <= ENDS && one_in(5);
	if (item->op >= REF && item->op <= REF_CONTAINS)
		item->cased = one_in(4);
	item->nocase = item->op == RE && one_in(2);
	item->all = item->op != EXISTS && one_in(5);
	item->neq = !keyword && item->op != EXISTS && one_in(8);
	draw_values(item);
	for (size_t i = 0; keyword && i < item->n; i++)
		if (item->values[i].type == NOTHING)
			item->values[i].type = TEXT_VALUE;
}

static const struct node *
draw_node(struct sigma *s, int depth)
{
	struct node *node = &s->nodes[s->nnodes++];

	*node = (struct node){ .section = (int)upto(SECTIONS),
	    .pattern = (int)upto(PATTERNS) };
	if (depth == 0 || s->nnodes > 24)
		node->kind = one_in(3) ? (one_in(2) ? ONE_OF : ALL_OF) : NAME;
	else
		node->kind = (enum node_kind)upto(4);
	if (node->kind == NOT || node->kind == AND || node->kind == OR)
		node->a = draw_node(s, depth - 1);
	if (node->kind == AND || node->kind == OR)
		node->b = draw_node(s, depth - 1);
	return node;
}

static void
draw_rule(struct sigma *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < SECTIONS; i++) {
		struct section *section = &s->sections[i];

		section->keywords = one_in(5);
		section->maps = !section->keywords && one_in(4);
		section->n = section->keywords ? 1 : 1 + upto(ITEMS);
		for (size_t k = 0; k < section->n; k++)
			draw_item(&section->items[k], section->keywords);
	}
	s->root = draw_node(s, 3);
}

/* --- writing ------------------------------------------------------------- */

struct out {
	char	*at;
	size_t	 left;
};

static void __attribute__((format(printf, 2, 3)))
put(struct out *out, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(out->at, out->left, fmt, args);
	va_end(args);
	assert_true(n >= 0 && (size_t)n < out->left);
	out->at += n;
	out->left -= (size_t)n;
}

static void
put_values(struct out *out, const struct item *item)
{
	put(out, "[");
	for (size_t i = 0; i < item->n; i++)
		put(out, item->values[i].type == TEXT_VALUE ? "%s'%s'"
		    : "%s%s", i > 0 ? ", " : "", item->values[i].text);
	put(out, "]\n");
}

static void
put_item(struct out *out, const struct item *item)
{
	put(out, "'%s%s%s%s%s%s': ", item->field < 0 ? "" :
	    field_names[item->field], op_words[item->op],
	    item->nocase ? "|i" : "", item->cased ? "|cased" : "",
	    item->all ? "|all" : "", item->neq ? "|neq" : "");
	if (item->op == EXISTS)
		put(out, "%s\n", item->values[0].text);
	else
		put_values(out, item);
}

static void
put_section(struct out *out, const struct section *section,
    const char *name)
{
	const struct item *first = &section->items[0];

	put(out, "  %s:", name);
	if (section->keywords && !first->all && first->op == EQUALS) {
		put(out, " ");
		put_values(out, first);
		return;
	}
	put(out, "\n");
	for (size_t i = 0; i < section->n; i++) {
		put(out, section->maps ? "    - " : "    ");
		put_item(out, &section->items[i]);
	}
}

static void
put_node(struct out *out, const struct node *node, int above)
{
	static const int strength[] = { 4, 3, 2, 1, 4, 4 };
	bool wrap = strength[node->kind] < above || one_in(6);

	put(out, wrap ? "(" : "");
	switch (node->kind) {
	case NAME:
		put(out, "%s", section_names[node->section]);
		break;
	case NOT:
		put(out, one_in(5) ? "NOT " : "not ");
		put_node(out, node->a, 3);
		break;
	case AND:
	case OR:
		put_node(out, node->a, strength[node->kind]);
		put(out, node->kind == AND ? " and " : " or ");
		put_node(out, node->b, strength[node->kind]);
		break;
	case ONE_OF:
		put(out, "%s of %s", one_in(3) ? "any" : "1",
		    patterns[node->pattern]);
		break;
	case ALL_OF:
		put(out, "all of %s", patterns[node->pattern]);
		break;
	}
	put(out, wrap ? ")" : "");
}

/* A key may stand only once in a map. */
static bool
has_twins(const struct sigma *s)
{
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct section *section = &s->sections[i];

		for (size_t a = 0; a < section->n; a++)
			for (size_t b = 0; !section->maps && b < a; b++)
				if (section->items[a].field ==
				    section->items[b].field &&
				    section->items[a].op ==
				    section->items[b].op)
					return true;
	}
	return false;
}

static void
put_rule(struct out *out, const struct sigma *s, size_t number)
{
	put(out, "%stitle: r%zu\nid: r%zu\nlogsource: {product: p}\n"
	    "detection:\n", number > 0 ? "---\n" : "", number, number);
	for (size_t i = 0; i < SECTIONS; i++)
		put_section(out, &s->sections[i], section_names[i]);
	put(out, "  condition: ");
	put_node(out, s->root, 0);
	put(out, "\n");
}

static void
put_scalar(struct out *out, const struct scalar *s)
{
	if (s->type != TEXT_VALUE) {
		put(out, "%s", s->text);
		return;
	}
	put(out, "\"");
	for (const char *c = s->text; *c != '\0'; c++)
		put(out, *c == '\\' ? "\\\\" : "%c", *c);
	put(out, "\"");
}

static void
put_field(struct out *out, const struct field_value *f, const char *head,
    const char *tail)
{
	put(out, f->list ? "[" : "");
	for (size_t i = 0; i < f->n; i++) {
		put(out, "%s%s", i > 0 ? "," : "", head);
		put_scalar(out, &f->items[i]);
		put(out, "%s", tail);
	}
	put(out, f->list ? "]" : "");
}

static void
put_event(struct out *out, const struct happening *h)
{
	static const char *const keys[FIELDS] = { "F", "G", "N", "a b", "L" };

	put(out, "{\"_logsource\":{\"product\":\"p\"}");
	for (size_t i = 0; i < FIELDS; i++) {
		bool outside = i == 2, inside = i == 4;

		if (h->fields[i].n == 0)
			continue;
		put(out, ",\"%s\":%s", keys[i], outside ? "{\"x\":" : "");
		put_field(out, &h->fields[i], inside ? "{\"y\":" : "",
		    inside ? "}" : "");
		put(out, outside ? "}" : "");
	}
	put(out, "}");
}

/* --- the second evaluator ------------------------------------------------ */

/* A character of a text, or a wildcard of a rule. */
enum { MANY = -1, ONE = -2, DASH = -3 };

static int
point_of(const char **at)
{
	const unsigned char *c = (const unsigned char *)*at;
	int n = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : 3;
	int point = n == 1 ? c[0] : n == 2 ? (c[0] & 31) << 6 | (c[1] & 63)
	    : (c[0] & 15) << 12 | (c[1] & 63) << 6 | (c[2] & 63);

	*at += n;
	return point;
}

static int
folded(int point)
{
	if (point >= 'A' && point <= 'Z')
		return point + 32;
	switch (point) {
	case 0xc9: return 0xe9;
	case 0x3a3: case 0x3c2: return 0x3c3;
	case 0x212a: return 'k';
	}
	return point;
}

static size_t
points(int *out, const char *text, bool cased)
{
	size_t n = 0;

	while (*text != '\0') {
		int point = point_of(&text);

		out[n++] = cased ? point : folded(point);
	}
	return n;
}

static size_t
units(int *out, const char *text, bool cased)
{
	size_t n = 0;

	while (*text != '\0') {
		if (*text == '\\' && text[1] != '\0' &&
		    strchr("\\*?", text[1]) != NULL) {
			out[n++] = text[1];
			text += 2;
		} else if (*text == '*' || *text == '?') {
			out[n++] = *text++ == '*' ? MANY : ONE;
		} else {
			int point = point_of(&text);

			out[n++] = cased ? point : folded(point);
		}
	}
	return n;
}

static bool
is_dash(int point)
{
	return point == '-' || point == '/' || (point >= 0x2013 &&
	    point <= 0x2015);
}

static bool
is_word(int point)
{
	return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z')
	    || (point >= 'A' && point <= 'Z');
}

static void
free_dashes(int *unit, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (is_dash(unit[i]) && is_word(unit[i + 1]) &&
		    (i == 0 || !is_word(unit[i - 1])))
			unit[i] = DASH;
}

static bool
matches(const int *unit, size_t n, const int *text, size_t len)
{
	if (n == 0)
		return len == 0;
	if (unit[0] == MANY) {
		for (size_t skip = 0; skip <= len; skip++)
			if (matches(unit + 1, n - 1, text + skip, len - skip))
				return true;
		return false;
	}
	return len > 0 && (unit[0] == ONE || unit[0] == text[0] ||
	    (unit[0] == DASH && is_dash(text[0]))) &&
	    matches(unit + 1, n - 1, text + 1, len - 1);
}

static bool
text_holds(const struct item *item, const char *wanted, const char *text)
{
	int unit[2 * TEXT + 2], point[TEXT];
	size_t n = 0, len = points(point, text, item->cased);
	bool keyword = item->field < 0;

	if (item->op == BASE64)
		wanted = strcmp(wanted, "a") == 0 ? "YQ==" : "YWJj";
	if (keyword || item->op == CONTAINS || item->op == ENDS ||
	    item->op == BASE64 || item->op == WINDASH)
		unit[n++] = MANY;
	n += units(unit + n, wanted, item->cased);
	if (item->op == WINDASH)
		free_dashes(unit + 1, n - 1);
	if (keyword || item->op == CONTAINS || item->op == STARTS ||
	    item->op == BASE64 || item->op == WINDASH)
		unit[n++] = MANY;
	return matches(unit, n, point, len);
}

static bool
expression_holds(const struct item *item, const char *wanted,
    const char *text)
{
	regex_t regex;
	bool holds;

	assert_int_equal(regcomp(&regex, wanted, REG_EXTENDED | REG_NOSUB |
	    (item->nocase ? REG_ICASE : 0)), 0);
	holds = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return holds;
}

static bool
number_of(const struct scalar *s, double *out)
{
	char *end;

	if (s->type == BOOLEAN || s->type == NOTHING ||
	    strspn(s->text, "-.0123456789") != strlen(s->text))
		return false;
	*out = strtod(s->text, &end);
	return end != s->text && *end == '\0';
}

static bool
network_holds(const char *net, const char *text)
{
	if (strcmp(text, "10.1.2.3") != 0 && strcmp(text, "10.2.0.1") != 0)
		return false;
	if (strcmp(net, "10.0.0.0/8") == 0)
		return true;
	return strcmp(net, "::/0") != 0 && text[3] == '1';
}

static bool
value_holds(const struct item *item, const struct scalar *wanted,
    const struct scalar *s)
{
	double a, b;

	if (wanted->type == NOTHING)
		return s->type == NOTHING;
	if (s->type == NOTHING)
		return false;
	switch (item->op) {
	case RE:
		return expression_holds(item, wanted->text, s->text);
	case CIDR:
		return network_holds(wanted->text, s->text);
	case LT: case LTE: case GT: case GTE:
		if (!number_of(s, &a) || !number_of(wanted, &b))
			return false;
		return item->op == LT ? a < b : item->op == LTE ? a <= b
		    : item->op == GT ? a > b : a >= b;
	case EQUALS:
		if (wanted->type == NUMBER && item->field >= 0)
			return number_of(s, &a) && number_of(wanted, &b) &&
			    a == b;
		break;
	default:
		break;
	}
	return text_holds(item, wanted->text, s->text);
}

static const struct field_value *
field_of(const struct happening *h, const char *name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(field_names[i], name) == 0)
			return &h->fields[i];
	return NULL;
}

static bool
reference_holds(const struct item *item, const struct scalar *a,
    const struct scalar *b)
{
	int left[TEXT + 2], right[TEXT + 2];
	size_t nleft, n = 0;

	if (a->type == NOTHING || b->type == NOTHING)
		return false;
	nleft = points(left, a->text, item->cased);
	if (item->op == REF_ENDS || item->op == REF_CONTAINS)
		right[n++] = MANY;
	n += points(right + n, b->text, item->cased);
	if (item->op == REF_STARTS || item->op == REF_CONTAINS)
		right[n++] = MANY;
	return matches(right, n, left, nleft);
}

static bool
any_holds(const struct item *item, const struct scalar *wanted,
    const struct happening *h, const struct field_value *f)
{
	const struct field_value *other;

	if (item->op == EXISTS)
		return (f->n > 0) == (strcmp(wanted->text, "true") == 0);
	if (wanted->type == NOTHING && f->n == 0)
		return true;
	for (size_t i = 0; i < f->n; i++) {
		if (item->op < REF || item->op > REF_CONTAINS) {
			if (value_holds(item, wanted, &f->items[i]))
				return true;
			continue;
		}
		other = field_of(h, wanted->text);
		for (size_t k = 0; k < other->n; k++)
			if (reference_holds(item, &f->items[i],
			    &other->items[k]))
				return true;
	}
	return false;
}

static bool
wanted_holds(const struct item *item, const struct scalar *wanted,
    const struct happening *h)
{
	if (item->field >= 0)
		return any_holds(item, wanted, h, &h->fields[item->field]);
	for (size_t i = 0; i < FIELDS; i++)
		if (any_holds(item, wanted, h, &h->fields[i]))
			return true;
	return false;
}

static bool
item_holds(const struct item *item, const struct happening *h)
{
	const struct field_value *f = item->field < 0 ? NULL :
	    &h->fields[item->field];
	bool holds = item->all;

	for (size_t i = 0; i < item->n; i++)
		if (wanted_holds(item, &item->values[i], h) != item->all)
			holds = !item->all;
	if (!item->neq)
		return holds;
	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].type == NOTHING)
			return false;
	return f->n > 0 && !holds;
}

static bool
section_holds(const struct section *section, const struct happening *h)
{
	for (size_t i = 0; i < section->n; i++)
		if (item_holds(&section->items[i], h) == section->maps)
			return section->maps;
	return !section->maps;
}

static bool
is_named(int section, int pattern)
{
	static const bool named[PATTERNS][SECTIONS] = {
		{ true, true, true, false }, { true, true, false, false },
		{ true, false, true, false }, { false, false, true, false },
		{ false, false, false, true }, { false, true, false, false },
	};

	return named[pattern][section];
}

static bool
node_holds(const struct sigma *s, const struct node *node,
    const struct happening *h)
{
	switch (node->kind) {
	case NAME:
		return section_holds(&s->sections[node->section], h);
	case NOT:
		return !node_holds(s, node->a, h);
	case AND:
		return node_holds(s, node->a, h) && node_holds(s, node->b, h);
	case OR:
		return node_holds(s, node->a, h) || node_holds(s, node->b, h);
	case ONE_OF:
	case ALL_OF:
		break;
	}
	for (int i = 0; i < SECTIONS; i++)
		if (is_named(i, node->pattern) && section_holds(
		    &s->sections[i], h) == (node->kind == ONE_OF))
			return node->kind == ONE_OF;
	return node->kind == ALL_OF;
}

/* --- comparing ----------------------------------------------------------- */

static char rules_text[RULES * 4096], event_line[4096];

static struct ruleset *
draw_rules(struct sigma *rules)
{
	struct out out = { rules_text, sizeof(rules_text) };

	for (size_t i = 0; i < RULES; i++) {
		do
			draw_rule(&rules[i]);
		while (has_twins(&rules[i]));
		put_rule(&out, &rules[i], i);
	}
	return rules_of(rules_text);
}

static void
show(const struct ruleset *set, size_t i, bool expected)
{
	const char *from, *end;
	char head[32];

	snprintf(head, sizeof(head), "title: %.*s\n",
	    (int)ruleset_rule(set, i)->title.len,
	    ruleset_rule(set, i)->title.ptr);
	from = strstr(rules_text, head);
	end = strstr(from, "\n---");
	print_error("%s should %shold for\n%s\n%.*s\n", head, expected ? ""
	    : "not ", event_line, end == NULL ? (int)strlen(from)
	    : (int)(end - from), from);
}

static size_t
compare(const struct ruleset *set, const struct sigma *rules,
    struct match_scratch *scratch, const struct happening *h)
{
	struct batch *batch = batch_new(1, 0);
	struct event *event;
	struct out out = { event_line, sizeof(event_line) };
	uint32_t hits[RULES], slow[RULES];
	size_t n, at = 0, held = 0;

	put_event(&out, h);
	event = batch_add(batch, slice_cstr(event_line), SLICE("p"), 0);
	assert_true(shape_event(event));
	n = ruleset_match(set, event, scratch, hits, RULES);
	assert_int_equal(n, ruleset_match_slow(set, event, scratch, slow,
	    RULES));
	assert_memory_equal(hits, slow, n * sizeof(*hits));
	for (size_t i = 0; i < RULES; i++) {
		bool found = at < n && hits[at] == i;
		bool expected = node_holds(&rules[i], rules[i].root, h);

		if (found != expected)
			show(set, i, expected);
		assert_int_equal(found, expected);
		at += found;
		held += found;
	}
	batch_put(batch);
	return held;
}

static void
a_second_evaluator_agrees(void **state)
{
	static struct sigma rules[RULES];
	const char *rounds = getenv("MATCH_ORACLE_ROUNDS");
	size_t held = 0;
	int n = rounds != NULL ? atoi(rounds) : 40;

	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	srand(4);
	for (int i = 0; i < n; i++) {
		struct ruleset *set = draw_rules(rules);
		struct match_scratch *scratch = match_scratch_new(set);
		struct happening before = { 0 }, h;

		assert_int_equal(ruleset_count(set), RULES);
		for (int k = 0; k < EVENTS; k++) {
			draw_event(&h);
			/* Values that come again meet what was kept. */
			for (size_t f = 0; f < FIELDS; f++)
				if (!one_in(3))
					h.fields[f] = before.fields[f];
			held += compare(set, rules, scratch, &h);
			before = h;
		}
		match_scratch_free(scratch);
		ruleset_put(set);
	}
	print_message("%d sets, %zu matches\n", n, held);
	assert_true(held > (size_t)n * RULES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_evaluator_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
