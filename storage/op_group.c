#include "storage/op_group.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/hash.h"
#include "engine/map.h"
#include "engine/strbuf.h"

#define GROUP_COST 96	/* bytes of map and arrays for a group */

/* Hashes of the values seen; 0 stands for an empty slot. Two values with one
 * hash of 64 bits count once, which a million values do with a chance of one
 * in thirty million. */
struct hashes {
	size_t	 n, cap;
	uint64_t *slot;
};

struct tally {
	uint64_t count;
	int64_t	 whole;		/* sum while all are whole numbers */
	double	 sum;
	bool	 broken;	/* whole overflowed or met a fraction */
	bool	 has_best;
	struct value best;	/* min, max */
	struct hashes hashes;
	size_t	 nvalues, values_cap;
	struct value *values;	/* values() */
};

/* --- reading ------------------------------------------------------------ */

static const struct { const char *name; enum aggregate_kind kind; } kinds[] = {
	{ "count", AGGREGATE_COUNT }, { "dcount", AGGREGATE_DCOUNT },
	{ "sum", AGGREGATE_SUM }, { "avg", AGGREGATE_AVG },
	{ "min", AGGREGATE_MIN }, { "max", AGGREGATE_MAX },
	{ "values", AGGREGATE_VALUES_OF },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool
find_kind(struct reader *reader, const struct token *token,
    struct aggregate *aggregate)
{
	for (size_t i = 0; i < KINDS; i++)
		if (token_is(token, kinds[i].name)) {
			aggregate->kind = kinds[i].kind;
			return true;
		}
	reader_fail(reader, token, "unknown function \"%.*s\"",
	    (int)slice_head(token->text, 60).len, token->text.ptr);
	reader_hint(reader, "functions: count dcount(F) sum(F) avg(F) min(F) "
	    "max(F) values(F)");
	return false;
}

/* "(F)" or "()" or nothing; the name of the column unless `as` follows. */
static bool
read_argument(struct reader *reader, const struct token *function,
    struct aggregate *aggregate)
{
	struct strbuf name = STRBUF_INIT;
	struct token token;
	bool ok = true;

	aggregate->col = -1;
	strbuf_put(&name, function->text);
	if (reader_accept_kind(reader, LEX_OPEN) &&
	    !reader_accept_kind(reader, LEX_CLOSE)) {
		struct slice field;

		token = reader_next(reader);
		aggregate->col = reader_column(reader, &token);
		ok = aggregate->col >= 0;
		if (ok) {
			field = field_name(
			    reader->schema->cols[aggregate->col]);
			strbuf_printf(&name, "(%.*s)", (int)field.len,
			    field.ptr);
			token = reader_next(reader);
			ok = token.kind == LEX_CLOSE;
			if (!ok)
				reader_fail(reader, &token,
				    "a closing parenthesis belongs here");
		}
	}
	if (ok && aggregate->col < 0 && aggregate->kind != AGGREGATE_COUNT) {
		reader_fail(reader, function, "%.*s needs a field",
		    (int)function->text.len, function->text.ptr);
		reader_hint(reader, "%.*s(source.ip)",
		    (int)function->text.len, function->text.ptr);
		ok = false;
	}
	aggregate->name = ok ? field_intern(strbuf_slice(&name)) : FIELD_NONE;
	strbuf_fini(&name);
	return ok;
}

bool
groups_read_aggregates(struct reader *reader, struct groups *groups)
{
	do {
		struct token token = reader_next(reader);
		struct aggregate *aggregate =
		    &groups->aggregates[groups->naggregates];

		if (groups->naggregates == AGGREGATES) {
			reader_fail(reader, &token, "more than %d functions",
			    AGGREGATES);
			return false;
		}
		if (!find_kind(reader, &token, aggregate) ||
		    !read_argument(reader, &token, aggregate))
			return false;
		if (reader_accept(reader, "as")) {
			aggregate->name = reader_name(reader);
			if (aggregate->name == FIELD_NONE)
				return false;
		}
		groups->naggregates++;
	} while (reader_accept_kind(reader, LEX_COMMA));
	return true;
}

bool
groups_read_by(struct reader *reader, struct groups *groups)
{
	size_t n;

	if (!reader_accept(reader, "by"))
		return true;
	n = reader_columns(reader, groups->cols + groups->ncols,
	    GROUP_COLUMNS - groups->ncols);
	groups->ncols += n;
	return n > 0;
}

void
groups_count_rows(struct groups *groups)
{
	groups->naggregates = 1;
	groups->aggregates[0] = (struct aggregate){ AGGREGATE_COUNT, -1,
	    field_intern(SLICE("count")) };
}

bool
groups_columns(struct reader *reader, const struct groups *groups,
    struct schema *out)
{
	struct token here = reader_peek(reader);

	for (size_t i = 0; i < groups->ncols; i++)
		schema_add(out, reader->schema->cols[groups->cols[i]]);
	for (size_t i = 0; i < groups->naggregates; i++) {
		if (schema_find(out, groups->aggregates[i].name) >= 0) {
			reader_fail(reader, &here, "two columns are called "
			    "%s; name one with as",
			    field_name(groups->aggregates[i].name).ptr);
			return false;
		}
		schema_add(out, groups->aggregates[i].name);
	}
	return true;
}

/* --- counting ----------------------------------------------------------- */

static bool
hashes_add(struct hashes *hashes, uint64_t hash, struct op_run *run)
{
	uint64_t *old = hashes->slot;
	size_t cap = hashes->cap, at;

	hash += hash == 0;
	if (hashes->n * 2 >= cap) {
		size_t room = cap == 0 ? 8 : 2 * cap;

		if (!op_take(run, room * sizeof(*old),
		    "dcount is too low: too many different values"))
			return false;
		hashes->slot = xcalloc(room, sizeof(*old));
		hashes->cap = room;
		for (size_t i = 0; i < cap; i++) {
			if (old[i] == 0)
				continue;
			at = old[i] & (room - 1);
			while (hashes->slot[at] != 0)
				at = (at + 1) & (room - 1);
			hashes->slot[at] = old[i];
		}
		free(old);
	}
	at = hash & (hashes->cap - 1);
	while (hashes->slot[at] != 0) {
		if (hashes->slot[at] == hash)
			return false;
		at = (at + 1) & (hashes->cap - 1);
	}
	hashes->slot[at] = hash;
	hashes->n++;
	return true;
}

uint64_t
groups_hash(const struct value *value)
{
	char room[96];
	struct strbuf key = STRBUF_INIT;
	uint64_t hash;

	/* Most values are short text: no buffer for those. */
	if ((value->type == VALUE_TEXT || value->type == VALUE_IP) &&
	    value->len < sizeof(room)) {
		room[0] = 't';
		memcpy(room + 1, value->text, value->len);
		return hash64(slice_of(room, value->len + 1));
	}
	value_key(&key, value);
	hash = hash64(strbuf_slice(&key));
	strbuf_fini(&key);
	return hash;
}

static void
add_number(struct tally *tally, const struct value *value)
{
	double number;

	if (!value_as_double(value, &number))
		return;
	tally->count++;
	tally->sum += number;
	if (value->type != VALUE_LONG || __builtin_add_overflow(tally->whole,
	    value->u.num, &tally->whole)) {
		int64_t whole;

		/* A vendor's whole number is text. */
		if (value->type != VALUE_TEXT || !slice_long(
		    slice_of(value->text, value->len), &whole) ||
		    __builtin_add_overflow(tally->whole, whole,
		    &tally->whole))
			tally->broken = true;
	}
}

static void
add_best(struct groups *groups, struct tally *tally,
    const struct value *value, int sign)
{
	if (value->type == VALUE_NULL)
		return;
	if (tally->has_best && value_order(value, &tally->best) * sign <= 0)
		return;
	/* The best of a million rows changes a few dozen times. */
	tally->best = value_dup(groups->arena, value);
	tally->has_best = true;
}

static void
add_value(struct groups *groups, struct tally *tally,
    const struct value *value, struct op_run *run)
{
	if (tally->nvalues == AGGREGATE_VALUES) {
		if (!run->partial)
			snprintf(run->why, sizeof(run->why),
			    "values() lists the first %d only",
			    AGGREGATE_VALUES);
		return;
	}
	if (!hashes_add(&tally->hashes, groups_hash(value), run))
		return;
	if (tally->nvalues == tally->values_cap) {
		tally->values_cap = tally->values_cap == 0 ? 4
		    : 2 * tally->values_cap;
		tally->values = xrealloc(tally->values,
		    tally->values_cap * sizeof(*tally->values));
	}
	tally->values[tally->nvalues++] = value_dup(groups->arena, value);
}

void
groups_tally(struct groups *groups, size_t i, struct tally *tally,
    const struct value *cell, struct op_run *run)
{
	const struct aggregate *aggregate = &groups->aggregates[i];

	for (size_t m = 0; m < value_members(cell); m++) {
		const struct value *value = value_member(cell, m);

		switch (aggregate->kind) {
		case AGGREGATE_COUNT:
			tally->count++;
			break;
		case AGGREGATE_DCOUNT:
			if (hashes_add(&tally->hashes, groups_hash(value),
			    run))
				tally->count++;
			break;
		case AGGREGATE_SUM:
		case AGGREGATE_AVG:
			add_number(tally, value);
			break;
		case AGGREGATE_MIN:
			add_best(groups, tally, value, -1);
			break;
		case AGGREGATE_MAX:
			add_best(groups, tally, value, 1);
			break;
		case AGGREGATE_VALUES_OF:
			add_value(groups, tally, value, run);
			break;
		}
	}
}

struct group *
groups_at(struct groups *groups, const struct value *key, struct op_run *run)
{
	char room[256];
	struct slice name;
	union map_value *place;
	struct group *group;
	bool made;

	if (groups->map == NULL) {
		groups->map = map_new();
		strbuf_init(&groups->packed);
		groups->arena = arena_new(0);
	}
	if (groups->ncols == 1 && (key->type == VALUE_TEXT ||
	    key->type == VALUE_IP) && key->len < sizeof(room)) {
		room[0] = 't';
		memcpy(room + 1, key->text, key->len);
		name = slice_of(room, key->len + 1);
	} else {
		strbuf_clear(&groups->packed);
		for (size_t i = 0; i < groups->ncols; i++)
			value_key(&groups->packed, &key[i]);
		name = strbuf_slice(&groups->packed);
	}
	place = map_find(groups->map, name);
	if (place != NULL)
		return &groups->group[place->num];
	if (!op_take(run, name.len + GROUP_COST + groups->ncols *
	    sizeof(*key) + groups->naggregates * sizeof(struct tally),
	    "some groups are missing: too many")) {
		groups->dropped++;
		return NULL;
	}
	place = map_get(groups->map, name, &made);
	if (groups->n == groups->cap) {
		groups->cap = groups->cap == 0 ? 64 : 2 * groups->cap;
		groups->group = xrealloc(groups->group,
		    groups->cap * sizeof(*groups->group));
	}
	place->num = groups->n;
	group = &groups->group[groups->n];
	group->number = groups->n++;
	group->key = arena_alloc(groups->arena,
	    (groups->ncols + 1) * sizeof(*key));
	for (size_t i = 0; i < groups->ncols; i++)
		group->key[i] = value_dup(groups->arena, &key[i]);
	group->tally = arena_zalloc(groups->arena,
	    groups->naggregates * sizeof(*group->tally));
	return group;
}

static void
count_in(struct groups *groups, const struct value *key,
    const struct row *row, struct op_run *run)
{
	struct group *group = groups_at(groups, key, run);

	if (group == NULL)
		return;
	for (size_t i = 0; i < groups->naggregates; i++) {
		const struct aggregate *aggregate = &groups->aggregates[i];

		if (aggregate->col < 0)
			group->tally[i].count++;
		else if (!cell_is_absent(&row->cells[aggregate->col]))
			groups_tally(groups, i, &group->tally[i],
			    &row->cells[aggregate->col], run);
	}
}

void
groups_tally_rows(struct tally *tallies, size_t i, uint64_t rows)
{
	tallies[i].count += rows;
}

struct tally *
groups_tally_at(struct tally *tallies, size_t i)
{
	return &tallies[i];
}

void
groups_tally_hash(struct tally *tally, uint64_t hash, struct op_run *run)
{
	if (hashes_add(&tally->hashes, hash, run))
		tally->count++;
}

int64_t
groups_span(int64_t time_ns, int64_t span_ns)
{
	int64_t rest = time_ns % span_ns;

	return time_ns - rest - (rest < 0 ? span_ns : 0);
}

/* Every combination of members, counted like an odometer. */
void
groups_row(struct groups *groups, const struct row *row, struct op_run *run)
{
	struct value key[GROUP_COLUMNS];
	size_t at[GROUP_COLUMNS] = { 0 };
	size_t made = 0, i;

	for (i = 0; i < groups->ncols; i++) {
		const struct value *cell = &row->cells[groups->cols[i]];

		if (cell_is_absent(cell) || value_members(cell) == 0)
			return;
	}
	do {
		for (i = 0; i < groups->ncols; i++)
			key[i] = *value_member(
			    &row->cells[groups->cols[i]], at[i]);
		if (groups->span_ns > 0)
			key[0] = value_time(groups_span(key[0].u.num,
			    groups->span_ns));
		count_in(groups, key, row, run);
		for (i = 0; i < groups->ncols; i++) {
			if (++at[i] < value_members(
			    &row->cells[groups->cols[i]]))
				break;
			at[i] = 0;
		}
	} while (i < groups->ncols && ++made < GROUP_PRODUCT);
}

/* --- answers ------------------------------------------------------------ */

uint64_t
group_count(const struct group *group)
{
	return group->tally[0].count;
}

/* What the aggregate came to. */
static struct value
group_value(struct groups *groups, const struct group *group, size_t i)
{
	const struct tally *tally = &group->tally[i];

	switch (groups->aggregates[i].kind) {
	case AGGREGATE_COUNT:
	case AGGREGATE_DCOUNT:
		return value_long((int64_t)tally->count);
	case AGGREGATE_SUM:
		return tally->broken ? value_double(tally->sum)
		    : value_long(tally->whole);
	case AGGREGATE_AVG:
		return tally->count == 0 ? cell_absent()
		    : value_double(tally->sum / (double)tally->count);
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		return tally->has_best ? tally->best : cell_absent();
	case AGGREGATE_VALUES_OF:
		return value_list(tally->values, tally->nvalues);
	}
	return cell_absent();
}

static int
compare_groups(const void *a, const void *b, void *arg)
{
	const struct groups *groups = arg;
	const struct group *x = a, *y = b;

	for (size_t i = 0; i < groups->ncols; i++) {
		int order = value_order(&x->key[i], &y->key[i]);

		if (order != 0)
			return order;
	}
	return (x->number > y->number) - (x->number < y->number);
}

void
groups_sort(struct groups *groups)
{
	if (groups->n > 1)
		qsort_r(groups->group, groups->n, sizeof(*groups->group),
		    compare_groups, groups);
}

enum op_more
groups_emit(struct groups *groups, const struct group *group, struct op *op,
    struct op_run *run)
{
	struct value cells[GROUP_COLUMNS + AGGREGATES];
	struct row row = { .cells = cells };

	for (size_t i = 0; i < groups->ncols; i++)
		cells[i] = group->key[i];
	for (size_t i = 0; i < groups->naggregates; i++)
		cells[groups->ncols + i] = group_value(groups, group, i);
	return op_emit(op, &row, run);
}

void
groups_fini(struct groups *groups)
{
	for (size_t i = 0; i < groups->n; i++)
		for (size_t a = 0; a < groups->naggregates; a++) {
			free(groups->group[i].tally[a].hashes.slot);
			free(groups->group[i].tally[a].values);
		}
	free(groups->group);
	map_free(groups->map);
	arena_free(groups->arena);
	arena_free(groups->scratch);
	strbuf_fini(&groups->packed);
}
