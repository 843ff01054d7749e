#include "engine/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "engine/check.h"
#include "engine/err.h"

/* Enough for every pattern of common rule sets; more is a runaway. */
#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_LIMIT (1024 * 1024)

struct regex {
	pcre2_code *code;
};

struct regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint64_t runaways;
};

struct regex *
regex_new(struct slice pattern, unsigned flags, struct err *err)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
	    PCRE2_NEVER_BACKSLASH_C;
	pcre2_code *code;
	struct regex *regex;
	PCRE2_SIZE where;
	int reason;

	if (pattern.len > REGEX_PATTERN_BYTES) {
		err_set(err, ERR_USAGE, "regular expression longer than %d "
		    "bytes", REGEX_PATTERN_BYTES);
		return NULL;
	}
	if (flags & REGEX_NOCASE)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_LINES)
		options |= PCRE2_MULTILINE;
	if (flags & REGEX_DOTALL)
		options |= PCRE2_DOTALL;
	code = pcre2_compile((PCRE2_SPTR)(pattern.len > 0 ? pattern.ptr : ""),
	    pattern.len, options, &reason, &where, NULL);
	if (code == NULL) {
		PCRE2_UCHAR text[160];

		pcre2_get_error_message(reason, text, sizeof(text));
		err_set(err, ERR_USAGE, "%s at character %zu", (char *)text,
		    (size_t)where + 1);
		return NULL;
	}
	/* Where code may not be made at run time, matching is interpreted. */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	regex = xmalloc(sizeof(*regex));
	regex->code = code;
	return regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_code_free(regex->code);
	free(regex);
}

