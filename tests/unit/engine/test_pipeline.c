/* What is submitted is worked on by many and committed in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/batch.h"
#include "engine/err.h"
#include "engine/pipeline.h"
#include "engine/strbuf.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>

/* Written by one thread each, read after pipeline_finish. */
struct record {
	uint64_t correlated, added, committed;	/* expected next sequence */
	bool	 shuffled;		/* seen by correlate */
	bool	 disorder, cut;		/* seen by the writer */
	int	 commits, fail;		/* fail: commits that find no room */
	bool	 broken;
	bool	 open;
};

static void
work(void *user, void *lane, struct batch *batch)
{
	(void)user;
	(void)lane;
	for (uint64_t i = 0; i < batch->seq0 % 7; i++)
		sched_yield();
	batch->phase = BATCH_MATCHED;
}

static void
correlate(void *user, struct batch *batch)
{
	struct record *record = user;

	record->shuffled |= batch->seq0 != record->correlated++;
}

static void
add(void *user, struct batch *batch)
{
	struct record *record = user;

	record->disorder |= batch->seq0 != record->added++;
	record->open = batch->commit_with_next;
}

static int
commit(void *user, struct err *err)
{
	struct record *record = user;

	if (record->broken)
		return err_set(err, ERR_IO, "the disk is gone");
	if (record->fail > 0) {
		record->fail--;
		return err_set(err, ERR_FULL, "no room");
	}
	record->cut |= record->open;
	record->commits++;
	record->committed = record->added;
	return 0;
}

static bool
seen(void *user, struct slice key, struct strbuf *answer)
{
	(void)user;
	if (!slice_eq(key, SLICE("known")))
		return false;
	strbuf_puts(answer, "earlier");
	return true;
}

static struct pipeline *
start(struct record *record, size_t workers, size_t most)
{
	struct pipeline_stages stages = { .user = record, .work = work,
	    .correlate = correlate, .add = add, .commit = commit,
	    .seen = seen };
	struct pipeline *pipeline = pipeline_new(&stages, workers, most);

	pipeline_start(pipeline);
	return pipeline;
}

static struct news *
wait_news(struct pipeline *pipeline)
{
	struct pollfd fd = { pipeline_fd(pipeline), POLLIN, 0 };
	struct news *news;

	while ((news = pipeline_news(pipeline)) == NULL)
		assert_int_equal(poll(&fd, 1, 10000), 1);
	return news;
}

/* Waits for news of this kind, passing over others. */
static void
await(struct pipeline *pipeline, enum news_kind kind)
{
	bool found = false;

	while (!found) {
		struct news *news = wait_news(pipeline);

		found = news->kind == kind;
		news_free(news);
	}
}

static void
many_workers_keep_the_order_of_submission(void **state)
{
	struct record record = { 0 };
	struct pipeline *pipeline = start(&record, 4, 8);

	(void)state;
	for (uint64_t i = 0; i < 2000; i++) {
		while (pipeline_room(pipeline) == 0)
			await(pipeline, NEWS_COMMITTED);
		assert_int_equal(pipeline_submit(pipeline, batch_new(1, i),
		    i % 3 == 0), i);
	}
	pipeline_finish(pipeline);
	assert_false(record.shuffled);
	assert_false(record.disorder);
	assert_int_equal(record.committed, 2000);
	pipeline_free(pipeline);
}

static void
an_owed_answer_is_committed_at_once(void **state)
{
	struct record record = { 0 };
	struct pipeline *pipeline = start(&record, 1, 8);
	struct news *news;

	(void)state;
	pipeline_submit(pipeline, batch_new(1, 0), true);
	news = wait_news(pipeline);
	assert_int_equal(news->kind, NEWS_COMMITTED);
	assert_int_equal(news->number, 0);
	news_free(news);
	assert_int_equal(pipeline_room(pipeline), 8);
	pipeline_free(pipeline);
}

