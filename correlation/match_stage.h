/* correlation/match_stage.h -- PARSED in, hits added; MATCHED follows.
 *
 * One for each worker thread. The batch keeps a count of the ruleset it was
 * matched with in batch->ruleset, so that the correlator reads its hits by the
 * same numbers; batch_release puts it.
 */
#ifndef YAGURA_CORRELATION_MATCH_STAGE_H
#define YAGURA_CORRELATION_MATCH_STAGE_H

struct batch;
struct event;
struct match_stage;
struct ruleset;

struct match_stage *match_stage_new(void);
void match_stage_free(struct match_stage *stage);

/* Adds hits, also as the values `yagura.hits` (rule ids), and leaves the batch
 * MATCHED. Once at start, set batch_release = match_stage_release. */
void match_stage_run(struct match_stage *stage, struct ruleset *set,
    struct batch *batch);
void match_stage_release(struct batch *batch);

/* The same for one event of a batch that is MATCHED already, a record joined
 * of its lines; before it is sealed, so that its hits are values too. By the
 * rule set that the batch was matched with. */
void match_stage_joined(struct match_stage *stage, struct event *event);

#endif
