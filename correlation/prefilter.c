#include "correlation/prefilter.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "correlation/nibble.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/fold.h"
#include "engine/map.h"
#include "engine/regex.h"

enum text_kind { TEXT_CONTAINS, TEXT_STARTS, TEXT_ENDS, TEXT_KINDS };

#define GRAM 3			/* bytes that a text is recognised by */
#define BITS_MOST 18		/* log2 of the bits of the largest sieve */
#define BITS_LEAST 9

struct waiting {
	struct waiting *next;
	uint32_t rule;
};

/* A text that rules wait for, folded. */
struct text {
	struct text *next;	/* same gram, or too short for one */
	struct slice bytes;
	uint32_t offset;	/* of the gram within */
	uint8_t	 kind;
	struct waiting *rules;
};

struct gram {
	uint32_t key;		/* its bytes and 1 << 24; 0: free */
	struct text *texts;
};

/* What rules want to see in one place. */
struct matcher {
	uint16_t place;
	uint8_t	 nfields;	/* 0: every own value */
	field_t	 fields[PRED_FIELDS];
	bool	 numbers;	/* some exact text is a number */
	bool	 high;		/* some text is not ASCII */
	struct map *exact;	/* folded text to waiting rules; NULL: none */
	struct map *known;	/* while building: kind and text to text */
	struct text **texts;	/* while building */
	size_t	 ntexts, cap;
	struct text *shorts;	/* texts of fewer bytes than a gram, ASCII */
	struct text *high_shorts;	/* and those that are not */
	uint64_t *sieve;	/* bit per hash of a gram that is in a text */
	unsigned shift;		/* 32 less log2 of its bits; NULL: no grams */
	struct gram *grams;	/* open addressing */
	uint32_t mask;
	const struct nibble *nibble;	/* for few texts, instead of the
					 * sieve; NULL: none */
};

struct prefilter {
	struct arena *arena;
	struct matcher *matchers;
	size_t	 n, cap, rules;
	uint32_t *always;
	size_t	 nalways;
};

/* --- which texts --------------------------------------------------------- */

/* A set of preds of which one must hold for the rule to match. */
struct need {
	const struct pred **pred;
	size_t	 n;
	double	 score;		/* the least of them; below 0: unusable */
};

static const char common[] = "etaoinsr \\./:-_cdl";

struct chooser {
	struct arena *arena;
	struct map *count;	/* how many rules use a text in a place */
};

static const struct need unusable = { NULL, 0, -1 };

/* `buf` backs the text of a regular expression. */
static bool
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
		return text->len >= GRAM;
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
	char literal[REGEX_LITERAL_BYTES];
	struct slice text;
	char key[256];

	for (size_t i = 0; i < cond->n; i++)
		count_literals(chooser, cond->child[i]);
	if (cond->kind == COND_PRED && pred_literal(cond->pred, &text, literal))
		map_get(chooser->count, slice_of(key, literal_key(cond->pred,
		    text, key)), NULL)->num++;
}

/* How unlikely the text is, in bits by rule of thumb: letters that are
 * everywhere count less, what many rules look for counts as common. */
static double
literal_score(const struct chooser *chooser, const struct pred *pred,
    struct slice text)
{
	const union map_value *count;
	char key[256];
	double score = pred->op == PRED_EQ ? 6 : 1;

	for (size_t i = 0; i < text.len && i < 24; i++)
		score += strchr(common, text.ptr[i]) != NULL ? 1.0 : 2.0;
	if (pred->op == PRED_STARTS || pred->op == PRED_ENDS)
		score += 1;
	if (pred->nfields == 0)
		score -= 2;	/* every value has to be looked through; the
				 * rule itself would do so for each keyword */
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
	char literal[REGEX_LITERAL_BYTES];
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
	if (negated || !pred_literal(cond->pred, &text, literal))
		return unusable;
	need.pred = arena_alloc(chooser->arena, sizeof(*need.pred));
	need.pred[0] = cond->pred;
	need.score = literal_score(chooser, cond->pred, text);
	return need;
}

