#include "engine/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/check.h"

static char nothing[1] = "";

void
strbuf_init(struct strbuf *buf)
{
	*buf = (struct strbuf){ nothing, 0, 0 };
}

void
strbuf_fini(struct strbuf *buf)
{
	if (buf->cap > 0)
		free(buf->ptr);
	strbuf_init(buf);
}

void
strbuf_clear(struct strbuf *buf)
{
	buf->len = 0;
	if (buf->cap > 0)
		buf->ptr[0] = '\0';
}

/* One byte more than asked for, always: the NUL. */
void
strbuf_grow(struct strbuf *buf, size_t n)
{
	size_t need = buf->len + n + 1, cap = buf->cap;

	check(need > n);
	cap = cap * 2 > need ? cap * 2 : need < 64 ? 64 : need;
	buf->ptr = xrealloc(buf->cap > 0 ? buf->ptr : NULL, cap);
	buf->cap = cap;
}

void
strbuf_put(struct strbuf *buf, struct slice s)
{
	if (s.len == 0)
		return;
	memcpy(strbuf_room(buf, s.len), s.ptr, s.len);
	buf->len += s.len;
}

void
strbuf_puts(struct strbuf *buf, const char *text)
{
	strbuf_put(buf, slice_cstr(text));
}

void
strbuf_putc(struct strbuf *buf, char c)
{
	strbuf_room(buf, 1)[0] = c;
	buf->len++;
}

void
strbuf_putlong(struct strbuf *buf, int64_t n)
{
	char text[24], *at = text + sizeof(text);
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (n < 0)
		*--at = '-';
	strbuf_put(buf, slice_of(at, (size_t)(text + sizeof(text) - at)));
}

/* Most texts fit at the first try. */
void
strbuf_printf(struct strbuf *buf, const char *fmt, ...)
{
	size_t room = 80;
	va_list args;
	int n;

	for (;;) {
		char *at = strbuf_room(buf, room);

		va_start(args, fmt);
		n = vsnprintf(at, room + 1, fmt, args);
		va_end(args);
		check(n >= 0);
		if ((size_t)n <= room)
			break;
		room = (size_t)n;
	}
	buf->len += (size_t)n;
}
