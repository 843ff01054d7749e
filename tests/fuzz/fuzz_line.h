/* tests/fuzz/fuzz_line.h -- a line through a lane that knows one definition.
 *
 * The set is loaded once; values must lie in the line or the arena, which the
 * sanitizers watch while the event is written out.
 */
#ifndef YAGURA_TESTS_FUZZ_LINE_H
#define YAGURA_TESTS_FUZZ_LINE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"

/* *kept: the set, counted; NULL: nobody asks. */
static inline struct parser_lane *
fuzz_lane(const char *definition, size_t n, struct parserset **kept)
{
	char path[] = "/tmp/yagura-fuzz-XXXXXX.yml";
	const char *const paths[] = { path };
	struct diag *diag = diag_new();
	struct parserset *set;
	struct parser_lane *lane;
	int fd = mkstemps(path, 4);

	if (fd < 0 || write(fd, definition, n) != (ssize_t)n)
		abort();
	close(fd);
	set = parserset_load(paths, 1, diag);
	unlink(path);
	diag_print(diag, stderr);
	if (diag_errors(diag) > 0)
		abort();
	diag_free(diag);
	lane = parser_lane_new(set);
	if (kept != NULL)
		*kept = set;
	else
		parserset_put(set);
	return lane;
}

static inline void
fuzz_line_with(const char *definition, size_t n,
    const struct parser_options *options, struct slice line)
{
	static struct parser_lane *lane;
	struct batch *batch = batch_new(1, 1);
	struct strbuf out = STRBUF_INIT;
	struct event *event;

	if (lane == NULL)
		lane = fuzz_lane(definition, n, NULL);
	event = batch_add(batch, line, SLICE("192.0.2.1:514"),
	    INT64_C(1795000000000000000));
	parser_run(lane, options, event);
	event_seal(event);
	event_json(&out, event, true);
	strbuf_fini(&out);
	batch_put(batch);
}

static inline void
fuzz_line(const char *definition, size_t n, struct slice line)
{
	static const struct parser_options options = { .ndjson = true,
	    .trust_logsource = true };

	fuzz_line_with(definition, n, &options, line);
}

#endif
