/* tools/report_html.c -- the report as one page that prints well on A4.
 *
 * Everything that comes from events goes through put_escaped(); nothing of it
 * reaches an attribute, a URL or the style. Charts are inline SVG. Colour is
 * never the only mark of anything.
 */
#include "tools/report.h"

#include "engine/timeparse.h"
#include "engine/utf8.h"

struct page {
	struct strbuf *out;
	const struct report *report;
	const struct report_texts *texts;
};

static const char style[] =
"@page{size:A4;margin:16mm 14mm}"
"*{box-sizing:border-box}"
"body{font:10.5pt/1.55 'Noto Sans','Noto Sans JP','Hiragino Sans',"
"'Yu Gothic',Arial,sans-serif;color:#1c2330;max-width:190mm;margin:0 auto;"
"padding:8mm 4mm;background:#fff}"
"header{border-bottom:3px solid #24405f;padding:18mm 0 6mm;margin-bottom:8mm}"
"h1{font-size:24pt;margin:0;color:#24405f}"
"h2{font-size:14pt;color:#24405f;border-bottom:1px solid #b9c4d2;"
"margin:9mm 0 3mm;padding-bottom:1mm;break-after:avoid}"
"h3{font-size:11pt;margin:5mm 0 2mm;break-after:avoid}"
"p{margin:1.5mm 0}"
"table{border-collapse:collapse;width:100%;margin:2mm 0 4mm;font-size:9.5pt}"
"th,td{padding:1mm 2mm;border-bottom:1px solid #dbe2ea;text-align:left;"
"vertical-align:top;overflow-wrap:anywhere}"
"th{background:#eef2f6;font-weight:600}"
"td.n,th.n{text-align:right;white-space:nowrap}"
"tr{break-inside:avoid}"
".lead{font-size:12pt}.quiet{color:#5a6675}"
".alert{border:1px solid #b9c4d2;border-left:4px solid #24405f;"
"padding:2mm 4mm;margin:3mm 0;break-inside:avoid}"
".alert h3{margin:0 0 1mm}.alert dl{display:grid;"
"grid-template-columns:32mm 1fr;margin:1mm 0;font-size:9.5pt}"
"dt{color:#5a6675}dd{margin:0;overflow-wrap:anywhere}"
".steps{font-size:8.5pt}.steps td{padding:.4mm 2mm}"
".level{display:inline-block;border:1px solid currentColor;border-radius:3px;"
"padding:0 1.5mm;font-size:9pt;font-weight:600}"
".critical{color:#8e1b1b}.high{color:#b4430f}.medium{color:#7a5b00}"
".low{color:#23627a}.informational{color:#5a6675}"
"svg{width:100%;height:auto;margin:1mm 0 3mm}svg text{font-size:9px;"
"fill:#5a6675}"
".f-critical{fill:#8e1b1b}.f-high{fill:#d1631f}.f-medium{fill:#d9b13b}"
".f-low{fill:#5a9db8}.f-informational{fill:#b9c4d2}.f-bar{fill:#4d7aa8}";

/* The five characters of HTML, and what no reader shall meet unmarked:
 * controls, text that turns the direction, bytes that are not UTF-8. */
static void
put_escaped(struct strbuf *out, struct slice text)
{
	while (text.len > 0) {
		uint32_t point;
		size_t n = utf8_next(text, &point);

		if (n == 0) {
			strbuf_printf(out, "\\x%02X",
			    (unsigned)(unsigned char)text.ptr[0]);
			text = slice_skip(text, 1);
			continue;
		}
		if (point == '&')
			strbuf_puts(out, "&amp;");
		else if (point == '<')
			strbuf_puts(out, "&lt;");
		else if (point == '>')
			strbuf_puts(out, "&gt;");
		else if (point == '"')
			strbuf_puts(out, "&quot;");
		else if (point == '\'')
			strbuf_puts(out, "&#39;");
		else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
			strbuf_printf(out, "\\x%02X", point);
		else if ((point >= 0x200b && point <= 0x200f) ||
		    (point >= 0x2028 && point <= 0x202e) ||
		    (point >= 0x2066 && point <= 0x2069) || point == 0xfeff)
			strbuf_printf(out, "\\u{%X}", point);
		else
			strbuf_put(out, slice_head(text, n));
		text = slice_skip(text, n);
	}
}

