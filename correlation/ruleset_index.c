#include "correlation/ruleset_parts.h"

#include <stdlib.h>

#include "correlation/mapping.h"
#include "correlation/prefilter.h"
#include "engine/arena.h"
#include "engine/check.h"

static struct bucket *
bucket_get(struct ruleset *set, const struct logsource *logsource)
{
	struct bucket *bucket;

	for (size_t i = 0; i < set->nbuckets; i++) {
		bucket = &set->buckets[i];
		if (slice_eq(bucket->logsource.product, logsource->product) &&
		    slice_eq(bucket->logsource.category,
		    logsource->category) &&
		    slice_eq(bucket->logsource.service, logsource->service))
			return bucket;
	}
	if (set->nbuckets == set->cap_buckets) {
		set->cap_buckets = set->cap_buckets * 2 + 64;
		set->buckets = xrealloc(set->buckets, set->cap_buckets *
		    sizeof(*set->buckets));
	}
	bucket = &set->buckets[set->nbuckets++];
	*bucket = (struct bucket){ .logsource = *logsource };
	return bucket;
}

static void
index_bucket(struct ruleset *set, struct bucket *bucket)
{
	struct prefilter_rule *rules = xcalloc(bucket->n + 1, sizeof(*rules));

	for (size_t i = 0; i < bucket->n; i++)
		rules[i] = (struct prefilter_rule){ bucket->rules[i],
		    set->rules[bucket->rules[i]]->cond };
	bucket->prefilter = prefilter_build(rules, bucket->n,
	    set->nmatchers);
	set->nmatchers += prefilter_matchers(bucket->prefilter);
	free(rules);
}

static void
index_routes(struct ruleset *set)
{
	size_t n = mapping_routes(set->mapping);

	set->route_buckets = arena_zalloc(set->arena,
	    (n + 1) * sizeof(*set->route_buckets));
	for (size_t r = 0; r < n; r++) {
		struct numbers *fed = &set->route_buckets[r];

		fed->at = arena_alloc(set->arena,
		    (set->nbuckets + 1) * sizeof(*fed->at));
		for (size_t i = 0; i < set->nbuckets; i++)
			if (mapping_route_meets(set->mapping, r,
			    &set->buckets[i].logsource))
				fed->at[fed->n++] = (uint32_t)i;
	}
}

void
ruleset_index(struct ruleset *set)
{
	for (size_t i = 0; i < set->ndetections; i++) {
		struct bucket *bucket = bucket_get(set,
		    &set->rules[i]->logsource);

		if (bucket->n == bucket->cap) {
			bucket->cap = bucket->cap * 2 + 16;
			bucket->rules = xrealloc(bucket->rules, bucket->cap *
			    sizeof(*bucket->rules));
		}
		bucket->rules[bucket->n++] = (uint32_t)i;
	}
	for (size_t i = 0; i < set->nbuckets; i++)
		index_bucket(set, &set->buckets[i]);
	index_routes(set);
}

void
ruleset_index_free(struct ruleset *set)
{
	for (size_t i = 0; i < set->nbuckets; i++) {
		prefilter_free(set->buckets[i].prefilter);
		free(set->buckets[i].rules);
	}
	free(set->buckets);
}