/* --- building ------------------------------------------------------------ */

static void
add_waiting(struct prefilter *p, struct waiting **list, uint32_t rule)
{
	struct waiting *waiting;

	/* Rules are added one after the other: a rule that names a text twice
	 * is still the last. */
	if (*list != NULL && (*list)->rule == rule)
		return;
	waiting = arena_alloc(p->arena, sizeof(*waiting));
	*waiting = (struct waiting){ *list, rule };
	*list = waiting;
}

static void
add_text(struct prefilter *p, struct matcher *m, struct slice bytes,
    enum text_kind kind, uint32_t rule)
{
	char *key = arena_text(p->arena, bytes.len + 1);
	union map_value *place;
	struct text *text;

	key[0] = (char)kind;
	memcpy(key + 1, bytes.ptr, bytes.len);
	if (m->known == NULL)
		m->known = map_new_borrowing();
	place = map_get(m->known, slice_of(key, bytes.len + 1), NULL);
	if (place->ptr == NULL) {
		if (m->ntexts == m->cap) {
			m->cap = m->cap * 2 + 16;
			m->texts = xrealloc(m->texts, m->cap *
			    sizeof(struct text *));
		}
		text = arena_zalloc(p->arena, sizeof(*text));
		text->bytes = slice_of(key + 1, bytes.len);
		text->kind = (uint8_t)kind;
		m->texts[m->ntexts++] = text;
		place->ptr = text;
	}
	text = place->ptr;
	add_waiting(p, &text->rules, rule);
}

static uint32_t
gram_at(const char *bytes)
{
	return (uint32_t)(unsigned char)bytes[0] |
	    (uint32_t)(unsigned char)bytes[1] << 8 |
	    (uint32_t)(unsigned char)bytes[2] << 16;
}

static uint32_t
gram_hash(uint32_t gram)
{
	return gram * 0x9e3779b1u;
}

static void
count_grams(struct map *counts, const struct text *text)
{
	for (size_t i = 0; i + GRAM <= text->bytes.len; i++)
		map_get(counts, slice_of(text->bytes.ptr + i, GRAM),
		    NULL)->num++;
}

/* The place of the gram that fewest texts have, so that few texts hang on
 * one; of equals the one with the least common letters. */
static uint32_t
rarest_gram(const struct map *counts, const struct text *text)
{
	uint64_t least = UINT64_MAX;
	uint32_t best = 0;

	for (size_t i = 0; i + GRAM <= text->bytes.len; i++) {
		const char *at = text->bytes.ptr + i;
		uint64_t cost = map_find(counts, slice_of(at, GRAM))->num * 8;

		for (size_t k = 0; k < GRAM; k++)
			cost += strchr(common, at[k]) != NULL;
		if (cost < least) {
			least = cost;
			best = (uint32_t)i;
		}
	}
	return best;
}

static void
add_gram(struct matcher *m, struct text *text)
{
	uint32_t key = gram_at(text->bytes.ptr + text->offset);
	uint32_t hash = gram_hash(key), bit = hash >> m->shift;
	uint32_t at = hash >> 7;

	m->sieve[bit >> 6] |= UINT64_C(1) << (bit & 63);
	key |= 1u << 24;
	while (m->grams[at & m->mask].key != 0 &&
	    m->grams[at & m->mask].key != key)
		at++;
	m->grams[at & m->mask].key = key;
	text->next = m->grams[at & m->mask].texts;
	m->grams[at & m->mask].texts = text;
}

