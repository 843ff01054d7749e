/* engine/listen_tcp.c -- syslog over TCP, RFC 6587.
 *
 * A connection is read into the loop's one buffer, behind what was left over
 * from its last read; whole records go straight into the batch from there. So
 * an idle connection holds a few hundred bytes.
 *
 * When the loop is not ready a connection is not read: the sender's window
 * closes. It is looked at again at resume.
 */
#include "engine/listen.h"

#include "engine/check.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/framing.h"
#include "engine/log.h"
#include "engine/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024
#define RETRY_MS 200		/* out of descriptors: accepts again then */
#define QUIET_S 2		/* a NUL at the end of what came is a trailer */

struct tcp;

struct connection {
	struct connection *next, **prev;	/* in tcp->connections */
	struct tcp *tcp;
	struct event *event;
	struct framing framing;
	struct peer peer;
	char	*held;		/* bytes of a record that is not whole */
	size_t	 held_len;
	bool	 quiet;		/* the event has a time limit */
	bool	 paused;
	bool	 unread;	/* held has whole records: no room for them */
	bool	 ended;		/* nothing more comes */
};

struct tcp {
	struct input *input;
	struct evconnlistener *listener;
	struct event *retry;
	struct connection *connections;
	size_t	 line_bytes;
};

static void
connection_free(struct connection *connection)
{
	struct tcp *tcp = connection->tcp;

	*connection->prev = connection->next;
	if (connection->next != NULL)
		connection->next->prev = connection->prev;
	tcp->input->connections--;
	close(event_get_fd(connection->event));
	event_free(connection->event);
	free(connection->held);
	free(connection);
}

static void
connection_pause(struct connection *connection)
{
	connection->paused = true;
	connection->tcp->input->paused++;
	event_del(connection->event);
}

/* Only a NUL at the end asks for a time limit: ten thousand idle connections
 * must not wake us. */
static void
connection_wait(struct connection *connection)
{
	static const struct timeval quiet = { QUIET_S, 0 };
	bool wanted = connection->held_len > 0 &&
	    connection->held[connection->held_len - 1] == '\0';

	if (wanted)
		event_add(connection->event, &quiet);
	else if (connection->quiet)
		event_remove_timer(connection->event);
	connection->quiet = wanted;
}

static void
connection_hold(struct connection *connection, struct slice rest)
{
	/* The rest may lie inside what is held now. */
	char *held = rest.len > 0 ? xmalloc(rest.len) : NULL;

	if (rest.len > 0)
		memcpy(held, rest.ptr, rest.len);
	free(connection->held);
	connection->held = held;
	connection->held_len = rest.len;
}

/* Every whole record into the batch, as far as there is room; the rest is
 * held. */
static void
connection_take(struct connection *connection, struct slice bytes,
    enum framing_end end)
{
	struct tcp *tcp = connection->tcp;
	struct loop *loop = tcp->input->loop;
	struct frame frame;
	bool room;

	while ((room = loop_room(loop)) && framing_next(&connection->framing,
	    &bytes, tcp->line_bytes, end, &frame))
		loop_add(loop, tcp->input, frame.record, frame.truncated,
		    &connection->peer);
	connection_hold(connection, bytes);
	connection->unread = !room;
	loop_added(loop);
	if (room) {
		connection_wait(connection);
		return;
	}
	loop_ready(loop);	/* so that we are resumed */
	connection_pause(connection);
}

/* Records that waited for room, then new bytes. */
static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	struct loop *loop = connection->tcp->input->loop;
	size_t room, held = connection->held_len;
	char *buffer;
	ssize_t n;

	if (!loop_ready(loop)) {
		connection_pause(connection);
		return;
	}
	buffer = loop_buffer(loop, &room);
	if (held > 0)
		memcpy(buffer, connection->held, held);
	if ((what & EV_TIMEOUT) != 0 && (what & EV_READ) == 0) {
		connection_take(connection, slice_of(buffer, held),
		    FRAMING_IDLE);
		return;
	}
	n = connection->unread ? 0 : recv(fd, buffer + held, room - held, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	connection->ended |= n <= 0 && !connection->unread;
	connection_take(connection, slice_of(buffer,
	    held + (n > 0 ? (size_t)n : 0)),
	    connection->ended ? FRAMING_CLOSED : FRAMING_OPEN);
	if (connection->ended && !connection->unread)
		connection_free(connection);
}

