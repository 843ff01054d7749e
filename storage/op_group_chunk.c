/* Groups of a whole chunk over codes.
 *
 * Every field that groups or is counted becomes codes: those of its dictionary,
 * or numbers given to its values as they are met. A group of the chunk is a
 * combination of codes; rows are counted in it, and different values of it
 * marked, without making a row or a key. Only combinations that occur go to
 * the groups of the answer.
 *
 *	rows     -> codes of each key -> combination -> place
 *	place    -> count, pairs (place, code) of dcount
 *	at the end: place -> key -> group
 *
 * Where no condition leaves a row out and one dictionary is all there is to
 * know, its counts are the answer.
 */
#include "storage/op_group.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "storage/chunk.h"
#include "storage/column.h"

#define NOWHERE UINT32_MAX
#define PLACES_DIRECT (1u << 20)	/* combinations kept in a plain array */

/* A field as codes. */
struct coded {
	field_t	 field;
	bool	 by_row;		/* a time of the event: every row has one */
	uint32_t n;			/* entries */
	const struct column *column;	/* whose dictionary they are, or NULL */
	struct value *entries;		/* unless column */
	const uint32_t *codes;		/* NULL: all are entry 0 */
	uint64_t *hashes;		/* of entries, for dcount; 0: not yet */
};

struct work {
	struct groups *groups;
	struct chunk_view *view;
	struct op_run *run;
	struct arena *arena;
	struct coded keys[GROUP_COLUMNS];
	struct coded counted[AGGREGATES];
	/* places of combinations */
	uint64_t product;
	uint32_t *direct;	/* [product], or NULL */
	size_t	 slots_cap;	/* else a table */
	struct { uint64_t key; uint32_t place; } *slots;
	uint32_t nplaces, places_cap;
	uint64_t *place_key;
	uint64_t *place_rows;
	uint64_t *pairs[AGGREGATES];	/* seen (place, code), a set each */
	size_t	 npairs[AGGREGATES], pairs_cap[AGGREGATES];
};

/* --- a field as codes ------------------------------------------------------- */

static struct value
entry_of(const struct coded *coded, uint32_t code)
{
	struct value value;

	if (coded->column == NULL)
		return coded->entries[code];
	column_dict_value(coded->column, code, &value);
	return value;
}

/* Numbers values in the order in which they are met: a table of hashes, and
 * the entry is compared. */
struct numbering {
	size_t	 cap;
	uint32_t *slot;		/* code + 1 */
	uint32_t n;
	struct value *entries;
	uint64_t *hashes;
};

static void
numbering_init(struct work *work, struct numbering *numbering, uint32_t most)
{
	numbering->cap = 64;
	while (numbering->cap < 2 * (size_t)most)
		numbering->cap *= 2;
	numbering->slot = arena_zalloc(work->arena,
	    numbering->cap * sizeof(*numbering->slot));
	numbering->entries = arena_alloc(work->arena,
	    (size_t)most * sizeof(*numbering->entries));
	numbering->hashes = arena_alloc(work->arena,
	    (size_t)most * sizeof(*numbering->hashes));
	numbering->n = 0;
}

static uint32_t
code_of(struct numbering *numbering, const struct value *value, uint64_t hash)
{
	size_t at = hash & (numbering->cap - 1);

	for (; numbering->slot[at] != 0; at = (at + 1) & (numbering->cap - 1)) {
		uint32_t code = numbering->slot[at] - 1;

		if (numbering->hashes[code] == hash &&
		    value_same(&numbering->entries[code], value))
			return code;
	}
	numbering->entries[numbering->n] = *value;
	numbering->hashes[numbering->n] = hash;
	numbering->slot[at] = ++numbering->n;
	return numbering->n - 1;
}

static uint64_t
number_hash(int64_t number)
{
	uint64_t x = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ x >> 32;
}

static void
coded_from(struct coded *coded, const struct numbering *numbering,
    const uint32_t *codes)
{
	coded->n = numbering->n;
	coded->entries = numbering->entries;
	coded->codes = codes;
}

