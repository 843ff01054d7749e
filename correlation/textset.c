#include "correlation/textset.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "correlation/literal.h"
#include "correlation/nibble.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/fold.h"
#include "engine/map.h"
#include "engine/value.h"

#define GRAM TEXTSET_GRAM
#define BITS_MOST 18		/* log2 of the bits of the largest sieve */
#define BITS_LEAST 9

/* Keys while they are added, the last one first. */
struct waiting {
	struct waiting *next;
	uint32_t key;
};

/* Keys that wait for one text, side by side. */
struct crowd {
	uint32_t n;
	uint32_t key[];
};

/* A text that keys wait for, folded. */
struct text {
	struct text *next;	/* same gram, or too short for one */
	struct slice bytes;
	uint32_t offset;	/* of the gram within */
	uint8_t	 kind;
	struct waiting *waiting;	/* while building */
	const struct crowd *crowd;
};

struct gram {
	uint32_t key;		/* its bytes and 1 << 24; 0: free */
	struct text *texts;
};

/* --- building ------------------------------------------------------------ */

void
textset_init(struct textset *set, struct arena *arena)
{
	*set = (struct textset){ .arena = arena };
}

void
textset_fini(struct textset *set)
{
	map_free(set->exact);
	free(set->sieve);
	free(set->grams);
}

static void
add_waiting(struct textset *m, struct waiting **list, uint32_t key)
{
	struct waiting *waiting;

	/* Keys are added one after the other: one that names a text twice
	 * is still the last. */
	if (*list != NULL && (*list)->key == key)
		return;
	waiting = arena_alloc(m->arena, sizeof(*waiting));
	*waiting = (struct waiting){ *list, key };
	*list = waiting;
}

static void
add_text(struct textset *m, struct slice bytes, enum text_kind kind,
    uint32_t key)
{
	char *name = arena_text(m->arena, bytes.len + 1);
	union map_value *place;
	struct text *text;

	name[0] = (char)kind;
	memcpy(name + 1, bytes.ptr, bytes.len);
	if (m->known == NULL)
		m->known = map_new_borrowing();
	place = map_get(m->known, slice_of(name, bytes.len + 1), NULL);
	if (place->ptr == NULL) {
		if (m->n == m->cap) {
			m->cap = m->cap * 2 + 16;
			m->texts = xrealloc(m->texts, m->cap *
			    sizeof(struct text *));
		}
		text = arena_zalloc(m->arena, sizeof(*text));
		text->bytes = slice_of(name + 1, bytes.len);
		text->kind = (uint8_t)kind;
		m->texts[m->n++] = text;
		place->ptr = text;
	}
	text = place->ptr;
	add_waiting(m, &text->waiting, key);
}

static uint32_t
gram_at(const char *bytes)
{
	return (uint32_t)(unsigned char)bytes[0] |
	    (uint32_t)(unsigned char)bytes[1] << 8 |
	    (uint32_t)(unsigned char)bytes[2] << 16;
}

static uint32_t
gram_hash(uint32_t gram)
{
	return gram * 0x9e3779b1u;
}

static void
count_grams(struct map *counts, const struct text *text)
{
	for (size_t i = 0; i + GRAM <= text->bytes.len; i++)
		map_get(counts, slice_of(text->bytes.ptr + i, GRAM),
		    NULL)->num++;
}

/* How often a byte comes in common text, by rule of thumb. */
static unsigned
commonness(char c)
{
	if (c == ' ' || (c != '\0' && strchr("etaoinsr", c) != NULL))
		return 5;
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\\')
		return 3;
	return c == '.' || c == '/' || c == '-' ? 2 : 1;
}

/* The place of the gram that fewest texts have, so that few texts hang on
 * one; of equals the one with the least common bytes. Of a few texts only the
 * bytes count: what matters there is how seldom we have to stop. */
