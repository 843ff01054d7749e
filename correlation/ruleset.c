/* Files become drafts, drafts become rules, rules become an index.
 *
 *	read every document of every file
 *	read detections, and the filters over them
 *	link correlations, refuse cycles
 *	number: detections, then correlations behind what they refer to
 *	compile, and index by log source
 *
 * A draft that has a mistake is left out, and so is what refers to it.
 */
#include "correlation/ruleset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "correlation/mapping.h"
#include "correlation/prefilter.h"
#include "correlation/rule.h"
#include "correlation/sigma_lists.h"
#include "correlation/sigma_rule.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/map.h"
#include "engine/prog.h"
#include "engine/regex.h"
#include "engine/yaml.h"

#define SAMPLE 256		/* one event in so many is timed */
#define FOLDER_DEPTH 16		/* of folders with rules; links may circle */
#define RULE_LIMIT 100000	/* rules in one set */
#define PATH_BYTES 4096

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
	size_t	 nplaces;	/* lists of fields that preds share, and 1 */
	struct numbers *route_buckets;	/* [route]: buckets it feeds */
	struct rule_tally *tally;	/* by detection; atomic */
};

/* --- finding files ------------------------------------------------------- */

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

static int
is_candidate(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	    strcmp(entry->d_name, "mappings") != 0 &&
	    strcmp(entry->d_name, "lists") != 0;
}

static bool
is_rule_file(const char *path)
{
	struct slice name = slice_cstr(path);

	return slice_ends(name, SLICE(".yml")) ||
	    slice_ends(name, SLICE(".yaml"));
}

static void
add_draft(struct loader *l, const struct yaml_node *root)
{
	struct draft *draft = sigma_read_draft(&l->scope, root);

	if (draft == NULL)
		return;
	if (l->n == RULE_LIMIT) {
		sigma_refuse(&l->scope, root, "more than %d rules",
		    RULE_LIMIT);
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 256;
		l->drafts = xrealloc(l->drafts, l->cap *
		    sizeof(*l->drafts));
	}
	l->drafts[l->n++] = draft;
}

static void
add_file(struct loader *l, const char *path)
{
	struct yaml_doc *doc = yaml_load(path, l->diag);

	if (doc == NULL)
		return;
	l->docs = xrealloc(l->docs, (l->ndocs + 1) * sizeof(*l->docs));
	l->docs[l->ndocs++] = doc;
	l->scope.file = arena_cstr(l->set->arena, slice_cstr(path));
	for (size_t i = 0; i < yaml_count(doc); i++)
		if (!yaml_is_null(yaml_root(doc, i)))
			add_draft(l, yaml_root(doc, i));
}

static void add_path(struct loader *l, const char *path, unsigned depth);

static void
add_folder(struct loader *l, const char *path, unsigned depth)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_candidate, alphasort);

	if (n < 0) {
		diag_error(l->diag, path, 0, 0, "%s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		char name[PATH_BYTES];
		int len = snprintf(name, sizeof(name), "%s/%s", path,
		    entries[i]->d_name);

		if (len > 0 && (size_t)len < sizeof(name))
			add_path(l, name, depth + 1);
		free(entries[i]);
	}
	free(entries);
}

/* What was named is read whatever it is called; in a folder only rules. */
static void
add_path(struct loader *l, const char *path, unsigned depth)
{
	struct stat st;

	if (stat(path, &st) < 0)
		diag_error(l->diag, path, 0, 0, "%s", strerror(errno));
	else if (S_ISDIR(st.st_mode) && depth < FOLDER_DEPTH)
		add_folder(l, path, depth);
	else if (S_ISREG(st.st_mode) && (depth == 0 || is_rule_file(path)))
		add_file(l, path);
}

/* The shipped mappings, then those beside the rules. */
static void
load_mappings(struct ruleset *set, const char *const *paths, size_t n,
    struct diag *diag)
{
	char shipped[PATH_BYTES], seen[PATH_BYTES];
	char *real;

	snprintf(shipped, sizeof(shipped), "%s/rules.d/mappings", conf_home());
	real = realpath(shipped, NULL);
	snprintf(seen, sizeof(seen), "%s", real != NULL ? real : "");
	free(real);
	mapping_add(set->mapping, shipped, diag);
	for (size_t i = 0; i < n; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%s/mappings", paths[i]);
		real = realpath(path, NULL);
		if (real != NULL && strcmp(real, seen) != 0)
			mapping_add(set->mapping, path, diag);
		free(real);
	}
	mapping_seal(set->mapping, diag);
}

