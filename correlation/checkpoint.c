/* Unpacked, in this order:
 *
 *	seed, state of the draw, ghosts
 *	rules		id and hash of each, in the order of their numbers
 *	runs		each once; known by its place from here on
 *	of each rule	length; window; pairs of first_seen; tables of bind
 *	wheel		clock; slots, each node as rule and place of its group
 *	suppressions, absences, clock, what was told of losses
 */
#include "correlation/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "correlation/correlator.h"
#include "correlation/first_seen.h"
#include "correlation/ghosts.h"
#include "correlation/state.h"
#include "correlation/suppress.h"
#include "correlation/window_run.h"
#include "engine/check.h"
#include "engine/err.h"
#include "engine/map.h"
#include "storage/codec.h"

#define HEAD_BYTES 24
#define CRC_AT 20
#define LEVEL (-1)		/* of zstd: written often, read at a start */
#define HAS_WINDOW 1u
#define HAS_FIRST_SEEN 2u

/* --- writing --------------------------------------------------------------- */
struct runs {
	struct window_run **all;
	size_t	 n, cap;
};

static void
number_run(struct window_run *run, void *arg)
{
	struct runs *runs = arg;

	if (run->number != 0)
		return;
	if (runs->n == runs->cap) {
		runs->cap = runs->cap == 0 ? 64 : 2 * runs->cap;
		runs->all = xrealloc(runs->all,
		    runs->cap * sizeof(*runs->all));
	}
	runs->all[runs->n++] = run;
	run->number = (uint32_t)runs->n;
}

static void
save_runs(struct correlator *c, struct runs *runs, struct strbuf *out)
{
	for (size_t i = 0; i < c->nrules; i++)
		if (c->rules[i].window != NULL)
			window_runs(c->rules[i].window, number_run, runs);
	suppress_runs(c->suppress, number_run, runs);
	state_put(out, runs->n);
	for (size_t i = 0; i < runs->n; i++)
		window_run_save(runs->all[i], out);
}

static void
save_ghosts(struct ghosts *ghosts, struct strbuf *out)
{
	const uint32_t *cells;
	size_t n;

	if (ghosts == NULL) {
		state_put(out, 0);
		return;
	}
	cells = ghosts_cells(ghosts, &n);
	state_put(out, n);
	for (size_t i = 0; i < n; i++) {
		put_u32(strbuf_room(out, 4), cells[i]);
		out->len += 4;
	}
}

static void
save_rule(const struct rule_state *state, struct strbuf *out)
{
	state_put(out, (state->window != NULL ? HAS_WINDOW : 0) |
	    (state->first_seen != NULL ? HAS_FIRST_SEEN : 0));
	if (state->window != NULL)
		window_save(state->window, out);
	if (state->first_seen != NULL)
		first_seen_save(state->first_seen, out);
	for (size_t i = 0; i < state->nbinds; i++)
		binds_save(state->binds[i], out);
}

static void
save_node(const struct wheel_node *node, unsigned slot, void *arg)
{
	const struct group *group =
	    (const struct group *)(const void *)node;
	struct strbuf *out = arg;

	state_put(out, slot + 1);
	state_put(out, group->window->number);
	state_put(out, group->place);
}

static void
save_losses(const struct correlator *c, struct strbuf *out)
{
	const struct losses now = correlator_losses(c);
	const struct losses *told = &c->degraded.told;

	state_put(out, now.groups - told->groups);
	state_put(out, now.entries - told->entries);
	state_put(out, now.keys - told->keys);
	state_put(out, now.alerts - told->alerts);
	state_put(out, now.late - told->late);
	state_put(out, c->degraded.has_told);
	state_put_time(out, c->degraded.told_ns, 0);
}

static void
save_rules(struct correlator *c, struct strbuf *out)
{
	struct strbuf part = STRBUF_INIT;

	for (size_t i = 0; i < c->nrules; i++) {
		struct window *window = c->rules[i].window;

		if (window != NULL)
			window->number = (uint32_t)i;
		strbuf_clear(&part);
		save_rule(&c->rules[i], &part);
		state_put_bytes(out, strbuf_slice(&part));
	}
	strbuf_fini(&part);
}

static void
save(struct correlator *c, struct batch *batch, struct strbuf *out)
{
	struct runs runs = { 0 };

	state_put_bits(out, c->shared.seed);
	state_put_bits(out, c->shared.random);
	save_ghosts(c->shared.ghosts, out);
	state_put(out, c->nrules);
	for (size_t i = 0; i < c->nrules; i++) {
		state_put_bytes(out, c->rules[i].rule->id);
		strbuf_put(out, slice_of((const char *)c->rules[i].content,
		    SHA256_BYTES));
	}
	save_runs(c, &runs, out);
	save_rules(c, out);
	state_put(out, c->shared.largest == NULL ? 0 :
	    c->shared.largest->number + 1);
	state_put_time(out, wheel_now(c->shared.wheel), 0);
	wheel_each(c->shared.wheel, save_node, out);
	state_put(out, 0);
	suppress_save(c->suppress, out);
	absences_save(c->absences, batch, out);
	state_put(out, c->nsamples);
	for (size_t i = 0; i < c->nsamples; i++)
		state_put_time(out, c->samples[i], i > 0 ? c->samples[i - 1] :
		    0);
	save_losses(c, out);
	for (size_t i = 0; i < runs.n; i++)
		runs.all[i]->number = 0;
	free(runs.all);
}

