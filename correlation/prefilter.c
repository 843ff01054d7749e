#include "correlation/prefilter.h"

#include <math.h>
#include <stdlib.h>

#include "correlation/literal.h"
#include "correlation/probe.h"
#include "correlation/value_memo.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/fold.h"

/* A rule that asks something of a value here which is no text. */
struct asking {
	struct asking *next;
	struct probe probe;
	uint32_t key;
	bool	 nowhere;	/* holds for an event without the field */
};

/* What rules want to see in one place. */
struct matcher {
	uint16_t place;
	uint8_t	 nfields;	/* 0: every own value */
	field_t	 fields[PRED_FIELDS];
	struct textset texts;
	struct asking *asking;
};

struct prefilter {
	struct arena *arena;
	struct matcher *matchers;
	size_t	 n, cap, rules;
	size_t	 first;		/* number of the first matcher */
	uint32_t *always;
	size_t	 nalways;
};

/* --- building ------------------------------------------------------------ */

static struct matcher *
matcher_get(struct prefilter *p, const struct pred *pred)
{
	struct matcher *m;

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
	m = &p->matchers[p->n++];
	*m = (struct matcher){ .nfields = pred->nfields,
	    .place = pred->place };
	memcpy(m->fields, pred->fields, pred->nfields * sizeof(field_t));
	textset_init(&m->texts, p->arena);
	return m;
}

static enum text_kind
kind_of(const struct pred *pred)
{
	switch (pred->op) {
	case PRED_EQ:
		return TEXT_EXACT;
	case PRED_STARTS:
		return TEXT_STARTS;
	case PRED_ENDS:
		return TEXT_ENDS;
	}
	return TEXT_CONTAINS;
}

static void
add_pred(struct prefilter *p, const struct pred *pred, uint32_t key)
{
	struct matcher *m = matcher_get(p, pred);
	char literal[REGEX_LITERAL_BYTES];
	struct slice text;

	check(pred_literal(pred, &text, literal));
	if (pred->cased && pred->op != PRED_RE)
		text = fold_dup(p->arena, text);
	textset_add(&m->texts, text, kind_of(pred), key);
	if (pred->op == PRED_EQ && pred->has_number)
		textset_add_number(&m->texts, pred->number, key);
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

static void
add_need(struct prefilter *p, const struct need *need, uint32_t key)
{
	for (size_t i = 0; i < need->n; i++)
		add_pred(p, need->pred[i], key);
}

/* A rule that waits for no text. */
static void
add_odd(struct prefilter *p, const struct prefilter_rule *rule,
    struct pred_scratch *scratch)
{
	struct asking *asking;
	struct matcher *m;
	struct probe probe;

	if (!probe_choose(p->arena, rule->cond, &probe)) {
		p->always[p->nalways++] = KEY_ONLY(rule->number);
		return;
	}
	m = matcher_get(p, probe.field);
	asking = arena_alloc(p->arena, sizeof(*asking));
	*asking = (struct asking){ m->asking, probe,
	    KEY_ONLY(rule->number), probe_holds(&probe, NULL, scratch) };
	m->asking = asking;
}

struct prefilter *
prefilter_build(const struct prefilter_rule *rules, size_t n, size_t first)
{
	struct prefilter *p = xcalloc(1, sizeof(*p));
	struct literals *literals = literals_new();
	struct pred_scratch *scratch = pred_scratch_new();

	p->arena = arena_new(0);
	p->rules = n;
	p->first = first;
	p->always = xcalloc(n + 1, sizeof(*p->always));
	for (size_t i = 0; i < n; i++)
		literals_count(literals, rules[i].cond);
	for (size_t i = 0; i < n; i++) {
		struct needs needs = literals_choose(literals,
		    rules[i].cond);
		uint32_t rule = rules[i].number;

		if (!is_indexable(&needs.first)) {
			add_odd(p, &rules[i], scratch);
		} else if (!is_indexable(&needs.second)) {
			add_need(p, &needs.first, KEY_ONLY(rule));
		} else {
			add_need(p, &needs.first, KEY_FIRST(rule));
			add_need(p, &needs.second, KEY_SECOND(rule));
		}
	}
	for (size_t i = 0; i < p->n; i++)
		textset_seal(&p->matchers[i].texts);
	pred_scratch_free(scratch);
	literals_free(literals);
	return p;
}

void
prefilter_free(struct prefilter *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		textset_fini(&p->matchers[i].texts);
	free(p->matchers);
	free(p->always);
	arena_free(p->arena);
	free(p);
}

size_t
prefilter_matchers(const struct prefilter *p)
{
	return p->n;
}

/* --- candidates ---------------------------------------------------------- */

void
key_sink_init(struct key_sink *sink, size_t rules)
{
	sink->n = 0;
	sink->seen = xcalloc(rules * KEYS_OF_RULE / 64 + 1, sizeof(uint64_t));
	sink->key = xcalloc(rules * KEYS_OF_RULE + 1, sizeof(uint32_t));
}

void
key_sink_fini(struct key_sink *sink)
{
	free(sink->seen);
	free(sink->key);
}

size_t
key_sink_settle(struct key_sink *sink, uint32_t *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < sink->n; i++) {
		uint32_t key = sink->key[i], rule = key >> 2;

		if (key == KEY_ONLY(rule) || (key == KEY_FIRST(rule) &&
		    key_is_seen(sink, KEY_SECOND(rule))))
			rules[n++] = rule;
	}
	for (size_t i = 0; i < sink->n; i++)
		key_forget(sink, sink->key[i]);
	sink->n = 0;
	return n;
}

