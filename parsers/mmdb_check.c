/* MaxMind DB format 2.0:
 *
 *	tree	node_count nodes of two records, 24, 28 or 32 bits each
 *	16	zero bytes
 *	data	maps, arrays and scalars; records of the tree point here
 *	marker	"\xab\xcd\xefMaxMind.com", within the last 128 KiB
 *	map	the metadata
 *
 * A record of the tree is a node if below node_count, "nothing" if equal, else
 * node_count + 16 + offset in the data.
 */
#include "parsers/mmdb_check.h"

#include <stdlib.h>

#include "engine/check.h"

#define MARKER "\xab\xcd\xefMaxMind.com"
#define MARKER_RANGE (128u << 10)
#define SEPARATOR 16

#define DEPTH 16		/* of maps in maps; real files have 5 */
#define ELEMENTS 4096		/* of one record; real ones have some 100 */
#define EPOCH_LIMIT UINT64_C(8000000000)	/* in the year 2223 */

enum type { POINTER = 1, UTF8, DOUBLE, BYTES, UINT16, UINT32, MAP, INT32,
	UINT64, UINT128, ARRAY, CONTAINER, END_MARKER, BOOLEAN, FLOAT };

/* A section of values and the place we stand at. */
struct reader {
	struct slice data;
	size_t	 at;
	size_t	 elements;	/* seen in this record */
};

struct head {
	enum type type;
	size_t	 size;		/* bytes, pairs or items */
	size_t	 target;	/* POINTER */
};

struct metadata {
	uint64_t node_count, record_size, ip_version, major, epoch;
	bool	 has_type;
};

static bool
take(struct reader *reader, size_t n, uint64_t *out)
{
	uint64_t value = 0;

	if (n > reader->data.len - reader->at)
		return false;
	for (size_t i = 0; i < n; i++)
		value = value << 8 |
		    (unsigned char)reader->data.ptr[reader->at + i];
	reader->at += n;
	*out = value;
	return true;
}

static bool
pointer_read(struct reader *reader, unsigned control, struct head *head)
{
	static const uint64_t base[] = { 0, 2048, 526336, 0 };
	unsigned width = control >> 3 & 3;
	uint64_t value;

	if (!take(reader, width + 1, &value))
		return false;
	if (width < 3)
		value |= (uint64_t)(control & 7) << 8 * (width + 1);
	head->target = value + base[width];
	head->size = 0;
	return head->target < reader->data.len;
}

/* The control byte and what extends it. */
static bool
head_read(struct reader *reader, struct head *head)
{
	static const size_t base[] = { 29, 285, 65821 };
	uint64_t control, more;

	if (!take(reader, 1, &control))
		return false;
	head->type = (enum type)(control >> 5);
	if (head->type == POINTER)
		return pointer_read(reader, (unsigned)control, head);
	if (control >> 5 == 0) {
		if (!take(reader, 1, &more) || more < 1 || more > 8)
			return false;
		head->type = (enum type)(more + 7);
	}
	head->size = control & 31;
	if (head->size >= 29) {
		size_t extra = head->size - 28;

		if (!take(reader, extra, &more))
			return false;
		head->size = more + base[extra - 1];
	}
	return true;
}

/* A scalar of this many bytes exists in this type. */
static bool
scalar_fits(const struct head *head)
{
	switch (head->type) {
	case UTF8:
	case BYTES:
		return true;
	case DOUBLE:
		return head->size == 8;
	case FLOAT:
		return head->size == 4;
	case UINT16:
		return head->size <= 2;
	case UINT32:
	case INT32:
		return head->size <= 4;
	case UINT64:
		return head->size <= 8;
	case UINT128:
		return head->size <= 16;
	default:
		return false;
	}
}

static bool value_check(struct reader *reader, unsigned depth);

