/* Text in raw lines of a chunk: what the parts of lines say, beside strstr over
 * the lines themselves. */
#include "tests/unit/storage/asking.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/check.h"
#include "engine/err.h"
#include "storage/store.h"
#include "storage/write_stage.h"
#include "tests/unit/storage/events.h"

#define EVENTS 5000
#define QUERIES 400

static char folder[] = "/tmp/yagura-test-text-XXXXXX";
static char lines[EVENTS][240];	/* folded */
static struct store *store;

static const char *const users[] = { "alice", "Bob", "marcel", "for", "get" };
static const char *const methods[] = { "password", "publickey", "none" };

#define PICK(list) ((list)[dice(sizeof(list) / sizeof((list)[0]))])

/* The field stands in the line where `text` is found first. */
static void
field_in_line(struct event *event, const char *name, const char *text)
{
	field_t field = field_intern(slice_cstr(name));
	ptrdiff_t at = slice_find(event->raw, slice_cstr(text));
	struct value value;

	assert_true(at >= 0);
	value_parse(slice_of(event->raw.ptr + at, strlen(text)),
	    TRANSFORM_NONE, field_type(field), &value);
	event_set(event, field, value);
}

/* Lines of words; with a field whose texts are all different and are digits
 * only; with times; with variables that are the same on every line. */
static void
add_line(struct batch *batch, unsigned i)
{
	const char *user = PICK(users), *method = PICK(methods);
	char line[240], id[24], ip[24];
	unsigned kind = (unsigned)dice(4);
	struct event *event;

	snprintf(id, sizeof(id), "%llu",
	    (unsigned long long)(100000000 + dice(1000000000)));
	snprintf(ip, sizeof(ip), "10.1.%u.%u", (unsigned)dice(200),
	    (unsigned)dice(250));
	switch (kind) {
	case 0:
		snprintf(line, sizeof(line), "<%u>Mar  1 10:00:%02u gate "
		    "sshd[%u]: Failed %s for %s from %s port %u ssh2",
		    (unsigned)dice(190), i % 60, (unsigned)dice(30000), method,
		    user, ip, (unsigned)dice(65536));
		break;
	case 1:
		snprintf(line, sizeof(line), "%%ASA-6-302014: Teardown TCP "
		    "connection %s for outside:%s duration 0:00:%02u (%s)",
		    id, ip, i % 60, user);
		break;
	case 2:
		snprintf(line, sizeof(line), "%x%x client %s#%u (%s) q: %s IN"
		    " A + (%s) \xc3\xa4!", (unsigned)dice(1u << 30),
		    (unsigned)dice(1u << 30), ip, (unsigned)dice(65536),
		    method, user, id);
		break;
	default:
		snprintf(line, sizeof(line), "%s %s GET /%s?id=%x HTTP/1.1",
		    ip, user, method, (unsigned)dice(1u << 16));
		break;
	}
	event = batch_add(batch, arena_dup(batch->arena, slice_cstr(line)),
	    SLICE("192.0.2.1:514"), T0 + (int64_t)i * 1000000000);
	event->time_ns = T0 + (int64_t)i * 1000000000;
	field_in_line(event, "source.ip", ip);
	if (kind != 1 && dice(9) > 0)
		field_in_line(event, "test.method", method);
	if (kind == 1 || kind == 2)
		field_in_line(event, "test.session", id);
	event_seal(event);
	for (size_t k = 0; k <= strlen(line); k++)
		lines[i][k] = ascii_lower(line[k]);
}

static int
build(void **state)
{
	struct writer_conf conf = { .data = folder, .chunk_events = 2500 };
	struct err err = { ERR_NONE, "" };
	struct writer *writer;
	uint64_t seq;

	(void)state;
	seed_state = 11;
	check(mkdtemp(folder) != NULL);
	writer = writer_open(&conf, &err);
	check(writer != NULL);
	seq = writer_first_seq(writer);
	for (unsigned i = 0; i < EVENTS;) {
		struct batch *batch = batch_new(writer_node(writer), seq);

		seq += 4096;
		for (unsigned n = 0; n < 500; n++)
			add_line(batch, i++);
		batch->phase = BATCH_MATCHED;
		writer_add(writer, batch);
		batch_put(batch);
		check(writer_commit(writer, &err) >= 0);
	}
	check(writer_close(writer, true, &err) >= 0);
	store = store_open(folder, &err);
	check(store != NULL);
	return 0;
}

