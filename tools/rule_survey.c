#include "tools/rule_survey.h"

#include <stdlib.h>

#include "correlation/rule.h"
#include "engine/check.h"
#include "engine/cond.h"
#include "engine/event.h"
#include "engine/json.h"
#include "engine/map.h"
#include "engine/pred.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/present.h"

#define WORDS (FIELD_LIMIT / 64)
#define NAMES_SHOWN 6		/* definitions of one rule in a table */
#define PAIRED_MOST 40		/* sources whose pairs are told */

struct source {
	struct slice name;
	bool	 hidden;
	bool	*feeds;		/* by number of the detection */
	uint64_t *fields;	/* a bit per field its examples have */
};

struct survey {
	const struct ruleset *set;
	size_t	 n, nrules;
	struct source *sources;
	bool	 kept;		/* survey_keep was called */
	/* while reading examples */
	struct match_scratch *scratch;
	uint32_t *routed;
};

/* --- what definitions give ----------------------------------------------- */
static struct source *
source_find(const struct survey *survey, struct slice name)
{
	for (size_t i = 0; i < survey->n; i++)
		if (slice_eq(survey->sources[i].name, name))
			return &survey->sources[i];
	return NULL;
}

static void
take_example(struct slice name, const struct event *event, void *arg)
{
	struct survey *survey = arg;
	struct source *source = source_find(survey, name);
	size_t n;

	if (source == NULL)
		return;
	for (size_t i = 0; i < event->n; i++)
		source->fields[event->fields[i] / 64] |=
		    UINT64_C(1) << (event->fields[i] & 63);
	n = ruleset_routed(survey->set, event, survey->scratch,
	    survey->routed, survey->nrules);
	for (size_t i = 0; i < n && i < survey->nrules; i++)
		source->feeds[survey->routed[i]] = true;
}

struct survey *
survey_new(const struct ruleset *set, struct parserset *parsers)
{
	struct survey *survey = xcalloc(1, sizeof(*survey));

	survey->set = set;
	survey->nrules = ruleset_detections(set);
	survey->n = parserset_count(parsers);
	survey->sources = xcalloc(survey->n + 1, sizeof(*survey->sources));
	for (size_t i = 0; i < survey->n; i++)
		survey->sources[i] = (struct source){
		    .name = parserset_name(parsers, i),
		    .feeds = xcalloc(survey->nrules + 1, sizeof(bool)),
		    .fields = xcalloc(WORDS, sizeof(uint64_t)) };
	survey->scratch = match_scratch_new(set);
	survey->routed = xcalloc(survey->nrules + 1, sizeof(uint32_t));
	parserset_examples(parsers, take_example, survey);
	return survey;
}

void
survey_free(struct survey *survey)
{
	if (survey == NULL)
		return;
	for (size_t i = 0; i < survey->n; i++) {
		free(survey->sources[i].feeds);
		free(survey->sources[i].fields);
	}
	free(survey->sources);
	match_scratch_free(survey->scratch);
	free(survey->routed);
	free(survey);
}

void
survey_keep(struct survey *survey, struct slice def)
{
	struct source *source = source_find(survey, def);

	for (size_t i = 0; !survey->kept && i < survey->n; i++)
		survey->sources[i].hidden = true;
	survey->kept = true;
	if (source != NULL)
		source->hidden = false;
}

static bool
feeds_detection(const struct source *source, size_t rule)
{
	return !source->hidden && source->feeds[rule];
}

/* A correlation is fed by what feeds one of the rules it refers to. */
static bool
feeds(const struct survey *survey, const struct source *source,
    const struct rule *rule)
{
	if (rule->kind == RULE_DETECTION)
		return feeds_detection(source, rule->number);
	for (size_t i = 0; i < rule->correlation->nrefer; i++)
		if (feeds(survey, source, ruleset_rule(survey->set,
		    rule->correlation->refer[i])))
			return true;
	return false;
}

/* How many of the rules it refers to must have a source: steps of a course of
 * events all, or as many as the condition says; counts are fed by any. */