static bool
key_check(struct reader *reader, struct slice *key)
{
	struct head head;
	size_t after;

	if (!head_read(reader, &head))
		return false;
	after = reader->at;
	if (head.type == POINTER) {
		reader->at = head.target;
		if (!head_read(reader, &head))
			return false;
		if (head.type == POINTER)
			return false;
	} else {
		after += head.size;
	}
	if (head.type != UTF8 || head.size > reader->data.len - reader->at)
		return false;
	*key = slice_of(reader->data.ptr + reader->at, head.size);
	reader->at = after;
	return true;
}

static bool
value_check(struct reader *reader, unsigned depth)
{
	struct head head;

	if (depth > DEPTH || ++reader->elements > ELEMENTS ||
	    !head_read(reader, &head))
		return false;
	if (head.type == POINTER) {
		size_t after = reader->at;

		reader->at = head.target;
		if ((unsigned char)reader->data.ptr[head.target] >> 5 ==
		    POINTER)
			return false;
		if (!value_check(reader, depth + 1))
			return false;
		reader->at = after;
		return true;
	}
	if (head.type == BOOLEAN)
		return head.size <= 1;
	if (head.type == MAP || head.type == ARRAY) {
		for (size_t i = 0; i < head.size; i++) {
			struct slice key;

			if (head.type == MAP && !key_check(reader, &key))
				return false;
			if (!value_check(reader, depth + 1))
				return false;
		}
		return true;
	}
	if (!scalar_fits(&head) || head.size > reader->data.len - reader->at)
		return false;
	reader->at += head.size;
	return true;
}

/* --- metadata --- */

/* Where the last marker ends, or 0. */
static size_t
metadata_find(struct slice bytes)
{
	struct slice marker = SLICE(MARKER);
	size_t first = bytes.len > MARKER_RANGE ? bytes.len - MARKER_RANGE : 0;

	for (size_t at = bytes.len; at >= first + marker.len; at--)
		if (slice_ends(slice_head(bytes, at), marker))
			return at;
	return 0;
}

/* An unsigned number that stands at the reader; false if it is none. */
static bool
number_read(struct reader *reader, uint64_t *out)
{
	struct head head;

	if (!head_read(reader, &head))
		return false;
	if (head.type != UINT16 && head.type != UINT32 && head.type != UINT64)
		return false;
	return scalar_fits(&head) && take(reader, head.size, out);
}

/* A list, or a map, of texts and nothing else: the library forgets to give
 * back its memory when it meets something else here. */
static bool
texts_check(struct reader *reader, enum type type)
{
	struct head head;

	if (!head_read(reader, &head) || head.type != type)
		return false;
	for (size_t i = 0; i < head.size; i++) {
		struct slice text;

		if (++reader->elements > ELEMENTS)
			return false;
		if (type == MAP && !key_check(reader, &text))
			return false;
		if (!key_check(reader, &text))
			return false;
	}
	return true;
}

static bool
metadata_number(struct reader *reader, struct slice key, struct metadata *meta)
{
	struct reader look = *reader;

	if (slice_eq(key, SLICE("node_count")))
		return number_read(&look, &meta->node_count);
	if (slice_eq(key, SLICE("record_size")))
		return number_read(&look, &meta->record_size);
	if (slice_eq(key, SLICE("ip_version")))
		return number_read(&look, &meta->ip_version);
	if (slice_eq(key, SLICE("binary_format_major_version")))
		return number_read(&look, &meta->major);
	if (slice_eq(key, SLICE("build_epoch")))
		return number_read(&look, &meta->epoch);
	if (slice_eq(key, SLICE("languages")))
		return texts_check(&look, ARRAY);
	if (slice_eq(key, SLICE("description")))
		return texts_check(&look, MAP);
	if (slice_eq(key, SLICE("database_type"))) {
		struct head head;

		meta->has_type = head_read(&look, &head) && head.type == UTF8;
		return meta->has_type;
	}
	return true;
}

