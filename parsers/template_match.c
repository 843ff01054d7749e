/* A line walks the tree: literals first, then holes from narrow to wide. */
#include "parsers/template.h"

#include <limits.h>

#include "engine/ip.h"
#include "parsers/template_tree.h"
#include "parsers/timetext.h"

/* --- matching ------------------------------------------------------------
 * All ways to the end are tried as far as they can still beat the one found:
 * a node knows the most literal text that any end below it has. The first of
 * equals wins, which is the narrow type before the wide one. */
struct run {
	const char *end;
	struct template_match *match;	/* the best so far */
	int	 best;		/* its literal bytes, -1: none yet */
	int	 floor;		/* best; INT_MAX once it has cost too much */
	size_t	 n;		/* captures on the way in hand */
	struct template_capture captures[TEMPLATE_CAPTURES];
	const char *span_at[TYPE_SPANS];	/* where a type was read last */
	size_t	 span[TYPE_SPANS], skip[TYPE_SPANS];	/* and what it took */
	unsigned steps;		/* nodes visited */
	size_t	 bytes;		/* looked at by captures without an end */
};

static void run_node(struct run *run, const struct template_node *node,
    const char *p);

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
span_of(enum template_type type, const char *p, const char *end, size_t *skip)
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
settled(const struct run *run, const struct template_node *node)
{
	return run->floor >= node->best;
}

static void
go_on(struct run *run, const struct template_hole *hole, struct slice text,
    const char *p)
{
	size_t n = run->n;

	if (hole->name != TEMPLATE_DISCARD) {
		if (n == TEMPLATE_CAPTURES)
			return;
		run->captures[n].name = hole->name;
		run->captures[n].text = text;
		run->n++;
	}
	run_node(run, hole->node, p);
	run->n = n;
}

static inline bool
may_begin(const struct template_node *node, char c)
{
	unsigned char byte = (unsigned char)c;

	return (node->begins[byte >> 6] >> (byte & 63) & 1) != 0;
}

/* Where a template may go on at the end of the line. */
static inline bool
may_end(const struct template_node *node)
{
	return node->number >= 0 || node->nholes > 0;
}

static inline void
spend(struct run *run, size_t bytes)
{
	run->bytes += bytes;
	if (run->bytes > TEMPLATE_BYTES)
		run->floor = INT_MAX;
}

/* The hole takes as little as it can; stops in front of `limit`, and there. */
static void
run_shortest(struct run *run, const struct template_hole *hole, const char *p,
    const char *limit)
{
	const struct template_node *node = hole->node;
	const char *q = p + 1;

	if (node->blank_next && hole->type == TYPE_WORD && limit > p)
		q = limit;
	for (; q <= limit; q++) {
		const char *from = q;

		while (q < limit && !may_begin(node, *q))
			q++;
		spend(run, (size_t)(q - from) + 1);
		if (q < run->end ? may_begin(node, *q) : may_end(node))
			go_on(run, hole, slice_of(p, (size_t)(q - p)), q);
		if (settled(run, node))
			return;
	}
}

static void
run_word(struct run *run, const struct template_hole *hole, const char *p)
{
	const char *limit = p;

	while (limit < run->end && !is_blank(*limit))
		limit++;
	run_shortest(run, hole, p, limit);
}

static void
run_longest(struct run *run, const struct template_hole *hole, const char *p)
{
	const struct template_node *node = hole->node;

	for (const char *q = run->end; q > p; q--) {
		const char *from = q;

		while (q > p + 1 && !(q < run->end ? may_begin(node, *q)
		    : may_end(node)))
			q--;
		spend(run, (size_t)(from - q) + 1);
		if (q < run->end ? may_begin(node, *q) : may_end(node))
			go_on(run, hole, slice_of(p, (size_t)(q - p)), q);
		if (settled(run, node))
			return;
	}
}

static void
run_quoted(struct run *run, const struct template_hole *hole, const char *p)
{
	const char *q = p + 1;

	if (p == run->end || (*p != '"' && *p != '\''))
		return;
	while (q < run->end && *q != *p)
		q += *q == '\\' && run->end - q > 1 ? 2 : 1;
	if (q < run->end)
		go_on(run, hole, slice_of(p + 1, (size_t)(q - p - 1)),
		    q + 1);
}

/* "10.0.0.1." and "host:": the last point or colon may belong to the text,
 * and so may a port. */
