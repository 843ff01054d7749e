#include "storage/lex.h"

#include "engine/arena.h"
#include "engine/ip.h"

void
lex_init(struct lex *lex, struct slice query, struct arena *arena)
{
	*lex = (struct lex){ .query = query, .arena = arena };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The byte at `at`, or NUL behind the end; a NUL inside a query is no
 * character of any token and ends nothing. */
static char
peek(const struct lex *lex, size_t at)
{
	return at < lex->query.len ? lex->query.ptr[at] : '\0';
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void
skip_blanks(struct lex *lex)
{
	while (lex->at < lex->query.len && is_blank(peek(lex, lex->at)))
		lex->at++;
}

static struct token
token_of(enum lex_kind kind, size_t at, size_t len)
{
	return (struct token){ .kind = kind, .at = at, .len = len };
}

static struct token
broken(struct lex *lex, size_t at, const char *why)
{
	struct token token = token_of(LEX_BROKEN, at, 1);

	token.text = slice_cstr(why);
	lex->at = lex->query.len;
	return token;
}

static struct token
punctuation(struct lex *lex, enum lex_kind kind, size_t len)
{
	struct token token = token_of(kind, lex->at, len);

	token.text = slice_of(lex->query.ptr + lex->at, len);
	lex->at += len;
	return token;
}

/* Bytes from..to as a word: undoes escapes into text, and into pattern with
 * the plain wildcards still escaped. */
static struct token
word(struct lex *lex, size_t from, size_t to)
{
	struct token token = token_of(LEX_WORD, from, to - from);
	char *text = arena_text(lex->arena, to - from + 1);
	char *pattern = arena_text(lex->arena, 2 * (to - from) + 1);
	size_t n = 0, m = 0;

	for (size_t i = from; i < to; i++) {
		char c = lex->query.ptr[i];
		bool plain = false;

		if (c == '\\' && i + 1 < to &&
		    is_one_of(lex->query.ptr[i + 1], "\\*?\"()|:,=<>- ")) {
			c = lex->query.ptr[++i];
			plain = token.escaped = true;
		}
		if (is_one_of(c, "*?") && !plain)
			token.wild = true;
		else if (is_one_of(c, "*?\\"))
			pattern[m++] = '\\';
		text[n++] = c;
		pattern[m++] = c;
	}
	token.text = slice_of(text, n);
	token.pattern = slice_of(pattern, m);
	return token;
}

/* From the opening quote on. */
static struct token
quoted(struct lex *lex)
{
	size_t at = lex->at, i = at + 1, n = 0;
	char *text = arena_text(lex->arena, lex->query.len - at + 1);
	struct token token;

	for (; i < lex->query.len && lex->query.ptr[i] != '"'; i++) {
		if (lex->query.ptr[i] == '\\' &&
		    is_one_of(peek(lex, i + 1), "\"\\"))
			i++;
		text[n++] = lex->query.ptr[i];
	}
	if (i >= lex->query.len)
		return broken(lex, at, "this quote is never closed");
	token = token_of(LEX_QUOTED, at, i + 1 - at);
	token.text = slice_of(text, n);
	lex->at = i + 1;
	return token;
}

/* Where the run of characters that `stops` does not name ends; an escaped
 * character never stops it. */
static size_t
run_end(const struct lex *lex, size_t at, const char *stops)
{
	while (at < lex->query.len) {
		char c = lex->query.ptr[at];

		if (c == '\\' && at + 1 < lex->query.len &&
		    (is_one_of(lex->query.ptr[at + 1], stops) ||
		    lex->query.ptr[at + 1] == '\\' ||
		    lex->query.ptr[at + 1] == ' ')) {
			at += 2;
			continue;
		}
		if (is_blank(c) || is_one_of(c, stops))
			break;
		at++;
	}
	return at;
}

/* Names of fields begin with a letter, @ or _; so 10:22:33 is a word. */
static bool
is_name_start(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '@' ||
	    c == '_';
}

static bool
is_name_part(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') ||
	    is_one_of(c, ".-/[]{}$#%") || (c & 0x80) != 0;
}

/* The length of the name at lex->at that a colon follows, else 0. An address
 * such as fe80::1 is no field. */
static size_t
field_name_len(const struct lex *lex)
{
	size_t n = 0, end;
	uint8_t ip[16];

	if (!is_name_start(peek(lex, lex->at)))
		return 0;
	while (is_name_part(peek(lex, lex->at + n)))
		n++;
	if (peek(lex, lex->at + n) != ':')
		return 0;
	end = run_end(lex, lex->at, "()|\"");
	if (ip_parse(slice_of(lex->query.ptr + lex->at, end - lex->at), ip))
		return 0;
	return n;
}

/* What reads alike in a condition and behind a pipe: the end, parentheses,
 * pipe, minus, quoted text. Behind the blanks either way; false if something
 * else stands there. */
static bool
common(struct lex *lex, struct token *token)
{
	skip_blanks(lex);
	if (lex->at >= lex->query.len) {
		*token = token_of(LEX_END, lex->query.len, 0);
		return true;
	}
	switch (lex->query.ptr[lex->at]) {
	case '(':
		*token = punctuation(lex, LEX_OPEN, 1);
		return true;
	case ')':
		*token = punctuation(lex, LEX_CLOSE, 1);
		return true;
	case '|':
		*token = punctuation(lex, LEX_PIPE, 1);
		return true;
	case '-':
		*token = punctuation(lex, LEX_MINUS, 1);
		return true;
	case '"':
		*token = quoted(lex);
		return true;
	}
	return false;
}

struct token
lex_term(struct lex *lex)
{
	struct token token;
	size_t end;

	if (common(lex, &token))
		return token;
	end = field_name_len(lex);
	if (end > 0) {
		token = word(lex, lex->at, lex->at + end);
		token.kind = LEX_FIELD;
		lex->at += end + 1;
		return token;
	}
	end = run_end(lex, lex->at, "()|\"");
	token = word(lex, lex->at, end);
	lex->at = end;
	return token;
}

/* A regular expression ends at the next slash that no backslash precedes. */
static struct token
regex(struct lex *lex)
{
	size_t at = lex->at, i = at + 1;
	struct token token;
	char *text = arena_text(lex->arena, lex->query.len - at + 1);
	size_t n = 0;

	for (; i < lex->query.len && lex->query.ptr[i] != '/'; i++) {
		if (lex->query.ptr[i] == '\\' && i + 1 < lex->query.len) {
			if (lex->query.ptr[i + 1] != '/')
				text[n++] = '\\';
			i++;
		}
		text[n++] = lex->query.ptr[i];
	}
	if (i >= lex->query.len)
		return broken(lex, at,
		    "this expression is never closed with a slash "
		    "(quote a value that begins with one)");
	token = token_of(LEX_REGEX, at, i + 1 - at);
	token.text = slice_of(text, n);
	lex->at = i + 1;
	return token;
}

static struct token
compare(struct lex *lex)
{
	return punctuation(lex, LEX_COMPARE,
	    peek(lex, lex->at + 1) == '=' ? 2 : 1);
}

struct token
lex_value(struct lex *lex)
{
	size_t end;
	struct token token;

	if (lex->at >= lex->query.len || is_blank(peek(lex, lex->at)))
		return token_of(LEX_END, lex->at, 0);
	switch (lex->query.ptr[lex->at]) {
	case '(':
		return punctuation(lex, LEX_OPEN, 1);
	case ')':
		return token_of(LEX_CLOSE, lex->at, 1);
	case '|':
		return token_of(LEX_PIPE, lex->at, 1);
	case '<':
	case '>':
		return compare(lex);
	case '"':
		return quoted(lex);
	case '/':
		return regex(lex);
	}
	end = run_end(lex, lex->at, "()|\"");
	token = word(lex, lex->at, end);
	lex->at = end;
	return token;
}

struct token
lex_pipe(struct lex *lex)
{
	struct token token;
	size_t end;

	if (common(lex, &token))
		return token;
	switch (lex->query.ptr[lex->at]) {
	case ',':
		return punctuation(lex, LEX_COMMA, 1);
	case '<':
	case '>':
	case '=':
		return compare(lex);
	case '!':
		if (peek(lex, lex->at + 1) == '=')
			return compare(lex);
	}
	end = run_end(lex, lex->at + 1, "()|\",<>=!");
	token = word(lex, lex->at, end);
	lex->at = end;
	return token;
}

bool
token_is(const struct token *token, const char *text)
{
	return token->kind == LEX_WORD && !token->escaped && !token->wild &&
	    slice_eq(token->text, slice_cstr(text));
}
