#include "storage/scan_bits.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/ip.h"
#include "engine/logsource.h"
#include "engine/regex.h"
#include "engine/strbuf.h"
#include "storage/chunk_read.h"
#include "storage/column.h"
#include "storage/query.h"
#include "storage/query_raw.h"
#include "storage/scan_text.h"
#include "storage/store.h"

static const struct bits all_rows = { BITS_ALL, NULL };
static const struct bits no_rows = { BITS_NONE, NULL };
static const struct bits broken = { BITS_BROKEN, NULL };

static uint64_t *
words_new(struct bits_scan *scan)
{
	return arena_zalloc(scan->arena, scan->nwords * sizeof(uint64_t));
}

static void
bit_set(uint64_t *words, uint32_t i)
{
	words[i >> 6] |= UINT64_C(1) << (i & 63);
}

static bool
wanted(const uint64_t *candidates, uint32_t row)
{
	return candidates == NULL || bit_is_set(candidates, row);
}

uint32_t
bits_count(const uint64_t *words, size_t nwords)
{
	uint32_t n = 0;

	for (size_t i = 0; i < nwords; i++)
		n += (uint32_t)__builtin_popcountll(words[i]);
	return n;
}

/* A bitmap that was filled as what it is. */
static struct bits
settle(struct bits_scan *scan, uint64_t *words)
{
	for (size_t i = 0; i < scan->nwords; i++)
		if (words[i] != 0)
			return (struct bits){ BITS_SOME, words };
	return no_rows;
}

/* Rows row0 .. row0 + n of the candidates. */
static void
set_run(uint64_t *words, const uint64_t *candidates, uint32_t row0, uint32_t n)
{
	for (uint32_t r = row0; r < row0 + n;) {
		uint32_t left = row0 + n - r;

		if ((r & 63) == 0 && left >= 64) {
			words[r >> 6] |= candidates == NULL ? UINT64_MAX
			    : candidates[r >> 6];
			r += 64;
			continue;
		}
		if (wanted(candidates, r))
			bit_set(words, r);
		r++;
	}
}

/* --- a shape's run of a column ------------------------------------------ */

/* The values of the field in this shape start here, or -1. */
static int64_t
run_of(const struct shape *shape, field_t field)
{
	size_t low = 0, high = shape->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (shape->fields[middle] < field)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == shape->n || shape->fields[low] != field)
		return -1;
	return shape->value0[low];
}

static struct bits
rows_with(struct bits_scan *scan, field_t field, const uint64_t *candidates)
{
	const struct shape *shapes;
	size_t n = chunk_shapes(scan->chunk, &shapes), with = 0;
	uint64_t *words;

	for (size_t s = 0; s < n; s++)
		with += run_of(&shapes[s], field) >= 0;
	if (with == 0)
		return no_rows;
	if (with == n)
		return all_rows;
	words = words_new(scan);
	for (size_t s = 0; s < n; s++)
		if (run_of(&shapes[s], field) >= 0)
			set_run(words, candidates, shapes[s].row0,
			    shapes[s].rows);
	return settle(scan, words);
}

/* --- leaves over columns ------------------------------------------------ */

/* Equality with bytes in ASCII, apart from the case of ASCII letters: not so
 * beyond ASCII, nor for letters with relatives beyond it (k and s). Blooms,
 * which hold whole texts folded as ASCII, may be asked then. */
static bool
plain_equal(const struct plan_node *leaf)
{
	const struct pred *pred = leaf->pred;

	if (pred->op != PRED_EQ || pred->has_number ||
	    (leaf->leaf != NULL && leaf->leaf->set != NULL))
		return false;
	for (size_t i = 0; i < pred->text.len; i++)
		if ((pred->text.ptr[i] & 0x80) != 0 ||
		    pred->text.ptr[i] == 'k' || pred->text.ptr[i] == 's')
			return false;
	return true;
}

/* What a text must be to be worth comparing, where that is known. */
struct exact {
	bool	 known, address;
	struct slice text;
	char	 room[IP_TEXT_BYTES];
};

