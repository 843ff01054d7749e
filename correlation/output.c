#include "correlation/output.h"

#include "correlation/output_kind.h"
#include "engine/check.h"
#include "engine/clock.h"
#include "engine/err.h"
#include "engine/log.h"
#include "engine/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_BYTES (1 << 20)	/* asked for; the kernel may give less */
#define RESTART_S 1		/* then a helper that died is begun anew */

/* Sent or to be sent, and not yet acknowledged. */
struct kept {
	struct kept *next;
	struct output_alert *alert;	/* behind this, in one piece */
};

struct outputs {
	int	 fd;
	pid_t	 supervisor;
	bool	 ready;		/* a helper has said hello */
	uint64_t next_id;
	size_t	 count;		/* kept */
	int64_t	 most;
	struct kept *first, **last;	/* oldest first */
	struct kept **unsent;	/* where the first stands that must go */
};

/* --- the supervisor ------------------------------------------------------- */

/* Ends with the daemon: the socket closes, the helper returns, we leave. */
static _Noreturn void
supervise(const struct conf *conf, int fd)
{
	int status = 1;

	signal(SIGTERM, SIG_IGN);	/* the daemon says when */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			output_helper_run(conf, fd);
			_exit(0);
		}
		while (pid > 0 && waitpid(pid, &status, 0) < 0 &&
		    errno == EINTR)
			continue;
		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			_exit(0);
		log_error("the helper for outputs ended; it is begun anew");
		sleep(RESTART_S);
	}
}

struct outputs *
outputs_start(const struct conf *conf, struct err *err)
{
	int bytes = SOCKET_BYTES, fds[2];
	struct outputs *outputs;
	pid_t pid;

	if (conf->noutputs == 0)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		err_errno(err, ERR_IO, "outputs: socketpair");
		return NULL;
	}
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
		    sizeof(bytes)) < 0)
			setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes,
			    sizeof(bytes));
	pid = fork();
	if (pid < 0) {
		err_errno(err, ERR_IO, "outputs: fork");
		return NULL;
	}
	if (pid == 0) {
		close(fds[0]);
		supervise(conf, fds[1]);
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	outputs = xcalloc(1, sizeof(*outputs));
	outputs->fd = fds[0];
	outputs->supervisor = pid;
	outputs->most = conf->output_queue;
	outputs->last = outputs->unsent = &outputs->first;
	return outputs;
}

/* --- the daemon's side ---------------------------------------------------- */

static void
kept_remove(struct outputs *outputs, struct kept **at)
{
	struct kept *kept = *at;

	*at = kept->next;
	if (outputs->last == &kept->next)
		outputs->last = at;
	if (outputs->unsent == &kept->next)
		outputs->unsent = at;
	outputs->count--;
	free(kept);
}

static void
acknowledged(struct outputs *outputs, const struct output_ack *ack)
{
	struct kept **at = &outputs->first;

	metric_add(METRIC_OUTPUTS_SENT, ack->sent);
	metric_add(METRIC_OUTPUTS_FAILED, ack->failed);
	/* Nearly always the oldest. */
	while (*at != NULL && (*at)->alert->id != ack->id)
		at = &(*at)->next;
	if (*at != NULL)
		kept_remove(outputs, at);
}

static void
take_acks(struct outputs *outputs)
{
	struct output_ack ack;

	while (recv(outputs->fd, &ack, sizeof(ack), MSG_DONTWAIT) ==
	    sizeof(ack)) {
		if (ack.id != 0) {
			acknowledged(outputs, &ack);
			continue;
		}
		outputs->ready = true;
		outputs->unsent = &outputs->first;	/* it knows nothing */
	}
}

static void
send_kept(struct outputs *outputs)
{
	while (outputs->ready && *outputs->unsent != NULL) {
		struct kept *kept = *outputs->unsent;
		ssize_t n = send(outputs->fd, kept->alert,
		    sizeof(*kept->alert) + kept->alert->len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EMSGSIZE) {
			log_warn("outputs: an alert of %u bytes is too large",
			    kept->alert->len);
			metric_add(METRIC_OUTPUTS_FAILED, 1);
			kept_remove(outputs, outputs->unsent);
			continue;
		}
		if (n < 0)
			return;	/* the helper is behind, or about to be anew */
		outputs->unsent = &kept->next;
	}
}

void
outputs_pump(struct outputs *outputs)
{
	take_acks(outputs);
	send_kept(outputs);
	metric_set(METRIC_OUTPUTS_QUEUED, (int64_t)outputs->count);
}

void
outputs_send(struct outputs *outputs, struct slice json,
    enum conf_level level, int64_t time_ns)
{
	struct kept *kept;

	if (json.len > OUTPUT_ALERT_BYTES ||
	    outputs->count >= (size_t)outputs->most) {
		log_warn("outputs: an alert is not sent: %s", json.len >
		    OUTPUT_ALERT_BYTES ? "too large" : "too many wait; see "
		    "limits.output_queue");
		metric_add(METRIC_OUTPUTS_FAILED, 1);
		return;
	}
	kept = xcalloc(1, sizeof(*kept) + sizeof(*kept->alert) + json.len);
	kept->alert = (struct output_alert *)(void *)(kept + 1);
	*kept->alert = (struct output_alert){ .id = ++outputs->next_id,
	    .time_ns = time_ns, .level = level, .len = (uint32_t)json.len };
	memcpy(kept->alert->json, json.ptr, json.len);
	*outputs->last = kept;
	outputs->last = &kept->next;
	outputs->count++;
}

void
outputs_free(struct outputs *outputs, int patience_ms)
{
	int64_t until_ns;

	if (outputs == NULL)
		return;
	until_ns = clock_mono_ns() + patience_ms * INT64_C(1000000);
	outputs_pump(outputs);
	while (outputs->count > 0 && clock_mono_ns() < until_ns) {
		struct pollfd fd = { outputs->fd, POLLIN, 0 };

		poll(&fd, 1, 50);
		outputs_pump(outputs);
	}
	if (outputs->count > 0)
		log_warn("outputs: %zu alerts were not delivered; they are in "
		    "the store", outputs->count);
	close(outputs->fd);	/* the helper returns, the supervisor, too */
	waitpid(outputs->supervisor, NULL, 0);
	while (outputs->first != NULL)
		kept_remove(outputs, &outputs->first);
	free(outputs);
}
