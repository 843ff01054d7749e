#include "parsers/join_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/event.h"

#define SOCKADDR_INET 2
#define SOCKADDR_INET6 10
#define SOCKADDR_UNIX 1
#define SOCKADDR_BYTES 128	/* sizeof(struct sockaddr_storage) */

/* --- what a line has to give ---------------------------------------------- */

/* Does the text stand between quotes in the line? */
static bool
is_quoted(const struct event *event, struct slice text)
{
	uintptr_t at = (uintptr_t)text.ptr, raw = (uintptr_t)event->raw.ptr;

	return at > raw && at <= raw + event->raw.len && text.ptr[-1] == '"';
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
is_hex(struct slice text)
{
	if (text.len == 0 || text.len % 2 != 0)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (hex_digit(text.ptr[i]) < 0)
			return false;
	return true;
}

static struct slice
unhex(struct arena *arena, struct slice text)
{
	char *out = arena_text(arena, text.len / 2 + 1);

	for (size_t i = 0; i < text.len / 2; i++)
		out[i] = (char)(hex_digit(text.ptr[2 * i]) * 16 +
		    hex_digit(text.ptr[2 * i + 1]));
	return slice_of(out, text.len / 2);
}

static struct slice
plain(struct arena *arena, const struct event *event, struct slice text)
{
	if (!is_quoted(event, text) && is_hex(text))
		return unhex(arena, text);
	return arena_dup(arena, text);
}

static void
add(struct join_pieces *pieces, struct join_piece piece)
{
	if (pieces->n == JOIN_PIECES) {
		pieces->capped = true;
		return;
	}
	if (pieces->n == pieces->cap) {
		pieces->cap = pieces->cap > 0 ? pieces->cap * 2 : 16;
		pieces->at = xrealloc(pieces->at, pieces->cap *
		    sizeof(*pieces->at));
	}
	piece.order = (uint32_t)pieces->n;
	pieces->at[pieces->n++] = piece;
}

/* "2" or "2[1]" at the end of a name. */
static bool
read_number(struct slice text, uint32_t *number, uint32_t *sub)
{
	ptrdiff_t open = slice_find_byte(text, '[');
	struct slice inner = SLICE("0");
	int64_t first, second;

	if (open >= 0) {
		if (!slice_ends(text, SLICE("]")))
			return false;
		inner = slice_skip(text, (size_t)open + 1);
		inner.len--;
		text = slice_head(text, (size_t)open);
	}
	if (text.len > 6 || inner.len > 6 || !slice_long(text, &first) ||
	    !slice_long(inner, &second) || first < 0 || second < 0)
		return false;
	*number = (uint32_t)first;
	*sub = (uint32_t)second;
	return true;
}

static void
take_numbered(struct join_pieces *pieces, struct arena *arena,
    const struct join_make *make, const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];

	for (size_t i = 0; i < event->n; i++) {
		struct slice name = field_name(event->fields[i]);
		struct join_piece piece = { .make = make };

		if (!slice_starts(name, make->before) ||
		    slice_ends(name, SLICE("]")) ||
		    event->values[i].type == VALUE_LIST ||
		    !read_number(slice_skip(name, make->before.len),
		    &piece.number, &piece.sub))
			continue;
		piece.text = plain(arena, event, value_as_text(
		    &event->values[i], buf));
		add(pieces, piece);
	}
}

/* The value that begins at *rest, in quotes or up to a blank. */
static struct slice
raw_value(struct slice *rest)
{
	bool quoted = slice_starts(*rest, SLICE("\""));
	ptrdiff_t end;
	struct slice value;

	if (quoted)
		*rest = slice_skip(*rest, 1);
	end = slice_find_byte(*rest, quoted ? '"' : ' ');
	value = slice_head(*rest, end < 0 ? rest->len : (size_t)end);
	*rest = slice_skip(*rest, value.len);
	return value;
}

/* Keys with brackets in them are no keys to a decoder of pairs, so the pieces
 * of a cut argument are found in the line itself. */
