#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/chunk.h"
#include "storage/partition.h"
#include "storage/store.h"
#include "storage/verify.h"
#include "storage/write_stage.h"
#include "tests/unit/storage/events.h"

#define START_DAY 20000
#define START (START_DAY * DAY)

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
	char command[2 * PATH_MAX + 32];

	(void)state;
	snprintf(command, sizeof(command), "chmod -R u+w '%s'; rm -rf '%s'",
	    folder, folder);
	return system(command);
}

/* Batch k: 50 events with raw "<k> <i>" in one of two days. */
static void
add_batch(struct writer *writer, unsigned k)
{
	struct batch *batch = batch_new(writer_node(writer),
	    writer_first_seq(writer) + ((uint64_t)k << 12));

	for (unsigned i = 0; i < 50; i++) {
		char text[64];
		int len = snprintf(text, sizeof(text), "%u %u", k, i);
		struct event *event = batch_add(batch,
		    slice_of(text, (size_t)len), SLICE("peer"), START);

		event->time_ns = START + (int64_t)(k * 50 + i) * 1000 +
		    (i % 2 == 0 ? DAY : 0);
		event_set(event, FIELD_USER_NAME, value_text(
		    text_of(batch->arena, "user", i % 7), TRANSFORM_OWNED));
		event_set(event, FIELD_SOURCE_PORT, value_long(k));
		event_seal(event);
	}
	batch->phase = BATCH_MATCHED;
	writer_add(writer, batch);
	batch_put(batch);
}

static struct writer *
open_writer(void)
{
	struct writer_conf conf = { .data = folder, .chunk_events = 400 };
	struct writer *writer = writer_open(&conf, NULL);

	assert_non_null(writer);
	return writer;
}

static void
fill(unsigned batches, bool final)
{
	struct writer *writer = open_writer();

	for (unsigned k = 0; k < batches; k++) {
		add_batch(writer, k);
		assert_int_equal(writer_commit(writer, NULL), 0);
	}
	assert_int_equal(writer_close(writer, final, NULL), 0);
}

/* Events by k and i of the raw line; answers how many were found. Every one
 * must be as it was written. What is damaged is skipped as a whole. */
static uint64_t
look(struct store *store, unsigned char *seen, size_t room, bool whole)
{
	const struct partition_info *infos;
	struct err err = { .kind = ERR_NONE };
	struct arena *arena = arena_new(0);
	uint64_t found = 0;
	size_t n = store_partitions(store, INT64_MIN, INT64_MAX, true, &infos,
	    &err);

	memset(seen, 0, room);
	for (size_t d = 0; d < n; d++) {
		struct partition *partition = partition_open(store, &infos[d],
		    &err);
		const struct chunk_info *chunks;
		size_t nchunks;

		if (partition == NULL)
			continue;
		nchunks = partition_chunks(partition, &chunks);
		for (size_t c = 0; c < nchunks + partition_tail_count(
		    partition); c++) {
			struct event *events;
			struct chunk *chunk = NULL;
			size_t rows = 0;

			arena_reset(arena);
			if (c >= nchunks) {
				events = partition_tail(partition,
				    c - nchunks, arena, &rows, &err);
			} else {
				chunk = chunk_open(partition, &chunks[c],
				    &err);
				rows = chunk != NULL ? chunk_rows(chunk) : 0;
				events = arena_alloc(arena,
				    rows * sizeof(*events));
				for (size_t i = 0; i < rows; i++)
					if (!chunk_event(chunk, (uint32_t)i,
					    arena, &events[i], &err))
						rows = 0;
			}
			for (size_t i = 0; i < rows; i++) {
				struct slice raw = events[i].raw;
				ptrdiff_t blank = slice_find_byte(raw, ' ');
				uint64_t k, j;

				assert_true(blank > 0);
				assert_true(slice_ulong(slice_head(raw,
				    (size_t)blank), &k));
				assert_true(slice_ulong(slice_skip(raw,
				    (size_t)blank + 1), &j));
				assert_true(k * 50 + j < room);
				assert_int_equal(event_get(&events[i],
				    FIELD_SOURCE_PORT)->u.num, k);
				seen[k * 50 + j]++;
				found++;
			}
			chunk_close(chunk);
		}
		partition_close(partition);
	}
	if (whole && err.kind != ERR_NONE)
		fail_msg("%s", err.text);
	arena_free(arena);
	return found;
}

