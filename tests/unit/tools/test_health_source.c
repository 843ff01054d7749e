/* What is usual of a source, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "engine/strbuf.h"
#include "tools/health_source.h"

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1795132800) * SECOND)	/* a Friday, 00:00 UTC */

static struct health_source source;
static struct health_figures figures;
static int64_t now;

static int
begin(void **state)
{
	(void)state;
	now = START;
	health_source_init(&source, now);
	return 0;
}

/* n events in each of some minutes, every second, a share of them unknown. */
static void
minutes(int count, int n, int unparsed)
{
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < n; k++)
			health_source_note(&source, now + k * 60 * SECOND / n,
			    now + k * 60 * SECOND / n, 100, k < unparsed);
		now += HEALTH_MINUTE_NS;
		health_source_close(&source, now, &figures);
	}
}

static void
counts_a_minute_and_the_hour_behind_it(void **state)
{
	(void)state;
	minutes(30, 10, 0);
	assert_int_equal(figures.events, 10);
	assert_int_equal(figures.bytes, 1000);
	assert_int_equal(figures.volume, 300);
	minutes(60, 20, 0);
	assert_int_equal(figures.volume, 1200);
}

static void
says_nothing_about_volume_before_it_saw_that_hour(void **state)
{
	(void)state;
	minutes(60 * 24, 10, 0);
	assert_true(figures.volume_ratio < 0);
	minutes(60, 10, 0);
	assert_true(figures.volume_ratio > 0.95 &&
	    figures.volume_ratio < 1.05);
}

static void
a_drop_shows_as_a_small_ratio(void **state)
{
	(void)state;
	minutes(60 * 26, 10, 0);
	minutes(60, 1, 0);
	assert_true(figures.volume_ratio > 0.09 &&
	    figures.volume_ratio < 0.11);
	assert_true(fabs(figures.volume_usual - 600) < 1);
}

/* Days on which nearly nothing came make little expected, until each hour of
 * the week has its own number. */
static void
last_week_counts_more_than_yesterday(void **state)
{
	(void)state;
	minutes(60 * 24, 10, 0);	/* Friday */
	minutes(60 * 48, 1, 0);		/* the weekend */
	minutes(60 * 12, 10, 0);	/* Monday: as little was usual */
	assert_true(figures.volume_ratio > 2);
	minutes(60 * 96, 10, 0);	/* to Friday noon, as a week ago */
	assert_true(figures.volume_ratio > 0.95 &&
	    figures.volume_ratio < 1.05);
	minutes(60 * 12, 10, 0);
	minutes(60 * 12, 1, 0);		/* Saturday, as a week ago */
	assert_true(figures.volume_ratio > 0.95 &&
	    figures.volume_ratio < 1.05);
}

static void
an_hour_that_was_not_whole_is_not_learned(void **state)
{
	(void)state;
	now += 10 * HEALTH_MINUTE_NS;
	minutes(50, 10, 0);		/* from 00:10 */
	minutes(60 * 24, 10, 0);
	assert_true(source.week[(START / HEALTH_HOUR_NS) % HEALTH_WEEK] < 0);
}

static void
silence_is_measured_against_the_longest_of_late(void **state)
{
	(void)state;
	minutes(60, 10, 0);
	minutes(20, 0, 0);
	assert_true(figures.silence_s >= 20 * 60);
	assert_true(figures.silence_ratio > 19);
	minutes(60, 10, 0);
	minutes(20, 0, 0);
	assert_true(figures.silence_ratio < 1.1);
	minutes(60 * 24 * 12, 10, 0);	/* forgotten in two weeks */
	minutes(20, 0, 0);
	assert_true(figures.silence_ratio > 3);
}

static void
a_share_of_few_lines_is_none(void **state)
{
	(void)state;
	minutes(10, 1, 1);
	assert_true(figures.unparsed_share < 0);
	assert_false(figures.has_jump);
}

static void
a_jump_is_seen_within_ten_minutes(void **state)
{
	(void)state;
	minutes(61, 10, 1);
	assert_true(figures.has_jump);
	assert_true(fabs(figures.unparsed_usual - 10) < 0.1);
	assert_true(fabs(figures.unparsed_jump) < 0.1);
	minutes(5, 10, 10);
	assert_true(figures.unparsed_jump > 40);
	assert_true(figures.unparsed_share > 54);
}

