/* Can a line of a template hold a text? The text is moved along the parts as an
 * automaton: after each part we know how much of the text may end there. Literal
 * text moves it exactly; fields, times and variables may be anything that they
 * can be made of, so the answer errs on the side of looking.
 */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "storage/chunk_private.h"

#define NEEDLE_MOST 64		/* bytes looked at; a longer text: its head */
#define ENTRIES_MOST 4096	/* of a dictionary that are asked */

/* Bit i: a match of the first i bytes may end here; bit 0 always. */
typedef uint64_t state_t;

struct asking {
	struct chunk *chunk;
	const struct template_read *read;
	struct slice needle;	/* at most NEEDLE_MOST - 1 bytes, lower case */

	bool	 found;
	state_t	 states;
};

static bool
word_holds(unsigned class, char c)
{
	if (c >= '0' && c <= '9')
		return (class & WORD_DIGITS) != 0;
	if (c >= 'a' && c <= 'f')
		return (class & (WORD_HEX | WORD_LETTERS)) != 0;
	return c >= 'g' && c <= 'z' && (class & WORD_LETTERS) != 0;
}

bool
chunk_part_can_hold(const struct part *part, char c)
{
	switch (part->kind) {
	case PART_WORD:
		return word_holds(part->how, c);
	case PART_TIME:
		return time_form_holds(part->how, c);
	default:
		return true;
	}
}

static void
over_text(struct asking *a, struct slice text)
{
	for (size_t i = 0; i < text.len && !a->found; i++) {
		char c = ascii_lower(text.ptr[i]);
		state_t next = 1;

		for (state_t rest = a->states; rest != 0; rest &= rest - 1) {
			unsigned k = (unsigned)__builtin_ctzll(rest);

			if (a->needle.ptr[k] == c)
				next |= (state_t)1 << (k + 1);
		}
		a->states = next;
		a->found = (next >> a->needle.len & 1) != 0;
	}
}

/* From any state, any further as long as it can hold the bytes. In a time no
 * more than three letters follow each other. */
static void
over_unknown(struct asking *a, const struct part *part)
{
	state_t states = a->states;

	for (state_t rest = a->states; rest != 0; rest &= rest - 1) {
		unsigned letters = 0;

		for (size_t k = (size_t)__builtin_ctzll(rest);
		    k < a->needle.len; k++) {
			char c = a->needle.ptr[k];

			letters = c >= 'a' && c <= 'z' ? letters + 1 : 0;
			if (!chunk_part_can_hold(part, c) ||
			    (part->kind == PART_TIME && letters > 3))
				break;
			states |= (state_t)1 << (k + 1);
		}
	}
	a->states = states;
	a->found = (states >> a->needle.len & 1) != 0;
}

/* A field with few different values moves as its values do together. False if
 * it has no dictionary, or a large one. */
static bool
over_field(struct asking *a, const struct part *part, struct err *err)
{
	struct column *column = chunk_own_column(a->chunk,
	    a->read->places[part->value].field, err);
	state_t before = a->states, after = 0;
	char buf[VALUE_TEXT_BYTES];
	struct value value;

	if (column == NULL)
		return false;
	if ((column_kind(column) != COLUMN_CONST &&
	    column_kind(column) != COLUMN_DICT) ||
	    column_dict_count(column) > ENTRIES_MOST ||
	    part->how != HOW_PLAIN)
		return false;
	for (uint32_t i = 0; i < column_dict_count(column) && !a->found;
	    i++) {
		column_dict_value(column, i, &value);
		a->states = before;
		if (value.type == VALUE_LIST)
			return false;
		over_text(a, value_as_text(&value, buf));
		after |= a->states;
	}
	a->states = after | 1;
	return true;
}

/* Within one piece of literal text. */
static bool
text_holds(const struct template_read *read, struct slice folded)
{
	for (unsigned p = 0; p < read->template.nparts; p++)
		if (read->template.parts[p].kind == PART_TEXT &&
		    slice_find_nocase(read->template.parts[p].text,
		    folded) >= 0)
			return true;
	return false;
}

enum chunk_may
chunk_template_may(struct chunk *chunk, size_t t, struct slice folded,
    struct err *err)
{
	struct err why = { .kind = ERR_NONE };
	struct asking a = { .chunk = chunk, .states = 1,
	    .needle = slice_head(folded, NEEDLE_MOST - 1) };

	if (!chunk_templates(chunk, err))
		return CHUNK_BROKEN;
	if (a.needle.len == 0)
		return CHUNK_ALWAYS;
	a.read = &chunk->templates[t];
	if (text_holds(a.read, folded))
		return CHUNK_ALWAYS;
	for (unsigned p = 0; p < a.read->template.nparts && !a.found; p++) {
		const struct part *part = &a.read->template.parts[p];

		if (part->kind == PART_TEXT) {
			over_text(&a, part->text);
		} else if (part->kind != PART_FIELD ||
		    !over_field(&a, part, &why)) {
			if (why.kind != ERR_NONE) {
				if (err != NULL)
					*err = why;
				return CHUNK_BROKEN;
			}
			over_unknown(&a, part);
		}
	}
	return a.found ? CHUNK_MAYBE : CHUNK_NEVER;
}

bool
chunk_has_templates(const struct chunk *chunk)
{
	return chunk->format > 1;
}

ssize_t
chunk_template(struct chunk *chunk, size_t t,
    const struct chunk_part **parts, struct err *err)
{
	struct template_read *read;

	if (!chunk_templates(chunk, err))
		return -1;
	read = &chunk->templates[t];
	if (read->parts == NULL) {
		read->parts = arena_zalloc(chunk->arena,
		    read->template.nparts * sizeof(*read->parts));
		for (unsigned p = 0; p < read->template.nparts; p++) {
			const struct part *part = &read->template.parts[p];

			read->parts[p] = (struct chunk_part){
			    .kind = part->kind, .how = part->how,
			    .text = part->text, .field = FIELD_NONE };
			if (part->kind == PART_FIELD)
				read->parts[p].field =
				    read->places[part->value].field->field;
		}
	}
	*parts = read->parts;
	return read->template.nparts;
}
