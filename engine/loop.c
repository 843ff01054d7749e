#include "engine/loop.h"

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/framing.h"
#include "engine/log.h"
#include "engine/metric.h"
#include "engine/pacing.h"
#include "engine/pipeline.h"
#include "engine/strbuf.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#define READ_BYTES (256u << 10)	/* one read of a stream; behind what was left */
#define GRACE_MS 300		/* on SIGTERM what was sent may still come */
#define ANSWER_ROUNDS 50	/* turns of the loop for the last answers */

/* One submitted batch: what it holds of each input. */
struct ticket {
	size_t	 raw_bytes;
	int64_t	 submitted_ns;	/* monotonic */
	uint32_t *counts;	/* by input->number - 1 */
};

struct loop {
	const struct conf *conf;
	struct pipeline *pipeline;
	struct loop_hooks hooks;
	struct event_base *base;
	struct event *news, *idle, *tick, *term, *interrupt, *hup;
	struct input *inputs;
	size_t	 ninputs;
	char	*buffer;
	size_t	 buffer_bytes;

	uint32_t node;
	uint64_t first_seq;
	struct batch *open;	/* FILLING; NULL: none */
	uint32_t *counts;	/* of the open batch */
	bool	 owed;		/* somebody waits for the open batch */
	bool	 together;	/* loop_together() is on */

	struct ticket *tickets;	/* ring: number % most */
	size_t	 most;
	uint64_t submitted, committed;	/* batches */
	struct pacing pacing;
	size_t	 bytes_in_flight;
	int64_t	 now_ns;	/* arrival of what this callback reads */
	bool	 slowed, full, stopping, dead;
	bool	 finished;	/* the pipeline takes nothing more */
	struct err err;
};

size_t
loop_most_in_flight(const struct conf *conf)
{
	return (size_t)conf->batches_in_flight + DATAGRAM_BATCHES +
	    TOGETHER_BATCHES;
}

/* --- batches -------------------------------------------------------------- */

static void
submit(struct loop *loop)
{
	struct ticket *ticket = &loop->tickets[loop->submitted % loop->most];
	uint32_t *counts = ticket->counts;
	struct batch *batch = loop->open;

	ticket->counts = loop->counts;
	ticket->raw_bytes = batch->raw_bytes;
	ticket->submitted_ns = clock_mono_ns();
	loop->counts = counts;
	memset(counts, 0, loop->ninputs * sizeof(*counts));
	loop->bytes_in_flight += batch->raw_bytes;
	loop->open = NULL;
	check(pipeline_submit(loop->pipeline, batch, loop->owed) ==
	    loop->submitted);
	loop->submitted++;
	loop->owed = false;
	event_del(loop->idle);
}

static void
open_batch(struct loop *loop)
{
	static const struct timeval idle = { 0, BATCH_IDLE_MS * 1000 };

	loop->open = batch_new(loop->node, loop->first_seq +
	    loop->submitted * (BATCH_EVENTS + BATCH_ALERTS));
	loop->open->received_ns = loop->now_ns;
	loop->open->formed_ns = clock_now_ns();
	event_add(loop->idle, &idle);
}

static void
submit_if_any(struct loop *loop)
{
	if (loop->open != NULL)
		submit(loop);
}

void
loop_pass(struct loop *loop)
{
	if (pipeline_room(loop->pipeline) < 2)
		return;
	submit_if_any(loop);
	loop->now_ns = clock_now_ns();
	open_batch(loop);
	submit(loop);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	submit_if_any(arg);
}

static struct slice
peer_in(struct loop *loop, struct peer *peer)
{
	if (peer->batch != loop->submitted + 1) {
		peer->copy = arena_dup(loop->open->arena,
		    slice_of(peer->text, peer->len));
		peer->batch = loop->submitted + 1;
	}
	return peer->copy;
}

/* The open batch has room for a line. */
static void
make_room(struct loop *loop)
{
	if (loop->open != NULL && batch_full(loop->open)) {
		loop->open->commit_with_next = loop->together;
		submit(loop);
	}
	if (loop->open == NULL)
		open_batch(loop);
}

