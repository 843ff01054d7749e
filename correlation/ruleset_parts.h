/* correlation/ruleset_parts.h -- what the files of the rule set share.
 *
 *	ruleset.c	files become drafts; life and parts of a set
 *	ruleset_link.c	drafts become rules: filters, references, numbers
 *	ruleset_index.c	rules by log source, each with a prefilter
 *	ruleset_match.c	events meet rules
 */
#ifndef YAGURA_CORRELATION_RULESET_PARTS_H
#define YAGURA_CORRELATION_RULESET_PARTS_H

#include "correlation/rule.h"
#include "correlation/sigma_rule.h"

struct arena;
struct map;
struct mapping;
struct prefilter;
struct yaml_doc;

/* The detections of one log source. */
struct bucket {
	struct logsource logsource;
	uint32_t *rules;
	size_t	 n, cap;
	struct prefilter *prefilter;
};

struct numbers {
	uint32_t *at;
	size_t	 n;
};

struct ruleset {
	size_t	 count;		/* references; atomic */
	struct arena *arena;
	struct mapping *mapping;
	struct sigma_regexes regexes;
	const struct rule **rules;
	size_t	 n, ndetections;
	struct map *by_id;
	struct bucket *buckets;
	size_t	 nbuckets, cap_buckets;
	size_t	 nmatchers;	/* of all prefilters */
	size_t	 nplaces;	/* lists of fields that preds share, and 1 */
	struct numbers *route_buckets;	/* [route]: buckets it feeds */
	struct rule_tally *tally;	/* by rule; atomic */
};

struct loader {
	struct ruleset *set;
	struct diag *diag;
	struct yaml_doc **docs;
	size_t	 ndocs;
	struct draft **drafts;
	size_t	 n, cap;
	struct map *names;	/* id and name to draft */
	struct map *places;	/* list of fields to its number */
	struct sigma_lists *lists;	/* values of placeholders */
	struct sigma_scope scope;
};

/* Links the drafts of a loader and fills set->rules. */
void ruleset_link(struct loader *l);

/* Sorts the detections of a set into buckets and indexes them. */
void ruleset_index(struct ruleset *set);
void ruleset_index_free(struct ruleset *set);

#endif
