/* Two ways to the same answer: a store with chunks and a tail, and the same
 * events in memory one by one. */
#include "tests/unit/storage/asking.h"

#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "engine/check.h"
#include "engine/err.h"
#include "storage/sql.h"
#include "storage/store.h"
#include "storage/write_stage.h"
#include "tests/unit/storage/events.h"

#define EVENTS 9000
#define CHUNK 1500

static char folder[] = "/tmp/yagura-test-scan-XXXXXX";
static struct event *sorted;	/* newest first, as searches give them */
static struct batch *batches[EVENTS / 900 + 1];
static size_t nbatches;
static struct arena *copies;

static const char *const users[] = { "alice", "Bob", "svc_backup", "root",
	"O'Neil", "\xc3\x84rger", "x" };
static const char *const actions[] = { "deny", "allow", "drop", "Reset" };
static const char *const words[] = { "failed", "password", "for", "Accepted",
	"port", "10.0.0.1", "kernel:", "GET", "/index.php?id=1", "50%",
	"sshd[12]:", "foo_bar", "\xe6\xbc\xa2\xe5\xad\x97" };

#define PICK(list) ((list)[dice(sizeof(list) / sizeof((list)[0]))])

static struct slice
words_of(struct arena *arena)
{
	char *text = arena_text(arena, 400);
	size_t n = 0;

	for (size_t i = 1 + dice(8); i > 0; i--)
		n += (size_t)snprintf(text + n, 400 - n, "%s%s",
		    n == 0 ? "" : " ", PICK(words));
	return slice_of(text, n);
}

static void
set_text(struct event *event, const char *field, struct slice text)
{
	field_t number = field_intern(slice_cstr(field));
	struct value value;

	value_parse(text, TRANSFORM_OWNED, field_type(number), &value);
	event_set(event, number, value);
}

static void
make_event(struct batch *batch, int64_t time_ns)
{
	struct arena *arena = batch->arena;
	struct event *event = batch_add(batch, words_of(arena),
	    SLICE("192.0.2.1:514"), time_ns);

	event->time_ns = time_ns;
	if (dice(3) > 0)
		set_text(event, "user.name", slice_cstr(PICK(users)));
	if (dice(2) > 0)
		set_text(event, "source.ip", text_of(arena, "10.0.0.",
		    dice(40)));
	if (dice(2) > 0)
		set_text(event, "source.port", text_of(arena, "",
		    dice(65536)));
	if (dice(4) > 0)
		set_text(event, "event.dataset", text_of(arena, "set",
		    dice(3)));
	if (dice(5) == 0)
		set_text(event, "test.unique", text_of(arena, "u",
		    dice(UINT32_MAX)));
	if (dice(3) == 0)
		set_text(event, "test.count", text_of(arena, "", dice(50)));
	if (dice(6) == 0)
		event_set(event, field_intern(SLICE("test.null")),
		    (struct value){ .type = VALUE_NULL });
	for (size_t i = dice(3); i > 0; i--)
		event_append(event, FIELD_EVENT_ACTION, value_text(
		    slice_cstr(PICK(actions)), TRANSFORM_OWNED));
	if (dice(50) == 0)
		set_text(event, "event.module", SLICE("yagura"));
	event_seal(event);
}

static int
newest_first(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns > y->time_ns ? -1 : 1;
	return (x->seq < y->seq) - (x->seq > y->seq);
}

