/* A definition drafted from lines reads these lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/diag.h"
#include "engine/strbuf.h"
#include "tools/dictionary.h"
#include "tools/draft.h"

#define NOW_NS 1795255200000000000	/* 2026-11-21T10:00:00Z */

static struct strbuf out;
static struct dictionary *dictionary;

static int
begin(void **state)
{
	static const char *const paths[] = { "parsers/defs" };

	(void)state;
	strbuf_init(&out);
	dictionary = dictionary_load(paths, 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	strbuf_fini(&out);
	dictionary_free(dictionary);
	return 0;
}

static void
draft(const char *const *texts, size_t n)
{
	struct slice *lines = calloc(n + 1, sizeof(*lines));
	struct draft_samples samples = { lines, n, NOW_NS };
	struct diag *diag = diag_new();

	assert_non_null(lines);
	for (size_t i = 0; i < n; i++)
		lines[i] = slice_cstr(texts[i]);
	draft_write(&samples, SLICE("acme_gate"), dictionary, &out, diag);
	diag_print(diag, stderr);
	if (diag_errors(diag) > 0)
		fputs(out.ptr, stderr);
	assert_int_equal(diag_errors(diag), 0);
	diag_free(diag);
	free(lines);
}

static void
holds(const char *text)
{
	if (strstr(out.ptr, text) == NULL)
		fail_msg("no %s in\n%s", text, out.ptr);
}

static void
key_value_lines_get_their_fields(void **state)
{
	static const char *const lines[] = {
		"<134>Nov 21 09:00:00 g1 gate: date=2026-11-21 time=09:00:00 "
		"SrcIP=192.0.2.1 dst_port=443 zork=\"a: b\" act=deny",
		"<134>Nov 21 09:00:01 g1 gate: date=2026-11-21 time=09:00:01 "
		"SrcIP=192.0.2.2 dst_port=53 zork=\"c {d}\" act=pass" };

	(void)state;
	draft(lines, 2);
	holds("match: {program: [\"gate\"]}");
	holds("decode: kv");
	holds("  - {keys: [\"date\", \"time\"]}");
	holds("  \"SrcIP\": source.ip");
	holds("  \"dst_port\": destination.port");
	holds("  # \"zork\": ?\t# in 2: \"a: b\", \"c {d}\"");
	holds("      source.ip: \"192.0.2.1\"");
	holds("      '@timestamp': 2026-11-21T09:00:00");
}

static void
json_is_told_by_its_keys(void **state)
{
	static const char *const lines[] = {
		"{\"ts\":1795251600,\"zorkId\":\"a\\u0000\",\"actor\":"
		"{\"user\":{\"name\":\"mika\"}},\"src_ip\":\"192.0.2.1\"}",
		"{\"ts\":1795251601,\"zorkId\":\"b\",\"actor\":{\"user\":"
		"{\"name\":\"rei\"}},\"src_ip\":\"-\"}" };

	(void)state;
	draft(lines, 2);
	holds("match: {keys: [\"actor.user.name\", ");
	holds("  - {keys: [\"ts\"], format: epoch}");
	holds("  \"src_ip\": source.ip");
	holds("  # \"zorkId\": ?");
}

static void
text_becomes_templates_with_guessed_names(void **state)
{
	static const char *const lines[] = {
		"Nov 21 09:00:00 g1 gate[1]: session 7 of user mika from "
		"192.0.2.1 port 5022 to 192.0.2.9:22 begun",
		"Nov 21 09:00:01 g1 gate[1]: session 8 of user rei from "
		"192.0.2.2 port 5023 to 192.0.2.9:22 begun",
		"Nov 21 09:00:01 g1 gate[1]: low battery" };

	(void)state;
	draft(lines, 3);
	holds("- \"session {int2:int} of user {user.name:word} from "
	    "{source.ip:ip} port {source.port:int} to {destination.ip:ip}:"
	    "{destination.port:int} begun\"");
	holds("- \"low battery\"");
	holds("      user.name: \"mika\"");
}

static void
odd_samples_give_a_draft_all_the_same(void **state)
{
	static const char *const lines[][3] = {
		{ "", " ", "\t" }, { "{", "}", "[" },
		{ "\xff\xfe\x01", "\xff", "\xc3" },
		{ "a=1", "b=2", "{{}}" }, { ",,,,,", ",,,,,", ",,,,," },
		{ "CEF:0|", "CEF:", "CEF:0|a|b|c|d|e|f|" },
		{ "((a|b)) [[c]] {d}", "((a|b)) [[c]] {e}", "\"" } };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strbuf_clear(&out);
		draft(lines[i], 3);
		holds("name: acme_gate\n");
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(key_value_lines_get_their_fields),
		TEST(json_is_told_by_its_keys),
		TEST(text_becomes_templates_with_guessed_names),
		TEST(odd_samples_give_a_draft_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
