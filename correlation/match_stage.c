#include "correlation/match_stage.h"

#include <stdlib.h>

#include "correlation/prefilter.h"
#include "correlation/rule.h"
#include "correlation/ruleset.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/metric.h"

#define MATCH_HITS 1024		/* rules one event may hit; more are counted */

/* Figures of the scratch that are in the metrics already. */
struct counted {
	uint64_t runaways;
	struct prefilter_memo_figures memo;
};

struct match_stage {
	struct ruleset *set;	/* counted: the scratch fits it */
	struct match_scratch *scratch;
	struct counted counted;
	uint32_t hits[MATCH_HITS];
};

/* Adds what came since. Every lane has a part of the bytes, so they are added
 * up; one that gives memory back adds less than nothing, which wraps. */
static void
count(struct match_stage *stage)
{
	struct counted *was = &stage->counted, now;

	now.runaways = match_scratch_runaways(stage->scratch);
	match_scratch_memo(stage->scratch, &now.memo);
	metric_add(METRIC_REGEX_LIMIT, now.runaways - was->runaways);
	metric_add(METRIC_VALUES_KNOWN, now.memo.known - was->memo.known);
	metric_add(METRIC_VALUES_UNKNOWN,
	    now.memo.unknown - was->memo.unknown);
	metric_add(METRIC_VALUES_BYTES, now.memo.bytes - was->memo.bytes);
	*was = now;
}

static void
scratch_free(struct match_stage *stage)
{
	metric_add(METRIC_VALUES_BYTES, 0 - stage->counted.memo.bytes);
	stage->counted = (struct counted){ 0 };
	match_scratch_free(stage->scratch);
}

struct match_stage *
match_stage_new(void)
{
	return xcalloc(1, sizeof(struct match_stage));
}

void
match_stage_free(struct match_stage *stage)
{
	if (stage == NULL)
		return;
	scratch_free(stage);
	ruleset_put(stage->set);
	free(stage);
}

static void
use_set(struct match_stage *stage, struct ruleset *set)
{
	if (stage->set == set)
		return;
	scratch_free(stage);
	ruleset_put(stage->set);
	stage->set = ruleset_get(set);
	stage->scratch = match_scratch_new(set);
}

/* The rule ids as values of the event; they live as long as the rule set,
 * which the batch holds. */
static void
set_hits(const struct ruleset *set, struct batch *batch, size_t at,
    const uint32_t *hits, size_t n)
{
	struct value *items = arena_alloc(batch->arena, n * sizeof(*items));

	for (size_t i = 0; i < n; i++) {
		batch_add_hit(batch, at, hits[i]);
		items[i] = value_text(ruleset_rule(set, hits[i])->id,
		    TRANSFORM_OWNED);
	}
	event_set_sealed(&batch->events[at], FIELD_YAGURA_HITS,
	    value_list(items, n));
}

void
match_stage_run(struct match_stage *stage, struct ruleset *set,
    struct batch *batch)
{
	uint64_t strangers = 0, hits = 0;

	check(batch->phase == BATCH_PARSED);
	use_set(stage, set);
	for (size_t i = 0; i < batch->n; i++) {
		size_t n = ruleset_match(set, &batch->events[i],
		    stage->scratch, stage->hits, MATCH_HITS);

		hits += n;
		strangers += batch->events[i].logsource == 0;
		if (n > 0)
			set_hits(set, batch, i, stage->hits,
			    n < MATCH_HITS ? n : MATCH_HITS);
	}
	metric_add(METRIC_RULE_HITS, hits);
	metric_add(METRIC_NO_LOGSOURCE, strangers);
	count(stage);
	batch->ruleset = ruleset_get(set);
	batch->phase = BATCH_MATCHED;
}

void
match_stage_joined(struct match_stage *stage, struct event *event)
{
	struct batch *batch = event->batch;
	struct ruleset *set = (struct ruleset *)(uintptr_t)batch->ruleset;
	struct value *items;
	size_t n;

	check(batch->phase == BATCH_MATCHED && !event->sealed);
	use_set(stage, set);
	n = ruleset_match(set, event, stage->scratch, stage->hits,
	    MATCH_HITS);
	metric_add(METRIC_RULE_HITS, n);
	metric_add(METRIC_NO_LOGSOURCE, event->logsource == 0);
	count(stage);
	if (n == 0)
		return;
	n = n < MATCH_HITS ? n : MATCH_HITS;
	event->nhits = (uint32_t)n;
	event->hits = arena_alloc(batch->arena, n * sizeof(*event->hits));
	memcpy(event->hits, stage->hits, n * sizeof(*event->hits));
	items = arena_alloc(batch->arena, n * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = value_text(ruleset_rule(set,
		    event->hits[i])->id, TRANSFORM_OWNED);
	event_set(event, FIELD_YAGURA_HITS, value_list(items, n));
}

void
match_stage_release(struct batch *batch)
{
	if (batch->ruleset == NULL)
		return;
	ruleset_put((struct ruleset *)(uintptr_t)batch->ruleset);
	batch->ruleset = NULL;
}