static uint32_t
checksum(const char *head, struct slice packed)
{
	return crc32c(crc32c(0, slice_of(head, CRC_AT)), packed);
}

static void
pack(struct slice body, uint64_t seq, struct strbuf *out)
{
	struct packer *packer = packer_new(CODEC_ZSTD, LEVEL);
	size_t at = out->len;
	unsigned codec;
	char *head;

	strbuf_room(out, HEAD_BYTES);
	out->len += HEAD_BYTES;
	codec = packer_run(packer, body, out);
	packer_free(packer);
	head = out->ptr + at;
	memcpy(head, "YGCP", 4);
	put_u16(head + 4, CHECKPOINT_FORMAT);
	put_u16(head + 6, (uint16_t)codec);
	put_u64(head + 8, seq);
	put_u32(head + 16, (uint32_t)body.len);
	put_u32(head + CRC_AT, checksum(head, slice_of(head + HEAD_BYTES,
	    out->len - at - HEAD_BYTES)));
}

static size_t
limit(const struct correlator *c)
{
	size_t bytes = c->shared.bytes_limit / CHECKPOINT_SHARE;

	if (bytes < CHECKPOINT_LEAST)
		return CHECKPOINT_LEAST;
	return bytes < SECTION_BYTES ? bytes : SECTION_BYTES;
}

bool
checkpoint_write(struct correlator *c, struct batch *batch, uint64_t seq,
    struct strbuf *out)
{
	struct strbuf body = STRBUF_INIT;
	bool good = c->nwaiting == 0;

	if (good) {
		save(c, batch, &body);
		good = body.len <= limit(c);
	}
	if (good)
		pack(strbuf_slice(&body), seq, out);
	strbuf_fini(&body);
	return good;
}

/* --- reading --------------------------------------------------------------- */
/* The number that each of its rules has now; UINT32_MAX: none. */
struct known {
	uint32_t *numbers;
	size_t	 n;
};