/* Numbers or times; spans of them if span_ns is not 0. */
static void
code_numbers(struct work *work, struct coded *coded, const int64_t *numbers,
    uint32_t n, enum value_type type, int64_t span_ns)
{
	uint32_t *codes = arena_alloc(work->arena, n * sizeof(*codes));
	struct numbering numbering;
	int64_t last = 0;

	numbering_init(work, &numbering, n);
	for (uint32_t i = 0; i < n; i++) {
		struct value value = { .type = (uint8_t)type,
		    .transform = TRANSFORM_OWNED, .u.num = numbers[i] };

		if (span_ns > 0)
			value.u.num = groups_span(numbers[i], span_ns);
		codes[i] = i > 0 && value.u.num == last ? codes[i - 1]
		    : code_of(&numbering, &value, number_hash(value.u.num));
		last = value.u.num;
	}
	coded_from(coded, &numbering, codes);
}

static bool
code_texts(struct work *work, struct coded *coded,
    const struct column *column)
{
	uint32_t n = column_count(column);
	uint32_t *codes = arena_alloc(work->arena, n * sizeof(*codes));
	struct numbering numbering;
	struct value value;

	numbering_init(work, &numbering, n);
	for (uint32_t i = 0; i < n; i++) {
		if (!column_value(column, i, &value, work->view->err))
			return false;
		codes[i] = code_of(&numbering, &value,
		    hash64(slice_of(value.text, value.len)));
	}
	coded_from(coded, &numbering, codes);
	return true;
}

static bool
code_dictionary(struct work *work, struct coded *coded,
    const struct column *column)
{
	coded->column = column;
	coded->n = column_dict_count(column);
	if (column_kind(column) == COLUMN_CONST) {
		coded->n = 1;
		coded->codes = NULL;
	} else {
		coded->codes = column_codes(column);
		if (coded->codes == NULL) {
			err_set(work->view->err, ERR_DAMAGED,
			    "codes do not check");
			return false;
		}
	}
	/* A list belongs to several groups: row by row. */
	if (column_type(column) != VALUE_NULL)
		return true;
	for (uint32_t code = 0; code < coded->n; code++)
		if (entry_of(coded, code).type == VALUE_LIST)
			return false;
	return true;
}

/* The whole chunk within one span: its times need not be read. */
static bool
code_span(struct work *work, struct coded *coded, int64_t span_ns)
{
	int64_t span = groups_span(work->view->t_min, span_ns);

	if (span != groups_span(work->view->t_max, span_ns))
		return false;
	coded->by_row = true;
	coded->n = 1;
	coded->codes = NULL;
	coded->entries = arena_alloc(work->arena, sizeof(*coded->entries));
	coded->entries[0] = value_time(span);
	return true;
}

static bool
code_times(struct work *work, struct coded *coded, int64_t span_ns)
{
	const int64_t *times;

	if (span_ns > 0 && coded->field == FIELD_TIMESTAMP &&
	    code_span(work, coded, span_ns))
		return true;
	times = coded->field == FIELD_TIMESTAMP
	    ? chunk_times(work->view->chunk, work->view->err)
	    : chunk_ingested(work->view->chunk, work->view->err);

	if (times == NULL)
		return false;
	coded->by_row = true;
	code_numbers(work, coded, times, work->view->rows, VALUE_TIME,
	    span_ns);
	return true;
}

/* False: cannot, or damaged (view->err). *none: no row has it. */
static bool
code_field(struct work *work, struct coded *coded, int64_t span_ns,
    bool *none)
{
	struct chunk_view *view = work->view;
	const struct column *column;

	if (coded->field == FIELD_TIMESTAMP ||
	    (coded->field == FIELD_EVENT_INGESTED && span_ns == 0))
		return code_times(work, coded, span_ns);
	if (coded->field == FIELD_EVENT_ID || span_ns > 0 ||
	    coded->field == FIELD_EVENT_ORIGINAL)
		return false;
	column = chunk_column(view->chunk, coded->field, view->err);
	if (column == NULL) {
		*none = view->err->kind == ERR_NONE;
		return *none;
	}
	switch (column_kind(column)) {
	case COLUMN_CONST:
	case COLUMN_DICT:
		return code_dictionary(work, coded, column);
	case COLUMN_TEXT:
		return code_texts(work, coded, column);
	case COLUMN_INT:
		break;
	}
	if (column_numbers(column) == NULL) {
		err_set(view->err, ERR_DAMAGED, "numbers do not check");
		return false;
	}
	code_numbers(work, coded, column_numbers(column),
	    column_count(column), column_type(column), 0);
	return true;
}

/* --- combinations ------------------------------------------------------------ */

