/* yagura parsers: the definitions themselves.
 *
 *	list [PATH...]	names, how many examples, descriptions
 *	test [PATH...]	every example line, and what came out otherwise
 *	new --from FILE	a definition drafted from sample lines
 *
 * Without a path the shipped and the local ones.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/check.h"
#include "engine/clock.h"
#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/json.h"
#include "engine/map.h"
#include "engine/strbuf.h"
#include "parsers/parserset.h"
#include "tools/cmd.h"
#include "tools/dictionary.h"
#include "tools/draft.h"

#define SAMPLE_BYTES ((size_t)64 << 20)	/* read of a file of samples */

static struct parserset *
load(const struct conf *conf, int argc, char **argv, struct diag *diag)
{
	if (argc > 0)
		return parserset_load((const char *const *)argv,
		    (size_t)argc, diag);
	return parserset_load(conf->parsers, conf->nparsers, diag);
}

static void
count_example(struct slice name, const struct event *event, void *arg)
{
	struct map *counts = arg;

	(void)event;
	map_get(counts, name, NULL)->num++;
}

static void
list_json(struct slice name, unsigned examples, struct slice text)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_puts(&out, "{\"name\":");
	json_put_string(&out, name);
	strbuf_printf(&out, ",\"examples\":%u,\"description\":", examples);
	json_put_string(&out, text);
	strbuf_putc(&out, '}');
	puts(out.ptr);
	strbuf_fini(&out);
}

static int
list(struct parserset *set, bool json, struct diag *diag)
{
	struct map *counts = map_new();

	if (set != NULL)
		parserset_examples(set, count_example, counts);
	for (size_t i = 0; set != NULL && i < parserset_count(set); i++) {
		struct slice name = parserset_name(set, i);
		struct slice text = parserset_description(set, i);
		const union map_value *n = map_find(counts, name);
		unsigned examples = n == NULL ? 0 : (unsigned)n->num;

		if (json)
			list_json(name, examples, text);
		else
			printf("%-24.*s %3u  %.*s\n", (int)name.len,
			    name.ptr, examples, (int)text.len, text.ptr);
	}
	map_free(counts);
	diag_print(diag, stderr);
	return diag_errors(diag) > 0 ? EXIT_CONFIG : EXIT_DONE;
}

static int
test(struct parserset *set, bool json, struct diag *diag)
{
	size_t n = set != NULL ? parserset_test(set, diag) : 0;

	diag_print(diag, stderr);
	printf(json ? "{\"definitions\":%zu,\"examples\":%zu,"
	    "\"findings\":%zu}\n" :
	    "%zu definitions, %zu examples, %zu findings\n",
	    set != NULL ? parserset_count(set) : 0, n, diag_errors(diag));
	return diag_errors(diag) > 0 ? EXIT_NOTHING : EXIT_DONE;
}

static int
run(const struct conf *conf, int argc, char **argv)
{
	static const char *const known[] = { "--json", "--data", "--config",
		"--help" };
	struct diag *diag;
	struct parserset *set;
	bool json = false;
	int first = 2, code;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (strcmp(argv[first], "--json") != 0)
			return cmd_unknown_option("parsers", argv[first],
			    known, sizeof(known) / sizeof(known[0]));
		json = true;
	}
	diag = diag_new();
	set = load(conf, argc - first, argv + first, diag);
	code = strcmp(argv[1], "test") == 0 ? test(set, json, diag) :
	    list(set, json, diag);
	parserset_put(set);
	diag_free(diag);
	return code;
}

/* --- new ------------------------------------------------------------------ */

struct request {
	const char *from;	/* "-": standard input */
	char	 name[101];
};

/* The name of the file as that of a definition: "Acme Gate.log" is
 * acme_gate. */
static void
name_from_file(struct request *request)
{
	const char *base = strrchr(request->from, '/');
	size_t n = 0;

	base = base == NULL ? request->from : base + 1;
	for (; *base != '\0' && *base != '.' &&
	    n + 1 < sizeof(request->name); base++) {
		char c = ascii_lower(*base);
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (good)
			request->name[n++] = c;
		else if (n > 0 && request->name[n - 1] != '_')
			request->name[n++] = '_';
	}
	while (n > 0 && request->name[n - 1] == '_')
		n--;
	request->name[n] = '\0';
	if (n == 0)
		snprintf(request->name, sizeof(request->name),
		    "vendor_product");
}

