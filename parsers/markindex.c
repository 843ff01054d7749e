#include "parsers/markindex.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/map.h"

#define STRIDE 8
#define SHORTS 12	/* texts that are looked for by one byte */
#define GRAM_BITS 15
#define GRAM_FACTOR 2654435761u
#define GRAMS (1u << GRAM_BITS)

struct mark_list {
	const struct mark_list *next;
	uint32_t entry;
};

/* A text is filed under `stride` of its pieces that follow each other, so that
 * looking at every stride-th place of a line is bound to meet one of them. */
struct text_anchor {
	struct slice text;
	size_t	 offset;	/* of the piece in the text */
	bool	 at_start;
	uint32_t entry;
	uint32_t head, mask;	/* the first four bytes, or what there is */
	const struct text_anchor *next;
};

/* The texts filed under a piece, and what may stand next to it in them: a bit
 * per byte % 64, all of them where a text begins or ends. */
struct gram {
	const struct text_anchor *anchors;
	uint64_t before, after;
};

/* A text too short for the stride: looked for by its rarest byte. */
struct short_text {
	struct slice text;
	size_t	 offset;	/* of that byte */
	uint32_t entry;
};

struct starred {
	struct slice begin;
	uint32_t entry;
};

/* Texts by priority: a lower tier is looked for only if the higher ones gave
 * nothing that takes the line. */
struct tier {
	uint32_t first;		/* lowest number of an entry filed here */
	size_t	 stride;
	struct short_text shorts[SHORTS];
	size_t	 nshorts;
	uint64_t bits[GRAMS / 64];
	struct gram *grams;	/* GRAMS of them */
};

struct markindex {
	struct arena *arena;
	struct mark_entry *entries;
	uint32_t n;
	struct map *programs, *vendors, *leef_vendors, *keys;
	struct starred *stars;	/* programs with a star */
	size_t	 nstars;
	uint32_t *any_vendor;	/* cef or leef marks without a vendor */
	size_t	 nany_vendor;
	struct tier tiers[MARK_TIERS];
};

static unsigned
tier_of(const struct mark_entry *entry)
{
	int priority = entry->marks->priority;

	return priority > 60 ? 0 : priority >= 50 ? 1 : priority >= 35 ? 2
	    : 3;
}

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

/* Letters are common in any text, signs and digits are not. */
static int
rarity(const char *p)
{
	int n = 0;

	for (int i = 0; i < 3; i++) {
		char c = p[i];

		if (c == ' ')
			n += 0;
		else if (c >= 'a' && c <= 'z')
			n += 1;
		else if (c >= 'A' && c <= 'Z')
			n += 2;
		else
			n += 3;
	}
	return n;
}

/* Where the rarest run of pieces begins. */
static size_t
best_gram(struct slice text, size_t stride)
{
	size_t best = 0;
	int most = -1;

	for (size_t i = 0; i + stride + 2 <= text.len; i++) {
		int n = 0;

		for (size_t k = 0; k < stride; k++)
			n += rarity(text.ptr + i + k);
		if (n > most) {
			most = n;
			best = i;
		}
	}
	return best;
}

static void
file_under(struct markindex *index, struct map *map, struct slice key,
    uint32_t entry)
{
	union map_value *place = map_get(map, key, NULL);
	struct mark_list *list = arena_alloc(index->arena, sizeof(*list));

	list->next = place->ptr;
	list->entry = entry;
	place->ptr = list;
}

