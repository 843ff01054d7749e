/* Stored events per CPU-second, and bytes an event, for composed lines of five
 * kinds of source; and the same events as rows of SQLite with five indexes, in
 * the same run, batch by batch in turn.
 *
 *	bench_store [EVENTS [FOLDER [none]]]
 *
 * The same batches as the daemon makes, a commit for every 4 MB, and then with
 * commits of whole chunks, as an import makes them. "none" only makes the
 * events, to know what that part costs.
 */
#include <dirent.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/err.h"
#include "engine/event.h"
#include "storage/chunk_build.h"
#include "storage/partition.h"
#include "storage/retain.h"
#include "storage/write_stage.h"

#define LINE 640
#define COMMIT_BYTES (4u << 20)
#define ROWS_SHARE 4		/* of the batches go to SQLite rows too */
#define START INT64_C(1790000000000000000)

static uint64_t state = 88172645463325252u;

static unsigned
dice(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 16) % n);
}

/* Few are common, many are rare. */
static unsigned
skewed(unsigned n)
{
	return dice(dice(dice(n) + 1) + 1);
}

static double
cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static const char *const actions[] = { "accept", "accept", "deny", "close",
	"timeout" };
static const char *const services[] = { "HTTPS", "HTTP", "DNS", "SMB", "SSH",
	"NTP" };

static int
firewall(char *line, unsigned serial)
{
	return snprintf(line, LINE, "devname=FW-%u devid=FG100E%05u "
	    "logid=0000000013 type=traffic subtype=forward level=notice "
	    "vd=root eventtime=%u srcip=10.%u.%u.%u srcport=%u "
	    "srcintf=port%u srcintfrole=lan dstip=%u.%u.%u.%u dstport=%u "
	    "dstintf=wan1 dstintfrole=wan sessionid=%u proto=6 action=%s "
	    "policyid=%u policytype=policy service=%s dstcountry=Japan "
	    "srccountry=Reserved trandisp=snat duration=%u sentbyte=%u "
	    "rcvdbyte=%u sentpkt=%u appcat=unscanned", dice(3), dice(3),
	    1790000000 + serial / 200, dice(4), dice(16), skewed(250),
	    1024 + dice(60000), dice(8), 20 + skewed(180), dice(64),
	    skewed(256), skewed(256), skewed(2) ? 443 : dice(1024),
	    400000000 + serial, actions[dice(5)], dice(90),
	    services[dice(6)], dice(300), skewed(90000), skewed(900000),
	    dice(300));
}

static int
proxy(char *line, unsigned serial)
{
	return snprintf(line, LINE, "time=%u.%03u elapsed=%u client=10.1.%u.%u "
	    "code=TCP_MISS status=%u bytes=%u method=GET "
	    "url=http://www%u.example.com/a/%u/index.php?id=%u user=user%u "
	    "peer=HIER_DIRECT/198.51.100.%u type=text/html "
	    "agent=Mozilla/5.0", 1790000000 + serial / 200, dice(1000),
	    skewed(5000), dice(16), skewed(250), dice(9) ? 200 : 404,
	    skewed(200000), skewed(2000), dice(900), dice(1000000),
	    skewed(400), skewed(255));
}

static int
dns(char *line, unsigned serial)
{
	return snprintf(line, LINE, "host=ns%u prog=named category=queries "
	    "id=0x7f%06x client=10.2.%u.%u port=%u query=h%u.example%u.net "
	    "class=IN qtype=A flags=+E(0)K server=10.2.0.53 n=%u", dice(2),
	    dice(1 << 24), dice(16), skewed(250), 1024 + dice(60000),
	    skewed(3000), skewed(300), serial);
}

static int
login(char *line, unsigned serial)
{
	return snprintf(line, LINE, "host=srv%u prog=sshd pid=%u "
	    "event=%s user=user%u ip=192.0.2.%u port=%u proto=ssh2 n=%u",
	    skewed(200), 300 + dice(30000), dice(4) ? "Accepted" : "Failed",
	    skewed(400), skewed(255), 1024 + dice(60000), serial);
}

static int
process(char *line, unsigned serial)
{
	return snprintf(line, LINE, "computer=PC%04u channel=Security "
	    "eventid=4688 record=%u level=Information image=C:\\Windows\\"
	    "System32\\proc%u.exe parent=C:\\Windows\\explorer.exe "
	    "cmd=proc%u.exe_/c_%u_/quiet user=user%u domain=EXAMPLE "
	    "sid=S-1-5-21-1004336348-%u guid={%08x-%04x-4d02-9a1b-%08x%04x} "
	    "integrity=Medium pid=%u", skewed(2000), serial, skewed(300),
	    skewed(300), dice(100000), skewed(400), skewed(2000), serial,
	    dice(65536), dice(1 << 30), dice(65536), dice(30000));
}

