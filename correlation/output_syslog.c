/* correlation/output_syslog.c -- alerts as RFC 5424 messages.
 *
 *	<PRI>1 TIME HOST yagura PID alert - JSON
 *
 * Facility 13 (log audit); severity by the alert's level. The message is one
 * JSON object, so nothing in an event can end it early. Over TCP each is
 * counted (RFC 6587) on a connection that stays open.
 */
#include "correlation/output_kind.h"

#include "engine/check.h"
#include "engine/clock.h"
#include "engine/strbuf.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FACILITY 13
#define CONNECT_NS INT64_C(5000000000)

struct line {
	int	 fd;		/* socket; -1: none */
	bool	 connected;
	struct strbuf out;	/* TCP: not yet taken by the kernel */
};

static struct line *
line_of(struct output *output)
{
	struct line *line = output->state;

	if (line == NULL) {
		line = xcalloc(1, sizeof(*line));
		line->fd = -1;
		strbuf_init(&line->out);
		output->state = line;
	}
	return line;
}

static void
message(struct strbuf *out, const struct output_alert *alert)
{
	static const int severities[] = { 6, 5, 4, 3, 2 };
	char host[256] = "-", when[32];
	time_t s = (time_t)(alert->time_ns / 1000000000);
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	if (host[0] == '\0')
		snprintf(host, sizeof(host), "-");
	gmtime_r(&s, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	strbuf_printf(out, "<%d>1 %s.%06dZ %s yagura %d alert - ",
	    FACILITY * 8 + severities[alert->level % 5], when,
	    (int)(alert->time_ns % 1000000000 / 1000), host, (int)getpid());
	strbuf_put(out, slice_of(alert->json, alert->len));
}

static enum output_answer
failed(struct output *output, struct line *line)
{
	snprintf(output->text, sizeof(output->text), "%s", strerror(errno));
	close(line->fd);
	line->fd = -1;
	line->connected = false;
	strbuf_clear(&line->out);
	output->fd = -1;
	return OUTPUT_RETRY;
}

static bool
dial(struct output *output, struct line *line)
{
	const struct conf_output *conf = output->conf;

	line->fd = socket(conf->address.ss_family, (conf->tcp ? SOCK_STREAM :
	    SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return line->fd >= 0 && (connect(line->fd, (const struct sockaddr *)
	    &conf->address, conf->address_len) == 0 || errno == EINPROGRESS);
}

/* As much as the kernel takes. */
static enum output_answer
push(struct output *output, struct line *line)
{
	while (line->out.len > 0) {
		ssize_t n = send(line->fd, line->out.ptr, line->out.len,
		    MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINPROGRESS ||
		    errno == ENOTCONN)) {
			output->fd = line->fd;
			output->events = POLLOUT;
			return OUTPUT_BUSY;
		}
		if (n < 0)
			return failed(output, line);
		memmove(line->out.ptr, line->out.ptr + n,
		    line->out.len - (size_t)n);
		line->out.len -= (size_t)n;
	}
	output->fd = -1;
	return OUTPUT_DONE;
}

static enum output_answer
send_tcp(struct output *output, struct line *line, struct strbuf *text)
{
	char byte;

	/* A receiver that closed meanwhile is seen before we trust it with
	 * one more. */
	if (line->fd >= 0 && recv(line->fd, &byte, 1,
	    MSG_DONTWAIT | MSG_PEEK) == 0) {
		close(line->fd);
		line->fd = -1;
	}
	if (line->fd < 0 && !dial(output, line))
		return failed(output, line);
	strbuf_printf(&line->out, "%zu ", text->len);
	strbuf_put(&line->out, strbuf_slice(text));
	output->until_ns = clock_mono_ns() + CONNECT_NS;
	return push(output, line);
}

static enum output_answer
syslog_send(struct output *output, const struct output_alert *alert)
{
	struct line *line = line_of(output);
	struct strbuf text = STRBUF_INIT;
	enum output_answer answer = OUTPUT_DONE;

	message(&text, alert);
	if (output->conf->tcp)
		answer = send_tcp(output, line, &text);
	else if ((line->fd < 0 && !dial(output, line)) ||
	    send(line->fd, text.ptr, text.len, MSG_NOSIGNAL) < 0)
		answer = failed(output, line);
	strbuf_fini(&text);
	return answer;
}

static enum output_answer
syslog_go_on(struct output *output, const struct output_alert *alert,
    bool late)
{
	struct line *line = output->state;

	(void)alert;
	if (!late)
		return push(output, line);
	errno = ETIMEDOUT;
	return failed(output, line);
}

extern const struct output_kind output_syslog;
const struct output_kind output_syslog = { .name = "syslog",
	.send = syslog_send, .go_on = syslog_go_on };