/* Called with nothing new on the socket: what waited goes first, until it is
 * in or there is no room again. */
static void
connection_resume(struct connection *connection)
{
	connection->paused = false;
	event_add(connection->event, NULL);
	if (connection->unread || connection->ended)
		on_read(event_get_fd(connection->event), EV_READ, connection);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int len, void *arg)
{
	struct tcp *tcp = arg;
	struct connection *connection;
	int on = 1;

	(void)listener;
	(void)len;
	if (tcp->input->connections >=
	    (uint64_t)loop_conf(tcp->input->loop)->connections) {
		tcp->input->turned_away++;
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	connection = xcalloc(1, sizeof(*connection));
	connection->tcp = tcp;
	connection->peer.len = peer_format(address,
	    connection->peer.text).len;
	connection->next = tcp->connections;
	connection->prev = &tcp->connections;
	if (connection->next != NULL)
		connection->next->prev = &connection->next;
	tcp->connections = connection;
	tcp->input->connections++;
	tcp->input->accepted++;
	connection->event = event_new(loop_base(tcp->input->loop), fd,
	    EV_READ | EV_PERSIST, on_read, connection);
	event_add(connection->event, NULL);
}

/* Out of descriptors the listener would spin: it rests for a while. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	static const struct timeval retry = { 0, RETRY_MS * 1000 };
	struct tcp *tcp = arg;

	log_warn("listen tcp %s: accept: %s", tcp->input->conf->name,
	    strerror(errno));
	tcp->input->turned_away++;
	evconnlistener_disable(listener);
	event_add(tcp->retry, &retry);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct tcp *tcp = arg;

	(void)fd;
	(void)what;
	if (!loop_stopping(tcp->input->loop))
		evconnlistener_enable(tcp->listener);
}

static int
tcp_open(struct input *input, struct err *err)
{
	struct tcp *tcp;
	int fd = listen_socket(input, SOCK_STREAM, err);

	if (fd < 0)
		return -1;
	tcp = xcalloc(1, sizeof(*tcp));
	input->state = tcp;
	tcp->input = input;
	tcp->line_bytes = (size_t)loop_conf(input->loop)->line_bytes;
	tcp->retry = evtimer_new(loop_base(input->loop), on_retry, tcp);
	tcp->listener = evconnlistener_new(loop_base(input->loop), on_accept,
	    tcp, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (tcp->listener == NULL) {
		close(fd);
		return err_errno(err, ERR_IO, "listen tcp %s",
		    input->conf->name);
	}
	evconnlistener_set_error_cb(tcp->listener, on_accept_error);
	return 0;
}

static void
tcp_resume(struct input *input)
{
	struct tcp *tcp = input->state;
	struct connection *connection = tcp->connections;

	while (connection != NULL) {
		struct connection *next = connection->next;

		if (connection->paused && loop_ready(input->loop))
			connection_resume(connection);
		connection = next;
	}
}

static void
tcp_stop(struct input *input)
{
	struct tcp *tcp = input->state;

	if (tcp != NULL && tcp->listener != NULL)
		evconnlistener_disable(tcp->listener);
}

/* A line that is not whole is not an event: it was never acknowledged, and
 * half of it would be one that nobody sent. */
static void
tcp_close(struct input *input)
{
	struct tcp *tcp = input->state;

	while (tcp->connections != NULL) {
		if (tcp->connections->held_len > 0) {
			input->received++;
			input->rejected[INPUT_CUT]++;
		}
		connection_free(tcp->connections);
	}
	if (tcp->listener != NULL)
		evconnlistener_free(tcp->listener);
	event_free(tcp->retry);
	free(tcp);
	input->state = NULL;
}

extern const struct listen_kind listen_tcp;
const struct listen_kind listen_tcp = {
	.name = "tcp", .open = tcp_open, .resume = tcp_resume,
	.stop = tcp_stop, .close = tcp_close,
};
