#include "correlation/words.h"

#include <string.h>

#include "correlation/state.h"
#include "correlation/window_pool.h"
#include "engine/event.h"
#include "engine/value.h"

static struct word **
place_of(struct word **words, field_t field)
{
	while (*words != NULL && (*words)->field != field)
		words = &(*words)->next;
	return words;
}

static void
put(struct window_pool *pool, struct word **words, field_t field,
    struct slice text, int64_t time_ns)
{
	struct word **at = place_of(words, field), *word = *at;

	if (word != NULL && word->time_ns > time_ns)
		return;
	text = slice_head(text, text.len < WORD_BYTES ? text.len : WORD_BYTES);
	if (word != NULL && word->len == text.len) {
		memcpy(word->text, text.ptr, text.len);
		word->time_ns = time_ns;
		return;
	}
	if (word != NULL) {
		*at = word->next;
		window_pool_put(pool, word, sizeof(*word) + word->len);
	}
	word = window_pool_get(pool, sizeof(*word) + text.len);
	word->field = field;
	word->len = (uint8_t)text.len;
	word->time_ns = time_ns;
	memcpy(word->text, text.ptr, text.len);
	word->next = *words;
	*words = word;
}

void
words_learn(struct window_pool *pool, struct word **words,
    const field_t *fields, const struct view *view, int64_t time_ns)
{
	char text[VALUE_TEXT_BYTES];

	for (; fields != NULL && *fields != FIELD_NONE; fields++) {
		const struct value *value = event_get(view->event, *fields);

		if (value == NULL || value->type == VALUE_NULL ||
		    value_members(value) == 0)
			continue;
		put(pool, words, *fields,
		    value_as_text(value_member(value, 0), text), time_ns);
	}
}

void
words_merge(struct window_pool *pool, struct word **words,
    const field_t *fields, const struct word *from, int64_t since_ns)
{
	for (; from != NULL && fields != NULL; from = from->next) {
		const field_t *at = fields;

		while (*at != FIELD_NONE && *at != from->field)
			at++;
		if (*at != FIELD_NONE && from->time_ns >= since_ns)
			put(pool, words, from->field,
			    slice_of(from->text, from->len), from->time_ns);
	}
}

const struct word *
words_find(const struct word *words, field_t field)
{
	while (words != NULL && words->field != field)
		words = words->next;
	return words;
}

void
words_save(const struct word *words, struct strbuf *out)
{
	size_t n = 0;

	for (const struct word *word = words; word != NULL; word = word->next)
		n++;
	state_put(out, n);
	for (; words != NULL; words = words->next) {
		state_put_bytes(out, field_name(words->field));
		state_put_time(out, words->time_ns, 0);
		state_put_bytes(out, slice_of(words->text, words->len));
	}
}

void
words_load(struct window_pool *pool, struct word **words, struct reader *r)
{
	size_t n = read_count(r, 3);

	for (; n > 0 && !r->bad; n--) {
		field_t field = field_intern(state_bytes(r));
		int64_t time_ns = state_time(r, 0);
		struct slice text = state_bytes(r);
		struct word *word;

		if (text.len > WORD_BYTES)
			r->bad = true;
		if (r->bad || field == FIELD_NONE)
			continue;
		word = window_pool_get(pool, sizeof(*word) + text.len);
		word->next = NULL;
		word->field = field;
		word->len = (uint8_t)text.len;
		word->time_ns = time_ns;
		memcpy(word->text, text.ptr, text.len);
		*words = word;
		words = &word->next;
	}
}

void
words_free(struct window_pool *pool, struct word **words)
{
	struct word *word;

	while ((word = *words) != NULL) {
		*words = word->next;
		window_pool_put(pool, word, sizeof(*word) + word->len);
	}
}

void
words_want(field_t *fields, field_t field)
{
	size_t n = 0;

	while (n < WORDS_FIELDS && fields[n] != FIELD_NONE) {
		if (fields[n] == field)
			return;
		n++;
	}
	if (n == WORDS_FIELDS)
		return;
	fields[n] = field;
	fields[n + 1] = FIELD_NONE;
}

static void
want_holes(struct slice text, field_t *fields)
{
	ptrdiff_t open, close;

	while ((open = slice_find_byte(text, '{')) >= 0) {
		field_t field;

		text = slice_skip(text, (size_t)open + 1);
		close = slice_find_byte(text, '}');
		if (close < 0)
			return;
		field = field_find(field_alias(slice_head(text,
		    (size_t)close)));
		if (field != FIELD_NONE)
			words_want(fields, field);
		text = slice_skip(text, (size_t)close);
	}
}

void
words_wanted(const struct rule *rule, field_t *fields)
{
	want_holes(rule->text_en, fields);
	want_holes(rule->text_ja, fields);
	for (size_t i = 0; i < rule->nresponses; i++) {
		field_t field = field_find(field_alias(
		    rule->responses[i].target));

		if (field != FIELD_NONE)
			words_want(fields, field);
	}
}
