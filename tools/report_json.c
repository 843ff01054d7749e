/* tools/report_json.c -- the figures of the report for other programs.
 *
 * One object; the keys of chapters are fixed, see report.h.
 */
#include "tools/report.h"

#include "engine/json.h"
#include "engine/timeparse.h"

static void
key(struct strbuf *out, const char *name)
{
	if (out->len > 0 && out->ptr[out->len - 1] != '{' &&
	    out->ptr[out->len - 1] != '[')
		strbuf_putc(out, ',');
	json_put_string(out, slice_cstr(name));
	strbuf_putc(out, ':');
}

static void
comma(struct strbuf *out)
{
	if (out->ptr[out->len - 1] != '[')
		strbuf_putc(out, ',');
}

static void
put_count(struct strbuf *out, const char *name, uint64_t n)
{
	key(out, name);
	strbuf_printf(out, "%llu", (unsigned long long)n);
}

static void
put_text(struct strbuf *out, const char *name, struct slice text)
{
	key(out, name);
	json_put_string(out, text);
}

static void
put_time(struct strbuf *out, const char *name, int64_t time_ns)
{
	char buf[TIME_TEXT_BYTES];

	put_text(out, name, time_format_rfc3339(time_ns, buf));
}

static void
put_rows(struct strbuf *out, const char *name, const struct report_row *rows,
    size_t n)
{
	key(out, name);
	strbuf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		comma(out);
		strbuf_putc(out, '{');
		put_text(out, "name", rows[i].name);
		put_count(out, "count", rows[i].n);
		put_count(out, "previous", rows[i].previous);
		put_count(out, "rank_previous", rows[i].rank_previous);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
}

static void
put_texts(struct strbuf *out, const char *name, const struct slice *items,
    size_t n)
{
	key(out, name);
	strbuf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		comma(out);
		json_put_string(out, items[i]);
	}
	strbuf_putc(out, ']');
}

static void
put_levels(struct strbuf *out, const char *name, const uint64_t *levels)
{
	key(out, name);
	strbuf_putc(out, '{');
	for (int level = 0; level < REPORT_LEVELS; level++)
		put_count(out, report_level_names[level], levels[level]);
	strbuf_putc(out, '}');
}

static void
put_daily(struct strbuf *out, const struct report *report)
{
	key(out, "daily");
	strbuf_putc(out, '[');
	for (int day = 0; day < report->days; day++) {
		comma(out);
		strbuf_printf(out, "{\"day\":\"%04d-%02d-%02d\"", report->year,
		    report->month, day + 1);
		put_count(out, "events", report->day_events[day]);
		put_levels(out, "alerts", report->day_levels[day]);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
	key(out, "week");
	strbuf_putc(out, '[');
	for (int day = 0; day < 7; day++) {
		comma(out);
		strbuf_putc(out, '[');
		for (int hour = 0; hour < 24; hour++) {
			comma(out);
			strbuf_printf(out, "%llu", (unsigned long long)
			    report->week[day][hour]);
		}
		strbuf_putc(out, ']');
	}
	strbuf_putc(out, ']');
}

static void
put_alert(struct strbuf *out, const struct report_alert *alert)
{
	strbuf_putc(out, '{');
	put_text(out, "id", alert->id);
	put_time(out, "time", alert->time_ns);
	put_text(out, "severity",
	    slice_cstr(report_level_names[alert->level]));
	put_text(out, "layer", slice_cstr(report_layer_names[alert->layer]));
	key(out, "score");
	strbuf_printf(out, "%.1f", alert->score);
	put_text(out, "rule_id", alert->rule_id);
	put_text(out, "rule", alert->rule);
	put_text(out, "group", alert->group);
	put_time(out, "first", alert->first_ns);
	put_time(out, "last", alert->last_ns);
	put_count(out, "events", alert->count);
	put_texts(out, "responses", alert->responses, alert->nresponses);
	put_texts(out, "tactics", alert->tactics, alert->ntactics);
	put_texts(out, "techniques", alert->techniques, alert->ntechniques);
	put_text(out, "sentence", alert->sentence);
	key(out, "timeline");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < alert->nsteps; i++) {
		comma(out);
		strbuf_putc(out, '{');
		put_time(out, "time", alert->steps[i].time_ns);
		put_text(out, "source", alert->steps[i].dataset);
		put_text(out, "text", alert->steps[i].text);
		strbuf_putc(out, '}');
	}
	strbuf_puts(out, "]}");
}

static void
put_sources(struct strbuf *out, const struct report *report)
{
	key(out, "coverage");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < report->nsources; i++) {
		const struct report_source *source = &report->sources[i];

		comma(out);
		strbuf_putc(out, '{');
		put_text(out, "source", source->dataset);
		put_count(out, "events", source->events);
		put_count(out, "previous", source->previous);
		if (source->events > 0)
			put_time(out, "last", source->last_ns);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, ']');
}

void
report_json(struct strbuf *out, const struct report *report)
{
	strbuf_putc(out, '{');
	key(out, "month");
	strbuf_printf(out, "\"%04d-%02d\"", report->year, report->month);
	put_time(out, "made", report->made_ns);
	put_levels(out, "counts", report->levels);
	put_levels(out, "counts_previous", report->levels_previous);
	key(out, "counts_mean");
	strbuf_putc(out, '{');
	for (int level = 0; level < REPORT_LEVELS; level++) {
		key(out, report_level_names[level]);
		strbuf_printf(out, "%.2f", report->levels_mean[level]);
	}
	strbuf_putc(out, '}');
	key(out, "funnel");
	strbuf_putc(out, '{');
	put_count(out, "stored", report->events);
	put_count(out, "stored_previous", report->events_previous);
	put_count(out, "unparsed", report->unparsed);
	put_count(out, "matched", report->matched);
	put_count(out, "alerts", report->nalerts);
	put_count(out, "alerts_previous", report->nalerts_previous);
	for (int layer = 0; layer < REPORT_LAYERS; layer++)
		put_count(out, report_layer_names[layer],
		    report->layers[layer]);
	strbuf_putc(out, '}');
	put_daily(out, report);
	put_rows(out, "rules", report->rules, report->nrules);
	put_rows(out, "hits", report->hits, report->nhits);
	key(out, "incidents");
	strbuf_putc(out, '[');
	for (size_t i = 0; i < report->nalerts; i++) {
		comma(out);
		put_alert(out, &report->alerts[i]);
	}
	strbuf_putc(out, ']');
	put_rows(out, "tactics", report->tactics, report->ntactics);
	key(out, "top");
	strbuf_putc(out, '{');
	for (size_t i = 0; i < report->nlists; i++)
		put_rows(out, report->lists[i].id, report->lists[i].rows,
		    report->lists[i].n);
	strbuf_putc(out, '}');
	put_sources(out, report);
	key(out, "retention");
	strbuf_putc(out, '{');
	if (report->partitions > 0) {
		put_time(out, "oldest", report->oldest_ns);
		put_time(out, "newest", report->newest_ns);
	}
	put_count(out, "days", report->partitions);
	put_count(out, "events", report->kept_events);
	put_count(out, "raw_bytes", report->kept_raw_bytes);
	put_count(out, "bytes", report->kept_bytes);
	put_count(out, "free_bytes", report->free_bytes);
	put_count(out, "missing", report->missing);
	strbuf_puts(out, "}}\n");
}
