/* tools/cmd.h -- subcommands of yagura(1).
 *
 * Each is one file cmd_<name>.c with int cmd_<name>(argc, argv) and one row in
 * cmd.def; argv[0] is the name of the command. Answers the exit code of
 * yagura(1): 0 done, 1 nothing found or findings, 2 usage, 3 configuration or
 * rule error, 4 daemon or store not reachable, 5 partial.
 */
#ifndef YAGURA_TOOLS_CMD_H
#define YAGURA_TOOLS_CMD_H

#include <stddef.h>

enum exit_code {
	EXIT_DONE = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3,
	EXIT_UNREACHABLE = 4, EXIT_PARTIAL = 5
};

#define CMD(name, usage, help) int cmd_##name(int argc, char **argv);
#include "tools/cmd.def"
#undef CMD

/* Prints "usage: yagura <usage>" for this row to stderr; returns EXIT_USAGE. */
int cmd_usage(const char *name);

/* Names the option and, of the n known ones, the nearest; then as above. */
int cmd_unknown_option(const char *name, const char *option,
    const char *const *known, size_t n);

#endif
