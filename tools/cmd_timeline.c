/* yagura timeline: everything of one host, address or user, oldest first,
 * alerts among it. */
#include "engine/arena.h"
#include "engine/event.h"
#include "engine/ip.h"
#include "engine/strbuf.h"
#include "tools/ask.h"

#define TIMELINE_ROWS 10000	/* the newest, unless -n says otherwise */

struct keeping {
	struct arena *arena;
	const struct schema *schema;
	size_t	 n;
	struct row *rows;
	size_t	 room;
};

static enum op_more
keep_row(void *user, const struct row *row)
{
	struct keeping *keeping = user;

	keeping->rows[keeping->n++] = row_dup(keeping->arena, keeping->schema,
	    row);
	return keeping->n == keeping->room ? OP_ENOUGH : OP_MORE;
}

static void
put_quoted(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			strbuf_putc(out, '\\');
		strbuf_putc(out, *text);
	}
}

/* The fields that may name it. Naming a yagura field lets alerts in. */
static void
make_query(struct strbuf *out, const char *entity)
{
	static const char *const addresses[] = { "source.ip",
		"destination.ip", "host.ip", "source.nat.ip",
		"dns.resolved_ip" };
	static const char *const names[] = { "host.name", "host.hostname",
		"source.domain", "destination.domain", "source.asset.host",
		"destination.asset.host", "host.asset.host", "user.name",
		"user.target.name" };
	uint8_t ip[16];
	bool address = ip_parse(slice_cstr(entity), ip);
	size_t n = address ? sizeof(addresses) / sizeof(addresses[0])
	    : sizeof(names) / sizeof(names[0]);

	strbuf_puts(out, "(event.module:* OR -event.module:*) (");
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(out, "%s%s:\"", i == 0 ? "" : " OR ",
		    address ? addresses[i] : names[i]);
		put_quoted(out, entity);
		strbuf_putc(out, '"');
	}
	strbuf_putc(out, ')');
}

int
cmd_timeline(int argc, char **argv)
{
	struct keeping keeping = { .n = 0 };
	struct strbuf text = STRBUF_INIT;
	struct scan_result result;
	struct present *present;
	struct query *query;
	struct ask ask;
	int code = ask_begin(&ask, argc, argv, ASK_TIMES | ASK_FORMAT |
	    ASK_JSON | ASK_ROWS);

	if (code >= 0)
		return code;
	if (ask.argc != 1) {
		ask_end(&ask);
		return cmd_usage("timeline");
	}
	make_query(&text, ask.argv[0]);
	query = ask_parse(&ask, strbuf_slice(&text));
	if (query == NULL) {
		code = EXIT_USAGE;
		goto out;
	}
	keeping.arena = arena_new(0);
	keeping.schema = query->result;
	keeping.room = ask.rows > 0 && ask.rows < TIMELINE_ROWS
	    ? (size_t)ask.rows : TIMELINE_ROWS;
	keeping.rows = arena_alloc(keeping.arena,
	    keeping.room * sizeof(*keeping.rows));
	ask.rows = 0;
	code = ask_run(&ask, query, keep_row, &keeping, &result);
	present = present_new(stdout, ask.format, query->result);
	if (keeping.n == TIMELINE_ROWS)
		fprintf(stderr, "yagura timeline: the newest %d events; "
		    "--since and --until choose others\n", TIMELINE_ROWS);
	if (code == EXIT_DONE && keeping.n == 0)
		code = EXIT_NOTHING;
	while (keeping.n > 0 &&
	    present_row(present, &keeping.rows[keeping.n - 1]))
		keeping.n--;
	present_end(present);
	arena_free(keeping.arena);
out:
	query_free(query);
	strbuf_fini(&text);
	ask_end(&ask);
	return code;
}
