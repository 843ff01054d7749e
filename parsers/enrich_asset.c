/* Machines the organisation knows: host, address, owner, kind, criticality,
 * valid_from, valid_to and whatever other columns there are, in any order. A
 * row holds from valid_from on and before valid_to; of several that hold at
 * the event's time the one that began last counts, because an address that
 * has moved on is often left open behind.
 *
 * A machine is found by address, or by name: as written, or by the part before
 * the first dot where only one machine answers to that.
 */
#include "parsers/enrich_part.h"

#include <stdlib.h>
#include <string.h>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/check.h"
#include "engine/diag.h"
#include "engine/ip.h"
#include "engine/map.h"
#include "engine/timeparse.h"
#include "parsers/csvfile.h"

#define ASSETS 2000000		/* rows of all files */
#define ADDRESSES 16		/* of one machine at one time, in host.ip */
#define HOST_BYTES 255		/* longer names are no host names */
#define AMBIGUOUS UINT32_MAX	/* a short name that several machines have */

/* Columns of one file that go into events, with a field for each end. */
struct columns {
	size_t	 n;
	struct {
		size_t	 at;		/* in the file */
		field_t	 fields[ENDS];
	} column[CSVFILE_CELLS];
	field_t	 words[ENDS];	/* a criticality that is no number */
	size_t	 host, address, from, to;	/* 1 + place; 0: none */
};

struct row {
	const struct columns *columns;
	const struct value *values;	/* columns->n; null: empty cell */
	struct slice host;
	uint8_t	 ip[16];
	bool	 has_ip;
	int64_t	 from_ns, to_ns;
	uint32_t next_ip, next_host;	/* 1 + index: same key; 0: end */
};

struct asset {
	struct arena *arena;
	struct row *rows;
	size_t	 n, cap;
	struct map *by_ip;	/* 16 bytes -> 1 + index of the first row */
	struct map *by_host;	/* folded name -> the same */
	struct map *by_label;	/* first label -> the same, or AMBIGUOUS */
};

/* --- loading --- */

static field_t
column_field(enum enrich_end end, struct slice name)
{
	static const char *const heads[ENDS] = { "source.asset.",
		"destination.asset.", "host.asset." };
	char buf[FIELD_NAME_BYTES];
	size_t len = strlen(heads[end]);

	if (name.len == 0 || len + name.len > sizeof(buf))
		return FIELD_NONE;
	memcpy(buf, heads[end], len);
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.ptr[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
			c = '_';
		buf[len++] = c;
	}
	return field_intern(slice_of(buf, len));
}

