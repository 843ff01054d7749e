#include "engine/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

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