static int (*const kinds[])(char *line, unsigned serial) = { firewall,
	firewall, firewall, proxy, proxy, dns, dns, login, process, process };

/* Every key=value becomes a field; numbers and addresses get their type. */
static void
split(struct event *event, unsigned kind)
{
	struct slice rest = event->raw;
	char name[64];

	while (rest.len > 0) {
		ptrdiff_t space = slice_find_byte(rest, ' ');
		struct slice pair = slice_head(rest, space < 0 ? rest.len :
		    (size_t)space), text;
		ptrdiff_t equals = slice_find_byte(pair, '=');
		struct value value;
		int len;

		rest = slice_skip(rest, pair.len + (space >= 0));
		if (equals <= 0)
			continue;
		text = slice_skip(pair, (size_t)equals + 1);
		len = snprintf(name, sizeof(name), "bench%u.%.*s", kind,
		    (int)equals, pair.ptr);
		if (!value_parse(text, TRANSFORM_NONE, VALUE_LONG, &value) &&
		    !value_parse(text, TRANSFORM_NONE, VALUE_IP, &value))
			value = value_text(text, TRANSFORM_NONE);
		event_set(event, field_intern(slice_of(name, (size_t)len)),
		    value);
	}
}

static struct batch *
batch_make(uint64_t seq0, unsigned *serial)
{
	struct batch *batch = batch_new(1, seq0);
	char line[LINE];

	while (!batch_full(batch)) {
		unsigned kind = dice(10);
		int len = kinds[kind](line, *serial);
		struct event *event = batch_add(batch,
		    slice_of(line, (size_t)len), SLICE("192.0.2.1:50014"),
		    START + (int64_t)*serial * 5000000);

		kind = kind < 3 ? 0 : kind < 5 ? 1 : kind < 7 ? 2 : kind;
		event->has_time = true;
		event->time_ns = START + (int64_t)(*serial / 200) *
		    1000000000;
		event_set(event, FIELD_EVENT_MODULE,
		    value_text(SLICE("bench"), TRANSFORM_OWNED));
		event_set(event, FIELD_EVENT_DATASET, value_text(
		    slice_of("abcdefghij" + kind, 1), TRANSFORM_OWNED));
		split(event, kind);
		event_seal(event);
		++*serial;
	}
	batch->phase = BATCH_MATCHED;
	return batch;
}

static uint64_t
stored_bytes(const char *folder)
{
	struct day_file *files;
	size_t n = day_files(folder, &files);
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += files[i].bytes;
	free(files);
	return bytes;
}

static int
fail(const struct err *err)
{
	fprintf(stderr, "bench_store: %s\n", err->text);
	return 1;
}

/* --- rows of SQLite -------------------------------------------------------- */

struct rows {
	sqlite3	*db;
	sqlite3_stmt *put;
	uint64_t n, raw;
	double	 seconds;
};

static bool
rows_open(struct rows *rows, const char *folder)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s-rows.db", folder);
	return sqlite3_open(path, &rows->db) == SQLITE_OK &&
	    sqlite3_exec(rows->db, "PRAGMA journal_mode=WAL;"
	    "PRAGMA synchronous=FULL;"
	    "CREATE TABLE e(seq INTEGER PRIMARY KEY, t, dataset, a, b, c, raw,"
	    " rest); CREATE INDEX e1 ON e(t); CREATE INDEX e2 ON e(dataset);"
	    "CREATE INDEX e3 ON e(a); CREATE INDEX e4 ON e(b);"
	    "CREATE INDEX e5 ON e(c); BEGIN", NULL, NULL, NULL) ==
	    SQLITE_OK && sqlite3_prepare_v2(rows->db, "INSERT INTO e VALUES"
	    "(?, ?, ?, ?, ?, ?, ?, ?)", -1, &rows->put, NULL) == SQLITE_OK;
}

static void
bind_value(struct rows *rows, int at, const struct value *value)
{
	if (value->type == VALUE_LONG)
		sqlite3_bind_int64(rows->put, at, value->u.num);
	else if (value->type != VALUE_LIST)
		sqlite3_bind_text(rows->put, at, value->text,
		    (int)value->len, SQLITE_STATIC);
}

/* The raw line and three fields of their own; what else there is stands in the
 * raw line, so no other column repeats it. */
