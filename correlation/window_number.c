/* value_sum, value_avg, value_percentile, value_median: numbers of the window,
 * computed anew for each event, so that no rounding builds up.
 *
 * A percentile interpolates linearly between the closest ranks: of 0..10, the
 * 90th is 9.
 */
#include <stdlib.h>

#include "correlation/window.h"
#include "engine/check.h"

static double
sum(const double *numbers, size_t n)
{
	double out = 0;

	for (size_t i = 0; i < n; i++)
		out += numbers[i];
	return out;
}

/* Puts the k-th smallest at its place, smaller ones before it. Hoare's
 * partition in the middle: sorted numbers, the common case, are its best. */
static void
select_rank(double *a, size_t n, size_t k)
{
	ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1, at = (ptrdiff_t)k;

	while (lo < hi) {
		double pivot = a[lo + (hi - lo) / 2], swap;
		ptrdiff_t i = lo - 1, j = hi + 1;

		for (;;) {
			do
				i++;
			while (a[i] < pivot);
			do
				j--;
			while (a[j] > pivot);
			if (i >= j)
				break;
			swap = a[i];
			a[i] = a[j];
			a[j] = swap;
		}
		if (at <= j)
			hi = j;
		else
			lo = j + 1;
	}
}

static double
percentile(double *numbers, size_t n, double percent)
{
	double rank = percent / 100 * (double)(n - 1), next;
	size_t k = (size_t)rank;

	if (k >= n - 1)
		k = n - 1;
	select_rank(numbers, n, k);
	if (k == n - 1)
		return numbers[k];
	next = numbers[k + 1];
	for (size_t i = k + 2; i < n; i++)
		if (numbers[i] < next)
			next = numbers[i];
	return numbers[k] + (rank - (double)k) * (next - numbers[k]);
}

static double
value_of(const struct correlation *c, double *numbers, size_t n)
{
	switch (c->type) {
	case CORRELATION_VALUE_SUM:
		return sum(numbers, n);
	case CORRELATION_VALUE_AVG:
		return sum(numbers, n) / (double)n;
	case CORRELATION_VALUE_MEDIAN:
		return percentile(numbers, n, 50);
	default:
		return percentile(numbers, n, c->percentile);
	}
}

bool
window_number_test(struct group *group, int64_t time_ns,
    struct window_span *span)
{
	const struct correlation *c = group_correlation(group);
	struct window_shared *shared = window_shared_of(group);
	int64_t end_ns = INT64_MIN;

	if (shared->numbers == NULL)
		shared->numbers = xmalloc(GROUP_ENTRIES * sizeof(double));
	while (group_next_end(group, time_ns, &end_ns)) {
		group_span(group, end_ns, span);
		for (size_t i = span->lo; i < span->hi; i++)
			shared->numbers[i - span->lo] =
			    group_entry(group, i)->u.number;
		span->value = value_of(c, shared->numbers,
		    span->hi - span->lo);
		if (bounds_hold(&c->bounds, span->value))
			return true;
	}
	return false;
}
