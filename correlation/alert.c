#include "correlation/alert.h"

#include <ctype.h>
#include <inttypes.h>

#include "correlation/respond.h"
#include "correlation/window_run.h"
#include "correlation/words.h"
#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/event.h"
#include "engine/hash.h"
#include "engine/timeparse.h"

#define TEXT_LIST 5		/* members of a list in a sentence */

enum alert_language { ALERT_EN, ALERT_JA };

/* Tactics of ATT&CK as tags name them. */
static const struct {
	const char *tag, *id, *name;
} tactics[] = {
	{ "reconnaissance", "TA0043", "Reconnaissance" },
	{ "resource-development", "TA0042", "Resource Development" },
	{ "initial-access", "TA0001", "Initial Access" },
	{ "execution", "TA0002", "Execution" },
	{ "persistence", "TA0003", "Persistence" },
	{ "privilege-escalation", "TA0004", "Privilege Escalation" },
	{ "defense-evasion", "TA0005", "Defense Evasion" },
	{ "credential-access", "TA0006", "Credential Access" },
	{ "discovery", "TA0007", "Discovery" },
	{ "lateral-movement", "TA0008", "Lateral Movement" },
	{ "collection", "TA0009", "Collection" },
	{ "command-and-control", "TA0011", "Command and Control" },
	{ "exfiltration", "TA0010", "Exfiltration" },
	{ "impact", "TA0040", "Impact" },
};

/* Fields of alerts that no event of the outside has. */
struct own_fields {
	field_t	 level, text_ja, advice, advice_ja, suppressed;
};

static const struct own_fields *
own_fields(void)
{
	static struct own_fields own;
	static bool made;	/* the correlate thread only */

	if (!made) {
		own.level = field_intern(SLICE("yagura.level"));
		own.text_ja = field_intern(SLICE("yagura.text_ja"));
		own.advice = field_intern(SLICE("yagura.advice"));
		own.advice_ja = field_intern(SLICE("yagura.advice_ja"));
		own.suppressed = field_intern(SLICE("yagura.suppressed"));
		made = true;
	}
	return &own;
}

/* --- identity -------------------------------------------------------------- */
void
alert_id(const struct alert *alert, char out[ALERT_ID_BYTES])
{
	struct strbuf bytes = STRBUF_INIT;
	char id[EVENT_ID_BYTES];
	uint8_t digest[SHA256_BYTES];

	event_id(alert->view.event, id);
	strbuf_put(&bytes, alert->rule->id);
	strbuf_putc(&bytes, '\0');
	strbuf_put(&bytes, alert->key);
	strbuf_putc(&bytes, '\0');
	strbuf_puts(&bytes, id);
	sha256(strbuf_slice(&bytes), digest);
	strbuf_fini(&bytes);
	hex_encode(digest, 16, out);
}

/* --- the sentence ---------------------------------------------------------- */
static size_t
columns(const struct alert *alert)
{
	const struct correlation *c = alert->rule->correlation;

	if (c == NULL)
		return 0;
	return c->ngroup < GROUPKEY_COLUMNS ? c->ngroup : GROUPKEY_COLUMNS;
}

static void
put_value(struct strbuf *buf, const struct value *value)
{
	char text[VALUE_TEXT_BYTES];
	size_t n = value_members(value);

	for (size_t i = 0; i < n && i < TEXT_LIST; i++) {
		if (i > 0)
			strbuf_puts(buf, ", ");
		strbuf_put(buf, value_as_text(value_member(value, i), text));
	}
	if (n > TEXT_LIST)
		strbuf_printf(buf, " (+%zu)", n - TEXT_LIST);
}

/* A value of the group, else of the event, else of another that contributes;
 * false if there is none. */
static bool
put_field(struct strbuf *buf, const struct alert *alert, struct slice name)
{
	struct slice real = field_alias(name);
	field_t fields[2] = { field_find(real), FIELD_NONE };
	const struct word *word;
	struct value value;

	for (size_t i = 0; i < columns(alert); i++) {
		const struct group_column *column =
		    &alert->rule->correlation->group[i];

		if (!slice_eq(column->name, name) &&
		    !slice_eq(column->name, real))
			continue;
		strbuf_put(buf, groupkey_value(alert->key, i));
		return true;
	}
	word = words_find(alert->run->words, fields[0]);
	if (view_get(&alert->view, real, fields, &value))
		put_value(buf, &value);
	else if (fields[0] != FIELD_NONE && word != NULL)
		strbuf_put(buf, slice_of(word->text, word->len));
	else
		return false;
	return true;
}