/* How seldom a byte stands in a line, as far as lines have that in common. */
static int
byte_rarity(char c)
{
	if (c == ' ' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return 0;
	if (memchr(":.,=\"-_/()", c, 10) != NULL)
		return 1;
	return c >= 'A' && c <= 'Z' ? 2 : 3;
}

static char
rare_byte(const struct short_text *mark)
{
	return mark->text.ptr[mark->offset];
}

/* Beside those of the same rare byte. */
static void
file_short(struct tier *tier, struct slice text, uint32_t entry)
{
	struct short_text mark = { text, 0, entry };
	size_t at = tier->nshorts++;

	for (size_t i = 1; i < text.len; i++)
		if (byte_rarity(text.ptr[i]) >
		    byte_rarity(text.ptr[mark.offset]))
			mark.offset = i;
	while (at > 0 && rare_byte(&tier->shorts[at - 1]) > rare_byte(&mark)) {
		tier->shorts[at] = tier->shorts[at - 1];
		at--;
	}
	tier->shorts[at] = mark;
}

static inline uint64_t
byte_bit(char c)
{
	return UINT64_C(1) << ((unsigned char)c & 63);
}

static void
file_gram(struct tier *tier, struct slice text, size_t offset,
    struct text_anchor *anchor)
{
	uint32_t number = gram_at(text.ptr + offset);
	struct gram *gram = &tier->grams[number];

	anchor->text = text;
	anchor->offset = offset;
	anchor->mask = anchor->head = 0;
	for (size_t i = 0; i < 4 && i < text.len; i++) {
		((char *)&anchor->mask)[i] = (char)0xff;
		((char *)&anchor->head)[i] = text.ptr[i];
	}
	anchor->next = gram->anchors;
	gram->anchors = anchor;
	gram->before |= offset == 0 ? UINT64_MAX
	    : byte_bit(text.ptr[offset - 1]);
	gram->after |= offset + 3 == text.len ? UINT64_MAX
	    : byte_bit(text.ptr[offset + 3]);
	tier->bits[number >> 6] |= UINT64_C(1) << (number & 63);
}

static void
file_into(struct markindex *index, struct tier *tier, struct slice text,
    bool at_start, uint32_t entry)
{
	size_t first, n = at_start ? 1 : tier->stride;

	if (!at_start && text.len < tier->stride + 2) {
		file_short(tier, text, entry);
		return;
	}
	if (text.len < 3)
		return;
	first = at_start ? 0 : best_gram(text, tier->stride);
	for (size_t i = 0; i < n; i++) {
		struct text_anchor *anchor = arena_alloc(index->arena,
		    sizeof(*anchor));

		anchor->at_start = at_start;
		anchor->entry = entry;
		file_gram(tier, text, first + i, anchor);
	}
}

static void
file_text(struct markindex *index, struct slice text, bool at_start,
    uint32_t entry)
{
	unsigned number = tier_of(&index->entries[entry]);
	struct tier *tier = &index->tiers[number];

	if (entry < tier->first)
		tier->first = entry;
	file_into(index, tier, text, at_start, entry);
	if (number < MARK_TIER_ALL)
		file_into(index, &index->tiers[MARK_TIER_ALL], text, at_start,
		    entry);
}

static void
file_vendors(struct markindex *index, const struct marks *marks,
    uint32_t entry)
{
	struct map *map = marks->leef ? index->leef_vendors : index->vendors;
	bool any = marks->vendor.n == 0;

	for (size_t i = 0; i < marks->vendor.n; i++) {
		struct slice vendor = marks->vendor.at[i];

		if (slice_ends(vendor, SLICE("*")))
			any = true;
		else
			file_under(index, map, vendor, entry);
	}
	if (!any)
		return;
	index->any_vendor = xrealloc(index->any_vendor,
	    (index->nany_vendor + 1) * sizeof(uint32_t));
	index->any_vendor[index->nany_vendor++] = entry;
}

static void
file_programs(struct markindex *index, const struct marks *marks,
    uint32_t entry)
{
	for (size_t i = 0; i < marks->programs.n; i++) {
		struct slice program = marks->programs.at[i];

		if (!slice_ends(program, SLICE("*"))) {
			file_under(index, index->programs, program, entry);
			continue;
		}
		index->stars = xrealloc(index->stars, (index->nstars + 1) *
		    sizeof(*index->stars));
		index->stars[index->nstars++] = (struct starred){
		    slice_head(program, program.len - 1), entry };
	}
}

/* The longest is the rarest, more often than not. */
static size_t
longest_at(const struct words *words)
{
	size_t best = 0;

	for (size_t i = 1; i < words->n; i++)
		if (words->at[i].len > words->at[best].len)
			best = i;
	return best;
}

static struct slice
longest(const struct words *words)
{
	return words->at[longest_at(words)];
}

static bool
is_by_text(const struct marks *marks)
{
	return marks->programs.n == 0 && !marks->cef && !marks->leef &&
	    marks->keys.n == 0 && marks->nvalues == 0 &&
	    marks->contains.n > 0;
}

static bool
is_filed(const struct mark_entry *entry, unsigned tier)
{
	return tier_of(entry) == tier || (tier == MARK_TIER_ALL &&
	    tier_of(entry) < MARK_TIER_ALL);
}

/* The longest stride that leaves few texts too short for it. */
static size_t
find_stride(const struct markindex *index, unsigned tier)
{
	for (size_t stride = STRIDE; stride > 1; stride--) {
		size_t n = 0;

		for (uint32_t i = 0; i < index->n; i++) {
			const struct marks *marks = index->entries[i].marks;

			if (is_filed(&index->entries[i], tier) &&
			    is_by_text(marks) && longest(&marks->contains).len
			    < stride + 2)
				n++;
		}
		if (n <= SHORTS)
			return stride;
	}
	return 1;
}

static void
file_entry(struct markindex *index, uint32_t number)
{
	const struct marks *marks = index->entries[number].marks;

	if (marks->programs.n > 0) {
		file_programs(index, marks, number);
	} else if (marks->cef || marks->leef) {
		file_vendors(index, marks, number);
	} else if (marks->keys.n > 0) {
		file_under(index, index->keys, longest(&marks->keys), number);
	} else if (marks->nvalues > 0) {
		file_under(index, index->keys, marks->values[0].key, number);
	} else if (marks->contains.n > 0) {
		file_text(index, longest(&marks->contains), false, number);
	} else {
		for (size_t i = 0; i < marks->starts.n; i++)
			file_text(index, marks->starts.at[i], true, number);
	}
}

static int
by_rank(const void *a, const void *b)
{
	const struct mark_entry *x = a, *y = b;

	if (x->marks->priority != y->marks->priority)
		return x->marks->priority < y->marks->priority ? 1 : -1;
	if (x->has_program != y->has_program)
		return x->has_program ? -1 : 1;
	return slice_cmp(x->def->name, y->def->name);
}

struct markindex *
markindex_build(struct arena *arena, struct def *const *defs, size_t n)
{
	struct markindex *index = arena_zalloc(arena, sizeof(*index));
	size_t total = 0;

	index->arena = arena;
	index->programs = map_new();
	index->vendors = map_new();
	index->leef_vendors = map_new();
	index->keys = map_new();
	for (size_t i = 0; i < n; i++)
		total += defs[i]->nmarks;
	index->entries = arena_zalloc(arena, (total + 1) *
	    sizeof(*index->entries));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < defs[i]->nmarks; k++)
			index->entries[index->n++] = (struct mark_entry){
			    defs[i], &defs[i]->marks[k],
			    defs[i]->marks[k].programs.n > 0 };
	qsort(index->entries, index->n, sizeof(*index->entries), by_rank);
	for (unsigned i = 0; i < MARK_TIERS; i++) {
		struct tier *tier = &index->tiers[i];

		tier->grams = arena_zalloc(arena, GRAMS *
		    sizeof(*tier->grams));
		tier->first = UINT32_MAX;
		tier->stride = find_stride(index, i);
	}
	for (uint32_t i = 0; i < index->n; i++)
		file_entry(index, i);
	return index;
}