static size_t
feeds_wanted(const struct correlation *c)
{
	bool steps = c->type == CORRELATION_TEMPORAL ||
	    c->type == CORRELATION_TEMPORAL_ORDERED;

	if (steps && c->bounds_given && c->bounds.has_gte &&
	    c->bounds.gte >= 1 && c->bounds.gte < (double)c->nrefer)
		return (size_t)c->bounds.gte;
	return steps ? c->nrefer : 1;
}

/* Can it ever hold? */
static bool
is_fed(const struct survey *survey, const struct rule *rule)
{
	const struct correlation *c = rule->correlation;
	size_t n = 0;

	if (rule->kind == RULE_DETECTION) {
		for (size_t i = 0; i < survey->n; i++)
			if (feeds_detection(&survey->sources[i],
			    rule->number))
				return true;
		return false;
	}
	/* What is absent is told of by those it should follow. */
	for (size_t i = 0; i < c->nrefer - c->nabsent; i++)
		n += is_fed(survey, ruleset_rule(survey->set, c->refer[i]));
	return n >= feeds_wanted(c);
}

size_t
survey_unfed(const struct survey *survey)
{
	size_t n = 0;

	for (size_t i = 0; i < ruleset_count(survey->set); i++)
		n += !is_fed(survey, ruleset_rule(survey->set, i));
	return n;
}

/* "a, b, c and 4 more"; everything with most = SIZE_MAX. */
static void
put_sources(const struct survey *survey, const struct rule *rule,
    size_t most, struct strbuf *out)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < survey->n; i++) {
		if (!feeds(survey, &survey->sources[i], rule))
			continue;
		if (shown == most) {
			left++;
			continue;
		}
		strbuf_puts(out, shown++ > 0 ? ", " : "");
		strbuf_put(out, survey->sources[i].name);
	}
	if (left > 0)
		strbuf_printf(out, " and %zu more", left);
	if (shown == 0)
		strbuf_puts(out, "no source");
}

/* --- coverage ------------------------------------------------------------ */
struct technique {
	struct slice id;	/* as tagged: t1110.001 */
	size_t	 rules, fed;
};

static bool
is_technique(struct slice tag)
{
	return slice_starts(tag, SLICE("attack.t")) && tag.len > 8 &&
	    tag.ptr[8] >= '0' && tag.ptr[8] <= '9';
}

static int
by_id(const void *a, const void *b)
{
	return slice_cmp(((const struct technique *)a)->id,
	    ((const struct technique *)b)->id);
}

static size_t
collect(const struct survey *survey, struct technique **out)
{
	struct map *map = map_new();
	size_t n = 0;

	*out = NULL;
	for (size_t i = 0; i < ruleset_count(survey->set); i++) {
		const struct rule *rule = ruleset_rule(survey->set, i);

		for (size_t k = 0; k < rule->ntags; k++) {
			union map_value *place;
			bool made;

			if (!is_technique(rule->tags[k]))
				continue;
			place = map_get(map, rule->tags[k], &made);
			if (made) {
				*out = xrealloc(*out, (n + 1) *
				    sizeof(**out));
				(*out)[n] = (struct technique){
				    .id = slice_skip(rule->tags[k], 7) };
				place->num = n++;
			}
			(*out)[place->num].rules++;
			(*out)[place->num].fed += is_fed(survey, rule);
		}
	}
	map_free(map);
	if (n > 1)
		qsort(*out, n, sizeof(**out), by_id);
	return n;
}

static bool
has_tag(const struct rule *rule, struct slice id)
{
	for (size_t i = 0; i < rule->ntags; i++)
		if (is_technique(rule->tags[i]) &&
		    slice_eq(slice_skip(rule->tags[i], 7), id))
			return true;
	return false;
}

static void
put_id(struct strbuf *out, struct slice id)
{
	strbuf_putc(out, 'T');
	strbuf_put(out, slice_skip(id, 1));
}