static void
put_span(struct strbuf *buf, const struct alert *alert)
{
	int64_t s = (alert->run->last_ns - alert->run->first_ns) / 1000000000;

	if (s < 120)
		strbuf_printf(buf, "%" PRId64 " s", s);
	else if (s < 7200)
		strbuf_printf(buf, "%" PRId64 " min", s / 60);
	else
		strbuf_printf(buf, "%" PRId64 " h", s / 3600);
}

/* False: there is no such value. */
static bool
put_hole(struct strbuf *buf, const struct alert *alert, struct slice name)
{
	if (slice_eq(name, SLICE("count")))
		strbuf_printf(buf, "%" PRIu64, alert->run->count);
	else if (slice_eq(name, SLICE("span")))
		put_span(buf, alert);
	else if (slice_eq(name, SLICE("title")))
		strbuf_put(buf, alert->rule->title);
	else
		return put_field(buf, alert, name);
	return true;
}

/* A [part in brackets] is left out if a value it names is not there. */
static void
put_template(struct strbuf *buf, const struct alert *alert, struct slice text)
{
	size_t part = 0;	/* where the brackets began */
	bool in_part = false, whole = true;

	while (text.len > 0) {
		char byte = text.ptr[0];
		ptrdiff_t close = byte == '{' ? slice_find_byte(text, '}') : -1;

		if (byte == '[' && !in_part) {
			part = buf->len;
			in_part = whole = true;
		} else if (byte == ']' && in_part) {
			if (!whole)
				buf->ptr[buf->len = part] = '\0';
			in_part = false;
		} else if (close < 0) {
			strbuf_putc(buf, byte);
		} else {
			if (!put_hole(buf, alert, slice_of(text.ptr + 1,
			    (size_t)close - 1))) {
				whole = false;
				strbuf_putc(buf, '-');
			}
			text = slice_skip(text, (size_t)close);
		}
		text = slice_skip(text, 1);
	}
}

/* What an analyst asks first: whom does it concern? */
static void
put_subjects(struct strbuf *buf, const struct alert *alert)
{
	static const field_t subjects[] = { FIELD_HOST_NAME, FIELD_USER_NAME,
	    FIELD_SOURCE_IP, FIELD_DESTINATION_IP };
	char text[VALUE_TEXT_BYTES];
	const char *between = "";

	for (size_t i = 0; i < columns(alert); i++) {
		strbuf_puts(buf, between);
		strbuf_put(buf, alert->rule->correlation->group[i].name);
		strbuf_putc(buf, '=');
		strbuf_put(buf, groupkey_value(alert->key, i));
		between = ", ";
	}
	if (columns(alert) > 0)
		return;
	for (size_t i = 0; i < 4; i++) {
		struct slice value = event_text(alert->view.event, subjects[i],
		    text);

		if (value.len == 0)
			continue;
		strbuf_puts(buf, between);
		strbuf_put(buf, field_name(subjects[i]));
		strbuf_putc(buf, '=');
		strbuf_put(buf, value);
		between = ", ";
	}
}

static void
put_default(struct strbuf *buf, const struct alert *alert,
    enum alert_language language)
{
	const struct rule *rule = alert->rule;
	bool japanese = language == ALERT_JA;

	strbuf_put(buf, japanese && rule->title_ja.len > 0 ? rule->title_ja :
	    rule->title);
	if (alert->run->count > 1) {
		strbuf_printf(buf, japanese ? "：%" PRIu64 " 件（" :
		    ": %" PRIu64 " events in ", alert->run->count);
		put_span(buf, alert);
		strbuf_puts(buf, japanese ? "）" : "");
	}
	strbuf_puts(buf, japanese ? "［" : " (");
	put_subjects(buf, alert);
	strbuf_puts(buf, japanese ? "］" : ")");
}

/* The sentence: `text` with {field}, {count}, {value of a group-by field} ...
 * filled in; see yagura-rule(5). With an empty `text`, one made from the
 * title. */
static void
alert_sentence(struct strbuf *buf, const struct alert *alert,
    enum alert_language language)
{
	struct slice text = language == ALERT_JA ? alert->rule->text_ja :
	    alert->rule->text_en;

	if (text.len > 0)
		put_template(buf, alert, slice_trim(text));
	else
		put_default(buf, alert, language);
}

/* --- the fields ------------------------------------------------------------ */
static void
set_text(struct event *out, field_t field, struct slice text)
{
	if (text.len > 0)
		event_set(out, field, value_text(
		    arena_dup(out->batch->arena, text), TRANSFORM_OWNED));
}