static void
batches_of_one_request_are_committed_together(void **state)
{
	struct record record = { 0 };
	struct pipeline *pipeline = start(&record, 2, 64);

	(void)state;
	for (uint64_t i = 0; i < 60; i++) {
		struct batch *batch = batch_new(1, i);

		batch->commit_with_next = i % 20 != 19;
		pipeline_submit(pipeline, batch, true);
	}
	pipeline_finish(pipeline);
	assert_int_equal(record.committed, 60);
	assert_false(record.cut);
	pipeline_free(pipeline);
}

static void
submit_part(struct pipeline *pipeline, uint64_t number, bool more)
{
	struct batch *batch = batch_new(1, number);

	batch->commit_with_next = more;
	pipeline_submit(pipeline, batch, true);
}

static void
half_a_request_is_not_committed_at_the_end(void **state)
{
	struct record record = { 0 };
	struct pipeline *pipeline = start(&record, 2, 64);

	(void)state;
	submit_part(pipeline, 0, false);
	submit_part(pipeline, 1, true);
	submit_part(pipeline, 2, true);
	pipeline_finish(pipeline);
	assert_int_equal(record.added, 1);
	assert_int_equal(record.committed, 1);
	pipeline_free(pipeline);
}

static void
half_a_request_is_not_committed_after_a_full_disk(void **state)
{
	struct record record = { .fail = 1 };
	struct pipeline *pipeline = start(&record, 1, 64);

	(void)state;
	submit_part(pipeline, 0, false);
	await(pipeline, NEWS_FULL);
	submit_part(pipeline, 1, true);
	submit_part(pipeline, 2, true);
	pipeline_finish(pipeline);
	assert_int_equal(record.committed, 1);
	assert_false(record.cut);
	pipeline_free(pipeline);
}

static void
a_full_disk_is_tried_again(void **state)
{
	struct record record = { .fail = 1 };
	struct pipeline *pipeline = start(&record, 1, 8);

	(void)state;
	pipeline_submit(pipeline, batch_new(1, 0), true);
	await(pipeline, NEWS_FULL);
	pipeline_submit(pipeline, batch_new(1, 1), true);
	await(pipeline, NEWS_ROOM);
	pipeline_finish(pipeline);
	assert_int_equal(record.committed, 2);
	pipeline_free(pipeline);
}

static void
a_broken_disk_ends_it(void **state)
{
	struct record record = { .broken = true };
	struct pipeline *pipeline = start(&record, 1, 8);

	(void)state;
	pipeline_submit(pipeline, batch_new(1, 0), true);
	pipeline_submit(pipeline, batch_new(1, 1), true);
	await(pipeline, NEWS_DEAD);
	pipeline_finish(pipeline);
	assert_int_equal(record.committed, 0);
	pipeline_free(pipeline);
}

static void
a_question_is_answered_by_the_write_thread(void **state)
{
	struct record record = { 0 };
	struct pipeline *pipeline = start(&record, 1, 8);
	struct news *news;
	int asker;

	(void)state;
	assert_true(pipeline_ask(pipeline, SLICE("known"), &asker));
	assert_true(pipeline_ask(pipeline, SLICE("new"), &asker));
	news = wait_news(pipeline);
	assert_int_equal(news->kind, NEWS_ANSWER);
	assert_ptr_equal(news->asker, &asker);
	assert_true(news->seen);
	assert_string_equal(news->text, "earlier");
	news_free(news);
	news = wait_news(pipeline);
	assert_false(news->seen);
	news_free(news);
	pipeline_free(pipeline);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_workers_keep_the_order_of_submission),
		cmocka_unit_test(an_owed_answer_is_committed_at_once),
		cmocka_unit_test(batches_of_one_request_are_committed_together),
		cmocka_unit_test(half_a_request_is_not_committed_at_the_end),
		cmocka_unit_test(
		    half_a_request_is_not_committed_after_a_full_disk),
		cmocka_unit_test(a_full_disk_is_tried_again),
		cmocka_unit_test(a_broken_disk_ends_it),
		cmocka_unit_test(a_question_is_answered_by_the_write_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