static void
skew_is_that_of_the_event_nearest_to_our_clock(void **state)
{
	(void)state;
	health_source_note(&source, now, now - 30 * SECOND, 1, false);
	health_source_note(&source, now, now - 600 * SECOND, 1, false);
	health_source_note(&source, now, 0, 1, false);
	health_source_close(&source, now + HEALTH_MINUTE_NS, &figures);
	assert_true(figures.has_skew);
	assert_int_equal(figures.skew_s, 30);
	health_source_note(&source, now, now + 900 * SECOND, 1, false);
	health_source_close(&source, now + 2 * HEALTH_MINUTE_NS, &figures);
	assert_int_equal(figures.skew_s, -900);
	health_source_close(&source, now + 3 * HEALTH_MINUTE_NS, &figures);
	assert_false(figures.has_skew);
}

static void
minutes_that_nobody_closed_had_no_events(void **state)
{
	(void)state;
	minutes(60, 10, 0);
	now += 30 * HEALTH_MINUTE_NS;
	minutes(1, 10, 0);
	assert_int_equal(figures.volume, 300);
	now += 10 * HEALTH_HOUR_NS;
	minutes(1, 10, 0);
	assert_int_equal(figures.volume, 10);
	now -= 5 * HEALTH_HOUR_NS;	/* the clock was set back */
	minutes(1, 10, 0);
	assert_true(figures.volume >= 10 && figures.volume <= 20);
}

/* Our own clock was a year ahead and is set right. */
static void
a_clock_that_was_ahead_hides_no_silence(void **state)
{
	struct health_source again;
	struct strbuf text = STRBUF_INIT;

	(void)state;
	now += 365 * 86400 * SECOND;
	minutes(60, 10, 0);
	health_source_save(&source, &text);
	now = START;
	health_source_close(&source, now, &figures);
	now += 20 * HEALTH_MINUTE_NS;
	health_source_close(&source, now, &figures);
	assert_true(figures.silence_s >= 20 * 60);
	assert_true(figures.known_s >= 0);
	now = START;
	assert_true(health_source_load(&again, strbuf_slice(&text), now));
	now += 20 * HEALTH_MINUTE_NS;
	health_source_close(&again, now, &figures);
	assert_true(figures.silence_s >= 20 * 60);
	assert_true(figures.known_s >= 0);
	strbuf_fini(&text);
}

static void
a_restart_forgets_nothing_and_hears_no_silence(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct health_source again;

	(void)state;
	minutes(60 * 25, 10, 1);
	health_source_save(&source, &text);
	now += 5 * HEALTH_HOUR_NS;
	assert_true(health_source_load(&again, strbuf_slice(&text), now));
	source = again;
	minutes(1, 0, 0);
	assert_true(figures.silence_s <= 60);
	minutes(16, 0, 0);
	assert_true(figures.silence_s >= 16 * 60);
	assert_true(figures.known_s > 29 * 3600);
	assert_true(fabs((double)again.unparsed_usual - 10) < 0.1);
	minutes(60, 10, 0);
	assert_true(source.quiet_ns < 30 * HEALTH_MINUTE_NS);
	strbuf_fini(&text);
}

static void
damaged_text_is_refused(void **state)
{
	static const char *const texts[] = { "", "2 1 1 1 1", "1 1 1 1",
	    "1 x 1 1 1", "1 1 1 1 nan 1", "1 1e300 1 1 1 1" };
	struct health_source again;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(health_source_load(&again, slice_cstr(texts[i]),
		    START));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		T(counts_a_minute_and_the_hour_behind_it),
		T(says_nothing_about_volume_before_it_saw_that_hour),
		T(a_drop_shows_as_a_small_ratio),
		T(last_week_counts_more_than_yesterday),
		T(an_hour_that_was_not_whole_is_not_learned),
		T(silence_is_measured_against_the_longest_of_late),
		T(a_share_of_few_lines_is_none),
		T(a_jump_is_seen_within_ten_minutes),
		T(skew_is_that_of_the_event_nearest_to_our_clock),
		T(minutes_that_nobody_closed_had_no_events),
		T(a_restart_forgets_nothing_and_hears_no_silence),
		T(a_clock_that_was_ahead_hides_no_silence),
		T(damaged_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
