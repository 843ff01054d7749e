#include "correlation/sigma_text.h"

#include "correlation/sigma.h"
#include "engine/arena.h"
#include "engine/utf8.h"

static const char no_wildcards[] = "the value may not hold * or ?; write "
    "\\* for the character";
static const char too_many[] = "the value becomes too many texts";

static struct sigma_text
text_new(struct arena *arena, size_t room)
{
	return (struct sigma_text){ arena_alloc(arena, (room + 1) *
	    sizeof(glob_unit)), 0 };
}

static bool
has_wildcards(const struct sigma_text *text)
{
	for (size_t i = 0; i < text->n; i++)
		if (text->unit[i] >= GLOB_STAR)
			return true;
	return false;
}

void
sigma_texts_init(struct arena *arena, struct sigma_texts *texts,
    struct slice s)
{
	texts->at = arena_alloc(arena, sizeof(*texts->at));
	texts->at[0] = text_new(arena, s.len);
	texts->at[0].n = glob_read(texts->at[0].unit, s);
	texts->n = 1;
}

/* --- windash ------------------------------------------------------------- */

/* - / en dash, em dash, horizontal bar. */
static const char *const dashes[] = { "-", "/", "\xe2\x80\x93",
	"\xe2\x80\x94", "\xe2\x80\x95" };
#define DASHES (sizeof(dashes) / sizeof(dashes[0]))

/* Units of the dash that stands at i; 0 if none does. */
static size_t
dash_at(const struct sigma_text *text, size_t i)
{
	for (size_t d = 0; d < DASHES; d++) {
		size_t len = strlen(dashes[d]), k = 0;

		while (k < len && i + k < text->n && text->unit[i + k] ==
		    (unsigned char)dashes[d][k])
			k++;
		if (k == len)
			return len;
	}
	return 0;
}

static bool
is_word(glob_unit unit)
{
	return unit < GLOB_STAR && ((unit >= '0' && unit <= '9') ||
	    (unit >= 'a' && unit <= 'z') || (unit >= 'A' && unit <= 'Z') ||
	    unit == '_' || unit >= 0x80);
}

/* Whether a word begins at i; the bytes of a dash are no word. */
static bool
word_begins(const struct sigma_text *text, size_t i)
{
	return i < text->n && is_word(text->unit[i]) && dash_at(text, i) == 0;
}

static bool
word_ends(const struct sigma_text *text, size_t i)
{
	if (i == 0 || !is_word(text->unit[i - 1]))
		return false;
	return i < 3 || dash_at(text, i - 3) != 3;
}

/* Where the first dash at or behind `from` is that may vary. */
static size_t
next_dash(const struct sigma_text *text, size_t from, size_t *len)
{
	for (size_t i = from; i < text->n; i++) {
		*len = dash_at(text, i);
		if (*len > 0 && !word_ends(text, i) &&
		    word_begins(text, i + *len))
			return i;
	}
	return SIZE_MAX;
}

struct variants {
	struct arena *arena;
	const struct sigma_text *from;
	struct sigma_text *out;
	size_t	 n, cap;
};

static struct sigma_text *
room_for_one(struct variants *v)
{
	if (v->n == v->cap) {
		struct sigma_text *old = v->out;

		v->cap = v->cap * 2 + 8;
		v->out = arena_alloc(v->arena, v->cap * sizeof(*v->out));
		if (v->n > 0)
			memcpy(v->out, old, v->n * sizeof(*old));
	}
	return &v->out[v->n++];
}

/* Appends all that the text from `at` may become to each text so far. */
static bool
vary(struct variants *v, struct sigma_text so_far, size_t at)
{
	size_t len = 0, dash = next_dash(v->from, at, &len);
	size_t stop = dash == SIZE_MAX ? v->from->n : dash;

	while (at < stop)
		so_far.unit[so_far.n++] = v->from->unit[at++];
	if (dash == SIZE_MAX) {
		struct sigma_text *out;

		if (v->n == SIGMA_EXPANSIONS)
			return false;
		out = room_for_one(v);
		*out = text_new(v->arena, so_far.n);
		memcpy(out->unit, so_far.unit, so_far.n * sizeof(*out->unit));
		out->n = so_far.n;
		return true;
	}
	for (size_t d = 0; d < DASHES; d++) {
		struct sigma_text next = so_far;

		for (const char *c = dashes[d]; *c != '\0'; c++)
			next.unit[next.n++] = (unsigned char)*c;
		if (!vary(v, next, dash + len))
			return false;
	}
	return true;
}

