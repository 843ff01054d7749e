#include "parsers/markindex.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/map.h"
#include "parsers/marktexts.h"

struct mark_list {
	const struct mark_list *next;
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
	struct marktexts *texts;
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

static void
file_into(struct tier *tier, struct slice text, bool at_start, uint32_t entry)
{
	if (at_start)
		marktexts_add_start(tier->texts, text, entry);
	else if (text.len >= MARK_TEXT_BYTES)
		marktexts_add(tier->texts, text, entry);
}

static void
file_text(struct markindex *index, struct slice text, bool at_start,
    uint32_t entry)
{
	unsigned number = tier_of(&index->entries[entry]);
	struct tier *tier = &index->tiers[number];

	if (entry < tier->first)
		tier->first = entry;
	file_into(tier, text, at_start, entry);
	if (number < MARK_TIER_ALL)
		file_into(&index->tiers[MARK_TIER_ALL], text, at_start, entry);
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

		tier->texts = marktexts_new(arena);
		tier->first = UINT32_MAX;
	}
	for (uint32_t i = 0; i < index->n; i++)
		file_entry(index, i);
	for (unsigned i = 0; i < MARK_TIERS; i++)
		marktexts_ready(index->tiers[i].texts);
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

void
candidates_add(struct candidates *out, uint32_t entry)
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
		candidates_add(out, list->entry);
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
			candidates_add(out, index->stars[i].entry);
}

void
markindex_text(const struct markindex *index, unsigned number,
    struct slice body, struct candidates *out)
{
	const struct tier *tier = &index->tiers[number];

	if (tier->first != UINT32_MAX || number == MARK_TIER_ALL)
		marktexts_find(tier->texts, slice_head(body, MARK_BYTES),
		    out);
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
		candidates_add(out, index->any_vendor[i]);
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
