#include "correlation/prefilter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/fold.h"
#include "engine/map.h"

enum atom_kind { ATOM_EXACT, ATOM_CONTAINS, ATOM_STARTS, ATOM_ENDS };

/* One text that one rule waits for. */
struct atom {
	struct atom *next;	/* same text in the same place */
	uint32_t rule;
	uint8_t	 kind;
	uint32_t len;
};

struct state {
	uint32_t child, sibling, fail;
	uint32_t out;		/* nearest state with atoms, itself or on the
				 * way of failures; 0: none */
	uint32_t next_out;	/* the one behind it */
	uint8_t	 byte;
	struct atom *atoms;
};

/* What rules want to see in one place. */
struct matcher {
	uint8_t	 nfields;	/* 0: every own value */
	field_t	 fields[PRED_FIELDS];
	bool	 numbers;	/* some exact text is a number */
	struct map *exact;	/* folded text to atoms; NULL: none */
	/* the automaton; row 0 is the root */
	struct state *states;
	size_t	 nstates, cap;
	uint8_t	 class_of[256];	/* 0: in no text */
	unsigned classes;
	uint32_t *next;		/* [state * classes + class], MARK if atoms */
};

#define MARK 0x80000000u

struct prefilter {
	struct arena *arena;
	struct matcher *matchers;
	size_t	 n, cap, rules;
	uint32_t *always;
	size_t	 nalways;
};

/* --- which texts ------------------------------------------------------------------ */

/* A set of preds of which one must hold for the rule to match. */
struct need {
	const struct pred **pred;
	size_t	 n;
	double	 score;		/* the least of them; below 0: unusable */
};

struct chooser {
	struct arena *arena;
	struct map *count;	/* how many rules use a text in a place */
};

static const struct need unusable = { NULL, 0, -1 };

static bool
pred_literal(const struct pred *pred, struct slice *text)
{
	if (pred->part != PART_NONE)
		return false;
	*text = pred->text;
	switch (pred->op) {
	case PRED_EQ:
		return true;
	case PRED_CONTAINS:
	case PRED_STARTS:
	case PRED_ENDS:
		return pred->text.len > 0;
	case PRED_GLOB:
		*text = glob_literal(pred->glob);
		return text->len > 0;
	}
	return false;
}

static size_t
literal_key(const struct pred *pred, struct slice text, char out[256])
{
	size_t len = pred->nfields * sizeof(field_t);

	memcpy(out, pred->fields, len);
	out[len++] = (char)pred->op;
	text = slice_head(text, 200);
	memcpy(out + len, text.ptr, text.len);
	return len + text.len;
}

static void
count_literals(struct chooser *chooser, const struct cond *cond)
{
	struct slice text;
	char key[256];

	for (size_t i = 0; i < cond->n; i++)
		count_literals(chooser, cond->child[i]);
	if (cond->kind == COND_PRED && pred_literal(cond->pred, &text))
		map_get(chooser->count, slice_of(key, literal_key(cond->pred,
		    text, key)), NULL)->num++;
}

/* How unlikely the text is, in bits by rule of thumb: letters that are
 * everywhere count less, what many rules look for counts as common. */
static double
literal_score(const struct chooser *chooser, const struct pred *pred,
    struct slice text)
{
	static const char common[] = "etaoinsr \\./:-_cdl";
	const union map_value *count;
	char key[256];
	double score = pred->op == PRED_EQ ? 6 : 1;

	for (size_t i = 0; i < text.len && i < 24; i++)
		score += strchr(common, text.ptr[i]) != NULL ? 1.0 : 2.0;
	if (pred->op == PRED_STARTS || pred->op == PRED_ENDS)
		score += 1;
	if (pred->nfields == 0)
		score -= 8;	/* every value has to be looked through */
	count = map_find(chooser->count, slice_of(key, literal_key(pred, text,
	    key)));
	if (count != NULL)
		score -= 2 * log2((double)count->num);
	return score > 0.1 ? score : 0.1;
}

static struct need choose(const struct chooser *chooser,
    const struct cond *cond, bool negated);

