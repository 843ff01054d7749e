/* The steps of a commit while somebody waits for answers:
 *
 *	1. live.db, one transaction: new events as tail rows by day, tail rows
 *	   of chunks that are in their files go, notes of the batches,
 *	   high-water mark
 *	2. senders may be answered
 *	3. days with a full chunk in the tail: handed to the sealer, one chunk
 *	   of a day at a time, so that a file takes them by rising sequence
 *
 * A crash after the sealer's transaction leaves events in the chunk and in the
 * tail, which readers and recovery tell apart by the sequence.
 *
 * If nobody waits (writer_hold), full chunks are made before step 1 and the
 * tail is skipped. A crash in between leaves a chunk above the high-water mark:
 * nobody was told that its events are safe, and whoever sends them again would
 * double them; so readers skip it and the next writer takes it away. Its day
 * stands in open_day before, so that recovery knows where to look. A failure of
 * the transaction keeps everything in memory, such chunks too, and the call may
 * be repeated.
 *
 * The events of one batch and one day are a part: one tail row, and never split
 * between chunks. A part keeps its batch, so that a chunk is made without
 * reading the tail; memory past open_bytes and small batches are given up and
 * read back.
 */
#include "storage/write_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "engine/log.h"
#include "storage/catalog.h"
#include "storage/chunk_build.h"
#include "storage/chunk_merge.h"
#include "storage/codec.h"
#include "storage/ledger_write.h"
#include "storage/moment.h"
#include "storage/partition.h"
#include "storage/retain.h"
#include "storage/schema.h"
#include "storage/sealer.h"
#include "storage/tail.h"

#define CHUNK_BYTES ((size_t)32 << 20)
#define CHUNK_AGE_MS (15 * 60 * 1000)
#define OPEN_BYTES ((size_t)256 << 20)
#define DAYS_OPEN 3		/* day files with a connection */
#define DAY_SLOTS 512
#define COMPACT_PAGES 256	/* of live.db; a smaller one stays as it is */
#define KEEP_EVENTS 64		/* smaller parts do not keep their batch */
#define BATCH_OVERHEAD ((size_t)192 << 10)	/* beside its arena */
#define BOOT_LIMIT (1 << 15)	/* 15 bits of the sequence */
#define BOOT_SHIFT 48
#define BEHIND 4		/* chunks of a day before a commit waits */
#define CHUNK_TRIES 60		/* of writer_tend; then it is an error */
#define QUIET_NS (INT64_C(15) * 60 * 1000000000)	/* before sealing */
#define TAIL_LEVEL (-3)	/* of zstd: a tail row lives for minutes */
#define TEND_RARELY_NS (INT64_C(60) * 1000000000) /* seal, retain */

struct part {
	struct part *next;
	uint64_t seq;		/* of its first event: key of its tail row */
	uint32_t n;
	uint64_t raw_bytes;
	int64_t	 t_min, t_max;
	int64_t	 since_ns;	/* when writer_tend first saw it; 0: not yet */
	struct holding *holding;	/* counted; NULL: only in the tail */
	const struct event **events;	/* [n], NULL without holding */
	bool	 in_tail;
};

/* A batch that parts keep: its bytes count once, however many days it has. */
struct holding {
	struct batch *batch;	/* counted */
	size_t	 bytes;
	unsigned parts;
};

struct day {
	struct day *next;
	struct day *same_slot;	/* the next in w->slots */
	int64_t	 day;
	struct part *first, **last;	/* in the order of their sequences */
	struct part *chunked;	/* in a chunk, tail not yet told */
	struct part *building;	/* of the batch being added */
	struct seal_job *job;	/* of `sealing`; NULL: none */
	struct part *sealing;	/* in the sealer's hands */
	bool	 gave_up;	/* its file since the last chunk */
	struct day *also;	/* the next day with a part in the making */
	uint32_t coming;	/* events of it in that batch */
	uint64_t n, raw_bytes;	/* of first .. last */
	bool	 listed;	/* in open_day */
	bool	 made;		/* its file was just made, and is sealed */
	int64_t	 touched_ns;	/* writer_tend's time after the last write */
	struct dayfile *file;	/* NULL: no connection now */
	uint64_t used;		/* clock of the last use of `file` */
	unsigned failures;	/* of making a chunk, one after the other */
};

struct writer {
	struct writer_conf conf;
	char	*data;
	int	 lock;
	sqlite3	*live, *catalog;
	sqlite3_stmt *put_tail, *drop_tail, *put_mark, *list_day, *unlist_day;
	struct ledger_writer *ledger;
	struct packer *packer, *tail_codec;
	struct chunk_builder *builder;
	struct sealer *sealer;
	struct tail_packer *tail;
	uint32_t node;
	uint64_t boot, mark;	/* mark: greatest sequence committed */
	struct day *days, *last_day;
	struct day *slots[DAY_SLOTS];	/* days by number */
	struct batch **pending;	/* counted; waiting for the commit */
	size_t	 npending, pending_cap, pending_bytes;
	uint64_t last_seq;	/* of the newest batch added */
	bool	 alone, hold;	/* see writer_hold; hold: not at the end */
	size_t	 held;		/* bytes of kept batches */
	uint64_t clock;
	int64_t	 now_ns, rarely_ns;	/* of writer_tend */
	int64_t	 oldest_run_day;	/* as of the last retain_runs */
	struct err seal_err;	/* of the last chunk that was not made */
	struct writer_figures figures;
};

/* --- parts --------------------------------------------------------------- */

static void
part_release(struct writer *w, struct part *part)
{
	struct holding *holding = part->holding;

	if (holding == NULL)
		return;
	if (--holding->parts == 0) {
		w->held -= holding->bytes;
		batch_put(holding->batch);
		free(holding);
	}
	free(part->events);
	part->holding = NULL;
	part->events = NULL;
}

static void
parts_free(struct writer *w, struct part *part)
{
	struct part *next;

	for (; part != NULL; part = next) {
		next = part->next;
		part_release(w, part);
		free(part);
	}
}

