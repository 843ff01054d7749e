/* storage/op_group.h -- groups of rows and what is counted in each: what
 * stats, timechart, top and rare share.
 *
 * A row belongs to one group for each combination of members of its lists; a
 * row that lacks a field it is grouped by belongs to none. Groups are kept in
 * memory within the run's limit; past it, rows of new groups are left out and
 * the answer is partial.
 */
#ifndef YAGURA_STORAGE_OP_GROUP_H
#define YAGURA_STORAGE_OP_GROUP_H

#include "engine/strbuf.h"
#include "storage/query_read.h"

#define GROUP_COLUMNS 16
#define AGGREGATES 16
#define AGGREGATE_VALUES 100	/* that values() lists */
#define GROUP_PRODUCT 4096	/* groups one row may belong to */

enum aggregate_kind {
	AGGREGATE_COUNT, AGGREGATE_DCOUNT, AGGREGATE_SUM, AGGREGATE_AVG,
	AGGREGATE_MIN, AGGREGATE_MAX, AGGREGATE_VALUES_OF
};

struct aggregate {
	enum aggregate_kind kind;
	int	 col;		/* -1: count of rows */
	field_t	 name;
};

struct tally;			/* one aggregate of one group */

struct group {
	struct value *key;	/* one for each column */
	struct tally *tally;	/* one for each aggregate */
	uint64_t number;	/* order of appearance */
};

struct groups {
	size_t	 ncols;
	int	 cols[GROUP_COLUMNS];
	size_t	 naggregates;
	struct aggregate aggregates[AGGREGATES];
	int64_t	 span_ns;	/* timechart: key[0] is a span of this column */
	int	 time_col;
	/* state */
	size_t	 n, cap;
	struct group *group;
	struct map *map;
	struct arena *arena;
	uint64_t dropped;	/* rows without room for their group */
	struct arena *scratch;	/* of one chunk */
	struct strbuf packed;	/* of one key */
};

/* "count, sum(bytes) as b" up to `by`, pipe or end. */
bool groups_read_aggregates(struct reader *reader, struct groups *groups);

/* "by F, G" if it stands there. */
bool groups_read_by(struct reader *reader, struct groups *groups);

/* count of rows, as `top` wants it. */
void groups_count_rows(struct groups *groups);

/* Key columns, then aggregates, added to a schema. */
bool groups_columns(struct reader *reader, const struct groups *groups,
    struct schema *out);

void groups_row(struct groups *groups, const struct row *row,
    struct op_run *run);

/* A chunk at once, over codes instead of rows; see op_group_chunk.c. False if
 * it cannot: then nothing was counted. */
bool groups_chunk(struct groups *groups, const struct schema *in,
    struct chunk_view *view, struct op_run *run);

/* The group of this key, made if need be; NULL past the limit. */
struct group *groups_at(struct groups *groups, const struct value *key,
    struct op_run *run);

uint64_t group_count(const struct group *group);	/* first aggregate */

/* By keys, rising. */
void groups_sort(struct groups *groups);

/* Key and aggregates as a row for the next op. */
enum op_more groups_emit(struct groups *groups, const struct group *group,
    struct op *op, struct op_run *run);

/* --- for op_group_chunk.c ------------------------------------------------- */

/* The span a time lies in; rounds down before 1970 too. */
int64_t groups_span(int64_t time_ns, int64_t span_ns);

/* What dcount counts: equal for equal values. */
uint64_t groups_hash(const struct value *value);

/* Into tally i: a cell; rows; a value of which only the hash is known. */
void groups_tally(struct groups *groups, size_t i, struct tally *tally,
    const struct value *cell, struct op_run *run);
void groups_tally_rows(struct tally *tallies, size_t i, uint64_t rows);
void groups_tally_hash(struct tally *tally, uint64_t hash,
    struct op_run *run);
struct tally *groups_tally_at(struct tally *tallies, size_t i);

void groups_fini(struct groups *groups);

#endif
