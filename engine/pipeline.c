#include "engine/pipeline.h"

#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/err.h"
#include "engine/log.h"
#include "engine/ring.h"
#include "engine/strbuf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKERS 64
#define QUESTIONS 1024		/* asked and not yet answered */
#define NEWS 4096		/* not yet read by the loop */

/* What travels: a batch with its number, or a question to the writer. */
struct parcel {
	struct parcel *next;	/* held by the write thread */
	struct batch *batch;	/* NULL: a question */
	uint64_t number;
	bool	 owed;
	void	*asker;
	size_t	 key_len;
	char	 key[];
};

struct pipeline {
	struct pipeline_stages stages;
	size_t	 most;
	size_t	 nworkers;
	uint64_t submitted, committed;	/* loop */
	_Atomic uint64_t window; /* batches; the loop slows senders there */
	struct ring *work, *correlate, *write, *news;
	int	 news_fd;
	bool	 started;
	pthread_t workers[WORKERS], correlator, writer;
};

/* --- workers ------------------------------------------------------------- */

static void *
worker_main(void *arg)
{
	struct pipeline *pipeline = arg;
	struct pipeline_stages *stages = &pipeline->stages;
	void *lane = stages->lane_new != NULL ?
	    stages->lane_new(stages->user) : NULL;
	void *item;

	while (ring_take(pipeline->work, &item, -1) == RING_ITEM) {
		struct parcel *parcel = item;

		stages->work(stages->user, lane, parcel->batch);
		check(ring_put_at(pipeline->correlate, parcel->number, parcel));
	}
	if (stages->lane_free != NULL)
		stages->lane_free(stages->user, lane);
	return NULL;
}

static void *
correlator_main(void *arg)
{
	struct pipeline *pipeline = arg;
	struct pipeline_stages *stages = &pipeline->stages;
	void *item;

	while (ring_take(pipeline->correlate, &item, -1) == RING_ITEM) {
		struct parcel *parcel = item;

		if (stages->correlate != NULL)
			stages->correlate(stages->user, parcel->batch);
		check(ring_put(pipeline->write, parcel));
	}
	return NULL;
}

/* --- the write thread ---------------------------------------------------- */

struct writer_state {
	struct pipeline *pipeline;
	bool	 dirty;		/* added and not committed */
	bool	 owed;		/* somebody waits for it */
	struct parcel *held, **held_last; /* of a request not all here yet */
	bool	 full, dead;
	uint64_t number;	/* last one added */
	size_t	 bytes, batches; /* added and not committed; raw bytes */
	int64_t	 since_ns;	/* when it became dirty */
	int64_t	 tended_ns, tried_ns;
};

static void
news_post(struct pipeline *pipeline, struct news news, struct slice text)
{
	struct news *copy = xmalloc(sizeof(*copy));
	uint64_t one = 1;

	*copy = news;
	copy->text = xmalloc(text.len + 1);
	if (text.len > 0)
		memcpy(copy->text, text.ptr, text.len);
	copy->text[text.len] = '\0';
	copy->text_len = text.len;
	check(ring_put(pipeline->news, copy));
	/* Cannot fail short of 2^64 unread ones. */
	check(write(pipeline->news_fd, &one, sizeof(one)) == sizeof(one));
}

static void
writer_failed(struct writer_state *state, const struct err *err)
{
	bool full = err->kind == ERR_FULL;

	if (full && state->full)
		return;
	state->full = full;
	state->dead = !full;
	news_post(state->pipeline, (struct news){ .kind = full ? NEWS_FULL :
	    NEWS_DEAD }, slice_cstr(err->text));
}

static void
writer_commit_all(struct writer_state *state)
{
	struct pipeline_stages *stages = &state->pipeline->stages;
	struct err err = { 0 };

	state->tried_ns = clock_mono_ns();
	if (stages->commit(stages->user, &err) < 0) {
		writer_failed(state, &err);
		return;
	}
	if (state->full)
		news_post(state->pipeline, (struct news){ .kind = NEWS_ROOM },
		    SLICE(""));
	if (stages->committed != NULL)
		stages->committed(stages->user);
	news_post(state->pipeline, (struct news){ .kind = NEWS_COMMITTED,
	    .number = state->number }, SLICE(""));
	state->dirty = state->owed = state->full = false;
	state->bytes = state->batches = 0;
}

static void
writer_answer(struct writer_state *state, const struct parcel *question)
{
	struct pipeline_stages *stages = &state->pipeline->stages;
	struct strbuf answer = STRBUF_INIT;
	bool seen = stages->seen != NULL && stages->seen(stages->user,
	    slice_of(question->key, question->key_len), &answer);

	news_post(state->pipeline, (struct news){ .kind = NEWS_ANSWER,
	    .asker = question->asker, .seen = seen }, strbuf_slice(&answer));
	strbuf_fini(&answer);
}