static struct need
choose_best(const struct chooser *chooser, const struct cond *cond,
    bool negated)
{
	struct need best = unusable;

	for (size_t i = 0; i < cond->n; i++) {
		struct need need = choose(chooser, cond->child[i], negated);

		if (need.score > best.score)
			best = need;
	}
	return best;
}

static struct need
choose_all(const struct chooser *chooser, const struct cond *cond,
    bool negated)
{
	struct need *needs = xcalloc(cond->n + 1, sizeof(*needs));
	struct need all = { NULL, 0, 1e9 };

	for (size_t i = 0; i < cond->n && all.score >= 0; i++) {
		needs[i] = choose(chooser, cond->child[i], negated);
		all.n += needs[i].n;
		if (needs[i].score < all.score)
			all.score = needs[i].score;
	}
	if (cond->n == 0 || all.score < 0 || all.n > PREFILTER_ATOMS) {
		free(needs);
		return unusable;
	}
	all.pred = arena_alloc(chooser->arena, all.n * sizeof(*all.pred));
	all.n = 0;
	for (size_t i = 0; i < cond->n; i++) {
		memcpy(all.pred + all.n, needs[i].pred,
		    needs[i].n * sizeof(*all.pred));
		all.n += needs[i].n;
	}
	free(needs);
	all.score -= log2((double)all.n);
	if (all.score < 0.05)
		all.score = 0.05;
	return all;
}

static struct need
choose(const struct chooser *chooser, const struct cond *cond, bool negated)
{
	struct need need = { NULL, 1, 0 };
	struct slice text;

	switch (cond->kind) {
	case COND_NOT:
		return choose(chooser, cond->child[0], !negated);
	case COND_AND:
		return negated ? choose_all(chooser, cond, negated)
		    : choose_best(chooser, cond, negated);
	case COND_OR:
		return negated ? choose_best(chooser, cond, negated)
		    : choose_all(chooser, cond, negated);
	case COND_PRED:
		break;
	}
	if (negated || !pred_literal(cond->pred, &text))
		return unusable;
	need.pred = arena_alloc(chooser->arena, sizeof(*need.pred));
	need.pred[0] = cond->pred;
	need.score = literal_score(chooser, cond->pred, text);
	return need;
}

/* --- building the automaton --------------------------------------------------------- */

static uint32_t
state_new(struct matcher *m, uint8_t byte)
{
	if (m->nstates == m->cap) {
		m->cap = m->cap * 2 + 64;
		m->states = xrealloc(m->states, m->cap * sizeof(*m->states));
	}
	m->states[m->nstates] = (struct state){ .byte = byte };
	return (uint32_t)m->nstates++;
}

static uint32_t
child_get(struct matcher *m, uint32_t at, uint8_t byte)
{
	uint32_t child = m->states[at].child;

	while (child != 0 && m->states[child].byte != byte)
		child = m->states[child].sibling;
	if (child != 0)
		return child;
	child = state_new(m, byte);
	m->states[child].sibling = m->states[at].child;
	m->states[at].child = child;
	if (m->class_of[byte] == 0)
		m->class_of[byte] = (uint8_t)m->classes++;
	return child;
}

static void
add_text(struct prefilter *p, struct matcher *m, struct slice text,
    struct atom model)
{
	struct atom *atom = arena_alloc(p->arena, sizeof(*atom));
	uint32_t at = 0;

	*atom = model;
	if (m->nstates == 0) {
		m->classes = 1;
		state_new(m, 0);
	}
	for (size_t i = 0; i < text.len; i++)
		at = child_get(m, at, (uint8_t)text.ptr[i]);
	atom->next = m->states[at].atoms;
	m->states[at].atoms = atom;
}

/* Level by level: a state's row is its failure's row with its own children
 * put over it. */
