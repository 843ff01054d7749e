/* JSON from any sender: the reader ends, points only into what it was given,
 * and what is written back reads as the same text. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/arena.h"
#include "engine/check.h"
#include "engine/json.h"
#include "engine/strbuf.h"
#include "engine/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
rewrite(struct arena *arena, struct slice text)
{
	struct slice plain = json_unescape(arena, text);
	struct strbuf buf = STRBUF_INIT;
	struct json json;

	check(plain.len <= text.len);
	json_put_string(&buf, plain);
	check(utf8_valid(strbuf_slice(&buf)));
	json_start(&json, strbuf_slice(&buf));
	check(json_next(&json) == JSON_STRING);
	if (utf8_valid(plain))
		check(slice_eq(json_unescape(arena, json.text), plain));
	check(json_next(&json) == JSON_END);
	strbuf_fini(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	struct arena *arena = arena_new(0);
	enum json_token token;
	struct json json;
	size_t tokens = 0;

	json_start(&json, text);
	while ((token = json_next(&json)) > JSON_END) {
		check(++tokens <= size * 2 + 2);
		check(json.depth <= JSON_DEPTH);
		check(json.text.ptr >= text.ptr &&
		    json.text.ptr + json.text.len <= text.ptr + size);
		if (token == JSON_KEY || token == JSON_STRING)
			rewrite(arena, json.text);
	}
	check(json_next(&json) == token);
	rewrite(arena, text);
	json_start(&json, text);
	token = json_next(&json);
	if (token == JSON_OBJECT || token == JSON_ARRAY)
		(void)json_skip(&json);
	arena_free(arena);
	return 0;
}
