#include "engine/cond.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/ip.h"
#include "engine/prog.h"
#include "engine/strbuf.h"

struct cond *
cond_pred(struct arena *arena, struct pred pred)
{
	struct cond *cond = arena_zalloc(arena, sizeof(*cond));

	cond->kind = COND_PRED;
	cond->pred = arena_alloc(arena, sizeof(pred));
	*cond->pred = pred;
	return cond;
}

struct cond *
cond_not(struct arena *arena, struct cond *child)
{
	struct cond *cond = arena_zalloc(arena, sizeof(*cond));

	cond->kind = COND_NOT;
	cond->n = 1;
	cond->child = arena_alloc(arena, sizeof(*cond->child));
	cond->child[0] = child;
	return cond;
}

/* Children that the node contributes to a parent of this kind. */
static size_t
width(const struct cond *cond, enum cond_kind kind)
{
	return cond->kind == kind ? cond->n : 1;
}

static size_t
copy_children(struct cond **out, struct cond *cond, enum cond_kind kind)
{
	if (cond->kind != kind) {
		out[0] = cond;
		return 1;
	}
	memcpy(out, cond->child, cond->n * sizeof(*out));
	return cond->n;
}

static struct cond *
join(struct arena *arena, enum cond_kind kind, struct cond *a, struct cond *b)
{
	struct cond *cond;

	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	cond = arena_zalloc(arena, sizeof(*cond));
	cond->kind = kind;
	cond->child = arena_alloc(arena,
	    (width(a, kind) + width(b, kind)) * sizeof(*cond->child));
	cond->n = copy_children(cond->child, a, kind);
	cond->n += copy_children(cond->child + cond->n, b, kind);
	return cond;
}

struct cond *
cond_and(struct arena *arena, struct cond *a, struct cond *b)
{
	return join(arena, COND_AND, a, b);
}

struct cond *
cond_or(struct arena *arena, struct cond *a, struct cond *b)
{
	return join(arena, COND_OR, a, b);
}

struct cond *
cond_list(struct arena *arena, enum cond_kind kind,
    struct cond *const *children, size_t n)
{
	struct cond *cond;
	size_t room = 0;

	if (n == 0) {
		cond = cond_pred(arena, (struct pred){ .op = PRED_TRUE });
		return kind == COND_AND ? cond : cond_not(arena, cond);
	}
	if (n == 1)
		return children[0];
	for (size_t i = 0; i < n; i++)
		room += width(children[i], kind);
	cond = arena_zalloc(arena, sizeof(*cond));
	cond->kind = kind;
	cond->child = arena_alloc(arena, (room + 1) * sizeof(*cond->child));
	for (size_t i = 0; i < n; i++)
		cond->n += copy_children(cond->child + cond->n, children[i],
		    kind);
	return cond;
}

/* --- flattening ---------------------------------------------------------- */

/* Rough relative prices, a number comparison being 1. */
static unsigned
pred_cost(const struct pred *pred)
{
	switch (pred->op) {
	case PRED_TRUE:
	case PRED_EXISTS:
	case PRED_NULL:
		return 1;
	case PRED_RE:
		return pred->nfields == 0 ? 2000 : 60;
	case PRED_CONTAINS:
	case PRED_GLOB:
		return pred->nfields == 0 ? 400 : 8;
	case PRED_WORD:
	case PRED_PHRASE:
		return 30;
	}
	return pred->nfields == 0 ? 300 : 3;
}

static unsigned
cond_cost(const struct cond *cond)
{
	unsigned cost = 0;

	if (cond->kind == COND_PRED)
		return pred_cost(cond->pred);
	for (size_t i = 0; i < cond->n && cost < 1000000; i++)
		cost += cond_cost(cond->child[i]);
	return cost;
}

static size_t
count_preds(const struct cond *cond)
{
	size_t n = 0;

	if (cond->kind == COND_PRED)
		return 1;
	for (size_t i = 0; i < cond->n; i++)
		n += count_preds(cond->child[i]);
	return n;
}

struct ordered {
	const struct cond *cond;
	unsigned cost;
	size_t	 place;		/* keeps the sort stable */
};

