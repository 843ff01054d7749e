/* Headers and times. Whatever comes in, the body lies inside the line. */
#include <stdlib.h>

#include "parsers/decode_syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice line = { (const char *)data, size };
	struct syslog_header h;
	struct syslog_param param;
	int64_t ns;

	syslog_read(line, &h);
	if (h.body.len > 0 && (h.body.ptr < line.ptr ||
	    h.body.ptr + h.body.len > line.ptr + line.len))
		abort();
	if (h.has_time)
		timetext_resolve(&h.time, INT64_C(1795000000000000000), NULL,
		    &ns);
	while (syslog_next_param(&h.data, &param))
		if (param.value.ptr + param.value.len > line.ptr + line.len)
			abort();
	return 0;
}