static void
exact_init(struct exact *exact, const struct plan_node *leaf,
    enum value_type type)
{
	const struct pred *pred = leaf->pred;

	exact->known = exact->address = false;
	if (type == VALUE_IP && pred->op == PRED_CIDR &&
	    pred->cidr->bits == 128 && ip_is_v4(pred->cidr->ip)) {
		exact->known = exact->address = true;
		exact->text = ip_format(pred->cidr->ip, exact->room);
	} else if (type == VALUE_TEXT && plain_equal(leaf)) {
		exact->known = true;
		exact->text = pred->text;
	}
}

/* An address with a colon may be any IPv4 address, written as IPv6. */
static bool
exact_refuses(const struct exact *exact, struct slice text)
{
	if (!exact->known)
		return false;
	if (exact->address)
		return !slice_eq(text, exact->text) &&
		    slice_find_byte(text, ':') < 0;
	return text.len != exact->text.len;
}

static struct bits
over_codes(struct bits_scan *scan, const struct plan_node *leaf,
    const struct column *column, const uint64_t *candidates)
{
	uint32_t n = column_kind(column) == COLUMN_CONST ? 1
	    : column_dict_count(column), holding = 0;
	uint8_t *holds = arena_zalloc(scan->arena, n + 1);
	const struct shape *shapes;
	const uint32_t *codes;
	uint64_t *words;
	struct exact exact;
	size_t nshapes;

	exact_init(&exact, leaf, column_type(column));
	for (uint32_t code = 0; code < n; code++) {
		struct value value;

		if (exact.known && exact_refuses(&exact,
		    column_dict_text(column, code)))
			continue;
		column_dict_value(column, code, &value);
		holds[code] = plan_value_holds(scan->plan, leaf, &value);
		holding += holds[code];
	}
	if (holding == 0)
		return no_rows;
	if (holding == n)
		return rows_with(scan, leaf->field, candidates);
	codes = column_codes(column);
	if (codes == NULL) {
		err_set(scan->err, ERR_DAMAGED, "codes do not check");
		return broken;
	}
	words = words_new(scan);
	nshapes = chunk_shapes(scan->chunk, &shapes);
	for (size_t s = 0; s < nshapes; s++) {
		int64_t run = run_of(&shapes[s], leaf->field);
		uint32_t row0 = shapes[s].row0;

		for (uint32_t r = 0; run >= 0 && r < shapes[s].rows; r++)
			if (holds[codes[run + r]] &&
			    wanted(candidates, row0 + r))
				bit_set(words, row0 + r);
	}
	return settle(scan, words);
}

/* A comparison of whole numbers as a range of them, both ends included; false
 * if it is none. */
static bool
as_range(const struct plan_node *leaf, enum value_type type, int64_t *low,
    int64_t *high)
{
	const struct pred *pred = leaf->pred;
	bool is_time = leaf->leaf != NULL && leaf->leaf->is_time;
	int64_t at;

	if (leaf->leaf != NULL && leaf->leaf->set != NULL)
		return false;
	*low = INT64_MIN;
	*high = INT64_MAX;
	if (is_time && type == VALUE_TIME)
		at = leaf->leaf->time_ns;
	else if (!is_time && type == VALUE_LONG && pred->has_number &&
	    pred->number > -9e15 && pred->number < 9e15 &&
	    pred->number == (double)(int64_t)pred->number)
		at = (int64_t)pred->number;
	else
		return false;
	switch (pred->op) {
	case PRED_EQ:
		*low = at;
		*high = is_time ? leaf->leaf->until_ns : at;
		return true;
	case PRED_GE:
		*low = at;
		return true;
	case PRED_GT:
		*low = at + 1;
		return true;
	case PRED_LE:
		*high = at;
		return true;
	case PRED_LT:
		*high = at - 1;
		return true;
	default:
		return false;
	}
}