static void
parcel_free(struct parcel *parcel)
{
	if (parcel->batch != NULL)
		batch_put(parcel->batch);
	free(parcel);
}

static void
writer_add_one(struct writer_state *state, struct parcel *parcel)
{
	struct pipeline_stages *stages = &state->pipeline->stages;

	if (!state->dirty)
		state->since_ns = clock_mono_ns();
	state->dirty = true;
	state->owed |= parcel->owed;
	state->number = parcel->number;
	state->bytes += parcel->batch->raw_bytes;
	state->batches++;
	stages->add(stages->user, parcel->batch);
	parcel_free(parcel);
}

/* The batches of one request are added when the last of them is here: whenever
 * all that was added is committed, even at an end with a full disk, no request
 * is stored by half, and whoever sends it again doubles nothing. */
static void
writer_take(struct writer_state *state, struct parcel *parcel)
{
	struct parcel *next;

	if (parcel->batch == NULL) {
		writer_answer(state, parcel);
		parcel_free(parcel);
		return;
	}
	*state->held_last = parcel;
	state->held_last = &parcel->next;
	if (parcel->batch->commit_with_next)
		return;
	for (parcel = state->held; parcel != NULL; parcel = next) {
		next = parcel->next;
		writer_add_one(state, parcel);
	}
	state->held = NULL;
	state->held_last = &state->held;
}

static void
writer_tend_all(struct writer_state *state)
{
	struct pipeline_stages *stages = &state->pipeline->stages;
	struct err err = { 0 };

	state->tended_ns = clock_mono_ns();
	if (stages->tend != NULL && stages->tend(stages->user, &err) < 0)
		writer_failed(state, &err);
}

/* Milliseconds until something is due though nothing comes. */
static int
writer_patience(const struct writer_state *state)
{
	int64_t now_ns = clock_mono_ns(), due_ns;

	if (state->full)
		due_ns = state->tried_ns + FULL_MS * INT64_C(1000000);
	else if (!state->dirty)
		due_ns = state->tended_ns + TEND_MS * INT64_C(1000000);
	else if (state->owed)
		return 0;
	else
		due_ns = state->since_ns + COMMIT_MS * INT64_C(1000000);
	return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / 1000000) + 1;
}

static bool
commit_due(const struct writer_state *state, bool nothing_waits)
{
	int64_t now_ns = clock_mono_ns();

	if (!state->dirty)
		return false;
	if (state->full)
		return now_ns - state->tried_ns >= FULL_MS * INT64_C(1000000);
	if (state->owed && nothing_waits)
		return true;
	return state->bytes >= COMMIT_BYTES || state->batches >=
	    atomic_load(&state->pipeline->window) / 2 ||
	    now_ns - state->since_ns >= COMMIT_MS * INT64_C(1000000);
}

static void
writer_step(struct writer_state *state, bool nothing_waits)
{
	int64_t now_ns;

	if (commit_due(state, nothing_waits))
		writer_commit_all(state);
	now_ns = clock_mono_ns();
	if (!state->full && !state->dead &&
	    now_ns - state->tended_ns >= TEND_MS * INT64_C(1000000))
		writer_tend_all(state);
}

/* With a full disk batches stay in the ring, so that the limit of what is in
 * flight is reached and the senders are slowed; questions wait with them. */
static void *
writer_main(void *arg)
{
	struct writer_state state = { .pipeline = arg,
	    .tended_ns = clock_mono_ns() };
	struct ring *ring = state.pipeline->write;
	enum ring_answer answer = RING_TIMEOUT;
	struct parcel *parcel;
	void *item;

	state.held_last = &state.held;
	while (!state.dead && answer != RING_CLOSED) {
		if (state.full && ring_closed(ring))
			break;
		if (state.full)
			ring_wait_closed(ring, writer_patience(&state));
		else
			answer = ring_take(ring, &item,
			    writer_patience(&state));
		if (!state.full && answer == RING_ITEM)
			writer_take(&state, item);
		writer_step(&state, ring_count(ring) == 0);
	}
	if (state.dirty && !state.dead)
		writer_commit_all(&state);
	/* Dead or full: what is left was never acknowledged. */
	while ((parcel = state.held) != NULL) {
		state.held = parcel->next;
		parcel_free(parcel);
	}
	while (ring_take(ring, &item, -1) == RING_ITEM)
		parcel_free(item);
	return NULL;
}

/* --- the loop's side ----------------------------------------------------- */