static void
gives_the_days_between_two_times(void **state)
{
	const struct partition_info *infos;
	struct err err = { .kind = ERR_NONE };
	struct store *store;

	(void)state;
	fill(20, false);
	store = store_open(folder, &err);
	assert_non_null(store);
	assert_int_equal(store_partitions(store, INT64_MIN, INT64_MAX, true,
	    &infos, &err), 2);
	assert_true(infos[0].day_ns == START + DAY);
	assert_int_equal(infos[0].events, 500);
	assert_int_equal(infos[1].events, 500);
	assert_int_equal(store_partitions(store, INT64_MIN, INT64_MAX, false,
	    &infos, &err), 2);
	assert_true(infos[0].day_ns == START);
	assert_int_equal(store_partitions(store, START, START + DAY - 1, false,
	    &infos, &err), 1);
	assert_int_equal(infos[0].t_min, START + 1000);
	assert_int_equal(infos[0].t_max, START + 999000);
	assert_true(infos[0].raw_bytes > 500 * 3);
	assert_int_equal(store_partitions(store, START + 1000000, START + DAY -
	    1, false, &infos, &err), 0);
	store_close(store);
}

static void
is_no_store_where_there_is_none(void **state)
{
	struct err err = { .kind = ERR_NONE };

	(void)state;
	assert_null(store_open(folder, &err));
	assert_int_equal(err.kind, ERR_IO);
	assert_null(store_open("/nonexistent/folder", &err));
}

/* The same answers from the catalog and without it. */
static void
needs_no_catalog(void **state)
{
	static unsigned char seen[1000];
	char path[PATH_MAX + 16];
	struct store *store;

	(void)state;
	fill(20, true);
	store = store_open(folder, NULL);
	assert_int_equal(look(store, seen, sizeof(seen), true), 1000);
	store_close(store);
	snprintf(path, sizeof(path), "%s/catalog.db", folder);
	assert_int_equal(unlink(path), 0);
	store = store_open(folder, NULL);
	assert_int_equal(look(store, seen, sizeof(seen), true), 1000);
	store_close(store);
}

/* Another process writes and is killed at some moment; at every moment a
 * reader finds an unbroken beginning of what was written, each line once, and
 * never less than before. */
static void
reads_while_another_process_writes_and_dies(void **state)
{
	static unsigned char seen[200000];
	unsigned *committed = mmap(NULL, sizeof(*committed), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned base = 0;

	(void)state;
	*committed = 0;
	for (unsigned round = 0; round < 4; round++) {
		uint64_t found, last = 0;
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0) {
			struct writer_conf conf = { .data = folder,
			    .chunk_events = 400 };
			struct writer *writer;

			/* A parent that fails must not leave it writing. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			writer = writer_open(&conf, NULL);

			for (unsigned k = base; writer != NULL; k++) {
				add_batch(writer, k);
				if (writer_commit(writer, NULL) < 0)
					_exit(1);
				__atomic_store_n(committed, k + 1,
				    __ATOMIC_SEQ_CST);
			}
			_exit(1);
		}
		while (__atomic_load_n(committed, __ATOMIC_SEQ_CST) <
		    base + 40) {
			unsigned before = __atomic_load_n(committed,
			    __ATOMIC_SEQ_CST);
			struct store *store;

			assert_int_equal(waitpid(child, &status, WNOHANG), 0);
			if (before == 0)
				continue;
			store = store_open(folder, NULL);
			assert_non_null(store);
			found = look(store, seen, sizeof(seen), true);
			store_close(store);
			assert_true(found >= (uint64_t)before * 50);
			assert_true(found >= last);
			last = found;
			/* A commit shows its two days together only to who
			 * asks for both at once; here each line is there at
			 * most once. */
			for (size_t i = 0; i < sizeof(seen); i++)
				assert_true(seen[i] <= 1);
			for (size_t i = 0; i < (size_t)before * 50; i++)
				assert_int_equal(seen[i], 1);
		}
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		assert_true(WIFSIGNALED(status));

		struct store *store = store_open(folder, NULL);
		assert_non_null(store);
		found = look(store, seen, sizeof(seen), true);
		store_close(store);
		assert_true(found % 50 == 0);
		assert_true(found / 50 - *committed <= 1);
		for (size_t i = 0; i < sizeof(seen); i++)
			assert_int_equal(seen[i], i < found);
		base = (unsigned)(found / 50);
	}
	munmap(committed, sizeof(*committed));
}

static void
verify_count(void *user, const char *where, const char *why)
{
	unsigned *n = user;

	(void)where;
	(void)why;
	++*n;
}

