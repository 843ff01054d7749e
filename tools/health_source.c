#include "tools/health_source.h"

#include "engine/strbuf.h"

#include <math.h>
#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)
#define HOUR_MINUTES 55		/* closed ones that make an hour whole */
#define SHARE_MINUTES 10	/* a jump is seen within these */
#define QUIET_FADES 0.995	/* an hour: half in six days */
#define USUAL_OLD 0.9		/* weight of what the share was before */

void
health_source_init(struct health_source *source, int64_t now_ns)
{
	*source = (struct health_source){ .first_ns = now_ns,
	    .awake_ns = now_ns, .hour = now_ns / HEALTH_HOUR_NS,
	    .unparsed_usual = -1 };
	for (int i = 0; i < HEALTH_WEEK; i++)
		source->week[i] = -1;
}

static int64_t
quiet_since(const struct health_source *source)
{
	return source->last_ns > source->awake_ns ? source->last_ns :
	    source->awake_ns;
}

void
health_source_note(struct health_source *source, int64_t arrival_ns,
    int64_t time_ns, size_t bytes, bool unparsed)
{
	int64_t quiet_ns = arrival_ns - quiet_since(source);
	int64_t skew_ns = arrival_ns - time_ns;

	if (source->last_ns != 0 && quiet_ns > source->quiet_ns)
		source->quiet_ns = quiet_ns;
	if (arrival_ns > source->last_ns)
		source->last_ns = arrival_ns;
	source->events++;
	source->bytes += bytes;
	source->unparsed += unparsed;
	if (time_ns == 0)
		return;
	if (!source->has_skew || llabs(skew_ns) < llabs(source->skew_ns))
		source->skew_ns = skew_ns;
	source->has_skew = true;
}

/* --- an hour is over ------------------------------------------------------ */

static unsigned
week_hour(int64_t hour)
{
	return (unsigned)(((hour % HEALTH_WEEK) + HEALTH_WEEK) % HEALTH_WEEK);
}

/* Half of it is what the same hour was a week ago and before. */
static void
learn_hour(struct health_source *source)
{
	float *usual = &source->week[week_hour(source->hour)];
	float n = (float)source->hour_events;

	*usual = *usual < 0 ? n : (*usual + n) / 2;
	if (source->hour_events < HEALTH_FEW)
		return;
	n = 100 * (float)source->hour_unparsed / n;
	source->unparsed_usual = source->unparsed_usual < 0 ? n :
	    (float)USUAL_OLD * source->unparsed_usual +
	    (float)(1 - USUAL_OLD) * n;
}

static void
next_hour(struct health_source *source, int64_t hour)
{
	if (source->hour_minutes >= HOUR_MINUTES)
		learn_hour(source);
	source->quiet_ns = (int64_t)((double)source->quiet_ns * QUIET_FADES);
	source->hour = hour;
	source->hour_minutes = 0;
	source->hour_events = source->hour_unparsed = 0;
}

/* Last week's same hour, else the least that any day had at that hour: who is
 * new to us shall not be missed because Sunday came. */
static double
usual_at(const struct health_source *source, int64_t hour)
{
	double least = -1;

	if (source->week[week_hour(hour)] >= 0)
		return source->week[week_hour(hour)];
	for (int day = 1; day < 7; day++) {
		double n = source->week[week_hour(hour + 24 * day)];

		if (n >= 0 && (least < 0 || n < least))
			least = n;
	}
	return least;
}

/* --- a minute is over ----------------------------------------------------- */

static struct health_minute
last_minutes(const struct health_source *source, int64_t minute, int n)
{
	struct health_minute sum = { 0, 0 };

	for (int i = 0; i < n; i++) {
		const struct health_minute *one = &source->minutes[
		    (minute - i + HEALTH_MINUTES) % HEALTH_MINUTES];

		sum.events += one->events;
		sum.unparsed += one->unparsed;
	}
	return sum;
}

static void
tell_volume(const struct health_source *source, int64_t minute,
    struct health_figures *out)
{
	double now = usual_at(source, minute / 60);
	double before = usual_at(source, minute / 60 - 1);
	double part = (double)(minute % 60 + 1) / 60;

	out->volume = last_minutes(source, minute, HEALTH_MINUTES).events;
	out->volume_usual = out->volume_ratio = -1;
	if (source->closed < HEALTH_MINUTES || now < 0 || before < 0)
		return;
	out->volume_usual = now * part + before * (1 - part);
	if (out->volume_usual >= 1)
		out->volume_ratio = (double)out->volume / out->volume_usual;
}

static void
tell_unparsed(const struct health_source *source, int64_t minute,
    struct health_figures *out)
{
	struct health_minute sum = last_minutes(source, minute,
	    SHARE_MINUTES);

