#include "engine/listen.h"

#include "engine/conf.h"
#include "engine/err.h"
#include "engine/ip.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN(name, help) extern const struct listen_kind listen_##name;
#include "engine/listen.def"
#undef LISTEN

static const struct listen_kind *const kinds[] = {
#define LISTEN(name, help) &listen_##name,
#include "engine/listen.def"
#undef LISTEN
};

const struct listen_kind *
listen_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

const char *
input_reject_name(enum input_reject reject)
{
	static const char *const names[INPUT_REJECTS] = {
		[INPUT_CUT] = "shutdown", [INPUT_NOT_NDJSON] = "json",
		[INPUT_LOST] = "store" };

	return names[reject];
}

struct slice
peer_format(const void *address, char buf[PEER_BYTES])
{
	const struct sockaddr_in *in4 = address;
	const struct sockaddr_in6 *in6 = address;
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
	char text[IP_TEXT_BYTES];
	unsigned port;
	int n;

	if (in4->sin_family == AF_INET) {
		memcpy(ip + 12, &in4->sin_addr, 4);
		port = ntohs(in4->sin_port);
	} else if (in4->sin_family == AF_INET6) {
		memcpy(ip, &in6->sin6_addr, 16);
		port = ntohs(in6->sin6_port);
	} else {
		return slice_of(buf, 0);
	}
	n = snprintf(buf, PEER_BYTES, ip_is_v4(ip) ? "%.*s:%u" : "[%.*s]:%u",
	    (int)ip_format(ip, text).len, ip_format(ip, text).ptr, port);
	return slice_of(buf, n > 0 ? (size_t)n : 0);
}

static const char *
remedy(int error)
{
	if (error == EADDRINUSE)
		return " (another program listens there: is yagurad running "
		    "already?)";
	if (error == EACCES)
		return " (ports below 1024 need root or "
		    "CAP_NET_BIND_SERVICE)";
	if (error == EADDRNOTAVAIL)
		return " (this machine does not have that address)";
	return "";
}

/* A socket left by a run that ended hard is in the way; one that answers
 * belongs to somebody. */
static void
stale_unlink(const struct conf_listen *row, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)&row->address,
	    row->address_len) < 0 && errno == ECONNREFUSED)
		unlink(row->name);
	close(fd);
}

static void
socket_options(const struct conf_listen *row, int fd, int type)
{
	int on = 1, off = 0;

	if (row->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (row->sockets > 1)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

/* Asked for port 0 the kernel chose one. */
static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
	    address.ss_family == AF_UNIX)
		return 0;
	return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

int
listen_socket(struct input *input, int type, struct err *err)
{
	const struct conf_listen *row = input->conf;
	int fd = socket(row->address.ss_family,
	    type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return err_errno(err, ERR_IO, "listen %s %s", row->kind,
		    row->name);
	socket_options(row, fd, type);
	if (row->address.ss_family == AF_UNIX)
		stale_unlink(row, type);
	if (bind(fd, (const struct sockaddr *)&row->address,
	    row->address_len) == 0) {
		input->port = bound_port(fd);
		return fd;
	}
	error = errno;
	close(fd);
	return err_set(err, ERR_IO, "listen %s %s: %s%s", row->kind, row->name,
	    strerror(error), remedy(error));
}