static bool
metadata_read(struct slice section, struct metadata *meta)
{
	struct reader reader = { .data = section };
	struct head head;

	*meta = (struct metadata){ 0 };
	if (!head_read(&reader, &head) || head.type != MAP)
		return false;
	for (size_t i = 0; i < head.size; i++) {
		struct slice key;

		if (!key_check(&reader, &key) ||
		    !metadata_number(&reader, key, meta) ||
		    !value_check(&reader, 0))
			return false;
	}
	return true;
}

/* --- the tree --- */

struct tree {
	const unsigned char *nodes;
	uint64_t node_count;
	unsigned record_size;	/* bits */
	struct slice data;
	uint8_t	*seen;		/* bit per byte of data: record was checked */
};

static uint64_t
record_of(const struct tree *tree, uint64_t n, unsigned side)
{
	const unsigned char *p = tree->nodes + n * tree->record_size / 4;

	switch (tree->record_size) {
	case 24:
		p += 3 * side;
		return (uint64_t)p[0] << 16 | p[1] << 8 | p[2];
	case 28:
		if (side == 0)
			return (uint64_t)(p[3] >> 4) << 24 | p[0] << 16 |
			    p[1] << 8 | p[2];
		return (uint64_t)(p[3] & 15) << 24 | p[4] << 16 | p[5] << 8 |
		    p[6];
	default:
		p += 4 * side;
		return (uint64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
	}
}

static bool
record_check(struct tree *tree, uint64_t record)
{
	struct reader reader = { .data = tree->data };

	if (record <= tree->node_count)
		return true;
	if (record < tree->node_count + SEPARATOR ||
	    record - tree->node_count - SEPARATOR >= tree->data.len)
		return false;
	reader.at = record - tree->node_count - SEPARATOR;
	if (tree->seen[reader.at / 8] & 1u << reader.at % 8)
		return true;
	tree->seen[reader.at / 8] |= (uint8_t)(1u << reader.at % 8);
	return value_check(&reader, 0);
}

static const char *
tree_check(struct slice bytes, const struct metadata *meta, size_t marker)
{
	struct tree tree = {
		.nodes = (const unsigned char *)bytes.ptr,
		.node_count = meta->node_count,
		.record_size = (unsigned)meta->record_size,
	};
	uint64_t tree_bytes = meta->node_count * meta->record_size / 4;
	const char *answer = NULL;

	if (tree_bytes + SEPARATOR > marker)
		return "more nodes are announced than there are";
	tree.data = slice_of(bytes.ptr + tree_bytes + SEPARATOR,
	    marker - tree_bytes - SEPARATOR);
	tree.seen = xcalloc(tree.data.len / 8 + 1, 1);
	for (uint64_t n = 0; n < tree.node_count && answer == NULL; n++)
		if (!record_check(&tree, record_of(&tree, n, 0)) ||
		    !record_check(&tree, record_of(&tree, n, 1)))
			answer = "a record is damaged or points nowhere";
	free(tree.seen);
	return answer;
}

const char *
mmdb_check(struct slice bytes)
{
	size_t start = metadata_find(bytes);
	struct metadata meta;

	if (start == 0)
		return "no MaxMind DB (the mark of its metadata is missing)";
	if (!metadata_read(slice_skip(bytes, start), &meta))
		return "the metadata is damaged";
	if (meta.major != 2)
		return "another format than 2.0";
	if (meta.record_size != 24 && meta.record_size != 28 &&
	    meta.record_size != 32)
		return "record_size is none of 24, 28, 32";
	if (meta.ip_version != 4 && meta.ip_version != 6)
		return "ip_version is neither 4 nor 6";
	if (meta.node_count == 0 || meta.node_count > UINT32_MAX)
		return "node_count is out of range";
	if (!meta.has_type)
		return "database_type is missing";
	if (meta.epoch > EPOCH_LIMIT)
		return "build_epoch is out of range";
	return tree_check(bytes, &meta, start - (sizeof(MARKER) - 1));
}
