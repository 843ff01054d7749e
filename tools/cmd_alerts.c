/* yagura alerts: what was raised, newest first. */
#include "engine/arena.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "tools/ask.h"

struct printing {
	struct ask *ask;
	struct arena *arena;
	struct strbuf line;
	bool	 begun, gone, colour;
	size_t	 columns;
};

static void
put_column(struct strbuf *line, struct slice text, size_t width)
{
	struct strbuf shown = STRBUF_INIT;
	size_t used;

	present_text(&shown, text);
	present_fit(line, strbuf_slice(&shown), width);
	used = present_width(strbuf_slice(&shown));
	for (; used < width; used++)
		strbuf_putc(line, ' ');
	strbuf_puts(line, "  ");
	strbuf_fini(&shown);
}

static const char *
colour_of(struct slice level)
{
	if (slice_eq(level, SLICE("critical")))
		return "\033[1;31m";
	if (slice_eq(level, SLICE("high")))
		return "\033[31m";
	if (slice_eq(level, SLICE("medium")))
		return "\033[33m";
	return "";
}

/* ID, when, how bad, how often, what. */
static void
table_row(struct printing *printing, const struct alert *alert)
{
	struct strbuf *line = &printing->line, group = STRBUF_INIT;
	char time[TIME_TEXT_BYTES], buf[VALUE_TEXT_BYTES];
	field_t level = field_intern(SLICE("yagura.level"));
	struct slice word;
	struct value shared;

	if (!printing->begun)
		printf("%-32s  %-20s  %-8s  %6s  %s\n", "id", "@timestamp",
		    "level", "events", "rule (what the events share)");
	put_column(line, alert->id, 32);
	put_column(line, slice_head(time_format_rfc3339(
	    alert->event->time_ns, time), 19), 20);
	word = event_text(alert->event, level, buf);
	if (printing->colour)
		strbuf_puts(line, colour_of(word));
	put_column(line, word, 8);
	if (printing->colour)
		strbuf_puts(line, "\033[0m");
	strbuf_printf(line, "%6llu  ", (unsigned long long)alert->count);
	present_text(line, event_text(alert->event, FIELD_RULE_NAME, buf));
	if (event_value(alert->event, FIELD_YAGURA_GROUP, &shared)) {
		present_value(&group, &shared);
		strbuf_puts(line, " (");
		strbuf_put(line, strbuf_slice(&group));
		strbuf_putc(line, ')');
	}
	strbuf_fini(&group);
}

static enum op_more
print_alert(void *user, const struct row *row)
{
	struct printing *printing = user;
	struct strbuf *line = &printing->line;
	struct alert alert;

	arena_reset(printing->arena);
	strbuf_clear(line);
	ask_alert(printing->ask, row->event, printing->arena, &alert);
	if (printing->ask->format == PRESENT_JSON)
		ask_alert_json(printing->ask, &alert, line);
	else
		table_row(printing, &alert);
	strbuf_putc(line, '\n');
	printing->begun = true;
	if (fwrite(line->ptr, 1, line->len, stdout) != line->len)
		printing->gone = true;
	return printing->gone ? OP_ENOUGH : OP_MORE;
}

int
cmd_alerts(int argc, char **argv)
{
	struct printing printing = { .colour = present_has_colour(stdout) };
	struct scan_result result;
	struct query *query;
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_JSON |
	    ASK_ROWS);

	if (code >= 0)
		return code;
	if (ask.argc > 0) {
		fprintf(stderr, "yagura alerts: \"%s\" does not belong here; "
		    "yagura search 'event.dataset:yagura.alert ...' asks "
		    "about alerts\n", ask.argv[0]);
		ask_end(&ask);
		return cmd_usage("alerts");
	}
	query = ask_parse(&ask, SLICE("event.dataset:yagura.alert"));
	printing.ask = &ask;
	printing.arena = arena_new(0);
	strbuf_init(&printing.line);
	code = ask_run(&ask, query, print_alert, &printing, &result);
	if (code == EXIT_DONE && !printing.begun)
		code = EXIT_NOTHING;
	strbuf_fini(&printing.line);
	arena_free(printing.arena);
	query_free(query);
	ask_end(&ask);
	return code;
}
