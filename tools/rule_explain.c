#include "tools/rule_explain.h"

#include <stdlib.h>

#include "correlation/rule.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/pred.h"
#include "engine/strbuf.h"
#include "tools/present.h"

#define SEEN_BYTES 512		/* of a value that are shown */

struct teller {
	const struct event *event;
	struct pred_scratch *scratch;
	bool	 json, first;
	struct strbuf *out;
};

static bool
holds(const struct teller *t, const struct cond *cond)
{
	switch (cond->kind) {
	case COND_NOT:
		return !holds(t, cond->child[0]);
	case COND_AND:
		for (size_t i = 0; i < cond->n; i++)
			if (!holds(t, cond->child[i]))
				return false;
		return true;
	case COND_OR:
		for (size_t i = 0; i < cond->n; i++)
			if (holds(t, cond->child[i]))
				return true;
		return false;
	case COND_PRED:
		break;
	}
	return pred_holds(cond->pred, t->event, t->scratch);
}

static void
put_seen(struct strbuf *out, const struct value *value)
{
	struct strbuf text = STRBUF_INIT;

	if (value->type == VALUE_NULL)
		strbuf_puts(&text, "null");
	else
		present_value(&text, value);
	strbuf_put(out, slice_head(strbuf_slice(&text), SEEN_BYTES));
	if (text.len > SEEN_BYTES)
		strbuf_puts(out, " ...");
	strbuf_fini(&text);
}

/* What the event has where the comparison looks. */
static void
describe_seen(const struct teller *t, const struct pred *pred,
    struct strbuf *out)
{
	const struct value *value;

	if (pred->nfields == 0) {
		strbuf_puts(out, "looked for in every value");
		return;
	}
	value = pred_pick(pred->fields, pred->nfields, t->event, t->scratch);
	if (value == NULL) {
		strbuf_puts(out, "the event has no such field");
		return;
	}
	for (size_t i = 0; i < pred->nfields; i++)
		if (event_get(t->event, pred->fields[i]) == value) {
			strbuf_puts(out, "is in ");
			strbuf_put(out, field_name(pred->fields[i]));
			strbuf_puts(out, ": ");
			break;
		}
	put_seen(out, value);
	if (pred->op != PRED_FIELDREF)
		return;
	value = pred_pick(pred->others, pred->nothers, t->event, t->scratch);
	strbuf_puts(out, value == NULL ? "; the other field is absent" :
	    "; the other is ");
	if (value != NULL)
		put_seen(out, value);
}

static void
tell(struct teller *t, unsigned depth, bool held, struct slice wanted,
    struct slice seen)
{
	if (t->json) {
		strbuf_printf(t->out, "%s{\"depth\":%u,\"holds\":%s,"
		    "\"wanted\":", t->first ? "" : ",", depth,
		    held ? "true" : "false");
		json_put_string(t->out, wanted);
		if (seen.len > 0) {
			strbuf_puts(t->out, ",\"seen\":");
			json_put_string(t->out, seen);
		}
		strbuf_putc(t->out, '}');
		t->first = false;
		return;
	}
	strbuf_printf(t->out, "  %-4s%*s", held ? "yes" : "no",
	    (int)depth * 2, "");
	present_text(t->out, wanted);
	strbuf_putc(t->out, '\n');
	if (seen.len > 0) {
		strbuf_printf(t->out, "      %*s  ", (int)depth * 2, "");
		strbuf_put(t->out, seen);
		strbuf_putc(t->out, '\n');
	}
}

static void
tell_pred(struct teller *t, const struct cond *cond, unsigned depth)
{
	struct strbuf wanted = STRBUF_INIT, seen = STRBUF_INIT;

	cond_print(&wanted, cond);
	describe_seen(t, cond->pred, &seen);
	tell(t, depth, holds(t, cond), strbuf_slice(&wanted),
	    strbuf_slice(&seen));
	strbuf_fini(&wanted);
	strbuf_fini(&seen);
}

static void tell_cond(struct teller *t, const struct cond *cond,
    unsigned depth);

