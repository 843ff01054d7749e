#include "engine/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/strbuf.h"

/* One letter a token; texts in between. */
static void
outline(struct slice text, struct strbuf *out)
{
	static const char letters[] = "!.{}[]ksn10~";
	enum json_token token;
	struct json json;

	strbuf_clear(out);
	json_start(&json, text);
	do {
		token = json_next(&json);
		strbuf_putc(out, letters[token]);
		if (token == JSON_KEY || token == JSON_STRING ||
		    token == JSON_NUMBER) {
			strbuf_put(out, json.text);
			strbuf_puts(out, json.escaped &&
			    token != JSON_NUMBER ? "\\" : "");
			strbuf_putc(out, ' ');
		}
	} while (token > JSON_END);
}

static void
reads_every_kind(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	outline(SLICE(" {\"a\" : [1, -2.5e+3, \"x\\\"y\"], \"b\":{}, "
	    "\"c\":[[],{\"d\":true}], \"e\":false,\"f\":null}\r\n"), &out);
	assert_string_equal(out.ptr,
	    "{ka [n1 n-2.5e+3 sx\\\"y\\ ]kb {}kc [[]{kd 1}]ke 0kf ~}.");
	outline(SLICE("\"long string that is past sixteen bytes\""), &out);
	assert_string_equal(out.ptr,
	    "slong string that is past sixteen bytes .");
	outline(SLICE("0"), &out);
	assert_string_equal(out.ptr, "n0 .");
	strbuf_fini(&out);
}

static void
refuses_what_is_no_json(void **state)
{
	static const char *const bad[] = { "", " ", "{", "}", "[", "[1,", "[1,]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{,}", "[,]",
		"[1 2]", "\"", "\"\\", "\"\\\"", "01", "1.", "-", ".5", "1e",
		"+1", "tru", "nulls", "true false", "{} x", "[}", "{]",
		"{\"a\":1]", "{\"a\" 1}", "NaN", "'x'", "{\"a\":1}}", "\x80",
		"{\"a\":\"b" };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		outline(slice_cstr(bad[i]), &out);
		if (out.ptr[out.len - 1] != '!')
			fail_msg("%s was taken: %s", bad[i], out.ptr);
	}
	outline(slice_of("{\0}", 3), &out);
	assert_string_equal(out.ptr, "{!");
	strbuf_fini(&out);
}

static void
bounds_the_depth(void **state)
{
	struct strbuf in = STRBUF_INIT, out = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < JSON_DEPTH; i++)
		strbuf_putc(&in, '[');
	for (int i = 0; i < JSON_DEPTH; i++)
		strbuf_putc(&in, ']');
	outline(strbuf_slice(&in), &out);
	assert_int_equal(out.ptr[out.len - 1], '.');
	strbuf_clear(&in);
	for (int i = 0; i <= JSON_DEPTH; i++)
		strbuf_putc(&in, '[');
	outline(strbuf_slice(&in), &out);
	assert_int_equal(out.ptr[out.len - 1], '!');
	assert_int_equal(out.len, JSON_DEPTH + 1);
	strbuf_fini(&in);
	strbuf_fini(&out);
}

static void
skips_what_nobody_wants(void **state)
{
	struct json json;

	(void)state;
	json_start(&json, SLICE("[{\"a\":[1,2,{}]}, 7]"));
	assert_int_equal(json_next(&json), JSON_ARRAY);
	assert_int_equal(json_next(&json), JSON_OBJECT);
	assert_true(json_skip(&json));
	assert_true(slice_eq(json.text, SLICE("{\"a\":[1,2,{}]}")));
	assert_int_equal(json_next(&json), JSON_NUMBER);
	assert_true(json.whole);
	assert_int_equal(json_next(&json), JSON_ARRAY_END);
	assert_int_equal(json_next(&json), JSON_END);
	assert_int_equal(json_next(&json), JSON_END);
	json_start(&json, SLICE("[{\"a\":1"));
	assert_int_equal(json_next(&json), JSON_ARRAY);
	assert_int_equal(json_next(&json), JSON_OBJECT);
	assert_false(json_skip(&json));
	assert_int_equal(json_next(&json), JSON_ERROR);
}

