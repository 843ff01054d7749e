/* engine/regex.h -- PCRE2 with limits.
 *
 * A pattern comes from a rule or a query, the subject from anywhere: matching
 * is compiled to machine code where the system allows it and ends after a
 * bounded amount of work. A subject that runs into a limit does not match and
 * is counted.
 *
 * Owner: a regex is immutable, any thread; a regex_scratch is one thread's.
 */
#ifndef YAGURA_ENGINE_REGEX_H
#define YAGURA_ENGINE_REGEX_H

#include "engine/slice.h"

struct err;
struct regex;
struct regex_scratch;

#define REGEX_PATTERN_BYTES 65536	/* longer patterns are refused */
#define REGEX_MATCH_LIMIT 200000	/* steps for one subject */
#define REGEX_DEPTH_LIMIT 5000
#define REGEX_HEAP_KIB 4096

enum regex_flag {
	REGEX_NOCASE = 1,	/* i */
	REGEX_LINES = 2,	/* m: ^ and $ at each line */
	REGEX_DOTALL = 4,	/* s: . is a line feed too */
};

/* NULL and *err, with the place in the pattern, if it is none. Owned. */
struct regex *regex_new(struct slice pattern, unsigned flags, struct err *err);
void regex_free(struct regex *regex);		/* NULL does nothing */

struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *scratch);

/* Whether it matches anywhere in the text; any bytes will do. */
bool regex_match(const struct regex *regex, struct slice text,
    struct regex_scratch *scratch);

/* A stretch of plain ASCII that, folded, stands in every folded text that the
 * pattern matches, with case or without: the longest that is easily seen.
 * Answers its bytes; 0 if none is seen. */
#define REGEX_LITERAL_BYTES 64
size_t regex_literal(struct slice pattern, char out[REGEX_LITERAL_BYTES]);

/* Subjects given up because of a limit. */
uint64_t regex_runaways(const struct regex_scratch *scratch);

#endif
