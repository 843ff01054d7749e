#include "storage/query_raw.h"

#include "engine/arena.h"

/* A pattern is a list of parts: literals, ? and *. */
enum part_kind { PART_TEXT, PART_ONE, PART_ANY };

struct part {
	enum part_kind kind;
	struct slice text;	/* PART_TEXT, folded */
};

struct needle {
	bool	 bound_start, bound_end;
	size_t	 nparts;
	struct part *parts;
	struct slice literal;	/* the longest text, folded; may be empty */
	size_t	 rare;		/* offset in it of the byte looked for */
	bool	 blanks;	/* some text holds one */
	char	 lower, upper;	/* that byte in both cases */
};

/* How common a byte is in log lines, roughly; what is not named is rare.
 * Digits and the punctuation of key=value come first. */
static int
commonness(char c)
{
	static const char order[] =
	    " 0123.\"e:=-t4567as98oin,rdl/cpum_[]fhgbTwyvSCAxkID{}()EPR"
	    "NzjqLMFOUBW;&%?@+'<>HGVK\\";
	const char *at = c == '\0' ? NULL : strchr(order, c);

	return at == NULL ? 0 : (int)(sizeof(order) - (size_t)(at - order));
}

static char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static void
choose_rare(struct needle *needle)
{
	int least = 0;

	for (size_t i = 0; i < needle->literal.len; i++) {
		char c = needle->literal.ptr[i];
		int here = commonness(c) + (ascii_upper(c) != c
		    ? commonness(ascii_upper(c)) : 0);

		if (i == 0 || here < least) {
			least = here;
			needle->rare = i;
		}
	}
	if (needle->literal.len > 0) {
		needle->lower = needle->literal.ptr[needle->rare];
		needle->upper = ascii_upper(needle->lower);
	}
}

static struct slice
fold(struct arena *arena, struct slice text)
{
	char *folded = arena_text(arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		folded[i] = ascii_lower(text.ptr[i]);
	return slice_of(folded, text.len);
}

struct needle *
needle_phrase(struct arena *arena, struct slice text)
{
	struct needle *needle = arena_zalloc(arena, sizeof(*needle));

	needle->parts = arena_zalloc(arena, sizeof(*needle->parts));
	needle->nparts = 1;
	needle->parts[0].text = needle->literal = fold(arena, text);
	choose_rare(needle);
	return needle;
}

static bool
is_blank(char c)
{
	return (unsigned char)c <= ' ';
}

static void
add_part(struct needle *needle, enum part_kind kind, struct slice text)
{
	struct part *last = needle->nparts == 0 ? NULL
	    : &needle->parts[needle->nparts - 1];

	if (kind == PART_ANY && last != NULL && last->kind == PART_ANY)
		return;
	needle->parts[needle->nparts++] = (struct part){ kind, text };
	if (text.len > needle->literal.len)
		needle->literal = text;
	for (size_t i = 0; i < text.len; i++)
		needle->blanks = needle->blanks || is_blank(text.ptr[i]);
}

struct needle *
needle_word(struct arena *arena, struct slice pattern)
{
	struct needle *needle = arena_zalloc(arena, sizeof(*needle));
	char *text = arena_text(arena, pattern.len + 1);
	size_t from = 0, n = 0;

	needle->parts = arena_alloc(arena,
	    (pattern.len + 1) * sizeof(*needle->parts));
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];

		if (c == '*' || c == '?') {
			if (n > from)
				add_part(needle, PART_TEXT,
				    slice_of(text + from, n - from));
			from = n;
			add_part(needle, c == '*' ? PART_ANY : PART_ONE,
			    slice_of("", 0));
			continue;
		}
		if (c == '\\' && i + 1 < pattern.len)
			c = pattern.ptr[++i];
		text[n++] = ascii_lower(c);
	}
	if (n > from || needle->nparts == 0)
		add_part(needle, PART_TEXT, slice_of(text + from, n - from));

	/* A star at an end only means that the end is free. */
	needle->bound_start = needle->parts[0].kind != PART_ANY;
	needle->bound_end = needle->parts[needle->nparts - 1].kind != PART_ANY;
	if (!needle->bound_end && needle->nparts > 1)
		needle->nparts--;
	if (!needle->bound_start && needle->nparts > 1) {
		needle->parts++;
		needle->nparts--;
	}
	choose_rare(needle);
	return needle;
}

