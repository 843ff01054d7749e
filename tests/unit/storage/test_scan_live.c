/* Searches beside a process that writes, makes chunks and drops old days. Of
 * events that were committed before a search began, those of days that are
 * still there after it are found, once, and nothing is found that does not
 * hold. SCAN_LIVE_SEARCHES sets how many searches; 40 without it. */
#include "tests/unit/storage/asking.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/check.h"
#include "engine/err.h"
#include "storage/retain.h"
#include "storage/store.h"
#include "storage/write_stage.h"
#include "tests/unit/storage/events.h"

#define BATCH 100
#define A_DAY 1200		/* events */
#define KEPT_DAYS 3
#define EVENTS 400000		/* the writer waits there */
#define WORDS 7

struct shared {
	unsigned begun, committed;	/* events */
	uint64_t dropped;		/* days */
};

static char folder[] = "/tmp/yagura-test-live-XXXXXX";
static struct shared *shared;
static unsigned char found[EVENTS];

static unsigned
get(const unsigned *number)
{
	return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static int64_t
time_of(unsigned i)
{
	return T0 - T0 % DAY + (int64_t)i * (DAY / A_DAY);
}

static void
write_batch(struct writer *writer, uint64_t seq, unsigned first)
{
	struct batch *batch = batch_new(writer_node(writer), seq);

	for (unsigned i = first; i < first + BATCH; i++) {
		char line[80];

		snprintf(line, sizeof(line), "test.number=%u "
		    "user.name=u%u|number %u of kind%u", i, i % 5, i,
		    i % WORDS);
		event_from(batch, arena_dup(batch->arena, slice_of(line,
		    strlen(line) + 1)).ptr, time_of(i));
	}
	batch->phase = BATCH_MATCHED;
	writer_add(writer, batch);
	batch_put(batch);
}

static _Noreturn void
be_writer(void)
{
	struct writer_conf conf = { .data = folder, .chunk_events = 250,
	    .chunk_age_ms = 5 * 3600 * 1000, .retention_bytes = 400000 };
	struct writer *writer;
	uint64_t seq;

	/* A parent that fails must not leave it writing. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	writer = writer_open(&conf, NULL);
	if (writer == NULL)
		_exit(1);
	seq = writer_first_seq(writer);
	for (unsigned i = 0; i < EVENTS; i += BATCH, seq += 4096) {
		__atomic_store_n(&shared->begun, i + BATCH, __ATOMIC_SEQ_CST);
		write_batch(writer, seq, i);
		if (writer_commit(writer, NULL) < 0 ||
		    writer_tend(writer, time_of(i), NULL) < 0)
			_exit(2);
		__atomic_store_n(&shared->committed, i + BATCH,
		    __ATOMIC_SEQ_CST);
	}
	for (;;)
		pause();
}

/* --- a search --------------------------------------------------------------- */

static enum op_more
keep_number(void *user, const struct row *row)
{
	const struct value *cell = &row->cells[0];
	uint64_t number;

	(void)user;
	assert_int_equal(cell->type, VALUE_TEXT);
	assert_true(slice_ulong(slice_of(cell->text, cell->len), &number));
	assert_in_range(number, 0, EVENTS - 1);
	assert_int_equal(found[number], 0);
	found[number] = 1;
	return OP_MORE;
}

static int64_t
oldest_day(void)
{
	struct day_file *files;
	size_t n = day_files(folder, &files);
	int64_t oldest = n == 0 ? 0 : files[0].day;

	free(files);
	return oldest;
}

static void
search_once(const char *text, unsigned divisor, unsigned rest, bool ordered)
{
	unsigned before = get(&shared->committed), after;
	struct query_error error;
	struct err err = { ERR_NONE, "" };
	struct store *store = store_open(folder, &err);
	struct query *query = query_parse(slice_cstr(text), T0, NULL, &error);
	struct scan_result result;
	struct scan_request request = { .store = store, .query = query,
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .any_order = !ordered,
	    .row = keep_number };
	int64_t oldest;

	assert_non_null(query);
	if (store == NULL)
		fail_msg("%s", err.text);
	memset(found, 0, sizeof(found));
	assert_int_equal(scan_run(&request, &result, &err), 0);
	after = get(&shared->begun);
	oldest = oldest_day() * DAY;
	for (unsigned i = 0; i < EVENTS; i++) {
		if (found[i])
			assert_true(i < after && i % divisor == rest);
		else if (i < before && i % divisor == rest &&
		    time_of(i) >= oldest)
			fail_msg("%s: event %u of %u is not found: %s", text,
			    i, before, result.why);
	}
	query_free(query);
	store_close(store);
}

static void
searches_agree_while_events_come_chunks_seal_and_days_go(void **state)
{
	const char *asked = getenv("SCAN_LIVE_SEARCHES");
	unsigned searches = asked != NULL ? (unsigned)atoi(asked) : 40;
	int64_t first = time_of(0) / DAY;
	pid_t child;
	int status;

	(void)state;
	check(mkdtemp(folder) != NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	field_intern(SLICE("test.number"));
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		be_writer();
	/* To the number of searches come those until a day has gone. */
	for (unsigned i = 0; i < searches || oldest_day() <= first; i++) {
		unsigned kind = (unsigned)dice(WORDS), user = (unsigned)dice(5);
		char text[120];

		assert_int_equal(waitpid(child, &status, WNOHANG), 0);
		if (get(&shared->committed) == 0) {
			i--;
			continue;
		}
		switch (i % 3) {
		case 0:
			snprintf(text, sizeof(text), "kind%u | fields "
			    "test.number", kind);
			search_once(text, WORDS, kind, i % 2 == 0);
			break;
		case 1:
			snprintf(text, sizeof(text), "user:u%u | fields "
			    "test.number", user);
			search_once(text, 5, user, i % 2 == 0);
			break;
		default:
			search_once("* | fields test.number", 1, 0,
			    i % 2 == 0);
			break;
		}
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_true(oldest_day() > first);
	munmap(shared, sizeof(*shared));
}

static int
clean(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    searches_agree_while_events_come_chunks_seal_and_days_go,
		    clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
