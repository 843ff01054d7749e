/* tests/fuzz/fuzz_pattern.c -- bytes as a pattern and a text.
 *
 * What a pattern becomes (equals, contains, ...) must say the same as the
 * pattern itself; the regular expression of the same bytes must end.
 */
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/fold.h"
#include "engine/pred.h"
#include "engine/regex.h"
#include "engine/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_pattern(struct slice pattern, struct slice text, bool cased)
{
	struct arena *arena = arena_new(0);
	struct pred_scratch *scratch = pred_scratch_new();
	struct pred pred = { .cased = cased };
	struct value value = value_text(text, TRANSFORM_NONE);
	glob_unit *unit = arena_alloc(arena, (pattern.len + 1) *
	    sizeof(*unit));
	size_t n = glob_read(unit, pattern);
	const struct glob *glob = glob_build(arena, unit, n, cased);
	struct slice folded = cased ? text : fold_dup(arena, text);

	pred_set_pattern(&pred, arena, unit, n);
	check(pred_value_holds(&pred, &value, scratch) ==
	    glob_match(glob, folded));
	if (glob_match(glob, folded))
		check(slice_find(folded, glob_literal(glob)) >= 0);
	pred_scratch_free(scratch);
	arena_free(arena);
}

static void
try_regex(struct slice pattern, struct slice text)
{
	struct regex_scratch *scratch = regex_scratch_new();
	struct err err;
	struct regex *regex = regex_new(pattern, REGEX_NOCASE, &err);
	char literal[REGEX_LITERAL_BYTES];
	size_t n = regex_literal(pattern, literal);

	if (regex != NULL && regex_match(regex, text, scratch)) {
		struct arena *arena = arena_new(0);

		check(slice_find(fold_dup(arena, text), slice_of(literal, n))
		    >= 0);
		arena_free(arena);
	}
	regex_free(regex);
	regex_scratch_free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size);
	size_t cut = size == 0 ? 0 : data[0] % size;

	if (size == 0)
		return 0;
	all = slice_skip(all, 1);
	if (cut > all.len)
		cut = all.len;
	try_pattern(slice_head(all, cut), slice_skip(all, cut), false);
	try_pattern(slice_head(all, cut), slice_skip(all, cut), true);
	try_regex(slice_head(all, cut), slice_skip(all, cut));
	return 0;
}
