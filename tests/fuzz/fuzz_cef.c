/* CEF and LEEF records, bare and behind a header. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_cef\n"
"match: {cef: {vendor: ['A*', '*b*'], product: [P, '*']}}\n"
"decode: cef\n"
"prefix: f\n"
"skip: ['-', 'N/A']\n"
"time: [rt, end, {keys: [date, time], zone: dtz}]\n"
"keys:\n"
"  cef.name: rule.name\n"
"  src: source.ip\n"
"  suser: {split: user, to: user}\n"
"  request: {split: url, to: url}\n"
"  fileHash: {split: hashes, to: file.hash}\n"
"  Label_one: {to: f.one, type: long}\n"
"  cs1: f.cs1\n"
"  msg: {decode: kv, prefix: in}\n"
"  ad.x: {decode: json, prefix: ''}\n"
"  cn1: {to: event.duration, times: 1000}\n"
"when: [{switch: cef.id, cases: {'1,2': {set: {event.action: '{act}'}}}}]\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_line(definition, sizeof(definition) - 1,
	    (struct slice){ (const char *)data, size });
	return 0;
}
