/* engine/strbuf.h -- text that grows.
 *
 * Memory: init/fini; the bytes are owned by the strbuf. A NUL always stands
 * behind the last byte, so ptr may be used as a C string.
 */
#ifndef YAGURA_ENGINE_STRBUF_H
#define YAGURA_ENGINE_STRBUF_H

#include "engine/slice.h"

struct strbuf {
	char	*ptr;		/* "" before the first byte */
	size_t	 len, cap;
};

#define STRBUF_INIT { (char *)"", 0, 0 }

void strbuf_init(struct strbuf *buf);
void strbuf_fini(struct strbuf *buf);

/* Empties, keeps the memory. */
void strbuf_clear(struct strbuf *buf);

/* Room for n more bytes behind len; the caller writes them and adds to len. */
void strbuf_grow(struct strbuf *buf, size_t n);
static inline char *
strbuf_room(struct strbuf *buf, size_t n)
{
	if (buf->cap <= n || buf->cap - n <= buf->len)
		strbuf_grow(buf, n);
	buf->ptr[buf->len + n] = '\0';
	return buf->ptr + buf->len;
}

void strbuf_put(struct strbuf *buf, struct slice s);
void strbuf_puts(struct strbuf *buf, const char *text);
void strbuf_putc(struct strbuf *buf, char c);
void strbuf_putlong(struct strbuf *buf, int64_t n);
void strbuf_printf(struct strbuf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct slice
strbuf_slice(const struct strbuf *buf)
{
	return slice_of(buf->ptr, buf->len);
}

#endif