static int
clean(void **state)
{
	char command[128];

	(void)state;
	store_close(store);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static enum op_more
keep_count(void *user, const struct row *row)
{
	*(uint64_t *)user = (uint64_t)row->cells[0].u.num;
	return OP_MORE;
}

static uint64_t
count_of(const char *condition)
{
	struct query_error error;
	struct query *query;
	struct scan_result result;
	struct err err = { ERR_NONE, "" };
	uint64_t count = 0;
	char text[300];
	struct scan_request request = { .store = store, .from_ns = INT64_MIN,
	    .to_ns = INT64_MAX, .row = keep_count, .user = &count };

	snprintf(text, sizeof(text), "%s | stats count", condition);
	request.query = query = query_parse(slice_cstr(text), T0, NULL,
	    &error);
	if (query == NULL)
		fail_msg("%s: %s", text, error.text);
	assert_int_equal(scan_run(&request, &result, &err), 0);
	assert_false(result.partial);
	query_free(query);
	return count;
}

static bool
of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
	    (c & 0x80) != 0;
}

static bool
line_has(const char *line, const char *text, bool word)
{
	size_t n = strlen(text);

	for (const char *at = line; (at = strstr(at, text)) != NULL; at++)
		if (!word || ((at == line || !of_word(at[-1]) ||
		    !of_word(at[0])) && (at[n] == '\0' || !of_word(at[n]) ||
		    !of_word(at[n - 1]))))
			return true;
	return false;
}

static uint64_t
lines_with(const char *text, bool word)
{
	uint64_t n = 0;

	for (size_t i = 0; i < EVENTS; i++)
		n += line_has(lines[i], text, word);
	return n;
}

static void
same_as_lines(const char *folded, bool word)
{
	char query[160];
	uint64_t want = lines_with(folded, word), got;

	snprintf(query, sizeof(query), word ? "%s" : "\"%s\"", folded);
	got = count_of(query);
	if (got != want)
		fail_msg("%s: %llu, not %llu", query,
		    (unsigned long long)got, (unsigned long long)want);
}

/* --- tests ------------------------------------------------------------------ */

static void
any_piece_of_a_line_is_found_as_in_the_lines(void **state)
{
	(void)state;
	seed_state = 5;
	for (unsigned i = 0; i < QUERIES; i++) {
		const char *line = lines[dice(EVENTS)];
		size_t at = dice(strlen(line) - 1), n = 2 + dice(24);
		char piece[40];

		snprintf(piece, sizeof(piece), "%.*s", (int)n, line + at);
		same_as_lines(piece, false);
	}
}

static void
any_word_of_a_line_is_found_as_in_the_lines(void **state)
{
	(void)state;
	seed_state = 6;
	for (unsigned i = 0; i < QUERIES; i++) {
		const char *line = lines[dice(EVENTS)];
		size_t at = dice(strlen(line)), n = 0;
		char word[80];

		while (at > 0 && of_word(line[at - 1]))
			at--;
		while (of_word(line[at + n]) && n < sizeof(word) - 1)
			n++;
		if (n < 2)
			continue;
		memcpy(word, line + at, n);
		word[n] = '\0';
		if (strcmp(word, "or") != 0 && strcmp(word, "and") != 0)
			same_as_lines(word, true);
	}
}

static void
months_and_other_short_words_are_told_apart(void **state)
{
	static const char *const words[] = { "mar", "ar", "get", "tcp", "10",
		"for", "00", "ma", "in", "sep" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		same_as_lines(words[i], true);
		same_as_lines(words[i], false);
	}
}

static void
a_text_over_the_border_of_two_parts_is_found(void **state)
{
	static const char *const texts[] = { "failed password for alice",
		"password for", "d none for", "(none) q: g", " for outside:10.1.",
		"connection 1", "get /password?id=", "a + (1", "password for x",
		"failed 1", "tcp connection a", ") \xc3\xa4!" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		same_as_lines(texts[i], false);
}

static void
a_regular_expression_is_asked_only_where_its_literal_may_be(void **state)
{
	uint64_t want = 0;

	(void)state;
	for (size_t i = 0; i < EVENTS; i++)
		want += strstr(lines[i], "failed password for alice from") !=
		    NULL || strstr(lines[i], "failed none for alice from") !=
		    NULL;
	assert_true(want > 0);
	assert_int_equal(count_of(
	    "event.original:/Failed (password|none) for a[a-z]+ from/"), want);
	assert_int_equal(count_of("event.original:/Failed (aes|rsa) for/"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_piece_of_a_line_is_found_as_in_the_lines),
		cmocka_unit_test(any_word_of_a_line_is_found_as_in_the_lines),
		cmocka_unit_test(months_and_other_short_words_are_told_apart),
		cmocka_unit_test(a_text_over_the_border_of_two_parts_is_found),
		cmocka_unit_test(
		    a_regular_expression_is_asked_only_where_its_literal_may_be),
	};

	return cmocka_run_group_tests(tests, build, clean);
}