static void
word(struct page *page, const char *key)
{
	put_escaped(page->out, report_text(page->texts, key));
}

/* A text with {name} places; the parts come as name, text pairs. */
struct part {
	const char *name;
	struct slice text;
};

static void
sentence(struct page *page, const char *key, const struct part *parts,
    size_t n)
{
	struct slice form = report_text(page->texts, key);

	while (form.len > 0) {
		ptrdiff_t open = slice_find_byte(form, '{');
		ptrdiff_t close;
		struct slice name;
		size_t i;

		if (open < 0)
			break;
		close = slice_find_byte(slice_skip(form, (size_t)open), '}');
		if (close < 0)
			break;
		put_escaped(page->out, slice_head(form, (size_t)open));
		name = slice_head(slice_skip(form, (size_t)open + 1),
		    (size_t)close - 1);
		for (i = 0; i < n; i++)
			if (slice_eq(name, slice_cstr(parts[i].name)))
				put_escaped(page->out, parts[i].text);
		form = slice_skip(form, (size_t)(open + close) + 1);
	}
	put_escaped(page->out, form);
}

/* The word under group.name, as in "level.high". */
static void
word_of(struct page *page, const char *group, const char *name)
{
	struct strbuf key = STRBUF_INIT;

	strbuf_printf(&key, "%s.%s", group, name);
	word(page, key.ptr);
	strbuf_fini(&key);
}

static void
chapter(struct page *page, const char *id)
{
	strbuf_printf(page->out, "</section>\n<section id=\"%s\"><h2>", id);
	word(page, id);
	strbuf_puts(page->out, "</h2>\n");
}

static void
heading(struct page *page, const char *key)
{
	strbuf_puts(page->out, "<h3>");
	word(page, key);
	strbuf_puts(page->out, "</h3>\n");
}

static void
paragraph(struct page *page, const char *key)
{
	strbuf_puts(page->out, "<p class=\"quiet\">");
	word(page, key);
	strbuf_puts(page->out, "</p>\n");
}

static void
head_cell(struct page *page, const char *key, bool number)
{
	strbuf_puts(page->out, number ? "<th class=\"n\">" : "<th>");
	word(page, key);
	strbuf_puts(page->out, "</th>");
}

static void
cell(struct page *page, struct slice text)
{
	strbuf_puts(page->out, "<td>");
	put_escaped(page->out, text);
	strbuf_puts(page->out, "</td>");
}

static void
number_cell(struct page *page, uint64_t n)
{
	strbuf_puts(page->out, "<td class=\"n\">");
	report_put_number(page->out, n);
	strbuf_puts(page->out, "</td>");
}

static void
change_cell(struct page *page, uint64_t now, uint64_t before)
{
	strbuf_puts(page->out, "<td class=\"n\">");
	report_put_change(page->out, page->texts, now, before);
	strbuf_puts(page->out, "</td>");
}

static void
time_cell(struct page *page, int64_t time_ns)
{
	char buf[TIME_TEXT_BYTES];
	struct slice text = time_format_rfc3339(time_ns, buf);

	/* To the second; who needs more looks into the store. */
	cell(page, slice_head(text, 19));
}

static void
share_text(struct strbuf *out, uint64_t part, uint64_t whole)
{
	strbuf_printf(out, "%.1f%%",
	    whole > 0 ? (double)part * 100 / (double)whole : 0.0);
}

static void
put_cover(struct page *page)
{
	const struct report *report = page->report;

	strbuf_puts(page->out, "<section id=\"cover\"><header><h1>");
	word(page, "title");
	strbuf_puts(page->out, "</h1><p class=\"lead\">");
	report_put_month(page->out, page->texts, report->year, report->month);
	strbuf_puts(page->out, "</p><p>");
	word(page, "cover.subtitle");
	strbuf_puts(page->out, "</p><p class=\"quiet\">");
	word(page, "cover.period");
	strbuf_puts(page->out, " ");
	report_put_date(page->out, page->texts, report->from_ns);
	strbuf_puts(page->out, " \u2013 ");
	report_put_date(page->out, page->texts, report->to_ns - 1);
	strbuf_puts(page->out, " \u00b7 ");
	word(page, "cover.made");
	strbuf_puts(page->out, " ");
	report_put_date(page->out, page->texts, report->made_ns);
	strbuf_puts(page->out, " \u00b7 ");
	word(page, "cover.times");
	strbuf_puts(page->out, "</p></header>\n");
}

