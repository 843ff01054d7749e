/* yagura show: one alert, so that a person can decide what to do; or one
 * event. */
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/err.h"
#include "engine/event.h"
#include "engine/strbuf.h"
#include "engine/timeparse.h"
#include "tools/ask.h"

#define EVENTS_SHOWN 100	/* then the first and the last of them */
#define LINE_COLUMNS 200	/* of an event's line off a terminal */

struct words {
	const char *score, *attack, *shared, *first, *last, *events, *more,
	    *gone, *advice, *responses, *next, *around, *same;
};

static const struct words english = {
	"score", "ATT&CK", "in common", "first", "last",
	"contributing events", "more", "no longer stored",
	"advice", "proposed response (nothing is done by itself)",
	"what to do next",
	"everything in these minutes", "everything of"
};

static const struct words japanese = {
	"スコア", "ATT&CK", "共通", "最初", "最後",
	"関連イベント", "件省略", "保存期間を過ぎたイベント",
	"推奨対応", "対応案（自動では実行されません）",
	"次にすること",
	"この前後の全イベント", "次に関する全イベント:"
};

struct showing {
	struct ask *ask;
	struct arena *arena;
	const struct words *words;
	const struct alert *alert;
	bool	 japanese, colour;
	size_t	 columns;
	struct strbuf text;
};

static const char *
bold(const struct showing *showing, bool on)
{
	if (!showing->colour)
		return "";
	return on ? "\033[1m" : "\033[0m";
}

static struct slice
text_of(const struct showing *showing, const char *field,
    char buf[VALUE_TEXT_BYTES])
{
	field_t number = field_find(slice_cstr(field));

	if (number == FIELD_NONE)
		return slice_of("", 0);
	return event_text(showing->alert->event, number, buf);
}

/* The text in the language asked for, else in the other one. */
static struct slice
in_language(const struct showing *showing, const char *en, const char *ja,
    char buf[VALUE_TEXT_BYTES])
{
	struct slice text = text_of(showing, showing->japanese ? ja : en,
	    buf);

	return text.len > 0 ? text
	    : text_of(showing, showing->japanese ? en : ja, buf);
}

static void
put_line(const char *name, struct slice value)
{
	struct strbuf shown = STRBUF_INIT;
	size_t width = present_width(slice_cstr(name));

	if (value.len == 0)
		return;
	present_text(&shown, value);
	printf("  %s%*s  %s\n", name, (int)(width < 12 ? 12 - width : 0), "",
	    shown.ptr);
	strbuf_fini(&shown);
}

static void
put_list(struct showing *showing, const char *name, const char *first,
    const char *second)
{
	struct strbuf text = STRBUF_INIT;
	const char *fields[2] = { first, second };

	for (size_t i = 0; i < 2; i++) {
		struct value value;
		field_t field = fields[i] == NULL ? FIELD_NONE
		    : field_find(slice_cstr(fields[i]));

		if (field == FIELD_NONE ||
		    !event_value(showing->alert->event, field, &value))
			continue;
		if (text.len > 0)
			strbuf_puts(&text, "  ");
		present_value(&text, &value);
	}
	put_line(name, strbuf_slice(&text));
	strbuf_fini(&text);
}

static void
put_head(struct showing *showing)
{
	const struct event *event = showing->alert->event;
	char buf[VALUE_TEXT_BYTES], time[TIME_TEXT_BYTES];
	struct strbuf shown = STRBUF_INIT;
	struct slice sentence = in_language(showing, "message",
	    "yagura.text_ja", buf);

	if (sentence.len == 0)
		sentence = event->raw;
	present_text(&shown, sentence);
	printf("%s%s%s\n\n", bold(showing, true), shown.ptr,
	    bold(showing, false));
	strbuf_clear(&shown);
	present_text(&shown, text_of(showing, "rule.name", buf));
	strbuf_puts(&shown, "  [");
	present_text(&shown, text_of(showing, "yagura.level", buf));
	strbuf_puts(&shown, "]");
	put_line("rule", strbuf_slice(&shown));
	put_line(showing->words->score,
	    text_of(showing, "yagura.score", buf));
	put_list(showing, showing->words->attack, "threat.technique.id",
	    "threat.tactic.name");
	put_list(showing, showing->words->shared, "yagura.group", NULL);
	put_line(showing->words->first,
	    time_format_rfc3339(showing->alert->first_ns, time));
	put_line(showing->words->last,
	    time_format_rfc3339(showing->alert->last_ns, time));
	put_line("event.id", showing->alert->id);
	strbuf_fini(&shown);
}

/* --- contributing events ------------------------------------------------ */

struct contributing {
	int64_t	 time_ns;
	uint64_t seq;
	const struct event *event;
};

