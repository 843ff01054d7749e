/* Columns by their place. A quoted column may hold the delimiter and doubled
 * quotes. */
#include "parsers/decode.h"

#include "engine/arena.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define COLUMNS 512

/* Where the column that is not quoted ends: columns are short. */
static inline size_t
column_bytes(struct slice s, char delimiter)
{
	size_t n = 0;

#if defined(__SSE2__)
	const __m128i wanted = _mm_set1_epi8(delimiter);

	for (; s.len - n >= 16; n += 16) {
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
		    _mm_loadu_si128((const __m128i *)(const void *)
		    (s.ptr + n)), wanted));

		if (mask != 0)
			return n + (unsigned)__builtin_ctz(mask);
	}
#endif
	while (n < s.len && s.ptr[n] != delimiter)
		n++;
	return n;
}

static struct value
read_column(struct reading *reading, const struct decoder *decoder,
    struct slice *rest)
{
	char delimiter = decoder->delimiter == 0 ? ',' : decoder->delimiter;
	char quote = decoder->quote == 0 ? '"' : decoder->quote;
	struct slice s = *rest;
	ptrdiff_t end;
	size_t n = 0, i;
	char *out;

	if (s.len == 0 || s.ptr[0] != quote) {
		n = column_bytes(s, delimiter);
		*rest = slice_skip(s, n);
		s.len = n;
		if (n > 0 && (s.ptr[0] <= ' ' || s.ptr[n - 1] <= ' '))
			s = slice_trim(s);
		return reading_text(reading, s);
	}
	out = arena_text(reading->arena, s.len);
	for (i = 1; i < s.len; i++) {
		if (s.ptr[i] == quote) {
			if (i + 1 == s.len || s.ptr[i + 1] != quote)
				break;
			i++;
		}
		out[n++] = s.ptr[i];
	}
	end = (ptrdiff_t)(i < s.len ? i + 1 : i);
	*rest = slice_skip(s, (size_t)end);
	/* What stands between the quote and the delimiter is lost. */
	end = slice_find_byte(*rest, delimiter);
	*rest = slice_skip(*rest, end < 0 ? rest->len : (size_t)end);
	if (n + 1 == i || n == i - 1)
		return reading_text(reading, slice_of(s.ptr + 1, n));
	return value_text(slice_of(out, n), TRANSFORM_OWNED);
}

static const struct csv_columns *
choose(const struct decoder *decoder, const struct value *values, size_t n)
{
	const struct csv_columns *other = NULL;

	for (size_t i = 0; i < decoder->ncolumns; i++) {
		const struct csv_columns *columns = &decoder->columns[i];

		if (columns->value.len == 0 ||
		    slice_eq(columns->value, SLICE("*")))
			other = columns;
		else if (decoder->by > 0 && decoder->by <= n &&
		    slice_eq_nocase(columns->value,
		    slice_of(values[decoder->by - 1].text,
		    values[decoder->by - 1].len)))
			return columns;
	}
	return other;
}

bool
decode_csv(struct reading *reading, const struct decoder *decoder,
    struct slice body, uint32_t parent)
{
	struct value values[COLUMNS];
	const struct csv_columns *columns;
	size_t n = 0;

	while (n < COLUMNS) {
		values[n++] = read_column(reading, decoder, &body);
		if (body.len == 0)
			break;
		body = slice_skip(body, 1);
	}
	columns = choose(decoder, values, n);
	if (columns == NULL || n < 2)
		return false;
	for (size_t i = 0; i < n && i < columns->n; i++)
		if (columns->names[i].len > 0)
			reading_put(reading, parent, columns->names[i],
			    values[i]);
	return true;
}
