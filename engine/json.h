/* engine/json.h -- reading and writing JSON, RFC 8259.
 *
 * The reader is pulled token by token over bytes that stay where they are;
 * it neither allocates nor recurses:
 *
 *	struct json json;
 *
 *	json_start(&json, line);
 *	while ((token = json_next(&json)) > JSON_END)
 *		...
 *	if (token == JSON_ERROR)
 *		... json.at is where it stopped
 *
 * Strict about structure, numbers and words; strings may hold raw control
 * characters and invalid UTF-8, because devices send them.
 *
 * Owner: the caller; open struct. What tokens point to is borrowed from the
 * text that was read.
 */
#ifndef YAGURA_ENGINE_JSON_H
#define YAGURA_ENGINE_JSON_H

#include "engine/slice.h"

struct arena;
struct strbuf;

#define JSON_DEPTH 64	/* levels of objects and arrays; more is an error */

enum json_token {
	JSON_ERROR,
	JSON_END,		/* all was read; blanks behind are accepted */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,		/* text, escaped; its value comes next */
	JSON_STRING,		/* text, escaped */
	JSON_NUMBER,		/* text, whole */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json {
	struct slice text;	/* of the token; strings without quotes */
	bool	 escaped;	/* the string holds backslashes */
	bool	 whole;		/* the number has no point nor exponent */
	unsigned depth;		/* objects and arrays that are open */
	const char *at;		/* next byte to read; private from here */
	const char *end, *start;
	uint64_t arrays;	/* bit per level: an array */
	int	 state;
};

void json_start(struct json *json, struct slice text);

/* After JSON_ERROR and JSON_END the same answer again. */
enum json_token json_next(struct json *json);

/* Just after JSON_OBJECT or JSON_ARRAY: reads to its end. The last token is
 * then that end, and text the whole of it, brackets included. False, and the
 * reader has failed, if there is an error within. */
bool json_skip(struct json *json);

/* Undoes escapes, also \u with surrogate pairs; a lone surrogate becomes
 * U+FFFD. An escape that JSON does not know stays as it is written. Memory is
 * the arena's. */
struct slice json_unescape(struct arena *arena, struct slice text);

/* Writes the text as a JSON string, quotes included. Control characters are
 * escaped; each byte that is not UTF-8 becomes the four characters \xNN (the
 * backslash escaped), so the output is always valid. */
void json_put_string(struct strbuf *buf, struct slice text);

/* Copies a text of which nothing is to be escaped, without quotes; answers
 * the end of the copy, NULL if something is. */
char *json_copy_plain(char *at, struct slice text);

#endif
