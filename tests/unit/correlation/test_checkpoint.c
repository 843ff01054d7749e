/* A correlator that was written and read goes on as if nothing had been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "correlation/checkpoint.h"
#include "correlation/correlator.h"
#include "engine/err.h"
#include "engine/hash.h"
#include "random_stream.h"
#include "storage/codec.h"
#include "storage/pack.h"

#ifdef __SANITIZE_THREAD__
#define SEEDS 8			/* each event begins a correlator: slow there */
#else
#define SEEDS 80
#endif
#define EVENTS 300
#define HEAD 24

/* --- said by two correlators ------------------------------------------------ */
struct said {
	struct strbuf text;
};

static void
say_firing(const struct firing *firing, void *arg)
{
	struct said *said = arg;

	strbuf_printf(&said->text, "%.*s %g %d %llx %zu\n",
	    (int)firing->rule->id.len, firing->rule->id.ptr, firing->value,
	    firing->edge, (unsigned long long)firing->event->seq,
	    firing->key.len);
}

static void
say_batch(struct said *said, const struct batch *batch)
{
	char buf[VALUE_TEXT_BYTES];

	for (size_t i = 0; i < batch->nalerts; i++) {
		struct slice id = event_text(batch->alerts[i],
		    FIELD_EVENT_ID, buf);

		strbuf_printf(&said->text, "alert %.*s\n", (int)id.len,
		    id.ptr);
		event_json(&said->text, batch->alerts[i], true);
	}
	for (const struct note *n = batch->notes; n != NULL; n = n->next)
		strbuf_printf(&said->text, "run %.*s %llu %08x\n",
		    (int)n->key.len, n->key.ptr, (unsigned long long)n->count,
		    crc32c(0, n->data));
}

static struct correlator *
correlator_saying(const struct correlator_limits *limits, struct said *said)
{
	struct correlator *c = correlator_new(limits);

	correlator_watch(c, say_firing, said);
	return c;
}

static bool
save(struct correlator *c, struct batch *batch, struct strbuf *out)
{
	strbuf_clear(out);
	return checkpoint_write(c, batch, batch->seq0 + batch->n, out);
}

/* The same correlator after a restart. */
static struct correlator *
revive(struct correlator *c, struct batch *batch, struct ruleset *set,
    const struct correlator_limits *limits, struct said *said)
{
	struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
	struct err err = { 0 };
	uint64_t seq = 0;

	assert_true(save(c, batch, &before));
	correlator_free(c);
	c = correlator_saying(limits, said);
	if (!checkpoint_read(c, set, strbuf_slice(&before), &seq, &err))
		fail_msg("%s", err.text);
	assert_int_equal(seq, batch->seq0 + batch->n);
	assert_true(save(c, batch, &after));
	assert_int_equal(after.len, before.len);
	strbuf_fini(&before);
	strbuf_fini(&after);
	return c;
}

static struct batch *
next_batch(struct chance *chances, uint64_t number, unsigned n)
{
	struct batch *batch = batch_new(7, number << 12);
	char fields[512], line[1024];

	for (unsigned i = 0; i < n; i++) {
		double at = chance_event(chances, fields, sizeof(fields));
		struct event *event;

		snprintf(line, sizeof(line), "{\"timestamp\":\"2026-03-01T"
		    "%02d:%02d:%06.3fZ\",\"_logsource\":{\"product\":"
		    "\"test\"},%s}", 12 + (int)at / 3600, (int)at / 60 % 60,
		    at - 60 * (double)((int)at / 60), fields);
		event = batch_add(batch, slice_cstr(line), SLICE("test"),
		    (int64_t)(at * 1e9));
		assert_true(shape_event(event));
	}
	batch->phase = BATCH_PARSED;
	return batch;
}

