#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/metric.h"
#include "parsers/decode.h"

/* Whether a limit ended the match, not the text. */
static bool
is_runaway(int error)
{
	return error == PCRE2_ERROR_MATCHLIMIT ||
	    error == PCRE2_ERROR_DEPTHLIMIT ||
	    error == PCRE2_ERROR_HEAPLIMIT ||
	    error == PCRE2_ERROR_JIT_STACKLIMIT;
}

static bool
run_pattern(struct reading *reading, const struct pattern *pattern,
    struct slice body, uint32_t parent)
{
	PCRE2_SIZE *at;
	int n = pcre2_match(pattern->code, (PCRE2_SPTR)body.ptr, body.len, 0,
	    PCRE2_NO_UTF_CHECK, reading->match_data, reading->match_context);

	if (is_runaway(n)) {
		reading->runaway = true;
		metric_add(METRIC_REGEX_LIMIT, 1);
	}
	if (n <= 0)
		return false;
	at = pcre2_get_ovector_pointer(reading->match_data);
	for (uint32_t i = 1; i < (uint32_t)n && i < pattern->ngroups; i++) {
		struct value value;

		if (pattern->groups[i] == SLOT_NONE ||
		    at[2 * i] == PCRE2_UNSET || at[2 * i + 1] > body.len ||
		    at[2 * i] > at[2 * i + 1])
			continue;
		value = reading_text(reading, slice_of(body.ptr + at[2 * i],
		    at[2 * i + 1] - at[2 * i]));
		if (reading->depth > 0)
			reading_put(reading, parent, pattern->names[i], value);
		else
			reading_put_slot(reading, pattern->groups[i], &value);
	}
	if (pattern->block != NULL && reading->depth == 0) {
		reading->blocks = &pattern->block;
		reading->nblocks = 1;
	}
	return true;
}

bool
decode_regex(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	for (size_t i = 0; i < decoder->npatterns; i++)
		if (run_pattern(reading, &decoder->patterns[i], body,
		    parent))
			return true;
	return false;
}