static void
patch(const char *path, off_t at, char xor)
{
	FILE *file = fopen(path, "r+");
	int byte;

	assert_non_null(file);
	fseek(file, at, SEEK_SET);
	byte = fgetc(file);
	fseek(file, at, SEEK_SET);
	fputc(byte ^ xor, file);
	fclose(file);
}

/* Any byte of a sealed day may go wrong: what we then read is right or said to
 * be missing. */
static void
shows_no_wrong_row_of_a_damaged_file(void **state)
{
	static unsigned char seen[1000];
	unsigned found_damage = 0, verify_damage = 0;
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	seed_state = 99;
	fill(20, true);
	dayfile_path(folder, START_DAY, path);
	assert_int_equal(stat(path, &st), 0);
	for (unsigned round = 0; round < 300; round++) {
		off_t at = (off_t)dice((uint64_t)st.st_size);
		char xor = (char)(1 << dice(8));
		struct verify verify = { .bad = verify_count };
		struct store *store;
		unsigned bad = 0;
		uint64_t found;

		patch(path, at, xor);
		store = store_open(folder, NULL);
		assert_non_null(store);
		found = look(store, seen, sizeof(seen), false);
		for (size_t i = 0; i < sizeof(seen); i++)
			assert_true(seen[i] <= 1);
		/* What is missing is said to be. */
		if (found < 1000) {
			struct slice why;

			store_missing(store, &why);
			assert_true(why.len > 0);
			found_damage++;
		}
		verify.user = &bad;
		assert_int_equal(store_verify(store, &verify, NULL), 0);
		verify_damage += bad > 0;
		assert_true(found == 1000 || bad > 0);
		store_close(store);
		patch(path, at, xor);
	}
	print_message("of 300 flips %u hid rows, %u were found by verify\n",
	    found_damage, verify_damage);
	assert_true(found_damage > 20);
}

/* A writer that meets a damaged day sets it aside and goes on; readers say so
 * and give the rest. */
static void
sets_a_damaged_day_aside(void **state)
{
	static unsigned char seen[2000];
	struct writer *writer;
	char path[PATH_MAX];
	struct store *store;
	struct slice why;

	(void)state;
	fill(20, true);
	dayfile_path(folder, START_DAY, path);
	patch(path, 3, 1);	/* the magic of SQLite */
	writer = open_writer();
	for (unsigned k = 20; k < 40; k++) {
		add_batch(writer, k);
		assert_int_equal(writer_commit(writer, NULL), 0);
	}
	assert_int_equal(writer_close(writer, true, NULL), 0);
	store = store_open(folder, NULL);
	assert_int_equal(look(store, seen, sizeof(seen), true), 1500);
	store_missing(store, &why);
	assert_true(slice_find(why, SLICE(".damaged")) > 0);
	store_close(store);
}

/* Chunks made of whatever had waited a quarter of an hour; a reader that holds
 * the list of before finds them gone and is told to begin again. */
static void
merges_small_chunks_when_a_day_is_over(void **state)
{
	static unsigned char seen[1000];
	struct verify verify = { .bad = verify_count };
	struct writer_conf conf = { .data = folder, .chunk_age_ms = 1 };
	struct writer *writer = writer_open(&conf, NULL);
	const struct partition_info *infos;
	const struct chunk_info *chunks;
	struct err err = { .kind = ERR_NONE };
	struct partition *partition;
	struct arena *arena = arena_new(0);
	struct store *store;
	struct chunk *chunk;
	struct event event;
	unsigned bad = 0;

	(void)state;
	assert_non_null(writer);
	for (unsigned k = 0; k < 20; k++) {
		add_batch(writer, k);
		assert_int_equal(writer_commit(writer, NULL), 0);
		for (int64_t now = 1; now < 3; now++)
			assert_int_equal(writer_tend(writer,
			    START + (2 * k + now) * 10000000, NULL), 0);
		assert_int_equal(writer_settle(writer, NULL), 0);
	}
	store = store_open(folder, &err);
	assert_non_null(store);
	assert_int_equal(store_partitions(store, INT64_MIN, INT64_MAX, false,
	    &infos, &err), 2);
	partition = partition_open(store, &infos[0], &err);
	assert_non_null(partition);
	assert_int_equal(partition_chunks(partition, &chunks), 20);
	chunk = chunk_open(partition, &chunks[4], &err);
	assert_non_null(chunk);

	assert_int_equal(writer_close(writer, true, NULL), 0);
	assert_false(chunk_event(chunk, 0, arena, &event, &err));
	assert_int_equal(err.kind, ERR_IO);
	assert_true(partition_stale(partition));
	assert_null(chunk_open(partition, &chunks[7], NULL));
	assert_int_equal(store_missing(store, NULL), 0);
	chunk_close(chunk);
	partition_close(partition);

	partition = partition_open(store, &infos[0], &err);
	assert_non_null(partition);
	assert_int_equal(partition_chunks(partition, &chunks), 1);
	assert_int_equal(chunks[0].n, 500);
	partition_close(partition);
	assert_int_equal(look(store, seen, sizeof(seen), true), 1000);
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_equal(seen[i], 1);
	verify.user = &bad;
	assert_int_equal(store_verify(store, &verify, NULL), 0);
	assert_int_equal(bad, 0);
	store_close(store);
	arena_free(arena);
}

