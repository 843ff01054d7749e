/* A flood of keys and a quiet attack beside it. The attack's events lie
 * further apart than all groups that fit the memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "correlation/ghosts.h"
#include "stream.h"

#define KEYS 60000
#define GAP 3000		/* events of the flood between two of the attack */
#define LIMIT_BYTES ((size_t)256 << 10)	/* some 1,300 groups */

static const char rules[] =
    DETECT("fail", "fail") "level: informational\n" NEXT
    CORRELATE("force", "event_count", "fail", "1h", "src",
	", condition: {gte: 10}");

static struct correlator_figures
flood(struct stream *s, unsigned repeats)
{
	struct correlator_figures figures;
	char fields[64];
	size_t most = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		double at = i / 50.0;

		for (unsigned k = 0; k < repeats; k++) {
			snprintf(fields, sizeof(fields),
			    "\"action\":\"fail\",\"src\":\"k%u\"", i);
			stream_add(s, at, fields);
		}
		if (i % GAP == 0)
			stream_add(s, at,
			    "\"action\":\"fail\",\"src\":\"quiet\"");
		correlator_figures(s->correlator, &figures);
		if (figures.bytes > most)
			most = figures.bytes;
	}
	stream_flush(s);
	correlator_figures(s->correlator, &figures);
	figures.bytes = most;
	return figures;
}

static void
finds_a_quiet_attack_beside_a_flood_within_its_memory(void **state)
{
	struct correlator_limits limits = { .bytes = LIMIT_BYTES };
	struct correlator_figures figures;
	struct stream s;

	(void)state;
	stream_open(&s, rules, &limits);
	figures = flood(&s, 1);
	assert_true(figures.bytes <= LIMIT_BYTES + 4096);
	assert_true(figures.groups < GAP);
	assert_true(figures.evicted > KEYS / 2);
	assert_non_null(strstr(s.alerts, "force:"));
	assert_non_null(strstr(s.alerts, "yagura-detection-degraded:"));
	stream_close(&s);
}

static void
finds_it_though_each_key_of_the_flood_comes_twice(void **state)
{
	struct correlator_limits limits = { .bytes = LIMIT_BYTES };
	struct stream s;

	(void)state;
	stream_open(&s, rules, &limits);
	flood(&s, 2);
	assert_non_null(strstr(s.alerts, "force:"));
	stream_close(&s);
}

static void
remembers_what_a_group_was_worth_until_it_is_asked(void **state)
{
	struct ghosts *ghosts = ghosts_new(0);
	size_t n;

	(void)state;
	ghosts_put(ghosts, 0x1234567800000001, 7);
	ghosts_put(ghosts, 0x1234567800000002, 1000);
	assert_int_equal(ghosts_take(ghosts, 0x9934567800000001), 0);
	assert_int_equal(ghosts_take(ghosts, 0x1234567800000001), 7);
	assert_int_equal(ghosts_take(ghosts, 0x1234567800000001), 0);
	assert_int_equal(ghosts_take(ghosts, 0x1234567800000002),
	    GHOSTS_WORTH);
	assert_non_null(ghosts_cells(ghosts, &n));
	assert_int_equal(ghosts_bytes(ghosts), n * sizeof(uint32_t));
	ghosts_free(ghosts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    finds_a_quiet_attack_beside_a_flood_within_its_memory),
		cmocka_unit_test(
		    finds_it_though_each_key_of_the_flood_comes_twice),
		cmocka_unit_test(
		    remembers_what_a_group_was_worth_until_it_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
