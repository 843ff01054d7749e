#include "engine/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
check_failed(const char *expression, const char *file, int line)
{
	fprintf(stderr, "yagura: %s:%d: this must hold and does not: %s\n",
	    file, line, expression);
	fflush(stderr);
	abort();
}

/* malloc(0) may answer NULL; asking for one byte spares every caller that. */
void *
xmalloc(size_t bytes)
{
	void *ptr = malloc(bytes > 0 ? bytes : 1);

	check(ptr != NULL && "memory");
	return ptr;
}

void *
xcalloc(size_t count, size_t bytes)
{
	void *ptr = calloc(count > 0 ? count : 1, bytes > 0 ? bytes : 1);

	check(ptr != NULL && "memory");
	return ptr;
}

void *
xrealloc(void *ptr, size_t bytes)
{
	ptr = realloc(ptr, bytes > 0 ? bytes : 1);
	check(ptr != NULL && "memory");
	return ptr;
}

char *
xstrdup(const char *text)
{
	size_t bytes = strlen(text) + 1;

	return memcpy(xmalloc(bytes), text, bytes);
}