struct regex_scratch *
regex_scratch_new(void)
{
	struct regex_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->data = pcre2_match_data_create(1, NULL);
	scratch->context = pcre2_match_context_create(NULL);
	check(scratch->data != NULL && scratch->context != NULL);
	pcre2_set_match_limit(scratch->context, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(scratch->context, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(scratch->context, REGEX_HEAP_KIB);
	scratch->stack = pcre2_jit_stack_create(JIT_STACK_START,
	    JIT_STACK_LIMIT, NULL);
	if (scratch->stack != NULL)
		pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
	return scratch;
}

void
regex_scratch_free(struct regex_scratch *scratch)
{
	if (scratch == NULL)
		return;
	pcre2_match_data_free(scratch->data);
	pcre2_match_context_free(scratch->context);
	pcre2_jit_stack_free(scratch->stack);
	free(scratch);
}

bool
regex_match(const struct regex *regex, struct slice text,
    struct regex_scratch *scratch)
{
	int n = pcre2_match(regex->code,
	    (PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, 0, 0,
	    scratch->data, scratch->context);

	if (n >= 0)
		return true;
	if (n != PCRE2_ERROR_NOMATCH)
		scratch->runaways++;
	return false;
}

uint64_t
regex_runaways(const struct regex_scratch *scratch)
{
	return scratch->runaways;
}

/* --- what must be there ----------------------------------------------------
 *
 * Only the outermost level is read: groups and classes are stepped over, an
 * alternative outside of a group ends it all, and so does everything that is
 * rare and could make a character not count.
 */
struct outline {
	struct slice rest;
	char	*out;
	size_t	 best;		/* bytes in out */
	char	 run[REGEX_LITERAL_BYTES];
	size_t	 len;
};

static void
end_run(struct outline *o)
{
	if (o->len > o->best) {
		memcpy(o->out, o->run, o->len);
		o->best = o->len;
	}
	o->len = 0;
}

/* "[...]" of which the bracket is read. False if it does not end. */
static bool
skip_class(struct outline *o)
{
	size_t i = 0;

	if (i < o->rest.len && o->rest.ptr[i] == '^')
		i++;
	if (i < o->rest.len && o->rest.ptr[i] == ']')
		i++;
	for (; i < o->rest.len && o->rest.ptr[i] != ']'; i++) {
		if (o->rest.ptr[i] == '[')
			return false;	/* [:alpha:], or an odd one */
		if (o->rest.ptr[i] == '\\')
			i++;
	}
	if (i >= o->rest.len)
		return false;
	o->rest = slice_skip(o->rest, i + 1);
	return true;
}

/* "(...)" of which the first parenthesis is read. */
static bool
skip_group(struct outline *o)
{
	unsigned depth = 1;

	while (depth > 0) {
		char c;

		if (o->rest.len == 0 || slice_starts(o->rest, SLICE("*")) ||
		    slice_starts(o->rest, SLICE("?#")))
			return false;
		c = o->rest.ptr[0];
		o->rest = slice_skip(o->rest, 1);
		if (c == '\\') {
			if (o->rest.len == 0 || o->rest.ptr[0] == 'Q')
				return false;
			o->rest = slice_skip(o->rest, 1);
		} else if (c == '[') {
			if (!skip_class(o))
				return false;
		} else if (c == '(') {
			if (slice_starts(o->rest, SLICE("*")) ||
			    slice_starts(o->rest, SLICE("?#")))
				return false;
			depth++;
		} else if (c == ')') {
			depth--;
		}
	}
	return true;
}

/* "(?i)" and the like are fine; x would make blanks not count. */
static bool
changes_meaning(struct slice group)
{
	size_t i = 1;

	if (!slice_starts(group, SLICE("?")))
		return false;
	while (i < group.len && ((group.ptr[i] >= 'a' && group.ptr[i] <= 'z') ||
	    group.ptr[i] == '-' || group.ptr[i] == '^')) {
		if (group.ptr[i] == 'x')
			return true;
		i++;
	}
	return false;
}

/* "{2,3}" of which the brace is read; what is no quantifier is text, and the
 * run is over all the same. */
static void
skip_braces(struct outline *o)
{
	size_t i = 0;

	while (i < o->rest.len && ((o->rest.ptr[i] >= '0' &&
	    o->rest.ptr[i] <= '9') || o->rest.ptr[i] == ','))
		i++;
	if (i < o->rest.len && o->rest.ptr[i] == '}')
		o->rest = slice_skip(o->rest, i + 1);
}

static void
put_plain(struct outline *o, char c)
{
	if (o->len == sizeof(o->run))
		end_run(o);
	o->run[o->len++] = ascii_lower(c);
}

/* An escape of which the backslash is read. */
static bool
read_escape(struct outline *o)
{
	char c;

	if (o->rest.len == 0)
		return false;
	c = o->rest.ptr[0];
	o->rest = slice_skip(o->rest, 1);
	if (c >= '0' && c <= '9')
		return false;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		end_run(o);
		return strchr("dDsSwWbB", c) != NULL;
	}
	put_plain(o, c);
	return true;
}

static bool
read_piece(struct outline *o)
{
	char c = o->rest.ptr[0];

	o->rest = slice_skip(o->rest, 1);
	switch (c) {
	case '|':
		return false;
	case '\\':
		return read_escape(o);
	case '[':
		end_run(o);
		return skip_class(o);
	case '(':
		end_run(o);
		return !changes_meaning(o->rest) && skip_group(o);
	case '*': case '?': case '{':
		if (o->len > 0)
			o->len--;
		end_run(o);
		if (c == '{')
			skip_braces(o);
		return true;
	case '+': case '.': case '^': case '$': case ')': case ']': case '}':
		end_run(o);
		return true;
	}
	if ((unsigned char)c < 0x80)
		put_plain(o, c);
	else
		end_run(o);
	return true;
}

size_t
regex_literal(struct slice pattern, char out[REGEX_LITERAL_BYTES])
{
	struct outline o = { .rest = pattern, .out = out };

	while (o.rest.len > 0)
		if (!read_piece(&o))
			return 0;
	end_run(&o);
	return o.best;
}
