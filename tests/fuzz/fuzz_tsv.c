/* Lines of a stream whose header comes from the same hands: every line of the
 * input goes through one lane, headers in Zeek's manner and W3C's. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_tsv\n"
"match:\n"
"  - {header: ['#fields', 'a']}\n"
"  - {contains: ['1\t2\t3']}\n"
"decode: {type: tsv, columns: {'3': [a, b, c]}}\n"
"prefix: f\n"
"time: [ts]\n"
"keys: {id.orig_h: source.ip, b: {to: f.b, decode: tsv, prefix: in}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };

	while (rest.len > 0) {
		ptrdiff_t end = slice_find_byte(rest, '\n');
		struct slice line = slice_head(rest, end < 0 ? rest.len
		    : (size_t)end);

		fuzz_line(definition, sizeof(definition) - 1, line);
		rest = slice_skip(rest, end < 0 ? rest.len
		    : (size_t)end + 1);
	}
	return 0;
}