static void
put_pair(struct strbuf *out, bool *first, struct slice name,
    struct slice value)
{
	strbuf_puts(out, *first ? "{\"name\":" : ",{\"name\":");
	json_put_string(out, name);
	strbuf_puts(out, ",\"value\":");
	json_put_string(out, value);
	strbuf_putc(out, '}');
	*first = false;
}

/* The rules of a technique and what feeds each. */
static void
put_technique(const struct survey *survey, const struct technique *technique,
    struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	bool first = true;

	strbuf_puts(out, "{\"techniqueID\":\"");
	put_id(out, technique->id);
	strbuf_printf(out, "\",\"score\":%zu,\"enabled\":true,\"comment\":"
	    "\"%zu rules, %zu of them with a source\",\"metadata\":[",
	    technique->fed, technique->rules, technique->fed);
	for (size_t i = 0; i < ruleset_count(survey->set); i++) {
		const struct rule *rule = ruleset_rule(survey->set, i);

		if (!has_tag(rule, technique->id))
			continue;
		strbuf_clear(&text);
		put_sources(survey, rule, SIZE_MAX, &text);
		put_pair(out, &first, rule->title, strbuf_slice(&text));
	}
	strbuf_puts(out, "]}");
	strbuf_fini(&text);
}

/* "a, b + c, d": what each referred rule is fed by. */
static void
put_joined(const struct survey *survey, const struct rule *rule, size_t most,
    struct strbuf *out)
{
	for (size_t i = 0; i < rule->correlation->nrefer; i++) {
		strbuf_puts(out, i > 0 ? " + " : "");
		put_sources(survey, ruleset_rule(survey->set,
		    rule->correlation->refer[i]), most, out);
	}
}

static void
coverage_json(const struct survey *survey, const struct technique *at,
    size_t n, FILE *file)
{
	struct strbuf out = STRBUF_INIT, text = STRBUF_INIT;
	size_t most = 1;
	bool first = true;

	for (size_t i = 0; i < n; i++)
		most = at[i].fed > most ? at[i].fed : most;
	strbuf_puts(&out, "{\"name\":\"yagura\",\"versions\":{\"layer\":"
	    "\"4.5\",\"navigator\":\"5.1.0\"},\"domain\":"
	    "\"enterprise-attack\",\"description\":\"score: rules that have "
	    "a source\",\"sorting\":3,\"hideDisabled\":false,"
	    "\"gradient\":{\"colors\":[\"#ffffff\",\"#66b1ff\"],"
	    "\"minValue\":0,");
	strbuf_printf(&out, "\"maxValue\":%zu},\"techniques\":[", most);
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(&out, i > 0 ? "," : "");
		put_technique(survey, &at[i], &out);
	}
	strbuf_puts(&out, "],\"metadata\":[");
	for (size_t i = ruleset_detections(survey->set);
	    i < ruleset_count(survey->set); i++) {
		const struct rule *rule = ruleset_rule(survey->set, i);

		strbuf_clear(&text);
		put_joined(survey, rule, SIZE_MAX, &text);
		put_pair(&out, &first, rule->title, strbuf_slice(&text));
	}
	strbuf_puts(&out, "]}\n");
	fwrite(out.ptr, 1, out.len, file);
	strbuf_fini(&out);
	strbuf_fini(&text);
}

static void
print_row(const struct rule *rule, const struct strbuf *sources, FILE *file)
{
	struct strbuf title = STRBUF_INIT;

	present_text(&title, rule->title);
	fprintf(file, "%s\n    %s\n", title.ptr, sources->ptr);
	strbuf_fini(&title);
}

static bool
alerts(const struct rule *rule)
{
	return rule->layer != LAYER_FILTER && !rule->silent;
}