static struct bits
over_numbers(struct bits_scan *scan, const struct plan_node *leaf,
    const struct column *column, const uint64_t *candidates)
{
	enum value_type type = column_type(column);
	const struct shape *shapes;
	const int64_t *numbers;
	int64_t low, high, min, max;
	uint64_t *words;
	bool range = as_range(leaf, type, &low, &high);
	size_t nshapes;

	if (range && column_range(column, &min, &max)) {
		if (max < low || min > high)
			return no_rows;
		if (min >= low && max <= high)
			return rows_with(scan, leaf->field, candidates);
	}
	numbers = column_numbers(column);
	if (numbers == NULL) {
		err_set(scan->err, ERR_DAMAGED, "numbers do not check");
		return broken;
	}
	words = words_new(scan);
	nshapes = chunk_shapes(scan->chunk, &shapes);
	for (size_t s = 0; s < nshapes; s++) {
		int64_t run = run_of(&shapes[s], leaf->field);
		uint32_t row0 = shapes[s].row0;

		for (uint32_t r = 0; run >= 0 && r < shapes[s].rows; r++) {
			struct value value = { .type = (uint8_t)type,
			    .transform = TRANSFORM_OWNED,
			    .u.num = numbers[run + r] };

			if (wanted(candidates, row0 + r) && (range
			    ? value.u.num >= low && value.u.num <= high
			    : plan_value_holds(scan->plan, leaf, &value)))
				bit_set(words, row0 + r);
		}
	}
	return settle(scan, words);
}

/* One address, asked of a column in which each has one spelling. */
static bool
v4_refuses(const struct pred *pred, const struct column *column)
{
	char room[IP_TEXT_BYTES];

	if (pred->op != PRED_CIDR || pred->cidr->bits != 128 ||
	    !column_is_v4(column))
		return false;
	return !ip_is_v4(pred->cidr->ip) ||
	    !column_may_hold(column, ip_format(pred->cidr->ip, room));
}

/* No value can be this one, says the bloom. */
static bool
bloom_refuses(const struct plan_node *leaf, const struct column *column)
{
	return v4_refuses(leaf->pred, column) || (plain_equal(leaf) &&
	    !column_may_hold(column, leaf->pred->text));
}

static struct bits
over_texts(struct bits_scan *scan, const struct plan_node *leaf,
    const struct column *column, const uint64_t *candidates)
{
	const struct shape *shapes;
	size_t nshapes = chunk_shapes(scan->chunk, &shapes);
	uint64_t *words;

	if (bloom_refuses(leaf, column))
		return no_rows;
	words = words_new(scan);
	for (size_t s = 0; s < nshapes; s++) {
		int64_t run = run_of(&shapes[s], leaf->field);
		uint32_t row0 = shapes[s].row0;

		for (uint32_t r = 0; run >= 0 && r < shapes[s].rows; r++) {
			struct value value;

			if (!wanted(candidates, row0 + r))
				continue;
			if (!column_value(column, (uint32_t)run + r, &value,
			    scan->err))
				return broken;
			if (plan_value_holds(scan->plan, leaf, &value))
				bit_set(words, row0 + r);
		}
	}
	return settle(scan, words);
}

/* Before the column is read its head may say that nothing in it can hold. */
static bool
head_refuses(struct bits_scan *scan, const struct plan_node *leaf)
{
	const struct column *head = chunk_column_head(scan->chunk, leaf->field,
	    scan->err);
	int64_t low, high, min, max;

	if (head == NULL)
		return false;
	if (column_kind(head) == COLUMN_INT &&
	    as_range(leaf, column_type(head), &low, &high) &&
	    column_range(head, &min, &max))
		return max < low || min > high;
	return column_kind(head) == COLUMN_TEXT &&
	    bloom_refuses(leaf, head);
}