static void
break_chunks(void)
{
	const struct partition_info *infos;
	struct err err = { .kind = ERR_NONE };
	struct store *store = store_open(folder, &err);
	sqlite3 *db;

	assert_int_equal(store_partitions(store, START, START + DAY - 1, false,
	    &infos, &err), 1);
	assert_int_equal(sqlite3_open(infos[0].path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "ALTER TABLE chunk RENAME TO away",
	    NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	store_close(store);
}

/* Not damage of the file, and not sealing: the table is somewhere else. */
static void
tells_a_chunk_that_cannot_be_read_once_and_why(void **state)
{
	const struct partition_info *infos;
	const struct chunk_info *chunks;
	struct err err = { .kind = ERR_NONE };
	struct partition *partition;
	struct store *store;
	struct slice why;

	(void)state;
	fill(20, false);
	store = store_open(folder, &err);
	assert_non_null(store);
	assert_int_equal(store_partitions(store, START, START + DAY - 1, false,
	    &infos, &err), 1);
	partition = partition_open(store, &infos[0], &err);
	assert_non_null(partition);
	assert_true(partition_chunks(partition, &chunks) > 0);
	break_chunks();
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		assert_null(chunk_open(partition, &chunks[0], &err));
		assert_int_equal(err.kind, ERR_IO);
		assert_non_null(strstr(err.text, "no such table"));
		assert_false(partition_stale(partition));
	}
	assert_int_equal(store_missing(store, &why), chunks[0].n);
	assert_true(slice_find(why, SLICE("no such table")) > 0);
	partition_close(partition);
	store_close(store);
}

static void
verifies_an_honest_store_without_a_finding(void **state)
{
	struct verify verify = { .bad = verify_count };
	struct store *store;
	unsigned bad = 0;

	(void)state;
	fill(30, true);
	fill(0, false);
	store = store_open(folder, NULL);
	verify.user = &bad;
	assert_int_equal(store_verify(store, &verify, NULL), 0);
	assert_int_equal(bad, 0);
	assert_int_equal(verify.events, 1500);
	assert_true(verify.chunks >= 2);
	store_close(store);
}

/* Whoever may not write reads a store that was closed in order. */
static void
reads_without_write_access(void **state)
{
	static unsigned char seen[1000];
	char command[PATH_MAX + 32];
	int status;
	pid_t child;

	(void)state;
	fill(20, true);
	snprintf(command, sizeof(command), "chmod -R a+rX,a-w '%s'", folder);
	assert_int_equal(system(command), 0);
	child = fork();
	if (child == 0) {
		struct err err = { .kind = ERR_NONE };
		struct store *store;

		if (getuid() == 0 && setuid(65534) < 0)
			_exit(2);
		store = store_open(folder, &err);
		if (store == NULL) {
			fprintf(stderr, "%s\n", err.text);
			_exit(3);
		}
		_exit(look(store, seen, sizeof(seen), true) == 1000 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_new, folder_remove)
	const struct CMUnitTest tests[] = {
		TEST(gives_the_days_between_two_times),
		TEST(is_no_store_where_there_is_none),
		TEST(needs_no_catalog),
		TEST(reads_while_another_process_writes_and_dies),
		TEST(shows_no_wrong_row_of_a_damaged_file),
		TEST(sets_a_damaged_day_aside),
		TEST(merges_small_chunks_when_a_day_is_over),
		TEST(tells_a_chunk_that_cannot_be_read_once_and_why),
		TEST(verifies_an_honest_store_without_a_finding),
		TEST(reads_without_write_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