/* Each source, and how many rules that alert it has a part in. */
static void
print_sources(const struct survey *survey, FILE *file)
{
	fprintf(file, "\n%-28s %10s %6s\n", "SOURCE", "DETECTIONS",
	    "ALERTS");
	for (size_t i = 0; i < survey->n; i++) {
		const struct source *source = &survey->sources[i];
		size_t detections = 0, told = 0;

		if (source->hidden)
			continue;
		for (size_t k = 0; k < ruleset_count(survey->set); k++) {
			const struct rule *rule = ruleset_rule(survey->set,
			    k);

			if (!feeds(survey, source, rule))
				continue;
			detections += rule->kind == RULE_DETECTION;
			told += alerts(rule);
		}
		fprintf(file, "%-28.*s %10zu %6zu\n", (int)source->name.len,
		    source->name.ptr, detections, told);
	}
}

/* Do two sources meet in a rule, each for a part of its own? Parts may be
 * chained; what two sources both may give is no meeting. */
static bool
meet(const struct survey *survey, const struct rule *rule,
    const struct source *a, const struct source *b)
{
	const struct correlation *c = rule->correlation;

	if (c == NULL || feeds_wanted(c) < 2)
		return false;
	for (size_t i = 0; i < c->nrefer; i++)
		for (size_t k = 0; k < c->nrefer; k++)
			if (i != k && feeds(survey, a, ruleset_rule(
			    survey->set, c->refer[i])) && feeds(survey, b,
			    ruleset_rule(survey->set, c->refer[k])))
				return true;
	return false;
}

/* Pairs of sources that rules bring together. Of all definitions there would
 * be thousands: only where they are few, as those of a store. */
static void
print_pairs(const struct survey *survey, FILE *file)
{
	size_t shown = 0;

	for (size_t i = 0; i < survey->n; i++)
		shown += !survey->sources[i].hidden;
	if (shown > PAIRED_MOST)
		return;
	fprintf(file, "\n%-28s %-28s %6s\n", "SOURCE", "WITH", "RULES");
	for (size_t i = 0; i < survey->n; i++)
		for (size_t k = i + 1; k < survey->n; k++) {
			const struct source *a = &survey->sources[i],
			    *b = &survey->sources[k];
			size_t n = 0;

			if (a->hidden || b->hidden)
				continue;
			for (size_t r = survey->nrules;
			    r < ruleset_count(survey->set); r++)
				n += meet(survey, ruleset_rule(survey->set, r),
				    a, b);
			if (n > 0)
				fprintf(file, "%-28.*s %-28.*s %6zu\n",
				    (int)a->name.len, a->name.ptr,
				    (int)b->name.len, b->name.ptr, n);
		}
}

/* Rules that should alert and cannot. */
static void
print_unfed(const struct survey *survey, FILE *file)
{
	struct strbuf title = STRBUF_INIT;
	bool first = true;

	for (size_t i = 0; i < ruleset_count(survey->set); i++) {
		const struct rule *rule = ruleset_rule(survey->set, i);

		if (!alerts(rule) || is_fed(survey, rule))
			continue;
		if (first)
			fputs("\nALERTS WITHOUT A SOURCE\n", file);
		first = false;
		strbuf_clear(&title);
		present_text(&title, rule->title);
		fprintf(file, "%s\n", title.ptr);
	}
	strbuf_fini(&title);
}

static void
coverage_table(const struct survey *survey, const struct technique *at,
    size_t n, FILE *file)
{
	struct strbuf text = STRBUF_INIT;
	size_t fed = ruleset_count(survey->set) - survey_unfed(survey);

	fprintf(file, "%-12s %6s %6s\n", "TECHNIQUE", "RULES", "FED");
	for (size_t i = 0; i < n; i++) {
		strbuf_clear(&text);
		put_id(&text, at[i].id);
		fprintf(file, "%-12s %6zu %6zu\n", text.ptr, at[i].rules,
		    at[i].fed);
	}
	fprintf(file, "\n%zu of %zu rules have a source\n\nSOURCES CORRELATED"
	    "\n", fed, ruleset_count(survey->set));
	for (size_t i = ruleset_detections(survey->set);
	    i < ruleset_count(survey->set); i++) {
		const struct rule *rule = ruleset_rule(survey->set, i);

		strbuf_clear(&text);
		put_joined(survey, rule, NAMES_SHOWN, &text);
		print_row(rule, &text, file);
	}
	strbuf_fini(&text);
	print_sources(survey, file);
	print_pairs(survey, file);
	print_unfed(survey, file);
}

