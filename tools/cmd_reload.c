/* tools/cmd_reload.c -- tells the daemon to read rules and lists again. */
#include "tools/cmd.h"

#include <stdio.h>

#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "engine/slice.h"
#include "engine/yaml.h"
#include "tools/client.h"

static size_t
print_texts(const struct yaml_node *texts)
{
	size_t n = texts == NULL ? 0 : texts->n;

	for (size_t i = 0; i < n; i++) {
		struct slice text = yaml_text(texts->items[i], SLICE("?"));

		fprintf(stderr, "%.*s\n", (int)text.len, text.ptr);
	}
	return n;
}

/* JSON is YAML: the answer's lines of mistakes, of definitions that were left
 * out (the rest is in force then) and of what forbade the reload. */
static int
show(struct slice answer, int status)
{
	struct diag *diag = diag_new();
	struct yaml_doc *doc = yaml_parse(answer, "answer", diag);
	const struct yaml_node *root = doc != NULL && yaml_count(doc) > 0 ?
	    yaml_root(doc, 0) : NULL;
	size_t refused = print_texts(yaml_get(root, "refused"));

	print_texts(yaml_get(root, "errors"));
	if (status == 200) {
		struct slice rules = yaml_text(yaml_get(root, "rules"),
		    SLICE("?"));
		struct slice definitions = yaml_text(yaml_get(root,
		    "definitions"), SLICE("?"));

		printf("reloaded: %.*s definitions, %.*s rules\n",
		    (int)definitions.len, definitions.ptr, (int)rules.len,
		    rules.ptr);
	}
	yaml_free(doc);
	diag_free(diag);
	return status != 200 ? EXIT_CONFIG : refused > 0 ? EXIT_PARTIAL :
	    EXIT_DONE;
}

static int
reload(const struct conf *conf)
{
	struct err err = { 0 };
	struct client *client = client_open(conf, &err);
	struct slice answer, body = SLICE("{}");
	int status = client == NULL ? -1 : client_ask(client,
	    "/api/v1/reload", "Content-Type: application/json\r\n", &body,
	    &answer, &err);
	int code = EXIT_UNREACHABLE;

	if (status < 0)
		fprintf(stderr, "yagura reload: %s\n", err.text);
	else
		code = show(answer, status);
	client_close(client);
	return code;
}

int
cmd_reload(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	int code;

	diag_print(diag, stderr);
	if (conf == NULL || argc != 1)
		code = cmd_usage("reload");
	else if (diag_errors(diag) > 0)
		code = EXIT_CONFIG;
	else
		code = reload(conf);
	conf_free(conf);
	diag_free(diag);
	return code;
}