void
loop_add(struct loop *loop, struct input *input, struct slice line,
    bool truncated, struct peer *peer)
{
	struct event *event;

	make_room(loop);
	event = batch_add(loop->open, line, peer_in(loop, peer), loop->now_ns);
	event->source = input->number;
	if (truncated) {
		event_tag(event, EVENT_TAG_TRUNCATED);
		input->truncated++;
	}
	loop->counts[input->number - 1]++;
	input->received++;
	input->bytes += line.len;
}

void
loop_say(struct loop *loop, struct slice line)
{
	struct event *event;

	loop->now_ns = clock_now_ns();
	make_room(loop);
	event = batch_add(loop->open, line, SLICE("yagura"), loop->now_ns);
	event->source = (uint16_t)(loop->ninputs + 1);
	metric_add(METRIC_HEALTH_EVENTS, 1);
}

void
loop_keep(struct loop *loop, struct slice key, struct slice data)
{
	struct note *note;

	check(loop->open != NULL);
	note = batch_add_note(loop->open, NOTE_CHECKPOINT);
	note->key = arena_dup(loop->open->arena, key);
	note->data = arena_dup(loop->open->arena, data);
}

void
loop_arrived(struct loop *loop, int64_t arrival_ns)
{
	loop->now_ns = arrival_ns != 0 ? arrival_ns : clock_now_ns();
}

void
loop_added(struct loop *loop)
{
	if (loop->open != NULL && (batch_full(loop->open) ||
	    pipeline_idle(loop->pipeline)))
		submit(loop);
}

uint64_t
loop_owe(struct loop *loop)
{
	if (loop->open == NULL)	/* it went already: the one before */
		return loop->submitted > 0 ? loop->submitted - 1 : 0;
	loop->owed = true;
	return loop->submitted;
}

void
loop_together(struct loop *loop)
{
	submit_if_any(loop);
	loop->together = true;
}

uint64_t
loop_together_end(struct loop *loop, struct slice key, struct slice answer)
{
	struct note *note = batch_add_note(loop->open, NOTE_REQUEST);

	note->key = arena_dup(loop->open->arena, key);
	note->data = arena_dup(loop->open->arena, answer);
	loop->together = false;
	loop->owed = true;
	submit(loop);
	return loop->submitted - 1;
}

bool
loop_committed(const struct loop *loop, uint64_t number)
{
	return number < loop->committed;
}

bool
loop_ask(struct loop *loop, struct slice key, struct asker *asker)
{
	return pipeline_ask(loop->pipeline, key, asker);
}

/* --- pressure ------------------------------------------------------------- */

bool
loop_ready(struct loop *loop)
{
	bool ready = !loop->full && !loop->dead && !loop->finished &&
	    loop->submitted - loop->committed < loop->pacing.window &&
	    loop->bytes_in_flight < (size_t)loop->conf->bytes_in_flight;

	if (!ready && !loop->slowed)
		metric_add(METRIC_BACK_PRESSURE, 1);
	loop->slowed |= !ready;
	return ready;
}

/* The batches kept free for one transaction stay free. A batch can grow by a
 * whole read before it is looked at again, hence the 2. */
bool
loop_room(struct loop *loop)
{
	return !loop->dead && !loop->finished &&
	    pipeline_room(loop->pipeline) > TOGETHER_BATCHES + 2;
}

static void
resume_all(struct loop *loop)
{
	if (!loop->slowed || !loop_ready(loop))
		return;
	loop->slowed = false;
	for (size_t i = 0; i < loop->ninputs; i++)
		if (loop->inputs[i].kind->resume != NULL)
			loop->inputs[i].kind->resume(&loop->inputs[i]);
}

/* --- news ----------------------------------------------------------------- */

static void
ticket_done(struct loop *loop, uint64_t number, bool stored)
{
	struct ticket *ticket = &loop->tickets[number % loop->most];

	loop->bytes_in_flight -= ticket->raw_bytes;
	for (size_t i = 0; i < loop->ninputs; i++) {
		struct input *input = &loop->inputs[i];

		if (stored)
			input->stored += ticket->counts[i];
		else
			input->rejected[INPUT_LOST] += ticket->counts[i];
	}
}