static struct slice
number_text(struct strbuf *buf, uint64_t n)
{
	size_t at = buf->len;

	report_put_number(buf, n);
	return slice_of(buf->ptr + at, buf->len - at);
}

static void
put_summary(struct page *page)
{
	const struct report *report = page->report;
	struct strbuf buf = STRBUF_INIT;
	struct part parts[5];

	chapter(page, "summary");
	/* Slices point into buf: room first, so that it does not move. */
	strbuf_room(&buf, 256);
	parts[0] = (struct part){ "events",
	    number_text(&buf, report->events) };
	parts[1] = (struct part){ "sources",
	    number_text(&buf, report->nsources) };
	parts[2] = (struct part){ "alerts",
	    number_text(&buf, report->nalerts) };
	parts[3] = (struct part){ "serious",
	    number_text(&buf, report->levels[3] + report->levels[4]) };
	parts[4] = (struct part){ "models",
	    number_text(&buf, report->layers[2]) };
	strbuf_puts(page->out, "<p class=\"lead\">");
	sentence(page, report->nalerts > 0 ? "summary.busy" : "summary.quiet",
	    parts, 5);
	strbuf_puts(page->out, "</p>\n");

	strbuf_clear(&buf);
	report_put_change(&buf, page->texts, report->nalerts,
	    report->nalerts_previous);
	parts[0] = (struct part){ "change", strbuf_slice(&buf) };
	strbuf_puts(page->out, "<p>");
	sentence(page, "summary.change", parts, 1);
	strbuf_puts(page->out, "</p>\n");
	if (report->nalerts > 0) {
		parts[0] = (struct part){ "sentence",
		    report->alerts[0].sentence };
		strbuf_puts(page->out, "<p>");
		sentence(page, "summary.worst", parts, 1);
		strbuf_puts(page->out, "</p>\n");
	}
	strbuf_fini(&buf);
}

static void
level_mark(struct page *page, int level)
{
	strbuf_printf(page->out, "<span class=\"level %s\">",
	    report_level_names[level]);
	word_of(page, "level", report_level_names[level]);
	strbuf_puts(page->out, "</span>");
}

static void
put_counts(struct page *page)
{
	const struct report *report = page->report;
	uint64_t all = 0, before = 0;

	chapter(page, "counts");
	strbuf_puts(page->out, "<table><tr>");
	head_cell(page, "counts.level", false);
	head_cell(page, "counts.detected", true);
	head_cell(page, "counts.previous", true);
	head_cell(page, "counts.mean", true);
	head_cell(page, "counts.change", true);
	strbuf_puts(page->out, "</tr>\n");
	for (int level = REPORT_LEVELS - 1; level >= 0; level--) {
		strbuf_puts(page->out, "<tr><td>");
		level_mark(page, level);
		strbuf_puts(page->out, "</td>");
		number_cell(page, report->levels[level]);
		number_cell(page, report->levels_previous[level]);
		strbuf_printf(page->out, "<td class=\"n\">%.1f</td>",
		    report->levels_mean[level]);
		change_cell(page, report->levels[level],
		    report->levels_previous[level]);
		strbuf_puts(page->out, "</tr>\n");
		all += report->levels[level];
		before += report->levels_previous[level];
	}
	strbuf_puts(page->out, "<tr><th>");
	word(page, "total");
	strbuf_puts(page->out, "</th>");
	number_cell(page, all);
	number_cell(page, before);
	strbuf_puts(page->out, "<td></td>");
	change_cell(page, all, before);
	strbuf_puts(page->out, "</tr></table>\n");
	if (all == 0)
		paragraph(page, "none");
}

static void
funnel_row(struct page *page, const char *key, uint64_t n)
{
	strbuf_puts(page->out, "<tr><td>");
	word(page, key);
	strbuf_puts(page->out, "</td>");
	number_cell(page, n);
	strbuf_puts(page->out, "</tr>\n");
}

static void
put_funnel(struct page *page)
{
	const struct report *report = page->report;

	chapter(page, "funnel");
	strbuf_puts(page->out, "<table>");
	funnel_row(page, "funnel.received", report->events);
	funnel_row(page, "funnel.matched", report->matched);
	funnel_row(page, "funnel.alerts", report->nalerts);
	funnel_row(page, "funnel.models", report->layers[2]);
	strbuf_puts(page->out, "</table>\n");
}