static bool
take_name(struct request *request, const char *name)
{
	size_t n = strlen(name);

	if (n > 0 && n < sizeof(request->name) && strspn(name,
	    "abcdefghijklmnopqrstuvwxyz0123456789_") == n) {
		memcpy(request->name, name, n + 1);
		return true;
	}
	fprintf(stderr, "yagura parsers: --name: \"%s\" is no name; write "
	    "vendor_product in lower-case letters, digits and underscores\n",
	    name);
	return false;
}

/* -1: go on; else the exit code. */
static int
read_request(struct request *request, int argc, char **argv)
{
	static const char *const known[] = { "--from", "--name", "--data",
		"--config", "--help" };

	for (int i = 2; i < argc; i += 2) {
		bool from = strcmp(argv[i], "--from") == 0;

		if (!from && strcmp(argv[i], "--name") != 0)
			return argv[i][0] != '-' ? cmd_usage("parsers") :
			    cmd_unknown_option("parsers", argv[i], known,
			    sizeof(known) / sizeof(known[0]));
		if (i + 1 == argc)
			return cmd_usage("parsers");
		if (from)
			request->from = argv[i + 1];
		else if (!take_name(request, argv[i + 1]))
			return EXIT_USAGE;
	}
	if (request->from == NULL)
		return cmd_usage("parsers");
	if (request->name[0] == '\0')
		name_from_file(request);
	return -1;
}

/* Owned; NULL: said why. */
static char *
read_samples(const char *path, size_t *len)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *bytes = xmalloc(SAMPLE_BYTES);
	bool failed;

	*len = 0;
	if (file != NULL)
		*len = fread(bytes, 1, SAMPLE_BYTES, file);
	failed = file == NULL || ferror(file) != 0;
	if (failed)
		fprintf(stderr, "yagura parsers: %s: %s\n", path,
		    strerror(errno));
	if (file != NULL && file != stdin)
		fclose(file);
	if (!failed)
		return bytes;
	free(bytes);
	return NULL;
}

/* Lines that are not empty, at most DRAFT_LINES. */
static size_t
cut_lines(struct slice text, struct slice *lines)
{
	size_t n = 0;

	while (text.len > 0 && n < DRAFT_LINES) {
		ptrdiff_t end = slice_find_byte(text, '\n');
		size_t len = end < 0 ? text.len : (size_t)end;
		struct slice line = slice_head(text, len);

		if (slice_ends(line, SLICE("\r")))
			line.len--;
		if (slice_trim(line).len > 0)
			lines[n++] = line;
		text = slice_skip(text, end < 0 ? len : len + 1);
	}
	return n;
}

static int
draft(const struct conf *conf, const struct request *request,
    const struct draft_samples *samples)
{
	struct dictionary *dictionary = dictionary_load(conf->parsers,
	    conf->nparsers);
	struct diag *diag = diag_new();
	struct strbuf out = STRBUF_INIT;
	int code = EXIT_DONE;

	draft_write(samples, slice_cstr(request->name), dictionary, &out,
	    diag);
	fwrite(out.ptr, 1, out.len, stdout);
	diag_print(diag, stderr);
	if (out.len == 0)
		fprintf(stderr, "yagura parsers: %s: no lines\n",
		    request->from);
	if (diag_errors(diag) > 0 || out.len == 0)
		code = EXIT_NOTHING;
	strbuf_fini(&out);
	diag_free(diag);
	dictionary_free(dictionary);
	return code;
}

static int
new_definition(const struct conf *conf, int argc, char **argv)
{
	struct request request = { .from = NULL };
	struct draft_samples samples = { .now_ns = clock_now_ns() };
	struct slice *lines;
	char *bytes;
	size_t len;
	int code = read_request(&request, argc, argv);

	if (code >= 0)
		return code;
	bytes = read_samples(request.from, &len);
	if (bytes == NULL)
		return EXIT_UNREACHABLE;
	lines = xcalloc(DRAFT_LINES, sizeof(*lines));
	samples.n = cut_lines(slice_of(bytes, len), lines);
	samples.lines = lines;
	code = draft(conf, &request, &samples);
	free(lines);
	free(bytes);
	return code;
}

/* --- the command ---------------------------------------------------------- */

static bool
is_action(const char *word)
{
	return strcmp(word, "list") == 0 || strcmp(word, "test") == 0 ||
	    strcmp(word, "new") == 0;
}

int
cmd_parsers(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	int code;

	diag_print(diag, stderr);
	if (conf == NULL || argc < 2 || !is_action(argv[1]))
		code = cmd_usage("parsers");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else if (strcmp(argv[1], "new") == 0)
		code = new_definition(conf, argc, argv);
	else
		code = run(conf, argc, argv);
	conf_free(conf);
	diag_free(diag);
	return code;
}