static void
add_text(struct event *out, field_t field, struct slice text)
{
	event_append(out, field, value_text(arena_dup(out->batch->arena, text),
	    TRANSFORM_OWNED));
}

static void
set_rule(const struct rule *rule, struct event *out)
{
	static const char *const layers[] = { "filter", "rule", "model" };
	static const char *const levels[] = { "informational", "low", "medium",
	    "high", "critical" };
	static const int64_t severities[] = { 10, 30, 50, 70, 90 };
	const struct own_fields *own = own_fields();

	set_text(out, FIELD_EVENT_KIND, SLICE("alert"));
	set_text(out, FIELD_EVENT_MODULE, SLICE("yagura"));
	set_text(out, FIELD_EVENT_DATASET, SLICE("yagura.alert"));
	set_text(out, FIELD_RULE_ID, rule->id);
	set_text(out, FIELD_RULE_NAME, rule->title);
	set_text(out, FIELD_RULE_DESCRIPTION, rule->description);
	set_text(out, FIELD_RULE_AUTHOR, rule->author);
	event_set(out, FIELD_EVENT_SEVERITY,
	    value_long(severities[rule->level]));
	set_text(out, own->level, slice_cstr(levels[rule->level]));
	set_text(out, FIELD_YAGURA_LAYER, slice_cstr(layers[rule->layer]));
	event_set(out, FIELD_YAGURA_SCORE,
	    value_long((int64_t)(rule->score + 0.5)));
	set_text(out, own->advice, rule->advice_en);
	set_text(out, own->advice_ja, rule->advice_ja);
}

static bool
tactic_is(struct slice tag, const char *name)
{
	size_t i;

	for (i = 0; i < tag.len && name[i] != '\0'; i++)
		if (ascii_lower(tag.ptr[i]) != name[i] &&
		    !(name[i] == '-' && tag.ptr[i] == '_'))
			return false;
	return i == tag.len && name[i] == '\0';
}

/* attack.t1110.001 is a technique, attack.credential-access a tactic. */
static void
set_tags(const struct rule *rule, struct event *out)
{
	struct slice head = SLICE("attack."), upper;

	for (size_t i = 0; i < rule->ntags; i++) {
		struct slice tag = rule->tags[i];
		char text[16];

		if (!slice_starts(tag, head))
			continue;
		tag = slice_skip(tag, head.len);
		if (tag.len > 4 && tag.len < sizeof(text) &&
		    ascii_lower(tag.ptr[0]) == 't' &&
		    isdigit((unsigned char)tag.ptr[1])) {
			memcpy(text, tag.ptr, tag.len);
			text[0] = 'T';
			upper = slice_of(text, tag.len);
			add_text(out, FIELD_THREAT_TECHNIQUE_ID, upper);
			continue;
		}
		for (size_t k = 0; k < sizeof(tactics) / sizeof(*tactics);
		    k++) {
			if (!tactic_is(tag, tactics[k].tag))
				continue;
			add_text(out, FIELD_THREAT_TACTIC_ID,
			    slice_cstr(tactics[k].id));
			add_text(out, FIELD_THREAT_TACTIC_NAME,
			    slice_cstr(tactics[k].name));
		}
	}
}

/* The field that held the group's value in what raised it. */
static field_t
column_field(const struct alert *alert, const struct group_column *column)
{
	const field_t *fields = column->fields[alert->referred];
	field_t first = fields == NULL ? FIELD_NONE : *fields;

	for (; fields != NULL && *fields != FIELD_NONE; fields++)
		if (event_get(alert->view.event, *fields) != NULL)
			return *fields;
	return first;
}

static void
set_group(const struct alert *alert, struct event *out)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < columns(alert); i++) {
		const struct group_column *column =
		    &alert->rule->correlation->group[i];
		struct slice value = groupkey_value(alert->key, i);
		field_t field = column_field(alert, column);

		strbuf_clear(&text);
		strbuf_put(&text, column->name);
		strbuf_putc(&text, '=');
		strbuf_put(&text, value);
		add_text(out, FIELD_YAGURA_GROUP, strbuf_slice(&text));
		if (field != FIELD_NONE)
			event_set_text(out, field,
			    arena_dup(out->batch->arena, value),
			    TRANSFORM_OWNED);
	}
	strbuf_fini(&text);
}

/* Behind a firewall's or a sensor's own header, the host is the device that
 * reports; whom it reports about is the source. */
