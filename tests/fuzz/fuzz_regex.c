/* Patterns that backtrack as far as they are let, and values cut by them. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_regex\n"
"match: {program: p}\n"
"decode: regex\n"
"patterns:\n"
"  - '^(?<a>(?:x+x+)+y)=(?<b>.*)$'\n"
"  - '^(?<a>[^=]*)=(?<b>(?:\\\\s*\\\\w+)*)!(?<c>.*)$'\n"
"  - {pattern: '(?<t>\\\\d+)=(?i)(?<u>(?:é|è|[a-z])+)', set: {e.f: '{u}'}}\n"
"  - '(?<k>\\\\w+)=(?<v>\\\\S*)(?=(?<w>.{0,9}))'\n"
"prefix: f\n"
"time: [{keys: [t], format: epoch}]\n"
"keys:\n"
"  v: {decode: {type: regex, patterns: ['(?<x>.)(?<y>.*)', '(a*)*b']}}\n"
"  w: {to: f.w, take: after_last, by: '/'}\n"
"when: [{if: {k: {regex: '^(a|aa)+$'}}, set: {f.x: '{k}{v}'}}]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parser_options options = { .def = SLICE("fuzz_regex") };

	fuzz_line_with(definition, sizeof(definition) - 1, &options,
	    (struct slice){ (const char *)data, size });
	return 0;
}
