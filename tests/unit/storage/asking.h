/* tests/unit/storage/asking.h -- events by hand, and queries over them. */
#ifndef TESTS_STORAGE_ASKING_H
#define TESTS_STORAGE_ASKING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "storage/query.h"
#include "storage/scan.h"

#define T0 INT64_C(1795255200000000000)	/* 2026-11-21T10:00:00Z */

/* "field=value field=value|raw line": one event a line. A value with commas
 * is a list. */
static __attribute__((unused)) struct event *
event_from(struct batch *batch, const char *line, int64_t time_ns)
{
	const char *bar = strchr(line, '|');
	struct event *event = batch_add(batch, slice_cstr(bar + 1),
	    SLICE("192.0.2.1:514"), time_ns);

	event->time_ns = time_ns;
	while (line < bar) {
		const char *end = line + strcspn(line, " |");
		const char *equals = strchr(line, '=');
		field_t field = field_intern(slice_of(line,
		    (size_t)(equals - line)));

		for (equals++; equals <= end;) {
			size_t n = strcspn(equals, ", |");
			struct slice text = arena_dup(batch->arena,
			    slice_of(equals, n));
			struct value value;

			value_parse(text, TRANSFORM_OWNED, field_type(field),
			    &value);
			if (end[0] != '\0' && memchr(equals, ',',
			    (size_t)(end - equals)) == NULL &&
			    event_get(event, field) == NULL)
				event_set(event, field, value);
			else
				event_append(event, field, value);
			equals += n + 1;
		}
		line = end + (*end == ' ');
	}
	event_seal(event);
	return event;
}

struct asked {
	struct strbuf out;
	const struct schema *schema;
};

static enum op_more
asked_row(void *user, const struct row *row)
{
	struct asked *asked = user;

	if (asked->schema->open) {
		strbuf_put(&asked->out, row->event->raw);
		strbuf_putc(&asked->out, '\n');
		return OP_MORE;
	}
	for (size_t i = 0; i < asked->schema->n; i++) {
		if (i > 0)
			strbuf_putc(&asked->out, ' ');
		if (cell_is_absent(&row->cells[i]))
			strbuf_putc(&asked->out, '-');
		else
			value_json(&asked->out, &row->cells[i]);
	}
	strbuf_putc(&asked->out, '\n');
	return OP_MORE;
}

/* The rows of the query over the lines, one text; events come in the order
 * given, a second apart. Valid until the next call. */
static __attribute__((unused)) const char *
ask_lines(const char *text, const char *const *lines, size_t n)
{
	static struct asked asked = { STRBUF_INIT, NULL };
	struct batch *batch = batch_new(1, 4096);
	struct query_error error;
	struct query *query;
	struct scan_result result;
	struct scan_request request = { .from_ns = INT64_MIN,
	    .to_ns = INT64_MAX, .row = asked_row, .user = &asked };

	strbuf_clear(&asked.out);
	for (size_t i = 0; i < n; i++)
		event_from(batch, lines[i],
		    T0 + (int64_t)i * 1000000000);
	query = query_parse(slice_cstr(text), T0, NULL, &error);
	if (query == NULL) {
		batch_put(batch);
		strbuf_printf(&asked.out, "%zu+%zu: %s", error.at, error.len,
		    error.text);
		return asked.out.ptr;
	}
	asked.schema = query->result;
	request.query = query;
	scan_events(&request, batch->events, batch->n, &result);
	if (result.partial)
		strbuf_printf(&asked.out, "partial: %s\n", result.why);
	query_free(query);
	batch_put(batch);
	return asked.out.ptr;
}

#endif
