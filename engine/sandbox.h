/* engine/sandbox.h -- after the sockets are bound, as little as possible.
 *
 * no_new_privs and no capability, always. Where the kernel has them: Landlock
 * (files are written below the data folder only, read only where the
 * configuration points, nothing is executed) and a seccomp filter that refuses
 * to run programs, to connect, to trace others and to change the system.
 *
 * Owner: the main thread, before others start; they inherit it.
 */
#ifndef YAGURA_ENGINE_SANDBOX_H
#define YAGURA_ENGINE_SANDBOX_H

struct conf;
struct err;

/* -1 and *err only if rights could not be given up; what the kernel lacks is
 * left out and said in the log. */
int sandbox_enter(const struct conf *conf, struct err *err);

#endif
