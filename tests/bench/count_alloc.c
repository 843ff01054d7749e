/* Loaded in front of the C library, counts what is asked of its allocator and
 * says so on descriptor 3 when the program ends. `make bench-parse` takes the
 * difference between two lengths of input: allocations per event.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic unsigned long long count;

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);

void *
malloc(size_t bytes)
{
	atomic_fetch_add(&count, 1);
	return __libc_malloc(bytes);
}

void *
calloc(size_t n, size_t bytes)
{
	atomic_fetch_add(&count, 1);
	return __libc_calloc(n, bytes);
}

void *
realloc(void *old, size_t bytes)
{
	atomic_fetch_add(&count, 1);
	return __libc_realloc(old, bytes);
}

void *
aligned_alloc(size_t align, size_t bytes)
{
	atomic_fetch_add(&count, 1);
	return __libc_memalign(align, bytes);
}

__attribute__((destructor)) static void
tell(void)
{
	dprintf(3, "%llu\n", atomic_load(&count));
}