static int
by_time(const void *a, const void *b)
{
	const struct contributing *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* What is read of a long run: its first and its last events. */
static size_t
gather(struct showing *showing, struct contributing *out, size_t *skipped,
    size_t *gone)
{
	const struct alert *alert = showing->alert;
	size_t n = 0, half = EVENTS_SHOWN / 2;

	*skipped = *gone = 0;
	for (size_t i = 0; i < alert->nevents; i++) {
		struct event *event;

		if (alert->nevents > EVENTS_SHOWN && i >= half &&
		    i < alert->nevents - half) {
			++*skipped;
			continue;
		}
		event = arena_alloc(showing->arena, sizeof(*event));
		if (!ask_alert_event(showing->ask, &alert->events[i],
		    showing->arena, event)) {
			++*gone;
			continue;
		}
		out[n++] = (struct contributing){ event->time_ns, event->seq,
		    event };
	}
	qsort(out, n, sizeof(*out), by_time);
	return n;
}

static void
put_event(struct showing *showing, const struct event *event)
{
	char time[TIME_TEXT_BYTES], buf[VALUE_TEXT_BYTES];
	struct strbuf *text = &showing->text;
	struct strbuf shown = STRBUF_INIT;
	size_t width, room = showing->columns > 60
	    ? showing->columns - 48 : LINE_COLUMNS;

	strbuf_clear(text);
	strbuf_puts(text, "  ");
	strbuf_put(text, slice_head(time_format_rfc3339(event->time_ns, time),
	    23));
	strbuf_puts(text, "  ");
	present_text(&shown, event_text(event, FIELD_EVENT_DATASET, buf));
	width = present_width(strbuf_slice(&shown));
	present_fit(text, strbuf_slice(&shown), 18);
	for (; width < 18; width++)
		strbuf_putc(text, ' ');
	strbuf_puts(text, "  ");
	strbuf_clear(&shown);
	present_text(&shown, event->raw);
	present_fit(text, strbuf_slice(&shown), room);
	puts(text->ptr);
	strbuf_fini(&shown);
}

static void
put_events(struct showing *showing)
{
	size_t room = showing->alert->nevents < EVENTS_SHOWN + 2
	    ? showing->alert->nevents + 1 : EVENTS_SHOWN + 2;
	struct contributing *list = arena_alloc(showing->arena,
	    room * sizeof(*list));
	size_t skipped, gone, n = gather(showing, list, &skipped, &gone);

	printf("\n%s%s (%llu)%s\n", bold(showing, true),
	    showing->words->events,
	    (unsigned long long)showing->alert->count, bold(showing, false));
	for (size_t i = 0; i < n; i++) {
		if (skipped > 0 && i == n / 2)
			printf("  ... %zu %s\n", skipped,
			    showing->words->more);
		put_event(showing, list[i].event);
	}
	if (gone > 0)
		printf("  (%s: %zu)\n", showing->words->gone, gone);
}

/* --- what to do next ---------------------------------------------------- */

/* Within single quotes for a shell. */
static void
put_quoted(struct strbuf *out, struct slice text)
{
	struct strbuf shown = STRBUF_INIT;

	present_text(&shown, text);
	for (size_t i = 0; i < shown.len; i++) {
		if (shown.ptr[i] == '\'')
			strbuf_puts(out, "'\\''");
		else if (shown.ptr[i] == '"' || shown.ptr[i] == '\\')
			strbuf_printf(out, "\\%c", shown.ptr[i]);
		else
			strbuf_putc(out, shown.ptr[i]);
	}
	strbuf_fini(&shown);
}

static void
put_search(struct showing *showing, const char *field, struct slice value)
{
	char since[TIME_TEXT_BYTES], until[TIME_TEXT_BYTES];
	struct strbuf *text = &showing->text;
	int64_t hour = 3600 * TIME_S_NS;

	strbuf_clear(text);
	strbuf_puts(text, "  yagura search --since ");
	strbuf_put(text, slice_head(time_format_rfc3339(
	    showing->alert->first_ns - hour, since), 19));
	strbuf_puts(text, "Z --until ");
	strbuf_put(text, slice_head(time_format_rfc3339(
	    showing->alert->last_ns + hour, until), 19));
	strbuf_printf(text, "Z '%s", field == NULL ? "*" : "");
	if (field != NULL) {
		strbuf_printf(text, "%s:\"", field);
		put_quoted(text, value);
		strbuf_putc(text, '"');
	}
	strbuf_putc(text, '\'');
	puts(text->ptr);
}

static void
put_responses(struct showing *showing)
{
	const struct value *list = event_get(showing->alert->event,
	    FIELD_YAGURA_RESPONSE);
	size_t n = list == NULL ? 0 : value_members(list);
	char buf[VALUE_TEXT_BYTES];

	if (n > 0)
		printf("\n%s%s%s\n", bold(showing, true),
		    showing->words->responses, bold(showing, false));
	for (size_t i = 0; i < n; i++) {
		struct strbuf shown = STRBUF_INIT;

		present_text(&shown, value_as_text(value_member(list, i),
		    buf));
		printf("  %s\n", shown.ptr);
		strbuf_fini(&shown);
	}
}

static void
put_next(struct showing *showing)
{
	static const char *const fields[] = { "host.name", "user.name",
		"source.ip", "destination.ip" };
	char buf[VALUE_TEXT_BYTES];
	struct slice advice = in_language(showing, "yagura.advice",
	    "yagura.advice_ja", buf);
	struct strbuf shown = STRBUF_INIT;

	if (advice.len > 0) {
		present_text(&shown, advice);
		printf("\n%s%s%s\n  %s\n", bold(showing, true),
		    showing->words->advice, bold(showing, false), shown.ptr);
	}
	put_responses(showing);
	printf("\n%s%s%s\n", bold(showing, true), showing->words->next,
	    bold(showing, false));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct slice value = text_of(showing, fields[i], buf);

		if (value.len > 0)
			put_search(showing, fields[i], value);
	}
	put_search(showing, NULL, slice_of("", 0));
	strbuf_fini(&shown);
}

