/* Queries from anybody: reading ends, a mistake has a place within the query
 * and can be printed, and what is accepted runs over events. */
#include <stdint.h>
#include <stdio.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"
#include "storage/query.h"
#include "storage/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct batch *batch;
static FILE *nowhere;

static void
add(const char *raw, const char *user, const char *ip, int64_t port)
{
	struct event *event = batch_add(batch, slice_cstr(raw),
	    SLICE("192.0.2.1:514"), 1);
	struct value value;

	event->time_ns = INT64_C(1795255200000000000) + port;
	event_set(event, FIELD_USER_NAME, value_text(slice_cstr(user),
	    TRANSFORM_OWNED));
	value_parse(slice_cstr(ip), TRANSFORM_OWNED, VALUE_IP, &value);
	event_set(event, FIELD_SOURCE_IP, value);
	event_set(event, FIELD_SOURCE_PORT, value_long(port));
	event_append(event, FIELD_EVENT_ACTION, value_text(SLICE("deny"),
	    TRANSFORM_OWNED));
	event_append(event, FIELD_EVENT_ACTION,
	    (struct value){ .type = VALUE_NULL });
	event_seal(event);
}

static void
prepare(void)
{
	if (batch != NULL)
		return;
	nowhere = fopen("/dev/null", "w");
	check(nowhere != NULL);
	batch = batch_new(1, 4096);
	add("Failed password for root from 10.0.0.1 port 22", "root",
	    "10.0.0.1", 22);
	add("aaaaaaaaaaaaaaaaaaaaaaaa bbbb \xff\xfe \xe6\xbc\xa2", "",
	    "2001:db8::1", 65535);
	add("", "a b", "10.0.0.1", -1);
}

static enum op_more
take_row(void *user, const struct row *row)
{
	size_t *rows = user;

	(void)row;
	return ++*rows > 100000 ? OP_ENOUGH : OP_MORE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	struct query_error error;
	struct query *query;
	struct scan_result result;
	size_t rows = 0;
	struct scan_request request = { .from_ns = INT64_MIN,
	    .to_ns = INT64_MAX, .limit_bytes = 1 << 20, .row = take_row,
	    .user = &rows };

	prepare();
	query = query_parse(text, 0, NULL, &error);
	if (query == NULL) {
		check(error.at <= size);
		check(error.text[0] != '\0');
		query_error_print(nowhere, text, &error);
		return 0;
	}
	request.query = query;
	scan_events(&request, batch->events, batch->n, &result);
	query_free(query);
	return 0;
}