/* --- what one thread remembers ------------------------------------------- */

struct prefilter_memo {
	size_t	 n;
	struct value_memo *memos;	/* by number of matcher */
	size_t	 tables;	/* of them that remember anything */
	struct key_sink found;	/* what one value leads to */
	uint64_t known, unknown;
};

struct prefilter_memo *
prefilter_memo_new(size_t matchers, size_t rules)
{
	struct prefilter_memo *memo = xcalloc(1, sizeof(*memo));

	memo->n = matchers;
	memo->memos = xcalloc(matchers + 1, sizeof(*memo->memos));
	key_sink_init(&memo->found, rules);
	return memo;
}

void
prefilter_memo_free(struct prefilter_memo *memo)
{
	if (memo == NULL)
		return;
	for (size_t i = 0; i < memo->n; i++)
		value_memo_fini(&memo->memos[i]);
	free(memo->memos);
	key_sink_fini(&memo->found);
	free(memo);
}

struct prefilter_memo_figures
prefilter_memo_figures(const struct prefilter_memo *memo)
{
	return (struct prefilter_memo_figures){ memo->known, memo->unknown,
	    memo->tables * value_memo_bytes() };
}

/* --- running ------------------------------------------------------------- */

struct run {
	const struct prefilter *prefilter;
	const struct event *event;
	struct pred_scratch *scratch;
	struct prefilter_memo *memo;	/* NULL: nothing is remembered */
	struct key_sink *sink;
};

/* The value looked at without memory: texts, then what is no text. */
static void
look(const struct run *run, const struct matcher *m,
    const struct value *value, struct slice folded, struct key_sink *sink)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text;

	if (value->type != VALUE_NULL) {
		text = folded.ptr != NULL ? folded : pred_fold_value(
		    run->scratch, value, value_as_text(value, buf));
		textset_find(&m->texts, value, text, sink);
	}
	for (const struct asking *a = m->asking; a != NULL; a = a->next)
		if (probe_holds(&a->probe, value, run->scratch))
			key_offer(sink, a->key);
}

/* What a value leads to by itself is found apart from what others of this
 * event led to, and kept. */
static void
look_and_keep(const struct run *run, const struct matcher *m,
    struct value_memo *memo, const struct value *value, uint64_t hash)
{
	struct key_sink *found = &run->memo->found;

	found->n = 0;
	look(run, m, value, slice_of(NULL, 0), found);
	value_memo_put(memo, slice_of(value->text, value->len), value->type,
	    hash, found->key, found->n);
	for (size_t i = 0; i < found->n; i++) {
		key_forget(found, found->key[i]);
		key_offer(run->sink, found->key[i]);
	}
}

/* NULL: the value is not to be remembered. A time is more than its text, which
 * may lack the zone and the year. */
static struct value_memo *
memo_of(const struct run *run, const struct matcher *m,
    const struct value *value)
{
	size_t number = run->prefilter->first +
	    (size_t)(m - run->prefilter->matchers);
	struct value_memo *memo;

	if (run->memo == NULL || number >= run->memo->n ||
	    value->text == NULL || value->len < PREFILTER_SHORT ||
	    value->len > VALUE_MEMO_BYTES || value->type == VALUE_TIME)
		return NULL;
	memo = &run->memo->memos[number];
	if (memo->table == NULL) {
		if (run->memo->tables == PREFILTER_TABLES)
			return NULL;
		run->memo->tables++;
	}
	return memo;
}

/* A value about which the memo is to be asked. */
struct question {
	const struct matcher *matcher;
	struct value_memo *memo;
	struct value value;
	uint64_t hash;
};

static void
look_once(const struct run *run, const struct matcher *m,
    const struct value *value)
{
	struct slice folded = slice_of(NULL, 0);

	if (value->text != NULL)
		pred_pick_place(m->place, m->fields, m->nfields, run->event,
		    run->scratch, &folded);
	look(run, m, value, folded, run->sink);
}