static void
rows_add(struct rows *rows, const struct batch *batch)
{
	double at = cpu_seconds();

	for (size_t i = 0; i < batch->n; i++) {
		const struct event *event = &batch->events[i];

		sqlite3_bind_int64(rows->put, 1, (int64_t)event->seq);
		sqlite3_bind_int64(rows->put, 2, event->time_ns);
		bind_value(rows, 3, event_get(event, FIELD_EVENT_DATASET));
		for (unsigned k = 0; k < 3; k++)
			bind_value(rows, 4 + (int)k,
			    &event->values[event->n / 2 + k]);
		sqlite3_bind_text(rows->put, 7, event->raw.ptr,
		    (int)event->raw.len, SQLITE_STATIC);
		sqlite3_step(rows->put);
		sqlite3_reset(rows->put);
	}
	rows->n += batch->n;
	rows->raw += batch->raw_bytes;
	if (rows->raw >= COMMIT_BYTES) {
		rows->raw = 0;
		sqlite3_exec(rows->db, "COMMIT; BEGIN", NULL, NULL, NULL);
	}
	rows->seconds += cpu_seconds() - at;
}

static void
rows_close(struct rows *rows)
{
	double at = cpu_seconds();

	sqlite3_finalize(rows->put);
	sqlite3_exec(rows->db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(rows->db);
	rows->seconds += cpu_seconds() - at;
}

/* --- the store -------------------------------------------------------------- */

struct run {
	const char *folder;
	size_t	 commit_bytes;
	unsigned events;
	bool	 none;
	struct rows *rows;		/* NULL: the store alone */
	unsigned serial;
	uint64_t raw, fields;
	double	 seconds;
};

static int
run_store(struct run *run, struct err *err)
{
	struct writer_conf conf = { .data = run->folder };
	struct writer *writer = writer_open(&conf, err);
	unsigned batches = 0;
	uint64_t seq;
	double at;

	if (writer == NULL)
		return -1;
	seq = writer_first_seq(writer);
	while (run->serial < run->events) {
		struct batch *batch = batch_make(seq, &run->serial);

		seq += 4096;
		run->raw += batch->raw_bytes;
		for (size_t i = 0; i < batch->n; i++)
			run->fields += batch->events[i].n;
		if (run->rows != NULL && batches++ % ROWS_SHARE == 0)
			rows_add(run->rows, batch);
		at = cpu_seconds();
		if (!run->none) {
			writer_add(writer, batch);
			if (writer_pending(writer) >= run->commit_bytes &&
			    writer_commit(writer, err) < 0)
				return -1;
		}
		batch_put(batch);
		run->seconds += cpu_seconds() - at;
	}
	at = cpu_seconds();
	if (writer_close(writer, true, err) < 0)
		return -1;
	run->seconds += cpu_seconds() - at;
	return 0;
}

static void
remove_all(const char *folder)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s' '%s'-rows.db*", folder,
	    folder);
	if (system(command) != 0)
		fprintf(stderr, "bench_store: %s stays\n", folder);
}

int
main(int argc, char **argv)
{
	unsigned events = argc > 1 ? (unsigned)atoi(argv[1]) : 500000;
	char made[] = "/tmp/bench-store-XXXXXX";
	const char *folder = argc > 2 ? argv[2] : mkdtemp(made);
	struct rows rows = { .n = 0 };
	struct run run = { .folder = folder, .commit_bytes = COMMIT_BYTES,
	    .events = events, .none = argc > 3, .rows = &rows }, bulk = run;
	struct err err = { .kind = ERR_NONE };
	char second[PATH_MAX];
	double one, two, sqlite;

	if (folder == NULL || !rows_open(&rows, folder)) {
		fprintf(stderr, "bench_store: no new table beside %s: is one "
		    "there?\n", folder != NULL ? folder : made);
		return 1;
	}
	snprintf(second, sizeof(second), "%s-bulk", folder);
	bulk.folder = second;
	bulk.rows = NULL;
	if (run_store(&run, &err) < 0)
		return fail(&err);
	rows_close(&rows);
	bulk.commit_bytes = run.raw / run.serial * CHUNK_EVENTS;
	if (run_store(&bulk, &err) < 0)
		return fail(&err);
	one = run.serial / run.seconds;
	two = bulk.serial / bulk.seconds;
	sqlite = (double)rows.n / rows.seconds;
	printf("store: %u events, %.0f bytes and %.1f fields each\n",
	    run.serial, (double)run.raw / run.serial,
	    (double)run.fields / run.serial);
	printf("store: %.0f events per CPU-second (%.2f us each), %.1f times "
	    "SQLite rows with 5 indexes (%.0f)\n", one, 1e6 / one,
	    one / sqlite, sqlite);
	printf("store: %.0f in commits of whole chunks (%.2f us), %.1f times\n",
	    two, 1e6 / two, two / sqlite);
	if (!run.none)
		printf("store: %.1f bytes an event, 1/%.1f of raw\n",
		    (double)stored_bytes(folder) / run.serial,
		    (double)run.raw / (double)stored_bytes(folder));
	remove_all(second);
	if (argc <= 2)
		remove_all(folder);
	return 0;
}
