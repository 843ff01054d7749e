/* tests/fuzz/fuzz_correlate.c -- bytes as events through windows of every type.
 *
 * Each line is an event of JSON; an empty line ends a batch. The rules are
 * fixed and small limits are set, so that groups are given up, alerts wait
 * and runs are capped.
 */
#include <stdlib.h>

#include "correlation/correlate_stage.h"
#include "correlation/match_stage.h"
#include "correlation/ruleset.h"
#include "correlation/shape.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DETECT(id) "title: " id "\nid: " id "\nname: " id "\n" \
	"logsource: {product: t}\ndetection: {s: {a|contains: " id \
	"}, condition: s}\n"
#define CORRELATE(id, type, rules, more) "---\ntitle: " id "\nid: " id \
	"\nname: " id "\nlevel: high\ngenerate: true\ncorrelation: {type: " \
	type ", rules: [" rules "], timespan: 10s, group-by: [g, h]" more "}\n"

static const char rules[] =
    DETECT("x") "---\n" DETECT("y") "level: high\n---\n" DETECT("z")
    "yagura: {first_seen: {fields: [g, v], learn: 1s}, layer: rule}\n"
    CORRELATE("c1", "event_count", "x, y", ", condition: {gte: 2}")
    CORRELATE("c2", "value_count", "x", ", condition: {field: v, gt: 1}")
    CORRELATE("c3", "temporal", "x, y, c1", "")
    CORRELATE("c4", "temporal_ordered", "c1, y, z", "")
    CORRELATE("c5", "value_sum", "x, z", ", condition: {field: v, gt: 3}")
    CORRELATE("c6", "value_percentile", "y",
    ", condition: {field: v, gte: 1}")
    CORRELATE("c7", "temporal", "c3, c4, x", ", condition: {gte: 2}")
    "yagura: {suppress: {for: 5s, by: [g]}}\n"
    CORRELATE("c8", "event_count", "c7, c2",
    ", condition: {lt: 5, neq: 3}");

static void
end_batch(struct batch *batch, struct ruleset *set, struct match_stage *match,
    struct correlator *correlator)
{
	batch->phase = BATCH_PARSED;
	match_stage_run(match, set, batch);
	correlate_stage_run(correlator, batch);
	batch_put(batch);
}

static void
run(struct ruleset *set, struct slice text)
{
	const struct correlator_limits limits = { .groups = 20,
	    .bytes = 1 << 16 };
	struct match_stage *match = match_stage_new();
	struct correlator *correlator = correlator_new(&limits);
	struct correlator_figures figures;
	struct batch *batch = batch_new(1, 0);
	uint64_t n = 1;

	while (text.len > 0) {
		ptrdiff_t end = slice_find_byte(text, '\n');
		struct slice line = slice_head(text, end < 0 ? text.len :
		    (size_t)end);

		text = slice_skip(text, end < 0 ? text.len : line.len + 1);
		if (line.len == 0 || batch_full(batch)) {
			end_batch(batch, set, match, correlator);
			batch = batch_new(1, n++ << 12);
		}
		if (line.len > 0)
			shape_event(batch_add(batch, line, SLICE(""), 1));
	}
	end_batch(batch, set, match, correlator);
	correlator_figures(correlator, &figures);
	check(figures.groups <= 20 + 1);
	correlator_free(correlator);
	match_stage_free(match);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ruleset *set;	/* read once */

	if (set == NULL) {
		struct diag *diag = diag_new();

		batch_release = match_stage_release;
		set = ruleset_parse(SLICE(rules), "fuzz", diag);
		diag_print(diag, stderr);
		check(diag_errors(diag) == 0);
		diag_free(diag);
	}
	run(set, slice_of((const char *)data, size));
	return 0;
}