/* As with mappings: the shipped lists, then those beside the rules. */
static void
load_lists(struct loader *l, const char *const *paths, size_t n)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/rules.d/lists", conf_home());
	sigma_lists_add(l->lists, path, l->diag);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/lists", paths[i]);
		sigma_lists_add(l->lists, path, l->diag);
	}
}

/* --- names --------------------------------------------------------------- */

static void
add_name(struct loader *l, struct draft *draft, struct slice word,
    const struct yaml_node *node)
{
	union map_value *place;
	bool made;

	if (word.len == 0 || node == NULL)
		return;
	place = map_get(l->names, word, &made);
	if (!made && place->ptr != draft) {
		const struct draft *other = place->ptr;

		l->scope.file = draft->rule->file;
		sigma_refuse(&l->scope, node, "\"%.*s\" is already the name "
		    "or id of %s:%d", (int)word.len, word.ptr,
		    other->rule->file, other->rule->line);
		draft->broken = true;
		return;
	}
	place->ptr = draft;
}

static struct draft *
find_draft(void *context, struct slice word)
{
	const struct loader *l = context;
	const union map_value *place = map_find(l->names, word);

	return place != NULL ? place->ptr : NULL;
}

/* --- detections and filters ---------------------------------------------- */

static struct sigma_scope *
scope_for(struct loader *l, const char *file,
    const struct logsource *logsource)
{
	l->scope.file = file;
	l->scope.logsource = logsource;
	return &l->scope;
}

static void
read_detection(struct loader *l, struct draft *draft)
{
	static const char *const none[] = { NULL };

	draft->cond = sigma_read_detection(scope_for(l, draft->rule->file,
	    &draft->rule->logsource), draft->body, none);
	if (draft->cond == NULL)
		draft->broken = true;
}

/* Whether the filter names this rule. */
static bool
filter_names(const struct yaml_node *rules, const struct draft *draft)
{
	size_t n = rules->kind == YAML_LIST ? rules->n : 1;

	if (rules->kind == YAML_SCALAR && slice_eq(rules->text, SLICE("any")))
		return true;
	for (size_t i = 0; i < n; i++) {
		struct slice word = yaml_text(rules->kind == YAML_LIST
		    ? rules->items[i] : rules, SLICE(""));

		if (slice_eq(word, draft->rule->id) ||
		    slice_eq(word, draft->rule->name))
			return true;
	}
	return false;
}

static bool
check_filter(struct loader *l, const struct draft *filter,
    const struct yaml_node *rules)
{
	struct sigma_scope *scope = scope_for(l, filter->rule->file,
	    &filter->rule->logsource);
	bool good = true;

	if (rules == NULL || rules->kind == YAML_MAP)
		return sigma_refuse(scope, filter->body, "the filter names no "
		    "rules: \"rules: [name, ...]\" or \"rules: any\"");
	if (rules->kind == YAML_SCALAR && slice_eq(rules->text, SLICE("any")))
		return true;
	for (size_t i = 0; i < (rules->kind == YAML_LIST ? rules->n : 1);
	    i++) {
		const struct yaml_node *node = rules->kind == YAML_LIST
		    ? rules->items[i] : rules;
		struct slice word = yaml_text(node, SLICE(""));
		const struct draft *found = find_draft(l, word);

		if (found == NULL || found->kind != DRAFT_DETECTION)
			good = sigma_refuse(scope, node, "there is no "
			    "detection with the name or id \"%.*s\"",
			    (int)word.len, word.ptr);
	}
	return good;
}

/* A filter's fields are those of the rule it filters, so it is read once for
 * each; the first reading names its mistakes. */
static void
apply_filter(struct loader *l, struct draft *filter)
{
	static const char *const others[] = { "rules", NULL };
	const struct yaml_node *rules = yaml_get(filter->body, "rules");
	bool read = false;

	if (filter->broken || !check_filter(l, filter, rules)) {
		filter->broken = true;
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];
		struct cond *cond;

		if (draft->kind != DRAFT_DETECTION ||
		    !filter_names(rules, draft) ||
		    !logsource_meets(&draft->rule->logsource,
		    &filter->rule->logsource))
			continue;
		read = true;
		cond = sigma_read_detection(scope_for(l, filter->rule->file,
		    &draft->rule->logsource), filter->body, others);
		if (cond == NULL) {
			filter->broken = true;
			return;
		}
		if (draft->cond != NULL)
			draft->cond = cond_and(l->set->arena, draft->cond,
			    cond);
	}
	if (!read && sigma_read_detection(scope_for(l, filter->rule->file,
	    &filter->rule->logsource), filter->body, others) == NULL)
		filter->broken = true;
}

