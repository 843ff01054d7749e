/* tools/daemon_stages.h -- the stages of the pipeline, wired to their floors.
 *
 * The daemon and `import` carry events the same way: this is that way.
 *
 * Owner: made and freed by the main thread; each stage's state by its thread.
 */
#ifndef YAGURA_TOOLS_DAEMON_STAGES_H
#define YAGURA_TOOLS_DAEMON_STAGES_H

#include "correlation/correlate_stage.h"
#include "engine/pipeline.h"
#include "storage/write_stage.h"

struct conf;
struct err;
struct health;
struct loaded;
struct outputs;
struct stages;
struct strbuf;

/* Opens the store for writing. Takes the count of `loaded`. outputs may be
 * NULL. NULL and *err if the folder cannot be had. */
struct stages *stages_open(const struct conf *conf, struct loaded *loaded,
    struct outputs *outputs, struct err *err);

/* Nobody waits for an answer: see writer_hold. Before the pipeline starts. */
void stages_hold(struct stages *stages);

/* After the pipeline is gone. Answers -1 and *err if the last commit failed.
 * NULL does nothing. */
int stages_close(struct stages *stages, struct err *err);

/* For pipeline_new. */
struct pipeline_stages stages_table(struct stages *stages);

/* What the batches say about their sources is noted there from now on;
 * borrowed until stages_close. Before the pipeline starts. */
void stages_health(struct stages *stages, struct health *health);

uint32_t stages_node(const struct stages *stages);
uint64_t stages_first_seq(const struct stages *stages);

/* Rebuilds the correlator's windows from what is stored, as far back as the
 * rules reach. Before the pipeline starts. Answers how many events were
 * replayed; *err says what could not be read. See daemon_replay.c. */
uint64_t stages_replay(struct stages *stages, struct err *err);

/* Windows are whole: from here on the correlator's state is written to the
 * ledger now and then, and at the end. */
void stages_keep_state(struct stages *stages);

/* For daemon_replay.c; borrowed. */
struct correlator *stages_correlator(struct stages *stages);
const struct conf *stages_conf(const struct stages *stages);

/* From the next batch on; takes the count. Any thread. */
void stages_swap(struct stages *stages, struct loaded *loaded);
struct loaded *stages_loaded(struct stages *stages);	/* counted */

/* As of the last commit. Any thread. */
struct stages_figures {
	struct writer_figures writer;
	struct correlator_figures correlator;
	/* of the correlator's state: written, not written, bytes of the last */
	uint64_t checkpoints, checkpoints_skipped, checkpoint_bytes;
};
void stages_figures(struct stages *stages, struct stages_figures *figures);

#endif