/* Of a list whose parts decide each alone, those that decided. */
static void
tell_parts(struct teller *t, const struct cond *cond, unsigned depth,
    bool held)
{
	bool alone = (cond->kind == COND_OR) == held;
	size_t told = 0, left = 0;
	char text[64];

	for (size_t i = 0; i < cond->n; i++) {
		if (alone && holds(t, cond->child[i]) != held &&
		    cond->kind == COND_OR)
			continue;
		if (told == EXPLAIN_PARTS) {
			left++;
			continue;
		}
		tell_cond(t, cond->child[i], depth);
		told++;
	}
	if (left == 0)
		return;
	snprintf(text, sizeof(text), "and %zu more that are alike", left);
	tell(t, depth, held, slice_cstr(text), SLICE(""));
}

static void
tell_cond(struct teller *t, const struct cond *cond, unsigned depth)
{
	bool held = holds(t, cond);

	switch (cond->kind) {
	case COND_PRED:
		tell_pred(t, cond, depth);
		return;
	case COND_NOT:
		tell(t, depth, held, SLICE("not"), SLICE(""));
		tell_cond(t, cond->child[0], depth + 1);
		return;
	case COND_AND:
		tell(t, depth, held, SLICE("all of"), SLICE(""));
		break;
	case COND_OR:
		tell(t, depth, held, SLICE("any of"), SLICE(""));
		break;
	}
	tell_parts(t, cond, depth + 1, held);
}

static void
put_logsource(struct strbuf *out, const struct logsource *logsource)
{
	const struct slice part[3] = { logsource->product,
	    logsource->category, logsource->service };
	static const char *const names[3] = { "product", "category",
	    "service" };
	bool first = true;

	for (int i = 0; i < 3; i++) {
		if (part[i].len == 0)
			continue;
		strbuf_puts(out, first ? "" : ", ");
		strbuf_printf(out, "%s: ", names[i]);
		strbuf_put(out, part[i]);
		first = false;
	}
	if (first)
		strbuf_puts(out, "none");
}

static bool
is_routed(const struct ruleset *set, const struct rule *rule,
    const struct event *event, struct match_scratch *scratch)
{
	size_t room = ruleset_detections(set) + 1;
	uint32_t *rules = xcalloc(room, sizeof(*rules));
	size_t n = ruleset_routed(set, event, scratch, rules, room);
	bool found = false;

	for (size_t i = 0; i < n && !found; i++)
		found = rules[i] == rule->number;
	free(rules);
	return found;
}

bool
rule_explain(const struct ruleset *set, const struct rule *rule,
    const struct event *event, struct match_scratch *scratch, bool json,
    struct strbuf *out)
{
	struct teller t = { event, match_scratch_pred(scratch), json, true,
	    out };
	bool routed = is_routed(set, rule, event, scratch);
	bool held = rule->cond == NULL || holds(&t, rule->cond);
	struct strbuf wanted = STRBUF_INIT, seen = STRBUF_INIT;

	put_logsource(&wanted, &rule->logsource);
	put_logsource(&seen, logsource_at(event->logsource));
	if (json) {
		strbuf_puts(out, "\"rule\":");
		json_put_string(out, rule->id);
		strbuf_printf(out, ",\"matches\":%s,\"logsource\":{"
		    "\"holds\":%s,\"wanted\":", routed && held ? "true" :
		    "false", routed ? "true" : "false");
		json_put_string(out, strbuf_slice(&wanted));
		strbuf_puts(out, ",\"seen\":");
		json_put_string(out, strbuf_slice(&seen));
		strbuf_puts(out, "},\"parts\":[");
	} else {
		strbuf_puts(out, routed && held ? "matches " :
		    "does not match ");
		present_text(out, rule->title);
		strbuf_printf(out, "\n  %-4slog source ",
		    routed ? "yes" : "no");
		present_text(out, strbuf_slice(&wanted));
		strbuf_puts(out, "\n        the event's: ");
		present_text(out, strbuf_slice(&seen));
		strbuf_putc(out, '\n');
	}
	if (rule->cond != NULL)
		tell_cond(&t, rule->cond, 0);
	if (json)
		strbuf_putc(out, ']');
	strbuf_fini(&wanted);
	strbuf_fini(&seen);
	return routed && held;
}
