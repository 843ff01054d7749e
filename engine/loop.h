/* engine/loop.h -- the thread that owns sockets, timers and signals.
 *
 * Receivers bring lines; the loop puts them into the open batch, numbers and
 * submits it: when it is full, when no worker has anything else to do, or
 * after BATCH_IDLE_MS. It reads the pipeline's news and tells the inputs.
 *
 * It never blocks and never touches the store.
 *
 * Owner: one thread, the one that calls loop_run().
 */
#ifndef YAGURA_ENGINE_LOOP_H
#define YAGURA_ENGINE_LOOP_H

#include "engine/listen.h"
#include "engine/slice.h"

struct conf;
struct err;
struct event_base;
struct loop;
struct pipeline;
struct strbuf;

#define BATCH_IDLE_MS 10	/* an open batch goes after this */

/* A request with an Idempotency-Key is one transaction: at most this many
 * lines, and as many batches are kept free for it. */
#define TOGETHER_LINES 65536
#define TOGETHER_BATCHES 96

/* UDP cannot be slowed: it may fill this many batches past the limit. */
#define DATAGRAM_BATCHES 32

/* Batches in flight the pipeline must be made for. */
size_t loop_most_in_flight(const struct conf *conf);

struct loop_hooks {
	void	*user;
	void	 (*metrics)(void *user, struct strbuf *out);
	void	 (*status)(void *user, struct strbuf *out);	/* JSON */
	/* SIGHUP or POST /api/v1/reload: false and what is wrong in *out. */
	bool	 (*reload)(void *user, struct strbuf *out);
	void	 (*tick)(void *user);	/* once a second */
};

/* Borrows conf and pipeline until loop_free. */
struct loop *loop_new(const struct conf *conf, struct pipeline *pipeline,
    const struct loop_hooks *hooks, uint32_t node, uint64_t first_seq);
void loop_free(struct loop *loop);

/* Sends what is open on its way, and an empty batch behind it: time passes
 * though nothing comes. Not where the pipeline has no room. */
void loop_pass(struct loop *loop);

/* Opens every input of the configuration; -1 and *err if one cannot be. */
int loop_listen(struct loop *loop, struct err *err);

/* Runs until SIGTERM, SIGINT or a dead writer; then drains, finishes the
 * pipeline and answers what is owed. 0, or -1 and *err if the store failed. */
int loop_run(struct loop *loop, struct err *err);

/* --- what the service says itself ----------------------------------------- */

/* A line of our own into the open batch. It belongs to no input and is in no
 * input's counts; its event->source is one past the last input's number. Only
 * where loop_ready() says so. */
void loop_say(struct loop *loop, struct slice line);

/* Data of our own that becomes durable with the open batch, under this key:
 * NOTE_CHECKPOINT. Only right after loop_say(). */
void loop_keep(struct loop *loop, struct slice key, struct slice data);

const struct input *loop_inputs(const struct loop *loop, size_t *n);
bool loop_full(const struct loop *loop);	/* the disk has no room */
bool loop_stopping(const struct loop *loop);
const struct loop_hooks *loop_hooks(const struct loop *loop);
const struct conf *loop_conf(const struct loop *loop);

/* --- for receivers -------------------------------------------------------- */

struct event_base *loop_base(struct loop *loop);

/* One buffer that all reads share, used within one callback. */
char *loop_buffer(struct loop *loop, size_t *bytes);

/* May a sender that can be slowed be read now? If not, the input is resumed
 * later. Datagrams ask loop_room(). */
bool loop_ready(struct loop *loop);
bool loop_room(struct loop *loop);

/* Who sends. The text is copied into a batch once. */
struct peer {
	char	 text[PEER_BYTES];
	size_t	 len;
	uint64_t batch;		/* number of the batch, plus 1, that has it */
	struct slice copy;
};

/* Lines added from here on, within this callback, arrived then; 0: now. */
void loop_arrived(struct loop *loop, int64_t arrival_ns);

/* One line into the open batch. */
void loop_add(struct loop *loop, struct input *input, struct slice line,
    bool truncated, struct peer *peer);

/* Lines that came together are in: the batch may go if nobody is busy. */
void loop_added(struct loop *loop);

/* What is in the open batch waits for an answer: its number. */
uint64_t loop_owe(struct loop *loop);

/* Between these two, all lines added make one transaction, which the note
 * under `key` joins. Answers the number to wait for. */
void loop_together(struct loop *loop);
uint64_t loop_together_end(struct loop *loop, struct slice key,
    struct slice answer);

/* Is the batch with this number durable? */
bool loop_committed(const struct loop *loop, uint64_t number);

/* Asks the write thread for an earlier answer under key. The asker is put at
 * the head of a struct and lives until `answered`, which always follows unless
 * false comes back (too many questions). */
struct asker {
	void	 (*answered)(struct asker *asker, bool seen,
	    struct slice answer);
};
bool loop_ask(struct loop *loop, struct slice key, struct asker *asker);

#endif
