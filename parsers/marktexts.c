#include "parsers/marktexts.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/arena.h"
#include "engine/check.h"
#include "parsers/markindex.h"

#define GRAM_BITS 15
#define GRAM_FACTOR 2654435761u
#define GRAMS (1u << GRAM_BITS)
#define CHAINS 4096		/* by the upper bits of a gram's number */
#define GROUPS 16
#define WIDE 32			/* places looked at together */
#define CROWD 64		/* texts of one gram before others are taken */

/* The first four bytes, or what there is of them, are compared before the
 * text itself is touched. */
struct anchor {
	struct slice text;
	uint32_t offset;	/* of the gram in the text */
	uint32_t gram;
	uint32_t head, mask;
	uint32_t entry;
	const struct anchor *next;
};

struct marktexts {
	struct arena *arena;
	uint64_t bits[GRAMS / 64];
	/* [group / 8][i][half][nibble]: the groups in which a gram has such a
	 * half of its byte i. */
	uint8_t	 halves[GROUPS / 8][MARK_TEXT_BYTES][2][16];
	const struct anchor *chains[CHAINS];
	const struct anchor *starts[256];	/* by their first byte */
	const struct anchor *any_start;	/* empty texts */
	struct anchor *all;	/* until they are ready */
	size_t	 n;
	bool	 wide;		/* this machine has AVX2 */
};

static uint32_t
gram_at(const char *p)
{
	uint32_t n = (unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8 |
	    (uint32_t)(unsigned char)p[2] << 16;

	return (n << 8) * GRAM_FACTOR >> (32 - GRAM_BITS);
}

/* The same where four bytes may be read: one load, and the fourth is pushed
 * out. */
static inline uint32_t
gram_in(const char *p)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return (n << 8) * GRAM_FACTOR >> (32 - GRAM_BITS);
#else
	return gram_at(p);
#endif
}

struct marktexts *
marktexts_new(struct arena *arena)
{
	struct marktexts *texts = arena_zalloc(arena, sizeof(*texts));

	texts->arena = arena;
	return texts;
}

/* How seldom a byte stands in a line, as far as lines have that in common, and
 * the share of a line that each byte of such a kind has. */
static const double shares[] = { .06, .03, .02, .01, .004, .003 };

static int
byte_rarity(unsigned char c)
{
	if (c == ' ')
		return 0;
	if (c < ' ' || c >= 0x80)
		return 5;
	if (strchr("aeinorst0123456789", c) != NULL)
		return 1;
	if (strchr(":.,=\"-_/", c) != NULL)
		return 2;
	if (c >= 'a' && c <= 'z')
		return 3;
	return c >= 'A' && c <= 'Z' ? 4 : 5;
}

static int
gram_rarity(const char *p)
{
	int n = 0;

	for (size_t i = 0; i < MARK_TEXT_BYTES; i++)
		n += byte_rarity((unsigned char)p[i]);
	return n;
}

static size_t
crowd_of(const struct marktexts *texts, const char *p)
{
	uint32_t gram = gram_at(p);
	size_t n = 0;

	for (const struct anchor *a = texts->chains[gram % CHAINS]; a != NULL;
	    a = a->next)
		n += a->gram == gram;
	return n;
}

/* Where the rarest gram is; one that very many texts share is left out. */
static size_t
rarest_gram(const struct marktexts *texts, struct slice text)
{
	size_t best = 0;
	int most = -1;

	for (size_t i = 0; i + MARK_TEXT_BYTES <= text.len; i++) {
		int n = 1 + gram_rarity(text.ptr + i);

		if (n > most && crowd_of(texts, text.ptr + i) >= CROWD)
			n = 0;
		if (n > most) {
			most = n;
			best = i;
		}
	}
	return best;
}

static struct anchor *
make_anchor(struct marktexts *texts, struct slice text, uint32_t entry)
{
	struct anchor *anchor = arena_zalloc(texts->arena, sizeof(*anchor));

	anchor->text = text;
	anchor->entry = entry;
	for (size_t i = 0; i < 4 && i < text.len; i++) {
		((char *)&anchor->mask)[i] = (char)0xff;
		((char *)&anchor->head)[i] = text.ptr[i];
	}
	return anchor;
}

