/* tests/fuzz/fuzz_join.c -- streams of lines through the joiner.
 *
 * A line's first byte says which peer sends it, or ends the batch and moves
 * the clock, or begins the end of the streams. Whatever comes: every record
 * names lines that there were, is at least two lines, and nothing stays open
 * past the end.
 */
#include "tests/fuzz/fuzz_line.h"

#include "engine/check.h"
#include "parsers/join.h"

static const char definitions[] =
"name: fuzz_audit\n"
"match: {starts: ['type=']}\n"
"decode: regex\n"
"patterns: ['^type=(?<type>\\S*) (?:n=(?<node>\\S+) )?t=(?<t>\\S+) s=(?<s>\\S*) ?(?<r>.*)$']\n"
"prefix: ''\n"
"time: [{keys: [t], format: epoch}]\n"
"keys:\n"
"  type: a.type\n"
"  node: host.name\n"
"  s: a.s\n"
"  r: {decode: kv, prefix: d}\n"
"  d.path: file.path\n"
"join:\n"
"  by: [host.name, '@timestamp', a.s]\n"
"  part: a.type\n"
"  ends: [EOE]\n"
"  collect: [a.type, file.path, d.list]\n"
"  make:\n"
"    - {to: process.args, numbered: d.a, of: X}\n"
"    - {to: process.command_line, words: process.args}\n"
"    - {to: process.command_line, hex: d.t}\n"
"    - {to: destination, sockaddr: d.saddr}\n"
"  then: {dataset: d.x, when: [{if: {a.type: X}, set: {e.f: '{d.t}'}, drop: [message]}]}\n"
"---\n"
"name: fuzz_java\n"
"match: {contains: ['|J|']}\n"
"templates: ['{a}|J|{message:rest}']\n"
"join: {continues: [' ', \"\\t\", 'C:'], text: error.stack_trace}\n"
"---\n"
"name: fuzz_starts\n"
"match: {contains: ['#B#']}\n"
"templates: ['{a}#B#{message:rest}']\n"
"join: {starts: {regex: '^[0-9]+#B#'}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct streams_of_fuzz {
	struct parserset *set;
	struct parser_lane *lane;
	struct joiner *joiner;
	struct batch *batch;
	int64_t	 clock_ns;
	uint64_t number;
	size_t	 lines;
};

static void
check_record(struct event *event, size_t lines)
{
	const struct value *ids = event_get(event, FIELD_YAGURA_JOINED);
	struct strbuf out = STRBUF_INIT;

	check(ids != NULL && ids->type == VALUE_LIST);
	check(ids->len >= 2 && ids->len <= lines && ids->len <= JOIN_LINES);
	event_seal(event);
	event_json(&out, event, true);
	strbuf_fini(&out);
}

static void
end_batch(struct streams_of_fuzz *f, bool last)
{
	f->batch->formed_ns = f->clock_ns;
	f->batch->last = last;
	joiner_run(f->joiner, f->set, f->batch);
	check(f->batch->njoined <= JOIN_BATCH);
	for (size_t i = 0; i < f->batch->njoined; i++)
		check_record(f->batch->alerts[i], f->lines);
	batch_put(f->batch);
	f->batch = batch_new(1, ++f->number << 12);
}

static void
take_line(struct streams_of_fuzz *f, struct slice line)
{
	static const struct parser_options options = { .ndjson = false };
	char peer[2] = { 'p', '\0' };
	struct event *event;

	if (line.len == 0 || line.ptr[0] == '!') {
		f->clock_ns += INT64_C(700000000) * (int64_t)line.len;
		end_batch(f, line.len == 2);
		return;
	}
	if (batch_full(f->batch))
		end_batch(f, false);
	peer[0] = line.ptr[0] & 1 ? 'p' : 'q';
	event = batch_add(f->batch, slice_skip(line, 1), slice_cstr(peer),
	    INT64_C(1795000000000000000));
	parser_run(f->lane, &options, event);
	event_seal(event);
	f->lines++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct streams_of_fuzz kept;
	struct streams_of_fuzz f;
	struct slice rest = { (const char *)data, size };
	struct joiner_figures figures;

	if (kept.lane == NULL) {
		kept.lane = fuzz_lane(definitions, sizeof(definitions) - 1,
		    &kept.set);
		kept.clock_ns = INT64_C(1795000000000000000);
	}
	f = kept;
	f.joiner = joiner_new();
	f.batch = batch_new(1, 0);
	while (rest.len > 0) {
		ptrdiff_t end = slice_find_byte(rest, '\n');

		take_line(&f, slice_head(rest, end < 0 ? rest.len
		    : (size_t)end));
		rest = slice_skip(rest, end < 0 ? rest.len
		    : (size_t)end + 1);
	}
	end_batch(&f, true);
	do {
		end_batch(&f, false);
		joiner_figures(f.joiner, &figures);
	} while (figures.open > 0);
	batch_put(f.batch);
	joiner_free(f.joiner);
	return 0;
}
