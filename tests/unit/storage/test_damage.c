/* Every damage is found, and no wrong row is shown. DAMAGES says how many are
 * tried (60); each is one bit, a cut, a block of zeros, a foreign file or a
 * version to come. */
#include <limits.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/err.h"
#include "storage/chunk.h"
#include "storage/partition.h"
#include "storage/retain.h"
#include "storage/store.h"
#include "storage/write_stage.h"
#include "tests/unit/storage/events.h"

#define START_DAY 20000
#define DAYS 3
#define EVENTS 1800
#define CHUNK 250

static char folder[PATH_MAX];
static struct batch *batches[EVENTS / BATCH_EVENTS + 1];
static uint64_t first_seq;

struct kept {
	char	 path[PATH_MAX];
	char	*bytes;
	size_t	 n;
};
static struct kept files[DAYS];

static int
folder_new(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/yagura-damage-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int
folder_remove(void **state)
{
	char command[PATH_MAX + 32];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++)
		if (batches[i] != NULL)
			batch_put(batches[i]);
	for (size_t i = 0; i < DAYS; i++)
		free(files[i].bytes);
	return system(command);
}

/* Every other event has a line that is put together from fields. */
static void
add_event(struct batch *batch, unsigned i)
{
	int64_t time = (START_DAY + i % DAYS) * DAY + (int64_t)i * 1000000;
	char line[160], user[16];
	struct event *event;
	int n;

	if (i % 2 == 0) {
		random_event(batch, time, 9, 40);
		return;
	}
	snprintf(user, sizeof(user), "user%u", (unsigned)dice(50));
	n = snprintf(line, sizeof(line), "<38>Oct  1 00:00:%02u web-%u "
	    "sshd[%u]: Accepted password for %s port %u ssh2", i % 60, i % 7,
	    (unsigned)dice(99999), user, (unsigned)dice(65536));
	event = batch_add(batch, slice_of(line, (size_t)n), SLICE("peer"),
	    time);
	event->time_ns = time;
	event_set(event, FIELD_MESSAGE, value_text(slice_skip(event->raw,
	    (size_t)(strstr(line, "Acc") - line)), TRANSFORM_NONE));
	event_set(event, FIELD_USER_NAME, value_text(slice_of(event->raw.ptr +
	    (strstr(line, user) - line), strlen(user)), TRANSFORM_NONE));
	event_seal(event);
}

static void
fill(void)
{
	struct writer_conf conf = { .data = folder, .chunk_events = CHUNK };
	struct writer *writer = writer_open(&conf, NULL);

	assert_non_null(writer);
	first_seq = writer_first_seq(writer);
	for (unsigned i = 0; i < EVENTS; i++) {
		struct batch **batch = &batches[i / BATCH_EVENTS];

		if (*batch == NULL)
			*batch = batch_new(writer_node(writer), first_seq +
			    ((uint64_t)(i / BATCH_EVENTS) << 12));
		add_event(*batch, i);
	}
	for (unsigned k = 0; k <= (EVENTS - 1) / BATCH_EVENTS; k++) {
		batches[k]->phase = BATCH_MATCHED;
		writer_add(writer, batches[k]);
		assert_int_equal(writer_commit(writer, NULL), 0);
	}
	assert_int_equal(writer_close(writer, true, NULL), 0);
}

static void
keep_files(void)
{
	for (unsigned i = 0; i < DAYS; i++) {
		FILE *in;

		dayfile_path(folder, START_DAY + i, files[i].path);
		in = fopen(files[i].path, "rb");
		assert_non_null(in);
		fseek(in, 0, SEEK_END);
		files[i].n = (size_t)ftell(in);
		rewind(in);
		files[i].bytes = malloc(files[i].n);
		assert_int_equal(fread(files[i].bytes, 1, files[i].n, in),
		    files[i].n);
		fclose(in);
	}
}

static void
write_file(const char *path, const char *bytes, size_t n)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(out);
}

