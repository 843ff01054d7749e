/* Placeholders get their values from the folder beside the rules. */
#include "rule_try.h"

#include <stdlib.h>
#include <unistd.h>

#include "correlation/sigma_lists.h"

static char folder[64];

static void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int
setup(void **state)
{
	char command[128];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/yagura-lists-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command), "mkdir %s/lists", folder);
	return system(command);
}

static int
teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static struct ruleset *
load(struct diag *diag)
{
	const char *path = folder;

	return ruleset_load(&path, 1, diag);
}

static bool
fires(const struct ruleset *set, const char *line)
{
	struct match_scratch *scratch = match_scratch_new(set);
	struct batch *batch = batch_new(0, 1);
	struct event *event = batch_add(batch, slice_cstr(line), SLICE(""), 1);
	uint32_t hits[4];
	size_t n;

	assert_true(shape_event(event));
	n = ruleset_match(set, event, scratch, hits, 4);
	batch_put(batch);
	match_scratch_free(scratch);
	return n > 0;
}

#define EVENT(rest) "{\"_logsource\":{\"product\":\"p\"}," rest "}"

static void
a_placeholder_stands_for_every_value_of_its_list(void **state)
{
	struct diag *diag = diag_new();
	struct ruleset *set;

	(void)state;
	write_file("a.yml", "title: A\nlogsource: {product: p}\ndetection: "
	    "{s: {f|contains|expand: '%dom%\\\\%user%', n|expand: '%ids%', "
	    "ip|cidr|expand: '%nets%'}, condition: s}\n");
	write_file("lists/dom.txt", "# ours\nCORP\n  LAB \r\n\n");
	write_file("lists/more.yml", "user: [adm*, 'svc_%x%']\nids: [1, 2]\n"
	    "nets: 10.0.0.0/8\n");
	set = load(diag);
	diag_print(diag, stderr);
	assert_int_equal(diag_count(diag), 0);
	assert_true(fires(set, EVENT("\"f\":\"-lab\\\\Admin\",\"n\":\"2\","
	    "\"ip\":\"10.1.2.3\"")));
	assert_true(fires(set, EVENT("\"f\":\"corp\\\\svc_%x%\",\"n\":1,"
	    "\"ip\":\"10.1.2.3\"")));
	assert_false(fires(set, EVENT("\"f\":\"ours\\\\Admin\",\"n\":2,"
	    "\"ip\":\"10.1.2.3\"")));
	assert_false(fires(set, EVENT("\"f\":\"lab\\\\Admin\",\"n\":3,"
	    "\"ip\":\"10.1.2.3\"")));
	assert_false(fires(set, EVENT("\"f\":\"lab\\\\Admin\",\"n\":2,"
	    "\"ip\":\"11.1.2.3\"")));
	ruleset_put(set);
	diag_free(diag);
}

static void
refuses(const char *rule, const char *why)
{
	struct diag *diag = diag_new();
	struct ruleset *set;

	write_file("a.yml", rule);
	set = load(diag);
	assert_true(diag_errors(diag) > 0);
	if (strstr(diag_at(diag, 0)->text, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why,
		    diag_at(diag, 0)->text);
	ruleset_put(set);
	diag_free(diag);
}

#define RULE(item) "title: A\nlogsource: {product: p}\ndetection: {s: {" item \
	"}, condition: s}\n"

static void
a_placeholder_without_values_is_refused_by_name(void **state)
{
	(void)state;
	write_file("lists/empty.txt", "# none yet\n");
	refuses(RULE("f|expand: '%empty%'"), "has no values");
	refuses(RULE("f|expand: '%domm%'"), "has no value (dom?); put values "
	    "into lists/domm.txt");
	refuses(RULE("f|cidr|expand: '%dom%'"), "is no network");
}

static void
lists_have_limits(void **state)
{
	char path[128];
	FILE *out;

	(void)state;
	snprintf(path, sizeof(path), "%s/lists/many.txt", folder);
	out = fopen(path, "w");
	for (int i = 0; i <= SIGMA_LIST_VALUES; i++)
		fprintf(out, "v%d\n", i);
	fclose(out);
	refuses(RULE("f: x"), "more than 10000 values");
	out = fopen(path, "w");
	for (int i = 0; i < 200; i++)
		fprintf(out, "v%d\n", i);
	fclose(out);
	refuses(RULE("f|expand: '%many%%many%'"), "more than 10000 texts");
	unlink(path);
	write_file("lists/bad.yml", "a: [{b: c}]\n");
	refuses(RULE("f: x"), "a value is text or a number");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_placeholder_stands_for_every_value_of_its_list),
		cmocka_unit_test(
		    a_placeholder_without_values_is_refused_by_name),
		cmocka_unit_test(lists_have_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
