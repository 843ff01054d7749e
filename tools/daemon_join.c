#include "tools/daemon_join.h"

#include "correlation/match_stage.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/metric.h"
#include "parsers/enrich.h"
#include "parsers/join.h"
#include "tools/daemon_load.h"

#include <stdlib.h>

struct record_stage {
	struct joiner *joiner;
	struct match_stage *match;
	struct joiner_figures told;
};

struct record_stage *
record_stage_new(void)
{
	struct record_stage *stage = xcalloc(1, sizeof(*stage));

	stage->joiner = joiner_new();
	stage->match = match_stage_new();
	return stage;
}

void
record_stage_free(struct record_stage *stage)
{
	if (stage == NULL)
		return;
	joiner_free(stage->joiner);
	match_stage_free(stage->match);
	free(stage);
}

static void
count(struct record_stage *stage)
{
	struct joiner_figures now;

	joiner_figures(stage->joiner, &now);
	if (now.joined > stage->told.joined)
		metric_add(METRIC_JOINED, now.joined - stage->told.joined);
	if (now.cut > stage->told.cut) {
		metric_add(METRIC_JOINED_CUT, now.cut - stage->told.cut);
		metric_add(METRIC_TAG_JOIN_CUT, now.cut - stage->told.cut);
	}
	metric_set(METRIC_JOINS_OPEN, (int64_t)now.open);
	stage->told = now;
}

void
record_stage_run(struct record_stage *stage, const struct loaded *loaded,
    struct batch *batch)
{
	joiner_run(stage->joiner, loaded->parsers, batch);
	for (size_t i = 0; i < batch->njoined; i++) {
		struct event *event = batch->alerts[i];

		if (loaded->enrich != NULL)
			enrich_run(loaded->enrich, event);
		match_stage_joined(stage->match, event);
		event_seal(event);
	}
	count(stage);
}
