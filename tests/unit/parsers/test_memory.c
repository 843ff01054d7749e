/* What a lane remembers from line to line never changes what comes out: lines
 * that meet what an earlier line left behind give what they give alone. */
#include "tests/unit/parsers/lane.h"

#include "engine/strbuf.h"
#include "parsers/keytree.h"
#include "parsers/timetext.h"

static const char definitions[] =
"name: box_kv\n"
"match: {contains: ['box=']}\n"
"decode: kv\n"
"prefix: box\n"
"keys: {src: source.ip, user: user.name, n: event.code}\n"
"---\n"
"name: first_program\n"
"match: {program: [xaay]}\n"
"decode: template\n"
"keys: {user: user.name}\n"
"templates: ['login {user:word}']\n"
"---\n"
"name: second_program\n"
"match: {program: [xbay]}\n"
"decode: template\n"
"keys: {user: user.name}\n"
"templates: ['login {user:word} twice']\n";

static int
begin(void **state)
{
	(void)state;
	lane_begin(definitions);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	lane_end();
	return 0;
}

static struct slice
json_of(struct parser_lane *by, const char *line, struct strbuf *out)
{
	const struct parser_options options = { .ndjson = true };
	struct event *event = lane_run(by, &options, "", slice_cstr(line));

	event->seq = 0;
	strbuf_clear(out);
	event_json(out, event, false);
	return strbuf_slice(out);
}

static void
every_line_gives_what_it_gives_alone(void **state)
{
	static const char *const lines[] = {
		"box=1 src=192.0.2.1 user=ana n=4",
		"box=1 src=192.0.2.2 user=eve n=5",
		"box=2 user=eve src=192.0.2.2 n=6",
		"box=1 src=192.0.2.1 user=\"a b\" n=4",
		"box=1 src=192.0.2.1 username=ana n=4",
		"box=1 src192.0.2.1 user=ana n=4",
		"box=1 src=192.0.2.1 user",
		"box=1 src=192.0.2.1 user=",
		"box=1 src==192.0.2.1 user=x n=1",
		"box=1 src=192.0.2.3 src=192.0.2.4 user=x user=y",
		"box=1 Src=192.0.2.3 user='x' n=-",
		"<13>Nov 20 10:00:00 h xaay: login bob",
		"<13>Nov 20 10:00:01 h xbay: login eve twice",
		"<13>Nov 20 10:00:01 h xaay[1]: login eve twice",
		"<13>Nov 21 10:00:61 h xbay: login bob",
		"<13>Nov  1 10:00:00 h xaay: login ana",
		"<13>Nov  1 10:00:00 Host xaay: login ana",
		"{\"acme\":1,\"box\":{\"src\":\"x\"},\"n\":[1,2]}",
	};
	const size_t n = sizeof(lines) / sizeof(lines[0]);
	struct strbuf alone = STRBUF_INIT, later = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct parser_lane *fresh = parser_lane_new(set);

		json_of(fresh, lines[i], &alone);
		parser_lane_free(fresh);
		/* Behind every other line, and behind itself. */
		for (size_t k = 0; k < n; k++) {
			json_of(lane, lines[k], &later);
			json_of(lane, lines[i], &later);
			assert_string_equal(alone.ptr, later.ptr);
		}
	}
	strbuf_fini(&alone);
	strbuf_fini(&later);
}

static void
programs_that_share_a_place_keep_their_definitions(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_string_equal(field(lane_line(
		    "<13>Nov 20 10:00:00 h xaay: login bob"),
		    "yagura.parser"), "first_program");
		assert_string_equal(field(lane_line(
		    "<13>Nov 20 10:00:00 h xbay: login bob twice"),
		    "yagura.parser"), "second_program");
	}
}

static void
expects_only_a_word_with_the_sign_behind_it(void **state)
{
	struct keytree *tree = keytree_new();
	const char text[] = "user=eve", sign[] = "a=b=cde";
	uint32_t user, odd;

	(void)state;
	user = keytree_child(tree, KEYTREE_ROOT, SLICE("user"));
	keytree_rewind(tree);
	assert_int_equal(keytree_expect(tree, KEYTREE_ROOT, text, text + 8,
	    '='), user);
	keytree_rewind(tree);
	assert_int_equal(keytree_expect(tree, KEYTREE_ROOT, text, text + 8,
	    ':'), KEYTREE_NONE);
	/* The text ends before the sign. */
	assert_int_equal(keytree_expect(tree, KEYTREE_ROOT, text, text + 4,
	    '='), KEYTREE_NONE);
	assert_int_equal(keytree_expect(tree, user, text, text + 8, '='),
	    KEYTREE_NONE);
	odd = keytree_child(tree, KEYTREE_ROOT, SLICE("a=b"));
	assert_true(odd != KEYTREE_NONE);
	keytree_rewind(tree);
	assert_int_equal(keytree_expect(tree, KEYTREE_ROOT, sign, sign + 7,
	    '='), KEYTREE_NONE);
	keytree_clear(tree);
	assert_int_equal(keytree_expect(tree, KEYTREE_ROOT, text, text + 8,
	    '='), KEYTREE_NONE);
	keytree_free(tree);
}

/* A host in capitals may be a zone, so that line is read the long way. */
static void
the_day_before_does_not_change_a_time(void **state)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr",
	    "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Foo" };
	char quick[40], slow[40];

	(void)state;
	for (int i = 0; i < 13 * 33 * 2; i++) {
		int day = i / 2 % 33, hour = i % 26;
		struct timetext a = { 0 }, b = { 0 };
		size_t na, nb;

		snprintf(quick, sizeof(quick), "%s %2d %02d:%02d:%02d fw-a",
		    months[i / 66], day, hour, i % 61, i % 62);
		snprintf(slow, sizeof(slow), "%s %2d %02d:%02d:%02d =w-a",
		    months[i / 66], day, hour, i % 61, i % 62);
		na = timetext_read_bsd(slice_cstr(quick), &a);
		nb = timetext_read_bsd(slice_cstr(slow), &b);
		assert_int_equal(na, nb);
		if (na == 0)
			continue;
		assert_int_equal(a.local_ns, b.local_ns);
		assert_int_equal(a.month, b.month);
		assert_int_equal(a.day, b.day);
		assert_false(a.has_zone || a.has_year);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(every_line_gives_what_it_gives_alone),
		T(programs_that_share_a_place_keep_their_definitions),
		T(expects_only_a_word_with_the_sign_behind_it),
		T(the_day_before_does_not_change_a_time),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
