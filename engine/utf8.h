/* engine/utf8.h -- UTF-8 as RFC 3629 has it.
 *
 * No overlong forms, no surrogates, nothing above U+10FFFF. Text from outside
 * is any bytes; these say what is UTF-8 and what is not.
 */
#ifndef YAGURA_ENGINE_UTF8_H
#define YAGURA_ENGINE_UTF8_H

#include "engine/slice.h"

struct strbuf;

#define UTF8_BYTES 4		/* of one character at most */

bool utf8_valid(struct slice s);

/* The bytes of the character that s begins with, and the character itself; 0
 * if s is empty or does not begin with one. */
size_t utf8_next(struct slice s, uint32_t *point);

/* Writes the character, answers its bytes. A surrogate or what is no
 * character is written as U+FFFD. */
size_t utf8_put(char out[UTF8_BYTES], uint32_t point);

/* Appends text so that it cannot act on a terminal: controls (C0, C1, DEL) and
 * bytes that are not UTF-8 become \xNN, marks that turn the direction of
 * writing and other invisible ones \u{NNNN}. A tab stays. A backslash stays
 * too: this is for eyes, not for reading back. */
void utf8_safe_terminal(struct strbuf *buf, struct slice text);

/* The columns a character takes on a terminal: 2 for East Asian wide ones and
 * emoji, 0 for combining marks and variation selectors, else 1. */
size_t utf8_width(uint32_t point);

#endif
