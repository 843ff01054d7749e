#include "tools/present.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "engine/utf8.h"

#define TABLE_ROWS 500		/* looked at for the width of columns */
#define CELL_COLUMNS 60		/* of a table on a terminal, at most */

struct present {
	FILE	*out;
	enum present_format format;
	const struct schema *schema;
	bool	 terminal, colour;
	size_t	 columns;	/* of the terminal; 0: none */
	uint64_t rows;
	bool	 begun, gone;
	struct strbuf line, cell;
	/* table: rows that wait until the widths are known */
	size_t	 ncols, nwaiting;
	struct strbuf *waiting;	/* cells, ncols for each row */
	size_t	 widths[SCHEMA_COLUMNS];
	bool	 right[SCHEMA_COLUMNS];
};

bool
present_format(const char *name, enum present_format *out)
{
	static const char *const names[] = { "table", "json", "csv", "raw" };

	for (size_t i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum present_format)i;
			return true;
		}
	return false;
}

bool
present_is_terminal(FILE *out)
{
	return isatty(fileno(out)) == 1;
}

bool
present_has_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return present_is_terminal(out) && (no == NULL || *no == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

size_t
present_columns(FILE *out)
{
	struct winsize size;

	if (!present_is_terminal(out))
		return 0;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* --- text --------------------------------------------------------------- */

/* Invisible characters that change how their neighbours are shown. */
static bool
is_treacherous(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	    (point >= 0x200b && point <= 0x200f) ||
	    (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
	    (point >= 0xfff9 && point <= 0xfffb) ||
	    (point >= 0xe0000 && point <= 0xe0fff) || point == 0x061c;
}

void
present_text(struct strbuf *buf, struct slice text)
{
	while (text.len > 0) {
		uint32_t point;
		size_t n = utf8_next(text, &point);

		if (n == 0) {
			strbuf_printf(buf, "\\x%02x",
			    (unsigned char)text.ptr[0]);
			n = 1;
		} else if (point == '\t') {
			strbuf_putc(buf, ' ');
		} else if (is_treacherous(point)) {
			if (point < 0x80)
				strbuf_printf(buf, "\\x%02x", point);
			else
				strbuf_printf(buf, "\\u{%x}", point);
		} else {
			strbuf_put(buf, slice_head(text, n));
		}
		text = slice_skip(text, n);
	}
}

size_t
present_width(struct slice text)
{
	size_t width = 0;

	while (text.len > 0) {
		uint32_t point;
		size_t n = utf8_next(text, &point);

		width += n == 0 ? 1 : utf8_width(point);
		text = slice_skip(text, n == 0 ? 1 : n);
	}
	return width;
}

void
present_fit(struct strbuf *buf, struct slice text, size_t width)
{
	size_t used = 0;

	if (present_width(text) <= width) {
		strbuf_put(buf, text);
		return;
	}
	while (text.len > 0) {
		uint32_t point;
		size_t n = utf8_next(text, &point);
		size_t more = n == 0 ? 1 : utf8_width(point);

		if (used + more + 1 > width)
			break;
		n = n == 0 ? 1 : n;
		strbuf_put(buf, slice_head(text, n));
		text = slice_skip(text, n);
		used += more;
	}
	if (width > 0)
		strbuf_put(buf, SLICE("\xe2\x80\xa6"));
}

/* Appends the value; `separator` stands between members. */
static void
put_value(struct strbuf *buf, const struct value *value,
    const char *separator)
{
	char text[VALUE_TEXT_BYTES];

	if (cell_is_absent(value))
		return;
	for (size_t i = 0; i < value_members(value); i++) {
		const struct value *member = value_member(value, i);

		if (i > 0)
			strbuf_puts(buf, separator);
		if (member->type == VALUE_NULL)
			strbuf_puts(buf, "null");
		else if (member->type == VALUE_TIME)
			strbuf_put(buf, time_format_rfc3339(member->u.num,
			    text));
		else
			present_text(buf, value_as_text(member, text));
	}
}

void
present_value(struct strbuf *buf, const struct value *value)
{
	put_value(buf, value, ", ");
}

/* --- output ------------------------------------------------------------- */

static void
write_line(struct present *present)
{
	if (fwrite(present->line.ptr, 1, present->line.len, present->out) !=
	    present->line.len)
		present->gone = true;
}

struct present *
present_new(FILE *out, enum present_format format,
    const struct schema *schema)
{
	struct present *present = xcalloc(1, sizeof(*present));

	present->out = out;
	present->format = format;
	present->schema = schema;
	present->terminal = present_is_terminal(out);
	present->colour = present_has_colour(out);
	present->columns = present_columns(out);
	strbuf_init(&present->line);
	strbuf_init(&present->cell);
	return present;
}

/* --- json --------------------------------------------------------------- */

/* Fields of an event under the names a rename gave them. */
static void
renamed_json(struct present *present, const struct event *event)
{
	struct arena *arena = arena_new(0);
	struct event copy = *event;
	const struct schema *schema = present->schema;

	copy.fields = arena_zalloc(arena,
	    (size_t)(event->n + 8) * sizeof(*copy.fields));
	for (size_t i = 0; i < event->n; i++) {
		copy.fields[i] = event->fields[i];
		for (size_t r = 0; r < schema->nrenames; r++)
			if (schema->renames[r].from == copy.fields[i])
				copy.fields[i] = schema->renames[r].to;
	}
	event_json(&present->line, &copy, true);
	arena_free(arena);
}

static void
json_row(struct present *present, const struct row *row)
{
	const struct schema *schema = present->schema;
	struct strbuf *line = &present->line;
	bool first = true;

	strbuf_clear(line);
	if (schema->open && schema->nrenames > 0) {
		renamed_json(present, row->event);
	} else if (schema->open) {
		event_json(line, row->event, true);
	} else {
		strbuf_putc(line, '{');
		for (size_t i = 0; i < schema->n; i++) {
			if (cell_is_absent(&row->cells[i]))
				continue;
			if (!first)
				strbuf_putc(line, ',');
			first = false;
			json_put_string(line, field_name(schema->cols[i]));
			strbuf_putc(line, ':');
			value_json(line, &row->cells[i]);
		}
		strbuf_putc(line, '}');
	}
	strbuf_putc(line, '\n');
	write_line(present);
}

/* --- csv ---------------------------------------------------------------- */

/* Columns of events, which have no fixed ones of their own. */
static const field_t event_columns[] = { FIELD_TIMESTAMP, FIELD_EVENT_ID,
	FIELD_EVENT_DATASET, FIELD_HOST_NAME, FIELD_USER_NAME, FIELD_SOURCE_IP,
	FIELD_DESTINATION_IP, FIELD_EVENT_ACTION, FIELD_EVENT_OUTCOME,
	FIELD_EVENT_ORIGINAL };

#define EVENT_COLUMNS (sizeof(event_columns) / sizeof(event_columns[0]))

static void
csv_text(struct strbuf *line, struct slice text, bool guard)
{
	bool quote = guard;

	for (size_t i = 0; i < text.len && !quote; i++)
		quote = text.ptr[i] == '"' || text.ptr[i] == ',' ||
		    text.ptr[i] == '\n' || text.ptr[i] == '\r';
	if (!quote) {
		strbuf_put(line, text);
		return;
	}
	strbuf_putc(line, '"');
	if (guard)
		strbuf_putc(line, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			strbuf_putc(line, '"');
		strbuf_putc(line, text.ptr[i]);
	}
	strbuf_putc(line, '"');
}

static bool
is_formula(struct slice s)
{
	return s.len > 0 && memchr("=+-@\t\r", s.ptr[0], 6) != NULL;
}

/* As RFC 4180 allows any text, line feeds stay; only what is no UTF-8 is
 * written as \xNN. On a terminal nothing may act. */
static void
csv_cell(struct present *present, const struct value *value)
{
	struct strbuf *cell = &present->cell;
	char text[VALUE_TEXT_BYTES];
	bool number = value->type == VALUE_LONG || value->type == VALUE_DOUBLE;
	struct slice s;

	strbuf_clear(cell);
	if (cell_is_absent(value) || value->type == VALUE_NULL)
		return;
	for (size_t i = 0; i < value_members(value); i++) {
		const struct value *member = value_member(value, i);

		if (i > 0)
			strbuf_puts(cell, "; ");
		s = member->type == VALUE_TIME
		    ? time_format_rfc3339(member->u.num, text)
		    : value_as_text(member, text);
		if (present->terminal) {
			present_text(cell, s);
			continue;
		}
		while (s.len > 0) {
			uint32_t point;
			size_t n = utf8_next(s, &point);

			if (n == 0)
				strbuf_printf(cell, "\\x%02x",
				    (unsigned char)s.ptr[0]);
			else
				strbuf_put(cell, slice_head(s, n));
			s = slice_skip(s, n == 0 ? 1 : n);
		}
	}
	s = strbuf_slice(cell);
	csv_text(&present->line, s, !number && is_formula(s));
}

static void
csv_header(struct present *present)
{
	const struct schema *schema = present->schema;
	size_t n = schema->open ? EVENT_COLUMNS : schema->n;

	strbuf_clear(&present->line);
	for (size_t i = 0; i < n; i++) {
		struct slice name = field_name(schema->open
		    ? event_columns[i] : schema->cols[i]);

		if (i > 0)
			strbuf_putc(&present->line, ',');
		strbuf_clear(&present->cell);
		present_text(&present->cell, name);
		name = strbuf_slice(&present->cell);
		/* Our own "@timestamp" is no formula. */
		csv_text(&present->line, name, is_formula(name) &&
		    !slice_eq(name, SLICE("@timestamp")));
	}
	strbuf_puts(&present->line, "\r\n");
	write_line(present);
}

static void
csv_row(struct present *present, const struct row *row)
{
	const struct schema *schema = present->schema;
	size_t n = schema->open ? EVENT_COLUMNS : schema->n;

	if (!present->begun)
		csv_header(present);
	present->begun = true;
	strbuf_clear(&present->line);
	for (size_t i = 0; i < n; i++) {
		struct value value = cell_absent();

		if (i > 0)
			strbuf_putc(&present->line, ',');
		if (schema->open)
			event_value(row->event, event_columns[i], &value);
		else
			value = row->cells[i];
		csv_cell(present, &value);
	}
	strbuf_puts(&present->line, "\r\n");
	write_line(present);
}

/* --- raw ---------------------------------------------------------------- */

static void
raw_row(struct present *present, const struct row *row)
{
	strbuf_clear(&present->line);
	if (present->terminal)
		present_text(&present->line, row->raw);
	else
		strbuf_put(&present->line, row->raw);
	strbuf_putc(&present->line, '\n');
	write_line(present);
}

/* --- table -------------------------------------------------------------- */

static void
pad(struct strbuf *line, size_t n)
{
	while (n-- > 0)
		strbuf_putc(line, ' ');
}

/* An event is one line: when, from which source, the line itself. */
static void
event_line(struct present *present, const struct row *row)
{
	struct strbuf *line = &present->line, *cell = &present->cell;
	char text[TIME_TEXT_BYTES];
	char buf[VALUE_TEXT_BYTES];
	size_t width;

	strbuf_clear(line);
	if (present->colour)
		strbuf_puts(line, "\033[36m");
	strbuf_put(line, time_format_rfc3339(row->event->time_ns, text));
	if (present->colour)
		strbuf_puts(line, "\033[0m");
	strbuf_puts(line, "  ");
	strbuf_clear(cell);
	present_text(cell, event_text(row->event, FIELD_EVENT_DATASET, buf));
	present_fit(line, strbuf_slice(cell), 24);
	width = present_width(strbuf_slice(cell));
	pad(line, width < 18 ? 18 - width : 0);
	strbuf_puts(line, "  ");
	strbuf_clear(cell);
	present_text(cell, row->raw);
	width = 24 + 2 + 18 + 2;
	if (present->columns > width + 20)
		present_fit(line, strbuf_slice(cell),
		    present->columns - width);
	else
		strbuf_put(line, strbuf_slice(cell));
	strbuf_putc(line, '\n');
	write_line(present);
}

static void
table_cells(struct present *present, const struct strbuf *cells, bool header)
{
	struct strbuf *line = &present->line;
	size_t n = present->ncols;

	strbuf_clear(line);
	if (header && present->colour)
		strbuf_puts(line, "\033[1m");
	for (size_t i = 0; i < n; i++) {
		struct slice text = strbuf_slice(&cells[i]);
		size_t width = present_width(text);
		size_t room = present->widths[i];

		if (i > 0)
			strbuf_puts(line, "  ");
		if (present->right[i] && width < room)
			pad(line, room - width);
		if (present->terminal && i + 1 < n)
			present_fit(line, text, room);
		else
			strbuf_put(line, text);
		if (!present->right[i] && i + 1 < n && width < room)
			pad(line, room - width);
	}
	if (header && present->colour)
		strbuf_puts(line, "\033[0m");
	strbuf_putc(line, '\n');
	write_line(present);
}

/* Names of columns, then the rows that waited. */
static void
table_begin(struct present *present)
{
	const struct schema *schema = present->schema;
	struct strbuf *names = xcalloc(present->ncols + 1, sizeof(*names));

	for (size_t i = 0; i < present->ncols; i++) {
		size_t width;

		strbuf_init(&names[i]);
		present_text(&names[i], field_name(schema->cols[i]));
		width = present_width(strbuf_slice(&names[i]));
		for (size_t r = 0; r < present->nwaiting; r++) {
			size_t w = present_width(strbuf_slice(
			    &present->waiting[r * present->ncols + i]));

			width = w > width ? w : width;
		}
		present->widths[i] = present->terminal &&
		    width > CELL_COLUMNS ? CELL_COLUMNS : width;
	}
	table_cells(present, names, true);
	for (size_t r = 0; r < present->nwaiting; r++)
		table_cells(present, present->waiting + r * present->ncols,
		    false);
	for (size_t i = 0; i < present->nwaiting * present->ncols; i++)
		strbuf_fini(&present->waiting[i]);
	for (size_t i = 0; i < present->ncols; i++)
		strbuf_fini(&names[i]);
	free(names);
	free(present->waiting);
	present->waiting = NULL;
	present->nwaiting = 0;
	present->begun = true;
}

static void
table_row(struct present *present, const struct row *row)
{
	const struct schema *schema = present->schema;
	struct strbuf *cells, own[SCHEMA_COLUMNS];

	if (schema->open) {
		event_line(present, row);
		return;
	}
	present->ncols = schema->n;
	if (!present->begun && present->waiting == NULL) {
		present->waiting = xcalloc(TABLE_ROWS * schema->n + 1,
		    sizeof(*present->waiting));
		for (size_t i = 0; i < schema->n; i++)
			present->right[i] = true;
	}
	cells = present->begun ? own
	    : present->waiting + present->nwaiting * schema->n;
	for (size_t i = 0; i < schema->n; i++) {
		const struct value *value = &row->cells[i];

		strbuf_init(&cells[i]);
		present_value(&cells[i], value);
		if (!present->begun && !cell_is_absent(value) &&
		    value->type != VALUE_LONG && value->type != VALUE_DOUBLE)
			present->right[i] = false;
	}
	if (!present->begun) {
		if (++present->nwaiting == TABLE_ROWS)
			table_begin(present);
		return;
	}
	table_cells(present, cells, false);
	for (size_t i = 0; i < schema->n; i++)
		strbuf_fini(&cells[i]);
}

/* --- all ---------------------------------------------------------------- */

bool
present_row(struct present *present, const struct row *row)
{
	present->rows++;
	switch (present->format) {
	case PRESENT_JSON:
		json_row(present, row);
		break;
	case PRESENT_CSV:
		csv_row(present, row);
		break;
	case PRESENT_RAW:
		raw_row(present, row);
		break;
	case PRESENT_TABLE:
		table_row(present, row);
		break;
	}
	return !present->gone;
}

void
present_flush(struct present *present)
{
	if (present->format == PRESENT_TABLE && present->nwaiting > 0)
		table_begin(present);
	fflush(present->out);
}

uint64_t
present_end(struct present *present)
{
	uint64_t rows = present->rows;

	if (present->format == PRESENT_CSV && !present->begun)
		csv_header(present);
	present_flush(present);
	strbuf_fini(&present->line);
	strbuf_fini(&present->cell);
	free(present->waiting);
	free(present);
	return rows;
}
