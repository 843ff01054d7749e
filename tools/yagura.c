/* tools/yagura.c -- everything a person types.
 *
 * Finds the subcommand and hands over; see cmd.def.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/cmd.h"

struct cmd_row {
	const char *name, *usage, *help;
	int	(*run)(int argc, char **argv);
};

static const struct cmd_row rows[] = {
#define CMD(name, usage, help) { #name, usage, help, cmd_##name },
#include "tools/cmd.def"
#undef CMD
	{ NULL, NULL, NULL, NULL }
};

static void
help(FILE *out)
{
	fprintf(out, "usage: yagura COMMAND [ARGUMENT...]\n\n");
	for (const struct cmd_row *row = rows; row->name != NULL; row++)
		fprintf(out, "  %-10s %s\n", row->name, row->help);
	fprintf(out, "\nyagura COMMAND --help shows its usage; see yagura(1).\n");
}

int
cmd_usage(const char *name)
{
	for (const struct cmd_row *row = rows; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			fprintf(stderr, "usage: yagura %s\n", row->usage);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	/* A reader that goes away ends us by a failed write, not by a signal
	 * that would skip the exit code. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("yagura %s\n", YAGURA_VERSION);
		return EXIT_DONE;
	}
	for (const struct cmd_row *row = rows; row->name != NULL; row++) {
		if (strcmp(row->name, argv[1]) != 0)
			continue;
		if (argc > 2 && strcmp(argv[2], "--help") == 0) {
			printf("usage: yagura %s\n", row->usage);
			return EXIT_DONE;
		}
		return row->run(argc - 1, argv + 1);
	}
	fprintf(stderr, "yagura: unknown command \"%s\"; "
	    "yagura --help lists them\n", argv[1]);
	return EXIT_USAGE;
}
