#include "engine/slice.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	return true;
}

int
slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

#if defined(__SSE2__)

#define STEP 16
#define VECTOR(ptr) _mm_loadu_si128((const __m128i *)(const void *)(ptr))

/* A bit for each of sixteen places where both the first and the last byte of
 * the needle would stand: most texts differ from it there. memmem of the C
 * library prepares a table first, which short values never pay back. */
static ptrdiff_t
find_in_steps(struct slice s, struct slice needle, size_t *from)
{
	const __m128i first = _mm_set1_epi8(needle.ptr[0]);
	const __m128i last = _mm_set1_epi8(needle.ptr[needle.len - 1]);
	size_t i = 0;

	for (; i + STEP + needle.len - 1 <= s.len; i += STEP) {
		unsigned found = (unsigned)_mm_movemask_epi8(_mm_and_si128(
		    _mm_cmpeq_epi8(VECTOR(s.ptr + i), first), _mm_cmpeq_epi8(
		    VECTOR(s.ptr + i + needle.len - 1), last)));

		for (; found != 0; found &= found - 1) {
			size_t at = i + (unsigned)__builtin_ctz(found);

			if (memcmp(s.ptr + at, needle.ptr, needle.len) == 0)
				return (ptrdiff_t)at;
		}
	}
	*from = i;
	return -1;
}

#else

static ptrdiff_t
find_in_steps(struct slice s, struct slice needle, size_t *from)
{
	(void)s;
	(void)needle;
	*from = 0;
	return -1;
}

#endif

/* A hostile text of many first and last bytes is left to memmem, which takes
 * time in proportion to its length whatever stands in it. */
#define FIND_SHORT 4096
#define NEEDLE_SHORT 64

ptrdiff_t
slice_find(struct slice s, struct slice needle)
{
	ptrdiff_t found;
	const char *at;
	size_t from = 0;

	if (needle.len == 0)
		return 0;
	if (needle.len > s.len)
		return -1;
	if (s.len > FIND_SHORT || needle.len > NEEDLE_SHORT) {
		at = memmem(s.ptr, s.len, needle.ptr, needle.len);
		return at == NULL ? -1 : at - s.ptr;
	}
	found = find_in_steps(s, needle, &from);
	for (; found < 0 && from + needle.len <= s.len; from++)
		if (s.ptr[from] == needle.ptr[0] && memcmp(s.ptr + from,
		    needle.ptr, needle.len) == 0)
			found = (ptrdiff_t)from;
	return found;
}

/* memchr for both cases of the first letter would look at most bytes twice in
 * common text; one pass that compares the first byte is as fast here. */
ptrdiff_t
slice_find_nocase(struct slice s, struct slice needle)
{
	char first;

	if (needle.len == 0)
		return 0;
	if (needle.len > s.len)
		return -1;
	first = ascii_lower(needle.ptr[0]);
	for (size_t i = 0; i <= s.len - needle.len; i++) {
		if (ascii_lower(s.ptr[i]) != first)
			continue;
		if (slice_eq_nocase(slice_of(s.ptr + i, needle.len), needle))
			return (ptrdiff_t)i;
	}
	return -1;
}

ptrdiff_t
slice_find_byte(struct slice s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

	return at == NULL ? -1 : at - s.ptr;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool
slice_ulong(struct slice s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';

		if (digit > 9)
			return false;
		if (i >= 19 && (n > UINT64_MAX / 10 ||
		    n * 10 > UINT64_MAX - digit))
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

bool
slice_long(struct slice s, int64_t *out)
{
	bool minus = s.len > 0 && s.ptr[0] == '-';
	uint64_t n;

	if (!slice_ulong(minus ? slice_skip(s, 1) : s, &n))
		return false;
	if (n > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

/* Digits with at most one point and one exponent: what strtod takes, less the
 * hex, inf, nan and leading blanks that it takes too. */
static bool
looks_decimal(struct slice s)
{
	size_t i = 0, digits = 0;

	if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
		i++;
	for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
		digits++;
	if (i < s.len && s.ptr[i] == '.')
		for (i++; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
			digits++;
	if (digits == 0)
		return false;
	if (i == s.len)
		return true;
	if (s.ptr[i] != 'e' && s.ptr[i] != 'E')
		return false;
	i++;
	if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
		i++;
	if (i == s.len)
		return false;
	for (; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return true;
}

/* strtod_l needs a locale whose point is '.'; made on first use, never freed.
 * Two threads may make one each; the loser's is kept for nobody, once. */
static locale_t
c_locale(void)
{
	static _Atomic(locale_t) made;
	locale_t locale = made;

	if (locale == (locale_t)0) {
		locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
		made = locale;
	}
	return locale;
}

bool
slice_double(struct slice s, double *out)
{
	char text[128], *end;
	double d;
	locale_t locale;

	/* Longer ones carry no more precision than we could keep. */
	if (s.len >= sizeof(text) || !looks_decimal(s))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	locale = c_locale();
	d = locale == (locale_t)0 ? strtod(text, &end) :
	    strtod_l(text, &end, locale);
	if (*end != '\0' || d - d != 0)	/* 1e999 is infinite */
		return false;
	*out = d;
	return true;
}
