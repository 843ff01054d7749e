/* correlation/output_command.c -- a program that gets the alert on its input.
 *
 * No shell: the configuration gives the words. The alert is a file without a
 * name on descriptor 0, so nobody waits for the program to read. Its output
 * goes nowhere but stderr, which is ours. Exit 0 is done, 75 is try again,
 * anything else is refused; past the time limit its process group is ended and
 * it is tried again.
 */
#include "correlation/output_kind.h"

#include "engine/check.h"
#include "engine/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_AGAIN 75		/* EX_TEMPFAIL of sysexits.h */

struct running {
	pid_t	 pid;
};

static int
alert_file(const struct output_alert *alert)
{
	int fd = memfd_create("alert", MFD_CLOEXEC);

	if (fd < 0 || write(fd, alert->json, alert->len) != (ssize_t)alert->len
	    || write(fd, "\n", 1) != 1 || lseek(fd, 0, SEEK_SET) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static _Noreturn void
child(const struct conf_output *conf, int in)
{
	char *const environment[] = { (char[]){
	    "PATH=/usr/local/bin:/usr/bin:/bin" }, (char[]){ "LANG=C.UTF-8" },
	    NULL };
	union { const char **in; char **out; } argv = { .in = conf->argv };
	int out = open("/dev/null", O_WRONLY);
	static const int ours[] = { SIGPIPE, SIGTERM, SIGINT, SIGHUP };
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What is ignored here would be ignored there. */
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(127);
	close_range(3, ~0u, 0);
	execve(argv.out[0], argv.out, environment);
	_exit(127);
}

static enum output_answer
retry(struct output *output, const char *what)
{
	snprintf(output->text, sizeof(output->text), "%s: %s", what,
	    strerror(errno));
	return OUTPUT_RETRY;
}

static enum output_answer
command_send(struct output *output, const struct output_alert *alert)
{
	struct running *running = output->state;
	int in = alert_file(alert);

	if (in < 0)
		return retry(output, "memfd");
	if (running == NULL)
		output->state = running = xcalloc(1, sizeof(*running));
	running->pid = fork();
	if (running->pid == 0)
		child(output->conf, in);
	close(in);
	if (running->pid < 0)
		return retry(output, "fork");
	output->fd = (int)syscall(SYS_pidfd_open, running->pid, 0);
	output->events = POLLIN;
	output->until_ns = clock_mono_ns() + output->conf->timeout_ns;
	return OUTPUT_BUSY;
}

static enum output_answer
command_go_on(struct output *output, const struct output_alert *alert,
    bool late)
{
	struct running *running = output->state;
	int status = 0;

	(void)alert;
	if (late) {
		kill(-running->pid, SIGKILL);
		kill(running->pid, SIGKILL);
	}
	if (waitpid(running->pid, &status, late ? 0 : WNOHANG) == 0)
		return OUTPUT_BUSY;
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
	if (late) {
		errno = ETIMEDOUT;
		return retry(output, output->conf->target);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return OUTPUT_DONE;
	snprintf(output->text, sizeof(output->text), WIFEXITED(status) ?
	    "exit code %d" : "ended by signal %d", WIFEXITED(status) ?
	    WEXITSTATUS(status) : WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_AGAIN ?
	    OUTPUT_RETRY : OUTPUT_REFUSED;
}

extern const struct output_kind output_command;
const struct output_kind output_command = { .name = "command",
	.send = command_send, .go_on = command_go_on };
