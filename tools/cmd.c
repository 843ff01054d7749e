#include "tools/cmd.h"

#include <stdio.h>

#include "engine/diag.h"

int
cmd_unknown_option(const char *name, const char *option,
    const char *const *known, size_t n)
{
	const char *nearest = diag_nearest(slice_cstr(option), known, n);

	fprintf(stderr, "yagura %s: unknown option \"%s\"", name, option);
	if (nearest != NULL)
		fprintf(stderr, " (%s?)", nearest);
	fputc('\n', stderr);
	return cmd_usage(name);
}
