/* tools/yagurad.c -- the sink: takes lines, keeps them, raises alerts.
 *
 * Runs in the foreground until SIGTERM; see yagurad(8).
 */
#include <stdio.h>
#include <string.h>

#include "engine/conf.h"
#include "engine/diag.h"
#include "engine/err.h"
#include "tools/cmd.h"
#include "tools/daemon.h"

static int
usage(FILE *out)
{
	fprintf(out, "usage: yagurad [-c FILE] [--data DIR] [--check]\n");
	return out == stdout ? EXIT_DONE : EXIT_USAGE;
}

static int
check_only(const struct conf *conf, struct diag *diag)
{
	if (diag_errors(diag) == 0)
		daemon_check(conf, diag);
	diag_print(diag, stderr);
	if (diag_errors(diag) > 0)
		return EXIT_CONFIG;
	printf("%s: good\n", conf->file[0] != '\0' ? conf->file :
	    "no configuration file, all defaults");
	return EXIT_DONE;
}

static int
run(const struct conf *conf, struct diag *diag)
{
	struct err err = { 0 };
	int status = -1;

	if (diag_errors(diag) > 0)
		err_set(&err, ERR_CONFIG, "%zu mistakes in the configuration",
		    diag_errors(diag));
	else
		status = daemon_run(conf, diag, &err);
	diag_print(diag, stderr);
	if (status == 0)
		return EXIT_DONE;
	fprintf(stderr, "yagurad: %s\n", err.text);
	return err_exit_code(&err);
}

int
main(int argc, char **argv)
{
	struct diag *diag = diag_new();
	struct conf *conf = conf_for_command(&argc, argv, diag);
	bool check = argc == 2 && strcmp(argv[1], "--check") == 0;
	int code;

	if (conf == NULL) {
		diag_print(diag, stderr);
		code = usage(stderr);
	} else if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		code = usage(stdout);
	} else if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("yagurad %s\n", YAGURA_VERSION);
		code = EXIT_DONE;
	} else if (argc > 2 || (argc == 2 && !check)) {
		code = usage(stderr);
	} else {
		code = check ? check_only(conf, diag) : run(conf, diag);
	}
	conf_free(conf);
	diag_free(diag);
	return code;
}
