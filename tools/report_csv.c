/* tools/report_csv.c -- the tables of the report for a spreadsheet.
 *
 * RFC 4180 with a UTF-8 BOM and CRLF. A cell that a spreadsheet would compute
 * gets a ' in front: names of hosts and rules come from outside.
 */
#include "tools/report.h"

#include "engine/timeparse.h"

struct sheet {
	struct strbuf buf;
	bool	 row_begun;
};

static void
sheet_begin(struct sheet *sheet)
{
	strbuf_clear(&sheet->buf);
	strbuf_puts(&sheet->buf, "\xef\xbb\xbf");
	sheet->row_begun = false;
}

static void
put_cell(struct sheet *sheet, struct slice text)
{
	bool quote = false;

	if (sheet->row_begun)
		strbuf_putc(&sheet->buf, ',');
	sheet->row_begun = true;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '"' || text.ptr[i] == ',' ||
		    text.ptr[i] == '\r' || text.ptr[i] == '\n')
			quote = true;
	if (quote)
		strbuf_putc(&sheet->buf, '"');
	if (text.len > 0 && memchr("=+-@\t\r", text.ptr[0], 6) != NULL)
		strbuf_putc(&sheet->buf, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			strbuf_putc(&sheet->buf, '"');
		strbuf_putc(&sheet->buf, text.ptr[i]);
	}
	if (quote)
		strbuf_putc(&sheet->buf, '"');
}

static void
put_word(struct sheet *sheet, const char *text)
{
	put_cell(sheet, slice_cstr(text));
}

static void
put_count(struct sheet *sheet, uint64_t n)
{
	if (sheet->row_begun)
		strbuf_putc(&sheet->buf, ',');
	sheet->row_begun = true;
	strbuf_printf(&sheet->buf, "%llu", (unsigned long long)n);
}

static void
put_time(struct sheet *sheet, int64_t time_ns)
{
	char buf[TIME_TEXT_BYTES];

	put_cell(sheet, time_format_rfc3339(time_ns, buf));
}

static void
end_row(struct sheet *sheet)
{
	strbuf_puts(&sheet->buf, "\r\n");
	sheet->row_begun = false;
}

static void
put_head(struct sheet *sheet, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_word(sheet, names[i]);
	end_row(sheet);
}

static void
counts_sheet(struct sheet *sheet, const struct report *report)
{
	static const char *const head[] = { "severity", "alerts",
		"alerts_month_before" };

	put_head(sheet, head, 3);
	for (int level = REPORT_LEVELS - 1; level >= 0; level--) {
		put_word(sheet, report_level_names[level]);
		put_count(sheet, report->levels[level]);
		put_count(sheet, report->levels_previous[level]);
		end_row(sheet);
	}
}

static void
daily_sheet(struct sheet *sheet, const struct report *report)
{
	static const char *const head[] = { "day", "events", "informational",
		"low", "medium", "high", "critical" };

	put_head(sheet, head, 7);
	for (int day = 0; day < report->days; day++) {
		struct strbuf name = STRBUF_INIT;

		strbuf_printf(&name, "%04d-%02d-%02d", report->year,
		    report->month, day + 1);
		put_cell(sheet, strbuf_slice(&name));
		strbuf_fini(&name);
		put_count(sheet, report->day_events[day]);
		for (int level = 0; level < REPORT_LEVELS; level++)
			put_count(sheet, report->day_levels[day][level]);
		end_row(sheet);
	}
}

static void
put_list(struct sheet *sheet, const struct slice *items, size_t n)
{
	struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			strbuf_putc(&all, ' ');
		strbuf_put(&all, items[i]);
	}
	put_cell(sheet, strbuf_slice(&all));
	strbuf_fini(&all);
}

static void
alerts_sheet(struct sheet *sheet, const struct report *report)
{
	static const char *const head[] = { "id", "time", "severity", "layer",
		"score", "rule_id", "rule", "group", "first", "last", "events",
		"tactics", "techniques", "sentence" };

	put_head(sheet, head, sizeof head / sizeof head[0]);
	for (size_t i = 0; i < report->nalerts; i++) {
		const struct report_alert *alert = &report->alerts[i];

		put_cell(sheet, alert->id);
		put_time(sheet, alert->time_ns);
		put_word(sheet, report_level_names[alert->level]);
		put_word(sheet, report_layer_names[alert->layer]);
		put_count(sheet, (uint64_t)alert->score);
		put_cell(sheet, alert->rule_id);
		put_cell(sheet, alert->rule);
		put_cell(sheet, alert->group);
		put_time(sheet, alert->first_ns);
		put_time(sheet, alert->last_ns);
		put_count(sheet, alert->count);
		put_list(sheet, alert->tactics, alert->ntactics);
		put_list(sheet, alert->techniques, alert->ntechniques);
		put_cell(sheet, alert->sentence);
		end_row(sheet);
	}
}

static void
put_rows(struct sheet *sheet, const char *list, const struct report_row *rows,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_word(sheet, list);
		put_cell(sheet, rows[i].name);
		put_count(sheet, rows[i].n);
		put_count(sheet, rows[i].previous);
		put_count(sheet, rows[i].rank_previous);
		end_row(sheet);
	}
}

static void
top_sheet(struct sheet *sheet, const struct report *report)
{
	static const char *const head[] = { "list", "value", "count",
		"count_month_before", "rank_month_before" };

	put_head(sheet, head, 5);
	put_rows(sheet, "rules", report->rules, report->nrules);
	put_rows(sheet, "hits", report->hits, report->nhits);
	put_rows(sheet, "tactics", report->tactics, report->ntactics);
	for (size_t i = 0; i < report->nlists; i++)
		put_rows(sheet, report->lists[i].id, report->lists[i].rows,
		    report->lists[i].n);
}

static void
sources_sheet(struct sheet *sheet, const struct report *report)
{
	static const char *const head[] = { "source", "events",
		"events_month_before", "last" };

	put_head(sheet, head, 4);
	for (size_t i = 0; i < report->nsources; i++) {
		const struct report_source *source = &report->sources[i];

		put_cell(sheet, source->dataset);
		put_count(sheet, source->events);
		put_count(sheet, source->previous);
		if (source->events > 0)
			put_time(sheet, source->last_ns);
		else
			put_word(sheet, "");
		end_row(sheet);
	}
}

bool
report_csv(const struct report *report,
    bool (*put)(void *arg, const char *name, struct slice bytes), void *arg)
{
	static const struct {
		const char *name;
		void	(*fill)(struct sheet *, const struct report *);
	} sheets[] = {
		{ "counts.csv", counts_sheet },
		{ "daily.csv", daily_sheet },
		{ "alerts.csv", alerts_sheet },
		{ "top.csv", top_sheet },
		{ "sources.csv", sources_sheet },
	};
	struct sheet sheet = { STRBUF_INIT, false };
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof sheets / sizeof sheets[0]; i++) {
		sheet_begin(&sheet);
		sheets[i].fill(&sheet, report);
		ok = put(arg, sheets[i].name, strbuf_slice(&sheet.buf));
	}
	strbuf_fini(&sheet.buf);
	return ok;
}
