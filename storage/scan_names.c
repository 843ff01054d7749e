/* Names of fields that the store has seen; one event by its id. */
#include "storage/scan_private.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"

static void
load_names_of(const char *path)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
	    SQLITE_OK && sqlite3_prepare_v2(db, "SELECT name FROM field", -1,
	    &stmt, NULL) == SQLITE_OK)
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			const void *name = sqlite3_column_blob(stmt, 0);
			int len = sqlite3_column_bytes(stmt, 0);

			if (name != NULL && len > 0)
				field_intern(slice_of(name, (size_t)len));
		}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

/* Names in the tail become known when its events are read. */
static void
load_names_of_tail(struct store *store, const struct partition_info *info,
    struct arena *arena)
{
	struct err err = { ERR_NONE, "" };
	struct partition *partition = partition_open(store, info, &err);
	size_t nevents;

	if (partition == NULL)
		return;
	for (size_t i = 0; i < partition_tail_count(partition); i++) {
		arena_reset(arena);
		partition_tail(partition, i, arena, &nevents, &err);
	}
	partition_close(partition);
}

void
scan_load_names(struct store *store)
{
	struct err err = { ERR_NONE, "" };
	struct arena *arena = arena_new(0);
	size_t n;
	struct partition_info *infos = scan_partitions(store, INT64_MIN,
	    INT64_MAX, &n, &err);

	for (size_t i = 0; i < n; i++) {
		if (infos[i].path != NULL)
			load_names_of(infos[i].path);
		load_names_of_tail(store, &infos[i], arena);
	}
	free(infos);
	arena_free(arena);
}

/* --- one event ---------------------------------------------------------- */

struct found {
	struct arena *arena;
	struct event *event;
	bool	 found;
};

static enum op_more
found_row(void *user, const struct row *row)
{
	struct found *found = user;
	struct schema none = { .n = 0 };
	struct row copy = row_dup(found->arena, &none, row);

	*found->event = *copy.event;
	found->found = true;
	return OP_ENOUGH;
}

bool
scan_find_event(struct store *store, struct slice id, struct arena *arena,
    struct event *out, struct err *err)
{
	struct found found = { .arena = arena, .event = out };
	struct query_error error;
	struct scan_result result;
	struct scan_request request = { .store = store, .from_ns = INT64_MIN,
	    .to_ns = INT64_MAX, .rows = 1, .row = found_row, .user = &found };
	char text[128];

	if (id.len == 0 || id.len > 64)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (id.ptr[i] < '0' || (id.ptr[i] > '9' &&
		    (ascii_lower(id.ptr[i]) < 'a' ||
		    ascii_lower(id.ptr[i]) > 'z')))
			return false;
	snprintf(text, sizeof(text), "event.id:\"%.*s\"", (int)id.len,
	    id.ptr);
	request.query = query_parse(slice_cstr(text), 0, NULL, &error);
	check(request.query != NULL);
	request.query->names_yagura = true;
	if (scan_run(&request, &result, err) < 0)
		found.found = false;
	else if (!found.found && result.partial)
		err_set(err, ERR_DAMAGED, "%s", result.why);
	query_free(request.query);
	return found.found;
}