static uint32_t
new_place(struct work *work, uint64_t key)
{
	if (work->nplaces == work->places_cap) {
		uint32_t cap = work->places_cap == 0 ? 256
		    : 2 * work->places_cap;
		uint64_t *keys = arena_alloc(work->arena,
		    cap * sizeof(*keys));
		uint64_t *rows = arena_zalloc(work->arena,
		    cap * sizeof(*rows));

		if (work->nplaces > 0) {
			memcpy(keys, work->place_key,
			    work->nplaces * sizeof(*keys));
			memcpy(rows, work->place_rows,
			    work->nplaces * sizeof(*rows));
		}
		work->place_key = keys;
		work->place_rows = rows;
		work->places_cap = cap;
	}
	work->place_key[work->nplaces] = key;
	return work->nplaces++;
}

static void
places_init(struct work *work)
{
	if (work->product <= PLACES_DIRECT) {
		work->direct = arena_alloc(work->arena,
		    work->product * sizeof(*work->direct));
		memset(work->direct, 0xff,
		    work->product * sizeof(*work->direct));
		return;
	}
	work->slots_cap = 64;
	while (work->slots_cap < 2 * (size_t)work->view->count)
		work->slots_cap *= 2;
	work->slots = arena_alloc(work->arena,
	    work->slots_cap * sizeof(*work->slots));
	memset(work->slots, 0xff, work->slots_cap * sizeof(*work->slots));
}

static uint32_t
place_of(struct work *work, uint64_t key)
{
	size_t at;

	if (work->direct != NULL) {
		if (work->direct[key] == NOWHERE)
			work->direct[key] = new_place(work, key);
		return work->direct[key];
	}
	at = number_hash((int64_t)key) & (work->slots_cap - 1);
	while (work->slots[at].place != NOWHERE &&
	    work->slots[at].key != key)
		at = (at + 1) & (work->slots_cap - 1);
	if (work->slots[at].place == NOWHERE) {
		work->slots[at].key = key;
		work->slots[at].place = new_place(work, key);
	}
	return work->slots[at].place;
}

/* Marks that the place met this code: a set of (place, code) + 1. */
static void
pair_add(struct work *work, size_t i, uint32_t place, uint32_t code)
{
	uint64_t pair = ((uint64_t)place << 32 | code) + 1;
	uint64_t *old = work->pairs[i];
	size_t cap = work->pairs_cap[i], at;

	if (work->npairs[i] * 2 >= cap) {
		size_t room = cap == 0 ? 1024 : 4 * cap;
		uint64_t *slots = arena_zalloc(work->arena,
		    room * sizeof(*slots));

		for (size_t k = 0; k < cap; k++) {
			if (old[k] == 0)
				continue;
			at = number_hash((int64_t)old[k]) & (room - 1);
			while (slots[at] != 0)
				at = (at + 1) & (room - 1);
			slots[at] = old[k];
		}
		work->pairs[i] = slots;
		work->pairs_cap[i] = cap = room;
	}
	at = number_hash((int64_t)pair) & (cap - 1);
	while (work->pairs[i][at] != 0) {
		if (work->pairs[i][at] == pair)
			return;
		at = (at + 1) & (cap - 1);
	}
	work->pairs[i][at] = pair;
	work->npairs[i]++;
}

/* --- rows --------------------------------------------------------------------- */

/* Where the values of a shape begin among those of the field, or -1. */
static int64_t
run_of(const struct shape *shape, const struct coded *coded)
{
	size_t low = 0, high = shape->n;

	if (coded->by_row)
		return shape->row0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (shape->fields[middle] < coded->field)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == shape->n || shape->fields[low] != coded->field)
		return -1;
	return shape->value0[low];
}

static uint32_t
code_at(const struct coded *coded, int64_t run, uint32_t r)
{
	return coded->codes == NULL ? 0 : coded->codes[run + r];
}

/* Sums and extremes need the group itself: its tallies are made at once. */
static struct tally *
tallies_of(struct work *work, uint32_t place)
{
	struct groups *groups = work->groups;
	struct value key[GROUP_COLUMNS];
	uint64_t rest = work->place_key[place];
	struct group *group;

	for (size_t i = groups->ncols; i-- > 0;) {
		key[i] = entry_of(&work->keys[i],
		    (uint32_t)(rest % work->keys[i].n));
		rest /= work->keys[i].n;
	}
	group = groups_at(groups, key, work->run);
	return group == NULL ? NULL : group->tally;
}

