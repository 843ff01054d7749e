/* The grammar of conditions:
 *
 *	or    = and { "or" and }
 *	and   = not { "and" not }
 *	not   = { "not" } one
 *	one   = "(" or ")" | ("1"|"any"|"all") "of" (pattern|"them") | section
 */
#include "correlation/sigma.h"

#include "engine/arena.h"
#include "engine/glob.h"
#include "engine/yaml.h"

#define WORK 500000		/* parts looked at or copied at most */

struct reader {
	const struct sigma_scope *scope;
	const struct yaml_node *node;
	const struct sigma_section *sections;
	size_t	 n;
	struct slice rest;
	struct slice token;	/* empty at the end */
	unsigned depth;
	size_t	 work;
	bool	 failed;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
advance(struct reader *r)
{
	size_t n = 0;

	while (r->rest.len > 0 && is_blank(r->rest.ptr[0]))
		r->rest = slice_skip(r->rest, 1);
	while (n < r->rest.len && !is_blank(r->rest.ptr[n]) &&
	    r->rest.ptr[n] != '(' && r->rest.ptr[n] != ')' &&
	    r->rest.ptr[n] != '|')
		n++;
	if (n == 0 && r->rest.len > 0)
		n = 1;
	r->token = slice_head(r->rest, n);
	r->rest = slice_skip(r->rest, n);
}

static bool
is(const struct reader *r, const char *word)
{
	return slice_eq_nocase(r->token, slice_cstr(word));
}

/* Finds only the first mistake: what follows it would be guesses. */
static struct cond *
fail(struct reader *r, const char *text, const char *hint)
{
	struct yaml_node at = *r->node;

	if (r->failed)
		return NULL;
	r->failed = true;
	if (r->token.ptr != NULL)
		at.column += (int)(r->token.ptr - r->node->text.ptr) +
		    (r->node->quoted ? 1 : 0);
	if (r->token.len == 0)
		return sigma_refuse(r->scope, &at, "condition: %s at the "
		    "end%s", text, hint);
	return sigma_refuse(r->scope, &at, "condition: %s \"%.*s\"%s", text,
	    (int)r->token.len, r->token.ptr, hint);
}

static struct cond *read_or(struct reader *r);

/* False, and the reader has failed, when a condition of few words becomes too
 * much. */
static bool
take_work(struct reader *r, size_t n)
{
	r->work += n;
	if (r->work > WORK)
		fail(r, "it becomes too large at", "");
	return !r->failed;
}

static size_t
breadth(const struct cond *cond)
{
	return cond == NULL || cond->n == 0 ? 1 : cond->n;
}

/* All sections that a pattern names, joined. */
static struct cond *
read_of(struct reader *r, enum cond_kind kind)
{
	bool them = is(r, "them");
	struct arena *arena = r->scope->arena;
	struct cond **conds;
	glob_unit *unit = arena_alloc(arena, (r->token.len + 1) *
	    sizeof(*unit));
	const struct glob *glob = glob_build(arena, unit, glob_read(unit,
	    r->token), true);
	size_t n = 0, parts = r->n / 8;

	if (r->token.len == 0 || is(r, "(") || is(r, ")"))
		return fail(r, "expected a section, a pattern or \"them\" "
		    "instead of", "");
	if (!take_work(r, r->n))
		return NULL;
	conds = arena_alloc(arena, (r->n + 1) * sizeof(*conds));
	for (size_t i = 0; i < r->n; i++) {
		struct slice name = r->sections[i].name;

		if (them ? name.len > 0 && name.ptr[0] == '_'
		    : !glob_match(glob, name))
			continue;
		conds[n++] = r->sections[i].cond;
		parts += breadth(r->sections[i].cond);
	}
	if (n == 0)
		return fail(r, "no section is named like", "");
	if (!take_work(r, parts))
		return NULL;
	advance(r);
	return cond_list(arena, kind, conds, n);
}

static struct cond *
read_section_name(struct reader *r)
{
	const char **names;
	char hint[128];

	if (!take_work(r, r->n / 16))
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		if (slice_eq(r->sections[i].name, r->token)) {
			advance(r);
			return r->sections[i].cond;
		}
	names = arena_alloc(r->scope->arena, (r->n + 1) * sizeof(*names));
	for (size_t i = 0; i < r->n; i++)
		names[i] = arena_cstr(r->scope->arena, r->sections[i].name);
	return fail(r, "there is no section", sigma_hint(hint, sizeof(hint),
	    r->token, names, r->n));
}

/* Whether the next word is "of". */
static bool
of_follows(const struct reader *r)
{
	struct reader ahead = *r;

	advance(&ahead);
	return is(&ahead, "of");
}

static struct cond *
read_one(struct reader *r)
{
	struct cond *cond;

	if (is(r, "(")) {
		advance(r);
		cond = read_or(r);
		if (!r->failed && !is(r, ")"))
			return fail(r, "expected \")\" instead of", "");
		advance(r);
		return cond;
	}
	if (of_follows(r)) {
		bool all = is(r, "all");

		if (!all && !is(r, "1") && !is(r, "any"))
			return fail(r, "only \"1 of\", \"any of\" and "
			    "\"all of\" are known, not", "");
		advance(r);
		advance(r);
		return read_of(r, all ? COND_AND : COND_OR);
	}
	if (is(r, "|"))
		return fail(r, "aggregations are of old rules; write a "
		    "correlation rule instead of", "");
	if (r->token.len == 0 || is(r, ")") || is(r, "and") || is(r, "or"))
		return fail(r, "expected a section instead of", "");
	return read_section_name(r);
}

static struct cond *
read_not(struct reader *r)
{
	struct cond *cond;
	bool negative = false;

	if (++r->depth > COND_DEPTH)
		return fail(r, "too many levels at", "");
	while (is(r, "not")) {
		negative = !negative;
		advance(r);
	}
	cond = read_one(r);
	r->depth--;
	return cond != NULL && negative ? cond_not(r->scope->arena, cond)
	    : cond;
}

static struct cond *
read_and(struct reader *r)
{
	struct cond *cond = read_not(r), *next;

	while (!r->failed && is(r, "and")) {
		advance(r);
		next = read_not(r);
		if (!take_work(r, breadth(cond) + breadth(next)))
			break;
		cond = cond_and(r->scope->arena, cond, next);
	}
	return r->failed ? NULL : cond;
}

static struct cond *
read_or(struct reader *r)
{
	struct cond *cond = read_and(r), *next;

	while (!r->failed && is(r, "or")) {
		advance(r);
		next = read_and(r);
		if (!take_work(r, breadth(cond) + breadth(next)))
			break;
		cond = cond_or(r->scope->arena, cond, next);
	}
	return r->failed ? NULL : cond;
}

struct cond *
sigma_read_condition(const struct sigma_scope *scope,
    const struct yaml_node *node, const struct sigma_section *sections,
    size_t n)
{
	struct reader r = { .scope = scope, .node = node,
	    .sections = sections, .n = n, .rest = node->text };
	struct cond *cond;

	if (node->text.len > SIGMA_CONDITION_BYTES)
		return sigma_refuse(scope, node, "a condition has at most %d "
		    "bytes", SIGMA_CONDITION_BYTES);
	advance(&r);
	cond = read_or(&r);
	if (!r.failed && is(&r, "|"))
		return fail(&r, "aggregations are of old rules; write a "
		    "correlation rule instead of", "");
	if (!r.failed && r.token.len > 0)
		return fail(&r, "expected \"and\", \"or\" or the end instead "
		    "of", "");
	return r.failed ? NULL : cond;
}
