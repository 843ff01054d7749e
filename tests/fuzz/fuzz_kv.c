/* A whole line through the lane, by the decoders of lines of this kind. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_kv\n"
"match: {contains: ['k=v']}\n"
"decode: {type: kv, words: true}\n"
"prefix: f\n"
"time: [{keys: [date, time], zone: tz}, epoch]\n"
"keys:\n"
"  src: {split: endpoint, to: source}\n"
"  user: {split: user, to: user}\n"
"  url: {split: url, to: url}\n"
"  hash: {split: hashes, to: file.hash}\n"
"  path: {split: path, to: file}\n"
"  list: {split: list, to: f.list}\n"
"  mail: {split: email, to: f.mail}\n"
"  dur: {to: event.duration, times: 1000}\n"
"  hex: {to: process.pid, hex: true}\n"
"  in: {decode: json}\n"
"  re: {decode: {type: regex, patterns: ['(?<a>.)(?<b>.*)']}}\n"
"  in.k: {decode: kv, prefix: ''}\n"
"  csv: {decode: {type: csv, columns: [a, b]}}\n"
"  w: {to: f.w, take: after_last, by: '/'}\n"
"when: [{if: {k: {regex: '^(a+)+$'}}, set: {f.x: '{src}{user}'}}]\n"
"copy: {f.copy: [source.ip, source.domain]}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_line(definition, sizeof(definition) - 1,
	    (struct slice){ (const char *)data, size });
	return 0;
}
