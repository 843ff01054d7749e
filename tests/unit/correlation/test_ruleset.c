#include "rule_try.h"

#include <stdlib.h>

#include "correlation/match_stage.h"

#define DETECTION(name) "title: " #name "\nid: r-" #name "\nname: " #name \
	"\nlogsource: {product: p}\ndetection:\n  s: {action: " #name "}\n" \
	"  condition: s\n---\n"

static const struct rule *
rule_with(const struct ruleset *set, const char *id)
{
	const struct rule *rule = ruleset_find(set, slice_cstr(id));

	assert_non_null(rule);
	return rule;
}

static void
a_rule_applies_where_each_part_it_names_is_equal(void **state)
{
	struct ruleset *set = rules_of("title: t\nlogsource: {product: p, "
	    "category: c}\ndetection:\n  s: {F: x}\n  condition: s\n");

	(void)state;
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"product\":"
	    "\"P\",\"category\":\"c\",\"service\":\"s\"},\"F\":\"x\"}"), 1);
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"product\":"
	    "\"p\"},\"F\":\"x\"}"), 0);
	assert_int_equal(count_matches(set, "{\"F\":\"x\"}"), 0);
	ruleset_put(set);
}

static void
windows_events_are_told_apart_by_channel_and_number(void **state)
{
	struct ruleset *set = rules_of("title: t\nlogsource: {product: "
	    "windows, category: process_creation}\ndetection:\n"
	    "  s: {Image|endswith: '\\a.exe'}\n  condition: s\n");

	(void)state;
	assert_int_equal(count_matches(set, "{\"Channel\":"
	    "\"microsoft-windows-sysmon/operational\",\"EventID\":1,"
	    "\"Image\":\"C:\\\\A.EXE\"}"), 1);
	assert_int_equal(count_matches(set, "{\"Channel\":\"Security\","
	    "\"EventID\":\"4688\",\"NewProcessName\":\"C:\\\\a.exe\"}"), 1);
	assert_int_equal(count_matches(set, "{\"Channel\":\"Security\","
	    "\"EventID\":4624,\"NewProcessName\":\"C:\\\\a.exe\"}"), 0);
	assert_int_equal(count_matches(set, "{\"Event\":{\"System\":{"
	    "\"EventID\":{\"#text\":1},\"Channel\":"
	    "\"Microsoft-Windows-Sysmon/Operational\"},\"EventData\":{"
	    "\"Image\":\"\\\\a.exe\"}}}"), 1);
	assert_int_equal(count_matches(set, "{\"winlog\":{\"channel\":"
	    "\"Security\",\"event_id\":4688,\"event_data\":{"
	    "\"NewProcessName\":\"\\\\a.exe\"}}}"), 1);
	ruleset_put(set);
}

static void
correlations_come_behind_what_they_refer_to(void **state)
{
	struct ruleset *set = rules_of(
	    "title: outer\nid: c2\ncorrelation:\n  type: temporal_ordered\n"
	    "  rules: [inner, ok]\n  timespan: 1m\n---\n"
	    "title: inner\nid: c1\nname: inner\ncorrelation:\n"
	    "  type: event_count\n  rules: fail\n  timespan: 10s\n"
	    "  group-by: User\n  condition: {gte: 3}\n---\n"
	    DETECTION(fail) DETECTION(ok) DETECTION(other));
	const struct rule *inner = rule_with(set, "c1");
	const struct rule *outer = rule_with(set, "c2");

	(void)state;
	assert_int_equal(ruleset_count(set), 5);
	assert_int_equal(ruleset_detections(set), 3);
	assert_int_equal(inner->number, 3);
	assert_int_equal(outer->number, 4);
	assert_int_equal(outer->correlation->refer[0], 3);
	assert_int_equal(outer->correlation->refer[1],
	    rule_with(set, "r-ok")->number);
	assert_true(inner->silent && inner->referred);
	assert_true(rule_with(set, "r-fail")->silent);
	assert_false(outer->silent);
	assert_false(rule_with(set, "r-other")->silent);
	assert_int_equal(inner->correlation->timespan_ns, 10000000000);
	assert_true(inner->correlation->bounds.has_gte);
	ruleset_put(set);
}

static void
generate_frees_what_is_referred_to(void **state)
{
	struct ruleset *set = rules_of(DETECTION(a)
	    "title: c1\nid: c1\ncorrelation:\n  type: event_count\n"
	    "  rules: a\n  timespan: 1s\n  condition: {gte: 2}\n"
	    "  generate: true\n---\n"
	    "title: c2\nid: c2\ncorrelation:\n  type: event_count\n"
	    "  rules: a\n  timespan: 1s\n  condition: {gte: 2}\n");

	(void)state;
	assert_false(rule_with(set, "r-a")->silent);
	ruleset_put(set);
}

