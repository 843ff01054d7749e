#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/err.h"
#include "engine/strbuf.h"
#include "storage/chunk_build.h"
#include "storage/chunk_read.h"
#include "storage/codec.h"
#include "storage/column.h"
#include "storage/line_template.h"
#include "tests/unit/storage/events.h"

/* 2026-10-01 00:00:02.5 */
#define AT INT64_C(1790812802500000000)

static field_t names[CHUNK_FIELDS];
static unsigned nnames = CHUNK_FIELD_FIRST;

static unsigned
id_of(void *context, field_t field)
{
	(void)context;
	for (unsigned i = CHUNK_FIELD_FIRST; i < nnames; i++)
		if (names[i] == field)
			return i;
	names[nnames] = field;
	return nnames++;
}

static field_t
field_of(void *context, unsigned id)
{
	(void)context;
	return id < nnames ? names[id] : FIELD_NONE;
}

static const struct field_ids ids = { id_of, NULL };
static const struct packed_names back = { field_of, id_of, NULL };

static const struct part *
part_at(const struct line_template *template, unsigned i)
{
	assert_true(i < template->nparts);
	return &template->parts[i];
}

/* The stretch of the line that reads `text`, as a field. */
static void
set_slice(struct event *event, field_t field, const char *text)
{
	ptrdiff_t at = slice_find(event->raw, slice_cstr(text));
	struct value value;

	assert_true(at >= 0);
	value_parse(slice_of(event->raw.ptr + at, strlen(text)),
	    TRANSFORM_NONE, field_type(field), &value);
	event_set(event, field, value);
}

static struct event *
ssh_event(struct batch *batch, const char *user, const char *ip,
    unsigned port, unsigned pid)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "<38>Oct  1 00:00:02 web-1 "
	    "sshd[%u]: Accepted password for %s from %s port %u ssh2", pid,
	    user, ip, port);
	struct event *event = batch_add(batch, slice_of(line, (size_t)n),
	    SLICE("192.0.2.1:514"), AT);

	event->time_ns = AT;
	set_slice(event, FIELD_USER_NAME, user);
	set_slice(event, FIELD_SOURCE_IP, ip);
	set_slice(event, FIELD_SOURCE_ADDRESS, ip);
	set_slice(event, FIELD_MESSAGE, strstr(line, "Accepted"));
	event_seal(event);
	return event;
}

static void
cuts_a_line_into_fields_times_and_words(void **state)
{
	struct batch *batch = batch_new(1, 4096);
	struct arena *arena = arena_new(0);
	const struct line_template *template;
	struct event *event = ssh_event(batch, "carol", "192.0.2.77", 4711,
	    99);

	(void)state;
	template = line_cut(event, CUT_WORDS, arena);
	assert_non_null(template);
	assert_int_equal(template->nparts, 16);
	assert_int_equal(part_at(template, 1)->kind, PART_WORD); /* 38 */
	assert_int_equal(part_at(template, 3)->kind, PART_TIME);
	assert_true(slice_starts(part_at(template, 4)->text,
	    SLICE(" web-")));
	assert_int_equal(part_at(template, 5)->kind, PART_WORD);
	arena_free(arena);
	batch_put(batch);
}

static void
fits_lines_of_the_same_make_and_no_others(void **state)
{
	struct batch *batch = batch_new(1, 4096);
	struct arena *arena = arena_new(0);
	union var vars[TEMPLATE_PARTS];
	const struct line_template *template;
	struct event *other;

	(void)state;
	template = line_cut(ssh_event(batch, "carol", "192.0.2.77", 4711, 9),
	    CUT_WORDS, arena);
	assert_true(line_match(template, ssh_event(batch, "dave",
	    "2001:db8::1", 1, 123456), vars));
	other = ssh_event(batch, "dave", "192.0.2.78", 1, 5);
	/* The line has something behind, or a field says something else. */
	other->raw.len--;
	assert_false(line_match(template, other, vars));
	other->raw.len++;
	assert_true(line_match(template, other, vars));
	other->time_ns += 1;
	assert_true(line_match(template, other, vars));
	for (unsigned i = 0; i < other->n; i++)
		if (other->fields[i] == FIELD_SOURCE_ADDRESS)
			other->values[i].text = "192.0.2.79";
	assert_false(line_match(template, other, vars));
	arena_free(arena);
	batch_put(batch);
}

