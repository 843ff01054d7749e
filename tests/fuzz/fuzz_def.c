/* Definitions made of anything, then lines through what they became. The bytes
 * up to a line "===" are definitions, each line after it is offered to them;
 * without lines the definition's own examples are run. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"

#define LINES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct parserset *
load(struct slice text, struct diag *diag)
{
	char path[64];
	const char *const paths[] = { path };
	struct parserset *set;
	int fd = memfd_create("definition", MFD_CLOEXEC);

	check(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	set = parserset_load(paths, 1, diag);
	close(fd);
	return set;
}

static void
run_line(struct parser_lane *lane, struct slice line)
{
	static const struct parser_options options = { .ndjson = true };
	struct batch *batch = batch_new(1, 1);
	struct strbuf out = STRBUF_INIT;
	struct event *event = batch_add(batch, line, SLICE("192.0.2.1:514"),
	    INT64_C(1795000000000000000));

	parser_run(lane, &options, event);
	event_seal(event);
	event_json(&out, event, true);
	strbuf_fini(&out);
	batch_put(batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size), lines;
	ptrdiff_t cut = slice_find(text, SLICE("\n===\n"));
	struct diag *diag = diag_new();
	struct parserset *set = load(cut < 0 ? text
	    : slice_head(text, (size_t)cut + 1), diag);

	lines = cut < 0 ? SLICE("") : slice_skip(text, (size_t)cut + 5);
	if (lines.len == 0) {
		parserset_test(set, diag);
	} else {
		struct parser_lane *lane = parser_lane_new(set);

		for (int i = 0; i < LINES && lines.len > 0; i++) {
			ptrdiff_t end = slice_find_byte(lines, '\n');

			run_line(lane, slice_head(lines, end < 0 ? lines.len
			    : (size_t)end));
			lines = slice_skip(lines, end < 0 ? lines.len
			    : (size_t)end + 1);
		}
		parser_lane_free(lane);
	}
	parserset_put(set);
	diag_free(diag);
	return 0;
}