static void
ask(const struct run *run, const struct question *question)
{
	const struct value *value = &question->value;
	const uint32_t *keys;
	size_t n;
	enum value_memo_answer answer = value_memo_find(question->memo,
	    slice_of(value->text, value->len), value->type, question->hash,
	    &keys, &n);

	*(answer == MEMO_KNOWN ? &run->memo->known : &run->memo->unknown) += 1;
	switch (answer) {
	case MEMO_KNOWN:
		for (size_t i = 0; i < n; i++)
			key_offer(run->sink, keys[i]);
		break;
	case MEMO_WANTED:
		look_and_keep(run, question->matcher, question->memo, value,
		    question->hash);
		break;
	case MEMO_UNKNOWN:
		look_once(run, question->matcher, value);
		break;
	}
}

/* Members one by one for texts; what else is asked may be about all of them
 * together, and is left to the rule. */
static void
run_members(const struct run *run, const struct matcher *m,
    const struct value *value)
{
	for (size_t i = 0; i < value_members(value); i++) {
		const struct value *one = value_member(value, i);
		char buf[VALUE_TEXT_BYTES];
		struct slice text;

		if (one->type == VALUE_NULL)
			continue;
		text = pred_fold_value(run->scratch, one,
		    value_as_text(one, buf));
		textset_find(&m->texts, one, text, run->sink);
	}
	for (const struct asking *a = m->asking; a != NULL; a = a->next)
		key_offer(run->sink, a->key);
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
run_everywhere(const struct run *run, const struct matcher *m)
{
	const struct event *event = run->event;
	bool few = textset_is_few(&m->texts);
	bool passed = few && !textset_may_find(&m->texts, event->raw);

	for (size_t i = 0; i < event->n; i++) {
		const struct value *value = &event->values[i];

		for (size_t k = 0; k < value_members(value); k++) {
			const struct value *one = value_member(value, k);

			if (one->type == VALUE_NULL || (passed && is_within(
			    event->raw, one)) || !pred_is_own(one))
				continue;
			if (!few || one->len == 0 || textset_may_find(
			    &m->texts, slice_of(one->text, one->len)))
				look(run, m, one, slice_of(NULL, 0),
				    run->sink);
		}
	}
}

/* Runs the matcher, unless there is something to ask the memo: then true, and
 * *question is it. */
static bool
run_matcher(const struct run *run, const struct matcher *m,
    struct question *question)
{
	const struct value *value;
	struct value_memo *memo;

	if (m->nfields == 0) {
		run_everywhere(run, m);
		return false;
	}
	value = pred_pick_place(m->place, m->fields, m->nfields, run->event,
	    run->scratch, NULL);
	if (value == NULL) {
		for (const struct asking *a = m->asking; a != NULL;
		    a = a->next)
			if (a->nowhere)
				key_offer(run->sink, a->key);
		return false;
	}
	if (value->type == VALUE_LIST) {
		run_members(run, m, value);
		return false;
	}
	memo = memo_of(run, m, value);
	if (memo != NULL && value_memo_begin(memo, slice_of(value->text,
	    value->len), &question->hash)) {
		question->matcher = m;
		question->memo = memo;
		question->value = *value;
		return true;
	}
	look_once(run, m, value);
	return false;
}

/* Questions wait for each other, so that their memory comes meanwhile. */
#define QUESTIONS 32

void
prefilter_run(const struct prefilter *p, const struct event *event,
    struct pred_scratch *scratch, struct prefilter_memo *memo,
    struct key_sink *sink)
{
	struct run run = { p, event, scratch, memo, sink };
	struct question questions[QUESTIONS];
	size_t n = 0;

	for (size_t i = 0; i < p->nalways; i++)
		key_offer(sink, p->always[i]);
	for (size_t i = 0; i < p->n; i++) {
		n += run_matcher(&run, &p->matchers[i], &questions[n]);
		if (n < QUESTIONS && i + 1 < p->n)
			continue;
		for (size_t k = 0; k < n; k++)
			ask(&run, &questions[k]);
		n = 0;
	}
}

void
prefilter_figures(const struct prefilter *p, struct prefilter_figures *out)
{
	*out = (struct prefilter_figures){ .rules = p->rules,
	    .always = p->nalways, .matchers = p->n };
	for (size_t i = 0; i < p->n; i++) {
		const struct matcher *m = &p->matchers[i];

		out->texts += m->texts.n;
		out->bytes += textset_bytes(&m->texts);
		for (const struct asking *a = m->asking; a != NULL;
		    a = a->next)
			out->asking++;
	}
}