static void
aliases_give_each_rule_its_field(void **state)
{
	struct ruleset *set = rules_of(DETECTION(a) DETECTION(b)
	    "title: c\nid: c\ncorrelation:\n  type: temporal\n"
	    "  rules: [a, b]\n  timespan: 1s\n  group-by: [ip, User]\n"
	    "  aliases:\n    ip: {a: src, b: dst}\n");
	const struct correlation *c = rule_with(set, "c")->correlation;

	(void)state;
	assert_int_equal(c->ngroup, 2);
	assert_int_equal(c->group[0].fields[0][0], field_find(SLICE("src")));
	assert_int_equal(c->group[0].fields[1][0], field_find(SLICE("dst")));
	assert_int_equal(c->group[1].fields[1][0], field_find(SLICE("User")));
	assert_int_equal(c->group[1].fields[1][1], FIELD_NONE);
	ruleset_put(set);
}

static void
filters_narrow_the_rules_they_name(void **state)
{
	struct ruleset *set = rules_of(DETECTION(a) DETECTION(b)
	    "title: f\nlogsource: {product: p}\nfilter:\n  rules: [a]\n"
	    "  s: {User: svc_*}\n  condition: not s\n");

	(void)state;
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"product\":"
	    "\"p\"},\"action\":\"a\",\"User\":\"svc_x\"}"), 0);
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"product\":"
	    "\"p\"},\"action\":\"a\",\"User\":\"x\"}"), 1);
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"product\":"
	    "\"p\"},\"action\":\"b\",\"User\":\"svc_x\"}"), 1);
	ruleset_put(set);
}

static void
extensions_are_read(void **state)
{
	struct ruleset *set = rules_of("title: t\nid: x\nlevel: high\n"
	    "logsource: {product: p}\ndetection:\n  s: {A: 1}\n"
	    "  condition: s\nyagura:\n  layer: model\n  score: 12.5\n"
	    "  text: {en: Hello, ja: \xe4\xbb\x8a}\n  advice: Look.\n"
	    "  suppress: {for: 30m, by: [source.ip]}\n---\n"
	    "title: u\nid: y\nlevel: critical\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n---\n"
	    "title: v\nid: z\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n");
	const struct rule *x = rule_with(set, "x");

	(void)state;
	assert_int_equal(x->layer, LAYER_MODEL);
	assert_true(x->score == 12.5);
	assert_true(slice_eq(x->text_en, SLICE("Hello")));
	assert_true(slice_eq(x->advice_en, SLICE("Look.")));
	assert_int_equal(x->suppress_ns / 1000000000, 1800);
	assert_int_equal(x->nsuppress, 1);
	assert_int_equal(rule_with(set, "y")->layer, LAYER_RULE);
	assert_true(rule_with(set, "y")->score == 90);
	assert_int_equal(rule_with(set, "z")->layer, LAYER_FILTER);
	ruleset_put(set);
}

#define COUNT "title: c\nid: c\ncorrelation:\n  type: event_count\n"

static void
mistakes_of_correlations_are_named(void **state)
{
	(void)state;
	assert_string_equal(finding_of(DETECTION(a) COUNT "  rules: nosuch\n"
	    "  timespan: 1s\n  condition: {gte: 2}\n", 1), "try.yml:13:10: "
	    "there is no rule with the name or id \"nosuch\"");
	assert_string_equal(finding_of(DETECTION(a) COUNT "  rules: a\n"
	    "  timespan: '10'\n  condition: {gte: 2}\n", 1), "try.yml:14:13: "
	    "\"10\" is no timespan: a number and s, m, h, d or w");
	assert_non_null(strstr(finding_of(DETECTION(a) COUNT "  rules: a\n"
	    "  timespan: 1s\n", 1), "needs a bound"));
	assert_string_equal(finding_of(DETECTION(a) COUNT "  rules: a\n"
	    "  timespn: 1s\n  condition: {gte: 2}\n", 1), "try.yml:14:3: "
	    "unknown part of a correlation \"timespn\" (timespan?)");
	assert_non_null(strstr(finding_of(DETECTION(a) "title: c\n"
	    "correlation:\n  type: value_count\n  rules: a\n"
	    "  timespan: 1s\n  condition: {gte: 2}\n", 1),
	    "value_count needs a field"));
	assert_non_null(strstr(finding_of(
	    "title: a\nname: one\ncorrelation:\n  type: temporal\n"
	    "  rules: [two]\n  timespan: 1s\n---\n"
	    "title: b\nname: two\ncorrelation:\n  type: temporal\n"
	    "  rules: [one]\n  timespan: 1s\n", 0),
	    "correlations refer to each other"));
}

