/* tests/fuzz/fuzz_rule.c -- bytes as a rule file, then an event through it.
 *
 * The bytes up to a line "===" are rules, what follows is one event. The index
 * must agree with running every rule.
 */
#include <stdlib.h>

#include "correlation/ruleset.h"
#include "correlation/shape.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
match_event(const struct ruleset *set, struct slice line)
{
	struct match_scratch *scratch = match_scratch_new(set);
	struct batch *batch = batch_new(1, 0);
	struct event *event = batch_add(batch, line, SLICE("fuzz"), 0);
	uint32_t fast[64], slow[64];
	size_t n;

	shape_event(event);
	n = ruleset_match(set, event, scratch, fast, 64);
	check(n == ruleset_match_slow(set, event, scratch, slow, 64));
	check(memcmp(fast, slow, (n < 64 ? n : 64) * sizeof(*fast)) == 0);
	batch_put(batch);
	match_scratch_free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	ptrdiff_t cut = slice_find(text, SLICE("\n===\n"));
	struct diag *diag = diag_new();
	struct ruleset *set;

	/* Without mappings, unless asked: reading them takes most of the
	 * time. */
	setenv("YAGURA_HOME", "/nonexistent", 0);
	set = ruleset_parse(cut < 0 ? text
	    : slice_head(text, (size_t)cut + 1), "fuzz.yml", diag);

	if (cut >= 0)
		match_event(set, slice_skip(text, (size_t)cut + 5));
	ruleset_put(set);
	diag_free(diag);
	return 0;
}
