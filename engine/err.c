#include "engine/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
err_clear(struct err *err)
{
	if (err == NULL)
		return;
	err->kind = ERR_NONE;
	err->text[0] = '\0';
}

int
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	err->kind = kind;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -1;
}

int
err_errno(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	int number = errno;
	char reason[128];
	size_t len;
	va_list args;

	if (err == NULL)
		return -1;
	err->kind = kind;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
	    strerror_r(number, reason, sizeof(reason)));
	errno = number;
	return -1;
}

void
err_context(struct err *err, const char *fmt, ...)
{
	char context[sizeof(err->text)];
	va_list args;
	size_t len, room;

	if (err == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(context, sizeof(context) - 2, fmt, args);
	va_end(args);
	len = strlen(context);
	memcpy(context + len, ": ", 3);
	len += 2;
	room = sizeof(err->text) - 1 - len;
	memmove(err->text + len, err->text, room);
	memcpy(err->text, context, len);
	err->text[sizeof(err->text) - 1] = '\0';
}

/* A switch of one-line cases. */
int
err_exit_code(const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:		return 0;
	case ERR_USAGE:		return 2;
	case ERR_CONFIG:	return 3;
	case ERR_IO:		return 4;
	case ERR_FULL:		return 4;
	case ERR_DAMAGED:	return 5;
	case ERR_LIMIT:		return 5;
	}
	return 4;
}
