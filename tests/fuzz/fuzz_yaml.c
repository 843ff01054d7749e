/* YAML of any content: read in bounds, or refused with a finding. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/check.h"
#include "engine/diag.h"
#include "engine/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
walk(const struct yaml_node *node, unsigned depth)
{
	size_t n = 1;
	int64_t number;
	bool yes;

	check(depth <= YAML_DEPTH);
	check(node->line > 0 && node->column > 0);
	(void)yaml_long(node, &number);
	(void)yaml_bool(node, &yes);
	(void)yaml_get(node, "a");
	if (node->kind == YAML_SCALAR)
		return n;
	for (size_t i = 0; i < node->n; i++) {
		if (node->kind == YAML_MAP)
			check(node->keys[i]->kind == YAML_SCALAR);
		n += walk(node->items[i], depth + 1);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = yaml_parse(slice_of((const char *)data, size),
	    "fuzz.yml", diag);
	size_t n = 0;

	check(doc != NULL || diag_errors(diag) > 0);
	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++)
		n += walk(yaml_root(doc, i), 0);
	check(n <= YAML_NODES);
	yaml_free(doc);
	diag_free(diag);
	return 0;
}