static void
count_row(struct work *work, const int64_t *runs, uint32_t r, uint32_t place)
{
	struct groups *groups = work->groups;

	work->place_rows[place]++;
	for (size_t i = 0; i < groups->naggregates; i++) {
		const struct coded *coded = &work->counted[i];
		struct tally *tallies;
		struct value value;
		uint32_t code;

		if (groups->aggregates[i].col < 0 || runs[i] < 0)
			continue;
		code = code_at(coded, runs[i], r);
		if (groups->aggregates[i].kind == AGGREGATE_DCOUNT) {
			pair_add(work, i, place, code);
			continue;
		}
		tallies = tallies_of(work, place);
		if (tallies == NULL)
			continue;
		value = entry_of(coded, code);
		groups_tally(groups, i, groups_tally_at(tallies, i), &value,
		    work->run);
	}
}

static void
count_shape(struct work *work, const struct shape *shape)
{
	const struct groups *groups = work->groups;
	const struct chunk_view *view = work->view;
	int64_t keys[GROUP_COLUMNS], counted[AGGREGATES];

	for (size_t i = 0; i < groups->ncols; i++) {
		keys[i] = run_of(shape, &work->keys[i]);
		if (keys[i] < 0)
			return;
	}
	for (size_t i = 0; i < groups->naggregates; i++)
		counted[i] = groups->aggregates[i].col < 0 ||
		    work->counted[i].n == 0 ? -1
		    : run_of(shape, &work->counted[i]);
	for (uint32_t r = 0; r < shape->rows; r++) {
		uint32_t row = shape->row0 + r;
		uint64_t key = 0;

		if (!view->all &&
		    (view->bits[row >> 6] >> (row & 63) & 1) == 0)
			continue;
		for (size_t i = 0; i < groups->ncols; i++)
			key = key * work->keys[i].n +
			    code_at(&work->keys[i], keys[i], r);
		count_row(work, counted, r, place_of(work, key));
	}
}

/* --- into the groups ------------------------------------------------------------ */

static void
give_rows(struct work *work, struct tally ***tallies)
{
	struct groups *groups = work->groups;

	for (uint32_t place = 0; place < work->nplaces; place++) {
		struct tally *own = tallies_of(work, place);

		(*tallies)[place] = own;
		for (size_t i = 0; own != NULL && i < groups->naggregates;
		    i++)
			if (groups->aggregates[i].col < 0)
				groups_tally_rows(own, i,
				    work->place_rows[place]);
	}
}

static void
give_pairs(struct work *work, size_t i, struct tally **tallies)
{
	struct coded *coded = &work->counted[i];

	coded->hashes = arena_zalloc(work->arena,
	    (coded->n + 1) * sizeof(*coded->hashes));
	for (size_t k = 0; k < work->pairs_cap[i]; k++) {
		uint64_t pair = work->pairs[i][k];
		uint32_t place = (uint32_t)((pair - 1) >> 32);
		uint32_t code = (uint32_t)(pair - 1);

		if (pair == 0 || tallies[place] == NULL)
			continue;
		if (coded->hashes[code] == 0) {
			struct value value = entry_of(coded, code);

			coded->hashes[code] = groups_hash(&value);
		}
		groups_tally_hash(groups_tally_at(tallies[place], i),
		    coded->hashes[code], work->run);
	}
}

static void
give(struct work *work)
{
	struct tally **tallies = arena_alloc(work->arena,
	    (work->nplaces + 1) * sizeof(struct tally *));

	give_rows(work, &tallies);
	for (size_t i = 0; i < work->groups->naggregates; i++)
		if (work->pairs_cap[i] > 0)
			give_pairs(work, i, tallies);
}

/* --- from the counts of a dictionary ---------------------------------------------- */

static bool
only_counts(const struct groups *groups)
{
	for (size_t i = 0; i < groups->naggregates; i++)
		if (groups->aggregates[i].kind != AGGREGATE_COUNT ||
		    groups->aggregates[i].col >= 0)
			return false;
	return true;
}

static void
count_key(struct groups *groups, struct value *key, uint64_t rows,
    struct op_run *run)
{
	size_t last = groups->ncols - 1;
	struct value entry = key[last];

