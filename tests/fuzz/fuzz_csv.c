/* Columns with quotes, by number and by the value of one of them. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_csv\n"
"match: {program: p}\n"
"decode:\n"
"  type: csv\n"
"  by: 2\n"
"  columns:\n"
"    A: [a, b, c, d, e]\n"
"    B: [a, ~, src, user, when, more]\n"
"    '*': [a, b, rest]\n"
"prefix: f\n"
"time: [when, {keys: [a, b], zone: UTC}]\n"
"keys:\n"
"  src: {split: endpoint, to: source}\n"
"  user: {split: user, to: user}\n"
"  more: {decode: {type: csv, columns: [x, y, z], delimiter: ';', quote: \"'\"}}\n"
"  rest: {decode: {type: csv, columns: [q, r], delimiter: '|'}, prefix: in}\n"
"  c: {to: f.l, split: list, by: ';'}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parser_options options = { .def = SLICE("fuzz_csv") };

	fuzz_line_with(definition, sizeof(definition) - 1, &options,
	    (struct slice){ (const char *)data, size });
	return 0;
}
