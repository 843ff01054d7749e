#include "engine/listen_datagram.h"

#include "engine/check.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/listen.h"
#include "engine/loop.h"

#include <event2/event.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE 64		/* datagrams read with one call */
#define DATAGRAM_BYTES 65536	/* UDP cannot carry more */
#define ROUNDS 16		/* calls in a row before others get a turn */
#define RECEIVE_BYTES (32 << 20)	/* asked of the kernel for bursts */
#define PEERS 64		/* senders whose text is kept between reads */

struct datagrams {
	struct input *input;
	int	 nsockets;
	struct event **sockets;
	bool	 paused;
	uint64_t drops;		/* of the kernel, seen so far */
	size_t	 line_bytes;
	char	*bytes;		/* AT_ONCE * DATAGRAM_BYTES */
	struct mmsghdr headers[AT_ONCE];
	struct iovec places[AT_ONCE];
	struct sockaddr_storage from[AT_ONCE];
	struct known {
		struct sockaddr_storage address;
		socklen_t len;
		struct peer peer;
	} known[PEERS];
};

/* Bursts fit as far as the kernel lets us; only root may ask past its limit. */
static void
receive_buffer(int fd)
{
	int bytes = RECEIVE_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
	    sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* A small table by address: few senders make up most of the lines. */
static struct peer *
peer_of(struct datagrams *datagrams, const struct sockaddr_storage *from,
    socklen_t len)
{
	const unsigned char *byte = (const void *)from;
	unsigned at = 0;
	struct known *known;

	for (socklen_t i = 2; i < len && i < 24; i++)
		at = at * 31 + byte[i];
	known = &datagrams->known[at % PEERS];
	if (known->len != len || memcmp(&known->address, from, len) != 0) {
		struct peer *peer = &known->peer;

		memcpy(&known->address, from, len);
		known->len = len;
		peer->batch = 0;
		peer->len = peer_format(from, peer->text).len;
	}
	return &known->peer;
}

static struct peer *
peer_of_unix(struct datagrams *datagrams)
{
	struct peer *peer = &datagrams->known[0].peer;
	size_t len = strlen(datagrams->input->conf->name);

	if (peer->len == 0) {
		peer->len = len < PEER_BYTES ? len : PEER_BYTES;
		memcpy(peer->text, datagrams->input->conf->name, peer->len);
	}
	return peer;
}

static struct slice
trailer_cut(struct slice line)
{
	while (line.len > 0 && (line.ptr[line.len - 1] == '\n' ||
	    line.ptr[line.len - 1] == '\0' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	return line;
}

static void
take(struct datagrams *datagrams, int i)
{
	struct mmsghdr *header = &datagrams->headers[i];
	struct slice line = trailer_cut(slice_of(
	    datagrams->places[i].iov_base, header->msg_len));
	bool cut = (header->msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
	    line.len > datagrams->line_bytes;
	struct peer *peer;

	if (line.len == 0)
		return;
	peer = datagrams->from[i].ss_family == AF_INET ||
	    datagrams->from[i].ss_family == AF_INET6 ? peer_of(datagrams,
	    &datagrams->from[i], header->msg_hdr.msg_namelen) :
	    peer_of_unix(datagrams);
	loop_add(datagrams->input->loop, datagrams->input,
	    slice_head(line, datagrams->line_bytes), cut, peer);
}

static void
pause_all(struct datagrams *datagrams)
{
	datagrams->paused = true;
	datagrams->input->paused++;
	for (int i = 0; i < datagrams->nsockets; i++)
		event_del(datagrams->sockets[i]);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct datagrams *datagrams = arg;
	struct loop *loop = datagrams->input->loop;
	size_t bytes;
	int n = AT_ONCE;

	(void)what;
	loop_buffer(loop, &bytes);	/* for the time of arrival */
	for (int round = 0; round < ROUNDS && n == AT_ONCE; round++) {
		if (!loop_room(loop)) {
			/* The kernel keeps what fits and counts the rest. */
			loop_ready(loop);
			pause_all(datagrams);
			return;
		}
		for (int i = 0; i < AT_ONCE; i++) {
			datagrams->headers[i].msg_hdr.msg_namelen =
			    sizeof(datagrams->from[i]);
			datagrams->from[i].ss_family = AF_UNSPEC;
		}
		n = recvmmsg(fd, datagrams->headers, AT_ONCE, 0, NULL);
		for (int i = 0; i < n; i++)
			take(datagrams, i);
	}
	loop_added(loop);
}

static void
make_buffers(struct datagrams *datagrams)
{
	datagrams->bytes = xmalloc((size_t)AT_ONCE * DATAGRAM_BYTES);
	for (int i = 0; i < AT_ONCE; i++) {
		struct msghdr *header = &datagrams->headers[i].msg_hdr;

		datagrams->places[i].iov_base = datagrams->bytes +
		    (size_t)i * DATAGRAM_BYTES;
		datagrams->places[i].iov_len = DATAGRAM_BYTES;
		header->msg_iov = &datagrams->places[i];
		header->msg_iovlen = 1;
		header->msg_name = &datagrams->from[i];
	}
}

int
datagram_open(struct input *input, int count, struct err *err)
{
	struct datagrams *datagrams = xcalloc(1, sizeof(*datagrams));

	input->state = datagrams;
	datagrams->input = input;
	datagrams->line_bytes = (size_t)loop_conf(input->loop)->line_bytes;
	datagrams->sockets = xcalloc((size_t)count,
	    sizeof(*datagrams->sockets));
	make_buffers(datagrams);
	for (int i = 0; i < count; i++) {
		int fd = listen_socket(input, SOCK_DGRAM, err);

		if (fd < 0)
			return -1;
		receive_buffer(fd);
		datagrams->sockets[i] = event_new(loop_base(input->loop), fd,
		    EV_READ | EV_PERSIST, on_read, datagrams);
		datagrams->nsockets++;
		event_add(datagrams->sockets[i], NULL);
	}
	return 0;
}

void
datagram_resume(struct input *input)
{
	struct datagrams *datagrams = input->state;

	if (!datagrams->paused)
		return;
	datagrams->paused = false;
	for (int i = 0; i < datagrams->nsockets; i++)
		event_add(datagrams->sockets[i], NULL);
}

/* What is in the kernel's buffer is still read during the grace. */
void
datagram_stop(struct input *input)
{
	(void)input;
}

bool
datagram_is_open(const struct input *input)
{
	const struct datagrams *datagrams = input->state;

	return datagrams->nsockets > 0;
}

void
datagram_close(struct input *input)
{
	struct datagrams *datagrams = input->state;

	for (int i = 0; i < datagrams->nsockets; i++) {
		close(event_get_fd(datagrams->sockets[i]));
		event_free(datagrams->sockets[i]);
	}
	free(datagrams->sockets);
	free(datagrams->bytes);
	free(datagrams);
	input->state = NULL;
}

void
datagram_tick(struct input *input)
{
	struct datagrams *datagrams = input->state;
	uint64_t drops = 0;

	for (int i = 0; i < datagrams->nsockets; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);

		if (getsockopt(event_get_fd(datagrams->sockets[i]), SOL_SOCKET,
		    SO_MEMINFO, info, &len) == 0)
			drops += info[SK_MEMINFO_DROPS];
	}
	/* 32 bits in the kernel: they may go round. */
	input->kernel_drops += (uint32_t)(drops - datagrams->drops);
	datagrams->drops = drops;
}