/* --- correlations -------------------------------------------------------- */

static void
refuse_reference(struct loader *l, struct draft *draft,
    const struct draft *broken)
{
	struct slice title = broken->rule->title;

	draft->broken = true;
	l->scope.file = draft->rule->file;
	sigma_refuse(&l->scope, yaml_get(draft->body, "rules"), "refers to "
	    "\"%.*s\", which has a mistake (%s:%d)", (int)title.len,
	    title.ptr, broken->rule->file, broken->rule->line);
}

/* Visits what the correlation refers to first; appends it to `order`. */
static void
visit(struct loader *l, struct draft *draft, struct draft **order, size_t *n,
    unsigned depth)
{
	draft->visit = DRAFT_OPEN;
	for (size_t i = 0; !draft->broken && i < draft->correlation->nrefer;
	    i++) {
		struct draft *inner = draft->refer[i];

		if (inner->kind == DRAFT_CORRELATION &&
		    (inner->visit == DRAFT_OPEN || depth > 60)) {
			l->scope.file = draft->rule->file;
			sigma_refuse(&l->scope, yaml_get(draft->body,
			    "rules"), "correlations refer to each other: "
			    "\"%.*s\"", (int)inner->rule->title.len,
			    inner->rule->title.ptr);
			draft->broken = true;
			break;
		}
		if (inner->kind == DRAFT_CORRELATION &&
		    inner->visit == DRAFT_NEW)
			visit(l, inner, order, n, depth + 1);
		if (inner->broken)
			refuse_reference(l, draft, inner);
	}
	draft->visit = DRAFT_DONE;
	if (!draft->broken)
		order[(*n)++] = draft;
}

static void
link_correlations(struct loader *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];

		if (draft->kind == DRAFT_CORRELATION &&
		    !sigma_link_correlation(scope_for(l, draft->rule->file,
		    &draft->rule->logsource), draft, find_draft, l))
			draft->broken = true;
	}
}

/* A rule that is referred to speaks for itself only if some correlation that
 * refers to it says generate. */
static void
settle_silence(struct draft *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < order[i]->correlation->nrefer; k++) {
			order[i]->refer[k]->rule->referred = true;
			order[i]->refer[k]->rule->silent = true;
		}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; order[i]->generate &&
		    k < order[i]->correlation->nrefer; k++)
			order[i]->refer[k]->rule->silent = false;
}

/* --- numbering and compiling --------------------------------------------- */

static void
add_rule(struct ruleset *set, struct rule *rule)
{
	rule->number = (uint32_t)set->n;
	set->rules[set->n++] = rule;
	map_get(set->by_id, rule->id, NULL)->ptr = rule;
}

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

/* Numbers the lists of fields that preds share, so that a list is looked for
 * in an event only once. */
static void
assign_places(struct loader *l, const struct cond *cond)
{
	struct pred *pred = cond->pred;
	union map_value *place;
	bool made;

	for (size_t i = 0; i < cond->n; i++)
		assign_places(l, cond->child[i]);
	if (cond->kind != COND_PRED || pred->nfields == 0)
		return;
	place = map_get(l->places, slice_of((const char *)pred->fields,
	    pred->nfields * sizeof(field_t)), &made);
	if (made && l->set->nplaces < PRED_PLACES)
		place->num = l->set->nplaces++;
	pred->place = (uint16_t)place->num;
}

static void
number_detections(struct loader *l)
{
	struct ruleset *set = l->set;

	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];

		if (draft->kind != DRAFT_DETECTION || draft->broken)
			continue;
		assign_places(l, draft->cond);
		draft->rule->cond = draft->cond;
		draft->rule->prog = cond_compile(set->arena, draft->cond);
		if (draft->rule->prog == NULL) {
			l->scope.file = draft->rule->file;
			sigma_refuse(&l->scope, draft->body,
			    "more than %d comparisons", COND_PREDS);
			draft->broken = true;
			continue;
		}
		add_rule(set, draft->rule);
	}
	set->ndetections = set->n;
}

