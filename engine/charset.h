/* engine/charset.h -- bytes of another charset as UTF-8.
 *
 * By iconv(3) of the C library, so it knows what the library knows: Shift_JIS,
 * CP932, EUC-JP, ISO-8859-1, Windows-1252, UTF-16LE, UTF-16BE and more. Its
 * tables are files: charset_known() loads them and keeps them loaded, so that
 * charset_open() of the same name needs no file afterwards.
 *
 * Owner: a charset belongs to one thread; charset_known any thread.
 */
#ifndef YAGURA_ENGINE_CHARSET_H
#define YAGURA_ENGINE_CHARSET_H

#include "engine/slice.h"

struct charset;
struct strbuf;

/* Whether there is a charset of that name. */
bool charset_known(struct slice name);

struct charset *charset_open(struct slice name);	/* NULL: no such one */
void charset_close(struct charset *charset);	/* NULL does nothing */

/* True if these bytes mean the same in UTF-8, for text of ASCII only. */
bool charset_same(const struct charset *charset, struct slice bytes);

/* Appends the text as UTF-8, a byte order mark left out. What is no character
 * of the charset becomes U+FFFD, one for each byte; then false. */
bool charset_read(struct charset *charset, struct slice bytes,
    struct strbuf *out);

#endif
