/* A list of indicators over the store: addresses and networks in every field
 * of addresses, everything else in the fields where names, hashes, paths and
 * links are. */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/diag.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "parsers/csvfile.h"
#include "storage/query_set.h"
#include "tools/hunt.h"

struct list_hunt {
	struct ask *ask;
	struct query_set *set;
	size_t	 nfields;
	field_t	 fields[FIELD_KNOWN];
	struct strbuf line;
	uint64_t found;
};

/* --- the list ---------------------------------------------------------------- */

static ptrdiff_t
column_of(const struct slice *cells, size_t n, const char *column)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq_nocase(cells[i], slice_cstr(column)))
			return (ptrdiff_t)i;
	return -1;
}

/* -1: said what is wrong. */
static int
read_list(struct list_hunt *hunt, const char *path, const char *column)
{
	struct diag *diag = diag_new();
	struct csvfile *file = csvfile_open(path, diag);
	struct slice cells[CSVFILE_CELLS];
	ptrdiff_t at = 0;
	size_t n, refused = 0;
	int result = 0;

	if (file != NULL && column != NULL) {
		n = csvfile_next(file, cells);
		at = column_of(cells, n, column);
	}
	while (file != NULL && at >= 0 &&
	    (n = csvfile_next(file, cells)) > 0)
		if ((size_t)at < n && !query_set_add(hunt->set, cells[at],
		    (size_t)csvfile_line(file)))
			refused++;
	diag_print(diag, stderr);
	if (file == NULL) {
		result = -1;
	} else if (at < 0) {
		fprintf(stderr, "yagura hunt: %s has no column \"%s\"\n", path,
		    column);
		result = -1;
	} else if (refused > 0) {
		fprintf(stderr, "yagura hunt: %s: %zu values left out (empty, "
		    "or more than %d networks)\n", path, refused,
		    QUERY_SET_NETWORKS);
	}
	csvfile_close(file);
	diag_free(diag);
	return result;
}

/* --- where it is looked for --------------------------------------------------- */

static bool
holds_indicators(field_t field)
{
	static const char *const ends[] = { ".domain", ".md5", ".sha1",
		".sha256", ".sha512", ".imphash", ".ja3", ".ja3s",
		".server_name", ".address", "question.name", "url.original",
		"url.full", "url.path", "file.name", "file.path",
		"process.name", "process.executable", "user_agent.original",
		"host.name", "user.name", "user.email" };
	struct slice name = field_name(field);

	if (field_type(field) == VALUE_IP)
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (field_type(field) == VALUE_TEXT &&
		    slice_ends(name, slice_cstr(ends[i])))
			return true;
	return false;
}

static struct cond *
condition(struct list_hunt *hunt, struct query *query)
{
	struct cond *any = NULL;

	for (field_t field = 0; field < FIELD_KNOWN; field++) {
		if (!holds_indicators(field))
			continue;
		hunt->fields[hunt->nfields++] = field;
		any = cond_or(query->arena, any, query_set_cond(query, field,
		    hunt->set));
	}
	return any;
}

/* --- what is found ------------------------------------------------------------ */

static bool
find_in(const struct list_hunt *hunt, const struct event *event,
    field_t *field, const struct value **value)
{
	for (size_t i = 0; i < hunt->nfields; i++) {
		const struct value *all = event_get(event, hunt->fields[i]);

		for (size_t k = 0; all != NULL && k < value_members(all);
		    k++) {
			*field = hunt->fields[i];
			*value = value_member(all, k);
			if (query_set_find(hunt->set, *value) >= 0)
				return true;
		}
	}
	return false;
}

static void
put_found(struct list_hunt *hunt, const struct event *event, field_t field,
    const struct value *value)
{
	struct strbuf *line = &hunt->line;
	char time[TIME_TEXT_BYTES], id[EVENT_ID_BYTES];
	bool json = hunt->ask->format == PRESENT_JSON;

	event_id(event, id);
	time_format_rfc3339(event->time_ns, time);
	if (!json) {
		strbuf_printf(line, "%s  ", time);
		present_value(line, value);
		strbuf_printf(line, "  %s  ", field_name(field).ptr);
		present_text(line, event->raw);
		return;
	}
	strbuf_printf(line, "{\"@timestamp\":\"%s\",\"event.id\":\"%s\","
	    "\"ioc\":", time, id);
	value_json(line, value);
	strbuf_puts(line, ",\"field\":");
	json_put_string(line, field_name(field));
	strbuf_puts(line, ",\"event.original\":");
	json_put_string(line, event->raw);
	strbuf_putc(line, '}');
}

static enum op_more
take_row(void *user, const struct row *row)
{
	struct list_hunt *hunt = user;
	const struct value *value;
	field_t field;

	if (!find_in(hunt, row->event, &field, &value))
		return OP_MORE;
	strbuf_clear(&hunt->line);
	put_found(hunt, row->event, field, value);
	strbuf_putc(&hunt->line, '\n');
	hunt->found++;
	return fwrite(hunt->line.ptr, 1, hunt->line.len, stdout) ==
	    hunt->line.len ? OP_MORE : OP_ENOUGH;
}

int
hunt_list(struct ask *ask, const char *file, const char *column)
{
	struct list_hunt hunt = { .ask = ask, .line = STRBUF_INIT };
	struct scan_result result;
	struct query *query;
	int code = EXIT_CONFIG;

	hunt.set = query_set_new();
	query = ask_parse(ask, SLICE("*"));
	check(query != NULL);
	if (read_list(&hunt, file, column) == 0) {
		query->cond = condition(&hunt, query);
		code = ask_run(ask, query, take_row, &hunt, &result);
		if (code == EXIT_DONE && hunt.found == 0)
			code = EXIT_NOTHING;
	}
	query_free(query);
	query_set_free(hunt.set);
	strbuf_fini(&hunt.line);
	return code;
}