/* The candidates without those in `words`. */
static uint64_t *
without(struct bits_scan *scan, const uint64_t *candidates,
    const uint64_t *words)
{
	uint64_t *rest = words_new(scan);

	for (size_t i = 0; i < scan->nwords; i++)
		rest[i] = (candidates == NULL ? UINT64_MAX : candidates[i]) &
		    ~words[i];
	if (candidates == NULL && (scan->rows & 63) != 0)
		rest[scan->nwords - 1] &=
		    (UINT64_C(1) << (scan->rows & 63)) - 1;
	return rest;
}

/* Absent or null. Queries do not write this; conditions of rules may. */
static struct bits
over_absent(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	const struct column *column;
	uint64_t *words = words_new(scan);

	column = chunk_column(scan->chunk, leaf->field, scan->err);
	if (column == NULL)
		return scan->err->kind == ERR_NONE ? all_rows : broken;
	for (uint32_t r = 0; r < scan->rows; r++) {
		struct value value = { .type = VALUE_NULL };
		int64_t i = chunk_value_index(scan->chunk, leaf->field, r);
		bool null = i < 0;

		if (!wanted(candidates, r))
			continue;
		if (i >= 0 && !column_value(column, (uint32_t)i, &value,
		    scan->err))
			return broken;
		for (size_t m = 0; i >= 0 && m < value_members(&value); m++)
			null = null || value_member(&value, m)->type ==
			    VALUE_NULL;
		if (null)
			bit_set(words, r);
	}
	return settle(scan, words);
}

static struct bits
over_column(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	const struct column *column;

	if (leaf->pred->op == PRED_NULL)
		return over_absent(scan, leaf, candidates);
	if (chunk_values(scan->chunk, leaf->field) == 0)
		return no_rows;
	if (leaf->pred->op == PRED_EXISTS)
		return rows_with(scan, leaf->field, candidates);
	if (head_refuses(scan, leaf))
		return no_rows;
	column = chunk_column(scan->chunk, leaf->field, scan->err);
	if (column == NULL)
		return broken;
	switch (column_kind(column)) {
	case COLUMN_CONST:
	case COLUMN_DICT:
		return over_codes(scan, leaf, column, candidates);
	case COLUMN_INT:
		return over_numbers(scan, leaf, column, candidates);
	case COLUMN_TEXT:
		return over_texts(scan, leaf, column, candidates);
	}
	return no_rows;
}

/* --- leaves over members of the event ----------------------------------- */

static struct bits
over_times(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	const int64_t *times = leaf->field == FIELD_TIMESTAMP
	    ? chunk_times(scan->chunk, scan->err)
	    : chunk_ingested(scan->chunk, scan->err);
	uint64_t *words;

	if (times == NULL)
		return broken;
	words = words_new(scan);
	for (uint32_t r = 0; r < scan->rows; r++) {
		struct value value = value_time(times[r]);

		if (wanted(candidates, r) &&
		    plan_value_holds(scan->plan, leaf, &value))
			bit_set(words, r);
	}
	return settle(scan, words);
}

/* Alerts carry an id of their own; all others are named by sequence. The
 * range of sequences keeps a search for one id out of other chunks. */
static bool
id_may_be_here(const struct bits_scan *scan, const struct pred *pred)
{
	char text[17];
	uint64_t seq;

	if (pred->op != PRED_EQ || pred->text.len == 0 ||
	    chunk_values(scan->chunk, FIELD_EVENT_ID) > 0)
		return true;
	if (pred->text.len != EVENT_ID_BYTES - 1)
		return false;
	memcpy(text, pred->text.ptr + 8, 16);
	text[16] = '\0';
	seq = strtoull(text, NULL, 16);
	return seq >= scan->info->seq0 && seq <= scan->info->seq1;
}