static void
take_cut(struct join_pieces *pieces, struct arena *arena,
    const struct join_make *make, const struct event *event)
{
	struct slice key = make->before, rest = event->raw;
	ptrdiff_t at;

	while ((at = slice_find_byte(key, '.')) >= 0)
		key = slice_skip(key, (size_t)at + 1);
	while ((at = slice_find(rest, SLICE("]="))) >= 0) {
		struct join_piece piece = { .make = make };
		size_t start = (size_t)at + 1;
		struct slice name;

		while (start > 0 && rest.ptr[start - 1] != ' ')
			start--;
		name = slice_of(rest.ptr + start, (size_t)at + 1 - start);
		rest = slice_skip(rest, (size_t)at + 2);
		if (!slice_starts(name, key) || !read_number(slice_skip(name,
		    key.len), &piece.number, &piece.sub))
			continue;
		piece.text = plain(arena, event, raw_value(&rest));
		add(pieces, piece);
	}
}

static void
take_field(struct join_pieces *pieces, struct arena *arena,
    const struct join_make *make, const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text = event_text(event, make->from, buf);

	if (text.len == 0)
		return;
	add(pieces, (struct join_piece){ .make = make,
	    .text = make->kind == JOIN_HEX ? plain(arena, event, text) :
	    arena_dup(arena, text) });
}

void
join_pieces_take(struct join_pieces *pieces, struct arena *arena,
    const struct join_spec *spec, const struct event *event,
    struct slice part)
{
	for (size_t i = 0; i < spec->nmakes; i++) {
		const struct join_make *make = &spec->makes[i];

		if (make->kind == JOIN_WORDS || (make->of.len > 0 &&
		    !slice_eq_nocase(make->of, part)))
			continue;
		if (make->kind == JOIN_NUMBERED) {
			take_numbered(pieces, arena, make, event);
			take_cut(pieces, arena, make, event);
		} else {
			take_field(pieces, arena, make, event);
		}
	}
}

/* --- putting together ----------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
	const struct join_piece *x = a, *y = b;

	if (x->make != y->make)
		return x->make < y->make ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->sub != y->sub)
		return x->sub < y->sub ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* The pieces of one number, one behind the other; moves *n behind them. */
static struct slice
glue(struct arena *arena, const struct join_piece *at, size_t most, size_t *n)
{
	size_t end = 0, len = 0;
	char *out;

	while (end < most && at[end].number == at[0].number)
		len += at[end++].text.len;
	*n = end;
	if (len > JOIN_MADE_BYTES)
		len = JOIN_MADE_BYTES;
	out = arena_text(arena, len + 1);
	len = 0;
	for (size_t i = 0; i < end; i++) {
		struct slice text = slice_head(at[i].text,
		    JOIN_MADE_BYTES - len);

		if (text.len > 0)
			memcpy(out + len, text.ptr, text.len);
		len += text.len;
	}
	return slice_of(out, len);
}

static bool
run_numbered(const struct join_piece *at, size_t n, struct event *out)
{
	struct arena *arena = out->batch->arena;
	size_t most = n < EVENT_ITEMS ? n : EVENT_ITEMS, nitems = 0, taken;
	struct value *items = arena_alloc(arena, most * sizeof(*items));

	for (size_t i = 0; i < n && nitems < most; i += taken)
		items[nitems++] = value_text(glue(arena, at + i, n - i,
		    &taken), TRANSFORM_OWNED);
	return event_set(out, at->make->to, value_list(items, nitems));
}

/* NUL stands between the arguments of a command. */
static bool
run_hex(const struct join_piece *piece, struct event *out)
{
	struct slice text = slice_head(piece->text, JOIN_MADE_BYTES);
	char *copy;

	while (text.len > 0 && text.ptr[text.len - 1] == '\0')
		text.len--;
	copy = arena_text(out->batch->arena, text.len + 1);
	for (size_t i = 0; i < text.len; i++)
		copy[i] = text.ptr[i] == '\0' ? ' ' : text.ptr[i];
	return event_set_text(out, piece->make->to, slice_of(copy, text.len),
	    TRANSFORM_OWNED);
}