	out->unparsed_share = -1;
	out->unparsed_usual = source->unparsed_usual;
	out->unparsed_jump = 0;
	out->has_jump = false;
	if (sum.events < HEALTH_FEW)
		return;
	out->unparsed_share = 100.0 * sum.unparsed / sum.events;
	out->has_jump = source->unparsed_usual >= 0;
	if (out->has_jump)
		out->unparsed_jump = out->unparsed_share -
		    (double)source->unparsed_usual;
}

/* What our clock said when it was ahead has not come yet: until then nobody
 * would be missed. */
static void
not_after(struct health_source *source, int64_t now_ns)
{
	if (source->last_ns > now_ns)
		source->last_ns = now_ns;
	if (source->awake_ns > now_ns)
		source->awake_ns = now_ns;
	if (source->first_ns > now_ns)
		source->first_ns = now_ns;
}

/* A silence shorter than a minute is none. */
static void
tell_silence(const struct health_source *source, int64_t now_ns,
    struct health_figures *out)
{
	int64_t quiet_ns = now_ns - quiet_since(source);
	int64_t usual_ns = source->quiet_ns > HEALTH_MINUTE_NS ?
	    source->quiet_ns : HEALTH_MINUTE_NS;

	if (quiet_ns < 0)
		quiet_ns = 0;
	out->silence_s = quiet_ns / SECOND_NS;
	out->silence_ratio = (double)quiet_ns / (double)usual_ns;
	out->known_s = (now_ns - source->first_ns) / SECOND_NS;
}

/* The minute's place. Minutes that nobody closed, because the machine slept
 * or its clock was set, had no events; one that comes again adds to itself. */
static struct health_minute *
minute_slot(struct health_source *source, int64_t minute)
{
	int64_t from = source->minute + 1;

	if (minute - from >= HEALTH_MINUTES || minute < source->minute)
		from = minute - HEALTH_MINUTES + 1;
	for (; from <= minute; from++)
		source->minutes[from % HEALTH_MINUTES] =
		    (struct health_minute){ 0, 0 };
	source->minute = minute;
	return &source->minutes[minute % HEALTH_MINUTES];
}

void
health_source_close(struct health_source *source, int64_t now_ns,
    struct health_figures *out)
{
	/* The minute that ends is the one before now. */
	int64_t minute = (now_ns - 1) / HEALTH_MINUTE_NS;
	struct health_minute *slot = minute_slot(source, minute);

	not_after(source, now_ns);
	if (minute / 60 != source->hour)
		next_hour(source, minute / 60);
	slot->events += (uint32_t)source->events;
	slot->unparsed += (uint32_t)source->unparsed;
	source->hour_minutes++;
	source->hour_events += source->events;
	source->hour_unparsed += source->unparsed;
	source->closed++;
	*out = (struct health_figures){ .events = source->events,
	    .bytes = source->bytes, .unparsed = source->unparsed,
	    .has_skew = source->has_skew,
	    .skew_s = source->skew_ns / SECOND_NS };
	tell_volume(source, minute, out);
	tell_unparsed(source, minute, out);
	tell_silence(source, now_ns, out);
	source->events = source->bytes = source->unparsed = 0;
	source->has_skew = false;
}

/* --- over a restart ------------------------------------------------------- */

void
health_source_save(const struct health_source *source, struct strbuf *out)
{
	strbuf_printf(out, "1 %lld %lld %lld %.2f",
	    (long long)source->first_ns, (long long)source->last_ns,
	    (long long)source->quiet_ns, (double)source->unparsed_usual);
	for (int i = 0; i < HEALTH_WEEK; i++)
		strbuf_printf(out, " %.0f", (double)source->week[i]);
}

static bool
next_number(struct slice *rest, double *out)
{
	size_t n = 0;

	while (rest->len > 0 && rest->ptr[0] == ' ')
		*rest = slice_skip(*rest, 1);
	while (n < rest->len && rest->ptr[n] != ' ')
		n++;
	if (n == 0 || !slice_double(slice_head(*rest, n), out) ||
	    !isfinite(*out) || fabs(*out) > 9e18)
		return false;
	*rest = slice_skip(*rest, n);
	return true;
}

bool
health_source_load(struct health_source *source, struct slice text,
    int64_t now_ns)
{
	double version, first, last, quiet, usual, hour;

	health_source_init(source, now_ns);
	if (!next_number(&text, &version) || version != 1 ||
	    !next_number(&text, &first) || !next_number(&text, &last) ||
	    !next_number(&text, &quiet) || !next_number(&text, &usual))
		return false;
	for (int i = 0; i < HEALTH_WEEK; i++) {
		if (!next_number(&text, &hour))
			return false;
		source->week[i] = (float)hour;
	}
	source->first_ns = (int64_t)first;
	source->last_ns = (int64_t)last;
	source->quiet_ns = quiet > 0 ? (int64_t)quiet : 0;
	source->unparsed_usual = (float)usual;
	not_after(source, now_ns);
	return true;
}