static void
undoes_escapes(void **state)
{
	static const struct { const char *text, *wanted; } cases[] = {
		{ "plain", "plain" }, { "", "" },
		{ "a\\\"b\\\\c\\/d", "a\"b\\c/d" },
		{ "\\b\\f\\n\\r\\t", "\b\f\n\r\t" },
		{ "\\u0041\\u00e9\\u3042", "A\xc3\xa9\xe3\x81\x82" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
		{ "\\ud83d", "\xef\xbf\xbd" },
		{ "\\ude00x", "\xef\xbf\xbdx" },
		{ "\\ud83d\\u0041", "\xef\xbf\xbd" "A" },
		{ "\\u00", "\\u00" }, { "C:\\Users\\x", "C:\\Users\\x" },
		{ "end\\", "end\\" },
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice got = json_unescape(arena,
		    slice_cstr(cases[i].text));

		if (!slice_eq(got, slice_cstr(cases[i].wanted)))
			fail_msg("%s became %.*s", cases[i].text,
			    (int)got.len, got.ptr);
	}
	arena_free(arena);
}

static void
writes_any_bytes_as_a_string(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	json_put_string(&out, SLICE("a\"\\\n\x01\0\x7f\xff\xc3\xa9 and so "
	    "on past sixteen \""));
	assert_string_equal(out.ptr, "\"a\\\"\\\\\\n\\u0001\\u0000\\u007f"
	    "\\\\xff\xc3\xa9 and so on past sixteen \\\"\"");
	/* What would act on a terminal is the same to whoever reads JSON. */
	strbuf_clear(&out);
	json_put_string(&out, SLICE("\xc2\x9b" "31m \xe2\x80\xae \xd8\x9c "
	    "\xe2\x81\xa6 \xc2\xa0 \xe2\x80\xa6"));
	assert_string_equal(out.ptr, "\"\\u009b31m \\u202e \\u061c \\u2066 "
	    "\xc2\xa0 \xe2\x80\xa6\"");
	strbuf_fini(&out);
}

/* At every place of texts of every length up to three steps. */
static void
finds_the_byte_to_escape_wherever_it_stands(void **state)
{
	static const char odd[] = { '"', '\\', '\n', 0x1f, 0x7f, '\0' };
	struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
	char text[48], copy[64];

	(void)state;
	for (size_t len = 0; len <= sizeof(text); len++) {
		memset(text, 'a', sizeof(text));
		memset(copy, '!', sizeof(copy));
		assert_ptr_equal(json_copy_plain(copy, slice_of(text, len)),
		    copy + len);
		assert_memory_equal(copy, text, len);
		assert_int_equal(copy[len], '!');
		for (size_t i = 0; i < len * sizeof(odd); i++) {
			char c = odd[i % sizeof(odd)];
			size_t at = i / sizeof(odd);

			memset(text, 'a', sizeof(text));
			text[at] = c;
			assert_null(json_copy_plain(copy,
			    slice_of(text, len)));
			strbuf_clear(&out);
			strbuf_clear(&want);
			json_put_string(&out, slice_of(text, len));
			strbuf_printf(&want, "\"%.*s%s%.*s\"", (int)at, text,
			    c == '"' ? "\\\"" : c == '\\' ? "\\\\" :
			    c == '\n' ? "\\n" : c == 0x1f ? "\\u001f" :
			    c == 0x7f ? "\\u007f" : "\\u0000",
			    (int)(len - at - 1), text + at + 1);
			assert_string_equal(out.ptr, want.ptr);
		}
	}
	strbuf_fini(&out);
	strbuf_fini(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_kind),
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(skips_what_nobody_wants),
		cmocka_unit_test(undoes_escapes),
		cmocka_unit_test(writes_any_bytes_as_a_string),
		cmocka_unit_test(finds_the_byte_to_escape_wherever_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