void
survey_coverage(const struct survey *survey, bool json, FILE *out)
{
	struct technique *techniques;
	size_t n = collect(survey, &techniques);

	if (json)
		coverage_json(survey, techniques, n, out);
	else
		coverage_table(survey, techniques, n, out);
	free(techniques);
}

/* --- fields -------------------------------------------------------------- */
struct lister {
	const struct survey *survey;
	const struct rule *rule;
	struct map *seen;	/* rule and field told */
	bool	 json;
	FILE	*out;
	size_t	 n;
};

/* Members of the event itself, and what we add, do not come from a source. */
static bool
is_given(const struct source *source, const struct pred *pred)
{
	for (size_t i = 0; i < pred->nfields; i++) {
		field_t field = pred->fields[i];

		if (field == FIELD_TIMESTAMP || field == FIELD_EVENT_ORIGINAL ||
		    field == FIELD_EVENT_INGESTED || field == FIELD_EVENT_ID ||
		    slice_starts(field_name(field), SLICE("yagura.")))
			return true;
		if (field < FIELD_LIMIT && (source->fields[field / 64] >>
		    (field & 63) & 1) != 0)
			return true;
	}
	return false;
}

static void
list_missing(struct lister *l, const struct pred *pred)
{
	struct strbuf out = STRBUF_INIT;
	struct slice name = field_name(pred->fields[pred->nfields - 1]);
	bool made;

	strbuf_printf(&out, "%u ", l->rule->number);
	strbuf_put(&out, name);
	map_get(l->seen, strbuf_slice(&out), &made);
	strbuf_clear(&out);
	if (!made) {
		strbuf_fini(&out);
		return;
	}
	l->n++;
	if (l->json) {
		strbuf_puts(&out, "{\"field\":");
		json_put_string(&out, name);
		strbuf_puts(&out, ",\"looked_for\":[");
		for (size_t i = 0; i < pred->nfields; i++) {
			strbuf_puts(&out, i > 0 ? "," : "");
			json_put_string(&out, field_name(pred->fields[i]));
		}
		strbuf_puts(&out, "],\"rule\":");
		json_put_string(&out, l->rule->id);
		strbuf_puts(&out, ",\"title\":");
		json_put_string(&out, l->rule->title);
		strbuf_putc(&out, '}');
	} else {
		strbuf_put(&out, name);
		while (out.len < 32)
			strbuf_putc(&out, ' ');
		strbuf_putc(&out, ' ');
		present_text(&out, l->rule->title);
	}
	fprintf(l->out, "%s\n", out.ptr);
	strbuf_fini(&out);
}

static void
list_cond(struct lister *l, const struct cond *cond)
{
	const struct pred *pred = cond->pred;

	for (size_t i = 0; i < cond->n; i++)
		list_cond(l, cond->child[i]);
	if (cond->kind != COND_PRED || pred->nfields == 0)
		return;
	for (size_t i = 0; i < l->survey->n; i++) {
		const struct source *source = &l->survey->sources[i];

		if (feeds_detection(source, l->rule->number) &&
		    is_given(source, pred))
			return;
	}
	list_missing(l, pred);
}

size_t
survey_fields(const struct survey *survey, bool json, FILE *out)
{
	struct lister l = { .survey = survey, .seen = map_new(),
	    .json = json, .out = out };

	if (!json)
		fprintf(out, "%-32s %s\n", "FIELD", "RULE");
	for (size_t i = 0; i < survey->nrules; i++) {
		l.rule = ruleset_rule(survey->set, i);
		if (is_fed(survey, l.rule) && l.rule->cond != NULL)
			list_cond(&l, l.rule->cond);
	}
	map_free(l.seen);
	return l.n;
}
