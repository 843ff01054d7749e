/* storage/lex.h -- a query as tokens.
 *
 * What a character means depends on where it stands: a colon ends the name of
 * a field but is part of an IPv6 value, a comma separates only behind a pipe.
 * So there is one function per place, and the parser says where it is.
 *
 * A backslash makes the next character plain if that is one of
 * \ * ? " ( ) | : , = < > - or a blank; before anything else it stands for
 * itself, so that C:\Windows\* needs no doubling. Inside quotes only \" and
 * \\ are undone and nothing is a wildcard.
 *
 * Memory: text and pattern live in the arena given to lex_init.
 */
#ifndef YAGURA_STORAGE_LEX_H
#define YAGURA_STORAGE_LEX_H

#include "engine/slice.h"

struct arena;

enum lex_kind {
	LEX_END,
	LEX_WORD,		/* text; wild: pattern */
	LEX_QUOTED,		/* text */
	LEX_FIELD,		/* a name and its colon; text: name */
	LEX_REGEX,		/* /.../; text: what stands between */
	LEX_COMPARE,		/* > >= < <= = != ; text */
	LEX_OPEN, LEX_CLOSE, LEX_PIPE, LEX_COMMA, LEX_MINUS,
	LEX_BROKEN,		/* text: what is wrong with it */
};

struct token {
	enum lex_kind kind;
	size_t	 at, len;	/* where it stands in the query, bytes */
	struct slice text;	/* escapes undone */
	bool	 wild;		/* has * or ? that are wildcards */
	bool	 escaped;	/* a backslash was undone: never a keyword */
	struct slice pattern;	/* as text, \ before every plain * ? \ */
};

struct lex {
	struct slice query;
	size_t	 at;
	struct arena *arena;
};

void lex_init(struct lex *lex, struct slice query, struct arena *arena);

/* A term of a condition: FIELD, WORD, QUOTED, OPEN, CLOSE, PIPE, MINUS. */
struct token lex_term(struct lex *lex);

/* What follows "field:": WORD, QUOTED, REGEX, COMPARE, OPEN. Blanks end it: a
 * value that is missing is LEX_END, CLOSE or PIPE and nothing is read. */
struct token lex_value(struct lex *lex);

/* Behind a pipe: WORD, QUOTED, COMPARE, OPEN, CLOSE, PIPE, COMMA, MINUS. */
struct token lex_pipe(struct lex *lex);

/* The word is this keyword, as written, without quotes or escapes. */
bool token_is(const struct token *token, const char *word);

#endif