static size_t *
column_known(struct columns *columns, struct slice name)
{
	static const struct {
		const char *name;
		size_t	 offset;
	} known[] = {
		{ "host", offsetof(struct columns, host) },
		{ "hostname", offsetof(struct columns, host) },
		{ "address", offsetof(struct columns, address) },
		{ "ip", offsetof(struct columns, address) },
		{ "valid_from", offsetof(struct columns, from) },
		{ "valid_to", offsetof(struct columns, to) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_eq_nocase(name, slice_cstr(known[i].name)))
			return (size_t *)(void *)((char *)columns +
			    known[i].offset);
	return NULL;
}

/* NULL with a finding if the first line is no head of such a table. */
static const struct columns *
columns_read(struct asset *asset, struct csvfile *file, struct diag *diag)
{
	struct columns *columns = arena_zalloc(asset->arena, sizeof(*columns));
	struct slice cells[CSVFILE_CELLS];
	size_t n = csvfile_next(file, cells);

	for (size_t end = 0; end < ENDS; end++)
		columns->words[end] = column_field((enum enrich_end)end,
		    SLICE("criticality_word"));
	for (size_t i = 0; i < n; i++) {
		size_t *place = column_known(columns, cells[i]);
		struct slice name = cells[i];

		if (place != NULL && *place != 0) {
			diag_error(diag, csvfile_name(file),
			    csvfile_line(file), (int)i + 1,
			    "column \"%.*s\" stands twice",
			    (int)name.len, name.ptr);
			return NULL;
		}
		if (place != NULL)
			*place = i + 1;
		if (place != NULL && place != &columns->host)
			continue;
		if (place == &columns->host)
			name = SLICE("host");
		columns->column[columns->n].at = i;
		for (size_t end = 0; end < ENDS; end++)
			columns->column[columns->n].fields[end] =
			    column_field((enum enrich_end)end, name);
		if (name.len > 0)
			columns->n++;
	}
	if (n > 0 && columns->host == 0 && columns->address == 0) {
		diag_error(diag, csvfile_name(file), csvfile_line(file), 0,
		    "the first line names neither \"host\" nor \"address\" "
		    "(host,address,owner,kind,criticality)");
		return NULL;
	}
	return n > 0 ? columns : NULL;
}

/* RFC 3339, or a date, or date and time without zone, which is UTC. */
static bool
time_read(struct slice text, int64_t *time_ns)
{
	struct slice rest;
	char buf[40];

	if (time_parse_rfc3339(text, time_ns))
		return true;
	if (text.len != 10 && text.len != 16 && text.len != 19)
		return false;
	memcpy(buf, text.ptr, text.len);
	rest = text.len == 10 ? SLICE("T00:00:00Z")
	    : text.len == 16 ? SLICE(":00Z") : SLICE("Z");
	memcpy(buf + text.len, rest.ptr, rest.len);
	return time_parse_rfc3339(slice_of(buf, text.len + rest.len),
	    time_ns);
}

static struct value
cell_value(struct asset *asset, struct slice cell)
{
	int64_t number;

	if (cell.len == 0)
		return (struct value){ .type = VALUE_NULL };
	if (slice_long(cell, &number))
		return value_long(number);
	return value_text(arena_dup(asset->arena, cell), TRANSFORM_OWNED);
}

static struct slice
cell_at(const struct slice *cells, size_t n, size_t place)
{
	return place > 0 && place <= n ? cells[place - 1] : slice_of("", 0);
}

static struct slice
fold(struct slice name, char buf[HOST_BYTES])
{
	size_t n = name.len <= HOST_BYTES ? name.len : 0;

	for (size_t i = 0; i < n; i++)
		buf[i] = ascii_lower(name.ptr[i]);
	if (n > 0 && buf[n - 1] == '.')
		n--;
	return slice_of(buf, n);
}

static struct slice
first_label(struct slice name)
{
	ptrdiff_t dot = slice_find_byte(name, '.');

	return dot > 0 ? slice_head(name, (size_t)dot) : name;
}

/* Chains keep the row that began last in front. */
static void
chain_ip(struct asset *asset, uint32_t number)
{
	struct row *row = &asset->rows[number - 1];
	union map_value *first = map_get(asset->by_ip,
	    slice_of((const char *)row->ip, 16), NULL);
	uint64_t at = first->num, before = 0;

	while (at != 0 && asset->rows[at - 1].from_ns >= row->from_ns) {
		before = at;
		at = asset->rows[at - 1].next_ip;
	}
	row->next_ip = (uint32_t)at;
	if (before == 0)
		first->num = number;
	else
		asset->rows[before - 1].next_ip = number;
}

static void
chain_host(struct asset *asset, uint32_t number, struct slice name)
{
	struct row *row = &asset->rows[number - 1];
	union map_value *first = map_get(asset->by_host, name, NULL);
	uint64_t at = first->num, before = 0;

	while (at != 0 && asset->rows[at - 1].from_ns >= row->from_ns) {
		before = at;
		at = asset->rows[at - 1].next_host;
	}
	row->next_host = (uint32_t)at;
	if (before == 0)
		first->num = number;
	else
		asset->rows[before - 1].next_host = number;
}

/* After all rows: short names, each to the chain of its one machine. */
static void
labels_build(struct asset *asset)
{
	struct slice name;
	union map_value value;
	size_t at = 0;

	while (map_next(asset->by_host, &at, &name, &value)) {
		struct slice label = first_label(name);
		bool made;
		union map_value *place = map_get(asset->by_label, label,
		    &made);

		place->num = made ? value.num : AMBIGUOUS;
	}
}

static bool
row_times(const struct columns *columns, const struct slice *cells, size_t n,
    struct row *row)
{
	struct slice from = cell_at(cells, n, columns->from);
	struct slice to = cell_at(cells, n, columns->to);

	row->from_ns = INT64_MIN;
	row->to_ns = INT64_MAX;
	return (from.len == 0 || time_read(from, &row->from_ns)) &&
	    (to.len == 0 || time_read(to, &row->to_ns));
}

static void
row_add(struct asset *asset, struct row row)
{
	char buf[HOST_BYTES];
	struct slice name = fold(row.host, buf);

	if (asset->n == asset->cap) {
		asset->cap = asset->cap == 0 ? 64 : 2 * asset->cap;
		asset->rows = xrealloc(asset->rows,
		    asset->cap * sizeof(*asset->rows));
	}
	asset->rows[asset->n++] = row;
	if (row.has_ip)
		chain_ip(asset, (uint32_t)asset->n);
	if (name.len > 0)
		chain_host(asset, (uint32_t)asset->n, name);
}

static void
row_read(struct asset *asset, const struct columns *columns,
    const struct slice *cells, size_t n, struct csvfile *file,
    struct diag *diag)
{
	struct slice address = cell_at(cells, n, columns->address);
	struct row row = { .columns = columns };
	struct value *values;

	if (!row_times(columns, cells, n, &row)) {
		diag_error(diag, csvfile_name(file), csvfile_line(file), 0,
		    "valid_from or valid_to is no time (2026-11-21 or "
		    "2026-11-21T10:00:00Z)");
		return;
	}
	if (address.len > 0 && !(row.has_ip = ip_parse(address, row.ip))) {
		diag_error(diag, csvfile_name(file), csvfile_line(file), 0,
		    "\"%.*s\" is no address", (int)address.len, address.ptr);
		return;
	}
	row.host = arena_dup(asset->arena,
	    cell_at(cells, n, columns->host));
	values = arena_alloc(asset->arena, columns->n * sizeof(*values) + 1);
	for (size_t i = 0; i < columns->n; i++)
		values[i] = cell_value(asset,
		    cell_at(cells, n, columns->column[i].at + 1));
	row.values = values;
	row_add(asset, row);
}

static void
file_read(struct asset *asset, const char *path, struct diag *diag)
{
	struct csvfile *file = csvfile_open(path, diag);
	const struct columns *columns;
	struct slice cells[CSVFILE_CELLS];
	size_t n;

	if (file == NULL)
		return;
	columns = columns_read(asset, file, diag);
	while (columns != NULL && (n = csvfile_next(file, cells)) > 0) {
		if (asset->n == ASSETS) {
			diag_error(diag, path, csvfile_line(file), 0,
			    "more than %d machines; the rest is left out",
			    ASSETS);
			break;
		}
		row_read(asset, columns, cells, n, file, diag);
	}
	csvfile_close(file);
}

static void
part_free(void *ptr)
{
	struct asset *asset = ptr;

	map_free(asset->by_ip);
	map_free(asset->by_host);
	map_free(asset->by_label);
	arena_free(asset->arena);
	free(asset->rows);
	free(asset);
}

static void *
part_load(const struct enrich_conf *conf, struct diag *diag)
{
	struct asset *asset;

	if (conf->nassets == 0)
		return NULL;
	asset = xcalloc(1, sizeof(*asset));
	asset->arena = arena_new(0);
	asset->by_ip = map_new();
	asset->by_host = map_new();
	asset->by_label = map_new();
	for (size_t i = 0; i < conf->nassets; i++)
		file_read(asset, conf->assets[i], diag);
	if (asset->n == 0) {
		part_free(asset);
		return NULL;
	}
	labels_build(asset);
	return asset;
}

/* --- events --- */

static bool
holds(const struct row *row, int64_t time_ns)
{
	return row->from_ns <= time_ns && time_ns < row->to_ns;
}

static const struct row *
find_by_ip(const struct asset *asset, const uint8_t ip[16], int64_t time_ns)
{
	const union map_value *first = map_find(asset->by_ip,
	    slice_of((const char *)ip, 16));
	uint64_t at = first != NULL ? first->num : 0;

	while (at != 0 && !holds(&asset->rows[at - 1], time_ns))
		at = asset->rows[at - 1].next_ip;
	return at != 0 ? &asset->rows[at - 1] : NULL;
}

static const struct row *
find_next_by_host(const struct asset *asset, uint64_t at, int64_t time_ns)
{
	while (at != 0 && !holds(&asset->rows[at - 1], time_ns))
		at = asset->rows[at - 1].next_host;
	return at != 0 ? &asset->rows[at - 1] : NULL;
}

static const struct row *
find_by_host(const struct asset *asset, struct slice name, int64_t time_ns)
{
	char buf[HOST_BYTES];
	struct slice folded = fold(name, buf);
	const union map_value *first;

	if (folded.len == 0)
		return NULL;
	first = map_find(asset->by_host, folded);
	if (first == NULL)
		first = map_find(asset->by_label, first_label(folded));
	if (first == NULL || first->num == AMBIGUOUS)
		return NULL;
	return find_next_by_host(asset, first->num, time_ns);
}

static void
row_set(struct event *event, enum enrich_end end, const struct row *row)
{
	for (size_t i = 0; i < row->columns->n; i++) {
		const struct value *value = &row->values[i];
		field_t field = row->columns->column[i].fields[end];

		if (value->type == VALUE_NULL)
			continue;
		if (value->type == VALUE_TEXT &&
		    field_type(field) == VALUE_LONG)
			field = row->columns->words[end];
		enrich_set_value(event, field, value);
	}
}

static bool
event_ip(const struct event *event, field_t field, uint8_t ip[16])
{
	const struct value *value = event_get(event, field);

	return value != NULL && value_members(value) > 0 &&
	    value_as_ip(value_member(value, 0), ip);
}

static void
end_run(const struct asset *asset, struct event *event, enum enrich_end end)
{
	static const field_t ips[] = { FIELD_SOURCE_IP, FIELD_DESTINATION_IP };
	static const field_t domains[] = { FIELD_SOURCE_DOMAIN,
		FIELD_DESTINATION_DOMAIN };
	char buf[VALUE_TEXT_BYTES];
	const struct row *row;
	uint8_t ip[16];

	if (event_ip(event, ips[end], ip))
		row = find_by_ip(asset, ip, event->time_ns);
	else
		row = find_by_host(asset,
		    event_text(event, domains[end], buf), event->time_ns);
	if (row == NULL)
		return;
	row_set(event, end, row);
	enrich_set(event, domains[end], row->host);
}

/* All addresses that the machine has at that time. */
static void
host_addresses(const struct asset *asset, struct event *event,
    const struct row *row)
{
	size_t n = 0;

	while (row != NULL && n < ADDRESSES) {
		char buf[IP_TEXT_BYTES];
		struct value value;

		if (row->has_ip && value_parse(arena_dup(
		    event->batch->arena, ip_format(row->ip, buf)),
		    TRANSFORM_OWNED, VALUE_IP, &value)) {
			event_append(event, FIELD_HOST_IP, value);
			n++;
		}
		row = find_next_by_host(asset, row->next_host,
		    event->time_ns);
	}
}

static void
host_run(const struct asset *asset, struct event *event)
{
	char buf[VALUE_TEXT_BYTES];
	const struct row *row = NULL;
	bool has_ip = event_get(event, FIELD_HOST_IP) != NULL;
	uint8_t ip[16];

	row = find_by_host(asset, event_text(event, FIELD_HOST_NAME, buf),
	    event->time_ns);
	if (row == NULL && event_ip(event, FIELD_HOST_IP, ip))
		row = find_by_ip(asset, ip, event->time_ns);
	if (row == NULL)
		return;
	row_set(event, END_HOST, row);
	enrich_set(event, FIELD_HOST_NAME, row->host);
	if (!has_ip)
		host_addresses(asset, event, row);
}

static void
part_run(const void *ptr, struct event *event)
{
	const struct asset *asset = ptr;

	end_run(asset, event, END_SOURCE);
	end_run(asset, event, END_DESTINATION);
	host_run(asset, event);
}

const struct enricher enricher_asset = { part_load, part_run, part_free };