static void
run_span(struct run *run, const struct template_hole *hole, const char *p)
{
	struct slice left = slice_of(p, (size_t)(run->end - p));
	size_t n, skip;

	if (p == run->end)
		return;
	/* Several nodes ask the same at the same place. */
	if (run->span_at[hole->type] != p) {
		run->span_at[hole->type] = p;
		run->span[hole->type] = span_of(hole->type, p, run->end,
		    &run->skip[hole->type]);
	}
	n = run->span[hole->type];
	skip = run->skip[hole->type];
	if (n == 0)
		return;
	go_on(run, hole, slice_head(left, n), p + n + skip);
	if (settled(run, hole->node) || (hole->type != TYPE_HOST &&
	    hole->type != TYPE_KEY))
		return;
	if (n > 1 && (p[n - 1] == '.' || p[n - 1] == ':' || p[n - 1] == '-'))
		go_on(run, hole, slice_head(left, n - 1), p + n - 1);
	if (settled(run, hole->node) || hole->type != TYPE_HOST)
		return;
	while (n > 1 && p[n - 1] != ':')
		n--;
	if (n > 1)
		go_on(run, hole, slice_head(left, n - 1), p + n - 1);
}

static void
run_hole(struct run *run, const struct template_hole *hole, const char *p)
{
	struct slice left = slice_of(p, (size_t)(run->end - p));
	ptrdiff_t found;

	switch (hole->type) {
	case TYPE_WORD:
		run_word(run, hole, p);
		break;
	case TYPE_TEXT:
		run_shortest(run, hole, p, run->end);
		break;
	case TYPE_LAST:
		run_longest(run, hole, p);
		break;
	case TYPE_REST:
		go_on(run, hole, left, run->end);
		break;
	case TYPE_QUOTED:
		run_quoted(run, hole, p);
		break;
	case TYPE_TO:
		found = slice_find(left, hole->until);
		if (found >= 0)
			go_on(run, hole, slice_head(left, (size_t)found),
			    p + found);
		break;
	default:
		run_span(run, hole, p);
	}
}

/* A blank in the literal takes all blanks of the line. NULL: no match. */
static const char *
match_blanks(struct slice literal, const char *p, const char *end)
{
	size_t i = 0;

	while (i < literal.len) {
		char c = literal.ptr[i];

		if (p == end)
			return NULL;
		if (c == ' ') {
			if (!is_blank(*p))
				return NULL;
			for (p++; p < end && is_blank(*p); )
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

static const char *
match_literal(const struct template_literal *literal, const char *p,
    const char *end)
{
	const char *text = literal->text.ptr;
	size_t n = literal->text.len, i = 0;

	if (literal->blank)
		return match_blanks(literal->text, p, end);
	if ((size_t)(end - p) < n)
		return NULL;
	while (i < n && p[i] == text[i])
		i++;
	return i == n ? p + n : NULL;
}

static const struct template_literal *
literal_at(const struct template_node *node, char c)
{
	if (node->by_byte != NULL) {
		unsigned at = node->by_byte[(unsigned char)c];

		return at == 0 ? NULL : &node->literals[at - 1];
	}
	for (unsigned i = 0; i < node->nliterals; i++)
		if (node->literals[i].text.ptr[0] == c)
			return &node->literals[i];
	return NULL;
}

static void
run_node(struct run *run, const struct template_node *node, const char *p)
{
	const struct template_literal *literal;
	const char *next;

	if (++run->steps > TEMPLATE_STEPS)
		run->floor = INT_MAX;
	if (settled(run, node))
		return;
	if (p < run->end) {
		literal = literal_at(node, *p == '\t' ? ' ' : *p);
		if (literal != NULL && !settled(run, literal->node)) {
			next = match_literal(literal, p, run->end);
			if (next != NULL)
				run_node(run, literal->node, next);
		}
	} else if (node->number >= 0 && node->weight > run->best) {
		run->best = node->weight;
		run->floor = run->floor == INT_MAX ? INT_MAX : run->best;
		run->match->number = (unsigned)node->number;
		run->match->n = run->n;
		memcpy(run->match->captures, run->captures,
		    run->n * sizeof(run->captures[0]));
	}
	for (unsigned i = 0; i < node->nholes; i++)
		if (!settled(run, node->holes[i].node))
			run_hole(run, &node->holes[i], p);
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
	run.best = run.floor = -1;
	run.steps = 0;
	run.bytes = run.n = 0;
	memset(run.span_at, 0, sizeof(run.span_at));
	run_node(&run, template_root(tree), text.ptr);
	return run.best >= 0;
}
