/* Lines in the charsets that a source may declare; the first byte says which. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_charset\n"
"match: {program: p}\n"
"decode: kv\n"
"prefix: f\n"
"keys: {user: {split: user, to: user}, m: {decode: json}}\n";

static const char *const names[] = { "Shift_JIS", "CP932", "EUC-JP",
	"ISO-8859-1", "windows-1252", "UTF-16LE", "UTF-16BE", "UTF-16",
	"UTF-8", "ISO-2022-JP", "GB18030", "KOI8-R" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parser_options options = { .def = SLICE("fuzz_charset") };

	if (size == 0)
		return 0;
	options.charset = slice_cstr(names[data[0] %
	    (sizeof(names) / sizeof(names[0]))]);
	fuzz_line_with(definition, sizeof(definition) - 1, &options,
	    (struct slice){ (const char *)data + 1, size - 1 });
	return 0;
}
