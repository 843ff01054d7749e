#include "parsers/parse_stage.h"

#include <stdlib.h>

#include "engine/batch.h"
#include "engine/check.h"
#include "parsers/enrich.h"
#include "parsers/streams.h"

struct parse_stage {
	struct parserset *set;		/* counted; that of the lane */
	struct parser_lane *lane;
	struct streams *streams;
};

struct parse_stage *
parse_stage_new(struct streams *streams)
{
	struct parse_stage *stage = xcalloc(1, sizeof(*stage));

	stage->streams = streams == NULL ? streams_new()
	    : streams_get(streams);
	return stage;
}

void
parse_stage_free(struct parse_stage *stage)
{
	if (stage == NULL)
		return;
	parser_lane_free(stage->lane);
	parserset_put(stage->set);
	streams_put(stage->streams);
	free(stage);
}

/* The set in force changes with a reload, and with it all a lane knows. */
static struct parser_lane *
lane_for(struct parse_stage *stage, struct parserset *set)
{
	if (stage->set != set) {
		parser_lane_free(stage->lane);
		parserset_put(stage->set);
		stage->set = parserset_get(set);
		stage->lane = parser_lane_new(set);
		parser_lane_share(stage->lane, stage->streams);
	}
	return stage->lane;
}

void
parse_stage_run(struct parse_stage *stage, struct parserset *set,
    const struct enrich *enrich, const struct parser_options *options,
    size_t noptions, struct batch *batch)
{
	static const struct parser_options defaults = { .ndjson = false };
	struct parser_lane *lane = lane_for(stage, set);

	check(batch->phase == BATCH_FILLING);
	for (size_t i = 0; i < batch->n; i++) {
		struct event *event = &batch->events[i];
		const struct parser_options *own = noptions == 0 ? &defaults
		    : event->source < noptions ? &options[event->source]
		    : &options[0];

		parser_run(lane, own, event);
		if (enrich != NULL)
			enrich_run(enrich, event);
		event_seal(event);
	}
	batch->phase = BATCH_PARSED;
}