static void
writes_every_time_as_it_was_read(void **state)
{
	static const char *const times[] = { "Oct  1 00:00:02",
		"Oct 31 23:59:59", "Oct 01 00:00:02", "Dec 31 23:59:59",
		"Jan  1 00:00:00", "2026-10-01T00:00:02.500",
		"2024-02-29 12:00:00", "2026-10-01 00:00:02,500",
		"2026/10/01 00:00:02", "01/Oct/2026:00:00:02",
		"01-Oct-2026 00:00:02.500", "10/01-00:00:02.500000",
		"1790812802.500", "1790812802500000000", "1790812802",
		"2026-10-01", "00:00:02", "2026/10/01", "Oct  1 2026 00:00:02",
		"10/01/2026 00:00:02" };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct slice text = slice_cstr(times[i]);
		int form = time_form_find(text, AT);
		char out[TIME_FORM_BYTES];
		int64_t away;
		size_t n;

		assert_true(form >= 0);
		n = time_form_get((unsigned)form, text, AT, &away);
		assert_int_equal(n, text.len);
		n = time_form_put((unsigned)form, AT, away, out);
		assert_true(slice_eq(slice_of(out, n), text));
	}
}

static void
takes_nothing_for_a_time_that_would_read_otherwise(void **state)
{
	static const char *const texts[] = { "Oct 1 00:00:02",
		"2026-02-30 00:00:00", "2026-13-01", "24:00:00", "00:60:00",
		"0790812802", "4711471147", "Oct", "", "2026-1-1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(time_form_find(slice_cstr(texts[i]), AT),
		    -1);
	assert_int_equal(time_form_find(SLICE("00:00:02"), -1), -1);
}

static void
undoes_the_escapes_that_it_writes(void **state)
{
	struct strbuf line = STRBUF_INIT;
	char all[256];
	size_t n;

	(void)state;
	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	for (unsigned how = HOW_JSON; how <= HOW_XML; how++) {
		strbuf_clear(&line);
		how_put(&line, how, slice_of(all, sizeof(all)));
		assert_true(line.len > sizeof(all));
		n = line.len;
		assert_true(how_undo(how, line.ptr, &n));
		assert_int_equal(n, sizeof(all));
		assert_memory_equal(line.ptr, all, sizeof(all));
	}
	strbuf_clear(&line);
	strbuf_puts(&line, "a\\/b");
	n = line.len;
	assert_false(how_undo(HOW_JSON, line.ptr, &n));
	strbuf_fini(&line);
}

#define ROWS 3000

static struct chunk *
ssh_chunk(struct batch **batches, struct chunk_packed **packed,
    struct packer *packer)
{
	static const struct event *events[ROWS];
	struct err err = { .kind = ERR_NONE };

	for (unsigned i = 0; i < ROWS; i++) {
		char user[16], ip[32];

		if (i % BATCH_EVENTS == 0)
			batches[i / BATCH_EVENTS] = batch_new(1, 4096 *
			    (1 + i / BATCH_EVENTS));
		snprintf(user, sizeof(user), "user%u", i % 7);
		snprintf(ip, sizeof(ip), "192.0.2.%u", i % 200);
		events[i] = ssh_event(batches[i / BATCH_EVENTS], user, ip,
		    1024 + i, 100 + i / 10);
	}
	*packed = chunk_build_alone(events, ROWS, &ids, packer);
	return chunk_open_packed(*packed, &back, &err);
}