static uint32_t
rarest_gram(const struct textset *m, const struct map *counts,
    const struct text *text)
{
	uint64_t least = UINT64_MAX;
	uint32_t best = 0;

	for (size_t i = 0; i + GRAM <= text->bytes.len; i++) {
		const char *at = text->bytes.ptr + i;
		uint64_t cost = m->n <= NIBBLE_MOST ? 0 :
		    map_find(counts, slice_of(at, GRAM))->num * 16;

		for (size_t k = 0; k < GRAM; k++)
			cost += commonness(at[k]);
		if (cost < least) {
			least = cost;
			best = (uint32_t)i;
		}
	}
	return best;
}

static void
add_gram(struct textset *m, struct text *text)
{
	uint32_t key = gram_at(text->bytes.ptr + text->offset);
	uint32_t hash = gram_hash(key), bit = hash >> m->shift;
	uint32_t at = hash >> 7;

	m->sieve[bit >> 6] |= UINT64_C(1) << (bit & 63);
	key |= 1u << 24;
	while (m->grams[at & m->mask].key != 0 &&
	    m->grams[at & m->mask].key != key)
		at++;
	m->grams[at & m->mask].key = key;
	text->next = m->grams[at & m->mask].texts;
	m->grams[at & m->mask].texts = text;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, GRAM);
}

/* A few texts are looked for many places at a time. Triples that begin alike
 * share a set: it then allows little that none of them is. */
static void
add_nibble(struct textset *m)
{
	struct nibble *nibble = arena_zalloc(m->arena, sizeof(*nibble));
	char triples[NIBBLE_MOST][GRAM];
	size_t n = 0;

	for (uint32_t i = 0; i <= m->mask; i++) {
		uint32_t key = m->grams[i].key;

		if (key == 0)
			continue;
		for (size_t k = 0; k < GRAM; k++)
			triples[n][k] = (char)(key >> 8 * k & 0xff);
		n++;
	}
	qsort(triples, n, GRAM, by_bytes);
	for (size_t i = 0; i < n; i++)
		nibble_add(nibble, triples[i], (unsigned)(i * NIBBLE_SETS /
		    n));
	m->nibble = nibble;
}

static void
add_exact(struct textset *m, struct slice text, uint32_t key)
{
	struct waiting *list;
	union map_value *place;

	if (m->exact == NULL)
		m->exact = map_new();
	place = map_get(m->exact, text, NULL);
	list = place->ptr;
	add_waiting(m, &list, key);
	place->ptr = list;
}

#define NUMBER_BYTES 32

/* "#" keeps it apart from the text of a value. */
static struct slice
whole_text(int64_t number, char buf[NUMBER_BYTES])
{
	uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	char *at = buf + NUMBER_BYTES;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	*--at = number < 0 ? '-' : '+';
	*--at = '#';
	return slice_of(at, (size_t)(buf + NUMBER_BYTES - at));
}

/* A number as the one text that stands for all ways to write it; the empty
 * slice if we would not know it again. */
static struct slice
number_text(double number, char buf[NUMBER_BYTES])
{
	int n;

	if (!(fabs(number) < 1e15))
		return SLICE("");
	if (number == (double)(int64_t)number)
		return whole_text((int64_t)number, buf);
	n = snprintf(buf, NUMBER_BYTES, "%.6f", number);
	return slice_of(buf, (size_t)n);
}

void
textset_add_number(struct textset *m, double number, uint32_t key)
{
	char buf[NUMBER_BYTES];

	m->numbers = true;
	add_exact(m, number_text(number, buf), key);
}

void
textset_add(struct textset *m, struct slice text, enum text_kind kind,
    uint32_t key)
{
	if (kind == TEXT_EXACT)
		add_exact(m, text, key);
	else
		add_text(m, text, kind, key);
}

/* --- sealing ------------------------------------------------------------- */