static void
batches_done(struct loop *loop, uint64_t number)
{
	int64_t took_ns = clock_mono_ns() -
	    loop->tickets[loop->committed % loop->most].submitted_ns;

	while (loop->committed <= number)
		ticket_done(loop, loop->committed++, true);
	pacing_done(&loop->pacing, number, took_ns, loop->slowed,
	    loop->submitted);
	pipeline_pace(loop->pipeline, loop->pacing.window);
}

static void
progress_all(struct loop *loop)
{
	for (size_t i = 0; i < loop->ninputs; i++)
		if (loop->inputs[i].kind->progress != NULL)
			loop->inputs[i].kind->progress(&loop->inputs[i]);
}

static void
take_news(struct loop *loop, const struct news *news)
{
	struct asker *asker = news->asker;

	switch (news->kind) {
	case NEWS_COMMITTED:
		batches_done(loop, news->number);
		break;
	case NEWS_ANSWER:
		asker->answered(asker, news->seen,
		    slice_of(news->text, news->text_len));
		break;
	case NEWS_FULL:
		log_error("no room for events, intake stops: %s", news->text);
		loop->full = loop->slowed = true;
		break;
	case NEWS_ROOM:
		log_info("there is room again, intake goes on");
		loop->full = false;
		break;
	case NEWS_DEAD:
		loop->dead = true;
		err_set(&loop->err, ERR_IO, "%s", news->text);
		log_error("the store failed, nothing more is taken: %s",
		    news->text);
		event_base_loopbreak(loop->base);
		break;
	}
}

static void
take_all_news(struct loop *loop)
{
	struct news *news;

	while ((news = pipeline_news(loop->pipeline)) != NULL) {
		take_news(loop, news);
		news_free(news);
	}
	progress_all(loop);
	resume_all(loop);
	loop_added(loop);
}

static void
on_news(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	loop->now_ns = clock_now_ns();
	take_all_news(loop);
}

/* --- timers and signals --------------------------------------------------- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < loop->ninputs; i++)
		if (loop->inputs[i].kind->tick != NULL)
			loop->inputs[i].kind->tick(&loop->inputs[i]);
	if (loop->hooks.tick != NULL)
		loop->hooks.tick(loop->hooks.user);
}

static void
on_hup(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct strbuf out = STRBUF_INIT;

	(void)fd;
	(void)what;
	if (loop->hooks.reload != NULL)
		loop->hooks.reload(loop->hooks.user, &out);
	strbuf_fini(&out);
}

static void
loop_stop(struct loop *loop)
{
	static const struct timeval grace = { 0, GRACE_MS * 1000 };

	if (loop->stopping)
		return;
	loop->stopping = true;
	for (size_t i = 0; i < loop->ninputs; i++)
		loop->inputs[i].kind->stop(&loop->inputs[i]);
	event_base_loopexit(loop->base, &grace);
}

static void
on_term(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(arg);
}

/* --- life ----------------------------------------------------------------- */

static void
make_inputs(struct loop *loop)
{
	loop->ninputs = loop->conf->nlisten;
	loop->inputs = xcalloc(loop->ninputs + 1, sizeof(*loop->inputs));
	for (size_t i = 0; i < loop->ninputs; i++) {
		struct input *input = &loop->inputs[i];

		input->conf = &loop->conf->listen[i];
		input->kind = listen_kind_find(input->conf->kind);
		check(input->kind != NULL);
		input->loop = loop;
		input->number = (uint16_t)(i + 1);
	}
	loop->counts = xcalloc(loop->ninputs + 1, sizeof(*loop->counts));
	loop->tickets = xcalloc(loop->most, sizeof(*loop->tickets));
	for (size_t i = 0; i < loop->most; i++)
		loop->tickets[i].counts = xcalloc(loop->ninputs + 1,
		    sizeof(*loop->counts));
}

static void
make_events(struct loop *loop)
{
	static const struct timeval second = { 1, 0 };

	loop->base = event_base_new();
	check(loop->base != NULL);
	loop->news = event_new(loop->base, pipeline_fd(loop->pipeline),
	    EV_READ | EV_PERSIST, on_news, loop);
	loop->idle = evtimer_new(loop->base, on_idle, loop);
	loop->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
	loop->term = evsignal_new(loop->base, SIGTERM, on_term, loop);
	loop->interrupt = evsignal_new(loop->base, SIGINT, on_term, loop);
	loop->hup = evsignal_new(loop->base, SIGHUP, on_hup, loop);
	event_add(loop->news, NULL);
	event_add(loop->tick, &second);
	event_add(loop->term, NULL);
	event_add(loop->interrupt, NULL);
	event_add(loop->hup, NULL);
}