static struct bits
over_ids(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	const uint64_t *seqs;
	const struct column *column;
	uint64_t *words;

	if (!id_may_be_here(scan, leaf->pred))
		return no_rows;
	seqs = chunk_seqs(scan->chunk, scan->err);
	column = chunk_column(scan->chunk, FIELD_EVENT_ID, scan->err);
	if (seqs == NULL || scan->err->kind != ERR_NONE)
		return broken;
	words = words_new(scan);
	for (uint32_t r = 0; r < scan->rows; r++) {
		struct batch batch = { .node = scan->node };
		struct event event = { .seq = seqs[r], .batch = &batch };
		char id[EVENT_ID_BYTES];
		struct value value;
		int64_t i;

		if (!wanted(candidates, r))
			continue;
		i = column == NULL ? -1
		    : chunk_value_index(scan->chunk, FIELD_EVENT_ID, r);
		if (i >= 0) {
			if (!column_value(column, (uint32_t)i, &value,
			    scan->err))
				return broken;
		} else {
			event_id(&event, id);
			value = value_text(slice_of(id, EVENT_ID_BYTES - 1),
			    TRANSFORM_OWNED);
		}
		if (plan_value_holds(scan->plan, leaf, &value))
			bit_set(words, r);
	}
	return settle(scan, words);
}

/* --- leaves over raw lines ---------------------------------------------- */

struct page {
	uint32_t row0, rows;
	const char *bytes;
	const uint32_t *offsets;
};

static struct slice
page_line(const struct page *page, uint32_t i)
{
	return slice_of(page->bytes + page->offsets[i],
	    page->offsets[i + 1] - page->offsets[i]);
}

/* The whole page as one text: most pages hold no hit at all. */
static void
needle_over_page(const struct needle *needle, const struct page *page,
    const uint64_t *candidates, uint64_t *words)
{
	struct slice text = slice_of(page->bytes, page->offsets[page->rows]);
	uint32_t i = 0;
	ptrdiff_t hit = 0;

	while (i < page->rows &&
	    (hit = needle_next(needle, text, (size_t)hit)) >= 0) {
		while (i < page->rows &&
		    page->offsets[i + 1] <= (uint32_t)hit)
			i++;
		if (i == page->rows)
			break;
		if (wanted(candidates, page->row0 + i) &&
		    needle_in(needle, page_line(page, i)))
			bit_set(words, page->row0 + i);
		hit = page->offsets[++i];
	}
}

static bool
line_holds(struct bits_scan *scan, const struct plan_node *leaf,
    struct slice line)
{
	struct value value;

	if (plan_leaf_is_raw(leaf))
		return needle_in(leaf->leaf->needle, line);
	value = value_text(line, TRANSFORM_NONE);
	return leaf->pred->op == PRED_EXISTS ||
	    plan_value_holds(scan->plan, leaf, &value);
}

static uint32_t
candidates_in(const struct page *page, const uint64_t *candidates)
{
	uint32_t n = 0;

	if (candidates == NULL)
		return page->rows;
	for (uint32_t i = 0; i < page->rows; i++)
		n += bit_is_set(candidates, page->row0 + i);
	return n;
}

/* What every line must hold for the leaf, folded; empty if nothing is known. */
static struct slice
literal_of(struct bits_scan *scan, const struct plan_node *leaf)
{
	char room[REGEX_LITERAL_BYTES];
	size_t n;

	if (plan_leaf_is_raw(leaf))
		return needle_literal(leaf->leaf->needle);
	if (leaf->pred->op != PRED_RE)
		return slice_of("", 0);
	n = regex_literal(leaf->pred->text, room);
	return arena_dup(scan->arena, slice_of(room, n));
}

/* Without making lines, where what is asked has a literal. */
static struct bits
over_parts(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates, struct slice literal)
{
	struct text_find find = { .scan = scan, .candidates = candidates,
	    .literal = literal, .sure = words_new(scan),
	    .maybe = words_new(scan) };
	struct strbuf line = STRBUF_INIT;
	bool good;

	if (plan_leaf_is_raw(leaf)) {
		find.anywhere = needle_is_phrase(leaf->leaf->needle);
		find.needle = needle_is_word(leaf->leaf->needle)
		    ? leaf->leaf->needle : NULL;
	}
	good = text_find(&find);
	for (uint32_t r = 0; r < scan->rows && good; r++) {
		if ((r & 63) == 0 && find.maybe[r >> 6] == 0) {
			r += 63;
			continue;
		}
		if (!bit_is_set(find.maybe, r) || bit_is_set(find.sure, r))
			continue;
		strbuf_clear(&line);
		good = chunk_raw_put(scan->chunk, r, &line, scan->err);
		if (good && line_holds(scan, leaf, strbuf_slice(&line)))
			bit_set(find.sure, r);
	}
	strbuf_fini(&line);
	return good ? settle(scan, find.sure) : broken;
}

