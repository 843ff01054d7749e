#include <stdlib.h>

#include "correlation/mapping.h"
#include "correlation/prefilter.h"
#include "correlation/ruleset_parts.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/event.h"
#include "engine/prog.h"

struct match_scratch {
	struct pred_scratch *pred;
	struct prefilter_memo *memo;
	struct key_sink sink;
	uint32_t *rules;	/* to be run; room for every detection */
	size_t	 nrules;
	uint32_t *bucket_seen;	/* event that last visited the bucket */
	uint32_t event;
	struct numbers by_logsource[LOGSOURCE_LIMIT];
	bool	 known[LOGSOURCE_LIMIT], windows[LOGSOURCE_LIMIT];
};

struct match_scratch *
match_scratch_new(const struct ruleset *set)
{
	struct match_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->pred = pred_scratch_new();
	scratch->memo = prefilter_memo_new(set->nmatchers, set->ndetections);
	key_sink_init(&scratch->sink, set->ndetections);
	scratch->rules = xcalloc(set->ndetections + 1, sizeof(uint32_t));
	scratch->bucket_seen = xcalloc(set->nbuckets + 1, sizeof(uint32_t));
	return scratch;
}

void
match_scratch_free(struct match_scratch *scratch)
{
	if (scratch == NULL)
		return;
	for (size_t i = 0; i < LOGSOURCE_LIMIT; i++)
		free(scratch->by_logsource[i].at);
	pred_scratch_free(scratch->pred);
	prefilter_memo_free(scratch->memo);
	key_sink_fini(&scratch->sink);
	free(scratch->rules);
	free(scratch->bucket_seen);
	free(scratch);
}

uint64_t
match_scratch_runaways(const struct match_scratch *scratch)
{
	return pred_runaways(scratch->pred);
}

void
match_scratch_memo(const struct match_scratch *scratch,
    struct prefilter_memo_figures *figures)
{
	*figures = prefilter_memo_figures(scratch->memo);
}

/* Which buckets a log source meets, found out when it is first seen. */
static const struct numbers *
buckets_of(const struct ruleset *set, struct match_scratch *scratch,
    uint16_t number)
{
	struct numbers *numbers = &scratch->by_logsource[number];
	const struct logsource *logsource = logsource_at(number);

	if (scratch->known[number])
		return numbers;
	scratch->known[number] = true;
	scratch->windows[number] = slice_eq(logsource->product,
	    SLICE("windows"));
	numbers->at = xcalloc(set->nbuckets + 1, sizeof(*numbers->at));
	for (size_t i = 0; i < set->nbuckets; i++)
		if (logsource_meets(logsource, &set->buckets[i].logsource))
			numbers->at[numbers->n++] = (uint32_t)i;
	return numbers;
}

typedef void visit_bucket(const struct bucket *bucket,
    const struct event *event, struct match_scratch *scratch);

static void
visit_numbers(const struct ruleset *set, const struct numbers *numbers,
    const struct event *event, struct match_scratch *scratch,
    visit_bucket *visitor)
{
	for (size_t i = 0; i < numbers->n; i++) {
		uint32_t at = numbers->at[i];

		if (scratch->bucket_seen[at] == scratch->event)
			continue;
		scratch->bucket_seen[at] = scratch->event;
		visitor(&set->buckets[at], event, scratch);
	}
}

/* Every bucket the event meets, each once. */
static void
visit_buckets(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, visit_bucket *visitor)
{
	uint16_t routes[MAPPING_ROUTES];
	size_t n;

	if (++scratch->event == 0) {
		memset(scratch->bucket_seen, 0,
		    set->nbuckets * sizeof(*scratch->bucket_seen));
		scratch->event = 1;
	}
	visit_numbers(set, buckets_of(set, scratch, event->logsource), event,
	    scratch, visitor);
	if (!scratch->windows[event->logsource])
		return;
	n = mapping_find_routes(set->mapping, event, scratch->pred, routes);
	for (size_t i = 0; i < n; i++)
		visit_numbers(set, &set->route_buckets[routes[i]], event,
		    scratch, visitor);
}

static void
visit_filtered(const struct bucket *bucket, const struct event *event,
    struct match_scratch *scratch)
{
	prefilter_run(bucket->prefilter, event, scratch->pred, scratch->memo,
	    &scratch->sink);
}