static int
by_cost(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

/* Instructions are written from the last to the first, so that both targets
 * of a jump are known when it is written, and lie behind it. */
struct flat {
	struct insn *insn;
	uint16_t first;		/* the first one written so far */
};

static uint16_t flatten(struct flat *flat, const struct cond *cond,
    uint16_t yes, uint16_t no);

static uint16_t
flatten_children(struct flat *flat, const struct cond *cond, uint16_t yes,
    uint16_t no)
{
	struct ordered *order = xcalloc(cond->n + 1, sizeof(*order));
	uint16_t next = cond->kind == COND_AND ? yes : no;

	for (size_t i = 0; i < cond->n; i++)
		order[i] = (struct ordered){ cond->child[i],
		    cond_cost(cond->child[i]), i };
	qsort(order, cond->n, sizeof(*order), by_cost);
	for (size_t i = cond->n; i-- > 0;)
		next = cond->kind == COND_AND
		    ? flatten(flat, order[i].cond, next, no)
		    : flatten(flat, order[i].cond, yes, next);
	free(order);
	return next;
}

static uint16_t
flatten(struct flat *flat, const struct cond *cond, uint16_t yes, uint16_t no)
{
	uint16_t at;

	if (cond->kind == COND_NOT)
		return flatten(flat, cond->child[0], no, yes);
	if (cond->kind != COND_PRED)
		return flatten_children(flat, cond, yes, no);
	at = --flat->first;
	flat->insn[at] = (struct insn){ yes, no, *cond->pred };
	return at;
}

struct prog *
cond_compile(struct arena *arena, const struct cond *cond)
{
	static const struct pred always = { .op = PRED_TRUE };
	static const struct cond holds = { .kind = COND_PRED,
	    .pred = (struct pred *)(uintptr_t)&always };
	struct prog *prog;
	struct flat flat;
	size_t n;
	uint16_t start;

	if (cond == NULL)
		cond = &holds;
	n = count_preds(cond);
	if (n > COND_PREDS)
		return NULL;
	flat.first = (uint16_t)n;
	prog = arena_zalloc(arena, sizeof(*prog) + n * sizeof(prog->insn[0]));
	flat.insn = prog->insn;
	start = flatten(&flat, cond, PROG_MATCH, PROG_FAIL);
	check(start == 0 && flat.first == 0);
	prog->len = (uint16_t)n;
	return prog;
}

/* --- as text ------------------------------------------------------------- */

static const char *const op_names[PRED_OPS] = {
#define PRED(id, name, help) [PRED_##id] = name,
#include "engine/pred.def"
#undef PRED
};

static void
print_pred(struct strbuf *buf, const struct pred *pred)
{
	char text[IP_TEXT_BYTES];

	if (pred->nfields == 0)
		strbuf_puts(buf, "*");
	for (size_t i = 0; i < pred->nfields; i++) {
		if (i > 0)
			strbuf_putc(buf, '/');
		strbuf_put(buf, field_name(pred->fields[i]));
	}
	strbuf_printf(buf, " %s", op_names[pred->op]);
	if (pred->cased)
		strbuf_puts(buf, " cased");
	if (pred->cidr != NULL) {
		strbuf_putc(buf, ' ');
		strbuf_put(buf, ip_format(pred->cidr->ip, text));
		strbuf_printf(buf, "/%u", pred->cidr->bits);
	} else if (pred->has_number) {
		strbuf_printf(buf, " %g", pred->number);
	} else if (pred->op != PRED_EXISTS && pred->op != PRED_NULL &&
	    pred->op != PRED_TRUE && pred->op != PRED_FIELDREF) {
		strbuf_puts(buf, " \"");
		strbuf_put(buf, pred->op == PRED_GLOB
		    ? glob_literal(pred->glob) : pred->text);
		strbuf_putc(buf, '"');
	}
	for (size_t i = 0; i < pred->nothers; i++) {
		strbuf_putc(buf, i == 0 ? ' ' : '/');
		strbuf_put(buf, field_name(pred->others[i]));
	}
}

void
cond_print(struct strbuf *buf, const struct cond *cond)
{
	if (cond->kind == COND_PRED) {
		print_pred(buf, cond->pred);
		return;
	}
	if (cond->kind == COND_NOT) {
		strbuf_puts(buf, "not ");
		cond_print(buf, cond->child[0]);
		return;
	}
	strbuf_putc(buf, '(');
	for (size_t i = 0; i < cond->n; i++) {
		if (i > 0)
			strbuf_puts(buf, cond->kind == COND_AND ? " and "
			    : " or ");
		cond_print(buf, cond->child[i]);
	}
	strbuf_putc(buf, ')');
}