static bool
set_address(struct event *out, const struct join_make *make,
    const char *address, unsigned port)
{
	struct slice text = arena_dup(out->batch->arena, slice_cstr(address));

	event_set_text(out, make->address, text, TRANSFORM_OWNED);
	event_set(out, make->port, value_long(port));
	return event_set_text(out, make->ip, text, TRANSFORM_OWNED);
}

/* The family in the byte order of little-endian machines, all else in that of
 * the network. */
static bool
run_sockaddr(const struct join_piece *piece, struct event *out)
{
	unsigned char b[SOCKADDR_BYTES] = { 0 };
	char text[48];
	size_t n = piece->text.len / 2;

	if (!is_hex(piece->text) || n < 4 || n > sizeof(b))
		return false;
	for (size_t i = 0; i < n; i++)
		b[i] = (unsigned char)(hex_digit(piece->text.ptr[2 * i]) *
		    16 + hex_digit(piece->text.ptr[2 * i + 1]));
	if (b[0] == SOCKADDR_INET && b[1] == 0 && n >= 8) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u", b[4], b[5], b[6],
		    b[7]);
		return set_address(out, piece->make, text,
		    b[2] * 256u + b[3]);
	} else if (b[0] == SOCKADDR_INET6 && b[1] == 0 && n >= 24) {
		for (size_t i = 0; i < 8; i++)
			snprintf(text + i * 5, sizeof(text) - i * 5,
			    i < 7 ? "%04x:" : "%04x",
			    b[8 + 2 * i] * 256u + b[9 + 2 * i]);
		return set_address(out, piece->make, text,
		    b[2] * 256u + b[3]);
	} else if (b[0] == SOCKADDR_UNIX && b[1] == 0) {
		struct slice path = { (const char *)b + 2, 0 };

		while (path.len < n - 2 && path.ptr[path.len] != '\0')
			path.len++;
		return path.len > 0 && event_set_text(out,
		    piece->make->address, arena_dup(out->batch->arena, path),
		    TRANSFORM_OWNED);
	}
	return false;
}

static bool
run_words(const struct join_make *make, struct event *out)
{
	const struct value *list = event_get(out, make->from);
	size_t n = list == NULL ? 0 : value_members(list), len = 0;
	char buf[VALUE_TEXT_BYTES];
	char *text;

	for (size_t i = 0; i < n; i++)
		len += value_as_text(value_member(list, i), buf).len + 1;
	if (n == 0)
		return false;
	if (len > JOIN_MADE_BYTES)
		len = JOIN_MADE_BYTES;
	text = arena_text(out->batch->arena, len);
	len = 0;
	for (size_t i = 0; i < n && len < JOIN_MADE_BYTES; i++) {
		struct slice word = value_as_text(value_member(list, i), buf);

		if (i > 0)
			text[len++] = ' ';
		word = slice_head(word, JOIN_MADE_BYTES - len);
		if (word.len > 0)
			memcpy(text + len, word.ptr, word.len);
		len += word.len;
	}
	return event_set_text(out, make->to, slice_of(text, len),
	    TRANSFORM_OWNED);
}

static bool
run_make(const struct join_make *make, const struct join_pieces *pieces,
    struct event *out)
{
	const struct join_piece *at = pieces->at;
	size_t first = 0, n = 0;

	if (make->kind == JOIN_WORDS)
		return run_words(make, out);
	while (first < pieces->n && at[first].make != make)
		first++;
	while (first + n < pieces->n && at[first + n].make == make)
		n++;
	if (n == 0)
		return false;
	if (make->kind == JOIN_NUMBERED)
		return run_numbered(at + first, n, out);
	if (make->kind == JOIN_HEX)
		return run_hex(at + first, out);
	return run_sockaddr(at + first, out);
}

void
join_pieces_run(struct join_pieces *pieces, const struct join_spec *spec,
    struct event *out)
{
	bool made[JOIN_MAKES] = { false };

	if (pieces->n > 1)
		qsort(pieces->at, pieces->n, sizeof(*pieces->at), by_number);
	for (size_t i = 0; i < spec->nmakes; i++) {
		const struct join_make *make = &spec->makes[i];
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before = before || (made[k] && make->to != FIELD_NONE
			    && spec->makes[k].to == make->to);
		made[i] = !before && run_make(make, pieces, out);
	}
}
