/* engine/check.h -- a broken invariant stops the program.
 *
 * For bugs only: what comes from outside is data and is answered, never
 * checked. Stays on in production. Out of memory ends here too.
 */
#ifndef YAGURA_ENGINE_CHECK_H
#define YAGURA_ENGINE_CHECK_H

#include <stddef.h>

#define check(expression) \
	((expression) ? (void)0 : check_failed(#expression, __FILE__, __LINE__))

_Noreturn void check_failed(const char *expression, const char *file, int line);

/* malloc, calloc, realloc, strdup that stop the program instead of NULL. */
void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t bytes);
void *xrealloc(void *ptr, size_t bytes);
char *xstrdup(const char *text);

#endif
