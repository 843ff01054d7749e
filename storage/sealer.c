#include "storage/sealer.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/hash.h"
#include "storage/chunk_build.h"
#include "storage/moment.h"
#include "storage/partition.h"
#include "storage/schema.h"
#include "storage/tail.h"

#define ARENA_BLOCK ((size_t)1 << 20)

struct sealer {
	char	*live_path;
	struct chunk_builder *builder;
	unsigned busy;			/* the write thread's */
	bool	 started;
	pthread_t thread;
	/* the thread's */
	sqlite3	*live;			/* NULL until a piece must be read */
	sqlite3_stmt *get_tail;
	const struct event **events;	/* of one job */
	size_t	 events_cap;
	/* both */
	pthread_mutex_t mutex;
	pthread_cond_t put, done;
	struct seal_job *waiting, **waiting_last;
	struct seal_job *finished, **finished_last;
	bool	 making, stop;
};

/* --- one job --------------------------------------------------------------- */

static int
live_open(struct sealer *s, struct err *err)
{
	if (s->get_tail != NULL)
		return 0;
	if (s->live == NULL)
		s->live = db_open_read(s->live_path, NULL, err);
	if (s->live != NULL)
		s->get_tail = db_prepare(s->live,
		    "SELECT crc, data FROM tail WHERE seq = ?", err);
	return s->get_tail != NULL ? 0 : -1;
}

/* Appends the events of a piece as the tail has them. */
static int
piece_read(struct sealer *s, const struct seal_piece *piece,
    struct arena *arena, size_t *at, struct err *err)
{
	struct event *found = NULL;
	struct slice data;
	size_t n;
	int step;

