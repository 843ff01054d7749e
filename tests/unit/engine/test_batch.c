#include "engine/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/arena.h"

static unsigned released;

static void
count_release(struct batch *batch)
{
	(void)batch;
	released++;
}

static void
events_stay_where_they_are(void **state)
{
	struct batch *batch = batch_new(1, 1u << 12);
	struct event *first = NULL, *alert = NULL;
	size_t alerts = 0;

	(void)state;
	while (!batch_full(batch)) {
		struct event *event = batch_add(batch, SLICE("line"),
		    SLICE("192.0.2.1:1"), 5);

		if (first == NULL)
			first = event;
	}
	assert_int_equal(batch->n, BATCH_EVENTS);
	assert_int_equal(batch->received_ns, 5);
	batch->phase = BATCH_MATCHED;
	for (struct event *next; (next = batch_add_alert(batch)) != NULL;
	    alerts++)
		if (alert == NULL)
			alert = next;
	assert_int_equal(alerts, BATCH_ALERTS);
	assert_ptr_equal(batch_event(batch, 0), first);
	assert_ptr_equal(batch_event(batch, BATCH_EVENTS), alert);
	for (size_t i = 0; i < batch->n + batch->nalerts; i++)
		assert_int_equal(batch_event(batch, i)->seq, (1u << 12) + i);
	batch_put(batch);
}

static void
large_lines_close_a_batch_early(void **state)
{
	static char line[1u << 20];
	struct batch *batch = batch_new(1, 0);
	size_t n = 0;

	(void)state;
	memset(line, 'x', sizeof(line));
	for (; !batch_full(batch); n++)
		batch_add(batch, slice_of(line, sizeof(line)), SLICE(""), 0);
	assert_int_equal(n, 4);
	batch_put(batch);
}

static void
hits_and_notes_are_kept(void **state)
{
	struct batch *batch = batch_new(1, 0);
	struct event *event = batch_add(batch, SLICE("x"), SLICE(""), 0);
	struct note *note;

	(void)state;
	batch->phase = BATCH_PARSED;
	for (uint32_t rule = 0; rule < 1000; rule++)
		batch_add_hit(batch, 0, rule * 3);
	assert_int_equal(event->nhits, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(event->hits[i], i * 3);
	note = batch_add_note(batch, NOTE_POSITION);
	assert_ptr_equal(batch->notes, note);
	assert_ptr_equal(batch_add_note(batch, NOTE_RUN)->next, note);
	batch_put(batch);
}

static void
the_last_put_frees(void **state)
{
	struct batch *batches[40];

	(void)state;
	batch_release = count_release;
	released = 0;
	for (size_t i = 0; i < 40; i++) {
		batches[i] = batch_new(1, i);
		assert_ptr_equal(batch_get(batches[i]), batches[i]);
	}
	for (size_t i = 0; i < 40; i++)
		batch_put(batches[i]);
	assert_int_equal(released, 0);
	for (size_t i = 0; i < 40; i++)
		batch_put(batches[i]);
	assert_int_equal(released, 40);
	batch_release = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_stay_where_they_are),
		cmocka_unit_test(large_lines_close_a_batch_early),
		cmocka_unit_test(hits_and_notes_are_kept),
		cmocka_unit_test(the_last_put_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