/* A few texts are looked for sixteen places at a time. */
static void
add_nibble(struct prefilter *p, struct matcher *m)
{
	struct nibble *nibble = arena_zalloc(p->arena, sizeof(*nibble));
	unsigned set = 0;

	for (uint32_t i = 0; i <= m->mask; i++) {
		uint32_t key = m->grams[i].key;
		const char triple[GRAM] = { (char)(key & 0xff),
		    (char)(key >> 8 & 0xff), (char)(key >> 16 & 0xff) };

		if (key != 0)
			nibble_add(nibble, triple, set++ % NIBBLE_SETS);
	}
	m->nibble = nibble;
}

/* The sieve has 32 bits for each text, so that one place in thirty passes by
 * chance; small ones fit the first cache, large ones the second. */
static void
matcher_finish(struct prefilter *p, struct matcher *m)
{
	struct map *counts = map_new();
	unsigned bits = BITS_LEAST;
	size_t slots = 16;

	while (bits < BITS_MOST && (1u << bits) < m->ntexts * 32)
		bits++;
	while (slots < m->ntexts * 2)
		slots *= 2;
	m->shift = 32 - bits;
	m->mask = (uint32_t)slots - 1;
	for (size_t i = 0; i < m->ntexts; i++)
		count_grams(counts, m->texts[i]);
	if (map_count(counts) > 0) {
		m->sieve = xcalloc(1u << bits >> 6, sizeof(*m->sieve));
		m->grams = xcalloc(slots, sizeof(*m->grams));
	}
	for (size_t i = 0; i < m->ntexts; i++) {
		struct text *text = m->texts[i];

		m->high = m->high || !fold_is_ascii(text->bytes);
		if (text->bytes.len < GRAM) {
			struct text **list = fold_is_ascii(text->bytes)
			    ? &m->shorts : &m->high_shorts;

			text->next = *list;
			*list = text;
			continue;
		}
		text->offset = rarest_gram(counts, text);
		add_gram(m, text);
	}
	if (m->sieve != NULL && m->ntexts <= NIBBLE_MOST && nibble_usable())
		add_nibble(p, m);
	map_free(counts);
	map_free(m->known);
	free(m->texts);
	m->known = NULL;
	m->texts = NULL;
}

static void
add_exact(struct prefilter *p, struct matcher *m, struct slice text,
    uint32_t rule)
{
	struct waiting *list;
	union map_value *place;

	if (m->exact == NULL)
		m->exact = map_new();
	place = map_get(m->exact, text, NULL);
	list = place->ptr;
	add_waiting(p, &list, rule);
	place->ptr = list;
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
	p->matchers[p->n] = (struct matcher){ .nfields = pred->nfields,
	    .place = pred->place };
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
	enum text_kind kind = TEXT_CONTAINS;
	char buf[NUMBER_BYTES], literal[REGEX_LITERAL_BYTES];
	struct slice text;

	check(pred_literal(pred, &text, literal));
	if (pred->cased && pred->op != PRED_RE)
		text = fold_dup(p->arena, text);
	if (pred->op == PRED_EQ) {
		add_exact(p, m, text, rule);
		if (pred->has_number) {
			m->numbers = true;
			add_exact(p, m, number_text(pred->number, buf), rule);
		}
		return;
	}
	if (pred->op == PRED_STARTS)
		kind = TEXT_STARTS;
	if (pred->op == PRED_ENDS)
		kind = TEXT_ENDS;
	add_text(p, m, text, kind, rule);
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
		matcher_finish(p, &p->matchers[i]);
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
		free(p->matchers[i].sieve);
		free(p->matchers[i].grams);
	}
	free(p->matchers);
	free(p->always);
	arena_free(p->arena);
	free(p);
}

/* --- running ------------------------------------------------------------- */

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
offer_all(struct prefilter_sink *sink, const struct waiting *waiting)
{
	for (; waiting != NULL; waiting = waiting->next)
		offer(sink, waiting->rule);
}

/* Whether the text stands in `in` where its kind wants it, beginning at
 * `from`, which may lie before the beginning. */
