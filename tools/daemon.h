/* tools/daemon.h -- yagurad from configuration to the last commit.
 *
 *	load, begin outputs, take the store, bind, drop rights, replay, run
 */
#ifndef YAGURA_TOOLS_DAEMON_H
#define YAGURA_TOOLS_DAEMON_H

struct conf;
struct diag;
struct err;

/* Everything a start would find, without starting: for --check. */
void daemon_check(const struct conf *conf, struct diag *diag);

/* Runs until SIGTERM; 0, or -1 and *err. Findings of rules go into diag; if
 * there are errors nothing is started and *err is ERR_CONFIG. A definition with
 * a mistake is left out, named in the log. */
int daemon_run(const struct conf *conf, struct diag *diag, struct err *err);

#endif
