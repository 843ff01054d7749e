/* parsers/parse_stage.h -- FILLING in, PARSED out.
 *
 * Decodes, enriches and seals every event of a batch. One lane per worker
 * thread; the lane takes the set in force at the start of a batch.
 */
#ifndef YAGURA_PARSERS_PARSE_STAGE_H
#define YAGURA_PARSERS_PARSE_STAGE_H

#include "parsers/parserset.h"

struct batch;
struct enrich;
struct streams;

struct parse_stage;

/* One for each worker. `streams` (counted) is what they all know of header
 * lines; NULL: what this one knows. */
struct parse_stage *parse_stage_new(struct streams *streams);
void parse_stage_free(struct parse_stage *stage);

/* Decodes all events with this set (counted by the stage as long as it is the
 * one in force) and moves the batch to PARSED. enrich may be NULL. An event's
 * own options are options[event->source]; row 0 is for events of no
 * configured source. */
void parse_stage_run(struct parse_stage *stage, struct parserset *set,
    const struct enrich *enrich, const struct parser_options *options,
    size_t noptions, struct batch *batch);

#endif
