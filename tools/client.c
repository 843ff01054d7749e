#include "tools/client.h"

#include "engine/check.h"
#include "engine/conf.h"
#include "engine/err.h"
#include "engine/strbuf.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 60
#define ANSWER_BYTES (64u << 20)

struct client {
	struct sockaddr_storage address;
	socklen_t len;
	char	 name[80];
	int	 fd;		/* -1: not connected */
	struct strbuf in;
};

/* Every address means this machine. */
static void
towards(struct sockaddr_storage *address)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET && in4->sin_addr.s_addr == 0)
		in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (address->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
}

static int
dial(struct client *client, struct err *err)
{
	struct timeval patience = { PATIENCE_S, 0 };
	int on = 1;

	client->fd = socket(client->address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd >= 0 && connect(client->fd,
	    (const struct sockaddr *)&client->address, client->len) == 0) {
		setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		    sizeof(patience));
		setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		    sizeof(patience));
		setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		return 0;
	}
	err_errno(err, ERR_IO, "the daemon at http %s", client->name);
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	return -1;
}

struct client *
client_open(const struct conf *conf, struct err *err)
{
	struct client *client = xcalloc(1, sizeof(*client));
	size_t i = 0;

	client->fd = -1;
	strbuf_init(&client->in);
	while (i < conf->nlisten && strcmp(conf->listen[i].kind, "http") != 0)
		i++;
	if (i == conf->nlisten) {
		err_set(err, ERR_IO, "the configuration has no http in "
		    "listen, so the daemon cannot be asked");
	} else {
		client->address = conf->listen[i].address;
		client->len = conf->listen[i].address_len;
		snprintf(client->name, sizeof(client->name), "%s",
		    conf->listen[i].name);
		towards(&client->address);
		if (dial(client, err) == 0)
			return client;
	}
	client_close(client);
	return NULL;
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	if (client->fd >= 0)
		close(client->fd);
	strbuf_fini(&client->in);
	free(client);
}

static int
lost(struct client *client, struct err *err)
{
	err_errno(err, ERR_IO, "the daemon at http %s", client->name);
	close(client->fd);
	client->fd = -1;
	return -1;
}

static bool
put_all(struct client *client, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(client->fd, bytes.ptr, bytes.len,
		    MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes = slice_skip(bytes, (size_t)n);
	}
	return true;
}

/* More of the answer; false at the end or past the limit. */
static bool
get_more(struct client *client)
{
	char *room = strbuf_room(&client->in, 65536);
	ssize_t n = client->in.len < ANSWER_BYTES ?
	    recv(client->fd, room, 65536, 0) : -1;

	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0)
		return false;
	client->in.len += (size_t)n;
	client->in.ptr[client->in.len] = '\0';
	return true;
}

/* What Content-Length says; we wrote the other side, it always says it. */
static uint64_t
content_length(const struct strbuf *in, size_t head)
{
	const char *at = strcasestr(in->ptr, "\r\ncontent-length:");

	if (at == NULL || at > in->ptr + head)
		return 0;
	return strtoull(at + strlen("\r\ncontent-length:"), NULL, 10);
}

static int
read_answer(struct client *client, struct slice *answer)
{
	ptrdiff_t head;
	uint64_t len;

	strbuf_clear(&client->in);
	while ((head = slice_find(strbuf_slice(&client->in),
	    SLICE("\r\n\r\n"))) < 0)
		if (!get_more(client))
			return -1;
	len = content_length(&client->in, (size_t)head);
	if (len > ANSWER_BYTES)
		return -1;
	while (client->in.len < (size_t)head + 4 + len)
		if (!get_more(client))
			return -1;
	*answer = slice_of(client->in.ptr + head + 4, (size_t)len);
	return slice_starts(strbuf_slice(&client->in), SLICE("HTTP/1.1 ")) ?
	    atoi(client->in.ptr + 9) : -1;
}

int
client_ask(struct client *client, const char *path, const char *headers,
    const struct slice *body, struct slice *answer, struct err *err)
{
	struct strbuf head = STRBUF_INIT;
	int status = -1;

	if (client->fd < 0 && dial(client, err) < 0)
		return -1;
	strbuf_printf(&head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s",
	    body != NULL ? "POST" : "GET", path, headers);
	if (body != NULL)
		strbuf_printf(&head, "Content-Length: %zu\r\n", body->len);
	strbuf_puts(&head, "\r\n");
	errno = EPROTO;
	if (put_all(client, strbuf_slice(&head)) &&
	    (body == NULL || put_all(client, *body)))
		status = read_answer(client, answer);
	strbuf_fini(&head);
	return status < 0 ? lost(client, err) : status;
}
