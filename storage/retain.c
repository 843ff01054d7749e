#include "storage/retain.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/check.h"
#include "storage/partition.h"

#define DAY_NAME 13		/* YYYY-MM-DD.db */

struct listing {
	struct day_file *files;
	size_t	 n, cap;
	bool	 all;		/* what stands beside day files, too */
};

/* Folders are YYYY and MM, in this order of depth. */
static const size_t digits[] = { 4, 2 };

/* What SQLite keeps beside a file. */
static bool
is_behind(const char *end)
{
	return *end == '\0' || strcmp(end, "-wal") == 0 ||
	    strcmp(end, "-shm") == 0 || strcmp(end, "-journal") == 0;
}

/* The day of a file that belongs to one: the day file, one that was set aside
 * as damaged, or what SQLite keeps beside either. */
static bool
belongs_to(const char *name, int64_t *day)
{
	static const char damaged[] = ".damaged";
	char first[DAY_NAME + 1];
	const char *end;

	if (strlen(name) < DAY_NAME)
		return false;
	memcpy(first, name, DAY_NAME);
	first[DAY_NAME] = '\0';
	end = name + DAY_NAME;
	if (strncmp(end, damaged, sizeof(damaged) - 1) == 0) {
		end += sizeof(damaged) - 1;
		end += strspn(end, "0123456789");
	}
	return is_behind(end) && dayfile_day(first, day);
}

static void
list_file(struct listing *list, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int64_t day;

	if (!(list->all ? belongs_to(name, &day) : dayfile_day(name, &day)) ||
	    snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path) || stat(path, &st) < 0)
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

static void
list_days(const char *data, struct listing *list)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/events", data) <
	    (int)sizeof(path))
		list_folder(list, path, 0);
	if (list->n > 0)
		qsort(list->files, list->n, sizeof(*list->files), by_day);
}

size_t
day_files(const char *data, struct day_file **files)
{
	struct listing list = { .all = false };

	list_days(data, &list);
	*files = list.files;
	return list.n;
}

size_t
retain_files(const char *data, struct day_file **files)
{
	struct listing list = { .all = true };
	size_t n = 0;

	list_days(data, &list);
	for (size_t i = 0; i < list.n; i++)
		if (n > 0 && list.files[n - 1].day == list.files[i].day)
			list.files[n - 1].bytes += list.files[i].bytes;
		else
			list.files[n++] = list.files[i];
	*files = list.files;
	return n;
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

static void
unlink_all(const char *folder, int64_t day)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int64_t found;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (belongs_to(entry->d_name, &found) && found == day)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

void
retain_unlink(const char *data, int64_t day)
{
	char path[PATH_MAX];

	dayfile_path(data, day, path);
	/* The file before its WAL: who opens it in between must not take it
	 * for one whose last rows were never written. */
	unlink(path);
	/* The month, then the year; rmdir keeps what is not empty. */
	for (unsigned depth = 0; depth < 2; depth++) {
		*strrchr(path, '/') = '\0';
		if (depth == 0)
			unlink_all(path, day);
		if (rmdir(path) < 0)
			break;
	}
}
