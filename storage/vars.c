/* A column: a byte for its kind in the stream of numbers, and then
 *
 *	CONST	length; bytes among the texts
 *	FRAME	width, least as zigzag, bits a number, the numbers packed
 *	DELTA	width, zigzag of the difference to the number before
 *	HEX	length of the prefix, digits a value; prefix among the texts; half
 *		bytes; HEX_UPPER for capital letters
 *	TEXT	length of the prefix, length of each rest; bytes among the texts
 *
 * width is the number of digits if all values have as many and one begins with
 * a 0, else 0. Distances of times are FRAME or DELTA.
 */
#include "storage/vars.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/strbuf.h"
#include "storage/column_format.h"
#include "storage/pack.h"

enum var_kind { VAR_CONST, VAR_FRAME, VAR_DELTA, VAR_HEX, VAR_HEX_UPPER,
	VAR_TEXT };

#define DIGITS_MOST 18		/* of a number that fits */
#define PREFIX_MOST 64
#define HEX_MOST 64

void
vars_packer_init(struct vars_packer *packer)
{
	*packer = (struct vars_packer){ .scratch = NULL };
	strbuf_init(&packer->numbers);
	strbuf_init(&packer->texts);
}

void
vars_packer_fini(struct vars_packer *packer)
{
	strbuf_fini(&packer->numbers);
	strbuf_fini(&packer->texts);
	free(packer->scratch);
}

/* --- packing -------------------------------------------------------------- */

static void
put_number(struct strbuf *out, uint64_t n)
{
	char *at = strbuf_room(out, VARINT_BYTES);

	out->len += (size_t)(put_varint(at, n) - at);
}

static struct slice
text_of(const struct var_row *row, unsigned j)
{
	return slice_of(row->raw + row->vars[j].word.at,
	    row->vars[j].word.len);
}

/* What all texts of a column have in common. */
struct looks {
	uint32_t prefix;
	bool	 same, decimal, lower, upper;	/* hex behind the prefix */
	bool	 one_length, leading_zero;
};

static unsigned
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

static void
look_at(struct looks *looks, struct slice text, struct slice first)
{
	uint32_t i = 0;

	while (i < looks->prefix && i < text.len && text.ptr[i] ==
	    first.ptr[i])
		i++;
	looks->prefix = i;
	looks->one_length = looks->one_length && text.len == first.len;
	if (looks->decimal) {
		uint32_t k = 0;

		while (k < text.len && text.ptr[k] >= '0' &&
		    text.ptr[k] <= '9')
			k++;
		looks->decimal = k == text.len && k > 0 && k <= DIGITS_MOST;
		looks->leading_zero |= k > 1 && text.ptr[0] == '0';
	}
}

static void
look_for_hex(struct looks *looks, struct slice text)
{
	for (uint32_t i = looks->prefix; i < text.len; i++) {
		char c = text.ptr[i];

		if (hex_digit(c) > 15) {
			looks->lower = looks->upper = false;
			return;
		}
		looks->lower = looks->lower && (c < 'A' || c > 'F');
		looks->upper = looks->upper && (c < 'a' || c > 'f');
	}
}

static struct looks
looks_of(const struct var_row *rows, uint32_t n, unsigned j)
{
	struct slice first = text_of(&rows[0], j);
	struct looks looks = { .decimal = true, .one_length = true };

	looks.prefix = (uint32_t)first.len;
	for (uint32_t i = 0; i < n; i++)
		look_at(&looks, text_of(&rows[i], j), first);
	looks.same = looks.prefix == first.len && looks.one_length;
	if (looks.prefix > PREFIX_MOST)
		looks.prefix = PREFIX_MOST;
	if (looks.same || !looks.one_length || looks.decimal ||
	    first.len - looks.prefix > HEX_MOST)
		return looks;
	looks.lower = looks.upper = true;
	for (uint32_t i = 0; i < n && (looks.lower || looks.upper); i++)
		look_for_hex(&looks, text_of(&rows[i], j));
	return looks;
}

static void
put_numbers(struct vars_packer *packer, uint32_t n, unsigned width)
{
	struct strbuf *out = &packer->numbers;
	int64_t *numbers = (int64_t *)(void *)packer->scratch;
	int64_t min = numbers[0], max = numbers[0], last = 0;
	size_t delta = 0, frame;
	unsigned bits;
	char *at;

	for (uint32_t i = 0; i < n; i++) {
		min = numbers[i] < min ? numbers[i] : min;
		max = numbers[i] > max ? numbers[i] : max;
	}
	bits = max == min ? 0 : 64 - (unsigned)__builtin_clzll(
	    (uint64_t)max - (uint64_t)min);
	frame = PACKED_BYTES(n, bits);
	for (uint32_t i = 0; i < n && delta < frame; i++) {
		uint64_t step = zigzag((int64_t)((uint64_t)numbers[i] -
		    (uint64_t)last));

		delta += step == 0 ? 1 : (70 - (unsigned)
		    __builtin_clzll(step)) / 7;
		last = numbers[i];
	}
	strbuf_putc(out, delta < frame ? VAR_DELTA : VAR_FRAME);
	strbuf_putc(out, (char)width);
	last = 0;
	for (uint32_t i = 0; delta < frame && i < n; i++) {
		put_number(out, zigzag((int64_t)((uint64_t)numbers[i] -
		    (uint64_t)last)));
		last = numbers[i];
	}
	if (delta < frame)
		return;
	put_number(out, zigzag(min));
	strbuf_putc(out, (char)bits);
	for (uint32_t i = 0; i < n; i++)
		packer->scratch[i] -= (uint64_t)min;
	at = strbuf_room(out, frame + 8);
	bits_pack(packer->scratch, n, bits, at);
	out->len += frame;
}

