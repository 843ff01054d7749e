/* storage/column.h -- the values of one field in one chunk.
 *
 *	CONST   one value for all rows that have the field
 *	DICT    distinct values with how often each occurs, and a code a row
 *	INT     LONG, TIME or BOOL as frame of reference or delta
 *	TEXT    every value by itself, in pages
 *
 * CONST and DICT may hold values of any type, lists too; INT and TEXT hold one
 * type. Whatever asks about equality asks the dictionary first.
 */
#ifndef YAGURA_STORAGE_COLUMN_H
#define YAGURA_STORAGE_COLUMN_H

#include "engine/slice.h"
#include "engine/value.h"

struct column;
struct err;

enum column_kind { COLUMN_CONST, COLUMN_DICT, COLUMN_INT, COLUMN_TEXT };

enum column_kind column_kind(const struct column *column);

/* The one type of all values; VALUE_NULL if a dictionary holds several types,
 * lists, or numbers with a text of their own. */
enum value_type column_type(const struct column *column);
uint32_t column_count(const struct column *column);	/* values */

/* CONST and DICT: entries 0 .. n-1; CONST has one. */
uint32_t column_dict_count(const struct column *column);
void column_dict_value(const struct column *column, uint32_t code,
    struct value *out);
/* Only its text, if column_type is TEXT or IP: cheaper. */
struct slice column_dict_text(const struct column *column, uint32_t code);
uint32_t column_dict_uses(const struct column *column, uint32_t code);

/* DICT: the code of every value. Read when first asked for; NULL if they are
 * damaged: then the chunk must be given up. */
const uint32_t *column_codes(const struct column *column);

/* INT: all numbers; NULL if damaged, as above. */
const int64_t *column_numbers(const struct column *column);

/* Zone map: INT only; false if there is none. */
bool column_range(const struct column *column, int64_t *min, int64_t *max);

/* TEXT: is every value an IPv4 address as a.b.c.d? Then column_may_hold
 * answers for addresses too, which else have many spellings. */
bool column_is_v4(const struct column *column);

/* TEXT: may some value be this whole text, ASCII-folded? True when unknown. */
bool column_may_hold(const struct column *column, struct slice folded);

/* One value; reads a page if need be. False and *err if damaged. */
bool column_value(const struct column *column, uint32_t i, struct value *out,
    struct err *err);

/* TEXT with pages: the texts from value i to the end of its page, which lie one
 * behind the other in memory. Answers how many; 0: it has no pages, or damaged
 * (*err). */
uint32_t column_texts(const struct column *column, uint32_t i,
    const struct slice **texts, struct err *err);

#endif
