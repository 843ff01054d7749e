/* tools/daemon_join.h -- records of many lines, on their way with their lines.
 *
 * Between matching and correlating, where batches come in order: records that
 * end with this batch are added to it, enriched, matched and sealed, and from
 * then on are events as any other.
 *
 * Owner: the correlate thread.
 */
#ifndef YAGURA_TOOLS_DAEMON_JOIN_H
#define YAGURA_TOOLS_DAEMON_JOIN_H

struct batch;
struct loaded;
struct record_stage;

struct record_stage *record_stage_new(void);
void record_stage_free(struct record_stage *stage);	/* NULL: nothing */

/* A MATCHED batch without alerts, which was parsed with `loaded`. */
void record_stage_run(struct record_stage *stage, const struct loaded *loaded,
    struct batch *batch);

#endif