static void
matcher_finish(struct matcher *m)
{
	uint32_t *queue;
	size_t head = 0, tail = 0, width = m->classes;

	if (m->nstates == 0)
		return;
	check(m->nstates < MARK);
	m->next = xcalloc(m->nstates * width, sizeof(*m->next));
	queue = xcalloc(m->nstates, sizeof(*queue));
	queue[tail++] = 0;
	while (head < tail) {
		uint32_t at = queue[head++];
		struct state *state = &m->states[at];
		uint32_t *row = m->next + at * width;
		uint32_t child = state->child;

		if (at != 0)
			memcpy(row, m->next + state->fail * width,
			    width * sizeof(*row));
		for (; child != 0; child = m->states[child].sibling) {
			uint8_t class = m->class_of[m->states[child].byte];

			m->states[child].fail = at == 0 ? 0 : row[class];
			row[class] = child;
			queue[tail++] = child;
		}
		state->next_out = at == 0 ? 0 : m->states[state->fail].out;
		state->out = at != 0 && state->atoms != NULL ? at
		    : state->next_out;
	}
	for (size_t i = 0; i < m->nstates * width; i++)
		if (m->states[m->next[i]].out != 0)
			m->next[i] |= MARK;
	free(queue);
}

static void
add_exact(struct prefilter *p, struct matcher *m, struct slice text,
    struct atom model)
{
	struct atom *atom = arena_alloc(p->arena, sizeof(*atom));
	union map_value *place;

	if (m->exact == NULL)
		m->exact = map_new();
	*atom = model;
	place = map_get(m->exact, text, NULL);
	atom->next = place->ptr;
	place->ptr = atom;
}

static struct matcher *
matcher_get(struct prefilter *p, const struct pred *pred)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->matchers[i].nfields == pred->nfields &&
		    memcmp(p->matchers[i].fields, pred->fields,
		    pred->nfields * sizeof(field_t)) == 0)
			return &p->matchers[i];
	if (p->n == p->cap) {
		p->cap = p->cap * 2 + 8;
		p->matchers = xrealloc(p->matchers, p->cap *
		    sizeof(*p->matchers));
	}
	p->matchers[p->n] = (struct matcher){ .nfields = pred->nfields };
	memcpy(p->matchers[p->n].fields, pred->fields,
	    pred->nfields * sizeof(field_t));
	return &p->matchers[p->n++];
}

#define NUMBER_BYTES 32

/* A number as the one text that stands for all ways to write it; the empty
 * slice if we would not know it again. */
static struct slice
number_text(double number, char buf[NUMBER_BYTES])
{
	int n;

	if (!(fabs(number) < 1e15))
		return SLICE("");
	n = snprintf(buf, NUMBER_BYTES, "%.6f", number);
	return slice_of(buf, (size_t)n);
}

static void
add_pred(struct prefilter *p, const struct pred *pred, uint32_t rule)
{
	struct matcher *m = matcher_get(p, pred);
	struct atom atom = { .rule = rule, .kind = ATOM_CONTAINS };
	char buf[NUMBER_BYTES];
	struct slice text;

	check(pred_literal(pred, &text));
	if (pred->cased || pred->op == PRED_GLOB)
		text = fold_dup(p->arena, text);
	atom.len = (uint32_t)text.len;
	if (pred->op == PRED_EQ) {
		atom.kind = ATOM_EXACT;
		add_exact(p, m, text, atom);
		if (pred->has_number) {
			m->numbers = true;
			add_exact(p, m, number_text(pred->number, buf), atom);
		}
		return;
	}
	if (pred->op == PRED_STARTS)
		atom.kind = ATOM_STARTS;
	if (pred->op == PRED_ENDS)
		atom.kind = ATOM_ENDS;
	add_text(p, m, text, atom);
}

/* A number too large to be known again in another spelling would be missed:
 * such a rule goes without the index. */
static bool
is_indexable(const struct need *need)
{
	for (size_t i = 0; i < need->n; i++)
		if (need->pred[i]->has_number &&
		    !(fabs(need->pred[i]->number) < 1e15))
			return false;
	return need->score >= 0;
}

struct prefilter *
prefilter_build(const struct prefilter_rule *rules, size_t n)
{
	struct prefilter *p = xcalloc(1, sizeof(*p));
	struct chooser chooser = { arena_new(0), map_new() };

	p->arena = arena_new(0);
	p->rules = n;
	p->always = xcalloc(n + 1, sizeof(*p->always));
	for (size_t i = 0; i < n; i++)
		count_literals(&chooser, rules[i].cond);
	for (size_t i = 0; i < n; i++) {
		struct need need = choose(&chooser, rules[i].cond, false);

		if (!is_indexable(&need)) {
			p->always[p->nalways++] = rules[i].number;
			continue;
		}
		for (size_t k = 0; k < need.n; k++)
			add_pred(p, need.pred[k], rules[i].number);
	}
	for (size_t i = 0; i < p->n; i++)
		matcher_finish(&p->matchers[i]);
	map_free(chooser.count);
	arena_free(chooser.arena);
	return p;
}