/* A bar a day, stacked by `parts` values; the greatest value stands above. */
static void
put_bars(struct page *page, const uint64_t *values, size_t parts,
    const char *const *classes)
{
	int days = page->report->days;
	uint64_t top = 0;
	const double width = 640, height = 120;

	for (int day = 0; day < days; day++) {
		uint64_t sum = 0;

		for (size_t k = 0; k < parts; k++)
			sum += values[(size_t)day * parts + k];
		if (sum > top)
			top = sum;
	}
	strbuf_puts(page->out,
	    "<svg viewBox=\"0 0 680 150\" role=\"img\">");
	strbuf_puts(page->out, "<text x=\"0\" y=\"9\">");
	report_put_number(page->out, top);
	strbuf_puts(page->out, "</text>");
	for (int day = 0; day < days; day++) {
		double step = width / days, x = 30 + day * step, y = 132;

		for (size_t k = 0; k < parts; k++) {
			double h = top > 0 ? (double)values[(size_t)day *
			    parts + k] * height / (double)top : 0;

			y -= h;
			if (h > 0)
				strbuf_printf(page->out, "<rect class=\"%s\" "
				    "x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
				    "height=\"%.1f\"/>", classes[k], x, y,
				    step * 0.8, h);
		}
		if (day == 0 || (day + 1) % 5 == 0)
			strbuf_printf(page->out, "<text x=\"%.1f\" "
			    "y=\"145\">%d</text>", x, day + 1);
	}
	strbuf_puts(page->out, "<rect class=\"f-informational\" x=\"30\" "
	    "y=\"132\" width=\"640\" height=\"1\"/></svg>\n");
}

static void
put_week(struct page *page)
{
	heading(page, "daily.week");
	strbuf_puts(page->out, "<table class=\"steps\"><tr><th></th>");
	for (int hour = 0; hour < 24; hour++)
		strbuf_printf(page->out, "<th class=\"n\">%d</th>", hour);
	strbuf_puts(page->out, "</tr>\n");
	for (int day = 0; day < 7; day++) {
		const char name[] = { (char)('0' + day), '\0' };

		strbuf_puts(page->out, "<tr><th>");
		word_of(page, "weekday", name);
		strbuf_puts(page->out, "</th>");
		for (int hour = 0; hour < 24; hour++) {
			uint64_t n = page->report->week[day][hour];

			if (n > 0)
				number_cell(page, n);
			else
				strbuf_puts(page->out,
				    "<td class=\"n quiet\">\u00b7</td>");
		}
		strbuf_puts(page->out, "</tr>\n");
	}
	strbuf_puts(page->out, "</table>\n");
}

static void
put_daily(struct page *page)
{
	static const char *const bar[] = { "f-bar" };
	static const char *const levels[] = { "f-informational", "f-low",
		"f-medium", "f-high", "f-critical" };

	chapter(page, "daily");
	heading(page, "daily.events");
	put_bars(page, page->report->day_events, 1, bar);
	if (page->report->nalerts == 0) {
		paragraph(page, "none");
		return;
	}
	heading(page, "daily.alerts");
	put_bars(page, &page->report->day_levels[0][0], REPORT_LEVELS, levels);
	put_week(page);
}

static void
put_rows(struct page *page, const char *name_key, const char *count_key,
    const struct report_row *rows, size_t n)
{
	if (n == 0) {
		paragraph(page, "none");
		return;
	}
	strbuf_puts(page->out, "<table><tr>");
	head_cell(page, name_key, false);
	head_cell(page, count_key, true);
	head_cell(page, "counts.previous", true);
	head_cell(page, "counts.change", true);
	strbuf_puts(page->out, "</tr>\n");
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(page->out, "<tr>");
		cell(page, rows[i].name);
		number_cell(page, rows[i].n);
		number_cell(page, rows[i].previous);
		change_cell(page, rows[i].n, rows[i].previous);
		strbuf_puts(page->out, "</tr>\n");
	}
	strbuf_puts(page->out, "</table>\n");
}

static void
put_trend(struct page *page)
{
	chapter(page, "trend");
	heading(page, "trend.text");
	put_rows(page, "trend.rule", "counts.detected", page->report->rules,
	    page->report->nrules);
	heading(page, "trend.hits");
	put_rows(page, "trend.rule", "top.count", page->report->hits,
	    page->report->nhits);
}

