#include "storage/scan_text.h"

#include <stdlib.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "storage/chunk_private.h"
#include "storage/query_raw.h"

#define LITERAL_MOST 63		/* bytes that fit a word of states */
#define ENTRIES_MOST 4096	/* of a dictionary, asked with what was begun */

/* Bit k: the first k bytes of the literal may end here, begun in an earlier
 * part or in this one. */
typedef uint64_t state_t;

/* A dictionary asked once for all templates: per entry 0, MAYBE or SURE. */
enum { ENTRY_NO, ENTRY_MAYBE, ENTRY_SURE };

struct asked {
	struct asked *next;
	const struct column *column;
	uint8_t	 how;
	bool	 free;
	uint8_t	 *entries;
	uint32_t some;		/* entries that are not NO */
};

/* With what of the literal its entries may end. */
struct ending {
	struct ending *next;
	const struct column *column;
	state_t	 states;
};

/* Which bytes a column of texts has at all, found out byte by byte. */
struct spelled {
	struct spelled *next;
	const struct column *column;
	uint8_t	 has[256];	/* folded: 0 not asked yet, else 1 + answer */
};

struct finder {
	struct text_find *find;
	struct chunk *chunk;
	struct needle *literal;		/* as a phrase */
	struct asked *asked;
	struct ending *endings;
	struct spelled *spelled;
	state_t	 at[256];		/* see offsets_init */
	struct strbuf text;
	/* the template in hand */
	size_t	 t;
	const struct template_read *read;
	const struct shape *shape;
};