static const struct crowd *
crowd_of(struct textset *m, const struct waiting *first)
{
	struct crowd *crowd;
	uint32_t n = 0;

	for (const struct waiting *w = first; w != NULL; w = w->next)
		n++;
	crowd = arena_alloc(m->arena, sizeof(*crowd) +
	    n * sizeof(crowd->key[0]));
	crowd->n = 0;
	for (const struct waiting *w = first; w != NULL; w = w->next)
		crowd->key[crowd->n++] = w->key;
	return crowd;
}

static void
settle_exact(struct textset *m)
{
	union map_value value;
	struct slice key;
	size_t at = 0;

	while (m->exact != NULL && map_next(m->exact, &at, &key, &value)) {
		union { const struct crowd *in; void *out; } crowd =
		    { .in = crowd_of(m, value.ptr) };

		map_find(m->exact, key)->ptr = crowd.out;
	}
}

/* The sieve has 32 bits for each text, so that one place in thirty passes by
 * chance; small ones fit the first cache, large ones the second. */
static void
make_tables(struct textset *m)
{
	unsigned bits = BITS_LEAST;
	size_t slots = 16;

	while (bits < BITS_MOST && (1u << bits) < m->n * 32)
		bits++;
	while (slots < m->n * 2)
		slots *= 2;
	m->shift = 32 - bits;
	m->mask = (uint32_t)slots - 1;
	m->sieve = xcalloc(1u << bits >> 6, sizeof(*m->sieve));
	m->grams = xcalloc(slots, sizeof(*m->grams));
}

static void
settle_text(struct textset *m, const struct map *counts, struct text *text)
{
	text->crowd = crowd_of(m, text->waiting);
	m->high = m->high || !fold_is_ascii(text->bytes);
	if (text->bytes.len < GRAM) {
		struct text **list = fold_is_ascii(text->bytes)
		    ? &m->shorts : &m->high_shorts;

		text->next = *list;
		*list = text;
		return;
	}
	text->offset = rarest_gram(m, counts, text);
	add_gram(m, text);
}

void
textset_seal(struct textset *m)
{
	struct map *counts = map_new();

	for (size_t i = 0; i < m->n; i++)
		count_grams(counts, m->texts[i]);
	if (map_count(counts) > 0)
		make_tables(m);
	for (size_t i = 0; i < m->n; i++)
		settle_text(m, counts, m->texts[i]);
	settle_exact(m);
	if (m->sieve != NULL && m->n <= NIBBLE_MOST && nibble_usable())
		add_nibble(m);
	map_free(counts);
	map_free(m->known);
	free(m->texts);
	m->known = NULL;
	m->texts = NULL;
}

/* --- finding ------------------------------------------------------------- */

static void
offer_all(struct key_sink *sink, const struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->n; i++)
		key_offer(sink, crowd->key[i]);
}

/* Whether the text stands in `in` where its kind wants it, beginning at
 * `from`, which may lie before the beginning. */
static bool
stands(const struct text *text, struct slice in, ptrdiff_t from)
{
	size_t len = text->bytes.len;

	if (from < 0 || len > in.len - (size_t)from)
		return false;
	if ((text->kind == TEXT_STARTS && from != 0) ||
	    (text->kind == TEXT_ENDS && (size_t)from + len != in.len))
		return false;
	return memcmp(in.ptr + from, text->bytes.ptr, len) == 0;
}

static const struct text *
find_gram(const struct textset *m, uint32_t key)
{
	uint32_t slot = gram_hash(key) >> 7;

	key |= 1u << 24;
	for (;; slot++) {
		const struct gram *gram = &m->grams[slot & m->mask];

		if (gram->key == key)
			return gram->texts;
		if (gram->key == 0)
			return NULL;
	}
}

static void
offer_gram(const struct textset *m, uint32_t key, struct slice in, size_t at,
    struct key_sink *sink)
{
	const struct text *text = find_gram(m, key);

	for (; text != NULL; text = text->next)
		if (stands(text, in, (ptrdiff_t)at - text->offset))
			offer_all(sink, text->crowd);
}

