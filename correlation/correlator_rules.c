/* A new set of rules: what refers to what, and whose windows go on. */
#include "correlation/correlator.h"

#include <stdlib.h>

#include "correlation/first_seen.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/map.h"

void
rule_states_free(struct rule_state *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		window_free(rules[i].window);
		for (size_t k = 0; k < rules[i].nbinds; k++)
			binds_free(rules[i].binds[k]);
		free(rules[i].binds);
		first_seen_free(rules[i].first_seen);
	}
	free(rules);
}

static void
put_fields(struct strbuf *text, const field_t *fields)
{
	for (; fields != NULL && *fields != FIELD_NONE; fields++) {
		strbuf_put(text, field_name(*fields));
		strbuf_putc(text, ' ');
	}
	strbuf_putc(text, '\n');
}

static void
put_bind(struct strbuf *text, const struct bind_rule *bind)
{
	strbuf_printf(text, "bind %zu %zu %zu %zu %lld\n", bind->column,
	    bind->first, bind->nlearn, bind->nuntil,
	    (long long)bind->for_ns);
	put_fields(text, bind->from);
	put_fields(text, bind->read);
	put_fields(text, (const field_t[]){ bind->to, FIELD_NONE });
	put_fields(text, (const field_t[]){ bind->lease, FIELD_NONE });
}

static void
put_correlation(struct strbuf *text, const struct ruleset *set,
    const struct correlation *c)
{
	const struct correlation_bounds *b = &c->bounds;

	strbuf_printf(text, "%d %lld %d %.17g\n", (int)c->type,
	    (long long)c->timespan_ns, c->bounds_given, c->percentile);
	strbuf_printf(text, "%d%.17g %d%.17g %d%.17g %d%.17g %d%.17g %d%.17g\n",
	    b->has_gt, b->gt, b->has_gte, b->gte, b->has_lt, b->lt,
	    b->has_lte, b->lte, b->has_eq, b->eq, b->has_neq, b->neq);
	strbuf_printf(text, "%zu %.17g %.17g\n", c->nabsent, c->speed_kmh,
	    c->speed_least_km);
	put_fields(text, (const field_t[]){ c->speed_lat, FIELD_NONE });
	put_fields(text, (const field_t[]){ c->speed_lon, FIELD_NONE });
	for (size_t i = 0; i < c->nbinds; i++)
		put_bind(text, &c->binds[i]);
	for (size_t i = 0; i < c->nall; i++) {
		strbuf_put(text, ruleset_rule(set, c->refer[i])->id);
		strbuf_putc(text, '\n');
		for (size_t k = 0; i < c->nrefer && k < c->ngroup; k++)
			put_fields(text, c->group[k].fields[i]);
	}
	for (size_t k = 0; k < c->ngroup; k++) {
		strbuf_put(text, c->group[k].name);
		strbuf_putc(text, '\n');
	}
	put_fields(text, c->value_fields);
}

/* What a window's entries mean hangs on all of this; texts and levels may
 * change under it. */
static void
hash_content(struct correlator *c, const struct ruleset *set,
    struct rule_state *state)
{
	struct strbuf text = STRBUF_INIT;
	const struct rule *rule = state->rule;

	if (rule->correlation != NULL)
		put_correlation(&text, set, rule->correlation);
	else if (rule->cond != NULL)
		cond_print(&text, rule->cond);
	for (size_t i = 0; i < rule->nfirst_seen; i++)
		put_fields(&text, rule->first_seen[i]);
	strbuf_printf(&text, "%lld %lld\n",
	    (long long)rule->first_seen_memory_ns,
	    (long long)rule->first_seen_learn_ns);
	/* What a correlation refers to comes before it. */
	if (rule->correlation != NULL)
		for (size_t i = 0; i < rule->correlation->nall; i++)
			strbuf_put(&text, slice_of((const char *)
			    c->rules[rule->correlation->refer[i]].content,
			    SHA256_BYTES));
	sha256(strbuf_slice(&text), state->content);
	strbuf_fini(&text);
}

static bool
raises(const struct rule *rule)
{
	return rule->layer != LAYER_FILTER && !rule->silent;
}

static bool
refers_back(const struct rule *rule)
{
	for (size_t i = 0; i < rule->correlation->nall; i++)
		if (rule->correlation->refer[i] >= rule->number)
			return false;
	return true;
}

static void
build_feeds(struct correlator *c)
{
	size_t *n = xcalloc(c->nrules + 1, sizeof(*n));
	struct feed *feeds;

	for (size_t i = 0; i < c->nrules; i++) {
		const struct correlation *k = c->rules[i].rule->correlation;

		for (size_t j = 0; k != NULL && j < k->nall; j++)
			n[k->refer[j]]++;
	}
	for (size_t i = 0; i < c->nrules; i++) {
		c->rules[i].feeds = arena_alloc(c->set_arena,
		    (n[i] + 1) * sizeof(*feeds));
		c->rules[i].nfeeds = 0;
	}
	for (size_t i = 0; i < c->nrules; i++) {
		const struct correlation *k = c->rules[i].rule->correlation;

		for (size_t j = 0; k != NULL && j < k->nall; j++) {
			struct rule_state *to = &c->rules[k->refer[j]];
			union { const struct feed *in; struct feed *out; } at =
			    { .in = to->feeds };

			at.out[to->nfeeds++] = (struct feed){ (uint32_t)i,
			    (uint32_t)j };
		}
	}
	free(n);
}