struct pipeline *
pipeline_new(const struct pipeline_stages *stages, size_t workers,
    size_t most_in_flight)
{
	struct pipeline *pipeline = xcalloc(1, sizeof(*pipeline));

	check(workers > 0 && workers <= WORKERS && most_in_flight > 0);
	pipeline->stages = *stages;
	pipeline->nworkers = workers;
	pipeline->most = most_in_flight;
	atomic_init(&pipeline->window, most_in_flight);
	/* Nobody on the way waits for room as long as the loop keeps to it. */
	pipeline->work = ring_new(most_in_flight);
	pipeline->correlate = ring_new(most_in_flight);
	pipeline->write = ring_new(most_in_flight + QUESTIONS);
	pipeline->news = ring_new(NEWS);
	pipeline->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	check(pipeline->news_fd >= 0);
	return pipeline;
}

void
pipeline_start(struct pipeline *pipeline)
{
	pipeline->started = true;
	for (size_t i = 0; i < pipeline->nworkers; i++)
		check(pthread_create(&pipeline->workers[i], NULL, worker_main,
		    pipeline) == 0);
	check(pthread_create(&pipeline->correlator, NULL, correlator_main,
	    pipeline) == 0);
	check(pthread_create(&pipeline->writer, NULL, writer_main,
	    pipeline) == 0);
}

uint64_t
pipeline_submit(struct pipeline *pipeline, struct batch *batch, bool owed)
{
	struct parcel *parcel = xcalloc(1, sizeof(*parcel));

	check(pipeline_room(pipeline) > 0);
	if (pipeline->stages.submitted != NULL)
		pipeline->stages.submitted(pipeline->stages.user, batch);
	parcel->batch = batch;
	parcel->number = pipeline->submitted;
	parcel->owed = owed;
	check(ring_try_put(pipeline->work, parcel));
	return pipeline->submitted++;
}

size_t
pipeline_room(const struct pipeline *pipeline)
{
	uint64_t in_flight = pipeline->submitted - pipeline->committed;

	return in_flight < pipeline->most ?
	    pipeline->most - (size_t)in_flight : 0;
}

void
pipeline_pace(struct pipeline *pipeline, uint64_t window)
{
	atomic_store(&pipeline->window, window);
}

bool
pipeline_idle(struct pipeline *pipeline)
{
	return ring_count(pipeline->work) == 0;
}

bool
pipeline_ask(struct pipeline *pipeline, struct slice key, void *asker)
{
	struct parcel *question = xcalloc(1, sizeof(*question) + key.len + 1);

	question->asker = asker;
	question->key_len = key.len;
	memcpy(question->key, key.ptr, key.len);
	if (ring_try_put(pipeline->write, question))
		return true;
	free(question);
	return false;
}

int
pipeline_fd(const struct pipeline *pipeline)
{
	return pipeline->news_fd;
}

struct news *
pipeline_news(struct pipeline *pipeline)
{
	struct news *news;
	uint64_t count;
	void *item;

	if (ring_take(pipeline->news, &item, 0) != RING_ITEM) {
		/* Empty the descriptor, then look once more: news posted in
		 * between made it readable again anyway. */
		if (read(pipeline->news_fd, &count, sizeof(count)) < 0 ||
		    ring_take(pipeline->news, &item, 0) != RING_ITEM)
			return NULL;
	}
	news = item;
	if (news->kind == NEWS_COMMITTED)
		pipeline->committed = news->number + 1;
	return news;
}

void
news_free(struct news *news)
{
	if (news == NULL)
		return;
	free(news->text);
	free(news);
}

void
pipeline_finish(struct pipeline *pipeline)
{
	if (!pipeline->started)
		return;
	pipeline->started = false;
	ring_close(pipeline->work);
	for (size_t i = 0; i < pipeline->nworkers; i++)
		pthread_join(pipeline->workers[i], NULL);
	ring_close(pipeline->correlate);
	pthread_join(pipeline->correlator, NULL);
	ring_close(pipeline->write);
	pthread_join(pipeline->writer, NULL);
}

void
pipeline_free(struct pipeline *pipeline)
{
	struct news *news;

	if (pipeline == NULL)
		return;
	pipeline_finish(pipeline);
	while ((news = pipeline_news(pipeline)) != NULL)
		news_free(news);
	ring_free(pipeline->work);
	ring_free(pipeline->correlate);
	ring_free(pipeline->write);
	ring_free(pipeline->news);
	close(pipeline->news_fd);
	free(pipeline);
}

void
pipeline_figures(struct pipeline *pipeline, struct pipeline_figures *figures)
{
	*figures = (struct pipeline_figures){
	    .submitted = pipeline->submitted,
	    .committed = pipeline->committed,
	    .waiting_work = ring_count(pipeline->work),
	    .waiting_correlate = ring_count(pipeline->correlate),
	    .waiting_write = ring_count(pipeline->write),
	};
}