static void
part_append(struct day *day, struct part *part)
{
	*day->last = part;
	day->last = &part->next;
	day->n += part->n;
	day->raw_bytes += part->raw_bytes;
}

static struct day *
day_get(struct writer *w, int64_t number)
{
	struct day **slot = &w->slots[(uint64_t)number % DAY_SLOTS];
	struct day *day = w->last_day;

	if (day != NULL && day->day == number)
		return day;
	for (day = *slot; day != NULL; day = day->same_slot)
		if (day->day == number)
			break;
	if (day == NULL) {
		day = xcalloc(1, sizeof(*day));
		day->day = number;
		day->last = &day->first;
		day->next = w->days;
		day->same_slot = *slot;
		w->days = *slot = day;
	}
	w->last_day = day;
	return day;
}

/* --- day files ----------------------------------------------------------- */

static void
day_close(struct writer *w, struct day *day)
{
	if (day->file == NULL)
		return;
	check(day->job == NULL);
	dayfile_close(day->file);
	day->file = NULL;
	w->figures.days_open--;
}

static void
close_longest_unused(struct writer *w)
{
	struct day *oldest = NULL;

	for (struct day *day = w->days; day != NULL; day = day->next)
		if (day->file != NULL && day->job == NULL &&
		    (oldest == NULL || day->used < oldest->used))
			oldest = day;
	if (oldest != NULL)
		day_close(w, oldest);
}