static void
term(struct page *page, const char *key)
{
	strbuf_puts(page->out, "<dt>");
	word(page, key);
	strbuf_puts(page->out, "</dt><dd>");
}

static void
put_alert(struct page *page, const struct report_alert *alert)
{
	char time[TIME_TEXT_BYTES];

	strbuf_puts(page->out, "<div class=\"alert\"><h3>");
	level_mark(page, alert->level);
	strbuf_puts(page->out, " ");
	put_escaped(page->out, alert->rule);
	strbuf_puts(page->out, "</h3><p>");
	put_escaped(page->out, alert->sentence);
	strbuf_puts(page->out, "</p><dl>");
	term(page, "incident.score");
	strbuf_printf(page->out, "%.0f</dd>", alert->score);
	term(page, "incident.layer");
	word_of(page, "layer", report_layer_names[alert->layer]);
	strbuf_puts(page->out, "</dd>");
	term(page, "incident.group");
	put_escaped(page->out, alert->group);
	strbuf_puts(page->out, "</dd>");
	term(page, "incident.first");
	put_escaped(page->out,
	    slice_head(time_format_rfc3339(alert->first_ns, time), 19));
	strbuf_puts(page->out, "</dd>");
	term(page, "incident.last");
	put_escaped(page->out,
	    slice_head(time_format_rfc3339(alert->last_ns, time), 19));
	strbuf_puts(page->out, "</dd>");
	term(page, "incident.count");
	report_put_number(page->out, alert->count);
	strbuf_puts(page->out, "</dd>");
	term(page, "incident.attack");
	for (size_t i = 0; i < alert->ntactics; i++) {
		put_escaped(page->out, alert->tactics[i]);
		strbuf_putc(page->out, ' ');
	}
	for (size_t i = 0; i < alert->ntechniques; i++) {
		put_escaped(page->out, alert->techniques[i]);
		strbuf_putc(page->out, ' ');
	}
	strbuf_puts(page->out, "</dd>");
	if (alert->advice.len > 0) {
		term(page, "incident.advice");
		put_escaped(page->out, alert->advice);
		strbuf_puts(page->out, "</dd>");
	}
	if (alert->nresponses > 0) {
		term(page, "incident.responses");
		for (size_t i = 0; i < alert->nresponses; i++) {
			strbuf_puts(page->out, i > 0 ? ", <code>" : "<code>");
			put_escaped(page->out, alert->responses[i]);
			strbuf_puts(page->out, "</code>");
		}
		strbuf_puts(page->out, "</dd>");
	}
	strbuf_puts(page->out, "</dl>");
	if (alert->nsteps > 0) {
		strbuf_puts(page->out, "<table class=\"steps\"><tr>");
		head_cell(page, "incident.timeline", false);
		strbuf_puts(page->out, "<th></th><th></th></tr>\n");
		for (size_t i = 0; i < alert->nsteps; i++) {
			strbuf_puts(page->out, "<tr>");
			time_cell(page, alert->steps[i].time_ns);
			cell(page, alert->steps[i].dataset);
			cell(page, alert->steps[i].text);
			strbuf_puts(page->out, "</tr>\n");
		}
		strbuf_puts(page->out, "</table>");
	}
	strbuf_puts(page->out, "</div>\n");
}

static void
put_incidents(struct page *page)
{
	const struct report *report = page->report;
	size_t told = report->nalerts < REPORT_ALERTS ?
	    (size_t)report->nalerts : REPORT_ALERTS;

	chapter(page, "incidents");
	if (told == 0)
		paragraph(page, "none");
	for (size_t i = 0; i < told; i++)
		put_alert(page, &report->alerts[i]);
	if (report->nalerts > told) {
		struct strbuf buf = STRBUF_INIT;
		struct part part = { "n",
		    number_text(&buf, report->nalerts - told) };

		strbuf_puts(page->out, "<p class=\"quiet\">");
		sentence(page, "incidents.more", &part, 1);
		strbuf_puts(page->out, "</p>\n");
		strbuf_fini(&buf);
	}
}