static bool
is_word_byte(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	    (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

static bool
folded_at(const char *at, struct slice folded)
{
	for (size_t i = 0; i < folded.len; i++)
		if (ascii_lower(at[i]) != folded.ptr[i])
			return false;
	return true;
}

/* Where the literal stands at or behind `from`, or -1. memchr runs once for
 * each case of the rare byte; the answer that is behind waits, so no byte is
 * looked at twice for the same case. */
static ptrdiff_t
literal_next(const struct needle *needle, struct slice s, size_t from)
{
	const struct slice lit = needle->literal;
	const char *begin, *end, *a, *b;

	if (s.len < lit.len || from > s.len - lit.len)
		return -1;
	begin = s.ptr + from + needle->rare;
	end = s.ptr + s.len - (lit.len - 1 - needle->rare);
	a = memchr(begin, needle->lower, (size_t)(end - begin));
	b = needle->upper == needle->lower ? NULL
	    : memchr(begin, needle->upper, (size_t)(end - begin));
	while (a != NULL || b != NULL) {
		bool first = b == NULL || (a != NULL && a < b);
		const char *hit = first ? a : b;
		const char *next = hit + 1;

		if (folded_at(hit - needle->rare, lit))
			return hit - needle->rare - s.ptr;
		if (first)
			a = memchr(next, needle->lower, (size_t)(end - next));
		else
			b = memchr(next, needle->upper, (size_t)(end - next));
	}
	return -1;
}

ptrdiff_t
needle_next(const struct needle *needle, struct slice bytes, size_t from)
{
	if (needle->literal.len == 0)
		return from <= bytes.len ? (ptrdiff_t)from : -1;
	return literal_next(needle, bytes, from);
}

static bool
bound_before(const struct needle *needle, struct slice line, size_t at)
{
	return !needle->bound_start || at == 0 || at >= line.len ||
	    !is_word_byte(line.ptr[at]) || !is_word_byte(line.ptr[at - 1]);
}

static bool
bound_after(const struct needle *needle, struct slice line, size_t end)
{
	return !needle->bound_end || end == line.len || end == 0 ||
	    !is_word_byte(line.ptr[end - 1]) || !is_word_byte(line.ptr[end]);
}

/* Do parts p.. match the line from `at` on? Without recursion, as usual with
 * globs: only the last star is ever taken up again. A star does not cross
 * blanks. If not, *next is the first place worth trying: what the last star
 * did not find up to a blank no later start finds before that blank, which
 * keeps a hostile line from costing its length squared. */
static bool
parts_at(const struct needle *needle, struct slice line, size_t start,
    size_t *next)
{
	size_t p = 0, at = start, star = SIZE_MAX, star_at = 0;

	*next = start + 1;
	for (;;) {
		const struct part *part = &needle->parts[p];

		if (p == needle->nparts) {
			if (bound_after(needle, line, at))
				return true;
		} else if (part->kind == PART_ANY) {
			star = p++;
			star_at = at;
			continue;
		} else if (part->kind == PART_ONE) {
			if (at < line.len && !is_blank(line.ptr[at])) {
				at++;	/* a character, not a byte */
				while (at < line.len &&
				    (line.ptr[at - 1] & 0x80) != 0 &&
				    (line.ptr[at] & 0xc0) == 0x80)
					at++;
				p++;
				continue;
			}
		} else if (line.len - at >= part->text.len &&
		    folded_at(line.ptr + at, part->text)) {
			at += part->text.len;
			p++;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		if (star_at >= line.len || is_blank(line.ptr[star_at])) {
			if (!needle->blanks && star_at > start)
				*next = star_at;
			return false;
		}
		at = ++star_at;
		p = star + 1;
	}
}

static bool
single_in(const struct needle *needle, struct slice line)
{
	ptrdiff_t at = -1;

	while ((at = literal_next(needle, line, (size_t)(at + 1))) >= 0)
		if (bound_before(needle, line, (size_t)at) &&
		    bound_after(needle, line, (size_t)at + needle->literal.len))
			return true;
	return false;
}

bool
needle_in(const struct needle *needle, struct slice line)
{
	if (needle->literal.len > 0) {
		if (needle->nparts == 1)
			return single_in(needle, line);
		if (literal_next(needle, line, 0) < 0)
			return false;
	}
	for (size_t at = 0, next; at <= line.len; at = next) {
		next = at + 1;
		if (bound_before(needle, line, at) &&
		    parts_at(needle, line, at, &next))
			return true;
	}
	return false;
}

/* A word at an end might go on: an end is not taken for a border. */
bool
needle_is_inside(const struct needle *needle, struct slice text)
{
	ptrdiff_t at = -1;

	if (needle->nparts != 1 || needle->literal.len == 0)
		return false;
	while ((at = literal_next(needle, text, (size_t)(at + 1))) >= 0) {
		size_t end = (size_t)at + needle->literal.len;

		if ((!needle->bound_start || (at > 0 &&
		    bound_before(needle, text, (size_t)at))) &&
		    (!needle->bound_end || (end < text.len &&
		    bound_after(needle, text, end))))
			return true;
	}
	return false;
}

struct slice
needle_literal(const struct needle *needle)
{
	return needle->literal;
}

bool
needle_is_phrase(const struct needle *needle)
{
	return needle->nparts == 1 && needle->literal.len > 0 &&
	    !needle->bound_start && !needle->bound_end;
}

bool
needle_is_word(const struct needle *needle)
{
	return needle->nparts == 1 && needle->literal.len > 0;
}