void
markindex_free(struct markindex *index)
{
	if (index == NULL)
		return;
	map_free(index->programs);
	map_free(index->vendors);
	map_free(index->leef_vendors);
	map_free(index->keys);
	free(index->stars);
	free(index->any_vendor);
}

const struct mark_entry *
markindex_entry(const struct markindex *index, uint32_t number)
{
	return &index->entries[number];
}

static void
add(struct candidates *out, uint32_t entry)
{
	size_t i = out->n;

	while (i > 0 && out->at[i - 1] > entry)
		i--;
	if (i > 0 && out->at[i - 1] == entry)
		return;
	if (out->n == CANDIDATES) {
		if (i == CANDIDATES)
			return;
		out->n--;
	}
	memmove(out->at + i + 1, out->at + i,
	    (out->n - i) * sizeof(out->at[0]));
	out->at[i] = entry;
	out->n++;
}

void
markindex_add(const struct mark_list *list, struct candidates *out)
{
	for (; list != NULL; list = list->next)
		add(out, list->entry);
}

void
markindex_program(const struct markindex *index, struct slice program,
    struct candidates *out)
{
	char buf[64];
	const union map_value *found;

	if (program.len == 0 || program.len > sizeof(buf))
		return;
	for (size_t i = 0; i < program.len; i++)
		buf[i] = ascii_lower(program.ptr[i]);
	program.ptr = buf;
	found = map_find(index->programs, program);
	if (found != NULL)
		markindex_add(found->ptr, out);
	for (size_t i = 0; i < index->nstars; i++)
		if ((index->stars[i].begin.len == 0 ||
		    index->stars[i].begin.ptr[0] == program.ptr[0]) &&
		    slice_starts(program, index->stars[i].begin))
			add(out, index->stars[i].entry);
}

