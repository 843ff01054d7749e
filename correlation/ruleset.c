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
#include "correlation/ruleset_parts.h"
#include "correlation/sigma_lists.h"
#include "engine/arena.h"
#include "engine/check.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "engine/regex.h"
#include "engine/yaml.h"

#define FOLDER_DEPTH 16		/* of folders with rules; links may circle */
#define RULE_LIMIT 100000	/* rules in one set */
#define PATH_BYTES 4096

/* --- finding files ------------------------------------------------------- */

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

/* --- loading ------------------------------------------------------------- */

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

	ruleset_link(l);
	ruleset_index(set);
	set->tally = xcalloc(set->n + 1, sizeof(*set->tally));
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
	ruleset_index_free(set);
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