static void
number_correlations(struct loader *l, struct draft *const *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct draft *draft = order[i];
		uint32_t *refer = arena_alloc(l->set->arena,
		    draft->correlation->nrefer * sizeof(*refer));

		for (size_t k = 0; k < draft->correlation->nrefer; k++)
			refer[k] = draft->refer[k]->rule->number;
		draft->correlation->refer = refer;
		sigma_resolve_correlation(scope_for(l, draft->rule->file,
		    &draft->rule->logsource), draft);
		add_rule(l->set, draft->rule);
	}
}

static void
index_bucket(struct ruleset *set, struct bucket *bucket)
{
	struct prefilter_rule *rules = xcalloc(bucket->n + 1, sizeof(*rules));

	for (size_t i = 0; i < bucket->n; i++)
		rules[i] = (struct prefilter_rule){ bucket->rules[i],
		    set->rules[bucket->rules[i]]->cond };
	bucket->prefilter = prefilter_build(rules, bucket->n);
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

static void
index_rules(struct ruleset *set)
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

/* --- loading ------------------------------------------------------------- */

static void
link_all(struct loader *l)
{
	struct draft **order;
	size_t norder = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct draft *draft = l->drafts[i];
		const struct yaml_node *name = yaml_get(draft->root, "name");

		add_name(l, draft, draft->rule->id, draft->id);
		add_name(l, draft, draft->rule->name, name);
	}
	for (size_t i = 0; i < l->n; i++)
		if (l->drafts[i]->kind == DRAFT_DETECTION)
			read_detection(l, l->drafts[i]);
	for (size_t i = 0; i < l->n; i++)
		if (l->drafts[i]->kind == DRAFT_FILTER)
			apply_filter(l, l->drafts[i]);
	link_correlations(l);
	l->set->rules = arena_alloc(l->set->arena, (l->n + 1) *
	    sizeof(*l->set->rules));
	number_detections(l);
	order = xcalloc(l->n + 1, sizeof(*order));
	for (size_t i = 0; i < l->n; i++)
		if (l->drafts[i]->kind == DRAFT_CORRELATION &&
		    l->drafts[i]->visit == DRAFT_NEW)
			visit(l, l->drafts[i], order, &norder, 0);
	settle_silence(order, norder);
	number_correlations(l, order, norder);
	free(order);
}

static struct ruleset *
ruleset_new(void)
{
	struct ruleset *set = xcalloc(1, sizeof(*set));

	set->count = 1;
	set->nplaces = 1;
	set->arena = arena_new(0);
	set->mapping = mapping_new();
	set->by_id = map_new();
	return set;
}

static void
loader_init(struct loader *l, struct ruleset *set, struct diag *diag)
{
	memset(l, 0, sizeof(*l));
	l->set = set;
	l->diag = diag;
	l->names = map_new();
	l->places = map_new();
	l->lists = sigma_lists_new();
	l->scope = (struct sigma_scope){ .arena = set->arena, .diag = diag,
	    .mapping = set->mapping, .regexes = &set->regexes,
	    .lists = l->lists };
}

static struct ruleset *
loader_finish(struct loader *l)
{
	struct ruleset *set = l->set;

	link_all(l);
	index_rules(set);
	set->tally = xcalloc(set->ndetections + 1, sizeof(*set->tally));
	for (size_t i = 0; i < l->ndocs; i++)
		yaml_free(l->docs[i]);
	free(l->docs);
	free(l->drafts);
	map_free(l->names);
	map_free(l->places);
	sigma_lists_free(l->lists);
	return set;
}

struct ruleset *
ruleset_load(const char *const *paths, size_t n, struct diag *diag)
{
	struct loader l;

	loader_init(&l, ruleset_new(), diag);
	load_mappings(l.set, paths, n, diag);
	load_lists(&l, paths, n);
	for (size_t i = 0; i < n; i++)
		add_path(&l, paths[i], 0);
	return loader_finish(&l);
}

struct ruleset *
ruleset_parse(struct slice text, const char *name, struct diag *diag)
{
	struct yaml_doc *doc = yaml_parse(text, name, diag);
	struct loader l;

	loader_init(&l, ruleset_new(), diag);
	load_mappings(l.set, NULL, 0, diag);
	load_lists(&l, NULL, 0);
	l.scope.file = arena_cstr(l.set->arena, slice_cstr(name));
	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++)
		if (!yaml_is_null(yaml_root(doc, i)))
			add_draft(&l, yaml_root(doc, i));
	loader_finish(&l);
	yaml_free(doc);
	return l.set;
}

struct ruleset *
ruleset_get(struct ruleset *set)
{
	__atomic_add_fetch(&set->count, 1, __ATOMIC_RELAXED);
	return set;
}

