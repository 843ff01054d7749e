/* Times as devices write them: what is read lies in the text, resolves to an
 * instant, and a pattern that the check lets through can be run. The first
 * line of the input is a pattern, the rest the text. */
#include <stdlib.h>

#include "engine/check.h"
#include "engine/timeparse.h"
#include "engine/zone.h"
#include "parsers/timetext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
resolve(const struct timetext *time, const struct zone *zone)
{
	const int64_t now_ns = INT64_C(1795255200000000000);
	int64_t ns, again;

	check(time->month <= 12 && time->day <= 31);
	if (timetext_resolve(time, now_ns, zone, &ns)) {
		check(timetext_resolve(time, now_ns, zone, &again));
		check(again == ns);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size), text = all,
	    format = SLICE("");
	const struct zone *zone = size > 0 && data[0] % 2 == 0 ?
	    zone_find(SLICE("Europe/Berlin")) : NULL;
	ptrdiff_t eol = slice_find_byte(all, '\n');
	struct timetext time;
	int32_t seconds;
	int64_t ns;
	size_t n;

	if (eol >= 0) {
		format = slice_head(all, (size_t)eol);
		text = slice_skip(all, (size_t)eol + 1);
	}
	n = timetext_read(text, &time);
	check(n <= text.len);
	if (n > 0)
		resolve(&time, zone);
	n = timetext_read_bsd(text, &time);
	check(n <= text.len);
	if (n > 0)
		resolve(&time, zone);
	n = timetext_read_iso(text, &time);
	check(n <= text.len);
	if (n > 0)
		resolve(&time, zone);
	if (timetext_read_epoch(text, &time))
		resolve(&time, zone);
	if (timetext_check_format(format) == NULL &&
	    timetext_read_format(text, format, &time))
		resolve(&time, zone);
	if (time_parse_rfc3339(text, &ns)) {
		char buf[TIME_TEXT_BYTES];
		int64_t again;

		check(time_parse_rfc3339(time_format_rfc3339(ns, buf),
		    &again) && again == ns);
	}
	if (timetext_zone(text, &seconds))
		check(seconds > -86400 * 2 && seconds < 86400 * 2);
	return 0;
}
