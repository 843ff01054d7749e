#include "engine/glob.h"

#include "engine/arena.h"
#include "engine/fold.h"
#include "engine/utf8.h"

struct glob {
	size_t	 n;
	const glob_unit *unit;
	struct slice literal;
};

size_t
glob_read(glob_unit *out, struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		char next = i + 1 < s.len ? s.ptr[i + 1] : '\0';

		if (c == '\\' && (next == '\\' || next == '*' || next == '?'))
			out[n++] = (unsigned char)s.ptr[++i];
		else if (c == '*')
			out[n++] = GLOB_STAR;
		else if (c == '?')
			out[n++] = GLOB_ONE;
		else
			out[n++] = (unsigned char)c;
	}
	return n;
}

/* The bytes of a run of plain units, folded unless cased. */
static struct slice
run_text(struct arena *arena, const glob_unit *unit, size_t n, bool cased)
{
	char *text = arena_text(arena, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)unit[i];
	return cased ? slice_of(text, n) : fold_dup(arena, slice_of(text, n));
}

const struct glob *
glob_build(struct arena *arena, const glob_unit *unit, size_t n, bool cased)
{
	struct glob *glob = arena_zalloc(arena, sizeof(*glob));
	glob_unit *out = arena_alloc(arena, FOLD_ROOM(n) * sizeof(*out));
	size_t i = 0;

	glob->literal = slice_of("", 0);
	glob->unit = out;
	while (i < n) {
		struct slice run;
		size_t end = i;

		while (end < n && unit[end] < GLOB_STAR)
			end++;
		if (end == i) {
			if (unit[i] != GLOB_STAR || glob->n == 0 ||
			    out[glob->n - 1] != GLOB_STAR)
				out[glob->n++] = unit[i];
			i++;
			continue;
		}
		run = run_text(arena, unit + i, end - i, cased);
		for (size_t k = 0; k < run.len; k++)
			out[glob->n++] = (unsigned char)run.ptr[k];
		if (run.len > glob->literal.len)
			glob->literal = run;
		i = end;
	}
	return glob;
}

/* Bytes of the character at the front of s, which is not empty. */
static size_t
one_character(struct slice s)
{
	uint32_t point;
	size_t n;

	if ((unsigned char)s.ptr[0] < 0x80)
		return 1;
	n = utf8_next(s, &point);
	return n > 0 ? n : 1;
}

/* Goes back to the last star only: an earlier star need never take more,
 * because the later one can take whatever it would leave. */
bool
glob_match(const struct glob *glob, struct slice text)
{
	size_t at = 0, i = 0;		/* in text, in pattern */
	size_t star = SIZE_MAX, mark = 0;

	for (;;) {
		if (i < glob->n && glob->unit[i] == GLOB_STAR) {
			if (i + 1 == glob->n)
				return true;
			star = i++;
			mark = at;
			continue;
		}
		if (i < glob->n && at < text.len) {
			glob_unit want = glob->unit[i];

			if (want == GLOB_ONE) {
				at += one_character(slice_skip(text, at));
				i++;
				continue;
			}
			if (want == (unsigned char)text.ptr[at]) {
				at++;
				i++;
				continue;
			}
		} else if (i == glob->n && at == text.len) {
			return true;
		}
		if (star == SIZE_MAX || mark >= text.len)
			return false;
		/* A byte that the pattern names may stand anywhere, even in
		 * what is no character; "one character" begins where one
		 * does. */
		mark += glob->unit[star + 1] == GLOB_ONE
		    ? one_character(slice_skip(text, mark)) : 1;
		at = mark;
		i = star + 1;
	}
}

struct slice
glob_literal(const struct glob *glob)
{
	return glob->literal;
}
