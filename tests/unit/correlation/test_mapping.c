#include "rule_try.h"

#include <stdlib.h>
#include <unistd.h>

#include "correlation/mapping.h"

/* A mapping of one file with this text. */
static struct mapping *
mapping_of(const char *text, struct diag *diag)
{
	char folder[] = "/tmp/yagura-mapping-XXXXXX", path[64];
	struct mapping *mapping = mapping_new();
	FILE *file;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.yml", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	mapping_add(mapping, folder, diag);
	mapping_seal(mapping, diag);
	unlink(path);
	rmdir(folder);
	return mapping;
}

/* The places of a field, with blanks between. */
static const char *
places(const struct mapping *mapping, struct logsource logsource,
    const char *name)
{
	static char out[512];
	field_t fields[PRED_FIELDS];
	size_t n = mapping_resolve(mapping, &logsource, slice_cstr(name),
	    fields), len = 0;

	for (size_t i = 0; i < n; i++) {
		struct slice one = field_name(fields[i]);

		len += (size_t)snprintf(out + len, sizeof(out) - len,
		    "%s%.*s", i > 0 ? " " : "", (int)one.len, one.ptr);
	}
	return out;
}

#define PRODUCT(name) (struct logsource){ .product = SLICE(name) }

static void
places_come_in_their_order_and_the_name_last(void **state)
{
	struct diag *diag = diag_new();
	struct mapping *mapping = mapping_of(
	    "logsource: {product: p}\n"
	    "fields: {A: [x.a, y.a], B: x.b}\n"
	    "names: ['data.{}']\n"
	    "fallback: {A: z.a}\n"
	    "---\n"
	    "logsource: {product: p, category: c}\n"
	    "fields: {A: special.a}\n"
	    "also: {A: Other}\n", diag);

	(void)state;
	assert_int_equal(diag_count(diag), 0);
	assert_string_equal(places(mapping, PRODUCT("p"), "A"),
	    "x.a y.a data.A z.a A");
	assert_string_equal(places(mapping, PRODUCT("p"), "C"), "data.C C");
	assert_string_equal(places(mapping, PRODUCT("q"), "A"), "A");
	assert_string_equal(places(mapping, (struct logsource){
	    .product = SLICE("p"), .category = SLICE("c") }, "A"),
	    "special.a x.a y.a data.A data.Other z.a A");
	mapping_free(mapping);
	diag_free(diag);
}

static void
no_more_places_than_a_comparison_has(void **state)
{
	struct diag *diag = diag_new();
	struct mapping *mapping = mapping_of("logsource: {product: p}\n"
	    "fields: {A: [a, b, c, d, e, f, g, h, i, j]}\n", diag);
	field_t out[PRED_FIELDS];

	(void)state;
	assert_int_equal(mapping_resolve(mapping, &PRODUCT("p"), SLICE("A"),
	    out), PRED_FIELDS);
	mapping_free(mapping);
	diag_free(diag);
}

static void
a_service_is_met_through_the_channel(void **state)
{
	struct diag *diag = diag_new();
	struct mapping *mapping = mapping_of(
	    "logsource: {product: windows, category: c}\n"
	    "events: [{channel: Log/One, number: 1}]\n---\n"
	    "logsource: {product: windows, service: one}\n"
	    "events: [{channel: Log/One}]\n---\n"
	    "logsource: {product: windows, service: two}\n"
	    "events: [{channel: Log/Two}]\n", diag);
	struct logsource both = { .product = SLICE("windows"),
	    .category = SLICE("c"), .service = SLICE("one") };
	size_t met = 0;

	(void)state;
	assert_int_equal(mapping_routes(mapping), 3);
	for (size_t i = 0; i < 3; i++)
		met += mapping_route_meets(mapping, i, &both);
	assert_int_equal(met, 1);
	both.service = SLICE("two");
	for (size_t i = 0; i < 3; i++)
		assert_false(mapping_route_meets(mapping, i, &both));
	mapping_free(mapping);
	diag_free(diag);
}

static const char *
mistake(const char *text)
{
	static char out[256];
	struct diag *diag = diag_new();
	struct mapping *mapping = mapping_of(text, diag);
	const struct diag_finding *finding;

	assert_int_equal(diag_count(diag), 1);
	finding = diag_at(diag, 0);
	snprintf(out, sizeof(out), "%d:%d: %s", finding->line,
	    finding->column, finding->text);
	mapping_free(mapping);
	diag_free(diag);
	return out;
}

static void
mistakes_are_named(void **state)
{
	(void)state;
	assert_string_equal(mistake("fields: {A: b}\n"), "1:1: a mapping "
	    "needs a logsource: {product: ..., category: ..., service: ...}");
	assert_string_equal(mistake("logsource: {product: p}\nfeilds: {}\n"),
	    "2:1: unknown key \"feilds\" (fields?)");
	assert_string_equal(mistake("logsource: {prod: p}\n"), "1:13: a log "
	    "source has product, category and service");
	assert_string_equal(mistake("logsource: {product: p}\nevents:\n"
	    "  - {number: 1}\n"), "3:5: an event needs a channel of at most "
	    "80 bytes: {channel: Security, number: 4688}");
	assert_string_equal(mistake("logsource: {product: p}\nevents:\n"
	    "  - {channel: c, number: x}\n"), "3:26: not an event number");
}

/* What is shipped has no mistakes and knows the common log sources. */
static void
shipped_mappings_are_in_order(void **state)
{
	struct ruleset *set = rules_of("title: t\nlogsource: {category: "
	    "antivirus}\ndetection:\n  s: {Signature|contains: mimi}\n"
	    "  condition: s\n---\ntitle: u\nid: u\nlogsource: {product: "
	    "windows, category: registry_delete}\ndetection:\n"
	    "  s: {TargetObject|contains: run}\n  condition: s\n---\n"
	    "title: v\nid: v\nlogsource: {category: proxy}\ndetection:\n"
	    "  s: {cs-host: a.example}\n  condition: s\n");

	(void)state;
	assert_int_equal(count_matches(set, "{\"Channel\":\"Microsoft-"
	    "Windows-Windows Defender/Operational\",\"EventID\":1116,"
	    "\"ThreatName\":\"Mimikatz\"}"), 1);
	assert_int_equal(count_matches(set, "{\"Channel\":\"Microsoft-"
	    "Windows-Sysmon/Operational\",\"EventID\":12,\"EventType\":"
	    "\"deletekey\",\"TargetObject\":\"a\\\\Run\"}"), 1);
	assert_int_equal(count_matches(set, "{\"Channel\":\"Microsoft-"
	    "Windows-Sysmon/Operational\",\"EventID\":12,\"EventType\":"
	    "\"CreateKey\",\"TargetObject\":\"a\\\\Run\"}"), 0);
	assert_int_equal(count_matches(set, "{\"_logsource\":{\"category\":"
	    "\"proxy\",\"product\":\"squid\"},\"url\":{\"domain\":"
	    "\"A.example\"}}"), 1);
	ruleset_put(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_come_in_their_order_and_the_name_last),
		cmocka_unit_test(no_more_places_than_a_comparison_has),
		cmocka_unit_test(a_service_is_met_through_the_channel),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(shipped_mappings_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
