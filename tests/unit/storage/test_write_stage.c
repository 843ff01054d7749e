#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sqlite3.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/chunk.h"
#include "storage/ledger.h"
#include "storage/partition.h"
#include "storage/store.h"
#include "storage/write_stage.h"
#include "tests/unit/storage/events.h"

#define START (20000 * DAY)
#define MOST 50000

static char folder[PATH_MAX];

static int
folder_new(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/yagura-store-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int
folder_remove(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	writer_at = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct writer *
open_writer(size_t chunk_events)
{
	struct writer_conf conf = { .data = folder,
	    .chunk_events = chunk_events };
	struct err err = { .kind = ERR_NONE };
	struct writer *writer = writer_open(&conf, &err);

	if (writer == NULL)
		print_message("%s\n", err.text);
	assert_non_null(writer);
	return writer;
}

/* A batch of n events, each with a number as raw line. The day of an event is
 * its number divided by per_day, one in ten is a day late. */
static struct batch *
numbered(uint64_t seq0, unsigned first, unsigned n, unsigned per_day)
{
	struct batch *batch = batch_new(1, seq0);

	for (unsigned i = first; i < first + n; i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "line %u of many", i);
		struct event *event = batch_add(batch,
		    slice_of(text, (size_t)len), SLICE("peer"), START);

		event->time_ns = START + (int64_t)(i / per_day) * DAY +
		    (int64_t)i * 1000000;
		if (i % 10 == 9)
			event->time_ns -= DAY;
		event_set(event, FIELD_EVENT_CODE, value_text(
		    slice_of(event->raw.ptr + 5, event->raw.len - 13),
		    TRANSFORM_NONE));
		event_set(event, FIELD_SOURCE_PORT, value_long(i % 100));
		event_seal(event);
	}
	batch->phase = BATCH_MATCHED;
	return batch;
}

static void
see(const struct event *event, unsigned char *seen)
{
	struct slice digits = slice_skip(event->raw, 5);
	char buf[VALUE_TEXT_BYTES];
	int64_t number = -1;

	digits.len -= sizeof(" of many") - 1;
	assert_true(slice_long(digits, &number));
	assert_in_range(number, 0, MOST - 1);
	assert_true(slice_eq(event_text(event, FIELD_EVENT_CODE, buf),
	    digits));
	assert_int_equal(event_get(event, FIELD_SOURCE_PORT)->u.num,
	    number % 100);
	seen[number]++;
}

/* Counts every stored event. */
static void
look(unsigned char *seen)
{
	const struct partition_info *infos;
	struct err err = { .kind = ERR_NONE };
	struct store *store = store_open(folder, &err);
	struct arena *arena = arena_new(0);
	uint64_t events = 0, found = 0;
	size_t n;

	if (store == NULL)
		print_message("%s\n", err.text);
	assert_non_null(store);
	memset(seen, 0, MOST);
	n = store_partitions(store, INT64_MIN, INT64_MAX, false, &infos,
	    &err);
	for (size_t i = 0; i < n; i++) {
		struct partition *partition = partition_open(store, &infos[i],
		    &err);
		const struct chunk_info *chunks;
		size_t nchunks;

		assert_non_null(partition);
		assert_true(i == 0 || infos[i].day_ns > infos[i - 1].day_ns);
		events += infos[i].events;
		nchunks = partition_chunks(partition, &chunks);
		for (size_t k = 0; k < nchunks; k++) {
			struct chunk *chunk = chunk_open(partition, &chunks[k],
			    &err);

			assert_non_null(chunk);
			for (uint32_t row = 0; row < chunk_rows(chunk);
			    row++) {
				struct event event;

				arena_reset(arena);
				assert_true(chunk_event(chunk, row, arena,
				    &event, &err));
				see(&event, seen);
				found++;
			}
			chunk_close(chunk);
		}
		for (size_t k = 0; k < partition_tail_count(partition); k++) {
			size_t count;
			struct event *tail;

			arena_reset(arena);
			tail = partition_tail(partition, k, arena, &count,
			    &err);
			assert_non_null(tail);
			for (size_t j = 0; j < count; j++)
				see(&tail[j], seen);
			found += count;
		}
		partition_close(partition);
	}
	assert_int_equal(events, found);
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(store_missing(store, NULL), 0);
	store_close(store);
	arena_free(arena);
}

static void
check_exactly(unsigned n)
{
	static unsigned char seen[MOST];

	look(seen);
	for (unsigned i = 0; i < MOST; i++)
		if (seen[i] != (i < n))
			fail_msg("line %u is there %u times", i, seen[i]);
}

static void
write_lines(struct writer *writer, unsigned first, unsigned n, unsigned per_day)
{
	uint64_t seq = writer_first_seq(writer) + ((uint64_t)first << 12);
	struct batch *batch = numbered(seq, first, n, per_day);

	writer_add(writer, batch);
	batch_put(batch);
}

static void
keeps_what_was_committed_and_nothing_else(void **state)
{
	struct writer *writer = open_writer(0);
	struct err err = { .kind = ERR_NONE };

	(void)state;
	write_lines(writer, 0, 500, 200);
	assert_int_equal(writer_pending(writer) > 0, 1);
	assert_int_equal(writer_commit(writer, &err), 0);
	assert_int_equal(writer_pending(writer), 0);
	check_exactly(500);
	write_lines(writer, 500, 1000, 200);
	check_exactly(500);
	assert_int_equal(writer_commit(writer, &err), 0);
	check_exactly(1500);
	assert_int_equal(writer_close(writer, false, &err), 0);
	check_exactly(1500);
}

static void
turns_full_tails_into_chunks(void **state)
{
	struct writer *writer = open_writer(1000);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;

	(void)state;
	for (unsigned i = 0; i < 10000; i += 500) {
		write_lines(writer, i, 500, 3000);
		assert_int_equal(writer_commit(writer, &err), 0);
		check_exactly(i + 500);
	}
	assert_int_equal(writer_settle(writer, &err), 0);
	check_exactly(10000);
	writer_figures(writer, &figures);
	assert_true(figures.chunks >= 6);
	assert_true(figures.days_open <= 3);
	assert_int_equal(figures.stored, 10000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(10000);
	/* All in chunks now; a further writer goes on behind them. */
	writer = open_writer(1000);
	writer_figures(writer, &figures);
	assert_int_equal(figures.tail_events, 0);
	write_lines(writer, 10000, 700, 3000);
	assert_int_equal(writer_commit(writer, &err), 0);
	check_exactly(10700);
	assert_int_equal(writer_close(writer, false, &err), 0);
	check_exactly(10700);
}

static void
takes_up_the_tail_of_the_last_run(void **state)
{
	struct err err = { .kind = ERR_NONE };
	struct writer *writer;

	(void)state;
	for (unsigned i = 0; i < 4000; i += 400) {
		writer = open_writer(1000);
		write_lines(writer, i, 400, 100000);
		assert_int_equal(writer_close(writer, false, &err), 0);
	}
	check_exactly(4000);
	writer = open_writer(1000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(4000);
}

/* Nothing is kept in memory: chunks are made of what the tail gives back. */
static void
reads_its_tail_back_when_memory_is_short(void **state)
{
	struct writer_conf conf = { .data = folder, .chunk_events = 1000,
	    .open_bytes = 1 };
	struct err err = { .kind = ERR_NONE };
	struct writer *writer = writer_open(&conf, &err);

	(void)state;
	assert_non_null(writer);
	for (unsigned i = 0; i < 4000; i += 200) {
		write_lines(writer, i, 200, 1500);
		assert_int_equal(writer_commit(writer, &err), 0);
	}
	check_exactly(4000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(4000);
}

static void
makes_chunks_of_what_has_waited_long_enough(void **state)
{
	struct writer *writer = open_writer(0);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;
	int64_t now = START;

	(void)state;
	write_lines(writer, 0, 100, 100000);
	assert_int_equal(writer_commit(writer, &err), 0);
	assert_int_equal(writer_tend(writer, now, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.chunks, 0);
	now += INT64_C(15) * 60 * 1000000000;
	assert_int_equal(writer_tend(writer, now, &err), 0);
	check_exactly(100);
	assert_int_equal(writer_settle(writer, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.chunks, 2);	/* late ones have their own */
	assert_int_equal(figures.tail_events, 0);
	check_exactly(100);
	/* Two days on all is sealed: no WAL is left. */
	assert_int_equal(writer_tend(writer, now + 3 * DAY, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.days_open, 0);
	check_exactly(100);
	assert_int_equal(writer_close(writer, false, &err), 0);
	check_exactly(100);
}

/* A batch without events that notes the run of an alert. */
static void
write_run(struct writer *writer, const char *alert, unsigned number,
    int64_t last_ns)
{
	struct batch *batch = batch_new(1, writer_first_seq(writer) +
	    ((uint64_t)number << 12));
	struct note *note = batch_add_note(batch, NOTE_RUN);

	note->key = slice_cstr(alert);
	note->data = SLICE("");
	note->last_ns = last_ns;
	batch->phase = BATCH_MATCHED;
	writer_add(writer, batch);
	batch_put(batch);
}

static void
drops_runs_without_events(void **state)
{
	struct writer_conf conf = { .data = folder, .retention_ns = 5 * DAY };
	struct err err = { .kind = ERR_NONE };
	struct writer *writer = writer_open(&conf, &err);
	struct arena *arena = arena_new(0);
	struct store *store;
	struct run run;

	(void)state;
	assert_non_null(writer);
	write_lines(writer, 0, 1000, 100);
	write_run(writer, "old", 2000, START + 2 * DAY);
	write_run(writer, "new", 2001, START + 8 * DAY);
	assert_int_equal(writer_close(writer, true, &err), 0);
	writer = writer_open(&conf, &err);
	assert_non_null(writer);
	assert_int_equal(writer_tend(writer, START + 10 * DAY, &err), 0);
	assert_int_equal(writer_close(writer, false, &err), 0);
	store = store_open(folder, &err);
	assert_non_null(store);
	assert_false(ledger_run(store, SLICE("old"), arena, &run));
	assert_true(ledger_run(store, SLICE("new"), arena, &run));
	store_close(store);
	arena_free(arena);
}

static void
drops_days_past_retention(void **state)
{
	struct writer_conf conf = { .data = folder, .retention_ns = 5 * DAY };
	struct err err = { .kind = ERR_NONE };
	struct writer *writer = writer_open(&conf, &err);
	static unsigned char seen[MOST];
	struct writer_figures figures;

	(void)state;
	assert_non_null(writer);
	write_lines(writer, 0, 1000, 100);	/* ten days, and one before */
	assert_int_equal(writer_close(writer, true, &err), 0);
	writer = writer_open(&conf, &err);
	assert_non_null(writer);
	assert_int_equal(writer_tend(writer, START + 10 * DAY, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.days_dropped, 5);
	look(seen);
	assert_int_equal(seen[0], 0);
	assert_int_equal(seen[998], 1);
	assert_int_equal(writer_close(writer, false, &err), 0);
}

static void
lets_one_writer_in(void **state)
{
	struct writer *writer = open_writer(0);
	struct writer_conf conf = { .data = folder };
	struct err err = { .kind = ERR_NONE };

	(void)state;
	assert_null(writer_open(&conf, &err));
	assert_int_equal(err.kind, ERR_IO);
	writer_close(writer, false, NULL);
	writer = open_writer(0);
	writer_close(writer, false, NULL);
}

static void
gives_each_start_higher_sequences(void **state)
{
	struct writer *writer = open_writer(0);
	uint64_t first = writer_first_seq(writer);
	uint32_t node = writer_node(writer);

	(void)state;
	assert_true((int64_t)first > 0);
	assert_true(node != 0);
	writer_close(writer, false, NULL);
	writer = open_writer(0);
	assert_true(writer_first_seq(writer) > first);
	assert_int_equal(writer_node(writer), node);
	writer_close(writer, false, NULL);
}

/* A lost live.db loses its tail, never the days; sequences go on rising. */
static void
starts_again_without_live_db(void **state)
{
	struct writer *writer = open_writer(0);
	struct err err = { .kind = ERR_NONE };
	uint64_t first = writer_first_seq(writer);
	char path[PATH_MAX + 16];

	(void)state;
	write_lines(writer, 0, 300, 100);
	assert_int_equal(writer_close(writer, true, &err), 0);
	snprintf(path, sizeof(path), "%s/live.db", folder);
	assert_int_equal(unlink(path), 0);
	writer = open_writer(0);
	assert_true(writer_first_seq(writer) > first);
	write_lines(writer, 300, 300, 100);
	assert_int_equal(writer_commit(writer, &err), 0);
	check_exactly(600);
	writer_close(writer, false, NULL);
}

/* What is above the high-water mark is taken away: without the mark that would
 * be everything. */
static void
keeps_its_chunks_without_a_high_water_mark(void **state)
{
	struct writer *writer = open_writer(0);
	struct err err = { .kind = ERR_NONE };
	char path[PATH_MAX + 16];
	sqlite3 *db;

	(void)state;
	write_lines(writer, 0, 300, 100);
	assert_int_equal(writer_commit(writer, &err), 0);
	assert_int_equal(writer_close(writer, true, &err), 0);
	snprintf(path, sizeof(path), "%s/live.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM mark WHERE k = 'seq';"
	    "INSERT OR IGNORE INTO open_day(day) VALUES(20000), (20001), "
	    "(20002)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	writer = open_writer(0);
	check_exactly(300);
	write_lines(writer, 300, 300, 100);
	assert_int_equal(writer_commit(writer, &err), 0);
	check_exactly(600);
	writer_close(writer, false, NULL);
}

/* --- crashes ------------------------------------------------------------- */

/* Moments come from two threads. */
static _Atomic unsigned crash_in;

static void
crash_maybe(const char *point)
{
	(void)point;
	if (crash_in-- == 0)
		_exit(99);
}

/* A child writes lines, telling through a pipe what was committed, and dies at
 * the chosen point. A reader and the next writer must then agree on exactly
 * the committed lines; those it was not told about may be sent again. */
static unsigned
crashing_child(unsigned first, unsigned point, bool settle, bool alone)
{
	int ends[2], status;
	unsigned committed = first, told;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct writer_conf conf = { .data = folder,
		    .chunk_events = 300 };
		struct writer *writer;

		crash_in = point;
		writer_at = crash_maybe;
		writer = writer_open(&conf, NULL);
		if (writer == NULL)
			_exit(1);
		/* A commit of a writer that is alone may commit nothing, so
		 * that nothing may be told. */
		if (alone)
			writer_hold(writer);
		for (unsigned i = first; i < first + 600; i += 100) {
			write_lines(writer, i, 100, 250);
			if (writer_commit(writer, NULL) < 0)
				_exit(1);
			if (settle && writer_settle(writer, NULL) < 0)
				_exit(1);
			if (writer_pending(writer) > 0)
				continue;
			told = i + 100;
			if (write(ends[1], &told, sizeof(told)) < 0)
				_exit(1);
		}
		_exit(99);
	}
	close(ends[1]);
	while (read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told))
		committed = told;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 99);
	return committed;
}

static void
shows_each_line_once_wherever_it_crashes(void **state)
{
	static unsigned char seen[MOST];
	unsigned n = 0, extra;

	(void)state;
	/* The sealer beside the commits, then between them so that each moment
	 * comes at the same place, then no sealer. */
	for (unsigned k = 0; k < 3 * 24; k++) {
		unsigned before = n;

		n = crashing_child(n, k % 24, k / 24 == 1, k / 24 == 2);
		look(seen);
		/* A commit may have been whole without being told. */
		for (extra = 0; seen[n + extra] != 0;)
			extra += 100;
		assert_true(n + extra <= before + 600);
		check_exactly(n + extra);
		n += extra;
		writer_close(open_writer(300), false, NULL);
		check_exactly(n);
	}
	assert_true(n > 9000);
}

/* The same at the end of an import: the files of 150 days are made at once. */
static unsigned
crashing_import(unsigned first, unsigned point)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct writer *writer = open_writer(300);

		write_lines(writer, first, 300, 2);
		if (writer_commit(writer, NULL) < 0)
			_exit(1);
		crash_in = point;
		writer_at = crash_maybe;
		_exit(writer_close(writer, true, NULL) < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return (unsigned)WEXITSTATUS(status);
}

static void
shows_each_line_once_when_an_import_ends_in_a_crash(void **state)
{
	static const unsigned points[] = { 0, 1, 7, 150, 299, 300, 301, 302,
	    303, 304, 305, 310, 2000 };
	unsigned n = 0, crashes = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		unsigned code = crashing_import(n, points[i]);

		assert_true(code == 99 || code == 0);
		crashes += code == 99;
		n += 300;
		check_exactly(n);
		writer_close(open_writer(300), i % 2 == 0, NULL);
		check_exactly(n);
	}
	assert_true(crashes > 8 && crashes < 13);
}

/* --- days of few events -------------------------------------------------- */

static void
gives_days_of_few_events_small_files(void **state)
{
	const struct partition_info *infos;
	struct store *store;
	struct stat st;
	size_t n;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		struct writer *writer = open_writer(0);

		write_lines(writer, round * 900, 900, 3);
		assert_int_equal(writer_close(writer, true, NULL), 0);
		check_exactly((round + 1) * 900);
	}
	store = store_open(folder, NULL);
	n = store_partitions(store, INT64_MIN, INT64_MAX, false, &infos, NULL);
	assert_in_range(n, 590, 610);
	for (size_t i = 0; i < n; i++) {
		char beside[PATH_MAX + 8];

		assert_true(infos[i].sealed);
		assert_true(infos[i].bytes < 8192);
		snprintf(beside, sizeof(beside), "%s.new", infos[i].path);
		assert_true(stat(beside, &st) < 0);
	}
	store_close(store);
}

/* --- no room ------------------------------------------------------------- */

/* Files may not grow past a limit: as on a full disk, but for one process. */
static void
room(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
keeps_what_has_no_room_until_there_is_some(void **state)
{
	struct writer *writer = open_writer(1000);
	struct err err = { .kind = ERR_NONE };
	unsigned n = 0, full = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	room(150000);
	while (n < 15000) {
		write_lines(writer, n, 500, 5000);
		n += 500;
		if (writer_commit(writer, &err) == 0)
			continue;
		if (err.kind != ERR_FULL)
			fail_msg("%s", err.text);
		assert_true(writer_pending(writer) > 0);
		if (++full == 3)
			break;
	}
	assert_int_equal(full, 3);
	/* Readers go on meanwhile and see what is committed. */
	check_exactly(n - 1500);
	room(RLIM_INFINITY);
	assert_int_equal(writer_commit(writer, &err), 0);
	assert_int_equal(writer_pending(writer), 0);
	check_exactly(n);
	write_lines(writer, n, 500, 5000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(n + 500);
}

/* A day file that cannot be written, or opened, keeps no commit waiting:
 * the events stay in the tail until the file is free. */
static void
goes_on_while_a_day_file_cannot_be_written(void **state)
{
	struct writer *writer = open_writer(1000);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;
	char path[PATH_MAX], command[PATH_MAX + 16];

	(void)state;
	write_lines(writer, 0, 100, 100000);
	assert_int_equal(writer_commit(writer, &err), 0);
	/* A folder stands where the file should be. */
	dayfile_path(folder, 20000, path);
	snprintf(command, sizeof(command), "mkdir -p '%s'", path);
	assert_int_equal(system(command), 0);
	for (unsigned i = 100; i < 4000; i += 300) {
		write_lines(writer, i, 300, 100000);
		assert_int_equal(writer_commit(writer, &err), 0);
		assert_int_equal(writer_tend(writer, START + i, &err), 0);
	}
	assert_int_equal(rmdir(path), 0);
	check_exactly(4000);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(writer_tend(writer, START + 5000, &err), 0);
		assert_int_equal(writer_settle(writer, &err), 0);
		check_exactly(4000);
	}
	writer_figures(writer, &figures);
	assert_true(figures.chunks >= 3);
	check_exactly(4000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(4000);
}

/* Spoils the day file under the writer when it has one chunk. */
static _Atomic bool damage_done;
static const char *damage_at;

static void
damage_day(const char *point)
{
	char path[PATH_MAX];
	sqlite3 *db;

	dayfile_path(folder, 20000, path);
	if (strcmp(point, damage_at) != 0 ||
	    atomic_exchange(&damage_done, true))
		return;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA writable_schema = ON;"
	    "UPDATE sqlite_schema SET sql = 'CREATE TABLE chunk(' "
	    "WHERE name = 'chunk'; PRAGMA schema_version = 4711", NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
goes_on_in_a_new_file_when_one_turns_out_damaged(void **state)
{
	struct writer *writer = open_writer(1000);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;
	char path[PATH_MAX], aside[PATH_MAX + 16];

	(void)state;
	damage_done = false;
	damage_at = "chunk-added";
	writer_at = damage_day;
	writer_hold(writer);
	for (unsigned i = 0; i < 5000; i += 500)
		write_lines(writer, i, 500, 100000);
	assert_int_equal(writer_commit(writer, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.set_aside, 1);
	assert_int_equal(figures.chunks, 1 + 4);
	dayfile_path(folder, 20000, path);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	assert_int_equal(access(aside, F_OK), 0);
	check_exactly(5000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(5000);
}

/* The chunk was being made when its file went bad: its events are still in the
 * tail, and go into the new file. */
static void
makes_the_chunk_again_when_its_file_turns_out_damaged(void **state)
{
	struct writer *writer = open_writer(1000);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;

	(void)state;
	damage_done = false;
	damage_at = "chunk-built";
	writer_at = damage_day;
	for (unsigned i = 0; i < 3000; i += 500) {
		write_lines(writer, i, 500, 100000);
		assert_int_equal(writer_commit(writer, &err), 0);
		check_exactly(i + 500);
		assert_int_equal(writer_settle(writer, &err), 0);
		check_exactly(i + 500);
	}
	writer_figures(writer, &figures);
	assert_int_equal(figures.set_aside, 1);
	assert_true(figures.chunks >= 2);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(3000);
}

/* Holds the sealer until told. */
static _Atomic bool held_up;
static _Atomic unsigned built;

static void
hold_up(const char *point)
{
	if (strcmp(point, "chunk-built") != 0)
		return;
	built++;
	while (held_up)
		usleep(100);
}

static void
commits_while_a_chunk_is_in_the_making(void **state)
{
	struct writer *writer = open_writer(1000);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;

	(void)state;
	held_up = true;
	built = 0;
	writer_at = hold_up;
	for (unsigned i = 0; i < 4000; i += 500) {
		write_lines(writer, i, 500, 100000);
		assert_int_equal(writer_commit(writer, &err), 0);
		assert_int_equal(writer_tend(writer, START, &err), 0);
		assert_int_equal(writer_pending(writer), 0);
		check_exactly(i + 500);
	}
	writer_figures(writer, &figures);
	assert_int_equal(figures.chunks, 0);
	assert_int_equal(figures.tail_events, 4000);
	held_up = false;
	assert_int_equal(writer_settle(writer, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.chunks, 1);
	assert_int_equal(built, 1);
	check_exactly(4000);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(4000);
}

/* --- ledger -------------------------------------------------------------- */

static void
commits_notes_with_their_batch(void **state)
{
	struct writer *writer = open_writer(0);
	struct batch *batch = numbered(writer_first_seq(writer), 0, 10, 100);
	const uint64_t seqs[] = { 5, 6 };
	const int64_t times[] = { 50, 60 };
	struct err err = { .kind = ERR_NONE };
	struct arena *arena = arena_new(0);
	struct slice answer;
	struct store *store;
	struct note *note;
	struct run run;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {	/* the second replaces */
		note = batch_add_note(batch, NOTE_RUN);
		note->key = SLICE("alert-1");
		note->data = run_pack(batch->arena, seqs, times, i + 1);
		note->first_ns = 50;
		note->last_ns = 60;
		note->count = i + 1;
	}
	note = batch_add_note(batch, NOTE_REQUEST);
	note->key = SLICE("key");
	note->data = SLICE("{\"taken\":10}");
	note = batch_add_note(batch, NOTE_CHECKPOINT);
	note->key = SLICE("part");
	note->data = slice_of("a\0b", 3);
	writer_add(writer, batch);
	assert_false(writer_request_seen(writer, SLICE("key"), START,
	    &answer));
	assert_int_equal(writer_commit(writer, &err), 0);
	assert_true(writer_request_seen(writer, SLICE("key"), START,
	    &answer));
	assert_true(slice_eq(answer, SLICE("{\"taken\":10}")));
	assert_false(writer_request_seen(writer, SLICE("key"),
	    START + INT64_C(601000000000), &answer));

	store = store_open(folder, &err);
	assert_non_null(store);
	assert_true(slice_eq(ledger_checkpoint(store, SLICE("part"), arena),
	    slice_of("a\0b", 3)));
	assert_int_equal(ledger_checkpoint(store, SLICE("none"), arena).len,
	    0);
	assert_true(ledger_run(store, SLICE("alert-1"), arena, &run));
	assert_int_equal(run.count, 2);
	assert_int_equal(run.n, 2);
	assert_int_equal(run.seqs[1], 6);
	assert_int_equal(run.times_ns[0], 50);
	assert_false(ledger_run(store, SLICE("alert-2"), arena, &run));
	store_close(store);
	batch_put(batch);
	arena_free(arena);
	writer_close(writer, false, NULL);
}

static void
finds_one_event_by_sequence_and_time(void **state)
{
	struct writer *writer = open_writer(300);
	struct err err = { .kind = ERR_NONE };
	struct arena *arena = arena_new(0);
	uint64_t first = writer_first_seq(writer);
	struct event event;
	struct store *store;

	(void)state;
	for (unsigned i = 0; i < 700; i += 100) {
		write_lines(writer, i, 100, 10000);
		assert_int_equal(writer_commit(writer, &err), 0);
	}
	store = store_open(folder, &err);
	assert_non_null(store);
	for (unsigned i = 0; i < 700; i += 33) {
		uint64_t seq = first + ((uint64_t)(i / 100 * 100) << 12) +
		    i % 100;
		int64_t time = START + (int64_t)i * 1000000 -
		    (i % 10 == 9 ? DAY : 0);

		assert_true(store_event(store, seq, time, arena, &event,
		    &err));
		assert_int_equal(event.seq, seq);
		assert_int_equal(strtoul(event.raw.ptr + 5, NULL, 10), i);
	}
	assert_false(store_event(store, first + 5000000000, START, arena,
	    &event, &err));
	store_close(store);
	arena_free(arena);
	writer_close(writer, false, NULL);
}

static void
keeps_alerts_beside_the_events_that_raised_them(void **state)
{
	struct writer *writer = open_writer(0);
	struct batch *batch = numbered(writer_first_seq(writer), 0, 5, 100);
	struct err err = { .kind = ERR_NONE };
	struct writer_figures figures;
	struct event *alert;

	(void)state;
	alert = batch_add_alert(batch);
	alert->raw = SLICE("line 5 of many");
	alert->time_ns = START;
	event_set(alert, FIELD_EVENT_CODE, value_text(SLICE("5"),
	    TRANSFORM_OWNED));
	event_set(alert, FIELD_SOURCE_PORT, value_long(5));
	event_seal(alert);
	writer_add(writer, batch);
	batch_put(batch);
	assert_int_equal(writer_commit(writer, &err), 0);
	writer_figures(writer, &figures);
	assert_int_equal(figures.stored, 5);
	assert_int_equal(figures.alerts, 1);
	check_exactly(6);
	assert_int_equal(writer_close(writer, true, &err), 0);
	check_exactly(6);
}

static void
holds_what_nobody_waits_for_until_a_chunk_is_full(void **state)
{
	struct writer_conf conf = { .data = folder, .chunk_events = 400 };
	struct writer *writer = writer_open(&conf, NULL);
	struct writer_figures figures;

	(void)state;
	assert_non_null(writer);
	writer_hold(writer);
	for (unsigned k = 0; k < 9; k++) {
		struct batch *batch = batch_new(writer_node(writer),
		    writer_first_seq(writer) + ((uint64_t)k << 12));

		for (unsigned i = 0; i < 50; i++)
			event_seal(batch_add(batch, SLICE("a line"),
			    SLICE("peer"), 20000 * DAY));
		batch->phase = BATCH_MATCHED;
		writer_add(writer, batch);
		batch_put(batch);
		assert_int_equal(writer_commit(writer, NULL), 0);
		writer_figures(writer, &figures);
		assert_int_equal(figures.commits, k < 7 ? 0 : 1);
		assert_int_equal(figures.stored, k < 7 ? 0 : 400);
	}
	assert_int_equal(figures.chunks, 1);
	assert_int_equal(writer_close(writer, false, NULL), 0);
	writer = writer_open(&conf, NULL);
	writer_figures(writer, &figures);
	assert_int_equal(figures.tail_events, 50);
	assert_int_equal(writer_close(writer, false, NULL), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_new, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_was_committed_and_nothing_else),
		TEST(turns_full_tails_into_chunks),
		TEST(takes_up_the_tail_of_the_last_run),
		TEST(reads_its_tail_back_when_memory_is_short),
		TEST(makes_chunks_of_what_has_waited_long_enough),
		TEST(drops_days_past_retention),
		TEST(drops_runs_without_events),
		TEST(lets_one_writer_in),
		TEST(gives_each_start_higher_sequences),
		TEST(starts_again_without_live_db),
		TEST(keeps_its_chunks_without_a_high_water_mark),
		TEST(shows_each_line_once_wherever_it_crashes),
		TEST(shows_each_line_once_when_an_import_ends_in_a_crash),
		TEST(gives_days_of_few_events_small_files),
		TEST(keeps_what_has_no_room_until_there_is_some),
		TEST(goes_on_while_a_day_file_cannot_be_written),
		TEST(goes_on_in_a_new_file_when_one_turns_out_damaged),
		TEST(makes_the_chunk_again_when_its_file_turns_out_damaged),
		TEST(commits_while_a_chunk_is_in_the_making),
		TEST(commits_notes_with_their_batch),
		TEST(finds_one_event_by_sequence_and_time),
		TEST(keeps_alerts_beside_the_events_that_raised_them),
		TEST(holds_what_nobody_waits_for_until_a_chunk_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
