/* Records in XML, and XML in the values of XML. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_xml\n"
"match: {starts: ['<r', '<E', '<!', '<?', '<a']}\n"
"decode: xml\n"
"prefix: f\n"
"time: [System.TimeCreated.SystemTime]\n"
"rename: {'EventData.*': 'winlog.event_data.*'}\n"
"keys: {a: {to: f.a, decode: xml, prefix: in}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_line(definition, sizeof(definition) - 1,
	    (struct slice){ (const char *)data, size });
	return 0;
}