static void
foreign_file(const char *path)
{
	sqlite3 *db;

	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE chunk(id, seq0, seq1,"
	    " n, t_min, t_max, raw_bytes); CREATE TABLE meta(k, v);", NULL,
	    NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static const char *
damage(const struct kept *file)
{
	char *bytes = malloc(file->n);
	size_t n = file->n, at = dice(n);
	const char *what;

	memcpy(bytes, file->bytes, n);
	switch (dice(10)) {
	case 0:
		n = at;
		what = "cut";
		break;
	case 1:
		memset(bytes + at, 0, n - at < 512 ? n - at : 512);
		what = "zeros";
		break;
	case 2:
		free(bytes);
		foreign_file(file->path);
		return "foreign";
	case 3:
		bytes[63] = 99;		/* user_version */
		what = "version";
		break;
	default:
		bytes[at] = (char)(bytes[at] ^ 1 << dice(8));
		what = "bit";
		break;
	}
	write_file(file->path, bytes, n);
	free(bytes);
	return what;
}

static const struct event *
written(uint64_t seq)
{
	return &batches[(seq - first_seq) >> 12]->events[seq & 4095];
}

/* Rows that were read; each must be what was written. */
static uint32_t
read_chunk(struct partition *partition, const struct chunk_info *info)
{
	struct err err = { .kind = ERR_NONE };
	struct chunk *chunk = chunk_open(partition, info, &err);
	struct arena *arena = arena_new(0);
	uint32_t rows = 0, n = chunk != NULL ? chunk_rows(chunk) : 0;

	for (; rows < n; rows++) {
		struct event event;
		struct slice raw;

		arena_reset(arena);
		if (!chunk_event(chunk, rows, arena, &event, &err) ||
		    !chunk_raw(chunk, rows, &raw, &err))
			break;
		assert_true(events_agree(&event, written(event.seq)));
		assert_true(slice_eq(raw, written(event.seq)->raw));
	}
	chunk_close(chunk);
	arena_free(arena);
	return rows == n ? rows : 0;
}

static uint64_t
read_all(struct store *store)
{
	const struct partition_info *infos;
	const struct chunk_info *chunks;
	uint64_t found = 0;
	size_t n = store_partitions(store, INT64_MIN, INT64_MAX, false,
	    &infos, NULL);

	for (size_t d = 0; d < n; d++) {
		struct partition *partition = partition_open(store, &infos[d],
		    NULL);
		size_t nchunks = partition != NULL ?
		    partition_chunks(partition, &chunks) : 0;

		for (size_t c = 0; c < nchunks; c++)
			found += read_chunk(partition, &chunks[c]);
		partition_close(partition);
	}
	return found;
}

static void
finds_every_damage_and_shows_no_wrong_row(void **state)
{
	const char *asked = getenv("DAMAGES");
	unsigned rounds = asked != NULL ? (unsigned)atoi(asked) : 60;
	unsigned told = 0, harmless = 0;

	(void)state;
	fill();
	keep_files();
	for (unsigned i = 0; i < rounds; i++) {
		struct kept *file = &files[dice(DAYS)];
		const char *what = damage(file);
		struct store *store = store_open(folder, NULL);
		uint64_t found, missing;
		struct slice why;

		assert_non_null(store);
		found = read_all(store);
		missing = store_missing(store, &why);
		/* All is there: the bytes mean nothing, as a free page's. */
		harmless += found == EVENTS;
		told += found < EVENTS;
		if (found < EVENTS && (why.len == 0 ||
		    found + missing != EVENTS))
			fail_msg("%s: %llu found, %llu missing: %.*s", what,
			    (unsigned long long)found,
			    (unsigned long long)missing, (int)why.len,
			    why.ptr);
		store_close(store);
		write_file(file->path, file->bytes, file->n);
	}
	print_message("%u damages: %u found, %u in bytes that mean nothing, "
	    "0 wrong rows\n", rounds, told, harmless);
	assert_true(told > rounds / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_damage_and_shows_no_wrong_row),
	};

	return cmocka_run_group_tests(tests, folder_new, folder_remove);
}