const char *
sigma_windash(struct arena *arena, struct sigma_texts *texts)
{
	struct variants v = { .arena = arena };

	for (size_t i = 0; i < texts->n; i++) {
		struct sigma_text work = text_new(arena,
		    3 * texts->at[i].n);

		v.from = &texts->at[i];
		if (!vary(&v, work, 0))
			return too_many;
	}
	texts->at = v.out;
	texts->n = v.n;
	return NULL;
}

/* --- encodings ----------------------------------------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Base64 of `skip` blanks and the text, the first `cut` characters left out;
 * padded, or without the characters that depend on what follows. */
static struct sigma_text
base64(struct arena *arena, const struct sigma_text *text, size_t skip,
    bool padded)
{
	static const size_t cut[] = { 0, 2, 3 };
	size_t total = skip + text->n, full = total * 8 / 6;
	struct sigma_text out = text_new(arena, total * 4 / 3 + 8);

	for (size_t i = cut[skip]; i < (total * 8 + 5) / 6; i++) {
		size_t bit = i * 6, byte = bit / 8;
		unsigned high = byte < skip ? ' ' : byte < total
		    ? text->unit[byte - skip] : 0;
		unsigned low = byte + 1 < skip ? ' ' : byte + 1 < total
		    ? text->unit[byte + 1 - skip] : 0;

		if (!padded && i >= full)
			break;
		out.unit[out.n++] = (unsigned char)alphabet[
		    (((high << 8) | low) >> (10 - bit % 8)) & 63];
	}
	while (padded && out.n % 4 != 0)
		out.unit[out.n++] = '=';
	return out;
}

const char *
sigma_base64(struct arena *arena, struct sigma_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		if (has_wildcards(&texts->at[i]))
			return no_wildcards;
		texts->at[i] = base64(arena, &texts->at[i], 0, true);
	}
	return NULL;
}

const char *
sigma_base64offset(struct arena *arena, struct sigma_texts *texts)
{
	struct sigma_text *out;

	if (texts->n * 3 > SIGMA_EXPANSIONS)
		return too_many;
	out = arena_alloc(arena, texts->n * 3 * sizeof(*out));
	for (size_t i = 0; i < texts->n; i++) {
		if (has_wildcards(&texts->at[i]))
			return no_wildcards;
		for (size_t skip = 0; skip < 3; skip++)
			out[3 * i + skip] = base64(arena, &texts->at[i], skip,
			    false);
	}
	texts->at = out;
	texts->n *= 3;
	return NULL;
}

static void
put16(struct sigma_text *out, unsigned unit, bool high_first)
{
	unsigned high = unit >> 8 & 0xff, low = unit & 0xff;

	out->unit[out->n++] = (glob_unit)(high_first ? high : low);
	out->unit[out->n++] = (glob_unit)(high_first ? low : high);
}

/* Appends text; NULL, or what is wrong with it. */
static const char *
put_run(struct sigma_text *out, struct slice bytes, bool high_first)
{
	while (bytes.len > 0) {
		uint32_t point;
		size_t n = utf8_next(bytes, &point);

		if (n == 0)
			return "the value is not UTF-8";
		if (point > 0xffff) {
			put16(out, 0xd800 + ((point - 0x10000) >> 10),
			    high_first);
			point = 0xdc00 + ((point - 0x10000) & 0x3ff);
		}
		put16(out, point, high_first);
		bytes = slice_skip(bytes, n);
	}
	return NULL;
}

/* Wildcards stay what they are. */
const char *
sigma_utf16(struct arena *arena, struct sigma_texts *texts, bool high_first,
    bool mark)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct sigma_text *text = &texts->at[i];
		struct sigma_text out = text_new(arena, 2 * text->n + 2);
		char *bytes = arena_text(arena, text->n + 1);

		if (mark)
			put16(&out, 0xfeff, high_first);
		for (size_t k = 0; k < text->n; k++) {
			const char *why;
			size_t n = 0;

			while (k + n < text->n && text->unit[k + n] <
			    GLOB_STAR) {
				bytes[n] = (char)text->unit[k + n];
				n++;
			}
			why = put_run(&out, slice_of(bytes, n), high_first);
			if (why != NULL)
				return why;
			k += n;
			if (k < text->n)
				out.unit[out.n++] = text->unit[k];
		}
		*text = out;
	}
	return NULL;
}
