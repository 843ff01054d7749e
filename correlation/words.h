/* correlation/words.h -- what the sentence of an alert will want to say.
 *
 * The event that raises an alert may lack what an earlier one of the same run
 * had: the signature of the attack, the file that was found. Groups whose
 * rules need it keep the last value of each field that their sentences name,
 * and hand it to their run.
 *
 * Memory: words come from the pool of windows, so they count as windows do.
 */
#ifndef YAGURA_CORRELATION_WORDS_H
#define YAGURA_CORRELATION_WORDS_H

#include "correlation/groupkey.h"

struct arena;
struct window_pool;

#define WORDS_FIELDS 16		/* of the sentences and responses of a rule
				 * and outer ones */
#define WORD_BYTES 255		/* more is cut */

struct word {
	struct word *next;
	field_t	 field;
	uint8_t	 len;
	int64_t	 time_ns;	/* of what said it */
	char	 text[];
};

/* Keeps what the view has of these fields (ended by FIELD_NONE). */
void words_learn(struct window_pool *pool, struct word **words,
    const field_t *fields, const struct view *view, int64_t time_ns);

/* Takes over what another list has of these fields from that time on. */
void words_merge(struct window_pool *pool, struct word **words,
    const field_t *fields, const struct word *from, int64_t since_ns);

const struct word *words_find(const struct word *words, field_t field);

struct reader;
void words_save(const struct word *words, struct strbuf *out);
void words_load(struct window_pool *pool, struct word **words,
    struct reader *r);

void words_free(struct window_pool *pool, struct word **words);

/* Adds the fields that a rule's sentences name to a list that ends with
 * FIELD_NONE and has room for WORDS_FIELDS; those beyond are left out. */
void words_wanted(const struct rule *rule, field_t *fields);
void words_want(field_t *fields, field_t field);

#endif