/* Renames the file and what SQLite keeps beside it. */
static int
rename_day(const char *path, const char *aside, struct err *err)
{
	static const char *const behind[] = { "-wal", "-shm", "" };
	char from[PATH_MAX + 8], to[PATH_MAX + 40];

	for (size_t i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "%s%s", path, behind[i]);
		snprintf(to, sizeof(to), "%s%s", aside, behind[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return err_errno(err, ERR_IO, "%s", from);
	}
	return 0;
}

/* A damaged day file does not stop the sink: it is set aside by name, which
 * readers report, and a new one is begun. */
static int
day_set_aside(struct writer *w, int64_t day, struct err *err)
{
	char path[PATH_MAX], aside[PATH_MAX + 24];
	struct stat st;

	dayfile_path(w->data, day, path);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	for (unsigned i = 2; i < 100 && stat(aside, &st) == 0; i++)
		snprintf(aside, sizeof(aside), "%s.damaged%u", path, i);
	if (rename_day(path, aside, err) < 0)
		return -1;
	log_warn("store: %s is damaged: set aside as %s", path,
	    strrchr(aside, '/') + 1);
	w->figures.set_aside++;
	return 0;
}

static int
day_open(struct writer *w, struct day *day, struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	day->used = ++w->clock;
	if (day->file != NULL)
		return 0;
	if (w->figures.days_open >= DAYS_OPEN)
		close_longest_unused(w);
	/* Before the file grows: readers believe the catalog. */
	if (w->catalog != NULL)
		catalog_drop(w->catalog, day->day, NULL);
	day->file = dayfile_open_write(w->data, day->day, w->node, &why);
	/* With chunks that no commit knows yet, see file_give_up. */
	if (day->file == NULL && why.kind == ERR_DAMAGED &&
	    day->chunked == NULL) {
		if (day_set_aside(w, day->day, err) < 0)
			return -1;
		day->file = dayfile_open_write(w->data, day->day, w->node,
		    &why);
	}
	if (day->file == NULL) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	w->figures.days_open++;
	return 0;
}

/* The day stands in open_day before its file may hold what is not committed. */
static int
day_list(struct writer *w, struct day *day, struct err *err)
{
	if (day->listed)
		return 0;
	sqlite3_bind_int64(w->list_day, 1, day->day);
	if (db_run(w->list_day, err) < 0)
		return -1;
	day->listed = true;
	return 0;
}

/* --- chunks -------------------------------------------------------------- */

/* A chunk's worth of parts: where they end, how much they are. */
struct worth {
	struct part *end;
	size_t	 n;
	uint64_t raw_bytes;
};

static struct worth
chunk_worth(const struct writer *w, const struct day *day)
{
	struct worth worth = { .n = 0 };
	struct part *part;

	for (part = day->first; part != NULL; part = part->next) {
		if (worth.n > 0 && worth.n + part->n > w->conf.chunk_events)
			break;
		if (worth.raw_bytes >= w->conf.chunk_bytes)
			break;
		worth.n += part->n;
		worth.raw_bytes += part->raw_bytes;
	}
	worth.end = part;
	return worth;
}

/* Parts as chosen go out of the day's list into a job. */
static struct seal_job *
job_new(struct day *day, const struct worth *worth)
{
	struct seal_job *job = xcalloc(1, sizeof(*job));
	struct part *part, *last = NULL;

	check(day->job == NULL && day->file != NULL && worth->n > 0);
	for (part = day->first; part != worth->end; part = part->next)
		job->npieces++;
	job->pieces = xcalloc(job->npieces, sizeof(*job->pieces));
	job->npieces = 0;
	for (part = day->first; part != worth->end; part = part->next) {
		job->pieces[job->npieces++] = (struct seal_piece){
		    part->seq, part->n, part->events };
		job->raw_bytes += part->raw_bytes;
		last = part;
	}
	last->next = NULL;
	job->n = worth->n;
	job->file = day->file;
	job->context = day;
	day->job = job;
	day->sealing = day->first;
	day->first = worth->end;
	if (day->first == NULL)
		day->last = &day->first;
	day->n -= job->n;
	day->raw_bytes -= job->raw_bytes;
	return job;
}

static void
sealing_back(struct day *day)
{
	struct part *last = day->sealing;

	while (last->next != NULL)
		last = last->next;
	last->next = day->first;
	if (day->first == NULL)
		day->last = &last->next;
	day->first = day->sealing;
	day->n += day->job->n;
	day->raw_bytes += day->job->raw_bytes;
}

static void
job_free(struct day *day)
{
	if (day->job != NULL)
		free(day->job->pieces);
	free(day->job);
	day->job = NULL;
	day->sealing = NULL;
}

/* Its parts wait for the commit that takes their rows away, or for another
 * try. */
static int
job_end(struct writer *w, struct seal_job *job, struct err *err)
{
	struct day *day = job->context;
	int result = job->result;
	struct part *last;

	w->figures.chunks += job->chunks;
	w->figures.values_dropped += job->values_dropped;
	w->figures.bytes_stored += job->bytes_stored;
	if (result == 0) {
		w->figures.damaged += job->damaged;
		for (last = day->sealing; last->next != NULL;)
			last = last->next;
		last->next = day->chunked;
		day->chunked = day->sealing;
	} else {
		sealing_back(day);
		if (err != NULL)
			*err = job->err;
	}
	job_free(day);
	return result;
}

/* Parts as chosen become a chunk, now. */
static int
parts_chunk(struct writer *w, struct day *day, const struct worth *worth,
    struct err *err)
{
	struct seal_job *job;

	if (day_open(w, day, err) < 0)
		return -1;
	job = job_new(day, worth);
	seal_run(w->sealer, job);
	return job_end(w, job, err);
}

/* What is in a chunk that no commit knows yet goes back before the rest of its
 * day. The newest chunk is first in the list; within one, sequences rise. */
static void
chunked_back(struct day *day)
{
	while (day->chunked != NULL) {
		struct part *first = day->chunked, *last = first;

		day->n += last->n;
		day->raw_bytes += last->raw_bytes;
		while (last->next != NULL && last->next->seq > last->seq) {
			last = last->next;
			day->n += last->n;
			day->raw_bytes += last->raw_bytes;
		}
		day->chunked = last->next;
		last->next = day->first;
		if (day->first == NULL)
			day->last = &last->next;
		day->first = first;
	}
}

/* The file turned out to be damaged while it was written to: the day goes on
 * in a new one, with all that is not committed yet. */
static int
file_give_up(struct writer *w, struct day *day, struct err *err)
{
	day_close(w, day);
	chunked_back(day);
	return day_set_aside(w, day->day, err);
}

/* As many chunks as are full; with `all`, the rest as well. */
static int
day_chunk(struct writer *w, struct day *day, bool all, struct err *err)
{
	size_t full = w->conf.chunk_events - w->conf.chunk_events / 64;
	struct err why = { .kind = ERR_NONE };
	bool gave_up = false;

	while (day->first != NULL) {
		struct worth worth = chunk_worth(w, day);

		if (worth.end == NULL && !all && worth.n < full &&
		    worth.raw_bytes < w->conf.chunk_bytes)
			return 0;
		if (day_list(w, day, err) < 0)
			return -1;
		if (parts_chunk(w, day, &worth, &why) == 0)
			continue;
		if (why.kind != ERR_DAMAGED || gave_up) {
			if (err != NULL)
				*err = why;
			return -1;
		}
		gave_up = true;
		if (file_give_up(w, day, err) < 0)
			return -1;
	}
	return 0;
}

/* --- chunks made beside us ------------------------------------------------ */

/* Tries are counted; without room we wait for as long as it takes. */
static void
seal_failed(struct writer *w, struct day *day, const struct err *why)
{
	day->failures = why->kind == ERR_FULL ? 1 : day->failures + 1;
	w->seal_err = *why;
}

/* The first chunk's worth of what is in the tail. It counts once it is in the
 * file, so nothing that is not committed may be in it. */
static struct worth
tail_worth(const struct writer *w, const struct day *day)
{
	struct worth worth = chunk_worth(w, day);
	struct part *part;

	for (part = day->first; part != worth.end && part->in_tail;)
		part = part->next;
	if (part == worth.end)
		return worth;
	worth = (struct worth){ .end = part };
	for (const struct part *in = day->first; in != part; in = in->next) {
		worth.n += in->n;
		worth.raw_bytes += in->raw_bytes;
	}
	return worth;
}

/* Gives the sealer a full chunk of the day; with `all`, whatever there is. */
static void
day_hand_over(struct writer *w, struct day *day, bool all)
{
	size_t full = w->conf.chunk_events - w->conf.chunk_events / 64;
	struct err why = { .kind = ERR_NONE };
	struct worth worth;

	if (day->job != NULL || day->first == NULL ||
	    sealer_busy(w->sealer) == SEAL_JOBS || (!all && day->n < full &&
	    day->raw_bytes < w->conf.chunk_bytes))
		return;
	worth = tail_worth(w, day);
	if (worth.n == 0)
		return;
	if (day_list(w, day, &why) < 0 || day_open(w, day, &why) < 0) {
		seal_failed(w, day, &why);
		return;
	}
	sealer_put(w->sealer, job_new(day, &worth));
	moment("chunk-handed");
}

/* Takes one finished job back; false if there is none. A chunk that was made
 * needs a commit. */
static bool
job_take(struct writer *w, bool wait)
{
	struct seal_job *job = sealer_take(w->sealer, wait);
	struct err why = { .kind = ERR_NONE };
	struct day *day;

	if (job == NULL)
		return false;
	day = job->context;
	if (job_end(w, job, &why) == 0) {
		day->failures = 0;
		day->gave_up = false;
		moment("chunk-taken");
	} else if (why.kind == ERR_DAMAGED && !day->gave_up &&
	    file_give_up(w, day, &why) == 0) {
		day->gave_up = true;
	} else {
		seal_failed(w, day, &why);
	}
	return true;
}

/* The tail may not grow for ever: a sealer that is far behind is waited for. */
static void
jobs_take(struct writer *w)
{
	while (job_take(w, false))
		continue;
	for (const struct day *day = w->days; day != NULL; day = day->next)
		if (day->failures == 0 &&
		    day->n >= BEHIND * w->conf.chunk_events &&
		    job_take(w, true))
			break;
}

static bool
chunked_any(const struct writer *w)
{
	for (const struct day *day = w->days; day != NULL; day = day->next)
		if (day->chunked != NULL)
			return true;
	return false;
}

/* --- the transaction ----------------------------------------------------- */

static int
tail_put(struct writer *w, struct day *day, struct part *part,
    struct err *err)
{
	struct slice row = tail_pack(w->tail, part->events, part->n);

	sqlite3_bind_int64(w->put_tail, 1, (int64_t)part->seq);
	sqlite3_bind_int64(w->put_tail, 2, day->day);
	sqlite3_bind_int64(w->put_tail, 3, part->t_min);
	sqlite3_bind_int64(w->put_tail, 4, part->t_max);
	sqlite3_bind_int64(w->put_tail, 5, part->n);
	sqlite3_bind_int64(w->put_tail, 6, crc32c(0, row));
	db_bind_bytes(w->put_tail, 7, row);
	return db_run(w->put_tail, err);
}

static int
day_put(struct writer *w, struct day *day, struct err *err)
{
	if ((day->first != NULL || day->chunked != NULL) && !day->listed) {
		sqlite3_bind_int64(w->list_day, 1, day->day);
		if (db_run(w->list_day, err) < 0)
			return -1;
	}
	for (struct part *part = day->chunked; part != NULL;
	    part = part->next) {
		if (!part->in_tail)
			continue;
		sqlite3_bind_int64(w->drop_tail, 1, (int64_t)part->seq);
		if (db_run(w->drop_tail, err) < 0)
			return -1;
	}
	for (struct part *part = day->first; part != NULL; part = part->next)
		if (!part->in_tail && tail_put(w, day, part, err) < 0)
			return -1;
	return 0;
}

static int
mark_put(struct writer *w, const char *key, uint64_t value, struct err *err)
{
	sqlite3_bind_text(w->put_mark, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(w->put_mark, 2, (int64_t)value);
	return db_run(w->put_mark, err);
}

static int
everything_put(struct writer *w, struct err *err)
{
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (day_put(w, day, err) < 0)
			return -1;
	for (size_t i = 0; i < w->npending; i++)
		if (ledger_put(w->ledger, w->pending[i], err) < 0)
			return -1;
	if (w->last_seq > w->mark && mark_put(w, "seq", w->last_seq, err) < 0)
		return -1;
	return 0;
}

static void
day_done(struct writer *w, struct day *day)
{
	if (day->first != NULL || day->chunked != NULL) {
		day->listed = true;
		day->touched_ns = w->now_ns;
	}
	parts_free(w, day->chunked);
	day->chunked = NULL;
	for (struct part *part = day->first; part != NULL; part = part->next) {
		part->in_tail = true;
		if (part->n < KEEP_EVENTS)
			part_release(w, part);
	}
}

static void
pending_done(struct writer *w)
{
	for (size_t i = 0; i < w->npending; i++) {
		const struct batch *batch = w->pending[i];

		w->figures.stored += batch->n;
		w->figures.alerts += batch->nalerts - batch->njoined;
		w->figures.bytes_raw += batch->raw_bytes;
		batch_put(w->pending[i]);
	}
	w->npending = 0;
	w->pending_bytes = 0;
}

/* What is kept past the limit is in the tail and can be read back. */
static void
held_limit(struct writer *w)
{
	for (struct day *day = w->days; day != NULL; day = day->next)
		for (struct part *part = day->first; part != NULL &&
		    w->held > w->conf.open_bytes; part = part->next)
			part_release(w, part);
}

static int
live_commit(struct writer *w, struct err *err)
{
	if (db_exec(w->live, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (everything_put(w, err) < 0)
		goto fail;
	moment("live-written");
	if (db_exec(w->live, "COMMIT", err) < 0)
		goto fail;
	moment("live-committed");
	w->mark = w->last_seq > w->mark ? w->last_seq : w->mark;
	for (struct day *day = w->days; day != NULL; day = day->next)
		day_done(w, day);
	pending_done(w);
	w->figures.commits++;
	held_limit(w);
	return 0;

fail:
	db_exec(w->live, "ROLLBACK", NULL);
	return -1;
}

/* --- the caller's side --------------------------------------------------- */

/* A batch of old lines may have events of hundreds of days: they are counted
 * first, so that each part is as large as it must be. */
static struct day *
days_count(struct writer *w, const struct batch *batch)
{
	struct day *touched = NULL;

	for (size_t i = 0; i < batch->n + batch->nalerts; i++) {
		const struct event *event = i < batch->n ?
		    &batch->events[i] : batch->alerts[i - batch->n];
		struct day *day = day_get(w, day_of(event->time_ns));

		check(event->sealed);
		if (day->coming++ == 0) {
			day->also = touched;
			touched = day;
		}
	}
	return touched;
}

static void
part_begin(struct day *day, struct holding *holding)
{
	struct part *part = xcalloc(1, sizeof(*part));

	part->t_min = INT64_MAX;
	part->t_max = INT64_MIN;
	part->holding = holding;
	holding->parts++;
	part->events = xcalloc(day->coming, sizeof(*part->events));
	day->building = part;
	day->coming = 0;
}

static void
part_take(struct writer *w, const struct event *event)
{
	struct part *part = day_get(w, day_of(event->time_ns))->building;

	if (part->n == 0)
		part->seq = event->seq;
	part->events[part->n++] = event;
	part->raw_bytes += event->raw.len;
	part->t_min = event->time_ns < part->t_min ? event->time_ns :
	    part->t_min;
	part->t_max = event->time_ns > part->t_max ? event->time_ns :
	    part->t_max;
}

static void
parts_make(struct writer *w, struct batch *batch)
{
	struct day *touched = days_count(w, batch), *day;
	struct holding *holding;

	if (touched == NULL)
		return;
	holding = xcalloc(1, sizeof(*holding));
	holding->batch = batch_get(batch);
	holding->bytes = arena_bytes(batch->arena) + BATCH_OVERHEAD;
	w->held += holding->bytes;
	for (day = touched; day != NULL; day = day->also)
		part_begin(day, holding);
	for (size_t i = 0; i < batch->n; i++)
		part_take(w, &batch->events[i]);
	for (size_t i = 0; i < batch->nalerts; i++)
		part_take(w, batch->alerts[i]);
	for (day = touched; day != NULL; day = day->also) {
		part_append(day, day->building);
		day->building = NULL;
	}
}

void
writer_add(struct writer *w, struct batch *batch)
{
	uint64_t places = batch->n + batch->nalerts;

	check(batch->phase == BATCH_MATCHED);
	/* Sequences rise, or the tail could not tell what is in a chunk. */
	check(batch->seq0 > w->last_seq || w->last_seq == 0);
	parts_make(w, batch);
	if (places > 0)
		w->last_seq = batch->seq0 + places - 1;
	if (w->npending == w->pending_cap) {
		w->pending_cap = w->pending_cap > 0 ? w->pending_cap * 2 : 64;
		w->pending = xrealloc(w->pending,
		    w->pending_cap * sizeof(*w->pending));
	}
	w->pending[w->npending++] = batch_get(batch);
	w->pending_bytes += batch->raw_bytes;
}

size_t
writer_pending(const struct writer *w)
{
	return w->pending_bytes;
}

void
writer_hold(struct writer *w)
{
	w->alone = w->hold = true;
}

/* A chunk's worth of some day is there, or memory is short. */
static bool
worth_a_commit(const struct writer *w)
{
	if (w->held > w->conf.open_bytes - w->conf.open_bytes / 8)
		return true;
	for (const struct day *day = w->days; day != NULL; day = day->next)
		if (day->n >= w->conf.chunk_events - w->conf.chunk_events /
		    64 || day->raw_bytes >= w->conf.chunk_bytes)
			return true;
	return false;
}

/* A day file that is full, locked or broken keeps nothing waiting: its events
 * go to the tail, and writer_tend tries again. */
int
writer_commit(struct writer *w, struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	if (w->npending == 0 || (w->hold && !worth_a_commit(w)))
		return 0;
	jobs_take(w);
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (w->alone && day->failures == 0 &&
		    day_chunk(w, day, false, NULL) < 0)
			day->failures = 1;
	if (live_commit(w, &why) < 0) {
		err_context(&why, "store %s", w->data);
		if (err != NULL)
			*err = why;
		return -1;
	}
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (!w->alone && day->failures == 0)
			day_hand_over(w, day, false);
	return 0;
}

int
writer_settle(struct writer *w, struct err *err)
{
	while (job_take(w, true))
		continue;
	return chunked_any(w) ? live_commit(w, err) : 0;
}

bool
writer_request_seen(struct writer *w, struct slice key, int64_t now_ns,
    struct slice *answer)
{
	return ledger_request(w->ledger, key, now_ns, answer);
}

uint32_t
writer_node(const struct writer *w)
{
	return w->node;
}

uint64_t
writer_first_seq(const struct writer *w)
{
	return w->boot << BOOT_SHIFT;
}

void
writer_figures(const struct writer *w, struct writer_figures *out)
{
	*out = w->figures;
	out->tail_events = 0;
	for (const struct day *day = w->days; day != NULL; day = day->next)
		out->tail_events += day->n + (day->job != NULL ?
		    day->job->n : 0);
}

/* --- sealing, retention -------------------------------------------------- */

static int
day_seal(struct writer *w, struct day *day, struct err *err)
{
	struct merge_limits limits = { w->conf.chunk_events,
	    w->conf.chunk_bytes };
	char path[PATH_MAX];

	if (day_open(w, day, err) < 0)
		return -1;
	/* What does not merge stays as it is. */
	chunks_merge(day->file, &limits, w->builder, NULL);
	moment("merged");
	if (dayfile_seal(day->file, err) < 0)
		return -1;
	moment("sealed");
	sqlite3_bind_int64(w->unlist_day, 1, day->day);
	if (db_run(w->unlist_day, err) < 0)
		return -1;
	day->listed = false;
	dayfile_path(w->data, day->day, path);
	if (w->catalog != NULL &&
	    catalog_put(w->catalog, day->day, day->file, path, NULL) < 0)
		catalog_drop(w->catalog, day->day, NULL);
	day_close(w, day);
	return 0;
}

static void
day_forget(struct writer *w, struct day *gone)
{
	struct day **at = &w->days;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	at = &w->slots[(uint64_t)gone->day % DAY_SLOTS];
	while (*at != gone)
		at = &(*at)->same_slot;
	*at = gone->same_slot;
	if (w->last_day == gone)
		w->last_day = NULL;
	parts_free(w, gone->sealing);
	job_free(gone);
	day_close(w, gone);
	parts_free(w, gone->first);
	parts_free(w, gone->chunked);
	free(gone);
}

/* Nothing waits, the day is over, and nothing came for a while. */
static bool
day_quiet(const struct writer *w, const struct day *day)
{
	return day->listed && day->first == NULL && day->chunked == NULL &&
	    day->job == NULL &&
	    (day->day + 1) * DAY_NS + QUIET_NS < w->now_ns &&
	    day->touched_ns + QUIET_NS < w->now_ns;
}

static void
seal_quiet(struct writer *w)
{
	struct day *next;

	if (sealer_busy(w->sealer) > 0)
		return;		/* it has the builder */
	for (struct day *day = w->days; day != NULL; day = next) {
		next = day->next;
		/* A reader in the way: the next time. */
		if (day_quiet(w, day) && day_seal(w, day, NULL) == 0)
			day_forget(w, day);
	}
}

static struct day *
day_known(struct writer *w, int64_t number)
{
	struct day *day = w->slots[(uint64_t)number % DAY_SLOTS];

	while (day != NULL && day->day != number)
		day = day->same_slot;
	return day;
}

/* Runs of which no event is left go with the days. They are looked through when
 * the oldest day that is kept has changed. */
static void
retain_runs(struct writer *w, const struct day_file *kept)
{
	int64_t oldest = kept != NULL ? kept->day : day_of(w->now_ns);

	for (const struct day *day = w->days; day != NULL; day = day->next)
		if (day->day < oldest)
			oldest = day->day;
	if (oldest != w->oldest_run_day && ledger_drop_runs(w->ledger,
	    oldest * DAY_NS, NULL) == 0)
		w->oldest_run_day = oldest;
}

/* A day with events that are not in its file yet is written to now and stays;
 * the parser lets nothing in that is older than retention. */
static void
retain(struct writer *w)
{
	struct day_file *files;
	struct day *day;
	size_t n, go;

	if (w->conf.retention_ns == 0 && w->conf.retention_bytes == 0)
		return;
	n = retain_files(w->data, &files);
	go = retain_choose(files, n, w->now_ns, w->conf.retention_ns,
	    w->conf.retention_bytes);
	for (size_t i = 0; i < go; i++) {
		day = day_known(w, files[i].day);
		if (day != NULL && (day->first != NULL ||
		    day->chunked != NULL || day->job != NULL))
			continue;
		if (day != NULL) {
			sqlite3_bind_int64(w->unlist_day, 1, day->day);
			db_run(w->unlist_day, NULL);
			day_forget(w, day);
		}
		if (w->catalog != NULL)
			catalog_drop(w->catalog, files[i].day, NULL);
		retain_unlink(w->data, files[i].day);
		w->figures.days_dropped++;
	}
	retain_runs(w, go < n ? &files[go] : NULL);
	free(files);
}

/* The age of a part is counted from when we first saw it here: its own times
 * may be those of an old file. */
static int
chunk_old(struct writer *w, struct day *day, struct err *err)
{
	struct err why = { .kind = ERR_NONE };
	bool old;

	for (struct part *part = day->first; part != NULL; part = part->next)
		if (part->since_ns == 0)
			part->since_ns = w->now_ns;
	if (day->first == NULL)
		return 0;
	old = w->now_ns - day->first->since_ns >=
	    w->conf.chunk_age_ms * 1000000;
	if (!w->alone)
		day_hand_over(w, day, old);
	else if (!old && day->failures == 0)
		return 0;
	else if (day_chunk(w, day, old, &why) < 0)
		seal_failed(w, day, &why);
	else
		day->failures = 0;
	if (day->failures <= CHUNK_TRIES)
		return 0;
	*err = w->seal_err;
	return -1;
}

/* Lack of room is no error here: nobody waits for what tending does, and what
 * is in the tail stays there until it can be done. */
static int
tend_failed(struct writer *w, struct err *why, struct err *err)
{
	if (why->kind == ERR_FULL)
		return 0;
	err_context(why, "store %s", w->data);
	if (err != NULL)
		*err = *why;
	return -1;
}

int
writer_tend(struct writer *w, int64_t now_ns, struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	w->now_ns = now_ns;
	jobs_take(w);
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (chunk_old(w, day, &why) < 0)
			return tend_failed(w, &why, err);
	if (chunked_any(w) && live_commit(w, &why) < 0)
		return tend_failed(w, &why, err);
	if (now_ns - w->rarely_ns < TEND_RARELY_NS && now_ns >= w->rarely_ns)
		return 0;
	w->rarely_ns = now_ns;
	seal_quiet(w);
	retain(w);
	return ledger_tend(w->ledger, now_ns, &why) == 0 ? 0 :
	    tend_failed(w, &why, err);
}

/* --- opening ------------------------------------------------------------- */

static int
folder_make(const char *path, struct err *err)
{
	char folder[PATH_MAX], *slash;

	if (snprintf(folder, sizeof(folder), "%s", path) >= PATH_MAX - 64)
		return err_set(err, ERR_IO, "%s: name too long", path);
	for (slash = strchr(folder + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(folder, 0750);
		*slash = '/';
	}
	if (mkdir(folder, 0750) < 0 && errno != EEXIST)
		return err_errno(err, ERR_IO, "%s", path);
	return 0;
}

/* What was just made in a folder is there after a power cut. */
static void
folder_settle(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fsync(fd) < 0)
		check(errno != EBADF);	/* some file systems cannot */
	close(fd);
}

static int
lock_take(struct writer *w, struct err *err)
{
	char path[PATH_MAX], text[32];
	int n;

	snprintf(path, sizeof(path), "%s/lock", w->data);
	w->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (w->lock < 0)
		return err_errno(err, ERR_IO, "%s", path);
	if (flock(w->lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_IO, "%s is in use by another writer",
		    w->data);
	/* For people; the lock itself is what counts. */
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(w->lock, 0) < 0 || write(w->lock, text, (size_t)n) < 0)
		return err_errno(err, errno == ENOSPC ? ERR_FULL : ERR_IO,
		    "%s", path);
	return 0;
}

static int
statements_make(struct writer *w, struct err *err)
{
	const struct {
		sqlite3_stmt **stmt;
		const char *sql;
	} rows[] = {
		{ &w->put_tail, "INSERT OR REPLACE INTO tail(seq, day, t_min, "
		    "t_max, n, crc, data) VALUES(?, ?, ?, ?, ?, ?, ?)" },
		{ &w->drop_tail, "DELETE FROM tail WHERE seq = ?" },
		{ &w->put_mark,
		    "INSERT OR REPLACE INTO mark(k, v) VALUES(?, ?)" },
		{ &w->list_day,
		    "INSERT OR IGNORE INTO open_day(day) VALUES(?)" },
		{ &w->unlist_day, "DELETE FROM open_day WHERE day = ?" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		*rows[i].stmt = db_prepare(w->live, rows[i].sql, err);
		if (*rows[i].stmt == NULL)
			return -1;
	}
	w->ledger = ledger_writer_new(w->live, err);
	return w->ledger != NULL ? 0 : -1;
}

/* live.db is gone, new or without its marks: what the day files say is taken
 * up, so that sequences go on rising and no chunk counts as uncommitted. */
static void
marks_from_files(struct writer *w)
{
	struct day_file *files;
	size_t n = day_files(w->data, &files);
	char path[PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		struct dayfile *file;
		uint64_t seq1;

		dayfile_path(w->data, files[i].day, path);
		file = dayfile_open_read(path, NULL, NULL);
		if (file == NULL)
			continue;
		seq1 = dayfile_seq1(file);
		if (w->node == 0)
			w->node = dayfile_node(file);
		if (dayfile_node(file) == w->node && seq1 > w->mark)
			w->mark = seq1;
		dayfile_close(file);
	}
	free(files);
	if (w->mark >> BOOT_SHIFT > w->boot)
		w->boot = w->mark >> BOOT_SHIFT;
}

/* A mark that cannot be read must not pass for one that is 0: recovery would
 * take every chunk above it away. */
static int
marks_open(struct writer *w, struct err *err)
{
	int64_t node, boot, seq;

	if (db_read_number(w->live, "SELECT v FROM mark WHERE k = 'node'", 0,
	    &node, err) < 0 ||
	    db_read_number(w->live, "SELECT v FROM mark WHERE k = 'boot'", 0,
	    &boot, err) < 0 ||
	    db_read_number(w->live, "SELECT v FROM mark WHERE k = 'seq'", -1,
	    &seq, err) < 0)
		return -1;
	w->node = (uint32_t)node;
	w->boot = (uint64_t)boot;
	w->mark = seq > 0 ? (uint64_t)seq : 0;
	if (w->node == 0 || seq < 0)
		marks_from_files(w);
	while (w->node == 0)
		check(getrandom(&w->node, sizeof(w->node), 0) ==
		    sizeof(w->node));
	if (++w->boot >= BOOT_LIMIT)
		return err_set(err, ERR_LIMIT, "started %d times: boot numbers "
		    "are used up; begin a new data folder", BOOT_LIMIT);
	if (db_exec(w->live, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (mark_put(w, "node", w->node, err) < 0 ||
	    mark_put(w, "boot", w->boot, err) < 0 ||
	    mark_put(w, "seq", w->mark, err) < 0 ||
	    db_exec(w->live, "COMMIT", err) < 0) {
		db_exec(w->live, "ROLLBACK", NULL);
		return -1;
	}
	w->last_seq = w->mark;
	return 0;
}

/* Chunks that were not committed go. What is damaged is set aside. */
static int
day_trim(struct writer *w, struct day *day, struct err *err)
{
	struct err why = { .kind = ERR_NONE };

	if (day_open(w, day, &why) == 0 &&
	    dayfile_trim(day->file, w->mark, &why) >= 0)
		return 0;
	day_close(w, day);
	if (why.kind == ERR_DAMAGED)
		return day_set_aside(w, day->day, err);
	*err = why;
	return -1;
}

/* Tail rows that are in a chunk go. */
static int
day_recover(struct writer *w, struct day *day, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	sqlite3_stmt *stmt;
	uint64_t seq1;
	int result;

	dayfile_abandon(w->data, day->day);
	dayfile_path(w->data, day->day, path);
	if (stat(path, &st) < 0)
		return 0;
	if (day_trim(w, day, err) < 0)
		return -1;
	if (day->file == NULL || dayfile_node(day->file) != w->node)
		return 0;
	seq1 = dayfile_seq1(day->file);
	stmt = db_prepare(w->live,
	    "DELETE FROM tail WHERE day = ? AND seq <= ?", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, day->day);
	sqlite3_bind_int64(stmt, 2, (int64_t)seq1);
	result = db_run(stmt, err);
	sqlite3_finalize(stmt);
	return result;
}

static int
tail_recover(struct writer *w, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(w->live, "SELECT seq, day, t_min, "
	    "t_max, n, substr(data, 1, 24) FROM tail ORDER BY seq", err);
	int step;

	if (stmt == NULL)
		return -1;
	while ((step = db_step(stmt, err)) == 1) {
		struct part *part = xcalloc(1, sizeof(*part));

		part->seq = (uint64_t)sqlite3_column_int64(stmt, 0);
		part->t_min = sqlite3_column_int64(stmt, 2);
		part->t_max = sqlite3_column_int64(stmt, 3);
		part->n = (uint32_t)sqlite3_column_int64(stmt, 4);
		part->raw_bytes = tail_raw_bytes(db_blob(stmt, 5));
		part->in_tail = true;
		part_append(day_get(w, sqlite3_column_int64(stmt, 1)), part);
	}
	sqlite3_finalize(stmt);
	return step;
}

static int
recover(struct writer *w, struct err *err)
{
	sqlite3_stmt *stmt = db_prepare(w->live, "SELECT day FROM open_day "
	    "UNION SELECT day FROM tail", err);
	int step;

	if (stmt == NULL)
		return -1;
	while ((step = db_step(stmt, err)) == 1)
		day_get(w, sqlite3_column_int64(stmt, 0))->listed = true;
	sqlite3_finalize(stmt);
	if (step < 0)
		return -1;
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (day_recover(w, day, err) < 0)
			return -1;
	return tail_recover(w, err);
}

static void
conf_fill(struct writer *w, const struct writer_conf *conf)
{
	w->conf = *conf;
	w->data = xstrdup(conf->data);
	if (w->conf.chunk_events == 0 || w->conf.chunk_events > CHUNK_EVENTS)
		w->conf.chunk_events = CHUNK_EVENTS;
	if (w->conf.chunk_bytes == 0)
		w->conf.chunk_bytes = CHUNK_BYTES;
	if (w->conf.chunk_age_ms == 0)
		w->conf.chunk_age_ms = CHUNK_AGE_MS;
	if (w->conf.open_bytes == 0)
		w->conf.open_bytes = OPEN_BYTES;
}

static int
files_open(struct writer *w, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/live.db", w->data);
	w->live = db_open_write(path, SCHEMA_LIVE, err);
	if (w->live == NULL) {
		err_context(err, "%s", path);
		return -1;
	}
	w->sealer = sealer_new(path, w->builder);
	folder_settle(w->data);
	snprintf(path, sizeof(path), "%s/..", w->data);
	folder_settle(path);
	/* The catalog can be made again: a broken one is thrown away. */
	snprintf(path, sizeof(path), "%s/catalog.db", w->data);
	w->catalog = db_open_write(path, SCHEMA_CATALOG, NULL);
	if (w->catalog == NULL && unlink(path) == 0)
		w->catalog = db_open_write(path, SCHEMA_CATALOG, NULL);
	return 0;
}

static void
writer_free(struct writer *w)
{
	for (size_t i = 0; i < w->npending; i++)
		batch_put(w->pending[i]);
	free(w->pending);
	sealer_free(w->sealer);
	while (w->days != NULL)
		day_forget(w, w->days);
	ledger_writer_free(w->ledger);
	sqlite3_finalize(w->put_tail);
	sqlite3_finalize(w->drop_tail);
	sqlite3_finalize(w->put_mark);
	sqlite3_finalize(w->list_day);
	sqlite3_finalize(w->unlist_day);
	tail_packer_free(w->tail);
	packer_free(w->tail_codec);
	chunk_builder_free(w->builder);
	packer_free(w->packer);
	db_close(w->catalog);
	db_close(w->live);
	if (w->lock >= 0)
		close(w->lock);
	free(w->data);
	free(w);
}

struct writer *
writer_open(const struct writer_conf *conf, struct err *err)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	enum codec codec = conf->zlib ? CODEC_ZLIB : CODEC_ZSTD;
	struct err why = { .kind = ERR_NONE };

	w->lock = -1;
	conf_fill(w, conf);
	w->packer = packer_new(codec, 0);
	w->builder = chunk_builder_new(w->packer);
	w->tail_codec = packer_new(codec, conf->zlib ? 1 : TAIL_LEVEL);
	w->tail = tail_packer_new(w->tail_codec);
	if (folder_make(w->data, &why) < 0 || lock_take(w, &why) < 0 ||
	    files_open(w, &why) < 0 || statements_make(w, &why) < 0 ||
	    marks_open(w, &why) < 0 || recover(w, &why) < 0) {
		err_context(&why, "store %s", w->data);
		if (err != NULL)
			*err = why;
		writer_free(w);
		return NULL;
	}
	return w;
}

/* --- the last steps ------------------------------------------------------- */

static bool
day_has_file(const struct writer *w, const struct day *day)
{
	char path[PATH_MAX];
	struct stat st;

	dayfile_path(w->data, day->day, path);
	return day->file != NULL || stat(path, &st) == 0;
}

/* All that a day without a file has into one, which is not in its place yet. */
static int
day_make(struct writer *w, struct day *day, struct err *err)
{
	int result = 0;

	day->file = dayfile_begin(w->data, day->day, w->node, day->raw_bytes,
	    err);
	if (day->file == NULL)
		return -1;
	while (day->first != NULL && result == 0) {
		struct worth worth = chunk_worth(w, day);

		result = parts_chunk(w, day, &worth, err);
	}
	if (result == 0)
		result = dayfile_end(day->file, err);
	dayfile_close(day->file);
	day->file = NULL;
	day->made = result == 0;
	if (result < 0)
		dayfile_abandon(w->data, day->day);
	return result;
}

static int
days_make(struct writer *w, struct err *err)
{
	int result = 0;

	if (db_exec(w->live, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (struct day *day = w->days; day != NULL && result == 0;
	    day = day->next)
		if (day->first != NULL)
			result = day_list(w, day, err);
	if (result < 0 || db_exec(w->live, "COMMIT", err) < 0) {
		db_exec(w->live, "ROLLBACK", NULL);
		return -1;
	}
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (day->first != NULL && day->chunked == NULL &&
		    !day_has_file(w, day) && day_make(w, day, err) < 0)
			return -1;
	return 0;
}

/* Old lines may be of thousands of days, with a few events each: their files
 * are written first, made durable all at once, and then put in their places.
 * All they hold is committed: before that it is in the tail, and behind it
 * what of it the tail has is known by the sequences. */
static int
days_place(struct writer *w, struct err *err)
{
	bool any = false;
	int result = days_make(w, err);

	for (struct day *day = w->days; day != NULL; day = day->next)
		any = any || day->made;
	if (result == 0 && any)
		result = dayfiles_settle(w->data, err);
	moment("days-made");
	for (struct day *day = w->days; day != NULL; day = day->next) {
		if (result == 0 && day->made)
			result = dayfile_appear(w->data, day->day, err);
		else if (day->made) {
			dayfile_abandon(w->data, day->day);
			day->made = false;
		}
	}
	if (result == 0 && any)
		result = dayfiles_settle(w->data, err);
	moment("days-placed");
	return result;
}

/* The catalog learns of the new files, and open_day forgets them. */
static void
days_made(struct writer *w)
{
	char path[PATH_MAX];

	db_exec(w->live, "BEGIN IMMEDIATE", NULL);
	if (w->catalog != NULL)
		db_exec(w->catalog, "BEGIN IMMEDIATE", NULL);
	for (struct day *day = w->days; day != NULL; day = day->next) {
		struct dayfile *file;

		if (!day->made)
			continue;
		dayfile_path(w->data, day->day, path);
		file = dayfile_open_read(path, NULL, NULL);
		if (file != NULL && w->catalog != NULL)
			catalog_put(w->catalog, day->day, file, path, NULL);
		dayfile_close(file);
		sqlite3_bind_int64(w->unlist_day, 1, day->day);
		if (db_run(w->unlist_day, NULL) == 0)
			day->listed = false;
	}
	if (w->catalog != NULL)
		db_exec(w->catalog, "COMMIT", NULL);
	db_exec(w->live, "COMMIT", NULL);
}

/* The tail was large and is empty now. */
static void
live_compact(struct writer *w)
{
	int64_t pages = db_number(w->live, "PRAGMA page_count", 0);
	int64_t unused = db_number(w->live, "PRAGMA freelist_count", 0);

	if (pages > COMPACT_PAGES && unused > pages / 2)
		db_exec(w->live, "VACUUM", NULL);
}

/* Everything into chunks, and every day one file that reads without a WAL: the
 * writer may not come back for long. */
static int
finish(struct writer *w, struct err *err)
{
	if (days_place(w, err) < 0)
		return -1;
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (day_chunk(w, day, true, err) < 0)
			return -1;
	if (live_commit(w, err) < 0)
		return -1;
	days_made(w);
	for (struct day *day = w->days; day != NULL; day = day->next)
		if (day->listed)
			day_seal(w, day, NULL);
	live_compact(w);
	return 0;
}

int
writer_close(struct writer *w, bool final, struct err *err)
{
	int result;

	if (w == NULL)
		return 0;
	w->hold = false;
	result = writer_commit(w, err);
	if (result == 0)
		result = writer_settle(w, err);
	if (result == 0 && final)
		result = finish(w, err);
	writer_free(w);
	return result;
}
