/* Times from any sender: what is read can be written and read again. The first
 * line of the input is a pattern, the rest the text. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/check.h"
#include "engine/timeparse.h"
#include "engine/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_time(int64_t time_ns)
{
	char buf[TIME_TEXT_BYTES];
	int64_t again;

	check(time_ns >= 0);
	check(time_parse_rfc3339(time_format_rfc3339(time_ns, buf), &again));
	check(again == time_ns);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size), text = all;
	struct time_hint hint = { INT64_C(1795255200000000000), NULL };
	ptrdiff_t eol = slice_find_byte(all, '\n');
	struct timefmt *fmt;
	int64_t ns;

	if (eol >= 0)
		text = slice_skip(all, (size_t)eol + 1);
	if (size > 0 && data[0] % 2 == 0)
		hint.zone = zone_find(SLICE("Europe/Berlin"));
	if (time_parse(text, &hint, &ns))
		check_time(ns);
	check(time_take_any(text, &hint, &ns) <= text.len);
	if (time_parse_rfc3339(text, &ns))
		check_time(ns);
	fmt = timefmt_compile(slice_head(all, eol < 0 ? 0 : (size_t)eol),
	    NULL);
	if (fmt != NULL && timefmt_read(fmt, text, &hint, &ns))
		check_time(ns);
	timefmt_free(fmt);
	return 0;
}