struct loop *
loop_new(const struct conf *conf, struct pipeline *pipeline,
    const struct loop_hooks *hooks, uint32_t node, uint64_t first_seq)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->conf = conf;
	loop->pipeline = pipeline;
	loop->hooks = *hooks;
	loop->node = node;
	loop->first_seq = first_seq;
	loop->most = loop_most_in_flight(conf);
	pacing_init(&loop->pacing, (uint64_t)conf->batches_in_flight);
	pipeline_pace(pipeline, loop->pacing.window);
	loop->buffer_bytes = (size_t)conf->line_bytes + FRAMING_SLACK +
	    READ_BYTES;
	loop->buffer = xmalloc(loop->buffer_bytes);
	make_inputs(loop);
	make_events(loop);
	return loop;
}

void
loop_free(struct loop *loop)
{
	struct event *const events[] = { loop->news, loop->idle, loop->tick,
	    loop->term, loop->interrupt, loop->hup };

	for (size_t i = 0; i < loop->ninputs; i++)
		if (loop->inputs[i].state != NULL)
			loop->inputs[i].kind->close(&loop->inputs[i]);
	if (loop->open != NULL)
		batch_put(loop->open);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		event_free(events[i]);
	event_base_free(loop->base);
	for (size_t i = 0; i < loop->most; i++)
		free(loop->tickets[i].counts);
	free(loop->tickets);
	free(loop->counts);
	free(loop->inputs);
	free(loop->buffer);
	free(loop);
}

int
loop_listen(struct loop *loop, struct err *err)
{
	for (size_t i = 0; i < loop->ninputs; i++)
		if (loop->inputs[i].kind->open(&loop->inputs[i], err) < 0)
			return -1;
	return 0;
}

/* Answers go out though nothing is taken any more: whoever still sends is not
 * read. */
static void
answer_all(struct loop *loop)
{
	loop->now_ns = clock_now_ns();
	take_all_news(loop);
	event_del(loop->news);
	event_del(loop->tick);
	event_del(loop->idle);
	for (int i = 0; i < ANSWER_ROUNDS; i++)
		event_base_loop(loop->base, EVLOOP_NONBLOCK);
}

/* Streams end here: what spans their lines is finished as it is. */
static void
submit_last(struct loop *loop)
{
	if (pipeline_room(loop->pipeline) == 0)
		return;
	loop->now_ns = clock_now_ns();
	open_batch(loop);
	loop->open->last = true;
	submit(loop);
}

int
loop_run(struct loop *loop, struct err *err)
{
	loop->now_ns = clock_now_ns();
	event_base_dispatch(loop->base);
	if (!loop->stopping)
		for (size_t i = 0; i < loop->ninputs; i++)
			loop->inputs[i].kind->stop(&loop->inputs[i]);
	submit_if_any(loop);
	submit_last(loop);
	loop->finished = true;
	pipeline_finish(loop->pipeline);
	answer_all(loop);
	while (loop->committed < loop->submitted)
		ticket_done(loop, loop->committed++, false);
	if (!loop->dead && !loop->full)
		return 0;
	if (loop->full)
		err_set(&loop->err, ERR_FULL, "no room for the last events");
	*err = loop->err;
	return -1;
}

/* --- what is asked -------------------------------------------------------- */

struct event_base *
loop_base(struct loop *loop)
{
	return loop->base;
}

char *
loop_buffer(struct loop *loop, size_t *bytes)
{
	loop->now_ns = clock_now_ns();
	*bytes = loop->buffer_bytes;
	return loop->buffer;
}

const struct input *
loop_inputs(const struct loop *loop, size_t *n)
{
	*n = loop->ninputs;
	return loop->inputs;
}

bool
loop_full(const struct loop *loop)
{
	return loop->full;
}

bool
loop_stopping(const struct loop *loop)
{
	return loop->stopping;
}

const struct loop_hooks *
loop_hooks(const struct loop *loop)
{
	return &loop->hooks;
}

const struct conf *
loop_conf(const struct loop *loop)
{
	return loop->conf;
}
