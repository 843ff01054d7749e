/* LEEF records with the delimiters they name, and with none. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_leef\n"
"match: {leef: {vendor: ['A*', '*'], product: P}}\n"
"decode: leef\n"
"prefix: f\n"
"time: [{keys: [devTime], format: '%b %d %Y %H:%M:%S'}, devTime]\n"
"keys:\n"
"  leef.id: event.code\n"
"  src: source.ip\n"
"  srcPort: source.port\n"
"  usrName: {split: user, to: user}\n"
"  url: {split: url, to: url}\n"
"  policy: {to: f.list, split: list, by: ';'}\n"
"  in: {decode: {type: leef, delimiter: '^'}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_line(definition, sizeof(definition) - 1,
	    (struct slice){ (const char *)data, size });
	return 0;
}
