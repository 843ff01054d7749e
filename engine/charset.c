#include "engine/charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>

#include "engine/check.h"
#include "engine/strbuf.h"

#define NAME_BYTES 40
#define KEPT 32			/* charsets whose tables stay loaded */
#define ROOM 4096		/* written at a time */

struct charset {
	iconv_t	 iconv;
	bool	 ascii;		/* its lower half is ASCII */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char	 name[NAME_BYTES];
	iconv_t	 iconv;
} kept[KEPT];
static size_t nkept;

static bool
name_copy(struct slice name, char out[NAME_BYTES])
{
	if (name.len == 0 || name.len >= NAME_BYTES ||
	    slice_find_byte(name, '/') >= 0)
		return false;
	memcpy(out, name.ptr, name.len);
	out[name.len] = '\0';
	return true;
}

bool
charset_known(struct slice name)
{
	char text[NAME_BYTES];
	bool known = false;
	iconv_t opened;

	if (!name_copy(name, text))
		return false;
	check(pthread_mutex_lock(&mutex) == 0);
	for (size_t i = 0; i < nkept && !known; i++)
		known = strcmp(kept[i].name, text) == 0;
	if (!known && (opened = iconv_open("UTF-8", text)) != (iconv_t)-1) {
		known = true;
		if (nkept < KEPT) {
			memcpy(kept[nkept].name, text, NAME_BYTES);
			kept[nkept++].iconv = opened;
		} else {
			iconv_close(opened);
		}
	}
	check(pthread_mutex_unlock(&mutex) == 0);
	return known;
}

/* UTF-16 and the like write even ASCII differently. */
static bool
holds_ascii(struct charset *charset)
{
	static const char all[] = "A z09-_=:;,./\"'<>|[]{}()@#";
	struct strbuf out = STRBUF_INIT;
	bool same = charset_read(charset, SLICE(all), &out) &&
	    slice_eq(strbuf_slice(&out), SLICE(all));

	strbuf_fini(&out);
	return same;
}

struct charset *
charset_open(struct slice name)
{
	char text[NAME_BYTES];
	struct charset *charset;
	iconv_t opened;

	if (!name_copy(name, text) ||
	    (opened = iconv_open("UTF-8", text)) == (iconv_t)-1)
		return NULL;
	charset = xcalloc(1, sizeof(*charset));
	charset->iconv = opened;
	charset->ascii = holds_ascii(charset);
	return charset;
}

void
charset_close(struct charset *charset)
{
	if (charset == NULL)
		return;
	iconv_close(charset->iconv);
	free(charset);
}

bool
charset_same(const struct charset *charset, struct slice bytes)
{
	if (!charset->ascii)
		return false;
	/* Shift_JIS reads a backslash as such here, ISO-2022 begins by ESC. */
	for (size_t i = 0; i < bytes.len; i++)
		if ((unsigned char)bytes.ptr[i] >= 0x80 ||
		    bytes.ptr[i] == 0x1b)
			return false;
	return true;
}

static struct slice
without_mark(struct slice text)
{
	return slice_starts(text, SLICE("\357\273\277"))
	    ? slice_skip(text, 3) : text;
}

bool
charset_read(struct charset *charset, struct slice bytes, struct strbuf *out)
{
	union { const char *in; char *arg; } at = { .in = bytes.ptr };
	size_t left = bytes.len;
	bool good = true, first = true;

	iconv(charset->iconv, NULL, NULL, NULL, NULL);
	while (left > 0) {
		char room[ROOM], *end = room;
		size_t space = sizeof(room) - 3, done;
		int why;

		done = iconv(charset->iconv, &at.arg, &left, &end, &space);
		why = errno;
		if (done == (size_t)-1 && why != E2BIG) {
			memcpy(end, "\357\277\275", 3);
			end += 3;
			at.in++;
			left--;
			good = false;
		}
		strbuf_put(out, first ? without_mark(slice_of(room,
		    (size_t)(end - room))) : slice_of(room,
		    (size_t)(end - room)));
		first = false;
	}
	return good;
}