static void
put_top(struct page *page)
{
	chapter(page, "top");
	for (size_t i = 0; i < page->report->nlists; i++) {
		const struct report_list *list = &page->report->lists[i];

		strbuf_puts(page->out, "<h3>");
		word_of(page, "top", list->id);
		strbuf_puts(page->out, "</h3>\n");
		if (list->n == 0) {
			paragraph(page, "none");
			continue;
		}
		strbuf_puts(page->out, "<table><tr>");
		head_cell(page, "top.name", false);
		head_cell(page, "top.count", true);
		head_cell(page, "counts.previous", true);
		head_cell(page, "top.rank", true);
		strbuf_puts(page->out, "</tr>\n");
		for (size_t k = 0; k < list->n; k++) {
			const struct report_row *row = &list->rows[k];

			strbuf_puts(page->out, "<tr>");
			cell(page, row->name);
			number_cell(page, row->n);
			number_cell(page, row->previous);
			if (row->rank_previous > 0)
				number_cell(page, row->rank_previous);
			else
				strbuf_puts(page->out,
				    "<td class=\"n quiet\">\u2013</td>");
			strbuf_puts(page->out, "</tr>\n");
		}
		strbuf_puts(page->out, "</table>\n");
	}
}

static void
put_coverage(struct page *page)
{
	const struct report *report = page->report;

	chapter(page, "coverage");
	strbuf_puts(page->out, "<table><tr>");
	head_cell(page, "coverage.source", false);
	head_cell(page, "coverage.events", true);
	head_cell(page, "coverage.share", true);
	head_cell(page, "counts.previous", true);
	head_cell(page, "coverage.last", false);
	strbuf_puts(page->out, "</tr>\n");
	for (size_t i = 0; i < report->nsources; i++) {
		const struct report_source *source = &report->sources[i];

		strbuf_puts(page->out, "<tr>");
		cell(page, source->dataset);
		number_cell(page, source->events);
		strbuf_puts(page->out, "<td class=\"n\">");
		share_text(page->out, source->events, report->events);
		strbuf_puts(page->out, "</td>");
		number_cell(page, source->previous);
		if (source->events > 0) {
			time_cell(page, source->last_ns);
		} else {
			strbuf_puts(page->out, "<td>");
			word(page, "coverage.silent");
			strbuf_puts(page->out, "</td>");
		}
		strbuf_puts(page->out, "</tr>\n");
	}
	strbuf_puts(page->out, "<tr><th>");
	word(page, "total");
	strbuf_puts(page->out, "</th>");
	number_cell(page, report->events);
	strbuf_puts(page->out, "<td></td>");
	number_cell(page, report->events_previous);
	strbuf_puts(page->out, "<td></td></tr>\n<tr><td>");
	word(page, "coverage.unparsed");
	strbuf_puts(page->out, "</td>");
	number_cell(page, report->unparsed);
	strbuf_puts(page->out, "<td class=\"n\">");
	share_text(page->out, report->unparsed, report->events);
	strbuf_puts(page->out, "</td><td></td><td></td></tr></table>\n");
}

static void
kept_row(struct page *page, const char *key, uint64_t n, bool bytes)
{
	strbuf_puts(page->out, "<tr><td>");
	word(page, key);
	strbuf_puts(page->out, "</td><td class=\"n\">");
	if (!bytes)
		report_put_number(page->out, n);
	else if (n >= (UINT64_C(1) << 30))
		strbuf_printf(page->out, "%.1f GiB",
		    (double)n / (double)(1 << 30));
	else
		strbuf_printf(page->out, "%.1f MiB",
		    (double)n / (double)(1 << 20));
	strbuf_puts(page->out, "</td></tr>\n");
}

static void
put_retention(struct page *page)
{
	const struct report *report = page->report;

	chapter(page, "retention");
	strbuf_puts(page->out, "<table>");
	if (report->partitions > 0) {
		strbuf_puts(page->out, "<tr><td>");
		word(page, "retention.oldest");
		strbuf_puts(page->out, "</td><td class=\"n\">");
		report_put_date(page->out, page->texts, report->oldest_ns);
		strbuf_puts(page->out, "</td></tr>\n<tr><td>");
		word(page, "retention.newest");
		strbuf_puts(page->out, "</td><td class=\"n\">");
		report_put_date(page->out, page->texts, report->newest_ns);
		strbuf_puts(page->out, "</td></tr>\n");
	}
	kept_row(page, "retention.days", report->partitions, false);
	kept_row(page, "retention.events", report->kept_events, false);
	kept_row(page, "retention.raw", report->kept_raw_bytes, true);
	kept_row(page, "retention.bytes", report->kept_bytes, true);
	kept_row(page, "retention.free", report->free_bytes, true);
	if (report->missing > 0)
		kept_row(page, "retention.missing", report->missing, false);
	strbuf_puts(page->out, "</table>\n");
}