static void
visit_whole(const struct bucket *bucket, const struct event *event,
    struct match_scratch *scratch)
{
	(void)event;
	for (size_t i = 0; i < bucket->n; i++)
		scratch->rules[scratch->nrules++] = bucket->rules[i];
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
run_timed(const struct ruleset *set, uint32_t rule,
    const struct event *event, struct match_scratch *scratch)
{
	int64_t start_ns = clock_mono_ns();
	bool held = prog_run(set->rules[rule]->prog, event, scratch->pred);

	ruleset_tally_add(set, rule, (struct rule_tally){ .cost_ns =
	    (uint64_t)(clock_mono_ns() - start_ns) * RULE_SAMPLE });
	return held;
}

void
ruleset_tally_add(const struct ruleset *set, size_t i, struct rule_tally more)
{
	check(i < set->n);
	if (more.hits > 0)
		__atomic_add_fetch(&set->tally[i].hits, more.hits,
		    __ATOMIC_RELAXED);
	if (more.cost_ns > 0)
		__atomic_add_fetch(&set->tally[i].cost_ns, more.cost_ns,
		    __ATOMIC_RELAXED);
}

struct rule_tally
ruleset_tally(const struct ruleset *set, size_t i)
{
	check(i < set->n);
	return (struct rule_tally){
	    __atomic_load_n(&set->tally[i].hits, __ATOMIC_RELAXED),
	    __atomic_load_n(&set->tally[i].cost_ns, __ATOMIC_RELAXED) };
}

static size_t
match(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, visit_bucket *visitor,
    struct numbers hits)
{
	size_t n = 0, room = hits.n;

	if (event->logsource == 0 || event->logsource >= LOGSOURCE_LIMIT)
		return 0;
	scratch->nrules = 0;
	pred_scratch_begin(scratch->pred, set->nplaces);
	pred_scratch_event(scratch->pred, event);
	visit_buckets(set, event, scratch, visitor);
	if (scratch->sink.n > 0)
		scratch->nrules = key_sink_settle(&scratch->sink,
		    scratch->rules);
	for (size_t i = 0; i < scratch->nrules; i++) {
		uint32_t rule = scratch->rules[i];

		if (!(scratch->event % RULE_SAMPLE == 0 ? run_timed(set, rule, event,
		    scratch) : prog_run(set->rules[rule]->prog, event,
		    scratch->pred)))
			continue;
		ruleset_tally_add(set, rule, (struct rule_tally){ .hits = 1 });
		if (n < room)
			hits.at[n] = rule;
		n++;
	}
	pred_scratch_end(scratch->pred);
	if (n > 1)
		qsort(hits.at, n < room ? n : room, sizeof(*hits.at),
		    by_number);
	return n;
}

size_t
ruleset_routed(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *rules, size_t room)
{
	if (event->logsource == 0 || event->logsource >= LOGSOURCE_LIMIT)
		return 0;
	scratch->nrules = 0;
	visit_buckets(set, event, scratch, visit_whole);
	for (size_t i = 0; i < scratch->nrules && i < room; i++)
		rules[i] = scratch->rules[i];
	return scratch->nrules;
}

bool
ruleset_meets(const struct ruleset *set, uint32_t rule,
    const struct event *event, struct match_scratch *scratch)
{
	const struct logsource *wanted;
	uint16_t routes[MAPPING_ROUTES];
	size_t n;

	check(rule < set->ndetections);
	if (event->logsource == 0 || event->logsource >= LOGSOURCE_LIMIT)
		return false;
	wanted = &set->rules[rule]->logsource;
	buckets_of(set, scratch, event->logsource);
	if (logsource_meets(logsource_at(event->logsource), wanted))
		return true;
	if (!scratch->windows[event->logsource])
		return false;
	n = mapping_find_routes(set->mapping, event, scratch->pred, routes);
	for (size_t i = 0; i < n; i++)
		if (mapping_route_meets(set->mapping, routes[i], wanted))
			return true;
	return false;
}

struct pred_scratch *
match_scratch_pred(struct match_scratch *scratch)
{
	return scratch->pred;
}

size_t
ruleset_match(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *hits, size_t room)
{
	return match(set, event, scratch, visit_filtered,
	    (struct numbers){ hits, room });
}

size_t
ruleset_match_slow(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *hits, size_t room)
{
	return match(set, event, scratch, visit_whole,
	    (struct numbers){ hits, room });
}