void
marktexts_add(struct marktexts *texts, struct slice text, uint32_t entry)
{
	struct anchor *anchor = make_anchor(texts, text, entry);
	const struct anchor **chain;

	check(text.len >= MARK_TEXT_BYTES);
	anchor->offset = (uint32_t)rarest_gram(texts, text);
	anchor->gram = gram_at(text.ptr + anchor->offset);
	chain = &texts->chains[anchor->gram % CHAINS];
	anchor->next = *chain;
	*chain = anchor;
	texts->bits[anchor->gram >> 6] |= UINT64_C(1) << (anchor->gram & 63);
	texts->n++;
}

void
marktexts_add_start(struct marktexts *texts, struct slice text,
    uint32_t entry)
{
	struct anchor *anchor = make_anchor(texts, text, entry);
	const struct anchor **chain = text.len == 0 ? &texts->any_start
	    : &texts->starts[(unsigned char)text.ptr[0]];

	anchor->next = *chain;
	*chain = anchor;
}

/* --- groups -------------------------------------------------------------- */
static const char *
gram_of(const struct anchor *anchor)
{
	return anchor->text.ptr + anchor->offset;
}

static int
by_rarity(const void *a, const void *b)
{
	const struct anchor *const *x = a, *const *y = b;
	int n = gram_rarity(gram_of(*y)) - gram_rarity(gram_of(*x));

	return n != 0 ? n : memcmp(gram_of(*x), gram_of(*y),
	    MARK_TEXT_BYTES);
}

/* What a group lets through: bytes whose halves it has, by their shares. */
struct group {
	uint16_t halves[MARK_TEXT_BYTES][2];
	double	 passes[MARK_TEXT_BYTES];
};

static double
passes_with(const struct group *group, size_t i, unsigned char c)
{
	uint16_t low = group->halves[i][0], high = group->halves[i][1];
	double sum = group->passes[i];
	bool new_low = (low >> (c & 15) & 1) == 0,
	    new_high = (high >> (c >> 4) & 1) == 0;

	low |= (uint16_t)(1u << (c & 15));
	for (unsigned k = 0; k < 16; k++) {
		if (new_high && (low >> k & 1) != 0)
			sum += shares[byte_rarity((unsigned char)
			    ((c & 0xf0) | k))];
		if (new_low && (high >> k & 1) != 0)
			sum += shares[byte_rarity((unsigned char)
			    (k << 4 | (c & 15)))];
	}
	return sum;
}

/* The group that lets through least more with this gram in it. */
static size_t
best_group(const struct group *groups, const unsigned char *gram)
{
	size_t best = 0;
	double least = 0;

	for (size_t g = 0; g < GROUPS; g++) {
		double was = 1, is = 1;

		for (size_t i = 0; i < MARK_TEXT_BYTES; i++) {
			was *= groups[g].passes[i];
			is *= passes_with(&groups[g], i, gram[i]);
		}
		if (g == 0 || is - was < least) {
			least = is - was;
			best = g;
		}
	}
	return best;
}

static void
put_into_group(struct marktexts *texts, struct group *groups,
    const unsigned char *gram)
{
	size_t g = best_group(groups, gram);
	uint8_t bit = (uint8_t)(1u << g % 8);

	for (size_t i = 0; i < MARK_TEXT_BYTES; i++) {
		unsigned low = gram[i] & 15, high = gram[i] >> 4;

		groups[g].passes[i] = passes_with(&groups[g], i, gram[i]);
		groups[g].halves[i][0] |= (uint16_t)(1u << low);
		groups[g].halves[i][1] |= (uint16_t)(1u << high);
		texts->halves[g / 8][i][0][low] |= bit;
		texts->halves[g / 8][i][1][high] |= bit;
	}
}

/* Rare grams first: they leave their group narrow. */
void
marktexts_ready(struct marktexts *texts)
{
	const struct anchor **all = xcalloc(texts->n + 1, sizeof(*all));
	struct group groups[GROUPS];
	size_t n = 0;

	memset(groups, 0, sizeof(groups));
	for (size_t i = 0; i < CHAINS; i++)
		for (const struct anchor *a = texts->chains[i]; a != NULL;
		    a = a->next)
			all[n++] = a;
	qsort(all, n, sizeof(*all), by_rarity);
	for (size_t i = 0; i < n; i++)
		put_into_group(texts, groups,
		    (const unsigned char *)gram_of(all[i]));
	free(all);
#if defined(__x86_64__)
	texts->wide = __builtin_cpu_supports("avx2");
#endif
}

