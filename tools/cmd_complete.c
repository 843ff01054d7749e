/* yagura complete: what the word of a query may go on to, one a line, for
 * shells; see tools/packaging/yagura.bash.
 *
 *	@na	saved queries
 *	sour	names of fields, short ones too, with their colon
 *	user:b	values of the newest day, the most frequent first
 */
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/strbuf.h"
#include "storage/partition.h"
#include "storage/store.h"
#include "tools/ask.h"
#include "tools/ask_list.h"

#define VALUES "20"

static void
put_names(struct ask *ask, struct slice prefix, struct strbuf *out)
{
	static const char *const aliases[] = {
#define FIELD_ALIAS(alias, name) alias,
#include "engine/field_alias.def"
#undef FIELD_ALIAS
	};

	scan_load_names(ask->store);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (slice_starts(slice_cstr(aliases[i]), prefix))
			strbuf_printf(out, "%s:\n", aliases[i]);
	for (size_t i = 0; i < field_count(); i++) {
		struct slice name = field_name((field_t)i);

		if (slice_starts(name, prefix))
			strbuf_printf(out, "%.*s:\n", (int)name.len,
			    name.ptr);
	}
}

/* A value as the query language takes it, without blanks that would end the
 * word of the shell. */
static void
put_plain(struct strbuf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("\\*?\"()|:,=<>- ", text.ptr[i]) != NULL &&
		    text.ptr[i] != '\0')
			strbuf_putc(out, '\\');
		strbuf_putc(out, text.ptr[i]);
	}
}

struct values {
	struct strbuf *out;
	struct slice field;
};

static enum op_more
put_value(void *user, const struct row *row)
{
	struct values *values = user;
	char buf[VALUE_TEXT_BYTES];
	struct slice text = value_as_text(&row->cells[0], buf);

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127)
			return OP_MORE;	/* not to a terminal */
	strbuf_printf(values->out, "%.*s:", (int)values->field.len,
	    values->field.ptr);
	put_plain(values->out, text);
	strbuf_putc(values->out, '\n');
	return OP_MORE;
}

static int
put_values(struct ask *ask, struct slice field, struct slice prefix,
    struct strbuf *out)
{
	struct values values = { out, field };
	struct strbuf text = STRBUF_INIT;
	const struct partition_info *infos;
	struct query_error ignored;
	struct scan_result result;
	struct err err = { ERR_NONE, "" };
	struct query *query;
	int code = EXIT_DONE;

	if (store_partitions(ask->store, INT64_MIN, INT64_MAX, true, &infos,
	    &err) > 0)
		ask->from_ns = infos[0].t_max - DAY_NS;
	scan_load_names(ask->store);
	strbuf_printf(&text, "%.*s:%.*s* | top " VALUES " %.*s",
	    (int)field.len, field.ptr, (int)prefix.len, prefix.ptr,
	    (int)field.len, field.ptr);
	query = query_parse(strbuf_slice(&text), ask->now_ns, NULL, &ignored);
	if (query != NULL)
		code = ask_run(ask, query, put_value, &values, &result);
	query_free(query);
	strbuf_fini(&text);
	return code;
}

int
cmd_complete(int argc, char **argv)
{
	struct strbuf out = STRBUF_INIT;
	struct slice word = slice_of("", 0);
	struct ask ask;
	ptrdiff_t colon;
	int code = ask_begin(&ask, argc, argv, 0);

	if (code >= 0)
		return code;
	code = EXIT_DONE;
	if (ask.argc > 0)
		word = slice_cstr(ask.argv[ask.argc - 1]);
	if (word.len > 0 && word.ptr[0] == '-')
		word = slice_skip(word, 1);
	colon = slice_find_byte(word, ':');
	if (word.len > 0 && word.ptr[0] == '@')
		ask_saved_names(&ask, slice_skip(word, 1), &out);
	else if (colon > 0)
		code = put_values(&ask, slice_head(word, (size_t)colon),
		    slice_skip(word, (size_t)colon + 1), &out);
	else
		put_names(&ask, word, &out);
	fwrite(out.ptr, 1, out.len, stdout);
	strbuf_fini(&out);
	ask_end(&ask);
	return code;
}