static bool
is_word_byte(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	    (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

static bool
wanted(const struct finder *f, uint32_t row)
{
	return f->find->candidates == NULL ||
	    bit_is_set(f->find->candidates, row);
}

static void
mark(struct finder *f, uint32_t row, int how)
{
	uint64_t *words = how == ENTRY_SURE ? f->find->sure : f->find->maybe;

	if (how != ENTRY_NO && wanted(f, row))
		words[row >> 6] |= UINT64_C(1) << (row & 63);
}

static bool
any_wanted(const struct finder *f, uint32_t row, uint32_t end)
{
	for (; row < end; row++)
		if (wanted(f, row))
			return true;
	return false;
}

/* A text that is a part of a line; free: nothing that belongs to a word
 * touches its ends. */
static int
ask_text(const struct finder *f, struct slice text, bool is_free)
{
	if (!needle_in(f->literal, text))
		return ENTRY_NO;
	if (f->find->anywhere)
		return ENTRY_SURE;
	if (f->find->needle == NULL || !is_free)
		return ENTRY_MAYBE;
	return needle_in(f->find->needle, text) ? ENTRY_SURE : ENTRY_NO;
}

/* --- over borders ------------------------------------------------------------ */

/* The literal's offsets at which a byte stands, whatever its case. */
static void
offsets_init(struct finder *f)
{
	struct slice literal = f->find->literal;

	for (size_t k = 0; k < literal.len && k <= LITERAL_MOST; k++) {
		char c = literal.ptr[k];

		f->at[(uint8_t)c] |= (state_t)1 << k;
		if (c >= 'a' && c <= 'z')
			f->at[(uint8_t)(c - 'a' + 'A')] |= (state_t)1 << k;
	}
}

static state_t
unfinished(const struct finder *f)
{
	return (((state_t)1 << f->find->literal.len) - 1) & ~(state_t)1;
}

/* What of the literal a text can end with, begun in it. */
static state_t
ends_of(const struct finder *f, struct slice text)
{
	state_t states = 1;

	if (text.len >= f->find->literal.len)
		text = slice_skip(text, text.len - f->find->literal.len + 1);
	for (size_t i = 0; i < text.len; i++)
		states = (states & f->at[(uint8_t)text.ptr[i]]) << 1 | 1;
	return states & unfinished(f);
}

/* What becomes of what was begun before the text. */
static state_t
carried_over(const struct finder *f, struct slice text, state_t begun,
    bool *crossed)
{
	for (size_t i = 0; i < text.len && begun != 0; i++) {
		begun = (begun & f->at[(uint8_t)text.ptr[i]]) << 1;
		*crossed = *crossed ||
		    (begun >> f->find->literal.len & 1) != 0;
		begun &= unfinished(f);
	}
	return begun;
}

static state_t
over_text(const struct finder *f, struct slice text, state_t begun,
    bool *crossed)
{
	return carried_over(f, text, begun, crossed) | ends_of(f, text);
}

/* What texts of a type are made of; NULL: anything. */
static const char *
alphabet(enum value_type type)
{
	return type == VALUE_IP ? "0123456789abcdef:." : type == VALUE_LONG
	    ? "0123456789-+.e" : NULL;
}

static bool
is_of(const char *alphabet, char c)
{
	return alphabet == NULL || (c != '\0' && strchr(alphabet, c) != NULL);
}

static bool
texts_have(const struct column *column, char c, char other)
{
	const struct slice *texts;
	uint32_t n;

	for (uint32_t i = 0; i < column_count(column); i += n) {
		size_t bytes;

		n = column_texts(column, i, &texts, NULL);
		if (n == 0)
			return true;	/* damaged: who reads it says so */
		bytes = (size_t)(texts[n - 1].ptr + texts[n - 1].len -
		    texts[0].ptr);
		if (memchr(texts[0].ptr, c, bytes) != NULL ||
		    (c != other && memchr(texts[0].ptr, other, bytes) !=
		    NULL))
			return true;
	}
	return false;
}

/* Has any text of the column the byte, in lower case? Numbers and identifiers
 * lack most, and need not be looked through then. */
static bool
column_has(struct finder *f, const struct column *column, char c)
{
	struct spelled *spelled = f->spelled;
	uint8_t *has;

	if (column_kind(column) != COLUMN_TEXT)
		return true;
	while (spelled != NULL && spelled->column != column)
		spelled = spelled->next;
	if (spelled == NULL) {
		spelled = arena_zalloc(f->find->scan->arena,
		    sizeof(*spelled));
		spelled->next = f->spelled;
		spelled->column = column;
		f->spelled = spelled;
	}
	has = &spelled->has[(uint8_t)c];
	if (*has == 0)
		*has = 1 + texts_have(column, c, c >= 'a' && c <= 'z' ?
		    (char)(c - 'a' + 'A') : c);
	return *has == 2;
}

/* A field as it is, or changed on its way into the line? */
static bool
field_can_hold(struct finder *f, const struct part *part, char c)
{
	const struct column *column = chunk_own_column(f->chunk,
	    f->read->places[part->value].field, NULL);

	return is_of(alphabet(column_type(column)), c) &&
	    (part->how != HOW_PLAIN || column_has(f, column, c));
}

static state_t
over_unknown(struct finder *f, const struct part *part, state_t begun,
    bool *crossed)
{
	struct slice literal = f->find->literal;
	state_t states = begun;

	for (state_t rest = begun | 1; rest != 0; rest &= rest - 1) {
		unsigned from = (unsigned)__builtin_ctzll(rest);

		for (size_t k = from; k < literal.len &&
		    chunk_part_can_hold(part, literal.ptr[k]) &&
		    (part->kind != PART_FIELD ||
		    field_can_hold(f, part, literal.ptr[k])); k++) {
			if (from > 0 && k + 1 == literal.len)
				*crossed = true;
			if (k + 1 < literal.len)
				states |= (state_t)1 << (k + 1);
		}
	}
	return states;
}

/* Texts need not be read to be compared. */
static struct slice
entry_text(const struct column *column, uint32_t code,
    char buf[VALUE_TEXT_BYTES])
{
	struct value value;

	if (column_type(column) == VALUE_TEXT ||
	    column_type(column) == VALUE_IP)
		return column_dict_text(column, code);
	column_dict_value(column, code, &value);
	return value_as_text(&value, buf);
}

/* With what its entries may end if nothing of the literal was begun before. */
static state_t
endings_of(struct finder *f, const struct column *column)
{
	struct ending *ending;
	char buf[VALUE_TEXT_BYTES];

	for (ending = f->endings; ending != NULL; ending = ending->next)
		if (ending->column == column)
			return ending->states;
	ending = arena_zalloc(f->find->scan->arena, sizeof(*ending));
	ending->next = f->endings;
	ending->column = column;
	f->endings = ending;
	for (uint32_t i = 0; i < column_dict_count(column); i++)
		ending->states |= ends_of(f, entry_text(column, i, buf));
	return ending->states;
}

static bool
has_lists(const struct column *column)
{
	struct value value;

	if (column_type(column) != VALUE_NULL)
		return false;
	for (uint32_t i = 0; i < column_dict_count(column); i++) {
		column_dict_value(column, i, &value);
		if (value.type == VALUE_LIST)
			return true;
	}
	return false;
}

/* What a field with a dictionary can be the end, middle or beginning of. False
 * if it has none, or one too large to go through for what was begun. */
static bool
over_field(struct finder *f, const struct part *part, state_t *begun,
    bool *crossed)
{
	struct column *column = chunk_own_column(f->chunk,
	    f->read->places[part->value].field, NULL);
	state_t after;
	char buf[VALUE_TEXT_BYTES];

	if (column == NULL || column_kind(column) > COLUMN_DICT ||
	    (*begun != 0 && column_dict_count(column) > ENTRIES_MOST) ||
	    part->how != HOW_PLAIN || has_lists(column))
		return false;
	after = endings_of(f, column);
	for (uint32_t i = 0; i < column_dict_count(column) && *begun != 0 &&
	    !*crossed; i++)
		after |= carried_over(f, entry_text(column, i, buf), *begun,
		    crossed);
	*begun = after;
	return true;
}

static state_t
over_digits(const struct finder *f, const struct var_column *column,
    state_t begun, bool *crossed)
{
	struct slice literal = f->find->literal;
	const char *of = column->numbers != NULL ? "0123456789" :
	    "0123456789abcdef";
	state_t states = begun = over_text(f, column->prefix, begun, crossed);

	for (state_t rest = begun | 1; rest != 0; rest &= rest - 1) {
		unsigned from = (unsigned)__builtin_ctzll(rest);

		for (size_t k = from; k < literal.len &&
		    is_of(of, literal.ptr[k]); k++) {
			if (from > 0 && k + 1 == literal.len)
				*crossed = true;
			if (k + 1 < literal.len)
				states |= (state_t)1 << (k + 1);
		}
	}
	return states;
}

/* A variable whose values are at hand. */
static state_t
over_variable(const struct finder *f, const struct var_column *column,
    state_t begun, bool *crossed)
{
	state_t after = 0;

	if (column->numbers != NULL || column->packed.ptr != NULL)
		return over_digits(f, column, begun, crossed);
	begun = over_text(f, column->prefix, begun, crossed);
	if (column->texts == NULL)
		return begun;
	for (uint32_t i = 0; i < column->n && !*crossed; i++) {
		struct slice text = column->texts[i];

		if (i > 0 && slice_eq(text, column->texts[i - 1]))
			continue;
		after |= over_text(f, text, begun, crossed);
	}
	return after;
}

/* May the literal stand in more than one part? `column` has the variables of a
 * run; NULL: they may be anything. */
static bool
crosses(struct finder *f, const struct var_column *column)
{
	const struct line_template *template = &f->read->template;
	state_t begun = 0;
	bool crossed = false;

	if (f->find->literal.len > LITERAL_MOST)
		return true;
	for (unsigned p = 0; p < template->nparts && !crossed; p++) {
		const struct part *part = &template->parts[p];
		const struct var_column *mine = column;

		column += column != NULL && part_is_var(part);
		if (part->kind == PART_TEXT)
			begun = over_text(f, part->text, begun, &crossed);
		else if (mine != NULL && (part->kind == PART_WORD ||
		    part->kind == PART_REST))
			begun = over_variable(f, mine, begun, &crossed);
		else if (part->kind != PART_FIELD ||
		    !over_field(f, part, &begun, &crossed))
			begun = over_unknown(f, part, begun, &crossed);
	}
	return crossed;
}

/* --- within fields -------------------------------------------------------------- */

/* Nothing of a word touches part p: a border of the line, or literal text. */
static bool
is_free(const struct finder *f, unsigned p)
{
	const struct line_template *template = &f->read->template;
	const struct part *before = p > 0 ? &template->parts[p - 1] : NULL;
	const struct part *after = p + 1 < template->nparts
	    ? &template->parts[p + 1] : NULL;

	return (before == NULL || (before->kind == PART_TEXT &&
	    before->text.len > 0 &&
	    !is_word_byte(before->text.ptr[before->text.len - 1]))) &&
	    (after == NULL || (after->kind == PART_TEXT &&
	    after->text.len > 0 && !is_word_byte(after->text.ptr[0])));
}

static int
ask_value(struct finder *f, const struct value *value, enum part_how how,
    bool free)
{
	char buf[VALUE_TEXT_BYTES];
	struct slice text;

	if (value->type == VALUE_LIST)
		return ENTRY_MAYBE;
	text = value_as_text(value, buf);
	if (how == HOW_PLAIN)
		return ask_text(f, text, free);
	strbuf_clear(&f->text);
	how_put(&f->text, how, text);
	return ask_text(f, strbuf_slice(&f->text), free);
}

/* A dictionary of texts, of which most do not hold it. */
static void
ask_texts(struct finder *f, const struct column *column, struct asked *asked)
{
	uint32_t n = column_dict_count(column), code = 0;
	struct slice last = column_dict_text(column, n - 1), all;
	ptrdiff_t hit = 0;

	all.ptr = column_dict_text(column, 0).ptr;
	all.len = (size_t)(last.ptr + last.len - all.ptr);
	while (code < n &&
	    (hit = needle_next(f->literal, all, (size_t)hit)) >= 0) {
		struct slice text = column_dict_text(column, code);

		while (text.ptr + text.len <= all.ptr + hit && ++code < n)
			text = column_dict_text(column, code);
		if (code == n)
			return;
		asked->entries[code] = (uint8_t)ask_text(f, text,
		    asked->free);
		asked->some += asked->entries[code] != ENTRY_NO;
		hit = text.ptr + text.len - all.ptr;
		code++;
	}
}

static const struct asked *
ask_entries(struct finder *f, const struct column *column,
    enum part_how how, bool free)
{
	struct arena *arena = f->find->scan->arena;
	uint32_t n = column_dict_count(column);
	struct asked *asked;

	for (asked = f->asked; asked != NULL; asked = asked->next)
		if (asked->column == column && asked->how == how &&
		    asked->free == free)
			return asked;
	asked = arena_zalloc(arena, sizeof(*asked));
	*asked = (struct asked){ .next = f->asked, .column = column,
	    .how = (uint8_t)how, .free = free,
	    .entries = arena_zalloc(arena, n + 1) };
	f->asked = asked;
	if (how == HOW_PLAIN && (column_type(column) == VALUE_TEXT ||
	    column_type(column) == VALUE_IP)) {
		ask_texts(f, column, asked);
		return asked;
	}
	for (uint32_t code = 0; code < n; code++) {
		struct value value;

		column_dict_value(column, code, &value);
		asked->entries[code] = (uint8_t)ask_value(f, &value, how,
		    free);
		asked->some += asked->entries[code] != ENTRY_NO;
	}
	return asked;
}

static bool
type_can_hold(enum value_type type, struct slice literal)
{
	for (size_t i = 0; i < literal.len; i++)
		if (!is_of(alphabet(type), literal.ptr[i]))
			return false;
	return true;
}

/* Marks the texts[n] of rows from `row` on that hold the literal; they lie one
 * behind the other, and most hold none at all. */
static void
within_texts(struct finder *f, uint32_t row, const struct slice *texts,
    uint32_t n, bool free)
{
	const struct slice *last = &texts[n - 1];
	struct slice all = slice_of(texts[0].ptr,
	    (size_t)(last->ptr + last->len - texts[0].ptr));
	uint32_t i = 0;
	ptrdiff_t hit = 0;

	while (i < n &&
	    (hit = needle_next(f->literal, all, (size_t)hit)) >= 0) {
		while (i < n && texts[i].ptr + texts[i].len <= all.ptr + hit)
			i++;
		if (i == n)
			return;
		mark(f, row + i, ask_text(f, texts[i], free));
		hit = texts[i].ptr + texts[i].len - all.ptr;
		i++;
	}
}

/* A field whose texts are in pages and stand in the line as they are. */
static bool
within_pages(struct finder *f, const struct column *column, uint32_t base,
    bool free)
{
	const struct slice *texts;
	uint32_t rows = f->shape->rows, n;

	for (size_t k = 0; k < f->find->literal.len; k++)
		if (!column_has(f, column, f->find->literal.ptr[k]))
			return true;
	for (uint32_t i = 0; i < rows; i += n) {
		n = column_texts(column, base + i, &texts,
		    f->find->scan->err);
		if (n == 0)
			return false;
		n = n < rows - i ? n : rows - i;
		if (any_wanted(f, f->shape->row0 + i, f->shape->row0 + i + n))
			within_texts(f, f->shape->row0 + i, texts, n, free);
	}
	return true;
}

static bool
within_field(struct finder *f, unsigned p)
{
	const struct part *part = &f->read->template.parts[p];
	const struct value_place *place = &f->read->places[part->value];
	struct err *err = f->find->scan->err;
	struct column *column = chunk_own_column(f->chunk, place->field, err);
	const uint32_t *codes = NULL;
	const uint8_t *entries = NULL;
	bool free = is_free(f, p);

	if (column == NULL)
		return false;
	if (!type_can_hold(column_type(column), f->find->literal))
		return true;
	if (column_kind(column) <= COLUMN_DICT) {
		const struct asked *asked = ask_entries(f, column, part->how,
		    free);

		entries = asked->entries;
		if (asked->some == 0)
			return true;
		if (column_kind(column) == COLUMN_DICT) {
			codes = column_codes(column);
			if (codes == NULL) {
				err_set(err, ERR_DAMAGED,
				    "codes do not check");
				return false;
			}
		}
	}
	if (column_kind(column) == COLUMN_TEXT && part->how == HOW_PLAIN)
		return within_pages(f, column, place->base, free);
	for (uint32_t i = 0; i < f->shape->rows; i++) {
		uint32_t row = f->shape->row0 + i;
		struct value value;

		if (!wanted(f, row))
			continue;
		if (entries != NULL) {
			mark(f, row, entries[codes == NULL ? 0
			    : codes[place->base + i]]);
			continue;
		}
		if (!column_value(column, place->base + i, &value, err))
			return false;
		mark(f, row, ask_value(f, &value, part->how, free));
	}
	return true;
}

/* --- within variables ------------------------------------------------------------ */

static void
within_variable(struct finder *f, const struct page_run *run,
    const struct var_column *column, bool free)
{
	if (column->texts != NULL && column->prefix.len == 0) {
		within_texts(f, run->row0, column->texts, run->rows, free);
		return;
	}
	if (column->numbers != NULL && column->prefix.len == 0 &&
	    !type_can_hold(VALUE_LONG, f->find->literal))
		return;
	for (uint32_t i = 0; i < run->rows; i++) {
		if (!wanted(f, run->row0 + i))
			continue;
		strbuf_clear(&f->text);
		var_put_text(column, i, &f->text);
		mark(f, run->row0 + i, ask_text(f, strbuf_slice(&f->text),
		    free));
	}
}

static bool
part_can_hold(const struct finder *f, const struct part *part)
{
	for (size_t i = 0; i < f->find->literal.len; i++)
		if (!chunk_part_can_hold(part, f->find->literal.ptr[i]))
			return false;
	return true;
}

static const struct page_run *
run_at(struct finder *f, uint32_t row)
{
	const struct raw_page *page = chunk_runs(f->chunk, row / CHUNK_PAGE,
	    f->find->scan->err);

	return page == NULL ? NULL : &page->runs[f->t - page->runs[0].t];
}

static bool
within_variables(struct finder *f)
{
	const struct line_template *template = &f->read->template;
	uint32_t end = f->shape->row0 + f->shape->rows, next;
	bool any = false;

	for (unsigned p = 0; p < template->nparts; p++)
		any = any || (part_is_var(&template->parts[p]) &&
		    part_can_hold(f, &template->parts[p]));
	for (uint32_t row = f->shape->row0; any && row < end; row = next) {
		const struct page_run *run;
		const struct var_column *column;

		next = (row / CHUNK_PAGE + 1) * CHUNK_PAGE;
		next = next < end ? next : end;
		if (!any_wanted(f, row, next))
			continue;
		run = run_at(f, row);
		if (run == NULL)
			return false;
		column = run->columns;
		for (unsigned p = 0; p < template->nparts; p++) {
			const struct part *part = &template->parts[p];

			if (!part_is_var(part))
				continue;
			if (part->kind != PART_TIME &&
			    part_can_hold(f, part))
				within_variable(f, run, column,
				    is_free(f, p));
			column++;
		}
	}
	return true;
}

/* --- templates -------------------------------------------------------------------- */

/* Within literal text all rows are alike. Its ends may touch a word. */
static int
within_literals(const struct finder *f)
{
	const struct line_template *template = &f->read->template;
	int best = ENTRY_NO;

	for (unsigned p = 0; p < template->nparts; p++) {
		struct slice text = template->parts[p].text;

		if (template->parts[p].kind != PART_TEXT ||
		    !needle_in(f->literal, text))
			continue;
		best = best == ENTRY_NO ? ENTRY_MAYBE : best;
		/* Without its ends: what holds there is bounded within. */
		if (f->find->anywhere || (f->find->needle != NULL &&
		    needle_is_inside(f->find->needle, text)))
			return ENTRY_SURE;
	}
	return best;
}

static void
mark_all(struct finder *f, int how)
{
	for (uint32_t i = 0; i < f->shape->rows; i++)
		mark(f, f->shape->row0 + i, how);
}

/* Letters in a time follow each other only in the name of a month. */
static bool
letters_of_time(struct slice literal)
{
	static const char months[] =
	    "jan feb mar apr may jun jul aug sep oct nov dec t";
	size_t from = 0;

	for (size_t i = 0; i <= literal.len; i++) {
		if (i < literal.len && literal.ptr[i] >= 'a' &&
		    literal.ptr[i] <= 'z')
			continue;
		if (i > from && slice_find(SLICE(months), slice_of(
		    literal.ptr + from, i - from)) < 0)
			return false;
		from = i + 1;
	}
	return true;
}

/* A time that stands in a line is made when the line is. */
static bool
time_can_hold(const struct finder *f)
{
	const struct line_template *template = &f->read->template;

	if (!letters_of_time(f->find->literal))
		return false;
	for (unsigned p = 0; p < template->nparts; p++)
		if (template->parts[p].kind == PART_TIME &&
		    part_can_hold(f, &template->parts[p]))
			return true;
	return false;
}

/* What variables hold page by page may rule out what the template does not.
 * *all: every row is a candidate. */
static bool
crossing_runs(struct finder *f, bool *all)
{
	uint32_t end = f->shape->row0 + f->shape->rows, next;

	*all = true;
	for (uint32_t row = f->shape->row0; row < end; row = next) {
		const struct page_run *run;

		next = (row / CHUNK_PAGE + 1) * CHUNK_PAGE;
		next = next < end ? next : end;
		if (!any_wanted(f, row, next))
			continue;
		run = run_at(f, row);
		if (run == NULL)
			return false;
		if (!crosses(f, run->columns)) {
			*all = false;
			continue;
		}
		for (uint32_t r = row; r < next; r++)
			mark(f, r, ENTRY_MAYBE);
	}
	return true;
}

static bool
one_template(struct finder *f)
{
	const struct line_template *template;
	bool all = false;
	int literal;

	f->read = &f->chunk->templates[f->t];
	template = &f->read->template;
	for (unsigned p = 0; p < template->nparts; p++)
		if (template->parts[p].kind == PART_FIELD &&
		    chunk_own_column(f->chunk, f->read->places[
		    template->parts[p].value].field,
		    f->find->scan->err) == NULL)
			return false;
	literal = within_literals(f);
	if (literal != ENTRY_NO || time_can_hold(f)) {
		mark_all(f, literal == ENTRY_SURE ? ENTRY_SURE : ENTRY_MAYBE);
		return true;
	}
	if (crosses(f, NULL)) {
		if (template->nvars == 0) {
			mark_all(f, ENTRY_MAYBE);
			return true;
		}
		if (!crossing_runs(f, &all))
			return false;
		if (all)
			return true;
	}
	for (unsigned p = 0; p < template->nparts; p++)
		if (template->parts[p].kind == PART_FIELD &&
		    !within_field(f, p))
			return false;
	return within_variables(f);
}

bool
text_find(struct text_find *find)
{
	struct finder f = { .find = find, .chunk = find->scan->chunk,
	    .text = STRBUF_INIT };
	const struct shape *shapes;
	size_t n = chunk_shapes(f.chunk, &shapes);
	bool good = true;

	f.literal = needle_phrase(find->scan->arena, find->literal);
	offsets_init(&f);
	if (!chunk_templates(f.chunk, find->scan->err))
		return false;
	for (f.t = 0; f.t < n && good; f.t++) {
		f.shape = &shapes[f.t];
		if (any_wanted(&f, f.shape->row0,
		    f.shape->row0 + f.shape->rows))
			good = one_template(&f);
	}
	strbuf_fini(&f.text);
	return good;
}