static bool
stands(const struct text *text, struct slice in, ptrdiff_t from)
{
	size_t len = text->bytes.len;

	if (from < 0 || len > in.len - (size_t)from)
		return false;
	if ((text->kind == TEXT_STARTS && from != 0) ||
	    (text->kind == TEXT_ENDS && (size_t)from + len != in.len))
		return false;
	return memcmp(in.ptr + from, text->bytes.ptr, len) == 0;
}

static const struct text *
find_gram(const struct matcher *m, uint32_t key)
{
	uint32_t slot = gram_hash(key) >> 7;

	key |= 1u << 24;
	for (;; slot++) {
		const struct gram *gram = &m->grams[slot & m->mask];

		if (gram->key == key)
			return gram->texts;
		if (gram->key == 0)
			return NULL;
	}
}

static void
offer_gram(const struct matcher *m, uint32_t key, struct slice in, size_t at,
    struct prefilter_sink *sink)
{
	const struct text *text = find_gram(m, key);

	for (; text != NULL; text = text->next)
		if (stands(text, in, (ptrdiff_t)at - text->offset))
			offer_all(sink, text->rules);
}

static bool
passes(const uint64_t *sieve, unsigned shift, uint32_t key)
{
	uint32_t bit = gram_hash(key) >> shift;

	return (sieve[bit >> 6] >> (bit & 63) & 1) != 0;
}

/* Every place of the value against the sieve: no place waits for another. Four
 * bytes are read at once, where there are four; the tail by itself. */
static void
scan(const struct matcher *m, struct slice in, struct prefilter_sink *sink)
{
	const uint64_t *sieve = m->sieve;
	unsigned shift = m->shift;
	size_t i = 0;

	for (; i + GRAM + 2 <= in.len; i += 2) {
		uint32_t word, first, second;

		memcpy(&word, in.ptr + i, sizeof(word));
		first = le32toh(word) & 0xffffff;
		second = le32toh(word) >> 8;
		if (passes(sieve, shift, first))
			offer_gram(m, first, in, i, sink);
		if (passes(sieve, shift, second))
			offer_gram(m, second, in, i + 1, sink);
	}
	for (; i + GRAM <= in.len; i++)
		if (passes(sieve, shift, gram_at(in.ptr + i)))
			offer_gram(m, gram_at(in.ptr + i), in, i, sink);
}

static void
scan_few(const struct matcher *m, struct slice in,
    struct prefilter_sink *sink)
{
	bool high = false;

	for (size_t at = 0; (at = nibble_find(m->nibble, in, at, &high)) +
	    GRAM <= in.len; at++)
		offer_gram(m, gram_at(in.ptr + at), in, at, sink);
}

/* Whether a text may stand in bytes that are not folded. */
static bool
may_stand(const struct matcher *m, struct slice in)
{
	bool high = false;

	for (size_t at = 0; (at = nibble_find(m->nibble, in, at, &high)) +
	    GRAM <= in.len; at++) {
		char gram[GRAM];

		for (size_t k = 0; k < GRAM; k++)
			gram[k] = (char)fold_ascii[(unsigned char)
			    in.ptr[at + k]];
		if (find_gram(m, gram_at(gram)) != NULL)
			return true;
	}
	return high && (m->high || fold_hides_ascii(in));
}

static void
scan_shorts(const struct text *text, struct slice in,
    struct prefilter_sink *sink)
{
	for (; text != NULL; text = text->next) {
		if (text->kind == TEXT_STARTS ? stands(text, in, 0)
		    : text->kind == TEXT_ENDS ? stands(text, in,
		    (ptrdiff_t)in.len - (ptrdiff_t)text->bytes.len)
		    : memmem(in.ptr, in.len, text->bytes.ptr,
		    text->bytes.len) != NULL)
			offer_all(sink, text->rules);
	}
}

static void
look_up(const struct matcher *m, struct slice text,
    struct prefilter_sink *sink)
{
	const union map_value *place = map_find(m->exact, text);