static bool
passes(const uint64_t *sieve, unsigned shift, uint32_t key)
{
	uint32_t bit = gram_hash(key) >> shift;

	return (sieve[bit >> 6] >> (bit & 63) & 1) != 0;
}

/* Every place of the value against the sieve: no place waits for another. Four
 * bytes are read at once, where there are four; the tail by itself. */
static void
scan(const struct textset *m, struct slice in, struct key_sink *sink)
{
	const uint64_t *sieve = m->sieve;
	unsigned shift = m->shift;
	size_t i = 0;

	for (; i + GRAM + 2 <= in.len; i += 2) {
		uint32_t word, first, second;

		memcpy(&word, in.ptr + i, sizeof(word));
		first = le32toh(word) & 0xffffff;
		second = le32toh(word) >> 8;
		if (passes(sieve, shift, first))
			offer_gram(m, first, in, i, sink);
		if (passes(sieve, shift, second))
			offer_gram(m, second, in, i + 1, sink);
	}
	for (; i + GRAM <= in.len; i++)
		if (passes(sieve, shift, gram_at(in.ptr + i)))
			offer_gram(m, gram_at(in.ptr + i), in, i, sink);
}

static void
scan_few(const struct textset *m, struct slice in,
    struct key_sink *sink)
{
	bool high = false;

	for (size_t at = 0; (at = nibble_find(m->nibble, in, at, &high)) +
	    GRAM <= in.len; at++)
		offer_gram(m, gram_at(in.ptr + at), in, at, sink);
}

bool
textset_may_find(const struct textset *m, struct slice in)
{
	bool high = false;

	for (size_t at = 0; (at = nibble_find(m->nibble, in, at, &high)) +
	    GRAM <= in.len; at++) {
		char gram[GRAM];

		for (size_t k = 0; k < GRAM; k++)
			gram[k] = (char)fold_ascii[(unsigned char)
			    in.ptr[at + k]];
		if (find_gram(m, gram_at(gram)) != NULL)
			return true;
	}
	return high && (m->high || fold_hides_ascii(in));
}

static void
scan_shorts(const struct text *text, struct slice in,
    struct key_sink *sink)
{
	for (; text != NULL; text = text->next) {
		if (text->kind == TEXT_STARTS ? stands(text, in, 0)
		    : text->kind == TEXT_ENDS ? stands(text, in,
		    (ptrdiff_t)in.len - (ptrdiff_t)text->bytes.len)
		    : slice_find(in, text->bytes) >= 0)
			offer_all(sink, text->crowd);
	}
}

static void
look_up(const struct textset *m, struct slice text,
    struct key_sink *sink)
{
	const union map_value *place = map_find(m->exact, text);

	if (place != NULL)
		offer_all(sink, place->ptr);
}

void
textset_find(const struct textset *m, const struct value *value,
    struct slice folded, struct key_sink *sink)
{
	char digits[NUMBER_BYTES];
	double number;

	if (m->exact != NULL)
		look_up(m, folded, sink);
	if (m->nibble != NULL)
		scan_few(m, folded, sink);
	else if (m->sieve != NULL)
		scan(m, folded, sink);
	scan_shorts(m->shorts, folded, sink);
	if (m->high_shorts != NULL && !fold_is_ascii(folded))
		scan_shorts(m->high_shorts, folded, sink);
	if (m->numbers && value_as_double(value, &number))
		look_up(m, number_text(number, digits), sink);
}

bool
textset_is_few(const struct textset *m)
{
	return m->nibble != NULL && m->exact == NULL && m->shorts == NULL &&
	    m->high_shorts == NULL;
}

size_t
textset_bytes(const struct textset *m)
{
	size_t bytes = m->n * sizeof(struct text);

	if (m->sieve != NULL)
		bytes += (1u << (32 - m->shift) >> 3) +
		    (m->mask + 1) * sizeof(struct gram);
	return bytes;
}
