/* engine/listen_unix.c -- datagrams on a socket in the file system.
 *
 * For programs of this machine, as /dev/log: everybody may write. The peer of
 * an event is the path of the socket.
 */
#include "engine/listen.h"

#include "engine/conf.h"
#include "engine/err.h"
#include "engine/listen_datagram.h"

#include <sys/stat.h>
#include <unistd.h>

static int
unix_open(struct input *input, struct err *err)
{
	if (datagram_open(input, 1, err) < 0)
		return -1;
	if (chmod(input->conf->name, 0666) < 0)
		return err_errno(err, ERR_IO, "listen unix %s",
		    input->conf->name);
	return 0;
}

/* A path that we could not bind belongs to somebody else. */
static void
unix_close(struct input *input)
{
	if (datagram_is_open(input))
		unlink(input->conf->name);
	datagram_close(input);
}

extern const struct listen_kind listen_unix;
const struct listen_kind listen_unix = {
	.name = "unix", .open = unix_open, .resume = datagram_resume,
	.stop = datagram_stop, .close = unix_close,
};
