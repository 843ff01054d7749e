/* Templates with every kind of capture, in one tree. */
#include "tests/fuzz/fuzz_line.h"

static const char definition[] =
"name: fuzz_template\n"
"match: [{program: 'p*'}, {contains: [' x ']}]\n"
"templates:\n"
"  - '{a} x {b:last} y {c:ip}[[ port {d:int}]]'\n"
"  - 'p ((a|b)) {q:quoted}{h:host}:{n:num} {m:mac} {t:time}'\n"
"  - 'z {k:key}={w:word} {u:to(;)};{hx:hex}{r:rest}'\n"
"  - {line: '{user.name} x {source.ip:ip}[[:{source.port:int}]][[ ({p})]]', set: {e.f: '{p}'}}\n"
"  - {line: '<{a:last}> x {j:rest}', keys: {j: {decode: json}}}\n"
"  - {line: '{t:time} x {d:host}((,|;)) {k:rest}', keys: {k: {decode: kv}}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_line(definition, sizeof(definition) - 1,
	    (struct slice){ (const char *)data, size });
	return 0;
}