static void
put_decimals(struct vars_packer *packer, const struct var_row *rows,
    uint32_t n, unsigned j, unsigned width)
{
	for (uint32_t i = 0; i < n; i++) {
		struct slice text = text_of(&rows[i], j);
		uint64_t number = 0;

		for (size_t k = 0; k < text.len; k++)
			number = number * 10 + (unsigned)(text.ptr[k] - '0');
		packer->scratch[i] = number;
	}
	put_numbers(packer, n, width);
}

static void
put_hex(struct vars_packer *packer, const struct var_row *rows, uint32_t n,
    unsigned j, const struct looks *looks)
{
	struct strbuf *out = &packer->numbers;
	struct slice first = text_of(&rows[0], j);
	size_t digits = first.len - looks->prefix, k = 0;
	char *at;

	strbuf_putc(out, looks->lower ? VAR_HEX : VAR_HEX_UPPER);
	put_number(out, looks->prefix);
	put_number(out, digits);
	strbuf_put(&packer->texts, slice_head(first, looks->prefix));
	at = strbuf_room(out, (n * digits + 1) / 2);
	memset(at, 0, (n * digits + 1) / 2);
	for (uint32_t i = 0; i < n; i++) {
		struct slice text = slice_skip(text_of(&rows[i], j),
		    looks->prefix);

		for (size_t d = 0; d < digits; d++, k++)
			at[k / 2] = (char)(at[k / 2] |
			    hex_digit(text.ptr[d]) << (k & 1) * 4);
	}
	out->len += (n * digits + 1) / 2;
}

static void
put_texts(struct vars_packer *packer, const struct var_row *rows, uint32_t n,
    unsigned j, const struct looks *looks)
{
	strbuf_putc(&packer->numbers, VAR_TEXT);
	put_number(&packer->numbers, looks->prefix);
	strbuf_put(&packer->texts, slice_head(text_of(&rows[0], j),
	    looks->prefix));
	for (uint32_t i = 0; i < n; i++) {
		struct slice text = slice_skip(text_of(&rows[i], j),
		    looks->prefix);

		put_number(&packer->numbers, text.len);
		strbuf_put(&packer->texts, text);
	}
}

static uint8_t
class_of(struct slice text)
{
	uint8_t class = 0;

	for (size_t i = 0; i < text.len; i++)
		class |= text.ptr[i] >= '0' && text.ptr[i] <= '9' ?
		    WORD_DIGITS : hex_digit(text.ptr[i]) < 16 ? WORD_HEX :
		    WORD_ANY;
	return class;
}

/* Answers what the words are made of. */
static uint8_t
put_words(struct vars_packer *packer, const struct var_row *rows, uint32_t n,
    unsigned j)
{
	struct looks looks = looks_of(rows, n, j);
	struct slice first = text_of(&rows[0], j);

	if (looks.same) {
		strbuf_putc(&packer->numbers, VAR_CONST);
		put_number(&packer->numbers, first.len);
		strbuf_put(&packer->texts, first);
		return class_of(first);
	} else if (looks.decimal && (!looks.leading_zero ||
	    looks.one_length)) {
		put_decimals(packer, rows, n, j, looks.leading_zero ?
		    (unsigned)first.len : 0);
		return WORD_DIGITS;
	} else if (looks.lower || looks.upper) {
		put_hex(packer, rows, n, j, &looks);
		return class_of(slice_head(first, looks.prefix)) |
		    WORD_DIGITS | WORD_HEX;
	}
	put_texts(packer, rows, n, j, &looks);
	return WORD_ANY;
}

static void
put_aways(struct vars_packer *packer, const struct var_row *rows, uint32_t n,
    unsigned j)
{
	for (uint32_t i = 0; i < n; i++)
		packer->scratch[i] = (uint64_t)rows[i].vars[j].away;
	put_numbers(packer, n, 0);
}

void
vars_put(struct vars_packer *packer, const struct line_template *template,
    const struct var_row *rows, uint32_t n, uint8_t *classes)
{
	unsigned j = 0;

	check(n > 0);
	if (n > packer->scratch_cap) {
		packer->scratch_cap = n;
		packer->scratch = xrealloc(packer->scratch,
		    n * sizeof(*packer->scratch));
	}
	for (unsigned i = 0; i < template->nparts; i++) {
		switch (template->parts[i].kind) {
		case PART_WORD:
		case PART_REST:
			classes[j] |= put_words(packer, rows, n, j);
			j++;
			break;
		case PART_TIME:
			put_aways(packer, rows, n, j++);
			break;
		default:
			break;
		}
	}
}