	if (place != NULL)
		offer_all(sink, place->ptr);
}

static void
run_scalar(const struct matcher *m, const struct value *value,
    struct slice folded, struct pred_scratch *scratch,
    struct prefilter_sink *sink)
{
	char buf[VALUE_TEXT_BYTES], digits[NUMBER_BYTES];
	struct slice text;
	double number;

	if (value->type == VALUE_NULL || value->type == VALUE_LIST)
		return;
	text = value_as_text(value, buf);
	if (text.ptr != buf)
		text = folded.ptr != NULL ? folded : pred_fold(scratch, text);
	if (m->exact != NULL)
		look_up(m, text, sink);
	if (m->nibble != NULL)
		scan_few(m, text, sink);
	else if (m->sieve != NULL)
		scan(m, text, sink);
	scan_shorts(m->shorts, text, sink);
	if (m->high_shorts != NULL && !fold_is_ascii(text))
		scan_shorts(m->high_shorts, text, sink);
	if (m->numbers && value_as_double(value, &number))
		look_up(m, number_text(number, digits), sink);
}

static void
run_members(const struct matcher *m, const struct value *value,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	for (size_t i = 0; i < value_members(value); i++)
		run_scalar(m, value_member(value, i), slice_of(NULL, 0),
		    scratch, sink);
}

static bool
is_within(struct slice raw, const struct value *value)
{
	return (uintptr_t)value->text >= (uintptr_t)raw.ptr &&
	    (uintptr_t)value->text + value->len <=
	    (uintptr_t)raw.ptr + raw.len;
}

/* Every value that came with the event. Most of them stand in the raw line as
 * they are: if no text is there, they need not be looked at, nor folded. */
static void
run_everywhere(const struct matcher *m, const struct event *event,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	bool lax = m->nibble != NULL && m->exact == NULL &&
	    m->shorts == NULL && m->high_shorts == NULL;
	bool passed = lax && !may_stand(m, event->raw);

	for (size_t i = 0; i < event->n; i++) {
		const struct value *value = &event->values[i];

		for (size_t k = 0; k < value_members(value); k++) {
			const struct value *one = value_member(value, k);

			if ((passed && is_within(event->raw, one)) ||
			    !pred_is_own(one))
				continue;
			if (!lax || one->len == 0 || may_stand(m,
			    slice_of(one->text, one->len)))
				run_scalar(m, one, slice_of(NULL, 0),
				    scratch, sink);
		}
	}
}

static void
run_matcher(const struct matcher *m, const struct event *event,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	const struct value *value;
	struct slice folded;

	if (m->nfields == 0) {
		run_everywhere(m, event, scratch, sink);
		return;
	}
	value = pred_pick_place(m->place, m->fields, m->nfields, event,
	    scratch, &folded);
	if (value != NULL && value->type == VALUE_LIST)
		run_members(m, value, scratch, sink);
	else if (value != NULL)
		run_scalar(m, value, folded, scratch, sink);
}

void
prefilter_run(const struct prefilter *p, const struct event *event,
    struct pred_scratch *scratch, struct prefilter_sink *sink)
{
	for (size_t i = 0; i < p->nalways; i++)
		offer(sink, p->always[i]);
	for (size_t i = 0; i < p->n; i++)
		run_matcher(&p->matchers[i], event, scratch, sink);
}

void
prefilter_figures(const struct prefilter *p, struct prefilter_figures *out)
{
	*out = (struct prefilter_figures){ .rules = p->rules,
	    .always = p->nalways, .matchers = p->n };
	for (size_t i = 0; i < p->n; i++) {
		const struct matcher *m = &p->matchers[i];

		out->texts += m->ntexts;
		out->bytes += m->ntexts * sizeof(struct text);
		if (m->sieve != NULL)
			out->bytes += (1u << (32 - m->shift) >> 3) +
			    (m->mask + 1) * sizeof(struct gram);
	}
}