/* --- finding ------------------------------------------------------------- */
static inline bool
stands_at(const struct anchor *anchor, struct slice body, size_t at)
{
	uint32_t head = 0;

	if (body.len - at < anchor->text.len)
		return false;
	if (body.len - at >= sizeof(head))
		memcpy(&head, body.ptr + at, sizeof(head));
	else
		memcpy(&head, body.ptr + at, body.len - at);
	return (head & anchor->mask) == anchor->head &&
	    (anchor->text.len <= sizeof(head) || memcmp(body.ptr + at,
	    anchor->text.ptr, anchor->text.len) == 0);
}

static __attribute__((noinline)) void
try_chain(const struct marktexts *texts, uint32_t gram, struct slice body,
    size_t at, struct candidates *out)
{
	const struct anchor *anchor = texts->chains[gram % CHAINS];

	for (; anchor != NULL; anchor = anchor->next)
		if (anchor->gram == gram && at >= anchor->offset &&
		    stands_at(anchor, body, at - anchor->offset))
			candidates_add(out, anchor->entry);
}

static inline void
try_place(const struct marktexts *texts, struct slice body, size_t at,
    struct candidates *out)
{
	uint32_t gram = at + 4 <= body.len ? gram_in(body.ptr + at)
	    : gram_at(body.ptr + at);

	if ((texts->bits[gram >> 6] >> (gram & 63) & 1) != 0)
		try_chain(texts, gram, body, at, out);
}

#if defined(__x86_64__)
static inline __attribute__((target("avx2"), always_inline)) __m256i
with_half(const uint8_t table[16], __m256i halves)
{
	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const __m128i *)(const void *)table)), halves);
}

/* A bit for each place where a gram of some group may stand. */
static inline __attribute__((target("avx2"), always_inline)) uint32_t
places_in(const struct marktexts *texts, const char *p)
{
	const __m256i half = _mm256_set1_epi8(15);
	__m256i first = _mm256_set1_epi8(-1), second = first;

#pragma GCC unroll 3
	for (size_t i = 0; i < MARK_TEXT_BYTES; i++) {
		__m256i bytes = _mm256_loadu_si256(
		    (const __m256i *)(const void *)(p + i));
		__m256i low = _mm256_and_si256(bytes, half);
		__m256i high = _mm256_and_si256(
		    _mm256_srli_epi16(bytes, 4), half);

		first = _mm256_and_si256(first, _mm256_and_si256(
		    with_half(texts->halves[0][i][0], low),
		    with_half(texts->halves[0][i][1], high)));
		second = _mm256_and_si256(second, _mm256_and_si256(
		    with_half(texts->halves[1][i][0], low),
		    with_half(texts->halves[1][i][1], high)));
	}
	return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(
	    _mm256_or_si256(first, second), _mm256_setzero_si256()));
}

/* The body has WIDE places at least; the last ones are looked at together with
 * some that were before. */
static __attribute__((target("avx2"))) void
find_wide(const struct marktexts *texts, struct slice body,
    struct candidates *out)
{
	size_t last = body.len - (WIDE + MARK_TEXT_BYTES - 1), done = 0;

	for (size_t i = 0; done < body.len - (MARK_TEXT_BYTES - 1); ) {
		uint32_t hits = places_in(texts, body.ptr + i);

		hits &= UINT32_MAX << (done - i);
		for (; hits != 0; hits &= hits - 1)
			try_place(texts, body, i +
			    (unsigned)__builtin_ctz(hits), out);
		done = i + WIDE;
		i = done < last ? done : last;
	}
}
#endif

void
marktexts_find(const struct marktexts *texts, struct slice body,
    struct candidates *out)
{
	const struct anchor *anchor = texts->any_start;

	for (; anchor != NULL; anchor = anchor->next)
		candidates_add(out, anchor->entry);
	if (body.len > 0)
		for (anchor = texts->starts[(unsigned char)body.ptr[0]];
		    anchor != NULL; anchor = anchor->next)
			if (stands_at(anchor, body, 0))
				candidates_add(out, anchor->entry);
#if defined(__x86_64__)
	if (texts->wide && body.len >= WIDE + MARK_TEXT_BYTES - 1) {
		find_wide(texts, body, out);
		return;
	}
#endif
	for (size_t i = 0; i + MARK_TEXT_BYTES <= body.len; i++)
		try_place(texts, body, i, out);
}
