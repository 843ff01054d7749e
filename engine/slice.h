/* engine/slice.h -- borrowed bytes, passed by value.
 *
 * A slice owns nothing and ends with no NUL. Who made it says how long the
 * bytes live; in an event they live as long as its batch.
 */
#ifndef YAGURA_ENGINE_SLICE_H
#define YAGURA_ENGINE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *ptr;	/* may be NULL only when len is 0 */
	size_t	 len;		/* bytes */
};

/* For string literals; SLICE_INIT is for static initialisers, where ISO C
 * wants no compound literal. */
#define SLICE(literal) ((struct slice)SLICE_INIT(literal))
#define SLICE_INIT(literal) { (literal), sizeof(literal) - 1 }

static inline struct slice
slice_of(const char *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

static inline struct slice
slice_cstr(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool
slice_starts(struct slice s, struct slice head)
{
	return s.len >= head.len &&
	    (head.len == 0 || memcmp(s.ptr, head.ptr, head.len) == 0);
}

static inline bool
slice_ends(struct slice s, struct slice tail)
{
	return s.len >= tail.len && (tail.len == 0 ||
	    memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0);
}

/* Drops the first n bytes; n must not exceed the length. */
static inline struct slice
slice_skip(struct slice s, size_t n)
{
	return (struct slice){ s.ptr + n, s.len - n };
}

/* The first n bytes, or all of them if there are fewer. */
static inline struct slice
slice_head(struct slice s, size_t n)
{
	return (struct slice){ s.ptr, n < s.len ? n : s.len };
}

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Compares with ASCII folding only. */
bool slice_eq_nocase(struct slice a, struct slice b);

/* <0, 0, >0 like memcmp; a prefix sorts before the longer one. */
int slice_cmp(struct slice a, struct slice b);

/* Where needle begins in s, or -1. The empty needle is found at 0. */
ptrdiff_t slice_find(struct slice s, struct slice needle);
ptrdiff_t slice_find_nocase(struct slice s, struct slice needle);

/* Where byte c first stands in s, or -1. */
ptrdiff_t slice_find_byte(struct slice s, char c);

/* Without blanks, tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice s);

/* Decimal digits only, the whole slice, no overflow; else false and *out
 * stays as it was. slice_long also takes one leading '-'. */
bool slice_ulong(struct slice s, uint64_t *out);
bool slice_long(struct slice s, int64_t *out);

/* A whole slice that strtod takes, '.' as decimal point in every locale, no
 * hex, no inf, no nan. */
bool slice_double(struct slice s, double *out);

#endif
