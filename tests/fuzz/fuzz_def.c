/* Definitions made of anything: findings, never a crash. What loads runs its
 * own examples. */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/diag.h"
#include "parsers/def.h"
#include "parsers/parserset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *const builtin[] = { text, NULL };
	struct arena *arena = arena_new(0);
	struct def_owned owned = { 0 };
	struct diag *diag = diag_new();
	struct def **defs;

	if (text == NULL)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	def_load(NULL, 0, builtin, arena, &owned, &defs, diag);
	free(defs);
	def_owned_free(&owned);
	arena_free(arena);
	diag_free(diag);
	free(text);
	return 0;
}