/* A day and a bit, somewhat out of order, partly in chunks, partly not. */
static int
build(void **state)
{
	struct writer_conf conf = { .data = folder, .chunk_events = CHUNK };
	struct err err = { ERR_NONE, "" };
	struct writer *writer;
	int64_t time_ns = T0;
	size_t n = 0;
	uint64_t seq;

	(void)state;
	seed_state = 7;
	check(mkdtemp(folder) != NULL);
	writer = writer_open(&conf, &err);
	if (writer == NULL)
		fail_msg("%s", err.text);
	seq = writer_first_seq(writer);
	sorted = calloc(EVENTS, sizeof(*sorted));
	copies = arena_new(0);
	while (n < EVENTS) {
		struct batch *batch = batch_new(writer_node(writer), seq);

		seq += 4096;
		for (size_t i = 0; i < 900 && n + i < EVENTS; i++) {
			time_ns += (int64_t)dice(16) * 1000000000;
			make_event(batch, time_ns -
			    (int64_t)dice(300) * 1000000000);
		}
		batch->phase = BATCH_MATCHED;
		for (size_t i = 0; i < batch->n; i++)
			sorted[n++] = batch->events[i];
		batches[nbatches++] = batch_get(batch);
		writer_add(writer, batch_get(batch));
		batch_put(batch);
		if (writer_commit(writer, &err) < 0 ||
		    writer_settle(writer, &err) < 0)
			fail_msg("%s", err.text);
	}
	qsort(sorted, EVENTS, sizeof(*sorted), newest_first);
	if (writer_close(writer, false, &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

static int
clean(void **state)
{
	char command[128];

	(void)state;
	for (size_t i = 0; i < nbatches; i++)
		batch_put(batches[i]);
	free(sorted);
	arena_free(copies);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* --- asking both ways ----------------------------------------------------------- */

struct both {
	struct strbuf out;
	struct scan_result result;
};

static bool
ask_one(struct store *store, const char *text, int64_t from_ns, int64_t to_ns,
    uint64_t rows, struct both *both)
{
	struct asked asked = { STRBUF_INIT, NULL };
	struct query_error error;
	struct query *query = query_parse(slice_cstr(text), T0, NULL, &error);
	struct scan_request request = { .store = store, .query = query,
	    .from_ns = from_ns, .to_ns = to_ns, .rows = rows,
	    .row = asked_row, .user = &asked };
	struct err err = { ERR_NONE, "" };

	if (query == NULL)
		fail_msg("%s: %s", text, error.text);
	asked.schema = query->result;
	if (store == NULL)
		scan_events(&request, sorted, EVENTS, &both->result);
	else if (scan_run(&request, &both->result, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	both->out = asked.out;
	query_free(query);
	return both->out.len > 0;
}

static bool
same_both_ways(struct store *store, const char *text, int64_t from_ns,
    int64_t to_ns, uint64_t rows)
{
	struct both a, b;
	bool any = ask_one(NULL, text, from_ns, to_ns, rows, &a);

	ask_one(store, text, from_ns, to_ns, rows, &b);
	if (!slice_eq(strbuf_slice(&a.out), strbuf_slice(&b.out))) {
		size_t at = 0;

		while (at < a.out.len && at < b.out.len &&
		    a.out.ptr[at] == b.out.ptr[at])
			at++;
		fail_msg("%s: differ at %zu of %zu and %zu:\n%.200s\n---\n"
		    "%.200s", text, at, a.out.len, b.out.len,
		    a.out.ptr + (at > 20 ? at - 20 : 0),
		    b.out.ptr + (at > 20 ? at - 20 : 0));
	}
	assert_false(b.result.partial);
	strbuf_fini(&a.out);
	strbuf_fini(&b.out);
	return any;
}

static struct store *
open_it(void)
{
	struct err err = { ERR_NONE, "" };
	struct store *store = store_open(folder, &err);

	if (store == NULL)
		fail_msg("%s", err.text);
	return store;
}

static void
the_store_has_chunks_and_a_tail(void **state)
{
	struct store *store = open_it();
	struct err err = { ERR_NONE, "" };
	const struct partition_info *infos;
	const struct chunk_info *chunks;
	size_t n = store_partitions(store, INT64_MIN, INT64_MAX, true, &infos,
	    &err), nchunks = 0, ntail = 0;

	(void)state;
	assert_true(n >= 2);
	for (size_t i = 0; i < n; i++) {
		struct partition *partition = partition_open(store, &infos[i],
		    &err);

		nchunks += partition_chunks(partition, &chunks);
		ntail += partition_tail_count(partition);
		partition_close(partition);
	}
	assert_true(nchunks >= 4);
	assert_true(ntail >= 1);
	store_close(store);
}

static void
random_term(char *out, size_t room)
{
	switch (dice(17)) {
	case 0: snprintf(out, room, "user:%s", users[dice(4)]); break;
	case 1: snprintf(out, room, "user.name:%c*", "abrsx"[dice(5)]); break;
	case 2: snprintf(out, room, "src:10.0.0.%u/%u", (unsigned)dice(40),
	    28 + (unsigned)dice(5)); break;
	case 3: snprintf(out, room, "sport:>%u", (unsigned)dice(65536)); break;
	case 4: snprintf(out, room, "sport:<=%u", (unsigned)dice(65536));
		break;
	case 5: snprintf(out, room, "test.count:%u", (unsigned)dice(50));
		break;
	case 6: snprintf(out, room, "test.count:>=%u", (unsigned)dice(50));
		break;
	case 7: snprintf(out, room, "event.action:(%s OR %s)",
	    PICK(actions), PICK(actions)); break;
	case 8: snprintf(out, room, "dataset:set%u", (unsigned)dice(4)); break;
	case 9: snprintf(out, room, "test.null:*"); break;
	case 10: snprintf(out, room, "\"%s\"", PICK(words)); break;
	case 11: snprintf(out, room, "%s", words[dice(6)]); break;
	case 12: snprintf(out, room, "%c*", "fpak"[dice(4)]); break;
	case 13: snprintf(out, room, "test.unique:u%u*", (unsigned)dice(99));
		break;
	case 14: snprintf(out, room, "user.name:/^[a-%c]/", "bmz"[dice(3)]);
		break;
	case 15: snprintf(out, room, "@timestamp:>\"2026-11-21T%02u:00:00Z\"",
	    10 + (unsigned)dice(14)); break;
	default: snprintf(out, room, "event.action:*"); break;
	}
}

static void
random_query(char *out, size_t room, unsigned depth)
{
	char a[600], b[600];

	if (depth == 0 || dice(4) == 0) {
		random_term(out, room);
		return;
	}
	random_query(a, sizeof(a), depth - 1);
	random_query(b, sizeof(b), depth - 1);
	switch (dice(4)) {
	case 0:
		snprintf(out, room, "-(%.250s) %.250s", a, b);
		break;
	case 1:
		snprintf(out, room, "(%.250s OR %.250s)", a, b);
		break;
	default:
		snprintf(out, room, "%.250s %.250s", a, b);
		break;
	}
}

static void
random_queries_agree(void **state)
{
	struct store *store = open_it();
	unsigned found = 0;

	(void)state;
	seed_state = 99;
	for (int i = 0; i < 400; i++) {
		char text[1024];

		random_query(text, sizeof(text), (unsigned)dice(4));
		found += same_both_ways(store, text, INT64_MIN, INT64_MAX,
		    0);
	}
	assert_true(found > 200);
	store_close(store);
}

static void
times_and_limits_agree(void **state)
{
	struct store *store = open_it();
	int64_t second = 1000000000;

	(void)state;
	seed_state = 5;
	for (int i = 0; i < 60; i++) {
		int64_t from = T0 + (int64_t)dice(60000) * second;
		char text[1024];

		random_query(text, sizeof(text), 1);
		same_both_ways(store, text, from,
		    from + (int64_t)dice(20000) * second,
		    dice(2) == 0 ? 0 : 1 + dice(300));
	}
	store_close(store);
}

static void
pipes_agree(void **state)
{
	static const char *const pipes[] = {
		"* | stats count", "zzz | stats count",
		"* | stats count by user.name",
		"* | stats count by event.action",
		"* | stats count by test.count", "* | top 5 source.ip",
		"* | rare 3 user.name", "* | stats count by test.unique",
		"failed | stats count by user.name",
		"failed | top 3 event.action by user.name",
		"* | stats count, dcount(user), sum(sport), avg(sport), "
		    "min(sport), max(user) by dataset",
		"* | timechart 1h count", "* | timechart count by dataset",
		"user:alice | sort sport | head 20 | fields user, sport",
		"* | sort -sport, user | head 7",
		"* | dedup user, dataset", "* | uniq user",
		"failed | head 13", "failed | tail 13", "* | where sport > 60000",
		"* | fields @timestamp, event.id, user, event.original",
		"* | where \"password\" user:bob | stats count by dataset",
		"event.module:* | stats count by event.module",
		"* | stats count by test.null",
		"* | stats min(@timestamp), max(@timestamp), count(sport)",
		"event.original:*failed* | stats count",
		"* | stats count by user | where count > 100 | sort -count",
	};
	struct store *store = open_it();

	(void)state;
	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++)
		same_both_ways(store, pipes[i], INT64_MIN, INT64_MAX, 0);
	store_close(store);
}

/* The one number that a SELECT gives; -1 if it is refused. */
static int64_t
sql_number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *stmt;
	int64_t number = -1;

	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return number;
}

static int64_t
search_number(struct store *store, const char *text)
{
	struct both both;
	int64_t number;

	ask_one(store, text, INT64_MIN, INT64_MAX, 0, &both);
	number = strtoll(both.out.ptr, NULL, 10);
	strbuf_fini(&both.out);
	return number;
}

static void
sql_counts_what_searches_count(void **state)
{
	static const char *const pairs[][2] = {
		{ "* | stats count", "SELECT count(*) FROM events" },
		{ "user.name:alice | stats count",
		    "SELECT count(*) FROM events WHERE \"user.name\" = "
		    "'alice'" },
		{ "user.name:root source.port:>1000 | stats count",
		    "SELECT count(*) FROM events WHERE \"user.name\" = 'root' "
		    "AND \"source.port\" > 1000" },
		{ "@timestamp:<\"2026-11-21T12:00:00Z\" | stats count",
		    "SELECT count(*) FROM events WHERE \"@timestamp\" < "
		    "'2026-11-21T12:00:00Z'" },
		{ "@timestamp:2026-11-21 dataset:set1 -event.module:yagura "
		    "| stats count",
		    "SELECT count(*) FROM events WHERE \"@timestamp\" = "
		    "'2026-11-21' AND \"event.dataset\" = 'set1'" },
		{ "* | stats dcount(source.ip)",
		    "SELECT count(DISTINCT \"source.ip\") FROM events" },
		{ "* | stats sum(source.port)",
		    "SELECT sum(\"source.port\") FROM events" },
		{ "\"password\" | stats count", "SELECT count(*) FROM events "
		    "WHERE raw LIKE '%password%'" },
		{ "zzz | stats count", "SELECT count(*) FROM events WHERE "
		    "\"source.ip\" = 'no address'" },
		{ "zzz | stats count", "SELECT count(*) FROM events WHERE "
		    "\"user.name\" = NULL" },
	};
	struct store *store = open_it();
	struct err err;
	sqlite3 *db;

	(void)state;
	/* Whatever names there are, the table can be declared. */
	field_intern(SLICE("odd\0name"));
	field_intern(SLICE("\"quoted\") --"));
	field_intern(SLICE("RAW"));
	db = sql_open(store, T0, &err);
	assert_non_null(db);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (search_number(store, pairs[i][0]) !=
		    sql_number(db, pairs[i][1]))
			fail_msg("%s: %lld", pairs[i][1], (long long)
			    sql_number(db, pairs[i][1]));
	/* Rows that nobody takes to the end. */
	assert_true(sql_number(db, "SELECT \"source.port\" FROM events") >=
	    0);
	/* A cursor within a cursor. */
	assert_int_equal(sql_number(db, "SELECT count(*) FROM (SELECT raw "
	    "FROM events LIMIT 3) a, (SELECT raw FROM events LIMIT 4) b"), 12);
	assert_int_equal(sql_number(db, "ATTACH 'x' AS y"), -1);
	assert_int_equal(sql_number(db, "CREATE TABLE t(a)"), -1);
	assert_int_equal(sql_number(db, "DROP TABLE events"), -1);
	assert_int_equal(sql_number(db, "PRAGMA writable_schema = 1"), -1);
	sqlite3_close(db);
	store_close(store);
}

static void
finds_an_event_by_its_id(void **state)
{
	struct store *store = open_it();
	struct arena *arena = arena_new(0);
	struct err err = { ERR_NONE, "" };

	(void)state;
	for (size_t i = 0; i < EVENTS; i += 700) {
		char id[EVENT_ID_BYTES];
		struct event event;

		event_id(&sorted[i], id);
		assert_true(scan_find_event(store, slice_cstr(id), arena,
		    &event, &err));
		assert_true(event.seq == sorted[i].seq);
		assert_true(slice_eq(event.raw, sorted[i].raw));
	}
	arena_free(arena);
	store_close(store);
}

static void
shows_only_what_came_behind_a_sequence(void **state)
{
	struct store *store = open_it();
	struct query_error error;
	struct asked asked = { STRBUF_INIT, NULL };
	uint64_t after = sorted[100].seq;
	size_t expected = 0, lines = 0;
	struct query *query = query_parse(SLICE("event.module:* OR "
	    "-event.module:*"), T0, NULL, &error);
	struct scan_request request = { .store = store, .query = query,
	    .from_ns = INT64_MIN, .to_ns = INT64_MAX, .after_seq = after,
	    .row = asked_row, .user = &asked };
	struct scan_result result;
	struct err err;

	(void)state;
	asked.schema = query->result;
	for (size_t i = 0; i < EVENTS; i++)
		expected += sorted[i].seq > after;
	assert_int_equal(scan_run(&request, &result, &err), 0);
	for (size_t i = 0; i < asked.out.len; i++)
		lines += asked.out.ptr[i] == '\n';
	assert_int_equal(lines, expected);
	assert_true(result.last_seq >= after);
	strbuf_fini(&asked.out);
	query_free(query);
	store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_store_has_chunks_and_a_tail),
		cmocka_unit_test(random_queries_agree),
		cmocka_unit_test(times_and_limits_agree),
		cmocka_unit_test(pipes_agree),
		cmocka_unit_test(sql_counts_what_searches_count),
		cmocka_unit_test(finds_an_event_by_its_id),
		cmocka_unit_test(shows_only_what_came_behind_a_sequence),
	};

	return cmocka_run_group_tests(tests, build, clean);
}