static const struct value *
concerned_host(const struct event *event)
{
	const struct value *host = event_get(event, FIELD_HOST_NAME);
	const struct value *header = event_get(event,
	    FIELD_LOG_SYSLOG_HOSTNAME);

	if (host == NULL || header == NULL || !value_same(host, header) ||
	    event_get(event, FIELD_OBSERVER_TYPE) == NULL)
		return host;
	return event_get(event, FIELD_SOURCE_ASSET_HOST);
}

static void
set_subjects(const struct event *event, struct event *out)
{
	static const field_t subjects[] = { FIELD_HOST_NAME, FIELD_HOST_IP,
	    FIELD_USER_NAME, FIELD_SOURCE_IP, FIELD_DESTINATION_IP };

	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		const struct value *value = subjects[i] == FIELD_HOST_NAME ?
		    concerned_host(event) : event_get(event, subjects[i]);

		if (value != NULL && event_get(out, subjects[i]) == NULL)
			event_set(out, subjects[i],
			    value_dup(out->batch->arena, value));
	}
}

/* All ids if they fit, else the first and the last of them. */
static void
set_events(const struct alert *alert, struct event *out)
{
	struct arena *arena = out->batch->arena;
	const uint64_t *seqs;
	const int64_t *times_ns;
	size_t n = window_run_list(alert->run, arena, &seqs, &times_ns);
	size_t keep = n < ALERT_EVENTS ? n : ALERT_EVENTS;
	struct value *items = arena_alloc(arena, (keep + 1) * sizeof(*items));

	(void)times_ns;
	for (size_t i = 0; i < keep; i++) {
		size_t from = i < (keep + 1) / 2 ? i : n - keep + i;
		struct event event = { .batch = out->batch,
		    .seq = seqs[from] };
		char *id = arena_text(arena, EVENT_ID_BYTES);

		event_id(&event, id);
		items[i] = value_text(slice_of(id, EVENT_ID_BYTES - 1),
		    TRANSFORM_OWNED);
	}
	event_set(out, FIELD_YAGURA_EVENTS, value_list(items, keep));
	if (alert->run->capped)
		add_text(out, FIELD_TAGS, SLICE("ids_capped"));
	event_set(out, FIELD_YAGURA_COUNT,
	    value_long((int64_t)alert->run->count));
	event_set(out, FIELD_YAGURA_FIRST, value_time(alert->run->first_ns));
	event_set(out, FIELD_YAGURA_LAST, value_time(alert->run->last_ns));
}

static void
set_sentences(const struct alert *alert, struct event *out)
{
	struct strbuf text = STRBUF_INIT;

	alert_sentence(&text, alert, ALERT_EN);
	out->raw = arena_dup(out->batch->arena, strbuf_slice(&text));
	event_set(out, FIELD_MESSAGE, value_text(out->raw, TRANSFORM_NONE));
	strbuf_clear(&text);
	alert_sentence(&text, alert, ALERT_JA);
	set_text(out, own_fields()->text_ja, strbuf_slice(&text));
	strbuf_fini(&text);
}

/* What the rule proposes, with whom it concerns. A response whose target this
 * alert does not have is none. */
static void
set_responses(const struct alert *alert, struct event *out)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < alert->rule->nresponses; i++) {
		const struct response *response = &alert->rule->responses[i];

		strbuf_clear(&text);
		strbuf_puts(&text, respond_name(response->action));
		strbuf_puts(&text, response->target.len > 0 ? " " : "");
		if (response->target.len > 0 &&
		    !put_field(&text, alert, response->target))
			continue;
		if (response->span.len > 0)
			strbuf_printf(&text, " for %.*s",
			    (int)response->span.len, response->span.ptr);
		add_text(out, FIELD_YAGURA_RESPONSE, strbuf_slice(&text));
	}
	strbuf_fini(&text);
}

void
alert_fill(const struct alert *alert, struct event *out)
{
	const struct event *event = alert->view.event;
	char id[ALERT_ID_BYTES];

	out->time_ns = event->time_ns;
	out->ingested_ns = event->ingested_ns;
	out->has_time = event->has_time;
	alert_id(alert, id);
	set_text(out, FIELD_EVENT_ID, slice_of(id, ALERT_ID_BYTES - 1));
	set_rule(alert->rule, out);
	set_tags(alert->rule, out);
	set_group(alert, out);
	if (!alert->own)
		set_subjects(event, out);
	set_events(alert, out);
	set_sentences(alert, out);
	set_responses(alert, out);
	if (alert->suppressed > 0)
		event_set(out, own_fields()->suppressed,
		    value_long((int64_t)alert->suppressed));
	event_seal(out);
}
