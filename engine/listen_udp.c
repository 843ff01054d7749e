/* engine/listen_udp.c -- syslog over UDP, RFC 5426. */
#include "engine/listen.h"

#include "engine/conf.h"
#include "engine/listen_datagram.h"

static int
udp_open(struct input *input, struct err *err)
{
	return datagram_open(input, input->conf->sockets, err);
}

extern const struct listen_kind listen_udp;
const struct listen_kind listen_udp = {
	.name = "udp", .open = udp_open, .resume = datagram_resume,
	.stop = datagram_stop, .close = datagram_close,
	.tick = datagram_tick,
};
