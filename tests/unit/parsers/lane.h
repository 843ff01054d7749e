/* tests/unit/parsers/lane.h -- a lane that knows the definitions of a text.
 *
 * lane_begin and lane_end for setup and teardown; lane_line reads a line and
 * answers its event, field() what it holds. */
#ifndef YAGURA_TESTS_UNIT_PARSERS_LANE_H
#define YAGURA_TESTS_UNIT_PARSERS_LANE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/field.h"
#include "engine/timeparse.h"
#include "parsers/parserset.h"

static struct parserset *set;
static struct parser_lane *lane;
static struct batch *batch;

static inline void
lane_begin(const char *text)
{
	char path[] = "/tmp/yagura-test-XXXXXX.yml";
	const char *const paths[] = { path };
	struct diag *diag = diag_new();
	int fd = mkstemps(path, 4);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	set = parserset_load(paths, 1, diag);
	diag_print(diag, stderr);
	assert_int_equal(diag_errors(diag), 0);
	diag_free(diag);
	unlink(path);
	lane = parser_lane_new(set);
	batch = batch_new(1, 1);
}

static inline void
lane_end(void)
{
	batch_put(batch);
	parser_lane_free(lane);
	parserset_put(set);
}

static inline struct event *
lane_run(struct parser_lane *by, const struct parser_options *options,
    const char *peer, struct slice line)
{
	struct event *event;
	int64_t now;

	assert_true(time_parse_rfc3339(SLICE("2026-11-21T00:00:00Z"), &now));
	event = batch_add(batch, line, slice_cstr(peer), now);
	parser_run(by, options, event);
	event_seal(event);
	return event;
}

static inline struct event *
lane_line(const char *line)
{
	const struct parser_options options = { .ndjson = true };

	return lane_run(lane, &options, "", slice_cstr(line));
}

/* As text, members of a list joined by bars; "" if absent. */
static inline const char *
field(const struct event *event, const char *name)
{
	static char out[8][1024];
	static unsigned turn;
	char *at = out[turn++ % 8], buf[VALUE_TEXT_BYTES];
	struct value value;
	size_t n = 0;

	at[0] = '\0';
	if (field_find(slice_cstr(name)) == FIELD_NONE ||
	    !event_value(event, field_find(slice_cstr(name)), &value))
		return at;
	for (size_t i = 0; i < value_members(&value); i++) {
		struct slice text = value_as_text(value_member(&value, i),
		    buf);

		n += (size_t)snprintf(at + n, 1024 - n, "%s%.*s",
		    i > 0 ? "|" : "", (int)text.len, text.ptr);
		assert_true(n < 1024);
	}
	return at;
}

#endif