	for (size_t i = 0; rows > 0 && i < value_members(&entry); i++) {
		struct group *group;

		key[last] = *value_member(&entry, i);
		group = groups_at(groups, key, run);
		for (size_t a = 0; group != NULL && a < groups->naggregates;
		    a++)
			groups_tally_rows(group->tally, a, rows);
	}
}

/* Every row holds, and all but the last key are the same for all rows. */
static bool
count_uses(struct work *work, const struct schema *in, struct value *key)
{
	struct groups *groups = work->groups;
	struct chunk_view *view = work->view;
	field_t field = in->cols[groups->cols[groups->ncols - 1]];
	const struct column *column;

	if (!view->all || field == FIELD_TIMESTAMP ||
	    field == FIELD_EVENT_INGESTED || field == FIELD_EVENT_ID ||
	    field == FIELD_EVENT_ORIGINAL)
		return false;
	column = chunk_column(view->chunk, field, view->err);
	if (column == NULL)
		return view->err->kind == ERR_NONE;
	if (column_kind(column) > COLUMN_DICT)
		return false;
	for (uint32_t code = 0; code < column_dict_count(column); code++) {
		column_dict_value(column, code, &key[groups->ncols - 1]);
		count_key(groups, key, column_kind(column) == COLUMN_CONST
		    ? column_count(column) : column_dict_uses(column, code),
		    work->run);
	}
	return true;
}

/* Counts that need no codes. */
static bool
count_simply(struct work *work, const struct schema *in)
{
	struct groups *groups = work->groups;
	const struct chunk_view *view = work->view;
	struct value key[GROUP_COLUMNS];
	struct group *group;

	if (!only_counts(groups) || groups->ncols > 2)
		return false;
	if (groups->ncols == 0) {
		group = groups_at(groups, NULL, work->run);
		for (size_t a = 0; group != NULL && a < groups->naggregates;
		    a++)
			groups_tally_rows(group->tally, a, view->count);
		return true;
	}
	if (groups->span_ns == 0)
		return groups->ncols == 1 && count_uses(work, in, key);
	if (in->cols[groups->cols[0]] != FIELD_TIMESTAMP ||
	    groups_span(view->t_min, groups->span_ns) !=
	    groups_span(view->t_max, groups->span_ns))
		return false;
	key[0] = value_time(groups_span(view->t_min, groups->span_ns));
	if (groups->ncols == 2)
		return count_uses(work, in, key);
	count_key(groups, key, view->count, work->run);
	return true;
}

/* --- the whole -------------------------------------------------------------------- */

/* False: cannot, or damaged. *none: a key that no row has. */
static bool
code_all(struct work *work, const struct schema *in, bool *none)
{
	struct groups *groups = work->groups;
	bool absent;

	work->product = 1;
	for (size_t i = 0; i < groups->ncols; i++) {
		work->keys[i].field = in->cols[groups->cols[i]];
		if (!code_field(work, &work->keys[i],
		    i == 0 ? groups->span_ns : 0, none))
			return false;
		if (*none)
			return true;
		if (__builtin_mul_overflow(work->product, work->keys[i].n,
		    &work->product))
			return false;
	}
	for (size_t i = 0; i < groups->naggregates; i++) {
		if (groups->aggregates[i].col < 0)
			continue;
		absent = false;
		work->counted[i].field = in->cols[groups->aggregates[i].col];
		if (!code_field(work, &work->counted[i], 0, &absent))
			return false;
		if (absent)
			work->counted[i].n = 0;
	}
	return true;
}

bool
groups_chunk(struct groups *groups, const struct schema *in,
    struct chunk_view *view, struct op_run *run)
{
	struct work work = { .groups = groups, .view = view, .run = run };
	const struct shape *shapes;
	bool none = false;
	size_t n;

	for (size_t i = 0; i < groups->naggregates; i++)
		if (groups->aggregates[i].kind == AGGREGATE_VALUES_OF)
			return false;	/* in the order of rows */
	if (count_simply(&work, in) || view->err->kind != ERR_NONE)
		return view->err->kind == ERR_NONE;
	if (groups->scratch == NULL)
		groups->scratch = arena_new((size_t)1 << 20);
	arena_reset(groups->scratch);
	work.arena = groups->scratch;
	if (!code_all(&work, in, &none))
		return false;
	if (none)
		return true;
	places_init(&work);
	n = chunk_shapes(view->chunk, &shapes);
	for (size_t s = 0; s < n; s++)
		count_shape(&work, &shapes[s]);
	give(&work);
	return true;
}
