/* JSON through a definition: nested keys, renames, pairs, lists, records in values. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_json\n"
"match: [{keys: [a]}, {values: {t: [x, y]}}, {keys: [a.b.c, d]}]\n"
"decode: json\n"
"prefix: f\n"
"rename:\n"
"  'win.*': {to: 'winlog.event_data.*', first: upper}\n"
"  'a.b.*': 'g.*'\n"
"  'e': h\n"
"time: [ts, {keys: [ts], format: epoch}]\n"
"keys:\n"
"  g.c: source.ip\n"
"  g.list: {to: f.list, add: true}\n"
"  n: {pair: v, prefix: p}\n"
"  h: {decode: json, prefix: ''}\n"
"  m: [message, {decode: kv, prefix: in}]\n"
"  mail: {split: email, to: f.mail}\n"
"  bool: {to: f.bool, type: bool}\n"
"  num: {to: event.duration, times: 0.5}\n"
"  big: {to: f.big, type: double}\n"
"  id: {to: process.pid, hex: true}\n"
"unwrap: true\n"
"copy: {f.copy: [source.ip, source.domain]}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_line(definition, sizeof(definition) - 1,
	    (struct slice){ (const char *)data, size });
	return 0;
}