static void
proposal(struct page *page, const char *key, struct part a, struct part b)
{
	struct part parts[2] = { a, b };

	strbuf_puts(page->out, "<li>");
	sentence(page, key, parts, 2);
	strbuf_puts(page->out, "</li>\n");
}

/* What follows from the figures alone. Limits: 1 % of lines not understood is
 * where a source is missing, not a stray line; half of all alerts from one
 * rule hides the others; 60 days is a purchase. */
static void
put_proposals(struct page *page)
{
	const struct report *report = page->report;
	const struct part no = { "", { "", 0 } };
	struct strbuf buf = STRBUF_INIT;
	uint64_t a_day = report->partitions > 0 ?
	    report->kept_bytes / report->partitions : 0;
	size_t made = 0;

	chapter(page, "proposals");
	strbuf_puts(page->out, "<ul>");
	if (report->unparsed * 100 > report->events) {
		share_text(&buf, report->unparsed, report->events);
		proposal(page, "proposals.unparsed",
		    (struct part){ "share", strbuf_slice(&buf) }, no);
		made++;
	}
	if (report->nrules > 1 && report->nalerts >= 20 &&
	    report->rules[0].n * 2 > report->nalerts) {
		strbuf_clear(&buf);
		share_text(&buf, report->rules[0].n, report->nalerts);
		proposal(page, "proposals.noisy",
		    (struct part){ "share", strbuf_slice(&buf) },
		    (struct part){ "rule", report->rules[0].name });
		made++;
	}
	for (size_t i = 0; i < report->nsources; i++) {
		if (report->sources[i].events > 0)
			continue;
		proposal(page, "proposals.silent", (struct part){ "source",
		    report->sources[i].dataset }, no);
		made++;
	}
	if (a_day > 0 && report->free_bytes / a_day < 60) {
		strbuf_clear(&buf);
		report_put_number(&buf, report->free_bytes / a_day);
		proposal(page, "proposals.disk",
		    (struct part){ "days", strbuf_slice(&buf) }, no);
		made++;
	}
	if (made == 0) {
		strbuf_puts(page->out, "<li>");
		word(page, "proposals.none");
		strbuf_puts(page->out, "</li>");
	}
	strbuf_puts(page->out, "</ul>\n");
	strbuf_fini(&buf);
}

static void
put_unrecorded(struct page *page, const char *id, const char *key)
{
	chapter(page, id);
	paragraph(page, key);
}

void
report_html(struct strbuf *out, const struct report *report,
    const struct report_texts *texts)
{
	struct page page = { out, report, texts };

	strbuf_puts(out, "<!DOCTYPE html>\n<html lang=\"");
	put_escaped(out, report_text(texts, "lang"));
	strbuf_puts(out, "\"><head><meta charset=\"utf-8\">"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; style-src 'unsafe-inline'\">"
	    "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	put_escaped(out, report_text(texts, "title"));
	strbuf_printf(out, " %04d-%02d</title><style>%s</style></head>"
	    "<body>\n", report->year, report->month, style);
	put_cover(&page);
	put_summary(&page);
	put_counts(&page);
	put_funnel(&page);
	put_daily(&page);
	put_trend(&page);
	put_incidents(&page);
	chapter(&page, "tactics");
	put_rows(&page, "tactics.tactic", "counts.detected", report->tactics,
	    report->ntactics);
	put_top(&page);
	put_unrecorded(&page, "response", "response.none");
	put_unrecorded(&page, "tuning", "tuning.none");
	put_unrecorded(&page, "sla", "sla.none");
	put_coverage(&page);
	put_retention(&page);
	put_unrecorded(&page, "advisories", "advisories.none");
	put_proposals(&page);
	put_unrecorded(&page, "qa", "qa.none");
	chapter(&page, "appendix");
	paragraph(&page, "appendix.terms");
	paragraph(&page, "appendix.rules");
	strbuf_puts(out, "</section></body></html>\n");
}