static void
compare(uint64_t seed, const struct correlator_limits *limits)
{
	struct said whole = { STRBUF_INIT }, cut = { STRBUF_INIT };
	struct correlator *a = correlator_saying(limits, &whole);
	struct correlator *b = correlator_saying(limits, &cut);
	struct match_stage *match = match_stage_new();
	struct ruleset *set;
	struct chance chances;

	chance_begin(&chances, seed, true);
	set = stream_rules(chances.rules);
	for (unsigned done = 0, i = 1; done < EVENTS; i++) {
		struct chance again = chances;
		unsigned n = 1 + chance(&again, 60);
		struct batch *first, *second;

		chances = again;
		first = next_batch(&chances, i, n);
		second = next_batch(&again, i, n);
		match_stage_run(match, set, first);
		match_stage_run(match, set, second);
		correlate_stage_run(a, first);
		say_batch(&whole, first);
		correlate_stage_run(b, second);
		say_batch(&cut, second);
		if (chance(&chances, 3) == 0)
			b = revive(b, second, set, limits, &cut);
		batch_put(first);
		batch_put(second);
		done += n;
	}
	if (strcmp(whole.text.ptr, cut.text.ptr) != 0)
		fail_msg("seed %llu:\n%s\n--- whole\n%s\n--- cut\n%s",
		    (unsigned long long)seed, chances.rules, whole.text.ptr,
		    cut.text.ptr);
	correlator_free(a);
	correlator_free(b);
	match_stage_free(match);
	ruleset_put(set);
	strbuf_fini(&whole.text);
	strbuf_fini(&cut.text);
}

static void
goes_on_as_if_it_had_never_stopped(void **state)
{
	const struct correlator_limits limits = { .arrival_decides = true };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		compare(seed, &limits);
}

static void
gives_up_the_same_groups_after_it(void **state)
{
	const struct correlator_limits few = { .groups = 4 };
	const struct correlator_limits small = { .bytes = 12000 };

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS / 2; seed++) {
		compare(seed, &few);
		compare(seed, &small);
	}
}

/* --- what is not taken ------------------------------------------------------ */
struct one {
	struct stream s;
	struct batch *batch;
	struct strbuf data;
};

static const char rules[] =
    DETECT("fail", "fail") "level: informational\n" NEXT
    CORRELATE("force", "event_count", "fail", "1h", "src",
	", condition: {gte: 3}") NEXT
    CORRELATE("spray", "value_count", "fail", "1h", "src",
	", condition: {gte: 3, field: user}")
    "yagura: {suppress: {for: 1h}}\n" NEXT
    CORRELATE("alone", "event_count", "fail", "1h", "src",
	", condition: {gte: 1}") "yagura: {absent: {rules: [ok]}}\n" NEXT
    DETECT("ok", "ok");

static void
one_open(struct one *one)
{
	char fields[128];

	strbuf_init(&one->data);
	stream_open(&one->s, rules, NULL);
	for (int i = 0; i < 300; i++) {
		snprintf(fields, sizeof(fields), "\"action\":\"fail\","
		    "\"src\":\"s%d\",\"user\":\"u%d\"", i % 3, i);
		stream_send(&one->s, i, fields);
	}
	one->batch = batch_new(7, one->s.nbatches << 12);
	assert_true(save(one->s.correlator, one->batch, &one->data));
}

static void
one_close(struct one *one)
{
	batch_put(one->batch);
	stream_close(&one->s);
	strbuf_fini(&one->data);
}

static bool
reads(const struct one *one, struct slice data)
{
	struct correlator *c = correlator_new(NULL);
	struct correlator_figures figures;
	struct err err = { 0 };
	uint64_t seq;
	bool good = checkpoint_read(c, one->s.set, data, &seq, &err);

	correlator_figures(c, &figures);
	if (!good) {
		assert_int_equal(figures.groups, 0);
		assert_int_equal(figures.bytes, 0);
		assert_int_equal(figures.watched, 0);
		assert_true(err.text[0] != '\0');
	}
	correlator_free(c);
	return good;
}

static void
refuses_any_damage_and_is_fresh_then(void **state)
{
	struct one one;

	(void)state;
	one_open(&one);
	assert_true(reads(&one, strbuf_slice(&one.data)));
	for (size_t i = 0; i < one.data.len; i += 7) {
		one.data.ptr[i] ^= 4;
		assert_false(reads(&one, strbuf_slice(&one.data)));
		one.data.ptr[i] ^= 4;
		assert_false(reads(&one, slice_of(one.data.ptr, i)));
	}
	one_close(&one);
}

