/* Windows against a second implementation that is too simple to be wrong: it
 * keeps everything, and asks each window from the beginning.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "correlation/window.h"
#include "engine/slice.h"

#define STREAMS 200
#define EVENTS 200
#define STEPS 3

struct seen {
	int64_t	 time_ns;
	uint64_t steps, value;
	double	 number;
};

struct oracle {
	const struct correlation *c;
	struct seen seen[EVENTS];
	size_t	 n;
	int64_t	 newest_ns;
};

static uint64_t random_state = 20261121;

static unsigned
draw(unsigned below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return (unsigned)(random_state >> 33) % below;
}

/* --- the oracle ------------------------------------------------------------ */
static bool
within(const struct seen *seen, int64_t from_ns, int64_t to_ns)
{
	return seen->time_ns >= from_ns && seen->time_ns <= to_ns;
}

static bool
chain(const struct oracle *o, int64_t from_ns, int64_t to_ns, size_t step)
{
	if (step == o->c->nrefer)
		return true;
	for (size_t i = 0; i < o->n; i++)
		if (within(&o->seen[i], from_ns, to_ns) &&
		    (o->seen[i].steps >> step & 1) != 0 &&
		    chain(o, o->seen[i].time_ns, to_ns, step + 1))
			return true;
	return false;
}

/* How many steps in their order, some left out. */
static size_t
ordered(const struct oracle *o, int64_t from_ns, int64_t to_ns, size_t step)
{
	size_t best = 0;

	for (; step < o->c->nrefer; step++)
		for (size_t i = 0; i < o->n; i++) {
			size_t with;

			if (!within(&o->seen[i], from_ns, to_ns) ||
			    (o->seen[i].steps >> step & 1) == 0)
				continue;
			with = 1 + ordered(o, o->seen[i].time_ns, to_ns,
			    step + 1);
			if (with > best)
				best = with;
		}
	return best;
}

static int
by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
rank(double *numbers, size_t n, double percent)
{
	double at = percent / 100 * (double)(n - 1);
	size_t low = (size_t)floor(at), high = (size_t)ceil(at);

	qsort(numbers, n, sizeof(*numbers), by_number);
	return numbers[low] + (at - (double)low) *
	    (numbers[high] - numbers[low]);
}

static bool
ask_window(const struct oracle *o, int64_t end_ns, double *value)
{
	int64_t from_ns = end_ns - o->c->timespan_ns;
	double numbers[EVENTS], sum = 0;
	uint64_t steps = 0;
	size_t n = 0, different = 0;

	for (size_t i = 0; i < o->n; i++) {
		bool known = false;

		if (!within(&o->seen[i], from_ns, end_ns))
			continue;
		steps |= o->seen[i].steps;
		numbers[n++] = o->seen[i].number;
		sum += o->seen[i].number;
		for (size_t k = 0; k < i; k++)
			known = known || (within(&o->seen[k], from_ns,
			    end_ns) && o->seen[k].value == o->seen[i].value);
		different += !known;
	}
	switch (o->c->type) {
	case CORRELATION_EVENT_COUNT:
		*value = (double)n;
		break;
	case CORRELATION_VALUE_COUNT:
		*value = (double)different;
		break;
	case CORRELATION_TEMPORAL:
		*value = __builtin_popcountll(steps);
		if (!o->c->bounds_given)
			return *value == (double)o->c->nrefer;
		break;
	case CORRELATION_TEMPORAL_ORDERED:
		*value = (double)o->c->nrefer;
		if (!o->c->bounds_given)
			return chain(o, from_ns, end_ns, 0);
		*value = (double)ordered(o, from_ns, end_ns, 0);
		break;
	case CORRELATION_VALUE_SUM:
		*value = sum;
		break;
	case CORRELATION_VALUE_AVG:
		*value = sum / (double)n;
		break;
	case CORRELATION_VALUE_PERCENTILE:
		*value = rank(numbers, n, o->c->percentile);
		break;
	case CORRELATION_VALUE_MEDIAN:
		*value = rank(numbers, n, 50);
		break;
	case CORRELATION_SPEED:	/* compare_speed */
	case CORRELATION_ABSENT:	/* no window holds */
		break;
	}
	return bounds_hold(&o->c->bounds, *value);
}

static bool
oracle_test(const struct oracle *o, int64_t time_ns, int64_t *end_ns,
    double *value)
{
	bool found = false;

	for (size_t i = 0; i < o->n; i++) {
		int64_t end = o->seen[i].time_ns;
		double v = 0;

		if (end < time_ns || end > time_ns + o->c->timespan_ns ||
		    (found && end >= *end_ns) || !ask_window(o, end, &v))
			continue;
		found = true;
		*end_ns = end;
		*value = v;
	}
	return found;
}

/* --- random streams -------------------------------------------------------- */
static void
random_correlation(struct correlation *c, enum correlation_type type)
{
	struct correlation_bounds *b = &c->bounds;
	double level = type >= CORRELATION_VALUE_SUM ? draw(40) : 1 + draw(6);

	*c = (struct correlation){ .type = type, .nrefer = STEPS,
	    .timespan_ns = 1 + draw(draw(2) == 0 ? 30 : 150),
	    .percentile = draw(101) };
	if ((type == CORRELATION_TEMPORAL ||
	    type == CORRELATION_TEMPORAL_ORDERED)) {
		if (draw(2) == 0)
			return;
		level = 1 + draw(STEPS);
	}
	c->bounds_given = true;
	switch (draw(6)) {
	case 0: b->has_gt = true; b->gt = level; break;
	case 1: b->has_lt = true; b->lt = level; break;
	case 2: b->has_eq = true; b->eq = level; break;
	case 3: b->has_gte = b->has_lte = true; b->gte = level;
		b->lte = level + 2; break;
	case 4: b->has_neq = true; b->neq = level; break;
	default: b->has_gte = true; b->gte = level; break;
	}
}

