/* engine/listen.h -- receivers: from a socket to lines.
 *
 * A row of listen.def is a kind of receiver with its functions in
 * listen_<name>.c. Each row of `listen` in the configuration is an input: one
 * receiver with its own counts. The ledger of an input always balances:
 *
 *	received = stored + rejected + in flight
 *
 * Owner: the loop's thread.
 */
#ifndef YAGURA_ENGINE_LISTEN_H
#define YAGURA_ENGINE_LISTEN_H

#include "engine/slice.h"

struct conf_listen;
struct err;
struct input;
struct loop;

struct listen_kind {
	const char *name;
	/* Binds and begins; -1 and *err if that cannot be. */
	int	 (*open)(struct input *input, struct err *err);
	/* There is room again: read on where loop_ready() had said no. */
	void	 (*resume)(struct input *input);
	/* Takes nothing new; what was taken may still be answered. */
	void	 (*stop)(struct input *input);
	/* Frees everything. */
	void	 (*close)(struct input *input);
	/* More is durable, or the disk became full or has room again. May be
	 * NULL. */
	void	 (*progress)(struct input *input);
	/* Once a second: counters of the kernel, time limits. May be NULL. */
	void	 (*tick)(struct input *input);
};

/* Why something received was not stored. */
enum input_reject {
	INPUT_CUT,		/* a line unfinished when we stopped */
	INPUT_NOT_NDJSON,	/* lines of a refused HTTP body */
	INPUT_LOST,		/* in flight when the store failed */
	INPUT_REJECTS
};

struct input {
	const struct listen_kind *kind;
	const struct conf_listen *conf;
	struct loop *loop;
	void	*state;		/* of the kind */
	uint16_t number;	/* from 1; event->source until parsed */
	uint16_t port;		/* bound to; 0 for a path */
	uint64_t received, bytes, stored, rejected[INPUT_REJECTS];
	uint64_t truncated;	/* stored, but cut at the limit */
	uint64_t kernel_drops;	/* never received: the socket was full */
	uint64_t connections;	/* open now */
	uint64_t accepted;	/* connections, ever */
	uint64_t turned_away;	/* connections or requests past a limit */
	uint64_t paused;	/* times a sender was made to wait */
};

const struct listen_kind *listen_kind_find(const char *name);
const char *input_reject_name(enum input_reject reject);

/* "127.0.0.1:514" of a socket address, into the buffer. */
#define PEER_BYTES 56
struct slice peer_format(const void *address, char buf[PEER_BYTES]);

/* A bound socket for the input: non-blocking, close-on-exec; -1 and *err, whose
 * text names the address and what to do about it. */
int listen_socket(struct input *input, int type, struct err *err);

#endif
