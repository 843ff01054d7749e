#include "storage/retain.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/check.h"
#include "storage/partition.h"

struct listing {
	struct day_file *files;
	size_t	 n, cap;
};

/* Folders are YYYY and MM, in this order of depth. */
static const size_t digits[] = { 4, 2 };

static void
list_file(struct listing *list, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int64_t day;

	if (!dayfile_day(name, &day) || snprintf(path, sizeof(path), "%s/%s",
	    folder, name) >= (int)sizeof(path) || stat(path, &st) < 0)
		return;
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : 64;
		list->files = xrealloc(list->files,
		    list->cap * sizeof(*list->files));
	}
	list->files[list->n++] = (struct day_file){ .day = day,
	    .bytes = (uint64_t)st.st_size };
}

static void
list_folder(struct listing *list, const char *folder, unsigned depth)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if (depth == 2) {
			list_file(list, folder, name);
			continue;
		}
		if (strlen(name) != digits[depth] ||
		    strspn(name, "0123456789") != digits[depth])
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, name) <
		    (int)sizeof(path))
			list_folder(list, path, depth + 1);
	}
	closedir(dir);
}

static int
by_day(const void *a, const void *b)
{
	const struct day_file *left = a, *right = b;

	return (left->day > right->day) - (left->day < right->day);
}

size_t
day_files(const char *data, struct day_file **files)
{
	struct listing list = { NULL, 0, 0 };
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/events", data) <
	    (int)sizeof(path))
		list_folder(&list, path, 0);
	if (list.n > 0)
		qsort(list.files, list.n, sizeof(*list.files), by_day);
	*files = list.files;
	return list.n;
}

size_t
retain_choose(const struct day_file *files, size_t n, int64_t now_ns,
    int64_t keep_ns, uint64_t keep_bytes)
{
	uint64_t bytes = 0;
	size_t go = 0;

	while (keep_ns > 0 && go < n &&
	    (files[go].day + 1) * DAY_NS < now_ns - keep_ns)
		go++;
	if (keep_bytes == 0)
		return go;
	for (size_t i = go; i < n; i++)
		bytes += files[i].bytes;
	for (; bytes > keep_bytes && go + 1 < n; go++)
		bytes -= files[go].bytes;
	return go;
}

void
retain_unlink(const char *data, int64_t day)
{
	static const char *const behind[] = { "", "-wal", "-shm", "-journal" };
	char path[PATH_MAX], name[PATH_MAX + 16];

	dayfile_path(data, day, path);
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, behind[i]);
		unlink(name);
	}
	/* The month, then the year; rmdir keeps what is not empty. */
	for (unsigned depth = 0; depth < 2; depth++) {
		*strrchr(path, '/') = '\0';
		if (rmdir(path) < 0)
			break;
	}
}