static void
gives_fields_that_are_not_stored(void **state)
{
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct batch *batches[ROWS / BATCH_EVENTS + 1];
	struct chunk_packed *packed;
	struct chunk *chunk = ssh_chunk(batches, &packed, packer);
	const struct column *address, *message;
	struct err err = { .kind = ERR_NONE };
	const struct chunk_part *parts;
	const struct shape *shapes;
	struct value value;
	uint32_t uses = 0;

	(void)state;
	assert_non_null(chunk);
	assert_int_equal(chunk_shapes(chunk, &shapes), 1);
	assert_int_equal(chunk_template(chunk, 0, &parts, &err), 16);
	assert_true(chunk_is_stored(chunk, FIELD_SOURCE_IP));
	assert_false(chunk_is_stored(chunk, FIELD_SOURCE_ADDRESS));
	assert_false(chunk_is_stored(chunk, FIELD_MESSAGE));
	address = chunk_column(chunk, FIELD_SOURCE_ADDRESS, &err);
	assert_int_equal(column_kind(address), COLUMN_DICT);
	assert_int_equal(column_dict_count(address), 200);
	for (uint32_t i = 0; i < 200; i++)
		uses += column_dict_uses(address, i);
	assert_int_equal(uses, ROWS);
	message = chunk_column(chunk, FIELD_MESSAGE, &err);
	assert_int_equal(column_kind(message), COLUMN_TEXT);
	assert_true(column_value(message, 2500, &value, &err));
	assert_true(slice_starts(slice_of(value.text, value.len),
	    SLICE("Accepted password for user1 from 192.0.2.100 port 3524")));
	chunk_close(chunk);
	chunk_packed_free(packed);
	for (size_t i = 0; i <= (ROWS - 1) / BATCH_EVENTS; i++)
		batch_put(batches[i]);
	packer_free(packer);
}

static void
knows_what_no_line_of_a_template_holds(void **state)
{
	static const struct {
		const char *text;
		enum chunk_may may;
	} cases[] = {
		{ "password for", CHUNK_ALWAYS }, { "failed login", CHUNK_NEVER },
		{ "user3", CHUNK_MAYBE }, { "user8", CHUNK_MAYBE },
		{ "for user3 from", CHUNK_MAYBE },
		{ "for user8 from", CHUNK_NEVER },
		{ "192.0.2.17 port", CHUNK_MAYBE },
		{ "192.0.3.", CHUNK_NEVER }, { "port 31337", CHUNK_MAYBE },
		{ "port 3-", CHUNK_NEVER }, { "", CHUNK_ALWAYS },
		{ "sshd[12]: accepted", CHUNK_MAYBE },
	};
	struct packer *packer = packer_new(CODEC_ZSTD, 0);
	struct batch *batches[ROWS / BATCH_EVENTS + 1];
	struct chunk_packed *packed;
	struct chunk *chunk = ssh_chunk(batches, &packed, packer);
	struct err err = { .kind = ERR_NONE };
	struct strbuf line = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(chunk_template_may(chunk, 0,
		    slice_cstr(cases[i].text), &err), cases[i].may);
	assert_true(chunk_raw_put(chunk, 2999, &line, &err));
	assert_true(slice_eq(strbuf_slice(&line), batches[2]->events[
	    2999 - 2 * BATCH_EVENTS].raw));
	strbuf_fini(&line);
	chunk_close(chunk);
	chunk_packed_free(packed);
	for (size_t i = 0; i <= (ROWS - 1) / BATCH_EVENTS; i++)
		batch_put(batches[i]);
	packer_free(packer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_a_line_into_fields_times_and_words),
		cmocka_unit_test(fits_lines_of_the_same_make_and_no_others),
		cmocka_unit_test(writes_every_time_as_it_was_read),
		cmocka_unit_test(
		    takes_nothing_for_a_time_that_would_read_otherwise),
		cmocka_unit_test(undoes_the_escapes_that_it_writes),
		cmocka_unit_test(gives_fields_that_are_not_stored),
		cmocka_unit_test(knows_what_no_line_of_a_template_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