void
prefilter_free(struct prefilter *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		map_free(p->matchers[i].exact);
		free(p->matchers[i].states);
		free(p->matchers[i].next);
	}
	free(p->matchers);
	free(p->always);
	arena_free(p->arena);
	free(p);
}

/* --- running ------------------------------------------------------------------------ */

static void
offer(struct prefilter_sink *sink, uint32_t rule)
{
	uint64_t bit = UINT64_C(1) << (rule & 63);

	if (sink->seen[rule >> 6] & bit)
		return;
	sink->seen[rule >> 6] |= bit;
	sink->rule[sink->n++] = rule;
}

static void
offer_atoms(const struct atom *atom, size_t end, size_t len,
    struct prefilter_sink *sink)
{
	for (; atom != NULL; atom = atom->next) {
		if (atom->kind == ATOM_STARTS && atom->len != end)
			continue;
		if (atom->kind == ATOM_ENDS && end != len)
			continue;
		offer(sink, atom->rule);
	}
}

static void
scan(const struct matcher *m, struct slice text, struct prefilter_sink *sink)
{
	const uint32_t *next = m->next;
	const uint8_t *class_of = m->class_of;
	size_t width = m->classes;
	uint32_t at = 0;

	for (size_t i = 0; i < text.len; i++) {
		at = next[at * width + class_of[(unsigned char)text.ptr[i]]];
		if ((at & MARK) == 0)
			continue;
		at &= ~MARK;
		for (uint32_t out = m->states[at].out; out != 0;
		    out = m->states[out].next_out)
			offer_atoms(m->states[out].atoms, i + 1, text.len,
			    sink);
	}
}

static void
look_up(const struct matcher *m, struct slice text,
    struct prefilter_sink *sink)
{
	const union map_value *place = map_find(m->exact, text);

	for (const struct atom *atom = place != NULL ? place->ptr : NULL;
	    atom != NULL; atom = atom->next)
		offer(sink, atom->rule);
}

static void
run_scalar(const struct matcher *m, const struct value *value,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	char buf[VALUE_TEXT_BYTES], digits[NUMBER_BYTES];
	struct slice text;
	double number;

	if (value->type == VALUE_NULL || value->type == VALUE_LIST)
		return;
	text = value_as_text(value, buf);
	if (text.ptr != buf)
		text = pred_fold(scratch, text);
	if (m->exact != NULL)
		look_up(m, text, sink);
	if (m->next != NULL)
		scan(m, text, sink);
	if (m->numbers && value_as_double(value, &number))
		look_up(m, number_text(number, digits), sink);
}

static void
run_value(const struct matcher *m, const struct value *value, bool own,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	for (size_t i = 0; i < value_members(value); i++) {
		const struct value *one = value_member(value, i);

		if (!own || pred_is_own(one))
			run_scalar(m, one, scratch, sink);
	}
}

void
prefilter_run(const struct prefilter *p, const struct event *event,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	for (size_t i = 0; i < p->nalways; i++)
		offer(sink, p->always[i]);
	for (size_t i = 0; i < p->n; i++) {
		const struct matcher *m = &p->matchers[i];
		const struct value *value;

		if (m->nfields == 0) {
			for (size_t k = 0; k < event->n; k++)
				run_value(m, &event->values[k], true, scratch,
				    sink);
			continue;
		}
		value = pred_pick(m->fields, m->nfields, event, scratch);
		if (value != NULL)
			run_value(m, value, false, scratch, sink);
	}
}

void
prefilter_figures(const struct prefilter *p, struct prefilter_figures *out)
{
	*out = (struct prefilter_figures){ .rules = p->rules,
	    .always = p->nalways, .matchers = p->n };
	for (size_t i = 0; i < p->n; i++) {
		const struct matcher *m = &p->matchers[i];

		out->states += m->nstates;
		out->bytes += m->nstates * (sizeof(struct state) +
		    m->classes * sizeof(uint32_t));
	}
}