static void
check_gram(const struct tier *tier, struct slice body, size_t at,
    struct candidates *out)
{
	const struct gram *gram = &tier->grams[gram_at(body.ptr + at)];
	const struct text_anchor *anchor = gram->anchors;

	if ((at > 0 && (gram->before & byte_bit(body.ptr[at - 1])) == 0) ||
	    (at + 3 < body.len &&
	    (gram->after & byte_bit(body.ptr[at + 3])) == 0))
		return;
	for (; anchor != NULL; anchor = anchor->next) {
		size_t start = at - anchor->offset;
		uint32_t head = 0;

		if (at < anchor->offset ||
		    (anchor->at_start && start != 0) ||
		    body.len - start < anchor->text.len)
			continue;
		memcpy(&head, body.ptr + start, body.len - start < 4
		    ? body.len - start : 4);
		if ((head & anchor->mask) != anchor->head ||
		    memcmp(body.ptr + start, anchor->text.ptr,
		    anchor->text.len) != 0)
			continue;
		add(out, anchor->entry);
	}
}

/* All texts of the same rare byte at once; answers how many these are. */
static size_t
find_shorts(const struct short_text *marks, size_t n, struct slice body,
    struct candidates *out)
{
	const char *p = body.ptr, *end = body.ptr + body.len;
	char rare = rare_byte(&marks[0]);
	size_t same = 1;

	while (same < n && rare_byte(&marks[same]) == rare)
		same++;
	while (p < end && (p = memchr(p, rare, (size_t)(end - p))) != NULL) {
		size_t at = (size_t)(p - body.ptr);

		for (size_t i = 0; i < same; i++) {
			const struct short_text *mark = &marks[i];

			if (at >= mark->offset && body.len -
			    (at - mark->offset) >= mark->text.len &&
			    memcmp(p - mark->offset, mark->text.ptr,
			    mark->text.len) == 0)
				add(out, mark->entry);
		}
		p++;
	}
	return same;
}

void
markindex_text(const struct markindex *index, unsigned number,
    struct slice body, struct candidates *out)
{
	const struct tier *tier = &index->tiers[number];
	size_t stride = tier->stride, i = 0;

	if (tier->first == UINT32_MAX && number != MARK_TIER_ALL)
		return;
	body = slice_head(body, MARK_BYTES);
	for (size_t k = 0; k < tier->nshorts; )
		k += find_shorts(&tier->shorts[k], tier->nshorts - k, body,
		    out);
	for (; i + 4 <= body.len; i += stride) {
		uint32_t gram = gram_in(body.ptr + i);

		if ((tier->bits[gram >> 6] >> (gram & 63) & 1) != 0)
			check_gram(tier, body, i, out);
	}
	if (i + 3 == body.len)
		check_gram(tier, body, i, out);
}

void
markindex_vendor(const struct markindex *index, bool leef,
    struct slice vendor, struct candidates *out)
{
	char buf[128];
	const union map_value *found;

	if (vendor.len > sizeof(buf))
		vendor.len = sizeof(buf);
	for (size_t i = 0; i < vendor.len; i++)
		buf[i] = ascii_lower(vendor.ptr[i]);
	found = map_find(leef ? index->leef_vendors : index->vendors,
	    slice_of(buf, vendor.len));
	if (found != NULL)
		markindex_add(found->ptr, out);
	for (size_t i = 0; i < index->nany_vendor; i++)
		add(out, index->any_vendor[i]);
}

const struct mark_list *
markindex_key(const struct markindex *index, struct slice key)
{
	const union map_value *found = map_find(index->keys, key);

	return found == NULL ? NULL : found->ptr;
}

size_t
markindex_anchor(const struct marks *marks)
{
	return is_by_text(marks) ? longest_at(&marks->contains)
	    : marks->contains.n;
}

uint32_t
markindex_first_text(const struct markindex *index, unsigned tier)
{
	uint32_t first = UINT32_MAX;

	for (; tier < MARK_TIERS; tier++)
		if (index->tiers[tier].first < first)
			first = index->tiers[tier].first;
	return first;
}

bool
marks_word(const struct words *words, struct slice word)
{
	for (size_t i = 0; i < words->n; i++) {
		struct slice mark = words->at[i];

		if (slice_ends(mark, SLICE("*"))) {
			mark.len--;
			if (word.len >= mark.len && slice_eq_nocase(
			    slice_head(word, mark.len), mark))
				return true;
		} else if (slice_eq_nocase(word, mark)) {
			return true;
		}
	}
	return false;
}