static void
next_event(struct seen *seen, int64_t *now_ns)
{
	static const int jumps[] = { 0, 0, 1, 1, 2, 3, 5, 12 };

	*now_ns += jumps[draw(8)];
	seen->time_ns = *now_ns - (draw(4) == 0 ? (int64_t)draw(40) : 0);
	seen->steps = UINT64_C(1) << draw(STEPS);
	if (draw(8) == 0)
		seen->steps |= UINT64_C(1) << draw(STEPS);
	seen->value = draw(draw(20) == 0 ? 50 : 5);
	seen->number = (double)draw(30) - 5;
}

static struct window_entry
entry_of(const struct seen *seen, enum correlation_type type, uint64_t seq)
{
	struct window_entry entry = { .time_ns = seen->time_ns, .seq = seq };

	if (type >= CORRELATION_VALUE_SUM)
		entry.u.number = seen->number;
	else if (type == CORRELATION_VALUE_COUNT)
		entry.u.value = seen->value;
	else
		entry.u.steps = seen->steps;
	return entry;
}

static void
compare_stream(struct window_shared *shared, enum correlation_type type)
{
	struct correlation c;
	struct window *window;
	struct oracle o = { .c = &c };
	int64_t now_ns = 1000;
	uint64_t late = shared->late, ignored = 0;

	random_correlation(&c, type);
	window = window_new(shared, &c, SLICE("r"));
	for (unsigned i = 0; i < EVENTS; i++) {
		struct group *group = window_group(window, SLICE("g"));
		struct window_entry entry;
		struct window_span span;
		struct seen seen;
		int64_t end_ns = 0;
		double value = 0;
		bool mine, theirs;

		next_event(&seen, &now_ns);
		entry = entry_of(&seen, type, i);
		if (o.n > 0 && seen.time_ns < o.newest_ns - c.timespan_ns) {
			ignored++;
			assert_false(window_enter(group, &entry));
			continue;
		}
		if (o.n == 0 || seen.time_ns > o.newest_ns)
			o.newest_ns = seen.time_ns;
		o.seen[o.n++] = seen;
		assert_true(window_enter(group, &entry));
		theirs = oracle_test(&o, seen.time_ns, &end_ns, &value);
		mine = window_test(group, seen.time_ns, &span);
		assert_int_equal(mine, theirs);
		if (!mine)
			continue;
		assert_int_equal(span.end_ns, end_ns);
		assert_true(fabs(span.value - value) < 1e-9);
	}
	assert_int_equal(shared->late - late, ignored);
	window_free(window);
}

/* All pairs that an entry is part of. */
static bool
speed_oracle(const struct oracle *o, const struct seen *seen)
{
	for (size_t i = 0; i < o->n; i++) {
		int64_t apart = llabs(o->seen[i].time_ns - seen->time_ns);
		double km = place_km(o->seen[i].value, seen->value);

		if (apart <= o->c->timespan_ns && km >= o->c->speed_least_km &&
		    km > o->c->speed_kmh * (double)apart / 3600e9)
			return true;
	}
	return false;
}

/* The window asks neighbours only: it fires for no other reason than a pair
 * that is too fast, and never later than at the first of these. */
static void
compare_speed(struct window_shared *shared)
{
	struct correlation c = { .type = CORRELATION_SPEED, .nrefer = 1,
	    .timespan_ns = INT64_C(7200000000000),
	    .speed_kmh = 300 + draw(3000), .speed_least_km = 1e-9 };
	struct window *window = window_new(shared, &c, SLICE("r"));
	struct oracle o = { .c = &c };
	bool fired = false;
	int64_t now_ns = 0;

	for (unsigned i = 0; i < EVENTS; i++) {
		struct group *group = window_group(window, SLICE("g"));
		struct window_entry entry = { .seq = i };
		struct window_span span;
		struct seen seen = { 0 };
		bool mine, theirs;

		now_ns += draw(3600) * INT64_C(1000000000);
		seen.time_ns = now_ns - draw(3600) * INT64_C(1000000000);
		assert_true(place_pack(draw(12), 100 + draw(12), &seen.value));
		entry.time_ns = seen.time_ns;
		entry.u.value = seen.value;
		if (!window_enter(group, &entry))
			continue;
		theirs = speed_oracle(&o, &seen);
		mine = window_test(group, seen.time_ns, &span);
		assert_true(theirs || !mine);
		assert_true(fired || mine == theirs);
		fired = fired || mine;
		o.seen[o.n++] = seen;
	}
	window_free(window);
}

static void
compare_type(enum correlation_type type)
{
	struct window_shared shared;

	window_shared_init(&shared);
	for (int i = 0; i < STREAMS; i++)
		if (type == CORRELATION_ABSENT)
			break;
		else if (type == CORRELATION_SPEED)
			compare_speed(&shared);
		else
			compare_stream(&shared, type);
	window_shared_fini(&shared);
}

#define WINDOW(id, name, family) static void \
	agrees_with_the_oracle_on_##id(void **state) \
	{ \
		(void)state; \
		compare_type(CORRELATION_##id); \
	}
#include "correlation/window.def"
#undef WINDOW

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define WINDOW(id, name, family) \
		cmocka_unit_test(agrees_with_the_oracle_on_##id),
#include "correlation/window.def"
#undef WINDOW
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