void
ruleset_put(struct ruleset *set)
{
	if (set == NULL ||
	    __atomic_sub_fetch(&set->count, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (size_t i = 0; i < set->nbuckets; i++) {
		prefilter_free(set->buckets[i].prefilter);
		free(set->buckets[i].rules);
	}
	free(set->buckets);
	for (size_t i = 0; i < set->regexes.n; i++)
		regex_free(set->regexes.at[i]);
	free(set->regexes.at);
	free(set->tally);
	map_free(set->by_id);
	mapping_free(set->mapping);
	arena_free(set->arena);
	free(set);
}

size_t
ruleset_count(const struct ruleset *set)
{
	return set->n;
}

size_t
ruleset_detections(const struct ruleset *set)
{
	return set->ndetections;
}

const struct rule *
ruleset_rule(const struct ruleset *set, size_t i)
{
	check(i < set->n);
	return set->rules[i];
}

const struct rule *
ruleset_find(const struct ruleset *set, struct slice id)
{
	const union map_value *place = map_find(set->by_id, id);

	return place != NULL ? place->ptr : NULL;
}

/* --- matching ------------------------------------------------------------ */

struct match_scratch {
	struct pred_scratch *pred;
	struct prefilter_sink sink;
	uint32_t *bucket_seen;	/* event that last visited the bucket */
	uint32_t event;
	struct numbers by_logsource[LOGSOURCE_LIMIT];
	bool	 known[LOGSOURCE_LIMIT], windows[LOGSOURCE_LIMIT];
};

struct match_scratch *
match_scratch_new(const struct ruleset *set)
{
	struct match_scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->pred = pred_scratch_new();
	scratch->sink.seen = xcalloc(set->n / 64 + 1, sizeof(uint64_t));
	scratch->sink.rule = xcalloc(set->n + 1, sizeof(uint32_t));
	scratch->bucket_seen = xcalloc(set->nbuckets + 1, sizeof(uint32_t));
	return scratch;
}

void
match_scratch_free(struct match_scratch *scratch)
{
	if (scratch == NULL)
		return;
	for (size_t i = 0; i < LOGSOURCE_LIMIT; i++)
		free(scratch->by_logsource[i].at);
	pred_scratch_free(scratch->pred);
	free(scratch->sink.seen);
	free(scratch->sink.rule);
	free(scratch->bucket_seen);
	free(scratch);
}

uint64_t
match_scratch_runaways(const struct match_scratch *scratch)
{
	return pred_runaways(scratch->pred);
}

/* Which buckets a log source meets, found out when it is first seen. */
static const struct numbers *
buckets_of(const struct ruleset *set, struct match_scratch *scratch,
    uint16_t number)
{
	struct numbers *numbers = &scratch->by_logsource[number];
	const struct logsource *logsource = logsource_at(number);

	if (scratch->known[number])
		return numbers;
	scratch->known[number] = true;
	scratch->windows[number] = slice_eq(logsource->product,
	    SLICE("windows"));
	numbers->at = xcalloc(set->nbuckets + 1, sizeof(*numbers->at));
	for (size_t i = 0; i < set->nbuckets; i++)
		if (logsource_meets(logsource, &set->buckets[i].logsource))
			numbers->at[numbers->n++] = (uint32_t)i;
	return numbers;
}

typedef void visit_bucket(const struct bucket *bucket,
    const struct event *event, struct match_scratch *scratch);

static void
visit_numbers(const struct ruleset *set, const struct numbers *numbers,
    const struct event *event, struct match_scratch *scratch,
    visit_bucket *visitor)
{
	for (size_t i = 0; i < numbers->n; i++) {
		uint32_t at = numbers->at[i];

		if (scratch->bucket_seen[at] == scratch->event)
			continue;
		scratch->bucket_seen[at] = scratch->event;
		visitor(&set->buckets[at], event, scratch);
	}
}

/* Every bucket the event meets, each once. */
static void
visit_buckets(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, visit_bucket *visitor)
{
	uint16_t routes[MAPPING_ROUTES];
	size_t n;

	if (++scratch->event == 0) {
		memset(scratch->bucket_seen, 0,
		    set->nbuckets * sizeof(*scratch->bucket_seen));
		scratch->event = 1;
	}
	visit_numbers(set, buckets_of(set, scratch, event->logsource), event,
	    scratch, visitor);
	if (!scratch->windows[event->logsource])
		return;
	n = mapping_find_routes(set->mapping, event, scratch->pred, routes);
	for (size_t i = 0; i < n; i++)
		visit_numbers(set, &set->route_buckets[routes[i]], event,
		    scratch, visitor);
}

static void
visit_filtered(const struct bucket *bucket, const struct event *event,
    struct match_scratch *scratch)
{
	prefilter_run(bucket->prefilter, event, scratch->pred,
	    &scratch->sink);
}

static void
visit_whole(const struct bucket *bucket, const struct event *event,
    struct match_scratch *scratch)
{
	(void)event;
	for (size_t i = 0; i < bucket->n; i++)
		scratch->sink.rule[scratch->sink.n++] = bucket->rules[i];
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
run_timed(const struct ruleset *set, uint32_t rule,
    const struct event *event, struct match_scratch *scratch)
{
	int64_t start_ns = clock_mono_ns();
	bool held = prog_run(set->rules[rule]->prog, event, scratch->pred);

	__atomic_add_fetch(&set->tally[rule].cost_ns,
	    (uint64_t)(clock_mono_ns() - start_ns) * SAMPLE,
	    __ATOMIC_RELAXED);
	return held;
}

struct rule_tally
ruleset_tally(const struct ruleset *set, size_t i)
{
	check(i < set->ndetections);
	return (struct rule_tally){
	    __atomic_load_n(&set->tally[i].hits, __ATOMIC_RELAXED),
	    __atomic_load_n(&set->tally[i].cost_ns, __ATOMIC_RELAXED) };
}

static size_t
match(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, visit_bucket *visitor,
    struct numbers hits)
{
	struct prefilter_sink *sink = &scratch->sink;
	size_t n = 0, room = hits.n;

	if (event->logsource == 0 || event->logsource >= LOGSOURCE_LIMIT)
		return 0;
	sink->n = 0;
	pred_scratch_begin(scratch->pred, set->nplaces);
	visit_buckets(set, event, scratch, visitor);
	for (size_t i = 0; i < sink->n; i++) {
		uint32_t rule = sink->rule[i];

		sink->seen[rule >> 6] &= ~(UINT64_C(1) << (rule & 63));
		if (!(scratch->event % SAMPLE == 0 ? run_timed(set, rule, event,
		    scratch) : prog_run(set->rules[rule]->prog, event,
		    scratch->pred)))
			continue;
		__atomic_add_fetch(&set->tally[rule].hits, 1,
		    __ATOMIC_RELAXED);
		if (n < room)
			hits.at[n] = rule;
		n++;
	}
	pred_scratch_end(scratch->pred);
	if (n > 1)
		qsort(hits.at, n < room ? n : room, sizeof(*hits.at),
		    by_number);
	return n;
}

size_t
ruleset_routed(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *rules, size_t room)
{
	struct prefilter_sink *sink = &scratch->sink;

	if (event->logsource == 0 || event->logsource >= LOGSOURCE_LIMIT)
		return 0;
	sink->n = 0;
	visit_buckets(set, event, scratch, visit_whole);
	for (size_t i = 0; i < sink->n && i < room; i++)
		rules[i] = sink->rule[i];
	return sink->n;
}

bool
ruleset_meets(const struct ruleset *set, uint32_t rule,
    const struct event *event, struct match_scratch *scratch)
{
	const struct logsource *wanted;
	uint16_t routes[MAPPING_ROUTES];
	size_t n;

	check(rule < set->ndetections);
	if (event->logsource == 0 || event->logsource >= LOGSOURCE_LIMIT)
		return false;
	wanted = &set->rules[rule]->logsource;
	buckets_of(set, scratch, event->logsource);
	if (logsource_meets(logsource_at(event->logsource), wanted))
		return true;
	if (!scratch->windows[event->logsource])
		return false;
	n = mapping_find_routes(set->mapping, event, scratch->pred, routes);
	for (size_t i = 0; i < n; i++)
		if (mapping_route_meets(set->mapping, routes[i], wanted))
			return true;
	return false;
}

struct pred_scratch *
match_scratch_pred(struct match_scratch *scratch)
{
	return scratch->pred;
}

size_t
ruleset_match(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *hits, size_t room)
{
	return match(set, event, scratch, visit_filtered,
	    (struct numbers){ hits, room });
}

size_t
ruleset_match_slow(const struct ruleset *set, const struct event *event,
    struct match_scratch *scratch, uint32_t *hits, size_t room)
{
	return match(set, event, scratch, visit_whole,
	    (struct numbers){ hits, room });
}