static void
what_refers_to_a_mistake_is_left_out_too(void **state)
{
	(void)state;
	assert_string_equal(finding_of("title: a\nname: a\nlogsource: "
	    "{product: p}\ndetection:\n  s: {A|nosuch: 1}\n  condition: s\n"
	    "---\n" COUNT "  rules: a\n  timespan: 1s\n"
	    "  condition: {gte: 2}\n", 0),
	    "try.yml:5:7: unknown modifier \"nosuch\"");
}

static void
every_mistake_of_a_rule_is_named(void **state)
{
	static const char rule[] = "title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A|nosuch: 1}\n  t: {B|gte: b}\n"
	    "  condition: s and t and x\n";
	static const char correlation[] = "title: t\ncorrelation:\n"
	    "  type: event_cuont\n  rules: [nosuch]\n  timespan: 5x\n"
	    "  condition: {gte: x}\n";

	(void)state;
	assert_string_equal(finding_at(rule, 0, 0),
	    "try.yml:4:7: unknown modifier \"nosuch\"");
	assert_string_equal(finding_at(rule, 0, 1),
	    "try.yml:5:14: \"b\" is no number");
	assert_string_equal(finding_at(rule, 0, 2),
	    "try.yml:6:26: condition: there is no section \"x\"");
	assert_string_equal(finding_at(correlation, 0, 0), "try.yml:3:9: unknown "
	    "type of correlation \"event_cuont\" (event_count?)");
	assert_string_equal(finding_at(correlation, 0, 1), "try.yml:5:13: "
	    "\"5x\" is no timespan: a number and s, m, h, d or w");
	assert_string_equal(finding_at(correlation, 0, 2),
	    "try.yml:6:20: a bound is a number");
	assert_string_equal(finding_at(correlation, 0, 3), "try.yml:4:11: there "
	    "is no rule with the name or id \"nosuch\"");
}

static void
mistakes_of_rules_are_named(void **state)
{
	(void)state;
	assert_string_equal(finding_of("title: t\ndetection:\n  s: {A: 1}\n"
	    "  condition: s\n", 0), "try.yml:1:1: the rule has no logsource");
	assert_string_equal(finding_of("title: t\nlogsource: {prodct: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n", 0), "try.yml:2:13: "
	    "unknown part of a log source \"prodct\" (product?)");
	assert_string_equal(finding_of("title: t\nlevel: hihg\nlogsource: "
	    "{product: p}\ndetection:\n  s: {A: 1}\n  condition: s\n", 0),
	    "try.yml:2:8: unknown level \"hihg\" (high?)");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n", 0), "try.yml:4:3: the detection has "
	    "no condition; add \"condition: selection\"");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n  timeframe: 5m\n", 0),
	    "try.yml:6:3: \"timeframe\" is of old rules; write a correlation "
	    "rule with a timespan");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n"
	    "yagura: {laier: rule}\n", 0), "try.yml:6:10: unknown extension "
	    "of yagura \"laier\" (layer?)");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n"
	    "yagura: {respond: 5m}\n", 0), "try.yml:6:19: a response is a map: "
	    "{action: block_ip, target: source.ip, for: 1d}");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n"
	    "yagura: {respond: [{action: blok_ip}]}\n", 0), "try.yml:6:29: "
	    "unknown action \"blok_ip\" (block_ip?)");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n"
	    "yagura: {respond: {target: user.name}}\n", 0), "try.yml:6:19: "
	    "a response without an action");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n"
	    "yagura: {respond: {action: block_ip, for: soon}}\n", 0),
	    "try.yml:6:43: for takes a timespan such as 30m or 1d");
	assert_string_equal(finding_of("title: t\nlogsource: {product: p}\n"
	    "detection:\n  s: {A: 1}\n  condition: s\n"
	    "yagura: {speed: {kmh: 900}}\n", 0), "try.yml:6:10: speed belongs "
	    "to a correlation");
	assert_string_equal(finding_of(DETECTION(a) "---\ntitle: t\n"
	    "correlation: {type: value_count, rules: [r-a], timespan: 1h, "
	    "condition: {field: c, gte: 2}}\nyagura: {speed: {kmH: 900}}\n",
	    1), "try.yml:12:18: unknown key of speed \"kmH\" (kmh?)");
	assert_string_equal(finding_of(DETECTION(a) "---\ntitle: t\n"
	    "correlation: {type: event_count, rules: [r-a], timespan: 1h, "
	    "condition: {gte: 2}}\nyagura: {absent: {rules: [r-a]}}\n",
	    1), "try.yml:12:18: absent belongs to a correlation of type "
	    "event_count with the condition {gte: 1}");
	assert_string_equal(finding_of(DETECTION(a) "---\ntitle: t\n"
	    "correlation: {type: event_count, rules: [r-a], timespan: 1h, "
	    "condition: {gte: 1}}\nyagura: {absent: {rules: [r-b]}}\n",
	    1), "try.yml:12:27: there is no rule with the name or id \"r-b\"");
	assert_string_equal(finding_of(DETECTION(a) DETECTION(a), 1),
	    "try.yml:10:5: \"r-a\" is already the name or id of try.yml:1");
}

