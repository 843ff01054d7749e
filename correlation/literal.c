#include "correlation/literal.h"

#include <math.h>
#include <stdlib.h>

#include "correlation/prefilter.h"
#include "correlation/textset.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/map.h"

struct literals {
	struct arena *arena;
	struct map *count;	/* how many rules use a text in a place */
};

/* A number alone tells events apart better than its few digits look. */
#define NUMBER_SCORE 12

struct literals *
literals_new(void)
{
	struct literals *literals = xcalloc(1, sizeof(*literals));

	literals->arena = arena_new(0);
	literals->count = map_new();
	return literals;
}

void
literals_free(struct literals *literals)
{
	if (literals == NULL)
		return;
	arena_free(literals->arena);
	map_free(literals->count);
	free(literals);
}

static const struct need unusable = { NULL, 0, -1 };

bool
pred_literal(const struct pred *pred, struct slice *text,
    char buf[REGEX_LITERAL_BYTES])
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
	case PRED_RE:
		*text = slice_of(buf, regex_literal(pred->text, buf));
		return text->len >= TEXTSET_GRAM;
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

void
literals_count(struct literals *literals, const struct cond *cond)
{
	char literal[REGEX_LITERAL_BYTES];
	struct slice text;
	char key[256];

	for (size_t i = 0; i < cond->n; i++)
		literals_count(literals, cond->child[i]);
	if (cond->kind == COND_PRED && pred_literal(cond->pred, &text, literal))
		map_get(literals->count, slice_of(key, literal_key(cond->pred,
		    text, key)), NULL)->num++;
}

/* How unlikely the text is, in bits by rule of thumb: letters that are
 * everywhere count less, what many rules look for counts as common. */
static double
literal_score(const struct literals *literals, const struct pred *pred,
    struct slice text)
{
	const union map_value *count;
	char key[256];
	double score = pred->has_number ? NUMBER_SCORE : pred->op == PRED_EQ
	    ? 6 : 1;

	for (size_t i = 0; i < text.len && i < 24; i++)
		score += strchr(LITERAL_COMMON, text.ptr[i]) != NULL ? 1.0 : 2.0;
	if (pred->op == PRED_STARTS || pred->op == PRED_ENDS)
		score += 1;
	if (pred->nfields == 0)
		score -= 2;	/* every value has to be looked through; the
				 * rule itself would do so for each keyword */
	count = map_find(literals->count, slice_of(key, literal_key(pred, text,
	    key)));
	if (count != NULL)
		score -= 2 * log2((double)count->num);
	return score > 0.1 ? score : 0.1;
}

/* A second set counts only if it is worth looking for. */
#define SECOND_SCORE 3
#define SECOND_TEXTS 512

static bool
is_worth_a_second(const struct need *need)
{
	for (size_t i = 0; i < need->n; i++)
		if (need->pred[i]->nfields == 0)
			return false;	/* every value: too dear */
	return need->score >= SECOND_SCORE && need->n <= SECOND_TEXTS;
}

static struct needs choose(const struct literals *literals,
    const struct cond *cond, bool negated);

/* All parts must hold: the best of their sets, and the next best, be it of
 * the same part or of another. */
static struct needs
choose_best(const struct literals *literals, const struct cond *cond,
    bool negated)
{
	struct needs best = { unusable, unusable };

	for (size_t i = 0; i < cond->n; i++) {
		struct needs needs = choose(literals, cond->child[i], negated);
		struct need left = needs.first;

		if (needs.first.score > best.first.score) {
			left = best.first;
			best.first = needs.first;
		}
		if (left.score > best.second.score)
			best.second = left;
		if (needs.second.score > best.second.score)
			best.second = needs.second;
	}
	if (!is_worth_a_second(&best.second))
		best.second = unusable;
	return best;
}

/* The sets of all parts as one. */
static struct need
unite(const struct literals *literals, const struct need *needs, size_t n)
{
	struct need all = { NULL, 0, 1e9 };

	for (size_t i = 0; i < n && all.score >= 0; i++) {
		all.n += needs[i].n;
		if (needs[i].score < all.score)
			all.score = needs[i].score;
	}
	if (n == 0 || all.score < 0 || all.n > PREFILTER_ATOMS)
		return unusable;
	all.pred = arena_alloc(literals->arena, all.n * sizeof(*all.pred));
	all.n = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(all.pred + all.n, needs[i].pred,
		    needs[i].n * sizeof(*all.pred));
		all.n += needs[i].n;
	}
	all.score -= log2((double)all.n);
	if (all.score < 0.05)
		all.score = 0.05;
	return all;
}

/* Any part may hold: a part without a second set has its first twice. */
static struct needs
choose_all(const struct literals *literals, const struct cond *cond,
    bool negated)
{
	struct need *first = xcalloc(cond->n + 1, sizeof(*first));
	struct need *second = xcalloc(cond->n + 1, sizeof(*second));
	struct needs all = { unusable, unusable };
	bool some = false, none = cond->n == 0;

	for (size_t i = 0; i < cond->n && !none; i++) {
		struct needs needs = choose(literals, cond->child[i], negated);

		none = needs.first.score < 0;
		some = some || needs.second.score >= 0;
		first[i] = needs.first;
		second[i] = needs.second.score >= 0 ? needs.second
		    : needs.first;
	}
	if (!none)
		all.first = unite(literals, first, cond->n);
	if (!none && some)
		all.second = unite(literals, second, cond->n);
	if (all.first.score < 0 || !is_worth_a_second(&all.second))
		all.second = unusable;
	free(first);
	free(second);
	return all;
}

static struct needs
choose(const struct literals *literals, const struct cond *cond, bool negated)
{
	struct needs needs = { { NULL, 1, 0 }, unusable };
	char literal[REGEX_LITERAL_BYTES];
	struct slice text;

	switch (cond->kind) {
	case COND_NOT:
		return choose(literals, cond->child[0], !negated);
	case COND_AND:
		return negated ? choose_all(literals, cond, negated)
		    : choose_best(literals, cond, negated);
	case COND_OR:
		return negated ? choose_best(literals, cond, negated)
		    : choose_all(literals, cond, negated);
	case COND_PRED:
		break;
	}
	if (negated || !pred_literal(cond->pred, &text, literal))
		return (struct needs){ unusable, unusable };
	needs.first.pred = arena_alloc(literals->arena,
	    sizeof(*needs.first.pred));
	needs.first.pred[0] = cond->pred;
	needs.first.score = literal_score(literals, cond->pred, text);
	return needs;
}

struct needs
literals_choose(const struct literals *literals, const struct cond *cond)
{
	return choose(literals, cond, false);
}