/* --- the command -------------------------------------------------------- */

static bool
is_alert(const struct event *event)
{
	char buf[VALUE_TEXT_BYTES];

	return slice_eq(event_text(event, FIELD_EVENT_DATASET, buf),
	    SLICE("yagura.alert"));
}

static void
show_alert(struct showing *showing)
{
	if (showing->ask->format == PRESENT_JSON) {
		ask_alert_json(showing->ask, showing->alert, &showing->text);
		puts(showing->text.ptr);
		return;
	}
	put_head(showing);
	put_events(showing);
	put_next(showing);
}

/* Every field of an event, one a line. */
static void
show_event(struct showing *showing, const struct event *event)
{
	struct strbuf *text = &showing->text, name = STRBUF_INIT;
	char time[TIME_TEXT_BYTES];
	struct slice when;
	struct value id;

	if (showing->ask->format == PRESENT_JSON) {
		event_json(text, event, true);
		puts(text->ptr);
		return;
	}
	present_text(text, event->raw);
	printf("%s%s%s\n\n", bold(showing, true), text->ptr,
	    bold(showing, false));
	when = time_format_rfc3339(event->time_ns, time);
	printf("  %-32s  %.*s\n", "@timestamp", (int)when.len, when.ptr);
	if (event_value(event, FIELD_EVENT_ID, &id))
		printf("  %-32s  %.*s\n", "event.id", (int)id.len, id.text);
	for (size_t i = 0; i < event->n; i++) {
		if (event->fields[i] == FIELD_EVENT_ID)
			continue;
		strbuf_clear(text);
		present_value(text, &event->values[i]);
		strbuf_clear(&name);
		present_text(&name, field_name(event->fields[i]));
		printf("  %-32s  %s\n", name.ptr, text->ptr);
	}
	strbuf_fini(&name);
}

int
cmd_show(int argc, char **argv)
{
	struct ask ask;
	struct alert alert;
	struct event event;
	struct err err = { ERR_NONE, "" };
	struct showing showing = { .colour = present_has_colour(stdout),
	    .columns = present_columns(stdout) };
	int code = ask_begin(&ask, argc, argv, ASK_JSON | ASK_LANG);

	if (code >= 0)
		return code;
	if (ask.argc != 1) {
		ask_end(&ask);
		return cmd_usage("show");
	}
	showing.ask = &ask;
	showing.arena = arena_new(0);
	showing.japanese = strcmp(ask.lang, "ja") == 0;
	showing.words = showing.japanese ? &japanese : &english;
	strbuf_init(&showing.text);
	if (!scan_find_event(ask.store, slice_cstr(ask.argv[0]),
	    showing.arena, &event, &err)) {
		fprintf(stderr, "yagura show: no event or alert has the id "
		    "\"%s\"%s%s\n", ask.argv[0], err.kind != ERR_NONE ? "; "
		    : "", err.kind != ERR_NONE ? err.text : "");
		code = err.kind != ERR_NONE ? EXIT_PARTIAL : EXIT_NOTHING;
	} else if (is_alert(&event)) {
		ask_alert(&ask, &event, showing.arena, &alert);
		showing.alert = &alert;
		show_alert(&showing);
		code = EXIT_DONE;
	} else {
		show_event(&showing, &event);
		code = EXIT_DONE;
	}
	strbuf_fini(&showing.text);
	arena_free(showing.arena);
	ask_end(&ask);
	return code;
}