/* Bytes that check and yet say something else: no fault, whatever they say. */
static void
bears_any_bytes_that_check(void **state)
{
	struct strbuf plain = STRBUF_INIT;
	struct chance chances = { .state = 5 };
	size_t raw;
	struct one one;
	char *copy;

	(void)state;
	one_open(&one);
	raw = get_u32(one.data.ptr + 16);
	strbuf_put(&plain, slice_of(one.data.ptr, HEAD));
	strbuf_room(&plain, raw);
	assert_true(codec_unpack(get_u16(one.data.ptr + 6),
	    slice_of(one.data.ptr + HEAD, one.data.len - HEAD),
	    plain.ptr + HEAD, raw));
	plain.len += raw;
	put_u16(plain.ptr + 6, CODEC_PLAIN);
	copy = malloc(raw);
	memcpy(copy, plain.ptr + HEAD, raw);
	for (int i = 0; i < 2000; i++) {
		for (unsigned k = 1 + chance(&chances, 3); k > 0; k--)
			plain.ptr[HEAD + chance(&chances, (unsigned)raw)] =
			    (char)chance(&chances, 256);
		put_u32(plain.ptr + 20, crc32c(crc32c(0, slice_of(plain.ptr,
		    20)), slice_of(plain.ptr + HEAD, raw)));
		reads(&one, strbuf_slice(&plain));
		memcpy(plain.ptr + HEAD, copy, raw);
	}
	free(copy);
	strbuf_fini(&plain);
	one_close(&one);
}

static void
is_not_written_past_its_size(void **state)
{
	struct one one;
	struct strbuf out = STRBUF_INIT;
	char fields[128];

	(void)state;
	one_open(&one);
	for (int i = 0; i < 2000; i++) {
		snprintf(fields, sizeof(fields), "\"action\":\"fail\","
		    "\"src\":\"a source with a long name %d\"", i);
		stream_add(&one.s, i, fields);
	}
	stream_flush(&one.s);
	assert_true(save(one.s.correlator, one.batch, &out));
	one.s.correlator->shared.bytes_limit = 1000;
	assert_false(save(one.s.correlator, one.batch, &out));
	assert_int_equal(out.len, 0);
	assert_false(reads(&one, strbuf_slice(&out)));
	strbuf_fini(&out);
	one_close(&one);
}

/* --- other rules ------------------------------------------------------------ */
static void
keeps_what_belongs_to_unchanged_rules(void **state)
{
	static const char changed[] = DETECT("other", "other") NEXT
	    DETECT("fail", "fail") "level: informational\n" NEXT
	    CORRELATE("force", "event_count", "fail", "1h", "src",
		", condition: {gte: 3}") NEXT
	    CORRELATE("spray", "value_count", "fail", "2h", "src",
		", condition: {gte: 3, field: user}");
	struct correlator *c = correlator_new(NULL);
	struct err err = { 0 };
	struct ruleset *set = stream_rules(changed);
	struct one one;
	uint64_t seq;

	(void)state;
	one_open(&one);
	assert_true(checkpoint_read(c, set, strbuf_slice(&one.data), &seq,
	    &err));
	for (size_t i = 0; i < c->nrules; i++) {
		const struct rule_state *rule = &c->rules[i];

		if (slice_eq(rule->rule->id, SLICE("force")))
			assert_int_equal(window_groups(rule->window), 3);
		else if (rule->window != NULL)
			assert_int_equal(window_groups(rule->window), 0);
	}
	assert_int_equal(absences_count(c->absences), 0);
	correlator_free(c);
	ruleset_put(set);
	one_close(&one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_as_if_it_had_never_stopped),
		cmocka_unit_test(gives_up_the_same_groups_after_it),
		cmocka_unit_test(refuses_any_damage_and_is_fresh_then),
		cmocka_unit_test(bears_any_bytes_that_check),
		cmocka_unit_test(is_not_written_past_its_size),
		cmocka_unit_test(keeps_what_belongs_to_unchanged_rules),
	};

	batch_release = match_stage_release;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