static void
matching_a_batch_adds_hits_and_values(void **state)
{
	struct ruleset *set = rules_of(DETECTION(a) DETECTION(b));
	struct match_stage *stage = match_stage_new();
	struct batch *batch = batch_new(1, 0);
	const struct value *hits;

	(void)state;
	batch_release = match_stage_release;
	for (int i = 0; i < 2; i++)
		shape_event(batch_add(batch, i == 0 ? SLICE("{\"_logsource\":"
		    "{\"product\":\"p\"},\"action\":\"b\"}") : SLICE("{}"),
		    SLICE("p"), 0));
	batch->phase = BATCH_PARSED;
	match_stage_run(stage, set, batch);
	assert_int_equal(batch->phase, BATCH_MATCHED);
	assert_ptr_equal(batch->ruleset, set);
	assert_int_equal(batch->events[0].nhits, 1);
	assert_int_equal(batch->events[0].hits[0], 1);
	assert_int_equal(batch->events[1].nhits, 0);
	assert_int_equal(ruleset_tally(set, 1).hits, 1);
	assert_int_equal(ruleset_tally(set, 0).hits, 0);
	hits = event_get(&batch->events[0], FIELD_YAGURA_HITS);
	assert_non_null(hits);
	assert_int_equal(hits->len, 1);
	assert_memory_equal(hits->u.items[0].text, "r-b", 3);
	assert_non_null(event_get(&batch->events[0],
	    field_find(SLICE("action"))));
	ruleset_put(set);
	match_stage_free(stage);
	batch_put(batch);
	batch_release = NULL;
}

/* The index may only leave out rules that cannot match: both ways agree over
 * every event that comes with the conformance material. */
static void
agree_over(const struct ruleset *set, const char *path)
{
	FILE *file = fopen(path, "r");
	struct match_scratch *scratch = match_scratch_new(set);
	struct batch *batch = batch_new(1, 0);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	assert_non_null(file);
	while ((n = getline(&line, &cap, file)) > 0) {
		uint32_t fast[512], slow[512];
		struct event *event;
		size_t nfast;

		if (batch_full(batch)) {
			batch_put(batch);
			batch = batch_new(1, 0);
		}
		event = batch_add(batch, slice_of(line, (size_t)n),
		    SLICE("p"), 0);
		assert_true(shape_event(event));
		nfast = ruleset_match(set, event, scratch, fast, 512);
		assert_int_equal(nfast, ruleset_match_slow(set, event,
		    scratch, slow, 512));
		assert_memory_equal(fast, slow, nfast * sizeof(*fast));
	}
	free(line);
	fclose(file);
	batch_put(batch);
	match_scratch_free(scratch);
}

static void
the_index_agrees_with_running_every_rule(void **state)
{
	const char *shared = getenv("YAGURA_SHARED");
	char rules[512], events[512];
	const char *paths[] = { rules };
	struct diag *diag = diag_new();
	struct ruleset *set;
	FILE *probe;

	(void)state;
	if (shared == NULL)
		shared = "../shared";
	snprintf(rules, sizeof(rules), "%s/sigma/rules", shared);
	snprintf(events, sizeof(events), "%s/sigma/regression/events.jsonl",
	    shared);
	probe = fopen(events, "r");
	if (probe == NULL) {
		assert_true(getenv("CI") == NULL);
		printf("skipped: %s is not there\n", events);
		diag_free(diag);
		return;
	}
	fclose(probe);
	set = ruleset_load(paths, 1, diag);
	assert_true(ruleset_count(set) > 3000);
	agree_over(set, events);
	snprintf(events, sizeof(events), "%s/sigma/synthetic/events.jsonl",
	    shared);
	agree_over(set, events);
	ruleset_put(set);
	diag_free(diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_applies_where_each_part_it_names_is_equal),
		cmocka_unit_test(windows_events_are_told_apart_by_channel_and_number),
		cmocka_unit_test(correlations_come_behind_what_they_refer_to),
		cmocka_unit_test(generate_frees_what_is_referred_to),
		cmocka_unit_test(aliases_give_each_rule_its_field),
		cmocka_unit_test(filters_narrow_the_rules_they_name),
		cmocka_unit_test(extensions_are_read),
		cmocka_unit_test(mistakes_of_correlations_are_named),
		cmocka_unit_test(what_refers_to_a_mistake_is_left_out_too),
		cmocka_unit_test(every_mistake_of_a_rule_is_named),
		cmocka_unit_test(mistakes_of_rules_are_named),
		cmocka_unit_test(matching_a_batch_adds_hits_and_values),
		cmocka_unit_test(the_index_agrees_with_running_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