	if (live_open(s, err) < 0)
		return -1;
	sqlite3_bind_int64(s->get_tail, 1, (int64_t)piece->seq);
	step = db_step(s->get_tail, err);
	if (step == 0)
		err_set(err, ERR_DAMAGED, "tail row %llu is gone",
		    (unsigned long long)piece->seq);
	if (step == 1) {
		data = db_blob(s->get_tail, 1);
		if (crc32c(0, data) == (uint32_t)sqlite3_column_int64(
		    s->get_tail, 0))
			found = tail_unpack(data, arena, &n, err);
		else
			err_set(err, ERR_DAMAGED, "tail row %llu does not "
			    "check", (unsigned long long)piece->seq);
	}
	sqlite3_reset(s->get_tail);
	if (found != NULL && n != piece->n) {
		err_set(err, ERR_DAMAGED, "tail row %llu has %zu events",
		    (unsigned long long)piece->seq, n);
		found = NULL;
	}
	if (found == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		s->events[(*at)++] = &found[i];
	return 0;
}

/* A tail row that cannot be read is given up and counted; the rest goes on. */
static int
pieces_gather(struct sealer *s, struct seal_job *job, struct arena *arena,
    size_t *n)
{
	struct err why;

	if (job->n > s->events_cap) {
		free(s->events);
		s->events_cap = job->n;
		s->events = xcalloc(job->n, sizeof(*s->events));
	}
	for (size_t i = 0; i < job->npieces; i++) {
		const struct seal_piece *piece = &job->pieces[i];

		if (piece->events != NULL) {
			memcpy(s->events + *n, piece->events,
			    piece->n * sizeof(*s->events));
			*n += piece->n;
			continue;
		}
		why = (struct err){ .kind = ERR_NONE };
		if (piece_read(s, piece, arena, n, &why) == 0)
			continue;
		if (why.kind != ERR_DAMAGED) {
			job->err = why;
			return -1;
		}
		job->damaged += piece->n;
	}
	return 0;
}

static int
chunk_make(struct sealer *s, struct seal_job *job, size_t n)
{
	struct field_ids ids = dayfile_ids(job->file);
	struct chunk_packed *packed = chunk_build(s->builder, s->events, n,
	    &ids);
	int result;

	moment("chunk-built");
	result = dayfile_add(job->file, packed, &job->err);
	if (result == 0) {
		moment("chunk-added");
		job->chunks++;
		job->values_dropped += packed->values_dropped;
		job->bytes_stored += chunk_packed_bytes(packed);
	}
	chunk_packed_free(packed);
	return result;
}

void
seal_run(struct sealer *s, struct seal_job *job)
{
	struct arena *arena = arena_new(ARENA_BLOCK);
	size_t n = 0;

	job->err = (struct err){ .kind = ERR_NONE };
	job->damaged = job->chunks = job->values_dropped =
	    job->bytes_stored = 0;
	job->result = pieces_gather(s, job, arena, &n);
	if (job->result == 0 && n > 0)
		job->result = chunk_make(s, job, n);
	arena_free(arena);
}

/* --- the thread ------------------------------------------------------------ */

static void
lock(struct sealer *s)
{
	check(pthread_mutex_lock(&s->mutex) == 0);
}

static void
unlock(struct sealer *s)
{
	check(pthread_mutex_unlock(&s->mutex) == 0);
}

static void *
sealer_main(void *arg)
{
	struct sealer *s = arg;
	struct seal_job *job;

	lock(s);
	for (;;) {
		while (s->waiting == NULL && !s->stop)
			pthread_cond_wait(&s->put, &s->mutex);
		if (s->stop)
			break;
		job = s->waiting;
		s->waiting = job->next;
		if (s->waiting == NULL)
			s->waiting_last = &s->waiting;
		s->making = true;
		unlock(s);
		seal_run(s, job);
		lock(s);
		s->making = false;
		job->next = NULL;
		*s->finished_last = job;
		s->finished_last = &job->next;
		pthread_cond_signal(&s->done);
	}
	unlock(s);
	return NULL;
}

struct sealer *
sealer_new(const char *live, struct chunk_builder *builder)
{
	struct sealer *s = xcalloc(1, sizeof(*s));

	s->live_path = xstrdup(live);
	s->builder = builder;
	s->waiting_last = &s->waiting;
	s->finished_last = &s->finished;
	check(pthread_mutex_init(&s->mutex, NULL) == 0);
	check(pthread_cond_init(&s->put, NULL) == 0);
	check(pthread_cond_init(&s->done, NULL) == 0);
	return s;
}

void
sealer_free(struct sealer *s)
{
	if (s == NULL)
		return;
	if (s->started) {
		lock(s);
		s->stop = true;
		pthread_cond_signal(&s->put);
		unlock(s);
		pthread_join(s->thread, NULL);
	}
	sqlite3_finalize(s->get_tail);
	db_close(s->live);
	pthread_mutex_destroy(&s->mutex);
	pthread_cond_destroy(&s->put);
	pthread_cond_destroy(&s->done);
	free(s->events);
	free(s->live_path);
	free(s);
}

unsigned
sealer_busy(const struct sealer *s)
{
	return s->busy;
}

/* The thread begins late: what confines the process must come before it. */
void
sealer_put(struct sealer *s, struct seal_job *job)
{
	check(s->busy < SEAL_JOBS);
	s->busy++;
	job->next = NULL;
	lock(s);
	*s->waiting_last = job;
	s->waiting_last = &job->next;
	pthread_cond_signal(&s->put);
	unlock(s);
	if (!s->started) {
		check(pthread_create(&s->thread, NULL, sealer_main, s) == 0);
		s->started = true;
	}
}

struct seal_job *
sealer_take(struct sealer *s, bool wait)
{
	struct seal_job *job;

	lock(s);
	while (wait && s->finished == NULL &&
	    (s->making || s->waiting != NULL))
		pthread_cond_wait(&s->done, &s->mutex);
	job = s->finished;
	if (job != NULL) {
		s->finished = job->next;
		if (s->finished == NULL)
			s->finished_last = &s->finished;
	}
	unlock(s);
	if (job != NULL)
		s->busy--;
	return job;
}