#define SPARSE 8	/* one row in that many: line by line is cheaper */

static struct bits
over_lines(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	struct slice literal = literal_of(scan, leaf);
	uint64_t *words;
	struct page page;

	if (literal.len > 1 && chunk_has_templates(scan->chunk))
		return over_parts(scan, leaf, candidates, literal);
	words = words_new(scan);

	for (uint32_t k = 0; k * CHUNK_PAGE < scan->rows; k++) {
		uint32_t left, n;

		page.row0 = k * CHUNK_PAGE;
		left = scan->rows - page.row0;
		page.rows = left < CHUNK_PAGE ? left : CHUNK_PAGE;
		n = candidates_in(&page, candidates);
		if (n == 0)
			continue;
		if (!chunk_raw_page(scan->chunk, k, &page.bytes,
		    &page.offsets, &page.rows, scan->err))
			return broken;
		if (plan_leaf_is_raw(leaf) && n > page.rows / SPARSE) {
			needle_over_page(leaf->leaf->needle, &page,
			    candidates, words);
			continue;
		}
		for (uint32_t i = 0; i < page.rows; i++)
			if (wanted(candidates, page.row0 + i) &&
			    line_holds(scan, leaf, page_line(&page, i)))
				bit_set(words, page.row0 + i);
	}
	return settle(scan, words);
}

/* --- trees -------------------------------------------------------------- */

/* category, product and service, a TAB between. */
static uint16_t
source_of(const struct value *value)
{
	struct slice text = slice_of(value->text, value->len);
	struct logsource source;
	ptrdiff_t tab = slice_find_byte(text, '\t');

	if (value->type != VALUE_TEXT || tab < 0)
		return 0;
	source.category = slice_head(text, (size_t)tab);
	text = slice_skip(text, (size_t)tab + 1);
	tab = slice_find_byte(text, '\t');
	if (tab < 0)
		return 0;
	source.product = slice_head(text, (size_t)tab);
	source.service = slice_skip(text, (size_t)tab + 1);
	return logsource_intern(source);
}

/* Rows of the log sources that are wanted: a few entries of a dictionary. */
static struct bits
over_sources(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	const struct query_leaf *asked = leaf->leaf;
	const struct column *column = chunk_logsources(scan->chunk, scan->err);
	const uint32_t *codes = NULL;
	uint32_t n, holding = 0;
	uint64_t *words;
	uint8_t *holds;

	if (column == NULL)
		return broken;
	n = column_kind(column) == COLUMN_CONST ? 1
	    : column_dict_count(column);
	if (column_kind(column) > COLUMN_DICT)
		return all_rows;	/* not so written; the rule asks again */
	holds = arena_zalloc(scan->arena, n + 1);
	for (uint32_t code = 0; code < n; code++) {
		struct value value;

		column_dict_value(column, code, &value);
		holds[code] = asked->source(asked->user, source_of(&value));
		holding += holds[code];
	}
	if (holding == 0 || holding == n)
		return holding == 0 ? no_rows : all_rows;
	codes = column_codes(column);
	if (codes == NULL) {
		err_set(scan->err, ERR_DAMAGED, "codes do not check");
		return broken;
	}
	words = words_new(scan);
	for (uint32_t r = 0; r < scan->rows; r++)
		if (holds[codes[r]] && wanted(candidates, r))
			bit_set(words, r);
	return settle(scan, words);
}