/* A rule's sentences, and those of rules that it has a part in; these have
 * greater numbers. */
static void
want_words(struct correlator *c)
{
	for (size_t i = c->nrules; i-- > 0;) {
		struct rule_state *state = &c->rules[i];

		state->wanted[0] = FIELD_NONE;
		if (state->raises)
			words_wanted(state->rule, state->wanted);
		for (size_t k = 0; k < state->nfeeds; k++)
			for (const field_t *field = c->rules[state->feeds[k].
			    correlation].wanted; *field != FIELD_NONE; field++)
				words_want(state->wanted, *field);
	}
}

static void
reach(struct rule_state *rules, struct rule_state *state)
{
	const struct correlation *k = state->rule->correlation;
	int64_t longest = 0;

	if (k == NULL)
		return;
	for (size_t i = 0; i < k->nrefer; i++)
		if (rules[k->refer[i]].reach_ns > longest)
			longest = rules[k->refer[i]].reach_ns;
	for (size_t i = 0; i < k->nbinds; i++)
		if (k->binds[i].for_ns > longest)
			longest = k->binds[i].for_ns;
	state->reach_ns = time_plus(longest, k->timespan_ns);
}

static void
make_binds(struct correlator *c, struct rule_state *state)
{
	const struct correlation *k = state->rule->correlation;

	if (k == NULL || k->nbinds == 0 || state->nbinds > 0)
		return;
	state->binds = xcalloc(k->nbinds, sizeof(struct binds *));
	for (; state->nbinds < k->nbinds; state->nbinds++)
		state->binds[state->nbinds] = binds_new(c->shared.pool,
		    c->shared.seed, time_plus(k->timespan_ns,
		    k->timespan_ns));
}

/* Windows and memories of rules that say the same go over to the new set. */
static void
inherit(struct correlator *c, struct rule_state *old, size_t nold)
{
	struct map *ids = map_new_borrowing();
	uint32_t *numbers = xmalloc((nold + 1) * sizeof(*numbers));

	for (size_t i = 0; i < nold; i++)
		map_get(ids, old[i].rule->id, NULL)->num = i;
	memset(numbers, 0xff, (nold + 1) * sizeof(*numbers));
	for (size_t i = 0; i < c->nrules; i++) {
		struct rule_state *state = &c->rules[i], *from;
		const union map_value *at = map_find(ids, state->rule->id);

		from = at == NULL ? NULL : &old[at->num];
		if (from != NULL && memcmp(from->content, state->content,
		    SHA256_BYTES) == 0) {
			state->window = from->window;
			state->first_seen = from->first_seen;
			state->binds = from->binds;
			state->nbinds = from->nbinds;
			from->window = NULL;
			from->first_seen = NULL;
			from->binds = NULL;
			from->nbinds = 0;
			numbers[at->num] = (uint32_t)i;
		}
		if (state->window != NULL)
			window_move(state->window, state->rule->correlation);
		else if (state->rule->correlation != NULL)
			state->window = window_new(&c->shared,
			    state->rule->correlation, state->rule->id);
		if (state->first_seen == NULL && state->rule->nfirst_seen > 0)
			state->first_seen = first_seen_new(
			    state->rule->first_seen_memory_ns,
			    state->rule->first_seen_learn_ns);
		make_binds(c, state);
	}
	absences_renumber(c->absences, numbers, nold);
	free(numbers);
	map_free(ids);
}

void
correlator_take_set(struct correlator *c, struct ruleset *set)
{
	struct rule_state *old = c->rules;
	struct ruleset *old_set = c->set;
	size_t nold = c->nrules;

	if (set == c->set)
		return;
	c->set = set == NULL ? NULL : ruleset_get(set);
	c->nrules = set == NULL ? 0 : ruleset_count(set);
	c->rules = xcalloc(c->nrules + 1, sizeof(*c->rules));
	arena_reset(c->set_arena);
	for (size_t i = 0; i < c->nrules; i++) {
		struct rule_state *state = &c->rules[i];

		state->rule = ruleset_rule(set, i);
		check(state->rule->correlation == NULL ||
		    refers_back(state->rule));
		state->raises = raises(state->rule);
		hash_content(c, set, state);
		reach(c->rules, state);
	}
	build_feeds(c);
	want_words(c);
	inherit(c, old, nold);
	rule_states_free(old, nold);
	if (old_set != NULL)
		ruleset_put(old_set);
	free(c->todo);
	free(c->order);
	c->todo = xcalloc(c->nrules + 1, sizeof(*c->todo));
	c->order = xcalloc(c->nrules + 1, sizeof(*c->order));
	c->norder = 0;
}

int64_t
ruleset_reach_ns(const struct ruleset *set)
{
	size_t n = ruleset_count(set);
	struct rule_state *rules = xcalloc(n + 1, sizeof(*rules));
	int64_t longest = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t back;

		rules[i].rule = ruleset_rule(set, i);
		reach(rules, &rules[i]);
		back = rules[i].reach_ns;
		if (raises(rules[i].rule))
			back = time_plus(back, rules[i].rule->suppress_ns);
		if (back > longest)
			longest = back;
	}
	free(rules);
	return longest;
}
