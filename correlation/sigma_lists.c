#include "correlation/sigma_lists.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/map.h"
#include "engine/yaml.h"

#define PATH_BYTES 4096

struct sigma_lists {
	struct arena *arena;
	struct map *by_name;
	const char **names;	/* each ends with NUL */
	size_t	 n;
};

struct sigma_lists *
sigma_lists_new(void)
{
	struct sigma_lists *lists = xcalloc(1, sizeof(*lists));

	lists->arena = arena_new(0);
	lists->by_name = map_new();
	return lists;
}

void
sigma_lists_free(struct sigma_lists *lists)
{
	if (lists == NULL)
		return;
	map_free(lists->by_name);
	arena_free(lists->arena);
	free(lists->names);
	free(lists);
}

static void
put_list(struct sigma_lists *lists, struct sigma_list list)
{
	struct sigma_list *kept = arena_alloc(lists->arena, sizeof(*kept));
	const char *name = arena_cstr(lists->arena, list.name);
	union map_value *place;
	bool made;

	*kept = list;
	kept->name = slice_cstr(name);
	place = map_get(lists->by_name, kept->name, &made);
	place->ptr = kept;
	if (!made)
		return;
	lists->names = xrealloc(lists->names, (lists->n + 1) *
	    sizeof(*lists->names));
	lists->names[lists->n++] = name;
}

static void
refuse_many(const char *path, int line, struct diag *diag)
{
	diag_error(diag, path, line, 0, "more than %d values in one list",
	    SIGMA_LIST_VALUES);
}

/* --- text ---------------------------------------------------------------- */

/* One value a line; blanks around it are not its own, "#" begins a remark. */
static void
read_text(struct sigma_lists *lists, const char *path, struct slice name,
    struct slice text, struct diag *diag)
{
	struct slice *values = xcalloc(SIGMA_LIST_VALUES, sizeof(*values));
	struct slice *kept;
	struct sigma_list list = { .name = name,
	    .file = arena_cstr(lists->arena, slice_cstr(path)) };
	int line = 1;

	for (; text.len > 0; line++) {
		ptrdiff_t end = slice_find_byte(text, '\n');
		size_t len = end < 0 ? text.len : (size_t)end;
		struct slice value = slice_trim(slice_head(text, len));

		text = slice_skip(text, end < 0 ? len : len + 1);
		if (value.len == 0 || value.ptr[0] == '#')
			continue;
		if (list.n == SIGMA_LIST_VALUES) {
			refuse_many(path, line, diag);
			free(values);
			return;
		}
		values[list.n++] = arena_dup(lists->arena, value);
	}
	kept = arena_alloc(lists->arena, list.n * sizeof(*kept));
	if (list.n > 0)
		memcpy(kept, values, list.n * sizeof(*kept));
	list.values = kept;
	free(values);
	put_list(lists, list);
}

static void
add_text(struct sigma_lists *lists, const char *path, struct slice name,
    struct diag *diag)
{
	FILE *file = fopen(path, "re");
	char *bytes;
	size_t n;

	if (file == NULL) {
		diag_error(diag, path, 0, 0, "%s", strerror(errno));
		return;
	}
	bytes = xmalloc(SIGMA_LIST_BYTES + 1);
	n = fread(bytes, 1, SIGMA_LIST_BYTES + 1, file);
	if (ferror(file))
		diag_error(diag, path, 0, 0, "%s", strerror(errno));
	else if (n > SIGMA_LIST_BYTES)
		diag_error(diag, path, 0, 0, "a list has at most %u bytes",
		    SIGMA_LIST_BYTES);
	else
		read_text(lists, path, name, slice_of(bytes, n), diag);
	fclose(file);
	free(bytes);
}

/* --- yaml ---------------------------------------------------------------- */

static void
take_node(struct sigma_lists *lists, const char *path,
    const struct yaml_node *key, const struct yaml_node *node,
    struct diag *diag)
{
	size_t n = node->kind == YAML_LIST ? node->n : 1;
	struct sigma_list list = { .name = yaml_text(key, SLICE("")),
	    .file = arena_cstr(lists->arena, slice_cstr(path)) };
	struct slice *values;

	if (n > SIGMA_LIST_VALUES) {
		refuse_many(path, node->line, diag);
		return;
	}
	values = arena_alloc(lists->arena, n * sizeof(*values));
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *one = node->kind == YAML_LIST
		    ? node->items[i] : node;

		if (one->kind != YAML_SCALAR || yaml_is_null(one)) {
			diag_error(diag, path, one->line, one->column,
			    "a value is text or a number");
			return;
		}
		values[list.n++] = arena_dup(lists->arena, one->text);
	}
	list.values = values;
	put_list(lists, list);
}

static void
add_yaml(struct sigma_lists *lists, const char *path, struct diag *diag)
{
	struct yaml_doc *doc = yaml_load(path, diag);

	for (size_t i = 0; doc != NULL && i < yaml_count(doc); i++) {
		const struct yaml_node *root = yaml_root(doc, i);

		if (yaml_is_null(root))
			continue;
		if (root->kind != YAML_MAP) {
			diag_error(diag, path, root->line, root->column,
			    "lists are a map: \"name: [value, ...]\"");
			continue;
		}
		for (size_t k = 0; k < root->n; k++)
			take_node(lists, path, root->keys[k], root->items[k],
			    diag);
	}
	yaml_free(doc);
}

/* --- folders ------------------------------------------------------------- */

static int
is_list(const struct dirent *entry)
{
	struct slice name = slice_cstr(entry->d_name);

	return name.ptr[0] != '.' && (slice_ends(name, SLICE(".txt")) ||
	    slice_ends(name, SLICE(".yml")) ||
	    slice_ends(name, SLICE(".yaml")));
}

void
sigma_lists_add(struct sigma_lists *lists, const char *folder,
    struct diag *diag)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_list, alphasort);

	for (int i = 0; i < n; i++) {
		struct slice name = slice_cstr(entries[i]->d_name);
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%s/%s", folder,
		    entries[i]->d_name);
		if (slice_ends(name, SLICE(".txt")))
			add_text(lists, path, slice_head(name, name.len - 4),
			    diag);
		else
			add_yaml(lists, path, diag);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

const struct sigma_list *
sigma_lists_find(const struct sigma_lists *lists, struct slice name)
{
	const union map_value *place = map_find(lists->by_name, name);

	return place != NULL ? place->ptr : NULL;
}

const char *
sigma_lists_nearest(const struct sigma_lists *lists, struct slice name)
{
	return diag_nearest(name, lists->names, lists->n);
}
