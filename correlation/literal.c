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

static struct need choose(const struct literals *literals,
    const struct cond *cond, bool negated);

static struct need
choose_best(const struct literals *literals, const struct cond *cond,
    bool negated)
{
	struct need best = unusable;

	for (size_t i = 0; i < cond->n; i++) {
		struct need need = choose(literals, cond->child[i], negated);

		if (need.score > best.score)
			best = need;
	}
	return best;
}

static struct need
choose_all(const struct literals *literals, const struct cond *cond,
    bool negated)
{
	struct need *needs = xcalloc(cond->n + 1, sizeof(*needs));
	struct need all = { NULL, 0, 1e9 };

	for (size_t i = 0; i < cond->n && all.score >= 0; i++) {
		needs[i] = choose(literals, cond->child[i], negated);
		all.n += needs[i].n;
		if (needs[i].score < all.score)
			all.score = needs[i].score;
	}
	if (cond->n == 0 || all.score < 0 || all.n > PREFILTER_ATOMS) {
		free(needs);
		return unusable;
	}
	all.pred = arena_alloc(literals->arena, all.n * sizeof(*all.pred));
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
choose(const struct literals *literals, const struct cond *cond, bool negated)
{
	struct need need = { NULL, 1, 0 };
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
		return unusable;
	need.pred = arena_alloc(literals->arena, sizeof(*need.pred));
	need.pred[0] = cond->pred;
	need.score = literal_score(literals, cond->pred, text);
	return need;
}

struct need
literals_choose(const struct literals *literals, const struct cond *cond)
{
	return choose(literals, cond, false);
}