static void
load_ghosts(struct correlator *c, struct reader *r)
{
	size_t n = read_count(r, 4), have;
	struct slice bytes = read_bytes(r, 4 * (uint64_t)n);
	uint32_t *cells;

	if (n == 0 || r->bad)
		return;
	c->shared.ghosts = ghosts_new(4 * n);
	cells = ghosts_cells(c->shared.ghosts, &have);
	if (have != n) {
		r->bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		cells[i] = get_u32(bytes.ptr + 4 * i);
}

static void
load_names(struct correlator *c, struct reader *r, struct known *known)
{
	struct map *ids = map_new_borrowing();
	size_t n = read_count(r, 1 + SHA256_BYTES);

	for (size_t i = 0; i < c->nrules; i++)
		map_get(ids, c->rules[i].rule->id, NULL)->num = i;
	known->numbers = xmalloc((n + 1) * sizeof(*known->numbers));
	for (; known->n < n && !r->bad; known->n++) {
		struct slice id = state_bytes(r);
		struct slice content = read_bytes(r, SHA256_BYTES);
		const union map_value *at = map_find(ids, id);

		known->numbers[known->n] = UINT32_MAX;
		if (at != NULL && content.len == SHA256_BYTES &&
		    memcmp(c->rules[at->num].content, content.ptr,
		    SHA256_BYTES) == 0)
			known->numbers[known->n] = (uint32_t)at->num;
	}
	map_free(ids);
}

static void
load_runs(struct correlator *c, struct reader *r, struct runs *runs)
{
	size_t n = read_count(r, 8);

	runs->all = xcalloc(n + 1, sizeof(struct window_run *));
	for (; runs->n < n && !r->bad; runs->n++)
		runs->all[runs->n] = window_run_load(c->shared.pool, r);
}

static void
load_rule(struct rule_state *state, struct slice part, struct runs *runs,
    struct reader *whole)
{
	struct reader r = reader_of(part);
	uint64_t has = read_varint(&r);

	if ((has & HAS_WINDOW) != 0 && state->window != NULL)
		window_load(state->window, &r, runs->all, runs->n);
	else if ((has & HAS_WINDOW) != 0)
		r.bad = true;
	if ((has & HAS_FIRST_SEEN) != 0 && state->first_seen != NULL)
		first_seen_load(state->first_seen, &r);
	for (size_t i = 0; i < state->nbinds; i++)
		binds_load(state->binds[i], &r);
	if (r.bad)
		whole->bad = true;
}

static struct window *
window_of(const struct correlator *c, const struct known *known,
    uint64_t number)
{
	if (number >= known->n || known->numbers[number] == UINT32_MAX)
		return NULL;
	return c->rules[known->numbers[number]].window;
}

static void
load_wheel(struct correlator *c, struct reader *r, const struct known *known)
{
	uint64_t slot, number = read_varint(r);

	if (number > 0)
		c->shared.largest = window_of(c, known, number - 1);
	wheel_set(c->shared.wheel, state_time(r, 0));
	while ((slot = read_varint(r)) != 0) {
		struct window *window = window_of(c, known, read_varint(r));
		uint64_t place = read_varint(r);

		if (r->bad || window == NULL)
			continue;
		if (place >= window->n ||
		    window->groups[place]->node.link != NULL ||
		    !wheel_put_back(c->shared.wheel,
		    &window->groups[place]->node, slot - 1))
			r->bad = true;
	}
	/* A group that nothing would ever forget. */
	for (size_t i = 0; i < c->nrules && !r->bad; i++) {
		const struct window *window = c->rules[i].window;

		for (size_t k = 0; window != NULL && k < window->n; k++)
			if (window->groups[k]->node.link == NULL &&
			    window->groups[k]->n > 0)
				r->bad = true;
	}
}

static void
load_clock(struct correlator *c, struct reader *r)
{
	size_t n = read_count(r, 1);

	if (n >= CLOCK_SAMPLES)
		r->bad = true;
	for (size_t i = 0; i < n && !r->bad; i++)
		c->samples[i] = state_time(r, i > 0 ? c->samples[i - 1] : 0);
	c->nsamples = r->bad ? 0 : n;
}

/* Only differences to what was told are looked at; they may wrap. */
static void
load_losses(struct correlator *c, struct reader *r)
{
	const struct losses now = correlator_losses(c);
	struct losses *told = &c->degraded.told;

	told->groups = now.groups - read_varint(r);
	told->entries = now.entries - read_varint(r);
	told->keys = now.keys - read_varint(r);
	told->alerts = now.alerts - read_varint(r);
	told->late = now.late - read_varint(r);
	c->degraded.has_told = read_varint(r) != 0;
	c->degraded.told_ns = state_time(r, 0);
}

static bool
load(struct correlator *c, struct slice body)
{
	struct reader r = reader_of(body);
	struct known known = { 0 };
	struct runs runs = { 0 };

	c->shared.seed = read_u64(&r);
	c->shared.random = read_u64(&r);
	load_ghosts(c, &r);
	load_names(c, &r, &known);
	load_runs(c, &r, &runs);
	for (size_t i = 0; i < known.n && !r.bad; i++) {
		struct slice part = state_bytes(&r);

		if (known.numbers[i] != UINT32_MAX)
			load_rule(&c->rules[known.numbers[i]], part, &runs,
			    &r);
	}
	load_wheel(c, &r, &known);
	suppress_load(c->suppress, &r, runs.all, runs.n);
	absences_load(c->absences, &r, known.numbers, known.n);
	load_clock(c, &r);
	load_losses(c, &r);
	for (size_t i = 0; i < runs.n; i++)
		window_run_drop(runs.all[i]);
	free(runs.all);
	free(known.numbers);
	return !r.bad && r.at == r.end;
}

static bool
unpack(const struct correlator *c, struct slice data, struct strbuf *body,
    struct err *err)
{
	struct slice packed;
	size_t raw;

	if (data.len < HEAD_BYTES || memcmp(data.ptr, "YGCP", 4) != 0) {
		err_set(err, ERR_DAMAGED, "this is no checkpoint");
		return false;
	}
	packed = slice_skip(data, HEAD_BYTES);
	if (checksum(data.ptr, packed) != get_u32(data.ptr + CRC_AT)) {
		err_set(err, ERR_DAMAGED, "the checkpoint does not check");
		return false;
	}
	if (get_u16(data.ptr + 4) != CHECKPOINT_FORMAT) {
		err_set(err, ERR_DAMAGED, "checkpoint of format %u",
		    (unsigned)get_u16(data.ptr + 4));
		return false;
	}
	raw = get_u32(data.ptr + 16);
	if (raw > limit(c)) {
		err_set(err, ERR_LIMIT, "a checkpoint of %zu bytes", raw);
		return false;
	}
	strbuf_room(body, raw + 1);
	body->len = raw;
	if (codec_unpack(get_u16(data.ptr + 6), packed, body->ptr, raw))
		return true;
	err_set(err, ERR_DAMAGED, "the checkpoint does not unpack");
	return false;
}

bool
checkpoint_read(struct correlator *c, struct ruleset *set, struct slice data,
    uint64_t *seq, struct err *err)
{
	struct strbuf body = STRBUF_INIT;
	bool good = unpack(c, data, &body, err);

	if (good) {
		correlator_take_set(c, set);
		good = load(c, strbuf_slice(&body));
		if (!good) {
			correlator_reset(c);
			err_set(err, ERR_DAMAGED,
			    "the checkpoint contradicts itself");
		}
	}
	if (good)
		*seq = get_u64(data.ptr + 8);
	strbuf_fini(&body);
	return good;
}
