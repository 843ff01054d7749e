#include "correlation/nibble.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define STEP 16
#define READS (STEP + NIBBLE_BYTES - 1)	/* bytes looked at in one step */

static void
add_byte(struct nibble *nibble, unsigned k, unsigned char c, unsigned set)
{
	nibble->low[k][c & 15] |= (uint8_t)(1u << set);
	nibble->high[k][c >> 4] |= (uint8_t)(1u << set);
}

void
nibble_add(struct nibble *nibble, const char triple[NIBBLE_BYTES],
    unsigned set)
{
	for (unsigned k = 0; k < NIBBLE_BYTES; k++) {
		unsigned char c = (unsigned char)triple[k];

		add_byte(nibble, k, c, set);
		if (c >= 'a' && c <= 'z')
			add_byte(nibble, k, (unsigned char)(c - 0x20), set);
	}
}

#if defined(__x86_64__)

bool
nibble_usable(void)
{
	return __builtin_cpu_supports("ssse3") != 0;
}

#define VECTOR(ptr) \
	_mm_loadu_si128((const __m128i *)(const void *)(ptr))

/* The sets that allow the bytes at this place of a triple. */
__attribute__((target("ssse3"), always_inline)) static inline __m128i
allow(const struct nibble *nibble, unsigned k, __m128i bytes)
{
	const __m128i half = _mm_set1_epi8(0x0f);

	return _mm_and_si128(_mm_shuffle_epi8(VECTOR(nibble->low[k]),
	    _mm_and_si128(bytes, half)), _mm_shuffle_epi8(
	    VECTOR(nibble->high[k]), _mm_and_si128(_mm_srli_epi16(bytes, 4),
	    half)));
}

/* A bit for each of sixteen places where a triple may begin. */
__attribute__((target("ssse3"), always_inline)) static inline unsigned
places(const struct nibble *nibble, const char *at, bool *high)
{
	__m128i first = VECTOR(at);
	__m128i sets = _mm_and_si128(allow(nibble, 0, first),
	    _mm_and_si128(allow(nibble, 1, VECTOR(at + 1)),
	    allow(nibble, 2, VECTOR(at + 2))));

	*high |= _mm_movemask_epi8(first) != 0;
	return ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(sets,
	    _mm_setzero_si128())) & 0xffff;
}

#define WIDE 32
#define WIDE_READS (WIDE + NIBBLE_BYTES - 1)

__attribute__((target("avx2"), always_inline)) static inline __m256i
wide_table(const uint8_t table[16])
{
	return _mm256_broadcastsi128_si256(VECTOR(table));
}

__attribute__((target("avx2"), always_inline)) static inline __m256i
wide_allow(__m256i low, __m256i high, const char *at)
{
	const __m256i half = _mm256_set1_epi8(0x0f);
	__m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);

	return _mm256_and_si256(_mm256_shuffle_epi8(low,
	    _mm256_and_si256(bytes, half)), _mm256_shuffle_epi8(high,
	    _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
}

/* Thirty-two places at once, as long as none of them remains. */
__attribute__((target("avx2"))) static size_t
skip_wide(const struct nibble *nibble, struct slice in, size_t at, bool *high)
{
	const __m256i low0 = wide_table(nibble->low[0]);
	const __m256i low1 = wide_table(nibble->low[1]);
	const __m256i low2 = wide_table(nibble->low[2]);
	const __m256i high0 = wide_table(nibble->high[0]);
	const __m256i high1 = wide_table(nibble->high[1]);
	const __m256i high2 = wide_table(nibble->high[2]);
	__m256i seen = _mm256_setzero_si256();

	for (; in.len - at >= WIDE_READS; at += WIDE) {
		const char *p = in.ptr + at;
		__m256i sets = _mm256_and_si256(wide_allow(low0, high0, p),
		    _mm256_and_si256(wide_allow(low1, high1, p + 1),
		    wide_allow(low2, high2, p + 2)));

		if (!_mm256_testz_si256(sets, sets))
			break;
		seen = _mm256_or_si256(seen, _mm256_loadu_si256(
		    (const __m256i *)(const void *)p));
	}
	*high |= _mm256_movemask_epi8(seen) != 0;
	return at;
}

__attribute__((target("ssse3"))) size_t
nibble_find(const struct nibble *nibble, struct slice in, size_t from,
    bool *high)
{
	char few[READS] = "";
	unsigned found;
	size_t at = from;

	if (in.len - from >= WIDE_READS && __builtin_cpu_supports("avx2"))
		at = skip_wide(nibble, in, from, high);
	for (; in.len - at >= READS; at += STEP) {
		found = places(nibble, in.ptr + at, high);
		if (found != 0)
			return at + (unsigned)__builtin_ctz(found);
	}
	/* The last step looks again at what was passed, if there was so much;
	 * else at a copy with zeros behind it. */
	if (in.len >= READS) {
		size_t last = in.len - READS;

		found = places(nibble, in.ptr + last, high);
		for (size_t i = NIBBLE_BYTES - 1; i > 0; i--)
			*high |= (unsigned char)in.ptr[in.len - i] > 0x7f;
		found &= 0xffffu << (at - last);
		return found == 0 || at >= in.len ? in.len
		    : last + (unsigned)__builtin_ctz(found);
	}
	memcpy(few, in.ptr + at, in.len - at);
	found = places(nibble, few, high);
	for (size_t i = STEP; i < READS; i++)
		*high |= (unsigned char)few[i] > 0x7f;
	if (found == 0 || at + (unsigned)__builtin_ctz(found) >= in.len)
		return in.len;
	return at + (unsigned)__builtin_ctz(found);
}

#else

bool
nibble_usable(void)
{
	return false;
}

size_t
nibble_find(const struct nibble *nibble, struct slice in, size_t from,
    bool *high)
{
	(void)nibble;
	*high = true;
	return from < in.len ? from : in.len;
}

#endif