/* --- reading -------------------------------------------------------------- */

static bool
get_frame(struct reader *r, struct var_column *column, uint64_t *numbers)
{
	uint64_t least = (uint64_t)unzigzag(read_varint(r));
	unsigned bits = read_u8(r);
	struct slice packed;

	if (r->bad || bits > 64)
		return false;
	packed = read_bytes(r, PACKED_BYTES(column->n, bits));
	if (r->bad)
		return false;
	bits_unpack(packed.ptr, column->n, bits, numbers);
	for (uint32_t i = 0; i < column->n; i++)
		numbers[i] += least;
	return true;
}

static bool
get_delta(struct reader *r, struct var_column *column, uint64_t *numbers)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < column->n; i++) {
		at += (uint64_t)unzigzag(read_varint(r));
		numbers[i] = at;
	}
	return !r->bad;
}

static bool
get_numbers(struct reader *r, struct var_column *column, struct arena *arena)
{
	uint64_t *numbers = arena_alloc(arena, column->n * sizeof(*numbers));
	bool good;

	column->numbers = numbers;
	column->width = read_u8(r);
	good = column->kind == VAR_FRAME ? get_frame(r, column, numbers) :
	    get_delta(r, column, numbers);
	return good && column->width <= DIGITS_MOST;
}

static bool
get_hex(struct reader *r, struct reader *texts, struct var_column *column)
{
	uint64_t prefix = read_varint(r), digits = read_varint(r);

	if (digits > HEX_MOST)
		return false;
	column->width = (uint8_t)digits;
	column->prefix = read_bytes(texts, prefix);
	column->packed = read_bytes(r, (column->n * digits + 1) / 2);
	return !r->bad && !texts->bad;
}

static bool
get_texts(struct reader *r, struct reader *from, struct var_column *column,
    struct arena *arena)
{
	struct slice *texts = arena_alloc(arena, column->n * sizeof(*texts));

	column->texts = texts;
	column->prefix = read_bytes(from, read_varint(r));
	for (uint32_t i = 0; i < column->n; i++)
		texts[i] = read_bytes(from, read_varint(r));
	return !r->bad && !from->bad;
}

static bool
column_get(struct reader *r, struct reader *texts, bool is_time,
    struct arena *arena, struct var_column *column)
{
	column->kind = read_u8(r);
	if (is_time && column->kind != VAR_FRAME && column->kind != VAR_DELTA)
		return false;
	switch (column->kind) {
	case VAR_CONST:
		column->prefix = read_bytes(texts, read_varint(r));
		return !r->bad && !texts->bad;
	case VAR_FRAME:
	case VAR_DELTA:
		return get_numbers(r, column, arena);
	case VAR_HEX:
	case VAR_HEX_UPPER:
		return get_hex(r, texts, column);
	case VAR_TEXT:
		return get_texts(r, texts, column, arena);
	default:
		return false;
	}
}

bool
vars_get(struct reader *numbers, struct reader *texts,
    const struct line_template *template, uint32_t n, struct arena *arena,
    struct var_column *columns)
{
	unsigned j = 0;

	for (unsigned i = 0; i < template->nparts; i++) {
		unsigned kind = template->parts[i].kind;

		if (kind != PART_WORD && kind != PART_REST &&
		    kind != PART_TIME)
			continue;
		columns[j] = (struct var_column){ .n = n };
		if (!column_get(numbers, texts, kind == PART_TIME, arena,
		    &columns[j++]))
			return false;
	}
	return true;
}

void
decimal_put(struct strbuf *line, uint64_t number, unsigned width)
{
	char buf[24], *at = buf + sizeof(buf);

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (buf + sizeof(buf) - at < (ptrdiff_t)width)
		*--at = '0';
	strbuf_put(line, slice_of(at, (size_t)(buf + sizeof(buf) - at)));
}

static void
put_half_bytes(const struct var_column *column, uint32_t i,
    struct strbuf *line)
{
	const char *digits = column->kind == VAR_HEX ? "0123456789abcdef" :
	    "0123456789ABCDEF";
	size_t k = (size_t)i * column->width;
	char *at = strbuf_room(line, column->width);

	for (unsigned d = 0; d < column->width; d++, k++)
		at[d] = digits[(uint8_t)column->packed.ptr[k / 2] >>
		    (k & 1) * 4 & 15];
	line->len += column->width;
}

void
var_put_text(const struct var_column *column, uint32_t i,
    struct strbuf *line)
{
	strbuf_put(line, column->prefix);
	switch (column->kind) {
	case VAR_FRAME:
	case VAR_DELTA:
		decimal_put(line, column->numbers[i], column->width);
		break;
	case VAR_HEX:
	case VAR_HEX_UPPER:
		put_half_bytes(column, i, line);
		break;
	case VAR_TEXT:
		strbuf_put(line, column->texts[i]);
		break;
	default:
		break;
	}
}

int64_t
var_away(const struct var_column *column, uint32_t i)
{
	return (int64_t)column->numbers[i];
}
