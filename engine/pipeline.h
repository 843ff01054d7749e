/* engine/pipeline.h -- the belt that carries batches from socket to disk.
 *
 *	loop      fills batches, numbers them, submits
 *	  ring
 *	workers   parse and match; any number of threads
 *	  ring, by number
 *	correlate one thread
 *	  ring
 *	write     one thread; adds, commits
 *	  ring and a descriptor that becomes readable
 *	loop      reads news: what is committed, answers to questions
 *
 * What the stages do is not known here: they are functions. Everything
 * submitted is in flight until it is committed; the loop reads that number and
 * slows its senders. Submitting never waits.
 *
 * When to commit: as soon as the write thread has nothing more to add and
 * somebody waits for an answer; else after COMMIT_MS, at COMMIT_BYTES, or when
 * half of what may be in flight is added and waits for nothing else. A
 * batch that is marked commit_with_next is added together with the next, or,
 * when none comes any more, not at all.
 *
 * Owner: the loop's thread calls everything here.
 */
#ifndef YAGURA_ENGINE_PIPELINE_H
#define YAGURA_ENGINE_PIPELINE_H

#include "engine/slice.h"

struct batch;
struct err;
struct pipeline;
struct strbuf;

#define COMMIT_MS 200		/* what a sender without answers may lose */
#define COMMIT_BYTES (4u << 20)
#define TEND_MS 1000		/* chunks by age and the like, when idle */
#define FULL_MS 1000		/* a full disk is tried again after this */

/* Functions on the right of a thread's name are called by it alone. `user` is
 * the struct's. Those that may be missing are NULL. */
struct pipeline_stages {
	void	*user;
	/* loop: every batch, in order, before a worker has it */
	void	 (*submitted)(void *user, const struct batch *batch);
	/* workers: a lane is what one of them needs */
	void	*(*lane_new)(void *user);
	void	 (*lane_free)(void *user, void *lane);
	void	 (*work)(void *user, void *lane, struct batch *batch);
	/* correlate */
	void	 (*correlate)(void *user, struct batch *batch);
	/* write: `add` takes a count of the batch. `commit` and `tend` answer
	 * -1 and *err: ERR_FULL is tried again, anything else ends the
	 * pipeline. `committed` follows each commit that succeeded. */
	void	 (*add)(void *user, struct batch *batch);
	int	 (*commit)(void *user, struct err *err);
	void	 (*committed)(void *user);
	int	 (*tend)(void *user, struct err *err);
	/* write: is there an answer under this key? Appended to *answer. */
	bool	 (*seen)(void *user, struct slice key, struct strbuf *answer);
};

struct pipeline *pipeline_new(const struct pipeline_stages *stages,
    size_t workers, size_t most_in_flight);

/* Ends the threads first if pipeline_finish was not called. */
void pipeline_free(struct pipeline *pipeline);

void pipeline_start(struct pipeline *pipeline);

/* Takes a FILLING batch. `owed`: somebody waits for the commit. Answers its
 * number, rising by one from 0. The caller keeps to pipeline_room(). */
uint64_t pipeline_submit(struct pipeline *pipeline, struct batch *batch,
    bool owed);

/* Batches that may be submitted before most_in_flight are in flight. */
size_t pipeline_room(const struct pipeline *pipeline);

/* Senders are slowed at `window` batches in flight, of which there may be
 * most_in_flight at the start. */
void pipeline_pace(struct pipeline *pipeline, uint64_t window);

/* Is no batch waiting for a worker? Then a batch need not be full to go. */
bool pipeline_idle(struct pipeline *pipeline);

/* Asks the write thread for the answer of an earlier request; NEWS_ANSWER
 * follows. The key is copied. False: too many questions at once. */
bool pipeline_ask(struct pipeline *pipeline, struct slice key, void *asker);

enum news_kind {
	NEWS_COMMITTED,	/* all batches up to `number` are durable */
	NEWS_ANSWER,	/* to pipeline_ask */
	NEWS_FULL,	/* a commit found no room; text says more */
	NEWS_ROOM,	/* it succeeded in the end */
	NEWS_DEAD,	/* the write thread gave up; text says why */
};

struct news {
	enum news_kind kind;
	uint64_t number;
	void	*asker;
	bool	 seen;
	char	*text;		/* answer or message; "" if none */
	size_t	 text_len;
};

/* Readable when there is news. */
int pipeline_fd(const struct pipeline *pipeline);

/* The next news, or NULL; free with news_free. */
struct news *pipeline_news(struct pipeline *pipeline);
void news_free(struct news *news);

/* Lets everything submitted run through to a last commit, then ends the
 * threads. News may still be read afterwards. */
void pipeline_finish(struct pipeline *pipeline);

/* Batches in each place, for figures. */
struct pipeline_figures {
	uint64_t submitted, committed;
	size_t	 waiting_work, waiting_correlate, waiting_write;
};
void pipeline_figures(struct pipeline *pipeline,
    struct pipeline_figures *figures);

#endif
