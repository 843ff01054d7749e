#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/ledger.h"
#include "storage/ledger_write.h"
#include "storage/retain.h"
#include "storage/schema.h"
#include "storage/store.h"
#include "tests/unit/storage/events.h"

static char folder[PATH_MAX];
static struct sqlite3 *live;
static struct ledger_writer *ledger;

static int
live_new(void **state)
{
	char path[PATH_MAX + 16];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/yagura-ledger-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/live.db", folder);
	live = db_open_write(path, SCHEMA_LIVE, NULL);
	ledger = live != NULL ? ledger_writer_new(live, NULL) : NULL;
	return ledger != NULL ? 0 : -1;
}

static int
live_remove(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	ledger_writer_free(ledger);
	db_close(live);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
put(enum note_kind kind, const char *key, const char *data, int64_t at_ns)
{
	struct batch *batch = batch_new(1, 4096);
	struct note *note = batch_add_note(batch, kind);

	batch->received_ns = at_ns;
	note->key = slice_cstr(key);
	note->data = slice_cstr(data);
	assert_int_equal(ledger_put(ledger, batch, NULL), 0);
	batch_put(batch);
}

static void
the_newest_note_of_a_batch_wins(void **state)
{
	struct batch *batch = batch_new(1, 4096);
	struct slice answer;

	(void)state;
	for (const char *text = "abc"; *text != '\0'; text++) {
		struct note *note = batch_add_note(batch, NOTE_REQUEST);

		note->key = SLICE("k");
		note->data = slice_of(text, 1);
	}
	batch->received_ns = 5;
	assert_int_equal(ledger_put(ledger, batch, NULL), 0);
	batch_put(batch);
	assert_true(ledger_request(ledger, SLICE("k"), 6, &answer));
	assert_true(slice_eq(answer, SLICE("c")));
}

static void
forgets_requests_after_ten_minutes(void **state)
{
	struct slice answer;

	(void)state;
	put(NOTE_REQUEST, "old", "1", 1000);
	put(NOTE_REQUEST, "new", "2", 2000);
	assert_true(ledger_request(ledger, SLICE("old"),
	    1000 + REQUEST_KEPT_NS, &answer));
	assert_false(ledger_request(ledger, SLICE("old"),
	    1001 + REQUEST_KEPT_NS, &answer));
	assert_int_equal(ledger_tend(ledger, 1001 + REQUEST_KEPT_NS, NULL), 0);
	assert_int_equal(db_number(live, "SELECT count(*) FROM request", -1),
	    1);
	assert_false(ledger_request(ledger, SLICE("none"), 0, &answer));
}

static void
keeps_positions_and_checkpoints(void **state)
{
	(void)state;
	put(NOTE_POSITION, "/var/log/a", "100", 1);
	put(NOTE_POSITION, "/var/log/a", "200", 2);
	put(NOTE_CHECKPOINT, "windows", "state", 3);
	assert_int_equal(db_number(live, "SELECT CAST(data AS TEXT) FROM "
	    "position WHERE path = '/var/log/a'", -1), 200);
	assert_int_equal(db_number(live, "SELECT length(data) FROM checkpoint "
	    "WHERE part = 'windows'", -1), 5);
}

static void
gives_back_a_run(void **state)
{
	struct batch *batch = batch_new(1, 4096);
	struct note *note = batch_add_note(batch, NOTE_RUN);
	struct arena *arena = arena_new(0);
	uint64_t seqs[2000];
	int64_t times[2000];
	struct store *store;
	struct run run;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		seqs[i] = UINT64_C(1) << 48 | i;
		times[i] = -5 + i;
	}
	note->key = SLICE("0123456789abcdef0123456789abcdef");
	note->data = run_pack(batch->arena, seqs, times, 2000);
	note->first_ns = 1;
	note->last_ns = 2;
	note->count = 12345;
	assert_int_equal(ledger_put(ledger, batch, NULL), 0);
	store = store_open(folder, NULL);
	assert_non_null(store);
	assert_true(ledger_run(store, note->key, arena, &run));
	assert_int_equal(run.n, 2000);
	assert_int_equal(run.count, 12345);
	assert_memory_equal(run.seqs, seqs, sizeof(seqs));
	assert_memory_equal(run.times_ns, times, sizeof(times));
	store_close(store);
	batch_put(batch);
	arena_free(arena);
}

static void
chooses_the_days_that_must_go(void **state)
{
	const struct day_file files[] = { { 10, 100 }, { 11, 100 },
	    { 12, 100 }, { 20, 100 } };

	(void)state;
	assert_int_equal(retain_choose(files, 4, 21 * DAY, 0, 0), 0);
	/* A day goes when its last moment is too old. */
	assert_int_equal(retain_choose(files, 4, 21 * DAY, 10 * DAY, 0), 0);
	assert_int_equal(retain_choose(files, 4, 21 * DAY + 1, 10 * DAY, 0),
	    1);
	assert_int_equal(retain_choose(files, 4, 21 * DAY, DAY / 2, 0), 3);
	assert_int_equal(retain_choose(files, 4, 21 * DAY, 0, 399), 1);
	assert_int_equal(retain_choose(files, 4, 21 * DAY, 0, 200), 2);
	/* Never the newest for its size. */
	assert_int_equal(retain_choose(files, 4, 21 * DAY, 0, 1), 3);
	assert_int_equal(retain_choose(files, 0, 21 * DAY, 1, 1), 0);
}

static void
put_file(const char *name, size_t bytes)
{
	char path[PATH_MAX + 64], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s/events/2024/10/%s", folder, name);
	for (slash = path + strlen(folder); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < bytes; i++)
		putc('x', file);
	fclose(file);
}

static void
counts_and_removes_what_stands_beside_a_day(void **state)
{
	static const char *const names[] = { "2024-10-04.db",
	    "2024-10-04.db-wal", "2024-10-04.db-shm", "2024-10-04.db.damaged",
	    "2024-10-04.db.damaged2", "2024-10-04.db.damaged2-wal" };
	struct day_file *files;
	char path[PATH_MAX + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_file(names[i], 10);
	put_file("2024-10-03.db.damaged", 7);
	put_file("2024-10-04.db.mine", 100);
	assert_int_equal(day_files(folder, &files), 1);
	assert_int_equal(files[0].bytes, 10);
	free(files);
	assert_int_equal(retain_files(folder, &files), 2);
	assert_int_equal(files[0].day, 19999);
	assert_int_equal(files[0].bytes, 7);
	assert_int_equal(files[1].bytes, 60);
	free(files);
	retain_unlink(folder, 20000);
	assert_int_equal(retain_files(folder, &files), 1);
	assert_int_equal(files[0].day, 19999);
	free(files);
	snprintf(path, sizeof(path), "%s/events/2024/10/2024-10-04.db.mine",
	    folder);
	assert_int_equal(access(path, F_OK), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, live_new, live_remove)
	const struct CMUnitTest tests[] = {
		TEST(the_newest_note_of_a_batch_wins),
		TEST(forgets_requests_after_ten_minutes),
		TEST(keeps_positions_and_checkpoints),
		TEST(gives_back_a_run),
		cmocka_unit_test(chooses_the_days_that_must_go),
		TEST(counts_and_removes_what_stands_beside_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