static struct bits
over_leaf(struct bits_scan *scan, const struct plan_node *leaf,
    const uint64_t *candidates)
{
	if (leaf->leaf != NULL && leaf->leaf->source != NULL)
		return over_sources(scan, leaf, candidates);
	if (leaf->pred->op == PRED_TRUE)
		return all_rows;
	if (plan_leaf_is_raw(leaf))
		return over_lines(scan, leaf, candidates);
	switch (leaf->field) {
	case FIELD_TIMESTAMP:
	case FIELD_EVENT_INGESTED:
		return leaf->pred->op == PRED_EXISTS ? all_rows
		    : over_times(scan, leaf, candidates);
	case FIELD_EVENT_ID:
		return leaf->pred->op == PRED_EXISTS ? all_rows
		    : over_ids(scan, leaf, candidates);
	case FIELD_EVENT_ORIGINAL:
		return leaf->pred->op == PRED_EXISTS ? all_rows
		    : over_lines(scan, leaf, candidates);
	default:
		return over_column(scan, leaf, candidates);
	}
}

static struct bits over(struct bits_scan *scan, const struct plan_node *node,
    const uint64_t *candidates);

/* Each child sees only what its elders left; the cheap ones come first. */
static struct bits
over_and(struct bits_scan *scan, const struct plan_node *node,
    const uint64_t *candidates)
{
	struct bits so_far = all_rows;

	for (size_t i = 0; i < node->n; i++) {
		struct bits bits = over(scan, node->child[i],
		    so_far.state == BITS_ALL ? candidates : so_far.words);

		if (bits.state == BITS_NONE || bits.state == BITS_BROKEN)
			return bits;
		if (bits.state == BITS_SOME)
			so_far = bits;
	}
	return so_far;
}

static struct bits
over_or(struct bits_scan *scan, const struct plan_node *node,
    const uint64_t *candidates)
{
	uint64_t *found = NULL;
	const uint64_t *rest = candidates;

	for (size_t i = 0; i < node->n; i++) {
		struct bits bits = over(scan, node->child[i], rest);

		if (bits.state == BITS_BROKEN || bits.state == BITS_ALL)
			return bits;
		if (bits.state == BITS_NONE)
			continue;
		if (found == NULL)
			found = words_new(scan);
		for (size_t w = 0; w < scan->nwords; w++)
			found[w] |= bits.words[w];
		rest = without(scan, candidates, found);
	}
	return found == NULL ? no_rows : (struct bits){ BITS_SOME, found };
}

static struct bits
over_not(struct bits_scan *scan, const struct plan_node *node,
    const uint64_t *candidates)
{
	struct bits bits = over(scan, node->child[0], candidates);

	switch (bits.state) {
	case BITS_NONE:
		return all_rows;
	case BITS_ALL:
		return no_rows;
	case BITS_SOME:
		return settle(scan, without(scan, candidates, bits.words));
	case BITS_BROKEN:
		break;
	}
	return bits;
}

static struct bits
over(struct bits_scan *scan, const struct plan_node *node,
    const uint64_t *candidates)
{
	switch (node->kind) {
	case COND_AND:
		return over_and(scan, node, candidates);
	case COND_OR:
		return over_or(scan, node, candidates);
	case COND_NOT:
		return over_not(scan, node, candidates);
	case COND_PRED:
		return over_leaf(scan, node, candidates);
	}
	return no_rows;
}

struct bits
bits_plan(struct bits_scan *scan, const uint64_t *candidates)
{
	const struct plan_node *root = plan_root(scan->plan);

	return root == NULL ? all_rows : over(scan, root, candidates);
}

struct bits
bits_times(struct bits_scan *scan, int64_t from_ns, int64_t to_ns)
{
	const int64_t *times = chunk_times(scan->chunk, scan->err);
	uint64_t *words;

	if (times == NULL)
		return broken;
	words = words_new(scan);
	for (uint32_t r = 0; r < scan->rows; r++)
		if (times[r] >= from_ns && times[r] <= to_ns)
			bit_set(words, r);
	return settle(scan, words);
}
