/* tests/unit/correlation/rule_try.h -- rules and events written in a test. */
#ifndef YAGURA_TESTS_RULE_TRY_H
#define YAGURA_TESTS_RULE_TRY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "correlation/rule.h"
#include "correlation/ruleset.h"
#include "correlation/shape.h"
#include "engine/batch.h"
#include "engine/diag.h"
#include "engine/event.h"

/* The rules of a text; prints and fails on any finding. */
static inline struct ruleset *
rules_of(const char *text)
{
	struct diag *diag = diag_new();
	struct ruleset *set = ruleset_parse(slice_cstr(text), "try.yml",
	    diag);

	diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 0);
	diag_free(diag);
	return set;
}

/* How many detections match the event; the index and the plain way must say
 * the same. */
static inline size_t
count_matches(const struct ruleset *set, const char *json)
{
	struct match_scratch *scratch = match_scratch_new(set);
	struct batch *batch = batch_new(1, 0);
	struct event *event = batch_add(batch, slice_cstr(json), SLICE("p"),
	    0);
	uint32_t hits[64], slow[64];
	size_t n;

	assert_true(shape_event(event));
	n = ruleset_match(set, event, scratch, hits, 64);
	assert_int_equal(ruleset_match_slow(set, event, scratch, slow, 64), n);
	assert_memory_equal(hits, slow, n * sizeof(*hits));
	batch_put(batch);
	match_scratch_free(scratch);
	return n;
}

/* Whether an event of log source {product: p} with these members matches a
 * rule whose detection is given. */
static inline bool
detects(const char *detection, const char *members)
{
	char rule[4096], event[4096];
	struct ruleset *set;
	size_t n;

	snprintf(rule, sizeof(rule), "title: t\nlogsource: {product: p}\n"
	    "detection:\n%s", detection);
	snprintf(event, sizeof(event), "{\"_logsource\":{\"product\":\"p\"}"
	    "%s%s}", *members != '\0' ? "," : "", members);
	set = rules_of(rule);
	assert_int_equal(ruleset_count(set), 1);
	n = count_matches(set, event);
	ruleset_put(set);
	return n == 1;
}

/* A finding of a text, as it is printed. */
static inline const char *
finding_at(const char *text, size_t rules_left, size_t at)
{
	static char out[1024];
	struct diag *diag = diag_new();
	struct ruleset *set = ruleset_parse(slice_cstr(text), "try.yml",
	    diag);
	const struct diag_finding *finding;

	assert_true(diag_count(diag) > at);
	assert_int_equal(ruleset_count(set), rules_left);
	finding = diag_at(diag, at);
	snprintf(out, sizeof(out), "%s:%d:%d: %s", finding->file,
	    finding->line, finding->column, finding->text);
	ruleset_put(set);
	diag_free(diag);
	return out;
}

static inline const char *
finding_of(const char *text, size_t rules_left)
{
	return finding_at(text, rules_left, 0);
}

#endif
