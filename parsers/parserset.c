/* Definitions, loaded and found by name. */
#include "parsers/parserset.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "parsers/builtin.h"
#include "parsers/lane.h"

struct paths {
	char	**at;
	size_t	 n;
};

static void
add_path(struct paths *paths, const char *path)
{
	paths->at = xrealloc(paths->at, (paths->n + 1) * sizeof(char *));
	paths->at[paths->n++] = xstrdup(path);
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static bool
is_yaml(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && ((n > 4 && strcmp(name + n - 4, ".yml") == 0)
	    || (n > 5 && strcmp(name + n - 5, ".yaml") == 0));
}

static void
add_folder(struct paths *paths, const char *path, struct diag *diag)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t first = paths->n;
	char name[4096];

	if (dir == NULL) {
		diag_error(diag, path, 0, 0, "cannot be read");
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!is_yaml(entry->d_name))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		add_path(paths, name);
	}
	closedir(dir);
	qsort(paths->at + first, paths->n - first, sizeof(char *), by_text);
}

static struct paths
find_files(const char *const *names, size_t n, struct diag *diag)
{
	struct paths paths = { NULL, 0 };
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (stat(names[i], &st) != 0)
			diag_error(diag, names[i], 0, 0, "is not there");
		else if (S_ISDIR(st.st_mode))
			add_folder(&paths, names[i], diag);
		else
			add_path(&paths, names[i]);
	}
	return paths;
}

static const struct def *
find_def(const struct parserset *set, struct slice name)
{
	const union map_value *found = map_find(set->names, name);

	return found == NULL ? NULL : set->defs[found->num];
}

static int
by_header(const void *a, const void *b)
{
	const struct mark_entry *x = a, *y = b;

	if (x->marks->priority != y->marks->priority)
		return x->marks->priority < y->marks->priority ? 1 : -1;
	if (x->marks->header.n != y->marks->header.n)
		return x->marks->header.n < y->marks->header.n ? 1 : -1;
	return slice_cmp(x->def->name, y->def->name);
}

static void
list_headed(struct parserset *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->ndefs; i++)
		n += set->defs[i]->nmarks;
	set->headed = arena_zalloc(set->arena, (n + 1) *
	    sizeof(*set->headed));
	for (size_t i = 0; i < set->ndefs; i++)
		for (size_t k = 0; k < set->defs[i]->nmarks; k++)
			if (set->defs[i]->marks[k].header.n > 0)
				set->headed[set->nheaded++] =
				    (struct mark_entry){ set->defs[i],
				    &set->defs[i]->marks[k], false };
	qsort(set->headed, set->nheaded, sizeof(*set->headed), by_header);
}

struct parserset *
parserset_load(const char *const *names, size_t n, struct diag *diag)
{
	return parserset_load_rest(names, n, diag, diag);
}

struct parserset *
parserset_load_rest(const char *const *names, size_t n, struct diag *diag,
    struct diag *refused)
{
	struct parserset *set = xcalloc(1, sizeof(*set));
	struct paths paths = find_files(names, n, diag);

	atomic_init(&set->count, 1);
	set->arena = arena_new(0);
	set->names = map_new();
	set->ndefs = def_load((const char *const *)paths.at, paths.n,
	    builtin_definitions, set->arena, &set->owned,
	    &set->defs, refused);
	for (size_t i = 0; i < set->ndefs; i++) {
		struct def *def = set->defs[i];

		def->number = (unsigned)i;
		map_get(set->names, def->name, NULL)->num = i;
		if (def->nslots > set->nslots)
			set->nslots = def->nslots;
	}
	set->index = markindex_build(set->arena, set->defs, set->ndefs);
	set->json = find_def(set, SLICE("generic_json"));
	set->kv = find_def(set, SLICE("generic_kv"));
	set->kv_comma = find_def(set, SLICE("generic_kv_comma"));
	set->kv_semicolon = find_def(set, SLICE("generic_kv_semicolon"));
	set->cef = find_def(set, SLICE("generic_cef"));
	set->leef = find_def(set, SLICE("generic_leef"));
	list_headed(set);
	for (size_t i = 0; i < paths.n; i++)
		free(paths.at[i]);
	free(paths.at);
	return set;
}

struct parserset *
parserset_get(struct parserset *set)
{
	atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
	return set;
}

void
parserset_put(struct parserset *set)
{
	if (set == NULL || atomic_fetch_sub_explicit(&set->count, 1,
	    memory_order_acq_rel) != 1)
		return;
	markindex_free(set->index);
	def_owned_free(&set->owned);
	map_free(set->names);
	free(set->defs);
	arena_free(set->arena);
	free(set);
}

size_t
parserset_count(const struct parserset *set)
{
	return set->ndefs;
}

struct slice
parserset_name(const struct parserset *set, size_t i)
{
	check(i < set->ndefs);
	return set->defs[i]->name;
}

struct slice
parserset_description(const struct parserset *set, size_t i)
{
	check(i < set->ndefs);
	return set->defs[i]->description;
}

bool
parserset_has(const struct parserset *set, struct slice name)
{
	return find_def(set, name) != NULL;
}

const struct def *
parserset_def(const struct parserset *set, struct slice name)
{
	return find_def(set, name);
}
